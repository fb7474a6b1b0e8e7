"""Design studies and their files: the best values of some numbers, a map over two, what the efficiency hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin import measurement, progress, study
from perotwin.report import designs, machine
from perotwin.workflows.run import unique_names

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from perotwin.stack import Cell
    from perotwin.study import Optimum, Sensitivity

__all__ = ["best", "field_map", "hangs_on"]


def best(
    cell: Cell,
    vary: Sequence[str],
    out: str | Path | None = None,
    objective: str = "pce",
    processes: int | None = None,
) -> tuple[Optimum, list[Path]]:
    """See `study.optimise`; with `out` it leaves the best cell (TOML), every cell that was tried (CSV), the numbers
    (JSON) and a figure there. Also when it was interrupted.

    Returns:
        The optimum, and the files.
    """
    folder = None if out is None else measurement.make_folder(out)
    found = study.optimise(cell, vary, objective, processes=processes)
    if folder is None:
        return found, []
    stem = folder / f"{unique_names([cell])[0]}-optimum"
    toml = measurement.write_text(stem.with_name(f"{stem.name}.toml"), found.best.to_toml())
    table = designs.write_trials(found, stem.with_name(f"{stem.name}.csv"))
    document = _json(stem, designs.optimum_result(found))
    return found, [toml, table, document, *_drawn(stem, designs.optimum_figure(found))]


def field_map(
    cell: Cell,
    x: str,
    y: str,
    out: str | Path | None = None,
    steps: int | tuple[int, int] = 21,
    processes: int | None = None,
) -> tuple[xr.Dataset, list[Path]]:
    """See `study.map_of`; with `out` it leaves the map there as NetCDF, CSV and figure. Also when it was interrupted.

    Returns:
        The map, and the files.
    """
    folder = None if out is None else measurement.make_folder(out)
    made = study.map_of(cell, x, y, steps, processes=processes)
    if folder is None:
        return made, []
    stem = folder / f"{unique_names([cell])[0]}-map"
    data = measurement.save(made, stem.with_name(f"{stem.name}.nc"))
    table = designs.write_map(made, stem.with_name(f"{stem.name}.csv"))
    return made, [data, table, *_drawn(stem, designs.map_figure(made))]


def hangs_on(
    cell: Cell,
    fields: Sequence[str] = (),
    out: str | Path | None = None,
    objective: str = "pce",
    processes: int | None = None,
) -> tuple[Sensitivity, list[Path]]:
    """See `study.sensitivity`; with `out` it leaves the numbers (CSV, JSON) and a figure there.

    Returns:
        The answer, and the files.
    """
    folder = None if out is None else measurement.make_folder(out)
    found = study.sensitivity(cell, fields, objective, processes=processes)
    if folder is None:
        return found, []
    stem = folder / f"{unique_names([cell])[0]}-sensitivity"
    table = designs.write_sensitivity(found, stem.with_name(f"{stem.name}.csv"))
    document = _json(stem, designs.sensitivity_result(found))
    return found, [table, document, *_drawn(stem, designs.sensitivity_figure(found))]


def _json(stem: Path, result: dict[str, object]) -> Path:
    return measurement.write_text(
        stem.with_name(f"{stem.name}.json"), machine.to_text(machine.document([result]))
    )


def _drawn(stem: Path, figure: Figure) -> tuple[Path, Path]:
    from perotwin.plotting import style

    progress.note("drawing and writing")
    return style.save(figure, stem)
