"""Tandems in one solve, in time and at small signal: held to two junctions in series, to time, to the steady curve."""

from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest

import perotwin as pt
from devices import layer
from perotwin.stack import Tandem
from perotwin.transport import device as dv
from perotwin.transport.cell import all_moving, build, engine_of, solver_of
from perotwin.transport.checks import CurrentInTime
from perotwin.transport.light import Beam
from perotwin.transport.schedule import OpenCircuit, Step, Voltage
from perotwin.transport.transient import Engine
from tandems import plain, shining

SHUNTS: dict[str, Any] = {
    "top": {"circuit": {"series_resistance": 1e-4, "shunt_resistance": 0.5}},
    "bottom": {"circuit": {"shunt_resistance": 0.2}},
}
METAL = {"metal": {"work_function": 4.3}}


def leaking(ions: bool = True) -> Tandem:
    return plain((6e27, 5e27), "fermi-dirac", ions, **SHUNTS)


def busy(between: dict[str, Any]) -> Tandem:
    """With ions and charged levels in the layers on either side of the plane too."""
    capture = {"electron_capture": 1e-14, "hole_capture": 1e-14}
    level = {"level": {"below": "conduction", "depth": 0.3}, "density": 5e22, **capture}
    ions = {"density": 1e23, "response": "steady", "diffusion_coefficient": 1e-17}

    def junction(gap: float, near: str) -> list[dict[str, Any]]:
        here: dict[str, Any] = {"ions": ions, "trap": [{**level, "charge": "acceptor"}]}
        at = {name: here if name == near else {} for name in ("htl", "etl")}
        return [
            layer("htl", 20e-9, role="htl", affinity=4.0 + gap - 2.9, gap=2.9, nc=1e26, nv=1e26, eps=4.0, doping=-3e24,
                  mobility=1e-5, **at["htl"]),
            layer("absorber", 200e-9, affinity=4.0, gap=gap, mobility=2e-4, radiative=2e-17, ions=ions,
                  trap=[{"electron_lifetime": 2e-7, "hole_lifetime": 2e-7}]),
            layer("etl", 20e-9, role="etl", affinity=4.0, gap=2.5, nc=1e26, nv=1e26, eps=5.0, doping=2e24,
                  mobility=1e-5, **at["etl"]),
        ]  # fmt: skip

    return plain(
        (6e27, 5e27),
        top={**SHUNTS["top"], "layer": junction(1.7, "etl")},
        bottom={**SHUNTS["bottom"], "layer": junction(1.2, "htl")},
        junction=between,
    )


def traps(velocity: float, **more: Any) -> dict[str, Any]:
    return {"kind": "traps", "electron_velocity": velocity, "hole_velocity": velocity, **more}


BETWEEN: dict[str, dict[str, Any]] = {
    "ideal": {"kind": "ideal"}, "metal": traps(1e3, **METAL), "traps": traps(1e-2),
}  # fmt: skip


# --- time -------------------------------------------------------------------------------------------------------------

RUNS: dict[str, tuple[tuple[float, float], list[Step]]] = {
    "scan": ((0.0, 1.0), [Step(0.5, Voltage(*ends), 1.0, points=6) for ends in ((0.0, 1.8), (1.8, 0.0))]),
    "light": ((1.0, 0.1), [Step(1e-5, Voltage(1.0), 1.0, points=5)]),
    "decay": ((1.7, 1.0), [Step(1e-4, OpenCircuit(), 0.0, points=5)]),
}


@pytest.mark.parametrize("name", RUNS)
def test_it_is_two_junctions_in_series(name: str) -> None:
    """Each takes steps of its own: they lie apart by the steps' tolerance, and less where that is less."""
    (voltage, suns), schedule = RUNS[name]
    # once seen from the other end
    tandem = leaking().mirrored() if name == "light" else leaking()
    problems = [build(tandem, one_solve=one) for one in (False, True)]
    apart = []
    for tolerance in (5e-4, 2e-5):
        engines = [engine_of(problem, tolerance) for problem in problems]
        series, whole = (one.run(schedule, one.settled(voltage, suns)) for one in engines)
        assert whole.constancy.max() < 1.0
        assert np.abs(whole.ions / whole.ions[0] - 1.0).max() < 1e-10
        if name == "decay":
            apart.append(float(np.abs(whole.voltage - series.voltage).max()))
        else:
            apart.append(float(np.abs(whole.current / series.current[0] - series.current / series.current[0]).max()))
    # the plane itself costs 0.6 uV at the current of one sun
    assert apart[0] < {"scan": 1e-7, "light": 1e-4, "decay": 1e-4}[name]
    assert apart[1] < max(0.3 * apart[0], 1e-7)


@pytest.mark.parametrize("tandem", [pt.load("tandem-target"), shining(closed=False)], ids=["library", "shining"])
@pytest.mark.parametrize("control", [Voltage(1.8), OpenCircuit()], ids=["voltage", "open circuit"])
def test_with_light_of_one_junction_in_the_other(tandem: Tandem, control: Any) -> None:
    """Of the library, and without traps, where the top's surplus light is much of what the bottom has."""
    found = []
    for one_solve in (False, True):
        engine = engine_of(build(tandem, one_solve=one_solve), 1e-4)
        steps = [Step(1e-6, control, 0.3, points=3), Step(1e-2, control, 0.3, points=3)]
        found.append(engine.run(steps, engine.settled(1.8, 1.0)))
    series, whole = found
    assert whole.constancy.max() < 1.0
    assert whole.voltage == pytest.approx(series.voltage, abs=2e-5)
    apart = np.abs(whole.current - series.current)
    assert apart.max() < 1e-3 * np.abs(series.current).max() + 1e-12
    # what is settled
    assert apart[-1] < 1e-6 and abs(whole.voltage[-1] - series.voltage[-1]) < 2e-7


def test_other_light_is_that_of_the_whole_cell() -> None:
    """Infrared on top of sunlight, which passes the top and what lies between."""
    red = Beam(spectrum={"kind": "monochromatic", "wavelength": "850 nm"}, intensity=0.2)
    tandem = pt.load("tandem-target").with_values({"top.light.intensity": 0.9})
    found = []
    for one_solve in (False, True):
        engine = engine_of(build(tandem, one_solve=one_solve))
        start = engine.settled(1.0, 1.0, (red,))
        found.append(engine.run([Step(1e-6, Voltage(1.0), 1.0, beams=(red,))], start))
    series, whole = found
    assert whole.generated == pytest.approx(series.generated, rel=1e-12)
    assert whole.current == pytest.approx(series.current, rel=1e-6)


@pytest.mark.parametrize("between", BETWEEN)
def test_a_steady_state_stays(between: str) -> None:
    engine = engine_of(build(busy(BETWEEN[between]), one_solve=True))
    assert isinstance(engine, Engine)
    steady = engine.solver.sweep([1.5], 1.0)
    held = engine.run([Step(1.0, Voltage(1.5), 1.0, points=3)], engine.moment(steady.state(0)))
    assert held.current == pytest.approx(steady.current[0], rel=1e-9)
    assert held.steps < 40
    near = engine.solver.sweep([1.9], 1.0).state(0)
    still = engine.solver.open_circuit(near, 1.0)
    left = engine.run([Step(1.0, OpenCircuit(), 1.0, points=3)], engine.moment(still.state(0)))
    assert left.voltage == pytest.approx(still.voltage[0], abs=1e-8)


@pytest.mark.parametrize("between", BETWEEN)
def test_what_happens_at_the_plane_is_checked(between: str) -> None:
    """The current is one along x on both sides of the plane; a wrong shunt or potential there is seen."""
    engine = engine_of(build(busy(BETWEEN[between]), one_solve=True))
    assert isinstance(engine, Engine)
    trace = engine.run([Step(1e-3, Voltage(1.2, 1.6), 1.0, points=4)], engine.settled(1.2, 0.5))
    assert 0.0 < trace.constancy.max() < 1.0
    rate, past = engine._step_taken
    made, generated, current = trace.moments[-1], float(trace.generated[-1]), float(trace.current[-1])

    def departure(moment: Any, currents: CurrentInTime = engine._currents) -> float:
        return currents.departure(moment, rate, past[3], generated, current)

    assert departure(made) == pytest.approx(float(trace.constancy[-1]), rel=1e-6)
    site = int(engine.device.plane_site[0])
    for number in (dv.P_GE, dv.P_GH):
        plane = engine.device.plane.copy()
        plane[0, number] *= 1.001
        wrong = replace(engine.problem, device=engine.problem.device._replace(plane=plane))
        assert departure(made, CurrentInTime(wrong, engine.motion)) > 1.0
    for name in ("psi", "fn", "fp"):
        other = made.copy()
        getattr(other, name)[..., engine.problem.site_node[site]] += 1e-4
        assert departure(other) > 1.0, name


# --- small signals ----------------------------------------------------------------------------------------------------


def linearised(tandem: Any, voltage: float, one_solve: bool = True) -> Any:
    solver = solver_of(all_moving(build(tandem, one_solve=one_solve)))
    state = solver.sweep([voltage], 1.0).state(0)
    return solver, state, solver.linearised(state, 1.0)


@pytest.mark.parametrize("voltage", [0.0, 1.8])
@pytest.mark.parametrize("tandem", [leaking(), shining(closed=False)], ids=["leaking", "shining"])
def test_impedance_is_that_of_two_junctions_in_series(tandem: Tandem, voltage: float) -> None:
    (_, _, series), (_, _, whole) = (linearised(tandem, voltage, one) for one in (False, True))
    one, other = (linear.spectrum(np.geomspace(1e-2, 1e6, 9)) for linear in (series, whole))
    for name in ("impedance", "imvs", "imps"):
        expected = getattr(one, name)
        assert np.abs(getattr(other, name) / expected - 1.0).max() < 1e-5, name
    for control in ("open-circuit", "voltage"):
        assert whole.rates(1, control) == pytest.approx(series.rates(1, control), rel=1e-4)


@pytest.mark.parametrize("between", BETWEEN)
def test_at_rest_it_is_the_steady_curve(between: str) -> None:
    solver, state, linear = linearised(busy(BETWEEN[between]), 1.5)
    slow = linear.spectrum([1e-8])
    assert slow.impedance[0].real == pytest.approx(-1.0 / solver.slope(state, 1.0), rel=1e-6)


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("frequency", [3e-2, 3e5])
def test_a_small_triangle_in_time_gives_the_impedance(between: str, frequency: float) -> None:
    engine = engine_of(build(busy(BETWEEN[between]), one_solve=True), 2e-5)
    assert isinstance(engine, Engine)
    linear = engine.solver.linearised(engine.solver.sweep([1.5], 1.0).state(0), 1.0)
    quarter, corners = 0.25 / frequency, [1.5, 1.502, 1.5, 1.498, 1.5]
    once = [Step(quarter, Voltage(a, b), 1.0, points=30) for a, b in pairwise(corners)]
    trace = engine.run(once * 3, engine.settled(1.5, 1.0))
    last = trace.time > 2.0 / frequency * (1.0 + 1e-9)
    wave = np.exp(-2j * np.pi * frequency * trace.time[last])
    response = -(wave @ trace.current[last]) / (wave @ (trace.voltage[last] - 1.5))
    assert response == pytest.approx(complex(linear.spectrum([frequency]).admittance[0]), rel=1e-2)


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("control", ["open-circuit", "voltage"])
def test_the_modes_are_the_poles_of_what_the_terminals_see(
    between: str, control: Literal["open-circuit", "voltage"]
) -> None:
    """The charge on a metal is one of the contents that decay."""
    _, _, linear = linearised(busy(BETWEEN[between]), 1.5)
    rates = linear.rates(6, control)
    rates = rates[linear.shares(rates) > 1e-4] if control == "open-circuit" else rates[:3]
    assert rates.size >= 2 and np.all(rates.real < 0.0)
    for rate in rates:
        at, beside = linear.impedance_at(np.array([rate, rate * (1.0 + 1e-3)])) + linear.series
        if control == "open-circuit":
            at, beside = 1.0 / at, 1.0 / beside
        assert abs(at) < 1e-4 * abs(beside)
