"""Depth profiles turned into others: ratios of ions, points over the total, depth from time, what a figure shows.

What would mislead is refused: ratios of ions of two matrices, points over a total that is not flat, depths from one
rate for two layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import InputError, nearest
from perotwin.lab import ions
from perotwin.lab.depth_reading import COUNTS, TOTALS, axis_of, finite, interface_of, profile, row_of, whole
from perotwin.units import parse

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["on_depth", "over_total", "ratio", "shown"]

#: ions of one layer
MATRICES = ("perovskite", "oxide")


def _ion(dataset: xr.Dataset, name: str) -> str:
    names = [str(one) for one in dataset["species"].values]
    if name in names:
        return name
    close = nearest(name, names)
    advice = f'Did you mean "{close[0]}"?' if close else "Give a name as the profile has it."
    raise InputError(f'there is no ion "{name}" in the profile.', advice, key="species")


def ratio(dataset: xr.Dataset, one: str, other: str, roles: Mapping[str, str] | None = None) -> xr.DataArray:
    """Signal of one ion over another of its matrix; NaN where the lower one has no signal."""
    import xarray as xr

    said = dict(roles or {})
    matrices = [said.get(_ion(dataset, name)) or ions.role_of(name) for name in (one, other)]
    if matrices[0] not in MATRICES or matrices[0] != matrices[1]:
        words = " and ".join(
            f"{name} ({matrix or 'no layer that is known'})"
            for name, matrix in zip((one, other), matrices, strict=True)
        )
        raise InputError(
            f"ions of one matrix have a ratio, and these are {words}: how many ions a molecule gives changes with what "
            "surrounds it, by more than amounts do.",
            "Compare each with itself along the profile, or two ions of one layer (roles says of which an ion is).",
            key="roles",
        )
    axis, _ = axis_of(dataset)
    upper, lower = (row_of(dataset, "signal", name) for name in (one, other))
    values = np.where(lower > 0.0, upper / np.where(lower > 0.0, lower, 1.0), np.nan)
    return xr.DataArray(values, {axis: dataset[axis]}, (axis,), f"{one} / {other}")


def over_total(
    dataset: xr.Dataset, between: tuple[float, float] | None = None, *, flat: float = 0.2
) -> xr.Dataset:
    """The profile with each point over the total of all ions there, times the mean total.

    What changes with the beam alone goes; but where one layer gives more ions than another, the total carries its own
    step into every signal. So the total has to be flat.

    Args:
        dataset: as the analysis takes it, in counts. between: the part to take, in the unit of the axis; unless
            given all of it. flat: largest range of the total over its mean.

    Raises:
        InputError: the total varies by more within that part, or nothing is there.
    """
    axis, unit = axis_of(dataset)
    place = np.asarray(dataset[axis], float)
    low, high = between or (place[0], place[-1])
    inside = (place >= low) & (place <= high)
    part = dataset.isel({axis: inside})
    names = [str(one) for one in part["species"].values]
    totals = [name for name in names if name.strip().lower() in TOTALS]
    values = np.asarray(part["signal"], float)
    total = values[names.index(totals[0])] if totals else finite(values).sum(axis=0)
    if total.size < 2 or not float(total.min()) > 0.0:
        raise InputError(
            f"no total is there between {low:g} and {high:g} {unit}.",
            "Give a part of the profile.",
            key="between",
        )
    varies = float(np.ptp(total) / total.mean())
    if varies > flat:
        raise InputError(
            f"the total varies by {100.0 * varies:.0f} % of its mean between {low:g} and {high:g} {unit}: points over "
            "it would carry its shape.",
            f"Take a part within one layer where it varies by less than {100.0 * flat:.0f} %, or leave the counts.",
            key="between",
        )
    return part.assign(signal=part["signal"] * (total.mean() / total))


def on_depth(
    dataset: xr.Dataset, rates: Mapping[str, float | str], roles: Mapping[str, str] | None = None
) -> xr.Dataset:
    """The profile against depth.

    Args:
        dataset: against `sputter_time`. rates: of the perovskite and of the oxide, m/s or words ("0.8 nm/s").
        roles: as in the analysis.

    Returns:
        The same signals over `sputter_depth` (m); before the interface by the film's rate, behind it by the oxide's.
        Within the interface's width the rate is neither, and depths there are uncertain by their difference.

    Raises:
        InputError: the profile is against depth already, a rate is missing or not positive, or no interface is found.
    """
    if axis_of(dataset)[0] != "sputter_time":
        raise InputError(
            "the profile is against depth already.", "Nothing is to be done.", key="sputter_depth"
        )
    lacking = [role for role in MATRICES if role not in rates]
    if lacking:
        raise InputError(
            f"layers are sputtered at rates of their own, and that of the {' and the '.join(lacking)} is missing.",
            "Give one for each, from a crater's depth: rates = {'perovskite': ..., 'oxide': ...} in m/s.",
            key="rates",
        )
    speed = {role: float(parse(rates[role], "velocity")) for role in MATRICES}
    if not min(speed.values()) > 0.0:
        raise InputError("a sputter rate is positive.", "Give rates in m/s.", key="rates")
    interface = interface_of(profile(dataset, roles))
    if not np.isfinite(interface.value):
        raise InputError(
            f"no interface parts the two rates: {interface.method}.", "Say which ions stand for what (roles)."
        )
    time = np.asarray(dataset["sputter_time"], float)
    before, behind = np.minimum(time, interface.value), np.maximum(time - interface.value, 0.0)
    depth = (before - time[0]) * speed["perovskite"] + behind * speed["oxide"]
    moved = dataset.rename({"sputter_time": "sputter_depth"}).assign_coords(
        sputter_depth=("sputter_depth", depth)
    )
    moved["sputter_depth"].attrs["units"] = "m"
    words = ", ".join(f"{role} {1e9 * value:.3g} nm/s" for role, value in speed.items())
    return moved.assign_attrs(sputter_rates=words)


def _simple(name: str) -> bool:
    """Whether a row is one ion, no isotope, no sum and no ratio of several."""
    return name.strip().lower() not in TOTALS and len(name) < 16 and not any(sign in name for sign in "^,/()")


def shown(dataset: xr.Dataset) -> xr.Dataset:
    """What a figure shows: roles over their maxima with the ions that stand for them, or else the strongest ions."""
    import xarray as xr

    axis, _ = axis_of(dataset)
    names = [str(one) for one in dataset["species"].values]
    if set(names) <= set(ions.MARKERS):
        return dataset
    dataset = whole(dataset)
    chosen = ions.roles_of(names, dataset.attrs.get("roles"))
    if not chosen:
        values = finite(np.asarray(dataset["signal"], float))
        # by the mean: ratios that software adds have single points beyond all counts, and no plain name
        best = [names[index] for index in np.argsort(-values.mean(axis=1)) if _simple(names[index])]
        chosen = {name: name for name in (best or names)[:6]}
    rows = np.array([finite(row_of(dataset, "signal", ion)) for ion in chosen.values()])
    top = rows.max(axis=1, keepdims=True)
    weakest = 1.0 / max(float(top.max()), 1.0) if float(top.max()) > COUNTS else 1e-4
    return xr.Dataset(
        {"signal": (("species", axis), rows / np.where(top > 0.0, top, 1.0))},
        coords={
            "species": list(chosen),
            axis: dataset[axis],
            "fragment": ("species", [ion.replace("_", "") for ion in chosen.values()]),
        },
        attrs={"dynamic_range": max(weakest, 1e-5), **dataset.attrs},
    )
