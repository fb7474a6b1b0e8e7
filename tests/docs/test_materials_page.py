"""The page about materials says of each what the library says, and shows it."""

import sys
from pathlib import Path

import pytest

from perotwin import materials

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import make_materials_page as maker  # noqa: E402  # its folder goes on the path first

PAGE = (DOCS / "materials.md").read_text(encoding="utf-8")


def test_the_library_on_the_page_is_what_the_code_has() -> None:
    shown = PAGE.split(maker.START)[1].split(maker.END)[0]
    assert shown == maker.page_text(), "run python docs/make_materials_page.py"


@pytest.mark.parametrize("name", materials.names())
def test_every_material_has_a_figure_of_n_and_k(name: str) -> None:
    path = maker.FIGURES / f"{name}.png"
    assert f"(figures/materials/{name}.png)" in PAGE
    assert path.read_bytes().startswith(b"\x89PNG")
    assert 3_000 < path.stat().st_size < 60_000
