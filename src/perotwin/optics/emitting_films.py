"""Films that emit: neighbouring layers of one absorber, the light that two of them exchange, and how far below its gap
a film emits.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.materials import HC
from perotwin.optics.films import Films, optical_gap, same_constants
from perotwin.units import BOLTZMANN

if TYPE_CHECKING:
    from perotwin.materials import OpticalModel
    from perotwin.optics.cell import OpticalCell
    from perotwin.optics.emission import AbsorberEmission

__all__ = [
    "FarBelow", "absorption_edge", "balanced_exchange", "far_below", "film_name", "joined", "one_gap",
    "one_material", "share_of",
]  # fmt: skip

F64 = NDArray[np.float64]

#: Absorption in two passes that marks the edge of a film whose gap nobody states.
_HALF = 0.5


def joined(
    cell: OpticalCell, layers: Sequence[int], alike: Callable[[int, int], bool]
) -> list[tuple[int, ...]]:
    """Layers that are neighbours in one junction and of one absorber, together.

    Parameters
    ----------
    layers : indices, ascending. alike : whether two neighbours are of one material.

    Returns
    -------
    Indices of the layers of each film, from front to back.
    """
    homes = {
        f"{which} {layer.name}".strip(): which
        for which, stack in cell.stacks.items()
        for layer in stack.layer
    }
    at = [homes.get(layer.name) for layer in cell.layer]
    found: list[tuple[int, ...]] = []
    for index in layers:
        if found and found[-1][-1] == index - 1 and at[index - 1] == at[index] and alike(index - 1, index):
            found[-1] = (*found[-1], index)
        else:
            found.append((index,))
    return found


def one_gap(cell: OpticalCell) -> Callable[[int, int], bool]:
    """Whether two layers have one bandgap, which is all that a step absorptance knows of them."""
    temperature = float(cell.temperature)
    gaps = [optical_gap(layer, temperature) for layer in cell.layer]
    return lambda one, other: gaps[one] == gaps[other]


def one_material(optical: Films) -> Callable[[int, int], bool]:
    """Whether two layers have the same optical constants."""
    return lambda one, other: same_constants(optical.models[one], optical.models[other])


def share_of(film: Sequence[int], index: int, optical: Films) -> float:
    """A layer's part of its film by thickness."""
    return float(optical.thickness[index] / optical.thickness[list(film)].sum()) if len(film) > 1 else 1.0


def film_name(film: Sequence[int], optical: Films) -> str:
    """What a film is called: by its layer, or by its first and its last one."""
    first, last = optical.names[film[0]], optical.names[film[-1]]
    return first if first == last else f"{first} to {last}"


def balanced_exchange(
    films: Sequence[tuple[int, ...]], parts: Sequence[AbsorberEmission], optical: Films
) -> list[AbsorberEmission]:
    """What films emit, where each two of them exchange one rate (R_ij = R_ji), spread over their layers by thickness.

    At equilibrium a film takes from another what it sends there (W. van Roosbroeck, W. Shockley, Phys. Rev. 94, 1558
    (1954), doi:10.1103/PhysRev.94.1558). Each of the two is followed by rays of its own, and what the one says of the
    other differs by the error of rays. That error is a part of all that a film emits, so the one that emits less has
    the larger say.

    Parameters
    ----------
    films : indices of layers, see `joined`. parts : emission of each, whole.
    """
    found = list(parts)
    for (i, first), (j, second) in itertools.combinations(enumerate(films), 2):
        one, two = found[i], found[j]
        there = sum(one.taken[optical.names[index]] for index in second)
        back = sum(two.taken[optical.names[index]] for index in first)
        rate = (there * two.internal + back * one.internal) / (one.internal + two.internal)
        found[i] = one.taken_by({optical.names[n]: rate * share_of(second, n, optical) for n in second})
        found[j] = two.taken_by({optical.names[n]: rate * share_of(first, n, optical) for n in first})
    return found


def absorption_edge(model: OpticalModel, thickness: float) -> float:
    """Energy (eV) above which a film of which no gap is stated absorbs half of what passes it twice; where it never
    does, that at which its absorption rises most steeply.

    Parameters
    ----------
    thickness : m.
    """
    shortest, longest = model.range
    energy = np.arange(HC / min(longest, 3e-6), HC / max(shortest, 3e-7), 2e-3)
    rise = model.index(HC / energy).imag * energy
    absorbed = -np.expm1(-8 * np.pi / HC * rise * thickness)
    clear = np.flatnonzero(absorbed < _HALF)
    if 0 < clear.size < energy.size and clear[-1] + 1 < energy.size:
        # from the blue down: a dip within the absorbing range is not the edge of a film that is clear in the red
        opaque = np.flatnonzero(absorbed >= _HALF)
        return float(energy[opaque[0]])
    return float(energy[np.argmax(np.gradient(rise, energy))])


@dataclass(frozen=True)
class FarBelow:
    """What of a film's net emission comes from far below its gap.

    Attributes
    ----------
    share : of the net emission. energy : its mean, eV. gap : eV. reach : how far below counts, eV.
    table : what the optical constants are called. extinction : k there, by the light that it emits.
    edge : wavelength from which k no longer falls, m.
    """

    share: float
    energy: float
    gap: float
    reach: float
    table: str
    extinction: float
    edge: float

    def told(self, temperature: float) -> str:
        """A sentence for people at `temperature` (K)."""
        cost = -BOLTZMANN * temperature * np.log1p(-min(self.share, 1 - 1e-12)) * 1e3
        end = f"{self.edge * 1e9:.0f} nm"
        return (
            f"{self.share:.1%} of the net emission comes from more than {self.reach:g} eV below the gap of "
            f"{self.gap:.4g} eV, at {self.energy:.3g} eV on average, where {self.table} holds k = "
            f"{self.extinction:.2g}. That costs at least {cost:.0f} mV of the radiative limit. So weak an absorption "
            f"is usually the noise of the measurement: set k to 0 beyond {end} in the table, or write "
            f'transparent_beyond = "{end}" beside its path; where it is the edge of the film, state that as its '
            "bandgap."
        )


def far_below(model: OpticalModel, gap: float, reach: float, energy: F64, net: F64) -> FarBelow:
    """Where a film emits below its gap.

    Parameters
    ----------
    gap, reach : eV. energy : (E,) ascending, eV. net : (E,) spectrum of what does not come back, A m^-2 eV^-1.
    """
    deep = net * (energy < gap - reach)
    whole, part = float(np.trapezoid(net, energy)), float(np.trapezoid(deep, energy))
    if not (part > 0.0 and whole > 0.0):
        return FarBelow(0.0, gap, gap, reach, model.name, 0.0, HC / gap)
    extinction = model.index(HC / energy).imag
    level = float(np.trapezoid(deep * extinction, energy)) / part
    # down from the gap, the first energy at which k has come down to that level
    below = energy[(energy < gap) & (extinction <= 1.2 * level)]
    edge = HC / float(below[-1]) if below.size else HC / (gap - reach)
    return FarBelow(
        share=part / whole,
        energy=float(np.trapezoid(deep * energy, energy)) / part,
        gap=gap,
        reach=reach,
        table=model.name,
        extinction=level,
        edge=edge,
    )
