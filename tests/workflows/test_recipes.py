"""Recipes from the shell: samples, series, cells, and what is refused."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import perotwin as pt
from perotwin import workflows
from perotwin.cli import main
from perotwin.errors import InputError
from perotwin.measurement import load as load_data
from perotwin.recipe import Recipe, load
from perotwin.stack import Parallel


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.mark.slow
def test_coverage_leaves_a_folder_for_each_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "coverage", "target", "control", "-o", str(tmp_path / "interface"))
    assert code == 0 and "bare area" in out
    for name in ("target", "control"):
        folder = tmp_path / "interface" / name
        assert Recipe.from_toml((folder / "recipe.toml").read_text(encoding="utf-8")) == load(name)
        data = load_data(folder / "sample.nc")
        assert set(data["surface"].values.ravel()) <= {0, 1, 2}
        assert (folder / "figures" / "surface.svg").stat().st_size > 10_000
    assert (tmp_path / "interface" / "figures" / "surfaces.png").exists()
    assert not list((tmp_path / "interface").glob(".*"))


def test_coverage_as_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "coverage", "target", "--base", "wbg-base", "--json")
    made: dict[str, Any] = json.loads(out)
    assert code == 0 and made["schema"] == 1
    (one,) = made["results"]
    read = one["readings"]
    shares = [read[name]["value"] for name in ("sam_share", "additive_share", "bare_share")]
    assert sum(shares) == pytest.approx(100.0, abs=1e-9)
    assert read["bare_share"]["unit"] == "%"
    assert all(check["passed"] for check in one["checks"].values())
    metrics = one["jv"]["scans"][0]["metrics"]
    assert 1.2 < metrics["voc"]["value"] < 1.42
    assert len(one["profile"]["depth"]["value"]) == len(one["profile"]["additive"]["value"])


def test_a_series_of_doses_goes_one_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = run(
        capsys, "coverage", "target", "--vary", "additive.dose", "--from", "0", "--to", "2 mol%", "--steps", "3",
        "--base", "wbg-base", "-o", str(tmp_path),
    )  # fmt: skip
    assert code == 0
    with (tmp_path / "target-additive.dose.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["additive.dose (mol%)"]) for row in rows] == [0.0, 1.0, 2.0]
    signs = {"bare_share (%)": -1, "interface_step (meV)": 1, "voc (V)": 1, "mobile_ions (cm^-3)": -1}
    for name, sign in signs.items():
        values = [sign * float(row[name]) for row in rows]
        assert values == sorted(values), name
    assert (tmp_path / "target-additive.dose.png").exists()


def test_make_writes_a_cell_that_loads_and_says_how_it_came_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    code, out, _ = run(
        capsys, "make", "target", "wbg-base", "-o", str(file), "--set", "additive.dose=0.5 mol%"
    )
    assert code == 0 and "Columns side by side against one effective face" in out
    cell = pt.load(file)
    assert cell.name == "mine"
    assert float(cell.get("niox|perovskite.dipole")) < float(
        pt.load("wbg-target").get("niox|perovskite.dipole")
    )
    assert file.read_text(encoding="utf-8").startswith("# Made from the recipe target")
    code, _, _ = run(capsys, "make", "control", "wbg-base", "--columns", "-o", str(tmp_path / "columns.toml"))
    assert code == 0 and isinstance(pt.load(tmp_path / "columns.toml"), Parallel)


@pytest.mark.slow
def test_cells_made_from_recipes_go_through_the_main_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, "run", "--recipe", "control", "--recipe", "target", "wbg-base", "--experiments", "jv", "-o",
        str(tmp_path),
    )  # fmt: skip
    assert code == 0 and "what the recipes left" in out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What the recipes left" in page and "from the recipe" in page
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    voc = {one["stack"]: one["scans"][0]["metrics"]["voc"]["value"] for one in results}
    ff = {one["stack"]: one["scans"][0]["metrics"]["ff"]["value"] for one in results}
    assert voc["target"] - voc["control"] > 0.02
    assert ff["target"] - ff["control"] > 1.0
    for name in ("control", "target"):
        assert (tmp_path / name / "recipe.toml").exists() and (tmp_path / name / "sample.nc").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("coverage", "targt"), "targt"),
        (("coverage", "target", "--set", "additive.dose=-1 mol%"), "negative"),
        (("coverage", "target", "--set", "additive.dose=0.5"), "50"),
        (("coverage", "target", "--vary", "additive.dose"), "from where to where"),
        (("coverage", "control", "--vary", "additive.dose", "--from", "0", "--to", "1 mol%"), "additive"),
        (("make", "sam-niox", "wbg-base"), "no film"),
        (("make", "target", "wbg-base", "-o", "cell.json"), ".toml"),
        (("run", "--recipe", "target-washed", "wbg-base"), "washed off"),
    ],
)
def test_wrong_recipes_end_in_a_sentence(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert words in out + err
    assert "Traceback" not in err


def test_results_replace_nothing_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "diary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"diary\.txt"):
        next(workflows.coverage([load("target")], tmp_path))


def test_a_recipe_is_read_without_numba_or_scipy() -> None:
    code = (
        "import sys, perotwin as pt; pt.recipe.load('target').with_values({'additive.dose': '2 mol%'});"
        "print([name for name in ('numba', 'scipy', 'xarray', 'matplotlib', 'rdkit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
