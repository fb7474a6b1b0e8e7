"""What the definition of a cell by another program becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perotwin.errors import InputError, shown
from perotwin.measurement.files import bounded_bytes
from perotwin.measurement.tables import decoded
from perotwin.stack import Stack

__all__ = ["ImportedCell", "Keys", "Unmatched", "stack_of", "text_of", "written"]

#: bytes of a definition; those with many working points have some hundred thousand
_LARGEST = 5_000_000


@dataclass(frozen=True)
class Unmatched:
    """Something that the other program says and the stack does not.

    place : file or section. key, value : as written there. why : what became of it.
    matters : whether it may change the numbers of the cell.
    """

    place: str
    key: str
    value: str
    why: str
    matters: bool = True


@dataclass(frozen=True)
class ImportedCell:
    """A cell from another program.

    cell : the stack. program : whose definition it was, with its version. file : where it was read.
    unmatched : all that has no counterpart, in the order of the file.
    """

    cell: Stack
    program: str
    file: str
    unmatched: tuple[Unmatched, ...]

    def to_toml(self) -> str:
        """The stack file, headed by what was read and what has no counterpart, as comments."""
        lines = [f"# Made from {Path(self.file).name} ({self.program})."]
        for matters, words in ((True, "has no counterpart here"), (False, "says nothing of the cell here")):
            rows = self.grouped(matters)
            lines += [f"# What {words}:"] if rows else []
            lines += [f"#   {place}: {keys}: {why}" for place, keys, why in rows]
        return "\n".join(lines) + "\n\n" + self.cell.to_toml()

    def grouped(self, matters: bool) -> list[tuple[str, str, str]]:
        """(places, keys, why) of what matters or does not, keys of one reason and reasons of several places together.

        Of what matters the keys are with their values.
        """
        by_place: dict[tuple[str, str], list[str]] = {}
        for one in self.unmatched:
            if one.matters == matters:
                words = f"{shown(one.key)} = {shown(one.value)}" if matters else shown(one.key)
                by_place.setdefault((shown(one.place), one.why), []).append(words)
        by_words: dict[tuple[str, str], list[str]] = {}
        for (place, why), keys in by_place.items():
            by_words.setdefault((", ".join(keys), why), []).append(place)
        return [(", ".join(places), keys, why) for (keys, why), places in by_words.items()]


@dataclass
class Keys:
    """Keys and values of a file or of a section of it, of which each has to be read or told.

    place : for messages. file : the same. values : as written.
    """

    place: str
    file: str
    values: Mapping[str, str]
    taken: set[str] = field(default_factory=set)
    told: list[Unmatched] = field(default_factory=list)

    def text(self, key: str, default: str | None = None) -> str:
        """The value of a key, which counts as read.

        Raises
        ------
        InputError : it is missing and has no default.
        """
        self.taken.add(key)
        if key not in self.values:
            if default is not None:
                return default
            raise InputError(
                f"{self.place} does not say {key}.",
                "See whether the file is complete and of a version that perotwin reads.",
                file=self.file,
                key=key,
            )
        return self.values[key]

    def number(self, key: str, default: float | None = None) -> float:
        """The number of a key.

        Raises
        ------
        InputError : it is missing, or no finite number.
        """
        text = self.text(key, None if default is None else repr(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(
                f'"{shown(text)}" is no number.', "Write a number there.", file=self.file, key=key
            )
        return value

    def tell(self, key: str, why: str, matters: bool = True) -> None:
        """Put a key that is there on the list of what has no counterpart."""
        self.taken.add(key)
        found = Unmatched(self.place, key, self.values.get(key, ""), why, matters)
        if key in self.values and found not in self.told:
            self.told.append(found)

    def moot(self, key: str, why: str) -> None:
        """The same of a key that changes nothing of the cell."""
        self.tell(key, why, False)

    def rest(self, why: str, matters: bool = True) -> None:
        """Tell all keys that nobody has read."""
        for key in self.values:
            if key not in self.taken:
                self.tell(key, why, matters)


def text_of(path: str | Path, what: str) -> str:
    """The text of a definition file.

    Raises
    ------
    InputError : it cannot be read, is no text, or far too large.
    """
    content = bounded_bytes(path, what, _LARGEST, "Give the path of an existing file.", only_files=True)
    return decoded(content, what, str(path))[0]


def written(value: float, unit: str) -> str:
    """A number as a person would write it, exactly."""
    short = f"{value:.12g}"
    return f"{short if float(short) == value else repr(value)} {unit}"


def stack_of(data: Mapping[str, Any], file: str) -> Stack:
    """The stack of nested data whose numbers have units.

    Raises
    ------
    InputError : the definition says something that no cell can be, with the key of the stack.
    """
    return Stack.from_data(data, file=file)
