"""Impedance as a table with named columns: CH Instruments, Autolab (NOVA), PARSTAT, PowerSuite, and any other text."""

from __future__ import annotations

import re

from perotwin.files.format import Format, Found
from perotwin.files.formats.impedance_columns import columns_of, found_of, tables_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]


def _named(source: Source) -> bool:
    """Whether a line among the first names the columns of a spectrum."""
    lines = source.head.splitlines()[:200]
    for line in lines:
        low = line.lower()
        if "f" not in low or not ("z" in low or "re" in low) or len(line) > 4000:
            continue
        if any(columns_of(cells).whole for cells in (line.split("\t"), line.split(";"), line.split(","), re.split(r"\s{2,}", line.strip()), line.split())):
            return True
    return False


def _sniff(source: Source) -> float:
    return 0.75 if source.head and _named(source) else 0.0


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
