"""What the public functions of instruments are given, looked at before anything is computed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from perotwin.errors import InputError, shown
from perotwin.measurement.conform import conform
from perotwin.measurement.instrument import named

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["of_a_cell", "of_measurements"]

F = TypeVar("F", bound=Callable[..., Any])


def of_a_cell(measure: F) -> F:
    """Let a `measure(cell, protocol)` refuse what is no cell, and a protocol that is not its own module's `Protocol`.

    Raises:
        InputError: as the function that it makes.
    """

    @functools.wraps(measure)
    def checked(cell: Any, protocol: Any = None, *others: Any, **named_ones: Any) -> Any:
        _refuse_no_cell(cell)
        kind: Any = vars(sys.modules[measure.__module__])["Protocol"]
        if protocol is not None and not isinstance(protocol, kind):
            called = f"{measure.__module__.removeprefix('perotwin.')}.Protocol"
            values = "**values" if isinstance(protocol, Mapping) else "..."
            raise InputError(
                f"a protocol is a {called}; this is a {type(protocol).__name__}.",
                f"Write {called}({values}).",
                key="protocol",
            )
        return measure(cell, protocol, *others, **named_ones)

    return cast(F, checked)


def of_measurements(instrument: str) -> Callable[[F], F]:
    """Let `analyse` or `plot` of an instrument read its dataset, or all of a list, in the declared units and shape.

    Raises:
        InputError: as `measurement.conform`.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def checked(measured: Any, *others: Any, **named_ones: Any) -> Any:
            return function(_conforming(measured, instrument), *others, **named_ones)

        return cast(F, checked)

    return decorate


def _conforming(measured: Any, name: str) -> xr.Dataset | list[xr.Dataset]:
    declared = named(name)
    assert declared is not None
    if isinstance(measured, (list, tuple)):
        return [conform(one, declared) for one in measured]
    return conform(measured, declared)


def _refuse_no_cell(cell: Any) -> None:
    from perotwin.stack import Parallel, Stack, Tandem

    if isinstance(cell, Stack | Parallel | Tandem):
        return
    advice = (
        "Load it first: perotwin.load(...)." if isinstance(cell, str) else "perotwin.load(...) gives one."
    )
    raise InputError(
        f"a cell is measured, and this is a {type(cell).__name__} ({shown(cell)}).", advice, key="cell"
    )
