"""Cells of the library that recipes make, made again: `write()` after a change of a recipe, its parameters or base.

    workflows.library_cells.texts()      # name -> text of the file
    workflows.library_cells.write()      # the files that changed
    workflows.library_cells.adopt({"interface.sam_alignment": "0.5"}, {})    # numbers of recipes and base, cells

The wide-gap cells follow from recipes on `wbg-base`, the tandems from these and `nbg` (`stack.joining`), and
`patchy-tandem` from `tandem-target`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perotwin.recipe import Made
    from perotwin.recipe.parameters import Parameters
    from perotwin.stack import Stack, Tandem
    from perotwin.units import Quantity

__all__ = ["MADE", "adopt", "cells", "made", "texts", "write"]

#: library cells that recipes make on `BASE`: name -> recipe
MADE: Mapping[str, str] = {"wbg-control": "control", "wbg-target": "target"}
BASE = "wbg-base"

_PATCHY = """\
# tandem-target, but for the monolayer of its top junction, which leaves a tenth of the NiOx bare in patches wider than
# carriers reach: there the face has no dipole and recombines as bare NiOx does. The film is the same on both.
"""


def cells(parameters: Parameters | None = None, base: Stack | None = None) -> dict[str, Made]:
    """The wide-gap cells of the library as recipes make them, by name.

    Args:
        parameters: of the recipes; those of the library unless given.
        base: that they are made on; `wbg-base` unless given.
    """
    from perotwin import recipe as room
    from perotwin import stack

    if base is None:
        loaded = stack.load(BASE)
        assert isinstance(loaded, stack.Stack)
        base = loaded
    found: dict[str, Made] = {}
    for name, recipe in MADE.items():
        one = room.load(recipe)
        if parameters is not None:
            one = one.model_copy(update={"parameters": parameters})
        found[name] = room.make(room.prepare(one), base, name)
    return found


def made(
    parameters: Parameters | None = None, base: Stack | None = None
) -> tuple[dict[str, Stack], dict[str, str]]:
    """These cells, and the texts of their files, by name; see `cells`."""
    from perotwin import stack
    from perotwin.workflows.cells_from_recipes import made_text

    found = cells(parameters, base)
    made: dict[str, Stack] = {}
    for name, one in found.items():
        assert isinstance(one.cell, stack.Stack)
        made[name] = one.cell
    return made, {name: made_text(one) for name, one in found.items()}


def texts(parameters: Parameters | None = None, base: Stack | None = None) -> dict[str, str]:
    """The texts of all files of the library that follow from recipes, by name; see `made`."""
    from perotwin.stack.joining import LIBRARY, library_tandem

    tops, written = made(parameters, base)
    for name in LIBRARY:
        tandem, written[name] = library_tandem(name, tops)
        if name == "tandem-target":
            written["patchy-tandem"] = _PATCHY + _patchy(tandem).to_toml()
    return written


def write() -> tuple[Path, ...]:
    """Write the files of the library that follow from recipes, and name those that changed."""
    from perotwin import measurement
    from perotwin.stack import library

    changed = []
    for name, text in texts().items():
        file = Path(library.path(name))
        if file.read_text(encoding="utf-8") != text:
            measurement.write_text(file, text)
            changed.append(file)
    return tuple(changed)


def adopt(recipe: Mapping[str, str], base: Mapping[str, str]) -> tuple[Path, ...]:
    """Give numbers of the library's recipes and of their base other values, and make the cells again.

    Args:
        recipe: parameters of the recipes by path, as they are written. base: numbers of `wbg-base`, the same.

    Returns:
        Files that changed.
    """
    import tomlkit

    from perotwin import measurement
    from perotwin.recipe import library as parameters
    from perotwin.stack import library as stacks

    changed = []
    for file, values in ((parameters.PARAMETERS, recipe), (Path(stacks.path(BASE)), base)):
        before = file.read_text(encoding="utf-8")
        data = tomlkit.parse(before)
        for path, value in values.items():
            number = _number(data, path)
            if _parts(str(number["value"])) != _parts(value):
                text = value.replace("e+", "e")
                number["value"] = text if isinstance(number["value"], str) else float(text)
        if (text := tomlkit.dumps(data)) != before:
            measurement.write_text(file, text)
            changed.append(file)
    parameters.forget()
    return (*changed, *write())


def _parts(written: str) -> tuple[float, str]:
    """A number as it is written, and its unit."""
    number, _, unit = written.partition(" ")
    return float(number), unit


def _number(data: Any, path: str) -> Any:
    """The table of a number in a file, by its field path: layers by name, faces by their key, levels from one."""
    name, *rest = path.split(".")
    layers = {layer["name"]: layer for layer in data.get("layer", ())}
    found = layers.get(name) or (data["interface"][name] if "|" in name else data[name])
    for key in rest:
        found = found[int(key) - 1] if key.isdigit() else found[key]
    return found


def _patchy(tandem: Tandem) -> Tandem:
    """The tandem with columns in its top junction: as it is, and on bare oxide."""
    from perotwin.recipe import library_parameters
    from perotwin.stack import Tandem
    from perotwin.stack.toml import read

    data = read(tandem.to_toml(), None)
    top = {key: value for key, value in data["top"].items() if key not in ("name", "recipe")}
    face = top["interface"]["niox|perovskite"]
    velocity = _stated(library_parameters().interface.bare_velocity)
    notes = {
        "electron": "of a film on bare NiOx, as bare_velocity of the recipes",
        "hole": "as the electrons'",
    }
    bare = {
        **{key: value for key, value in face.items() if key not in ("dipole", "trap")},
        "dipole": {
            "value": "0 eV",
            "assumed": ["0 eV", "0.05 eV"],
            "note": "no molecules that carry a dipole",
        },
        "trap": [
            {
                "level": "midgap",
                **{f"{carrier}_velocity": {**velocity, "note": note} for carrier, note in notes.items()},
            }
        ],
    }
    data |= {
        "name": "patchy-tandem",
        "description": "tandem-target with patches in its top junction, wider than carriers reach, where no monolayer "
        "lies on the NiOx.",
        "top": {
            "column": [
                {
                    "name": "covered",
                    "area": {
                        "value": "90 %",
                        "assumed": ["70 %", "100 %"],
                        "note": "where the monolayer did not wet; nothing fixes it",
                    },
                    "stack": top,
                },
                {
                    "name": "bare",
                    "area": {"value": "10 %", "assumed": ["0.1 %", "30 %"], "note": "the rest"},
                    "stack": {**top, "interface": {**top["interface"], "niox|perovskite": bare}},
                },
            ]
        },
    }
    return Tandem.from_data(data, bare_numbers=False)


def _stated(quantity: Quantity) -> dict[str, object]:
    """A number as a file states it: value, and source or range."""
    data: dict[str, object] = {"value": str(quantity)}
    if quantity.source is not None:
        data["source"] = quantity.source
    if quantity.assumed is not None:
        data["assumed"] = [str(end) for end in quantity.assumed]
    return data
