"""Light on an area that is not the same everywhere: what its parts absorb, each on its share of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.optics.films import films
from perotwin.optics.generation import Absorption, spectrum
from perotwin.optics.spectra import Monochromatic

if TYPE_CHECKING:
    from perotwin.stack import Stack

__all__ = ["mixed", "onto", "refuse_unlike_suns"]

F64 = NDArray[np.float64]


def onto(wavelength: F64, grid: F64, response: F64) -> F64:
    """The response (W,) of one part, known on its `grid`, at the wavelengths (V,) of all: none where it has ended.

    The weights of a spectrum integrate what is linear between the points, so that the integral over a finer grid whose
    points include the old ones is what it was.
    """
    if np.array_equal(wavelength, grid):
        return response
    return np.interp(wavelength, grid, response, left=0.0, right=0.0)


def mixed(stacks: Sequence[Stack], areas: Sequence[float], found: Sequence[Absorption]) -> Absorption:
    """What stacks side by side do with one light, per area of the whole, at one sun.

    The wavelengths are those of all parts. Layers of one name count as one. `generation` holds the intervals of all
    parts, one part after the other, each times its area; `faces` and `spectral`, which belong to one part, are empty.
    What lies outside the tables of a part is NaN.

    Args:
        stacks: what each part consists of. areas: its fraction of the whole.
        found: its absorption, all under the same light, at one sun.
    """
    lam = found[0].wavelength
    for one in found[1:]:
        lam = np.union1d(lam, one.wavelength)
    names = tuple(dict.fromkeys(name for one in found for name in one.layers))
    reflectance, transmittance = np.zeros(lam.size), np.zeros(lam.size)
    absorptance = np.zeros((len(names), lam.size))
    for stack, area, one in zip(stacks, areas, found, strict=True):
        spectra = _at(stack, one, lam)
        reflectance += area * spectra[0]
        transmittance += area * spectra[1]
        for row, name in enumerate(one.layers):
            absorptance[names.index(name)] += area * spectra[2 + row]
    return Absorption(
        faces=np.zeros(0),
        generation=np.concatenate([area * one.generation for area, one in zip(areas, found, strict=True)]),
        wavelength=lam,
        photon_flux=_flux(stacks[0], lam, found),
        reflectance=reflectance,
        transmittance=transmittance,
        layers=names,
        absorptance=absorptance,
        spectral=np.zeros((lam.size, 0)),
        side=found[0].side,
        checks={},
        notes=(),
    )


def _at(stack: Stack, one: Absorption, lam: F64) -> F64:
    """(2 + L, W) reflectance, transmittance and absorptance of one part at the wavelengths of all."""
    if np.array_equal(one.wavelength, lam):
        return np.vstack([one.reflectance, one.transmittance, one.absorptance])
    optical = films(stack)
    low, high = optical.limits
    known = (lam >= low) & (lam <= high)
    lit = optical.lit(lam[known], stack.light.side)
    spectra = np.full((2 + len(one.layers), lam.size), np.nan)
    spectra[:, known] = np.vstack([lit.reflectance, lit.transmittance, lit.absorptance])
    return spectra


def _flux(stack: Stack, lam: F64, found: Sequence[Absorption]) -> F64:
    """(W,) photons m^-2 s^-1 that stand for each wavelength."""
    if lam.size == 0:
        return lam
    light = spectrum(stack)
    return found[0].photon_flux if isinstance(light, Monochromatic) else light.weights(lam)


def refuse_unlike_suns(found: Sequence[Absorption]) -> None:
    """Refuse parts under one laser whose sun is another number of photons on each (one `Absorption` a part).

    Raises:
        InputError: with the photon fluxes.
    """
    if any(one.wavelength.size != 1 for one in found):
        return
    flux = np.array([float(one.photon_flux[0]) for one in found])
    if np.ptp(flux) > 1e-9 * flux.max():
        raise InputError(
            "one sun of a laser is the photon flux that gives the current of sunlight, which is not the same for "
            f"these columns ({flux.min():.4g} to {flux.max():.4g} photons m^-2 s^-1).",
            "Use a broad spectrum, or columns that absorb alike.",
            key="light.spectrum",
        )
