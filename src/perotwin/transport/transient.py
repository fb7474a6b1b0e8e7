"""Time: one engine that runs any schedule, with ions that move and displacement current.

Fully implicit backward differences of second order with variable steps (BDF2), started anew with one step of first
order at each corner of the schedule. The local error of every step is estimated from the parabola through the three
last states and kept below the tolerance; densities are what is differenced, so that particles are conserved to
rounding.

Variable-step BDF2 and its error: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, III.5 (1996),
doi:10.1007/978-3-642-05221-7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge as Q

from perotwin.errors import ConvergenceError
from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem
from perotwin.transport.checks import constancy_in_time
from perotwin.transport.device import Blocks, Device, Work, make_blocks, make_work
from perotwin.transport.light import Beam, Lights, Piece
from perotwin.transport.motion import all_moving, motion_of
from perotwin.transport.schedule import Control, Current, Load, MaximumPower, OpenCircuit, Step, Voltage
from perotwin.transport.schedule import check as check_schedule
from perotwin.transport.steady import LONGEST, Solver, State
from perotwin.transport.trace import Moment, Trace

F64 = NDArray[np.float64]

#: allowed local error of a step: kT of the potential, relative change of a density
TOLERANCE = 2e-3
#: last Newton step of an accepted state
_NEWTON = 1e-7
_ITERATIONS = 12
#: the same where the bias or the light may jump
_ITERATIONS_AT_CORNER = 120
#: first step after a corner, s, and as a part of the step that follows
_FIRST, _FIRST_PART = 1e-9, 1e-3
#: first step of a tracker's hold, as a part of it: what electrons do within it is over when the power is read. A tenth
#: serves when light-soaking is over
_HOLD, _LATER, _EARLY = 0.05, 0.1, 20
#: densities below this part of the largest one do not steer the step
_RELEVANT = 1e-7
#: all that a flash makes appears within this time, s, in which nothing else happens
_FLASH = 1e-17
#: steps are not made shorter than this for the sake of the error, s: what is faster is not resolved
_RESOLUTION = 1e-12


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


@dataclass
class _Past:
    """What the differences need of one earlier time."""

    time: float
    n: F64
    p: F64
    ion: F64
    psi: F64
    trap: F64  # (T, S) occupation of charged levels
    face: F64  # (TF,)
    variables: F64  # (V,) potential, levels of carriers and ions, junction voltage: what is extrapolated


@dataclass
class Engine:
    """Runs schedules on one cell.

    Attributes:
        problem: from `build`; all its ions move.
        tolerance: allowed local error of a step (kT, relative).
        lights: where each light of its schedules generates carriers.
    """

    problem: Problem
    tolerance: float = TOLERANCE
    solver: Solver = field(init=False)
    motion: F64 = field(init=False)
    device: Device = field(init=False)
    work: Work = field(init=False)
    blocks: Blocks = field(init=False)
    lights: Lights = field(init=False)

    def __post_init__(self) -> None:
        self.problem = all_moving(self.problem)
        self.solver = Solver(self.problem)
        self.motion = motion_of(self.problem)
        self.lights = Lights(self.problem)
        self.device = self.problem.device._replace(ion=np.zeros((0, dv.ION_COLUMNS)))
        self.work = make_work(self.device)
        size = 3 if self.motion.size == 0 else int(self.motion[:, dv.M_SLOT].max()) + 1
        self.blocks = make_blocks(self.device, size, self.motion.shape[0])
        self._held = np.zeros(self.device.volume.size)
        # (I, N) nodes of each species' layer
        self._home = np.zeros((self.motion.shape[0], self.device.x.size), dtype=bool)
        for number, m in enumerate(self.motion[:, dv.M_LAYER].astype(int)):
            first, last = self.device.site_start[m : m + 2] - self.device.offset[m]
            self._home[number, first:last] = True
        # occupation of charged levels at the moment that the scratch memory holds
        self._trap = np.zeros((self.device.trap.shape[0], self.device.volume.size))
        self._face = np.zeros(self.device.face_trap_site.size)
        # rate and past of everything in the last step that was solved
        self._step_taken: tuple[float, tuple[F64, ...]] = (0.0, ())
        leak = self.problem.stack.circuit.shunt_resistance
        self._leak = 0.0 if leak is None else 1.0 / float(leak)
        self._series = float(self.problem.stack.circuit.series_resistance)

    # --- states ------------------------------------------------------------------------------------------------------

    def moment(self, state: State) -> Moment:
        """A steady state (ions settled) as the cell at one time."""
        level = np.repeat(state.mu[:, None], self.device.x.size, axis=1)
        return Moment(state.psi.copy(), state.fn.copy(), state.fp.copy(), level, state.v.copy())

    def settled(self, voltage: float, light: float, beams: tuple[Beam, ...] = ()) -> Moment:
        """The cell after an endless wait at a terminal voltage (V) and light (suns), ions included.

        Beams shine besides, at their first intensity.

        Raises:
            InputError: a beam on a cell without optics.
            ConvergenceError: that steady state could not be reached.
        """
        if beams:
            lit = replace(self.problem, generation=self.lights.steady(light, beams))
            states = Solver(lit).sweep([voltage], 1.0)
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

    # --- one step ----------------------------------------------------------------------------------------------------

    def _condition(self, control: Control, fraction: float) -> tuple[int, float, float, float]:
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

    def _past(self, time: float, now: Moment) -> _Past:
        w, b = self.work, self.blocks
        return _Past(
            time,
            w.n.copy(),
            w.p.copy(),
            b.ion.copy(),
            now.psi.copy(),
            self._trap.copy(),
            self._face.copy(),
            self._variables(now),
        )

    @staticmethod
    def _variables(now: Moment) -> F64:
        return np.concatenate((now.psi, now.fn[0], now.fp[0], now.level.ravel(), now.v))

    def _guess(self, values: F64, now: Moment) -> Moment:
        """A moment from extrapolated variables."""
        nodes = now.psi.size
        made = now.copy()
        made.psi[:] = values[:nodes]
        made.fn[0], made.fn[1] = values[nodes : 2 * nodes], 0.0
        made.fp[0], made.fp[1] = values[2 * nodes : 3 * nodes], 0.0
        # outside their layers levels mean nothing, and what nothing corrects must not be extrapolated
        wanted = values[3 * nodes : -1].reshape(made.level.shape)
        made.level[self._home] = wanted[self._home]
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

    def _error(self, made: Moment, guess: F64) -> float:
        """Size of the difference between a solved moment and its extrapolation (kT, relative)."""
        nodes = made.psi.size
        now = self._variables(made)
        d = now - guess
        dpsi, dn, dp = d[:nodes], d[nodes : 2 * nodes], d[2 * nodes : 3 * nodes]
        shift = d[-1]
        w = self.work
        first = self.problem.node_site
        n, p = w.n[first], w.p[first]
        weight_n, weight_p = n / (n + _RELEVANT * n.max()), p / (p + _RELEVANT * p.max())
        worst = max(
            float(np.abs(dpsi).max()),
            float((np.abs(dpsi + dn) * weight_n).max()),
            float((np.abs(dpsi + dp - shift) * weight_p).max()),
        )
        for number, row in enumerate(self.motion):
            m = int(row[dv.M_LAYER])
            here = slice(
                int(self.device.site_start[m] - self.device.offset[m]),
                int(self.device.site_start[m + 1] - self.device.offset[m]),
            )
            level = d[3 * nodes + number * nodes : 3 * nodes + (number + 1) * nodes][here]
            worst = max(worst, float(np.abs(level - row[dv.M_Z] * dpsi[here]).max()))
        return worst

    def _solve(
        self,
        guess: Moment,
        condition: tuple[int, float, float, float],
        generation: F64,
        rate: float,
        past: tuple[F64, ...],
        settled: bool,
    ) -> tuple[bool, int, float]:
        control, a, b, c = condition
        if control == k.CONTROL_VOLTAGE:
            guess.v[0] = c
        march: Any = k.march
        status, iterations, _, total = march(
            self.device, self.work, self.blocks, self.motion, guess.psi, guess.fn, guess.fp, guess.level, guess.v,
            generation, self._held, rate, *past, self._trap, self._face,
            control, a, b, c, _ITERATIONS if settled else _ITERATIONS_AT_CORNER, _NEWTON, LONGEST,
        )  # fmt: skip
        return status == k.CONVERGED, iterations, float(total)

    def _terminal(self, now: Moment, flux: float) -> tuple[float, float]:
        """Terminal voltage (V) and current (A m^-2) from the junction's voltage and total flux."""
        junction = float(now.v[0]) * self.problem.vt
        current = flux * Q * (-1.0 if self.device.anode_front else 1.0) - junction * self._leak
        return junction - current * self._series, current

    # --- a schedule --------------------------------------------------------------------------------------------------

    def run(
        self,
        schedule: Sequence[Step],
        start: Moment,
        *,
        stop: Callable[[float, float, float], bool] | None = None,
        advanced: Callable[[float], Any] | None = None,
        keep: bool = True,
    ) -> Trace:
        """Run a schedule from a given moment.

        Args:
            schedule: steps in order.
            start: the cell at time zero (see `settled`).
            stop: called at each reported moment with time (s), voltage (V) and current (A m^-2); True ends the run.
            advanced: called at each reported moment with the time, for progress.
            keep: False keeps of the moments the last one only; of a long run they are much memory.

        Returns:
            The trace. After Ctrl-C it holds what was computed and says that it is not complete.

        Raises:
            InputError: a schedule that cannot be run.
            ConvergenceError: a step could not be taken; `trace` in its context keeps what was computed.
        """
        check_schedule(schedule)
        for number, step in enumerate(schedule, 1):
            self.lights.prepare(step, f"step {number}")
        rows: list[tuple[float, int, float, float, float, float, F64, float]] = []
        moments: list[Moment] = []
        count = {"steps": 0, "iterations": 0}
        now = start.copy()
        clock = 0.0
        complete = True
        try:
            for number, step in enumerate(schedule):
                for since, made, flux, generated in self._step(step, now, count):
                    time = clock + since
                    voltage, current = self._terminal(made, flux)
                    light = step.light_at(min(1.0, since / step.duration))
                    ions, even = self._ion_numbers(), self._constancy(made, flux, generated)
                    rows.append((time, number, voltage, current, light, generated, ions, even))
                    if not keep:
                        moments.clear()
                    moments.append(made)
                    now = made
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
            error.context["trace"] = self._trace(rows, moments, count, False)
            raise
        return self._trace(rows, moments, count, complete)

    def _ion_numbers(self) -> F64:
        return np.asarray((self.blocks.ion * self.device.volume).sum(axis=1))

    def _constancy(self, made: Moment, flux: float, generated: float) -> float:
        """Departure of the total current along x from the terminal one, over its allowance."""
        rate, history = self._step_taken
        junction = flux * Q * (-1.0 if self.device.anode_front else 1.0)
        return constancy_in_time(self.problem, self.motion, made, rate, history[3], generated, junction)

    def _generated(self, piece: Piece, time: float) -> float:
        """What all light generates at a time (s) of a piece, as a current, A m^-2."""
        return Q * float(piece.generation(time).sum())

    def _slope(self, made: Moment, generation: F64) -> float:
        """dI/dV at the terminals (S m^-2) at the end of the step that was solved last, by the voltage at its end."""
        rate, history = self._step_taken
        by_v: Any = k.march_slope
        flux = by_v(
            self.device, self.work, self.blocks, self.motion, made.psi, made.fn, made.fp, made.level, made.v,
            generation, self._held, rate, *history,
        )  # fmt: skip
        slope = float(flux) * Q * (-1.0 if self.device.anode_front else 1.0)
        vt, g, rs = self.problem.vt, self._leak, self._series
        return (slope - vt * g) / (vt * (1.0 + rs * g) - rs * slope)

    @staticmethod
    def _trace(rows: list[Any], moments: list[Moment], count: dict[str, int], complete: bool) -> Trace:
        columns = list(zip(*rows, strict=True)) if rows else [()] * 8
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
            steps=count["steps"],
            iterations=count["iterations"],
            complete=complete,
        )

    def _step(self, step: Step, start: Moment, count: dict[str, int]) -> Any:
        """Yield (time from its start, moment, flux, generated current) at the step's reported moments."""
        targets, control = step.moments().copy(), step.control
        targets[-1] = step.duration
        now, tracker, holds = start, None, 0
        if isinstance(control, MaximumPower):
            first = float(start.v[0]) * self.problem.vt if control.start is None else control.start
            tracker = _Tracker(control.perturbation, first)
        for piece in self.lights.pieces(step, None if tracker is None else targets):
            if tracker is not None:
                control = Voltage(tracker.voltage)
            if piece.flash is not None:
                now = self._flash(step, control, piece, now, count)
            here = targets[(targets > piece.begin) & (targets <= piece.end)]
            marks = here - piece.begin
            if here.size == 0 or here[-1] < piece.end:
                marks = np.append(marks, piece.length)
            size = min(_FIRST, _FIRST_PART * float(marks[0]))
            if step.first is not None:
                size = min(step.first, float(marks[0]))
            elif holds and piece.flash is None:
                size = piece.length * (_HOLD if holds < _EARLY else _LATER)
            run = self._piece(step, control, piece, now, marks, size, count)
            for number, (time, moment, flux) in enumerate(run):
                now = moment
                if number < here.size:
                    yield here[number], moment, flux, self._generated(piece, time)
                    if tracker is not None:
                        holds += 1
                        voltage, current = self._terminal(moment, flux)
                        tracker.observe(voltage * current)

    def _flash(
        self, step: Step, control: Control, piece: Piece, start: Moment, count: dict[str, int]
    ) -> Moment:
        """The cell after the carriers of a flash have appeared, all else as it was."""
        assert piece.flash is not None
        rate = 1.0 / _FLASH
        condition = self._condition(control, piece.begin / step.duration)
        for parts in (1, 8, 64):
            now, ok = start, True
            for _ in range(parts):
                self._refresh(now)
                one = self._past(0.0, now)
                history = tuple(
                    rate * getattr(one, name) for name in ("n", "p", "ion", "psi", "trap", "face")
                )
                trial = now.copy()
                ok, iterations, _ = self._solve(
                    trial, condition, rate * piece.flash / parts, rate, history, False
                )
                count["iterations"] += iterations
                if not ok:
                    break
                count["steps"] += 1
                trial.trap, trial.face = self._trap.copy(), self._face.copy()
                now = trial
            if ok:
                return now
        raise ConvergenceError(
            f'the carriers of a laser pulse could not be put into "{self.problem.stack.name}".',
            "Give the pulse a duration, or a smaller fluence.",
            voltage=float(start.v[0]) * self.problem.vt,
            state=start,
            stage="transient",
            time=piece.begin,
        )

    def _piece(
        self,
        step: Step,
        control: Control,
        piece: Piece,
        start: Moment,
        marks: F64,
        size: float,
        count: dict[str, int],
    ) -> Any:
        """Yield (time, moment, flux) at the marks of a piece, s from its beginning; `size`: of the first time step."""
        self._refresh(start)
        past = [self._past(0.0, start)]
        now, time = start, 0.0
        for target in (float(mark) for mark in marks):
            while time < target:
                left = target - time
                # land on the moment, without a last step that is much shorter than those before
                size = min(size, left) if size > 0.55 * left else size
                if size > 0.999999 * left:
                    size = left
                made, flux, grow, used = self._advance(step, control, piece, now, past, time, size, count)
                now = made
                at_corner = time == 0.0
                time = target if used == left else time + used
                # the potential may have jumped at the corner: what was before it is no past to difference with
                past = [self._past(time, now), *([] if at_corner else past[:2])]
                size = used if at_corner else used * grow
            yield time, now, flux

    def _advance(
        self,
        step: Step,
        control: Control,
        piece: Piece,
        now: Moment,
        past: list[_Past],
        time: float,
        size: float,
        count: dict[str, int],
    ) -> tuple[Moment, float, float, float]:
        """One accepted step of at most `size` s: the moment, the flux, by how much the next may grow, and its size."""
        # a float's digits limit how close two moments can be
        shortest = max(_RESOLUTION, 1e-12 * time)
        while True:
            moment, flux, error, iterations = self._attempt(step, control, piece, now, past, time, size)
            count["iterations"] += iterations
            if moment is not None and (error <= 1.0 or size <= shortest):
                count["steps"] += 1
                power = 1.0 / 3.0 if len(past) > 2 else 0.5
                grow = 3.0 if error < 1e-6 else min(0.9 * error**-power, 2.2)
                return moment, flux, max(grow, 0.3), size
            if moment is None:
                size *= 0.25
            else:
                size = max(size * max(0.9 * error ** (-1.0 / 3.0), 0.2), shortest)
            if size < 0.5 * shortest:
                raise ConvergenceError(
                    f'"{self.problem.stack.name}" could not be followed beyond {piece.begin + time:.4g} s into a '
                    "step: steps of "
                    f"{size:.1e} s still fail.",
                    "Soften the corner with a ramp, or start from a settled state nearer to it.",
                    voltage=float(now.v[0]) * self.problem.vt,
                    state=now,
                    stage="transient",
                    time=piece.begin + time,
                )

    def _attempt(
        self,
        step: Step,
        control: Control,
        piece: Piece,
        now: Moment,
        past: list[_Past],
        time: float,
        size: float,
    ) -> tuple[Moment | None, float, float, int]:
        """Try one step; returns the moment or None, the flux, the error over the tolerance, the iterations."""
        condition = self._condition(control, min(1.0, (piece.begin + time + size) / step.duration))
        generation = piece.generation(time + size)
        one = past[0]
        if len(past) == 1:
            rate, weights = 1.0 / size, [1.0 / size]
            guess = one.variables
        else:
            r = size / (past[0].time - past[1].time)
            rate = (1.0 + 2.0 * r) / ((1.0 + r) * size)
            weights = [(1.0 + r) / size, -r * r / ((1.0 + r) * size)]
            ahead = _weights(past, time + size)
            guess = np.sum([c * q.variables for c, q in zip(ahead, past, strict=True)], axis=0)
        history = tuple(
            np.sum([c * getattr(q, name) for c, q in zip(weights, past, strict=False)], axis=0)
            for name in ("n", "p", "ion", "psi", "trap", "face")
        )
        trial = self._guess(guess, now)
        ok, iterations, flux = self._solve(trial, condition, generation, rate, history, len(past) > 1)
        if not ok and len(past) > 1:
            # the polynomial may mislead where densities are next to nothing: once more from the last state itself
            trial = now.copy()
            ok, more, flux = self._solve(trial, condition, generation, rate, history, True)
            iterations += more
        if not ok:
            return None, flux, np.inf, iterations
        self._step_taken = (rate, history)
        trial.trap, trial.face = self._trap.copy(), self._face.copy()
        if len(past) == 1:
            # nothing to compare with: the step is short by construction
            return trial, flux, 0.5, iterations
        missed = self._error(trial, guess)
        for name in ("trap", "face"):
            if getattr(trial, name).size:
                foreseen = sum(c * getattr(q, name) for c, q in zip(ahead, past, strict=True))
                missed = max(missed, float(np.abs(getattr(trial, name) - foreseen).max()))
        if len(past) == 2:
            # a line as guess: what it misses is the second difference, more than this step's error
            return trial, flux, 0.3 * missed / self.tolerance, iterations
        h, h1, h2 = size, past[0].time - past[1].time, past[1].time - past[2].time
        r = h / h1
        own = (1.0 + r) ** 2 * h**3 / (6.0 * r * (1.0 + 2.0 * r))
        theirs = h * (h + h1) * (h + h1 + h2) / 6.0
        return trial, flux, own / (own + theirs) * missed / self.tolerance, iterations


def _weights(past: list[_Past], time: float) -> list[float]:
    """What each earlier time counts in the polynomial through them, taken at `time`."""
    times = [q.time for q in past]
    return [
        float(np.prod([(time - other) / (own - other) for j, other in enumerate(times) if j != i]))
        for i, own in enumerate(times)
    ]


__all__ = [
    "TOLERANCE", "Current", "Engine", "Load", "Moment", "OpenCircuit", "Step", "Trace", "Voltage", "all_moving",
    "motion_of",
]  # fmt: skip
