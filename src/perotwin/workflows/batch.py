"""A batch of virtual devices, its statistics and its files; a large one kept in a store that goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin import measurement, progress
from perotwin.lab import statistics
from perotwin.report import batches, machine, study_page
from perotwin.study.batch import batch as drawn
from perotwin.study.spread import read_spread

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.stack import Cell

__all__ = ["batch", "stored_batch", "write_batch"]

#: name of the files
_STEM = "statistics"


def batch(
    cells: Sequence[Cell],
    devices: int = 30,
    spread: str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    processes: int | None = None,
    posterior: str | Path | None = None,
) -> tuple[xr.Dataset, Metrics, list[Path]]:
    """Devices of each cell, drawn from a spread file or the usual spread; see `study.batch`. Also when interrupted.

    Args:
        cells: under their own light. devices: of each. spread: a file. seed: of the draws.
        processes: on which to work; None takes all cores. posterior: of a fit of the only cell, instead of a spread.
        out: a folder for the devices (NetCDF, CSV), the numbers (JSON) and the box plots.

    Returns:
        The devices, what is read of them, and the files.
    """
    folder = None if out is None else measurement.make_folder(out)
    how = None if spread is None else read_spread(spread)
    made = drawn(cells, devices, how, seed, posterior=posterior, processes=processes)
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


def stored_batch(
    cells: Sequence[Cell],
    draws: int,
    out: str | Path,
    spread: str | Path | None = None,
    posterior: str | Path | None = None,
    seed: int | None = None,
    processes: int | None = None,
) -> tuple[xr.Dataset, Metrics, list[Path]]:
    """Many devices of each cell, kept in a folder as they are done; see `study.batch`. The same call goes on with what
    was stopped or killed. Also when interrupted.

    Args:
        cells: under their own light. draws: devices of each. out: the folder.
        spread: a file; posterior: of a fit of the only cell, instead. seed: of the draws.
        processes: on which to work; None takes all cores.

    Returns:
        The devices, what is read of them, and the files: of a batch that is complete the page, the distributions, the
        numbers (JSON) and all devices (Parquet).
    """
    how = None if spread is None else read_spread(spread)
    made = drawn(cells, draws, how, seed, posterior=posterior, store=out, processes=processes)
    found = statistics.analyse(made)
    folder = Path(out)
    if not made.attrs["complete"]:
        return made, found, []
    return made, found, _write_stored(made, found, folder)


def _write_stored(made: xr.Dataset, found: Metrics, folder: Path) -> list[Path]:
    from perotwin.plotting import histograms, style

    progress.note("drawing and writing")
    groups = histograms.by_group(
        [str(one) for one in made["group"].values], {name: made[name].values for name in histograms.FIGURES}
    )
    figures = style.save(histograms.distributions(groups), folder / "batch")
    result = batches.stored_result(made, found)
    document = measurement.write_text(
        folder / "batch-summary.json", machine.to_text(machine.document([result]))
    )
    whole = folder / "batch.parquet"
    caption = (
        "Devices by their figures of merit: medians (lines) and what holds 95 % of them (dashed). A thousandth on "
        "either side lies outside the panels."
    )
    count = made.sizes["device"]
    sections = [
        study_page.Section(
            "figures of merit",
            [f"{count} devices, drawn from {made.attrs['spread']}, seed {made.attrs['seed']}."],
            [study_page.Drawn(figures[0], caption)],
            [study_page.Tabled(batches.QUANTILE_HEADS, batches.quantile_rows(made))],
            [
                *measurement.notes_of(made),
                *(f"{number} devices: {why}" for why, number in batches.failures(made)[:20]),
            ],
        )
    ]
    name = " and ".join(groups)
    page = study_page.render_study(f"A batch of {name}", sections, folder=folder, files=[whole, document])
    return [measurement.write_text(folder / "batch.html", page), whole, document, *figures]
