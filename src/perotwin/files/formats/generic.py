"""Tables of text of any program: columns told by their names and units, or by what a person says of them."""

from __future__ import annotations

from perotwin.files.blocks import blocks
from perotwin.files.format import Format, Found
from perotwin.files.shapes import (
    SHAPES,
    device_table,
    gone_on,
    header_for,
    read_tables,
    shape_of,
    with_columns,
)
from perotwin.files.source import Source

__all__ = ["FORMATS"]

#: so sure that what knows the program goes first
_SURE = 0.2


def _sniff(source: Source) -> float:
    if not source.is_text:
        return 0.0
    if any(shape_of(one, source.asked.instrument) for one in gone_on(blocks(source))[:4]):
        return _SURE
    return _SURE if device_table(source) is not None else 0.0


def _read(source: Source) -> list[Found]:
    found = blocks(source)
    if source.asked.columns is None:
        return read_tables(source, found)
    header = header_for(source, found)
    return read_tables(source, with_columns(source, found, source.asked.columns), header)


FORMATS = (
    Format(
        "generic",
        "a table of text with named columns",
        tuple(one.instrument for one in SHAPES),
        (".txt", ".csv", ".dat", ".tsv"),
        _sniff,
        _read,
    ),
)
