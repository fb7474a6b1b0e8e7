"""A line drawn through a film changes no reading of any instrument: what looks at "the absorber" looks at its film."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.lab import bands, conditions, cv, el, eqe, impedance, jv, pl, suns_voc, tpc, tpv, trpl
from perotwin.stack import paths
from sliced_films import sliced, without_ions

INSTRUMENTS = (bands, cv, el, eqe, impedance, jv, pl, tpc, tpv, suns_voc, trpl)
#: a part of a reading that meshes and time steps of their own may differ by, and what has no other size than theirs
WITHIN, ERRORS = 1e-3, {"kramers_kronig", "jsc_nonlinearity"}


@pytest.fixture(scope="module")
def whole() -> Any:
    return without_ions(pt.load("wbg-control"))


@pytest.fixture(scope="module")
def lined(whole: Any) -> Any:
    (film,) = whole.absorbers
    return sliced(whole, film.name, [1e9 * part * float(film.thickness) for part in (0.2, 0.3, 0.5)])


def _named(instrument: ModuleType) -> str:
    return instrument.__name__.rpartition(".")[2]


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=_named)
def test_lines_change_no_reading(instrument: Any, whole: Any, lined: Any) -> None:
    one, other = (instrument.analyse(instrument.measure(cell)) for cell in (whole, lined))
    assert set(one) == set(other)
    for name, metric in one.items():
        if name not in ERRORS:
            assert other[name].value == pytest.approx(metric.value, rel=WITHIN, nan_ok=True), name
    assert np.isfinite([metric.value for metric in one.values()]).any()


def test_a_slice_that_is_called_otherwise_is_of_the_film_all_the_same(whole: Any, lined: Any) -> None:
    """What a layer is for is not what it is made of: the first slice at the contact may go by another role."""
    data = paths.plain(lined)
    (film,) = whole.absorbers
    # pinholes are of an absorber
    other_role = {"role": "htl", "pinholes": None}
    named = [{**one, **other_role} if one["name"] == f"{film.name} 1" else one for one in data["layer"]]
    other = type(lined).model_validate({**data, "layer": named})
    found, wanted = (cv.analyse(cv.measure(cell))["resolvable_doping"].value for cell in (other, whole))
    assert found == pytest.approx(wanted, rel=1e-9)


def test_films_are_told_by_what_they_are_made_of(whole: Any, lined: Any) -> None:
    names = [[layer.name for layer in film] for film in conditions.films(lined)]
    (film,) = whole.absorbers
    assert [f"{film.name} {number}" for number in (1, 2, 3)] in names
    assert all(len(one) == 1 for one in conditions.films(whole))
    other = lined.with_values({f"{film.name} 2.electron_mobility": "7 cm2/Vs"})
    assert all(len(one) == 1 for one in conditions.films(other))
