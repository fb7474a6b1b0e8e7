"""Transient photovoltage: how long the extra voltage of a small pulse of light lives at open circuit.

    m = measure(cell, Protocol(pulse=0.1, width="1 us"))
    analyse(m)["lifetime"]

The cell settles at open circuit under its own light (the bias light), ions included; the pulse adds a part of that
light; then the voltage decays, no current flowing. C. G. Shuttle et al., Appl. Phys. Lett. 92, 093311 (2008),
doi:10.1063/1.2891871.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from perotwin.errors import InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Model, Time
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab import pulses
    from perotwin.stack import Cell
    from perotwin.transport.build import Problem
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import States

    #: a cell on a mesh of some density
    _OnMesh = Callable[[float | Like], Problem]

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot", "series"]

#: allowed local error of the time steps as a part of what the pulse changes (kT/q), and its bounds: the lifetime is
#: then right to half a percent
_PART, _COARSE, _FINE = 1e-3, 1e-4, 1e-9
#: allowed current at open circuit as a part of the photocurrent
_OPEN_LIMIT = 1e-9
#: a change of more than this of kT/q is no small signal any more
_SMALL = 1.0


class Protocol(Model):
    """A pulse at open circuit.

    pulse : extra light during the pulse as a part of the bias light, which is the cell's own.
    width : of the pulse, s. duration : s after the pulse; until the voltage is back unless said.
    """

    pulse: float = 0.1
    width: Time = Quantity(1e-6, "1 us", dimension="time")
    duration: Time | None = None

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not (np.isfinite(self.pulse) and self.pulse > 0.0):
            raise InputError(
                f"a pulse of {self.pulse:g} of the bias light shows nothing.", "Give a part above zero, such as 0.1.",
                key="pulse",
            )  # fmt: skip
        return self


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Follow the photovoltage of a cell through a pulse of light and after it.

    Args:
        cell: the stack; all its ions move.
        protocol: a default one if absent.

    Returns:
        `voltage` (time), V, and `light` in suns; time in s from the end of the pulse, the first moment before it.

    Raises:
        InputError: no light.
        ConvergenceError: open circuit was not found, or a time step could not be taken.
    """
    from perotwin.lab import pulses
    from perotwin.transport.build import build

    pulses.refuse_dark(cell, float(cell.light.intensity))
    return _measure(cell, lambda density: build(cell, density=density), protocol or Protocol())


def series(cell: Cell, lights: Sequence[float], protocol: Protocol | None = None) -> list[xr.Dataset]:
    """The same pulse, as a part of the bias light, under several bias lights (suns); the optics are done once."""
    from perotwin import progress
    from perotwin.lab import pulses
    from perotwin.transport.build import build

    for light in lights:
        pulses.refuse_dark(cell, float(light))
    on_mesh = lru_cache(lambda density: build(cell, density=density))
    made = []
    with progress.task(f"{cell.name}: photovoltage against light", total=len(lights)) as counter:
        for light in lights:
            made.append(_measure(cell.with_light(intensity=light), on_mesh, protocol or Protocol()))
            counter.advance()
    return made


def _measure(cell: Cell, made: _OnMesh, protocol: Protocol) -> xr.Dataset:
    """The pulse under the cell's own light, on a mesh that is fine enough for its open circuit."""
    from perotwin.lab import conditions, open_circuit, pulses
    from perotwin.lab.meshes import Attempt, at_bias, finer_at_bias, until_fine
    from perotwin.measurement import check, make_dataset
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.schedule import OpenCircuit
    from perotwin.transport.transient import Engine

    light, width = float(cell.light.intensity), float(protocol.width)

    def attempt(density: float | Like) -> Attempt[tuple[Engine, States]]:
        engine = Engine(made(density))
        found = open_circuit.settled(engine.solver, light)
        there = engine.solver, found, "open-circuit", light
        return Attempt((engine, found), at_bias(*there), finer=partial(finer_at_bias, *there))

    best = until_fine(attempt)
    engine, settled = best.found
    start, voc = engine.moment(settled.state(0)), float(settled.voltage[0])
    vt = engine.problem.vt
    duration = None if protocol.duration is None else float(protocol.duration)
    engine.tolerance = _COARSE
    for _ in range(3):
        record = pulses.follow(
            engine, start, OpenCircuit(), (voc, 0.0), light, protocol.pulse * light, width, duration,
            lambda voltage, current: voltage - voc,
        )  # fmt: skip
        wanted = _PART * float(np.abs(record.voltage - voc).max()) / vt
        if not record.complete or engine.tolerance <= 1.5 * wanted:
            break
        # a weak pulse needs finer steps
        engine.tolerance = max(wanted, _FINE)
    photo = light * engine.problem.photocurrent
    found = {**steady_checks(settled), **best.checks, **optical_checks(engine.problem)}
    found["current at open circuit over photocurrent"] = check(
        float(np.abs(record.current).max()) / photo, _OPEN_LIMIT
    )
    found.update(pulses.checks(record))
    notes = conditions.notes(settled)
    if np.abs(record.voltage - voc).max() > _SMALL * vt:
        notes.append(
            f"the pulse changes the voltage by {1e3 * float(np.abs(record.voltage - voc).max()):.3g} mV, more than "
            "kT/q: the decay is not that of a small signal. Give a smaller or shorter pulse."
        )
    return make_dataset(
        INSTRUMENT,
        {"voltage": ("time", record.voltage), "light": ("time", record.light, {"units": "sun"})},
        {"time": record.time},
        about={
            **conditions.about(cell, protocol, light),
            **pulses.attributes(record),
            "tolerance": engine.tolerance,
        },
        checks=found,
        notes=notes,
    )


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("tpv")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Lifetime and size of a photovoltage decay.

    Args:
        dataset: `voltage` (time), or (trace, time) of repeated traces, whose mean is read. A trace with noise needs no
            trigger, no baseline of zero and no sign: see `traces`.

    Returns:
        `lifetime` (s), an exponential through the decay where it has fallen to between 20 % and 2 % of its peak, with
        the fit's standard error; `photovoltage` (V), the peak; `voc` (V), before the pulse. Where the decay does not
        reach 2 % the lifetime is NaN. With noise the exponential is fitted to the signal itself, from 20 % of the peak
        or higher up, and what else is told has its standard error.
    """
    from perotwin.lab import pulses

    trace = pulses.measured(dataset, "voltage")
    if trace is not None:
        return _of_trace(trace)
    time, signal = pulses.change(dataset, "voltage")
    tau, error = pulses.exponential(time, signal)
    top = pulses.peak_of(time, signal)
    words = "exponential between 20 % and 2 % of the peak"
    if not np.isfinite(tau):
        words += ": not reached within the trace"
    return Metrics(
        {
            "lifetime": Metric(tau, "s", words, error if np.isfinite(error) else None),
            "photovoltage": Metric(float(signal[top]) if top >= 0 else float("nan"), "V", "largest change"),
            "voc": Metric(pulses.before(dataset, "voltage"), "V", "before the pulse"),
        }
    )


def _of_trace(trace: pulses.Pulse) -> Metrics:
    """The same of a trace with noise."""
    from perotwin.lab import pulses

    found = trace.found
    if found is None:
        nothing = {
            name: Metric(float("nan"), unit, trace.words)
            for name, unit in (("lifetime", "s"), ("photovoltage", "V"))
        }
        return Metrics({**nothing, "voc": Metric(trace.level, "V", "mean of the trace")})
    fitted = trace.decay
    return Metrics(
        {
            "lifetime": pulses.constant(fitted, found),
            "photovoltage": Metric(
                found.sign * found.peak[0], "V", f"largest change; {found.words}", found.peak[1]
            ),
            "voc": Metric(
                found.baseline[0],
                "V",
                f"{found.words}; as far as the oscilloscope is coupled for direct current",
                found.baseline[1],
            ),
        }
    )


@of_measurements("tpv")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Photovoltage over its peak against time, several cells in one panel; see `plotting.pulses.decays`.

    One cell under several lights becomes its lifetime against the light.
    """
    from perotwin.lab import pulses as of_pulses
    from perotwin.plotting import pulses, style

    # by the cells' own names: one cell under several lights is one curve
    given = list(datasets) if isinstance(datasets, Sequence) else [datasets]
    lights = {(str(item.attrs.get("stack", "")), float(item.attrs.get("light", 1.0))) for item in given}
    if len(lights) > len({name for name, _ in lights}):
        rows: dict[str, list[tuple[float, float]]] = {}
        for item in given:
            found = (float(item.attrs["light"]), float(analyse(item)["lifetime"]))
            rows.setdefault(str(item.attrs.get("stack", "")), []).append(found)
        return pulses.lifetimes(rows, ax)
    items, fits = of_pulses.drawn(style.as_list(datasets), "voltage")
    constants = [float(analyse(item)["lifetime"]) for item in style.as_list(datasets)]
    return pulses.decays(items, "voltage", constants, ax, fits)


INSTRUMENT = Instrument(
    name="tpv",
    title="transient photovoltage",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Photovoltage of {cells} after a small pulse of light at open circuit.",
    variables=(
        Variable("time", ("time",)),
        Variable("voltage", ("time",), required=True, or_over=(("trace", "time"),)),
        Variable("light", ("time",), written=False),
    ),
    place=60,
)


def __dir__() -> list[str]:
    return sorted(__all__)
