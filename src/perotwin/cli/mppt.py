"""perotwin mppt: maximum-power-point tracking."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import options
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
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Track maximum power, perturb and observe: stabilised power and its spread."""
    with command(json) as out:
        stacks = options.load(cells, light=light, temperature=temperature, changes=changes)
        from perotwin import lab
        from perotwin.cli import files
        from perotwin.errors import PerotwinError
        from perotwin.measurement import checks_of
        from perotwin.report import machine, tables

        given = {"duration": duration, "perturbation": perturbation, "interval": interval, "start": start}
        protocol = lab.mppt.Protocol(**{name: value for name, value in given.items() if value is not None})
        folder = files.prepare(output)
        found: dict[str, Any] = {}
        datasets: dict[str, Any] = {}
        interrupted = False
        for stack in stacks:
            try:
                dataset = lab.mppt.measure(stack, protocol)
            except PerotwinError as error:
                kept = error.context.get("measured")
                out.failed(
                    stack.name,
                    error,
                    **({} if kept is None else machine.mppt_result(kept, lab.mppt.analyse(kept))),
                )
                continue
            except KeyboardInterrupt:
                interrupted = True
                break
            metrics = lab.mppt.analyse(dataset)
            out.result(machine.mppt_result(dataset, metrics))
            name = files.unique(stack.name, datasets)
            found[name], datasets[name] = metrics, dataset
            interrupted = not dataset.attrs["complete"]
            if interrupted:
                break
        if datasets:
            out.table(tables.readings(found))
            out.table(tables.checks({name: checks_of(dataset) for name, dataset in datasets.items()}))
            out.notes(datasets)
            for name, dataset in datasets.items():
                out.look_at(name, checks_of(dataset), dataset)
            files.write(out, folder, "mppt", datasets)
        if interrupted:
            raise KeyboardInterrupt
