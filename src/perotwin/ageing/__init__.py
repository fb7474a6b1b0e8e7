"""What the hours do to a cell: halide segregation, operation under light, films that age."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "conditions",
    "courses",
    "degradation",
    "feedback",
    "films",
    "lifetimes",
    "mechanisms",
    "operating_point",
    "parameters",
    "protocols",
    "rates",
    "resolved",
    "segregation",
    "segregation_profile",
    "soak",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"perotwin.ageing.{name}")
    raise AttributeError(f"module 'perotwin.ageing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
