"""Stacks side by side: the terminal voltage is the same for all columns, and their currents add by area.

Between the terminals of a `stack.Parallel` nothing couples the columns but that voltage. At a given voltage each is
solved by itself; where the current is given (open circuit) Newton's method finds the voltage, with each column's exact
dJ/dV. Every column has the circuit of its own stack, per its own area, between itself and the terminals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import ConvergenceError, InputError
from perotwin.transport.build import Problem
from perotwin.transport.modes import Control, Modes, Resolvent
from perotwin.transport.small_signal import Linearised, Spectrum
from perotwin.transport.steady import TOLERANCE, Solver, State, States

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.optics import Absorption
    from perotwin.stack import Parallel

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

_ITERATIONS = 60
#: the longest step of the common voltage, V
_LONGEST = 0.1


@dataclass(frozen=True)
class ParallelProblem:
    """Columns made ready to be solved.

    Attributes:
        stack: the cell.
        columns: one problem each, in the order of the cell's columns.
    """

    stack: Parallel
    columns: tuple[Problem, ...]

    def __post_init__(self) -> None:
        sides = {problem.device.anode_front for problem in self.columns}
        if len(sides) > 1:
            listed = ", ".join(
                f"{column.name} at the {'front' if problem.device.anode_front else 'back'}"
                for column, problem in zip(self.stack.column, self.columns, strict=True)
            )
            raise InputError(
                f"the columns do not have their anode on the same side ({listed}), so that they work against each "
                "other.",
                "Turn the layers of one of them round.",
                key="column",
            )
        found = [problem.absorption for problem in self.columns]
        if all(one is not None for one in found):
            from perotwin.optics.parallel import refuse_unlike_suns

            refuse_unlike_suns(found)

    @cached_property
    def areas(self) -> F64:
        """(C,) fractions of the cell's area."""
        return np.array([float(column.area) for column in self.stack.column])

    @cached_property
    def widest(self) -> int:
        """Index of the column of the largest area; among equal ones the first by name."""
        columns = self.stack.column
        return min(range(len(columns)), key=lambda c: (-float(columns[c].area), columns[c].name))

    @property
    def parts(self) -> tuple[Problem, ...]:
        """The stacks of the columns."""
        return self.columns

    @property
    def shown(self) -> Problem:
        """The column of the largest area."""
        return self.columns[self.widest]

    @property
    def vt(self) -> float:
        """kT/q, V."""
        return self.columns[0].vt

    @property
    def checks(self) -> Checks:
        """Checks of the light besides those of its parts: none."""
        return {}

    @property
    def photocurrent(self) -> float:
        """Pairs generated at 1 sun, as a current per area of the cell (A m^-2)."""
        return float(self.areas @ [problem.photocurrent for problem in self.columns])

    @property
    def ions_settle(self) -> bool:
        """Whether there are ions that re-equilibrate at each point."""
        return any(problem.ions_settle for problem in self.columns)

    @property
    def highest_voltage(self) -> float:
        """The columns' largest, V."""
        return max(problem.highest_voltage for problem in self.columns)

    @property
    def geometric_capacitance(self) -> float:
        """Of the columns side by side, F m^-2."""
        return float(self.areas @ [problem.geometric_capacitance for problem in self.columns])

    @cached_property
    def absorption(self) -> Absorption | None:
        """What the optics of all columns gave, by area; None where no light was asked for."""
        from perotwin.optics.parallel import mixed

        found = [problem.absorption for problem in self.columns]
        if any(one is None for one in found):
            return None
        return mixed([column.stack for column in self.stack.column], list(self.areas), found)

    @property
    def shown_as(self) -> str:
        """What the one that is shown is, in words."""
        column = self.stack.column[self.widest]
        return f"column {column.name}, {float(column.area):.4g} of the area"

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Remarks that a reader of the result must see; those that hold for one column name it."""
        columns = self.stack.column
        listed = ", ".join(f"{column.name} {float(column.area):.4g}" for column in columns)
        notes = [
            f"{len(columns)} columns side by side at one terminal voltage (fractions of the area: {listed}); currents "
            "and losses are those of the whole area, each column has its own series and shunt resistance, times its "
            "own area. Nothing flows from one column into the next."
        ]
        for column, problem in zip(columns, self.columns, strict=True):
            for note in problem.notes:
                shared = all(note in other.notes for other in self.columns)
                words = note if shared else f"{column.name}: {note}"
                if words not in notes:
                    notes.append(words)
        return tuple(notes)


@dataclass(frozen=True)
class ParallelState:
    """One steady state of each column, all at one terminal voltage (V)."""

    voltage: float
    columns: tuple[State, ...]


@dataclass(frozen=True)
class ParallelStates:
    """Steady states of the columns along one list of K terminal voltages; see `steady.States`."""

    problem: ParallelProblem
    columns: tuple[States, ...]

    @property
    def parts(self) -> tuple[States, ...]:
        """The states of each column."""
        return self.columns

    @property
    def inside(self) -> dict[str, States]:
        """What the fields along x are those of: the column of the largest area."""
        return {"": self.shown}

    @property
    def shown(self) -> States:
        """The states of the column of the largest area."""
        return self.columns[self.problem.widest]

    @property
    def intensity(self) -> float:
        """Suns."""
        return self.columns[0].intensity

    @property
    def voltage(self) -> F64:
        """(K,) terminal voltage, V."""
        return self.columns[0].voltage

    @property
    def junction_voltage(self) -> F64:
        """(K,) across the junction of the column that is shown, V."""
        return self.shown.junction_voltage

    @property
    def junction_voltages(self) -> dict[str, F64]:
        """(K,) by junction: nothing, for all columns are at one voltage."""
        return {}

    @cached_property
    def current(self) -> F64:
        """(K,) A m^-2 of the cell's area; NaN where a column did not converge."""
        return self._summed([states.current for states in self.columns])

    @cached_property
    def converged(self) -> NDArray[np.bool_]:
        """(K,) whether all columns did."""
        return np.logical_and.reduce([states.converged for states in self.columns])

    @cached_property
    def iterations(self) -> NDArray[np.int64]:
        """(K,) Newton iterations of all columns."""
        return np.sum([states.iterations for states in self.columns], axis=0)

    def _summed(self, values: Sequence[F64]) -> F64:
        return np.asarray(np.tensordot(self.problem.areas, np.array(values), axes=1))

    def losses(self) -> dict[str, F64]:
        """(K,) A m^-2 of the cell's area; channels of one name are one, wherever they are."""
        found = [states.losses() for states in self.columns]
        nothing = np.zeros(self.voltage.size)
        names = dict.fromkeys(name for losses in found for name in losses)
        # contacts and shunt come last, as for one stack
        last = [name for name in ("front contact", "back contact", "shunt") if name in names]
        order = [*(name for name in names if name not in last), *last]
        return {name: self._summed([losses.get(name, nothing) for losses in found]) for name in order}

    def joined(self, others: Sequence[ParallelStates]) -> ParallelStates:
        """These points and those of others of the same problem under the same light, one after another."""
        parts = (self, *others)
        columns = zip(*(part.columns for part in parts), strict=True)
        return ParallelStates(self.problem, tuple(first.joined(rest) for first, *rest in columns))

    def pick(self, index: ArrayLike) -> ParallelStates:
        """Some of the points, in the order of `index`."""
        return ParallelStates(self.problem, tuple(states.pick(index) for states in self.columns))

    def state(self, index: int) -> ParallelState:
        """The state of one point, to start from."""
        states = tuple(column.state(index) for column in self.columns)
        return ParallelState(float(self.voltage[index]), states)


@dataclass
class ParallelSolver:
    """Solves columns side by side; see `steady.Solver`."""

    problem: ParallelProblem
    columns: tuple[Solver, ...]

    def sweep(
        self, voltage: ArrayLike, intensity: float, start: ParallelState | None = None
    ) -> ParallelStates:
        """Steady states at a list of terminal voltages (V), each starting from the one before.

        A point that a column cannot reach is recorded as not converged (current NaN), and the sweep goes on.
        """
        starts = [None] * len(self.columns) if start is None else start.columns
        return ParallelStates(
            self.problem,
            tuple(
                solver.sweep(voltage, intensity, first)
                for solver, first in zip(self.columns, starts, strict=True)
            ),
        )

    def open_circuit(self, near: ParallelState, intensity: float) -> ParallelStates:
        """The states at the one voltage at which the currents of the columns cancel, from nearby ones.

        Raises:
            ConvergenceError: it was not found.
        """
        return self._meet(near, intensity, lambda voltage, current, slope: -current / slope, "open circuit")

    def loaded(self, load: float, intensity: float) -> ParallelStates:
        """The states with one resistor (ohm m^2 of the cell's area) across the common terminals.

        Raises:
            ConvergenceError: they were not found.
        """
        short = ParallelState(0.0, tuple(solver.short_circuit(intensity) for solver in self.columns))
        return self._meet(
            short,
            intensity,
            lambda voltage, current, slope: (voltage - load * current) / (load * slope - 1.0),
            f"a load of {load:g} ohm m^2",
        )

    def _meet(
        self,
        near: ParallelState,
        intensity: float,
        missing: Callable[[float, float, float], float],
        what: str,
    ) -> ParallelStates:
        """The states at the common voltage at which nothing is `missing`.

        missing: from voltage, current and dJ/dV at the terminals, how far they are from where they belong, V.
        """
        voltage, step, state = near.voltage, np.inf, near
        taken: list[float] = []
        for _ in range(_ITERATIONS):
            states = self.sweep([voltage], intensity, state)
            if not states.converged[0]:
                break
            # the last step was as small as that of a single stack's Newton iteration: what is left is its square
            if abs(step) < TOLERANCE * self.problem.vt:
                return states
            state = states.state(0)
            change = missing(voltage, float(states.current[0]), self.slope(state, intensity))
            step = float(np.clip(change, -_LONGEST, _LONGEST))
            taken.append(step)
            voltage += step
        raise ConvergenceError(
            f'{what} of "{self.problem.stack.name}" was not found: its columns were followed to {voltage:.4g} V.',
            "Look at perotwin jv of each column by itself.",
            voltage=near.voltage,
            state=near,
            residual_history=taken,
            stage=what,
        )

    def slope(self, state: ParallelState, intensity: float) -> float:
        """dJ/dV at the terminals, S m^-2 of the cell's area; exact."""
        return float(self.problem.areas @ self._each(state, lambda one, at: one.slope(at, intensity)))

    def light_response(self, state: ParallelState, intensity: float) -> float:
        """dJ per sun of extra light, A m^-2, at a fixed terminal voltage and with ions held; exact."""
        return float(
            self.problem.areas @ self._each(state, lambda one, at: one.light_response(at, intensity))
        )

    def spectral_response(self, state: ParallelState, intensity: float) -> F64:
        """(W,) dJ per extra photon of each wavelength of the problem's absorption, C."""
        from perotwin.optics.parallel import onto

        assert self.problem.absorption is not None
        lam = self.problem.absorption.wavelength
        found = self._each(
            state,
            lambda one, at: onto(
                lam, one.problem.absorption.wavelength, one.spectral_response(at, intensity)
            ),
        )
        return np.asarray(np.tensordot(self.problem.areas, np.array(found), axes=1))

    def _each(self, state: ParallelState, do: Callable[[Solver, State], Any]) -> list[Any]:
        return [do(solver, one) for solver, one in zip(self.columns, state.columns, strict=True)]

    def linearised(
        self, state: ParallelState, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> ParallelLinearised:
        """Small signals about a state under `light` suns."""
        columns = self._each(state, lambda one, at: one.linearised(at, light, ions))
        return ParallelLinearised(self.problem, state.voltage, tuple(columns))


@dataclass(frozen=True)
class ParallelSpectrum:
    """Response of columns side by side to exp(i omega t) at their common terminals; see `small_signal.Spectrum`."""

    areas: F64
    columns: tuple[Spectrum, ...]

    @property
    def frequency(self) -> F64:
        """(W,) Hz."""
        return self.columns[0].frequency

    @cached_property
    def admittance(self) -> C128:
        """(W,) -dJ/dV at the terminals, S m^-2: those of the columns, each with its own resistances, add by area."""
        return np.asarray(np.tensordot(self.areas, [one.admittance for one in self.columns], axes=1))

    @property
    def impedance(self) -> C128:
        """(W,) -dV/dJ at the terminals, ohm m^2."""
        return np.asarray(1.0 / self.admittance)

    @property
    def capacitance(self) -> F64:
        """(W,) Im(admittance) / omega at the terminals, F m^-2."""
        return np.asarray(self.admittance.imag / (2.0 * np.pi * self.frequency))

    @cached_property
    def imps(self) -> C128:
        """(W,) current response to light at a held terminal voltage, A m^-2 per sun."""
        return np.asarray(np.tensordot(self.areas, [one.imps for one in self.columns], axes=1))

    @property
    def imvs(self) -> C128:
        """(W,) voltage response to light at a held terminal current, V per sun."""
        return np.asarray(self.imps / self.admittance)


@dataclass(frozen=True)
class ParallelLinearised(Modes):
    """Columns side by side, linearised about steady states at one terminal voltage; see `small_signal.Linearised`."""

    problem: ParallelProblem
    voltage: float
    columns: tuple[Linearised, ...]

    @property
    def words(self) -> str:
        """The cell and its state, for messages."""
        return f'"{self.problem.stack.name}" at {self.voltage:.4g} V'

    @property
    def series(self) -> float:
        """What the columns' series resistances come to side by side, ohm m^2."""
        each = np.array([one.series for one in self.columns])
        return 0.0 if np.any(each == 0.0) else float(1.0 / (self.problem.areas @ (1.0 / each)))

    def spectrum(self, frequency: ArrayLike) -> ParallelSpectrum:
        """The response at each frequency (Hz, above zero where ions move).

        Raises:
            InputError: a frequency that is negative, not a number, or zero where ions move.
        """
        return ParallelSpectrum(self.problem.areas, tuple(one.spectrum(frequency) for one in self.columns))

    def impedance_at(self, rate: C128) -> C128:
        """(W,) impedance less the series resistance, ohm m^2, of signals exp(rate t); (W,) 1/s."""
        each = [1.0 / (one.impedance_at(rate) + one.series) for one in self.columns]
        return np.asarray(1.0 / np.tensordot(self.problem.areas, each, axes=1) - self.series)

    def resolvent(self, control: Control) -> Resolvent:
        """Of all columns, coupled by their terminals."""
        shifts = [one.shift for one in self.columns if one.shift > 0.0]
        stacks = list(zip(map(float, self.problem.areas), self.columns, strict=True))
        return Resolvent(stacks, control, min(shifts, default=0.0))
