"""perotwin tpv and perotwin tpc: a small pulse of light, and the decay of voltage or current after it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import options
from perotwin.cli.output import Output, command

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
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Transient photovoltage: lifetime of a small pulse at open circuit under the cell's light."""
    given = {"pulse": pulse, "width": width, "duration": duration}
    with command(json) as out:
        stacks = options.load(cells, light=light, temperature=temperature, changes=changes)
        _run(out, "tpv", stacks, given, output, _intensities(lights, light))


def tpc(
    cells: options.Cells,
    pulse: Annotated[str | None, typer.Option(help="Extra light.", show_default="0.1 sun")] = None,
    width: Width = None,
    load: Annotated[
        str | None, typer.Option(help="Resistor across the cell, times area.", show_default="1 ohm cm^2")
    ] = None,
    duration: Duration = None,
    light: options.Light = None,
    temperature: options.Temperature = None,
    changes: options.Set = None,
    output: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Transient photocurrent: extraction time of a small pulse at short circuit, over a small load."""
    given = {"pulse": pulse, "width": width, "load": load, "duration": duration}
    with command(json) as out:
        stacks = options.load(cells, light=light, temperature=temperature, changes=changes)
        _run(out, "tpc", stacks, given, output, ())


def _intensities(lights: str | None, light: str | None) -> tuple[float, ...]:
    """Suns of a list as people write it."""
    if lights is None:
        return ()
    from perotwin import units
    from perotwin.errors import InputError

    if light is not None:
        raise InputError("--light and --lights exclude each other.", "Give one of them.")
    return tuple(float(units.parse(part.strip(), "intensity")) for part in lights.split(",") if part.strip())


def _run(
    out: Output,
    instrument: str,
    stacks: list[Any],
    given: dict[str, Any],
    output: str | None,
    lights: tuple[float, ...],
) -> None:
    from perotwin import lab
    from perotwin.cli import files
    from perotwin.errors import PerotwinError
    from perotwin.measurement import checks_of
    from perotwin.report import machine, tables

    tool = getattr(lab, instrument)
    protocol = tool.Protocol(**{name: value for name, value in given.items() if value is not None})
    folder = files.prepare(output)
    found: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    interrupted = False
    for stack in stacks:
        try:
            made = tool.series(stack, lights, protocol) if lights else [tool.measure(stack, protocol)]
        except PerotwinError as error:
            out.failed(stack.name, error)
            continue
        except KeyboardInterrupt:
            interrupted = True
            break
        for dataset in made:
            metrics = tool.analyse(dataset)
            out.result(machine.pulse_result(dataset, metrics))
            words = f"{stack.name} {dataset.attrs['light']:g} sun" if lights else stack.name
            name = files.unique(words, datasets)
            found[name], datasets[name] = metrics, dataset
            interrupted = interrupted or not dataset.attrs["complete"]
        if interrupted:
            break
    if datasets:
        out.table(tables.readings(found))
        out.table(tables.checks({name: checks_of(dataset) for name, dataset in datasets.items()}))
        out.notes(datasets)
        for name, dataset in datasets.items():
            out.look_at(name, checks_of(dataset), dataset)
        files.write(out, folder, instrument, datasets, draw_each=not lights)
    if interrupted:
        raise KeyboardInterrupt
