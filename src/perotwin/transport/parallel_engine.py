"""Columns side by side in time: one time step for all, at the one voltage at which their currents meet the control.

Where the voltage is given, the columns only share the step. At open circuit, at a current and over a load, Newton's
method finds the common voltage of every solution, with each column's exact dI/dV over its step, displacement and ions
included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.measurement.checks import Checks, worst
from perotwin.stack.choices import Monochromatic
from perotwin.transport.light import Beam, Lights, Piece
from perotwin.transport.parallel import ParallelProblem, ParallelSolver, ParallelState
from perotwin.transport.schedule import Control, Current, Load, Step, Voltage
from perotwin.transport.steady import Solver
from perotwin.transport.stepping import TOLERANCE, Past, Task
from perotwin.transport.trace import Moment
from perotwin.transport.transient import Engine

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
class ParallelPiece:
    """A part of a step in which nothing about the light jumps: the same part of all columns; see `light.Piece`."""

    columns: tuple[Piece, ...]

    @property
    def begin(self) -> float:
        """s from the step's start."""
        return self.columns[0].begin

    @property
    def end(self) -> float:
        """s from the step's start."""
        return self.columns[0].end

    @property
    def length(self) -> float:
        """s."""
        return self.columns[0].length

    @property
    def flash(self) -> F64 | None:
        """What appears in the sites of all columns at its beginning, one column after another, or None."""
        found = [piece.flash for piece in self.columns if piece.flash is not None]
        return np.concatenate(found) if found else None

    def generation(self, time: float) -> F64:
        """Pairs per area and time in the sites of all columns, one after another, at a time of the piece (s)."""
        return np.concatenate([piece.generation(time) for piece in self.columns])


@dataclass(frozen=True)
class ParallelLights:
    """Where each light generates carriers in each column; see `light.Lights`."""

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

    def pieces(self, step: Step, holds: F64 | None = None) -> Iterator[ParallelPiece]:
        """A step cut where its light jumps and at a tracker's holds (s)."""
        for pieces in zip(*(lights.pieces(step, holds) for lights in self.columns), strict=True):
            yield ParallelPiece(pieces)


class ParallelEngine(Engine):
    """Runs schedules on columns side by side: the steps of `transient.Engine`, taken by all columns at once.

    Args:
        problem: of the columns; all their ions move.
        tolerance: allowed local error of a step in any column (kT, relative).
    """

    def __init__(self, problem: ParallelProblem, tolerance: float = TOLERANCE) -> None:
        # what the driver of a schedule asks for; the columns' engines do the rest
        self.columns = [Engine(column, tolerance) for column in problem.columns]
        self.tolerance = tolerance
        whole = ParallelProblem(problem.stack, tuple(engine.problem for engine in self.columns))
        self.problem = whole  # type: ignore[assignment]
        self.areas = whole.areas
        solvers: tuple[Solver, ...] = tuple(engine.solver for engine in self.columns)
        self.solver = ParallelSolver(whole, solvers)  # type: ignore[assignment]
        self.lights = ParallelLights(tuple(engine.lights for engine in self.columns))  # type: ignore[assignment]
        self._begun = 0.0
        sites = np.cumsum([engine.device.volume.size for engine in self.columns])
        # of what stands for all columns at once, the bounds between one column's and the next's
        self._bounds = {"sites": sites[:-1]}

    # --- states ------------------------------------------------------------------------------------------------------

    def moment(self, state: ParallelState) -> ParallelMoment:  # type: ignore[override]
        """Steady states (ions settled) as the columns at one time."""
        columns = [engine.moment(one) for engine, one in zip(self.columns, state.columns, strict=True)]
        return ParallelMoment(tuple(columns), np.array([state.voltage / self.problem.vt]))

    def settled(  # type: ignore[override]
        self, voltage: float, light: float, beams: tuple[Beam, ...] = ()
    ) -> ParallelMoment:
        """The columns after an endless wait at a terminal voltage (V) and light (suns), ions included.

        Raises:
            InputError: a beam on a column without optics.
            ConvergenceError: a steady state could not be reached.
        """
        columns = tuple(engine.settled(voltage, light, beams) for engine in self.columns)
        return ParallelMoment(columns, np.array([voltage / self.problem.vt]))

    # --- what the driver asks of one moment ---------------------------------------------------------------------------

    def _refresh(self, now: Any) -> None:
        for engine, moment in zip(self.columns, now.columns, strict=True):
            engine._refresh(moment)

    def _past(self, time: float, now: Any) -> Past:
        """That of all columns, one after another, and the terminal voltage (kT/q)."""
        columns = [engine._past(time, one) for engine, one in zip(self.columns, now.columns, strict=True)]
        if "stored" not in self._bounds:
            self._bounds["stored"] = np.cumsum([one.stored.size for one in columns])[:-1]
            self._bounds["variables"] = np.cumsum([one.variables.size for one in columns])
        return Past(
            time,
            np.concatenate([one.stored for one in columns]),
            np.concatenate([*(one.variables for one in columns), now.v]),
        )

    def _guess(self, values: F64, now: Any) -> Any:
        *each, v = np.split(values, self._bounds["variables"])
        columns = [
            engine._guess(one, moment)
            for engine, one, moment in zip(self.columns, each, now.columns, strict=True)
        ]
        return ParallelMoment(tuple(columns), v.copy())

    def _terminal(self, now: Any, flux: Any) -> tuple[float, float]:
        """Terminal voltage (V) and current (A m^-2 of the cell's area) from the columns' fluxes."""
        return float(now.v[0]) * self.problem.vt, self._current(now, flux)

    def _current(self, now: ParallelMoment, flux: Sequence[float]) -> float:
        each = [
            engine._terminal(one, through)[1]
            for engine, one, through in zip(self.columns, now.columns, flux, strict=True)
        ]
        return float(self.areas @ each)

    def _ion_numbers(self) -> F64:
        """(I,) number of each moving species of each column, per area of the column."""
        return np.concatenate([engine._ion_numbers() for engine in self.columns])

    def _constancy(self, made: Any, flux: Any, generated: float) -> float:
        """The largest of the columns'."""
        each = [
            engine._constancy(one, through, generated)
            for engine, one, through in zip(self.columns, made.columns, flux, strict=True)
        ]
        return float(np.max(each))

    def _generated(self, piece: Any, time: float) -> float:
        each = [engine._generated(one, time) for engine, one in zip(self.columns, piece.columns, strict=True)]
        return float(self.areas @ each)

    def _flash(self, task: Task, start: Any, count: dict[str, int]) -> Any:
        """The columns after the carriers of a flash have appeared: no charge has moved, and so no voltage changed."""
        if not isinstance(task.control, Voltage):
            task = replace(task, control=Voltage(float(start.v[0]) * self.problem.vt))
        return super()._flash(task, start, count)

    # --- the equations of a step -------------------------------------------------------------------------------------

    def _condition(self, control: Control, fraction: float) -> Any:
        return control, fraction

    def _solve(
        self, guess: Any, condition: Any, generation: F64, rate: float, history: F64, most: int
    ) -> tuple[bool, int, Any]:
        """Solve the equations of a step of all columns from a guess, in place, at the voltage that the control wants.

        Returns:
            Whether it converged, all iterations and the columns' fluxes.
        """
        control, fraction = condition
        vt, iterations, change = self.problem.vt, 0, np.inf
        lights = np.split(generation, self._bounds["sites"])
        pasts = np.split(history, self._bounds["stored"])
        if isinstance(control, Voltage):
            guess.v[0] = control.at(fraction) / vt
        for _ in range(_ITERATIONS):
            fluxes = []
            held = Voltage(float(guess.v[0]) * vt)
            for engine, one, light, past in zip(self.columns, guess.columns, lights, pasts, strict=True):
                ok, more, flux = engine._solve(one, engine._condition(held, 1.0), light, rate, past, most)
                iterations += more
                if not ok:
                    return False, iterations, ()
                fluxes.append(flux)
            if isinstance(control, Voltage) or abs(change) < _LAST:
                return True, iterations, tuple(fluxes)
            current = self._current(guess, fluxes)
            change = _missing(control, fraction, held.start, current, self._slope(guess, generation)) / vt
            change = float(np.clip(change, -_LONGEST, _LONGEST))
            guess.v[0] += change
        return False, iterations, ()

    def _slope(self, made: Any, generation: F64) -> float:
        """dI/dV at the terminals at the end of the step that was solved last, S m^-2 of the cell's area."""
        lights = np.split(generation, self._bounds["sites"])
        each = [
            engine._response(one, light)[0]
            for engine, one, light in zip(self.columns, made.columns, lights, strict=True)
        ]
        return float(self.areas @ each)

    def _error(self, made: Any, condition: Any, missed: F64, flux: Any, generation: F64) -> float:
        """The largest of the columns', over the tolerance: each at the voltage to which the errors of all lead."""
        control, _ = condition
        held = Voltage(float(made.v[0]) * self.problem.vt)
        lights = np.split(generation, self._bounds["sites"])
        parts = np.split(missed, self._bounds["stored"])
        changes: list[float] = []
        states: list[F64] = []
        for engine, one, part in zip(self.columns, made.columns, parts, strict=True):
            engine.tolerance = self.tolerance
            changes.append(engine._consequence(one, engine._condition(held, 1.0), part))
            states.append(engine.blocks.rhs[:, :, 0].copy())
        if not isinstance(control, Voltage):
            responses = [
                engine._response(one, light)
                for engine, one, light in zip(self.columns, made.columns, lights, strict=True)
            ]
            slope = float(self.areas @ [response[0] for response in responses])
            current = float(
                self.areas
                @ [engine._current_of(change) for engine, change in zip(self.columns, changes, strict=True)]
            )
            shift = current / (_conductance(control) - slope)
            for number, (engine, (_, junction, through)) in enumerate(
                zip(self.columns, responses, strict=True)
            ):
                states[number] += shift * junction * engine.blocks.rhs[:, :, 0]
                changes[number] += shift * through
        largest = 0.0
        for engine, state, part, change, through, light in zip(
            self.columns, states, parts, changes, flux, lights, strict=True
        ):
            engine.blocks.rhs[:, :, 0] = state
            largest = max(largest, engine._weighed(part, change, through, light))
        return largest


def _missing(control: Control, fraction: float, voltage: float, current: float, slope: float) -> float:
    """How far (V) the terminals are from where the control wants them, by the linear response `slope` (S m^-2)."""
    if isinstance(control, Load):
        r = control.resistance
        return (voltage - r * current) / (r * slope - 1.0)
    target = control.at(fraction) if isinstance(control, Current) else 0.0
    return (target - current) / slope


def _conductance(control: Control) -> float:
    """Slope of the control's own current against the voltage, S m^-2."""
    if isinstance(control, Load):
        return 1.0 / control.resistance if control.resistance > 0.0 else np.inf
    return 0.0
