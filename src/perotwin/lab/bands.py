"""Energy diagrams of a cell: in the dark, at short circuit, at maximum power and at open circuit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.measurement import Metric, Metrics
from perotwin.stack.fields import Model

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell

__all__ = ["Protocol", "analyse", "measure", "plot"]


class Protocol(Model):
    """The energy diagram needs no settings: the states are those that a cell works in."""


def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Bands, quasi-Fermi levels and densities in the dark and, under the cell's light, at the three working points.

    Args:
        cell: a stack, or several side by side, of which one is shown; with its light off only the dark state is there.
        protocol: for the record.

    Returns:
        The measurement over (`state`, `x`); `voltage` (state) in V.

    Raises:
        ConvergenceError: short circuit or open circuit could not be reached.
    """
    import xarray as xr

    from perotwin.lab import fields as inside
    from perotwin.lab import jv
    from perotwin.measurement import checks_to_json, describe, worst
    from perotwin.transport.cell import build, solver_of
    from perotwin.transport.checks import steady_checks
    from perotwin.transport.profiles import profiles

    protocol = protocol or Protocol()
    intensity = float(cell.light.intensity)
    solver = solver_of(build(cell, light=intensity > 0.0))
    dark = solver.sweep([0.0], 0.0)
    made: dict[str, Any] = {"dark": dark}
    if intensity > 0.0:
        curve = jv.curve(solver, jv.Protocol(step="20 mV"), intensity)
        points = jv.solved_points(solver, curve, intensity)
        for name in ("short-circuit", "maximum-power", "open-circuit"):
            if name in points:
                made[name] = points[name]
    parts = [profiles(states) for states in made.values()]
    found = worst(steady_checks(states) for states in made.values())
    rows = [inside.variables(part, "state") for part in parts]
    variables = {
        name: (dims, np.concatenate([row[name][1] for row in rows])) for name, (dims, _) in rows[0].items()
    }
    dataset = xr.Dataset(
        variables,
        coords={
            "state": list(made),
            "voltage": ("state", [float(states.voltage[0]) for states in made.values()]),
            **inside.coordinates(parts[0]),
        },
        attrs={
            **inside.attributes("bands", cell, protocol, intensity),
            **inside.shown(dark),
            "checks": json.dumps(checks_to_json(found)),
            "notes": json.dumps(inside.notes(dark, fields=True)),
        },
    )
    return describe(dataset)


def analyse(dataset: xr.Dataset) -> Metrics:
    """Quasi-Fermi level splitting, its mean over the absorbing region (the largest layer), in every state.

    Of a tandem that of each junction: "qfls maximum-power, top".
    """
    names = np.array([str(name) for name in dataset["layer"].values])
    x = dataset["x"].values
    widths = {name: float(np.ptp(x[names == name])) for name in dict.fromkeys(names)}
    starts = {name: name.split(" ")[0] for name in widths}
    tandem = set(starts.values()) == {"top", "bottom"}
    found = {}
    for index, state in enumerate(dataset["state"].values):
        row = dataset.isel(state=index)
        for which in ("top", "bottom") if tandem else ("",):
            inside = [name for name in widths if not which or starts[name] == which]
            here = names == max(inside, key=lambda name: widths[name])
            split = row["electron_fermi_level"].values[here] - row["hole_fermi_level"].values[here]
            mean = float(np.trapezoid(split, x[here]) / np.ptp(x[here]))
            end = f", {which}" if which else ""
            found[f"qfls {state}{end}"] = Metric(mean, "eV", "mean over the thickest layer")
    return Metrics(found)


def plot(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """The diagrams, one panel a state; see `plotting.depth.bands`."""
    from perotwin.plotting import depth

    return depth.bands(dataset, ax)
