"""Dielectric functions in closed form: Tauc-Lorentz oscillators and the Drude term.

Energies are photon energies in eV, arrays of any shape; the dielectric function is complex with a positive
imaginary part where light is absorbed (time dependence exp(-i w t)). Every term obeys Kramers-Kronig by
construction, and a model is moved in energy by moving the energies of its terms, so it still does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError

__all__ = ["HC", "DielectricFunction", "Drude", "TaucLorentz"]

#: Planck's constant times the speed of light, eV m (CODATA 2018, exact): wavelength = HC / energy.
HC = 6.62607015e-34 * 299792458.0 / 1.602176634e-19


@dataclass(frozen=True)
class TaucLorentz:
    """One Tauc-Lorentz oscillator: a Lorentz line whose absorption starts as (E - gap)^2 at the gap.

    Parameters
    ----------
    amplitude : A, eV.
    centre : E0, eV, position of the Lorentz line.
    broadening : C, eV; less than 2 E0, as the closed form needs.
    gap : Eg, eV; no absorption below.

    References
    ----------
    G. E. Jellison, F. A. Modine, Appl. Phys. Lett. 69, 371 (1996), doi:10.1063/1.118064, with the erratum
    Appl. Phys. Lett. 69, 2137 (1996), doi:10.1063/1.118155.
    """

    amplitude: float
    centre: float
    broadening: float
    gap: float

    def __post_init__(self) -> None:
        if min(self.amplitude, self.centre, self.broadening) <= 0 or self.gap < 0:
            raise InputError("a Tauc-Lorentz oscillator needs positive energies.", "Check A, E0, C and Eg.")
        if self.broadening >= 2 * self.centre:
            raise InputError(
                f"the Tauc-Lorentz broadening of {self.broadening:g} eV is not below twice the line's energy "
                f"of {self.centre:g} eV.",
                "Describe so broad a line by several narrower ones.",
            )

    def susceptibility(self, energy: ArrayLike) -> NDArray[np.complex128]:
        """Contribution to the dielectric function at photon `energy` (eV, > 0); same shape, complex.

        The two terms with ln|E - Eg| of the published form are joined here: together they vanish at the gap.
        """
        e = np.asarray(energy, float)
        a, e0, c, eg = self.amplitude, self.centre, self.broadening, self.gap
        alpha = np.sqrt(4 * e0**2 - c**2)
        gamma2 = e0**2 - c**2 / 2
        zeta4 = (e**2 - gamma2) ** 2 + alpha**2 * c**2 / 4
        above = np.maximum(e - eg, 0.0)
        imaginary = a * e0 * c * above**2 / (zeta4 * e)

        a_ln = (eg**2 - e0**2) * e**2 + eg**2 * c**2 - e0**2 * (e0**2 + 3 * eg**2)
        a_atan = (e**2 - e0**2) * (e0**2 + eg**2) + eg**2 * c**2
        log_line = np.log((e0**2 + eg**2 + alpha * eg) / (e0**2 + eg**2 - alpha * eg))
        angle = np.pi - np.arctan((2 * eg + alpha) / c) + np.arctan((alpha - 2 * eg) / c)
        angle_gap = np.pi + 2 * np.arctan(2 * (gamma2 - eg**2) / (alpha * c))
        distance = np.abs(e - eg)
        vanishing = distance**2 * np.log(np.where(distance > 0, distance, 1.0))
        log_gap = ((e + eg) ** 2 * np.log(e + eg) - vanishing) / e - eg * np.log(
            (e0**2 - eg**2) ** 2 + eg**2 * c**2
        )
        real = (
            c * a_ln / (2 * alpha * e0) * log_line
            - a_atan / e0 * angle
            + 2 * e0 * eg / alpha * (e**2 - gamma2) * angle_gap
            + e0 * c * log_gap
        )
        return a / (np.pi * zeta4) * real + 1j * imaginary


@dataclass(frozen=True)
class Drude:
    """Free carriers: -wp^2 / (E^2 + i E Gamma), with the plasma energy wp and the damping Gamma in eV.

    P. Drude, Ann. Phys. 306, 566 (1900), doi:10.1002/andp.19003060312.
    """

    plasma: float
    damping: float

    def susceptibility(self, energy: ArrayLike) -> NDArray[np.complex128]:
        """Contribution to the dielectric function at photon `energy` (eV, > 0); same shape, complex."""
        e = np.asarray(energy, float)
        return -(self.plasma**2) / (e * (e + 1j * self.damping))


@dataclass(frozen=True)
class DielectricFunction:
    """Sum of a constant, Tauc-Lorentz oscillators and, for conductors, a Drude term."""

    eps_inf: float
    oscillators: tuple[TaucLorentz, ...]
    drude: Drude | None = None

    def __call__(self, energy: ArrayLike) -> NDArray[np.complex128]:
        """Relative permittivity at photon `energy` (eV, > 0); same shape, complex, imaginary part >= 0."""
        e = np.asarray(energy, float)
        total = np.full(e.shape, self.eps_inf, complex)
        for term in self.oscillators:
            total += term.susceptibility(e)
        if self.drude is not None:
            total += self.drude.susceptibility(e)
        return total

    def shifted(self, by: float) -> DielectricFunction:
        """The same function with its interband energies (gap and lines) moved `by` eV."""
        moved = tuple(replace(term, centre=term.centre + by, gap=term.gap + by) for term in self.oscillators)
        return replace(self, oscillators=moved)
