"""What the pulse experiments share: a small pulse of light on a settled cell, and the decay that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab import traces
from perotwin.measurement.dataset import simulated
from perotwin.measurement.metrics import Metric

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.schedule import Control
    from perotwin.transport.time_series import Trace
    from perotwin.transport.transient import Engine

F64 = NDArray[np.float64]

#: the part of the decay that an exponential is fitted to, as parts of its peak: the fast beginning (carriers that
#: spread, capacitances that share their charge) is over, and what the ions do later has not begun
WINDOW = (0.2, 0.02)
#: a decay without a stated end stops where this part of the peak is left, or here; left at so many moments in a row,
#: a tenth of the time since the pulse: one alone is also met where a signal goes through zero to the other sign
_LEFT, _LONGEST, _IN_A_ROW = 2e-3, 100.0, 6
#: a later swing to the other sign of this part of the largest change is what decays, and not what came before it
_SWING = 0.3
#: first reported moment after a corner of the light, s: faster than anything in a cell, whatever pulse and duration are
_FIRST = 1e-10
#: reported moments a decade of time: while the light is on, after it until 1/e of the peak, and from there on, where
#: time constants are read
_RISE, _FALL, _TAIL = 20, 40, 120
#: more charge than this part above what can leave is a fault
_CHARGE_LIMIT = 0.01
#: allowed change of the number of ions
ION_LIMIT = 1e-10


@dataclass(frozen=True)
class Record:
    """A pulse and its decay. T moments, the first one before the pulse.

    Attributes:
        time: (T,) s from the end of the pulse; negative before.
        voltage: (T,) V. current: (T,) A m^-2, at the terminals.
        light: (T,) suns.
        steps, iterations: time steps and Newton iterations.
        drift: largest relative change of the number of ions.
        constancy: departure of the total current along x over its allowance, at most 1.
        splitting: (T - 1,) V, of the moments (see `transport.time_series.Trace`).
        complete: whether it ran to its end.
    """

    time: F64
    voltage: F64
    current: F64
    light: F64
    steps: int
    iterations: int
    drift: float
    constancy: float
    splitting: F64
    complete: bool


def follow(
    engine: Engine,
    start: Any,
    control: Control,
    base: tuple[float, float],
    light: float,
    pulse: float,
    width: float,
    duration: float | None,
    signal: Callable[[float, float], float],
) -> Record:
    """A pulse on a settled cell and the time after it.

    Args:
        engine: its tolerance fits the size of the pulse.
        start: the settled cell. base: its terminal voltage (V) and current (A m^-2).
        control: what holds the terminals. light: suns all the time. pulse: suns more during `width` (s).
        duration: s after the pulse; None until a small part of the signal is left.
        signal: what decays, from voltage and current, zero at the base.

    Raises:
        ConvergenceError: a time step could not be taken.
    """
    from perotwin.transport.schedule import Step

    last = _LONGEST if duration is None else duration
    highest, goal, needed, row = 0.0, float(np.exp(-1.0)), 1, 0

    def fallen(_time: float, voltage: float, current: float) -> bool:
        nonlocal highest, row
        now = abs(signal(voltage, current))
        highest = max(highest, now)
        row = row + 1 if now < goal * highest else 0
        return row >= needed

    def go_on(times: F64) -> bool:
        """Follow the decay over these moments, s from its last one: whether it went on to its goal or their end."""
        parts.append(engine.run([step(times, light)], parts[-1].moments[-1], stop=fallen))
        return parts[-1].complete or low(parts[-1])

    def low(part: Trace) -> bool:
        return part.time.size > 0 and abs(signal(*_end(part))) < goal * highest

    def step(times: F64, suns: float) -> Step:
        first = min(_FIRST, float(times[0]))
        return Step(float(times[-1]), control, suns, times=tuple(times.tolist()), first=first)

    times = _moments(width, _RISE)
    parts = [engine.run([step(times, light + pulse)], start)]
    clock, whole = [-width], parts[0].complete
    if whole:
        fallen(0.0, *_end(parts[0]))
        clock.append(0.0)
        whole = go_on(_moments(last, _FALL))
        spent = float(parts[-1].time[-1]) if parts[-1].time.size else 0.0
        if whole and low(parts[-1]) and last - spent > 1e-9 * last:
            goal, needed, row = _LEFT if duration is None else -1.0, _IN_A_ROW, 0
            clock.append(spent)
            count = int(np.ceil(_TAIL * np.log10(last / spent))) + 1
            since = np.geomspace(spent, last, count)[1:] - spent
            since[-1] = last - spent
            whole = go_on(since)
    ions = np.concatenate([part.ions.reshape(part.time.size, -1) for part in parts])
    drift = float(np.abs(ions / ions[0] - 1.0).max()) if ions.size else 0.0
    return Record(
        time=np.concatenate([[-width], *(at + part.time for at, part in zip(clock, parts, strict=True))]),
        voltage=np.concatenate([[base[0]], *(part.voltage for part in parts)]),
        current=np.concatenate([[base[1]], *(part.current for part in parts)]),
        light=np.concatenate([[light], *(part.light for part in parts)]),
        steps=sum(part.steps for part in parts),
        iterations=sum(part.iterations for part in parts),
        drift=drift,
        constancy=float(np.max([np.max(part.constancy, initial=0.0) for part in parts])),
        splitting=np.concatenate([part.splitting for part in parts]),
        complete=whole,
    )


def _moments(last: float, a_decade: int) -> F64:
    """(T,) moments evenly in the logarithm up to `last` (s), from a first one that does not depend on it."""
    first = min(_FIRST, 0.1 * last)
    times = np.geomspace(first, last, int(np.ceil(a_decade * np.log10(last / first))) + 1)
    times[-1] = last
    return times


def _end(trace: Trace) -> tuple[float, float]:
    """Voltage and current at the end of a trace; of an empty one not a number."""
    return (float(trace.voltage[-1]), float(trace.current[-1])) if trace.time.size else (np.nan, np.nan)


def refuse_dark(cell: Cell, light: float) -> None:
    """Raise `InputError` where a bias light is needed and there is none."""
    if not light > 0.0:
        raise InputError(
            f'"{cell.name}" is in the dark: there is no open circuit to start from.',
            'Give it a bias light: --light "0.1 sun", or light.intensity.',
            key="light.intensity",
        )


def checks(record: Record) -> dict[str, Any]:
    """The checks that every pulse is put to."""
    from perotwin.measurement import check
    from perotwin.transport.splitting_in_time import splitting_checks

    return {
        **splitting_checks(record.splitting),
        "total current constant along x, over its allowance": check(record.constancy, 1.0),
        "ion number conserved in time": check(record.drift, ION_LIMIT),
    }


def charge_check(time: F64, extracted: F64, most: float) -> Any:
    """The check that no more charge left than could: its excess as a part of that.

    Args:
        time: (T,) s. extracted: (T,) what the pulse changed of the current, A m^-2.
        most: C m^-2 that can leave.
    """
    from perotwin.measurement import check

    return check(max(charge_of(time, extracted) / most - 1.0, 0.0), _CHARGE_LIMIT)


def attributes(record: Record) -> dict[str, Any]:
    """What a measurement of a pulse carries besides what all do."""
    return {"steps": record.steps, "iterations": record.iterations, "complete": int(record.complete)}


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pulse:
    """A trace with noise, as it was read.

    Attributes:
        found: None where nothing stands out of the noise. decay: of it. words: why there is none.
        level: mean of the trace.
    """

    found: traces.Trace | None
    decay: traces.Decay
    words: str
    level: float


def measured(dataset: Any, name: str) -> Pulse | None:
    """The pulse in a trace with noise, or of repeated traces; None of one that is read point by point, as a simulated
    one is.
    """
    time, values = np.asarray(dataset["time"], float), np.asarray(dataset[name], float)
    repeated = values.ndim > 1
    if not repeated:
        if simulated(dataset) and not traces.noisy(*change(dataset, name)):
            return None
        # what begins before a pulse, ends it at zero and does not scatter is read as such
        if not simulated(dataset) and time.size and time[0] < 0.0 < time[-1]:
            near, signal = change(dataset, name)
            quiet = np.abs(signal[near < -0.5 * abs(float(near[0]))]) if signal.size else signal
            if quiet.size and quiet.max() == 0.0 and not traces.noisy(near, signal):
                return None
    found = traces.read(time, values)
    if found is None:
        nan = float("nan")
        why = "no pulse: nothing in the trace stands out of its noise"
        return Pulse(None, traces.Decay(nan, nan, nan, nan, nan, why), why, float(np.nanmean(values)))
    return Pulse(found, traces.decay(found), found.words, found.baseline[0])


def constant(fitted: traces.Decay, found: traces.Trace) -> Metric:
    """A time constant as a metric."""
    return Metric(
        fitted.time,
        "s",
        f"{fitted.words}; {found.words}",
        fitted.error if np.isfinite(fitted.error) else None,
    )


def before(dataset: Any, name: str) -> float:
    """The first value of a trace that is known; NaN of none."""
    values = np.asarray(dataset[name], float)
    values = values[np.isfinite(values)]
    return float(values[0]) if values.size else float("nan")


def drawn(items: Sequence[Any], name: str) -> tuple[list[Any], list[tuple[F64, F64] | None]]:
    """Measurements as they are drawn: of a trace with noise the pulse alone, and the curve of its fit over the peak."""
    made: list[Any] = []
    fits: list[tuple[F64, F64] | None] = []
    for item in items:
        pulse = measured(item, name)
        if pulse is None or pulse.found is None:
            made.append(item)
            fits.append(None)
            continue
        found, fitted = pulse.found, pulse.decay
        peak = found.peak[0]
        one = item.drop_vars([key for key in item.variables if "time" in item[key].dims])
        made.append(one.assign({name: ("time", found.signal / peak)}).assign_coords(time=found.time))
        if np.isfinite(fitted.time):
            t = np.linspace(fitted.start, fitted.stop, 100)
            fits.append((t, fitted.amplitude / peak * np.exp(-(t - fitted.start) / fitted.time)))
        else:
            fits.append((np.zeros(0), np.zeros(0)))
    return made, fits


def change(dataset: Any, name: str) -> tuple[F64, F64]:
    """Time (s, zero at the end of the pulse) and a variable less its value before the pulse, the first one stored."""
    time, values = np.asarray(dataset["time"], float), np.asarray(dataset[name], float)
    good = np.isfinite(values)
    time, values = time[good], values[good]
    return time, values - (values[0] if values.size else np.nan)


def peak_of(time: F64, signal: F64) -> int:
    """Index of the largest change from the end of the pulse on; -1 where there is none.

    A pulse shorter than carriers take to part from each other ends on the voltage between where they were made, of
    either sign; what they do at the contacts comes after. So of swings to either sign the last large one counts.
    """
    after = np.flatnonzero(time >= -1e-12 * np.abs(time).max(initial=0.0))
    if after.size == 0:
        return -1
    size = np.abs(signal[after])
    large = np.flatnonzero(size >= _SWING * size.max())
    same = np.sign(signal[after]) == np.sign(signal[after[large[-1]]])
    return int(after[np.argmax(np.where(same, size, -1.0))])


def exponential(time: F64, signal: F64, window: tuple[float, float] = WINDOW) -> tuple[float, float]:
    """Time constant of a decay (s) and the standard error of the fit, both NaN where it cannot be fitted.

    A straight line through ln(signal) where, after its peak, the signal lies between two parts of it; every stretch of
    time counts alike, however many moments were read in it.
    """
    top = peak_of(time, signal)
    if top < 0 or signal[top] == 0.0:
        return float("nan"), float("nan")
    part = signal[top:] / signal[top]
    below = np.flatnonzero(part < window[1])
    end = int(below[0]) if below.size else part.size
    chosen = np.flatnonzero(part[:end] <= window[0])
    if chosen.size < 4 or not below.size:
        return float("nan"), float("nan")
    t, y = time[top:][chosen], np.log(part[chosen])
    weight = np.gradient(t)
    weight *= t.size / weight.sum()
    off = t - np.average(t, weights=weight)
    scatter = float(weight @ off**2)
    slope = float(weight @ (off * y)) / scatter
    if not slope < 0.0:
        return float("nan"), float("nan")
    left = y - np.average(y, weights=weight) - slope * off
    variance = float(left @ left) / (t.size - 2) * float(weight**2 @ off**2) / scatter**2
    return -1.0 / slope, float(np.sqrt(variance)) / slope**2


def charge_of(time: F64, current: F64) -> float:
    """Integral of a current density (T,) over time, C m^-2, by monotone cubics; NaN of less than two moments, and where
    the current is not known.
    """
    if time.size < 2 or np.any(np.diff(time) <= 0.0) or not np.all(np.isfinite(current)):
        return float("nan")
    from scipy.interpolate import PchipInterpolator

    return float(PchipInterpolator(time, current).integrate(time[0], time[-1]))


def falls_to(time: F64, signal: F64, part: float) -> float:
    """Time after the pulse at which the change has fallen to a part of its peak (s); NaN where it has not."""
    top = peak_of(time, signal)
    if top < 0 or signal[top] == 0.0:
        return float("nan")
    rest = signal[top:] / signal[top]
    below = np.flatnonzero(rest < part)
    if below.size == 0:
        return float("nan")
    i = int(below[0])
    t = time[top:]
    if rest[i] <= 0.0:
        return float(t[i - 1] + (t[i] - t[i - 1]) * (rest[i - 1] - part) / (rest[i - 1] - rest[i]))
    share = np.log(rest[i - 1] / part) / np.log(rest[i - 1] / rest[i])
    return float(t[i - 1] + share * (t[i] - t[i - 1]))
