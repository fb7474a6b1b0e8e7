"""The source paper as rows, and the twin's answer to each: claims, what may be known, predictions, their comparison."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["bench", "claims", "compare", "figures", "found", "page", "posterior", "rows", "split"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"perotwin.paper.{name}")
    raise AttributeError(f"module 'perotwin.paper' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
