"""What commands share that take one measurement of each cell and read numbers from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.cli import files
from perotwin.cli.output import Output

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument


def take(
    out: Output,
    instrument: Instrument,
    stacks: Sequence[Any],
    given: Mapping[str, Any],
    place: files.Place,
    series: Callable[[Any, Any], Sequence[xr.Dataset]] | None = None,
) -> None:
    """Measure each cell, and print, write and draw what was read.

    Args:
        out: where to.
        instrument: what measures.
        stacks: the cells.
        given: what was said of the protocol; None where nothing was.
        place: where files go.
        series: several measurements of a cell with a protocol, which differ in their light, instead of one.

    Raises:
        KeyboardInterrupt: again, once all that was measured until then is out.
    """
    from perotwin.errors import PerotwinError
    from perotwin.measurement import checks_of
    from perotwin.report import machine, tables

    protocol = instrument.protocol(**{name: value for name, value in given.items() if value is not None})
    files.prepare(place)
    found: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    interrupted = False
    for stack in stacks:
        try:
            made = [instrument.measure(stack, protocol)] if series is None else series(stack, protocol)
        except PerotwinError as error:
            kept = error.context.get("measured")
            entry = (
                {} if kept is None else machine.instrument_result(instrument, kept, instrument.analyse(kept))
            )
            out.failed(stack.name, error, **entry)
            continue
        except KeyboardInterrupt:
            interrupted = True
            break
        for dataset in made:
            metrics = instrument.analyse(dataset)
            out.result(machine.instrument_result(instrument, dataset, metrics))
            words = stack.name if series is None else f"{stack.name} {dataset.attrs['light']:g} sun"
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
        files.write(out, place, instrument, datasets, draw_each=series is None)
    if interrupted:
        raise KeyboardInterrupt
