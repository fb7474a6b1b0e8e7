"""The junctions of a cell in a current-voltage curve: their voltages at each point, and their own curves.

    measured = jv.measure(tandem)
    curves(measured)["top"]          # an ordinary measurement of the top junction alone
    metrics(measured)["top"]["voc"]
    limiting(measured)               # "top", "middle" or "bottom"

A junction's own curve is that between its own two terminals, lit as it is in the tandem. Its shunt belongs to it; what
is in series with all of them does not, nor does the light that another junction sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perotwin.measurement import Metric, Metrics
from perotwin.measurement.junction_names import BETWEEN, junction_layers

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell
    from perotwin.transport.build import Problem
    from perotwin.transport.cell import CellEngine, CellProblem, CellSolver, CellStates
    from perotwin.transport.steady import Solver
    from perotwin.transport.trace import Trace

__all__ = [
    "BETWEEN",
    "Part",
    "at",
    "at_points",
    "curves",
    "document",
    "each_alone",
    "in_time",
    "limiting",
    "metrics",
    "names",
    "own",
    "parts",
    "received",
    "solvers",
    "subcells",
    "terminals",
    "together",
    "voltages",
    "words",
]

#: least step (V) of a junction's own curve: its points of interest are solved for
_STEP = 0.02


def terminals(cell: Cell) -> dict[str, Cell]:
    """The cells that instruments are connected to: of junctions with terminals of their own each one, "top" and
    "bottom", in the light of the whole; of any other cell itself, "".
    """
    joined: Any = getattr(cell, "junction", None)
    if joined is None or joined.kind != "separate" or joined.terminals != "both":
        return {"": cell}
    tandem: Any = cell
    return {name: tandem.at(name) for name in tandem.stacks}


def together(found: Mapping[str, Metrics]) -> Metrics:
    """The efficiency of junctions that work each at its own maximum power, from the metrics of each."""
    return Metrics(
        {"pce": Metric(sum(float(one["pce"]) for one in found.values()), "1", "sum of the junctions' powers")}
    )


# --- what the solver says of junctions -------------------------------------------------------------------------------


class Part(NamedTuple):
    """One mesh of a cell: its name ("" in a cell of one), its share of the area, and what is solved on it."""

    name: str
    area: float
    problem: Problem


def parts(problem: CellProblem) -> list[Part]:
    """The meshes that a cell consists of, in the order of the parts of its states."""
    found = problem.parts
    names = list(problem.stack.stacks) if len(found) > 1 else [""]
    areas = getattr(problem, "areas", np.ones(len(found)))
    return [Part(name, float(area), one) for name, area, one in zip(names, areas, found, strict=True)]


def subcells(problem: Problem) -> dict[str, list[str]]:
    """The electrical layers of one mesh by the junction that they are called after; all under "" where it is of one."""
    return junction_layers(layer.name for layer in problem.stack.electrical_layers)


def solvers(cell: Cell, solver: CellSolver, *, light: bool = True) -> dict[str, Solver]:
    """What solves each of several junctions in series by itself, lit as it is in the cell; nothing for other cells.

    Args:
        cell, solver: what is measured. light: whether generation is needed.
    """
    from perotwin.transport.apart import junction_solvers

    return junction_solvers(cell, solver, light=light)


def each_alone(cell: Cell, solver: CellSolver) -> dict[str, Any]:
    """What solves each junction or column of a cell by itself, by name; of a cell of one mesh and junction "", its own.

    Args:
        cell, solver: what is measured.
    """
    series = solvers(cell, solver)
    if series:
        return dict(series)
    found = parts(solver.problem)
    if len(found) == 1:
        return {found[0].name: solver}
    from perotwin.transport.steady import Solver as Single

    return {part.name: Single(part.problem) for part in found}


def received(states: CellStates, name: str) -> float:
    """Pairs (m^-2 s^-1) that light of other junctions makes in one of several in series, at the first of its states."""
    names = [part.name for part in parts(states.problem)]
    if name in names:
        light = states.parts[names.index(name)].coupled
    else:
        # solved as one stack, where only the last one has another in front of it
        last = list(subcells(states.problem.parts[0]))[-1]
        light = states.parts[0].coupled if name == last else None
    return 0.0 if light is None else float(light[0].sum())


# --- what a measurement of a tandem holds besides --------------------------------------------------------------------


def voltages(states: CellStates, dimension: str) -> dict[str, tuple[str, Any]]:
    """`voltage_top`, `voltage_bottom` (V) and so on over the states, and `voltage_between`; nothing for cells of one
    junction.

    Those of the junctions less what is lost between them are the terminal voltage. Points that did not converge are
    NaN.
    """
    return {
        f"voltage_{name}": (dimension, np.where(states.converged, values, np.nan))
        for name, values in states.junction_voltages.items()
    }


def at_points(points: Mapping[str, CellStates]) -> dict[str, tuple[str, Any]]:
    """`solved_voltage_top` and the like (point), V."""
    found: dict[str, list[float]] = {}
    for states in points.values():
        for name, values in states.junction_voltages.items():
            found.setdefault(f"solved_voltage_{name}", []).append(float(values[0]))
    return {name: ("point", np.array(values)) for name, values in found.items()}


def in_time(engine: CellEngine, trace: Trace) -> dict[str, Any]:
    """(T,) V of the junctions and what is lost between them at the moments of a run; nothing for other cells, or where
    the run did not keep its moments.
    """
    moments = [getattr(moment, "parts", ()) for moment in trace.moments]
    found = list(engine.problem.stack.stacks)
    side_by_side = hasattr(engine.problem, "areas")
    if len(found) < 2 or side_by_side or len(moments) != trace.time.size:
        return {}
    vt = engine.problem.vt
    each = {name: vt * np.array([float(parts[i].v[0]) for parts in moments]) for i, name in enumerate(found)}
    return each | {BETWEEN: sum(each.values()) - trace.voltage}


def own(
    cell: Cell, solver: CellSolver, step: float, intensity: float
) -> tuple[dict[str, tuple[str, Any]], dict[str, Any]]:
    """Variables and coordinates of the junctions' own curves; nothing for cells of one junction.

    Args:
        cell, solver: what is measured.
        step: V, of the cell's own curve.
        intensity: suns of the whole.
    """
    from perotwin.lab import jv

    variables: dict[str, tuple[str, Any]] = {}
    coordinates: dict[str, Any] = {}
    for name, one in solvers(cell, solver, light=intensity > 0.0).items():
        states = jv.curve(one, jv.Protocol(step=max(step, _STEP)), intensity)
        points = jv.solved_points(one, states, intensity)
        along = f"own_voltage_{name}"
        coordinates[along] = states.voltage
        variables[f"own_current_{name}"] = (along, states.current)
        coordinates[f"own_point_{name}"] = list(points)
        for what, values in (
            ("voltage", [float(s.voltage[0]) for s in points.values()]),
            ("current", [float(s.current[0]) for s in points.values()]),
        ):
            variables[f"own_solved_{what}_{name}"] = (f"own_point_{name}", np.array(values, dtype=float))
    return variables, coordinates


# --- reading it: arrays only -----------------------------------------------------------------------------------------


def names(dataset: xr.Dataset) -> list[str]:
    """The junctions whose voltages a measurement holds, front first; none of a cell of one junction."""
    return [
        str(name).removeprefix("voltage_")
        for name in dataset.data_vars
        if str(name).startswith("voltage_") and str(name) != f"voltage_{BETWEEN}"
    ]


def curves(dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """Each junction's own curve as a measurement that `jv.analyse` and `jv.plot` take."""
    import xarray as xr

    from perotwin.measurement import describe

    found = {}
    for name in names(dataset):
        if f"own_current_{name}" not in dataset:
            continue
        current = dataset[f"own_current_{name}"].values
        found[name] = describe(
            xr.Dataset(
                {
                    "current_density": ("voltage", current),
                    "converged": ("voltage", np.isfinite(current)),
                    "solved_voltage": ("point", dataset[f"own_solved_voltage_{name}"].values),
                    "solved_current": ("point", dataset[f"own_solved_current_{name}"].values),
                },
                coords={
                    "voltage": dataset[f"own_voltage_{name}"].values,
                    "point": dataset[f"own_point_{name}"].values,
                },
                attrs={
                    "instrument": "jv",
                    "stack": f"{dataset.attrs.get('stack', '')}, {name} junction",
                    **{key: dataset.attrs[key] for key in _SHARED if key in dataset.attrs},
                },
            )
        )
    return found


_SHARED = ("direction", "light", "temperature", "irradiance", "perotwin")


def metrics(dataset: xr.Dataset) -> dict[str, Metrics]:
    """The metrics of each junction's own curve; its efficiency is its power over all light that falls on the tandem."""
    from perotwin.lab import jv

    return {name: jv.analyse(curve) for name, curve in curves(dataset).items()}


def limiting(dataset: xr.Dataset) -> str | None:
    """The junction whose own short-circuit current is the smaller; None where that is not known."""
    found = {name: float(one["jsc"]) for name, one in metrics(dataset).items()}
    known = {name: value for name, value in found.items() if np.isfinite(value)}
    return min(known, key=lambda name: known[name]) if len(known) > 1 and max(known.values()) > 0.0 else None


def at(dataset: xr.Dataset, point: str = "maximum-power") -> dict[str, float]:
    """V of each junction, and what is lost between them, at a solved point; empty where it is not known."""
    if "point" not in dataset.coords or point not in [str(one) for one in dataset["point"].values]:
        return {}
    here = dataset.sel(point=point)
    wanted = (*names(dataset), BETWEEN)
    return {
        name: float(here[f"solved_voltage_{name}"]) for name in wanted if f"solved_voltage_{name}" in here
    }


def document(dataset: xr.Dataset) -> dict[str, Any]:
    """Each junction's own curve and metrics, which one limits, and where they stand at maximum power, for machines;
    nothing where the measurement does not hold their curves.
    """
    from perotwin.measurement.document import quantity, variable

    alone = curves(dataset)
    if not alone:
        return {}
    found = metrics(dataset)
    made: dict[str, Any] = {
        "junctions": {
            name: {
                "metrics": found[name].to_json(),
                "curve": {key: variable(curve, key) for key in ("voltage", "current_density")},
            }
            for name, curve in alone.items()
        },
        "limiting": limiting(dataset),
    }
    here = at(dataset)
    if here:
        made["maximum_power"] = {f"voltage_{name}": quantity("voltage", value, "V") for name, value in here.items()}
    return made


def words(dataset: xr.Dataset) -> str:
    """Where the junctions stand at maximum power, and which one limits the current, as a sentence; else empty."""
    found = at(dataset)
    if not found:
        return ""
    each = [f"the {name} junction at {value:.3f} V" for name, value in found.items() if name != BETWEEN]
    places = " and ".join(filter(None, [", ".join(each[:-1]), each[-1]]))
    lost = 1e3 * found.get(BETWEEN, 0.0)
    said = (
        f"at maximum power {places}, {lost:.1f} mV lost between them and in series resistances"
    )
    which = limiting(dataset)
    return f"{said}; the {which} junction limits the current." if which else f"{said}."
