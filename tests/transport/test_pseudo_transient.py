"""States that Newton's method does not reach from the dark: reached by the way that time takes, and the same as others
reach.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.constants import Boltzmann, elementary_charge

import perotwin as pt
from devices import everything
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.transport import steady
from perotwin.transport.build import build
from perotwin.transport.circuit import held_current, held_voltage
from perotwin.transport.pseudo_transient import settle
from perotwin.transport.steady import LONGEST, TOLERANCE, Solver

CASES = Path(__file__).parents[1] / "data" / "reach"


@pytest.mark.parametrize("constraint", [held_voltage(), held_voltage(0.7), held_current()], ids=str)
def test_time_leads_to_the_steady_state(constraint) -> None:
    """From the dark, and from another voltage, to what Newton's method finds at once."""
    solver = Solver(build(everything("fermi-dirac")))
    system, lit, held = solver.system, solver.generation, solver.frozen_charge
    wanted = (
        solver.sweep([constraint.c], 1.0)
        if constraint.a
        else solver.open_circuit(solver.short_circuit(1.0), 1.0)
    )
    near = solver.sweep([constraint.c + 0.05 if constraint.a else 1.1], 1.0).rows[0]
    for start in (near,) if constraint.c else (near, solver.dark):
        row = start.copy()
        assert settle(system, row, lit, held, constraint, TOLERANCE, LONGEST)
        nodes = system.device.x.size
        # what is left of the levels belongs to them
        found, exact = (
            r[: 3 * nodes] + np.concatenate((np.zeros(nodes), r[-2 * nodes :])) for r in (row, wanted.rows[0])
        )
        assert np.abs(found - exact).max() < 1e-7


def test_a_state_that_is_not_reached_stays() -> None:
    solver = Solver(build(everything("boltzmann")))
    row = solver.dark.copy()
    nowhere = np.full(solver.generation.size, np.nan)
    assert not settle(solver.system, row, nowhere, solver.frozen_charge, held_voltage(), TOLERANCE, LONGEST)
    assert np.array_equal(row, solver.dark)


@pytest.mark.parametrize("name", ["r_cold_1", "r_cold_2", "r_mild_1", "r_wild_1", "thick_sic_graphite"])
def test_curves_that_were_not_reached(name: str) -> None:
    measured = jv.measure(pt.load(CASES / f"{name}.toml"))
    assert measured["converged"].values.all()
    failed = {key for key, row in checks_of(measured).items() if not row.passed and "mesh" not in key}
    assert not failed


def test_equilibrium_of_a_thick_wafer() -> None:
    """The potential between neutral sides is kT ln(Na Nd / ni^2) of a homojunction, found from a neutral start."""
    cell = pt.load(CASES / "thick_wafer_thin_emitter.toml")
    solver = Solver(build(cell, light=False))
    psi = solver.dark[: solver.system.device.x.size]
    layers = cell.electrical_layers
    doping = [float(e.donor_density) - float(e.acceptor_density) for e in (one.electronic for one in layers)]
    kt = Boltzmann * float(cell.temperature) / elementary_charge
    first, last = layers[0].electronic, layers[-1].electronic
    assert doping[0] * doping[-1] < 0.0 and first.electron_affinity == last.electron_affinity
    ln_ni2 = np.log(float(first.conduction_dos) * float(first.valence_dos)) - float(first.bandgap) / kt
    built_in = kt * (np.log(abs(doping[0]) * abs(doping[-1])) - ln_ni2)
    assert abs(psi[-1] - psi[0]) * kt == pytest.approx(built_in, abs=5e-3)


def test_a_pocket_of_both_carriers_is_filled_along_a_curve() -> None:
    """Of 226 voltages none but one was reached as long as what leaves the pocket was lost to rounding."""
    measured = jv.measure(pt.load(CASES / "case-77001174.toml"))
    assert measured["converged"].all()
    assert checks_of(measured)["points without a solution"].passed


def test_a_curve_that_cannot_be_solved_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing but the first point is reached the rest is given up after two chunks, and said so."""
    solver = Solver(build(everything("fermi-dirac")))
    solver.short_circuit(1.0)
    monkeypatch.setattr(steady, "_ITERATIONS", 1)
    monkeypatch.setattr(steady, "settle", lambda *given: False)
    states = jv.curve(solver, jv.Protocol(start="0 V", step="5 mV"), 1.0)
    assert states.voltage.size < 60
    assert not states.converged[1:].any()
