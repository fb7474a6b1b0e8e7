"""Surface photovoltage after a pulse of light: one column a wavelength, time in seconds."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import blocks
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_TIME = re.compile(r"(?i)\s*time\s*[\[(]s[\])]\s*")


def _sniff(source: Source) -> float:
    lines = source.head.splitlines()[:30]
    for line in lines:
        cells = line.strip().split("\t")
        if len(cells) > 2 and _TIME.fullmatch(cells[0]) and all(_is_wavelength(cell) for cell in cells[1:]):
            return 0.9
    return 0.0


def _is_wavelength(cell: str) -> bool:
    try:
        return 200.0 <= float(cell) <= 3000.0
    except ValueError:
        return False


def _read(source: Source) -> list[Found]:
    lines = source.lines
    # as `_sniff` found it
    at = next(
        at
        for at, line in enumerate(lines)
        if len(line.split("\t")) > 2 and _TIME.fullmatch(line.strip().split("\t")[0])
    )
    wavelengths = [float(cell) for cell in lines[at].strip().split("\t")[1:]]
    found = next(iter(blocks(source, at + 1)), None)
    if found is None or found.values.shape[1] < 1 + len(wavelengths):
        raise InputError(
            "no rows with all columns follow the wavelengths.", "Export it again.", file=source.file
        )
    time = found.values[:, 0]
    made = []
    for column, nanometres in enumerate(wavelengths, 1):
        voltage = found.values[:, column]
        there = np.isfinite(time) & np.isfinite(voltage)
        dataset = dataset_of(
            "surface_photovoltage",
            source,
            {"voltage": ("time", voltage[there])},
            {"time": ("time", time[there], {"units": "s"})},
            name=f"{source.path.stem} {nanometres:g} nm",
            notes=["surface photovoltage in V as recorded: read and drawn, not analysed."],
            units={"voltage": "V"},
            wavelength=nanometres * 1e-9,
        )
        made.append(Found(dataset))
    return made


FORMATS = (
    Format(
        "surface_photovoltage",
        "surface photovoltage after a pulse",
        ("surface_photovoltage",),
        (".txt",),
        _sniff,
        _read,
    ),
)
