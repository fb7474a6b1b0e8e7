"""Profile likelihood: how the fit gets worse as one number is held and all others follow.

    found = profile(objective, fit, "perovskite.lifetime")
    found.interval          # where chi-square has risen by 3.84: 95 %

Where the likelihood is no Gaussian in the numbers it tells the interval that the covariance does not (S. A. Murphy, A.
W. van der Vaart, J. Am. Stat. Assoc. 95, 449 (2000), doi:10.1080/01621459.2000.10474219; A. Raue et al., Bioinformatics
25, 1923 (2009), doi:10.1093/bioinformatics/btp358).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate.least_squares import Fit, solve
from perotwin.calibrate.objective import Objective
from perotwin.errors import InputError

__all__ = ["RISE", "Profile", "profile", "rise_at"]

F64 = NDArray[np.float64]

#: rise of chi-square at the ends of a 95 % interval of one number
RISE = 3.841458820694124
#: an end is found to this part of the rise; steps of the search at most, and how far one goes
_CLOSE, _STEPS, _FARTHEST = 0.15, 10, 4.0
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Profile:
    """The profile of one number.

    Attributes:
        name: of it. values: (K,) SI, ascending. rise: (K,) of chi-square above the best, priors included.
        interval: 95 %, SI. open: whether the lower and the upper end are bounds and no ends of the likelihood.
    """

    name: str
    values: F64
    rise: F64
    interval: tuple[float, float]
    open: tuple[bool, bool]


def _whole(fit: Fit) -> float:
    return fit.chi2 + float(fit.priors @ fit.priors)


def rise_at(
    objective: Objective, fit: Fit, index: int, value: float, begin: F64 | None = None
) -> tuple[float, F64]:
    """By how much chi-square rises where one number is held at a value (SI) and all others follow, and their values
    (P,).

    Args:
        begin: (P,) values from which the others are sought.
    """
    others = [i for i in range(len(fit.parameters)) if i != index]
    if begin is None:
        # along the valley, as far as the covariance tells it
        begin = fit.values.copy()
        variance = float(fit.covariance[index, index])
        if math.isfinite(variance) and variance > 0.0:
            one = fit.parameters[index]
            shift = one.coordinate(value) - float(fit.coordinates[index])
            slopes = np.where(np.isfinite(fit.covariance[:, index]), fit.covariance[:, index], 0.0) / variance
            begin = np.array([
                p.value(min(max(float(u) + float(s) * shift, p.ends[0]), p.ends[1]))
                for p, u, s in zip(fit.parameters, fit.coordinates, slopes, strict=True)
            ])  # fmt: skip

    def whole(some: F64) -> F64:
        every = np.empty(len(fit.parameters))
        every[others], every[index] = some, value
        return every

    if not others:
        residuals = objective.residuals(np.array([value]))
        one = fit.parameters[index]
        prior = 0.0 if one.prior is None else -2.0 * one.log_prior(one.coordinate(value))
        return float(residuals @ residuals) + prior - _whole(fit), np.array([value])
    some = [
        replace(
            fit.parameters[i], start=min(max(float(begin[i]), fit.parameters[i].low), fit.parameters[i].high)
        )
        for i in others
    ]
    found = solve(
        lambda v: objective.residuals(whole(v)),
        some,
        jacobian=lambda v: objective.jacobian(whole(v))[:, others],
        tolerance=_TOLERANCE,
        label=f"profile of {fit.parameters[index].name}",
    )
    one = fit.parameters[index]
    own = 0.0 if one.prior is None else -2.0 * one.log_prior(one.coordinate(value))
    if not found.complete:
        raise KeyboardInterrupt
    return _whole(found) + own - _whole(fit), whole(found.values)


def profile(objective: Objective, fit: Fit, name: str) -> Profile:
    """The profile of one number about a fit, and its 95 % interval.

    Raises:
        InputError: there is no such number.
        KeyboardInterrupt: interrupted.
    """
    names = [one.name for one in fit.parameters]
    if name not in names:
        raise InputError(f'no parameter is called "{name}".', f"There are {', '.join(names)}.", key=name)
    index = names.index(name)
    one = fit.parameters[index]
    here = float(fit.coordinates[index])
    sd = float(fit.sd[index])
    low, high = one.ends
    points = {here: 0.0}
    ends, are_open = [], []
    with objective.remembering(), progress.task(f"profile of {name}") as counter:
        for sign, end in ((-1.0, low), (1.0, high)):
            step = min(1.96 * sd, 0.5 * one.span) if math.isfinite(sd) and sd > 0.0 else 0.25 * one.span
            inner, rise_inner, begin = here, 0.0, None
            outer: tuple[float, float] | None = None
            u = here + sign * step
            found_end, is_open = end, True
            for _ in range(_STEPS):
                u = min(max(u, low), high)
                rise, values = rise_at(objective, fit, index, one.value(u), begin)
                counter.advance()
                points[u] = rise
                if abs(rise - RISE) < _CLOSE * RISE:
                    # the rise is a parabola about its foot: corrected to the level that is asked for
                    corrected = here + (u - here) * math.sqrt(RISE / rise)
                    found_end, is_open = min(max(corrected, low), high), False
                    break
                if rise < RISE:
                    if u == end:
                        break
                    inner, rise_inner, begin = u, rise, values
                else:
                    outer = (u, rise)
                if outer is None:
                    grow = math.sqrt(RISE / max(rise, 1e-3)) if rise > 0.0 else _FARTHEST
                    u = here + (u - here) * min(max(grow, 1.2), _FARTHEST)
                else:
                    # roots of the rise are nearly straight in the number
                    a, b = math.sqrt(max(rise_inner, 0.0)), math.sqrt(outer[1])
                    part = (math.sqrt(RISE) - a) / max(b - a, 1e-12)
                    u = inner + min(max(part, 0.1), 0.9) * (outer[0] - inner)
            else:
                if outer is not None:
                    found_end, is_open = 0.5 * (inner + outer[0]), False
            ends.append(found_end)
            are_open.append(is_open)
    order = sorted(points)
    return Profile(
        name,
        np.array([one.value(u) for u in order]),
        np.array([points[u] for u in order]),
        (one.value(ends[0]), one.value(ends[1])),
        (are_open[0], are_open[1]),
    )
