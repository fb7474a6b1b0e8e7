"""Before measuring: what would be told, what not, and which measurement splits what only goes together."""

from __future__ import annotations

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate import laboratory
from perotwin.calibrate.identify import hours_of, identify, kinds_beside, title_of
from perotwin.calibrate.parameters import known, parameter_of
from perotwin.calibrate.synthetic import half_stacks, plan
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError

ASKED = (
    "perovskite.lifetime",
    "niox|perovskite.velocity",
    "perovskite|c60.velocity",
    "circuit.series_resistance",
)


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("wbg-target")


@pytest.mark.slow
def test_faces_go_together_until_a_half_stack_splits_them(cell: pt.Stack) -> None:
    parameters = [parameter_of(cell, path) for path in ASKED]
    found = identify(
        cell, ["jv"], parameters, further=["suns_voc", "pl film/c60", "pl film/niox", "trpl film/c60"]
    )
    names = [{found.parameters[i].name for i in group.members} for group in found.groups]
    assert any({"niox|perovskite.velocity", "perovskite|c60.velocity"} <= members for members in names)
    number = next(i for i, members in enumerate(names) if "perovskite|c60.velocity" in members)
    remedy = found.remedy(number)
    # photoluminescence of a half-stack, as it was tried and not as it was typed
    assert remedy is not None and "film/" in remedy.kind
    assert "series" in found.parameters[3].name and found.identified[3]
    ranked = [one.per_hour for one in found.candidates]
    assert ranked == sorted(ranked, reverse=True)
    assert all(one.nats > -1e-6 for one in found.candidates)


@pytest.mark.slow
def test_what_is_expected_is_what_fits_scatter_by(cell: pt.Stack) -> None:
    """The interval that is foretold is the one that fits of the planned measurement have."""
    from perotwin.calibrate.fit import calibrate

    parameters = [parameter_of(cell, path) for path in ("perovskite.lifetime", "circuit.series_resistance")]
    found = identify(cell, ["jv", "suns_voc"], parameters, further=[])
    twin = Twin(cell)
    planned = plan(cell, ["jv", "suns_voc"], twin)
    rng = np.random.default_rng(4)
    ends = []
    for _ in range(12):
        light = {"jv: light": float(np.exp(0.02 * rng.standard_normal()))}
        data = [one.expected(twin, {}, light if one.name == "jv" else {}, rng) for one in planned]
        ends.append(calibrate([cell], data, parameters).fit.coordinates[:2])
    scatter = np.std(ends, axis=0, ddof=1)
    # of twelve, a standard deviation is known to a fifth
    assert np.all(np.abs(np.log(scatter / found.sd)) < 0.65)


def test_more_measurements_never_tell_less(cell: pt.Stack) -> None:
    parameters = [parameter_of(cell, path) for path in ASKED[:2]]
    one = identify(cell, ["suns_voc"], parameters, further=[])
    both = identify(cell, ["suns_voc", "jv"], parameters, further=[])
    assert np.all(both.sd <= one.sd * (1.0 + 1e-9))
    assert both.hours == pytest.approx(laboratory.hours("jv") + laboratory.hours("suns_voc"))
    nothing = identify(cell, [], [*parameters, known(cell, "ito.thickness")], further=[])
    assert not nothing.identified[:2].any() and np.isinf(nothing.sd[:2]).all()
    assert nothing.interval(0) == (parameters[0].low, parameters[0].high)


def test_plans_are_of_the_cell(cell: pt.Stack) -> None:
    assert half_stacks(cell) == ["film/niox", "film/c60"]
    assert "scan" in kinds_beside(cell, ["eqe"]) and "eqe" not in kinds_beside(cell, ["eqe"])
    assert title_of("pl film/c60") == "absolute photoluminescence of film/c60"
    assert hours_of("trpl film/c60") == laboratory.hours("trpl_half_stack")
    with pytest.raises(InputError, match='Did you mean "eqe"'):
        plan(cell, ["eqo"])
    with pytest.raises(InputError, match="nothing is asked"):
        identify(cell, ["jv"], [])
    with pytest.raises(InputError, match="nothing is assumed"):
        laboratory.number("jv", "joy")
    with pytest.raises(InputError, match="in the dark"):
        plan(cell.with_values({"light.intensity": "dark"}), ["jv"])
