"""Small signals against the steady equations, against time steps, against closed forms and against themselves."""

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest

import perotwin as pt
from columns import CIRCUIT
from columns import unlike as unlike_columns
from devices import cell, everything, layer
from linear import CELLS, open_circuit, settled, with_circuit
from perotwin.errors import InputError
from perotwin.transport.build import Problem, build
from perotwin.transport.device import M_D
from perotwin.transport.schedule import Current, Step, Voltage
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine
from series import dimmed, pair
from series import unlike as unlike_pair

EPS0 = 8.8541878128e-12
FREQUENCIES = np.geomspace(1e-3, 1e9, 13)


def slope(solver: Solver, voltage: float, light: float = 1.0, by: float = 2e-4) -> float:
    """-dV/dJ of the steady curve, by differences of fourth order."""
    found = solver.sweep(voltage + by * np.array([-2.0, -1.0, 1.0, 2.0]), light)
    assert found.converged.all()
    return -12.0 * by / float(found.current @ [1.0, -8.0, 8.0, -1.0])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("voltage", [0.0, 0.9])
def test_at_vanishing_frequency_it_is_the_slope_of_the_steady_curve(name: str, voltage: float) -> None:
    solver, state = settled(CELLS[name], voltage)
    (found,) = Linearised(solver, state, 1.0).spectrum(1e-7).impedance
    assert found.real == pytest.approx(slope(solver, voltage), rel=2e-6)
    assert abs(found.imag) < 1e-5 * found.real


@pytest.mark.parametrize("voltage", [0.0, 0.9])
def test_with_held_ions_it_is_the_slope_of_the_curve_of_frozen_ions(voltage: float) -> None:
    frozen = everything("fermi-dirac", response={"kind": "frozen", "bias": voltage, "light": 1.0})
    solver, state = settled(everything("fermi-dirac"), voltage)
    (held,) = Linearised(solver, state, 1.0, "held").spectrum(0.0).impedance
    assert held.real == pytest.approx(slope(Solver(build(frozen)), voltage), rel=2e-6)
    (moving,) = Linearised(solver, state, 1.0).spectrum(1e-7).impedance
    assert abs(moving.real / held.real - 1.0) > 0.1


def test_ions_that_the_stack_freezes_stay_held() -> None:
    frozen = everything("fermi-dirac", response={"kind": "frozen", "bias": 0.9, "light": 1.0})
    solver = Solver(build(frozen))
    state = solver.sweep([0.9], 1.0).state(0)
    moving, held = (Linearised(solver, state, 1.0, ions).spectrum([1.0, 1e5]) for ions in ("moving", "held"))
    assert moving.impedance == pytest.approx(held.impedance, rel=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_above_every_dielectric_rate_it_is_the_capacitance_of_all_layers_in_series(name: str) -> None:
    stack = CELLS[name]
    solver, state = settled(stack, 0.9)
    hertz = 1e16
    linear = Linearised(solver, state, 1.0)
    # the admittance of the junction: a series resistor would hide it
    (admittance,) = 1.0 / (linear.spectrum(hertz).impedance - linear.series)
    layers = stack.electrical_layers
    expected = 1.0 / sum(float(one.thickness) / (EPS0 * float(one.electronic.permittivity)) for one in layers)
    assert admittance.imag / (2.0 * np.pi * hertz) == pytest.approx(expected, rel=1e-3)
    assert admittance.real < 1e-2 * admittance.imag


@pytest.mark.parametrize("name", ["cell-a", "wbg-target", "nip-example"])
def test_a_mirrored_cell_has_the_same_spectrum(name: str) -> None:
    frequency = np.geomspace(1e-3, 1e8, 12)
    ours, theirs = (
        Linearised(*settled(stack, 0.8), 1.0).spectrum(frequency)
        for stack in (pt.load(name), pt.load(name).mirrored())
    )
    assert theirs.impedance == pytest.approx(ours.impedance, rel=1e-7)
    assert theirs.imps == pytest.approx(ours.imps, rel=1e-7)


def test_response_to_slow_light_is_that_of_the_steady_cell() -> None:
    stack = with_circuit(everything("fermi-dirac"))
    solver, state = open_circuit(stack)
    spectrum = Linearised(solver, state, 1.0).spectrum(1e-7)
    by = 1e-4
    voltage = [solver.open_circuit(state, 1.0 + sign * by).voltage[0] for sign in (1.0, -1.0)]
    assert spectrum.imvs[0].real == pytest.approx((voltage[0] - voltage[1]) / (2.0 * by), rel=1e-6)
    at = solver.open_circuit(state, 1.0).voltage[0]
    current = [solver.sweep([at], 1.0 + sign * by, state).current[0] for sign in (1.0, -1.0)]
    assert spectrum.imps[0].real == pytest.approx((current[0] - current[1]) / (2.0 * by), rel=1e-6)


def test_real_and_imaginary_part_belong_together() -> None:
    """Kramers and Kronig: Z' from Z'', over all frequencies where anything happens."""
    solver, state = settled(everything("fermi-dirac"), 0.9)
    grid = np.log(np.geomspace(1e-6, 1e16, 1321))
    impedance = Linearised(solver, state, 1.0).spectrum(np.exp(grid)).impedance
    x, imag = np.exp(grid), impedance.imag
    for index in np.searchsorted(grid, np.log([1e-3, 0.1, 1.0, 1e2, 1e4, 1e5, 1e6, 1e7])):
        with np.errstate(invalid="ignore"):
            kernel = (x * imag - x[index] * imag[index]) / (x**2 - x[index] ** 2) * x
        kernel[index] = 0.5 * (kernel[index - 1] + kernel[index + 1])
        real = -2.0 / np.pi * np.trapezoid(kernel, grid)
        assert real == pytest.approx(impedance[index].real, rel=2e-3, abs=1e-3 * abs(impedance[index]))


def _transform(time: np.ndarray, values: np.ndarray, omega: float) -> complex:
    """Integral of a piecewise linear function times exp(-i omega t), exactly."""
    h, z = np.diff(time), 1j * omega * np.diff(time)
    small = np.abs(z) < 1e-3
    safe = np.where(small, 1.0, z)
    first = np.where(small, 0.5 - z / 6.0, (np.exp(-safe) - 1.0 + safe) / safe**2)
    second = np.where(small, 0.5 - z / 3.0, (1.0 - np.exp(-safe) * (1.0 + safe)) / safe**2)
    return complex(np.sum(h * np.exp(-1j * omega * time[:-1]) * (values[:-1] * first + values[1:] * second)))


@pytest.mark.parametrize("light", [0.0, 1.0])
def test_it_is_the_transform_of_a_small_step_in_time(light: float) -> None:
    """A voltage ramp of 1 ns by 0.1 mV, held for 1 ms; ions slowed until they do not take part."""
    stack = everything("fermi-dirac")
    solver, state = settled(stack, 0.8, light)
    engine = Engine(build(stack), tolerance=2e-7)
    engine.device.motion[:, M_D] *= 1e-12
    rise, by, end = 1e-9, 1e-4, 1e-3
    after = tuple(np.geomspace(1e-11, end, 900))
    schedule = [
        Step(rise, Voltage(0.8, 0.8 + by), light=light, points=100),
        Step(end, Voltage(0.8 + by), light=light, times=after),
    ]
    trace = engine.run(schedule, engine.moment(state))
    start = float(solver.sweep([0.8], light).current[0])
    time, current = np.append(0.0, trace.time), np.append(0.0, trace.current - start)
    rest = current - current[-1]
    for hertz in (1e4, 1e5, 1e6, 1e7, 5e7):
        omega = 2.0 * np.pi * hertz
        of_current = current[-1] + 1j * omega * _transform(time, rest, omega)
        of_voltage = by * (1.0 - np.exp(-1j * omega * rise)) / (1j * omega * rise)
        (expected,) = Linearised(solver, state, light, "held").spectrum(hertz).admittance
        assert -of_current / of_voltage == pytest.approx(expected, rel=2e-3), hertz


def test_frequencies_that_are_none_are_refused() -> None:
    linear = Linearised(*settled(pt.load("wbg-target"), 0.0), 1.0)
    for bad in (-1.0, np.nan, 0.0):
        with pytest.raises(InputError, match="frequencies"):
            linear.spectrum(bad)


# --- columns side by side --------------------------------------------------------------------------------------------


def test_admittances_add_each_with_its_own_resistances() -> None:
    both = unlike_columns()
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


# --- junctions in series ---------------------------------------------------------------------------------------------


def linearised(problem: Problem, voltage: float, ions: Literal["moving", "held"] = "moving") -> Any:
    solver = Solver(problem)
    states = solver.sweep([voltage], 1.0)
    assert states.converged.all()
    return solver, states.state(0), solver.linearised(states.state(0), 1.0, ions)


def test_a_stack_in_series_with_itself_has_twice_its_impedance() -> None:
    stack = everything("fermi-dirac").with_values(CIRCUIT)
    alone = Linearised(*settled(stack, 0.8), 1.0)
    _, _, both = linearised(pair(stack, stack), 1.6)
    one, two = alone.spectrum(FREQUENCIES), both.spectrum(FREQUENCIES)
    assert two.impedance == pytest.approx(2.0 * one.impedance, rel=1e-8)
    assert two.capacitance == pytest.approx(0.5 * one.capacitance, rel=1e-6)
    assert two.imvs == pytest.approx(2.0 * one.imvs, rel=1e-8)
    assert two.imps == pytest.approx(one.imps, rel=1e-8)
    assert both.slowest() == pytest.approx(alone.slowest(), rel=1e-6)


def test_capacitors_in_series() -> None:
    problem = pair(*(
        cell(layer("body", thickness, affinity=3.0, gap=3.4, eps=10.0), front=4.7, back=4.7)
        for thickness in (300e-9, 150e-9)
    ))  # fmt: skip
    _, _, linear = linearised(problem, 0.0)
    expected = 10.0 * EPS0 / 450e-9
    assert linear.spectrum([1e3, 1e6]).capacitance == pytest.approx(expected, rel=1e-6)
    # and of any two junctions at frequencies that nothing else follows
    _, _, other = linearised(unlike_pair(0.9), 1.2)
    geometric = other.problem.geometric_capacitance
    assert -1.0 / (2e13 * np.pi * (other.spectrum([1e13]).impedance - other.series).imag) == pytest.approx(
        geometric, rel=2e-2
    )


@pytest.mark.parametrize("voltage", [0.2, 1.5])
def test_at_rest_it_is_the_steady_curve(voltage: float) -> None:
    """Slope and light response of the steady pair are found by other code, and by differences of whole solutions."""
    problem = unlike_pair(0.9)
    solver, state, linear = linearised(problem, voltage)
    slow = linear.spectrum([1e-7])
    assert slow.impedance[0].real == pytest.approx(-1.0 / solver.slope(state, 1.0), rel=1e-6)
    held = linearised(problem, voltage, "held")[2].spectrum([0.0])
    assert held.imps[0].real == pytest.approx(solver.light_response(state, 1.0), rel=1e-6)
    h = 1e-3
    currents = [float(solver.sweep([voltage], 1.0 + n * h, state).current[0]) for n in (-2, -1, 1, 2)]
    change = (8.0 * (currents[2] - currents[1]) - (currents[3] - currents[0])) / (12.0 * h)
    assert slow.imps[0].real == pytest.approx(change, rel=1e-5)


def test_at_open_circuit_light_changes_the_voltage() -> None:
    solver, state, _ = linearised(unlike_pair(0.9), 1.5)
    point = solver.open_circuit(state, 1.0)
    linear = solver.linearised(point.state(0), 1.0)
    h = 1e-3
    v = [float(solver.open_circuit(point.state(0), 1.0 + n * h).voltage[0]) for n in (-2, -1, 1, 2)]
    change = (8.0 * (v[2] - v[1]) - (v[3] - v[0])) / (12.0 * h)
    assert linear.spectrum([1e-7]).imvs[0].real == pytest.approx(change, rel=1e-5)


@pytest.mark.parametrize("frequency", [3e-2, 3e5])
def test_a_small_sine_in_time_gives_the_impedance(frequency: float) -> None:
    """The current of a small triangle wave, whose first harmonic is the linear response there."""
    problem = unlike_pair(0.9)
    engine = Engine(problem, 1e-5)
    start = engine.settled(1.5, 1.0)
    linear = engine.solver.linearised(engine.solver.sweep([1.5], 1.0).state(0), 1.0)
    swing, quarter, points = 2e-3, 0.25 / frequency, 40
    corners = [1.5, 1.5 + swing, 1.5, 1.5 - swing, 1.5]
    round_ = [Step(quarter, Voltage(a, b), 1.0, points=points) for a, b in pairwise(corners)]
    trace = engine.run(round_ * 3, start)
    last = trace.time > 2.0 / frequency * (1.0 + 1e-9)
    wave = np.exp(-2j * np.pi * frequency * trace.time[last])
    response = -(wave @ trace.current[last]) / (wave @ (trace.voltage[last] - 1.5))
    assert response == pytest.approx(complex(linear.spectrum([frequency]).admittance[0]), rel=1e-2)


def test_light_of_the_top_counts() -> None:
    """A bottom that limits the current gets more of it."""
    found = []
    for share in (0.0, 0.8):
        problem = dimmed(pair(pt.load("wbg-target"), pt.load("nbg"), share), 1.0, 0.5)
        _, _, linear = linearised(problem, 0.5, "held")
        found.append(linear.spectrum([1e2]))
    without, coupled = found
    assert coupled.imps[0].real > 1.001 * without.imps[0].real


def test_frequencies_are_checked() -> None:
    _, _, linear = linearised(unlike_pair(0.9), 1.0)
    for wrong in ([0.0], [-1.0], [np.nan]):
        with pytest.raises(InputError, match="needs frequencies"):
            linear.spectrum(wrong)


def test_a_current_step_is_answered_by_the_impedance_s_resistance_first() -> None:
    """What is in series with both shows at once."""
    engine = Engine(unlike_pair(0.9))
    start = engine.settled(1.5, 1.0)
    before = engine.run([Step(1e-6, Voltage(1.5), 1.0)], start)
    current = float(before.current[-1])
    after = engine.run([Step(1e-12, Current(current - 1.0), 1.0)], before.moments[-1])
    assert after.voltage[-1] - 1.5 == pytest.approx(engine.problem.circuit.resistance, rel=2e-2)
