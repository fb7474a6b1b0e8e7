"""Films of recipes in warm toluene, compared, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin import measurement, progress, recipe
from perotwin.ageing import film_in_solvent as model
from perotwin.measurement import checks_of, checks_to_json, heading, notes_of, quantity
from perotwin.workflows.run import unique_names

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    from perotwin.measurement import Metrics
    from perotwin.recipe import Recipe

__all__ = ["Film", "film_ageing", "result", "table", "words", "write_films"]

_COLUMNS = ("released_share", "absorbance_6h", "absorbance_end")


@dataclass(frozen=True)
class Film:
    """A film in toluene: name, course (see `ageing.film_in_solvent.age_film`) and what it tells."""

    name: str
    course: xr.Dataset
    metrics: Metrics


def film_ageing(recipes: Sequence[Recipe], protocol: model.Protocol | None = None) -> list[Film]:
    """Age the films of recipes.

    Raises:
        InputError: a recipe that leaves no film.
    """
    found = []
    with progress.task("films", total=len(recipes)) as counter:
        for one in recipes:
            counter.advance(0, label=f"{one.name}: film")
            course = model.age_film(recipe.prepare(one), protocol)
            found.append(Film(one.name, course, model.readings(course)))
            counter.advance()
    return found


def table(found: Sequence[Film]) -> Table:
    """A row a film."""
    from perotwin.report import tables
    from perotwin.report.batch_page import shown_value

    made = tables.plain("film", *(heading(name) for name in _COLUMNS))
    for one in found:
        made.add_row(
            tables.literal(one.name), *(shown_value(name, one.metrics.get(name)) for name in _COLUMNS)
        )
    return made


def words(found: Sequence[Film]) -> list[str]:
    """What a reader must know."""
    said = []
    if len(found) > 1:
        rates = [float(one.course.attrs["over_reference"]) for one in found]
        high, low = (
            max(range(len(found)), key=rates.__getitem__),
            min(range(len(found)), key=rates.__getitem__),
        )
        if high != low and rates[low] > 0.0:
            said.append(
                f"{found[high].name} gives off iodine {rates[high] / rates[low]:.3g} times as fast as "
                f"{found[low].name}, as "
                "their recipes left the vacancies that it leaves by (predicted)."
            )
    return said + list(dict.fromkeys(note for one in found for note in notes_of(one.course)))


def result(one: Film) -> dict[str, Any]:
    """One film for machines."""
    course = one.course
    return {
        "stack": one.name,
        "temperature": {"value": course.attrs["temperature"], "unit": "K"},
        "metrics": one.metrics.to_json(),
        "course": {
            "time": quantity("time", course["time"].values, "s"),
            "iodide_released": quantity("iodide_released", course["iodide_released"].values, "m-2"),
            "absorbance_near": quantity("absorbance_near", course["absorbance_near"].values, "1"),
        },
        "spectra": {
            "time": quantity("time", course["shown_time"].values, "s"),
            "wavelength": quantity("wavelength", course["wavelength"].values, "m"),
            "absorbance": quantity("absorbance", course["absorbance"].values, "1"),
        },
        "checks": checks_to_json(checks_of(course)),
        "notes": notes_of(course),
    }


def write_films(found: Sequence[Film], out: str | Path, *, csv: bool = False) -> list[Path]:
    """Write spectra (NetCDF, CSV), the figure, the numbers (JSON) and the page of films in toluene."""
    from perotwin.plotting import ageing as drawing
    from perotwin.plotting import style
    from perotwin.report import ageing_page, machine
    from perotwin.report.batch_page import shown_value

    folder = measurement.make_folder(out)
    progress.note("drawing and writing")
    names = unique_names(found)
    written: list[Path] = []
    for name, one in zip(names, found, strict=True):
        written.append(measurement.save(one.course, folder / f"{name}-film.nc"))
        if csv:
            rows = ["time (s),iodide_released (cm^-2),absorbance_near"]
            columns = (
                one.course["time"],
                1e-4 * one.course["iodide_released"],
                one.course["absorbance_near"],
            )
            rows += [
                ",".join(f"{value:.10g}" for value in row)
                for row in zip(*(c.values for c in columns), strict=True)
            ]
            written.append(measurement.write_text(folder / f"{name}-film.csv", "\n".join(rows) + "\n"))
    svg, png = style.save(drawing.solutions([one.course for one in found]), folder / "film-ageing")
    document = machine.to_text(machine.document([result(one) for one in found]))
    written += [svg, png, measurement.write_text(folder / "film-ageing.json", document)]
    p = model.Parameters.library()
    given = []
    for name in type(p).model_fields:
        value = getattr(p, name)
        ends = "" if value.assumed is None else f"{value.assumed[0]} to {value.assumed[1]}"
        given.append([name.replace("_", " "), str(value), ends, value.source or value.note or ""])
    parts = [
        ageing_page.Part(
            "What the solutions tell",
            words(found),
            ("", *(one.name for one in found)),
            [
                [heading(name), *(shown_value(name, one.metrics.get(name)) for one in found)]
                for name in _COLUMNS
            ],
        ),
        ageing_page.Part(
            "Parameters", (), ("parameter", "value", "range", "what fixes it"), given, numbers=False
        ),
    ]
    caption = (
        "Left: absorbance of the toluene at the moments shown; right: at 360 nm against time. The scale is free, the "
        "ratio of "
        "the samples and the shape are not."
    )
    html = ageing_page.render("Films in toluene", ", ".join(one.name for one in found), {caption: svg}, parts)
    written.append(measurement.write_text(folder / "film-ageing.html", html))
    return written
