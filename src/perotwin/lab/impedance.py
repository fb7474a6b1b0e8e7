"""Impedance, and the response to modulated light, of a cell that has settled at its working point.

    measured = measure(cell, Protocol(bias="open-circuit"))
    analyse(measured)["recombination_resistance"]

All ions of the cell settle at the bias and light, and then follow the signal; the same spectrum with the ions held
where they settled comes with it. The response is the exact linearisation of the equations, without an amplitude.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from perotwin.errors import ConvergenceError, InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.lab.impedance_reading import (
    BOUND,
    FOLLOWS,
    Reading,
    arcs_of,
    capacitance,
    equivalent_circuit,
    high_frequency,
    in_order,
    of_elements,
    point_by_point,
    reading,
    series_resistance,
    validity,
    with_noise,
)
from perotwin.measurement import Attribute, Instrument, Metric, Metrics, Variable
from perotwin.measurement.dataset import simulated
from perotwin.stack.quantity_fields import Frequency, Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["INSTRUMENT", "Protocol", "Reading", "analyse", "equivalent_circuit", "measure", "plot", "reading"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: allowed relative difference of the response to light at zero frequency and that of the steady equations
_STEADY_LIMIT = 1e-6
#: part of the impedance at rest that a mode must carry to count: carriers in a pocket that no terminal sees may take
#: years; ions of little consequence still tell how long a cell takes to settle
_SEEN = {"electronic": 1e-2, "ionic": 1e-6}


class Protocol(Model):
    """How an impedance spectrum is taken.

    bias : "open-circuit", "maximum-power" or a terminal voltage (V). In the dark open circuit is 0 V.
    lowest, highest, points : frequencies, evenly spaced in their logarithm.
    frequencies : these (Hz) instead, in any order.
    """

    bias: Annotated[Literal["open-circuit", "maximum-power"] | Voltage, Field(union_mode="left_to_right")] = (
        "open-circuit"
    )
    lowest: Frequency = Quantity(1e-3, "1 mHz", dimension="frequency")
    highest: Frequency = Quantity(1e7, "10 MHz", dimension="frequency")
    points: Annotated[int, Field(ge=2, le=10_000)] = 60
    frequencies: tuple[Frequency, ...] = ()

    @field_validator("bias", mode="before")
    @classmethod
    def _known(cls, bias: Any) -> Any:
        if isinstance(bias, str) and bias[:1].isalpha() and bias not in ("open-circuit", "maximum-power"):
            raise InputError(
                f'"{bias}" is no bias.',
                'Choose "open-circuit", "maximum-power" or a voltage such as "0.9 V".',
                key="bias",
            )
        return bias

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not self.frequencies and not self.highest > self.lowest:
            raise InputError(
                f"frequencies from {self.lowest} to {self.highest} do not rise.",
                "Give a highest frequency above the lowest.",
                key="highest",
            )
        return self

    def hertz(self) -> F64:
        """(W,) frequencies, Hz, ascending."""
        if self.frequencies:
            return np.unique([float(one) for one in self.frequencies])
        return np.geomspace(float(self.lowest), float(self.highest), self.points)


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the impedance spectrum of a cell under its own light, dark included.

    Args:
        cell: a stack, or several side by side; all its ions settle and move, whatever the response that they state for
            steady curves.
        protocol: bias and frequencies; a default one if absent.

    Returns:
        The measurement over `frequency` (Hz): `impedance_real`, `impedance_imag` (ohm m^2, positive = passive),
        `capacitance` (F m^-2, less the series resistance, see `capacitance`); the same with `_held` for ions held,
        where there are ions; in the light `imps_real`, `imps_imag` (A m^-2 per sun, terminal voltage held) and
        `imvs_real`, `imvs_imag` (V per sun, terminal current held); `time_constant` (mode), the slowest at open
        circuit, s. `voltage` and `current_density` of the bias point are in the attributes (V, A m^-2), of a tandem
        those of its junctions too, `voltage_top` and so on.

    Raises:
        InputError: maximum power in the dark.
        ConvergenceError: the bias point was not reached.
    """
    from perotwin.lab import conditions
    from perotwin.lab.meshes import Attempt, at_bias, finer_at_bias, until_fine
    from perotwin.measurement import add_notes, check, make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.steady import NOTHING, Solver

    protocol = protocol or Protocol()
    intensity = float(cell.light.intensity)

    coarser: Solver | None = None

    def attempt(density: float | Like) -> Attempt[tuple[Solver, States]]:
        nonlocal coarser
        problem = build(cell, light=intensity > 0.0, density=density).all_moving()
        solver = coarser = Solver(problem, coarser=coarser)
        found = bias_point(solver, protocol.bias, intensity)
        there = solver, found, protocol.bias, intensity
        return Attempt((solver, found), at_bias(*there), finer=partial(finer_at_bias, *there))

    best = until_fine(attempt)
    solver, settled = best.found
    state = settled.state(0)
    hertz = protocol.hertz()
    held = solver.linearised(state, intensity, "held")
    fixed = held.spectrum(hertz)
    ions = solver.problem.ions_settle
    moving = solver.linearised(state, intensity) if ions else held
    spectrum = moving.spectrum(hertz) if ions else fixed
    modes = {"electronic": held.slowest(_SEEN["electronic"])}
    if ions:
        modes["ionic"] = moving.slowest(_SEEN["ionic"])
    variables: dict[str, Any] = {
        "impedance_real": ("frequency", spectrum.impedance.real),
        "impedance_imag": ("frequency", spectrum.impedance.imag),
        "capacitance": ("frequency", capacitance(hertz, spectrum.impedance, held.series)),
        "time_constant": ("mode", np.array([-1.0 / rate for rate in modes.values()])),
    }
    if ions:
        variables["impedance_real_held"] = ("frequency", fixed.impedance.real)
        variables["impedance_imag_held"] = ("frequency", fixed.impedance.imag)
        variables["capacitance_held"] = ("frequency", capacitance(hertz, fixed.impedance, held.series))
    found = {**steady_checks(settled), **best.checks, **optical_checks(solver.problem)}
    if intensity > 0.0:
        for name, values in (("imps", spectrum.imps), ("imvs", spectrum.imvs)):
            variables[f"{name}_real"] = ("frequency", values.real)
            variables[f"{name}_imag"] = ("frequency", values.imag)
        still = float(held.spectrum(0.0).imps[0].real)
        steady = solver.light_response(state, intensity)
        # of a cell that next to nothing leaves, on the scale of what is not told from that
        nothing = NOTHING * solver.problem.photocurrent_scale
        found["response to light at zero frequency against the steady one"] = check(
            (still - steady) / max(abs(steady), abs(still), nothing, 1e-300), _STEADY_LIMIT
        )
    dataset = make_dataset(
        INSTRUMENT,
        variables,
        {"frequency": hertz, "mode": list(modes)},
        about={
            **conditions.about(cell, protocol, intensity),
            "series_resistance": held.series,
            "voltage": float(settled.voltage[0]),
            **{f"voltage_{name}": float(values[0]) for name, values in settled.junction_voltages.items()},
            "current_density": float(settled.current[0]),
        },
        checks=found,
        notes=conditions.notes(settled),
    )
    return add_notes(dataset, _doubts(*in_order(dataset)))


def _doubts(frequency: F64, impedance: C128) -> list[str]:
    """What a reader of the spectrum must know."""
    if BOUND not in high_frequency(frequency, impedance)[2]:
        return []
    return [
        f"at {frequency[-1]:.3g} Hz the cell is not yet a plate capacitor behind a resistor: series resistance and "
        "geometric capacitance are upper bounds."
    ]


def bias_point(solver: Solver, bias: str | float, intensity: float) -> States:
    """The settled state at a terminal voltage (V), at "open-circuit" or at "maximum-power".

    Raises:
        InputError: maximum power in the dark.
        ConvergenceError: it was not reached.
    """
    from perotwin.lab import jv, open_circuit

    if bias == "maximum-power" and intensity <= 0.0:
        raise InputError(
            "a cell in the dark has no point of maximum power.",
            "Give it light, or a voltage as bias.",
            key="bias",
        )
    if bias == "open-circuit" and intensity > 0.0:
        return open_circuit.settled(solver, intensity)
    if bias == "maximum-power":
        curve = jv.curve(solver, jv.Protocol(step="20 mV"), intensity)
        points = jv.solved_points(solver, curve, intensity)
        if bias in points:
            return points[str(bias)]
        voltage = float(curve.voltage[-1])
    else:
        voltage = 0.0 if isinstance(bias, str) else float(bias)
        settled = solver.sweep([voltage], intensity)
        if settled.converged[0]:
            return settled
    raise ConvergenceError(
        f'the bias point ({bias}) of "{solver.problem.stack.name}" was not reached.',
        "Try another bias, or look at perotwin jv.",
        voltage=voltage,
        stage="bias",
    )


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("impedance")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Resistances, capacitances and time constants of a spectrum, simulated or read from a file.

    Of a measured spectrum, points at zero frequency or with Im Z > 0 are left out, and said. A simulated one without
    noise is read point by point; a measured one from its smooth course and from a circuit, where there is noise (above
    0.2 % of |Z|) or the circuit follows it to 1 %.

    Returns:
        `series_resistance` and `geometric_capacitance` from Rs + (G || C) fitted to the highest decade, or with noise
        from the circuit; `recombination_resistance`: with the spectrum for held ions its low-frequency intercept less
        Rs, else the width of the arc at the highest frequencies, or with noise the resistance of the circuit's fastest
        element; `low_frequency_resistance` and `low_frequency_capacitance` at the lowest frequency, the latter the
        `capacitance` there; `arcs`, the number of maxima of -Im Z that noise does not make; `kramers_kronig`, what a
        sum of relaxations leaves over |Z|; of a measured spectrum the numbers of each element of the circuit that its
        points support ("element_resistance, 1", from the fastest on), by lmfit; `electronic_time` and `ionic_time`
        where the measurement states them. Rs is the circuit's where the measurement states it. Resistances are in
        ohm m^2, or in ohm where the area is not known. What the data do not hold is NaN; each has its method.

    Raises:
        InputError: fewer than two points can be read.
    """
    read = reading(dataset)
    made = equivalent_circuit(read) if read.noisy or not simulated(dataset) else None
    # a measured arc need not close within the frequencies: the circuit that follows it closes it
    by_circuit = made is not None and (read.noisy or made.misfit < FOLLOWS)
    found = with_noise(read, made) if made is not None and by_circuit else point_by_point(dataset, read)
    peaks = arcs_of(read)
    found["arcs"] = Metric(
        float(peaks.size), "1", "maxima of -Im Z that stand out by 1 % of the largest"
        + (f" and five standard errors of its smooth course, noise {read.smooth.noise:.1%}" if read.noisy else ""),
    )  # fmt: skip
    found["kramers_kronig"] = Metric(read.smooth.noise, "1", validity(read))
    if read.dropped or "turned" in read.words:
        found["points_dropped"] = Metric(float(read.dropped), "1", read.words)
    if made is not None:
        found |= of_elements(read, made)
    if "time_constant" in dataset:
        modes = [str(mode) for mode in dataset["mode"].values]
        for mode, value in zip(modes, dataset["time_constant"].values, strict=True):
            if mode not in _SEEN:
                continue
            how = f"slowest eigenvalue at open circuit that carries {_SEEN[mode]:g} of the impedance"
            found[f"{mode}_time"] = Metric(float(value), "s", how)
    order = [name for name in _ORDER if name in found]
    return Metrics({name: found[name] for name in [*order, *(name for name in found if name not in order)]})


#: the readings that every spectrum has come first
_ORDER = (
    "recombination_resistance", "low_frequency_resistance", "series_resistance", "geometric_capacitance",
    "low_frequency_capacitance", "arcs", "kramers_kronig",
)  # fmt: skip


@of_measurements("impedance")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Nyquist, Bode and capacitance; into given axes the Nyquist plot. See `plotting.signals.impedance`.

    Of a measured spectrum the points are drawn, those that are left out empty, and the circuit as a line.
    """
    from perotwin.plotting import signals, style

    items, lines = style.as_list(datasets), []
    for item in items:
        read = reading(item)
        made = None if simulated(item) and not read.noisy else equivalent_circuit(read)
        fine = np.geomspace(read.frequency[0], read.frequency[-1], 200)
        lines.append(None if made is None else (fine, made.impedance(fine)))
    return signals.impedance(items, [series_resistance(item) for item in items], ax, lines)


_SPECTRA = (
    "impedance_real", "impedance_imag", "capacitance", "impedance_real_held", "impedance_imag_held", "capacitance_held",
    "imps_real", "imps_imag", "imvs_real", "imvs_imag",
)  # fmt: skip
_ALWAYS = ("impedance_real", "impedance_imag")

INSTRUMENT = Instrument(
    name="impedance",
    title="impedance",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Impedance of {cells}: Nyquist plot, magnitude and phase, and capacitance against frequency.",
    variables=(
        Variable("frequency", ("frequency",)),
        *(
            Variable(
                name, ("frequency",), required=name in _ALWAYS, whole=not name.startswith(("imps", "imvs"))
            )
            for name in _SPECTRA
        ),
        Variable("time_constant", ("mode",), written=False),
    ),
    attributes=(
        Attribute("voltage", "V", "bias_voltage"),
        Attribute("current_density", "A m-2", "bias_current_density"),
    ),
    place=80,
)


def __dir__() -> list[str]:
    return sorted(__all__)
