"""Mobile ions: their distribution, their number, and what it means to freeze them."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.integrate import solve_bvp

import perotwin as pt
from devices import VT, Q, cell, inside, layer, states
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.mesh import graded

THICKNESS, EPS, DENSITY = 200e-9, 20.0, 1e24


def with_ions(response: str = "steady", **ions: str) -> Stack:
    """Cell A with ions in its perovskite."""
    values = {"density": "1e23 m^-3", "diffusion_coefficient": "1e-14 m^2/s", "response": response, **ions}
    lines = [f"{key} = {text}" if text[0] == "{" else f'{key} = "{text}"' for key, text in values.items()]
    head, tail = pt.load("cell-a").to_toml().split('name = "etl"')
    head = head[: head.rindex("[[layer]]")]
    return Stack.from_toml("\n".join([head, "[layer.ions]", *lines, "[[layer]]", f'name = "etl"{tail}']))


def frozen(bias: float, light: float) -> str:
    return f'{{ kind = "frozen", bias = "{bias} V", light = "{light} sun" }}'


def reference(charge: float, sites: float | None, drop: float) -> tuple[Any, float]:
    """Ions between blocking walls with a potential drop (kT/q): potential and ln activity, by collocation.

    The number is a third unknown's boundary condition. Boltzmann, or with sites the Fermi-like law of
    doi:10.1103/PhysRevE.75.021502.
    """
    strength = Q * THICKNESS**2 * DENSITY / (EPS * epsilon_0 * VT)
    limit = np.inf if sites is None else sites / DENSITY

    def crowd(psi: np.ndarray, mu: float) -> np.ndarray:
        c = np.exp(mu - charge * psi)
        return c if sites is None else limit * c / (limit + c)

    def slopes(x: np.ndarray, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        c = crowd(y[0], p[0])
        return np.vstack([y[1], -strength * charge * (c - 1.0), c])

    def ends(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.array([a[0], a[2], b[0] - drop, b[2] - 1.0])

    x = 0.5 * (1 + np.tanh(4 * np.linspace(-1, 1, 300)) / np.tanh(4))
    layer_width = np.sqrt(EPS * epsilon_0 * VT / (Q * DENSITY)) / THICKNESS
    y = np.vstack([drop / 2 * (1 - np.exp(-x / layer_width) + np.exp((x - 1) / layer_width)), 0 * x, x])
    y[1] = np.gradient(y[0], x)
    found = solve_bvp(slopes, ends, x, y, p=[charge * drop / 2], tol=1e-8, max_nodes=100_000)
    assert found.success, found.message
    return found.sol, float(found.p[0])


@pytest.mark.parametrize("charge", [1, -1, 2])
@pytest.mark.parametrize("sites", [None, 2e24, 1e29], ids=["boltzmann", "crowded", "many sites"])
def test_double_layers(charge: int, sites: float | None) -> None:
    """An insulating slab between walls 0.25 V apart: where the ions stand, against a boundary-value solver."""
    ions: dict[str, Any] = {"density": DENSITY, "charge": charge, "response": "steady"}
    if sites is not None:
        ions["site_density"] = sites
    body = layer("body", THICKNESS, affinity=3.0, gap=3.4, eps=EPS, nc=1e20, nv=1e20, ions=ions)
    drop = 0.25
    stack = cell(body, front=4.7 + drop / 2, back=4.7 - drop / 2)
    mesh = graded([THICKNESS]).refined(2)
    _, seen = inside(stack, [0.0], 0.0, mesh=mesh)
    assert max(seen.electron_density.max(), seen.hole_density.max()) < 1e-3 * DENSITY
    solution, mu = reference(charge, sites if sites != 1e29 else None, drop / VT)
    psi = solution(seen.x / THICKNESS)[0]
    ours = -(seen.conduction_band[0] - seen.conduction_band[0, 0]) / VT
    assert ours == pytest.approx(psi, abs=5e-3)
    c = np.exp(mu - charge * psi)
    if sites == 2e24:
        c = 2.0 * c / (2.0 + c)
        assert seen.ion_density.max() < sites
        assert seen.ion_density.max() > 0.9 * sites
    assert seen.ion_density[0] / DENSITY == pytest.approx(c, rel=1e-2, abs=1e-6)
    edges = mesh.control_faces
    assert np.sum(seen.ion_density[0] * np.diff(edges)) == pytest.approx(DENSITY * THICKNESS, rel=1e-10)


@pytest.mark.parametrize("sites", [None, "2e23 m^-3"])
def test_ions_of_a_working_cell(sites: str | None) -> None:
    """At any bias and light the ions are at equilibrium with the potential that is there, and all are still there."""
    stack = with_ions(**({} if sites is None else {"site_density": sites}))
    _, seen = inside(stack, [-0.4, 0.0, 0.8, 1.2, 1.4])
    here = seen.layer == 1
    psi = -seen.conduction_band[:, here] / VT
    c = seen.ion_density[:, here]
    assert np.all(seen.ion_density[:, ~here] == 0.0)
    fill = c if sites is None else c / (1.0 - c / 2e23)
    level = np.log(fill) + psi
    assert np.all(np.ptp(level, axis=1) < 1e-8)
    if sites is not None:
        assert c.max() < 2e23
    mesh = build(stack, light=False).shown.mesh
    width = np.diff(mesh.control_faces)[here]
    assert c @ width == pytest.approx(np.full(5, 1e23 * 500e-9), rel=1e-10)
    # and they matter: they gather where the potential is low
    assert np.all(c.max(axis=1) > 1.5 * c.min(axis=1))


def test_two_species_of_opposite_charge() -> None:
    second = '{ density = "5e22 m^-3", charge = -1, site_density = "1e26 m^-3", diffusion_coefficient = "1e-14 m^2/s" }'
    stack = with_ions()
    text = stack.to_toml().replace('response = "steady"', f'response = "steady"\nsecond = {second}')
    both = Stack.from_toml(text)
    found, seen = inside(both, [0.0, 1.0])
    device = found.problem.shown.device
    assert [row[0] for row in device.ion] == [1.0, -1.0]
    assert all(row.passed for row in steady_checks(found, seen).values())
    # the total is what the stack says, and the charges cancel
    width = np.diff(found.problem.shown.mesh.control_faces)
    assert seen.ion_density @ width == pytest.approx(np.full(2, 1.5e23 * 500e-9), rel=1e-10)
    assert (seen.charge - seen.hole_density + seen.electron_density) @ width == pytest.approx(
        np.zeros(2), abs=1e-9 * 1.5e23 * 500e-9
    )


VOLTAGES = (-0.3, 0.4, 1.0, 1.25)


def test_frozen_ions_are_the_steady_ones_of_their_bias() -> None:
    """At the bias and light where they froze, frozen ions stand as steady ones do, and the current is the same."""
    steady, moving = inside(with_ions(), VOLTAGES)
    for number, voltage in enumerate(VOLTAGES):
        held, seen = inside(with_ions(frozen(voltage, 1.0)), [voltage])
        assert seen.ion_density[0] == pytest.approx(moving.ion_density[number], rel=1e-7)
        assert held.current[0] == pytest.approx(steady.current[number], abs=1e-8 * steady.current[0])
    dark, moving = inside(with_ions(), [0.5], 0.0)
    held, seen = inside(with_ions(frozen(0.5, 0.0)), [0.5], 0.0)
    assert seen.ion_density[0] == pytest.approx(moving.ion_density[0], rel=1e-7)
    assert held.current[0] == pytest.approx(dark.current[0], rel=1e-7)


def test_frozen_ions_do_not_move() -> None:
    held, seen = inside(with_ions(frozen(0.0, 0.0)), VOLTAGES)
    _, dark = inside(with_ions(), [0.0], 0.0)
    for row in seen.ion_density:
        assert row == pytest.approx(dark.ion_density[0], rel=1e-7)
    assert all(row.passed for row in steady_checks(held, seen).values())
    # and this is another curve than that of steady ions
    steady = states(with_ions(density="1e24 m^-3"), [1.0])
    other = states(with_ions(frozen(0.0, 0.0), density="1e24 m^-3"), [1.0])
    assert abs(steady.current[0] - other.current[0]) > 0.05


def test_few_ions_are_none_and_many_sites_no_limit() -> None:
    bare = states(pt.load("cell-a"), VOLTAGES).current
    few = states(with_ions(density="1e15 m^-3"), VOLTAGES).current
    assert few == pytest.approx(bare, abs=1e-6 * bare[0])
    free, roomy = states(with_ions(), VOLTAGES), states(with_ions(site_density="1e32 m^-3"), VOLTAGES)
    assert roomy.current == pytest.approx(free.current, abs=1e-6 * bare[0])
    tight = states(with_ions(site_density="1.2e23 m^-3"), VOLTAGES)
    assert np.abs(tight.current - free.current).max() > 1e-3


@pytest.mark.parametrize("charge", [1, -1, 2])
@pytest.mark.parametrize("crowding", [1.01, 1.2, 2.0, 100.0])
@pytest.mark.parametrize("drop", [0.1, 0.5, 1.5])
def test_crowded_ions_settle(charge: int, crowding: float, drop: float) -> None:
    """However full the layer and steep the potential, the ions find their place, in the dark and under bias."""
    ions = {"density": 1e25, "charge": charge, "site_density": crowding * 1e25, "response": "steady"}
    body = layer("body", THICKNESS, affinity=3.9, gap=1.6, eps=EPS, ions=ions)
    found, seen = inside(cell(body, front=4.7 + drop / 2, back=4.7 - drop / 2), [0.0, 0.3, 1.2], 0.0)
    assert all(row.passed for row in steady_checks(found, seen).values())
    assert seen.ion_density.max() <= crowding * 1e25
