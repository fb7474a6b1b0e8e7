"""Current-voltage scans in time: forward and reverse, with ions that move while the voltage does.

    scans = measure(cell, Protocol(rate="100 mV/s", preconditioning="1.3 V, 60 s"))
    analyse(scans)["loop"]["hysteresis_index"]

The cell rests in the dark at 0 V until its ions have settled; then come the light, the preconditioning if there is
one, the dwell at the first voltage, and the scans, one after another without a pause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, model_validator

from perotwin.errors import InputError, nearest
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Dim, Intensity, Model, Time, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell
    from perotwin.transport.schedule import Step
    from perotwin.transport.states import States
    from perotwin.transport.time_series import Trace
    from perotwin.transport.transient import Engine

__all__ = [
    "INSTRUMENT",
    "Hold",
    "Protocol",
    "Rest",
    "analyse",
    "hysteresis_index",
    "measure",
    "plot",
    "plot_series",
    "series",
]

F64 = NDArray[np.float64]
Direction = Literal["reverse", "forward"]
Scans = dict[str, "xr.Dataset"]

DIRECTIONS = ("reverse", "forward")
#: V/s, where neither a rate nor a delay is given
RATE = Quantity(0.1, "100 mV/s", dimension="scan rate")
#: s at the first voltage under light, where there is no preconditioning and no dwell is given
DWELL = Quantity(10.0, "10 s", dimension="time")
#: how far above open circuit a scan begins unless said, V
_ABOVE = 0.03
#: most points of one scan
_MOST = 100_000
#: first time step of a staircase's tread, as a part of its delay
_TREAD = 1e-2
#: allowed relative change of the number of ions over a run
ION_LIMIT = 1e-10

ScanRate = Annotated[Quantity, Dim("scan rate", above=0, because=": the voltage would stand still")]


class Hold(Model):
    """A voltage (V) that is held for a time (s)."""

    voltage: Voltage
    time: Time


class Rest(Model):
    """Where a cell waits, endlessly, before anything is done to it: a voltage (V) and a light (suns)."""

    voltage: Voltage = Quantity(0.0, "0 V", dimension="voltage")
    light: Intensity = Quantity(0.0, "0 sun", dimension="intensity")


def _rest(value: Any) -> Any:
    """A rest as people write it: "0.9 V, 1 sun"."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        if len(parts) != 2 or not all(parts):
            raise InputError(
                f'"{value}" is no rest: it takes a voltage and a light.', 'Write "0.9 V, 1 sun".'
            )
        return {"voltage": parts[0], "light": parts[1]}
    return value


def _hold(value: Any) -> Any:
    """A hold as people write it: "1.3 V, 60 s"."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        if len(parts) != 2 or not all(parts):
            raise InputError(
                f'"{value}" is no preconditioning: it takes a voltage and a time.', 'Write "1.3 V, 60 s".'
            )
        return {"voltage": parts[0], "time": parts[1]}
    if isinstance(value, tuple) and len(value) == 2:
        return {"voltage": value[0], "time": value[1]}
    return value


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
        the higher end lies a little above the open circuit of the settled cell and the lower one at 0 V; a single one
        that is positive is the higher end.
    step : V between points.
    directions : in the order in which they are scanned, "reverse" and "forward" or one of them.
    rate : V/s, the voltage a continuous ramp; 100 mV/s unless said.
    delay : s, instead of a rate: the voltage is a staircase, each point read after this time.
    preconditioning : a voltage and a time (s), "1.3 V, 60 s", under the cell's light.
    rest : voltage and light (suns) at which the ions have settled before all that; the dark at 0 V unless said.
    dwell : s at the first voltage before the first scan, under light; 10 s without preconditioning, and after one the
        time of a point.
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
    def point_time(self) -> float:
        """s from one point to the next."""
        return float(self.delay) if self.delay is not None else float(self.step) / float(self.rate or RATE)

    def ends(self, voc: float) -> tuple[float, float]:
        """The lower and the higher end (V) for a cell whose open circuit lies at `voc` (V).

        Raises:
            InputError: the one end that is given lies beyond the other's default.
        """
        given = [float(v) for v in (self.start, self.stop) if v is not None]
        if len(given) == 2:
            return min(given), max(given)
        above = float(np.round(np.ceil((voc + _ABOVE) / self.step - 1e-9) * self.step, 12))
        if not given:
            return 0.0, above
        return (0.0, given[0]) if given[0] > 0.0 else (given[0], above)

    def resolved(self, voc: float) -> Protocol:
        """The same protocol with nothing left open, as it is run."""
        low, high = self.ends(voc)
        first, last = (high, low) if self.directions[0] == "reverse" else (low, high)
        dwell: float = self.dwell or (DWELL if self.preconditioning is None else self.point_time)
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


def _schedule(protocol: Protocol, light: float) -> tuple[list[Step], list[str]]:
    """Steps of a resolved protocol, and for each the direction that it belongs to ("" before the scans)."""
    from perotwin.transport.schedule import Step, Voltage

    steps: list[Step] = []
    owner: list[str] = []
    hold = protocol.preconditioning
    if hold is not None:
        steps.append(Step(float(hold.time), Voltage(float(hold.voltage)), light))
        owner.append("")
    points = protocol.voltages()
    assert protocol.dwell is not None
    steps.append(Step(float(protocol.dwell), Voltage(float(points[0])), light))
    owner.append("")
    for number, direction in enumerate(protocol.directions):
        path = points if number == 0 else points[::-1]
        if protocol.delay is None:
            times = np.abs(path[1:] - path[0]) / float(protocol.rate or RATE)
            ramp = Voltage(float(path[0]), float(path[-1]))
            steps.append(Step(float(times[-1]), ramp, light, times=tuple(times.tolist())))
            owner.append(direction)
            continue
        delay = float(protocol.delay)
        for voltage in path[1:]:
            steps.append(Step(delay, Voltage(float(voltage)), light, first=_TREAD * delay))
            owner.append(direction)
    return steps, owner


def measure(cell: Cell, protocol: Protocol | None = None, *, tolerance: float | None = None) -> Scans:
    """Scan a cell under its own light.

    Args:
        cell: the stack; all its ions move, whatever their response in steady states.
        protocol: a default one if absent.
        tolerance: of the time steps (see `transport.transient.Engine`).

    Returns:
        By direction, in the order of the scans: `current_density` (voltage), A m^-2, and the coordinate `time`
        (voltage), s since the first scan began; of a tandem `voltage_top` and so on and what is lost,
        `voltage_between`, V. After Ctrl-C it holds what was computed, and `complete` among the
        attributes is 0.

    Raises:
        InputError: light on a cell that has no optics.
        ConvergenceError: a time step could not be taken; `measured` in its context holds the scans so far.
        KeyboardInterrupt: interrupted before the first point.
    """
    from perotwin import progress
    from perotwin.errors import ConvergenceError
    from perotwin.transport.build import build
    from perotwin.transport.transient import TOLERANCE, Engine

    intensity = float(cell.light.intensity)
    protocol = protocol or Protocol()
    lit = max(intensity, float(protocol.rest.light)) > 0.0
    engine = Engine(build(cell, light=lit), tolerance or TOLERANCE)
    steady, voc = _open_circuit(engine, intensity)
    protocol = protocol.resolved(voc)
    steps, owner = _schedule(protocol, intensity)
    rest = engine.settled(float(protocol.rest.voltage), float(protocol.rest.light))
    total = sum(step.moments().size for step in steps)
    with progress.task(f"{cell.name}: scanning", total=total) as counter:
        try:
            trace = engine.run(steps, rest, advanced=lambda _: counter.advance())
        except ConvergenceError as error:
            known = error.context.get("trace")
            error.context["measured"] = (
                {} if known is None else _datasets(cell, protocol, steady, engine, known, owner)
            )
            raise
    found = _datasets(cell, protocol, steady, engine, trace, owner)
    if not found:
        raise KeyboardInterrupt
    return found


def _open_circuit(engine: Engine, intensity: float) -> tuple[States, float]:
    """A steady curve of the cell, ions settled, and its open circuit (V); in the dark, its end of interest."""
    from perotwin.errors import ConvergenceError
    from perotwin.lab import jv

    states = jv.curve(engine.solver, jv.Protocol(step="20 mV"), intensity)
    good = np.flatnonzero(states.converged)
    last = int(good[-1])
    if intensity > 0.0 and states.current[last] <= 0.0:
        try:
            return states, float(engine.solver.open_circuit(states.state(last), intensity).voltage[0])
        except ConvergenceError:
            pass  # only the range of the scan hangs on it: the curve's end serves as well
    return states, float(states.voltage[last])


def _datasets(
    cell: Cell, protocol: Protocol, steady: States, engine: Engine, trace: Trace, owner: Sequence[str]
) -> Scans:
    """The scans of a trace, complete or not."""
    from perotwin.lab import conditions, jv
    from perotwin.measurement import check, make_dataset
    from perotwin.transport.checks import CURRENT_LIMIT, optical_checks

    direction_of = np.array([owner[int(number)] for number in trace.step])
    asked = protocol.voltages().size * len(protocol.directions)
    scanned = int(np.count_nonzero(direction_of != "")) + len(protocol.directions)
    found_checks = {
        "points without a solution": check(max(asked - scanned, 0), 0.0),
        **optical_checks(engine.problem),
    }
    if trace.constancy.size:
        worst = CURRENT_LIMIT * float(trace.constancy.max())
        found_checks["total current constant along x in time"] = check(worst, CURRENT_LIMIT)
    if trace.ions.size:
        change = np.abs(trace.ions / trace.ions[0] - 1.0).max()
        found_checks["ion number conserved in time"] = check(float(change), ION_LIMIT)
    before = np.flatnonzero(direction_of == "")
    clock = float(trace.time[before[-1]]) if before.size else 0.0
    points = protocol.voltages()
    notes = [*engine.problem.notes, protocol.words()]
    if not trace.complete:
        notes.append("interrupted: the scans hold what was computed until then.")
    made: Scans = {}
    each = engine.junction_voltages(trace)
    short = [
        direction
        for direction in protocol.directions
        if jv.short_of_the_top(
            trace.voltage[direction_of == direction], trace.current[direction_of == direction]
        )
    ]
    if short:
        notes.append(
            f"the {' and the '.join(short)} scan ends before maximum power: fill factor and efficiency are not known. "
            "Scan further, with --start and --stop."
        )
    for number, direction in enumerate(protocol.directions):
        here = np.flatnonzero(direction_of == direction)
        if here.size == 0:
            break
        # the first point is what was read last before the scan: at the end of the dwell, or where the voltage turns
        index = np.concatenate(([here[0] - 1], here))
        path = points if number == 0 else points[::-1]
        # a scan has the shape of a current-voltage curve
        made[direction] = make_dataset(
            jv.INSTRUMENT,
            {
                "current_density": ("voltage", trace.current[index]),
                "converged": ("voltage", np.ones(index.size, dtype=bool)),
                **{f"voltage_{name}": ("voltage", values[index]) for name, values in each.items()},
            },
            {"voltage": path[: index.size], "time": ("voltage", trace.time[index] - clock)},
            about={
                **conditions.about(cell, protocol, steady.intensity),
                "direction": direction,
                "irradiance": conditions.irradiance(steady),
                "steps": trace.steps,
                "iterations": trace.iterations,
                "complete": int(trace.complete),
            },
            checks=found_checks,
            notes=notes,
        )
    return made


def series(cell: Cell, rates: Sequence[str | float], protocol: Protocol | None = None) -> dict[float, Scans]:
    """The same scan at several rates, each from the cell at rest.

    Args:
        cell: the stack.
        rates: "100 mV/s" and the like, or V/s.
        protocol: all but its rate or delay.

    Returns:
        Rate (V/s) -> scans; after Ctrl-C those that are done.
    """
    told = (protocol or Protocol()).model_dump(exclude={"rate", "delay"})
    protocols = [Protocol(**told, rate=rate) for rate in rates]
    made: dict[float, Scans] = {}
    for one in protocols:
        assert one.rate is not None
        try:
            scans = measure(cell, one)
        except KeyboardInterrupt:
            if not made:
                raise
            return made
        made[float(one.rate)] = scans
        if not all(item.attrs["complete"] for item in scans.values()):
            break
    return made


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def analyse(scans: Mapping[str, xr.Dataset] | xr.Dataset) -> dict[str, Metrics]:
    """Metrics of each scan (`lab.jv.analyse`), and of the loop where both directions are there.

    Args:
        scans: by direction, simulated or read from files; or one scan.

    Returns:
        direction -> Metrics, and "loop" -> Metrics with `hysteresis_index`.
    """
    from perotwin.lab import jv

    one: Any = scans
    # a dataset is a mapping as well, of its variables
    several = {str(one.attrs.get("direction", "steady")): one} if hasattr(one, "data_vars") else one
    found = {direction: jv.analyse(dataset) for direction, dataset in several.items()}
    if {"reverse", "forward"} <= found.keys():
        index = hysteresis_index(found["reverse"], found["forward"])
        found["loop"] = Metrics({"hysteresis_index": index})
    return found


def hysteresis_index(reverse: Metrics, forward: Metrics) -> Metric:
    """(PCE reverse - PCE forward) / PCE reverse: 0 without hysteresis, negative where it is inverted."""
    first, second = float(reverse["pce"]), float(forward["pce"])
    value = (first - second) / first if first > 0.0 else float("nan")
    return Metric(value, "1", "(PCE reverse - PCE forward) / PCE reverse")


def plot(scans: Any, ax: Axes | None = None) -> Figure:
    """Both directions of one cell or, given a list, of several cells in one panel; see `plotting.time.loops`."""
    from perotwin.plotting import time

    return time.loops(_flat(scans), ax)


def plot_series(made: Sequence[Mapping[float, Mapping[str, xr.Dataset]]], ax: Axes | None = None) -> Figure:
    """Hysteresis index against scan rate, one curve a cell; `made` are results of `series`."""
    from perotwin.plotting import time

    curves: dict[str, tuple[list[float], list[float]]] = {}
    for one in made:
        for rate, scans in one.items():
            loop = analyse(scans).get("loop")
            if loop is None:
                continue
            name = str(next(iter(scans.values())).attrs.get("stack", ""))
            rates, indices = curves.setdefault(name, ([], []))
            rates.append(rate)
            indices.append(float(loop["hysteresis_index"]))
    return time.rates(curves, ax)


def _flat(scans: Any) -> list[xr.Dataset]:
    """Datasets of a scan, of scans by direction, or of a list of either."""
    if hasattr(scans, "data_vars"):
        return [scans]
    if isinstance(scans, Mapping):
        return list(scans.values())
    return [dataset for one in scans for dataset in _flat(one)]


# --- what it is ------------------------------------------------------------------------------------------------------


def _by_direction(scans: Any) -> dict[str, xr.Dataset]:
    return {str(one.attrs.get("direction", "steady")): one for one in _flat(scans)}


def read(scans: Any) -> Metrics:
    """What a table shows of scans: the metrics of each direction, "pce, reverse", and of the loop."""
    flat = {
        name if direction == "loop" else f"{name}, {direction}": metric
        for direction, metrics in analyse(_by_direction(scans)).items()
        for name, metric in metrics.items()
        if name in ("voc", "jsc", "ff", "pce", "hysteresis_index")
    }
    return Metrics(flat)


def _entries(scans: Any) -> dict[str, Any]:
    from perotwin.lab import jv

    found = analyse(_by_direction(scans))
    unknown = Metrics({"hysteresis_index": Metric(float("nan"), "1")})
    return {
        "scans": [jv.scan_entry(one, found[direction]) for direction, one in _by_direction(scans).items()],
        **found.get("loop", unknown).to_json(),
    }


def _document(scans: Any, metrics: Metrics) -> dict[str, Any]:
    """The scans for machines, with times, hysteresis index and protocol."""
    from perotwin.measurement import protocol_of

    first = _flat(scans)[0]
    return {
        **_entries(scans),
        "protocol": protocol_of(first),
        "complete": bool(first.attrs.get("complete", True)),
    }


INSTRUMENT = Instrument(
    name="scan",
    title="scans in time",
    protocol=Protocol,
    measure=measure,
    analyse=read,
    plot=plot,
    caption=(
        "Scans of {cells} in time, reverse solid and forward dashed; dots mark maximum power. The notes below say how "
        "the cells were preconditioned and how fast they were scanned."
    ),
    variables=(
        Variable("voltage", ("voltage",)),
        Variable("time", ("voltage",)),
        Variable("current_density", ("voltage",), required=True),
    ),
    document=_document,
    summary=lambda measured, metrics: _entries(measured),
    place=10,
)
