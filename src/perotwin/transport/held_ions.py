"""Where ions are that are held: where the whole circuit settles at the bias and in the light that their layers name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.transport.device import I_LAYER, I_Z
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import steady_ions
from perotwin.transport.nested import prolonged
from perotwin.transport.states import State
from perotwin.transport.unreached import unreached

if TYPE_CHECKING:
    from perotwin.transport.problem import Problem
    from perotwin.transport.steady import Solver

__all__ = ["held_ions"]

F64 = NDArray[np.float64]


def held_ions(solver: Solver) -> tuple[F64, F64]:
    """Charge (units of q) and density (S,) of the ions that are held, m^-3; until then all of all parts may move.

    Raises:
        ConvergenceError: the circuit could not be settled there.
    """
    sites = solver.problem.generation.size
    total, density = np.zeros(sites), np.zeros(sites)
    for (bias, light), species in _held(solver.problem).items():
        device, work = solver.moving.system.device, solver.moving.system.work
        row = solver.moving.dark if (bias, light) == (0.0, 0.0) else _settled(solver, bias, light).row
        steady_ions(device, work, state_in(device, row))
        for number in species:
            total += device.ion[number, I_Z] * work.ion[number]
            density += work.ion[number]
    return total, density


def _held(problem: Problem) -> dict[tuple[float, float], list[int]]:
    """By bias (V) and light (suns), species that are held there, counted through all parts."""
    held: dict[tuple[float, float], list[int]] = {}
    first = 0
    for part in problem.parts:
        free = part.all_moving().device.ion
        for number in range(part.device.ion.shape[0], free.shape[0]):
            ions = part.stack.electrical_layers[int(free[number, I_LAYER])].ions
            assert ions is not None and ions.response.kind == "frozen"
            at = float(ions.response.bias), float(ions.response.light)
            held.setdefault(at, []).append(first + number)
        first += free.shape[0]
    return held


def _settled(solver: Solver, bias: float, light: float) -> State:
    """The circuit at a bias and in a light, all ions at rest: from where a coarser mesh has found them, or from the
    beginning.
    """
    moving, coarse, near = solver.moving, solver.coarser, None
    if coarse is not None and (bias, light) in coarse.settled:
        near = prolonged(coarse.moving, moving, coarse.settled[bias, light])
    found = moving.sweep([bias], light, near)
    if near is not None and not found.converged[0]:
        found = moving.sweep([bias], light)
    if not found.converged[0]:
        raise unreached(solver.problem.stack.name, bias, found.rows[0], "ions")
    solver.settled[bias, light] = found.state(0)
    return found.state(0)
