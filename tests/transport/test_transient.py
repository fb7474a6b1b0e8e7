"""Two junctions in series in time: one current through both, voltages that add, light of one in the other."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q
from scipy.constants import epsilon_0
from scipy.linalg import expm

import perotwin as pt
from devices import cell as cell_of
from devices import everything, layer
from perotwin.errors import ConvergenceError, InputError
from perotwin.stack import Stack
from perotwin.transport.cell import build, engine_of
from perotwin.transport.light import Beam, LaserPulse
from perotwin.transport.schedule import Current, Load, MaximumPower, OpenCircuit, Step, Voltage
from perotwin.transport.series_engine import TandemEngine
from perotwin.transport.tandem import TandemProblem, TandemSolver
from series import dimmed, pair

CIRCUIT = {"circuit.series_resistance": "5 ohm cm^2", "circuit.shunt_resistance": "2 kohm cm^2"}


def unlike(share: float = 0.4) -> TandemProblem:
    """Two unlike junctions with charged traps, ions, shunts and light of one in the other."""
    bottom = everything("boltzmann", crowded=False).with_values(
        {"absorber.thickness": 250e-9, "htl|absorber.dipole": 0.05, **CIRCUIT}
    )
    return pair(everything("fermi-dirac"), bottom, share)


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
    alone, both = engine_of(build(stack)), TandemEngine(pair(stack, stack))
    for lights in both.lights.parts:
        # each stands in its own light
        lights.absorb = None
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
        top, bottom = (float(part.v[0]) for part in moment.parts)
        assert top == pytest.approx(bottom, abs=1e-7) and float(moment.v[0]) == top + bottom


@pytest.mark.parametrize(
    "control",
    [Voltage(1.3, 1.5), OpenCircuit(), Current(20.0, 25.0), Load(8e-2)],
    ids=lambda one: type(one).__name__,
)
def test_one_current_and_voltages_that_add(control: Any) -> None:
    """At every reported moment of light that goes on and off; the current of each is checked along its depth."""
    engine = TandemEngine(unlike())
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
        inside = sum(float(part.v[0]) for part in moment.parts) * engine.problem.vt
        assert voltage == pytest.approx(inside - current * engine.problem.resistance, abs=1e-12)
    # the departure of a junction's current along x is from the common one plus its own shunt's
    assert found.constancy.max() <= 1.0
    assert np.abs(found.ions / found.ions[0] - 1.0).max() < 1e-10


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_left_alone_they_settle_at_their_steady_state(share: float) -> None:
    """Which other code finds: at open circuit, at a voltage, and with a bottom that only the top lights."""
    problem = dimmed(pair(pt.load("wbg-target"), pt.load("nbg"), share), 1.0, 0.05)
    engine = TandemEngine(problem)
    solver = TandemSolver(engine.problem)
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
    engine = TandemEngine(problem)
    found = engine.run([Step(1e3, Voltage(0.0), (0.0, 1.0), points=5)], engine.settled(0.0, 0.0))
    top, bottom = (float(part.v[0]) * engine.problem.vt for part in found.moments[-1].parts)
    assert top == pytest.approx(-bottom, abs=1e-9) and top > 0.8
    # in reverse the junction itself carries next to nothing, its shunt V / R
    assert found.current[-1] == pytest.approx(top / 500e-4, rel=1e-3)


def test_light_of_the_top_makes_a_current_in_a_dark_bottom() -> None:
    """Into a short circuit of the bottom, of which the top at a current of its own knows nothing."""
    stack = everything("fermi-dirac")
    currents, lights = [], []
    for share in (0.0, 0.5, 1.0):
        engine = TandemEngine(dimmed(pair(stack, stack, share), 1.0, 0.02))
        trace = engine.run([Step(1e-2, Voltage(0.0), 1.0)], engine.settled(0.0, 0.1))
        currents.append(float(trace.current[-1]))
        lights.append(Q * share * radiated(engine, trace.moments[-1]))
        if share:
            assert Q * engine._slopes[4] == pytest.approx(lights[-1], rel=1e-9)
    # nearly all that is generated in the bottom, in reverse, is collected
    assert np.diff(currents) == pytest.approx(np.diff(lights), rel=0.02)
    assert lights[1] > 5e-3


def radiated(engine: TandemEngine, moment: Any) -> float:
    """Net radiative rate of the top's absorber, m^-2 s^-1, from its channel of the steady code."""
    top, one = engine.engines[0], moment.parts[0]
    from perotwin.transport import kernels as k

    channel = np.zeros(64)
    k.rates(
        top.device, top.work, one.psi, one.fn, one.fp, float(one.v[0]), channel,
        np.zeros(top.device.volume.size),
    )  # fmt: skip
    return float(channel[2 * engine._emitter])


# --- light of its own, on the whole cell -----------------------------------------------------------------------------


def test_a_pulse_is_absorbed_where_the_whole_cell_absorbs_it() -> None:
    """Blue light by the top, red light by the bottom, which sees only what the top lets through."""
    tandem = pt.load("tandem-target").with_values({"bottom.light.intensity": 0.5})
    engine = engine_of(build(tandem))
    assert isinstance(engine, TandemEngine)
    made = {}
    for wavelength in ("450 nm", "850 nm"):
        pulse = LaserPulse(wavelength=wavelength, fluence="1e10 cm^-2")
        step = Step(1e-6, Voltage(0.0), beams=(pulse,))
        engine.lights.prepare(step, "step 1")
        (piece,) = engine.lights.pieces(step)
        assert piece.flash is not None
        made[wavelength] = [float(piece.flash[part].sum()) / 1e14 for part in engine._sites]
    assert made["450 nm"][0] > 0.5 and made["450 nm"][1] < 1e-3
    # half of what falls on the bottom counts in it alone
    assert made["850 nm"][0] < 1e-6 and 0.25 < made["850 nm"][1] < 0.5


def test_suns_of_the_cell_s_own_spectrum_are_its_own_light() -> None:
    """A beam of it is as much light more, on both junctions."""
    engine = engine_of(build(pt.load("tandem-target")))
    step = Step(1e-3, Voltage(1.7), 0.5, points=3)
    beam = Beam(intensity=0.5)
    one = engine.run([replace(step, light=1.0)], engine.settled(1.7, 1.0))
    two = engine.run([replace(step, beams=(beam,))], engine.settled(1.7, 0.5, (beam,)))
    assert two.current == pytest.approx(one.current, rel=1e-6)
    assert two.generated == pytest.approx(one.generated, rel=1e-12)


def test_other_light_on_the_whole_cell_drives_the_junction_that_takes_it() -> None:
    """Infrared on top of sunlight adds to the bottom alone, so that the top comes to limit the current."""
    engine = engine_of(build(pt.load("tandem-target")))
    red = Beam(spectrum={"kind": "monochromatic", "wavelength": "850 nm"}, intensity=0.2)
    start = engine.settled(1.0, 1.0, (red,))
    found = engine.run([Step(1e-6, Voltage(1.0), 1.0, beams=(red,))], start)
    plain = engine.run([Step(1e-6, Voltage(1.0), 1.0)], engine.settled(1.0, 1.0))
    assert found.current[-1] > plain.current[-1]
    top = engine.problem.parts[0].photocurrent
    assert found.current[-1] == pytest.approx(top, rel=0.02)


def test_light_on_a_tandem_made_for_the_dark_is_refused() -> None:
    engine = engine_of(build(pt.load("tandem-target"), light=False))
    with pytest.raises(InputError, match="made ready for the dark alone"):
        engine.run([Step(1.0, Voltage(0.0), 1.0)], engine.settled(0.0, 0.0))


# --- the error of a time step ----------------------------------------------------------------------------------------


def capacitor(thickness: float, resistance: float, shunt: float | None) -> Stack:
    circuit: dict[str, Any] = {"series_resistance": resistance}
    if shunt is not None:
        circuit["shunt_resistance"] = shunt
    body = layer("body", thickness, affinity=3.0, gap=3.4, eps=10.0)
    return cell_of(body, front=4.7, back=4.7, circuit=circuit)


@pytest.mark.parametrize("first", [None, 0.3, 3.0])
@pytest.mark.parametrize(
    "control", [Voltage(0.0), OpenCircuit(), Load(0.7)], ids=lambda one: type(one).__name__
)
def test_capacitors_in_series_discharge_as_they_must(control: Any, first: float | None) -> None:
    """Each over its own shunt, and both over their resistors; a first step that is too long is refused."""
    thicknesses, leaks, resistance = np.array([300e-9, 150e-9]), np.array([0.2, 0.5]), 3.0
    engine = TandemEngine(
        pair(capacitor(300e-9, 1.0, 1.0 / leaks[0]), capacitor(150e-9, 2.0, 1.0 / leaks[1]))
    )
    capacitances = 10.0 * epsilon_0 / thicknesses
    tau = float(resistance * capacitances[0])
    step = Step(6 * tau, control, points=6, first=None if first is None else first * tau)
    start = engine.settled(0.9, 0.0)
    before = np.array([float(part.v[0]) for part in start.parts]) * engine.problem.vt
    trace = engine.run([step], start)
    # C v' = -g v - J with J = (v1 + v2) / (R + load)
    outside = {Voltage: resistance, OpenCircuit: np.inf, Load: resistance + 0.7}[type(control)]
    rates = -(np.diag(leaks) + np.ones((2, 2)) / outside) / capacitances[:, None]
    inside = np.array([expm(rates * time) @ before for time in trace.time])
    current = inside.sum(axis=1) / outside
    assert trace.current == pytest.approx(current, abs=2e-3 * 0.9 / resistance)
    assert trace.voltage == pytest.approx(inside.sum(axis=1) - resistance * current, abs=1.5e-3)


@pytest.mark.parametrize(
    "control", [Voltage(1.6), OpenCircuit(), Load(8e-3)], ids=lambda one: type(one).__name__
)
def test_the_error_is_what_wrong_densities_do_to_the_junctions(control: Any) -> None:
    """Held to the equations of the step themselves, solved again from densities that are a little off."""
    engine = TandemEngine(unlike(0.9))
    start = engine.settled(1.6, 1.0)
    (piece,) = engine.lights.pieces(Step(1e-5, control, 1.0))
    condition, light = engine._condition(control, 1.0), piece.generation(0.0)
    engine._refresh(start)
    past = engine._past(0.0, start)
    rate = 1e6
    missed = np.zeros(past.stored.size)
    for junction, part in zip(engine.engines, engine._stored, strict=True):
        for kind in range(3):
            own = junction._parts[kind][0]
            missed[part][own] = 1e-5 * (1 + kind) * past.stored[part][own]
    sizes, found = [], []
    for off in (0.0, 1.0):
        made = start.copy()
        ok, _, flux = engine._solve(made, condition, light, rate, rate * (past.stored + off * missed), 50)
        assert ok
        found.append((made, engine._past(1.0 / rate, made).stored))
        if not off:
            error = engine._error(made, condition, missed, flux, light)
    (made, one), (shifted, other) = found
    for number, (junction, part) in enumerate(zip(engine.engines, engine._stored, strict=True)):
        sizes.append(float(np.abs(shifted.parts[number].psi - made.parts[number].psi).max()))
        for kind in range(3):
            own = junction._parts[kind][0]
            before, after = one[part][own], other[part][own]
            seen = before > 1e-9 * before.max()
            # few carriers count less, ions do not
            counts = before[seen] / (before[seen] + (kind < 2) * 1e-7 * before.max())
            sizes.append(float((counts * np.abs(np.log(after[seen] / before[seen]))).max()))
    assert error * engine.tolerance == pytest.approx(max(sizes), rel=1e-3)


def test_the_slopes_over_a_step_are_exact() -> None:
    """Currents of both and the light of the top, by the voltage of each, against differences of whole solutions."""
    engine = TandemEngine(unlike(0.9))
    start = engine.settled(1.6, 1.0)
    (piece,) = engine.lights.pieces(Step(1e-5, OpenCircuit(), 0.5))
    light, rate = piece.generation(0.0), 1e6
    engine._refresh(start)
    history = rate * engine._past(0.0, start).stored

    def solved(voltage: float) -> Any:
        made = start.copy()
        ok, _, flux = engine._solve(made, engine._condition(Voltage(voltage), 1.0), light, rate, history, 100)
        assert ok
        v = [float(part.v[0]) for part in made.parts]
        return np.array([*v, engine._terminal(made, flux)[1], engine._slopes[4]])

    h = 1e-4
    (v1, v2, j, glow) = (
        8.0 * (solved(1.6 + h) - solved(1.6 - h)) - (solved(1.6 + 2 * h) - solved(1.6 - 2 * h))
    ) / 12
    solved(1.6)
    by_x, by_y, by_light, glow_by_x, _ = engine._slopes
    assert by_x * v1 == pytest.approx(j, rel=1e-6)
    assert glow_by_x * v1 == pytest.approx(glow, rel=1e-6)
    assert by_y * v2 + by_light * glow == pytest.approx(j, rel=1e-6)


def test_a_photovoltage_decays_with_the_modes_of_the_pair() -> None:
    """The decay in time and the eigenvalues of the linearised equations are found by different code."""
    problem = pair(pt.load("wbg-target"), pt.load("wbg-control"), 0.5)
    engine = TandemEngine(problem, 1e-5)
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


def test_a_step_that_one_junction_cannot_take_is_an_error_that_keeps_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = TandemEngine(unlike())
    start = engine.settled(1.0, 1.0)
    lame, reached = engine.engines[1], []
    honest = lame._take
    monkeypatch.setattr(lame, "_take", lambda *given: honest(*given) and not reached)
    with pytest.raises(ConvergenceError, match='"pair" could not be followed') as failed:
        steps = [Step(1e-3, OpenCircuit(), 1.0), Step(1.0, OpenCircuit(), 1.0)]
        engine.run(steps, start, advanced=reached.append)
    assert failed.value.context["trace"].time.tolist() == [1e-3]


def test_both_anodes_may_lie_at_the_back() -> None:
    problem = unlike()
    stacks = [one.stack.mirrored() for one in problem.junctions]
    turned = pair(stacks[0], stacks[1])
    plain = TandemEngine(replace(problem, coupling=None))
    other = TandemEngine(turned)
    steps = [Step(1e-4, Voltage(0.9, 1.2), 1.0, points=3), Step(1e-4, OpenCircuit(), 1.0)]
    one, two = (engine.run(steps, engine.settled(0.5, 0.5)) for engine in (plain, other))
    assert two.current == pytest.approx(one.current, rel=1e-6, abs=1e-9)
    assert two.voltage == pytest.approx(one.voltage, rel=1e-7)
