"""How the cell was made: molecules, their monolayer on the oxide, and what fills its holes.

Nothing is loaded before it is asked for (PEP 562); chemistry needs the extra `perotwin[mol]`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

#: public name -> (module, attribute in it; None means the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "Dipole": ("molecules", "Dipole"),
    "Molecule": ("molecules", "Molecule"),
    "chemistry": ("chemistry", None),
    "molecules": ("molecules", None),
}

__all__ = ["Dipole", "Molecule", "chemistry", "molecules"]

if TYPE_CHECKING:
    from perotwin.recipe import chemistry as chemistry
    from perotwin.recipe import molecules as molecules
    from perotwin.recipe.molecules import Dipole, Molecule


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'perotwin.recipe' has no attribute {name!r}") from None
    found = import_module(f"perotwin.recipe.{module}")
    value = found if attribute is None else getattr(found, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
