"""Transmittance of films of closed formulas: a direct edge with an exponential tail, no interference."""

import math

import numpy as np
import xarray as xr

HC = 1239.841984e-9


def depth(energy: np.ndarray, gap: float = 1.79, urbach: float = 0.0, height: float = 5.0) -> np.ndarray:
    """alpha d: a square root over E, and below half an Urbach energy above the gap the tangent of ln(alpha E)."""
    root = np.sqrt(np.maximum(energy - gap, 0.0))
    if urbach > 0.0:
        join = gap + 0.5 * urbach
        tail = math.sqrt(0.5 * urbach) * np.exp(np.minimum((energy - join) / urbach, 0.0))
        root = np.where(energy < join, tail, root)
    return height * root / energy


def dataset(
    name: str = "toy",
    gap: float = 1.79,
    urbach: float = 0.015,
    noise: float = 1e-4,
    seed: int = 1,
    reflectance: float | None = 0.15,
) -> xr.Dataset:
    """Film in air of a constant reflectance, T = (1 - R) exp(-alpha d), from 400 to 1000 nm."""
    wavelength = np.arange(400e-9, 1000e-9, 1e-9)
    chance = np.random.default_rng(seed)
    reflected = 0.0 if reflectance is None else reflectance
    passed = (1.0 - reflected) * np.exp(-depth(HC / wavelength, gap, urbach))
    found = {
        "transmittance": ("wavelength", passed + noise * chance.standard_normal(passed.size), {"units": "1"})
    }
    if reflectance is not None:
        values = reflected + noise * chance.standard_normal(passed.size)
        found["reflectance"] = ("wavelength", values, {"units": "1"})
    return xr.Dataset(
        found,
        {"wavelength": ("wavelength", wavelength, {"units": "m"})},
        {"instrument": "uv_vis", "stack": name, "thickness": 500e-9},
    )
