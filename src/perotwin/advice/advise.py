"""Which change of a cell pays most: what each gains, alone and with another, for the cell and for a tandem of it.

    found = advise(pt.load("wbg-target"), in_tandem=pt.load("nbg"), draws=30, processes=2)
    found.entries[0].name, found.entries[0].cell.pce

Each cell is solved, with the change and without; no slope is drawn out. Intervals come of drawn numbers: of the cell's
from the posterior of a fit, or else from the ranges that it states for what is changed; of the attainable values from
the ranges of the file that names them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perotwin import units
from perotwin.advice.changes import Applied, Best, Change, Coating, LeftOut, Towards, changes, read
from perotwin.errors import InputError, PerotwinError
from perotwin.study.draws import Draws, from_posterior, from_ranges, log_between
from perotwin.study.merit import Merit, MeritOf, merit
from perotwin.study.pool import Outcome, Pool
from perotwin.study.variables import changed

if TYPE_CHECKING:
    from perotwin.stack import Cell, Stack
    from perotwin.units import Quantity

__all__ = ["Advice", "Entry", "Gain", "Pair", "advise"]

#: changes that are looked at in pairs, and those whose pairs get intervals
_PAIRED, _DRAWN_PAIRS = 6, 4
#: quantiles of an interval
_ENDS = (0.025, 0.975)
#: fewest draws that an interval is told of
_FEWEST = 10


@dataclass(frozen=True)
class Gain:
    """What efficiency gains, as a fraction of the irradiance.

    Attributes:
        pce: with the numbers as they are stated. low, high: ends of the interval that holds 95 % of the draws; NaN
            where none were made. improves: part of the draws in which something is gained.
    """

    pce: float
    low: float = math.nan
    high: float = math.nan
    improves: float = math.nan


@dataclass(frozen=True)
class Entry:
    """One change.

    Attributes:
        applied: what is done. cell: its gain. voc (V), jsc (A m^-2), ff: what these change by.
        tandem: gain of the tandem made with the cell; None without one.
        then, then_in_tandem: what it becomes; of the best of several values these may differ.
    """

    applied: Applied
    cell: Gain
    voc: float
    jsc: float
    ff: float
    tandem: Gain | None
    then: str
    then_in_tandem: str

    @property
    def name(self) -> str:
        """Of the change."""
        return self.applied.name


@dataclass(frozen=True)
class Pair:
    """Two changes together.

    Attributes:
        first, second: names. cell, tandem: gains of both together. interaction, interaction_in_tandem: what both
            together gain beyond the sum of each alone; below zero where one takes what the other would have gained.
    """

    first: str
    second: str
    cell: Gain
    interaction: Gain
    tandem: Gain | None = None
    interaction_in_tandem: Gain | None = None


@dataclass(frozen=True)
class Advice:
    """What to change first.

    Attributes:
        cell: that was looked at. base: its merit; tandem: that of the tandem made with it, None without one.
        tandem_name: of that tandem.
        entries: by what they gain, the largest first, in the tandem where there is one.
        pairs: of the largest. together: gain of all changes that gain something, at once. together_in_tandem: the same.
        left_out: what does not apply, and why.
        intervals: what the intervals rest on, as a sentence. draws: how many.
        notes: what a reader must know. complete: whether it was not interrupted.
    """

    cell: Cell
    base: Merit
    tandem: Merit | None
    tandem_name: str
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    together: Gain
    together_in_tandem: Gain | None
    left_out: tuple[LeftOut, ...]
    intervals: str
    draws: int
    notes: tuple[str, ...] = ()
    complete: bool = True


def advise(
    cell: Cell,
    in_tandem: Stack | None = None,
    posterior: str | Path | None = None,
    *,
    draws: int = 30,
    seed: int = 1,
    among: Sequence[Change] | None = None,
    processes: int | None = 1,
    judge: MeritOf = merit,
) -> Advice:
    """Rank what may be changed in a cell by what it gains.

    Args:
        cell: a stack, several side by side, or a tandem, whose junctions are then looked at one by one.
        in_tandem: a stack behind which the cell is put as the top of a tandem, for the gain there.
        posterior: of a fit of the cell (see `study.draws.from_posterior`); the ranges that the cell states stand for it
            where it is absent.
        draws: for intervals; 0 for none. seed: of them.
        among: the changes; those that ship unless given.
        processes: on which to work; None takes all cores.
        judge: what a cell is worth.

    Raises:
        InputError: nothing can be changed, or the cell can be no top of a tandem.
        PerotwinError: the cell itself cannot be solved.
        KeyboardInterrupt: interrupted before every change was looked at.
    """
    from perotwin.stack import Stack, Tandem

    if in_tandem is not None and not isinstance(cell, Stack):
        raise InputError(
            f'"{cell.name}" is no single stack that could be the top of a tandem.',
            "Leave --in-tandem out; a tandem's own junctions are looked at one by one.",
            key="in-tandem",
        )
    if draws < 0:
        raise InputError(f"{draws} draws are none.", "Ask for 0 or more.", key="draws")
    junctions = list(cell.cells) if isinstance(cell, Tandem) else [""]
    found = [
        one.on(cell, junction) for junction in junctions for one in (changes() if among is None else among)
    ]
    applied = [one for one in found if isinstance(one, Applied)]
    left_out = tuple(one for one in found if isinstance(one, LeftOut))
    if not applied:
        why = "; ".join(f"{one.name}: {one.why}" for one in left_out)
        raise InputError(
            f'nothing can be changed in "{cell.name}". {why}', "Name changes of your own: --changes FILE."
        )
    drawn = _drawn(cell, posterior, applied, draws, seed)
    with Pool(_Judge(cell, in_tandem, tuple(applied), drawn.values, judge), processes) as pool:
        return _Asked(cell, in_tandem, applied, left_out, drawn, seed, pool).advice()


def _drawn(
    cell: Cell, posterior: str | Path | None, applied: Sequence[Applied], count: int, seed: int
) -> Draws:
    if posterior is not None:
        return from_posterior(cell, posterior, count, seed)
    return from_ranges(cell, [path for one in applied for path in _numbers(one)], count, seed)


def _numbers(applied: Applied) -> tuple[str, ...]:
    """The numbers that a change is about; those of which the best of several values is taken can be set."""
    return applied.paths if isinstance(applied.change, Towards) else ()


# --- one cell, in a worker process ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Item:
    """A cell to judge: the number of its draw (-1 as stated), and changes by number with their value, for the cell and
    for the tandem; None is the attainable one.
    """

    draw: int
    done: tuple[tuple[int, str | None, str | None], ...] = ()


@dataclass(frozen=True)
class _Judge:
    """Makes a cell with its changes and judges it, and the tandem made with it: the job of the processes."""

    cell: Cell
    in_tandem: Stack | None
    applied: tuple[Applied, ...]
    draws: tuple[dict[str, str], ...]
    judge: MeritOf

    def __call__(self, item: _Item) -> tuple[Merit, Merit | None]:
        base = self.cell if item.draw < 0 else changed(self.cell, self.draws[item.draw])
        own = base
        for number, value, _ in item.done:
            own = self.applied[number].to(own, value)
        found = self.judge(own)
        if self.in_tandem is None:
            return found, None
        top = base
        for number, _, value in item.done:
            top = self.applied[number].to(top, value)
        return found, self.judge(_tandem(top, self.in_tandem))


def _tandem(top: Cell, bottom: Stack) -> Cell:
    from perotwin.stack import Stack, joint
    from perotwin.stack.joining import join_tandem

    assert isinstance(top, Stack)
    middle = joint("ideal")
    made, _ = join_tandem(
        top, bottom, name=f"{top.name}-{bottom.name}", between=middle.between, junction=middle.junction
    )
    return made


# --- all of them ------------------------------------------------------------------------------------------------------

_Found = tuple[Merit, "Merit | None"]


class _Asked:
    """Asks a pool for all cells of an advice, in the order of what matters most."""

    def __init__(
        self,
        cell: Cell,
        in_tandem: Stack | None,
        applied: Sequence[Applied],
        left_out: tuple[LeftOut, ...],
        drawn: Draws,
        seed: int,
        pool: Pool[_Item, _Found],
    ) -> None:
        self.cell, self.in_tandem, self.applied = cell, in_tandem, list(applied)
        self.left_out, self.drawn, self.seed, self.pool = left_out, drawn, seed, pool
        self.best: dict[int, tuple[str | None, str | None]] = {}
        self.done: dict[_Item, Outcome[_Found]] = {}
        self.complete = True
        self.failed: list[str] = []

    def advice(self) -> Advice:
        base = self._base()
        self._singles()
        order = sorted(self._gained() - self._best_as_it_is(), key=self._worth, reverse=True)
        pairs = list(combinations(sorted(order[:_PAIRED], key=order.index), 2))
        drawn_pairs = list(combinations(order[:_DRAWN_PAIRS], 2))
        whole = tuple(number for number in order if self._worth(number) > 0.0)
        try:
            self._ask([_Item(-1, self._nominal(pair)) for pair in [*pairs, whole]], "pairs")
            self._ask(
                [
                    _Item(draw, self._in_draw(draw, some))
                    for draw in range(len(self.drawn.values))
                    for some in [(), *((one,) for one in order), *drawn_pairs, whole]
                ],
                "draws",
            )
        except KeyboardInterrupt:
            self.complete = False
        entries = tuple(self._entry(number) for number in order)
        tandem = base[1]
        return Advice(
            cell=self.cell,
            base=base[0],
            tandem=tandem,
            tandem_name="" if self.in_tandem is None else f"{self.cell.name}-{self.in_tandem.name}",
            entries=entries,
            pairs=tuple(self._pair(pair) for pair in pairs if _Item(-1, self._nominal(pair)) in self._good()),
            together=self._gain(whole, 0),
            together_in_tandem=None if tandem is None else self._gain(whole, 1),
            left_out=self.left_out,
            intervals=self._words(),
            draws=len(self.drawn.values),
            notes=self._notes(),
            complete=self.complete,
        )

    # --- asking

    def _ask(self, items: Sequence[_Item], label: str) -> None:
        new = [one for one in dict.fromkeys(items) if one not in self.done]
        for place, outcome in self.pool.each(new, f"{self.cell.name}: {label}"):
            self.done[new[place]] = outcome
            if outcome.failure is not None:
                self.failed.append(outcome.failure)

    def _base(self) -> _Found:
        self._ask([_Item(-1)], "the cell as it is")
        outcome = self.done[_Item(-1)]
        if outcome.result is None:
            raise PerotwinError(
                f"the cell itself cannot be judged: {outcome.failure}",
                "Look at perotwin jv of it, and of the tandem.",
            )
        return outcome.result

    def _singles(self) -> None:
        items = [
            _Item(-1, self._nominal((n,)))
            for n, one in enumerate(self.applied)
            if not isinstance(one.change, Best)
        ]
        tried = {
            number: one.change.values(self.cell, one)
            for number, one in enumerate(self.applied)
            if isinstance(one.change, Best)
        }
        items += [
            _Item(-1, ((number, value, value),)) for number, values in tried.items() for value in values
        ]
        self._ask(items, f"{len(self.applied)} changes")
        for number, values in tried.items():
            chosen = []
            for which in (0, 1):
                good = [
                    (self._pce(_Item(-1, ((number, value, value),)), which), value)
                    for value in values
                    if _Item(-1, ((number, value, value),)) in self._good()
                ]
                known = [one for one in good if math.isfinite(one[0])]
                chosen.append(max(known)[1] if known else None)
            self.best[number] = (chosen[0], chosen[0 if self.in_tandem is None else 1])
            if len(set(self.best[number])) > 1:
                self._ask([_Item(-1, ((number, *self.best[number]),))], "the best of each")

    def _nominal(self, numbers: Sequence[int]) -> tuple[tuple[int, str | None, str | None], ...]:
        return tuple((number, *self.best.get(number, (None, None))) for number in sorted(numbers))

    def _in_draw(self, draw: int, numbers: Sequence[int]) -> tuple[tuple[int, str | None, str | None], ...]:
        done = []
        for number in sorted(numbers):
            value = self._attained(number, draw)
            done.append(
                (number, value, value)
                if value is not None
                else (number, *self.best.get(number, (None, None)))
            )
        return tuple(done)

    def _attained(self, number: int, draw: int) -> str | None:
        """An attainable value within its range; the same for a change alone and with others."""
        change = self.applied[number].change
        if not isinstance(change, (Towards, Coating)):
            return None
        dimension = "length" if isinstance(change, Coating) else self._dimension(number)
        low, high = (float(units.parse(end, dimension)) for end in (change.low, change.high))
        share = float(np.random.default_rng([self.seed, 7919, number, draw]).random())
        unit = change.value.partition(" ")[2]
        value = units.convert(log_between(low, high, share), unit or "1", dimension)
        return f"{value:.6g} {unit}".strip()

    def _dimension(self, number: int) -> str:
        now: Quantity = self.cell.get(self.applied[number].paths[0])
        assert now.dimension is not None
        return now.dimension

    # --- reading

    def _good(self) -> set[_Item]:
        return {item for item, outcome in self.done.items() if outcome.result is not None}

    def _gained(self) -> set[int]:
        """The changes that could be judged."""
        good = self._good()
        return {number for number in range(len(self.applied)) if _Item(-1, self._nominal((number,))) in good}

    def _best_as_it_is(self) -> set[int]:
        """Changes among several values of which what it is now is the best; they are left out, and said."""
        found = set()
        for number, chosen in self.best.items():
            one = self.applied[number]
            now = self.cell.get(one.paths[0])
            values = [None if text is None else float(units.parse(text, now.dimension)) for text in chosen]
            if all(value is not None and math.isclose(value, float(now), rel_tol=1e-3) for value in values):
                found.add(number)
                why = f"it is {read(now)}, and none of {one.then.removeprefix('best of ')} is better."
                self.left_out = (*self.left_out, LeftOut(one.change.name, one.junction, why))
        return found

    def _pce(self, item: _Item, which: int) -> float:
        outcome = self.done.get(item)
        if outcome is None or outcome.result is None:
            return math.nan
        found = outcome.result[which]
        return math.nan if found is None else found.pce

    def _worth(self, number: int) -> float:
        item = _Item(-1, self._nominal((number,)))
        which = 0 if self.in_tandem is None else 1
        return self._pce(item, which) - self._pce(_Item(-1), which)

    def _of_draws(self, numbers: Sequence[int], which: int) -> np.ndarray:
        """(D,) gain in each draw; NaN where one of the cells failed."""
        return np.array(
            [
                self._pce(_Item(draw, self._in_draw(draw, numbers)), which) - self._pce(_Item(draw), which)
                for draw in range(len(self.drawn.values))
            ]
        )

    def _gain(self, numbers: Sequence[int], which: int) -> Gain:
        nominal = self._pce(_Item(-1, self._nominal(numbers)), which) - self._pce(_Item(-1), which)
        return _interval(nominal, self._of_draws(numbers, which))

    def _entry(self, number: int) -> Entry:
        outcome = self.done[_Item(-1, self._nominal((number,)))]
        base = self.done[_Item(-1)].result
        assert outcome.result is not None and base is not None
        one, before = outcome.result[0], base[0]
        applied = self.applied[number]
        then = [value if value is not None else applied.then for value in self.best.get(number, (None, None))]
        return Entry(
            applied,
            self._gain((number,), 0),
            one.voc - before.voc,
            one.jsc - before.jsc,
            one.ff - before.ff,
            None if self.in_tandem is None else self._gain((number,), 1),
            then[0],
            then[1],
        )

    def _pair(self, pair: tuple[int, int]) -> Pair:
        first, second = (self.applied[number].name for number in pair)
        made = Pair(first, second, self._gain(pair, 0), self._interaction(pair, 0))
        if self.in_tandem is None:
            return made
        return replace(made, tandem=self._gain(pair, 1), interaction_in_tandem=self._interaction(pair, 1))

    def _interaction(self, pair: tuple[int, int], which: int) -> Gain:
        parts = [self._of_draws(some, which) for some in (pair, pair[:1], pair[1:])]
        nominal = [self._gain(some, which).pce for some in (pair, pair[:1], pair[1:])]
        return _interval(nominal[0] - nominal[1] - nominal[2], parts[0] - parts[1] - parts[2])

    def _words(self) -> str:
        if not self.drawn.values:
            return "No intervals: no draws were asked for."
        if len(self.drawn.values) < _FEWEST:
            return f"No intervals: {len(self.drawn.values)} draws tell none, {_FEWEST} and more do (--draws)."
        return (
            f"Intervals hold 95 % of {len(self.drawn.values)} draws: the cell's numbers {self.drawn.words}, the "
            "attainable values from the ranges of their file."
        )

    def _notes(self) -> tuple[str, ...]:
        notes = list(self.drawn.notes)
        lost = sorted(set(range(len(self.applied))) - self._gained())
        for number in lost:
            outcome = self.done.get(_Item(-1, self._nominal((number,))))
            why = "it was not looked at" if outcome is None else outcome.failure
            notes.append(f"{self.applied[number].name} could not be judged: {why}")
        if self.failed:
            notes.append(
                f"{len(self.failed)} of {len(self.done)} cells could not be solved; the first: {self.failed[0]}"
            )
        if not self.complete:
            notes.append("stopped before all draws were done: intervals are of those that were.")
        return tuple(dict.fromkeys(notes))


def _interval(nominal: float, values: np.ndarray) -> Gain:
    good = values[np.isfinite(values)]
    if good.size < _FEWEST:
        return Gain(nominal)
    low, high = np.quantile(good, _ENDS)
    return Gain(nominal, float(low), float(high), float(np.mean(good > 0.0)))
