"""The cell that has everything on a coarse mesh, for tests that look at every node."""

from typing import Any

from devices import everything
from perotwin.stack import Stack
from perotwin.transport.build import Problem, build
from perotwin.transport.mesh import graded

#: what it is made with
CASES: dict[str, dict[str, Any]] = {
    "continuous": {},
    "thermionic": {"transport": ("continuous", "thermionic")},
    "dilute ions": {"crowded": False},
}


def bare(cell: Stack) -> Stack:
    """A cell without its contacts."""
    ends = {"work_function": "flat-band", "electron_velocity": 0.0, "hole_velocity": 0.0}
    return cell.with_values(
        {f"contact.{side}.{key}": value for side in ("front", "back") for key, value in ends.items()}
    )


def coarse(statistics: str, speed: float = 1.0, isolated: bool = False, **options: Any) -> Problem:
    """It, with all mobilities times `speed`; `isolated`: without contacts."""
    cell = everything(statistics, **options)
    cell = bare(cell) if isolated else cell
    keys = [f"{name}.electronic.{carrier}_mobility" for name in ("htl", "absorber", "etl")
            for carrier in ("electron", "hole")]  # fmt: skip
    cell = cell.with_values({key: speed * float(cell.get(key)) for key in keys})
    return build(cell, mesh=graded([float(layer.thickness) for layer in cell.electrical_layers], density=1.5))
