"""perotwin el: electroluminescence."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import files, options, readings
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def el(
    cells: options.Cells,
    currents: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help='Injected: "1 mA/cm^2, 15 mA/cm^2".',
            show_default="up to twice the photocurrent at 1 sun",
        ),
    ] = None,
    voltages: Annotated[
        str | None, typer.Option(metavar="LIST", help='Instead of currents: "1.9 V, 2.1 V".')
    ] = None,
    under: Annotated[
        str | None,
        typer.Option(metavar="LIGHT", help='Light meanwhile, such as "0.1 sun".', show_default="dark"),
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
    """Electroluminescence of each absorber: yield, splitting of the quasi-Fermi levels, the Voc that they tell."""
    given: dict[str, Any] = {"currents": _list(currents), "voltages": _list(voltages), "light": under}
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import lab

        readings.take(out, lab.el.INSTRUMENT, stacks, given, files.Place(output, csv))


def _list(text: str | None) -> tuple[str, ...] | None:
    """Quantities between commas."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


COMMANDS = (Entry(90, el),)
