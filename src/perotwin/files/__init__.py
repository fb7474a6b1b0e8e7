"""Data in and out, one file a format.

`read(path)` gives the measurements in a file of an instrument, `recognise(path)` says of which format it is.
`read_cell(path)` recognises the definition of a cell by another program (SCAPS, SIMsalabim) and gives a stack with a
list of all that has no counterpart in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {
    "Format": "format", "Found": "format", "ImportedCell": "cells", "Source": "source", "Unmatched": "cells",
    "read": "registry",
    "read_cell": "recognise",
}  # fmt: skip

__all__ = [
    "Format",
    "Found",
    "ImportedCell",
    "Source",
    "Unmatched",
    "read",
    "read_cell",
]

if TYPE_CHECKING:
    from perotwin.files.cells import ImportedCell, Unmatched
    from perotwin.files.format import Format, Found
    from perotwin.files.recognise import read_cell
    from perotwin.files.registry import read
    from perotwin.files.source import Source


def __getattr__(name: str) -> Any:
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'perotwin.files' has no attribute {name!r}") from None
    value = getattr(import_module(f"perotwin.files.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
