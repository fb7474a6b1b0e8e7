"""Grains of a film on a map or an image: where one ends and the next begins, how large they are, what is not covered.

    found = segment(image, smoothing=2.0)
    sizes = statistics(found.labels, (pixel, pixel))

Edges of grains are ridges of the gradient of the smoothed image, or grooves of the surface; the watershed follows them
(doi:10.1109/34.87344). A terrace or a scratch is an edge to it as well, and
two grains of one brightness are one: counts of two people differ by a fifth, those of a program and a person by more.
The parameters are therefore part of the result.

Grains that the border cuts are left out. Large ones are cut more often, so that each of the others counts by the
inverse of its chance to lie inside, (W - w)(H - h) / (W H) for a grain of w x h (Miles and Lantuejoul). The mean
lineal intercept is the length of test lines per boundary crossed (ASTM E112, ISO 13067). Where there are more nuclei
by chance all grains there are smaller: the mean area of n grains of random nuclei is known to 1 / sqrt(n), and not to
the spread of the areas over sqrt(n).

Cells of random points (Poisson-Voronoi) are what grains from nuclei that start together would be: standard deviation of
the area over its mean 0.53, mean intercept 0.785 / sqrt(cells per area).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

__all__ = ["Found", "Sizes", "cut_banner", "intercept", "judged", "pinholes", "segment", "statistics"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: a row of a banner has one value in at least this share of its pixels
_PLAIN = 0.5
#: pinholes are darker than the median by so many robust standard deviations; the error is what 2.5 and 4.5 would give
_DARK, _DARK_RANGE = 3.5, (2.5, 4.5)
#: a pinhole is at least as wide as so many smoothing lengths
_WIDE = 2.0
#: a map has at least so many pixels along an axis
_LEAST = 16
#: smoothing over the intercept, its bounds in pixels, where the search for it starts and how often it goes round
_SHARE, _BOUNDS, _FIRST, _ROUNDS = 0.07, (1.0, 12.0), 1.5, 4
#: factor to other smoothings that are tried, and d ln(intercept) / d ln(smoothing) above which they decide the size
_OTHER, _DECIDES = 1.4, 0.5


class Found(NamedTuple):
    """Grains of an image: `labels` (N, M) from 1, the `smoothing` (pixels) and in `words` how they were found."""

    labels: I64
    smoothing: float
    words: str
    grooves: bool = False
    depth: float = 0.3


class Sizes(NamedTuple):
    """Of grains, in units of the pixel: number inside the border, mean area and its standard error, standard deviation
    of the areas over their mean, mean lineal intercept and its standard error; areas (G,) with their weights; errors of
    the number and of the spread.
    """

    number: int
    area: float
    area_error: float
    spread: float
    intercept: float
    intercept_error: float
    areas: F64
    weights: F64
    number_error: float = float("nan")
    spread_error: float = float("nan")


def _skimage() -> tuple[Any, Any]:
    try:
        from skimage import morphology, segmentation
    except ImportError:
        raise InputError(
            "grains are found with scikit-image, which is not installed.", 'pip install "perotwin[image]".'
        ) from None
    return segmentation, morphology


def segment(
    image: F64, *, smoothing: float | None = None, grooves: bool = False, depth: float = 0.3
) -> Found:
    """Grains of an image by watershed.

    Args:
        image: (N, M) brightness or height, finite.
        smoothing: standard deviation of the Gaussian before, pixels; unless given 7 % of the intercept that comes out,
            found by going round, at least one pixel.
        grooves: grains are what lies between dark lines or grooves, and not between ridges of the gradient.
        depth: how much a grain's middle lies below the pass to the next one, in standard deviations of the gradient or
            of the smoothed image. Less finds more grains.

    Raises:
        InputError: scikit-image is missing, or the image is too small, even, or has pixels without a value.
    """
    values = np.asarray(image, float)
    if values.ndim != 2 or min(values.shape) < _LEAST or not np.isfinite(values).all():
        raise InputError(
            f"grains are sought on an image of at least {_LEAST} x {_LEAST} pixels, all with values; this one has "
            f"{' x '.join(map(str, values.shape))}, {int((~np.isfinite(values)).sum())} of them without.",
            "Crop what is missing.",
        )
    if not float(np.ptp(values)) > 1e-12 * float(np.abs(values).max()):
        raise InputError("the image has one value everywhere: it shows no grains.", "Give one with contrast.")
    chosen = smoothing if smoothing is not None else _FIRST
    labels = _basins(values, chosen, grooves, depth)
    for _ in range(_ROUNDS if smoothing is None else 0):
        across, _error = intercept(labels, (1.0, 1.0))
        wanted = round(float(np.clip(_SHARE * across, *_BOUNDS)) if np.isfinite(across) else _FIRST, 2)
        if abs(wanted - chosen) < 0.03 * chosen:
            break
        chosen, labels = wanted, _basins(values, wanted, grooves, depth)
    what = "image between its dark lines" if grooves else "gradient of the image"
    return Found(
        labels,
        chosen,
        f"watershed of the {what}, smoothed over {chosen:.3g} pixels, depth {depth:g}",
        grooves,
        depth,
    )


def _basins(values: F64, smoothing: float, grooves: bool, depth: float) -> I64:
    """Basins of the landscape whose ridges are the edges of grains, numbered from 1."""
    from scipy import ndimage

    segmentation, morphology = _skimage()
    if grooves:
        landscape = -ndimage.gaussian_filter(values, smoothing)
    else:
        landscape = ndimage.gaussian_gradient_magnitude(values, smoothing)
        # a line between two grains has a ridge on each side, which are one edge
        landscape = ndimage.grey_closing(landscape, footprint=_disc(2.0 * smoothing))
    middles = morphology.h_minima(landscape, depth * float(landscape.std()))
    markers, _ = ndimage.label(middles, np.ones((3, 3)))
    return np.asarray(segmentation.watershed(landscape, markers), np.int64)


def _disc(radius: float) -> NDArray[np.bool_]:
    reach = max(round(radius), 1)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(x**2 + y**2 <= reach**2)


# --- sizes -----------------------------------------------------------------------------------------------------------


def statistics(labels: I64, pixel: tuple[float, float]) -> Sizes:
    """Sizes of labelled grains.

    Args:
        labels: (N, M), 0 for what is no grain. pixel: its size along y and x.
    """
    from scipy import ndimage

    rows, columns = labels.shape
    areas, weights = [], []
    counts = np.bincount(labels.ravel())
    for index, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        (top, bottom), (left, right) = ((one.start, one.stop) for one in box)
        if top == 0 or left == 0 or bottom == rows or right == columns:
            continue
        tall, wide = bottom - top, right - left
        areas.append(float(counts[index]))
        # a border row of pixels has to be left on each side
        weights.append(((rows - 1) * (columns - 1)) / ((rows - 1 - tall) * (columns - 1 - wide)))
    across, error = intercept(labels, pixel)
    size, weight = np.array(areas) * pixel[0] * pixel[1], np.array(weights)
    if size.size == 0:
        nan = float("nan")
        # lines across so few grains end on the border more often than on an edge
        return Sizes(0, nan, nan, nan, nan, nan, size, weight, 0.0)
    mean = float(np.average(size, weights=weight))
    spread = float(np.sqrt(np.average((size - mean) ** 2, weights=weight)))
    effective = float(weight.sum() ** 2 / np.sum(weight**2))
    if effective > 1.0:
        spread *= float(np.sqrt(effective / (effective - 1.0)))
    known = size.size > 1
    return Sizes(
        size.size,
        mean,
        max(mean, spread) / float(np.sqrt(effective)) if known else float("nan"),
        spread / mean if known else float("nan"),
        across,
        error,
        size,
        weight,
        float(np.sqrt(size.size)),
        # of the spread of areas that are distributed as those of random cells, near enough to Gaussian
        spread / mean * float(np.sqrt(0.5 / effective + (spread / mean) ** 2 / effective))
        if known
        else float("nan"),
    )


def judged(image: F64, found: Found, pixel: tuple[float, float]) -> tuple[Sizes, str]:
    """Sizes of the grains of an image whose errors hold what another smoothing would have given, and words on that.

    Half the range from a smoothing of 1 / 1.4 to one of 1.4 times the chosen one is added to the standard errors in
    squares. Where the intercept grows with the smoothing nearly in proportion, the smoothing decides what a grain is.

    Args:
        image: (N, M) that `found` was found in. pixel: its size along y and x.
    """
    here = statistics(found.labels, pixel)
    values = np.asarray(image, float)
    fine, coarse = (
        statistics(_basins(values, found.smoothing * factor, found.grooves, found.depth), pixel)
        for factor in (1.0 / _OTHER, _OTHER)
    )

    def error(name: str, own: float) -> float:
        low, high = getattr(fine, name), getattr(coarse, name)
        return float(np.hypot(own, 0.5 * abs(high - low))) if np.isfinite([low, high]).all() else own

    slope = float(np.log(coarse.intercept / fine.intercept) / (2.0 * np.log(_OTHER)))
    words = f"error with half the range over smoothing / {_OTHER:g} to x {_OTHER:g}"
    if not slope < _DECIDES:
        words += ", which decides the size here (no plateau): choose it so that the edges drawn are those that you see"
    return here._replace(
        area_error=error("area", here.area_error),
        intercept_error=error("intercept", here.intercept_error),
        number_error=error("number", float(np.sqrt(here.number))),
        spread_error=error("spread", here.spread_error),
    ), words


def intercept(labels: I64, pixel: tuple[float, float]) -> tuple[float, float]:
    """Mean lineal intercept and its standard error, over test lines along both axes; NaN where nothing is crossed.

    Length on grains over the number of grains along it, those at the two ends of a line counted half. The error is from
    the numbers on lines that lie one intercept apart.
    """
    length, number = np.zeros(2), np.zeros(2)
    each: list[F64] = []
    for axis, step in enumerate((pixel[1], pixel[0])):
        lines = labels if axis == 0 else labels.T
        on = lines > 0
        first = np.ones((lines.shape[0], 1), bool)
        begins = on & np.concatenate([first, lines[:, 1:] != lines[:, :-1]], axis=1)
        runs = begins.sum(axis=1) - 0.5 * on[:, 0] - 0.5 * on[:, -1]
        each.append(runs.astype(float))
        length[axis], number[axis] = on.sum() * step, runs.sum()
    if not number.sum() > 0.0:
        return float("nan"), float("nan")
    found = float(length.sum() / number.sum())
    variance, total = 0.0, 0.0
    for runs, apart in zip(each, (pixel[0], pixel[1]), strict=True):
        chosen = runs[:: max(round(found / apart), 1)]
        if chosen.size > 1:
            variance += chosen.size * float(np.var(chosen, ddof=1))
            total += float(chosen.sum())
    # both directions cross the same grains: together they tell no more than one of them
    error = found * float(np.sqrt(2.0 * variance)) / total if total > 0.0 else float("nan")
    return found, error


# --- what is no grain ------------------------------------------------------------------------------------------------


def pinholes(image: F64, *, smoothing: float = 2.0) -> tuple[NDArray[np.bool_], float, str]:
    """Dark spots that are wider than the lines between grains.

    Args:
        image: (N, M) brightness. smoothing: standard deviation of the Gaussian before, pixels.

    Returns:
        Where they are (N, M), half the range of their share of the area over thresholds around the chosen one, and how
        they were found.
    """
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(np.asarray(image, float), smoothing)
    middle = float(np.median(smooth))
    spread = 1.4826 * float(np.median(np.abs(smooth - middle)))
    disc = _disc(_WIDE * smoothing)

    def dark(limit: float) -> NDArray[np.bool_]:
        return np.asarray(ndimage.binary_opening(smooth < middle - limit * spread, disc), bool)

    low, high = (float(dark(limit).mean()) for limit in _DARK_RANGE)
    words = (
        f"darker than the median by {_DARK:g} robust standard deviations of the image smoothed over "
        f"{smoothing:.3g} pixels, wider than {disc.shape[0]} pixels; error: half the range from "
        f"{_DARK_RANGE[0]:g} to {_DARK_RANGE[1]:g}"
    )
    return dark(_DARK), 0.5 * abs(low - high), words


def cut_banner(image: F64) -> int:
    """Rows of an image (N, M) above the banner that a microscope writes under it; all of them where there is none.

    A banner reaches the lower edge, and most of its rows have one value in most of their pixels, which no image of a
    surface has.
    """
    values = np.asarray(image, float)
    rows, columns = values.shape
    plain = np.zeros(rows, bool)
    for row in range(rows):
        _, counts = np.unique(values[row], return_counts=True)
        plain[row] = counts.max() >= _PLAIN * columns
    if plain.all() or not plain[-max(rows // 50, 1) :].any():
        return rows
    top = rows
    # the highest row from which on nearly all rows to the lower edge are plain
    for row in range(rows - 1, -1, -1):
        if plain[row] and plain[row:].mean() >= 0.8:
            top = row
        elif rows - row > 0.5 * rows:
            break
    return top
