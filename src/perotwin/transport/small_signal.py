"""Small signals on a steady state: the exact linearisation, at any frequency, and the cell's own time constants.

    linear = Linearised(solver, state, light=1.0)
    spectrum = linear.spectrum([1e-3, 1.0, 1e6])
    spectrum.impedance           # ohm m^2, series resistance and shunt included
    linear.rates(3)              # 1/s, slowest first
    linear.slowest()             # 1/s, the slowest that the terminals see

Electrons, holes, potential, the occupation of charged traps and, unless they are held, the ions are all variables.
Every frequency takes one factorisation, which serves voltage and light alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import elementary_charge as Q

from perotwin.errors import InputError
from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.device import make_blocks, make_work
from perotwin.transport.modes import Control, Modes, Resolvent
from perotwin.transport.motion import motion_of, refuse_planes
from perotwin.transport.steady import Solver, State

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


@dataclass(frozen=True)
class Spectrum:
    """Response of a cell to exp(i omega t). W frequencies; passive sign: a resistor has a positive impedance.

    Attributes:
        frequency: (W,) Hz.
        junction_admittance: (W,) of the junction alone, S m^-2, displacement included.
        photocurrent: (W,) current out of the junction at a held junction voltage, A m^-2 per sun of extra light.
        series: series resistance, ohm m^2. leak: conductance of the shunt, S m^-2.
    """

    frequency: F64
    junction_admittance: C128
    photocurrent: C128
    series: float
    leak: float

    @property
    def impedance(self) -> C128:
        """(W,) -dV/dJ at the terminals, ohm m^2."""
        return np.asarray(1.0 / (self.junction_admittance + self.leak) + self.series)

    @property
    def admittance(self) -> C128:
        """(W,) -dJ/dV at the terminals, S m^-2."""
        return np.asarray(1.0 / self.impedance)

    @property
    def capacitance(self) -> F64:
        """(W,) Im(admittance) / omega at the terminals, F m^-2."""
        return np.asarray(self.admittance.imag / (2.0 * np.pi * self.frequency))

    @property
    def imps(self) -> C128:
        """(W,) current response to light at a held terminal voltage, A m^-2 per sun."""
        return np.asarray(
            self.photocurrent / (1.0 + (self.junction_admittance + self.leak) * self.series),
        )

    @property
    def imvs(self) -> C128:
        """(W,) voltage response to light at a held terminal current (none, at open circuit), V per sun."""
        return np.asarray(self.photocurrent / (self.junction_admittance + self.leak))


class Linearised(Modes):
    """The equations about one steady state.

    Args:
        solver: of the cell. Ions that it re-equilibrates can move; those that it holds stay held.
        state: a steady state of it.
        light: suns under which the state was found.
        ions: "moving", or "held" where the state has them.
    """

    def __init__(
        self, solver: Solver, state: State, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> None:
        problem = solver.problem
        refuse_planes(problem, "small signals")
        self.problem, self.state = problem, state
        self.light = light * problem.generation
        species = problem.device.ion.shape[0]
        charge = solver.frozen_charge.copy()
        if ions == "held":
            work = make_work(problem.device)
            k.ions(problem.device, work, state.psi, state.mu)
            for row, density in zip(problem.device.ion, work.ion, strict=True):
                charge += row[dv.I_Z] * density
            species = 0
        self.held = charge
        self.motion = motion_of(problem)[:species]
        self.level = np.repeat(state.mu[:species, None], state.psi.size, axis=1)
        self.device = problem.device._replace(ion=np.zeros((0, dv.ION_COLUMNS)))
        self.work = make_work(self.device)
        self._sign = -Q if self.device.anode_front else Q
        self._size = 3 if species == 0 else int(self.motion[:, dv.M_SLOT].max()) + 1
        circuit = problem.stack.circuit
        self._series = float(circuit.series_resistance)
        self._leak = 0.0 if circuit.shunt_resistance is None else 1.0 / float(circuit.shunt_resistance)

    def spectrum(self, frequency: ArrayLike) -> Spectrum:
        """The response at each frequency (Hz, above zero where ions move).

        Raises:
            InputError: a frequency that is negative, not a number, or zero where ions move.
        """
        hertz = self.hertz(frequency)
        found, _ = self.follow(np.asarray(2j * np.pi * hertz), self.problem.generation[None])
        return Spectrum(
            hertz,
            found[:, 0],
            found[:, 1],
            self._series,
            self._leak,
        )

    def hertz(self, frequency: ArrayLike) -> F64:
        """(W,) frequencies, Hz.

        Raises:
            InputError: one that is negative, not a number, or zero where ions move.
        """
        hertz = np.atleast_1d(np.asarray(frequency, dtype=float))
        least = "above zero" if self.motion.size else "of zero or more"
        if (
            not np.all(np.isfinite(hertz))
            or np.any(hertz < 0.0)
            or (self.motion.size and np.any(hertz == 0.0))
        ):
            raise InputError(
                "a small signal needs frequencies.", f"Give finite ones {least}, in Hz.", key="frequency"
            )
        return hertz

    def follow(self, rate: C128, sources: F64, emitter: int | None = None) -> tuple[C128, C128]:
        """How the junction follows its voltage and extra generation, signals exp(rate t).

        Args:
            rate: (W,) 1/s.
            sources: (Q, S) pairs per area and time, m^-2 s^-1.
            emitter: index of the electrical layer whose light is asked for, if any.

        Returns:
            (W, 1 + Q) the junction's admittance (S m^-2) and its current (A m^-2) per unit of each source at a held
            voltage; (W, 1 + Q) the emitter's net radiative rate (m^-2 s^-1) per volt and per unit of each source.
        """
        state, vt, v = self.state, self.problem.vt, float(self.state.v[0])
        blocks = make_blocks(self.device, self._size, self.motion.shape[0], 1 + sources.shape[0], complex)
        sources = np.ascontiguousarray(sources, dtype=float)
        current = np.empty((rate.size, 1 + sources.shape[0]), dtype=complex)
        glow = np.zeros_like(current)
        radiated: Any = k._radiated
        for number, one in enumerate(rate):
            current[number] = k.signal(
                self.device, self.work, blocks, self.motion, state.psi, state.fn, state.fp, self.level, v, self.light,
                self.held, complex(one), sources,
            )  # fmt: skip
            if emitter is not None:
                radiated(self.device, self.work, emitter, state.fn, state.fp, v, blocks.rhs, glow[number])
        current *= self._sign
        current[:, 0] /= -vt
        glow[:, 0] /= vt
        return current, glow

    # --- what its modes are found from ------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """The cell and its state, for messages."""
        return f'"{self.problem.stack.name}" at {float(self.state.v[0]) * self.problem.vt:.4g} V'

    @property
    def series(self) -> float:
        """Series resistance, ohm m^2."""
        return self._series

    def impedance_at(self, rate: C128) -> C128:
        """(W,) impedance of the junction and its shunt, ohm m^2, of signals exp(rate t); (W,) 1/s."""
        found, _ = self.follow(rate, self.problem.generation[None])
        return np.asarray(1.0 / (found[:, 0] + self._leak))

    @property
    def shift(self) -> float:
        """Rate (1/s) about which slow modes are expanded, at which the slowest ions diffuse through their layer.

        Ions that nothing removes make the equations singular at zero.
        """
        device = self.device
        width = np.add.reduceat(device.volume, device.site_start[:-1])
        return float(
            min((row[dv.M_D] / width[int(row[dv.M_LAYER])] ** 2 for row in self.motion), default=0.0)
        )

    def resolvent(self, control: Control) -> Resolvent:
        """Of this cell alone."""
        return Resolvent([(1.0, self)], control, self.shift)
