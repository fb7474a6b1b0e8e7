"""What schedules are made of: ramps at a rate, repeats, and a tracker of maximum power among the controls."""

from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import mppt
from perotwin.transport.build import build
from perotwin.transport.schedule import LaserPulse, Load, MaximumPower, Step, Voltage, ramp, repeat
from perotwin.transport.transient import Engine


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(build(pt.load("cell-b")))


def test_a_ramp_takes_its_time() -> None:
    step = ramp(1.2, 0.2, 0.1, light=1.0, points=11)
    assert step.duration == pytest.approx(10.0)
    assert step.control == Voltage(1.2, 0.2)
    assert ramp(0.0, 1.0, -2.0).duration == 0.5


def test_rounds_follow_each_other(engine: Engine) -> None:
    cycle = [Step(1e-3, Voltage(0.2), light=1.0), ramp(0.2, 0.4, 100.0, light=1.0, points=2)]
    steps = repeat(cycle, 3)
    assert len(steps) == 6
    trace = engine.run(steps, engine.settled(0.0, 0.0))
    assert trace.step.tolist() == [0, 1, 1, 2, 3, 3, 4, 5, 5]
    assert trace.time[-1] == pytest.approx(9e-3)
    # no memory in this cell: each round is the last
    assert trace.current[3:6] == pytest.approx(trace.current[6:9], rel=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ramp(0.0, 1.0, 0.0), "stand still"),
        (lambda: ramp(0.0, 1.0, np.nan), "stand still"),
        (lambda: ramp(1.0, 1.0, 0.1), "no length"),
        (lambda: repeat([Step(1.0, Voltage(0.0))], 0), "rounds"),
        (lambda: repeat([Step(1.0, Voltage(0.0))], 1.5), "rounds"),
        (lambda: repeat([], 2), "no step"),
    ],
)
def test_what_is_no_ramp_and_no_round_is_refused(make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


# --- maximum power ----------------------------------------------------------------------------------------------------


def test_a_tracker_climbs_and_stays(engine: Engine) -> None:
    top = engine.solver.sweep(np.arange(0.8, 1.2, 0.001), 1.0)
    best = float((top.voltage * top.current).max())
    tracker = MaximumPower(start=0.9, perturbation=0.01, interval=0.5)
    trace = engine.run([Step(30.0, tracker, light=1.0)], engine.settled(0.0, 0.0))
    assert trace.time == pytest.approx(0.5 * np.arange(1, 61))
    assert np.abs(np.diff(trace.voltage)) == pytest.approx(np.full(59, 0.01))
    power = trace.voltage * trace.current
    assert np.all(np.diff(power[:5]) > 0.0)
    assert power[-10:] == pytest.approx(np.full(10, best), rel=5e-3)
    # three voltages about the top: up, down, and back
    assert np.unique(np.round(trace.voltage[-20:], 9)).size <= 4


def test_it_begins_where_the_cell_is_and_may_stop_short(engine: Engine) -> None:
    steps = [
        Step(1e-3, Voltage(1.0), light=1.0),
        Step(2.25, MaximumPower(interval=0.5), light=(1.0, 0.9)),
        Step(1.0, Load(1e-2), light=0.9),
    ]
    trace = engine.run(steps, engine.settled(0.0, 0.0))
    assert trace.time - 1e-3 == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.25, 3.25], abs=1e-12)
    assert trace.voltage[1] == pytest.approx(1.0, abs=1e-3)
    assert trace.light[1:6] == pytest.approx(1.0 - 0.1 * np.array([0.5, 1.0, 1.5, 2.0, 2.25]) / 2.25)
    assert trace.step.tolist() == [0, 1, 1, 1, 1, 1, 2]


def test_a_flash_while_it_tracks() -> None:
    lit = Engine(build(pt.load("wbg-target")))
    pulse = LaserPulse(wavelength="532 nm", fluence="1 nJ/cm^2", arrival="1.3 s")
    trace = lit.run([Step(3.0, MaximumPower(1.15), light=1.0, beams=(pulse,))], lit.settled(1.15, 1.0))
    assert trace.time == pytest.approx([1.0, 2.0, 3.0])
    assert trace.constancy.max() <= 1.0


def test_the_instrument_runs_it() -> None:
    """One implementation: `lab.mppt` reads what the engine's tracker did."""
    cell = pt.load("cell-b")
    made = mppt.measure(cell, mppt.Protocol(duration="20 s", start="0.95 V"))
    own = Engine(build(cell), tolerance=mppt.TOLERANCE)
    trace = own.run([Step(20.0, MaximumPower(0.95), light=1.0)], own.settled(0.0, 0.0), keep=False)
    assert np.array_equal(made["voltage"].values, trace.voltage)
    assert np.array_equal(made["current_density"].values, trace.current)
    assert len(trace.moments) == 1


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(10.0, MaximumPower(perturbation=0.0)), "tells the tracker nothing"),
        (Step(10.0, MaximumPower(perturbation=-0.01)), "tells the tracker nothing"),
        (Step(10.0, MaximumPower(interval=0.0)), "interval above zero"),
        (Step(10.0, MaximumPower(interval=11.0)), "interval above zero"),
        (Step(10.0, MaximumPower(start=np.nan)), "finite voltage"),
        (Step(10.0, MaximumPower(), points=5), "end of each of its holds"),
        (Step(10.0, MaximumPower(), times=(1.0, 10.0)), "end of each of its holds"),
    ],
)
def test_what_cannot_be_tracked_is_refused(engine: Engine, step: Step, words: str) -> None:
    with pytest.raises(InputError) as refused:
        engine.run([step], engine.settled(0.0, 0.0))
    assert words in str(refused.value)
    assert "step 1" in str(refused.value)
