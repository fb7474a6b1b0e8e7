"""Light in a stack of flat layers: coherent thin films, incoherent thick ones, any angle, both polarisations.

Coherent films are solved by the recursion of reflection coefficients from the back (Rouard's method: L. G.
Parratt, Phys. Rev. 95, 359 (1954), doi:10.1103/PhysRev.95.359). Only exp(i q d) with Im q >= 0 appears, at
most 1 in size, so neither a micrometre of metal nor ten of perovskite can overflow. Thick layers join runs of
thin films by intensities (S. J. Byrnes, arXiv:1603.02720, whose sign conventions are used too: fields go as
exp(i q x - i w t), n + i k with k >= 0).

Shapes: L layers between two half-spaces, and any trailing shape S (wavelengths; angles x wavelengths) that
the wavelength and the transverse index broadcast to. Lengths in m, powers as fractions of the incident power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError

__all__ = ["Response", "solve"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]
Polarisation = Literal["s", "p", "unpolarised"]


@dataclass(frozen=True)
class _Waves:
    """A run of coherent films, lit from its first medium with unit power.

    `forward` (L, *S) is the amplitude at each film's first face, `backward` (L, *S) at its last one; `q` and
    `y` (L + 2, *S) are the normal wave number over k0 and the admittance-like weight of the power flux."""

    thickness: F64
    k0: F64
    q: C128
    y: C128
    cross: float
    r: C128
    R: F64
    T: F64
    forward: C128
    backward: C128

    def absorbed(self, film: int, edges: F64) -> F64:
        """Fraction absorbed between `edges` (M + 1, m from the film's first face), shape (M, *S).

        The two waves decay, and interfere as sin(2 q' x): each term of the absorbed power has a closed
        integral."""
        q, y, d = self.q[film + 1], self.y[film + 1], self.thickness[film]
        f, b = self.forward[film], self.backward[film]
        incident = self.y[0].real
        decay, beat = 2 * self.k0 * q.imag, 2 * self.k0 * q.real
        power = y.real / incident
        ahead, back = power * np.abs(f) ** 2, power * np.abs(b) ** 2
        # backward amplitude at the first face is b exp(i q d)
        product = f * np.conj(b * np.exp(1j * self.k0 * q * d))
        weight, phase = 2 * self.cross * y.imag / incident * np.abs(product), np.angle(product)
        # each interval by itself, no difference of primitives: exact down to the weakest absorption and the
        # narrowest interval; in place because this is where the time goes
        x = edges.reshape(-1, *(1,) * q.ndim)
        near, far = x[:-1], x[1:]
        beam = -decay * near
        np.exp(beam, out=beam)
        beam *= ahead
        wave = decay * (far - d)
        np.exp(wave, out=wave)
        wave *= back
        beam += wave
        np.multiply(-decay, far - near, out=wave)
        np.expm1(wave, out=wave)
        beam *= wave
        np.multiply(beat, (near + far) / 2, out=wave)
        wave += phase
        np.cos(wave, out=wave)
        wave *= 2 * weight
        half = beat * ((far - near) / 2)
        np.sin(half, out=half)
        wave *= half
        wave -= beam
        return wave

    @cached_property
    def whole(self) -> F64:
        """Fraction absorbed in each film (L, *S), exact down to the weakest absorption.

        What `absorbed` says for an interval from face to face, where the phases of the product cancel.
        """
        q, y, incident = self.q[1:-1], self.y[1:-1], self.y[0].real
        depth = self.k0 * self.thickness.reshape(-1, *(1,) * self.k0.ndim)
        fall = depth * q.imag
        f, b = self.forward, self.backward
        ahead_and_back = f.real**2 + f.imag**2 + b.real**2 + b.imag**2
        cross = (f.real * b.real + f.imag * b.imag) * np.exp(-fall) * np.sin(depth * q.real)
        return (-np.expm1(-2 * fall) * y.real * ahead_and_back + 4 * self.cross * y.imag * cross) / incident

    @property
    def mixed(self) -> F64:
        """Power that enters beyond 1 - R: interference of incident and reflected wave in an absorbing first
        medium.
        """
        return 2 * self.cross * _ratio(self.y[0].imag, self.y[0].real) * self.r.imag


def _ratio(top: F64, bottom: F64) -> F64:
    """top / bottom, zero where the first medium carries no power (an evanescent wave)."""
    return np.divide(
        top, bottom, out=np.zeros(np.broadcast_shapes(top.shape, bottom.shape)), where=bottom > 0
    )


def _waves(index: C128, q: C128, thickness: F64, k0: F64, polarised: str) -> _Waves:
    """Solve one run of coherent films. index, q (L + 2, *S), thickness (L,)."""
    films = len(thickness)
    if polarised == "s":
        y, left, right, mix = q, q[:-1], q[1:], 2 * q[:-1]
    else:
        y = index * np.conj(q / index)
        left, right = index[1:] ** 2 * q[:-1], index[:-1] ** 2 * q[1:]
        mix = 2 * index[:-1] * index[1:] * q[:-1]
    total = left + right
    r, t = (left - right) / total, mix / total
    phase = np.exp(1j * k0 * q[1:-1] * thickness.reshape(-1, *(1,) * k0.ndim))

    # `seen[j]`: reflection coefficient at the first side of interface j with everything behind it
    seen = np.empty_like(r)
    echo = np.empty_like(r)
    seen[films], echo[films] = r[films], 1.0
    for j in range(films - 1, -1, -1):
        back = seen[j + 1] * phase[j] ** 2
        echo[j] = 1.0 / (1.0 + r[j] * back)
        seen[j] = (r[j] + back) * echo[j]
    forward, backward = np.empty_like(phase), np.empty_like(phase)
    amplitude: C128 = np.ones_like(seen[0])
    for j in range(films):
        amplitude = amplitude * t[j] * echo[j]
        forward[j] = amplitude
        amplitude = amplitude * phase[j]
        backward[j] = amplitude * seen[j + 1]
    amplitude = amplitude * t[films]
    reflectance = np.abs(seen[0]) ** 2
    transmittance = np.abs(amplitude) ** 2 * _ratio(y[-1].real, y[0].real)
    cross = 1.0 if polarised == "s" else -1.0
    return _Waves(thickness, k0, q, y, cross, seen[0], reflectance, transmittance, forward, backward)


@dataclass(frozen=True)
class _Block:
    """A run of coherent films between two incoherent media, with the light on both of its sides."""

    first: int  # index of its first film among the layers
    front: _Waves
    back: _Waves | None  # the same films lit from behind; None where no light comes from there
    incident: F64  # intensity on the front
    behind: F64  # intensity on the back

    def absorbed(self, film: int, edges: F64) -> F64:
        total = self.incident * self.front.absorbed(film, edges)
        if self.back is not None:
            last = len(self.front.thickness) - 1
            mirrored = self.front.thickness[film] - edges[::-1]
            total += self.behind * self.back.absorbed(last - film, mirrored)[::-1]
        return total

    @cached_property
    def whole(self) -> F64:
        """Absorbed in each film (L, *S)."""
        total = self.incident * self.front.whole
        return total if self.back is None else total + self.behind * self.back.whole[::-1]


@dataclass(frozen=True)
class _Slab:
    """An incoherent layer: intensities that enter it at either face, and the power lost to its own
    interference.
    """

    thickness: float
    decay: F64
    forward: F64
    backward: F64
    mixed: F64

    def absorbed(self, edges: F64) -> F64:
        x = edges.reshape(-1, *(1,) * self.decay.ndim)
        near, far = x[:-1], x[1:]
        loss = -np.expm1(-self.decay * (far - near))
        ahead = self.forward * np.exp(-self.decay * near)
        back = self.backward * np.exp(-self.decay * (self.thickness - far))
        # the mixed term belongs to the faces, is of the order of k/n, and no physics resolves it; it goes with the
        # loss, for spread evenly it would make depths that no light reaches give some off
        whole = -np.expm1(-self.decay * self.thickness) * (self.forward + self.backward)
        return loss * (ahead + back) * (1.0 - _ratio(self.mixed, whole))


@dataclass(frozen=True)
class _Polarised:
    reflectance: F64
    transmittance: F64
    places: tuple[_Block | _Slab, ...]  # for each layer

    def absorbed(self, layer: int, edges: F64) -> F64:
        place = self.places[layer]
        return (
            place.absorbed(layer - place.first, edges) if isinstance(place, _Block) else place.absorbed(edges)
        )

    def whole(self) -> F64:
        """Absorbed in each layer (L, *S)."""
        return np.array(
            [
                place.whole[layer - place.first]
                if isinstance(place, _Block)
                else place.absorbed(np.array([0.0, place.thickness]))[0]
                for layer, place in enumerate(self.places)
            ]
        )


@dataclass(frozen=True)
class Response:
    """What a stack does with light that falls on its front.

    Attributes
    ----------
    reflectance, transmittance : (*S), fractions of the incident power.
    absorptance : (L, *S), fraction absorbed in each layer.
    thickness : (L,), m.
    """

    reflectance: F64
    transmittance: F64
    thickness: F64
    parts: tuple[_Polarised, ...]

    @cached_property
    def absorptance(self) -> F64:
        return _mean([part.whole() for part in self.parts])

    def absorbed(self, layer: int, edges: ArrayLike) -> F64:
        """Fraction of the incident power absorbed between `edges` in one layer, integrated exactly.

        Parameters
        ----------
        layer : index of the layer, 0 nearest to the light.
        edges : (M + 1,), ascending positions in m from the layer's first face.

        Returns
        -------
        (M, *S).
        """
        x = np.asarray(edges, float)
        return _mean([part.absorbed(layer, x) for part in self.parts])


def solve(
    index: ArrayLike,
    thickness: ArrayLike,
    wavelength: ArrayLike,
    *,
    coherent: Sequence[bool] | NDArray[np.bool_] | None = None,
    transverse: ArrayLike = 0.0,
    polarisation: Polarisation = "unpolarised",
) -> Response:
    """Reflectance, transmittance and absorption of a stack.

    Parameters
    ----------
    index : (L + 2, *S) complex refractive indices n + i k, k >= 0, from the half-space that holds the light
        to the one behind; the first must be lossless for 1 - R to be the power that enters.
    thickness : (L,), m.
    wavelength : (*S) in vacuum, m.
    coherent : (L,), False for layers much thicker than the coherence length (default: all True).
    transverse : n sin(angle) in the first half-space, conserved through the stack; broadcast with
        `wavelength`.
    polarisation : "s", "p" or "unpolarised" (their mean).

    Raises
    ------
    InputError : shapes that do not fit together, or a gain medium (k < 0).
    """
    lam = np.asarray(wavelength, float)
    d = np.asarray(thickness, float)
    kx = np.asarray(transverse, float)
    shape = np.broadcast_shapes(lam.shape, kx.shape)
    n = np.asarray(index, complex)
    flags = np.ones(len(d), bool) if coherent is None else np.asarray(coherent, bool)
    if len(n) != len(d) + 2 or len(flags) != len(d):
        raise InputError(
            f"{len(d)} layers need {len(d) + 2} refractive indices and {len(d)} coherence flags, not "
            f"{len(n)} and {len(flags)}.",
            "Give the half-spaces before and behind the stack too.",
        )
    if np.any(n.imag < 0):
        raise InputError("a refractive index has k < 0.", "Write absorbing media as n + i k with k >= 0.")
    n = np.broadcast_to(n.reshape(len(n), *(1,) * (len(shape) - n.ndim + 1), *n.shape[1:]), (len(n), *shape))
    k0 = np.broadcast_to(2 * np.pi / lam, shape)
    oblique = bool(np.any(kx))
    q = np.sqrt(n**2 - kx**2 + 0j) if oblique else n
    modes = ("s",) if not oblique and polarisation == "unpolarised" else ("s", "p")
    if polarisation != "unpolarised":
        modes = (polarisation,)
    parts = tuple(_polarised(n, q, d, flags, k0, mode) for mode in modes)
    return Response(
        reflectance=_mean([part.reflectance for part in parts]),
        transmittance=_mean([part.transmittance for part in parts]),
        thickness=d,
        parts=parts,
    )


def _mean(values: list[F64]) -> F64:
    """Mean over polarisations."""
    return values[0] if len(values) == 1 else (values[0] + values[1]) / 2


def _polarised(n: C128, q: C128, d: F64, coherent: NDArray[np.bool_], k0: F64, mode: str) -> _Polarised:
    """Join runs of coherent films through the thick layers by intensities."""
    thick = [int(i) for i in np.flatnonzero(~coherent)]
    starts = [0, *(i + 1 for i in thick)]
    ends = [*thick, len(d)]
    front, back = [], []
    for start, end in zip(starts, ends, strict=True):
        media = slice(start, end + 2)
        front.append(_waves(n[media], q[media], d[start:end], k0, mode))
        # only light that a thick layer returns can fall on a run from behind
        back.append(
            None if end == len(d) else _waves(n[media][::-1], q[media][::-1], d[start:end][::-1], k0, mode)
        )
    decay = [2 * k0 * q[i + 1].imag for i in thick]
    passed = [np.exp(-a * d[i]) for a, i in zip(decay, thick, strict=True)]

    # reflectance of everything behind each run's front, from the last run to the first
    seen = [front[-1].R]
    for j in range(len(thick) - 1, -1, -1):
        behind = back[j]
        assert behind is not None
        return_trip = passed[j] ** 2 * seen[0]
        seen.insert(0, front[j].R + front[j].T * return_trip * behind.T / (1 - return_trip * behind.R))

    incident: F64 = np.ones_like(seen[0])
    places: list[_Block | _Slab] = []
    for j, (start, end) in enumerate(zip(starts, ends, strict=True)):
        behind = back[j]
        if behind is None:
            block = _Block(start, front[j], None, incident, np.zeros_like(incident))
            places += [block] * (end - start)
            break
        entering = front[j].T * incident / (1 - behind.R * passed[j] ** 2 * seen[j + 1])
        reaching = entering * passed[j]
        returned = seen[j + 1] * reaching
        block = _Block(start, front[j], behind, incident, returned * passed[j])
        places += [block] * (end - start)
        mixed = reaching * front[j + 1].mixed + block.behind * behind.mixed
        places.append(_Slab(float(d[thick[j]]), decay[j], entering, returned, mixed))
        incident = reaching
    transmittance = incident * front[-1].T
    return _Polarised(seen[0], transmittance, tuple(places))
