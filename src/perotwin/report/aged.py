"""Cells that went through tests of hours, as people and programs read them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.ageing import courses
from perotwin.ageing.lifetimes import label_of
from perotwin.measurement import field_unit, heading, quantity, term_of, write_text
from perotwin.report import tables
from perotwin.report.ageing_page import Part
from perotwin.report.batch_page import shown_value

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

__all__ = ["CAPTION", "SHARES", "dataset", "lead", "parts", "result", "table", "words", "write_course"]

CAPTION = (
    "Power over the first one against time; shaded where draws were made: half and nine tenths of them. Below, for "
    "each "
    "cell, what was lost to each mechanism, as parts of the first power."
)
#: mechanisms as people call them
SHARES = {
    "segregation": "iodide-rich domains",
    "trap-growth": "traps in the film",
    "bare-patches": "bare patches of the buried face",
    "tin-oxidation": "oxidised tin",
    "transport-layer": "transport layer",
    "electrode": "electrode",
}
_COLUMNS = ("t95", "t80", "burn_in", "ts80", "retained", "eta1000", "energy_yield")


def called(name: str) -> str:
    """A mechanism, and its junction, in words: "top trap-growth" is "traps in the film, top"."""
    junction, _, kind = name.rpartition(" ")
    words = SHARES.get(kind, kind)
    return f"{words}, {junction}" if junction else words


def dataset(one: Any) -> xr.Dataset:
    """The course of a cell as a dataset, with what was lost to each mechanism."""
    made = courses.dataset(one.course, one.cell, one.plan, one.name, one.notes)
    moments, parts_ = one.shares
    made = made.assign_coords(
        share_time=("share_time", moments, {"units": "s"}), mechanism=("mechanism", list(parts_))
    )
    made["lost"] = (
        ("mechanism", "share_time"),
        np.array([parts_[name] for name in parts_]).reshape(len(parts_), len(moments)),
        {"units": "1", "long_name": "part of the first power that is lost to a mechanism"},
    )
    bands = one.bands
    if bands is not None:
        made = made.assign_coords(draw_time=("draw_time", bands.time, {"units": "s"}))
        made["retained_draws"] = (("draw", "draw_time"), bands.retained, {"units": "1"})
    return made


def result(one: Any) -> dict[str, Any]:
    """One cell for machines."""
    course = one.course
    moments, parts_ = one.shares
    made: dict[str, Any] = {
        "stack": one.name,
        "protocol": one.plan.name,
        "conditions": list(one.plan.words),
        "metrics": {
            name: {**entry, "label": label_of(one.metrics[name])}
            for name, entry in one.metrics.to_json().items()
        },
        "course": {
            "time": quantity("time", course.time, "s"),
            "power_density": quantity("power_density", course.power, "W m-2"),
            "retained": quantity("retained", course.retained, "1"),
            "voltage": quantity("voltage", course.voltage, "V"),
            **{name: quantity(name, values, _unit(name)) for name, values in course.shown.items()},
        },
        "lost": {
            "time": quantity("time", moments, "s"),
            **{name: quantity("retained", values, "1") for name, values in parts_.items()},
        },
        "rates": {
            "trap_growth": {"value": 3600.0 * float(one.rates.trap_growth), "unit": "1/h"},
            "bare_patches": {"value": 3600.0 * float(one.rates.bare_patches), "unit": "1/h"},
            "tin_oxidation": {"value": 3600.0 * float(one.rates.tin_oxidation), "unit": "1/h"},
            "data": len(one.rates.data),
            "data_per_rate": one.rates.per_rate,
        },
        "points": course.points,
        "optics": course.optics,
        "ion_lag": course.lag,
        "notes": list(one.notes),
    }
    if one.bands is not None:
        made["draws"] = one.bands.to_json()
    return made


def _unit(name: str) -> str:
    term = term_of(name)
    return "1" if term is None else term.unit


def table(found: Sequence[Any]) -> Table:
    """A row a cell; what was extrapolated is marked."""
    made = tables.plain("cell", "test", *(heading(name) for name in _COLUMNS), numbers_from=2)
    for one in found:
        row = []
        for name in _COLUMNS:
            metric = one.metrics.get(name)
            text = shown_value(name, metric)
            row.append(
                f"{text} (e)"
                if metric is not None and label_of(metric) == "extrapolated" and text != "–"
                else text
            )
        made.add_row(tables.literal(one.name), one.plan.name, *row)
    return made


def words(found: Sequence[Any]) -> list[str]:
    """What a reader must know of some cells."""
    said = []
    for one in found:
        said.append(f"{one.name}: {'; '.join(one.plan.words)}.")
    if any(label_of(metric) == "extrapolated" for one in found for metric in one.metrics.values()):
        said.append("(e): extrapolated beyond the test; all else is simulated within it.")
    for one in found:
        said += _story(one)
        if one.bands is not None:
            said += [f"{one.name}: {sentence}" for sentence in one.bands.words()]
    noted: dict[str, list[str]] = {}
    for one in found:
        for note in one.notes:
            noted.setdefault(note, []).append(one.name)
    said += [f"{', '.join(names)}: {note}" for note, names in noted.items()]
    return said


def _story(one: Any) -> list[str]:
    """What the film does in minutes and the cell in hours, by one set of parameters."""
    said = []
    for name, values in one.course.shown.items():
        kind, _, junction = name.partition(", ")
        if kind != "segregated_share":
            continue
        at = int(np.argmax(values))
        hours = one.course.time[at] / 3600.0
        cost = float(np.max(one.shares[1].get(f"{junction} segregation".strip(), np.zeros(1))))
        film = one.film.get(junction, math.nan)
        said.append(
            f"{one.name}{f', {junction}' if junction else ''}: the numbers that leave its film with {film:.2g} of the "
            f"volume segregated after 10 min of one sun (perotwin soak) let its domains grow to {values[at]:.2g} after "
            f"{hours:.3g} h of this test, which costs up to {cost:.1%} of the first power: film and cell tell one "
            "story."
        )
    return said


def lead(found: Sequence[Any]) -> str:
    """One sentence on what the page shows."""
    tests = ", ".join(dict.fromkeys(one.plan.name for one in found))
    return f"{', '.join(one.name for one in found)} under {tests}, simulated."


def parts(found: Sequence[Any]) -> list[Part]:
    """What stands below the figure."""
    names = list(dict.fromkeys(name for one in found for name in one.metrics))
    rows = []
    for name in names:
        cells = []
        for one in found:
            metric = one.metrics.get(name)
            text = shown_value(name, metric)
            label = "" if metric is None else label_of(metric)
            cells.append(f"{text} {label}".strip())
        term = term_of(name)
        unit = "" if term is None or term.field_unit == "1" else f" ({term.field_unit})"
        rows.append([f"{name if term is None else term.words}{unit}", *cells])
    lost = []
    kinds = list(dict.fromkeys(kind for one in found for kind in one.shares[1]))
    for kind in kinds:
        lost.append(
            [
                called(kind),
                *(
                    f"{100.0 * one.shares[1][kind][-1]:.2f}" if kind in one.shares[1] else "–"
                    for one in found
                ),
            ]
        )
    rates = found[0].rates
    given = [
        [label, _per_hour(value), _range(value), kind]
        for label, value, kind in (
            ("traps in the film", rates.trap_growth, "calibrated"),
            ("bare patches", rates.bare_patches, "calibrated"),
            ("tin", rates.tin_oxidation, "assumed"),
        )
    ]
    given.append(["order in carriers", f"{float(rates.order):g}", _range(rates.order, plain=True), "assumed"])
    given.append(
        ["activation energy", str(rates.activation_energy), _range(rates.activation_energy), "assumed"]
    )
    data = [
        [
            one.cell, f"{float(one.time) / 3600.0:g} h", f"{100.0 * float(one.retained):.4g} %",
            "a bound" if one.kind == "bound" else "a value", one.retained.source or one.retained.note or "",
        ]
        for one in rates.data
    ]  # fmt: skip
    return [
        Part("What the test tells", (), ("", *(one.name for one in found)), rows),
        Part(
            "Lost at the end, per cent of the first power",
            (),
            ("mechanism", *(one.name for one in found)),
            lost,
        ),
        Part("What a reader must know", words(found)),
        Part("Rates", (), ("rate", "value", "range", "how it is known"), given, numbers=False),
        Part(
            "Data that the rates were calibrated on",
            (f"{len(data)} data points for 2 calibrated rates: {rates.per_rate:g} for each.",),
            ("cell", "after", "of the first power", "", "source"),
            data,
            numbers=False,
        ),
    ]


def _per_hour(value: Any) -> str:
    return f"{3600.0 * float(value):.3g} per h"


def _range(value: Any, plain: bool = False) -> str:
    if value.assumed is None:
        return ""
    low, high = value.assumed
    return f"{float(low):g} to {float(high):g}" if plain else f"{low} to {high}"


def write_course(one: Any, path: Path) -> Path:
    """A course as CSV, a moment a line, units in the head."""
    course = one.course
    columns: dict[str, tuple[Any, str]] = {
        "time": (course.time, "s"),
        "power_density": (course.power, "W m-2"),
        "retained": (course.retained, "1"),
        "voltage": (course.voltage, "V"),
        "current_density": (course.current, "A m-2"),
        **{name: (values, _unit(name)) for name, values in course.shown.items()},
    }
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    units = {name: field_unit(name, unit) for name, (_, unit) in columns.items()}
    lines.writerow([f"{name} ({unit})" if unit != "1" else name for name, (unit, _) in units.items()])
    for row in zip(*(values * units[name][1] for name, (values, _) in columns.items()), strict=True):
        lines.writerow(["" if not math.isfinite(value) else f"{value:.10g}" for value in row])
    return write_text(path, text.getvalue())
