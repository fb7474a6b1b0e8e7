"""The calibrated set, which is the library's, and what was found of other pictures of the buried face.

    calibrated.singles(), calibrated.tandems(), calibrated.recipes()
    calibrated.singles("spread")             # cells as another picture has them

`perotwin reproduce --calibrate` fits a picture; `pictures/` keeps what was found of each, numbers of the recipe and of
the base. Those of the picture that `split.toml` takes stand in the library too (a test compares them).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.errors import InputError
from perotwin.units import parse

if TYPE_CHECKING:
    from perotwin.recipe import Recipe
    from perotwin.stack import Cell, Stack

__all__ = ["BASE", "MADE", "Settings", "file", "read", "recipes", "scan_rate", "singles", "tandems"]

_PICTURES = Path(__file__).with_name("pictures")
#: the stack that the cells are made on, and the cells: name -> recipe
BASE = "wbg-base"
MADE: Mapping[str, str] = {"wbg-control": "control", "wbg-target": "target"}
#: numbers by field path, of "recipe" and of "base", as they are written
Settings = Mapping[str, Mapping[str, str]]
NONE: Settings = {}
#: conditions of the tandems by name
_TANDEMS = {"control": "tandem-control", "target": "tandem-target"}


def file(picture: str | None = None) -> Path:
    """Of a picture of the face, whether it is there or not; of the one that is taken unless named.

    Raises:
        UnknownNameError: there is no such picture.
    """
    from perotwin.paper import split

    return _PICTURES / f"{split.picture(picture).name}.toml"


def read(of: Path | None = None) -> dict[str, Any]:
    """A file of a picture, of the one that is taken unless given: `scan_rate`, and by field path what `recipe` and
    `base` are set to; nothing where it is not there."""
    of = of or file()
    if not of.is_file():
        return {}
    return tomllib.loads(of.read_text(encoding="utf-8"))


def _of(picture: str | None) -> dict[str, Any]:
    """What is kept of a picture; of one that is named there has to be something."""
    where = file(picture)
    if picture is not None and not where.is_file():
        raise InputError(
            f'the picture "{picture}" of the face was not fitted.',
            f"Fit it: perotwin reproduce --calibrate --picture {picture}.",
            file=str(where),
            key="picture",
        )
    return read(where)


def _set(picture: str | None) -> dict[str, Any]:
    """What a picture sets otherwise than the library; nothing where its numbers are the library's."""
    kept = _of(picture)
    return {} if file(picture) == file() else kept


def scan_rate(picture: str | None = None) -> float | None:
    """Of the J-V scans, V/s; None where nothing was calibrated."""
    written = _of(picture).get("scan_rate")
    return None if written is None else float(parse(written, "scan rate"))


def recipes(picture: str | None = None, *, others: Settings = NONE) -> dict[str, Recipe]:
    """All recipes of the library with the numbers of a picture, by name. others: by path, in place of some of them."""
    from perotwin import recipe

    values = {**_set(picture).get("recipe", {}), **others.get("recipe", {})}
    return {
        name: recipe.load(name).with_values(values) if values else recipe.load(name)
        for name in recipe.names()
    }


def singles(picture: str | None = None, *, others: Settings = NONE) -> dict[str, Stack]:
    """The two single junctions, by condition. others: numbers in place of some of the set, as of `recipes`."""
    from perotwin import recipe, stack

    base = stack.load(BASE)
    assert isinstance(base, stack.Stack)
    values = {**_set(picture).get("base", {}), **others.get("base", {})}
    base = base.with_values(values) if values else base
    made: dict[str, Stack] = {}
    every = recipes(picture, others=others)
    for name, condition in MADE.items():
        cell = recipe.make(recipe.prepare(every[condition]), base, name).cell
        assert isinstance(cell, stack.Stack)
        made[condition] = cell
    return made


def tandems(tops: Mapping[str, Stack]) -> dict[str, Cell]:
    """The two tandems, by condition, on the library's bottom cell. tops: the single junctions, by condition."""
    from perotwin.stack.joining import library_tandem

    named = {cell.name: cell for cell in tops.values()}
    return {condition: library_tandem(name, named)[0] for condition, name in _TANDEMS.items()}
