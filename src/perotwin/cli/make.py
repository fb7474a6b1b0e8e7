"""perotwin make: a recipe and a base stack make a cell."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def make(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A library name or TOML file.")],
    base: Annotated[str, typer.Argument(metavar="BASE", help="The stack that it is made on: wbg-base.")],
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help='Change a number of the recipe: additive.dose="0.5 mol%".'
        ),
    ] = None,
    columns: Annotated[
        bool,
        typer.Option(
            "--columns", help="Write covered and bare columns side by side, whatever the sizes ask for."
        ),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="The cell's file, such as my-cell.toml."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Make a cell: what the recipe leaves at the buried face and in the film replaces what the base has there."""
    with command(json) as out:
        (loaded,) = options.load_recipes([recipe], changes)
        base_stack = options.load_base(base)
        from dataclasses import replace
        from pathlib import Path

        from perotwin import measurement, workflows
        from perotwin import recipe as room
        from perotwin.errors import InputError
        from perotwin.report import machine, samples, tables

        if output is not None and Path(output).suffix != ".toml":
            raise InputError(
                f'"{output}" is no name of a cell\'s file.', "Let it end in .toml.", key="output"
            )
        name = loaded.name if output is None else Path(output).stem
        sample = room.prepare(loaded)
        made = room.make(sample, base_stack, name)
        if columns:
            if made.columns is None:
                raise InputError("nothing is bare, so that there are no columns.", "Leave out --columns.")
            made = replace(made, cell=made.columns, why=f"{made.why} Columns were asked for.")
        words, metrics = workflows.choice(made)
        read = room.readings(sample)
        out.table(tables.readings({name: read}))
        out.table(tables.metrics_table(list(metrics.items())))
        out.say(words)
        if output is not None:
            measurement.write_text(Path(output), workflows.made_text(made))
            out.say(f"written: {output}")
        out.result(
            {
                **machine.stack_result(made.cell),
                "sample": samples.result(name, sample, read),
                "ways": {way: found.to_json() for way, found in metrics.items()},
                "why": words,
            }
        )


COMMANDS = (Entry(150, make),)
