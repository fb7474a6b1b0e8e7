"""What the twin says of one row: a number, how sure it is, and how it came about."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["Found", "Row", "Rows", "Spread"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """The twin's answer.

    Attributes:
        value: SI (energies eV); NaN where the instrument gives none, or nothing here computes it.
        words: what a reader should know of it, in a sentence.
        data: names of the measurements that it was read from.
    """

    value: float
    words: str = ""
    data: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return math.isfinite(self.value)


@dataclass(frozen=True)
class Spread:
    """What draws of the calibrated numbers give for a row.

    values: (K,) of each draw, SI; NaN where one gives none.
    """

    values: tuple[float, ...]

    @property
    def known(self) -> F64:
        """(M,) those that are numbers."""
        values = np.array(self.values, dtype=float)
        return values[np.isfinite(values)]

    @property
    def sd(self) -> float:
        """Their standard deviation; NaN of fewer than two."""
        return float(self.known.std(ddof=1)) if self.known.size > 1 else math.nan

    def to_json(self) -> dict[str, float | int | None]:
        """Plain data, SI."""
        known = self.known
        return {
            "draws": len(self.values),
            "known": int(known.size),
            "mean": float(known.mean()) if known.size else None,
            "sd": self.sd if known.size > 1 else None,
            "low": float(known.min()) if known.size else None,
            "high": float(known.max()) if known.size else None,
        }


@dataclass(frozen=True)
class Row:
    """How one row is answered.

    Attributes:
        name: the row's. stage: part of the work that it belongs to.
        compute: of a bench, the answer. how: the same in words. command: that shows it on the command line.
        library: whether it is of the library's cells, whatever the bench has.
    """

    name: str
    stage: str
    compute: Callable[[Bench], Found | float]
    how: str
    command: str
    library: bool = False

    def __call__(self, bench: Bench) -> Found:
        """The answer."""
        with bench.watching() as data:
            answer = self.compute(bench)
        found = answer if isinstance(answer, Found) else Found(float(answer))
        return replace(found, data=tuple(data))


class Rows(dict[str, Row]):
    """Rows by name, filled by the decorator `answers`."""

    def answers(
        self, name: str, stage: str, command: str, library: bool = False
    ) -> Callable[[Callable[[Bench], Found | float]], Callable[[Bench], Found | float]]:
        """Declare a function of a bench as the answer to a row; its docstring is the row's `how`."""

        def declare(
            function: Callable[[Bench], Found | float],
        ) -> Callable[[Bench], Found | float]:
            how = " ".join((function.__doc__ or "").split())
            self[name] = Row(name, stage, function, how, command, library)
            return function

        return declare
