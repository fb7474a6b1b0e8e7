"""perotwin advise: which change of a cell pays most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def advise(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A library name or a TOML file.")],
    in_tandem: Annotated[
        str | None,
        typer.Option(
            "--in-tandem", metavar="CELL", help="Also as the top of a tandem with this cell behind it: nbg."
        ),
    ] = None,
    posterior: Annotated[
        str | None,
        typer.Option(
            "--posterior",
            metavar="FILE",
            help="Of perotwin fit, for intervals.",
            show_default="ranges that the cell states",
        ),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="For intervals; 0 for none.")] = 30,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the draws.")] = 1,
    attainable: Annotated[
        str | None,
        typer.Option(
            "--changes",
            metavar="FILE",
            help="What may be changed, to what (TOML).",
            show_default="best of the literature",
        ),
    ] = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    processes: options.Processes = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Write page, table (CSV), JSON and figure there."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Rank what may be changed in a cell by what it gains, alone and in pairs, with intervals."""
    with command(json) as out:
        files.prepare(files.Place(output, False))
        shining = options.shining(light, angle, both_sides)
        (loaded,) = options.load([cell], light=shining, temperature=temperature, changes=changes)
        behind = None if in_tandem is None else options.load_junction(in_tandem)
        from perotwin import workflows
        from perotwin.advice import read_changes
        from perotwin.report import advices

        among = None if attainable is None else read_changes(attainable)
        folder = None if output is None else Path(output)
        found, written = workflows.advice(loaded, behind, posterior, folder, draws, seed, among, processes)
        out.result(advices.advice_result(found))
        for table in advices.advice_tables(found):
            out.table(table)
        for words in advices.advice_words(found):
            out.say(words)
        if written:
            out.say(f"written: {written[0]}")
        if not found.complete:
            raise KeyboardInterrupt


COMMANDS = (Entry(132, advise),)
