"""Energy diagrams of a cell: in the dark, at short circuit, at maximum power and at open circuit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.lab import depth_profiles
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Picture, Variable
from perotwin.measurement.junction_names import junction_layers
from perotwin.stack.quantity_fields import Model

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot"]


class Protocol(Model):
    """The energy diagram needs no settings: the states are those that a cell works in."""


@of_a_cell
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
    from perotwin.lab import conditions, jv
    from perotwin.measurement import make_dataset, worst
    from perotwin.transport.build import build
    from perotwin.transport.checks import steady_checks
    from perotwin.transport.profiles import profiles
    from perotwin.transport.steady import Solver

    protocol = protocol or Protocol()
    intensity = float(cell.light.intensity)
    solver = Solver(build(cell, light=intensity > 0.0))
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
    rows = [depth_profiles.variables(part, "state") for part in parts]
    variables = {
        name: (dims, np.concatenate([row[name][1] for row in rows])) for name, (dims, _) in rows[0].items()
    }
    return make_dataset(
        INSTRUMENT,
        variables,
        {
            "state": list(made),
            "voltage": ("state", [float(states.voltage[0]) for states in made.values()]),
            **depth_profiles.coordinates(parts[0]),
        },
        about={
            **conditions.about(cell, protocol, intensity),
            **depth_profiles.shown(dark),
            **_films(cell),
        },
        checks=found,
        notes=conditions.notes(dark, fields=True),
    )


def _films(cell: Cell) -> dict[str, str]:
    """The attribute that says which layers, by the names on the depth axis, are slices of one film, if any are."""
    from perotwin.lab import conditions
    from perotwin.stack import Tandem

    found = []
    for path, stack in cell.stacks.items():
        # of columns side by side one is shown, by its layers' own names
        before = f"{path.partition('.')[0]} " if isinstance(cell, Tandem) else ""
        several = (film for film in conditions.films(stack) if len(film) > 1)
        found += [[f"{before}{layer.name}" for layer in film] for film in several]
    return {"films": json.dumps(found)} if found else {}


@of_measurements("bands")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Quasi-Fermi level splitting, its mean over the absorbing region (the thickest film), in every state.

    Of a tandem that of each junction: "qfls maximum-power, top".
    """
    names = np.array([str(name) for name in dataset["layer"].values])
    x = dataset["x"].values
    # slices of one film are one
    film = {name: one[0] for one in json.loads(dataset.attrs.get("films", "[]")) for name in one}
    names = np.array([film.get(str(name), str(name)) for name in names])
    widths = {name: float(np.ptp(x[names == name])) for name in dict.fromkeys(names)}
    found = {}
    for index, state in enumerate(dataset["state"].values):
        row = dataset.isel(state=index)
        for which, layers in junction_layers(widths).items():
            here = names == max(layers, key=lambda name: widths[name])
            split = row["electron_fermi_level"].values[here] - row["hole_fermi_level"].values[here]
            mean = float(np.trapezoid(split, x[here]) / np.ptp(x[here]))
            end = f", {which}" if which else ""
            found[f"qfls {state}{end}"] = Metric(mean, "eV", "mean over the thickest film")
    return Metrics(found)


def _several(dataset: xr.Dataset) -> bool:
    """Whether the diagrams run through junctions in series."""
    return len(junction_layers(dict.fromkeys(str(name) for name in dataset["layer"].values))) > 1


@of_measurements("bands")
def plot(dataset: xr.Dataset, ax: Axes | None = None, states: Sequence[str] | None = None) -> Figure:
    """The diagrams, one panel a state, of all states unless some are named; see `plotting.depth.bands`."""
    from perotwin.plotting import depth

    return depth.bands(dataset, ax, states)


def _drawn(dataset: xr.Dataset) -> Figure:
    """Of junctions in series, whose diagrams are as wide as a page, two states; the files hold the others too."""
    return plot(dataset, states=("maximum-power", "dark") if _several(dataset) else None)


def _ions(dataset: xr.Dataset) -> Figure:
    from perotwin.plotting import depth

    return depth.ions_and_field(dataset)


INSTRUMENT = Instrument(
    name="bands",
    title="energy bands",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    pictures=(
        Picture(
            "bands",
            _drawn,
            "Energy bands of {cells} in the dark, at short circuit, at maximum power and at open circuit. Dashed: "
            "quasi-Fermi levels of electrons (blue) and holes (red); the arrow is their splitting in the absorber. "
            "Layers too thin for their name are drawn wider than they are: the axis says at which depth each face is.",
            of_tandems=(
                "Energy bands of the whole of {cells} at maximum power and, below, at equilibrium. Dashed: quasi-Fermi "
                "levels of electrons (blue) and holes (red); the arrows are their splitting in the absorbers. At the "
                "dotted line the junctions meet. Layers too thin for their name are drawn wider than they are: the "
                "axis says at which depth each face is."
            ),
            section="bands",
            wide=True,
            inside=True,
        ),
        Picture(
            "ions",
            _ions,
            "Density of mobile ions (left) and electric field (right; positive towards the back) in {cells} against "
            "depth, at the operating points.",
            of_tandems=(
                "Density of mobile ions (above) and electric field (below; positive towards the back) in {cells} "
                "against depth, at the operating points."
            ),
            section="bands",
            wide=True,
            inside=True,
            needs=lambda dataset: {"ion_density", "electric_field", "x_edge"} <= set(dataset.variables),
        ),
    ),
    variables=(
        Variable("voltage", ("state",)),
        *depth_profiles.declared("state", required=True, written=True),
    ),
    entries={"state": "states"},
    listed=True,
    summary=lambda measured, metrics: {},
    usual=True,
    own_section=True,
    place=40,
)


def __dir__() -> list[str]:
    return sorted(__all__)
