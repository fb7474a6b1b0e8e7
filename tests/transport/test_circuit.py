"""Columns side by side share the terminal voltage, and their currents add by area."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

import perotwin as pt
from columns import beside, patchy, twice
from devices import cell, everything, layer
from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import jv
from perotwin.stack import Parallel, Stack
from perotwin.transport.build import build as build_stack
from perotwin.transport.cell import all_moving, build, solver_of
from perotwin.transport.checks import optical_checks, steady_checks
from perotwin.transport.profiles import profiles
from perotwin.transport.steady import Solver

CIRCUIT = {"circuit.series_resistance": "5 ohm cm^2", "circuit.shunt_resistance": "2 kohm cm^2"}


def columns() -> Parallel:
    """Two unlike stacks with ions that re-equilibrate, one of them with resistances."""
    second = everything("boltzmann", crowded=False).with_values(
        {"absorber.thickness": 250e-9, "htl|absorber.dipole": 0.05, **CIRCUIT}
    )
    return beside(("a", 0.35, everything("fermi-dirac")), ("b", 0.65, second))


def test_currents_losses_and_light_add_by_area() -> None:
    both = columns()
    voltage = np.array([-0.2, 0.0, 0.5, 0.9, 1.1])
    problem = build(both)
    found = solver_of(problem).sweep(voltage, 1.0)
    alone = [Solver(build_stack(column.stack)).sweep(voltage, 1.0) for column in both.column]
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
    for name, lost in merged.items():
        expected = sum(area * one.get(name, 0.0 * voltage) for area, one in zip(areas, losses, strict=True))
        assert lost == pytest.approx(expected, rel=1e-13, abs=1e-300), name
    photo = [one.problem.photocurrent for one in alone]
    assert problem.photocurrent == pytest.approx(areas[0] * photo[0] + areas[1] * photo[1], rel=1e-14)
    # everything that is generated is delivered or lost somewhere
    balance = found.current + sum(merged.values())
    assert balance == pytest.approx(np.full(voltage.size, problem.photocurrent), rel=1e-9)


def test_open_circuit_is_the_root_of_the_weighted_sum_of_two_curves() -> None:
    both = columns()
    solver = solver_of(build(both))
    (near,) = (solver.sweep([1.15], 1.0),)
    found = solver.open_circuit(near.state(0), 1.0)
    alone = [Solver(build_stack(column.stack)) for column in both.column]

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


@pytest.mark.parametrize("voltage", [0.3, 0.9, 1.2])
def test_the_slope_at_the_terminals_is_exact_with_ions_that_follow(voltage: float) -> None:
    solver, h = solver_of(build(columns())), 1e-4
    around = solver.sweep([voltage - 2 * h, voltage - h, voltage, voltage + h, voltage + 2 * h], 1.0)
    far, near = (np.diff(around.current[[i, j]])[0] for i, j in ((0, 4), (1, 3)))
    slope = solver.slope(around.state(2), 1.0)
    assert slope == pytest.approx((8.0 * near - far) / (12.0 * h), rel=1e-8)


def test_the_order_of_the_columns_does_not_matter() -> None:
    both = columns()
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
    both = columns()
    states = solver_of(build(both)).sweep([0.0, 0.8], 1.0)
    own = Solver(build_stack(both.column[1].stack)).sweep([0.0, 0.8], 1.0)
    shown, expected = profiles(states), profiles(own)
    assert shown.layers == expected.layers
    for name in ("x", "conduction_band", "electron_density", "generation", "recombination"):
        assert np.array_equal(getattr(shown, name), getattr(expected, name)), name
    assert np.array_equal(states.junction_voltage, own.junction_voltage)


def corrupted(states: Any, column: int) -> Any:
    """The states with the potential of one column bent a little."""
    one = states.columns[column]
    x = one.problem.device.x / one.problem.device.x[-1]
    bent = replace(one, psi=one.psi + 1e-4 * np.sin(np.pi * x) ** 2)
    whole = list(states.columns)
    whole[column] = bent
    return replace(states, columns=tuple(whole))


@pytest.mark.parametrize("column", [0, 1])
def test_a_corrupted_column_fails_the_checks(column: int) -> None:
    states = solver_of(build(columns())).sweep([0.0, 0.8], 1.0)
    assert all(row.passed for row in steady_checks(states).values())
    failed = {name for name, row in steady_checks(corrupted(states, column)).items() if not row.passed}
    assert "Gauss' law" in failed
    # the worst of each name, and no row less than each column has
    each = [steady_checks(one) for one in states.parts]
    for name, row in steady_checks(states).items():
        assert row.value == max(one[name].value for one in each)


def test_a_column_that_radiates_too_little_fails_the_optical_check() -> None:
    row = "radiative limit above that of the absorptance (V)"
    cell = patchy()
    assert optical_checks(build(cell))[row].passed
    stated = cell.with_values(
        {"bare.perovskite.recombination.radiative": {"kind": "coefficient", "coefficient": 3e-17}}
    )
    assert not optical_checks(build(stated))[row].passed


def test_a_point_that_one_column_misses_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = solver_of(build(columns()))
    lame = solver.columns[1]
    honest = lame.sweep

    def sweep(*arguments: Any) -> Any:
        found = honest(*arguments)
        lost = np.isclose(found.voltage, 0.5)
        return replace(found, converged=~lost, current=np.where(lost, np.nan, found.current))

    monkeypatch.setattr(lame, "sweep", sweep)
    states = solver.sweep([0.0, 0.5, 0.8], 1.0)
    assert states.converged.tolist() == [True, False, True]
    assert np.isnan(states.current).tolist() == [False, True, False]
    monkeypatch.setattr(
        lame, "sweep", lambda *arguments: replace(honest(*arguments), converged=np.zeros(1, bool))
    )
    with pytest.raises(ConvergenceError, match='open circuit of "beside" was not found'):
        solver.open_circuit(states.state(2), 1.0)


# --- small signals ---------------------------------------------------------------------------------------------------


def settled(cell: Parallel | Stack, voltage: float | None) -> tuple[Any, Any]:
    solver = solver_of(all_moving(build(cell)))
    if voltage is None:
        states = solver.open_circuit(solver.sweep([1.36], 1.0).state(0), 1.0)
    else:
        states = solver.sweep([voltage], 1.0)
    return solver, states.state(0)


def test_admittances_add_each_with_its_own_resistances() -> None:
    both = columns()
    hertz = np.geomspace(1e-2, 1e8, 11)
    solver, state = settled(both, 0.9)
    linear = solver.linearised(state, 1.0)
    found = linear.spectrum(hertz)
    areas = [float(column.area) for column in both.column]
    apart = []
    for column in both.column:
        one, at = settled(column.stack, 0.9)
        apart.append(one.linearised(at, 1.0).spectrum(hertz))
    for name in ("admittance", "imps"):
        expected = sum(area * getattr(one, name) for area, one in zip(areas, apart, strict=True))
        assert getattr(found, name) == pytest.approx(expected, rel=1e-12), name
    assert found.impedance == pytest.approx(1.0 / found.admittance)
    assert found.imvs == pytest.approx(found.imps * found.impedance)
    assert found.capacitance == pytest.approx(found.admittance.imag / (2 * np.pi * hertz))
    # a column without series resistance shorts the other at the highest frequencies
    assert linear.series == 0.0
    # at rest it is the steady curve, ions held or moving
    slow = linear.spectrum(1e-7).admittance[0].real
    assert slow == pytest.approx(-solver.slope(state, 1.0), rel=1e-6)
    still = solver.linearised(state, 1.0, "held").spectrum(0.0).imps[0].real
    assert still == pytest.approx(solver.light_response(state, 1.0), rel=1e-9)


def test_modes_of_the_coupled_columns_are_where_their_admittance_vanishes() -> None:
    """Left alone, the columns exchange charge until the currents cancel: the common admittance has a zero there."""
    solver, state = settled(patchy(**{"bare.circuit.series_resistance": "0 ohm cm^2"}), None)
    for ions in ("moving", "held"):
        linear = solver.linearised(state, 1.0, ions)
        rate = complex(linear.slowest())
        assert rate.real < 0.0
        near = 1.0 / linear.impedance_at(np.array([rate, rate * 1.01]))
        assert abs(near[0]) < 1e-4 * abs(near[1])
        # and no column by itself has it
        for one in linear.columns:
            own = 1.0 / one.impedance_at(np.array([rate, rate * 1.01]))
            assert abs(own[0]) > 0.1 * abs(own[1])


def test_a_stack_beside_itself_keeps_its_modes() -> None:
    stack = pt.load("wbg-target").with_values(CIRCUIT)
    for ions in ("moving", "held"):
        solver, state = settled(stack, None)
        other, at = settled(twice(stack), None)
        expected = solver.linearised(state, 1.0, ions).slowest()
        linear = other.linearised(at, 1.0, ions)
        assert linear.slowest() == pytest.approx(expected, rel=1e-6)
        assert linear.series == pytest.approx(5e-4, rel=1e-12)


# --- what cannot be one cell -----------------------------------------------------------------------------------------


def test_columns_that_work_against_each_other_are_refused() -> None:
    stack = everything("boltzmann")
    turned = stack.mirrored().with_values({"light.side": "front"})
    with pytest.raises(InputError, match=r"anode on the same side \(a at the front, b at the back\)"):
        build(beside(("a", 0.5, stack), ("b", 0.5, turned)))


def test_a_laser_shines_the_same_photons_on_all_columns() -> None:
    laser = {"light.spectrum": {"kind": "monochromatic", "wavelength": "532 nm"}}
    same = twice(pt.load("wbg-target")).with_values(laser)
    assert build(same).absorption.photon_flux.shape == (1,)
    with pytest.raises(InputError, match="one sun of a laser"):
        build(patchy(**laser, **{"bare.perovskite.thickness": "300 nm"}))


def test_dark_columns_need_no_optics() -> None:
    problem = build(patchy(), light=False)
    assert problem.absorption is None
    dark = solver_of(problem).sweep([0.0], 0.0)
    assert abs(float(dark.current[0])) < 1e-9


def test_a_single_column_is_its_stack() -> None:
    stack = cell(layer("body", 300e-9, radiative=1e-17), front=5.0, back=4.1, rate=1e27)
    one = solver_of(build(beside(("all", 1.0, stack)))).sweep([0.0, 0.5], 1.0)
    assert np.array_equal(one.current, Solver(build_stack(stack)).sweep([0.0, 0.5], 1.0).current)
