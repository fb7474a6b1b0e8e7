"""Laws of mechanisms fitted to traces: they find the rates that made them, and their intervals hold."""

import numpy as np
import pytest

import real_files
from perotwin.ageing.trace_laws import LAWS, fits, interval, rates_of
from perotwin.lab import degradation

HOUR = 3600.0
LENGTH, POINTS = 600 * HOUR, 300


def noise(seed: int, correlation: float, size: float) -> np.ndarray:
    chance = np.random.default_rng(seed)
    made = np.empty(POINTS)
    made[0] = chance.standard_normal()
    for k in range(1, POINTS):
        made[k] = correlation * made[k - 1] + np.sqrt(1.0 - correlation**2) * chance.standard_normal()
    return size * made


TIME = np.linspace(0.0, LENGTH, POINTS)


def traps(rate_per_hour: float) -> np.ndarray:
    return 200.0 * (1.0 - 0.08 * np.log1p(rate_per_hour * TIME / HOUR))


def test_laws_find_the_rates_that_made_the_data() -> None:
    found = {one.model: one for one in fits(TIME, traps(0.05) + noise(1, 0.0, 0.05))}
    rate = rates_of(list(found.values()))["traps at a constant rate"]["trap_growth_rate"]
    assert rate.value * HOUR == pytest.approx(0.05, rel=0.05)
    b0, k = 0.05, 0.012
    grown = 1.0 / (1.0 + (1.0 - b0) / b0 * np.exp(-k * TIME / HOUR))
    power = 200.0 * (1.0 - 0.3 * (grown - b0) / (1.0 - b0)) + noise(2, 0.0, 0.05)
    best = fits(TIME, power)
    assert best[0].model == "patches from their edges"
    patches = rates_of(best)["patches from their edges"]["patch_growth_rate"]
    assert patches.value * HOUR == pytest.approx(k, rel=0.05)
    both = 200.0 * (1.0 - 0.06 * -np.expm1(-TIME / (12 * HOUR)) - 0.05 * np.log1p(0.02 * TIME / HOUR))
    rates = rates_of(fits(TIME, both + noise(3, 0.0, 0.02)))["domains, then traps"]
    assert rates["domain_rate"].value * HOUR == pytest.approx(1.0 / 12.0, rel=0.1)
    assert rates["trap_growth_rate"].value * HOUR == pytest.approx(0.02, rel=0.3)


def test_a_rate_that_the_data_do_not_bound_is_not_told() -> None:
    line = 200.0 - 1e-6 * TIME + noise(4, 0.0, 0.2)
    rates = rates_of(fits(TIME, line))
    assert any(
        not np.isfinite(one.value) and "not told" in one.method
        for law in rates.values()
        for one in law.values()
    )


@pytest.mark.long
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8, 0.9])
def test_95_percent_intervals_of_a_rate_hold_it(correlation: float) -> None:
    law = next(one for one in LAWS if one.model.name == "traps at a constant rate")
    held = 0
    for seed in range(200):
        (one,) = degradation.fit(TIME, traps(0.05) + noise(seed, correlation, 2.0), (law.model,))
        low, high = interval(one)
        held += low <= 0.05 / HOUR <= high
    assert 176 <= held <= 198, held


def test_the_same_with_few_seeds_and_naive_ones_would_not() -> None:
    law = next(one for one in LAWS if one.model.name == "traps at a constant rate")
    held = naive = 0
    for seed in range(40):
        data = traps(0.05) + noise(seed, 0.8, 2.0)
        (one,) = degradation.fit(TIME, data, (law.model,))
        low, high = interval(one)
        held += low <= 0.05 / HOUR <= high
        # what independent noise of the same size would say
        narrow = np.sqrt((1 - 0.8) / (1 + 0.8))
        middle, half = 0.5 * np.log(low * high), 0.5 * np.log(high / low) * narrow
        naive += abs(np.log(0.05 / HOUR) - middle) <= half
    assert held >= 34 and naive < held - 5


def test_the_real_trace_of_three_hundred_hours() -> None:
    from perotwin.workflows.trace_rates import trace_rates

    path = real_files.real("mppt_302h_hunting_tracker.csv")
    found = trace_rates(path)
    assert found.read["t80"].value / HOUR == pytest.approx(69.0, abs=3.0)
    assert found.read["t80"].method.startswith("measured")
    order = [one.model for one in found.fits]
    by_name = {one.model: one for one in found.fits}
    assert order[0] != "single exponential"
    assert by_name["single exponential"].aicc - found.fits[0].aicc > 6.0
    assert found.fits[0].lifetime(0.8).value / HOUR == pytest.approx(70.0, abs=4.0)
    rate = found.rates["traps at a constant rate"]["trap_growth_rate"]
    assert 0.01 < rate.value * HOUR < 0.06


@pytest.mark.slow
def test_the_rates_of_a_cell_that_made_a_trace_are_found(tmp_path) -> None:
    import written
    from perotwin.ageing.conditions import Stretch
    from perotwin.ageing.degradation import Run
    from perotwin.ageing.lifetimes import evenly
    from perotwin.ageing.mechanisms import Segregation, TrapGrowth
    from perotwin.ageing.rates import library
    from perotwin.units import parse
    from perotwin.workflows.trace_rates import trace_rates

    # a cell without a recipe has no patches: its trace is that of traps and domains
    cell = written.stack("aged-control").with_values({"recipe": None})
    true = parse("0.5 h^-1", "frequency")
    course = Run(
        cell,
        # an order that the search takes for granted
        [Segregation(), TrapGrowth(rate=true, order=library().order)],
        [Stretch(300 * HOUR)],
        lag=np.inf,
    ).to_end()
    time, power = evenly(course.time, course.power, 1200)
    power = power * (1.0 + 0.002 * np.random.default_rng(1).standard_normal(time.size))
    rows = "\n".join(f"{t / HOUR:.6f}\t{0.1 * p:.6f}" for t, p in zip(time, power, strict=True))
    (tmp_path / "trace.txt").write_text(f"time (h)\tpower density (mW/cm^2)\n{rows}\n", encoding="utf-8")
    found = trace_rates(tmp_path / "trace.txt", cell)
    rate = found.of_cell["trap_growth_rate"]
    assert rate.value * HOUR == pytest.approx(0.5, rel=0.15)
