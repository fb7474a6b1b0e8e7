"""Models of a luminescence decay fitted to counted photons, by their Poisson likelihood.

    counted = histogram(time, counts)
    best = chosen([fit(counted, "one"), fit(counted, "two"), fit(counted, "pairs")])

Least squares through the logarithms of counts give the tail, where few counts are, as much to say as the peak, and
cannot take a zero; the likelihood of what was counted needs neither weights nor a choice of them (T. A. Laurence, B. A.
Chromy, Nat. Methods 7, 338 (2010), doi:10.1038/nmeth0510-338). The fits here climb it by Fisher's scoring, and their
errors are those of its curvature.

Models, with t from the onset: "one" and "two" exponentials; "pairs", n^2 of dn/dt = -n / tau - k n^2, what two kinds of
carriers as many as each other radiate:

    A (e^(-t / tau) / (1 + beta (1 - e^(-t / tau))))^2,     beta = k n(0) tau.

All have a constant background. Where pulses come again before the light is gone, the tails of those before are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

__all__ = [
    "Fit",
    "Histogram",
    "chosen",
    "fit",
    "histogram",
]

F64 = NDArray[np.float64]
#: light at times from the onset (s), mean over bins of a width (s)
_Light = Callable[[F64, Any], F64]

#: bins are put together until they are this part of the time since the onset: of no account to what is fitted
_GROUP = 0.02
#: groups of the bins before the pulse, and fewest bins there that tell a background
_BEFORE, _FEW = 20, 5
#: counts in the fullest bin, or in as many as are looked at together, that make it sure
_SURE = 100.0
#: times may be rounded by this part of the longest
_DIGITS = 6e-3
#: bins left out before the rise, as far as they may belong to it
_GUARD = 2
#: earlier pulses whose tails are added, at most, where they are no geometric series
_PULSES = 15
#: steps of a fit at most; it ends where one gains less of the deviance than could ever be told
_ITERATIONS, _CLOSE = 80, 1e-5


@dataclass(frozen=True)
class Histogram:
    """Photons counted in T bins of one width.

    Attributes:
        time: (T,) middle of each bin, s. counts: (T,). width: of a bin, s.
        peak: index of the fullest bin. onset: time at which the rise has reached half of it, s.
        before: number of the first bins that hold only what was there before the pulse.
        level: counts a bin before the pulse; NaN where too few bins tell.
        shift: what was added to counts whose background had been subtracted (see `histogram`).
        background: counts a bin, where it is known apart; else None. period: between pulses, s, or None.
        response: (T,) of the instrument, its sum 1, or None.
    """

    time: F64
    counts: F64
    width: float
    peak: int
    onset: float
    before: int
    level: float
    shift: float = 0.0
    background: float | None = None
    period: float | None = None
    response: F64 | None = None


def histogram(
    time: F64,
    counts: F64,
    *,
    background: float | None = None,
    period: float | None = None,
    response: F64 | None = None,
) -> Histogram:
    """Find where a decay begins in a histogram.

    Counts below zero have had their background subtracted, which takes the zero of the counting statistics away. What
    makes the variance of the bins before the pulse, or else of the last ones, equal to their mean again is added, and
    kept as `shift`.

    Args:
        time: (T,) s, evenly spaced but for rounding. counts: (T,).
        background: counts a bin, if known apart. period: between pulses, s, if known.
        response: (T,) of the instrument to the pulse alone, on the same clock.

    Raises:
        InputError: bins of several widths, no decay, or counts below zero that cannot be mended.
    """
    good = np.isfinite(time) & np.isfinite(counts)
    time, counts = np.asarray(time, float)[good], np.asarray(counts, float)[good]
    if response is not None:
        response = np.nan_to_num(np.asarray(response, float)[good])
        if not response.sum() > 0.0:
            raise InputError(
                "the instrument's response is empty.", "Leave it out, or give its counts.", key="response"
            )
        response = response / response.sum()
    if time.size < 10:
        raise InputError(f"{time.size} bins are no decay.", "Give ten bins at least.", key="counts")
    number = np.arange(time.size)
    width, begin = (float(one) for one in np.polyfit(number, time, 1))
    even = np.asarray(begin + width * number, dtype=np.float64)
    # times written with three digits are off by half a percent
    if not width > 0.0 or np.abs(time - even).max() > max(0.1 * width, _DIGITS * float(np.abs(time).max())):
        raise InputError(
            "the bins of this decay are not of one width, so that their counts cannot be compared.",
            "Give the histogram as it was counted, in time from first to last bin.",
            key="time",
        )
    counts, shift = _counted(counts)
    # bins of a few counts are looked at together: half of the peak must lie beyond chance
    together = 1
    smooth = counts
    while smooth.max() * together < _SURE and together < time.size // 50:
        together *= 2
        smooth = np.convolve(counts, np.full(together, 1.0 / together), "same")
    peak = int(np.argmax(smooth))
    if not smooth[peak] > 0.0 or peak > time.size - 8:
        raise InputError(
            "there is no decay after the fullest bin.",
            "Give the counts of all bins, the decay included.",
            key="counts",
        )
    low = float(np.mean(smooth[: max(peak // 2, 1)])) if peak >= _FEW else 0.0
    half = 0.5 * (low + smooth[peak])
    # back from the peak: the last bin below half is where it rose
    below = np.flatnonzero(smooth[:peak] < half)
    if below.size:
        i = int(below[-1])
        onset = float(even[i] + width * (half - smooth[i]) / (smooth[i + 1] - smooth[i]))
        quiet = np.flatnonzero(smooth[: i + 1] <= low + 4.0 * np.sqrt((low + 1.0 / together) / together))
        before = max(int(quiet[-1]) + 1 - _GUARD - (together if together > 1 else 0), 0) if quiet.size else 0
    else:
        # the file begins at the peak
        onset, before = float(even[peak]) - 0.5 * width, 0
    if together > 1:
        # what rises within the bins that were put together is no part of the decay
        peak = min(peak + together // 2, time.size - 9)
    before = before if before >= _FEW else 0
    level = float(counts[:before].mean()) if before else np.nan
    if period is not None and not period >= 0.98 * (even[-1] - even[0]):
        raise InputError(
            f"pulses {period:.3g} s apart, and {even[-1] - even[0]:.3g} s between the first bin and the last.",
            "Give the time from one pulse to the next, which no histogram is longer than.",
            key="period",
        )
    return Histogram(even, counts, width, peak, onset, before, level, shift, background, period, response)


def _counted(counts: F64) -> tuple[F64, float]:
    """Counts that are none below zero, and what was added to them."""
    if not counts.min() < 0.0:
        return counts, 0.0
    peak = int(np.argmax(counts))
    quiet = counts[: max(peak * 9 // 10, 0)]
    if quiet.size < 30:
        # no bins before the pulse: the last ones, whose light is no longer seen
        quiet = counts[-max((counts.size - peak) // 10, 1) :]
    if quiet.size < 30 or quiet.mean() > 3.0 * quiet.std():
        raise InputError(
            "there are counts below zero: a background was subtracted, and too few bins without light tell which.",
            "Give the counts as they were counted; the background is found by the fit.",
            key="counts",
        )
    shift = max(float(quiet.var() - quiet.mean()), -float(counts.min()))
    return counts + shift, shift


# --- models ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """A model at the greatest likelihood.

    Attributes:
        kind: "one", "two" or "pairs".
        values: (P,) parameters: for each exponential amplitude (counts a bin at the onset) and lifetime (s), the fast
            one first; of "pairs" amplitude, lifetime of carriers (s), beta; then the background (counts a bin).
        covariance: (P, P), zero where a parameter is held.
        deviance: of the grouped counts, and degrees: how much of it is chance's.
        bic, aic: Bayes' and Akaike's criterion, differences of which count.
        model: (T,) counts a bin that it expects in all bins.
    """

    kind: str
    values: F64
    covariance: F64
    deviance: float
    degrees: int
    bic: float
    aic: float
    model: F64 = field(repr=False)

    def derived(self, function: Callable[[F64], Any]) -> tuple[float, float]:
        """A number that follows from the parameters, and its standard error."""
        value = float(function(self.values))
        slope = np.zeros(self.values.size)
        for i, own in enumerate(self.values):
            step = 1e-5 * (abs(float(own)) or 1.0)
            up, down = self.values.copy(), self.values.copy()
            up[i] += step
            down[i] -= step
            slope[i] = (function(up) - function(down)) / (2.0 * step)
        return value, float(np.sqrt(max(float(slope @ self.covariance @ slope), 0.0)))

    @property
    def excess(self) -> float:
        """By how many standard deviations the deviance is above what chance makes."""
        return (self.deviance - self.degrees) / np.sqrt(2.0 * self.degrees)


def _shape(kind: str, own: F64, period: float | None, t: F64, width: F64 | float) -> F64:
    """Light at times t (s) after the onset, mean over bins of a width; (T,). Without a period zero before the onset.

    Args:
        kind: of the model. own: lifetime (s), of "pairs" beta too. period: between pulses, s, whose tails are added.
    """
    after = np.where(t >= 0.0, t, np.inf)
    if kind == "pairs":
        made = _pair(own, after)
        for m in range(1, 1 if period is None else _PULSES):
            more = _pair(own, t + m * (period or 0.0))
            made = made + more
            if not more.max() > 1e-9 * made.max():
                break
        return made
    x = np.minimum(0.5 * np.asarray(width) / own[0], 30.0)
    mean = np.where(x > 1e-4, np.sinh(x) / np.maximum(x, 1e-300), 1.0)
    made = np.exp(-after / own[0])
    if period is not None:
        # all earlier pulses: a geometric series
        made = made + np.exp(-np.maximum(t + period, 0.0) / own[0]) / -np.expm1(-period / own[0])
    return np.asarray(made * mean)


def _pair(own: F64, t: F64) -> F64:
    """n^2 of pairs (see this module) at times from their pulse, s."""
    fall = np.exp(-np.maximum(t, 0.0) / own[0])
    return np.asarray((fall / (1.0 + own[1] * (1.0 - fall))) ** 2)


@dataclass(frozen=True)
class _Grouped:
    """The counts that are fitted: sums over groups of neighbouring bins.

    Attributes:
        counts: (G,). bins: (G,) in each. time: (G,) middle of each from the onset, s.
        first: (G,) index of the first bin of each; `inside`: which bins belong to any.
        total: number of bins in all.
    """

    counts: F64
    bins: F64
    time: F64
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    counted: Histogram

    @property
    def total(self) -> float:
        return float(self.bins.sum())

    @cached_property
    def _response(self) -> NDArray[np.complex128]:
        """The transform of the response."""
        assert self.counted.response is not None
        return np.fft.rfft(self.counted.response, 1 << int(np.ceil(np.log2(3 * self.counted.time.size))))

    def expected(self, shape: _Light) -> F64:
        """(G,) counts that a shape of unit amplitude makes in each group.

        shape: light at times from the onset (s), mean over a width (s).
        """
        if self.counted.response is None:
            return shape(self.time, self.bins * self.counted.width) * self.bins
        return np.asarray(np.add.reduceat(self.whole(shape), self.first))

    def whole(self, shape: _Light) -> F64:
        """(T,) counts that a shape makes in every bin."""
        counted = self.counted
        size, width = counted.time.size, counted.width
        if counted.response is None:
            return shape(counted.time - counted.onset, width)
        # lags of one bin to another; negative ones hold the tails of earlier pulses
        first = 0 if counted.period is None else size - 1
        kernel = shape(width * np.arange(-first, size, dtype=np.float64), 0.0)
        # a bin of the response lights its own bin from the middle on; every shape begins with one
        kernel[first] -= 0.5
        length = 1 << int(np.ceil(np.log2(3 * size)))
        made = np.fft.irfft(self._response * np.fft.rfft(kernel, length), length)
        return np.maximum(made[first : first + size], 0.0)


def _grouped(counted: Histogram, until: float = np.inf) -> _Grouped:
    """Bins of the fit in groups: before the pulse a few, after the peak ever longer ones; all where the response is
    known.
    """
    size = counted.time.size
    edges: list[tuple[int, int]] = []
    if counted.response is not None:
        step = max(1, size // 4096)
        edges = [(i, min(i + step, size)) for i in range(0, size, step)]
    else:
        if counted.before:
            cuts = np.unique(np.linspace(0, counted.before, _BEFORE + 1).astype(int))
            edges = list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
        # the fullest bin is full by chance as well: what follows it is not chosen so
        i = counted.peak + 1
        while i < size and counted.time[i] - counted.onset <= until:
            since = counted.time[i] - counted.onset
            n = min(max(1, int(_GROUP * since / counted.width)), size - i)
            edges.append((i, i + n))
            i += n
    first, last = np.array(edges).T
    sums = np.concatenate([[0.0], np.cumsum(counted.counts)])
    middle = 0.5 * (counted.time[first] + counted.time[last - 1]) - counted.onset
    return _Grouped(sums[last] - sums[first], (last - first).astype(float), middle, first, last, counted)


def fit(counted: Histogram, kind: str, until: float = np.inf) -> Fit:
    """The greatest likelihood of a model.

    Args:
        counted: from `histogram`. kind: "one", "two" or "pairs" (see this module).
        until: s after the onset; later bins are left out, but for those of a histogram with a response.

    Raises:
        InputError: there is no such model, or nothing decays.
    """
    starts = {"one": ((1.0,),), "two": ((0.3, 2.0), (0.1, 1.2), (0.5, 4.0)), "pairs": ((2.0,), (8.0,))}
    if kind not in starts:
        raise InputError(f'there is no model "{kind}".', 'Choose "one", "two" or "pairs".')
    groups = _grouped(counted, until)
    level = counted.background if counted.background is not None else counted.level
    level = level if np.isfinite(level) else float(np.quantile(counted.counts[counted.peak :], 0.02))
    tail = np.maximum(counted.counts[counted.peak :] - level, 0.0)
    since = counted.time[counted.peak :] - counted.onset
    if not tail.sum() > 0.0:
        raise InputError(
            "nothing decays above the background.", "Give the counts of the decay.", key="counts"
        )
    # mean arrival, less what the noise of an empty tail makes it
    cut = int(np.argmax(np.cumsum(tail) > 0.98 * tail.sum())) + 1
    typical = max(float(tail[:cut] @ since[:cut] / tail[:cut].sum()), counted.width)
    height = max(float(tail[0]), 0.1 * float(tail.max()))
    held = counted.background is not None
    made = [_climb(groups, kind, _start(kind, one, typical, height, level), held) for one in starts[kind]]
    theta, deviance, covariance = min(made, key=lambda one: one[1])
    return _told(groups, kind, theta, deviance, covariance, held)


def _start(kind: str, parts: Sequence[float], typical: float, height: float, level: float) -> F64:
    """A first guess in the numbers that are climbed: logarithms, but for the background."""
    if kind == "pairs":
        return np.array([np.log(height), np.log(parts[0] * typical), np.log(parts[0]), level])
    each = [(np.log(height / len(parts)), np.log(part * typical)) for part in parts]
    return np.array([*np.ravel(each), level])


def _curve(kind: str, theta: F64, period: float | None) -> list[tuple[float, _Light]]:
    """Amplitudes and shapes of a model's terms."""
    own = np.exp(np.clip(theta[:-1], -200.0, 200.0))
    if kind == "pairs":
        return [(float(own[0]), partial(_shape, kind, own[1:3], period))]
    return [(float(own[i]), partial(_shape, kind, own[i + 1 : i + 2], period)) for i in range(0, own.size, 2)]


def _climb(groups: _Grouped, kind: str, theta: F64, held: bool) -> tuple[F64, float, F64]:
    """Fisher's scoring, damped after Levenberg: parameters, deviance and covariance there."""

    def expected(at: F64) -> F64:
        light = sum(
            amplitude * groups.expected(shape) for amplitude, shape in _curve(kind, at, groups.counted.period)
        )
        return np.asarray(light + at[-1] * groups.bins)

    counts = groups.counts
    with np.errstate(all="ignore"):
        logs = np.where(counts > 0.0, counts * np.log(counts), 0.0)

        def deviance(mu: F64) -> float:
            if not np.all(np.isfinite(mu)) or mu.min() < 0.0 or np.any((mu == 0.0) & (counts > 0.0)):
                return np.inf
            safe = np.maximum(mu, 1e-300)
            return float(2.0 * np.sum(mu - counts + logs - counts * np.log(safe)))

        free = np.ones(theta.size, bool)
        free[-1] = not held
        now = expected(theta)
        best, damping = deviance(now), 1e-2
        information = np.eye(theta.size)
        for _ in range(_ITERATIONS):
            slopes = np.empty((counts.size, theta.size))
            slopes[:, -1] = groups.bins
            for i in range(theta.size - 1):
                up, down = theta.copy(), theta.copy()
                up[i] += 1e-5
                down[i] -= 1e-5
                slopes[:, i] = (expected(up) - expected(down)) / 2e-5
            safe = np.maximum(now, 1e-12 * now.max())
            information = slopes.T @ (slopes / safe[:, None])
            gradient = slopes.T @ ((counts - now) / safe)
            # a background that would fall below zero stays there
            free[-1] = not held and (theta[-1] > 0.0 or gradient[-1] > 0.0)
            ix = np.ix_(free, free)
            size = np.diag(information[ix]) + 1e-30
            while damping < 1e12:
                step = np.zeros(theta.size)
                step[free] = np.linalg.solve(information[ix] + damping * np.diag(size), gradient[free])
                step[:-1] = np.clip(step[:-1], -1.0, 1.0)
                trial = theta + step
                trial[-1] = max(trial[-1], 0.0)
                made = expected(trial)
                there = deviance(made)
                if there <= best:
                    break
                damping *= 5.0
            else:
                break
            gain = best - there
            theta, now, best = trial, made, there
            if gain < _CLOSE + 1e-12 * best and damping < 1.0:
                break
            damping = max(damping / 5.0, 1e-9)
        covariance = np.zeros((theta.size, theta.size))
        covariance[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)], hermitian=True)
    return theta, best, covariance


def _told(groups: _Grouped, kind: str, theta: F64, deviance: float, covariance: F64, held: bool) -> Fit:
    """The model in the numbers that people read."""
    values = np.append(np.exp(theta[:-1]), theta[-1])
    scale = np.append(values[:-1], 1.0)
    covariance = covariance * scale[:, None] * scale
    if kind == "two" and values[1] > values[3]:
        order = np.array([2, 3, 0, 1, 4])
        values, covariance = values[order], covariance[np.ix_(order, order)]
    count = theta.size - held
    model = (
        sum(a * groups.whole(shape) for a, shape in _curve(kind, theta, groups.counted.period)) + theta[-1]
    )
    return Fit(
        kind,
        values,
        covariance,
        deviance,
        max(groups.counts.size - count, 1),
        deviance + count * float(np.log(groups.total)),
        deviance + 2.0 * count,
        np.asarray(model),
    )


def chosen(fits: Sequence[Fit]) -> Fit:
    """The one that Bayes' criterion prefers: a further parameter has to earn the logarithm of the number of bins."""
    return min(fits, key=lambda one: one.bic)
