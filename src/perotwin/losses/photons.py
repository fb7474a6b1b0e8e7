"""What becomes of the photons that fall on a cell: reflected, absorbed layer by layer, collected, out of reach.

What lies below the gap of the last absorber is told apart: no thickness and no coating would make current of it, so
that it is no loss by reflection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import c, e, elementary_charge, h

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell

__all__ = ["Photons", "counted", "photons", "share_before"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Photons:
    """Photons of one sun as current densities (A m^-2), each counted as one elementary charge.

    Attributes:
        gap: eV, of the last absorber, where its quantum efficiency is steepest; NaN where it has no edge. Photons below
            it are not part of what follows, but for `tail` and `below`.
        shortest, longest: wavelengths (m) between which photons are counted.
        reflected, transmitted: lost to the outside.
        layers: what each layer absorbs, by its name in the cell.
        collected: what becomes current, by junction ("" in a cell of one). Luminescence of another junction may make it
            more than the absorber takes from the light.
        absorbers: the layers whose light can become current.
        tail: what the absorbers take below the gap. below: all else that lies there.
    """

    gap: float
    shortest: float
    longest: float
    reflected: float
    transmitted: float
    layers: Mapping[str, float]
    collected: Mapping[str, float]
    absorbers: tuple[str, ...]
    tail: float
    below: float

    @property
    def above(self) -> float:
        """All photons above the gap."""
        return self.reflected + self.transmitted + sum(self.layers.values())

    @property
    def all(self) -> float:
        """All photons that are counted."""
        return self.above + self.tail + self.below

    @property
    def edge(self) -> float:
        """Wavelength (m) of the gap."""
        return h * c / (e * self.gap)


def photons(cell: Cell, eqe: xr.Dataset) -> Photons | None:
    """Where the photons of a cell go.

    Args:
        cell: that was measured.
        eqe: its quantum efficiency, with `reflectance`, `absorptance` (layer, wavelength) and `photon_flux`.

    Returns:
        Current densities at one sun; None where the measurement does not hold these.
    """
    from perotwin.lab import eqe as instrument

    if not {"photon_flux", "absorptance", "reflectance"} <= set(eqe.data_vars):
        return None
    gap = instrument.analyse(eqe)["bandgap"].value
    parts = instrument.junctions(eqe) or ({"": eqe} if "eqe" in eqe else {})
    return counted(cell, eqe, gap, {which: one["eqe"].values for which, one in parts.items()})


def counted(cell: Cell, eqe: xr.Dataset, gap: float, responses: Mapping[str, F64]) -> Photons:
    """The photons of a cell above a gap.

    Args:
        cell: whose layers they are absorbed in. eqe: with `reflectance`, `absorptance` (layer, wavelength) and
            `photon_flux`. gap: eV. responses: (W,) quantum efficiency by junction, as far as it is known.
    """
    wavelength = np.asarray(eqe["wavelength"].values, dtype=float)
    flux = elementary_charge * eqe["photon_flux"].values
    above = flux * (np.ones(flux.size) if math.isnan(gap) else share_before(wavelength, h * c / (e * gap)))
    names = _names(cell, eqe)
    rows = eqe["absorptance"].transpose("layer", "wavelength").values
    named = str(eqe.attrs.get("absorbers", "")).split(",")
    stored = [str(name) for name in eqe["layer"].values]
    absorbers = tuple(
        dict.fromkeys(name for name, known in zip(names, stored, strict=True) if known in named)
    )
    layers: dict[str, float] = {}
    tail = 0.0
    for name, row in zip(names, rows, strict=True):
        layers[name] = layers.get(name, 0.0) + float(above @ row)
        tail += float((flux - above) @ row) if name in absorbers else 0.0
    passing = eqe["transmittance"].values if "transmittance" in eqe else np.zeros(flux.size)
    return Photons(
        gap=gap,
        shortest=float(wavelength[0]),
        longest=float(wavelength[-1]),
        reflected=float(above @ eqe["reflectance"].values),
        transmitted=float(above @ passing),
        layers=layers,
        collected={which: float(above @ one) for which, one in responses.items()},
        absorbers=absorbers,
        tail=tail,
        below=float((flux - above).sum()) - tail,
    )


def share_before(wavelength: F64, edge: float) -> F64:
    """(W,) part of what each wavelength stands for, halfway to its neighbours, that lies before an edge (m)."""
    halfway = 0.5 * (wavelength[1:] + wavelength[:-1])
    front = np.concatenate(([wavelength[0]], halfway))
    back = np.concatenate((halfway, [wavelength[-1]]))
    return np.clip((edge - front) / (back - front), 0.0, 1.0)


def _names(cell: Cell, eqe: xr.Dataset) -> list[str]:
    """The layers as the cell calls them: at one junction's terminals those of that junction are called its own way."""
    from perotwin.stack import Tandem

    names = [str(name) for name in eqe["layer"].values]
    # the layers of a patchy tandem are in no one row
    if isinstance(cell, Tandem) and len(cell.columns) == 1 and len(cell.layer) == len(names):
        return [layer.name for layer in cell.layer]
    return names
