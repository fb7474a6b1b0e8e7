"""Figures of the monolayer: drawn whole, true to size, and told apart by everybody."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb

from perotwin.plotting import style, surface
from perotwin.recipe.compensation import fill, sites
from perotwin.recipe.coverage import Monolayer, Patch, delaminate, deposit

NM = 1e-9


@pytest.fixture(scope="module")
def samples() -> dict[str, Patch]:
    monolayer = Monolayer.library()
    patch = deposit(1.129 * NM, monolayer, side=60 * NM, seed=2)
    coated = delaminate(patch, monolayer, [60.0]).end
    return {"bare": patch, "coated": coated, "filled": fill(coated, sites(coated, 0.567 * NM), 0.8)}


FIGURES = {
    "maps": lambda samples, ax=None: surface.maps(samples, ax, zoom=20 * NM),
    "one map": lambda samples, ax=None: surface.maps({"filled": samples["filled"]}, ax, names=("A", "B")),
    "holes": lambda samples, ax=None: surface.holes(samples, ax, sizes={"B": 0.567 * NM}),
    "solvent": lambda samples, ax=None: surface.solvent(
        {"a": delaminate(samples["bare"], Monolayer.library(), [0.0, 20.0, 60.0])}, ax
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_and_saved_whole(name: str, samples: dict[str, Patch], tmp_path: Path) -> None:
    svg, png = style.save(FIGURES[name](samples), tmp_path / "f")
    assert svg.read_text().rstrip().endswith("</svg>")
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_goes_into_given_axes(name: str, samples: dict[str, Patch]) -> None:
    made = style.figure()
    ax = made.add_subplot()
    assert FIGURES[name](samples, ax) is made
    assert made.axes == [ax]


def test_the_window_shows_every_molecule_at_its_size_and_place(samples: dict[str, Patch]) -> None:
    patch, corner, zoom = samples["filled"], (50 * NM, 35 * NM), 20 * NM  # across the patch's edge
    made = surface.maps({"filled": patch}, zoom=zoom, corner=corner)
    window = next(ax for ax in made.axes if any(isinstance(c, EllipseCollection) for c in ax.collections))
    discs = [c for c in window.collections if isinstance(c, EllipseCollection)]
    for kind, diameter, drawn in zip((0, 1), (1.129, 0.567), discs, strict=True):
        assert np.allclose(drawn._widths * 2, diameter)  # matplotlib keeps half
        away = (patch.positions[patch.kind == kind] - np.array(corner)) % patch.side
        inside = np.all(away < zoom, axis=1)
        shown = drawn.get_offsets() - np.array(corner) / NM
        middle = np.all((shown >= 0) & (shown < zoom / NM), axis=1)
        assert middle.sum() == inside.sum() > 10
        assert np.allclose(
            np.sort(np.linalg.norm(shown[middle], axis=1)), np.sort(np.linalg.norm(away[inside] / NM, axis=1))
        )


def test_the_key_tells_the_shares(samples: dict[str, Patch]) -> None:
    made = surface.maps(samples)
    texts = {text.get_text() for ax in made.axes for text in ax.texts}
    for patch in samples.values():
        assert f"{100 * patch.bare_fraction:.1f} %" in texts
        assert f"{100 * patch.coverage:.1f} %" in texts
    assert "none" in texts  # the additive of those that have none


def test_colours_are_told_apart_in_grey_and_by_the_colour_blind() -> None:
    # severe deuteranopia and protanopia, doi:10.1109/TVCG.2009.113
    blind = (
        np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
        np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    )
    colours = [np.array(to_rgb(colour)) for colour in (surface.SAM, surface.ADDITIVE, surface.BARE)]
    for i in range(3):
        for j in range(i):
            linear = [
                np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
                for c in (colours[i], colours[j])
            ]
            grey = [float(np.dot(c, [0.2126, 0.7152, 0.0722])) for c in linear]
            assert (max(grey) + 0.05) / (min(grey) + 0.05) > 1.8
            for matrix in blind:
                assert np.linalg.norm(matrix @ colours[i] - matrix @ colours[j]) > 0.4
