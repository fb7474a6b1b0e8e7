"""A sample: what a recipe leaves, step by step, on the oxide and in the film.

    sample = prepare(load("target"))
    sample.face.shares                   # monolayer, additive, bare oxide
    sample.film                          # lifetimes, traps and ions of the film
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.recipe import compensation, coverage, drying, interface, molecules, passivation
from perotwin.recipe.recipe import Anneal, Coat, Recipe, Rinse, Wash

if TYPE_CHECKING:
    from perotwin.recipe.coverage import History, Patch
    from perotwin.recipe.drying import DriedFilm
    from perotwin.recipe.interface import Face
    from perotwin.recipe.molecules import Molecule
    from perotwin.recipe.parameters import Parameters
    from perotwin.recipe.passivation import Film

__all__ = ["Sample", "prepare"]

F64 = NDArray[np.float64]

#: side of the square that is looked at, m
SIDE = 200e-9
_AVOGADRO = 6.02214076e23
