"""Quantum efficiencies as setups write them whose headings alone do not say all."""

from __future__ import annotations

import math
import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import Block, blocks
from perotwin.files.eqe_tables import eqe_found, eqe_of_block
from perotwin.files.format import Format, Found, has
from perotwin.files.header import header_of
from perotwin.files.headings import heading_of
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["FORMATS"]

_STATED = "stated by the file"


def _missing(source: Source) -> InputError:
    return InputError("it has the header of such a file, but no data.", "Export it again.", file=source.file)


# --- scans side by side or one under the other, with the currents under three spectra over each ----------------------


def _sniff_scans(source: Source) -> float:
    return 0.9 if has(source.head[:8000], "AM1.5G\t", "AM1.5D\t", "Lambda(nm)\tEQE (%)") else 0.0


def _read_scans(source: Source) -> list[Found]:
    found: list[Found] = []
    for block in blocks(source):
        heads = [one.split(" | ")[0] for one in block.headings]
        starts = [at for at, one in enumerate(heads) if one.startswith("Lambda")]
        currents = _currents(source, block)
        for number, at in enumerate(starts):
            column = at + 1
            if column >= len(heads) or not heads[column].startswith("EQE"):
                continue
            heading = heading_of(heads[column])
            unit = 0.01 if heading.unit is None else heading.unit.factor
            wavelength = block.values[:, at] * 1e-9
            stated = {}
            if at in currents:
                stated["jsc"] = Metric(10.0 * currents[at], "A m-2", _STATED)
            scan = len(found) + 1
            several = len(starts) > 1 or len(blocks(source)) > 1
            name = f"{source.path.stem} scan {scan}" if several else ""
            found.append(
                eqe_found(source, wavelength, block.values[:, column] * unit, stated, name, scan=number + 1)
            )
    if not found:
        raise _missing(source)
    return found


def _currents(source: Source, block: Block) -> dict[int, float]:
    """Column of a scan -> its current density under AM1.5G, mA cm^-2, by the line over its table."""
    made: dict[int, float] = {}
    for line in block.above:
        cells = source.cells(line)
        for at, cell in enumerate(cells[:-1]):
            value = source.number(cells[at + 1]) if cell == "AM1.5G" else None
            if value is not None:
                made[at] = value
    return made


# --- Bentham ---------------------------------------------------------------------------------------------------------


def _sniff_bentham(source: Source) -> float:
    return 0.95 if has(source.head[:400], "VERSION:", "BenWin") else 0.0


def _read_bentham(source: Source) -> list[Found]:
    lines = [line.strip() for line in source.lines if line.strip()]

    def between(start: str, end: str) -> list[str]:
        try:
            first = next(n for n, line in enumerate(lines) if line.startswith(start))
            last = next(n for n, line in enumerate(lines) if n > first and line.startswith(end))
        except StopIteration:
            return []
        return lines[first + 1 : last]

    names = between("SPECTRUM NAMES:", "SPECTRUM NAMES END")
    integrals = between("INTEGRALS:", "INTEGRALS END")
    found_blocks = [one for one in blocks(source) if one.values.shape[0] >= 4 and one.values.shape[1] >= 2]
    if not found_blocks:
        raise _missing(source)
    block = found_blocks[-1]
    kind = next((line for line in lines if line.startswith("MEASUREMENT TYPE/UNITS:")), "")
    found = []
    for at in range(1, block.values.shape[1]):
        values = block.values[:, at]
        notes = []
        largest = float(np.nanmax(np.abs(values)))
        if "Responsivity" in kind and largest < 1.5:
            factor = 1.239841984e-6 / (block.values[:, 0] * 1e-9)
            notes.append("from the responsivity of the file")
        else:
            factor = np.full(values.size, 0.01 if largest > 1.5 else 1.0)
            if "Responsivity" in kind:
                notes.append(
                    "the file calls its numbers a responsivity in A/W; by their size they are a quantum efficiency in %"
                )
        stated = {}
        if at - 1 < len(integrals):
            cells = integrals[at - 1].split("\t")
            value = next((source.number(cell) for cell in cells[1:] if source.number(cell) is not None), None)
            if value is not None and "mA" in integrals[at - 1]:
                stated["jsc"] = Metric(10.0 * value, "A m-2", _STATED)
        name = re.sub(r"\s+\d+$", "", names[at - 1]) if at - 1 < len(names) else ""
        found.append(eqe_found(source, block.values[:, 0] * 1e-9, values * factor, stated, name, notes))
    return found


# --- Empa ------------------------------------------------------------------------------------------------------------


def _sniff_empa(source: Source) -> float:
    return 0.95 if re.search(r"\[1\] Wavelength \[nm\]", source.head) and "QE" in source.head else 0.0


def _read_empa(source: Source) -> list[Found]:
    heads = {}
    for line in source.lines:
        match = re.match(r"\[(\d+)\] (.+)", line.strip())
        if match:
            heads[int(match[1])] = match[2].strip()
    columns = blocks(source)
    if not columns:
        raise _missing(source)
    block = columns[0]
    named = [heads.get(at + 1, "") for at in range(block.values.shape[1])]
    wave = next((n for n, one in enumerate(named) if one.lower().startswith("wavelength")), None)
    cell = next(
        (n for n, one in enumerate(named) if re.match(r"(?i)qe (of )?(the )?(cell|sample)", one)), None
    )
    if wave is None or cell is None:
        raise InputError('it does not say which column is "QE Cell".', "Export it again.", file=source.file)
    header = header_of(source, block.above)
    values = block.values[:, cell]
    unit = 0.01 if float(np.nanmax(values)) > 1.5 else 1.0
    bias = header.text(r" bias ")
    return [
        eqe_found(
            source,
            block.values[:, wave] * 1e-9,
            values * unit,
            {},
            header.text(r"^ sample ?name "),
            [f"bias: {bias}"] if bias else [],
        )
    ]


# --- QE Scan (.TRQ) --------------------------------------------------------------------------------------------------


def _sniff_trq(source: Source) -> float:
    return 0.95 if has(source.head[:4000], "[Header]", "//DATA//") and "QE" in source.head[:4000] else 0.0


def _read_trq(source: Source) -> list[Found]:
    header = header_of(source, source.lines[:60])
    tables = [one for one in blocks(source) if one.values.shape[1] >= 2]
    if not tables:
        raise _missing(source)
    block = tables[-1]
    calculated = next(
        (n for n, one in enumerate(block.headings) if one.lower().startswith("calculated")), None
    )
    axis, other = heading_of(header.text(r"^ x units ")), heading_of(header.text(r"^ y units "))
    if axis.kind != "length" or calculated is None or "qe" not in other.text.lower():
        raise InputError(
            'it has no column "Calculated" of QE against wavelength.', "Export it again.", file=source.file
        )
    assert axis.unit is not None
    unit = 0.01 if other.unit is None else other.unit.factor
    name = header.text(r"^ measurement ?name ")
    stamp = header.text(r"^ time ?stamp ")
    return [
        eqe_found(
            source,
            block.values[:, 0] * axis.unit.factor,
            block.values[:, calculated] * unit,
            {},
            name,
            ["the quantum efficiency is the column Calculated; Y is the signal"],
            moment=stamp or None,
        )
    ]


# --- eight lines without names, then "Wavelength QE" -----------------------------------------------------------------


def _sniff_csu(source: Source) -> float:
    lines = [line.strip() for line in source.head.split("\n")[:12]]
    named = [n for n, line in enumerate(lines) if re.fullmatch(r"Wavelength\s+QE", line)]
    return 0.9 if named and named[0] >= 6 and any(line.startswith("Eg =") for line in lines) else 0.0


def _read_csu(source: Source) -> list[Found]:
    lines = [line.strip() for line in source.lines if line.strip()]
    at = next(n for n, line in enumerate(lines) if re.fullmatch(r"Wavelength\s+QE", line))
    above = lines[:at]
    block = next((one for one in blocks(source) if one.values.shape[1] >= 2), None)
    if block is None:
        raise _missing(source)
    stated: dict[str, Metric] = {}
    gap = next((source.number(line.split("=")[1].strip()) for line in above if line.startswith("Eg =")), None)
    if gap is not None:
        stated["bandgap"] = Metric(gap, "eV", _STATED)
    last = source.number(above[-1])
    if last is not None and not math.isnan(last):
        stated["jsc"] = Metric(10.0 * last, "A m-2", f"{_STATED} (its last line without a name)")
    notes = []
    count = source.number(above[-2])
    if count is not None and count != block.values.shape[0]:
        notes.append(f"the file announces {count:g} points; {block.values.shape[0]} are there")
    if len(above) > 2 and any("bias" in line.lower() for line in above):
        notes.append(next(line for line in above if "bias" in line.lower()))
    return eqe_of_block(
        source, block, None, stated=[stated], sample=above[1] if len(above) > 1 else "", notes=notes
    )


FORMATS = (
    Format(
        "eqe_scans",
        "EQE scans with currents under AM1.5G, AM1.5D, AM0",
        ("eqe",),
        (".txt",),
        _sniff_scans,
        _read_scans,
    ),
    Format("bentham", "Bentham BenWin+", ("eqe",), (".dat",), _sniff_bentham, _read_bentham),
    Format("empa_sr", "Empa spectral response (.sr)", ("eqe",), (".sr", ".txt"), _sniff_empa, _read_empa),
    Format("trq", "QE Scan (.TRQ)", ("eqe",), (".trq", ".txt"), _sniff_trq, _read_trq),
    Format("csu_eqe", 'CSU, eight lines, then "Wavelength QE"', ("eqe",), (".txt",), _sniff_csu, _read_csu),
)
