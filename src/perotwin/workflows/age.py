"""Cells through the hours: conditions, rates, courses, their files; and bands of courses over what is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import measurement, progress, recipe
from perotwin.ageing import protocols as of_protocols
from perotwin.ageing import rates as of_rates
from perotwin.ageing.degradation import Course, Run
from perotwin.ageing.films import film_of
from perotwin.ageing.lifetimes import readings
from perotwin.ageing.operating_point import Devices
from perotwin.ageing.protocols import Plan
from perotwin.ageing.rates import Rates
from perotwin.ageing.segregation import TwoPhases
from perotwin.errors import InputError
from perotwin.measurement import Metrics
from perotwin.stack import load as load_cell
from perotwin.units import parse
from perotwin.workflows.run import unique_names
from perotwin.workflows.samples import recipe_of

if TYPE_CHECKING:
    from perotwin.recipe import Sample
    from perotwin.stack import Cell

__all__ = [
    "Aged", "age", "fitted", "machine_result", "plans_for", "rates_for", "sample_of", "show", "write_aged",
]  # fmt: skip


@dataclass(frozen=True)
class Aged:
    """A cell that went through a test.

    Attributes:
        name: of the cell. cell: fresh. plan: what it went through. course: what became of it. metrics: what that tells.
        shares: moments (K,) s, and by mechanism (K,) parts of the first power that were lost to it.
        rates: that it aged with. notes: what a reader must know.
        film: by junction, share of the volume that its film has segregated after 10 min of one sun.
        bands: of draws, where some were made (`workflows.ageing_draws.Bands`).
    """

    name: str
    cell: Cell
    plan: Plan
    course: Course
    metrics: Metrics
    shares: tuple[np.ndarray, Mapping[str, np.ndarray]]
    rates: Rates
    notes: tuple[str, ...] = ()
    film: Mapping[str, float] = field(default_factory=dict)
    bands: object | None = field(default=None)


def sample_of(cell: Cell) -> Sample | None:
    """What the recipe of a cell left; None where none is known."""
    try:
        return recipe.prepare(recipe_of(cell))
    except InputError:
        return None


def rates_for(path: str | Path | None = None) -> tuple[Rates, list[str]]:
    """Rates from a file or those that come with perotwin, and what is to be said of them.

    Raises:
        InputError: as of `ageing.rates.load`.
    """
    found = of_rates.library() if path is None else of_rates.load(path)
    notes = []
    cells = {}
    for name in found.fitted_on:
        try:
            cells[name] = load_cell(name)
        except InputError:
            continue
    stale = found.stale(cells)
    if stale:
        notes.append(
            f"the rates were fitted on other cells of the name {', '.join(stale)} than there are now: fit them again "
            "with perotwin age --refit."
        )
    if not found.fitted_on:
        notes.append("the rates were fitted on no cell: fit them with perotwin age --refit.")
    return found, notes


def fitted(rates: Rates) -> Rates:
    """Rates fitted again on the library's cells; see `ageing.rates.fit`.

    Raises:
        InputError: a cell of the data is not in the library.
        ConvergenceError: no rates meet the data.
    """
    cells = {one.cell: load_cell(one.cell) for one in rates.data}
    return of_rates.fit(rates, cells, {name: sample_of(cell) for name, cell in cells.items()})


def plans_for(
    cells: Sequence[Cell], protocol: str, duration: str, *, own_light: bool = False, **given: Any
) -> list[Plan]:
    """The plan of each cell; see `ageing.protocols.plan_of`.

    Args:
        cells: one or several. protocol: its name. duration: as people write it. own_light: whether the cells' own light
            shines in place of the protocol's, where that has any. given: what differs from the protocol.

    Raises:
        InputError: as of `plan_of`.
    """
    seconds = float(parse(duration, "time"))
    made = []
    for cell in cells:
        lit = of_protocols.protocol(protocol).light > 0.0
        suns: dict[str, Any] = {"light": float(cell.light.intensity)} if own_light and lit else {}
        made.append(of_protocols.plan_of(protocol, cell, seconds, **given, **suns))
    return made


def age(
    cells: Sequence[Cell],
    plans: Sequence[Plan],
    rates: Rates,
    out: str | Path | None = None,
    *,
    said: Sequence[str] = (),
) -> Iterator[Aged]:
    """Let cells go through tests, and give each when it is done.

    Args:
        cells: one or several. plans: of each (see `ageing.protocols.plan_of`). rates: of the mechanisms.
        out: a folder that holds a checkpoint of each run, from which one that was stopped goes on.
        said: what is to be said of the rates.

    Raises:
        InputError: a cell that nothing ages, or cycles that are too short for its ions.
        ConvergenceError: a cell could not be solved, or its ions lag behind.
        KeyboardInterrupt: interrupted; with a folder the checkpoint goes on from there.
    """
    folder = None if out is None else measurement.make_folder(out)
    names = unique_names(cells)
    for cell, plan, name in zip(cells, plans, names, strict=True):
        sample = sample_of(cell)
        mechanisms, notes = of_rates.usual(cell, rates, sample)
        checkpoint = None if folder is None else folder / f"{name}-{plan.name}.checkpoint"
        hours = plan.duration / 3600.0
        with (
            progress.task(f"{cell.name}: {plan.name}, {hours:.4g} h", total=1000) as counter,
            Devices(cell) as devices,
        ):
            run = Run(
                cell, mechanisms, plan.stretches, plan.rounds, sample=sample, checkpoint=checkpoint,
                each=_Moved(plan.duration, counter),
            )  # fmt: skip
            course = run.to_end(devices)
            if not course.complete:
                where = f"{cell.name}: stopped at {course.time[-1] / 3600.0:.4g} h"
                progress.note(where if folder is None else f"{where}; the same command goes on from there")
                raise KeyboardInterrupt
            shares = run.shares(course, devices)
        metrics = readings(course, plan.stretches, plan.rounds)
        about = [*said, *notes, *_words(rates, course, plan)]
        yield Aged(
            cell.name,
            cell,
            plan,
            course,
            metrics,
            shares,
            rates,
            tuple(dict.fromkeys(about)),
            _films(cell, rates),
        )
        run.forget()


def _films(cell: Cell, rates: Rates) -> dict[str, float]:
    """By junction, the share of its film's volume that has segregated after 10 min of one sun; of those that can."""
    lit = cell if float(cell.light.intensity) == 1.0 else cell.with_light(intensity="1 sun")
    found = {}
    for junction in cell.stacks:
        try:
            film = film_of(lit, junction=junction or None)
            phases = TwoPhases(film, rates.segregation)
        except InputError:
            continue
        found[junction] = float(phases.follow(film.generation, [_SOAKED])[0])
    return found


#: s, of the soaking of a film that a test is told beside
_SOAKED = 600.0


@dataclass
class _Moved:
    """Tells a progress bar of a thousand parts how far a run has come."""

    duration: float
    counter: progress.Task
    done: int = 0

    def __call__(self, time: float) -> None:
        now = int(1000.0 * time / self.duration)
        self.counter.advance(max(now - self.done, 0))
        self.done = max(now, self.done)


def _words(rates: Rates, course: Course, plan: Plan) -> list[str]:
    """What a reader must know of a course."""
    bounds = sum(one.kind == "bound" for one in rates.data)
    words = [
        f"rates of traps and patches are calibrated on {len(rates.data)} numbers, {bounds} of them a bound: "
        f"{rates.per_rate:g} data for each rate. Orders, activation energies, laws and the split between mechanisms "
        "are "
        "assumed.",
        f"ions lag behind by {course.lag:.1g} of the power at most; {course.points} points of the cell were solved.",
    ]
    if all(one.light == 0.0 for one in plan.stretches) and float(rates.order) > 0.0:
        words.append(
            "every rate here is driven by carriers: in the dark without bias nothing happens. Damage by heat alone is "
            "not "
            "in these data."
        )
    if any(one.temperature != 298.15 for one in plan.stretches):
        words.append(f"warmer by one activation energy of {rates.activation_energy}, which is assumed.")
    return words


def show(out: Any, found: Sequence[Aged]) -> None:
    """Put the table and what a reader must know where a command says things (`table` and `say`)."""
    from perotwin.report import aged

    out.table(aged.table(found))
    for sentence in aged.words(found):
        out.say(sentence)


def machine_result(one: Aged) -> dict[str, Any]:
    """A cell that went through a test, for machines."""
    from perotwin.report import aged

    return aged.result(one)


def write_aged(found: Sequence[Aged], out: str | Path, *, csv: bool = False) -> list[Path]:
    """Write courses (NetCDF, CSV), figure, numbers (JSON) and the page of cells that went through tests."""
    from perotwin.plotting import ageing as drawing
    from perotwin.plotting import style
    from perotwin.report import aged, ageing_page, machine

    folder = measurement.make_folder(out)
    progress.note("drawing and writing")
    names = unique_names([one.cell for one in found])
    written: list[Path] = []
    datasets = []
    for name, one in zip(names, found, strict=True):
        data = aged.dataset(one)
        datasets.append(data)
        written.append(measurement.save(data, folder / f"{name}-age.nc"))
        if csv:
            written.append(aged.write_course(one, folder / f"{name}-age.csv"))
    svg, png = style.save(drawing.operation(datasets), folder / "age")
    document = machine.to_text(machine.document([aged.result(one) for one in found]))
    written += [svg, png, measurement.write_text(folder / "age.json", document)]
    html = ageing_page.render(
        "Cells through the hours", aged.lead(found), {aged.CAPTION: svg}, aged.parts(found)
    )
    written.append(measurement.write_text(folder / "age.html", html))
    return written
