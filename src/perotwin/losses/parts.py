"""What the layers and channels of a cell belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.measurement.junction_names import BETWEEN, IN_SERIES, junction_of

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["ENDS", "ONE", "ORDER", "part_of"]

#: parts that are no junctions in series: a cell of one junction, and the outer contacts of several
ONE, ENDS = "one", "ends"
#: parts in the order in which light from the front meets them; what lies between junctions is before the last one
ORDER = (ONE, *IN_SERIES[:-1], BETWEEN, IN_SERIES[-1], ENDS)


def part_of(cell: Cell, name: str) -> str:
    """What a layer or channel of a cell belongs to: "one" (a cell of one junction), a junction in series, "between", or
    "ends" (the outer contacts of junctions that are solved in one).

    Where instruments are connected to one junction of four terminals, its channels are called as it calls them.
    """
    from perotwin.stack import Tandem

    if not isinstance(cell, Tandem):
        return ONE
    junction = junction_of(name)[0]
    if junction:
        return junction
    if any(layer.name == name for layer in (*cell.between, *cell.lower_between)):
        return BETWEEN
    return cell.junction.terminals if cell.junction.kind == "separate" else ENDS
