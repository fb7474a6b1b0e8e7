"""The materials of layers: names, a person's tables, pages of refractiveindex.info."""

import socket
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
import written
from perotwin.errors import InputError, OutOfRangeError
from perotwin.optics.films import films, material
from perotwin.report import citations, machine, tables

PAGE = '{ kind = "refractiveindex", shelf = "main", book = "ZnO", page = "Stelling" }'


def with_material(text: str) -> str:
    """The library's wide-bandgap cell with another material in place of its NiOx."""
    return written.text("wbg-target").replace('material = "niox"', f"material = {text}")


def test_a_page_of_refractiveindex_is_a_material_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("PEROTWIN_CACHE", str(tmp_path))
    cell = pt.stack.from_toml(with_material(PAGE))
    assert pt.stack.from_toml(cell.to_toml()) == cell
    model = material(cell.named("niox"))
    assert model.range == pytest.approx((301.58e-9, 1684.92e-9), rel=1e-4)
    assert complex(model.nk(550e-9)) == pytest.approx(1.622 + 0.0076j, abs=2e-3)
    with pytest.raises(OutOfRangeError, match=r"301\.58 nm to 1684\.92 nm"):
        model.nk(2e-6)
    assert "main/ZnO/Stelling" in citations.of(cell).materials
    assert machine.stack_result(cell)["layers"][2]["material"] == "main/ZnO/Stelling"
    assert tables.material_name(cell.named("niox").material) == "main/ZnO/Stelling"


def test_a_page_without_k_is_transparent_and_says_so() -> None:
    cell = pt.stack.from_toml(with_material(PAGE.replace("ZnO", "SiO2").replace("Stelling", "Malitson")))
    assert np.all(material(cell.named("niox")).nk(np.linspace(310e-9, 1e-6, 50)).imag == 0)
    (note,) = [note for note in films(cell).notes if "holds no k" in note]
    assert note.startswith("niox: the page main/SiO2/Malitson")


def test_k_of_a_page_can_be_cut() -> None:
    cut = PAGE.replace(" }", ', transparent_beyond = "400 nm" }')
    model = material(pt.stack.from_toml(with_material(cut)).named("niox"))
    assert model.nk(350e-9).imag > 0.1 and np.all(model.nk([401e-9, 600e-9, 1e-6]).imag == 0)


@pytest.mark.parametrize(
    "text, words",
    [
        (PAGE.replace("Stelling", "Steling"), ["niox.material", "main/ZnO/Steling", '"Stelling"']),
        (PAGE.replace("ZnO", "ZnOO"), ["niox.material", "main/ZnOO", "ZnO"]),
        (PAGE.replace("main", "mine"), ["niox.material", "mine/ZnO", "main"]),
    ],
)
def test_a_page_that_does_not_exist_is_refused_with_near_ones(text: str, words: list[str]) -> None:
    cell = pt.stack.from_toml(with_material(text))
    with pytest.raises(InputError) as caught:
        films(cell)
    for word in words:
        assert word in f"{caught.value.key} {caught.value}"


@pytest.mark.parametrize(
    "text, words",
    [
        ('{ kind = "refractiveindex", shelf = "main", book = "ZnO" }', ["niox.material.page", "missing"]),
        (PAGE.replace("refractiveindex", "refractiveindx"), ["niox.material.kind", "refractiveindex"]),
    ],
)
def test_a_page_that_is_half_named_is_refused(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        pt.stack.from_toml(with_material(text))
    assert all(word in str(caught.value) for word in words), caught.value
