"""Every free parameter of the recipe's models in one place, with its range and the measurement that fixes it.

The values stand in `library/parameters.toml` and serve all samples alike: control and target differ by what was done
to them and by nothing here.
"""

from __future__ import annotations

from typing import Annotated

from perotwin.recipe.compensation import Competition
from perotwin.recipe.coverage import Monolayer
from perotwin.recipe.drying import Drying
from perotwin.recipe.interface import Dipoles
from perotwin.recipe.library import from_library
from perotwin.recipe.passivation import GrainBoundaries
from perotwin.stack.paths import walk
from perotwin.stack.quantity_fields import Dim, Model
from perotwin.units import Quantity

__all__ = ["Parameters", "Solvent", "library_parameters"]


class Solvent(Model):
    """strength : how fast a monolayer leaves in this solvent, over that in the solvent of the ink."""

    strength: Annotated[Quantity, Dim("dimensionless", least=0)]


class Parameters(Model):
    """All models' parameters: of the monolayer, the additive's competition for its holes, drying, the face's dipoles
    and recombination, grain boundaries, solvents."""

    monolayer: Monolayer
    competition: Competition
    drying: Drying
    interface: Dipoles
    passivation: GrainBoundaries
    solvents: dict[str, Solvent]

    def quantities(self) -> dict[str, Quantity]:
        """Every parameter by its path; `assumed` holds its range and `note` the measurement that fixes it."""
        found: dict[str, Quantity] = {}
        for name in type(self).model_fields:
            part = getattr(self, name)
            for key, model in part.items() if isinstance(part, dict) else [("", part)]:
                found.update(walk(model, f"{name}.{key}" if key else name))
        return found


def library_parameters() -> Parameters:
    """The parameters that come with perotwin."""
    return from_library(Parameters)
