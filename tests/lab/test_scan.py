"""Scans in time: their limits in the scan rate, what the protocol does, and what a loop tells."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import perotwin as pt
import synthetic
from perotwin import progress
from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import jv, scan
from perotwin.measurement import checks_of, field_unit, notes_of, protocol_of, validate
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.mesh import DENSITY
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.steady import Solver
from perotwin.transport.transient import TOLERANCE, Engine, Trace

#: a coarse scan with ions, for what hangs on the protocol alone
QUICK = {"start": "1.3 V", "stop": "0 V", "step": "100 mV"}


@pytest.fixture(scope="module")
def control() -> Stack:
    return pt.load("wbg-control")


@pytest.fixture(scope="module")
def loop(control: Stack) -> dict:
    return scan.measure(control, scan.Protocol(rate="100 mV/s", preconditioning="1.3 V, 60 s"))


def test_a_loop_has_the_shape_of_measurements(loop: dict) -> None:
    assert list(loop) == ["reverse", "forward"]
    for direction, dataset in loop.items():
        validate(dataset, "jv")
        assert dataset.attrs["direction"] == direction
        assert dataset["time"].attrs["units"] == "s"
        assert np.all(np.diff(dataset["time"]) > 0.0)
        assert dataset.attrs["steps"] > 0 and dataset.attrs["iterations"] > dataset.attrs["steps"]
        assert dataset.attrs["complete"] == 1
        checks = checks_of(dataset)
        assert checks["ion number conserved in time"].limit == 1e-10
        assert checks["total current constant along x in time"].limit == 1e-6
        assert all(item.passed for item in checks.values())
    assert np.array_equal(loop["forward"]["voltage"], loop["reverse"]["voltage"][::-1])
    # 100 mV/s on both ways, without a pause between them
    both = np.concatenate([loop["reverse"]["time"], loop["forward"]["time"][1:]])
    assert np.allclose(np.diff(both), 0.1, rtol=1e-9)
    assert loop["forward"]["current_density"][0] == loop["reverse"]["current_density"][-1]


def test_the_default_range_reaches_from_above_open_circuit_to_short_circuit(loop: dict) -> None:
    voltage, current = loop["reverse"]["voltage"].values, loop["reverse"]["current_density"].values
    assert voltage[-1] == 0.0
    assert current[0] < 0.0 < current[5]
    assert np.allclose(np.diff(voltage), -0.01, atol=1e-11)


def test_infinitely_slow_it_is_the_steady_curve(control: Stack) -> None:
    steady = jv.measure(control, jv.Protocol(start="0 V", stop="1.3 V", step="50 mV"))
    scans = scan.measure(
        control, scan.Protocol(start="1.3 V", stop="0 V", step="50 mV", rate="1e-7 V/s", dwell="1e5 s")
    )
    scale = float(steady["current_density"].max())
    for dataset in scans.values():
        off = dataset["current_density"].sortby("voltage").values - steady["current_density"].values
        assert np.abs(off).max() < 1e-6 * scale
    assert abs(float(scan.analyse(scans)["loop"]["hysteresis_index"])) < 1e-6


def test_faster_than_the_ions_it_is_the_curve_with_ions_frozen_where_it_began(control: Stack) -> None:
    # Without series resistance the junction stands at the terminals' voltage, which is what frozen ions are told.
    # The ions' own time is ten minutes here, the scan takes 0.13 s, and charging the cell 1e-4 of the current.
    cell = control.with_values(
        {"circuit.series_resistance": 0.0, "perovskite.ions.diffusion_coefficient": "5e-14 cm^2/s"}
    )
    frozen = cell.with_values(
        {"perovskite.ions.response": {"kind": "frozen", "bias": "1.3 V", "light": "1 sun"}}
    )
    curve = jv.measure(frozen, jv.Protocol(start="0 V", stop="1.3 V", step="50 mV"))
    protocol = scan.Protocol(
        start="1.3 V",
        stop="0 V",
        step="50 mV",
        rate="10 V/s",
        preconditioning="1.3 V, 1e8 s",
        directions="reverse",
    )
    fast = scan.measure(cell, protocol)["reverse"]
    off = fast["current_density"].sortby("voltage").values - curve["current_density"].values
    assert np.abs(off).max() < 3e-4 * float(curve["current_density"].max())
    # and it is not the steady curve, else nothing would have been tested
    steady = jv.measure(cell, jv.Protocol(start="0 V", stop="1.3 V", step="50 mV"))
    assert np.abs(steady["current_density"].values - curve["current_density"].values).max() > 1.0


def test_halving_the_tolerance_changes_nothing_that_is_read(control: Stack, loop: dict) -> None:
    protocol = scan.Protocol(rate="100 mV/s", preconditioning="1.3 V, 60 s")
    fine = scan.analyse(scan.measure(control, protocol, tolerance=0.5 * TOLERANCE))
    coarse = scan.analyse(loop)
    for direction in scan.DIRECTIONS:
        assert float(coarse[direction]["voc"]) == pytest.approx(float(fine[direction]["voc"]), abs=1e-4)
        assert float(coarse[direction]["ff"]) == pytest.approx(float(fine[direction]["ff"]), abs=2e-4)


def test_a_staircase_waits_at_every_point() -> None:
    cell = pt.load("wbg-target")
    # slow against the ions at every tread: the steady curve again
    treads = {"start": "1.2 V", "stop": "1.1 V", "step": "20 mV"}
    slow = scan.measure(cell, scan.Protocol(**treads, delay="1e5 s", dwell="1e5 s"))
    steady = jv.measure(cell, jv.Protocol(start="1.1 V", stop="1.2 V", step="20 mV"))
    for dataset in slow.values():
        off = dataset["current_density"].sortby("voltage").values - steady["current_density"].values
        assert off.size == 6 and np.abs(off).max() < 1e-6 * float(steady["current_density"].max())
    # and as many small treads as one likes are a ramp
    ramp = scan.measure(cell, scan.Protocol(start="1.3 V", stop="1.2 V", step="2 mV", rate="100 mV/s"))
    stairs = scan.measure(cell, scan.Protocol(start="1.3 V", stop="1.2 V", step="2 mV", delay="20 ms"))
    for direction in scan.DIRECTIONS:
        a, b = ramp[direction]["current_density"].values, stairs[direction]["current_density"].values
        assert np.abs(a - b).max() < 0.01 * float(np.abs(a).max())
        assert np.allclose(ramp[direction]["time"], stairs[direction]["time"])


def test_the_dwell_is_stated(control: Stack) -> None:
    cell = pt.load("cell-b")
    (plain,) = scan.measure(cell, scan.Protocol(**QUICK, directions="reverse")).values()
    assert protocol_of(plain)["dwell"] == 10.0
    assert protocol_of(plain)["rate"] == 0.1
    assert any("10 s at the first voltage, 1.3 V" in note for note in notes_of(plain))
    held = scan.Protocol(**QUICK, directions="forward", delay="0.5 s", preconditioning="1 V, 60 s")
    (after,) = scan.measure(cell, held).values()
    assert protocol_of(after)["dwell"] == 0.5
    assert protocol_of(after)["rate"] is None
    assert any(
        "60 s at 1 V under its light; 0.5 s at the first voltage, 0 V" in note for note in notes_of(after)
    )


def test_a_cell_may_rest_elsewhere() -> None:
    # settled where the scan begins, it needs no dwell: the first point is the steady one
    cell = pt.load("mapi-tio2-spiro")
    told = {"start": "1 V", "stop": "0 V", "step": "100 mV", "directions": "reverse", "dwell": "1 s"}
    (dataset,) = scan.measure(cell, scan.Protocol(**told, rest="1 V, 1 sun")).values()
    # on the same mesh, which is twice as fine as usual for this cell
    steady = Solver(build(cell, density=2.0 * DENSITY)).sweep([1.0], 1.0)
    first = float(dataset["current_density"][0])
    assert first == pytest.approx(float(steady.current[0]), rel=1e-6)
    assert any("under 1 sun at 1 V until" in note for note in notes_of(dataset))
    (other,) = scan.measure(cell, scan.Protocol(**told)).values()
    assert abs(float(other["current_density"][0]) - first) > 1.0


def test_the_ends_of_a_scan_may_be_written_in_either_order() -> None:
    one = scan.Protocol(start="0 V", stop="1.2 V").resolved(1.3)
    other = scan.Protocol(start="1.2 V", stop="0 V").resolved(1.3)
    assert one.voltages().tolist() == other.voltages().tolist()
    assert one.voltages()[0] == 1.2
    assert scan.Protocol(directions="forward,reverse").resolved(1.1).voltages()[0] == 0.0
    assert scan.Protocol(stop="-0.1 V").resolved(1.1).voltages()[[0, -1]].tolist() == [1.13, -0.1]
    assert scan.Protocol(stop="1.2 V").resolved(1.1).voltages()[[0, -1]].tolist() == [1.2, 0.0]
    # the last step may be a short one
    assert scan.Protocol(start="1.05 V", stop="0 V", step="100 mV").resolved(1.0).voltages()[
        -2:
    ].tolist() == [0.05, 0.0]


def test_polarity_and_side_do_not_matter() -> None:
    cell = pt.load("mapi-tio2-spiro")
    protocol = scan.Protocol(start="1.2 V", stop="0 V", step="100 mV", rate="1 V/s")
    first, second = scan.measure(cell, protocol), scan.measure(cell.mirrored(), protocol)
    for direction in scan.DIRECTIONS:
        a, b = first[direction]["current_density"].values, second[direction]["current_density"].values
        # time steps fall elsewhere, within their tolerance
        assert np.allclose(a, b, rtol=1e-4)


def test_the_benchmark_cell_for_ions_runs_its_protocol() -> None:
    engine = Engine(build(pt.load("mapi-tio2-spiro")))
    # (EcE - kT ln(gcE / dE)) - (EvH + kT ln(gvH / dH))
    built_in = 1.1 - 2.0 * 0.025679653 * np.log(50.0)
    trace: Trace = engine.run(
        [
            Step(5.0, Voltage(built_in, 1.2), 1.0),
            Step(12.0, Voltage(1.2, 0.0), 1.0, points=120),
            Step(12.0, Voltage(0.0, 1.2), 1.0, points=120),
        ],
        engine.settled(built_in, 1.0),
    )
    assert trace.complete
    assert np.abs(trace.ions / trace.ions[0] - 1.0).max() < 1e-10
    assert trace.ions[0, 0] == pytest.approx(1.6e25 * 400e-9, rel=1e-9)
    down, up = trace.current[:121], trace.current[120:]
    assert down[-1] == up[0]
    # at most the absorbed photons: 1.4e21 (1 - exp(-5.2)) per m2 and s
    assert 0.97 * 223.05 < down[-1] < 223.05
    # the loop opens: the reverse scan gives more at every voltage between
    assert np.all(down[20:100] > up[::-1][20:100])
    # the ions' diffusion at 298 K, as the source has it
    assert engine.device.motion[0, 1] == pytest.approx(6.5e-8 * np.exp(-0.58 / 0.025679653), rel=1e-5)


# --- the range of the words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"rate": "0 V/s"}, "stand still"),
        ({"rate": "-1 V/s"}, "stand still"),
        ({"rate": "1 V/s", "delay": "0.1 s"}, "not both"),
        ({"delay": "0 s"}, "not positive"),
        ({"directions": "sideways"}, "no scan direction"),
        ({"directions": "reverse,reverse"}, "once"),
        ({"directions": ""}, "at least one"),
        ({"preconditioning": "1.3 V"}, "voltage and a time"),
        ({"preconditioning": "1.3 V, -1 s"}, "not positive"),
        ({"rest": "1 V"}, "a voltage and a light"),
        ({"step": "0 V"}, "nowhere"),
        ({"start": "1 V", "stop": "1 V"}, "no length"),
        ({"start": "0 V", "stop": "1 V", "step": "1e-9 V"}, "larger step"),
        ({"dwell": "0 s"}, "not positive"),
    ],
)
def test_what_cannot_be_scanned_is_refused_with_a_sentence(told: dict, words: str) -> None:
    with pytest.raises(InputError) as refused:
        scan.Protocol(**told)
    assert words in f"{refused.value.message} {refused.value.advice}"


class Interrupting(progress.Silent):
    """Presses Ctrl-C when so many points are done."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, key: object, amount: float, label: str | None) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("after", "held", "directions", "points"),
    [
        (6, None, ["reverse"], 6),
        (17, None, ["reverse", "forward"], 4),
        (7, "1.2 V, 1 s", ["reverse"], 6),
    ],
)
def test_an_interruption_keeps_what_was_computed(
    after: int, held: str | None, directions: list[str], points: int
) -> None:
    with progress.listening(Interrupting(after)):
        scans = scan.measure(pt.load("cell-b"), scan.Protocol(**QUICK, preconditioning=held))
    assert list(scans) == directions
    last = scans[directions[-1]]
    assert last["voltage"].size == points
    assert last.attrs["complete"] == 0
    assert any("interrupted" in note for note in notes_of(last))
    scan.analyse(scans)


@pytest.mark.parametrize(("after", "held"), [(1, None), (1, "1.2 V, 1 s"), (2, "1.2 V, 1 s")])
def test_interrupted_before_the_first_point_there_is_nothing_to_keep(after: int, held: str | None) -> None:
    with progress.listening(Interrupting(after)), pytest.raises(KeyboardInterrupt):
        scan.measure(pt.load("cell-b"), scan.Protocol(**QUICK, preconditioning=held))


@pytest.mark.parametrize("held", [None, "1.2 V, 1 s"])
def test_a_run_that_cannot_go_on_keeps_what_was_computed(
    held: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance: Callable = Engine._advance

    def failing(engine: Engine, step: Step, *rest: object) -> object:
        if isinstance(step.control, Voltage) and step.control.stop == 1.3:
            raise ConvergenceError("stuck.", "", voltage=0.0, stage="transient")
        return advance(engine, step, *rest)

    monkeypatch.setattr(Engine, "_advance", failing)
    with pytest.raises(ConvergenceError) as stuck:
        scan.measure(pt.load("cell-b"), scan.Protocol(**QUICK, preconditioning=held))
    assert stuck.value.context["step"] == (3 if held is None else 4)
    measured = stuck.value.context["measured"]
    assert list(measured) == ["reverse"]
    assert measured["reverse"]["voltage"].size == 14


# --- analysis --------------------------------------------------------------------------------------------------------


def test_the_index_states_its_definition_and_has_a_sign() -> None:
    found = scan.analyse(synthetic.scan())
    reverse, forward = float(found["reverse"]["pce"]), float(found["forward"]["pce"])
    index = found["loop"]["hysteresis_index"]
    assert float(index) == pytest.approx((reverse - forward) / reverse)
    assert float(index) > 0.0
    assert index.method == "(PCE reverse - PCE forward) / PCE reverse"
    assert field_unit("hysteresis_index", index.unit) == ("%", 100.0)
    pair = synthetic.scan()
    swapped = {"reverse": pair["forward"], "forward": pair["reverse"]}
    assert float(scan.analyse(swapped)["loop"]["hysteresis_index"]) < 0.0
    assert "loop" not in scan.analyse(pair["reverse"])


def test_a_series_of_rates(control: Stack) -> None:
    made = scan.series(control, ["10 mV/s", 1.0], scan.Protocol(step="50 mV", preconditioning="1.3 V, 60 s"))
    assert list(made) == [0.01, 1.0]
    index = [float(scan.analyse(scans)["loop"]["hysteresis_index"]) for scans in made.values()]
    # the ions of this cell follow a slow scan and lag behind a fast one
    assert 0.0 < index[0] < 0.01 < index[1]
    assert len(scan.plot_series([made]).axes) == 1


def test_the_paper_s_story_in_kind() -> None:
    """Fewer and slower ions behind better faces: at one rate the target's loop is far narrower than the control's."""
    index: dict[str, list[float]] = {}
    for name in ("wbg-control", "wbg-target"):
        told = scan.Protocol(step="20 mV", preconditioning="1.3 V, 60 s")
        made = scan.series(pt.load(name), ["100 mV/s", "1 V/s"], told)
        for scans in made.values():
            assert all(item.passed for item in checks_of(scans["forward"]).values())
            index.setdefault(name, []).append(float(scan.analyse(scans)["loop"]["hysteresis_index"]))
    slow, fast = index["wbg-control"]
    # notable is what the row of the paper calls so
    assert slow > 0.02 and fast > 0.2
    assert 0.0 < index["wbg-target"][0] < slow / 2
    assert 0.0 <= index["wbg-target"][1] < fast / 20


def test_the_dark_is_scanned_too() -> None:
    cell = pt.load("wbg-control").with_light(intensity="0 sun")
    scans = scan.measure(cell, scan.Protocol(step="50 mV", rate="1 mV/s"))
    assert float(scans["forward"]["voltage"].max()) > 1.0
    assert float(scans["forward"]["current_density"].min()) < -900.0


# --- what the step must not change -----------------------------------------------------------------------------------


def test_the_step_changes_neither_where_a_scan_starts_nor_how_long_ions_dwell() -> None:
    cell = pt.load("mapi-tio2-spiro")
    found, starts = {}, set()
    for step in ("10 mV", "50 mV", "100 mV"):
        made = scan.measure(cell, scan.Protocol(rate="1 V/s", step=step))
        found[step] = float(scan.analyse(made)["loop"]["hysteresis_index"])
        ran = protocol_of(made["reverse"])
        starts.add(ran["start"])
        assert ran["dwell"] == 10.0
        notes = [note for note in notes_of(made["forward"]) if "the step of" in note]
        assert bool(notes) == (step != "10 mV"), notes
    assert len(starts) == 1
    # 0.0966 on the usual mesh, which is 0.4 mV off in Voc
    assert found["10 mV"] == pytest.approx(0.0971, abs=2e-4)
    assert found["50 mV"] == pytest.approx(found["10 mV"], abs=2e-3)
    # read off points that lie 100 mV apart, and said to be
    assert found["100 mV"] == pytest.approx(found["10 mV"], abs=5e-3)
    after = scan.Protocol(rate="1 V/s", step="100 mV", preconditioning="1.2 V, 10 s").resolved(1.0)
    assert after.dwell == pytest.approx(0.01)
    assert scan.Protocol(delay="0.2 s", preconditioning="1.2 V, 10 s").resolved(1.0).dwell == pytest.approx(
        0.2
    )


def test_points_of_a_coarse_step_are_those_of_the_fine_one() -> None:
    cell = pt.load("mapi-tio2-spiro")
    fine, coarse = (
        scan.measure(cell, scan.Protocol(start="1.2 V", stop="0 V", rate="1 V/s", step=step))["forward"]
        for step in ("20 mV", "100 mV")
    )
    assert coarse["voltage"].size == 13
    at = fine["current_density"].sel(voltage=coarse["voltage"], method="nearest").values
    assert coarse["current_density"].values == pytest.approx(at, rel=1e-6)
    assert np.all(np.diff(coarse["time"].values) > 0.0)


@pytest.mark.parametrize(("step", "delay", "told"), [("100 mV", "0.1 s", True), ("20 mV", "0.02 s", False)])
def test_a_coarse_staircase_says_what_its_treads_do(step: str, delay: str, told: bool) -> None:
    """Against one of 20 mV at the same pace, whose own figures are those that the note refers to."""
    cell = pt.load("mapi-tio2-spiro")
    made = scan.measure(cell, scan.Protocol(start="1.2 V", stop="0 V", step=step, delay=delay))
    notes = [note for note in notes_of(made["reverse"]) if "the step of" in note]
    assert bool(notes) == told, notes
    if told:
        assert {word for note in notes for word in ("reverse", "forward") if f"the {word} scan" in note}
        assert all("a staircase of 20 mV and 0.02 s a point" in note for note in notes)
        fine = scan.measure(cell, scan.Protocol(start="1.2 V", stop="0 V", step="20 mV", delay="0.02 s"))
        off = float(jv.analyse(made["reverse"])["ff"]) / float(jv.analyse(fine["reverse"])["ff"]) - 1.0
        assert any(f"FF {100.0 * off:+.1f} %" in note for note in notes), (off, notes)


def test_a_scan_that_does_not_pass_open_circuit_is_not_followed_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its range is widened at the moment at which the higher end still gives current, and preconditioning, which does
    not hang on that, is not run again; all is as if it had been run in one go.
    """
    moments, holds, last, run = [], [], [], Engine.run

    def counted(self: Engine, steps: Any, start: Any, **more: Any) -> Any:
        trace = run(self, steps, start, **more)
        moments.append((trace.time.size, trace.complete))
        holds.extend(step for step in steps if step.duration == 60.0)
        last[:] = [self, steps, start]
        return trace

    monkeypatch.setattr(Engine, "run", counted)
    asked = scan.Protocol(rate="1 V/s", preconditioning="1.4 V, 60 s")
    made = scan.measure(pt.load("mapi-tio2-spiro"), asked)
    assert made["reverse"].attrs["complete"] and made["reverse"]["current_density"].values[0] <= 0.0
    assert len(holds) == 1 and moments[0] == (1, True)
    assert len(moments) > 2 and moments[-1][1]
    assert all(count <= 2 and not complete for count, complete in moments[1:-1])
    engine, steps, _ = last
    whole = run(engine, [*holds, *steps], engine.settled(0.0, 0.0))
    points = made["reverse"].sizes["voltage"]
    assert np.array_equal(made["reverse"]["current_density"].values, whole.current[1 : points + 1])
    since = whole.time[1 : points + 1] - whole.time[1]
    np.testing.assert_allclose(made["reverse"]["time"].values, since, rtol=0, atol=1e-12)
    assert (made["reverse"].attrs["steps"], made["reverse"].attrs["iterations"]) == (
        whole.steps,
        whole.iterations,
    )


@pytest.mark.parametrize("directions", ["reverse,forward", "forward"])
def test_after_preconditioning_above_open_circuit_the_scan_still_shows_it(directions: str) -> None:
    """Ions that were driven out raise the open circuit by more than the 30 mV by which a scan begins above it."""
    cell = pt.load("mapi-tio2-spiro")
    asked = scan.Protocol(directions=directions, rate="1 V/s", preconditioning="1.4 V, 60 s")
    for one in scan.measure(cell, asked).values():
        found = jv.analyse(one)
        assert float(found["voc"]) > 1.1
        assert one["current_density"].values[int(np.argmax(one["voltage"].values))] <= 0.0
