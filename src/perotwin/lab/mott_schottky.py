"""The part of a Mott-Schottky plot that shows a doping, and why; arrays only.

In a depletion layer 1 / C^2 is a straight line in the voltage that reaches zero well above the voltages at which it is
read. Two other things look like one over a short range. A layer that is depleted throughout is a plate capacitor: its
line meets zero at no voltage that a cell can have, or the depletion layer would be as wide as the layer. Carriers that
are injected raise the capacitance exponentially: the line meets zero a few kT/q above the place where it is read, and
what it reads is a measure of the thickness. So a window counts that is straight, longer than the exponential
is, ends well before its line meets zero, and asks for no more width and no less doping than the layer has room for; of
these the longest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Window", "steepest", "window"]

F64 = NDArray[np.float64]

_Q, _KB, _EPS0 = 1.602176634e-19, 1.380649e-23, 8.8541878128e-12
#: fewest points of a window, and its least span in kT/q
_FEWEST, _SPAN = 5, 4.0
#: kT/q by which a window must end before its line meets zero: the steepest part of an injection, whose carriers need
#: twice kT/q for a factor e, meets it 3 kT/q above its middle
_BEFORE = 4.0
#: misfit of a straight window, as a part of what 1 / C^2 changes over it: the least of these that a window of half the
#: length of the longest one keeps to; and in standard deviations of the noise
_STRAIGHT, _NOISE = (0.001, 0.003, 0.01), 1.5
#: part that 1 / C^2 must change by over a window, where the thickness does not tell a plate capacitor from it
_CHANGE = 0.25
#: V at which a line meets zero at most, where the gap is not told
_HIGHEST = 3.0
#: part of the layer that a depletion layer may take
_DEPLETED = 0.95
#: edges of windows that are tried
_EDGES = 90
#: standard errors by which the slopes of both halves must differ to be said, and to count in the uncertainty
_BENT = 3.0


@dataclass(frozen=True)
class Window:
    """A line through 1 / C^2, or why there is none.

    Attributes:
        slope: F^-2 m^4 V^-1, negative. intercept: V, where it meets zero. NaN where there is no window.
        slope_error, intercept_error: standard errors, with half the difference of both halves where it is significant.
        low, high: V, its ends. points: how many.
        words: why this one; or why none.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float
    low: float
    high: float
    points: int
    words: str


def window(
    voltage: F64,
    capacitance: F64,
    *,
    permittivity: float = np.nan,
    thickness: float = np.nan,
    temperature: float = 298.15,
    gap: float = np.nan,
    least: float = 10.0,
) -> Window:
    """The longest part of 1 / C^2 that a depletion layer makes.

    Args:
        voltage: (K,) V. capacitance: (K,) F m^-2, or F of a whole device.
        permittivity: relative, thickness: m; NaN where they are not known: what needs them is then not asked.
        temperature: K. gap: eV, of the absorber.
        least: times N_min = 27 kT eps / (4 q^2 d^2) that a doping must exceed.
    """
    keep = np.isfinite(capacitance) & (capacitance > 0.0) & np.isfinite(voltage)
    order = np.argsort(voltage[keep], kind="stable")
    x, c = voltage[keep][order], capacitance[keep][order]
    if x.size < _FEWEST:
        return _none(f"{x.size} points are too few for a line")
    thermal = _KB * temperature / _Q
    y = c**-2.0
    noise = _noise(c)
    eps = _EPS0 * permittivity
    edges = np.unique(np.linspace(0, x.size - 1, min(x.size, _EDGES)).round().astype(int))
    first, last = (grid.ravel() for grid in np.meshgrid(edges, edges, indexing="ij"))
    wide = (last - first >= _FEWEST - 1) & (x[last] - x[first] >= _SPAN * thermal)
    first, last = first[wide], last[wide]
    if not first.size:
        return _none(f"no {_FEWEST} points span {_SPAN:g} kT/q, {1e3 * _SPAN * thermal:.0f} mV")
    slope, intercept, misfit = _lines(x, y, first, last)
    with np.errstate(all="ignore"):
        change = np.abs(slope) * (x[last] - x[first]) / (y[first] + y[last]) * 2.0
        # noise of C counts twice in C^-2
        straight = misfit <= np.maximum(_STRAIGHT[-1] * change, _NOISE * 2.0 * noise)
        # a slope within the noise is none
        falls = (slope < 0.0) & (change > 6.0 * misfit / np.sqrt(last - first + 1.0)) & (change > 1e-9)
        highest = gap if np.isfinite(gap) else _HIGHEST
        meets = (intercept <= highest) & ((change >= _CHANGE) | np.isfinite(eps * thickness))
        before = intercept - x[last] >= _BEFORE * thermal
        density = -2.0 / (_Q * eps * slope)
        limit = 27.0 / 4.0 * thermal * eps / (_Q * thickness**2)
        enough = ~(density < least * limit)
        narrow = ~(eps / c[first] > _DEPLETED * thickness)
    good = straight & falls & meets & before & enough & narrow
    if not good.any():
        return _none(_why(falls, straight, meets & narrow, before & enough, density, limit, least))
    span = np.where(good, x[last] - x[first], -1.0)
    for part in _STRAIGHT:
        better = (misfit <= np.maximum(part * change, _NOISE * 2.0 * noise)) & (span >= 0.5 * span.max())
        if better.any():
            span = np.where(better, span, -1.0)
            break
    best = int(np.argmax(span))
    return _line(x, y, int(first[best]), int(last[best]), thermal)


def _none(words: str) -> Window:
    nan = float("nan")
    return Window(nan, nan, nan, nan, nan, nan, 0, words)


def _why(
    falls: NDArray[np.bool_],
    straight: NDArray[np.bool_],
    plates: NDArray[np.bool_],
    injected: NDArray[np.bool_],
    density: F64,
    limit: float,
    least: float,
) -> str:
    """Why no window counts."""
    if not falls.any():
        return "no doping: 1/C^2 falls nowhere by more than its noise; the capacitance is geometric"
    lines = falls & straight
    tail = ""
    if np.isfinite(density[falls]).any():
        tail = f"; its steepest part would read {float(np.nanmin(density[falls])) * 1e-6:.1e} cm^-3"
        if np.isfinite(limit):
            tail += (
                f", and an undoped layer of this thickness shows {limit * 1e-6:.1e} cm^-3 or a few times that"
            )
    one_of_both = (lines & plates & ~injected) | (lines & injected & ~plates)
    if not one_of_both.any():
        kind = "no part of 1/C^2 is straight for longer than an injection is"
    elif not (lines & plates).any():
        kind = "the straight part is that of a plate capacitor (it meets zero at no voltage of a cell, or asks for "
        kind += "more width than the layer has)"
    else:
        kind = "what falls is the injection of carriers (it meets zero within a few kT/q, or reads less than "
        kind += f"{least:g} times what the thickness alone shows)"
    return f"no doping: the capacitance is geometric until carriers are injected; {kind}{tail}"


def _noise(c: F64) -> float:
    """Relative standard deviation of a capacitance about a smooth course, by third differences."""
    if c.size < 8:
        return 0.0
    third = np.diff(np.log(c), n=3)
    # differences of a smooth course of few points are no noise: half of them lie below the median
    return float(np.median(np.abs(third))) / 0.6745 / np.sqrt(20.0)


def _lines(x: F64, y: F64, first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[F64, F64, F64]:
    """Slopes, intercepts with zero and relative misfits of lines from point to point, equal relative errors of C."""
    middle = float(x.mean())
    weight = y**-2.0 / np.max(y**-2.0)
    along = x - middle
    rows = np.array(
        [weight, weight * along, weight * y, weight * along**2, weight * along * y, weight * y**2]
    )
    sums = np.concatenate([np.zeros((6, 1)), np.cumsum(rows, axis=1)], axis=1)
    w, wx, wy, wxx, wxy, wyy = sums[:, last + 1] - sums[:, first]
    with np.errstate(all="ignore"):
        sxx, sxy, syy = wxx - wx**2 / w, wxy - wx * wy / w, wyy - wy**2 / w
        slope = sxy / sxx
        left = np.maximum(syy - slope * sxy, 0.0)
        zero = middle + wx / w - wy / w / slope
        # weights are y^-2 but for a factor
        misfit = np.sqrt(left * np.max(y**-2.0) / (last - first + 1.0))
    return slope, zero, misfit


def _line(x: F64, y: F64, first: int, last: int, thermal: float) -> Window:
    """The line of a window, with its errors."""
    a, b = x[first : last + 1], y[first : last + 1]
    slope, zero, error, zero_error, left = _weighted(a, b)
    words = (
        f"longest straight part of 1/C^2, {a[0]:.2f} to {a[-1]:.2f} V ({a.size} points, misfit "
        f"{left * abs(b.mean()) / max(abs(slope) * np.ptp(a), 1e-300):.1%} of its change); it ends "
        f"{zero - a[-1]:.2f} V before it meets zero, {(zero - a[-1]) / thermal:.0f} kT/q"
    )
    half = a.size // 2
    if half >= 4:
        lower, upper = _weighted(a[:half], b[:half]), _weighted(a[half:], b[half:])
        apart = abs(lower[0] - upper[0])
        if apart > _BENT * np.hypot(lower[2], upper[2]):
            error = float(np.hypot(error, 0.5 * apart))
            zero_error = float(np.hypot(zero_error, 0.5 * abs(lower[1] - upper[1])))
            words += f"; its halves differ by {apart / abs(slope):.1%}, half of which is in the uncertainty"
    return Window(slope, zero, error, zero_error, float(a[0]), float(a[-1]), a.size, words)


def _weighted(x: F64, y: F64) -> tuple[float, float, float, float, float]:
    """Slope, where it meets zero, their standard errors, and the relative misfit; equal relative errors of y."""
    middle = float(np.average(x, weights=y**-2.0))
    design = np.array([np.ones(x.size), x - middle]).T / y[:, None]
    found, *_ = np.linalg.lstsq(design, np.ones(x.size), rcond=None)
    left = 1.0 - design @ found
    variance = float(left @ left) / max(x.size - 2, 1)
    covariance = np.linalg.inv(design.T @ design) * variance
    height, slope = float(found[0]), float(found[1])
    by = np.array([-1.0 / slope, height / slope**2])
    return (
        slope,
        middle - height / slope,
        float(np.sqrt(covariance[1, 1])),
        float(np.sqrt(by @ covariance @ by)),
        float(np.sqrt(float(left @ left) / x.size)),
    )


def steepest(voltage: F64, capacitance: F64) -> tuple[float, float, float]:
    """Steepest fall of 1 / C^2 (F^-2 m^4) with the voltage, by lines through five neighbouring points.

    Returns:
        Slope (F^-2 m^4 V^-1, negative), where that line meets zero (V), and the voltage of its middle; NaN where
        1 / C^2 falls nowhere or fewer than five points are known.
    """
    keep = np.isfinite(capacitance) & (capacitance > 0.0)
    order = np.argsort(voltage[keep], kind="stable")
    x, y = voltage[keep][order], 1.0 / capacitance[keep][order] ** 2
    if x.size < 5:
        return np.nan, np.nan, np.nan
    windows_x: F64 = np.lib.stride_tricks.sliding_window_view(x, 5)
    windows_y: F64 = np.lib.stride_tricks.sliding_window_view(y, 5)
    dx = windows_x - windows_x.mean(axis=1, keepdims=True)
    slopes = (dx * windows_y).sum(axis=1) / (dx**2).sum(axis=1)
    best = int(np.argmin(slopes))
    slope = float(slopes[best])
    middle, height = float(windows_x[best].mean()), float(windows_y[best].mean())
    # a plateau falls by rounding only
    if not -slope * float(np.ptp(windows_x[best])) > 1e-9 * height:
        return np.nan, np.nan, np.nan
    return slope, middle - height / slope, middle
