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
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin import measurement, progress
from perotwin.errors import InputError, PerotwinError
from perotwin.paper import claims as rows_of_the_paper
from perotwin.paper import split
from perotwin.paper.bench import Bench, Taker, calibrated_bench
from perotwin.paper.compare import Line, Score, compared, here, scores
from perotwin.paper.figures import FIGURES
from perotwin.paper.found import Found, Row
from perotwin.paper.posterior import Carried
from perotwin.paper.rows import ROWS, STAGES, in_order, needed
from perotwin.study.pool import Pool, at_most
from perotwin.workflows.paper_draws import answered

if TYPE_CHECKING:
    from perotwin.paper.claims import Claim

__all__ = ["Reproduction", "one_claim", "reproduce"]

#: devices of a virtual batch, in full and in a quick run
_DEVICES, _FEW = 30, 6
#: draws of the calibrated numbers in a full run
_DRAWS = 12


@dataclass(frozen=True)
class Reproduction:
    """What a run found.

    Attributes:
        lines: every claim with its answer. scores: how many agree, by label.
        complete: whether all stages were done. files: that were written, the page first.
        carried: what the calibration leaves open of the rows; None where that was not asked.
    """

    lines: tuple[Line, ...]
    scores: tuple[Score, ...]
    complete: bool
    carried: Carried | None
    files: tuple[Path, ...] = ()


def reproduce(
    out: str | Path | None = None,
    *,
    quick: bool = False,
    draws: int | None = None,
    seed: int = 1,
    processes: int | None = None,
    picture: str | None = None,
    bench: Bench | None = None,
) -> Reproduction:
    """Answer every claim of the paper. Interrupted (Ctrl-C) it returns what is done.

    Args:
        out: a folder for the table, the figures, the measurements and the page; also what a resumed run goes on from.
        quick: batches of a few devices, no figures and no draws.
        draws: of the calibrated numbers, by which rows say what the calibration leaves open of it; 12 if not given,
            and none of a quick run, of another picture than the calibrated set's, or of cells of one's own.
        seed: of batches and draws. processes: on which to work; None takes all cores.
        picture: of the buried face, as it was fitted; the calibrated set's unless named.
        bench: with cells of one's own, in place of these.

    Raises:
        InputError: draws of cells that are not the calibrated set's.
        PerotwinError: a cell cannot be solved.
    """
    folder = None if out is None else measurement.make_folder(out)
    other = bench is not None or split.picture(picture).name != split.picture().name
    if draws and other:
        raise InputError(
            "draws are of the calibrated set.", "Leave out draws, or the picture and the cells.", key="draws"
        )
    count = 0 if other else (0 if quick else _DRAWS) if draws is None else draws
    bench = bench or calibrated_bench(
        picture=picture, devices=_FEW if quick else _DEVICES, seed=seed, processes=processes
    )
    key = _key(bench)
    carried: Carried | None = None
    saved: set[str] = set()
    found: dict[str, Found] = {}
    drawn: dict[str, list[Path]] = {}
    complete = True
    kept = {
        stage: None if folder is None else _kept(folder, stage, key, figures=not quick) for stage in STAGES
    }
    missing = [stage for stage, known in kept.items() if known is None]
    try:
        with _measuring(bench, missing, processes) as taken:
            for stage, words in STAGES.items():
                known = kept[stage]
                if known is None:
                    progress.note(f"{words} ...")
                    taken(stage)
                    answers = {name: _answer(row, bench) for name, row in ROWS.items() if row.stage == stage}
                    files = [] if folder is None or quick else _draw(bench, stage, folder)
                    if folder is not None:
                        saved |= _save(bench, folder, saved)
                        _keep(folder, stage, key, answers, None if quick else files)
                    known = answers, files
                numbers, drawn[stage] = known
                found |= numbers
        if count:
            if folder is not None:
                # draws take longer than all before: the page is there, and they add to it
                html, *_ = _write(folder, bench, _told(bench, found, None, complete), drawn)
                progress.note(f"{html} is written; {count} draws of the calibrated numbers add to it ...")
            file = None if folder is None else _file(folder, "draws")
            carried = answered(bench, count, seed=seed, processes=processes, file=file, key=key)
    except KeyboardInterrupt:
        complete = False
    made = _told(bench, found, carried, complete)
    return made if folder is None else replace(made, files=_write(folder, bench, made, drawn))


def _told(bench: Bench, found: Mapping[str, Found], carried: Carried | None, complete: bool) -> Reproduction:
    """What was found, beside the claims."""
    lines = compared(rows_of_the_paper.load(), found, ROWS, carried.spreads if carried else None, bench)
    return Reproduction(tuple(lines), tuple(scores(lines)), complete, carried)


def one_claim(
    name: str,
    *,
    quick: bool = False,
    seed: int = 1,
    processes: int | None = None,
    picture: str | None = None,
) -> Line:
    """One claim with its answer, from as few measurements as it takes; arguments as of `reproduce`.

    Raises:
        InputError: there is no such claim; the near ones are offered.
    """
    claim = rows_of_the_paper.find(name)
    row = ROWS.get(claim.name)
    if row is None:
        return Line(claim, None)
    bench = calibrated_bench(
        picture=picture, devices=_FEW if quick else _DEVICES, seed=seed, processes=processes
    )
    return Line(claim, row(bench), here(row, bench), row.how)


@contextmanager
def _measuring(bench: Bench, stages: Sequence[str], processes: int | None) -> Iterator[Callable[[str], None]]:
    """Begin what the rows of some stages measure, stage by stage, on several processes; what is yielded waits until the
    bench knows all that a stage needs.

    Left by an exception, such as Ctrl-C, what runs is ended: single measurements take many seconds.
    """
    asks = {stage: needed(stage, bench) for stage in stages}
    every = in_order(asks)
    here = at_most(processes) == 1
    job = Taker(bench if here else replace(bench, _kept={}))
    with Pool(job, processes if every else 1, patient=False) as pool:
        begun = dict(zip(every, pool.begun(every), strict=True))

        def taken(stage: str) -> None:
            with progress.task(STAGES[stage], total=len(asks[stage])) as counter:
                for ask in asks[stage]:
                    # what could not be sent is measured where it is asked for
                    bench.learn(begun[ask]().result or {})
                    counter.advance()

        yield taken


def _answer(row: Row, bench: Bench) -> Found:
    """The answer to a row; where its measurement fails, no number and the reason."""
    try:
        return row(bench)
    except PerotwinError as error:
        return Found(math.nan, f"could not be computed: {error.message}")


# --- kept between runs ------------------------------------------------------------


def _key(bench: Bench) -> str:
    """What decides the answers: cells, recipes with their parameters, what the package's files state beside the paper's
    claims, options."""
    import perotwin
    from perotwin import __version__, recipe

    made = hashlib.sha256()
    for file in sorted(Path(perotwin.__file__).parent.rglob("*.toml")):
        if file.name != "claims.toml":
            made.update(file.read_bytes())
    for cell in (*bench.singles.values(), *bench.tandems.values()):
        made.update(cell.to_toml().encode())
    for name in recipe.names():
        made.update(bench.recipe(name).model_dump_json().encode())
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
        if figures and not (_drawn_of(stage) <= set(data["drawn"]) and all(one.exists() for one in files)):
            return None
        numbers = {
            name: Found(
                math.nan if one["value"] is None else float(one["value"]), one["words"], tuple(one["data"])
            )
            for name, one in data["found"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
    progress.note(f"{STAGES[stage]}: taken from {file}")
    return numbers, files


def _keep(
    folder: Path, stage: str, key: str, found: Mapping[str, Found], files: Sequence[Path] | None
) -> None:
    """Keep what a stage found, and its figures; None where none were drawn."""
    measurement.make_folder(folder / "stages")
    data = {
        "key": key,
        "drawn": [] if files is None else sorted(_drawn_of(stage)),
        "files": [one.relative_to(folder).as_posix() for one in files or ()],
        "found": {
            name: {"value": one.value if one.known else None, "words": one.words, "data": one.data}
            for name, one in found.items()
        },
    }
    measurement.write_text(_file(folder, stage), json.dumps(data, indent=1))


# --- files ------------------------------------------------------------


def _draw(bench: Bench, stage: str, folder: Path) -> list[Path]:
    """The figures of a stage, but those whose measurement failed."""
    from perotwin.plotting import style

    files: list[Path] = []
    wanted = [one for one in FIGURES if one.stage == stage]
    with progress.task(f"figures: {stage}", total=len(wanted)) as counter:
        for one in wanted:
            try:
                files += style.save(one.draw(bench), folder / one.name)
            except PerotwinError as error:
                progress.note(f"{one.name} is not drawn: {error.message}")
            counter.advance()
    return files


def _drawn_of(stage: str) -> set[str]:
    """Names of the figures of a stage."""
    return {one.name for one in FIGURES if one.stage == stage}


def _save(bench: Bench, folder: Path, saved: Container[str]) -> set[str]:
    """The measurements that were taken and not saved yet, each as a file; their names."""
    data = measurement.make_folder(folder / "data")
    names = {name: one for name, one in bench.datasets().items() if name not in saved}
    for name, dataset in names.items():
        measurement.save(dataset, data / f"{name}.nc")
    return set(names)


def _write(
    folder: Path, bench: Bench, made: Reproduction, drawn: Mapping[str, Sequence[Path]]
) -> tuple[Path, ...]:
    from perotwin import recipe
    from perotwin.paper import page
    from perotwin.report import machine

    progress.note("writing")
    table = measurement.write_text(folder / "claims.csv", page.as_csv(made.lines))
    document = measurement.write_text(
        folder / "reproduce.json",
        machine.to_text(machine.document([result(made)])),
    )
    made_of: dict[str, Any] = {cell.name: cell for cell in (*bench.singles.values(), *bench.tandems.values())}
    made_of |= {name: bench.recipe(name) for name in recipe.names()}
    cells = [measurement.write_text(folder / f"{name}.toml", one.to_toml()) for name, one in made_of.items()]
    figures = [file for files in drawn.values() for file in files]
    data = sorted((folder / "data").glob("*.nc"))
    told = page.Told(
        made.lines, made.scores, made.carried, made.complete, made_by(bench, made), bench.picture
    )
    shown = page.render(told, drawn, folder, [table, document, *cells, *data])
    html = measurement.write_text(folder / "reproduce.html", shown)
    return html, table, document, *cells, *figures, *data


def made_by(bench: Bench, made: Reproduction) -> str:
    """What decides a run, in words."""
    draws = 0 if made.carried is None else len(made.carried.coordinates)
    return (
        f"picture of the face: {bench.picture or 'of the cells given'}; batches of {bench.devices} devices; "
        f"{draws or 'no'} draws of the calibrated numbers; seed {bench.seed}; "
        f"J-V scans at {1e3 * bench.scan_rate:.3g} mV/s"
    )


def result(made: Reproduction) -> dict[str, Any]:
    """A run for machines."""
    return {
        "claims": [one.to_json() for one in made.lines],
        "scores": [one.to_json() for one in made.scores],
        "contradictions": [
            {"rows": list(one.rows), "says": one.says} for one in rows_of_the_paper.contradictions()
        ],
        "draws": 0 if made.carried is None else len(made.carried.coordinates),
        "complete": made.complete,
    }


def known(claim: Claim) -> list[str]:
    """Numbers of the twin that a row of the paper helped to choose, as the split declares."""
    return [path for path in split.numbers() if claim.name in split.entry_of(path).rows]
