"""Tables for the terminal, made with rich; the numbers in them are formatted here and nowhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.measurement import Check, Metric, Metrics, heading, term_of
from perotwin.measurement.digits import significant

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    from perotwin.report.derived import Derived
    from perotwin.report.result import CellResult
    from perotwin.stack import Cell

__all__ = [
    "CELL_COLUMNS",
    "band_edges",
    "checks",
    "comparison",
    "comparison_rows",
    "derived",
    "digits",
    "doubt_of",
    "doubts",
    "layers",
    "library",
    "literal",
    "material_name",
    "metrics_table",
    "numbers",
    "parts",
    "plain",
    "readings",
    "readings_rows",
    "spectral",
]

#: the metrics of a cell, in the order in which tables show them, with the decimals that are worth reading
CELL_COLUMNS = {"voc": 3, "jsc": 2, "ff": 1, "pce": 2, "vmp": 3, "jmp": 2}


def digits(name: str, metric: Metric | None) -> str:
    """A metric as a table shows it, with its uncertainty where that is not less than the last digit; a dash when it is
    unknown."""
    if metric is None or not math.isfinite(metric.value):
        return "–"
    shown = metric.in_field_units(name)
    decimals = CELL_COLUMNS.get(name, 3)
    text = f"{shown.value:.{decimals}f}"
    if shown.uncertainty is None or not shown.uncertainty >= 0.5 * 10.0**-decimals:
        return text
    return f"{text} ± {shown.uncertainty:.{decimals}f}"


def plain(*columns: str, title: str = "", numbers_from: int = 1) -> Table:
    """An empty table in the house look; columns from ``numbers_from`` on are aligned right."""
    from rich import box
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index >= numbers_from else "left", no_wrap=index == 0)
    return made


def literal(text: Any) -> str:
    """Text from a file or an error, with what rich would take for markup escaped."""
    from rich.markup import escape

    return escape(str(text))


def comparison_rows(results: Sequence[CellResult]) -> list[tuple[str, list[str]]]:
    """Name and formatted metrics of each cell, and, of two, the first less the second, called so."""
    rows = [(item.name, [digits(name, item.metrics.get(name)) for name in CELL_COLUMNS]) for item in results]
    if len(results) == 2 and all(item.metrics for item in results):
        first, second = results
        gaps = []
        for name, decimals in CELL_COLUMNS.items():
            pair = first.metrics.get(name), second.metrics.get(name)
            if pair[0] is None or pair[1] is None or not math.isfinite(pair[0].value - pair[1].value):
                gaps.append("–")
                continue
            gap = pair[0].in_field_units(name).value - pair[1].in_field_units(name).value
            gaps.append(f"{gap:+.{decimals}f}".replace("-", "−"))
        rows.append((f"{first.name} − {second.name}", gaps))
    return rows


def comparison(results: Sequence[CellResult]) -> Table:
    """One row a cell: its metrics and whether its checks hold."""
    made = plain("cell", *(heading(name) for name in CELL_COLUMNS), "checks")
    for index, (name, row) in enumerate(comparison_rows(results)):
        status = ""
        if index < len(results):
            status = _status(results[index])
        made.add_row(literal(name), *row, status, end_section=index == len(results) - 1)
    return made


def _status(result: CellResult) -> str:
    if result.error is not None:
        return "[red]failed[/]"
    items = result.checks.values()
    good = sum(item.passed for item in items)
    return f"{good}/{len(items)} hold" if good == len(items) else f"[red]{good}/{len(items)} hold[/]"


def metrics_table(rows: Sequence[tuple[str, Metrics | str]], first: str = "cell") -> Table:
    """Metrics row by row; a row whose metrics are a text shows the text instead (why a point failed)."""
    made = plain(literal(first), *(heading(name) for name in CELL_COLUMNS))
    for name, metrics in rows:
        if isinstance(metrics, str):
            made.add_row(literal(name), *["–"] * len(CELL_COLUMNS))
        else:
            made.add_row(literal(name), *(digits(column, metrics.get(column)) for column in CELL_COLUMNS))
    return made


def readings(named: Mapping[str, Metrics], title: str = "") -> Table:
    """What an instrument read: one row a quantity in the words of the nomenclature, one column a cell."""
    made = plain("quantity", "unit", *(literal(cell) for cell in named), title=title, numbers_from=2)
    for words, unit, values in readings_rows(list(named.values())):
        made.add_row(literal(words), literal(unit), *values)
    said = doubts(named)
    if said:
        made.caption = "\n".join(map(literal, said))
        made.caption_justify = "left"
    return made


def readings_rows(columns: Sequence[Metrics]) -> list[tuple[str, str, list[str]]]:
    """Words, unit and formatted values of each quantity, one value a column.

    A name may carry what tells it from others of its kind after a comma or a blank: "pce, reverse". A number that its
    own method doubts has a mark, `doubts` says why.
    """
    rows = []
    for name in dict.fromkeys(name for metrics in columns for name in metrics):
        base = re.split("[, ]", name, maxsplit=1)[0]
        shown = [metrics.get(name) for metrics in columns]
        unit = next(metric.in_field_units(base).unit for metric in shown if metric is not None)
        values = [_significant(base, metric) + (_MARK if doubt_of(metric) else "") for metric in shown]
        rows.append((_in_words(name), "" if unit == "1" else unit, values))
    return rows


def _in_words(name: str) -> str:
    """What a quantity is called: "power conversion efficiency, reverse"; an unknown one as it stands."""
    known = term_of(name)
    if known is None:
        return name
    rest = name[len(re.split("[, ]", name, maxsplit=1)[0]) :].lstrip(", ")
    return f"{known.words}, {rest}" if rest else known.words


_MARK = " *"
#: how a method begins the part that takes its number back, or that says why there is none
_DOUBT = re.compile(
    r"doubtful|means nothing|its width is at a bound|does not describe|no [a-z -]+: |at (?:least|most): |"
    r"(?:.*: )?(?:an? )?(?:upper|lower) bound|.*\(no plateau\)|.*breaks the relations"
)
#: the same where there is no number at all
_ABSENCE = re.compile(
    r"(?:.*: )?(?:no |not |does not |a plateau |the .*(?:does not|has no|cannot) |it does not |never )"
)


def doubt_of(metric: Metric | None) -> str:
    """Why a number is not to be taken for what its name says, or why there is none, by its own method; empty where
    nothing speaks against it.

    Args:
        metric: as an analysis returns it; its method has parts with "; " between them.

    Returns:
        That part of the method and what belongs to it.
    """
    if metric is None:
        return ""
    absent = not math.isfinite(metric.value)
    parts = metric.method.split("; ")
    found = [part for part in parts if _DOUBT.match(part) or (absent and _ABSENCE.match(part))]
    return "; ".join(found)


def doubts(named: Mapping[str, Metrics]) -> list[str]:
    """What marked numbers of `readings` need said, a sentence each; alike ones once.

    Args:
        named: metrics by the name of their column.
    """
    said: dict[str, dict[str, list[str]]] = {}
    for column, metrics in named.items():
        for name, metric in metrics.items():
            why = doubt_of(metric)
            if why:
                said.setdefault(why, {}).setdefault(_in_words(name), []).append(column)
    found = []
    for why, quantities in said.items():
        columns = list(dict.fromkeys(column for each in quantities.values() for column in each))
        whose = "" if len(columns) == len(named) else f"{', '.join(columns)}: "
        found.append(f"* {whose}{'; '.join(quantities)}: {why}")
    return found


#: decimals that are worth reading, of quantities and of units; all else has three digits
_OF_QUANTITIES = {
    "ff": 1, "pce": 2, "stabilised_pce": 2, "hysteresis_index": 2, "line_area": 1, "line_width": 4, "absorption": 0,
    "core_area": 0, "core_limit": 0,
}  # fmt: skip
_OF_UNITS = {
    "V": 3, "eV": 3, "mA/cm^2": 2, "mW/cm^2": 2, "deg": 3, "angstrom": 4, "cm^-1": 2, "ppm": 4,
}  # fmt: skip
#: what cannot be told from nothing: a power tracker's own steps are larger
_LEAST = {"power_drift": 0.01}


def _significant(name: str, metric: Metric | None) -> str:
    """A number with the digits that it means, and its uncertainty where that is not less than its last digit."""
    if metric is None or not math.isfinite(metric.value):
        return "–"
    shown = metric.in_field_units(name)
    if abs(shown.value) < _LEAST.get(name, 0.0):
        return f"< {_LEAST[name]:g}"
    decimals = _OF_QUANTITIES.get(name, _OF_UNITS.get(shown.unit))
    if shown.unit == "1" and float(shown.value).is_integer():
        return f"{shown.value:g}"
    # small numbers would have no digits left
    if decimals is None or 0.0 < abs(shown.value) < 10.0 ** (1 - decimals):
        text = significant(shown.value)
        if "e" in text:
            return text
        decimals = len(text.partition(".")[2])
    else:
        text = f"{shown.value:.{decimals}f}".replace("-", "−")
    if shown.uncertainty is None or not shown.uncertainty >= 0.5 * 10.0**-decimals:
        return text
    return f"{text} ± {shown.uncertainty:.{decimals}f}"


def checks(named: Mapping[str, Mapping[str, Check]]) -> Table:
    """Each check: its limit, and its value in each cell; a value beyond the limit is marked."""
    made = plain("check", "limit", *(literal(cell) for cell in named), title="run-time checks")
    for name in dict.fromkeys(name for items in named.values() for name in items):
        found = [items.get(name) for items in named.values()]
        limit = next(item.limit for item in found if item is not None)
        made.add_row(literal(name), f"{limit:.2g}", *(_verdict(item) for item in found))
    return made


def _verdict(item: Check | None) -> str:
    if item is None:
        return "–"
    return f"{item.value:.2g} holds" if item.passed else f"[red]{item.value:.2g} FAILS[/]"


def spectral(measured: Mapping[str, tuple[xr.Dataset, Metrics]]) -> Table:
    """What each quantum efficiency comes to: its current, the bandgap that it shows and its highest value."""
    made = plain("cell", "integrated Jsc (mA/cm^2)", "bandgap (eV)", "highest EQE", "at (nm)")
    for name, (dataset, metrics) in measured.items():
        values, wavelength = dataset["eqe"].values, dataset["wavelength"].values
        top = int(values.argmax())
        made.add_row(
            literal(name),
            digits("jsc", metrics.get("jsc_integrated")),
            digits("bandgap", metrics.get("bandgap")),
            f"{100 * values[top]:.1f} %",
            f"{wavelength[top] * 1e9:.0f}",
        )
    return made


_STATES = {
    "dark": "dark",
    "short-circuit": "short circuit",
    "maximum-power": "maximum power",
    "open-circuit": "open circuit",
}


def band_edges(name: str, dataset: xr.Dataset) -> Table:
    """Bands and quasi-Fermi levels (eV) at the front and the back of each layer, state by state."""
    columns = ("Ec", "Ev", "EFn", "EFp")
    arrays = ("conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level")
    made = plain("state", "layer", "at", *columns, title=f"{literal(name)}: energies in eV", numbers_from=3)
    layers = [str(layer) for layer in dataset["layer"].values]
    for state in dataset["state"].values:
        one = dataset.sel(state=state)
        words = f"{_STATES.get(str(state), str(state))}, {float(one['voltage']):.3f} V"
        for layer in dict.fromkeys(layers):
            first = layers.index(layer)
            last = len(layers) - 1 - layers[::-1].index(layer)
            for place, index in (("front", first), ("back", last)):
                values = [f"{float(one[array].values[index]):.3f}".replace("-", "−") for array in arrays]
                final = layer == layers[-1] and place == "back"
                made.add_row(
                    words, literal(layer) if place == "front" else "", place, *values, end_section=final
                )
                words = ""
    return made


def library(rows: Sequence[tuple[str, str, str]]) -> Table:
    """Name, layers and description of each library cell."""
    made = plain("cell", "layers", "what it is", numbers_from=3)
    for name, description, layers in rows:
        made.add_row(name, layers, literal(description))
    return made


def material_name(material: Any) -> str:
    """What a layer's material is called: its name, the path of a table, shelf/book/page of a page."""
    if material is None or isinstance(material, str):
        return material or "–"
    return (
        str(material.path)
        if material.kind == "table"
        else f"{material.shelf}/{material.book}/{material.page}"
    )


def parts(cell: Cell) -> tuple[str, ...]:
    """What a cell's layers belong to, in order: its columns, or top, between and bottom; one "" for a plain stack."""
    from perotwin.stack import in_order

    return tuple(dict.fromkeys(part for part, _ in in_order(cell)))


def layers(cell: Cell, prefix: str = "") -> Table:
    """The layers of a cell, or of one of its `parts`, in the order in which light meets them."""
    from perotwin.stack import in_order

    columns = ("thickness", "Eg (eV)", "affinity (eV)", "mobility n, p (cm^2/Vs)", "doping (cm^-3)")
    title = f"light enters from the {cell.light.side}"
    if cell.light.angle > 0.0:
        title += f" at {cell.light.angle}"
    if cell.light.other_side > 0.0:
        title += f", {cell.light.other_side} of it from the other side too"
    if prefix:
        area = cell.quantities().get(f"{prefix}.area")
        title = f"{literal(prefix)}, {'' if area is None else f'{area.text} of the area, '}{title}"
    made = plain("layer", "role", "material", *columns, title=title, numbers_from=3)
    for layer in (layer for part, layer in in_order(cell) if part == prefix):
        material = material_name(layer.material)
        row = [literal(layer.name), layer.role, literal(material or "–"), layer.thickness.text]
        electronic = layer.electronic
        if electronic is None:
            made.add_row(*row, "", "", "", "")
            continue
        mobility = (
            f"{float(electronic.electron_mobility) * 1e4:.3g}, {float(electronic.hole_mobility) * 1e4:.3g}"
        )
        net = (float(electronic.donor_density) - float(electronic.acceptor_density)) * 1e-6
        doping = "–" if net == 0 else f"{'n' if net > 0 else 'p'} {abs(net):.3g}"
        made.add_row(*row, f"{layer.gap:.3f}", f"{float(electronic.electron_affinity):.3f}", mobility, doping)
    return made


def numbers(cell: Cell) -> Table:
    """Every number that a cell states, as written, with its source, and which are those of the library of layers."""
    taken = cell.taken()
    columns = ("number", "value", *(("stands in",) if taken else ()), "source")
    made = plain(*columns, title="every number and where it comes from", numbers_from=len(columns))
    sources = cell.sources()
    for path, quantity in cell.quantities().items():
        where = [f"library, {literal(taken[path])}" if path in taken else "the file"] if taken else []
        made.add_row(literal(path), quantity.text, *where, literal(sources.get(path, "not stated")))
    return made


def derived(rows: Sequence[Derived]) -> Table:
    """What follows from a stack before anything is solved."""
    made = plain("quantity", "where", "value", "how", numbers_from=4)
    for row in rows:
        made.add_row(row.words, literal(row.where), row.text, row.how)
    return made
