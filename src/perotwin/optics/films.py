"""A cell as the transfer matrix sees it: flat slices with refractive indices, and the way back to its
layers.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError, OutOfRangeError
from perotwin.materials import OpticalModel, Tabulated, optical, read_csv, refractiveindex_page
from perotwin.materials.tables import refuse_transparent
from perotwin.optics.roughness import Zone, bruggeman, shares, zones
from perotwin.optics.transfer_matrix import Polarisation, Response, solve
from perotwin.units import BOLTZMANN

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell
    from perotwin.stack import Layer, PageMaterial, TableMaterial

__all__ = ["Films", "LitFilms", "films", "material", "optical_gap", "same_constants", "urbach_energy"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]
Side = Literal["front", "back"]

#: K, at which numbers hold that state no temperature
_REFERENCE = 298.15

#: Wavelengths (m) at which two models are compared.
_LOOKED_AT = np.linspace(300e-9, 2000e-9, 171)

#: Urbach energy over kT above which emission from a tail hardly decays towards low energies
STEEPEST_TAIL = 0.8


def optical_gap(layer: Layer, temperature: float) -> float | None:
    """Bandgap (eV) of a layer's light at `temperature` (K): as stated, moved by its temperature coefficient;
    None if unstated.
    """
    electronic = layer.electronic
    gap = layer.bandgap
    if gap is None:
        gap = None if electronic is None else electronic.bandgap
    if gap is None:
        return None
    if electronic is None or electronic.reference_temperature is None:
        return float(gap)
    slope, reference = electronic.bandgap_temperature_coefficient, electronic.reference_temperature
    return float(gap) + float(slope) * (temperature - float(reference))


def urbach_energy(layer: Layer, temperature: float) -> float:
    """Urbach energy (eV) of a layer at `temperature` (K).

    As stated, which is at the layer's reference temperature, 298.15 K unless it states one. Tails narrow in the cold
    (in lead iodide perovskites from some 14 meV at room temperature towards 4 meV: M. Ledinsky et al., J. Phys. Chem.
    Lett. 10, 1368 (2019), doi:10.1021/acs.jpclett.9b00138). With a width that stays, emission, which goes with alpha
    exp(-E / kT), would grow without end below the gap once kT is less. So from where the stated width reaches
    `STEEPEST_TAIL` kT the tail is kT wide times that, by the rule of a constant steepness (F. Urbach, Phys. Rev. 92,
    1324 (1953), doi:10.1103/PhysRev.92.1324); one that is wider than that at its own temperature narrows in proportion
    to it. Nothing changes above the reference temperature.
    """
    stated = float(layer.urbach_energy)
    electronic = layer.electronic
    reference = _REFERENCE
    if electronic is not None and electronic.reference_temperature is not None:
        reference = float(electronic.reference_temperature)
    if temperature >= reference:
        return stated
    return min(stated, max(STEEPEST_TAIL * BOLTZMANN * temperature, stated * temperature / reference))


def material(layer: Layer, temperature: float = 298.15) -> OpticalModel:
    """The optical model of a layer at `temperature` (K).

    Raises
    ------
    InputError : the layer has no material, or one that does not exist or cannot be read.
    """
    if layer.material is None:
        raise InputError(
            f'the layer "{layer.name}" has no material, so that no light can be followed through it.',
            'Add material = "..." to the layer.',
            key=f"{layer.name}.material",
        )
    if not isinstance(layer.material, str):
        table = _own(layer.material, layer.name, layer.extrapolate)
        end = layer.material.transparent_beyond
        return table if end is None else table.transparent_beyond(float(end))
    return optical(
        layer.material,
        bandgap=optical_gap(layer, temperature),
        urbach_energy=urbach_energy(layer, temperature),
        extrapolate=layer.extrapolate,
    )


def _own(chosen: TableMaterial | PageMaterial, layer: str, extrapolate: bool) -> Tabulated:
    """Optical constants that a stack file brings or names by itself."""
    if chosen.kind == "table":
        return read_csv(chosen.path, extrapolate=extrapolate)
    try:
        page = refractiveindex_page(chosen.shelf, chosen.book, chosen.page, extrapolate=extrapolate)
    except InputError as error:
        raise InputError(error.message, error.advice, key=f"{layer}.material") from None
    if np.any(page.values.imag > 0):
        return page
    note = f"the page {chosen.shelf}/{chosen.book}/{chosen.page} holds no k, and is taken as transparent."
    return replace(page, notes=(note,))


@dataclass(frozen=True)
class _Slice:
    """A flat piece: pure (`fraction` 0) or a mixture of layer `first` and `second` (-1 is air)."""

    thickness: float
    coherent: bool
    start: float  # in the coordinate of the face or layer that it belongs to
    first: int
    second: int
    fraction: float
    #: of a mixture: how far the back of the first and the front of the second layer are from the rough face, m; more
    #: than nothing where lines within a film lie between
    away: tuple[float, float] = (0.0, 0.0)

    @property
    def pure(self) -> bool:
        return self.fraction == 0.0


@dataclass(frozen=True)
class Films:
    """All optical layers of a cell, in the order of its stack, sliced where faces are rough.

    Attributes
    ----------
    names : (L,) layer names. models : (L,). thickness : (L,), m, nominal.
    film : (L,), a number for the film that a layer belongs to: neighbours with the same optical constants and the same
        band edges, where both state them, are one.
    slices : flat pieces from front to back.
    notes : sentences about roughness and extrapolation.
    """

    names: tuple[str, ...]
    models: tuple[OpticalModel, ...]
    thickness: F64
    film: tuple[int, ...]
    slices: tuple[_Slice, ...]
    notes: tuple[str, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """(shortest, longest) wavelength (m) that every layer's data cover, or state an extrapolation for."""
        return max(model.limits[0] for model in self.models), min(model.limits[1] for model in self.models)

    def refuse(self, wavelength: ArrayLike) -> None:
        """Raise OutOfRangeError, naming layer and range, if some layer has no data at `wavelength` (m)."""
        for name, model in zip(self.names, self.models, strict=True):
            try:
                low, high = model.limits
                lam = np.asarray(wavelength, float)
                if lam.size and (lam.min() < low * (1 - 1e-9) or lam.max() > high * (1 + 1e-9)):
                    model.nk(lam)
            except OutOfRangeError as error:
                raise OutOfRangeError(error.message, error.advice, key=f"{name}.material") from None

    def lit(
        self,
        wavelength: ArrayLike,
        side: Side = "front",
        *,
        sine: ArrayLike = 0.0,
        polarisation: Polarisation = "unpolarised",
    ) -> LitFilms:
        """Light from air onto one side.

        Parameters
        ----------
        wavelength : (W,), m.
        side : "front" or "back".
        sine : of the angle of incidence; shape that broadcasts with (W,), for example (A, 1).

        Raises
        ------
        OutOfRangeError : a layer has no data at some wavelength.
        """
        lam = np.asarray(wavelength, float)
        self.refuse(lam)
        sliced = self.sliced(lam)
        order = slice(None) if side == "front" else slice(None, None, -1)
        response = solve(
            sliced.index[order],
            self.sizes[order],
            lam,
            coherent=self.flags[order],
            transverse=sine,
            polarisation=polarisation,
        )
        return LitFilms(self, side, response, sliced.share, range(len(self.slices)))

    def sliced(self, wavelength: F64) -> Sliced:
        """The refractive indices of slices and layers at some wavelengths (W,), m, whatever the range of the data."""
        layers = np.array([model.index(wavelength) for model in self.models])
        permittivity = np.concatenate([layers**2, np.ones((1, *layers.shape[1:]))])  # the last, -1, is air
        first, second = self.media.T
        index = np.ones((len(self.slices) + 2, *layers.shape[1:]), complex)
        index[1:-1] = layers[first]
        share = np.ones((len(self.slices), *layers.shape[1:]))
        rough = np.flatnonzero(self.fractions)
        if len(rough):
            one, two = permittivity[first[rough]], permittivity[second[rough]]
            fraction = self.fractions[rough][:, None]
            mixed = bruggeman(one, two, fraction)
            root = np.sqrt(mixed)
            index[rough + 1] = root.real + 1j * np.abs(root.imag)
            share[rough], _ = shares(one, two, mixed, fraction)
        return Sliced(layers, index, share)

    @cached_property
    def media(self) -> NDArray[np.int64]:
        """(S, 2), the two layers that each slice consists of, -1 for air; twice the same in a pure one."""
        return np.array([(piece.first, piece.second) for piece in self.slices], dtype=np.int64)

    @cached_property
    def fractions(self) -> F64:
        """(S,), share by volume of each slice's second medium."""
        return np.array([piece.fraction for piece in self.slices])

    @cached_property
    def sizes(self) -> F64:
        """(S,), thicknesses of the slices, m."""
        return np.array([piece.thickness for piece in self.slices])

    @cached_property
    def flags(self) -> NDArray[np.bool_]:
        """(S,), whether waves keep their phase in a slice."""
        return np.array([piece.coherent for piece in self.slices])


@dataclass(frozen=True)
class Sliced:
    """Optical constants of `Films` at some wavelengths (W,).

    layers : (L, W), complex indices. index : (S + 2, W), of the slices with air before and behind. share : (S, W), of
    what a slice absorbs, the part that its first medium absorbs.
    """

    layers: C128
    index: C128
    share: F64


@dataclass(frozen=True)
class LitFilms:
    """The response of `Films` to light on one side, told by layer.

    `reflectance` and `transmittance` have the shape (*S) of the light, fractions of the incident power. `share` is that
    of `Sliced`. `pieces` are the slices that the light meets, in the order of the stack: all, or those on one side of
    an emitter within.
    """

    films: Films
    side: Side
    response: Response
    share: F64
    pieces: range

    @property
    def reflectance(self) -> F64:
        """(*S), on the lit side."""
        return self.response.reflectance

    @property
    def transmittance(self) -> F64:
        """(*S), on the other side."""
        return self.response.transmittance

    def _slot(self, piece: int) -> int:
        return piece - self.pieces[0] if self.side == "front" else self.pieces[-1] - piece

    @property
    def by_piece(self) -> dict[int, F64]:
        """Fraction absorbed in each slice (*S), by its index in the films."""
        return {piece: self.response.absorptance[self._slot(piece)] for piece in self.pieces}

    @property
    def absorptance(self) -> F64:
        """(L, *S), fraction absorbed in each layer's material."""
        total = np.zeros((len(self.films.names), *self.response.reflectance.shape))
        for i, whole in self.by_piece.items():
            first, second = self.films.media[i]
            total[first] += self.share[i] * whole if first >= 0 else 0.0
            if second not in (first, -1):
                total[second] += (1.0 - self.share[i]) * whole
        return total

    def absorbed(self, layer: int, edges: ArrayLike) -> F64:
        """Fraction absorbed by one layer's material between `edges`, integrated exactly.

        Material that a rough face carries beyond the film's nominal face counts where it is missing inside
        it: at the mirror image about the face, in the layer of the film that lies there.

        Parameters
        ----------
        edges : (M + 1,) ascending, m from the layer's nominal front face.

        Returns
        -------
        (M, *S).
        """
        x = np.asarray(edges, float)
        thickness = float(self.films.thickness[layer])
        total = np.zeros((len(x) - 1, *self.response.reflectance.shape))
        for i in self.pieces:
            piece = self.films.slices[i]
            if piece.pure:
                if piece.first == layer:
                    self._add(total, i, x - piece.start, self.share[i])
                continue
            inside = piece.start < 0  # a slice of a zone lies on one side of its face
            if piece.first == layer:  # the zone is at the back of this layer's film
                beyond = (x - thickness) - piece.away[0]
                local = beyond if inside else -beyond[::-1]
                self._add(total, i, local - piece.start, self.share[i], flipped=not inside)
            elif piece.second == layer:  # at its front
                beyond = x + piece.away[1]
                local = -beyond[::-1] if inside else beyond
                self._add(total, i, local - piece.start, 1.0 - self.share[i], flipped=inside)
        return total

    def _add(self, total: F64, piece: int, local: F64, share: F64, *, flipped: bool = False) -> None:
        """Add what a slice absorbs between `local` edges (m from its front) to the intervals they bound."""
        thickness = self.films.slices[piece].thickness
        inside = np.flatnonzero((local[1:] > 0) & (local[:-1] < thickness))
        if not len(inside):
            return
        first, last = inside[0], inside[-1] + 1
        clipped = np.clip(local[first : last + 1], 0.0, thickness)
        if self.side == "front":
            found = self.response.absorbed(self._slot(piece), clipped)
        else:
            found = self.response.absorbed(self._slot(piece), thickness - clipped[::-1])[::-1]
        rows = slice(first, last)
        if flipped:
            found = found[::-1]
            rows = slice(len(total) - last, len(total) - first)
        total[rows] += share * found


def films(stack: OpticalCell) -> Films:
    """The optical layers of a cell.

    Raises
    ------
    InputError : a layer has no usable material, an absorber one that absorbs nothing.
    """
    layers = stack.layer
    temperature = float(stack.temperature)
    models = tuple(material(layer, temperature) for layer in layers)
    for layer, model in zip(layers, models, strict=True):
        if layer.role == "absorber":
            refuse_transparent(model, layer.name)
    thickness = np.array([float(layer.thickness) for layer in layers])
    film = _film_of_each(layers, models)
    rough, notes = zones(stack, film)
    zone_at = {zone.face: zone for zone in rough}
    width = {zone.face: zone.width for zone in rough}
    # how far each layer is from the front and from the back of its film
    from_front, from_back = _within(film, thickness), _within(film[::-1], thickness[::-1])[::-1]
    slices: list[_Slice] = []
    for face in range(len(layers) + 1):
        if face in zone_at:
            slices += _mixed(zone_at[face], film, from_front, from_back)
        if face < len(layers):
            first = film.index(film[face])
            last = first + film.count(film[face])
            start = max(width.get(first, 0.0) / 2 - from_front[face], 0.0)
            end = max(width.get(last, 0.0) / 2 - from_back[face], 0.0)
            rest = float(thickness[face]) - start - end
            if rest > 0:
                slices.append(_Slice(rest, layers[face].is_coherent, start, face, face, 0.0))
    told = [
        f"{layer.name}: {note}" for layer, model in zip(layers, models, strict=True) for note in model.notes
    ]
    return Films(
        names=tuple(layer.name for layer in layers),
        models=models,
        thickness=thickness,
        film=film,
        slices=tuple(slices),
        notes=(*notes, *told),
    )


def same_constants(one: OpticalModel, other: OpticalModel) -> bool:
    """Whether two models have the same optical constants."""
    return one is other or (
        one.range == other.range
        and one.extrapolate == other.extrapolate
        and np.array_equal(one.index(_LOOKED_AT), other.index(_LOOKED_AT))
    )


def _film_of_each(layers: Sequence[Layer], models: Sequence[OpticalModel]) -> tuple[int, ...]:
    """A number for the film that each layer belongs to, (L,)."""
    found = [0]
    for (one, own), (other, beside) in itertools.pairwise(zip(layers, models, strict=True)):
        found.append(found[-1] + (not (_same_bands(one, other) and same_constants(own, beside))))
    return tuple(found[: len(layers)])


def _same_bands(one: Layer, other: Layer) -> bool:
    """Whether two layers have the same band edges, as far as both state any; a table of optical constants may stand
    for two materials."""
    if one.electronic is None or other.electronic is None:
        return True
    return one.electronic.electron_affinity == other.electronic.electron_affinity and one.gap == other.gap


def _within(film: Sequence[int], thickness: F64) -> list[float]:
    """Distance of each layer from the first face of its film, m."""
    found = [0.0]
    for (one, other), size in zip(itertools.pairwise(film), thickness[:-1], strict=True):
        found.append(found[-1] + float(size) if one == other else 0.0)
    return found


def _mixed(
    zone: Zone, film: Sequence[int], from_front: Sequence[float], from_back: Sequence[float]
) -> Iterator[_Slice]:
    """The slices of a zone.

    They are cut where lines lie within the films on either side, and at the mirror images of these lines, for there the
    absorption of what a rough face carries across is counted. The parts of a slice stay one mixture: waves do not see
    the cuts.

    Parameters
    ----------
    from_front, from_back : (L,), distance of a layer's front from that of its film, and of its back, m.
    """
    behind = itertools.takewhile(lambda i: film[i] == film[zone.face - 1], range(zone.face - 1, -1, -1))
    ahead = itertools.takewhile(lambda i: film[i] == film[zone.face], range(zone.face, len(film)))
    first = [(from_back[i], i) for i in behind] or [(0.0, -1)]
    second = [(from_front[i], i) for i in ahead] or [(0.0, -1)]
    lines = {away for away, _ in (*first, *second) if 0.0 < away < zone.width / 2}
    cuts = sorted({*lines, *(-away for away in lines)})
    for near, far in itertools.pairwise(zone.edges()):
        fraction = 0.5 + (near + far) / 2 / zone.width
        for start, end in itertools.pairwise([near, *(cut for cut in cuts if near < cut < far), far]):
            depth = abs(start + end) / 2
            one, other = (side[bisect_right(side, (depth, len(film))) - 1] for side in (first, second))
            yield _Slice(end - start, True, start, one[1], other[1], fraction, (one[0], other[0]))
