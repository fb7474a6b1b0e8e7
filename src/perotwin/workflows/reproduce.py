"""The source paper reproduced: every claim with the twin's answer, stage by stage, with files and a page.

    made = reproduce("results/paper")
    made.scores                              # how many agree
    made = reproduce(claim="tandem.mean_target.voc")

What a stage found is kept in the folder as soon as it is done. A second run with the same cells, parameters and seed
takes it from there, so that an interrupted one goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin import measurement, progress
from perotwin.errors import PerotwinError
from perotwin.paper import claims as rows_of_the_paper
from perotwin.paper.bench import Bench, calibrated_bench
from perotwin.paper.compare import Line, Score, compared, here, scores
from perotwin.paper.figures import FIGURES
from perotwin.paper.found import Found, Row
from perotwin.paper.rows import ROWS, STAGES

if TYPE_CHECKING:
    from perotwin.paper.claims import Claim

__all__ = ["Reproduction", "one_claim", "reproduce"]

#: devices of a virtual batch, in full and in a quick run
_DEVICES, _FEW = 30, 6


@dataclass(frozen=True)
class Reproduction:
    """What a run found.

    Attributes:
        lines: every claim with its answer. scores: how many agree, by label.
        complete: whether all stages were done. files: that were written, the page first.
    """

    lines: tuple[Line, ...]
    scores: tuple[Score, ...]
    complete: bool
    files: tuple[Path, ...] = ()


def reproduce(
    out: str | Path | None = None,
    *,
    quick: bool = False,
    seed: int = 1,
    processes: int | None = None,
    bench: Bench | None = None,
) -> Reproduction:
    """Answer every claim of the paper. Interrupted (Ctrl-C) it returns what is done.

    Args:
        out: a folder for the table, the figures, the measurements and the page; also what a resumed run goes on from.
        quick: batches of a few devices and no figures. seed: of the batches.
        processes: on which batches work; None takes all cores.
        bench: with cells of one's own; the calibrated set unless given.

    Raises:
        PerotwinError: a cell cannot be solved.
    """
    folder = None if out is None else measurement.make_folder(out)
    bench = bench or calibrated_bench(devices=_FEW if quick else _DEVICES, seed=seed, processes=processes)
    key = _key(bench)
    found: dict[str, Found] = {}
    drawn: dict[str, list[Path]] = {}
    complete = True
    try:
        for stage, words in STAGES.items():
            kept = None if folder is None else _kept(folder, stage, key, figures=not quick)
            if kept is None:
                progress.note(words)
                answers = {name: _answer(row, bench) for name, row in ROWS.items() if row.stage == stage}
                files = [] if folder is None or quick else _draw(bench, stage, folder)
                if folder is not None:
                    _keep(folder, stage, key, answers, files)
                kept = answers, files
            numbers, drawn[stage] = kept
            found |= numbers
    except KeyboardInterrupt:
        complete = False
    lines = compared(rows_of_the_paper.load(), found, ROWS)
    counted = tuple(scores(lines))
    written = () if folder is None else _write(folder, bench, lines, counted, drawn, complete)
    return Reproduction(tuple(lines), counted, complete, written)


def one_claim(name: str, *, quick: bool = False, seed: int = 1, processes: int | None = None) -> Line:
    """One claim with its answer, from as few measurements as it takes.

    Raises:
        InputError: there is no such claim; the near ones are offered.
    """
    claim = rows_of_the_paper.find(name)
    row = ROWS.get(claim.name)
    if row is None:
        return Line(claim, None)
    bench = calibrated_bench(devices=_FEW if quick else _DEVICES, seed=seed, processes=processes)
    return Line(claim, row(bench), here(row.command), row.how)


def _answer(row: Row, bench: Bench) -> Found:
    """The answer to a row; where its measurement fails, no number and the reason."""
    try:
        return row(bench)
    except PerotwinError as error:
        return Found(math.nan, f"could not be computed: {error.message}")


# --- kept between runs ------------------------------------------------------------


def _key(bench: Bench) -> str:
    """What decides the answers: cells, recipes with their parameters, options."""
    from perotwin import __version__, recipe

    made = hashlib.sha256()
    for cell in (*bench.singles.values(), *bench.tandems.values()):
        made.update(cell.to_toml().encode())
    for name in recipe.names():
        made.update((bench.recipes.get(name) or recipe.load(name)).model_dump_json().encode())
    made.update(f"{__version__} {bench.scan_rate!r} {bench.devices} {bench.seed}".encode())
    return made.hexdigest()


def _file(folder: Path, stage: str) -> Path:
    return folder / "stages" / f"{stage}.json"


def _kept(folder: Path, stage: str, key: str, figures: bool) -> tuple[dict[str, Found], list[Path]] | None:
    """What a stage found in an earlier run of the same cells, parameters and options; None where there is none."""
    file = _file(folder, stage)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        wanted = {name for name, row in ROWS.items() if row.stage == stage}
        if data["key"] != key or set(data["found"]) != wanted:
            return None
        files = [folder / name for name in data["files"]]
        if figures and (not data["drawn"] or not all(one.exists() for one in files)):
            return None
        numbers = {
            name: Found(math.nan if one["value"] is None else float(one["value"]), one["words"])
            for name, one in data["found"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
    progress.note(f"{STAGES[stage]}: taken from {file}")
    return numbers, files


def _keep(folder: Path, stage: str, key: str, found: Mapping[str, Found], files: Sequence[Path]) -> None:
    measurement.make_folder(folder / "stages")
    data = {
        "key": key,
        "drawn": bool(files),
        "files": [one.relative_to(folder).as_posix() for one in files],
        "found": {
            name: {"value": one.value if one.known else None, "words": one.words}
            for name, one in found.items()
        },
    }
    measurement.write_text(_file(folder, stage), json.dumps(data, indent=1))


# --- files ------------------------------------------------------------


def _draw(bench: Bench, stage: str, folder: Path) -> list[Path]:
    """The figures of a stage and the measurements that they show."""
    from perotwin.plotting import style

    files: list[Path] = []
    wanted = [one for one in FIGURES if one.stage == stage]
    with progress.task(f"figures: {stage}", total=len(wanted)) as counter:
        for one in wanted:
            files += style.save(one.draw(bench), folder / one.name)
            counter.advance()
    data = measurement.make_folder(folder / "data")
    for name, dataset in bench.datasets().items():
        file = data / f"{name}.nc"
        if not file.exists():
            measurement.save(dataset, file)
    return files


def _write(
    folder: Path,
    bench: Bench,
    lines: Sequence[Line],
    counted: Sequence[Score],
    drawn: Mapping[str, Sequence[Path]],
    complete: bool,
) -> tuple[Path, ...]:
    from perotwin.paper import page
    from perotwin.report import machine

    progress.note("writing")
    table = measurement.write_text(folder / "claims.csv", page.as_csv(lines))
    document = measurement.write_text(
        folder / "reproduce.json",
        machine.to_text(machine.document([result(lines, counted, complete)])),
    )
    cells = [
        measurement.write_text(folder / f"{cell.name}.toml", cell.to_toml())
        for cell in (*bench.singles.values(), *bench.tandems.values())
    ]
    figures = [file for files in drawn.values() for file in files]
    data = sorted((folder / "data").glob("*.nc"))
    shown = page.render(lines, counted, drawn, folder, [table, document, *cells, *data], complete)
    html = measurement.write_text(folder / "reproduce.html", shown)
    return html, table, document, *cells, *figures, *data


def result(lines: Sequence[Line], counted: Sequence[Score], complete: bool) -> dict[str, Any]:
    """A run for machines."""
    return {
        "claims": [one.to_json() for one in lines],
        "scores": [one.to_json() for one in counted],
        "contradictions": [
            {"rows": list(one.rows), "says": one.says} for one in rows_of_the_paper.contradictions()
        ],
        "complete": complete,
    }


def known(claim: Claim) -> list[str]:
    """Numbers of the twin that a row of the paper helped to choose, as the split declares."""
    from perotwin.paper import split

    return [path for path in split.numbers() if claim.name in split.entry_of(path).rows]
