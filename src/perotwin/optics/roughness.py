"""Rough faces as graded mixtures.

A face of roughness sigma (rms) becomes a zone in which one material gives way to the other in proportion to
depth: heights spread evenly over a width w have an rms of w / sqrt(12). Each slice of the zone is an
effective medium (D. A. G. Bruggeman, Ann. Phys. 416, 636 (1935), doi:10.1002/andp.19354160705), which holds
for roughness well below the wavelength (D. E. Aspnes, J. B. Theeten, F. Hottier, Phys. Rev. B 20, 3292
(1979), doi:10.1103/PhysRevB.20.3292).

Films grow conformally: a film on a rough one keeps its thickness and passes the roughness on to its own upper
face. A zone is at most as wide as the thinner of its neighbours, so that two zones never meet inside a film.
Neighbouring layers of one material are one film: the line between them is no face, and a zone may reach past it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell

__all__ = ["Zone", "bruggeman", "shares", "zones"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

_SQRT12 = 12**0.5

#: Thickest slice of a zone (m) and fewest slices: the currents of the library's cells then change by less
#: than 1e-4.
_SLICE = 1.7e-9
_FEWEST = 4


@dataclass(frozen=True)
class Zone:
    """The mixed zone of one face.

    Attributes
    ----------
    face : k for the face in front of layer k; the number of layers for the last face.
    width : m, half of it on either side of the face.
    rms : the roughness that was asked for, m.
    """

    face: int
    width: float
    rms: float

    @property
    def capped(self) -> bool:
        """Whether the neighbours were too thin for the roughness asked for."""
        return self.width < _SQRT12 * self.rms * (1 - 1e-9)

    def edges(self) -> F64:
        """Slice edges relative to the face, m, symmetric about it."""
        count = 2 * max(_FEWEST // 2, int(np.ceil(self.width / _SLICE / 2)))
        # the middle one is zero to the last bit: on which side of its face a slice lies is read from its edges
        return self.width * (np.arange(-count // 2, count // 2 + 1) / count)


def zones(stack: OpticalCell, film: Sequence[int]) -> tuple[tuple[Zone, ...], tuple[str, ...]]:
    """The mixed zones of a stack, by face, and a sentence for those that had to be capped.

    A face that states a roughness has that one; a face that does not inherits it from the one below it. Below
    means nearer to the substrate; without a substrate films grow in the order of the layers. A thick layer, such as the
    glass between two separate cells, passes no roughness on. Lines within a film pass on what comes to them, whatever
    they state.

    Parameters
    ----------
    film : (L,), the film that each layer belongs to, see `Films.film`.
    """
    layers = stack.layer
    ground = next((i for i, layer in enumerate(layers) if layer.role == "substrate"), -1)
    rms = [0.0] * (len(layers) + 1)
    ignored: list[str] = []
    for faces in (range(ground + 1, len(layers) + 1), range(ground, -1, -1)):
        current = 0.0
        for face in faces:
            line = 0 < face < len(layers) and film[face - 1] == film[face]
            if 0 < face < len(layers):
                name = f"{layers[face - 1].name}|{layers[face].name}"
                stated = stack.interface.get(name)
                if stated is not None and "roughness" in stated.model_fields_set:
                    if not line:
                        current = float(stated.roughness)
                    elif float(stated.roughness) != current:
                        ignored.append(f"{name} ({float(stated.roughness) * 1e9:.3g} nm)")
            rms[face] = 0.0 if line else current
            grown = face if faces.step > 0 else face - 1
            if 0 <= grown < len(layers) and not layers[grown].is_coherent:
                current = 0.0
    whole: dict[int, float] = {}
    for own, layer in zip(film, layers, strict=True):
        whole[own] = whole.get(own, 0.0) + float(layer.thickness)
    found: list[Zone] = []
    capped: dict[float, list[str]] = {}
    for face, value in enumerate(rms):
        if value <= 0:
            continue
        thinnest = min(whole[own] for own in film[max(face - 1, 0) : face + 1])
        zone = Zone(face, min(_SQRT12 * value, thinnest), value)
        found.append(zone)
        if zone.capped and 0 < face < len(layers):
            left = f"cut to {thinnest * 1e9:.3g} nm, {zone.width / _SQRT12 * 1e9:.3g} nm rms"
            capped.setdefault(value, []).append(f"{layers[face - 1].name}|{layers[face].name} ({left})")
    notes = [
        f"the roughness of {value * 1e9:.3g} nm was capped where its mixed zone of {_SQRT12 * value * 1e9:.3g} nm is "
        f"thicker than a neighbour: at {', '.join(faces)}."
        for value, faces in capped.items()
    ]
    if ignored:
        notes.append(
            f"there is no face within a film of one material, and the roughness stated at {', '.join(ignored)} is left "
            "out."
        )
    return tuple(found), tuple(notes)


def bruggeman(first: C128, second: C128, fraction: float | F64) -> C128:
    """Effective permittivity of a mixture with `fraction` (by volume) of the second medium; same shape.

    Of the two roots the passive one is taken (Im >= 0), and the positive one where nothing absorbs.
    """
    linear = (2 - 3 * fraction) * first + (3 * fraction - 1) * second
    root = np.sqrt(linear**2 + 8 * first * second)
    plus, minus = (linear + root) / 4, (linear - root) / 4
    better = (plus.imag > minus.imag) | ((plus.imag == minus.imag) & (plus.real > minus.real))
    return np.where(better, plus, minus)


def shares(first: C128, second: C128, mixed: C128, fraction: float | F64) -> tuple[F64, F64]:
    """How the power absorbed in a mixture divides between its two media; they add up to 1, same shape.

    Each medium absorbs in proportion to its volume, its Im eps and the square of the field inside a sphere of
    it."""
    weights = [
        volume * medium.imag * np.abs(3 * mixed / (medium + 2 * mixed)) ** 2
        for volume, medium in ((1 - fraction, first), (fraction, second))
    ]
    total = weights[0] + weights[1]
    part = np.divide(weights[0], total, out=np.full(total.shape, 1 - fraction), where=total > 0)
    return part, 1 - part
