"""Schedules in time: of one stack, of columns side by side, of junctions in series."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q

import perotwin as pt
from columns import CIRCUIT, patchy, twice
from columns import unlike as unlike_columns
from devices import everything
from perotwin.errors import ConvergenceError, InputError
from perotwin.transport.build import build
from perotwin.transport.light import LaserPulse
from perotwin.transport.schedule import Current, Load, MaximumPower, OpenCircuit, Step, Voltage
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine, Moment
from series import dimmed, pair
from series import unlike as unlike_pair


@pytest.fixture(scope="module")
def problem() -> Any:
    return build(everything("fermi-dirac"))


def scan(points: int = 20) -> list[Step]:
    """Ions and carriers far from rest, without a kink but the one at the start."""
    return [Step(0.2, Voltage(1.0, 0.2), light=(0.2, 1.0), points=points)]


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
    assert np.array_equal(alone.moments[-1].state.psi, trace.moments[3].state.psi)
    # the rest from there is the rest of the whole
    after = engine.run(rest, alone.moments[-1])
    assert after.moments[-1].state.psi == pytest.approx(trace.moments[-1].state.psi, abs=1e-9)
    assert after.current == pytest.approx(trace.current[4:], abs=1e-9)


def test_what_is_reported_does_not_change_what_happens(problem: Any) -> None:
    """More moments shorten steps, and so the result moves within the tolerance only; the start stays as it was."""
    engine = Engine(problem)
    start = engine.settled(1.0, 0.2)
    before = start.copy()
    few, many = (engine.run(scan(points), start) for points in (1, 400))
    assert few.moments[-1].state.psi == pytest.approx(many.moments[-1].state.psi, abs=0.02)
    assert np.array_equal(before.state.psi, start.state.psi)
    assert np.array_equal(before.state.level, start.state.level)


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
    assert error.state.state.psi.shape == engine.device.x.shape
    trace = error.context["trace"]
    assert not trace.complete
    assert trace.time.size >= 3
    assert trace.time[2] == pytest.approx(1e-3)
    assert len(trace.moments) == trace.time.size


def test_a_run_that_gets_nowhere_ends_with_a_reason(problem: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from perotwin.transport import transient

    monkeypatch.setattr(transient, "_PATIENCE", 5)
    engine = Engine(problem)
    with pytest.raises(ConvergenceError, match="5 steps did not lead to the next moment") as caught:
        engine.run([Step(1.0, Voltage(0.5), 1.0)], engine.settled(0.0, 0.0))
    assert caught.value.stage == "transient" and caught.value.context["trace"].time.size == 0


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


# --- junctions in series ---------------------------------------------------------------------------------------------


LASER = LaserPulse(wavelength="532 nm", fluence="1e10 cm^-2")


def schedules(times: int) -> dict[str, list[Step]]:
    """For one stack, or for two of it in series."""
    return {
        "voltage": [
            Step(1e-3, Voltage(0.6 * times), 1.0, points=3),
            Step(1.0, Voltage(0.6 * times, 1.1 * times), 1.0, points=5),
        ],
        "jump": [Step(1e-3, Voltage(-0.5 * times), 0.0, points=3), Step(1.0, Voltage(0.9 * times), 1.0)],
        "open circuit": [
            Step(1e-5, OpenCircuit(), 1.0, points=3),
            Step(1e-2, OpenCircuit(), (1.0, 0.3), points=4),
        ],
        "current": [Step(1e-4, Current(0.0, 60.0), 1.0, points=4)],
        "load": [Step(1e-4, Load(5e-3 * times), 1.0, points=3), Step(1e-4, Load(0.0), 0.5, points=3)],
        "flash": [Step(1e-6, OpenCircuit(), 0.1, points=3, beams=(LASER,))],
        "tracking": [Step(0.5, MaximumPower(1.0 * times, 5e-3 * times, 0.1), 1.0)],
    }


@pytest.mark.parametrize("name", schedules(1))
def test_a_stack_in_series_with_itself_is_the_stack_at_half_the_voltage(name: str) -> None:
    stack = pt.load("wbg-target") if name == "flash" else everything("fermi-dirac").with_values(CIRCUIT)
    # each of the two stands in its own light
    alone, both = Engine(build(stack)), Engine(replace(pair(stack, stack), lit=twice(stack)))
    one = alone.run(schedules(1)[name], alone.settled(0.6, 0.1))
    two = both.run(schedules(2)[name], both.settled(1.2, 0.1))
    assert one.complete and two.complete
    assert abs(two.steps - one.steps) <= 2
    assert 0.5 * two.voltage == pytest.approx(one.voltage, rel=1e-8)
    size = max(float(np.abs(one.current).max()), 1e-3)
    assert two.current == pytest.approx(one.current, abs=1e-8 * size)
    assert two.generated == pytest.approx(2.0 * one.generated, rel=1e-13)
    assert two.constancy.max() <= 1.0
    if one.ions.size:
        assert two.ions == pytest.approx(np.hstack([one.ions, one.ions]), rel=1e-9)
    for moment in two.moments:
        top, bottom = moment.state.v
        assert top == pytest.approx(bottom, abs=1e-7)


@pytest.mark.parametrize(
    "control",
    [Voltage(1.3, 1.5), OpenCircuit(), Current(20.0, 25.0), Load(8e-2)],
    ids=lambda one: type(one).__name__,
)
def test_one_current_and_voltages_that_add(control: Any) -> None:
    """At every reported moment of light that goes on and off; the current of each is checked along its depth."""
    engine = Engine(unlike_pair(0.4))
    steps = [Step(1e-6, control, 1.0, points=4), Step(1e-3, control, (1.0, 0.2), points=4)]
    found = engine.run(steps, engine.settled(1.3, 0.3))
    fraction = np.concatenate([np.arange(1, 5) / 4, np.arange(1, 5) / 4])
    if isinstance(control, Voltage):
        assert found.voltage == pytest.approx([control.at(part) for part in fraction], abs=1e-12)
    elif isinstance(control, Load):
        assert found.current == pytest.approx(found.voltage / control.resistance, rel=1e-9)
    else:
        wanted = [control.at(part) if isinstance(control, Current) else 0.0 for part in fraction]
        assert found.current == pytest.approx(wanted, abs=1e-9)
    for voltage, current, moment in zip(found.voltage, found.current, found.moments, strict=True):
        inside = float(moment.state.v.sum()) * engine.problem.vt
        assert voltage == pytest.approx(inside - current * engine.problem.circuit.resistance, abs=1e-12)
    # the departure of a junction's current along x is from the common one plus its own shunt's
    assert found.constancy.max() <= 1.0
    assert np.abs(found.ions / found.ions[0] - 1.0).max() < 1e-10


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_left_alone_they_settle_at_their_steady_state(share: float) -> None:
    """Which other code finds: at open circuit, at a voltage, and with a bottom that only the top lights."""
    problem = dimmed(pair(pt.load("wbg-target"), pt.load("nbg"), share), 1.0, 0.05)
    engine = Engine(problem)
    solver = Solver(engine.problem)
    held = solver.sweep([1.0], 1.0)
    expected = solver.open_circuit(held.state(0), 1.0)
    found = engine.run(
        [Step(1e4, OpenCircuit(), 1.0), Step(1e4, Voltage(1.0), 1.0)], engine.settled(0.3, 0.5)
    )
    assert found.voltage[0] == pytest.approx(float(expected.voltage[0]), abs=1e-6)
    assert found.current[1] == pytest.approx(float(held.current[0]), rel=1e-5)
    # from there nothing moves
    still = engine.run([Step(1.0, OpenCircuit(), 1.0)], engine.moment(expected.state(0)))
    assert still.voltage[-1] == pytest.approx(float(expected.voltage[0]), abs=1e-8)


def test_a_dark_junction_in_series_with_a_lit_one_blocks_it_but_for_its_shunt() -> None:
    stack = everything("fermi-dirac")
    leaky = stack.with_values({"circuit.shunt_resistance": "500 ohm cm^2"})
    problem = dimmed(pair(stack, leaky), 1.0, 0.0)
    engine = Engine(problem)
    found = engine.run([Step(1e3, Voltage(0.0), (0.0, 1.0), points=5)], engine.settled(0.0, 0.0))
    top, bottom = found.moments[-1].state.v * engine.problem.vt
    assert top == pytest.approx(-bottom, abs=1e-9) and top > 0.8
    # in reverse the junction itself carries next to nothing, its shunt V / R
    assert found.current[-1] == pytest.approx(top / 500e-4, rel=1e-3)


def test_light_of_the_top_makes_a_current_in_a_dark_bottom() -> None:
    """Into a short circuit of the bottom, of which the top at a current of its own knows nothing."""
    stack = everything("fermi-dirac")
    currents, lights = [], []
    for share in (0.0, 0.5, 1.0):
        engine = Engine(dimmed(pair(stack, stack, share), 1.0, 0.02))
        trace = engine.run([Step(1e-2, Voltage(0.0), 1.0)], engine.settled(0.0, 0.1))
        currents.append(float(trace.current[-1]))
        lights.append(Q * share * radiated(engine, trace.moments[-1]))
        if share:
            steady = engine.solver.sweep([0.0], 1.0)
            expected = share * radiated(engine, engine.moment(steady.state(0)))
            assert float(steady.parts[1].coupled.sum()) == pytest.approx(expected, rel=1e-9)
    # nearly all that is generated in the bottom, in reverse, is collected
    assert np.diff(currents) == pytest.approx(np.diff(lights), rel=0.02)
    assert lights[1] > 5e-3


def radiated(engine: Engine, moment: Moment) -> float:
    """Net radiative rate of the top's absorber, m^-2 s^-1, summed by hand: B n p (1 - exp(-splitting))."""
    engine._refresh(moment)
    device, work, state = engine.device, engine.work, moment.state
    here = slice(*device.site_start[1:3])
    node = device.site_node[here]
    split = state.fn[node] - state.fp[node] + state.v[0]
    product = work.n[here] * work.p[here] * -np.expm1(-split)
    return float(1e-16 * device.volume[here] @ product)


def test_both_anodes_may_lie_at_the_back() -> None:
    problem = unlike_pair(0.4)
    stacks = [one.stack.mirrored() for one in problem.parts]
    turned = pair(stacks[0], stacks[1])
    plain = Engine(replace(problem, lights=()))
    other = Engine(turned)
    steps = [Step(1e-4, Voltage(0.9, 1.2), 1.0, points=3), Step(1e-4, OpenCircuit(), 1.0)]
    one, two = (engine.run(steps, engine.settled(0.5, 0.5)) for engine in (plain, other))
    assert two.current == pytest.approx(one.current, rel=1e-6, abs=1e-9)
    assert two.voltage == pytest.approx(one.voltage, rel=1e-7)


# --- columns side by side --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", schedules(1))
def test_a_stack_beside_itself_is_the_stack_in_time(name: str) -> None:
    stack = pt.load("wbg-target") if name == "flash" else everything("fermi-dirac").with_values(CIRCUIT)
    found = []
    for cell in (stack, twice(stack)):
        engine = Engine(build(cell))
        found.append(engine.run(schedules(1)[name], engine.settled(0.6, 0.1)))
    one, two = found
    assert one.complete and two.complete
    # rounding may decide whether a step is just accepted; what is found does not hang on it
    assert abs(two.steps - one.steps) <= 2
    assert two.voltage == pytest.approx(one.voltage, rel=1e-6)
    size = max(float(np.abs(one.current).max()), 1e-3)
    assert two.current == pytest.approx(one.current, abs=1e-6 * size)
    assert two.generated == pytest.approx(one.generated, rel=1e-13)
    assert max(two.constancy.max(), one.constancy.max()) <= 1.0
    if one.ions.size:
        assert two.ions == pytest.approx(np.hstack([one.ions, one.ions]), rel=1e-9)


@pytest.mark.slow
def test_under_a_given_voltage_currents_add() -> None:
    both, steps = unlike_columns(), schedules(1)["voltage"]
    engine = Engine(build(both), tolerance=1e-4)
    found = engine.run(steps, engine.settled(0.0, 0.0))
    expected = 0.0
    for column in both.column:
        alone = Engine(build(column.stack), tolerance=1e-4)
        expected = expected + float(column.area) * alone.run(steps, alone.settled(0.0, 0.0)).current
    assert found.current == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "control", [OpenCircuit(), Current(30.0, 40.0), Load(8e-3)], ids=lambda one: type(one).__name__
)
def test_the_columns_together_meet_the_control(control: Any) -> None:
    """While the light goes on and off: every reported moment, displacement included."""
    engine = Engine(build(unlike_columns()))
    photo = engine.problem.photocurrent
    steps = [Step(1e-6, control, 1.0, points=4), Step(1e-3, control, (1.0, 0.2), points=4)]
    found = engine.run(steps, engine.settled(0.8, 0.3))
    if isinstance(control, Load):
        wanted = found.voltage / control.resistance
    else:
        fraction = np.concatenate([np.arange(1, 5) / 4, np.arange(1, 5) / 4])
        wanted = np.array([control.at(part) if isinstance(control, Current) else 0.0 for part in fraction])
    assert found.current == pytest.approx(wanted, abs=1e-9 * photo)
    # the columns have one voltage, each behind its own resistor, and not one current
    for moment in found.moments[-2:]:
        for part, v, current in zip(engine.problem.parts, moment.state.v, moment.current, strict=True):
            lost = float(part.stack.circuit.series_resistance) * current
            assert v * engine.problem.vt - lost == pytest.approx(moment.voltage, abs=1e-12)
    assert found.constancy.max() <= 1.0
    assert np.abs(found.ions / found.ions[0] - 1.0).max() < 1e-10


def test_left_alone_they_settle_at_their_common_open_circuit() -> None:
    cell = patchy()
    engine = Engine(build(cell))
    solver = Solver(build(cell).all_moving())
    expected = solver.open_circuit(solver.sweep([1.36], 1.0).state(0), 1.0)
    assert np.ptp([float(one.current[0]) for one in expected.parts]) > 10.0
    found = engine.run([Step(1e4, OpenCircuit(), 1.0)], engine.settled(1.0, 1.0))
    assert found.voltage[-1] == pytest.approx(float(expected.voltage[0]), abs=1e-7)
    # from there nothing moves
    still = engine.run([Step(1.0, OpenCircuit(), 1.0)], engine.moment(expected.state(0)))
    assert still.voltage[-1] == pytest.approx(float(expected.voltage[0]), abs=1e-9)


def test_the_order_of_the_columns_does_not_matter_in_time() -> None:
    both = unlike_columns()
    found = []
    for cell in (both, both.model_copy(update={"column": both.column[::-1]})):
        engine = Engine(build(cell))
        found.append(engine.run(schedules(1)["open circuit"], engine.settled(0.9, 1.0)))
    assert found[0].voltage == pytest.approx(found[1].voltage, rel=1e-9)


@pytest.mark.parametrize("name", ["columns", "series"])
def test_a_step_that_cannot_be_taken_is_an_error_that_keeps_the_rest(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(build(unlike_columns()) if name == "columns" else unlike_pair(0.4))
    start = engine.settled(0.5, 1.0)
    honest, reached = engine._solve, []

    def solve(*arguments: Any) -> Any:
        return (False, 1) if reached else honest(*arguments)

    monkeypatch.setattr(engine, "_solve", solve)
    called = "beside" if name == "columns" else "pair"
    with pytest.raises(ConvergenceError, match=f'"{called}" could not be followed') as failed:
        steps = [Step(1e-3, OpenCircuit(), 1.0), Step(1.0, OpenCircuit(), 1.0)]
        engine.run(steps, start, advanced=reached.append)
    assert failed.value.context["trace"].time.tolist() == [1e-3]
