"""The optics of cells that look alike, solved once.

    with reusing():
        build(cell)                                               # solves absorption and emission
        build(cell.with_values({"perovskite.hole_mobility": ...}))  # takes them from before

Sweeps, searches and sensitivities solve many cells that differ in numbers that light does not see. Inside the block
`absorb`, `emit` and `parts` give what they gave before for a cell with the same optics; outside every call is solved.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import numpy as np

from perotwin.stack.quantity_fields import Model

__all__ = ["reusable", "reusing"]

T = TypeVar("T")
P = ParamSpec("P")

#: What light does not see. Anything else counts as optical, so that a key nobody thought of here costs time and not a
#: wrong number.
_UNSEEN = frozenset(
    {
        "auger",
        "circuit",
        "contact",
        "description",
        "dipole",
        "dipole_spread",
        "ions",
        "junction",
        "lower_junction",
        "patches",
        "recipe",
        "source",
        "transport",
        "trap",
    }
)
#: Of the electronic numbers of a layer, those that move its optical edge.
_EDGE = ("bandgap", "bandgap_temperature_coefficient", "reference_temperature")


@dataclass
class _Kept:
    """Results by what they are of; the latest ones."""

    most: int
    results: OrderedDict[Any, Any] = field(default_factory=OrderedDict)


_kept: ContextVar[_Kept | None] = ContextVar("perotwin_kept_optics", default=None)


@contextmanager
def reusing(most: int = 16) -> Iterator[None]:
    """Keep the latest `most` results inside the block."""
    token = _kept.set(_Kept(most))
    try:
        yield
    finally:
        _kept.reset(token)


def reusable(solve: Callable[P, T]) -> Callable[P, T]:
    """Let a function of a cell, and of numbers or arrays, give its earlier result inside `reusing`."""

    @functools.wraps(solve)
    def given(*arguments: P.args, **options: P.kwargs) -> T:
        kept = _kept.get()
        if kept is None:
            return solve(*arguments, **options)
        cell, *rest = arguments
        # films that were made before are those of the cell
        given_too = {name: value for name, value in options.items() if name != "optical"}
        key = (solve.__name__, seen(cell), _frozen(rest), _frozen(given_too))
        if key not in kept.results:
            kept.results[key] = solve(*arguments, **options)
        kept.results.move_to_end(key)
        while len(kept.results) > kept.most:
            kept.results.popitem(last=False)
        found: T = kept.results[key]
        return found

    return given


def seen(cell: Any) -> Any:
    """What light sees of a cell, as something that can be compared and hashed."""
    return _visible(cell, outermost=True)


def _visible(node: Any, outermost: bool = False) -> Any:
    if isinstance(node, Model):
        names: tuple[str, ...] = tuple(type(node).model_fields)
        if type(node).__name__ == "Electronic":
            names = _EDGE
        elif outermost or type(node).__name__ == "Stack":
            names = tuple(name for name in names if name != "name")
        return (
            type(node).__name__,
            *((name, _visible(getattr(node, name))) for name in names if name not in _UNSEEN),
        )
    if isinstance(node, Mapping):
        return tuple((key, _visible(value)) for key, value in node.items())
    if isinstance(node, (tuple, list)):
        return tuple(_visible(entry) for entry in node)
    # a quantity is its value, however it was written
    return float(node) if isinstance(node, float) else node


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((key, _frozen(entry)) for key, entry in value.items())
    if isinstance(value, (tuple, list)):
        return tuple(_frozen(entry) for entry in value)
    return value
