"""Where photons, carriers and volts go, as tables: cell by cell, junction by junction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from perotwin import losses
from perotwin.losses.parts import ENDS, ONE, ORDER, part_of
from perotwin.measurement.junction_names import BETWEEN, is_junction, junction_of

if TYPE_CHECKING:
    from perotwin.report.result import CellResult

__all__ = ["Group", "carriers", "gaps", "photons", "voltages", "wavelengths"]

_MA = 0.1  # A m^-2 -> mA cm^-2
_DELIVERED, _TOGETHER = "delivered", "delivered and lost"
_ABOVE, _ALL = "photons above the gap", "all photons"
_HEADINGS = {ONE: "cells of one junction", BETWEEN: "between the junctions", ENDS: "outer contacts"}


class Group(NamedTuple):
    """Rows of a table that belong together.

    Attributes
    ----------
    heading : "top junction"; "" for what belongs to the whole cell.
    rows : name, value of each cell as text.
    total : name of the last row where it is the sum of the others; "" where it is not.
    """

    heading: str
    rows: list[tuple[str, list[str]]]
    total: str = ""


# --- carriers --------------------------------------------------------------------------------------------------------


def carriers(results: Sequence[CellResult]) -> list[Group]:
    """What is delivered and what each recombination channel takes at maximum power (mA/cm^2); of a tandem junction by
    junction, with what both come to together.
    """
    columns = []
    for result in results:
        jv = result.measurements.get("jv")
        lost = {} if jv is None else losses.carriers(jv, result.metrics)
        columns.append({name: _MA * value for name, value in lost.items()})
    delivered = [
        _MA * result.metrics["jmp"].value if "jmp" in result.metrics else math.nan for result in results
    ]
    parts = [_by_part(result, column) for result, column in zip(results, columns, strict=True)]
    found = []
    for part, rows in _rows(parts, _small):
        total = ""
        if part == ONE or is_junction(part):
            own = [one.get(part, {}) for one in parts]
            pairs = list(zip(own, delivered, strict=True))
            rows.insert(0, (_DELIVERED, [_small(value if channels else None) for channels, value in pairs]))
            if part != ONE:
                total = _TOGETHER
                sums = [value + sum(channels.values()) if channels else None for channels, value in pairs]
                rows.append((total, [_small(value) for value in sums]))
        found.append(Group(_heading(part, results), rows, total))
    return found


def _by_part(result: CellResult, column: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The values of a cell by the part that they belong to and their names there."""
    found: dict[str, dict[str, float]] = {}
    for name, value in column.items():
        found.setdefault(part_of(result.cell, name), {})[junction_of(name)[1]] = value
    return found


def _rows(
    columns: Sequence[Mapping[str, Mapping[str, float]]], shown: Callable[[float | None], str]
) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Each part that some cell has, in the order in which light from the front meets them, with its rows."""
    found = dict.fromkeys(part for column in columns for part in column)
    for part in sorted(found, key=lambda part: ORDER.index(part.partition(".")[0])):
        own = [column.get(part, {}) for column in columns]
        names = dict.fromkeys(name for values in own for name in values)
        if names:
            yield part, [(name, [shown(values.get(name)) for values in own]) for name in names]


def _heading(part: str, results: Sequence[CellResult]) -> str:
    """The heading of a part's rows; none for cells of one junction among themselves."""
    from perotwin.stack import Tandem

    if part == ONE and not any(isinstance(result.cell, Tandem) for result in results):
        return ""
    return _HEADINGS.get(part) or f"{part} junction"


# --- photons ---------------------------------------------------------------------------------------------------------


def photons(results: Sequence[CellResult]) -> list[Group]:
    """What the light that falls on each cell comes to (mA/cm^2): above the gap of its last absorber reflected,
    collected, absorbed layer by layer, transmitted; and what lies below that gap.
    """
    found = [_photons(result) for result in results]
    if not any(found):
        return []

    def whole(total: str, rows: Mapping[str, Callable[[losses.Photons], float]]) -> Group:
        values = {
            name: [_two(None if one is None else _MA * of(one)) for one in found] for name, of in rows.items()
        }
        return Group("", list(values.items()), total)

    parts = [
        {} if one is None else _by_part(result, _by_layer(one))
        for result, one in zip(results, found, strict=True)
    ]
    groups = [Group(_heading(part, results), rows) for part, rows in _rows(parts, _two)]
    outside = whole("", {"reflected": lambda one: one.reflected, "transmitted": lambda one: one.transmitted})
    every = whole(_ALL, {_ALL: lambda one: one.all})
    if all(one is None or math.isnan(one.gap) for one in found):
        return [outside, *groups, every]
    above = whole(_ABOVE, {_ABOVE: lambda one: one.above})
    below = whole(
        "",
        {
            "below the gap, absorbed by the absorber": lambda one: one.tail,
            "below the gap, out of its reach": lambda one: one.below,
        },
    )
    return [outside, *groups, above, below, every]


def _photons(result: CellResult) -> losses.Photons | None:
    eqe = result.measurements.get("eqe")
    return None if eqe is None else losses.photons(result.cell, eqe)


def _by_layer(one: losses.Photons) -> dict[str, float]:
    """mA/cm^2 by layer; what the absorber of a junction takes as what is collected of it, and the rest."""
    made: dict[str, float] = {}
    for name, value in one.layers.items():
        junction = junction_of(name)[0]
        own = [other for other in one.absorbers if junction_of(other)[0] == junction]
        collected = one.collected.get(junction, one.collected.get("") if len(one.collected) == 1 else None)
        if name not in one.absorbers or len(own) > 1 or collected is None:
            made[name] = _MA * value
        else:
            made[f"{name}, collected"] = _MA * collected
            made[f"{name}, not collected"] = _MA * (value - collected)
    return made


def gaps(results: Sequence[CellResult]) -> list[str]:
    """The gap that splits the photons of each cell, in words."""
    said = []
    for result in results:
        one = _photons(result)
        if one is not None and not math.isnan(one.gap):
            said.append(f"{result.name} {one.gap:.3f} eV ({1e9 * one.edge:.0f} nm)")
    return said


def wavelengths(results: Sequence[CellResult]) -> str:
    """From where to where the photons of the table are counted, as a clause."""
    ends = [
        tuple(round(1e9 * float(end)) for end in (dataset["wavelength"].min(), dataset["wavelength"].max()))
        for dataset in (result.measurements.get("eqe") for result in results)
        if dataset is not None
    ]
    if len(set(ends)) == 1:
        return f"from {ends[0][0]} to {ends[0][1]} nm"
    return "within the wavelengths of each quantum efficiency"


# --- volts -----------------------------------------------------------------------------------------------------------

#: the levels of the table of volts, from above, with the words for each
_LEVELS = {
    "shockley_queisser": "Shockley-Queisser limit of the gap",
    "radiative": "radiative limit of these layers",
    "implied": "implied, splitting in the absorber",
    "terminal": "at the terminals",
}


def voltages(results: Sequence[CellResult]) -> list[Group]:
    """Open-circuit voltages (V) from the limit of the gap down to the terminals, with what each step loses (mV)."""
    columns = []
    for result in results:
        jv = result.measurements.get("jv")
        measured = {} if jv is None else losses.voltages(
            result.cell, jv, result.measurements.get("eqe"), result.metrics
        )  # fmt: skip
        columns.append(
            {part_of(result.cell, f"{name} x") if name else ONE: one for name, one in measured.items()}
        )
    found = []
    for part in sorted({part for column in columns for part in column}, key=ORDER.index):
        own = [column.get(part) for column in columns]
        rows = [("gap (eV)", ["–" if one is None else _three(one.gap) for one in own])]
        for name, words in _LEVELS.items():
            rows.append((words, ["–" if one is None else _level(one, name) for one in own]))
        across = "across the junction" if is_junction(part) else _LEVELS["terminal"]
        rows[-1] = (across, rows[-1][1])
        found.append(Group(_heading(part, results), rows))
    return found


def _level(one: losses.Voltages, name: str) -> str:
    """A level (V), and how far (mV) it lies below the next one above it that is known."""
    value = getattr(one, name)
    if not math.isfinite(value):
        return "–"
    above = [getattr(one, other) for other in list(_LEVELS)[: list(_LEVELS).index(name)]]
    known = [other for other in above if math.isfinite(other)]
    if not known:
        return _three(value)
    step = f"{1e3 * (value - known[-1]):+.0f}".replace("-", "−")
    return f"{_three(value)} ({step} mV)"


def _three(value: float) -> str:
    return f"{value:.3f}".replace("-", "−") if math.isfinite(value) else "–"


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _small(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 1e-3 or value == 0:
        return f"{value:.3f}".replace("-", "−")
    if abs(value) < 1e-6:
        return "< 1e−6"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
