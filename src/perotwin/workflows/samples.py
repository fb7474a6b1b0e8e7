"""Samples for instruments: what a recipe leaves, or the recipe of a cell, in the state that an instrument looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin import measurement, recipe
from perotwin.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument
    from perotwin.recipe import Made, Recipe, Sample
    from perotwin.stack import Cell

__all__ = ["measure_sample", "recipe_of", "sample_for"]


def sample_for(instrument: Instrument, made_by: Recipe) -> Sample:
    """The sample of a recipe as an instrument takes it: washed where it looks at what lies under the film."""
    return recipe.prepare(made_by.washed() if instrument.washed else made_by)


def recipe_of(cell: Cell | Made) -> Recipe:
    """The recipe that made a cell; of several in one cell the first in the order of the light.

    Raises:
        InputError: none did, or the one that it names is not in the library.
    """
    if isinstance(cell, recipe.Made):
        return cell.sample.recipe
    names = dict.fromkeys(stack.recipe for stack in cell.stacks.values() if stack.recipe is not None)
    if not names:
        raise InputError(
            f'no recipe is known that made "{cell.name}", so that there is no sample of it.',
            'Make the cell from a recipe (perotwin make), or state recipe = "..." in its file.',
            key="recipe",
        )
    name = next(iter(names))
    try:
        return recipe.load(name)
    except InputError as error:
        raise InputError(
            f'the recipe "{name}" that made "{cell.name}" cannot be followed: {error.message}',
            "Run the recipe's own file: perotwin run BASE --recipe FILE.",
            key="recipe",
        ) from None


def measure_sample(instrument: Instrument, made_by: Recipe) -> dict[str, xr.Dataset]:
    """What an instrument measures on the sample of a recipe, by what tells several measurements apart ("" for one).

    Raises:
        InputError: this sample cannot be measured by it.
    """
    sample = sample_for(instrument, made_by)
    found = instrument.measure(sample)
    parts: dict[str, xr.Dataset] = {"": found} if hasattr(found, "data_vars") else dict(found)
    if sample.name == made_by.name:
        return parts
    words = (
        f"the film of {made_by.name} was washed off first: the oxide with what holds on to it is measured."
    )
    return {which: measurement.add_notes(one, [words]) for which, one in parts.items()}
