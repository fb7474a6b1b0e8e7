"""Steady states that were found: of each junction, and of the cell that they make up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.transport.build import Group, Problem
from perotwin.transport.junction import Junction

F64 = NDArray[np.float64]

__all__ = ["JunctionStates", "State", "States"]


@dataclass(frozen=True)
class State:
    """One steady state of a cell: its terminal voltage (V) and the row of numbers that the solver keeps."""

    voltage: float
    row: F64


@dataclass(frozen=True)
class JunctionStates:
    """Steady states of one junction of a cell. K points, N nodes, S sites, C channels; per area of the junction.

    Attributes:
        junction: what was solved.
        intensity: suns.
        voltage: (K,) terminal voltage of the cell, V.
        junction_voltage: (K,) across the junction, V.
        current: (K,) current density, shunt included, A m^-2, positive = power out; NaN where not converged.
        converged: (K,) bool.
        psi: (K, N) potential, units of kT/q.
        fn, fp, fn_rest, fp_rest: (K, N) quasi-Fermi levels and what is left of them, units of kT (see `device.State`).
        mu: (K, I) ln activities of the ions that re-equilibrate.
        channel: (K, C) recombination of each of `junction.channels`, A m^-2.
        front_loss, back_loss: (K,) carriers lost at the wrong contact, A m^-2.
        shunt: (K,) current through the shunt, A m^-2.
        frozen_charge, frozen_density: (S,) charge (units of q) and density of the ions that are held, m^-3.
        coupled: (K, S) pairs that light of another layer makes besides, m^-2 s^-1; None where there is no such light.
    """

    junction: Junction
    intensity: float
    voltage: F64
    junction_voltage: F64
    current: F64
    converged: NDArray[np.bool_]
    psi: F64
    fn: F64
    fp: F64
    fn_rest: F64
    fp_rest: F64
    mu: F64
    channel: F64
    front_loss: F64
    back_loss: F64
    shunt: F64
    frozen_charge: F64
    frozen_density: F64
    coupled: F64 | None = None

    def losses(self) -> dict[str, F64]:
        """(K,) A m^-2 lost in each recombination channel, at the contacts and, if there is one, in the shunt."""
        found = {channel.name: self.channel[:, c] for c, channel in enumerate(self.junction.channels)}
        found["front contact"], found["back contact"] = self.front_loss, self.back_loss
        if self.junction.stack.circuit.shunt is not None:
            found["shunt"] = self.shunt
        return found

    def half_voltages(self) -> dict[str, F64]:
        """(K,) V of each of the junctions that are one mesh, by name."""
        up, down = self.fn + self.fn_rest, self.fp + self.fp_rest
        return half_voltages(self.junction, self.junction_voltage, up, down)

    def pick(self, index: NDArray[np.int64]) -> JunctionStates:
        """Some of the points, in the order of `index`."""
        picked: dict[str, Any] = {name: getattr(self, name)[index] for name in self._per_point}
        return replace(self, **picked)

    def joined(self, others: Sequence[JunctionStates]) -> JunctionStates:
        """These points and those of others of the same junction under the same light, one after another."""
        parts = (self, *others)
        together: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in self._per_point
        }
        return replace(self, **together)

    @property
    def _per_point(self) -> tuple[str, ...]:
        return _PER_POINT if self.coupled is None else (*_PER_POINT, "coupled")


def half_voltages(junction: Junction, voltage: F64, up: F64, down: F64) -> dict[str, F64]:
    """(K,) V of each of the junctions that are one mesh, by name.

    A junction's voltage is that between the levels of the carriers that it brings to its two neighbours.

    Args:
        junction: of halves. voltage: (K,) across it, V.
        up, down: (K, N) levels of electrons and holes, each counted from its own contact, kT.
    """
    nodes = junction.site_node[list(junction.between)]
    v = voltage[:, None] / junction.vt
    up, down = up[:, nodes], down[:, nodes] - v
    # from the anode's level to the cathode's, zero
    anode, cathode = -v, np.zeros_like(v)
    if junction.device.anode_front:
        high, low = np.hstack((up, cathode)), np.hstack((anode, down))
    else:
        high, low = np.hstack((cathode, up)), np.hstack((down, anode))
    found = junction.vt * (high - low)
    return {name: found[:, number] for number, name in enumerate(junction.halves)}


#: attributes of `JunctionStates` that have one row a point
_PER_POINT = (
    "voltage", "junction_voltage", "current", "converged", "psi", "fn", "fp", "fn_rest", "fp_rest", "mu", "channel",
    "front_loss", "back_loss", "shunt",
)  # fmt: skip


@dataclass(frozen=True)
class States:
    """Steady states of a cell along a list of K terminal voltages.

    Attributes:
        problem: what was solved.
        intensity: suns.
        voltage: (K,) at the terminals, V.
        current: (K,) A m^-2 of the cell's area, positive = power out; NaN where not converged.
        converged: (K,) bool.
        iterations: (K,) Newton iterations that each point took.
        rows: (K, width) as the solver keeps them.
        parts: the states of each junction.
    """

    problem: Problem
    intensity: float
    voltage: F64
    current: F64
    converged: NDArray[np.bool_]
    iterations: NDArray[np.int64]
    rows: F64
    parts: tuple[JunctionStates, ...]

    @property
    def inside(self) -> dict[str, JunctionStates]:
        """What the fields along x are those of, front first, by the junction's name."""
        return {name: self.parts[part] for name, part in self.problem.inside.items()}

    @property
    def shown(self) -> JunctionStates:
        """The states whose fields stand for the cell's."""
        return self.parts[self.problem.shown_number]

    @property
    def junction_voltage(self) -> F64:
        """(K,) between the outer contacts, less what is lost between, V."""
        if len(self.problem.groups) == 1:
            return self.shown.junction_voltage
        return np.asarray(sum(self._group_voltage(group) for group in self.problem.groups))

    def _group_voltage(self, group: Group) -> F64:
        columns = [self.problem.circuit.columns[part] for part in group.parts]
        voltage = np.array([part.junction_voltage for part in self.parts])
        current = np.array([part.current for part in self.parts])
        return self.problem.circuit.group_voltage(columns, group.parts, voltage, current)

    @cached_property
    def junction_voltages(self) -> dict[str, F64]:
        """(K,) V by junction of a tandem, and what is lost "between" them, in all that is in series; they add up to the
        terminal voltage. Nothing for a cell of one junction.
        """
        found: dict[str, F64] = {}
        lost = self.problem.circuit.resistance * self.current
        for group in self.problem.groups:
            part = self.parts[group.parts[0]]
            if part.junction.halves:
                halves = part.half_voltages()
                found |= halves
                lost = lost + sum(halves.values()) - part.junction_voltage
            elif group.name:
                found[group.name] = self._group_voltage(group)
        return found | {"between": lost} if found else {}

    def losses(self) -> dict[str, F64]:
        """(K,) A m^-2 of the cell's area by channel; those of several junctions by the junction's name too.

        Channels of one name in the columns of a junction are one.
        """
        found: dict[str, F64] = {}
        nothing = np.zeros(self.voltage.size)
        for group in self.problem.groups:
            each = [(float(self.problem.areas[part]), self.parts[part].losses()) for part in group.parts]
            names = dict.fromkeys(name for _, losses in each for name in losses)
            last = [name for name in ("front contact", "back contact", "shunt") if name in names]
            prefix = f"{group.name} " if group.name and not self.parts[group.parts[0]].junction.halves else ""
            # contacts and shunt come last, as for one stack
            for name in (*(name for name in names if name not in last), *last):
                found[prefix + name] = np.asarray(
                    sum(area * losses.get(name, nothing) for area, losses in each)
                )
        return found

    def joined(self, others: Sequence[States]) -> States:
        """These points and those of others of the same problem under the same light, one after another."""
        every = (self, *others)
        together: dict[str, Any] = {
            name: np.concatenate([getattr(one, name) for one in every]) for name in _OF_CELL
        }
        parts = tuple(first.joined(rest) for first, *rest in zip(*(one.parts for one in every), strict=True))
        return replace(self, parts=parts, **together)

    def pick(self, index: ArrayLike) -> States:
        """Some of the points, in the order of `index`."""
        chosen = np.asarray(index, dtype=int)
        picked: dict[str, Any] = {name: getattr(self, name)[chosen] for name in _OF_CELL}
        return replace(self, parts=tuple(part.pick(chosen) for part in self.parts), **picked)

    def state(self, index: int) -> State:
        """The state of one point, to start from."""
        return State(float(self.voltage[index]), self.rows[index].copy())


_OF_CELL = ("voltage", "current", "converged", "iterations", "rows")


def join(parts: Sequence[States]) -> States:
    """The points of several states of one problem under one light, one after another."""
    return parts[0].joined(parts[1:])
