"""Figures of the drying film are drawn whole, into given axes too, and show each film once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perotwin.plotting import film, style
from perotwin.recipe.drying import Adsorption, DriedFilm, dry
from perotwin.recipe.passivation import passivate

OXIDE = Adsorption(sites=2e17, k_on=1e-25, k_off=5e-4, solvent_competition=5.0)
DOSES = (0.0, 0.003, 0.01, 0.03)
DRIED: dict[str, DriedFilm] = {}


def dried() -> dict[str, DriedFilm]:
    if not DRIED:
        DRIED.update({f"{100 * dose:g} mol%": dry(dose, OXIDE) for dose in DOSES})
    return DRIED


FIGURES: dict[str, Callable[..., Any]] = {
    "profile": lambda ax=None: film.depth_profile(dried(), ax),
    "profile of nothing": lambda ax=None: film.depth_profile({"control": dried()["0 mol%"]}, ax),
    "profile of one": lambda ax=None: film.depth_profile({"target": dried()["1 mol%"]}, ax),
    "history": lambda ax=None: film.drying_history(dried()["1 mol%"], ax),
    "history of nothing": lambda ax=None: film.drying_history(dried()["0 mol%"], ax),
    "dose series": lambda ax=None: film.dose_series(
        DOSES, [passivate(one.density, widths=np.diff(one.depth_edges)) for one in dried().values()], ax
    ),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("error")
def test_a_figure_is_drawn_and_saved_whole(name: str, tmp_path: Path) -> None:
    svg, png = style.save(FIGURES[name](), tmp_path / "f")
    assert svg.read_text().rstrip().endswith("</svg>")
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_goes_into_given_axes(name: str) -> None:
    made = style.figure()
    ax = made.add_subplot()
    assert FIGURES[name](ax) is made
    assert made.axes == [ax]


def test_a_film_without_additive_is_named_and_has_no_curve() -> None:
    profile, places = FIGURES["profile"]().axes
    words = [text.get_text() for text in profile.texts]
    assert "0 mol%: none" in words
    assert {"0.3 mol%", "1 mol%", "3 mol%"} <= set(words)
    assert len(places.collections) == 3
