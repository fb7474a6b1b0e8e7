"""Capacitance against voltage at one frequency in the dark, and what a Mott-Schottky plot makes of it.

    measured = measure(cell, Protocol(frequency="10 kHz"))
    analyse(measured)["apparent_doping"]

Ions are where the stack's own response has them at each voltage (frozen: as they settled at the bias that the stack
names), as for steady curves; those that re-equilibrate also follow the signal.

A thin absorber without any doping shows an apparent one. Its capacitance is that of a plate capacitor until injected
carriers raise it, C = Cg (1 + exp(q (V - V0) / m kT)), and the steepest line in 1 / C^2 then reads as a density of

    N_min = (27 / 4) m kT eps / (q^2 d^2)

whatever the layer holds: at x = exp(...) = 1/2 the density Cg^2 (1 + x)^3 / x * m kT / (q^2 eps) is least. What lies
within a decade of that (m = 1 to 2, and ions that bend the bands as dopants would) is called an artefact here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.lab import conditions
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Attribute, Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Frequency, Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "mott_schottky", "plot"]

F64 = NDArray[np.float64]

_Q, _KB, _EPS0 = 1.602176634e-19, 1.380649e-23, 8.8541878128e-12
#: an apparent density must exceed the least resolvable one this many times before it is believed: injection into the
#: whole absorber has m = 2, and the space charge of ions adds to it
_BELIEVED = 10.0
#: a curve without a stated end stops this far below the absorber's bandgap, V
_BELOW_GAP = 0.4
_MOST = 10_000


class Protocol(Model):
    """How a capacitance-voltage curve is taken.

    start, stop : terminal voltages (V); without a stop the curve ends 0.4 V below the absorber's bandgap.
    step : V, positive. frequency : of the signal.
    """

    start: Voltage = Quantity(-0.5, "-0.5 V", dimension="voltage")
    stop: Voltage | None = None
    step: Voltage = Quantity(0.02, "20 mV", dimension="voltage")
    frequency: Frequency = Quantity(1e4, "10 kHz", dimension="frequency")

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        conditions.refuse_range(self.start, self.stop, self.step, _MOST)
        return self


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the capacitance of a cell against voltage, in the dark whatever light the stack has.

    Args:
        cell: a stack, or several side by side; the absorber is that of the one that is shown.
        protocol: voltages and frequency; a default one if absent.

    Returns:
        The measurement over `voltage` (V): `capacitance` (F m^-2, Im(admittance) / (2 pi f) at the terminals),
        `conductance` (S m^-2), NaN where a voltage was not reached; in the attributes `frequency` (Hz),
        `permittivity` (relative), `thickness` (m) of the absorber and `geometric_capacitance` (F m^-2), that of all
        layers in series.

    Raises:
        ConvergenceError: equilibrium could not be reached.
    """
    from perotwin.lab import jv
    from perotwin.measurement import add_notes, check, make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import steady_checks
    from perotwin.transport.steady import Solver

    protocol = protocol or Protocol()
    solver = Solver(build(cell, light=conditions.frozen_in_light(cell)))
    stack = solver.problem.shown.stack
    absorber = max(stack.absorbers or stack.electrical_layers, key=lambda layer: float(layer.thickness))
    stop = absorber.gap - _BELOW_GAP if protocol.stop is None else float(protocol.stop)
    voltage = jv.Protocol(start=protocol.start, step=protocol.step).voltages(stop)
    states = solver.sweep(voltage, 0.0)
    hertz = float(protocol.frequency)
    admittance = np.full(voltage.size, complex(np.nan, np.nan))
    for index in np.flatnonzero(states.converged):
        admittance[index] = solver.linearised(states.state(int(index)), 0.0).spectrum(hertz).admittance[0]
    found = {
        **steady_checks(states),
        "points without a solution": check(float((~states.converged).sum()), 0.0),
    }
    dataset = make_dataset(
        INSTRUMENT,
        {
            "capacitance": ("voltage", admittance.imag / (2.0 * np.pi * hertz)),
            "conductance": ("voltage", admittance.real),
        },
        {"voltage": voltage},
        about={
            **conditions.about(cell, protocol, 0.0),
            "frequency": hertz,
            "permittivity": float(absorber.electronic.permittivity) if absorber.electronic else np.nan,
            "thickness": float(absorber.thickness),
            "geometric_capacitance": solver.problem.geometric_capacitance,
        },
        checks=found,
        notes=conditions.notes(states),
    )
    return add_notes(dataset, _doubts(analyse(dataset)))


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("cv")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Apparent doping and built-in voltage of a Mott-Schottky plot, and whether the doping can be one.

    Returns:
        `apparent_doping` (m^-3) and `built_in_voltage` (V) from the steepest fall of 1 / C^2 with the voltage, NaN
        where it does not fall; `resolvable_doping` (m^-3), what an undoped absorber of that thickness shows at least
        (see this module). The method says where the doping is an artefact. `permittivity` (relative), `thickness` (m)
        and `temperature` (K) are read from the attributes; without them the densities are NaN.
    """
    voltage, capacitance = np.asarray(dataset["voltage"], float), np.asarray(dataset["capacitance"], float)
    slope, intercept, at = mott_schottky(voltage, capacitance)
    eps = _EPS0 * float(dataset.attrs.get("permittivity", np.nan))
    width = float(dataset.attrs.get("thickness", np.nan))
    thermal = _KB * float(dataset.attrs.get("temperature", np.nan)) / _Q
    apparent = -2.0 / (_Q * eps * slope) if slope < 0.0 else np.nan
    least = 27.0 / 4.0 * thermal * eps / (_Q * width**2)
    where = f"steepest fall of 1/C^2, at {at:.2f} V"
    words = where
    if apparent < _BELIEVED * least:
        words += (
            f"; an artefact: below {_BELIEVED:g} times what an undoped absorber of this thickness shows, so that it "
            "measures the thickness and the injection of carriers"
        )
    return Metrics(
        {
            "apparent_doping": Metric(apparent, "m-3", words),
            "resolvable_doping": Metric(least, "m-3", "27 kT eps / (4 q^2 d^2)"),
            "built_in_voltage": Metric(intercept, "V", where),
        }
    )


def _doubts(metrics: Metrics) -> list[str]:
    """What a reader of the Mott-Schottky plot must know."""
    apparent, least = metrics["apparent_doping"].value, metrics["resolvable_doping"].value
    if not apparent < _BELIEVED * least:
        return []
    return [
        f"the Mott-Schottky doping of {apparent * 1e-6:.1e} cm^-3 is an artefact: an undoped absorber of this "
        f"thickness shows {least * 1e-6:.1e} cm^-3 or a few times that, from its geometric capacitance and the "
        "injection of carriers."
    ]


def mott_schottky(voltage: F64, capacitance: F64) -> tuple[float, float, float]:
    """Steepest fall of 1 / C^2 (F^-2 m^4) with the voltage, by lines through five neighbouring points.

    Returns:
        Slope (F^-2 m^4 V^-1, negative), where that line meets zero (V), and the voltage of its middle; NaN where
        1 / C^2 falls nowhere or fewer than five points are known.
    """
    keep = np.isfinite(capacitance) & (capacitance > 0.0)
    order = np.argsort(voltage[keep], kind="stable")
    x, y = voltage[keep][order], 1.0 / capacitance[keep][order] ** 2
    if x.size < 5:
        return np.nan, np.nan, np.nan
    windows_x: Any = np.lib.stride_tricks.sliding_window_view(x, 5)
    windows_y: Any = np.lib.stride_tricks.sliding_window_view(y, 5)
    dx = windows_x - windows_x.mean(axis=1, keepdims=True)
    slopes = (dx * windows_y).sum(axis=1) / (dx**2).sum(axis=1)
    best = int(np.argmin(slopes))
    slope = float(slopes[best])
    middle, height = float(windows_x[best].mean()), float(windows_y[best].mean())
    # a plateau falls by rounding only
    if not -slope * float(np.ptp(windows_x[best])) > 1e-9 * height:
        return np.nan, np.nan, np.nan
    return slope, middle - height / slope, middle


@of_measurements("cv")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Capacitance, and its inverse square with the line of the analysis; see `plotting.signals.cv`."""
    from perotwin.plotting import signals, style

    items = style.as_list(datasets)
    found = [
        mott_schottky(np.asarray(item["voltage"], float), np.asarray(item["capacitance"], float))
        for item in items
    ]
    return signals.cv(items, [(slope, intercept) for slope, intercept, _ in found], ax)


INSTRUMENT = Instrument(
    name="cv",
    title="capacitance against voltage",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Capacitance of {cells} against voltage in the dark, and its inverse square.",
    variables=(
        Variable("voltage", ("voltage",)),
        Variable("capacitance", ("voltage",), required=True),
        Variable("conductance", ("voltage",)),
    ),
    attributes=(Attribute("frequency", "Hz", "frequency"),),
    place=90,
    lit=False,
)


def __dir__() -> list[str]:
    return sorted(__all__)
