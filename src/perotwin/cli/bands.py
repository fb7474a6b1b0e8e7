"""perotwin bands: the energy diagram."""

from __future__ import annotations

from typing import Any

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def bands(
    cells: options.Cells,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Energy bands in the dark, at short circuit, at maximum power and at open circuit; -o draws them."""
    place = files.Place(output, csv)
    with command(json) as out:
        stacks = options.load_measured(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        from perotwin import lab
        from perotwin.errors import PerotwinError
        from perotwin.measurement import checks_of
        from perotwin.report import machine, tables

        files.prepare(place)
        datasets: dict[str, Any] = {}
        interrupted = False
        for stack in stacks:
            try:
                dataset = lab.bands.measure(stack)
            except PerotwinError as error:
                out.failed(stack.name, error)
                continue
            except KeyboardInterrupt:
                interrupted = True
                break
            out.result(machine.instrument_result(lab.bands.INSTRUMENT, dataset, lab.bands.analyse(dataset)))
            out.table(tables.band_edges(stack.name, dataset))
            datasets[files.unique(stack.name, datasets)] = dataset
        out.notes(datasets)
        for name, dataset in datasets.items():
            out.look_at(name, checks_of(dataset))
        files.write(out, place, lab.bands.INSTRUMENT, datasets)
        if interrupted:
            raise KeyboardInterrupt


COMMANDS = (Entry(100, bands),)
