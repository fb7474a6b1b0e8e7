"""perotwin optimise, map and sensitivity: which numbers of a cell to change, and to what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command

Cell = Annotated[str, typer.Argument(metavar="CELL", help="A library name or a TOML file.")]
Objective = Annotated[
    str, typer.Option("--objective", metavar="NAME", help="Of pce, voc, jsc, ff, vmp, jmp.")
]
_PATH = "PATH[=LOW..HIGH]"


def optimise(
    cell: Cell,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary", metavar=_PATH, help='A number to vary: "perovskite.thickness=400 nm..700 nm".'
        ),
    ] = None,
    objective: Objective = "pce",
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    processes: options.Processes = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Find the best values of some numbers of a cell, within bounds."""
    with command(json) as out:
        files.prepare(files.Place(output, csv))
        (loaded,) = options.load(
            [cell], light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import workflows
        from perotwin.report import designs

        found, written = workflows.best(loaded, vary or (), output, objective, processes)
        out.result(designs.optimum_result(found))
        for table in designs.optimum_tables(found):
            out.table(table)
        _close(out, designs.optimum_words(found), written, found.complete)


def map(  # the command's name; nothing here needs the built-in one
    cell: Cell,
    x: Annotated[str, typer.Option("--x", metavar=_PATH, help="What varies across.")],
    y: Annotated[str, typer.Option("--y", metavar=_PATH, help="What varies up.")],
    steps: Annotated[str, typer.Option(help='Values of each: 21, or "31x11" (across, up).')] = "21",
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    processes: options.Processes = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Map efficiency, voltage, current and fill factor of a cell over two of its numbers."""
    with command(json) as out:
        files.prepare(files.Place(output, csv))
        (loaded,) = options.load(
            [cell], light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import workflows
        from perotwin.measurement import notes_of
        from perotwin.report import designs

        made, written = workflows.field_map(loaded, x, y, output, _steps(steps), processes)
        out.result(designs.map_result(made))
        out.table(designs.map_table(made))
        _close(out, notes_of(made), written, bool(made.attrs["complete"]))


def sensitivity(
    cell: Cell,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", metavar=_PATH, help="A number to look at.", show_default="all of the cell"),
    ] = None,
    objective: Objective = "pce",
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    processes: options.Processes = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Rank the numbers of a cell by what they do to its efficiency."""
    with command(json) as out:
        files.prepare(files.Place(output, csv))
        (loaded,) = options.load(
            [cell], light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import workflows
        from perotwin.report import designs

        found, written = workflows.hangs_on(loaded, fields or (), output, objective, processes)
        out.result(designs.sensitivity_result(found))
        for table in designs.sensitivity_tables(found):
            out.table(table)
        _close(out, designs.sensitivity_words(found), written, found.complete)


def _steps(text: str) -> tuple[int, int]:
    """ "21" or "31x11" as two numbers.

    Raises:
        InputError: it is neither.
    """
    from perotwin.errors import InputError

    first, cross, second = text.partition("x")
    try:
        return int(first), int(second if cross else first)
    except ValueError:
        raise InputError(
            f'"{text}" does not say how many values.', 'Write --steps 21, or --steps "31x11".', key="steps"
        ) from None


def _close(out: Output, notes: Iterable[object], written: list[Path], complete: bool) -> None:
    """Say what a reader must know and where everything is; an interruption ends the command as one."""
    for note in notes:
        out.say(str(note))
    if written:
        out.say(f"written: {', '.join(str(path) for path in written)}")
    if not complete:
        raise KeyboardInterrupt


COMMANDS = (Entry(110, optimise), Entry(120, map), Entry(130, sensitivity))
