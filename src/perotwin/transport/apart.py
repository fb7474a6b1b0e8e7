"""The junctions of a tandem each by itself, and any solver under another light than the cell's own."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from perotwin.stack import Tandem
from perotwin.transport.steady import Solver
from perotwin.transport.tandem import TandemSolver

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.cell import CellSolver

__all__ = ["junction_solvers", "relit"]

F64 = NDArray[np.float64]
S = TypeVar("S", bound="Solver | TandemSolver")

_NAMES = ("top", "bottom")


def junction_solvers(cell: Cell, solver: CellSolver, *, light: bool = True) -> dict[str, Solver]:
    """What solves each junction of a tandem by itself, lit as it is in the tandem; nothing for other cells,
    a junction with terminals of its own among them.

    A junction has its own shunt. What is in series with both junctions, and the light that one of them makes in the
    other, are not part of it.

    Args:
        cell: that was built. solver: of it, whether in series or in one.
        light: whether generation is needed.
    """
    if not isinstance(cell, Tandem) or cell.junction.kind == "separate":
        return {}
    found: Any = solver
    if not isinstance(found, TandemSolver):
        # in one solve the junctions have no problems of their own; how they are joined is nothing to either
        from perotwin.transport.joined import in_series

        alike = cell if cell.junction.kind != "traps" else cell.with_values({"junction": {"kind": "ideal"}})
        return dict(
            zip(_NAMES, (Solver(one) for one in in_series(alike, light=light).junctions), strict=True)
        )
    return dict(zip(_NAMES, found.junctions, strict=True))


def relit(solver: S, generation: Sequence[F64]) -> S:
    """The same cell with other pairs made in it: a solver that shares all else with the given one.

    Args:
        solver: of one stack, or of a tandem in either form.
        generation: pairs per area, time and site at 1 sun, m^-2 s^-1: (S,) of the stack, or those of the top and of the
            bottom junction.
    """
    made = copy.copy(solver)
    if isinstance(made, TandemSolver):
        first, second = (
            relit(one, [pairs]) for one, pairs in zip(made.junctions, generation, strict=True)
        )
        made.junctions = (first, second)
        top, bottom = (one.problem for one in made.junctions)
        made.problem = replace(made.problem, junctions=(top, bottom))
    else:
        made.problem = replace(made.problem, generation=np.ascontiguousarray(np.concatenate(generation)))
    return made
