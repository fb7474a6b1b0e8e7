"""What stands over a column or before a colon: a name, its unit, and which quantity the two mean."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from perotwin.files.written_units import WrittenUnit, written_unit

__all__ = ["Heading", "heading_of", "words_of"]


class Heading(NamedTuple):
    """text : as written. name : without the unit. unit : None where none is said."""

    text: str
    name: str
    unit: WrittenUnit | None

    @property
    def kind(self) -> str:
        """The kind of quantity that the unit is of; "" without one."""
        return "" if self.unit is None else self.unit.kind

    def has(self, *words: str) -> bool:
        """Whether any of these words (whole, small letters) stands in the name."""
        said = words_of(self.name)
        return any(f" {word} " in said for word in words)


_BRACKETS = re.compile(r"\[([^\[\]]*)\]|\(((?:[^()]|\([^()]*\))*)\)|\{([^{}]*)\}")
#: "Voltage / V", "E/V", "freq/Hz"
_AFTER_SLASH = re.compile(r"^(.*?\S)\s*/\s*(\S.*)$")


@lru_cache(maxsize=8192)
def heading_of(text: str) -> Heading:
    """The heading in a cell: "Current density [1] [mA/cm^2]" is "Current density [1]" in mA/cm^2."""
    said = text.strip().strip('"').rstrip(":=").strip()
    if len(said) > 200:
        return Heading(said[:200], said[:200], None)
    for found in reversed(list(_BRACKETS.finditer(said))):
        inside = next((one for one in found.groups() if one is not None), "").strip()
        unit = written_unit(inside) if inside and not inside.isdigit() else None
        if unit is not None:
            name = (said[: found.start()] + " " + said[found.end() :]).strip()
            return Heading(said, re.sub(r"\s+", " ", name).strip(" _:-"), unit)
    whole = written_unit(said)
    if whole is not None and not said.isdigit() and len(said) > 1 and whole.kind != "other":
        return Heading(said, "", whole)
    slash = _AFTER_SLASH.match(said)
    if slash is not None:
        unit = written_unit(slash[2].strip("() "))
        if unit is not None and not slash[2].isdigit():
            return Heading(said, slash[1].strip(), unit)
    for mark in (",", " in ", "_", " "):
        name, _, last = said.rpartition(mark)
        unit = (
            written_unit(last) if name.strip() and len(last.strip()) > (mark == " ") - (mark != " ") else None
        )
        if unit is not None and not last.strip().isdigit() and unit.kind != "other":
            return Heading(said, name.strip(" _,"), unit)
    return Heading(said, said, None)


@lru_cache(maxsize=8192)
def words_of(text: str) -> str:
    """Small words of a name between blanks: "Jdark (rev)" is " j dark jdark rev ", "U_MPP" is " u mpp u_mpp "."""
    parts = re.findall(r"[A-Za-zµΩ\"']+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    low = [one.lower() for one in parts]
    whole = [one.lower() for one in re.split(r"[\s,;:()\[\]]+", text) if one]
    return " " + " ".join([*low, *whole]) + " "
