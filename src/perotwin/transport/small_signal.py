"""Small signals on a steady state: the exact linearisation, at any frequency, and the cell's own time constants.

    linear = Linearised(solver, state, light=1.0)
    spectrum = linear.spectrum([1e-3, 1.0, 1e6])
    spectrum.impedance           # ohm m^2, series resistance and shunts included
    linear.rates(3)              # 1/s, slowest first
    linear.slowest()             # 1/s, the slowest that the terminals see

Electrons, holes, potential, the occupation of charged traps and, unless they are held, the ions are all variables; the
circuit and the light between its junctions are part of the same equations. Every frequency takes one factorisation,
which serves voltage and light alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError
from perotwin.transport import device as dv
from perotwin.transport.device import Traps, lay_out, make_blocks, make_work, state_width, stored_width
from perotwin.transport.eigenmodes import Control, Modes, Resolvent
from perotwin.transport.kernels.circuit import make_answer, make_linear
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.small_signal import signals
from perotwin.transport.kernels.statistics import steady_ions
from perotwin.transport.mobile_ions import in_motion
from perotwin.transport.states import State

if TYPE_CHECKING:
    from perotwin.transport.steady import Solver

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


@dataclass(frozen=True)
class Spectrum:
    """Response of a cell to exp(i omega t). W frequencies; passive sign: a resistor has a positive impedance.

    Attributes:
        frequency: (W,) Hz.
        admittance: (W,) -dJ/dV at the terminals, S m^-2.
        imps: (W,) current response to light at a held terminal voltage, A m^-2 per sun.
    """

    frequency: F64
    admittance: C128
    imps: C128

    @property
    def impedance(self) -> C128:
        """(W,) -dV/dJ at the terminals, ohm m^2."""
        return np.asarray(1.0 / self.admittance)

    @property
    def capacitance(self) -> F64:
        """(W,) Im(admittance) / omega at the terminals, F m^-2."""
        return np.asarray(self.admittance.imag / (2.0 * np.pi * self.frequency))

    @property
    def imvs(self) -> C128:
        """(W,) voltage response to light at a held terminal current (none, at open circuit), V per sun."""
        return np.asarray(self.imps / self.admittance)


class Linearised(Modes):
    """The equations of a cell about one steady state.

    Args:
        solver: of the cell. Ions that it re-equilibrates can move; those that it holds stay held.
        state: a steady state of it.
        light: suns under which the state was found.
        ions: "moving", or "held" where the state has them.
    """

    def __init__(
        self, solver: Solver, state: State, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> None:
        problem, steady = solver.problem, state_in(solver.system.device, state.row)
        self.problem, self.voltage, self.light = problem, state.voltage, light
        self.held = solver.frozen_charge.copy()
        count = None
        if ions == "held":
            device, work = solver.system.device, solver.system.work
            steady_ions(device, work, steady)
            for row, density in zip(device.ion, work.ion, strict=True):
                self.held += row[dv.I_Z] * density
            count = 0
        self.device = lay_out(
            [in_motion(one, one.device.ion.shape[0] if count is None else 0) for one in problem.parts]
        )
        self.row = np.zeros(state_width(self.device))
        self.state = state_in(self.device, self.row)
        for name in ("psi", "fn", "fp", "fn_rest", "fp_rest", "v"):
            getattr(self.state, name)[:] = getattr(steady, name)
        if count is None:
            self.state.level[:] = steady.mu[:, None]
        self.net = problem.circuit.net(problem.parts, problem.lights)
        self.causes = 2 + int(np.bincount(self.net.receiver, minlength=1).max())
        self.work = make_work(self.device, self.causes)
        sites = self.device.volume.size
        self.filled = Traps(
            np.zeros((self.device.trap.shape[0], sites)), np.zeros(self.device.face_trap_site.size)
        )

    def spectrum(self, frequency: ArrayLike) -> Spectrum:
        """The response at each frequency (Hz, above zero where ions move).

        Raises:
            InputError: a frequency that is negative, not a number, or zero where ions move.
        """
        hertz = self.frequencies(frequency)
        found = self._followed(np.asarray(2j * np.pi * hertz))
        return Spectrum(hertz, -found[:, 0], found[:, 1])

    def frequencies(self, given: ArrayLike) -> F64:
        """(W,) Hz, if they can be; raises as `spectrum`."""
        hertz = np.atleast_1d(np.asarray(given, dtype=float))
        moving = self.device.motion.shape[0] > 0
        least = "above zero" if moving else "of zero or more"
        if not np.all(np.isfinite(hertz)) or np.any(hertz < 0.0) or (moving and np.any(hertz == 0.0)):
            raise InputError(
                "a small signal needs frequencies.", f"Give finite ones {least}, in Hz.", key="frequency"
            )
        return hertz

    def _followed(self, rate: C128) -> C128:
        """(W, 2) how the current at the terminals follows their voltage (S m^-2) and, at a held one, a sun of extra
        light (A m^-2), signals exp(rate t).
        """
        sources = self.problem.generation[None]
        blocks = make_blocks(self.device, self.causes + 1, complex)
        out = np.empty((rate.size, 2), dtype=complex)
        memory = (make_linear(self.net, complex), make_answer(self.net, complex))
        nothing = np.zeros(stored_width(self.device))
        signals(
            self.device, self.work, blocks, self.net, self.row, self.held, np.asarray(rate, dtype=complex), sources,
            nothing, self.filled, memory, out,
        )  # fmt: skip
        return out

    # --- what its modes are found from -------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """The cell and its state, for messages."""
        return f'"{self.problem.stack.name}" at {self.voltage:.4g} V'

    @property
    def series(self) -> float:
        """What is in series with all junctions, or with columns side by side, ohm m^2."""
        return self.problem.circuit.in_series

    def impedance_at(self, rate: C128) -> C128:
        """(W,) impedance less the series resistance, ohm m^2, of signals exp(rate t); (W,) 1/s."""
        return np.asarray(-1.0 / self._followed(np.asarray(rate, dtype=complex))[:, 0] - self.series)

    @property
    def shift(self) -> float:
        """Rate (1/s) about which slow modes are expanded, at which the slowest ions diffuse through their layer.

        Ions that nothing removes make the equations singular at zero.
        """
        device = self.device
        width = np.add.reduceat(device.volume, device.site_start[:-1])
        return float(
            min((row[dv.M_D] / width[int(row[dv.M_LAYER])] ** 2 for row in device.motion), default=0.0)
        )

    def resolvent(self, control: Control) -> Resolvent:
        """Of the cell with its circuit."""
        return Resolvent(self, control)
