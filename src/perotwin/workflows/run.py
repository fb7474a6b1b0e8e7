"""The main job: measure cells with every instrument, compare them, and leave files, figures and a report.

A cell's folder appears when that cell is complete, so an interrupted or failed run leaves nothing that
could be taken for a result; the report and the machine-readable results are written again after every cell.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from perotwin import lab, measurement, progress
from perotwin.errors import InputError, PerotwinError, nearest
from perotwin.recipe import Made, record
from perotwin.report import CellResult, figures, machine, page
from perotwin.report.beside import Beside, beside
from perotwin.report.beside import results as beside_results
from perotwin.report.result import HEADLINE
from perotwin.workflows.cells_from_recipes import made_text
from perotwin.workflows.samples import measure_sample, recipe_of

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.files.format import Found
    from perotwin.measurement import Instrument
    from perotwin.stack import Cell

__all__ = ["called", "chosen", "measure", "of_earlier_runs", "run", "unique_names", "with_measured"]

#: a study that a run can do beside the instruments
_MAP = "map"
#: everything that a cell, and the sample of the recipe that made it, admit; a map, which takes minutes, is asked for
_ALL = "all"
#: cells along each side of a map
_STEPS = 21
#: what stands beside the cells' folders, so that no cell can be called so
_SUMMARY = ("figures", "report.html", "results.json", "metrics.csv")
#: what stands in a cell's folder besides measurements
_OURS = ("stack.toml", "recipe.toml", "sample.nc", "figures", f"{_MAP}.nc", f"{_MAP}.csv")


class Named(Protocol):
    """Something with a name: a cell, a made cell, a recipe."""

    @property
    def name(self) -> str: ...


class _Places(Container[str]):
    """What may stand in a cell's folder: files of a run, and measurements of any instrument that there is."""

    def __contains__(self, name: object) -> bool:
        words = str(name)
        if words in _OURS:
            return True
        stem, dot, kind = words.rpartition(".")
        return dot != "" and kind in ("nc", "csv") and lab.find(stem.partition("-")[0]) is not None


def called() -> dict[str, str]:
    """All experiments that a run can do, in their order, with what people call them."""
    found = {part: words for one in lab.instruments() for part, words in one.experiments.items()}
    return found | {_MAP: "map over thickness and bandgap"}


def chosen(experiments: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """Experiments as people write them ("jv,scan,eqe", "all"), in the order in which they are done.

    Raises
    ------
    InputError
        None, or one that does not exist.
    """
    instruments = [*lab.instruments("cell"), *lab.instruments("sample")]
    if experiments is None:
        return tuple(part for one in instruments if one.usual for part in one.experiments)
    names = experiments.split(",") if isinstance(experiments, str) else list(experiments)
    wanted = {name.strip() for name in names if name.strip()}
    parts = [part for one in instruments for part in one.experiments]
    known = [*(one.name for one in instruments), _MAP, _ALL]
    for name in sorted(wanted):
        if name not in known and name not in parts:
            close = nearest(name, known)
            advice = f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(known)}."
            raise InputError(f'there is no experiment "{name}".', advice, key="experiments")
    if not wanted:
        raise InputError("no experiment is named.", f"Choose from {', '.join(known)}.", key="experiments")
    done = [
        part
        for one in instruments
        for part in one.experiments
        if part in wanted or one.name in wanted or (_ALL in wanted and one.offered)
    ]
    return (*done, *([_MAP] if _MAP in wanted else []))


def with_measured(parts: Sequence[str], measured: Sequence[Found]) -> tuple[str, ...]:
    """Experiments with those of the instruments that measured files are of, in their order."""
    wanted = {*parts, *(one.instrument for one in measured)}
    instruments = [*lab.instruments("cell"), *lab.instruments("sample")]
    ordered = [part for one in instruments for part in one.experiments if part in wanted]
    return (*ordered, *([_MAP] if _MAP in wanted else []))


def unique_names(cells: Sequence[Named]) -> list[str]:
    """A name for each cell that can be a folder, unique among them and beside what else a run leaves ("my-cell",
    "my-cell-2")."""
    names: list[str] = []
    for cell in cells:
        names.append(measurement.file_name(cell.name, [*names, *_SUMMARY]))
    return names


def measure(
    cell: Cell | Made,
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
    made = cell if isinstance(cell, Made) else None
    result = CellResult(name or cell.name, cell.cell if isinstance(cell, Made) else cell, made=made)
    parts = chosen(experiments)
    titles = called()
    with progress.task(result.name, total=len(parts)) as counter:
        for part in parts:
            counter.advance(0, label=f"{result.name}: {titles[part]}")
            try:
                taken = {part: _map(result.cell, processes)} if part == _MAP else _taken(result, part)
                if not all(dataset.attrs.get("complete", 1) for dataset in taken.values()):
                    raise KeyboardInterrupt
                result.measurements |= taken
            except InputError as reason:
                result.absent[part] = reason
            except PerotwinError as error:
                result.error = error
                break
            counter.advance()
    for instrument in result.instruments:
        read = _readings(instrument, result.measured_by(instrument.name))
        if read:
            result.readings[instrument.name] = read
    # the numbers of a cell in tables are those of its curve
    result.metrics = result.readings.get(HEADLINE, measurement.Metrics())
    if HEADLINE in result.absent and result.error is None:
        result.error = result.absent[HEADLINE]
    return result


def _taken(result: CellResult, part: str) -> dict[str, xr.Dataset]:
    """The measurements of one experiment, by the names of their files."""
    name, _, variant = part.partition("-")
    instrument = lab.known(name)
    if instrument.of == "sample":
        taken = measure_sample(instrument, recipe_of(result.made or result.cell))
        return {f"{part}-{which}" if which else part: one for which, one in taken.items()}
    in_state = next((one.cell for one in instrument.variants if one.name == variant), None)
    made = instrument.measure(result.cell if in_state is None else in_state(result.cell))
    if hasattr(made, "data_vars"):
        return {part: made}
    return {f"{part}-{which}": one for which, one in made.items()}


def _readings(instrument: Instrument, measured: Mapping[str, xr.Dataset]) -> measurement.Metrics:
    """What an instrument read of a cell in its own state; nothing where that was not measured."""
    states = {one.name for one in instrument.variants}
    own = {which: one for which, one in measured.items() if which not in states}
    if not own:
        return measurement.Metrics()
    return instrument.analyse(own.get("", own))


def _map(cell: Cell, processes: int | None) -> xr.Dataset:
    """What the cell would be worth with another thickness and bandgap of its absorber, of a tandem of the top one.

    Raises
    ------
    InputError
        It has columns side by side, or not one absorber.
    """
    from perotwin import study
    from perotwin.measurement.junction_names import is_junction

    first = next(iter(cell.stacks))
    if "." in first or (first and not is_junction(first)):
        raise InputError(
            "columns side by side have no thickness and bandgap of their own.",
            "Use perotwin map with the numbers of a column.",
        )
    within = f"{first}." if first else ""
    return study.map_of(cell, f"{within}thickness", f"{within}bandgap", _STEPS, processes=processes)


def run(
    cells: Sequence[Cell | Made],
    out: str | Path | None = None,
    experiments: str | Sequence[str] | None = None,
    processes: int | None = 1,
    *,
    csv: bool = False,
    measured: Sequence[Found] = (),
) -> Iterator[CellResult]:
    """Measure each cell in turn with the chosen experiments and give its result when it is complete.

    A cell that a recipe made may come as `recipe.Made`; its sample is then part of the report. A tandem with four
    terminals gives a result for each junction.

    With ``out`` every cell gets a folder with its stack file, measurements (NetCDF) and figures (SVG and
    PNG), and the folder itself the comparison figures, ``results.json`` and ``report.html``; with ``csv`` each
    measurement is a CSV file too, and ``metrics.csv`` the table of all that was read. A map, if it is among the
    experiments, takes so many ``processes`` (None: all cores; see `study.Pool`).

    What ``measured`` files hold (`files.read`) stands beside the cells in figures and tables, and what an instrument of
    theirs measures is simulated too.
    """
    experiments = with_measured(chosen(experiments), measured)
    cells = [part for cell in cells for part in _by_terminals(cell)]
    names = unique_names(cells)
    folder = None if out is None else measurement.result_folder(out, names, _Places())
    shown = beside(measured, names)
    done: list[CellResult] = []
    for cell, name in zip(cells, names, strict=True):
        result = measure(cell, name, experiments, processes)
        done.append(result)
        if folder is not None:
            progress.note(f"{name}: drawing and writing")
            _write_cell(result, folder, csv)
            _write_summary(done, folder, csv, shown)
        yield result


def of_earlier_runs(out: str | Path, names: Sequence[str]) -> list[str]:
    """Folders of cells in a folder of results that are not among those called `names`: an earlier run left them, and
    the report does not show them."""
    return sorted(
        place.name
        for place in Path(out).iterdir()
        if place.name not in names and (place / "stack.toml").is_file()
    )


def _by_terminals(cell: Cell | Made) -> list[Cell | Made]:
    """What instruments can be connected to: of a tandem with four terminals each junction in turn, else the cell."""
    from perotwin.lab import junctions

    return [cell] if isinstance(cell, Made) else list(junctions.terminals(cell).values())


def _write_cell(result: CellResult, folder: Path, csv: bool) -> None:
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
            if csv:
                measurement.write_measurements_csv(building / f"{part}.csv", {part: dataset})
        for figure_name, made in drawn.items():
            svg, _ = style.save(made, building / "figures" / figure_name)
            result.figures[figure_name] = place / "figures" / svg.name


def _write_summary(done: Sequence[CellResult], folder: Path, csv: bool, shown: Sequence[Beside]) -> None:
    """The comparison of what is done so far, and of what was measured."""
    from perotwin.plotting import style
    from perotwin.report import samples

    comparison = {
        name: style.save(made, folder / "figures" / name)[0]
        for name, made in {
            **figures.comparison_figures(done, shown),
            **samples.comparison_figures([item.made.sample for item in done if item.made is not None]),
        }.items()
    }
    results = [*(machine.cell_result(result) for result in done), *beside_results(shown)]
    measurement.write_text(folder / "results.json", machine.to_text(machine.document(results)))
    if csv:
        measurement.write_metrics_csv(
            folder / "metrics.csv",
            ("cell", "instrument"),
            [
                ((result.name, instrument), read)
                for result in done
                for instrument, read in result.readings.items()
            ]
            + [((one.name, one.instrument), one.metrics) for one in shown],
        )
    # last, so that it leads to all of them
    measurement.write_text(folder / "report.html", page.render(done, comparison, folder, shown))
