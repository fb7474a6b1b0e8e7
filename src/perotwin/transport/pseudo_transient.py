"""Pseudo-transient continuation: a steady state by the way that the carriers take to it, in ever longer implicit steps
(doi:10.1137/S0036142996304796).

For states that Newton's method does not reach at once: light on a cell whose dark densities are a hundred orders of
magnitude below, a bias at which traps or pockets fill.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perotwin.transport.kernels.circuit import Constraint
from perotwin.transport.kernels.newton import Inertia, Patience
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import densities
from perotwin.transport.system import System

__all__ = ["settle"]

F64 = NDArray[np.float64]

#: rate of the first step, 1/s; the factor by which it rises until one succeeds, for a trap that few carriers fill turns
#: at once; and where it ends
_FIRST, _RISE, _HIGHEST = 1e12, 1e8, 1e80
#: steps in all, and those after which the steady state is tried for
_STEPS, _BETWEEN = 150, 6
#: Newton iterations that a step and the steady state may take, and those up to which the next step is bolder
_ITERATIONS, _ITERATIONS_STEADY, _EASY = 25, 40, 8
#: last Newton step of a step in time: it is on the way only, and where carriers are next to nothing rounding leaves
#: more than a steady state may have
_ON_THE_WAY = 1e-3
#: factors from step to step: at first, the least and the largest
_GROWTH, _LEAST, _LARGEST = 10.0, 1.5, 100.0


def settle(
    system: System, row: F64, generation: F64, held: F64, constraint: Constraint, tolerance: float, longest: float,
    careful: bool = True,
) -> bool:  # fmt: skip
    """Let a state go over to the steady one, in place; False where it is not reached, and then the row is as it was.

    Args:
        system: the circuit. row: its state (`kernels.rows.state_in`), of any light and bias.
        generation, held: (S,) pairs per area and time (m^-2 s^-1) and charge of ions that do not move (m^-3, units of
            q) of each site.
        constraint: at the terminals.
        tolerance: last Newton step of the steady state. longest, careful: see `kernels.newton.Patience`.
    """
    dev, work = system.device, system.work
    brief, patient = (
        Patience(_ITERATIONS, max(tolerance, _ON_THE_WAY), longest, careful),
        Patience(_ITERATIONS_STEADY, tolerance, longest, careful),
    )
    here, trial = row.copy(), row.copy()
    rate, growth, begun, taken = _FIRST, _GROWTH, False, 0
    for _ in range(_STEPS):
        densities(dev, work, state_in(dev, here))
        inertia = Inertia(rate, work.n.copy(), work.p.copy())
        trial[:] = here
        good, count, _ = system.newton(trial, generation, held, constraint, brief, inertia)
        if not good:
            rate *= 3.0 * growth if begun else _RISE
            growth = max(growth**0.5, _LEAST)
            if rate > _HIGHEST:
                return False
            continue
        here[:] = trial
        begun, taken = True, taken + 1
        if taken % _BETWEEN == 0:
            good, _, _ = system.newton(trial, generation, held, constraint, patient)
            if good:
                row[:] = trial
                return True
        growth = min(1.5 * growth, _LARGEST) if count <= _EASY else max(0.7 * growth, _LEAST)
        rate /= growth
    return False
