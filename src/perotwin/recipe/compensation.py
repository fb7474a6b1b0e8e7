"""What fills the holes: places where an additive fits, how fast they are taken, and what washing takes back.

A molecule fits where its van der Waals disc finds room between those that are there; how long its chain is makes no
difference, for it stands upright. Sites are taken by Langmuir's kinetics in competition with the solvent:

    d theta / dt = k_on c (1 - theta) / (1 + s) - k_off theta

with theta the share of sites that the additive holds, c its concentration at the oxide, and s the number of sites that
solvent holds for each free one (its exchange is taken to be fast).

References: I. Langmuir, J. Am. Chem. Soc. 40, 1361 (1918), doi:10.1021/ja02242a004; rates from barriers, H. Eyring,
J. Chem. Phys. 3, 107 (1935), doi:10.1063/1.1749604.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError
from perotwin.recipe.coverage import (
    ADDITIVE,
    ROOM,
    SAM,
    History,
    Monolayer,
    Patch,
    check_temperature,
    delaminate,
    eyring,
    random_state,
)
from perotwin.recipe.library import from_library
from perotwin.stack.quantity_fields import Dim, Model, PositiveEnergy, VolumeRate
from perotwin.units import Quantity

__all__ = [
    "Competition",
    "Sites",
    "equilibrium",
    "fill",
    "langmuir_rate",
    "occupancy",
    "sites",
    "wash",
]

#: numbers of the random streams of this module (those of deposition and delamination are 0 to 2)
_PLACES, _TAKEN = 3, 4


class Competition(Model):
    """How the additive competes with the solvent for the free oxide; one set of numbers for every sample.

    Attributes
    ----------
    adsorption_rate : rate constant of adsorption onto a free site, m^3 s^-1.
    release_energy : barrier that a molecule of the additive overcomes to leave into the solvent, eV; the prefactor is
        kT/h.
    solvent_competition : sites that pure solvent holds for each free one.
    """

    adsorption_rate: VolumeRate
    release_energy: PositiveEnergy
    solvent_competition: Annotated[Quantity, Dim("dimensionless", least=0)]

    @classmethod
    def library(cls) -> Competition:
        """The numbers that come with perotwin, each with its assumed range."""
        return from_library(cls, "competition")

    def desorption_rate(self, temperature: float = ROOM) -> float:
        """Rate (s^-1) at which the additive leaves its site at a temperature (K)."""
        check_temperature(temperature)
        return eyring(self.release_energy, temperature)


# --- places ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sites:
    """Places in the holes of a patch where molecules of a diameter fit, all of them at the same time.

    Attributes
    ----------
    patch : the patch.
    diameter : m.
    positions : (S, 2), m.
    """

    patch: Patch
    diameter: float
    positions: NDArray[np.float64]

    @property
    def capacity(self) -> int:
        """How many molecules the patch takes up."""
        return self.positions.shape[0]

    @property
    def areal_density(self) -> float:
        """Sites per m^2 of the whole surface."""
        return self.capacity / self.patch.side**2


def sites(patch: Patch, additive_diameter: float, seed: int | None = None) -> Sites:
    """Places for an additive: its molecules land at random between those that are there until no more fits.

    Parameters
    ----------
    additive_diameter : van der Waals diameter across the long axis, m. Two molecules of one diameter find the same
        places, however long they are.
    seed : what the random numbers follow from; the patch's own seed and step unless given.
    """
    from perotwin.recipe import kernels

    if not (math.isfinite(additive_diameter) and 0.0 < additive_diameter <= patch.side / 8.0):
        raise InputError(
            f"an additive with a diameter of {additive_diameter:g} m does not suit a patch with a side of "
            f"{patch.side:g} m.",
            "Give a length above zero and at most an eighth of the side.",
            key="additive_diameter",
        )
    n, radius = patch.positions.shape[0], 0.5 * additive_diameter
    room = n + int(patch.side**2 / (math.sqrt(12.0) * radius**2)) + 16
    pos, rad, when = np.empty((room, 2)), np.empty(room), np.empty(room)
    pos[:n], rad[:n] = patch.positions, patch.radii
    sort, quota, held = np.zeros((1, 1), np.uint8), np.array([room, room]), np.zeros(2, np.int64)
    state = random_state(patch.seed if seed is None else seed, patch.step, _PLACES)
    total = kernels.adsorb(pos, rad, when, n, radius, patch.side, sort, quota, held, 0, state)
    return Sites(patch, float(additive_diameter), pos[n:total].copy())


def fill(patch: Patch, places: Sites, theta: float, seed: int | None = None) -> Patch:
    """The patch with a share of the sites taken.

    Which ones is drawn at random; with one seed a larger share takes those of a smaller one and more, so that a
    series of doses is smooth.

    Parameters
    ----------
    places : from `sites` of the same patch.
    theta : share of sites taken, 0 to 1.
    seed : what the random numbers follow from; the patch's own seed and step unless given.
    """
    from perotwin.recipe import kernels

    if not 0.0 <= theta <= 1.0:
        raise InputError(
            f"{theta:g} of the sites cannot be taken: a share lies between 0 and 1.",
            "Give the occupancy as a share of the sites.",
            key="theta",
        )
    if places.patch is not patch:
        raise InputError(
            "these sites belong to another patch.", "Find the sites of this patch first.", key="places"
        )
    there = patch.diameters[ADDITIVE]
    if patch.number(ADDITIVE) and there != places.diameter:
        raise InputError(
            f"the patch holds an additive with a diameter of {there:g} m already.",
            "Fill a patch with one additive only.",
            key="places",
        )
    order = np.arange(places.capacity)
    kernels.shuffle(order, random_state(patch.seed if seed is None else seed, patch.step, _TAKEN))
    taken = places.positions[order[: round(theta * places.capacity)]]
    return replace(
        patch,
        positions=np.concatenate([patch.positions, taken]),
        kind=np.concatenate([patch.kind, np.full(len(taken), ADDITIVE, np.int8)]),
        diameters=(patch.diameters[SAM], places.diameter),
        step=patch.step + 1,
    )


def wash(
    patch: Patch,
    monolayer: Monolayer,
    competition: Competition,
    times: Sequence[float] | NDArray[np.float64],
    temperature: float = ROOM,
    seed: int | None = None,
) -> History:
    """A patch in pure solvent (as in the washing of a film with DMF): both kinds leave, none comes back."""
    return delaminate(
        patch,
        monolayer,
        times,
        temperature,
        additive_rate=competition.desorption_rate(temperature),
        seed=seed,
    )


# --- kinetics -------------------------------------------------------------------------------------


def langmuir_rate(
    theta: Any, concentration: Any, adsorption_rate: float, desorption_rate: float, solvent: Any = 0.0
) -> Any:
    """d theta / dt (s^-1) of the share of sites that the additive holds; numbers or arrays.

    Parameters
    ----------
    theta : share of sites taken.
    concentration : of the additive at the oxide, m^-3.
    adsorption_rate : m^3 s^-1.
    desorption_rate : s^-1.
    solvent : sites that solvent holds for each free one.
    """
    return adsorption_rate * concentration * (1.0 - theta) / (1.0 + solvent) - desorption_rate * theta


def equilibrium(
    concentration: ArrayLike, adsorption_rate: float, desorption_rate: float, solvent: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Share of sites taken when nothing changes any more (Langmuir's isotherm); parameters as `langmuir_rate`."""
    c, s = _not_negative("concentration", concentration), _not_negative("solvent", solvent)
    arrival = _rate("adsorption_rate", adsorption_rate) * c / (1.0 + s)
    return np.asarray(arrival / (arrival + _rate("desorption_rate", desorption_rate)))


def occupancy(
    times: ArrayLike,
    concentration: ArrayLike,
    adsorption_rate: float,
    desorption_rate: float,
    solvent: ArrayLike = 0.0,
    start: float = 0.0,
) -> NDArray[np.float64]:
    """Share of sites taken against time.

    Exact where concentration and solvent are constant; between points where they change their mean is used, which
    leaves an error of second order in the distance of the times.

    Parameters
    ----------
    times : (T,), s, ascending; the first is where `start` holds.
    concentration : of the additive at the oxide at these times, m^-3; (T,) or one number.
    adsorption_rate, desorption_rate : m^3 s^-1, s^-1.
    solvent : sites that solvent holds for each free one; (T,) or one number.
    start : share taken at the first time.

    Returns
    -------
    (T,)
    """
    when = np.atleast_1d(np.asarray(times, float))
    if when.ndim != 1 or not np.all(np.isfinite(when)) or np.any(np.diff(when) < 0.0):
        raise InputError("the times do not ascend.", "Sort them.", key="times")
    if not 0.0 <= start <= 1.0:
        raise InputError(
            f"a share of sites of {start:g} is not between 0 and 1.", "Correct the start.", key="start"
        )
    c = np.broadcast_to(_not_negative("concentration", concentration), when.shape)
    s = np.broadcast_to(_not_negative("solvent", solvent), when.shape)
    on = _rate("adsorption_rate", adsorption_rate) * c / (1.0 + s)
    off = _rate("desorption_rate", desorption_rate)
    arrival, duration = 0.5 * (on[1:] + on[:-1]), np.diff(when)
    total = arrival + off
    decay = np.exp(-total * duration)
    # theta -> theta decay + arrival / total (1 - decay), written so that no rate at all is no division by zero
    gain = (
        arrival
        * duration
        * -np.expm1(-total * duration)
        / np.where(total * duration > 0, total * duration, 1.0)
    )
    theta = np.empty(when.size)
    theta[:1] = start
    for i in range(when.size - 1):
        theta[i + 1] = theta[i] * decay[i] + gain[i]
    return theta


def _not_negative(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(value, float)
    if not np.all(np.isfinite(array)) or np.any(array < 0.0):
        raise InputError(f"the {name} is negative or not a number.", "Give values of 0 or more.", key=name)
    return array


def _rate(name: str, value: float) -> float:
    return float(_not_negative(name, value))
