"""perotwin eqe: external quantum efficiency."""

from __future__ import annotations

from typing import Any

from perotwin.cli import options
from perotwin.cli.output import command


def eqe(
    cells: options.Cells,
    light: options.Light = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """External quantum efficiency, with reflectance and absorption by layer."""
    with command(json) as out:
        stacks = options.load(cells, light=light, temperature=temperature, changes=changes)
        from perotwin import lab
        from perotwin.cli import files
        from perotwin.errors import PerotwinError
        from perotwin.measurement import checks_of
        from perotwin.report import machine, tables

        folder = files.prepare(output)
        datasets: dict[str, Any] = {}
        metrics: dict[str, Any] = {}
        for stack in stacks:
            try:
                dataset = lab.eqe.measure(stack)
            except PerotwinError as error:
                out.failed(stack.name, error)
                continue
            name = files.unique(stack.name, datasets)
            datasets[name], metrics[name] = dataset, lab.eqe.analyse(dataset)
            out.result(machine.eqe_result(dataset, metrics[name]))
        if datasets:
            out.table(tables.spectral({name: (datasets[name], metrics[name]) for name in datasets}))
            out.table(tables.checks({name: checks_of(dataset) for name, dataset in datasets.items()}))
            out.notes(datasets)
            for name, dataset in datasets.items():
                out.look_at(name, checks_of(dataset))
            files.write(out, folder, "eqe", datasets)
