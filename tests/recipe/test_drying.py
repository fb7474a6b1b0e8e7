"""The drying film: everything is somewhere, nothing from nothing, and the additive ends at the buried interface."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perotwin.errors import InputError
from perotwin.recipe.drying import INK, Adsorption, DriedFilm, Drying, dry, wet_thickness

#: of the order that a patch and a strong binder give: 0.2 sites in a square nanometre, filled within seconds
OXIDE = Adsorption(sites=2e17, k_on=1e-25, k_off=5e-4, solvent_competition=5.0)
LIBRARY = Drying.library()


def changed(**values: Any) -> Drying:
    """The library's parameters with some others."""
    return Drying(**{**{name: float(getattr(LIBRARY, name)) for name in Drying.model_fields}, **values})


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log10(low), np.log10(high)).map(lambda exponent: 10.0**exponent)


@pytest.fixture(scope="module")
def target() -> DriedFilm:
    return dry(0.01, OXIDE)


@settings(max_examples=60, deadline=None)
@given(
    dose=st.one_of(st.just(0.0), log_uniform(1e-12, 0.03)),
    diffusion=log_uniform(1e-11, 1e-9),
    evaporation=log_uniform(1e-8, 1e-6),
    quenched=log_uniform(1e-7, 1e-4),
    partition=st.floats(0.0, 1.0),
    saturation=log_uniform(2e26, 3e27),
    residual=log_uniform(3e-10, 1e-8),
    critical=st.floats(1.1e27, 2.4e27),
    thickness=st.floats(200e-9, 900e-9),
    sites=st.one_of(st.just(0.0), log_uniform(1e15, 2e18)),
    k_on=log_uniform(1e-25, 1e-18),
    k_off=st.one_of(st.just(0.0), log_uniform(1e-3, 1e3)),
    solvent=st.one_of(st.just(0.0), log_uniform(0.1, 1e3)),
)
def test_mass_is_conserved(
    dose: float,
    diffusion: float,
    evaporation: float,
    quenched: float,
    partition: float,
    saturation: float,
    residual: float,
    critical: float,
    thickness: float,
    sites: float,
    k_on: float,
    k_off: float,
    solvent: float,
) -> None:
    parameters = changed(
        diffusion=diffusion,
        evaporation_speed=evaporation,
        quenched_speed=quenched,
        partition=partition,
        saturation=saturation,
        residual_liquid=residual,
        critical_concentration=critical,
    )
    film = dry(dose, Adsorption(sites, k_on, k_off, solvent), parameters, film_thickness=thickness)
    assert abs(film.balance) < 1e-8
    assert film.dosed == pytest.approx(dose * film.lead_density * thickness, rel=1e-12)
    # the profile holds what the solid took
    held = np.sum(film.density * np.diff(film.depth_edges))
    assert held == pytest.approx(film.grain_boundaries, rel=1e-9, abs=1e-300)
    assert film.within(thickness) == pytest.approx(film.dosed, rel=1e-8, abs=1e-300)
    lowest = -1e-6 * max(dose, 1e-9) * film.lead_density
    assert np.all(film.density >= lowest)
    assert np.all(film.oxide >= lowest)
    assert np.all((film.theta >= 0.0) & (film.theta <= 1.0 + 1e-9))


def test_no_dose_leaves_exactly_nothing() -> None:
    film = dry(0.0, OXIDE)
    for amount in (
        film.dosed,
        film.adsorbed,
        film.residue,
        film.grain_boundaries,
        film.balance,
        film.leftover,
    ):
        assert amount == 0.0
    for series in (film.density, film.theta, film.oxide, film.top):
        assert not np.any(series)
    assert set(film.shares.values()) == {0.0}


def test_partition_one_without_adsorption_leaves_a_uniform_solid() -> None:
    film = dry(0.01, None, changed(partition=1.0))
    # but for what evaporation at Pe = 0.001 swept up before
    assert film.per_lead == pytest.approx(np.full(film.density.size, 0.01), rel=1e-4)
    assert film.residue == pytest.approx(film.density[0] * film.depth_edges[0], rel=1e-6)


def test_the_profile_is_that_of_scheil_where_the_liquid_is_well_mixed_and_dilute() -> None:
    """Additive per lead x = k x0 (z / L)^(k - 1) at the height z above the oxide (Gulliver 1913, Scheil 1942)."""
    k, dose = 0.5, 1e-4
    film = dry(dose, None, changed(partition=k, saturation=1e30), tolerance=1e-6)
    share = film.depth_edges / film.film_thickness
    wanted = dose * np.diff(share**k) / np.diff(share)
    # the liquid has been stirred by diffusion only: Pe = 0.03 leaves a per cent
    assert film.per_lead == pytest.approx(wanted, rel=0.02)
    assert film.residue / film.dosed == pytest.approx(share[0] ** k, rel=0.02)


def test_a_target_film_is_richest_at_the_buried_interface(target: DriedFilm) -> None:
    assert np.all(np.diff(target.density) < 0.0)
    assert target.per_lead[0] > 20.0 * target.dose > 20.0 * target.per_lead[-1]
    assert target.surface_excess > target.interface > target.adsorbed > 0.0
    assert 0.15 < target.within(20e-9) / target.dosed < 0.5
    # far more was dosed than fits on the oxide: what is left is between the grains
    assert target.dosed == pytest.approx(1.8e19, rel=1e-12)
    assert target.sites < 0.02 * target.dosed
    assert sum(target.shares.values()) == pytest.approx(1.0, rel=1e-12)
    assert target.shares["grain boundaries"] > 0.9
    assert target.leftover == pytest.approx(target.shares["grain boundaries"] * 4e25)


def test_the_oxide_does_not_starve_the_film_unless_the_dose_is_tiny() -> None:
    """Sites per dose: at 0.01 mol% there are as many places as molecules."""
    scarce, ample = dry(1e-4, Adsorption(2e18, 1e-20, 0.0)), dry(1e-2, Adsorption(2e17, 1e-20, 0.0))
    assert scarce.shares["adsorbed"] > 0.9
    assert scarce.density[0] < 0.2 * scarce.dose * scarce.lead_density
    assert ample.theta[-1] == pytest.approx(1.0, abs=1e-6)


def test_more_is_taken_everywhere_when_more_is_dosed() -> None:
    films = [dry(dose, OXIDE) for dose in (1e-3, 3e-3, 1e-2, 3e-2)]
    for name in ("adsorbed", "residue", "grain_boundaries", "surface_excess"):
        assert np.all(np.diff([getattr(film, name) for film in films]) > 0.0), name


def test_the_solvent_keeps_sites_free() -> None:
    taken = [
        dry(0.003, Adsorption(2e17, 1e-25, 0.01, competition)).theta[-1]
        for competition in (0.0, 5.0, 50.0, 500.0)
    ]
    assert np.all(np.diff(taken) < -1e-3)


def test_the_history_is_that_of_a_film_that_dries(target: DriedFilm) -> None:
    assert target.liquid[0] == pytest.approx(450e-9 * 4e27 / INK)
    assert wet_thickness(450e-9, INK) == pytest.approx(target.liquid[0])
    assert 2.0 < target.onset < 30.0  # seconds to supersaturation
    assert target.time[-1] - target.onset < target.onset
    assert np.all(np.diff(target.liquid) < 0.0)
    # lead is somewhere at all times
    lead = target.liquid * target.lead + target.solid * target.lead_density
    assert lead == pytest.approx(np.full(lead.size, 450e-9 * 4e27), rel=1e-9)
    assert target.solid[0] == 0.0
    assert target.solid[-1] == pytest.approx(target.film_thickness - target.depth_edges[0])
    assert target.oxide[0] == pytest.approx(0.01 * INK)
    assert [snapshot.concentration.size for snapshot in target.snapshots] == [160] * 7
    assert target.snapshots[0].time == 0.0
    assert target.snapshots[2].time == pytest.approx(target.onset)


def test_the_library_dries_slowly_against_diffusion(target: DriedFilm) -> None:
    """With the library's numbers nothing sinks or piles up by speed: rejection alone enriches the interface."""
    assert max(target.peclet) < 0.1
    for snapshot in target.snapshots:
        assert np.ptp(snapshot.concentration) < 0.05 * snapshot.concentration.mean()


def test_the_answer_does_not_depend_on_cells_or_steps(target: DriedFilm) -> None:
    fine = dry(0.01, OXIDE, cells=320, tolerance=1e-6)
    assert target.density == pytest.approx(fine.density, rel=2e-3)
    assert target.adsorbed == pytest.approx(fine.adsorbed, rel=1e-5)
    assert target.residue == pytest.approx(fine.residue, rel=1e-4)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dose": -0.01}, "a dose of -1 mol% per lead cannot be negative"),
        ({"dose": 0.5}, "no additive any more"),
        ({"dose": float("nan")}, "a dose of nan mol%"),
        ({"ink_concentration": 3e27}, "solid at once"),
        ({"ink_concentration": 0.0}, "is empty"),
        ({"film_thickness": 1e-9}, "hardly thicker"),
        ({"film_thickness": -450e-9}, "hardly thicker"),
    ],
)
def test_bad_recipes_are_refused_with_a_sentence(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        dry(**{"dose": 0.01, **wrong})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"partition": 1.5}, "partition"),
        ({"diffusion": 0.0}, "diffusion"),
        ({"evaporation_speed": -1e-7}, "evaporation_speed"),
        ({"critical_concentration": 5e27}, "as much lead as the solid"),
        ({"wetness": 1.0}, "does not exist"),
    ],
)
def test_bad_parameters_are_refused_with_a_sentence(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        changed(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"sites": -1.0}, {"k_on": -1.0}, {"k_off": float("nan")}, {"solvent_competition": -1.0}],
)
def test_an_oxide_with_negative_rates_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Adsorption(**wrong)
