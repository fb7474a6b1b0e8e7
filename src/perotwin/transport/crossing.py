"""Open circuit where one search does not arrive.

Between two voltages at which the current has different signs: where next to nothing passes a cell, its current at a
given voltage is found to all digits, but the slope of the curve is not. And of a junction by itself, far from where it
was known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import ConvergenceError
from perotwin.transport.states import State, States

if TYPE_CHECKING:
    from perotwin.transport.steady import Solver

__all__ = ["crossing", "of_junction", "told"]

#: steps (V) by which two such voltages are looked for, the first and how each is longer than the last, and how many
_FIRST, _LONGER, _STEPS = 0.02, 1.5, 12
#: voltages that are tried for between them
_TRIALS = 80
#: steps of a junction's voltage (V) on the way to its open circuit
_CLIMB = 0.1


def crossing(solver: Solver, near: State, intensity: float) -> States | None:
    """Open circuit by given voltages alone; None where no two of different signs are found, one is not reached, or what
    leaves the cell is told from nothing nowhere.

    Args:
        solver: of a cell with contacts. near: a state of it under `intensity` suns to begin from.
    """
    nothing = solver.delivers_nothing(solver.sweep([0.0], intensity, near), intensity)
    ends = None if nothing else _ends(solver, near, intensity)
    if ends is None:
        return None
    (low, high), enough = ends, solver.tolerance * solver.problem.vt
    weight, trial = [1.0, 1.0], low
    for number in range(_TRIALS):
        a, b = float(low.voltage[0]), float(high.voltage[0])
        own, other = weight[0] * float(low.current[0]), weight[1] * float(high.current[0])
        # the line through both ends, one of which counts half each time that it stays (Illinois,
        # doi:10.1007/BF01934364); every fourth time the middle, where one end is far steeper
        aim = 0.5 * (a + b) if number % 4 == 3 else a + (b - a) * own / (own - other)
        trial = solver.sweep([aim], intensity, (low if aim - a < b - aim else high).state(0))
        if not trial.converged[0]:
            return None
        if min(aim - a, b - aim) < enough or float(trial.current[0]) == 0.0:
            return trial
        if float(trial.current[0]) > 0.0:
            low, weight = trial, [1.0, 0.5 * weight[1]]
        else:
            high, weight = trial, [0.5 * weight[0], 1.0]
    return None


def told(solver: Solver, state: State, intensity: float) -> bool:
    """Whether rounding of what light makes leaves the voltage of an open circuit alone, by the slope of the curve."""
    moved = solver.tolerance * solver.problem.vt * abs(solver.slope(state, intensity))
    return bool(moved > np.finfo(float).eps * intensity * solver.problem.photocurrent_scale)


def _ends(solver: Solver, near: State, intensity: float) -> tuple[States, States] | None:
    """States next to each other of which the first, at the lower voltage, gives current and the second takes it."""
    last = solver.sweep([near.voltage], intensity, near)
    step = _FIRST
    for _ in range(_STEPS):
        if not last.converged[0]:
            return None
        gives = float(last.current[0]) > 0.0
        towards = float(last.voltage[0]) + (step if gives else -step)
        found = solver.sweep([towards], intensity, last.state(0))
        if found.converged[0] and (float(found.current[0]) > 0.0) != gives:
            return (last, found) if gives else (found, last)
        last, step = found, _LONGER * step
    return None


def of_junction(solver: Solver, intensity: float) -> State:
    """A junction's own open circuit: straight from short circuit, or by steps where that does not arrive.

    Raises:
        ConvergenceError: it was not found.
    """
    state = solver.short_circuit(intensity)
    try:
        return solver.open_circuit(state, intensity).state(0)
    except ConvergenceError:
        if solver.delivers_nothing(solver.sweep([0.0], intensity, state), intensity):
            # where no current is told from none, every voltage is open circuit
            return state
        found = solver.sweep(np.arange(_CLIMB, solver.problem.highest_voltage, _CLIMB), intensity, state)
        given = np.flatnonzero(found.converged & (found.current > 0.0))
        near = found.state(int(given[-1])) if given.size else state
        return solver.open_circuit(near, intensity).state(0)
