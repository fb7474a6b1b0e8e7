"""Citations: short keys that library files and docstrings use, and the full reference behind each.

A library number says `source = "thiesbrummel2024, C60 layer"`; `find` gives the full reference behind its
first word.
"""

from __future__ import annotations

import re

from perotwin.errors import UnknownNameError
from perotwin.references.instruments import INSTRUMENTS
from perotwin.references.reference import Reference
from perotwin.references.works import WORKS

__all__ = ["REFERENCES", "Reference", "find", "get"]

#: Every reference that the libraries name, by key.
REFERENCES: dict[str, Reference] = {reference.key: reference for reference in (*WORKS, *INSTRUMENTS)}


def get(key: str) -> Reference:
    """The reference of a key; UnknownNameError with the nearest keys when there is none."""
    try:
        return REFERENCES[key]
    except KeyError:
        raise UnknownNameError("reference", key, REFERENCES) from None


def find(source: str) -> Reference | None:
    """The reference that a source text such as "thiesbrummel2024, C60 layer" starts with, or None."""
    return REFERENCES.get(re.split(r"[\s,;:]", source.strip(), maxsplit=1)[0])
