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
from perotwin.measurement.junction_names import BETWEEN

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell
    from perotwin.transport.build import Problem
    from perotwin.transport.junction import Junction
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = [
    "BETWEEN",
    "Part",
    "at",
    "at_points",
    "curves",
    "document",
    "each_alone",
    "limiting",
    "metrics",
    "names",
    "own",
    "parts",
    "received",
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
    """A junction or column of a cell: its name ("" in a cell of one), and the meshes that it is solved on.

    meshes : their numbers among the parts of a state, several where a face is uneven. areas : their shares of the
        cell's area. junction : the one of the largest area.
    """

    name: str
    meshes: tuple[int, ...]
    areas: tuple[float, ...]
    junction: Junction


def parts(problem: Problem) -> list[Part]:
    """What a cell consists of, in the order of the parts of its states; areas of one uneven face belong together, and
    what lies in pinholes of their film is no part of them."""
    if not _whole(problem):
        each = zip(problem.names, problem.areas, problem.parts, strict=True)
        return [Part(name, (number,), (float(area),), one) for number, (name, area, one) in enumerate(each)]
    found = []
    for home, typical in problem.typical.items():
        meshes = tuple(
            number for number, other in enumerate(problem.homes) if other == home and number in problem.films
        )
        areas = tuple(float(problem.areas[number]) for number in meshes)
        found.append(Part(home, meshes, areas, problem.parts[typical]))
    return found


def _whole(problem: Problem) -> bool:
    """Whether what has several meshes is a junction, or the whole cell, and no column beside others."""
    groups = {group.name: len(group.parts) for group in problem.groups}
    several = [home for home in problem.typical if problem.homes.count(home) > 1]
    return bool(several) and all(groups.get(home) == problem.homes.count(home) for home in several)


def each_alone(solver: Solver) -> dict[str, Solver]:
    """What solves each junction or column of a cell by itself, by name; of a cell of one, "", itself.

    Junctions that are one mesh are taken apart; areas of one uneven face stay together.
    """
    problem = solver.problem
    if any(part.halves for part in problem.parts):
        return solver.junctions
    each = parts(problem)
    if len(each) == 1:
        return {each[0].name: solver}
    made = type(solver)
    return {
        one.name: solver.junctions[one.name]
        if one.name in solver.junctions
        else made(problem.part(one.meshes[0]), held=solver.held_in(one.meshes))
        for one in each
    }


def received(states: States, name: str) -> float:
    """Pairs (m^-2 s^-1 of its area) that light of other layers makes in a junction, at the first of its states."""
    problem = states.problem
    made = np.zeros(problem.generation.size)
    for here, part in zip(problem.sites, states.parts, strict=True):
        if part.coupled is not None:
            made[here] = part.coupled[0]
    made *= problem.site_areas
    return sum(float(made[here].sum()) for here in problem.junction_sites[name])


# --- what a measurement of a tandem holds besides --------------------------------------------------------------------


def voltages(states: States, dimension: str) -> dict[str, tuple[str, Any]]:
    """`voltage_top`, `voltage_bottom` (V) and so on over the states, and `voltage_between`; nothing for cells of one
    junction.

    Those of the junctions less what is lost between them are the terminal voltage. Points that did not converge are
    NaN.
    """
    return {
        f"voltage_{name}": (dimension, np.where(states.converged, values, np.nan))
        for name, values in states.junction_voltages.items()
    }


def at_points(points: Mapping[str, States]) -> dict[str, tuple[str, Any]]:
    """`solved_voltage_top` and the like (point), V."""
    found: dict[str, list[float]] = {}
    for states in points.values():
        for name, values in states.junction_voltages.items():
            found.setdefault(f"solved_voltage_{name}", []).append(float(values[0]))
    return {name: ("point", np.array(values)) for name, values in found.items()}


def own(solver: Solver, step: float, intensity: float) -> tuple[dict[str, tuple[str, Any]], dict[str, Any]]:
    """Variables and coordinates of the junctions' own curves; nothing for cells of one junction.

    Args:
        solver: of what is measured.
        step: V, of the cell's own curve.
        intensity: suns of the whole.
    """
    from perotwin.lab import jv

    variables: dict[str, tuple[str, Any]] = {}
    coordinates: dict[str, Any] = {}
    for name, one in solver.junctions.items():
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
        made["maximum_power"] = {
            f"voltage_{name}": quantity("voltage", value, "V") for name, value in here.items()
        }
    return made


def words(dataset: xr.Dataset) -> str:
    """Where the junctions stand at maximum power, and which one limits the current, as a sentence; else empty."""
    found = at(dataset)
    if not found:
        return ""
    each = [f"the {name} junction at {value:.3f} V" for name, value in found.items() if name != BETWEEN]
    places = " and ".join(filter(None, [", ".join(each[:-1]), each[-1]]))
    lost = 1e3 * found.get(BETWEEN, 0.0)
    said = f"at maximum power {places}, {lost:.1f} mV lost between them and in series resistances"
    which = limiting(dataset)
    return f"{said}; the {which} junction limits the current." if which else f"{said}."
