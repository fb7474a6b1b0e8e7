"""A film's surface drawn from a grain size: cells of random points, as grains that start together and grow alike.

Nothing of it is predicted: grain size and roughness are numbers of the recipe, and the shape is the simplest one that
has them. It is what microscopes are pointed at to try an analysis, and to see how well a map of some size can tell.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.lab.specimen import Specimen

__all__ = ["Cells", "cells", "film_of", "heights", "shades"]

F64 = NDArray[np.float64]

#: a map holds so many grains, and a grain is at least so many pixels wide
_FEWEST, _NARROWEST = 9.0, 4.0
#: width of the groove between grains over the grain size, and height of a grain's own level over the groove's depth
_GROOVE, _LEVEL = 0.12, 0.6
#: of a film of brightness 1: spread of the grains, depth of the dark line around each, its width over the grain size
_CONTRAST, _LINE, _THIN = 0.08, 0.35, 0.05


class Cells(NamedTuple):
    """Grain of each pixel (P, P), its distance (m) from the edge to the nearest other grain, and how many there are."""

    grain: NDArray[np.int64]
    edge: F64
    number: int


def film_of(sample: Specimen, instrument: str) -> Any:
    """The coating of a sample whose film is its surface.

    Raises:
        InputError: no film was coated, or it was washed off.
    """
    from perotwin.lab import specimen

    if specimen.laid_bare(sample):
        raise InputError(
            f'"{sample.name}" has no film: the recipe says nothing of the shape of its oxide.',
            f"Point {instrument} at a sample before its wash, or at a measured file.",
        )
    return sample.recipe.coat


def chance(sample: Specimen, instrument: str, seed: int) -> np.random.Generator:
    """Random numbers that repeat with the seed, and differ from sample to sample and between instruments."""
    return np.random.default_rng([seed, zlib.crc32(f"{instrument} {sample.name}".encode())])


def cells(side: float, pixels: int, diameter: float, random: np.random.Generator) -> Cells:
    """Poisson-Voronoi cells on a square.

    Args:
        side: of the map, m. pixels: along it. diameter: of the circle of a grain's mean area, m.

    Raises:
        InputError: the map holds too few grains, or its pixels are too large for them.
    """
    from scipy.spatial import cKDTree

    wanted = side**2 / (0.25 * np.pi * diameter**2)
    if wanted < _FEWEST:
        raise InputError(
            f"a map of {side * 1e6:.3g} um holds {wanted:.2g} grains of {diameter * 1e9:.3g} nm.",
            "Give a larger side.",
            key="side",
        )
    if diameter * pixels / side < _NARROWEST:
        raise InputError(
            f"pixels of {side / pixels * 1e9:.3g} nm are too large for grains of {diameter * 1e9:.3g} nm.",
            "Give more pixels or a smaller side.",
            key="pixels",
        )
    number = max(int(random.poisson(wanted)), 4)
    nuclei = random.uniform(0.0, side, (number, 2))
    tree = cKDTree(nuclei, boxsize=side)
    place = (np.arange(pixels) + 0.5) * side / pixels
    where = np.stack(np.meshgrid(place, place, indexing="ij"), axis=-1).reshape(-1, 2)
    distance, nearest = tree.query(where, k=2)
    apart = nuclei[nearest[:, 1]] - nuclei[nearest[:, 0]]
    apart -= side * np.rint(apart / side)
    # the edge is the line half way between two nuclei
    edge = 0.5 * (distance[:, 1] ** 2 - distance[:, 0] ** 2) / np.hypot(apart[:, 0], apart[:, 1])
    return Cells(nearest[:, 0].reshape(pixels, pixels).astype(np.int64), edge.reshape(pixels, pixels), number)


def _groove(made: Cells, width: float) -> F64:
    """1 on the line between two grains, 0 farther inside them than a width (m)."""
    return np.asarray(np.exp(-((made.edge / width) ** 2)))


def heights(made: Cells, diameter: float, roughness: float, pixel: float, random: np.random.Generator) -> F64:
    """Heights (P, P) in m about zero whose root mean square after a plane is the given one."""
    from scipy import ndimage

    from perotwin.lab import levelling

    level = _LEVEL * random.standard_normal(made.number)
    raw = level[made.grain] - _groove(made, _GROOVE * diameter)
    # no face between two grains is upright
    smooth = ndimage.gaussian_filter(raw, max(0.04 * diameter / pixel, 1.0), mode="wrap")
    flat = levelling.plane(smooth)
    return np.asarray(flat * (roughness / float(flat.std())))


def shades(made: Cells, diameter: float, random: np.random.Generator) -> F64:
    """Brightness (P, P) of secondary electrons, one in the mean: a grain's own, and dark lines between grains."""
    own = 1.0 + _CONTRAST * random.standard_normal(made.number)
    return np.asarray(own[made.grain] * (1.0 - _LINE * _groove(made, _THIN * diameter)))
