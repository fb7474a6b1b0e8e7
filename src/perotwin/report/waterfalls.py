"""Waterfalls of losses as people and programs read them: tables, JSON, CSV, sentences."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from perotwin.losses.waterfall import between
from perotwin.measurement import NOMENCLATURE, checks_to_json, quantity, write_text
from perotwin.report import tables

if TYPE_CHECKING:
    from rich.table import Table

    from perotwin.losses.waterfall import Difference, Figures, Loss, Waterfall
    from perotwin.report.links import Link

__all__ = [
    "Row", "difference_result", "difference_rows", "difference_tables", "figures_rows", "gained", "how_told", "result",
    "rows", "shown", "unit_of", "waterfall_tables", "write_losses",
]  # fmt: skip

#: how the steps of measured curves are told apart, for every table and page
HOW_MEASURED = (
    "Points of efficiency follow from volts, current and fill factor by their logarithmic means, the same whatever the "
    "order. What the curves do not tell apart is one step."
)
#: the same of described cells
HOW_TOLD = (
    "Mechanisms that act together (recombination in the bulk, at faces and contacts; leaks and ions) get the mean of "
    "what each takes over all orders of switching them off (Shapley): the same whatever the order. Points of "
    "efficiency follow from volts, current and fill factor by their logarithmic means, in any order alike. Light, "
    "limit and resistance are told in the order in which they come: gap, light, recombination, resistances."
)
#: factor and unit of a loss, and its decimals
_UNITS = {
    "jsc": (0.1, "mA/cm^2", 2),
    "voc": (1e3, "mV", 1),
    "ff": (100.0, "points", 2),
    "pce": (100.0, "points", 2),
}
_HEADINGS = {"jsc": "current", "voc": "voltage", "ff": "fill factor"}
#: fraction of the irradiance below which steps of a difference are told together
_SMALL = 5e-5


def how_told(found: Sequence[Waterfall]) -> str:
    """How the steps are told apart, as sentences."""
    return HOW_TOLD if any(one.exact for one in found) else HOW_MEASURED


def unit_of(of: str) -> str:
    """The unit that a loss is read in."""
    return _UNITS[of][1]


def shown(of: str, value: float, decimals: int | None = None) -> str:
    """A loss in the unit that people read, without it; a gain has a minus."""
    factor, _, own = _UNITS[of]
    if not math.isfinite(value):
        return "–"
    places = own if decimals is None else decimals
    text = f"{factor * value:.{places}f}"
    return (text.removeprefix("-") if float(text) == 0.0 else text).replace("-", "−")


class Row(NamedTuple):
    """A row of a table: its heading stands alone where `values` is empty.

    below: a sentence under it, across the table; command: that shows it; links: to files that it is of.
    off: whether its last value stands out.
    """

    words: str
    values: list[str]
    total: bool = False
    below: str = ""
    command: str = ""
    links: Sequence[Link] = ()
    off: bool = False


def _level(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "–"
    term = NOMENCLATURE[name]
    decimals = {"voc": 3, "jsc": 2, "ff": 2, "pce": 2}[name]
    return f"{term.factor * value:.{decimals}f} {term.field_unit}"


def figures_rows(found: Sequence[Waterfall]) -> list[Row]:
    """The limit of each cell and the cell, in two columns each."""
    made = []
    for name in ("voc", "jsc", "ff", "pce"):
        values = []
        for one in found:
            values += [_level(name, getattr(one.ideal, name)), _level(name, getattr(one.actual, name))]
        made.append(Row(NOMENCLATURE[name].symbol, values))
    return made


def rows(found: Sequence[Waterfall]) -> list[Row]:
    """All steps, quantity by quantity: of each cell the loss in its unit and in points of efficiency."""
    made: list[Row] = []
    for of, heading in _HEADINGS.items():
        keys = dict.fromkeys(loss.key for one in found for loss in one.of(of))
        for junction in dict.fromkeys(junction for _, junction, _ in keys):
            words = f"{heading} ({unit_of(of)})" + (f", {junction} junction" if junction else "")
            made.append(Row(words, []))
            for key in (key for key in keys if key[1] == junction):
                each = [[loss for loss in one.losses if loss.key == key] for one in found]
                name = next(loss.name for some in each for loss in some)
                made.append(Row(name, _pairs(of, each)))
        each = [one.of(of) for one in found]
        if any(each):
            made.append(Row(f"together, {heading}", _pairs(of, each), total=True))
    made.append(Row("all", _all(found), total=True))
    return made


def _pairs(of: str, each: Sequence[Sequence[Loss]]) -> list[str]:
    values = []
    for some in each:
        if not some:
            values += ["–", "–"]
            continue
        values.append(shown(of, math.fsum(loss.value for loss in some)))
        values.append(shown("pce", math.fsum(loss.pce for loss in some)))
    return values


def _all(found: Sequence[Waterfall]) -> list[str]:
    values = []
    for one in found:
        known = [loss.pce for loss in one.losses]
        values += ["", shown("pce", math.fsum(known) if known else math.nan)]
    return values


def waterfall_tables(found: Sequence[Waterfall]) -> list[Table]:
    """Limit and cell, then the steps."""
    heads = [word for one in found for word in (f"{one.name}: limit", "cell")]
    first = tables.plain(
        "", *map(tables.literal, heads), title="Shockley-Queisser limit of the gap, and the cell"
    )
    for row in figures_rows(found):
        first.add_row(row.words, *row.values)
    heads = [word for one in found for word in (one.name, "points of PCE")]
    second = tables.plain("lost by", *map(tables.literal, heads))
    for row in rows(found):
        style = "bold" if row.total or not row.values else None
        second.add_row(
            tables.literal(row.words), *(row.values or [""] * len(heads)), style=style, end_section=row.total
        )
    return [first, second]


# --- two cells -------------------------------------------------------------------------------------------------------


def difference_rows(first: Waterfall, second: Waterfall) -> list[Row]:
    """What the second cell gains over the first, largest first."""
    made = []
    small = []
    for one in between(first, second):
        if abs(one.pce) < _SMALL:
            small.append(one.pce)
            continue
        words = one.name + (f", {one.junction} junction" if one.junction else "") + f" ({_HEADINGS[one.of]})"
        made.append(Row(words, [_loss(one, one.first), _loss(one, one.second), gained(one.pce)]))
    if small:
        made.append(Row(f"{len(small)} smaller steps", ["", "", gained(math.fsum(small))]))
    total = second.actual.pce - first.actual.pce
    made.append(
        Row("all", [_level("pce", first.actual.pce), _level("pce", second.actual.pce), gained(total)], True)
    )
    return made


def _loss(one: Difference, value: float) -> str:
    if one.kind == "limit":
        return _level(one.of, value)
    return f"{shown(one.of, value)} {unit_of(one.of)}"


def gained(value: float) -> str:
    """A change of an efficiency in points, with its sign where it is not nothing."""
    text = f"{100 * value:+.2f}"
    return "0.00" if float(text) == 0.0 else text.replace("-", "−")


def difference_tables(first: Waterfall, second: Waterfall) -> list[Table]:
    """What the difference of two cells consists of."""
    made = tables.plain(
        "step", f"lost by {tables.literal(first.name)}", f"by {tables.literal(second.name)}", "gained (points of PCE)",
        title=f"from {tables.literal(first.name)} to {tables.literal(second.name)}",
    )  # fmt: skip
    for row in difference_rows(first, second):
        made.add_row(tables.literal(row.words), *row.values, style="bold" if row.total else None)
    return [made]


def difference_result(first: Waterfall, second: Waterfall) -> dict[str, Any]:
    """The same for machines."""
    steps = [
        {
            "quantity": one.of,
            "kind": one.kind,
            "junction": one.junction or None,
            "name": one.name,
            "first": _value(one.of, one.first),
            "second": _value(one.of, one.second),
            "gain": _value("pce", one.pce),
        }
        for one in between(first, second)
    ]
    total = second.actual.pce - first.actual.pce
    return {"first": first.name, "second": second.name, "gain": _value("pce", total), "steps": steps}


# --- machines --------------------------------------------------------------------------------------------------------


def _value(of: str, value: float) -> dict[str, Any]:
    factor, unit, _ = _UNITS[of]
    return {"value": factor * value if math.isfinite(value) else None, "unit": unit}


def _figures(of: Figures) -> dict[str, Any]:
    return {
        name: quantity(name, getattr(of, name), NOMENCLATURE[name].unit)
        for name in ("voc", "jsc", "ff", "pce")
    }


def result(one: Waterfall) -> dict[str, Any]:
    """A waterfall for machines."""
    return {
        "stack": one.name,
        "from": "cell" if one.exact else "measured files",
        "bandgaps": {name or "cell": {"value": gap, "unit": "eV"} for name, gap in one.gaps.items()},
        "ideal": _figures(one.ideal),
        "actual": _figures(one.actual),
        "losses": [
            {
                "quantity": loss.of,
                "kind": loss.kind,
                "junction": loss.junction or None,
                "name": loss.name,
                "loss": _value(loss.of, loss.value),
                "pce": _value("pce", loss.pce),
            }
            for loss in one.losses
        ],
        "missing": [{"quantity": each.of, "words": each.words} for each in one.missing],
        "told": how_told([one]),
        "checks": checks_to_json(one.checks),
        "notes": list(one.notes),
    }


def write_losses(found: Sequence[Waterfall], path: Path) -> Path:
    """All steps of all cells as a table for spreadsheets."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["cell", "quantity", "junction", "kind", "name", "loss", "unit", "loss (points of PCE)"])
    for one in found:
        for loss in one.losses:
            factor, unit, _ = _UNITS[loss.of]
            points = "" if not math.isfinite(loss.pce) else f"{100 * loss.pce:.10g}"
            lines.writerow(
                [
                    one.name,
                    loss.of,
                    loss.junction,
                    loss.kind,
                    loss.name,
                    f"{factor * loss.value:.10g}",
                    unit,
                    points,
                ]
            )
    return write_text(path, text.getvalue())
