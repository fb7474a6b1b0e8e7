"""optimise, map and sensitivity through the command line: tables, files, JSON, refusals, Ctrl-C."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from fresh import environment
from perotwin import progress

ONE = ("--processes", "1")
RESISTANCES = (
    "--vary",
    "circuit.series_resistance=0..4 ohm cm^2",
    "--vary",
    "perovskite.thickness=420..480nm",
)
MAP = (
    "--x",
    "perovskite.thickness=300 nm..500 nm",
    "--y",
    "circuit.series_resistance=1..5 ohm cm^2",
    "--steps",
    "3x2",
)


def test_optimise_prints_and_writes_everything(cli, tmp_path: Path) -> None:
    done = cli("optimise", "nbg", *RESISTANCES[:2], *ONE, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for words in ("largest PCE", "0 ohm cm^2", "as it is", "best", "low end of its range", "written:"):
        assert words in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        f"nbg-optimum.{end}" for end in ("toml", "csv", "json", "svg", "png")
    }
    best = pt.load(tmp_path / "nbg-optimum.toml")
    assert float(best.get("circuit.series_resistance")) == 0.0
    rows = list(csv.DictReader((tmp_path / "nbg-optimum.csv").open()))
    assert rows[0]["stage"] == "as it is"
    values = [float(row["pce (%)"]) for row in rows]
    assert max(values) == pytest.approx(100.0 * pt.study.merit(best).pce, rel=2e-6)
    kept = json.loads((tmp_path / "nbg-optimum.json").read_text())["results"][0]
    assert kept["tried"] == len(rows)


def test_optimise_as_json(cli) -> None:
    done = cli("optimise", "nbg", *RESISTANCES[:2], *ONE, "--objective", "ff", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["objective"] == "ff"
    assert result["complete"] is True
    (resistance,) = result["fields"]
    assert resistance["path"] == "circuit.series_resistance"
    assert resistance["best"] == {"value": 0.0, "unit": "ohm cm^2"}
    assert resistance["range"] == {"low": 0.0, "high": 4.0, "unit": "ohm cm^2", "why": "as given"}
    assert resistance["per_unit"]["unit"] == "%/(ohm cm^2)"
    assert resistance["per_unit"]["value"] < -0.1
    assert resistance["keeps_99.5_percent"]["unit"] == "ohm cm^2"
    assert result["after"]["ff"]["value"] > result["before"]["ff"]["value"]
    assert pt.stack.from_toml(result["toml"]).name == "nbg-optimum"


def test_map_prints_and_writes_everything(cli, tmp_path: Path) -> None:
    done = cli("map", "nbg", *MAP, *ONE, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "perovskite.thickness (nm)" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        f"nbg-map.{end}" for end in ("nc", "csv", "svg", "png")
    }
    made = pt.measurement.load(tmp_path / "nbg-map.nc")
    assert made["pce"].shape == (2, 3)
    rows = list(csv.DictReader((tmp_path / "nbg-map.csv").open()))
    assert len(rows) == 6
    assert float(rows[4]["perovskite.thickness (nm)"]) == 400.0
    assert float(rows[4]["circuit.series_resistance (ohm cm^2)"]) == 5.0
    assert float(rows[4]["pce (%)"]) == pytest.approx(100.0 * float(made["pce"][1, 1]))


def test_map_as_json(cli) -> None:
    done = cli("map", "nbg", *MAP, *ONE, "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["x"] == {"path": "perovskite.thickness", "value": [300.0, 400.0, 500.0], "unit": "nm"}
    assert np.array(result["pce"]["value"]).shape == (2, 3)
    assert result["pce"]["unit"] == "%"
    assert result["jsc"]["unit"] == "mA/cm^2"
    assert result["best"]["pce"]["value"] == pytest.approx(np.max(result["pce"]["value"]))
    assert result["failures"] == []


def test_sensitivity_prints_and_writes_everything(cli, tmp_path: Path) -> None:
    fields = ("--field", "circuit.series_resistance", "--field", "perovskite.conduction_dos")
    done = cli("sensitivity", "nbg", *fields, *ONE, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for words in ("small changes", "+1 %", "over the range that each number states", "per ohm cm^2"):
        assert words in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        f"nbg-sensitivity.{end}" for end in ("csv", "json", "svg", "png")
    }
    rows = list(csv.DictReader((tmp_path / "nbg-sensitivity.csv").open()))
    assert [row["number"] for row in rows] == ["circuit.series_resistance", "perovskite.conduction_dos"]
    assert rows[1]["low end"] == ""


def test_sensitivity_as_json(cli) -> None:
    done = cli("sensitivity", "nbg", "--field", "circuit.series_resistance", *ONE, "--json")
    (result,) = json.loads(done.stdout)["results"]
    (number,) = result["numbers"]
    assert number["per_percent"]["value"] < 0.0
    assert number["per_change"]["change"] == "1 %"
    assert number["per_unit"]["unit"] == "%/(ohm cm^2)"
    assert number["at_low"]["value"] > number["at_high"]["value"]
    assert result["ranked"] == ["circuit.series_resistance"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("optimise", "nbg"), "nothing is varied"),
        (("optimise", "nbg", "--vary", "perovskite.thicknes"), "thickness"),
        (("optimise", "nbg", "--vary", "perovskite.thickness=1 um..500 nm"), "lower end first"),
        (("optimise", "nbg", "--vary", "perovskite.thickness", "--objective", "power"), "no objective"),
        (("optimise", "nbg", "--vary", "perovskite.thickness", "--processes", "0"), "at least 1"),
        (("optimise", "cell-a", "--vary", "perovskite.electronic.bandgap=1.5..1.7 eV"), "prescribed"),
        (("map", "nbg", "--x", "perovskite.thickness", "--y", "perovskite.thickness"), "twice"),
        (("map", "nbg", *MAP[:4], "--steps", "many"), "how many values"),
        (("map", "nbg", *MAP[:4], "--steps", "1"), "no map"),
        (("sensitivity", "nbg", "--field", "perovskite.role"), "not a number"),
    ],
)
def test_wrong_input_is_a_sentence(cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli(*arguments, "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert words in error["message"] + error["advice"]


def test_in_the_dark_nothing_can_be_solved_and_it_says_why(cli) -> None:
    done = cli("optimise", "nbg", *RESISTANCES, *ONE, "--light", "dark")
    assert done.returncode == 1
    assert "no efficiency" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (("optimise", "nbg", *RESISTANCES), "nbg-optimum.toml"),
        (("map", "nbg", *MAP), "nbg-map.nc"),
        (("sensitivity", "nbg"), "nbg-sensitivity.csv"),
    ],
)
def test_ctrl_c_keeps_what_was_computed(
    cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], file: str
) -> None:
    count = []

    def advance(*_: object) -> None:
        count.append(1)
        if len(count) == 5:
            raise KeyboardInterrupt

    # those of one number come together: a handful is enough for one
    monkeypatch.setattr(
        progress.RichListener, "advance", advance if "sensitivity" not in arguments else _late(count)
    )
    done = cli(*arguments, *ONE, "--json", "-o", str(tmp_path))
    assert done.returncode == 130
    document = json.loads(done.stdout)
    assert document["results"][0]["complete"] is False
    assert "interrupted" in document["error"]["message"]
    assert (tmp_path / file).exists()
    assert "stopped after" in done.stderr


def _late(count: list[int]):
    def advance(*_: object) -> None:
        count.append(1)
        if len(count) == 14:
            raise KeyboardInterrupt

    return advance


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_real_ctrl_c_while_two_processes_work(tmp_path: Path) -> None:
    """As a terminal sends it: to the command and to its workers, which leave it to the command."""
    begin = "from perotwin.cli import main; main()"
    asked = ("map", "wbg-target", "--x", "perovskite.thickness=300..900nm", "--y", "perovskite.bandgap=1.5..1.9eV",
             "--steps", "40", "--processes", "2", "-o", str(tmp_path), "--json")  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, "-c", begin, *asked], env=environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a test runner in the background has the signal ignored, and its children would inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    time.sleep(15.0)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    result = json.loads(out)["results"][0]
    solved = sum(value is not None for row in result["pce"]["value"] for value in row)
    assert 0 < solved < 1600
    assert result["complete"] is False
    assert "Traceback" not in err
    assert pt.measurement.load(tmp_path / "wbg-target-map.nc").attrs["complete"] == 0
