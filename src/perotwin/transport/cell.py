"""Any cell, made ready, solved and linearised: what instruments use, so that none asks what it measures.

    problem = build(cell)
    solver = solver_of(problem)
    states = solver.sweep([0.0, 0.5], 1.0)

One stack is solved by `steady.Solver`. A cell of several is a network of parts that share one scalar: side by side
(`parallel`) they share the terminal voltage and their currents add, one behind the other (`tandem`) they share the
current and their voltages add. Each offers what the protocols below name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.stack import Cell, Parallel, Tandem
from perotwin.transport.build import Problem
from perotwin.transport.build import build as build_stack
from perotwin.transport.joined import at_own_terminals, in_one, in_series
from perotwin.transport.motion import all_moving as move_all
from perotwin.transport.parallel import ParallelProblem, ParallelSolver
from perotwin.transport.parallel_engine import ParallelEngine
from perotwin.transport.series_engine import TandemEngine
from perotwin.transport.steady import Solver, States
from perotwin.transport.tandem import TandemProblem, TandemSolver
from perotwin.transport.transient import TOLERANCE, Engine

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.optics import Absorption
    from perotwin.transport.light import Beam
    from perotwin.transport.modes import Control
    from perotwin.transport.schedule import Step
    from perotwin.transport.trace import Trace

__all__ = [
    "CellEngine",
    "CellLinearised",
    "CellProblem",
    "CellSolver",
    "CellSpectrum",
    "CellStates",
    "all_moving",
    "build",
    "engine_of",
    "join",
    "solver_of",
]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


class CellProblem(Protocol):
    """A cell made ready to be solved.

    Attributes:
        parts: the stacks that it consists of.
        shown: the one whose inside stands for the cell's. shown_as: in words; nothing where it is the whole.
        notes: remarks that a reader of the result must see.
        vt: kT/q, V.
        checks: of the light of the whole, besides those of its parts.
        absorption: what the optics gave, over the whole area; None where no light was asked for.
        photocurrent: pairs generated at 1 sun, as a current, A m^-2.
        ions_settle: whether there are ions that re-equilibrate at each point.
        geometric_capacitance: F m^-2.
        highest_voltage: V, above all that light can make.
    """

    @property
    def stack(self) -> Cell: ...
    @property
    def parts(self) -> tuple[Problem, ...]: ...
    @property
    def shown(self) -> Problem: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def shown_as(self) -> str: ...
    @property
    def vt(self) -> float: ...
    @property
    def absorption(self) -> Absorption | None: ...
    @property
    def checks(self) -> Checks: ...
    @property
    def photocurrent(self) -> float: ...
    @property
    def ions_settle(self) -> bool: ...
    @property
    def geometric_capacitance(self) -> float: ...
    @property
    def highest_voltage(self) -> float: ...


class CellStates(Protocol):
    """Steady states of a cell along K terminal voltages.

    Attributes:
        parts: the states of each stack that the cell consists of.
        shown: those whose fields stand for the cell's. inside: what lies along x, front first, by name.
        voltage, junction_voltage, current, converged, iterations: (K,) as in `steady.States`; the junction's is that of
            the stack that is shown.
        junction_voltages: (K,) V by junction of a tandem, "top" and "bottom", and what is lost "between": the first two
            minus the third are the terminal voltage. Nothing for a cell of one junction.
    """

    @property
    def problem(self) -> CellProblem: ...
    @property
    def intensity(self) -> float: ...
    @property
    def voltage(self) -> F64: ...
    @property
    def junction_voltage(self) -> F64: ...
    @property
    def junction_voltages(self) -> dict[str, F64]: ...
    @property
    def current(self) -> F64: ...
    @property
    def converged(self) -> NDArray[np.bool_]: ...
    @property
    def iterations(self) -> NDArray[np.int64]: ...
    @property
    def parts(self) -> tuple[States, ...]: ...
    @property
    def shown(self) -> States: ...
    @property
    def inside(self) -> dict[str, States]: ...
    def losses(self) -> dict[str, F64]:
        """(K,) A m^-2 lost in each recombination channel, at the contacts and in the shunt."""

    def pick(self, index: ArrayLike) -> CellStates:
        """Some of the points."""

    def state(self, index: int) -> Any:
        """The state of one point, to start from."""

    def joined(self, others: Sequence[Any]) -> CellStates:
        """These points and others of the same problem."""


class CellSpectrum(Protocol):
    """Response to exp(i omega t) at the terminals: see `small_signal.Spectrum`; all (W,)."""

    @property
    def impedance(self) -> C128: ...
    @property
    def admittance(self) -> C128: ...
    @property
    def capacitance(self) -> F64: ...
    @property
    def imps(self) -> C128: ...
    @property
    def imvs(self) -> C128: ...


class CellLinearised(Protocol):
    """A cell linearised about a steady state: see `small_signal.Linearised`."""

    @property
    def series(self) -> float: ...
    def spectrum(self, frequency: ArrayLike) -> CellSpectrum:
        """The response at each frequency, Hz."""

    def rates(self, count: int = 1, control: Control = "open-circuit") -> C128:
        """The slowest eigenvalues, 1/s."""

    def slowest(self, share: float = 0.01) -> float:
        """Rate (1/s) of the slowest mode of open circuit that carries `share` of the impedance."""


class CellSolver(Protocol):
    """Solves one cell again and again: see `steady.Solver`."""

    @property
    def problem(self) -> CellProblem: ...
    def sweep(self, voltage: ArrayLike, intensity: float, start: Any = None) -> CellStates:
        """Steady states at a list of terminal voltages (V), each starting from the one before."""

    def open_circuit(self, near: Any, intensity: float) -> CellStates:
        """The state at which no current leaves the cell, from a nearby one."""

    def loaded(self, load: float, intensity: float) -> CellStates:
        """The state with a resistor (ohm m^2) across the terminals."""

    def slope(self, state: Any, intensity: float) -> float:
        """dJ/dV at the terminals, S m^-2."""

    def light_response(self, state: Any, intensity: float) -> float:
        """dJ per sun of extra light, A m^-2."""

    def spectral_response(self, state: Any, intensity: float) -> F64:
        """(W,) dJ per extra photon of each wavelength of the problem's absorption, C."""

    def linearised(
        self, state: Any, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> CellLinearised:
        """Small signals about a state."""


class CellEngine(Protocol):
    """Runs schedules on one cell: see `transient.Engine`. Moments are opaque to all but the engine."""

    tolerance: float

    @property
    def problem(self) -> CellProblem: ...
    @property
    def solver(self) -> CellSolver: ...
    def moment(self, state: Any) -> Any:
        """A steady state as the cell at one time."""

    def settled(self, voltage: float, light: float, beams: tuple[Beam, ...] = ()) -> Any:
        """The cell after an endless wait at a terminal voltage (V) and light (suns)."""

    def run(
        self,
        schedule: Sequence[Step],
        start: Any,
        *,
        stop: Callable[[float, float, float], bool] | None = None,
        advanced: Callable[[float], Any] | None = None,
        keep: bool = True,
    ) -> Trace:
        """Run a schedule from a given moment."""


def build(cell: Cell, *, light: bool = True, one_solve: bool = False) -> CellProblem:
    """Make a cell ready to be solved.

    Args:
        cell: one stack, several side by side, or two one behind the other.
        light: whether generation is needed; False saves the optics of a purely dark measurement.
        one_solve: a tandem as one stack with a plane in it, where two junctions in series would do as well. Traps
            between the junctions are always solved that way; of four terminals those that are chosen are solved.

    Raises:
        InputError: a stack without electrical layers, a number that cannot be at its temperature, columns or junctions
            that cannot be one cell.
    """
    if isinstance(cell, Parallel):
        return ParallelProblem(cell, tuple(build_stack(column.stack, light=light) for column in cell.column))
    if isinstance(cell, Tandem):
        if cell.junction.kind == "separate":
            return at_own_terminals(cell, light=light)
        together = one_solve or cell.junction.kind == "traps"
        return in_one(cell, light=light) if together else in_series(cell, light=light)
    return build_stack(cell, light=light)


def all_moving(problem: CellProblem) -> CellProblem:
    """The problem with every ion mobile, whatever its steady response."""
    if isinstance(problem, ParallelProblem):
        return replace(problem, columns=tuple(move_all(one) for one in problem.columns))
    if isinstance(problem, TandemProblem):
        top, bottom = problem.junctions
        return replace(problem, junctions=(move_all(top), move_all(bottom)))
    assert isinstance(problem, Problem)
    return move_all(problem)


def solver_of(problem: CellProblem) -> CellSolver:
    """What solves the steady states of a cell; it holds scratch memory and the dark equilibrium.

    Raises:
        ConvergenceError: a state that everything else starts from cannot be reached.
    """
    if isinstance(problem, ParallelProblem):
        return ParallelSolver(problem, tuple(Solver(one) for one in problem.columns))
    if isinstance(problem, TandemProblem):
        return TandemSolver(problem)
    assert isinstance(problem, Problem)
    return Solver(problem)


def engine_of(problem: CellProblem, tolerance: float = TOLERANCE) -> CellEngine:
    """What runs schedules on a cell, all of whose ions move.

    Args:
        problem: from `build`.
        tolerance: allowed local error of a time step (kT, relative).

    Raises:
        InputError: a tandem in one solve.
    """
    if isinstance(problem, ParallelProblem):
        return ParallelEngine(problem, tolerance)
    if isinstance(problem, TandemProblem):
        return TandemEngine(problem, tolerance)
    assert isinstance(problem, Problem)
    return Engine(problem, tolerance)


def join(parts: Sequence[CellStates]) -> CellStates:
    """The points of several states of one problem under one light, one after another."""
    return parts[0].joined(parts[1:])
