"""Light on an area that is not the same everywhere: what its parts absorb and emit, each on its share of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.optics.absorption import Absorption
from perotwin.optics.emission import AbsorberEmission, Emission
from perotwin.optics.films import films
from perotwin.optics.generation import spectrum
from perotwin.optics.incidence import arriving, lit, opposite
from perotwin.spectra import Monochromatic

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell

__all__ = ["mean_absorption", "mean_emission", "mixed", "on_one_grid", "onto", "refuse_unlike_suns"]

F64 = NDArray[np.float64]


def onto(wavelength: F64, grid: F64, response: F64) -> F64:
    """The response (W,) of one part, known on its `grid`, at the wavelengths (V,) of all: none where it has ended.

    The weights of a spectrum integrate what is linear between the points, so that the integral over a finer grid whose
    points include the old ones is what it was.
    """
    if np.array_equal(wavelength, grid):
        return response
    return np.interp(wavelength, grid, response, left=0.0, right=0.0)


def mixed(stacks: Sequence[OpticalCell], areas: Sequence[float], found: Sequence[Absorption]) -> Absorption:
    """What stacks side by side do with one light, per area of the whole, at one sun.

    The wavelengths are those of all parts. Layers of one name count as one. `generation` holds the intervals of all
    parts, one part after the other, each times its area; `faces` and `spectral`, which belong to one part, are empty.
    What lies outside the tables of a part is NaN.

    Args:
        stacks: what each part consists of. areas: its fraction of the whole.
        found: its absorption, all under the same light, at one sun.
    """
    bare = [replace(one, spectral=np.zeros((one.wavelength.size, 0))) for one in found]
    generation = np.concatenate([area * one.generation for area, one in zip(areas, found, strict=True)])
    return replace(mean_absorption(areas, on_one_grid(stacks, bare, 1.0)), generation=generation)


def on_one_grid(
    stacks: Sequence[OpticalCell], found: Sequence[Absorption], intensity: float
) -> list[Absorption]:
    """The absorption of each part at the wavelengths of all.

    Args:
        stacks: what each part consists of. found: its absorption, all under the same light.
        intensity: suns of that light.

    Returns:
        Reflectance, transmittance and absorptance are solved at the new wavelengths, NaN outside the tables of a part;
        `spectral` is interpolated, so that its integral stays the generation.
    """
    lam = found[0].wavelength
    for one in found[1:]:
        lam = np.union1d(lam, one.wavelength)
    if all(np.array_equal(lam, one.wavelength) for one in found):
        return list(found)
    light = spectrum(stacks[0])
    flux = found[0].photon_flux
    if not isinstance(light, Monochromatic):
        flux = intensity * arriving(stacks[0].light) * light.weights(lam)
    given = []
    for stack, one in zip(stacks, found, strict=True):
        spectra = _at(stack, one, lam)
        spectral = np.empty((lam.size, one.spectral.shape[1]))
        for row, response in enumerate(one.spectral.T):
            spectral[:, row] = onto(lam, one.wavelength, response)
        given.append(
            replace(
                one,
                wavelength=lam,
                photon_flux=flux,
                reflectance=spectra[0],
                transmittance=spectra[1],
                absorptance=spectra[2:],
                spectral=spectral,
            )
        )
    return given


def _at(stack: OpticalCell, one: Absorption, lam: F64) -> F64:
    """(2 + L, W) reflectance, transmittance and absorptance of one part at the wavelengths of all."""
    if np.array_equal(one.wavelength, lam):
        return np.vstack([one.reflectance, one.transmittance, one.absorptance])
    optical = films(stack)
    low, high = optical.limits
    known = (lam >= low) & (lam <= high)
    own, beside = float(stack.light.intensity), float(stack.light.other_side)
    lights = [(stack.light.side, 1.0)]
    if beside > 0.0:
        lights = [
            (stack.light.side, own / (own + beside)), (opposite(stack.light.side), beside / (own + beside))
        ]  # fmt: skip
    spectra = np.full((2 + len(one.layers), lam.size), np.nan)
    spectra[:, known] = 0.0
    for side, share in lights:
        response = lit(optical, lam[known], stack.light, side)
        spectra[:, known] += share * np.vstack(
            [response.reflectance, response.transmittance, response.absorptance]
        )
    return spectra


def mean_absorption(areas: Sequence[float], found: Sequence[Absorption]) -> Absorption:
    """The mean by area of absorptions at the same wavelengths; layers of one name count as one.

    Args:
        areas: of each part, as a fraction of the area that the mean is of.
        found: of each part; see `on_one_grid`.

    Returns:
        Reflectance, transmittance and absorptance. `faces`, `generation` and `spectral`, which belong to one part, are
        empty, and so are checks and notes.
    """
    first = found[0]
    names = tuple(dict.fromkeys(name for one in found for name in one.layers))
    reflectance, transmittance = np.zeros(first.wavelength.size), np.zeros(first.wavelength.size)
    absorptance = np.zeros((len(names), first.wavelength.size))
    for area, one in zip(areas, found, strict=True):
        reflectance += area * one.reflectance
        transmittance += area * one.transmittance
        for row, name in enumerate(one.layers):
            absorptance[names.index(name)] += area * one.absorptance[row]
    return Absorption(
        faces=np.zeros(0),
        generation=np.zeros(0),
        wavelength=first.wavelength,
        photon_flux=first.photon_flux,
        reflectance=reflectance,
        transmittance=transmittance,
        layers=names,
        absorptance=absorptance,
        spectral=np.zeros((first.wavelength.size, 0)),
        side=first.side,
        checks={},
        notes=(),
    )


def mean_emission(areas: Sequence[float], found: Sequence[Emission]) -> Emission:
    """The mean by area of what parts emit; layers of one name count as one, and one that a part lacks emits nothing.

    Args:
        areas: of each part, as a fraction of the area that the mean is of. found: of each part.

    Returns:
        Without checks and notes, which are those of the parts.
    """
    names = dict.fromkeys(name for one in found for name in one.absorbers)
    absorbers = {}
    for name in names:
        parts = [
            (area, one.absorbers[name])
            for area, one in zip(areas, found, strict=True)
            if name in one.absorbers
        ]
        absorbers[name] = _mean_absorber([area for area, _ in parts], [part for _, part in parts])
    films = tuple(dict.fromkeys(film for one in found for film in one.films))
    return Emission(found[0].temperature, absorbers, {}, (), films)


def _mean_absorber(areas: Sequence[float], parts: Sequence[AbsorberEmission]) -> AbsorberEmission:
    energy = parts[0].energy
    for part in parts[1:]:
        if not np.array_equal(part.energy, energy):
            energy = np.union1d(energy, part.energy)

    def total(name: str) -> float:
        return float(sum(area * getattr(part, name) for area, part in zip(areas, parts, strict=True)))

    def spectrum_of(name: str) -> F64:
        # linear between its points, as its integral takes it
        rows = [onto(energy, part.energy, getattr(part, name)) for part in parts]
        return np.asarray(np.tensordot(areas, rows, 1))

    taken: dict[str, float] = {}
    for area, part in zip(areas, parts, strict=True):
        for layer, current in part.taken.items():
            taken[layer] = taken.get(layer, 0.0) + area * current
    return AbsorberEmission(
        internal=total("internal"),
        escape_front=total("escape_front"),
        escape_back=total("escape_back"),
        parasitic=total("parasitic"),
        escape_by_rays=total("escape_by_rays"),
        reabsorbed_by_rays=total("reabsorbed_by_rays"),
        taken=taken,
        energy=energy,
        spectrum_front=spectrum_of("spectrum_front"),
        spectrum_back=spectrum_of("spectrum_back"),
        spectrum_internal=spectrum_of("spectrum_internal"),
    )


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
