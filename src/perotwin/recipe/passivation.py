"""What the additive between the grains does to the film: it fills vacancies at grain boundaries.

Halide and A-site vacancies sit at grain boundaries (a number per area of boundary) and inside the grains (a number per
volume). The additive reaches the boundaries only. There it is bound by its two ends, the carboxyl group to halide
vacancies and the ammonium group to A-site vacancies, one vacancy a molecule, in equilibrium:

    [V_X] [A] = halide_half [V_X A],    [V_A] [A] = a_site_half [V_A A],    all per area of boundary,

with the number of additive molecules and of vacancies of each kind kept. Three things follow, each with a share at
the boundaries that fills and a share inside that stays: recombining traps (empty halide vacancies; 1/lifetime adds
up), counted traps (those that space-charge-limited current counts, a level of their own: A-site vacancies), and mobile
ions (empty halide vacancies). These move faster along boundaries than inside, as long as the next site is free:
molecules on a share phi of a boundary's sites leave the share 1 - phi of what it is faster than the grain (hops to
occupied sites fail; mean field, without correlations).

References: boundary area of columnar grains 2/d, E. E. Underwood, Quantitative Stereology (1970); deep traps at grain
boundaries of halide perovskites, J.-S. Park et al., ACS Energy Lett. 4, 1321 (2019),
doi:10.1021/acsenergylett.9b00840; ions move along boundaries, Y. Shao et al., Energy Environ. Sci. 9, 1752 (2016),
doi:10.1039/C6EE00413J.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError
from perotwin.recipe.library import from_library
from perotwin.stack.quantity_fields import ArealDensity, Diffusion, Dim, Model, Time, TrapDensity, VolumeRate
from perotwin.units import Quantity

__all__ = ["Film", "GrainBoundaries", "passivate", "unbound"]

F64 = NDArray[np.float64]

PositiveArealDensity = Annotated[Quantity, Dim("areal density", above=0)]


class GrainBoundaries(Model):
    """Vacancies of a film and what they do; the same for every sample. Values and ranges: `parameters.toml`.

    halide_vacancies, a_site_vacancies : without additive, per area of boundary (m^-2).
    halide_vacancies_inside, counted_inside : halide vacancies and counted traps in the grains (m^-3).
    halide_half, a_site_half : unbound additive per area of boundary that fills half of the vacancies (m^-2).
    capture : of carriers by an empty halide vacancy at a boundary (m^3/s).
    inside_lifetime : of carriers in the grains alone (s).
    inside_diffusion, boundary_diffusion : of halide vacancies (m^2/s).
    """

    halide_vacancies: ArealDensity
    halide_vacancies_inside: TrapDensity
    a_site_vacancies: ArealDensity
    counted_inside: TrapDensity
    halide_half: PositiveArealDensity
    a_site_half: PositiveArealDensity
    capture: VolumeRate
    inside_lifetime: Time
    inside_diffusion: Diffusion
    boundary_diffusion: Diffusion

    @classmethod
    def library(cls) -> GrainBoundaries:
        """The numbers that come with perotwin, each with its assumed range."""
        return from_library(cls, "passivation")


@dataclass(frozen=True, eq=False)
class Film:
    """The film after passivation. Densities are per volume of the film (m^-3), means over its depth.

    lifetime : of carriers by traps in the film (s), the same for electrons and holes.
    counted : traps that space-charge-limited current counts.
    ions : mobile halide vacancies. ion_diffusion : theirs (m^2/s).
    grain_size (m), boundary_area (m^2 of boundary per m^3).
    additive : between the grains; of it bound to halide vacancies, to A-site vacancies, and unbound.
    halide_filled, a_site_filled (N,) : share of the boundaries' vacancies that is filled, in each cell of the depth.
    """

    lifetime: float
    counted: float
    ions: float
    ion_diffusion: float
    grain_size: float
    boundary_area: float
    additive: float
    bound_halide: float
    bound_a_site: float
    unbound: float
    halide_filled: F64
    a_site_filled: F64


def unbound(additive: ArrayLike, vacancies: ArrayLike, halves: ArrayLike) -> F64:
    """Additive that stays unbound where several kinds of vacancies bind it, one molecule each.

    Solves a + sum_j v_j a / (h_j + a) = additive for a.

    Parameters
    ----------
    additive : (N,) all molecules, per any area or volume.
    vacancies, halves : (K,) vacancies of each kind and the unbound additive that fills half of them, likewise.
    """
    total = np.atleast_1d(np.asarray(additive, dtype=float))
    v = np.asarray(vacancies, dtype=float)[:, None]
    h = np.asarray(halves, dtype=float)[:, None]
    # What is bound rises with a and ever less steeply, so that Newton's steps from zero only ever fall short.
    a = np.zeros_like(total)
    for _ in range(200):
        missing = total - a - np.sum(v * a / (h + a), axis=0)
        step = missing / (1.0 + np.sum(v * h / (h + a) ** 2, axis=0))
        a = np.clip(a + step, 0.0, total)
        if np.all(np.abs(step) <= 1e-15 * total):
            break
    return a


def passivate(
    additive: ArrayLike,
    parameters: GrainBoundaries | None = None,
    *,
    grain_size: float = 300e-9,
    widths: ArrayLike | None = None,
) -> Film:
    """Fill vacancies with the additive that drying left between the grains.

    Parameters
    ----------
    additive : between the grains, per volume of film (m^-3): one number, or (N,) along the depth as drying left it
        (`DriedFilm.density`). Each depth is in equilibrium by itself.
    parameters : of the boundaries; the library's where None.
    grain_size : width of the columnar grains, m.
    widths : (N,) thickness of the cells of the depth (m); equal where None.

    Returns
    -------
    Film; its lifetime is that of the mean recombination rate, since carriers cross the film within their life.

    Raises
    ------
    InputError : a negative or infinite additive, a grain size or widths that are not positive.
    """
    boundaries = parameters or GrainBoundaries.library()
    size = float(grain_size)
    density = np.atleast_1d(np.asarray(additive, dtype=float))
    weight = np.ones_like(density) if widths is None else np.asarray(widths, dtype=float)
    _refuse(density, size, weight)
    weight = weight / weight.sum()

    # Columns of width d on a square grid: 4 d of wall around d^2, each wall shared by two grains.
    area = 2.0 / size
    halide, a_site = float(boundaries.halide_vacancies), float(boundaries.a_site_vacancies)
    halves = float(boundaries.halide_half), float(boundaries.a_site_half)
    free = unbound(density / area, (halide, a_site), halves)
    filled = free / (halves[0] + free), free / (halves[1] + free)
    mean = float(weight @ filled[0]), float(weight @ filled[1])

    inside = float(boundaries.halide_vacancies_inside)
    empty = halide * area * (1.0 - mean[0])
    moving = inside + empty
    # a vacancy hops to the next site of its boundary only where no molecule sits on it
    faster = boundaries.boundary_diffusion - boundaries.inside_diffusion
    along = boundaries.inside_diffusion + faster * (1.0 - mean[0])
    drift = inside * boundaries.inside_diffusion + empty * along
    return Film(
        lifetime=1.0 / (1.0 / boundaries.inside_lifetime + boundaries.capture * empty),
        counted=float(boundaries.counted_inside) + a_site * area * (1.0 - mean[1]),
        ions=moving,
        ion_diffusion=drift / moving if moving > 0.0 else float(boundaries.inside_diffusion),
        grain_size=size,
        boundary_area=area,
        additive=float(weight @ density),
        bound_halide=halide * area * mean[0],
        bound_a_site=a_site * area * mean[1],
        unbound=float(weight @ free) * area,
        halide_filled=filled[0],
        a_site_filled=filled[1],
    )


def _refuse(density: F64, size: float, weight: F64) -> None:
    if not np.all((density >= 0.0) & (density < np.inf)):
        raise InputError(
            "the additive between the grains is negative or not a number somewhere.",
            "Give the density that drying left, from zero up.",
            key="additive",
        )
    if not 0.0 < size < np.inf:
        raise InputError(f"a grain size of {size:g} m is not positive.", "Give a length.", key="grain_size")
    if weight.shape != density.shape or not np.all(weight > 0.0):
        raise InputError(
            "the widths of the depth cells do not belong to the additive's profile.",
            "Give one positive width for each value.",
            key="widths",
        )
