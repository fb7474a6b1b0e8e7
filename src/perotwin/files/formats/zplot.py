"""ZPlot and ZView of Scribner (.z)."""

from __future__ import annotations

import re
from dataclasses import replace

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.formats.impedance_columns import (
    Column,
    Columns,
    Table,
    columns_of,
    found_of,
    numbers_below,
    tables_of,
)
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_FIRST = re.compile(r'"?ZPLOT\d* ASCII', re.IGNORECASE)
_END = re.compile(r'"?End Comments', re.IGNORECASE)
_POINTS = re.compile(r'"?\s*Data Points:\s*(\d+)', re.IGNORECASE)
_AREA = re.compile(r"\s*Surface Area:\s*(\S+)", re.IGNORECASE)
_PRESET = 1e-4
#: ZView's columns, always these nine, where the file does not name them: frequency, amplitude, bias, time, Z', Z'', ...
_ORDER = Columns({"frequency": Column(0, 1.0), "real": Column(4, 1.0), "imaginary": Column(5, 1.0)})


def _sniff(source: Source) -> float:
    return 0.97 if _FIRST.match(source.head.lstrip()) else 0.0


def _read(source: Source) -> list[Found]:
    lines = source.lines
    notes: list[str] = []
    end = next((at for at, line in enumerate(lines) if _END.match(line)), None)
    names = next(
        (at for at, line in enumerate(lines) if line.lstrip(' "').lower().startswith("freq(hz)")), None
    )
    table: Table | None = None
    if end is not None:
        rows = next((line for line in lines[end + 1 :] if line.strip()), "")
        separator = (
            "\t" if "\t" in rows else "," if "," in rows and source.decimal == "." else source.separator
        )
        columns = _ORDER if names is None else _named(lines[names])
        if names is None:
            notes.append(
                "the columns have no names: they are in ZView's order (frequency first, Z' and Z'' 5th and 6th)."
            )
        table = numbers_below(source, end, columns, separator) if columns.whole else None
    elif names is not None:
        table = next(iter(tables_of(source, names)), None)
    if table is None:
        raise InputError(
            'no numbers follow the header ("End Comments").',
            "See whether the file is whole.",
            file=source.file,
        )
    announced = next(
        (int(found[1]) for line in lines[: table.line + 1] if (found := _POINTS.match(line))), None
    )
    stated = next(
        (
            number * 1e-4
            for line in lines[: table.line + 1]
            if (found := _AREA.match(line)) and (number := source.number(found[1])) and number > 0.0
        ),
        None,
    )
    return found_of(
        source, [replace(table, announced=announced)], "ZPlot", notes, stated_area=stated, preset_area=_PRESET
    )


def _named(line: str) -> Columns:
    """The columns by the line of their names, whatever separates these."""
    found = (columns_of(re.split(pattern, line.strip())) for pattern in (r"\t", r",\s*", r"\s{2,}", r"\s+"))
    return next((columns for columns in found if columns.whole), Columns({}))


FORMATS = (Format("zplot", "ZPlot and ZView of Scribner", ("impedance",), (".z",), _sniff, _read),)
