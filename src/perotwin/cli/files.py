"""Data and figures of a single instrument, for the commands that take -o FOLDER."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin.cli.output import Output

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument


def unique(name: str, taken: Iterable[str]) -> str:
    """``name`` as part of a file name, with a number when it is taken."""
    from perotwin.measurement import file_name

    return file_name(name, taken)


def prepare(folder: str | None) -> Path | None:
    """The folder of ``-o``, ready to be written into before anything is computed; None when none was given."""
    if folder is None:
        return None
    from perotwin.measurement import make_folder

    return make_folder(folder)


def write(
    out: Output,
    folder: Path | None,
    instrument: Instrument,
    datasets: Mapping[str, xr.Dataset],
    *,
    draw_each: bool = True,
) -> None:
    """Write each measurement as NetCDF, and draw each and all together, into ``folder`` if one was given."""
    if folder is None:
        return
    from perotwin import measurement
    from perotwin.plotting import style

    written: list[Path] = []
    for name, dataset in datasets.items():
        stem = folder / f"{name}-{instrument.name}"
        written.append(measurement.save(dataset, stem.with_name(stem.name + ".nc")))
        if draw_each:
            written.extend(style.save(instrument.plot(dataset), stem))
    if len(datasets) > 1 and instrument.drawn_together:
        written.extend(style.save(instrument.plot(list(datasets.values())), folder / instrument.name))
    names = ", ".join(str(path) for path in written)
    out.say(f"written: {names}" if len(written) < 10 else f"written: {len(written)} files in {folder}")
