"""What a file says of itself above its numbers: "Active area [cm2]: 0.16", "Voc 1.02 V", in any of the usual ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perotwin.errors import shown
from perotwin.files.headings import Heading, heading_of, words_of
from perotwin.files.source import Source
from perotwin.files.written_units import WrittenUnit, written_unit

__all__ = ["Entry", "Header", "header_of", "quantity_in"]

_WITH_UNIT = re.compile(r"([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(\D.*)?")
_ASSIGNED = re.compile(r"^\s*([^:=]{1,80}?)\s*(?::=|[:=])\s*(.*)$")


@dataclass(frozen=True)
class Entry:
    """A line of a header.

    key : with its unit, if it has one. values : as written, one for each curve of the file or only one.
    unit : that stands in a cell of its own or behind the value. line : its number, from 1.
    """

    key: Heading
    values: tuple[str, ...]
    unit: WrittenUnit | None
    line: int

    @property
    def text(self) -> str:
        """The first value as written."""
        return self.values[0] if self.values else ""

    def numbers(self, decimal: str) -> list[float]:
        """The values that are numbers, in SI; NaN for the others. A list in brackets is taken apart."""
        cells = list(self.values)
        if len(cells) == 1 and cells[0].startswith("["):
            cells = [one.strip() for one in cells[0].strip("[]").split(",")]
        return [quantity_in(cell, self.key.unit or self.unit, decimal) for cell in cells]


def quantity_in(cell: str, unit: WrittenUnit | None, decimal: str = ".") -> float:
    """The number of a cell in SI, by the unit behind it or that which is given; NaN where there is none."""
    found = _WITH_UNIT.fullmatch(cell.strip())
    if found is None:
        return float("nan")
    text = found[1]
    if decimal == "," or ("," in text and "." not in text):
        text = text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    behind = written_unit(found[2].strip("[]() ")) if found[2] else None
    if found[2] and behind is None:
        return float("nan")
    said = behind or unit
    return value if said is None else value * said.factor + said.offset


@dataclass(frozen=True)
class Header:
    """The entries of a header, in order."""

    entries: tuple[Entry, ...]
    decimal: str

    def find(self, *patterns: str, kind: str | Sequence[str] = ()) -> list[Entry]:
        """Entries whose key (its words in small letters) matches any of the patterns; only of a kind of unit, if given
        (keys without a unit are taken too)."""
        kinds = (kind,) if isinstance(kind, str) else tuple(kind)
        found = []
        for pattern in patterns:
            for one in self.entries:
                said = one.key.kind or ("" if one.unit is None else one.unit.kind)
                fits = not kinds or not said or said in kinds
                if fits and one not in found and re.search(pattern, words_of(one.key.text)):
                    found.append(one)
        return found

    def numbers(self, *patterns: str, kind: str | Sequence[str] = ()) -> list[float]:
        """The numbers of the first such entry, SI; [] where there is none."""
        found = self.find(*patterns, kind=kind)
        return found[0].numbers(self.decimal) if found else []

    def number(self, *patterns: str, kind: str | Sequence[str] = ()) -> float:
        """The first number of the first such entry, SI; NaN where there is none."""
        return next(iter(self.numbers(*patterns, kind=kind)), float("nan"))

    def text(self, *patterns: str) -> str:
        """The first value of the first such entry, as written; "" where there is none."""
        return next((shown(one.text, 200) for one in self.find(*patterns) if one.text), "")


def header_of(source: Source, lines: Iterable[str] | None = None, first: int = 1) -> Header:
    """The entries in lines of a file; in all that are no rows of numbers, unless given."""
    found = []
    for number, line in enumerate(source.lines if lines is None else lines, start=first):
        one = _entry(line, number, source)
        if one is not None:
            found.append(one)
    return Header(tuple(found), source.decimal)


def _entry(line: str, number: int, source: Source) -> Entry | None:
    text = line.strip().lstrip("#%/!*' ").rstrip(";,")
    if not text or len(text) > 5000 or text[0] in "+-.0123456789":
        return None
    cells = [cell.strip().strip('"') for cell in text.split("\t")] if "\t" in text else []
    if len(cells) < 2 and source.separator not in (None, "\t"):
        cells = source.cells(text)
    if len(cells) < 2 or not cells[0]:
        assigned = _ASSIGNED.match(text)
        if assigned is None:
            return None
        cells = [assigned[1], assigned[2].strip().strip('"')]
    elif cells[0].count(":") == 1 and not cells[0].endswith(":") and len(cells) == 2 and not cells[1]:
        assigned = _ASSIGNED.match(cells[0])
        cells = [assigned[1], assigned[2]] if assigned else cells
    key = heading_of(cells[0])
    rest = list(cells[1:])
    while rest and not rest[-1]:
        rest.pop()
    while len(rest) > 1 and not rest[0]:
        rest.pop(0)
    unit = None
    last = rest[-1].strip("[]() ") if rest else ""
    if len(rest) > 1 and not last.isdigit() and (unit := written_unit(last)) is not None:
        rest.pop()
    elif len(rest) == 1 and (found := _WITH_UNIT.fullmatch(rest[0])) is not None and found[2]:
        unit = written_unit(found[2].strip("[]() "))
        rest = [found[1]] if unit is not None else rest
    return Entry(key, tuple(rest), unit, number)
