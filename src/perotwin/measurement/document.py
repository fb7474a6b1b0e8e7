"""Measurements as data for other programs: quantities in field units, and what every measurement says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from perotwin.measurement.checks import checks_of, checks_to_json
from perotwin.measurement.dataset import notes_of
from perotwin.measurement.nomenclature import field_unit

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement.instrument import Instrument

__all__ = ["conditions", "merged", "quantity", "variable", "vouched", "written"]


def quantity(name: str, value: Any, unit: str) -> dict[str, Any]:
    """``{"value", "unit"}`` of a number or an array stored in ``unit``, in field units."""
    import numpy as np

    read, factor = field_unit(name, unit)
    return {"value": np.asarray(value, dtype=float) * factor, "unit": read}


def variable(dataset: xr.Dataset, name: str) -> dict[str, Any]:
    """A variable of a measurement as a quantity."""
    return quantity(name, dataset[name].values, str(dataset[name].attrs.get("units", "1")))


def conditions(dataset: xr.Dataset) -> dict[str, Any]:
    """What was measured, under which light and at which temperature."""
    entry: dict[str, Any] = {"stack": str(dataset.attrs.get("stack", ""))}
    for name, unit in (("light", "sun"), ("temperature", "K")):
        if name in dataset.attrs:
            entry[name] = {"value": dataset.attrs[name], "unit": unit}
    return entry


def vouched(datasets: Iterable[xr.Dataset]) -> dict[str, Any]:
    """Checks and notes of some measurements, each once."""
    many = list(datasets)
    checks = {name: item for dataset in many for name, item in checks_of(dataset).items()}
    notes = list(dict.fromkeys(note for dataset in many for note in notes_of(dataset)))
    return {"checks": checks_to_json(checks), "notes": notes}


def written(instrument: Instrument, dataset: xr.Dataset) -> dict[str, Any]:
    """What an instrument declares as written and a measurement holds, by the names of the variables.

    Names along an axis are a list of them; a variable over an axis of names is written by name, in the entry that the
    name has (see `Instrument.entries`) or else under its own.
    """
    made: dict[str, Any] = {}
    for one in instrument.variables:
        if not one.written or one.name not in dataset.variables:
            continue
        array = dataset[one.name]
        if array.dtype.kind in "US" or array.dtype == object:
            if one.over != (one.name,):
                made[one.name] = [str(value) for value in array.values]
            continue
        axis = next((name for name in one.over if _of_names(dataset, name)), None)
        if axis is None:
            made[one.name] = variable(dataset, one.name)
            continue
        key = instrument.entries.get(axis)
        for row, name in enumerate(map(str, dataset[axis].values)):
            unit = str(array.attrs.get("units", "1"))
            value = quantity(one.name, array.isel({axis: row}).values, unit)
            if key is None:
                made.setdefault(one.name, {})[name] = value
            else:
                made.setdefault(key, {}).setdefault(name, {})[one.name] = value
    if instrument.listed:
        for axis, key in instrument.entries.items():
            made[key] = [{axis: name, **entry} for name, entry in made.get(key, {}).items()]
    return made


def _of_names(dataset: xr.Dataset, axis: str) -> bool:
    return axis in dataset.coords and dataset[axis].dtype.kind in "USO"


def merged(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add entries to a document; lists under one key become one list."""
    for key, value in more.items():
        if isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = [*into[key], *value]
        else:
            into[key] = value
