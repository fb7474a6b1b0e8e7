"""perotwin age: a cell through the hours of a stability test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command

Cells = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CELL...]", help="Library names or TOML files (also of variants)."),
]


def age(
    cells: Cells = None,
    protocol: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="ISOS-D, -V, -L, -O, -T, -LC, -LT and a level 1 to 3; I for inert gas."
        ),
    ] = "ISOS-L-1",
    duration: Annotated[str, typer.Option(help="Of the test.")] = "1000 h",
    temperature: Annotated[
        str | None, typer.Option(help="One that the protocol allows.", show_default="the protocol's first")
    ] = None,
    bias: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="maximum-power, open-circuit, ...", show_default="the first"),
    ] = None,
    cycle: Annotated[
        str | None,
        typer.Option(metavar="PARTS", help='"12 h light, 12 h dark".', show_default="the protocol's"),
    ] = None,
    atmosphere: Annotated[
        str | None, typer.Option(metavar="KIND", help="inert, dry-air or air.", show_default="the protocol's")
    ] = None,
    draws: Annotated[int, typer.Option(help="Courses over the ranges of what is assumed: a band.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 1,
    rates: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Rates that --refit wrote.", show_default="the library's"),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the rates again; with -o write them there.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option("--processes", metavar="N", help="For draws, so many cores.", show_default="all"),
    ] = None,
    light: options.Light = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Let cells operate for hours: what is left, T80, which mechanism takes what, and how well that is known."""
    with command(json) as out:
        files.prepare(files.Place(output, csv))
        from perotwin.errors import InputError
        from perotwin.workflows import age as job

        if not cells and not refit:
            raise InputError("no cell was named.", "Name one, such as wbg-target.", key="CELL")
        if draws < 0:
            raise InputError(f"{draws} draws are none.", "Ask for some, or for none at all.", key="draws")
        found_rates, said = job.rates_for(rates)
        if refit:
            found_rates, said = job.fitted(found_rates), []
            _refitted(out, found_rates, output)
        if not cells:
            return
        loaded = options.load(cells, light=options.shining(light, None, None), changes=changes)
        given = _conditions(temperature, bias, cycle, atmosphere, light)
        plans = job.plans_for(loaded, protocol, duration, **given)
        done: list[Any] = []
        try:
            for one in job.age(loaded, plans, found_rates, output, said=said):
                done.append(one)
                if draws == 0:
                    out.result(job.machine_result(one))
            if draws:
                from perotwin.workflows.ageing_draws import with_bands

                done = with_bands(done, draws, seed, output, processes)
                for one in done:
                    out.result(job.machine_result(one))
        finally:
            if done:
                job.show(out, done)
                if output is not None:
                    written = job.write_aged(done, output, csv=csv)
                    out.say(f"written: {', '.join(map(str, written))}")


def _conditions(
    temperature: str | None, bias: str | None, cycle: str | None, atmosphere: str | None, light: str | None
) -> dict[str, Any]:
    """What differs from the protocol."""
    from perotwin.errors import InputError
    from perotwin.units import parse

    found: dict[str, Any] = {"bias": bias, "cycle": cycle}
    if temperature is not None:
        found["temperature"] = float(parse(temperature, "temperature"))
    if atmosphere is not None:
        from perotwin.ageing.conditions import Air, DryAir, Inert

        kinds: dict[str, Any] = {"inert": Inert, "dry-air": DryAir, "air": Air}
        if atmosphere not in kinds:
            raise InputError(
                f'there is no atmosphere "{atmosphere}".',
                f"Choose from {', '.join(kinds)}.",
                key="atmosphere",
            )
        found["atmosphere"] = kinds[atmosphere]()
    if light is not None:
        found["own_light"] = True
    return found


def _refitted(out: Output, rates: Any, output: str | None) -> None:
    from perotwin.ageing.rates import to_toml
    from perotwin.measurement import write_text
    from perotwin.report import tables

    table = tables.plain("rate", "per hour", "data points per rate")
    for name in ("trap_growth", "bare_patches"):
        table.add_row(
            name.replace("_", " "), f"{3600.0 * float(getattr(rates, name)):.4g}", f"{rates.per_rate:g}"
        )
    out.table(table)
    out.result(
        {
            "stack": "rates",
            "rates": {
                name: {"value": 3600.0 * float(getattr(rates, name)), "unit": "1/h"}
                for name in ("trap_growth", "bare_patches", "tin_oxidation")
            },
            "fitted_on": rates.fitted_on,
            "data_per_rate": rates.per_rate,
        }
    )
    out.say(f"fitted on {', '.join(f'{name} ({mark})' for name, mark in rates.fitted_on.items())}.")
    if output is not None:
        path = write_text(Path(output) / "rates.toml", to_toml(rates))
        out.say(f"written: {path}; use it with --rates {path}.")
    else:
        out.say("they hold for this run; -o FOLDER keeps them as rates.toml, for --rates.")


COMMANDS = (Entry(94, age),)
