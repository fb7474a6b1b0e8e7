"""One number of a cell varied: the values, and a job done at each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from perotwin import progress, units
from perotwin.errors import InputError, PerotwinError

__all__ = ["Point", "sweep", "unit_of", "values"]

T = TypeVar("T")


class Varied(Protocol):
    """What a number can be varied of: a cell, or a recipe."""

    @property
    def name(self) -> str: ...
    def get(self, path: str) -> Any: ...
    def with_values(self, values: Mapping[str, Any]) -> Self: ...


C = TypeVar("C", bound=Varied)

#: most values of a sweep: one takes a fraction of a second to minutes
_MOST = 10_000
_NUMBER = re.compile(r"^\s*[-+]?[\d.]+(?:[eE][+-]?\d+)?\s*")


def unit_of(written: str) -> str:
    """The unit of a number as a person wrote it ("350 nm"); "1" when it has none."""
    return _NUMBER.sub("", written) or "1"


@dataclass(frozen=True)
class Point(Generic[T]):
    """One point of a sweep: the value that was set ("350 nm") and what the job gave there, or why it
    failed.
    """

    path: str
    written: str
    result: T | None = None
    error: PerotwinError | None = None

    @property
    def unit(self) -> str:
        """The unit of ``written``; "1" when it has none."""
        return unit_of(self.written)

    @property
    def number(self) -> float:
        """The value in that unit."""
        return float(self.written.removesuffix(self.unit if self.unit != "1" else ""))


def values(cell: Varied, path: str, start: str, stop: str, steps: int, *, log: bool = False) -> list[str]:
    """``steps`` values of the field ``path`` from ``start`` to ``stop``, both included, in the unit of
    ``start``, or of ``stop`` where ``start`` has none.

    Parameters
    ----------
    log : spaced evenly in the logarithm; needs two values of one sign.

    Raises
    ------
    InputError : the path does not exist, is not a number, an end is impossible for this cell, or fewer than
        two steps are asked for, or far too many.
    """
    import numpy as np

    if steps < 2:
        raise InputError(f"a sweep of {steps} steps has no range.", "Ask for at least 2 steps.", key=path)
    if steps > _MOST:
        raise InputError(
            f"a sweep of {steps} steps is longer than {_MOST}.", "Ask for fewer steps.", key=path
        )
    ends = [cell.with_values({path: end}).get(path) for end in (start, stop)]
    for end, text in zip(ends, (start, stop), strict=True):
        if not isinstance(end, units.Quantity):
            raise InputError(
                f'"{text}" is a choice, not a number, so there is nothing between it and another.',
                "Vary a number, such as perovskite.thickness.",
                key=path,
            )
    # nothing needs no unit: "0" to "3 mol%" goes on in mol%
    unit = next((unit for end in ends if (unit := unit_of(end.text)) != "1"), "")
    if all(unit_of(end.text) == unit for end in ends):
        # as written: light in lux is told in suns of its spectrum, and is not turned back
        first, last = (float(end.text.removesuffix(unit)) for end in ends)
    else:
        first, last = (units.convert(end, unit or "1", end.dimension) for end in ends)
    if log:
        if first * last <= 0:
            raise InputError(
                f"logarithmic steps from {start} to {stop} would have to pass zero.",
                "Use ends of one sign, or leave out --log.",
                key=path,
            )
        numbers = np.geomspace(first, last, steps)
    else:
        numbers = np.linspace(first, last, steps)
    # Twelve digits: the value that is printed is the value that was used, and repeats by hand.
    return [f"{number:.12g} {unit}".strip() for number in numbers]


def sweep(cell: C, path: str, written: Sequence[str], job: Callable[[C], T]) -> Iterator[Point[T]]:
    """Do ``job`` on ``cell`` with ``path`` set to each value in turn, giving each point as it is done.

    A point that fails is given with its error, and the sweep goes on.
    """
    with progress.task(f"{cell.name}: {path}", total=len(written)) as counter:
        for text in written:
            counter.advance(0, label=f"{cell.name}: {path} = {text}")
            try:
                point = Point(path, text, result=job(cell.with_values({path: text})))
            except PerotwinError as error:
                point = Point(path, text, error=error)
            counter.advance()
            yield point
