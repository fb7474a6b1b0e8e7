"""The virtual laboratory: one file an instrument: ``Protocol``, ``measure``, ``analyse``, ``plot``, and ``INSTRUMENT``,
which declares what it is.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from perotwin.lab.registry import find, instruments, known, register, titles, withdraw
from perotwin.measurement.instrument import look_up_with

__all__ = ["find", "instruments", "known", "register", "titles", "withdraw"]

# a measurement says its instrument by name, and its shape is what that instrument declares
look_up_with(find)


def __getattr__(name: str) -> ModuleType:
    """Import an instrument when it is first used, so that ``import perotwin`` stays light."""
    if name.startswith("_") or find_spec(f"perotwin.lab.{name}") is None:
        raise AttributeError(f"module 'perotwin.lab' has no attribute {name!r}")
    return import_module(f"perotwin.lab.{name}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(one.name for one in instruments())})
