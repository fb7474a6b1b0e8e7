"""From a cell to what is solved: columns and junctions in their order, and what cannot be one cell."""

import numpy as np
import pytest

import perotwin as pt
from columns import beside, patchy, twice
from devices import cell, everything, layer
from perotwin.errors import InputError
from perotwin.transport.build import build, with_ideal_joints
from perotwin.transport.steady import Solver
from tandems import plain, with_traps


def test_columns_that_work_against_each_other_are_refused() -> None:
    stack = everything("boltzmann")
    turned = stack.mirrored().with_values({"light.side": "front"})
    with pytest.raises(InputError, match=r"anode on the same side \(a at the front, b at the back\)"):
        build(beside(("a", 0.5, stack), ("b", 0.5, turned)))


def test_a_laser_shines_the_same_photons_on_all_columns() -> None:
    laser = {"light.spectrum": {"kind": "monochromatic", "wavelength": "532 nm"}}
    same = twice(pt.load("wbg-target")).with_values(laser)
    assert build(same).absorption.photon_flux.shape == (1,)
    with pytest.raises(InputError, match="one sun of a laser"):
        build(patchy(**laser, **{"bare.perovskite.thickness": "300 nm"}))


def test_dark_columns_need_no_optics() -> None:
    problem = build(patchy(), light=False)
    assert problem.absorption is None
    dark = Solver(problem).sweep([0.0], 0.0)
    assert abs(float(dark.current[0])) < 1e-9


def test_a_single_column_is_its_stack() -> None:
    stack = cell(layer("body", 300e-9, radiative=1e-17), front=5.0, back=4.1, rate=1e27)
    one = Solver(build(beside(("all", 1.0, stack)))).sweep([0.0, 0.5], 1.0)
    assert np.array_equal(one.current, Solver(build(stack)).sweep([0.0, 0.5], 1.0).current)


def test_parts_stand_in_the_order_of_light_and_columns_in_that_of_the_file() -> None:
    single, columns, tandem = (
        build(everything("boltzmann")),
        build(twice(everything("boltzmann"))),
        build(plain()),
    )
    assert [problem.names for problem in (single, columns, tandem)] == [
        ("",),
        ("one", "other"),
        ("top", "bottom"),
    ]
    assert [[group.name for group in problem.groups] for problem in (single, columns, tandem)] == [
        [""],
        [""],
        ["top", "bottom"],
    ]
    assert [group.parts for group in columns.groups] == [(0, 1)]
    assert [group.parts for group in tandem.groups] == [(0,), (1,)]
    assert columns.areas == pytest.approx([0.3, 0.7])
    assert tandem.areas == pytest.approx([1.0, 1.0])


def test_junctions_that_traps_join_are_two_halves_of_one_mesh() -> None:
    problem = build(with_traps(plain((6e27, 4e27)), 1e3))
    (part,) = problem.parts
    assert part.halves == ("top", "bottom")
    (last,) = part.between
    # one node on the face, and each half's own light beside it
    assert part.site_node[last] == part.site_node[last + 1]
    apart = build(plain((6e27, 4e27)))
    for name, places in problem.junction_sites.items():
        (here,) = places
        (own,) = apart.junction_sites[name]
        assert problem.generation[here] == pytest.approx(apart.generation[own], rel=1e-12)
    assert problem.photocurrents == pytest.approx(apart.photocurrents, rel=1e-12)
    assert problem.photocurrent == pytest.approx(min(apart.photocurrents.values()), rel=1e-12)


def test_ideal_joints_make_each_half_a_mesh_of_its_own() -> None:
    problem = with_ideal_joints(build(with_traps(plain((6e27, 4e27)), 1e3)))
    assert problem.names == ("top", "bottom")
    assert np.array_equal(problem.generation, build(plain((6e27, 4e27))).generation)
