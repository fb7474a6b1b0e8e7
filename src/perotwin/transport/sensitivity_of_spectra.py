"""Exact sensitivities of small-signal spectra: how impedance and the response to light follow any number of a cell.

    follows = FollowingSpectra(solver, ["perovskite.lifetime", "perovskite.ions.diffusion_coefficient"])
    slopes = follows.spectrum(state, 1.0, [1e-1, 1e3, 1e6])
    slopes.impedance                  # (W, P) dZ/dp at a held bias voltage, ohm m^2 per unit of each field (SI, eV)
    slopes.moved(of_voltage).imvs     # of a bias that itself follows the fields, such as open circuit

A spectrum is the answer x of (A + i omega M) x = s: Jacobian and storage about a steady state u(p), both of which a
field changes, at that state and with it. With the weights lambda of the transposed equations (`kernels.spectra`), once
at each frequency for all fields, the current at the terminals follows a field by lambda (ds - (dA + i omega dM) x). The
changes of A, M and s are taken along the tangent of all numbers of the equations (`sensitivity.Fields`), at the
steady states that belong to them there: the operator is differenced, by the five-point rule, never its solution. What
charged levels hold back depends on frequency in another way and is differenced at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import ConvergenceError, InputError
from perotwin.transport import device as dv
from perotwin.transport.device import lay_out, make_blocks, stored_width
from perotwin.transport.directions import CENTRAL
from perotwin.transport.kernels.circuit import ANODE, CATHODE, Constraint, make_answer, make_linear, places
from perotwin.transport.kernels.numbers import numbers_at, numbers_of
from perotwin.transport.kernels.spectra import QUICK, lagging, operator, two_ways
from perotwin.transport.mobile_ions import in_motion, motion_of
from perotwin.transport.sensitivity import Fields
from perotwin.transport.small_signal import Linearised, Spectrum
from perotwin.transport.steady import Solver

if TYPE_CHECKING:
    from perotwin.transport.kernels.numbers import Numbers
    from perotwin.transport.problem import Problem
    from perotwin.transport.states import State

__all__ = ["FollowingSpectra", "SpectrumSlopes"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: step of the five-point rule: of what changes most, kT of energies and a part of other numbers; at most this part of
#: the field; of the bias, in kT/q
_STEP = 5e-3
#: part of such a step down to which it is shortened where the state moves more than the numbers
_LEAST = 0.01
#: of the last step of the steady states beside (kT): Newton's method leaves rounding behind such a one
_FINE = 1e-10
#: numbers of complex products that are held at once
_AT_ONCE = 4_000_000
#: columns that are energies or logarithms of densities, kT
_IN_KT = {
    "layer": (dv.EC, dv.EV, dv.LN_NC, dv.LN_NV),
    "contact": (dv.C_PSI,),
    "barrier": (dv.B_JUMP_C, dv.B_JUMP_V),
}
#: and those that tell kinds and places, which follow nothing
_NAMES = {
    "layer": (dv.DEGENERATE,),
    "trap": (dv.T_KIND,),
    "face_trap": (dv.F_KIND,),
    "contact": (dv.C_BARE,),
    "ion": (dv.I_LAYER,),
    "motion": (dv.M_LAYER, dv.M_SLOT),
}
#: numbers that count against the largest of their kind
_TOGETHER = ("generation", "profile")


@dataclass(frozen=True)
class SpectrumSlopes:
    """How a spectrum of W frequencies follows P fields, per unit of each (SI, energies eV).

    Attributes:
        fields: paths. spectrum: itself.
        admittance: (W, P) at a held bias voltage, S m^-2. imps: (W, P) A m^-2 per sun.
        admittance_by_voltage, imps_by_voltage: (W,) by the bias voltage at the terminals, per V.
    """

    fields: tuple[str, ...]
    spectrum: Spectrum
    admittance: C128
    imps: C128
    admittance_by_voltage: C128
    imps_by_voltage: C128

    @property
    def impedance(self) -> C128:
        """(W, P) of the impedance, ohm m^2."""
        return np.asarray(-self.admittance / self.spectrum.admittance[:, None] ** 2)

    @property
    def capacitance(self) -> F64:
        """(W, P) of the capacitance, F m^-2."""
        return np.asarray(self.admittance.imag / (2.0 * np.pi * self.spectrum.frequency[:, None]))

    @property
    def imvs(self) -> C128:
        """(W, P) of the voltage response to light, V per sun."""
        own = self.spectrum
        return np.asarray((self.imps - own.imvs[:, None] * self.admittance) / own.admittance[:, None])

    def moved(self, of_voltage: ArrayLike) -> SpectrumSlopes:
        """The same at a bias that follows the fields, by (P,) V per unit of each: `sensitivity.Slopes.of_voltage`."""
        by = np.asarray(of_voltage, dtype=float)[None, :]
        return replace(
            self,
            admittance=self.admittance + self.admittance_by_voltage[:, None] * by,
            imps=self.imps + self.imps_by_voltage[:, None] * by,
        )


class FollowingSpectra(Fields):
    """How small-signal spectra of a cell follow some of its numbers.

    Args:
        solver: of the cell.
        fields: paths of numbers, as `Stack.with_values` takes them.
        ions: "moving", or "held" where the state has them, as of `small_signal.Linearised`.

    Raises:
        InputError: a path that does not exist, or is no number; a cell without contacts; one of whose ions some are
            held and some are not.
        ConvergenceError: the ions that a changed cell holds did not settle.
    """

    def __init__(
        self, solver: Solver, fields: Sequence[str], ions: Literal["moving", "held"] = "moving"
    ) -> None:
        problem, device = solver.problem, solver.system.device
        if any(part.isolated for part in problem.parts):
            raise InputError(
                f'no current passes through "{problem.stack.name}", whose ends are bare.',
                "Ask of a cell with contacts.",
            )
        self.solver, self.ions = solver, ions
        if ions == "moving" and device.ion.size:
            every = sum(motion_of(part).shape[0] for part in problem.parts)
            if every != device.ion.shape[0]:
                raise InputError(
                    f'of the ions of "{problem.stack.name}" some are held and some are not.',
                    'Let all of them re-equilibrate, hold all, or ask with ions = "held".',
                    key="ions",
                )
        super().__init__(problem, device._replace(motion=self._motion(problem)), solver.system.net, fields)

    def numbers(self, problem: Problem) -> F64:
        solver = Solver(problem, self.solver.tolerance)
        device = solver.system.device._replace(motion=self._motion(problem))
        return numbers_of(device, solver.system.net, problem.generation, solver.frozen_charge)

    def _motion(self, problem: Problem) -> F64:
        """How the ions move that do so in the spectrum."""
        if self.ions == "held":
            return np.zeros((0, dv.MOTION_COLUMNS))
        return lay_out([in_motion(one, one.device.ion.shape[0]) for one in problem.parts]).motion

    def spectrum(self, state: State, light: float, frequency: ArrayLike) -> SpectrumSlopes:
        """How the spectrum about a steady state follows the fields.

        Args:
            state: of the solver. light: suns under which it was found. frequency: (W,) Hz, as `Linearised.spectrum`
                takes them.

        Raises:
            InputError: a frequency that cannot be.
            ConvergenceError: a state beside this one was not reached; the circuit cannot be solved for a change.
        """
        base = numbers_of(self.device, self.net, self.problem.generation, self.solver.frozen_charge)
        here = self._beside(base, state, light, state.voltage)
        hertz = here.frequencies(frequency)
        signal = _Signal(here, np.asarray(2j * np.pi * hertz))
        size = self._sizes(base)
        ways = []
        for path, row in zip(self.fields, self.directions, strict=True):
            along, step = self._along(path, row, size)
            ways.append((along, 0.0, step))
        ways.append((np.zeros_like(base), 1.0, _STEP * self.problem.vt))
        changes = [self._change(signal, base, way, state, light) for way in ways]
        of_nodes = signal.of_nodes(changes)
        found = np.array(
            [
                one.of_current(numbers_at(self.device, self.net, along)) + part
                for one, part, (along, _, _) in zip(changes, of_nodes, ways, strict=True)
            ]
        )
        return SpectrumSlopes(
            self.fields,
            Spectrum(hertz, -signal.terminal[:, 0], signal.terminal[:, 1]),
            -found[:-1, :, 0].T,
            found[:-1, :, 1].T,
            -found[-1, :, 0],
            found[-1, :, 1],
        )

    def _along(self, path: str, row: F64, size: F64) -> tuple[F64, float]:
        """A direction without what follows nothing, and the step along it in the field's unit."""
        along = row.copy()
        own = numbers_at(self.device, self.net, along)
        for name, columns in _NAMES.items():
            getattr(own, name)[:, columns] = 0.0
        most = float(np.abs(along / size).max())
        step = _STEP / most if most > 0.0 else 0.0
        value = self.problem.stack.get(path)
        if value.dimension not in ("energy", "temperature") and float(value) != 0.0:
            # a density may be small beside another one
            step = min(step, _STEP * abs(float(value)))
        return along, step

    def _change(
        self, signal: _Signal, base: F64, way: tuple[F64, float, float], state: State, light: float
    ) -> _Change:
        """How the equations change along a way of numbers and bias voltage, with its step."""
        along, volts, step = way
        if step == 0.0:
            return signal.change()
        far = self._beside(base + 2.0 * step * along, state, light, state.voltage + 2.0 * step * volts)
        moved = signal.moved(far)
        if moved > 2.0 * _STEP:
            # junctions that limit one another answer a small change with a large one
            step *= max(2.0 * _STEP / moved, _LEAST)
        change = signal.change()
        for k, weight in zip((-2, -1, 1, 2), CENTRAL[[0, 1, 3, 4]], strict=True):
            away = k * step
            there = self._beside(base + away * along, state, light, state.voltage + away * volts)
            change.add(there, float(weight) / step)
        return change

    def _sizes(self, base: F64) -> F64:
        """(W,) by how much each number changes when it changes by its own size; infinite for what has none."""
        made = np.abs(base)
        sizes = numbers_at(self.device, self.net, made)
        for name, columns in _IN_KT.items():
            getattr(sizes, name)[:, columns] = 1.0
        charge = max(float(sizes.fixed_charge.max(initial=0.0)), float(sizes.held.max(initial=0.0)))
        sizes.fixed_charge[:] = sizes.held[:] = charge
        for name in _TOGETHER:
            values = getattr(sizes, name)
            values[:] = values.max(initial=0.0)
        made[made == 0.0] = np.inf
        return made

    def _beside(self, row: F64, state: State, light: float, voltage: float) -> Linearised:
        """The cell linearised with other numbers, about its own steady state at a voltage."""
        numbers = numbers_at(self.device, self.net, row)
        solver = self.solver
        system = replace(
            solver.system,
            device=solver.system.device._replace(**_arrays(numbers, solver.system.device, "motion")),
            # its `layer` names the emitting ones
            net=solver.system.net._replace(**_arrays(numbers, solver.system.net, "layer")),
        )
        generation, held = numbers.generation.copy(), numbers.held.copy()
        steady = state.row.copy()
        good, _, last = system.newton(
            steady, light * generation, held, Constraint(1.0, 0.0, voltage),
            solver._patience._replace(tolerance=_FINE),
        )  # fmt: skip
        if not good:
            raise ConvergenceError(
                f'a state of "{self.problem.stack.name}" beside that at {voltage:.4g} V was not reached.',
                "Ask at another bias.",
                stage="small-signal",
                residuals=[last],
            )
        one = Solver.__new__(Solver)
        one.__dict__.update(solver.__dict__)
        one.system, one.frozen_charge, one.generation = system, held, generation
        one.problem = self.problem.relit(generation)
        made = Linearised(one, replace(state, voltage=voltage, row=steady), light, self.ions)
        made.device = made.device._replace(**_arrays(numbers, made.device, "ion"))
        made.net = system.net
        return made


def _arrays(numbers: Numbers, like: Any, without: str) -> dict[str, Any]:
    """The numbers that belong into a device or a net, as its fields."""
    made = {
        name: np.ascontiguousarray(getattr(numbers, name))
        for name in numbers._fields
        if name in like._fields and name not in ("vt", without)
    }
    return made | {"vt": float(numbers.vt[0])}


def _row(operator_parts: Sequence[F64], which: int, columns: F64) -> F64:
    """Equations of nodes in one row, at rest (0) or at the quick rate (1)."""
    return np.concatenate([*(one[which].ravel() for one in operator_parts), columns.ravel()])


class _Signal:
    """The spectrum of a cell with what tells how it follows changes of the equations; W rates, two causes.

    Attributes:
        terminal: (W, 2) the current at the terminals by their voltage (S m^-2), and by light (A m^-2 per sun).
    """

    def __init__(self, linear: Linearised, rate: C128) -> None:
        self.linear, self.rate = linear, rate
        device, net = linear.device, linear.net
        self.nothing = np.zeros(stored_width(device))
        self.complex = make_blocks(device, linear.causes + 1, complex)
        self.real = make_blocks(device, linear.causes + 1)
        nodes, most, columns = self.complex.rhs.shape
        junctions, lights = net.anode.size, net.emitter.size
        self.at = getattr(places, "py_func", places)(net)
        shapes = (
            (2, nodes, most), (nodes, most), (2, junctions), (2, lights), (2, junctions), (2, net.nodes),
            (self.at[-1],), (2,),
        )  # fmt: skip
        out = tuple(np.zeros((rate.size, *shape), dtype=complex) for shape in shapes)
        self.right, self.left, self.volts, self.light = out[:4]
        self.current, self.potential, self.weight, self.terminal = out[4:]
        self.edges = np.zeros(junctions, dtype=np.int64)
        memory = (make_linear(net, complex), make_answer(net, complex), self.nothing, linear.filled)
        if not two_ways(
            device, linear.work, self.complex, net, linear.row, linear.held, rate, linear.problem.generation[None],
            memory, self.edges, out,
        ):  # fmt: skip
            raise ConvergenceError(
                f"{linear.words}: how the circuit follows a small signal could not be solved for.",
                "Look for a junction of which nothing passes.",
                stage="small-signal",
            )
        # a row that holds says nothing of its neighbour
        self.change().add(linear, 0.0)
        free = self.real.leak != np.inf
        free[:, 0] = True
        for d in range(junctions):
            for end, node in enumerate((device.node_start[d], device.node_start[d + 1] - 1)):
                free[node, 0] = device.contact[2 * d + end, dv.C_BARE] != 0.0
        self.free_left = np.where(free, self.left, 0.0)
        #: (W, N, B) of the equation here less that of the next node; none at a junction's end
        self.across = np.zeros_like(self.left)
        self.across[:, :-1] = self.free_left[:, :-1] - self.free_left[:, 1:]
        self.across[:, device.node_start[1:] - 1] = 0.0
        #: (W, 2, N, Q) how much there is of each column of causes
        self.causes = np.zeros((rate.size, 2, nodes, columns), dtype=complex)
        where = np.repeat(np.arange(junctions), np.diff(device.node_start))
        self.causes[..., 1] = self.volts[:, :, where]
        for d in range(junctions):
            for column, k in enumerate(np.flatnonzero(net.receiver == d), 2):
                self.causes[:, :, where == d, column] = self.light[:, :, k, None]
        self.causes[:, 1, :, -1] = 1.0

    def moved(self, there: Linearised) -> float:
        """How far potential and levels are from those of a neighbour, kT."""
        return max(
            float(np.abs(getattr(there.state, name) - getattr(self.linear.state, name)).max())
            for name in ("psi", "fn", "fp", "v")
        )

    @property
    def charged(self) -> bool:
        """Whether levels hold charge that changes."""
        bulk, face = self.linear.device.trap, self.linear.device.face_trap
        return bool(
            np.any((bulk[:, dv.T_KIND] != 0.0) & (bulk[:, dv.T_NT] != 0.0))
            or np.any((face[:, dv.F_KIND] != 0.0) & (face[:, dv.F_NT] != 0.0))
        )

    def of_nodes(self, changes: Sequence[_Change]) -> C128:
        """(P, W, 2) how the current at the terminals follows changed equations of nodes, but for what lags behind."""
        # the rate's own part is told from the rest at a rate at which it is no less
        still = np.array([_row(one.out[:3], 0, one.out[3]) for one in changes])
        fast = (np.array([_row(one.out[:3], 1, one.out[3]) for one in changes]) - still) / QUICK
        both = np.concatenate([still, fast]).T
        found = np.empty((self.rate.size, 2, both.shape[1]), dtype=complex)
        step = max(1, _AT_ONCE // (2 * both.shape[0]))
        for first in range(0, self.rate.size, step):
            some = slice(first, first + step)
            found[some] = self._products(some) @ both
        count = len(changes)
        return np.moveaxis(found[..., :count] + self.rate[:, None, None] * found[..., count:], -1, 0)

    def _products(self, some: slice) -> C128:
        """(W', 2, ...) weights times responses and causes, in the order of `_row`."""
        left, across = self.free_left[some, None], self.across[some, None]
        right, causes = self.right[some], self.causes[some]
        behind = np.zeros_like(right)
        behind[:, :, :-1] = right[:, :, 1:]
        parts = [-left[..., :, None] * right[..., None, :]]
        for one, sign in ((right, 1.0), (behind, -1.0)):
            made = np.empty((*one.shape, 2), dtype=complex)
            made[..., 0] = sign * across * one[..., :1]
            made[..., 1] = sign * across * one
            parts.append(made)
        parts.append(self.left[some, None, :, :, None] * causes[..., None, :])
        return np.concatenate([one.reshape(*right.shape[:2], -1) for one in parts], axis=2)

    def change(self) -> _Change:
        """A change of its equations: none yet."""
        return _Change(self)


class _Change:
    """How the equations of a small signal change."""

    def __init__(self, signal: _Signal) -> None:
        self.signal = signal
        nodes, most, columns = signal.real.rhs.shape
        net = signal.linear.net
        shapes = (
            (2, nodes, most, most), (2, nodes, most, 2), (2, nodes, most, 2), (nodes, most, columns),
            (2, net.anode.size, 2, most), (net.emitter.size, nodes, most),
        )  # fmt: skip
        self.out = tuple(np.zeros(shape) for shape in shapes)
        self.lag = np.zeros((signal.rate.size, 2), dtype=complex)

    def add(self, there: Linearised, share: float) -> None:
        """Add a part of the equations of another cell, about its own state."""
        signal = self.signal
        operator(
            there.device, there.work, signal.real, there.net, there.row, there.held, there.problem.generation[None],
            signal.nothing, signal.edges, share, self.out,
        )  # fmt: skip
        if signal.charged and share != 0.0:
            lagging(
                there.device, there.work, signal.rate, signal.free_left, signal.right, share, self.lag,
            )  # fmt: skip

    def of_current(self, along: Numbers) -> C128:
        """(W, 2) how the current at the terminals follows but through the nodes, and with the circuit's own numbers
        `along`.
        """
        signal = self.signal
        light, current, *_ = signal.at
        slope, glow = self.out[4:]
        rate = signal.rate[:, None]
        found = self.lag.copy()
        fast = (slope[1] - slope[0]) / QUICK
        for d, edge in enumerate(signal.edges):
            ends = signal.right[:, :, edge : edge + 2]
            each = [np.einsum("rc,wqrc->wq", one[d], ends) for one in (slope[0], fast)]
            found += signal.weight[:, None, current + d] * (each[0] + rate * each[1])
        for k, one in enumerate(glow):
            found += signal.weight[:, None, light + k] * np.einsum("nr,wqnr->wq", one, signal.right)
        return found + self._of_circuit(along)

    def _of_circuit(self, along: Numbers) -> C128:
        """(W, 2) by the circuit's own numbers."""
        signal, net = self.signal, self.signal.linear.net
        _, current, branch, _, last, _ = signal.at
        found = np.zeros_like(signal.terminal)

        def area(tail: int, head: int, carried: C128, number: float) -> None:
            for node, sign in ((tail, -1.0), (head, 1.0)):
                if node == ANODE:
                    found[:] += sign * number * carried
                elif node != CATHODE:
                    found[:] -= sign * number * signal.weight[:, None, last + node - 1] * carried

        for d in range(net.anode.size):
            of_current, of_voltage = signal.weight[:, None, current + d], signal.weight[:, None, d]
            found -= (of_current * along.leak[d] + of_voltage * along.vt[0]) * signal.volts[:, :, d]
            area(net.cathode[d], net.anode[d], signal.current[:, :, d], along.area[d])
        for r in range(net.tail.size):
            drop = signal.potential[:, :, net.tail[r]] - signal.potential[:, :, net.head[r]]
            carried = drop / net.resistance[r]
            found += signal.weight[:, None, branch + r] * carried * along.resistance[r]
            area(net.tail[r], net.head[r], carried, along.width[r])
        return found
