"""Capacitance against frequency at one bias: where it steps, and by how much; arrays only.

Charges that follow slow signals and not fast ones (traps that empty, carriers that freeze out, ions) make a step. Its
place is the maximum of -f dC/df, at the rate that limits them: a trap's emission rate is 2 pi f there up to a factor of
order one that convention sets (T. Walter et al., J. Appl. Phys. 80, 4411 (1996), doi:10.1063/1.363401).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement.metrics import Metric, Metrics

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["analyse", "derivative"]

F64 = NDArray[np.float64]

#: decades of frequency that a parabola is laid through for the slope, and fewest points of it
_WIDTH, _FEWEST = 0.5, 5
#: a maximum counts as a step if it stands out by this part of the largest and this many standard errors
_STANDS, _SURE = 0.05, 5.0


def derivative(dataset: xr.Dataset) -> tuple[F64, F64, F64]:
    """Frequency (Hz, ascending), -f dC/df and its standard error, all (W,), of parabolas through half a decade.

    NaN where fewer than five points lie within it. Frequencies that are not above zero are left out.
    """
    frequency, c = _points(dataset)
    place = np.log(frequency)
    reach = 0.5 * _WIDTH * np.log(10.0)
    slope, spread, left, spare = (np.full(place.size, np.nan) for _ in range(4))
    for index, middle in enumerate(place):
        near = np.abs(place - middle) <= reach
        if near.sum() < _FEWEST:
            # half a decade of few points: the nearest ones instead
            near = np.zeros(place.size, bool)
            near[np.argsort(np.abs(place - middle), kind="stable")[:_FEWEST]] = True
        if near.sum() < _FEWEST or np.ptp(place[near]) > 4.0 * reach:
            continue
        x = place[near] - middle
        design = np.array([np.ones(x.size), x, x**2]).T
        pseudo = np.linalg.pinv(design)
        found = pseudo @ c[near]
        slope[index] = -found[1]
        spread[index] = float(np.sqrt(np.sum(pseudo[1] ** 2)))
        left[index] = float(np.sum((c[near] - design @ found) ** 2)) / float(np.mean(c[near])) ** 2
        spare[index] = x.size - 3
    # the noise of all parabolas together, as a part of the capacitance: one alone has few points
    noise = float(np.sqrt(np.nansum(left) / max(float(np.nansum(spare)), 1.0)))
    return frequency, slope, noise * np.abs(c) * spread


def _points(dataset: xr.Dataset) -> tuple[F64, F64]:
    """Frequencies above zero, ascending, and the capacitance; means where one was measured several times."""
    frequency, c = np.asarray(dataset["frequency"], float), np.asarray(dataset["capacitance"], float)
    good = (frequency > 0.0) & np.isfinite(c)
    grid, which = np.unique(frequency[good], return_inverse=True)
    return grid, np.bincount(which, weights=c[good]) / np.maximum(np.bincount(which), 1)


def analyse(dataset: xr.Dataset) -> Metrics:
    """The steps of a capacitance against frequency.

    Args:
        dataset: `capacitance` (frequency), F m^-2 or F of a whole device; `temperature` (K) among the attributes.

    Returns:
        `step_frequency` (Hz) of the largest step, the maximum of -f dC/df; `capacitance_step`, how much the capacitance
        falls between the minima of the derivative beside it, or the ends; `low_frequency_capacitance` and
        `high_frequency_capacitance` at the ends; `capacitance_steps`, how many maxima stand out. NaN, with the reason,
        where the derivative has no maximum within the frequencies.
    """
    from scipy.signal import find_peaks

    frequency, slope, error = derivative(dataset)
    unit = str(dataset["capacitance"].attrs.get("units", "F m-2"))
    c = _points(dataset)[1]
    if frequency.size == 0:
        nothing = Metric(np.nan, "Hz", "no point at a frequency above zero")
        return Metrics({"step_frequency": nothing, "capacitance_step": nothing._replace(unit=unit)})
    kelvin = dataset.attrs.get("temperature")
    at = f" at {float(kelvin):.4g} K" if kelvin is not None else ""
    known = np.flatnonzero(np.isfinite(slope))
    height, sigma = slope[known], error[known]
    largest = float(np.max(np.abs(height), initial=0.0))
    peaks, about = find_peaks(height, prominence=_STANDS * largest)
    sure = about["prominences"] > _SURE * sigma[peaks] if peaks.size else np.zeros(0, bool)
    peaks = peaks[sure]
    spread = _noise_of(c)
    found: dict[str, Metric] = {}
    if peaks.size:
        best = int(peaks[np.argmax(height[peaks])])
        place, place_error = _vertex(np.log(frequency[known]), height, sigma, best)
        low, high = _beside(height, peaks, best)
        words = f"maximum of -f dC/df{at}, slopes of parabolas through {_WIDTH:g} decades"
        found["step_frequency"] = Metric(np.exp(place), "Hz", words, _known(np.exp(place) * place_error))
        ends = known[low], known[high]
        found["capacitance_step"] = Metric(
            float(c[ends[0]] - c[ends[1]]),
            unit,
            f"fall from {frequency[ends[0]]:.3g} to {frequency[ends[1]]:.3g} Hz, where -f dC/df beside it is least",
            _known(np.hypot(spread[ends[0]], spread[ends[1]])),
        )
    else:
        why = "no step: -f dC/df has no maximum within the frequencies that stands out of its noise"
        found["step_frequency"] = Metric(np.nan, "Hz", why + at)
        found["capacitance_step"] = Metric(np.nan, unit, why + at)
    found["low_frequency_capacitance"] = Metric(
        float(c[0]), unit, f"at {frequency[0]:.3g} Hz", _known(spread[0])
    )
    found["high_frequency_capacitance"] = Metric(
        float(c[-1]), unit, f"at {frequency[-1]:.3g} Hz", _known(spread[-1])
    )
    found["capacitance_steps"] = Metric(
        float(peaks.size), "1", f"maxima of -f dC/df that stand out by {_STANDS:.0%} of the largest and "
        f"{_SURE:g} standard errors",
    )  # fmt: skip
    return Metrics(found)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _vertex(place: F64, height: F64, sigma: F64, best: int) -> tuple[float, float]:
    """Place (ln Hz) of a maximum by a parabola over its surroundings, and its standard error."""
    near = np.abs(place - place[best]) <= 0.5 * _WIDTH * np.log(10.0)
    if near.sum() < _FEWEST:
        near = np.zeros(place.size, bool)
        near[max(best - 2, 0) : best + 3] = True
    x = place[near] - place[best]
    if x.size < 3:
        return float(place[best]), float("nan")
    pseudo = np.linalg.pinv(np.array([np.ones(x.size), x, x**2]).T)
    _, b, a = pseudo @ height[near]
    if not a < 0.0:
        return float(place[best]), float(np.ptp(x))
    where = -b / (2.0 * a)
    # slopes share their points, so that neighbours err together: as one height each they would count too often
    by = -pseudo[1] / (2.0 * a) + b * pseudo[2] / (2.0 * a**2)
    error = float(np.sum(np.abs(by) * sigma[near]) / np.sqrt(2.0))
    return float(place[best] + np.clip(where, x.min(), x.max())), error


def _beside(height: F64, peaks: NDArray[np.int64], best: int) -> tuple[int, int]:
    """Indices of the lowest places between a maximum and its neighbours, or the ends."""
    before = int(max([0, *peaks[peaks < best]]))
    after = int(min([height.size - 1, *peaks[peaks > best]]))
    return before + int(np.argmin(height[before : best + 1])), best + int(np.argmin(height[best : after + 1]))


def _noise_of(c: F64) -> F64:
    """(W,) standard deviations of a capacitance about a smooth course, a part of it, by third differences."""
    if c.size < 8 or np.any(c <= 0.0):
        return np.full(c.size, np.nan)
    part = float(np.median(np.abs(np.diff(np.log(c), n=3)))) / 0.6745 / float(np.sqrt(20.0))
    return part * c
