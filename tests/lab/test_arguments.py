"""Public functions answer what they cannot take with a sentence."""

from __future__ import annotations

import pytest

import perotwin as pt
from perotwin import lab
from perotwin.errors import InputError

STEADY_AND_IN_TIME = [
    one for one in lab.instruments("cell") if one.measure.__module__.startswith("perotwin.lab")
]


@pytest.mark.parametrize("instrument", STEADY_AND_IN_TIME, ids=lambda one: one.name)
def test_a_name_is_no_cell_and_a_mapping_no_protocol(instrument) -> None:
    with pytest.raises(InputError, match="Load it first"):
        instrument.measure("wbg-target")
    with pytest.raises(InputError, match=rf"Write lab\.{instrument.name}\.Protocol\(\*\*values\)"):
        instrument.measure(pt.load("cell-a"), {"stop": "1 V"})


@pytest.mark.parametrize("instrument", lab.instruments("cell"), ids=lambda one: one.name)
def test_the_public_names_are_the_instrument_s_own(instrument) -> None:
    names = dir(getattr(lab, instrument.name))
    assert {"Protocol", "measure", "analyse", "plot"} <= set(names)
    assert not {"np", "Any", "annotations", "Instrument"} & set(names)


def test_a_cell_is_not_loaded_twice_and_a_number_not_at_all() -> None:
    with pytest.raises(InputError, match="is a cell already"):
        pt.load(pt.load("cell-a"))
    with pytest.raises(InputError, match="this is a int"):
        pt.load(3)


@pytest.mark.parametrize("name", ["cell-a", "tandem-target", "patchy-tandem"])
def test_a_cell_shows_itself_briefly_and_as_a_table(name: str) -> None:
    cell = pt.load(name)
    assert repr(cell).startswith(f'<{type(cell).__name__} "{name}": ') and "\n" not in repr(cell)
    page = cell._repr_html_()
    assert page.count("<tr>") == 1 + len(pt.stack.in_order(cell))
    assert all(str(layer.thickness) in page for _, layer in pt.stack.in_order(cell))
    assert not {"model_dump", "parse_obj"} & set(dir(cell))


def test_a_cell_gives_the_number_at_a_path() -> None:
    cell = pt.load("tandem-target")
    assert cell["top.perovskite.thickness"] == cell.get("top.perovskite.thickness") == pytest.approx(450e-9)
    with pytest.raises(InputError, match="perovskite"):
        cell["top.perovskit.thickness"]
