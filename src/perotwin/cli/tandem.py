"""perotwin tandem: two cells become the junctions of a tandem."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def tandem(
    top: Annotated[
        str, typer.Option("--top", metavar="CELL", help="The cell that light meets first: wbg-target.")
    ],
    bottom: Annotated[str, typer.Option("--bottom", metavar="CELL", help="The cell behind it: nbg.")],
    junction: Annotated[
        str,
        typer.Option("--junction", metavar="NAME", help="ideal, sno2-au-pedot, sno2-pedot or four-terminal."),
    ] = "ideal",
    changes: options.Set = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="The tandem's file, such as my-tandem.toml."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Join two cells: what lies where they meet is left out, and said."""
    with command(json) as out:
        from pathlib import Path

        from perotwin import measurement
        from perotwin import stack as room
        from perotwin.errors import InputError
        from perotwin.report import machine, tables

        if output is not None and Path(output).suffix != ".toml":
            raise InputError(
                f'"{output}" is no name of a cell\'s file.', "Let it end in .toml.", key="output"
            )
        if output is not None and Path(output).exists():
            raise InputError(
                "there is a file of that name already.", "Give another name, or remove it.", file=output
            )
        upper, lower = (options.load_junction(name) for name in (top, bottom))
        middle = room.joint(junction)
        name = f"{upper.name}-{lower.name}" if output is None else Path(output).stem
        joined, notes = room.join_tandem(
            upper, lower, name=name, between=middle.between, junction=middle.junction
        )
        joined = options.changed(joined, changes)
        for part in tables.parts(joined):
            out.table(tables.layers(joined, part))
        for note in notes:
            out.say(note)
        if output is not None:
            how = f"Made by perotwin tandem from {top} and {bottom} with the junction {junction}."
            measurement.write_text(Path(output), room.joined_text(joined, notes, how))
            out.say(f"written: {output}")
        out.result({**machine.stack_result(joined), "junction": junction, "notes": list(notes)})


COMMANDS = (Entry(160, tandem),)
