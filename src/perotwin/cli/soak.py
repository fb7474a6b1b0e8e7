"""perotwin soak: halide segregation of a film in light."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def soak(
    cells: options.Cells,
    duration: Annotated[str, typer.Option(help="In the light.")] = "10 min",
    recovery: Annotated[str | None, typer.Option(help="In the dark afterwards.", show_default="none")] = None,
    exposure: Annotated[
        str | None, typer.Option(help="That a map takes to collect.", show_default="1 min (assumed)")
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help='When maps are begun: "0 s, 2 min, 10 min".', show_default="four moments"
        ),
    ] = None,
    side: Annotated[str | None, typer.Option(help="Of the maps.", show_default="3 um")] = None,
    junction: Annotated[str | None, typer.Option(help="Of a tandem, whose film is lit.")] = None,
    draws: Annotated[int, typer.Option(help="Sets of the free parameters drawn from their ranges.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the grains and of the draws.")] = 1,
    light: options.Light = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Soak films in light: halide segregation, as luminescence and its maps show it."""
    with command(json) as out:
        files.prepare(files.Place(output, csv))
        loaded = options.load(
            cells, light=options.shining(light, None, None), temperature=temperature, changes=changes
        )
        from perotwin.ageing.soak import Protocol
        from perotwin.report import soaked
        from perotwin.units import parse
        from perotwin.workflows.soak import soak as job
        from perotwin.workflows.soak import write_soaked

        given: dict[str, Any] = {"exposure": exposure, "side": side, "recovery": recovery}
        if maps is not None:
            given["maps"] = tuple(
                float(parse(part.strip(), "time")) for part in maps.split(",") if part.strip()
            )
        kept = {name: value for name, value in given.items() if value is not None}
        protocol = Protocol(**{"duration": duration, "seed": seed, **kept})
        found = job(loaded, protocol, junction=junction, draws=draws, seed=seed)
        for one in found:
            out.result(soaked.result(one))
        out.table(soaked.table(found))
        for sentence in soaked.words(found):
            out.say(sentence)
        if output is not None:
            written = write_soaked(found, output, csv=csv)
            out.say(f"written: {', '.join(map(str, written))}")


COMMANDS = (Entry(92, soak),)
