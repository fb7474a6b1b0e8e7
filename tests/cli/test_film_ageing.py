"""perotwin film-ageing as a user and as a program that reads the JSON meet it."""

import json
from pathlib import Path


def test_two_films_with_files_and_a_page(cli, tmp_path: Path) -> None:
    done = cli("film-ageing", "control", "target", "--csv", "-o", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    control, target = json.loads(done.stdout)["results"]
    assert target["metrics"]["absorbance_end"]["value"] < 0.01 * control["metrics"]["absorbance_end"]["value"]
    assert control["spectra"]["time"]["value"] == [0.0, 21600.0, 86400.0]
    assert any("only the ratio" in note for note in control["notes"])
    names = {path.name for path in tmp_path.iterdir()}
    assert {
        "film-ageing.svg",
        "film-ageing.html",
        "film-ageing.json",
        "control-film.csv",
        "target-film.nc",
    } <= names


def test_refusals(cli) -> None:
    for arguments, words in (
        (("--temperature", "200 degC"), "toluene"),
        (("--path", "magic"), "no path"),
        (("--duration", "0 h"), "not positive"),
    ):
        done = cli("film-ageing", "control", *arguments)
        assert done.returncode == 2 and words in done.stderr.lower(), done.stderr
