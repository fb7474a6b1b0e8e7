"""Exact sensitivities of runs in time: how currents, voltages and light follow any number of a cell, step by step.

    engine = Engine(build(cell))
    follows = FollowingInTime(engine, ["perovskite.lifetime", "perovskite.ions.diffusion_coefficient"])
    start = engine.settled(0.0, 0.0)
    course = follows.course(start, 0.0)
    trace = engine.run(schedule, start, companion=course)
    course.current                   # (T, P) dJ/dp at the trace's moments, A m^-2 per unit of each field (SI, eV)

The implicit steps are differentiated as they were taken: their sizes, the mesh and the corners stay where they are, so
that this is the derivative of what the run computes, not of what it approximates. Each step is one more elimination of
its own equations with a right-hand side a field (`kernels.tangent`). What a tracker of maximum power chose stays too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.optics.grids import same_grids
from perotwin.transport import device as dv
from perotwin.transport.device import Traps, lay_out, make_blocks, make_work, stored_width
from perotwin.transport.implicit_steps import Past, Solved
from perotwin.transport.kernels.circuit import make_answer, make_linear
from perotwin.transport.kernels.implicit_step import Difference
from perotwin.transport.kernels.numbers import numbers_at, numbers_of, places_of
from perotwin.transport.kernels.rows import stored_in
from perotwin.transport.kernels.slopes import make_into
from perotwin.transport.kernels.tangent import follow_step
from perotwin.transport.light import Beam, LaserPulse, Lights, Piece
from perotwin.transport.mobile_ions import in_motion
from perotwin.transport.schedule import Control, Voltage
from perotwin.transport.sensitivity import Fields

if TYPE_CHECKING:
    from perotwin.transport.problem import Problem
    from perotwin.transport.schedule import Step
    from perotwin.transport.time_series import Moment
    from perotwin.transport.transient import Engine

__all__ = ["Course", "FollowingInTime", "Knob"]

F64 = NDArray[np.float64]

#: what a settled state is taken for: the end of a step of this rate (1/s) with ions of this diffusion coefficient
#: (m^2/s), in which nothing moves any more; of quicker ions the rounding of their levels would be a current
_AT_REST, _QUICK = 1e-36, 1e-16


@dataclass(frozen=True)
class Knob:
    """A number of the measurement rather than of the cell; derivatives are by its logarithm.

    Attributes:
        light: by what part all light rises with it. pulses: those of lasers besides.
        duration: by number of a schedule's step, from 0 on, by what part all of the step takes longer with it.
    """

    light: float = 0.0
    pulses: float = 0.0
    duration: Mapping[int, float] = field(default_factory=dict)


class _LightBy(Lights):
    """How the light in a cell follows one field: `Lights`, but of derivatives."""

    def __init__(
        self,
        engine: Engine,
        generation: F64,
        versions: tuple[Sequence[tuple[float, Lights]], Sequence[tuple[float, Lights]]],
        grids: dict[Any, Any],
    ) -> None:
        super().__init__(engine.problem.relit(generation))
        self._versions, self._grids, self._by = versions, grids, dict[Any, F64]()

    def of(self, beam: Beam | LaserPulse, where: str | None = None) -> F64:
        if beam not in self._by:
            total = np.zeros(self.problem.generation.size)
            with same_grids(self._grids):
                for weight, lights in self._versions[isinstance(beam, LaserPulse)]:
                    total += weight * lights.of(beam, where)
            self._by[beam] = total
        return self._by[beam]


class FollowingInTime(Fields):
    """How runs of an engine follow fields of its cell, and knobs of the measurement.

    Args:
        engine: of the cell. fields: paths of numbers, as `Stack.with_values` takes them. knobs: behind the fields.

    Raises:
        InputError: a path that does not exist, or is no number.
    """

    def __init__(self, engine: Engine, fields: Sequence[str], knobs: Sequence[Knob] = ()) -> None:
        self.engine, self.knobs = engine, tuple(knobs)
        # both what they are when they settle, and how they move
        device = engine.device._replace(ion=engine.solver.system.device.ion)
        super().__init__(engine.problem, device, engine.net, fields)
        self.count = len(self.fields) + len(self.knobs)
        self.at = places_of(device, engine.net)
        own = self.directions
        directions = np.zeros((self.count, own.shape[1]))
        directions[: len(self.fields)] = own
        generation = directions[:, self.at.generation]
        for place, knob in enumerate(self.knobs, len(self.fields)):
            generation[place] = knob.light * engine.problem.generation
        self.by = [numbers_at(device, engine.net, row) for row in directions]
        #: of fields that change light
        self.lights: dict[int, _LightBy] = {}
        for place in range(self.count):
            versions = self._versions(place)
            if any(versions) or generation[place].any():
                self.lights[place] = _LightBy(engine, generation[place], versions, self._grids or {})
        # light is told apart, as it changes with time
        directions[:, self.at.generation] = 0.0
        number, follower = np.nonzero(directions.T)
        start = np.searchsorted(number, np.arange(own.shape[1] + 1))
        self.sparse = start.astype(np.int64), follower.astype(np.int64), directions.T[number, follower].copy()
        self.first = 2 + int(np.bincount(engine.net.receiver, minlength=1).max())
        self.work = make_work(engine.device, self.first)
        self.blocks = make_blocks(engine.device, self.first + self.count)
        self.memory = make_linear(engine.net), make_answer(engine.net), make_into(engine.device, engine.net)
        self.filled = Traps(
            np.zeros((engine.device.trap.shape[0], engine.device.volume.size)),
            np.zeros(engine.device.face_trap_site.size),
        )

    def _versions(self, place: int) -> tuple[list[tuple[float, Lights]], list[tuple[float, Lights]]]:
        """What beams and pulses of a field or a knob are the weighted sum of."""
        if place >= len(self.fields):
            knob = self.knobs[place - len(self.fields)]
            own = self.engine.lights
            beams, pulses = ([(part, own)] if part else [] for part in (knob.light, knob.light + knob.pulses))
            return beams, pulses
        made = [(weight, Lights(problem)) for weight, problem in self.around.get(self.fields[place], [])]
        return made, made

    def numbers(self, problem: Problem) -> F64:
        moving = problem.all_moving()
        device = lay_out([in_motion(part)._replace(ion=part.device.ion) for part in moving.parts])
        net = moving.circuit.net(moving.parts, moving.lights)
        return numbers_of(device, net, problem.generation, np.zeros(device.volume.size))

    def course(
        self, start: Moment, light: float, beams: tuple[Beam, ...] = (), control: Control | None = None
    ) -> Course:
        """What goes along with a run from a settled moment.

        Args:
            start: as `Engine.settled` gave it. light, beams: under which it settled.
            control: what held it; absent, its voltage.

        Raises:
            ConvergenceError: the equations of that state cannot be solved for a change.
        """
        return Course(self, start, light, beams, Voltage(start.voltage) if control is None else control)


class Course:
    """How a run follows: what `Engine.run` takes as its companion, for one run or several one after the other.

    Attributes:
        now: (P, stored) how what the last state stores follows.
        settled: of the state where the run begins: dJ/dp, dV/dp (P,) and radiation (P, M), as below.
        current, voltage: (T, P) dJ/dp (A m^-2) and dV/dp (V) at the terminals at all reported moments, per unit of each
            field (SI, eV), or per logarithm of a knob.
        radiation: (T, P, M) of the net radiative rate of each layer, m^-2 s^-1 of its part's area.
    """

    def __init__(
        self, follows: FollowingInTime, start: Moment, light: float, beams: tuple[Beam, ...], control: Control
    ) -> None:
        self.follows = follows
        count, engine = follows.count, follows.engine
        layers = engine.device.offset.size
        width, sites = stored_width(engine.device), engine.device.volume.size
        self._tempo = np.zeros(count)
        self._pieces: dict[int, list[Piece]] = {}
        self._at = 0
        self._generation = np.zeros((count, sites))
        self._last = np.zeros(count), np.zeros(count), np.zeros((count, layers))
        self._told: list[tuple[F64, F64, F64]] = []
        self._settled(start, light, beams, control, np.zeros((count, width)))
        self.settled = self._last

    def _settled(
        self, start: Moment, light: float, beams: tuple[Beam, ...], control: Control, past: F64
    ) -> None:
        """How the settled state follows: as the end of a step in which all that moves has come to rest."""
        follows, engine = self.follows, self.follows.engine
        engine._refresh(start)
        stored = engine._past(0.0, start).stored
        made = stored_in(engine.device, stored)
        for own, row in zip(follows.by, past, strict=True):
            into = stored_in(engine.device, row).ion
            for k, density in enumerate(made.ion):
                # as many as there are then, wherever
                number = density @ engine.device.volume
                missing = own.ion[k, dv.I_NUMBER] - density @ own.volume
                into[k] = _AT_REST * missing / number * density
        for place, lights in follows.lights.items():
            self._generation[place] = lights.steady(light, beams)
        motion = engine.device.motion.copy()
        motion[:, dv.M_D] = _QUICK
        self._follow(
            start.row, engine.lights.steady(light, beams), Difference(_AT_REST, _AT_REST * stored),
            engine.constraint(control, 0.0), past, np.zeros(past.shape[0]), engine.device._replace(motion=motion),
        )  # fmt: skip

    def _follow(
        self,
        row: F64,
        generation: F64,
        difference: Difference,
        constraint: Any,
        past: F64,
        rate: F64,
        device: dv.Device,
    ) -> None:
        follows, engine = self.follows, self.follows.engine
        layers = device.offset.size
        out = (
            np.empty_like(past), np.empty(follows.count), np.empty(follows.count),
            np.empty((follows.count, layers)),
        )  # fmt: skip
        good = follow_step(
            device, follows.work, follows.blocks, engine.net, row, (generation, engine._held),
            (difference, constraint, follows.first), follows.filled, (follows.at, follows.sparse),
            (past, rate, self._generation), follows.memory, out,
        )  # fmt: skip
        if not good:
            raise ConvergenceError(
                f'how "{engine.problem.stack.name}" follows a change could not be solved for.',
                "Look for a junction of which nothing passes.",
                stage="transient",
            )
        self.now, self._last = out[0], out[1:]

    # --- what the engine tells ---------------------------------------------------------------------------------------

    def enter(self, step: Step, number: int, holds: F64 | None) -> None:
        """A step of the schedule begins."""
        follows = self.follows
        self._pieces = {place: list(one.pieces(step, holds)) for place, one in follows.lights.items()}
        self._at = -1
        self._tempo[len(follows.fields) :] = [knob.duration.get(number, 0.0) for knob in follows.knobs]

    def begin(self, piece: Piece, start: Past) -> None:
        """A piece of it begins."""
        self._at = next(
            (
                n
                for pieces in self._pieces.values()
                for n, one in enumerate(pieces)
                if one.begin == piece.begin
            ),
            0,
        )
        self._piece = piece
        start.follows = self.now

    def accept(self, solved: Sequence[Solved], at_once: bool = False) -> None:
        """These were solved and count; `at_once`: within no time."""
        tempo = np.zeros_like(self._tempo) if at_once else self._tempo
        device = self.follows.engine.device
        for one in solved:
            past = -tempo[:, None] * one.difference.past if tempo.any() else np.zeros_like(self.now)
            for before, weight in one.before:
                assert before.follows is not None
                past += weight * before.follows
            for place, pieces in self._pieces.items():
                self._generation[place] = one.light(pieces[self._at])
            self._follow(
                one.moment.row, one.light(self._piece), one.difference, one.constraint, past,
                -one.difference.rate * tempo, device,
            )  # fmt: skip
            one.end.follows = self.now

    def report(self) -> None:
        """What came last is reported."""
        self._told.append(self._last)

    # --- what came of it ---------------------------------------------------------------------------------------------

    @property
    def current(self) -> F64:
        return self._column(0)

    @property
    def voltage(self) -> F64:
        return self._column(1)

    @property
    def radiation(self) -> F64:
        return self._column(2)

    def _column(self, which: int) -> F64:
        return np.array([one[which] for one in self._told]).reshape(len(self._told), *self._last[which].shape)
