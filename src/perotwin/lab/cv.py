"""Capacitance against voltage at one frequency in the dark, and what a Mott-Schottky plot makes of it.

    measured = measure(cell, Protocol(frequency="10 kHz"))
    analyse(measured)["apparent_doping"]

Ions are where the stack's own response has them at each voltage (frozen: as they settled at the bias that the stack
names), as for steady curves; those that re-equilibrate also follow the signal.

A thin absorber without any doping shows an apparent one. Its capacitance is that of a plate capacitor until injected
carriers raise it, C = Cg (1 + exp(q (V - V0) / m kT)), and the steepest line in 1 / C^2 then reads as a density of

    N_min = (27 / 4) m kT eps / (q^2 d^2)

whatever the layer holds: at x = exp(...) = 1/2 the density Cg^2 (1 + x)^3 / x * m kT / (q^2 eps) is least. What lies
within a decade of that (m = 1 to 2, and ions that bend the bands as dopants would) is no doping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.lab import capacitance_steps, conditions, mott_schottky
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Attribute, Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Frequency, Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell, Layer

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot"]

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
        `permittivity` (relative), `thickness` (m), `bandgap` (eV) of the absorber and `geometric_capacitance`
        (F m^-2), that of all layers in series.

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
    films = conditions.films(stack)
    # a film in slices is one absorber
    absorbing = [film for film in films if any(layer.role == "absorber" for layer in film)]
    film = max(absorbing or films, key=_thickness)
    absorber = film[0]
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
            "thickness": _thickness(film),
            "bandgap": float(absorber.gap),
            "geometric_capacitance": solver.problem.geometric_capacitance,
        },
        checks=found,
        notes=conditions.notes(states),
    )
    return add_notes(dataset, _doubts(analyse(dataset)))


def _thickness(film: Sequence[Layer]) -> float:
    return sum(float(layer.thickness) for layer in film)


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def _window(dataset: xr.Dataset) -> mott_schottky.Window:
    """The part of 1 / C^2 that shows a doping, with what the measurement knows of the cell."""
    told = {
        name: float(dataset.attrs.get(key, np.nan))
        for name, key in (("permittivity", "permittivity"), ("thickness", "thickness"), ("gap", "bandgap"))
    }
    whole = str(dataset["capacitance"].attrs.get("units", "")) == "F"
    if whole:
        # of a whole device of unknown area no width and no density follow
        told |= {"permittivity": np.nan}
    return mott_schottky.window(
        np.asarray(dataset["voltage"], float),
        np.asarray(dataset["capacitance"], float),
        temperature=_temperature(dataset)[0],
        least=_BELIEVED,
        **told,
    )


def _temperature(dataset: xr.Dataset) -> tuple[float, str]:
    """K, and what is to be said of it."""
    stated = dataset.attrs.get("temperature")
    return (298.15, "; temperature not told: 298.15 K") if stated is None else (float(stated), "")


@of_measurements("cv")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Apparent doping and built-in voltage of a Mott-Schottky plot; of a capacitance against frequency, its steps.

    Returns:
        Against voltage: `apparent_doping` (m^-3) and `built_in_voltage` (V, where 1 / C^2 meets zero: the built-in
        voltage less about 2 kT/q) from the longest straight part of 1 / C^2 that a depletion layer can make
        (`mott_schottky.window`), NaN with the reason where there is none; `resolvable_doping` (m^-3), what an undoped
        absorber of that thickness shows at least (see this module). `permittivity` (relative), `thickness` (m),
        `bandgap` (eV) and `temperature` (K) are read from the attributes; without a permittivity, or for a capacitance
        in F without an area, there is no doping, and the method says so. Against frequency: see
        `capacitance_steps.analyse`.
    """
    if "frequency" in dataset["capacitance"].dims:
        return capacitance_steps.analyse(dataset)
    found, (kelvin, said) = _window(dataset), _temperature(dataset)
    eps = _EPS0 * float(dataset.attrs.get("permittivity", np.nan))
    width = float(dataset.attrs.get("thickness", np.nan))
    least = 27.0 / 4.0 * _KB * kelvin / _Q * eps / (_Q * width**2)
    apparent = -2.0 / (_Q * eps * found.slope)
    error = apparent * found.slope_error / abs(found.slope)
    words = found.words + said
    if found.points and str(dataset["capacitance"].attrs.get("units", "")) == "F":
        apparent = error = np.nan
        words += "; no doping without the area: the capacitance is that of the whole device"
    elif found.points and not np.isfinite(eps):
        words += "; no doping without the relative permittivity: give the attribute permittivity"
    elif found.points:
        words += "; permittivity, and the area of its capacitance squared, are systematic"
    missing = [
        name for name in ("permittivity", "thickness") if not np.isfinite(dataset.attrs.get(name, np.nan))
    ]
    return Metrics(
        {
            "apparent_doping": Metric(apparent, "m-3", words, _known(error)),
            "resolvable_doping": Metric(
                least,
                "m-3",
                f"27 kT eps / (4 q^2 d^2){said}"
                + (f"; not told: {', '.join(missing)} of the absorber" if missing else ""),
            ),
            "built_in_voltage": Metric(
                found.intercept,
                "V",
                found.words + ("; the built-in voltage less about 2 kT/q, or up to 0.1 V less than that where one side "
                "is doped far more: its carriers spill over" if found.points else ""),
                _known(found.intercept_error),
            ),
        }
    )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _doubts(metrics: Metrics) -> list[str]:
    """What a reader of the Mott-Schottky plot must know."""
    if np.isfinite(metrics["apparent_doping"].value):
        return []
    return [f"Mott-Schottky plot: {metrics['apparent_doping'].method}."]


@of_measurements("cv")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Capacitance, and its inverse square with the line of the analysis; see `plotting.signals.cv`.

    Of a capacitance against frequency: with its derivative, see `plotting.signals.steps`.
    """
    from perotwin.plotting import signals, style

    items = style.as_list(datasets)
    against_frequency = ["frequency" in item["capacitance"].dims for item in items]
    if all(against_frequency):
        return signals.steps(items, [capacitance_steps.derivative(item) for item in items], ax)
    items = [item for item, other in zip(items, against_frequency, strict=True) if not other]
    found = [_window(item) for item in items]
    return signals.cv(items, [(one.slope, one.intercept, one.low, one.high) for one in found], ax)


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
        Variable("frequency", ("frequency",), written=False),
        Variable("capacitance", ("voltage",), required=True, or_over=(("frequency",),), whole=True),
        Variable("conductance", ("voltage",), whole=True),
    ),
    attributes=(Attribute("frequency", "Hz", "frequency"),),
    place=90,
    lit=False,
)


def __dir__() -> list[str]:
    return sorted(__all__)
