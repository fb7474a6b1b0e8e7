"""The reproduction as people call it: the table, files, an interruption, a second run, the same numbers again."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import perotwin as pt
from perotwin.errors import ConvergenceError
from perotwin.paper import rows as rows_module
from perotwin.paper.bench import Bench, calibrated_bench
from perotwin.paper.found import Found, Row
from perotwin.workflows import reproduce as job


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
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


def test_the_cells_beside_the_page_are_the_calibrated_ones(few: dict[str, int], tmp_path: Path) -> None:
    job.reproduce(tmp_path, quick=True)
    cell = pt.load(tmp_path / "wbg-target.toml")
    assert cell == calibrated_bench().singles["target"] != pt.load("wbg-target")
    assert isinstance(pt.load(tmp_path / "tandem-target.toml"), pt.Tandem)


def test_files_hold_every_claim(few: dict[str, int], tmp_path: Path) -> None:
    made = job.reproduce(tmp_path, quick=True)
    table = (tmp_path / "claims.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == len(made.lines) + 1 and table[0].startswith("claim,says,where,kind,label")
    document = json.loads((tmp_path / "reproduce.json").read_text(encoding="utf-8"))["results"][0]
    assert len(document["claims"]) == len(made.lines) and len(document["contradictions"]) == 3
    page = (tmp_path / "reproduce.html").read_text(encoding="utf-8")
    assert all(one.claim.where in page for one in made.lines)


@pytest.mark.long
def test_two_runs_of_one_seed_give_the_same_table_and_every_row_is_answered() -> None:
    found = [
        {name: row(bench).value for name, row in rows_module.ROWS.items()}
        for bench in (calibrated_bench(devices=3), calibrated_bench(devices=3))
    ]
    assert str(found[0]) == str(found[1])


def test_an_interrupted_batch_is_not_taken_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    room = importlib.import_module("perotwin.study.batch")
    monkeypatch.setattr(room, "batch", lambda *_, **__: SimpleNamespace(attrs={"complete": 0}))
    bench = Bench({"control": None, "target": None}, {})  # type: ignore[dict-item]  # no cell is looked at
    with pytest.raises(KeyboardInterrupt):
        bench.batch("singles")
    assert not bench.datasets()
