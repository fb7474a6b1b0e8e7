"""What the twin says of one row: a number, how sure it is, and how it came about."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["Found", "Row", "Rows"]


@dataclass(frozen=True)
class Found:
    """The twin's answer.

    Attributes:
        value: SI (energies eV); NaN where the instrument gives none, or nothing here computes it.
        words: what a reader should know of it, in a sentence.
    """

    value: float
    words: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return math.isfinite(self.value)


@dataclass(frozen=True)
class Row:
    """How one row is answered.

    Attributes:
        name: the row's. stage: part of the work that it belongs to.
        compute: of a bench, the answer. how: the same in words. command: that shows it on the command line.
    """

    name: str
    stage: str
    compute: Callable[[Bench], Found | float]
    how: str
    command: str

    def __call__(self, bench: Bench) -> Found:
        """The answer."""
        answer = self.compute(bench)
        return answer if isinstance(answer, Found) else Found(float(answer))


class Rows(dict[str, Row]):
    """Rows by name, filled by the decorator `answers`."""

    def answers(
        self, name: str, stage: str, command: str
    ) -> Callable[[Callable[[Bench], Found | float]], Callable[[Bench], Found | float]]:
        """Declare a function of a bench as the answer to a row; its docstring is the row's `how`."""

        def declare(
            function: Callable[[Bench], Found | float],
        ) -> Callable[[Bench], Found | float]:
            self[name] = Row(name, stage, function, " ".join((function.__doc__ or "").split()), command)
            return function

        return declare
