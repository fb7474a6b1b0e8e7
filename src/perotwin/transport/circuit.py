"""The circuit of a cell: junctions, each with its shunt, and resistors between nodes; its arithmetic stands here alone.

One stack is one junction; columns are several between the same two nodes; a tandem is two or three in series, each of
which may consist of columns. Resistances times area refer to the area of their own branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perotwin.transport.junction import Junction
from perotwin.transport.kernels.circuit import ANODE, CATHODE, Constraint, Net

F64 = NDArray[np.float64]

__all__ = ["Branch", "Circuit", "Column", "Light", "Resistor"]


@dataclass(frozen=True)
class Column:
    """A junction with its own resistances (ohm m^2 of its own area; no shunt: None) on a part of the cell's area."""

    area: float = 1.0
    series: float = 0.0
    shunt: float | None = None


@dataclass(frozen=True)
class Branch:
    """Where a junction lies: its nodes, its share of the area, the conductance of the shunt beside it (S m^-2)."""

    anode: int
    cathode: int
    area: float
    shunt: float


@dataclass(frozen=True)
class Resistor:
    """A resistance (ohm m^2) between two nodes, its share of the area; current counts from tail to head."""

    tail: int
    head: int
    resistance: float
    area: float


@dataclass(frozen=True)
class Light:
    """Light that a layer of one junction makes for another one, or for another layer of itself.

    Attributes:
        emitter, receiver: numbers of the junctions. layer: index among the emitter's electrical layers.
        share: pairs in the receiver, per its area, per net radiative event per area of the emitter.
        profile: (S,) part of those pairs in each site of the receiver.
    """

    emitter: int
    layer: int
    receiver: int
    share: float
    profile: F64


@dataclass(frozen=True)
class Circuit:
    """A circuit between two terminals.

    Attributes:
        groups: the columns of each junction of the cell, from the anode's terminal to the cathode's.
        series: what is in series with all of them, ohm m^2.
    """

    groups: tuple[tuple[Column, ...], ...]
    series: float = 0.0

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns, group after group."""
        return tuple(column for group in self.groups for column in group)

    @cached_property
    def _wired(self) -> tuple[tuple[Branch, ...], tuple[Resistor, ...], int]:
        """Branches, resistors and how many nodes there are."""
        branches: list[Branch] = []
        resistors: list[Resistor] = []
        nodes, near = 2, ANODE
        alone = [group[0].series for group in self.groups if len(group) == 1]
        series = self.series + sum(alone)
        if series > 0.0:
            resistors.append(Resistor(nodes, ANODE, series, 1.0))
            nodes, near = nodes + 1, nodes
        for number, group in enumerate(self.groups):
            far = CATHODE
            if number < len(self.groups) - 1:
                nodes, far = nodes + 1, nodes
            for column in group:
                anode = near
                if len(group) > 1 and column.series > 0.0:
                    resistors.append(Resistor(nodes, near, column.series, column.area))
                    nodes, anode = nodes + 1, nodes
                shunt = 0.0 if column.shunt is None else 1.0 / column.shunt
                branches.append(Branch(anode, far, column.area, shunt))
            near = far
        return tuple(branches), tuple(resistors), nodes

    @property
    def resistance(self) -> float:
        """What is in series with all groups, ohm m^2."""
        return self.series + sum(group[0].series for group in self.groups if len(group) == 1)

    @property
    def in_series(self) -> float:
        """What series resistances come to at the terminals, ohm m^2: the columns' side by side, then all one behind the
        other. Columns of which one has none come to nothing.
        """
        total = self.resistance
        for group in self.groups:
            if len(group) > 1 and all(column.series > 0.0 for column in group):
                total += 1.0 / sum(column.area / column.series for column in group)
        return total

    def lone_junction(self) -> bool:
        """Whether it is one junction, whose voltage follows from that at the terminals and the current."""
        return len(self.columns) == 1

    def without_resistance(self) -> Circuit:
        """The same junctions with nothing in series."""
        groups = tuple(tuple(Column(one.area, 0.0, one.shunt) for one in group) for group in self.groups)
        return Circuit(groups)

    def group(self, number: int) -> Circuit:
        """One group alone: a junction without what is in series, or columns with their own resistances."""
        columns = self.groups[number]
        if len(columns) == 1:
            return Circuit(((Column(1.0, 0.0, columns[0].shunt),),))
        return Circuit((columns,))

    def column(self, number: int) -> Circuit:
        """One column alone, with its own resistances."""
        column = self.columns[number]
        return Circuit(((Column(1.0, column.series, column.shunt),),))

    def shunts(self, number: int) -> float:
        """Conductance beside a junction, S m^-2."""
        return self._wired[0][number].shunt

    def terminal_voltage(self, junction_voltage: F64, current: F64) -> F64:
        """(K,) V at the terminals, from each junction's voltage (D, K) and current (D, K), shunts included, A m^-2.

        Columns give the mean of what they say of their common nodes.
        """
        total = -self.resistance * self.total(current)
        for group, parts in zip(self.groups, self.numbers, strict=True):
            total = total + self.group_voltage(group, parts, junction_voltage, current)
        return np.asarray(total)

    @cached_property
    def numbers(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the junctions in each group."""
        ends = np.cumsum([0, *(len(group) for group in self.groups)])
        return tuple(tuple(range(a, b)) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))

    @staticmethod
    def group_voltage(
        group: Sequence[Column], parts: Sequence[int], junction_voltage: F64, current: F64
    ) -> F64:
        """(K,) V between the nodes of a group: that of its only junction, or behind the columns' own resistances."""
        if len(parts) == 1:
            return np.asarray(junction_voltage[parts[0]])
        each = [
            column.area * (junction_voltage[part] - column.series * current[part])
            for column, part in zip(group, parts, strict=True)
        ]
        return np.asarray(np.sum(each, axis=0) / sum(column.area for column in group))

    def total(self, current: F64) -> F64:
        """(K,) current at the terminals, from each junction's (D, K): the mean of what enters and what leaves."""
        ends = []
        for parts in (self.numbers[0], self.numbers[-1]):
            ends.append(sum(self.columns[part].area * current[part] for part in parts))
        return np.asarray(0.5 * (ends[0] + ends[1]))

    def net(self, junctions: Sequence[Junction], lights: Sequence[Light] = ()) -> Net:
        """The circuit as the compiled functions take it.

        Args:
            junctions: in the order of the columns. lights: between them.
        """
        branches, resistors, nodes = self._wired
        vt = junctions[0].vt
        ordered = sorted(lights, key=lambda one: one.receiver)
        ends = np.cumsum([0, *(one.profile.size for one in ordered)])
        profile = np.concatenate([one.profile for one in ordered]) if ordered else np.zeros(0)

        def numbers(values: Sequence[int]) -> NDArray[np.int64]:
            return np.array(values, dtype=np.int64)

        def floats(values: Sequence[float]) -> F64:
            return np.array(values, dtype=float)

        return Net(
            nodes=nodes,
            anode=numbers([one.anode for one in branches]),
            cathode=numbers([one.cathode for one in branches]),
            area=floats([one.area for one in branches]),
            charge=floats([one.charge for one in junctions]),
            leak=floats([vt * one.shunt for one in branches]),
            tail=numbers([one.tail for one in resistors]),
            head=numbers([one.head for one in resistors]),
            resistance=floats([one.resistance for one in resistors]),
            width=floats([one.area for one in resistors]),
            vt=vt,
            emitter=numbers([one.emitter for one in ordered]),
            layer=numbers([one.layer for one in ordered]),
            receiver=numbers([one.receiver for one in ordered]),
            share=floats([one.share for one in ordered]),
            profile_start=ends.astype(np.int64),
            profile=np.ascontiguousarray(profile, dtype=float),
        )


def held_voltage(voltage: float = 0.0) -> Constraint:
    """The terminals at a voltage, V."""
    return Constraint(1.0, 0.0, voltage)


def held_current(current: float = 0.0) -> Constraint:
    """A current out of the terminals, A m^-2."""
    return Constraint(0.0, 1.0, current)


def loaded(resistance: float) -> Constraint:
    """A resistor across the terminals, ohm m^2."""
    return Constraint(1.0, -resistance, 0.0)
