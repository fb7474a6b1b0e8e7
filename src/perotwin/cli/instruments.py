"""A command for each instrument that has no file of its own here: its options are the fields of its protocol.

    perotwin kpfm target control --radius "10 nm"
    perotwin xrd pattern.xrdml -o results

What is named is a cell or a recipe, as the instrument declares, or a measured file; all go through one analysis and
into one table. Instruments of other packages get their command the same way.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_origin

import typer
from typer.core import TyperGroup

from perotwin.cli import files, options, readings
from perotwin.cli.output import Output, command

if TYPE_CHECKING:
    from pydantic import BaseModel

    from perotwin.measurement import Instrument

__all__ = ["WithInstruments", "describe_fields", "is_measured"]

#: what every such command takes besides its protocol
_LIGHT: dict[str, Any] = {"light": options.Light, "angle": options.Angle, "both_sides": options.BothSides}
_LAST: dict[str, tuple[Any, Any]] = {
    "output": (options.Folder, None),
    "csv": (options.Csv, False),
    "json": (options.Json, False),
}
_RECIPE_CHANGES = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help='Change a number: additive.dose="0.5 mol%".'),
]
#: endings of files that describe a cell or a recipe
_DESCRIPTIONS = (".toml",)
#: instruments that the command of another one includes
_ELSEWHERE = ("scan",)
#: units that a sentence may begin with, and that have no capital letter
_UNIT = re.compile(r"(?:eV|m|s|nm|deg|rad)(?:\^-?\d)?\b[ ,]")


class WithInstruments(TyperGroup):
    """The application, with the commands that instruments declare by what they are."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands: those that have a file, then the other instruments."""
        own = list(super().list_commands(ctx))
        return own + [name for name in _titles() if name not in own]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands into the help page, those of instruments without loading them."""
        titles = _titles()
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        rows = []
        for name in names:
            own = super().get_command(ctx, name)
            words = _words(titles[name]) if own is None else own.get_short_help_str(limit)
            rows.append(
                (name, words if len(words) <= limit else f"{words[: limit - 3].rsplit(' ', 1)[0]}...")
            )
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; what is made of an instrument is made when it is asked for."""
        found = super().get_command(ctx, cmd_name)
        if found is None:
            from perotwin import lab

            instrument = lab.find(cmd_name.replace("-", "_"))
            if instrument is not None and instrument.name not in _ELSEWHERE:
                found = _command(instrument)
        return found


def _called(name: str) -> str:
    return name.replace("_", "-")


def _titles() -> dict[str, str]:
    """Commands of instruments, in order, with the instruments' titles."""
    from perotwin.lab.registry import titles

    return {_called(name): title for name, title in titles().items() if name not in _ELSEWHERE}


def _words(title: str) -> str:
    """What the help page says of an instrument's command."""
    return f"{title[:1].upper()}{title[1:]}."


def _command(instrument: Instrument) -> Any:
    """The command of an instrument."""
    holder = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    holder.command(_called(instrument.name))(_function(instrument))
    return typer.main.get_command(holder)


def _function(instrument: Instrument) -> Callable[..., None]:
    """What the command does, with the parameters that typer makes its options of."""
    fields = instrument.protocol.model_fields
    of_cells = instrument.of == "cell"
    conditions = (_LIGHT if instrument.lit else {}) | {"temperature": options.Temperature}
    conditions = {name: kind for name, kind in conditions.items() if of_cells and name not in fields}
    words = describe_fields(instrument.protocol)

    def run(**given: Any) -> None:
        named = given.pop("named")
        place = files.Place(given.pop("output"), given.pop("csv"))
        changes = given.pop("changes")
        shared = {name: given.pop(name) for name in conditions}
        with command(given.pop("json")) as out:
            _run(out, instrument, named, given, shared, changes, place)

    kind = "CELL" if of_cells else "RECIPE"
    parameters: dict[str, tuple[Any, Any]] = {
        "named": (
            Annotated[
                list[str],
                typer.Argument(
                    metavar=f"{kind}|FILE...", help="Library names, TOML files, or measured files, mixed."
                ),
            ],
            inspect.Parameter.empty,
        )
    }
    for name, field in fields.items():
        parameters[name] = (_option(name, field, words.get(name, "")), None)
    parameters |= {name: (kind, None) for name, kind in conditions.items()}
    parameters["changes"] = (options.Set if of_cells else _RECIPE_CHANGES, None)
    parameters |= _LAST
    # what never returns has no virtual half
    alone = inspect.signature(instrument.measure).return_annotation in (NoReturn, "NoReturn")
    source = "read from files" if alone else "simulated, or read from files"
    run.__doc__ = f"{_words(instrument.title)[:-1]}: {source}."
    run.__annotations__ = {name: kind for name, (kind, _) in parameters.items()}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # typer reads the parameters from here
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in parameters.items()
        ]
    )
    return run


def _option(name: str, field: Any, words: str) -> Any:
    """The option of a field of a protocol."""
    default = field.default
    several = get_origin(field.annotation) is tuple
    if isinstance(default, bool):
        return Annotated[bool | None, typer.Option(help=words, show_default=str(default).lower())]
    if several:
        shown = ", ".join(map(str, default)) if default else False
        words = words if "commas" in words else f"{words} With commas.".strip()
        return Annotated[str | None, typer.Option(metavar="LIST", help=words, show_default=shown)]
    return Annotated[
        str | None,
        typer.Option(metavar="TEXT", help=words, show_default=False if default is None else str(default)),
    ]


def describe_fields(protocol: type[BaseModel]) -> dict[str, str]:
    """What the docstring of a protocol says of each of its fields ("radius : of the apex, m. lift, height : ...")."""
    known = set(protocol.model_fields)
    text = re.sub(r"\s+", " ", inspect.cleandoc(protocol.__doc__ or ""))
    name = "|".join(sorted(known, key=len, reverse=True)) or "(?!)"
    starts = list(re.finditer(rf"(?<!\S)((?:{name})(?:, (?:{name}))*) ?: ", text))
    found: dict[str, str] = {}
    for one, end in zip(starts, [*(other.start() for other in starts[1:]), len(text)], strict=False):
        words = text[one.end() : end].strip().removesuffix(", or")
        for field in one.group(1).split(", "):
            found[field] = words if _UNIT.match(words) else words[:1].upper() + words[1:]
    return found


def _given(instrument: Instrument, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the protocol that were named, lists taken apart."""
    fields = instrument.protocol.model_fields
    return {
        name: [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str) and get_origin(fields[name].annotation) is tuple
        else value
        for name, value in given.items()
        if value is not None
    }


def _run(
    out: Output,
    instrument: Instrument,
    named: Sequence[str],
    given: Mapping[str, Any],
    conditions: Mapping[str, str | None],
    changes: Sequence[str] | None,
    place: files.Place,
) -> None:
    """Measure what can be measured, read what was, and show both."""
    measured = [name for name in named if is_measured(name)]
    described = [name for name in named if name not in measured]
    subjects: list[Any] = []
    _of_its_kind(instrument, described)
    if described and instrument.of == "cell":
        shining = options.shining(*(conditions.get(name) for name in ("light", "angle", "both_sides")))
        subjects = list(
            options.load_measured(
                described, light=shining, temperature=conditions.get("temperature"), changes=changes
            )
        )
    elif described:
        from perotwin.workflows import sample_for

        subjects = [sample_for(instrument, recipe) for recipe in options.load_recipes(described, changes)]
    readings.take(out, instrument, subjects, _given(instrument, given), place, measured=measured)


def _of_its_kind(instrument: Instrument, named: Sequence[str]) -> None:
    """Refuse recipes of the library where cells are measured, and cells where samples of recipes are."""
    from perotwin import recipe, stack
    from perotwin.errors import InputError

    recipes, cells = recipe.names(), stack.names()
    for name in named:
        if instrument.of == "cell" and name in recipes and name not in cells:
            raise InputError(
                f'"{name}" is a recipe, and {_called(instrument.name)} measures cells.',
                f"Name a cell, such as wbg-target, or make one of the recipe: perotwin make {name} wbg-base.",
            )
        if instrument.of != "cell" and name in cells and name not in recipes:
            raise InputError(
                f'"{name}" is a cell, and {_called(instrument.name)} measures samples of recipes.',
                f"Name a recipe, such as target; perotwin run {name} --experiments {instrument.name} measures the "
                "sample of the recipe that the cell was made by.",
            )


def is_measured(name: str) -> bool:
    """Whether a name is a file of data and not the description of a cell or a recipe.

    Raises:
        InputError: it looks like one, and there is none.
    """
    path = Path(name)
    if path.suffix.lower() in _DESCRIPTIONS:
        return False
    if path.is_file():
        return True
    if path.suffix and ("/" in name or "\\" in name or re.fullmatch(r"\.[A-Za-z]\w{0,7}", path.suffix)):
        from perotwin.errors import InputError

        raise InputError(f'there is no file "{name}".', "Check the folder and the ending.", key="FILE")
    return False
