"""One step of time: implicit differences, and how far off they are.

Backward differences of second order with variable steps (BDF2). Where something jumps there is no past to difference
with: there two half steps of first order begin anew, held to a whole one. Densities are what is differenced, so that
particles are conserved to rounding.

The error of a step is what its differences miss of the densities, put through the equations of that step once more: a
density that decays freely keeps all of it, one that follows the others at once keeps nothing. So a decay is followed
over many e-folds to the tolerance, and carriers that merely follow a voltage cost no steps. All junctions of a cell
take every step together; the worst decides.

Variable-step BDF2 and its error: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, III.5 (1996),
doi:10.1007/978-3-642-05221-7; error estimates filtered by the step's own matrix: IV.8 there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.transport.build import Problem
from perotwin.transport.circuit import held_current, held_voltage, loaded
from perotwin.transport.device import (
    M_LAYER,
    Blocks,
    Device,
    Traps,
    Work,
    lay_out,
    make_blocks,
    make_work,
    state_width,
    stored_width,
)
from perotwin.transport.kernels.circuit import ANODE, Constraint, Net, make_answer, make_linear
from perotwin.transport.kernels.implicit_step import NOBODY, Difference, Judgement, implicit_step, step_error
from perotwin.transport.kernels.in_motion import trap_memory
from perotwin.transport.kernels.newton import CONVERGED, Patience
from perotwin.transport.kernels.rows import stored_in
from perotwin.transport.kernels.statistics import densities, moving_ions
from perotwin.transport.light import Piece
from perotwin.transport.mobile_ions import in_motion
from perotwin.transport.schedule import Control, Current, Load, OpenCircuit, Voltage
from perotwin.transport.steady import LONGEST
from perotwin.transport.time_series import Moment

F64 = NDArray[np.float64]

#: allowed local error of a step: kT of the potential, relative change of a density
TOLERANCE = 5e-4
#: last Newton step of an accepted state
NEWTON = 1e-7
_ITERATIONS = 16
#: the same where the bias or the light may jump
_ITERATIONS_AT_CORNER = 120
#: and in the second stage there, which begins from the first
_ITERATIONS_AT_SECOND = 25
#: kT by which the voltage that is held may rise at once where Newton's method does not follow a jump of it
_AT_ONCE = 5.0
#: densities below this part of the largest one do not steer the step
_RELEVANT = 1e-7
#: current (A m^-2) below which it does not steer the step
_CURRENT = 1e-3
#: abscissa of the first stage of a beginning of second order that damps what is faster than itself: SDIRK2
#: (R. Alexander, SIAM J. Numer. Anal. 14, 1006 (1977), doi:10.1137/0714068)
_GAMMA = 1.0 - 0.5 * np.sqrt(2.0)
#: its error as a part of how far a step of first order is from it
_HELD = 0.2
#: change of the logarithm of a density from which on a guess of it is not trusted where next to nobody is
_MISLED = 1.0
#: rounding of an occupation
_EMPTY = 1e-13
#: what three points tell of a step's error: their second difference is more than it
_LINE = 0.3


@dataclass
class Past:
    """What the differences need of one earlier time, s from the beginning of the piece."""

    time: float
    stored: F64  # densities of carriers and ions, potential, occupation of levels: what is differenced
    smooth: F64  # potential, levels of carriers and ions, voltages: what a guess is extrapolated from
    follows: F64 | None = None  # (P, stored) how what is stored follows fields (`sensitivity_in_time`)


@dataclass(frozen=True)
class Solved:
    """A step's equations as they were solved: where, and what they were made of.

    Attributes:
        moment: their solution. end: what it stores. difference, constraint: of the step.
        before: earlier states, and what each counts in the past of the difference.
        light: what all light makes, from a piece of the schedule's step.
    """

    moment: Moment
    end: Past
    difference: Difference
    constraint: Constraint
    before: tuple[tuple[Past, float], ...]
    light: Callable[[Piece], F64]


@dataclass(frozen=True)
class Task:
    """What holds the cell during a piece of a schedule's step: control, light, and the step's duration (s)."""

    control: Control
    piece: Piece
    duration: float

    def fraction(self, time: float) -> float:
        """Part of the schedule's step that has passed at a time of the piece (s)."""
        return min(1.0, (self.piece.begin + time) / self.duration)


@dataclass
class Attempt:
    """A step that was tried: the moment or None, the error over the tolerance, and what it took.

    solved: the equations that led to it; more than one where the step began anew.
    """

    moment: Moment | None
    error: float
    iterations: int
    solved: tuple[Solved, ...] = ()


@dataclass
class Stepper:
    """Takes single steps of a cell; holds the scratch memory.

    Attributes:
        problem: from `build`; all its ions move.
        tolerance: allowed local error of a step (kT, relative).
        device: its junctions.
    """

    problem: Problem
    tolerance: float = TOLERANCE
    device: Device = field(init=False)
    work: Work = field(init=False)
    blocks: Blocks = field(init=False)
    net: Net = field(init=False)

    def __post_init__(self) -> None:
        self.problem = self.problem.all_moving()
        self.device = lay_out([in_motion(part) for part in self.problem.parts])
        self.net = self.problem.circuit.net(self.problem.parts, self.problem.lights)
        causes = 2 + int(np.bincount(self.net.receiver, minlength=1).max())
        self.work = make_work(self.device, causes)
        self.blocks = make_blocks(self.device, causes)
        self._linear, self._answer = make_linear(self.net), make_answer(self.net)
        self._edges = np.zeros(self.net.anode.size, dtype=np.int64)
        sites, nodes = self.device.volume.size, self.device.x.size
        self._held = np.zeros(sites)
        # occupation of charged levels at the moment that the scratch memory holds
        self._filled = Traps(
            np.zeros((self.device.trap.shape[0], sites)), np.zeros(self.device.face_trap_site.size)
        )
        # outside their layers ions' levels mean nothing, and what nothing corrects must not be extrapolated
        self._extrapolated = np.ones(state_width(self.device) - 2 * nodes, dtype=bool)
        for number, row in enumerate(self.device.motion):
            m = int(row[M_LAYER])
            home = np.zeros(nodes, dtype=bool)
            home[self.device.site_node[self.device.site_layer == m]] = True
            self._extrapolated[(3 + number) * nodes : (4 + number) * nodes] = home

    # --- states ------------------------------------------------------------------------------------------------------

    def _past(self, time: float, now: Moment) -> Past:
        """What the scratch memory holds, as the past of later steps."""
        w = self.work
        stored = np.empty(stored_width(self.device))
        for into, value in zip(
            stored_in(self.device, stored), (w.n, w.p, w.ion, now.state.psi, *self._filled), strict=True
        ):
            into[...] = value
        return Past(time, stored, now.row[: self._extrapolated.size].copy())

    def _guess(self, values: F64, now: Moment, past: Past) -> Moment:
        """A moment from extrapolated numbers.

        Where next to nobody is, densities change by decades from step to step and the polynomial misleads by more: a
        level that would change one by a factor there stays as it was.
        """
        made = now.copy()
        made.row[self._extrapolated.size :] = 0.0
        np.copyto(made.row[: self._extrapolated.size], values, where=self._extrapolated)
        stored, was, new = stored_in(self.device, past.stored), now.state, made.state
        rise = np.repeat(new.v - was.v, np.diff(self.device.node_start))
        for density, before, after, lifted in (
            (stored.n, was.fn, new.fn, 0.0),
            (stored.p, was.fp, new.fp, rise),
        ):
            nobody = np.ones(rise.size, dtype=bool)
            nobody[self.device.site_node[density > NOBODY * density.max()]] = False
            misled = nobody & (np.abs(new.psi - was.psi + after - before - lifted) > _MISLED)
            after[misled] = before[misled]
        return made

    def _possible(self, history: F64, rate: float, past: Past) -> F64:
        """The same past of a difference, but where next to nobody is and it would ask for a negative density.

        That of a step of first order stands there, which damps what falls faster than the step; it is too few to be
        missed.
        """
        for wanted, was in zip(
            stored_in(self.device, history)[:3], stored_in(self.device, past.stored)[:3], strict=True
        ):
            least = NOBODY * was.max(axis=-1, keepdims=True, initial=0.0)
            nobody = (wanted < 0.0) & (wanted > -rate * least) & (was < least)
            wanted[nobody] = rate * was[nobody]
        return history

    def _refresh(self, now: Moment) -> None:
        """Densities of a moment into the scratch memory, and its traps' occupation."""
        state = now.state
        densities(self.device, self.work, state)
        moving_ions(self.device, self.work, state)
        if now.bulk is None or now.face is None:
            none = stored_in(self.device, np.zeros(stored_width(self.device)))
            trap_memory(self.device, self.work, self.blocks, 0.0, True, none, self._filled)
        else:
            self._filled.bulk[:], self._filled.face[:] = now.bulk, now.face

    # --- the equations of a step -------------------------------------------------------------------------------------

    def _solve(
        self, guess: Moment, constraint: Constraint, generation: F64, difference: Difference, most: int
    ) -> tuple[bool, int]:
        """Solve the equations of a step from a guess, in place.

        Returns:
            Whether it converged to occupations that can be, and the iterations.
        """
        status, iterations, _ = implicit_step(
            self.device, self.work, self.blocks, self.net, guess.row, generation, self._held, difference, self._filled,
            constraint, Patience(most, NEWTON, LONGEST), (self._linear, self._answer, self._edges),
        )  # fmt: skip
        if status != CONVERGED:
            return False, iterations
        self.difference = difference
        guess.bulk, guess.face = self._filled.bulk.copy(), self._filled.face.copy()
        guess.current = self._answer.current.copy()
        guess.voltage = constraint.c if constraint.b == 0.0 else float(self._answer.potential[ANODE])
        # what a level would emit that is emptier than empty no band could take back
        return _within(guess.bulk) and _within(guess.face), iterations

    def terminal_current(self, now: Moment) -> float:
        """Current at the terminals at the end of a step, displacement included, A m^-2."""
        assert now.current is not None
        return float(self.problem.circuit.total(now.current[:, None])[0])

    def _error(self, made: Moment, constraint: Constraint, missed: F64, generation: F64) -> float:
        """Error of the step that was just solved, over the tolerance; `missed`: of what is stored, as its differences
        have it.
        """
        # no current leaves a sample without contacts, whatever is missed
        current = np.inf if self.problem.isolated else _CURRENT
        size = step_error(
            self.device, self.work, self.blocks, self.net, made.row, generation, self.difference, missed, constraint,
            Judgement(_RELEVANT, current), (self._linear, self._answer, self._edges),
        )  # fmt: skip
        return float(size) / self.tolerance

    def constraint(self, control: Control, fraction: float) -> Constraint:
        """What a control holds the terminals to when `fraction` of its step has passed.

        Raises:
            InputError: other than open circuit of a sample without contacts, or 0 V, which stands for it there.
        """
        if self.problem.isolated:
            # nothing passes at its ends whatever the terminals are held to
            nothing = isinstance(control, Voltage) and control.at(fraction) == 0.0
            if not (nothing or isinstance(control, OpenCircuit)):
                raise InputError(
                    f'"{self.problem.stack.name}" has no contacts that carriers pass, so that nothing can be held at '
                    "its terminals.",
                    "Run it at open circuit.",
                    key="contact",
                )
            return held_voltage()
        if isinstance(control, Voltage):
            return held_voltage(control.at(fraction))
        if isinstance(control, Load):
            return loaded(control.resistance)
        return held_current(control.at(fraction) if isinstance(control, Current) else 0.0)

    # --- steps -------------------------------------------------------------------------------------------------------

    def _attempt(self, task: Task, now: Moment, past: Sequence[Past], time: float, size: float) -> Attempt:
        """Try a step of `size` s from `time` of the piece on."""
        if len(past) == 1:
            return self._begin(task, now, past[0], time, size)
        constraint = self.constraint(task.control, task.fraction(time + size))
        generation = task.piece.generation(time + size)
        h, h1 = size, past[0].time - past[1].time
        r = h / h1
        rate = (1.0 + 2.0 * r) / ((1.0 + r) * h)
        history = (1.0 + r) / h * past[0].stored - r * r / ((1.0 + r) * h) * past[1].stored
        difference = Difference(rate, self._possible(history, rate, past[0]))
        ahead = _weights(past, time + size)
        trial = self._guess(_sum(ahead, [one.smooth for one in past]), now, past[0])
        ok, iterations = self._solve(trial, constraint, generation, difference, _ITERATIONS)
        if not ok:
            # the polynomial may mislead where densities are next to nothing: once more from the last state itself
            trial = now.copy()
            ok, more = self._solve(trial, constraint, generation, difference, _ITERATIONS)
            iterations += more
        if not ok:
            # densities that fall faster than the step are asked to be negative by what was before: see `_begin`
            made = self._begin_damped(task, now, past[0], time, size)
            return replace(made, iterations=made.iterations + iterations)
        end = self._past(time + size, trial)
        missed = end.stored - _sum(ahead, [one.stored for one in past])
        if len(past) == 2:
            missed *= _LINE
        else:
            h2 = past[1].time - past[2].time
            own = (1.0 + r) ** 2 * h**3 / (6.0 * r * (1.0 + 2.0 * r))
            missed *= own / (own + h * (h + h1) * (h + h1 + h2) / 6.0)
        error = self._error(trial, constraint, missed, generation)
        before = (past[0], (1.0 + r) / h), (past[1], -r * r / ((1.0 + r) * h))
        return Attempt(trial, error, iterations, (_solved(trial, end, difference, constraint, before),))

    def _begin(self, task: Task, now: Moment, past: Past, time: float, size: float) -> Attempt:
        """A step after a corner, where nothing is known of the past: two stages of second order (`_GAMMA`)."""
        inner, rate = _GAMMA * size, 1.0 / (_GAMMA * size)
        trial, iterations = now.copy(), 0
        history = rate * past.stored
        before: tuple[tuple[Past, float], ...] = ((past, rate),)
        stages: list[Solved] = []
        for end in (inner, size):
            constraint = self.constraint(task.control, task.fraction(time + end))
            generation = task.piece.generation(time + end)
            difference = Difference(rate, history)
            if stages:
                trial = trial.copy()
                ok, more = self._solve(trial, constraint, generation, difference, _ITERATIONS_AT_SECOND)
            else:
                trial, ok, more = self._jump(now, constraint, generation, difference)
            iterations += more
            if not ok:
                break
            stages.append(_solved(trial, self._past(time + end, trial), difference, constraint, before))
            slope = rate * stages[-1].end.stored - history
            if len(stages) == 1:
                more_of = (1.0 - _GAMMA) / _GAMMA
                first, history = slope, self._possible(rate * past.stored + more_of * slope, rate, past)
                before = (past, rate - more_of * rate), (stages[0].end, more_of * rate)
        if not ok:
            # densities that fall faster than the step cannot follow its second stage: first order damps them
            made = self._begin_damped(task, now, past, time, size)
            return replace(made, iterations=made.iterations + iterations)
        missed = _HELD * inner * (slope - first)
        error = self._error(trial, constraint, missed, generation)
        return Attempt(trial, error, iterations, tuple(stages))

    def _jump(
        self, now: Moment, constraint: Constraint, generation: F64, difference: Difference
    ) -> tuple[Moment, bool, int]:
        """Solve the equations of a step from a moment whose terminals may be at another voltage: at once, or by steps
        of what is held; the moment found, whether it converged, and the iterations.
        """
        trial = now.copy()
        ok, iterations = self._solve(trial, constraint, generation, difference, _ITERATIONS_AT_CORNER)
        parts = int(np.ceil(abs(constraint.c - now.voltage) / (_AT_ONCE * self.problem.vt)))
        if ok or constraint.b != 0.0 or parts < 2:
            return trial, ok, iterations
        trial = now.copy()
        for held in np.linspace(now.voltage, constraint.c, parts + 1)[1:]:
            nearer = constraint._replace(c=float(held))
            ok, more = self._solve(trial, nearer, generation, difference, _ITERATIONS_AT_CORNER)
            iterations += more
            if not ok:
                break
        return trial, ok, iterations

    def _begin_damped(self, task: Task, now: Moment, past: Past, time: float, size: float) -> Attempt:
        """The same of first order: two halves, held to the whole in one."""
        iterations = 0
        states: list[Solved] = []
        trial, origin = now.copy(), past
        for part, end in ((1.0, 1.0), (0.5, 0.5), (0.5, 1.0)):
            constraint = self.constraint(task.control, task.fraction(time + end * size))
            generation = task.piece.generation(time + end * size)
            rate = 1.0 / (part * size)
            difference = Difference(rate, rate * origin.stored)
            trial, ok, more = self._jump(trial, constraint, generation, difference)
            iterations += more
            if not ok:
                return Attempt(None, np.inf, iterations)
            stored = self._past(time + end * size, trial)
            states.append(_solved(trial, stored, difference, constraint, ((origin, rate),)))
            origin = past if part == 1.0 else states[1].end
        missed = states[0].end.stored - states[2].end.stored
        error = self._error(trial, constraint, missed, generation)
        return Attempt(trial, error, iterations, tuple(states[1:]))


def _solved(
    moment: Moment,
    end: Past,
    difference: Difference,
    constraint: Constraint,
    before: tuple[tuple[Past, float], ...],
) -> Solved:
    """What was solved at the end of a step."""
    return Solved(moment, end, difference, constraint, before, lambda piece: piece.generation(end.time))


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
