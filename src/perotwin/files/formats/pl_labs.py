"""Luminescence as setups write it: LuQY Pro, fluorimeters, lock-in yields against time."""

from __future__ import annotations

import math
import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import Block, blocks
from perotwin.files.format import Format, Found, dataset_of, has
from perotwin.files.header import Header, header_of
from perotwin.files.headings import heading_of
from perotwin.files.light_tables import pl_found
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["FORMATS"]

_STATED = "stated by the file"


# --- LuQY Pro --------------------------------------------------------------------------------------------------------


def _sniff_luqy(source: Source) -> float:
    return 0.95 if has(source.head[:3000], "LuQY (%)", "Luminescence flux density") else 0.0


def _read_luqy(source: Source) -> list[Found]:
    table = next((one for one in blocks(source) if one.values.shape[1] >= 2), None)
    if table is None:
        raise InputError(
            "it has the header of LuQY Pro, but no spectrum.", "Export it again.", file=source.file
        )
    header = header_of(source, table.above)
    heads = table.columns
    wave = next((n for n, one in enumerate(heads) if one.name.lower().startswith("wavelength")), None)
    flux = next((n for n, one in enumerate(heads) if one.kind == "photon flux per wavelength"), None)
    if wave is None or flux is None or heads[wave].unit is None or heads[flux].unit is None:
        raise InputError(
            "its flux density or wavelength has no unit that is known.", "Export it again.", file=source.file
        )
    stated = {}
    for name, unit, pattern in (
        ("plqy", "1", r" luqy "),
        ("qfls", "eV", r"^ (qfls|ivoc|i voc) (?!.*(het|confidence))"),
    ):
        value = header.number(pattern)
        if not math.isnan(value):
            stated[name] = Metric(value, unit, _STATED)
    notes = []
    suns = header.number(r"^ laser intensity ")
    if suns == 0.0:
        notes.append('"Laser intensity" is 0.00: not set')
    spot = header.number(r" spot size ")
    x, y = heads[wave].unit, heads[flux].unit
    assert x is not None and y is not None
    return [
        pl_found(
            source,
            table.values[:, wave] * x.factor,
            table.values[:, flux] * y.factor,
            True,
            notes=notes,
            stated=stated,
            light=suns if suns > 0.0 else None,
            bandgap=_known(header.number(r"^ bandgap ")),
            jsc=_known(header.number(r"^ j ?sc ")),
            eqe_at_laser=_known(header.number(r"^ eqe @ laser|^ eqe .*laser ")),
            spot_area=_known(spot),
            bias=_known(header.number(r"^ bias voltage ")),
            moment=source.lines[0].strip()[:40] or None,
        )
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


# --- fluorimeters that export "Labels,..." / "Type,Emission Scan" ----------------------------------------------------


def _sniff_scan(source: Source) -> float:
    head = source.head[:3000]
    return 0.95 if re.match(r"Labels,", head) and "Type," in head and "Xaxis," in head else 0.0


def _read_scan(source: Source) -> list[Found]:
    lines = list(source.lines)
    keys = {}
    start = 0
    for number, line in enumerate(lines):
        cells = source.cells(line)
        if cells and cells[0] and source.number(cells[0]) is None:
            keys[cells[0]] = [cell for cell in cells[1:] if cell]
        elif cells and cells[0]:
            start = number
            break
    found = blocks(source, start)
    if not found:
        raise InputError("it has a header, but no spectrum.", "Export it again.", file=source.file)
    block = found[0]
    kind = " ".join(keys.get("Type", []))
    names = keys.get("Labels", [])
    x = " ".join(keys.get("Xaxis", [])).lower()
    if "emission" not in kind.lower():
        raise InputError(
            f'it is no emission scan, but "{kind[:40]}".',
            "perotwin reads emission scans of this program.",
            file=source.file,
        )
    if "wavelength" not in x:
        raise InputError("it is not against wavelength.", "Export it against wavelength.", file=source.file)
    count = max(len(names), 1)
    made = []
    fixed = " ".join(keys.get("Fixed/Offset", [])[:1])
    for at in range(count):
        # one axis for all, or one for each
        own = 2 * at if block.values.shape[1] >= 2 * count and count > 1 else 0
        column = own + 1 if own or count == 1 else at + 1
        if column >= block.values.shape[1]:
            break
        made.append(
            pl_found(
                source,
                block.values[:, own] * 1e-9,
                block.values[:, column],
                False,
                names[at] if at < len(names) else "",
                [f"excited at {fixed} nm"] if fixed else [],
                temperature=_kelvin(keys),
            )
        )
    return made


def _kelvin(keys: dict[str, list[str]]) -> float | None:
    try:
        value = float(keys.get("Temp", [""])[0])
    except (ValueError, IndexError):
        return None
    return value if 20.0 < value < 700.0 else None


# --- yield against time by lock-in (Empa) ----------------------------------------------------------------------------


def _sniff_lockin(source: Source) -> float:
    return 0.95 if has(source.head, "PLQY setup", "lock-in") else 0.0


def _read_lockin(source: Source) -> list[Found]:
    tables = [one for one in blocks(source) if any("plqy" in head.lower() for head in one.headings)]
    if not tables:
        raise InputError("it has a header, but no PLQY against time.", "Export it again.", file=source.file)
    block = tables[0]
    header = header_of(source, block.above)
    at = next(n for n, head in enumerate(block.headings) if "plqy" in head.lower())
    wave = next((n for n, head in enumerate(block.headings) if head.lower().startswith("time")), 0)
    suns = [
        one.numbers(header.decimal)[0] for one in header.find(r"^ excitation spot current density ", kind="suns")
        if one.key.kind == "suns"
    ]  # fmt: skip
    laser = header.number(r"^ laser wavelength ")
    notes = _announced(header, block)
    yields = block.values[:, at]
    dataset = dataset_of(
        "plqy_trace",
        source,
        {"plqy": ("time", yields, {"units": "1"})},
        {"time": block.values[:, wave]},
        name=header.text(r"^ sample ?name "),
        notes=notes,
        light=suns[0] if suns else None,
        laser_wavelength=_known(laser),
    )
    return [Found(dataset, {})]


def _announced(header: Header, block: Block) -> list[str]:
    said = header.number(r" datapoints? number ")
    rows = block.values.shape[0]
    return (
        [f"the file announces {said:g} points; {rows} are there"]
        if said == said and abs(said - rows) > 1
        else []
    )


# --- surface photovoltage after a pulse: read and plotted only -------------------------------------------------------


def _sniff_spv(source: Source) -> float:
    first = source.head.split("\n", 1)[0].strip()
    cells = first.split("\t")
    if not re.fullmatch(r"(?i)time ?\(s\)", cells[0]) or len(cells) < 2:
        return 0.0
    heads = [source.number(cell) for cell in cells[1:] if cell]
    return 0.8 if heads and all(one is not None and 200.0 < one < 3000.0 for one in heads) else 0.0


def _read_spv(source: Source) -> list[Found]:
    found = blocks(source)
    heads = [source.number(head) for head in found[0].headings[1:]] if found else []
    if not heads or None in heads:
        raise InputError("its columns are not wavelengths.", "Export it again.", file=source.file)
    block = found[0]
    waves = [1e-9 * head for head in heads if head is not None]
    heading = heading_of(block.headings[0])
    assert heading.unit is not None
    dataset = dataset_of(
        "surface_photovoltage",
        source,
        {"surface_photovoltage": (("time", "wavelength"), block.values[:, 1:], {"units": "V"})},
        {"time": block.values[:, 0] * heading.unit.factor, "wavelength": np.array(waves)},
        notes=["voltages are taken for V; read and plotted only"],
    )
    return [Found(dataset)]


FORMATS = (
    Format("luqy", "LuQY Pro absolute photoluminescence", ("pl",), (".txt",), _sniff_luqy, _read_luqy),
    Format("emission_scan", "fluorimeter, emission scan", ("pl",), (".csv",), _sniff_scan, _read_scan),
    Format(
        "plqy_lockin",
        "Empa lock-in PLQY against time",
        ("plqy_trace",),
        (".txt",),
        _sniff_lockin,
        _read_lockin,
    ),
    Format(
        "surface_photovoltage",
        "transient surface photovoltage (read and plotted only)",
        ("surface_photovoltage",),
        (".txt",),
        _sniff_spv,
        _read_spv,
    ),
)
