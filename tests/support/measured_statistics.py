"""Devices of two groups on substrates, from normal distributions: to test readers, not physics."""

import numpy as np
import xarray as xr

from perotwin.measurement import describe


def dataset(
    seed: int = 1, devices: int = 30, on_one: int = 5, shift: float = 0.01, between: float = 0.004
) -> xr.Dataset:
    """Two groups; efficiencies scatter by `between` from substrate to substrate and by 0.002 on one."""
    chance = np.random.default_rng(seed)
    group, substrate, power = [], [], []
    for name, mean in (("control", 0.17), ("target", 0.17 + shift)):
        count = devices // on_one
        films = mean + between * chance.standard_normal(count)
        for number in range(count * on_one):
            group.append(name)
            substrate.append(f"{name} {number // on_one}")
            power.append(films[number // on_one] + 0.002 * chance.standard_normal())
    pce = np.array(power)
    return describe(
        xr.Dataset(
            {
                "voc": ("device", 1.2 + pce),
                "jsc": ("device", 200.0 + 100.0 * pce),
                "ff": ("device", pce * 1000.0 / ((1.2 + pce) * (200.0 + 100.0 * pce))),
                "pce": ("device", pce),
            },
            {
                "device": [f"d{number}" for number in range(pce.size)],
                "group": ("device", group),
                "substrate": ("device", substrate),
            },
            {"instrument": "statistics", "stack": "control and target"},
        )
    )
