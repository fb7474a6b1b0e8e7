"""The main job: measure cells with every instrument, compare them, and leave files, figures and a report.

A cell's folder appears when that cell is complete, so an interrupted or failed run leaves nothing that
could be taken for a result; the report and the machine-readable results are written again after every cell.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin import lab, measurement, progress
from perotwin.errors import InputError, PerotwinError
from perotwin.report import CellResult, figures, machine, page

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Stack

__all__ = ["measure", "run", "unique_names"]

#: instruments of the main job, in order, with what the progress line calls them
_PARTS = {
    "jv": "J-V in the light",
    "jv-dark": "J-V in the dark",
    "eqe": "quantum efficiency",
    "bands": "energy bands",
}


def unique_names(cells: Sequence[Stack]) -> list[str]:
    """A name for each cell that can be a folder, unique among them ("my-cell", "my-cell-2")."""
    names: list[str] = []
    for cell in cells:
        base = re.sub(r"[^\w.+-]+", "-", cell.name).strip("-.") or "cell"
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}-{count}"
        names.append(name)
    return names


def measure(cell: Stack, name: str | None = None) -> CellResult:
    """Put one cell through all instruments of the main job.

    A measurement that does not exist for the cell (no quantum efficiency with prescribed generation) is
    recorded in ``absent``; a cell that cannot be solved keeps what was measured and carries the error.
    """
    result = CellResult(name or cell.name, cell)
    with progress.task(result.name, total=len(_PARTS)) as counter:
        for part, words in _PARTS.items():
            counter.advance(0, label=f"{result.name}: {words}")
            try:
                result.measurements[part] = _measure_part(cell, part)
            except InputError as reason:
                result.absent[part] = reason
            except PerotwinError as error:
                result.error = error
                break
            counter.advance()
    if "jv" in result.measurements:
        result.metrics = lab.jv.analyse(result.measurements["jv"])
    elif result.error is None:
        result.error = result.absent.get("jv")
    if "eqe" in result.measurements:
        result.eqe_metrics = lab.eqe.analyse(result.measurements["eqe"])
    return result


def _measure_part(cell: Stack, part: str) -> xr.Dataset:
    if part == "jv-dark":
        return lab.jv.measure(cell.with_light(intensity="0 sun"))
    instrument = {"jv": lab.jv, "eqe": lab.eqe, "bands": lab.bands}[part]
    made: xr.Dataset = instrument.measure(cell)
    return made


def run(cells: Sequence[Stack], out: str | Path | None = None) -> Iterator[CellResult]:
    """Measure each cell in turn and give its result when it is complete.

    With ``out`` every cell gets a folder with its stack file, measurements (NetCDF) and figures (SVG and
    PNG), and the folder itself the comparison figures, ``results.json`` and ``report.html``.
    """
    names = unique_names(cells)
    folder = None if out is None else _prepare(out, names)
    done: list[CellResult] = []
    for cell, name in zip(cells, names, strict=True):
        result = measure(cell, name)
        done.append(result)
        if folder is not None:
            progress.note(f"{name}: drawing and writing")
            _write_cell(result, folder)
            _write_summary(done, folder)
        yield result


def _prepare(out: str | Path, names: Sequence[str]) -> Path:
    """The output folder, made if need be, once it is sure that nothing of somebody else's is replaced."""
    folder = measurement.make_folder(out)
    ours = {"stack.toml", "figures", *(f"{part}.nc" for part in _PARTS)}
    for place in (folder / name for name in names):
        if not place.exists():
            continue
        foreign = (
            {entry.name for entry in place.iterdir()} - ours if place.is_dir() else {"a file of that name"}
        )
        if foreign:
            raise InputError(
                f"results would replace what is not a result ({', '.join(sorted(foreign))}).",
                "Give another output folder.",
                file=str(place),
            )
    return folder


def _write_cell(result: CellResult, folder: Path) -> None:
    """Everything of one cell, built beside its place and moved there in one step."""
    from perotwin.plotting import style

    place = folder / result.name
    building = Path(tempfile.mkdtemp(prefix=f".{result.name}-", dir=folder))
    try:
        building.chmod(0o755)
        measurement.write_text(building / "stack.toml", result.cell.to_toml())
        for part, dataset in result.measurements.items():
            measurement.save(dataset, building / f"{part}.nc")
        for figure_name, made in figures.figures_of(result).items():
            svg, _ = style.save(made, building / "figures" / figure_name)
            result.figures[figure_name] = place / "figures" / svg.name
        if place.exists():
            shutil.rmtree(place)
        building.rename(place)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write_summary(done: Sequence[CellResult], folder: Path) -> None:
    """The comparison of what is done so far."""
    from perotwin.plotting import style

    comparison = {
        name: style.save(made, folder / "figures" / name)[0]
        for name, made in figures.comparison_figures(done).items()
    }
    results = [machine.cell_result(result) for result in done]
    measurement.write_text(folder / "results.json", machine.to_text(machine.document(results)))
    measurement.write_text(folder / "report.html", page.render(done, comparison))
