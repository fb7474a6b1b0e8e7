"""How much of a result is the number of areas that stand for an uneven face: the same with twice as many.

Open circuit and fill factor are solved again with a rule of twice the nodes, each area from the state of the one whose
dipole is nearest. The error of such a rule falls exponentially, so that the difference is the error of the smaller.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.measurement.checks import check
from perotwin.transport.build import Problem, build
from perotwin.transport.device import state_width
from perotwin.transport.junction import Junction
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.states import State
from perotwin.transport.steady import Solver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perotwin.measurement.checks import Checks
    from perotwin.transport.states import States

__all__ = ["checks"]

F64 = NDArray[np.float64]

_OPEN, _SHORT, _MOST = "open-circuit", "short-circuit", "maximum-power"
_VOLTAGE, _FILL = "Voc with twice the areas of uneven faces, V", "FF with twice the areas of uneven faces"
#: errors of the voltage (V) and of the fill factor that a result may have
_LIMIT = {_VOLTAGE: 1e-4, _FILL: 1e-4}


def checks(solver: Solver, points: Mapping[str, States], intensity: float) -> Checks:
    """How far open circuit (V) and the fill factor are off by the number of areas, against the limits.

    Args:
        solver: of the cell. points: its states of one point each, "open-circuit", "short-circuit" and "maximum-power".
        intensity: suns that they are under.

    Returns:
        Nothing for a cell whose faces are even.
    """
    problem = solver.problem
    if len(problem.films) == len(problem.typical) or any(
        name not in points for name in (_OPEN, _SHORT, _MOST)
    ):
        return {}
    opened, short, most = (points[name] for name in (_OPEN, _SHORT, _MOST))
    try:
        more = build(problem.lit_cell, density=problem.meshes, finer=2.0 * problem.finer)
        fine = Solver(more, solver.tolerance)
        near = _lifted(solver, fine, opened.state(0))
        there = fine.open_circuit(near, intensity)
        at = fine.sweep(
            [float(most.voltage[0]), float(short.voltage[0])], intensity, _lifted(solver, fine, most.state(0))
        )
    except ConvergenceError:
        return {name: check(np.nan, limit) for name, limit in _LIMIT.items()}

    def fill(power: float, current: float, voltage: float) -> float:
        return power / (current * voltage) if current * voltage > 0.0 else np.nan

    before = fill(float(most.voltage[0] * most.current[0]), float(short.current[0]), float(opened.voltage[0]))
    after = fill(float(at.voltage[0] * at.current[0]), float(at.current[1]), float(there.voltage[0]))
    found = {_VOLTAGE: abs(float(there.voltage[0] - opened.voltage[0])), _FILL: abs(after - before)}
    return {name: check(value, _LIMIT[name]) for name, value in found.items()}


def _dipoles(part: Junction) -> F64:
    """Those of all stated faces, eV."""
    return np.array([float(face.dipole) for face in part.stack.interface.values()])


def _lifted(coarse: Solver, fine: Solver, state: State) -> State:
    """A state with each area as the one of its stack whose dipoles are nearest."""
    row = np.zeros(state_width(fine.system.device))
    old, new = state_in(coarse.system.device, state.row), state_in(fine.system.device, row)
    ions = [_species(one) for one in (coarse.problem, fine.problem)]
    for number, part in enumerate(fine.problem.parts):
        same = [
            n
            for n, home in enumerate(coarse.problem.homes)
            if home == fine.problem.homes[number] and coarse.problem.parts[n].layers == part.layers
        ]
        from_ = min(
            same, key=lambda n: float(np.abs(_dipoles(coarse.problem.parts[n]) - _dipoles(part)).sum())
        )
        here, there = coarse.system.device.nodes(from_), fine.system.device.nodes(number)
        for name in ("psi", "fn", "fp"):
            getattr(new, name)[there] = getattr(old, name)[here]
        new.mu[ions[1][number]] = old.mu[ions[0][from_]]
        new.v[number] = old.v[from_]
    return State(state.voltage, row)


def _species(problem: Problem) -> list[slice]:
    """Where the mobile species of each part stand among those of all."""
    ends = np.cumsum([0, *(part.device.ion.shape[0] for part in problem.parts)]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]
