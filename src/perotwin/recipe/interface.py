"""What molecules make of the buried face: a step of the vacuum level, its map, and recombination.

Each molecule stands with a mean component of its dipole along the surface's normal (its alignment times the
dipole). A sheet of them steps the vacuum level by the Helmholtz relation,

    step = N mu / (eps0 eps)                                          (doi:10.1039/D3NR01126G)

with N molecules per area. How the molecules weaken one another is a choice: one permittivity for all
(`Effective`), or polarisable dipoles in each other's field (`Topping`, doi:10.1098/rspa.1927.0025), which weakens
dense places more than sparse ones. Variations along the face fade with the distance z from it as exp(-k z), k their
wave number; the conducting oxide below mirrors every dipole.

Areas wider than a map of molecules differ too, in how the monolayer came down and where the ink did not wet it. Nothing
in the models says by how much: `Unevenness` holds it as numbers before the additive, calibrated and never derived. The
additive evens both out as it fills holes, `left` being the share of the bare oxide that it leaves: the number of holes
in an area fluctuates as its square root, and so does the dipole; bare patches are filled as any bare oxide, and where
the film would not have wetted it there are as many pinholes fewer. In a pinhole the transport layers touch; what that
contact conducts is solved with the cell (`stack.pinholes`).

    spread = spread before * sqrt(left),    share of patches, of pinholes = share before * left

Recombination adds up over the area: each part of it (monolayer, additive, bare oxide) takes carriers at its own
velocity. Levels need not take both carriers alike: a velocity v and a ratio r of capture stand for electrons at
v sqrt(r) and holes at v / sqrt(r), so that where a face has as many of the one as of the other the rate does not
depend on r by more than its square root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from perotwin.errors import InputError
from perotwin.recipe.coverage import ADDITIVE, SAM, Patch
from perotwin.recipe.molecules import Molecule
from perotwin.stack.quantity_fields import (
    Dim,
    Length,
    Model,
    NonNegativeEnergy,
    Permittivity,
    Share,
    Velocity,
    shorthand,
)
from perotwin.units import Quantity

__all__ = ["Dipoles", "Effective", "Face", "Topping", "depolarised", "face", "normal_dipoles", "step_map"]

F64 = NDArray[np.float64]

#: F/m
_EPS0 = 8.8541878188e-12
#: dipoles farther apart than this see each other as an even sheet, m
_NEIGHBOURHOOD = 6e-9
#: passes until polarisable dipoles agree, and what counts as agreement
_PASSES, _AGREED = 200, 1e-10

Alignment = Annotated[Quantity, Dim("dimensionless", least=-1.0, most=1.0)]
Volume = Annotated[Quantity, Dim("volume", least=0)]
Ratio = Annotated[Quantity, Dim("dimensionless", above=0)]


class Effective(Model):
    """All that weakens the dipoles in one relative permittivity."""

    inline = True
    kind: Literal["effective"] = "effective"
    permittivity: Permittivity


class Topping(Model):
    """Dipoles of a polarisability (a volume) that weaken one another, in a host of some permittivity."""

    inline = True
    kind: Literal["topping"] = "topping"
    polarisability: Volume
    permittivity: Permittivity = Quantity(1.0, "1", dimension="dimensionless")


_SCREENINGS: dict[str, type[Model]] = {"effective": Effective, "topping": Topping}
Screening = Annotated[
    Effective | Topping,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _SCREENINGS, "screening")),
]


class Unevenness(Model):
    """What areas wider than carriers reach have otherwise than one another, before the additive.

    spread : standard deviation of the dipole between them, eV.
    patches : share of the area that is bare in round patches. patch_size : their diameter, m.
    pinholes : share of the area where the transport layers touch. pinhole_velocity : recombination velocity there, m/s.
    """

    spread: NonNegativeEnergy
    patches: Share
    patch_size: Length
    pinholes: Share | None = None
    pinhole_velocity: Velocity | None = None

    @model_validator(mode="after")
    def _check_pinholes(self) -> Self:
        if self.pinholes and self.pinhole_velocity is None:
            raise InputError(
                "in pinholes the transport layers touch, and nothing says how fast carriers recombine there.",
                'State pinhole_velocity, such as "1e5 cm/s".',
                key="interface.unevenness.pinhole_velocity",
            )
        return self


class Dipoles(Model):
    """How the molecules at the buried face stand, and what each part of the face does to carriers.

    sam_alignment, additive_alignment : mean component of the dipole along the normal over the dipole, -1 to 1; positive
        raises the work function of the oxide.
    screening : what weakens the dipoles.
    height : distance (m) from the dipoles at which the perovskite, or a tip, feels them.
    sam_velocity, additive_velocity, bare_velocity : surface recombination velocity on each part, m/s: the geometric
        mean of both carriers'.
    capture_ratio : velocity of electrons over that of holes, on all parts; one where it is not given.
    unevenness : of areas wider than carriers reach.
    """

    sam_alignment: Alignment
    additive_alignment: Alignment
    screening: Screening
    height: Length
    sam_velocity: Velocity
    additive_velocity: Velocity
    bare_velocity: Velocity
    capture_ratio: Ratio | None = None
    unevenness: Unevenness | None = None


@dataclass(frozen=True)
class Face:
    """The buried face as carriers meet it.

    Attributes:
        shares: area fractions "sam", "additive", "bare"; they add up to one.
        step: mean step of the vacuum level from the oxide to the perovskite, eV; positive is more p-type.
        spread: its standard deviation along the face, eV, at the height of `Dipoles`.
        velocity: mean recombination velocity, m/s.
        covered, bare: (step (eV), velocity (m/s)) of the parts with and without molecules.
        patch: correlation length of the bare parts, m; NaN where nothing or everything is bare.
        area_spread: standard deviation of the step (eV) between areas wider than carriers reach.
        wide_patches: share of the area in bare patches of the size that `Dipoles.unevenness` states.
        pinholes: share of the area in pinholes.
    """

    shares: dict[str, float]
    step: float
    spread: float
    velocity: float
    covered: tuple[float, float]
    bare: tuple[float, float]
    patch: float
    area_spread: float = 0.0
    wide_patches: float = 0.0
    pinholes: float = 0.0


def normal_dipoles(patch: Patch, sam: Molecule, additive: Molecule | None, dipoles: Dipoles) -> F64:
    """(N,) normal component of each molecule's dipole as its neighbours leave it, C m."""
    own = np.zeros(patch.kind.size)
    own[patch.kind == SAM] = float(dipoles.sam_alignment) * float(sam.dipole)
    if additive is not None:
        own[patch.kind == ADDITIVE] = float(dipoles.additive_alignment) * float(additive.dipole)
    if isinstance(dipoles.screening, Effective):
        return own
    return depolarised(patch.positions, own, patch.side, float(dipoles.screening.polarisability))


def depolarised(positions: F64, moments: F64, side: float, polarisability: float) -> F64:
    """Dipoles normal to a periodic square that weaken one another: mu_i = mu0_i - a sum_j mu_j / r_ij^3.

    Args:
        positions: (N, 2) m. moments: (N,) alone, C m. side: of the square, m.
        polarisability: volume, m^3.

    Returns:
        (N,) C m. Neighbours beyond 6 nm count as an even sheet.

    Raises:
        InputError: a polarisability at which the dipoles would turn one another over.
    """
    from scipy.spatial import KDTree

    count, reach = moments.size, min(_NEIGHBOURHOOD, 0.499 * side)
    pairs = KDTree(positions % side, boxsize=side).query_pairs(reach, output_type="ndarray")
    apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    apart -= side * np.round(apart / side)
    near = np.hypot(*apart.T) ** -3.0
    # the sum of 1/r^3 over an even sheet from `reach` outwards, m^-3
    far = 2.0 * np.pi * count / side**2 / reach

    def sums(dipoles: F64) -> F64:
        one = np.bincount(pairs[:, 0], near * dipoles[pairs[:, 1]], count)
        other = np.bincount(pairs[:, 1], near * dipoles[pairs[:, 0]], count)
        return np.asarray(one + other + far * dipoles.mean())

    # each dipole is solved for with its own as its neighbours': settles where plain passes would swing
    own = 1.0 + polarisability * sums(np.ones(count))
    made = moments / own
    for _ in range(_PASSES):
        change = (moments - polarisability * sums(made) - made) / own
        made = made + change
        if np.abs(change).max() <= _AGREED * np.abs(moments).max():
            return np.asarray(made)
    raise InputError(
        f"dipoles with a polarisability of {polarisability * 1e30:.3g} cubic angstrom do not settle: they would turn "
        "one another over.",
        'Give a smaller one, or screening = { kind = "effective", permittivity = ... }.',
        key="interface.screening.polarisability",
    )


def step_map(
    patch: Patch, moments: F64, dipoles: Dipoles, *, pixel: float = 0.5e-9, height: float | None = None
) -> F64:
    """Step of the vacuum level over the patch, at a height above the dipoles.

    Args:
        patch: whose molecules.
        moments: (N,) normal dipoles, C m (`normal_dipoles`).
        dipoles: the screening and the height.
        pixel: of the map, m.
        height: m; that of `dipoles` unless given.

    Returns:
        (P, P) V, rows along y; its mean is the Helmholtz step.
    """
    count = max(1, round(patch.side / pixel))
    cell = patch.side / count
    sheet = np.zeros((count, count))
    column, row = (np.floor(patch.positions.T / cell).astype(int)) % count
    np.add.at(sheet, (row, column), moments / cell**2)
    eps = float(dipoles.screening.permittivity)
    wave = 2.0 * np.pi * np.fft.fftfreq(count, cell)
    size = np.hypot(wave[:, None], wave[None, : count // 2 + 1])
    z = float(dipoles.height) if height is None else height
    return np.fft.irfft2(np.fft.rfft2(sheet) * np.exp(-size * z), s=sheet.shape) / (_EPS0 * eps)


def face(patch: Patch, moments: F64, dipoles: Dipoles) -> Face:
    """What the molecules on a patch make of the face that lies on it.

    Args:
        patch: whose molecules.
        moments: (N,) normal dipoles, C m (`normal_dipoles`).
        dipoles: the parameters.
    """
    surface = patch.surface
    potential = step_map(patch, moments, dipoles)
    shares = {"sam": surface.coverage, "additive": surface.compensated, "bare": surface.bare_fraction}
    velocities = {
        "sam": float(dipoles.sam_velocity),
        "additive": float(dipoles.additive_velocity),
        "bare": float(dipoles.bare_velocity),
    }
    step, covered = float(potential.mean()), shares["sam"] + shares["additive"]
    open_before = shares["bare"] + shares["additive"]
    left = shares["bare"] / open_before if open_before > 0.0 else 0.0
    wide = dipoles.unevenness
    pinholes = 0.0 if wide is None or wide.pinholes is None else float(wide.pinholes) * left
    held = sum(shares[name] * velocities[name] for name in ("sam", "additive"))
    return Face(
        shares=shares,
        step=step,
        spread=float(potential.std()),
        velocity=held + shares["bare"] * velocities["bare"],
        covered=(step / covered, held / covered) if covered > 0.0 else (0.0, 0.0),
        bare=(0.0, velocities["bare"]),
        patch=surface.patch_size,
        area_spread=0.0 if wide is None else float(wide.spread) * float(np.sqrt(left)),
        wide_patches=0.0 if wide is None else float(wide.patches) * left,
        pinholes=pinholes,
    )
