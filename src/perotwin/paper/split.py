"""Which rows of the paper helped to choose which number of the twin, as `split.toml` declares it.

split.entry_of("passivation.capture").rows
split.numbers()                              # every number that the declaration has to cover
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from perotwin.errors import InputError, UnknownNameError
from perotwin.units import Quantity, parse

__all__ = [
    "FILE",
    "Entry",
    "Picture",
    "before",
    "entries",
    "entry_of",
    "fitted",
    "nuisances",
    "numbers",
    "picture",
    "pictures",
    "scan_rate",
]

FILE = Path(__file__).with_name("split.toml")


@dataclass(frozen=True)
class Entry:
    """A declaration.

    names: patterns of paths. how: "input", "source", "assumed", "calibrated" or "free". rows: of claims that helped.
    note: for people.
    """

    names: tuple[str, ...]
    how: str
    rows: tuple[str, ...]
    note: str = ""


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def entries() -> tuple[Entry, ...]:
    """All declarations, in the order of the file."""
    return tuple(
        Entry(tuple(one["names"]), one["how"], tuple(one["rows"]), one.get("note", ""))
        for one in _data()["number"]
    )


def entry_of(path: str) -> Entry:
    """The declaration of a number.

    Raises:
        InputError: it is not declared.
    """
    for entry in entries():
        if any(fnmatchcase(path, _pattern(name)) for name in entry.names):
            return entry
    raise InputError(
        f'how "{path}" was chosen is not declared.',
        "Add it to paper/split.toml, with the rows that helped.",
        key=path,
    )


def _pattern(name: str) -> str:
    return name.replace("[", "[[]")


def numbers() -> dict[str, Quantity]:
    """Every number that the declaration has to cover, by path: the recipe's parameters, its steps, and `wbg-base`."""
    from perotwin import recipe, stack

    found = dict(recipe.library_parameters().quantities())
    found |= {f"step.{path}": value for path, value in recipe.load("target").quantities().items()}
    found |= {f"base.{path}": value for path, value in stack.load("wbg-base").quantities().items()}
    return found


def nuisances() -> dict[str, Quantity]:
    """Numbers of how the paper measured that it does not state."""
    made = {}
    for name, one in _data()["nuisance"].items():
        low, high = one["assumed"]
        made[name] = parse(one["value"], "scan rate").with_origin(
            None, (parse(low, "scan rate"), parse(high, "scan rate")), "not stated in the paper"
        )
    return made


def scan_rate() -> float:
    """Of the J-V curves, V/s."""
    return float(nuisances()["scan_rate"])


@dataclass(frozen=True)
class Picture:
    """A way to see the buried face and the film, of which each is fitted to the same rows.

    name: of it. says: what it is, in words. free: numbers that are fitted, by what people call them -> their paths, all
    set to one value. fixed: by path, what is not as it was before any calibration (see `before`) and not fitted.
    """

    name: str
    says: str
    free: dict[str, tuple[str, ...]]
    fixed: dict[str, str]


@cache
def pictures() -> dict[str, Picture]:
    """All pictures that are fitted, by name."""
    paths = {name: tuple(one) for name, one in _data()["free"].items()}
    return {
        name: Picture(
            name, one["says"], {free: paths[free] for free in one["free"]}, dict(one.get("fixed", {}))
        )
        for name, one in _data()["picture"].items()
    }


def picture(name: str | None = None) -> Picture:
    """One of them; the one that the reproduction takes unless named.

    Raises:
        UnknownNameError: there is none of that name.
    """
    name = name or str(_data()["taken"])
    if name not in pictures():
        raise UnknownNameError("picture", name, pictures(), key="picture")
    return pictures()[name]


def before() -> dict[str, str]:
    """Numbers that some picture frees, by path, as they were before any calibration: where each fit begins."""
    return {path: str(value) for path, value in _data().get("before", {}).items()}


def fitted() -> tuple[str, ...]:
    """Rows that numbers were fitted to; the free numbers are those of the pictures."""
    return tuple(_data().get("fitted", {}).get("rows", ()))
