"""Two hundred random circuits of junctions: nobody may have to help the solver, and each is what its junctions are.

The draw stands in `circuit_draw`. By hand means: single junctions, each by itself at a held voltage under a light that
is given, joined by nothing but sums and a root finder.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q
from scipy.optimize import brentq

from circuit_draw import FIRST_SEED, Drawn, circuit
from perotwin.errors import ConvergenceError
from perotwin.transport.checks import steady_checks
from perotwin.transport.circuit import Circuit, Column
from perotwin.transport.steady import Solver, States

CIRCUITS = 200
POINTS = 12
#: every tenth is done by hand, at one of its points
SAMPLE = range(FIRST_SEED, FIRST_SEED + CIRCUITS, CIRCUITS // 20)
#: V, and parts of the photocurrent
SAME_VOLTAGE, SAME_CURRENT = 1e-4, 1e-6
#: V about a junction's voltage within which it is looked for by hand
NEAR = 5e-3


def curve(drawn: Drawn) -> tuple[Solver, States, States]:
    """Open circuit, and a J-V from reverse bias to a little past it."""
    solver = Solver(drawn.problem)
    short = solver.sweep([0.0], 1.0)
    assert short.converged.all(), "not at 0 V"
    end = solver.open_circuit(short.state(0), 1.0)
    voltage = np.linspace(-drawn.reverse, float(end.voltage[0]) + 0.05, POINTS)
    return solver, end, solver.sweep(voltage, 1.0)


def outcome(drawn: Drawn) -> str | None:
    """What went wrong with a circuit; None if nothing did."""
    try:
        _, end, states = curve(drawn)
    except ConvergenceError as error:
        return f"ConvergenceError at {error.stage}: {error}"
    if not states.converged.all():
        return f"not converged at {states.voltage[~states.converged]} V"
    for found in (end, states):
        failed = {name: row for name, row in steady_checks(found).items() if not row.passed}
        if failed:
            return f"checks failed: {failed}"
    return None


# --- by hand ----------------------------------------------------------------------------------------------------------


class ByHand:
    """The junctions of a circuit, each alone, near one of its states and in the light that they had there."""

    def __init__(self, solver: Solver, states: States, point: int) -> None:
        self.problem, self.states, self.point = solver.problem, states, point
        self.light = [self._light(d) for d in range(len(self.problem.parts))]
        self.alone: list[Solver] = []
        self.near: list[Any] = []
        for d, part in enumerate(states.parts):
            # without what is in series with it and its shunt, which are added by hand; its ions stay as they are frozen
            bare = Solver(replace(self.problem.part(d), circuit=Circuit(((Column(),),))))
            self.alone.append(bare.relit(self.problem.parts[d].generation + self.light[d]))
            self.near.append(self.alone[d].sweep([float(part.junction_voltage[point])], 1.0).state(0))

    def _light(self, receiver: int) -> np.ndarray:
        """Pairs that other parts make in one, from what they radiate."""
        total = np.zeros(self.problem.parts[receiver].generation.size)
        for one in self.problem.lights:
            if one.receiver == receiver:
                rate = self.states.parts[one.emitter].losses()["absorber radiative"][self.point] / Q
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
        return float(self.alone[d].sweep([voltage], 1.0, self.near[d]).losses()["absorber radiative"][0])

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


def differences(drawn: Drawn, point: int) -> dict[str, float]:
    """How far a point of a curve is from the same found by hand: V, and parts of the photocurrent."""
    solver, _, states = curve(drawn)
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
    resistance = sum(columns[group.parts[0]].series for group in problem.groups if len(group.parts) == 1)

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
            radiated = float(states.parts[d].losses()["absorber radiative"][point])
            found["light"] = max(found["light"], abs(hand.radiated(d, v) - radiated) / scale)
    return found


def judged(seed: int, number: int) -> list[str]:
    found = differences(circuit(seed), number % POINTS)
    bounds = {"voltage": SAME_VOLTAGE}
    return [
        f"{name}: {value:.2g}" for name, value in found.items() if not value <= bounds.get(name, SAME_CURRENT)
    ]


def test_a_sample_of_the_draw_solves() -> None:
    failures = {seed: words for seed in list(SAMPLE)[:6] if (words := outcome(circuit(seed))) is not None}
    assert not failures, failures


def test_one_is_what_its_junctions_are() -> None:
    assert not judged(SAMPLE[1], 5)


@pytest.mark.slow
def test_the_whole_draw_solves() -> None:
    drawn = {seed: circuit(seed) for seed in range(FIRST_SEED, FIRST_SEED + CIRCUITS)}
    traits = Counter(trait for one in drawn.values() for trait in one.traits)
    assert min(traits[name] for name in ("series", "columns", "light", "ions", "frozen")) >= 80, traits
    assert min(traits[name] for name in ("dark", "matched", "reverse")) >= 20, traits
    failures = {seed: words for seed, one in drawn.items() if (words := outcome(one)) is not None}
    for seed, words in failures.items():
        print(f"seed {seed}: {words}, {sorted(drawn[seed].traits)}")
    assert not failures


@pytest.mark.slow
def test_a_sample_is_what_its_junctions_are() -> None:
    failures = {seed: words for number, seed in enumerate(SAMPLE) if (words := judged(seed, number))}
    assert not failures, failures


def test_what_was_not_solved_is_told() -> None:
    """The judge itself: light that is not passed on, and a solver that may take no steps."""
    from perotwin.transport import steady

    seed = next(seed for seed in range(FIRST_SEED, FIRST_SEED + CIRCUITS) if "light" in circuit(seed).traits)
    drawn = circuit(seed)
    solver, _, states = curve(drawn)
    brighter = replace(
        solver.problem, lights=tuple(replace(one, share=1.01 * one.share) for one in solver.problem.lights)
    )
    solver.problem = brighter
    hand = ByHand(solver, states, 3)
    missed = [
        abs(hand.current(d, float(part.junction_voltage[3])) - float(part.current[3]))
        for d, part in enumerate(states.parts)
    ]
    assert max(missed) > SAME_CURRENT * max(part.photocurrent for part in brighter.parts)
    before = steady.LONGEST
    try:
        steady.LONGEST = 1e-9
        assert outcome(drawn) is not None
    finally:
        steady.LONGEST = before
