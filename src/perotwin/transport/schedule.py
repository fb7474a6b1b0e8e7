"""What happens to a cell in time: steps of bias and light, each with a duration.

    [Step(60.0, Voltage(1.3), light=1.0), Step(13.0, Voltage(1.3, 0.0), light=1.0, points=131)]

A step's bias and light go linearly from their first to their last value; the corners between steps are met exactly.
Light of another spectrum and laser pulses (`Beam`, `LaserPulse`) add to the cell's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.transport.light import Beam, LaserPulse

__all__ = [
    "Beam",
    "Control",
    "Current",
    "LaserPulse",
    "Load",
    "MaximumPower",
    "OpenCircuit",
    "Step",
    "Voltage",
    "check",
    "ramp",
    "repeat",
]

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


@dataclass(frozen=True)
class MaximumPower:
    """Perturb and observe: a voltage is held, its power read, and the next one lies on in the same direction as long as
    the power rises (D. P. Hohm, M. E. Ropp, Prog. Photovolt. 11, 47 (2003), doi:10.1002/pip.459).

    Attributes:
        start: first voltage (V); absent, that across the junction when the step begins.
        perturbation: V from one hold to the next.
        interval: s that each voltage is held; the moments reported are the ends of the holds.
    """

    start: float | None = None
    perturbation: float = 5e-3
    interval: float = 1.0

    def ends(self, duration: float) -> F64:
        """Ends of the holds within a step of this duration (s); the last one may be shorter."""
        count = int(np.floor(duration / self.interval + 1e-9))
        ends = self.interval * np.arange(1, count + 1)
        if count and duration - ends[-1] <= 1e-9 * self.interval:
            ends[-1] = duration
            return np.asarray(ends)
        return np.append(ends, duration)


Control = Voltage | Current | OpenCircuit | Load | MaximumPower


@dataclass(frozen=True)
class Step:
    """One step of a schedule.

    Attributes:
        duration: s, positive.
        control: what holds the terminals.
        light: suns of the cell's own light, one value or (first, last).
        points: how many moments of the step are reported, evenly spaced, the last one at its end; a tracker of maximum
            power reports the ends of its holds.
        times: moments (s from the step's start) that are reported instead, ascending, the last one its end.
        first: length (s) of the first time step; absent, short enough for what the fastest carriers do after a jump.
            A longer one passes over that: the first step damps what is faster than itself, and is shortened as far as
            the tolerance asks.
        beams: other light, added to the cell's own.
    """

    duration: float
    control: Control
    light: float | tuple[float, float] = 0.0
    points: int = 1
    times: tuple[float, ...] = ()
    first: float | None = None
    beams: tuple[Beam | LaserPulse, ...] = ()

    def light_at(self, fraction: float) -> float:
        """Suns when `fraction` of the step has passed."""
        if isinstance(self.light, tuple):
            return self.light[0] + fraction * (self.light[1] - self.light[0])
        return self.light

    def moments(self) -> F64:
        """Reported moments, s from the step's start."""
        if isinstance(self.control, MaximumPower):
            return self.control.ends(self.duration)
        if self.times:
            return np.asarray(self.times, dtype=float)
        return self.duration * np.arange(1, self.points + 1) / self.points


def ramp(
    start: float, stop: float, rate: float, *, light: float | tuple[float, float] = 0.0, points: int = 1
) -> Step:
    """A voltage ramp (V) at a rate (V/s, of either sign: the direction follows from start and stop).

    Raises:
        InputError: a rate of zero, or a ramp without length.
    """
    if not (np.isfinite(rate) and rate != 0.0):
        raise InputError(
            f"a rate of {rate:g} V/s: the voltage would stand still.",
            "Give V/s other than zero, or hold the voltage with Step(duration, Voltage(...)).",
            key="rate",
        )
    if not (np.isfinite(stop - start) and stop != start):
        raise InputError(
            f"a ramp from {start:g} to {stop:g} V has no length.", "Give two finite voltages.", key="stop"
        )
    return Step(abs((stop - start) / rate), Voltage(start, stop), light, points)


def repeat(steps: Sequence[Step], times: int) -> list[Step]:
    """The same steps, one round after another.

    Raises:
        InputError: no step, or less than one round.
    """
    if times < 1 or times != int(times):
        raise InputError(f"{times:g} rounds of a schedule.", "Give a whole number, one or more.", key="times")
    if not steps:
        raise InputError("there is no step to repeat.", "Give at least one.", key="steps")
    return [*steps] * int(times)


def check(schedule: Sequence[Step]) -> None:
    """Refuse a schedule that cannot be run.

    Raises:
        InputError: no step, a duration that is not positive, moments out of order, a load below zero, negative light,
            a pulse outside its step, a tracker that cannot track.
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
        if isinstance(step.control, MaximumPower):
            _check_tracker(step, step.control, where)
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
        _check_beams(step, where)
        if isinstance(step.control, Voltage | Current):
            ends = (step.control.at(0.0), step.control.at(1.0))
            if not np.all(np.isfinite(ends)):
                raise InputError(
                    f"a {type(step.control).__name__.lower()} from {ends[0]:g} to {ends[1]:g}.",
                    "Give finite numbers.",
                    key=where,
                )


def _check_beams(step: Step, where: str) -> None:
    for beam in step.beams:
        if isinstance(beam, Beam):
            continue
        if not isinstance(beam, LaserPulse):
            raise InputError(f"{beam!r} is no light.", "Give a Beam or a LaserPulse.", key=where)
        arrival, end = beam.ends
        if arrival > (1.0 - 1e-9) * step.duration or end > (1.0 + 1e-9) * step.duration:
            raise InputError(
                f"a laser pulse from {arrival:g} s to {end:g} s in a step of {step.duration:g} s.",
                "A pulse begins and ends within its step: make the step longer or the pulse earlier.",
                key=where,
            )


def _check_tracker(step: Step, tracker: MaximumPower, where: str) -> None:
    if not (np.isfinite(tracker.perturbation) and tracker.perturbation > 0.0):
        raise InputError(
            f"a perturbation of {tracker.perturbation:g} V tells the tracker nothing.",
            "Give volts above zero.",
            key=where,
        )
    if not 0.0 < tracker.interval <= step.duration:
        raise InputError(
            f"a tracker that holds each voltage for {tracker.interval:g} s in a step of {step.duration:g} s.",
            "Give an interval above zero that fits into the step at least once.",
            key=where,
        )
    if tracker.start is not None and not np.isfinite(tracker.start):
        raise InputError(
            f"a tracker that starts at {tracker.start:g} V.", "Give a finite voltage.", key=where
        )
    if step.times or step.points != 1:
        raise InputError(
            "a tracker of maximum power reports the end of each of its holds, and other moments were asked for.",
            "Leave out points and times.",
            key=where,
        )
