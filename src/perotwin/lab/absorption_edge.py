"""Readings of an absorption edge from an optical depth against the photon energy.

seen = Spectrum(energy, depth, error, True, ())
steep = derivative(seen)                        # the steepest place
line = tauc(seen.energy, seen.depth, (1.82, 1.95))
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError

__all__ = ["Edge", "Spectrum", "derivative", "step_with_tail", "tauc", "tauc_range"]

F64 = NDArray[np.float64]

#: eV: what the derivative is smoothed over, its grid, and what lies between a film's edge and its baseline
_SMOOTH, _GRID, _BELOW = 0.03, 1e-3, 0.15
#: eV: widths of the ranges of a Tauc line, and how far above the steepest place they end
_WIDTHS, _REACH = (0.05, 0.08, 0.12, 0.18, 0.25), 0.45
#: squared correlation that makes a line straight; eV above the steepest place that are still the edge; least slope of
#: other lines over that of the one that counts
_STRAIGHT, _AT_EDGE, _RISING = 0.995, 0.10, 0.5
#: eV: what the step with its tail is fitted over, about the steepest place, and other ranges, whose spread is part of
#: the error; model error as a part of the depth
_RANGES, _MISFIT = ((-0.30, 0.05), (-0.20, 0.05), (-0.30, 0.03), (-0.20, 0.03)), 0.02
#: draws of noise behind an error, with a seed of their own
_DRAWS, _SEED = 40, 20


@dataclass(frozen=True)
class Edge:
    """A reading: value (eV unless said), its error, the range (eV) that it was read from, and how."""

    value: float
    error: float
    window: tuple[float, float]
    how: str


@dataclass(frozen=True)
class Spectrum:
    """Optical depth of a film.

    energy : (E,) ascending, eV. depth, error : (E,), alpha d and its standard deviation by noise.
    reflectance_known : whether reflected light was taken out. told : what was left out, in words.
    """

    energy: F64
    depth: F64
    error: F64
    reflectance_known: bool
    told: tuple[str, ...]

    def baseline(self, gap: float) -> Edge:
        """Mean depth more than 0.15 eV below the edge (without dimension): reflection, scattering, the substrate."""
        low = self.energy < gap - _BELOW
        if int(low.sum()) < 5:
            return Edge(math.nan, math.nan, (math.nan, math.nan), "nothing was measured far below the edge")
        value = float(np.mean(self.depth[low]))
        error = float(np.std(self.depth[low]))
        window = float(self.energy[low][0]), float(self.energy[low][-1])
        how = (
            f"mean depth from {window[0]:.2f} to {window[1]:.2f} eV, where the film is clear, and its spread"
        )
        return Edge(value, error, window, how)


def _steepest(energy: F64, depth: F64) -> float:
    """Energy (eV) of the lowest marked maximum of the slope of a depth (E,)."""
    from scipy.signal import savgol_filter

    grid = np.arange(energy[0], energy[-1], _GRID)
    if grid.size < 40:
        return math.nan
    points = round(_SMOOTH / _GRID) | 1
    slope = savgol_filter(np.interp(grid, energy, depth), points, 2, deriv=1, delta=_GRID)
    # at both ends the filter is one-sided
    inner = slice(points // 2, grid.size - points // 2)
    slope, grid = slope[inner], grid[inner]
    if not slope.max() > 0.0:
        return math.nan
    high = slope > 0.4 * slope.max()
    first = int(np.argmax(high))
    last = first + (int(np.argmax(~high[first:])) or high.size - first)
    top = first + int(np.argmax(slope[first:last]))
    if grid[top] > energy[-1] - 2.0 * _SMOOTH:
        # still steeper where no light passes any more: the edge lies beyond
        return math.nan
    if top == 0:
        return float(grid[top])
    left, middle, right = slope[top - 1 : top + 2]
    bend = left - 2.0 * middle + right
    return float(grid[top] + (0.5 * (left - right) / bend * _GRID if bend < 0.0 else 0.0))


def derivative(seen: Spectrum) -> Edge:
    """The steepest place of the optical depth, smoothed over 30 meV; of several the lowest that is marked.

    Its error is that of 40 draws of the noise, and a tenth of the distance between points as what the grid leaves open.
    """
    value = _steepest(seen.energy, seen.depth)
    chance = np.random.default_rng(_SEED)
    draws = [
        _steepest(seen.energy, seen.depth + seen.error * chance.standard_normal(seen.depth.size))
        for _ in range(_DRAWS)
    ]
    near = int(np.argmin(np.abs(seen.energy - value))) if math.isfinite(value) else 0
    grid = float(np.gradient(seen.energy)[near])
    # half of what holds 68 % of the draws: one that finds another rise altogether does not decide
    low, high = np.nanquantile(draws, [0.16, 0.84]) if np.isfinite(draws).any() else (math.nan, math.nan)
    error = math.hypot(0.5 * float(high - low), 0.1 * grid)
    window = float(seen.energy[0]), float(seen.energy[-1])
    how = (
        f"energy of the steepest rise of alpha d, smoothed over {1e3 * _SMOOTH:.0f} meV"
        if math.isfinite(value)
        else "alpha d rises nowhere, or ever faster up to where no light passes any more (too thick a film)"
    )
    return Edge(value, error, window, how)


def tauc(energy: ArrayLike, depth: ArrayLike, window: tuple[float, float]) -> Edge:
    """Direct gap (eV): where a line through (alpha d E)^2 over a range meets zero.

    Args:
        energy, depth: (E,), eV and alpha d (or alpha in any unit). window: eV.

    Raises:
        InputError: fewer than three points in the range, or a line that does not rise.
    """
    e, d = np.asarray(energy, float), np.asarray(depth, float)
    inside = (e >= window[0] - 1e-12) & (e <= window[1] + 1e-12)
    if int(inside.sum()) < 3:
        raise InputError(
            f"{int(inside.sum())} points lie between {window[0]:g} and {window[1]:g} eV.",
            "Give a wider range.",
            key="window",
        )
    gap, error, *_ = _line(e[inside], (d[inside] * e[inside]) ** 2)
    if not math.isfinite(gap):
        raise InputError(
            f"(alpha E)^2 does not rise from {window[0]:g} to {window[1]:g} eV.",
            "Give a range above the edge.",
            key="window",
        )
    return Edge(gap, error, window, f"direct, (alpha d E)^2, line from {window[0]:.3f} to {window[1]:.3f} eV")


def _line(x: F64, y: F64) -> tuple[float, float, float, float]:
    """Where a line meets zero, the standard error of that, the squared correlation and the slope."""
    middle = float(x.mean())
    u = x - middle
    square = float(u @ u)
    slope, level = float(u @ y) / square, float(y.mean())
    left = y - level - slope * u
    total = float(((y - level) ** 2).sum())
    if not (slope > 0.0 and total > 0.0):
        return math.nan, math.nan, 0.0, 0.0
    variance = float(left @ left) / max(x.size - 2, 1)
    error = math.sqrt(variance / x.size + variance / square * (level / slope) ** 2) / slope
    return middle - level / slope, error, 1.0 - float(left @ left) / total, slope


class _Range(NamedTuple):
    """A range of a Tauc line: squared correlation, width (eV), intercept and its error (eV), start (eV), slope."""

    straight: float
    width: float
    gap: float
    error: float
    start: float
    slope: float


def tauc_range(seen: Spectrum, near: float) -> Edge:
    """The Tauc line over the straightest range above the edge, with the spread over all ranges that are straight.

    Ranges of 50 to 250 meV that begin at the steepest place or above and end within 0.45 eV of it. Those are straight
    whose squared correlation reaches 0.995. Of those that begin within 0.1 eV the straightest counts, of equal ones
    the widest; farther up other transitions add. The error is half of the spread of the intercepts of all that rise
    half to twice as fast, and the standard error of the line.

    Args:
        near: the steepest place, eV.
    """
    none = (math.nan, math.nan)
    if not math.isfinite(near):
        return Edge(math.nan, math.nan, none, "(alpha d E)^2: no steepest place to begin at")
    e, y = seen.energy, (seen.depth * seen.energy) ** 2
    found: list[_Range] = []
    for width in _WIDTHS:
        starts = e[(e >= near) & (e <= near + _REACH - width)]
        for start in starts[:: max(1, starts.size // 40)]:
            inside = (e >= start) & (e <= start + width)
            if int(inside.sum()) < 5 or e[inside][-1] - e[inside][0] < 0.8 * width:
                continue
            gap, error, straight, slope = _line(e[inside], y[inside])
            if math.isfinite(gap):
                found.append(_Range(straight, width, gap, error, float(start), slope))
    good = [one for one in found if one.straight >= _STRAIGHT]
    if not good:
        best = f" (squared correlation {max(one.straight for one in found):.3f} at best)" if found else ""
        how = f"(alpha d E)^2: no range of 50 meV or more above the edge is straight{best}"
        return Edge(math.nan, math.nan, none, how)
    at_edge = [one for one in good if one.start <= near + _AT_EDGE] or good
    best_one = max(at_edge, key=lambda one: (round(one.straight, 4), one.width))
    good = [one for one in good if _RISING <= one.slope / best_one.slope <= 1.0 / _RISING]
    low, high = min(one.gap for one in good), max(one.gap for one in good)
    window = best_one.start, best_one.start + best_one.width
    how = (
        f"direct, (alpha d E)^2, line from {window[0]:.3f} to {window[1]:.3f} eV; {len(good)} ranges as straight "
        f"(squared correlation {_STRAIGHT} or more) up to {near + _REACH:.2f} eV give {low:.3f} to {high:.3f} eV"
    )
    return Edge(best_one.gap, math.hypot(0.5 * (high - low), best_one.error), window, how)


def _step(energy: F64, gap: float, urbach: float, height: float) -> F64:
    """alpha E of a square root above the gap that an exponential tail takes over from, level and slope continuous.

    Both agree half an Urbach energy above the gap.
    """
    join = gap + 0.5 * urbach
    tail = math.sqrt(0.5 * urbach) * np.exp(np.minimum((energy - join) / urbach, 0.0))
    return np.asarray(height * np.where(energy >= join, np.sqrt(np.maximum(energy - gap, 0.0)), tail))


def step_with_tail(seen: Spectrum, near: float) -> tuple[Edge, Edge]:
    """Gap of a square-root step with an exponential tail over a baseline, and the tail's Urbach energy, eV.

    The baseline is level or tilted, as glass and interference make it, over four ranges each: values are the means of
    these fits, errors half of their spread and the error of a fit, so that they hold what the model leaves open. The
    tail
    counts only where it spans a decade at least: from where it takes over down to three times the noise and ripple of
    the baseline; otherwise its energy is NaN, and the method says how much was seen.

    Args:
        near: the steepest place, eV.
    """
    tried = (
        [_fit_step(seen, near, *reach, tilted) for reach in _RANGES for tilted in (False, True)]
        if math.isfinite(near)
        else []
    )
    fits = [one for one in tried if one is not None and one.gap_error < 0.1 and one.urbach_error < one.urbach]
    if len(fits) < 2:
        words = "too few points about the edge for a step with its tail, or no end of its fit"
        nothing = Edge(math.nan, math.nan, (math.nan, math.nan), words)
        return nothing, nothing
    first = _Fit(*(float(np.mean([one[index] for one in fits])) for index in range(len(_Fit._fields))))
    spread = [0.5 * float(np.ptp([getattr(one, name) for one in fits])) for name in ("gap", "urbach")]
    window = near + _RANGES[0][0], near + _RANGES[0][1]
    how = (
        f"square root with exponential tail, {window[0]:.2f} to {window[1]:.2f} eV, mean of {len(fits)} fits, level "
        f"and tilted baselines, chi^2 {first.reduced:.2g}"
    )
    step = Edge(first.gap, math.hypot(first.gap_error, spread[0]), window, how)
    join = first.gap + 0.5 * first.urbach
    start = float(_step(np.array([join]), first.gap, first.urbach, first.height)[0]) / join
    low = (seen.energy >= window[0]) & (seen.energy < first.gap - 4.0 * first.urbach)
    quiet = (
        float(np.median(seen.error[seen.energy < near]))
        if np.any(seen.energy < near)
        else float(seen.error[0])
    )
    floor = 3.0 * max(float(np.std(seen.depth[low])) if int(low.sum()) > 5 else 0.0, quiet)
    decades = math.log10(start / floor) if start > floor else 0.0
    # and no farther than was measured and fitted
    decades = min(decades, (join - max(window[0], float(seen.energy[0]))) / (first.urbach * math.log(10.0)))
    reach = (join - first.urbach * math.log(10.0) * decades, join)
    if decades < 1.0:
        words = f"the tail is seen over {decades:.1f} decades above the noise and ripple of the baseline: one is needed"
        return step, Edge(math.nan, math.nan, reach, words)
    words = f"exponential from {reach[0]:.3f} to {reach[1]:.3f} eV, {decades:.1f} decades; {how}"
    return step, Edge(first.urbach, math.hypot(first.urbach_error, spread[1]), reach, words)


class _Fit(NamedTuple):
    """A fitted step: gap and Urbach energy (eV) with their errors, height, chi^2 per degree of freedom."""

    gap: float
    gap_error: float
    urbach: float
    urbach_error: float
    height: float
    reduced: float


def _fit_step(seen: Spectrum, near: float, below: float, above: float, tilted: bool) -> _Fit | None:
    """A step with its tail over one range about an edge (eV); None without an end or with too few points."""
    inside = (seen.energy >= near + below) & (seen.energy <= near + above)
    if int(inside.sum()) < 14:
        return None
    import lmfit

    e, d, noise = seen.energy[inside], seen.depth[inside], seen.error[inside]
    weight = 1.0 / np.hypot(noise, _MISFIT * np.abs(d))
    top = float(np.interp(near + above, seen.energy, seen.depth))
    parameters = lmfit.Parameters()
    parameters.add("gap", value=near, min=near - 0.15, max=near + 0.10)
    parameters.add("urbach", value=0.02, min=0.003, max=0.2)
    parameters.add("height", value=max(top, 1e-3) * near / math.sqrt(above), min=0.0)
    parameters.add("base", value=float(np.median(d[: max(3, d.size // 6)])))
    parameters.add("tilt", value=0.0, vary=tilted)

    def residual(values: Any) -> F64:
        made = _step(e, values["gap"].value, values["urbach"].value, values["height"].value) / e
        below_it = values["base"].value + values["tilt"].value * (e - near)
        return np.asarray((made + below_it - d) * weight)

    done = lmfit.minimize(residual, parameters, method="leastsq")
    gap, urbach = done.params["gap"], done.params["urbach"]
    if gap.stderr is None or urbach.stderr is None:
        return None
    return _Fit(
        float(gap.value), float(gap.stderr), float(urbach.value), float(urbach.stderr),
        float(done.params["height"].value), float(done.redchi),
    )  # fmt: skip
