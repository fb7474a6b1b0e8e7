"""Open circuit by given voltages alone is that which Newton's method finds with the voltage free."""

from typing import Any

import pytest

import perotwin as pt
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.crossing import crossing
from perotwin.transport.steady import Solver


@pytest.fixture(scope="module")
def solver() -> Solver:
    stack = pt.load("cell-a")
    assert isinstance(stack, Stack)
    return Solver(build(stack))


@pytest.mark.parametrize("begin", [0.0, 0.9, 1.3])
@pytest.mark.parametrize("suns", [1e-3, 1.0])
def test_it_is_open_circuit(solver: Solver, begin: float, suns: float) -> None:
    near = solver.sweep([begin], suns).state(0)
    wanted = solver.open_circuit(near, suns)
    found = crossing(solver, near, suns)
    assert found is not None
    assert float(found.voltage[0]) == pytest.approx(float(wanted.voltage[0]), abs=1e-9)
    assert abs(float(found.current[0])) < 1e-6 * suns * solver.problem.photocurrent_scale


def test_it_stands_in_where_newtons_method_does_not_arrive(
    solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = solver.sweep([0.9], 1.0).state(0)
    wanted = solver.open_circuit(near, 1.0)
    newton = solver.system.newton

    def astray(row: Any, lit: Any, held: Any, constraint: Any, *more: Any) -> Any:
        if constraint.b != 0.0:
            return False, 1, 1e9
        return newton(row, lit, held, constraint, *more)

    monkeypatch.setattr(type(solver.system), "newton", lambda _, *given: astray(*given))
    monkeypatch.setattr(Solver, "slope", lambda *_: 1e-9)
    found = solver.open_circuit(near, 1.0)
    assert float(found.voltage[0]) == pytest.approx(float(wanted.voltage[0]), abs=1e-9)


def test_no_voltage_is_made_up_where_the_current_has_one_sign(
    solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = solver.sweep([0.0], 1.0).state(0)
    monkeypatch.setattr("perotwin.transport.crossing._STEPS", 2)
    assert crossing(solver, near, 1.0) is None
