"""What a cell would reflect if its last absorber let no light pass: its first faces, and nothing from behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import PerotwinError

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell
    from perotwin.stack import Cell

__all__ = ["reflectance_if_opaque"]

F64 = NDArray[np.float64]

#: an absorber of this thickness takes all light above its gap
_OPAQUE = "50 um"


def reflectance_if_opaque(cell: Cell, wavelength: F64) -> F64 | None:
    """(W,) reflectance of a cell whose last absorber is too thick for light to return from behind it.

    Light that a cell reflects was either turned back by its first faces, which a coating may cure, or went through the
    absorber and came back, which a thicker one does.

    Args:
        cell: under light from one side. wavelength: (W,) m.

    Returns:
        None for light on both sides, where the cell cannot be made so.
    """
    if cell.light.other_side > 0.0:
        return None
    total = np.zeros(wavelength.size)
    for area, row in _rows(cell):
        try:
            total += area * _of_row(row, wavelength)
        except PerotwinError:
            return None
    return total


def _rows(cell: Cell) -> list[tuple[float, Cell]]:
    """Cells of layers in one row, and their share of the area."""
    from perotwin.stack import Parallel, Tandem

    if isinstance(cell, Parallel):
        return [(float(one.area), one.stack) for one in cell.column]
    if isinstance(cell, Tandem):
        return [(float(area), plain) for area, _, plain in cell.columns]
    return [(1.0, cell)]


def _of_row(cell: Cell, wavelength: F64) -> F64:
    from perotwin.optics.films import films
    from perotwin.optics.incidence import lit

    back = cell.light.side == "back"
    stacks = dict(reversed(cell.stacks.items())) if back else dict(cell.stacks)
    last = list(stacks.items())[-1]
    absorbers = [layer for layer in last[1].electrical_layers if layer.role == "absorber"]
    thick = absorbers[0 if back else -1]
    path = f"{last[0]}.{thick.name}.thickness".removeprefix(".")
    made: OpticalCell = cell.with_values({path: _OPAQUE})  # type: ignore[assignment]  # one row of layers
    return np.asarray(lit(films(made), wavelength, cell.light).reflectance)
