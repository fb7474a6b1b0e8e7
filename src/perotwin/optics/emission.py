"""What an absorber emits in the dark at equilibrium, and what becomes of it.

Inside, the absorber emits by its own n and k (W. van Roosbroeck, W. Shockley, Phys. Rev. 94, 1558 (1954),
doi:10.1103/PhysRev.94.1558). What leaves the cell follows from reciprocity: in each direction and
polarisation a cell emits what it would absorb (P. Wurfel, J. Phys. C 15, 3967 (1982),
doi:10.1088/0022-3719/15/18/012; U. Rau, Phys. Rev. B 76, 085303 (2007), doi:10.1103/PhysRevB.76.085303). What
other layers take is followed by rays inside the absorber, which meet the stacks on both of its sides with
their coherent reflectance and absorptance, trapped and evanescent angles included. The rest is absorbed again
and lives on as carriers.

Neighbouring layers of one absorber are one film, which emits as a whole: where a line is drawn through a
material changes nothing. Its net loss is spread evenly over its volume, re-absorption within it taken as local.
Two films exchange light by one rate, R_ij = R_ji, so that what passes between them is R_ij (exp(D_i) - exp(D_j))
with their splittings D in kT.

Rates are current densities (A m^-2) at equilibrium: with quasi-Fermi levels split by qV each grows by exp(qV
/ kT) - 1."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import UnknownNameError
from perotwin.materials import HALIDE, HC
from perotwin.measurement.checks import Checks, check
from perotwin.optics.emitting_films import (
    FarBelow,
    absorption_edge,
    balanced_exchange,
    far_below,
    film_name,
    joined,
    one_gap,
    one_material,
    share_of,
)
from perotwin.optics.films import STEEPEST_TAIL, Films, Sliced, films, optical_gap, urbach_energy
from perotwin.optics.grids import kept
from perotwin.optics.reuse import reusable
from perotwin.units import BOLTZMANN
from perotwin.units import ELEMENTARY_CHARGE as Q

if TYPE_CHECKING:
    from perotwin.materials import OpticalModel
    from perotwin.optics.cell import OpticalCell
    from perotwin.stack import Layer

__all__ = ["AbsorberEmission", "Emission", "emit", "step_current"]

F64 = NDArray[np.float64]
Side = Literal["front", "back", "both"]

#: 2 pi q / (h^3 c^2), A m^-2 eV^-3: current per black-body photon flux into a hemisphere.
_BLACK_BODY = 2 * np.pi * Q * 299792458.0 / HC**3

#: Energies: above the gap (kT), below it (eV, and by how many decays of what the tail emits), and their distance (eV).
#: Even steps under a smooth peak converge far faster than their size suggests, as long as they stay even.
_ABOVE_KT, _BELOW, _DECAYS, _STEP = 9.0, 0.15, 8.0, 8e-3

#: Part of that distance for tables, whose rows are corners.
_CORNERS = 0.25

#: Angles of the light that leaves: Gauss nodes, and the most of them: in films so thick (30 um) that fringes in angle
#: are finer, they cancel.
_NODES, _MOST_NODES = 6, 64

#: Rays inside, for each piece of angles between corners, and for the piece that no thick layer and not the air carries.
_RAYS, _TRAPPED = 3, 10
_GOLDEN = (5**0.5 - 1) / 2
_GRAZING = 1e-6

#: Allowed share of the internal emission outside the optical tables: 2 mV of the radiative voltage.
_OUTSIDE = 0.08

#: Allowed share of the net emission from far below the gap, where tables hold noise: 2 mV again.
_DEEP = 0.08


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
    reabsorbed_by_rays : what the absorber itself takes back in that picture.
    energy : (E,) eV. spectrum_front, spectrum_back, spectrum_internal : (E,), A m^-2 eV^-1.
    """

    internal: float
    escape_front: float
    escape_back: float
    parasitic: float
    escape_by_rays: float
    reabsorbed_by_rays: float
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

    def scaled(self, share: float) -> AbsorberEmission:
        """The part of a piece of the film that has this share of its volume."""
        return AbsorberEmission(
            internal=share * self.internal,
            escape_front=share * self.escape_front,
            escape_back=share * self.escape_back,
            parasitic=share * self.parasitic,
            escape_by_rays=share * self.escape_by_rays,
            reabsorbed_by_rays=share * self.reabsorbed_by_rays,
            taken={layer: share * current for layer, current in self.taken.items()},
            energy=self.energy,
            spectrum_front=share * self.spectrum_front,
            spectrum_back=share * self.spectrum_back,
            spectrum_internal=share * self.spectrum_internal,
        )

    def taken_by(self, currents: Mapping[str, float]) -> AbsorberEmission:
        """The same where some layers take other currents (A m^-2); the absorber itself takes the difference back."""
        taken = {**self.taken, **currents}
        parasitic = sum(taken.values())
        left = self.reabsorbed_by_rays + self.parasitic - parasitic
        return replace(self, taken=taken, parasitic=parasitic, reabsorbed_by_rays=left)

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
    temperature : K. absorbers : by layer name; each layer of a film has its part of it by thickness.
    checks, notes : for the result.
    films : names of the layers of each film, neighbours of one absorber that emit as one. Light that passes between
        two of them is in `taken` of both, the same in either direction.
    """

    temperature: float
    absorbers: dict[str, AbsorberEmission]
    checks: Checks
    notes: tuple[str, ...]
    films: tuple[tuple[str, ...], ...] = ()

    def __getitem__(self, layer: str) -> AbsorberEmission:
        if layer not in self.absorbers:
            raise UnknownNameError("emitting layer", layer, self.absorbers)
        return self.absorbers[layer]

    def film(self, layer: str) -> tuple[str, ...]:
        """Names of the layers that emit as one with `layer`, itself among them."""
        return next((names for names in self.films if layer in names), (layer,))

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
        """The same with the photons that other layers absorb: the least that this cell can lose. What absorbers send
        each other is not lost.
        """
        return sum(
            part.net - sum(part.taken.get(other, 0.0) for other in self.absorbers)
            for part in self.absorbers.values()
        )

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
def emit(stack: OpticalCell, *, optical: Films | None = None) -> Emission:
    """Emission of the absorbers of a cell (and of other layers whose recombination is to follow from their
    absorption).

    Parameters
    ----------
    stack : the cell. optical : `films(stack)`, where it is known already.

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
    optical = optical or films(stack)
    parts: list[AbsorberEmission] = []
    checks, notes = {}, list(optical.notes)
    together = joined(stack, emitters, one_material(optical))
    for film in together:
        layer = stack.layer[film[0]]
        name = film_name(film, optical)
        part, outside, deep = _emitter(layer, film, optical, temperature)
        parts.append(part)
        checks[f"emission of {name} outside the optical tables"] = check(outside, _OUTSIDE)
        fates = part.escape_by_rays + part.parasitic + part.reabsorbed_by_rays
        checks[f"photons of {name}: escaped + absorbed = emitted"] = check(fates / part.internal - 1, 1e-9)
        if layer.material != HALIDE:
            checks[f"emission of {name} far below its gap"] = check(deep.share, _DEEP)
            if deep.share > _DEEP:
                notes.append(f"{name}: {deep.told(temperature)}")
        stated = float(layer.urbach_energy)
        tail = urbach_energy(layer, temperature)
        if layer.material != HALIDE:
            continue
        if tail < stated:
            notes.append(
                f"{name}: at {temperature:.4g} K a tail as wide as the stated Urbach energy of {stated * 1e3:.3g} meV "
                "would outgrow kT, and emission from it would have no end; tails narrow with temperature, and this "
                f"one is taken as {tail * 1e3:.3g} meV there."
            )
        elif stated >= STEEPEST_TAIL * BOLTZMANN * temperature:
            notes.append(
                f"{name}: with an Urbach energy of {stated * 1e3:.3g} meV, near kT, emission from the tail hardly "
                "decays towards low energies; it is cut where the tail has fallen to nothing measurable. "
                f"{deep.share:.0%} of the net emission comes from more than {_BELOW:g} eV below the gap."
            )
    found = {
        optical.names[index]: part.scaled(share_of(film, index, optical)) if len(film) > 1 else part
        for film, part in zip(together, balanced_exchange(together, parts, optical), strict=True)
        for index in film
    }
    names = tuple(tuple(optical.names[index] for index in film) for film in together)
    return Emission(temperature, found, checks, tuple(notes), names)


def _step(stack: OpticalCell, emitters: list[int], temperature: float) -> Emission:
    none = np.zeros(0)
    found = {}
    together = joined(stack, emitters, one_gap(stack))
    for film in together:
        gap = optical_gap(stack.layer[film[0]], temperature)
        assert gap is not None  # the stack refuses a step without one
        current = step_current(gap, temperature)
        front = current if stack.light.side == "front" else 0.0
        whole = AbsorberEmission(
            current, front, current - front, 0.0, current, 0.0, {}, none, none, none, none
        )
        thickness = {index: float(stack.layer[index].thickness) for index in film}
        for index, size in thickness.items():
            found[stack.layer[index].name] = whole.scaled(size / sum(thickness.values()))
    names = tuple(tuple(stack.layer[index].name for index in film) for film in together)
    return Emission(temperature, found, {}, (), names)


def _reach(layer: Layer, gap: float, temperature: float) -> tuple[float, float]:
    """Photon energies (eV) between which a layer emits: where Bose factor and tail have died."""
    kt = BOLTZMANN * temperature
    urbach = urbach_energy(layer, temperature)
    # alpha exp(-E / kT) falls towards low energies as exp(E (1 / urbach - 1 / kT))
    decay = max(1 / urbach - 1 / kt, 1 / 0.08)
    return max(gap - _BELOW - min(_DECAYS / decay, 0.6), 0.3), gap + _BELOW + _ABOVE_KT * kt


def _even(low: float, high: float, step: float) -> F64:
    """Energies (E,) from end to end at even distances of about `step`; none where the ends are the wrong way round."""
    return np.linspace(low, high, int((high - low) / step) + 2) if low < high else np.zeros(0)


def _inside(model: OpticalModel, energy: F64, thickness: float, temperature: float) -> tuple[F64, F64, F64]:
    """Spectrum of the internal emission (E,), A m^-2 eV^-1, that of a black body, and absorption over one thickness."""
    own = model.index(HC / energy)
    black = _BLACK_BODY * energy**2 / np.expm1(energy / (BOLTZMANN * temperature))
    depth = 4 * np.pi * own.imag * energy / HC * thickness
    return 4 * own.real**2 * depth * black, black, depth


def _emitter(
    layer: Layer, film: tuple[int, ...], optical: Films, temperature: float
) -> tuple[AbsorberEmission, float, FarBelow]:
    """Emission of a film, the share of its internal emission for which tables are missing, and what it emits far below
    its gap.

    layer : one of those of which `film` has the indices.
    """
    model = optical.models[film[0]]
    thickness = float(optical.thickness[list(film)].sum())
    gap = optical_gap(layer, temperature)
    if gap is None:
        gap = absorption_edge(model, thickness)
    lowest, highest = _reach(layer, gap, temperature)
    shortest, longest = optical.limits
    low, high = max(lowest, HC / longest), min(highest, HC / shortest if shortest > 0 else np.inf)
    missing = 0.0
    step = _STEP * (1.0 if isinstance(layer.material, str) else _CORNERS)
    for energy in (_even(lowest, min(low, highest), step), _even(max(high, lowest), highest, step)):
        missing += float(np.trapezoid(_inside(model, energy, thickness, temperature)[0], energy))
    energy = kept(("emission", optical.names, film), lambda: _even(low, high, step))
    internal, black, depth = _inside(model, energy, thickness, temperature)
    total = float(np.trapezoid(internal, energy))

    nodes = kept(
        ("directions", optical.names, film), lambda: min(_NODES + int(thickness / 0.5e-6), _MOST_NODES)
    )
    sliced = optical.sliced(HC / energy)
    front, back = (black * part for part in _escape(optical, sliced, film, energy, nodes))
    fates = _fates(optical, sliced, film, energy, depth)
    currents = {
        name: float(np.trapezoid(internal * share, energy))
        for index, (name, share) in enumerate(zip(optical.names, fates[:-2], strict=True))
        if index not in film
    }
    part = AbsorberEmission(
        internal=total,
        escape_front=float(np.trapezoid(front, energy)),
        escape_back=float(np.trapezoid(back, energy)),
        parasitic=sum(currents.values()),
        escape_by_rays=float(np.trapezoid(internal * fates[-2], energy)),
        reabsorbed_by_rays=float(np.trapezoid(internal * fates[-1], energy)),
        taken=currents,
        energy=energy,
        spectrum_front=front,
        spectrum_back=back,
        spectrum_internal=internal,
    )
    net = front + back + internal * fates[:-2].sum(axis=0)
    return part, missing / (missing + total), far_below(model, gap, _BELOW, energy, net)


def _gauss(count: int) -> tuple[F64, F64]:
    """Gauss-Legendre nodes and weights on 0 to 1."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (x + 1) / 2, w / 2


def _escape(optical: Films, sliced: Sliced, film: Sequence[int], energy: F64, nodes: int) -> tuple[F64, F64]:
    """Absorptance (E,) of a film for light from the front and from the back hemisphere: mean over 2 mu dmu and
    both polarisations.
    """
    from perotwin.optics import kernels

    mu, weight = _gauss(nodes)
    first, second = optical.media.T
    target = np.where(np.isin(first, film)[:, None], sliced.share, 0.0)
    target += np.where(np.isin(second, film)[:, None], 1.0 - sliced.share, 0.0)
    k0 = 2 * np.pi * energy / HC
    found = kernels.escape(
        sliced.index, optical.sizes, optical.flags, k0, np.sqrt(1 - mu**2), 2 * mu * weight, target
    )
    return found[0], found[1]


class Rays(NamedTuple):
    """Rays that an emitter sends out: cosines to the normal and weights, (A, E), by photon energy.

    `before` slices of the films lie in front of the emitter; those from `after` on lie behind it. The weights of one
    energy add up to one.
    """

    before: int
    after: int
    mu: F64
    weight: F64


def rays(optical: Films, sliced: Sliced, film: Sequence[int]) -> Rays:
    """Rays from the layers `film`, neighbours of one material, at the energies of `sliced`.

    Between the angles where air and thick layers stop carrying it, a ray meets guided waves of the films around, whose
    resonances are far narrower than any affordable set of angles. So the angles move on from energy to energy by the
    golden section of their distance: each resonance moves past, and the double integral converges as that of a lattice
    rule does (I. H. Sloan, S. Joe, Lattice Methods for Multiple Integration, Oxford 1994), after the sine transform
    has made the integrand periodic (A. Sidi, ISNM 112, 359 (1993), doi:10.1007/978-3-0348-6338-4_27). What one energy
    alone tells is rough.
    """
    own = [i for i, piece in enumerate(optical.slices) if piece.first in film and piece.second in film]
    if own:
        before, after = own[0], own[-1] + 1
    else:  # the rough faces' zones fill the layer: part at its middle, or at the end that a single zone leaves
        in_front = [i for i, piece in enumerate(optical.slices) if piece.second in film]
        behind = [i for i, piece in enumerate(optical.slices) if piece.first in film]
        before = after = behind[0] if behind else in_front[-1] + 1
    n = sliced.layers[film[0]].real
    # one for each thick film, however many layers it consists of
    thick = {
        optical.film[piece.first]: sliced.index[i + 1].real
        for i, piece in enumerate(optical.slices)
        if not piece.coherent
    }
    # the reflectances have corners where air, or a thick layer, stops carrying the ray
    corners = [
        np.zeros_like(n),
        *(np.sqrt(np.maximum(0, 1 - (b / n) ** 2)) for b in (1.0, *thick.values())),
        np.ones_like(n),
    ]
    bounds = np.sort(np.array(corners), axis=0)
    mu, weight = [], []
    for piece, (start, end) in enumerate(itertools.pairwise(bounds)):
        count = _RAYS if piece else _TRAPPED
        place = (
            (np.arange(count)[:, None] + _GOLDEN * (np.arange(len(n)) + piece / len(bounds))) / count % 1.0
        )
        mu.append(start + (end - start) * (place - np.sin(2 * np.pi * place) / (2 * np.pi)))
        weight.append((end - start) * (1 - np.cos(2 * np.pi * place)) / count)
    return Rays(before, after, np.maximum(np.concatenate(mu), _GRAZING), np.concatenate(weight))


def _fates(optical: Films, sliced: Sliced, film: Sequence[int], energy: F64, depth: F64) -> F64:
    """Fate of a film's internal emission by rays: shares (L + 2, E) that each layer absorbs, that escape, and that
    the film itself absorbs again (the rows of its layers are left at zero).

    Parameters
    ----------
    depth : (E,) absorption coefficient times thickness.
    """
    from perotwin.optics import kernels

    emitter = film[0]
    return kernels.rays(
        sliced.index,
        optical.sizes,
        optical.flags,
        2 * np.pi * energy / HC,
        np.ascontiguousarray(sliced.layers[emitter].real),
        depth,
        rays(optical, sliced, film),
        np.where(np.isin(optical.media, film), emitter, optical.media),
        sliced.share,
        emitter,
        len(optical.names),
    )
