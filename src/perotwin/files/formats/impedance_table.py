"""Impedance as a table with named columns: CH Instruments, Autolab (NOVA), PARSTAT, PowerSuite, and any other text."""

from __future__ import annotations

import re

from perotwin.files.format import Format, Found
from perotwin.files.formats.impedance_columns import found_of, tables_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

#: a line that may name the columns of a spectrum
_LINE = re.compile(r"(?i)^(?=.*\bf)(?=.*(z|re))[^\n]{3,4000}$")


def _sniff(source: Source) -> float:
    lines = source.head.splitlines()[:200]
    if not any(_LINE.search(line) for line in lines):
        return 0.0
    return 0.75 if any(len(table.values) > 2 for table in tables_of(source, 0, len(lines))) else 0.0


def _sniff_chi(source: Source) -> float:
    head = source.head
    named = re.search(r"Instrument Model:\s*CHI", head[:2000]) or "A.C. Impedance" in head[:300]
    return 0.95 if named and re.search(r"Freq/Hz,", head) else 0.0


def _read(source: Source) -> list[Found]:
    return found_of(source, tables_of(source), "impedance")


def _read_chi(source: Source) -> list[Found]:
    return found_of(source, tables_of(source), "CH Instruments")


FORMATS = (
    Format("chi", "CH Instruments (impedance)", ("impedance",), (".txt", ".csv"), _sniff_chi, _read_chi),
    Format(
        "impedance_table",
        "impedance as a table with named columns (Autolab, PARSTAT, PowerSuite and others)",
        ("impedance",),
        (".txt", ".csv"),
        _sniff,
        _read,
    ),
)
