"""What the tables of impedance of all makers share: which column is what, signs, units, checks, the dataset."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.format import Found, dataset_of
from perotwin.files.source import Source, split
from perotwin.files.written_units import written_unit

__all__ = [
    "Column",
    "Columns",
    "Table",
    "columns_of",
    "found_of",
    "numbers_below",
    "separators",
    "tables_of",
    "written_area",
]

F64 = NDArray[np.float64]

#: lines between the names of columns and their numbers: names of units, blank ones
_BETWEEN = 4
#: characters of a name: patterns that look for units take the square of their number
_LONGEST_NAME = 100
#: rows of a table
_MOST_ROWS = 200_000
#: |Z| of the file and that of the two parts may differ by this part (medians): digits that were cut
_SAME = 0.05
#: V below zero from which on a bias is no offset
_BACKWARD = 0.02
_NAMES = {
    "frequency": re.compile(r"(freq(uency|uencies)?\.?|f)"),
    "real": re.compile(
        r"(re\(?z\)?|z'|z_?re(al)?|z real|re z|real ?(part|impedance|z|\(z\))?|z'\(a\)|re|realz|zs? real)"
    ),
    "imaginary": re.compile(
        r"(im\(?z\)?|z''|z_?im(ag(inary)?)?|z imag(inary)?|im z|imag(inary)? ?(part|impedance|z|\(z\))?|z''\(b\)"
        r"|im|imagz|zs? imag)"
    ),
    "modulus": re.compile(r"(\|z\||z_?mod(ulus)?|z|mag(nitude)?|modulus|impedance|\|impedance\|)"),
    "phase": re.compile(r"(phase ?(\(z\)|of z|angle|z)?|z_?pha?(se|z)|zphz|theta|phi|phasez)"),
    # as it was measured: what a header states may count from open circuit
    "bias": re.compile(r"(<ewe>|<e>|vdc)"),
    "group": re.compile(r"(cycle( number)?|segment ?#?|scan( number)?|sweep( number)?|loop( number)?)"),
}
_KINDS = {
    "frequency": {"frequency": 1.0},
    "real": {"resistance": 1.0, "area resistance": 1.0},
    "imaginary": {"resistance": 1.0, "area resistance": 1.0},
    "modulus": {"resistance": 1.0, "area resistance": 1.0},
    "phase": {"angle": 1.0},
    "bias": {"voltage": 1.0},
    "group": {},
}


@dataclass(frozen=True)
class Column:
    """A column of a table. index: from 0. factor: of its numbers, to SI (a minus in its name counts). area: whether
    its unit holds an area. stated: whether it states a unit."""

    index: int
    factor: float
    area: bool = False
    stated: bool = True


@dataclass(frozen=True)
class Columns:
    """The columns of a table of impedance by what they hold."""

    of: Mapping[str, Column]

    @property
    def whole(self) -> bool:
        """Whether a spectrum can be made of them."""
        names = set(self.of)
        return "frequency" in names and ({"real", "imaginary"} <= names or {"modulus", "phase"} <= names)


@dataclass(frozen=True)
class Table:
    """Numbers below names. columns: what is where. values: (R, C), NaN for cells that hold none. line: of the names,
    from 0; end: after the last row. announced: rows that the file announces; skipped: lines among the rows that hold
    no numbers. about: further attributes."""

    columns: Columns
    values: F64
    line: int
    end: int
    skipped: int = 0
    announced: int | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def columns_of(headings: Sequence[str]) -> Columns:
    """Which columns hold what, by their names and units; the first of each."""
    found: dict[str, Column] = {}
    for index, heading in enumerate(headings):
        meant = _meaning(heading)
        if meant is not None and meant[0] not in found:
            kind, factor, area, stated = meant
            found[kind] = Column(index, factor, area, stated)
    return Columns(found)


def _meaning(heading: str) -> tuple[str, float, bool, bool] | None:
    """What a heading says: the quantity, the factor to SI, whether per area, whether a unit is stated."""
    text = heading.strip()
    if len(text) > _LONGEST_NAME:
        return None
    for old, new in (
        ("″", "''"),
        ("’’", "''"),
        ("′", "'"),
        ("’", "'"),
        ("´", "'"),
        ('"', "''"),
        ("−", "-"),
        ("–", "-"),
    ):
        text = text.replace(old, new)
    sign, text = (-1.0, text[1:].strip()) if text.startswith("-") else (1.0, text)
    for name, unit in _splits(text):
        sign_of_name = sign
        if name.startswith("(") and name.endswith(")"):
            name = name[1:-1]
        if name.startswith("-"):
            sign_of_name, name = -sign, name[1:].strip()
        low = " ".join(name.lower().replace("_", " ").split())
        for kind, pattern in _NAMES.items():
            if not (pattern.fullmatch(low) or pattern.fullmatch(low.replace(" ", "_"))):
                continue
            if unit is None:
                return kind, sign_of_name, False, False
            read = written_unit(_ohms(unit))
            if read is not None and read.kind in _KINDS[kind]:
                return kind, sign_of_name * read.factor, read.kind == "area resistance", True
            if kind == "phase" and unit.strip().lower() in ("rad", "radian", "radians"):
                return kind, sign_of_name * 180.0 / np.pi, False, True
            if kind == "group":
                return kind, 1.0, False, False
    return None


def _ohms(unit: str) -> str:
    return re.sub(r"ohms?\b", "ohm", unit.strip(), flags=re.IGNORECASE)


def _splits(text: str) -> Iterable[tuple[str, str | None]]:
    """Name and unit as "name", "name/unit", "name (unit)", "name [unit]", "name, unit"."""
    yield text.strip(), None
    bracket = re.fullmatch(r"(.+?)\s*[\[(]([^\[\]]*)[\])]\.?", text)
    if bracket:
        yield bracket[1].strip(), bracket[2]
    name, slash, unit = text.partition("/")
    if slash:
        yield name.strip(), unit.strip().strip("()")
    name, comma, unit = text.partition(",")
    if comma:
        yield name.strip(), unit.strip()


def separators(source: Source, line: str) -> list[str | None]:
    """What may separate the columns that a line names, likeliest first: the file's choice may be blanks where its
    header holds more words than its table numbers."""
    return list(dict.fromkeys([*(mark for mark in "\t;" if mark in line), source.separator, ",", None]))


def tables_of(source: Source, start: int = 0, stop: int | None = None) -> list[Table]:
    """All tables of impedance of a text: a line that names the columns, and numbers below it.

    Args:
        source: the file. start, stop: lines between which to look.
    """
    found: list[Table] = []
    lines = source.lines
    at, last = start, len(lines) if stop is None else min(stop, len(lines))
    while at < last:
        table = _table(source, at, last)
        if table is not None:
            found.append(table)
        at = at + 1 if table is None else table.end
    return found


def _table(source: Source, at: int, last: int) -> Table | None:
    """The table whose columns a line names, if it does and numbers follow."""
    line = source.lines[at]
    low = line.lower()
    if len(line) > 20_000 or "f" not in low or not ("z" in low or "re" in low):
        return None
    for separator in separators(source, line):
        columns = columns_of(split(line, separator))
        if columns.whole:
            return numbers_below(source, at, columns, separator, last)
    # names that hold blanks themselves, parted by two of them above numbers that blanks separate
    columns = columns_of(re.split(r"\s{2,}", line.strip()))
    return numbers_below(source, at, columns, None, last) if columns.whole else None


def numbers_below(
    source: Source, at: int, columns: Columns, separator: str | None, last: int | None = None
) -> Table | None:
    """The rows of numbers below a line of names; None if there are none.

    Args:
        at: the line of the names. columns: what they say; the rows end where none of these is a number.
        separator: between columns. last: the line to stop before.
    """
    wanted = [one.index for name, one in columns.of.items() if name != "bias"]
    rows: list[list[float]] = []
    width, skipped, end = max(one.index for one in columns.of.values()) + 1, 0, at + 1
    stop = len(source.lines) if last is None else last
    for place in range(at + 1, stop):
        line = source.lines[place]
        cells = split(line, separator)[:width] if line.strip() else []
        numbers = [source.number(cell) for cell in cells]
        known = [numbers[index] if index < len(numbers) else None for index in wanted]
        if sum(one is not None for one in known) < 2:
            between = place - at <= _BETWEEN if not rows else not line.strip() and place - end < 2
            if between:
                continue
            break
        skipped += any(one is None for one in known)
        row = [float("nan") if one is None else one for one in numbers]
        rows.append(row + [float("nan")] * (width - len(row)))
        end = place + 1
        if len(rows) > _MOST_ROWS:
            raise InputError(
                f"a table has more than {_MOST_ROWS} rows.", "No spectrum has so many.", file=source.file
            )
    if not rows:
        return None
    return Table(columns, np.array(rows, float), at, end, skipped)


def found_of(
    source: Source, tables: Sequence[Table], maker: str, notes: Sequence[str] = (), **about: Any
) -> list[Found]:
    """Measurements of the tables, one for each spectrum.

    Args:
        maker: whose file it is, for messages. notes: what is said of all. about: attributes of all; `stated_area` (m^2)
            is what the file says of the electrode.

    Raises:
        InputError: no table, no frequency, or parts that contradict |Z|.
    """
    parts = [part for table in tables for part in _spectra(table)]
    if not parts:
        raise InputError(
            f"no spectrum was found in this file of {maker}.",
            "It needs columns named frequency, Re Z and Im Z (or |Z| and phase), and numbers below.",
            file=source.file,
        )
    found = []
    for number, (table, values) in enumerate(parts, 1):
        name = source.path.stem if len(parts) == 1 else f"{source.path.stem} {number}"
        found.append(_spectrum(source, name, table, values, list(notes), {**about, **table.about}))
    return found


def _spectra(table: Table) -> list[tuple[Table, F64]]:
    """The spectra of a table: one for each cycle or segment, where a column counts them."""
    frequency = table.values[:, table.columns.of["frequency"].index]
    if not np.any(np.isfinite(frequency) & (frequency != 0.0)):
        return []
    group = table.columns.of.get("group")
    if group is None:
        return [(table, table.values)]
    names = table.values[:, group.index]
    breaks = np.flatnonzero((names[1:] != names[:-1]) & np.isfinite(names[1:]) & np.isfinite(names[:-1])) + 1
    parts = np.split(table.values, breaks)
    # counts each row instead of spectra
    if len(parts) > 1 and len(parts) > table.values.shape[0] // 2:
        return [(table, table.values)]
    at = table.columns.of["frequency"].index
    return [(table, part) for part in parts if np.any(np.isfinite(part[:, at]) & (part[:, at] != 0.0))]


def _spectrum(
    source: Source, name: str, table: Table, values: F64, notes: list[str], about: dict[str, Any]
) -> Found:
    def column(what: str) -> F64 | None:
        one = table.columns.of.get(what)
        return None if one is None else values[:, one.index] * one.factor

    frequency, real, imag = column("frequency"), column("real"), column("imaginary")
    modulus, phase = column("modulus"), column("phase")
    assert frequency is not None
    key = "real"
    if real is None or imag is None:
        assert modulus is not None and phase is not None
        real, imag, key = modulus * np.cos(np.radians(phase)), modulus * np.sin(np.radians(phase)), "modulus"
        notes.append("made of |Z| and the phase, which the file gives instead of the two parts.")
    else:
        notes += _contradictions(source, real, imag, modulus, phase)
    there = np.isfinite(frequency) & np.isfinite(real) & np.isfinite(imag)
    if (gone := int(np.count_nonzero(~there))) > 0:
        notes.append(f"{gone} of {there.size} rows hold no complete numbers and are left out.")
    frequency, real, imag = frequency[there], real[there], imag[there]
    if not np.any(frequency > 0.0):
        raise InputError(
            "no row of the spectrum has a frequency above zero.", "Export it again.", file=source.file
        )
    notes += _remarks(table, frequency, imag)
    volts = column("bias")
    if volts is not None and np.isfinite(volts[there]).any():
        about["voltage"] = float(np.nanmedian(volts[there]))
        if about["voltage"] < -_BACKWARD:
            notes.append(
                f"the bias is {about['voltage']:.4g} V as the file counts it: a reverse one, or its working electrode "
                "is the other contact."
            )
    per_area = table.columns.of[key].area
    area, unit = _area(source, per_area, about, notes)
    about.pop("stated_area", None)
    about.pop("preset_area", None)
    scale = 1.0 if area is None or per_area else area
    dataset = dataset_of(
        "impedance",
        source,
        {"impedance_real": ("frequency", real * scale), "impedance_imag": ("frequency", imag * scale)},
        {"frequency": ("frequency", frequency, {"units": "Hz"})},
        name=name,
        notes=notes,
        units={"impedance_real": unit, "impedance_imag": unit},
        area=area,
        **about,
    )
    return Found(dataset)


def _contradictions(
    source: Source, real: F64, imag: F64, modulus: F64 | None, phase: F64 | None
) -> list[str]:
    """Whether |Z| and phase of the file agree with the two parts."""
    notes = []
    if modulus is not None:
        size = np.hypot(real, imag)
        known = np.isfinite(size) & np.isfinite(modulus) & (size > 0.0)
        if known.any() and float(np.median(np.abs(modulus[known] / size[known] - 1.0))) > _SAME:
            raise InputError(
                "|Z| of the file and that of its two parts differ: one of the columns is not what its name says.",
                "Look at the headings and units, and export the spectrum again.",
                file=source.file,
            )
    if phase is not None:
        known = np.isfinite(phase) & np.isfinite(imag) & (np.abs(phase) > 1.0) & (imag != 0.0)
        if known.sum() >= 3 and float(np.mean(np.sign(phase[known]) == np.sign(imag[known]))) < 0.5:
            notes.append(
                "the phase has the other sign than the imaginary part, whose sign is that which its heading says."
            )
    return notes


def _remarks(table: Table, frequency: F64, imag: F64) -> list[str]:
    notes = []
    if table.announced is not None and table.announced != table.values.shape[0]:
        missing = table.announced - table.values.shape[0]
        word = f"{missing} are missing" if missing > 0 else f"{-missing} more than that"
        notes.append(f"{table.announced} points are announced and {table.values.shape[0]} are there: {word}.")
    if (zero := int(np.count_nonzero(frequency <= 0.0))) > 0:
        notes.append(f"{zero} rows have no frequency above zero; they are kept, and no part of the spectrum.")
    positive = int(np.count_nonzero(imag > 0.0))
    if positive > 0.8 * imag.size and imag.size >= 5:
        notes.append(
            f"Im Z is above zero in {positive} of {imag.size} points: inductive, or the heading leaves out a minus; "
            "kept as recorded."
        )
    elif positive:
        notes.append(f"{positive} of {imag.size} points have Im Z > 0 (inductive or noise); they are kept.")
    return notes


def _area(
    source: Source, per_area: bool, about: Mapping[str, Any], notes: list[str]
) -> tuple[float | None, str]:
    """Area that turns ohm into ohm m^2 (None: stays as it is), and the unit that results."""
    if per_area:
        return None, "ohm m2"
    asked, stated, preset = source.asked.area, about.get("stated_area"), about.get("preset_area")
    filled_in = stated is not None and preset is not None and abs(stated / preset - 1.0) < 1e-9
    if asked is not None:
        if stated is not None and not filled_in and abs(stated / asked - 1.0) > 1e-6:
            notes.append(f"the area is {asked * 1e4:g} cm^2 as asked; the file says {stated * 1e4:g} cm^2.")
        return asked, "ohm m2"
    if stated is not None and filled_in:
        notes.append(
            f"in ohm: the file's area of {stated * 1e4:g} cm^2 is what the program fills in; give the cell's "
            "(perotwin analyse FILE --area)."
        )
        return None, "ohm"
    if stated is not None and stated > 0.0:
        notes.append(f"in ohm m^2 by the area of {stated * 1e4:g} cm^2 that the file states.")
        return stated, "ohm m2"
    notes.append("in ohm: the file states no area of the cell; give it (perotwin analyse FILE --area).")
    return None, "ohm"


def written_area(text: str) -> float | None:
    """The area in words such as "0.160 cm²", m^2; None where there is none."""
    text = text.strip()[:_LONGEST_NAME]
    match = re.match(r"\s*([+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?)\s*(\S+)", text)
    if match is None:
        return None
    unit = written_unit(match[2])
    number = float(match[1].replace(",", "."))
    if unit is None or unit.kind != "area" or not number > 0.0:
        return None
    return number * unit.factor
