"""Small extra light or voltage on a steady state, against differences of whole solutions."""

import numpy as np
import pytest

import perotwin as pt
from columns import CIRCUIT, beside
from columns import unlike as unlike_columns
from devices import everything
from perotwin.stack import Cell, Parallel
from perotwin.transport.build import Problem, build
from perotwin.transport.linear_response import photocurrent_response
from perotwin.transport.steady import Solver
from series import unlike as unlike_pair
from tandems import plain

CELLS = {
    "one": (lambda: build(everything("fermi-dirac")), (0.3, 0.9, 1.1)),
    "columns": (lambda: build(unlike_columns()), (0.3, 0.9, 1.2)),
    "series": (lambda: unlike_pair(0.9), (0.3, 1.5, 2.1)),
}
CASES = [(name, voltage) for name, (_, voltages) in CELLS.items() for voltage in voltages]


def difference(values: np.ndarray, h: float) -> float:
    """Slope of fourth order from values at -2h, -h, h, 2h."""
    return float((8.0 * (values[2] - values[1]) - (values[3] - values[0])) / (12.0 * h))


@pytest.mark.parametrize(("name", "voltage"), CASES)
def test_the_slope_at_the_terminals_is_exact_with_ions_that_follow(name: str, voltage: float) -> None:
    solver, h = Solver(CELLS[name][0]()), 1e-4
    around = solver.sweep([voltage - 2 * h, voltage - h, voltage, voltage + h, voltage + 2 * h], 1.0)
    slope = solver.slope(around.state(2), 1.0)
    assert slope == pytest.approx(difference(around.current[[0, 1, 3, 4]], h), rel=1e-8)


@pytest.mark.parametrize("name", CELLS)
def test_light_on_all_parts_is_the_small_signal_at_rest(name: str) -> None:
    """With ions held; the parts' own responses add up to it."""
    problem: Problem = CELLS[name][0]()
    solver = Solver(problem)
    state = solver.sweep([CELLS[name][1][1]], 1.0).state(0)
    parts = [float(photocurrent_response(solver, state, source)[0]) for source in each_alone(problem)]
    stacked = [np.vstack(rows) for rows in zip(*each_alone(problem), strict=True)]
    assert photocurrent_response(solver, state, stacked) == pytest.approx(parts, rel=1e-10)
    assert solver.light_response(state, 1.0) == pytest.approx(sum(parts), rel=1e-10)
    held = solver.linearised(state, 1.0, "held").spectrum([0.0])
    assert held.imps[0].real == pytest.approx(sum(parts), rel=1e-9)


def each_alone(problem: Problem) -> list[list[np.ndarray]]:
    """Sources, one a part: its own light, nothing elsewhere."""
    return [[(own is part) * part.generation[None] for part in problem.parts] for own in problem.parts]


def thinner() -> Parallel:
    """Two unlike columns without ions."""
    stack = pt.load("cell-b")
    return beside(
        ("a", 0.4, stack), ("b", 0.6, stack.with_values({"perovskite.thickness": "200 nm", **CIRCUIT}))
    )


@pytest.mark.parametrize(
    ("cell", "voltage"),
    [(pt.load("cell-b"), 0.9), (thinner(), 1.0), (plain((6e27, 5e27)), 1.6)],
    ids=["one", "columns", "series"],
)
def test_light_on_one_part_moves_the_terminals_as_whole_solutions_say(cell: Cell, voltage: float) -> None:
    """Of cells without ions, so that nothing has to be held."""
    problem, h = build(cell), 1e-3
    solver = Solver(problem)
    state = solver.sweep([voltage], 1.0).state(0)
    for source in each_alone(problem):
        (found,) = photocurrent_response(solver, state, source)
        more = np.concatenate([one[0] for one in source])
        currents = [
            float(solver.relit(problem.generation + n * h * more).sweep([voltage], 1.0, state).current[0])
            for n in (-2, -1, 1, 2)
        ]
        assert found == pytest.approx(difference(np.array(currents), h), rel=1e-7)
