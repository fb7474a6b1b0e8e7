"""Cells of columns side by side, for tests."""

from typing import Any

import numpy as np

import written
from devices import everything
from perotwin.stack import Parallel, Stack

#: resistances of a stack
CIRCUIT = {"circuit.series_resistance": "5 ohm cm^2", "circuit.shunt_resistance": "2 kohm cm^2"}


def beside(*columns: tuple[str, Any, Stack], name: str = "beside") -> Parallel:
    """A cell of (name, area, stack)."""
    return Parallel(
        name=name, column=tuple({"name": one, "area": area, "stack": stack} for one, area, stack in columns)
    )


def twice(stack: Stack, name: str = "twice") -> Parallel:
    """A stack beside itself, 0.3 and 0.7 of the area."""
    return beside(("one", 0.3, stack), ("other", 0.7, stack), name=name)


def another() -> Stack:
    """A cell of everything in other numbers than `everything("fermi-dirac")`, with resistances."""
    return everything("boltzmann", crowded=False).with_values(
        {"absorber.thickness": 250e-9, "htl|absorber.dipole": 0.05, **CIRCUIT}
    )


def unlike() -> Parallel:
    """Two unlike stacks with charged traps and ions, one of them with resistances."""
    return beside(("a", 0.35, everything("fermi-dirac")), ("b", 0.65, another()))


def patchy(covered: Any = 0.7, bare: Any = 0.3, **changes: Any) -> Parallel:
    """The library's target beside its control; `changes` are made in the whole cell."""
    cell = beside(
        ("covered", covered, written.stack("wbg-target")),
        ("bare", bare, written.stack("wbg-control")),
        name="patchy",
    )
    return cell.with_values(changes)


def alike(one: Any, other: Any, rel: float, skip: tuple[str, ...] = ()) -> None:
    """Two measurements hold the same numbers, to `rel` of the largest of each variable."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        if name in skip:
            continue
        a, b = one[name].values, other[name].values
        if a.dtype.kind not in "fc":
            assert np.array_equal(a, b), name
            continue
        assert np.array_equal(np.isnan(a), np.isnan(b)), name
        size = np.nanmax(np.abs(a), initial=0.0)
        assert np.nanmax(np.abs(a - b), initial=0.0) <= rel * size, (name, np.nanmax(np.abs(a - b)) / size)
