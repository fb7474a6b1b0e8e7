"""Where photons and carriers go, as tables: current densities (mA/cm^2) cell by cell, junction by junction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from perotwin.measurement.junction_names import BETWEEN, IN_SERIES, is_junction, junction_of

if TYPE_CHECKING:
    from perotwin.report.result import CellResult

__all__ = ["Group", "carriers", "photons", "wavelengths"]

_MA = 0.1  # A m^-2 -> mA cm^-2
#: rows that belong to no layer
_REFLECTED, _TRANSMITTED, _ALL = "reflected", "transmitted", "all photons"
_DELIVERED, _TOGETHER = "delivered", "delivered and lost"
_WHOLE = (_REFLECTED, _TRANSMITTED, _ALL, _DELIVERED)
#: parts of cells that are no junctions in series, with their headings
_ONE, _ENDS = "one", "ends"
_HEADINGS = {_ONE: "cells of one junction", BETWEEN: "between the junctions", _ENDS: "outer contacts"}
#: parts in the order in which light from the front meets them; what lies between junctions is before the last one
_ORDER = (_ONE, *IN_SERIES[:-1], BETWEEN, IN_SERIES[-1], _ENDS)


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


def carriers(results: Sequence[CellResult]) -> list[Group]:
    """What is delivered and what each recombination channel takes at maximum power; of a tandem junction by junction,
    with what both come to together.
    """
    columns = [_carriers(result) for result in results]
    parts = [_by_part(result, column) for result, column in zip(results, columns, strict=True)]
    found = []
    for part, rows in _rows(parts, _small):
        total = ""
        if part == _ONE or is_junction(part):
            own = [one.get(part, {}) for one in parts]
            pairs = list(zip(own, columns, strict=True))
            delivered = [column[_DELIVERED] if channels else None for channels, column in pairs]
            rows.insert(0, (_DELIVERED, [_small(value) for value in delivered]))
            if part != _ONE:
                total = _TOGETHER
                sums = [
                    column[_DELIVERED] + sum(channels.values()) if channels else None
                    for channels, column in pairs
                ]
                rows.append((total, [_small(value) for value in sums]))
        found.append(Group(_heading(part, results), rows, total))
    return found


def _part(result: CellResult, name: str) -> str:
    """What a layer or channel of a cell belongs to: "one" (a cell of one junction), a junction in series, "between", or
    "ends" (the outer contacts of junctions that are solved in one).

    Where instruments are connected to one junction of four terminals, its channels are called as it calls them.
    """
    from perotwin.stack import Tandem

    cell = result.cell
    if not isinstance(cell, Tandem):
        return _ONE
    junction = junction_of(name)[0]
    if junction:
        return junction
    if any(layer.name == name for layer in (*cell.between, *cell.lower_between)):
        return BETWEEN
    return cell.junction.terminals if cell.junction.kind == "separate" else _ENDS


def _by_part(result: CellResult, column: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The values of a cell by the part that they belong to and their names there."""
    found: dict[str, dict[str, float]] = {}
    for name, value in column.items():
        if name not in _WHOLE:
            found.setdefault(_part(result, name), {})[junction_of(name)[1]] = value
    return found


def _rows(
    columns: Sequence[Mapping[str, Mapping[str, float]]], shown: Callable[[float | None], str]
) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Each part that some cell has, in the order in which light from the front meets them, with its rows."""
    found = dict.fromkeys(part for column in columns for part in column)
    for part in sorted(found, key=lambda part: _ORDER.index(part.partition(".")[0])):
        own = [column.get(part, {}) for column in columns]
        names = dict.fromkeys(name for values in own for name in values)
        if names:
            yield part, [(name, [shown(values.get(name)) for values in own]) for name in names]


def _heading(part: str, results: Sequence[CellResult]) -> str:
    """The heading of a part's rows; none for cells of one junction among themselves."""
    from perotwin.stack import Tandem

    if part == _ONE and not any(isinstance(result.cell, Tandem) for result in results):
        return ""
    return _HEADINGS.get(part) or f"{part} junction"


def _carriers(result: CellResult) -> dict[str, float]:
    """Current density of each channel of one cell at maximum power, after what it delivers."""
    import numpy as np

    dataset, best = result.measurements.get("jv"), result.metrics.get("vmp")
    if dataset is None or "channel_current" not in dataset or best is None:
        return {}
    voltage = dataset["voltage"].values
    order = np.argsort(voltage)
    column = {_DELIVERED: _MA * result.metrics["jmp"].value if "jmp" in result.metrics else math.nan}
    for channel in dataset["channel"].values:
        current = dataset["channel_current"].sel(channel=channel).values
        column[str(channel)] = _MA * float(np.interp(best.value, voltage[order], current[order]))
    return column


def photons(results: Sequence[CellResult]) -> list[Group]:
    """What the light that falls on each cell comes to: reflected, absorbed layer by layer, transmitted.

    Photons of the stored spectrum within the wavelengths of the measured quantum efficiency, at one sun; an absorbed
    photon counts as one elementary charge.
    """
    columns = [_photons(result) for result in results]
    if not any(columns):
        return []

    def whole(*names: str) -> list[tuple[str, list[str]]]:
        return [(name, [_two(column.get(name)) for column in columns]) for name in names]

    parts = [_by_part(result, column) for result, column in zip(results, columns, strict=True)]
    groups = [Group(_heading(part, results), rows) for part, rows in _rows(parts, _two)]
    return [Group("", whole(_REFLECTED, _TRANSMITTED)), *groups, Group("", whole(_ALL), _ALL)]


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


def _photons(result: CellResult) -> dict[str, float]:
    """mA/cm^2 by what becomes of the light of one cell; nothing where that is not known."""
    from perotwin.constants import elementary_charge
    from perotwin.stack import Tandem

    dataset = result.measurements.get("eqe")
    if dataset is None or not {"photon_flux", "absorptance", "reflectance"} <= set(dataset.data_vars):
        return {}
    flux = _MA * elementary_charge * dataset["photon_flux"].values
    shares = dataset["absorptance"].transpose("layer", "wavelength").values
    names = [str(name) for name in dataset["layer"].values]
    cell = result.cell
    # the layers of a patchy tandem are in no one row
    if isinstance(cell, Tandem) and len(cell.columns) == 1 and len(cell.layer) == len(names):
        # a measurement at one junction's terminals calls that junction's layers as it does
        names = [layer.name for layer in cell.layer]
    column = {_REFLECTED: float(flux @ dataset["reflectance"].values)}
    for name, share in zip(names, shares, strict=True):
        column[name] = column.get(name, 0.0) + float(flux @ share)
    if "transmittance" in dataset:
        column[_TRANSMITTED] = float(flux @ dataset["transmittance"].values)
    column[_ALL] = float(flux.sum())
    return column


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
