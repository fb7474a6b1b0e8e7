"""Which mechanism takes how many volts at open circuit, junction by junction.

Each junction is solved at the cell's open circuit with every set of its mechanisms switched off, and each mechanism
gets the mean of what it takes over all orders (`sharing.shapley`). Shares by what the mechanisms' rates are at open
circuit would not do: where a face is cured the splitting rises, and with it what the bulk takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import ConvergenceError
from perotwin.losses.mechanisms import Mechanism, mechanisms, without
from perotwin.losses.sharing import shapley
from perotwin.measurement.checks import Checks, worst

if TYPE_CHECKING:
    from perotwin.transport.build import Group, Problem
    from perotwin.transport.states import State, States
    from perotwin.transport.steady import Solver

__all__ = ["Volts", "volts"]


@dataclass(frozen=True)
class Volts:
    """What a junction's voltage at open circuit falls short of.

    Attributes:
        outside: kT/q ln(Jgen/J0 + 1), V, of what is generated in it and what it emits to the outside, which
            reciprocity ties to its quantum efficiency.
        limit: the same of all that it emits, what other layers absorb of it among it: its own radiative limit. Both NaN
            where its radiative recombination is not that of its optics.
        alone: V, solved with light as the only thing that takes carriers; of a junction that states no radiative
            recombination the limit of its gap. terminal: V, as it is.
        shares: V that each mechanism takes; together `alone` less `terminal`.
        checks: of all states that were solved for this.
    """

    outside: float
    limit: float
    alone: float
    terminal: float
    shares: dict[Mechanism, float]
    checks: Checks


def volts(solver: Solver, opened: States, most: Mapping[str, float]) -> dict[str, Volts]:
    """Open circuit of a cell, taken apart by junction ("" of the only one).

    Args:
        solver: of the cell. opened: its open circuit.
        most: V by junction, the Shockley-Queisser limit of its gap: what a junction that states no radiative
            recombination has at most, where nothing else is left to end its carriers.

    Raises:
        ConvergenceError: a cell without some of its mechanisms could not be solved.
    """
    return {
        group.name: _of_junction(solver, opened, group, most[group.name]) for group in solver.problem.groups
    }


def _of_junction(solver: Solver, opened: States, group: Group, most: float) -> Volts:
    from perotwin.transport.checks import steady_checks
    from perotwin.transport.steady import Solver as Made

    problem = solver.problem
    own = [one for one in mechanisms(problem) if one.junction == group.name]
    held = (solver.frozen_charge, solver.frozen_density)
    states: dict[frozenset[Mechanism], States] = {frozenset(own): opened}
    found: list[Checks] = []

    bounded = not _radiates(problem, group)

    def value(acting: frozenset[Mechanism]) -> float:
        if acting in states:
            return _voltage(states[acting], group)
        made = Made(without(problem, [one for one in own if one not in acting]), solver.tolerance, held)
        try:
            solved = _open(made, _nearest(states, acting), opened.intensity)
        except ConvergenceError:
            # without any way to recombine there is no state that could be found
            if bounded:
                return most
            raise
        found.append(steady_checks(solved))
        states[acting] = solved
        return min(_voltage(solved, group), most) if bounded else _voltage(solved, group)

    shares = shapley(own, value)
    taken = {one: -share for one, share in shares.items()}
    bare = states.get(frozenset())
    nothing = float("nan"), float("nan")
    outside, limit = nothing if bounded or bare is None else _limits(bare, group)
    terminal = _voltage(opened, group)
    return Volts(outside, limit, terminal + sum(taken.values()), terminal, taken, worst(found))


def _radiates(problem: Problem, group: Group) -> bool:
    """Whether an absorber of a junction recombines by light."""
    for part in group.parts:
        junction = problem.parts[part]
        absorbers = {layer.name for layer in junction.stack.electrical_layers if layer.role == "absorber"}
        if any(one.kind == "radiative" and one.place in absorbers for one in junction.channels):
            return True
    return False


def _nearest(states: dict[frozenset[Mechanism], States], acting: frozenset[Mechanism]) -> State:
    """The solved state that differs in fewest mechanisms."""
    return states[min(states, key=lambda one: len(one ^ acting))].state(0)


def _open(solver: Solver, near: State, intensity: float) -> States:
    from perotwin.lab import open_circuit

    try:
        return solver.open_circuit(near, intensity)
    except ConvergenceError:
        return open_circuit.settled(solver, intensity)


def _voltage(states: States, group: Group) -> float:
    """V across a junction."""
    if group.name:
        return float(states.junction_voltages[group.name][0])
    return float(states.voltage[0])


def _limits(states: States, group: Group) -> tuple[float, float]:
    """V of the radiative limits of a junction, columns together: of what leaves the cell, and of all."""
    from perotwin.transport.profiles import junction_profiles
    from perotwin.transport.radiative_limit import balances

    problem: Problem = states.problem
    made = lost = out = 0.0
    for part in group.parts:
        if part not in problem.films:
            continue
        one = states.parts[part]
        each = list(balances(one, junction_profiles(one)))
        if len(each) != 1:
            return float("nan"), float("nan")
        area = float(problem.areas[part])
        made += area * float(each[0].made[0])
        lost += area * each[0].j0
        emission = one.junction.emission
        assert emission is not None  # there is a balance
        out += area * emission.j0_radiative
    outside = problem.vt * float(np.log1p(made / out)) if out > 0.0 else float("nan")
    return outside, problem.vt * float(np.log1p(made / lost))
