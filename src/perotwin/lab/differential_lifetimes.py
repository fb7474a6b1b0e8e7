"""The lifetime along a decay, read without a model of it: in each stretch an exponential of greatest likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from perotwin.lab.decay_fits import Histogram

__all__ = ["Curve", "differential_lifetime", "late_lifetime", "one_over_e"]

F64 = NDArray[np.float64]

#: a window of the differential lifetime grows until its statistical error is this part, and it is given up above that
_WANTED, _MOST = 0.05, 0.25
#: and until the light has fallen by this part of itself at least: slopes over less are those of rounding
_FALL = 0.05


@dataclass(frozen=True)
class Curve:
    """Differential lifetime along a decay. W windows.

    Attributes:
        time: (W,) from the onset, s. lifetime: (W,) -(d ln phi / dt)^-1, s. error: (W,) of the counts, s.
        level: (W,) light in the window over its peak.
    """

    time: F64
    lifetime: F64
    error: F64
    level: F64


def differential_lifetime(
    counted: Histogram, background: float, order: float = 1.0, spread: float = 0.0
) -> Curve:
    """The lifetime that each stretch of a decay has by itself: an exponential of greatest likelihood in each.

    Windows grow until the counts in them tell the slope; the curve ends where they no longer do.

    Args:
        counted: from `histogram`. background: counts a bin.
        order: power of the carriers' density with which the light goes: -order (d ln phi / dt)^-1 is then the lifetime
            of carriers, 2 where both kinds are as many, 1 where one is far more (T. Kirchartz et al., Adv. Energy
            Mater. 10, 1904134 (2020), doi:10.1002/aenm.201904134).
        spread: standard error of the background, which every window shares; part of the errors.
    """
    counts, width = counted.counts, counted.width
    sums = np.concatenate([[0.0], np.cumsum(counts)])
    top = max(counts[counted.peak] - background, 1e-300)
    rows: list[tuple[float, float, float, float]] = []
    i, size = counted.peak, counts.size
    while i < size - 3:
        n = 4
        found = None
        while i + n <= size:
            total = float(sums[i + n] - sums[i])
            net = total - n * background
            half = n // 2
            early, late = (
                float(sums[i + half] - sums[i]) - half * background,
                float(sums[i + n] - sums[i + n - half]) - half * background,
            )
            if late > 0.0 and early > late:
                tau = (n - half) * width / np.log(early / late)
                # of a slope through n bins of counts that are mostly alike
                error = tau * np.sqrt(12.0 * max(total, 1e-300)) / max(net, 1e-300) / (n * width)
                if (error <= _WANTED and early > (1.0 + _FALL) * late) or i + n == size:
                    found = _slope(counts[i : i + n], width, background)
                    break
            if i + n == size:
                break
            n = min(max(n + 1, int(1.15 * n)), size - i)
        if found is None:
            break
        tau, error, height = found
        if spread > 0.0 and np.isfinite(tau):
            other = _slope(counts[i : i + n], width, background + spread)[0]
            error = float(np.hypot(error, tau - other)) if np.isfinite(other) else np.inf
        if np.isfinite(tau) and tau > 0.0 and error <= _MOST * tau:
            middle = counted.time[i] + 0.5 * (n - 1) * width - counted.onset
            rows.append((middle, order * tau, order * error, height / top))
        i += n
    table = np.array(rows).reshape(-1, 4)
    return Curve(table[:, 0], table[:, 1], table[:, 2], table[:, 3])


def _slope(counts: F64, width: float, background: float) -> tuple[float, float, float]:
    """Lifetime (s) of one exponential on a known background, its error, and its mean height in the window."""
    t = (np.arange(counts.size) - 0.5 * (counts.size - 1)) * width
    half = counts.size // 2
    early = max(float(counts[:half].mean()) - background, 1e-12)
    late = max(float(counts[-half:].mean()) - background, 1e-12)
    rate = float(np.log(early / late)) / ((counts.size - half) * width)
    height = max(float(counts.mean()) - background, 1e-12)
    rate *= width * counts.size
    for _ in range(60):
        u = t / (width * counts.size)
        light = height * np.exp(np.clip(-rate * u, -700.0, 700.0))
        mu = light + background
        slopes = np.stack([light, -u * light], axis=1)
        information = slopes.T @ (slopes / mu[:, None])
        step = np.linalg.lstsq(information, slopes.T @ (counts / mu - 1.0), rcond=None)[0]
        step = np.clip(step, -1.0, 1.0)
        height *= float(np.exp(step[0]))
        rate += float(step[1])
        if np.abs(step).max() < 1e-10:
            break
    variance = np.linalg.pinv(information, hermitian=True)[1, 1]
    if rate == 0.0:
        return np.inf, np.inf, height
    span = width * counts.size
    return span / rate, float(np.sqrt(variance)) * span / rate**2, height


def late_lifetime(curve: Curve) -> tuple[float, float, float]:
    """The lifetime (s) at the end of a curve, its error, and the level (part of the peak) that it was read at.

    It is the weighted mean of the windows in the last decade of light; NaN without any.
    """
    if not curve.time.size:
        return np.nan, np.nan, np.nan
    last = curve.level <= 10.0 * curve.level[-1]
    rate = 1.0 / curve.lifetime[last]
    weight = (1.0 / np.maximum(curve.error[last] * rate**2, 1e-300)) ** 2
    mean = float(weight @ rate / weight.sum())
    return 1.0 / mean, float(1.0 / np.sqrt(weight.sum())) / mean**2, float(curve.level[-1])


def one_over_e(counted: Histogram, background: float) -> tuple[float, float]:
    """Time (s) from the fullest bin until 1/e of it above the background, and its error; NaN where that is not seen."""
    net = counted.counts[counted.peak :] - background
    goal = float(np.exp(-1.0)) * net[0]
    below = np.flatnonzero(net < goal)
    if not below.size or not net[0] > 0.0:
        return np.nan, np.nan
    i = int(below[0])
    part = (net[i - 1] - goal) / (net[i - 1] - net[i])
    # slope over some bins about the crossing
    reach = max(1, i // 4)
    first, last = max(i - reach, 0), min(i + reach, net.size - 1)
    fall = max((net[first] - net[last]) / ((last - first) * counted.width), 1e-300)
    noise = np.sqrt(max(goal + background, 0.0) + (goal / net[0]) ** 2 * counted.counts[counted.peak])
    return float((i - 1 + part) * counted.width), float(noise / fall)
