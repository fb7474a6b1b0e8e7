"""A luminescence decay of closed formulas: two exponentials on a background, counted."""

import numpy as np
import xarray as xr

from perotwin.measurement import describe


def expected(
    shares: tuple[float, ...] = (0.7, 0.3),
    lifetimes: tuple[float, ...] = (5e-9, 50e-9),
    *,
    background: float = 1.0,
    photons: float = 2e5,
    width: float = 0.1e-9,
    bins: int = 4000,
    onset: float = 20e-9,
    period: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Middles of the bins (s) and what each is expected to hold, by exact integrals over the bins."""
    edges = np.arange(bins + 1) * width
    light = np.zeros(bins)
    for share, tau in zip(shares, lifetimes, strict=True):
        for number in range(1 if period is None else 60):
            since = np.maximum(edges - onset + number * (period or 0.0), 0.0)
            light += share * tau * -np.diff(np.exp(-since / tau))
    return (edges[:-1] + edges[1:]) / 2.0, light / light.sum() * photons + background


def of(time: np.ndarray, counts: np.ndarray, **attributes: float) -> xr.Dataset:
    """The dataset of a histogram."""
    made = xr.Dataset(
        {"counts": ("time", counts.astype(float))}, {"time": time}, {"instrument": "trpl", **attributes}
    )
    return describe(made)


def dataset() -> xr.Dataset:
    """One histogram with the noise of counting."""
    time, mean = expected()
    counts = np.random.default_rng(1).poisson(mean)
    return of(time, counts, stack="toy", thickness=400e-9, diffusion_coefficient=3e-6)
