"""Capacitance against voltage or against frequency, as a table with named columns (LCR meters, Empa, Keithley 4200)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.blocks import Block, blocks
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.formats.impedance_columns import columns_of
from perotwin.files.header import Header, header_of
from perotwin.files.headings import Heading
from perotwin.files.source import Source

__all__ = ["FORMATS"]

F64 = NDArray[np.float64]

_NAMES = {
    "voltage": (
        r"(v|u|voltage|bias|bias voltage|dc bias|dc voltage|vdc|dcv(_\w+)?|applied voltage|potential|e)",
        "voltage",
    ),
    "frequency": (r"(f|freq|frequency|freq\.|f_\w+)", "frequency"),
    "capacitance": (r"(c|cp|capacitance|parallel capacitance|cp_\w+|c_\w+|cap)", "capacitance"),
    "resistance": (r"(rp|parallel resistance|rp_\w+)", "resistance"),
    "conductance": (r"(g|gp|conductance|parallel conductance|gp_\w+)", ""),
    "temperature": (r"(t|temp|temperature)", "temperature"),
}
#: what a text with such a table says somewhere; bounded, since texts of blanks exist
_WORD = re.compile(
    r"capacitance|\bc[ps]?(_\w{1,20})?[\t ,;\"]{0,4}[\[(/]?[ ]{0,2}[pnuµm]?f\b|\bcp(_\w{1,20})?\b"
)
#: a capacitance larger than this (F) is in another unit than its heading leaves out
_LARGEST = 1e-2


@dataclass(frozen=True)
class _Column:
    index: int
    heading: Heading

    def values(self, block: Block) -> F64:
        unit = self.heading.unit
        raw = block.values[:, self.index]
        return raw if unit is None else raw * unit.factor + unit.offset


def _columns(block: Block) -> dict[str, _Column]:
    found: dict[str, _Column] = {}
    for index, heading in enumerate(block.columns):
        name = " ".join(heading.name.lower().replace("'", "").split()).strip(" -")
        for quantity, (pattern, kind) in _NAMES.items():
            kinds = (kind, "capacitance per area") if quantity == "capacitance" else (kind,)
            if (
                quantity not in found
                and re.fullmatch(pattern, name)
                and (heading.unit is None or not kind or heading.kind in kinds)
            ):
                found[quantity] = _Column(index, heading)
                break
    return found


def _wanted(columns: dict[str, _Column]) -> bool:
    if "capacitance" not in columns or not ("voltage" in columns or "frequency" in columns):
        return False
    one = columns["capacitance"].heading
    # "C" alone may be a concentration: it says its unit, or its whole name
    return one.unit is not None or len(one.name) > 1


def _sniff(source: Source) -> float:
    head = source.head.lower()
    if not _WORD.search(head):
        return 0.0
    lines = head.count("\n") + 1
    found = [block for block in blocks(source, 0, min(lines, len(source.lines))) if _wanted(_columns(block))]
    # capacitances beside an impedance were made of it
    return 0.0 if not found else 0.3 if any(columns_of(block.headings).whole for block in found) else 0.8


def _read(source: Source) -> list[Found]:
    found: list[Found] = []
    for block in blocks(source):
        columns = _columns(block)
        if _wanted(columns):
            found += _of(source, block, columns, len(found))
    if not found:
        raise InputError(
            "no table with a capacitance and a voltage or a frequency was found.",
            'The headings should say so: "Voltage [V]", "Capacitance [F]".',
            file=source.file,
        )
    return found


def _of(source: Source, block: Block, columns: dict[str, _Column], before: int) -> list[Found]:
    header = header_of(source, block.above)
    values = {name: column.values(block) for name, column in columns.items()}
    axis = _axis(values)
    there = np.isfinite(values[axis]) & np.isfinite(values["capacitance"])
    notes = []
    if not there.all():
        notes.append(
            f"{np.count_nonzero(~there)} of {there.size} rows hold no complete numbers and are left out."
        )
    values = {name: one[there] for name, one in values.items()}
    if not there.any():
        return []
    heading = columns["capacitance"].heading
    if heading.unit is None:
        if float(np.nanmedian(np.abs(values["capacitance"]))) > _LARGEST:
            raise InputError(
                "the capacitance has no unit, and its numbers are too large for farad.",
                'Write the unit into the heading: "C [nF]".',
                file=source.file,
            )
        notes.append("the heading of the capacitance says no unit: taken for F.")
    per_area = heading.kind == "capacitance per area"
    area, unit = _area(source, header, per_area, notes)
    scale = 1.0 if area is None or per_area else 1.0 / area
    variables = {"capacitance": (axis, values["capacitance"] * scale)}
    units = {"capacitance": unit}
    conductance = _conductance(values)
    if conductance is not None and not per_area:
        variables["conductance"] = (axis, conductance * scale)
        units["conductance"] = unit.replace("F", "S")
    about = _about(header, values, axis, notes)
    name = header.text("^ ?sample name", "^ ?cell name", "^ ?sample ") or source.path.stem
    dataset = dataset_of(
        "cv",
        source,
        variables,
        {axis: (axis, values[axis], {"units": "V" if axis == "voltage" else "Hz"})},
        name=name if before == 0 else f"{name} {before + 1}",
        notes=notes,
        units=units,
        area=area,
        **about,
    )
    return [Found(dataset)]


def _axis(values: dict[str, F64]) -> str:
    """Which of voltage and frequency was swept."""
    spread = {
        name: np.unique(values[name][np.isfinite(values[name])]).size
        for name in ("voltage", "frequency")
        if name in values
    }
    return max(spread, key=lambda name: (spread[name], name == "voltage"))


def _conductance(values: dict[str, F64]) -> F64 | None:
    if "conductance" in values:
        return values["conductance"]
    if "resistance" in values:
        with np.errstate(divide="ignore"):
            return 1.0 / values["resistance"]
    return None


def _area(source: Source, header: Header, per_area: bool, notes: list[str]) -> tuple[float | None, str]:
    if per_area:
        return None, "F m-2"
    stated = header.number(r"\barea\b", kind="area")
    if source.asked.area is not None:
        if np.isfinite(stated) and abs(stated / source.asked.area - 1.0) > 1e-6:
            notes.append(
                f"the area is {source.asked.area * 1e4:g} cm^2 as asked; the file says {stated * 1e4:g} cm^2."
            )
        return source.asked.area, "F m-2"
    if np.isfinite(stated) and stated > 0.0:
        notes.append(f"per area by the {stated * 1e4:g} cm^2 that the file states.")
        return stated, "F m-2"
    notes.append("in F: the file states no area of the cell; give it (perotwin analyse FILE --area).")
    return None, "F"


def _about(header: Header, values: dict[str, F64], axis: str, notes: list[str]) -> dict[str, float]:
    about = {}
    if "temperature" in values and np.isfinite(values["temperature"]).any():
        about["temperature"] = float(np.nanmedian(values["temperature"]))
    elif np.isfinite(stated := header.number(r" temperature ", kind="temperature")):
        about["temperature"] = stated
    if np.isfinite(
        level := header.number(r"oscillation level| ac level|ac voltage| amplitude ", kind="voltage")
    ):
        about["amplitude"] = level
    if axis == "voltage":
        if "frequency" in values:
            about["frequency"] = float(np.nanmedian(values["frequency"]))
        elif np.isfinite(stated := header.number(r" freq(uency)? ", kind="frequency")):
            about["frequency"] = stated
        else:
            notes.append("the file does not say the frequency of the signal.")
    elif "voltage" in values:
        about["voltage"] = float(np.nanmedian(values["voltage"]))
    elif np.isfinite(stated := header.number(r" bias ", kind="voltage")):
        about["voltage"] = stated
    return about


FORMATS = (
    Format(
        "capacitance",
        "capacitance against voltage or frequency, as a table",
        ("cv",),
        (".txt", ".csv", ".dat"),
        _sniff,
        _read,
    ),
)
