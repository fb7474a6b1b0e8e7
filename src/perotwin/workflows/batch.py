"""A batch of virtual devices, its statistics and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin import measurement, progress
from perotwin.lab import statistics
from perotwin.report import batches, machine
from perotwin.study.batch import batch as drawn
from perotwin.study.spread import read_spread

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.stack import Cell

__all__ = ["batch", "write_batch"]

#: name of the files
_STEM = "statistics"


def batch(
    cells: Sequence[Cell],
    devices: int = 30,
    spread: str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    processes: int | None = None,
) -> tuple[xr.Dataset, Metrics, list[Path]]:
    """Devices of each cell, drawn from a spread file or the usual spread; see `study.batch`. Also when interrupted.

    Args:
        cells: under their own light. devices: of each. spread: a file. seed: of the draws.
        processes: on which to work; None takes all cores.
        out: a folder for the devices (NetCDF, CSV), the numbers (JSON) and the box plots.

    Returns:
        The devices, what is read of them, and the files.
    """
    folder = None if out is None else measurement.make_folder(out)
    how = None if spread is None else read_spread(spread)
    made = drawn(cells, devices, how, seed, processes=processes)
    found = statistics.analyse(made)
    return made, found, [] if folder is None else write_batch(made, found, folder)


def write_batch(made: xr.Dataset, found: Metrics, folder: Path) -> list[Path]:
    """Write devices, what is read of them and the box plots into a folder."""
    from perotwin.plotting import style

    progress.note("drawing and writing")
    stem = folder / _STEM
    result = machine.instrument_result(statistics.INSTRUMENT, made, found)
    return [
        measurement.save(made, stem.with_name(f"{_STEM}.nc")),
        batches.write_devices(made, stem.with_name(f"{_STEM}.csv")),
        measurement.write_text(stem.with_name(f"{_STEM}.json"), machine.to_text(machine.document([result]))),
        *style.save(statistics.plot(made), stem),
    ]
