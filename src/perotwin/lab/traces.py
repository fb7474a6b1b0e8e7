"""The trace of an oscilloscope: where its pulse is, what it stands on, how much it scatters; arrays only.

    trace = read(time, values)                     # (T,), or (R, T) of repeated traces
    decay(trace)                                   # time constant with its standard error

A simulated trace begins before the pulse, has its zero at the pulse's end and no noise. A measured one has a trigger
somewhere, an offset, either sign, noise, and often several pulses in one record: their mean is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decay", "Trace", "charge", "decay", "falls_to", "noisy", "read"]

F64 = NDArray[np.float64]

#: standard errors by which a step must stand out to be an onset, and part of the largest one
_SURE, _PART = 8.0, 0.5
#: fewest points that a baseline is the mean of
_BASE = 5
#: parts of the peak that a fit may begin at: the lowest one that gives the time constant to this, which is free of what
#: a decay begins with
_BEGIN, _WELL = (0.2, 0.35, 0.5, 0.7), 0.05
#: time constants that a fit goes on for
_LONG = 4.0


@dataclass(frozen=True)
class Trace:
    """One pulse and its decay, T moments.

    Attributes:
        time: (T,) s, zero where the decay begins. signal: (T,) less the baseline, positive at the peak.
        sign: of the change as it was measured. noise: standard deviation of a point.
        baseline: before the pulse, with its standard error. base_points: that it is the mean of; 0: of the trace's end.
        step: s, between neighbours. peak: of the smooth signal, and its standard error.
        pulses: whose mean it is. words: what was decided.
        fall: s, in which it falls from 90 to 10 % of the peak after its last point above 90 %.
    """

    time: F64
    signal: F64
    sign: float
    noise: float
    baseline: tuple[float, float]
    base_points: int
    step: float
    peak: tuple[float, float]
    pulses: int
    words: str
    fall: float


@dataclass(frozen=True)
class Decay:
    """An exponential: its time constant and standard error (s), where it was fitted, and why there is none."""

    time: float
    error: float
    start: float
    stop: float
    amplitude: float
    words: str


def noisy(time: F64, signal: F64) -> bool:
    """Whether a signal (T,) scatters: after its peak it often rises where a decay falls."""
    if signal.size < 8:
        return False
    # the pulse of a trace that is read point by point ends at zero
    after = np.flatnonzero(time >= 0.0)
    if after.size < 8:
        return False
    top = int(after[np.argmax(np.abs(signal[after]))])
    rest = signal[top:] * np.sign(signal[top])
    seen = np.flatnonzero(rest > 0.05 * rest[0])
    if seen.size < 8:
        return False
    steps = np.diff(rest[: seen[-1] + 1])
    # a solved decay rises nowhere by more than its tolerance
    return bool(np.mean(steps > 1e-3 * rest[0]) > 0.05)


def read(time: F64, values: F64) -> Trace | None:
    """The pulse in a trace; None where nothing stands out of the noise.

    Args:
        time: (T,) s. values: (T,), or (R, T) of repeated traces, in any unit.
    """
    rows = np.atleast_2d(np.asarray(values, float))
    repeats = rows.shape[0]
    mean = rows.mean(axis=0)
    good = np.isfinite(time) & np.isfinite(mean)
    order = np.flatnonzero(good)[np.argsort(np.asarray(time, float)[good], kind="stable")]
    t, v = np.asarray(time, float)[order], mean[order]
    if t.size < 2 * _BASE:
        return None
    step = float(np.median(np.diff(t)))
    noise = _noise(v)
    said = [f"mean of {repeats} traces"] if repeats > 1 else []
    onsets, sign = _onsets(v, noise)
    if not onsets.size:
        return None
    pulses = 1
    folded = _folded(t, v, onsets, step)
    if folded is not None:
        t, v, first, pulses = folded
        noise /= np.sqrt(pulses)
        said.append(
            f"{pulses} pulses in the record, one every {step_words(float(np.median(np.diff(onsets))) * step)}"
        )
    else:
        first = int(onsets[0])
    before = v[: max(first - 1, 0)]
    if before.size >= _BASE:
        base, points = float(before.mean()), before.size
        noise = max(noise, float(before.std(ddof=1)))
        said.append(f"baseline of {points} points before the pulse")
    else:
        tail = v[-max(_BASE, v.size // 10) :]
        base, points = float(tail.mean()), 0
        noise = max(noise, float(tail.std(ddof=1)))
        said.append("no baseline before the pulse: the end of the trace is taken for it")
    count = points or max(_BASE, v.size // 10)
    signal = sign * (v - base)
    # as little as brings the noise of the peak to a hundredth of it
    rough = float(np.quantile(signal[first:], 0.99)) or 1.0
    width = int(np.clip((noise / (0.01 * abs(rough))) ** 2, 1, np.clip((v.size - first) // 100, 1, 25)))
    smooth = _running(signal, width)
    top = first + int(np.argmax(smooth[first:]))
    peak = float(smooth[top])
    # a long pulse stays high until its end
    high = first + np.flatnonzero(smooth[first:] >= 0.9 * peak)
    last = int(high[-1])
    halved = np.flatnonzero(smooth[last:] <= 0.5 * peak)
    begin = top
    if halved.size and last - high[0] > 2 * int(halved[0]):
        # its height is that of the plateau, and it ends where it leaves that
        plateau = float(np.median(smooth[high]))
        level = plateau - max(3.0 * noise / np.sqrt(width), 0.01 * plateau)
        begin, peak = int(first + np.flatnonzero(smooth[first:] >= level)[-1]), plateau
    under = np.flatnonzero(smooth[last:] <= 0.1 * peak)
    fall = float(t[last + under[0]] - t[last]) if under.size else np.nan
    if sign < 0.0:
        said.append("the change is negative")
    return Trace(
        t - t[begin],
        signal,
        sign,
        float(noise),
        (base, float(noise / np.sqrt(count))),
        points,
        step,
        (peak, float(np.hypot(noise / np.sqrt(width), noise / np.sqrt(count)))),
        pulses,
        "; ".join(said),
        fall,
    )


def _running(values: F64, width: int) -> F64:
    """Means over so many neighbours, as many as there are values."""
    ends = width // 2, width - 1 - width // 2
    return np.convolve(np.pad(values, ends, mode="edge"), np.ones(width) / width, "valid")


def step_words(seconds: float) -> str:
    """A time in words: "2 us"."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _noise(v: F64) -> float:
    """Standard deviation of a point about a smooth course; of a scope of few levels at least that of rounding."""
    second = np.diff(v, n=2)
    steps = np.abs(np.diff(v))
    levels = steps[steps > 0.0]
    rounding = float(levels.min()) / np.sqrt(12.0) if levels.size else 0.0
    if levels.size and np.unique(v).size > 0.5 * v.size:
        rounding = 0.0
    return max(float(np.median(np.abs(second))) / 0.6745 / np.sqrt(6.0), rounding)


def _onsets(v: F64, noise: float) -> tuple[NDArray[np.int64], float]:
    """Indices at which pulses begin, and the sign of their change: steps between means over some points."""
    best: tuple[float, F64, int] = (0.0, np.zeros(0), 1)
    for width in (3, 8, 20):
        if v.size < 3 * width:
            break
        # beyond its ends a trace goes on as it begins and ends
        ends = np.full(width, v[:3].mean()), np.full(width, v[-3:].mean())
        sums = np.concatenate([[0.0], np.cumsum(np.concatenate([ends[0], v, ends[1]]))])
        means = (sums[width:] - sums[:-width]) / width
        # at index i: the mean of what follows less that of what comes before
        jump = means[width : width + v.size] - means[: v.size]
        surplus = float(np.max(np.abs(jump))) / max(noise * np.sqrt(2.0 / width), 1e-300)
        if surplus > best[0]:
            best = surplus, jump, width
    surplus, jump, width = best
    head, tail = float(v[:3].mean()), float(v[-max(3, v.size // 10) :].mean())
    span = float(np.ptp(np.quantile(v, [0.005, 0.995])))
    # a trace may begin at its peak: no step is as high as what it falls by, and it ends elsewhere
    no_step = surplus < _SURE or float(np.max(np.abs(jump))) < 0.35 * span
    if no_step and abs(head - tail) > max(_SURE * noise, 0.6 * span):
        return np.array([0]), float(np.sign(head - tail))
    if surplus < _SURE:
        return np.zeros(0, np.int64), 1.0
    # the first large step is the pulse's beginning, where there is something before it
    large = np.abs(jump) > max(_PART * float(np.max(np.abs(jump))), _SURE * noise * np.sqrt(2.0 / width))
    start = int(np.flatnonzero(large)[0])
    sign = float(np.sign(jump[start]))
    same = np.where(np.sign(jump) == sign, np.abs(jump), 0.0)
    same = np.where(same > 0.0, same, 0.0)
    found: list[int] = []
    threshold = max(_PART * float(same.max()), _SURE * noise * np.sqrt(2.0 / width))
    index = 0
    while index < same.size:
        if same[index] > threshold:
            stop = index
            while stop < same.size and same[stop] > threshold:
                stop += 1
            found.append(index + int(np.argmax(same[index:stop])))
            index = stop + width
        else:
            index += 1
    return np.array(found, dtype=np.int64), sign


def _folded(t: F64, v: F64, onsets: NDArray[np.int64], step: float) -> tuple[F64, F64, int, int] | None:
    """The mean over the pulses of a record that come at a regular pace: time, values, index of the onset, how many."""
    if onsets.size < 2:
        return None
    apart = np.diff(onsets)
    period = int(np.median(apart))
    regular = np.all(np.abs(apart - period) <= max(2, 0.02 * period))
    even = float(np.ptp(np.diff(t))) < 0.1 * step
    if not (regular and even):
        return None
    lead = int(min(onsets[0], max(_BASE + 2, period // 10)))
    whole = [
        v[one - lead : one - lead + period]
        for one in onsets
        if one - lead >= 0 and one - lead + period <= v.size
    ]
    if len(whole) < 2:
        return None
    first = int(onsets[0])
    return t[first - lead : first - lead + period], np.mean(whole, axis=0), lead, len(whole)


def decay(trace: Trace) -> Decay:
    """An exponential through the end of a decay, by least squares in the signal itself.

    The baseline is fitted with it, held by what was read before the pulse. It begins at 20 % of the peak, where the
    fast beginning is over, or higher up where the noise would let it be known to worse than 5 %. The standard error is
    that of the fit, with the correlation of neighbouring points.
    """
    after = trace.time >= 0.0
    t, y = trace.time[after], trace.signal[after]
    nothing = (np.nan, np.nan, np.nan, np.nan, np.nan)
    if np.isfinite(trace.fall) and trace.fall <= 2.5 * trace.step:
        return Decay(
            *nothing,
            f"no time constant: it falls within {step_words(trace.fall)}, {trace.fall / trace.step:.0f} steps of the "
            "trace; it is shorter than that",
        )
    tried = ""
    chosen: Decay | None = None
    for part in _BEGIN:
        made = _fitted(t, y, trace, part)
        if not np.isfinite(made.time):
            tried = tried or made.words
            continue
        chosen = made
        if made.error <= _WELL * made.time:
            break
    return chosen or Decay(*nothing, tried or "no decay")


def _fitted(t: F64, y: F64, trace: Trace, part: float) -> Decay:
    from scipy.optimize import least_squares

    nothing = (np.nan, np.nan, np.nan, np.nan, np.nan)
    peak = trace.peak[0]
    width = int(np.clip(y.size // 100, 1, 25))
    smooth = _running(y, width)
    high = np.flatnonzero(smooth >= part * peak)
    if not high.size or high[-1] >= t.size - 4:
        return Decay(*nothing, f"it does not fall below {part:.0%} of its peak within the trace")
    first = int(high[-1]) + 1
    level = np.flatnonzero(smooth[first:] < part / np.e * peak)
    if not level.size:
        return Decay(*nothing, f"it does not fall below {part / np.e:.0%} of its peak within the trace")
    guess = max(float(t[first + level[0]] - t[first]), trace.step)
    base_error = max(trace.baseline[1], 1e-12 * peak)
    tau = guess
    for _ in range(3):
        here = np.flatnonzero((t >= t[first]) & (t <= t[first] + _LONG * tau))
        if here.size < 6:
            return Decay(*nothing, f"{here.size} points below {part:.0%} of the peak are too few")
        x, z = t[here] - t[first], y[here]
        noise = max(trace.noise, 1e-12 * peak)

        def left(p: F64, x: F64 = x, z: F64 = z, noise: float = noise) -> F64:
            # what is held of the baseline counts as one more reading
            held = p[2] / base_error if trace.base_points else 0.0
            return np.append((p[0] * np.exp(-x / np.exp(p[1])) + p[2] - z) / noise, held)

        try:
            made = least_squares(
                left, [part * peak, np.log(tau), 0.0], x_scale=[peak, 1.0, peak], max_nfev=200
            )
        except ValueError:
            return Decay(*nothing, "the fit fails")
        tau_new = float(np.exp(made.x[1]))
        if not np.isfinite(tau_new) or tau_new > 1e3 * guess:
            return Decay(*nothing, "it does not fall as an exponential")
        if abs(tau_new / tau - 1.0) < 0.1:
            tau = tau_new
            break
        tau = float(np.clip(tau_new, 0.3 * guess, 5.0 * guess))
    rest = made.fun[:-1]
    spare = max(rest.size + 1 - 3, 1)
    scatter = float(rest @ rest) / spare
    along = float(rest[1:] @ rest[:-1]) / max(float(rest @ rest), 1e-300)
    inflate = (
        (1.0 + max(along, 0.0)) / (1.0 - min(max(along, 0.0), 0.9))
        if along > 3.0 / np.sqrt(rest.size)
        else 1.0
    )
    covariance = np.linalg.pinv(made.jac.T @ made.jac) * scatter * inflate
    error = float(np.sqrt(max(covariance[1, 1], 0.0))) * float(np.exp(made.x[1]))
    span = min(x[-1] / tau, _LONG)
    words = f"exponential from {part:.0%} of the peak, over {span:.2g} time constants, {x.size} points"
    if inflate > 1.0:
        words += f", neighbours correlated by {along:.2f}: other than one exponential, or filtered"
    return Decay(
        float(np.exp(made.x[1])), error, float(t[first]), float(t[first] + x[-1]), float(made.x[0]), words
    )


def falls_to(trace: Trace, part: float) -> tuple[float, float]:
    """Time (s) from the beginning of the decay until it falls to a part of its peak for good, and its error."""
    after = trace.time >= 0.0
    t, y = trace.time[after], trace.signal[after]
    width = int(np.clip(y.size // 100, 1, 25))
    smooth = _running(y, width)
    level = part * trace.peak[0]
    high = np.flatnonzero(smooth >= level)
    if not high.size or high[-1] >= t.size - 1:
        return float("nan"), float("nan")
    last = int(high[-1])
    share = (smooth[last] - level) / (smooth[last] - smooth[last + 1])
    place = float(t[last] + share * (t[last + 1] - t[last]))
    near = slice(max(last - width, 0), last + width + 2)
    slope = abs(float(np.polyfit(t[near], smooth[near], 1)[0])) if t[near].size > 2 else np.nan
    error = (
        float(np.hypot(trace.noise / np.sqrt(width), part * trace.peak[1])) / slope if slope > 0.0 else np.nan
    )
    return place, float(np.hypot(error, trace.step / np.sqrt(12.0)))


def charge(trace: Trace) -> tuple[float, float]:
    """Integral of the change over the trace, with its sign, and its standard error."""
    t, y = trace.time, trace.signal
    total = float(np.trapezoid(y, t))
    points = trace.noise * float(np.sqrt(np.sum(np.gradient(t) ** 2)))
    return trace.sign * total, float(np.hypot(points, trace.baseline[1] * np.ptp(t)))
