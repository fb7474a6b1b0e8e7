"""Scans and power tracking through the command line."""

import json
from pathlib import Path

import pytest

import perotwin as pt
from perotwin import progress
from perotwin.errors import ConvergenceError

QUICK = ("--start", "1.2 V", "--stop", "0 V", "--step", "100 mV")


def test_scans_print_a_row_each_and_the_hysteresis_index(cli) -> None:
    done = cli(
        "jv",
        "cell-b",
        "--scan",
        "reverse,forward",
        *QUICK,
        "--rate",
        "100 mV/s",
        "--preconditioning",
        "1.2 V, 60 s",
    )
    assert done.returncode == 0, done.stderr
    for words in ("cell-b, reverse", "cell-b, forward", "hysteresis index", "60 s at 1.2 V", "checks hold"):
        assert words in done.stdout


def test_scans_as_json_follow_the_schema(cli) -> None:
    told = ("--start", "1.4 V", "--stop", "0.2 V", "--step", "100 mV", "--delay", "0.1 s")
    done = cli("jv", "wbg-target", "--scan", "forward,reverse", *told, "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert done.returncode == 0
    assert [one["direction"] for one in result["scans"]] == ["forward", "reverse"]
    for one in result["scans"]:
        assert {"voc", "jsc", "ff", "pce", "vmp", "jmp"} <= one["metrics"].keys()
        assert one["metrics"]["pce"]["unit"] == "%"
        lengths = {len(one["curve"][name]["value"]) for name in ("voltage", "current_density", "time")}
        assert lengths == {13}
        assert one["curve"]["time"]["unit"] == "s"
    index = result["hysteresis_index"]
    pce = {one["direction"]: one["metrics"]["pce"]["value"] for one in result["scans"]}
    assert index["unit"] == "%"
    assert index["value"] == pytest.approx(100 * (pce["reverse"] - pce["forward"]) / pce["reverse"])
    assert "PCE reverse" in index["method"]
    assert result["checks"]["ion number conserved in time"]["passed"]
    assert result["protocol"]["dwell"] == 10.0
    assert any("10 s at the first voltage, 0.2 V" in note for note in result["notes"])
    assert result["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rate", "1 V/s", "--delay", "0.1 s"), "not both"),
        (("--rate", "0 mV/s"), "stand still"),
        (("--scan", "backwards"), "no scan direction"),
        (("--preconditioning", "60 s"), "a voltage and a time"),
        (
            ("--scan", "reverse", "--vary", "perovskite.thickness", "--from", "300 nm", "--to", "400 nm"),
            "--vary",
        ),
    ],
)
def test_an_impossible_scan_is_refused_with_a_sentence(cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli("jv", "cell-b", *arguments, "--json")
    assert done.returncode == 2
    assert words in json.loads(done.stdout)["error"]["message"]


def test_a_scan_that_ends_before_maximum_power_has_no_efficiency(cli) -> None:
    short = ("--start", "0.6 V", "--stop", "0 V", "--step", "100 mV", "--rate", "1 V/s")
    done = cli("jv", "cell-b", "--scan", "reverse,forward", *short, "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    for one in result["scans"]:
        assert one["metrics"]["pce"]["value"] is None
        assert one["metrics"]["vmp"]["value"] is None
        assert one["metrics"]["jsc"]["value"] > 10.0
    assert result["hysteresis_index"]["value"] is None
    assert any("ends before maximum power" in note for note in result["notes"])


def test_scans_are_written_and_drawn(cli, tmp_path: Path) -> None:
    done = cli("jv", "cell-b", "--scan", "reverse,forward", *QUICK, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "cell-b-reverse-scan.nc", "cell-b-forward-scan.nc", "scan.svg", "scan.png",
    }  # fmt: skip


def test_tracking_prints_the_stabilised_power(cli, tmp_path: Path) -> None:
    done = cli("mppt", "cell-b", "--duration", "10 s", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "stabilised power density" in done.stdout
    assert "±" in done.stdout
    assert {path.suffix for path in tmp_path.iterdir()} == {".nc", ".svg", ".png"}


def test_tracking_as_json(cli) -> None:
    done = cli(
        "mppt", "cell-b", "--duration", "10 s", "--perturbation", "10 mV", "--interval", "0.5 s", "--json"
    )
    (result,) = json.loads(done.stdout)["results"]
    power = result["metrics"]["stabilised_power"]
    assert power["unit"] == "mW/cm^2"
    assert power["value"] > 10.0
    assert power["uncertainty"] > 0.0
    assert result["power_density"]["unit"] == "mW/cm^2"
    assert result["time"]["value"][:3] == [0.5, 1.0, 1.5]
    assert len(result["voltage"]["value"]) == 20


def test_the_dark_and_too_short_a_run_are_refused(cli) -> None:
    assert cli("mppt", "cell-b", "--light", "dark").returncode == 2
    assert cli("mppt", "cell-b", "--duration", "1 s").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [("jv", "cell-b", "wbg-control", "--scan", "reverse", *QUICK), ("mppt", "cell-b", "wbg-control")],
)
def test_ctrl_c_keeps_what_was_computed(
    cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    count = []

    def advance(*_: object) -> None:
        count.append(1)
        if len(count) == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.RichListener, "advance", advance)
    done = cli(*arguments, "--json")
    assert done.returncode == 130
    document = json.loads(done.stdout)
    (result,) = document["results"]
    assert result["stack"] == "cell-b"
    assert result["complete"] is False
    assert "interrupted" in document["error"]["message"]


def test_a_cell_that_fails_reports_what_it_measured(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = pt.lab.scan.measure

    def failing(cell: pt.Stack, *arguments: object) -> object:
        scans = measure(cell, *arguments)
        if cell.name == "cell-b":
            error = ConvergenceError("stuck.", "Soften it.", voltage=1.0, stage="transient")
            error.context["measured"] = {"reverse": scans["reverse"]}
            raise error
        return scans

    monkeypatch.setattr(pt.lab.scan, "measure", failing)
    done = cli("jv", "cell-b", "cell-a", "--scan", "reverse,forward", *QUICK, "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)["results"]
    assert first["error"]["type"] == "ConvergenceError"
    assert [one["direction"] for one in first["scans"]] == ["reverse"]
    assert first["hysteresis_index"]["value"] is None
    assert len(second["scans"]) == 2


@pytest.mark.slow
def test_experiments_of_the_main_job(cli, tmp_path: Path) -> None:
    done = cli(
        "run", "wbg-control", "cell-b", "--experiments", "jv,scan", "-o", str(tmp_path / "out"), "--json"
    )
    assert done.returncode == 0, done.stderr
    first, _ = json.loads(done.stdout)["results"]
    assert [one["direction"] for one in first["scans"]] == ["steady", "reverse", "forward"]
    assert first["hysteresis_index"]["unit"] == "%"
    assert "eqe" not in first
    here = {path.name for path in (tmp_path / "out" / "wbg-control").iterdir()}
    assert {"jv.nc", "jv-dark.nc", "scan-reverse.nc", "scan-forward.nc"} <= here
    assert not {"eqe.nc", "bands.nc"} & here
    assert (tmp_path / "out" / "figures" / "scan.svg").exists()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Scans in time" in page and "Hysteresis index" in page


def test_an_experiment_that_does_not_exist_is_refused(cli) -> None:
    done = cli("run", "cell-b", "--experiments", "jv,mptp", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert "mptp" in error["message"] and "mppt" in error["advice"]
    assert cli("run", "cell-b", "--experiments", ",").returncode == 2
