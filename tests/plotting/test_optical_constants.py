"""Figures of n and k: curves, points of a source, and where a model goes on beyond it."""

import numpy as np

from perotwin.plotting.optical_constants import Constants, nk

LAM = np.linspace(300e-9, 1200e-9, 200)


def absorber(name: str = "a") -> Constants:
    """k over nine decades, from a source that ends at 900 nm."""
    index = 2.0 + 1j * 10.0 ** np.linspace(0, -9, 200)
    return Constants(name, LAM, index, (300e-9, 900e-9), (LAM[::10], index[::10]))


def test_k_over_decades_is_logarithmic_and_that_of_a_clear_film_is_not() -> None:
    assert nk(absorber()).axes[1].get_yscale() == "log"
    clear = Constants("b", LAM, 1.5 + 1j * np.where(LAM < 400e-9, 0.1, 0.0), (300e-9, 1200e-9))
    ax = nk(clear).axes[1]
    assert ax.get_yscale() == "linear" and ax.get_ylim()[0] == 0.0
    nothing = Constants("c", LAM, np.full(200, 1.5 + 0j), (300e-9, 1200e-9))
    assert nk(nothing).axes[1].get_ylim()[1] > 0.0


def test_the_line_is_solid_within_the_source_only() -> None:
    lines = {line.get_linestyle(): line for line in nk(absorber()).axes[0].lines if line.get_marker() != "o"}
    solid = np.asarray(lines["-"].get_ydata(), float)
    assert np.all(np.isfinite(solid) == (LAM <= 900e-9 * (1 + 1e-9)))
    assert np.all(np.isfinite(np.asarray(lines["--"].get_ydata(), float)))
    unknown = nk(Constants("d", LAM, absorber().index, None)).axes[0]
    (hidden,) = [line for line in unknown.lines if line.get_linestyle() == "-"]
    assert np.isnan(np.asarray(hidden.get_ydata(), float)).all()


def test_points_of_the_source_stand_on_both_panels_and_in_the_key() -> None:
    made = nk([absorber("a"), absorber("b")])
    for ax in made.axes:
        points = [line for line in ax.lines if line.get_marker() == "o"]
        assert len(points) == 2
        np.testing.assert_allclose(points[0].get_xdata(), LAM[::10] * 1e9)
    key = made.axes[0].get_legend()
    assert key is not None
    assert [text.get_text() for text in key.get_texts()] == ["a", "b", "source", "beyond a source"]


def test_many_materials_have_colours_of_their_own() -> None:
    made = nk([absorber(str(index)) for index in range(9)])
    solid = [line for line in made.axes[0].lines if line.get_linestyle() == "-" and line.get_marker() != "o"]
    assert len({line.get_color() for line in solid}) == 9
