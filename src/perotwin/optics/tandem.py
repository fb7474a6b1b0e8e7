"""The optics of a tandem: one coherent calculation of all its layers, told by junction, and the light that one
junction makes for the other.

An absorber emits, and what it sends to the other junction's absorber makes pairs there (luminescent coupling: M. A.
Steiner, J. F. Geisz, Appl. Phys. Lett. 100, 251106 (2012), doi:10.1063/1.4729827). How much arrives follows from the
rays of `emission`; where in the other absorber, from the same rays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.materials import HC
from perotwin.optics.emission import AbsorberEmission, Emission, emit, rays
from perotwin.optics.films import Films, LitFilms, films
from perotwin.optics.generation import Absorption, absorb, intervals
from perotwin.optics.reuse import reusable
from perotwin.optics.transfer_matrix import Polarisation, solve

if TYPE_CHECKING:
    from perotwin.stack import Tandem

__all__ = ["Coupling", "Parts", "parts"]

F64 = NDArray[np.float64]

#: Shares of an absorber's net emission below which the other junction is not said to be lit by it.
_LEAST = 1e-6

#: Photon energies, each standing for the same part of the emission, at which depth profiles are found.
_ENERGIES = 6


@dataclass(frozen=True)
class Coupling:
    """Light of one junction's absorber in the other's.

    Attributes
    ----------
    source, into : the absorbers, by their names within their junctions.
    share : photons that `into` absorbs, per net radiative event in `source` (one whose photon `source` does not take
        back): emission that is taken by `into`, over `AbsorberEmission.net`.
    profile : (M,), how they spread over the intervals of the junction of `into`; sums to 1. It is the absorption of
        `source`'s rays, averaged over their energies, angles and polarisations; waves interfere in the films around and
        in `into`, not in `source`.
    junctions : those of `source` and `into`.
    """

    source: str
    into: str
    share: float
    profile: F64
    junctions: tuple[str, str] = ("top", "bottom")


@dataclass(frozen=True)
class Parts:
    """The optics of a tandem, whole and by junction.

    Attributes
    ----------
    whole : all layers and intervals, as `absorb` finds them, with the generation of each junction times its own
        intensity. Checks and notes are here alone. None without light.
    emission : of all absorbers, as `emit` finds it; None where nothing emits in detailed balance.
    absorption : of top and bottom: faces from the front of the junction's first electrical layer; photon flux and
        generation times the junction's own intensity. Its own layers are called as in the junction's stack; the others
        keep the tandem's names. None without light.
    emissions : of top and bottom, called likewise; without absorbers where `emission` is None.
    coupling : light of one junction in the other.
    """

    whole: Absorption | None
    emission: Emission | None
    absorption: tuple[Absorption | None, Absorption | None]
    emissions: tuple[Emission, Emission]
    coupling: tuple[Coupling, ...]


@reusable
def parts(tandem: Tandem, faces_top: ArrayLike, faces_bottom: ArrayLike, *, light: bool = True) -> Parts:
    """Where a tandem's light goes, what its absorbers emit, and what of it the other junction absorbs.

    Parameters
    ----------
    tandem : `light.generation` says how generation is found. A prescribed rate means all absorbers, as in any stack;
        depths then count through the electrical layers of both junctions.
    faces_top, faces_bottom : (M + 1,) ascending positions, m from the front of each junction's first electrical layer,
        layer boundaries among them.
    light : False leaves out where light goes.

    Raises
    ------
    InputError, OutOfRangeError : see `absorb` and `emit`.
    """
    ends = [np.asarray(x, float) for x in (faces_top, faces_bottom)]
    faces = np.concatenate([ends[0], ends[0][-1] + ends[1][1:] - ends[1][0]])
    split = len(ends[0]) - 1
    kind = tandem.light.generation.kind
    balanced = [layer.name for layer in tandem.layer if _balanced(tandem, layer.name)]
    optical = films(tandem) if kind == "optics" or (balanced and kind != "step") else None
    whole = absorb(tandem, faces, optical=optical) if light else None
    emission = emit(tandem, optical=optical) if kind in ("optics", "step") or balanced else None
    rows = (slice(0, split), slice(split, len(faces) - 1))
    absorption: tuple[Absorption | None, Absorption | None] = (None, None)
    if whole is not None:
        one = _of_junction(tandem, "top", whole, rows[0], ends[0])
        two = _of_junction(tandem, "bottom", whole, rows[1], ends[1])
        absorption = (one, two)
        whole = replace(whole, generation=np.concatenate([one.generation, two.generation]))
    coupling: tuple[Coupling, ...] = ()
    if emission is not None and optical is not None:
        coupling = tuple(_coupled(tandem, optical, emission, faces, rows, balanced))
    return Parts(
        whole=whole,
        emission=emission,
        absorption=absorption,
        emissions=(_emission_of(tandem, "top", emission), _emission_of(tandem, "bottom", emission)),
        coupling=coupling,
    )


def _balanced(tandem: Tandem, name: str) -> bool:
    layer = tandem.named(name)
    return layer.electronic is not None and tandem.radiative(layer).kind == "detailed-balance"


def _short(tandem: Tandem, which: str) -> dict[str, str]:
    """The tandem's names of a junction's layers, and what the junction calls them."""
    top, bottom = (tandem.top.layer, tandem.bottom.layer)
    own = tandem.layer[: len(top)] if which == "top" else tandem.layer[-len(bottom) :]
    return {seen.name: layer.name for seen, layer in zip(own, top if which == "top" else bottom, strict=True)}


def _of_junction(tandem: Tandem, which: str, whole: Absorption, rows: slice, faces: F64) -> Absorption:
    """The part of the absorption that is a junction's."""
    factor = float(tandem.cells[which].light.intensity)
    own = _short(tandem, which)
    return replace(
        whole,
        faces=faces,
        generation=factor * whole.generation[rows],
        photon_flux=factor * whole.photon_flux,
        layers=tuple(own.get(name, name) for name in whole.layers),
        spectral=whole.spectral[:, rows],
        checks={},
        notes=(),
    )


def _emission_of(tandem: Tandem, which: str, whole: Emission | None) -> Emission:
    """The emission of a junction's layers."""
    own = _short(tandem, which)
    found = {} if whole is None else whole.absorbers
    mine = {
        own[name]: replace(part, taken={own.get(other, other): j for other, j in part.taken.items()})
        for name, part in found.items()
        if name in own
    }
    return Emission(float(tandem.temperature), mine, {}, ())


def _coupled(
    tandem: Tandem,
    optical: Films,
    emission: Emission,
    faces: F64,
    rows: tuple[slice, slice],
    balanced: list[str],
) -> Iterator[Coupling]:
    """Each pair of absorbers that matters, one in either junction."""
    inside = intervals(tandem, faces)
    names = [_short(tandem, which) for which in ("top", "bottom")]
    for source, part in emission.absorbers.items():
        if source not in balanced or not part.net > 0:
            continue
        here = 0 if source in names[0] else 1
        there = 1 - here
        for layer, (own, front) in inside.items():
            into = tandem.layer[layer].name
            share = part.taken.get(into, 0.0) / part.net
            if into not in names[there] or share < _LEAST:
                continue
            edges = faces[own.start : own.stop + 1] - front
            edges[0], edges[-1] = 0.0, optical.thickness[layer]
            profile = np.zeros(rows[there].stop - rows[there].start)
            first = own.start - rows[there].start
            index = optical.names.index(source)
            profile[first : first + len(edges) - 1] = _profile(optical, index, part, layer, edges)
            which = ("top", "bottom")
            yield Coupling(
                names[here][source], names[there][into], share, profile, (which[here], which[there])
            )


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
