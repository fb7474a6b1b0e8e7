"""Datasets from anywhere in the shape and the units that an instrument's analysis reads."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from perotwin import units
from perotwin.errors import InputError, nearest, shown
from perotwin.measurement.nomenclature import term_of

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement.instrument import Instrument

__all__ = ["area_of", "conform", "ratio"]


def conform(measured: Any, instrument: Instrument) -> xr.Dataset:
    """A dataset whose required variables run over the declared axes, with all known quantities in the stored units.

    The attribute `units` of each is obeyed ("mA/cm^2" becomes A m^-2); numbers without one are taken for SI (energies
    eV). Numbers of the whole device (ohm, F, A) become those of its area where the attribute `area` (m^2, or words such
    as "0.09 cm^2") states it; without one they stay, in ohm, F or A, where the instrument can tell something of them.
    What is right already comes back as it is.

    Args:
        measured: an `xarray.Dataset`, simulated, read from a file or made of arrays.
        instrument: whose analysis is to read it.

    Raises:
        InputError: it is no dataset, lacks a variable or runs it over another axis, states a unit of another kind, or
            one of the whole device without the area.
    """
    name = instrument.name
    if not hasattr(measured, "data_vars"):
        needed = " and ".join(f"{one} over {', '.join(axes)}" for one, axes in instrument.schema.items())
        raise InputError(
            f"{name} takes a measurement, an xarray.Dataset; this is a {type(measured).__name__}.",
            f"Give one with {needed}, as {name}.measure returns it.",
        )
    changed: dict[str, Any] = {}
    for variable, axes in instrument.schema.items():
        if variable not in measured.variables:
            raise _missing(measured, variable, instrument)
        found = tuple(map(str, measured.variables[variable].dims))
        if found != axes and found not in instrument.other_axes(variable):
            raise InputError(
                f'"{variable}" runs over {", ".join(found) or "nothing"} here; {name} reads it over {", ".join(axes)}.',
                "Name the axes so, in this order (xarray's rename and transpose do that).",
                key=variable,
            )
    for one in map(str, measured.variables):
        factor, zero, unit = _scale(measured, one, instrument)
        if unit:
            stated = measured.variables[one]
            changed[one] = stated.dims, stated.values * factor + zero, stated.attrs | {"units": unit}
    if not changed:
        return measured
    axes_too = {one: values for one, values in changed.items() if one in measured.coords}
    return measured.assign_coords(axes_too).assign(
        {one: values for one, values in changed.items() if one not in axes_too}
    )


def _missing(measured: xr.Dataset, name: str, instrument: Instrument) -> InputError:
    names = [str(one) for one in measured.variables]
    close = nearest(name, names)
    what = str(measured.attrs.get("instrument") or "")
    other = f", a measurement by {what}," if what and what != instrument.name else ""
    advice = (
        f'Rename "{close[0]}", if that is it.' if close else f"It has {shown(', '.join(names) or 'nothing')}."
    )
    return InputError(
        f'{instrument.name} reads "{name}", and this dataset{other} has none.', advice, key=name
    )


def _scale(measured: xr.Dataset, name: str, instrument: Instrument) -> tuple[float, float, str]:
    """What turns a variable's numbers into those of the unit in which it is stored: a factor, what is added then, and
    that unit; "" where nothing has to be done.
    """
    unit = instrument.unit_of(name)
    stated = measured.variables[name].attrs.get("units")
    if unit is None or stated is None or str(stated) == unit:
        return 1.0, 0.0, ""
    if str(stated) == "1" and instrument.may_be_relative(name):
        return 1.0, 0.0, ""
    of_device = _whole(str(stated), unit)
    if of_device is not None:
        factor, whole = of_device
        area = area_of(measured)
        if area is not None:
            return factor * (area if whole == "ohm" else 1.0 / area), 0.0, unit
        if name in instrument.whole:
            return (factor, 0.0, whole) if factor != 1.0 or str(stated) != whole else (1.0, 0.0, "")
        term = term_of(name)
        raise InputError(
            f"the {name if term is None else term.words} is in {shown(str(stated))}, that of the whole device, and no "
            "area is told.",
            'Give the area: attrs["area"] = "0.09 cm^2", say.',
            key=name,
        )
    try:
        if unit == "K":
            # degrees Celsius have a zero of their own
            nothing, one = (float(units.parse(f"{number} {stated}", "temperature")) for number in (0, 1))
            return one - nothing, nothing, unit
        factor = ratio(str(stated), unit)
    except InputError as error:
        raise InputError(error.message, error.advice, key=name) from None
    return (factor, 0.0, unit) if factor != 1.0 else (1.0, 0.0, "")


#: stored units of what belongs to an area, and those of the same of a whole device
_OF_DEVICE = {"ohm m2": "ohm", "F m-2": "F", "A m-2": "A", "W m-2": "W"}


@functools.lru_cache(maxsize=64)
def _whole(stated: str, unit: str) -> tuple[float, str] | None:
    """Factor to, and name of, the unit of a whole device that a unit is one of; None where it is none."""
    whole = _OF_DEVICE.get(unit)
    if whole is None:
        return None
    try:
        return ratio(f"{stated} m^2" if whole == "ohm" else f"{stated}/m^2", unit), whole
    except InputError:
        return None


def area_of(measured: xr.Dataset) -> float | None:
    """The area of the device (m^2) that a measurement states, as a number or in words; None where it states none.

    Raises:
        InputError: what it states is no area.
    """
    stated = measured.attrs.get("area")
    if stated is None or stated == "":
        return None
    area = float(units.parse(stated if isinstance(stated, str) else float(stated), "area"))
    if not area > 0.0:
        raise InputError(
            f"an area of {shown(str(stated))} is none.", 'Give one such as "0.09 cm^2".', key="area"
        )
    return area


@functools.lru_cache(maxsize=256)
def ratio(one: str, other: str) -> float:
    """How many of another unit one unit is: 10 for "mA/cm^2" and "A m-2".

    Raises:
        InputError: they are units of different kinds, or none.
    """
    if one == other:
        return 1.0
    dimension = _dimension(other)
    if dimension is None:
        raise InputError(f'"{shown(one)}" cannot be told from {other}.', f"Give it in {other}.")
    return float(units.parse(f"1 {one}", dimension)) / float(units.parse(f"1 {other}", dimension))


@functools.lru_cache(maxsize=64)
def _dimension(unit: str) -> str | None:
    """The name of the dimension that a stored unit belongs to, if stack files have quantities of that kind."""
    for name in units.DIMENSIONS:
        try:
            units.parse(f"1 {unit}", name)
        except InputError:
            continue
        return name
    return None
