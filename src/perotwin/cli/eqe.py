"""perotwin eqe: external quantum efficiency."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def eqe(
    cells: options.Cells,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    bias_light: Annotated[
        str | None,
        typer.Option(
            help="Of a tandem, to saturate the junction that is not measured: led, suns, none or wrong.",
            show_default="led",
        ),
    ] = None,
    bias: Annotated[
        str | None,
        typer.Option(help="Bias voltage.", show_default="0 V; of a tandem Voc of the junction not measured"),
    ] = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """External quantum efficiency, with reflectance and absorption by layer; of a tandem junction by junction."""
    place = files.Place(output, csv)
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import lab
        from perotwin.errors import PerotwinError
        from perotwin.measurement import checks_of
        from perotwin.report import machine, tables

        given = {"bias_light": bias_light, "bias": bias}
        protocol = lab.eqe.Protocol(**{name: value for name, value in given.items() if value is not None})
        files.prepare(place)
        datasets: dict[str, Any] = {}
        metrics: dict[str, Any] = {}
        for stack in stacks:
            try:
                dataset = lab.eqe.measure(stack, protocol)
            except PerotwinError as error:
                out.failed(stack.name, error)
                continue
            name = files.unique(stack.name, datasets)
            datasets[name], metrics[name] = dataset, lab.eqe.analyse(dataset)
            out.result(machine.instrument_result(lab.eqe.INSTRUMENT, dataset, metrics[name]))
        if datasets:
            rows: dict[str, Any] = {}
            for name, dataset in datasets.items():
                parts = lab.eqe.junctions(dataset)
                rows |= {f"{name}, {which}": (one, lab.eqe.analyse(one)) for which, one in parts.items()}
                if not parts:
                    rows[name] = (dataset, metrics[name])
            out.table(tables.spectral(rows))
            out.checks({name: checks_of(dataset) for name, dataset in datasets.items()})
            out.notes(datasets)
            for name, dataset in datasets.items():
                out.look_at(name, checks_of(dataset))
            files.write(out, place, lab.eqe.INSTRUMENT, datasets)


COMMANDS = (Entry(80, eqe),)
