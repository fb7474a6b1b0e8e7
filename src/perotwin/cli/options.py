"""Arguments and options that several commands take, and the cells that they describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from perotwin.recipe import Recipe
    from perotwin.stack import Cell, Stack, Tandem

__all__ = [
    "Angle",
    "BothSides",
    "Cells",
    "Csv",
    "Folder",
    "Json",
    "Light",
    "Set",
    "Temperature",
    "changed",
    "load",
    "load_base",
    "load_junction",
    "load_measured",
    "load_recipes",
    "shining",
    "swept",
]

Cells = Annotated[
    list[str], typer.Argument(metavar="CELL...", help="Library names or TOML files (also of variants).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; all else goes to stderr.")]
Light = Annotated[
    str | None,
    typer.Option(
        "--light",
        metavar="LIGHT",
        help='"AM1.5G, 100 mW/cm^2", AM0, "5800 K", "led.csv, 1000 lux", "532 nm, 1 sun", "0.1 sun", dark.',
        show_default="of the file",
    ),
]
Angle = Annotated[
    str | None, typer.Option("--angle", help='Of incidence, such as "40 deg".', show_default="of the file")
]
BothSides = Annotated[
    str | None,
    typer.Option(
        "--both-sides",
        metavar="INTENSITY",
        help='Light from the other side besides: "0.2 sun".',
        show_default="of the file",
    ),
]
Temperature = Annotated[
    str | None, typer.Option("--temperature", help='For example "65 degC".', show_default="of the file")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help='Change a number: perovskite.thickness="500 nm".'),
]
Folder = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", metavar="FOLDER", help="Write data (NetCDF) and figures (SVG, PNG) there."
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="With -o: write CSV too, for spreadsheets.")]
Processes = Annotated[
    int | None,
    typer.Option("--processes", metavar="N", help="Work on so many cores.", show_default="all"),
]
Spread = Annotated[
    str | None,
    typer.Option(
        "--spread", metavar="FILE", help="How numbers scatter (TOML).", show_default="assumed numbers"
    ),
]
Posterior = Annotated[
    str | None,
    typer.Option(
        "--posterior", metavar="FILE", help="Draw from the posterior of a fit instead.", show_default=False
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="Of the draws.", show_default="of the spread")
]


def load(
    cells: Sequence[str],
    *,
    light: Mapping[str, Any] | None = None,
    temperature: str | None = None,
    changes: Sequence[str] | None = None,
) -> list[Cell]:
    """The cells that the user named, under the light, temperature and changes asked for.

    Raises
    ------
    InputError
        A cell that does not exist or cannot be used, a change that is not PATH=VALUE or is impossible.
    """
    values = _values(changes, 'perovskite.thickness="500 nm"')
    if temperature is not None:
        values["temperature"] = temperature
    values |= light or {}
    named = [name for cell in cells for name in _expanded(cell)]
    found = [(name, one) for name in named for one in _all_of(name)]
    loaded = _told_apart([name for name, _ in found], [one for _, one in found])
    return [cell.with_values(_dark_behind(cell, values)) for cell in loaded] if values else loaded


def _all_of(name: str) -> list[Cell]:
    """The cells of a name or a file; a measured file is told what reads it.

    Raises
    ------
    InputError
        As of `load`.
    """
    from pathlib import Path

    from perotwin.errors import InputError
    from perotwin.stack import load_all

    try:
        return list(load_all(name))
    except InputError as error:
        if Path(name).suffix.lower() in ("", ".toml") or not Path(name).is_file():
            raise
        raise InputError(
            "this is no file of a cell, which is TOML.",
            f"A measured file is read by perotwin analyse {Path(name).name}, or shown beside a cell by "
            "perotwin run CELL --measured FILE.",
            file=error.file or name,
        ) from None


def _expanded(name: str) -> list[str]:
    """The files that a pattern such as cells/*.toml names, where the shell has left that to us."""
    if not any(mark in name for mark in "*?"):
        return [name]
    from glob import glob

    from perotwin.errors import InputError

    found = sorted(glob(name))
    if not found:
        raise InputError(f'no file is called "{name}".', "Check the folder and the ending.", key="CELL")
    return found


def _dark_behind(cell: Cell, values: dict[str, Any]) -> dict[str, Any]:
    """The values for a cell; one that is made dark loses the light of its other side too."""
    if cell.light.other_side > 0.0 and str(values.get("light.intensity", "")).strip() == "dark":
        return {"light.other_side": "dark", **values}
    return values


def shining(light: str | None, angle: str | None, both_sides: str | None) -> dict[str, Any]:
    """The values of the light that --light, --angle and --both-sides ask for, by field path.

    Raises
    ------
    InputError
        A light that cannot be understood.
    """
    from perotwin.stack.light_words import light_values

    values = {} if light is None else light_values(light)
    if angle is not None:
        values["light.angle"] = angle
    if both_sides is not None:
        values["light.other_side"] = both_sides
    return values


def load_measured(
    cells: Sequence[str],
    *,
    light: Mapping[str, Any] | None = None,
    temperature: str | None = None,
    changes: Sequence[str] | None = None,
) -> list[Cell]:
    """As `load`, for an instrument: of a tandem with four terminals each junction by itself.

    Raises
    ------
    InputError
        As of `load`.
    """
    from perotwin.lab import junctions

    loaded = load(cells, light=light, temperature=temperature, changes=changes)
    return [one for cell in loaded for one in junctions.terminals(cell).values()]


def load_recipes(recipes: Sequence[str], changes: Sequence[str] | None = None) -> list[Recipe]:
    """The recipes that the user named, with the changes asked for.

    Raises
    ------
    InputError
        A recipe that does not exist or cannot be used, a change that is not PATH=VALUE or is impossible.
    """
    from perotwin.recipe import load as load_one

    values = _values(changes, 'additive.dose="0.5 mol%"')
    loaded = [load_one(recipe) for recipe in recipes]
    return [recipe.with_values(values) for recipe in loaded] if values else loaded


def load_base(name: str) -> Stack:
    """The stack that a recipe works on.

    Raises
    ------
    InputError
        It does not exist, cannot be used, or has columns side by side already.
    """
    from perotwin.stack import load as load_one

    return one_stack(load_one(name))


def load_junction(name: str) -> Stack:
    """The stack that becomes a junction of a tandem.

    Raises
    ------
    InputError
        It does not exist, cannot be used, has columns side by side, or has two junctions already.
    """
    from perotwin.stack import load as load_one

    return one_stack(load_one(name), "a junction of a tandem is one stack", "wbg-target or nbg")


def one_stack(
    cell: Cell, why: str = "a recipe needs one stack to work on", example: str = "wbg-base"
) -> Stack:
    """A cell that is one stack.

    Raises
    ------
    InputError
        It has columns side by side, or two junctions.
    """
    from perotwin.errors import InputError
    from perotwin.stack import Stack, Tandem

    if not isinstance(cell, Stack):
        what = "is a tandem" if isinstance(cell, Tandem) else "has columns side by side"
        raise InputError(f'"{cell.name}" {what}; {why}.', f"Give a stack such as {example}.")
    return cell


def changed(cell: Tandem, changes: Sequence[str] | None) -> Tandem:
    """A tandem with the changes asked for.

    Raises
    ------
    InputError
        A change that is not PATH=VALUE or is impossible.
    """
    values = _values(changes, 'top.thickness="400 nm"')
    return cell.with_values(values) if values else cell


def swept(path: str | None, first: str | None, last: str | None, example: str) -> tuple[str, str, str]:
    """What is varied, from where, to where.

    Raises
    ------
    InputError
        One of the three is missing.
    """
    from perotwin.errors import InputError

    if path is None or first is None or last is None:
        raise InputError(
            "a sweep needs to know what is varied, and from where to where.",
            f"Give all three: --vary {example}.",
        )
    return path, first, last


def _values(changes: Sequence[str] | None, example: str) -> dict[str, Any]:
    """PATH=VALUE as a mapping."""
    from perotwin.errors import InputError

    values: dict[str, Any] = {}
    for change in changes or ():
        path, equals, value = change.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise InputError(
                f'"{change}" is not a change.', f"Write --set PATH=VALUE, for example {example}."
            )
        values[path.strip()] = _as_written(value.strip())
    return values


def _told_apart(given: Sequence[str], loaded: Sequence[Cell]) -> list[Cell]:
    """Cells by the names of their files where they state one name: a copy is often edited before it is renamed."""
    from pathlib import Path

    names = [cell.name for cell in loaded]
    return [
        cell.with_values({"name": Path(file).stem})
        if names.count(cell.name) > 1 and file.endswith(".toml") and Path(file).stem not in names
        else cell
        for file, cell in zip(given, loaded, strict=True)
    ]


def _as_written(value: str) -> Any:
    """A value as a stack file would hold it: tables, lists and truth values are TOML, all else is a string."""
    from perotwin.errors import InputError
    from perotwin.stack.toml import read

    if value[:1] in "{[" or value in ("true", "false"):
        try:
            return read(f"value = {value}")["value"]
        except InputError:
            return value
    return value
