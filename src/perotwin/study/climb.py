"""Up a function whose slopes are known, within a box: few steps to the top of the hill that one stands on.

A quadratic model in a region that it is trusted in, as Powell's methods make it from values: here the first slopes give
it its tilt and their changes its curvature (BFGS, damped as in M. J. D. Powell, "A fast algorithm for nonlinearly
constrained optimization calculations", Lect. Notes Math. 630, 144 (1978), doi:10.1007/BFb0067703, so that it stays a
hill). Its top within the box and the region is found exactly (bounded least squares).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Point", "climb"]

F64 = NDArray[np.float64]

#: part of the foretold rise below which the region halves, and above which it doubles where it held a step back
_POOR, _GOOD = 0.25, 0.75
#: least part of the model's curvature along a step that measured slopes may make of it
_DAMPED = 0.2
#: least curvature of the model, as a part of its largest
_FLAT = 1e-9


@dataclass(frozen=True)
class Point:
    """A place in the box (shares), the value there and its slopes by the shares."""

    place: F64
    value: float
    slopes: F64


def climb(
    seen: Callable[[F64], Point | None], start: Point, radius: float, least: float, most: int
) -> Point | None:
    """Search for the largest value near a place.

    Args:
        seen: tells a point near the place asked for, at digits that can be written; None where there is none.
        start: where to begin. radius: the longest first step along one direction, of which later ones may be three.
            least: steps below this count as none. most: points.

    Returns:
        The best; None when it was not reached within `most` points, or slopes were lost on the way.
    """
    best, most_radius = start, 3.0 * radius
    # before anything is known of it, a hill so flat that the first step is as long as it may be
    steep = float(np.linalg.norm(start.slopes))
    model = np.eye(start.place.size) * (steep / radius if steep > 0.0 else 1.0)
    first = True
    for _ in range(most):
        step = _top(best, model, radius)
        if float(np.abs(step).max()) < least:
            return best
        next_one = seen(np.clip(best.place + step, 0.0, 1.0))
        if next_one is None:
            return None
        made = next_one.place - best.place
        length = float(np.abs(made).max())
        if length == 0.0:
            return best
        foretold = float(best.slopes @ made - 0.5 * made @ model @ made)
        rise = next_one.value - best.value
        model, first = _learned(model, made, best.slopes - next_one.slopes, first), False
        if rise < _POOR * foretold:
            radius = 0.5 * length
        elif rise > _GOOD * foretold and length > 0.99 * radius:
            radius = min(2.0 * radius, most_radius)
        if rise > 0.0:
            best = next_one
        if radius < least:
            return best
    return None


def _top(at: Point, model: F64, radius: float) -> F64:
    """The step to the top of the model, g s - s B s / 2, within the box and the region."""
    from scipy.optimize import lsq_linear

    low, high = np.maximum(-at.place, -radius), np.minimum(1.0 - at.place, radius)
    sizes, axes = np.linalg.eigh(model)
    root = np.sqrt(np.maximum(sizes, _FLAT * sizes[-1]))[:, None] * axes.T
    # a number at an end of its range may have no room on that side; the solver wants some
    room = 1e-12 * radius
    found = lsq_linear(root, np.linalg.solve(root.T, at.slopes), (low - room, high + room), method="bvls")
    return np.asarray(np.clip(found.x, low, high))


def _learned(model: F64, step: F64, fall: F64, first: bool) -> F64:
    """The model after the slopes fell by `fall` along a step."""
    along = float(step @ fall)
    if first and along > 0.0:
        # as steep a hill all round as along the step
        model = np.eye(step.size) * (along / float(step @ step))
    pulled = model @ step
    own = float(step @ pulled)
    share = 1.0 if along >= _DAMPED * own else (1.0 - _DAMPED) * own / (own - along)
    damped = share * fall + (1.0 - share) * pulled
    return np.asarray(
        model + np.outer(damped, damped) / float(step @ damped) - np.outer(pulled, pulled) / own
    )
