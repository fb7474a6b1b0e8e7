"""What happens to a cell in time: steps of bias and light, each with a duration.

    [Step(60.0, Voltage(1.3), light=1.0), Step(13.0, Voltage(1.3, 0.0), light=1.0, points=131)]

A step's bias and light go linearly from their first to their last value; the corners between steps are met exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Voltage:
    """A terminal voltage (V), constant or a ramp from `start` to `stop`."""

    start: float
    stop: float | None = None

    def at(self, fraction: float) -> float:
        """The voltage when `fraction` of the step has passed."""
        return self.start if self.stop is None else self.start + fraction * (self.stop - self.start)


@dataclass(frozen=True)
class Current:
    """A terminal current density (A m^-2, positive = power out), constant or a ramp."""

    start: float
    stop: float | None = None

    def at(self, fraction: float) -> float:
        """The current density when `fraction` of the step has passed."""
        return self.start if self.stop is None else self.start + fraction * (self.stop - self.start)


@dataclass(frozen=True)
class OpenCircuit:
    """No current leaves the cell: a constraint on the total current, displacement included."""


@dataclass(frozen=True)
class Load:
    """A resistor (ohm m^2) across the terminals."""

    resistance: float


Control = Voltage | Current | OpenCircuit | Load


@dataclass(frozen=True)
class Step:
    """One step of a schedule.

    Attributes:
        duration: s, positive.
        control: what holds the terminals.
        light: suns, one value or (first, last).
        points: how many moments of the step are reported, evenly spaced, the last one at its end.
        times: moments (s from the step's start) that are reported instead, ascending, the last one its end.
        first: length (s) of the first time step; absent, short enough for what the fastest carriers do after a jump.
            A longer one passes over that: the first step is of first order and damps what is faster than itself.
    """

    duration: float
    control: Control
    light: float | tuple[float, float] = 0.0
    points: int = 1
    times: tuple[float, ...] = ()
    first: float | None = None

    def light_at(self, fraction: float) -> float:
        """Suns when `fraction` of the step has passed."""
        if isinstance(self.light, tuple):
            return self.light[0] + fraction * (self.light[1] - self.light[0])
        return self.light

    def moments(self) -> F64:
        """Reported moments, s from the step's start."""
        if self.times:
            return np.asarray(self.times, dtype=float)
        return self.duration * np.arange(1, self.points + 1) / self.points


def check(schedule: Sequence[Step]) -> None:
    """Refuse a schedule that cannot be run.

    Raises:
        InputError: no step, a duration that is not positive, moments out of order, a load below zero, negative light.
    """
    if not schedule:
        raise InputError("the schedule has no step.", "Give at least one step with a duration.")
    for number, step in enumerate(schedule, 1):
        where = f"step {number}"
        if not step.duration > 0.0 or not np.isfinite(step.duration):
            raise InputError(
                f"a duration of {step.duration:g} s: time can only run forwards.",
                "Give seconds above zero.",
                key=where,
            )
        moments = step.moments()
        if (
            moments.size == 0
            or not np.all(np.diff(moments, prepend=0.0) > 0.0)
            or abs(moments[-1] - step.duration) > 1e-12 * step.duration
        ):
            raise InputError(
                "the reported moments do not rise from zero to the step's end.",
                "Sort them, let the last one be the step's duration, or give points.",
                key=where,
            )
        if step.first is not None and not step.first > 0.0:
            raise InputError(
                f"a first time step of {step.first:g} s: time can only run forwards.",
                "Give seconds above zero, or leave it out.",
                key=where,
            )
        if isinstance(step.control, Load) and not step.control.resistance >= 0.0:
            raise InputError(
                f"a load of {step.control.resistance:g} ohm m^2 would deliver power.",
                "Give zero or more.",
                key=where,
            )
        suns = (step.light_at(0.0), step.light_at(1.0))
        if not (min(suns) >= 0.0 and np.isfinite(max(suns))):
            raise InputError(
                f"light from {suns[0]:g} to {suns[1]:g} suns.", "Give zero suns or more.", key=where
            )
        if isinstance(step.control, Voltage | Current):
            ends = (step.control.at(0.0), step.control.at(1.0))
            if not np.all(np.isfinite(ends)):
                raise InputError(
                    f"a {type(step.control).__name__.lower()} from {ends[0]:g} to {ends[1]:g}.",
                    "Give finite numbers.",
                    key=where,
                )
