"""The Jacobian that Newton's method uses is the derivative of the residual, entry by entry, and Newton is quadratic."""

from typing import Any

import numpy as np
import pytest

from devices import everything
from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem, build
from perotwin.transport.device import make_work
from perotwin.transport.mesh import graded
from perotwin.transport.steady import Solver, State

#: what the cell that has everything is made with
CASES = {
    "continuous": {},
    "thermionic": {"transport": ("continuous", "thermionic")},
    "dilute ions": {"crowded": False},
}


def problem(statistics: str, speed: float = 1.0, **options: Any) -> Problem:
    """The cell that has everything, on a coarse mesh, all mobilities times `speed`."""
    cell = everything(statistics, **options)
    keys = [f"{name}.electronic.{carrier}_mobility" for name in ("htl", "absorber", "etl")
            for carrier in ("electron", "hole")]  # fmt: skip
    cell = cell.with_values({key: speed * float(cell.get(key)) for key in keys})
    return build(cell, mesh=graded([float(layer.thickness) for layer in cell.electrical_layers], density=1.5))


def disturbed(made: Problem, voltage: float, seed: int, size: float) -> State:
    """A state near a solved one, in which nothing is in balance any more."""
    solver = Solver(made)
    found = solver.sweep([voltage], 1.0)
    assert found.converged.all()
    state = found.state(0)
    rng = np.random.default_rng(seed)
    for field in (state.psi, state.fn[0], state.fp[0]):
        field += rng.uniform(-size, size, field.shape)
    return state


def residual(made: Problem, state: State, unknowns: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """(N, 3) with all unknowns (N, 3) replaced; v and the ions' activity held."""
    work = make_work(made.device)
    fn, fp = state.fn.copy(), state.fp.copy()
    fn[0], fp[0] = unknowns[:, 1], unknowns[:, 2]
    psi = np.ascontiguousarray(unknowns[:, 0])
    charge = np.zeros(made.device.volume.size)
    k.assemble(made.device, work, psi, fn, fp, float(state.v[0]), made.generation, charge, mu)
    return work.rhs[:, :, 0].copy()


def blocks(made: Problem, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 3, 3) blocks by the previous, the own and the next node's unknowns."""
    work = make_work(made.device)
    charge = np.zeros(made.device.volume.size)
    k.assemble(
        made.device, work, state.psi, state.fn, state.fp, float(state.v[0]), made.generation, charge, state.mu
    )
    nodes = made.device.x.size
    own = work.diag.reshape(nodes, 3, 3).copy()
    # the carriers' own-level entries are sums of what a node can lose (see kernels.eliminate)
    back = np.vstack([np.zeros((1, 2)), work.take[:-1]])
    ahead = np.vstack([work.give[:-1], np.zeros((1, 2))])
    loss = work.leak + back + ahead
    own[:, 1, 1], own[:, 2, 2] = -loss[:, 0], loss[:, 1]
    previous, following = np.zeros((nodes, 3, 3)), np.zeros((nodes, 3, 3))
    for block, row in ((previous, work.lower), (following, work.upper)):
        block[:, 0, 0], block[:, 1, 0], block[:, 1, 1] = row[:, 0], row[:, 1], row[:, 2]
        block[:, 2, 0], block[:, 2, 2] = row[:, 3], row[:, 4]
    return previous, own, following


# Slow carriers make recombination and the contacts stand out beside transport, fast ones transport.
@pytest.mark.parametrize("speed", [1.0, 1e-12], ids=["fast", "slow"])
@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_jacobian_is_the_slope_of_the_residual(
    statistics: str, speed: float, options: dict[str, Any]
) -> None:
    solved = problem(statistics, **options)
    state = disturbed(solved, 0.9, seed=3, size=0.3)
    made = problem(statistics, speed, **options)
    exact = np.concatenate([block[:, :, :, None] for block in blocks(made, state)], axis=3)

    base = np.column_stack([state.psi, state.fn[0], state.fp[0]])
    nodes = base.shape[0]
    slope, coarse = np.zeros((nodes, 3, 3, 3)), np.zeros((nodes, 3, 3, 3))
    # nodes three apart share no equation, so that a third of them moves at once
    for out, step in ((slope, 1e-4), (coarse, 2e-4)):
        for colour in range(3):
            for column in range(3):
                shift = np.zeros_like(base)
                shift[colour::3, column] = step
                rise = residual(made, state, base + shift, state.mu)
                rise -= residual(made, state, base - shift, state.mu)
                rise /= 2 * step
                for node in range(colour, nodes, 3):
                    for row, block in ((node - 1, 2), (node, 1), (node + 1, 0)):
                        if 0 <= row < nodes:
                            out[row, :, column, block] = rise[row]
    slope = (4 * slope - coarse) / 3
    # the residual is minus what Newton's method sets to zero; the potential at a contact is given
    free = np.ones(nodes, bool)
    free[[0, -1]] = False
    scale = np.abs(exact).max(axis=(2, 3), keepdims=True)
    wrong = np.abs(exact + slope) / scale
    assert wrong[free].max() < 1e-8
    ends = wrong[~free][:, 1:]
    assert ends.max() < 1e-8
    assert np.all(scale[1:-1] > 0.0)


def steps(made: Problem, state: State, control: int, a: float, b: float, goal: float) -> np.ndarray:
    """Sizes of successive Newton steps."""
    work = make_work(made.device, columns=2 + made.device.ion.shape[0])
    charge = np.zeros(made.device.volume.size)
    sizes = []
    for _ in range(10):
        _, _, size = k.newton(
            made.device, work, state.psi, state.fn, state.fp, state.v, made.generation, charge, state.mu,
            control, a, b, goal, 1, 0.0, 10.0,
        )  # fmt: skip
        sizes.append(size)
    return np.array(sizes)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("control", ["voltage", "series resistance", "open circuit"])
def test_newton_is_quadratic(statistics: str, options: dict[str, Any], control: str) -> None:
    """With ions and with the junction's voltage unknown, too: a wrong border would leave convergence linear."""
    made = problem(statistics, **options)
    assert made.device.ion.shape[0] == 2
    state = disturbed(made, 1.15, seed=5, size=1e-3)
    if control == "voltage":
        sizes = steps(made, state, k.CONTROL_VOLTAGE, 0.0, 0.0, 0.0)
    elif control == "series resistance":
        sizes = steps(made, state, k.CONTROL_CIRCUIT, made.vt, -1e-3, 1.0)
    else:
        sizes = steps(made, state, k.CONTROL_CIRCUIT, 0.0, 1.0, 0.0)
    # each step is of the order of the square of the one before, down to rounding
    small = sizes[:-1] < 0.05
    assert small.sum() >= 2, sizes
    assert np.all(sizes[1:][small] < 3 * sizes[:-1][small] ** 2 + 1e-9), sizes


def test_a_state_that_is_no_number_is_never_accepted() -> None:
    made = problem("boltzmann")
    state = disturbed(made, 0.5, seed=1, size=0.0)
    work = make_work(made.device, columns=4)
    light = made.generation.copy()
    light[light.size // 2] = np.nan
    status, _, _ = k.newton(
        made.device, work, state.psi, state.fn, state.fp, state.v, light, np.zeros(light.size), state.mu,
        k.CONTROL_VOLTAGE, 0.0, 0.0, 0.0, 40, 1e-9, 10.0,
    )  # fmt: skip
    assert status == k.NOT_FINITE


def test_columns_of_the_device_are_what_the_test_thinks() -> None:
    made = problem("fermi-dirac")
    assert set(made.device.trap[:, dv.T_KIND]) == {-1.0, 0.0, 1.0}
    assert set(made.device.face_trap[:, dv.F_KIND]) == {-1.0, 1.0}
    assert np.all(made.device.ion[:, dv.I_SITES] > 0.0)
    assert np.all(made.device.contact[:, dv.C_SN :] > 0.0)
    assert made.device.layer[1, dv.AUGER_N] > 0.0
