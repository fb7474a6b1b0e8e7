"""Data and figures of a single instrument, for the commands that take -o FOLDER."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perotwin.cli.output import Output

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument


def unique(name: str, taken: Iterable[str]) -> str:
    """``name`` as part of a file name, with a number when it is taken."""
    from perotwin.measurement import file_name

    return file_name(name, taken)


class Place(NamedTuple):
    """Where results go: the folder of ``-o``, None when none was given, and whether CSV is written there too."""

    folder: str | None
    csv: bool = False


def prepare(place: Place) -> None:
    """Make the folder, before anything is computed.

    Raises:
        InputError: nothing can be written there, or CSV was asked for without a folder.
    """
    if place.folder is not None:
        from perotwin.measurement import make_folder

        make_folder(place.folder)
    elif place.csv:
        from perotwin.errors import InputError

        raise InputError("--csv writes files, and no folder is named for them.", "Add -o FOLDER.")


def write(
    out: Output,
    place: Place,
    instrument: Instrument,
    datasets: Mapping[str, xr.Dataset],
    *,
    draw_each: bool = True,
) -> None:
    """Write each measurement as NetCDF (and CSV), and draw each and all together, if a folder was given."""
    if place.folder is None:
        return
    folder = Path(place.folder)
    from perotwin import measurement
    from perotwin.plotting import style

    written: list[Path] = []
    for name, dataset in datasets.items():
        stem = folder / f"{name}-{instrument.name}"
        written.append(measurement.save(dataset, stem.with_name(stem.name + ".nc")))
        if place.csv:
            written.append(
                measurement.write_measurements_csv(stem.with_name(stem.name + ".csv"), {name: dataset})
            )
        if draw_each:
            written.extend(style.save(instrument.plot(dataset), stem))
    if len(datasets) > 1 and instrument.drawn_together:
        written.extend(style.save(instrument.plot(list(datasets.values())), folder / instrument.name))
    if len(datasets) > 1 and place.csv:
        written.append(measurement.write_measurements_csv(folder / f"{instrument.name}.csv", datasets))
    names = ", ".join(str(path) for path in written)
    out.say(f"written: {names}" if len(written) < 10 else f"written: {len(written)} files in {folder}")
