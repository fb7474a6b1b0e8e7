"""Junctions in a circuit: what columns side by side and junctions in series have in common with those alone."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from columns import CIRCUIT, unlike
from devices import everything
from perotwin.errors import ConvergenceError
from perotwin.lab import jv
from perotwin.transport.build import build
from perotwin.transport.circuit import Circuit, Column, held_current, held_voltage, loaded
from perotwin.transport.kernels.circuit import Constraint
from perotwin.transport.profiles import profiles
from perotwin.transport.steady import Solver
from series import current_by_root, pair
from series import unlike as unlike_pair

# --- columns side by side --------------------------------------------------------------------------------------------


def test_currents_losses_and_light_add_by_area() -> None:
    both = unlike()
    voltage = np.array([-0.2, 0.0, 0.5, 0.9, 1.1])
    problem = build(both)
    found = Solver(problem).sweep(voltage, 1.0)
    alone = [Solver(build(column.stack)).sweep(voltage, 1.0) for column in both.column]
    areas = [float(column.area) for column in both.column]
    assert found.converged.all() and np.array_equal(found.voltage, voltage)
    assert found.current == pytest.approx(
        areas[0] * alone[0].current + areas[1] * alone[1].current, rel=1e-13
    )
    losses = [one.losses() for one in alone]
    assert "shunt" not in losses[0] and "shunt" in losses[1]
    merged = found.losses()
    assert list(merged)[-3:] == ["front contact", "back contact", "shunt"]
    assert set(merged) == set(losses[0]) | set(losses[1])
    # a loss is the exponential of a potential, whose own round-off it carries
    rounding = 16.0 * np.finfo(float).eps * max(float(np.abs(part.psi).max()) for part in found.parts)
    for name, lost in merged.items():
        expected = sum(area * one.get(name, 0.0 * voltage) for area, one in zip(areas, losses, strict=True))
        assert lost == pytest.approx(expected, rel=rounding, abs=1e-300), name
    photo = [one.problem.photocurrent for one in alone]
    assert problem.photocurrent == pytest.approx(areas[0] * photo[0] + areas[1] * photo[1], rel=1e-14)
    # everything that is generated is delivered or lost somewhere
    balance = found.current + sum(merged.values())
    assert balance == pytest.approx(np.full(voltage.size, problem.photocurrent), rel=1e-9)


def test_open_circuit_is_the_root_of_the_weighted_sum_of_two_curves() -> None:
    both = unlike()
    solver = Solver(build(both))
    (near,) = (solver.sweep([1.15], 1.0),)
    found = solver.open_circuit(near.state(0), 1.0)
    alone = [Solver(build(column.stack)) for column in both.column]

    def current(voltage: float) -> float:
        states = [one.sweep([voltage], 1.0) for one in alone]
        return sum(
            float(column.area) * float(one.current[0])
            for column, one in zip(both.column, states, strict=True)
        )

    apart = [float(one.open_circuit(one.sweep([1.15], 1.0).state(0), 1.0).voltage[0]) for one in alone]
    voltage = float(found.voltage[0])
    assert min(apart) < voltage < max(apart)
    assert max(apart) - min(apart) > 0.01
    root = brentq(current, min(apart), max(apart), xtol=1e-14, rtol=1e-15)
    assert voltage == pytest.approx(root, abs=1e-12)
    assert abs(float(found.current[0])) < 1e-9 * solver.problem.photocurrent
    # the column of the higher voltage drives the other one backwards
    assert float(found.parts[0].current[0]) * float(found.parts[1].current[0]) < 0.0


def test_the_order_of_the_columns_does_not_matter() -> None:
    both = unlike()
    turned = both.model_copy(update={"column": both.column[::-1]})
    one, two = (jv.measure(cell, jv.Protocol(step="50 mV")) for cell in (both, turned))
    assert set(one["channel"].values) == set(two["channel"].values)
    for name in one.variables:
        if one[name].dtype.kind == "f" and "channel" not in one[name].dims:
            size = float(np.nanmax(np.abs(one[name].values)))
            assert two[name].values == pytest.approx(one[name].values, rel=1e-9, abs=1e-12 * size), name
    lost = two["channel_current"].sel(channel=one["channel"].values)
    assert lost.values == pytest.approx(one["channel_current"].values, rel=1e-9, abs=1e-300)
    # of equal areas the first by name is shown
    halves = both.with_values({"a.area": 0.5})
    shown = [
        build(cell, light=False).shown_as
        for cell in (halves, halves.model_copy(update={"column": halves.column[::-1]}))
    ]
    assert shown[0] == shown[1] == "column a, 0.5 of the area"


def test_fields_are_those_of_the_column_of_the_largest_area() -> None:
    both = unlike()
    states = Solver(build(both)).sweep([0.0, 0.8], 1.0)
    own = Solver(build(both.column[1].stack)).sweep([0.0, 0.8], 1.0)
    shown, expected = profiles(states), profiles(own)
    assert shown.layers == expected.layers
    for name in ("x", "generation"):
        assert np.array_equal(getattr(shown, name), getattr(expected, name)), name
    for name in ("conduction_band", "electron_density", "recombination"):
        assert getattr(shown, name) == pytest.approx(getattr(expected, name), rel=1e-9), name
    assert states.junction_voltage == pytest.approx(own.junction_voltage, rel=1e-13)


def test_a_point_that_is_not_reached_is_missing_and_the_rest_is_not() -> None:
    solver = Solver(build(unlike()))
    # the finest part of a way of 100 kV is longer than any step of Newton's method can be
    states = solver.sweep([0.0, 1e5, 0.8], 1.0)
    assert states.converged.tolist() == [True, False, True]
    for one in (states, *states.parts):
        assert np.isnan(one.current).tolist() == [False, True, False]
    assert states.current[2] == pytest.approx(float(solver.sweep([0.8], 1.0).current[0]), rel=1e-9)
    strict = Solver(solver.problem, tolerance=0.0)
    with pytest.raises(ConvergenceError, match=r'"beside" could not be reached .*open circuit'):
        strict.open_circuit(states.state(2), 1.0)


# --- junctions in series ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voltage", [0.0, 1.2, 1.9])
def test_two_junctions_in_series_carry_the_current_of_the_root(voltage: float) -> None:
    """J1(v1) = J2(V - v1) by a root finder over two cells that know of no circuit."""
    problem = unlike_pair()
    found = Solver(problem).sweep([voltage], 1.0)
    alone = [Solver(build(part.stack)) for part in problem.parts]
    expected = current_by_root(*alone, voltage, (voltage - 1.3, voltage + 1.0))
    assert float(found.current[0]) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    inside = found.junction_voltages
    assert list(inside) == ["top", "bottom", "between"]
    own = alone[1].sweep([inside["bottom"][0] - problem.circuit.resistance * expected], 1.0)
    assert float(own.current[0]) == pytest.approx(expected, rel=1e-8, abs=1e-8)
    assert sum(inside.values()) - 2.0 * inside["between"] == pytest.approx([voltage], abs=1e-12)


def test_a_stack_in_series_with_itself_is_the_stack_at_half_the_voltage() -> None:
    stack = everything("fermi-dirac").with_values(CIRCUIT)
    voltage = np.array([-0.2, 0.5, 0.9, 1.1])
    one = Solver(build(stack)).sweep(voltage, 1.0)
    two = Solver(pair(stack, stack)).sweep(2.0 * voltage, 1.0)
    assert two.current == pytest.approx(one.current, rel=1e-9, abs=1e-9)
    for part in two.parts:
        assert part.junction_voltage == pytest.approx(one.junction_voltage, abs=1e-9)


# --- the circuit's own arithmetic ------------------------------------------------------------------------------------


def test_voltages_and_currents_of_a_circuit_add_up() -> None:
    circuit = Circuit(((Column(0.3, 0.0, None), Column(0.7, 2e-4, 0.1)), (Column(1.0, 3e-4, 0.2),)), 5e-4)
    assert circuit.numbers == ((0, 1), (2,))
    assert circuit.resistance == pytest.approx(8e-4)
    assert [circuit.shunts(d) for d in range(3)] == pytest.approx([0.0, 10.0, 5.0])
    # 0.3 a + 0.7 b leaves the columns; what is in series carries it
    current = np.array([[100.0], [200.0], [170.0]])
    voltage = np.array([[1.0], [1.0 + 2e-4 * 200.0], [0.8]])
    assert circuit.total(current) == pytest.approx([170.0])
    assert circuit.terminal_voltage(voltage, current) == pytest.approx([1.8 - 8e-4 * 170.0])
    # a column without resistance shorts the other where only resistors count
    assert circuit.in_series == pytest.approx(8e-4)
    both = Circuit(((Column(0.3, 1e-4), Column(0.7, 2e-4)), (Column(1.0, 3e-4),)))
    assert both.in_series == pytest.approx(3e-4 + 1.0 / (0.3 / 1e-4 + 0.7 / 2e-4))


def test_what_holds_the_terminals() -> None:
    """a V + b J = c."""
    cases: list[tuple[Constraint, Any, Any]] = [
        (held_voltage(0.4), 0.4, 123.0),
        (held_current(30.0), 5.0, 30.0),
        (loaded(2e-3), 0.2, 100.0),
    ]
    for held, voltage, current in cases:
        assert held.a * voltage + held.b * current == pytest.approx(held.c, abs=1e-15)
