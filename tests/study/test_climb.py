"""Slopes lead to the top of the hill that values alone find, in fewer cells; where there are none, values alone do."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import ConvergenceError
from perotwin.study import Field, Merit, Optimum, merit, optimise, resolve_all
from perotwin.study.climb import Point, climb

#: stated before: both searches end within a thousandth of the ranges, and what is not better by a 1e-6 part is as good
PLACE, VALUE = 2e-3, 1e-6
VARY = ("perovskite.thickness=500 nm..1100 nm", "perovskite.trap.1.electron_lifetime=0.1 us..10 us")


class Hill:
    """A hill with its top at (0.3, 0.6), whose two numbers pull at one another, and how often it was asked."""

    def __init__(self, factor: float = 1.0) -> None:
        self.asked, self.factor = 0, factor

    def __call__(self, place: np.ndarray) -> Point:
        self.asked += 1
        x, y = place - [0.3, 0.6]
        value = 1.0 - x * x - 3.0 * y * y - x * y - 2.0 * x**4
        return Point(place, value, self.factor * np.array([-2.0 * x - y - 8.0 * x**3, -6.0 * y - x]))


def test_the_top_of_a_hill_is_found_in_few_steps() -> None:
    hill = Hill()
    found = climb(hill, hill(np.array([0.45, 0.45])), 0.03, 1e-5, 40)
    assert found is not None
    assert found.place == pytest.approx([0.3, 0.6], abs=1e-5)
    assert hill.asked <= 15


def test_slopes_that_are_wrong_do_not_get_there() -> None:
    hill = Hill(-1.0)
    start = hill(np.array([0.45, 0.45]))
    found = climb(hill, start, 0.03, 1e-5, 40)
    assert found is None or np.abs(found.place - [0.3, 0.6]).max() > 0.1


@pytest.mark.parametrize(("start", "top"), [((1.0, 0.0), (1.0, 1.0)), ((0.9, 0.97), (1.0, 1.0))])
def test_the_box_is_kept(start: tuple[float, float], top: tuple[float, float]) -> None:
    def seen(place: np.ndarray) -> Point:
        assert np.all((place >= 0.0) & (place <= 1.0))
        x, y = place
        return Point(place, x + 2.0 * y - 0.1 * x * x, np.array([1.0 - 0.2 * x, 2.0]))

    found = climb(seen, seen(np.array(start)), 0.1, 1e-4, 40)
    assert found is not None
    assert found.place == pytest.approx(top, abs=1e-12)


def test_a_flat_place_is_its_own_top_and_lost_slopes_are_told() -> None:
    flat = Point(np.array([0.5]), 1.0, np.zeros(1))
    assert climb(lambda place: None, flat, 0.1, 1e-4, 9) is flat
    assert climb(lambda place: None, replace(flat, slopes=np.ones(1)), 0.1, 1e-4, 9) is None


def by_values(cell: pt.Stack) -> Merit:
    """What a cell is worth, but for a search that is not to know that it has slopes."""
    return merit(cell)


@pytest.fixture(scope="module")
def both() -> tuple[Optimum, Optimum]:
    cell = pt.load("nbg")
    return optimise(cell, VARY), optimise(cell, VARY, judge=by_values)


@pytest.mark.slow
def test_the_optimum_is_that_of_values_alone(both: tuple[Optimum, Optimum]) -> None:
    led, alone = both
    assert led.way == "by exact slopes"
    assert alone.way.startswith("by values alone: ")
    for one, first, second in zip(led.fields, led.numbers, alone.numbers, strict=True):
        assert one.share(first) == pytest.approx(one.share(second), abs=PLACE)
    assert led.after.pce == pytest.approx(alone.after.pce, rel=VALUE)
    # where other searches ended is known less closely, and may be told of
    assert [note for note in led.notes if "elsewhere" not in note] == [
        note for note in alone.notes if "elsewhere" not in note
    ]


@pytest.mark.slow
def test_it_takes_fewer_cells(both: tuple[Optimum, Optimum]) -> None:
    led, alone = (
        len([trial for trial in found.trials if trial.stage.startswith(("search", "slopes"))])
        for found in both
    )
    assert led < 0.75 * alone


@pytest.mark.slow
def test_every_cell_was_judged_as_any_other(both: tuple[Optimum, Optimum]) -> None:
    led = both[0]
    last = [trial for trial in led.trials if trial.stage.startswith("search")][-1]
    assert merit(pt.study.changed(led.cell, last.written)) == last.merit
    assert all(0.0 <= share <= 1.0 for trial in led.trials[1:] for share in trial.place)


def test_slopes_by_shares_are_those_of_differences() -> None:
    """Along ranges that are spaced in the logarithm, too."""
    cell = pt.load("nbg")
    work = _work(cell, resolve_all(cell, VARY))
    here = (0.4, 0.5)
    point = work._followed("search 1", here)
    assert point is not None
    for index in range(2):
        # a mesh of its own for each thickness, where the exact slope keeps that of the cell
        within = (2e-2, 1e-4)[index]
        ends = [work._followed("search 1", tuple(np.where(np.arange(2) == index, here[index] + k * 0.02, here)))
                for k in (-2, -1, 1, 2)]  # fmt: skip
        assert all(ends)
        x = np.array([one.place[index] for one in ends if one is not None]) - point.place[index]
        y = np.array([one.value for one in ends if one is not None]) - point.value
        slope = np.linalg.solve(np.vander(x, 5)[:, :4], y)[-1]
        assert point.slopes[index] == pytest.approx(slope, rel=within)


def _work(cell: pt.Stack, fields: tuple[Field, ...]) -> Any:
    """What `optimise` works with."""
    import sys

    module = sys.modules["perotwin.study.optimise"]
    return module._Work(module.Variant(cell), fields, "pce", pt.study.Pool(module.Variant(cell)))


@pytest.mark.parametrize(
    ("vary", "objective", "words"),
    [
        ("circuit.series_resistance=0..5 ohm cm^2", "vmp", "vmp has no exact slopes"),
        ("light.intensity=0.5 sun..2 sun", "voc", "light.intensity has no exact slope"),
    ],
)
def test_without_slopes_it_says_why(vary: str, objective: str, words: str) -> None:
    found = optimise(pt.load("cell-a"), [vary], objective)
    assert found.way.startswith("by values alone: ")
    assert words in found.way


def test_lost_slopes_leave_the_search_to_values(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    def none(*_: object) -> None:
        raise ConvergenceError("no slopes here.", "Take differences.", stage="maximum-power")

    cell = pt.load("nbg")
    alone = optimise(cell, VARY[1:], judge=by_values)
    monkeypatch.setattr(sys.modules["perotwin.study.optimise"], "followed", none)
    found = optimise(cell, VARY[1:])
    assert found.way == "by values alone: exact slopes were lost on the way"
    assert found.after.pce == pytest.approx(alone.after.pce, rel=VALUE)
    assert len(found.slopes) == 1
