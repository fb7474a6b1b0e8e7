"""Which numbers of a cell its efficiency hangs on.

    found = sensitivity(pt.load("wbg-target"))
    found.ranked[0].field.path

Two questions of each number: what a small change does (1 % more of it, 10 meV, 1 K), and what the whole range does in
which the number may lie (`assumed`). The first says what to control, the second what to find out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perotwin.errors import InputError
from perotwin.study.exact_slopes import exact_slopes
from perotwin.study.merit import Merit, MeritOf, merit
from perotwin.study.optimise import Variant, refuse_objective, refuse_without
from perotwin.study.pool import Pool
from perotwin.study.slopes import Slope, exact, plan, slopes
from perotwin.study.variables import Field, resolve, resolve_all
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Entry", "Sensitivity", "sensitivity"]

#: what a number must change to count as having an influence, as a share of the objective: a hundred times less than
#: people can measure, a thousand times more than a solved point is uncertain
_NOTHING = 1e-6


@dataclass(frozen=True)
class Entry:
    """One number of a cell.

    Attributes:
        field: the number; its range is the one that it states, where `stated`.
        stated: whether the range is stated by the number itself (or given), and not only usual for its kind.
        slope: what a small change does.
        low, high: what the cell is worth at the ends of a stated range; None where there is none, or it failed.
        failures: why an end could not be solved.
    """

    field: Field
    stated: bool
    slope: Slope
    low: Merit | None
    high: Merit | None
    failures: tuple[str, ...] = ()

    def swing(self, objective: str, now: float) -> float:
        """How far the objective moves over the range, as far as it is known; NaN without a stated range."""
        known = [one[objective] for one in (self.low, self.high) if one is not None]
        return max([now, *known]) - min([now, *known]) if known else math.nan


@dataclass(frozen=True)
class Sensitivity:
    """How a figure of merit of a cell hangs on its numbers.

    Attributes:
        cell, objective: of what. now: what the cell is worth.
        entries: in the order of the cell's file.
        notes: what a reader must know. complete: False when it was stopped before its end.
    """

    cell: Cell
    objective: str
    now: Merit
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    complete: bool = True

    @property
    def ranked(self) -> tuple[Entry, ...]:
        """By what a small change does, the largest first; those that do nothing are left out."""
        least = _NOTHING * abs(self.now[self.objective])
        some = [one for one in self.entries if abs(one.slope.per_change) > least]
        return tuple(sorted(some, key=lambda one: -abs(one.slope.per_change)))

    @property
    def swings(self) -> tuple[Entry, ...]:
        """By what the stated range does, the largest first; those that do nothing are left out."""
        now = self.now[self.objective]
        some = [one for one in self.entries if one.swing(self.objective, now) > _NOTHING * abs(now)]
        return tuple(sorted(some, key=lambda one: -one.swing(self.objective, now)))

    @property
    def idle(self) -> tuple[Entry, ...]:
        """Those that do nothing, neither a little nor over their range."""
        busy = {one.field.path for one in (*self.ranked, *self.swings)}
        return tuple(
            one
            for one in self.entries
            if one.field.path not in busy and one.slope.failure is None and not one.failures
        )


def sensitivity(
    cell: Cell,
    fields: Sequence[str] = (),
    objective: str = "pce",
    *,
    processes: int | None = 1,
    judge: MeritOf = merit,
) -> Sensitivity:
    """How a figure of merit of a cell hangs on its numbers.

    Args:
        cell: any cell.
        fields: paths, with or without ranges; all numbers that the cell states if none are given.
        objective: pce, voc, jsc, ff, vmp or jmp.
        processes: on which to work; None takes all cores.
        judge: what a cell is worth.

    Returns:
        The answer. Interrupted (Ctrl-C), it holds the numbers that were done, and is not `complete`.

    Raises:
        InputError: a field that cannot be varied, an objective that does not exist.
        PerotwinError: the cell itself could not be solved.
        KeyboardInterrupt: interrupted before one number was done.
    """
    refuse_objective(objective)
    notes: list[str] = []
    chosen = resolve_all(cell, fields) if fields else _all(cell, notes)
    stated = [_is_stated(cell, one) for one in chosen]
    work = Variant(cell, judge)
    now = work({})
    refuse_without(objective, now[objective])
    known = exact_slopes(cell, [one.path for one in chosen], objective) if judge is merit else {}
    places: list[tuple[int, int]] = []
    items: list[dict[str, str]] = []
    wanted: list[list[int]] = []
    for index, one in enumerate(chosen):
        values = [*plan(one, one.now), *((one.low, one.high) if stated[index] else ())]
        # the first four are for differences
        needed = list(range(4 if one.path in known else 0, len(values)))
        wanted.append(needed)
        places += [(index, place) for place in needed]
        items += [{one.path: one.text(values[place])} for place in needed]
    done = {}
    complete = True
    with Pool(work, processes) as pool:
        try:
            for number, outcome in pool.each(items, f"{cell.name}: {len(chosen)} numbers"):
                done[places[number]] = outcome
        except KeyboardInterrupt:
            complete = False
    entries = []
    for index, one in enumerate(chosen):
        if any((index, place) not in done for place in wanted[index]):
            continue
        if one.path in known:
            slope = exact(one, one.now, known[one.path])
        else:
            (slope,) = slopes(
                [(one, one.now)], {(0, place): done[index, place] for place in range(4)}, objective
            )
        ends = [done[index, place] for place in wanted[index] if place >= 4]
        low, high = (end.result for end in ends) if ends else (None, None)
        failures = tuple(end.failure for end in ends if end.failure is not None)
        entries.append(Entry(one, stated[index], slope, low, high, failures))
    if not entries:
        raise KeyboardInterrupt
    if not complete:
        notes.append(f"stopped after {len(entries)} of {len(chosen)} numbers.")
    return Sensitivity(cell, objective, now, tuple(entries), tuple(notes), complete)


def _is_stated(cell: Cell, field: Field) -> bool:
    value: Quantity = cell.get(field.path)
    return value.assumed is not None or field.why == "as given"


def _all(cell: Cell, notes: list[str]) -> tuple[Field, ...]:
    """Every number that the cell states and that can be varied by itself; the others are named in `notes`."""
    found = []
    for path, value in cell.quantities().items():
        if value == 0.0 and value.assumed is None:
            notes.append(f"{path} is zero and states no range: it was left out.")
            continue
        try:
            found.append(resolve(cell, path))
        except InputError as reason:
            notes.append(f"{path} was left out: {reason.message}")
    return tuple(found)
