"""Signals whose unit says nothing that an analysis needs: counts, counts per second, arbitrary units."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["in_any_unit"]

F = TypeVar("F", bound=Callable[..., Any])

#: units that mean a number and a hundredth
_NUMBERS = ("1", "%")


def in_any_unit(name: str) -> Callable[[F], F]:
    """Let a function take a variable of measurements in whatever unit a file writes ("a.u.", "cps"), as plain numbers.

    Percent stays what it is. It goes above `of_measurements`, which would refuse such a unit.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def plain(measured: Any, *others: Any, **named: Any) -> Any:
            many = isinstance(measured, (list, tuple))
            found = [_plain(one, name) for one in (measured if many else [measured])]
            return function(found if many else found[0], *others, **named)

        return cast(F, plain)

    return decorate


def _plain(measured: Any, name: str) -> Any:
    """A dataset whose variable says "1" where it said a unit that is no number."""
    if not hasattr(measured, "data_vars") or name not in measured.data_vars:
        return measured
    stated = measured[name].attrs.get("units")
    if stated is None or str(stated).strip() in _NUMBERS:
        return measured
    one = measured[name]
    return measured.assign(
        {name: (one.dims, one.values, {**one.attrs, "units": "1", "original_units": str(stated)})}
    )
