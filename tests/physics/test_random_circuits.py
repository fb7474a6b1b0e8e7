"""Two hundred random circuits of junctions: nobody may have to help the solver, and each is what its junctions are.

The draw stands in `circuit_draw`, what is done by hand in `by_hand`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from by_hand import ByHand, differences
from circuit_draw import FIRST_SEED, Drawn, circuit
from perotwin.errors import ConvergenceError
from perotwin.transport.checks import steady_checks
from perotwin.transport.steady import Solver, States

CIRCUITS = 200
POINTS = 12
#: every tenth is done by hand, at one of its points
SAMPLE = range(FIRST_SEED, FIRST_SEED + CIRCUITS, CIRCUITS // 20)
#: V, and parts of the photocurrent
SAME_VOLTAGE, SAME_CURRENT = 1e-4, 1e-6


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


def judged(seed: int, number: int) -> list[str]:
    """What is not as it is by hand, at one point of a circuit's curve."""
    solver, _, states = curve(circuit(seed))
    found = differences(solver, states, number % POINTS)
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
