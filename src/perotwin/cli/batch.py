"""perotwin batch: thousands of devices of a cell, kept as they are done; the same command goes on after a stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def batch(
    cells: options.Cells,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Keep the devices there (Parquet), and write page, figure and JSON.",
        ),
    ],
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="Devices of each cell.")] = 1000,
    spread: options.Spread = None,
    posterior: options.Posterior = None,
    seed: options.Seed = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    processes: options.Processes = None,
    json: options.Json = False,
) -> None:
    """Draw a large batch of devices into a folder; stopped or killed, the same command goes on with what is missing."""
    with command(json) as out:
        from perotwin import measurement, workflows
        from perotwin.errors import InputError
        from perotwin.report import batches

        if spread is not None and posterior is not None:
            raise InputError("a spread and a posterior were given.", "Give one of both.", key="posterior")
        loaded = options.load(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        made, found, written = workflows.stored_batch(
            loaded, draws, Path(output), spread, posterior, seed, processes
        )
        out.result(batches.stored_result(made, found))
        out.table(batches.quantile_table(made))
        for note in measurement.notes_of(made):
            out.say(note)
        if written:
            out.say(f"written: {', '.join(str(path) for path in written[:3])}")
        if not made.attrs["complete"]:
            out.say(f"what is done is kept in {output}; the same command goes on from there.")
            raise KeyboardInterrupt


COMMANDS = (Entry(136, batch),)
