"""The library of layers: what `use = "c60"` in a layer, at a face or at a contact stands for.

One TOML file an entry in `layers/`. It holds up to three tables with the keys of a stack file: `[layer]` (optics,
thickness, electronic numbers), `[face]` (what happens where it touches an absorber) and `[contact]` (what an electrode
that ends at it is like). Each number has its source, or a range and a note.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perotwin.errors import InputError, UnknownNameError, nearest, shown

__all__ = ["PARTS", "LibraryLayer", "entry", "names", "part"]

_FOLDER = Path(__file__).parent / "layers"

#: the tables of an entry, and where a stack file uses each
PARTS: Mapping[str, str] = {"layer": "[[layer]]", "face": '[interface."a|b"]', "contact": "[contact.front]"}

#: where the electronic numbers of the library hold, whatever temperature a stack states
_REFERENCE = {"value": "298.15 K", "source": "standard test conditions"}


@dataclass(frozen=True)
class LibraryLayer:
    """An entry of the library of layers.

    Attributes
    ----------
    name : what `use` says.
    title : what it is, in words.
    roles : the roles that it can have in a cell, the usual one first; none for a monolayer.
    also : other spellings that `use` understands.
    transparent : whether light can enter through it although it conducts.
    layer, face, contact : the tables with the keys of a stack file; None where the entry has none.
    """

    name: str
    title: str
    roles: tuple[str, ...]
    also: tuple[str, ...]
    transparent: bool
    layer: Mapping[str, Any] | None
    face: Mapping[str, Any] | None
    contact: Mapping[str, Any] | None


def names(which: str | None = None) -> tuple[str, ...]:
    """Names of the entries, sorted; of those that have a part (`PARTS`) where one is asked for."""
    return tuple(name for name, one in _entries().items() if which is None or getattr(one, which) is not None)


def entry(name: str) -> LibraryLayer:
    """An entry by its name or another spelling of it ("C60", "pedot:pss").

    Raises
    ------
    UnknownNameError : no such entry; the nearest ones are offered.
    """
    known = _spellings()
    found = known.get(_plain(name))
    if found is None:
        gap = name.strip().lower().endswith("ev")
        raise UnknownNameError(
            "layer in the library of layers",
            name,
            _entries(),
            advice=f'A perovskite of that gap is use = "perovskite" with bandgap = "{shown(name)}".' if gap
            else _advice(name, known),
        )  # fmt: skip
    return _entries()[found]


def part(name: str, which: str) -> Mapping[str, Any]:
    """What an entry has for a layer, a face or a contact, with the keys of a stack file.

    Raises
    ------
    UnknownNameError : no such entry. InputError : it has nothing for that place.
    """
    one = entry(name)
    table: Mapping[str, Any] | None = getattr(one, which)
    if table is None:
        has = [place for key, place in PARTS.items() if getattr(one, key) is not None]
        raise InputError(
            f'"{one.name}" of the library of layers ({one.title}) is nothing for {PARTS[which]}.',
            f"Use it in {' or '.join(has)}, or choose from {', '.join(names(which))}.",
        )
    return table


def _plain(name: str) -> str:
    return name.strip().lower().replace(":", "-").replace("_", "-").replace(" ", "-")


def _advice(name: str, known: Mapping[str, str]) -> str:
    close = list(dict.fromkeys(known[spelling] for spelling in nearest(_plain(name), known)))
    if close:
        return "Did you mean " + " or ".join(f'"{one}"' for one in close) + "?"
    return "Choose from " + ", ".join(_entries()) + "; or write the layer with all its keys."


@functools.cache
def _entries() -> Mapping[str, LibraryLayer]:
    return {file.stem: _read(file) for file in sorted(_FOLDER.glob("*.toml"))}


@functools.cache
def _spellings() -> Mapping[str, str]:
    known = {_plain(other): one.name for one in _entries().values() for other in one.also}
    return known | {name: name for name in _entries()}


def _read(file: Path) -> LibraryLayer:
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    layer = data.get("layer")
    if layer is not None:
        layer = {"name": file.stem, "role": data["roles"][0], **layer}
        if "electronic" in layer:
            layer["electronic"] = {**layer["electronic"], "reference_temperature": _REFERENCE}
    return LibraryLayer(
        name=file.stem,
        title=data["title"],
        roles=tuple(data.get("roles", ())),
        also=tuple(data.get("also", ())),
        transparent=bool(data.get("transparent", False)),
        layer=layer,
        face=data.get("face"),
        contact=data.get("contact"),
    )
