"""Deposition and delamination: reproducible, true to their parameters, and refusing what cannot be."""

import dataclasses
import math

import numpy as np
import pytest

import fresh
from monolayers import MONOLAYER
from perotwin.errors import InputError
from perotwin.recipe.coverage import Monolayer, delaminate, deposit, eyring, saturate
from perotwin.recipe.library import from_library
from perotwin.recipe.oxide_surface import SAM, Patch

NM = 1e-9
ME4PACZ = 1.129 * NM


def changed(**values: object) -> Monolayer:
    return Monolayer(**{**dict(MONOLAYER), **values})


@pytest.fixture(scope="module")
def patch() -> Patch:
    """A patch of 80 nm as deposited."""
    return deposit(ME4PACZ, MONOLAYER, side=80 * NM, seed=7)


# --- the same again -------------------------------------------------------------------------------

STORY = """
import hashlib, numpy as np
from perotwin.recipe.compensation import Competition, fill, sites, wash
from perotwin.recipe.coverage import Monolayer, delaminate, deposit
monolayer = Monolayer.library()
patch = deposit(1.129e-9, monolayer, side=40e-9, seed={seed})
coated = delaminate(patch, monolayer, [10.0, 40.0]).end
filled = fill(coated, sites(coated, 0.567e-9), 0.8)
washed = wash(filled, monolayer, Competition.library(), [600.0]).end
stages = (patch, coated, filled, washed)
assert len({{stage.positions.size for stage in stages}}) == 4
print(*(hashlib.sha256(stage.positions.tobytes() + stage.kind.tobytes()).hexdigest() for stage in stages))
"""


def test_a_seed_gives_the_same_patch_bit_for_bit_also_in_another_process() -> None:
    runs = [fresh.python("-c", STORY.format(seed=seed)) for seed in (5, 5, 6)]
    assert all(run.returncode == 0 for run in runs), runs[0].stderr
    assert runs[0].stdout == runs[1].stdout
    assert not set(runs[0].stdout.split()) & set(runs[2].stdout.split())


def test_random_numbers_of_others_change_nothing(patch: Patch) -> None:
    np.random.seed(1)  # noqa: NPY002  # it is the global generator that must not matter
    again = deposit(ME4PACZ, MONOLAYER, side=80 * NM, seed=7)
    assert np.array_equal(again.positions, patch.positions)


def test_treatments_have_random_numbers_of_their_own(patch: Patch) -> None:
    monolayer = changed(cohesion=0.0, weaker_anchoring=0.0)
    first = delaminate(patch, monolayer, [1.0])
    same = delaminate(patch, monolayer, [1.0])
    assert np.array_equal(first.left, same.left)
    later = delaminate(dataclasses.replace(patch, step=1), monolayer, [1.0])
    other = delaminate(patch, monolayer, [1.0], seed=8)
    assert not np.array_equal(first.left, later.left)
    assert not np.array_equal(first.left, other.left)
    assert first.end.step == patch.step + 1


# --- the oxide ------------------------------------------------------------------------------------


def test_grains_have_the_stated_size_and_the_reluctant_ones_the_stated_share() -> None:
    oxide = deposit(ME4PACZ, changed(oxide_grain=10 * NM), side=150 * NM, seed=1).oxide
    area = oxide.side**2 / oxide.seeds.shape[0]
    assert math.sqrt(4.0 * area / math.pi) == pytest.approx(10 * NM, rel=0.01)
    assert np.unique(oxide.grain).size == oxide.seeds.shape[0]
    assert oxide.reluctant_share == pytest.approx(0.2, abs=0.01)
    assert oxide.at(oxide.seeds).tolist() == oxide.reluctant.tolist()
    # a Voronoi cell holds the points that are nearest to its seed, images included
    points = np.random.default_rng(0).uniform(0, oxide.side, (500, 2))
    away = points[:, None] - oxide.seeds[None]
    away -= oxide.side * np.round(away / oxide.side)
    nearest = np.hypot(away[..., 0], away[..., 1]).argmin(axis=1)
    assert np.mean(oxide.at(points) == oxide.reluctant[nearest]) > 0.98  # the raster rounds at edges


@pytest.mark.parametrize("share, packing", [(0.0, 0.81), (1.0, 0.66), (0.4, 0.5)])
def test_extremes_of_the_oxide_are_deposited_upon(share: float, packing: float) -> None:
    monolayer = changed(
        packing=max(packing, 0.78), reluctant_packing=min(packing, 0.7), reluctant_share=share
    )
    patch = deposit(ME4PACZ, monolayer, side=60 * NM, seed=3)
    real = patch.oxide.reluctant_share
    expected = (1 - real) * monolayer.packing + real * monolayer.reluctant_packing
    assert patch.packing == pytest.approx(expected, abs=1e-3)


def test_loose_grains_are_where_the_fresh_monolayer_is_bare() -> None:
    patch = deposit(ME4PACZ, changed(reluctant_packing=0.6), side=120 * NM, seed=2)
    shown = patch.surface.map
    pixels = shown.shape[0]
    middle = (np.arange(pixels) + 0.5) * patch.side / pixels
    weak = patch.oxide.at(np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)).reshape(
        pixels, pixels
    )
    assert np.mean(shown[weak] == 0) > 3.0 * np.mean(shown[~weak] == 0)


def test_a_monolayer_is_a_little_incomplete_and_then_much_more() -> None:
    """The bounds are what the parameters were chosen to give; they hold for any seed."""
    monolayer = MONOLAYER
    for seed in (1, 2):
        patch = deposit(ME4PACZ, monolayer, side=120 * NM, seed=seed)
        history = delaminate(patch, monolayer, [30.0, 60.0])
        assert 0.02 < patch.bare_fraction < 0.06
        assert 0.08 < history.bare_fraction[0] < history.bare_fraction[1] < 0.25
        assert history.patch_size[1] > 3.0 * patch.patch_size


# --- histories ------------------------------------------------------------------------------------


def test_a_history_tells_the_patch_at_each_time(patch: Patch) -> None:
    history = delaminate(patch, MONOLAYER, [0.0, 20.0, 40.0])
    assert np.array_equal(history.patches[0].positions, patch.positions)
    for time, here, share in zip(history.times, history.patches, history.remaining(), strict=True):
        assert here.number(SAM) == np.count_nonzero(history.left > time)
        assert here.number(SAM) / patch.number(SAM) == pytest.approx(share, abs=1e-12)
    assert history.coverage[0] == patch.coverage
    assert history.bare_fraction[1] == history.patches[1].bare_fraction
    assert len(history.hole_diameters) == 3
    # looking at other times changes nothing
    assert np.array_equal(delaminate(patch, MONOLAYER, [40.0]).left, history.left)


def test_nothing_leaves_without_a_rate_and_everything_does_in_time(patch: Patch) -> None:
    assert np.all(np.isinf(delaminate(patch, changed(desorption_rate=0.0), [1e9]).left))
    gone = delaminate(patch, changed(desorption_rate=1e6), [1e6]).end
    assert gone.positions.shape == (0, 2)
    assert gone.bare_fraction == 1.0
    assert delaminate(gone, MONOLAYER, [1.0]).end.bare_fraction == 1.0


def test_a_rate_and_the_barrier_that_it_implies_are_consistent() -> None:
    assert eyring(0.767, 298.15) == pytest.approx(0.67, rel=0.02)
    assert eyring(0.767, 310.0) > eyring(0.767, 298.15)


# --- parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Monolayer.model_fields)
def test_each_parameter_says_its_range_and_what_would_fix_it(name: str) -> None:
    value = getattr(Monolayer.library(), name)
    assert value.assumed is not None
    assert value.assumed[0] <= value <= value.assumed[1]
    assert "fixed by" in value.note or "contact" in value.note


def test_parameters_outside_what_can_be_are_refused() -> None:
    for values, words in (
        ({"packing": 0.9}, "jam"),
        ({"packing": 0.0}, "positive"),
        ({"reluctant_share": 1.2}, "above 1"),
        ({"cohesion": -0.01}, "negative"),
        ({"desorption_rate": -1.0}, "negative"),
        ({"oxide_grain": "15 eV"}, "length"),
        ({"packin": 0.7}, "packing"),
    ):
        with pytest.raises(InputError, match=words):
            changed(**values)


def test_a_section_of_the_library_names_its_faults() -> None:
    from perotwin.recipe.compensation import Competition

    with pytest.raises(InputError, match=r"parameters\.toml"):
        from_library(Competition, "monolayer")


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda m: deposit(-1e-9, m), "diameter"),
        (lambda m: deposit(math.nan, m), "diameter"),
        (lambda m: deposit(ME4PACZ, m, side=3 * NM), "too small"),
        (lambda m: deposit(ME4PACZ, m, seed=-1), "seed"),
        (lambda m: deposit(ME4PACZ, m, seed=1.5), "seed"),
        (lambda m: deposit(ME4PACZ, m, temperature=0.0), "temperature"),
        (lambda m: deposit(ME4PACZ, changed(packing=0.7, reluctant_packing=0.75)), "more densely"),
        (lambda m: saturate(1.0, 0.5), "too small"),
    ],
)
def test_what_cannot_be_deposited_is_refused(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call(Monolayer.library())


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"times": [-1.0]}, "negative"),
        ({"times": []}, "negative"),
        ({"times": [2.0, 1.0]}, "ascend"),
        ({"times": [math.inf]}, "not a number"),
        ({"times": [1.0], "temperature": -3.0}, "temperature"),
        ({"times": [1.0], "additive_rate": -1.0}, "rate"),
        ({"times": [1.0], "seed": "a"}, "seed"),
    ],
)
def test_what_cannot_happen_in_a_solvent_is_refused(patch: Patch, arguments: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        delaminate(patch, MONOLAYER, **arguments)
