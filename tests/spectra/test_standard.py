"""The standard suns and black bodies against numbers from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from perotwin.constants import Boltzmann, c, h
from perotwin.spectra import am0, am15d, am15g, black_body


def test_am0_holds_the_solar_constant() -> None:
    """1366.1 W m^-2 over all wavelengths (ASTM E490); 280 to 4000 nm lack what Planck's law puts beyond 4000 nm and
    part of what it puts below 280 nm, where the sun's own lines take away from it."""
    sun = am0()
    assert sun.power == 1366.1
    without_infrared = _share_of_power(5772.0, 100e-9, 4000e-9)
    without_both = _share_of_power(5772.0, 280e-9, 4000e-9)
    assert 1366.1 * without_both < sun.irradiance < 1366.1 * without_infrared


def _share_of_power(temperature: float, shortest: float, longest: float) -> float:
    """Part of a black body's power between two wavelengths (m)."""
    ends = [h * c / (lam * Boltzmann * temperature) for lam in (longest, shortest)]
    found, _ = quad(lambda x: x**3 / np.expm1(x), *ends)
    return float(found / (np.pi**4 / 15))


def test_the_direct_sun() -> None:
    assert am15d().irradiance == pytest.approx(900.1, abs=0.1)
    assert am15d().power == am15d().irradiance


def test_a_sun_of_am15g_counts_as_1000() -> None:
    assert am15g().power == 1000.0


@pytest.mark.parametrize("temperature", [2856.0, 5800.0])
def test_photons_of_a_black_body(temperature: float) -> None:
    """Planck's law integrated by other means, at 1000 W m^-2 over all wavelengths."""
    light = black_body(temperature)
    assert light.power == 1000.0
    ends = [h * c / (lam * Boltzmann * temperature) for lam in (light.wavelength[-1], light.wavelength[0])]
    photons, _ = quad(lambda x: x**2 / np.expm1(x), *ends)
    # number and power of photons share the factor 2 pi (kT)^3 / (h^3 c^2)
    expected = 1000.0 * photons / (Boltzmann * temperature * np.pi**4 / 15)
    assert light.photon_flux() == pytest.approx(expected, rel=1e-5)
    share = _share_of_power(temperature, light.wavelength[0], light.wavelength[-1])
    assert light.irradiance == pytest.approx(1000.0 * share, rel=1e-5)


def test_a_black_body_peaks_where_wien_says() -> None:
    light = black_body(5800.0)
    power = light.photon_flux_density / light.wavelength
    assert light.wavelength[np.argmax(power)] == pytest.approx(2.897771955e-3 / 5800.0, rel=2e-3)
