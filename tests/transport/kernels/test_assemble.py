"""The Jacobian that Newton's method uses is the derivative of the residual, entry by entry, and Newton is quadratic."""

from typing import Any

import numpy as np
import pytest

from devices import everything
from jacobians import departures, disturbed
from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.build import Problem, build
from perotwin.transport.device import make_work
from perotwin.transport.joined import in_one
from perotwin.transport.mesh import graded
from perotwin.transport.steady import State
from tandems import plain

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


# Slow carriers make recombination and the contacts stand out beside transport, fast ones transport.
@pytest.mark.parametrize("speed", [1.0, 1e-12], ids=["fast", "slow"])
@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_jacobian_is_the_slope_of_the_residual(
    statistics: str, speed: float, options: dict[str, Any]
) -> None:
    solved = problem(statistics, **options)
    state = disturbed(solved, 0.9, seed=3, size=0.3)
    wrong, scale = departures(problem(statistics, speed, **options), state)
    # the potential at a contact is given
    assert wrong[1:-1].max() < 1e-8
    assert wrong[[0, -1], 1:].max() < 1e-8
    assert np.all(scale[1:-1] > 0.0)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize(
    "junction",
    [
        {"kind": "ideal"},
        {"kind": "traps", "electron_velocity": 300.0, "hole_velocity": 20.0},
        {"kind": "traps", "electron_velocity": 300.0, "hole_velocity": 20.0, "metal": {"work_function": 4.3}},
    ],
    ids=["ideal", "traps", "metal"],
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_jacobian_where_two_junctions_meet(
    statistics: str, junction: dict[str, Any], mirrored: bool
) -> None:
    """With shunts that end on the plane."""
    shunted = {"circuit": {"shunt_resistance": 1e-3}}
    tandem = plain((6e27, 5e27), statistics, top=shunted, bottom=shunted, junction=junction)
    made = in_one(tandem.mirrored() if mirrored else tandem)
    node = int(made.site_node[made.device.plane_site[0]])
    wrong, scale = departures(made, disturbed(made, 1.6, seed=3, size=0.3))
    assert wrong[1:-1].max() < 1e-7
    assert np.all(scale[node] > 0.0)


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
