"""The best values of some numbers of a cell, within bounds.

    found = optimise(pt.load("wbg-target"), ["perovskite.thickness", "perovskite.bandgap=1.6 eV..1.85 eV"])
    found.written, found.after.pce, found.best.to_toml()

How it searches is told in `search`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import ConvergenceError, InputError, PerotwinError
from perotwin.study.climb import Point
from perotwin.study.exact_slopes import OBJECTIVES, Followed, able, followed
from perotwin.study.merit import NAMES, Merit, MeritOf, merit
from perotwin.study.pool import Outcome, Pool
from perotwin.study.search import (
    ABOUT_THE_BEST,
    AS_IT_IS,
    LINES,
    SEARCH,
    SLOPES,
    SURVEY,
    Place,
    Seen,
    refine,
    search,
    survey,
)
from perotwin.study.slopes import Slope, exact, plan, slopes
from perotwin.study.variables import Field, Wanted, changed, resolve_all

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Optimum", "Slice", "Trial", "Variant", "optimise"]

#: points of the curve along each field through the optimum
_SLICE = 17
#: how often something better on the lines through the best starts another search, and how much better it must be
#: (share)
_ROUNDS, _BETTER = 4, 1e-6
#: a place so near an end of its range (share) is at the end
_AT_END = 2e-3
#: how far apart (shares) two places are that deserve to be told of both, and how much worse the other one may be
_ELSEWHERE, _AS_GOOD = 0.15, 0.005
#: the way, in words
_BY_SLOPES = "by exact slopes"
#: what a number may lose of the best and still be as good, as a share
_KEEPS = 0.005


@dataclass(frozen=True)
class Trial:
    """One cell that was tried.

    Attributes:
        stage: "as it is", "survey", "search N"; "lines" along each field through the best; "slopes" close to it.
        written: the values, by path.
        place: (F,) where they lie in their ranges, 0 to 1; beyond them for a cell that is not within.
        merit: what the cell is worth, or None. failure: why not.
    """

    stage: str
    written: dict[str, str]
    place: Place
    merit: Merit | None
    failure: str | None = None


@dataclass(frozen=True)
class Slice:
    """The cells along one field through the optimum: values in the field's unit, what they are worth (None: failed)."""

    field: Field
    numbers: tuple[float, ...]
    merits: tuple[Merit | None, ...]

    def within(self, objective: str, share: float = _KEEPS) -> tuple[float, float]:
        """Between which values the objective stays within a share of its largest, all else as at the optimum."""
        known = [
            (x, one[objective]) for x, one in zip(self.numbers, self.merits, strict=True) if one is not None
        ]
        x, y = (np.array(column) for column in zip(*known, strict=True))
        best = int(np.argmax(y))
        least = (1.0 - share) * y[best]
        low, high = best, best
        while low > 0 and y[low - 1] >= least:
            low -= 1
        while high < y.size - 1 and y[high + 1] >= least:
            high += 1
        ends = []
        for inside, outside in ((low, low - 1), (high, high + 1)):
            crossed = 0 <= outside < y.size
            part = (y[inside] - least) / (y[inside] - y[outside]) if crossed else 0.0
            ends.append(float(x[inside] + part * (x[outside] - x[inside])) if crossed else float(x[inside]))
        return ends[0], ends[1]


@dataclass(frozen=True)
class Optimum:
    """The best cell that was found.

    Attributes:
        cell: what was given. best: the best cell; its values say where they come from.
        objective: what is largest there.
        fields: what was varied. numbers: (F,) best values, in the fields' units.
        before, after: what both cells are worth; `before` is None where the given cell could not be solved.
        trials: every cell that was tried; the given one, the survey, search by search, what lies about the best. One
            of the last may be better by a 1e-6 part.
        slopes: how the objective changes with each field at the optimum.
        slices: the cells along each field through the optimum.
        notes: what a reader must know.
        way: in words, what led the search close to the best: exact slopes, or values alone and why.
        complete: False when it was stopped before its end.
        settable: (F,) the values that a person would set, next to the best ones; empty when it was stopped, and where
            they could not be solved.
        after_settable: what the cell is worth with these; None where it could not be solved.
    """

    cell: Cell
    best: Cell
    objective: str
    fields: tuple[Field, ...]
    numbers: tuple[float, ...]
    before: Merit | None
    after: Merit
    trials: tuple[Trial, ...]
    slopes: tuple[Slope, ...] = ()
    slices: tuple[Slice, ...] = ()
    notes: tuple[str, ...] = ()
    way: str = ""
    complete: bool = True
    settable: tuple[float, ...] = ()
    after_settable: Merit | None = None

    @property
    def written(self) -> dict[str, str]:
        """The best values as a stack file has them, by path."""
        return {one.path: one.text(number) for one, number in zip(self.fields, self.numbers, strict=True)}


@dataclass(frozen=True)
class Variant:
    """Makes a cell with other values and judges it: the job of the processes."""

    cell: Cell
    judge: MeritOf = merit

    def __call__(self, written: dict[str, str]) -> Merit:
        return self.judge(changed(self.cell, written) if written else self.cell)


def optimise(
    cell: Cell,
    vary: Wanted,
    objective: str = "pce",
    *,
    processes: int | None = 1,
    judge: MeritOf = merit,
) -> Optimum:
    """Find the values of some fields at which a cell is best.

    Args:
        cell: any cell.
        vary: field paths, each with or without its range; see `fields.resolve`.
        objective: what is made as large as possible: pce, voc, jsc, ff, vmp or jmp.
        processes: on which to work; None takes all cores.
        judge: what a cell is worth.

    Returns:
        The optimum. Interrupted (Ctrl-C), it is the best of what was tried until then, and not `complete`.

    Raises:
        InputError: a field or range that cannot be; an objective that does not exist.
        ConvergenceError: not one cell could be solved.
        KeyboardInterrupt: interrupted before one cell was solved.
    """
    refuse_objective(objective)
    fields = resolve_all(cell, vary)
    with Pool(Variant(cell, judge), processes) as pool:
        work = _Work(Variant(cell, judge), fields, objective, pool)
        complete = True
        found_slopes: tuple[Slope, ...] = ()
        found_slices: tuple[Slice, ...] = ()
        settable: tuple[float, ...] = ()
        there: Merit | None = None
        try:
            work.try_all()
            if work.chosen is not None:
                found_slopes = work.slopes(work.chosen)
                found_slices = work.slices(work.chosen)
                settable = tuple(
                    one.settable(number)
                    for one, number in zip(fields, work.numbers(work.chosen), strict=True)
                )
                there = work.worth(settable)
        except KeyboardInterrupt:
            complete = False
            if work.best is None:
                raise
    best = work.chosen or work.best
    if best is None or best.merit is None:
        raise ConvergenceError(
            f'none of {len(work.trials)} versions of "{cell.name}" could be solved. The first: '
            f"{work.trials[0].failure}",
            "Look at the cell itself with perotwin check and perotwin jv.",
        )
    numbers = work.numbers(best)
    return Optimum(
        cell=cell,
        best=_marked(cell, fields, numbers, objective),
        objective=objective,
        fields=fields,
        numbers=numbers,
        before=next((trial.merit for trial in work.trials if trial.stage == AS_IT_IS), None),
        after=best.merit,
        trials=tuple(work.in_order()),
        slopes=found_slopes,
        slices=found_slices,
        notes=tuple(_notes(work, best, complete)),
        way=work.way,
        complete=complete,
        settable=settable if there is not None else (),
        after_settable=there,
    )


def refuse_objective(objective: str) -> None:
    """Refuse a figure of merit that does not exist."""
    if objective not in NAMES:
        raise InputError(
            f'there is no objective "{objective}".', f"Choose from {', '.join(NAMES)}.", key="objective"
        )


def refuse_without(objective: str, value: float) -> None:
    """Refuse a figure of merit that a cell with four terminals does not have."""
    if not np.isfinite(value):
        raise InputError(
            f"this cell has no {objective} as a whole: each junction works at a point of its own.",
            "Choose pce, or look at one junction.",
            key="objective",
        )


class _Work:
    """What was tried so far, and trying more."""

    def __init__(
        self,
        variant: Variant,
        fields: tuple[Field, ...],
        objective: str,
        pool: Pool[dict[str, str], Merit],
    ) -> None:
        self.variant, self.fields, self.objective, self.pool = variant, fields, objective, pool
        self.trials: list[Trial] = []
        self.chosen: Trial | None = None
        self.way = ""
        self._lock = threading.Lock()
        self._followers: dict[tuple[str, ...], Followed | None] = {}

    @property
    def best(self) -> Trial | None:
        """The best trial within the bounds; of equals the first."""
        solved = [one for one in self.trials if one.merit is not None and _inside(one.place)]
        return max(solved, key=self.value, default=None)

    def value(self, trial: Trial) -> float:
        """The objective; NaN where the cell could not be solved."""
        return float("nan") if trial.merit is None else trial.merit[self.objective]

    def numbers(self, trial: Trial) -> tuple[float, ...]:
        """The values of a trial, in the fields' units."""
        if trial.stage == AS_IT_IS:
            return tuple(one.now for one in self.fields)
        return tuple(one.number(share) for one, share in zip(self.fields, trial.place, strict=True))

    def in_order(self) -> list[Trial]:
        """The trials, those of each search together: side by side they come mixed."""
        first, last = (AS_IT_IS, SURVEY), ABOUT_THE_BEST
        between = sorted({one.stage for one in self.trials} - {*first, *last})
        stages = [*first, *between, *last]
        return sorted(self.trials, key=lambda one: stages.index(one.stage))

    def try_all(self) -> None:
        """The given cell, the survey, the searches, and the lines through the best until nothing better is on them."""
        now = tuple(one.share(one.now) for one in self.fields)
        places = survey(len(self.fields))
        items = [{}, *map(self._written, places)]
        for index, outcome in self.pool.each(items, "surveying"):
            stage, place = (SURVEY, places[index - 1]) if index else (AS_IT_IS, now)
            self._keep(stage, place, items[index], outcome)
        best = self.best
        if best is None:
            return
        refuse_without(self.objective, self.value(best))
        known = [
            Seen(one.stage, one.place, self.value(one)) for one in self.in_order() if one.stage == SURVEY
        ]
        start = tuple(float(share) for share in np.clip(now, 0.0, 1.0))
        lost = self._no_slopes()
        ask = None if lost else self._followed
        search(known, self._asked, start, side_by_side=self.pool.processes > 1, refined=ask is not None)
        for number in range(1, _ROUNDS + 1):
            searches = len({one.stage for one in self.trials if one.stage.startswith(SEARCH)})
            led = refine(known, self._asked, searches + 1, (self.best or best).place, ask)
            if ask is not None and not led:
                ask, lost = None, "exact slopes were lost on the way"
            best = self.best or best
            self._lines(best)
            other = self.best or best
            if number == _ROUNDS:
                best = other
            self.chosen = best
            if self.value(other) <= self.value(best) + _BETTER * abs(self.value(best)):
                break
        self.way = _BY_SLOPES if ask is not None else f"by values alone: {lost}"

    def _no_slopes(self) -> str:
        """Why the search does not follow exact slopes; nothing where it does, as long as there are some."""
        if self.variant.judge is not merit:
            return "what the cells are worth is judged in another way"
        if self.objective not in OBJECTIVES:
            return f"{self.objective} has no exact slopes ({', '.join(OBJECTIVES)} have)"
        paths = [one.path for one in self.fields]
        known = able(self.variant.cell, paths, self.objective)
        none = [path for path in paths if path not in known]
        return f"{', '.join(none)} has no exact slope" if none else ""

    def _followed(self, stage: str, place: Place) -> Point | None:
        """The objective with its slopes by the shares of the ranges, near a place that a search asks for."""
        written = self._written(place)
        told = self._told(written)
        if told is None:
            return None
        numbers = [one.number(share) for one, share in zip(self.fields, place, strict=True)]
        there = tuple(one.share(number) for one, number in zip(self.fields, numbers, strict=True))
        if all(one.written != written for one in self.trials):
            self._keep(stage, there, written, Outcome(told.merit))
        if any(one.path not in told.slopes for one in self.fields):
            return None
        by = [
            told.slopes[one.path] * one.per_share(number)
            for one, number in zip(self.fields, numbers, strict=True)
        ]
        return Point(np.array(there), told.merit[self.objective], np.array(by))

    def _told(self, written: dict[str, str]) -> Followed | None:
        """A cell with its exact slopes, in SI; None where there are none."""
        key = tuple(written.values())
        if key not in self._followers:
            made = changed(self.variant.cell, written)
            wanted = able(made, list(written), self.objective)
            try:
                self._followers[key] = followed(made, wanted, self.objective) if wanted else None
            except PerotwinError:
                # differences tell what can be told
                self._followers[key] = None
        return self._followers[key]

    def _written(self, place: Place) -> dict[str, str]:
        return {one.path: one.written(share) for one, share in zip(self.fields, place, strict=True)}

    def _asked(self, stage: str, place: Place) -> float:
        """The objective at a place that a search asks for."""
        written = self._written(place)
        with self._lock:
            again = next((one for one in self.trials if one.written == written), None)
        if again is not None:
            return self.value(again)
        return self.value(self._keep(stage, place, written, self.pool.one(written)))

    def _keep(self, stage: str, place: Place, written: dict[str, str], outcome: Outcome[Merit]) -> Trial:
        trial = Trial(stage, written, place, outcome.result, outcome.failure)
        with self._lock:
            self.trials.append(trial)
        return trial

    def _through(self, best: Trial, index: int, number: float) -> tuple[dict[str, str], Place]:
        """A cell like the best but for one number: its values, and its place."""
        written = {
            one.path: one.text(known) for one, known in zip(self.fields, self.numbers(best), strict=True)
        }
        one = self.fields[index]
        place = (*best.place[:index], one.share(number), *best.place[index + 1 :])
        return {**written, one.path: one.text(number)}, place

    def _try(self, stage: str, asked: list[tuple[dict[str, str], Place]], label: str) -> None:
        """Try cells that were not tried yet."""
        known = {tuple(one.written.items()) for one in self.trials}
        new = list({tuple(written.items()): (written, place) for written, place in asked}.values())
        new = [one for one in new if tuple(one[0].items()) not in known]
        for index, outcome in self.pool.each([written for written, _ in new], label):
            self._keep(stage, new[index][1], new[index][0], outcome)

    def _lines(self, best: Trial) -> None:
        """Cells along each field through the best."""
        shares = np.linspace(0.0, 1.0, _SLICE)
        asked = [
            self._through(best, index, one.number(share))
            for index, one in enumerate(self.fields)
            for share in shares
        ]
        self._try(LINES, asked, "looking along each number")

    def slices(self, best: Trial) -> tuple[Slice, ...]:
        """All that was tried along each field through the best."""
        made = []
        values, _ = self._through(best, 0, self.numbers(best)[0])
        for index, one in enumerate(self.fields):
            others = {path: text for path, text in values.items() if path != one.path}
            points = {self.numbers(best)[index]: best.merit}
            for trial in self.trials:
                if not trial.written or any(trial.written[path] != text for path, text in others.items()):
                    continue
                number = one.read(trial.written[one.path])
                if one.low <= number <= one.high:
                    points.setdefault(number, trial.merit)
            made.append(Slice(one, tuple(sorted(points)), tuple(points[x] for x in sorted(points))))
        return tuple(made)

    def worth(self, numbers: tuple[float, ...]) -> Merit | None:
        """What the cell is worth with some values, in the fields' units."""
        written = {one.path: one.text(number) for one, number in zip(self.fields, numbers, strict=True)}
        known = next((one for one in self.trials if one.written == written), None)
        return known.merit if known is not None else self.pool.one(written).result

    def slopes(self, best: Trial) -> tuple[Slope, ...]:
        """How the objective changes with each field at the best."""
        numbers = self.numbers(best)
        told = self._told(self._through(best, 0, numbers[0])[0]) if self.variant.judge is merit else None
        known = {} if told is None else told.slopes
        at = [
            (one, number) for one, number in zip(self.fields, numbers, strict=True) if one.path not in known
        ]
        asked = [
            self._through(best, self.fields.index(one), value)
            for one, number in at
            for value in plan(one, number)
        ]
        self._try(SLOPES, asked, "looking close by")
        found = {tuple(one.written.items()): Outcome(one.merit, one.failure) for one in self.trials}
        outcomes = {
            (index, place): found[tuple(asked[4 * index + place][0].items())]
            for index in range(len(at))
            for place in range(4)
        }
        by_path = {slope.field.path: slope for slope in slopes(at, outcomes, self.objective)}
        return tuple(
            by_path[one.path] if one.path in by_path else exact(one, number, known[one.path])
            for one, number in zip(self.fields, numbers, strict=True)
        )


def _inside(place: Place) -> bool:
    return all(0.0 <= share <= 1.0 for share in place)


def _marked(cell: Cell, fields: tuple[Field, ...], numbers: tuple[float, ...], objective: str) -> Cell:
    """The cell with the best values, each of which says where it comes from."""
    values = {
        one.path: {
            "value": one.text(number),
            "source": f"largest {objective} in the range {one.range}, by perotwin optimise",
        }
        for one, number in zip(fields, numbers, strict=True)
    }
    return changed(cell, {**values, "name": f"{cell.name}-optimum"})


def _notes(work: _Work, best: Trial, complete: bool) -> list[str]:
    """What a reader of an optimum must know."""
    made = []
    for one, share in zip(work.fields, best.place, strict=True):
        if one.why != "as given":
            made.append(f"{one.path} was varied from {one.range}: {one.why}.")
        if not _inside((one.share(one.now),)):
            made.append(f"{one.path} of the cell, {one.text(one.now)}, lies outside the range {one.range}.")
        for end, words, number in ((0.0, "low", one.low), (1.0, "high", one.high)):
            if abs(share - end) < _AT_END:
                made.append(
                    f"{one.path} is best at the {words} end of its range, {one.text(number)}: beyond it may be better."
                )
    elsewhere = _second(work, best)
    if elsewhere is not None:
        values = ", ".join(f"{path} = {text}" for path, text in elsewhere.written.items())
        less = 100.0 * (1.0 - work.value(elsewhere) / work.value(best))
        made.append(f"almost as good, {less:.2g} % less, but elsewhere: {values}.")
    failed = [one for one in work.trials if one.merit is None]
    if failed:
        made.append(
            f"{len(failed)} of {len(work.trials)} cells could not be solved; the first: {failed[0].failure}"
        )
    if not complete:
        made.append(f"stopped after {len(work.trials)} cells: this is the best of those.")
    return made


def _second(work: _Work, best: Trial) -> Trial | None:
    """The end of another search that is about as good as the best, and elsewhere."""
    ends: dict[str, Trial] = {}
    for one in work.trials:
        if one.merit is not None and one.stage.startswith(SEARCH):
            first = ends.get(one.stage)
            ends[one.stage] = one if first is None or work.value(one) > work.value(first) else first
    apart = [
        one
        for one in ends.values()
        if max(abs(a - b) for a, b in zip(one.place, best.place, strict=True)) > _ELSEWHERE
        and work.value(one) >= (1.0 - _AS_GOOD) * work.value(best)
    ]
    return max(apart, key=work.value, default=None)
