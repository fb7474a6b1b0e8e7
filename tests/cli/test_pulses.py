"""perotwin tpv and perotwin tpc as a user and as a program that reads the JSON meet them."""

import json
from pathlib import Path

import pytest


def test_tpv_reads_two_cells_and_draws_them_together(cli, tmp_path: Path) -> None:
    done = cli(
        "tpv", "wbg-control", "wbg-target", "--light", "0.3 sun", "-o", str(tmp_path / "out"), "--json"
    )
    assert done.returncode == 0, done.stderr
    control, target = json.loads(done.stdout)["results"]
    assert control["light"] == {"value": 0.3, "unit": "sun"}
    lifetimes = [one["metrics"]["lifetime"] for one in (control, target)]
    assert all(entry["unit"] == "us" and "exponential" in entry["method"] for entry in lifetimes)
    assert lifetimes[1]["value"] > lifetimes[0]["value"] > 0
    assert control["metrics"]["photovoltage"]["unit"] == "mV"
    assert len(control["time"]["value"]) == len(control["voltage"]["value"])
    assert control["time"] == {"value": control["time"]["value"], "unit": "s"}
    assert all(check["passed"] for check in control["checks"].values())
    assert control["protocol"]["pulse"] == 0.1
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"tpv.svg", "tpv.png", "wbg-control-tpv.nc", "wbg-target-tpv.png"} <= names


def test_tpc_takes_its_load_and_its_light(cli) -> None:
    times = []
    for load in ("0.5 ohm cm^2", "10 ohm cm^2"):
        done = cli("tpc", "wbg-target", "--light", "dark", "--load", load, "--width", "2 us", "--json")
        assert done.returncode == 0, done.stderr
        (result,) = json.loads(done.stdout)["results"]
        assert result["light"]["value"] == 0
        assert result["protocol"]["load"] == pytest.approx(1e-4 * float(load.split()[0]))
        assert result["metrics"]["extraction_time"]["unit"] == "us"
        assert result["metrics"]["collected"]["value"] > 95
        times.append(result["metrics"]["extraction_time"]["value"])
    assert times[1] > 2 * times[0]


def test_lifetimes_against_light(cli, tmp_path: Path) -> None:
    done = cli("tpv", "wbg-control", "--lights", "0.1 sun, 1 sun", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "lifetime of the photovoltage" in done.stdout
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".nc", ".svg", ".png"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tpv", "wbg-control", "--light", "dark"), "dark"),
        (("tpv", "wbg-control", "--lights", "0.1 sun", "--light", "1 sun"), "exclude each other"),
        (("tpv", "wbg-control", "--pulse", "-1"), "pulse"),
        (("tpc", "wbg-control", "--pulse", "0 sun"), "without light"),
        (("tpc", "wbg-control", "--load", "5"), "unit"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error:")
    assert words in done.stderr
