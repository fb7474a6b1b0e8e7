"""Current-voltage curves in a table: which columns belong together, and what the header says of each."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.blocks import Block
from perotwin.files.format import Found
from perotwin.files.header import Header
from perotwin.files.headings import Heading
from perotwin.files.jv_curves import RawCurve, curves
from perotwin.files.kinds import direction_in, quantity_of
from perotwin.files.merit import Area, area_of, conditions_of, stated_of
from perotwin.files.source import Asked, Source

__all__ = ["Columns", "jv_columns", "jv_of_block"]

F64 = NDArray[np.float64]
#: what of a name says which quantity it is, and nothing of the curve
_QUANTITY_WORDS = re.compile(
    r"(current[ _]?density|voltage|current|stromdichte|spannung|\bbias\b|(?<![A-Za-z])[VUJI](?![A-Za-z]))",
    re.IGNORECASE,
)
_LESS = re.compile(r"\b(average|avg|mean|std|error|dev)\b", re.IGNORECASE)
#: of several columns of one voltage, what is preferred
_BEST_VOLTAGE = (r"corr", r"meas|actual|real", r"raw", r"set|applied|nominal")


@dataclass(frozen=True)
class Columns:
    """A curve's columns, by number from 0; None where it has none."""

    voltage: int
    density: int | None
    current: int | None
    label: str


def jv_columns(headings: Sequence[Heading]) -> list[Columns]:
    """The curves among columns. Each current belongs to the nearest voltage before it; [] where there is none."""
    kinds = [quantity_of(one) for one in headings]
    voltages = [at for at, kind in enumerate(kinds) if kind == "voltage"]
    densities = [at for at, kind in enumerate(kinds) if kind == "current_density"]
    # against a voltage, what is called Jsc is the current density along the curve
    densities = densities or [at for at, kind in enumerate(kinds) if kind == "jsc"]
    currents = [at for at, kind in enumerate(kinds) if kind == "current"]
    if not voltages or not (densities or currents):
        return []
    plain = [at for at in densities if not _LESS.search(headings[at].name)]
    densities = plain or densities
    currents = [at for at in currents if not _LESS.search(headings[at].name)] or currents
    voltages = _one_of_a_kind(headings, voltages, densities or currents)

    def voltage_of(at: int) -> int:
        before = [one for one in voltages if one < at]
        return before[-1] if before else voltages[0]

    found = []
    for at in densities:
        of = voltage_of(at)
        mates = [one for one in currents if voltage_of(one) == of]
        alone = len([one for one in densities if voltage_of(one) == of]) == 1
        found.append(
            Columns(
                of, at, mates[0] if alone and len(mates) == 1 else None, _label(headings[at], headings[of])
            )
        )
    if not densities:
        found = [
            Columns(voltage_of(at), None, at, _label(headings[at], headings[voltage_of(at)]))
            for at in currents
        ]
    return found


def _one_of_a_kind(headings: Sequence[Heading], voltages: list[int], others: list[int]) -> list[int]:
    """One column of voltages where several (set, measured, corrected) stand before the same currents."""
    kept: list[int] = []
    for at in voltages:
        previous = kept[-1] if kept else None
        if (
            previous is not None
            and not any(previous < one < at for one in others)
            and len(others) < len(voltages)
        ):
            kept[-1] = min((previous, at), key=lambda one: _rank(headings[one].name))
        else:
            kept.append(at)
    return kept


def _rank(name: str) -> int:
    return next((n for n, word in enumerate(_BEST_VOLTAGE) if re.search(word, name, re.IGNORECASE)), 1)


def _label(heading: Heading, of_voltage: Heading) -> str:
    """What tells a curve from its neighbours: its heading without the quantity."""
    name, _, group = heading.name.partition(" | ")
    if not group and " | " in heading.text:
        group = heading.text.partition(" | ")[2]
    own = _QUANTITY_WORDS.sub(" ", name)
    own = re.sub(r"^[\s_\[\]().:-]+|[\s_\[\]().:-]+$", "", re.sub(r"\s+", " ", own))
    # "Jdark", "Vlight": the quantity is stuck to the word
    stuck = re.fullmatch(r"[JIVU](dark|light|rev|for|fwd|forward|reverse)\w*", name.strip(), re.IGNORECASE)
    own = "" if re.fullmatch(r"(?i)sc|light current", own) else own
    return " ".join(part for part in (group, stuck[1] if stuck else own) if part)


def jv_of_block(
    source: Source,
    block: Block,
    header: Header,
    columns: Sequence[Columns] | None = None,
    sample: str = "",
    density_unit: float | None = None,
) -> list[Found]:
    """The curves of a table with what its header says.

    columns : which belong together; found by their names unless given.
    density_unit : A m^-2 of one unit of a column without a unit, where the format knows it.

    Raises
    ------
    InputError : there are none, or nothing tells a unit that is needed.
    """
    headings = block.columns
    chosen = jv_columns(headings) if columns is None else list(columns)
    if not chosen:
        raise InputError(
            "it has no columns of voltage and current.", "Say which they are: --columns.", file=source.file
        )
    conditions = conditions_of(header, source)
    of_voltage = [one.voltage for one in chosen]
    raw = []
    named = _places(source, [one.label for one in chosen])
    for number, one in enumerate(chosen):
        count, at = (len(chosen), number) if named is None else (named[1], named[0].get(one.label))
        stated = stated_of(header, count, at)
        area = area_of(header, source, len(chosen), number)
        plain = area_of(header, Source(source.path, source.content, Asked()), len(chosen), number)
        notes: list[str] = []
        voltage = _volts(block.values[:, one.voltage], headings[one.voltage], notes)
        density = None
        if one.density is not None:
            values, heading = block.values[:, one.density], headings[one.density]
            factor = heading.unit.factor if heading.unit is not None else density_unit
            if factor is None:
                factor = _density_factor(values, voltage, stated, source, one.label, notes)
            density = values * factor
        current = None
        if one.current is not None:
            values, heading = block.values[:, one.current], headings[one.current]
            current = _amperes(values, heading, notes, source, needed=density is None)
        made = RawCurve(
            voltage=voltage,
            current_density=density,
            current=current,
            label=one.label,
            area=area,
            stated=stated,
            direction=direction_in(one.label),
            shared=of_voltage.count(one.voltage) > 1,
            notes=tuple(notes),
            about={} if not plain.value > 0.0 else {"file_area": plain.value},
        )
        raw.append(made)
    return curves(source, raw, conditions, sample)


def _places(source: Source, labels: Sequence[str]) -> tuple[dict[str, int], int] | None:
    """Where in lists of values of the header each curve stands, and how long these are, by the line that names them.

    A program that lists figures of the curves in the light only names fewer of them than there are columns.
    """
    known = {one for one in labels if len(one) > 1}
    if len(known) < 2:
        return None
    for line in source.lines[:200]:
        if not any(one in line for one in known):
            continue
        cells = source.cells(line)
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > 2 and sum(one in known for one in cells[1:]) == len(cells) - 1:
            return {cell: at for at, cell in enumerate(cells[1:])}, len(cells) - 1
    return None


def _volts(values: F64, heading: Heading, notes: list[str]) -> F64:
    if heading.unit is not None:
        return values * heading.unit.factor
    finite = values[np.isfinite(values)]
    if finite.size and np.abs(finite).max() > 50.0:
        notes.append("the unit of the voltage is not stated: taken for mV by its size")
        return values * 1e-3
    return values


def _density_factor(
    values: F64, voltage: F64, stated: object, source: Source, label: str, notes: list[str]
) -> float:
    """A m^-2 of one unit of a column that does not state it."""
    from perotwin.files.kinds import is_dark

    kept = np.isfinite(values) & np.isfinite(voltage)
    order = np.argsort(voltage[kept], kind="stable")
    at_zero = (
        abs(float(np.interp(0.0, voltage[kept][order], values[kept][order]))) if kept.any() else math.nan
    )
    own = stated.get("jsc") if isinstance(stated, dict) else None
    if own is not None and at_zero > 0.0:
        for factor, unit in ((10.0, "mA/cm2"), (1.0, "A/m2"), (1e4, "A/cm2")):
            if abs(factor * at_zero / abs(own.value) - 1.0) < 0.02:
                if factor != 10.0:
                    notes.append(
                        f"the unit of the current density is not stated: {unit} by the file's own Jsc"
                    )
                return factor
    notes.append("the unit of the current density is not stated: taken for mA/cm2")
    if (
        not is_dark(label)
        and not is_dark(source.path.stem)
        and not 0.1 <= at_zero <= 100.0
        and not at_zero < 1e-6
    ):
        raise InputError(
            f"the unit of the current density is not stated, and {at_zero:.3g} at 0 V is no usual mA/cm2.",
            'Say it: --columns "V=1, J=2 (A/cm^2)".',
            file=source.file,
        )
    return 10.0


def _amperes(values: F64, heading: Heading, notes: list[str], source: Source, needed: bool) -> F64 | None:
    if heading.unit is not None:
        return values * heading.unit.factor
    finite = np.abs(values[np.isfinite(values)])
    if not needed:
        return values if not finite.size or finite.max() < 2.0 else None
    if finite.size and finite.max() > 2.0:
        raise InputError(
            f"the unit of the current is not stated, and {finite.max():.3g} is no usual number of amperes.",
            'Say it: --columns "V=1, I=2 (mA)".',
            file=source.file,
        )
    notes.append("the unit of the current is not stated: taken for A")
    return values


def file_area(header: Header, source: Source) -> Area:
    """The area that a file itself states, whatever was asked for."""
    return area_of(header, Source(source.path, source.content, Asked()))
