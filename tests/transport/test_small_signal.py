"""Small signals against the steady equations, against time steps, against closed forms and against themselves."""

import numpy as np
import pytest

import perotwin as pt
from devices import VT, cell, everything, layer
from perotwin.errors import InputError
from perotwin.stack import Stack
from perotwin.transport import kernels
from perotwin.transport.build import build
from perotwin.transport.device import M_D, make_blocks
from perotwin.transport.schedule import OpenCircuit, Step, Voltage
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver, State
from perotwin.transport.transient import Engine, all_moving
from robustness_draw import FIRST_SEED
from robustness_draw import cell as random_cell

THERMIONIC = ("thermionic", "thermionic")
EPS0 = 8.8541878128e-12


def settled(stack: Stack, voltage: float, light: float = 1.0) -> tuple[Solver, State]:
    """The cell with all ions settled at a terminal voltage."""
    solver = Solver(all_moving(build(stack)))
    found = solver.sweep([voltage], light)
    assert found.converged.all()
    return solver, found.state(0)


def open_circuit(stack: Stack, light: float = 1.0) -> tuple[Solver, State]:
    """The cell with all ions settled at open circuit."""
    solver = Solver(all_moving(build(stack)))
    states = solver.sweep(np.arange(0.0, 1.6, 0.02), light)
    last = int(np.flatnonzero(states.converged & (states.current > 0.0))[-1])
    return solver, solver.open_circuit(states.state(last), light).state(0)


def with_circuit(stack: Stack) -> Stack:
    return stack.with_values({"circuit.series_resistance": 2e-4, "circuit.shunt_resistance": 0.1})


def slope(solver: Solver, voltage: float, light: float = 1.0, by: float = 2e-4) -> float:
    """-dV/dJ of the steady curve, by differences of fourth order."""
    found = solver.sweep(voltage + by * np.array([-2.0, -1.0, 1.0, 2.0]), light)
    assert found.converged.all()
    return -12.0 * by / float(found.current @ [1.0, -8.0, 8.0, -1.0])


def three_ion_layers() -> Stack:
    """Neighbours with ions of their own share the node on their face."""
    ions = {"density": 1e23}
    both = {**ions, "second": {"density": 1e22, "charge": -1, "diffusion_coefficient": 1e-14}}
    return cell(
        layer("a", 200e-9, ions=ions, radiative=1e-16),
        layer("b", 200e-9, ions=both, radiative=1e-16),
        layer("c", 100e-9, ions=ions, radiative=1e-16),
        front=5.4,
        back=4.2,
        rate=1e27,
    )


CELLS = {
    "boltzmann": everything("boltzmann"),
    "fermi-dirac, thermionic": everything("fermi-dirac", transport=THERMIONIC),
    "circuit": with_circuit(everything("fermi-dirac")),
    "library": pt.load("wbg-control"),
    "ions on both sides of faces": three_ion_layers(),
}


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
    # the admittance of the junction: a series resistor would hide it
    hertz = 1e16
    (admittance,) = Linearised(solver, state, 1.0).spectrum(hertz).junction_admittance
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
    engine = Engine(all_moving(build(stack)), tolerance=2e-7)
    engine.motion[:, M_D] *= 1e-12
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


# --- time constants ---------------------------------------------------------------------------------------------------


def _admittance_at(linear: Linearised, rate: complex) -> complex:
    """Junction's admittance and shunt at exp(rate t)."""
    blocks = make_blocks(linear.device, linear._size, linear.motion.shape[0], 1, complex)
    state, none = linear.state, np.zeros((0, linear.device.volume.size))
    (flux,) = kernels.signal(
        linear.device, linear.work, blocks, linear.motion, state.psi, state.fn, state.fp, linear.level,
        float(state.v[0]), linear.light, linear.held, complex(rate), none,
    )  # fmt: skip
    return complex(-linear._sign * flux / linear.problem.vt + linear._leak)


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
    engine = Engine(all_moving(build(stack)), tolerance=1e-8)
    engine.motion[:, M_D] *= 1e-12
    schedule = [
        Step(3.0 * life, OpenCircuit(), light=1.0001),
        Step(7.0 * life, OpenCircuit(), light=1.0, points=280),
    ]
    trace = engine.run(schedule, engine.moment(state))
    late = trace.time > 8.0 * life
    decay = np.polyfit(
        trace.time[late], np.log(trace.voltage[late] - float(state.v[0]) * solver.problem.vt), 1
    )[0]
    assert decay == pytest.approx(float(rate.real), rel=0.01)


def test_the_last_of_a_photovoltage_decays_at_the_slowest_ionic_rate() -> None:
    stack = pt.load("wbg-target")
    solver, state = open_circuit(stack)
    (rate,) = Linearised(solver, state, 1.0).rates(1)
    life = -1.0 / float(rate.real)
    engine = Engine(all_moving(build(stack)), tolerance=1e-6)
    schedule = [
        Step(5.0 * life, OpenCircuit(), light=1.01),
        Step(6.0 * life, OpenCircuit(), light=1.0, points=120),
    ]
    trace = engine.run(schedule, engine.moment(state))
    late = trace.time > 8.0 * life
    decay = np.polyfit(
        trace.time[late], np.log(np.abs(trace.voltage[late] - float(state.v[0]) * solver.problem.vt)), 1
    )[0]
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
    capacitance = float(linear.spectrum(1.0).junction_admittance.imag[0] / (2.0 * np.pi))
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


def test_frequencies_that_are_none_are_refused() -> None:
    linear = Linearised(*settled(pt.load("wbg-target"), 0.0), 1.0)
    for bad in (-1.0, np.nan, 0.0):
        with pytest.raises(InputError, match="frequencies"):
            linear.spectrum(bad)
