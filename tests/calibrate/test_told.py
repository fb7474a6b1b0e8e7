"""What data tell and what not: groups in words from covariances, misfit by residuals, profiles against closed forms."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from perotwin.calibrate.fit import Calibration
from perotwin.calibrate.information import Told, identified, weak_groups
from perotwin.calibrate.least_squares import solve
from perotwin.calibrate.misfit import misfit, runs
from perotwin.calibrate.parameters import Gaussian, Linear, Log, Parameter
from perotwin.calibrate.profile import RISE, profile, rise_at
from perotwin.errors import InputError


def velocity(name: str, start: float = 0.3) -> Parameter:
    return Parameter(name, start, 1e-3, 1e2, Log(), None, "cm/s", "velocity", (name,))


def along(direction: np.ndarray, strong: float = 2.0, weak: float = 0.01) -> np.ndarray:
    """A covariance that is large along a direction and small across it."""
    unit = direction / np.linalg.norm(direction)
    return strong**2 * np.outer(unit, unit) + weak**2 * np.eye(unit.size)


@pytest.mark.parametrize(
    ("starts", "direction", "kind", "words"),
    [
        # on logarithmic scales a sum stays where what is larger moves by less
        ((0.3, 0.3), (1.0, -1.0), "sum", "only their sum"),
        ((0.3, 0.6), (2.0, -1.0), "sum", "only their sum"),
        ((0.3, 0.3), (2.0, -1.0), "weighted sum", "2 of right to 1 of left"),
        ((0.1, 1.0), (1.0, 1.0), "ratio", "only their ratio"),
    ],
)
def test_two_numbers_are_known_as_what_the_weak_direction_leaves(
    starts, direction, kind: str, words: str
) -> None:
    parameters = [velocity("left", starts[0]), velocity("right", starts[1])]
    (group,) = weak_groups(parameters, np.array(starts), along(np.array(direction)), [0, 1])
    assert group.kind == kind and words in group.words
    assert group.members == (0, 1) and group.weak == 1
    assert group.sd == pytest.approx(2.0, rel=0.01)


def test_a_product_is_told_from_a_sum_by_the_sizes() -> None:
    parameters = [velocity("left", 0.01), Parameter("time", 1.0, 1e-3, 1e3, dimension="time")]
    (group,) = weak_groups(parameters, np.array([0.01, 1.0]), along(np.array([1.0, -1.0])), [0, 1])
    assert group.kind == "product"


def test_one_number_three_numbers_and_none() -> None:
    parameters = [velocity(name) for name in "abcd"]
    values = np.full(4, 0.3)
    assert weak_groups(parameters, values, 0.01**2 * np.eye(4), range(4)) == ()
    lone = np.diag([1e-4, 1e-4, np.inf, 1e-4])
    (group,) = weak_groups(parameters, values, lone, range(4))
    assert group.words == "c" and math.isinf(group.sd)
    (group,) = weak_groups(parameters, values, along(np.array([1.0, 1.0, -2.0, 0.0])), range(4))
    assert group.words == "a, b and c: only 2 combinations of the 3"
    two = along(np.array([1.0, -1.0, 0.0, 0.0])) + along(np.array([0.0, 0.0, 1.0, -1.0]))
    assert [one.members for one in weak_groups(parameters, values, two, range(4))] == [(0, 1), (2, 3)]


def test_what_is_not_known_because_another_number_is_not_stands_with_it() -> None:
    """A direction that is all but one number's own carries another along by half of its size."""
    parameters = [velocity(name) for name in "abc"]
    values = np.full(3, 0.3)
    covariance = 1e-4 * np.eye(3)
    covariance[:2, :2] = [[25.0, 2.4], [2.4, 0.25]]
    (group,) = weak_groups(parameters, values, covariance, range(3))
    assert group.members == (0, 1)
    covariance[:2, :2] = [[25.0, 0.1], [0.1, 0.25]]
    assert [one.members for one in weak_groups(parameters, values, covariance, range(3))] == [(0,), (1,)]


def test_a_number_is_identified_well_inside_its_bounds_only() -> None:
    parameters = [velocity("a"), velocity("b"), Parameter("e", 0.0, -0.1, 0.1, Linear())]
    middle = np.array([0.0, 0.0, 0.0])
    assert identified(parameters, middle, np.array([0.2, 0.3, 0.01])).tolist() == [True, False, True]
    edge = np.array([parameters[0].ends[1] - 0.3, 0.0, 0.0])
    assert identified(parameters, edge, np.array([0.2, 0.2, 0.02])).tolist() == [False, True, False]
    assert identified(parameters, middle, np.array([np.inf, 0.2, 0.01])).tolist() == [False, True, True]


# --- misfit ----------------------------------------------------------------------------------------------------------


def test_runs_are_those_of_the_exact_count() -> None:
    found, expected, chance = runs(np.array([1.0, 2.0, -1.0, 3.0, 4.0, -2.0, -3.0, -4.0]))
    assert (found, expected) == (4, 5.0)
    assert 0.2 < chance < 0.5
    # all sixteen on either half: 2 of the C(16, 8) orders have two runs
    assert runs(np.repeat([1.0, -1.0], 8))[2] < 1e-3
    assert runs(np.ones(16))[2] == pytest.approx(2.0**-15)


def test_noise_passes_and_what_is_left_of_a_wrong_model_does_not() -> None:
    rng = np.random.default_rng(5)
    flagged = [misfit("noise", rng.standard_normal(40), 3.0).flagged for _ in range(400)]
    assert sum(flagged) <= 4
    # small beside the noise that was stated, but all on one side for long
    wave = misfit("wave", 0.5 * np.sin(np.linspace(0.0, 6.0, 40)), 3.0)
    assert wave.flagged and wave.probability > 0.5 and "on one side" in wave.words
    large = misfit("large", 3.0 * rng.standard_normal(40), 3.0)
    assert large.flagged and "times as large" in large.words


def test_rounding_of_one_sign_is_no_misfit() -> None:
    """A fit of data without noise leaves 1e-12 of their standard deviations, all on one side."""
    assert not misfit("exact", np.full(40, 1e-12), 3.0).flagged
    assert misfit("small", np.full(40, 1e-2), 3.0).flagged


def test_a_misfit_is_said_in_plain_numbers() -> None:
    apart = misfit("jv", np.full(71, 540.0), 3.0)
    assert "are 552 times as large" in apart.words
    assert "lie on one side for long (they change it 0 times, by chance 36)" in apart.words


def test_what_ends_at_a_bound_is_not_told() -> None:
    """Beside a bound the covariance is small, and yet the data tell no value."""
    near, other = (velocity(name) for name in ("near", "other"))
    nuisance = replace(near, name="known", prior=Gaussian(1.0, 0.1))
    told = Told(np.array([False, True, False]), np.full(3, 1e-3), (), np.zeros(3, dtype=bool))
    fit: Any = SimpleNamespace(
        parameters=(near, other, nuisance), at_bound=("near (lower, 0.1 s)", "known (upper, 2)")
    )
    of_three: Any = SimpleNamespace(count=3)
    made = Calibration(of_three, fit, told, (), (), ())
    assert made.untold == ("near, which ended at a bound (lower, 0.1 s)",)
    fit.at_bound = ()
    (words,) = made.untold
    assert words == "near, which ended within two standard deviations of a bound"


# --- profiles --------------------------------------------------------------------------------------------------------


class Analytic:
    """Stands for an objective whose model is one line of numpy."""

    def __init__(self, residuals, jacobian) -> None:
        self.residuals, self.jacobian = residuals, jacobian

    @contextmanager
    def remembering(self):
        yield


def decay_objective() -> tuple[Analytic, list[Parameter]]:
    x = np.linspace(0.0, 3.0, 12)
    data = np.exp(-x) + 0.05 * np.random.default_rng(3).standard_normal(x.size)

    def residuals(v: np.ndarray) -> np.ndarray:
        return (v[0] * np.exp(-x / v[1]) - data) / 0.05

    def jacobian(v: np.ndarray) -> np.ndarray:
        light = np.exp(-x / v[1])
        return np.column_stack([light, v[0] * light * x / v[1] ** 2]) / 0.05

    return Analytic(residuals, jacobian), [
        Parameter("height", 1.0, 0.1, 10.0),
        Parameter("time", 1.0, 0.05, 20.0),
    ]


def test_a_profile_ends_where_chi_square_has_risen_as_far() -> None:
    objective, parameters = decay_objective()
    fit = solve(objective.residuals, parameters, jacobian=objective.jacobian)
    found = profile(objective, fit, "time")
    assert found.open == (False, False)
    grid = np.linspace(0.7, 1.6, 4000)
    design = [np.exp(-np.linspace(0.0, 3.0, 12) / t) / 0.05 for t in grid]
    target = -objective.residuals(np.array([0.0, 1.0]))
    # the height that is best for a time is that of a straight line
    rises = np.array([target @ target - (d @ target) ** 2 / (d @ d) for d in design]) - fit.chi2
    inside = grid[rises <= RISE]
    assert found.interval == pytest.approx((inside[0], inside[-1]), rel=5e-3)
    rise, values = rise_at(objective, fit, 1, float(inside[-1]))
    assert rise == pytest.approx(RISE, rel=0.02) and values[1] == inside[-1]


def test_a_profile_without_an_end_says_so_and_one_of_nothing_is_refused() -> None:
    objective = Analytic(
        lambda v: np.array([(v[0] * v[1] - 1.0) / 0.1, 0.0]),
        lambda v: np.array([[v[1] / 0.1, v[0] / 0.1], [0.0, 0.0]]),
    )
    parameters = [Parameter("a", 1.0, 0.5, 2.0), Parameter("b", 1.0, 0.1, 10.0)]
    fit = solve(objective.residuals, parameters, jacobian=objective.jacobian)
    found = profile(objective, fit, "a")
    assert found.open == (True, True) and found.interval == pytest.approx((0.5, 2.0))
    with pytest.raises(InputError, match="no parameter"):
        profile(objective, fit, "c")
