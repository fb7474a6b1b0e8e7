"""What the pulse experiments share: a small pulse of light on a settled cell, and the decay that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.stack import Stack
    from perotwin.transport.schedule import Control
    from perotwin.transport.transient import Engine, Moment

F64 = NDArray[np.float64]

#: the part of the decay that an exponential is fitted to, as parts of its peak: the fast beginning (carriers that
#: spread, capacitances that share their charge) is over, and what the ions do later has not begun
WINDOW = (0.2, 0.02)
#: a decay without a stated end stops where this part of the peak is left, or here
_LEFT, _LONGEST = 2e-3, 100.0
#: reported moments a decade of time, and during the pulse
_A_DECADE, _RISE = 24, 16
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
    start: Moment,
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

    rise = tuple(width * np.append(np.geomspace(1.0 / 300.0, 1.0, _RISE)[:-1], 1.0))
    up = engine.run([Step(width, control, light + pulse, times=rise)], start)
    first = width / 100.0
    last = _LONGEST if duration is None else duration
    first = min(first, 0.1 * last)
    count = int(np.ceil(_A_DECADE * np.log10(last / first))) + 1
    times = tuple(np.append(np.geomspace(first, last, count)[:-1], last))
    peak = abs(signal(float(up.voltage[-1]), float(up.current[-1]))) if up.complete else 0.0
    highest = [peak]

    def over(time: float, voltage: float, current: float) -> bool:
        now = abs(signal(voltage, current))
        highest[0] = max(highest[0], now)
        return duration is None and now < _LEFT * highest[0]

    ended = False
    parts = [up]
    if up.complete:
        down = engine.run([Step(last, control, light, times=times)], up.moments[-1], stop=over)
        parts.append(down)
        ended = down.complete or (down.time.size > 0 and over(0.0, down.voltage[-1], down.current[-1]))
    ions = np.concatenate([part.ions.reshape(part.time.size, -1) for part in parts])
    drift = float(np.abs(ions / ions[0] - 1.0).max()) if ions.size else 0.0
    return Record(
        time=np.concatenate([[-width], parts[0].time - width, *(part.time for part in parts[1:])]),
        voltage=np.concatenate([[base[0]], *(part.voltage for part in parts)]),
        current=np.concatenate([[base[1]], *(part.current for part in parts)]),
        light=np.concatenate([[light], *(part.light for part in parts)]),
        steps=sum(part.steps for part in parts),
        iterations=sum(part.iterations for part in parts),
        drift=drift,
        constancy=float(np.max([np.max(part.constancy, initial=0.0) for part in parts])),
        complete=ended,
    )


def refuse_dark(cell: Stack, light: float) -> None:
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
