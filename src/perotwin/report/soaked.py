"""Films that were soaked in light as people and programs read them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.measurement import checks_of, checks_to_json, heading, notes_of, quantity, write_text
from perotwin.report import tables
from perotwin.report.ageing_page import Part
from perotwin.report.batch_page import shown_value

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    from perotwin.measurement import Metrics

__all__ = ["lead", "parts", "result", "table", "words", "write_course"]

_COLUMNS = (
    "red_share_first", "red_share_end", "visible_after", "exchange_rate", "segregated_end", "segregated_settled",
)  # fmt: skip


class _Soaked:
    """What `workflows.soak` found of a film: its course, metrics, why there are no maps, and the draws."""

    course: xr.Dataset
    metrics: Metrics
    maps: str
    drawn: tuple[int, int, int] | None


def _name(one: Any) -> str:
    return str(one.course.attrs["stack"])


def result(one: Any) -> dict[str, Any]:
    """One film for machines."""
    course = one.course
    made: dict[str, Any] = {
        "stack": _name(one),
        "light": {"value": course.attrs["light"], "unit": "sun"},
        "temperature": {"value": course.attrs["temperature"], "unit": "K"},
        "metrics": one.metrics.to_json(),
        "course": {
            name: quantity(name, course[name].values, str(course[name].attrs.get("units", "1")))
            for name in ("time", "segregated_share", "red_share", "parent_light", "red_light")
        },
        "spectra": {
            "time": quantity("time", course["map_time"].values, "s"),
            "wavelength": quantity("wavelength", course["wavelength"].values, "m"),
            "emission": quantity("emission", course["emission"].values, "1"),
        },
        "checks": checks_to_json(checks_of(course)),
        "notes": [*notes_of(course), *([one.maps] if one.maps else [])],
    }
    if one.drawn is not None:
        total, early, late = one.drawn
        made["draws"] = {"count": total, "visible_after_a_minute": early, "visible_at_the_end": late}
    return made


def table(found: Sequence[Any]) -> Table:
    """A row a film."""
    made = tables.plain("film", *(heading(name) for name in _COLUMNS))
    for one in found:
        made.add_row(
            tables.literal(_name(one)), *(shown_value(name, one.metrics.get(name)) for name in _COLUMNS)
        )
    return made


def words(found: Sequence[Any]) -> list[str]:
    """What a reader must know: how films compare, what is free, how the answer holds over the ranges."""
    said = []
    if len(found) > 1:
        rates = [float(one.course.attrs["exchange_rate"]) for one in found]
        fast, slow = (
            max(range(len(found)), key=rates.__getitem__),
            min(range(len(found)), key=rates.__getitem__),
        )
        if rates[slow] > 0.0 and fast != slow:
            said.append(
                f"{_name(found[fast])} exchanges halides {rates[fast] / rates[slow]:.3g} times as fast as "
                f"{_name(found[slow])}: vacancies times their diffusion, as the recipes left them (predicted)."
            )
        lights = [float(one.course.attrs["threshold_light"]) for one in found]
        if lights[slow] < lights[fast]:
            said.append(
                f"thermodynamically {_name(found[slow])} is the worse film: its pairs live longer and unmix it from "
                f"{lights[slow]:.2g} suns on ({_name(found[fast])}: {lights[fast]:.2g}). Only its rate saves it."
            )
    for one in found:
        if one.drawn is not None:
            total, early, late = one.drawn
            said.append(
                f"{_name(one)}: in {early} of {total} draws of the free parameters from their ranges the second line "
                f"is seen after a minute, in {late} at the end."
            )
        if one.maps:
            said.append(f"{_name(one)}: {one.maps}")
    said += list(dict.fromkeys(note for one in found for note in notes_of(one.course)))
    return said


def lead(found: Sequence[Any]) -> str:
    """One sentence on what the page shows."""
    names = ", ".join(_name(one) for one in found)
    return f"Halide segregation in the film of {names}, as its luminescence tells."


def parts(found: Sequence[Any]) -> list[Part]:
    """What stands below the figure: numbers, what is free, parameters."""
    from perotwin.ageing.parameters import SegregationParameters

    names = list(dict.fromkeys(name for one in found for name in one.metrics))
    numbers = [[_said(name), *(shown_value(name, one.metrics.get(name)) for one in found)] for name in names]
    numbers += [
        [
            "mobile vacancies (cm^-3), recipe",
            *(f"{1e-6 * float(one.course.attrs['vacancies']):.3g}" for one in found),
        ],
        [
            "their diffusion (cm^2/s), recipe",
            *(f"{1e4 * float(one.course.attrs['diffusion']):.3g}" for one in found),
        ],
    ]
    p = SegregationParameters.library()
    rows = []
    for name in type(p).model_fields:
        value = getattr(p, name)
        ends = "" if value.assumed is None else f"{value.assumed[0]} to {value.assumed[1]}"
        rows.append([name.replace("_", " "), str(value), ends, value.source or value.note or ""])
    return [
        Part("What the films do", (), ("", *(_name(one) for one in found)), numbers),
        Part("What is predicted, calibrated and assumed", words(found)),
        Part(
            "Parameters", (), ("parameter", "value", "range", "source, or what fixes it"), rows, numbers=False
        ),
    ]


def _said(name: str) -> str:
    from perotwin.measurement import term_of

    term = term_of(name)
    if term is None:
        return name
    return f"{term.words}" if term.field_unit == "1" else f"{term.words} ({term.field_unit})"


def write_course(course: xr.Dataset, path: Path) -> Path:
    """The course of a film as CSV, a moment a line."""
    names = ("time", "segregated_share", "red_share", "parent_light", "red_light")
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["time (s)", *names[1:]])
    for row in zip(*(course[name].values for name in names), strict=True):
        lines.writerow([f"{value:.10g}" for value in row])
    return write_text(path, text.getvalue())
