"""Columns side by side in time: one time step for all, at the one voltage at which their currents meet the control.

Where the voltage is given, the columns only share the step. At open circuit, at a current and over a load, Newton's
method finds the common voltage at the end of every step, with each column's exact dI/dV over that step, displacement
and ions included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from perotwin.transport.trace import Moment
from perotwin.transport.transient import TOLERANCE, Engine, _Past, _weights

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
class ParallelPast:
    """What the differences need of one earlier time, and the terminal voltage then (kT/q)."""

    time: float
    columns: tuple[_Past, ...]
    v: float


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
    def flash(self) -> tuple[F64 | None, ...] | None:
        """What appears in each column at its beginning, or None."""
        found = tuple(piece.flash for piece in self.columns)
        return None if found[0] is None else found


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

    def _past(self, time: float, now: Any) -> Any:
        columns = [engine._past(time, one) for engine, one in zip(self.columns, now.columns, strict=True)]
        return ParallelPast(time, tuple(columns), float(now.v[0]))

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

    def _flash(self, step: Step, control: Control, piece: Any, start: Any, count: dict[str, int]) -> Any:
        """The columns after the carriers of a flash have appeared: no charge has moved, and so no voltage changed."""
        held = control
        if not isinstance(control, Voltage):
            held = Voltage(float(start.v[0]) * self.problem.vt)
        columns = [
            engine._flash(step, held, one, moment, count)
            for engine, one, moment in zip(self.columns, piece.columns, start.columns, strict=True)
        ]
        return ParallelMoment(tuple(columns), start.v.copy())

    def _attempt(
        self, step: Step, control: Control, piece: Any, now: Any, past: Any, time: float, size: float
    ) -> tuple[Any, Any, float, int]:
        """Try one step of all columns; the moment or None, the fluxes, the largest error, all iterations."""
        vt = self.problem.vt
        fraction = min(1.0, (piece.begin + time + size) / step.duration)
        if isinstance(control, Voltage):
            return self._together(step, control, fraction, piece, now, past, time, size)
        # the voltage is foreseen as everything else is
        v = past[0].v
        if len(past) > 1:
            v = float(np.dot(_weights(past, time + size), [one.v for one in past]))
        iterations, change = 0, np.inf
        for _ in range(_ITERATIONS):
            held = Voltage(v * vt)
            made, flux, error, more = self._together(step, held, fraction, piece, now, past, time, size)
            iterations += more
            if made is None or abs(change) < _LAST:
                return made, flux, error, iterations
            current = self._current(made, flux)
            slope = float(
                self.areas
                @ [
                    engine._slope(one, part.generation(time + size))
                    for engine, one, part in zip(self.columns, made.columns, piece.columns, strict=True)
                ]
            )
            change = float(
                np.clip(_missing(control, fraction, v * vt, current, slope) / vt, -_LONGEST, _LONGEST)
            )
            v += change
        return None, (), np.inf, iterations

    def _together(
        self,
        step: Step,
        held: Voltage,
        fraction: float,
        piece: Any,
        now: Any,
        past: Any,
        time: float,
        size: float,
    ) -> tuple[ParallelMoment | None, tuple[float, ...], float, int]:
        """One step of every column at one terminal voltage."""
        moments: list[Moment] = []
        fluxes: list[float] = []
        worst_error, iterations = 0.0, 0
        for number, engine in enumerate(self.columns):
            engine.tolerance = self.tolerance
            own = [one.columns[number] for one in past]
            moment, flux, error, more = engine._attempt(
                step, held, piece.columns[number], now.columns[number], own, time, size
            )
            iterations += more
            if moment is None:
                return None, (), np.inf, iterations
            moments.append(moment)
            fluxes.append(flux)
            worst_error = max(worst_error, error)
        v = np.array([held.at(fraction) / self.problem.vt])
        return ParallelMoment(tuple(moments), v), tuple(fluxes), worst_error, iterations


def _missing(control: Control, fraction: float, voltage: float, current: float, slope: float) -> float:
    """How far (V) the terminals are from where the control wants them, by the linear response `slope` (S m^-2)."""
    if isinstance(control, Load):
        r = control.resistance
        return (voltage - r * current) / (r * slope - 1.0)
    target = control.at(fraction) if isinstance(control, Current) else 0.0
    return (target - current) / slope
