"""What a tracked power tells of a lifetime: T95, T80, burn-in and Ts80, by interpolation in its upper envelope.

    found = lifetimes(tracked(time, power))

As agreed in the community (M. V. Khenkin et al., Nat. Energy 5, 35 (2020), doi:10.1038/s41560-019-0529-5): T80 is the
time after which 80 % of the first value is left; where a fast loss comes first (burn-in, until Ts), Ts80 is the time
from Ts on after which 80 % of the value at Ts is left. Neither is told where the data do not go so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perotwin.lab import degradation
from perotwin.lab.degradation import Envelope, Fit
from perotwin.measurement.metrics import Metric

__all__ = ["Tracked", "lifetimes", "oriented_power", "tracked"]

F64 = NDArray[np.float64]

#: bins whose mean is the first value
_FIRST = 3
#: part of the usual power below which a moment is dark, and of the usual irradiance
_DARK = 0.1
#: usual steps of time that a gap is longer than, and part of the trace that it takes to be said
_GAP, _LONG = 10.0, 0.01
#: AICc by which two times must be likelier than one for a burn-in, and how many of its fast time constants it lasts:
#: 95 % of the fast loss is then over
_LIKELIER, _OVER = 6.0, 3.0
#: part of the irradiance that it must drift by to be said
_DRIFT = 0.02


@dataclass(frozen=True)
class Tracked:
    """A trace that can be read.

    Attributes:
        time: (T,) s, ascending. power: (T,), over the irradiance where that is known.
        gaps: (G, 2) s, between readings. notes: what was done, and what is to be minded.
        period: s, of day and night; 0 where there are none.
    """

    time: F64
    power: F64
    gaps: F64
    notes: tuple[str, ...]
    period: float


def oriented_power(voltage: F64 | None, current: F64 | None, power: F64) -> tuple[float, float, float, str]:
    """Signs (1 or -1) of voltage, current and power that make all of them positive, and what is to be said of it."""

    def sign(values: F64 | None) -> float:
        known = np.zeros(0) if values is None else np.asarray(values, float)
        known = known[np.isfinite(known)]
        return -1.0 if known.size and np.median(known) < 0.0 else 1.0

    signs = sign(voltage), sign(current), sign(power)
    names = [name for name, one in zip(("voltage", "current", "power"), signs, strict=True) if one < 0.0]
    words = f"; {' and '.join(names)} turned round: a cell that is tracked gives power" if names else ""
    return *signs, words


def tracked(time: F64, power: F64, irradiance: F64 | None = None) -> Tracked:
    """A trace in order, over the irradiance if that is given, without what was dark.

    Args:
        time: (T,) s. power: (T,), positive. irradiance: (T,), in any unit; the power is divided by it over its mean.

    Raises:
        InputError: no reading.
    """
    good = np.isfinite(time) & np.isfinite(power)
    if irradiance is not None:
        good &= np.isfinite(irradiance)
    order = np.argsort(np.asarray(time, float)[good], kind="stable")
    t, p = np.asarray(time, float)[good][order], np.asarray(power, float)[good][order]
    degradation.refuse_short(t)
    notes: list[str] = []
    usual = float(np.quantile(p, 0.9))
    lit = p > _DARK * usual
    if irradiance is not None:
        light = np.asarray(irradiance, float)[good][order]
        typical = float(np.median(light[light > _DARK * np.quantile(light, 0.9)]))
        lit = light > _DARK * typical
        mean = float(light[lit].mean())
        change = float(np.ptp(np.quantile(light[lit], [0.05, 0.95]))) / mean
        p = np.where(lit, p * mean / np.where(lit, light, 1.0), p)
        notes.append(f"divided by the irradiance over its mean, which varies by {change:.1%}")
    period = 0.0
    falls = np.flatnonzero(lit[:-1] & ~lit[1:])
    if (~lit).any():
        notes.append(
            f"{int((~lit).sum())} of {t.size} readings in the dark are left out, time runs on through them"
        )
    if falls.size >= 3:
        period = float(np.median(np.diff(t[falls])))
        notes.append(
            f"light and dark in turn, {falls.size} times, about every {degradation.span(period)}: a bin holds one "
            "period, and what recovers in the dark is part of the lifetime"
        )
    # of nights a trace may hold no readings at all
    steps = np.diff(t)
    step = float(np.median(steps))
    long = np.flatnonzero(steps > np.maximum(_GAP * step, _LONG * np.ptp(t)))
    gaps = np.array([t[long], t[long + 1]]).T
    if long.size:
        notes.append(
            f"{long.size} gap{'s' if long.size > 1 else ''} in the readings, the longest "
            f"{degradation.span(float(steps[long].max()))}"
        )
        if long.size >= 3 and not period:
            apart = np.diff(t[long])
            if np.ptp(apart) < 0.3 * float(np.median(apart)):
                period = float(np.median(apart))
    return Tracked(t[lit], p[lit], gaps, tuple(notes), period)


def lifetimes(trace: Tracked) -> tuple[dict[str, Metric], Envelope, list[Fit]]:
    """T95, T80, the burn-in and Ts80 of a trace, its envelope and the curves that were fitted, the likeliest first.

    Returns:
        `t95`, `t80`, `burn_in` (Ts), `ts80` in s, `retained` (what is left at the end, a part of the first value),
        `t80_model` (s, of the likeliest curve; beyond the data an extrapolation, and said so).
    """
    envelope = degradation.envelope(trace.time, trace.power)
    if trace.period > envelope.width:
        envelope = degradation.envelope(trace.time, trace.power, width=trace.period)
    # the first value is the mean of the first bins, and the clock starts in their middle
    start = float(envelope.time[:_FIRST].mean())
    envelope = replace(envelope, time=envelope.time - start)
    trace = replace(trace, time=trace.time - start, gaps=trace.gaps - start)
    notes = "; ".join((envelope.words, *trace.notes))
    first = float(envelope.value[:_FIRST].mean())
    noise = _noise(envelope.value)
    found: dict[str, Metric] = {}
    for name, part in (("t95", 0.95), ("t80", 0.8)):
        found[name] = _crossed(
            envelope, trace, part, first, noise, 0.0, f"of the mean of the first {_FIRST} bins, {notes}"
        )
    left = float(envelope.value[-_FIRST:].mean()) / first
    found["retained"] = Metric(
        left,
        "1",
        f"last {_FIRST} bins over the first, after {degradation.span(float(envelope.time[-1]))}, {notes}",
        float(left * noise / first * np.sqrt(1.0 / _FIRST + 1.0 / _FIRST / left**2)),
    )
    fits = degradation.fit(envelope.time, envelope.value) if envelope.time.size >= degradation.FEWEST else []
    found |= _after_burn_in(envelope, trace, fits, noise, notes)
    if fits:
        lived = fits[0].lifetime(0.8)
        value = lived.value if np.isfinite(lived.value) else np.nan
        half = 0.5 * (lived.high - lived.low)
        others = ", ".join(f"{one.model} {one.aicc - fits[0].aicc:.3g}" for one in fits[1:])
        interval = (
            f"; 95 % interval {degradation.span(lived.low)} to {degradation.span(lived.high)}, a quarter of whose "
            "width is the uncertainty"
            if np.isfinite(half)
            else ""
        )
        found["t80_model"] = Metric(
            value, "s", f"{lived.words}{interval}; AICc above it: {others}", 0.5 * half if np.isfinite(half) else None
        )  # fmt: skip
    return found, envelope, fits


def _noise(values: F64) -> float:
    """Standard deviation of a value of the envelope about a smooth course, by second differences."""
    if values.size < 5:
        return float("nan")
    return float(np.median(np.abs(np.diff(values, n=2)))) / 0.6745 / float(np.sqrt(6.0))


def _crossed(
    envelope: Envelope, trace: Tracked, part: float, of: float, noise: float, since: float, words: str
) -> Metric:
    """When the envelope falls below a part of a value for good, counted from a moment (s); NaN if not in the data."""
    keep = envelope.time >= since
    time, value = envelope.time[keep], envelope.value[keep]
    level = part * of
    above = value >= level
    turns = np.flatnonzero(above[:-1] != above[1:])
    if value.size < 2 or above[-1] or not turns.size:
        end = float(value[-1] / of) if value.size else np.nan
        return Metric(
            np.nan,
            "s",
            f"not reached: {end:.1%} are left after {degradation.span(float(envelope.time[-1]))}; {words}",
        )
    places = time[turns] + (value[turns] - level) / (value[turns] - value[turns + 1]) * np.diff(time)[turns]
    place = float(np.median(places))
    near = np.argsort(np.abs(time - place), kind="stable")[: max(5, time.size // 8)]
    slope = float(np.polyfit(time[near], value[near], 1)[0]) if np.ptp(time[near]) > 0.0 else np.nan
    # the level has the noise of the first bins, the crossing that of those around it
    spread = noise * np.sqrt(1.0 / len(near) + part**2 / _FIRST) / abs(slope) if slope < 0.0 else np.nan
    how = f"first moment with {part:.0%} {words}, between bins"
    if turns.size > 1:
        ends = f"from {degradation.span(places[0])} to {degradation.span(places[-1])}"
        how += f"; crossed {turns.size} times {ends}: the middle one"
    inside = (
        trace.gaps[(trace.gaps[:, 0] < place) & (trace.gaps[:, 1] > place)] if trace.gaps.size else trace.gaps
    )
    gap = 0.0
    if inside.size:
        gap = float(np.ptp(inside[0]))
        how += f"; it lies in a gap of {degradation.span(gap)}, half of which is in the uncertainty"
    error = float(np.sqrt(np.nan_to_num(spread) ** 2 + (0.5 * np.ptp(places)) ** 2 + (0.5 * gap) ** 2))
    return Metric(place - since, "s", how, error if error > 0.0 else None)


def _after_burn_in(
    envelope: Envelope, trace: Tracked, fits: list[Fit], noise: float, notes: str
) -> dict[str, Metric]:
    """Ts and Ts80."""

    def none(why: str) -> dict[str, Metric]:
        return {"burn_in": Metric(np.nan, "s", why), "ts80": Metric(np.nan, "s", why)}

    two = next((one for one in fits if one.model == "double exponential"), None)
    others = [one.aicc for one in fits if one.model in ("single exponential", "straight line")]
    if two is None or not others or two.aicc > min(others) - _LIKELIER:
        return none("no burn-in: one rate of loss describes the data as well as two")
    fast = int(np.argmin(two.times))
    if two.times[fast] > 0.2 * two.times[1 - fast] or two.amplitudes[fast] <= 0.0:
        return none("no burn-in: two rates of loss are not far enough apart, or the power rises first")
    end = _OVER * float(two.times[fast])
    length = float(envelope.time[-1])
    how = (
        f"{_OVER:g} times the fast time constant of two exponentials, {degradation.span(float(two.times[fast]))}: 95 % "
        f"of the fast loss is over; {notes}"
    )
    error = end * float(np.sqrt(two.covariance[fast, fast]))
    if end >= 0.8 * length:
        return none(f"the burn-in does not end within the data: {how}")
    base = float(two.at(end)[0])
    crossed = _crossed(
        envelope, trace, 0.8, base, noise, end, f"of the power at Ts, {degradation.span(end)}; {notes}"
    )
    return {"burn_in": Metric(end, "s", how, error), "ts80": crossed}
