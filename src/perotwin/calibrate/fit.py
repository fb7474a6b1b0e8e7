"""A fit of cells to data, from start to end: search, covariance, misfit, what is told and what is not.

found = calibrate([cell], data, [parameter_of(cell, "perovskite.lifetime")])
found.fitted[0].to_toml(); print(found.report())
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate.data import Data, Table
from perotwin.calibrate.fields import NO_LINKS, Links
from perotwin.calibrate.information import Told, told_by
from perotwin.calibrate.leaning import Lean, named, place_of, stands_for
from perotwin.calibrate.least_squares import SQUARES, Fit, Loss, at, solve
from perotwin.calibrate.misfit import Misfit, misfit
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import Log, Parameter, known, parameter_of
from perotwin.errors import ConvergenceError, InputError, PerotwinError

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Calibration", "calibrate", "usual_nuisances"]

F64 = NDArray[np.float64]

#: relative, at which a search ends: chi-square to a hundredth of what tells two fits apart
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Calibration:
    """Cells fitted to data.

    Attributes:
        objective: cells as given, data, parameters. fit: what the solver found. told: what the data tell.
        fitted: the cells with the best values, which say where they come from.
        misfits: of each data set. tables: data beside fit, of each data set.
        notes: what a reader must know. leans: held numbers that the fitted ones lean on, where they were asked for
            (`calibrate.leaning`).
    """

    objective: Objective
    fit: Fit
    told: Told
    fitted: tuple[Cell, ...]
    misfits: tuple[Misfit, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    leans: tuple[Lean, ...] = ()

    @property
    def complete(self) -> bool:
        """False when it was interrupted."""
        return self.fit.complete

    @property
    def flagged(self) -> tuple[Misfit, ...]:
        """The data sets that are not described."""
        return tuple(one for one in self.misfits if one.flagged)

    @property
    def untold(self) -> tuple[str, ...]:
        """What the data cannot tell, in words: weak directions, and numbers beside which the search found a bound."""
        grouped = {member for group in self.told.groups for member in group.members}
        said = [group.words for group in self.told.groups]
        for index, one in enumerate(self.fit.parameters[: self.objective.count]):
            if one.prior is not None or self.told.identified[index] or index in grouped:
                continue
            where = [
                words.removeprefix(one.name)
                for words in self.fit.at_bound
                if words.startswith(f"{one.name} (")
            ]
            said.append(
                f"{one.name}, which ended at a bound{where[0]}" if where else
                f"{one.name}, which ended within two standard deviations of a bound"
            )  # fmt: skip
        return tuple(said)

    def report(self) -> str:
        """What was found, as text."""
        lines = [self.fit.report()]
        lines += ["", *(one.words for one in self.flagged)] if self.flagged else []
        lines += ["", "what these data cannot tell:"]
        without = "all: the data are not described" if self.flagged else "nothing of what was varied"
        lines += [f"  {words}" for words in self.untold or (without,)]
        if self.leans:
            lines += ["", "what was held, and counts:", *(f"  {words}" for words in named(self.leans))]
        return "\n".join(lines)


def usual_nuisances(cell: Cell, data: Sequence[Data], varied: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Numbers of the optics that are known within the range that they state only, and that light sees: the thickness of
    transparent electrodes, the roughness of faces. Of cells whose generation is computed by optics.
    """
    if cell.light.generation.kind != "optics" or not any(one.cell == cell.name for one in data):
        return ()
    taken = {place for one in varied for place in _places(cell, one)}
    quantities = cell.quantities()
    paths = []
    lit = [layer for layer in getattr(cell, "layer", ()) if layer.role == "electrode"]
    if lit:
        paths.append(f"{lit[0].name}.thickness")
    paths += [
        path for path, value in quantities.items() if path.endswith(".roughness") and float(value) > 0.0
    ]
    found = []
    for path in paths:
        if path in quantities and place_of(cell, path) not in taken:
            try:
                found.append(known(cell, path, name=path, cells=(cell.name,)))
            except PerotwinError:  # a number that cannot be varied is not known to be another
                continue
    return tuple(found)


def calibrate(
    cells: Sequence[Cell],
    data: Sequence[Data],
    parameters: Sequence[Parameter],
    *,
    loss: Loss = SQUARES,
    starts: int = 1,
    seed: int = 0,
    kept: Callable[[dict[str, float], float], Any] | None = None,
    begin: Mapping[str, float] | None = None,
    links: Links = NO_LINKS,
) -> Calibration:
    """Fit cells to data.

    Args:
        cells: where the search begins, by unique names. data: what they are compared with.
        parameters: of the cells; what is unknown of the measurements is added.
        loss: how residuals count. starts, seed: of searches, see `solve`.
        kept: called with the values (SI, by the parameters' names) and chi-square of each search that is the best so
            far.
        begin: values (SI) by name from which the first search begins instead, those of the measurements included; what
            it does not name begins where it would.
        links: ties between numbers, and the recipes that made the cells.

    Returns:
        The calibration. Interrupted (Ctrl-C), it holds the best of what was tried, and is not `complete`.

    Raises:
        InputError: what cannot be: no data, more parameters than data, a parameter that no cell has.
        PerotwinError: the cell cannot be solved where the search begins.
        KeyboardInterrupt: interrupted before anything was known.
    """
    if not data:
        raise InputError(
            "there are no data.", "Give measured files: --jv rev.txt --eqe cell.eqe.", key="data"
        )
    objective = Objective(cells, data, parameters, links=links)
    _refuse_twice(objective)
    _refuse_few(objective)
    names = [one.name for one in objective.parameters]

    def keep(values: F64, chi2: float) -> None:
        if kept is not None:
            kept(dict(zip(names, map(float, values), strict=True)), chi2)

    search = _Search(objective, loss, keep)
    with objective.remembering():
        quick = [one for one in data if one.both_sides]
        slow = len(quick) < len(data)
        begins: list[F64] = [] if begin is None else [_named(begin, objective)]
        if slow and begin is None and quick and (starts > 1 or _enough(quick, objective)):
            begins = _first(cells, quick, parameters, objective, starts, seed)
        found = search.of(begins[0] if begins else None, 1 if slow and begins else starts, seed)
        notes: list[str] = []
        if slow and found.complete:
            found = search.again(found)
            found, notes = _elsewhere(search, found, begins[1:])
        if slow and found.complete:
            objective.forget()
            last = at(objective.residuals, found.parameters, found.values, jacobian=objective.jacobian)
            found = replace(found, covariance=last.covariance, jacobian=last.jacobian)
        return concluded(objective, found, notes)


@dataclass(frozen=True)
class _Search:
    """Searches of all data."""

    objective: Objective
    loss: Loss
    kept: Callable[[F64, float], Any]

    def of(self, begin: F64 | None, starts: int = 1, seed: int = 0, label: str = "") -> Fit:
        """From values (P,), those of the parameters without them."""
        some = list(self.objective.parameters)
        if begin is not None:
            some = [_from(one, float(value)) for one, value in zip(some, begin, strict=True)]
        found = solve(
            self.objective.residuals, some, jacobian=self.objective.jacobian, labels=self.objective.labels,
            loss=self.loss, starts=starts, seed=seed, tolerance=_TOLERANCE,
            label=label or f"fitting {', '.join(self.objective.twins)}", kept=self.kept,
        )  # fmt: skip
        return replace(found, parameters=tuple(self.objective.parameters))

    def again(self, found: Fit) -> Fit:
        """Once more from where a search ended, with new slopes: old ones may have ended it early."""
        self.objective.forget()
        last = self.of(found.values, label="looking again")
        return replace(
            last, starts=(last.starts[0], *found.starts[1:]), evaluations=found.evaluations + last.evaluations,
            seconds=found.seconds + last.seconds,
        )  # fmt: skip


def _elsewhere(search: _Search, found: Fit, begins: Sequence[F64]) -> tuple[Fit, list[str]]:
    """The best of searches that begin elsewhere, where one has ended at what does not describe the data, and what is
    to be said of them.

    Steady data often leave two faces to choose from; only what is followed in time tells them apart, and a search
    does not cross over.
    """
    tried = 0
    for begin in begins:
        if not found.complete or not any(one.flagged for one in _misfits(search.objective, found)):
            break
        tried += 1
        progress.note("These values do not describe the data; beginning elsewhere.")
        search.objective.forget()
        try:
            other = search.of(begin)
            other = search.again(other) if other.complete else other
        except ConvergenceError:
            continue
        except KeyboardInterrupt:
            # before anything was known there: what was found before stays
            return replace(found, complete=False, message="interrupted"), []
        best, worse = (other, found) if _cost(other) < _cost(found) else (found, other)
        found = replace(
            best, starts=(*best.starts, *worse.starts), complete=other.complete,
            message=(best if other.complete else other).message,
            evaluations=found.evaluations + other.evaluations, seconds=found.seconds + other.seconds,
        )  # fmt: skip
    if not tried:
        return found, []
    return found, [f"{tried} further {'search' if tried == 1 else 'searches'} of all data began elsewhere"]


def _cost(fit: Fit) -> float:
    """What a search makes small."""
    return fit.starts[0].cost


def concluded(objective: Objective, found: Fit, notes: Sequence[str] = ()) -> Calibration:
    """What a fit means."""
    misfits = _misfits(objective, found)
    tables = tuple(
        one.table(
            objective.twins[one.cell], objective.of_cell(found.values, one.cell), objective.own(found.values)
        )
        for one in objective.data
    )
    fitted = tuple(_marked(objective, found, cell) for cell in objective.cells)
    said = list(notes)
    if found.at_bound:
        said.append(f"at a bound: {'; '.join(found.at_bound)}. Widen it, or ask whether the model is right")
    if not found.complete:
        said.append("interrupted: the best of what was tried until then")
    elif len(found.starts) == 1 and any(one.flagged for one in misfits):
        said.append(
            "one search was made, and it may have ended beside the best: --starts 4 begins elsewhere too"
        )
    for cell, own in zip(objective.cells, fitted, strict=True):
        said += _coarse(objective, cell, own)
    return Calibration(objective, found, told_by(found), fitted, tuple(misfits), tables, tuple(said))


#: by how much (V, and as a part) a fitted cell on a mesh of its own may differ from that on the mesh of the fit
_VOLTS, _PART = 5e-4, 2e-3


def _coarse(objective: Objective, cell: Cell, fitted: Cell) -> list[str]:
    """What the fitted cell gives on a mesh of its own, where that is another than on the mesh of the fit."""
    from perotwin.calibrate.data import figures
    from perotwin.transport.build import build
    from perotwin.transport.steady import Solver

    light = float(cell.light.intensity)
    if not light > 0.0:
        return []
    twin = objective.twins[cell.name]
    try:
        one = figures(Solver(twin.problem_of(fitted)), light)
        other = figures(Solver(build(fitted)), light)
    except PerotwinError:
        return [f'the figures of "{cell.name}" could not be solved on a mesh of its own']
    if not (math.isfinite(one["voc"]) and math.isfinite(other["voc"])):
        return []
    volts, part = abs(one["voc"] - other["voc"]), abs(one["jsc"] / other["jsc"] - 1.0)
    if volts > _VOLTS or part > _PART:
        return [
            f'on a mesh of its own the fitted "{cell.name}" differs by {1e3 * volts:.2g} mV in Voc and '
            f"{100 * part:.2g} % in Jsc from what was fitted: fit again from the fitted cell"
        ]
    return []


def _misfits(objective: Objective, found: Fit) -> list[Misfit]:
    """How each data set fits."""
    made, first = [], 0
    # a data set's share of the parameters is the trace of its part of the projection
    for one, size, share in zip(objective.data, objective.sizes, _shares(objective, found), strict=True):
        made.append(misfit(one.name, found.residuals[first : first + size], share))
        first += size
    return made


def _shares(objective: Objective, found: Fit) -> list[float]:
    """How many of the parameters each data set determines: traces of its part of the projection onto the data."""
    covariance = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    leverage = np.einsum("np,pq,nq->n", found.jacobian, covariance, found.jacobian)
    ends = np.cumsum([0, *objective.sizes])
    return [float(leverage[a:b].sum()) for a, b in pairwise(ends)]


def _places(cell: Cell, one: Parameter) -> list[tuple[str | int, ...]]:
    """Where the numbers stand in a cell that a parameter sets, however its paths are written."""
    if one.cells and cell.name not in one.cells:
        return []
    return [place_of(cell, path) for short in one.paths for path in stands_for(cell, short)]


def _refuse_twice(objective: Objective) -> None:
    for cell in objective.cells:
        taken: dict[tuple[str | int, ...], str] = {}
        for one in objective.parameters[: objective.count]:
            for place in _places(cell, one):
                other = taken.setdefault(place, one.name)
                if other != one.name:
                    raise InputError(
                        f'"{other}" and "{one.name}" name the same number of "{cell.name}".', "Name it once.",
                        key=one.name,
                    )  # fmt: skip


def _refuse_few(objective: Objective) -> None:
    free = sum(one.prior is None for one in objective.parameters)
    data = sum(objective.sizes)
    if free > data:
        raise InputError(
            f"{free} parameters are to be found from {data} data.",
            "Vary fewer, or give more data.",
            key="vary",
        )


def _enough(quick: Sequence[Data], objective: Objective) -> bool:
    free = sum(one.prior is None for one in objective.parameters[: objective.count])
    return sum(len(one.labels()) for one in quick) >= 2 * free


def _first(
    cells: Sequence[Cell],
    quick: Sequence[Data],
    parameters: Sequence[Parameter],
    objective: Objective,
    starts: int,
    seed: int,
) -> list[F64]:
    """Values to begin with where runs in time take long: those that fit the steady data, the best first."""
    smaller = Objective(cells, quick, parameters, links=objective.links)
    progress.note("Fitting the steady data first.")
    found = solve(
        smaller.residuals, smaller.parameters, jacobian=smaller.jacobian, starts=starts, seed=seed, tolerance=1e-3,
        label="fitting steady data",
    )  # fmt: skip
    made = []
    for start in found.starts:
        by_name = {one.name: float(value) for one, value in zip(smaller.parameters, start.ended, strict=True)}
        made.append(_named(by_name, objective))
    return made


def _named(values: Mapping[str, float], objective: Objective) -> F64:
    """(P,) values by name; where a parameter is not named, that from which it would begin."""
    return np.array([values.get(one.name, one.start) for one in objective.parameters])


def _from(parameter: Parameter, value: float) -> Parameter:
    return replace(parameter, start=min(max(value, parameter.low), parameter.high))


def _marked(objective: Objective, found: Fit, cell: Cell) -> Cell:
    """The cell with the best values, each saying that a fit found it, and its 95 % interval where it has one."""
    of = ", ".join(one.name for one in objective.data if one.cell == cell.name)
    twin = objective.twins[cell.name]
    plain = objective.of_cell(found.values, cell.name)
    values: dict[str, Any] = {}
    for index, one in enumerate(objective.parameters):
        low, high = found.interval(index)
        for path in one.paths:
            if path in plain and (not one.cells or cell.name in one.cells):
                values[path] = _entry(
                    one, float(found.values[index]), low, high, f"fitted by perotwin to {of}"
                )
    for path, (value, sd) in objective.derived(found, cell.name).items():
        one = parameter_of(cell, path)
        low, high = (value + sign * 1.96 * sd for sign in (-1.0, 1.0))
        if isinstance(one.scale, Log):
            low, high = (value * math.exp(sign * 1.96 * sd / value) for sign in (-1.0, 1.0))
        values[path] = _entry(one, value, low, high, f"as what perotwin fitted to {of} ties or makes it")
    try:
        return twin.with_values({**plain, **values})
    except InputError:
        return twin.with_values(plain)


def _entry(one: Parameter, value: float, low: float, high: float, source: str) -> dict[str, Any]:
    """A number that a fit found, as a stack file has it."""
    entry: dict[str, Any] = {"value": one.written(value), "source": source}
    if low < value < high:
        entry["assumed"] = [one.written(low), one.written(high)]
        entry["note"] = "95 % interval of the fit"
    return entry
