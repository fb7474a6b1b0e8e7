"""Photoluminescence in closed form: Planck's law behind a soft edge, as a file of absolute spectra holds it."""

import numpy as np
import xarray as xr

H, C, Q, K = 6.62607015e-34, 299792458.0, 1.602176634e-19, 1.380649e-23
GAP, SPLITTING, TEMPERATURE = 1.60, 1.15, 298.15


def absorptance(energy: np.ndarray, softness: float = 0.012) -> np.ndarray:
    """Of a film with its gap at `GAP` (eV), the inflection."""
    return 1.0 / (1.0 + np.exp(-(energy - GAP) / softness))


def emitted(energy: np.ndarray, splitting: float = SPLITTING, temperature: float = TEMPERATURE) -> np.ndarray:
    """What a black body emits into one hemisphere, photons m^-2 s^-1 eV^-1; energies in eV."""
    joule = energy * Q
    return 2.0 * np.pi * joule**2 / (H**3 * C**2) * np.exp(-(energy - splitting) * Q / (K * temperature)) * Q


def spectrum(
    wavelength: np.ndarray,
    splitting: float = SPLITTING,
    softness: float = 0.012,
    temperature: float = TEMPERATURE,
) -> np.ndarray:
    """The same behind the absorptance of the film, photons m^-2 s^-1 per m of wavelength."""
    energy = H * C / (wavelength * Q)
    shape = absorptance(energy, softness) if softness > 0.0 else (energy > GAP).astype(float)
    return shape * emitted(energy, splitting, temperature) * energy / wavelength


def dataset(noise: float = 0.01, seed: int = 1, relative: bool = False) -> xr.Dataset:
    """A spectrum from 620 to 900 nm of a film excited by the flux of one sun."""
    wavelength = np.linspace(620e-9, 900e-9, 561)
    flux = spectrum(wavelength) * (1.0 + noise * np.random.default_rng(seed).standard_normal(wavelength.size))
    if relative:
        flux = flux / flux.max() * 4e4
    return xr.Dataset(
        {"photon_flux": ("wavelength", flux, {"units": "1" if relative else "m-2 s-1 m-1"})},
        {"wavelength": ("wavelength", wavelength, {"units": "m"})},
        {
            "instrument": "pl", "stack": "film", "temperature": TEMPERATURE, "bandgap": GAP, "light": 1.0, "jsc": 230.0,
            "eqe_at_laser": 0.9,
        },
    )  # fmt: skip
