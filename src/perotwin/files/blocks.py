"""Tables in a text: rows of numbers under their headings, with what stands above and beside them.

    for block in blocks(source):
        block.headings, block.values, block.above

A row is a line that starts with a number (or a date) and holds at least as many cells of numbers as of words. A line of
words ends a table. Cells without a number are NaN; what they say is kept in `beside`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.headings import Heading, heading_of
from perotwin.files.source import Source

__all__ = ["Block", "blocks"]

F64 = NDArray[np.float64]
#: columns of a table
_MOST_COLUMNS = 5000
_COMMENTS = ("#", "%", "//", "!", "'")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T,].*)?|\d{1,2}:\d{2}(:\d{2})?.*")


@dataclass(frozen=True)
class Block:
    """A table.

    Attributes
    ----------
    values : (R, C), NaN where a cell holds no number. headings : (C,), those of two lines (names, then units) as one.
    lines : (R,) numbers of the lines, from 1. above : lines of text over it since the table before, headings included.
    beside : column -> (R,) its cells, for columns that hold words in any row.
    ragged : rows that are shorter or longer than most.
    """

    values: F64
    headings: tuple[str, ...]
    lines: tuple[int, ...]
    above: tuple[str, ...]
    beside: dict[int, tuple[str, ...]] = field(default_factory=dict)
    ragged: int = 0

    @property
    def columns(self) -> list[Heading]:
        """The headings, taken apart."""
        return [heading_of(text) for text in self.headings]

    def column(self, at: int) -> F64:
        """(K,) a column without the rows that hold nothing there."""
        values = self.values[:, at]
        return values[~np.isnan(values)]


def blocks(source: Source, start: int = 0, stop: int | None = None, least_rows: int = 2) -> list[Block]:
    """The tables of a text, or of some of its lines.

    Parameters
    ----------
    start, stop : of the lines, counted from 0. least_rows : shorter runs of numbers are text.

    Raises
    ------
    InputError : it is no text, or has more columns than any table.
    """
    whole = (start, stop, least_rows) == (0, None, 2)
    if whole and "_blocks" in source.__dict__:
        return list(source.__dict__["_blocks"])
    found: list[Block] = []
    above: list[str] = []
    rows: list[tuple[list[str], list[float | None]]] = []
    numbers: list[int] = []

    def close() -> None:
        nonlocal rows, numbers, above
        if len(rows) >= least_rows:
            found.append(_block(rows, numbers, above, source))
            above = []
        elif rows:
            above += [source.lines[number - 1] for number in numbers]
        rows, numbers = [], []

    last = len(source.lines) - source.cut_off if stop is None else stop
    for number in range(start + 1, last + 1):
        line = source.lines[number - 1]
        if not line.strip():
            close()
            continue
        cells = source.cells(line)
        values = [source.number(cell) if cell else None for cell in cells]
        if _is_row(cells, values):
            if rows and _restarts(rows[-1][0], cells):
                close()
            rows.append((cells, values))
            numbers.append(number)
            continue
        close()
        above.append(line)
    close()
    found = _joined(found)
    if whole:  # recognising looks at them too
        source.__dict__["_blocks"] = tuple(found)
    return found


def _is_row(cells: Sequence[str], values: Sequence[float | None]) -> bool:
    if len(cells) > 1 and None not in values:
        return True
    first = next((at for at, cell in enumerate(cells) if cell), 0)
    if values[first] is None and (len(cells) < 2 or _DATE.fullmatch(cells[first]) is None):
        return False
    good = sum(value is not None for value in values)
    words = sum(value is None for value, cell in zip(values, cells, strict=True) if cell)
    return good >= max(words, 1)


def _restarts(before: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether a row cannot belong to the table of the row before: it has another number of columns altogether."""
    one, other = _width(before), _width(cells)
    return (one == 1 and other > 1) or (other == 1 and one > 2)


def _width(cells: Sequence[str]) -> int:
    if cells and cells[-1]:
        return len(cells)
    return max((at + 1 for at, cell in enumerate(cells) if cell), default=0)


def _block(
    rows: list[tuple[list[str], list[float | None]]], numbers: list[int], above: list[str], source: Source
) -> Block:
    widths = [_width(cells) for cells, _ in rows]
    width = max(widths)
    if width > _MOST_COLUMNS:
        raise InputError(
            f"line {numbers[widths.index(width)]} has {width} columns.",
            f"No table has more than {_MOST_COLUMNS}.",
            file=source.file,
        )
    if width * len(rows) > 50_000_000:
        raise InputError(
            "the table is larger than any measurement.", "Export a part of it.", file=source.file
        )
    common = max(set(widths), key=widths.count)
    nan = float("nan")
    filled = [
        [nan if one is None else one for one in found[:width]] + [nan] * (width - len(found))
        for _, found in rows
    ]
    values = np.array(filled, float)
    worded = {
        column
        for cells, found in rows
        if None in found
        for column, (cell, one) in enumerate(zip(cells, found, strict=True))
        if one is None and cell
    }
    beside = {
        column: tuple(cells[column] if column < len(cells) else "" for cells, _ in rows)
        for column in sorted(worded)
    }
    headings = _headings(above, width, source)
    ragged = sum(one != common for one in widths) if not beside else 0
    return Block(values, headings, tuple(numbers), tuple(above), beside, ragged)


def _headings(above: Sequence[str], width: int, source: Source) -> tuple[str, ...]:
    """(C,) the headings of columns: the last lines above with about as many cells; names over units become one."""
    lines: list[list[str]] = []
    for line in reversed(above[-6:]):
        stripped = line.strip()
        if not stripped:
            continue
        for comment in _COMMENTS:
            if stripped.startswith(comment):
                stripped = stripped[len(comment) :]
                line = stripped
        cells = _fitting(line, width, source)
        if cells is None:
            if lines:
                break
            continue
        if all(source.number(cell) is not None for cell in cells if cell) or (
            cells[0].endswith(":") and lines
        ):
            break
        lines.insert(0, cells)
        if len(lines) == 3:
            break
    if not lines:
        return ("",) * width
    last = lines[-1]
    if len(lines) > 1 and _are_units(last):
        names = lines[-2]
        joined = [
            f"{name} [{unit.strip('[](){} ')}]" if unit else name
            for name, unit in zip(names, last, strict=True)
        ]
        return _grouped(lines[:-2], joined)
    return _grouped(lines[:-1], last)


def _grouped(over: list[list[str]], cells: list[str]) -> tuple[str, ...]:
    """Headings with the name of the group over them ("Pixel 1" over two columns), as "V (V) | Pixel 1"."""
    if not over:
        return tuple(cells)
    group = over[-1]
    filled = [at for at, one in enumerate(group) if one]
    steps = {later - earlier for earlier, later in pairwise(filled)}
    # a line over the headings is one of groups where it names each second column, or each third and so on
    if len(filled) < 2 or filled[0] != 0 or len(steps) != 1 or steps == {1} or len(group) % steps.pop():
        return tuple(cells)
    made, name = [], ""
    for cell, above in zip(cells, group, strict=True):
        name = above or name
        made.append(f"{cell} | {name}")
    return tuple(made)


def _fitting(line: str, width: int, source: Source) -> list[str] | None:
    """The cells of a line if they can be the headings of so many columns, filled up to that."""
    from perotwin.files.source import split

    for separator in dict.fromkeys((source.separator, "\t", ",", ";", "double")):
        if separator == "double":
            cells = [cell.strip() for cell in re.split(r"\s{2,}", line.strip())]
        else:
            cells = split(line, separator)
        while len(cells) > width and not cells[-1]:
            cells.pop()
        filled = sum(bool(cell) for cell in cells)
        if len(cells) == width and filled * 2 >= width:
            return cells
        # an empty heading at the end, or groups that name each second column
        if separator is not None and width - 1 <= len(cells) < width and filled >= 2 and width > 2:
            return cells + [""] * (width - len(cells))
        if (
            separator not in (None, "double")
            and width < len(cells) <= width + 2
            and filled >= width
            and width > 1
        ):
            return cells[:width]
    return None


def _are_units(cells: Sequence[str]) -> bool:
    from perotwin.files.written_units import written_unit

    filled = [cell.strip("[](){} ") for cell in cells if cell.strip("[](){} ")]
    return bool(filled) and all(written_unit(cell) is not None or cell in ("-", "a.u.") for cell in filled)


def _joined(found: list[Block]) -> list[Block]:
    """Tables that only an empty line parts, with the same columns and no headings of their own, keep those above."""
    kept: list[Block] = []
    for one in found:
        if kept and not one.above and one.values.shape[1] == kept[-1].values.shape[1]:
            one = Block(one.values, kept[-1].headings, one.lines, one.above, one.beside, one.ragged)
        kept.append(one)
    return kept
