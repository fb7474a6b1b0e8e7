"""Heights of a map after its tilt, its bow or the offsets of its lines are taken out, and how rough it then is.

    flat = plane(height)
    roughness(flat, (pixel, pixel)).sq

Sq and Sa are those of ISO 25178-2: root mean square and mean magnitude of the heights about their mean. They depend on
what was taken out before, so that a number without its levelling says nothing: the median of each line takes real
waviness along with the drift of the instrument.

A map of area A holds A / integral(rho^2) independent heights, where rho is its autocorrelation; with the kurtosis k of
the heights the relative standard error of Sq is sqrt((k - 1) / n) / 2 (k = 3 for Gaussian heights, where a square of
the height is correlated as rho^2). What is longer than the map is not in it and in no error either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

__all__ = [
    "WAYS",
    "Roughness",
    "autocorrelation",
    "error_of_the_mean",
    "lines",
    "pixel_noise",
    "plane",
    "polynomial",
    "roughness",
]

F64 = NDArray[np.float64]

#: where the autocorrelation has fallen to this, ISO 25178-2 reads the autocorrelation length
_FALLEN = 0.2
_MOST_DEGREE = 8


def plane(height: F64) -> F64:
    """A map (N, M) less the plane of least squares through its finite pixels; its mean is then zero."""
    return polynomial(height, 1)


def polynomial(height: F64, degree: int) -> F64:
    """A map (N, M) less the polynomial x^i y^j, i + j <= `degree`, of least squares through its finite pixels.

    Raises:
        InputError: the degree is none from 0 to 8, or the map has fewer pixels than the polynomial terms.
    """
    if not 0 <= degree <= _MOST_DEGREE:
        raise InputError(
            f"a map is not levelled by a polynomial of degree {degree}.",
            f"Give a degree from 0 to {_MOST_DEGREE}; 1 is a plane.",
            key="degree",
        )
    values = _map(height)
    y, x = (np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1) for count in values.shape)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    known = np.isfinite(values)
    if known.sum() < len(powers):
        raise InputError(
            f"{int(known.sum())} pixels cannot fix a polynomial of {len(powers)} terms.",
            "Give a larger map or a lower degree.",
            key="degree",
        )
    terms = np.array([np.outer(y**j, x**i) for i, j in powers])
    inside = terms[:, known]
    # the normal equations of so few terms on [-1, 1] lose no digits that a map has
    weights = np.linalg.lstsq(inside @ inside.T, inside @ values[known], rcond=None)[0]
    return np.asarray(values - np.tensordot(weights, terms, axes=1))


def lines(height: F64) -> F64:
    """A map (lines, pixels) less the median of each line, and then less its mean."""
    values = _map(height)
    empty = ~np.isfinite(values).any(axis=1)
    middle = np.zeros(values.shape[0])
    middle[~empty] = np.nanmedian(values[~empty], axis=1)
    left = values - middle[:, None]
    return np.asarray(left - np.nanmean(left))


def _bare(height: F64) -> F64:
    values = _map(height)
    return np.asarray(values - np.nanmean(values))


#: what can be taken out of a map, by name; "none" is its mean alone
WAYS: dict[str, Callable[[F64], F64]] = {
    "none": _bare,
    "plane": plane,
    "lines": lines,
    "polynomial": lambda height: polynomial(height, 2),
}


def _map(height: F64) -> F64:
    values = np.asarray(height, float)
    if values.ndim != 2 or not np.isfinite(values).any():
        raise InputError(
            f"a map has two axes and at least one pixel with a value; this one has {values.ndim} axes and "
            f"{int(np.isfinite(values).sum())} such pixels.",
            "Give values over (y, x).",
        )
    # what is infinite is no height either
    return np.where(np.isfinite(values), values, np.nan)


# --- statistics ------------------------------------------------------------------------------------------------------


class Roughness(NamedTuple):
    """Of a levelled map: `sq`, `sa`, `sz` (highest less lowest) in the map's unit, the `length` over which heights
    are alike (unit of the pixel; NaN where it is longer than half the map), the number of independent `heights`, and
    the standard errors of `sq` and `sa` that follow.
    """

    sq: float
    sa: float
    sz: float
    length: float
    heights: float
    sq_error: float
    sa_error: float


def roughness(flat: F64, pixel: tuple[float, float]) -> Roughness:
    """Sq, Sa and Sz (ISO 25178-2) of a levelled map, with standard errors.

    Args:
        flat: (N, M) heights about zero; pixels without a value are left out. pixel: along y and along x.
    """
    known = np.isfinite(flat)
    values = flat[known] - flat[known].mean()
    square = float(np.mean(values**2))
    sq, sa, sz = float(np.sqrt(square)), float(np.mean(np.abs(values))), float(np.ptp(values))
    if not square > 0.0:
        return Roughness(0.0, 0.0, 0.0, float("nan"), float(values.size), 0.0, 0.0)
    correlation = autocorrelation(flat)
    within, length = _reach(correlation, pixel)
    heights = max(known.sum() / max(float(np.sum(correlation[within] ** 2)), 1.0), 1.0)
    kurtosis = float(np.mean(values**4)) / square**2
    sq_error = 0.5 * sq * float(np.sqrt(max(kurtosis - 1.0, 0.0) / heights))
    sa_error = float(np.std(np.abs(values))) / float(np.sqrt(heights))
    return Roughness(sq, sa, sz, length, heights, sq_error, sa_error)


def error_of_the_mean(values: F64, pixel: tuple[float, float]) -> tuple[float, float]:
    """Standard error of the mean of a map (N, M) whose pixels are alike over some length, and how many of them count.

    The error is s / sqrt(n) with n = A / integral(rho); the autocorrelation is taken to its first zero.
    """
    known = np.isfinite(values)
    spread = float(np.std(values[known]))
    if not spread > 0.0:
        return 0.0, float(known.sum())
    correlation = autocorrelation(values)
    within, _ = _reach(correlation, pixel)
    count = max(float(known.sum()) / max(float(np.sum(correlation[within])), 1.0), 1.0)
    # what the mean of the map takes out of its own spread and correlation
    return spread / float(np.sqrt(max(count - 1.0, 1.0))), count


def autocorrelation(values: F64) -> F64:
    """Of a map (N, M): (N // 2 * 2 + 1, M // 2 * 2 + 1) correlation at lags up to half the map, one in the middle.

    Each lag is the mean over the pairs of pixels that have values.
    """
    from scipy import fft

    known = np.isfinite(values)
    filled = np.where(known, values - values[known].mean(), 0.0)
    shape = [fft.next_fast_len(3 * count // 2 + 1, real=True) for count in filled.shape]

    def lags(one: F64) -> F64:
        spectrum = fft.rfft2(one, shape)
        return np.asarray(fft.irfft2(np.abs(spectrum) ** 2, shape))

    pairs = np.maximum(lags(known.astype(float)), 0.5)
    whole = lags(filled) / pairs
    half = [count // 2 for count in filled.shape]
    rows, columns = (np.arange(-reach, reach + 1) for reach in half)
    return np.asarray(whole[np.ix_(rows, columns)] / whole[0, 0])


def _reach(correlation: F64, pixel: tuple[float, float]) -> tuple[NDArray[np.bool_], float]:
    """Lags within the first zero of the mean over all directions, and the lag at which that mean has fallen to 0.2."""
    rows, columns = correlation.shape
    y = (np.arange(rows) - rows // 2) * pixel[0]
    x = (np.arange(columns) - columns // 2) * pixel[1]
    distance = np.hypot(y[:, None], x[None, :])
    step = max(pixel)
    furthest = min(rows // 2 * pixel[0], columns // 2 * pixel[1])
    ring = np.rint(distance / step).astype(int)
    counts = np.bincount(ring.ravel())
    mean = np.bincount(ring.ravel(), correlation.ravel()) / np.maximum(counts, 1)
    mean = mean[: max(int(furthest / step), 1) + 1]
    crossed = np.flatnonzero(mean <= 0.0)
    limit = (float(crossed[0]) if crossed.size else float(mean.size)) * step
    fallen = np.flatnonzero(mean <= _FALLEN)
    length = float("nan")
    if fallen.size:
        after = int(fallen[0])
        length = step * (after - 1 + (mean[after - 1] - _FALLEN) / (mean[after - 1] - mean[after]))
    return distance < max(limit - 0.5 * step, 0.5 * step), float(length)


def pixel_noise(values: F64) -> float:
    """Standard deviation of what changes from pixel to pixel along the lines of a map (N, M), M >= 4; NaN below.

    The autocovariance along a line at lags of one and two pixels, continued to lag zero as a parabola, is what varies
    smoothly; the rest of the variance is noise. The third differences of the lines, which a smooth surface does not
    reach, say the same of noise that is stronger: (d3)^2 = 20 s^2.
    """
    if values.shape[1] < 4:
        return float("nan")
    third = np.diff(values, n=3, axis=1)
    third = third[np.isfinite(third)]
    return float(np.sqrt(np.mean(third**2) / 20.0)) if third.size else float("nan")
