"""What a cell does with its light, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement.checks import Checks
from perotwin.units import ELEMENTARY_CHARGE as Q

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.optics.cell import OpticalCell

__all__ = ["Absorption", "bare"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Absorption:
    """What a cell does with its light.

    Attributes
    ----------
    faces : (M + 1,) positions of the faces, m from the front of the first electrical layer.
    generation : (M,) pairs per area and time in each interval, m^-2 s^-1, at the stack's intensity.
    wavelength : (W,), m; empty where generation is prescribed without a spectrum.
    photon_flux : (W,) photons m^-2 s^-1 that stand for each wavelength, at the stack's intensity:
        `photon_flux @ response` integrates spectrum times response.
    reflectance, transmittance : (W,).
    layers : (L,) names. absorptance : (L, W), of all optical layers.
    spectral : (W, M) fraction of the incident photons that generate in each interval.
    side : where the light enters; with light on both sides the one of `light.side`. Fractions are then of the photons
        that fall on both, and what leaves the cell on the side where it came in is reflected.
    checks : rows of the run-time checks. notes : sentences that belong to the result.
    """

    faces: F64
    generation: F64
    wavelength: F64
    photon_flux: F64
    reflectance: F64
    transmittance: F64
    layers: tuple[str, ...]
    absorptance: F64
    spectral: F64
    side: str
    checks: Checks
    notes: tuple[str, ...]

    @property
    def photocurrent(self) -> float:
        """Current density (A m^-2) if every pair is collected."""
        return Q * float(self.generation.sum())

    def current(self, layer: str) -> float:
        """Photons absorbed in a layer, as a current density (A m^-2)."""
        return Q * float(self.photon_flux @ self.absorptance[self.layers.index(layer)])

    def dataset(self, stack: OpticalCell) -> xr.Dataset:
        """Reflectance, transmittance, absorptance by layer and the photon flux, as figures take them."""
        import xarray as xr

        from perotwin.measurement import describe

        along = "wavelength"
        found = {
            "reflectance": (along, self.reflectance),
            "transmittance": (along, self.transmittance),
            "absorptance": (("layer", along), self.absorptance),
            "photon_flux": (along, self.photon_flux, {"units": "m-2 s-1"}),
        }
        absorbers = ",".join(layer.name for layer in stack.absorbers)
        coords = {along: self.wavelength, "layer": list(self.layers)}
        return describe(xr.Dataset(found, coords=coords, attrs={"stack": stack.name, "absorbers": absorbers}))


def bare(stack: OpticalCell, faces: F64, generation: F64, checks: Checks) -> Absorption:
    """A result without spectral parts."""
    none = np.zeros(0)
    return Absorption(
        faces=faces,
        generation=generation,
        wavelength=none,
        photon_flux=none,
        reflectance=none,
        transmittance=none,
        layers=tuple(layer.name for layer in stack.layer),
        absorptance=np.zeros((len(stack.layer), 0)),
        spectral=np.zeros((0, len(generation))),
        side=stack.light.side,
        checks=checks,
        notes=(),
    )
