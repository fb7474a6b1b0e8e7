"""Diffractograms of Rigaku as text (.ras): entries with a star, then angle, intensity and the attenuator's factor."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found
from perotwin.files.formats.xrd_packed import scan_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_ENTRY = re.compile(r'\*(\S+)\s+"(.*)"\s*$')


def _sniff(source: Source) -> float:
    return 0.98 if source.head.startswith("*RAS_DATA_START") else 0.0


def _read(source: Source) -> list[Found]:
    said: dict[str, str] = {}
    rows: list[list[float]] = []
    scans: list[tuple[dict[str, str], list[list[float]]]] = []
    inside = False
    for line in source.lines:
        if line.startswith("*RAS_INT_START"):
            inside, rows = True, []
        elif line.startswith("*RAS_INT_END"):
            inside = False
            scans.append((dict(said), rows))
            rows = []
        elif inside:
            numbers = [source.number(cell) for cell in line.split()]
            if len(numbers) >= 2 and all(one is not None for one in numbers):
                rows.append([one for one in numbers if one is not None][:3])
        elif (entry := _ENTRY.match(line)) is not None:
            said[entry[1]] = entry[2]
    cut = inside and len(rows) > 1
    if cut:
        scans.append((said, rows[:-1]))
    scans = [(about, table) for about, table in scans if len(table) > 1]
    if not scans:
        raise InputError("the file holds no points.", "It is not whole: export it again.", file=source.file)
    found = []
    for number, (about, table) in enumerate(scans, 1):
        one = _scan(
            source, about, table, source.path.stem if len(scans) == 1 else f"{source.path.stem} {number}"
        )
        found.append(
            one.noting("the file ends within its points: some are missing")
            if cut and number == len(scans)
            else one
        )
    return found


def _scan(source: Source, said: dict[str, str], table: list[list[float]], name: str) -> Found:
    axis = said.get("MEAS_SCAN_AXIS_X", said.get("MEAS_SCAN_AXIS_X_INTERNAL", ""))
    internal = said.get("MEAS_SCAN_AXIS_X_INTERNAL", axis).lower()
    if internal and not (internal.startswith(("twotheta", "2")) or "2" in axis):
        raise InputError(f"the scan is of {shown(axis, 30)}.", "Give a scan of 2 theta.", file=source.file)
    if said.get("MEAS_SCAN_UNIT_X", "deg").lower() not in ("deg", ""):
        raise InputError("the angles are not in deg.", "Export them in deg.", file=source.file)
    width = min(map(len, table))
    values = np.array([row[:width] for row in table], float)
    counts, notes = values[:, 1], []
    if width > 2 and np.any(values[:, 2] != 1.0):
        counts = counts * values[:, 2]
        notes.append("intensities times the attenuator's factors, the third column, once")
    announced = said.get("MEAS_DATA_COUNT", "")
    if announced.isdigit() and int(announced) != counts.size:
        notes.append(f"{announced} points are announced and {counts.size} are there")
    return scan_of(
        source,
        values[:, 0],
        counts,
        name=name,
        notes=notes,
        wavelength=_length(said, "HW_XG_WAVE_LENGTH_ALPHA1"),
        second_wavelength=_length(said, "HW_XG_WAVE_LENGTH_ALPHA2"),
        anode=said.get("HW_XG_TARGET_NAME") or None,
    )


def _length(said: dict[str, str], key: str) -> float | None:
    """A wavelength in m; the files give angstrom."""
    try:
        value = float(said.get(key, ""))
    except ValueError:
        return None
    return value * 1e-10 if 0.1 < value < 5.0 else None


FORMATS = (Format("ras", "diffractogram of Rigaku as text (.ras)", ("xrd",), (".ras",), _sniff, _read),)
