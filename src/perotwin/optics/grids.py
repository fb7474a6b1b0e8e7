"""Grids of wavelengths and energies that cells share which are compared: what differs is then the cell, not the grid.

    with same_grids(kept := {}):
        build(cell)                                          # chooses its grids, and keeps them
        build(cell.with_values({"thickness": "401 nm"}))     # takes them

A grid follows the cell (the edge of its absorber, its fringes), and its number of points jumps: by 1e-5 of a current,
which a derivative sees.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["kept", "same_grids"]

T = TypeVar("T")

_shared: ContextVar[dict[Hashable, Any] | None] = ContextVar("perotwin_same_grids", default=None)


@contextmanager
def same_grids(found: dict[Hashable, Any]) -> Iterator[None]:
    """Inside the block every grid is what it was when it was first asked for; `found` keeps them."""
    token = _shared.set(found)
    try:
        yield
    finally:
        _shared.reset(token)


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, or gave before for this key inside the block."""
    found = _shared.get()
    if found is None:
        return make()
    if key not in found:
        found[key] = make()
    value: T = found[key]
    return value
