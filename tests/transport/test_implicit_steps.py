"""Single steps of time: their order, their tolerance, and what an error of their differences does."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.linalg import expm

import columns
import perotwin as pt
import series
from columns import beside
from devices import cell, everything, layer
from perotwin.stack import Stack
from perotwin.transport.build import Problem, build
from perotwin.transport.circuit import held_current
from perotwin.transport.kernels.circuit import Constraint
from perotwin.transport.kernels.implicit_step import Difference, implicit_step
from perotwin.transport.kernels.newton import Patience
from perotwin.transport.kernels.rows import stored_in
from perotwin.transport.schedule import Load, OpenCircuit, Step, Voltage
from perotwin.transport.steady import LONGEST, State
from perotwin.transport.transient import Engine
from series import pair
from wide_time_draw import FIRST_SCAN
from wide_time_draw import scan as drawn_scan


@pytest.fixture(scope="module")
def problem() -> Any:
    return build(everything("fermi-dirac"))


def scan(points: int = 20) -> list[Step]:
    """Ions and carriers far from rest, without a kink but the one at the start."""
    return [Step(0.2, Voltage(1.0, 0.2), light=(0.2, 1.0), points=points)]


@pytest.mark.slow
def test_order_with_steps_of_one_size(problem: Any) -> None:
    """No step is refused or shortened: halving the size divides the error by four at least."""
    engine = Engine(problem, tolerance=1e12)
    start = engine.settled(1.0, 0.2)
    exact = engine.run(scan(2560), start).moments[-1]
    errors = []
    for points in (40, 80, 160, 320):
        trace = engine.run(scan(points), start)
        # a few short ones from the corner to the first moment, then one a moment
        assert trace.steps < points + 20
        moment = trace.moments[-1]
        errors.append(float(np.abs(moment.state.psi - exact.state.psi).max()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders[-1] > 1.9, (errors, orders)
    assert orders.min() > 1.7, (errors, orders)


def test_error_falls_with_the_tolerance(problem: Any) -> None:
    """A step's error is h^3, the whole run's N h^3 = h^2: as tolerance^(2/3), while steps grow as tolerance^(-1/3)."""
    schedule = scan(3)
    start = Engine(problem).settled(1.0, 0.2)
    exact = Engine(problem, tolerance=1e-7).run(schedule, start)
    errors, steps = [], []
    tolerances = np.array([8e-3, 1e-3, 1.25e-4, 1.5625e-5])
    for tolerance in tolerances:
        trace = Engine(problem, tolerance=float(tolerance)).run(schedule, start)
        errors.append(
            max(
                float(np.abs(a.state.psi - b.state.psi).max())
                for a, b in zip(trace.moments, exact.moments, strict=True)
            )
        )
        steps.append(trace.steps)
    fall = np.log(errors[0] / errors[-1]) / np.log(tolerances[0] / tolerances[-1])
    growth = np.log(steps[-1] / steps[0]) / np.log(tolerances[0] / tolerances[-1])
    assert 0.5 < fall < 1.1, (errors, steps)
    assert growth < 0.4, (errors, steps)


def test_half_the_tolerance_changes_a_scan_little() -> None:
    """Voc to 0.1 mV and FF to 2e-4 at the tolerance that is the default."""
    problem = build(pt.load("wbg-control"))
    schedule = [
        Step(13.0, Voltage(1.4, 0.0), light=1.0, points=141),
        Step(13.0, Voltage(0.0, 1.4), light=1.0, points=141),
    ]
    found = []
    for tolerance in (None, 0.5):
        engine = (
            Engine(problem)
            if tolerance is None
            else Engine(problem, tolerance=tolerance * Engine(problem).tolerance)
        )
        trace = engine.run(schedule, engine.settled(1.4, 1.0))
        for part in (slice(0, 141), slice(141, 282)):
            voltage, current = trace.voltage[part], trace.current[part]
            order = np.argsort(voltage)
            voltage, current = voltage[order], current[order]
            power = voltage * current
            top = int(np.argmax(power))
            c = np.polyfit(voltage[top - 2 : top + 3], power[top - 2 : top + 3], 2)
            voc = float(np.interp(0.0, -current, voltage))
            found.append(
                (voc, float(np.polyval(c, -c[1] / 2 / c[0])) / voc / float(np.interp(0.0, voltage, current)))
            )
    for (voc, ff), (voc_half, ff_half) in zip(found[:2], found[2:], strict=True):
        assert voc == pytest.approx(voc_half, abs=1e-4)
        assert ff == pytest.approx(ff_half, abs=2e-4)


@pytest.mark.parametrize("control", [OpenCircuit(), Voltage(0.0)], ids=["open", "held"])
def test_a_free_decay_is_followed_over_ten_lifetimes(control: Any) -> None:
    """Deep traps that see many carriers: exp(-t / (tau_n + tau_p)) to 1 % in the lifetime at the default tolerance."""
    closed = {"work_function": "flat-band", "electron_velocity": 0.0, "hole_velocity": 0.0}
    lifetime = 8e-7
    body = layer("body", 200e-9, trap=[{"electron_lifetime": 3e-7, "hole_lifetime": 5e-7}])
    engine = Engine(build(cell(body, front=closed, back=closed, rate=1e29)))
    lit = engine.run([Step(1e-5, control, light=1.0)], engine.moment(State(0.0, engine.solver.dark))).moments[
        -1
    ]
    trace = engine.run([Step(10 * lifetime, control, points=10)], lit)
    assert trace.steps < 120
    left = []
    for moment in (lit, *trace.moments):
        engine._refresh(moment)
        left.append(float(engine.work.n @ engine.device.volume))
    assert np.log(left[0] / left[-1]) == pytest.approx(10.0, rel=0.01)
    assert -np.diff(np.log(left)) == pytest.approx(np.ones(10), rel=0.01)


@pytest.mark.parametrize("first", [None, 0.3, 3.0])
def test_the_first_step_is_held_to_the_tolerance(first: float | None) -> None:
    """A capacitor behind a resistor: a first step of three time constants is refused, not taken."""
    resistance = 1.0
    body = layer("body", 300e-9, affinity=3.0, gap=3.4, eps=10.0)
    stack = cell(body, front=4.7, back=4.7, circuit={"series_resistance": resistance})
    tau = resistance * 10.0 * epsilon_0 / 300e-9
    engine = Engine(build(stack))
    step = Step(6 * tau, Voltage(0.5), points=6, first=None if first is None else first * tau)
    trace = engine.run([step], engine.settled(0.0, 0.0))
    exact = -0.5 / resistance * np.exp(-trace.time / tau)
    assert trace.current == pytest.approx(exact, abs=2e-3 * 0.5 / resistance)


def test_what_is_faster_than_the_first_step_is_passed_over(problem: Any) -> None:
    """Of a jump of 5 mV the ions alone are followed, in a few steps, and the end is the same."""
    engine = Engine(problem, tolerance=1e-2)
    start = engine.settled(0.9, 1.0)
    few, many = (
        engine.run([Step(1e-2, Voltage(0.905), light=1.0, first=first)], start) for first in (1e-3, None)
    )
    assert few.steps < 0.5 * many.steps
    assert few.current[0] == pytest.approx(many.current[0], rel=1e-4)


# --- a circuit in one step -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [None, 0.3, 3.0])
@pytest.mark.parametrize(
    "control", [Voltage(0.0), OpenCircuit(), Load(0.7)], ids=lambda one: type(one).__name__
)
def test_the_first_step_of_columns_is_held_to_the_tolerance(control: Any, first: float | None) -> None:
    """Two unlike capacitors, each behind its resistor, on a load: a first step that is too long is refused."""
    areas, resistances, thicknesses = np.array([0.4, 0.6]), np.array([1.0, 2.0]), (300e-9, 150e-9)
    stacks = [
        cell(
            layer("body", thickness, affinity=3.0, gap=3.4, eps=10.0), front=4.7, back=4.7,
            circuit={"series_resistance": float(resistance)},
        )
        for resistance, thickness in zip(resistances, thicknesses, strict=True)
    ]  # fmt: skip
    engine = Engine(build(beside(("a", 0.4, stacks[0]), ("b", 0.6, stacks[1]))))
    capacitances = 10.0 * epsilon_0 / np.array(thicknesses)
    tau = float(resistances[0] * capacitances[0])
    # at open circuit, charged unequally to begin with: after a while of discharge
    lead = [Step(0.5 * tau, Voltage(0.0))] if isinstance(control, OpenCircuit) else []
    step = Step(6 * tau, control, points=6, first=None if first is None else first * tau)
    trace = engine.run([*lead, step], engine.settled(0.5, 0.0))
    # currents out of the capacitors, (V_k - V) / R_k, and the terminals' V as a share of the V_k
    g = areas / resistances
    outside = {Voltage: np.inf, OpenCircuit: 0.0, Load: 1.0 / 0.7}[type(control)]
    shares = g / (g.sum() + outside)
    rates = -(np.eye(2) - shares) / (resistances * capacitances)[:, None]
    before = 0.5 * np.exp(-0.5 * tau / (resistances * capacitances)) if lead else np.full(2, 0.5)
    times = trace.time[len(lead) :] - 0.5 * tau * len(lead)
    inside = np.array([expm(rates * time) @ before for time in times])
    voltage = inside @ shares
    current = (inside - voltage[:, None]) @ g
    assert trace.voltage[len(lead) :] == pytest.approx(voltage, abs=1e-3)
    assert trace.current[len(lead) :] == pytest.approx(current, abs=2e-3 * 0.5 * float(g.sum()))


def capacitor(thickness: float, resistance: float, shunt: float | None) -> Stack:
    circuit: dict[str, Any] = {"series_resistance": resistance}
    if shunt is not None:
        circuit["shunt_resistance"] = shunt
    body = layer("body", thickness, affinity=3.0, gap=3.4, eps=10.0)
    return cell(body, front=4.7, back=4.7, circuit=circuit)


@pytest.mark.parametrize("first", [None, 0.3, 3.0])
@pytest.mark.parametrize(
    "control", [Voltage(0.0), OpenCircuit(), Load(0.7)], ids=lambda one: type(one).__name__
)
def test_capacitors_in_series_discharge_as_they_must(control: Any, first: float | None) -> None:
    """Each over its own shunt, and both over their resistors; a first step that is too long is refused."""
    thicknesses, leaks, resistance = np.array([300e-9, 150e-9]), np.array([0.2, 0.5]), 3.0
    engine = Engine(pair(capacitor(300e-9, 1.0, 1.0 / leaks[0]), capacitor(150e-9, 2.0, 1.0 / leaks[1])))
    capacitances = 10.0 * epsilon_0 / thicknesses
    tau = float(resistance * capacitances[0])
    step = Step(6 * tau, control, points=6, first=None if first is None else first * tau)
    start = engine.settled(0.9, 0.0)
    before = start.state.v * engine.problem.vt
    trace = engine.run([step], start)
    # C v' = -g v - J with J = (v1 + v2) / (R + load)
    outside = {Voltage: resistance, OpenCircuit: np.inf, Load: resistance + 0.7}[type(control)]
    rates = -(np.diag(leaks) + np.ones((2, 2)) / outside) / capacitances[:, None]
    inside = np.array([expm(rates * time) @ before for time in trace.time])
    current = inside.sum(axis=1) / outside
    assert trace.current == pytest.approx(current, abs=2e-3 * 0.9 / resistance)
    assert trace.voltage == pytest.approx(inside.sum(axis=1) - resistance * current, abs=1.5e-3)


def circuits() -> dict[str, Problem]:
    """Unlike junctions side by side, and one behind the other with light of one in the other."""
    return {"columns": build(columns.unlike()), "series": series.unlike(0.9)}


#: what a step begins with: bias (V)
BIAS = {"columns": 0.8, "series": 1.6}


def begun(name: str) -> tuple[Engine, Any, np.ndarray]:
    """An engine, its settled moment, and the light that goes on."""
    engine = Engine(circuits()[name])
    start = engine.settled(BIAS[name], 1.0)
    (piece,) = engine.lights.pieces(Step(1e-5, OpenCircuit(), 0.5))
    engine._refresh(start)
    return engine, start, piece.generation(0.0)


@pytest.mark.parametrize("control", ["voltage", "open circuit", "load"])
@pytest.mark.parametrize("name", ["columns", "series"])
def test_the_error_is_what_wrong_densities_do_to_the_junctions(name: str, control: str) -> None:
    """Held to the equations of the step themselves, solved again from densities that are a little off."""
    engine = Engine(circuits()[name])
    bias, rate = BIAS[name], 1e6
    start = engine.settled(bias, 1.0)
    held = {"voltage": Voltage(bias), "open circuit": OpenCircuit(), "load": Load(8e-3)}[control]
    (piece,) = engine.lights.pieces(Step(1e-5, held, 1.0))
    constraint, light = engine.constraint(held, 1.0), piece.generation(0.0)
    engine._refresh(start)
    past = engine._past(0.0, start)
    missed = np.zeros(past.stored.size)
    parts = zip(stored_in(engine.device, missed)[:3], stored_in(engine.device, past.stored)[:3], strict=True)
    for kind, (off, own) in enumerate(parts):
        off[:] = 1e-5 * (1 + kind) * own
    found = []
    for off in (0.0, 1.0):
        made = start.copy()
        difference = Difference(rate, rate * (past.stored + off * missed))
        ok, _ = engine._solve(made, constraint, light, difference, 50)
        assert ok
        found.append((made, engine._past(1.0 / rate, made).stored))
        if not off:
            error = engine._error(made, constraint, missed, light)
    (made, one), (shifted, other) = found
    sizes = [float(np.abs(shifted.state.psi - made.state.psi).max())]
    before, after = stored_in(engine.device, one), stored_in(engine.device, other)
    for d in range(2):
        here = engine.device.sites(d)
        for kind in range(3):
            a, b = before[kind][..., here], after[kind][..., here]
            seen = a > 1e-9 * a.max()
            # few carriers count less, ions do not
            counts = a[seen] / (a[seen] + (kind < 2) * 1e-7 * a.max())
            sizes.append(float((counts * np.abs(np.log(b[seen] / a[seen]))).max()))
    assert error * engine.tolerance == pytest.approx(max(sizes), rel=1e-3)


@pytest.mark.parametrize("name", ["columns", "series"])
def test_the_slopes_over_a_step_are_exact(name: str) -> None:
    """Of currents and of light, by the voltage of each junction, against differences of whole solutions."""
    engine, start, light = begun(name)
    rate = 1e6
    difference = Difference(rate, rate * engine._past(0.0, start).stored)

    def solved(voltage: float) -> np.ndarray:
        made = start.copy()
        # a trace of resistance, so that each junction's voltage is unknown
        ok, _ = engine._solve(made, Constraint(1.0, -1e-4, voltage), light, difference, 100)
        assert ok
        return np.concatenate([made.state.v, made.current, engine._answer.light])

    h, bias = 1e-4, BIAS[name]
    near, far = solved(bias + h) - solved(bias - h), solved(bias + 2 * h) - solved(bias - 2 * h)
    change = (8.0 * near - far) / 12.0
    solved(bias)
    v, current, lights = change[:2], change[2:4], change[4:]
    linear = engine._linear
    expected = linear.by_voltage * v
    for k, (emitter, receiver) in enumerate(zip(engine.net.emitter, engine.net.receiver, strict=True)):
        assert linear.glow_by_voltage[k] * v[emitter] == pytest.approx(lights[k], rel=1e-6)
        expected[receiver] += linear.by_light[k] * lights[k]
    assert expected == pytest.approx(current, rel=1e-6)
    assert lights.size == (1 if name == "series" else 0)


@pytest.mark.parametrize("name", ["columns", "series"])
def test_newton_is_quadratic_over_a_step(name: str) -> None:
    engine, start, light = begun(name)
    difference = Difference(1e6, 1e6 * engine._past(0.0, start).stored)
    memory = (engine._linear, engine._answer, engine._edges)
    sizes = []
    for count in range(1, 10):
        row = start.row.copy()
        _, taken, size = implicit_step(
            engine.device, engine.work, engine.blocks, engine.net, row, light, engine._held, difference,
            engine._filled, held_current(), Patience(count, 0.0, LONGEST), memory,
        )  # fmt: skip
        assert taken == count
        sizes.append(size)
    found = np.array(sizes)
    small = found[:-1] < 0.05
    assert small.sum() >= 2, found
    assert np.all(found[1:][small] < 3 * found[:-1][small] ** 2 + 1e-8), found


def test_a_jump_that_newton_does_not_follow_is_taken_by_steps_of_the_voltage(
    problem: Any, monkeypatch: Any
) -> None:
    """A stepper whose Newton method refuses more than 6 kT at once arrives where one that takes 0.6 V at once does."""
    schedule = [Step(1e-6, Voltage(0.6), light=1.0, points=1)]
    whole = Engine(problem)
    wanted = whole.run(schedule, whole.settled(0.0, 0.0)).moments[-1]
    engine = Engine(problem)
    start, solve, refused = engine.settled(0.0, 0.0), Engine._solve, []

    def within(self: Any, guess: Any, constraint: Any, *others: Any) -> Any:
        if abs(constraint.c - guess.voltage) > 6.0 * problem.vt:
            refused.append(constraint.c)
            return False, 1
        return solve(self, guess, constraint, *others)

    monkeypatch.setattr(Engine, "_solve", within)
    found = engine.run(schedule, start).moments[-1]
    assert refused
    assert np.abs(found.state.psi - wanted.state.psi).max() < 1e-9


def test_levels_that_are_all_but_full_leave_rounding_to_carriers_that_are_none() -> None:
    """Holes of a layer of 1e26 m^-3 electrons, 1e-15 of those elsewhere, beside levels that would free 1e15 of them per
    area and second: a jump of 0.42 V is followed."""
    data, _ = drawn_scan(FIRST_SCAN + 5)
    drawn = Stack.from_data(data, bare_numbers=True)
    engine = Engine(build(drawn))
    trace = engine.run([Step(1e-6, Voltage(0.42), light=0.014, points=1)], engine.settled(0.0, 0.0))
    (absorber,) = drawn.absorbers
    assert trace.constancy.max() <= 1.0
    assert trace.ions[-1] == pytest.approx(float(absorber.ions.density * absorber.thickness), rel=1e-8)
