"""The application: the commands, in the order in which a newcomer meets them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any

import typer

from perotwin.cli.entry import Entry
from perotwin.cli.instruments import WithInstruments

__all__ = ["app", "program"]

app = typer.Typer(
    name="perotwin",
    cls=WithInstruments,
    help="A digital twin of perovskite solar cells: from the stack to light, carriers and a report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _program(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from perotwin import __version__

        print(f"perotwin {__version__}")
        raise typer.Exit()


def _declared() -> list[Entry]:
    """The commands that the files of this room declare, in the order of their places."""
    room = import_module("perotwin.cli")
    files = [
        import_module(f"perotwin.cli.{file.name}")
        for file in iter_modules(room.__path__)
        if file.name != "app"
    ]
    found: list[Entry] = [entry for file in files for entry in getattr(file, "COMMANDS", ())]
    return sorted(found, key=lambda entry: entry.place)


for _entry in _declared():
    app.command(_entry.name, cls=_entry.kind)(_entry.command)


@cache
def program() -> Any:
    """The application as it reads a command line; made once, as that goes through the options of all commands."""
    return typer.main.get_command(app)
