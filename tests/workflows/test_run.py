"""The main job leaves whole results or none, keeps what was done, and touches nothing that is not its own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import perotwin as pt
from perotwin import lab, measurement, workflows
from perotwin.errors import ConvergenceError, InputError
from perotwin.workflows.run import unique_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run on the two reference cells."""
    out = tmp_path_factory.mktemp("results")
    list(workflows.run([pt.load("cell-a"), pt.load("cell-b")], out, csv=True))
    return out


def test_every_cell_gets_its_measurements_stack_and_figures(folder: Path) -> None:
    for name in ("cell-a", "cell-b"):
        place = folder / name
        assert pt.load(place / "stack.toml") == pt.load(name)
        for part in ("jv", "jv-dark", "bands"):
            dataset = measurement.load(place / f"{part}.nc")
            assert dataset.attrs["stack"] == name
            assert measurement.checks_of(dataset)
        drawn = {path.name for path in (place / "figures").iterdir()}
        for part in ("jv", "jv-dark", "bands"):
            assert (place / f"{part}.csv").read_text(encoding="utf-8-sig").count("\n") > 50
        wanted = {
            f"{figure}.{kind}"
            for figure in ("stack", "channels", "bands", "profiles")
            for kind in ("svg", "png")
        }
        assert wanted <= drawn
        # Generation is prescribed: there is no quantum efficiency, and nothing that looks like one.
        assert not (place / "eqe.nc").exists()


def test_the_files_hold_what_the_figures_show(folder: Path) -> None:
    jv = measurement.load(folder / "cell-a" / "jv.nc")
    assert jv["channel_current"].dims == ("channel", "voltage")
    assert {"conduction_band", "electron_density", "recombination", "generation"} <= set(jv.data_vars)
    bands = measurement.load(folder / "cell-a" / "bands.nc")
    assert list(bands["state"].values) == ["dark", "short-circuit", "maximum-power", "open-circuit"]


def test_the_summary_is_one_page_one_document_and_the_comparison(folder: Path) -> None:
    document = json.loads((folder / "results.json").read_text())
    assert [entry["stack"] for entry in document["results"]] == ["cell-a", "cell-b"]
    assert document["results"][0]["scans"][0]["metrics"]["voc"]["value"] == pytest.approx(1.2946, abs=5e-4)
    assert "prescribed" in document["results"][0]["absent"]["eqe"]["message"]
    html = (folder / "report.html").read_text()
    assert "cell-a" in html and "cell-b" in html
    assert (folder / "figures" / "jv.svg").exists()
    head, *rows = (folder / "metrics.csv").read_text(encoding="utf-8-sig").splitlines()
    assert head.startswith("cell,instrument,voc (V),jsc (mA/cm^2)")
    assert rows[0].split(",")[:2] == ["cell-a", "jv"]
    assert not [path for path in folder.rglob(".*")]


def test_a_cell_that_fails_keeps_what_was_measured_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = lab.bands.measure

    def failing(cell: pt.Stack) -> object:
        if cell.name == "cell-a":
            raise ConvergenceError("no solution at 1.1 V.", "Look at the contacts.", voltage=1.1)
        return measure(cell)

    monkeypatch.setattr(lab.bands, "INSTRUMENT", replace(lab.bands.INSTRUMENT, measure=failing))
    first, second = workflows.run([pt.load("cell-a"), pt.load("cell-b")], tmp_path, "jv,bands")
    assert isinstance(first.error, ConvergenceError)
    assert second.error is None
    assert (tmp_path / "cell-a" / "jv.nc").exists()
    assert not (tmp_path / "cell-a" / "bands.nc").exists()
    assert "could not be completed" in (tmp_path / "report.html").read_text()
    entries = json.loads((tmp_path / "results.json").read_text())["results"]
    assert entries[0]["error"]["type"] == "ConvergenceError"
    assert "error" not in entries[1]


def test_old_results_of_a_cell_that_now_fails_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = pt.load("cell-b")
    list(workflows.run([cell], tmp_path, "jv"))

    def failing(*_: object) -> None:
        raise ConvergenceError("no solution.", "")

    monkeypatch.setattr(lab.jv, "INSTRUMENT", replace(lab.jv.INSTRUMENT, measure=failing))
    (result,) = workflows.run([cell], tmp_path, "jv")
    assert result.error is not None
    assert not (tmp_path / "cell-b" / "jv.nc").exists()


def test_an_interrupted_run_keeps_the_cells_that_are_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = lab.bands.measure

    def interrupted(cell: pt.Stack) -> object:
        if cell.name == "cell-a":
            raise KeyboardInterrupt
        return measure(cell)

    monkeypatch.setattr(lab.bands, "INSTRUMENT", replace(lab.bands.INSTRUMENT, measure=interrupted))
    with pytest.raises(KeyboardInterrupt):
        list(workflows.run([pt.load("cell-b"), pt.load("cell-a")], tmp_path, "jv,bands"))
    assert (tmp_path / "cell-b" / "jv.nc").exists()
    assert not (tmp_path / "cell-a").exists()
    assert (tmp_path / "report.html").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "cell-b").mkdir()
    precious = tmp_path / "cell-b" / "thesis.tex"
    precious.write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        list(workflows.run([pt.load("cell-b")], tmp_path, "jv"))
    assert precious.read_text() == "years of work"


def test_a_folder_that_cannot_be_made_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="nothing can be written"):
        list(workflows.run([pt.load("cell-b")], tmp_path / "file" / "deeper"))


def test_names_of_folders_are_unique_and_safe() -> None:
    cell = pt.load("cell-b")
    odd = pt.Stack.from_toml(cell.to_toml().replace('name = "cell-b"', 'name = "../a b/ü"', 1))
    assert unique_names([cell, cell, odd]) == ["cell-b", "cell-b-2", "a-b-ü"]
