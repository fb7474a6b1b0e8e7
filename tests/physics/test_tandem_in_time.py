"""Tandems in time and at small signal: each junction in an engine of its own, closed forms, the steady curve."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q
from scipy.constants import epsilon_0
from scipy.optimize import brentq

import perotwin as pt
from devices import layer
from perotwin.stack import Tandem
from perotwin.transport import device as dv
from perotwin.transport.build import build
from perotwin.transport.circuit import Light, held_current, held_voltage
from perotwin.transport.device import state_width
from perotwin.transport.kernels.implicit_step import Difference
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.light import Beam
from perotwin.transport.schedule import OpenCircuit, Step, Voltage
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine, Moment
from tandems import no_pinholes, no_shunts, plain, shining

F64 = np.ndarray

SHUNTS: dict[str, Any] = {
    "top": {"circuit": {"series_resistance": 1e-4, "shunt_resistance": 0.5}},
    "bottom": {"circuit": {"shunt_resistance": 0.2}},
}
METAL = {"metal": {"work_function": 4.3}}


def leaking(ions: bool = True) -> Tandem:
    return plain((6e27, 5e27), "fermi-dirac", ions, **SHUNTS)


def busy(between: str) -> Tandem:
    """With ions and charged levels in the layers on either side of what lies between, too."""
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

    # a shunt across one half of a mesh has no node to end on
    circuit = SHUNTS["top"] if between != "traps" else {"circuit": {"series_resistance": 1e-4}}
    return plain(
        (6e27, 5e27),
        top={**circuit, "layer": junction(1.7, "etl")},
        bottom={**circuit, "layer": junction(1.2, "htl")},
        junction=BETWEEN[between],
    )


def traps(velocity: float, **more: Any) -> dict[str, Any]:
    return {"kind": "traps", "electron_velocity": velocity, "hole_velocity": velocity, **more}


BETWEEN: dict[str, dict[str, Any]] = {
    "ideal": {"kind": "ideal"}, "metal": traps(1e3, **METAL), "traps": traps(1e-2),
}  # fmt: skip
#: V, before the bend of each one's curve
BIAS = {"ideal": 1.5, "metal": 1.3, "traps": 1.5}


# --- a step taken by hand ---------------------------------------------------------------------------------------------


def stepped(engine: Engine, now: Moment, size: float, constraint: Any, generation: F64) -> Moment:
    """A cell one implicit step of first order of `size` s later."""
    engine._refresh(now)
    made = now.copy()
    difference = Difference(1.0 / size, engine._past(0.0, now).stored / size)
    good, _ = engine._solve(made, constraint, generation, difference, 120)
    assert good
    return made


@dataclass
class ByHand:
    """The junctions of a tandem, each in an engine that knows nothing of the other; a root joins them in each step.

    Attributes:
        whole: the engine of the tandem. start: where both begin.
        now: the junctions' moments.
    """

    whole: Engine
    start: Moment
    engines: list[Engine] = field(init=False)
    now: list[Moment] = field(init=False)

    def __post_init__(self) -> None:
        problem = self.whole.problem
        self.engines = [Engine(problem.group(number)) for number in range(2)]
        tandem = problem.stack
        self.resistance = sum(float(stack.circuit.series_resistance) for stack in tandem.stacks.values())
        self.resistance += float(getattr(tandem.junction, "resistance", 0.0))
        assert len(problem.lights) <= 1
        self.light: Light | None = problem.lights[0] if problem.lights else None
        self.now = []
        for d, engine in enumerate(self.engines):
            own = self.start.junction(d)
            made = Moment(engine.device, np.zeros(state_width(engine.device)), float(own.v[0]) * problem.vt)
            for into, values in zip(state_in(engine.device, made.row), own, strict=True):
                into[...] = values
            self.now.append(made)

    def shines(self, first: Moment) -> F64:
        """(S,) pairs that the first junction's light makes in the second, m^-2 s^-1."""
        engine, light = self.engines[0], self.light
        if light is None:
            return np.zeros(self.engines[1].device.volume.size)
        assert (light.emitter, light.receiver) == (0, 1)
        device, state = engine.device, first.state
        here = device.site_layer == light.layer
        node = device.site_node[here]
        split = (state.fn - state.fp + state.fn_rest - state.fp_rest)[node] + float(state.v[0])
        # in detailed balance the rate follows the splitting alone
        row = device.layer[light.layer]
        assert device.balanced[light.layer]
        rate = row[dv.K_RAD] * row[dv.NP_EQ] * np.expm1(split)
        return np.asarray(light.share * float(rate @ device.volume[here]) * light.profile)

    def step(self, size: float, voltage: float | None, suns: float) -> float:
        """Go on by `size` s, at a terminal voltage (V; None: at open circuit); returns the current (A m^-2)."""
        first, second = self.engines
        lit = [suns * engine.problem.generation for engine in self.engines]

        def both(constraint: Any, rest: Callable[[Moment], Any]) -> list[Moment]:
            one = stepped(first, self.now[0], size, constraint, lit[0])
            return [one, stepped(second, self.now[1], size, rest(one), lit[1] + self.shines(one))]

        if voltage is None:
            self.now = both(held_current(), lambda one: held_current())
            return 0.0

        def at(volts: float) -> list[Moment]:
            return both(
                held_voltage(volts),
                lambda one: held_voltage(voltage + self.resistance * first.terminal_current(one) - volts),
            )

        def excess(volts: float) -> float:
            currents = [
                engine.terminal_current(made) for engine, made in zip(self.engines, at(volts), strict=True)
            ]
            return currents[1] - currents[0]

        # half of what the terminals take to begin with; the more the first one has, the larger the excess
        near = self.now[0].voltage + 0.5 * (voltage - sum(one.voltage for one in self.now))
        sign = float(np.sign(excess(near)))
        while np.sign(excess(near - 0.05 * sign)) == sign:
            near -= 0.05 * sign
        self.now = at(brentq(excess, near - 0.05 * sign, near, xtol=1e-14, rtol=1e-15))
        return first.terminal_current(self.now[0])


STEPS: dict[str, tuple[tuple[float, float], list[tuple[float, float | None, float]]]] = {
    "scan": ((1.4, 1.0), [(0.05, volts, 1.0) for volts in (1.5, 1.6, 1.7, 1.8, 1.9, 1.8, 1.7, 1.6)]),
    "light": ((1.0, 0.1), [(size, 1.0, 1.0) for size in (1e-9, 1e-8, 1e-7, 1e-6, 1e-3)]),
    "decay": ((1.7, 1.0), [(size, None, 0.0) for size in (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-2)]),
}
TANDEMS: dict[str, Callable[[], Any]] = {
    "leaking": leaking,
    "leaking mirrored": lambda: leaking().mirrored(),
    "metal": lambda: busy("metal"),
    "library": lambda: pt.load("tandem-target").with_values(no_pinholes(pt.load("tandem-target"))),
    "shining": lambda: shining(closed=False),
}


@pytest.mark.parametrize("tandem", TANDEMS)
@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_that_of_two_junctions_in_series(name: str, tandem: str) -> None:
    """With the light of one in the other: in the library's, and without traps, where it is much of what one has."""
    (voltage, suns), steps = STEPS[name]
    engine = Engine(build(TANDEMS[tandem]()))
    now = engine.settled(voltage, suns)
    hand = ByHand(engine, now)
    scale = engine.problem.photocurrent
    for size, volts, light in steps:
        constraint = held_current() if volts is None else held_voltage(volts)
        now = stepped(engine, now, size, constraint, light * engine.problem.generation)
        current = hand.step(size, volts, light)
        assert now.current is not None
        # one current in both, displacement included
        assert now.current == pytest.approx(np.full(2, current), abs=1e-7 * scale)
        assert engine.terminal_current(now) == pytest.approx(current, abs=1e-7 * scale)
        alone = [float(one.state.v[0]) for one in hand.now]
        assert now.state.v * engine.problem.vt == pytest.approx(np.array(alone) * engine.problem.vt, abs=1e-8)
        terminals = engine.problem.vt * sum(alone) - hand.resistance * current
        assert now.voltage == pytest.approx(terminals, abs=1e-8)


# --- time -------------------------------------------------------------------------------------------------------------


RUNS: dict[str, tuple[tuple[float, float], Step]] = {
    "decay": ((1.7, 1.0), Step(1e-4, OpenCircuit(), 0.0, points=5)),
    "light": ((1.0, 0.1), Step(1e-5, OpenCircuit(), 1.0, points=5)),
}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("name", RUNS)
def test_without_current_each_goes_by_itself(name: str, mirrored: bool) -> None:
    """The junctions know nothing of each other then: their voltages add up.

    Each takes steps of its own: they lie apart by the steps' tolerance, and less where that is less.
    """
    (voltage, suns), step = RUNS[name]
    tandem, schedule = leaking().mirrored() if mirrored else leaking(), [step]
    apart = []
    for tolerance in (5e-4, 2e-5):
        engine = Engine(build(tandem), tolerance)
        hand = ByHand(engine, start := engine.settled(voltage, suns))
        whole = engine.run(schedule, start)
        assert whole.constancy.max() < 1.0
        assert np.abs(whole.ions / whole.ions[0] - 1.0).max() < 1e-10
        added = np.zeros(5)
        for one, first in zip(hand.engines, hand.now, strict=True):
            added += replace(one, tolerance=tolerance).run(schedule, first).voltage
        apart.append(float(np.abs(whole.voltage - added).max()))
    assert apart[0] < 1e-4
    assert apart[1] < 0.3 * apart[0]


def test_each_junction_at_the_voltage_that_it_had_gives_the_current() -> None:
    """Driven along what the tandem's scan says of it, in an engine of its own."""
    schedule = [Step(0.5, Voltage(*ends), 1.0, points=60) for ends in ((0.0, 1.8), (1.8, 0.0))]
    engine = Engine(build(leaking()), 2e-5)
    hand = ByHand(engine, start := engine.settled(0.0, 1.0))
    trace = engine.run(schedule, start)
    assert trace.constancy.max() < 1.0
    assert np.abs(trace.ions / trace.ions[0] - 1.0).max() < 1e-10
    found = engine.junction_voltages(trace)
    added = found["top"] + found["bottom"] - found["between"]
    assert added == pytest.approx(trace.voltage, abs=1e-10)
    assert found["between"] == pytest.approx(hand.resistance * trace.current, abs=1e-10)
    times = np.concatenate([[0.0], trace.time])
    for which, one, first in zip(("top", "bottom"), hand.engines, hand.now, strict=True):
        volts = np.concatenate([[first.voltage], found[which]])
        driven = [
            Step(float(t2 - t1), Voltage(float(v1), float(v2)), 1.0)
            for (t1, t2), (v1, v2) in zip(pairwise(times), pairwise(volts), strict=True)
        ]
        current = replace(one, tolerance=2e-5).run(driven, first).current
        assert np.abs(current / trace.current[0] - trace.current / trace.current[0]).max() < 1e-7


def test_charge_between_two_capacitors_relaxes_through_their_shunts() -> None:
    """Insulators: the voltage divides by the capacitances first and by the shunts last (Maxwell and Wagner).

    tau = (C1 + C2) R1 R2 / (R1 + R2); the displacement current is part of what the node between them balances.
    """
    thickness, eps, shunts = (200e-9, 300e-9), (5.0, 20.0), (0.5, 2.0)
    parts = {
        which: {
            "layer": [layer("body", width, affinity=3.0, gap=3.4, eps=number)],
            "contact": {"front": {"work_function": 4.7}, "back": {"work_function": 4.7}},
            "circuit": {"shunt_resistance": shunt},
        }
        for which, width, number, shunt in zip(("top", "bottom"), thickness, eps, shunts, strict=True)
    }
    c1, c2 = (epsilon_0 * number / width for number, width in zip(eps, thickness, strict=True))
    r1, r2 = shunts
    tau = (c1 + c2) * r1 * r2 / (r1 + r2)
    engine = Engine(build(plain(**parts)))
    times = tuple(tau * np.linspace(0.05, 6.0, 40))
    trace = engine.run([Step(times[-1], Voltage(0.8), times=times)], engine.settled(0.0, 0.0))
    fall = np.exp(-trace.time / tau)
    first, last = 0.8 * c2 / (c1 + c2), 0.8 * r1 / (r1 + r2)
    found = engine.junction_voltages(trace)
    assert found["top"] == pytest.approx(last + (first - last) * fall, abs=4e-4)
    assert found["top"] + found["bottom"] == pytest.approx(trace.voltage, abs=1e-10)
    # what flows in: through the top's shunt, and onto its plates
    expected = -(found["top"] / r1 - c1 * (first - last) / tau * fall)
    assert trace.current == pytest.approx(expected, abs=1e-3 * 0.8 / r1)


@pytest.mark.parametrize(
    "tandem", [pt.load("tandem-target"), shining(closed=False)], ids=["library", "shining"]
)
@pytest.mark.parametrize("control", [Voltage(1.8), OpenCircuit()], ids=["voltage", "open circuit"])
def test_it_settles_where_the_steady_curve_is(tandem: Tandem, control: Any) -> None:
    """Of the library, and without traps, where the top's surplus light is much of what the bottom has."""
    engine = Engine(build(tandem), 1e-4)
    steps = [Step(span, control, 0.3, points=3) for span in (1e-6, 1e-2, 1e7)]
    trace = engine.run(steps, engine.settled(1.8, 1.0))
    assert trace.constancy.max() < 1.0
    steady = engine.solver.sweep([1.8], 0.3)
    if isinstance(control, OpenCircuit):
        steady = engine.solver.open_circuit(steady.state(0), 0.3)
    assert abs(trace.current[-1] - steady.current[0]) < 1e-6
    assert abs(trace.voltage[-1] - steady.voltage[0]) < 2e-7
    # and it had a way to go
    assert abs(trace.current[0] - trace.current[-1]) > 0.1 or abs(trace.voltage[0] - trace.voltage[-1]) > 1e-2


@pytest.mark.parametrize("between", BETWEEN)
def test_other_light_is_that_of_the_whole_cell(between: str) -> None:
    """Infrared on top of sunlight, which passes the top and what lies between."""
    red = {"kind": "monochromatic", "wavelength": "850 nm"}
    beam = Beam(spectrum=red, intensity=0.2)
    tandem = pt.load("tandem-target").with_values({"top.light.intensity": 0.9, "junction": BETWEEN[between]})
    if between == "traps":
        tandem = tandem.with_values(no_shunts(tandem))
    engine = Engine(build(tandem))
    trace = engine.run([Step(1e-6, Voltage(1.0), 1.0, beams=(beam,))], engine.settled(1.0, 1.0, (beam,)))
    # both lights asked of the optics for themselves
    both = build(tandem).generation + 0.2 * build(tandem.with_light(spectrum=red)).generation
    assert trace.generated == pytest.approx(Q * both.sum(), rel=1e-12)
    steady = Solver(engine.problem.relit(both)).sweep([1.0], 1.0)
    assert trace.current == pytest.approx(steady.current[0], rel=1e-6)


@pytest.mark.parametrize("between", BETWEEN)
def test_a_steady_state_stays(between: str) -> None:
    engine = Engine(build(busy(between)))
    bias = BIAS[between]
    steady = engine.solver.sweep([bias], 1.0)
    held = engine.run([Step(1.0, Voltage(bias), 1.0, points=3)], engine.moment(steady.state(0)))
    assert held.current == pytest.approx(steady.current[0], rel=1e-9)
    assert held.steps < 40
    near = engine.solver.sweep([1.9], 1.0).state(0)
    still = engine.solver.open_circuit(near, 1.0)
    left = engine.run([Step(1.0, OpenCircuit(), 1.0, points=3)], engine.moment(still.state(0)))
    assert left.voltage == pytest.approx(still.voltage[0], abs=1e-8)


@pytest.mark.parametrize("between", BETWEEN)
def test_what_happens_at_the_ends_between_is_checked(between: str) -> None:
    """The current is one along x in each junction and the same in both; a wrong potential there or current is seen."""
    engine = Engine(build(busy(between)))
    trace = engine.run([Step(1e-3, Voltage(1.2, 1.6), 1.0, points=4)], engine.settled(1.2, 0.5))
    assert 0.0 < trace.constancy.max() < 1.0
    made, problem = trace.moments[-1], engine.problem
    rate, past = engine.difference.rate, stored_in(engine.device, engine.difference.past).psi
    assert made.current is not None
    assert made.current == pytest.approx(np.full(len(problem.parts), trace.current[-1]), rel=1e-9)

    def departure(moment: Moment, d: int, factor: float = 1.0) -> float:
        assert moment.current is not None
        own = moment.current[d] + engine.net.leak[d] * moment.state.v[d]
        lit = Q * float(problem.parts[d].generation.sum())
        here = past[engine.device.nodes(d)]
        return engine._currents[d].departure(moment.junction(d), rate, here, lit, factor * float(own))

    numbers = range(len(problem.parts))
    assert max(departure(made, d) for d in numbers) == pytest.approx(float(trace.constancy[-1]), rel=1e-6)
    for d in numbers:
        nodes = engine.device.nodes(d)
        # the back of the top and the front of the bottom, or the node of the face where both are one mesh
        end = nodes.stop - 1 if d == 0 else nodes.start
        if between == "traps":
            end = int(problem.shown.site_node[problem.shown.between[0]])
        assert departure(made, d, 1.001) > 1.0
        # the top ends with its electrons, the bottom begins with its holes
        for name in ("psi", "fn", "fp") if between == "traps" else ("psi", ("fn", "fp")[d]):
            other = made.copy()
            getattr(other.state, name)[end] += 1e-4
            assert departure(other, d) > 1.0, (d, name)


# --- small signals ----------------------------------------------------------------------------------------------------


def linearised(problem: Any, voltage: float) -> Any:
    solver = Solver(problem.all_moving())
    state = solver.sweep([voltage], 1.0).state(0)
    return solver, state, solver.linearised(state, 1.0)


@pytest.mark.parametrize("voltage", [0.0, 1.8])
def test_impedance_is_that_of_two_junctions_in_series(voltage: float) -> None:
    """Z = Z1 + Z2 + R, and so do the voltages add up that light makes; without light of one in the other."""
    problem = build(leaking())
    solver, _, whole = linearised(problem, voltage)
    inside = solver.sweep([voltage], 1.0).junction_voltages
    alone = [
        linearised(problem.group(number), float(inside[name][0]))[2]
        for number, name in enumerate(("top", "bottom"))
    ]
    frequency = np.geomspace(1e-2, 1e6, 9)
    found, parts = whole.spectrum(frequency), [one.spectrum(frequency) for one in alone]
    impedance = sum(part.impedance for part in parts) + 1e-4
    imvs = sum(part.imvs for part in parts)
    for name, expected in (("impedance", impedance), ("imvs", imvs), ("imps", imvs / impedance)):
        assert np.abs(getattr(found, name) / expected - 1.0).max() < 1e-5, name
    # without current each decays by itself; at a held voltage where their impedances cancel
    slowest = min((one.rates(1, "open-circuit")[0] for one in alone), key=abs)
    assert whole.rates(1, "open-circuit")[0] == pytest.approx(slowest, rel=1e-4)
    (rate,) = whole.rates(1, "voltage")
    at, beside = sum(one.impedance_at(np.array([rate, rate * (1.0 + 1e-3)])) for one in alone) + 1e-4
    assert abs(at) < 1e-4 * abs(beside)


@pytest.mark.parametrize("rate", [1e-1, 1e3, 1e6])
@pytest.mark.parametrize("tandem", [name for name in TANDEMS if name != "leaking mirrored"])
def test_impedance_is_the_slope_of_a_step_by_hand(tandem: str, rate: float) -> None:
    """An implicit step of 1/s from a steady state is the response to signals exp(s t): of two junctions by a root, with
    the light of one in the other."""
    problem = build(TANDEMS[tandem]())
    bias = 1.3 if tandem == "metal" else 1.8
    _, state, linear = linearised(problem, bias)
    engine = Engine(problem)
    hand = ByHand(engine, engine.moment(state))
    start, currents, step = list(hand.now), [], 1e-4
    for change in (-2, -1, 1, 2):
        hand.now = list(start)
        currents.append(hand.step(1.0 / rate, bias + change * step, 1.0))
    slope = (currents[0] - 8 * currents[1] + 8 * currents[2] - currents[3]) / (12 * step)
    impedance = linear.impedance_at(np.array([rate]))[0] + linear.series
    assert complex(impedance) == pytest.approx(-1.0 / slope, rel=1e-5)


@pytest.mark.parametrize("between", BETWEEN)
def test_at_rest_it_is_the_steady_curve(between: str) -> None:
    solver, state, linear = linearised(build(busy(between)), BIAS[between])
    slow = linear.spectrum([1e-8])
    assert slow.impedance[0].real == pytest.approx(-1.0 / solver.slope(state, 1.0), rel=1e-6)


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("frequency", [3e-2, 3e5])
def test_a_small_triangle_in_time_gives_the_impedance(between: str, frequency: float) -> None:
    engine, bias = Engine(build(busy(between)), 2e-5), BIAS[between]
    linear = engine.solver.linearised(engine.solver.sweep([bias], 1.0).state(0), 1.0)
    quarter, corners = 0.25 / frequency, [bias + change for change in (0.0, 0.002, 0.0, -0.002, 0.0)]
    once = [Step(quarter, Voltage(a, b), 1.0, points=30) for a, b in pairwise(corners)]
    trace = engine.run(once * 3, engine.settled(bias, 1.0))
    last = trace.time > 2.0 / frequency * (1.0 + 1e-9)
    wave = np.exp(-2j * np.pi * frequency * trace.time[last])
    response = -(wave @ trace.current[last]) / (wave @ (trace.voltage[last] - bias))
    assert response == pytest.approx(complex(linear.spectrum([frequency]).admittance[0]), rel=1e-2)


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("control", ["open-circuit", "voltage"])
def test_the_modes_are_the_poles_of_what_the_terminals_see(
    between: str, control: Literal["open-circuit", "voltage"]
) -> None:
    """The charge at the node between the junctions is one of the contents that decay."""
    _, _, linear = linearised(build(busy(between)), BIAS[between])
    rates = linear.rates(6, control)
    rates = rates[linear.shares(rates) > 1e-4] if control == "open-circuit" else rates[:3]
    assert rates.size >= 2 and np.all(rates.real < 0.0)
    for rate in rates:
        at, beside = linear.impedance_at(np.array([rate, rate * (1.0 + 1e-3)])) + linear.series
        if control == "open-circuit":
            at, beside = 1.0 / at, 1.0 / beside
        assert abs(at) < 1e-4 * abs(beside)
