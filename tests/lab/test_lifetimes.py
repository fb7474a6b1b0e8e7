"""T80 of a tracked power: what goes in comes out, within intervals that correlated noise does not belie."""

import numpy as np
import pytest
import xarray as xr

from perotwin.errors import InputError
from perotwin.lab.lifetimes import envelope, lifetimes

H = 3600.0


def trace(power: np.ndarray, hours: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"power_density": ("time", power)}, {"time": hours * H})


def correlated(size: int, rho: float, sigma: float, seed: int) -> np.ndarray:
    """Noise whose neighbours are alike."""
    white = np.random.default_rng(seed).normal(0.0, sigma * np.sqrt(1.0 - rho**2), size)
    made = np.zeros(size)
    for at in range(1, size):
        made[at] = rho * made[at - 1] + white[at]
    return made


def test_t80_of_exact_decays_is_exact() -> None:
    hours = np.arange(0.0, 500.0, 0.1)
    single = lifetimes(trace(200.0 * np.exp(-hours / 800.0) + 1e-6 * np.sin(hours), hours))
    assert single["t80"].value / H == pytest.approx(-800.0 * np.log(0.8), rel=0.01)
    assert single["power_retained"].value == pytest.approx(np.exp(-500.0 / 800.0), rel=0.01)


def test_a_tracker_that_hunts_does_not_make_t80_zero() -> None:
    hours = np.arange(0.0, 300.0, 1.0 / 6.0)
    dice = np.random.default_rng(1)
    power = 200.0 * (0.2 * np.exp(-hours / 10.0) + 0.8 * np.exp(-hours / 900.0))
    hunted = power * (1.0 - 0.3 * dice.random(hours.size) ** 2)
    naive = hours[np.flatnonzero(hunted < 0.8 * hunted[0])[0]]
    assert naive < 2.0
    # 0.2 exp(-t/10) + 0.8 exp(-t/900) = 0.8 at 12.3 h: by the root, apart from the analysis
    from scipy.optimize import brentq

    exact = brentq(lambda t: 0.2 * np.exp(-t / 10.0) + 0.8 * np.exp(-t / 900.0) - 0.8, 1.0, 200.0)
    found = lifetimes(trace(hunted, hours))
    assert found["t80"].value / H == pytest.approx(exact, rel=0.15)
    assert "double" in found["t80"].method
    # without the burn-in only the slow part is left
    assert found["ts80"].value / H == pytest.approx(-900.0 * np.log(0.8), rel=0.15)


@pytest.mark.slow
def test_intervals_hold_the_truth_where_neighbours_are_alike() -> None:
    """At a correlation of 0.8 intervals from white noise would hold it in less than half of all cases."""
    hours = np.arange(0.0, 200.0, 1.0)
    truth = -500.0 * np.log(0.8)
    inside = total = 0
    for seed in range(40):
        # the envelope itself, so that the bins are what they are said to be
        power = 200.0 * np.exp(-hours / 500.0) + correlated(hours.size, 0.8, 4.0, seed)
        dense = np.repeat(power, 12)
        moments = np.linspace(0.0, 200.0, dense.size, endpoint=False)
        one = lifetimes(trace(dense, moments))["t80"]
        if one.uncertainty is None or ("single" not in one.method[:30] and "line" not in one.method[:30]):
            continue
        total += 1
        inside += abs(one.value / H - truth) < 1.96 * one.uncertainty / H
    assert total > 20
    assert inside / total > 0.8, f"{inside} of {total}"


@pytest.mark.parametrize(("seconds", "points"), [(183.0, 16_740), (60.0, 108), (240.0, 200), (36_000.0, 40)])
def test_short_and_sparse_traces_are_refused(seconds: float, points: int) -> None:
    with pytest.raises(InputError, match=r"too (short|sparse)"):
        lifetimes(trace(np.full(points, 200.0), np.linspace(0.0, seconds / H, points)))


def test_a_lifetime_beyond_the_trace_is_not_extrapolated() -> None:
    hours = np.arange(0.0, 100.0, 0.1)
    power = 200.0 * np.exp(-hours / 5000.0) + np.random.default_rng(0).normal(0.0, 0.2, hours.size)
    found = lifetimes(trace(power, hours))
    assert np.isnan(found["t80"].value)
    assert "not reached" in found["t80"].method


def test_a_cell_that_first_rises_is_judged_from_its_maximum() -> None:
    hours = np.arange(0.0, 400.0, 0.1)
    power = np.where(hours < 50.0, 150.0 + hours, 200.0 * np.exp(-(hours - 50.0) / 300.0))
    power = power * (1.0 + 1e-3 * np.random.default_rng(2).normal(size=hours.size))
    found = lifetimes(trace(power, hours))
    assert found["t80"].value / H == pytest.approx(50.0 - 300.0 * np.log(0.8), rel=0.03)
    assert "from the maximum" in found["t80"].method


def test_the_envelope_is_the_upper_tenth_and_leaves_gaps_out() -> None:
    hours = np.concatenate([np.arange(0.0, 10.0, 0.01), np.arange(20.0, 30.0, 0.01)])
    power = np.where(np.arange(hours.size) % 10 == 0, 200.0, 150.0)
    t, p = envelope(hours * H, power)
    assert np.median(p) == pytest.approx(200.0)
    assert not ((t > 10.5 * H) & (t < 19.5 * H)).any()
