"""Where photons and carriers go, as tables: current densities (mA/cm^2) cell by cell, junction by junction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from perotwin.plotting.style import junction_of

if TYPE_CHECKING:
    from perotwin.report.result import CellResult

__all__ = ["Group", "carriers", "photons"]

_MA = 0.1  # A m^-2 -> mA cm^-2
#: rows that belong to no layer
_REFLECTED, _TRANSMITTED, _ALL = "reflected", "transmitted", "all photons"
_DELIVERED, _GENERATED = "delivered", "generated"


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
    """What is delivered and what each recombination channel takes at maximum power, and of a tandem what each junction
    generates for it.
    """
    columns = [_carriers(result) for result in results]
    names = list(dict.fromkeys(name for column in columns for name in column))
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(junction_of(name)[0], []).append(name)
    found = []
    for junction, members in groups.items():
        rows = [(junction_of(name)[1], [_small(column.get(name)) for column in columns]) for name in members]
        total = _GENERATED if junction else ""
        if junction:
            sums = [_generated(column, members) for column in columns]
            delivered = [None if sum_ is None else column[_DELIVERED] for sum_, column in zip(sums, columns, strict=True)]
            rows.insert(0, (_DELIVERED, [_small(value) for value in delivered]))
            rows.append((total, [_small(value) for value in sums]))
        found.append(Group(f"{junction} junction" if junction else "", rows, total))
    if len(found) > 1 and found[0].heading == "" and len(found[0].rows) == 1:
        # Only tandems: what they deliver stands with each junction.
        found = found[1:]
    return found


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


def _generated(column: Mapping[str, float], members: Sequence[str]) -> float | None:
    """What a junction delivers and loses together; None where the cell has none such."""
    own = [column[name] for name in members if name in column]
    return column[_DELIVERED] + sum(own) if own else None


def photons(results: Sequence[CellResult]) -> list[Group]:
    """What the light that falls on each cell comes to: reflected, absorbed layer by layer, transmitted.

    Photons of the stored spectrum within the wavelengths of the measured quantum efficiency, at one sun; an absorbed
    photon counts as one elementary charge.
    """
    columns = [_photons(result) for result in results]
    layers = list(dict.fromkeys(name for column in columns for name in column))
    if not layers:
        return []
    groups: dict[str, list[str]] = {"": [_REFLECTED]}
    for name in layers:
        if name not in (_REFLECTED, _TRANSMITTED, _ALL):
            groups.setdefault(junction_of(name)[0] or " ", []).append(name)
    found = [Group("", [(_REFLECTED, [_two(column.get(_REFLECTED)) for column in columns])])]
    tandem = len(groups) > 2
    for junction, members in _in_order(layers, groups):
        rows = [(junction_of(name)[1], [_two(column.get(name)) for column in columns]) for name in members]
        heading = f"{junction} junction" if junction.strip() else "between the junctions" if tandem else ""
        found.append(Group(heading, rows))
    last = [(name, [_two(column.get(name)) for column in columns]) for name in (_TRANSMITTED, _ALL)]
    return [*found, Group("", last, _ALL)]


def _in_order(layers: Sequence[str], groups: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    """The groups of layers, in the order in which light from the front meets them."""
    rest = [(junction, members) for junction, members in groups.items() if junction]
    return sorted(rest, key=lambda entry: layers.index(entry[1][0]))


def _photons(result: CellResult) -> dict[str, float]:
    """mA/cm^2 by what becomes of the light of one cell; nothing where that is not known."""
    from scipy.constants import elementary_charge

    dataset = result.measurements.get("eqe")
    if dataset is None or not {"photon_flux", "absorptance", "reflectance"} <= set(dataset.data_vars):
        return {}
    flux = _MA * elementary_charge * dataset["photon_flux"]
    column = {_REFLECTED: float(flux @ dataset["reflectance"])}
    for name in dataset["layer"].values:
        column[str(name)] = float(flux @ dataset["absorptance"].sel(layer=name))
    if "transmittance" in dataset:
        column[_TRANSMITTED] = float(flux @ dataset["transmittance"])
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
