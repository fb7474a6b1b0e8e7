"""Tandems through the instruments on the command line."""

import json


def test_a_curve_shows_both_junctions(cli) -> None:
    done = cli("jv", "tandem-target", "--step", "50 mV")
    assert done.returncode == 0, done.stderr
    for words in (
        "top junction alone",
        "bottom junction alone",
        "mV lost between them",
        "junction limits the current",
        "checks hold",
    ):
        assert words in done.stdout, words
    (entry,) = json.loads(cli("jv", "tandem-target", "--step", "50 mV", "--json").stdout)["results"]
    assert entry["checks"]["junctions carry one current"]["passed"]
    assert set(entry["junctions"]) == {"top", "bottom"} and entry["limiting"] in ("top", "bottom")
    assert set(entry["scans"][0]["curve"]["junction_voltages"]) == {"top", "bottom", "between"}
    assert (
        entry["junctions"]["top"]["metrics"]["voc"]["value"]
        > entry["junctions"]["bottom"]["metrics"]["voc"]["value"]
    )


def test_suns_of_one_junction_are_set_and_varied(cli) -> None:
    done = cli("jv", "tandem-target", "--set", "top.light.intensity=0.5 sun", "--step", "50 mV")
    assert done.returncode == 0 and "the top junction limits the current" in done.stdout
    sweep = ("--vary", "top.light.intensity", "--from", "0.8 sun", "--to", "1.2 sun", "--steps", "2")
    made = json.loads(cli("jv", "tandem-target", "--step", "50 mV", *sweep, "--json").stdout)["results"]
    currents = [entry["scans"][0]["metrics"]["jsc"]["value"] for entry in made]
    assert currents[0] < 0.9 * currents[1]
    assert [entry["limiting"] for entry in made] == ["top", "bottom"]


def test_four_terminals_on_the_command_line(cli) -> None:
    four = ("jv", "tandem-target", "--set", "junction=separate", "--step", "50 mV")
    done = cli(*four)
    assert done.returncode == 0 and "bottom junction alone" in done.stdout
    (entry,) = json.loads(cli(*four, "--json").stdout)["results"]
    parts = [one["metrics"]["pce"]["value"] for one in entry["junctions"].values()]
    assert abs(sum(parts) - entry["metrics"]["pce"]["value"]) < 1e-9
    spectra = cli("eqe", "tandem-target", "--set", "junction=separate")
    assert spectra.returncode == 0 and "tandem-target-bottom" in spectra.stdout


def test_quantum_efficiency_by_junction_and_done_wrong(cli) -> None:
    done = cli("eqe", "tandem-target")
    assert done.returncode == 0, done.stderr
    assert "tandem-target, top" in done.stdout and "bias voltage 0.8" in done.stdout
    wrong = ("eqe", "tandem-target", "--bias-light", "none", "--bias", "0 V", "--json")
    (entry,) = json.loads(cli(*wrong).stdout)["results"]
    assert entry["junctions"]["top"]["bias_light"] == "no bias light"
    assert entry["junctions"]["top"]["eqe"] == entry["junctions"]["bottom"]["eqe"]
    assert cli("eqe", "tandem-target", "--bias-light", "blue").returncode == 2


def test_electroluminescence(cli) -> None:
    done = cli("el", "tandem-target", "--currents", "1 mA/cm^2, 20 mA/cm^2")
    assert done.returncode == 0, done.stderr
    assert "photons out over injected electrons, top" in done.stdout
    (entry,) = json.loads(cli("el", "wbg-target", "--voltages", "1.2 V, 1.3 V", "--json").stdout)["results"]
    assert len(entry["voltage"]["value"]) == 2 and set(entry["emitters"]) == {"perovskite"}
    assert cli("el", "wbg-target", "--currents", "1 V").returncode == 2
