"""The course of a cell through the hours as a measurement, and what it says of a moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement import describe

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.ageing.degradation import Course
    from perotwin.ageing.protocols import Plan
    from perotwin.stack import Cell

__all__ = ["at", "dataset"]

F64 = NDArray[np.float64]


def at(time: F64, retained: F64, seconds: float) -> float:
    """Power over that at the start at a moment.

    Args:
        time: (M,) s. retained: (M,) power over the first; NaN in the dark. seconds: the moment.

    Returns:
        It, linear between the moments of the course; NaN beyond them.
    """
    good = np.isfinite(retained)
    if not time[good][0] <= seconds <= time[good][-1] * (1.0 + 1e-12):
        return float("nan")
    return float(np.interp(seconds, time[good], retained[good]))


def dataset(course: Course, cell: Cell, plan: Plan, name: str = "", notes: Sequence[str] = ()) -> xr.Dataset:
    """A course as a dataset.

    Args:
        course: of the cell. cell: fresh. plan: what it went through. name: of the cell; its own unless given.
        notes: what a reader must know.

    Returns:
        `power_density`, `retained` (of the first power), `voltage`, `current_density`, `intensity` and what is
        reported of each mechanism, over `time`.
    """
    import xarray as xr

    from perotwin import __version__

    variables: dict[str, Any] = {
        "power_density": ("time", course.power),
        "retained": ("time", course.retained),
        "voltage": ("time", course.voltage),
        "current_density": ("time", course.current),
        "intensity": ("time", course.light, {"units": "sun"}),
    }
    for quantity, values in course.shown.items():
        variables[quantity] = ("time", values)
    return describe(
        xr.Dataset(
            variables,
            {"time": course.time},
            {
                "instrument": "age",
                "stack": name or cell.name,
                "cell": cell.to_toml(),
                "protocol": plan.name,
                "conditions": json.dumps(list(plan.words)),
                "notes": json.dumps(list(notes)),
                "perotwin": __version__,
            },
        )
    )
