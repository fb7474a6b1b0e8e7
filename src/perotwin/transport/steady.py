"""Steady states of a cell: continuation from equilibrium to light, bias and circuit, without anything to tune.

problem = build(stack)
states = sweep(problem, np.linspace(0, 1.3, 131))
states.current            # A m^-2, positive = power out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import elementary_charge as Q

from perotwin.errors import ConvergenceError
from perotwin.progress import note
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem
from perotwin.transport.device import I_LAYER, I_Z, P_GE, P_GH, P_METAL, P_PSI, Device, Work, make_work

if TYPE_CHECKING:
    from perotwin.transport.small_signal import Linearised

F64 = NDArray[np.float64]

#: the largest last Newton step (kT, or relative change of a density) of an accepted state; convergence is quadratic,
#: so the state itself is accurate to about its square
TOLERANCE = 1e-9
#: the smallest part of a step in bias or light before a point is given up
FINEST = 1.0 / 2048.0
_ITERATIONS = 40
#: steps along the curve from which open circuit is tried for again, and the longest of them, V
_APPROACHES, _LONGEST_APPROACH = 12, 0.1
#: the longest change of the potential in one Newton step, kT
LONGEST = 10.0


@dataclass
class State:
    """One steady state; arrays are owned by it."""

    psi: F64
    fn: F64  # (2, N) in two parts that add up
    fp: F64  # (2, N)
    v: F64  # (1,) junction voltage, units of kT/q
    mu: F64  # (I,) activity of the ions that re-equilibrate

    def copy(self) -> State:
        """An independent copy."""
        return State(self.psi.copy(), self.fn.copy(), self.fp.copy(), self.v.copy(), self.mu.copy())


@dataclass(frozen=True)
class States:
    """Steady states along a list of terminal voltages. K points, N nodes, S sites, C channels.

    Attributes:
        voltage: (K,) terminal voltage asked for, V.
        junction_voltage: (K,) across the junction, V.
        current: (K,) terminal current density, A m^-2, positive = power out; NaN where not converged.
        converged: (K,) bool.
        psi: (K, N) potential, units of kT/q.
        fn, fp: (K, 2, N) quasi-Fermi levels in two parts that add up, units of kT (see `kernels`).
        channel: (K, C) recombination of each of `problem.channels`, A m^-2.
        front_loss, back_loss: (K,) carriers lost at the wrong contact, A m^-2.
        shunt: (K,) current through the shunt, A m^-2.
        mu: (K, I) activities of the ions that re-equilibrate.
        frozen_charge, frozen_density: (S,) charge (units of q) and density of the ions that are held, m^-3.
        iterations: (K,) Newton iterations that each point took.
        intensity: suns.
        coupled: (K, S) pairs that another junction's light makes besides, m^-2 s^-1; None where there is no such light.
    """

    problem: Problem
    intensity: float
    voltage: F64
    junction_voltage: F64
    current: F64
    converged: NDArray[np.bool_]
    psi: F64
    fn: F64
    fp: F64
    mu: F64
    channel: F64
    front_loss: F64
    back_loss: F64
    shunt: F64
    frozen_charge: F64
    frozen_density: F64
    iterations: NDArray[np.int64]
    coupled: F64 | None = None

    @property
    def junction_voltages(self) -> dict[str, F64]:
        """(K,) V of each junction, and what is lost "between" them; nothing where there is but one.

        A junction's voltage is that from its outer contact to the level of the carriers that it brings to the other.
        """
        problem = self.problem
        if problem.device.plane_site.size == 0:
            return {}
        node = int(problem.site_node[problem.device.plane_site[0]])
        of_electrons = self.junction_voltage + problem.vt * self.fn[:, :, node].sum(axis=1)
        of_holes = self.junction_voltage - problem.vt * self.fp[:, :, node].sum(axis=1)
        top, bottom = (of_electrons, of_holes) if problem.device.anode_front else (of_holes, of_electrons)
        return {"top": top, "bottom": bottom, "between": top + bottom - self.voltage}

    @property
    def parts(self) -> tuple[States, ...]:
        """The states of each stack that the cell consists of: itself."""
        return (self,)

    @property
    def inside(self) -> dict[str, States]:
        """What the fields along x are those of, front first: itself."""
        return {"": self}

    @property
    def shown(self) -> States:
        """The states whose fields stand for the cell's: itself."""
        return self

    def losses(self) -> dict[str, F64]:
        """(K,) A m^-2 lost in each recombination channel, at the contacts and, if there is one, in the shunt."""
        found = {channel.name: self.channel[:, c] for c, channel in enumerate(self.problem.channels)}
        found["front contact"], found["back contact"] = self.front_loss, self.back_loss
        if self.problem.stack.circuit.shunt_resistance is not None:
            found["shunt"] = self.shunt
        return found | self._inner_shunts()

    def _inner_shunts(self) -> dict[str, F64]:
        """(K,) A m^-2 through the shunt of each junction that meets another at a plane inside."""
        problem, device = self.problem, self.problem.device
        found = {}
        for site, row in zip(device.plane_site, device.plane, strict=True):
            node = int(problem.site_node[site])
            v = self.junction_voltage / problem.vt
            metal = row[P_METAL] != 0.0
            level = row[P_PSI] - self.psi[:, node]
            # each ends on the metal, or on the level of the carriers that its junction brings
            electrons = v + (level if metal else self.fn[:, :, node].sum(axis=1))
            holes = -level if metal else v - self.fp[:, :, node].sum(axis=1)
            shunts = (row[P_GE] * electrons, row[P_GH] * holes)
            names = ("top shunt", "bottom shunt")
            for name, shunt, leak in zip(
                names if device.anode_front else names[::-1], shunts, (row[P_GE], row[P_GH]), strict=True
            ):
                if leak > 0.0:
                    found[name] = Q * shunt
        return found

    def joined(self, others: Sequence[States]) -> States:
        """These points and those of others of the same problem under the same light, one after another."""
        parts = (self, *others)
        together: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in self._per_point
        }
        return replace(self, **together)

    def pick(self, index: ArrayLike) -> States:
        """Some of the points, in the order of `index`."""
        chosen = np.asarray(index, dtype=int)
        picked: dict[str, Any] = {name: getattr(self, name)[chosen] for name in self._per_point}
        return replace(self, **picked)

    @property
    def _per_point(self) -> tuple[str, ...]:
        return _PER_POINT if self.coupled is None else (*_PER_POINT, "coupled")

    def state(self, index: int) -> State:
        """The state of one point, to start from."""
        return State(
            self.psi[index].copy(),
            self.fn[index].copy(),
            self.fp[index].copy(),
            np.array([self.junction_voltage[index] / self.problem.vt]),
            self.mu[index].copy(),
        )


#: attributes of `States` that have one row a point
_PER_POINT = (
    "voltage", "junction_voltage", "current", "converged", "psi", "fn", "fp", "mu", "channel", "front_loss",
    "back_loss", "shunt", "iterations",
)  # fmt: skip


@dataclass
class Solver:
    """Solves one problem again and again; holds its scratch memory and the dark equilibrium.

    Raises `ConvergenceError` where a state that everything else starts from cannot be reached.
    """

    problem: Problem
    tolerance: float = TOLERANCE
    work: Work = field(init=False)
    frozen_charge: F64 = field(init=False)
    frozen_density: F64 = field(init=False)
    dark: State = field(init=False)

    def __post_init__(self) -> None:
        device = self.problem.device
        species = max(
            device.ion.shape[0], 0 if self.problem.mobile is None else self.problem.mobile.ion.shape[0]
        )
        self.work = make_work(device, columns=2 + species + (device.coupled.size > 0))
        _announce_compilation()
        self.frozen_charge = np.zeros(device.volume.size)
        self.frozen_density = np.zeros(device.volume.size)
        if self.problem.mobile is None:
            self.dark = self._equilibrium(device, self.frozen_charge)
            return
        self._freeze(self.problem.mobile)
        self.dark = self._equilibrium(device, self.frozen_charge)

    # --- the states that everything starts from ----------------------------------------------------------------------

    def _equilibrium(self, device: Device, charge: F64) -> State:
        nodes = device.x.size
        fraction = device.x / device.x[-1]
        psi = device.contact[0, 0] * (1.0 - fraction) + device.contact[1, 0] * fraction
        mu = self._first_activity(device, psi)
        work = make_work(device)
        iterations = k.equilibrium(device, work, psi, charge, mu, 400, 5.0)
        if iterations < 0:
            raise ConvergenceError(
                "Poisson's equation at equilibrium did not settle.",
                "Look for an extreme doping, ion density or dipole in the stack.",
                voltage=0.0,
                state=State(psi, np.zeros((2, nodes)), np.zeros((2, nodes)), np.zeros(1), mu),
                stage="equilibrium",
            )
        return State(psi, np.zeros((2, nodes)), np.zeros((2, nodes)), np.zeros(1), mu)

    @staticmethod
    def _first_activity(device: Device, psi: F64) -> F64:
        """ln activity of each moving species if its layer were at its mean potential."""
        mu = np.zeros(device.ion.shape[0])
        for number, row in enumerate(device.ion):
            m = int(row[I_LAYER])
            first, last = device.site_start[m], device.site_start[m + 1]
            nodes = np.arange(first, last) - device.offset[m]
            width = device.volume[first:last].sum()
            mu[number] = np.log(row[1] / width) + row[I_Z] * psi[nodes].mean()
        return mu

    def _freeze(self, mobile: Device) -> None:
        """Let all ions settle at the bias and light that their layers name, and hold their charge from then on."""
        layers = self.problem.stack.electrical_layers
        responses: set[tuple[float, float]] = set()
        of_layer: dict[int, tuple[float, float]] = {}
        for m, layer in enumerate(layers):
            response = None if layer.ions is None else layer.ions.response
            if response is not None and response.kind == "frozen":
                of_layer[m] = (float(response.bias), float(response.light))
                responses.add(of_layer[m])
        moving = self.problem.device.ion.shape[0]
        total, density = np.zeros(mobile.volume.size), np.zeros(mobile.volume.size)
        for bias, light in responses:
            state = self._equilibrium(mobile, np.zeros(mobile.volume.size))
            if light > 0.0 or bias != 0.0:
                work = make_work(mobile)
                self._reach(mobile, work, state, np.zeros(mobile.volume.size), light, bias, "ions")
            else:
                work = make_work(mobile)
            k.ions(mobile, work, state.psi, state.mu)
            for number in range(moving, mobile.ion.shape[0]):
                if of_layer[int(mobile.ion[number, I_LAYER])] == (bias, light):
                    total += mobile.ion[number, I_Z] * work.ion[number]
                    density += work.ion[number]
        self.frozen_charge, self.frozen_density = total, density

    # --- continuation ------------------------------------------------------------------------------------------------

    def _reach(
        self, device: Device, work: Work, state: State, charge: F64, light: float, bias: float, stage: str
    ) -> None:
        """Take `state` from dark equilibrium to `light` (suns), then to the junction voltage `bias` (V), in place."""
        generation = self.problem.generation
        if light > 0.0:
            self._illuminate(device, work, state, charge, light * generation, stage)
        if bias != float(state.v[0]) * device.vt:
            status, _ = self._follow(device, work, state, charge, light * generation, np.array([bias]), None)
            if status[0] != 0:
                raise _failure(self.problem, bias, state, stage)

    def _illuminate(
        self, device: Device, work: Work, state: State, charge: F64, generation: F64, stage: str
    ) -> None:
        """Raise the generation from nothing to `generation` at fixed voltage, in factors as large as they can be."""
        level, factor = 0.0, np.inf
        tried: list[float] = []
        first = 1e-6
        while level < 1.0:
            aim = 1.0 if not np.isfinite(factor) else min(1.0, max(level, first) * factor)
            trial = state.copy()
            status, _, size = k.newton(
                device, work, trial.psi, trial.fn, trial.fp, trial.v, aim * generation, charge, trial.mu,
                k.CONTROL_VOLTAGE, 0.0, 0.0, 0.0, 80, self.tolerance, LONGEST,
            )  # fmt: skip
            tried.append(float(size))
            if status == k.CONVERGED:
                state.psi, state.fn, state.fp, state.v, state.mu = (
                    trial.psi,
                    trial.fn,
                    trial.fp,
                    trial.v,
                    trial.mu,
                )
                level = aim
                factor = max(factor, 1.5) ** 1.5 if np.isfinite(factor) else factor
            elif not np.isfinite(factor):
                factor = 1.0 if level == 0.0 else 10.0
            elif level == 0.0 and first > 1e-14:
                first *= 1e-2
            elif factor > 1.05:
                factor = factor**0.5
            else:
                raise _failure(self.problem, float(state.v[0]) * device.vt, state, stage, tried)
            if level == first and factor == 1.0:
                factor = 10.0

    def _follow(
        self,
        device: Device,
        work: Work,
        state: State,
        charge: F64,
        generation: F64,
        targets: F64,
        circuit: tuple[float, float] | None,
    ) -> tuple[NDArray[np.int64], tuple[F64, F64, F64, F64, F64, NDArray[np.int64]]]:
        """The sweep kernel; `targets` are terminal voltages (V), `circuit` the coefficients of v and J, if any."""
        count, nodes = targets.size, device.x.size
        psi, fn, fp = np.empty((count, nodes)), np.empty((count, 2, nodes)), np.empty((count, 2, nodes))
        v, mu = np.empty(count), np.empty((count, device.ion.shape[0]))
        status, iterations = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        if circuit is None:
            control, ca, cb = k.CONTROL_VOLTAGE, 0.0, 0.0
            goals, start = targets / device.vt, float(state.v[0])
        else:
            control, (ca, cb) = k.CONTROL_CIRCUIT, circuit
            goals = targets
            start = ca * float(state.v[0]) + cb * self._current(device, work, state, generation)
        k.sweep(
            device, work, state.psi, state.fn, state.fp, state.v, generation, charge, state.mu, control, ca, cb,
            start, goals, self.tolerance, _ITERATIONS, LONGEST, FINEST, psi, fn, fp, v, mu, status, iterations,
        )  # fmt: skip
        return status, (psi, fn, fp, v, mu, iterations)

    def _current(self, device: Device, work: Work, state: State, generation: F64) -> float:
        """Current of the junction alone, A m^-2, positive = power out."""
        channel = np.empty(_channel_count(device))
        k.rates(
            device,
            work,
            state.psi,
            state.fn,
            state.fp,
            float(state.v[0]),
            channel,
            np.empty(device.volume.size),
        )
        if device.coupled.size:
            generation = generation + device.share * channel[2 * device.emitter] * device.coupled
        total, _, _ = k.terminal(device, work, generation)
        return float(total) * Q * (-1.0 if device.anode_front else 1.0)

    # --- what instruments call ---------------------------------------------------------------------------------------

    def circuit(self, load: float = 0.0) -> tuple[float, float]:
        """Coefficients a, b of V = a v + b J with v in units of kT/q and J the junction's current (A m^-2).

        Over a load (ohm m^2) V is what is left behind it: zero.
        """
        circuit = self.problem.stack.circuit
        rs = float(circuit.series_resistance) + load
        leak = 0.0 if circuit.shunt_resistance is None else 1.0 / float(circuit.shunt_resistance)
        return self.problem.vt * (1.0 + rs * leak), -rs

    def short_circuit(self, intensity: float) -> State:
        """The junction at zero voltage under `intensity` suns.

        Raises:
            ConvergenceError: the light could not be raised.
        """
        state = self.dark.copy()
        if intensity > 0.0:
            self._illuminate(
                self.problem.device,
                self.work,
                state,
                self.frozen_charge,
                intensity * self.problem.generation,
                "light",
            )
        return state

    def sweep(self, voltage: ArrayLike, intensity: float, start: State | None = None) -> States:
        """Steady states at a list of terminal voltages (V), each starting from the one before.

        A point that cannot be reached is recorded as not converged (current NaN), and the sweep goes on.
        """
        targets = np.atleast_1d(np.asarray(voltage, dtype=float))
        device = self.problem.device
        generation = intensity * self.problem.generation
        state = self.short_circuit(intensity) if start is None else start.copy()
        a, b = self.circuit()
        circuit = (a, b) if b != 0.0 else None
        status, (psi, fn, fp, v, mu, iterations) = self._follow(
            device, self.work, state, self.frozen_charge, generation, targets, circuit
        )
        return self.collect(targets, intensity, generation, psi, fn, fp, v, mu, status == 0, iterations)

    def open_circuit(self, near: State, intensity: float) -> States:
        """The state at which no current leaves the cell, from a nearby one.

        Raises:
            ConvergenceError: it was not found.
        """
        state, size = near, np.inf
        # from far away Newton's method may not arrive: then along the curve, by voltages that its slope suggests
        for _ in range(_APPROACHES):
            found, size = self._open_circuit_from(state, intensity)
            if found is not None:
                return found
            here = self.sweep([float(state.v[0]) * self.problem.vt], intensity, state)
            if not here.converged[0]:
                break
            state = here.state(0)
            change = -float(here.current[0]) / self.slope(state, intensity)
            nearer = float(here.voltage[0]) + float(np.clip(change, -_LONGEST_APPROACH, _LONGEST_APPROACH))
            made = self.sweep([nearer], intensity, state)
            if not made.converged[0]:
                break
            state = made.state(0)
        raise _failure(self.problem, float(near.v[0]) * self.problem.vt, near, "open circuit", [size])

    def _open_circuit_from(self, near: State, intensity: float) -> tuple[States | None, float]:
        """The state of no current, by Newton's method with the voltage as unknown too; None if it does not arrive."""
        leak = self.problem.stack.circuit.shunt_resistance
        slope = 0.0 if leak is None else -self.problem.vt / float(leak)
        generation = intensity * self.problem.generation
        state = near.copy()
        status, iterations, size = k.newton(
            self.problem.device, self.work, state.psi, state.fn, state.fp, state.v, generation, self.frozen_charge,
            state.mu, k.CONTROL_CIRCUIT, slope, 1.0, 0.0, 80, self.tolerance, LONGEST,
        )  # fmt: skip
        if status != k.CONVERGED:
            return None, float(size)
        voltage = float(state.v[0]) * self.problem.vt
        found = self.collect(
            np.array([voltage]), intensity, generation, state.psi[None], state.fn[None], state.fp[None], state.v,
            state.mu[None], np.array([True]), np.array([iterations]),
        )  # fmt: skip
        return found, float(size)

    def loaded(self, load: float, intensity: float) -> States:
        """The state with a resistor (ohm m^2) across the terminals: a load in series is series resistance at 0 V.

        It is recorded as not converged where it cannot be reached.

        Raises:
            ConvergenceError: the light could not be raised.
        """
        a, b = self.circuit(load)
        generation = intensity * self.problem.generation
        status, (psi, fn, fp, v, mu, iterations) = self._follow(
            self.problem.device, self.work, self.short_circuit(intensity), self.frozen_charge, generation,
            np.zeros(1), (a, b) if b != 0.0 else None,
        )  # fmt: skip
        found = self.collect(np.zeros(1), intensity, generation, psi, fn, fp, v, mu, status == 0, iterations)
        return replace(found, voltage=load * found.current)

    def slope(self, state: State, intensity: float) -> float:
        """dJ/dV at the terminals, S m^-2, of the steady curve through a state under `intensity` suns; exact."""
        from perotwin.transport.response import terminal_slope

        return terminal_slope(self, state, intensity)

    def light_response(self, state: State, intensity: float) -> float:
        """dJ per sun of extra light, A m^-2, at a fixed terminal voltage and with ions held; exact."""
        from perotwin.transport.response import photocurrent_response

        return float(photocurrent_response(self, state, intensity, self.problem.generation[None])[0])

    def spectral_response(self, state: State, intensity: float) -> F64:
        """(W,) dJ per extra photon of each wavelength of the problem's absorption, C; as `light_response`."""
        from perotwin.transport.response import photocurrent_response

        return photocurrent_response(self, state, intensity, self.problem.absorption.spectral)

    def linearised(
        self, state: State, light: float, ions: Literal["moving", "held"] = "moving"
    ) -> Linearised:
        """Small signals about a state under `light` suns; see `small_signal.Linearised`."""
        from perotwin.transport.small_signal import Linearised

        return Linearised(self, state, light, ions)

    def collect(
        self, targets: F64, intensity: float, generation: F64, psi: F64, fn: F64, fp: F64, v: F64, mu: F64,
        converged: NDArray[np.bool_], iterations: NDArray[np.int64], coupled: F64 | None = None,
    ) -> States:  # fmt: skip
        """What is reported of states that were found, K of them; `targets` are their terminal voltages (V)."""
        device = self.problem.device
        channel = np.empty((v.size, _channel_count(device)))
        ends = np.empty((v.size, 3))
        made = generation[None] if coupled is None else generation + coupled
        k.observe(device, self.work, made, psi, fn, fp, v, channel, ends, np.empty(device.volume.size))
        if device.coupled.size:
            coupled = device.share * channel[:, 2 * device.emitter, None] * device.coupled
        leak = self.problem.stack.circuit.shunt_resistance
        shunt = np.zeros(v.size) if leak is None else v * device.vt / float(leak)
        current = ends[:, 0] * Q * (-1.0 if device.anode_front else 1.0) - shunt
        columns = [item.index for item in self.problem.channels]
        # signs: a loss is positive. Electrons lost at the anode, holes at the cathode.
        anode_loss, cathode_loss = -Q * ends[:, 1], Q * ends[:, 2]
        if device.anode_front:
            anode_loss, cathode_loss = Q * ends[:, 1], Q * ends[:, 2]
        front, back = (anode_loss, cathode_loss) if device.anode_front else (cathode_loss, anode_loss)
        return States(
            self.problem, intensity, targets, v * device.vt, np.where(converged, current, np.nan), converged, psi, fn,
            fp, mu, channel[:, columns] * Q, front, back, shunt, self.frozen_charge,
            self.frozen_density, iterations, coupled,
        )  # fmt: skip


def _announce_compilation() -> None:
    """Say that the solver is being compiled, where numba finds nothing in its cache: it happens once."""
    from pathlib import Path

    if k.sweep.signatures:
        return
    folder = k.sweep.stats.cache_path
    if folder and not any(Path(folder).glob("kernels.sweep*.nbi")):
        note("Compiling the solver for this machine, once: about half a minute.")


def _channel_count(device: Device) -> int:
    return 2 * device.offset.size + device.trap.shape[0] + device.face_trap.shape[0]


def _failure(
    problem: Problem, voltage: float, state: State, stage: str, history: list[float] | None = None
) -> ConvergenceError:
    return ConvergenceError(
        f'the steady state of "{problem.stack.name}" could not be reached at {voltage:.4g} V (stage: {stage}).',
        "Run perotwin check on it and look for a value far out of the ordinary: a band offset or dipole above 1 eV, a "
        "density above 1e21 cm^-3, a temperature below 100 K. The error holds the last state that was reached.",
        voltage=voltage,
        state=state,
        residual_history=history or [],
        stage=stage,
    )


def sweep(problem: Problem, voltage: ArrayLike, intensity: float | None = None) -> States:
    """Steady states of a problem at a list of terminal voltages.

    Args:
        problem: from `build`.
        voltage: (K,) V.
        intensity: suns; the stack's own if absent.

    Returns:
        `States`; points that could not be reached are NaN in `current` and False in `converged`.

    Raises:
        ConvergenceError: not even short circuit could be reached.
    """
    suns = float(problem.stack.light.intensity) if intensity is None else intensity
    return Solver(problem).sweep(voltage, suns)
