"""perotwin jv: current-voltage curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command

if TYPE_CHECKING:
    from pathlib import Path

    from perotwin.stack import Cell


def jv(
    cells: options.Cells,
    light: options.Light = None,
    angle: options.Angle = None,
    both_sides: options.BothSides = None,
    temperature: options.Temperature = None,
    start: Annotated[str | None, typer.Option(help='First voltage, such as 0 or "-0.2 V".')] = None,
    stop: Annotated[str | None, typer.Option(help='Last voltage, such as "1.3 V".')] = None,
    step: Annotated[str | None, typer.Option(help='Voltage step, such as "10 mV".')] = None,
    scan: Annotated[
        str | None, typer.Option(metavar="DIRECTIONS", help="Scan in time: reverse,forward or one of them.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help='Of a scan: "100 mV/s", a ramp.')] = None,
    delay: Annotated[str | None, typer.Option(help='Of a scan, instead of a rate: "0.1 s" a point.')] = None,
    preconditioning: Annotated[
        str | None, typer.Option(metavar="HOLD", help='Before a scan, under light: "1.3 V, 60 s".')
    ] = None,
    rest: Annotated[
        str | None,
        typer.Option(help='Before all that, settled: "0.9 V, 1 sun".', show_default="0 V in the dark"),
    ] = None,
    dwell: Annotated[
        str | None, typer.Option(help='Before a scan, at its first voltage: "10 s".', show_default="10 s")
    ] = None,
    changes: options.Set = None,
    vary: Annotated[str | None, typer.Option(metavar="PATH", help="Sweep this number of the stack.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First value of the sweep.")] = None,
    to: Annotated[str | None, typer.Option(help="Last value of the sweep.")] = None,
    steps: Annotated[int, typer.Option(help="Number of values.")] = 5,
    log: Annotated[bool, typer.Option("--log", help="Space the values evenly in the logarithm.")] = False,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Current-voltage curve, steady or scanned in time; with --vary, against one number of the stack."""
    with command(json) as out:
        stacks = options.load(
            cells, light=options.shining(light, angle, both_sides), temperature=temperature, changes=changes
        )
        given = {"start": start, "stop": stop, "step": step}
        protocol = {name: value for name, value in given.items() if value is not None}
        told = {
            "directions": scan, "rate": rate, "delay": delay, "preconditioning": preconditioning, "rest": rest,
            "dwell": dwell,
        }  # fmt: skip
        scanned = {name: value for name, value in told.items() if value is not None}
        if scanned:
            from perotwin.cli import scans

            scans.refuse_sweep(vary, from_, to)
            scans.curves(out, stacks, {**protocol, **scanned}, files.Place(output, csv))
        elif vary is not None or from_ is not None or to is not None:
            swept = options.swept(vary, from_, to, 'perovskite.thickness --from "300 nm" --to "600 nm"')
            _sweep(out, stacks, protocol, swept, steps, log, files.Place(output, csv))
        else:
            _curves(out, stacks, protocol, files.Place(output, csv))


def _curves(out: Output, stacks: list[Cell], given: dict[str, str], place: files.Place) -> None:
    from perotwin import lab
    from perotwin.errors import PerotwinError
    from perotwin.lab import junctions
    from perotwin.measurement import checks_of
    from perotwin.report import machine, tables

    protocol = lab.jv.Protocol(**given)
    files.prepare(place)
    rows: list[tuple[str, Any]] = []
    datasets: dict[str, Any] = {}
    interrupted = False
    for stack in stacks:
        taken: dict[str, Any] = {}
        try:
            for which, cell in junctions.terminals(stack).items():
                dataset = lab.jv.measure(cell, protocol)
                taken[which] = dataset, lab.jv.analyse(dataset)
        except PerotwinError as error:
            out.failed(stack.name, error)
            continue
        except KeyboardInterrupt:
            interrupted = True
            break
        if "" in taken:
            dataset, metrics = taken[""]
            out.result(machine.instrument_result(lab.jv.INSTRUMENT, dataset, metrics))
            own = junctions.metrics(dataset)
        else:
            own = {which: metrics for which, (_, metrics) in taken.items()}
            metrics = junctions.together(own)
            out.result(machine.terminals_result(stack.name, lab.jv.INSTRUMENT, taken, metrics))
        rows.append((stack.name, metrics))
        rows.extend((f"  {which} junction alone", one) for which, one in own.items())
        for dataset, _ in taken.values():
            datasets[files.unique(str(dataset.attrs["stack"]), datasets)] = dataset
    if rows:
        out.table(tables.metrics_table(rows))
        for name, dataset in datasets.items():
            said = junctions.words(dataset)
            if said:
                out.say(f"{name}: {said}")
        out.checks({name: checks_of(dataset) for name, dataset in datasets.items()})
        out.notes(datasets)
        for name, dataset in datasets.items():
            out.look_at(name, checks_of(dataset), dataset)
        files.write(out, place, lab.jv.INSTRUMENT, datasets)
    if interrupted:
        raise KeyboardInterrupt


def _sweep(
    out: Output,
    stacks: list[Cell],
    given: dict[str, str],
    swept: tuple[str, str, str],
    steps: int,
    log: bool,
    place: files.Place,
) -> None:
    from perotwin import lab, study
    from perotwin.measurement import checks_of
    from perotwin.report import machine, tables

    path, first, last = swept
    protocol = lab.jv.Protocol(**given)
    files.prepare(place)
    datasets: dict[str, Any] = {}
    solved: dict[str, list[tuple[float, Any]]] = {}
    unit = "1"
    try:
        for stack in stacks:
            written = study.values(stack, path, first, last, steps, log=log)
            rows: list[tuple[str, Any]] = []
            metrics: list[tuple[Any, Any]] = []

            def job(cell: Cell) -> Any:
                dataset = lab.jv.measure(cell, protocol)
                return dataset, lab.jv.analyse(dataset)

            try:
                for point in study.sweep(stack, path, written, job):
                    varied = {"path": path, "value": point.number, "unit": point.unit}
                    if point.error is not None:
                        out.failed(f"{stack.name} at {point.written}", point.error, vary=varied)
                        rows.append((point.written, "failed"))
                        continue
                    assert point.result is not None
                    out.result(
                        {**machine.instrument_result(lab.jv.INSTRUMENT, *point.result), "vary": varied}
                    )
                    rows.append((point.written, point.result[1]))
                    metrics.append((point, point.result[1]))
                    dataset = point.result[0]
                    # The measurement says which of the cells of the sweep it belongs to.
                    dataset.attrs["stack"] = f"{stack.name}, {point.written}"
                    dataset.attrs |= {
                        "varied_of": stack.name,
                        "varied_path": path,
                        "varied_value": point.number,
                        "varied_unit": point.unit,
                    }
                    unit = point.unit
                    solved.setdefault(stack.name, []).append((point.number, point.result[1]))
                    datasets[files.unique(f"{stack.name}-{point.written}", datasets)] = dataset
                    out.look_at(f"{stack.name} at {point.written}", checks_of(dataset), dataset)
            finally:
                # Also after an interruption: what was done is shown, and kept.
                if rows:
                    out.say(f"{stack.name}, {path}")
                    out.table(tables.metrics_table(rows, first=path))
                    _table(out, place, stack, path, metrics)
    finally:
        if datasets:
            files.write(out, place, lab.jv.INSTRUMENT, datasets, draw_each=False)
            _metrics_figure(out, place, path, unit, solved)


def _table(out: Output, place: files.Place, stack: Cell, path: str, metrics: list[tuple[Any, Any]]) -> None:
    """The metrics against what was varied, as CSV, if a folder was given."""
    from perotwin import measurement

    if place.folder is None or not metrics:
        return
    head = f"{path} ({metrics[0][0].unit})"
    name = f"{files.unique(stack.name, ())}-{files.unique(path, ())}.csv"
    rows = [((point.number,), found) for point, found in metrics]
    out.say(f"written: {measurement.write_metrics_csv(Path(place.folder) / name, (head,), rows)}")


def _metrics_figure(
    out: Output, place: files.Place, path: str, unit: str, solved: dict[str, list[tuple[float, Any]]]
) -> None:
    """Draw the metrics against what was varied, if a folder was given."""
    if place.folder is None:
        return
    from perotwin.plotting import style, sweeps

    stem = Path(place.folder) / f"{files.unique(path, ())}-metrics"
    drawn = style.save(sweeps.metrics(path, unit, solved), stem)
    out.say(f"written: {', '.join(str(one) for one in drawn)}")


COMMANDS = (Entry(20, jv),)
