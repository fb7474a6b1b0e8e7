"""Lifetimes of tracked cells: T80 by interpolation, curves with honest intervals, and what is too short for any."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from perotwin.errors import InputError
from perotwin.lab import degradation, mppt, tracked_power

SHARED = Path(__file__).parents[2].parent / "shared"
HOUR = 3600.0
BY_NAME = {one.name: one for one in degradation.MODELS}


def correlated(count: int, correlation: float, sigma: float, seed: int) -> np.ndarray:
    """Noise of a first-order autoregression."""
    chance = np.random.default_rng(seed).standard_normal(count)
    made = np.empty(count)
    made[0] = chance[0]
    for i in range(1, count):
        made[i] = correlation * made[i - 1] + np.sqrt(1.0 - correlation**2) * chance[i]
    return sigma * made


def trace(time: np.ndarray, power: np.ndarray, **others: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {"power_density": ("time", power), **{name: ("time", values) for name, values in others.items()}},
        {"time": time},
    )


# --- intervals -------------------------------------------------------------------------------------------------------


def coverage(name: str, curve: object, truth: float, correlation: float, seeds: int) -> float:
    time = np.linspace(0.0, 300.0 * HOUR, 120)
    inside = 0
    for seed in range(seeds):
        noise = correlated(time.size, correlation, 0.2, seed)
        lived = degradation.fit(time, curve(time) + noise, (BY_NAME[name],))[0].lifetime(0.8)  # type: ignore[operator]  # a function
        inside += lived.low <= truth <= lived.high
    return inside / seeds


@pytest.mark.parametrize(
    "correlation",
    [
        pytest.param(0.0, marks=pytest.mark.slow),
        pytest.param(0.8, marks=pytest.mark.slow),
        0.9,
    ],
)
def test_95_percent_intervals_hold_the_truth_whatever_the_correlation(correlation: float) -> None:
    """200 seeds; taken for independent, such readings gave intervals that hold it in 44 % at 0.8."""
    tau = 400.0 * HOUR
    held = coverage(
        "single exponential", lambda t: 20.0 * np.exp(-t / tau), -np.log(0.8) * tau, correlation, 200
    )
    assert 0.88 <= held <= 0.995, held


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.8, 0.9])
def test_the_same_of_two_exponentials_and_a_logarithm(correlation: float) -> None:
    def two(t: np.ndarray) -> np.ndarray:
        return 6.0 * np.exp(-t / (30.0 * HOUR)) + 15.0 * np.exp(-t / (1200.0 * HOUR))

    def slow(t: np.ndarray) -> np.ndarray:
        return 20.0 - 2.0 * np.log1p(t / (20.0 * HOUR))

    for name, curve in (("double exponential", two), ("logarithm", slow)):
        first = float(curve(np.array(0.0)))
        truth = brentq(lambda t, c=curve, f=first: float(c(np.array(t))) - 0.8 * f, 1.0, 300.0 * HOUR)
        held = coverage(name, curve, truth, correlation, 100)
        assert 0.88 <= held <= 1.0, (name, held)


def test_what_is_left_is_found_to_be_correlated() -> None:
    time = np.linspace(0.0, 300.0 * HOUR, 150)
    for correlation in (0.0, 0.5, 0.9):
        found = [
            degradation.fit(
                time,
                20.0 - 4.0 * time / time[-1] + correlated(150, correlation, 0.1, seed),
                (BY_NAME["straight line"],),
            )[0].correlation
            for seed in range(40)
        ]
        assert np.mean(found) == pytest.approx(correlation, abs=0.05)


# --- which curve -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("single exponential", lambda t: 20.0 * np.exp(-t / (200.0 * HOUR))),
        (
            "double exponential",
            lambda t: 8.0 * np.exp(-t / (10.0 * HOUR)) + 12.0 * np.exp(-t / (900.0 * HOUR)),
        ),
        ("logarithm", lambda t: 20.0 - 2.0 * np.log1p(t / (2.0 * HOUR))),
        ("straight line", lambda t: 20.0 - 0.03 * t / HOUR),
    ],
)
def test_the_curve_that_made_the_data_is_the_likeliest(name: str, curve: object) -> None:
    time = np.linspace(0.0, 300.0 * HOUR, 151)
    values = curve(time) + correlated(151, 0.3, 0.03, 1)  # type: ignore[operator]  # a function
    found = degradation.fit(time, values)
    assert found[0].model == name, [(one.model, one.aicc) for one in found]
    first = float(np.asarray(curve(0.0)))  # type: ignore[operator]  # a function
    truth = brentq(lambda t: float(np.asarray(curve(t))) - 0.8 * first, 0.0, 600.0 * HOUR)  # type: ignore[operator]  # a function
    lived = found[0].lifetime(0.8)
    assert lived.low < truth < lived.high
    assert found[0].at(0.0)[0] == pytest.approx(first, rel=0.02)


def test_beyond_the_data_a_curve_says_that_it_extrapolates() -> None:
    time = np.linspace(0.0, 100.0 * HOUR, 401)
    values = 20.0 * np.exp(-time / (1500.0 * HOUR)) + correlated(401, 0.0, 0.01, 3)
    lived = degradation.fit(time, values, (BY_NAME["single exponential"],))[0].lifetime(0.8)
    assert lived.extrapolated and "extrapolation, 3.3 times the 100 h of data" in lived.words
    found = mppt.analyse(trace(time, values))
    assert np.isnan(found["t80"].value) and "not reached: 93" in found["t80"].method
    assert found["t95"].value == pytest.approx(-np.log(0.95) * 1500.0 * HOUR, rel=0.05)


# --- the envelope and what is read from it ---------------------------------------------------------------------------


def test_a_tracker_that_hunts_keeps_its_lifetime() -> None:
    """Every reading is up to 40 % too low; T80 of the curve on top is 89.3 h."""
    time = np.arange(0.0, 300.0 * HOUR, 600.0)
    curve = 200.0 * np.exp(-time / (400.0 * HOUR))
    low = 1.0 - 0.4 * np.random.default_rng(2).random(time.size) ** 2
    found = mppt.analyse(trace(time, curve * low))
    assert found["t80"].value == pytest.approx(89.26 * HOUR, abs=4.0 * HOUR)
    assert found["t80"].uncertainty is not None
    assert abs(found["t80"].value - 89.26 * HOUR) < 3.0 * found["t80"].uncertainty
    # the first reading below 80 % is there at once
    assert time[np.argmax(curve * low < 0.8 * 200.0)] < 2.0 * HOUR
    assert found["t80_model"].value == pytest.approx(89.26 * HOUR, rel=0.05)
    assert "not reached" not in found["t80"].method
    assert found["retained"].value == pytest.approx(np.exp(-0.75) / np.exp(-0.005), abs=0.02)


def test_after_the_burn_in_another_clock_runs() -> None:
    """Ts is three times the fast time constant; the power there is 0.5 % above the slow part alone."""
    time = np.linspace(0.0, 1000.0 * HOUR, 4001)
    fast, slow = 20.0 * HOUR, 2000.0 * HOUR
    curve = 50.0 * np.exp(-time / fast) + 150.0 * np.exp(-time / slow)
    noise = 0.3 * np.random.default_rng(4).standard_normal(time.size)
    found = mppt.analyse(trace(time, curve + noise))
    assert found["burn_in"].value == pytest.approx(60.0 * HOUR, rel=0.05)
    base = 50.0 * np.exp(-3.0) + 150.0 * np.exp(-60.0 * HOUR / slow)
    truth = brentq(
        lambda t: 50.0 * np.exp(-t / fast) + 150.0 * np.exp(-t / slow) - 0.8 * base, HOUR, 1000.0 * HOUR
    )
    assert found["ts80"].value == pytest.approx(truth - 60.0 * HOUR, rel=0.05)
    steady = mppt.analyse(trace(time, 200.0 * np.exp(-time / slow) + noise))
    assert np.isnan(steady["ts80"].value) and "no burn-in" in steady["burn_in"].method


def test_days_and_nights_gaps_and_clouds() -> None:
    time = np.arange(0.0, 20.0 * 86400.0, 600.0)
    sun = np.clip(np.sin(2.0 * np.pi * time / 86400.0), 0.0, None) * 1000.0
    curve = 0.2 * np.exp(-time / (400.0 * HOUR))
    found = mppt.analyse(trace(time, curve * sun, irradiance=sun))
    words = found["t80"].method
    assert "light and dark in turn" in words and "24 h" in words and "divided by the irradiance" in words
    assert found["t80"].value == pytest.approx(-np.log(0.8) * 400.0 * HOUR, rel=0.1)
    # without the irradiance the best of each day counts
    bare = mppt.analyse(trace(time, curve * sun))
    assert bare["t80"].value == pytest.approx(-np.log(0.8) * 400.0 * HOUR, rel=0.15)
    # a lamp that loses 30 % is no degradation
    time = np.arange(0.0, 200.0 * HOUR, 600.0)
    lamp = 1000.0 * (1.0 - 0.3 * time / time[-1])
    still = mppt.analyse(trace(time, 0.2 * lamp, irradiance=lamp))
    assert np.isnan(still["t80"].value) and still["retained"].value == pytest.approx(1.0, abs=1e-6)
    # what falls through 80 % where nobody looked is known to half the gap
    keep = (time < 60.0 * HOUR) | (time > 120.0 * HOUR)
    gone = mppt.analyse(trace(time[keep], (200.0 * np.exp(-time / (400.0 * HOUR)))[keep]))
    assert "gap of 60" in gone["t80"].method and gone["t80"].uncertainty > 29.0 * HOUR


@pytest.mark.parametrize("signs", [(-1.0, -1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0)])
def test_either_sign_gives_the_same_figures(signs: tuple[float, float, float]) -> None:
    time = np.linspace(0.0, 10.0 * HOUR, 200)
    one = trace(time, np.full(200, 180.0), voltage=np.full(200, 0.9), current_density=np.full(200, 200.0))
    names = ("voltage", "current_density", "power_density")
    other = one.assign({name: sign * one[name] for name, sign in zip(names, signs, strict=True)})
    ours, turned = mppt.analyse(one), mppt.analyse(other)
    for name in ("stabilised_power", "stabilised_voltage", "stabilised_current"):
        assert turned[name].value == ours[name].value > 0.0
        assert "turned round" in turned[name].method and "turned round" not in ours[name].method


def test_a_power_alone_is_enough() -> None:
    time = np.linspace(0.0, 10.0 * HOUR, 300)
    only = trace(time, 180.0 * np.exp(-time / (30.0 * HOUR)))
    found = mppt.analyse(only)
    assert "stabilised_voltage" not in found
    assert found["t80"].value == pytest.approx(-np.log(0.8) * 30.0 * HOUR, rel=0.03)
    assert len(mppt.plot(only).axes) == 1


# --- what is too short -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [60.0, 183.0, 240.0, 3500.0])
def test_a_short_trace_tells_no_lifetime(seconds: float) -> None:
    time = np.linspace(0.0, seconds, 200)
    falling = 180.0 * (1.0 - 0.5 * time / seconds)
    found = mppt.analyse(trace(time, falling))
    for name in ("t80", "t95", "ts80"):
        assert np.isnan(found[name].value) and "too short" in found[name].method
    assert "t80_model" not in found
    for refused in (lambda: degradation.fit(time, falling), lambda: tracked_power.tracked(time, falling)):
        with pytest.raises(InputError, match="too short for any statement about degradation"):
            refused()


def test_few_points_are_no_curve() -> None:
    with pytest.raises(InputError, match="5 points are too few"):
        degradation.fit(np.linspace(0.0, 1e5, 5), np.ones(5))
    with pytest.raises(InputError, match="at one time"):
        degradation.envelope(np.zeros(3), np.ones(3))


# --- real ones -------------------------------------------------------------------------------------------------------

REAL = pytest.mark.skipif(not SHARED.is_dir(), reason="the real instrument files are not here")


@REAL
def test_a_real_tracker_that_hunts() -> None:
    with (SHARED / "instrument_files_2" / "mppt_302h_hunting_tracker.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1810
    time, power, light = (
        np.array([float(row[name]) for row in rows]) for name in ("Duration_s", "MPPT_EFF", "radiation")
    )
    dataset = trace(time, 10.0 * power)
    found = mppt.analyse(dataset)
    assert found["t80"].value == pytest.approx(69.0 * HOUR, abs=3.0 * HOUR)
    assert found["t80_model"].value == pytest.approx(69.0 * HOUR, abs=3.0 * HOUR)
    envelope = degradation.envelope(time, power)
    assert envelope.width == 2.0 * HOUR
    fits = degradation.fit(envelope.time, envelope.value)
    assert {one.model for one in fits[:2]} == {"double exponential", "logarithm"}
    for one in fits[:2]:
        lived = one.lifetime(0.8)
        assert lived.low < 69.0 * HOUR < lived.high
        assert 10.0 * HOUR < lived.high - lived.low < 25.0 * HOUR
    poor = {one.model: one for one in fits[2:]}
    assert poor["single exponential"].lifetime(0.8).value > 100.0 * HOUR
    assert poor["single exponential"].aicc > fits[0].aicc + 20.0
    same = mppt.analyse(dataset.assign(irradiance=("time", light)))
    assert same["t80"].value == pytest.approx(found["t80"].value, rel=0.01)


@REAL
@pytest.mark.parametrize(
    ("name", "skip", "separator", "columns"),
    [
        ("instrument_files_2/mppt_kit_negative_voltage.csv", 14, "\t", (0, 1, 2, 3)),
        ("instrument_files_2/mppt_negative_power.txt", 1, "\t", (0, 1, 3, 4)),
    ],
)
def test_real_short_traces_tell_their_power_and_no_lifetime(
    name: str, skip: int, separator: str, columns: tuple[int, ...]
) -> None:
    rows = [
        [float(cell) for cell in line.split(separator)[:5]]
        for line in (SHARED / name).read_text("utf-8").splitlines()[skip:]
        if line.strip()
    ]
    time, voltage, current, power = np.array(rows).T[list(columns)]
    found = mppt.analyse(trace(time, 10.0 * power, voltage=voltage, current_density=10.0 * current))
    wanted = {"kit": 177.1, "neg": 133.1}[name.rpartition("/")[2][5:8]]
    assert found["stabilised_power"].value == pytest.approx(wanted, rel=0.005)
    assert found["stabilised_voltage"].value > 0.8 and found["stabilised_current"].value > 0.0
    assert "turned round" in found["stabilised_power"].method
    assert np.isnan(found["t80"].value) and "too short" in found["t80"].method
