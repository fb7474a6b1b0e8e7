"""What everything else takes for a cell, and the one reader of its files."""

from __future__ import annotations

from perotwin.stack.parallel import Parallel
from perotwin.stack.parts import Layer
from perotwin.stack.stack import Stack
from perotwin.stack.tandem import Tandem
from perotwin.stack.toml import read

__all__ = ["Cell", "from_toml", "in_order"]

Cell = Stack | Parallel | Tandem

#: what only the file of a tandem may hold (or one of more junctions, which the tandem refuses in its words)
_OF_TANDEMS = ("top", "middle", "bottom", "between", "junction", "lower_between", "lower_junction", "cell")


def from_toml(text: str, file: str | None = None) -> Cell:
    """A cell from TOML text: a `Tandem` where it holds junctions, a `Parallel` where it holds columns, otherwise a
    `Stack`.

    `file` names it in messages and anchors relative paths of tables and spectra.

    Raises
    ------
    InputError : anything that cannot be used, with file, key, cause and cure.
    """
    data = read(text, file)
    kind: type[Stack] | type[Parallel] | type[Tandem] = Stack
    if any(key in data for key in _OF_TANDEMS):
        kind = Tandem
    elif "column" in data:
        kind = Parallel
    return kind.from_data(data, file=file)


def in_order(cell: Cell) -> tuple[tuple[str, Layer], ...]:
    """(part, layer) of all layers in the order that light from the front meets them, column after column.

    The part is the column ("covered"), the junction ("top") or the column of a junction ("top.covered") that a layer
    belongs to, "" in a plain stack, "between" and "lower_between" for what lies between junctions.
    """
    if isinstance(cell, Tandem):
        return cell.in_order
    return tuple((name, layer) for name, stack in cell.stacks.items() for layer in stack.layer)
