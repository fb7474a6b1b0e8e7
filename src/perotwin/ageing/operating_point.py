"""Where a cell stands under given conditions, quickly and again and again while its numbers drift.

    devices = Devices(cell)
    point = devices.at(changes, light=1.0, bias=MaximumPower(), temperature=298.15)

Optics, meshes and the first state are made once for each temperature. A drift moves no light: the cell is rebuilt on
the same mesh with the optics that are kept, and solved from the state that was found before. At
maximum power J + V dJ/dV is zero, and dJ/dV is exact, so that the secant from the last one takes three points.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.ageing.conditions import FixedVoltage, MaximumPower, OpenCircuit, ShortCircuit
from perotwin.errors import ConvergenceError, InputError
from perotwin.optics.grids import same_grids
from perotwin.stack import Parallel
from perotwin.transport.build import Problem, build
from perotwin.transport.device import I_LAYER, I_SITES, I_Z, ION_COLUMNS
from perotwin.transport.junction import Junction
from perotwin.transport.profiles import junction_profiles
from perotwin.transport.states import JunctionStates, State, States
from perotwin.transport.steady import Solver

if TYPE_CHECKING:
    from perotwin.stack import Cell, Stack

__all__ = ["Changes", "Devices", "Point"]

F64 = NDArray[np.float64]

#: field paths of the whole cell -> "times" or "to", and a number
Changes = Mapping[str, tuple[str, float]]

#: V: how near maximum power is met, the first step towards it, the longest, and from which on two tell how power bends
_EXACT, _FIRST_MOVE, _FAR, _BENT = 5e-6, 4e-3, 0.05, 1e-5
#: steps towards maximum power, at most; of a first curve, V
_STEPS, _CURVE = 25, 0.05
#: temperatures that are kept
_KEPT = 8


@dataclass(frozen=True)
class Point:
    """A cell under given conditions.

    Attributes:
        voltage: V. current: A m^-2. power: W m^-2.
        electrons, holes, pairs: by junction, means over its absorber, the last of the root of n p, as the cell holds
            them (m^-3).
        states: as they were solved, one point. problem: what was solved.
    """

    voltage: float
    current: float
    electrons: Mapping[str, float]
    holes: Mapping[str, float]
    pairs: Mapping[str, float]
    states: States
    problem: Problem

    @property
    def state(self) -> State:
        """To start the next one from."""
        return self.states.state(0)

    @property
    def power(self) -> float:
        """W m^-2."""
        return self.voltage * self.current


@dataclass
class _Kept:
    """What is kept of a temperature: the cell, its meshes, optics and grids, and by light and bias the last state and
    how power bends there."""

    cell: Cell
    problem: Problem
    grids: dict[Any, Any]
    near: dict[Any, tuple[State, float]] = field(default_factory=dict)


class Devices:
    """The cell at any temperature, with any of its numbers changed. Use as a context manager: optics are kept inside.

    Attributes:
        cell: as it was fresh. solved: points of a curve that were solved so far. optics: calculations of the light.

    Raises:
        InputError: columns side by side, or four terminals.
    """

    def __init__(self, cell: Cell) -> None:
        if isinstance(cell, Parallel) or any(
            isinstance(one, Parallel) for one in getattr(cell, "cells", {}).values()
        ):
            raise InputError(
                f'"{cell.name}" has columns side by side, each of which would age by itself.',
                "Take a cell with one effective face, or age its columns as cells of their own.",
                key="column",
            )
        self.cell = cell
        self.solved = 0
        self.optics = 0
        self._kept: OrderedDict[float, _Kept] = OrderedDict()
        self._open = ExitStack()

    def __enter__(self) -> Devices:
        from perotwin.optics.reuse import reusing

        self._open.enter_context(reusing(4 * _KEPT))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # --- cells -------------------------------------------------------------------------------------------------------

    def stacks(self, temperature: float) -> dict[str, Stack]:
        """The junctions of the cell at a temperature (K) by the prefix of their field paths."""
        return dict(self._at(temperature).cell.stacks)

    def fresh(self, temperature: float) -> Problem:
        """The fresh cell at a temperature (K), ready to be solved."""
        return self._at(temperature).problem

    def _at(self, temperature: float) -> _Kept:
        found = self._kept.get(temperature)
        if found is None:
            cell = self.cell
            if float(cell.temperature) != temperature:
                cell = cell.with_values({"temperature": temperature})
            grids: dict[Any, Any] = {}
            with same_grids(grids):
                problem = build(cell)
            self.optics += 1
            found = self._kept[temperature] = _Kept(cell, problem, grids)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(temperature)
        return found

    def changed(self, changes: Changes, temperature: float) -> Problem:
        """The cell with changed numbers, on the meshes and with the optics of the fresh one."""
        kept = self._at(temperature)
        values = {}
        for path, (how, number) in changes.items():
            if how == "to":
                values[path] = number
            elif number != 1.0:
                now = kept.cell.get(path)
                values[path] = float(now) * number
        if not values:
            return kept.problem
        # grids and the areas of an uneven face stay as many, so that one state leads to the next
        with same_grids(kept.grids):
            return build(kept.cell.with_values(values), density=kept.problem.meshes)

    # --- points ------------------------------------------------------------------------------------------------------

    def at(
        self,
        changes: Changes,
        light: float,
        bias: MaximumPower | OpenCircuit | ShortCircuit | FixedVoltage,
        temperature: float,
    ) -> Point:
        """Where the cell stands.

        Args:
            changes: of its numbers. light: suns. bias: of its terminals. temperature: K.

        Raises:
            ConvergenceError: it could not be solved.
        """
        kept = self._at(temperature)
        problem = self.changed(changes, temperature)
        solver = Solver(problem)
        key = (light, bias)
        near = kept.near.get(key)
        bend = 0.0
        if isinstance(bias, MaximumPower):
            found, bend = self._maximum(solver, light, near)
        elif isinstance(bias, OpenCircuit):
            found = self._open_circuit(solver, light, None if near is None else near[0])
        else:
            volts = float(bias.voltage) if isinstance(bias, FixedVoltage) else 0.0
            found = self._swept(solver, np.array([volts]), light, None if near is None else near[0])
        point = self._point(problem, found, 0)
        kept.near[key] = point.state, bend
        return point

    def _swept(self, solver: Solver, volts: F64, light: float, near: State | None) -> States:
        """States at some voltages, from a state near by or from the beginning."""
        for start in (near, None) if near is not None else (None,):
            way = volts if start is not None or volts.size > 1 else _ramp(float(volts[0]))
            try:
                found = solver.sweep(way, light, start)
            except ConvergenceError:
                continue
            self.solved += way.size
            if found.converged[-volts.size :].all():
                return found.pick(np.arange(way.size - volts.size, way.size))
        raise ConvergenceError(
            f'"{self.cell.name}" could not be solved at {float(volts[0]):.4g} V in {light:g} sun while it aged.',
            "Look at the cell with the numbers that it had then; a rate may be far out of the ordinary.",
            voltage=float(volts[0]),
            stage="ageing",
        )

    def _open_circuit(self, solver: Solver, light: float, near: State | None) -> States:
        from perotwin.lab import open_circuit

        if light == 0.0:
            return self._swept(solver, np.zeros(1), 0.0, near)
        if near is not None:
            try:
                found = solver.open_circuit(near, light)
                self.solved += 1
                return found
            except ConvergenceError:
                pass
        self.solved += 60
        return open_circuit.settled(solver, light)

    def _first(self, solver: Solver, light: float) -> State:
        """A state near maximum power, of a curve from 0 V."""
        volts = np.arange(0.0, solver.problem.highest_voltage, _CURVE)
        curve = solver.sweep(volts, light)
        power = np.where(curve.converged, curve.voltage * curve.current, -np.inf)
        # beyond open circuit nothing is of use, and what could not be reached there neither
        best = int(np.argmax(power))
        self.solved += volts.size
        if not np.isfinite(power[best]):
            raise ConvergenceError(
                f'"{self.cell.name}" could not be solved in {light:g} sun.',
                "Look at perotwin jv under the same light.",
                stage="ageing",
            )
        return curve.state(best)

    def _maximum(
        self, solver: Solver, light: float, near: tuple[State, float] | None
    ) -> tuple[States, float]:
        """The state at maximum power, where J + V dJ/dV is zero, and the slope of that by the voltage.

        The slope dJ/dV of a state is exact, so that what is found does not hang on where it was looked for from.
        """
        state, bend = (self._first(solver, light), 0.0) if near is None else near
        volts, last = state.voltage, (np.nan, np.nan)
        for _ in range(_STEPS):
            found = self._swept(solver, np.array([volts]), light, state)
            state = found.state(0)
            drive = float(found.current[0]) + volts * solver.slope(state, light)
            if np.isfinite(last[0]) and abs(volts - last[0]) > _BENT:
                bend = (drive - last[1]) / (volts - last[0])
            move = float(np.sign(drive)) * _FIRST_MOVE if bend >= 0.0 else -drive / bend
            if abs(move) <= _EXACT:
                return found, bend
            last, volts = (volts, drive), volts + float(np.clip(move, -_FAR, _FAR))
        raise ConvergenceError(
            f'maximum power of "{self.cell.name}" was not found in {light:g} sun.',
            "Look at perotwin jv under the same light.",
            stage="ageing",
        )

    def held_as(self, before: Point, now: Point, light: float) -> float:
        """Current (A m^-2) of a cell at its voltage whose ions are still where they were in another one.

        Args:
            before: where the ions are. now: whose cell and voltage. light: suns.

        Raises:
            ConvergenceError: it could not be solved.
        """
        each = [_ions(part, one) for part, one in zip(before.problem.parts, before.states.parts, strict=True)]
        charge, density = (np.concatenate([one[k] for one in each]) for k in (0, 1))
        parts = tuple(
            replace(part, device=part.device._replace(ion=np.zeros((0, ION_COLUMNS))), mobile=None)
            for part in now.problem.parts
        )
        solver = Solver(replace(now.problem, parts=parts), held=(charge, density))
        return float(self._swept(solver, np.array([now.voltage]), light, None).current[0])

    def _point(self, problem: Problem, found: States, which: int) -> Point:
        sums: dict[str, F64] = {}
        for name, area, volume, n, p in _absorbers(problem, found, which):
            own = area * np.array([volume.sum(), volume @ n, volume @ p, volume @ np.sqrt(n * p)])
            sums[name] = sums.get(name, 0.0) + own
        electrons, holes, pairs = (
            {name: float(one[k] / one[0]) for name, one in sums.items()} for k in (1, 2, 3)
        )
        return Point(
            float(found.voltage[which]), float(found.current[which]), electrons, holes, pairs,
            found.pick([which]), problem,
        )  # fmt: skip


def _ions(junction: Junction, states: JunctionStates) -> tuple[F64, F64]:
    """(S,) charge (units of q) and density of the ions that settle at each point, m^-3, of one state."""
    psi = states.psi[0][junction.site_node]
    charge, density = np.zeros(psi.size), np.zeros(psi.size)
    for number, row in enumerate(junction.device.ion):
        z, sites = row[I_Z], row[I_SITES]
        here = junction.site_layer == int(row[I_LAYER])
        exponent = states.mu[0, number] - z * psi[here]
        c = np.exp(exponent) if sites == 0.0 else sites / (1.0 + sites * np.exp(-exponent))
        density[here] += c
        charge[here] += z * c
    return charge + states.frozen_charge, density + states.frozen_density


def _ramp(volts: float) -> F64:
    """Voltages from 0 V to one, in steps that a cold solver follows."""
    return np.linspace(0.0, volts, max(int(np.ceil(abs(volts) / 0.1)) + 1, 2))


def _absorbers(problem: Problem, found: States, which: int) -> Iterator[tuple[str, float, F64, F64, F64]]:
    """Of each area of a junction by the junction's name: its part of the cell's area, widths of the absorber's control
    volumes (m), electrons and holes there (m^-3)."""
    for number, part in enumerate(found.parts):
        junction = problem.parts[number]
        fields = junction_profiles(part.pick(np.array([which])))
        layers = junction.stack.electrical_layers
        homes = junction.halves or ((problem.homes or problem.names)[number],)
        absorbers = [k for k, layer in enumerate(layers) if layer.role == "absorber"]
        for name, place in zip(homes, absorbers, strict=False):
            here = junction.site_layer == place
            yield (
                name, float(problem.areas[number]), junction.device.volume[here], fields.electron_density[0, here],
                fields.hole_density[0, here],
            )  # fmt: skip
