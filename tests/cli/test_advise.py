"""perotwin advise: table, page, files, JSON, refusals."""

import csv
import json
from pathlib import Path

import pytest


def test_advice_and_its_files(cli, tmp_path: Path) -> None:
    given = tmp_path / "mine.toml"
    given.write_text(
        '[[change]]\nname = "longer lifetime"\nkind = "towards"\npaths = ["absorber.lifetime"]\nbetter = "more"\n'
        'value = "4 us"\nrange = ["1 us", "8 us"]\nassumed = "a test"\n'
        '[[change]]\nname = "better face"\nkind = "towards"\npaths = ["htl|absorber.velocity"]\nbetter = "less"\n'
        'value = "10 cm/s"\nrange = ["5 cm/s", "50 cm/s"]\nassumed = "a test"\n',
        encoding="utf-8",
    )
    folder = tmp_path / "out"
    done = cli(
        "advise",
        "wbg-control",
        "--changes",
        str(given),
        "--draws",
        "10",
        "--processes",
        "1",
        "-o",
        str(folder),
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "longer lifetime",
        "better face",
        "beyond the sum of both",
        "most is gained by",
        "Intervals hold",
    ):
        assert words in done.stdout
    names = {path.name for path in folder.iterdir()}
    assert names == {f"wbg-control-advice.{end}" for end in ("html", "csv", "json", "svg", "png")}
    rows = list(csv.reader((folder / "wbg-control-advice.csv").open(encoding="utf-8")))
    (result,) = json.loads((folder / "wbg-control-advice.json").read_text(encoding="utf-8"))["results"]
    assert len(rows) == 3 and {row[0] for row in rows[1:]} == {one["name"] for one in result["changes"]}
    assert float(rows[1][4]) == pytest.approx(result["changes"][0]["gain"]["value"], rel=1e-4)
    (pair,) = result["pairs"]
    total = sum(one["gain"]["value"] for one in result["changes"])
    assert pair["gain"]["value"] == pytest.approx(total + pair["interaction"]["value"], abs=1e-9)


def test_a_file_that_is_no_posterior_is_refused(cli, tmp_path: Path) -> None:
    done = cli("advise", "wbg-target", "--posterior", str(tmp_path / "none.nc"), "--processes", "1")
    assert done.returncode == 2 and "posterior" in done.stderr
