"""perotwin losses: tables, page, files, JSON, two cells side by side, refusals."""

import csv
import json
import re
from pathlib import Path

import pytest

import perotwin as pt


def test_two_cells_side_by_side(cli, tmp_path: Path) -> None:
    done = cli("losses", "wbg-control", "wbg-target", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    for words in (
        "reflection",
        "niox|perovskite",
        "ideality",
        "from wbg-control to wbg-target",
        "Shapley",
        "checks hold",
    ):
        assert words in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    drawn = {
        f"losses-{name}.{end}"
        for name in ("wbg-control", "wbg-target", "difference")
        for end in ("svg", "png")
    }
    assert names == {"losses.html", "losses.csv", "losses.json", *drawn}
    page = (tmp_path / "out" / "losses.html").read_text(encoding="utf-8")
    # one file that needs nothing
    assert not re.findall(r'(?:src|href)="https?://', page) and page.count("<svg") == 3
    # a cell keeps its name, and what is nothing has no sign
    assert ">wbg-control</h2>" in page and ">From wbg-control to wbg-target</h2>" in page
    assert not re.search(r"[−+]0\.00<", page)
    rows = list(csv.DictReader((tmp_path / "out" / "losses.csv").open(encoding="utf-8")))
    document = json.loads((tmp_path / "out" / "losses.json").read_text(encoding="utf-8"))
    for result in document["results"]:
        lost = sum(float(row["loss (points of PCE)"]) for row in rows if row["cell"] == result["stack"])
        assert lost == pytest.approx(
            result["ideal"]["pce"]["value"] - result["actual"]["pce"]["value"], abs=0.01
        )
    difference = document["results"][-1]["difference"]
    assert sum(one["gain"]["value"] for one in difference["steps"]) == pytest.approx(
        difference["gain"]["value"], abs=0.01
    )


def test_json_holds_one_document(cli) -> None:
    done = cli("losses", "nbg", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["stack"] == "nbg" and result["from"] == "cell" and result["missing"] == []
    by_quantity = {name: 0.0 for name in ("voc", "jsc", "ff")}
    for one in result["losses"]:
        by_quantity[one["quantity"]] += one["loss"]["value"]
    assert by_quantity["voc"] == pytest.approx(
        1e3 * (result["ideal"]["voc"]["value"] - result["actual"]["voc"]["value"]), abs=0.01
    )


def test_a_failed_cell_does_not_stop_the_others(cli, tmp_path: Path) -> None:
    dark = tmp_path / "dark.toml"
    dark.write_text(
        pt.load("wbg-target").with_values({"name": "dark"}).with_light(intensity="dark").to_toml(),
        encoding="utf-8",
    )
    done = cli("losses", "nbg", str(dark), "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)["results"]
    assert first["losses"] and "in the dark" in second["error"]["message"] and second["error"]["advice"]


def test_interrupted_it_keeps_what_is_told(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from perotwin.workflows import losses

    plain, names = losses.losses_of, []

    def stopping(cell: object) -> object:
        names.append(cell)
        if len(names) > 1:
            raise KeyboardInterrupt
        return plain(cell)  # type: ignore[arg-type]  # a cell

    monkeypatch.setattr(losses, "losses_of", stopping)
    done = cli("losses", "cell-a", "cell-b", "--json")
    assert done.returncode == 130
    assert [one["stack"] for one in json.loads(done.stdout)["results"]] == ["cell-a"]


def test_nothing_given_and_a_file_that_holds_nothing_are_refused(cli, tmp_path: Path) -> None:
    done = cli("losses")
    assert done.returncode == 2 and "--jv" in done.stderr
    empty = tmp_path / "empty.txt"
    empty.write_text("nothing here\n", encoding="utf-8")
    done = cli("losses", "--jv", str(empty))
    assert done.returncode == 2 and "error:" in done.stderr
