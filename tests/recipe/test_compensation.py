"""What fills the holes: only what fits, as many as fit, and no more than that."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import cKDTree

from monolayers import MONOLAYER
from perotwin.errors import InputError
from perotwin.recipe.compensation import Competition, equilibrium, fill, langmuir_rate, occupancy, sites, wash
from perotwin.recipe.coverage import Monolayer, delaminate, deposit
from perotwin.recipe.oxide_surface import ADDITIVE, SAM, Patch

NM = 1e-9
AVA, PEA, ME4PACZ = 0.567 * NM, 0.675 * NM, 1.129 * NM


@pytest.fixture(scope="module")
def coated() -> Patch:
    """A patch of 100 nm that has lost molecules to the solvent."""
    monolayer = MONOLAYER
    return delaminate(deposit(ME4PACZ, monolayer, side=100 * NM, seed=4), monolayer, [45.0]).end


def changed(**values: object) -> Monolayer:
    return Monolayer(**{**dict(MONOLAYER), **values})


# --- places ---------------------------------------------------------------------------------------


def test_filling_all_sites_leaves_no_room_and_overlaps_nobody(coated: Patch) -> None:
    places = sites(coated, AVA)
    full = fill(coated, places, 1.0)
    assert full.bare_fraction == 0.0
    assert full.hole_diameters.size == 0
    assert full.coverage + full.compensated == pytest.approx(1.0)
    sam, additive = (
        cKDTree(full.positions[full.kind == kind], boxsize=full.side) for kind in (SAM, ADDITIVE)
    )
    assert sam.query(additive.data)[0].min() >= (ME4PACZ + AVA) / 2 * (1 - 1e-9)
    assert additive.query(additive.data, k=2)[0][:, 1].min() >= AVA * (1 - 1e-9)
    assert full.number(ADDITIVE) == places.capacity == round(places.areal_density * full.side**2)


def test_what_is_wider_than_every_hole_fills_none(coated: Patch) -> None:
    widest = coated.hole_diameters.max()
    assert sites(coated, 1.0001 * widest).capacity == 0
    assert sites(coated, 0.98 * widest).capacity >= 1
    assert fill(coated, sites(coated, 1.0001 * widest), 1.0).compensated == 0.0
    fresh_monolayer = deposit(ME4PACZ, changed(packing=0.81, reluctant_share=0.0), side=40 * NM, seed=1)
    assert sites(fresh_monolayer, 2.0 * ME4PACZ).capacity == 0


def test_every_hole_takes_a_molecule_that_is_just_small_enough(coated: Patch) -> None:
    """Each circle that fits somewhere has a molecule of the additive in or across it once all sites are taken."""
    places = cKDTree(sites(coated, AVA).positions, boxsize=coated.side)
    x, y, diameter = coated.surface.holes.T
    distance = places.query(np.stack([x, y], axis=1))[0]
    assert np.all(distance < diameter / 2 + AVA / 2)


def test_larger_molecules_find_fewer_places_and_leave_more_bare(coated: Patch) -> None:
    ava, pea = sites(coated, AVA), sites(coated, PEA)
    # by more than the area of a molecule tells: narrow holes are lost altogether
    assert pea.capacity < ava.capacity * (AVA / PEA) ** 2 * 0.97
    assert fill(coated, pea, 1.0).bare_fraction > 0.01
    assert fill(coated, ava, 1.0).bare_fraction == 0.0


def test_the_length_of_the_chain_makes_no_difference(coated: Patch) -> None:
    """Sites know a molecule by its diameter only: gamma-aminobutyric and 6-aminocaproic acid are as wide as 5-AVA."""
    assert np.array_equal(sites(coated, AVA).positions, sites(coated, AVA).positions)
    assert sites(coated, 0.56 * NM).capacity == pytest.approx(sites(coated, 0.57 * NM).capacity, rel=0.06)


def test_in_large_holes_the_additive_jams_as_discs_do() -> None:
    empty = delaminate(
        deposit(ME4PACZ, changed(packing=0.3, reluctant_packing=0.3), side=60 * NM, seed=1),
        changed(desorption_rate=1e6), [1e6],
    ).end  # fmt: skip
    coverage = sites(empty, AVA).areal_density * math.pi * AVA**2 / 4
    assert coverage == pytest.approx(0.547, abs=0.008)


# --- filling --------------------------------------------------------------------------------------


def test_a_larger_share_takes_the_sites_of_a_smaller_one_and_more(coated: Patch) -> None:
    places = sites(coated, AVA)
    series = [fill(coated, places, theta) for theta in (0.0, 0.3, 0.31, 0.9, 1.0)]
    taken = [{tuple(p) for p in patch.positions[patch.kind == ADDITIVE]} for patch in series]
    assert taken[0] < taken[1] < taken[2] < taken[3] < taken[4]
    assert len(taken[1]) == round(0.3 * places.capacity)
    bare = [patch.bare_fraction for patch in series]
    assert bare == sorted(bare, reverse=True)
    assert bare[0] == coated.bare_fraction
    assert 0.01 < bare[3] < 0.05


def test_sites_are_taken_without_favour(coated: Patch) -> None:
    """Halves of the patch and the order of landing make no difference to who is filled."""
    places = sites(coated, AVA)
    half = fill(coated, places, 0.5)
    taken = {tuple(p) for p in half.positions[half.kind == ADDITIVE]}
    first = sum(tuple(p) in taken for p in places.positions[: places.capacity // 2])
    assert stats.binomtest(first, places.capacity // 2, 0.5).pvalue > 1e-3


def test_impossible_fillings_are_refused(coated: Patch) -> None:
    places = sites(coated, AVA)
    for theta in (-0.1, 1.1, math.nan):
        with pytest.raises(InputError, match="share"):
            fill(coated, places, theta)
    with pytest.raises(InputError, match="another patch"):
        fill(delaminate(coated, MONOLAYER, [1.0]).end, places, 0.5)
    filled = fill(coated, places, 0.5)
    with pytest.raises(InputError, match="one additive"):
        fill(filled, sites(filled, PEA), 0.5)
    for diameter in (0.0, -AVA, math.inf, 50 * NM):
        with pytest.raises(InputError, match="additive"):
            sites(coated, diameter)


# --- washing --------------------------------------------------------------------------------------


def test_washing_takes_the_additive_at_its_own_rate(coated: Patch) -> None:
    filled = fill(coated, sites(coated, AVA), 1.0)
    competition = Competition.library()
    time = 0.5 / competition.desorption_rate()
    history = wash(filled, MONOLAYER, competition, [time])
    number = filled.number(ADDITIVE)
    stayed = history.end.number(ADDITIVE)
    assert stats.binomtest(stayed, number, math.exp(-0.5)).pvalue > 1e-3
    assert stats.binomtest(stayed, number, math.exp(-0.55)).pvalue < 1e-3
    assert history.remaining(ADDITIVE)[0] == stayed / number


def test_with_the_computed_binding_energy_nothing_would_survive_washing(coated: Patch) -> None:
    """fu-5avai computes 0.767 eV and still sees carbonyl after washing: the barrier must be higher than that."""
    filled = fill(coated, sites(coated, AVA), 1.0)
    weak = Competition.model_validate({**dict(Competition.library()), "release_energy": 0.767})
    assert wash(filled, MONOLAYER, weak, [30.0]).remaining(ADDITIVE)[0] < 1e-3
    assert wash(filled, MONOLAYER, Competition.library(), [30.0]).remaining(ADDITIVE)[0] > 0.95


def test_the_additive_holds_its_neighbours_if_it_is_said_to(coated: Patch) -> None:
    filled = fill(coated, sites(coated, AVA), 1.0)
    competition = Competition.model_validate({**dict(Competition.library()), "release_energy": 1.2})
    left = {}
    for energy in (0.0, 0.03):
        left[energy] = (
            1.0 - wash(filled, changed(additive_cohesion=energy), competition, [30.0]).remaining()[0]
        )
    alone = 1.0 - wash(coated, MONOLAYER, competition, [30.0]).remaining()[0]
    assert left[0.0] == pytest.approx(alone, rel=0.15)
    assert left[0.03] < 0.6 * alone


def test_a_washed_target_is_less_bare_than_a_washed_control(coated: Patch) -> None:
    monolayer, competition = MONOLAYER, Competition.library()
    filled = fill(coated, sites(coated, AVA), 0.9)
    control, target = (wash(patch, monolayer, competition, [30.0]).end for patch in (coated, filled))
    assert coated.bare_fraction < control.bare_fraction < coated.bare_fraction + 0.12
    assert target.bare_fraction < 0.5 * control.bare_fraction
    assert target.compensated > 0.08


# --- parameters and refusals ----------------------------------------------------------------------


@pytest.mark.parametrize("name", Competition.model_fields)
def test_each_parameter_says_its_range_and_what_would_fix_it(name: str) -> None:
    value = getattr(Competition.library(), name)
    assert value.assumed is not None
    assert "fixed by" in value.note


def test_impossible_kinetics_are_refused() -> None:
    for call, words in (
        (lambda: occupancy([1.0, 0.0], 1e24, 1e-25, 0.1), "ascend"),
        (lambda: occupancy([0.0, 1.0], -1e24, 1e-25, 0.1), "concentration"),
        (lambda: occupancy([0.0, 1.0], 1e24, -1e-25, 0.1), "adsorption_rate"),
        (lambda: occupancy([0.0, 1.0], 1e24, 1e-25, -0.1), "desorption_rate"),
        (lambda: occupancy([0.0, 1.0], 1e24, 1e-25, 0.1, solvent=-1.0), "solvent"),
        (lambda: occupancy([0.0, 1.0], 1e24, 1e-25, 0.1, start=1.5), "share"),
        (lambda: equilibrium(math.nan, 1e-25, 0.1), "concentration"),
        (lambda: Competition.library().desorption_rate(-1.0), "temperature"),
    ):
        with pytest.raises(InputError, match=words):
            call()


def test_the_rate_takes_arrays() -> None:
    theta = np.array([0.0, 0.5, 1.0])
    rate = langmuir_rate(theta, 1e24, 1e-25, 0.1, 4.0)
    assert rate == pytest.approx([0.02, 0.01 - 0.05, -0.1])


def test_the_film_dries_with_the_same_law() -> None:
    """The compiled rate of the drying film and the one here are one law."""
    from perotwin.recipe import liquid

    for theta, concentration, solvent in ((0.0, 1e26, 0.0), (0.3, 2e25, 5.0), (1.0, 0.0, 50.0)):
        theirs = liquid.langmuir_rate(theta, concentration, 1e-25, 5e-4, 1.0 + solvent)
        assert theirs == pytest.approx(
            langmuir_rate(theta, concentration, 1e-25, 5e-4, solvent), rel=1e-14, abs=1e-30
        )
