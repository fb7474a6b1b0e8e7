"""The library of layers as tables and as entries of machine output: electronic numbers with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.report.tables import literal, plain
from perotwin.stack import layer_library

if TYPE_CHECKING:
    from rich.table import Table

    from perotwin.stack.layer_library import LibraryLayer

__all__ = ["entry", "library", "numbers"]

#: Keys that say what a layer is, not how much of something it has.
_WORDS = ("name", "role", "material")


def library() -> Table:
    """All entries of the library of layers, one a row."""
    made = plain("layer", "what it is", "use it in", "roles", "material", numbers_from=9)
    for name in layer_library.names():
        one = layer_library.entry(name)
        places = [place for part, place in layer_library.PARTS.items() if getattr(one, part) is not None]
        material = "–" if one.layer is None else str(one.layer.get("material", "–"))
        made.add_row(
            name,
            literal(one.title),
            literal(", ".join(places)),
            ", ".join(one.roles) or "–",
            literal(material),
        )
    return made


def numbers(one: LibraryLayer) -> Table:
    """Every number of an entry, with its source, or its range and why."""
    made = plain(
        "number", "value", "range", "source", title=f'use = "{one.name}": {one.title}', numbers_from=9
    )
    for path, found in _numbers(one):
        ends = " to ".join(str(end) for end in found.get("assumed", ()))
        why = found.get("source") or ("assumed" + (f": {found['note']}" if "note" in found else ""))
        made.add_row(literal(path), literal(str(found["value"])), literal(ends), literal(why))
    return made


def entry(one: LibraryLayer) -> dict[str, Any]:
    """An entry for machines; numbers as they are written, with their unit."""
    return {
        "layer": one.name,
        "title": one.title,
        "roles": list(one.roles),
        "material": None if one.layer is None else one.layer.get("material"),
        "numbers": {
            path: {key: found.get(key) for key in ("value", "assumed", "source", "note")}
            for path, found in _numbers(one)
        },
    }


def _numbers(one: LibraryLayer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and {value, source | assumed, note} of each number of an entry, in the order of its file."""
    for part in layer_library.PARTS:
        table = getattr(one, part)
        if table is not None:
            yield from _within(table, "" if part == "layer" else f"{part}.")


def _within(table: Mapping[str, Any], before: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in table.items():
        path = f"{before}{key}"
        if isinstance(value, Mapping):
            if "value" in value:
                yield path, value
            else:
                yield from _within(value, f"{path}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for index, one in enumerate(value):
                if isinstance(one, Mapping):
                    yield from _within(one, f"{path}.{index}." if len(value) > 1 else f"{path}.")
        elif key not in _WORDS:
            yield path, {"value": value, "note": "a choice of the model"}
