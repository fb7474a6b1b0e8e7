"""Time: one engine that runs any schedule, with ions that move and displacement current.

    engine = Engine(build(cell))
    trace = engine.run([Step(1.0, Voltage(0.9), light=1.0)], engine.settled(0.0, 0.0))

Steps of time and their error are those of `implicit_steps`; they begin anew at each corner of the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.errors import ConvergenceError
from perotwin.transport.checks import CurrentInTime
from perotwin.transport.device import State as DeviceState
from perotwin.transport.device import state_width
from perotwin.transport.implicit_steps import TOLERANCE, Attempt, Past, Solved, Stepper, Task
from perotwin.transport.kernels.implicit_step import Difference
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.light import Beam, Lights, Piece
from perotwin.transport.mobile_ions import in_motion
from perotwin.transport.schedule import Current, Load, MaximumPower, OpenCircuit, Step, Voltage
from perotwin.transport.schedule import check as check_schedule
from perotwin.transport.splitting_in_time import SplittingInTime
from perotwin.transport.states import State, half_voltages
from perotwin.transport.steady import Solver
from perotwin.transport.time_series import Moment, Trace

__all__ = ["TOLERANCE", "Current", "Engine", "Load", "Moment", "OpenCircuit", "Step", "Trace", "Voltage"]

F64 = NDArray[np.float64]

#: first step after a corner, s, and as a part of the step that follows
_FIRST, _FIRST_PART = 1e-9, 1e-3
#: first step of a tracker's hold, as a part of it: what electrons do within it is over when the power is read
_HOLD = 0.25
#: and at most this many times what the hold before began with
_AGAIN = 1.5
#: a step may be this much longer than the error asks for where that spares another one
_STRETCH = 1.05
#: all that a flash makes appears within this time, s, in which nothing else happens
_FLASH = 1e-17
#: steps are not made shorter than this for the sake of the error, s: what is faster is not resolved
_RESOLUTION = 1e-12
#: time steps from one reported moment to the next, at most: cells take a few, after a corner some hundreds; more
#: where the error may be smaller, by the root of that
_PATIENCE = 4000


@dataclass
class _Tracker:
    """Where a tracker of maximum power stands."""

    perturbation: float
    voltage: float
    direction: float = 1.0
    last: float = -np.inf

    def observe(self, power: float) -> None:
        """Take the power at the end of a hold (W m^-2) and choose the next voltage."""
        if power < self.last:
            self.direction = -self.direction
        self.last = power
        self.voltage = float(np.round(self.voltage + self.direction * self.perturbation, 12))


class Companion(Protocol):
    """What goes along with a run, told of all that was solved on its way (`sensitivity_in_time.Course`)."""

    def enter(self, step: Step, number: int, holds: F64 | None) -> None:
        """A step of the schedule begins; holds: ends of its tracker's holds (s)."""

    def begin(self, piece: Piece, start: Past) -> None:
        """A piece of it begins, at what came last."""

    def accept(self, solved: Sequence[Solved], at_once: bool = False) -> None:
        """These were solved, one after another, and count; `at_once`: within no time."""

    def report(self) -> None:
        """What came last is reported."""


@dataclass
class Engine(Stepper):
    """Runs schedules on a cell.

    Attributes:
        problem: from `build`; all its ions move.
        tolerance: allowed local error of a step (kT, relative).
        solver: of the steady states that runs begin from.
        coarser: of the same cell on another mesh, for its solver.
        lights: where each light of its schedules generates carriers.
    """

    coarser: Solver | None = None
    solver: Solver = field(init=False)
    lights: Lights = field(init=False)
    _companion: Companion | None = field(init=False, default=None)
    #: s, of the last step after a corner
    _begun: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.solver = Solver(self.problem, coarser=self.coarser)
        self.lights = Lights(self.problem)
        self._currents = [CurrentInTime(part, in_motion(part).motion) for part in self.problem.parts]
        self._splittings = [SplittingInTime(part) for part in self.problem.parts]
        device = self.device
        self._face_parts = device.layer_junction[device.site_layer[device.face_trap_site]]

    # --- states ------------------------------------------------------------------------------------------------------

    def moment(self, state: State) -> Moment:
        """A steady state (ions settled) as the cell at one time."""
        steady = state_in(self.solver.system.device, state.row)
        made = Moment(self.device, np.zeros(state_width(self.device)), state.voltage)
        for name in ("psi", "fn", "fp", "fn_rest", "fp_rest", "v"):
            getattr(made.state, name)[:] = getattr(steady, name)
        made.state.level[:] = steady.mu[:, None]
        return made

    def settled(self, voltage: float, light: float, beams: tuple[Beam, ...] = ()) -> Moment:
        """The cell after an endless wait at a terminal voltage (V) and light (suns), ions included.

        Beams shine besides, at their first intensity.

        Raises:
            InputError: a beam on a cell without optics.
            ConvergenceError: that steady state could not be reached.
        """
        if beams:
            lit = self.lights.steady(light, beams)
            states = Solver(self.problem.relit(lit)).sweep([voltage], 1.0)
        else:
            states = self.solver.sweep([voltage], light)
        if not states.converged[0]:
            raise ConvergenceError(
                f'the steady state of "{self.problem.stack.name}" at {voltage:.4g} V was not reached.',
                "Start from another voltage.",
                voltage=voltage,
                stage="preconditioning",
            )
        return self.moment(states.state(0))

    def junction_voltages(self, trace: Trace) -> dict[str, F64]:
        """(T,) V by junction of a tandem at the moments of a run, and what is lost "between" them (see
        `states.States.junction_voltages`); nothing for other cells, or where the run did not keep its moments.
        """
        problem = self.problem
        if not problem.junction_sites or len(trace.moments) != trace.time.size:
            return {}
        volts = problem.vt * np.array([moment.state.v for moment in trace.moments]).T
        currents = np.array([moment.current for moment in trace.moments]).T
        found: dict[str, F64] = {}
        for group, columns in zip(problem.groups, problem.circuit.groups, strict=True):
            part = problem.parts[group.parts[0]]
            if part.halves:
                inside = [moment.junction(group.parts[0]) for moment in trace.moments]
                levels = (np.array([getattr(one, name) for one in inside]) for name in ("fn", "fp"))
                rests = (np.array([getattr(one, f"{name}_rest") for one in inside]) for name in ("fn", "fp"))
                up, down = (level + rest for level, rest in zip(levels, rests, strict=True))
                found |= half_voltages(part, volts[group.parts[0]], up, down)
            else:
                found[group.name] = problem.circuit.group_voltage(columns, group.parts, volts, currents)
        return found | {"between": sum(found.values()) - trace.voltage}

    # --- what is reported of a moment --------------------------------------------------------------------------------

    def _ion_numbers(self) -> F64:
        """(I,) number of each moving species, per area of its part."""
        return np.asarray((self.work.ion * self.device.volume).sum(axis=1))

    def _constancy(self, made: Moment, inside: Sequence[DeviceState], generation: F64) -> float:
        """Departure of the current along x from its junction's over its allowance, in the last step: the largest."""
        past = stored_in(self.device, self.difference.past).psi
        assert made.current is not None
        found = []
        for d, currents in enumerate(self._currents):
            own = made.current[d] + self.net.leak[d] * made.state.v[d]
            generated = Q * float(generation[self.problem.sites[d]].sum())
            here = past[self.device.nodes(d)]
            found.append(currents.departure(inside[d], self.difference.rate, here, generated, float(own)))
        return max(found)

    def _splitting(self, made: Moment, inside: Sequence[DeviceState], generation: F64) -> float:
        """How far (V) the splitting in any part lies above what it may be, in the last step; -inf where none
        has a limit.

        generation: (S,) what all light but that of the cell's own layers makes, m^-2 s^-1.
        """
        device, net = self.device, self.net
        past = stored_in(device, self.difference.past)
        assert made.current is not None and made.bulk is not None and made.face is not None
        lit = generation.copy()
        for k, (first, last) in enumerate(pairwise(net.profile_start)):
            lit[self.problem.sites[int(net.receiver[k])]] += self._answer.light[k] * net.profile[first:last]
        found = []
        for d, splitting in enumerate(self._splittings):
            here, nodes = self.problem.sites[d], device.nodes(d)
            traps = slice(int(device.trap_start[device.layer_start[d]]),
                          int(device.trap_start[device.layer_start[d + 1]]))  # fmt: skip
            faces = self._face_parts == d
            own = past._replace(
                n=past.n[here], p=past.p[here], psi=past.psi[nodes],
                bulk=past.bulk[traps, here], face=past.face[faces],
            )  # fmt: skip
            current = float(made.current[d] + net.leak[d] * made.state.v[d])
            held = made.bulk[traps, here], made.face[faces]
            excess = splitting.excess(inside[d], self.difference.rate, own, held, lit[here], current)
            found.append(excess)
        return float(np.max(found))

    # --- a schedule --------------------------------------------------------------------------------------------------

    def run(
        self,
        schedule: Sequence[Step],
        start: Moment,
        *,
        stop: Callable[[float, float, float], bool] | None = None,
        advanced: Callable[[float], Any] | None = None,
        keep: bool = True,
        companion: Companion | None = None,
    ) -> Trace:
        """Run a schedule from a given moment.

        Args:
            schedule: steps in order.
            start: the cell at time zero (see `settled`).
            stop: called at each reported moment with time (s), voltage (V) and current (A m^-2); True ends the run.
            advanced: called at each reported moment with the time, for progress.
            keep: False keeps of the moments the last one only; of a long run they are much memory.
            companion: goes along.

        Returns:
            The trace. After Ctrl-C it holds what was computed and says that it is not complete.

        Raises:
            InputError: a schedule that cannot be run.
            ConvergenceError: a step could not be taken; its context says how far it came: `step` of the schedule (from
                1), `time` (s) within it, `state` then, and `trace` keeps what was computed.
        """
        check_schedule(schedule)
        for number, step in enumerate(schedule, 1):
            self.lights.prepare(step, f"step {number}")
        rows: list[tuple[float, int, float, float, float, float, F64, float, float]] = []
        moments: list[Moment] = []
        count = {"steps": 0, "iterations": 0}
        now = start.copy()
        clock = 0.0
        complete = True
        self._companion = companion
        try:
            for number, step in enumerate(schedule):
                for since, made, generation in self._step(step, number, now, count):
                    time = clock + since
                    voltage, current = made.voltage, self.terminal_current(made)
                    light = step.light_at(min(1.0, since / step.duration))
                    generated = Q * float(generation @ self.problem.site_areas)
                    inside = [made.junction(d) for d in range(len(self.problem.parts))]
                    ions, even = self._ion_numbers(), self._constancy(made, inside, generation)
                    apart = self._splitting(made, inside, generation)
                    rows.append((time, number, voltage, current, light, generated, ions, even, apart))
                    if not keep:
                        moments.clear()
                    moments.append(made)
                    now = made
                    if companion is not None:
                        companion.report()
                    if advanced is not None:
                        advanced(time)
                    if stop is not None and stop(time, voltage, current):
                        complete = False
                        break
                if not complete:
                    break
                clock += step.duration
        except KeyboardInterrupt:
            complete = False
        except ConvergenceError as error:
            error.context.update(trace=self._trace(rows, moments, count, False), step=number + 1)
            raise
        finally:
            self._companion = None
        return self._trace(rows, moments, count, complete)

    @staticmethod
    def _trace(rows: list[Any], moments: list[Any], count: dict[str, int], complete: bool) -> Trace:
        columns = list(zip(*rows, strict=True)) if rows else [()] * 9
        return Trace(
            time=np.array(columns[0], dtype=float),
            step=np.array(columns[1], dtype=np.int64),
            voltage=np.array(columns[2], dtype=float),
            current=np.array(columns[3], dtype=float),
            light=np.array(columns[4], dtype=float),
            generated=np.array(columns[5], dtype=float),
            moments=tuple(moments),
            ions=np.array(columns[6], dtype=float),
            constancy=np.array(columns[7], dtype=float),
            splitting=np.array(columns[8], dtype=float),
            steps=count["steps"],
            iterations=count["iterations"],
            complete=complete,
        )

    def _step(self, step: Step, place: int, start: Moment, count: dict[str, int]) -> Any:
        """Yield (time from its start, moment, generation) at the step's reported moments."""
        targets, control = step.moments().copy(), step.control
        targets[-1] = step.duration
        now, tracker, holds = start, None, 0
        if isinstance(control, MaximumPower):
            first = start.voltage if control.start is None else control.start
            tracker = _Tracker(control.perturbation, first)
        ends = None if tracker is None else targets
        if self._companion is not None:
            self._companion.enter(step, place, ends)
        for piece in self.lights.pieces(step, ends):
            if tracker is not None:
                control = Voltage(tracker.voltage)
            if piece.flash is not None:
                now = self._flash(Task(control, piece, step.duration), now, count)
            here = targets[(targets > piece.begin) & (targets <= piece.end)]
            marks = here - piece.begin
            if here.size == 0 or here[-1] < piece.end:
                marks = np.append(marks, piece.length)
            size = min(_FIRST, _FIRST_PART * float(marks[0]))
            if step.first is not None:
                size = min(step.first, float(marks[0]))
            elif holds and piece.flash is None:
                size = _HOLD * piece.length
                if holds > 1:
                    # one hold is like the other: what was refused there is not tried again
                    size = min(size, _AGAIN * self._begun)
            run = self._piece(Task(control, piece, step.duration), now, marks, size, count)
            for number, (time, moment) in enumerate(run):
                now = moment
                if number < here.size:
                    yield here[number], moment, piece.generation(time)
                    if tracker is not None:
                        holds += 1
                        tracker.observe(moment.voltage * self.terminal_current(moment))

    def _flash(self, task: Task, start: Moment, count: dict[str, int]) -> Moment:
        """The cell after the carriers of a flash have appeared, all else as it was."""
        flash = task.piece.flash
        assert flash is not None
        rate = 1.0 / _FLASH
        constraint = self.constraint(task.control, task.fraction(0.0))
        for parts in (1, 8, 64):
            now, ok = start, True
            solved: list[Solved] = []
            for _ in range(parts):
                self._refresh(now)
                trial, before = now.copy(), solved[-1].end if solved else self._past(0.0, now)
                difference = Difference(rate, rate * before.stored)
                ok, iterations = self._solve(trial, constraint, rate / parts * flash, difference, 120)
                count["iterations"] += iterations
                if not ok:
                    break
                count["steps"] += 1
                now = trial
                made = Solved(
                    trial, self._past(0.0, trial), difference, constraint, ((before, rate),),
                    lambda piece, part=rate / parts: part * piece.flash,  # type: ignore[misc]  # its default is its type
                )  # fmt: skip
                solved.append(made)
            if ok:
                if self._companion is not None:
                    self._companion.begin(task.piece, solved[0].before[0][0])
                    self._companion.accept(solved, at_once=True)
                return now
        raise ConvergenceError(
            f'the carriers of a laser pulse could not be put into "{self.problem.stack.name}".',
            "Give the pulse a duration, or a smaller fluence.",
            voltage=start.voltage,
            state=start,
            stage="transient",
            time=task.piece.begin,
        )

    def _piece(self, task: Task, start: Moment, marks: F64, size: float, count: dict[str, int]) -> Any:
        """Yield (time, moment) at the marks of a piece, s from its beginning; `size`: of the first time step."""
        self._refresh(start)
        past = [self._past(0.0, start)]
        if self._companion is not None:
            self._companion.begin(task.piece, past[0])
        patience = round(_PATIENCE * max(1.0, (TOLERANCE / self.tolerance) ** 0.5))
        now, time = start, 0.0
        for target in (float(mark) for mark in marks):
            begun = count["steps"]
            while time < target:
                if count["steps"] - begun > patience:
                    raise self._lost(task, now, time, f"{patience} steps did not lead to the next moment")
                left = target - time
                # land on the moment, without a last step that is much shorter than those before
                if left <= _STRETCH * size:
                    size = left
                elif left < 2.0 * size:
                    size = 0.5 * left
                taken, grow, used = self._advance(task, now, past, time, size, count)
                assert taken.moment is not None
                if self._companion is not None:
                    self._companion.accept(taken.solved)
                now = taken.moment
                time = target if used == left else time + used
                *between, last = (one.end for one in taken.solved)
                last.time = time
                if not between:
                    past = [last, *past[:2]]
                    size = used * grow
                else:
                    self._begun = used
                    # the potential may have jumped at the corner: what was before it is no past to difference with
                    past = [last, between[-1]]
                    size = min(used * grow, 2.2 * (time - between[-1].time))
            yield time, now

    def _advance(
        self, task: Task, now: Moment, past: list[Past], time: float, size: float, count: dict[str, int]
    ) -> tuple[Attempt, float, float]:
        """One accepted step of at most `size` s, by how much the next may grow, and its size."""
        # a float's digits limit how close two moments can be
        shortest = max(_RESOLUTION, 1e-12 * time)
        while True:
            tried = self._attempt(task, now, past, time, size)
            count["iterations"] += tried.iterations
            power = -1.0 / 3.0 if len(past) > 2 else -0.5
            if tried.moment is not None and (tried.error <= 1.0 or size <= shortest):
                count["steps"] += 1
                grow = 3.0 if tried.error < 1e-6 else min(0.9 * tried.error**power, 2.2)
                # what is not resolved does not steer either
                return tried, 1.0 if tried.error > 1.0 else max(grow, 0.3), size
            if tried.moment is None:
                size *= 0.25
            else:
                # by half at least: where a step is long for what it follows, its error falls but slowly with it
                size = max(size * min(max(0.9 * tried.error**power, 0.2), 0.5), shortest)
            if size < 0.5 * shortest:
                raise self._lost(task, now, time, f"steps of {size:.1e} s still fail")

    def _lost(self, task: Task, now: Moment, time: float, why: str) -> ConvergenceError:
        """What is said where a run ends in a piece of a schedule's step, at a time (s) of the piece."""
        since = task.piece.begin + time
        return ConvergenceError(
            f'"{self.problem.stack.name}" could not be followed beyond {since:.4g} s into a step: {why}.',
            "Soften the corner with a ramp, start from a settled state nearer to it, or ask for more moments.",
            voltage=now.voltage,
            state=now,
            stage="transient",
            time=since,
        )
