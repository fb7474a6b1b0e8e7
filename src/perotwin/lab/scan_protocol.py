"""How a cell is scanned: ends, step, rate, and what was done to it before.

Times and ends do not follow from the step: the same scan, read at other points, is the same scan.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, model_validator

from perotwin.errors import InputError, nearest
from perotwin.stack.quantity_fields import Dim, Intensity, Model, Time, Voltage
from perotwin.units import Quantity

__all__ = ["ABOVE", "DIRECTIONS", "RATE", "Hold", "Protocol", "Rest"]

F64 = NDArray[np.float64]
Direction = Literal["reverse", "forward"]

DIRECTIONS = ("reverse", "forward")
#: V/s, where neither a rate nor a delay is given
RATE = Quantity(0.1, "100 mV/s", dimension="scan rate")
#: s at the first voltage under light, where there is no preconditioning and no dwell is given
DWELL = Quantity(10.0, "10 s", dimension="time")
#: how far above open circuit a scan begins unless said, V
ABOVE = 0.03
#: grid (V) of the default ends and of the default dwell after preconditioning, whatever the step is
_GRID = 0.01
#: most points of one scan
_MOST = 100_000

ScanRate = Annotated[Quantity, Dim("scan rate", above=0, because=": the voltage would stand still")]


class Hold(Model):
    """A voltage (V) that is held for a time (s)."""

    voltage: Voltage
    time: Time


class Rest(Model):
    """Where a cell waits, endlessly, before anything is done to it: a voltage (V) and a light (suns)."""

    voltage: Voltage = Quantity(0.0, "0 V", dimension="voltage")
    light: Intensity = Quantity(0.0, "0 sun", dimension="intensity")


def _pair(value: Any, second: str, told: str, example: str) -> Any:
    """A voltage and another quantity as people write them, "0.9 V, 1 sun"; anything else as it is.

    second: what the other one is called. told: what the pair is not where it is not two; example: of one.
    """
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",")]
    if len(parts) != 2 or not all(parts):
        raise InputError(f'"{value}" is no {told}.', f'Write "{example}".')
    return {"voltage": parts[0], second: parts[1]}


def _rest(value: Any) -> Any:
    return _pair(value, "light", "rest: it takes a voltage and a light", "0.9 V, 1 sun")


def _hold(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2:
        return {"voltage": value[0], "time": value[1]}
    return _pair(value, "time", "preconditioning: it takes a voltage and a time", "1.3 V, 60 s")


def _directions(value: Any) -> Any:
    """Directions as people write them: "reverse,forward"."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    for name in value:
        if name not in DIRECTIONS:
            close = nearest(str(name), DIRECTIONS)
            advice = f'Did you mean "{close[0]}"?' if close else 'Write "reverse,forward", or one of the two.'
            raise InputError(f'there is no scan direction "{name}".', advice)
    if not value or len(set(value)) != len(value):
        raise InputError(
            "each direction is scanned once, and at least one is needed.",
            'Write "reverse,forward", or one of the two.',
        )
    return tuple(value)


class Protocol(Model):
    """How a cell is scanned.

    start, stop : the two ends of the scans (V), in either order; reverse goes from the higher to the lower one. Absent,
        the higher end lies a little above the open circuit of the settled cell, on a grid of 10 mV, or as much further
        as the scans need to pass the open circuit of the cell as it is then; the lower one lies at 0 V. A single one
        that is positive is the higher end.
    step : V between the points that are reported. Neither ends nor times follow from it, but in a staircase.
    directions : in the order in which they are scanned, "reverse" and "forward" or one of them.
    rate : V/s, the voltage a continuous ramp; 100 mV/s unless said.
    delay : s, instead of a rate: the voltage is a staircase, each point read after this time.
    preconditioning : a voltage and a time (s), "1.3 V, 60 s", under the cell's light.
    rest : voltage and light (suns) at which the ions have settled before all that; the dark at 0 V unless said.
    dwell : s at the first voltage before the first scan, under light; 10 s without preconditioning, and after one the
        time that the rate takes for 10 mV, or the delay.
    """

    start: Voltage | None = None
    stop: Voltage | None = None
    step: Voltage = Quantity(0.01, "10 mV", dimension="voltage")
    directions: Annotated[tuple[Direction, ...], BeforeValidator(_directions)] = ("reverse", "forward")
    rate: ScanRate | None = None
    delay: Time | None = None
    preconditioning: Annotated[Hold | None, BeforeValidator(_hold)] = None
    rest: Annotated[Rest, BeforeValidator(_rest)] = Rest()
    dwell: Time | None = None

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not self.step > 0.0:
            raise InputError(
                f"a step of {self.step.text} leads nowhere.",
                "Give a positive step; the direction follows from the scan.",
                key="step",
            )
        if self.rate is not None and self.delay is not None:
            raise InputError(
                "a scan has a rate or a delay, not both: the step over the delay is already a rate.",
                "Leave out one of them.",
                key="delay",
            )
        if self.start is not None and self.stop is not None:
            if self.start == self.stop:
                raise InputError(
                    f"a scan from {self.start.text} to {self.stop.text} has no length.",
                    "Give two voltages.",
                    key="stop",
                )
            if abs(self.stop - self.start) / self.step > _MOST:
                raise InputError(
                    f"from {self.start.text} to {self.stop.text} in steps of {self.step.text} makes more than {_MOST} "
                    "points.",
                    "Give a larger step.",
                    key="step",
                )
        return self

    @property
    def open_above(self) -> bool:
        """Whether the higher end is left open."""
        given = [float(v) for v in (self.start, self.stop) if v is not None]
        return not given or (len(given) == 1 and given[0] <= 0.0)

    def ends(self, voc: float, above: float = ABOVE) -> tuple[float, float]:
        """The lower and the higher end (V) for a cell whose open circuit lies at `voc` (V), the latter by `above` (V)
        above it unless it is given.

        Raises:
            InputError: the one end that is given lies beyond the other's default.
        """
        given = [float(v) for v in (self.start, self.stop) if v is not None]
        if len(given) == 2:
            return min(given), max(given)
        high = float(np.round(np.ceil((voc + above) / _GRID - 1e-9) * _GRID, 12))
        if not given:
            return 0.0, high
        return (0.0, given[0]) if given[0] > 0.0 else (given[0], high)

    def resolved(self, voc: float, above: float = ABOVE) -> Protocol:
        """The same protocol with nothing left open, as it is run."""
        low, high = self.ends(voc, above)
        first, last = (high, low) if self.directions[0] == "reverse" else (low, high)
        after = float(self.delay) if self.delay is not None else _GRID / float(self.rate or RATE)
        dwell: float = self.dwell or (DWELL if self.preconditioning is None else after)
        return Protocol(
            start=first,
            stop=last,
            step=self.step,
            directions=self.directions,
            rate=None if self.delay is not None else self.rate or RATE,
            delay=self.delay,
            preconditioning=self.preconditioning,
            rest=self.rest,
            dwell=dwell,
        )

    def voltages(self) -> F64:
        """(K,) points from start to stop, both included; whole steps but perhaps the last one.

        Raises:
            InputError: an end is left open (see `resolved`).
        """
        if self.start is None or self.stop is None:
            raise InputError("the scan has an open end.", "Give start and stop.")
        span = float(self.stop) - float(self.start)
        count = int(np.floor(abs(span) / self.step + 1e-6))
        points = float(self.start) + np.sign(span) * float(self.step) * np.arange(count + 1)
        if abs(points[-1] - float(self.stop)) > 1e-6 * self.step:
            points = np.append(points, float(self.stop))
        points[-1] = float(self.stop)
        # rounding to a picovolt turns 0.30000000000000004 into 0.3
        return np.asarray(np.round(points, 12))

    def words(self) -> str:
        """What was done to the cell before the first scan, as a sentence; of a resolved protocol."""
        assert self.dwell is not None and self.start is not None
        suns = float(self.rest.light)
        where = f"under {suns:g} sun" if suns > 0.0 else "in the dark"
        parts = [f"{where} at {float(self.rest.voltage):g} V until the ions had settled"]
        if self.preconditioning is not None:
            hold = self.preconditioning
            parts.append(f"{float(hold.time):g} s at {float(hold.voltage):g} V under its light")
        parts.append(
            f"{float(self.dwell):g} s at the first voltage, {float(self.start):g} V, under its light"
        )
        pace = (
            f"a staircase with {float(self.delay):g} s a point"
            if self.delay is not None
            else f"{1e3 * float(self.rate or RATE):g} mV/s"
        )
        return f"before the scan: {'; '.join(parts)}. Scanned {', then '.join(self.directions)} at {pace}."
