"""perotwin statistics: batches of virtual devices, or tables of measured ones, and what their groups differ by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.instruments import is_measured
from perotwin.cli.output import command

if TYPE_CHECKING:
    import xarray as xr


def statistics(
    named: Annotated[
        list[str],
        typer.Argument(metavar="CELL|FILE...", help="Cells to draw devices of, or tables of devices."),
    ],
    devices: Annotated[int, typer.Option("--devices", metavar="N", help="Devices of each cell.")] = 30,
    spread: options.Spread = None,
    posterior: options.Posterior = None,
    seed: options.Seed = None,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    processes: options.Processes = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Draw a batch of devices and compare its groups: medians, means with intervals, Welch and Mann-Whitney tests."""
    with command(json) as out:
        files.prepare(files.Place(output, False))
        measured = [name for name in named if is_measured(name)]
        described = [name for name in named if name not in measured]
        from perotwin import measurement, workflows
        from perotwin.lab import statistics as instrument
        from perotwin.report import batches, machine

        parts: list[xr.Dataset] = []
        if described:
            cells = options.load(
                described, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
            )  # fmt: skip
            parts.append(workflows.batch(cells, devices, spread, None, seed, processes, posterior)[0])
        for name in measured:
            parts += _read(name)
        made = instrument.together(parts)
        found = instrument.analyse(made)
        out.result(machine.instrument_result(instrument.INSTRUMENT, made, found))
        for table in batches.tables_of(instrument.groups_of(made), found):
            out.table(table)
        for note in measurement.notes_of(made):
            out.say(note)
        for note in instrument.remarks(made):
            out.say(note)
        if output is not None:
            written = workflows.write_batch(made, found, Path(output))
            out.say(f"written: {', '.join(map(str, written))}")
        if not made.attrs.get("complete", 1):
            raise KeyboardInterrupt


def _read(name: str) -> list[Any]:
    """The tables of devices of a file; one without groups is a group by the file's name."""
    from perotwin import measurement
    from perotwin.files import read

    if Path(name).suffix == ".nc":
        return [measurement.load(name)]
    found = []
    for one in read(name, instrument="statistics"):
        dataset = one.dataset
        if "group" not in dataset.coords:
            label = str(dataset.attrs.get("stack") or Path(name).stem)
            dataset = dataset.assign_coords(group=("device", [label] * dataset.sizes["device"]))
        found.append(dataset)
    return found


COMMANDS = (Entry(135, statistics),)
