"""Spectra of core levels made of closed formulas, with the noise of counts."""

import numpy as np
import xarray as xr
from scipy.special import erf


def course(
    energy: np.ndarray, place: float, area: float, *, width: float = 1.5, mixing: float = 0.3, step: float = 0.05,
    base: float = 100.0, partner: tuple[float, float] | None = None,
) -> np.ndarray:  # fmt: skip
    """Expected counts: a pseudo-Voigt of an area (counts eV), Shirley's step behind it, a constant."""

    def voigt(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sigma = width / np.sqrt(8.0 * np.log(2.0))
        gauss = np.exp(-0.5 * (x / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
        half = 0.5 * width
        lorentz = half / np.pi / (x**2 + half**2)
        below = mixing * (0.5 + np.arctan(x / half) / np.pi) + (1.0 - mixing) * 0.5 * (
            1.0 + erf(x / sigma / 2**0.5)
        )
        return mixing * lorentz + (1.0 - mixing) * gauss, below

    line, below = voigt(energy - place)
    if partner is not None:
        splitting, ratio = partner
        other, under = voigt(energy - place - splitting)
        line, below = (line + ratio * other) / (1.0 + ratio), (below + ratio * under) / (1.0 + ratio)
    return base + area * (line + step * below)


def region(
    name: str, place: float, area: float = 1000.0, *, seed: int | None = 0, low: float = -8.0, high: float = 8.0,
    pitch: float = 0.1, **more: object,
) -> xr.Dataset:  # fmt: skip
    """A region as a file holds it, falling binding energy; 1000 counts eV at 0.1 eV are 1e4 counts in the line."""
    energy = np.arange(place + high, place + low, -pitch)
    counts = course(energy, place, area, **more)  # type: ignore[arg-type]  # numbers and pairs, as named there
    if seed is not None:
        counts = np.random.default_rng(seed).poisson(counts).astype(float)
    return xr.Dataset(
        {"counts": ("binding_energy", counts)},
        coords={"binding_energy": ("binding_energy", energy, {"units": "eV"})},
        attrs={"instrument": "xps", "stack": name, "region": name},
    )
