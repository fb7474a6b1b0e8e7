"""Ions in motion: how fast a double layer forms, what it settles to, and that none is ever lost."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.optimize import brentq

import perotwin as pt
from devices import VT, Q, cell, everything, layer
from perotwin.stack import Stack
from perotwin.transport import device as dv
from perotwin.transport.build import build
from perotwin.transport.mesh import graded
from perotwin.transport.schedule import Load, OpenCircuit, Step, Voltage
from perotwin.transport.transient import Engine, Trace

THICKNESS, EPS, DENSITY, DIFFUSION = 400e-9, 20.0, 1e24, 1e-14


def electrolyte(pairs: bool, **ions: Any) -> Stack:
    """Ions between blocking walls, in front of their fixed counter-charge or in pairs of both signs."""
    one: dict[str, Any] = {
        "density": DENSITY,
        "diffusion_coefficient": DIFFUSION,
        "response": "steady",
        **ions,
    }
    if pairs:
        one["second"] = {"density": DENSITY, "charge": -1, "diffusion_coefficient": DIFFUSION}
    body = layer("body", THICKNESS, affinity=3.0, gap=3.4, eps=EPS, nc=1e20, nv=1e20, ions=one)
    return cell(body, front=4.7, back=4.7)


def screening_length(pairs: bool) -> float:
    return float(np.sqrt(EPS * epsilon_0 * VT / (Q * DENSITY * (2 if pairs else 1))))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("pairs", [False, True], ids=["vacancies", "pairs"])
def test_relaxation_of_a_double_layer(pairs: bool, sign: int) -> None:
    """A small step of voltage: the current falls as exp(-t/tau).

    tau = lambda_D d / (2 D) where the layers are thin (Bazant, Thornton and Ajdari, Phys. Rev. E 70, 021506 (2004),
    doi:10.1103/PhysRevE.70.021506), and from the pole of their linear problem, tanh(k L) = -k L s / (D kappa^2) with
    k^2 = kappa^2 + s / D and L = d / 2, without approximation.
    """
    debye, half = screening_length(pairs), THICKNESS / 2
    thin = debye * THICKNESS / (2 * DIFFUSION)
    kappa = 1.0 / debye

    def pole(tau: float) -> float:
        k = np.sqrt(kappa**2 - 1.0 / (tau * DIFFUSION))
        return float(np.tanh(k * half) - k * half * debye**2 / (tau * DIFFUSION))

    tau = brentq(pole, 0.3 * thin, 3.0 * thin, xtol=1e-9 * thin)
    assert tau == pytest.approx(thin, rel=2 * debye / half)
    stack = electrolyte(pairs, charge=sign) if not pairs else electrolyte(pairs)
    engine = Engine(build(stack, mesh=graded([THICKNESS]).refined(2)), tolerance=1e-6)
    times = tuple(tau * np.linspace(1.0, 5.0, 41))
    trace = engine.run([Step(times[-1], Voltage(0.002), times=times)], engine.settled(0.0, 0.0))
    slope = np.polyfit(trace.time, np.log(np.abs(trace.current)), 1)[0]
    assert -1.0 / slope == pytest.approx(tau, rel=3e-3)


def test_a_settled_double_layer_is_gouy_and_chapman_s() -> None:
    """tanh(u/4) = tanh(u0/4) exp(-x/lambda_D), u in kT/q from the neutral middle; pairs of ions.

    The layers take ions out of the middle, whose density is then what screens.
    """
    drop = 0.2
    stack = electrolyte(True)
    engine = Engine(build(stack, mesh=graded([THICKNESS]).refined(4)))
    debye = screening_length(True)
    trace = engine.run([Step(3e4 * debye * THICKNESS / DIFFUSION, Voltage(drop))], engine.settled(0.0, 0.0))
    moment, x = trace.moments[-1], engine.device.x
    psi = moment.state.psi
    u = psi - psi[np.argmin(np.abs(x - THICKNESS / 2))]
    assert abs(u[0]) == pytest.approx(drop / 2 / VT, rel=1e-4)
    engine._refresh(moment)
    middle = float(engine.work.ion[0, np.argmin(np.abs(x - THICKNESS / 2))])
    # what each layer holds beyond the middle's density: 4 c lambda (cosh(u0/2) - 1) for both layers together
    stored = 4 * middle * debye * np.sqrt(DENSITY / middle) * (np.cosh(u[0] / 2) - 1)
    assert middle * THICKNESS + stored == pytest.approx(DENSITY * THICKNESS, rel=1e-3)
    debye *= np.sqrt(DENSITY / middle)
    near = x < 8 * debye
    expected = 4 * np.arctanh(np.tanh(u[0] / 4) * np.exp(-x[near] / debye))
    assert u[near] == pytest.approx(expected, abs=5e-3)
    ions = engine.work.ion[:, : near.sum()] / middle
    for row, charge in zip(ions, (1.0, -1.0), strict=True):
        assert row == pytest.approx(np.exp(-charge * expected), rel=1e-2)


def conserved(engine: Engine, trace: Trace, start: np.ndarray) -> float:
    """Largest relative change of the number of any species."""
    assert trace.ions.shape == (trace.time.size, engine.device.motion.shape[0])
    return float(np.abs(trace.ions / start - 1.0).max())


def numbers(stack: Stack) -> np.ndarray:
    """Ions per area (m^-2) that the stack states."""
    found = []
    for one in stack.electrical_layers:
        if one.ions is not None:
            species = [one.ions, *([one.ions.second] if one.ions.second is not None else [])]
            found += [float(ion.density) * float(one.thickness) for ion in species]
    return np.array(found)


@pytest.mark.parametrize("make", [lambda: pt.load("wbg-control"), lambda: everything("fermi-dirac")])
def test_no_ion_is_lost_from_nanoseconds_to_hours(make: Any) -> None:
    stack = make()
    engine = Engine(build(stack))
    schedule = [
        Step(1e-8, Voltage(0.0), light=1.2, points=4),
        Step(1e-4, OpenCircuit(), light=1.0, points=4),
        Step(1e-1, Voltage(1.2, -0.4), light=1.0, points=20),
        Step(30.0, Voltage(-0.4, 1.2), points=20),
        Step(3600.0, Load(5e-3), light=(1.0, 0.1), points=10),
        Step(36000.0, OpenCircuit(), light=0.1, points=10),
    ]
    trace = engine.run(schedule, engine.settled(0.0, 0.0))
    assert trace.complete
    assert trace.ions[0] == pytest.approx(numbers(stack), rel=1e-9)
    assert conserved(engine, trace, trace.ions[0]) < 1e-10
    # and they did move: somewhere their density changed by more than a tenth
    first, last = (trace.moments[number].state.level[0] for number in (0, 27))
    device = engine.device
    home = device.site_node[device.site_layer == int(device.motion[0, dv.M_LAYER])]
    assert np.abs((first - last)[home]).max() > 0.1


def test_slow_ions_keep_still_and_fast_ones_follow() -> None:
    """A sweep far above every ionic rate sees the ions of its start, one far below it those that are settled."""
    stack = electrolyte(False)
    engine = Engine(build(stack), tolerance=1e-4)
    tau = screening_length(False) * THICKNESS / (2 * DIFFUSION)
    start = engine.settled(0.0, 0.0)
    fast = engine.run([Step(1e-5 * tau, Voltage(0.0, 0.2))], start).moments[-1]
    slow = engine.run([Step(1e5 * tau, Voltage(0.0, 0.2))], start).moments[-1]
    settled = engine.settled(0.2, 0.0)
    linear = start.state.psi + 0.2 / VT * (1 - engine.device.x / THICKNESS) * (
        1.0 if engine.device.anode_front else 0.0
    )
    if not engine.device.anode_front:
        linear = start.state.psi + 0.2 / VT * engine.device.x / THICKNESS
    assert fast.state.psi == pytest.approx(linear, abs=2e-3)
    assert slow.state.psi == pytest.approx(settled.state.psi, abs=2e-3)
