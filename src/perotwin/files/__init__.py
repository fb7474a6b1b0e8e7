"""Data in and out, one file a format.

`read_cell(path)` recognises the definition of a cell by another program (SCAPS, SIMsalabim) and gives a stack with a
list of all that has no counterpart in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {"ImportedCell": "cells", "Unmatched": "cells", "read_cell": "recognise"}

__all__ = ["ImportedCell", "Unmatched", "read_cell"]

if TYPE_CHECKING:
    from perotwin.files.cells import ImportedCell, Unmatched
    from perotwin.files.recognise import read_cell


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
