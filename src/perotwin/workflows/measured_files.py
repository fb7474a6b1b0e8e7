"""Measured files in any mixture: recognised, analysed, matched, tabulated, plotted, one page for all."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import progress
from perotwin.errors import InputError
from perotwin.files.analysed import AnalysedFile, Reading, analyse_file, beside, reading_of
from perotwin.files.format import Found
from perotwin.report.batch import FIGURES, Batch, Member, batch_of, group_by

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["Analysis", "analyse", "entry", "files_in", "write"]

#: most files of a batch
_MOST_FILES = 100_000
#: from so many files on several processes are worth their start
_SEVERAL = 60
#: endings of what lies beside data and is none
_NO_DATA = frozenset({
    ".md", ".pdf", ".doc", ".docx", ".ppt", ".pptx", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".html", ".htm", ".py",
    ".ipynb", ".toml", ".nc", ".opj", ".opju", ".zip", ".7z", ".rar", ".gz", ".tar", ".h5", ".log", ".ini", ".lnk",
    ".db", ".pyc", ".m", ".yaml", ".yml", ".bib", ".tex", ".license", ".gitignore",
})  # fmt: skip
#: measurements of an instrument of which each has a figure of its own, and of all that are drawn together
_EACH, _TOGETHER = 4, 6


@dataclass(frozen=True)
class Analysis:
    """What was found. batch : all files. left_aside : files of folders that are no data by their ending."""

    batch: Batch
    left_aside: tuple[str, ...] = ()
    written: tuple[Path, ...] = field(default=())


def files_in(paths: Iterable[str | Path], without: Path | None = None) -> tuple[list[str], list[str]]:
    """The files that paths name, those of folders in order of their names, and those left aside.

    without : a folder that is left out, as results go there.

    Raises
    ------
    InputError : a path does not exist, or there are more files than anybody measures.
    """
    found: list[str] = []
    aside: list[str] = []
    own = None if without is None else without.resolve()
    for path in map(Path, paths):
        if path.is_dir():
            for place, folders, names in os.walk(path):
                folders[:] = sorted(
                    one
                    for one in folders
                    if not one.startswith((".", "__")) and (Path(place) / one).resolve() != own
                )
                for name in sorted(names):
                    if name.startswith((".", "~$")):
                        continue
                    file = Path(place) / name
                    if file.suffix.lower() in _NO_DATA or name.upper() in ("LICENSE", "README", "README.TXT"):
                        aside.append(str(file))
                    elif file.is_file():
                        found.append(str(file))
                if len(found) > _MOST_FILES:
                    raise InputError(f"there are more than {_MOST_FILES} files.", "Name a part of them.")
        elif path.exists():
            found.append(str(path))
        else:
            raise InputError(f'there is no file or folder "{path}".', "Check the name.", file=str(path))
    found = list(dict.fromkeys(found))
    if not found:
        raise InputError("there are no files of data.", "Name files, or a folder that holds some.")
    return found, aside


@dataclass(frozen=True)
class _Job:
    path: str
    stem: str


def _done(
    job: _Job, *, instrument: str | None, columns: str | None, area: str | None, folder: Path | None
) -> AnalysedFile:
    """Read and analyse one file, and write its measurements where a folder is named."""
    made = analyse_file(job.path, instrument, columns, area)
    if folder is not None:
        from perotwin.measurement import save

        for number, one in enumerate(made.readings, start=1):
            name = job.stem if len(made.readings) == 1 else f"{job.stem}-{number}"
            save(_storable(one.dataset), folder / f"{name}.nc")
    return made


def _storable(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with attributes that NetCDF can hold."""
    kept = {
        key: value if isinstance(value, (str, int, float, np.ndarray)) else str(value)
        for key, value in dataset.attrs.items()
        if value is not None
    }
    return dataset.assign_attrs(kept)


def analyse(
    paths: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    instrument: str | None = None,
    columns: str | None = None,
    area: str | None = None,
    groups: str | None = None,
    processes: int | None = None,
) -> Analysis:
    """Analyse files and folders of measurements.

    Parameters
    ----------
    output : folder for the page, figures, tables and data; nothing is written without one.
    instrument, columns, area : of all files, as of `files.read`.
    groups : a regular expression that finds the group of a file in its name; the folders are groups otherwise.
    processes : None for as many as there are cores, where there are many files.

    Returns
    -------
    The batch. A file that cannot be read says why in it and stops no other.

    Raises
    ------
    InputError : what was asked for makes no sense: no such path, instrument, unit or pattern.
    """
    from perotwin import units
    from perotwin.measurement import file_name, make_folder

    if instrument is not None:
        _known(instrument)
    if area is not None:
        units.parse(area, "area")
    if groups is not None:
        try:
            re.compile(groups)
        except re.error as fault:
            raise InputError(
                f'"{groups}" is no regular expression ({fault}).',
                "For example (?P<group>[A-Z]+)_",
                key="groups",
            ) from None
    folder = None if output is None else Path(output)
    found, aside = files_in(paths, folder)
    data = None
    if folder is not None:
        make_folder(folder)
        data = folder / "data"
        data.mkdir(exist_ok=True)
    stems = _told_apart([file_name(Path(path).stem) for path in found])
    jobs = [_Job(path, stem) for path, stem in zip(found, stems, strict=True)]
    work = partial(_done, instrument=instrument, columns=columns, area=area, folder=data)
    files = _all(work, jobs, processes)
    batch = batch_of(with_reflectance(files), group_by(found, groups))
    analysis = Analysis(batch, tuple(aside))
    return analysis if folder is None else write(analysis, folder)


_OF_WHAT = re.compile(r"(?i)[\s_-]*(?<![a-z])(r|t|refl\w*|trans\w*)$")


def with_reflectance(files: Sequence[AnalysedFile]) -> list[AnalysedFile]:
    """Files of which those of one film that hold transmittance and reflectance apart are analysed together.

    They are of one film where their names are the same but for what was measured ("film_R", "film_T"), and where they
    lie in one folder.
    """

    def key(file: AnalysedFile, one: Reading) -> tuple[str, str]:
        return str(Path(file.path).parent), _OF_WHAT.sub("", one.name)

    def alone(one: Reading, has: str, lacks: str) -> bool:
        return has in one.dataset and lacks not in one.dataset and one.dataset[has].dims == ("wavelength",)

    reflected: dict[tuple[str, str], list[tuple[AnalysedFile, Reading]]] = {}
    for file in files:
        for one in file.readings:
            if alone(one, "reflectance", "transmittance"):
                reflected.setdefault(key(file, one), []).append((file, one))
    used: dict[int, str] = {}
    made = []
    for file in files:
        readings = []
        for one in file.readings:
            mates = reflected.get(key(file, one), []) if alone(one, "transmittance", "reflectance") else []
            if len(mates) == 1 and mates[0][1].instrument == one.instrument:
                other, mate = mates[0]
                grid, own = one.dataset["wavelength"].values, mate.dataset["wavelength"].values
                if own.min() <= grid.min() and grid.max() <= own.max():
                    order = np.argsort(own)
                    values = np.interp(grid, own[order], mate.dataset["reflectance"].values[order])
                    both = one.dataset.assign(
                        reflectance=("wavelength", values, mate.dataset["reflectance"].attrs)
                    )
                    found = Found(both, one.stated).noting(f"with the reflectance in {Path(other.path).name}")
                    used[id(mate)] = one.name
                    one = reading_of(found)
            readings.append(one)
        made.append(replace(file, readings=tuple(readings)))
    return [
        replace(
            file,
            readings=tuple(
                replace(one, failure="", notes=(*one.notes, f"analysed together with {used[id(one)]}"))
                if id(one) in used
                else one
                for one in file.readings
            ),
        )
        for file in made
    ]


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names of which no two are alike, capitals aside: repeated ones with numbers."""
    counts: dict[str, int] = {}
    made = []
    for name in names:
        low = name.casefold()
        counts[low] = counts.get(low, 0) + 1
        made.append(name if counts[low] == 1 else f"{name}-{counts[low]}")
    return made


def _known(instrument: str) -> None:
    from perotwin.files.registry import formats

    names = sorted({name for one in formats() for name in one.instruments})
    if instrument not in names:
        raise InputError(
            f'no format holds measurements by "{instrument}".', f"There are {', '.join(names)}.", key="as"
        )


def _all(work: Any, jobs: Sequence[_Job], processes: int | None) -> list[AnalysedFile]:
    label = f"{len(jobs)} files"
    if processes == 1 or len(jobs) < _SEVERAL:
        made = []
        with progress.task(label, total=len(jobs)) as counter:
            for job in jobs:
                made.append(work(job))
                counter.advance()
        return made
    from perotwin.study.pool import Pool

    size = max(min(len(jobs) // 40, 25), 1)
    parts = [jobs[at : at + size] for at in range(0, len(jobs), size)]
    with Pool(partial(_several, work=work), processes) as pool:
        outcomes = dict(pool.each(parts, label))
    made = []
    for number, part in enumerate(parts):
        outcome = outcomes[number]
        if outcome.result is not None:
            made += outcome.result
        else:
            fault = InputError(outcome.failure or "it was not finished.", "Try it alone.")
            made += [AnalysedFile(job.path, error=fault) for job in part]
    return made


def _several(jobs: Sequence[_Job], *, work: Any) -> list[AnalysedFile]:
    return [work(job) for job in jobs]


# --- out -------------------------------------------------------------------------------------------------------------


def entry(member: Member) -> dict[str, Any]:
    """A measurement for machines: file, format, metrics, what the file states, curve, notes."""
    from perotwin import lab
    from perotwin.measurement import quantity
    from perotwin.report import machine

    reading = member.reading
    made: dict[str, Any] = {
        "stack": reading.name,
        "file": member.path,
        "format": member.format,
        "instrument": reading.instrument,
        "measured": True,
    }
    if member.group:
        made["group"] = member.group
    made["pixel"] = member.key
    if "area" in reading.dataset.attrs:
        made["area_cm2"] = 1e4 * float(reading.dataset.attrs["area"])
    instrument = lab.find(reading.instrument)
    if instrument is not None and not reading.failure:
        try:
            made |= machine.instrument_result(instrument, reading.dataset, reading.metrics)
        except (KeyError, ValueError, TypeError, AttributeError):
            # it declares more than a file can hold
            made["metrics"] = reading.metrics.to_json()
    else:
        made["metrics"] = reading.metrics.to_json()
    made["stack"] = reading.name
    made["notes"] = list(reading.notes)
    made["stated"] = {
        name: {
            **quantity(name, stated.value, stated.unit),
            "difference": quantity(name, difference, stated.unit)["value"],
        }
        for name, (stated, difference) in beside(reading).items()
    }
    if reading.failure:
        made["error"] = {"type": "InputError", "message": reading.failure, "advice": ""}
    return made


def write(analysis: Analysis, folder: Path) -> Analysis:
    """Write the page, figures, tables and results into a folder, beside the data that are there.

    Returns
    -------
    The analysis with all that was written.
    """
    from perotwin.measurement import write_text
    from perotwin.report import machine
    from perotwin.report.batch_page import render_batch

    batch = analysis.batch
    written: list[Path] = []
    results = [entry(one) for one in batch.members]
    for file in batch.files:
        if file.error is not None:
            results.append(
                {"stack": Path(file.path).stem, "file": file.path, **machine.error_entry(file.error)}
            )
    written.append(write_text(folder / "results.json", machine.to_text(machine.document(results))))
    written += _tables(batch, folder)
    figures = _figures(batch, folder)
    written += [path for one in figures.values() for path, _ in one]
    page = render_batch(batch, figures, analysis.left_aside, folder)
    written.append(write_text(folder / "index.html", page))
    return Analysis(batch, analysis.left_aside, tuple(written))


def _tables(batch: Batch, folder: Path) -> list[Path]:
    """One CSV of metrics for each instrument, and one of curves where it has few."""
    from perotwin.measurement import Metrics, file_name, write_measurements_csv, write_metrics_csv

    made = []
    for instrument, members in batch.by_instrument().items():
        rows = []
        for one in members:
            stated = {f"{name}, stated": metric for name, metric in one.reading.stated.items()}
            first = (one.reading.name, one.group, one.direction, "dark" if one.dark else "light", one.path)
            rows.append((first, Metrics({**one.reading.metrics, **stated})))
        name = file_name(instrument)
        heads = ("measurement", "group", "direction", "light", "file")
        made.append(write_metrics_csv(folder / f"{name}.csv", heads, rows))
        if len(members) <= 60:
            told = _told_apart([one.reading.name for one in members])
            curves = {called: one.reading.dataset for called, one in zip(told, members, strict=True)}
            made.append(write_measurements_csv(folder / f"{name}-curves.csv", curves))
    return made


def _figures(batch: Batch, folder: Path) -> dict[str, list[tuple[Path, str]]]:
    """The figures of each instrument with their captions."""
    from perotwin.plotting import style

    made: dict[str, list[tuple[Path, str]]] = {}
    place = folder / "figures"
    place.mkdir(exist_ok=True)
    for instrument, members in batch.by_instrument().items():
        good = [one for one in members if not one.reading.failure or "current_density" in one.reading.dataset]
        drawn = _curves_of(batch, good) if instrument == "jv" else _drawn(instrument, good)
        for name, (figure, words) in drawn.items():
            try:
                made.setdefault(instrument, []).append((style.save(figure, place / name)[0], words))
            except Exception as fault:  # a figure less must not cost the page
                progress.note(f"the figure {name} could not be drawn ({type(fault).__name__}).")
    return made


def _curves_of(batch: Batch, members: Sequence[Member]) -> dict[str, tuple[Figure, str]]:
    from perotwin.plotting import batch as drawing

    shown = [one for one in members if "current_density" in one.reading.dataset]
    if not shown:
        return {}
    best = {id(one.best) for one in batch.summaries}
    curves = [
        drawing.Curve(
            one.reading.dataset["voltage"].values,
            one.reading.dataset["current_density"].values,
            one.group,
            one.direction == "forward",
            one.dark,
            id(one) in best,
        )
        for one in shown
    ]
    words = "All current-voltage curves" + (", the best of each group in full" if len(curves) > 8 else "")
    made = {"jv": (drawing.overlay(curves), f"{words}; forward scans dashed. Photocurrent upwards.")}
    values: dict[str, dict[str, list[float]]] = {name: {} for name in FIGURES}
    for one in shown:
        if not one.dark and one.figure("pce") > 0.0:
            for name in FIGURES:
                values[name].setdefault(one.group, []).append(one.figure(name))
    if sum(map(len, values["pce"].values())) >= 4:
        caption = (
            "Figures of merit of each curve in the light; boxes from quartile to quartile, with the median."
        )
        made["jv-figures"] = (drawing.boxes(values), caption)
    return made


def _drawn(instrument: str, members: Sequence[Member]) -> dict[str, tuple[Figure, str]]:
    """Figures by the instrument, all measurements together where it can; plain ones of what it cannot draw."""
    from perotwin import lab
    from perotwin.measurement import file_name
    from perotwin.plotting import batch as drawing

    known = lab.find(instrument)
    made: dict[str, tuple[Figure, str]] = {}
    if known is not None and known.drawn_together and members:
        shown = [one.reading.dataset for one in members[:_TOGETHER]]
        try:
            more = f" (the first {_TOGETHER} of {len(members)})" if len(members) > _TOGETHER else ""
            names = ", ".join(dict.fromkeys(one.reading.name for one in members[:_TOGETHER]))
            return {
                instrument: (
                    known.plot(shown),
                    f"{known.title[:1].upper()}{known.title[1:]} of {names}{more}.",
                )
            }
        except Exception as fault:  # each by itself instead, and plainly where that fails too
            _say_unless_expected(instrument, fault)
    told = _told_apart([f"{instrument}-{file_name(one.reading.name)}" for one in members[:_EACH]])
    for name, one in zip(told, members, strict=False):
        figure = None
        if known is not None:
            try:
                figure = known.plot(one.reading.dataset)
            except Exception as fault:  # drawn plainly instead
                _say_unless_expected(one.reading.name, fault)
        made[name] = (
            drawing.plain(one.reading.dataset) if figure is None else figure,
            f"{one.reading.name}.",
        )
    return made


def _say_unless_expected(name: str, fault: Exception) -> None:
    """That a figure is a plain one; nothing where the instrument itself says what the measurement lacks for more."""
    if not isinstance(fault, InputError):
        progress.note(f"{name} is drawn plainly ({type(fault).__name__}: {fault}).")


def summary_of(batch: Batch) -> list[Mapping[str, Any]]:
    """Medians by group for machines."""
    from perotwin.measurement import quantity

    units = {"voc": "V", "jsc": "A m-2", "ff": "1", "pce": "1"}
    return [
        {
            "group": one.group,
            "pixels": one.count,
            "median": {name: quantity(name, value, units[name]) for name, value in one.medians.items()},
            "best": {"stack": one.best.reading.name, "file": one.best.path},
        }
        for one in batch.summaries
        if not math.isnan(one.medians["pce"])
    ]


def convert(
    path: str | Path,
    output: str | Path,
    *,
    instrument: str | None = None,
    columns: str | None = None,
    area: str | None = None,
) -> tuple[list[Path], list[str]]:
    """Write the measurements of a file as NetCDF, one each, or all as one CSV.

    Returns
    -------
    What was written, and what was decided on the way.

    Raises
    ------
    InputError : the file cannot be read, or the ending is another one.
    """
    from perotwin.files.registry import read
    from perotwin.measurement import save, write_measurements_csv

    goal = Path(output)
    if goal.suffix.lower() not in (".nc", ".csv"):
        raise InputError(
            f'"{goal.name}" ends in neither .nc nor .csv.', "Name the file clean.nc, say.", key="output"
        )
    found = read(path, instrument, columns, area)
    notes = list(dict.fromkeys(note for one in found for note in one.notes))
    if goal.suffix.lower() == ".csv":
        names = _told_apart([one.name for one in found])
        return [
            write_measurements_csv(goal, {n: one.dataset for n, one in zip(names, found, strict=True)})
        ], notes
    if len(found) == 1:
        return [save(_storable(found[0].dataset), goal)], notes
    return [
        save(_storable(one.dataset), goal.with_name(f"{goal.stem}-{number}.nc"))
        for number, one in enumerate(found, start=1)
    ], notes
