"""The junctions of a tandem in a current-voltage curve: their voltages at each point, and their own curves.

    measured = jv.measure(tandem)
    curves(measured)["top"]          # an ordinary measurement of the top junction alone
    metrics(measured)["top"]["voc"]
    limiting(measured)               # "top" or "bottom"

A junction's own curve is that between its own two terminals, lit as it is in the tandem. Its shunt belongs to it; what
is in series with both junctions does not, nor does the light that the other junction sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.measurement import Metric, Metrics

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell
    from perotwin.transport.cell import CellEngine, CellSolver, CellStates
    from perotwin.transport.trace import Trace

__all__ = [
    "BETWEEN",
    "at",
    "at_points",
    "curves",
    "in_time",
    "limiting",
    "metrics",
    "names",
    "own",
    "terminals",
    "together",
    "voltages",
    "words",
]

#: what is lost between the junctions and in all that is in series with them
BETWEEN = "between"
#: least step (V) of a junction's own curve: its points of interest are solved for
_STEP = 0.02


def terminals(cell: Cell) -> dict[str, Cell]:
    """The cells that instruments are connected to: of a tandem with four terminals each junction, "top" and "bottom",
    in the light of the whole; of any other cell itself, "".
    """
    joined: Any = getattr(cell, "junction", None)
    if joined is None or joined.kind != "separate" or joined.terminals != "both":
        return {"": cell}
    tandem: Any = cell
    return {"top": tandem.at("top"), "bottom": tandem.at("bottom")}


def together(found: Mapping[str, Metrics]) -> Metrics:
    """The efficiency of junctions that work each at its own maximum power, from the metrics of each."""
    return Metrics(
        {"pce": Metric(sum(float(one["pce"]) for one in found.values()), "1", "sum of the junctions' powers")}
    )


# --- what a measurement of a tandem holds besides --------------------------------------------------------------------


def voltages(states: CellStates, dimension: str) -> dict[str, tuple[str, Any]]:
    """`voltage_top`, `voltage_bottom` and `voltage_between` (V) over the states; nothing for cells of one junction.

    The first two less the third are the terminal voltage. Points that did not converge are NaN.
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
    parts = [getattr(moment, "parts", ()) for moment in trace.moments]
    found = list(engine.problem.stack.stacks)
    if set(found) != {"top", "bottom"} or len(parts) != trace.time.size:
        return {}
    vt = engine.problem.vt
    each = {name: vt * np.array([float(part[i].v[0]) for part in parts]) for i, name in enumerate(found)}
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
    from perotwin.transport.apart import junction_solvers

    variables: dict[str, tuple[str, Any]] = {}
    coordinates: dict[str, Any] = {}
    for name, one in junction_solvers(cell, solver, light=intensity > 0.0).items():
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


def words(dataset: xr.Dataset) -> str:
    """Where the junctions stand at maximum power, and which one limits the current, as a sentence; else empty."""
    found = at(dataset)
    if not found:
        return ""
    parts = [f"the {name} junction at {value:.3f} V" for name, value in found.items() if name != BETWEEN]
    lost = 1e3 * found.get(BETWEEN, 0.0)
    said = (
        f"at maximum power {' and '.join(parts)}, {lost:.1f} mV lost between them and in series resistances"
    )
    which = limiting(dataset)
    return f"{said}; the {which} junction limits the current." if which else f"{said}."
