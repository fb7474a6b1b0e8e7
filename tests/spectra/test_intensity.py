"""Lux, watts and suns."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.spectra import Spectrum, am15g, black_body
from perotwin.spectra.intensity import is_of_power, suns
from perotwin.spectra.photometry import illuminance, luminous_efficiency

SUN = SimpleNamespace(kind="AM1.5G")


def test_one_watt_of_555_nm_is_683_lux() -> None:
    lam = 555e-9 + np.array([-1e-12, 0.0, 1e-12])
    line = np.array([0.0, 1e12, 0.0])  # a triangle of 1 W m^-2
    assert illuminance(lam, line) == pytest.approx(683.0, rel=1e-4)
    assert luminous_efficiency([555e-9, 300e-9, 900e-9]).tolist() == pytest.approx([1.0, 0.0, 0.0], rel=1e-12)


def test_the_efficiency_is_symmetrical_in_what_a_lumen_is() -> None:
    """Its integral over wavelength, 106.857 nm, is tabulated with it."""
    lam = np.arange(380, 781, 5)
    assert 5 * luminous_efficiency(lam * 1e-9).sum() == pytest.approx(106.857, abs=1e-3)


def test_lux_of_a_sun() -> None:
    """AM1.5G is 1.09e5 to 1.2e5 lux, found here with a Gaussian instead of the table (within 2 %)."""
    sun = am15g()
    assert 1.09e5 < sun.illuminance < 1.2e5
    lam = np.arange(380e-9, 780e-9, 0.1e-9)
    fit = 1.019 * np.exp(-285.4 * (lam * 1e6 - 0.559) ** 2)
    density = np.interp(lam, sun.wavelength, sun.photon_flux_density) * 6.62607015e-34 * 299792458.0 / lam
    assert sun.illuminance == pytest.approx(683.0 * np.trapezoid(fit * density, lam), rel=0.02)


def test_efficacy_of_illuminant_a() -> None:
    """A black body of 2856 K gives about 16 lm/W of its whole power."""
    assert black_body(2856.0).illuminance / 1000.0 == pytest.approx(16.0, rel=0.05)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100 mW/cm^2", 1.0), ("1000 W/m^2", 1.0), ("50 W m^-2", 0.05), ("1e5 uW/cm2", 1.0)],
)
def test_power_in_suns(text: str, expected: float) -> None:
    found = suns(text, SUN)
    assert found == pytest.approx(expected, rel=1e-12) and found.written == text
    assert found.dimension == "intensity"


def test_lux_in_suns() -> None:
    assert suns("1000 lux", SUN) == pytest.approx(1000.0 / am15g().illuminance)
    assert suns("0.2 klx", SUN) == pytest.approx(200.0 / am15g().illuminance)


def test_what_is_an_intensity_of_power() -> None:
    assert all(map(is_of_power, ("1000 lux", "5 lx", "2 klx", "1 W/m^2", "1 mW/cm^2")))
    assert not any(map(is_of_power, ("1 sun", "dark", "0.3 suns", "532 nm", "AM1.5G", 3.0, None)))


def test_light_that_no_eye_sees_has_no_lux(monkeypatch: pytest.MonkeyPatch) -> None:
    infrared = Spectrum("infrared", np.array([900e-9, 1000e-9]), np.array([1e27, 1e27]))
    monkeypatch.setattr("perotwin.spectra.choice._STANDARD", {"AM1.5G": lambda: infrared})
    with pytest.raises(InputError, match="no light that an eye sees"):
        suns("1000 lux", SUN)


def test_power_of_a_laser_is_not_told_in_suns() -> None:
    laser = SimpleNamespace(kind="monochromatic", wavelength=532e-9, irradiance=None)
    with pytest.raises(InputError, match="one wavelength") as caught:
        suns("10 mW/cm^2", laser)
    assert 'irradiance = "10 mW/cm^2"' in caught.value.advice
