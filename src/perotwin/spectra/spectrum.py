"""A spectrum as photon flux densities, and one wavelength.

A spectrum is linear between its points, so that its integrals, and those of its product with a response that
is linear between points of its own, are exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Monochromatic", "Spectrum"]

F64 = NDArray[np.float64]

#: Planck's constant times the speed of light, J m (CODATA 2018, exact).
_HC_JOULE = 6.62607015e-34 * 299792458.0


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A spectrum that is linear in wavelength between its points and zero beyond them.

    Attributes
    ----------
    name : for people.
    wavelength : (P,) ascending, m.
    photon_flux_density : (P,) photons m^-2 s^-1 per m of wavelength.
    stated_power : W m^-2 of one sun by convention, what lies beyond the points included; None where it is their
        integral.
    notes : sentences about how a file was read.
    """

    name: str
    wavelength: F64
    photon_flux_density: F64
    stated_power: float | None = None
    notes: tuple[str, ...] = ()

    def photon_flux(self, shortest: float = 0.0, longest: float = np.inf) -> float:
        """Photons m^-2 s^-1 between two wavelengths (m), integrated exactly."""
        low, high = max(shortest, self.wavelength[0]), min(longest, self.wavelength[-1])
        if high <= low:
            return 0.0
        inside = (self.wavelength > low) & (self.wavelength < high)
        lam = np.concatenate([[low], self.wavelength[inside], [high]])
        flux = np.interp(lam, self.wavelength, self.photon_flux_density)
        return float(np.sum((flux[1:] + flux[:-1]) * np.diff(lam)) / 2)

    def weights(self, grid: ArrayLike) -> F64:
        """Weights that integrate flux times response for a response linear between the points of `grid`.

        Parameters
        ----------
        grid : (W,) ascending wavelengths, m.

        Returns
        -------
        (W,), photons m^-2 s^-1; their sum is the flux between the ends of the grid, and `weights @ response`
        the exact integral of flux times the interpolated response."""
        g = np.asarray(grid, float)
        low, high = max(g[0], self.wavelength[0]), min(g[-1], self.wavelength[-1])
        result = np.zeros(len(g))
        if high <= low:
            return result
        lam = np.union1d(np.union1d(g, self.wavelength), [low, high])
        lam = lam[(lam >= low) & (lam <= high)]
        flux = np.interp(lam, self.wavelength, self.photon_flux_density)
        cell = np.clip(np.searchsorted(g, (lam[1:] + lam[:-1]) / 2) - 1, 0, len(g) - 2)
        width = g[cell + 1] - g[cell]
        # share of the upper grid point at both ends of each piece; both factors are linear there
        u0, u1 = (lam[:-1] - g[cell]) / width, (lam[1:] - g[cell]) / width
        f0, f1, step = flux[:-1], flux[1:], np.diff(lam)
        upper = step * (2 * f0 * u0 + 2 * f1 * u1 + f0 * u1 + f1 * u0) / 6
        total = step * (f0 + f1) / 2
        np.add.at(result, cell, total - upper)
        np.add.at(result, cell + 1, upper)
        return result

    @property
    def irradiance(self) -> float:
        """Total irradiance, W m^-2 (trapezoid between the points)."""
        power = self.photon_flux_density * _HC_JOULE / self.wavelength
        return float(np.sum((power[1:] + power[:-1]) * np.diff(self.wavelength)) / 2)

    @property
    def power(self) -> float:
        """W m^-2 that one sun counts as, the denominator of an efficiency: as stated, or else the integral."""
        return self.irradiance if self.stated_power is None else self.stated_power

    @property
    def illuminance(self) -> float:
        """What one sun of it is to the eye, lux."""
        from perotwin.spectra.photometry import illuminance

        return illuminance(self.wavelength, self.photon_flux_density * _HC_JOULE / self.wavelength)


@dataclass(frozen=True)
class Monochromatic:
    """Light of one vacuum wavelength (m). One sun of it is its `irradiance` (W m^-2) where that is stated, or else the
    flux that gives the absorber the current AM1.5G gives it.
    """

    wavelength: float
    irradiance: float | None = None
