"""The main job on a tandem leaves one page that shows both junctions, and names what it cannot show."""

import json
import re
import sys
from pathlib import Path

import pytest

import perotwin as pt
from perotwin import measurement, workflows
from perotwin.report import CellResult, junctions, page

#: a tandem whose light is prescribed: quick, and without a quantum efficiency
TOY = next(
    text
    for text in re.findall(
        r"^```toml\n(.*?)^```",
        (Path(__file__).parents[2] / "docs" / "stack-files.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    if 'name = "my-tandem"' in text
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tandem")
    cell = pt.stack.from_toml(TOY)
    list(workflows.run([pt.load("tandem-target"), cell], out))
    return out


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_is_one_file_of_a_few_megabytes_that_loads_nothing(folder: Path, html: str) -> None:
    assert (folder / "report.html").stat().st_size < 3_000_000
    assert "<script" not in html and not re.findall(r'(?:src|srcset)="', html)


def test_the_files_of_a_tandem_are_those_of_any_cell(folder: Path) -> None:
    place = folder / "tandem-target"
    assert pt.load(place / "stack.toml") == pt.load("tandem-target")
    for part in ("jv", "jv-dark", "eqe", "bands"):
        assert measurement.load(place / f"{part}.nc").attrs["stack"] == "tandem-target"
    drawn = {path.stem for path in (place / "figures").iterdir()}
    assert {"stack", "absorption", "channels", "bands", "profiles"} <= drawn


def test_the_page_tells_the_junctions_apart(html: str) -> None:
    for words in ("The junctions of the tandems", "Top junction", "Bottom junction", "Between the junctions"):
        assert words in html
    assert '<span class="tag">limits</span>' in html
    assert "bands of the whole of tandem-target at maximum power and, below, at equilibrium" in html
    for path in ("top.perovskite.thickness", "bottom.perovskite.bandgap", "au.thickness"):
        assert str(page.breakable(path)) in html


def test_what_a_tandem_lacks_is_said_in_a_sentence(folder: Path, html: str) -> None:
    assert "my-tandem has no quantum efficiency" in html
    entry = json.loads((folder / "results.json").read_text())["results"][1]
    assert "prescribed" in entry["absent"]["eqe"]["message"] and "error" not in entry


def test_the_document_holds_both_junctions(folder: Path) -> None:
    entry = json.loads((folder / "results.json").read_text())["results"][0]
    assert set(entry["junctions"]) == {"top", "bottom"} and entry["limiting"] in ("top", "bottom")
    here = {name: one["value"] for name, one in entry["maximum_power"].items()}
    vmp = entry["scans"][0]["metrics"]["vmp"]["value"]
    assert here["voltage_top"] + here["voltage_bottom"] - here["voltage_between"] == pytest.approx(
        vmp, abs=1e-9
    )


def test_two_tandems_differ_by_full_paths() -> None:
    pair = [CellResult(name, pt.load(name)) for name in ("tandem-target", "tandem-control")]
    paths = [path for path, _ in page.differences(pair)]
    assert "top.perovskite.trap.1.electron_lifetime" in paths
    assert all(path.startswith("top.") for path in paths)


def test_at_four_terminals_each_junction_is_measured_and_both_are_added() -> None:
    cell = pt.stack.from_toml(TOY).with_values({"junction": {"kind": "separate"}})
    done = list(workflows.run([cell], experiments="jv"))
    assert [item.name for item in done] == ["my-tandem-top", "my-tandem-bottom"]
    total = 100 * sum(item.metrics["pce"].value for item in done)
    (said,) = junctions.four_terminals(done)
    assert said.startswith("From its four terminals my-tandem gives") and f"= {total:.2f} %" in said
    assert junctions.four_terminals(done[:1]) == []


@pytest.mark.slow
def test_a_map_comes_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["perotwin.workflows.run"], "_STEPS", 2)
    (result,) = workflows.run([pt.load("tandem-target")], tmp_path, "jv,map")
    assert result.error is None and not result.absent
    assert result.measurements["map"].sizes == {"x": 2, "y": 2, "vertex": 2}
    assert (tmp_path / "tandem-target" / "map.nc").exists()
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "at its best the map has" in html and 'href="#map"' in html
    assert "map" in json.loads((tmp_path / "results.json").read_text())["results"][0]


def test_what_cannot_be_mapped_is_said() -> None:
    cell = pt.load("cell-b")
    columns = [{"name": name, "area": 0.5, "stack": cell} for name in ("one", "two")]
    (result,) = workflows.run([pt.Parallel(name="patches", column=columns)], experiments="jv,map")
    assert "columns side by side" in result.absent["map"].message
    assert result.error is None


@pytest.mark.slow
def test_a_patchy_tandem_and_three_junctions_leave_a_page(tmp_path: Path) -> None:
    """Their layers stand in no one row, or come from three junctions: tables and drawings have them all."""
    cells = [pt.load("patchy-tandem"), pt.load("three-junctions")]
    patchy, three = workflows.run(cells, tmp_path, "jv,eqe,bands")
    assert patchy.error is None and not patchy.absent and three.error is None and set(three.absent) == {"eqe"}
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Middle junction" in html or "middle junction" in html
    made = json.loads((tmp_path / "results.json").read_text())["results"]
    assert [list(entry["junctions"]) for entry in made] == [["top", "bottom"], ["top", "middle", "bottom"]]
    assert all(check["passed"] for entry in made for check in entry["checks"].values())
