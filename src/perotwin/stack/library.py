"""The cells that come with perotwin, and loading any cell by name or by path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from perotwin.errors import InputError, UnknownNameError
from perotwin.stack.cell import Cell, from_toml
from perotwin.stack.document import Document
from perotwin.stack.toml import LARGEST, expanded

_FOLDER = Path(__file__).parent / "library"


def names() -> tuple[str, ...]:
    """Names of the library cells, sorted."""
    return tuple(sorted(entry.stem for entry in _FOLDER.glob("*.toml")))


def path(name: str) -> Path:
    """The file of a library cell; UnknownNameError with the nearest names when there is none."""
    file = _FOLDER / f"{name}.toml"
    if not os.path.isfile(file):
        raise UnknownNameError("cell in the library", name, names(), advice=_advice(name))
    return file


def _advice(name: str) -> str:
    from perotwin.errors import suggestion

    return f"{suggestion(name, names())} A file of your own ends in .toml."


def load(name_or_path: str | Path) -> Cell:
    """A cell by its library name ("wbg-target") or from a TOML file ("my-cell.toml"); a file with columns is a
    `Parallel`, one with a top and a bottom junction a `Tandem`.

    Raises
    ------
    UnknownNameError : no library cell of that name.
    InputError : no such file, or a file that cannot be used (file, key, cause, cure).
    """
    if isinstance(name_or_path, Document):
        raise InputError(
            f'"{name_or_path.name}" is a cell already.',
            "Use it as it is; load takes a name or a path.",
        )
    if not isinstance(name_or_path, str | Path):
        raise InputError(
            f"a cell is loaded by its name or its file, and this is a {type(name_or_path).__name__}.",
            'Give a text or a path: load("wbg-target"), load("my-cell.toml").',
        )
    text = str(name_or_path)
    file = expanded(text)
    if file.suffix != ".toml" and not os.path.isfile(file) and "/" not in text and "\\" not in text:
        file = path(text)
        return from_toml(file.read_text(encoding="utf-8"), file=str(file))
    return from_toml(read_file(file, names()), file=text)


def read_file(file: Path, library: Sequence[str], what: str = "stack file") -> str:
    """The text of a file that a person named; `library` lists what could be named instead.

    Raises
    ------
    InputError : there is no such file, it is not UTF-8 text, or far too large.
    """
    from perotwin.measurement import bounded_text

    cure = f"Check the path, or name one of the library: {', '.join(library)}."
    # line ends as Python reads them from any system
    return bounded_text(file, what, LARGEST, cure).replace("\r\n", "\n").replace("\r", "\n")
