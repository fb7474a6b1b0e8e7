"""Circuits by hand: single junctions, each at a held voltage under a light that is given, and a root finder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.constants import elementary_charge as Q
from scipy.optimize import brentq

from perotwin.transport.circuit import Circuit, Column
from perotwin.transport.steady import Solver, States

#: V about a junction's voltage within which it is looked for
NEAR = 5e-3


def radiated(states: Any, layer: int) -> np.ndarray:
    """(K,) A m^-2 that a layer of a junction radiates net."""
    name = states.junction.stack.electrical_layers[layer].name
    return np.asarray(states.losses()[f"{name} radiative"])


class ByHand:
    """The junctions of a circuit, each alone, near one of its states and in the light that they had there."""

    def __init__(self, solver: Solver, states: States, point: int) -> None:
        self.problem, self.states, self.point = solver.problem, states, point
        self.light = [self._light(d) for d in range(len(self.problem.parts))]
        self.alone: list[Solver] = []
        self.near: list[Any] = []
        for d, part in enumerate(states.parts):
            # without what is in series with it and its shunt, which are added by hand; its ions stay as the circuit
            # froze them, which is not how it would freeze them alone
            alone = replace(self.problem.part(d), circuit=Circuit(((Column(),),)))
            bare = Solver(alone, held=solver.held_in([d]))
            self.alone.append(bare.relit(self.problem.parts[d].generation + self.light[d]))
            self.near.append(self.alone[d].sweep([float(part.junction_voltage[point])], 1.0).state(0))

    def _light(self, receiver: int) -> np.ndarray:
        """Pairs that other parts make in one, from what they radiate."""
        total = np.zeros(self.problem.parts[receiver].generation.size)
        for one in self.problem.lights:
            if one.receiver == receiver:
                rate = radiated(self.states.parts[one.emitter], one.layer)[self.point] / Q
                total += one.share * rate * one.profile
        return total

    def current(self, d: int, voltage: float) -> float:
        """Of a junction with its shunt, A m^-2 of its own area."""
        found = self.alone[d].sweep([voltage], 1.0, self.near[d])
        assert found.converged[0]
        shunt = self.problem.circuit.columns[d].shunt
        return float(found.current[0]) - (0.0 if shunt is None else voltage / shunt)

    def radiated(self, d: int, voltage: float) -> float:
        """A m^-2."""
        found = self.alone[d].sweep([voltage], 1.0, self.near[d])
        return float(sum(radiated(found.parts[0], layer)[0] for layer in self.emitting(d)))

    def emitting(self, d: int) -> set[int]:
        """Layers of a junction whose light another one takes up."""
        return {one.layer for one in self.problem.lights if one.emitter == d}

    def column(self, d: int, voltage: float) -> float:
        """Voltage of the junction of a column between two nodes that lie `voltage` apart."""
        series = self.problem.circuit.columns[d].series
        if series == 0.0:
            return voltage
        centre = self.near[d].voltage
        return float(
            brentq(
                lambda v: v - series * self.current(d, v) - voltage,
                centre - 4 * NEAR,
                centre + 4 * NEAR,
                xtol=1e-11,
            )
        )

    def group(self, g: int, voltage: float) -> float:
        """Current of all columns of a junction of the cell, A m^-2 of the cell's area."""
        parts = self.problem.groups[g].parts
        if len(parts) == 1:
            # what is in series with one alone is in series with all
            return self.current(parts[0], voltage)
        return sum(float(self.problem.areas[d]) * self.current(d, self.column(d, voltage)) for d in parts)


def differences(solver: Solver, states: States, point: int) -> dict[str, float]:
    """How far a point of a curve is from the same found by hand: V, and parts of the largest photocurrent."""
    hand, problem = ByHand(solver, states, point), solver.problem
    scale = max(part.photocurrent for part in problem.parts)
    voltage, current = float(states.voltage[point]), float(states.current[point])
    found = {"each alone": 0.0, "current": 0.0, "voltage": 0.0, "light": 0.0}
    at = [float(part.junction_voltage[point]) for part in states.parts]
    for d, part in enumerate(states.parts):
        missed = hand.current(d, at[d]) - float(part.current[point])
        found["each alone"] = max(found["each alone"], abs(missed) / scale)

    # the voltage of each junction of the cell, behind its columns' resistances
    columns = problem.circuit.columns
    told = []
    for group in problem.groups:
        d = group.parts[0]
        series = columns[d].series if len(group.parts) > 1 else 0.0
        told.append(at[d] - series * float(states.parts[d].current[point]))
    resistance = problem.circuit.series + sum(
        columns[group.parts[0]].series for group in problem.groups if len(group.parts) == 1
    )

    # the flattest junction says the current, the others take the voltages that go with it
    slopes = [abs(hand.group(g, u + 1e-4) - hand.group(g, u - 1e-4)) for g, u in enumerate(told)]
    first = int(np.argmin(slopes))

    def others(current: float) -> dict[int, float]:
        return {
            g: float(
                brentq(
                    lambda u, g=g: hand.group(g, u) - current,
                    told[g] - 2 * NEAR,
                    told[g] + 2 * NEAR,
                    xtol=1e-11,
                )
            )
            for g in range(len(told))
            if g != first
        }

    def excess(u: float) -> float:
        current = hand.group(first, u)
        return u + sum(others(current).values()) - resistance * current - voltage

    u = float(brentq(excess, told[first] - NEAR, told[first] + NEAR, xtol=1e-9))
    through = hand.group(first, u)
    volts = {first: u, **others(through)}
    found["current"] = abs(through - current) / scale
    found["voltage"] = max(abs(volts[g] - one) for g, one in enumerate(told))
    # and the light that was given is what they radiate there
    for g, group in enumerate(problem.groups):
        for d in group.parts:
            v = hand.column(d, volts[g]) if len(group.parts) > 1 else volts[g]
            told_light = sum(float(radiated(states.parts[d], layer)[point]) for layer in hand.emitting(d))
            found["light"] = max(found["light"], abs(hand.radiated(d, v) - told_light) / scale)
    return found
