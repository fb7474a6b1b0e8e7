"""The estimate of what a mesh costs, against meshes four times as fine and against what it must see."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from devices import everything
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.transport import refinement
from perotwin.transport.build import build
from perotwin.transport.mesh import DENSITY
from perotwin.transport.steady import Solver

CASES = Path(__file__).parents[1] / "data" / "reach"
VOC, JSC = "Voc on a mesh twice as fine, V", "Jsc on a mesh twice as fine, relative"


def solved(cell, density=DENSITY):
    solver = Solver(build(cell, density=density))
    states = jv.curve(solver, jv.Protocol(), 1.0)
    return solver, jv.solved_points(solver, states, 1.0)


@pytest.mark.parametrize("name", ["cell-a", "wbg-target", "tandem-target", "patchy-tandem"])
def test_the_estimate_is_the_error(name: str) -> None:
    """On half the usual density, where the error is seen well, against four times as many nodes."""
    cell = pt.load(name)
    solver, points = solved(cell, DENSITY / 2)
    exact = Solver(refinement.refined(refinement.refined(refinement.refined(solver.problem))))
    states = jv.curve(exact, jv.Protocol(), 1.0)
    there = jv.solved_points(exact, states, 1.0)
    error = abs(there["open-circuit"].voltage[0] - points["open-circuit"].voltage[0])
    found = refinement.checks(solver, points, 1.0)[VOC].value
    assert error > 1e-7
    assert found == pytest.approx(error, rel=0.1)


def test_a_refined_problem_is_the_same_cell() -> None:
    """Widths, charges and light of every layer stay, faces stay where they are, and all of its equations hold."""
    for cell in (everything("fermi-dirac", transport=("thermionic", "continuous")), pt.load("patchy-tandem")):
        problem = build(cell)
        fine = refinement.refined(problem)
        for part, finer in zip(problem.parts, fine.parts, strict=True):
            a, b = part.device, finer.device
            assert b.x.size == sum(2 * layer.size - 1 for layer in part.mesh.layers) - b.offset[-1]
            for m in range(a.offset.size):
                here = slice(a.site_start[m], a.site_start[m + 1])
                there = slice(b.site_start[m], b.site_start[m + 1])
                assert b.volume[there].sum() == pytest.approx(a.volume[here].sum(), rel=1e-13)
                made = part.generation[here].sum()
                assert finer.generation[there].sum() == pytest.approx(made, rel=1e-12, abs=1e-300)
                assert set(b.fixed_charge[there]) == set(a.fixed_charge[here])
            for name in ("face_trap_site", "barrier_site"):
                before, after = getattr(a, name), getattr(b, name)
                assert np.array_equal(a.site_layer[before], b.site_layer[after])
                assert np.array_equal(a.site_layer[before + 1], b.site_layer[after + 1])
                assert np.allclose(b.x[b.site_node[after]], a.x[a.site_node[before]], rtol=0, atol=1e-20)
        for light, finer_light in zip(problem.lights, fine.lights, strict=True):
            assert finer_light.profile.sum() == pytest.approx(light.profile.sum(), rel=1e-12)


def test_a_curve_is_taken_on_a_finer_mesh_where_it_must() -> None:
    """0.37 mV of this cell's Voc are the usual mesh's; what is reported holds to 0.1 mV against a mesh x 8."""
    cell = pt.load("mapi-tio2-spiro")
    solver, points = solved(cell)
    assert refinement.checks(solver, points, 1.0)[VOC].value > 3e-4
    measured = jv.measure(cell)
    assert checks_of(measured)[VOC].passed and checks_of(measured)[JSC].passed
    _, exact = solved(cell, 8 * DENSITY)
    assert jv.analyse(measured)["voc"].value == pytest.approx(exact["open-circuit"].voltage[0], abs=1e-4)


@pytest.mark.slow
def test_diffusion_lengths_below_a_bond_are_told() -> None:
    """1.331, 1.251, 1.049 and 1.013 V on the usual mesh, twice, four and eight times as fine, all in silence before."""
    measured = jv.measure(pt.load(CASES / "case-77002445.toml"))
    assert checks_of(measured)[VOC].passed and checks_of(measured)[JSC].passed
    assert 0.97 < jv.analyse(measured)["voc"].value < 1.013
    assert "beyond drift-diffusion" in measured.attrs["notes"]


@pytest.mark.slow
def test_carriers_that_accumulate_at_a_face_are_resolved() -> None:
    """Within 11 nm of the first layer: 14 % of this current were the usual mesh's."""
    measured = jv.measure(pt.load(CASES / "case-77001695.toml"))
    assert checks_of(measured)[VOC].passed and checks_of(measured)[JSC].passed
    assert jv.analyse(measured)["jsc"].value == pytest.approx(1.002, rel=2e-2)


def test_a_wrong_state_fails_the_checks() -> None:
    """A voltage and a current that are not the mesh's own are seen."""
    from dataclasses import replace

    solver, points = solved(pt.load("cell-a"))
    assert all(row.passed for row in refinement.checks(solver, points, 1.0).values())
    wrong = {
        "open-circuit": replace(points["open-circuit"], voltage=points["open-circuit"].voltage + 2e-4),
        "short-circuit": replace(points["short-circuit"], current=points["short-circuit"].current * 1.002),
    }
    assert not any(row.passed for row in refinement.checks(solver, wrong, 1.0).values())
    assert refinement.checks(solver, {}, 0.0) == {}
