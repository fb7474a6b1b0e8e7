"""Two junctions in series in time: one time step for both, at the junction voltages at which they carry one current.

That current is the whole one: carriers, ions, displacement, and each junction's own shunt. One Newton iteration solves
both junctions together, with the two voltages as unknowns besides (`kernels.series_march`). Light of the top makes
pairs in the bottom at once, as much as the state at the end of the step radiates; an error of the top shifts that
light, and an error of either both voltages.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.transport import kernels as k
from perotwin.transport.device import make_blocks
from perotwin.transport.light import Beam
from perotwin.transport.response import leak
from perotwin.transport.several import Moments, Several, SeveralLights
from perotwin.transport.steady import LONGEST
from perotwin.transport.stepping import NEWTON, TOLERANCE, Condition
from perotwin.transport.tandem import TandemProblem, TandemSolver, TandemState
from perotwin.transport.transient import Engine

if TYPE_CHECKING:
    from perotwin.optics import Absorption

F64 = NDArray[np.float64]

#: a junction at a held voltage
_HELD: Condition = (k.CONTROL_VOLTAGE, 0.0, 0.0, 0.0)


class TandemEngine(Several):
    """Runs schedules on two junctions in series: the steps of `stepping`, taken by both at once.

    The voltage of a moment is the sum of the junctions'; those of the parts are their own.

    Args:
        problem: of the junctions; all their ions move.
        tolerance: allowed local error of a step in either junction (kT, relative).
    """

    problem: TandemProblem
    #: each junction's shunt is its own
    _leak = 0.0

    def __init__(self, problem: TandemProblem, tolerance: float = TOLERANCE) -> None:
        super().__init__([Engine(one, tolerance) for one in problem.junctions])
        top, bottom = self.engines
        self.problem = replace(problem, junctions=(top.problem, bottom.problem))
        self._series = problem.resistance
        self.solver = TandemSolver(self.problem)
        for number, engine in enumerate(self.engines):
            engine.lights.absorb = partial(self._absorb, number)
            engine.blocks = make_blocks(
                engine.device, engine.blocks.diag.shape[1], engine.motion.shape[0], k.LINEAR_COLUMNS
            )
        self.lights = SeveralLights((top.lights, bottom.lights), np.ones(2))
        # what the optics said of other light on the whole cell
        self._absorbed: dict[Any, Absorption] = {}
        self._leaks = np.array([leak(one) for one in self.problem.junctions])
        coupling = problem.coupling
        self._share = 0.0 if coupling is None else coupling.share
        self._emitter = 0 if coupling is None else coupling.emitter
        nothing = np.zeros(bottom.device.volume.size)
        self._profile = nothing if coupling is None else np.ascontiguousarray(coupling.profile, dtype=float)
        # what `series_march` says of the step that was solved last
        self._slopes = np.zeros(5)

    # --- states ------------------------------------------------------------------------------------------------------

    def moment(self, state: TandemState) -> Moments:
        """A steady state (ions settled) as the junctions at one time."""
        return self._moments(state.junctions, sum(float(one.v[0]) for one in state.junctions))

    def settled(self, voltage: float, light: float, beams: tuple[Beam, ...] = ()) -> Moments:
        """The junctions after an endless wait at a terminal voltage (V) and light (suns), ions included.

        Beams shine besides, at their first intensity.

        Raises:
            InputError: a beam on a cell without optics.
            ConvergenceError: that steady state could not be reached.
        """
        if beams:
            top, bottom = (
                replace(engine.problem, generation=engine.lights.steady(light, beams))
                for engine in self.engines
            )
            states = TandemSolver(replace(self.problem, junctions=(top, bottom))).sweep([voltage], 1.0)
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

    def _absorb(
        self, number: int, light: dict[str, Any], wavelength: list[float] | None
    ) -> tuple[F64, Absorption]:
        """What one junction takes of light that falls on the whole cell; see `light.Lights`."""
        key = (light["spectrum"], light["side"], None if wavelength is None else wavelength[0])
        if key not in self._absorbed:
            from perotwin.optics import absorb

            top, bottom = (engine.problem.mesh.control_faces for engine in self.engines)
            # depth counts electrical layers alone
            faces = np.concatenate((top, top[-1] + bottom[1:]))
            stack: Any = self.problem.stack.with_light(**light)
            self._absorbed[key] = absorb(stack, faces, wavelength=wavelength)
        found = self._absorbed[key]
        profile = found.generation if wavelength is None else found.spectral[0]
        return float(self.engines[number].problem.stack.light.intensity) * profile[self._sites[number]], found

    # --- the equations of a step -------------------------------------------------------------------------------------

    def _solve(
        self, guess: Moments, condition: Condition, generation: F64, rate: float, history: F64, most: int
    ) -> tuple[bool, int, float]:
        control, a, b, c = condition
        if control == k.CONTROL_VOLTAGE:
            a, b = 1.0, 0.0
        engines, parts = self.engines, guess.parts
        past = tuple(engine._split(history[part]) for engine, part in zip(engines, self._stored, strict=True))
        march: Any = k.series_march
        status, iterations, _, current = march(
            tuple(engine.device for engine in engines), tuple(engine.work for engine in engines),
            tuple(engine.blocks for engine in engines), tuple(engine.motion for engine in engines),
            tuple(one.psi for one in parts), tuple(one.fn for one in parts), tuple(one.fp for one in parts),
            tuple(one.level for one in parts), tuple(one.v for one in parts), tuple(self._lit(generation)),
            tuple(engine._held for engine in engines), rate, past, tuple(engine._trap for engine in engines),
            tuple(engine._face for engine in engines), self._leaks, self._share, self._emitter, self._profile, a, b, c,
            self._slopes, most, NEWTON, LONGEST,
        )  # fmt: skip
        guess.v[0] = sum(float(one.v[0]) for one in parts)
        if status != k.CONVERGED:
            return False, iterations, float(current) / self._charge
        sound = True
        for number, (engine, one) in enumerate(self._each(guess)):
            self._flux[number] = (current + self._leaks[number] * float(one.v[0])) / self._charge
            sound &= engine._take(one, rate, past[number])
        return sound, iterations, float(current) / self._charge

    def _lit(self, generation: F64) -> list[F64]:
        """Generation in each junction but for the light of the other."""
        return [generation[part] for part in self._sites]

    def _error(self, made: Moments, condition: Condition, missed: F64, flux: float, generation: F64) -> float:
        """The larger of the junctions', at the voltages and the light to which the errors of both shift them."""
        control, a, b, _ = condition
        if control == k.CONTROL_VOLTAGE:
            a, b = 1.0, 0.0
        parts = [missed[part] for part in self._stored]
        top, bottom = (
            engine._consequence(one, _HELD, part)
            for (engine, one), part in zip(self._each(made), parts, strict=True)
        )
        by_x, by_y, by_light, glow_by_x, _ = self._slopes
        glow = np.zeros(1)
        if self._share > 0.0:
            engine, one = self.engines[0], made.parts[0]
            radiated: Any = k._radiated
            radiated(
                engine.device, engine.work, self._emitter, one.fn, one.fp, float(one.v[0]), engine.blocks.rhs, glow
            )  # fmt: skip
        light = self._share * float(glow[0])
        first, second = self._charge * top, self._charge * bottom + by_light * light
        x, y = k._series_changes(by_x, by_y, by_light * glow_by_x, second - first, a, b, -b * first)
        light += glow_by_x * x
        rhs = [engine.blocks.rhs for engine in self.engines]
        rhs[0][:, :, 0] += x * rhs[0][:, :, k.BY_VOLTAGE]
        rhs[1][:, :, 0] += y * rhs[1][:, :, k.BY_VOLTAGE] + light * rhs[1][:, :, k.BY_SOURCE]
        top += (by_x + self._leaks[0]) * x / self._charge
        bottom += ((by_y + self._leaks[1]) * y + by_light * light) / self._charge
        each = zip(self.engines, parts, (top, bottom), self._flux, self._lit(generation), strict=True)
        return max(engine._weighed(part, change, float(own), lit) for engine, part, change, own, lit in each)
