"""Newton's method: quadratic whatever holds the terminals, and never content with what is no number."""

from typing import Any

import numpy as np
import pytest

import columns
import series
from coarse import CASES, coarse
from jacobians import device_of, disturbed
from perotwin.transport.build import Problem, build
from perotwin.transport.circuit import held_current, held_voltage
from perotwin.transport.device import state_width
from perotwin.transport.kernels.circuit import Constraint
from perotwin.transport.kernels.newton import Patience
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.steady import Solver

#: what holds the terminals
CONSTRAINTS = {
    "voltage": held_voltage(1.1),
    "series resistance": Constraint(1.0, -1e-3, 1.0),
    "open circuit": held_current(),
}


def row_of(made: Problem, voltage: float, seed: int, size: float) -> np.ndarray:
    """A disturbed state as the solver keeps it."""
    device = device_of(made)
    row = np.zeros(state_width(device))
    for into, values in zip(state_in(device, row), disturbed(made, voltage, seed, size), strict=True):
        into[...] = values
    return row


def steps(made: Problem, row: np.ndarray, constraint: Constraint) -> np.ndarray:
    """Sizes of successive Newton steps."""
    solver = Solver(made)
    sizes = []
    for count in range(1, 11):
        _, taken, size = solver.system.newton(
            row.copy(), solver.generation, solver.frozen_charge, constraint, Patience(count, 0.0, 10.0)
        )
        assert taken == count
        sizes.append(size)
    return np.array(sizes)


def check_quadratic(sizes: np.ndarray, rounding: float = 1e-9) -> None:
    """Each step is of the order of the square of the one before, down to rounding."""
    small = sizes[:-1] < 0.05
    assert small.sum() >= 2, sizes
    assert np.all(sizes[1:][small] < 3 * sizes[:-1][small] ** 2 + rounding), sizes


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("control", CONSTRAINTS)
def test_newton_is_quadratic(statistics: str, options: dict[str, Any], control: str) -> None:
    """With ions and with the junction's voltage unknown, too: a wrong border would leave convergence linear."""
    made = coarse(statistics, **options)
    assert made.shown.device.ion.shape[0] == 2
    row = row_of(made, 1.15, seed=5, size=1e-3)
    check_quadratic(steps(made, row, CONSTRAINTS[control]))


@pytest.mark.parametrize("control", CONSTRAINTS)
@pytest.mark.parametrize("cell", ["series", "columns"])
def test_newton_is_quadratic_on_a_circuit(cell: str, control: str) -> None:
    """With shunts, resistors, nodes between junctions and the light of one in the other among the unknowns."""
    made = series.unlike(0.9) if cell == "series" else build(columns.unlike())
    voltage = 1.8 if cell == "series" else 1.05
    row = row_of(made, voltage, seed=5, size=1e-3)
    held = CONSTRAINTS[control]
    check_quadratic(steps(made, row, held._replace(c=held.c * voltage)))


def test_a_state_that_is_no_number_is_never_accepted() -> None:
    made = coarse("boltzmann")
    row = row_of(made, 0.5, seed=1, size=0.0)
    solver = Solver(made)
    patience = Patience(40, 1e-9, 10.0)

    def solved(light: np.ndarray) -> tuple[bool, int, float]:
        return solver.system.newton(row.copy(), light, solver.frozen_charge, held_voltage(0.5), patience)

    assert solved(made.generation)[0]
    light = made.generation.copy()
    light[light.size // 2] = np.nan
    good, _, size = solved(light)
    assert not good and size == np.inf
