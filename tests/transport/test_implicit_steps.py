"""The integrator: its order, its tolerance, the corners of a schedule, and what happens when it cannot go on."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0

import perotwin as pt
from devices import cell, everything, layer
from perotwin.errors import ConvergenceError, InputError
from perotwin.transport.build import build
from perotwin.transport.schedule import Current, Load, OpenCircuit, Step, Voltage
from perotwin.transport.transient import Engine


@pytest.fixture(scope="module")
def problem() -> Any:
    return build(everything("fermi-dirac"))


def scan(points: int = 20) -> list[Step]:
    """Ions and carriers far from rest, without a kink but the one at the start."""
    return [Step(0.2, Voltage(1.0, 0.2), light=(0.2, 1.0), points=points)]


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
        errors.append(float(np.abs(moment.psi - exact.psi).max()))
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
            max(float(np.abs(a.psi - b.psi).max()) for a, b in zip(trace.moments, exact.moments, strict=True))
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
    lit = engine.run([Step(1e-5, control, light=1.0)], engine.moment(engine.solver.dark)).moments[-1]
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


# --- the schedule ----------------------------------------------------------------------------------------------------


def test_corners_are_met_exactly(problem: Any) -> None:
    """Every step ends where it should, at its last bias and light, and nothing foresees what comes."""
    engine = Engine(problem)
    start = engine.settled(0.0, 0.0)
    first = [Step(1e-3, Voltage(0.0, 1.0), light=(0.0, 1.0), points=3), Step(1e-6, Voltage(1.0), light=1.0)]
    rest = [Step(0.1, Voltage(0.4), light=0.2, times=(1e-7, 0.03, 0.1)), Step(7.0, OpenCircuit())]
    trace = engine.run(first + rest, start)
    assert list(trace.step) == [0, 0, 0, 1, 2, 2, 2, 3]
    assert trace.time == pytest.approx(
        [1e-3 / 3, 2e-3 / 3, 1e-3, 1.001e-3, 1.0011e-3, 0.031001, 0.101001, 7.101001], rel=1e-14
    )
    assert trace.voltage[:7] == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0, 0.4, 0.4, 0.4], abs=1e-14)
    assert trace.light == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0, 0.2, 0.2, 0.2, 0.0], abs=1e-14)
    alone = engine.run(first, start)
    assert np.array_equal(alone.moments[-1].psi, trace.moments[3].psi)
    # the rest from there is the rest of the whole
    after = engine.run(rest, alone.moments[-1])
    assert after.moments[-1].psi == pytest.approx(trace.moments[-1].psi, abs=1e-9)
    assert after.current == pytest.approx(trace.current[4:], abs=1e-9)


def test_what_is_reported_does_not_change_what_happens(problem: Any) -> None:
    """More moments shorten steps, and so the result moves within the tolerance only; the start stays as it was."""
    engine = Engine(problem)
    start = engine.settled(1.0, 0.2)
    before = start.copy()
    few, many = (engine.run(scan(points), start) for points in (1, 400))
    assert few.moments[-1].psi == pytest.approx(many.moments[-1].psi, abs=0.02)
    assert np.array_equal(before.psi, start.psi)
    assert np.array_equal(before.level, start.level)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(0.0, Voltage(0.0)), "duration of 0 s"),
        (Step(-1.0, Voltage(0.0)), "time can only run forwards"),
        (Step(np.inf, Voltage(0.0)), "duration"),
        (Step(np.nan, Voltage(0.0)), "duration"),
        (Step(1.0, Load(-1e-3)), "would deliver power"),
        (Step(1.0, Load(np.nan)), "load"),
        (Step(1.0, Voltage(0.0), light=-0.1), "light"),
        (Step(1.0, Voltage(0.0), light=(1.0, -0.1)), "light"),
        (Step(1.0, Voltage(0.0), light=np.nan), "light"),
        (Step(1.0, Voltage(0.0), light=np.inf), "light"),
        (Step(1.0, Voltage(0.0, np.nan)), "voltage"),
        (Step(1.0, Current(np.inf)), "current"),
        (Step(1.0, Voltage(0.0), times=(0.5, 0.2, 1.0)), "moments"),
        (Step(1.0, Voltage(0.0), times=(0.0, 1.0)), "moments"),
        (Step(1.0, Voltage(0.0), times=(0.5, 2.0)), "moments"),
        (Step(1.0, Voltage(0.0), times=(0.5, np.nan)), "moments"),
        (Step(1.0, Voltage(0.0), times=(0.2, 0.5)), "moments"),
        (Step(1.0, Voltage(0.0), points=0), "moments"),
    ],
)  # fmt: skip
def test_impossible_schedules_are_refused(problem: Any, step: Step, words: str) -> None:
    engine = Engine(problem)
    start = engine.settled(0.0, 0.0)
    with pytest.raises(InputError, match=words) as caught:
        engine.run([Step(1.0, Voltage(0.0)), step], start)
    assert "step 2" in str(caught.value)
    assert caught.value.advice


def test_a_schedule_has_steps(problem: Any) -> None:
    engine = Engine(problem)
    with pytest.raises(InputError, match="no step"):
        engine.run([], engine.settled(0.0, 0.0))


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_run_that_cannot_go_on_says_when_and_keeps_what_it_has(problem: Any) -> None:
    """Far more current than the light makes drives the voltage down without end."""
    engine = Engine(problem)
    schedule = [
        Step(1e-3, Voltage(0.0), light=1.0, points=3),
        Step(1e3, Current(2000.0), light=1.0, points=4),
    ]
    with pytest.raises(ConvergenceError) as caught:
        engine.run(schedule, engine.settled(0.0, 1.0))
    error = caught.value
    assert "could not be followed" in str(error)
    assert error.stage == "transient"
    assert error.context["step"] == 2
    assert 0.0 < error.context["time"] < 1e3
    assert error.state.psi.shape == engine.device.x.shape
    trace = error.context["trace"]
    assert not trace.complete
    assert trace.time.size >= 3
    assert trace.time[2] == pytest.approx(1e-3)
    assert len(trace.moments) == trace.time.size


def test_it_stops_when_told_and_says_so(problem: Any) -> None:
    engine = Engine(problem)
    start = engine.settled(1.0, 0.2)
    seen: list[float] = []
    trace = engine.run(
        scan(20), start, stop=lambda time, voltage, current: voltage < 0.75, advanced=seen.append
    )
    assert not trace.complete
    assert trace.voltage[-1] < 0.75 < trace.voltage[-2]
    assert seen == list(trace.time)

    def interrupt(time: float) -> None:
        if time > 0.1:
            raise KeyboardInterrupt

    kept = engine.run(scan(20), start, advanced=interrupt)
    assert not kept.complete
    assert 10 <= kept.time.size < 20
