"""What the pulse experiments share: a small pulse of light on a settled cell, and the decay that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.schedule import Control
    from perotwin.transport.time_series import Trace
    from perotwin.transport.transient import Engine

F64 = NDArray[np.float64]

#: the part of the decay that an exponential is fitted to, as parts of its peak: the fast beginning (carriers that
#: spread, capacitances that share their charge) is over, and what the ions do later has not begun
WINDOW = (0.2, 0.02)
#: a decay without a stated end stops where this part of the peak is left, or here
_LEFT, _LONGEST = 2e-3, 100.0
#: reported moments a decade of time, a lifetime, and during the pulse; how many lifetimes they are even
_A_DECADE, _A_LIFETIME, _RISE, _EVEN = 20, 15, 16, 10.0
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
    first = min(width / 100.0, 0.1 * last)
    parts = [
        engine.run([Step(width, control, light + pulse, times=_towards(width, width / 300.0, _RISE))], start)
    ]
    highest = 0.0
    goal = np.exp(-1.0)

    def fallen(time: float, voltage: float, current: float) -> bool:
        nonlocal highest
        now = abs(signal(voltage, current))
        highest = max(highest, now)
        return now < goal * highest

    def go_on(times: tuple[float, ...]) -> tuple[float, bool, bool]:
        """Run over these moments: the time passed, whether the signal fell to the goal, whether nobody interrupted."""
        part = engine.run([Step(times[-1], control, light, times=times)], parts[-1].moments[-1], stop=fallen)
        parts.append(part)
        low = part.time.size > 0 and fallen(0.0, *_end(part))
        return (float(part.time[-1]) if part.time.size else 0.0), low, part.complete or low

    # evenly in the logarithm to 1/e, then evenly in time, since an exponential asks for even steps, then what is left
    clock, whole = [0.0], parts[0].complete
    fallen(0.0, *_end(parts[0]))
    if whole:
        spent, low, whole = go_on(_towards(last, first, int(np.ceil(_A_DECADE * np.log10(last / first))) + 1))
        goal = _LEFT if duration is None else -1.0
        even = min(_EVEN * spent, last - spent)
        if low and even > 1e-9 * last:
            clock.append(spent)
            more, low, whole = go_on(tuple(np.linspace(0.0, even, _points(even, spent) + 1)[1:]))
            rest = last - spent - more
            if whole and not low and rest > 1e-9 * last:
                clock.append(spent + more)
                count = int(np.ceil(_A_DECADE * np.log10(last / (spent + more)))) + 2
                since = np.geomspace(spent + more, last, count) - (spent + more)
                _, _, whole = go_on(tuple(np.append(since[1:-1], rest)))
    ions = np.concatenate([part.ions.reshape(part.time.size, -1) for part in parts])
    drift = float(np.abs(ions / ions[0] - 1.0).max()) if ions.size else 0.0
    return Record(
        time=np.concatenate(
            [
                [-width],
                parts[0].time - width,
                *(at + part.time for at, part in zip(clock, parts[1:], strict=False)),
            ]
        ),
        voltage=np.concatenate([[base[0]], *(part.voltage for part in parts)]),
        current=np.concatenate([[base[1]], *(part.current for part in parts)]),
        light=np.concatenate([[light], *(part.light for part in parts)]),
        steps=sum(part.steps for part in parts),
        iterations=sum(part.iterations for part in parts),
        drift=drift,
        constancy=float(np.max([np.max(part.constancy, initial=0.0) for part in parts])),
        complete=whole,
    )


def _towards(last: float, first: float, count: int) -> tuple[float, ...]:
    """Moments evenly in the logarithm from `first` to `last` (s)."""
    return tuple(np.append(np.geomspace(first, last, max(count, 2))[:-1], last))


def _points(span: float, unit: float) -> int:
    """Moments evenly in time over a span (s), so many in each `unit`."""
    return max(int(np.ceil(_A_LIFETIME * span / unit)), 1)


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

    return {
        "total current constant along x, over its allowance": check(record.constancy, 1.0),
        "ion number conserved in time": check(record.drift, ION_LIMIT),
    }


def attributes(record: Record) -> dict[str, Any]:
    """What a measurement of a pulse carries besides what all do."""
    return {"steps": record.steps, "iterations": record.iterations, "complete": int(record.complete)}


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def change(dataset: Any, name: str) -> tuple[F64, F64]:
    """Time (s, zero at the end of the pulse) and a variable less its value before the pulse, the first one stored."""
    time, values = np.asarray(dataset["time"], float), np.asarray(dataset[name], float)
    good = np.isfinite(values)
    time, values = time[good], values[good]
    return time, values - (values[0] if values.size else np.nan)


def peak_of(time: F64, signal: F64) -> int:
    """Index of the largest change from the end of the pulse on; -1 where there is none."""
    after = np.flatnonzero(time >= -1e-12 * np.abs(time).max(initial=0.0))
    if after.size == 0:
        return -1
    return int(after[np.argmax(np.abs(signal[after]))])


def exponential(time: F64, signal: F64, window: tuple[float, float] = WINDOW) -> tuple[float, float]:
    """Time constant of a decay (s) and the standard error of the fit, both NaN where it cannot be fitted.

    A straight line through ln(signal) where, after its peak, the signal lies between two parts of it.
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
    (slope, _), residual, *_ = np.polyfit(t, y, 1, full=True)
    if not slope < 0.0:
        return float("nan"), float("nan")
    spread = np.sqrt(float(residual[0]) / (t.size - 2)) if residual.size else 0.0
    error = spread / np.sqrt(float(((t - t.mean()) ** 2).sum()))
    return float(-1.0 / slope), float(error / slope**2)


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
