"""Small extra light on a steady state: the exact linearisation, one factorised Jacobian for all wavelengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge as Q

from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.device import make_work
from perotwin.transport.steady import Solver, State

F64 = NDArray[np.float64]


def photocurrent_response(solver: Solver, state: State, intensity: float, sources: F64) -> F64:
    """Change of the terminal current per small extra generation, at a fixed terminal voltage and with ions held.

    Args:
        solver: of the cell.
        state: a steady state of it.
        intensity: suns under which the state was found.
        sources: (Q, S) extra pairs per area, time and site, m^-2 s^-1.

    Returns:
        (Q,) change of the terminal current, A m^-2, positive = more power out.
    """
    problem = solver.problem
    device = problem.device
    charge = solver.frozen_charge.copy()
    work = make_work(device)
    k.ions(device, work, state.psi, state.mu)
    for row, density in zip(device.ion, work.ion, strict=True):
        charge += row[dv.I_Z] * density
    held = device._replace(ion=np.zeros((0, dv.ION_COLUMNS)))
    slope = np.zeros(1)
    flux = k.respond(
        held,
        make_work(held),
        state.psi,
        state.fn,
        state.fp,
        float(state.v[0]),
        intensity * problem.generation,
        charge,
        np.ascontiguousarray(sources, dtype=float),
        slope,
    )
    sign = -Q if device.anode_front else Q
    # the circuit: the junction's voltage moves until V = a v + b J stays as it was
    a, b = solver.circuit()
    leak = problem.stack.circuit.shunt_resistance
    shunt = 0.0 if leak is None else problem.vt / float(leak)
    change_of_v = -b * sign * flux / (a + b * sign * slope[0])
    return np.asarray(sign * (flux + slope[0] * change_of_v) - shunt * change_of_v)
