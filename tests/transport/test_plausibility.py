"""Cells that can be solved and can hardly be meant: each result says so, and none of those that could be made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.measurement import notes_of
from perotwin.transport.build import build
from perotwin.transport.plausibility import WRONG_WAY, remarks

SWAPPED = {"contact.front.work_function": "4.10 eV", "contact.back.work_function": "5.25 eV"}


def said(name: str, **values: Any) -> tuple[str, ...]:
    return remarks(build(pt.load(name).with_values(values)))


@pytest.mark.parametrize(
    "name", [path.stem for path in sorted(Path(pt.stack.__file__).parent.glob("library/*.toml"))]
)
def test_library_cells_are_plausible(name: str) -> None:
    cell = pt.load(name)
    assert remarks(build(cell)) == ()
    assert remarks(build(cell.mirrored())) == ()


@pytest.mark.parametrize("name", ["cell-a", "nip-example", "wbg-target"])
def test_contacts_the_wrong_way_round(name: str) -> None:
    cell = pt.load(name)
    front, back = (cell.contact.front.work_function, cell.contact.back.work_function)
    if not isinstance(front, str) and not isinstance(back, str):
        turned = cell.with_values({"contact.front.work_function": back, "contact.back.work_function": front})
        assert any(WRONG_WAY in words for words in remarks(build(turned)))
        assert any(WRONG_WAY in words for words in remarks(build(turned.mirrored())))


def test_roles_the_wrong_way_round() -> None:
    assert any(WRONG_WAY in words for words in said("cell-a", **{"htl.role": "etl", "etl.role": "htl"}))


def test_doping_the_wrong_way_round() -> None:
    """Of layers without roles of transport the doping tells where holes leave."""
    doped = {"htl.role": "absorber", "etl.role": "absorber"}
    right = {"htl.acceptor_density": "1e18 cm^-3", "etl.donor_density": "1e18 cm^-3"}
    wrong = {"htl.donor_density": "1e18 cm^-3", "etl.acceptor_density": "1e18 cm^-3"}
    alike = {f"{layer}.{key}": value for layer in ("htl", "etl") for key, value in
             (("electron_affinity", "3.9 eV"), ("bandgap", "1.6 eV"))}  # fmt: skip
    assert not any(WRONG_WAY in words for words in said("cell-a", **doped, **alike, **right))
    assert any(WRONG_WAY in words for words in said("cell-a", **doped, **alike, **wrong))


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("cell-a", {"contact.front.work_function": "8 eV"}, "from both bands of htl"),
        ("cell-a", {"contact.back.work_function": "2 eV"}, "from both bands of etl"),
        ("cell-a", {"perovskite.thickness": "5 mm"}, "5000 um is far beyond"),
        ("wbg-target", {"perovskite.thickness": "450 um"}, "Was nm meant?"),
        ("cell-a", {"perovskite.thickness": "0.5 nm"}, "Was um meant?"),
        ("cell-a", {"light.intensity": "1e9 sun"}, "more than sunlight can be concentrated to"),
        ("tandem-target", {"top.light.intensity": "1e6 sun"}, "more than sunlight can be concentrated to"),
        ("tandem-target", {"top.bandgap": "1.25 eV", "bottom.bandgap": "1.79 eV"}, "the gaps are reversed"),
        ("three-junctions", {"light.side": "back"}, "1.1 eV before the middle one"),
        ("cell-a", {"light.generation": {"kind": "uniform", "rate": "2.8e21 m^-3 s^-1"}}, "m^-3 s^-1"),
    ],
)
def test_what_can_hardly_be_meant(name: str, values: dict[str, Any], words: str) -> None:
    found = said(name, **values)
    assert len([one for one in found if words in one]) == 1, found


def test_a_generation_file_in_another_unit(tmp_path: Path) -> None:
    depth = np.linspace(0.0, 550.0, 12)
    for factor, far in ((1.0, False), (1e-6, True)):
        table = tmp_path / f"g{factor}.csv"
        rows = [f"{x},{2.8e27 * factor:.6e}" for x in depth]
        table.write_text("depth (nm),rate (m^-3 s^-1)\n" + "\n".join(rows) + "\n")
        found = said("cell-a", **{"light.generation": {"kind": "file", "path": str(table)}})
        assert any("cm^-3 s^-1" in one for one in found) == far


def test_every_result_of_such_a_cell_says_so() -> None:
    cell = pt.load("cell-a").with_values(SWAPPED)
    made = pt.lab.jv.measure(cell, pt.lab.jv.Protocol(step="100 mV"))
    assert any(WRONG_WAY in note for note in notes_of(made))
    assert any(WRONG_WAY in note for note in pt.workflows.check(cell)[1])
