"""Spectra of Lorentzians: transmittance over wavenumbers, falling as instruments write it, and magnetic resonance."""

import numpy as np
import xarray as xr

#: places (cm^-1), widths and depths
LINES = ((1710.0, 24.0, 0.30), (1480.0, 18.0, 0.15), (1190.0, 30.0, 0.20))


def lorentzians(x: np.ndarray, shift: float = 0.0, lines: tuple = LINES) -> np.ndarray:
    """Sum of lines moved by a shift."""
    return sum(depth / (1.0 + (2.0 * (x - place - shift) / width) ** 2) for place, width, depth in lines)


def dataset(name: str = "toy", shift: float = 0.0, noise: float = 2e-4, seed: int = 1) -> xr.Dataset:
    """A transmittance spectrum from 4000 down to 700 cm^-1."""
    x = np.arange(4000.0, 699.0, -1.0)
    chance = np.random.default_rng(seed)
    signal = 1.01 - lorentzians(x, shift) + noise * chance.standard_normal(x.size)
    return spectrum(x, signal, "cm^-1", name)


def spectrum(x: np.ndarray, signal: np.ndarray, unit: str, name: str = "toy") -> xr.Dataset:
    """Numbers as a measurement."""
    return xr.Dataset(
        {"signal": ("position", signal, {"units": "1"})},
        {"position": ("position", x, {"units": unit})},
        {"instrument": "ftir_nmr", "stack": name},
    )
