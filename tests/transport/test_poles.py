"""Poles from values: those of known functions, and a cell's time constants from its impedance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import ConvergenceError
from perotwin.transport.build import build
from perotwin.transport.eigenmodes import Modes
from perotwin.transport.poles import poles
from perotwin.transport.steady import Solver


def test_poles_and_residues_of_a_sum_of_decays() -> None:
    rates, amounts = np.array([-1.0, -3.0, -40.0]), np.array([2.0, -1.0, 5.0])
    points = np.geomspace(0.1, 300.0, 30) * np.exp(2.9j)
    points = np.concatenate((points, points.conj()))
    values = 0.3 + (amounts / (points[:, None] - rates)).sum(axis=1)
    found, residues = poles(points, values)
    for rate, amount in zip(rates, amounts, strict=True):
        near = int(np.argmin(np.abs(found - rate)))
        assert found[near] == pytest.approx(rate, rel=1e-9)
        assert residues[near] == pytest.approx(amount, rel=1e-7)


class Decays(Modes):
    """Modes that no iteration finds: their impedance alone is known."""

    def __init__(self, rates: list[float], parts: list[float]) -> None:
        self._rates, self._parts = np.array(rates), np.array(parts)

    words = "decays"

    def resolvent(self, control: Any) -> Any:
        raise ConvergenceError("it does not settle.", "Ask otherwise.", stage="small signal")

    def impedance_at(self, rate: Any) -> Any:
        # each carries its part at rest
        return (-self._parts * self._rates / (np.asarray(rate)[:, None] - self._rates)).sum(axis=1)


@pytest.mark.parametrize("slow", [1e-6, 2e-3, 7.7, 3e5, 4e10])
def test_the_slowest_mode_that_is_seen(slow: float) -> None:
    """A slower one carries less than is asked for, a faster one more."""
    modes = Decays([-1e-2 * slow, -slow, -30.0 * slow], [1e-4, 0.1, 0.9])
    assert modes.slowest(0.01) == pytest.approx(-slow, rel=1e-6)
    assert modes.slowest(1e-5) == pytest.approx(-1e-2 * slow, rel=1e-6)
    assert modes.slowest(0.5) == pytest.approx(-30.0 * slow, rel=1e-6)


def test_no_mode_is_no_number() -> None:
    assert np.isnan(Decays([-1e-3, -1e6], [0.4, 0.6]).slowest(0.7))


@pytest.mark.parametrize(
    ("name", "ions"), [("wbg-control", "held"), ("wbg-control", "moving"), ("cell-b", "held")]
)
def test_the_impedance_tells_what_the_eigenvalues_do(name: str, ions: Any) -> None:
    solver = Solver(build(pt.load(name)).all_moving())
    state = solver.open_circuit(solver.short_circuit(1.0), 1.0).state(0)
    linear = solver.linearised(state, 1.0, ions)
    (rate,) = linear.rates(1).real
    assert linear._slowest_pole(1e-6 if ions == "moving" else 1e-2) == pytest.approx(rate, rel=1e-6)
