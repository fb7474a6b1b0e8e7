"""Meshes that are finer where an error comes from: where that is, how fine they are, and what they are worth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import perotwin as pt
from devices import everything
from perotwin.lab.open_circuit import settled
from perotwin.stack import Stack
from perotwin.transport.adapted import _divided, _into, adapted
from perotwin.transport.build import build
from perotwin.transport.mesh import DENSITY
from perotwin.transport.refinement import checks, errors_at, refined
from perotwin.transport.steady import Solver
from wide_time_draw import FIRST_SCAN, scan


def test_cutting_every_interval_is_cutting_the_mesh() -> None:
    problem = build(everything("fermi-dirac"))
    every = [tuple(np.ones(x.size - 1, dtype=bool) for x in part.mesh.layers) for part in problem.parts]
    whole, pieces = refined(problem).parts[0], refined(problem, every).parts[0]
    for name, values in whole.device._asdict().items():
        assert np.array_equal(values, getattr(pieces.device, name)), name
    assert np.array_equal(whole.generation, pieces.generation)


def test_a_stretch_is_cut_and_the_rest_is_what_it_was() -> None:
    problem = build(everything("fermi-dirac"))
    part = problem.parts[0]
    cuts = tuple(np.zeros(x.size - 1, dtype=bool) for x in part.mesh.layers)
    cuts[1][3:7] = True
    finer = refined(problem, [cuts]).parts[0]
    added = [
        after.size - before.size for before, after in zip(part.mesh.layers, finer.mesh.layers, strict=True)
    ]
    assert added == [4 if m == 1 else 0 for m in range(len(added))]
    assert set(part.mesh.sites) <= set(finer.mesh.sites)
    for sites in ("face_trap_site", "barrier_site"):
        old, new = getattr(part.device, sites), getattr(finer.device, sites)
        assert finer.mesh.sites[new] == pytest.approx(part.mesh.sites[old], abs=0.0)
        assert np.array_equal(finer.device.site_layer[new], part.device.site_layer[old])
    assert finer.device.volume.sum() == pytest.approx(part.device.volume.sum(), rel=1e-14)
    for m, (first, last) in enumerate(pairwise(part.device.site_start)):
        here = slice(*finer.device.site_start[m : m + 2])
        assert finer.generation[here].sum() == pytest.approx(part.generation[first:last].sum(), rel=1e-12)


def test_the_fewest_nodes_that_leave_so_much_of_an_error() -> None:
    shares, sizes = np.array([1.0, 0.3, 0.05]), np.array([40, 40, 20])
    into = _into(shares, sizes, 1.0)
    assert float((shares / into**2).sum()) == pytest.approx(0.2, rel=1e-9)
    # to take an interval from one stretch and give it to another pays nowhere: all gain the same by one more node
    assert into.min() > 1.0 and into.max() < 8.0
    gain = shares / into**3 / sizes
    assert gain == pytest.approx(gain[:1].repeat(gain.size), rel=1e-9)
    assert _into(np.array([np.nan, 0.0]), np.array([8, 8]), 1.0).tolist() == [2.0, 1.0]
    # and what nothing comes from may keep a part of its intervals
    assert _into(np.array([np.nan, 0.0]), np.array([8, 8]), 0.25).tolist() == [2.0, 0.25]


@pytest.mark.parametrize("seed", range(5))
def test_divided_intervals_ascend_and_go_over_smoothly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.cumsum(np.concatenate(([0.0], np.exp(np.cumsum(rng.normal(0.0, 0.2, 80))))))
    into = np.ones(80)
    into[20:30], into[70:] = 8.0, 3.0
    found = _divided(x, into)
    widths = np.diff(found)
    assert found[0] == x[0] and found[-1] == x[-1] and widths.min() > 0.0
    steps = np.abs(np.diff(np.log(np.diff(x)))).max()
    assert np.abs(np.diff(np.log(widths))).max() < steps + 2.0 * np.log(1.2)
    # as often cut as asked for, in the middle of the stretch
    inside = np.count_nonzero((found >= x[22]) & (found < x[28]))
    assert inside == pytest.approx(48, abs=3)


def test_intervals_are_joined_where_no_error_comes_from() -> None:
    x = np.linspace(0.0, 1.0, 401)
    into = np.full(400, 0.25)
    into[200:210] = 4.0
    found = _divided(x, into)
    assert found[0] == 0.0 and found[-1] == 1.0 and np.diff(found).min() > 0.0
    inside = np.count_nonzero((found >= x[201]) & (found < x[209]))
    assert inside == pytest.approx(32, abs=3)
    beside = np.count_nonzero((found >= x[0]) & (found < x[120]))
    assert beside == pytest.approx(30, abs=2)


def test_a_voltage_to_first_order_is_what_a_search_for_it_finds() -> None:
    """Where it is tried where an error comes from, against open circuit solved for on the mesh that is cut there."""
    cell = pt.load("wbg-control").with_values({"perovskite.pinholes": None})
    solver = Solver(build(cell, density=DENSITY / 2.0))
    found = settled(solver, 1.0)
    (part,) = solver.problem.parts
    for layer, x in enumerate(part.mesh.layers):
        cuts = tuple(np.full(one.size - 1, m == layer) for m, one in enumerate(part.mesh.layers))
        (share,) = errors_at(solver, {"open-circuit": found}, 1.0, [cuts])
        finer = Solver(refined(solver.problem, [cuts]))
        there = settled(finer, 1.0)
        wanted = 4.0 / 3.0 * abs(float(there.voltage[0] - found.voltage[0])) / 1e-4
        assert share == pytest.approx(wanted, rel=0.02, abs=1e-4), x.size


def _worst(solver: Solver, light: float) -> tuple[float, float]:
    """Open circuit (V), and how far it is off by the mesh over what is allowed."""
    found = settled(solver, light)
    (row,) = checks(solver, {"open-circuit": found}, light).values()
    return float(found.voltage[0]), float(row.value) / row.limit


def test_an_adapted_mesh_is_worth_more_than_its_nodes() -> None:
    """A coarse mesh of a cell with ions, made finer where its error comes from, against one that is far finer."""
    cell, light = pt.load("mapi-tio2-spiro"), 1.0
    coarse = Solver(build(cell, density=DENSITY / 2.0).all_moving())
    _, before = _worst(coarse, light)
    found = settled(coarse, light)
    meshes = adapted(coarse, {"open-circuit": found}, light)
    assert meshes is not None and before > 1.0
    better = Solver(build(cell, density=meshes).all_moving(), coarser=coarse)
    voltage, after = _worst(better, light)
    right, _ = _worst(Solver(build(cell, density=8.0 * DENSITY).all_moving()), light)
    nodes = [one.problem.parts[0].device.x.size for one in (coarse, better)]
    assert nodes[1] < 3 * nodes[0]
    assert after < min(1.0, before / 4.0)
    assert abs(voltage - right) < 1e-4


def test_a_mesh_that_is_fine_enough_is_let_be() -> None:
    solver = Solver(build(pt.load("cell-a"), density=4.0 * DENSITY))
    assert adapted(solver, {"open-circuit": settled(solver, 1.0)}, 1.0) is None


@pytest.mark.slow
def test_eight_times_the_density_is_not_enough_where_an_adapted_mesh_is() -> None:
    data, _ = scan(FIRST_SCAN + 32)
    cell = Stack.from_data(data, bare_numbers=True)
    light = float(cell.light.intensity)
    dense = Solver(build(cell, density=8.0 * DENSITY).all_moving())
    _, everywhere = _worst(dense, light)
    solver = Solver(build(cell, density=2.0 * DENSITY).all_moving())
    for _ in range(2):
        meshes = adapted(solver, {"open-circuit": settled(solver, light)}, light)
        assert meshes is not None
        solver = Solver(build(cell, density=meshes).all_moving(), coarser=solver)
    _, here = _worst(solver, light)
    assert everywhere > 1.0 > here
    nodes = [one.problem.parts[0].device.x.size for one in (dense, solver)]
    assert nodes[1] < 0.5 * nodes[0]
