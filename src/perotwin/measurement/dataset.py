"""The shape of a measurement: an ``xarray.Dataset`` with fixed names, dimensions and units.

A simulated measurement and one read from a file have the same shape, so one analysis serves both. Values
are SI, energies eV. What belongs to the whole measurement is in ``attrs``: ``instrument``, ``stack``
(name), ``cell`` (its TOML text), ``protocol`` and ``checks`` (JSON), ``light`` (suns), ``temperature`` (K),
``perotwin`` (version).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from perotwin.measurement.nomenclature import NOMENCLATURE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SCHEMAS", "describe", "notes_of", "protocol_of", "validate"]

_PROFILES: dict[str, tuple[str, ...]] = {
    "conduction_band": ("x",),
    "valence_band": ("x",),
    "electron_fermi_level": ("x",),
    "hole_fermi_level": ("x",),
    "electron_density": ("x",),
    "hole_density": ("x",),
}

#: instrument -> variable -> its dimensions, of the variables that every such measurement has
SCHEMAS: dict[str, dict[str, tuple[str, ...]]] = {
    "jv": {"current_density": ("voltage",)},
    "eqe": {"eqe": ("wavelength",)},
    "el": {name: ("emitter", "injected") for name in ("elqy", "qfls")},
    "impedance": {"impedance_real": ("frequency",), "impedance_imag": ("frequency",)},
    "cv": {"capacitance": ("voltage",)},
    "mppt": {name: ("time",) for name in ("voltage", "current_density", "power_density")},
    "tpv": {"voltage": ("time",)},
    "tpc": {"current_density": ("time",)},
    "kpfm": {"surface_potential": ("y", "x")},
    "tof_sims": {"signal": ("species", "sputter_depth")},
    "xps": {"c1s": ("binding_energy",)},
    "bands": {name: ("state", *dims) for name, dims in _PROFILES.items()},
}


def describe(dataset: xr.Dataset) -> xr.Dataset:
    """A shallow copy in which every variable of a known name carries its ``units`` and ``long_name``."""
    described = dataset.copy()
    # variables themselves: asking the dataset for each by name would cost a tenth of a whole measurement
    for name, variable in described.variables.items():
        known = NOMENCLATURE.get(str(name))
        if known is not None:
            variable.attrs.setdefault("units", known.unit)
            variable.attrs.setdefault("long_name", known.words)
    return described


def validate(dataset: xr.Dataset, instrument: str | None = None) -> xr.Dataset:
    """Return ``dataset`` if it has the shape of a measurement with ``instrument`` (default: the one it
    names).

    Raises
    ------
    ValueError
        A sentence saying which variable is missing, or has which dimensions or unit instead of which.
    """
    kind = instrument or dataset.attrs.get("instrument")
    if kind not in SCHEMAS:
        raise ValueError(f"a measurement names its instrument ({', '.join(SCHEMAS)}); this one says {kind!r}")
    for name, dims in SCHEMAS[kind].items():
        if name not in dataset:
            present = ", ".join(map(str, dataset))
            raise ValueError(f"a {kind} measurement needs {name!r}; this one has {present}")
        found = tuple(map(str, dataset[name].dims))
        if found != dims:
            raise ValueError(f"{name!r} of a {kind} measurement runs over {dims}; this one over {found}")
        unit, wanted = dataset[name].attrs.get("units"), NOMENCLATURE[name].unit
        if unit != wanted:
            raise ValueError(f"{name!r} of a {kind} measurement is in {wanted!r}; this one says {unit!r}")
    return dataset


def protocol_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The protocol that was run, as plain data (empty when unknown)."""
    found = json.loads(dataset.attrs.get("protocol") or "{}")
    return found if isinstance(found, dict) else {}


def notes_of(dataset: xr.Dataset) -> list[str]:
    """Remarks stored with the result, such as "optical constants extrapolated between 1.28 and 1.62 eV"."""
    stored = dataset.attrs.get("notes") or "[]"
    found = json.loads(stored) if isinstance(stored, str) else list(stored)
    return [str(item) for item in found]
