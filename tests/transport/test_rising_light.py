"""A light that is not reached at once is reached by steps, or not at all, and then nothing has changed."""

from __future__ import annotations

import numpy as np
import pytest

from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.rising_light import brightened
from perotwin.transport.steady import Solver
from wide_time_draw import FIRST_SCAN, scan

LIGHT = np.array([2.0, 4.0])


class Cell:
    """One that follows its light where that is at most so many times as bright as before, and tells what was asked."""

    def __init__(self, most: float, dimmest: float = np.inf) -> None:
        self.most, self.dimmest, self.asked = most, dimmest, 0

    def settle(self, row: np.ndarray, light: np.ndarray) -> bool:
        self.asked += 1
        part, here = light[0] / LIGHT[0], row[0]
        good = part <= self.dimmest if here == 0.0 else part <= self.most * here * (1.0 + 1e-12)
        if good:
            row[0] = part
        return bool(good)


@pytest.mark.parametrize("most", [1e3, 3.0, 2.0])
def test_all_of_the_light_is_reached_by_steps(most: float) -> None:
    cell, row = Cell(most), np.zeros(1)
    assert brightened(row, LIGHT, cell.settle) and row[0] == 1.0
    assert cell.asked < 50


@pytest.mark.parametrize("cell", [Cell(1.0001), Cell(10.0, dimmest=1e-9)])
def test_what_is_not_reached_leaves_the_dark_and_ends_soon(cell: Cell) -> None:
    row = np.zeros(1)
    assert not brightened(row, LIGHT, cell.settle)
    assert row[0] == 0.0 and cell.asked < 50


# by hand: on one of two processors rounding ends it on the way, as it ends the scan of this cell
@pytest.mark.long
def test_a_cold_cell_that_no_direct_step_reaches_has_a_state_in_its_light() -> None:
    data, _ = scan(FIRST_SCAN + 39)
    cell = Stack.from_data(data, bare_numbers=True)
    solver, light = Solver(build(cell).all_moving()), float(cell.light.intensity)
    near = solver.short_circuit(light)
    found = solver.sweep([0.0], light, near)
    assert found.converged[0] and all(row.passed for row in steady_checks(found).values())
