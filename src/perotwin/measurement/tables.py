"""Text tables of numbers as instruments and data bases write them: one reader, whose decisions are told.

    found = read_tables("film.txt", what="optical table", layout="wavelength in nm, n, k")
    found.tables[0].values, found.notes

Decided once for a file are its encoding (UTF-8, UTF-16 by its mark, else the Western code page of Windows), what
separates columns (tab, semicolon, comma, blanks) and whether the decimal mark is a point or a comma: the pair that
makes numbers of most lines. A line between those that are numbers then has to be numbers too, or the heading of another
table. Lines that start with #, % or // are comments. No message shows a line of the file: it may be somebody else's.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.measurement.files import bounded_bytes

__all__ = ["Table", "Tables", "decoded", "read_tables"]

F64 = NDArray[np.float64]

#: What is read of a table: bytes, lines, characters of a line of numbers, columns, and the largest number (rates of
#: generation reach 1e30).
_LARGEST, _MOST_ROWS, _LONGEST_LINE, _MOST_COLUMNS, _LARGEST_NUMBER = 20_000_000, 200_000, 1000, 100, 1e60
#: Lines that decide on separator and decimal mark, and lines of headings that are kept.
_SAMPLE, _MOST_HEADINGS = 500, 100

_COMMENTS = ("#", "%", "//")
#: separator (None: blanks) and decimal mark; the first of those that read as much as any other is taken
_WAYS: tuple[tuple[str | None, str], ...] = (
    ("\t", "."), ("\t", ","), (";", "."), (";", ","), (",", "."), (None, "."), (None, ","),
)  # fmt: skip
_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", None: "blanks"}
_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eEdD][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Table:
    """Rows of numbers under their headings.

    Attributes
    ----------
    values : (R, C), NaN where a cell is empty or holds words.
    lines : (R,) numbers of the rows' lines in the file, from 1.
    names : (C,) headings of the columns, "" where no line of headings has that many cells.
    heading : all text above the numbers, comments included.
    """

    values: F64
    lines: tuple[int, ...]
    names: tuple[str, ...]
    heading: str


@dataclass(frozen=True)
class Tables:
    """What a file holds.

    Attributes
    ----------
    tables : in the order of the file; at least one.
    separator, decimal : as decided. notes : what had to be decided, as parts of a sentence.
    last_words : number of the first line that is neither numbers nor above any; None without one.
    """

    file: str
    tables: tuple[Table, ...]
    separator: str | None
    decimal: str
    notes: tuple[str, ...]
    last_words: int | None = None


def decoded(content: bytes, what: str, file: str) -> tuple[str, str]:
    """The text of a file and the name of its encoding.

    UTF-8 with or without its mark, UTF-16 by its mark, then the Western code page of Windows and Latin-1.

    Raises
    ------
    InputError : it holds control characters, as files of numbers in binary form do.
    """
    text, name = "", "UTF-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text, name = content.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            raise InputError(
                f"the {what} says that it is UTF-16 text, but is not.", "Save it as UTF-8.", file=file
            ) from None
    else:
        for encoding, called in (("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252"), ("latin-1", "Latin-1")):
            try:
                text, name = content.decode(encoding), called
                break
            except UnicodeDecodeError:
                continue
    if _CONTROL.search(text):
        raise InputError(f"the {what} is not text.", "Export it as text (CSV), in UTF-8.", file=file)
    return text, name


def read_tables(path: str | Path, what: str, layout: str) -> Tables:
    """The tables of a text file.

    Parameters
    ----------
    what, layout : the kind of table and its columns, for messages.

    Raises
    ------
    InputError : the file is missing, too large, no text or without numbers, a line among numbers is none, or decimal
        commas cannot be told from separators.
    """
    file = str(path)
    cure = f"Give the path of a text file with columns {layout}."
    text, encoding = decoded(bounded_bytes(path, what, _LARGEST, cure, only_files=True), what, file)
    lines = text.splitlines()
    if len(lines) > _MOST_ROWS:
        raise InputError(
            f"the {what} has more than {_MOST_ROWS} rows.", "Take every tenth row, say.", file=file
        )
    separator, decimal = _way(lines)
    notes = [] if encoding == "UTF-8" else [f"{encoding} text"]
    if decimal == ",":
        notes.append(f"decimal commas, columns separated by {_SEPARATORS[separator]}")
    tables, words = _split(lines, separator, decimal, what, layout, file)
    if not tables:
        raise InputError(f"the {what} has no row of numbers.", f"Each line holds {layout}.", file=file)
    if separator == "," and (bad := next((one for one in tables if _is_ambiguous(one, lines)), None)):
        raise InputError(
            f"line {bad.lines[0]} of the {what} does not tell whether its commas separate columns or are decimal "
            "commas.",
            "Save it with decimal points, or with semicolons or tabs between columns.",
            file=file,
        )
    return Tables(file, tables, separator, decimal, tuple(notes), words)


def _way(lines: Sequence[str]) -> tuple[str | None, str]:
    """Separator and decimal mark with which most lines are numbers."""
    sample = [line for line in map(str.strip, lines) if line[:1] in set("+-.,\"'0123456789") and line]
    sample = sample[:: max(len(sample) // _SAMPLE, 1)][: 2 * _SAMPLE]
    best, way = (0, 0), (",", ".")
    for separator, decimal in _WAYS:
        rows = whole = 0
        for line in sample:
            if len(line) > _LONGEST_LINE:
                continue
            cells = _cells(line, separator)
            numbers = [_number(cell, decimal) is not None for cell in cells]
            good = len(cells) > 1 and numbers[0] and numbers[1]
            rows, whole = rows + good, whole + (good and all(numbers))
        if (rows, whole) > best:
            best, way = (rows, whole), (separator, decimal)  # type: ignore[assignment]  # None stands for blanks
    return way


def _cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without blanks, quotes and what trailing separators leave."""
    if separator is None:
        return line.split()
    cells = next(csv.reader([line], delimiter=separator)) if '"' in line else line.split(separator)
    cells = [cell.strip() for cell in cells]
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    return cells


def _number(cell: str, decimal: str) -> float | None:
    """The number in a cell, infinite where it is beyond a float; None where there is none."""
    if decimal == ".":
        if _POINT.fullmatch(cell) is None:
            return None
    elif _COMMA.fullmatch(cell) is None:
        return None
    else:
        cell = cell.replace(",", ".")
    return float(cell.replace("d", "e").replace("D", "e"))


def _split(
    lines: Sequence[str], separator: str | None, decimal: str, what: str, layout: str, file: str
) -> tuple[tuple[Table, ...], int | None]:
    """The tables, and the number of the first line that is neither numbers nor above any."""
    found: list[Table] = []
    heading: list[tuple[int, str]] = []
    comments: set[int] = set()
    rows: list[list[float]] = []
    numbers: list[int] = []
    width = 0

    def close() -> None:
        nonlocal heading, rows, numbers
        if rows:
            _refuse_cut_row(heading, width, separator, decimal, what, layout, file)
            names = _names([text for at, text in heading if at not in comments], width, separator)
            if not any(names):
                said = [_names([text], width, separator) for at, text in heading if at in comments]
                names = next((one for one in reversed(said) if any(one)), names)
            text = "\n".join(text for _, text in heading[-_MOST_HEADINGS:])
            found.append(Table(np.array(rows), tuple(numbers), names, text))
            heading, rows, numbers = [], [], []

    for number, line in enumerate(lines, start=1):
        stripped = line.strip(" \r\n\f\v") if separator == "\t" else line.strip()
        if not stripped.strip():
            continue
        if stripped.startswith(_COMMENTS):
            if not rows:
                heading.append((number, stripped.lstrip("#%/ \t")[:_LONGEST_LINE]))
                comments.add(number)
            continue
        if len(stripped) > _LONGEST_LINE:
            raise InputError(
                f"line {number} of the {what} has {len(stripped)} characters.",
                f"Each line holds {layout}.",
                file=file,
            )
        cells = _cells(stripped, separator)
        row = [_number(cell, decimal) for cell in cells]
        count = sum(value is not None for value in row)
        if rows and row[0] is None and count and len(cells) == width:
            raise _no_row(number, "no number in column 1", what, layout, file)
        if row[0] is not None and (rows or count >= 2):
            if rows and len(cells) != width:
                raise _no_row(number, f"{len(cells)} columns, not {width}", what, layout, file)
            if not rows:
                width = len(cells)
            if width > _MOST_COLUMNS:
                raise _no_row(number, f"{width} columns", what, layout, file)
            large = next((n for n, value in enumerate(row) if value and abs(value) > _LARGEST_NUMBER), None)
            if large is not None:
                raise _no_row(number, f"a number beyond any use in column {large + 1}", what, layout, file)
            rows.append([float("nan") if value is None else value for value in row])
            numbers.append(number)
            continue
        close()
        heading.append((number, stripped))
    left = heading[0][0] if heading and not rows else None
    close()
    return tuple(found), left


def _no_row(number: int, found: str, what: str, layout: str, file: str) -> InputError:
    return InputError(
        f"line {number} of the {what} is not a row of numbers, but has {found}.",
        f"Each line holds {layout}; leave no cell empty.",
        file=file,
    )


def _refuse_cut_row(
    heading: Sequence[tuple[int, str]],
    width: int,
    separator: str | None,
    decimal: str,
    what: str,
    layout: str,
    file: str,
) -> None:
    """Refuse a line above the numbers that seems to be one of them with a cell that is none."""
    for number, text in heading:
        cells = _cells(text, separator)
        if len(cells) == width and _number(cells[0], decimal) is not None:
            raise _no_row(number, "no number in column 2", what, layout, file)


def _names(heading: Sequence[str], width: int, separator: str | None) -> tuple[str, ...]:
    """The headings of columns, those of several lines one after the other."""
    fitting = []
    for text in heading:
        ways = [_cells(text, separator), _cells(text, "\t"), _cells(text, ","), _cells(text, ";")]
        ways += [[cell.strip() for cell in re.split(r"\s{2,}", text)]]
        cells = next((cells for cells in ways if len(cells) == width), None)
        if cells is not None:
            fitting.append(cells)
    return (
        tuple(" ".join(cell for cell in column if cell) for column in zip(*fitting, strict=True))
        or ("",) * width
    )


def _is_ambiguous(table: Table, lines: Sequence[str]) -> bool:
    """Whether commas may be decimal ones as well: whole numbers alone, in twice as many columns as there are headings,
    or as many as two pairs."""
    width = table.values.shape[1]
    if width < 4 or width % 2 or any(table.names) or np.isnan(table.values).any():
        return False
    return not any("." in lines[number - 1] or "e" in lines[number - 1].lower() for number in table.lines)


def runs(numbers: Sequence[int]) -> Iterator[str]:
    """Whole numbers in words: "4", "6 to 9"."""
    for _, group in groupby(enumerate(numbers), lambda item: item[1] - item[0]):
        run = [number for _, number in group]
        yield str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}"
