"""The library of layers for people and for machines: electronic numbers, faces and contacts, each with its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from perotwin.report.tables import literal, plain
from perotwin.stack import Contact, Interface, Layer, library_layer, library_layers
from perotwin.stack.paths import origin, walk
from perotwin.units import Quantity

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["entry", "made_of", "numbers"]

_PARTS: dict[str, type[Layer] | type[Interface] | type[Contact]] = {
    "layer": Layer,
    "face": Interface,
    "contact": Contact,
}
#: stands for the gap that a layer of any gap has to state
_ANY_GAP = "1.6 eV"


def made_of(material: str) -> tuple[str, ...]:
    """Names of the library layers of a material."""
    return tuple(
        name for name in library_layers("layer") if (library_layer(name).layer or {})["material"] == material
    )


def _numbers(name: str) -> Iterator[tuple[str, Quantity]]:
    """(place, number) of everything that an entry gives to a layer, a face and a contact."""
    one = library_layer(name)
    for place, kind in _PARTS.items():
        table = getattr(one, place)
        if table is None:
            continue
        free = place == "layer" and "absorber" in one.roles and "bandgap" not in table
        given: dict[str, Any] = {"bandgap": _ANY_GAP} if free else {}
        found = walk(kind(use=name, **given), place)
        yield from ((path, number) for path, number in found if not (free and path == "layer.bandgap"))


def numbers(name: str) -> Table:
    """What `use` takes from an entry: every number with its source, or its range and why."""
    one = library_layer(name)
    words = f'use = "{one.name}": {one.title}' + (f" ({', '.join(one.roles)})" if one.roles else "")
    made = plain("number", "value", "source", title=literal(words), numbers_from=3)
    for path, number in _numbers(name):
        made.add_row(literal(path), number.text, literal(origin(number, None)))
    return made


def entry(name: str) -> dict[str, Any]:
    """An entry for machines."""
    one = library_layer(name)
    return {
        "layer": one.name,
        "title": one.title,
        "roles": list(one.roles),
        "numbers": {
            path: {"written": number.text, "source": origin(number, None)} for path, number in _numbers(name)
        },
    }
