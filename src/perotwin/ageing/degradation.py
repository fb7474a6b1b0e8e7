"""A cell through the hours: slow states that mechanisms move, and an operating point that follows them.

    course = Run(cell, mechanisms, stretches).to_end()

The states are few (a share of domains, a count of traps, a share of bare face, a tin factor) and slow against ions
and carriers, so that the cell stands in the steady state of each moment: it is slaved to them. Domains live in
minutes beside traps that live in months, which is stiff: the states follow LSODA (A. C. Hindmarsh, L. R. Petzold,
Comput. Phys. 9, 34 and 148 (1995)). Each of its looks at the cell costs four points on the mesh that is there
(`operating_point`).

What slaving costs is how far ions lag behind: the time they need over the time of the change. It is looked at in
every step, first by a bound, then, where that is not enough, by holding the ions where they were (`lag`); above the
tolerance the run is refused. Cycles are followed one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.ageing import courses
from perotwin.ageing.conditions import MaximumPower, OpenCircuit, Stretch
from perotwin.ageing.mechanisms import Acting, Here
from perotwin.ageing.operating_point import Devices, Point
from perotwin.constants import epsilon_0 as VACUUM
from perotwin.errors import ConvergenceError, InputError
from perotwin.units import BOLTZMANN, ELEMENTARY_CHARGE

if TYPE_CHECKING:
    from perotwin.ageing.mechanisms import Mechanism
    from perotwin.recipe.sample import Sample
    from perotwin.stack import Cell

__all__ = ["LAG", "Course", "Run", "acting"]

F64 = NDArray[np.float64]

#: of the states in time: relative; and absolute, times this and each one's size
TOLERANCE = 1e-3
_ABSOLUTE = 10.0
#: of a state, and of its size, in differences
_DIFFERENCE, _SMALL = 5e-3, 1e-2
#: how far (part of the power) ions may lag behind
LAG = 5e-4
#: first step of a stretch, s, and as a part of it
_FIRST, _FIRST_PART = 10.0, 1e-2
#: moments of a course that are kept
_ROWS = 20_000
#: s, of a run; and how often one may go through a cycle
_LONGEST, _MOST = 1e9, 100_000


@dataclass(frozen=True)
class Course:
    """A cell through the hours, M moments.

    Attributes:
        time: (M,) s. power: (M,) W m^-2: tracked where the cell is tracked, else what it gives at maximum power in one
            sun; NaN in the dark. voltage, current: (M,) of the terminals (V, A m^-2).
        states: by mechanism ("top trap-growth"), (M,) of it. shown: by quantity, (M,) of what is reported.
        light: (M,) suns. energy: J m^-2 that was tracked. points: that were solved. optics: calculations of light.
            lag: largest part of the power by which ions lag behind. complete: whether the run came to its end.
        notes: what a reader must know.
    """

    time: F64
    power: F64
    voltage: F64
    current: F64
    states: dict[str, F64]
    shown: dict[str, F64]
    light: F64
    energy: float
    points: int
    optics: int
    lag: float
    complete: bool
    notes: tuple[str, ...] = ()

    @property
    def retained(self) -> F64:
        """(M,) power over that at the start."""
        lit = self.power[np.isfinite(self.power)]
        return np.asarray(self.power / lit[0])

    def at(self, seconds: float) -> float:
        """Power over that at the start at a moment (s); NaN beyond the run."""
        return courses.at(self.time, self.retained, seconds)


def acting(
    cell: Cell,
    mechanisms: Sequence[Mechanism],
    sample: Sample | None = None,
    temperature: float | None = None,
) -> tuple[list[Acting], list[str]]:
    """Mechanisms at work in the junctions of a cell, and what is to be said of those that are not.

    Each acts in every junction that it can act in. One that can act in none is refused.

    Args:
        cell: a stack or a tandem. mechanisms: of its ageing. sample: what the recipe of the cell left, where one is
            known.
        temperature: K; that of the cell unless given.

    Raises:
        InputError: a mechanism that can act in no junction, with the reason of the first one.
    """
    at = cell if temperature is None else cell.with_values({"temperature": temperature})
    found: list[Acting] = []
    notes: list[str] = []
    for one in mechanisms:
        reasons: dict[str, InputError] = {}
        for junction, stack in at.stacks.items():
            try:
                found.append(one.of(stack, sample, junction))
            except InputError as reason:
                reasons[junction] = reason
        if len(reasons) == len(at.stacks):
            first = next(iter(reasons.values()))
            raise InputError(f"{one.kind}: {first.message}", first.advice, key=first.key)
        notes += [f"no {one.kind} in {junction}: {reason.message}" for junction, reason in reasons.items()]
    return found, notes


@dataclass
class Run:
    """A cell on its way through stretches of conditions.

    Attributes:
        cell: fresh. mechanisms: that act on it. stretches: in order, one after another.
        rounds: how often they are gone through. sample: what the cell's recipe left.
        tolerance: of the states in time. lag: how far ions may lag behind; infinite asks for no look.
        checkpoint: a file that holds each accepted step, from which a run that was stopped goes on.
        each: called at each accepted moment with the time (s), for progress.
    """

    cell: Cell
    mechanisms: Sequence[Mechanism]
    stretches: Sequence[Stretch]
    rounds: int = 1
    sample: Sample | None = None
    tolerance: float = TOLERANCE
    lag: float = LAG
    checkpoint: Path | None = None
    each: Callable[[float], object] = lambda _: None
    _rows: list[list[float]] = field(init=False, default_factory=list)
    _worst: float = field(init=False, default=0.0)
    _energy: float = field(init=False, default=0.0)
    _written: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        length = self.rounds * sum(one.duration for one in self.stretches)
        if not self.stretches or not 1 <= self.rounds <= _MOST or length > _LONGEST:
            raise InputError(
                f"{self.rounds} rounds of {len(self.stretches)} stretches are no run.",
                f"Give 1 to {_MOST} rounds of one stretch or more, {_LONGEST / 3.156e7:.0f} years in all.",
                key="duration",
            )
        self.acting, self.notes = acting(self.cell, self.mechanisms, self.sample)
        self._by_temperature: dict[float, list[Acting]] = {}
        self.names = [f"{one.junction} {one.name}".strip() for one in self.acting]
        if len(set(self.names)) < len(self.names):
            raise InputError(
                f"a mechanism is named twice: {', '.join(self.names)}.", "Name each once.", key="mechanisms"
            )
        self._cycles_are_slow()

    def _cycles_are_slow(self) -> None:
        """Refuse stretches shorter than ions need.

        Raises:
            InputError: one is.
        """
        if not np.isfinite(self.lag):
            return
        need = ion_time(self.cell)
        short = min(one.duration for one in self.stretches)
        if short < need:
            raise InputError(
                f"a stretch of {short:.3g} s is shorter than the {need:.3g} s that the ions of "
                f'"{self.cell.name}" need to settle: its steady state says nothing there.',
                "Give longer stretches, or follow the ions themselves by power tracking in time.",
                key="cycle",
            )

    def at(self, temperature: float) -> list[Acting]:
        """The mechanisms at work at a temperature (K)."""
        if temperature not in self._by_temperature:
            self._by_temperature[temperature] = acting(self.cell, self.mechanisms, self.sample, temperature)[
                0
            ]
        return self._by_temperature[temperature]

    # --- the cell in a state -----------------------------------------------------------------------------------------

    def changes(self, state: F64, at: Sequence[Acting]) -> dict[str, tuple[str, float]]:
        """What becomes of the cell's numbers in a state."""
        made: dict[str, tuple[str, float]] = {}
        for one, value in zip(at, state, strict=True):
            for path, (how, number) in one.changes(float(value)).items():
                key = f"{one.junction}.{path}" if one.junction else path
                if key in made:
                    before = made[key]
                    if "to" in (how, before[0]) and how == before[0]:
                        raise InputError(
                            f"two mechanisms set {key}.", "Leave one of them out.", key="mechanisms"
                        )
                    # a factor on what another one set
                    made[key] = ("to" if "to" in (how, before[0]) else "times", before[1] * number)
                else:
                    made[key] = (how, number)
        return made

    def conditions(self, stretch: Stretch, state: F64, point: Point | None) -> dict[str, Here]:
        """Conditions by junction at an operating point, or in the dark without one: carriers of the parent phase."""
        at = self.at(stretch.temperature)
        found = {}
        for junction in self.cell.stacks:
            carriers = pairs = 0.0
            if point is not None:
                up, down = 1.0, 1.0
                for one, value in zip(at, state, strict=True):
                    if one.junction == junction:
                        more = one.thicker(float(value))
                        up, down = up * more[0], down * more[1]
                carriers = min(point.electrons[junction] / up, point.holes[junction] / down)
                pairs = point.pairs[junction]
            found[junction] = Here(stretch.light, stretch.temperature, carriers, pairs, stretch.atmosphere)
        return found

    def _rates(self, stretch: Stretch, state: F64, devices: Devices) -> F64:
        """(N,) d(state)/dt, s^-1."""
        at = self.at(stretch.temperature)
        point = None
        # in the dark without a voltage there are no carriers to speak of
        if stretch.light > 0.0 or not isinstance(stretch.bias, OpenCircuit | MaximumPower):
            point = devices.at(self.changes(state, at), stretch.light, stretch.bias, stretch.temperature)
        here = self.conditions(stretch, state, point)
        return np.array(
            [one.rate(float(value), here[one.junction]) for one, value in zip(at, state, strict=True)]
        )

    def _looked_at(self, stretch: Stretch, state: F64, devices: Devices) -> Point | None:
        """What a tester reads of the cell: its tracked power, or that of a curve in one sun now and then."""
        if isinstance(stretch.bias, MaximumPower) and stretch.light > 0.0:
            at = self.at(stretch.temperature)
            return devices.at(self.changes(state, at), stretch.light, stretch.bias, stretch.temperature)
        if all(isinstance(one.bias, MaximumPower) for one in self.stretches if one.light > 0.0) and any(
            one.light > 0.0 for one in self.stretches
        ):
            return None
        usual = float(self.cell.temperature)
        return devices.at(self.changes(state, self.at(usual)), 1.0, MaximumPower(), usual)

    # --- in time -----------------------------------------------------------------------------------------------------

    def to_end(self, devices: Devices | None = None) -> Course:
        """Go through all stretches; a run that was stopped before goes on from its checkpoint.

        Args:
            devices: of the cell, open; own ones unless given.

        Raises:
            ConvergenceError: the cell could not be solved, or its ions lag too far behind.
            InputError: the checkpoint is that of another run.
        """
        if devices is None:
            with Devices(self.cell) as own:
                return self.to_end(own)
        sizes = np.array([one.size for one in self.acting])
        state = np.array([one.start for one in self.acting])
        total = self.rounds * len(self.stretches)
        begun, since, clock = self._resumed(state)
        complete = True
        try:
            if not self._rows:
                first = self.stretches[0]
                self._note(0.0, 0, first, state, self._looked_at(first, state, devices))
            for number in range(begun, total):
                stretch = self.stretches[number % len(self.stretches)]
                state = self._through(stretch, number, clock, since, state, sizes, devices)
                clock, since = clock + stretch.duration, 0.0
        except KeyboardInterrupt:
            # what there is is told, and a checkpoint goes on from it
            if not self._rows:
                raise
            complete = False
        return self._course(complete, devices)

    def shares(self, course: Course, devices: Devices, count: int = 25) -> tuple[F64, dict[str, F64]]:
        """How much of the loss of power is each mechanism's, at some moments.

        A mechanism's share is the mean of what it does alone and of what is spared without it, all scaled to the loss:
        losses of several do not add up by themselves.

        Returns:
            (K,) moments (s) and by mechanism (K,) parts of the first power.
        """
        good = np.flatnonzero(np.isfinite(course.power))
        # most happens early
        wanted = course.time[good[-1]] * np.linspace(0.0, 1.0, count) ** 2
        moments = good[np.unique(np.searchsorted(course.time[good], wanted).clip(0, good.size - 1))]
        start = np.array([one.start for one in self.acting])
        first = float(course.power[good[0]])
        lit = [one for one in self.stretches if isinstance(one.bias, MaximumPower) and one.light > 0.0]
        stretch = lit[0] if lit else Stretch(1.0, temperature=float(self.cell.temperature))
        found: dict[str, list[float]] = {name: [] for name in self.names}

        def power(state: F64) -> float:
            at = self.at(stretch.temperature)
            changes = self.changes(state, at)
            return devices.at(changes, stretch.light, stretch.bias, stretch.temperature).power

        whole = power(start)
        for moment in moments:
            now = np.array([course.states[name][moment] for name in self.names])
            lost = 1.0 - power(now) / whole
            parts = []
            for number in range(now.size):
                alone, without = start.copy(), now.copy()
                alone[number], without[number] = now[number], start[number]
                parts.append(0.5 * ((1.0 - power(alone) / whole) + (power(without) / whole - (1.0 - lost))))
            total = sum(parts)
            scale = (1.0 - float(course.power[moment]) / first) / total if abs(total) > 1e-9 else 0.0
            for name, part in zip(self.names, parts, strict=True):
                found[name].append(part * scale)
        return course.time[moments], {name: np.array(values) for name, values in found.items()}

    def _through(
        self,
        stretch: Stretch,
        number: int,
        clock: float,
        since: float,
        state: F64,
        sizes: F64,
        devices: Devices,
    ) -> F64:
        """The states at the end of a stretch, each accepted step noted."""
        from scipy.integrate import LSODA

        if not state.size:
            point = self._looked_at(stretch, state, devices)
            self._note(clock + stretch.duration, number + 1, stretch, state, point)
            return state

        last: dict[bytes, F64] = {}

        def rates(_: float, y: F64) -> F64:
            """Those of the last state are kept: LSODA asks for its slopes where it has just asked for its rates."""
            key = y.tobytes()
            if key not in last:
                made = self._rates(stretch, y, devices)
                last.clear()
                last[key] = made
            return last[key].copy()

        def slopes(_: float, y: F64) -> F64:
            """Differences over steps that are large against what maximum power is met to."""
            here = rates(_, y)
            made = np.empty((y.size, y.size))
            for number in range(y.size):
                step = max(_DIFFERENCE * abs(float(y[number])), _SMALL * float(sizes[number]))
                beside = y.copy()
                beside[number] += step
                made[:, number] = (self._rates(stretch, beside, devices) - here) / step
            return made

        following = LSODA(
            rates, since, state, stretch.duration, rtol=self.tolerance, atol=_ABSOLUTE * self.tolerance * sizes,
            jac=slopes, first_step=min(_FIRST, _FIRST_PART * stretch.duration, stretch.duration - since),
        )  # fmt: skip
        before, then = state, since
        # what was read last belongs to this stretch where that is the first one, or has just been resumed
        looked = self._rows[-1][1] if since > 0.0 or len(self._rows) == 1 else np.nan
        while following.status == "running":
            message = following.step()
            if following.status == "failed":
                raise ConvergenceError(
                    f'"{self.cell.name}" could not be followed through the hours: {message}',
                    "Look at the rates for a value far out of the ordinary.",
                    stage="ageing",
                )
            state = np.array(following.y)
            done = following.status == "finished"
            point = self._looked_at(stretch, state, devices)
            if point is not None:
                step = float(following.t - then)
                if np.isfinite(self.lag):
                    self._look_at_ions(stretch, before, state, step, looked, point, devices)
                if np.isfinite(looked) and isinstance(stretch.bias, MaximumPower) and stretch.light > 0.0:
                    self._energy += 0.5 * (looked + point.power) * step
                looked = point.power
            self._note(clock + following.t, number + done, stretch, state, point)
            before, then = state, float(following.t)
        return state

    def _note(self, time: float, number: int, stretch: Stretch, state: F64, point: Point | None) -> None:
        """Keep an accepted moment, and let it count in the checkpoint."""
        read = (np.nan,) * 3 if point is None else (point.power, point.voltage, point.current)
        self._rows.append([time, *read, stretch.light, float(number), *map(float, state)])
        if len(self._rows) > _ROWS:
            # a longer run is told with fewer moments
            self._rows = [*self._rows[:-1:2], self._rows[-1]]
        if self.checkpoint is not None:
            self._write()
        self.each(time)

    def _course(self, complete: bool, devices: Devices) -> Course:
        table = np.array(self._rows)
        states = {name: table[:, 6 + k] for k, name in enumerate(self.names)}
        shown = {}
        for one, name in zip(self.acting, self.names, strict=True):
            quantity, of = one.shown
            label = quantity if not one.junction else f"{quantity}, {one.junction}"
            shown[label] = np.array([of(float(value)) for value in states[name]])
        return Course(
            table[:, 0], table[:, 1], table[:, 2], table[:, 3], states, shown, table[:, 4], self._energy,
            devices.solved, devices.optics, self._worst, complete, tuple(self.notes),
        )  # fmt: skip

    # --- ions --------------------------------------------------------------------------------------------------------

    def _look_at_ions(
        self,
        stretch: Stretch,
        before: F64,
        state: F64,
        step: float,
        power: float,
        point: Point,
        devices: Devices,
    ) -> None:
        """Note how far ions lag behind in a step, as a part of the power.

        Raises:
            ConvergenceError: farther than is allowed.
        """
        need = ion_time(self.cell, stretch.temperature)
        part = min(need / step, 1.0)
        # all of the change of the power in the time that ions need: they can lag by no more than about that
        found = part * abs(power / point.power - 1.0) if np.isfinite(power) and point.power > 0.0 else 0.0
        if found > self.lag:
            found = part * lag(self.changes(before, self.at(stretch.temperature)), point, stretch, devices)
        self._worst = max(self._worst, found)
        if found > self.lag:
            raise ConvergenceError(
                f'the ions of "{self.cell.name}" need {need:.3g} s and lag behind a cell that changes as fast as this: '
                f"its power would be wrong by {found:.2g}, more than {self.lag:.2g}.",
                "Slower rates, or follow ions and states together (ageing.resolved).",
                stage="ageing",
            )

    # --- checkpoints -------------------------------------------------------------------------------------------------

    @cached_property
    def _mark(self) -> str:
        """What tells this run from others."""
        import hashlib

        kinds = [one.model_dump_json() for one in self.mechanisms]
        stretches = [repr(one) for one in self.stretches]
        text = json.dumps([self.cell.to_toml(), kinds, stretches, self.rounds, self.tolerance])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def _table(self) -> Path:
        """The rows of all accepted steps, beside the checkpoint that counts them."""
        assert self.checkpoint is not None
        return self.checkpoint.with_suffix(".rows")

    def _write(self) -> None:
        """Append the last row, then say in one step that it counts: what a killed run leaves is whole."""
        from perotwin.measurement import write_text

        assert self.checkpoint is not None
        with self._table.open("a" if self._written else "w", encoding="utf-8") as file:
            file.write(json.dumps(self._rows[-1]) + "\n")
        self._written += 1
        state = {"run": self._mark, "rows": self._written, "lag": self._worst, "energy": self._energy}
        write_text(self.checkpoint, json.dumps(state))

    def forget(self) -> None:
        """Remove the checkpoint of a run that came to its end."""
        if self.checkpoint is not None:
            self._table.unlink(missing_ok=True)
            self.checkpoint.unlink(missing_ok=True)

    def _resumed(self, state: F64) -> tuple[int, float, float]:
        """Number of the stretch to go on with, s into it, and s before it; `state` is set in place."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return 0, 0.0, 0.0
        kept = json.loads(self.checkpoint.read_text(encoding="utf-8"))
        if kept.get("run") != self._mark:
            raise InputError(
                f'"{self.checkpoint.name}" is what another run left: cell, rates or conditions differ.',
                "Remove it, or name another folder.",
                file=str(self.checkpoint),
            )
        lines = self._table.read_text(encoding="utf-8").splitlines()[: int(kept["rows"])]
        self._rows = [[np.nan if one is None else one for one in json.loads(line)] for line in lines]
        self._worst, self._energy = float(kept["lag"]), float(kept["energy"])
        if not self._rows:
            return 0, 0.0, 0.0
        # what was begun after the last row that counts is written again
        self._table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._written = len(lines)
        last = self._rows[-1]
        state[:] = last[6:]
        number = int(last[5])
        durations = [self.stretches[k % len(self.stretches)].duration for k in range(number)]
        clock = float(sum(durations))
        return number, max(last[0] - clock, 0.0), clock


def ion_time(cell: Cell, temperature: float | None = None) -> float:
    """Seconds that the slowest ions of a cell need to settle; 0 without ions.

    The shorter of the time in which they cross their layer, L^2 / (pi^2 D), and of that in which they charge its edges,
    L l / (2 D) with their Debye length l (M. Z. Bazant et al., Phys. Rev. E 70, 021506 (2004),
    doi:10.1103/PhysRevE.70.021506).
    """
    at = float(cell.temperature) if temperature is None else temperature
    found = 0.0
    for stack in cell.stacks.values():
        for layer in stack.electrical_layers:
            ions, e = layer.ions, layer.electronic
            if ions is None or e is None or not float(ions.density) > 0.0 or ions.response.kind != "steady":
                continue
            warm = np.exp(-float(ions.activation_energy or 0.0) / BOLTZMANN * (1.0 / at - 1.0 / 298.15))
            speed = float(ions.diffusion_coefficient) * warm
            length, charge = float(layer.thickness), ELEMENTARY_CHARGE * float(ions.density)
            debye = np.sqrt(float(e.permittivity) * VACUUM * BOLTZMANN * at / charge)
            found = max(found, min(length**2 / np.pi**2, 0.5 * length * debye) / speed)
    return float(found)


def lag(before: dict[str, tuple[str, float]], point: Point, stretch: Stretch, devices: Devices) -> float:
    """Part of the current that a cell would miss if its ions were still where they settled before a step.

    Args:
        before: changes of the cell at the beginning of the step. point: the settled cell at its end.
        stretch: conditions of both. devices: of the cell.

    Raises:
        ConvergenceError: the cell could not be solved.
    """
    was = devices.at(before, stretch.light, stretch.bias, stretch.temperature)
    held = devices.held_as(was, point, stretch.light)
    return abs(held / point.current - 1.0) if point.current else 0.0
