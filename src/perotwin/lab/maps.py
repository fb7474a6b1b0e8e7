"""The pixels of a map: how large they are, and what its lengths are counted in where nobody says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Scale", "scale_of"]

F64 = NDArray[np.float64]

#: steps of an axis may differ by this share
_EVEN = 1e-3


class Scale(NamedTuple):
    """Size of a pixel along y and x, and the unit of lengths: "m", or "px" where the map has no scale."""

    y: float
    x: float
    unit: str

    @property
    def pixel(self) -> tuple[float, float]:
        """Along y and along x."""
        return self.y, self.x

    @property
    def area_unit(self) -> str:
        """Of areas."""
        return f"{self.unit}2"

    def words(self, shape: tuple[int, ...]) -> str:
        """Size and pixel of a map of so many lines and pixels, for the method of a number."""
        if self.unit == "px":
            return f"map of {shape[1]} x {shape[0]} pixels without a scale"
        factor, unit = (1e6, "um") if max(shape[0] * self.y, shape[1] * self.x) >= 1e-6 else (1e9, "nm")
        sides = f"{shape[1] * self.x * factor:.4g} x {shape[0] * self.y * factor:.4g} {unit}"
        return f"map of {sides}, pixel {self.x * 1e9:.4g} nm"


def scale_of(dataset: xr.Dataset) -> Scale:
    """Of a map over (y, x), from its axes (m); pixels where it lacks one.

    Raises:
        InputError: an axis is uneven or does not run one way.
    """
    if "x" not in dataset.coords or "y" not in dataset.coords:
        return Scale(1.0, 1.0, "px")
    steps = []
    for name in ("y", "x"):
        place = np.asarray(dataset[name], float)
        if place.size < 2:
            raise InputError(
                f'the axis "{name}" of a map has {place.size} points.', "Give two or more.", key=name
            )
        step = np.diff(place)
        mean = float(step.mean())
        if not np.all(np.isfinite(step)) or mean == 0.0 or np.abs(step / mean - 1.0).max() > _EVEN:
            raise InputError(
                f'the pixels of the map are not evenly spaced along "{name}".',
                "Give an even axis in m, or none at all: lengths are then in pixels.",
                key=name,
            )
        steps.append(abs(mean))
    return Scale(steps[0], steps[1], "m")
