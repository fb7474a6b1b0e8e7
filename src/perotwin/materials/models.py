"""Optical models: the complex refractive index n + i k of a material over the wavelengths for which it is
known.

Every model answers `nk(wavelength)` and refuses wavelengths outside its `range` unless it was made with
`extrapolate=True`; then `extrapolated(wavelength)` says where it went beyond its data. Wavelengths in m, in
vacuum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import OutOfRangeError
from perotwin.materials.dielectric import HC, DielectricFunction

__all__ = ["Analytic", "Blend", "OpticalModel", "Tabulated", "UrbachTail"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: A wavelength this close (relative) to the end of a range lies on it: unit conversions round.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class OpticalModel:
    """What all optical models share.

    Attributes
    ----------
    name : of the material.
    source : where its numbers come from.
    range : (shortest, longest) wavelength of the data, m.
    extrapolate : whether it answers beyond the range.
    notes : sentences for the result, for example that the model stands between two tables.
    """

    name: str
    source: str
    range: tuple[float, float]
    extrapolate: bool = False
    notes: tuple[str, ...] = ()

    def index(self, wavelength: F64) -> C128:
        """n + i k at `wavelength` (m), whatever the range; same shape."""
        raise NotImplementedError

    def nk(self, wavelength: ArrayLike) -> C128:
        """n + i k at `wavelength` (m); same shape, complex, k >= 0.

        Raises
        ------
        OutOfRangeError : a wavelength lies outside the data and `extrapolate` is False.
        """
        lam = np.asarray(wavelength, float)
        if not self.extrapolate and np.any(self.extrapolated(lam)):
            low, high = self.range
            raise OutOfRangeError(
                f"the optical data of {self.name} cover {low * 1e9:.6g} nm to {high * 1e9:.6g} nm, and "
                f"{np.min(lam) * 1e9:.6g} nm to {np.max(lam) * 1e9:.6g} nm were asked for.",
                'Stay in that range, or write "extrapolate = true" in the layer to accept values beyond the '
                "data.",
                material=self.name,
                range=self.range,
            )
        return self.index(lam)

    def extrapolated(self, wavelength: ArrayLike) -> NDArray[np.bool_]:
        """True where `wavelength` (m) lies outside the data; same shape."""
        lam = np.asarray(wavelength, float)
        low, high = self.range
        return (lam < low * (1 - _ROUNDING)) | (lam > high * (1 + _ROUNDING))

    @property
    def limits(self) -> tuple[float, float]:
        """(shortest, longest) wavelength that `nk` answers, m."""
        return (0.0, float("inf")) if self.extrapolate else self.range

    def extrapolating(self) -> OpticalModel:
        """The same model, answering beyond its data."""
        return replace(self, extrapolate=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Analytic(OpticalModel):
    """A material described by a dielectric function in closed form; beyond its range the formula goes on."""

    function: DielectricFunction

    def index(self, wavelength: F64) -> C128:
        return _root(self.function(HC / wavelength))


@dataclass(frozen=True, kw_only=True, eq=False)
class Tabulated(OpticalModel):
    """A table, linear in wavelength between its rows; beyond its range the values at the end are held."""

    wavelength: F64
    values: C128

    def transparent_beyond(self, wavelength: float) -> Tabulated:
        """The same with k = 0 in all rows from `wavelength` (m) on, towards which it falls from the row before."""
        clear = self.wavelength >= wavelength * (1 - _ROUNDING)
        return replace(self, values=np.where(clear, self.values.real, self.values))

    def index(self, wavelength: F64) -> C128:
        n = np.interp(wavelength, self.wavelength, self.values.real)
        return n + 1j * np.interp(wavelength, self.wavelength, self.values.imag)


@dataclass(frozen=True)
class UrbachTail:
    """Absorption below an edge: the smallest one above the model that nowhere rises faster than exp(E /
    energy).

    For one smooth edge this is the usual tail that leaves alpha where its logarithmic slope is 1 / energy, so
    alpha and its slope are continuous (F. Urbach, Phys. Rev. 92, 1324 (1953), doi:10.1103/PhysRev.92.1324).
    For a blend of edges it is the envelope of their tails, which changes continuously with the blend. The
    tail's share of n (below 1e-3) is left out.

    Parameters
    ----------
    energy : the Urbach energy, eV, > 0.
    photon : ascending energies around the edge, eV.
    alpha : absorption of the model there, in any unit.
    """

    energy: float
    photon: F64
    alpha: F64
    _level: F64 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        with np.errstate(divide="ignore"):
            level = np.log(self.alpha) - self.photon / self.energy
        # a top between two energies is that of the parabola through three: it moves smoothly with the model's numbers
        left, here, right = level[:-2], level[1:-1], level[2:]
        top = np.flatnonzero((here >= left) & (here > right) & np.isfinite(left))
        slope, bend = right[top] - left[top], left[top] - 2.0 * here[top] + right[top]
        level[1 + top] = here[top] - slope**2 / (8.0 * bend)
        object.__setattr__(self, "_level", np.maximum.accumulate(level[::-1])[::-1])

    def __call__(self, photon: F64) -> F64:
        """The tail at `photon` energies (eV), in the unit of `alpha`; zero above the edge region; same
        shape.
        """
        level = np.interp(photon, self.photon, self._level)
        return np.where(photon <= self.photon[-1], np.exp(level + photon / self.energy), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Blend(OpticalModel):
    """A weighted sum of dielectric functions with an Urbach tail below the common edge.

    Attributes
    ----------
    parts : (weight, dielectric function), weights adding up to 1.
    urbach_energy : eV.
    """

    parts: Sequence[tuple[float, DielectricFunction]]
    urbach_energy: float

    def _bare(self, photon: F64) -> C128:
        return _root(sum(weight * function(photon) for weight, function in self.parts))  # type: ignore[arg-type]  # from 0

    @cached_property
    def _tail(self) -> UrbachTail:
        gaps = [term.gap for _, function in self.parts for term in function.oscillators]
        # the join lies about twice the Urbach energy above a gap; 0.05 meV put it right to 1e-6 of alpha
        photon = np.arange(min(gaps), max(gaps) + 0.1 + 5 * self.urbach_energy, 5e-5)
        return UrbachTail(self.urbach_energy, photon, self._bare(photon).imag * photon)

    def index(self, wavelength: F64) -> C128:
        photon = HC / wavelength
        bare = self._bare(photon)
        return bare.real + 1j * np.maximum(bare.imag, self._tail(photon) / photon)


def _root(epsilon: C128) -> C128:
    """Refractive index of a passive medium: k >= 0, and -0.0 made 0.0."""
    index = np.sqrt(epsilon)
    return index.real + 1j * np.abs(index.imag)
