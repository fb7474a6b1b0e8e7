"""perotwin statistics: batches through the command line, their files, tables of devices, refusals, Ctrl-C."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import measured_statistics
import perotwin as pt
from perotwin.measurement import load, save
from perotwin.study import pool

SPREAD = """
devices_per_substrate = 2
[substrate]
perovskite.thickness = { relative = "4 %" }
[device]
"circuit.series_resistance" = { sd = "0.5 ohm cm^2" }
"""


@pytest.fixture
def spread(tmp_path: Path) -> str:
    file = tmp_path / "spread.toml"
    file.write_text(SPREAD, encoding="utf-8")
    return str(file)


def test_a_batch_of_two_cells(cli, tmp_path: Path, spread: str) -> None:
    given = ("statistics", "nbg", "wbg-target", "--devices", "6", "--spread", spread, "--processes", "1")
    done = cli(*given, "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    for words in ("nbg", "wbg-target", "quartiles", "Welch p", "nbg − wbg-target", "written:"):
        assert words in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"statistics.{end}" for end in ("nc", "csv", "json", "svg", "png")}
    made = load(tmp_path / "out" / "statistics.nc")
    assert made.sizes["device"] == 12 and np.isfinite(made["pce"]).all()
    rows = list(csv.DictReader((tmp_path / "out" / "statistics.csv").open(encoding="utf-8-sig")))
    assert len(rows) == 12 and float(rows[0]["PCE (%)"]) == pytest.approx(
        100.0 * float(made["pce"][0]), rel=1e-8
    )
    drawn = json.loads(made.attrs["drawn"])
    assert f"{rows[3]['perovskite.thickness (nm)']} nm" == drawn[3]["perovskite.thickness"]
    # the table that is written is one that is read
    back = json.loads(cli("statistics", str(tmp_path / "out" / "statistics.csv"), "--json").stdout)[
        "results"
    ][0]
    right = json.loads((tmp_path / "out" / "statistics.json").read_text(encoding="utf-8"))["results"][0]
    for name in (
        "pce, nbg, mean",
        "jsc, wbg-target, median",
        "substrates, nbg",
        "welch_p, ff, nbg - wbg-target",
    ):
        assert back["metrics"][name]["value"] == pytest.approx(right["metrics"][name]["value"], rel=1e-6)
    # a device of the table is the cell with the numbers that the table names
    again = pt.lab.jv.analyse(pt.lab.jv.measure(pt.load("nbg").with_values(drawn[1])))
    assert float(made["voc"][1]) == pytest.approx(float(again["voc"]), abs=1e-6)
    assert float(made["pce"][1]) == pytest.approx(float(again["pce"]), rel=1e-5)


def test_json_is_alone_on_stdout(cli, spread: str) -> None:
    given = (
        "statistics",
        "cell-a",
        "--devices",
        "4",
        "--processes",
        "1",
        "--set",
        "circuit.series_resistance=3 ohm cm^2",
    )
    done = cli(*given, "--spread", spread, "--seed", "3", "--json")
    document = json.loads(done.stdout)
    (result,) = document["results"]
    assert len(result["devices"]) == 4 and result["devices"][0]["device"] == "cell-a 1"
    assert result["substrate"] == ["cell-a 1", "cell-a 1", "cell-a 2", "cell-a 2"]
    assert result["devices"][0]["pce"]["unit"] == "%" and result["metrics"]["devices, cell-a"]["value"] == 4
    assert result["complete"] is True and "median" in done.stderr


def test_the_usual_spread_is_said_to_be_assumed(cli) -> None:
    done = cli("statistics", "cell-a", "--devices", "2", "--processes", "1")
    assert done.returncode == 0, done.stderr
    assert "assumed numbers" in done.stdout


def test_a_table_of_devices(cli, tmp_path: Path) -> None:
    file = save(measured_statistics.dataset(), tmp_path / "devices.nc")
    done = cli("statistics", str(file))
    assert done.returncode == 0, done.stderr
    assert "control − target" in done.stdout and "Mann-Whitney" in done.stdout
    both = cli("statistics", str(file), "cell-a", "--devices", "3", "--processes", "1")
    assert both.returncode == 0 and "cell-a − control" in both.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cell-a", "--devices", "0"), "no batch"),
        (("cell-a", "--spread", "none.toml"), "cannot be read"),
        (("cell-a", "cell-a"), "two cells"),
        (("cell-a", "--light", "dark"), "in the dark"),
        (("cella",), "cell-a"),
        (("none.csv",), "no file"),
    ],
)
def test_refusals(cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli("statistics", *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_interrupted_it_shows_what_is_done(cli, spread: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, count = pool._done, 0

    def stopping(job, item):
        nonlocal count
        count += 1
        if count > 3:
            raise KeyboardInterrupt
        return plain(job, item)

    monkeypatch.setattr(pool, "_done", stopping)
    done = cli("statistics", "cell-a", "--devices", "9", "--spread", spread, "--processes", "1", "--json")
    assert done.returncode == 130
    (result,) = json.loads(done.stdout)["results"]
    assert len(result["devices"]) == 3 and result["complete"] is False
    assert "stopped after 3 of 9" in done.stderr
