"""The standard suns: global, direct, and above the atmosphere.

ASTM G173-03, doi:10.1520/G0173-03R20, as pvlib distributes it (W. F. Holmgren, C. W. Hansen, M. A. Mikofski, J. Open
Source Softw. 3, 884 (2018), doi:10.21105/joss.00884), 280 to 4000 nm.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import c, h
from perotwin.materials.cache import arrays
from perotwin.spectra.spectrum import Spectrum

__all__ = ["am0", "am15d", "am15g"]

#: W m^-2 that a sun of AM1.5G counts as by convention (IEC 60904-3); the table's integral is 1000.37.
_GLOBAL = 1000.0
#: The solar constant, W m^-2, of the extraterrestrial spectrum of ASTM E490 and of that of G173, which is the one of
#: C. A. Gueymard, Sol. Energy 76, 423 (2004), doi:10.1016/j.solener.2003.08.039; 280 to 4000 nm hold 1348 of it.
_SOLAR_CONSTANT = 1366.1


@lru_cache(maxsize=1)
def am15g() -> Spectrum:
    """The global reference spectrum AM1.5G: 1000.37 W m^-2 in its table, 1000 by convention."""

    def load() -> dict[str, NDArray[np.float64]]:
        return _column("global")

    return _spectrum("AM1.5G", arrays("AM1.5G", "pvlib", load), _GLOBAL)


@lru_cache(maxsize=1)
def am15d() -> Spectrum:
    """The direct and circumsolar reference spectrum AM1.5D: 900.1 W m^-2."""

    def load() -> dict[str, NDArray[np.float64]]:
        return _column("direct")

    return _spectrum("AM1.5D", arrays("AM1.5D", "pvlib", load), None)


@lru_cache(maxsize=1)
def am0() -> Spectrum:
    """The extraterrestrial spectrum AM0 at the mean distance of the sun: 1366.1 W m^-2 over all wavelengths."""

    def load() -> dict[str, NDArray[np.float64]]:
        return _column("extraterrestrial")

    return _spectrum("AM0", arrays("AM0", "pvlib", load), _SOLAR_CONSTANT)


def _column(name: str) -> dict[str, NDArray[np.float64]]:
    from pvlib.spectrum import get_reference_spectra

    table = get_reference_spectra(standard="ASTM G173-03")
    return {"wavelength": table.index.to_numpy() * 1e-9, "irradiance": table[name].to_numpy() * 1e9}


def _spectrum(name: str, data: dict[str, NDArray[np.float64]], power: float | None) -> Spectrum:
    lam = data["wavelength"]
    return Spectrum(name, lam, data["irradiance"] * lam / (h * c), power)
