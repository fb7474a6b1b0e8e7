"""A file as a format reads it: its bytes, its text, its lines and its numbers, each decided once and said.

    source = Source.of("cell_rev.txt")
    source.head, source.encoding, source.lines, source.decimal

Nothing of it is executed, and no more is read of it than fits into the memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from perotwin.errors import InputError
from perotwin.measurement.files import bounded_bytes
from perotwin.measurement.tables import decoded

__all__ = ["LARGEST", "LONGEST_LINE", "MOST_LINES", "Asked", "Source"]

#: bytes of a file, lines of a text and characters of a line that are read
LARGEST, MOST_LINES, LONGEST_LINE = 100_000_000, 2_000_000, 400_000
#: bytes of a text: what is larger is a recording of another kind
LARGEST_TEXT = 60_000_000
#: characters by which formats are told apart, bytes that tell text from numbers in binary form
_HEAD, _LOOK = 16_000, 64_000
_ENDS = re.compile(r"\r*\n|\r")
#: separator (None: blanks) and decimal mark, in the order in which they are preferred
_WAYS: tuple[tuple[str | None, str], ...] = (
    ("\t", "."), ("\t", ","), (";", "."), (";", ","), (",", "."), ("|", "."), (None, "."), (None, ","),
)  # fmt: skip
_WORDS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", None: "blanks"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)
_NO_NUMBER = {
    "nan",
    "-nan",
    "inf",
    "-inf",
    "+inf",
    "n/a",
    "--",
    "#n/a",
    "#nv",
    "-1.#ind",
    "1.#inf",
    "1.#qnan",
}
_LARGEST_NUMBER = 1e60
_STARTS = frozenset("+-.,\"'0123456789")
_SAMPLE = 400


@dataclass(frozen=True)
class Asked:
    """What the person who gave the file said of it.

    instrument : whose measurement it is. columns : "V=1, J=3 (mA/cm^2)". area : of the cell, m^2.
    """

    instrument: str | None = None
    columns: str | None = None
    area: float | None = None


@dataclass(frozen=True)
class Source:
    """A file.

    path : for messages and names. content : its bytes. asked : what was said of it.
    """

    path: Path
    content: bytes
    asked: Asked = field(default_factory=Asked)

    @classmethod
    def of(cls, path: str | Path, asked: Asked | None = None) -> Source:
        """The source in a file.

        Raises
        ------
        InputError : it cannot be opened, is no file, is empty, or larger than any measurement.
        """
        content = bounded_bytes(path, "measurement", LARGEST, "Give the path of a file.", only_files=True)
        if not content.strip():
            raise InputError("the file is empty.", "Export the measurement again.", file=str(path))
        return cls(Path(path), content, asked or Asked())

    @property
    def file(self) -> str:
        """The path, for messages."""
        return str(self.path)

    @property
    def suffix(self) -> str:
        """The ending of the name in small letters, with its dot."""
        return self.path.suffix.lower()

    @cached_property
    def is_text(self) -> bool:
        """Whether it is text in one of the encodings that instruments write."""
        look = self.content[:_LOOK]
        if look.startswith((b"\xff\xfe", b"\xfe\xff")):
            return True
        return not any(byte < 9 or 14 <= byte < 27 or 28 <= byte < 32 for byte in set(look))

    @cached_property
    def _decoded(self) -> tuple[str, str]:
        if len(self.content) > LARGEST_TEXT:
            raise InputError(
                f"the text is larger than {LARGEST_TEXT / 1e6:g} MB, which no measurement is.",
                "Export a part of it.",
                file=self.file,
            )
        text, encoding = decoded(self.content, "measurement", self.file)
        return text.replace("\ufeff", ""), encoding

    @property
    def text(self) -> str:
        """All of it as text.

        Raises
        ------
        InputError : it is none.
        """
        return self._decoded[0]

    @property
    def encoding(self) -> str:
        """By which name the encoding goes that was found."""
        return self._decoded[1]

    @cached_property
    def head(self) -> str:
        """The first characters of a text; "" of what is none. Never raises: it is for recognising."""
        if not self.is_text:
            return ""
        part = self.content[: 2 * _HEAD]
        if part.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = part[: len(part) // 2 * 2].decode("utf-16", "replace")
        else:
            try:
                text = part.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                # a character that the end of the part cuts is none of another encoding
                cut = len(part) - error.start < 4 and len(part) < len(self.content)
                text = part[: error.start].decode("utf-8-sig") if cut else part.decode("cp1252", "replace")
        return text[:_HEAD]

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its lines, without their ends (whatever system wrote them).

        Raises
        ------
        InputError : it is no text, or no measurement has so many lines or so long ones.
        """
        lines = _ENDS.split(self.text)
        if len(lines) > MOST_LINES:
            raise InputError(
                f"the text has more than {MOST_LINES} lines.", "Export a part of it.", file=self.file
            )
        longest = max(map(len, lines))
        if longest > LONGEST_LINE:
            raise InputError(
                f"a line of the text has {longest} characters.",
                f"No table has lines of more than {LONGEST_LINE}.",
                file=self.file,
            )
        return tuple(lines)

    @cached_property
    def _way(self) -> tuple[str | None, str]:
        lines = [line for line in self.lines if line.lstrip()[:1] in _STARTS and line.strip()]
        if not lines:
            # rows may start with names
            lines = [line for line in self.lines if any(letter in "0123456789" for letter in line[:300])]
        step = max(len(lines) // _SAMPLE, 1)
        sample = [line for line in lines[::step][: 2 * _SAMPLE] if len(line) < 20_000] or [
            line[:20_000] for line in lines[:3]
        ]
        best, way = (0.0, 0.0), (",", ".")
        for separator, decimal in _WAYS:
            whole = share = 0.0
            for line in sample:
                cells = [cell for cell in split(line, separator) if cell]
                good = sum(number(cell, decimal) is not None for cell in cells)
                if good >= 2:
                    share += good / len(cells)
                    whole += min(good, 3)
            if (share, whole) > best:
                best, way = (share, whole), (separator, decimal)  # type: ignore[assignment]  # None stands for blanks
        return way

    @property
    def separator(self) -> str | None:
        """What stands between columns; None for blanks. Decided once, by the lines that hold numbers."""
        return self._way[0]

    @property
    def decimal(self) -> str:
        """The decimal mark, "." or ","; decided once, together with the separator."""
        return self._way[1]

    def cells(self, line: str) -> list[str]:
        """The cells of a line by this file's separator, empty ones kept, without blanks and quotes."""
        return split(line, self.separator)

    def number(self, cell: str) -> float | None:
        """The number in a cell by this file's decimal mark; NaN where it says that there is none, None for words."""
        return number(cell, self.decimal)

    @cached_property
    def cut_off(self) -> bool:
        """Whether the last line ends within a number: it has no end and is shorter than those before it, all alike."""
        if self.text.endswith(("\n", "\r")) or len(self.lines) < 6:
            return False
        *before, last = self.lines[-6:]
        if not last.strip() or not all(self.cells(line)[:1] and self.cells(line)[0] for line in before):
            return False
        if number(self.cells(before[-1])[0], self.decimal) is None:
            return False
        counts = {len(self.cells(line)) for line in before}
        lengths = {len(line) - line.count("-") for line in before}
        fewer = len(counts) == 1 and len(self.cells(last)) < min(counts)
        # numbers of a fixed form have one length, signs aside
        shorter = len(lengths) == 1 and len(last) - last.count("-") < min(lengths)
        return fewer or shorter

    @property
    def decisions(self) -> list[str]:
        """What was decided on the way to its numbers, as parts of a sentence; only what is not the usual."""
        said = [] if self.encoding == "UTF-8" else [f"{self.encoding} text"]
        if self.decimal == ",":
            said.append(f"decimal commas, columns separated by {_WORDS[self.separator]}")
        if self.cut_off:
            said.append("its last line is cut off and left out")
        return said


def split(line: str, separator: str | None) -> list[str]:
    """The cells of a line, empty ones kept, without blanks and quotes around them."""
    if separator is None:
        return line.split()
    if '"' in line and separator != "\t":
        import csv

        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        except csv.Error:  # a cell longer than the module takes
            pass
    return [cell.strip().strip('"') for cell in line.split(separator)]


def number(cell: str, decimal: str = ".") -> float | None:
    """The number in a cell; NaN where a cell says that there is none, None for words."""
    if decimal == ",":
        if "." in cell:
            return None
        cell = cell.replace(",", ".")
    try:
        value = float(cell)
    except ValueError:
        # Fortran writes 1.0D-3
        if _NUMBER.fullmatch(cell) is not None:
            return float(cell.replace("d", "e").replace("D", "e"))
        return float("nan") if cell.lower() in _NO_NUMBER else None
    # Python takes more for numbers than instruments write: "1_000", digits of other scripts, infinity
    if "_" in cell or not cell.isascii():
        return None
    # nothing that is measured is so large; products with units would run over
    return value if -_LARGEST_NUMBER < value < _LARGEST_NUMBER else float("nan")
