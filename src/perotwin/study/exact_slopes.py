"""Exact derivatives of figures of merit by the numbers of a cell, from its three solved points.

Short circuit moves with the current at no voltage, open circuit with the voltage at no current, maximum power with the
current at its voltage alone, since the power is stationary there: `transport.sensitivity` tells all three, for all
numbers at once, where differences would solve four cells for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin import progress
from perotwin.errors import PerotwinError

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.sensitivity import Following
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["OBJECTIVES", "exact_slopes"]

#: figures of merit that have exact slopes; where the maximum lies moves with second derivatives
OBJECTIVES = ("pce", "voc", "jsc", "ff")
#: V between the two points of a secant
_SECANT = 1e-3


def exact_slopes(cell: Cell, paths: Sequence[str], objective: str) -> dict[str, float]:
    """Derivatives of a figure of merit, in SI of both, by field path; numbers that have none are left out.

    Args:
        cell: any cell in light. paths: of its numbers. objective: "pce", "voc", "jsc" or "ff"; nothing of others.
    """
    from perotwin.lab import conditions, jv
    from perotwin.stack import Tandem
    from perotwin.transport.build import build
    from perotwin.transport.states import join
    from perotwin.transport.steady import Solver

    wanted = [path for path in paths if _alone(path) and float(cell.get(path)) != 0.0]
    apart = isinstance(cell, Tandem) and cell.junction.kind == "separate"
    if objective not in OBJECTIVES or apart or not wanted:
        return {}
    suns = float(cell.light.intensity)
    try:
        solver = Solver(build(cell))
        states = jv.curve(solver, jv.Protocol(step="50 mV"), suns)
        points = jv.solved_points(solver, states, suns)
        most = _stationary(solver, points["maximum-power"], suns)
        three = join([points["short-circuit"], points["open-circuit"], most])
    except (PerotwinError, KeyError):
        # what cannot be solved is told by those who take differences
        return {}
    if not three.converged.all():
        return {}
    with progress.task(f"{cell.name}: exact slopes by {len(wanted)} numbers", total=1) as counter:
        follows = _follows(solver, wanted)
        counter.advance()
    if follows is None:
        return {}
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
    return {path: value for path, value in told if np.isfinite(value)}


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

    def able(some: Sequence[str]) -> Following | None:
        made = Following(solver, some)
        try:
            found = made.directions
        except PerotwinError:
            return None
        return made if np.isfinite(found).all() else None

    every = able(paths)
    if every is not None:
        return every
    good = [path for path in paths if able([path]) is not None]
    return able(good) if good else None
