"""Two junctions in series: one current through both, and their voltages add.

Between the terminals of a `stack.Tandem` whose junctions meet at a plane of equilibrium nothing couples them but that
current, and the light that the top junction emits into the bottom one. Both are solved together, by one Newton
iteration with the two junction voltages as unknowns besides. Every junction has its own shunt across it; series
resistances, those of the leads and of the plane, are in series with both.

    problem = build(tandem)
    states = TandemSolver(problem).sweep([0.0, 1.5], 1.0)
    states.junction_voltages["top"]        # V at each of the points
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import ConvergenceError
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem
from perotwin.transport.device import Work, make_work
from perotwin.transport.response import leak, response
from perotwin.transport.steady import FINEST, LONGEST, TOLERANCE, Solver, State, States

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.optics import Absorption, Emission
    from perotwin.optics.tandem import Parts
    from perotwin.stack import Tandem
    from perotwin.transport.series_small_signal import TandemLinearised

F64 = NDArray[np.float64]

_NAMES = ("top", "bottom")
_ITERATIONS = 40
#: steps of a junction's voltage (V) on the way to its open circuit
_CLIMB = 0.1


@dataclass(frozen=True)
class Coupling:
    """Light of the top junction that makes pairs in the bottom one.

    Attributes:
        share: pairs in the bottom absorber per net radiative event in the top one.
        emitter: index of the top's emitting layer among its electrical layers.
        profile: (S,) part of those pairs in each site of the bottom junction.
    """

    share: float
    emitter: int
    profile: F64


def _told(optics: Parts) -> list[Absorption | Emission]:
    """What the optics of the whole found."""
    return [found for found in (optics.whole, optics.emission) if found is not None]


def left_out(optics: Parts) -> tuple[str, ...]:
    """A sentence for light of the bottom junction that the top would take: where the wider gap lies behind."""
    return tuple(
        f"of the light that the bottom junction emits, {one.share:.3g} would make pairs in the top; it is left out: "
        "only light of the top in the bottom is followed."
        for one in optics.coupling
        if one.junctions == ("bottom", "top")
    )


@dataclass(frozen=True)
class TandemProblem:
    """Two junctions made ready to be solved in series.

    Attributes:
        stack: the cell.
        junctions: top and bottom; what is generated in them at 1 sun is what the whole cell's optics give.
        optics: of the whole cell.
        resistance: ohm m^2, all that is in series with both.
        coupling: light of the top that the bottom absorbs; None where that is none.
    """

    stack: Tandem
    junctions: tuple[Problem, Problem]
    optics: Parts
    resistance: float
    coupling: Coupling | None

    @property
    def absorption(self) -> Absorption | None:
        """Of the whole cell; None where no light was asked for."""
        return self.optics.whole

    @property
    def parts(self) -> tuple[Problem, ...]:
        """The junctions."""
        return self.junctions

    @property
    def shown(self) -> Problem:
        """The junction that limits the current at short circuit."""
        return self.junctions[int(np.argmin([one.photocurrent for one in self.junctions]))]

    @property
    def shown_as(self) -> str:
        """Nothing, for fields along x are those of both junctions."""
        return ""

    @property
    def vt(self) -> float:
        """kT/q, V."""
        return self.junctions[0].vt

    @property
    def checks(self) -> Checks:
        """Checks of the light of the whole cell."""
        return {name: row for found in _told(self.optics) for name, row in found.checks.items()}

    @property
    def photocurrent(self) -> float:
        """Pairs generated at 1 sun in the junction that has fewer, as a current (A m^-2)."""
        return min(one.photocurrent for one in self.junctions)

    @property
    def ions_settle(self) -> bool:
        """Whether there are ions that re-equilibrate at each point."""
        return any(one.ions_settle for one in self.junctions)

    @property
    def geometric_capacitance(self) -> float:
        """Of both junctions in series, F m^-2."""
        return float(1.0 / sum(1.0 / one.geometric_capacitance for one in self.junctions))

    @property
    def highest_voltage(self) -> float:
        """The sum of the junctions', V."""
        return sum(one.highest_voltage for one in self.junctions)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Remarks that a reader of the result must see; those of one junction name it."""
        notes = [note for found in _told(self.optics) for note in found.notes]
        notes = list(dict.fromkeys((*notes, *left_out(self.optics))))
        for name, problem in zip(_NAMES, self.junctions, strict=True):
            for note in problem.notes:
                shared = all(note in other.notes for other in self.junctions)
                words = note if shared else f"{name}: {note}"
                if words not in notes:
                    notes.append(words)
        return tuple(notes)


@dataclass(frozen=True)
class TandemState:
    """One steady state of both junctions at a terminal voltage (V)."""

    voltage: float
    junctions: tuple[State, State]


@dataclass(frozen=True)
class TandemStates:
    """Steady states of both junctions along K terminal voltages; see `steady.States`.

    Attributes:
        problem: what was solved.
        voltage: (K,) at the terminals, V.
        junctions: states of the top and of the bottom junction.
    """

    problem: TandemProblem
    voltage: F64
    junctions: tuple[States, States]

    @property
    def parts(self) -> tuple[States, ...]:
        """The states of the junctions."""
        return self.junctions

    @property
    def inside(self) -> dict[str, States]:
        """What the fields along x are those of: both junctions, front first."""
        return dict(zip(_NAMES, self.junctions, strict=True))

    @property
    def shown(self) -> States:
        """The states of the junction that limits the current at short circuit."""
        return self.junctions[self.problem.junctions.index(self.problem.shown)]

    @property
    def intensity(self) -> float:
        """Suns."""
        return self.junctions[0].intensity

    @cached_property
    def current(self) -> F64:
        """(K,) A m^-2; NaN where not converged."""
        return np.asarray(0.5 * (self.junctions[0].current + self.junctions[1].current))

    @property
    def junction_voltage(self) -> F64:
        """(K,) sum of the junctions' voltages, V."""
        return np.asarray(self.junctions[0].junction_voltage + self.junctions[1].junction_voltage)

    @property
    def junction_voltages(self) -> dict[str, F64]:
        """(K,) V of each junction, and what is lost "between": in all that is in series with them."""
        found = {
            name: states.junction_voltage for name, states in zip(_NAMES, self.junctions, strict=True)
        }
        return found | {"between": self.problem.resistance * self.current}

    @property
    def converged(self) -> NDArray[np.bool_]:
        """(K,) bool."""
        return self.junctions[0].converged

    @property
    def iterations(self) -> NDArray[np.int64]:
        """(K,) Newton iterations of both together."""
        return self.junctions[0].iterations

    def losses(self) -> dict[str, F64]:
        """(K,) A m^-2 by the junction's name and the channel's."""
        return {
            f"{name} {channel}": values
            for name, states in zip(_NAMES, self.junctions, strict=True)
            for channel, values in states.losses().items()
        }

    def joined(self, others: Sequence[TandemStates]) -> TandemStates:
        """These points and those of others of the same problem under the same light, one after another."""
        parts = (self, *others)
        top, bottom = (
            first.joined(rest) for first, *rest in zip(*(part.junctions for part in parts), strict=True)
        )
        return TandemStates(self.problem, np.concatenate([part.voltage for part in parts]), (top, bottom))

    def pick(self, index: ArrayLike) -> TandemStates:
        """Some of the points, in the order of `index`."""
        top, bottom = (states.pick(index) for states in self.junctions)
        return TandemStates(self.problem, self.voltage[np.asarray(index, dtype=int)], (top, bottom))

    def state(self, index: int) -> TandemState:
        """The state of one point, to start from."""
        top, bottom = (states.state(index) for states in self.junctions)
        return TandemState(float(self.voltage[index]), (top, bottom))


class _Layout:
    """Both junctions' states as one row of numbers, so that a guess is one line of arithmetic.

    Potential, levels and activities of each junction, one after the other, then both voltages.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.nodes = [problem.device.x.size for problem in problems]
        self.species = [problem.device.ion.shape[0] for problem in problems]
        self.width = sum(5 * n + i for n, i in zip(self.nodes, self.species, strict=True)) + 2

    def views(self, row: F64) -> tuple[tuple[F64, ...], ...]:
        """psi, fn, fp and mu of both junctions, and v, as parts of a row; (K, width) gives parts of K rows."""
        psi, fn, fp, mu = [], [], [], []
        at = 0
        for n, i in zip(self.nodes, self.species, strict=True):
            psi.append(row[..., at : at + n])
            fn.append(row[..., at + n : at + 3 * n].reshape(*row.shape[:-1], 2, n))
            fp.append(row[..., at + 3 * n : at + 5 * n].reshape(*row.shape[:-1], 2, n))
            mu.append(row[..., at + 5 * n : at + 5 * n + i])
            at += 5 * n + i
        return tuple(psi), tuple(fn), tuple(fp), tuple(mu), (row[..., at:],)

    def row(self, states: Sequence[State]) -> F64:
        """The row of two states."""
        parts = [
            np.concatenate((one.psi, one.fn.ravel(), one.fp.ravel(), one.mu)) for one in states
        ]
        return np.concatenate((*parts, *(one.v for one in states)))

    def predicted(self, past: list[tuple[float, F64]], aim: float) -> F64:
        """The row at a control value: the last one, or the line or parabola through the last ones (newest first)."""
        if len(past) == 1:
            return past[0][1].copy()
        x = [at for at, _ in past]
        weights = [
            math.prod((aim - other) / (at - other) for j, other in enumerate(x) if j != i)
            for i, at in enumerate(x)
        ]
        row = weights[0] * past[0][1]
        for weight, (_, known) in zip(weights[1:], past[1:], strict=True):
            row += weight * known
        # the small parts of the levels belong to one state only
        _, fn, fp, _, _ = self.views(row)
        for level in (*fn, *fp):
            level[1] = 0.0
        return row


@dataclass
class TandemSolver:
    """Solves two junctions in series; see `steady.Solver`.

    Attributes:
        problem: from `cell.build`.
        junctions: solvers of the junctions by themselves.
    """

    problem: TandemProblem
    tolerance: float = TOLERANCE
    junctions: tuple[Solver, Solver] = field(init=False)
    work: tuple[Work, Work] = field(init=False)

    def __post_init__(self) -> None:
        top, bottom = self.problem.junctions
        self.junctions = (Solver(top), Solver(bottom))
        first, second = (
            make_work(one.device, columns=k.LINEAR_COLUMNS + one.device.ion.shape[0])
            for one in self.problem.junctions
        )
        self.work = (first, second)
        self._devices = (top.device, bottom.device)
        self._held = tuple(one.frozen_charge for one in self.junctions)
        self._leak = np.array([leak(one) for one in self.problem.junctions])
        self._layout = _Layout(self.problem.junctions)
        coupling = self.problem.coupling
        self._share = 0.0 if coupling is None else coupling.share
        self._emitter = 0 if coupling is None else coupling.emitter
        self._profile = np.zeros(0) if coupling is None else coupling.profile

    # --- the equations -----------------------------------------------------------------------------------------------

    def _newton(
        self, row: F64, intensity: float, a: float, b: float, c: float, iterations: int = _ITERATIONS
    ) -> tuple[bool, int, float, float, F64]:
        """Solve a (V1 + V2) + b J = c from a row, in place.

        Returns:
            Whether it converged, iterations, the last step, pairs that the top's light makes in the bottom (m^-2 s^-1)
            and the slopes of both currents by their own voltages and of the bottom's by the top's (A m^-2 per kT/q).
        """
        psi, fn, fp, mu, (v,) = self._layout.views(row)
        coupled, slopes = np.zeros(1), np.zeros(3)
        lit = tuple(intensity * one.generation for one in self.problem.junctions)
        status, count, size, _ = k.series_newton(
            self._devices, self.work, psi, fn, fp, v, lit, self._held, mu, self._leak, self._share, self._emitter,
            self._profile, a, b, c, coupled, slopes, iterations, self.tolerance, LONGEST,
        )  # fmt: skip
        return status == k.CONVERGED, count, float(size), float(coupled[0]), slopes

    def _at_open_circuit(self, intensity: float) -> F64:
        """Both junctions at their own open circuits: the state of the pair that others are reached from.

        Raises:
            ConvergenceError: a junction's was not found.
        """
        return self._layout.row([_open(solver, intensity) for solver in self.junctions])

    def sweep(
        self, voltage: ArrayLike, intensity: float, start: TandemState | None = None
    ) -> TandemStates:
        """Steady states at a list of terminal voltages (V), each starting from the one before.

        A point that cannot be reached is recorded as not converged (current NaN), and the sweep goes on.

        Raises:
            ConvergenceError: not even open circuit was found, where no start is given.
        """
        targets = np.atleast_1d(np.asarray(voltage, dtype=float))
        return self._follow(targets, intensity, start, self.problem.resistance)

    def _follow(
        self, targets: F64, intensity: float, start: TandemState | None, resistance: float
    ) -> TandemStates:
        if start is None:
            row = self._at_open_circuit(intensity)
            here = self.problem.vt * float(row[-2:].sum())
            self._newton(row, intensity, 0.0, 1.0, 0.0)
            here = self.problem.vt * float(row[-2:].sum())
        else:
            row, here = self._layout.row(start.junctions), start.voltage
        rows = np.empty((targets.size, self._layout.width))
        coupled = np.zeros(targets.size)
        reached, iterations = np.zeros(targets.size, dtype=bool), np.zeros(targets.size, dtype=np.int64)
        past = [(here, row)]
        for number, goal in enumerate(targets):
            reached[number], iterations[number], coupled[number] = self._reach(
                past, float(goal), intensity, -resistance
            )
            rows[number] = past[0][1]
        return self._collected(targets, intensity, rows, coupled, reached, iterations)

    def _reach(
        self, past: list[tuple[float, F64]], goal: float, intensity: float, b: float
    ) -> tuple[bool, int, float]:
        """Add the state at a terminal voltage to the past ones, by as many steps as it takes.

        Returns:
            Whether it was reached, iterations, and the pairs that the top's light makes in the bottom, m^-2 s^-1.
        """
        count = 0
        fraction = 1.0
        here = past[0][0]
        while True:
            aim = goal if fraction >= 1.0 else here + fraction * (goal - here)
            known = [one for one in past if one[0] != aim] or past[:1]
            for guess in (known, past[:1]):
                row = self._layout.predicted(guess if aim != past[0][0] else past[:1], aim)
                good, its, _, light, _ = self._newton(row, intensity, 1.0, b, aim)
                count += its
                if good:
                    break
            if good:
                past[:] = [(aim, row), *(one for one in past if one[0] != aim)][:4]
                if aim == goal:
                    return True, count, light
                left = (goal - aim) / (goal - here)
                here, fraction = aim, min(1.0, 2.0 * fraction / left)
            else:
                fraction *= 0.25
                if fraction < FINEST:
                    return False, count, 0.0

    def _collected(
        self,
        voltage: F64,
        intensity: float,
        rows: F64,
        coupled: F64,
        converged: NDArray[np.bool_],
        iterations: NDArray[np.int64],
    ) -> TandemStates:
        psi, fn, fp, mu, (v,) = self._layout.views(rows)
        found = []
        for d, solver in enumerate(self.junctions):
            extra = None
            if d == 1 and self._profile.size:
                extra = coupled[:, None] * self._profile
            one_v = np.ascontiguousarray(v[:, d])
            states = solver.collect(
                one_v * self.problem.vt, intensity, intensity * solver.problem.generation,
                np.ascontiguousarray(psi[d]), np.ascontiguousarray(fn[d]), np.ascontiguousarray(fp[d]), one_v,
                np.ascontiguousarray(mu[d]), converged, iterations, extra,
            )  # fmt: skip
            found.append(states)
        return TandemStates(self.problem, voltage, (found[0], found[1]))

    def open_circuit(self, near: TandemState, intensity: float) -> TandemStates:
        """The state at which no current leaves the cell, from a nearby one.

        Raises:
            ConvergenceError: it was not found.
        """
        row = self._layout.row(near.junctions)
        good, count, size, light, _ = self._newton(row, intensity, 0.0, 1.0, 0.0, 80)
        if not good:
            raise ConvergenceError(
                f'open circuit of "{self.problem.stack.name}" was not found from {near.voltage:.4g} V.',
                "Look at perotwin jv of each junction by itself.",
                voltage=near.voltage,
                state=near,
                residual_history=[size],
                stage="open circuit",
            )
        voltage = np.array([self.problem.vt * row[-2:].sum()])
        return self._collected(
            voltage, intensity, row[None], np.array([light]), np.array([True]), np.array([count])
        )

    def loaded(self, load: float, intensity: float) -> TandemStates:
        """The state with a resistor (ohm m^2) across the terminals; not converged where it cannot be reached.

        Raises:
            ConvergenceError: open circuit was not found.
        """
        found = self._follow(np.zeros(1), intensity, None, self.problem.resistance + load)
        return TandemStates(self.problem, load * found.current, found.junctions)

    # --- small changes -----------------------------------------------------------------------------------------------

    def slope(self, state: TandemState, intensity: float) -> float:
        """dJ/dV at the terminals, S m^-2, of the steady curve through a state under `intensity` suns; exact."""
        row = self._layout.row(state.junctions)
        *_, slopes = self._newton(row, intensity, 1.0, -self.problem.resistance, state.voltage, 1)
        return float(1.0 / self._per_current(*slopes))

    def _per_current(self, top: float, bottom: float, across: float) -> float:
        """dV/dJ of the pair (ohm m^2), from the slopes of the currents by each junction's voltage (A m^-2 per kT/q).

        across: of the bottom's current by the top's voltage.
        """
        by_top = self.problem.vt / top
        return by_top + self.problem.vt / bottom * (1.0 - across / top) - self.problem.resistance

    def _changes(self, state: TandemState, intensity: float, sources: Sequence[F64]) -> F64:
        """(Q,) change of the current, A m^-2, per extra generation, at a held terminal voltage and with ions held.

        sources: (Q, S) pairs in each site of the top and of the bottom junction, m^-2 s^-1.
        """
        top_state, bottom_state = state.junctions
        top, bottom = self.junctions
        vt, share = self.problem.vt, self._share
        first = response(top, top_state, intensity, sources[0], emitter=self._emitter)
        light = share * k.radiated(
            top.problem.device, self.work[0], self._emitter, top_state.psi, top_state.fn, top_state.fp,
            float(top_state.v[0]),
        )  # fmt: skip
        profile = self._profile if self._profile.size else np.zeros(bottom.problem.generation.size)
        coupled = light * profile
        given = np.concatenate((sources[1], profile[None]))
        second = response(bottom, bottom_state, intensity, given, coupled=coupled)
        by_light = share * float(second.current[-1])
        # per change J of the current: x = (J - i1) / s1 in the top; y = (J - i2 - m (g + h x)) / s2 in the bottom
        x = -first.current / first.slope
        y = -(second.current[:-1] + by_light * (first.glow + first.glow_slope * x)) / second.slope
        across = by_light * first.glow_slope
        return np.asarray(-vt * (x + y) / self._per_current(first.slope, second.slope, across))

    def light_response(self, state: TandemState, intensity: float) -> float:
        """dJ per sun of extra light, A m^-2, at a fixed terminal voltage and with ions held; exact."""
        sources = [one.generation[None] for one in self.problem.junctions]
        return float(self._changes(state, intensity, sources)[0])

    def spectral_response(self, state: TandemState, intensity: float) -> F64:
        """(W,) dJ per extra photon of each wavelength of the problem's absorption, C; as `light_response`."""
        return self._changes(state, intensity, [one.absorption.spectral for one in self.problem.junctions])

    def linearised(
        self, state: TandemState, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> TandemLinearised:
        """Small signals about a state under `light` suns."""
        from perotwin.transport.series_small_signal import TandemLinearised

        return TandemLinearised(self, state, light, ions)


def _open(solver: Solver, intensity: float) -> State:
    """A junction's own open circuit: straight from short circuit, or by steps where that does not arrive.

    Raises:
        ConvergenceError: it was not found.
    """
    state = solver.short_circuit(intensity)
    try:
        return solver.open_circuit(state, intensity).state(0)
    except ConvergenceError:
        found = solver.sweep(np.arange(_CLIMB, solver.problem.highest_voltage, _CLIMB), intensity, state)
        given = np.flatnonzero(found.converged & (found.current > 0.0))
        near = found.state(int(given[-1])) if given.size else state
        return solver.open_circuit(near, intensity).state(0)
