"""Luminescent coupling: the light that one absorber makes for another, of another junction or of its own.

An absorber emits, and what it sends to another one makes pairs there (M. A. Steiner, J. F. Geisz, Appl. Phys. Lett.
100, 251106 (2012), doi:10.1063/1.4729827). How much arrives follows from the rays of `emission`, the same in either
direction at equilibrium; where in the other absorber, from the same rays. Neighbouring layers of one absorber are one
film and exchange nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.materials import HC
from perotwin.optics.emission import AbsorberEmission, Emission, rays
from perotwin.optics.films import Films, LitFilms, films
from perotwin.optics.generation import intervals
from perotwin.optics.transfer_matrix import Polarisation, solve

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell
    from perotwin.stack import Stack

__all__ = ["Coupling", "balanced", "between_absorbers", "within_stack"]

F64 = NDArray[np.float64]

#: Shares of an absorber's net emission below which another one is not said to be lit by it.
_LEAST = 1e-6

#: Photon energies, each standing for the same part of the emission, at which depth profiles are found.
_ENERGIES = 6


@dataclass(frozen=True)
class Coupling:
    """Light of one absorber in another; their junctions, which may be the same, are named as in `Tandem.stacks`.

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


def between_absorbers(
    cell: OpticalCell, optical: Films, emission: Emission, faces: F64, rows: Mapping[str, slice]
) -> Iterator[Coupling]:
    """Each pair of absorbers that matters, in a cell without columns.

    Args:
        cell: a stack or a tandem. optical: `films(cell)`. emission: `emit(cell)`.
        faces: (M + 1,) of all electrical layers, m. rows: the intervals of each junction among them.
    """
    inside = intervals(cell, faces)
    home = {
        f"{which} {layer.name}".strip(): (which, layer.name)
        for which, stack in cell.stacks.items()
        for layer in stack.layer
    }
    lit = [[optical.names.index(name) for name in film] for film in emission.films]
    lit = [[index for index in film if index in inside] for film in lit]
    for film in emission.films:
        sources = [name for name in film if balanced(cell, name) and emission[name].net > 0]
        for into in lit:
            names = [optical.names[index] for index in into]
            if not into or names[0] in film or not sources:
                continue
            arriving = sum(emission[sources[0]].taken.get(name, 0.0) for name in names)
            if arriving < _LEAST * emission[sources[0]].net:
                continue
            edges = {}
            for index in into:
                own, front = inside[index]
                edges[index] = faces[own.start : own.stop + 1] - front
                edges[index][0], edges[index][-1] = 0.0, optical.thickness[index]
            emitting = [optical.names.index(name) for name in film]
            spread = _profile(optical, emitting, emission[film[0]], into, edges)
            for source in sources:
                for index, name in zip(into, names, strict=True):
                    part = emission[source]
                    weight = float(spread[index].sum())
                    share = sum(part.taken[one] for one in names) * weight / part.net
                    emitter, source_name = home[source]
                    receiver, into_name = home[name]
                    profile = np.zeros(rows[receiver].stop - rows[receiver].start)
                    first = inside[index][0].start - rows[receiver].start
                    profile[first : first + spread[index].size] = spread[index] / weight
                    yield Coupling(emitter, source_name, receiver, into_name, share, profile)


def within_stack(stack: Stack, emission: Emission, faces: F64) -> tuple[Coupling, ...]:
    """Light that absorbers of one stack make for each other.

    Args:
        stack: the cell. emission: `emit(stack)`. faces: (M + 1,) of all electrical layers, m.
    """
    if len(emission.films) < 2 or stack.light.generation.kind == "step":
        return ()
    rows = {"": slice(0, len(faces) - 1)}
    return tuple(between_absorbers(stack, films(stack), emission, faces, rows))


def balanced(cell: OpticalCell, name: str) -> bool:
    """Whether a layer of a cell recombines radiatively as its absorption says."""
    layer = next(one for one in cell.layer if one.name == name)
    return layer.electronic is not None and cell.radiative(layer).kind == "detailed-balance"


def _profile(
    optical: Films, film: Sequence[int], part: AbsorberEmission, into: Sequence[int], edges: Mapping[int, F64]
) -> dict[int, F64]:
    """How the light of a film spreads over the intervals of the layers `into`; all together sum to 1.

    part : emission of one of the film's layers. edges : by layer, (M + 1,), m from its front.
    """
    from perotwin.optics import kernels

    energy, current = _sampled(part)
    lam = HC / energy
    sliced = optical.sliced(lam)
    own = sliced.layers[film[0]]
    sent = rays(optical, sliced, film)
    n, size = own.real, len(optical.slices)
    kx = n * np.sqrt(1 - sent.mu**2)
    path = 4 * np.pi * own.imag * energy / HC * optical.thickness[list(film)].sum() / sent.mu
    passed = np.exp(-path)
    first = np.where(path > 1e-8, -np.expm1(-path) / np.maximum(path, 1e-8), 1.0)

    air = np.ones_like(n)
    groups = (range(sent.before), range(sent.after, size))
    behind = into[0] > film[0]
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
    found = {layer: np.zeros(len(x) - 1) for layer, x in edges.items()}
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
        for layer, x in edges.items():
            found[layer] += np.tensordot(lit.absorbed(layer, x), strength, 2)
    whole = sum(float(one.sum()) for one in found.values())
    return {layer: one / whole for layer, one in found.items()}


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
