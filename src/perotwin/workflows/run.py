"""The main job: measure cells with every instrument, compare them, and leave files, figures and a report.

A cell's folder appears when that cell is complete, so an interrupted or failed run leaves nothing that
could be taken for a result; the report and the machine-readable results are written again after every cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from perotwin import lab, measurement, progress
from perotwin.errors import InputError, PerotwinError, nearest
from perotwin.recipe import Made, record
from perotwin.report import CellResult, figures, machine, page
from perotwin.report.result import EXPERIMENTS
from perotwin.workflows.made import made_text

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell

__all__ = ["chosen", "measure", "run", "unique_names"]

#: those that are done unless said
_DEFAULT = ("jv", "jv-dark", "eqe", "bands")
#: cells along each side of a map
_STEPS = 21
#: measurements of an experiment that has more than one
_SCANS = ("scan-reverse", "scan-forward")
#: what stands in a cell's folder
_OURS = {
    "stack.toml", "recipe.toml", "sample.nc", "figures", *(f"{part}.nc" for part in (*EXPERIMENTS, *_SCANS)),
}  # fmt: skip


class Named(Protocol):
    """Something with a name: a cell, a made cell, a recipe."""

    @property
    def name(self) -> str: ...


def _known() -> tuple[str, ...]:
    """Experiments that a user can name; the dark curve comes with the lit one."""
    return tuple(name for name in EXPERIMENTS if name in lab.__all__ or name == "map")


def chosen(experiments: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """Experiments as people write them ("jv,scan,eqe"), in the order in which they are done.

    Raises
    ------
    InputError
        None, or one that does not exist.
    """
    if experiments is None:
        return _DEFAULT
    names = experiments.split(",") if isinstance(experiments, str) else list(experiments)
    wanted = [name.strip() for name in names if name.strip()]
    known = _known()
    for name in wanted:
        if name not in known and name not in EXPERIMENTS:
            close = nearest(name, known)
            advice = f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(known)}."
            raise InputError(f'there is no experiment "{name}".', advice, key="experiments")
    if not wanted:
        raise InputError("no experiment is named.", f"Choose from {', '.join(known)}.", key="experiments")
    if "jv" in wanted:
        wanted.append("jv-dark")
    return tuple(name for name in EXPERIMENTS if name in wanted)


def unique_names(cells: Sequence[Named]) -> list[str]:
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


def measure(
    cell: Cell,
    name: str | None = None,
    experiments: str | Sequence[str] | None = None,
    processes: int | None = 1,
) -> CellResult:
    """Put one cell through the instruments of the main job (`chosen`); a map takes so many ``processes`` (None: all
    cores).

    A measurement that does not exist for the cell (no quantum efficiency with prescribed generation) is
    recorded in ``absent``; a cell that cannot be solved keeps what was measured and carries the error.
    Interrupted, it raises KeyboardInterrupt: what is half done is no result.
    """
    result = CellResult(name or cell.name, cell)
    parts = chosen(experiments)
    with progress.task(result.name, total=len(parts)) as counter:
        for part in parts:
            counter.advance(0, label=f"{result.name}: {EXPERIMENTS[part]}")
            try:
                made = _measure_part(cell, part, processes)
                if not all(dataset.attrs.get("complete", 1) for dataset in made.values()):
                    raise KeyboardInterrupt
                result.measurements |= made
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
    for part in parts:
        if part not in (*_DEFAULT, "map"):
            found = _readings(result.measurements, part)
            if found:
                result.readings[part] = found
    return result


def _measure_part(cell: Cell, part: str, processes: int | None) -> dict[str, xr.Dataset]:
    """The measurements of one experiment, by the names of their files."""
    if part == "map":
        return {part: _map(cell, processes)}
    if part == "jv-dark":
        return {part: lab.jv.measure(cell.with_light(intensity="0 sun"))}
    if part == "scan":
        return {f"scan-{direction}": one for direction, one in lab.scan.measure(cell).items()}
    return {part: getattr(lab, part).measure(cell)}


def _map(cell: Cell, processes: int | None) -> xr.Dataset:
    """What the cell would be worth with another thickness and bandgap of its absorber, of a tandem of the top one.

    Raises
    ------
    InputError
        It has columns side by side, or not one absorber.
    """
    from perotwin import study
    from perotwin.stack import Parallel, Tandem

    if isinstance(cell, Parallel):
        raise InputError(
            "columns side by side have no thickness and bandgap of their own.",
            "Use perotwin map with the numbers of a column.",
        )
    top = "top." if isinstance(cell, Tandem) else ""
    return study.map_of(cell, f"{top}thickness", f"{top}bandgap", _STEPS, processes=processes)


def _readings(measurements: Mapping[str, xr.Dataset], part: str) -> measurement.Metrics:
    """What an experiment read; of scans the metrics of each direction, "pce, reverse"."""
    if part != "scan":
        known = measurements.get(part)
        return measurement.Metrics() if known is None else getattr(lab, part).analyse(known)
    scans = {name.removeprefix("scan-"): one for name, one in measurements.items() if name in _SCANS}
    found = lab.scan.analyse(scans)
    flat = {
        name if direction == "loop" else f"{name}, {direction}": metric
        for direction, metrics in found.items()
        for name, metric in metrics.items()
        if name in ("voc", "jsc", "ff", "pce", "hysteresis_index")
    }
    return measurement.Metrics(flat)


def run(
    cells: Sequence[Cell | Made],
    out: str | Path | None = None,
    experiments: str | Sequence[str] | None = None,
    processes: int | None = 1,
) -> Iterator[CellResult]:
    """Measure each cell in turn with the chosen experiments and give its result when it is complete.

    A cell that a recipe made may come as `recipe.Made`; its sample is then part of the report. A tandem with four
    terminals gives a result for each junction.

    With ``out`` every cell gets a folder with its stack file, measurements (NetCDF) and figures (SVG and
    PNG), and the folder itself the comparison figures, ``results.json`` and ``report.html``. A map, if it is among the
    experiments, takes so many ``processes`` (None: all cores; see `study.Pool`).
    """
    experiments = chosen(experiments)
    cells = [part for cell in cells for part in _by_terminals(cell)]
    names = unique_names(cells)
    folder = None if out is None else measurement.result_folder(out, names, _OURS)
    done: list[CellResult] = []
    for cell, name in zip(cells, names, strict=True):
        result = measure(cell.cell if isinstance(cell, Made) else cell, name, experiments, processes)
        result.made = cell if isinstance(cell, Made) else None
        done.append(result)
        if folder is not None:
            progress.note(f"{name}: drawing and writing")
            _write_cell(result, folder)
            _write_summary(done, folder)
        yield result


def _by_terminals(cell: Cell | Made) -> list[Cell | Made]:
    """What instruments can be connected to: of a tandem with four terminals each junction in turn, else the cell."""
    from perotwin.stack import Tandem

    if isinstance(cell, Tandem) and cell.junction.kind == "separate" and cell.junction.terminals == "both":
        return [cell.at("top"), cell.at("bottom")]
    return [cell]


def _write_cell(result: CellResult, folder: Path) -> None:
    """Everything of one cell, built beside its place and moved there in one step."""
    from perotwin.plotting import style
    from perotwin.report import samples

    place = folder / result.name
    with measurement.whole_folder(place) as building:
        drawn = figures.figures_of(result)
        if result.made is None:
            measurement.write_text(building / "stack.toml", result.cell.to_toml())
        else:
            measurement.write_text(building / "stack.toml", made_text(result.made))
            measurement.write_text(building / "recipe.toml", result.made.sample.recipe.to_toml())
            measurement.save(record(result.made.sample), building / "sample.nc")
            drawn |= samples.figures_of(result.made.sample)
        for part, dataset in result.measurements.items():
            measurement.save(dataset, building / f"{part}.nc")
        for figure_name, made in drawn.items():
            svg, _ = style.save(made, building / "figures" / figure_name)
            result.figures[figure_name] = place / "figures" / svg.name


def _write_summary(done: Sequence[CellResult], folder: Path) -> None:
    """The comparison of what is done so far."""
    from perotwin.plotting import style
    from perotwin.report import samples

    comparison = {
        name: style.save(made, folder / "figures" / name)[0]
        for name, made in {
            **figures.comparison_figures(done),
            **samples.comparison_figures([item.made.sample for item in done if item.made is not None]),
        }.items()
    }
    results = [machine.cell_result(result) for result in done]
    measurement.write_text(folder / "results.json", machine.to_text(machine.document(results)))
    measurement.write_text(folder / "report.html", page.render(done, comparison))
