"""A map of heights written down: a sine along each axis on a tilted plane, as a file would hold it."""

import numpy as np
import xarray as xr

#: of the sine, m; the map holds whole periods of it
AMPLITUDE = 10e-9


def dataset(tilt: float = 0.01, pixels: int = 128, side: float = 2e-6) -> xr.Dataset:
    place = (np.arange(pixels) + 0.5) * side / pixels
    sine = AMPLITUDE * np.sin(2.0 * np.pi * 4.0 * place / side)
    height = sine[None, :] + tilt * place[:, None] + 1e-6
    return xr.Dataset(
        {"height": (("y", "x"), height, {"units": "m"})},
        coords={"x": ("x", place, {"units": "m"}), "y": ("y", place, {"units": "m"})},
        attrs={"instrument": "afm", "stack": "toy"},
    )
