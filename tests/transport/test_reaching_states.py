"""What is told of a state is what the equations say under its own light, wherever the solver starts from."""

import numpy as np
import pytest

from circuit_draw import FIRST_SEED, circuit
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.steady import Solver
from tandems import plain


def columns_that_shine() -> Solver:
    """Columns at one terminal voltage of which one receives light of another."""
    for seed in range(FIRST_SEED, FIRST_SEED + 200):
        drawn = circuit(seed)
        if drawn.traits >= {"columns", "light"} and "series" not in drawn.traits:
            return Solver(drawn.problem)
    raise AssertionError("there is no such circuit in the draw")


@pytest.mark.parametrize("junctions", [1, 2])
def test_a_state_of_another_light_is_solved_again_at_its_own_voltage(junctions: int) -> None:
    tandem = plain((6e27, 5e27))
    assert isinstance(tandem, Tandem)
    solver = Solver(build(tandem.top if junctions == 1 else tandem))
    bright = solver.sweep([0.6], 1.0)
    for suns in (1.2, 1.0, 0.5):
        fresh = solver.sweep([0.6], suns)
        again = solver.sweep([0.6, 0.7], suns, bright.state(0))
        assert again.converged.all()
        assert again.current[0] == pytest.approx(fresh.current[0], rel=1e-9)
        assert np.array_equal(again.current[1:] < again.current[:1], [True])
        assert all(row.passed for row in steady_checks(again).values())


def test_voltages_that_repeat() -> None:
    """The line through states of one voltage has no slope."""
    solver = Solver(build(plain().top))
    states = solver.sweep([0.5, 0.5, 0.6, 0.6, 0.6, 0.5], 1.0)
    assert states.converged.all()
    assert states.current[[0, 1, 5]] == pytest.approx([states.current[0]] * 3, rel=1e-12)
    assert states.current[[2, 3, 4]] == pytest.approx([states.current[2]] * 3, rel=1e-12)
    assert states.current[2] != states.current[0]


def test_columns_shine_on_each_other_also_where_a_sweep_begins() -> None:
    solver = columns_that_shine()
    first, later = solver.sweep([0.0], 1.0), solver.sweep([-0.1, 0.0], 1.0)
    assert all(row.passed for row in steady_checks(first).values())
    assert later.current[1] == pytest.approx(first.current[0], rel=1e-9)
    assert any(part.coupled is not None and part.coupled.sum() > 0.0 for part in first.parts)


def test_junctions_in_series_find_open_circuit_from_short_circuit() -> None:
    """One of the draw whose flat curve leads Newton's method astray."""
    solver = Solver(circuit(FIRST_SEED + 9).problem)
    found = [
        solver.open_circuit(solver.sweep([volts], 1.0).state(0), 1.0).voltage[0] for volts in (0.0, 1.2, 1.8)
    ]
    assert found == pytest.approx([found[2]] * 3, abs=1e-9)


def test_a_dark_junction_in_the_light_of_others_passes_its_checks_at_open_circuit() -> None:
    solver = Solver(circuit(FIRST_SEED + 136).problem)
    states = solver.open_circuit(solver.sweep([0.0], 1.0).state(0), 1.0)
    dark = states.parts[-1]
    assert dark.junction.photocurrent == 0.0 and dark.coupled is not None and dark.coupled.sum() > 0.0
    assert all(row.passed for row in steady_checks(states).values())
