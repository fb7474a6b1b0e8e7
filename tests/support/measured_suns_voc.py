"""Open-circuit voltages of a diode in closed form, as a file holds them: light and voltage, some noise."""

import numpy as np
import xarray as xr

from perotwin.measurement import describe

KT = 8.617333262e-5 * 298.15


def voltage(suns: np.ndarray, ideality: float = 1.4, voc: float = 1.2) -> np.ndarray:
    """V of a diode that has `voc` at one sun."""
    saturation = 1.0 / np.expm1(voc / (ideality * KT))
    return ideality * KT * np.log1p(suns / saturation)


def dataset(noise: float = 2e-4, seed: int = 3, per_decade: int = 12) -> xr.Dataset:
    """From 1e-3 to 2 suns, brightest first."""
    count = int(np.log10(2e3) * per_decade) + 1
    suns = np.geomspace(2.0, 1e-3, count)
    measured = voltage(suns) + noise * np.random.default_rng(seed).standard_normal(count)
    return describe(
        xr.Dataset(
            {"voltage": ("point", measured)},
            {"intensity": ("point", suns)},
            {"instrument": "suns_voc", "stack": "diode", "light": 1.0, "temperature": 298.15, "ff": 0.83},
        )
    )
