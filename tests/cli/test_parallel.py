"""A file with columns goes through every command as any cell does."""

import json
from pathlib import Path

import pytest

from columns import patchy


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "patchy.toml"
    path.write_text(patchy("70 %", "30 %").to_toml(), encoding="utf-8")
    return str(path)


def test_show_names_the_columns_and_their_numbers(cli, file: str) -> None:
    done = cli("show", file)
    assert done.returncode == 0, done.stderr
    for words in ("covered, 70 % of the area", "bare, 30 % of the area", "bare.niox|perovskite.dipole"):
        assert words in done.stdout
    (entry,) = json.loads(cli("show", file, "--json").stdout)["results"]
    assert {layer["column"] for layer in entry["layers"]} == {"covered", "bare"}
    assert entry["numbers"]["covered.area"]["written"] == "70 %"
    assert "[[column]]" in cli("show", file, "--toml").stdout
    changed = cli("show", file, "--set", "bare.area=0.1", "--json")
    (entry,) = json.loads(changed.stdout)["results"]
    assert float(entry["numbers"]["covered.area"]["written"]) == pytest.approx(0.9)


def test_check_derives_for_each_column(cli, file: str) -> None:
    (entry,) = json.loads(cli("check", file, "--json").stdout)["results"]
    built_in = {row["where"]: row["value"] for row in entry["derived"] if row["name"] == "built_in_voltage"}
    assert built_in["covered"] - built_in["bare"] == pytest.approx(0.1, abs=1e-9)
    assert "covered.perovskite" in {row["where"] for row in entry["derived"]}
    done = cli("check", file, "--set", "bare.temperature=300 K")
    assert done.returncode == 2 and "one cell" in done.stderr
    done = cli(
        "check", file, "--set", "bare.sno2.trap={ electron_lifetime = '1 ns', hole_lifetime = '1 ns' }"
    )
    assert done.returncode == 2


def test_cite_lists_the_works_of_both(cli, file: str) -> None:
    (entry,) = json.loads(cli("cite", file, "--json").stdout)["results"]
    named = [path for work in entry["works"] for path in work["for"]]
    assert any(path.startswith("covered.") for path in named) and any(
        path.startswith("bare.") for path in named
    )
    assert set(entry["materials"]) == {"glass", "ito", "niox", "halide-perovskite", "c60", "sno2", "ag"}
    assert len({method["for"] for method in entry["methods"]}) == len(entry["methods"])


def test_an_area_can_be_varied(cli, file: str) -> None:
    arguments = ("--vary", "bare.area", "--from", "10 %", "--to", "60 %", "--steps", "3", "--step", "50 mV")
    done = cli("jv", file, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    voc = [entry["scans"][0]["metrics"]["voc"]["value"] for entry in json.loads(done.stdout)["results"]]
    assert voc == sorted(voc, reverse=True) and voc[0] - voc[-1] > 0.01


@pytest.mark.slow
def test_run_leaves_a_report(cli, file: str, tmp_path: Path) -> None:
    done = cli("run", file, "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "patchy" in page and "<code>covered.<wbr>area</code>" in page
    assert "in patchy (column covered, 0.7 of the area)" in page
    assert "Nothing flows from one column into the next." in page
    place = tmp_path / "out" / "patchy"
    assert {path.name for path in place.iterdir()} >= {
        "stack.toml",
        "jv.nc",
        "jv-dark.nc",
        "eqe.nc",
        "bands.nc",
    }
    # both columns stand in the drawing, under their names
    drawn = (place / "figures" / "stack.svg").read_text(encoding="utf-8")
    assert "covered, 70 % of the area" in drawn and "bare, 30 % of the area" in drawn
