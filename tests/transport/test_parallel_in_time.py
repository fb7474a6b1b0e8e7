"""Columns side by side in time: what one stack does, they do; what the terminals want, all of them together give."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.linalg import expm

import perotwin as pt
from columns import alike, beside, patchy, twice
from devices import cell as cell_of
from devices import everything, layer
from perotwin.errors import ConvergenceError, InputError
from perotwin.measurement import checks_of, notes_of
from perotwin.stack import Parallel, Stack
from perotwin.transport.build import build as build_stack
from perotwin.transport.cell import all_moving, build, engine_of, solver_of
from perotwin.transport.light import Beam, LaserPulse
from perotwin.transport.schedule import Current, Load, MaximumPower, OpenCircuit, Step, Voltage
from perotwin.transport.transient import Engine

CIRCUIT = {"circuit.series_resistance": "5 ohm cm^2", "circuit.shunt_resistance": "2 kohm cm^2"}


def columns() -> Parallel:
    """Two unlike stacks with charged traps and ions, one of them with resistances."""
    second = everything("boltzmann", crowded=False).with_values(
        {"absorber.thickness": 250e-9, "htl|absorber.dipole": 0.05, **CIRCUIT}
    )
    return beside(("a", 0.35, everything("fermi-dirac")), ("b", 0.65, second))


LASER = LaserPulse(wavelength="532 nm", fluence="1e10 cm^-2")
SCHEDULES = {
    "voltage": [Step(1e-3, Voltage(0.6), 1.0, points=3), Step(1.0, Voltage(0.6, 1.1), 1.0, points=5)],
    "open circuit": [
        Step(1e-5, OpenCircuit(), 1.0, points=3),
        Step(1e-2, OpenCircuit(), (1.0, 0.3), points=4),
    ],
    "current": [Step(1e-4, Current(0.0, 60.0), 1.0, points=4)],
    "load": [Step(1e-4, Load(5e-3), 1.0, points=3), Step(1e-4, Load(0.0), 0.5, points=3)],
    "flash": [Step(1e-6, OpenCircuit(), 0.1, points=3, beams=(LASER,))],
    "tracking": [Step(0.5, MaximumPower(1.0, 5e-3, 0.1), 1.0)],
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_stack_beside_itself_is_the_stack_in_time(name: str) -> None:
    stack = pt.load("wbg-target") if name == "flash" else everything("fermi-dirac").with_values(CIRCUIT)
    found = []
    for cell in (stack, twice(stack)):
        engine = engine_of(build(cell))
        found.append(engine.run(SCHEDULES[name], engine.settled(0.6, 0.1)))
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


def test_under_a_given_voltage_currents_add() -> None:
    both, steps = columns(), SCHEDULES["voltage"]
    engine = engine_of(build(both), tolerance=1e-4)
    found = engine.run(steps, engine.settled(0.0, 0.0))
    expected = 0.0
    for column in both.column:
        alone = Engine(build_stack(column.stack), tolerance=1e-4)
        expected = expected + float(column.area) * alone.run(steps, alone.settled(0.0, 0.0)).current
    assert found.current == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "control", [OpenCircuit(), Current(30.0, 40.0), Load(8e-3)], ids=lambda one: type(one).__name__
)
def test_the_columns_together_meet_the_control(control: Any) -> None:
    """While the light goes on and off: every reported moment, displacement included."""
    engine = engine_of(build(columns()))
    photo = engine.problem.photocurrent
    steps = [Step(1e-6, control, 1.0, points=4), Step(1e-3, control, (1.0, 0.2), points=4)]
    found = engine.run(steps, engine.settled(0.8, 0.3))
    if isinstance(control, Load):
        wanted = found.voltage / control.resistance
    else:
        fraction = np.concatenate([np.arange(1, 5) / 4, np.arange(1, 5) / 4])
        wanted = np.array([control.at(part) if isinstance(control, Current) else 0.0 for part in fraction])
    assert found.current == pytest.approx(wanted, abs=1e-9 * photo)
    # the columns have one voltage and not one current
    for moment in found.moments[-2:]:
        for column, one in zip(engine.engines, moment.parts, strict=True):
            v = float(one.v[0]) * engine.problem.vt
            circuit = column.problem.stack.circuit
            if float(circuit.series_resistance) == 0.0:
                assert v == pytest.approx(float(moment.v[0]) * engine.problem.vt, abs=1e-12)
    assert found.constancy.max() <= 1.0
    assert np.abs(found.ions / found.ions[0] - 1.0).max() < 1e-10


def test_left_alone_they_settle_at_their_common_open_circuit() -> None:
    cell = patchy()
    engine = engine_of(build(cell))
    solver = solver_of(all_moving(build(cell)))
    expected = solver.open_circuit(solver.sweep([1.36], 1.0).state(0), 1.0)
    assert np.ptp([float(one.current[0]) for one in expected.parts]) > 10.0
    found = engine.run([Step(1e4, OpenCircuit(), 1.0)], engine.settled(1.0, 1.0))
    assert found.voltage[-1] == pytest.approx(float(expected.voltage[0]), abs=1e-7)
    # from there nothing moves
    still = engine.run([Step(1.0, OpenCircuit(), 1.0)], engine.moment(expected.state(0)))
    assert still.voltage[-1] == pytest.approx(float(expected.voltage[0]), abs=1e-9)


def test_a_photovoltage_decays_with_the_mode_of_the_coupled_columns() -> None:
    """The decay in time and the eigenvalue of the linearised equations are found by different code."""
    cell = patchy()
    decay = pt.lab.tpv.measure(cell, pt.lab.tpv.Protocol(pulse=0.01))
    solver = solver_of(all_moving(build(cell)))
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


def test_the_slope_over_a_step_is_exact() -> None:
    engine = engine_of(build(columns()))
    start = engine.settled(0.7, 1.0)
    step = Step(1e-5, OpenCircuit(), 0.5)
    for column, moment in zip(engine.engines, start.parts, strict=True):
        (piece,) = column.lights.pieces(step)
        light = piece.generation(1e-6)
        column._refresh(moment)
        history = 1e6 * column._past(0.0, moment).stored

        def attempt(
            voltage: float,
            column: Any = column,
            moment: Any = moment,
            light: Any = light,
            past: Any = history,
        ) -> Any:
            made = moment.copy()
            held = engine._held(column, voltage / column.problem.vt, False)
            ok, _, flux = column._solve(made, held, light, 1e6, past, 100)
            assert ok
            return made, column._terminal(made, flux)[1]

        h = 1e-5
        around = [attempt(0.75 + n * h)[1] for n in (-2, -1, 1, 2)]
        made, _ = attempt(0.75)
        slope = column._response(made)[0]
        expected = (8.0 * (around[2] - around[1]) - (around[3] - around[0])) / (12.0 * h)
        assert slope == pytest.approx(expected, rel=1e-6)


# --- the error of a time step ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [None, 0.3, 3.0])
@pytest.mark.parametrize(
    "control", [Voltage(0.0), OpenCircuit(), Load(0.7)], ids=lambda one: type(one).__name__
)
def test_the_first_step_of_columns_is_held_to_the_tolerance(control: Any, first: float | None) -> None:
    """Two unlike capacitors, each behind its resistor, on a load: a first step that is too long is refused."""
    areas, resistances, thicknesses = np.array([0.4, 0.6]), np.array([1.0, 2.0]), (300e-9, 150e-9)
    stacks = [
        cell_of(
            layer("body", thickness, affinity=3.0, gap=3.4, eps=10.0), front=4.7, back=4.7,
            circuit={"series_resistance": float(resistance)},
        )
        for resistance, thickness in zip(resistances, thicknesses, strict=True)
    ]  # fmt: skip
    engine = engine_of(build(beside(("a", 0.4, stacks[0]), ("b", 0.6, stacks[1]))))
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


@pytest.mark.parametrize(
    "control", [Voltage(0.8), OpenCircuit(), Load(8e-3)], ids=lambda one: type(one).__name__
)
def test_the_error_is_what_wrong_densities_do_to_the_columns(control: Any) -> None:
    """Held to the equations of the step themselves, solved again from densities that are a little off."""
    engine = engine_of(build(columns()))
    start = engine.settled(0.8, 1.0)
    (piece,) = engine.lights.pieces(Step(1e-5, control, 1.0))
    condition, light = engine._condition(control, 1.0), piece.generation(0.0)
    engine._refresh(start)
    past = engine._past(0.0, start)
    rate = 1e6
    missed = np.zeros(past.stored.size)
    for column, part in zip(engine.engines, engine._stored, strict=True):
        for kind in range(3):
            own = column._parts[kind][0]
            missed[part][own] = 1e-4 * (1 + kind) * past.stored[part][own]
    sizes, found = [], []
    for off in (0.0, 1.0):
        made = start.copy()
        ok, _, flux = engine._solve(made, condition, light, rate, rate * (past.stored + off * missed), 50)
        assert ok
        found.append((made, engine._past(1.0 / rate, made).stored))
        if not off:
            error = engine._error(made, condition, missed, flux, light)
    (made, one), (shifted, other) = found
    for number, (column, part) in enumerate(zip(engine.engines, engine._stored, strict=True)):
        sizes.append(float(np.abs(shifted.parts[number].psi - made.parts[number].psi).max()))
        for kind in range(3):
            own = column._parts[kind][0]
            before, after = one[part][own], other[part][own]
            seen = before > 1e-5 * before.max()
            sizes.append(float(np.abs(np.log(after[seen] / before[seen])).max()))
    assert error * engine.tolerance == pytest.approx(max(sizes), rel=5e-3)


# --- instruments in time ---------------------------------------------------------------------------------------------


INSTRUMENTS: dict[str, Any] = {
    "scan": pt.lab.scan.Protocol(step="50 mV", rate="1 V/s", preconditioning="1.2 V, 1 s"),
    "mppt": pt.lab.mppt.Protocol(duration="6 s"),
    "tpv": pt.lab.tpv.Protocol(duration="2 us"),
    "tpc": pt.lab.tpc.Protocol(duration="1 us"),
}


def measured(name: str, cell: Parallel | Stack) -> list[Any]:
    made = getattr(pt.lab, name).measure(cell, INSTRUMENTS[name])
    return list(made.values()) if isinstance(made, dict) else [made]


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_instruments_in_time_measure_columns_as_a_stack(name: str) -> None:
    stack = pt.load("wbg-target")
    # where the voltage is given nothing couples the columns; else to what the time steps are told to keep to
    rounding = 1e-12 if name in ("scan", "mppt") else 1e-4
    for one, two in zip(measured(name, stack), measured(name, twice(stack, stack.name)), strict=True):
        alike(one, two, rounding)
    for dataset in measured(name, patchy()):
        assert all(row.passed for row in checks_of(dataset).values())
        assert dataset.attrs["complete"] == 1 and dataset.attrs["stack"] == "patchy"
        assert any("columns side by side" in note for note in notes_of(dataset))


def test_the_order_of_the_columns_does_not_matter_in_time() -> None:
    both = columns()
    found = []
    for cell in (both, both.model_copy(update={"column": both.column[::-1]})):
        engine = engine_of(build(cell))
        found.append(engine.run(SCHEDULES["open circuit"], engine.settled(0.9, 1.0)))
    assert found[0].voltage == pytest.approx(found[1].voltage, rel=1e-9)


def test_a_laser_beam_in_suns_is_refused_and_a_pulse_is_not() -> None:
    engine = engine_of(build(patchy()))
    start = engine.settled(0.0, 0.0)
    beam = Beam(spectrum={"kind": "monochromatic", "wavelength": "532 nm"})
    with pytest.raises(InputError, match=r"step 1.*not the same in all columns"):
        engine.run([Step(1e-6, Voltage(0.0), beams=(beam,))], start)
    found = engine.run([Step(1e-6, Voltage(0.0), beams=(LASER,), points=2)], start)
    assert found.complete and found.current[0] > 0.0


def test_a_step_that_one_column_cannot_take_is_an_error_that_keeps_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = engine_of(build(columns()))
    start = engine.settled(0.5, 1.0)
    lame = engine.engines[1]
    honest, reached = lame._solve, []

    def solve(*arguments: Any) -> Any:
        return (False, 1, 0.0) if reached else honest(*arguments)

    monkeypatch.setattr(lame, "_solve", solve)
    with pytest.raises(ConvergenceError, match='"beside" could not be followed') as failed:
        steps = [Step(1e-3, OpenCircuit(), 1.0), Step(1.0, OpenCircuit(), 1.0)]
        engine.run(steps, start, advanced=reached.append)
    assert failed.value.context["trace"].time.tolist() == [1e-3]
