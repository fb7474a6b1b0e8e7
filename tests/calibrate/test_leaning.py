"""Held numbers that fitted ones lean on: slopes against refits, and what is said of a level that was held at midgap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate.data import SteadyCurve
from perotwin.calibrate.fit import Calibration, calibrate
from perotwin.calibrate.leaning import _held, _traps, follow, leaning, levels_of, named, ranges_of
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import known, parameter_of
from perotwin.calibrate.synthetic import plan
from perotwin.calibrate.twin import Twin
from perotwin.report import calibration as shown
from perotwin.stack import Stack

ASKED = (
    "perovskite.lifetime=20 ns..4 us", "perovskite|c60.velocity=1 cm/s..1e5 cm/s",
    "circuit.series_resistance=0.1 ohm cm^2..10 ohm cm^2", "perovskite.mobility",
)  # fmt: skip
DONORS, AFFINITY = "sno2.electronic.donor_density", "perovskite.electronic.electron_affinity"
SHALLOW = {"perovskite.trap.1.level": {"below": "conduction", "depth": "0.3 eV"}}


def made(truth: dict[str, Any] | None = None, asked: Sequence[str] = ASKED, seed: int = 7) -> Calibration:
    """A steady curve and open circuit against light with their noise, of a cell with some truth, fitted without it."""
    known_of = {"circuit.series_resistance": "2 ohm cm^2", "circuit.shunt_resistance": "5e3 ohm cm^2"}
    cell = pt.load("wbg-target").with_values(known_of)
    assert isinstance(cell, Stack)
    true = cell.with_values(truth or {})
    rng, twin = np.random.default_rng(seed), Twin(true)
    data = [one.expected(twin, {}, {}, rng) for one in plan(true, ["jv", "suns_voc"], twin)]
    return calibrate([cell], data, [parameter_of(cell, path) for path in asked])


@pytest.fixture(scope="module")
def even() -> Calibration:
    return made()


@pytest.fixture(scope="module")
def shallow() -> Calibration:
    """With so many numbers free nothing is flagged."""
    more = (
        "niox|perovskite.velocity=1 cm/s..1e5 cm/s",
        "circuit.shunt_resistance=200 ohm cm^2..1e5 ohm cm^2",
    )
    return made(SHALLOW, (*ASKED, *more))


def refitted(found: Calibration, path: str, value: float) -> np.ndarray:
    """(P,) coordinates of a fit of the same data with a number held elsewhere (SI)."""
    count = found.objective.count
    (cell,) = found.objective.cells
    moved = cell.with_values({path: parameter_of(cell, path).written(value)})
    begin = [
        replace(one, start=float(at))
        for one, at in zip(found.fit.parameters[:count], found.fit.values[:count], strict=True)
    ]
    return calibrate([moved], found.objective.data, begin).fit.coordinates


def slopes_by(found: Calibration, paths: Sequence[str]) -> np.ndarray:
    """(N, F) of the residuals by held numbers, SI."""
    cell, count = found.objective.cells[0], found.objective.count
    held = [known(cell, path) for path in paths]
    objective = Objective([cell], found.objective.data, [*found.fit.parameters[:count], *held])
    values = np.concatenate([found.fit.values[:count], [one.start for one in held], found.fit.values[count:]])
    return objective.columns(range(count, count + len(held)), values)


def test_slopes_by_held_numbers_are_those_of_differences(even: Calibration) -> None:
    paths = [DONORS, AFFINITY, "perovskite.trap.2.level.depth", "niox.electronic.permittivity"]
    found = slopes_by(even, paths)
    (cell,) = even.objective.cells
    for column, path in enumerate(paths):
        one = parameter_of(cell, path)
        step = 1e-3 * one.start
        ends = []
        for sign in (-1.0, 1.0):
            moved = cell.with_values({path: one.written(one.start + sign * step)})
            other = Objective([moved], even.objective.data, even.objective.parameters[: len(ASKED)])
            ends.append(other.residuals(even.fit.values))
        differences = (ends[1] - ends[0]) / (2.0 * step)
        assert found[:, column] == pytest.approx(differences, abs=5e-3 * np.abs(differences).max()), path


@pytest.mark.parametrize(("path", "part"), [(DONORS, 0.1), (AFFINITY, 3e-4)])
def test_a_refit_with_the_held_number_moved_ends_where_the_slopes_say(
    even: Calibration, path: str, part: float
) -> None:
    """Both ways, so that what is of second order cancels; slopes of the other sign do not pass."""
    (cell,) = even.objective.cells
    one = parameter_of(cell, path)
    slopes = slopes_by(even, [path])[:, 0]
    expected = follow(even.fit, slopes * 2.0 * part * one.start)
    ends = [refitted(even, path, one.start * (1.0 + sign * part)) for sign in (-1.0, 1.0)]
    moved = ends[1] - ends[0]
    inside = np.abs(moved - expected) < 0.05 * np.abs(moved).max() + 0.02 * even.fit.sd
    assert inside.all(), (moved, expected)
    assert np.abs(moved).max() > 0.2 * even.fit.sd[np.argmax(np.abs(moved))]
    assert not (np.abs(moved + expected) < 0.05 * np.abs(moved).max() + 0.02 * even.fit.sd).all()


def test_what_a_held_number_is_worth_is_what_finding_it_along_says(even: Calibration) -> None:
    """Its own deviation, and the others' growth, of a fit in which it has its range as prior."""
    (lean,) = (one for one in ranges_of(even.objective, even.fit) if one.path == DONORS)
    (cell,) = even.objective.cells
    count = even.objective.count
    also = known(cell, DONORS)
    with_it = Objective([cell], even.objective.data, [*even.fit.parameters[:count], also])
    values = np.concatenate([even.fit.values[:count], [also.start], even.fit.values[count:]])
    chain = np.array([one.scale.slope(float(v)) for one, v in zip(with_it.parameters, values, strict=True)])
    slopes = with_it.jacobian(values) * chain
    priors = [0.0 if one.prior is None else one.prior.sd**-2.0 for one in with_it.parameters]
    sd = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes + np.diag(priors))))
    left = also.coordinate(float(pt.units.parse(lean.other, "number density"))) - also.coordinate(also.start)
    assert left == pytest.approx(sd[count], rel=0.01)
    index, value = lean.moved[0]
    shift = even.fit.parameters[index].coordinate(value) - even.fit.coordinates[index]
    assert sd[index] == pytest.approx(float(np.hypot(even.fit.sd[index], shift)), rel=0.01)
    assert lean.worst == pytest.approx(abs(shift) / even.fit.sd[index]) and lean.worst > 1.0


def test_what_is_fitted_or_states_no_range_is_not_held_against_a_fit(even: Calibration) -> None:
    paths = {one.path for one in ranges_of(even.objective, even.fit)}
    quantities = even.objective.cells[0].quantities()
    assert DONORS in paths
    assert not any(path.startswith(("perovskite|c60", "circuit.series")) for path in paths)
    assert all(quantities[path].assumed is not None for path in paths)


# --- levels ----------------------------------------------------------------------------------------------------------


def test_a_level_that_was_held_at_midgap_and_is_not_is_told_with_the_lifetime_that_it_hides(
    shallow: Calibration, even: Calibration
) -> None:
    """A level 0.3 eV below the band, which no residual tells: the lifetime of the fit is wrong, and the sentence has
    the right one, 409 ns. Of a cell whose level is at midgap the data speak against it, and nothing is said.
    """
    assert not shallow.flagged
    fit = shallow.fit
    (lean,) = (one for one in levels_of(shallow.objective, fit) if one.path == "perovskite.trap.1.level")
    lifetime = dict(lean.moved)[0]
    truth, wrong = 409e-9, float(fit.values[0])
    assert abs(wrong - truth) > 0.15 * truth
    assert lifetime == pytest.approx(truth, rel=0.08)
    assert lean.rise < 0.0 and lean.held == "at midgap"
    assert "perovskite.lifetime" in lean.words and "in place of" in lean.words
    assert "--vary perovskite.trap.1.level.depth" in lean.words or ".height" in lean.words
    assert not [one for one in levels_of(even.objective, even.fit) if one.path == "perovskite.trap.1.level"]


def test_without_time_for_another_fit_no_figure_is_given(shallow: Calibration) -> None:
    """Along the slopes a level's change goes too far."""
    lean = next(
        one for one in levels_of(shallow.objective, shallow.fit, 0.0) if one.path == "perovskite.trap.1.level"
    )
    assert np.isnan(lean.rise) and "was not tried" in lean.words and "in place of" not in lean.words
    assert "perovskite.lifetime" in lean.words and "--vary perovskite.trap.1.level" in lean.words
    entry = shown.fit_result(replace(shallow, leans=(lean,)))["leans_on"][0]
    assert entry["moved"][0]["value"] is None and entry["moved"][0]["name"] == "perovskite.lifetime"


def test_a_level_that_is_fitted_or_of_no_fitted_trap_is_not_asked_for() -> None:
    off = {"perovskite.trap.1.level": {"below": "conduction", "depth": "0.4 eV"}}
    cell = pt.load("wbg-target").with_values(off)
    twin = Twin(cell)
    data = [one.expected(twin, {}, {}, None) for one in plan(cell, ["jv", "suns_voc"], twin)]
    for paths in (
        ("perovskite.lifetime", "perovskite.trap.1.level.depth=0.2 eV..0.8 eV"),
        ("perovskite.mobility",),
    ):
        found = calibrate([cell], data, [parameter_of(cell, path) for path in paths])
        assert not levels_of(found.objective, found.fit)


def test_report_json_and_page_say_it(shallow: Calibration) -> None:
    found = replace(shallow, leans=leaning(shallow.objective, shallow.fit))
    level, *others = found.leans
    assert level.path == "perovskite.trap.1.level" and others
    assert "what was held, and counts:" in found.report() and level.words in found.report()
    assert any(level.words in one for one in shown.fit_words(found))
    (entry, *_) = shown.fit_result(found)["leans_on"]
    assert entry["path"] == level.path and entry["chi2_change"] == pytest.approx(level.rise)
    assert entry["moved"][0]["value_si"] == level.moved[0][1] and entry["moved"][0]["unit"]
    assert all(one["chi2_change"] is None for one in shown.fit_result(found)["leans_on"][1:])
    page = shown.render_fit(found, {})
    assert "What was held counts" in page and "the level of perovskite.trap.1" in page
    assert "What was held counts" not in shown.render_fit(shallow, {})
    assert len(named(found.leans)) <= 1 + 3 + 1


def test_paths_of_a_tandem_and_traps_without_their_number_are_found() -> None:
    tandem = pt.load("tandem-target")
    volts = np.array([0.0, 1.0, 2.0])
    curve = SteadyCurve("jv", tandem.name, volts, volts, np.full(3, 0.2))
    asked = ("top.perovskite.lifetime", "bottom.perovskite|c60.trap.hole_velocity")
    objective = Objective([tandem], [curve], [parameter_of(tandem, path) for path in asked])
    found = {path: (layer.name, layer.role) for path, _, layer in _traps(objective, tandem)}
    assert found == {
        "top.perovskite.trap.1": ("perovskite", "absorber"),
        "bottom.perovskite|c60.trap": ("perovskite", "absorber"),
    }
    held = {one.paths[0] for one in _held(objective, tandem)}
    assert "bottom.perovskite|c60.trap.1.electron_velocity" in held
    assert "bottom.perovskite|c60.trap.1.hole_velocity" not in held


def test_of_several_cells_each_held_number_is_of_its_own() -> None:
    control, target = pt.load("wbg-control"), pt.load("wbg-target")
    data = []
    for cell in (control, target):
        twin = Twin(cell)
        data += [
            replace(one.expected(twin, {}, {}, None), name=f"{cell.name} {one.name}")
            for one in plan(cell, ["suns_voc"], twin)
        ]
    varied = [
        parameter_of(cell, "perovskite.lifetime", name=f"{cell.name}: lifetime", cells=(cell.name,))
        for cell in (control, target)
    ]
    found = calibrate([control, target], data, varied)
    leans = ranges_of(found.objective, found.fit)
    assert {one.cell for one in leans} == {"wbg-control", "wbg-target"}
    for one in leans:
        # what is held in one cell moves the lifetime of that cell alone
        assert {found.fit.parameters[index].name for index, _ in one.moved} == {f"{one.cell}: lifetime"}
        assert f"on {one.cell}: {one.path}" in one.words
