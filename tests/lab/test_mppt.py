"""Power tracking: it climbs, stays at the top, and says how steady it was there."""

import numpy as np
import pytest

import perotwin as pt
import synthetic
import written
from perotwin import progress
from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import jv, mppt
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.stack import Stack
from perotwin.transport.transient import Engine


@pytest.fixture(scope="module")
def cell() -> Stack:
    return written.stack("wbg-control")


def test_the_tracker_stands_at_the_maximum_of_the_steady_curve(cell: Stack) -> None:
    tracked = mppt.measure(cell, mppt.Protocol(duration="60 s"))
    validate(tracked)
    assert tracked["time"].values.tolist() == list(range(1, 61))
    assert all(item.passed for item in checks_of(tracked).values())
    found, steady = mppt.analyse(tracked), jv.analyse(jv.measure(cell))
    top = float(steady["vmp"]) * float(steady["jmp"])
    # the ions of this cell follow within a second; two steps of 5 mV off the top cost 1e-3
    assert float(found["stabilised_power"]) == pytest.approx(top, rel=1e-3)
    assert float(found["stabilised_power"]) < top
    assert float(found["stabilised_voltage"]) == pytest.approx(float(steady["vmp"]), abs=0.006)
    assert 0.0 < found["stabilised_power"].uncertainty < 1e-3 * top
    assert abs(float(found["power_drift"])) < 1e-4
    steps = np.abs(np.diff(tracked["voltage"].values))
    assert np.allclose(steps, 0.005)


def test_it_climbs_from_anywhere(cell: Stack) -> None:
    tracked = mppt.measure(cell, mppt.Protocol(duration="30 s", start="1.0 V", perturbation="20 mV"))
    power = tracked["power_density"].values
    assert np.all(np.diff(power[1:7]) > 0.0)
    assert power[-1] > 1.02 * power[0]


def test_halving_the_tolerance_changes_nothing_that_is_read(cell: Stack) -> None:
    protocol = mppt.Protocol(duration="40 s", start="1.14 V")
    coarse = mppt.measure(cell, protocol)["power_density"].values
    fine = mppt.measure(cell, protocol, tolerance=1e-4)["power_density"].values
    assert np.abs(coarse / fine - 1.0).max() < 1e-4


def test_ions_that_take_minutes_are_seen_to(cell: Stack) -> None:
    slow = cell.with_values({"perovskite.ions.diffusion_coefficient": "1e-13 cm^2/s"})
    tracked = mppt.measure(slow, mppt.Protocol(duration="120 s"))
    power = tracked["power_density"].values
    assert power[-1] > 1.01 * power[0] or power[-1] < 0.99 * power[0]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"duration": "3 s"}, "nothing can be tracked"),
        ({"duration": "0 s"}, "not positive"),
        ({"perturbation": "0 mV"}, "nothing"),
        ({"interval": "0 s"}, "not positive"),
        ({"duration": "1e9 s"}, "longer interval"),
    ],
)
def test_what_cannot_be_tracked_is_refused_with_a_sentence(told: dict, words: str) -> None:
    with pytest.raises(InputError) as refused:
        mppt.Protocol(**told)
    assert words in f"{refused.value.message} {refused.value.advice}"


def test_the_dark_gives_no_power(cell: Stack) -> None:
    with pytest.raises(InputError, match="no power"):
        mppt.measure(cell.with_light(intensity="0 sun"))


class Interrupting(progress.Silent):
    """Presses Ctrl-C when five holds are done."""

    left = 5

    def advance(self, key: object, amount: float, label: str | None) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_an_interruption_keeps_what_was_computed() -> None:
    with progress.listening(Interrupting()):
        tracked = mppt.measure(pt.load("cell-b"), mppt.Protocol(duration="60 s"))
    assert tracked["time"].size == 5
    assert tracked.attrs["complete"] == 0
    assert any("interrupted" in note for note in notes_of(tracked))
    assert float(mppt.analyse(tracked)["stabilised_power"]) > 0.0


def test_a_run_that_cannot_go_on_keeps_what_was_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = Engine._piece, []

    def failing(engine: Engine, *arguments: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise ConvergenceError("stuck.", "", voltage=1.0, stage="transient")
        return run(engine, *arguments)

    monkeypatch.setattr(Engine, "_piece", failing)
    with pytest.raises(ConvergenceError) as stuck:
        mppt.measure(pt.load("cell-b"), mppt.Protocol(duration="60 s"))
    assert stuck.value.context["measured"]["time"].size == 3


def test_the_stabilised_power_is_the_mean_of_the_last_fifth() -> None:
    dataset = synthetic.mppt()
    found = mppt.analyse(dataset)
    last = dataset["power_density"].values[-121:]
    assert float(found["stabilised_power"]) == pytest.approx(last.mean(), rel=1e-3)
    assert found["stabilised_power"].uncertainty == pytest.approx(last.std(), rel=0.02)
    assert float(found["stabilised_pce"]) == pytest.approx(last.mean() / 1000.0, rel=1e-3)
    assert float(found["stabilised_voltage"]) == pytest.approx(1.1, abs=1e-4)
