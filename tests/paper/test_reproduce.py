"""The reproduction as people call it: the table, files, an interruption, a second run, the same numbers again."""

import json
import pickle
import re
import shlex
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

import perotwin as pt
from fresh import perotwin
from perotwin.errors import ConvergenceError
from perotwin.paper import posterior
from perotwin.paper import rows as rows_module
from perotwin.paper.bench import Bench, Taker, calibrated_bench, library_bench
from perotwin.paper.compare import here
from perotwin.paper.found import Found, Row
from perotwin.study import Merit, Plan
from perotwin.workflows import paper_draws
from perotwin.workflows import reproduce as job


@pytest.fixture(scope="module")
def calibrated() -> Bench:
    """The calibrated set, on which nothing is measured."""
    return calibrated_bench()


def fresh(bench: Bench, **options: Any) -> Bench:
    """Another bench of the same cells."""
    return Bench(bench.singles, bench.tandems, scan_rate=bench.scan_rate, recipes=bench.recipes, **options)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, calibrated: Bench) -> dict[str, int]:
    """Two stages of made-up rows that count how often they are computed."""
    counted = {"a": 0, "b": 0}

    def of(name: str, value: float) -> Any:
        def compute(bench: Bench) -> Found:
            counted[name] += 1
            if counted.get("interrupt") and name == "b":
                raise KeyboardInterrupt
            return Found(value, "made up")

        return compute

    single, double = "wide_bandgap.jv.target.voc", "tandem.champion.voc"
    made = {
        single: Row(single, "interface", of("a", 1.37), "how", "perotwin jv"),
        double: Row(double, "film", of("b", 2.5), "how", "perotwin jv"),
    }
    monkeypatch.setattr(job, "ROWS", made)
    monkeypatch.setattr(job, "STAGES", {"interface": "one", "film": "two"})
    monkeypatch.setattr(job, "calibrated_bench", lambda **options: fresh(calibrated, **options))
    monkeypatch.setattr(job, "needed", lambda stage, bench: ())
    return counted


def test_an_interrupted_run_keeps_what_is_done_and_goes_on(few: dict[str, int], tmp_path: Path) -> None:
    few["interrupt"] = 1
    made = job.reproduce(tmp_path, quick=True)
    assert not made.complete
    verdicts = {one.claim.name: one.verdict for one in made.lines}
    assert verdicts["wide_bandgap.jv.target.voc"] == "agrees"
    assert verdicts["tandem.champion.voc"] == "not computed"
    page = (tmp_path / "reproduce.html").read_text(encoding="utf-8")
    assert "interrupted" in page and "<script" not in page
    few["interrupt"] = 0
    again = job.reproduce(tmp_path, quick=True)
    assert again.complete and few["a"] == 1 and few["b"] == 2
    assert {one.claim.name: one.verdict for one in again.lines}["tandem.champion.voc"] == "differs"
    # other options are another run
    job.reproduce(tmp_path, quick=True, seed=2)
    assert few["a"] == 2
    (tmp_path / "stages" / "interface.json").write_text("{broken", encoding="utf-8")
    job.reproduce(tmp_path, quick=True, seed=2)
    assert few["a"] == 3


def test_a_run_after_other_rates_of_the_library_is_another(
    few: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    (package / "ageing").mkdir(parents=True)
    monkeypatch.setattr(pt, "__file__", str(package / "__init__.py"))
    rates, claimed = package / "ageing" / "rates.toml", package / "claims.toml"
    counted = []
    for file, text in ((rates, "a = 1"), (claimed, "a = 1"), (rates, "a = 2"), (rates, "a = 2")):
        file.write_text(text, encoding="utf-8")
        job.reproduce(tmp_path / "run", quick=True)
        counted.append(few["a"])
    # what the paper claims is no part of an answer
    assert counted == [1, 1, 2, 2]


def test_a_second_run_with_figures_takes_stages_without_any_from_the_first(
    few: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "FIGURES", ())
    job.reproduce(tmp_path, quick=True, seed=3)
    for _ in range(2):
        job.reproduce(tmp_path, seed=3, draws=0)
    # once quick, whose batches are smaller, and once in full
    assert few["a"] == few["b"] == 2


def test_a_row_that_fails_says_why_and_the_others_are_answered(
    few: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(bench: Bench) -> Found:
        raise ConvergenceError("the top was not found.", "Look elsewhere.")

    monkeypatch.setitem(
        job.ROWS, "tandem.champion.voc", Row("tandem.champion.voc", "film", failing, "how", "perotwin jv")
    )
    made = job.reproduce(tmp_path, quick=True)
    lines = {one.claim.name: one for one in made.lines}
    assert lines["wide_bandgap.jv.target.voc"].verdict == "agrees"
    failed = lines["tandem.champion.voc"]
    assert failed.verdict == "differs" and failed.found is not None and "was not found" in failed.found.words


def test_the_cells_beside_the_page_are_the_calibrated_ones_of_the_library(
    few: dict[str, int], tmp_path: Path, calibrated: Bench
) -> None:
    job.reproduce(tmp_path, quick=True)
    cell = pt.load(tmp_path / "wbg-target.toml")
    assert cell == calibrated.singles["target"] == pt.load("wbg-target")
    assert isinstance(pt.load(tmp_path / "tandem-target.toml"), pt.Tandem)


@pytest.mark.slow
def test_the_command_beside_a_row_gives_its_number(
    few: dict[str, int], tmp_path: Path, calibrated: Bench
) -> None:
    job.reproduce(tmp_path, quick=True)
    row = rows_module.ROWS["buried_interface.kpfm.target"]
    _, *words = shlex.split(here(row))
    done = perotwin(*(str(tmp_path / word) if word.endswith(".toml") else word for word in words), "--json")
    first, second, *_ = json.loads(done.stdout)["results"]
    read = [one["metrics"]["mean_potential"] for one in (first, second)]
    assert {one["unit"] for one in read} == {"mV"}
    assert 1e-3 * (read[1]["value"] - read[0]["value"]) == pytest.approx(
        row(fresh(calibrated)).value, abs=1e-9
    )
    # the library's own recipes give the same, those of another picture another
    assert row(library_bench()).value == row(fresh(calibrated)).value
    assert abs(row(calibrated_bench(picture="spread")).value - row(fresh(calibrated)).value) > 1e-4


def test_files_hold_every_claim(few: dict[str, int], tmp_path: Path) -> None:
    made = job.reproduce(tmp_path, quick=True)
    table = (tmp_path / "claims.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == len(made.lines) + 1 and table[0].startswith("claim,says,where,kind,label")
    document = json.loads((tmp_path / "reproduce.json").read_text(encoding="utf-8"))["results"][0]
    assert len(document["claims"]) == len(made.lines) and len(document["contradictions"]) == 3
    page = (tmp_path / "reproduce.html").read_text(encoding="utf-8")
    assert all(one.claim.where in page for one in made.lines)
    # every row of a table has as many cells as the table has heads
    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        heads = len(re.findall(r"<th[ >]", table))
        for line in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]:
            spans = re.findall(r'<td[^>]*colspan="(\d+)"', line)
            assert (int(spans[0]) if spans else len(re.findall(r"<td[ >]", line))) == heads, line
    # what differs says why
    differs = page.partition("What differs</h2>")[2].partition("<h2")[0]
    off = [one for one in made.lines if one.agrees is False]
    assert off and all((one.claim.because or "Not explained")[:30] in differs for one in off)


def test_the_page_leads_from_each_number_to_its_command_and_files(
    few: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute(bench: Bench) -> float:
        return float(bench.of("eqe", "control")["jsc_integrated"])

    name = "wide_bandgap.eqe.jsc_control"
    monkeypatch.setitem(
        job.ROWS, name, Row(name, "film", compute, "How it came.", "perotwin eqe wbg-control")
    )
    made = job.reproduce(tmp_path, quick=True)
    (line,) = (one for one in made.lines if one.claim.name == name)
    assert line.found is not None and line.found.data == ("eqe-control",)
    saved = pt.measurement.load(tmp_path / "data" / "eqe-control.nc")
    assert float(pt.lab.eqe.analyse(saved)["jsc_integrated"]) == pytest.approx(line.found.value)
    page = (tmp_path / "reproduce.html").read_text(encoding="utf-8")
    assert "How it came. <code>perotwin eqe wbg-control.toml</code>" in page
    assert '<a href="wbg-control.toml">' in page and '<a href="data/eqe-control.nc">' in page
    document = json.loads((tmp_path / "reproduce.json").read_text(encoding="utf-8"))["results"][0]
    (row,) = (one for one in document["claims"] if one["claim"] == name)
    assert row["data"] == ["data/eqe-control.nc"] and row["spread"] is None and document["draws"] == 0
    # a second run knows them too
    (again,) = (one for one in job.reproduce(tmp_path, quick=True).lines if one.claim.name == name)
    assert again.found == line.found


def test_draws_are_carried_to_table_page_and_json_and_kept(
    few: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = posterior.read()
    assert left is not None
    counted = []

    def answering(self: Any, others: Any) -> dict[str, float]:
        counted.append(others)
        # what was answered before the draws can be read already
        assert "1.37 V" in (tmp_path / "reproduce.html").read_text(encoding="utf-8").replace(
            "\N{NO-BREAK SPACE}", " "
        )
        if len(counted) == 3:
            raise KeyboardInterrupt
        return dict.fromkeys(rows_module.ROWS, 1.36 + 0.01 * len(counted))

    monkeypatch.setattr(paper_draws._Answering, "answers", answering)
    # nothing is solved: draws of the slopes stand for those that steady curves have taken
    monkeypatch.setattr(paper_draws, "drawn", lambda left, number, seed: left.coordinates(4, seed)[number])
    monkeypatch.setattr(paper_draws, "films", lambda bench: {})
    monkeypatch.setattr(paper_draws, "_shared", lambda bench, processes: {})
    stopped = job.reproduce(tmp_path, quick=True, draws=4, processes=1)
    assert not stopped.complete and stopped.carried is None and stopped.files[0].exists()
    made = job.reproduce(tmp_path, quick=True, draws=4, processes=1)
    # two were kept, and one was stopped
    assert len(counted) == 5 and made.carried is not None
    assert counted[-1] == left.settings(left.coordinates(4)[3])
    voc = {one.claim.name: one for one in made.lines}["wide_bandgap.jv.target.voc"]
    values = np.array([1.37, 1.38, 1.40, 1.41])
    assert voc.spread is not None and voc.spread.values == pytest.approx(tuple(values))
    assert voc.twin == "1.370 ± 0.018 V" and voc.agreeing == 3
    page = (tmp_path / "reproduce.html").read_text(encoding="utf-8")
    assert "1.370 ±\N{NO-BREAK SPACE}0.018\N{NO-BREAK SPACE}V" in page and "3 of 4 draws agree" in page
    document = json.loads((tmp_path / "reproduce.json").read_text(encoding="utf-8"))["results"][0]
    (row,) = (one for one in document["claims"] if one["claim"] == "wide_bandgap.jv.target.voc")
    assert row["spread"]["sd"] == pytest.approx(values.std(ddof=1)) and document["draws"] == 4
    # without draws the page says so
    job.reproduce(tmp_path, quick=True)
    assert "Not computed in this run" in (tmp_path / "reproduce.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_two_runs_of_one_seed_give_the_same_table_and_every_row_is_answered() -> None:
    found = [
        {name: row(bench).value for name, row in rows_module.ROWS.items()}
        for bench in (calibrated_bench(devices=3), calibrated_bench(devices=3))
    ]
    assert str(found[0]) == str(found[1])


def test_an_interrupted_batch_is_not_taken_for_a_whole_one(
    monkeypatch: pytest.MonkeyPatch, calibrated: Bench
) -> None:
    bench = fresh(calibrated, devices=2)
    solved = []

    def stopped(plan: Plan, number: int) -> Merit:
        if len(solved) == 3:
            raise KeyboardInterrupt
        solved.append(number)
        return Merit(0.2, 1.3, 180.0, 0.8, 1.1, 170.0)

    monkeypatch.setattr(Plan, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        bench.batch("singles")
    assert not bench.datasets()
    monkeypatch.setattr(Plan, "__call__", lambda plan, number: Merit(0.2, 1.3, 180.0, 0.8, 1.1, 170.0))
    # what was solved is not solved again
    assert solved == [0, 1, 2] and bench.batch("singles")["pce"].size == 4


class Recording(Bench):
    """Knows what it was asked for, and measures nothing."""

    def _once(self, key: tuple[str, ...], label: str, work: Any) -> Any:
        self._kept[key] = None
        if key[0] == "device":
            return Merit(
                0.2 + 1e-3 * int(key[2]) ** 2,
                1.3 + 1e-3 * int(key[2]) ** 2,
                180.0,
                0.8 - 1e-3 * int(key[2]),
                1.1,
                170.0,
            )
        if key[0] == "film_ageing":
            return (1.0, 2.0)
        return work() if key[0] == "batch" else MagicMock(**{"__float__.return_value": 1.0})


def test_what_a_stage_needs_is_all_that_its_rows_measure(calibrated: Bench) -> None:
    def asked(answer: Any) -> set[tuple[str, ...]]:
        bench = Recording(calibrated.singles, calibrated.tandems, devices=2)
        answer(bench)
        return {key for key in bench._kept if key[0] not in ("sample", "batch")}

    earlier: set[tuple[str, ...]] = set()
    for stage in rows_module.STAGES:

        def by_rows(bench: Bench, stage: str = stage) -> None:
            for row in rows_module.ROWS.values():
                if row.stage == stage:
                    row(bench)

        def ahead(bench: Bench, stage: str = stage) -> None:
            for ask in rows_module.needed(stage, bench):
                bench.take(ask)

        # what an earlier stage has measured is there
        assert asked(by_rows) - earlier == asked(ahead), stage
        earlier |= asked(ahead)


def test_a_bench_knows_what_was_taken(calibrated: Bench) -> None:
    bench = Recording(calibrated.singles, calibrated.tandems, devices=1)
    for stage in rows_module.STAGES:
        for ask in rows_module.needed(stage, bench):
            assert not bench.knows(ask), ask
            bench.take(ask)
            assert bench.knows(ask), ask


def test_draws_take_from_the_set_what_it_has_measured_and_have_the_rest_measured(
    monkeypatch: pytest.MonkeyPatch, calibrated: Bench
) -> None:
    bench = fresh(calibrated, devices=1)
    taken: list[Any] = []

    def take(self: Bench, ask: Any) -> None:
        taken.append(ask)
        words = [f"{one:g}" if isinstance(one, float) else str(one) for one in ask]
        key = tuple(words[1:] if ask[0] in ("of", "on_sample") else words)
        self._kept[key] = Merit(0.2, 1.3, 180.0, 0.8, 1.1, 170.0) if ask[0] == "device" else 1.0

    monkeypatch.setattr(Bench, "take", take)
    first = paper_draws._shared(bench, 1)
    assert {("soak", "control"), ("trpl", "target"), ("batch", "tandems")} <= set(first)
    assert ("of", "trpl", "target") in taken and ("device", "singles", 0) in taken
    assert not any(ask[0] in ("scan", "tandem") or "mppt" in ask for ask in taken)
    del bench._kept["soak", "control"]
    taken.clear()
    assert set(paper_draws._shared(bench, 1)) == set(first)
    assert taken == [("soak", "control")]


def test_everything_is_begun_once_and_stages_one_after_another(calibrated: Bench) -> None:
    bench = fresh(calibrated, devices=2)
    asks = {stage: rows_module.needed(stage, bench) for stage in rows_module.STAGES}
    begun = rows_module.in_order(asks)
    assert sorted(map(str, begun)) == sorted(str(ask) for some in asks.values() for ask in some)
    long = ("tandem", "control")
    assert [ask for ask in begun if ask != long] == [
        ask for some in asks.values() for ask in some if ask != long
    ]
    assert begun.index(long) < begun.index(("of", "mppt", "target"))
    assert rows_module.in_order({"tandem": asks["tandem"]})[0] == long


def test_a_measurement_that_failed_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, calibrated: Bench
) -> None:
    tried = []

    def failing(cell: Any, *_: Any) -> None:
        tried.append(cell.name)
        raise ConvergenceError("the top was not found.", "Look elsewhere.")

    monkeypatch.setattr("perotwin.lab.el.measure", failing)
    bench = fresh(calibrated)
    worker = Taker(bench)
    assert ("data", "el", "target") in worker(("of", "el", "target"))
    for _ in range(2):
        with pytest.raises(ConvergenceError, match="was not found"):
            bench.of("el", "target")
    assert tried == ["wbg-target"] and not bench.datasets()


def test_what_another_process_measured_is_taken(monkeypatch: pytest.MonkeyPatch, calibrated: Bench) -> None:
    far, near = fresh(calibrated), fresh(calibrated)
    near.learn(pickle.loads(pickle.dumps(Taker(far)(("of", "eqe", "control")))))
    monkeypatch.setattr("perotwin.lab.eqe.measure", lambda *_: pytest.fail("measured again"))
    assert near.of("eqe", "control")["jsc_integrated"] == far.of("eqe", "control")["jsc_integrated"]
