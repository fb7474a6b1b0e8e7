"""The shape of a measurement: an ``xarray.Dataset`` with fixed names, dimensions and units.

A simulated measurement and one read from a file have the same shape, so one analysis serves both. Values
are SI, energies eV. What belongs to the whole measurement is in ``attrs``: ``instrument``, ``stack``
(name), ``cell`` (its TOML text), ``protocol`` and ``checks`` (JSON), ``light`` (suns), ``temperature`` (K),
``perotwin`` (version).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.measurement.checks import Check, checks_to_json
from perotwin.measurement.nomenclature import term_of

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement.instrument import Instrument

__all__ = [
    "add_notes",
    "describe",
    "indexed",
    "make_dataset",
    "notes_of",
    "protocol_of",
    "simulated",
    "validate",
]


def make_dataset(
    instrument: Instrument,
    variables: Mapping[str, Any],
    coordinates: Mapping[str, Any],
    *,
    about: Mapping[str, Any],
    checks: Mapping[str, Check],
    notes: Sequence[str] = (),
) -> xr.Dataset:
    """A measurement by an instrument.

    Parameters
    ----------
    variables, coordinates : as ``xarray.Dataset`` takes them, in SI.
    about : attributes: what was measured and under which conditions, what else belongs to the whole.
    checks, notes : what vouches for it, and what its reader must know.

    Raises
    ------
    ValueError
        It lacks what the instrument declares as required.
    """
    import xarray as xr

    from perotwin import __version__

    attributes = {
        "instrument": instrument.name,
        **about,
        "perotwin": __version__,
        "checks": json.dumps(checks_to_json(checks)),
        "notes": json.dumps(list(notes)),
    }
    along = {name: indexed(name, values) for name, values in coordinates.items()}
    return validate(describe(xr.Dataset(variables, along, attributes)), instrument)


def indexed(name: str, values: Any) -> Any:
    """A coordinate of numbers or names (K,) with its index, as xarray makes it of them; anything else as it is.

    Left to make it, xarray first asks whether they are quantities of pint, and loads pint to know what these are.
    """
    import numpy as np
    import pandas as pd
    from xarray.indexes import PandasIndex

    if not isinstance(values, (list, np.ndarray)):
        return values
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biufU":
        return values
    return PandasIndex(pd.Index(array), name, coord_dtype=array.dtype).create_variables()[name]


def add_notes(measured: xr.Dataset, notes: Sequence[str]) -> xr.Dataset:
    """The measurement with further notes, such as those that follow from its analysis."""
    return measured.assign_attrs(notes=json.dumps([*notes_of(measured), *notes]))


#: units of what belongs to a whole device
OF_DEVICE = frozenset({"ohm", "F", "A", "W"})


def describe(dataset: xr.Dataset) -> xr.Dataset:
    """A shallow copy in which every variable of a known name carries its ``units`` and ``long_name``."""
    described = dataset.copy()
    # variables themselves: asking the dataset for each by name would cost a tenth of a whole measurement
    for name, variable in described.variables.items():
        known = term_of(str(name))
        if known is not None:
            variable.attrs.setdefault("units", known.unit)
            variable.attrs.setdefault("long_name", known.words)
    return described


def validate(dataset: xr.Dataset, instrument: Instrument | str | None = None) -> xr.Dataset:
    """Return ``dataset`` if it has the shape of a measurement with ``instrument`` (default: the one that it names).

    Raises
    ------
    ValueError
        A sentence saying which variable is missing, or has which dimensions or unit instead of which.
    """
    from perotwin.measurement.instrument import named

    said = instrument or dataset.attrs.get("instrument")
    declared = named(str(said)) if said is None or isinstance(said, str) else said
    if declared is None:
        raise ValueError(
            f"a measurement names its instrument; this one says {said!r}, which nothing here knows"
        )
    kind = declared.name
    known = dataset.variables
    for name, dims in declared.schema.items():
        if name not in known:
            present = ", ".join(map(str, dataset))
            raise ValueError(f"a {kind} measurement needs {name!r}; this one has {present}")
        found = tuple(map(str, known[name].dims))
        if found != dims and found not in declared.other_axes(name):
            raise ValueError(f"{name!r} of a {kind} measurement runs over {dims}; this one over {found}")
        unit, wanted = known[name].attrs.get("units"), declared.unit_of(name)
        if unit == "1" and declared.may_be_relative(name):
            continue
        if unit != wanted and not (name in declared.whole and unit in OF_DEVICE):
            raise ValueError(f"{name!r} of a {kind} measurement is in {wanted!r}; this one says {unit!r}")
    return dataset


def simulated(dataset: xr.Dataset) -> bool:
    """Whether a measurement was taken of a cell of this package, in its conventions: it then carries the cell."""
    return "cell" in dataset.attrs


def protocol_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The protocol that was run, as plain data (empty when unknown)."""
    found = json.loads(dataset.attrs.get("protocol") or "{}")
    return found if isinstance(found, dict) else {}


def notes_of(dataset: xr.Dataset) -> list[str]:
    """Remarks stored with the result, such as "optical constants of the absorber are extrapolated"."""
    stored = dataset.attrs.get("notes") or "[]"
    found = json.loads(stored) if isinstance(stored, str) else list(stored)
    return [str(item) for item in found]
