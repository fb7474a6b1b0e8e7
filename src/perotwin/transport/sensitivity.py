"""Exact sensitivities of steady states: how current and open circuit follow any number of a cell.

    follows = Following(solver, ["perovskite.trap.1.electron_lifetime", "niox|perovskite.dipole"])
    slopes = follows.current(solver.sweep(volts, 1.0))
    slopes.by_field                # (K, P) dJ/dp at a held voltage, A m^-2 per unit of each field (SI, energies eV)
    slopes.of_voltage              # (K, P) dV/dp at a held current: of open circuit where a state is that
    states, slopes = follows.sweep(volts, 1.0)    # both at once, for less

A field acts through the numbers of the equations (band edges, rates, widths of control volumes, pairs in each site,
charge of held ions). How the current follows these is solved for exactly (`kernels.adjoint`), once a state for all
fields. How they follow a field is known or differenced row by row (`directions`), or, where light or mesh see the
field, differenced where the cell is made, which takes no solution of it but the equilibrium of the ions that it holds:
the five-point rule, on meshes of as many nodes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError
from perotwin.optics.grids import same_grids
from perotwin.optics.reuse import reusing
from perotwin.stack.short_paths import full_paths
from perotwin.transport.build import Problem, build
from perotwin.transport.directions import CENTRAL, direction
from perotwin.transport.kernels.adjoint import Course, make_course, sensitivities
from perotwin.transport.kernels.numbers import numbers_at, numbers_of, places_of, width_of
from perotwin.transport.steady import Solver
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.transport.device import Device
    from perotwin.transport.kernels.circuit import Net
    from perotwin.transport.kernels.numbers import Numbers
    from perotwin.transport.states import State, States

__all__ = ["Fields", "Following", "Slopes"]

F64 = NDArray[np.float64]

#: steps of the five-point rule: a part of a number, and of energies (eV), temperatures (K) and numbers that are zero.
#: An edge that passes a wavelength of the frozen grid leaves a kink, a few in each meV.
_PART, _ENERGY, _TEMPERATURE = 1e-3, 2e-5, 0.05
#: energies from which on (eV) only differences count, of heights of bands
_WIDE = 0.1
#: of what has no size of its own where it is zero, in the SI unit of its dimension
_AT_ZERO = {"area resistance": 1e-8, "number density": 1e18, "velocity": 1e-6, "length": 1e-11}
#: weights of f(0) to f(4h), where a number cannot be less
_FORWARD = np.array([-25.0, 48.0, -36.0, 16.0, -3.0]) / 12.0


@dataclass(frozen=True)
class Slopes:
    """How K steady states follow P fields.

    Attributes:
        fields: paths. by_voltage: (K,) dJ/dV, S m^-2.
        by_field: (K, P) dJ/dp at a held terminal voltage, A m^-2 per unit of the field.
    """

    fields: tuple[str, ...]
    by_voltage: F64
    by_field: F64

    @property
    def of_voltage(self) -> F64:
        """(K, P) dV/dp at a held current, V per unit of the field."""
        return -self.by_field / self.by_voltage[:, None]

    def of_power(self, voltage: F64) -> F64:
        """(K, P) dP/dp at held voltages (K,), W m^-2: of the most power where a state is that, which the voltage does
        not change to first order."""
        return self.by_field * np.asarray(voltage)[:, None]


class Fields(ABC):
    """How the numbers of a cell's equations follow some of its fields.

    Args:
        problem: the cell. device, net: its arrays, whose numbers are asked for.
        fields: paths of numbers, as `Stack.with_values` takes them.
    """

    def __init__(self, problem: Problem, device: Device, net: Net, fields: Sequence[str]) -> None:
        self.problem, self.device, self.net, self.fields = problem, device, net, tuple(fields)
        self.like = problem.meshes
        #: those of the cell, once it had to be made again
        self._grids: dict[Any, Any] | None = None
        self._lit = bool(problem.generation.any())
        #: the cell about its own place in a field, and what each version counts in the derivative
        self.around: dict[str, list[tuple[float, Problem]]] = {}

    @abstractmethod
    def numbers(self, problem: Problem) -> F64:
        """(W,) the numbers of a version of the cell at 1 sun."""

    def rebuilt(self, values: Mapping[str, Any]) -> Problem:
        """The cell with other values of its fields, on meshes and grids of as many points."""
        problem = self.problem
        if self._grids is None:
            self._grids = {}
            with reusing(), same_grids(self._grids):
                build(problem.stack, light=self._lit, finer=problem.finer)  # chooses the grids
        with same_grids(self._grids):
            cell = problem.stack.with_values(values)
            return build(cell, light=self._lit, density=self.like, finer=problem.finer)

    @cached_property
    def directions(self) -> F64:
        """(P, W) how the numbers at 1 sun follow the fields."""
        width = width_of(self.device, self.net)
        found = np.zeros((len(self.fields), width))
        row = np.zeros(width)
        into = numbers_at(self.device, self.net, row)
        with reusing():
            for number, path in enumerate(self.fields):
                row[:] = 0.0
                found[number] = self._direction(path, (row, into))
        return found

    def _direction(self, path: str, room: tuple[F64, Numbers]) -> F64:
        """(W,) of one field; room: zeros that may be written into, and their numbers."""
        cell = self.problem.stack
        value = cell.get(path)
        if not isinstance(value, Quantity):
            raise InputError(f'"{path}" is no number with a unit.', "Name a field that holds one.", key=path)
        here, step = float(value), _step(value)
        alone = [
            direction(self.problem, self.device, self.net, one, step, room) for one in full_paths(cell, path)
        ]
        if all(one is not None for one in alone):
            return room[0]
        try:
            made = [self.rebuilt({path: here + k * step}) for k in (-2, -1, 1, 2)]
            rows = [self.numbers(one) for one in made]
            weights = CENTRAL[[0, 1, 3, 4]] / step
        except InputError:
            made = [self.rebuilt({path: here + k * step}) for k in range(5)]
            rows = [self.numbers(one) for one in made]
            weights = _FORWARD / step
        if len({row.size for row in rows}) > 1:
            raise InputError(
                f'with "{path}" just off {value} the circuit has another form, whose slope is no number of this one.',
                "Give the field a small value first.",
                key=path,
            )
        self.around[path] = list(zip(weights.tolist(), made, strict=True))
        return np.asarray(weights @ np.array(rows))


class Following(Fields):
    """How the steady states of a cell follow some of its numbers.

    Args:
        solver: of the cell.
        fields: paths of numbers, as `Stack.with_values` takes them.

    Raises:
        InputError: a path that does not exist, or is no number.
        ConvergenceError: the ions that a changed cell holds did not settle.
    """

    def __init__(self, solver: Solver, fields: Sequence[str]) -> None:
        if any(part.isolated for part in solver.problem.parts):
            raise InputError(
                f'no current passes through "{solver.problem.stack.name}", whose ends are bare.',
                "Ask of a cell with contacts.",
            )
        self.solver = solver
        super().__init__(solver.problem, solver.system.device, solver.system.net, fields)

    def numbers(self, problem: Problem) -> F64:
        solver = Solver(problem, self.solver.tolerance)
        return numbers_of(solver.system.device, solver.system.net, problem.generation, solver.frozen_charge)

    def sweep(
        self, voltage: ArrayLike, intensity: float, start: State | None = None
    ) -> tuple[States, Slopes]:
        """Steady states at a list of terminal voltages, as `Solver.sweep` finds them, and how they follow.

        What Newton's method solved last at each point serves its slopes too, and how the states follow the voltage
        tells the next one, so that this costs less than `current` of the states of a sweep. Both tell the same to the
        solver's tolerance.

        Args:
            voltage: (K,) V. intensity: suns. start: a state to begin from.

        Raises:
            InputError: as `Solver.sweep`.
            ConvergenceError: the state that all are reached from was not found, where no start is given.
        """
        solver, system = self.solver, self.solver.system
        count = np.atleast_1d(np.asarray(voltage)).size
        if start is None:
            # on the way there nothing is told
            solver.short_circuit(intensity)
        course = make_course(system.device, system.net, count, self._asked_for)
        system.course = course
        try:
            states = solver.sweep(voltage, intensity, start)
        finally:
            system.course = None
        # of a state that was known before, or that only a way in time reached
        self._tell(solver, states, ~course.told & states.converged, course)
        return states, self._slopes(states, course)

    def current(self, states: States) -> Slopes:
        """Of steady states that the solver found (rows of those that did not converge are NaN)."""
        return self._slopes(states, self._of(self.solver, states, self._asked_for))

    @staticmethod
    def by_number(solver: Solver, states: States) -> tuple[F64, F64]:
        """dJ/dV (K,), and dJ by every number of the equations (K, W)."""
        course = Following._of(solver, states)
        lost = ~np.asarray(states.converged)
        course.slopes[lost], course.found[lost] = np.nan, np.nan
        return course.slopes, course.found

    @staticmethod
    def _of(solver: Solver, states: States, asked_for: NDArray[np.bool_] | None = None) -> Course:
        system = solver.system
        course = make_course(system.device, system.net, states.rows.shape[0], asked_for)
        Following._tell(solver, states, np.asarray(states.converged), course)
        return course

    @staticmethod
    def _tell(solver: Solver, states: States, which: NDArray[np.bool_], course: Course) -> None:
        """Tell in a course how some states follow."""
        system, numbers = solver.system, np.flatnonzero(which)
        if numbers.size:
            sensitivities(
                system.device, system.work, system.net, states.rows, numbers, np.asarray(states.voltage, dtype=float),
                states.intensity * solver.generation, solver.frozen_charge, (system.linear, system.answer), course,
            )  # fmt: skip

    def _slopes(self, states: States, course: Course) -> Slopes:
        directions = self._under(states.intensity)
        # most numbers follow nothing that is asked for
        some = np.flatnonzero(self._asked_for)
        by_voltage, by_field = course.slopes.copy(), course.found[:, some] @ directions[:, some].T
        lost = ~np.asarray(states.converged)
        by_voltage[lost], by_field[lost] = np.nan, np.nan
        return Slopes(self.fields, by_voltage, by_field)

    @property
    def _asked_for(self) -> NDArray[np.bool_]:
        """(W,) which numbers any field acts through."""
        return np.asarray(self.directions.any(axis=0))

    def _under(self, suns: float) -> F64:
        """(P, W) how the numbers follow the fields in the light of `suns`."""
        per_sun = self.directions.copy()
        per_sun[:, places_of(self.device, self.net).generation] *= suns
        return per_sun


def _step(value: Quantity) -> float:
    """A step for the five-point rule, SI: small enough for its error, large enough for rounding."""
    number, dimension = abs(float(value)), value.dimension
    if dimension == "energy":
        # a width of a few meV, such as an Urbach energy, is a size of its own
        return _ENERGY if number == 0.0 else _ENERGY * min(1.0, max(number / _WIDE, 0.02))
    if dimension == "temperature":
        return _TEMPERATURE
    return _PART * number if number > 0.0 else _AT_ZERO.get(str(dimension), _PART)
