"""Gamry (.DTA): impedance in its table ZCURVE, whatever tables stand before it."""

from __future__ import annotations

import re
from dataclasses import replace

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.formats.impedance_columns import Table, columns_of, found_of, numbers_below
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_CURVE = re.compile(r"ZCURVE\d*\s+TABLE(?:\s+(\d+))?", re.IGNORECASE)
_TAG = re.compile(r"TAG\s+(\S+)")
#: the area that the program fills in, m^2
_PRESET = 1e-4


def _sniff(source: Source) -> float:
    if not source.head.lstrip().startswith("EXPLAIN"):
        return 0.0
    return 0.97 if b"ZCURVE" in source.content else 0.2


def _read(source: Source) -> list[Found]:
    lines = source.lines
    tables: list[Table] = []
    notes: list[str] = []
    for at, line in enumerate(lines):
        title = _CURVE.match(line)
        if title is None:
            continue
        names = next(
            (place for place in range(at + 1, min(at + 4, len(lines))) if "freq" in lines[place].lower()),
            None,
        )
        if names is None:
            continue
        columns = columns_of(lines[names].split("\t"))
        if not columns.whole:
            continue
        table = numbers_below(source, names, columns, "\t")
        if table is not None:
            tables.append(replace(table, announced=int(title[1]) if title[1] else None))
    if not tables:
        tag = next((found[1] for line in lines[:40] if (found := _TAG.match(line))), "")
        raise InputError(
            "the file holds no impedance (no table ZCURVE with numbers)"
            + (f": its experiment is {tag}." if tag else "."),
            "Give the file of an impedance spectrum.",
            file=source.file,
        )
    if any(line.startswith("EXPERIMENTABORTED") for line in lines):
        notes.append("the experiment was aborted: the spectrum ends early.")
    stated = next((area for line in lines[:200] if (area := _area(source, line)) is not None), None)
    return found_of(source, tables, "Gamry", notes, stated_area=stated, preset_area=_PRESET)


def _area(source: Source, line: str) -> float | None:
    cells = line.split("\t")
    if cells[0] != "AREA" or len(cells) < 4 or "cm" not in cells[3]:
        return None
    number = source.number(cells[2].strip())
    return number * 1e-4 if number is not None and number > 0.0 else None


FORMATS = (Format("gamry", "Gamry (impedance)", ("impedance",), (".dta",), _sniff, _read),)
