"""perotwin losses: from the Shockley-Queisser limit down to the cell, in volts, current, fill factor and efficiency."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command

if TYPE_CHECKING:
    from perotwin.errors import PerotwinError
    from perotwin.losses import Waterfall


def losses(
    cells: Annotated[
        list[str] | None,
        typer.Argument(metavar="CELL...", help="Library names or TOML files; two are told side by side."),
    ] = None,
    jv: Annotated[
        str | None, typer.Option("--jv", metavar="FILE", help="A measured curve in the light.")
    ] = None,
    eqe: Annotated[
        str | None, typer.Option("--eqe", metavar="FILE", help="Its measured quantum efficiency.")
    ] = None,
    suns_voc: Annotated[
        str | None,
        typer.Option("--suns-voc", metavar="FILE", help="Its open-circuit voltages under many lights."),
    ] = None,
    area: Annotated[
        str | None,
        typer.Option("--area", help='Of a measured cell: "0.09 cm^2".', show_default="of the file"),
    ] = None,
    bandgap: Annotated[
        str | None,
        typer.Option(
            "--bandgap", help='Of a cell without a quantum efficiency: "1.79 eV".', show_default=False
        ),
    ] = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Write page, table (CSV), JSON and figures there."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Tell what a cell loses, from the Shockley-Queisser limit of its gap down; also from measured files."""
    with command(json) as out:
        files.prepare(files.Place(output, False))
        from perotwin import workflows
        from perotwin.errors import InputError
        from perotwin.report import waterfalls

        shining = options.shining(light, angle, both_sides)
        found: list[Waterfall] = []
        failed: dict[str, PerotwinError] = {}
        complete = True
        measured = any(one is not None for one in (jv, eqe, suns_voc))
        if not cells and not measured:
            raise InputError(
                "no cell and no measurement was given.",
                "Name a cell, such as wbg-target, or a file: --jv my.txt.",
            )
        if cells:
            loaded = options.load_measured(cells, light=shining, temperature=temperature, changes=changes)
            found, failed, complete = workflows.cell_losses(loaded)
        if measured and complete:
            found.append(
                workflows.measured_losses(
                    jv, eqe, suns_voc, light=shining, temperature=temperature, area=area, bandgap=bandgap
                )
            )
        for one in found:
            out.result(waterfalls.result(one))
        for name, error in failed.items():
            out.failed(name, error)
        if not found:
            return
        for table in waterfalls.waterfall_tables(found):
            out.table(table)
        if len(found) == 2 and all(one.exact for one in found):
            for table in waterfalls.difference_tables(*found):
                out.table(table)
            if json:
                out.results[-1] = {**out.results[-1], "difference": waterfalls.difference_result(*found)}
        for one in found:
            prefix = f"{one.name}: " if len(found) > 1 else ""
            for missing in one.missing:
                out.say(f"{prefix}not told: {missing.words}")
            for note in one.notes:
                out.say(f"{prefix}{note}")
        out.say(waterfalls.how_told(found))
        out.checks({one.name: one.checks for one in found})
        for one in found:
            out.look_at(one.name, one.checks)
        if output is not None:
            written = workflows.write_waterfalls(found, Path(output))
            out.say(f"written: {written[0]}")
        if not complete:
            raise KeyboardInterrupt


COMMANDS = (Entry(105, losses),)
