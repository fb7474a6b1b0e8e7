"""How a power or an efficiency falls over hours: its upper envelope, what curve it follows, and when a fifth is lost.

    trace = envelope(time, power)                  # bins, the upper tenth of each: a tracker that hunts reads low
    fits = fit(trace.time, trace.value)            # one and two exponentials, logarithm, line, by AICc
    fits[0].lifetime(0.8)                          # T80 with its 95 % interval; beyond the data an extrapolation

Readings of one device follow each other: what a curve leaves is correlated, and intervals that take it for independent
are too narrow (95 % intervals hold the truth in 44 % at a correlation of 0.8). Here what is left follows a first-order
autoregression, whose correlation comes from the restricted likelihood with the curve (D. A. Harville, J. Am. Stat.
Assoc. 72, 320 (1977), doi:10.1080/01621459.1977.10480998), and curves are fitted to the whitened data. AICc: C. M.
Hurvich, C.-L. Tsai, Biometrika 76, 297 (1989), doi:10.1093/biomet/76.2.297. T80 and its kin as agreed in the community
(ISOS): M. V. Khenkin et al., Nat. Energy 5, 35 (2020), doi:10.1038/s41560-019-0529-5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

__all__ = [
    "FEWEST",
    "MODELS",
    "SHORTEST",
    "Envelope",
    "Fit",
    "Lifetime",
    "crossing",
    "envelope",
    "fit",
    "refuse_short",
    "span",
]

F64 = NDArray[np.float64]

#: a trace that lasts less than this (s) shows light soaking, ions and the start of the tracker, not ageing
SHORTEST = 3600.0
#: points that a bin should hold, and bins that a trace should have
_IN_BIN, _BINS = 12, 150
#: fewest for a fit
FEWEST = 8
#: part of the points of a bin, from the top, whose mean its value is
_UPPER = 0.1
#: correlations that are tried
_CORRELATIONS = np.concatenate([np.linspace(-0.5, 0.8, 14), [0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99]])


@dataclass(frozen=True)
class Envelope:
    """The upper envelope of a trace, B bins that hold points.

    Attributes:
        time: (B,) s, mean of the points that count. value: (B,). count: (B,) points of each bin.
        width: of the bins, s. words: how it was made.
    """

    time: F64
    value: F64
    count: NDArray[np.int64]
    width: float
    words: str


def refuse_short(time: F64, what: str = "trace") -> None:
    """Raise `InputError` where a trace is too short for any statement about degradation."""
    length = float(np.ptp(time)) if time.size > 1 else 0.0
    if length < SHORTEST:
        raise InputError(
            f"this {what} lasts {span(length)}: too short for any statement about degradation. In its first hour a "
            "cell shows light soaking, the settling of ions and the start of the tracker.",
            "Track for hours; what a short trace tells is the stabilised power.",
            key="time",
        )


def span(seconds: float) -> str:
    """A time (s) in words: "183 s", "5 min", "69.2 h"."""
    if seconds < 120.0:
        return f"{seconds:.3g} s"
    return f"{seconds / 60.0:.3g} min" if seconds < 7200.0 else f"{seconds / 3600.0:.4g} h"


def envelope(time: F64, value: F64, width: float | None = None, part: float = _UPPER) -> Envelope:
    """The upper envelope of a trace: its mean over the best points of each bin.

    A tracker that hunts, a probe and a cloud read too low and never too high.

    Args:
        time: (T,) s, in any order. value: (T,) a power or an efficiency. NaN are left out.
        width: of a bin, s; chosen so that a bin holds about twelve points unless said.
        part: of the points of a bin, from the top, that count; at least one.

    Raises:
        InputError: fewer than two points, or a part that is none.
    """
    if not 0.0 < part <= 1.0:
        raise InputError(
            f"a part of {part:g} of the points is none.", "Give more than 0 and at most 1.", key="part"
        )
    good = np.isfinite(time) & np.isfinite(value)
    order = np.argsort(time[good], kind="stable")
    t, v = np.asarray(time, float)[good][order], np.asarray(value, float)[good][order]
    length = float(t[-1] - t[0]) if t.size > 1 else 0.0
    if not length > 0.0:
        raise InputError(
            f"this trace has {t.size} points at one time.", "Give a trace over time.", key="time"
        )
    if width is None:
        width = length / float(np.clip(t.size // _IN_BIN, 1, _BINS))
        width = _round(width)
    bins = np.floor((t - t[0]) / width + 1e-9).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, np.diff(bins) > 0])
    times, values, counts = [], [], []
    for low, high in zip(starts, np.r_[starts[1:], t.size], strict=True):
        count = high - low
        keep = max(1, round(part * count))
        best = low + np.argsort(v[low:high], kind="stable")[count - keep :]
        # the middle of all: which of its points is the best is a matter of chance
        times.append(float(t[low:high].mean()))
        values.append(float(v[best].mean()))
        counts.append(count)
    words = f"upper {part:.0%} of each bin of {span(width)}, {np.mean(counts):.3g} points a bin"
    return Envelope(np.array(times), np.array(values), np.array(counts, dtype=np.int64), width, words)


def _round(width: float) -> float:
    """The nearest width that people would give: 1, 2 or 5 of a power of ten, of seconds, minutes or hours."""
    unit = 3600.0 if width >= 1800.0 else 60.0 if width >= 30.0 else 1.0
    power = 10.0 ** np.floor(np.log10(width / unit))
    near = np.array([1.0, 2.0, 5.0, 10.0]) * power * unit
    return float(near[np.argmin(np.abs(np.log(near / width)))])


def crossing(time: F64, value: F64, level: float) -> float:
    """Time (s) at which a trace falls below a level for good: the last crossing, by a straight line between points.

    NaN where it never does, or does not stay below to the end of the data.
    """
    above = np.flatnonzero(value >= level)
    if above.size == 0 or above[-1] == value.size - 1:
        return float("nan")
    last = int(above[-1])
    share = (value[last] - level) / (value[last] - value[last + 1])
    return float(time[last] + share * (time[last + 1] - time[last]))


# --- curves ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A curve that is linear in its amplitudes, once its times are given.

    Attributes:
        name: what people call it. times: how many times it has.
        columns: (N, A) of moments (N,) and times, s. start: first guesses of the times, of the length of the trace.
    """

    name: str
    times: int
    columns: Callable[[F64, F64], F64]
    start: tuple[tuple[float, ...], ...]


def _exponentials(time: F64, tau: F64) -> F64:
    return np.exp(-time[:, None] / tau)


def _logarithm(time: F64, tau: F64) -> F64:
    return np.array([np.ones(time.size), np.log1p(time / tau[0])]).T


def _straight(time: F64, tau: F64) -> F64:
    return np.array([np.ones(time.size), time]).T


MODELS = (
    Model("single exponential", 1, _exponentials, ((0.5,), (3.0,))),
    Model("double exponential", 2, _exponentials, ((0.1, 2.0), (0.02, 3.0), (0.3, 10.0))),
    Model("logarithm", 1, _logarithm, ((0.01,), (0.3,))),
    Model("straight line", 0, _straight, ((),)),
)


@dataclass(frozen=True)
class Lifetime:
    """When a part of the first value is left.

    Attributes:
        value: s; inf where the curve never falls so far. low, high: s, ends of the interval.
        extrapolated: whether it lies beyond the data.
        words: model, interval and what is to be minded.
    """

    value: float
    low: float
    high: float
    extrapolated: bool
    words: str


@dataclass(frozen=True)
class Fit:
    """A curve that was fitted.

    Attributes:
        model: its name. aicc: smaller is better. times: (P,) s. amplitudes: (A,).
        sigma: standard deviation of what is left. correlation: of neighbours in what is left, a bin apart.
        spare: degrees of freedom, as many as the correlation leaves.
        covariance: (P + A, P + A) of the logarithms of the times and of the amplitudes.
        length: s, of the data.
    """

    model: str
    aicc: float
    times: F64
    amplitudes: F64
    sigma: float
    correlation: float
    spare: float
    covariance: F64
    length: float
    _model: Model = field(repr=False)

    def at(self, time: F64 | float) -> F64:
        """The curve at (N,) s after the first moment."""
        grid = np.atleast_1d(np.asarray(time, float))
        return self._model.columns(grid, self.times) @ self.amplitudes

    def _moment(self, numbers: F64, part: float, of: float | None) -> float:
        """When the curve of these numbers (logarithms of times, amplitudes) has fallen to a part; inf if never."""
        count = self.times.size
        tau, amplitude = np.exp(numbers[:count]), numbers[count:]

        def curve(time: float) -> float:
            return float((self._model.columns(np.array([time]), tau) @ amplitude)[0])

        level = part * (curve(0.0) if of is None else of)
        high = self.length
        while curve(high) > level:
            high *= 2.0
            if high > 1e6 * self.length:
                return float("inf")
        if curve(0.0) <= level:
            return 0.0
        from scipy.optimize import brentq

        return float(brentq(lambda time: curve(time) - level, 0.0, high, xtol=1e-9 * high))

    def lifetime(self, part: float = 0.8, confidence: float = 0.95) -> Lifetime:
        """When a part of what the curve begins with is left, with an interval from correlated noise.

        Args:
            part: 0.8 for T80. confidence: that the interval holds the truth, if the curve is the right one.
        """
        from scipy.stats import t as student

        numbers = np.concatenate([np.log(self.times), self.amplitudes])
        value = self._moment(numbers, part, None)
        words = (
            f"{self.model} through the envelope, noise correlated by {self.correlation:.2f} from bin to bin"
        )
        if not 0.0 < value < np.inf:
            return Lifetime(value, np.nan, np.nan, True, f"{words}; it never falls to {part:.0%}")
        slopes = np.zeros(numbers.size)
        for index in range(numbers.size):
            step = np.zeros(numbers.size)
            step[index] = 1e-4 * max(float(np.sqrt(self.covariance[index, index])), 1e-9)
            above, below = (self._moment(numbers + sign * step, part, None) for sign in (1.0, -1.0))
            if not (np.isfinite(above) and np.isfinite(below)):
                return Lifetime(value, np.nan, np.nan, value > self.length, f"{words}; its error has no end")
            slopes[index] = float(np.log(above / below)) / (2.0 * float(step[index]))
        error = float(np.sqrt(max(float(slopes @ self.covariance @ slopes), 0.0)))
        reach = float(student.ppf(0.5 + 0.5 * confidence, max(self.spare, 1.0))) * error
        beyond = value > self.length
        words += f"; {confidence:.0%} interval if that curve is the right one"
        if beyond:
            words += f"; an extrapolation, {value / self.length:.2g} times the {span(self.length)} of data"
        with np.errstate(over="ignore"):
            return Lifetime(value, value * float(np.exp(-reach)), value * float(np.exp(reach)), beyond, words)


def fit(time: F64, value: F64, models: tuple[Model, ...] = MODELS) -> list[Fit]:
    """Curves fitted to an envelope, the likeliest first.

    Args:
        time: (N,) s, ascending; the first one is the start. value: (N,).
        models: that are tried.

    Raises:
        InputError: too short a trace, or fewer than eight points.
    """
    refuse_short(time)
    if time.size < FEWEST:
        raise InputError(
            f"{time.size} points are too few to tell one curve from another.",
            f"Give {FEWEST} or more; smaller bins make more.",
            key="time",
        )
    since = np.asarray(time, float) - float(time[0])
    found = [
        made for model in models if (made := _fitted(model, since, np.asarray(value, float))) is not None
    ]
    return sorted(found, key=lambda one: one.aicc)


def _whitened(rows: F64, gaps: F64, correlation: float) -> tuple[F64, float]:
    """Rows (N, K) without the correlation of neighbours, and the logarithm of the determinant of what did it.

    gaps : (N - 1,) steps of time over the usual one; over two steps a correlation is squared.
    """
    if correlation == 0.0:
        return rows, 0.0
    along = np.sign(correlation) * np.abs(correlation) ** gaps
    left = np.sqrt(1.0 - along**2)[:, None]
    white = np.concatenate([rows[:1], (rows[1:] - along[:, None] * rows[:-1]) / left])
    return white, float(np.sum(np.log(left)))


def _fitted(model: Model, time: F64, value: F64) -> Fit | None:
    """A model fitted at the correlation that the restricted likelihood prefers."""
    from scipy.optimize import least_squares, minimize_scalar

    length, count = float(time[-1]), time.size
    gaps = np.diff(time) / float(np.median(np.diff(time)))
    scale = float(np.max(np.abs(value))) or 1.0
    data = value / scale
    numbers = model.times + model.columns(time[:1], np.ones(max(model.times, 1))).shape[1]
    if count < numbers + 3:
        return None

    def amplitudes(times: F64, correlation: float) -> tuple[F64, F64, F64]:
        """Amplitudes, whitened columns and what is left."""
        columns = model.columns(time, np.exp(times))
        white, _ = _whitened(np.column_stack([columns, data]), gaps, correlation)
        a, b = white[:, :-1], white[:, -1]
        found, *_ = np.linalg.lstsq(a, b, rcond=None)
        return np.asarray(found, float), a, b - a @ found

    def best_times(correlation: float, starts: list[F64]) -> F64:
        if model.times == 0:
            return np.zeros(0)
        bounds = (np.log(length * 1e-4), np.log(length * 1e4))
        tries = [
            least_squares(
                lambda times: amplitudes(times, correlation)[2], np.clip(start, bounds[0] + 1e-6, bounds[1] - 1e-6),
                bounds=bounds, x_scale=1.0, max_nfev=60,
            )
            for start in starts
        ]  # fmt: skip
        return np.asarray(min(tries, key=lambda one: one.cost).x)

    def tangents(times: F64, correlation: float) -> F64:
        """(N, P + A) slopes of the curve by the logarithms of the times and by the amplitudes."""
        found, _, _ = amplitudes(times, correlation)
        columns = []
        for index in range(model.times):
            step = np.zeros(model.times)
            step[index] = 1e-4
            ends = [model.columns(time, np.exp(times + sign * step)) @ found for sign in (1.0, -1.0)]
            columns.append((ends[0] - ends[1]) / 2e-4)
        return np.column_stack([*columns, model.columns(time, np.exp(times))])

    def unlikely(correlation: float, rows: F64) -> float:
        """Minus twice the restricted likelihood, but for a constant; rows are the tangents and the data."""
        white, determinant = _whitened(rows, gaps, correlation)
        design, known = white[:, :-1], white[:, -1]
        normal = design.T @ design
        left = known - design @ (np.linalg.pinv(normal, hermitian=True) @ (design.T @ known))
        size = float(left @ left)
        sign, log_normal = np.linalg.slogdet(normal)
        if not sign > 0.0 or not size > 0.0:
            return 1e300
        return (count - numbers) * float(np.log(size)) + 2.0 * determinant + float(log_normal)

    times = best_times(0.0, [np.log(length * np.array(one)) for one in model.start])
    correlation = 0.0
    for _ in range(3):
        before = correlation
        rows = np.column_stack([tangents(times, correlation), data])
        scores = [unlikely(float(one), rows) for one in _CORRELATIONS]
        at = int(np.argmin(scores))
        around = _CORRELATIONS[max(at - 1, 0)], _CORRELATIONS[min(at + 1, len(_CORRELATIONS) - 1)]
        correlation = float(minimize_scalar(unlikely, bounds=around, args=(rows,), method="bounded").x)
        times = best_times(correlation, [times])
        if abs(correlation - before) < 0.01:
            break
    found, _, left = amplitudes(times, correlation)
    design, _ = _whitened(tangents(times, correlation), gaps, correlation)
    spare = count - numbers
    variance = float(left @ left) / spare
    covariance = np.linalg.pinv(design.T @ design, hermitian=True) * variance
    # AICc counts the noise and its correlation as well
    known = numbers + 2
    determinant = _whitened(np.zeros((count, 1)), gaps, correlation)[1]
    likelihood = count * float(np.log(max(float(left @ left) / count, 1e-300))) + 2.0 * determinant
    aicc = likelihood + 2.0 * known * count / max(count - known - 1, 1)
    # correlated readings are worth fewer, and the correlation itself is a guess
    worth = spare * (1.0 - max(correlation, 0.0)) / (1.0 + max(correlation, 0.0))
    unit = np.diag(np.concatenate([np.ones(model.times), np.full(found.size, scale)]))
    return Fit(
        model.name,
        float(aicc),
        np.exp(times),
        found * scale,
        float(np.sqrt(variance)) * scale,
        correlation,
        float(np.clip(worth, 2.0, spare)),
        unit @ covariance @ unit,
        length,
        model,
    )
