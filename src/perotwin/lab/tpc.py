"""Transient photocurrent: how fast the carriers of a pulse of light leave at short circuit, through a small resistor.

    m = measure(cell, Protocol(pulse="0.1 sun", width="1 us", load="1 ohm cm^2"))
    analyse(m)["extraction_time"]

The cell settles under its own light (which may be dark) with the resistor across its terminals, ions included; the
pulse adds light; then the current decays. What is read includes the time that the cell's capacitance needs to discharge
through the load and the series resistance, as in the laboratory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from perotwin.errors import InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import AreaResistance, Intensity, Model, Time
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab import pulses
    from perotwin.stack import Cell
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import States
    from perotwin.transport.transient import Engine

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot"]

#: allowed local error of the time steps as a part of what the pulse adds to the light, and the largest
_PART, _COARSE = 1e-3, 1e-4
#: the check of the charge that left
CHARGE_CHECK = "charge extracted beyond that generated, over it"


class Protocol(Model):
    """A pulse at short circuit.

    pulse : extra light during the pulse (suns); the bias light is the cell's own. width : of the pulse, s.
    load : across the terminals, times area (20 ohm on 0.05 cm^2 are 1 ohm cm^2).
    duration : s after the pulse; until the current is back unless said.
    """

    pulse: Intensity = Quantity(0.1, "0.1 sun", dimension="intensity")
    width: Time = Quantity(1e-6, "1 us", dimension="time")
    load: AreaResistance = Quantity(1e-4, "1 ohm cm^2", dimension="area resistance")
    duration: Time | None = None

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not self.pulse > 0.0:
            raise InputError(
                "a pulse without light shows nothing.", 'Give suns, such as "0.1 sun".', key="pulse"
            )
        return self


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Follow the photocurrent of a cell through a pulse of light and after it.

    Args:
        cell: the stack; all its ions move.
        protocol: a default one if absent.

    Returns:
        `current_density` (time), A m^-2, `voltage` over the load and `light` in suns; time in s from the end of the
        pulse, the first moment before it. `generated` among the attributes is the charge that the pulse made, C m^-2,
        and `extractable` the most that can leave (see `_gain`).

    Raises:
        ConvergenceError: the settled state was not found, or a time step could not be taken.
    """
    from perotwin.lab import conditions, pulses
    from perotwin.lab.meshes import Attempt, at_bias, finer_at_bias, until_fine
    from perotwin.measurement import make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.schedule import Load
    from perotwin.transport.transient import Engine

    protocol = protocol or Protocol()
    light, extra = float(cell.light.intensity), float(protocol.pulse)
    share = 1.0 if light == 0.0 else min(1.0, extra / light)
    load = float(protocol.load)

    def attempt(density: float | Like) -> Attempt[tuple[Engine, States]]:
        made = Engine(build(cell, density=density), min(_PART * share, _COARSE))
        settled = _steady(made, light, load)
        there = made.solver, settled, "load", light
        return Attempt((made, settled), at_bias(*there), finer=partial(finer_at_bias, *there))

    best = until_fine(attempt)
    engine, rest = best.found
    start, current = engine.moment(rest.state(0)), float(rest.current[0])
    generated = extra * engine.problem.photocurrent * float(protocol.width)
    record = pulses.follow(
        engine, start, Load(load), (load * current, current), light, extra, float(protocol.width),
        None if protocol.duration is None else float(protocol.duration),
        lambda voltage, now: now - current,
    )  # fmt: skip
    found = {**steady_checks(rest), **best.checks, **optical_checks(engine.problem), **pulses.checks(record)}
    extractable = generated * _gain(engine, light, extra, load)
    found[CHARGE_CHECK] = pulses.charge_check(record.time, record.current - current, extractable)
    return make_dataset(
        INSTRUMENT,
        {
            "current_density": ("time", record.current),
            "voltage": ("time", record.voltage),
            "light": ("time", record.light, {"units": "sun"}),
        },
        {"time": record.time},
        about={
            **conditions.about(cell, protocol, light),
            **pulses.attributes(record),
            "generated": generated,
            "extractable": extractable,
            "tolerance": engine.tolerance,
        },
        checks=found,
        notes=conditions.notes(rest),
    )


def _steady(engine: Engine, light: float, load: float) -> States:
    """The settled cell with the load across it.

    Raises:
        ConvergenceError: it was not reached.
    """
    from perotwin.errors import ConvergenceError

    states = engine.solver.loaded(load, light)
    if not states.converged[0]:
        raise ConvergenceError(
            f'the steady state of "{engine.problem.stack.name}" at its load was not reached.',
            "Give a smaller load.",
            voltage=0.0,
            stage="short circuit",
        )
    return states


def _gain(engine: Engine, light: float, extra: float, load: float) -> float:
    """Charge that a generated pair can bring at most, in elementary charges, from steady states: one.

    It is more where extra light lets more of the bias light's carriers arrive (traps that it fills, ions that it moves)
    or where one junction shines on another. Over all time a small pulse extracts what steady light of the same dose
    does, so that the steady response bounds it: with the ions held, before and during the pulse, and with ions that
    follow.
    """
    solver, photo = engine.solver, engine.problem.photocurrent
    dim, bright = (_steady(engine, suns, load) for suns in (light, light + extra))
    found = [float(bright.current[0] - dim.current[0]) / (extra * photo)]
    for states in (dim, bright):
        found.append(solver.light_response(states.state(0), states.intensity) / photo)
    return max(1.0, *found)


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("tpc")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Extraction time and charge of a photocurrent decay.

    Args:
        dataset: `current_density` (time), or (trace, time) of repeated traces, whose mean is read; of an oscilloscope
            `voltage` will do, over a resistor that the attribute `load` (ohm m^2) states, or `resistance` (ohm) with
            `area`; without one the times are told, and no charge. A trace with noise needs no trigger, no baseline of
            zero and no sign: see `traces`.

    Returns:
        `extraction_time` (s), from the end of the pulse (with noise: from the peak, or the end of a long pulse) until
        the change has fallen to 1/e of its peak; `decay_time` (s), an exponential between 20 % and 2 % of the peak,
        with the fit's standard error; `photocurrent` (A m^-2, or A where the area is not known), the peak;
        `extracted_charge` (C m^-2 or C), the change's integral over all time, and `collected`, that charge over the
        generated one. What the data do not hold is NaN.

    Raises:
        InputError: neither a current nor a voltage.
    """
    from perotwin.lab import pulses

    dataset, unit, said = _current(dataset)
    of_charge = {"A m-2": "C m-2", "A": "C"}.get(unit, "V s")
    generated = float(dataset.attrs.get("generated", np.nan))
    of_part = "extracted over generated charge" + ("" if np.isfinite(generated) else "; that is not told")
    trace = pulses.measured(dataset, "current_density")
    if trace is not None:
        return _of_trace(trace, unit, of_charge, generated, said)
    time, signal = pulses.change(dataset, "current_density")
    tau, error = pulses.exponential(time, signal)
    top = pulses.peak_of(time, signal)
    charge = pulses.charge_of(time, signal)
    return Metrics(
        {
            "extraction_time": Metric(
                pulses.falls_to(time, signal, np.exp(-1.0)), "s", f"to 1/e of the peak{said}"
            ),
            "decay_time": Metric(
                tau,
                "s",
                "exponential between 20 % and 2 % of the peak"
                + ("" if np.isfinite(tau) else ": not reached within the trace"),
                error if np.isfinite(error) else None,
            ),
            "photocurrent": Metric(
                float(signal[top]) if top >= 0 else float("nan"), unit, f"largest change{said}"
            ),
            "extracted_charge": Metric(charge, of_charge, f"integral over time{said}"),
            "collected": Metric(charge / generated, "1", of_part),
        }
    )


def _current(dataset: xr.Dataset) -> tuple[xr.Dataset, str, str]:
    """A dataset with a current density, its unit, and what was done: of an oscilloscope from its voltage."""
    from perotwin.measurement.conform import area_of

    if "current_density" in dataset:
        unit = str(dataset["current_density"].attrs.get("units", "A m-2"))
        return dataset, unit, "" if unit == "A m-2" else "; of the whole device: no area is told"
    if "voltage" not in dataset:
        raise InputError(
            'tpc reads "current_density", or the "voltage" over a resistor, and this dataset has neither.',
            "Name the variable so.",
            key="current_density",
        )
    area, ohm = area_of(dataset), dataset.attrs.get("resistance")
    load = dataset.attrs.get("load")
    if load is None and ohm is not None and area is not None:
        load = float(ohm) * area
    if load is not None:
        factor, unit, said = float(load), "A m-2", "; from the voltage over the load"
    elif ohm is not None:
        factor, unit, said = (
            float(ohm),
            "A",
            "; from the voltage over the resistor, of the whole device: no area is told",
        )
    else:
        factor, unit, said = (
            1.0,
            "V",
            "; a voltage: neither load nor resistance is told, so that no current is",
        )
    made = dataset.assign(current_density=(dataset["voltage"].dims, dataset["voltage"].values / factor))
    return made, unit, said


def _of_trace(trace: pulses.Pulse, unit: str, of_charge: str, generated: float, said: str) -> Metrics:
    """The same of a trace with noise."""
    from perotwin.lab import pulses, traces

    found = trace.found
    if found is None:
        names = {
            "extraction_time": "s", "decay_time": "s", "photocurrent": unit, "extracted_charge": of_charge,
            "collected": "1",
        }  # fmt: skip
        return Metrics({name: Metric(float("nan"), one, trace.words) for name, one in names.items()})
    place, place_error = traces.falls_to(found, float(np.exp(-1.0)))
    charge, charge_error = traces.charge(found)
    words = f"{found.words}{said}"
    return Metrics(
        {
            "extraction_time": Metric(
                place, "s", f"to 1/e of the peak, from the peak or the end of a long pulse; {words}",
                place_error if np.isfinite(place_error) else None,
            ),
            "decay_time": pulses.constant(trace.decay, found),
            "photocurrent": Metric(found.sign * found.peak[0], unit, f"largest change; {words}", found.peak[1]),
            "extracted_charge": Metric(charge, of_charge, f"integral over the trace; {words}", charge_error),
            "collected": Metric(
                charge / generated,
                "1",
                "extracted over generated charge" + ("" if np.isfinite(generated) else "; that is not told"),
                charge_error / generated if np.isfinite(generated) else None,
            ),
        }
    )  # fmt: skip


@of_measurements("tpc")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Photocurrent over its peak against time, several cells in one panel; see `plotting.pulses.decays`."""
    from perotwin.lab import pulses as of_pulses
    from perotwin.plotting import pulses, style

    given = [_current(item)[0] for item in style.as_list(datasets)]
    items, fits = of_pulses.drawn(given, "current_density")
    constants = [float(analyse(item)["decay_time"]) for item in given]
    return pulses.decays(items, "current_density", constants, ax, fits)


INSTRUMENT = Instrument(
    name="tpc",
    title="transient photocurrent",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Photocurrent of {cells} after a small pulse of light at short circuit.",
    variables=(
        Variable("time", ("time",)),
        Variable("voltage", ("time",)),
        Variable("current_density", ("time",), or_over=(("trace", "time"),), whole=True),
        Variable("light", ("time",), written=False),
    ),
    place=70,
)


def __dir__() -> list[str]:
    return sorted(__all__)
