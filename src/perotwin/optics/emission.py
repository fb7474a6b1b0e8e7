"""What an absorber emits in the dark at equilibrium, and what becomes of it.

Inside, the absorber emits by its own n and k (W. van Roosbroeck, W. Shockley, Phys. Rev. 94, 1558 (1954),
doi:10.1103/PhysRev.94.1558). What leaves the cell follows from reciprocity: in each direction and
polarisation a cell emits what it would absorb (P. Wurfel, J. Phys. C 15, 3967 (1982),
doi:10.1088/0022-3719/15/18/012; U. Rau, Phys. Rev. B 76, 085303 (2007), doi:10.1103/PhysRevB.76.085303). What
other layers take is followed by rays inside the absorber, which meet the stacks on both of its sides with
their coherent reflectance and absorptance, trapped and evanescent angles included. The rest is absorbed again
and lives on as carriers.

Rates are current densities (A m^-2) at equilibrium: with quasi-Fermi levels split by qV each grows by exp(qV
/ kT) - 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import UnknownNameError
from perotwin.materials import HALIDE, HC
from perotwin.measurement.checks import Checks, check
from perotwin.optics.films import Films, films, optical_gap
from perotwin.optics.reuse import reusable
from perotwin.optics.transfer_matrix import Response, solve
from perotwin.units import BOLTZMANN
from perotwin.units import ELEMENTARY_CHARGE as Q

if TYPE_CHECKING:
    from perotwin.stack import Layer, Stack

__all__ = ["AbsorberEmission", "Emission", "emit", "step_current"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]
Side = Literal["front", "back", "both"]

#: 2 pi q / (h^3 c^2), A m^-2 eV^-3: current per black-body photon flux into a hemisphere.
_BLACK_BODY = 2 * np.pi * Q * 299792458.0 / HC**3

#: Energies below and above the gap (eV or kT), their distances (eV), Gauss nodes in angle per smooth piece.
_ABOVE_KT, _BELOW, _FINE, _COARSE = 25.0, 0.15, 5e-3, 15e-3
_NODES = 6

#: Most nodes over all angles: in films so thick (30 um) that fringes in angle are finer, they cancel.
_MOST_NODES = 64

#: Allowed share of the internal emission outside the optical tables: 2 mV of the radiative voltage.
_OUTSIDE = 0.08


@dataclass(frozen=True)
class AbsorberEmission:
    """Emission of one absorber at equilibrium; currents in A m^-2.

    Attributes
    ----------
    internal : emitted inside. escape_front, escape_back : leaves the cell. parasitic : absorbed by other
        layers.
    taken : by layer name, the parts of `parasitic`.
    escape_by_rays : what leaves the cell if the waves inside the absorber did not interfere; how far it is
        from `escape` says how far the ray picture behind `parasitic` holds.
    energy : (E,) eV. spectrum_front, spectrum_back, spectrum_internal : (E,), A m^-2 eV^-1.
    """

    internal: float
    escape_front: float
    escape_back: float
    parasitic: float
    escape_by_rays: float
    taken: dict[str, float]
    energy: F64
    spectrum_front: F64
    spectrum_back: F64
    spectrum_internal: F64

    @property
    def escape(self) -> float:
        """Current of the photons that leave the cell on either side."""
        return self.escape_front + self.escape_back

    @property
    def net(self) -> float:
        """Current of the photons that do not come back as carriers: escape and parasitic absorption."""
        return self.escape + self.parasitic

    @property
    def escape_probability(self) -> float:
        """Of a photon emitted inside."""
        return self.escape / self.internal

    @property
    def parasitic_probability(self) -> float:
        """Of a photon emitted inside, to be absorbed by another layer."""
        return self.parasitic / self.internal

    @property
    def reabsorption_probability(self) -> float:
        """Of a photon emitted inside, to make a pair again."""
        return max(0.0, 1.0 - self.net / self.internal)

    def luminescence(self, internal_radiative_efficiency: float, side: Side = "both") -> float:
        """Photons out per pair made: eta p_escape / (1 - eta p_reabsorption).

        I. Schnitzer et al., Appl. Phys. Lett. 62, 131 (1993), doi:10.1063/1.109348.

        Parameters
        ----------
        internal_radiative_efficiency : radiative part of all recombination events, re-absorbed ones counted
            each time.
        side : where the photons are collected.
        """
        eta = internal_radiative_efficiency
        out = {"front": self.escape_front, "back": self.escape_back, "both": self.escape}[
            side
        ] / self.internal
        return eta * out / (1.0 - eta * self.reabsorption_probability)


@dataclass(frozen=True)
class Emission:
    """Emission of all absorbers of a cell.

    Attributes
    ----------
    temperature : K. absorbers : by layer name.
    checks, notes : for the result.
    """

    temperature: float
    absorbers: dict[str, AbsorberEmission]
    checks: Checks
    notes: tuple[str, ...]

    def __getitem__(self, layer: str) -> AbsorberEmission:
        if layer not in self.absorbers:
            raise UnknownNameError("emitting layer", layer, self.absorbers)
        return self.absorbers[layer]

    def net_current(self, layer: str) -> float:
        """Loss of carriers in a layer at equilibrium, A m^-2: what escapes and what other layers absorb."""
        return self[layer].net

    def rate(self, layer: str, thickness: float) -> float:
        """The same per volume, m^-3 s^-1, for a layer `thickness` (m) thick."""
        return self[layer].net / (Q * thickness)

    @property
    def j0_radiative(self) -> float:
        """Saturation current of the cell's own absorptance, A m^-2: photons that leave the cell, from all
        absorbers.
        """
        return sum(part.escape for part in self.absorbers.values())

    @property
    def j0_optical(self) -> float:
        """The same with the photons that other layers absorb: the least that this cell can lose."""
        return sum(part.net for part in self.absorbers.values())

    def voc_radiative(self, jsc: float) -> float:
        """Radiative limit of the open-circuit voltage (V) for a photocurrent `jsc` (A m^-2), by reciprocity
        (Rau 2007).
        """
        return BOLTZMANN * self.temperature * float(np.log1p(jsc / self.j0_radiative))

    def voc_optical(self, jsc: float) -> float:
        """The same with parasitic absorption of the luminescence: the voltage without any non-radiative
        event.
        """
        return BOLTZMANN * self.temperature * float(np.log1p(jsc / self.j0_optical))

    def plqy(self, internal_radiative_efficiency: float, side: Side = "both") -> float:
        """Photons out per pair that light made (one absorber; the sum over absorbers that share the pairs
        evenly otherwise).

        See `AbsorberEmission.luminescence`.
        """
        parts = self.absorbers.values()
        return sum(part.luminescence(internal_radiative_efficiency, side) for part in parts) / len(parts)

    def elqy(self, internal_radiative_efficiency: float, side: Side = "both") -> float:
        """Photons out per injected pair. An absorber does not remember who made a pair, so this equals
        `plqy`; losses of the current outside the absorber belong into the internal radiative efficiency.
        """
        return self.plqy(internal_radiative_efficiency, side)


def step_current(gap: float, temperature: float) -> float:
    """Emission (A m^-2) into one hemisphere of a body that absorbs all photons above `gap` (eV) and none
    below.

    W. Shockley, H. J. Queisser, J. Appl. Phys. 32, 510 (1961), doi:10.1063/1.1736034; the Bose integral as
    its series."""
    kt = BOLTZMANN * temperature
    m = np.arange(1, 60)
    terms = np.exp(-m * gap / kt) * (gap**2 * kt / m + 2 * gap * kt**2 / m**2 + 2 * kt**3 / m**3)
    return float(_BLACK_BODY * terms.sum())


@reusable
def emit(stack: Stack) -> Emission:
    """Emission of the absorbers of a cell (and of other layers whose recombination is to follow from their
    absorption).

    Raises
    ------
    InputError : a layer has no usable material.
    """
    temperature = float(stack.temperature)
    emitters = [
        index
        for index, layer in enumerate(stack.layer)
        if layer.role == "absorber"
        or (layer.electronic is not None and stack.radiative(layer).kind == "detailed-balance")
    ]
    if stack.light.generation.kind == "step":
        return _step(stack, emitters, temperature)
    optical = films(stack)
    found, checks, notes = {}, {}, list(optical.notes)
    for index in emitters:
        layer = stack.layer[index]
        part, outside = _emitter(layer, index, optical, temperature)
        found[layer.name] = part
        checks[f"emission of {layer.name} outside the optical tables"] = check(outside, _OUTSIDE)
        if float(layer.urbach_energy) >= 0.8 * BOLTZMANN * temperature and layer.material == HALIDE:
            notes.append(
                f"{layer.name}: with an Urbach energy of {float(layer.urbach_energy) * 1e3:.3g} meV, near "
                "kT, emission from the tail hardly decays towards low energies; it is cut where the tail "
                "has fallen to nothing measurable."
            )
    return Emission(temperature, found, checks, tuple(notes))


def _step(stack: Stack, emitters: list[int], temperature: float) -> Emission:
    none = np.zeros(0)
    found = {}
    for index in emitters:
        layer = stack.layer[index]
        gap = optical_gap(layer, temperature)
        assert gap is not None  # the stack refuses a step without one
        current = step_current(gap, temperature)
        front = current if stack.light.side == "front" else 0.0
        found[layer.name] = AbsorberEmission(
            current, front, current - front, 0.0, current, {}, none, none, none, none
        )
    return Emission(temperature, found, {}, ())


def _energies(layer: Layer, gap: float, temperature: float) -> F64:
    """Photon energies (eV): dense around the gap, reaching to where Bose factor and tail have died."""
    kt = BOLTZMANN * temperature
    urbach = float(layer.urbach_energy)
    # alpha exp(-E / kT) falls towards low energies as exp(E (1 / urbach - 1 / kT))
    decay = max(1 / urbach - 1 / kt, 1 / 0.08)
    lowest = max(gap - _BELOW - min(12 / decay, 0.6), 0.3)
    return np.concatenate(
        [
            np.arange(lowest, gap - _BELOW, _COARSE),
            np.arange(gap - _BELOW, gap + _BELOW, _FINE),
            np.arange(gap + _BELOW, gap + _BELOW + _ABOVE_KT * kt, _COARSE),
        ]
    )


def _emitter(layer: Layer, index: int, optical: Films, temperature: float) -> tuple[AbsorberEmission, float]:
    """Emission of one layer, and the share of its internal emission for which tables are missing."""
    gap = optical_gap(layer, temperature)
    model = optical.models[index]
    if gap is None:  # a table without a stated gap: its steepest rise
        gap = _steepest(model.index, *model.range)
    energy = _energies(layer, gap, temperature)
    thickness = float(optical.thickness[index])

    own = model.index(HC / energy)
    black = _BLACK_BODY * energy**2 / np.expm1(energy / (BOLTZMANN * temperature))
    alpha = 4 * np.pi * own.imag * energy / HC
    internal = 4 * own.real**2 * alpha * thickness * black
    shortest, longest = optical.limits
    inside = (HC / energy >= shortest) & (HC / energy <= longest)
    everything = float(np.trapezoid(internal, energy))
    energy, own, black = energy[inside], own[inside], black[inside]
    alpha, internal = alpha[inside], internal[inside]
    total = float(np.trapezoid(internal, energy))

    nodes = min(_NODES + int(thickness / 0.5e-6), _MOST_NODES)
    front = black * _escape(optical, index, energy, "front", nodes)
    back = black * _escape(optical, index, energy, "back", nodes)
    rays = _rays(optical, index, energy, own.real, alpha * thickness)
    currents = {
        name: float(np.trapezoid(internal * share, energy))
        for name, share in zip(optical.names, rays[:-1], strict=True)
        if name != layer.name
    }
    part = AbsorberEmission(
        internal=total,
        escape_front=float(np.trapezoid(front, energy)),
        escape_back=float(np.trapezoid(back, energy)),
        parasitic=sum(currents.values()),
        escape_by_rays=float(np.trapezoid(internal * rays[-1], energy)),
        taken=currents,
        energy=energy,
        spectrum_front=front,
        spectrum_back=back,
        spectrum_internal=internal,
    )
    return part, 1 - total / everything


def _steepest(index, shortest: float, longest: float) -> float:  # type: ignore[no-untyped-def]
    energy = np.arange(HC / min(longest, 3e-6), HC / max(shortest, 3e-7), 2e-3)
    return float(energy[np.argmax(np.gradient(index(HC / energy).imag * energy, energy))])


def _gauss(count: int) -> tuple[F64, F64]:
    """Gauss-Legendre nodes and weights on 0 to 1."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (x + 1) / 2, w / 2


def _escape(optical: Films, index: int, energy: F64, side: Literal["front", "back"], nodes: int) -> F64:
    """Absorptance (E,) of a layer for light from one hemisphere: mean over 2 mu dmu and both
    polarisations.
    """
    mu, weight = _gauss(nodes)
    lit = optical.lit(HC / energy, side, sine=np.sqrt(1 - mu**2)[:, None])
    return (2 * mu * weight) @ lit.absorptance[index]


def _rays(optical: Films, index: int, energy: F64, n: F64, depth: F64) -> F64:
    """Fate of a layer's internal emission by rays: shares (L + 1, E) that each layer absorbs, the last row
    what escapes.

    The layer's own row is left at zero: what is neither absorbed elsewhere nor escapes was absorbed again.

    Parameters
    ----------
    n, depth : (E,) real index, and absorption coefficient times thickness.
    """
    indices, parts = optical.index(HC / energy)
    own = [i for i, piece in enumerate(optical.slices) if piece.first == piece.second == index]
    if own:
        before, after = own[0], own[0] + 1
    else:  # the rough faces' zones fill the layer: part at its middle
        before = after = next(i for i, piece in enumerate(optical.slices) if piece.first == index)
    groups = (range(before - 1, -1, -1), range(after, len(optical.slices)))
    thick = [indices[i + 1].real for i, piece in enumerate(optical.slices) if not piece.coherent]

    # the reflectances have corners where air, or a thick layer, stops carrying the ray
    corners = [
        np.full_like(n, 1e-6),
        *(np.sqrt(np.maximum(0, 1 - (b / n) ** 2)) for b in (1.0, *thick)),
        np.ones_like(n),
    ]
    bounds = np.sort(np.array(corners), axis=0)
    x, w = _gauss(_NODES)
    width = np.diff(bounds, axis=0)
    mu = (bounds[:-1, None] + x[:, None] * width[:, None]).reshape(-1, len(energy))
    weight = (w[:, None] * width[:, None]).reshape(-1, len(energy))
    sine = n * np.sqrt(1 - mu**2)

    path = depth / mu
    passed = np.exp(-path)
    # of the emission into one hemisphere, what reaches the face on the first pass
    first = np.where(path > 1e-8, -np.expm1(-path) / np.where(path > 0, path, 1.0), 1.0)
    total = np.zeros((len(optical.names) + 1, len(energy)))
    for polarisation in ("s", "p"):
        seen = [_from_inside(optical, group, indices, n, energy, sine, polarisation) for group in groups]
        rf, rb = (response.reflectance for response in seen)
        again = 1 - passed**2 * rf * rb
        arriving = [first * (1 + passed * other) / np.maximum(again, 1e-300) for other in (rb, rf)]
        for group, response, arrives in zip(groups, seen, arriving, strict=True):
            strength = 0.25 * weight * arrives  # half a hemisphere's share, half a polarisation's
            total[-1] += np.einsum("ae,ae->e", strength, response.transmittance)
            for slot, piece in enumerate(group):
                absorbed = np.einsum("ae,ae->e", strength, response.absorptance[slot])
                first_medium, second_medium = optical.slices[piece].first, optical.slices[piece].second
                for medium, share in zip((first_medium, second_medium), parts[piece], strict=True):
                    if medium >= 0 and medium != index:
                        total[medium] += share * absorbed
    return total


def _from_inside(
    optical: Films,
    group: range,
    indices: C128,
    n: F64,
    energy: F64,
    sine: F64,
    polarisation: Literal["s", "p"],
) -> Response:
    """Response of the slices on one side of an emitter to its rays, `sine` = n sin(angle) inside."""
    pieces = [optical.slices[i] for i in group]
    media = np.array([n + 0j, *(indices[i + 1] for i in group), np.ones_like(n) + 0j])
    return solve(
        media,
        np.array([piece.thickness for piece in pieces]),
        HC / energy,
        coherent=[piece.coherent for piece in pieces],
        transverse=sine,
        polarisation=polarisation,
    )
