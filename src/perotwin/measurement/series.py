"""Columns of a table against wavelength or depth: which column is what, in which unit, in ascending order.

    found = read_series("film.csv", "optical table", "wavelength in nm, n, k", (INDEX, EXTINCTION))
    found.axis, found.values["k"], found.notes

The unit of the axis is the one that a heading names; without one it is told by magnitude (wavelengths up to 50 are
micrometres, up to 1e-3 metres). Energies and wavenumbers become wavelengths. Whatever is not plain (nanometres, columns
in the usual order, each wavelength once) is a part of `notes`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import c, e, h
from perotwin.errors import InputError
from perotwin.measurement.tables import Table, read_tables, runs

__all__ = ["Series", "Wanted", "clipped", "read_series", "refuse_gap"]

F64 = NDArray[np.float64]
Axis = Literal["wavelength", "depth"]

#: Wavelengths (m) from hard X-rays to a metre.
_SHORTEST, _LONGEST = 1e-12, 1.0
#: Where no heading names a unit: the largest wavelength that is in m, and the largest one in um.
_METRES, _MICROMETRES, _DEPTH_METRES = 1e-3, 50.0, 1e-4
#: eV of light that somebody measures with, at most; more is a wavelength in nm.
_MOST_EV = 150.0
#: How far rows of one wavelength may lie apart, as a share of the larger, or of the largest of all.
_ALIKE, _ALIKE_OF_ALL = 0.05, 0.01
#: Negative values down to this share of the largest are noise about zero.
_NOISE = 0.02

#: a unit in a heading -> its words, what "nm^-1" and its like in the unit of another column leave out
_PER = re.compile(
    r"(/\s*(nm|um|µm|μm|eV|m)\b|\b(nm|um|µm|μm|eV|m|cm|s)\s*(\^|\*\*)?\s*\(?[-⁻−]\s*[1234¹²³⁴]\)?)"
)
_UNITS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("nm", re.compile(r"(?<![a-z])nm(?![a-z])|nanomet", re.IGNORECASE)),
    ("um", re.compile(r"(?<![a-z])[uµμ]m(?![a-z])|micron|micromet", re.IGNORECASE)),
    ("angstrom", re.compile(r"angstrom|ångström|Å", re.IGNORECASE)),
    ("cm^-1", re.compile(r"cm\s*\^?\s*[-⁻−]\s*[1¹]|1/cm|wavenumber|wave number", re.IGNORECASE)),
    ("meV", re.compile(r"(?<![a-zA-Z])meV(?![a-zA-Z])")),
    ("eV", re.compile(r"(?<![a-z])eV(?![a-z])|photon energy", re.IGNORECASE)),
)
_METRE = re.compile(r"[(\[/,\s_]m[)\]]?\s*$|^m$|\bmet(re|er)s?\b")
_AXES: dict[str, re.Pattern[str]] = {
    "wavelength": re.compile(r"^wl\b|wave|wellenl|lambda|λ|energy|energie|^nm$|^eV$", re.IGNORECASE),
    "depth": re.compile(r"depth|position|^[xz]\b", re.IGNORECASE),
}
_FACTORS = {"nm": 1e-9, "um": 1e-6, "m": 1.0, "angstrom": 1e-10}
_PLURAL = {"um": "micrometres", "m": "metres", "angstrom": "angstroms", "nm": "nanometres"}


@dataclass(frozen=True)
class Wanted:
    """A column that is looked for.

    name : the key in `Series.values`. heading : what its heading may be, as a whole, without its unit.
    """

    name: str
    heading: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Series:
    """Columns against an axis.

    Attributes
    ----------
    axis : (R,) ascending, m. values : (R,) of each wanted column, in the unit of the file.
    headings : of each wanted column, "" where there is none. heading : all text above the numbers.
    unit : of the axis in the file. notes : what had to be decided, as parts of a sentence.
    """

    file: str
    axis: F64
    values: dict[str, F64]
    headings: dict[str, str]
    heading: str
    unit: str
    notes: tuple[str, ...]

    @property
    def told(self) -> tuple[str, ...]:
        """The decisions as one sentence, or none."""
        return (f"{Path(self.file).name} was read with {'; '.join(self.notes)}.",) if self.notes else ()


def read_series(
    path: str | Path, what: str, layout: str, wanted: Sequence[Wanted], *, axis: Axis = "wavelength"
) -> Series:
    """Columns of a text table against its first one.

    One table with all columns, or for each column a table of its own, as refractiveindex.info writes them ("wl, n" and
    below it "wl, k"); these are joined on the wavelengths of all where both have data.

    Parameters
    ----------
    what, layout : the kind of table and its columns, for messages.
    wanted : the columns behind the axis.

    Raises
    ------
    InputError : as of `read_tables`; too few columns, a cell without a number, a unit that contradicts the numbers,
        a wavelength that is none, rows of one wavelength that disagree, fewer than two rows.
    """
    file = str(path)
    found = read_tables(path, what, layout)
    notes = list(found.notes)
    tables = found.tables
    if len(tables) > 1 and any(len(one.lines) > 1 for one in tables):
        # a line of words above the numbers may hold numbers too, as dates and serial numbers do
        alone = [one.lines[0] for one in tables if len(one.lines) == 1]
        tables = tuple(one for one in tables if len(one.lines) > 1)
        if alone:
            notes.append(f"line {', '.join(runs(alone))} left out, alone among words")
    if len(tables) == len(wanted) > 1 and all(one.values.shape[1] == 2 for one in tables):
        parts = [_columns(one, wanted[n : n + 1], what, layout, file, axis) for n, one in enumerate(tables)]
        single = [wanted[n].name for n in range(len(wanted))]
        x, values = _joined(parts, single, what, file)
        notes.append(f"one table each for {' and '.join(single)}")
        first = parts[0]
        headings = {name: part.headings[name] for name, part in zip(single, parts, strict=True)}
        notes += [note for note in dict.fromkeys(note for part in parts for note in part.notes)]
        return Series(file, x, values, headings, first.heading, first.unit, tuple(notes))
    if len(tables) > 1:
        raise InputError(
            f"the {what} has {len(tables)} tables of numbers; line {tables[1].lines[0]} begins the second.",
            f"Keep one, with {layout}.",
            file=file,
        )
    one = _columns(tables[0], wanted, what, layout, file, axis, found.last_words)
    if found.last_words is not None:
        notes.append(f"line {found.last_words} and those below it left out, which are no numbers")
    return Series(
        file,
        one.axis,
        one.values,
        one.headings,
        one.heading,
        one.unit,
        tuple(dict.fromkeys((*notes, *one.notes))),
    )


def clipped(
    series: Series, name: str, what: str, cure: str, least: float | None = None
) -> tuple[F64, tuple[str, ...]]:
    """A column without the negative noise of a measurement about zero, and what was done.

    Parameters
    ----------
    least : the most negative value that is noise; -2 % of the largest value unless said.

    Raises
    ------
    InputError : it is more negative than that.
    """
    values = series.values[name]
    lowest = float(values.min())
    if lowest >= 0.0:
        return values, ()
    limit = -_NOISE * float(values.max()) if least is None else least
    if lowest < limit:
        raise InputError(f"the {what}.", cure, file=series.file)
    count = int(np.count_nonzero(values < 0))
    row = "value" if count == 1 else "values"
    return np.maximum(values, 0.0), (
        f"{count} negative {row} of {name} (down to {lowest:.3g}) taken as zero",
    )


def refuse_gap(lam: F64, what: str, file: str) -> None:
    """Raise InputError where rows at ascending wavelengths (P,), nm, leave a gap.

    Tables are even in wavelength or in energy; a gap stands out of both.
    """
    step, energy_step = np.diff(lam), -np.diff(1 / lam)
    gap = (step > 6 * np.median(step)) & (energy_step > 6 * np.median(energy_step)) & (step > 10)
    if np.any(gap):
        i = int(np.argmax(gap))
        raise InputError(
            f"the {what} has a gap: no row between {lam[i]:g} nm and {lam[i + 1]:g} nm.",
            "Fill the gap, or cut the table to one side of it.",
            file=file,
        )


def _columns(
    table: Table,
    wanted: Sequence[Wanted],
    what: str,
    layout: str,
    file: str,
    axis: Axis,
    words: int | None = None,
) -> Series:
    """Axis and wanted columns of one table."""
    count = table.values.shape[1]
    if count < len(wanted) + 1:
        raise InputError(
            f"line {table.lines[0]} of the {what} is not {len(wanted) + 1} numbers, but has {count} columns.",
            f"Each line holds {layout}.",
            file=file,
        )
    if len(table.lines) < 2:
        beside = "" if words is None else f", and line {words} is none"
        raise InputError(f"the {what} has 1 row of numbers{beside}.", "Give at least two.", file=file)
    along = _along(table, axis)
    places, notes = _places(table, wanted, along)
    used = table.values[:, [along, *places]]
    odd = np.argwhere(np.isnan(used))
    if len(odd):
        row, column = (int(number) for number in odd[0])
        raise InputError(
            f"line {table.lines[row]} of the {what} has no number in column {[along, *places][column] + 1}.",
            f"Each line holds {layout}; leave no cell empty.",
            file=file,
        )
    x, unit, told = _axis(used[:, 0], table, along, what, file, axis)
    order = np.argsort(x, kind="stable")
    x, used = x[order], used[order, 1:]
    x, used, repeated = _once(x, used, what, file)
    if len(x) < 2:
        raise InputError(f"the {what} has 1 row of numbers.", "Give at least two.", file=file)
    return Series(
        file,
        x,
        {one.name: used[:, n] for n, one in enumerate(wanted)},
        {one.name: table.names[place] for one, place in zip(wanted, places, strict=True)},
        table.heading,
        unit,
        (*told, *notes, *repeated),
    )


def _along(table: Table, axis: Axis) -> int:
    """The column of the axis: the first one, unless another alone has a heading that says so."""
    said = [n for n, name in enumerate(table.names) if _AXES[axis].search(name)]
    return said[0] if len(said) == 1 else 0


def _places(table: Table, wanted: Sequence[Wanted], along: int) -> tuple[list[int], list[str]]:
    """In which columns of a table the wanted ones are, beside the axis."""
    others = [n for n in range(table.values.shape[1]) if n != along]
    names = [re.sub(r"\s*[(\[].*$", "", name).strip().lower() for name in table.names]

    def headed(one: Wanted) -> int | None:
        if one.heading is None:
            return None
        return next((n for n in others if one.heading.fullmatch(names[n])), None)

    found = [place for place in map(headed, wanted) if place is not None]
    by_name = len(set(found)) == len(wanted)
    places = found if by_name else others[: len(wanted)]
    left = [n + 1 for n in others if n not in places]
    # headings that name something else do not go unsaid
    doubtful = not by_name and any(
        one.heading is not None and names[n] for one, n in zip(wanted, places, strict=True)
    )
    notes = [] if along == 0 else [f"the axis from column {along + 1} (by its heading)"]
    if left or along or doubtful or places != others[: len(wanted)]:
        chosen = ", ".join(
            f"{one.name} from column {place + 1}" for one, place in zip(wanted, places, strict=True)
        )
        how = "by their headings" if by_name else "by their place"
        how = how if len(wanted) > 1 else how.replace("their", "its").replace("headings", "heading")
        if doubtful:
            how += ", for the headings do not tell"
        notes.append(f"{chosen} ({how})" + (f", column {', '.join(runs(left))} left out" if left else ""))
    return places, notes


def _axis(
    values: F64, table: Table, along: int, what: str, file: str, axis: Axis
) -> tuple[F64, str, list[str]]:
    """The axis in m, its unit in the file, and how that was found."""
    stated = _stated(table, along)
    low, high = float(values.min()), float(values.max())
    if axis == "depth":
        unit = stated if stated in _FACTORS else "m" if 0 < high < _DEPTH_METRES else "nm"
        told = [] if unit == "nm" else [f"depths in {_PLURAL[unit]}, as {_why(stated)}"]
        return values * _FACTORS[unit], unit, told
    unit = stated or ("m" if high < _METRES else "um" if high <= _MICROMETRES else "nm")
    if unit in _FACTORS:
        x = values * _FACTORS[unit]
    else:
        per = {"eV": e, "meV": 1e-3 * e, "cm^-1": 100.0 * h * c}[unit]
        if low <= 0.0:
            raise InputError(
                f"the {what} holds an energy of {low:g} {unit}.", "Energies of light are positive.", file=file
            )
        x = h * c / (per * values)
    _refuse_odd(x, values, unit, stated, what, file)
    if unit == "nm":
        return values * 1e-9, unit, []
    kind = f"wavelengths in {_PLURAL[unit]}" if unit in _FACTORS else f"energies in {unit}"
    return x, unit, [f"{kind}, as {_why(stated)}"]


def _why(stated: str | None) -> str:
    return "the heading says" if stated else "their size tells (no heading names a unit)"


def _refuse_odd(x: F64, values: F64, unit: str, stated: str | None, what: str, file: str) -> None:
    """Refuse an axis that is none of light in its unit."""
    low, high = float(values.min()), float(values.max())
    shown = unit if unit in _FACTORS else "nm"
    scale = _FACTORS[shown]
    if x.min() < _SHORTEST:
        raise InputError(
            f"the {what} holds a wavelength of {x.min() / scale:g} {shown}.",
            "Wavelengths of light are positive, and above 0.001 nm.",
            file=file,
        )
    if x.max() > _LONGEST:
        raise InputError(
            f"the {what} holds a wavelength of {x.max() / scale:g} {shown}, longer than a metre.",
            "Write wavelengths in nm.",
            file=file,
        )
    if unit == "eV" and high > _MOST_EV:
        raise InputError(
            f"the first column of the {what} reaches {high:g}, which looks like nanometres, but its heading says eV.",
            "Correct the heading.",
            file=file,
        )
    if stated == "nm" and high < _MICROMETRES:
        raise InputError(
            f"the wavelengths of the {what} end at {high:g}, which looks like micrometres, but its heading says nm.",
            "Correct the heading: um for micrometres, eV for energies.",
            file=file,
        )
    if stated == "um" and low > 2 * _MICROMETRES:
        raise InputError(
            f"the wavelengths of the {what} begin at {low:g}, which looks like nanometres, but its heading says "
            "micrometres.",
            "Correct the heading.",
            file=file,
        )


def _stated(table: Table, along: int) -> str | None:
    """The unit of the axis that a heading names."""
    if table.names[along]:
        name = table.names[along]
        for unit, words in _UNITS:
            if words.search(name):
                return unit
        if _METRE.search(name):
            return "m"
    if any(table.names):
        return None
    # no line has a heading for each column: the unit that the line nearest to the numbers names first
    for line in reversed(table.heading.splitlines()):
        text = _PER.sub(" ", line)
        found = [(place.start(), unit) for unit, words in _UNITS if (place := words.search(text)) is not None]
        if found:
            return min(found)[1]
    return None


def _once(x: F64, values: F64, what: str, file: str) -> tuple[F64, F64, list[str]]:
    """Rows with each place of the axis once: repeated ones are dropped, near ones become their mean."""
    if not np.any(np.diff(x) == 0):
        return x, values, []
    places, first, counts = np.unique(x, return_index=True, return_counts=True)
    top = np.abs(values).max(axis=0)
    means, alike, near = values[first].copy(), 0, 0
    for n in np.flatnonzero(counts > 1):
        rows = values[first[n] : first[n] + counts[n]]
        spread = np.ptp(rows, axis=0)
        if np.any(spread > np.maximum(_ALIKE * np.abs(rows).max(axis=0), _ALIKE_OF_ALL * top)):
            raise InputError(
                f"the {what} holds the row of {places[n] * 1e9:g} nm twice, with numbers that differ.",
                "Keep one of them.",
                file=file,
            )
        alike, near = alike + int(not spread.any()), near + int(spread.any())
        means[n] = rows.mean(axis=0)
    notes = []
    if alike:
        notes.append(f"{alike} repeated row{'s' if alike > 1 else ''} left out")
    if near:
        notes.append(f"the mean of rows at one wavelength ({near} time{'s' if near > 1 else ''})")
    return places, means, notes


def _joined(
    parts: Sequence[Series], names: Sequence[str], what: str, file: str
) -> tuple[F64, dict[str, F64]]:
    """Columns of several tables on the places of all, where all have data."""
    low, high = max(part.axis[0] for part in parts), min(part.axis[-1] for part in parts)
    x = parts[0].axis
    for part in parts[1:]:
        x = x if np.array_equal(x, part.axis) else np.union1d(x, part.axis)
    x = x[(x >= low) & (x <= high)]
    if len(x) < 2:
        raise InputError(
            f"the tables of {' and '.join(names)} in the {what} have no wavelengths in common.",
            "Give both over one range.",
            file=file,
        )
    return x, {
        name: np.interp(x, part.axis, part.values[name]) for name, part in zip(names, parts, strict=True)
    }
