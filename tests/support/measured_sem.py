"""An image written down: squares of two shades in rows of bricks, dark lines between them, and noise."""

import numpy as np
import xarray as xr


def dataset(pixels: int = 160, brick: int = 20, scale: float | None = 5e-9, banner: int = 0) -> xr.Dataset:
    y, x = np.mgrid[:pixels, :pixels]
    row = y // brick
    column = (x + (row % 2) * brick // 2) // brick
    shade = 120.0 + 25.0 * ((row * 7 + column * 3) % 5)
    line = (y % brick == 0) | ((x + (row % 2) * brick // 2) % brick == 0)
    image = np.where(line, 40.0, shade) + 4.0 * np.random.default_rng(5).standard_normal((pixels, pixels))
    if banner:
        image = np.concatenate([image, np.full((banner, pixels), 255.0)])
        image[-banner // 2, 5:30] = 0.0
    axes = {"x": pixels, "y": image.shape[0]}
    coords = {} if scale is None else {name: scale * np.arange(count) for name, count in axes.items()}
    return xr.Dataset(
        {"brightness": (("y", "x"), image, {"units": "1"})},
        coords=coords,
        attrs={"instrument": "sem", "stack": "toy"},
    )
