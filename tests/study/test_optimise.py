"""The search finds known optima within bounds, goes on past failures, and keeps the best when it is stopped."""

import numpy as np
import pytest

import judges
import perotwin as pt
from perotwin import progress
from perotwin.errors import ConvergenceError, InputError
from perotwin.stack import Stack
from perotwin.study import Optimum, changed, optimise
from perotwin.study.search import survey

VARY = ("perovskite.thickness=300 nm..700 nm", "perovskite.permittivity=10..30")


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("cell-a")


@pytest.fixture(scope="module")
def found(cell: pt.Stack) -> Optimum:
    return optimise(cell, VARY, judge=judges.hill)


def test_a_known_optimum_is_found(found: Optimum) -> None:
    """430 nm and 17, to a part in a thousand of the ranges."""
    assert found.numbers[0] == pytest.approx(430.0, abs=0.8)
    assert found.numbers[1] == pytest.approx(17.0, abs=0.04)
    assert found.after.pce == pytest.approx(0.2, abs=1e-5)
    assert found.before == judges.hill(found.cell)
    assert found.complete
    assert not found.notes


def test_it_never_leaves_the_bounds(found: Optimum) -> None:
    tried = np.array([trial.place for trial in found.trials[1:]])
    assert tried.min() >= 0.0
    assert tried.max() <= 1.0


def test_the_best_cell_is_a_file_that_says_where_its_values_come_from(found: Optimum) -> None:
    again = Stack.from_toml(found.best.to_toml())
    assert again == found.best
    assert found.best.name == "cell-a-optimum"
    assert judges.hill(again) == found.after
    assert "optimise" in again.sources()["perovskite.thickness"]
    assert "300 nm to 700 nm" in again.sources()["perovskite.thickness"]
    assert found.written["perovskite.thickness"] == again.get("perovskite.thickness").text


def test_the_same_search_finds_the_same(cell: pt.Stack, found: Optimum) -> None:
    again = optimise(cell, dict(zip(("perovskite.thickness", "perovskite.permittivity"),
                                    ((3e-7, 7e-7), ("10", "30")), strict=True)), judge=judges.hill)  # fmt: skip
    assert again.numbers == found.numbers
    assert [trial.place for trial in again.trials] == [trial.place for trial in found.trials]


@pytest.mark.slow
def test_two_processes_find_what_one_finds(cell: pt.Stack, found: Optimum) -> None:
    other = optimise(cell, VARY, judge=judges.hill, processes=2)
    assert other.numbers == found.numbers
    assert {tuple(trial.place) for trial in other.trials} == {tuple(trial.place) for trial in found.trials}
    assert other.slopes == found.slopes
    assert other.slices == found.slices


def test_slopes_and_slices_about_it(found: Optimum) -> None:
    for slope in found.slopes:
        assert abs(slope.per_percent) < 3e-6  # flat at the top: the curvature times a step of 0.1 %
    thickness, permittivity = found.slices
    low, high = thickness.within("pce")
    # 0.2 - x^2 keeps 99.5 % within sqrt(0.001) um
    assert low == pytest.approx(430 - 31.6, abs=6.0)
    assert high == pytest.approx(430 + 31.6, abs=6.0)
    assert permittivity.numbers[0] == 10.0
    assert permittivity.numbers[-1] == 30.0
    assert found.numbers[1] in permittivity.numbers


def test_an_optimum_at_an_end_says_so_and_has_its_slope(cell: pt.Stack) -> None:
    found = optimise(cell, ["perovskite.thickness=300 nm..700 nm"], judge=judges.slope)
    assert found.written == {"perovskite.thickness": "700 nm"}
    assert "high end of its range" in found.notes[0]
    assert found.slopes[0].per_unit == pytest.approx(0.1e-3, rel=1e-9)  # 0.1 per um
    assert found.slopes[0].per_percent == pytest.approx(0.1 * 0.007, rel=1e-9)


def test_fringes_do_not_hold_it_back(cell: pt.Stack) -> None:
    """From 400 nm there is a crest at 450 nm that is 0.7 percentage points lower than the one at 600 nm."""
    found = optimise(cell, ["perovskite.thickness=300 nm..900 nm"], judge=judges.fringes)
    assert found.numbers[0] == pytest.approx(600.0, abs=1.0)


def test_what_the_lines_through_the_best_meet_is_followed(cell: pt.Stack) -> None:
    """A peak too narrow for the survey lies on the line through the first optimum: no slice is above the answer."""
    found = optimise(cell, VARY, judge=judges.spike)
    assert found.numbers[0] == pytest.approx(660.0, abs=3.0)
    for one in found.slices:
        assert max(merit.pce for merit in one.merits if merit is not None) <= found.after.pce * (1.0 + 1e-6)
        low, high = one.within("pce")
        assert low <= found.numbers[found.fields.index(one.field)] <= high


def test_failures_are_recorded_and_the_search_goes_on(cell: pt.Stack) -> None:
    found = optimise(cell, VARY, judge=judges.patchy)
    assert found.numbers[0] == pytest.approx(430.0, abs=2.0)
    assert found.numbers[1] == pytest.approx(17.0, abs=0.1)
    failed = [trial for trial in found.trials if trial.merit is None]
    assert {trial.failure for trial in failed} >= {"no solution. Take less."}
    assert any(
        f"{len(failed)} of {len(found.trials)} cells could not be solved" in note for note in found.notes
    )


def test_when_nothing_can_be_solved_it_says_why(cell: pt.Stack) -> None:
    with pytest.raises(ConvergenceError, match=r"none of 16 .* no solution"):
        optimise(cell, (*VARY[:1], "perovskite.permittivity"), judge=judges.never)


def test_a_cell_outside_the_range_is_told_and_not_the_best(cell: pt.Stack) -> None:
    found = optimise(cell, ["perovskite.thickness=550 nm..700 nm"], judge=judges.hill)
    assert found.written == {"perovskite.thickness": "550 nm"}
    assert found.before is not None
    assert found.before.pce > found.after.pce
    assert any("lies outside the range" in note for note in found.notes)


def test_a_range_that_nobody_gave_is_told(cell: pt.Stack) -> None:
    found = optimise(cell, ["perovskite.thickness"], judge=judges.hill)
    assert any("250 nm to 1000 nm" in note and "factor of 2" in note for note in found.notes)


@pytest.mark.parametrize("after", [5, 40])
def test_stopped_it_gives_the_best_so_far(cell: pt.Stack, after: int) -> None:
    with progress.listening(judges.Stopping(after)):
        found = optimise(cell, VARY, judge=judges.hill)
    assert not found.complete
    assert not found.slopes
    assert found.after.pce == max(trial.merit.pce for trial in found.trials if trial.merit is not None)
    assert judges.hill(found.best) == found.after
    assert any("stopped after" in note for note in found.notes)


@pytest.mark.slow
def test_stopped_with_two_processes_too(cell: pt.Stack) -> None:
    with progress.listening(judges.Stopping(45)):
        found = optimise(cell, VARY, judge=judges.hill, processes=2)
    assert not found.complete
    assert judges.hill(found.best) == found.after


def test_stopped_before_anything_was_solved_there_is_nothing(cell: pt.Stack) -> None:
    with progress.listening(judges.Stopping(3)), pytest.raises(KeyboardInterrupt):
        optimise(cell, VARY, judge=judges.never)


def test_other_objectives_and_none_that_do_not_exist(cell: pt.Stack) -> None:
    with pytest.raises(InputError, match='no objective "power"'):
        optimise(cell, VARY, "power", judge=judges.hill)
    found = optimise(cell, ["circuit.series_resistance=0..5 ohm cm^2"], "ff")
    assert found.written == {"circuit.series_resistance": "0 ohm cm^2"}


def test_the_survey_is_even() -> None:
    for count in (1, 2, 3, 6):
        places = np.array(survey(count))
        assert np.allclose(places.mean(axis=0), 0.5, atol=0.04)
        assert np.all((places > 0.0) & (places < 1.0))
        assert len(np.unique(places, axis=0)) == len(places)


def ideal(gap: float) -> Stack:
    """The Shockley-Queisser cell: step absorptance, detailed balance, contacts that ask nothing."""
    from devices import layer, selective

    return Stack.from_data(
        {
            "name": "ideal",
            "temperature": 298.15,
            "light": {"generation": "step"},
            "layer": [layer("absorber", 300e-9, gap=gap, affinity=4.0, mobility=100.0)],
            "contact": {
                "front": selective(4.0 + gap - 0.1, takes="holes"),
                "back": selective(4.1, takes="electrons"),
            },
        },
        bare_numbers=True,
    )


@pytest.mark.parametrize("start", [1.05, 1.6])
def test_the_best_gap_of_one_junction_is_that_of_shockley_and_queisser(start: float) -> None:
    """1.34 eV and 33.7 % (S. Rühle, Sol. Energy 130, 139 (2016), doi:10.1016/j.solener.2016.02.015).

    The lines of the spectrum make ripples of 0.02 eV about it, so that 1.34 eV is known to that.
    """
    found = optimise(ideal(start), {"absorber.electronic.bandgap": (0.9, 1.8)})
    assert found.numbers[0] == pytest.approx(1.34, abs=0.02)
    assert 100.0 * found.after.pce == pytest.approx(33.7, abs=0.1)


def test_the_best_cell_of_the_library_is_the_best_on_its_own_map() -> None:
    """No point of a coarse grid over the same box is better, and the values are within it."""
    cell = pt.load("nbg")
    found = optimise(cell, ["perovskite.thickness=500 nm..1200 nm"])
    for share in np.linspace(0.0, 1.0, 9):
        other = changed(cell, {"perovskite.thickness": found.fields[0].written(share)})
        assert pt.study.merit(other).pce <= found.after.pce + 1e-9
