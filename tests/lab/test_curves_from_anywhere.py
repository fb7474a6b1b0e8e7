"""Curves and spectra that somebody else measured: either sign, there and back, without what only a simulation knows."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from perotwin import lab
from perotwin.constants import c, e, h
from perotwin.lab.curve_points import oriented, sweeps
from perotwin.spectra import am15g

VOC = 1.1


def _diode(voltage: np.ndarray, voc: float = VOC) -> np.ndarray:
    """A m^-2 of a cell with an ideality of 1.5, Rsh of 0.1 ohm m2 and 200 A m^-2."""
    scale = 1.5 * 0.0257
    dark = np.expm1(voltage / scale) / np.expm1(voc / scale) * (200.0 - voc / 0.1)
    return 200.0 - dark - voltage / 0.1


def _curve(voltage: np.ndarray, current: np.ndarray, **attributes: object) -> xr.Dataset:
    return xr.Dataset({"current_density": ("voltage", current)}, {"voltage": voltage}, attributes)


ASCENDING = np.linspace(-0.1, 1.2, 131)


@pytest.mark.parametrize("sign_j", [1.0, -1.0])
def test_either_convention_gives_the_same_figures(sign_j: float) -> None:
    found = lab.jv.analyse(_curve(ASCENDING, sign_j * _diode(ASCENDING)))
    assert float(found["voc"]) == pytest.approx(VOC, abs=1e-4)
    assert float(found["jsc"]) == pytest.approx(200.0, rel=1e-9)
    assert 0.7 < float(found["ff"]) < 0.85 and float(found["pce"]) > 0.15
    assert ("the sign of the current" in found["voc"].method) == (sign_j < 0.0)


@given(st.floats(0.4, 1.3), st.floats(-0.3, 0.0), st.sampled_from([1.0, -1.0]))
def test_orientation_is_its_own_inverse(voc: float, start: float, sign_j: float) -> None:
    voltage = np.linspace(start, 1.4, 60)
    current = _diode(voltage, voc)
    turned_v, turned_j, _ = oriented(voltage, sign_j * current)
    np.testing.assert_array_equal(turned_v, voltage)
    np.testing.assert_array_equal(turned_j, current)
    # with plus and minus exchanged nothing is turned: such a cell gives its power below zero volts
    assert oriented(-voltage[::-1], -current[::-1])[2] == ""


def test_a_dark_curve_falls_with_the_voltage() -> None:
    dark = -np.expm1(ASCENDING / 0.04)
    for sign in (1.0, -1.0):
        voltage, current, words = oriented(ASCENDING, sign * dark)
        np.testing.assert_array_equal(current, dark)
        np.testing.assert_array_equal(voltage, ASCENDING)
        assert bool(words) == (sign < 0.0)


@pytest.mark.parametrize(("first", "second"), [("forward", "reverse"), ("reverse", "forward")])
def test_there_and_back_gives_both_sweeps(first: str, second: str) -> None:
    there = ASCENDING if first == "forward" else ASCENDING[::-1]
    voltage = np.concatenate([there, there[::-1]])
    current = np.concatenate([_diode(there, 1.1), _diode(there[::-1], 1.0)])
    found = lab.jv.analyse(_curve(voltage, -current))
    assert float(found[f"voc, {first}"]) == pytest.approx(1.1, abs=1e-4)
    assert float(found[f"voc, {second}"]) == pytest.approx(1.0, abs=1e-4)
    assert float(found["voc"]) == float(found[f"voc, {first}"])
    assert f"{first} sweep" in found["voc"].method


def test_one_way_is_one_sweep_and_jitter_is_no_turn() -> None:
    assert list(sweeps(ASCENDING[::-1], _diode(ASCENDING[::-1]))) == [""]
    jitter = ASCENDING + np.where(np.arange(ASCENDING.size) % 7 == 3, -0.015, 0.0)
    assert list(sweeps(jitter, _diode(jitter))) == [""]


def test_a_simulated_curve_keeps_its_convention() -> None:
    """One that gives no power is not made to give some."""
    found = lab.jv.analyse(_curve(ASCENDING[:100], -_diode(ASCENDING[:100]), cell="..."))
    assert np.isnan(float(found["pce"])) and "no power" in found["voc"].method


def test_the_current_of_a_spectrum_from_a_file_is_its_integral() -> None:
    """A step: all photons from 400 nm to the gap at 1.5 eV, half of them collected."""
    edge = h * c / (1.5 * e)
    wavelength = np.linspace(400e-9, edge, 500)
    dataset = xr.Dataset(
        {"eqe": ("wavelength", np.full(500, 50.0), {"units": "%"})},
        {"wavelength": ("wavelength", wavelength * 1e9, {"units": "nm"})},
    )
    found = lab.eqe.analyse(dataset)["jsc_integrated"]
    assert float(found) == pytest.approx(0.5 * e * am15g().photon_flux(400e-9, edge), rel=1e-9)
    assert "AM1.5G, 400 to 827 nm" in found.method
    stored = lab.eqe.analyse(dataset.assign_attrs(jsc_integrated=123.0))["jsc_integrated"]
    assert float(stored) == 123.0
