"""How `optimise` looks for the largest value of a function in a box.

An efficiency is smooth in each number of a cell, but interference makes it wavy in thicknesses, the lines of the solar
spectrum do so in bandgaps, a point here and there cannot be solved, and each costs a tenth of a second. So a survey of
the whole box comes first (Sobol's points, which are evenly spread and the same every time), then searches start from
the cell as it is and from the best places of the survey that lie apart, and one more, with short steps, from the best
of all; again where the lines along each number through it meet something better. Each is by COBYQA (T. M. Ragonneau,
PhD thesis, The Hong Kong Polytechnic University 2022, https://theses.lib.polyu.edu.hk/handle/200/12294; in scipy),
which needs no derivatives, models the function by quadratics in a region that it trusts, as Powell's methods do, and
never leaves the bounds. Where slopes are known (`study.exact_slopes`), the last searches take them (`study.climb`), and
those with long steps may end sooner. Nothing is drawn by chance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.study.climb import Point, climb

__all__ = [
    "ABOUT_THE_BEST",
    "AS_IT_IS",
    "LINES",
    "SEARCH",
    "SLOPES",
    "SURVEY",
    "Place",
    "Seen",
    "refine",
    "search",
    "survey",
]

F64 = NDArray[np.float64]
Place = tuple[float, ...]

#: what a cell was tried for; of searches with their number
AS_IT_IS, SURVEY, SEARCH = "as it is", "survey", "search"
LINES, SLOPES = ABOUT_THE_BEST = ("lines", "slopes")

#: searches from places of the survey, beside the one from the cell as it is
_STARTS = 2
#: distance (share of the ranges, in the direction in which it is largest) below which two starts would find the same
_APART = 0.15
#: trust region of a search at its beginning, of the last one at its beginning, and of all at their end, as shares of
#: the ranges: long steps pass over ripples, and the last ones go down into the one that was met
_FIRST, _AGAIN, _LAST = 0.1, 0.03, 1e-3
#: where slopes are followed: the ends of searches from which they are, and the least step along them
_NEAR, _CLOSE = 1e-2, 3e-4


@dataclass(frozen=True)
class Seen:
    """A place (shares of the ranges), what brought us there, and the value there; NaN where there is none."""

    stage: str
    place: Place
    value: float


class _StoppedError(Exception):
    """The search was interrupted from elsewhere."""


def survey(count: int) -> list[Place]:
    """Places evenly spread over a box of `count` dimensions: its middle, then finer and finer."""
    from scipy.stats.qmc import Sobol

    power = 4 if count < 3 else 5 if count < 5 else 6
    sobol = Sobol(count, scramble=False)
    sobol.fast_forward(1)  # the first is a corner
    return [tuple(float(x) for x in place) for place in sobol.random(2**power - 1)]


def search(
    known: Sequence[Seen],
    value: Callable[[str, Place], float],
    start: Place,
    side_by_side: bool,
    refined: bool = False,
) -> None:
    """Search for the largest value with long steps, from `start` and from the best places that are known.

    Args:
        known: the survey, with values.
        value: the function; told which search asks ("search 1", ...). NaN where there is none.
        start: shares, within the box.
        side_by_side: let the searches run in threads, where `value` waits for other processes.
        refined: whether slopes are followed from where they end.

    Raises:
        KeyboardInterrupt: when interrupted; the searches have ended then.
    """
    starts = [start]
    for one in sorted((one for one in known if np.isfinite(one.value)), key=lambda one: -one.value):
        if len(starts) <= _STARTS and all(_distance(one.place, other) > _APART for other in starts):
            starts.append(one.place)
    stop = threading.Event()
    with progress.task("searching", total=_most(start) * len(starts)) as counter:

        def go(number: int) -> None:
            def asked(stage: str, place: Place) -> float:
                if stop.is_set():
                    raise _StoppedError
                found = value(stage, place)
                counter.advance()
                return found

            _local(
                asked, f"{SEARCH} {number}", starts[number - 1], (_FIRST, _NEAR if refined else _LAST), known
            )

        numbers = range(1, len(starts) + 1)
        if not side_by_side:
            for number in numbers:
                go(number)
            return
        with ThreadPoolExecutor(len(starts)) as threads:
            running = [threads.submit(go, number) for number in numbers]
            try:
                for future in running:
                    future.result()
            except BaseException:
                stop.set()
                raise


def refine(
    known: Sequence[Seen],
    value: Callable[[str, Place], float],
    number: int,
    start: Place,
    followed: Callable[[str, Place], Point | None] | None = None,
) -> bool:
    """Search with short steps from a place, as "search `number`"; see `search`.

    Args:
        followed: the function with its slopes, where it has some; None where they are lost.

    Returns:
        Whether slopes led to the end.
    """
    stage = f"{SEARCH} {number}"
    with progress.task("searching with short steps", total=_most(start)) as counter:

        def asked(stage: str, place: Place) -> float:
            found = value(stage, place)
            counter.advance()
            return found

        def seen(place: F64) -> Point | None:
            assert followed is not None
            found = followed(stage, tuple(place.tolist()))
            counter.advance()
            return found

        if followed is not None:
            begin = seen(np.array(start))
            if begin is not None and climb(seen, begin, _AGAIN, _CLOSE, _most(start)) is not None:
                return True
        _local(asked, stage, start, (_AGAIN, _LAST), known)
        return False


def _most(start: Place) -> int:
    """Points of one search."""
    return 15 * len(start) + 20


def _local(
    value: Callable[[str, Place], float],
    stage: str,
    start: Place,
    radii: tuple[float, float],
    known: Sequence[Seen],
) -> None:
    """One search, from the first of two radii to the last; what it found is what `value` was asked."""
    from scipy.optimize import minimize

    values = [one.value for one in known if np.isfinite(one.value)] or [0.0]
    # worse than all of the survey, by as much as it spreads: a place without a value is left again
    none = min(values) - (max(values) - min(values) + 1e-3 * abs(max(values)))

    def loss(x: F64) -> float:
        found = value(stage, tuple(float(share) for share in np.clip(x, 0.0, 1.0)))
        return -(found if np.isfinite(found) else none)

    minimize(
        loss,
        np.array(start),
        method="COBYQA",
        bounds=[(0.0, 1.0)] * len(start),
        options={"initial_tr_radius": radii[0], "final_tr_radius": radii[1], "maxfev": _most(start)},
    )


def _distance(first: Place, second: Place) -> float:
    return max(abs(a - b) for a, b in zip(first, second, strict=True))
