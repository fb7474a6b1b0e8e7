"""Transient photocurrent: how fast the carriers of a pulse of light leave at short circuit, through a small resistor.

    m = measure(cell, Protocol(pulse="0.1 sun", width="1 us", load="1 ohm cm^2"))
    analyse(m)["extraction_time"]

The cell settles under its own light (which may be dark) with the resistor across its terminals, ions included; the
pulse adds light; then the current decays. What is read includes the time that the cell's capacitance needs to discharge
through the load and the series resistance, as in the laboratory.
"""

from __future__ import annotations

from collections.abc import Sequence
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

    from perotwin.stack import Cell
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
    from perotwin.lab.meshes import Attempt, at_bias, until_fine
    from perotwin.measurement import make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.schedule import Load
    from perotwin.transport.transient import Engine

    protocol = protocol or Protocol()
    light, extra = float(cell.light.intensity), float(protocol.pulse)
    share = 1.0 if light == 0.0 else min(1.0, extra / light)
    load = float(protocol.load)

    def attempt(density: float) -> Attempt[tuple[Engine, States]]:
        made = Engine(build(cell, density=density), min(_PART * share, _COARSE))
        settled = _steady(made, light, load)
        return Attempt((made, settled), at_bias(made.solver, settled, "load", light))

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

    Returns:
        `extraction_time` (s), from the end of the pulse until the change has fallen to 1/e of its peak; `decay_time`
        (s), an exponential between 20 % and 2 % of the peak, with the fit's standard error; `photocurrent` (A m^-2),
        the peak; `extracted_charge` (C m^-2), the change's integral over all time, and `collected`, that charge over
        the generated one. What the data do not hold is NaN.
    """
    from perotwin.lab import pulses

    time, signal = pulses.change(dataset, "current_density")
    tau, error = pulses.exponential(time, signal)
    top = pulses.peak_of(time, signal)
    charge = pulses.charge_of(time, signal)
    generated = float(dataset.attrs.get("generated", np.nan))
    return Metrics(
        {
            "extraction_time": Metric(pulses.falls_to(time, signal, np.exp(-1.0)), "s", "to 1/e of the peak"),
            "decay_time": Metric(
                tau,
                "s",
                "exponential between 20 % and 2 % of the peak",
                error if np.isfinite(error) else None,
            ),
            "photocurrent": Metric(
                float(signal[top]) if top >= 0 else float("nan"), "A m-2", "largest change"
            ),
            "extracted_charge": Metric(charge, "C m-2", "integral over time"),
            "collected": Metric(charge / generated, "1", "extracted over generated charge"),
        }
    )


@of_measurements("tpc")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Photocurrent over its peak against time, several cells in one panel; see `plotting.pulses.decays`."""
    from perotwin.plotting import pulses, style

    items = style.as_list(datasets)
    return pulses.decays(items, "current_density", [float(analyse(item)["decay_time"]) for item in items], ax)


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
        Variable("current_density", ("time",), required=True),
        Variable("light", ("time",), written=False),
    ),
    place=70,
)


def __dir__() -> list[str]:
    return sorted(__all__)
