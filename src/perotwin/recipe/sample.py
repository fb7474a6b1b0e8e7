"""A sample: what a recipe leaves, step by step, on the oxide and in the film.

    sample = prepare(load("target"))
    sample.face.shares                   # monolayer, additive, bare oxide
    sample.film                          # lifetimes, traps and ions of the film

The monolayer loses molecules for as long as ink lies on it and dries; then the additive takes the holes that are
left while the last of the liquid is there. The two times differ by an order of magnitude, so that one after the other
is a fair picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.recipe import compensation, coverage, drying, interface, molecules, passivation
from perotwin.recipe.recipe import Anneal, Coat, Recipe, Rinse, Wash
from perotwin.stack.quantity_fields import Model
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.recipe.coverage import History, Monolayer, Patch
    from perotwin.recipe.drying import DriedFilm
    from perotwin.recipe.interface import Face
    from perotwin.recipe.molecules import Molecule
    from perotwin.recipe.parameters import Parameters
    from perotwin.recipe.passivation import Film

__all__ = ["SIDE", "Sample", "prepare"]

F64 = NDArray[np.float64]

#: side of the square that is looked at, m
SIDE = 200e-9
#: parameters that the monolayer does not see before the additive comes
_AFTER_GROUND = {"competition", "interface", "passivation"}
#: moments at which the monolayer is looked at while it lies in a solvent
_LOOKS = 9
_AVOGADRO = 6.02214076e23


@dataclass(frozen=True, eq=False)
class Sample:
    """What a recipe leaves.

    Attributes:
        recipe: of the sample. sam, additive: its molecules; None without additive.
        stages: the patch of oxide after each step that touches it, by the step's name ("sam", "rinse", "coat",
            "wash"), the last one being what is there now.
        solvents: the monolayer against its time in each solvent, by the step's name.
        sites: places per area (m^-2) that the additive found; NaN where it sought none.
        dried: the drying of the film; None where none was coated. Kept after a wash, as what happened.
        film: the film as it is; None where there is none (never coated, not annealed or washed off).
    """

    recipe: Recipe
    sam: Molecule
    additive: Molecule | None
    stages: dict[str, Patch] = field(default_factory=dict)
    solvents: dict[str, History] = field(default_factory=dict)
    sites: float = float("nan")
    dried: DriedFilm | None = None
    film: Film | None = None

    @property
    def name(self) -> str:
        """The recipe's."""
        return self.recipe.name

    @property
    def parameters(self) -> Parameters:
        """Of the models, as the recipe has them."""
        return self.recipe.parameters

    @property
    def patch(self) -> Patch:
        """The oxide as it is after the last step."""
        return list(self.stages.values())[-1]

    @property
    def washed(self) -> bool:
        """Whether the film was washed off."""
        return any(isinstance(step, Wash) for step in self.recipe.step)

    @cached_property
    def moments(self) -> F64:
        """(N,) normal dipole of each molecule of the patch, C m."""
        return interface.normal_dipoles(self.patch, self.sam, self.additive, self.parameters.interface)

    @cached_property
    def face(self) -> Face:
        """The buried face as carriers meet it."""
        return interface.face(self.patch, self.moments, self.parameters.interface)

    def potential(self, height: float | None = None, pixel: float = 0.5e-9) -> F64:
        """(P, P) surface potential (V) over that of the bare oxide, at a height (m) above the molecules."""
        return interface.step_map(
            self.patch, self.moments, self.parameters.interface, pixel=pixel, height=height
        )

    def areal_density(self, kind: str) -> float:
        """Molecules of a kind, "sam" or "additive", on the oxide, m^-2."""
        return self.patch.areal_density({"sam": coverage.SAM, "additive": coverage.ADDITIVE}[kind])

    def depth_profile(self) -> tuple[F64, F64] | None:
        """Distance from the oxide (m) and number density of the additive (m^-3) in the film; None without film."""
        if self.dried is None or self.washed:
            return None
        return self.dried.depth, self.dried.density


def prepare(recipe: Recipe, *, side: float = SIDE) -> Sample:
    """Follow a recipe on a square of oxide.

    Args:
        recipe: the steps.
        side: of the square, m.

    Returns:
        The sample; one recipe with one seed gives the same one again.

    Raises:
        InputError: a molecule that is not known or has no anchor, a dose or time that cannot be.
    """
    p, coat = recipe.parameters, recipe.coat
    sam = molecules.load(recipe.sam.molecule)
    additive = None if recipe.additive is None else molecules.load(recipe.additive.molecule)
    with progress.task(recipe.name, total=len(recipe.step)) as counter:
        counter.advance(0, label=f"{recipe.name}: monolayer")
        before = _before_additive(recipe)
        ground = _Ground(before, before.model_dump_json(exclude={"parameters": _AFTER_GROUND}), side)
        known = _on_the_oxide(ground)
        stages, solvents = dict(known[0]), dict(known[1])
        patch = list(stages.values())[-1]
        places, dried, film = float("nan"), None, None
        if coat is not None:
            counter.advance(0, label=f"{recipe.name}: drying")
            coated = recipe.model_dump_json(
                include={"step": True, "parameters": {"drying", "competition"}},
            )
            found, places, dried = _coated(_Coated(recipe, coated, ground))
            if found is not None:
                patch = stages["coat"] = found
        for step in recipe.step:
            counter.advance(1, label=f"{recipe.name}: {step.kind}")
            if isinstance(step, Anneal):
                assert dried is not None and coat is not None
                film = passivation.passivate(
                    dried.density,
                    p.passivation,
                    grain_size=float(coat.grain_size),
                    widths=np.diff(dried.depth_edges),
                )
            elif isinstance(step, Wash):
                leaving = p.competition.desorption_rate()
                solvents["wash"] = _soak(patch, recipe, step.solvent, float(step.duration), leaving)
                patch, film = solvents["wash"].end, None
                stages["wash"] = patch
    return Sample(recipe, sam, additive, stages, solvents, places, dried, film)


def _before_additive(recipe: Recipe) -> Recipe:
    """What happens to the monolayer until the additive comes: alike for all doses."""
    steps: list[Model] = []
    for step in recipe.step:
        if isinstance(step, Coat):
            steps.append(step.model_copy(update={"additive": None, "roughness": None}))
            break
        steps.append(step)
    return recipe.model_copy(update={"name": "", "description": "", "step": tuple(steps)})


@dataclass(frozen=True)
class _Ground:
    """What decides the monolayer before the additive comes; told from others by its numbers."""

    recipe: Recipe = field(compare=False)
    text: str
    side: float


@lru_cache(maxsize=4)
def _on_the_oxide(ground: _Ground) -> tuple[dict[str, Patch], dict[str, History]]:
    """Stages and solvents of `Sample` until the additive comes; a series of doses asks for them again and again."""
    recipe, side = ground.recipe, ground.side
    stages: dict[str, Patch] = {}
    solvents: dict[str, History] = {}
    sam = molecules.load(recipe.sam.molecule)
    # a disc of the footprint's area: the circle around a molecule that is longer than wide would leave too much room
    disc = 2.0 * math.sqrt(float(sam.footprint) / math.pi)
    patch = coverage.deposit(disc, recipe.parameters.monolayer, side=side, seed=recipe.seed)
    stages["sam"] = patch
    for step in recipe.step[1:]:
        name = step.kind if step.kind not in stages else f"{step.kind} {len(stages)}"
        if isinstance(step, Rinse):
            time, solvent = float(step.duration), step.solvent
        else:
            assert isinstance(step, Coat)
            # the film dries alike whatever adsorbs: its time says how long ink lies on the monolayer
            time, solvent = (
                float(step.dwell) + float(_dry(step, recipe.parameters, None).time[-1]),
                step.solvent,
            )
        solvents[name] = _soak(patch, recipe, solvent, time, 0.0)
        patch = stages[name] = solvents[name].end
    return stages, solvents


@dataclass(frozen=True)
class _Coated:
    """What decides how the film dries and what the additive does meanwhile; told from others by its numbers."""

    recipe: Recipe = field(compare=False)
    text: str
    ground: _Ground


@lru_cache(maxsize=4)
def _coated(what: _Coated) -> tuple[Patch | None, float, DriedFilm]:
    """The oxide with the additive in its holes (None without one), the places that it found, and the drying; numbers
    of grain boundaries and of the face's dipoles ask for them again and again."""
    coat, p = what.recipe.coat, what.recipe.parameters
    assert coat is not None
    if coat.additive is None:
        return None, float("nan"), _dry(coat, p, None)
    patch = list(_on_the_oxide(what.ground)[0].values())[-1]
    holes = compensation.sites(patch, float(molecules.load(coat.additive.molecule).diameter))
    dried = _dry(coat, p, holes.areal_density)
    return compensation.fill(patch, holes, float(dried.theta[-1])), holes.areal_density, dried


def _soak(patch: Patch, recipe: Recipe, solvent: str, time: float, additive_rate: float) -> History:
    """The patch in a solvent of some strength."""
    strength = float(recipe.parameters.solvents[solvent].strength)
    monolayer: Monolayer = recipe.parameters.monolayer
    slower = monolayer.model_copy(
        update={
            "desorption_rate": Quantity(strength * float(monolayer.desorption_rate), dimension="frequency")
        }
    )
    return coverage.delaminate(
        patch, slower, np.linspace(0.0, time, _LOOKS), additive_rate=strength * additive_rate
    )


def _dry(coat: Coat, p: Parameters, places: float | None) -> DriedFilm:
    """The film dried with so many places (m^-2) on the oxide; None for a film without additive."""
    if places is None or coat.additive is None:
        return drying.dry(
            0.0,
            None,
            p.drying,
            film_thickness=float(coat.thickness),
            ink_concentration=_AVOGADRO * float(coat.lead),
        )
    oxide = drying.Adsorption(
        sites=places,
        k_on=float(p.competition.adsorption_rate),
        k_off=p.competition.desorption_rate(),
        solvent_competition=float(p.competition.solvent_competition),
    )
    return drying.dry(
        float(coat.additive.dose),
        oxide,
        p.drying,
        film_thickness=float(coat.thickness),
        ink_concentration=_AVOGADRO * float(coat.lead),
    )
