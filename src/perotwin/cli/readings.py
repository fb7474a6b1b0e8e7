"""What commands share that take one measurement of each cell and read numbers from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.cli.output import Output

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics

Entry = Callable[["xr.Dataset", "Metrics"], dict[str, Any]]


def take(
    out: Output,
    instrument: str,
    stacks: Sequence[Any],
    given: Mapping[str, Any],
    output: str | None,
    entry: Entry,
    lights: Sequence[float] = (),
) -> None:
    """Measure each cell, and print, write and draw what was read.

    Args:
        out: where to.
        instrument: name of the module of `perotwin.lab`.
        stacks: the cells.
        given: what was said of the protocol; None where nothing was.
        output: folder for files, or None.
        entry: the JSON entry of a measurement (see `report.machine`).
        lights: bias lights (suns) for a series of each cell, or none.

    Raises:
        KeyboardInterrupt: again, once all that was measured until then is out.
    """
    from perotwin import lab
    from perotwin.cli import files
    from perotwin.errors import PerotwinError
    from perotwin.measurement import checks_of
    from perotwin.report import tables

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
            kept = error.context.get("measured")
            out.failed(stack.name, error, **({} if kept is None else entry(kept, tool.analyse(kept))))
            continue
        except KeyboardInterrupt:
            interrupted = True
            break
        for dataset in made:
            metrics = tool.analyse(dataset)
            out.result(entry(dataset, metrics))
            words = f"{stack.name} {dataset.attrs['light']:g} sun" if lights else stack.name
            name = files.unique(words, datasets)
            found[name], datasets[name] = metrics, dataset
            interrupted = interrupted or not dataset.attrs.get("complete", 1)
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
