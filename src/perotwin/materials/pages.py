"""Pages of refractiveindex.info that end where the material still emits, as those of crystalline silicon do.

What an absorber emits hangs on k where it is 1e-7 and less, and far below the gap, by exp(-E / kT), on k of 1e-13: held
at its last value, it would emit without end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perotwin.materials.dielectric import HC
from perotwin.materials.models import Tabulated

__all__ = ["with_tail"]

#: What of the end of a page shows its tail, and how its index falls towards the infrared, m.
_TAIL, _INFRARED = 120e-9, 250e-9

#: Distance of the wavelengths of the tail, m.
_STEP = 1e-9


def with_tail(page: Tabulated, end: float) -> Tabulated:
    """A page continued beyond its last row to the wavelength `end` (m).

    There alpha decays as exp(E / E0) (F. Urbach, Phys. Rev. 92, 1324 (1953), doi:10.1103/PhysRev.92.1324) with the E0
    of the last rows, and n squared is linear in one over the wavelength squared, as it is far below all transitions.
    """
    last = page.range[1]
    energy = HC / page.wavelength
    shown = page.wavelength > last - _TAIL
    alpha = np.log(page.values.imag[shown] * energy[shown])
    steepness, _ = np.polyfit(energy[shown], alpha, 1)
    infrared = page.wavelength > last - _INFRARED
    slope, _ = np.polyfit(page.wavelength[infrared] ** -2, page.values.real[infrared] ** 2, 1)

    beyond = np.append(np.arange(last + _STEP, end - _STEP / 2, _STEP), end)
    photon = HC / beyond
    n = np.sqrt(page.values.real[-1] ** 2 + slope * (beyond**-2 - last**-2))
    k = np.exp(alpha[-1] + steepness * (photon - energy[-1])) / photon
    return replace(
        page,
        range=(page.range[0], end),
        wavelength=np.concatenate([page.wavelength, beyond]),
        values=np.concatenate([page.values, n + 1j * k]),
    )
