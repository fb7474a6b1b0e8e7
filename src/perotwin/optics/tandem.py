"""The optics of a tandem: one coherent calculation of all its layers, told by junction, and the light that one
junction makes for another (see `luminescent_coupling`). A tandem with columns side by side has one such calculation for
each tandem without columns that it consists of, and each junction gets the mean by area of those that it is part of.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError
from perotwin.measurement.checks import Checks
from perotwin.optics.emission import Emission, emit
from perotwin.optics.films import films
from perotwin.optics.generation import Absorption, absorb
from perotwin.optics.luminescent_coupling import Coupling, balanced, between_absorbers
from perotwin.optics.parallel import mean_absorption, mean_emission, on_one_grid, refuse_unlike_suns
from perotwin.optics.reuse import reusable, seen

if TYPE_CHECKING:
    from perotwin.stack import Tandem

__all__ = ["Coupling", "Parts", "parts"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """The optics of a tandem, whole and by junction; "top.covered" is a junction for each column of its own.

    Attributes
    ----------
    whole : per area of the whole tandem. Without columns all layers and intervals, as `absorb` finds them. With columns
        the spectra are means by area, layers of one name count as one ("top perovskite" in all columns), `faces` and
        `spectral` are empty. `generation` is that of the junctions one after the other, times their areas. Checks and
        notes are here alone; with columns, those of each begin with its name. None without light.
    emission : of all absorbers per area of the whole tandem, as `emit` finds it, checks and notes as in `whole`; None
        where nothing emits in detailed balance.
    absorption : by junction, per area of the junction: faces from the front of its first electrical layer; photon flux
        and generation times the junction's own intensity. Its own layers are called as in its stack; the others keep
        the tandem's names ("bottom perovskite"). None without light.
    emissions : by junction, called likewise; without absorbers where `emission` is None.
    coupling : light of one absorber in another, of another junction or of its own.
    """

    whole: Absorption | None
    emission: Emission | None
    absorption: dict[str, Absorption | None]
    emissions: dict[str, Emission]
    coupling: tuple[Coupling, ...]


@reusable
def parts(
    tandem: Tandem,
    faces: Mapping[str, ArrayLike],
    *,
    light: bool = True,
    emission: bool = True,
    wavelength: ArrayLike | None = None,
) -> Parts:
    """Where a tandem's light goes, what its absorbers emit, and what of it other junctions absorb.

    Parameters
    ----------
    tandem : `light.generation` says how generation is found. A prescribed rate means all absorbers, as in any stack;
        depths then count through the electrical layers of all junctions.
    faces : for each of `tandem.stacks` (M + 1,) ascending positions, m from the front of its first electrical layer,
        layer boundaries among them.
    light, emission : False leaves out where light goes, or what is emitted and coupled.
    wavelength : (W,), m, see `absorb`. `spectral` holds the fractions of the photons that fall on the whole; times the
        intensity of the junction they generate.

    Raises
    ------
    InputError : faces of a junction are missing; one sun of a laser is not the same for all columns; and see `absorb`
        and `emit`.
    OutOfRangeError : see `absorb`.
    """
    missing = [name for name in tandem.stacks if name not in faces]
    if missing:
        raise InputError(
            f"there are no faces for {', '.join(missing)}.", "Give an array for each of tandem.stacks."
        )
    patchy = list(tandem.stacks) != list(tandem.cells)
    alike: dict[Any, Parts] = {}
    areas, found, names = [], [], []
    for area, elements, plain in tandem.columns:
        ends = {which: np.asarray(faces[name], float) for which, name in elements.items()}
        # columns often differ in what light does not see
        key = (seen(plain), *(end.tobytes() for end in ends.values())) if patchy else None
        if key not in alike:
            alike[key] = _of_one_row(plain, ends, light, emission, wavelength)
        found.append(alike[key])
        areas.append(area)
        names.append(elements)
    return _side_by_side(tandem, areas, names, found, wavelength is None) if patchy else found[0]


# --- without columns --------------------------------------------------------------------------------------------------


def _of_one_row(
    tandem: Tandem, ends: Mapping[str, F64], light: bool, emission: bool, wavelength: ArrayLike | None
) -> Parts:
    """The optics of a tandem without columns."""
    rows: dict[str, slice] = {}
    pieces, count, depth = [np.zeros(1)], 0, 0.0
    for which, end in ends.items():
        rows[which] = slice(count, count + len(end) - 1)
        pieces.append(depth + (end[1:] - end[0]))
        count, depth = rows[which].stop, depth + float(end[-1] - end[0])
    faces = np.concatenate(pieces)
    kind = tandem.light.generation.kind
    follows = any(balanced(tandem, layer.name) for layer in tandem.layer)
    optical = films(tandem) if kind == "optics" or (follows and kind != "step") else None
    whole = absorb(tandem, faces, wavelength=wavelength, optical=optical) if light else None
    emitted = None
    if emission and (kind in ("optics", "step") or follows):
        emitted = emit(tandem, optical=optical)
    absorption: dict[str, Absorption | None] = dict.fromkeys(ends)
    if whole is not None:
        own = {which: _of_junction(tandem, which, whole, rows[which], ends[which]) for which in ends}
        absorption = dict(own)
        whole = replace(whole, generation=np.concatenate([one.generation for one in own.values()]))
    coupling: tuple[Coupling, ...] = ()
    if emitted is not None and optical is not None:
        coupling = tuple(between_absorbers(tandem, optical, emitted, faces, rows))
    return Parts(
        whole=whole,
        emission=emitted,
        absorption=absorption,
        emissions={which: _emission_of(tandem, which, emitted) for which in ends},
        coupling=coupling,
    )


def _short(tandem: Tandem, which: str) -> dict[str, str]:
    """The tandem's names of a junction's layers, and what the junction calls them."""
    return {f"{which} {layer.name}": layer.name for layer in tandem.stacks[which].layer}


def _of_junction(tandem: Tandem, which: str, whole: Absorption, rows: slice, faces: F64) -> Absorption:
    """The part of the absorption that is a junction's."""
    factor = float(tandem.stacks[which].light.intensity)
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
    films = () if whole is None else whole.films
    theirs = tuple(tuple(own[name] for name in film) for film in films if film[0] in own)
    return Emission(float(tandem.temperature), mine, {}, (), theirs)


# --- columns side by side ---------------------------------------------------------------------------------------------


def _side_by_side(
    tandem: Tandem,
    areas: Sequence[float],
    names: Sequence[Mapping[str, str]],
    found: Sequence[Parts],
    own_sun: bool,
) -> Parts:
    """The means by area of the tandems without columns that a tandem consists of; see `Tandem.columns`.

    own_sun : whether the photon flux of a laser is the one sun of each.
    """
    where = {
        element: [row for row, chosen in enumerate(names) if chosen[which] == element]
        for which in tandem.cells
        for element in dict.fromkeys(chosen[which] for chosen in names)
    }
    total = tandem.areas
    labels = [", ".join(name for which, name in chosen.items() if name != which) for chosen in names]
    absorption: dict[str, Absorption | None] = dict.fromkeys(where)
    whole = None
    lit = [one.whole for one in found if one.whole is not None]
    if lit:
        if own_sun:
            refuse_unlike_suns(lit)
        plain = [one for _, _, one in tandem.columns]
        lit = on_one_grid(plain, lit, float(tandem.light.intensity))
        for element, rows in where.items():
            each = [_at_wavelengths(plain[row], names[row], element, lit[row], found[row]) for row in rows]
            absorption[element] = _mean_of_junction([areas[row] / total[element] for row in rows], each)
        generation = [
            total[element] * one.generation for element, one in absorption.items() if one is not None
        ]
        checks, notes = _told(labels, [(one.checks, one.notes) for one in lit])
        whole = replace(
            mean_absorption(areas, lit), generation=np.concatenate(generation), checks=checks, notes=notes
        )
    emissions = {
        element: mean_emission(
            [areas[row] / total[element] for row in rows],
            [found[row].emissions[element.partition(".")[0]] for row in rows],
        )
        for element, rows in where.items()
    }
    emitted = [(area, label, one.emission) for area, label, one in zip(areas, labels, found, strict=True)]
    dark = [(area, label, one) for area, label, one in emitted if one is not None]
    emission = None
    if dark:
        checks, notes = _told(
            [label for _, label, _ in dark], [(one.checks, one.notes) for _, _, one in dark]
        )
        mean = mean_emission([area for area, _, _ in dark], [one for _, _, one in dark])
        emission = replace(mean, checks=checks, notes=notes)
    return Parts(
        whole=whole,
        emission=emission,
        absorption=absorption,
        emissions=emissions,
        coupling=_mean_coupling(areas, names, found, emissions, total),
    )


def _at_wavelengths(
    tandem: Tandem, names: Mapping[str, str], element: str, whole: Absorption, own: Parts
) -> Absorption:
    """What one of the tandems without columns gives a junction, at the wavelengths of all (those of `whole`)."""
    which = element.partition(".")[0]
    sizes = {one: _lit(own, one).generation.size for one in names}
    first = sum(size for _, size in itertools.takewhile(lambda item: item[0] != which, sizes.items()))
    return replace(
        _lit(own, which),
        wavelength=whole.wavelength,
        photon_flux=float(tandem.stacks[which].light.intensity) * whole.photon_flux,
        reflectance=whole.reflectance,
        transmittance=whole.transmittance,
        absorptance=whole.absorptance,
        spectral=whole.spectral[:, first : first + sizes[which]],
    )


def _lit(found: Parts, which: str) -> Absorption:
    one = found.absorption[which]
    assert one is not None  # light was asked for
    return one


def _mean_of_junction(weights: Sequence[float], found: Sequence[Absorption]) -> Absorption:
    """The mean of what tandems without columns give one junction, all at the same wavelengths."""
    generation, spectral = np.zeros_like(found[0].generation), np.zeros_like(found[0].spectral)
    for weight, one in zip(weights, found, strict=True):
        generation += weight * one.generation
        spectral += weight * one.spectral
    mean = mean_absorption(weights, found)
    return replace(mean, faces=found[0].faces, generation=generation, spectral=spectral)


def _told(
    labels: Sequence[str], each: Sequence[tuple[Checks, tuple[str, ...]]]
) -> tuple[Checks, tuple[str, ...]]:
    """Checks of all, by whose they are, and notes; those that all have are told once."""
    checks = {
        f"{label}: {row}": one
        for label, (rows, _) in zip(labels, each, strict=True)
        for row, one in rows.items()
    }
    notes: dict[str, None] = {}
    for label, (_, told) in zip(labels, each, strict=True):
        for note in told:
            shared = all(note in others for _, others in each)
            notes[note if shared else f"{label}: {note}"] = None
    return checks, tuple(notes)


def _mean_coupling(
    areas: Sequence[float],
    names: Sequence[Mapping[str, str]],
    found: Sequence[Parts],
    emissions: Mapping[str, Emission],
    total: Mapping[str, float],
) -> tuple[Coupling, ...]:
    """Light that crosses within the tandems without columns, per area of the junctions that emit and receive it."""
    arriving: dict[tuple[str, str, str, str], tuple[float, F64]] = {}
    for area, chosen, one in zip(areas, names, found, strict=True):
        for light in one.coupling:
            # A m^-2 of the whole at equilibrium
            current = area * light.share * one.emissions[light.emitter].net_current(light.source)
            key = (chosen[light.emitter], light.source, chosen[light.receiver], light.into)
            before, spread = arriving.get(key, (0.0, np.zeros_like(light.profile)))
            arriving[key] = before + current, spread + current * light.profile
    coupling = []
    for (emitter, source, receiver, into), (current, spread) in arriving.items():
        share = current / (total[receiver] * emissions[emitter].net_current(source))
        coupling.append(Coupling(emitter, source, receiver, into, share, spread / current))
    return tuple(coupling)
