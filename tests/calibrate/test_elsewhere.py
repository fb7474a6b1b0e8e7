"""A search that ends at what does not describe the data begins elsewhere, as steady data leave two places to begin."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from perotwin.calibrate import Linear, Parameter, fit, solve
from perotwin.errors import ConvergenceError

X = np.linspace(0.0, 1.0, 21)
NOISE = np.random.default_rng(3).standard_normal(X.size)
NUMBER = Parameter("a", 0.5, -2.0, 2.0, Linear())


def residuals(v: np.ndarray) -> np.ndarray:
    """Of a^2 + a x / 2 at a = 1, seen through noise: near a = -1 is another place that no small step leaves."""
    return (v[0] ** 2 - 1.0 + 0.5 * (v[0] - 1.0) * X) / 0.02 + NOISE


def of_no_place(v: np.ndarray) -> np.ndarray:
    """The same with a step in the data, which no place has."""
    return residuals(v) + 9.0 * (X > 0.5)


class Search:
    """As `calibrate` has it, of a function that is known."""

    def __init__(self, of: object = residuals, fails: tuple[float, ...] = ()) -> None:
        self.objective = SimpleNamespace(
            data=[SimpleNamespace(name="toy")], sizes=[X.size], forget=lambda: None
        )
        self.function, self.fails, self.begun = of, fails, []

    def of(self, begin: np.ndarray) -> object:
        self.begun.append(float(begin[0]))
        if begin[0] in self.fails:
            raise ConvergenceError("no number there.", "Begin elsewhere.")
        # a search that cannot cross over
        low, high = (-2.0, -0.2) if begin[0] < 0.0 else (-0.1, 2.0)
        return solve(self.function, [replace(NUMBER, start=float(begin[0]), low=low, high=high)])

    def again(self, found: object) -> object:
        return found


def test_a_place_that_describes_the_data_is_left_as_it_is() -> None:
    search = Search()
    found, notes = fit._elsewhere(search, search.of(np.array([0.7])), [np.array([-1.0])])
    assert found.values[0] == pytest.approx(1.0, abs=0.02) and not notes and search.begun == [0.7]


def test_a_place_that_does_not_is_left_for_one_that_does() -> None:
    search = Search()
    first = search.of(np.array([-0.3]))
    assert first.chi2 > 10.0 * X.size
    begins = [np.array([one]) for one in (-1.0, 0.4, 0.9)]
    found, notes = fit._elsewhere(search, first, begins)
    assert found.values[0] == pytest.approx(1.0, abs=0.02)
    # and no further one is tried
    assert search.begun == [-0.3, -1.0, 0.4] and "2 further searches" in notes[0]
    assert len(found.starts) == 3 and found.starts[0].cost < found.starts[1].cost


def test_where_no_place_does_the_best_stays_and_one_that_cannot_be_solved_is_passed_over() -> None:
    search = Search(of_no_place, fails=(0.4,))
    first = search.of(np.array([0.9]))
    found, notes = fit._elsewhere(search, first, [np.array([one]) for one in (0.4, -1.0)])
    assert found.chi2 == pytest.approx(min(first.chi2, search.of(np.array([-1.0])).chi2))
    assert "2 further searches" in notes[0]


def test_interrupted_before_anything_is_known_elsewhere_what_was_found_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search = Search()
    first = search.of(np.array([-0.3]))

    def stopped(_: np.ndarray) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "of", stopped)
    found, _ = fit._elsewhere(search, first, [np.array([0.4])])
    assert not found.complete and found.chi2 == first.chi2 and found.message == "interrupted"
