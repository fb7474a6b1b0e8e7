"""perotwin mppt: maximum-power-point tracking."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import files, options, readings
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def mppt(
    cells: options.Cells,
    duration: Annotated[str | None, typer.Option(help="How long to track.", show_default="10 min")] = None,
    perturbation: Annotated[
        str | None, typer.Option(help="Step of the tracker.", show_default="5 mV")
    ] = None,
    interval: Annotated[str | None, typer.Option(help="Time between its steps.", show_default="1 s")] = None,
    start: Annotated[
        str | None, typer.Option(help="First voltage.", show_default="maximum power of the settled cell")
    ] = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Track maximum power, perturb and observe: stabilised power and its spread."""
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import lab

        given = {"duration": duration, "perturbation": perturbation, "interval": interval, "start": start}
        readings.take(out, lab.mppt.INSTRUMENT, stacks, given, files.Place(output, csv))


COMMANDS = (Entry(30, mppt),)
