"""The samples of the paper from one set of parameters: their order, and what other molecules would do."""

from functools import cache

import numpy as np
import pytest

from perotwin import lab
from perotwin.measurement import checks_of
from perotwin.recipe import Recipe, Sample, load, prepare, readings, record
from perotwin.recipe import sample as room


@cache
def sample(name: str, seed: int = 1) -> Sample:
    return prepare(load(name).with_values({"seed": seed}))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_surface_potential_has_the_order_of_the_paper(seed: int) -> None:
    read = {
        name: lab.kpfm.analyse(lab.kpfm.measure(sample(name, seed)))
        for name in ("control-washed", "sam-niox", "target-washed")
    }
    mean = [read[name]["mean_potential"].value for name in ("control-washed", "sam-niox", "target-washed")]
    assert mean[0] < mean[1] < mean[2]
    spread = {name: one["potential_spread"].value for name, one in read.items()}
    assert spread["target-washed"] < spread["sam-niox"] < spread["control-washed"]


def test_the_order_can_fail() -> None:
    """An additive that stands the other way round lowers the potential: the order is no property of the code."""
    down = prepare(load("target-washed").with_values({"interface.additive_alignment": -0.3}))
    assert down.potential().mean() < sample("sam-niox").potential().mean()


def test_the_coating_takes_molecules_and_the_additive_takes_their_place() -> None:
    sam, control, target = (sample(name).face.shares for name in ("sam-niox", "control", "target"))
    assert control["sam"] < sam["sam"] - 0.05
    assert control["bare"] > 2.0 * sam["bare"] > 0.0
    assert target["additive"] > 0.05
    assert target["bare"] < 0.5 * control["bare"]
    for shares in (sam, control, target):
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)


def test_washing_leaves_additive_in_the_target_only() -> None:
    assert sample("control-washed").areal_density("additive") == 0.0
    left = sample("target-washed").areal_density("additive")
    assert 0.3 * sample("target").areal_density("additive") < left
    read = {
        name: lab.xps.analyse(lab.xps.measure(sample(name))) for name in ("control-washed", "target-washed")
    }
    assert read["control-washed"]["carbonyl_content"].value < 1e-12
    assert read["control-washed"]["carbonyl_detected"].value == 0.0
    assert read["target-washed"]["carbonyl_detected"].value == 1.0


def test_additive_and_monolayer_peak_at_the_buried_interface() -> None:
    target = sample("target")
    profile = target.depth_profile()
    assert profile is not None
    depth, density = profile
    assert density[0] == density.max() > 1.2 * np.interp(0.5 * depth[-1], depth, density)
    read = lab.tof_sims.analyse(lab.tof_sims.measure(target))
    film = target.dried.film_thickness if target.dried else 0.0
    for species in ("additive", "sam"):
        assert abs(read[f"peak_depth {species}"].value - film) < 30e-9


def test_traps_fall_as_measured_and_ions_become_fewer_and_slower() -> None:
    control, target = sample("control").film, sample("target").film
    assert control is not None and target is not None
    assert 0.5 < control.counted / 1.01e22 < 2.0
    assert 0.5 < target.counted / 7.99e21 < 2.0
    assert 0.10 < 1.0 - target.counted / control.counted < 0.40
    assert 1.5 < target.lifetime / control.lifetime < 3.0
    assert target.ions < control.ions and target.ion_diffusion < control.ion_diffusion


def test_a_larger_molecule_fills_fewer_holes_and_a_longer_chain_as_many() -> None:
    def shares(molecule: str) -> tuple[float, float]:
        made = prepare(load("target").with_values({"additive.molecule": molecule}))
        return made.sites, made.face.shares["bare"]

    five, six, phenethyl = shares("5-AVAI"), shares("6-aminocaproic acid"), shares("phenethylammonium iodide")
    assert phenethyl[0] < 0.9 * five[0]
    # chain length does not enter: what differs is the hundredth of a nanometre between the two diameters
    assert six[0] == pytest.approx(five[0], rel=0.05)


def test_one_recipe_gives_one_sample_and_its_data_hold_together() -> None:
    one, other = prepare(load("target")), prepare(load("target"))
    assert np.array_equal(one.patch.positions, other.patch.positions)
    data = record(one)
    assert all(check.passed for check in checks_of(data).values())
    assert "additive" in data and "surface" in data
    read = readings(one)
    assert read["bare_share"].value == pytest.approx(float((data["surface"].values == 0).mean()), abs=1e-12)
    assert data["surface_potential"].values.mean() == pytest.approx(read["interface_step"].value, rel=1e-9)


def test_a_broken_balance_fails_its_check() -> None:
    from dataclasses import replace

    whole = prepare(load("target"))
    assert whole.dried is not None
    broken = replace(whole, dried=replace(whole.dried, residue=1.01 * whole.dried.residue))
    assert not checks_of(record(broken))["additive conserved while drying"].passed


def test_what_is_kept_of_one_sample_does_not_reach_into_another() -> None:
    # an additive as slow as to leave bare oxide, which a rate of its own shows on
    base = load("target").with_values({"competition.adsorption_rate": "1e-19 cm^3/s"})
    values = (
        {"monolayer.cohesion": 0.1}, {"competition.release_energy": 0.3}, {"drying.partition": 0.2},
        {"solvents.DMF:DMSO.strength": 3.0}, {"coat.dwell": "20 s"}, {"additive.dose": "0.3 mol%"}, {"seed": 3},
        {"passivation.capture": "3e-10 cm^3/s"}, {"interface.bare_velocity": "9 m/s"},
    )  # fmt: skip

    def seen(recipe: Recipe) -> tuple[float, ...]:
        made = prepare(recipe, side=40e-9)
        assert made.film is not None
        return made.film.lifetime, made.film.ions, made.face.velocity, made.face.step, made.sites

    before = seen(base)
    warm = [seen(base.with_values(one)) for one in values]
    for one, found in zip(values, warm, strict=True):
        room._on_the_oxide.cache_clear()
        room._coated.cache_clear()
        assert seen(base.with_values(one)) == found, one
        assert found != before, one
    assert seen(base) == before
