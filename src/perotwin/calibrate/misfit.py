"""Whether a fit describes its data: chi-square and runs of the residuals, data set by data set.

A wrong model leaves residuals that are too large, or that lie on one side for many neighbours. The second is seen also
where the standard deviations were stated too large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Misfit", "misfit", "runs"]

F64 = NDArray[np.float64]

#: how unlikely chance has to be for a remark
_CHANCE = 1e-3
#: fewest residuals whose runs tell anything
_FEW = 8
#: root mean square of residuals, in their standard deviations, below which their signs are rounding
_NOTHING = 1e-3


@dataclass(frozen=True)
class Misfit:
    """How one data set fits.

    Attributes:
        name: of it. count: data. chi2: sum of squared residuals. probability: that chance alone makes it as large, with
            so many degrees of freedom as data less the data set's share of the parameters.
        runs: of residuals of one sign, and how many are expected; `runs_probability` that chance makes so few.
        flagged: whether either is too unlikely. words: what that means; "" where it fits.
    """

    name: str
    count: int
    chi2: float
    probability: float
    runs: int
    expected_runs: float
    runs_probability: float
    flagged: bool
    words: str


def runs(residuals: F64) -> tuple[int, float, float]:
    """Runs of one sign in residuals (N,), how many chance makes, and how likely it makes so few.

    The test of A. Wald and J. Wolfowitz, Ann. Math. Stat. 11, 147 (1940), doi:10.1214/aoms/1177731909, in its normal
    limit.
    """
    signs = np.sign(residuals[residuals != 0.0])
    plus, minus = int((signs > 0).sum()), int((signs < 0).sum())
    count = plus + minus
    if count < 2:
        return count, float(count), 1.0
    found = 1 + int((signs[1:] != signs[:-1]).sum())
    expected = 1.0 + 2.0 * plus * minus / count
    if plus == 0 or minus == 0:
        return found, 1.0 + 0.5 * count, 2.0 ** (1 - count)
    variance = (expected - 1.0) * (expected - 2.0) / (count - 1.0)
    if not variance > 0.0:
        return found, expected, 1.0
    from scipy.special import ndtr

    return found, expected, float(ndtr((found + 0.5 - expected) / math.sqrt(variance)))


def misfit(name: str, residuals: F64, parameters: float) -> Misfit:
    """How residuals (N,) of one data set look, `parameters` of the fit counted as found from it."""
    from scipy.stats import chi2

    count = int(residuals.size)
    total = float(residuals @ residuals)
    degrees = max(count - parameters, 1.0)
    probability = float(chi2.sf(total, degrees))
    found, expected, few = runs(residuals)
    large = probability < _CHANCE
    slow = count >= _FEW and few < _CHANCE and total > _NOTHING**2 * count
    words = []
    if large:
        times = math.sqrt(total / degrees)
        words.append(f"are {times:.{0 if times >= 10.0 else 1}f} times as large as their standard deviations")
    if slow:
        words.append(
            f"lie on one side for long (they change it {found - 1} time{'' if found == 2 else 's'}, by chance "
            f"{expected - 1.0:.0f})"
        )
    said = ""
    if words:
        said = (
            f"{name} is not described: its residuals {' and '.join(words)}. The model lacks something that this cell "
            "has, or the data are wrong by more than they state; intervals below are too narrow."
        )
    return Misfit(name, count, total, probability, found, expected, few, bool(words), said)
