"""Electroluminescence that somebody measured: without a short-circuit current, a radiative limit, or yields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from perotwin.errors import InputError
from perotwin.lab import el

FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"
KT = 8.617333262e-5 * 298.15


def yields(noise: float = 0.0, seed: int = 0, **attributes: object) -> xr.Dataset:
    """1 % at 200 A m^-2, rising with the root of the current."""
    injected = np.geomspace(2.0, 400.0, 25)
    chance = np.random.default_rng(seed).standard_normal(25)
    elqy = 0.01 * (injected / 200.0) ** 0.5 * np.exp(noise * chance)
    return xr.Dataset({"elqy": ("injected", elqy)}, {"injected": injected}, attributes)


def test_a_yield_alone_tells_how_far_below_the_limit_the_voltage_lies() -> None:
    """1 % is 118.3 mV; without Jsc it is that of the largest injection, and said."""
    found = el.analyse(yields(jsc=200.0))
    assert found["elqy"].value == pytest.approx(0.01, rel=1e-6)
    assert found["voc_loss"].value == pytest.approx(0.1183, abs=1e-4)
    assert "short-circuit current" in found["elqy"].method
    assert (
        np.isnan(found["voc_luminescence"].value)
        and "no voc_radiative is told" in found["voc_luminescence"].method
    )
    assert "voc_radiative" not in found and "qfls" not in found and "voc_own" not in found
    bare = el.analyse(yields())
    assert bare["elqy"].value == pytest.approx(0.01 * np.sqrt(2.0), rel=1e-6)
    assert "no short-circuit current is told" in bare["elqy"].method and "40 mA/cm2" in bare["elqy"].method
    full = el.analyse(yields(jsc=200.0, voc_radiative=1.5))
    assert full["voc_luminescence"].value == pytest.approx(1.5 - 0.1183, abs=1e-4)
    assert full["voc_radiative"].method == "as stated"


@pytest.mark.parametrize(("ratio", "volts"), [(10.33, 0.060), (29.6, 0.087)])
def test_a_ratio_of_yields_is_a_difference_of_voltages(ratio: float, volts: float) -> None:
    one, other = yields(jsc=200.0), yields(jsc=200.0)
    other["elqy"] = other["elqy"] / ratio
    apart = el.analyse(other)["voc_loss"].value - el.analyse(one)["voc_loss"].value
    assert apart == pytest.approx(volts, abs=1e-4)


def test_scatter_is_in_the_uncertainty() -> None:
    off = []
    for seed in range(100):
        found = el.analyse(yields(0.05, seed, jsc=200.0))
        off.append((found["voc_loss"].value - 0.11831) / found["voc_loss"].uncertainty)
    assert 0.5 < np.std(off) < 1.3
    assert found["elqy"].uncertainty == pytest.approx(0.05 * 0.01, rel=0.5)


def test_a_current_that_was_not_reached_is_said() -> None:
    found = el.analyse(yields(jsc=900.0))
    assert np.isnan(found["elqy"].value) and "reach from 0.2 to 40 mA/cm2" in found["elqy"].method


def test_splittings_and_voltages_alone() -> None:
    injected = np.geomspace(1.0, 1000.0, 12)
    qfls = np.array([1.2 + 1.1 * KT * np.log(injected / 100.0), 0.7 + 1.6 * KT * np.log(injected / 100.0)])
    data = xr.Dataset(
        {"qfls": (("emitter", "injected"), qfls), "voltage": ("injected", qfls.sum(axis=0) + 0.02)},
        {"injected": injected, "emitter": ["top", "bottom"]},
        {"temperature": 298.15},
    )
    found = el.analyse(data)
    assert found["ideality, top"].value == pytest.approx(1.1, rel=1e-9)
    assert found["ideality, bottom"].value == pytest.approx(1.6, rel=1e-9)
    assert found["voltage_between"].value == pytest.approx(0.02, abs=1e-9)
    assert "in series" in found["voltage_between"].method
    only = el.analyse(data[["voltage"]])
    assert only["ideality"].value == pytest.approx(2.7, rel=1e-9)
    assert len(el.plot(data).axes) == 1 and len(el.plot(data[["voltage"]]).axes) == 1
    assert len(el.plot(yields()).axes) == 1


def test_what_holds_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="has none of them"):
        el.analyse(xr.Dataset({"photons": ("injected", [1.0])}, {"injected": [1.0]}))
    with pytest.raises(InputError, match='over "injected"'):
        el.analyse(xr.Dataset({"voltage": ("v", [1.0])}))


@pytest.mark.skipif(not FILES.is_dir(), reason="the real instrument files are not here")
def test_real_voltages_of_four_junctions() -> None:
    rows = np.genfromtxt(
        FILES / "el_subcell_voltages_4_junctions.csv", delimiter=",", skip_header=1, encoding="utf-8-sig"
    )
    assert rows.shape == (16, 11)
    data = xr.Dataset(
        {
            "qfls": (("emitter", "injected"), rows[:, 1:5].T),
            "junction_current": (("emitter", "injected"), rows[:, 6:10].T, {"units": "mA/cm^2"}),
            "voltage": ("injected", rows[:, 5]),
        },
        {"injected": ("injected", rows[:, 10], {"units": "mA/cm^2"}), "emitter": ["1", "2", "3", "4"]},
    )
    found = el.analyse(data)
    for name, ideality in zip("1234", (1.07, 1.39, 1.08, 1.20), strict=True):
        assert found[f"ideality, {name}"].value == pytest.approx(ideality, abs=0.01), name
        assert found[f"ideality, {name}"].uncertainty is not None
    assert abs(found["voltage_between"].value) < 3e-7 and "add up" in found["voltage_between"].method
