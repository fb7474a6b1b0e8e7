"""perotwin import: a stack file from another program's definition, and never over an existing one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perotwin import stack
from perotwin.cli import main

DATA = Path(__file__).parents[1] / "data" / "files"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def test_it_writes_a_stack_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.toml"
    assert run("import", str(DATA / "scaps" / "pin.def"), "-o", str(out)) == 0
    shown = capsys.readouterr().out
    assert "no counterpart here" in shown and "colour = 12" in shown
    assert stack.load(out).name == "mine"
    assert run("import", str(DATA / "scaps" / "pin.def"), "-o", str(out)) == 2
    assert "there is such a file already" in capsys.readouterr().err
    assert run("import", str(DATA / "scaps" / "pin.def"), "-o", str(out), "--overwrite") == 0


def test_without_a_file_to_write_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", str(DATA / "simsalabim" / "simulation_setup.txt")) == 0
    assert "Nothing was written" in capsys.readouterr().out


def test_json_lists_what_has_no_counterpart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", str(DATA / "simsalabim" / "simulation_setup.txt"), "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["program"] == "SIMsalabim 5.27" and result["stack"] == "simulation_setup"
    row = next(row for row in result["unmatched"] if row["key"] == "nu_int_n")
    assert row["matters"] is True and row["place"] == "l1_htl.txt"
