"""Before measuring: what would be told, what not, and which measurement splits what only goes together."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import perotwin as pt
from perotwin import progress
from perotwin.calibrate import identify as identifying
from perotwin.calibrate import laboratory
from perotwin.calibrate.identify import (
    LATE,
    Candidate,
    candidates_for,
    hours_of,
    identify,
    kinds_beside,
    title_of,
)
from perotwin.calibrate.parameters import known, parameter_of
from perotwin.calibrate.synthetic import half_stacks, plan
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError
from written import made

ASKED = (
    "perovskite.lifetime",
    "niox|perovskite.velocity",
    "perovskite|c60.velocity",
    "circuit.series_resistance",
)


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    """One whose numbers lie away from the ends of their ranges."""
    return made("wbg-target")


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


def test_trying_ends_when_its_time_is_over_and_tells_what_was_not_tried(cell: pt.Stack) -> None:
    parameters = [parameter_of(cell, path) for path in ASKED[:2]]
    heard: list[str] = []

    class Ears(progress.Silent):
        def advance(self, key: object, amount: float, label: str | None) -> None:
            heard.append(label or "")

    def tried(seconds: float) -> dict[str, Candidate]:
        none = np.zeros(2, dtype=bool)
        kinds = ["trpl", "scan", "suns_voc", "eqe"]
        found, complete = candidates_for(cell, parameters, np.zeros((2, 2)), (), none, kinds, seconds=seconds)
        assert complete and {one.kind for one in found} == set(kinds)
        return {one.kind: one for one in found}

    # the first look at the clock is that before the steady curve's own numbers: what is steady is tried first
    clock = iter(np.arange(0.0, 1e3))
    with progress.listening(Ears()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(identifying, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
        some = tried(8.5)
    assert not some["suns_voc"].failure and some["suns_voc"].nats > 0.0
    for kind in ("trpl", "scan"):
        assert some[kind].failure.startswith(LATE) and np.isnan(some[kind].sd).all()
    assert "trying open-circuit voltage against light: 1 of 2 numbers" in heard
    assert not any("scans" in one and "numbers" in one for one in heard)
