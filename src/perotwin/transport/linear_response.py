"""Small extra light or voltage on a steady state: the exact linearisation, one factorised Jacobian for all causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.transport import device as dv
from perotwin.transport.device import make_work
from perotwin.transport.kernels.circuit import make_answer, make_linear
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.small_signal import respond
from perotwin.transport.kernels.statistics import steady_ions

if TYPE_CHECKING:
    from perotwin.transport.states import State
    from perotwin.transport.steady import Solver

F64 = NDArray[np.float64]


def photocurrent_response(solver: Solver, state: State, sources: Sequence[F64]) -> F64:
    """Change of the terminal current per small extra generation, at a fixed terminal voltage and with ions held.

    Args:
        solver: of the cell.
        state: a steady state of it.
        sources: (Q, S) of each part, extra pairs per area of the part, time and site, m^-2 s^-1.

    Returns:
        (Q,) change of the terminal current, A m^-2, positive = more power out.
    """
    return _response(solver, state, np.concatenate(sources, axis=1), ions_follow=False)[1:]


def spectral_response(solver: Solver, state: State) -> F64:
    """(W,) dJ per extra photon of each wavelength of the problem's absorption, C, as `photocurrent_response`."""
    from perotwin.optics.parallel import onto

    problem = solver.problem
    assert problem.absorption is not None
    lam = problem.absorption.wavelength
    sources = []
    for part in problem.parts:
        assert part.absorption is not None
        own = part.absorption
        if np.array_equal(own.wavelength, lam):
            sources.append(own.spectral)
        else:
            each = [onto(lam, own.wavelength, site) for site in own.spectral.T]
            sources.append(np.array(each).T)
    return photocurrent_response(solver, state, sources)


def terminal_slope(solver: Solver, state: State) -> float:
    """dJ/dV at the terminals, S m^-2, of a steady curve: ions that the solver re-equilibrates follow.

    Args: as for `photocurrent_response`.
    """
    none = np.zeros((0, solver.system.device.volume.size))
    return float(_response(solver, state, none, ions_follow=True)[0])


def _response(solver: Solver, state: State, sources: F64, *, ions_follow: bool) -> F64:
    system = solver.system
    device, work, row, charge = system.device, system.work, state.row, solver.frozen_charge
    lights = int(np.bincount(system.net.receiver, minlength=1).max())
    if not ions_follow and device.ion.size:
        st = state_in(device, row)
        charge = charge.copy()
        steady_ions(device, work, st)
        for ion, density in zip(device.ion, work.ion, strict=True):
            charge += ion[dv.I_Z] * density
        row = without_activities(device, row)
        device = device._replace(ion=np.zeros((0, dv.ION_COLUMNS)))
        work = make_work(device, causes=2 + lights)
    out = np.zeros(1 + sources.shape[0])
    memory = (make_linear(system.net), make_answer(system.net))
    respond(
        device, work, system.net, row, charge, np.ascontiguousarray(sources, dtype=float), lights, memory, out
    )  # fmt: skip
    return out


def without_activities(device: dv.Device, row: F64) -> F64:
    """The row of a state whose ions are held, from that of one whose ions re-equilibrate."""
    first = 3 * device.x.size
    return np.concatenate((row[:first], row[first + device.ion.shape[0] :]))
