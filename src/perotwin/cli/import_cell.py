"""perotwin import: the definition of a cell by another program becomes a stack file."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def import_cell(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="SCAPS definition (.def) or simulation_setup.txt of SIMsalabim 5."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="The cell's file, such as my-cell.toml."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace that file if there is one.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Import a cell from SCAPS or SIMsalabim: a stack file, and a list of what has no counterpart in it."""
    with command(json) as out:
        from pathlib import Path

        from perotwin import files, measurement
        from perotwin.errors import InputError
        from perotwin.report import machine, tables

        if output is not None and Path(output).suffix != ".toml":
            raise InputError(
                f'"{output}" is no name of a cell\'s file.', "Let it end in .toml.", key="output"
            )
        if output is not None and Path(output).exists() and not overwrite:
            raise InputError(
                "there is such a file already.", "Give another name, or --overwrite.", file=output
            )
        made = files.read_cell(file, None if output is None else Path(output).stem)
        for matters, title in ((True, "no counterpart here"), (False, "says nothing of the cell here")):
            rows = made.grouped(matters)
            table = tables.plain("where", "keys", "why", title=title, numbers_from=9)
            for row in rows:
                table.add_row(*map(tables.literal, row))
            if rows:
                out.table(table)
        out.say(f"{made.cell.name}: {len(made.cell.layer)} layers, from {made.program}.")
        if output is None:
            out.say("Nothing was written: give -o my-cell.toml.")
        else:
            measurement.write_text(Path(output), made.to_toml())
            out.say(f"written: {output}")
        out.result(
            {
                **machine.stack_result(made.cell),
                "program": made.program,
                "unmatched": [
                    {
                        "place": one.place,
                        "key": one.key,
                        "value": one.value,
                        "why": one.why,
                        "matters": one.matters,
                    }
                    for one in made.unmatched
                ],
            }
        )


COMMANDS = (Entry(165, import_cell, name="import"),)
