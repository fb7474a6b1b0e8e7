"""Profiles of solved states against depth, as the variables and coordinates of a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.measurement import Variable

if TYPE_CHECKING:
    from perotwin.transport.profiles import Profiles
    from perotwin.transport.states import States

__all__ = ["coordinates", "declared", "shown", "variables"]

#: profiles at nodes, which a measurement of them has, and those that it may have; on the edges between nodes
_LEVELS = (
    "conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level", "electron_density", "hole_density",
)  # fmt: skip
_NODES, _EDGES = ("ion_density", "recombination"), ("electric_field", "electron_current", "hole_current")


def declared(dimension: str, *, required: bool, written: bool) -> tuple[Variable, ...]:
    """What an instrument declares that measures profiles over (`dimension`, x).

    Args:
        required: whether every measurement of it has bands, levels and densities. written: whether machine output does.
    """
    return (
        Variable("x", ("x",), written=written),
        Variable("layer", ("x",), written=written),
        *(Variable(name, (dimension, "x"), required=required, written=written) for name in _LEVELS),
        *(Variable(name, (dimension, "x"), written=False) for name in _NODES),
        *(Variable(name, (dimension, "x_edge"), written=False) for name in _EDGES),
    )


def variables(fields: Profiles, dimension: str) -> dict[str, tuple[tuple[str, ...], Any]]:
    """The fields by name, over (`dimension`, x) or (`dimension`, x_edge), SI and eV."""
    rows = (dimension, "x")
    edges = (dimension, "x_edge")
    return {
        "conduction_band": (rows, fields.conduction_band),
        "valence_band": (rows, fields.valence_band),
        "electron_fermi_level": (rows, fields.electron_fermi_level),
        "hole_fermi_level": (rows, fields.hole_fermi_level),
        "electron_density": (rows, fields.electron_density),
        "hole_density": (rows, fields.hole_density),
        "ion_density": (rows, fields.ion_density),
        "recombination": (rows, fields.recombination),
        "electric_field": (edges, fields.electric_field),
        "electron_current": (edges, fields.electron_current),
        "hole_current": (edges, fields.hole_current),
    }


def coordinates(fields: Profiles) -> dict[str, Any]:
    """x, x_edge and the layer's name at each x (faces appear twice)."""
    names = np.array(fields.layers)
    return {"x": fields.x, "x_edge": fields.x_edge, "layer": ("x", names[fields.layer])}


def shown(states: States) -> dict[str, str]:
    """The attribute that says whose fields a measurement holds, where they are those of a part of the cell."""
    part = states.problem.shown_as
    return {"shown": part} if part else {}
