"""Impedance, and the response to modulated light, of a cell that has settled at its working point.

    measured = measure(cell, Protocol(bias="open-circuit"))
    analyse(measured)["recombination_resistance"]

All ions of the cell settle at the bias and light, and then follow the signal; the same spectrum with the ions held
where they settled comes with it. The response is the exact linearisation of the equations, without an amplitude.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from perotwin.errors import ConvergenceError, InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Attribute, Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Frequency, Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: allowed relative difference of the response to light at zero frequency and that of the steady equations
_STEADY_LIMIT = 1e-6
#: part of the impedance at rest that a mode must carry to count: carriers in a pocket that no terminal sees may take
#: years; ions of little consequence still tell how long a cell takes to settle
_SEEN = {"electronic": 1e-2, "ionic": 1e-6}
#: a maximum of -Im Z counts as an arc if it stands out by this part of the largest
_ARC = 0.01
#: relative misfit above which the highest decade is no plateau
_FITS = 0.01
_BOUND = ": an upper bound, the plateau lies at higher frequencies"


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
    from perotwin.lab.meshes import Attempt, at_bias, until_fine
    from perotwin.measurement import add_notes, check, make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.steady import Solver

    protocol = protocol or Protocol()
    intensity = float(cell.light.intensity)

    def attempt(density: float) -> Attempt[tuple[Solver, States]]:
        solver = Solver(build(cell, light=intensity > 0.0, density=density).all_moving())
        found = bias_point(solver, protocol.bias, intensity)
        return Attempt((solver, found), at_bias(solver, found, protocol.bias, intensity))

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
        found["response to light at zero frequency against the steady one"] = check(
            (still - steady) / max(abs(steady), abs(still), 1e-300), _STEADY_LIMIT
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
    return add_notes(dataset, _doubts(*_sorted(dataset)))


def _doubts(frequency: F64, impedance: C128) -> list[str]:
    """What a reader of the spectrum must know."""
    if _BOUND not in high_frequency(frequency, impedance)[2]:
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

    Returns:
        `series_resistance` and `geometric_capacitance` from Rs + (G || C) fitted to the highest decade;
        `recombination_resistance`: with the spectrum for held ions its low-frequency intercept less Rs, else the width
        of the arc at the highest frequencies; `low_frequency_resistance` and `low_frequency_capacitance` at the lowest
        frequency, the latter the `capacitance` there; `arcs`, the number of maxima of -Im Z; `electronic_time` and
        `ionic_time` where the measurement states them. Rs is the circuit's where the measurement states it. What the
        data do not hold is NaN; each has its method.
    """
    frequency, impedance = _sorted(dataset)
    fitted, geometric, words = high_frequency(frequency, impedance)
    series = series_resistance(dataset)
    lowest = f"at {frequency[0]:.3g} Hz"
    peaks = arcs(impedance)
    if "impedance_real_held" in dataset:
        order = np.argsort(np.asarray(dataset["frequency"], float))
        width = float(np.asarray(dataset["impedance_real_held"], float)[order][0]) - series
        how = f"low-frequency intercept {lowest} with the ions held, less Rs"
    else:
        width, how = _fast_arc(impedance, peaks, series)
    found = {
        "recombination_resistance": Metric(width, "ohm m2", how),
        "low_frequency_resistance": Metric(float(impedance[0].real), "ohm m2", f"real part {lowest}"),
        "series_resistance": Metric(fitted, "ohm m2", words),
        "geometric_capacitance": Metric(geometric, "F m-2", words),
        "low_frequency_capacitance": Metric(
            float(capacitance(frequency[:1], impedance[:1], series)[0]),
            "F m-2",
            f"Im(1 / (Z - Rs)) / (2 pi f) {lowest}",
        ),
        "arcs": Metric(
            float(peaks.size), "1", f"maxima of -Im Z that stand out by {_ARC:.0%} of the largest"
        ),
    }
    if "time_constant" in dataset:
        modes = [str(mode) for mode in dataset["mode"].values]
        for mode, value in zip(modes, dataset["time_constant"].values, strict=True):
            if mode not in _SEEN:
                continue
            how = f"slowest eigenvalue at open circuit that carries {_SEEN[mode]:g} of the impedance"
            found[f"{mode}_time"] = Metric(float(value), "s", how)
    return Metrics(found)


def capacitance(frequency: F64, impedance: C128, series: float) -> F64:
    """(W,) F m^-2 of what lies behind the series resistance: Im(1 / (Z - Rs)) / (2 pi f).

    With the resistance left in, it would fall towards high frequencies as the resistor takes the voltage.

    Args:
        frequency: (W,) Hz. impedance: (W,) ohm m^2. series: Rs, ohm m^2.
    """
    return np.asarray((1.0 / (impedance - series)).imag / (2.0 * np.pi * frequency))


def series_resistance(dataset: xr.Dataset) -> float:
    """Rs that is taken out of a spectrum, ohm m^2: the resistor of the circuit where the measurement states it.

    A simulation knows it; the fit, which serves elsewhere, also takes in what the layers add to it.
    """
    if "series_resistance" in dataset.attrs:
        return float(dataset.attrs["series_resistance"])
    return high_frequency(*_sorted(dataset))[0]


def _sorted(dataset: xr.Dataset) -> tuple[F64, C128]:
    """Frequencies, ascending, and the impedance where both parts are known."""
    frequency = np.asarray(dataset["frequency"], float)
    impedance = np.asarray(dataset["impedance_real"], float) + 1j * np.asarray(
        dataset["impedance_imag"], float
    )
    order = np.argsort(frequency)
    order = order[np.isfinite(impedance[order])]
    return frequency[order], impedance[order]


def high_frequency(frequency: F64, impedance: C128) -> tuple[float, float, str]:
    """Series resistance, capacitance and how they were found: Rs + (G || C) over the highest decade.

    For a given Rs the rest is linear in G and C; Rs is the one of least relative misfit. (W,) Hz ascending, ohm m^2.
    """
    from scipy.optimize import minimize_scalar

    first = min(int(np.searchsorted(frequency, 0.0999 * frequency[-1])), max(frequency.size - 3, 0))
    omega, z = 2.0 * np.pi * frequency[first:], impedance[first:]

    def rest(series: float) -> tuple[float, float, float]:
        y = 1.0 / (z - series)
        g = float(np.sum(y.real / np.abs(y) ** 2) / np.sum(1.0 / np.abs(y) ** 2))
        weight = omega / np.abs(y)
        c = float(np.sum(weight * y.imag / np.abs(y)) / np.sum(weight**2))
        misfit = np.abs(series + 1.0 / (g + 1j * omega * c) - z) / np.abs(z)
        return g, c, float(np.sqrt(np.mean(misfit**2)))

    top = float(z[-1].real)
    if z.size < 3 or not top > 0.0:
        return (
            0.0,
            float(1.0 / z[-1].conjugate().imag / omega[-1]) if z[-1].imag else np.nan,
            "highest frequency",
        )
    # the misfit has more than one valley, and Rs may be all but the whole real part
    parts = 1.0 - np.geomspace(1.0, 1e-9, 181)
    best = int(np.argmin([rest(part * top)[2] for part in parts]))
    found = minimize_scalar(
        lambda part: rest(part * top)[2],
        bounds=(parts[max(best - 1, 0)], parts[min(best + 1, parts.size - 1)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    series = min(float(found.x), parts[best], key=lambda part: rest(part * top)[2]) * top
    _, c, misfit = rest(series)
    words = f"Rs + (G || C) over the highest decade, misfit {misfit:.1%}"
    return series, c, words + (_BOUND if misfit > _FITS else "")


def arcs(impedance: C128) -> NDArray[np.int64]:
    """Indices of the maxima of -Im Z (W,), lowest frequency first."""
    from scipy.signal import find_peaks

    height = -impedance.imag
    peaks, _ = find_peaks(height, prominence=_ARC * float(np.max(np.abs(height), initial=0.0)))
    return np.asarray(peaks, dtype=np.int64)


def _fast_arc(impedance: C128, peaks: NDArray[np.int64], series: float) -> tuple[float, str]:
    """Width of the arc at the highest frequencies, up to the valley before the next one."""
    if peaks.size == 0:
        return float("nan"), "no arc"
    if peaks.size == 1:
        return float(impedance[0].real) - series, "width of the only arc"
    between = slice(int(peaks[-2]), int(peaks[-1]) + 1)
    valley = int(peaks[-2]) + int(np.argmin(-impedance[between].imag))
    return float(
        impedance[valley].real
    ) - series, "width of the arc at the highest frequencies, up to the next valley"


@of_measurements("impedance")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Nyquist, Bode and capacitance; into given axes the Nyquist plot. See `plotting.signals.impedance`."""
    from perotwin.plotting import signals, style

    return signals.impedance(datasets, [series_resistance(item) for item in style.as_list(datasets)], ax)


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
        *(Variable(name, ("frequency",), required=name in _ALWAYS) for name in _SPECTRA),
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
