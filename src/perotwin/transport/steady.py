"""Steady states of a cell: continuation from equilibrium to light, bias and circuit, without anything to tune.

problem = build(cell)
states = sweep(problem, np.linspace(0, 1.3, 131))
states.current            # A m^-2, positive = power out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.errors import ConvergenceError, InputError
from perotwin.transport.build import Problem, with_ideal_joints
from perotwin.transport.circuit import held_current, held_voltage, loaded
from perotwin.transport.crossing import crossing, of_junction, told
from perotwin.transport.device import I_LAYER, MECHANISMS, state_width
from perotwin.transport.halves import apart, as_one
from perotwin.transport.held_ions import held_ions
from perotwin.transport.isolated import flat_levels, rounding
from perotwin.transport.kernels.circuit import Constraint
from perotwin.transport.kernels.newton import Patience
from perotwin.transport.kernels.observe import observe
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.nested import begun
from perotwin.transport.pseudo_transient import settle
from perotwin.transport.rising_light import brightened
from perotwin.transport.states import JunctionStates, State, States, join
from perotwin.transport.system import System, announce_compilation
from perotwin.transport.unreached import unreached

if TYPE_CHECKING:
    from perotwin.transport.small_signal import Linearised

__all__ = ["Solver", "State", "States", "join", "sweep"]

F64 = NDArray[np.float64]

#: the largest last Newton step (kT, or relative change of a density) of an accepted state; convergence is quadratic,
#: so the state itself is accurate to about its square
TOLERANCE = 1e-8
#: the longest change of the potential in one Newton step, kT
LONGEST = 10.0
_ITERATIONS, _ITERATIONS_ALONE = 40, 80
#: points of a path that are reached by pseudo-transient continuation, at most
_DETOURS = 3
#: steps along the curve from which open circuit is tried for again, and the longest of them, V
_APPROACHES, _LONGEST_APPROACH = 12, 0.1
#: currents below this part of the photocurrent are not told from none
NOTHING = 1e-6


@dataclass
class Solver:
    """Solves one problem again and again; holds its scratch memory and the dark equilibrium.

    Attributes:
        problem: from `build`.
        tolerance: largest last step of an accepted state.
        held: what `frozen_charge` and `frozen_density` are given as; absent, they are found.
        coarser: of the same cell on another mesh, from whose states those of this one are tried for first.
        frozen_charge, frozen_density: (S,) charge (units of q) and density of the ions that are held, of all sites:
            where the whole circuit settled at the terminal voltage and in the light that `stack.FrozenIons` names.

    Raises `ConvergenceError` where a state that everything else starts from cannot be reached.
    """

    problem: Problem
    tolerance: float = TOLERANCE
    held: tuple[F64, F64] | None = None
    coarser: Solver | None = None
    frozen_charge: F64 = field(init=False)
    frozen_density: F64 = field(init=False)
    #: whether Newton's method has met what it did not reach, and minds pockets of carriers from then on
    _careful: bool = field(init=False, default=False)
    #: kT, what the charges of a sample without contacts tell of its potential
    _resolved: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        problem = self.problem
        announce_compilation()
        self.system = System.of(problem, problem.circuit)
        #: the same with nothing in series, to start from
        self._bare = self.system
        if problem.circuit.lone_junction() and problem.circuit.resistance > 0.0:
            self._bare = replace(
                self.system, net=problem.circuit.without_resistance().net(problem.parts, problem.lights)
            )
        self.generation = problem.generation
        if self.coarser is not None:
            self._careful = self.coarser._careful
        self.frozen_charge, self.frozen_density = held_ions(self) if self.held is None else self.held

    @cached_property
    def dark(self) -> F64:
        """The row of the dark equilibrium."""
        if self.alone:
            return self._composed([State(0.0, one.dark) for one in self.alone])
        return self.system.settle(self.problem.stack.name, self.frozen_charge)

    @cached_property
    def moving(self) -> Solver:
        """Of the same cell whose ions all move."""
        coarser = None if self.coarser is None else self.coarser.moving
        return Solver(self.problem.all_moving(), self.tolerance, coarser=coarser)

    @cached_property
    def settled(self) -> dict[tuple[float, float], State]:
        """States of `moving` in which ions are held, by bias (V) and light (suns)."""
        return {}

    @property
    def _patience(self) -> Patience:
        return Patience(_ITERATIONS, max(self.tolerance, self._resolved), LONGEST, self._careful)

    # --- the states that everything starts from ----------------------------------------------------------------------

    def held_in(self, parts: Sequence[int]) -> tuple[F64, F64]:
        """What is held in some neighbouring parts, for a solver of them alone."""
        here = slice(self.problem.sites[parts[0]].start, self.problem.sites[parts[-1]].stop)
        return self.frozen_charge[here], self.frozen_density[here]

    # --- continuation ------------------------------------------------------------------------------------------------

    def _reach(
        self, system: System, row: F64, generation: F64, held: F64, constraint: Constraint, stage: str
    ) -> None:
        """Let a state follow `generation` (S,) and a constraint, in place.

        Raises:
            ConvergenceError: it was not reached.
        """
        trial = row.copy()
        good, _, size = system.newton(trial, generation, held, constraint, self._patience)
        if good:
            row[:] = trial
        elif not self._settle(system, row, generation, held, constraint):
            raise unreached(self.problem.stack.name, constraint.c, row, stage, [size])

    def _settle(self, system: System, row: F64, generation: F64, held: F64, constraint: Constraint) -> bool:
        """Let a state go over to the steady one in time, in place (see `pseudo_transient.settle`), with care for
        pockets or, where that does not arrive, without.
        """
        # a bare front face that is held as the zero of energy is no contact that pockets lose carriers to
        self._careful = not self.problem.isolated
        return any(
            settle(system, row, generation, held, constraint, self.tolerance, LONGEST, careful)
            for careful in (True, False)
        )

    @cached_property
    def alone(self) -> tuple[Solver, ...]:
        """Solvers of what this circuit is started from: its junctions in series, or its columns side by side."""
        problem = self.problem
        if len(problem.groups) > 1:
            each = [(problem.group(g), one.parts) for g, one in enumerate(problem.groups)]
        elif len(problem.parts) > 1:
            each = [(problem.part(d), (d,)) for d in range(len(problem.parts))]
        else:
            return ()
        coarser: tuple[Solver | None, ...] = () if self.coarser is None else self.coarser.alone
        if len(coarser) != len(each):
            # of other areas of an uneven face
            coarser = (None,) * len(each)
        return tuple(
            Solver(one, self.tolerance, self.held_in(parts), other)
            for (one, parts), other in zip(each, coarser, strict=True)
        )

    @cached_property
    def junctions(self) -> dict[str, Solver]:
        """What solves each junction of a tandem by itself, lit as it is in the tandem; nothing for other cells.

        A junction has its own shunt. What is in series with all, and the light that one makes in another, are not part
        of it. Junctions that are one mesh are taken as if an ideal contact were between them.
        """
        problem = self.problem
        if not any(group.name for group in problem.groups) and not problem.parts[0].halves:
            return {}
        if any(part.halves for part in problem.parts):
            return Solver(with_ideal_joints(problem), self.tolerance).junctions
        return {group.name: one for group, one in zip(problem.groups, self.alone, strict=True)}

    def relit(self, generation: F64) -> Solver:
        """The same cell with other pairs made in it: a solver that shares all else with this one.

        Args:
            generation: (S,) per area of each part, time and site at 1 sun, part after part, m^-2 s^-1.
        """
        made = object.__new__(Solver)
        made.__dict__.update({key: value for key, value in self.__dict__.items() if key not in _CACHED})
        made.problem = self.problem.relit(generation)
        made.generation = made.problem.generation
        return made

    def short_circuit(self, intensity: float) -> State:
        """The state under `intensity` suns that others are reached from: short circuit of a junction or of columns,
        open circuit in series and where the other is not found.

        Raises:
            ConvergenceError: it could not be reached.
        """
        if intensity not in self.known:
            found = begun(self, intensity)
            self.known[intensity] = self._from_the_dark(intensity) if found is None else found
        state = self.known[intensity]
        return State(state.voltage, state.row.copy())

    @cached_property
    def known(self) -> dict[float, State]:
        """What `short_circuit` has found, by suns."""
        return {}

    def solved(self, near: State, intensity: float, constraint: Constraint) -> State | None:
        """What Newton's method finds from a state, nothing where it does not arrive."""
        row, lit = near.row.copy(), intensity * self.generation
        good, _, _ = self._bare.newton(row, lit, self.frozen_charge, constraint, self._patience)
        return State(self._terminals(row, lit), row) if good else None

    def _from_the_dark(self, intensity: float) -> State:
        problem = self.problem
        lit = intensity * self.generation
        if len(problem.groups) > 1:
            states = [of_junction(one, intensity) for one in self.alone]
            row = self._composed(states)
            voltage = sum(state.voltage for state in states)
            # the light between the junctions shifts it; where that is not found, the junctions' own will do
            trial = row.copy()
            good, _, _ = self.system.newton(trial, lit, self.frozen_charge, held_current(), self._patience)
            if good:
                return State(self._terminals(trial, lit), trial)
            return State(voltage, row)
        if len(problem.parts) > 1:
            states = [one.sweep([0.0], intensity).state(0) for one in self.alone]
            return State(0.0, self._composed(states))
        row = self.dark.copy()
        if intensity > 0.0 and problem.parts[0].halves:
            try:
                row = self._lit_halves(intensity)
                return State(self._terminals(row, lit), row)
            except ConvergenceError:
                # where next to nothing recombines the dark cell has no slope by which open circuit is found
                row = self.dark.copy()
        if intensity > 0.0 and problem.isolated:
            near = flat_levels(self.system, row, lit, self.frozen_charge)
            row = row if near is None else near
            self._resolved = rounding(self.system, row, self.frozen_charge)
        if intensity > 0.0:
            try:
                self._reach(self._bare, row, lit, self.frozen_charge, held_voltage(), "light")
            except ConvergenceError:
                if problem.isolated or not (self._kept_in(row, lit) or brightened(row, lit, self._lit)):
                    raise
        return State(self._terminals(row, lit), row)

    def _kept_in(self, row: F64, lit: F64) -> bool:
        """Let the dark state go over to open circuit from flat levels, in place; False where that is not reached.

        What barriers keep in recombines there, as in a sample without contacts.
        """
        near = flat_levels(self.system, row, lit, self.frozen_charge)
        if near is None:
            return False
        try:
            self._reach(self._bare, near, lit, self.frozen_charge, held_current(), "light")
        except ConvergenceError:
            return False
        row[:] = near
        return True

    def _lit(self, row: F64, lit: F64) -> bool:
        """Let a state go over to short circuit in a light, in place; False where it does not arrive."""
        return self._settle(self._bare, row, lit, self.frozen_charge, held_voltage())

    @cached_property
    def _apart(self) -> Solver:
        """Of the halves of one mesh, as if an ideal contact were between them."""
        return Solver(apart(self.problem.parts[0]), self.tolerance, (self.frozen_charge, self.frozen_density))

    def _lit_halves(self, intensity: float) -> F64:
        """The row of halves at open circuit, from what they are apart; or from the dark, with rising light."""
        lit, patience = (
            intensity * self.generation,
            Patience(_ITERATIONS_ALONE, self.tolerance, LONGEST, self._careful),
        )
        try:
            halves = self._apart.short_circuit(intensity)
            row = as_one(self._apart.system.device, halves.row, self.system.device)
            good, _, _ = self._bare.newton(row, lit, self.frozen_charge, held_current(), patience)
        except ConvergenceError:
            good = False
        if not good:
            row = self.dark.copy()
            self._reach(self._bare, row, lit, self.frozen_charge, held_current(), "light")
        return row

    def _composed(self, states: Sequence[State]) -> F64:
        """The row of this circuit from those of the solvers that it is started from."""
        into = state_in(self.system.device, row := np.zeros(state_width(self.system.device)))
        each = [state_in(one.system.device, state.row) for one, state in zip(self.alone, states, strict=True)]
        for whole, values in zip(into, zip(*each, strict=True), strict=True):
            whole[...] = np.concatenate(values, axis=-1)
        return row

    def _terminals(self, row: F64, lit: F64) -> float:
        """The terminal voltage of a state, V."""
        voltage, current = self._observed(row[None], lit)[:2]
        return float(self.problem.circuit.terminal_voltage(voltage, current)[0])

    def _follow(
        self,
        targets: F64,
        intensity: float,
        start: State | None,
        constraint: Constraint,
        from_value: float | None = None,
    ) -> States:
        state = self.short_circuit(intensity) if start is None else start
        row, lit = state.row.copy(), intensity * self.generation
        # a state that is given may have been found under other light, one of several parts is what they are alone
        solved = start is None and len(self.problem.parts) == 1
        path = self.system.path(targets, state.voltage if from_value is None else from_value, solved=solved)
        self.system.follow(row, lit, self.frozen_charge, constraint, self._patience, path)
        for _ in range(_DETOURS):
            # a point that no step reaches is reached by the way that time takes, and the path goes on from there
            lost = int(np.argmin(path.reached))
            row = path.rows[lost].copy()
            held = constraint._replace(c=float(path.targets[lost]))
            if path.reached[lost] or not self._settle(self.system, row, lit, self.frozen_charge, held):
                break
            rest = self.system.path(path.targets[lost:], held.c, solved=True)
            self.system.follow(row, lit, self.frozen_charge, constraint, self._patience, rest)
            for name in ("rows", "lights", "reached", "iterations", "size"):
                getattr(path, name)[lost:] = getattr(rest, name)
        return self._collect(targets, intensity, path.rows, path.reached, path.iterations)

    # --- what instruments call ---------------------------------------------------------------------------------------

    def sweep(self, voltage: ArrayLike, intensity: float, start: State | None = None) -> States:
        """Steady states at a list of terminal voltages (V), each starting from the one before.

        A point that cannot be reached is recorded as not converged (current NaN), and the sweep goes on. A sample
        without contacts has one state in each light, and 0 V stands for it.

        Raises:
            InputError: another voltage than 0 V at the terminals that such a sample has not.
            ConvergenceError: the state that all are reached from was not found, where no start is given.
        """
        targets = np.atleast_1d(np.asarray(voltage, dtype=float))
        if np.any(targets != 0.0):
            self._with_terminals("a voltage")
        return self._follow(targets, intensity, start, held_voltage())

    def _with_terminals(self, what: str) -> None:
        """Refuse what only a cell with contacts can be asked for."""
        if self.problem.isolated:
            raise InputError(
                f'"{self.problem.stack.name}" has no contacts that carriers pass, so that {what} means nothing: all '
                "that is generated in it recombines there, and no current flows.",
                "Ask what light splits its quasi-Fermi levels to (perotwin pl), or give a contact of the sample a "
                "surface recombination velocity above zero.",
                key="contact",
            )

    def delivers_nothing(self, short: States, intensity: float) -> bool:
        """Whether at short circuit next to nothing of what light makes leaves the cell, so that arithmetic need not
        find an open circuit: over volts the current is below what is told from none.
        """
        most = intensity * self.problem.photocurrent_scale
        return bool(short.converged[0]) and abs(float(short.current[0])) <= NOTHING * most

    def open_circuit(self, near: State, intensity: float) -> States:
        """The state at which no current leaves the cell, from a nearby one; of a sample without contacts its only one.

        Raises:
            ConvergenceError: it was not found.
        """
        if self.problem.isolated:
            only = self.sweep([0.0], intensity, near)
            if not only.converged[0]:
                raise unreached(self.problem.stack.name, 0.0, near.row, "light")
            return only
        found, size = self._open_circuit_near(near, intensity)
        if found is None and len(self.problem.groups) > 1:
            # junctions in series are reached from open circuit
            found, size = self._open_circuit_near(self.short_circuit(intensity), intensity)
        if found is None:
            raise unreached(self.problem.stack.name, near.voltage, near.row, "open circuit", [size])
        return found

    def _open_circuit_near(self, near: State, intensity: float) -> tuple[States | None, float]:
        """Open circuit, or nothing where it is not found from a state, and the last step."""
        state, size, lit = near, np.inf, intensity * self.generation
        patience = Patience(_ITERATIONS_ALONE, self.tolerance, LONGEST, self._careful)
        rough: States | None = None
        # from far away Newton's method may not arrive, or at rounding: then along the curve, by voltages
        for _ in range(_APPROACHES):
            row, good = state.row.copy(), False
            if rough is None:
                good, count, size = self.system.newton(row, lit, self.frozen_charge, held_current(), patience)
            if good:
                voltage = np.array([self._terminals(row, lit)])
                rough = self._collect(voltage, intensity, row[None], np.array([True]), np.array([count]))
                if told(self, rough.state(0), intensity):
                    return rough, size
                state = rough.state(0)
            here = self.sweep([state.voltage], intensity, state)
            if here.converged[0]:
                slope = self.slope(here.state(0), intensity)
                if slope == 0.0:
                    break  # nothing passes the cell at all
                change = -float(here.current[0]) / slope
                if abs(change) < patience.tolerance * self.problem.vt:
                    # a current far below that of the light is told from none by the voltage that it hangs on
                    return here, abs(change) / self.problem.vt
                nearer = state.voltage + float(np.clip(change, -_LONGEST_APPROACH, _LONGEST_APPROACH))
                here = self.sweep([nearer], intensity, here.state(0))
            if not here.converged[0]:
                break
            state = here.state(0)
        if (found := crossing(self, near, intensity) or rough) is not None:
            return found, 0.0
        row = near.row.copy()
        if self._settle(self.system, row, lit, self.frozen_charge, held_current()):
            voltage = np.array([self._terminals(row, lit)])
            return self._collect(voltage, intensity, row[None], np.array([True]), np.array([0])), 0.0
        return None, size

    def loaded(self, load: float, intensity: float) -> States:
        """The state with a resistor (ohm m^2) across the terminals; not converged where it cannot be reached.

        Raises:
            ConvergenceError: the state that it is reached from was not found.
        """
        self._with_terminals("a load")
        state = self.short_circuit(intensity)
        _, current, _ = self._observed(state.row[None], intensity * self.generation)
        first = state.voltage - load * float(self.problem.circuit.total(current)[0])
        found = self._follow(np.zeros(1), intensity, state, loaded(load), first)
        voltage = load * found.current
        return replace(
            found, voltage=voltage, parts=tuple(replace(one, voltage=voltage) for one in found.parts)
        )

    def slope(self, state: State, intensity: float) -> float:
        """dJ/dV at the terminals, S m^-2, of the steady curve through a state under `intensity` suns; exact."""
        from perotwin.transport.linear_response import terminal_slope

        self._with_terminals("a current")
        return terminal_slope(self, state)

    def light_response(self, state: State, intensity: float) -> float:
        """dJ per sun of extra light, A m^-2, at a fixed terminal voltage and with ions held; exact."""
        from perotwin.transport.linear_response import photocurrent_response

        self._with_terminals("a photocurrent")
        made = [part.generation[None] for part in self.problem.parts]
        return float(photocurrent_response(self, state, made)[0])

    def spectral_response(self, state: State, intensity: float) -> F64:
        """(W,) dJ per extra photon of each wavelength of the problem's absorption, C; as `light_response`."""
        from perotwin.transport.linear_response import spectral_response

        self._with_terminals("a photocurrent")
        return spectral_response(self, state)

    def linearised(
        self, state: State, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> Linearised:
        """Small signals about a state under `light` suns; see `small_signal.Linearised`."""
        from perotwin.transport.small_signal import Linearised

        self._with_terminals("a small signal at its terminals")
        return Linearised(self, state, light, ions)

    # --- what was found ----------------------------------------------------------------------------------------------

    def _observed(self, rows: F64, lit: F64) -> tuple[F64, F64, tuple[F64, F64, F64, F64]]:
        """Of K states: junction voltages (V), currents with shunts (A m^-2), both (D, K); what `observe` found, and
        the shunts' currents (D, K).
        """
        device, net = self.system.device, self.system.net
        count, parts = rows.shape[0], net.anode.size
        channel = np.empty((count, device.channels))
        ends = np.empty((count, parts, 3))
        lights = np.empty((count, net.emitter.size))
        observe(device, self.system.work, net, rows, lit, lights, channel, ends)
        first = 3 * device.x.size + device.ion.shape[0]
        v = rows[:, first : first + parts].T
        shunt = net.leak[:, None] * v
        current = net.charge[:, None] * ends[:, :, 0].T - shunt
        return self.problem.vt * v, current, (channel, ends, lights, shunt)

    def _channels(self, d: int) -> NDArray[np.int64]:
        """Columns of what `observe` finds that are the channels of junction d."""
        device, junction = self.system.device, self.problem.parts[d]
        mechanisms = len(MECHANISMS) * junction.device.offset.size
        traps = mechanisms + junction.device.trap.shape[0]
        before = self.problem.parts[:d]
        all_mechanisms = len(MECHANISMS) * device.offset.size
        found = []
        for channel in junction.channels:
            index = channel.index
            if index < mechanisms:
                index += sum(len(MECHANISMS) * one.device.offset.size for one in before)
            elif index < traps:
                index += all_mechanisms - mechanisms + sum(one.device.trap.shape[0] for one in before)
            else:
                index += all_mechanisms + device.trap.shape[0] - traps
                index += sum(one.device.face_trap.shape[0] for one in before)
            found.append(index)
        return np.array(found, dtype=np.int64)

    def _collect(
        self, targets: F64, intensity: float, rows: F64, converged: NDArray[np.bool_], iterations: NDArray[np.int64]
    ) -> States:  # fmt: skip
        """What is reported of states that were found, K of them; `targets` are their terminal voltages (V)."""
        lit = intensity * self.generation
        voltage, current, (channel, ends, lights, shunt) = self._observed(rows, lit)
        current = np.where(converged, current, np.nan)
        net = self.system.net
        parts = []
        for d, junction in enumerate(self.problem.parts):
            sites = self.problem.sites[d]
            # signs: a loss is positive. Electrons lost at the anode, holes at the cathode.
            sign = 1.0 if junction.device.anode_front else -1.0
            of_anode, of_cathode = sign * Q * ends[:, d, 1], sign * Q * ends[:, d, 2]
            front, back = (of_anode, of_cathode) if junction.device.anode_front else (-of_cathode, -of_anode)
            coupled = None
            for number in np.flatnonzero(net.receiver == d):
                profile = net.profile[net.profile_start[number] : net.profile_start[number + 1]]
                more = lights[:, number, None] * profile
                coupled = more if coupled is None else coupled + more
            parts.append(
                JunctionStates(
                    junction,
                    intensity,
                    targets,
                    voltage[d],
                    current[d],
                    converged,
                    **self._fields(rows, d),
                    channel=channel[:, self._channels(d)] * Q,
                    front_loss=front,
                    back_loss=back,
                    shunt=shunt[d],
                    frozen_charge=self.frozen_charge[sites],
                    frozen_density=self.frozen_density[sites],
                    coupled=coupled,
                )
            )
        total = self.problem.circuit.total(current)
        return States(self.problem, intensity, targets, total, converged, iterations, rows, tuple(parts))

    def _fields(self, rows: F64, d: int) -> dict[str, F64]:
        """The fields of junction d in K rows, as views."""
        device = self.system.device
        here, nodes = device.nodes(d), device.x.size
        ions = 3 * nodes
        rest = ions + device.ion.shape[0] + len(self.problem.parts)
        species = device.layer_junction[device.ion[:, I_LAYER].astype(int)] == d

        def at(first: int) -> F64:
            return rows[:, first + here.start : first + here.stop]

        return {
            "psi": at(0),
            "fn": at(nodes),
            "fp": at(2 * nodes),
            "mu": rows[:, ions : ions + species.size][:, species],
            "fn_rest": at(rest),
            "fp_rest": at(rest + nodes),
        }


_CACHED = ("alone", "junctions", "known", "_apart")


def sweep(problem: Problem, voltage: ArrayLike, intensity: float | None = None) -> States:
    """Steady states of a problem at a list of terminal voltages.

    Args:
        problem: from `build`.
        voltage: (K,) V.
        intensity: suns; the stack's own if absent.

    Returns:
        `States`; points that could not be reached are NaN in `current` and False in `converged`.

    Raises:
        ConvergenceError: not even the state that all are reached from was found.
    """
    suns = float(problem.stack.light.intensity) if intensity is None else intensity
    return Solver(problem).sweep(voltage, suns)
