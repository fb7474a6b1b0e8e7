"""perotwin impedance and perotwin cv through the command line."""

import json
from pathlib import Path

import pytest


def test_impedance_prints_readings_and_checks_and_writes_figures(cli, tmp_path: Path) -> None:
    done = cli(
        "impedance", "cell-a", "wbg-target", "--light", "1 sun", "--points", "20", "-o", str(tmp_path / "z")
    )
    assert done.returncode == 0, done.stderr
    assert "recombination resistance" in done.stdout
    assert "slowest time constant with the ions held" in done.stdout
    assert "FAILS" not in done.stdout
    names = {path.name for path in (tmp_path / "z").iterdir()}
    assert {"cell-a-impedance.nc", "wbg-target-impedance.svg", "impedance.png"} <= names


def test_impedance_as_json(cli) -> None:
    done = cli(
        "impedance", "wbg-target", "--bias", "0.9 V", "--lowest", "1 Hz", "--highest", "1 MHz", "--json"
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["bias_voltage"] == {"value": pytest.approx(0.9), "unit": "V"}
    frequency = result["frequency"]
    assert frequency["unit"] == "Hz"
    assert (frequency["value"][0], frequency["value"][-1]) == (pytest.approx(1.0), pytest.approx(1e6))
    assert result["impedance_real"]["unit"] == "ohm cm^2"
    assert result["capacitance_held"]["unit"] == "nF/cm^2"
    assert result["imvs_real"]["unit"] == "V"
    assert all(len(result[name]["value"]) == 60 for name in ("impedance_imag", "imps_imag", "capacitance"))
    assert result["metrics"]["recombination_resistance"]["method"]
    assert result["metrics"]["ionic_time"]["unit"] == "s"
    assert result["protocol"]["points"] == 60
    assert all(check["passed"] for check in result["checks"].values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bias", "moonlight"], '"moonlight" is no bias'),
        (["--bias", "maximum-power", "--light", "dark"], "no point of maximum power"),
        (["--lowest", "0 Hz"], "lowest"),
        (["--lowest", "1 V"], "frequency"),
        (["--points", "1"], "points"),
    ],
)
def test_impossible_spectra_are_refused_with_a_sentence(cli, arguments: list[str], words: str) -> None:
    done = cli("impedance", "cell-a", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_cv_says_where_there_is_no_doping(cli) -> None:
    done = cli("cv", "cell-a", "--step", "50 mV")
    assert done.returncode == 0, done.stderr
    assert "the capacitance is geometric" in " ".join(done.stdout.split())
    done = cli("cv", "cell-a", "--step", "50 mV", "--frequency", "1 MHz", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["light"]["value"] == 0.0
    assert result["frequency"] == {"value": 1e6, "unit": "Hz"}
    assert len(result["capacitance"]["value"]) == len(result["voltage"]["value"])
    assert "no doping" in result["metrics"]["apparent_doping"]["method"]
    assert any("geometric" in note for note in result["notes"])
