"""Figures of design studies say what they show, whatever is missing."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import judges
import perotwin as pt
from perotwin.plotting import design, style
from perotwin.report import designs
from perotwin.study import map_of, optimise, sensitivity

X, Y = "perovskite.thickness=300 nm..700 nm", "perovskite.permittivity=10..30"


def texts(figure: Figure) -> str:
    """All words in a figure."""
    from matplotlib.text import Text

    return "\n".join(found.get_text() for found in figure.findobj(Text))


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("cell-a")


def test_a_map_names_axes_quantities_and_marks(cell: pt.Stack, tmp_path) -> None:
    figure = designs.map_figure(map_of(cell, X, Y, (5, 4), judge=judges.hill))
    words = texts(figure)
    for name in (
        "perovskite.thickness (nm)",
        "perovskite.permittivity",
        "PCE (%)",
        "FF (%)",
        "best PCE",
        "as it is",
    ):
        assert name in words
    assert "equal" not in words
    assert all(path.stat().st_size > 10_000 for path in style.save(figure, tmp_path / "map"))


def test_the_map_of_a_tandem_has_its_matching_line(cell: pt.Stack) -> None:
    figure = designs.map_figure(map_of(cell, X, Y, (5, 5), judge=judges.crossing))
    words = texts(figure)
    assert "of the top junction" in words
    assert "of the bottom junction" in words
    assert "equal photocurrents" in words


def test_points_without_a_result_are_marked(cell: pt.Stack) -> None:
    assert "no result" in texts(designs.map_figure(map_of(cell, X, Y, (5, 4), judge=judges.patchy)))


@pytest.mark.parametrize("steps", [(2, 2), (2, 7)])
def test_the_smallest_maps_are_drawn(cell: pt.Stack, steps: tuple[int, int], tmp_path) -> None:
    within = "perovskite.thickness=400 nm..600 nm"
    style.save(designs.map_figure(map_of(cell, within, Y, steps, judge=judges.patchy)), tmp_path / "map")
    style.save(designs.map_figure(map_of(cell, X, Y, steps, judge=judges.slope)), tmp_path / "map")


def test_logarithmic_axes(cell: pt.Stack) -> None:
    made = map_of(cell, X, "perovskite.electron_mobility=0.1..100 cm^2/(V s)", (3, 3), judge=judges.hill)
    figure = designs.map_figure(made)
    assert figure.axes[0].get_yscale() == "log"
    assert figure.axes[0].get_ylim() == pytest.approx((0.1, 100.0))


def test_an_optimum_shows_the_way_and_the_slices(cell: pt.Stack, tmp_path) -> None:
    found = optimise(cell, [X, Y], judge=judges.patchy)
    figure = designs.optimum_figure(found)
    words = texts(figure)
    for name in (
        "perovskite.thickness (nm)",
        "perovskite.permittivity",
        "cells tried",
        "survey",
        "searches",
        "99.5 %",
    ):
        assert name in words
    style.save(figure, tmp_path / "optimum")


def test_an_optimum_that_was_stopped_is_drawn_too(cell: pt.Stack, tmp_path) -> None:
    with pt.progress.listening(judges.Stopping(4)):
        found = optimise(cell, [X, Y], judge=judges.hill)
    style.save(designs.optimum_figure(found), tmp_path / "optimum")


def test_a_tornado_tells_the_numbers(cell: pt.Stack, tmp_path) -> None:
    found = sensitivity(cell, [X, "perovskite.permittivity"], judge=judges.hill)
    figure = designs.sensitivity_figure(found)
    words = texts(figure)
    for name in ("perovskite.thickness", "700 nm", "300 nm", "for 1 %", "low end", "high end"):
        assert name in words
    style.save(figure, tmp_path / "tornado")


def test_a_tornado_without_ranges_or_slopes(tmp_path) -> None:
    bar = design.Bar("x", np.nan, np.nan, "", "", 0.1, "1 %")
    style.save(design.tornado([], [bar], 20.0, "pce"), tmp_path / "a")
    style.save(design.tornado([], [], 20.0, "pce"), tmp_path / "b")
