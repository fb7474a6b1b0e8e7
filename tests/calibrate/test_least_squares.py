"""The solver against what is known of it: straight lines in closed form, priors as Bayes has them, bounds, outliers."""

import math

import numpy as np
import pytest
from scipy import optimize

import perotwin as pt
from perotwin.calibrate import (
    Cauchy,
    Gaussian,
    Linear,
    Log,
    Parameter,
    known,
    least_squares,
    parameter_of,
    prior_of,
    solve,
)
from perotwin.calibrate.least_squares import SQUARES, Loss, SoftL1, _promised, covariance_of
from perotwin.errors import ConvergenceError, InputError

X = np.linspace(0.0, 1.0, 21)
SD = 0.05


def line(noise: float = 0.0, seed: int = 1) -> np.ndarray:
    return 1.0 + 2.0 * X + noise * np.random.default_rng(seed).standard_normal(X.size)


def free(name: str, start: float = 0.5, low: float = -10.0, high: float = 10.0) -> Parameter:
    return Parameter(name, start, low, high, Linear())


def test_a_straight_line_is_that_of_the_normal_equations() -> None:
    data = line(SD)
    found = solve(lambda v: (v[0] + v[1] * X - data) / SD, [free("a"), free("b")])
    design = np.column_stack([np.ones_like(X), X]) / SD
    expected = np.linalg.solve(design.T @ design, design.T @ (data / SD))
    assert np.allclose(found.values, expected, atol=1e-7)
    assert np.allclose(found.covariance, np.linalg.inv(design.T @ design), rtol=1e-5)
    assert found.degrees == 19
    assert found.complete and not found.at_bound


def test_a_jacobian_that_is_given_makes_the_same_fit_as_differences() -> None:
    data = 3.0 * np.exp(-X / 0.4)
    parameters = [Parameter("height", 1.0, 0.1, 100.0), Parameter("time", 1.0, 0.01, 10.0)]

    def residuals(v: np.ndarray) -> np.ndarray:
        return (v[0] * np.exp(-X / v[1]) - data) / SD

    def slopes(v: np.ndarray) -> np.ndarray:
        return np.column_stack([np.exp(-X / v[1]), v[0] * np.exp(-X / v[1]) * X / v[1] ** 2]) / SD

    one, other = solve(residuals, parameters), solve(residuals, parameters, jacobian=slopes)
    assert one.values == pytest.approx([3.0, 0.4], rel=1e-6)
    assert np.allclose(one.values, other.values, rtol=1e-6)
    assert np.allclose(one.covariance, other.covariance, rtol=1e-4)
    # on a logarithmic scale the deviation is one of the logarithm
    exact = slopes(np.array([3.0, 0.4])) * np.array([3.0, 0.4])
    assert np.allclose(one.covariance, np.linalg.inv(exact.T @ exact), rtol=1e-4)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(200):
        data = line(SD, seed)
        found = solve(lambda v, data=data: (v[0] + v[1] * X - data) / SD, [free("a"), free("b")])
        inside += sum(
            low <= truth <= high
            for truth, (low, high) in zip((1.0, 2.0), map(found.interval, (0, 1)), strict=True)
        )
    assert 0.92 < inside / 400 < 0.98


def test_a_prior_is_weighed_as_bayes_has_it() -> None:
    parameter = Parameter("a", 0.0, -10.0, 10.0, Linear(), Gaussian(4.0, 0.5))
    found = solve(lambda v: np.full(3, (v[0] - 1.0) / 1.0), [parameter])
    assert found.values[0] == pytest.approx((3 * 1.0 + 4.0 / 0.25) / (3 + 4.0), rel=1e-6)
    assert found.sd[0] == pytest.approx((3 + 4.0) ** -0.5, rel=1e-6)
    assert found.degrees == 3


def test_what_ends_at_a_bound_is_named() -> None:
    found = solve(lambda v: (v[0] * X - 2.0 * X) / SD, [free("slope", 0.5, 0.0, 1.5)])
    assert found.at_bound == ("slope (upper, 1.5)",)
    assert "at a bound" in found.report()


@pytest.mark.parametrize("loss", [SQUARES, SoftL1(1.0)])
def test_slopes_promise_what_a_straight_model_holds(loss: Loss) -> None:
    # apart from the check: a straight model in a box, made small by another method than the one that promises
    rng = np.random.default_rng(3)
    slopes, truth = rng.normal(size=(12, 3)), np.array([-0.2, 0.5, 0.9])
    wanted = slopes @ truth + 0.1 * rng.normal(size=12)

    def half(q: np.ndarray) -> float:
        return 0.5 * float(np.sum((slopes @ q - wanted) ** 2))

    least = optimize.minimize(
        half, np.full(3, 0.5), bounds=[(0.0, 1.0)] * 3, method="L-BFGS-B", tol=1e-14
    ).fun
    low, high, size = np.zeros(3), np.ones(3), np.array([1.0, 2.0, 0.1])
    for place in ([0.3, 0.3, 0.3], [0.0, 0.9, 1.0]):
        q = np.array(place)
        ended = optimize.least_squares(
            lambda v: slopes @ v - wanted, q + 1e-9 * (0.5 - q), jac=lambda v: slopes, bounds=(low, high),
            loss=loss.scipy, f_scale=1e3 * loss.scale, max_nfev=1,
        )  # fmt: skip
        assert half(q) - least > 0.2
        assert _promised(ended, low, high, size) == pytest.approx(half(q) - least, rel=1e-5)
    assert _promised(
        optimize.least_squares(lambda v: slopes @ v - wanted, [0.5] * 3, bounds=(low, high), xtol=1e-14, ftol=1e-14),
        low, high, size,
    ) < 1e-6  # fmt: skip


def test_a_search_that_ends_for_short_steps_goes_on_where_its_slopes_promise_more(monkeypatch) -> None:
    # a curved valley with a bound just beside its end: y follows exp(-c x) closely, and y may not be lower
    sharp, curve, end = 557.0, 3.6, 0.4

    def residuals(q: np.ndarray) -> np.ndarray:
        x, y, z = q
        return np.array([sharp * (y - np.exp(-curve * x)), 30.0 * (x - end), 30.0 * (z - x * y), 1.0])

    low = float(np.exp(-curve * end))
    begin = [
        Parameter("x", -0.9, -2.0, 3.0, Linear()),
        Parameter("y", 5.0, 0.998 * low, 30.0, Linear()),
        Parameter("z", 0.1, -5.0, 5.0, Linear()),
    ]
    found = solve(residuals, begin, tolerance=1e-2)
    assert found.chi2 == pytest.approx(1.0, abs=0.01)
    assert found.value("x") == pytest.approx(end, abs=1e-3)
    cut = solve(residuals, begin, tolerance=1e-2, evaluations=60)
    assert cut.chi2 > 10.0 and "promise" in cut.message and "promise" not in found.message
    with monkeypatch.context() as changed:
        changed.setattr(least_squares, "_PROMISED", np.inf)
        assert solve(residuals, begin, tolerance=1e-2).chi2 > 100.0


def test_outliers_are_named_and_do_not_pull_a_robust_fit() -> None:
    data = line(SD)
    data[7] += 3.0
    labels = [f"x = {x:.2f}" for x in X]

    def residuals(v: np.ndarray) -> np.ndarray:
        return (v[0] + v[1] * X - data) / SD

    plain = solve(residuals, [free("a"), free("b")], labels=labels)
    robust = solve(residuals, [free("a"), free("b")], labels=labels, loss=Cauchy())
    assert [one.split(" (")[0] for one in robust.outliers] == ["x = 0.35"]
    assert abs(robust.values[0] - 1.0) < 0.05 < abs(plain.values[0] - 1.0)
    assert plain.probability < 1e-6


def test_several_starts_leave_a_local_minimum_and_tell_of_as_good_ones() -> None:
    def residuals(v: np.ndarray) -> np.ndarray:
        # as good at -2 and at +2, worse at neither but from 0.1 one is reached only
        return np.array([(v[0] ** 2 - 4.0) / 0.1, 0.0])

    one = solve(residuals, [free("a", 0.1, -5.0, 5.0)])
    many = solve(residuals, [free("a", 0.1, -5.0, 5.0)], starts=8, seed=3)
    assert one.values[0] == pytest.approx(2.0, abs=1e-4)
    assert {round(float(many.values[0])), round(float(many.elsewhere[0].ended[0]))} == {-2, 2}
    assert "also:" in many.report()
    again = solve(residuals, [free("a", 0.1, -5.0, 5.0)], starts=8, seed=3)
    assert all(np.array_equal(a.ended, b.ended) for a, b in zip(many.starts, again.starts, strict=True))


def test_what_the_data_do_not_tell_has_no_deviation() -> None:
    data = line(SD)
    found = solve(lambda v: (v[0] + v[1] + 2.0 * X - data) / SD, [free("a"), free("b")])
    assert np.isinf(found.sd).all()
    assert found.interval(0) == (-10.0, 10.0)
    assert "not told by the data" in found.report()
    told = covariance_of(np.diag([4.0, 0.0]))
    assert told[0, 0] == 0.25 and np.isinf(told[1, 1])


def test_an_interruption_keeps_the_best_that_was_tried() -> None:
    calls = 0

    def residuals(v: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls > 12:
            raise KeyboardInterrupt
        return np.array([10.0 * (v[1] - v[0] ** 2), 1.0 - v[0]])

    found = solve(residuals, [free("a", -1.0), free("b", 1.5)])
    assert not found.complete
    assert found.chi2 < 10.0**2 * 0.25 + 4.0
    assert "INTERRUPTED" in found.report()


def test_a_model_that_fails_somewhere_shortens_the_step_and_one_that_fails_at_the_start_says_so() -> None:
    def residuals(v: np.ndarray) -> np.ndarray:
        if v[0] > 1.5:
            raise ConvergenceError("beyond.", "Go back.")
        return np.array([np.exp(3.0 * v[0]) - 20.0, 0.1 * v[0]])

    found = solve(residuals, [free("a", 0.0, -2.0, 5.0)])
    assert found.values[0] == pytest.approx(math.log(20.0) / 3.0, abs=1e-3)
    with pytest.raises(ConvergenceError, match="beyond"):
        solve(residuals, [free("a", 2.0, -2.0, 5.0)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: solve(lambda v: v, []), "nothing is varied"),
        (lambda: solve(lambda v: v, [free("a"), free("a")]), "twice"),
        (lambda: solve(lambda v: v[:1], [free("a"), free("b")]), "2 parameters are to be found from 1 data"),
        (lambda: Parameter("a", 1.0, 0.0, 2.0), "logarithm"),
        (lambda: Parameter("a", 1.0, 2.0, 2.0), "hold nothing"),
        (lambda: Parameter("a", 3.0, 1.0, 2.0), "outside its bounds"),
        (lambda: Parameter("a", 1.0, 0.5, 2.0, Log(), Gaussian(1.0, 0.0)), "no width"),
        (lambda: Parameter("a", math.nan, 0.5, 2.0), "no finite number"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(make, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert caught.value.advice


def test_numbers_of_a_cell_bring_their_ranges_as_bounds_or_as_a_prior() -> None:
    cell = pt.load("wbg-target")
    varied = parameter_of(cell, "perovskite|c60.trap.1.electron_velocity")
    assert (varied.low, varied.high) == pytest.approx((0.08, 20.0))
    assert isinstance(varied.scale, Log) and varied.prior is None
    assert varied.text(0.3) == "30 cm/s"
    nuisance = known(cell, "ito.thickness")
    assert nuisance.prior is not None
    # the range that it states is two standard deviations to either side on the logarithmic scale
    low, high = cell.get("ito.thickness").assumed
    assert nuisance.prior.sd == pytest.approx(math.log(high / low) / 4.0)
    assert nuisance.prior.mean == pytest.approx(float(cell.get("ito.thickness")))
    thickness = float(cell.get("perovskite.thickness"))
    assert known(cell, "perovskite.thickness", "10 nm").prior.sd == pytest.approx(1e-8 / thickness)
    assert isinstance(parameter_of(cell, "niox|perovskite.dipole").scale, Linear)
    half = prior_of(1.0, 4.0, Log())
    assert (half.mean, half.sd) == pytest.approx((2.0, math.log(4.0) / 4.0))


def test_draws_follow_prior_and_bounds() -> None:
    parameter = Parameter("a", 1.0, 0.1, 10.0, Log(), Gaussian(1.0, 0.3))
    drawn = np.log([parameter.drawn(float(c)) for c in (np.arange(2000) + 0.5) / 2000])
    assert drawn.mean() == pytest.approx(0.0, abs=1e-6)
    assert drawn.std() == pytest.approx(0.3, rel=0.01)
    flat = Parameter("a", 1.0, 0.1, 10.0)
    assert [flat.drawn(c) for c in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 1.0, 10.0])
    assert flat.log_prior(math.log(20.0)) == -math.inf and flat.log_prior(0.0) == 0.0
    assert parameter.log_prior(0.3) == pytest.approx(-0.5)
