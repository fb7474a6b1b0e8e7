"""Measured files beside simulated cells: in the table, in the figures, on the page and in machine output."""

import json
from pathlib import Path

import numpy as np
import pytest

CURVE = "\n".join(
    [
        "V (V),J (mA/cm^2)",
        *(f"{v:.3f},{22.0 - 1e-9 * np.expm1(v / 0.04):.6f}" for v in np.arange(0.0, 1.0, 0.01)),
    ]
)


def test_a_measured_curve_stands_beside_the_cell(cli, tmp_path: Path) -> None:
    file = tmp_path / "rev.csv"
    file.write_text(CURVE, encoding="utf-8")
    out = tmp_path / "out"
    arguments = ("run", "cell-a", "--experiments", "bands", "--measured", str(file), "-o", str(out))
    done = cli(*arguments, "--json", "--csv")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document == json.loads((out / "results.json").read_text())
    cell, measured = document["results"]
    # the curve of the file asks for the cell's own, which was not named
    assert cell["stack"] == "cell-a" and cell["scans"][0]["metrics"]["voc"]["value"] == pytest.approx(
        1.295, abs=1e-3
    )
    assert measured["measured"] == "rev, measured" and measured["instrument"] == "jv"
    voc = 0.04 * np.log1p(22.0 / 1e-9)
    assert measured["scans"][0]["metrics"]["voc"]["value"] == pytest.approx(voc, abs=1e-3)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "results are simulated unless called measured" in page
    assert page.count("rev, measured") >= 2 and (out / "figures" / "jv.svg").exists()
    assert "rev, measured" in (out / "metrics.csv").read_text(encoding="utf-8")
    assert cli("run", "cell-a", "--experiments", "bands", "-o", str(out)).returncode == 0
    assert "all results on this page are simulated" in (out / "report.html").read_text(encoding="utf-8")


def test_a_file_that_holds_nothing_stops_before_anything_is_computed(cli, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("nothing to see here\n", encoding="utf-8")
    done = cli("run", "cell-a", "--measured", str(file), "-o", str(tmp_path / "out"), "--json")
    assert done.returncode == 2 and json.loads(done.stdout)["error"]["advice"]
