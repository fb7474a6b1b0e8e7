"""The monolayer on the oxide: how it lands, what the solvent takes away, and what the surface then shows.

A patch of surface is a periodic square with molecules as discs of their van der Waals diameter. It is deposited by
random sequential adsorption and surface relaxation up to a stated packing, on an oxide some of whose grains anchor
badly; a polar solvent then takes molecules away, one by one, the sooner the fewer neighbours hold them.
What it then shows is the business of `patch`.

References: jamming of discs, J. Feder, J. Theor. Biol. 87, 237 (1980), doi:10.1016/0022-5193(80)90358-6; exact
saturation, G. Zhang and S. Torquato, Phys. Rev. E 88, 053312 (2013), doi:10.1103/PhysRevE.88.053312; kinetic Monte
Carlo, A. B. Bortz et al., J. Comput. Phys. 17, 10 (1975), doi:10.1016/0021-9991(75)90060-1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.errors import InputError, PerotwinError
from perotwin.recipe.library import from_library
from perotwin.recipe.oxide_surface import ADDITIVE, BARE, PIXEL, PROBE, SAM, Oxide, Patch, Surface, survey
from perotwin.stack.quantity_fields import Dim, Length, Model, NonNegativeEnergy
from perotwin.units import BOLTZMANN, Quantity

__all__ = [
    "ADDITIVE",
    "BARE",
    "PIXEL",
    "PROBE",
    "ROOM",
    "SAM",
    "History",
    "Monolayer",
    "Oxide",
    "Patch",
    "Saturation",
    "Surface",
    "check_temperature",
    "delaminate",
    "deposit",
    "eyring",
    "random_state",
    "saturate",
    "survey",
]

#: temperature at which rates are stated, K
ROOM = 298.15

#: Planck's constant, eV s (CODATA 2018, exact)
_PLANCK = 4.135667696e-15
#: a disc that squeezes into a monolayer lands as one of this relative diameter, before its neighbours make room
_LANDING = 0.8
#: passes that neighbours get to make room, and rounds of landing
_PASSES, _ROUNDS = 400, 4
#: Monte Carlo moves per molecule after that, and their length in diameters
_SWEEPS, _MOVE = 10, 0.05
#: attempts of plain random sequential adsorption per place that a molecule takes, before voxels take over
_PLAIN = 5
#: distance between the points at which the oxide's grains are stored, m
_RASTER = 0.5e-9
#: a square is at least this many molecules wide: the cells that find neighbours need three times the longest reach
_LEAST_WIDTH = 8
#: the densest packing of equal discs
_HEXAGONAL = math.pi / math.sqrt(12.0)

_Packing = Annotated[
    Quantity,
    Dim("fraction", above=0, most=0.81, because=": discs in disorder jam soon after"),
]
_Share = Annotated[Quantity, Dim("fraction", least=0, most=1)]
Rate = Annotated[Quantity, Dim("frequency", least=0)]


class Monolayer(Model):
    """How a self-assembled monolayer sits on its oxide; one set of numbers for every sample.

    Attributes
    ----------
    packing : area fraction of van der Waals discs to which the monolayer fills where it anchors well.
    oxide_grain : diameter of a circle of the mean grain's area, m.
    reluctant_share : share of the oxide's area in grains on which molecules anchor badly.
    reluctant_packing : as `packing`, on these grains.
    weaker_anchoring : by how much less energy a molecule leaves such a grain, eV.
    desorption_rate : rate at which a molecule without neighbours leaves into the solvent at 298.15 K, s^-1.
    cohesion : energy by which each neighbour of its kind holds a molecule, eV.
    additive_cohesion : energy by which each neighbour of the additive holds a molecule of the SAM, eV.
    cohesion_gap : molecules whose edges are no farther apart than this hold each other, m.
    """

    packing: _Packing
    oxide_grain: Length
    reluctant_share: _Share
    reluctant_packing: _Packing
    weaker_anchoring: NonNegativeEnergy
    desorption_rate: Rate
    cohesion: NonNegativeEnergy
    additive_cohesion: NonNegativeEnergy
    cohesion_gap: Length

    @classmethod
    def library(cls) -> Monolayer:
        """The numbers that come with perotwin, each with its assumed range."""
        return from_library(cls, "monolayer")


# --- deposition -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Saturation:
    """Discs of one diameter at random until no more fits.

    Attributes
    ----------
    side, diameter : m.
    positions : (N, 2), m, in the order in which they landed.
    attempts : (N,), how many attempts on the whole square it took until each landed.
    """

    side: float
    diameter: float
    positions: NDArray[np.float64]
    attempts: NDArray[np.float64]

    @property
    def coverage(self) -> float:
        """Share of the area under discs."""
        return self.positions.shape[0] * 0.25 * math.pi * self.diameter**2 / self.side**2

    def coverage_after(self, attempts_per_disc_area: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coverage after some attempts per area of one disc (the time of random sequential adsorption)."""
        disc = 0.25 * math.pi * self.diameter**2
        attempts = np.asarray(attempts_per_disc_area) * self.side**2 / disc
        landed: NDArray[np.float64] = np.searchsorted(self.attempts, attempts, side="right").astype(float)
        return landed * disc / self.side**2


def saturate(side: float, diameter: float, seed: int = 0) -> Saturation:
    """Random sequential adsorption of equal discs on a periodic square until certainly no more fits.

    Parameters
    ----------
    side, diameter : m.
    seed : whole number, not negative.
    """
    from perotwin.recipe import kernels

    _check_square(side, diameter)
    _announce_compilation()
    room, disc = _room(side, diameter), 0.25 * math.pi * diameter**2
    pos, rad, when = np.empty((room, 2)), np.empty(room), np.empty(room)
    sort, quota, held = np.zeros((1, 1), np.uint8), np.array([room, room]), np.zeros(2, np.int64)
    plain = int(_PLAIN * side**2 / disc)
    n = kernels.adsorb(
        pos, rad, when, 0, 0.5 * diameter, side, sort, quota, held, plain, random_state(seed, 0, 0)
    )
    return Saturation(side, diameter, pos[:n].copy(), when[:n].copy())


def _grow_oxide(side: float, monolayer: Monolayer, seed: int) -> Oxide:
    """Grains of the stated mean area; reluctant ones are drawn until they take the share that comes nearest."""
    from scipy.spatial import cKDTree

    random = np.random.default_rng([seed, 0, 1])
    grains = max(round(side**2 / (0.25 * math.pi * monolayer.oxide_grain**2)), 1)
    seeds = random.uniform(0.0, side, (grains, 2))
    cells = max(math.ceil(side / _RASTER), 8)
    middle = (np.arange(cells) + 0.5) * (side / cells)
    points = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
    grain = cKDTree(seeds, boxsize=side).query(points)[1].reshape(cells, cells).astype(np.int32)
    order = random.permutation(grains)
    area = np.bincount(grain.ravel(), minlength=grains)[order] / grain.size
    taken = np.concatenate([[0.0], np.cumsum(area)])
    reluctant = np.zeros(grains, bool)
    reluctant[order[: int(np.argmin(np.abs(taken - monolayer.reluctant_share)))]] = True
    return Oxide(side, seeds, reluctant, grain)


def deposit(
    molecule_diameter: float,
    monolayer: Monolayer,
    *,
    side: float = 200e-9,
    temperature: float = ROOM,
    seed: int = 0,
) -> Patch:
    """A monolayer as deposited.

    Molecules land at random until no more fits (random sequential adsorption). Then more squeeze in: they land in the
    gaps and their neighbours make room, until each sort of grain has its packing; at last all move at random
    (Metropolis, with their cohesion), as molecules on a surface do.

    Parameters
    ----------
    molecule_diameter : van der Waals diameter across the long axis, m.
    monolayer : parameters.
    side : m.
    temperature : of the solution, K; it weighs the cohesion of molecules that move.
    seed : whole number, not negative; the same seed gives the same patch, bit for bit.

    Raises
    ------
    InputError : a diameter, side, temperature or seed that cannot be.
    PerotwinError : the packing is not reached.
    """
    from perotwin.recipe import kernels

    _check_square(side, molecule_diameter)
    check_temperature(temperature)
    if monolayer.reluctant_packing > monolayer.packing:
        raise InputError(
            "molecules pack more densely on grains where they anchor badly than elsewhere.",
            "Give a reluctant_packing that is at most the packing.",
            key="monolayer.reluctant_packing",
        )
    _announce_compilation()
    state = random_state(seed, 0, 0)
    oxide = _grow_oxide(side, monolayer, seed)
    d, radius, room = molecule_diameter, 0.5 * molecule_diameter, _room(side, molecule_diameter)
    places = side**2 / (math.pi * radius**2)
    share = oxide.reluctant_share
    quota = np.array(
        [
            round((1.0 - share) * monolayer.packing * places),
            round(share * monolayer.reluctant_packing * places),
        ]
    )
    held, sort = np.zeros(2, np.int64), oxide.sort
    pos, rad, when = np.empty((room, 2)), np.full(room, radius), np.empty(room)
    n = kernels.adsorb(pos, rad, when, 0, radius, side, sort, quota, held, int(_PLAIN * places), state)
    rounds = 0
    while n < quota.sum():
        rounds += 1
        rad[:n] = _LANDING * radius
        n = kernels.adsorb(pos, rad, when, n, _LANDING * radius, side, sort, quota, held, 0, state)
        rad[:n] = radius
        kernels.sort_by_cell(pos, n, side, d)
        overlap = kernels.separate(pos, rad, n, side, _PASSES)
        if overlap > 0.0 or (rounds == _ROUNDS and n < quota.sum()):
            raise PerotwinError(
                f"the molecules do not reach a packing of {float(monolayer.packing):.3g} on the oxide: they jam first.",
                "Lower monolayer.packing; discs in disorder jam at about 0.82.",
                packing=n / places,
                overlap=overlap,
            )
    kt = BOLTZMANN * temperature
    kernels.relax(
        pos, n, radius, side, _MOVE * d, d + monolayer.cohesion_gap, monolayer.cohesion / kt, sort,
        monolayer.weaker_anchoring / kt, held, _SWEEPS, state,
    )  # fmt: skip
    kernels.sort_by_cell(pos, n, side, d)
    return Patch(
        side, pos[:n].copy(), np.zeros(n, np.int8), (float(molecule_diameter), math.nan), oxide, seed
    )


# --- delamination ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class History:
    """A patch against its time in a solvent.

    Attributes
    ----------
    start : the patch that went in.
    times : (T,), s.
    left : (N,), s: when each molecule of `start` left; infinite for those that were still there at the end.
    """

    start: Patch
    times: NDArray[np.float64]
    left: NDArray[np.float64]

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """The patch at each of the times."""
        return tuple(self._at(time) for time in self.times)

    @property
    def end(self) -> Patch:
        """The patch at the last of the times."""
        return self.patches[-1]

    def _at(self, time: float) -> Patch:
        here = self.left > time
        start = self.start
        return replace(start, positions=start.positions[here], kind=start.kind[here], step=start.step + 1)

    def remaining(self, kind: int = SAM) -> NDArray[np.float64]:
        """(T,): share of the molecules of a kind that are still there."""
        left = np.sort(self.left[self.start.kind == kind])
        return 1.0 - np.searchsorted(left, self.times, side="right") / max(left.size, 1)

    @cached_property
    def coverage(self) -> NDArray[np.float64]:
        """(T,): share of the area that belongs to the SAM."""
        return np.array([patch.coverage for patch in self.patches])

    @cached_property
    def compensated(self) -> NDArray[np.float64]:
        """(T,): share of the area that belongs to the additive."""
        return np.array([patch.compensated for patch in self.patches])

    @cached_property
    def bare_fraction(self) -> NDArray[np.float64]:
        """(T,): share of the area that is bare."""
        return np.array([patch.bare_fraction for patch in self.patches])

    @cached_property
    def patch_size(self) -> NDArray[np.float64]:
        """(T,), m: correlation length of the bare area."""
        return np.array([patch.patch_size for patch in self.patches])

    @cached_property
    def hole_diameters(self) -> tuple[NDArray[np.float64], ...]:
        """At each of the times the largest circle that fits in each hole, m."""
        return tuple(patch.hole_diameters for patch in self.patches)


def delaminate(
    patch: Patch,
    monolayer: Monolayer,
    times: Sequence[float] | NDArray[np.float64],
    temperature: float = ROOM,
    *,
    additive_rate: float = 0.0,
    seed: int | None = None,
) -> History:
    """A patch in a polar solvent that takes molecules away and brings none back.

    A molecule of the SAM with n neighbours of its kind and m of the additive leaves at the rate
    k(T) exp(-(n cohesion + m additive_cohesion) / kT), on reluctant grains exp(weaker_anchoring / kT) times as fast;
    neighbours are those whose edges are within `cohesion_gap`. k is `desorption_rate` at 298.15 K and follows Eyring's
    law at other temperatures. Each event is drawn one by one (kinetic Monte Carlo), so that the rates follow the
    neighbours that are left.

    Parameters
    ----------
    patch : what goes into the solvent.
    times : s, ascending, from 0 on: when to look.
    temperature : of the solvent, K.
    additive_rate : rate at which molecules of the additive leave, s^-1, whoever their neighbours are.
    seed : what the random numbers follow from; the patch's own seed and step unless given.

    Raises
    ------
    InputError : times that are negative or not ascending, a negative rate, an impossible temperature.
    """
    from perotwin.recipe import kernels

    when = np.atleast_1d(np.asarray(times, float))
    if when.ndim != 1 or when.size == 0 or not np.all(np.isfinite(when)) or when[0] < 0.0:
        raise InputError(
            "a time in the solvent is negative or not a number.", "Give times of 0 s or more.", key="times"
        )
    if np.any(np.diff(when) < 0.0):
        raise InputError("the times in the solvent do not ascend.", "Sort them.", key="times")
    if not (math.isfinite(additive_rate) and additive_rate >= 0.0):
        raise InputError(
            f"the additive cannot leave at a rate of {additive_rate:g} per second.",
            "Give a rate of 0 or more.",
            key="additive_rate",
        )
    check_temperature(temperature)
    _announce_compilation()
    kt = BOLTZMANN * temperature
    weak = patch.oxide.at(patch.positions)
    alone = _at_temperature(monolayer.desorption_rate, temperature) * np.exp(
        weak * monolayer.weaker_anchoring / kt
    )
    alone[patch.kind == ADDITIVE] = additive_rate
    weaken = np.ones((2, 2))
    weaken[SAM] = np.exp([-monolayer.cohesion / kt, -monolayer.additive_cohesion / kt])
    first, who = kernels.neighbours(
        patch.positions, patch.radii, len(patch.kind), patch.side, monolayer.cohesion_gap, False
    )
    state = random_state(patch.seed if seed is None else seed, patch.step, 2)
    left = kernels.desorb(first, who, patch.kind, alone, weaken, float(when[-1]), state)
    return History(patch, when, left)


def eyring(barrier: float, temperature: float) -> float:
    """Rate (s^-1) over a barrier (eV) with the prefactor kT/h.

    Reference: H. Eyring, J. Chem. Phys. 3, 107 (1935), doi:10.1063/1.1749604.
    """
    kt = BOLTZMANN * temperature
    return kt / _PLANCK * math.exp(-barrier / kt)


def _at_temperature(rate: float, temperature: float) -> float:
    """A rate that is stated at 298.15 K at another temperature, over the barrier that it implies."""
    if rate == 0.0:
        return 0.0
    kt = BOLTZMANN * ROOM
    return eyring(kt * math.log(kt / (_PLANCK * rate)), temperature)


# --- what is refused, and small change ------------------------------------------------------------


def _room(side: float, diameter: float) -> int:
    """Discs that a square can hold at most."""
    return int(_HEXAGONAL * side**2 / (0.25 * math.pi * diameter**2)) + 16


def random_state(seed: int, step: int, purpose: int) -> NDArray[np.uint64]:
    """State of the kernels' generator for one purpose."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"{seed!r} is no seed.", "Give a whole number that is not negative.", key="seed")
    words = np.random.SeedSequence([int(seed), step, purpose]).generate_state(4, np.uint64)
    return words.astype(np.uint64)


def _check_square(side: float, diameter: float) -> None:
    if not (math.isfinite(diameter) and diameter > 0.0):
        raise InputError(
            f"a molecule cannot have a diameter of {diameter:g} m.",
            "Give a length above zero.",
            key="diameter",
        )
    if not (math.isfinite(side) and side >= _LEAST_WIDTH * diameter):
        raise InputError(
            f"a patch with a side of {side:g} m is too small for molecules with a diameter of {diameter:g} m.",
            f"Make it at least {_LEAST_WIDTH} molecules wide; 200 nm is usual.",
            key="side",
        )


def check_temperature(temperature: float) -> None:
    if not (math.isfinite(temperature) and temperature > 0.0):
        raise InputError(f"{temperature:g} K is no temperature.", "Give one above 0 K.", key="temperature")


def _announce_compilation() -> None:
    """Say that the kernels are being compiled, where the cache holds none of them: it happens once."""
    from perotwin.compiled import is_cached
    from perotwin.recipe import kernels

    if not is_cached(kernels.adsorb):
        progress.note("Compiling the kernels of the monolayer for this machine, once: about half a minute.")
