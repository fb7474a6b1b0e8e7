"""Text of EC-Lab (BioLogic): .mpt, and what is exported of it with a shorter header or none."""

from __future__ import annotations

import re

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.formats.impedance_columns import found_of, tables_of, written_area
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_FIRST = "EC-Lab ASCII FILE"
_COUNT = re.compile(r"\s*Nb header lines\s*:\s*(\d+)", re.IGNORECASE)
_AREA = re.compile(r"\s*Electrode surface area\s*:\s*(.*)", re.IGNORECASE)
#: the area that the program fills in, m^2
_PRESET = 0.001e-4


def _sniff(source: Source) -> float:
    head = source.head
    if _FIRST.lower() in head[:200].lower():
        # other techniques have currents and voltages, which another format may know
        return 0.97 if re.search(r"freq/Hz|(Re|Im)\(Z\)/|\|Z\|/", _names(source)) else 0.05
    return 0.9 if re.search(r"(^|\n)[^\n]*freq/Hz[^\n]*Re\(Z\)/", head[:4000]) else 0.0


def _names(source: Source) -> str:
    """The line of the names of columns, "" if there is none."""
    return next((line for line in source.lines[:2000] if "freq/Hz" in line or "(Z)/" in line), "")


def _read(source: Source) -> list[Found]:
    lines = source.lines
    announced = next((int(found[1]) for line in lines[:5] if (found := _COUNT.match(line))), None)
    notes = []
    # the header of any length: the table is where its names are, and the number only says whether that is so
    tables = tables_of(source)
    if not tables:
        technique = next((line.strip() for line in lines[2:8] if line.strip()), "")
        words = f" (technique: {technique})" if technique and len(technique) < 80 else ""
        raise InputError(
            f"no impedance spectrum can be made of the columns that the file has{words}.",
            'Add "freq/Hz", "Re(Z)/Ohm" and "-Im(Z)/Ohm" to the export.',
            file=source.file,
        )
    if announced is not None and tables[0].line + 1 != announced:
        notes.append(
            f"the header says {announced} lines; the names of the columns stand in line {tables[0].line + 1}."
        )
    stated = next(
        (area for line in lines[:200] if (found := _AREA.match(line)) and (area := written_area(found[1]))),
        None,
    )
    return found_of(source, tables, "EC-Lab", notes, stated_area=stated, preset_area=_PRESET)


FORMATS = (
    Format("ec_lab", "EC-Lab text of BioLogic (impedance)", ("impedance",), (".mpt", ".txt"), _sniff, _read),
)
