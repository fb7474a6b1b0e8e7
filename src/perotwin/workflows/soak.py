"""Films of cells soaked in light, their files, and how much of the answer hangs on what is free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perotwin import measurement, progress, recipe
from perotwin.ageing import soak as model
from perotwin.ageing.films import film_of
from perotwin.ageing.parameters import SegregationParameters
from perotwin.ageing.segregation import TwoPhases
from perotwin.errors import InputError
from perotwin.workflows.run import unique_names
from perotwin.workflows.samples import recipe_of

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.stack import Cell

__all__ = ["Soaked", "soak", "write_soaked"]


@dataclass(frozen=True)
class Soaked:
    """A film that was soaked in light.

    Attributes:
        course: the dataset (see `ageing.soak.soak`). metrics: what it tells. maps: why there are none, or nothing.
        drawn: parameter sets that were drawn from the ranges of the free ones, and in how many of them the second line
            holds more than 5 % of the light after a minute, and at the end; None where none were drawn.
    """

    course: xr.Dataset
    metrics: Metrics
    maps: str = ""
    drawn: tuple[int, int, int] | None = None


def soak(
    cells: Sequence[Cell],
    protocol: model.Protocol | None = None,
    *,
    junction: str | None = None,
    draws: int = 0,
    seed: int = 1,
) -> list[Soaked]:
    """Soak the films of cells in their own light; maps are drawn where a recipe is known that made a cell.

    Args:
        cells: one or several. protocol: of the soaking. junction: of tandems.
        draws: sets of the free parameters that are drawn from their ranges, the same for all cells.
        seed: of the draws.

    Raises:
        InputError: a cell without a mixed film or without ions, a number of draws below zero.
    """
    protocol = protocol or model.Protocol()
    if draws < 0:
        raise InputError(f"{draws} draws are none.", "Give a number from zero up.", key="draws")
    parameters = SegregationParameters.library()
    sets = model.drawn(parameters, draws, seed)
    found = []
    with progress.task("soaking", total=len(cells)) as counter:
        for cell in cells:
            counter.advance(0, label=f"{cell.name}: soaking")
            sample, why = None, ""
            try:
                sample = recipe.prepare(recipe_of(_part(cell, junction)))
            except InputError as reason:
                why = f"no maps: {reason.message}"
            course = model.soak(cell, protocol, sample, junction=junction, parameters=parameters)
            counts = _visible(cell, junction, float(protocol.duration), sets) if sets else None
            found.append(Soaked(course, model.readings(course), why, counts))
            counter.advance()
    return found


def _part(cell: Cell, junction: str | None) -> Cell:
    """The junction that was asked for, whose recipe counts."""
    from perotwin.stack import Tandem

    return cell.cells[junction] if isinstance(cell, Tandem) and junction in cell.cells else cell


def _visible(
    cell: Cell, junction: str | None, duration: float, sets: Sequence[SegregationParameters]
) -> tuple[int, int, int]:
    """How many sets of parameters there are, and in how many the second line is seen after a minute and at the end."""
    film = film_of(cell, junction=junction)
    lit = float(cell.light.intensity) * film.generation
    early = late = 0
    with progress.task(f"{film.name}: draws", total=len(sets)) as counter:
        for one in sets:
            phases = TwoPhases(film, one)
            share = phases.red_share(phases.follow(lit, np.array([min(60.0, duration), duration])))
            early += bool(share[0] > model.VISIBLE)
            late += bool(share[1] > model.VISIBLE)
            counter.advance()
    return len(sets), early, late


def write_soaked(found: Sequence[Soaked], out: str | Path, *, csv: bool = False) -> list[Path]:
    """Write data (NetCDF, CSV), the figure, the numbers (JSON) and the page of films that were soaked."""
    from perotwin.plotting import ageing as drawing
    from perotwin.plotting import style
    from perotwin.report import ageing_page, machine, soaked

    folder = measurement.make_folder(out)
    progress.note("drawing and writing")
    courses = [one.course for one in found]
    names = unique_names([_Named(str(course.attrs["stack"])) for course in courses])
    written: list[Path] = []
    for name, course in zip(names, courses, strict=True):
        written.append(measurement.save(course, folder / f"{name}-soak.nc"))
        if csv:
            written.append(soaked.write_course(course, folder / f"{name}-soak.csv"))
    svg, png = style.save(drawing.soaking(courses), folder / "soak")
    document = machine.to_text(machine.document([soaked.result(one) for one in found]))
    written += [svg, png, measurement.write_text(folder / "soak.json", document)]
    caption = (
        "Left: luminescence at several moments, means over the exposure of a map. Right: share of the light that "
        "the iodide-rich phase emits, grain by grain. Below: the same share of the whole film against time."
    )
    html = ageing_page.render("Films in light", soaked.lead(found), {caption: svg}, soaked.parts(found))
    written.append(measurement.write_text(folder / "soak.html", html))
    return written


@dataclass(frozen=True)
class _Named:
    name: str
