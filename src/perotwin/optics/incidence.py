"""How light comes to a cell: at which angle, and from one side or both."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from perotwin.measurement.checks import worst
from perotwin.optics.absorption import Absorption

if TYPE_CHECKING:
    from perotwin.optics.films import Films, LitFilms
    from perotwin.stack import Light

__all__ = ["arriving", "both_sides", "cosine", "lit", "opposite", "sine"]

Side = Literal["front", "back"]


def sine(light: Light) -> float:
    """Sine of the angle of incidence."""
    return math.sin(float(light.angle))


def cosine(light: Light) -> float:
    """What an area of the cell gets of a beam that comes at its angle: the cosine of it."""
    return math.cos(float(light.angle))


def opposite(side: Side) -> Side:
    """The side that faces away from it."""
    return "back" if side == "front" else "front"


def arriving(light: Light) -> float:
    """Power that arrives on the cell from both sides, over that of its beam on the lit side across the beam."""
    own, other = float(light.intensity), float(light.other_side)
    return cosine(light) * (1.0 + (other / own if other > 0.0 else 0.0))


def lit(optical: Films, wavelength: np.ndarray, light: Light, side: Side | None = None) -> LitFilms:
    """The films under a cell's light, at its angle, on its side unless another is named; see `Films.lit`."""
    return optical.lit(wavelength, side or light.side, sine=sine(light))


def both_sides(one: Absorption, other: Absorption, suns: tuple[float, float]) -> Absorption:
    """Light on both sides at once: pairs and photons of two lights add up, fractions are of the photons of both.

    Args:
        one, other: the light on `light.side` and that on the other side, at the same wavelengths.
        suns: of each, which weigh them where no photons do (wavelengths that a caller asked for).
    """
    photons = one.photon_flux + other.photon_flux
    share = np.full(photons.shape, suns[1] / (suns[0] + suns[1]))
    np.divide(other.photon_flux, photons, out=share, where=photons > 0.0)
    return replace(
        one,
        generation=one.generation + other.generation,
        photon_flux=photons,
        reflectance=(1.0 - share) * one.reflectance + share * other.reflectance,
        transmittance=(1.0 - share) * one.transmittance + share * other.transmittance,
        absorptance=(1.0 - share) * one.absorptance + share * other.absorptance,
        spectral=(1.0 - share)[:, None] * one.spectral + share[:, None] * other.spectral,
        checks=worst((one.checks, other.checks)),
        notes=tuple(dict.fromkeys((*one.notes, *other.notes))),
    )
