"""perotwin batch: table, files, JSON, going on, refusals."""

import json
import re
from pathlib import Path

import pytest

from perotwin.study import pool

pytest.importorskip("pyarrow")

SPREAD = """
[device]
"perovskite.thickness" = { relative = "5 %" }
"""


@pytest.fixture
def given(tmp_path: Path) -> tuple[str, ...]:
    file = tmp_path / "spread.toml"
    file.write_text(SPREAD, encoding="utf-8")
    return ("batch", "cell-a", "--spread", str(file), "--processes", "1", "-o", str(tmp_path / "out"))


def test_a_batch_and_its_files(cli, tmp_path: Path, given: tuple[str, ...]) -> None:
    done = cli(*given, "--draws", "25")
    assert done.returncode == 0, done.stderr
    assert "median" in done.stdout and "25 of 25" in done.stdout and "written:" in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()} - {".lock"}
    assert names == {
        "parts",
        "batch.json",
        "batch.parquet",
        "batch.html",
        "batch.svg",
        "batch.png",
        "batch-summary.json",
    }
    page = (tmp_path / "out" / "batch.html").read_text(encoding="utf-8")
    assert "<svg" in page and not re.findall(r'(?:src|href)="https?://', page)
    more = cli(*given, "--draws", "30", "--json")
    (result,) = json.loads(more.stdout)["results"]
    assert result["devices"] == 30 and result["failed"] == 0 and result["complete"] is True
    assert any("25 devices were in the store already" in note for note in result["notes"])
    assert result["metrics"]["pce, cell-a, median"]["unit"] == "%"


def test_interrupted_it_says_how_to_go_on(
    cli, tmp_path: Path, given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, count = pool._done, 0

    def stopping(job, item):
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt
        return plain(job, item)

    monkeypatch.setattr(pool, "_done", stopping)
    done = cli(*given, "--draws", "30")
    assert done.returncode == 130 and "the same command goes on" in done.stdout
    monkeypatch.setattr(pool, "_done", plain)
    assert "20 devices were in the store already" in cli(*given, "--draws", "30").stdout


def test_refusals(cli, tmp_path: Path, given: tuple[str, ...]) -> None:
    assert cli(*given, "--draws", "20").returncode == 0
    for more, words in (
        (("--draws", "20", "--seed", "9"), "another batch"),
        (("--draws", "0"), "no batch"),
        (("--posterior", "none.nc"), "one of both"),
    ):
        done = cli(*given, *more)
        assert done.returncode == 2 and words in done.stderr, done.stderr
    done = cli("batch", "cell-a", "--draws", "5")
    assert done.returncode == 2 and "output" in done.stderr
