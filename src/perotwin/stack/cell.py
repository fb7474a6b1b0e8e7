"""What everything else takes for a cell, and the one reader of its files."""

from __future__ import annotations

from perotwin.stack.parallel import Parallel
from perotwin.stack.stack import Stack
from perotwin.stack.toml import read

__all__ = ["Cell", "from_toml"]

Cell = Stack | Parallel


def from_toml(text: str, file: str | None = None) -> Cell:
    """A cell from TOML text: a `Parallel` where it holds columns, otherwise a `Stack`.

    `file` names it in messages and anchors relative paths of tables and spectra.

    Raises
    ------
    InputError : anything that cannot be used, with file, key, cause and cure.
    """
    data = read(text, file)
    return (Parallel if "column" in data else Stack).from_data(data, file=file)
