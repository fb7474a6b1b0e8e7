"""Up a function whose slopes are known, within a box: few steps to the top of the hill that one stands on (L-BFGS-B,
R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, SIAM J. Sci. Comput. 16, 1190 (1995), doi:10.1137/0916069).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Point", "climb"]

F64 = NDArray[np.float64]

#: how the search says that it was not done within its points
_TOO_LONG = 1


@dataclass(frozen=True)
class Point:
    """A place in the box (shares), the value there and its slopes by the shares."""

    place: F64
    value: float
    slopes: F64


class _Lost(Exception):
    """Slopes are not known any more."""


def climb(
    seen: Callable[[F64], Point | None], start: Point, radius: float, least: float, most: int
) -> Point | None:
    """Search for the largest value near a place.

    Args:
        seen: tells a point near the place asked for, at digits that can be written; None where there is none.
        start: where to begin. radius: length of the first step. least: steps below this count as none. most: points.

    Returns:
        The best; None when it was not reached within `most` points, or slopes were lost on the way.
    """
    from scipy.optimize import minimize

    steep = float(np.linalg.norm(start.slopes))
    if steep == 0.0:
        return start
    # the first step of the search is as long as the first slopes; a top a range away then curves by `radius`
    scale = radius / steep
    best = start

    def loss(place: F64) -> tuple[float, F64]:
        nonlocal best
        point = start if np.array_equal(place, start.place) else seen(place)
        if point is None:
            raise _Lost
        if point.value > best.value:
            best = point
        return scale * (start.value - point.value), -scale * point.slopes

    try:
        found = minimize(
            loss, start.place, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * start.place.size,
            options={"maxfun": most, "gtol": least * radius, "ftol": 0.1 * least**2 * radius},
        )  # fmt: skip
    except _Lost:
        return None
    return None if found.status == _TOO_LONG else best
