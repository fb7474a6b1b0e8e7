"""The light of a black body."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from perotwin.constants import Boltzmann, c, h
from perotwin.spectra.spectrum import Spectrum

__all__ = ["black_body"]

#: Stefan and Boltzmann's constant, W m^-2 K^-4 (CODATA 2018, exact).
_STEFAN = 2.0 * np.pi**5 * Boltzmann**4 / (15.0 * h**3 * c**2)
#: Where its points lie (m), and their number: shorter waves end in air and glass, and few optical tables reach them.
_FIRST, _LAST, _POINTS = 300e-9, 4000e-9, 3000
#: W m^-2 of one sun, over all wavelengths.
_POWER = 1000.0


@lru_cache(maxsize=16)
def black_body(temperature: float) -> Spectrum:
    """Planck's law (M. Planck, Ann. Phys. 309, 553 (1901), doi:10.1002/andp.19013090310), 300 to 4000 nm.

    Args:
        temperature: K.

    Returns:
        One sun is 1000 W m^-2 over all wavelengths, those beyond the points included.
    """
    lam = np.geomspace(_FIRST, _LAST, _POINTS)
    exponent = h * c / (lam * Boltzmann * temperature)
    # photons of the hemisphere, m^-2 s^-1 per m; exp(-x) / (1 - exp(-x)) cannot overflow
    photons = 2.0 * np.pi * c / lam**4 * np.exp(-exponent) / -np.expm1(-exponent)
    scale = _POWER / (_STEFAN * temperature**4)
    return Spectrum(f"black body of {temperature:g} K", lam, scale * photons, _POWER)
