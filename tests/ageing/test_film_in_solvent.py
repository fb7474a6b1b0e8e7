"""Films in toluene: what is conserved, what is known of limits, and what is claimed."""

from dataclasses import replace

import numpy as np
import pytest

import perotwin as pt
from perotwin.ageing.film_in_solvent import (
    ByNumber,
    ByTransport,
    Parameters,
    Protocol,
    Stock,
    absorbance,
    age_film,
    left,
    readings,
    stock_of,
)
from perotwin.errors import InputError

CONTROL = Stock("control", 3.2e21, 6.0e22, 5.9e-15, 2.7e16)
TARGET = replace(CONTROL, name="target", vacancies=2.47e21, diffusion=1.876e-16)
P = Parameters.library()


def test_iodide_leaves_as_an_exponential_until_none_is_left() -> None:
    time = np.array([0.0, 3.6e4, 3.6e7])
    remaining = left(CONTROL, time, Protocol(), P)
    assert remaining[0] == CONTROL.iodide
    assert remaining[1] / CONTROL.iodide == pytest.approx(np.exp(-float(P.release_rate) * 3.6e4), rel=1e-9)
    assert 0.0 <= remaining[2] < 1e-30 * CONTROL.iodide
    assert np.all(left(CONTROL, time, Protocol(light="0 sun"), P) == CONTROL.iodide)


def test_the_ratio_of_two_films_is_that_of_their_vacancies_times_diffusion_or_of_their_number() -> None:
    early = 60.0
    for path, ratio in ((ByTransport(), 764.0), (ByNumber(), 24.3)):
        out = [one.iodide - left(one, [early], Protocol(path=path), P)[0] for one in (CONTROL, TARGET)]
        assert out[0] / out[1] == pytest.approx(ratio, rel=0.01)


def test_vacancies_are_the_path_and_not_the_stock() -> None:
    all_of_it = float(
        absorbance([CONTROL.iodide], [360e-9], P.model_copy(update={"triiodide_share": 1.0}))[0, 0]
    )
    vacancies = float(
        absorbance([CONTROL.mobile], [360e-9], P.model_copy(update={"triiodide_share": 1.0}))[0, 0]
    )
    assert all_of_it == pytest.approx(1.5, rel=0.1) and vacancies < 2e-5


def test_heat_speeds_it_up_by_the_activation_energy() -> None:
    cold, warm = (Protocol(temperature=t, duration="1 h") for t in ("25 degC", "85 degC"))
    out = [CONTROL.iodide - left(CONTROL, [60.0], one, P)[0] for one in (cold, warm)]
    k = 8.617333e-5
    assert out[1] / out[0] == pytest.approx(np.exp(0.45 / k * (1 / 298.15 - 1 / 358.15)), rel=1e-3)


def test_films_of_recipes_with_bands_where_triiodide_and_iodine_have_them() -> None:
    courses = {name: age_film(pt.recipe.prepare(pt.recipe.load(name))) for name in ("control", "target")}
    for course in courses.values():
        assert all(one.passed for one in pt.measurement.checks_of(course).values())
    end = courses["control"]["absorbance"].values[-1]
    wavelength = courses["control"]["wavelength"].values * 1e9
    peaks = [
        w for w, a, b, c in zip(wavelength[1:-1], end, end[1:], end[2:], strict=False) if b > a and b > c
    ]
    assert [round(float(one)) for one in peaks] == pytest.approx([290, 360, 495], abs=5)
    read = {name: readings(one) for name, one in courses.items()}
    # the paper: triiodide in the control at 6 h and more at 24 h, much less in the target
    assert 0.0 < float(read["control"]["absorbance_6h"]) < 0.5 * float(read["control"]["absorbance_end"])
    assert float(read["target"]["absorbance_end"]) < 0.01 * float(read["control"]["absorbance_end"])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="toluene"):
        Protocol(temperature="140 degC")
    with pytest.raises(InputError, match="leaves no film"):
        stock_of(pt.recipe.prepare(pt.recipe.load("control").washed()))
