"""Exact derivatives of figures of merit by the numbers of a cell, from its three solved points.

Short circuit moves with the current at no voltage, open circuit with the voltage at no current, maximum power with the
current at its voltage alone, since the power is stationary there: `transport.sensitivity` tells all three, for all
numbers at once, where differences would solve four cells for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perotwin import progress
from perotwin.errors import ConvergenceError, PerotwinError
from perotwin.study.merit import Merit, solved

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.sensitivity import Following
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["OBJECTIVES", "Followed", "able", "exact_slopes", "followed"]

#: figures of merit that have exact slopes; where the maximum lies moves with second derivatives
OBJECTIVES = ("pce", "voc", "jsc", "ff")
#: V between the two points of a secant
_SECANT = 1e-3


@dataclass(frozen=True)
class Followed:
    """What a cell is worth, and how one figure of merit follows some of its numbers.

    Attributes:
        merit: of the cell.
        slopes: derivatives of the figure of merit, in SI of both (energies eV), by path; without those that have none.
    """

    merit: Merit
    slopes: dict[str, float]


def exact_slopes(cell: Cell, paths: Sequence[str], objective: str) -> dict[str, float]:
    """Derivatives of a figure of merit, in SI of both, by field path; numbers that have none are left out.

    Args:
        cell: any cell in light. paths: of its numbers. objective: "pce", "voc", "jsc" or "ff"; nothing of others.
    """
    wanted = able(cell, paths, objective)
    if not wanted:
        return {}
    try:
        return followed(cell, wanted, objective).slopes
    except PerotwinError:
        # what cannot be solved is told by those who take differences
        return {}


def able(cell: Cell, paths: Sequence[str], objective: str) -> list[str]:
    """Those of some numbers by which a figure of merit may have an exact slope."""
    from perotwin.stack import Tandem

    if objective not in OBJECTIVES or (isinstance(cell, Tandem) and cell.junction.kind == "separate"):
        return []
    return [path for path in paths if _alone(path) and float(cell.get(path)) != 0.0]


def followed(cell: Cell, paths: Sequence[str], objective: str) -> Followed:
    """A cell solved, and its slopes from the same solution.

    Args:
        cell: any cell in light. paths: of its numbers, such as `able` tells. objective: of `OBJECTIVES`.

    Raises:
        PerotwinError: as `merit` does; or the point of maximum power was not found to what slopes need.
    """
    from perotwin.lab import conditions
    from perotwin.transport.states import join

    known = solved(cell)
    solver = known.solver
    three = join([known.short, known.opened, _stationary(solver, known.best, known.suns)])
    if not three.converged.all():
        raise ConvergenceError(
            "the place of maximum power was not found to what slopes need.",
            "Take differences.",
            stage="maximum-power",
        )
    with progress.task(f"{cell.name}: exact slopes by {len(paths)} numbers", total=1) as counter:
        follows = _follows(solver, paths)
        counter.advance()
    if follows is None:
        return Followed(known.merit, {})
    slopes = follows.current(three)
    voc, vmp = float(three.voltage[1]), float(three.voltage[2])
    jsc, power = float(three.current[0]), float(three.voltage[2] * three.current[2])
    by_jsc, by_voc = slopes.by_field[0], slopes.of_voltage[1]
    by_power = vmp * slopes.by_field[2]
    found = {
        "pce": by_power / conditions.irradiance(three),
        "voc": by_voc,
        "jsc": by_jsc,
        "ff": power / (voc * jsc) * (by_power / power - by_voc / voc - by_jsc / jsc),
    }[objective]
    told = zip(follows.fields, np.asarray(found).tolist(), strict=True)
    return Followed(known.merit, {path: value for path, value in told if np.isfinite(value)})


def _stationary(solver: Solver, near: States, suns: float) -> States:
    """The point where J + V dJ/dV is zero, by one secant: the power is flat where its slopes are asked for.

    The top of a parabola is found to what the power is known by, which leaves its place uncertain by far more.
    """

    def rise(point: States) -> float:
        state = point.state(0)
        return float(point.current[0]) + state.voltage * solver.slope(state, suns)

    beside = solver.sweep([float(near.voltage[0]) + _SECANT], suns, near.state(0))
    first, second = rise(near), rise(beside)
    return solver.sweep([float(near.voltage[0]) - first * _SECANT / (second - first)], suns, near.state(0))


def _alone(path: str) -> bool:
    """Whether a number acts through the equations of a state alone.

    A gap moves another one along (`study.variables`), and light is what states are under.
    """
    return not path.endswith("bandgap") and "light" not in path.split(".")


def _follows(solver: Solver, paths: Sequence[str]) -> Following | None:
    """What follows those of the numbers that can be followed; None where none can."""
    from perotwin.transport.sensitivity import Following

    def tried(some: Sequence[str]) -> Following | None:
        made = Following(solver, some)
        try:
            found = made.directions
        except PerotwinError:
            return None
        return made if np.isfinite(found).all() else None

    every = tried(paths)
    if every is not None:
        return every
    good = [path for path in paths if tried([path]) is not None]
    return tried(good) if good else None
