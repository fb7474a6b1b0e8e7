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
_OF_TANDEMS = ("top", "bottom", "between", "junction", "middle", "cell")


def from_toml(text: str, file: str | None = None) -> Cell:
    """A cell from TOML text: a `Parallel` where it holds columns, a `Tandem` where it holds junctions, otherwise a
    `Stack`.

    `file` names it in messages and anchors relative paths of tables and spectra.

    Raises
    ------
    InputError : anything that cannot be used, with file, key, cause and cure.
    """
    data = read(text, file)
    kind: type[Stack] | type[Parallel] | type[Tandem] = Stack
    if "column" in data:
        kind = Parallel
    elif any(key in data for key in _OF_TANDEMS):
        kind = Tandem
    return kind.from_data(data, file=file)


def in_order(cell: Cell) -> tuple[tuple[str, Layer], ...]:
    """(part, layer) of all layers in the order that light from the front meets them, column after column.

    The part is the column or the junction that a layer belongs to, "" in a plain stack, "between" for what lies
    between two junctions.
    """
    parts = {name: tuple((name, layer) for layer in stack.layer) for name, stack in cell.stacks.items()}
    if isinstance(cell, Tandem):
        between = tuple(("between", layer) for layer in cell.between)
        return (*parts["top"], *between, *parts["bottom"])
    return tuple(entry for part in parts.values() for entry in part)
