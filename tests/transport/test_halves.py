"""Junctions that traps join: started from what they are apart, they arrive where light that rises takes them."""

import numpy as np
import pytest

from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.circuit import held_current
from perotwin.transport.halves import apart, as_one
from perotwin.transport.kernels.newton import Patience
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.steady import Solver
from tandems import plain, with_traps


def joined(mirrored: bool, velocity: float = 1e3) -> Tandem:
    """With ions that re-equilibrate, and a step of the vacuum level between the junctions."""
    tandem = with_traps(plain((6e27, 5e27), "fermi-dirac", ions=True), velocity, dipole="flat")
    return tandem.mirrored() if mirrored else tandem


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_start_is_the_state_of_light_that_rises_from_the_dark(mirrored: bool) -> None:
    solver = Solver(build(joined(mirrored)))
    found = solver.short_circuit(1.0)
    row = solver.dark.copy()
    solver._reach(solver._bare, row, solver.generation, solver.frozen_charge, held_current(), "light")
    device = solver.system.device
    one, other = state_in(device, found.row), state_in(device, row)
    assert one.v == pytest.approx(other.v, abs=1e-7)
    assert one.psi == pytest.approx(other.psi, abs=1e-7)
    assert one.mu == pytest.approx(other.mu, abs=1e-7)
    assert abs(float(solver.sweep([found.voltage], 1.0).current[0])) < 1e-6


@pytest.mark.parametrize("mirrored", [False, True])
def test_halves_put_together_are_next_to_the_whole(mirrored: bool) -> None:
    """Fast capture is next to an ideal contact: Newton's method is there at once, and the voltages are those apart."""
    (whole,) = build(joined(mirrored, 1e6)).parts
    halves, solver = Solver(apart(whole)), Solver(build(joined(mirrored, 1e6)))
    start = halves.short_circuit(1.0)
    row = as_one(halves.system.device, start.row, solver.system.device)
    voltage = float(state_in(solver.system.device, row).v[0]) * whole.vt
    assert voltage == pytest.approx(start.voltage, abs=1e-12)
    held = solver.frozen_charge
    good, count, _ = solver.system.newton(
        row, solver.generation, held, held_current(), Patience(10, 1e-9, 10.0)
    )
    assert good and count <= 8
    assert float(state_in(solver.system.device, row).v[0]) * whole.vt == pytest.approx(voltage, abs=2e-3)


def test_other_light_reaches_the_halves() -> None:
    """Half of the light in the bottom, which then limits what both can give."""
    solver = Solver(build(joined(False)))
    (part,) = solver.problem.parts
    generation = np.where(np.arange(part.generation.size) > part.between[0], 0.5, 1.0) * part.generation
    dimmed = solver.relit(generation)
    plainly = Solver(build(joined(False).with_values({"bottom.light.intensity": 5 / 12})))
    assert dimmed.short_circuit(1.0).voltage == pytest.approx(plainly.short_circuit(1.0).voltage, abs=1e-9)
    assert dimmed.sweep([0.0], 1.0).current == pytest.approx(plainly.sweep([0.0], 1.0).current, rel=1e-7)
