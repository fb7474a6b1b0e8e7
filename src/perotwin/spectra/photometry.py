"""What light is to the eye: the luminous efficiency V(lambda) and lux.

V is that of the CIE 1924 for daylight vision (CIE 018:2019, ISO/CIE 23539:2023; table of 5 nm as of the CIE 1931 colour
matching function y, doi:10.25039/CIE.DS.dktna2s3); 683 lm/W where it is one (definition of the candela, SI Brochure,
9th edition, 2019).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["EFFICACY", "illuminance", "luminous_efficiency"]

F64 = NDArray[np.float64]

#: lm/W at the greatest efficiency
EFFICACY = 683.0
#: m between the points on which V times a spectrum is integrated
_STEP = 0.5e-9

_WAVELENGTH = np.arange(380, 781, 5) * 1e-9
_EFFICIENCY = np.array([
    0.000039, 0.000064, 0.000120, 0.000217, 0.000396, 0.000640, 0.001210, 0.002180, 0.004000, 0.007300,
    0.011600, 0.016840, 0.023000, 0.029800, 0.038000, 0.048000, 0.060000, 0.073900, 0.090980, 0.112600,
    0.139020, 0.169300, 0.208020, 0.258600, 0.323000, 0.407300, 0.503000, 0.608200, 0.710000, 0.793200,
    0.862000, 0.914850, 0.954000, 0.980300, 0.994950, 1.000000, 0.995000, 0.978600, 0.952000, 0.915400,
    0.870000, 0.816300, 0.757000, 0.694900, 0.631000, 0.566800, 0.503000, 0.441200, 0.381000, 0.321000,
    0.265000, 0.217000, 0.175000, 0.138200, 0.107000, 0.081600, 0.061000, 0.044580, 0.032000, 0.023200,
    0.017000, 0.011920, 0.008210, 0.005723, 0.004102, 0.002929, 0.002091, 0.001484, 0.001047, 0.000740,
    0.000520, 0.000361, 0.000249, 0.000172, 0.000120, 0.000085, 0.000060, 0.000042, 0.000030, 0.000021,
    0.000015,
])  # fmt: skip


def luminous_efficiency(wavelength: ArrayLike) -> F64:
    """V at wavelengths (m), 0 to 1, linear between the points of the table; same shape."""
    return np.interp(np.asarray(wavelength, float), _WAVELENGTH, _EFFICIENCY, left=0.0, right=0.0)


def illuminance(wavelength: F64, irradiance: F64) -> float:
    """Lux of a spectrum.

    Args:
        wavelength: (P,) ascending, m. irradiance: (P,) W m^-2 per m, linear between.
    """
    low, high = max(wavelength[0], _WAVELENGTH[0]), min(wavelength[-1], _WAVELENGTH[-1])
    if high <= low:
        return 0.0
    grid = np.union1d(np.arange(low, high, _STEP), np.concatenate([wavelength, _WAVELENGTH, [low, high]]))
    grid = grid[(grid >= low) & (grid <= high)]
    power = np.interp(grid, wavelength, irradiance) * luminous_efficiency(grid)
    return EFFICACY * float(np.sum((power[1:] + power[:-1]) * np.diff(grid)) / 2)
