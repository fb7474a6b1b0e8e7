"""Luminescent coupling: the light that the absorber of one junction makes for that of another.

An absorber emits, and what it sends to another junction's absorber makes pairs there (M. A. Steiner, J. F. Geisz, Appl.
Phys. Lett. 100, 251106 (2012), doi:10.1063/1.4729827). How much arrives follows from the rays of `emission`; where in
the other absorber, from the same rays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.materials import HC
from perotwin.optics.emission import AbsorberEmission, Emission, rays
from perotwin.optics.films import Films, LitFilms
from perotwin.optics.generation import intervals
from perotwin.optics.transfer_matrix import Polarisation, solve

if TYPE_CHECKING:
    from perotwin.stack import Tandem

__all__ = ["Coupling", "balanced", "between_junctions"]

F64 = NDArray[np.float64]

#: Shares of an absorber's net emission below which another junction is not said to be lit by it.
_LEAST = 1e-6

#: Photon energies, each standing for the same part of the emission, at which depth profiles are found.
_ENERGIES = 6


@dataclass(frozen=True)
class Coupling:
    """Light of one junction's absorber in another's; both junctions are named as in `Tandem.stacks`.

    Attributes
    ----------
    emitter, source : the junction that emits, and its absorber, called as in its stack.
    receiver, into : the junction that absorbs, and its absorber.
    share : pairs made in `into`, per area of `receiver`, per net radiative event in `source` (one whose photon `source`
        does not take back), per area of `emitter`. With equal areas that is emission that is taken by `into` over
        `AbsorberEmission.net`; a column of area a counts a times its own share in a junction that lies under all.
    profile : (M,), how they spread over the intervals of `receiver`; sums to 1. It is the absorption of `source`'s
        rays, averaged over their energies, angles and polarisations; waves interfere in the films around and in `into`,
        not in `source`.
    """

    emitter: str
    source: str
    receiver: str
    into: str
    share: float
    profile: F64


def between_junctions(
    tandem: Tandem, optical: Films, emission: Emission, faces: F64, rows: Mapping[str, slice]
) -> Iterator[Coupling]:
    """Each pair of absorbers that matters, in two junctions of a tandem without columns.

    Args:
        tandem: the cell. optical: `films(tandem)`. emission: `emit(tandem)`.
        faces: (M + 1,) of all electrical layers, m. rows: the intervals of each junction among them.
    """
    inside = intervals(tandem, faces)
    home = {
        f"{which} {layer.name}": (which, layer.name)
        for which, stack in tandem.stacks.items()
        for layer in stack.layer
    }
    for source, part in emission.absorbers.items():
        if not (balanced(tandem, source) and part.net > 0):
            continue
        emitter, source_name = home[source]
        for layer, (own, front) in inside.items():
            into = tandem.layer[layer].name
            receiver, into_name = home[into]
            share = part.taken.get(into, 0.0) / part.net
            if receiver == emitter or share < _LEAST:
                continue
            edges = faces[own.start : own.stop + 1] - front
            edges[0], edges[-1] = 0.0, optical.thickness[layer]
            profile = np.zeros(rows[receiver].stop - rows[receiver].start)
            first = own.start - rows[receiver].start
            index = optical.names.index(source)
            profile[first : first + len(edges) - 1] = _profile(optical, index, part, layer, edges)
            yield Coupling(emitter, source_name, receiver, into_name, share, profile)


def balanced(tandem: Tandem, name: str) -> bool:
    """Whether a layer of the row of a tandem recombines radiatively as its absorption says."""
    layer = tandem.named(name)
    return layer.electronic is not None and tandem.radiative(layer).kind == "detailed-balance"


def _profile(optical: Films, source: int, part: AbsorberEmission, into: int, edges: F64) -> F64:
    """How the light of the layer `source` spreads over the intervals of the layer `into`; sums to 1.

    edges : (M + 1,), m from the front of `into`.
    """
    from perotwin.optics import kernels

    energy, current = _sampled(part)
    lam = HC / energy
    sliced = optical.sliced(lam)
    own = sliced.layers[source]
    sent = rays(optical, sliced, source)
    n, size = own.real, len(optical.slices)
    kx = n * np.sqrt(1 - sent.mu**2)
    path = 4 * np.pi * own.imag * energy / HC * optical.thickness[source] / sent.mu
    passed = np.exp(-path)
    first = np.where(path > 1e-8, -np.expm1(-path) / np.maximum(path, 1e-8), 1.0)

    air = np.ones_like(n)
    groups = (range(sent.before), range(sent.after, size))
    behind = into > source
    # light that meets `into` runs along the stack or against it; the other group only sends some back
    pieces, other = (groups[1], groups[0]) if behind else (groups[0], groups[1])
    order = slice(None) if behind else slice(None, None, -1)
    ahead, back = list(pieces)[order], list(other)[::-1][order]
    returned, _, _ = kernels.respond(
        np.array([n, *(sliced.index[i + 1] for i in back), air]).astype(complex),
        optical.sizes[back],
        optical.flags[back],
        2 * np.pi / lam,
        kx,
        0,
        len(back),
        1,
    )
    total = np.zeros(len(edges) - 1)
    both: tuple[Polarisation, Polarisation] = ("s", "p")
    for polarised, reflected in zip(both, returned, strict=True):
        response = solve(
            np.array([n, *(sliced.index[i + 1] for i in ahead), air]),
            optical.sizes[ahead],
            lam,
            coherent=optical.flags[ahead],
            transverse=kx,
            polarisation=polarised,
        )
        lit = LitFilms(optical, "front" if behind else "back", response, sliced.share, pieces)
        again = 1 - passed**2 * reflected * response.reflectance
        strength = current * sent.weight * first * (1 + passed * reflected) / again
        total += np.tensordot(lit.absorbed(into, edges), strength, 2)
    return total / total.sum()


def _sampled(part: AbsorberEmission) -> tuple[F64, F64]:
    """Energies (eV) that stand for equal parts of an internal emission: each the mean of its part; and the parts."""
    energy, spectrum = part.energy, part.spectrum_internal
    step = np.diff(energy)
    mass = np.concatenate([[0.0], np.cumsum((spectrum[1:] + spectrum[:-1]) / 2 * step)])
    moment = np.concatenate(
        [[0.0], np.cumsum((spectrum[1:] * energy[1:] + spectrum[:-1] * energy[:-1]) / 2 * step)]
    )
    bounds = np.linspace(0.0, mass[-1], _ENERGIES + 1)
    first = np.diff(np.interp(bounds, mass, moment))
    return first / np.diff(bounds), np.diff(bounds)
