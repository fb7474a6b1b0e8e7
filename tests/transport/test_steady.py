"""Continuation: a result does not depend on the state that it is reached from."""

import numpy as np
import pytest

import columns
import perotwin as pt
import series
from devices import everything
from perotwin.stack import Cell
from perotwin.transport.build import Problem, build
from perotwin.transport.checks import steady_checks
from perotwin.transport.steady import Solver, join
from perotwin.transport.steady import sweep as sweep_problem
from tandems import plain, with_traps

CELLS = {
    "one": (lambda: build(everything("fermi-dirac")), 0.9),
    "columns": (lambda: build(columns.unlike()), 0.9),
    "series": (lambda: series.unlike(0.9), 1.8),
}


@pytest.fixture(scope="module", params=CELLS)
def solved(request: pytest.FixtureRequest) -> tuple[Solver, float]:
    make, voltage = CELLS[request.param]
    problem: Problem = make()
    return Solver(problem), voltage


def test_a_state_found_under_other_light_is_solved_anew(solved: tuple[Solver, float]) -> None:
    """At the very voltage that it was found at, too."""
    solver, voltage = solved
    expected = solver.sweep([voltage], 1.0)
    other = solver.sweep([voltage], 0.5).state(0)
    found = solver.sweep([voltage], 1.0, other)
    assert found.current == pytest.approx(expected.current, rel=1e-9)
    assert found.parts[0].psi == pytest.approx(expected.parts[0].psi, abs=1e-7)
    assert solver.sweep([voltage], 0.5, other).current != pytest.approx(expected.current, rel=1e-2)


def test_open_circuit_is_found_from_either_side(solved: tuple[Solver, float]) -> None:
    solver, voltage = solved
    starts = solver.sweep([voltage, 1.3 * voltage], 1.0)
    found = [float(solver.open_circuit(starts.state(k), 1.0).voltage[0]) for k in (0, 1)]
    assert found[0] == pytest.approx(found[1], abs=1e-9)


def test_forwards_and_backwards_are_one_curve(solved: tuple[Solver, float]) -> None:
    """Joined and picked they are the same points."""
    solver, voltage = solved
    volts = np.linspace(-0.2, 1.2 * voltage, 8)
    forwards, backwards = solver.sweep(volts, 1.0), solver.sweep(volts[::-1], 1.0)
    assert forwards.converged.all() and backwards.converged.all()
    assert backwards.current[::-1] == pytest.approx(forwards.current, rel=1e-9, abs=1e-9)
    both = join([forwards, backwards])
    turned = both.pick(np.arange(16)[::-1])
    assert np.array_equal(turned.voltage, both.voltage)
    assert np.array_equal(turned.parts[-1].psi, both.parts[-1].psi[::-1])


def test_a_resistor_across_the_terminals_takes_their_voltage(solved: tuple[Solver, float]) -> None:
    solver, _ = solved
    load = 6e-3
    found = solver.loaded(load, 1.0)
    assert found.converged.all()
    voltage = float(found.voltage[0])
    assert voltage == pytest.approx(load * float(found.current[0]), rel=1e-12)
    assert found.current == pytest.approx(solver.sweep([voltage], 1.0).current, rel=1e-8)


@pytest.mark.parametrize("cell", [plain(), with_traps(plain(), 1e3)], ids=["metal", "one mesh"])
def test_junctions_alone_are_lit_as_in_the_tandem(cell: Cell) -> None:
    junctions = Solver(build(cell)).junctions
    assert list(junctions) == ["top", "bottom"]
    for name, solver in junctions.items():
        expected = sweep_problem(build(plain()).group(("top", "bottom").index(name)), [0.0, 0.5], 1.0)
        assert solver.sweep([0.0, 0.5], 1.0).current == pytest.approx(expected.current, rel=1e-12)
    assert Solver(build(everything("boltzmann"))).junctions == {}


@pytest.mark.parametrize("name", ["mapi-tio2-spiro", "wbg-control", "cell-b"])
def test_the_dark_equilibrium_keeps_its_ions(name: str) -> None:
    """The ions' number belongs to the last potential, also where no iteration follows equilibrium."""
    states = Solver(build(pt.load(name), light=False)).sweep([0.0], 0.0)
    found = steady_checks(states)
    assert found["Gauss' law"].value < 1e-9
    if "ion number conserved" in found:
        assert found["ion number conserved"].value < 1e-12


def test_where_the_targets_of_a_path_come_from_makes_no_kind_of_its_own() -> None:
    """For each kind of array all that follows a path would be compiled anew, for half a minute."""
    every = np.linspace(0.0, 1.0, 9)
    fixed = every.copy()
    fixed.flags.writeable = False
    system = Solver(build(pt.load("cell-a"))).system
    for given in (every, every[::2], fixed):
        targets = system.path(given, 0.0).targets
        assert targets.flags.c_contiguous and targets.flags.writeable and (targets == given).all()
