"""What commands share that take one measurement of each cell and read numbers from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.cli import files
from perotwin.cli.output import Output

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument


def take(
    out: Output,
    instrument: Instrument,
    subjects: Sequence[Any],
    given: Mapping[str, Any],
    place: files.Place,
    series: Callable[[Any, Any], Sequence[xr.Dataset]] | None = None,
    measured: Sequence[str] = (),
) -> None:
    """Measure each cell or sample, read each measured file, and print, write and draw what was read.

    Args:
        out: where to.
        instrument: what measures.
        subjects: the cells or the samples.
        given: what was said of the protocol; None where nothing was.
        place: where files go.
        series: several measurements of a cell with a protocol, which differ in their light, instead of one.
        measured: files of data.

    Raises:
        KeyboardInterrupt: again, once all that was measured until then is out.
    """
    from perotwin.measurement import checks_of
    from perotwin.report import tables

    protocol = instrument.protocol(**{name: value for name, value in given.items() if value is not None})
    files.prepare(place)
    found: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    interrupted = False
    try:
        for name, made, metrics in _all(out, instrument, subjects, protocol, series, measured):
            unique = files.unique(name, found)
            found[unique] = metrics
            parts = {"": made} if hasattr(made, "data_vars") else made
            for which, dataset in parts.items():
                datasets[files.unique(f"{unique}-{which}" if which else unique, datasets)] = dataset
            if not all(dataset.attrs.get("complete", 1) for dataset in parts.values()):
                interrupted = True
                break
    except KeyboardInterrupt:
        interrupted = True
    if datasets:
        out.table(tables.readings(found))
        _compare(out, instrument, datasets)
        out.checks({name: checks_of(dataset) for name, dataset in datasets.items()})
        out.notes(datasets)
        for name, dataset in datasets.items():
            out.look_at(name, checks_of(dataset), dataset)
        files.write(out, place, instrument, datasets, draw_each=series is None)
    if interrupted:
        raise KeyboardInterrupt


def _compare(out: Output, instrument: Instrument, datasets: Mapping[str, xr.Dataset]) -> None:
    """Say what the first measurement is against the others, where the instrument compares."""
    if instrument.compare is None or len(datasets) < 2:
        return
    from perotwin.errors import InputError
    from perotwin.report import tables

    first, *others = datasets
    try:
        metrics = instrument.compare(list(datasets.values()))
    except InputError as reason:
        out.say(f"{first} is not compared with {', '.join(others)}: {reason.message}")
        return
    out.table(tables.readings({first: metrics}, title=f"against {', '.join(others)}"))
    out.result({"compared": first, "against": others, "metrics": metrics.to_json()})


def _all(
    out: Output,
    instrument: Instrument,
    subjects: Sequence[Any],
    protocol: Any,
    series: Callable[[Any, Any], Sequence[xr.Dataset]] | None,
    measured: Sequence[str],
) -> Iterator[tuple[str, Any, Any]]:
    """Name, measurement and metrics of each that can be had; the others are recorded as failed."""
    from perotwin.errors import PerotwinError
    from perotwin.report import machine

    for subject in subjects:
        try:
            made = [instrument.measure(subject, protocol)] if series is None else series(subject, protocol)
        except PerotwinError as error:
            kept = error.context.get("measured")
            entry = (
                {} if kept is None else machine.instrument_result(instrument, kept, instrument.analyse(kept))
            )
            out.failed(subject.name, error, **entry)
            continue
        for one in made:
            words = subject.name if series is None else f"{subject.name} {one.attrs['light']:g} sun"
            metrics = instrument.analyse(one)
            out.result(machine.instrument_result(instrument, one, metrics))
            yield words, one, metrics
    for path in measured:
        try:
            from perotwin.files import read

            for one in read(path, instrument=instrument.name):
                metrics = instrument.analyse(one.dataset)
                out.result(machine.instrument_result(instrument, one.dataset, metrics))
                yield str(one.dataset.attrs["stack"]), one.dataset, metrics
        except PerotwinError as error:
            out.failed(path, error)
