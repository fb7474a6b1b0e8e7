"""Diffraction patterns of closed formulas: Gaussians of both wavelengths where Bragg's law has them, on a level."""

import math

import numpy as np
import xarray as xr

FIRST, SECOND = 1.540598, 1.544426
#: planes of a cube and their areas, counts deg
AREAS = {
    (1, 0, 0): 400.0,
    (1, 1, 0): 150.0,
    (1, 1, 1): 100.0,
    (2, 0, 0): 300.0,
    (2, 1, 0): 120.0,
    (2, 2, 0): 140.0,
}


def angle(spacing: float, wavelength: float = FIRST) -> float:
    """2 theta (deg) of planes so far apart (angstrom)."""
    return 2.0 * math.degrees(math.asin(wavelength / (2.0 * spacing)))


def curve(
    x: np.ndarray, lines: dict[float, float], width: float = 0.1, level: float = 50.0, second: float = 0.5
) -> np.ndarray:
    """Mean counts at angles x (deg): `lines` are spacing (angstrom) -> area (counts deg) of K-alpha1."""
    total = np.full(x.size, level)
    height = 2.0 * math.sqrt(math.log(2.0) / math.pi) / width
    for spacing, area in lines.items():
        for wavelength, part in ((FIRST, 1.0), (SECOND, second)):
            u = (x - angle(spacing, wavelength)) / width
            total += part * area * height * np.exp(-4.0 * math.log(2.0) * u**2)
    return total


def cube(edge: float = 6.2, areas: dict[tuple[int, int, int], float] = AREAS) -> dict[float, float]:
    """Spacings and areas of a cube's lines."""
    return {edge / math.sqrt(sum(index**2 for index in planes)): area for planes, area in areas.items()}


def dataset(
    name: str = "toy",
    edge: float = 6.2,
    seed: int = 1,
    more: dict[float, float] | None = None,
    scale: float = 1.0,
) -> xr.Dataset:
    """A film's pattern with noise: a cube's lines, and `more` ones."""
    x = np.arange(10.0, 50.0, 0.02)
    lines = {d: scale * area for d, area in cube(edge).items()} | (more or {})
    counts = np.random.default_rng(seed).poisson(curve(x, lines)).astype(float)
    return xr.Dataset(
        {"counts": ("two_theta", counts, {"units": "1"})},
        {"two_theta": ("two_theta", x, {"units": "deg"})},
        {"instrument": "xrd", "stack": name},
    )
