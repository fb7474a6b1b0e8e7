"""How a cell was made: molecules, their monolayer on the oxide, the drying film, and what they make of a stack.

    recipe = pt.recipe.load("target")
    cell = pt.recipe.apply(recipe, pt.load("wbg-base"))

Nothing is loaded before it is asked for (PEP 562); chemistry needs the extra `perotwin[mol]`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

#: public name -> (module, attribute in it; None means the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "Dipole": ("molecules", "Dipole"),
    "Made": ("cell_from_sample", "Made"),
    "Molecule": ("molecules", "Molecule"),
    "Parameters": ("parameters", "Parameters"),
    "Recipe": ("recipe", "Recipe"),
    "Sample": ("sample", "Sample"),
    "apply": ("cell_from_sample", "apply"),
    "chemistry": ("chemistry", None),
    "library_parameters": ("parameters", "library_parameters"),
    "load": ("recipe", "load"),
    "make": ("cell_from_sample", "make"),
    "molecules": ("molecules", None),
    "names": ("recipe", "names"),
    "prepare": ("sample", "prepare"),
    "readings": ("sample_data", "readings"),
    "record": ("sample_data", "record"),
}

__all__ = sorted(_LAZY)

if TYPE_CHECKING:
    from perotwin.recipe import chemistry as chemistry
    from perotwin.recipe import molecules as molecules
    from perotwin.recipe.cell_from_sample import Made as Made
    from perotwin.recipe.cell_from_sample import apply as apply
    from perotwin.recipe.cell_from_sample import make as make
    from perotwin.recipe.molecules import Dipole as Dipole
    from perotwin.recipe.molecules import Molecule as Molecule
    from perotwin.recipe.parameters import Parameters as Parameters
    from perotwin.recipe.parameters import library_parameters as library_parameters
    from perotwin.recipe.recipe import Recipe as Recipe
    from perotwin.recipe.recipe import load as load
    from perotwin.recipe.recipe import names as names
    from perotwin.recipe.sample import Sample as Sample
    from perotwin.recipe.sample import prepare as prepare
    from perotwin.recipe.sample_data import readings as readings
    from perotwin.recipe.sample_data import record as record


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _LAZY[name]
    except KeyError:
        # a file of the room, by its own name
        if not name.startswith("_") and find_spec(f"perotwin.recipe.{name}") is not None:
            return import_module(f"perotwin.recipe.{name}")
        raise AttributeError(f"module 'perotwin.recipe' has no attribute {name!r}") from None
    found = import_module(f"perotwin.recipe.{module}")
    value = found if attribute is None else getattr(found, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
