"""perotwin tpv and perotwin tpc: a small pulse of light, and the decay of voltage or current after it."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import files, options, readings
from perotwin.cli.entry import Entry
from perotwin.cli.output import command

Width = Annotated[str | None, typer.Option(help="Length of the pulse.", show_default="1 us")]
Duration = Annotated[
    str | None, typer.Option(help="Time after the pulse.", show_default="until the signal is gone")
]


def tpv(
    cells: options.Cells,
    pulse: Annotated[
        float | None, typer.Option(help="Extra light as a part of the bias light.", show_default="0.1")
    ] = None,
    width: Width = None,
    duration: Duration = None,
    lights: Annotated[
        str | None,
        typer.Option(metavar="LIST", help='Lifetime against bias light: "0.01 sun, 0.1 sun, 1 sun".'),
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
    """Transient photovoltage: lifetime of a small pulse at open circuit under the cell's light."""
    given = {"pulse": pulse, "width": width, "duration": duration}
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import lab

        suns = _intensities(lights, light)
        series = None if not suns else lambda stack, protocol: lab.tpv.series(stack, suns, protocol)
        readings.take(out, lab.tpv.INSTRUMENT, stacks, given, files.Place(output, csv), series)


def tpc(
    cells: options.Cells,
    pulse: Annotated[str | None, typer.Option(help="Extra light.", show_default="0.1 sun")] = None,
    width: Width = None,
    load: Annotated[
        str | None, typer.Option(help="Resistor across the cell, times area.", show_default="1 ohm cm^2")
    ] = None,
    duration: Duration = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Transient photocurrent: extraction time of a small pulse at short circuit, over a small load."""
    given = {"pulse": pulse, "width": width, "load": load, "duration": duration}
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import lab

        readings.take(out, lab.tpc.INSTRUMENT, stacks, given, files.Place(output, csv))


def _intensities(lights: str | None, light: str | None) -> tuple[float, ...]:
    """Suns of a list as people write it."""
    if lights is None:
        return ()
    from perotwin import units
    from perotwin.errors import InputError

    if light is not None:
        raise InputError("--light and --lights exclude each other.", "Give one of them.")
    return tuple(float(units.parse(part.strip(), "intensity")) for part in lights.split(",") if part.strip())


COMMANDS = (Entry(40, tpv), Entry(50, tpc))
