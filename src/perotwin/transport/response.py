"""Small extra light or voltage on a steady state: the exact linearisation, one factorised Jacobian for all causes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge as Q

from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.device import Device, make_work
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
    device = solver.problem.device
    charge = solver.frozen_charge.copy()
    work = make_work(device)
    k.ions(device, work, state.psi, state.mu)
    for row, density in zip(device.ion, work.ion, strict=True):
        charge += row[dv.I_Z] * density
    held = device._replace(ion=np.zeros((0, dv.ION_COLUMNS)))
    change, slope = _respond(solver, held, state, intensity, charge, np.zeros(0), sources)
    # the circuit: the junction's voltage moves until V = a v + b J stays as it was
    a, b = solver.circuit()
    change_of_v = -b * change / (a + b * slope)
    return np.asarray(change + (slope - _leak(solver)) * change_of_v)


def terminal_slope(solver: Solver, state: State, intensity: float) -> float:
    """dJ/dV at the terminals, S m^-2, of a steady curve: ions that the solver re-equilibrates follow.

    Args: as for `photocurrent_response`.
    """
    device = solver.problem.device
    none = np.zeros((0, device.volume.size))
    _, slope = _respond(solver, device, state, intensity, solver.frozen_charge, state.mu, none)
    a, b = solver.circuit()
    return (slope - _leak(solver)) / (a + b * slope)


def _respond(
    solver: Solver, device: Device, state: State, intensity: float, charge: F64, mu: F64, sources: F64
) -> tuple[F64, float]:
    """Change of the junction's current (A m^-2) per source, (Q,), and per kT/q of junction voltage."""
    slope = np.zeros(1)
    flux = k.respond(
        device, make_work(device), state.psi, state.fn, state.fp, float(state.v[0]),
        intensity * solver.problem.generation, charge, mu, np.ascontiguousarray(sources, dtype=float), slope,
    )  # fmt: skip
    sign = -Q if device.anode_front else Q
    return np.asarray(sign * flux), float(sign * slope[0])


def _leak(solver: Solver) -> float:
    """Current through the shunt per kT/q of junction voltage, A m^-2."""
    shunt = solver.problem.stack.circuit.shunt_resistance
    return 0.0 if shunt is None else solver.problem.vt / float(shunt)
