"""Cells with lines drawn through their films: the same film in several layers."""

from typing import TypeVar

from perotwin.stack import Stack, Tandem, paths

Cell = TypeVar("Cell", Stack, Tandem)


def sliced(cell: Cell, film: str, sizes: list[float]) -> Cell:
    """The cell with one film in layers of these thicknesses (nm, front to back): "film 1", "film 2" and so on.

    film : "perovskite", in tandems "top.perovskite".
    """
    if isinstance(cell, Tandem):
        which, _, name = film.partition(".")
        junction = cell.cells[which]
        assert isinstance(junction, Stack)
        given = {key: getattr(cell, key) for key in cell.model_fields_set}
        return type(cell)(**(given | {which: sliced(junction, name, sizes)}))
    data = paths.plain(cell)
    layers = []
    for one in data["layer"]:
        parts = [f"{film} {number}" for number in range(1, len(sizes) + 1)] if one["name"] == film else []
        layers += [
            {**one, "name": part, "thickness": f"{size!r} nm"}
            for part, size in zip(parts, sizes, strict=bool(parts))
        ] or [one]
    faces = {}
    for pair, face in data.get("interface", {}).items():
        front, back = pair.split("|")
        front = f"{film} {len(sizes)}" if front == film else front
        faces[f"{front}|{f'{film} 1' if back == film else back}"] = face
    return type(cell).model_validate({**data, "layer": layers, "interface": faces})


def without_ions(cell: Stack) -> Stack:
    """The cell without anything that moves in its layers, for ions would not cross the lines."""
    data = paths.plain(cell)
    layers = [{key: value for key, value in one.items() if key != "ions"} for one in data["layer"]]
    return Stack.model_validate({**data, "layer": layers})
