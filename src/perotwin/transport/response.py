"""Small extra light or voltage on a steady state: the exact linearisation, one factorised Jacobian for all causes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge as Q

from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem
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
    found = response(solver, state, intensity, sources)
    # the circuit: the junction's voltage moves until V = a v + b J stays as it was
    a, b = solver.circuit()
    slope = found.slope + leak(solver.problem)
    change_of_v = -b * found.current / (a + b * slope)
    return np.asarray(found.current + found.slope * change_of_v)


def terminal_slope(solver: Solver, state: State, intensity: float) -> float:
    """dJ/dV at the terminals, S m^-2, of a steady curve: ions that the solver re-equilibrates follow.

    Args: as for `photocurrent_response`.
    """
    none = np.zeros((0, solver.problem.device.volume.size))
    slope = response(solver, state, intensity, none, ions_follow=True).slope
    a, b = solver.circuit()
    return slope / (a + b * (slope + leak(solver.problem)))


@dataclass(frozen=True)
class Response:
    """How a junction at a held voltage follows Q small extra generations, and how it follows that voltage.

    Attributes:
        current: (Q,) A m^-2 per m^-2 s^-1 of each. slope: of the current, shunt included, A m^-2 per kT/q.
        glow: (Q,) of the net radiative rate of the emitting layer. glow_slope: m^-2 s^-1 per kT/q.
    """

    current: F64
    slope: float
    glow: F64
    glow_slope: float


def response(
    solver: Solver,
    state: State,
    intensity: float,
    sources: F64,
    *,
    coupled: F64 | None = None,
    emitter: int = 0,
    ions_follow: bool = False,
) -> Response:
    """The linear response of a junction.

    Args:
        solver, state, intensity, sources: as for `photocurrent_response`.
        coupled: (S,) pairs that another junction's light makes in the state, m^-2 s^-1.
        emitter: index of the layer whose light is asked for.
        ions_follow: whether ions that the solver re-equilibrates follow; else they are held.
    """
    device, charge, mu = solver.problem.device, solver.frozen_charge, state.mu
    if not ions_follow:
        charge = charge.copy()
        work = make_work(device)
        k.ions(device, work, state.psi, state.mu)
        for row, density in zip(device.ion, work.ion, strict=True):
            charge += row[dv.I_Z] * density
        device, mu = device._replace(ion=np.zeros((0, dv.ION_COLUMNS))), np.zeros(0)
    generation = intensity * solver.problem.generation
    glow = np.zeros(sources.shape[0] + 1)
    flux = k.respond(
        device, make_work(device), state.psi, state.fn, state.fp, float(state.v[0]),
        generation if coupled is None else generation + coupled, charge, mu,
        np.ascontiguousarray(sources, dtype=float), emitter, glow,
    )  # fmt: skip
    current = (-Q if device.anode_front else Q) * flux
    return Response(
        current[:-1], float(current[-1]) - leak(solver.problem), glow[:-1], float(glow[-1])
    )


def leak(problem: Problem) -> float:
    """Current through a junction's shunt per kT/q of its voltage, A m^-2."""
    shunt = problem.stack.circuit.shunt_resistance
    return 0.0 if shunt is None else problem.vt / float(shunt)
