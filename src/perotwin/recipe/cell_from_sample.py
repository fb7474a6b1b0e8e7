"""From a sample to a cell: what the recipe made replaces what the base stack has in its place.

    cell = apply(load("target"), pt.load("wbg-base"))

The buried face (between the hole transport layer and the absorber) gets its dipole and its recombination, the film
its thickness, lifetimes, counted traps and ions, its far face its roughness. Patches of bare oxide that carriers
reach across make one effective face; larger ones make columns side by side (`Parallel`). What wider areas have
otherwise (`interface.unevenness`) becomes a spread of the dipole and patches of that face, and pinholes
a resistance beside the shunt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perotwin.errors import InputError
from perotwin.recipe.recipe import Recipe
from perotwin.recipe.sample import Sample, prepare
from perotwin.stack import Cell, Column, Layer, Parallel, Stack
from perotwin.stack.face_areas import reach

if TYPE_CHECKING:
    from perotwin.recipe.passivation import Film

__all__ = ["Made", "apply", "make", "written"]

#: share of the area from which on pinholes are in the cell: less moves no voltage by more than some 0.02 mV
_FEWEST = 1e-7


@dataclass(frozen=True)
class Made:
    """A cell that a recipe made.

    Attributes:
        cell: the one of `effective` and `columns` that the sizes ask for.
        sample: what the recipe left.
        reach: how far carriers move along the film before they recombine, m.
        effective: with one even face. columns: with covered and bare columns side by side; None where nothing is bare.
        why: which was chosen and why, in a sentence.
    """

    cell: Cell
    sample: Sample
    reach: float
    effective: Stack
    columns: Parallel | None
    why: str

    @property
    def name(self) -> str:
        """The cell's."""
        return self.cell.name


def apply(recipe: Recipe, stack: Stack) -> Cell:
    """The cell that a recipe makes of a base stack.

    Raises:
        InputError: the stack has no absorber next to a hole transport layer, or the recipe leaves no film.
    """
    return make(prepare(recipe), stack).cell


def make(sample: Sample, stack: Stack, name: str | None = None) -> Made:
    """The cell that a sample makes of a base stack, with both ways of seeing its face.

    Args:
        sample: with its film.
        stack: the base.
        name: of the cell; that of the recipe unless given.

    Raises:
        InputError: the stack has no absorber next to a hole transport layer, or the sample has no film.
    """
    film = sample.film
    if film is None:
        raise InputError(
            f'the recipe "{sample.name}" leaves no film'
            + (" (it is washed off)." if sample.recipe.coat is not None else " (it coats none)."),
            "A cell needs a recipe that coats and anneals, and does not wash.",
            key="step",
        )
    htl, absorber, key = _buried(stack)
    name = name or sample.name
    even = sample.face
    base = stack.with_values(
        {
            "name": name,
            "recipe": sample.recipe.name,
            "description": " ".join(
                filter(
                    None, [sample.recipe.description, f"Made by the recipe {sample.name} on {stack.name}."]
                )
            ),
            **_film(sample, film, stack, absorber, key),
            **_pinholes(sample, absorber),
        }
    )
    effective = base.with_values(
        _face(sample, key, htl, absorber, stack, even.step, even.velocity) | _uneven(sample, key)
    )
    length = reach(base, absorber, float(sample.parameters.interface.bare_velocity))
    columns = None
    if 0.0 < even.shares["bare"] < 1.0:
        shares = {"covered": 1.0 - even.shares["bare"], "bare": even.shares["bare"]}
        columns = Parallel(
            name=name,
            description=effective.description,
            column=tuple(
                Column(
                    name=part,
                    area=area,
                    stack=base.with_values(
                        {"name": part} | _face(sample, key, htl, absorber, stack, *getattr(even, part))
                    ),
                )
                for part, area in shares.items()
            ),
        )
    sizes = f"patches of {even.patch * 1e9:.3g} nm, carriers reach {length * 1e9:.3g} nm"
    if columns is not None and even.patch > length:
        return Made(columns, sample, length, effective, columns, f"Columns side by side: {sizes}.")
    return Made(effective, sample, length, effective, columns, f"One effective face: {sizes}.")


def _buried(stack: Stack) -> tuple[Layer, Layer, str]:
    """The hole transport layer, the absorber, and the key of the face between them."""
    for front, back in zip(stack.layer, stack.layer[1:], strict=False):
        if {front.role, back.role} == {"htl", "absorber"}:
            htl, absorber = (front, back) if front.role == "htl" else (back, front)
            if htl.electronic is not None and absorber.electronic is not None:
                return htl, absorber, f"{front.name}|{back.name}"
    raise InputError(
        f'"{stack.name}" has no absorber next to a hole transport layer, where a monolayer could lie.',
        'Give a base stack with electrical layers of role = "htl" and "absorber" side by side, such as wbg-base.',
        key="layer",
    )


def written(value: float, unit: str, scale: float = 1.0) -> str:
    """A number to four digits with its unit, as a stack file holds it."""
    return f"{value / scale:.4g} {unit}".replace("e+", "e")


def _sourced(sample: Sample, text: str) -> dict[str, str]:
    return {"value": text, "source": f"recipe {sample.name}"}


def _face(
    sample: Sample, key: str, htl: Layer, absorber: Layer, stack: Stack, step: float, velocity: float
) -> dict[str, Any]:
    """Dipole and recombination of the buried face; a positive step raises the absorber's vacuum level."""
    toward = 1.0 if key == f"{htl.name}|{absorber.name}" else -1.0
    ratio = sample.parameters.interface.capture_ratio
    uneven = 1.0 if ratio is None else float(ratio) ** 0.5
    electrons, holes = (
        _sourced(sample, written(one, "cm/s", 1e-2)) for one in (velocity * uneven, velocity / uneven)
    )
    return {
        f"{key}.dipole": _sourced(sample, written(toward * step, "eV")),
        f"{key}.trap": [{"level": "midgap", "electron_velocity": electrons, "hole_velocity": holes}],
    }


def _uneven(sample: Sample, key: str) -> dict[str, Any]:
    """What areas wider than carriers reach have otherwise, where the recipe's numbers are not zero."""
    face, dipoles = sample.face, sample.parameters.interface
    values: dict[str, Any] = {}
    if face.area_spread > 0.0:
        values[f"{key}.dipole_spread"] = _sourced(sample, written(face.area_spread, "meV", 1e-3))
    if face.wide_patches > 0.0 and dipoles.unevenness is not None:
        values[f"{key}.patches"] = {
            "share": _sourced(sample, written(face.wide_patches, "%", 1e-2)),
            "size": dipoles.unevenness.patch_size,
            "velocity": dipoles.bare_velocity,
        }
    return values


def _pinholes(sample: Sample, absorber: Layer) -> dict[str, Any]:
    """What the film does not cover, where there is enough of it to be seen."""
    wide = sample.parameters.interface.unevenness
    if wide is None or wide.pinhole_velocity is None or sample.face.pinholes < _FEWEST:
        return {}
    share = _sourced(sample, written(sample.face.pinholes, "%", 1e-2))
    return {f"{absorber.name}.pinholes": {"share": share, "velocity": wide.pinhole_velocity}}


def _film(sample: Sample, film: Film, stack: Stack, absorber: Layer, key: str) -> dict[str, Any]:
    """What the recipe says of the film, by field path."""
    coat = sample.recipe.coat
    assert coat is not None
    name = absorber.name
    values: dict[str, Any] = {f"{name}.thickness": coat.thickness}
    for number, trap in enumerate(absorber.trap, 1):
        if trap.electron_lifetime is not None:
            lifetime = _sourced(sample, written(film.lifetime, "ns", 1e-9))
            values[f"{name}.trap.{number}.electron_lifetime"] = lifetime
            values[f"{name}.trap.{number}.hole_lifetime"] = lifetime
        else:
            values[f"{name}.trap.{number}.density"] = _sourced(sample, written(film.counted, "cm^-3", 1e6))
    if absorber.ions is not None:
        values[f"{name}.ions.density"] = _sourced(sample, written(film.ions, "cm^-3", 1e6))
        values[f"{name}.ions.diffusion_coefficient"] = _sourced(
            sample, written(film.ion_diffusion, "cm^2/s", 1e-4)
        )
    if coat.roughness is not None:
        values[f"{_far(stack, absorber, key)}.roughness"] = coat.roughness
    return values


def _far(stack: Stack, absorber: Layer, key: str) -> str:
    """The key of the absorber's other face."""
    names = [layer.name for layer in stack.layer]
    index = names.index(absorber.name)
    faces = [f"{names[i]}|{names[i + 1]}" for i in (index - 1, index) if 0 <= i < len(names) - 1]
    return next(face for face in faces if face != key)
