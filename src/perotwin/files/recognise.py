"""Which program a definition of a cell is of."""

from __future__ import annotations

import re
from pathlib import Path

from perotwin.errors import InputError
from perotwin.files import scaps, simsalabim
from perotwin.files.cells import ImportedCell, text_of

__all__ = ["read_cell"]

_SIMSALABIM_SETUP = re.compile(r"^\s*l1\s*=", re.MULTILINE)
_SIMSALABIM_LAYER = re.compile(r"^\s*eps_r\s*=", re.MULTILINE)
_SCAPS = re.compile(r"^\s*(front contact|back contact)\s*$", re.MULTILINE)


def read_cell(path: str | Path, name: str | None = None) -> ImportedCell:
    """A cell as SCAPS (3.3, .def or .scaps) or SIMsalabim (5, simulation_setup.txt with its layer files) defines it.

    Parameters
    ----------
    name : of the cell; that of the file unless said.

    Raises
    ------
    InputError : no such file, none of these formats, or a definition that no cell can have.
    """
    text = text_of(path, "definition of a cell")
    chosen = name or Path(path).stem
    if _SIMSALABIM_SETUP.search(text):
        return simsalabim.read(path, text, chosen)
    if _SCAPS.search(text):
        return scaps.read(path, text, chosen)
    if _SIMSALABIM_LAYER.search(text):
        raise InputError(
            "this is the file of one layer of SIMsalabim.",
            "Give the file of the simulation, which names the layers: simulation_setup.txt.",
            file=str(path),
        )
    raise InputError(
        "this is no definition of a cell that perotwin can read.",
        "Give a SCAPS definition file (.def) or simulation_setup.txt of SIMsalabim 5; a stack file needs no import.",
        file=str(path),
    )
