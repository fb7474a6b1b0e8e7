"""Statistics of devices: R's numbers, simulated power, and what substrates do to both."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import measured_statistics as made
import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import statistics
from perotwin.plotting import boxes

#: extra hours of sleep under two drugs (R's data set "sleep"; A. R. Cushny, A. R. Peebles, J. Physiol. 32, 501 (1905))
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)
SEEDS = 200


def _two(one: object, other: object, **more: object) -> xr.Dataset:
    first, second = np.asarray(one, float), np.asarray(other, float)
    return xr.Dataset(
        {"voc": ("device", np.concatenate([first, second]))},
        {"group": ("device", ["1"] * first.size + ["2"] * second.size), **more},
    )


def test_the_tests_are_those_of_r() -> None:
    """t.test(extra ~ group): t = -1.8608, df = 17.776, p = 0.07939; wilcox.test: p = 0.06933."""
    found = statistics.analyse(_two(*SLEEP))
    assert found["welch_t, voc, 1 - 2"].value == pytest.approx(-1.8608, abs=5e-5)
    assert found["welch_df, voc, 1 - 2"].value == pytest.approx(17.776, abs=5e-4)
    assert found["welch_p, voc, 1 - 2"].value == pytest.approx(0.07939, abs=5e-6)
    assert found["mann_whitney_p, voc, 1 - 2"].value == pytest.approx(0.06933, abs=5e-6)
    assert found["voc, 1 - 2"].value == pytest.approx(-1.58)
    # W = 25.5 of 100 pairs
    assert found["rank_effect, voc, 1 - 2"].value == pytest.approx(2.0 * 25.5 / 100.0 - 1.0)
    assert found["voc, 1, median"].value == pytest.approx(0.35)
    assert found["voc, 2, upper quartile"].value == pytest.approx(np.quantile(SLEEP[1], 0.75))
    assert "substrates are not known" in found["voc, 1, mean"].method


def test_the_difference_that_is_seen() -> None:
    """30 a group, sd 0.5: 0.36 by the normal distribution, 0.368 by Student's; and it is seen four times of five."""
    normal = 0.5 * np.sqrt(2.0 / 30.0) * (1.959964 + 0.841621)
    found = statistics.detectable(30, 0.5)
    assert normal == pytest.approx(0.3617, abs=1e-4)
    assert found == pytest.approx(normal, rel=0.02) and found > normal
    from scipy.stats import ttest_ind

    chance = np.random.default_rng(5)
    one = 0.5 * chance.standard_normal((4000, 30))
    other = found + 0.5 * chance.standard_normal((4000, 30))
    seen = np.mean(ttest_ind(one, other, axis=1, equal_var=False).pvalue < 0.05)
    assert seen == pytest.approx(0.8, abs=0.02)
    assert statistics.detectable(4, 0.5) > 2.0 * found
    assert statistics.detectable(30, 0.5, 30, 1.0) > found
    for wrong in ({"count": 1, "scatter": 0.5}, {"count": 9, "scatter": 0.0}):
        with pytest.raises(InputError):
            statistics.detectable(**wrong)
    with pytest.raises(InputError, match="power"):
        statistics.detectable(9, 0.5, power=1.0)


@pytest.mark.parametrize("on_one", [1, 3])
def test_intervals_hold_the_truth(on_one: int) -> None:
    """Standard errors in two cases of three, intervals of 95 % in nineteen of twenty; of ten substrates and more."""
    held = wide = 0
    for seed in range(SEEDS):
        data = made.dataset(seed, devices=12 * on_one, on_one=on_one)
        found = statistics.analyse(data.isel(device=data["group"].values == "control")[["pce"]])
        one = found["pce, control, mean"]
        assert one.uncertainty is not None
        held += abs(one.value - 0.17) <= one.uncertainty
        wide += found["pce, control, low"].value <= 0.17 <= found["pce, control, high"].value
    assert 0.58 <= held / SEEDS <= 0.78
    assert 0.90 <= wide / SEEDS <= 0.99


def test_substrates_are_what_counts() -> None:
    """Groups that are alike, on five substrates of six: devices as units find differences in far too many of them."""
    false_ones = {"substrates": 0, "devices": 0}
    for seed in range(100):
        data = made.dataset(seed, on_one=6, shift=0.0)[["pce"]]
        blind = data.drop_vars("substrate")
        for name, one in (("substrates", data), ("devices", blind)):
            false_ones[name] += statistics.analyse(one)["welch_p, pce, control - target"].value < 0.05
    assert false_ones["substrates"] <= 10 and false_ones["devices"] > 20
    found = statistics.analyse(made.dataset())
    assert found["substrates, control"].value == 6 and found["devices, control"].value == 30
    assert "6 and 6 substrates" in found["pce, control - target"].method
    # five to a substrate count alike, however many there are
    data = made.dataset()
    fewer = data.isel(device=np.flatnonzero(data["device"].values != "d0"))
    means = [np.mean(fewer["pce"].values[fewer["substrate"].values == f"control {k}"]) for k in range(6)]
    assert statistics.analyse(fewer)["pce, control, mean"].value == pytest.approx(np.mean(means), rel=1e-12)


def test_dead_devices_are_left_out_and_outliers_kept_and_both_said() -> None:
    data = made.dataset()
    pce = data["pce"].values.copy()
    pce[3], pce[7], pce[12], pce[20] = np.nan, 0.0, 0.001, 0.12
    found = statistics.analyse(data.assign(pce=("device", pce)))
    assert found["dead, control"].value == 3 and found["devices, control"].value == 27
    assert all(name in found["dead, control"].method for name in ("d3", "d7", "d12"))
    assert "d20" in found["pce, control, median"].method and "kept" in found["pce, control, median"].method
    said = statistics.remarks(data.assign(pce=("device", pce)))
    assert any("3 dead" in one for one in said) and any("d20" in one for one in said)
    assert found["pce, control, mean"].value < statistics.analyse(data)["pce, control, mean"].value
    assert any("substrate" in one for one in statistics.remarks(data.drop_vars("substrate")))
    assert not any("substrate" in one for one in statistics.remarks(data))


def test_units_and_groups_from_anywhere() -> None:
    data = made.dataset()
    percent = xr.Dataset(
        {"pce": ("device", 100.0 * data["pce"].values, {"units": "%"}),
         "jsc": ("device", 0.1 * data["jsc"].values, {"units": "mA/cm^2"})},
        {"group": data["group"], "substrate": data["substrate"]},
    )  # fmt: skip
    found, right = statistics.analyse(percent), statistics.analyse(data)
    for name in ("pce, target, mean", "jsc, control, low", "welch_t, pce, control - target"):
        assert found[name].value == pytest.approx(right[name].value, rel=1e-12)
    alone = statistics.analyse(data.drop_vars(["group", "substrate"]).assign_attrs(stack="mine"))
    assert "pce, mine, median" in alone and not any(" - " in name for name in alone)


def test_more_groups_make_more_comparisons_and_say_so() -> None:
    one, two, three = (made.dataset(seed).isel(device=slice(0, 30)) for seed in (1, 2, 3))
    for data, name in ((one, "a"), (two, "b"), (three, "c")):
        data["group"] = ("device", [name] * 30)
    both = statistics.together([one, two, three])
    found = statistics.analyse(both)
    assert [name for name in found if name.startswith("welch_p, pce")] == [
        f"welch_p, pce, {pair}" for pair in ("a - b", "a - c", "b - c")
    ]
    assert "one of 3 comparisons, not corrected" in found["welch_p, pce, a - b"].method
    assert found["pce, a, mean"].value == pytest.approx(
        statistics.analyse(one)["pce, a, mean"].value, rel=1e-12
    )


def test_few_devices_have_no_test() -> None:
    found = statistics.analyse(_two([1.0, 1.1], [1.2, 1.3, 1.25]))
    assert np.isnan(found["voc, 1, low"].value) and "too few" in found["voc, 1 - 2"].method
    assert "welch_p, voc, 1 - 2" not in found
    said = statistics.remarks(_two([1.0, 1.1], [1.2, 1.3, 1.25]))
    assert [one for one in said if "too few for an interval" in one] == [
        "1: 2 devices are too few for an interval of the mean or a test, 3 would do."
    ]
    alike = statistics.analyse(_two([1.0] * 4, [1.0] * 4))
    assert alike["voc, 1 - 2"].value == 0.0 and "welch_p, voc, 1 - 2" not in alike


def test_refusals() -> None:
    with pytest.raises(InputError, match="none of them"):
        statistics.analyse(xr.Dataset({"area": ("device", np.ones(3))}))
    with pytest.raises(InputError, match="over device"):
        statistics.analyse(xr.Dataset({"pce": ("cell", np.ones(3))}))
    with pytest.raises(InputError, match="perotwin statistics"):
        statistics.measure(pt.load("cell-a"))
    with pytest.raises(InputError, match="no device"):
        statistics.together([])


def test_the_figure_has_a_panel_a_figure_of_merit_and_every_device() -> None:
    data = made.dataset()
    figure = statistics.plot(data)
    assert len(figure.axes) == 4
    points = {marker: 0 for marker in boxes._MARKERS}
    for line in figure.axes[-1].lines:
        if line.get_linestyle() == "None" and line.get_marker() in points:
            points[line.get_marker()] += line.get_xdata().size
    # six substrates of five devices in each group
    assert sum(points.values()) == 60 and sum(count == 10 for count in points.values()) == 6
    assert figure.axes[-1].get_ylabel() == "PCE (%)"
