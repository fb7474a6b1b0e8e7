"""The library's cells that recipes make: one function makes them all again, byte for byte, and others otherwise."""

import pytest

import perotwin as pt
from perotwin import recipe
from perotwin.stack import library
from perotwin.workflows import library_cells


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return library_cells.texts()


def test_every_file_is_what_is_made_now(texts: dict[str, str]) -> None:
    assert set(texts) == {"wbg-control", "wbg-target", "tandem-control", "tandem-target", "patchy-tandem"}
    for name, text in texts.items():
        assert library.path(name).read_text(encoding="utf-8") == text, name


def test_other_parameters_and_another_base_reach_every_file(texts: dict[str, str]) -> None:
    faster = recipe.load("target").with_values({"interface.sam_velocity": "12 cm/s"}).parameters
    thicker = pt.load("wbg-base").with_values({"ito.thickness": "90 nm"})
    other = library_cells.texts(faster, thicker)
    for name, text in other.items():
        assert '"90 nm"' in text, name
        assert text != texts[name]
    assert pt.stack.from_toml(other["wbg-target"]).get("niox|perovskite.trap.1.hole_velocity") > pt.load(
        "wbg-target"
    ).get("niox|perovskite.trap.1.hole_velocity")
