"""Fields of solved states as variables of a measurement; what every instrument that shows the inside shares."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from perotwin.stack import Stack
    from perotwin.transport.profiles import Profiles
    from perotwin.transport.steady import States


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


def coordinates(fields: Profiles, cell: Stack) -> dict[str, Any]:
    """x, x_edge and the layer's name at each x (faces appear twice)."""
    names = np.array([layer.name for layer in cell.electrical_layers])
    return {"x": fields.x, "x_edge": fields.x_edge, "layer": ("x", names[fields.layer])}


def frozen_in_light(cell: Stack) -> bool:
    """Whether ions are held in a distribution that light shaped."""
    return any(
        layer.ions is not None
        and layer.ions.response.kind == "frozen"
        and float(layer.ions.response.light) > 0.0
        for layer in cell.electrical_layers
    )


@lru_cache(maxsize=64)
def _text(cell: Stack) -> str:
    """The cell as TOML, written once for all measurements of it."""
    return cell.to_toml()


def attributes(instrument: str, cell: Stack, protocol: Any, intensity: float) -> dict[str, Any]:
    """What belongs to the whole measurement, but for its checks and notes."""
    from perotwin import __version__

    return {
        "instrument": instrument,
        "stack": cell.name,
        "cell": _text(cell),
        "protocol": protocol.model_dump_json(),
        "light": intensity,
        "temperature": float(cell.temperature),
        "perotwin": __version__,
    }


def notes(states: States) -> list[str]:
    """Remarks that a reader of the result must see."""
    return list(states.problem.notes)
