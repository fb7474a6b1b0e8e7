"""Vacancies filled by mass action: by hand, by an independent root, in the limits, and for the paper's two films."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from perotwin.errors import InputError
from perotwin.recipe.drying import Adsorption, Drying, dry
from perotwin.recipe.passivation import Film, GrainBoundaries, passivate, unbound

LIBRARY = GrainBoundaries.library()
#: lead atoms of the film (m^-3)
LEAD = 4e27
OXIDE = Adsorption(sites=2e17, k_on=1e-25, k_off=5e-4, solvent_competition=5.0)


def changed(**values: Any) -> GrainBoundaries:
    """The library's parameters with some others."""
    own = {name: float(getattr(LIBRARY, name)) for name in GrainBoundaries.model_fields}
    return GrainBoundaries(**{**own, **values})


def made(dose: float) -> Film:
    """A film of the library dried with this dose."""
    film = dry(dose, OXIDE)
    return passivate(film.density, widths=np.diff(film.depth_edges))


def test_two_binders_solved_by_hand() -> None:
    """One of three stays unbound: 2 x 1/(1 + 1) = 1 is bound to the one kind and 3 x 1/(2 + 1) = 1 to the other."""
    assert unbound(3.0, [2.0, 3.0], [1.0, 2.0]) == pytest.approx([1.0], rel=1e-14)
    # two kinds that bind alike are one: a^2 + (5 + 1 - 4) a - 4 = 0
    assert unbound(4.0, [2.0, 3.0], [1.0, 1.0]) == pytest.approx([-1.0 + np.sqrt(5.0)], rel=1e-14)


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log10(low), np.log10(high)).map(lambda exponent: 10.0**exponent)


@given(
    log_uniform(1e-6, 1e6),
    st.lists(st.tuples(log_uniform(1e-4, 1e4), log_uniform(1e-8, 1e4)), min_size=1, max_size=3),
)
def test_any_binders_against_a_root_of_scipy(total: float, kinds: list[tuple[float, float]]) -> None:
    v, h = np.array(kinds).T
    found = float(unbound(total, v, h)[0])
    wanted = brentq(lambda a: a + np.sum(v * a / (h + a)) - total, 0.0, total, xtol=1e-300, rtol=1e-14)
    # where nearly all is bound, what is not is a small difference
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-14 * total)
    assert found + np.sum(v * found / (h + found)) == pytest.approx(total, rel=1e-12)


@given(dose=st.one_of(st.just(0.0), log_uniform(1e-6, 0.1)), size=log_uniform(100e-9, 600e-9))
def test_molecules_and_vacancies_are_kept(dose: float, size: float) -> None:
    film = passivate(dose * LEAD, grain_size=size)
    assert film.bound_halide + film.bound_a_site + film.unbound == pytest.approx(dose * LEAD, rel=1e-12)
    halide = LIBRARY.halide_vacancies * 2.0 / size
    assert film.ions + film.bound_halide == pytest.approx(halide + LIBRARY.halide_vacancies_inside, rel=1e-12)
    a_site = LIBRARY.a_site_vacancies * 2.0 / size
    assert film.counted + film.bound_a_site == pytest.approx(a_site + LIBRARY.counted_inside, rel=1e-12)
    assert film.bound_halide == pytest.approx(halide * float(film.halide_filled[0]), rel=1e-12)


def test_without_additive_all_is_as_in_the_control() -> None:
    film = passivate(0.0)
    assert film.bound_halide == film.bound_a_site == film.unbound == film.additive == 0.0
    assert not film.halide_filled.any()
    area = 2.0 / 300e-9
    assert film.boundary_area == pytest.approx(area)
    assert film.ions == pytest.approx(8.85e15 * area + 1e21)
    assert 1.0 / film.lifetime == pytest.approx(1.0 / 420e-9 + 4.5e-17 * 8.85e15 * area)
    assert film.ion_diffusion == pytest.approx((1e21 * 1e-16 + 8.85e15 * area * 6e-15) / film.ions)


def test_molecules_on_a_boundary_block_it() -> None:
    film, area = passivate(0.0003 * LEAD), 2.0 / 300e-9
    free = 1.0 - float(film.halide_filled[0])
    assert 0.1 < free < 0.9
    along = 1e-16 + (6e-15 - 1e-16) * free
    moving = 8.85e15 * area * free
    assert film.ion_diffusion == pytest.approx((1e21 * 1e-16 + moving * along) / (1e21 + moving))


def test_excess_additive_leaves_only_what_it_cannot_reach_and_its_own_rest() -> None:
    film = passivate(1e5 * LEAD)
    assert film.lifetime == pytest.approx(LIBRARY.inside_lifetime, rel=1e-4)
    assert film.counted == pytest.approx(LIBRARY.counted_inside, rel=1e-4)
    assert film.ions == pytest.approx(LIBRARY.halide_vacancies_inside, rel=1e-4)
    assert film.ion_diffusion == pytest.approx(LIBRARY.inside_diffusion, rel=1e-3)
    vacancies = (LIBRARY.halide_vacancies + LIBRARY.a_site_vacancies) * film.boundary_area
    assert film.unbound == pytest.approx(film.additive - vacancies, rel=1e-12)


def test_a_tight_binder_is_used_up_before_any_stays_unbound() -> None:
    """Titration: with a vanishing dissociation constant the additive fills vacancy for vacancy."""
    tight = changed(halide_half=1e6, a_site_vacancies=0.0)
    area = 2.0 / 300e-9
    half = passivate(0.5 * tight.halide_vacancies * area, tight)
    assert half.halide_filled == pytest.approx([0.5], rel=1e-6)
    assert half.unbound < 1e-6 * half.additive
    double = passivate(2.0 * tight.halide_vacancies * area, tight)
    assert double.unbound == pytest.approx(0.5 * double.additive, rel=1e-6)


def test_more_additive_never_makes_it_worse() -> None:
    films = [passivate(dose * LEAD) for dose in np.concatenate([[0.0], np.geomspace(1e-6, 0.1, 60)])]
    for name, sign in (("lifetime", 1), ("counted", -1), ("ions", -1), ("ion_diffusion", -1), ("unbound", 1)):
        assert np.all(sign * np.diff([getattr(film, name) for film in films]) > 0.0), name


def test_larger_grains_have_fewer_boundaries() -> None:
    small, large = passivate(0.01 * LEAD, grain_size=150e-9), passivate(0.01 * LEAD, grain_size=600e-9)
    assert small.lifetime < large.lifetime
    assert small.ions > large.ions
    # the same additive on a quarter of the area
    assert small.halide_filled[0] < large.halide_filled[0]


def test_depths_are_in_equilibrium_each_by_itself() -> None:
    profile, widths = np.array([1e26, 1e25, 0.0]), np.array([1.0, 2.0, 1.0])
    film = passivate(profile, widths=widths)
    alone = [passivate(value) for value in profile]
    assert film.ions == pytest.approx(np.average([one.ions for one in alone], weights=widths))
    assert film.counted == pytest.approx(np.average([one.counted for one in alone], weights=widths))
    rate = np.average([1.0 / one.lifetime for one in alone], weights=widths)
    assert film.lifetime == pytest.approx(1.0 / rate)
    assert film.additive == pytest.approx(np.average(profile, weights=widths))


@pytest.mark.parametrize("dose", [0.003, 0.01, 0.03])
def test_one_set_of_parameters_makes_the_control_and_the_target(dose: float) -> None:
    """In kind, as in fu-5avai: a fifth fewer counted traps, twice the lifetime, fewer and slower ions."""
    control, target = made(0.0), made(dose)
    assert control.counted == pytest.approx(1.01e22, rel=0.5)
    assert target.counted == pytest.approx(7.99e21, rel=0.5)
    assert 0.10 < 1.0 - target.counted / control.counted < 0.40
    assert 1.5 < target.lifetime / control.lifetime < 3.0
    assert target.ions < 0.7 * control.ions
    assert target.ion_diffusion < 0.8 * control.ion_diffusion


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"additive": -1.0}, "negative"),
        ({"additive": [1.0, float("nan")]}, "not a number"),
        ({"additive": 1.0, "grain_size": 0.0}, "grain size of 0 m"),
        ({"additive": [1.0, 2.0], "widths": [1.0]}, "do not belong"),
        ({"additive": [1.0, 2.0], "widths": [1.0, -1.0]}, "do not belong"),
    ],
)
def test_bad_films_are_refused_with_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        passivate(**wrong)


def test_every_number_of_the_library_has_a_range_and_says_what_fixes_it() -> None:
    for model in (Drying.library(), LIBRARY):
        for name in type(model).model_fields:
            number = getattr(model, name)
            assert number.assumed is not None or number.source is not None, name
            assert number.note is not None, name
            assert "fixed by" in number.note, name


def test_the_page_states_every_parameter_as_the_library_has_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "film.md").read_text(encoding="utf-8")
    for model in (Drying.library(), LIBRARY):
        for name in type(model).model_fields:
            number = getattr(model, name)
            row = re.search(rf"^\| `{name}` \| (.+?) \| (\S+) to (\S+) \|", page, re.MULTILINE)
            assert row is not None, name
            assert row[1] == number.text
            ends = tuple(float(end.text.split()[0]) for end in number.assumed)
            assert (float(row[2]), float(row[3])) == ends, name
