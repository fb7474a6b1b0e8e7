"""How things look: style, palette, axes with units, and the figures that the instruments draw with them."""

from importlib import import_module
from types import ModuleType

_MODULES = (
    "curves",
    "depth",
    "film",
    "interface",
    "luminescence",
    "pulses",
    "recipes",
    "signals",
    "spectra",
    "stack_drawing",
    "style",
    "surface",
    "time",
)

__all__ = list(_MODULES)


def __getattr__(name: str) -> ModuleType:
    """Import a module of figures when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'perotwin.plotting' has no attribute {name!r}")
    return import_module(f"perotwin.plotting.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
