"""perotwin impedance and perotwin cv: the response to small alternating voltages."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import files, options, readings
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def impedance(
    cells: options.Cells,
    bias: Annotated[
        str | None,
        typer.Option(help='"open-circuit", "maximum-power" or a voltage.', show_default="open-circuit"),
    ] = None,
    lowest: Annotated[str | None, typer.Option(help="Lowest frequency.", show_default="1 mHz")] = None,
    highest: Annotated[str | None, typer.Option(help="Highest frequency.", show_default="10 MHz")] = None,
    points: Annotated[int | None, typer.Option(help="Number of frequencies.", show_default="60")] = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Impedance spectrum of the settled cell: resistances, capacitances, time constants."""
    given = {"bias": bias, "lowest": lowest, "highest": highest, "points": points}
    _run(
        "impedance",
        cells,
        given,
        (light, angle, both_sides),
        temperature,
        changes,
        files.Place(output, csv),
        json,
    )


def cv(
    cells: options.Cells,
    start: Annotated[str | None, typer.Option(help="First voltage.", show_default="-0.5 V")] = None,
    stop: Annotated[
        str | None, typer.Option(help="Last voltage.", show_default="0.4 V below the bandgap")
    ] = None,
    step: Annotated[str | None, typer.Option(help="Voltage step.", show_default="20 mV")] = None,
    frequency: Annotated[str | None, typer.Option(help="Of the signal.", show_default="10 kHz")] = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Capacitance against voltage in the dark, and what a Mott-Schottky plot makes of it."""
    given = {"start": start, "stop": stop, "step": step, "frequency": frequency}
    _run("cv", cells, given, (None, None, None), temperature, changes, files.Place(output, csv), json)


def _run(
    instrument: str,
    cells: list[str],
    given: dict[str, Any],
    light: tuple[str | None, str | None, str | None],
    temperature: str | None,
    changes: list[str] | None,
    place: files.Place,
    json: bool,
) -> None:
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(*light), temperature=temperature, changes=changes
        )
        from perotwin import lab

        readings.take(out, lab.known(instrument), stacks, given, place)


COMMANDS = (Entry(60, impedance), Entry(70, cv))
