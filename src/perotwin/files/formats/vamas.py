"""VAMAS (ISO 14976): spectra of XPS and UPS as most instruments export them (.vms, .npl)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown

__all__ = ["Block", "Experiment", "parse"]

F64 = NDArray[np.float64]

_MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format"
#: what programs write where they do not know a number: 1E37
_UNKNOWN = 1e36
_MAPS = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM")
_DEPTH = ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
_MODES = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "NORM", "SDP", "SDPSV", "SEM", "NOEXP")
_SCANS = ("REGULAR", "IRREGULAR", "MAPPING")
_IONS = ("FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec")
_SPUTTERED = ("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF")
#: most points, variables, blocks that a file may announce; each is checked against the lines that are left as well
_MOST = 10_000_000


@dataclass(frozen=True)
class Block:
    """One spectrum.

    Attributes:
        name, sample, technique, source, species, transition: as written.
        energy: (K,) abscissa as recorded, eV; abscissa, abscissa_unit: its name and unit as written.
        variables: the ordinates by name, each (K,), with their units in `units`.
        source_energy: of the exciting photons, eV; NaN if unknown.
        work_function: of the analyser as stated, eV, NaN if unknown; never applied.
        mode, signal: analyser mode, signal mode. pass_energy: eV. scans, dwell: number and s a point (NaN if unknown).
        conditions: values of the experimental variables by name. comment: lines of text.
        additional: numerical parameters by name: (unit, value).
        announced: points announced; more than there are where the file ends early.
    """

    name: str
    sample: str
    technique: str
    source: str
    species: str
    transition: str
    energy: F64
    abscissa: str
    abscissa_unit: str
    variables: dict[str, F64]
    units: dict[str, str]
    source_energy: float
    work_function: float
    mode: str
    signal: str
    pass_energy: float
    scans: float
    dwell: float
    conditions: dict[str, float]
    comment: tuple[str, ...]
    additional: dict[str, tuple[str, str]]
    announced: int

    @property
    def counts(self) -> tuple[str, F64]:
        """Name and values (K,) of the ordinate that was measured: the first that is no transmission."""
        for name, values in self.variables.items():
            if "transmission" not in name.lower():
                return name, values
        return next(iter(self.variables.items()))


@dataclass(frozen=True)
class Experiment:
    """What a file holds: its mode, its blocks, what its reader must know."""

    institution: str
    instrument: str
    mode: str
    scan: str
    comment: tuple[str, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()


class _Ended(Exception):
    """The lines are over."""


@dataclass
class _Lines:
    """Lines one after another, with where we are for messages."""

    lines: list[str]
    at: int = 0
    where: str = "the header"

    def text(self, what: str) -> str:
        if self.at >= len(self.lines):
            raise _Ended(what)
        line = self.lines[self.at].strip()
        self.at += 1
        return line

    def number(self, what: str) -> float:
        line = self.text(what)
        try:
            value = float(line)
        except ValueError:
            if not line:  # left empty where it is not known
                return float("nan")
            raise self.wrong(what, "a number") from None
        return float("nan") if abs(value) > _UNKNOWN else value

    def count(self, what: str, least: int = 0) -> int:
        line = self.text(what)
        try:
            value = float(line)
            whole = int(value)
        except (ValueError, OverflowError):
            raise self.wrong(what, "a whole number") from None
        if whole != value or not least <= whole <= _MOST:
            raise self.wrong(what, f"a whole number from {least} on")
        return whole

    def several(self, what: str) -> tuple[str, ...]:
        """As many lines as the first of them says."""
        number = self.count(f"number of {what}")
        if number > len(self.lines) - self.at:
            raise _Ended(what)
        return tuple(self.text(what) for _ in range(number))

    def wrong(self, what: str, wanted: str) -> InputError:
        return InputError(
            f"line {self.at} (in {self.where}) should hold the {what}, {wanted}, and does not.",
            "The file does not keep to the VAMAS standard (ISO 14976); export it again, or as text with two columns.",
        )


@dataclass
class _Header:
    institution: str = ""
    instrument: str = ""
    comment: tuple[str, ...] = ()
    mode: str = ""
    scan: str = ""
    conditions: tuple[tuple[str, str], ...] = ()
    included: frozenset[int] = field(default_factory=frozenset)
    manual: int = 0
    later: int = 0
    blocks: int = 0


def parse(text: str) -> Experiment:
    """A VAMAS file.

    Args:
        text: its contents; blank lines before the first are allowed (several instruments write them).

    Returns:
        All blocks. Where the file ends within a block, the points that are there, and a note that says how many are
        missing; a block whose ordinates have not begun is left out, with a note.

    Raises:
        InputError: no VAMAS file, or one whose lines do not hold what the standard says.
    """
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if first == len(lines) or _MAGIC.lower() not in lines[first].lower():
        raise InputError(
            "this is no VAMAS file: its first line does not say so.",
            f'That line reads "{_MAGIC} 1988 May 4".',
        )
    reader = _Lines(lines, first + 1)
    try:
        header = _header(reader)
    except _Ended as ended:
        raise InputError(
            f"the file ends in its header, before the {ended}.", "It is not whole: copy or export it again."
        ) from None
    blocks: list[Block] = []
    notes: list[str] = []
    shared: dict[int, Any] = {}
    for number in range(1, header.blocks + 1):
        reader.where = f"block {number}"
        try:
            block = _block(reader, header, shared)
        except _Ended as ended:
            notes.append(
                f"{header.blocks} spectra are announced and {number - 1} are whole: the file ends before the {ended} "
                f"of spectrum {number}."
            )
            break
        blocks.append(block)
        found = block.energy.size
        if found < block.announced:
            notes.append(
                f'spectrum {number} ("{shown(block.name, 40)}") announces {block.announced} points and has {found}: '
                "the file ends within it."
            )
            if number < header.blocks:
                notes.append(f"{header.blocks} spectra are announced and {number} are there.")
            break
    if not blocks:
        raise InputError(
            "the file holds no spectrum" + (f": {notes[0]}" if notes else "."),
            "It is not whole, or only a description: export it again.",
        )
    return Experiment(
        header.institution,
        header.instrument,
        header.mode,
        header.scan,
        header.comment,
        tuple(blocks),
        tuple(notes),
    )


def _header(reader: _Lines) -> _Header:
    header = _Header(reader.text("institution"), reader.text("instrument model"))
    reader.text("operator")
    reader.text("experiment")
    header.comment = reader.several("lines of comment")
    header.mode = reader.text("experiment mode").upper()
    if header.mode not in _MODES:
        raise reader.wrong("experiment mode", "one of " + ", ".join(_MODES))
    header.scan = reader.text("scan mode").upper()
    if header.scan not in _SCANS:
        raise reader.wrong("scan mode", "one of " + ", ".join(_SCANS))
    if header.mode in ("MAP", "MAPDP", "NORM", "SDP"):
        reader.count("number of spectral regions")
    if header.mode in ("MAP", "MAPDP"):
        for what in ("number of analysis positions", "number of x in the map", "number of y in the map"):
            reader.count(what)
    number = reader.count("number of experimental variables")
    if number > len(reader.lines):
        raise _Ended("experimental variables")
    header.conditions = tuple(
        (reader.text("name of a variable"), reader.text("unit of a variable")) for _ in range(number)
    )
    header.included = _included(reader)
    header.manual = len(reader.several("manually entered items"))
    later_of_experiment = reader.count("number of future upgrade experiment entries")
    header.later = reader.count("number of future upgrade block entries")
    for _ in range(later_of_experiment):
        reader.text("future upgrade entry")
    header.blocks = reader.count("number of blocks", 1)
    return header


def _included(reader: _Lines) -> frozenset[int]:
    """The parts, 1 to 40, that blocks after the first hold; the others are those of the first."""
    line = reader.text("number of entries of the inclusion list")
    try:
        number = int(line)
    except ValueError:
        raise reader.wrong("length of the inclusion list", "a whole number") from None
    if abs(number) > 40:
        raise reader.wrong("length of the inclusion list", "a number from -40 to 40")
    listed = {reader.count("number of a part", 1) for _ in range(abs(number))}
    every = frozenset(range(1, 41))
    return frozenset(listed) if number > 0 else every - listed


def _block(reader: _Lines, header: _Header, shared: dict[int, Any]) -> Block:
    """A block. `shared` holds the parts of the first one; later ones may leave parts out."""
    text, number = reader.text, reader.number
    is_first = not shared

    def part(index: int, read: Callable[[], Any]) -> Any:
        if is_first or index in header.included:
            value = read()
            if is_first:
                shared[index] = value
            return value
        return shared.get(index)

    def some(many: int, what: str) -> Callable[[], list[float]]:
        return lambda: [number(what) for _ in range(many)]

    name, sample = text("name of a block"), text("name of a sample")
    for index, what in enumerate(
        ("year", "month", "day", "hours", "minutes", "seconds", "hours before Greenwich"), 1
    ):
        part(index, lambda what=what: number(what))  # type: ignore[misc]  # the word is bound now, not when called
    comment = part(8, lambda: reader.several("lines of comment"))
    technique = part(9, lambda: text("technique"))
    if header.mode in ("MAP", "MAPDP"):
        part(10, some(2, "place on the map"))
    conditions = part(11, some(len(header.conditions), "value of a variable"))
    source = part(12, lambda: text("name of the source"))
    if header.mode in _DEPTH or technique in _IONS:
        part(13, lambda: [text("sputtering ion") for _ in range(3)])
    photon = part(14, lambda: number("energy of the source"))
    part(15, lambda: number("strength of the source"))
    part(16, some(2, "width of the beam"))
    if header.mode in _MAPS:
        part(17, some(2, "field of view"))
    if header.mode in ("MAPSV", "MAPSVDP", "SEM"):
        part(18, some(6, "scan lines"))
    part(19, lambda: number("polar angle of the source"))
    part(20, lambda: number("azimuth of the source"))
    mode = part(21, lambda: text("mode of the analyser"))
    passing = part(22, lambda: number("pass energy"))
    if technique == "AES diff":
        part(23, lambda: number("differential width"))
    part(24, lambda: number("magnification"))
    work_function = part(25, lambda: number("work function"))
    part(26, lambda: number("target bias"))
    part(27, some(2, "width of the analysis"))
    part(28, some(2, "angles of the analyser"))
    species = part(29, lambda: text("species"))
    transition, _charge = part(30, lambda: (text("transition"), number("charge of the particle")))
    abscissa = None
    if header.scan == "REGULAR":
        abscissa = part(
            31,
            lambda: (
                text("name of the abscissa"),
                text("unit of the abscissa"),
                number("start of the abscissa"),
                number("step of the abscissa"),
            ),
        )
    labels = part(32, lambda: _labels(reader))
    signal = part(33, lambda: text("signal mode"))
    dwell = part(34, lambda: number("collection time"))
    scans = part(35, lambda: number("number of scans"))
    part(36, lambda: number("time correction"))
    if header.mode in _DEPTH and technique in _SPUTTERED:
        part(37, lambda: [text("sputtering source") for _ in range(7)])
    part(38, some(2, "tilt of the sample"))
    part(39, lambda: number("rotation of the sample"))
    additional = part(40, lambda: _additional(reader))
    for _ in range(header.later):
        text("future upgrade entry")
    announced, values = _ordinates(reader, len(labels))
    energy, variables, units, label, unit = _columns(reader, header, abscissa, labels, values)
    return Block(
        name=name,
        sample=sample,
        technique=technique,
        source=source,
        species=species,
        transition=transition,
        energy=energy,
        abscissa=label,
        abscissa_unit=unit,
        variables=variables,
        units=units,
        source_energy=photon,
        work_function=work_function,
        mode=mode,
        signal=signal,
        pass_energy=passing,
        scans=scans,
        dwell=dwell,
        conditions={
            label: value for (label, _unit), value in zip(header.conditions, conditions, strict=True)
        },
        comment=comment,
        additional=additional,
        announced=announced // max(1, len(labels)),
    )


def _labels(reader: _Lines) -> tuple[tuple[str, str], ...]:
    number = reader.count("number of variables", 1)
    if number > len(reader.lines):
        raise _Ended("variables")
    return tuple(
        (reader.text("name of a variable"), reader.text("unit of a variable")) for _ in range(number)
    )


def _additional(reader: _Lines) -> dict[str, tuple[str, str]]:
    number = reader.count("number of additional parameters")
    if number > len(reader.lines):
        raise _Ended("additional parameters")
    found = {}
    for _ in range(number):
        name, unit, value = (reader.text("additional parameter") for _ in range(3))
        found[name] = (unit, value)
    return found


def _ordinates(reader: _Lines, variables: int) -> tuple[int, F64]:
    """How many values are announced, and (K, variables) of them that are there."""
    announced = reader.count("number of ordinate values")
    if announced % variables:
        raise reader.wrong("number of ordinate values", f"a multiple of {variables} variables")
    for _ in range(2 * variables):
        reader.number("smallest and largest ordinate")
    begin = reader.at
    lines = reader.lines[begin : begin + announced]
    last = next(
        (at for at, line in enumerate(lines) if line.strip().lower() == "end of experiment"), len(lines)
    )
    lines = lines[:last]
    if len(lines) == announced == 0 or (not lines and announced):
        raise _Ended("ordinate values")
    cut = len(lines) < announced
    try:
        values = np.array([float(line) for line in lines])
    except ValueError:
        values = _one_by_one(reader, lines, cut and begin + len(lines) >= len(reader.lines))
    # the last line of a file that was cut may have lost digits of its number
    if cut and values.size == len(lines):
        values = values[:-1]
    whole = values.size // variables * variables
    if whole == 0:
        raise _Ended("ordinate values")
    reader.at = begin + len(lines)
    values[np.abs(values) > _UNKNOWN] = np.nan
    return announced, values[:whole].reshape(-1, variables)


def _one_by_one(reader: _Lines, lines: list[str], cut: bool) -> F64:
    values = []
    for index, line in enumerate(lines):
        try:
            values.append(float(line))
        except ValueError:
            if cut and index == len(lines) - 1:  # a number that ends with the file
                break
            reader.at += index + 1
            raise reader.wrong("ordinate value", "a number") from None
    return np.array(values)


def _columns(
    reader: _Lines,
    header: _Header,
    abscissa: tuple[str, str, float, float] | None,
    labels: tuple[tuple[str, str], ...],
    values: F64,
) -> tuple[F64, dict[str, F64], dict[str, str], str, str]:
    """Energies, ordinates, their units, name and unit of the abscissa."""
    columns = list(labels)
    if header.scan == "REGULAR":
        assert abscissa is not None
        label, unit, start, step = abscissa
        if not (np.isfinite(start) and np.isfinite(step) and step != 0.0):
            raise reader.wrong("start and step of the abscissa", "numbers, the step not 0")
        energy = start + step * np.arange(values.shape[0])
    elif header.scan == "IRREGULAR":
        # the abscissa is the first of the variables
        label, unit = columns.pop(0)
        energy, values = values[:, 0], values[:, 1:]
        if not columns:
            raise reader.wrong("variables", "an abscissa and at least one ordinate")
    else:
        raise InputError(
            "the file holds a map, an intensity a place, and no spectra.",
            "Export the spectra of the places that you want to look at.",
        )
    variables: dict[str, F64] = {}
    units: dict[str, str] = {}
    for index, (name, its_unit) in enumerate(columns):
        key = name if name not in variables else f"{name} {index + 1}"
        variables[key], units[key] = values[:, index], its_unit
    return np.asarray(energy, np.float64), variables, units, label, unit
