"""perotwin show: what a cell is made of."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def show(
    cells: options.Cells,
    toml: Annotated[bool, typer.Option("--toml", help="Print the stack file itself.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="With --toml: the numbers of the library in place of use.")
    ] = False,
    changes: options.Set = None,
    json: options.Json = False,
) -> None:
    """Show a cell: its layers, and every number with its source."""
    with command(json) as out:
        stacks = options.load(cells, changes=changes)
        from perotwin.report import machine, tables

        for stack in stacks:
            out.result(machine.stack_result(stack))
            if toml:
                out.say((stack.spelled_out() if full else stack).to_toml().rstrip())
                continue
            out.say(stack.name + (f": {stack.description}" if stack.description else ""))
            for part in tables.parts(stack):
                out.table(tables.layers(stack, part))
            out.table(tables.numbers(stack))


COMMANDS = (Entry(180, show),)
