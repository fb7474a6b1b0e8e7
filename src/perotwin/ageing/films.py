"""A cell's film as segregation sees it: its ions, its lifetime, the pairs that a light makes in it, its grains.

    film = film_of(cell)                          # one number each
    grains = grains_of(sample, film, number, rng) # of each grain its own, by its size

Grains differ in size. What the additive fills and what stays empty lies on their boundaries, so that the recipe's own
rule (`recipe.passivation`) gives each grain its vacancies, their diffusion and its lifetime, and the nuclei of domains
too lie on boundaries: small grains segregate first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.ageing.segregation import MixedFilm
from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.recipe.sample import Sample
    from perotwin.stack import Cell, Layer, Stack

__all__ = ["Grains", "absorber_of", "depth_of", "film_of", "grain_films", "pair_lifetime", "with_light"]

F64 = NDArray[np.float64]


def absorber_of(stack: Stack) -> Layer:
    """The one absorber of a stack that carriers pass.

    Raises:
        InputError: none, or several.
    """
    found = [layer for layer in stack.absorbers if layer.electronic is not None]
    if len(found) != 1:
        raise InputError(
            f'"{stack.name}" has {len(found)} absorbers with electronic parameters; ageing is that of one.',
            "Take a cell with one absorber in each junction.",
            key="layer",
        )
    return found[0]


def pair_lifetime(layer: Layer) -> float:
    """Lifetime (s) of pairs at the traps of a layer, the mean of that of its electrons and holes; 0 without traps."""
    rates = [
        2.0 / (float(trap.tau_n) + float(trap.tau_p))
        for trap in layer.trap
        if trap.electron_lifetime is not None
    ]
    return 1.0 / sum(rates) if rates else 0.0


def film_of(cell: Cell, *, junction: str | None = None, lit: bool = True) -> MixedFilm:
    """The film of a cell on its substrate, in the cell's light.

    Args:
        cell: a stack, or a tandem with the junction named.
        lit: whether the optics are solved; else no pairs are made at 1 sun.

    Returns:
        What the cell's layers say: gap, ions (as the recipe left them), lifetime, temperature; and the pairs that one
        sun of its light makes in the film alone, on its substrate (m^-3 s^-1).

    Raises:
        InputError: no film, no ions, patches.
    """
    from perotwin.stack.films import part_of

    stack = part_of(cell, "film", junction=junction)
    layer = absorber_of(stack)
    ions = layer.ions
    if ions is None or not float(ions.density) > 0.0:
        raise InputError(
            f'the absorber of "{cell.name}" has no mobile ions, so that halides have no way to change places.',
            "Give it [layer.ions] with a density and a diffusion coefficient, or take a cell that has them.",
            key=f"{layer.name}.ions",
        )
    film = MixedFilm(
        name=cell.name if junction is None else f"{cell.name} {junction}",
        bandgap=float(layer.gap),
        vacancies=float(ions.density),
        diffusion=float(ions.diffusion_coefficient),
        lifetime=pair_lifetime(layer),
        generation=0.0,
        temperature=float(stack.temperature),
    )
    return with_light(film, stack) if lit else film


def with_light(film: MixedFilm, stack: Stack) -> MixedFilm:
    """The film with the pairs that one sun of a sample's light makes in its absorber."""
    from perotwin.transport.build import build

    part = build(stack).parts[0]
    number = [layer.name for layer in part.stack.electrical_layers].index(absorber_of(stack).name)
    made = float(part.generation[part.site_layer == number].sum())
    return replace(film, generation=made / float(absorber_of(stack).thickness))


@dataclass(frozen=True)
class Grains:
    """Grains of a film, G of them, and where they lie.

    Attributes:
        films: of each. nuclei: (G,) share of its volume that domains grow from, over that of a grain of the recipe's
            size. size: (G,) m. map: (P, P) number of the grain of each pixel. side: of the map, m.
    """

    films: tuple[MixedFilm, ...]
    nuclei: F64
    size: F64
    map: NDArray[np.int64]
    side: float


def grain_films(sample: Sample, film: MixedFilm, side: float, pixels: int, seed: int = 1) -> Grains:
    """Grains drawn from a recipe's grain size, each with what the recipe's passivation leaves in one of its size.

    Args:
        sample: with its film. film: of the cell, whose light, gap and temperature all grains share.
        side: of the map, m. pixels: along it.

    Raises:
        InputError: the sample has no film, or the map does not suit the grains.
    """
    from perotwin.lab import film_texture
    from perotwin.recipe.passivation import passivate

    coat = film_texture.film_of(sample, "the map of grains")
    diameter = float(coat.grain_size)
    chance = film_texture.chance(sample, "soak", seed)
    cells = film_texture.cells(side, pixels, diameter, chance)
    areas = np.bincount(cells.grain.ravel(), minlength=cells.number) * (side / pixels) ** 2
    # a grain that no pixel shows has no area here
    areas = np.where(areas > 0.0, areas, 0.25 * np.pi * diameter**2)
    # sizes about the recipe's: it states the mean, and the drawing only how they scatter
    size = np.sqrt(areas / areas.mean()) * diameter
    dried = sample.dried
    assert dried is not None
    widths = np.diff(dried.depth_edges)

    def left(width: float) -> tuple[float, float, float]:
        found = passivate(dried.density, sample.parameters.passivation, grain_size=width, widths=widths)
        return found.ions, found.ion_diffusion, found.lifetime

    mean = left(diameter)
    films = []
    for number, width in enumerate(size):
        # what the cell says holds for the recipe's size; a grain differs as the recipe's rule differs with size
        factors = [own / usual for own, usual in zip(left(float(width)), mean, strict=True)]
        films.append(
            replace(
                film,
                name=f"{film.name} grain {number + 1}",
                vacancies=film.vacancies * factors[0],
                diffusion=film.diffusion * factors[1],
                lifetime=film.lifetime * factors[2],
            )
        )
    return Grains(tuple(films), diameter / size, size, cells.grain, side)


def depth_of(sample: Sample, film: MixedFilm) -> tuple[F64, F64, F64]:
    """Edges (D + 1,) of depth cells (m from the oxide), and vacancies (m^-3) and their diffusion (m^2/s) in each (D,).

    The additive that drying left at each depth fills vacancies there. The means are those of the film.
    """
    from perotwin.recipe.passivation import passivate

    dried = sample.dried
    assert dried is not None and sample.recipe.coat is not None
    size, edges = float(sample.recipe.coat.grain_size), np.asarray(dried.depth_edges, float)
    each = [
        passivate(one, sample.parameters.passivation, grain_size=size) for one in np.asarray(dried.density)
    ]
    ions, hops = (
        np.array([one.ions for one in each]),
        np.array([one.ions * one.ion_diffusion for one in each]),
    )
    weight = np.diff(edges) / (edges[-1] - edges[0])
    ions = ions * (film.vacancies / float(weight @ ions))
    hops = hops * (film.vacancies * film.diffusion / float(weight @ hops))
    return edges, ions, hops / ions
