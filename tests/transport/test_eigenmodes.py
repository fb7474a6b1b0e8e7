"""The cell's own time constants: against the frequency response, against time steps and against closed forms."""

from typing import Literal

import numpy as np
import pytest

import perotwin as pt
from columns import CIRCUIT, patchy, twice
from devices import VT, cell, layer
from linear import CELLS, open_circuit, settled
from perotwin.measurement import checks_of
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.device import M_D
from perotwin.transport.schedule import OpenCircuit, Step
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine
from robustness_draw import FIRST_SEED
from robustness_draw import cell as random_cell
from series import pair
from series import unlike as unlike_pair

EPS0 = 8.8541878128e-12


def _admittance_at(linear: Linearised, rate: complex) -> complex:
    """Admittance at exp(rate t), shunts included, without what is in series."""
    (impedance,) = linear.impedance_at(np.array([rate]))
    return complex(1.0 / impedance)


@pytest.mark.parametrize("ions", ["held", "moving"])
@pytest.mark.parametrize("name", CELLS)
def test_at_open_circuit_the_slowest_rate_is_a_zero_of_the_admittance(name: str, ions: str) -> None:
    """A mode that lives without a current: found by iteration on the contents, held to the frequency response."""
    linear = Linearised(*open_circuit(CELLS[name]), 1.0, ions)
    (rate,) = linear.rates(1)
    assert rate.real < 0.0
    assert rate.imag == 0.0
    nearby = [_admittance_at(linear, rate * (1.0 + part)) for part in (-1e-6, 1e-6)]
    correction = _admittance_at(linear, rate) / (nearby[1] - nearby[0]) * 2e-6
    assert abs(correction) < 1e-9


@pytest.mark.parametrize("name", ["boltzmann", "fermi-dirac, thermionic"])
def test_at_a_held_voltage_the_slowest_rate_is_a_pole_of_the_admittance(name: str) -> None:
    linear = Linearised(*settled(CELLS[name], 0.9), 1.0)
    (rate,) = linear.rates(1, control="voltage")
    nearby = [1.0 / _admittance_at(linear, rate * (1.0 + part)) for part in (-1e-6, 1e-6)]
    assert abs(1.0 / _admittance_at(linear, rate) / (nearby[1] - nearby[0]) * 2e-6) < 1e-9


@pytest.mark.parametrize("name", ["cell-a", "wbg-control", "wbg-target"])
def test_a_small_photovoltage_decays_at_the_slowest_electronic_rate(name: str) -> None:
    stack = pt.load(name)
    solver, state = open_circuit(stack)
    (rate,) = Linearised(solver, state, 1.0, "held").rates(1)
    life = -1.0 / float(rate.real)
    engine = Engine(build(stack), tolerance=1e-8)
    engine.device.motion[:, M_D] *= 1e-12
    schedule = [
        Step(3.0 * life, OpenCircuit(), light=1.0001),
        Step(7.0 * life, OpenCircuit(), light=1.0, points=280),
    ]
    trace = engine.run(schedule, engine.moment(state))
    late = trace.time > 8.0 * life
    decay = np.polyfit(trace.time[late], np.log(trace.voltage[late] - state.voltage), 1)[0]
    assert decay == pytest.approx(float(rate.real), rel=0.01)


def test_the_last_of_a_photovoltage_decays_at_the_slowest_ionic_rate() -> None:
    stack = pt.load("wbg-target")
    solver, state = open_circuit(stack)
    (rate,) = Linearised(solver, state, 1.0).rates(1)
    life = -1.0 / float(rate.real)
    engine = Engine(build(stack), tolerance=1e-6)
    schedule = [
        Step(5.0 * life, OpenCircuit(), light=1.01),
        Step(6.0 * life, OpenCircuit(), light=1.0, points=120),
    ]
    trace = engine.run(schedule, engine.moment(state))
    late = trace.time > 8.0 * life
    decay = np.polyfit(trace.time[late], np.log(np.abs(trace.voltage[late] - state.voltage)), 1)[0]
    assert decay == pytest.approx(float(rate.real), rel=0.01)


def test_a_pocket_of_carriers_is_not_taken_for_what_the_terminals_show() -> None:
    """Holes in a layer that they cannot leave take minutes; the cell answers in microseconds."""
    stack = Stack.from_data(random_cell(FIRST_SEED + 35), bare_numbers=True)
    linear = Linearised(*settled(stack, 0.7), 1.0, "held")
    (pocket,) = linear.rates(1)
    assert abs(pocket) < 1.0
    assert linear.shares(pocket)[0] < 1e-9
    rate = linear.slowest()
    assert linear.shares(rate)[0] > 0.01
    nearby = [_admittance_at(linear, rate * (1.0 + part)) for part in (-1e-6, 1e-6)]
    assert abs(_admittance_at(linear, rate) / (nearby[1] - nearby[0]) * 2e-6) < 1e-9


def test_the_shares_of_all_modes_are_the_impedance() -> None:
    """A capacitor with a leak has one mode, which carries everything."""
    linear = Linearised(*open_circuit(pt.load("cell-a")), 1.0)
    assert linear.shares(linear.rates(1))[0] == pytest.approx(1.0, abs=0.05)
    assert linear.slowest() == pytest.approx(float(linear.rates(1)[0].real), rel=1e-9)


def test_a_capacitor_behind_a_resistor_discharges_at_their_product() -> None:
    """An intrinsic slab in reverse bias is a plate capacitor."""
    resistance = 1.0
    stack = cell(
        layer("slab", 400e-9, affinity=4.0, gap=1.6, eps=24.0),
        front=5.4,
        back=4.2,
        circuit={"series_resistance": resistance},
    )
    solver, state = settled(stack, -1.0, 0.0)
    linear = Linearised(solver, state, 0.0)
    capacitance = float(_admittance_at(linear, 2j * np.pi).imag / (2.0 * np.pi))
    plate = 24.0 * EPS0 / 400e-9
    assert capacitance == pytest.approx(plate, rel=0.1)
    (rate,) = linear.rates(1, control="voltage")
    assert -1.0 / rate.real == pytest.approx(resistance * capacitance, rel=1e-3)
    hertz = 1.0 / (2.0 * np.pi * resistance * capacitance)
    (impedance,) = linear.spectrum(hertz).impedance
    assert impedance == pytest.approx(resistance * (1.0 - 1j), rel=2e-3)


def test_ions_between_blocking_faces_relax_in_the_time_of_their_double_layers() -> None:
    """The linear problem of Poisson, Nernst and Planck for one species on a fixed background, closed form in space.

    With lengths in Debye lengths and rates in D / L^2: c'' = (1 + s) c, psi'' = -c, no flux (c' + psi' = 0) and no
    potential at both faces; c is odd.
    """
    from scipy.optimize import brentq

    density, width, eps, diffusion = 1e22, 200e-9, 20.0, 1e-14
    stack = cell(
        layer(
            "slab",
            width,
            affinity=3.0,
            gap=3.0,
            eps=eps,
            ions={"density": density, "diffusion_coefficient": diffusion},
        ),
        front=4.5,
        back=4.5,
    )
    solver, state = settled(stack, 0.0, 0.0)
    (rate,) = Linearised(solver, state, 0.0).rates(1, control="voltage")
    debye = np.sqrt(eps * EPS0 * VT / (1.602176634e-19 * density))
    half = 0.5 * width / debye

    def mismatch(s: float) -> float:
        # c = sinh(k x), psi = -c / k^2 + b x with b from psi = 0 at the face; what is left of the flux there
        k = np.sqrt(1.0 + s)
        return k * np.cosh(k * half) * (1.0 - 1.0 / k**2) + np.sinh(k * half) / (k**2 * half)

    expected = brentq(mismatch, -0.999, -1e-9) * diffusion / debye**2
    assert rate.real == pytest.approx(expected, rel=5e-3)


# --- columns side by side, junctions in series -----------------------------------------------------------------------


def test_modes_of_the_coupled_columns_are_where_their_admittance_vanishes() -> None:
    """Left alone, the columns exchange charge until the currents cancel: the common admittance has a zero there."""
    solver, state = open_circuit(patchy(**{"bare.circuit.series_resistance": "0 ohm cm^2"}))
    for ions in ("moving", "held"):
        linear = solver.linearised(state, 1.0, ions)
        rate = complex(linear.slowest())
        assert rate.real < 0.0
        near = 1.0 / linear.impedance_at(np.array([rate, rate * 1.01]))
        assert abs(near[0]) < 1e-4 * abs(near[1])
        # and no column by itself has it
        for number in range(2):
            alone = Solver(solver.problem.part(number))
            one = alone.linearised(alone.sweep([state.voltage], 1.0).state(0), 1.0, ions)
            own = 1.0 / one.impedance_at(np.array([rate, rate * 1.01]))
            assert abs(own[0]) > 0.1 * abs(own[1])


def test_a_stack_beside_itself_keeps_its_modes() -> None:
    stack = pt.load("wbg-target").with_values(CIRCUIT)
    for ions in ("moving", "held"):
        solver, state = open_circuit(stack)
        other, at = open_circuit(twice(stack))
        expected = solver.linearised(state, 1.0, ions).slowest()
        linear = other.linearised(at, 1.0, ions)
        assert linear.slowest() == pytest.approx(expected, rel=1e-6)
        assert linear.series == pytest.approx(5e-4, rel=1e-12)


def test_a_photovoltage_decays_with_the_mode_of_the_coupled_columns() -> None:
    """The decay in time and the eigenvalue of the linearised equations are found by different code."""
    cell = patchy()
    decay = pt.lab.tpv.measure(cell, pt.lab.tpv.Protocol(pulse=0.01))
    solver = Solver(build(cell).all_moving())
    point = solver.open_circuit(solver.sweep([1.36], 1.0).state(0), 1.0).state(0)
    rate = solver.linearised(point, 1.0, "held").slowest()
    lifetime = float(pt.lab.tpv.analyse(decay)["lifetime"])
    assert lifetime == pytest.approx(-1.0 / rate, rel=5e-3)
    assert all(row.passed for row in checks_of(decay).values())
    # neither column's own
    for stack in cell.stacks.values():
        own = float(
            pt.lab.tpv.analyse(pt.lab.tpv.measure(stack, pt.lab.tpv.Protocol(pulse=0.01)))["lifetime"]
        )
        assert abs(lifetime / own - 1.0) > 0.02


@pytest.mark.parametrize("control", ["open-circuit", "voltage"])
def test_the_modes_are_the_poles_of_what_the_terminals_see(
    control: Literal["open-circuit", "voltage"],
) -> None:
    """Where the impedance has no bound nothing need flow, where it is nothing no voltage is needed."""
    solver = Solver(unlike_pair(0.9))
    linear = solver.linearised(solver.sweep([1.55], 1.0).state(0), 1.0)
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


def test_a_photovoltage_decays_with_the_modes_of_the_pair() -> None:
    """The decay in time and the eigenvalues of the linearised equations are found by different code."""
    problem = pair(pt.load("wbg-target"), pt.load("wbg-control"), 0.5)
    engine = Engine(problem, 1e-5)
    solver = engine.solver
    point = solver.open_circuit(solver.sweep([2.4], 1.0).state(0), 1.0)
    rest = float(point.voltage[0])
    linear = solver.linearised(point.state(0), 1.0, "held")
    rates = linear.rates(2)
    assert np.all(linear.shares(rates) > 0.1) and np.all(rates.imag == 0.0)
    lead = engine.run([Step(5e-7, OpenCircuit(), 1.005)], engine.moment(point.state(0))).moments[-1]
    decay = engine.run([Step(-6.0 / float(rates[0].real), OpenCircuit(), 1.0, points=60)], lead)
    # one of each junction; the bottom's follows the top's by its light
    late = decay.time > -1.5 / rates[0].real
    modes = np.exp(decay.time[late, None] * rates.real)
    left = decay.voltage[late] - rest
    parts, _, _, _ = np.linalg.lstsq(modes, left, rcond=None)
    assert np.all(parts > 3e-5)
    assert left == pytest.approx(modes @ parts, abs=2e-3 * left[0])
