"""The tables of a tandem's junctions: alone, and where they stand inside it."""

import io

import pytest
from rich.console import Console

import perotwin as pt
import synthetic
import synthetic_tandem
from perotwin import lab
from perotwin.report import CellResult, junctions


def result(name: str = "toy") -> CellResult:
    dataset = synthetic_tandem.jv(name)
    return CellResult(name, pt.load("tandem-target"), {"jv": dataset}, lab.jv.analyse(dataset))


def test_junctions_stand_before_what_is_lost_and_the_whole() -> None:
    (one,) = junctions.of([result()])
    names = [name for name, _, _ in one.rows]
    assert names == ["top junction", "bottom junction", junctions.LOST, "tandem"]
    assert one.limiting == "top junction"
    assert one.rows[0][1][:2] == ["1.300", "15.00"]


def test_voltages_of_the_junctions_less_the_loss_are_the_tandems() -> None:
    (one,) = junctions.of([result()])
    *parts, whole = (float(volts.replace("−", "-")) for _, _, volts in one.rows)
    assert sum(parts) == pytest.approx(whole, abs=2e-3)
    assert parts[2] == -0.02


def test_cells_of_one_junction_have_no_such_table() -> None:
    assert junctions.of([CellResult("cell", pt.load("wbg-target"), {"jv": synthetic.jv()})]) == []
    assert junctions.of([CellResult("nothing", pt.load("tandem-target"))]) == []
    assert junctions.table([CellResult("nothing", pt.load("tandem-target"))]) is None


def test_the_table_names_the_junction_that_limits() -> None:
    table = junctions.table([result("[red]odd[/]")])
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table)
    text = console.export_text()
    assert "top junction, limits the current" in text
    assert "[red]odd[/]" in text
