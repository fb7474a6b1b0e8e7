"""Columns side by side in time: one time step for all, at the one voltage at which their currents meet the control.

What is differenced and what is extrapolated are those of all columns, one after another, so that steps and their error
are those of `stepping`; the worst column decides. Where the voltage is given, the columns only share the step. At open
circuit, at a current and over a load, Newton's method finds the common voltage at the end of every stage of a step,
with each column's exact dI/dV over it, displacement and ions included; and an error of one column's current shifts the
voltage of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.measurement.checks import Checks, worst
from perotwin.stack.choices import Monochromatic
from perotwin.transport import kernels as k
from perotwin.transport.light import Beam, Lights, Piece
from perotwin.transport.parallel import ParallelProblem, ParallelSolver, ParallelState
from perotwin.transport.schedule import Step
from perotwin.transport.stepping import TOLERANCE, Condition, Past
from perotwin.transport.trace import Moment
from perotwin.transport.transient import Driver, Engine

F64 = NDArray[np.float64]

#: the common voltage's last step (kT/q), its longest, and how many there may be
_LAST, _LONGEST, _ITERATIONS = 1e-7, 8.0, 30


@dataclass
class ParallelMoment:
    """The columns at one time; v (1,) is the terminal voltage, kT/q."""

    columns: tuple[Moment, ...]
    v: F64

    def copy(self) -> ParallelMoment:
        """An independent copy."""
        return ParallelMoment(tuple(column.copy() for column in self.columns), self.v.copy())


@dataclass(frozen=True)
class ParallelLights:
    """Where each light generates carriers in columns of given areas; see `light.Lights`."""

    areas: F64
    columns: tuple[Lights, ...]

    @property
    def checks(self) -> Checks:
        """The worst of the columns'."""
        return worst(lights.checks for lights in self.columns)

    @property
    def notes(self) -> list[str]:
        """Those of all columns, each once."""
        return list(dict.fromkeys(note for lights in self.columns for note in lights.notes))

    def prepare(self, step: Step, where: str) -> None:
        """Find all that a step needs.

        Raises:
            InputError: as of `light.Lights`, or suns of one wavelength, which differ from column to column.
        """
        for beam in step.beams:
            if isinstance(beam, Beam) and isinstance(beam.spectrum, Monochromatic) and len(self.columns) > 1:
                raise InputError(
                    "suns of one wavelength are a photon flux that depends on what absorbs it, which is not the same "
                    "in all columns.",
                    "Give a broad spectrum, or a laser pulse with its fluence.",
                    key=where,
                )
        for lights in self.columns:
            lights.prepare(step, where)

    def pieces(self, step: Step, holds: F64 | None = None) -> Iterator[Piece]:
        """A step cut where its light jumps and at a tracker's holds (s).

        Sites are those of the columns one after another; what is generated there is per area of the cell.
        """
        for each in zip(*(lights.pieces(step, holds) for lights in self.columns), strict=True):
            first = self._joined([piece.first for piece in each])
            same = all(piece.first is piece.last for piece in each)
            last = first if same else self._joined([piece.last for piece in each])
            flashes = [piece.flash for piece in each if piece.flash is not None]
            yield Piece(each[0].begin, each[0].end, first, last, self._joined(flashes) if flashes else None)

    def _joined(self, columns: list[F64]) -> F64:
        return np.concatenate([area * one for area, one in zip(self.areas, columns, strict=True)])


class ParallelEngine(Driver[ParallelMoment]):
    """Runs schedules on columns side by side: the steps of `stepping`, taken by all columns at once.

    The flux of a moment is what the terminals draw, shunts of the columns included, per area of the cell.

    Args:
        problem: of the columns; all their ions move.
        tolerance: allowed local error of a step in any column (kT, relative).
    """

    problem: ParallelProblem
    #: between the columns and their common terminals there is no further circuit
    _leak = _series = 0.0

    def __init__(self, problem: ParallelProblem, tolerance: float = TOLERANCE) -> None:
        self.columns = [Engine(column, tolerance) for column in problem.columns]
        self.problem = ParallelProblem(problem.stack, tuple(engine.problem for engine in self.columns))
        self.areas = self.problem.areas
        self.solver = ParallelSolver(self.problem, tuple(engine.solver for engine in self.columns))
        self.lights = ParallelLights(self.areas, tuple(engine.lights for engine in self.columns))
        # the anodes are on one side
        self._charge = self.columns[0]._charge
        # where each column lies in what is stored, in the variables and among the sites
        self._stored = _ranges([engine._parts[-1][0].stop for engine in self.columns])
        self._variables = _ranges(
            [(3 + engine.motion.shape[0]) * engine.device.x.size + 1 for engine in self.columns]
        )
        self._sites = _ranges([engine.device.volume.size for engine in self.columns])
        # flux through each column's junction in what was solved last, m^-2 s^-1
        self._flux = np.zeros(self.areas.size)

    @property
    def tolerance(self) -> float:
        """Allowed local error of a step in any column (kT, relative)."""
        return self.columns[0].tolerance

    @tolerance.setter
    def tolerance(self, tolerance: float) -> None:
        for engine in self.columns:
            engine.tolerance = tolerance

    # --- states ------------------------------------------------------------------------------------------------------

    def moment(self, state: ParallelState) -> ParallelMoment:
        """Steady states (ions settled) as the columns at one time."""
        columns = [engine.moment(one) for engine, one in zip(self.columns, state.columns, strict=True)]
        return ParallelMoment(tuple(columns), np.array([state.voltage / self.problem.vt]))

    def settled(self, voltage: float, light: float, beams: tuple[Beam, ...] = ()) -> ParallelMoment:
        """The columns after an endless wait at a terminal voltage (V) and light (suns), ions included.

        Raises:
            InputError: a beam on a column without optics.
            ConvergenceError: a steady state could not be reached.
        """
        columns = tuple(engine.settled(voltage, light, beams) for engine in self.columns)
        return ParallelMoment(columns, np.array([voltage / self.problem.vt]))

    def _refresh(self, now: ParallelMoment) -> None:
        for engine, one in zip(self.columns, now.columns, strict=True):
            engine._refresh(one)

    def _past(self, time: float, now: ParallelMoment) -> Past:
        each = [engine._past(time, one) for engine, one in zip(self.columns, now.columns, strict=True)]
        return Past(
            time,
            np.concatenate([one.stored for one in each]),
            np.concatenate([*(one.variables for one in each), now.v]),
        )

    def _guess(self, values: F64, now: ParallelMoment) -> ParallelMoment:
        columns = [
            engine._guess(values[part], one)
            for engine, part, one in zip(self.columns, self._variables, now.columns, strict=True)
        ]
        return ParallelMoment(tuple(columns), values[-1:].copy())

    def _ion_numbers(self) -> F64:
        """(I,) number of each moving species of each column, per area of the column."""
        return np.concatenate([engine._ion_numbers() for engine in self.columns])

    def _constancy(self, made: ParallelMoment, flux: float, generated: float) -> float:
        """The largest of the columns'."""
        each = zip(self.columns, made.columns, self._flux, strict=True)
        return max(engine._constancy(one, float(through), generated) for engine, one, through in each)

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
        guess: ParallelMoment,
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
            for number, (engine, one) in enumerate(zip(self.columns, guess.columns, strict=True)):
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

    def _responses(self, made: ParallelMoment) -> list[tuple[float, float, float]]:
        return [engine._response(one) for engine, one in zip(self.columns, made.columns, strict=True)]

    def _slope(self, responses: list[tuple[float, float, float]]) -> float:
        """dI/dV at the terminals at the end of the step that was solved last, S m^-2 of the cell's area."""
        return float(self.areas @ [response[0] for response in responses])

    def _lit(self, generation: F64) -> list[F64]:
        """Generation in each column, per area of the column."""
        return [generation[part] / area for part, area in zip(self._sites, self.areas, strict=True)]

    def _error(
        self, made: ParallelMoment, condition: Condition, missed: F64, flux: float, generation: F64
    ) -> float:
        """The largest of the columns', at the terminal voltage to which the errors of all of them shift it."""
        control, a, b, _ = condition
        given, v = control == k.CONTROL_VOLTAGE, float(made.v[0])
        parts = [missed[part] for part in self._stored]
        changes = [
            engine._consequence(one, self._held(engine, v, given), part)
            for engine, one, part in zip(self.columns, made.columns, parts, strict=True)
        ]
        if not given:
            responses = self._responses(made)
            current = self.areas @ [
                engine._current_of(change) for engine, change in zip(self.columns, changes, strict=True)
            ]
            shift = float(-b * current / (a / self.problem.vt + b * self._slope(responses)))
            for number, (engine, (_, junction, through)) in enumerate(
                zip(self.columns, responses, strict=True)
            ):
                engine.blocks.rhs[:, :, 0] += shift * junction * engine.blocks.rhs[:, :, 1]
                changes[number] += shift * through
        each = zip(self.columns, parts, changes, self._flux, self._lit(generation), strict=True)
        return max(engine._weighed(part, change, float(own), lit) for engine, part, change, own, lit in each)


def _ranges(sizes: list[int]) -> list[slice]:
    """Where parts of these sizes lie, one after another."""
    ends = np.cumsum([0, *sizes]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]
