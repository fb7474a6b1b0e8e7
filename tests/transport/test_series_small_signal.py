"""Two junctions in series at small signal: impedances that add, held to the steady curve and to time."""

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from scipy.constants import epsilon_0

import perotwin as pt
from devices import cell as cell_of
from devices import everything, layer
from perotwin.errors import InputError
from perotwin.transport.motion import all_moving
from perotwin.transport.schedule import Current, Step, Voltage
from perotwin.transport.series_engine import TandemEngine
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver
from perotwin.transport.tandem import TandemProblem, TandemSolver
from series import dimmed, pair

CIRCUIT = {"circuit.series_resistance": "5 ohm cm^2", "circuit.shunt_resistance": "2 kohm cm^2"}
FREQUENCIES = np.geomspace(1e-3, 1e9, 13)


def unlike(share: float = 0.9) -> TandemProblem:
    """Two unlike junctions with charged traps, ions, a shunt, a resistor and light of one in the other."""
    bottom = everything("boltzmann", crowded=False).with_values(
        {"absorber.thickness": 250e-9, "htl|absorber.dipole": 0.05, **CIRCUIT}
    )
    return pair(everything("fermi-dirac"), bottom, share)


def linearised(problem: TandemProblem, voltage: float, ions: Literal["moving", "held"] = "moving") -> Any:
    solver = TandemSolver(problem)
    states = solver.sweep([voltage], 1.0)
    assert states.converged.all()
    return solver, states.state(0), solver.linearised(states.state(0), 1.0, ions)


def test_a_stack_in_series_with_itself_has_twice_its_impedance() -> None:
    stack = everything("fermi-dirac").with_values(CIRCUIT)
    one_solver = Solver(all_moving(pair(stack, stack).junctions[0]))
    state = one_solver.sweep([0.8], 1.0).state(0)
    alone = Linearised(one_solver, state, 1.0)
    _, _, both = linearised(pair(stack, stack), 1.6)
    one, two = alone.spectrum(FREQUENCIES), both.spectrum(FREQUENCIES)
    assert two.impedance == pytest.approx(2.0 * one.impedance, rel=1e-8)
    assert two.capacitance == pytest.approx(0.5 * one.capacitance, rel=1e-6)
    assert two.imvs == pytest.approx(2.0 * one.imvs, rel=1e-8)
    assert two.imps == pytest.approx(one.imps, rel=1e-8)
    assert both.slowest() == pytest.approx(alone.slowest(), rel=1e-6)


def test_capacitors_in_series() -> None:
    problem = pair(*(
        cell_of(layer("body", thickness, affinity=3.0, gap=3.4, eps=10.0), front=4.7, back=4.7)
        for thickness in (300e-9, 150e-9)
    ))  # fmt: skip
    _, _, linear = linearised(problem, 0.0)
    expected = 10.0 * epsilon_0 / 450e-9
    assert linear.spectrum([1e3, 1e6]).capacitance == pytest.approx(expected, rel=1e-6)
    # and of any two junctions at frequencies that nothing else follows
    _, _, other = linearised(unlike(), 1.2)
    geometric = other.problem.geometric_capacitance
    assert -1.0 / (2e13 * np.pi * (other.spectrum([1e13]).impedance - other.series).imag) == pytest.approx(
        geometric, rel=2e-2
    )


@pytest.mark.parametrize("voltage", [0.2, 1.5])
def test_at_rest_it_is_the_steady_curve(voltage: float) -> None:
    """Slope and light response of the steady pair are found by other code, and by differences of whole solutions."""
    problem = unlike()
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
    solver, state, _ = linearised(unlike(), 1.5)
    point = solver.open_circuit(state, 1.0)
    linear = solver.linearised(point.state(0), 1.0)
    h = 1e-3
    v = [float(solver.open_circuit(point.state(0), 1.0 + n * h).voltage[0]) for n in (-2, -1, 1, 2)]
    change = (8.0 * (v[2] - v[1]) - (v[3] - v[0])) / (12.0 * h)
    assert linear.spectrum([1e-7]).imvs[0].real == pytest.approx(change, rel=1e-5)


@pytest.mark.parametrize("frequency", [3e-2, 3e5])
def test_a_small_sine_in_time_gives_the_impedance(frequency: float) -> None:
    """The current of a small triangle wave, whose first harmonic is the linear response there."""
    problem = unlike()
    engine = TandemEngine(problem, 1e-5)
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


@pytest.mark.parametrize("control", ["open-circuit", "voltage"])
def test_the_modes_are_the_poles_of_what_the_terminals_see(
    control: Literal["open-circuit", "voltage"],
) -> None:
    """Where the impedance has no bound nothing need flow, where it is nothing no voltage is needed."""
    _, _, linear = linearised(unlike(), 1.55)
    rates = linear.rates(6, control)
    if control == "open-circuit":
        rates = rates[linear.shares(rates) > 1e-4]
    assert rates.size >= 2 and np.all(rates.real < 0.0)
    for rate in rates:
        near = np.array([rate, rate * (1.0 + 1e-3)])
        at, beside = linear.impedance_at(near) + linear.series
        if control == "open-circuit":
            at, beside = 1.0 / at, 1.0 / beside
        # modes that the terminals hardly see make the zero a narrow one
        assert abs(at) < 1e-4 * abs(beside)


def test_light_of_the_top_counts() -> None:
    """A bottom that limits the current gets more of it."""
    found = []
    for share in (0.0, 0.8):
        problem = dimmed(pair(pt.load("wbg-target"), pt.load("nbg"), share), 1.0, 0.5)
        _, _, linear = linearised(problem, 0.5, "held")
        found.append(linear.spectrum([1e2]))
    without, coupled = found
    assert abs(without.across[0]) == 0.0 and coupled.across[0].real > 0.0
    assert coupled.imps[0].real > 1.001 * without.imps[0].real


def test_frequencies_are_checked() -> None:
    _, _, linear = linearised(unlike(), 1.0)
    for wrong in ([0.0], [-1.0], [np.nan]):
        with pytest.raises(InputError, match="needs frequencies"):
            linear.spectrum(wrong)


def test_a_current_step_is_answered_by_the_impedance_s_resistance_first() -> None:
    """What is in series with both shows at once."""
    engine = TandemEngine(unlike())
    start = engine.settled(1.5, 1.0)
    before = engine.run([Step(1e-6, Voltage(1.5), 1.0)], start)
    current = float(before.current[-1])
    after = engine.run([Step(1e-12, Current(current - 1.0), 1.0)], before.moments[-1])
    assert after.voltage[-1] - 1.5 == pytest.approx(engine.problem.resistance, rel=2e-2)
