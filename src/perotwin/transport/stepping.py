"""One step of time: implicit differences, and how far off they are.

Backward differences of second order with variable steps (BDF2). Where something jumps there is no past to difference
with: there two half steps of first order begin anew, held to a whole one. Densities are what is differenced, so that
particles are conserved to rounding.

The error of a step is what its differences miss of the densities, put through the equations of that step once more: a
density that decays freely keeps all of it, one that follows the others at once keeps nothing. So a decay is followed
over many e-folds to the tolerance, and carriers that merely follow a voltage cost no steps.

`Stepper` takes the steps, of whatever cell; `Equations` are those of one stack.

Variable-step BDF2 and its error: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, III.5 (1996),
doi:10.1007/978-3-642-05221-7; error estimates filtered by the step's own matrix: IV.8 there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge as Q

from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem
from perotwin.transport.device import Blocks, Device, Work, make_blocks, make_work
from perotwin.transport.light import Piece
from perotwin.transport.motion import all_moving, motion_of, refuse_planes
from perotwin.transport.schedule import Control, Current, Load, Voltage
from perotwin.transport.steady import LONGEST
from perotwin.transport.trace import Moment

F64 = NDArray[np.float64]
Condition = tuple[int, float, float, float]

#: allowed local error of a step: kT of the potential, relative change of a density
TOLERANCE = 5e-4
#: last Newton step of an accepted state
NEWTON = 1e-7
_ITERATIONS = 16
#: the same where the bias or the light may jump
_ITERATIONS_AT_CORNER = 120
#: and in the second stage there, which begins from the first
_ITERATIONS_AT_SECOND = 25
#: densities below this part of the largest one do not steer the step
_RELEVANT = 1e-7
#: what a relative error of the current counts beside those: it is read, but nothing follows from it; and the current,
#: A m^-2, below which it does not steer the step
_THROUGH, _CURRENT = 0.1, 1e-3
#: abscissa of the first stage of a beginning of second order that damps what is faster than itself: SDIRK2
#: (R. Alexander, SIAM J. Numer. Anal. 14, 1006 (1977), doi:10.1137/0714068)
_GAMMA = 1.0 - 0.5 * np.sqrt(2.0)
#: its error as a part of how far a step of first order is from it
_HELD = 0.2
#: rounding of an occupation
_EMPTY = 1e-13
#: what three points tell of a step's error: their second difference is more than it
_LINE = 0.3


@dataclass
class Past:
    """What the differences need of one earlier time, s from the beginning of the piece."""

    time: float
    stored: F64  # densities of carriers and ions, potential, occupation of levels: what is differenced
    variables: (
        F64  # potential, levels of carriers and ions, junction voltage: what a guess is extrapolated from
    )


@dataclass(frozen=True)
class Task:
    """What holds the cell during a piece of a schedule's step: control, light, and the step's duration (s)."""

    control: Control
    piece: Piece
    duration: float

    def fraction(self, time: float) -> float:
        """Part of the schedule's step that has passed at a time of the piece (s)."""
        return min(1.0, (self.piece.begin + time) / self.duration)


class Snapshot(Protocol):
    """A cell at one time; v (1,) is its voltage, kT/q. Arrays are owned by it."""

    v: F64

    def copy(self) -> Self:
        """An independent copy."""


M = TypeVar("M", bound=Snapshot)


@dataclass
class Attempt(Generic[M]):
    """A step that was tried: the moment or None, the total flux, the error over the tolerance, and what it took.

    between: a state half way, where the step began anew.
    """

    moment: M | None
    flux: float
    error: float
    iterations: int
    between: Past | None = None


@dataclass
class Equations:
    """The equations of a step on one stack; holds the scratch memory.

    Attributes:
        problem: from `build`; all its ions move.
        tolerance: allowed local error of a step (kT, relative).
    """

    problem: Problem
    tolerance: float = TOLERANCE
    motion: F64 = field(init=False)
    device: Device = field(init=False)
    work: Work = field(init=False)
    blocks: Blocks = field(init=False)

    def __post_init__(self) -> None:
        refuse_planes(self.problem, "time steps")
        self.problem = all_moving(self.problem)
        self.motion = motion_of(self.problem)
        self.device = self.problem.device._replace(ion=np.zeros((0, dv.ION_COLUMNS)))
        self.work = make_work(self.device)
        size = 3 if self.motion.size == 0 else int(self.motion[:, dv.M_SLOT].max()) + 1
        self.blocks = make_blocks(self.device, size, self.motion.shape[0])
        sites, nodes = self.device.volume.size, self.device.x.size
        self._held = np.zeros(sites)
        # (I, N) nodes of each species' layer
        self._home = np.zeros((self.motion.shape[0], nodes), dtype=bool)
        for number, m in enumerate(self.motion[:, dv.M_LAYER].astype(int)):
            first, last = self.device.site_start[m : m + 2] - self.device.offset[m]
            self._home[number, first:last] = True
        # occupation of charged levels at the moment that the scratch memory holds
        self._trap = np.zeros((self.device.trap.shape[0], sites))
        self._face = np.zeros(self.device.face_trap_site.size)
        shapes = ((sites,), (sites,), self.blocks.ion.shape, (nodes,), self._trap.shape, self._face.shape)
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
        # where each kind lies in `Past.stored`: electrons, holes, ions, potential, levels of layers and of faces
        self._parts = [
            (slice(int(a), int(b)), shape) for a, b, shape in zip(ends, ends[1:], shapes, strict=False)
        ]
        # rate and past of everything in the last step that was solved
        self._step_taken: tuple[float, tuple[F64, ...]] = (0.0, ())
        self._charge = -Q if self.device.anode_front else Q
        leak = self.problem.stack.circuit.shunt_resistance
        self._leak = 0.0 if leak is None else 1.0 / float(leak)
        self._series = float(self.problem.stack.circuit.series_resistance)

    # --- states ------------------------------------------------------------------------------------------------------

    def _past(self, time: float, now: Moment) -> Past:
        """What the scratch memory holds, as the past of later steps."""
        w = self.work
        stored = np.concatenate((w.n, w.p, self.blocks.ion.ravel(), now.psi, self._trap.ravel(), self._face))
        variables = np.concatenate((now.psi, now.fn[0], now.fp[0], now.level.ravel(), now.v))
        return Past(time, stored, variables)

    def _split(self, stored: F64) -> tuple[F64, ...]:
        """Views of what is stored, by kind."""
        return tuple(stored[part].reshape(shape) for part, shape in self._parts)

    def _guess(self, values: F64, now: Moment) -> Moment:
        """A moment from extrapolated variables."""
        nodes = now.psi.size
        made = now.copy()
        made.psi[:] = values[:nodes]
        made.fn[0], made.fn[1] = values[nodes : 2 * nodes], 0.0
        made.fp[0], made.fp[1] = values[2 * nodes : 3 * nodes], 0.0
        # outside their layers levels mean nothing, and what nothing corrects must not be extrapolated
        np.copyto(made.level, values[3 * nodes : -1].reshape(made.level.shape), where=self._home)
        made.v[:] = values[-1:]
        return made

    def _refresh(self, now: Moment) -> None:
        """Densities of a moment into the scratch memory, and its traps' occupation."""
        k.densities(self.device, self.work, now.psi, now.fn, now.fp, float(now.v[0]))
        k.moving_ions(self.device, self.blocks, self.motion, now.psi, now.level)
        if now.trap is None or now.face is None:
            k.trap_memory(
                self.device, self.work, self.blocks, 0.0, True, self._trap, self._face, self._trap, self._face
            )
        else:
            self._trap[:], self._face[:] = now.trap, now.face

    # --- the equations of a step -------------------------------------------------------------------------------------

    def _current_of(self, change: float) -> float:
        """Change of the terminal current (A m^-2) with one of the flux (m^-2 s^-1), the terminal voltage held."""
        return change * self._charge / (1.0 + self._series * self._leak)

    def _solve(
        self, guess: Moment, condition: Condition, generation: F64, rate: float, history: F64, most: int
    ) -> tuple[bool, int, float]:
        """Solve the equations of a step from a guess, in place: rate * stored - history is its derivative in time.

        Returns:
            Whether it converged to occupations that can be, the iterations and the total flux (m^-2 s^-1).
        """
        control, a, b, c = condition
        if control == k.CONTROL_VOLTAGE:
            guess.v[0] = c
        march: Any = k.march
        past = self._split(history)
        status, iterations, _, total = march(
            self.device, self.work, self.blocks, self.motion, guess.psi, guess.fn, guess.fp, guess.level, guess.v,
            generation, self._held, rate, *past, self._trap, self._face, control, a, b, c, most, NEWTON, LONGEST,
        )  # fmt: skip
        if status != k.CONVERGED:
            return False, iterations, float(total)
        return self._take(guess, rate, past), iterations, float(total)

    def _take(self, made: Moment, rate: float, past: tuple[F64, ...]) -> bool:
        """Take note of a step that was solved from this rate and past; whether its occupations can be."""
        self._step_taken = (rate, past)
        made.trap, made.face = self._trap.copy(), self._face.copy()
        # what a level would emit that is emptier than empty no band could take back
        return _within(self._trap) and _within(self._face)

    def _response(self, made: Moment) -> tuple[float, float, float]:
        """How the end of the step that was solved last, with CONTROL_CIRCUIT, responds to the voltage at its end.

        Returns:
            dI/dV at the terminals (S m^-2), and the junction's voltage (kT/q) and the total flux (m^-2 s^-1) per volt
            at the terminals; the state's change per unit of the junction's voltage is `blocks.rhs[:, :, 1]`.
        """
        rate, past = self._step_taken
        by_v: Any = k.march_slope
        flux = float(by_v(self.device, self.work, self.blocks, self.motion, made.psi, past[3], rate))
        slope = flux * self._charge
        vt, g, rs = self.problem.vt, self._leak, self._series
        junction = 1.0 / (vt * (1.0 + rs * g) - rs * slope)
        return (slope - vt * g) * junction, junction, flux * junction

    def _consequence(self, made: Moment, condition: Condition, missed: F64) -> float:
        """What an error of what is stored does to the step that was just solved (see `kernels.consequence`).

        Args:
            made: its moment.
            missed: error of what is stored, as the step's differences have it.

        Returns:
            The change of the flux through the cell (m^-2 s^-1); that of the state stays in `blocks.rhs[:, :, 0]`.
        """
        control, a, b, _ = condition
        n, p, ion, psi, _, _ = self._split(missed)
        rate, past = self._step_taken
        change = k.consequence(
            self.device, self.work, self.blocks, self.motion, made.psi, past[3], rate, n, p, ion, psi, control, a, b
        )  # fmt: skip
        return float(change)

    def _weighed(self, missed: F64, change: float, flux: float, generation: F64) -> float:
        """Size of the change of the state in `blocks.rhs[:, :, 0]`, over the tolerance.

        Args:
            missed: error of what is stored, of which the levels' occupations count.
            change: of the flux, and the flux itself, m^-2 s^-1.
            generation: (S,) pairs per area and time, m^-2 s^-1.
        """
        *_, trap, face = self._split(missed)
        rate, _ = self._step_taken
        size = k.weigh(self.device, self.work, self.blocks, self.motion, rate, trap, face, _RELEVANT)
        through = abs(change) / max(abs(flux), float(generation.sum()), _CURRENT / Q)
        return max(float(size), _THROUGH * through) / self.tolerance

    def _error(self, made: Moment, condition: Condition, missed: F64, flux: float, generation: F64) -> float:
        """Error of the step that was just solved, over the tolerance.

        Args:
            made: its moment. flux: through the cell, m^-2 s^-1.
            missed: error of what is stored, as the step's differences have it.
            generation: (S,) pairs per area and time, m^-2 s^-1.
        """
        return self._weighed(missed, self._consequence(made, condition, missed), flux, generation)


class Stepper(ABC, Generic[M]):
    """Takes single steps of a cell whose equations its subclass brings.

    Attributes:
        problem: what is solved.
        tolerance: allowed local error of a step (kT, relative).
    """

    problem: Any
    tolerance: float
    #: charge (C) that a unit of flux along x takes out of the cell; conductance (S m^-2) beside and resistance (ohm
    #: m^2) behind the junction whose voltage and flux are those of a moment
    _charge: float
    _leak: float
    _series: float

    @abstractmethod
    def _refresh(self, now: M) -> None:
        """Take a moment into the scratch memory."""

    @abstractmethod
    def _past(self, time: float, now: M) -> Past:
        """What the scratch memory holds, as the past of later steps."""

    @abstractmethod
    def _guess(self, values: F64, now: M) -> M:
        """A moment from extrapolated variables."""

    @abstractmethod
    def _solve(
        self, guess: M, condition: Condition, generation: F64, rate: float, history: F64, most: int
    ) -> tuple[bool, int, float]:
        """Solve the equations of a step, in place; whether it converged, the iterations and the flux."""

    @abstractmethod
    def _error(self, made: M, condition: Condition, missed: F64, flux: float, generation: F64) -> float:
        """Error of the step that was just solved, over the tolerance."""

    # --- terminals ---------------------------------------------------------------------------------------------------

    def _condition(self, control: Control, fraction: float) -> Condition:
        """Control kind and a, b, c of a v + b J = c for the junction's voltage (kT/q) and current (A m^-2)."""
        vt, g, rs = self.problem.vt, self._leak, self._series
        if isinstance(control, Voltage):
            volts = control.at(fraction)
            if rs == 0.0:
                return k.CONTROL_VOLTAGE, 0.0, 0.0, volts / vt
            return k.CONTROL_CIRCUIT, vt * (1.0 + rs * g), -rs, volts
        if isinstance(control, Load):
            r = control.resistance
            return k.CONTROL_CIRCUIT, vt * (1.0 + (rs + r) * g), -(rs + r), 0.0
        target = control.at(fraction) if isinstance(control, Current) else 0.0
        return k.CONTROL_CIRCUIT, -vt * g, 1.0, target

    def _terminal(self, now: M, flux: float) -> tuple[float, float]:
        """Terminal voltage (V) and current (A m^-2) from the junction's voltage and total flux."""
        junction = float(now.v[0]) * self.problem.vt
        current = flux * self._charge - junction * self._leak
        return junction - current * self._series, current

    # --- steps -------------------------------------------------------------------------------------------------------

    def _attempt(self, task: Task, now: M, past: Sequence[Past], time: float, size: float) -> Attempt[M]:
        """Try a step of `size` s from `time` of the piece on."""
        if len(past) == 1:
            return self._begin(task, now, past[0], time, size)
        condition = self._condition(task.control, task.fraction(time + size))
        generation = task.piece.generation(time + size)
        h, h1 = size, past[0].time - past[1].time
        r = h / h1
        rate = (1.0 + 2.0 * r) / ((1.0 + r) * h)
        history = (1.0 + r) / h * past[0].stored - r * r / ((1.0 + r) * h) * past[1].stored
        ahead = _weights(past, time + size)
        trial = self._guess(_sum(ahead, [one.variables for one in past]), now)
        ok, iterations, flux = self._solve(trial, condition, generation, rate, history, _ITERATIONS)
        if not ok:
            # the polynomial may mislead where densities are next to nothing: once more from the last state itself
            trial = now.copy()
            ok, more, flux = self._solve(trial, condition, generation, rate, history, _ITERATIONS)
            iterations += more
        if not ok:
            return Attempt(None, flux, np.inf, iterations)
        missed = self._past(time + size, trial).stored - _sum(ahead, [one.stored for one in past])
        if len(past) == 2:
            missed *= _LINE
        else:
            h2 = past[1].time - past[2].time
            own = (1.0 + r) ** 2 * h**3 / (6.0 * r * (1.0 + 2.0 * r))
            missed *= own / (own + h * (h + h1) * (h + h1 + h2) / 6.0)
        error = self._error(trial, condition, missed, flux, generation)
        return Attempt(trial, flux, error, iterations)

    def _begin(self, task: Task, now: M, past: Past, time: float, size: float) -> Attempt[M]:
        """A step after a corner, where nothing is known of the past: two stages of second order (`_GAMMA`)."""
        inner, rate = _GAMMA * size, 1.0 / (_GAMMA * size)
        trial, iterations = now.copy(), 0
        history = rate * past.stored
        stages: list[Past] = []
        for end in (inner, size):
            condition = self._condition(task.control, task.fraction(time + end))
            generation = task.piece.generation(time + end)
            trial = trial.copy()
            most = _ITERATIONS_AT_SECOND if stages else _ITERATIONS_AT_CORNER
            ok, more, flux = self._solve(trial, condition, generation, rate, history, most)
            iterations += more
            if not ok:
                break
            stages.append(self._past(time + end, trial))
            slope = rate * stages[-1].stored - history
            if len(stages) == 1:
                first, history = slope, rate * past.stored + (1.0 - _GAMMA) / _GAMMA * slope
        if not ok:
            # densities that fall faster than the step cannot follow its second stage: first order damps them
            made = self._begin_damped(task, now, past, time, size)
            return replace(made, iterations=made.iterations + iterations)
        missed = _HELD * inner * (slope - first)
        error = self._error(trial, condition, missed, flux, generation)
        return Attempt(trial, flux, error, iterations, stages[0])

    def _begin_damped(self, task: Task, now: M, past: Past, time: float, size: float) -> Attempt[M]:
        """The same of first order: two halves, held to the whole in one."""
        iterations = 0
        states: list[Past] = []
        trial, origin = now.copy(), past
        for part, end in ((1.0, 1.0), (0.5, 0.5), (0.5, 1.0)):
            condition = self._condition(task.control, task.fraction(time + end * size))
            generation = task.piece.generation(time + end * size)
            rate = 1.0 / (part * size)
            trial = trial.copy()
            ok, more, flux = self._solve(
                trial, condition, generation, rate, rate * origin.stored, _ITERATIONS_AT_CORNER
            )
            iterations += more
            if not ok:
                return Attempt(None, flux, np.inf, iterations)
            states.append(self._past(time + end * size, trial))
            origin = past if part == 1.0 else states[1]
        missed = states[0].stored - states[2].stored
        error = self._error(trial, condition, missed, flux, generation)
        return Attempt(trial, flux, error, iterations, states[1])


def _within(occupation: F64) -> bool:
    """Whether occupations lie between none and all, but for rounding."""
    return occupation.size == 0 or bool(occupation.min() > -_EMPTY and occupation.max() < 1.0 + _EMPTY)


def _sum(weights: Sequence[float], arrays: Sequence[F64]) -> F64:
    """Weighted sum of arrays."""
    total = weights[0] * arrays[0]
    for weight, one in zip(weights[1:], arrays[1:], strict=True):
        total += weight * one
    return total


def _weights(past: Sequence[Past], time: float) -> list[float]:
    """What each earlier time counts in the polynomial through them, taken at `time`."""
    times = [one.time for one in past]
    weights = []
    for i, own in enumerate(times):
        weight = 1.0
        for j, other in enumerate(times):
            if j != i:
                weight *= (time - other) / (own - other)
        weights.append(weight)
    return weights
