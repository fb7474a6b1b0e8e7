"""The engine of time against closed forms: charging, decay of carriers, and the current that is one at every depth."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.integrate import solve_ivp

import perotwin as pt
from devices import VT, Q, cell, everything, layer
from perotwin.stack import Stack
from perotwin.transport import device as dv
from perotwin.transport.build import build
from perotwin.transport.schedule import Current, Load, OpenCircuit, Step, Voltage
from perotwin.transport.states import State
from perotwin.transport.transient import Engine, Moment, Trace

F64 = np.ndarray
#: takes no carrier at all
CLOSED = {"work_function": "flat-band", "electron_velocity": 0.0, "hole_velocity": 0.0}


def opened(engine: Engine, light: float, near: float = 1.0) -> Moment:
    """The settled cell at open circuit."""
    state = engine.solver.sweep([near], light).state(0)
    return engine.moment(engine.solver.open_circuit(state, light).state(0))


# --- charging --------------------------------------------------------------------------------------------------------


def insulators(resistance: float, **circuit: float) -> tuple[Stack, float]:
    """Two insulators in series and their capacitance (F/m^2)."""
    parts = ((300e-9, 5.0), (200e-9, 20.0))
    bodies = [
        layer(name, width, affinity=3.0, gap=3.4, eps=eps, role=role)
        for name, role, (width, eps) in zip("ab", ("absorber", "etl"), parts, strict=True)
    ]
    made = cell(*bodies, front=4.7, back=4.7, circuit={"series_resistance": resistance, **circuit})
    return made, epsilon_0 / sum(width / eps for width, eps in parts)


@pytest.mark.parametrize("resistance", [1e-4, 1e-2, 1.0])
def test_a_capacitor_charges_through_its_resistor(resistance: float) -> None:
    stack, capacitance = insulators(resistance)
    tau = resistance * capacitance
    engine = Engine(build(stack))
    times = tuple(tau * np.linspace(0.1, 6.0, 60))
    trace = engine.run([Step(times[-1], Voltage(0.8), times=times)], engine.settled(0.0, 0.0))
    fall = np.exp(-trace.time / tau)
    assert trace.current == pytest.approx(-0.8 / resistance * fall, abs=1e-3 * 0.8 / resistance)
    junction = [float(moment.state.v[0]) * engine.problem.vt for moment in trace.moments]
    assert junction == pytest.approx(0.8 * (1.0 - fall), abs=8e-4)
    assert trace.voltage == pytest.approx(np.full(60, 0.8), abs=1e-12)


def test_a_capacitor_leaks_through_its_shunt() -> None:
    """Open circuit and a current that is drawn: V = V0 exp(-t/RC) - J R (1 - exp(-t/RC))."""
    shunt = 0.5
    stack, capacitance = insulators(0.3, shunt_resistance=shunt)
    tau = shunt * capacitance
    times = tuple(tau * np.linspace(0.05, 4.0, 40))
    for control, drawn in ((OpenCircuit(), 0.0), (Current(0.2), 0.2)):
        engine = Engine(build(stack))
        trace = engine.run([Step(times[-1], control, times=times)], engine.settled(0.7, 0.0))
        fall = np.exp(-np.array(times) / tau)
        # at 0.7 V on the terminals a little falls over the series resistance
        first = 0.7 * shunt / (shunt + 0.3)
        junction = first * fall - drawn * shunt * (1.0 - fall)
        assert trace.voltage == pytest.approx(junction - drawn * 0.3, abs=4e-4)
        assert trace.current == pytest.approx(np.full(40, drawn), abs=1e-10)


def test_the_charge_that_flows_is_the_charge_that_stays() -> None:
    """With a ramp the current is C dV/dt, and a hold keeps what it brought."""
    stack, capacitance = insulators(0.0)
    engine = Engine(build(stack))
    ramp = [Step(1e-3, Voltage(0.0, 0.5), points=50), Step(1e-3, Voltage(0.5), points=5)]
    trace = engine.run(ramp, engine.settled(0.0, 0.0))
    assert trace.current[:50] == pytest.approx(np.full(50, -capacitance * 500.0), rel=1e-6)
    assert trace.current[50:] == pytest.approx(np.zeros(5), abs=1e-6 * capacitance * 500.0)


# --- decay of carriers -----------------------------------------------------------------------------------------------

NI2 = 1e48 * np.exp(-1.6 / VT)
LOSSES: dict[str, dict[str, Any]] = {
    "radiative": {"radiative": 3e-16},
    "auger": {"auger": (2e-39, 1e-39)},
    "trap": {"trap": [{"electron_lifetime": 2e-7, "hole_lifetime": 5e-7}]},
    "shallow trap": {
        "trap": [
            {"level": {"below": "conduction", "depth": 0.2}, "electron_lifetime": 1e-8, "hole_lifetime": 4e-8}
        ]
    },
    "all": {
        "radiative": 1e-16,
        "auger": (1e-40, 1e-40),
        "trap": [{"electron_lifetime": 5e-7, "hole_lifetime": 1e-7}],
    },
}


def loss(channels: dict[str, Any], n: float, p: float) -> float:
    """Recombination of dilute carriers, m^-3 s^-1."""
    excess = n * p - NI2
    auger = channels.get("auger", (0.0, 0.0))
    total = (channels.get("radiative", 0.0) + auger[0] * n + auger[1] * p) * excess
    for trap in channels.get("trap", []):
        depth = trap["level"]["depth"] if "level" in trap else 0.8
        n1, p1 = 1e24 * np.exp(-depth / VT), 1e24 * np.exp((depth - 1.6) / VT)
        total += excess / (trap["hole_lifetime"] * (n + n1) + trap["electron_lifetime"] * (p + p1))
    return float(total)


@pytest.mark.parametrize("doping", [0.0, 2e22, -2e22], ids=["intrinsic", "n", "p"])
@pytest.mark.parametrize("channels", LOSSES.values(), ids=LOSSES.keys())
def test_carriers_of_a_closed_slab(channels: dict[str, Any], doping: float) -> None:
    """Light on, light off, between contacts that take nothing: dp/dt = G - R(n0 + p, p), uniform in depth."""
    rate, on, off = 5e28, 2e-7, 1e-6
    body = layer("body", 200e-9, doping=doping, **channels)
    engine = Engine(build(cell(body, front=CLOSED, back=CLOSED, rate=rate)), tolerance=2e-5)
    start = engine.moment(State(0.0, engine.solver.dark))
    schedule = [Step(on, Voltage(0.0), light=1.0, points=10), Step(off, Voltage(0.0), points=40)]
    trace = engine.run(schedule, start)
    # the fewer are p in n-type and intrinsic slabs and n in p-type ones
    many = abs(doping)
    few0 = NI2 / many if many else np.sqrt(NI2)

    def change(light: float, few: float) -> float:
        pair = (few, many + few) if doping < 0.0 else (many + few, few)
        return light * rate - loss(channels, *pair)

    def solve(light: float, span: float, first: float, at: F64) -> F64:
        found = solve_ivp(
            lambda t, y: [change(light, y[0])], (0.0, span), [first], t_eval=at, method="Radau", rtol=1e-9,
            atol=1.0,
        )  # fmt: skip
        return np.asarray(found.y[0])

    rise = solve(1.0, on, few0, on * np.arange(1, 11) / 10)
    fall = solve(0.0, off, float(rise[-1]), off * np.arange(1, 41) / 40)
    column = 1 if doping < 0.0 else 2
    expected = np.concatenate([rise, fall])
    compared = 0
    for moment, wanted in zip(trace.moments, expected, strict=True):
        found = densities(engine, moment)[column - 1]
        if wanted > 0.05 * expected.max():
            compared += 1
            assert np.ptp(found) < 1e-6 * found.max()
            assert found[0] == pytest.approx(wanted, rel=1e-2)
    assert compared > 8
    assert np.abs(trace.current).max() < 1e-6 * Q * rate * 200e-9


def test_two_closed_forms_by_hand() -> None:
    """n0 / (1 + k n0 t) for radiative, exp(-t / (tau_n + tau_p)) for deep traps that see many carriers."""
    for channels, law in (
        ({"radiative": 1e-15}, lambda n0, t: n0 / (1.0 + 1e-15 * n0 * t)),
        (
            {"trap": [{"electron_lifetime": 3e-7, "hole_lifetime": 5e-7}]},
            lambda n0, t: n0 * np.exp(-t / 8e-7),
        ),
    ):
        body = layer("body", 200e-9, **channels)
        engine = Engine(build(cell(body, front=CLOSED, back=CLOSED, rate=1e28)), tolerance=2e-6)
        on = [Step(1e-6, Voltage(0.0), light=1.0), Step(3e-6, Voltage(0.0), points=30)]
        trace = engine.run(on, engine.moment(State(0.0, engine.solver.dark)))
        n = np.array([densities(engine, moment)[0][0] for moment in trace.moments])
        assert n[1:] == pytest.approx(law(n[0], trace.time[1:] - 1e-6), rel=3e-3)


def densities(engine: Engine, moment: Moment) -> tuple[F64, F64]:
    """Electrons and holes (S,) of dilute statistics, from the moment's potential and levels."""
    device, state = engine.device, moment.state
    node, rows = device.site_node, device.layer[device.site_layer]
    psi, fn, fp = state.psi[node], (state.fn + state.fn_rest)[node], (state.fp + state.fp_rest)[node]
    n = np.exp(rows[:, dv.LN_NC] + psi + fn - rows[:, dv.EC])
    p = np.exp(rows[:, dv.LN_NV] + rows[:, dv.EV] - psi - fp + float(moment.state.v[0]))
    return n, p


def test_a_face_takes_carriers_at_its_velocity() -> None:
    """Fast carriers between a face that recombines and a wall: exp(-t S / (2 d)), each side as fast as the other."""
    velocity, thickness = 0.4, 200e-9
    left = layer("left", 10e-9, role="htl", gap=1.6, mobility=1.0)
    right = layer("right", thickness, gap=1.6, mobility=1.0)
    faces = {"left|right": {"trap": [{"electron_velocity": velocity, "hole_velocity": velocity}]}}
    engine = Engine(
        build(cell(left, right, front=CLOSED, back=CLOSED, rate=1e27, faces=faces)), tolerance=4e-6
    )
    on = [Step(1e-6, Voltage(0.0), light=1.0), Step(4e-6, Voltage(0.0), points=30)]
    trace = engine.run(on, engine.moment(State(0.0, engine.solver.dark)))
    n = np.array([densities(engine, moment)[0][-1] for moment in trace.moments])
    # R = S (nL + nR)(pL + pR) / (n + p) = 2 S n / 2 on both sides together
    expected = n[0] * np.exp(-(trace.time - 1e-6) * velocity / (thickness + 10e-9))
    seen = n > 0.02 * n[0]
    assert n[seen] == pytest.approx(expected[seen], rel=5e-3)


# --- one current at every depth --------------------------------------------------------------------------------------


def total_current(engine: Engine, before: Moment, at: Moment, after: Moment, h: float) -> F64:
    """Electron, hole, ion and displacement current over every edge (A m^-2, positive = power out).

    Scharfetter and Gummel's fluxes written here again; the field's derivative from the moments h before and after.
    """
    d = engine.device
    vt = d.vt
    rows = d.layer[d.site_layer]
    edge = np.flatnonzero(d.site_layer[1:] == d.site_layer[:-1])
    node, step = d.site_node[edge], d.spacing[edge]
    n, p = densities(engine, at)
    psi, level = at.state.psi, at.state.level
    u = np.diff(psi)[node]

    def b(x: F64) -> F64:
        small = np.abs(x) < 1e-5
        return np.where(small, 1.0 - 0.5 * x + x * x / 12.0, x / np.expm1(np.where(small, 1.0, x)))

    jn = rows[edge, dv.MU_N] * vt / step * (n[edge + 1] * b(u) - n[edge] * b(-u))
    jp = rows[edge, dv.MU_P] * vt / step * (p[edge] * b(u) - p[edge + 1] * b(-u))
    total = jn + jp
    for k, (z, diffusion, sites, m, _) in enumerate(d.motion):
        here = d.site_layer[edge] == int(m)
        i = node[here]
        raw = [np.exp(level[k, j] - z * psi[j]) for j in (i, i + 1)]
        c1, c2 = raw if sites == 0.0 else [c * sites / (c + sites) for c in raw]
        y = z * u[here] - (0.0 if sites == 0.0 else np.log((1 - c2 / sites) / (1 - c1 / sites)))
        total[here] += z * diffusion / step[here] * (c1 * b(y) - c2 * b(-y))
    change = (np.diff(after.state.psi) - np.diff(before.state.psi))[node] / (2 * h)
    total -= rows[edge, dv.EPS] / step * change
    return Q * total * (-1.0 if d.anode_front else 1.0)


@pytest.mark.parametrize(
    "control", [Voltage(0.9, 0.3), OpenCircuit(), Load(0.01), Current(50.0, 80.0)], ids=lambda c: type(c).__name__
)  # fmt: skip
@pytest.mark.parametrize("span", [4e-8, 4e-5, 4e-2], ids=["carriers", "between", "ions"])
def test_the_current_is_the_same_at_every_depth(control: Any, span: float) -> None:
    """While bias and light change, whether carriers or ions are what moves."""
    stack = everything("boltzmann")
    engine = Engine(build(stack), tolerance=1e-5)
    start = opened(engine, 0.3)
    h = span / 400
    times = (0.5 * span - h, 0.5 * span, 0.5 * span + h, span)
    trace = engine.run([Step(span, control, light=(0.3, 1.0), times=times)], start)
    found = total_current(engine, *trace.moments[:3], h)
    scale = Q * float(engine.problem.generation.sum())
    leak = stack.circuit.shunt_resistance
    assert leak is None
    assert np.ptp(found) < 2e-4 * scale
    assert found.mean() == pytest.approx(trace.current[1], abs=2e-4 * scale)


def test_electrodes_hold_what_has_flowed() -> None:
    """Ions in an insulator: the charge that came through the wires stands on the electrode, eps E at the contact."""
    body = layer("body", 200e-9, affinity=3.0, gap=3.4, ions={"density": 1e23, "response": "steady"})
    engine = Engine(build(cell(body, front=4.7, back=4.7)), tolerance=2e-5)
    start = engine.settled(0.0, 0.0)
    trace = engine.run([Step(0.05, Voltage(0.0, 0.3), points=400)], start)
    device = engine.device

    def electrode(moment: Moment) -> float:
        # eps E between the first two nodes, less what the ions in front of it hold
        psi = moment.state.psi
        field = -(psi[1] - psi[0]) / (device.x[1] - device.x[0])
        ions = np.exp(moment.state.level[0, 0] - psi[0]) - 1e23
        return float(Q * (device.layer[0, dv.EPS] * field - ions * device.volume[0]))

    charge = np.array([electrode(moment) for moment in (start, *trace.moments)])
    current = np.concatenate([[np.nan], trace.current])
    time = np.concatenate([[0.0], trace.time])
    # Simpson's rule over pairs of intervals
    flowed = (time[3] - time[2]) / 3 * (current[2:-2:2] + 4 * current[3:-1:2] + current[4::2])
    sign = -1.0 if device.anode_front else 1.0
    assert np.cumsum(flowed) == pytest.approx(sign * (charge[4::2] - charge[2]), abs=2e-5 * abs(charge[-1]))


# --- controls --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def control() -> Engine:
    return Engine(build(pt.load("wbg-control")))


PULSE = [
    Step(1e-6, OpenCircuit(), light=1.2, points=5),
    Step(1e-4, OpenCircuit(), light=1.0, points=5),
    Step(10.0, OpenCircuit(), light=(1.0, 0.2), points=5),
]


def junction_current(engine: Engine, trace: Trace) -> F64:
    """What the shunt takes, A m^-2, at the junction's voltage."""
    leak = float(engine.problem.stack.circuit.shunt_resistance or np.inf)
    return np.array([float(moment.state.v[0]) for moment in trace.moments]) * engine.problem.vt / leak


def test_no_current_leaves_at_open_circuit(control: Engine) -> None:
    trace = control.run(PULSE, opened(control, 1.0))
    photo = Q * float(control.problem.generation.sum())
    assert np.abs(trace.current).max() < 1e-12 * photo
    assert trace.voltage[4] > trace.voltage[9] > trace.voltage[14]
    # the same found by search: at that voltage, held for no time at all, hardly a current flows
    assert junction_current(control, trace).min() > 0.0


def test_a_load_obeys_ohm(control: Engine) -> None:
    for resistance in (0.0, 1e-4, 1e-2, 1e3):
        schedule = [
            Step(1e-6, Load(resistance), light=1.0, points=4),
            Step(1.0, Load(resistance), light=0.5, points=4),
        ]
        trace = control.run(schedule, control.settled(1.0, 1.0))
        assert trace.voltage == pytest.approx(trace.current * resistance, abs=1e-9)
    # no load at all is a short circuit
    short = control.run([Step(1e-3, Load(0.0), light=1.0, points=9)], control.settled(0.5, 1.0))
    zero = control.run([Step(1e-3, Voltage(0.0), light=1.0, points=9)], control.settled(0.5, 1.0))
    assert short.current == pytest.approx(zero.current, rel=1e-4)


def test_a_current_is_drawn(control: Engine) -> None:
    trace = control.run([Step(1e-3, Current(0.0, 120.0), light=1.0, points=6)], opened(control, 1.0))
    assert trace.current == pytest.approx(20.0 * np.arange(1, 7), abs=1e-9)
    assert np.all(np.diff(trace.voltage) < 0.0)
    # drawn for long it is the steady curve's point
    held = control.run([Step(1e6, Current(100.0), light=1.0)], trace.moments[-1])
    steady = control.solver.sweep([held.voltage[-1]], 1.0)
    assert steady.current[0] == pytest.approx(100.0, abs=1e-3)


def test_a_mirrored_cell_does_the_same(control: Engine) -> None:
    # prescribed generation: optics knows its front from its back
    stack = everything("fermi-dirac")
    schedule = [
        Step(1e-6, Voltage(0.9), light=1.0, points=10),
        Step(1e-2, Voltage(0.9, 0.1), light=(1.0, 0.3), points=10),
        Step(1.0, OpenCircuit(), light=0.3, points=5),
    ]
    engine, other = Engine(build(stack)), Engine(build(stack.mirrored()))
    ours = engine.run(schedule, engine.settled(0.0, 0.0))
    theirs = other.run(schedule, other.settled(0.0, 0.0))
    assert ours.voltage == pytest.approx(theirs.voltage, abs=2e-5)
    assert ours.current == pytest.approx(
        theirs.current, abs=1e-4 * Q * float(engine.problem.generation.sum())
    )


def test_waiting_long_enough_is_the_steady_state(control: Engine) -> None:
    trace = control.run([Step(1e7, Voltage(0.8), light=1.0)], control.settled(0.0, 0.0))
    steady = control.solver.sweep([0.8], 1.0)
    assert trace.current[-1] == pytest.approx(steady.current[0], rel=1e-6)
    last, device = trace.moments[-1].state, control.device
    # of the film; what lies in its pinholes comes after it
    assert last.psi[device.nodes(0)] == pytest.approx(steady.shown.psi[0], abs=1e-5)
    level = last.level[0][device.site_node[device.site_layer == int(device.motion[0, dv.M_LAYER])]]
    assert level == pytest.approx(np.full_like(level, steady.shown.mu[0, 0]), abs=1e-5)
