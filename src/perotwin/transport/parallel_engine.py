"""Columns side by side in time: one time step for all, at the one voltage at which their currents meet the control.

Where the voltage is given, the columns only share the step. At open circuit, at a current and over a load, Newton's
method finds the common voltage at the end of every stage of a step, with each column's exact dI/dV over it,
displacement and ions included; and an error of one column's current shifts the voltage of all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.stack.choices import Monochromatic
from perotwin.transport import kernels as k
from perotwin.transport.light import Beam
from perotwin.transport.parallel import ParallelProblem, ParallelSolver, ParallelState
from perotwin.transport.schedule import Step
from perotwin.transport.several import Moments, Several, SeveralLights
from perotwin.transport.stepping import TOLERANCE, Condition
from perotwin.transport.transient import Engine

F64 = NDArray[np.float64]

#: the common voltage's last step (kT/q), its longest, and how many there may be
_LAST, _LONGEST, _ITERATIONS = 1e-7, 8.0, 30


class ParallelLights(SeveralLights):
    """Where each light generates carriers in columns; see `light.Lights`."""

    def prepare(self, step: Step, where: str) -> None:
        """Find all that a step needs.

        Raises:
            InputError: as of `light.Lights`, or suns of one wavelength, which differ from column to column.
        """
        for beam in step.beams:
            if isinstance(beam, Beam) and isinstance(beam.spectrum, Monochromatic) and len(self.parts) > 1:
                raise InputError(
                    "suns of one wavelength are a photon flux that depends on what absorbs it, which is not the same "
                    "in all columns.",
                    "Give a broad spectrum, or a laser pulse with its fluence.",
                    key=where,
                )
        super().prepare(step, where)


class ParallelEngine(Several):
    """Runs schedules on columns side by side: the steps of `stepping`, taken by all columns at once.

    Args:
        problem: of the columns; all their ions move.
        tolerance: allowed local error of a step in any column (kT, relative).
    """

    problem: ParallelProblem
    #: between the columns and their common terminals there is no further circuit
    _leak = _series = 0.0

    def __init__(self, problem: ParallelProblem, tolerance: float = TOLERANCE) -> None:
        super().__init__([Engine(column, tolerance) for column in problem.columns])
        self.problem = ParallelProblem(problem.stack, tuple(engine.problem for engine in self.engines))
        self.areas = self.problem.areas
        self.solver = ParallelSolver(self.problem, tuple(engine.solver for engine in self.engines))
        self.lights = ParallelLights(tuple(engine.lights for engine in self.engines), self.areas)

    # --- states ------------------------------------------------------------------------------------------------------

    def moment(self, state: ParallelState) -> Moments:
        """Steady states (ions settled) as the columns at one time."""
        return self._moments(state.columns, state.voltage / self.problem.vt)

    def settled(self, voltage: float, light: float, beams: tuple[Beam, ...] = ()) -> Moments:
        """The columns after an endless wait at a terminal voltage (V) and light (suns), ions included.

        Raises:
            InputError: a beam on a column without optics.
            ConvergenceError: a steady state could not be reached.
        """
        columns = tuple(engine.settled(voltage, light, beams) for engine in self.engines)
        return Moments(columns, np.array([voltage / self.problem.vt]))

    # --- the equations of a step -------------------------------------------------------------------------------------

    def _held(self, engine: Engine, v: float, given: bool) -> Condition:
        """What holds a column at the terminal voltage v (kT/q).

        Where it is not `given`, in the form with which a column also tells how it responds to that voltage.
        """
        vt, g, rs = self.problem.vt, engine._leak, engine._series
        if given and rs == 0.0:
            return k.CONTROL_VOLTAGE, 0.0, 0.0, v
        return k.CONTROL_CIRCUIT, vt * (1.0 + rs * g), -rs, vt * v

    def _solve(
        self,
        guess: Moments,
        condition: Condition,
        generation: F64,
        rate: float,
        history: F64,
        most: int,
    ) -> tuple[bool, int, float]:
        control, a, b, c = condition
        given = control == k.CONTROL_VOLTAGE
        if given:
            guess.v[0] = c
        lit = self._lit(generation)
        iterations, change = 0, np.inf
        for _ in range(_ITERATIONS):
            v = float(guess.v[0])
            current = 0.0
            for number, (engine, one) in enumerate(self._each(guess)):
                held = self._held(engine, v, given)
                if engine._series == 0.0:
                    one.v[0] = v
                past = history[self._stored[number]]
                ok, more, through = engine._solve(one, held, lit[number], rate, past, most)
                iterations += more
                if not ok:
                    return False, iterations, 0.0
                self._flux[number] = through
                current += float(self.areas[number]) * engine._terminal(one, through)[1]
            if given or abs(change) < _LAST:
                return True, iterations, current / self._charge
            slope = self.problem.vt * self._slope(self._responses(guess))
            change = (c - a * v - b * current) / (a + b * slope)
            change = min(max(change, -_LONGEST), _LONGEST)
            guess.v[0] += change
        return False, iterations, 0.0

    def _responses(self, made: Moments) -> list[tuple[float, float, float]]:
        return [engine._response(one) for engine, one in self._each(made)]

    def _slope(self, responses: list[tuple[float, float, float]]) -> float:
        """dI/dV at the terminals at the end of the step that was solved last, S m^-2 of the cell's area."""
        return float(self.areas @ [response[0] for response in responses])

    def _lit(self, generation: F64) -> list[F64]:
        """Generation in each column, per area of the column."""
        return [generation[part] / area for part, area in zip(self._sites, self.areas, strict=True)]

    def _error(self, made: Moments, condition: Condition, missed: F64, flux: float, generation: F64) -> float:
        """The largest of the columns', at the terminal voltage to which the errors of all of them shift it."""
        control, a, b, _ = condition
        given, v = control == k.CONTROL_VOLTAGE, float(made.v[0])
        parts = [missed[part] for part in self._stored]
        changes = [
            engine._consequence(one, self._held(engine, v, given), part)
            for (engine, one), part in zip(self._each(made), parts, strict=True)
        ]
        if not given:
            responses = self._responses(made)
            current = self.areas @ [
                engine._current_of(change) for engine, change in zip(self.engines, changes, strict=True)
            ]
            shift = float(-b * current / (a / self.problem.vt + b * self._slope(responses)))
            for number, (engine, (_, junction, through)) in enumerate(
                zip(self.engines, responses, strict=True)
            ):
                engine.blocks.rhs[:, :, 0] += shift * junction * engine.blocks.rhs[:, :, 1]
                changes[number] += shift * through
        each = zip(self.engines, parts, changes, self._flux, self._lit(generation), strict=True)
        return max(engine._weighed(part, change, float(own), lit) for engine, part, change, own, lit in each)
