"""Maximum-power-point tracking: perturb and observe, second by second, on a cell whose ions move.

    m = measure(cell, Protocol(duration="10 min"))
    analyse(m)["stabilised_power"]

The tracker holds a voltage, reads the power at the end of the interval, and goes on in the same direction as long as
the power rises (D. P. Hohm, M. E. Ropp, Prog. Photovolt. 11, 47 (2003), doi:10.1002/pip.459).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import model_validator

from perotwin.errors import InputError
from perotwin.lab import degradation
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.measurement.dataset import simulated
from perotwin.stack.quantity_fields import Model, Time, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.open_circuit import Settled
    from perotwin.lab.tracked_power import Tracked
    from perotwin.stack import Cell
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver
    from perotwin.transport.time_series import Trace
    from perotwin.transport.transient import Engine

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot", "track"]

#: allowed local error of the time steps: in the first seconds of light-soaking, while the power changes by half from
#: one hold to the next, it is then right to 1.5e-2, and to 3e-4 or better once it is steady
TOLERANCE = 1e-2
#: part of the run, counted from its end, that the stabilised power is the mean of
_WINDOW = 0.2
_MOST = 200_000


class Protocol(Model):
    """How a cell is tracked.

    duration : s. perturbation : V. interval : s that each voltage is held.
    start : first voltage (V); that of maximum power of the settled cell unless said.
    """

    duration: Time = Quantity(600.0, "10 min", dimension="time")
    perturbation: Voltage = Quantity(0.005, "5 mV", dimension="voltage")
    interval: Time = Quantity(1.0, "1 s", dimension="time")
    start: Voltage | None = None

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not self.perturbation > 0.0:
            raise InputError(
                f"a perturbation of {self.perturbation.text} tells the tracker nothing.",
                "Give volts above zero.",
                key="perturbation",
            )
        if self.duration < 5.0 * self.interval:
            raise InputError(
                f"{self.duration.text} hold fewer than five intervals of {self.interval.text}: nothing can be tracked.",
                "Give a longer duration or a shorter interval.",
                key="duration",
            )
        if self.duration / self.interval > _MOST:
            raise InputError(
                f"{self.duration.text} hold more than {_MOST} intervals of {self.interval.text}.",
                "Give a longer interval.",
                key="interval",
            )
        return self

    @property
    def holds(self) -> int:
        """How many intervals the run has."""
        return int(np.floor(self.duration / self.interval + 1e-9))


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None, *, tolerance: float | None = None) -> xr.Dataset:
    """Track the maximum power of a cell under its own light, from the moment that the light goes on.

    Args:
        cell: the stack; all its ions move.
        protocol: a default one if absent.
        tolerance: of the time steps (see `transport.transient.Engine`).

    Returns:
        `voltage`, `current_density` and `power_density` (time), read at the end of each interval. After Ctrl-C it holds
        what was computed, and `complete` among the attributes is 0.

    Raises:
        InputError: no light.
        ConvergenceError: a time step could not be taken; `measured` in its context holds what came before.
        KeyboardInterrupt: interrupted before the first reading.
    """
    from perotwin import progress
    from perotwin.errors import ConvergenceError
    from perotwin.lab import open_circuit
    from perotwin.lab.meshes import Attempt, until_fine
    from perotwin.transport.build import build
    from perotwin.transport.transient import Engine

    protocol = protocol or Protocol()
    intensity = float(cell.light.intensity)
    if intensity == 0.0:
        raise InputError(
            f'"{cell.name}" is in the dark and gives no power.',
            'Give it light: intensity = "1 sun".',
            key="light.intensity",
        )

    coarser: Solver | None = None

    def attempt(density: float | Like) -> Attempt[tuple[Engine, Settled]]:
        nonlocal coarser
        made = Engine(build(cell, density=density), tolerance or TOLERANCE, coarser)
        coarser = made.solver
        found = open_circuit.of_cell(made.solver, intensity)
        return Attempt((made, found), found.of_mesh, finer=found.finer)

    engine, settled = until_fine(attempt).found
    voltage = _first(settled.curve, protocol)
    protocol = Protocol(**{**protocol.model_dump(), "start": voltage})
    with progress.task(f"{cell.name}: tracking", total=protocol.holds) as counter:
        try:
            run = track(engine, protocol, intensity, advanced=lambda _: counter.advance())
        except ConvergenceError as error:
            known = error.context.get("trace")
            kept = None
            if known is not None and known.time.size:
                kept = _dataset(cell, protocol, engine, intensity, settled, known)
            error.context["measured"] = kept
            raise
    if not run.time.size:
        raise KeyboardInterrupt
    return _dataset(cell, protocol, engine, intensity, settled, run)


def track(
    engine: Engine,
    protocol: Protocol,
    intensity: float,
    *,
    advanced: Callable[[float], object] | None = None,
) -> Trace:
    """Perturb and observe, from the cell settled in the dark at 0 V; `protocol.start` is given.

    Returns:
        The trace at the ends of the holds, of its moments the last one only.
    """
    from perotwin.transport.schedule import MaximumPower, Step

    assert protocol.start is not None
    interval = float(protocol.interval)
    tracker = MaximumPower(float(protocol.start), float(protocol.perturbation), interval)
    steps = [Step(protocol.holds * interval, tracker, intensity)]
    return engine.run(steps, engine.settled(0.0, 0.0), advanced=advanced, keep=False)


def _first(curve: States, protocol: Protocol) -> float:
    """The voltage that the tracker begins at (V): the one asked for, or that of most power on a steady curve."""
    if protocol.start is not None:
        return float(protocol.start)
    power = np.where(curve.converged, curve.voltage * curve.current, -np.inf)
    return float(np.round(curve.voltage[int(np.argmax(power))], 12))


def _dataset(
    cell: Cell,
    protocol: Protocol,
    engine: Engine,
    intensity: float,
    settled: Settled,
    run: Trace,
) -> xr.Dataset:
    from perotwin.lab import conditions
    from perotwin.lab.scan import ION_LIMIT
    from perotwin.measurement import check, make_dataset
    from perotwin.transport.checks import CURRENT_LIMIT, optical_checks
    from perotwin.transport.splitting_in_time import splitting_checks

    time, voltage, current = run.time, run.voltage, run.current
    found = {
        **optical_checks(engine.problem),
        **settled.checks,
        **settled.of_mesh,
        **splitting_checks(run.splitting),
    }
    found["total current constant along x in time"] = check(
        CURRENT_LIMIT * float(run.constancy.max()), CURRENT_LIMIT
    )
    if run.ions.size:
        found["ion number conserved in time"] = check(
            float(np.abs(run.ions / run.ions[0] - 1.0).max()), ION_LIMIT
        )
    notes = [
        *settled.notes,
        f"before tracking: in the dark at 0 V until the ions had settled; tracked from {float(voltage[0]):g} V, "
        f"perturb and observe, {1e3 * float(protocol.perturbation):g} mV every {float(protocol.interval):g} s.",
    ]
    if not run.complete:
        notes.append("interrupted: it holds what was computed until then.")
    return make_dataset(
        INSTRUMENT,
        {
            "voltage": ("time", voltage),
            "current_density": ("time", current),
            "power_density": ("time", voltage * current),
        },
        {"time": time},
        about={
            **conditions.about(cell, protocol, intensity),
            "irradiance": conditions.irradiance(settled.curve),
            "steps": run.steps,
            "iterations": run.iterations,
            "complete": int(run.complete),
        },
        checks=found,
        notes=notes,
    )


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("mppt")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Stabilised power with its spread, where the tracker stands, and when a fifth is lost.

    Returns:
        Means over the last fifth of the run: `stabilised_power`, `stabilised_pce`, and `stabilised_voltage` and
        `stabilised_current` where those were measured; the uncertainty is the standard deviation there, the tracker's
        own steps included. `power_drift` is the change of the mean power from the first to the second half of that
        window, as a part of it. Of a trace of an hour or more, and of every measured one, `t95`, `t80`, `retained`,
        `burn_in`, `ts80` and `t80_model` (see `tracked_power`); NaN with the reason where the data do not go so far.
        A variable `irradiance` over time divides the power. Either sign of voltage, current and power is taken.

    Raises:
        InputError: no reading.
    """
    from perotwin.lab import tracked_power

    time = np.asarray(dataset["time"], float)
    power = np.asarray(dataset["power_density"], float)
    if not np.isfinite(power).any():
        raise InputError("this trace holds no reading of a power.", "Give one.", key="power_density")
    others = {
        name: np.asarray(dataset[name], float) for name in ("voltage", "current_density") if name in dataset
    }
    of_voltage, of_current, of_power, turned = 1.0, 1.0, 1.0, ""
    if not simulated(dataset):
        of_voltage, of_current, of_power, turned = tracked_power.oriented_power(
            others.get("voltage"), others.get("current_density"), power
        )
    good = np.isfinite(time) & np.isfinite(power)
    order = np.flatnonzero(good)[np.argsort(time[good], kind="stable")]
    time, power = time[order], of_power * power[order]
    length = float(time[-1] - time[0]) if time.size > 1 else 0.0
    here = time >= time[-1] - _WINDOW * length
    words = f"mean and standard deviation over the last fifth of the run{turned}"

    def metric(values: np.ndarray, unit: str) -> Metric:
        return Metric(float(values[here].mean()), unit, words, float(values[here].std()))

    stated = dataset.attrs.get("irradiance")
    irradiance = 1000.0 if stated is None else float(stated)
    window = power[here]
    half = window.size // 2
    drift = float(window[half:].mean() / window[:half].mean() - 1.0) if half else float("nan")
    efficiency = metric(power / irradiance, "1")
    if stated is None:
        efficiency = efficiency._replace(method=f"{words}; irradiance not told: 1000 W/m^2")
    found = {"stabilised_power": metric(power, "W m-2"), "stabilised_pce": efficiency}
    if "voltage" in others:
        found["stabilised_voltage"] = metric(of_voltage * others["voltage"][order], "V")
    if "current_density" in others:
        found["stabilised_current"] = metric(of_current * others["current_density"][order], "A m-2")
    found["power_drift"] = Metric(
        drift, "1", "second half of the last fifth of the run against its first half", _of_drift(window)
    )
    if length >= degradation.SHORTEST:
        found |= tracked_power.lifetimes(_tracked(dataset, order, power))[0]
    elif not simulated(dataset):
        why = f"not told: the trace lasts {degradation.span(length)}, too short for any statement about degradation"
        found |= {name: Metric(np.nan, "s", why) for name in ("t95", "t80", "ts80")}
    return Metrics(found)


def _tracked(dataset: xr.Dataset, order: np.ndarray, power: np.ndarray) -> Tracked:
    """The trace that lifetimes are read from, over the irradiance where that was measured."""
    from perotwin.lab import tracked_power

    light = np.asarray(dataset["irradiance"], float)[order] if "irradiance" in dataset else None
    return tracked_power.tracked(np.asarray(dataset["time"], float)[order], power, light)


def _of_drift(window: np.ndarray) -> float | None:
    """Standard error of the drift: of means of correlated readings, by the spread of tenths of the window."""
    if window.size < 20:
        return None
    tenths = np.array([part.mean() for part in np.array_split(window, 10)])
    # a drift is no scatter
    left = tenths - np.polyval(np.polyfit(np.arange(10.0), tenths, 1), np.arange(10.0))
    return float(np.sqrt(left @ left / 8.0) * np.sqrt(2.0 / 5.0) / abs(window.mean()))


@of_measurements("mppt")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Power and voltage against time, several cells in one panel; see `plotting.time.tracking`.

    Of a trace of an hour or more with its upper envelope, and the likeliest curve through it.
    """
    from perotwin.lab import tracked_power
    from perotwin.plotting import style
    from perotwin.plotting import time as of_time

    items: list[xr.Dataset] = []
    envelopes: list[Any] = []
    for item in style.as_list(datasets):
        item, power = _turned(item)
        items.append(item)
        time = np.asarray(item["time"], float)
        order = np.flatnonzero(np.isfinite(time) & np.isfinite(power))
        order = order[np.argsort(time[order], kind="stable")]
        if time[order].size > 1 and np.ptp(time[order]) >= degradation.SHORTEST:
            trace = _tracked(item, order, power[order])
            _, envelope, fits = tracked_power.lifetimes(trace)
            start = float(trace.time[0])
            curve = fits[0].at(envelope.time - envelope.time[0]) if fits else None
            envelopes.append((envelope.time + start, envelope.value, curve))
        else:
            envelopes.append(None)
    return of_time.tracking(items, ax, envelopes)


def _turned(item: xr.Dataset) -> tuple[xr.Dataset, np.ndarray]:
    """A measurement with positive voltage, current and power, and that power."""
    from perotwin.lab import tracked_power

    power = np.asarray(item["power_density"], float)
    if simulated(item):
        return item, power
    names = [name for name in ("voltage", "current_density", "power_density") if name in item]
    signs = dict(
        zip(
            ("voltage", "current_density", "power_density"),
            tracked_power.oriented_power(
                np.asarray(item["voltage"], float) if "voltage" in item else None,
                np.asarray(item["current_density"], float) if "current_density" in item else None,
                power,
            )[:3],
            strict=True,
        )
    )
    turned = {
        name: item[name].copy(data=signs[name] * item[name].values) for name in names if signs[name] < 0.0
    }
    return item.assign(turned), signs["power_density"] * power


INSTRUMENT = Instrument(
    name="mppt",
    title="power tracking",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption=(
        "Tracked power of {cells} from the moment that the light goes on, and the voltage at which the tracker held "
        "them."
    ),
    variables=(
        Variable("time", ("time",)),
        Variable("voltage", ("time",)),
        Variable("current_density", ("time",)),
        Variable("power_density", ("time",), required=True),
        Variable("irradiance", ("time",), written=False),
    ),
    place=50,
)


def __dir__() -> list[str]:
    return sorted(__all__)
