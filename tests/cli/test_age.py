"""perotwin age as a user and as a program that reads the JSON meet it."""

import json
from pathlib import Path

import pytest


def test_both_samples_with_files_figure_page_and_labels(cli, tmp_path: Path) -> None:
    out = tmp_path / "age"
    done = cli("age", "wbg-control", "wbg-target", "--duration", "200 h", "--csv", "-o", str(out), "--json")
    assert done.returncode == 0, done.stderr
    control, target = json.loads(done.stdout)["results"]
    assert control["protocol"] == "ISOS-L-1" and control["metrics"]["retained"]["unit"] == "%"
    assert control["metrics"]["retained"]["value"] < target["metrics"]["retained"]["value"] < 100.0
    assert {one["label"] for one in target["metrics"].values()} <= {"simulated", "extrapolated", ""}
    assert target["metrics"]["t80"]["label"] == "extrapolated" and target["metrics"]["t80"]["value"] > 200.0
    assert control["metrics"]["t80"]["label"] == "simulated"
    lost = [one[-1] for name, one in ((n, v["value"]) for n, v in control["lost"].items()) if name != "time"]
    assert sum(lost) == pytest.approx(100.0 - control["course"]["retained"]["value"][-1], abs=1e-6)
    assert control["optics"] == 1 and control["points"] <= 600 and control["rates"]["data_per_rate"] == 1.0
    assert "film and cell tell one story" in done.stderr and "data for each rate" in done.stderr
    names = {path.name for path in out.iterdir()}
    assert {"age.svg", "age.png", "age.html", "age.json", "wbg-target-age.nc", "wbg-control-age.csv"} <= names
    assert not [name for name in names if "checkpoint" in name]
    head = (out / "wbg-target-age.csv").read_text(encoding="utf-8").splitlines()[0]
    assert head.startswith("time (s),power_density (mW/cm^2),retained (%)")
    page = (out / "age.html").read_text(encoding="utf-8")
    assert "calibrated" in page and "a bound" in page and "<svg" in page


@pytest.mark.slow
def test_heat_cycles_and_a_tandem(cli) -> None:
    def left(*arguments: str) -> float:
        done = cli("age", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["results"][0]["metrics"]["retained"]["value"]

    ambient = left("wbg-target", "--duration", "96 h")
    assert (
        left("wbg-target", "--duration", "96 h", "--protocol", "ISOS-L-2", "--temperature", "65 degC")
        < ambient
    )
    assert left("wbg-target", "--duration", "96 h", "--cycle", "12 h light, 12 h dark") > ambient
    assert 95.0 < left("tandem-target", "--duration", "50 h") < 100.0
    assert left("wbg-target", "--duration", "96 h", "--protocol", "ISOS-D-2I") == pytest.approx(100.0)


@pytest.mark.slow
def test_rates_are_fitted_again_and_used_from_their_file(cli, tmp_path: Path) -> None:
    done = cli("age", "--refit", "-o", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["results"]
    assert set(found["fitted_on"]) == {"wbg-control", "wbg-target"} and found["data_per_rate"] == 1.0
    file = str(tmp_path / "rates.toml")
    # what they are fitted to: less than half, and a number
    ends = {"wbg-control": ("400 h", 49.0), "wbg-target": ("600 h", 86.4)}
    for cell, (duration, left) in ends.items():
        done = cli("age", cell, "--duration", duration, "--rates", file, "--json")
        assert done.returncode == 0, done.stderr
        (result,) = json.loads(done.stdout)["results"]
        assert result["metrics"]["retained"]["value"] == pytest.approx(left, abs=0.1)
        assert not any("fit them again" in note for note in result["notes"])


def test_rates_of_other_cells_are_not_used_in_silence(cli, tmp_path: Path) -> None:
    from perotwin.ageing import rates

    text = rates.to_toml(rates.library().model_copy(update={"fitted_on": {"wbg-target": "0123456789abcdef"}}))
    (tmp_path / "rates.toml").write_text(text, encoding="utf-8")
    done = cli("age", "wbg-target", "--duration", "2 h", "--rates", str(tmp_path / "rates.toml"))
    assert done.returncode == 0, done.stderr
    assert "fit them again" in done.stdout and "wbg-target" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("age",), "no cell"),
        (("age", "wbg-target", "--protocol", "ISOS-Q-1"), "protocol"),
        (("age", "wbg-target", "--protocol", "ISOS-L-2", "--temperature", "25 degC"), "65 degC or 85 degC"),
        (("age", "wbg-target", "--bias", "reverse"), "no bias"),
        (("age", "wbg-target", "--cycle", "12 h of sleep"), "no cycle"),
        (("age", "wbg-target", "--cycle", "1 min light, 1 min dark", "--duration", "1 h"), "shorter than"),
        (("age", "wbg-target", "--atmosphere", "sulphur"), "no atmosphere"),
        (("age", "wbg-target", "--duration", "0 h"), "no time"),
        (("age", "cell-a"), "neither mobile ions nor tin"),
        (("age", "patchy-tandem"), "side by side"),
        (("age", "wbg-target", "--rates", "none.toml"), "none.toml"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
