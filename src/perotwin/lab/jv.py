"""Current-voltage curves.

    measured = measure(cell, Protocol(start="0 V", stop="1.3 V", step="10 mV"))
    analyse(measured)["voc"]

The curve is steady: every point is in equilibrium with its light and voltage, ions as the cell says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import conditions, depth_profiles
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.lab.jv_analysis import Method, analyse, points_of, short_of_the_top, sweeps_of, without_merit
from perotwin.lab.open_circuit import TOLD, is_told
from perotwin.measurement import Instrument, Metric, Metrics, Picture, Variable, Variant, quantity
from perotwin.stack.quantity_fields import Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.measurement.checks import Checks
    from perotwin.stack import Cell
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = [
    "INSTRUMENT",
    "Method",
    "Protocol",
    "analyse",
    "curve",
    "document",
    "measure",
    "plot",
    "scan_entry",
    "short_of_the_top",
    "solved",
    "solved_points",
    "sweeps_of",
]

F64 = NDArray[np.float64]

#: a dark curve without a stated end stops where it carries this much, A m^-2
_DARK_END = 1e3
#: step (V) of the curve that is followed only to find maximum power and open circuit
_FOLLOWED = 0.02
#: distance (V) of three points about maximum power: a parabola through them has its top within 0.1 mV of the power's,
#: and the power there within a 1e-6 part
_TOP = 0.002
#: points between looks at whether the curve has crossed its end
_CHUNK = 16
#: what a reader of a curve in the light must know that has no power
_LOOK = "look at perotwin bands, the order of the layers and the contacts' work functions."
#: most points of one curve
_MOST = 100_000


class Protocol(Model):
    """How a current-voltage curve is taken.

    start, stop : terminal voltages (V). Without a stop the curve ends past open circuit, in the dark where it carries
        100 mA/cm2.
    step : V, positive.
    profiles : terminal voltages (V) at which the fields inside are kept, beside short circuit, maximum power and open
        circuit.
    junctions : of a tandem, whether each junction's own curve is taken too (see `lab.junctions`).
    """

    start: Voltage = Quantity(0.0, "0 V", dimension="voltage")
    stop: Voltage | None = None
    step: Voltage = Quantity(0.01, "10 mV", dimension="voltage")
    profiles: tuple[Voltage, ...] = ()
    junctions: bool = True

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        conditions.refuse_range(self.start, self.stop, self.step, _MOST)
        return self

    def voltages(self, stop: float) -> F64:
        """(K,) terminal voltages from start to `stop` (V), both included up to a whole step.

        Raises:
            InputError: more of them than anybody reads.
        """
        if abs(stop - self.start) / self.step > _MOST:
            raise InputError(
                f"from {self.start} to {stop:.4g} V in steps of {self.step} makes more than {_MOST} points.",
                "Give a larger step.",
                key="step",
            )
        count = int(np.floor(abs(stop - self.start) / self.step + 1e-6)) + 1
        direction = 1.0 if stop >= self.start else -1.0
        # rounding to a picovolt turns 0.30000000000000004 into 0.3
        return np.round(float(self.start) + direction * float(self.step) * np.arange(count), 12)


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the steady current-voltage curve of a cell under its own light.

    Args:
        cell: a stack, several side by side, or a tandem.
        protocol: voltages; a default one if absent.

    Returns:
        The measurement: `current_density` (voltage), A m^-2; `converged`; `channel_current` (channel, voltage); fields
        at `bias`; the solved points `solved_voltage` and `solved_current` (point). Of a tandem besides `voltage_top`
        and so on and what is lost, `voltage_between` (voltage), V; `solved_voltage_top` ... (point); and each
        junction's own curve, which `lab.junctions.curves` gives as measurements.

    Raises:
        InputError: a tandem with four terminals of which none are chosen (see `lab.junctions.terminals`).
        ConvergenceError: not even short circuit could be reached. A single voltage that cannot be reached is NaN in
            the result and fails its checks.
    """
    from perotwin.lab import junctions
    from perotwin.measurement import add_notes, check, make_dataset
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.profiles import profiles
    from perotwin.transport.states import join

    protocol = protocol or Protocol()
    intensity = float(cell.light.intensity)
    solver, states, points, of_mesh = solved(cell, protocol)
    shown = list(points.values())
    if protocol.profiles:
        shown.append(_states_at(solver, states, np.array([float(v) for v in protocol.profiles]), intensity))
    if not shown:
        shown = [states.pick([int(np.argmin(np.abs(states.voltage)))])]
    kept = join(shown)
    order = np.argsort(kept.voltage, kind="stable")
    data = profiles(kept.pick(order))
    every = join([states, *points.values()])
    found = steady_checks(every)
    found["points without a solution"] = check(float((~states.converged).sum()), 0.0)
    found.update(of_mesh)
    found.update(optical_checks(states.problem))
    losses = states.losses()
    lost = np.array(list(losses.values()))
    lost[:, ~states.converged] = np.nan
    alone, along = junctions.own(solver, float(protocol.step), intensity) if protocol.junctions else ({}, {})
    variables: dict[str, Any] = {
        "current_density": ("voltage", states.current),
        "converged": ("voltage", states.converged),
        "junction_voltage": ("voltage", np.where(states.converged, states.junction_voltage, np.nan)),
        "channel_current": (("channel", "voltage"), lost),
        "generation": (("bias", "x")[-data.generation.ndim :], data.generation),
        "solved_voltage": ("point", np.array([float(s.voltage[0]) for s in points.values()])),
        "solved_current": ("point", np.array([float(s.current[0]) for s in points.values()])),
        **depth_profiles.variables(data, "bias"),
        **junctions.voltages(states, "voltage"),
        **junctions.at_points(points),
        **alone,
    }
    dataset = make_dataset(
        INSTRUMENT,
        variables,
        {
            **along,
            "voltage": states.voltage,
            "channel": list(losses),
            "bias": data.voltage,
            "point": list(points),
            **depth_profiles.coordinates(data),
        },
        about={
            **conditions.about(cell, protocol, intensity),
            **depth_profiles.shown(states),
            "direction": "steady",
            "irradiance": conditions.irradiance(states),
        },
        checks=found,
        notes=conditions.notes(every, fields=True),
    )
    if intensity > 0.0 and (why := without_merit(dataset, points_of(dataset))):
        dataset = add_notes(dataset, [f"{why.removeprefix('none: ')}: {_LOOK}"])
    elif "maximum-power" in points and "open-circuit" not in points:
        dataset = add_notes(dataset, [_flat(states)])
    elif intensity > 0.0 and protocol.stop is None and "open-circuit" not in points:
        dataset = add_notes(dataset, [_no_open_circuit(cell, states)])
    return dataset


def _no_open_circuit(cell: Cell, states: States) -> str:
    """Why a curve that was followed as far as it goes has no open circuit."""
    good = states.converged
    if not good.any() or (states.current[good] <= 0.0).any():
        return f"its open circuit is not found: {_LOOK}"
    end = float(states.voltage[good].max())
    said = f"it has no open circuit: up to {end:.2f} V current comes out, and nothing in it takes what light makes"
    if cell.light.generation.kind != "optics":
        said += (
            ". A generation that is given brings no emission: state radiative recombination as a coefficient"
        )
    return f"{said}. Are there traps in the absorber and at its faces?"


def _flat(states: States) -> str:
    """What a reader of a curve must know whose open circuit rounding decides."""
    found = _bracket(states)
    near = "" if found is None else f" near {states.voltage[found[1]]:.2f} V"
    return (
        f"rounding decides its open circuit{near}: its curve is so flat there that searches from either "
        f"side end more than {1e3 * TOLD:g} mV apart. Voc and fill factor are left out: look at perotwin bands for "
        "what nothing passes."
    )


def curve(solver: Solver, protocol: Protocol, intensity: float) -> States:
    """The states of the protocol's voltages; without a stop, until past the end of interest."""
    from perotwin.transport.states import join

    if protocol.stop is not None:
        return solver.sweep(protocol.voltages(float(protocol.stop)), intensity)
    voltages = protocol.voltages(max(solver.problem.highest_voltage, float(protocol.start)) + 0.2)
    parts: list[States] = []
    start = None
    for first in range(0, voltages.size, _CHUNK):
        part = solver.sweep(voltages[first : first + _CHUNK], intensity, start)
        parts.append(part)
        good = np.flatnonzero(part.converged)
        if good.size:
            start = part.state(int(good[-1]))
        elif len(parts) > 1 and not parts[-2].converged.any():
            # nothing for so long: the rest would cost time only
            break
        end = part.current < 0.0 if intensity > 0.0 else np.abs(part.current) > _DARK_END
        past = np.flatnonzero(end & (part.voltage > 0.0))
        if past.size:
            # a few points past the end, so that the curve is seen to cross the axis
            keep = min(part.voltage.size, int(past[0]) + 3)
            parts[-1] = part.pick(np.arange(keep))
            break
    return join(parts)


def _states_at(solver: Solver, states: States, voltages: F64, intensity: float) -> States:
    """States at chosen voltages, each from the nearest one of the curve."""
    from perotwin.transport.states import join

    good = np.flatnonzero(states.converged)
    found = []
    for voltage in voltages:
        near = None
        if good.size:
            near = states.state(int(good[np.argmin(np.abs(states.voltage[good] - voltage))]))
        found.append(solver.sweep([voltage], intensity, near))
    return join(found)


def solved(cell: Cell, protocol: Protocol) -> tuple[Solver, States, dict[str, States], Checks]:
    """The curve and its solved points, on a mesh that is fine enough, and the checks of that."""
    from perotwin.lab.meshes import Attempt, until_fine
    from perotwin.transport import enough_areas, refinement
    from perotwin.transport.adapted import adapted
    from perotwin.transport.build import build
    from perotwin.transport.steady import Solver

    intensity = float(cell.light.intensity)
    lit = intensity > 0.0 or conditions.frozen_in_light(cell)

    coarser: Solver | None = None

    def attempt(density: float | Like, finer: float) -> Attempt[tuple[Solver, States, dict[str, States]]]:
        nonlocal coarser
        solver = coarser = Solver(build(cell, light=lit, density=density, finer=finer), coarser=coarser)
        states = curve(solver, protocol, intensity)
        points = solved_points(solver, states, intensity)
        of_mesh = refinement.checks(solver, points, intensity)
        whole = bool(states.converged.all())
        return Attempt((solver, states, points), of_mesh, whole, partial(adapted, solver, points, intensity))

    for finer in (1.0, 2.0):
        best = until_fine(partial(attempt, finer=finer))
        solver, _, points = best.found
        of_areas = enough_areas.checks(solver, points, intensity)
        if all(row.passed for row in of_areas.values()):
            break
    return (*best.found, best.checks | of_areas)


def solved_points(solver: Solver, states: States, intensity: float) -> dict[str, States]:
    """Short circuit, maximum power and open circuit, solved for and not read off the grid; none in the dark.

    They belong to the cell and not to the range that was asked for: where the curve does not reach them, one that
    does is followed for them. An open circuit that rounding decides is left out.
    """
    if intensity <= 0.0 or not states.converged.any():
        return {}
    points: dict[str, States] = {}
    short = _states_at(solver, states, np.array([0.0]), intensity)
    if short.converged[0]:
        points["short-circuit"] = short
    found = _bracket(states)
    if found is None and states.converged[-1]:
        states = curve(solver, Protocol(step=_FOLLOWED), intensity)
        found = _bracket(states)
    if found is not None:
        best, end = found
        try:
            opened = solver.open_circuit(states.state(end), intensity)
        except ConvergenceError:
            if not solver.delivers_nothing(short, intensity):
                raise
            return points
        if is_told(solver, opened, intensity):
            points["open-circuit"] = opened
        points["maximum-power"] = _maximum_power(solver, states, best, intensity)
    return points


def _bracket(states: States) -> tuple[int, int] | None:
    """Points of a curve next to maximum power and next to open circuit; None if it does not go past both."""
    good = np.flatnonzero(states.converged)
    good = good[np.argsort(states.voltage[good], kind="stable")]
    voltage, current = states.voltage[good], states.current[good]
    crossing = np.flatnonzero((current[:-1] > 0.0) & (current[1:] <= 0.0))
    best = int(np.argmax(voltage * current)) if good.size else 0
    if not crossing.size or best == 0:
        return None
    return int(good[best]), int(good[crossing[0] + 1])


def _maximum_power(solver: Solver, states: States, index: int, intensity: float) -> States:
    """The point of largest power near point `index`, by parabolas through three solved points."""
    near = states.state(index)
    power = states.voltage * states.current
    centre = float(states.voltage[index])
    if 0 < index < power.size - 1 and np.isfinite(power[index - 1 : index + 2]).all():
        width = float(states.voltage[index + 1] - states.voltage[index])
        first = _vertex(power[index - 1 : index + 2], width)
        centre += first if np.isfinite(first) else 0.0

    def at(voltage: float) -> tuple[float, States]:
        made = solver.sweep([voltage], intensity, near)
        return float(made.voltage[0] * made.current[0]), made

    best, made = at(centre)
    for _ in range(8):
        shift = _vertex(np.array([at(centre - _TOP)[0], best, at(centre + _TOP)[0]]), _TOP)
        if not np.isfinite(shift):
            break
        centre += shift
        best, made = at(centre)
        if abs(shift) < _TOP:
            return made
    # On a coarse grid the parabolas may start too far away to arrive; the neighbours still bracket the top.
    from scipy.optimize import minimize_scalar

    around = states.voltage[max(index - 1, 0) : index + 2]
    found = minimize_scalar(
        lambda voltage: -at(float(voltage))[0],
        bounds=(float(around.min()), float(around.max())),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return at(float(found.x))[1]


def _vertex(power: F64, width: float) -> float:
    """How far the top of the parabola through three equidistant powers (3,) lies from the middle, V; NaN if none."""
    curvature = power[0] - 2.0 * power[1] + power[2]
    if not curvature < 0.0:
        return float("nan")
    return float(
        np.clip(0.5 * width * (power[0] - power[2]) / curvature, -4.0 * abs(width), 4.0 * abs(width))
    )


# --- what it is ------------------------------------------------------------------------------------------------------


@of_measurements("jv")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Current density against voltage; see `plotting.curves.jv`."""
    from perotwin.plotting import curves

    return curves.jv(datasets, ax)


#: metrics that every current-voltage scan reports, known or not
_OF_A_SCAN = {"voc": "V", "jsc": "A m-2", "ff": "1", "pce": "1", "vmp": "V", "jmp": "A m-2"}


def scan_entry(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """One curve for machines: its direction, metrics, voltages and currents, of junctions in series their voltages."""
    from perotwin.lab import junctions
    from perotwin.measurement.document import variable

    unknown = {name: Metric(np.nan, unit) for name, unit in _OF_A_SCAN.items()}
    current = dataset["current_density"].values
    if "converged" in dataset:
        current = np.where(dataset["converged"].values, current, np.nan)
    curve = {
        "voltage": variable(dataset, "voltage"),
        "current_density": quantity("current_density", current, "A m-2"),
    }
    if "time" in dataset.coords:
        curve["time"] = variable(dataset, "time")
    names = junctions.names(dataset)
    if names:
        curve["junction_voltages"] = {
            name: variable(dataset, f"voltage_{name}") for name in (*names, junctions.BETWEEN)
        }
    return {
        "direction": str(dataset.attrs.get("direction", "steady")),
        "metrics": Metrics({**unknown, **metrics}).to_json(),
        "curve": curve,
    }


def document(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """A curve for machines, and of junctions in series their own curves and where they stand at maximum power."""
    from perotwin.lab import junctions

    return {"scans": [scan_entry(dataset, metrics)], **junctions.document(dataset)}


def _summary(measured: Mapping[str, xr.Dataset], metrics: Metrics) -> dict[str, Any]:
    made = document(measured[""], metrics) if "" in measured else {}
    if "dark" in measured:
        made["dark"] = scan_entry(measured["dark"], Metrics())["curve"]
    return made


def _channels(dataset: xr.Dataset) -> Figure:
    from perotwin.plotting import curves

    return curves.channels(dataset)


def _profiles(dataset: xr.Dataset) -> Figure:
    from perotwin.plotting import depth

    return depth.profiles(dataset)


INSTRUMENT = Instrument(
    name="jv",
    title="J-V in the light",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    pictures=(
        Picture(
            "jv",
            plot,
            "Current density against voltage of {cells}, under illumination (left; the dot marks maximum power) and in "
            "the dark (right).",
            of_tandems=(
                "Current density against voltage of {cells}, under illumination (left; the dot marks maximum power; "
                "thin lines are the junctions of tandems alone) and in the dark (right)."
            ),
            together=1,
            section="curves",
        ),
        Picture(
            "channels",
            _channels,
            "Current density lost in each recombination channel of {cells} against voltage. Dotted: delivered.",
            of_tandems=(
                "Current density lost in each recombination channel of {cells} against the voltage of the whole, "
                "junction by junction. Dotted: delivered."
            ),
            section="recombination",
            needs=lambda dataset: "channel_current" in dataset,
        ),
        Picture(
            "profiles",
            _profiles,
            "Generation and recombination rates (left) and carrier densities (right; electrons solid, holes dashed) in "
            "{cells} against depth. Recombination at faces and contacts is not part of the rates. Layers too thin for "
            "their name are drawn wider than they are.",
            of_tandems=(
                "Generation at short circuit and recombination rates (above) and carrier densities (below; electrons "
                "solid, holes dashed) in {cells} against depth. Recombination at faces and contacts is not part of the "
                "rates. Layers too thin for their name are drawn wider than they are."
            ),
            section="recombination",
            wide=True,
            inside=True,
            needs=lambda dataset: "recombination" in dataset,
        ),
    ),
    variables=(
        Variable("voltage", ("voltage",)),
        Variable("current_density", ("voltage",), required=True),
        Variable("converged", ("voltage",)),
        Variable("junction_voltage", ("voltage",)),
        Variable("channel_current", ("channel", "voltage")),
        Variable("solved_voltage", ("point",)),
        Variable("solved_current", ("point",)),
        *depth_profiles.declared("bias", required=False, written=False),
    ),
    document=document,
    summary=_summary,
    variants=(Variant("dark", "J-V in the dark", conditions.darkened),),
    usual=True,
    own_section=True,
    place=0,
)


def __dir__() -> list[str]:
    return sorted(__all__)
