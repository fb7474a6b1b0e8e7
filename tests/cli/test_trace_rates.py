"""perotwin analyse --model degradation as a user and as a program that reads the JSON meet it."""

import json
from pathlib import Path

import pytest

import real_files


def test_a_long_trace_has_laws_beside_curves(cli, tmp_path: Path) -> None:
    path = real_files.real("mppt_302h_hunting_tracker.csv")
    done = cli("analyse", str(path), "--model", "degradation", "-o", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["results"]
    assert found["metrics"]["t80"]["value"] == pytest.approx(69.0, abs=3.0)
    models = {one["model"]: one for one in found["fits"]}
    assert models["single exponential"]["aicc_above_best"] > 6.0
    rate = found["rates"]["traps at a constant rate"]["trap_growth_rate"]
    assert rate["unit"] == "1/h" and 0.01 < rate["value"] < 0.06 and "interval" in rate["method"]
    assert {"degradation.html", "degradation.json"} <= {one.name for one in tmp_path.iterdir()}


@pytest.mark.parametrize("name", ["mppt_hzb.txt", "mppt_sss_tandem.txt", "jv_multicurve_stability.IV"])
def test_short_traces_are_refused_with_the_length_that_is_needed(cli, name: str) -> None:
    done = cli("analyse", str(real_files.real(name)), "--model", "degradation")
    assert done.returncode == 2 and "tens of hours" in done.stderr and "Traceback" not in done.stderr


def test_what_cannot_be_is_refused(cli) -> None:
    for arguments, words in (
        (("x.txt", "--model", "magic"), "no model"),
        (("x.txt", "--cell", "nbg"), "only with a model"),
        (("none.txt", "--model", "degradation"), "none.txt"),
    ):
        done = cli("analyse", *arguments)
        assert done.returncode == 2 and words in done.stderr, done.stderr
