"""VersaStudio of Princeton Applied Research (.par), saved as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.formats.impedance_columns import Table, columns_of, found_of, numbers_below
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_NAMES = re.compile(r"\s*Definition=\s*(Segment #.*)", re.IGNORECASE)
_BINARY = re.compile(r"^\s*DataFormat=\s*Binary", re.IGNORECASE | re.MULTILINE)


def _sniff(source: Source) -> float:
    head = source.head
    if re.search(r"<Segment\d+>", head) and "Definition=Segment #" in head:
        return 0.97
    if "VersaStudio" in head[:400] or ("<Application>" in head[:400] and "<Instrument>" in head):
        return 0.8
    return 0.0


def _segments(source: Source) -> Iterator[Table]:
    lines = source.lines
    for at, line in enumerate(lines):
        found = _NAMES.match(line)
        if found is None:
            continue
        columns = columns_of([name.strip() for name in found[1].split(",")])
        if not columns.whole:
            continue
        end = next(
            (place for place in range(at + 1, len(lines)) if lines[place].lstrip().startswith("</Segment")),
            None,
        )
        table = numbers_below(source, at, columns, ",", end)
        if table is not None:
            yield table


def _read(source: Source) -> list[Found]:
    tables = list(_segments(source))
    if not tables and _BINARY.search(source.text):
        raise InputError(
            "the points of this VersaStudio file are in binary form, which nobody has described.",
            'Clear "Save New Data to Binary File" in VersaStudio\'s options, or export the data as text.',
            file=source.file,
        )
    notes = []
    kept = [table for table in tables if _has_frequency(table)]
    if len(kept) < len(tables):
        notes.append(f"{len(tables) - len(kept)} segments without frequencies are left out.")
    return found_of(source, kept, "VersaStudio", notes)


def _has_frequency(table: Table) -> bool:
    frequency = table.values[:, table.columns.of["frequency"].index]
    return bool((frequency > 0.0).any())


FORMATS = (
    Format(
        "versastudio",
        "VersaStudio of Princeton Applied Research, as text",
        ("impedance",),
        (".par",),
        _sniff,
        _read,
    ),
)
