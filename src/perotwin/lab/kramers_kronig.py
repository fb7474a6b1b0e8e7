"""Whether a spectrum breaks the relations of Kramers and Kronig, and where: arrays only.

A sum of relaxations keeps the relations whatever its weights, so that of a spectrum that breaks them it leaves more
than noise (B. A. Boukamp, J. Electrochem. Soc. 142, 1885 (1995), doi:10.1149/1.2044210). How many follow the noise as
well is settled there by their number (M. Schoenleber et al., Electrochim. Acta 131, 20 (2014),
doi:10.1016/j.electacta.2014.01.034), here by how smooth their weights are. What is left is asked two things: whether
it has a trend along the frequency, which a drift of the cell or a wrong range of the instrument leaves, and whether a
point lies beyond what the scatter of the others allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.lab.spectrum_fit import Smooth

__all__ = ["Breach", "breach"]

F64 = NDArray[np.float64]

#: nominal chance of a false alarm of either question, of Gaussian noise; what was counted stands in the documentation
_CHANCE = 1e-3
#: what of |Z| the relaxations may miss of a spectrum without noise, of few points within a window that cuts its arcs
_FLOOR = 1e-3
#: points for each cosine of the trend, which has one for each decade at most
_PER_COSINE = 6
#: part of the noise along a direction below which the smooth course has eaten that direction
_EATEN = 0.05
#: part of a standard deviation below which what is left at a point tells nothing of it
_HELD = 1e-3


@dataclass(frozen=True)
class Breach:
    """What noise does not explain.

    Attributes:
        trend: (largest part of |Z|, Hz where), or None. points: Hz of those that stand out, the worst first.
        off: how far the worst stands out, in standard deviations.
    """

    trend: tuple[float, float] | None
    points: tuple[float, ...]
    off: float


def breach(smooth: Smooth) -> Breach | None:
    """Where a spectrum breaks the relations beyond its noise, None where it does not."""
    trend = _trend(smooth)
    points, off = _points(smooth)
    return Breach(trend, points, off) if trend is not None or points else None


def _parts(smooth: Smooth) -> F64:
    return np.concatenate([smooth.left.real, smooth.left.imag])


def _trend(smooth: Smooth) -> tuple[float, float] | None:
    """The largest of a trend in what is left, and where, if an F-test finds one.

    With e the noise, (I - H) e is left, H the smoothing. Its products with cosines T along log f are those of e with
    S = (I - H) T: along orthonormal directions of S they scatter like the noise.
    """
    from scipy.linalg import eigh, qr
    from scipy.stats import f

    left, count = _parts(smooth), smooth.frequency.size
    place = np.log(smooth.frequency / smooth.frequency[0])
    decades = place[-1] / np.log(10.0)
    cosines = min(round(decades), count // _PER_COSINE)
    if cosines < 1:
        return None
    waves = np.cos(np.pi * np.outer(place / place[-1], np.arange(cosines)))
    both = qr(np.kron(np.eye(2), waves), mode="economic")[0]
    seen = _passed(smooth, both)
    size, axes = eigh(seen.T @ seen)
    kept = size > _EATEN
    if not kept.any():
        return None
    along = axes[:, kept] / np.sqrt(size[kept])
    amounts = along.T @ (both.T @ left)
    shape = _passed(smooth, seen @ along)
    rest = left - shape @ amounts
    freedom = _freedom(smooth) - float(np.sum(shape**2))
    if freedom < 1.0:
        return None
    noise = max(float(rest @ rest) / freedom, _FLOOR**2)
    if f.sf(float(amounts @ amounts) / kept.sum() / noise, int(kept.sum()), freedom) >= _CHANCE:
        return None
    course = shape @ amounts
    height = np.hypot(course[:count], course[count:])
    worst = int(np.argmax(height))
    return float(height[worst]), float(smooth.frequency[worst])


def _points(smooth: Smooth) -> tuple[tuple[float, ...], float]:
    """Hz of points that stand out of the scatter of the others, the worst first, and by how many of its deviations."""
    from scipy.stats import t

    left, count = _parts(smooth), smooth.frequency.size
    # what is left of noise of unit deviation at each point, as (I - H) e
    weight = np.sum(smooth.follows**2, axis=0)
    own = 1.0 - 2.0 * np.sum(smooth.follows**2, axis=1) + smooth.follows**2 @ weight
    each = np.abs(left) / np.sqrt(np.maximum(own, _HELD))
    scatter = max(float(np.median(each)) / 0.6745, _FLOOR)
    # a scatter by the median is known about half as well as one by squares
    limit = float(t.isf(_CHANCE / (2.0 * each.size), max(0.5 * _freedom(smooth), 3.0)))
    off = np.maximum(each[:count], each[count:]) / scatter
    out = [int(one) for one in np.argsort(off)[::-1] if off[one] > limit]
    return tuple(float(smooth.frequency[one]) for one in out), float(off.max())


def _passed(smooth: Smooth, columns: F64) -> F64:
    """What the smooth course leaves of columns (2 W, N)."""
    return np.asarray(columns - smooth.follows @ (smooth.follows.T @ columns))


def _freedom(smooth: Smooth) -> float:
    """The trace of (I - H)^2, by which what is left of unit noise scatters."""
    own = smooth.follows.T @ smooth.follows
    return smooth.follows.shape[0] - 2.0 * float(np.trace(own)) + float(np.sum(own**2))
