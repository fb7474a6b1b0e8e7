"""What cells are compared with, and how residuals follow what is varied: exact slopes against differences, several
cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate.data import Scalar, SteadyCurve, SunsVoc, figures
from perotwin.calibrate.data_in_time import Scan, Segment, deviance, groups, thinned
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import known, parameter_of
from perotwin.calibrate.synthetic import plan
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError
from perotwin.lab.decay_fits import histogram

ELECTRIC = (
    "perovskite.lifetime", "niox|perovskite.velocity", "perovskite.ions.density", "circuit.series_resistance",
    "niox|perovskite.dipole",
)  # fmt: skip


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("wbg-target")


def few(cell: pt.Stack, twin: Twin) -> list:
    """A curve of six points and three lights, without noise."""
    volts = np.array([0.0, 0.5, 1.0, 1.2, 1.3, 1.35])
    jv = SteadyCurve("jv", cell.name, volts, volts, np.full(6, 0.2), 1.0, 0.02)
    suns = SunsVoc("suns_voc", cell.name, np.array([1.0, 0.1, 0.01]), np.full(3, 1.2), np.full(3, 1e-3))
    return [one.expected(twin, {}, {}, None) for one in (jv, suns)]


def test_exact_slopes_are_those_of_differences(cell: pt.Stack) -> None:
    twin = Twin(cell)
    objective = Objective([cell], few(cell, twin), [parameter_of(cell, path) for path in ELECTRIC])
    values = np.array([one.start for one in objective.parameters])
    with objective.remembering():
        assert np.abs(objective.residuals(values)).max() < 1e-9
        slopes = objective.jacobian(values)
        exact = {number for index in range(2) for number in objective._exact(index, values)}
        assert exact == set(range(len(ELECTRIC)))
        for number, one in enumerate(objective.parameters):
            step = 1e-3 * one.scale.slope(values[number])
            ends = []
            for sign in (-1.0, 1.0):
                moved = values.copy()
                moved[number] += sign * step
                ends.append(objective.residuals(moved))
            differences = (ends[1] - ends[0]) / (2.0 * step)
            assert slopes[:, number] == pytest.approx(differences, abs=2e-4 * np.abs(differences).max())


def test_cells_share_what_names_no_cell_and_have_the_rest_of_their_own(cell: pt.Stack) -> None:
    other = cell.with_values({"name": "other", "perovskite.lifetime": "100 ns"})
    data = few(cell, Twin(cell))[:1]
    more = [replace(one, name="jv other", cell="other") for one in data]
    shared = parameter_of(cell, "circuit.series_resistance")
    own = parameter_of(other, "perovskite.lifetime", name="other: lifetime", cells=("other",))
    objective = Objective([cell, other], [*data, *more], [shared, own])
    assert [one.name for one in objective.parameters[2:]] == ["jv: light", "jv other: light"]
    values = np.array([one.start for one in objective.parameters])
    with objective.remembering():
        slopes = objective.jacobian(values)
    first, second = np.abs(slopes[:6]).max(axis=0), np.abs(slopes[6:]).max(axis=0)
    assert first[0] > 0.0 and second[0] > 0.0
    assert first[1] == 0.0 and second[1] > 0.0
    assert first[2] > 0.0 == first[3]
    made = objective.with_values(values * np.array([2.0, 3.0, 1.0, 1.0]))
    assert [float(one.circuit.series_resistance) for one in made] == pytest.approx([2.0 * values[0]] * 2)
    assert float(made[0].get("perovskite.lifetime")) == float(cell.get("perovskite.lifetime"))
    assert float(made[1].get("perovskite.lifetime")) == pytest.approx(3e-7)


def test_the_level_of_the_light_is_a_factor_of_the_photocurrent(cell: pt.Stack) -> None:
    twin = Twin(cell)
    (jv, _) = few(cell, twin)
    brighter = jv.expected(twin, {}, {"jv: light": 1.02}, None)
    assert brighter.current[0] / jv.current[0] == pytest.approx(1.02, abs=1e-3)
    assert jv.nuisances()[0].prior.sd == 0.02


def test_numbers_of_a_cell_are_those_of_the_instrument(cell: pt.Stack) -> None:
    measured = pt.lab.jv.measure(cell)
    metrics = pt.lab.jv.analyse(measured)
    found = figures(Twin(cell).solver({}), 1.0)
    for name in ("voc", "jsc", "ff", "pce"):
        assert found[name] == pytest.approx(float(metrics[name]), rel=2e-3)
    scalar = Scalar("voc", cell.name, "voc", found["voc"] + 0.01, 0.005)
    assert scalar.residuals(Twin(cell), {}, {})[0] == pytest.approx(-2.0, abs=0.01)


@pytest.mark.slow
def test_runs_in_time_are_followed_by_all_that_is_unknown_of_them(cell: pt.Stack) -> None:
    """Exact slopes of scans and decays are those of differences, as far as time steps that adapt let these be known."""
    twin = Twin(cell)
    scan, decay = plan(cell, ["scan", "trpl"], twin)
    scan = replace(scan, rate=None, dwell=None)
    paths = (*ELECTRIC, "perovskite.ions.diffusion_coefficient", "perovskite.thickness")
    objective = Objective([cell], [scan, decay], [parameter_of(cell, path) for path in paths])
    values = np.array([one.start for one in objective.parameters])
    names = [one.name for one in objective.parameters]
    with objective.remembering():
        for index, own in ((0, {"scan: light", "scan: rate", "scan: dwell"}), (1, {"trpl: fluence"})):
            exact = objective._exact(index, values)
            assert {names[number] for number in exact} == {*names[: len(paths)], *own}
            largest = 0.0
            errors = []
            for number, column in exact.items():
                one = objective.parameters[number]
                step = 0.02 * one.scale.slope(values[number])

                def across(step: float, number: int = number, index: int = index) -> np.ndarray:
                    ends = []
                    for sign in (-1.0, 1.0):
                        moved = values.copy()
                        moved[number] += sign * step
                        ends.append(objective.residuals_of(index, moved))
                    return ends[1] - ends[0]

                # a dipole moved by so much bends the curve: Richardson's extrapolation
                differences = (8.0 * across(0.5 * step) - across(step)) / 3.0
                largest = max(largest, float(np.abs(differences).max()))
                errors.append(float(np.abs(2.0 * step * column - differences).max()))
            assert max(errors) <= 0.01 * largest
    # the film knows nothing of faces and circuits
    assert not objective._exact(1, values)[names.index("circuit.series_resistance")].any()


@pytest.mark.slow
def test_a_scan_is_that_of_the_instrument_and_a_decay_sees_the_film_alone(cell: pt.Stack) -> None:
    protocol = pt.lab.scan.Protocol(start="0 V", stop="1.4 V", step="100 mV", rate="100 mV/s", dwell="10 s")
    measured = pt.lab.scan.measure(cell, protocol)
    segments = []
    for direction in ("reverse", "forward"):
        one = measured[direction]
        volts, current = one["voltage"].values, one["current_density"].values
        segments.append(Segment(direction, volts, current, np.full(volts.size, 0.05)))
    scan = Scan("scan", cell.name, tuple(segments), 0.1, 10.0)
    twin = Twin(cell)
    # 0.05 A/m^2 is a 3e-4 part of the photocurrent; beyond open circuit the curve is steep
    residuals = scan.residuals(twin, {}, {})
    inner = np.concatenate([one.voltage < 1.3 for one in segments])
    assert np.abs(residuals[inner]).max() < 0.5
    (decay,) = plan(cell, ["trpl"], twin)
    parameters = [parameter_of(cell, path) for path in ("perovskite.lifetime", "perovskite|c60.velocity")]
    objective = Objective([cell], [decay], parameters)
    values = np.array([one.start for one in objective.parameters])
    with objective.remembering():
        slopes = objective.jacobian(values)
    assert np.abs(slopes[:, 0]).max() > 0.0 == np.abs(slopes[:, 1]).max()


def test_a_level_of_counts_is_judged_by_its_likelihood() -> None:
    rng = np.random.default_rng(2)
    model = np.full(20_000, 3.0)
    found = deviance(model, rng.poisson(model).astype(float))
    # twice the logarithm of the likelihood ratio of a Poisson number of mean 3 is 1.15 in the mean
    assert np.mean(found**2) == pytest.approx(1.15, abs=0.03)
    assert deviance(np.array([4.0]), np.array([4.0]))[0] == 0.0
    assert deviance(np.array([2.0]), np.array([0.0]))[0] == pytest.approx(2.0)


def test_bins_are_put_together_and_none_of_their_light_is_lost() -> None:
    time = np.arange(-50, 2000) * 1e-10
    counts = np.where(time >= 0.0, 1000.0 * np.exp(-np.maximum(time, 0.0) / 2e-8), 0.0) + 2.0
    seen = histogram(time, np.round(counts))
    edges, grouped, background = groups(seen)
    assert edges.size == grouped.size + 1 < 150
    assert np.all(np.diff(edges) > 0.0) and np.all(grouped >= 30.0)
    since = time - seen.onset
    inside = (since > edges[0]) & (since < edges[-1])
    assert grouped.sum() == pytest.approx(np.round(counts)[inside].sum(), rel=1e-3)
    assert background.sum() == pytest.approx(2.0 * inside.sum(), rel=0.05)


def test_long_curves_are_thinned_evenly_with_both_ends() -> None:
    assert np.array_equal(thinned(np.arange(30.0)), np.arange(30))
    index = thinned(np.arange(400.0))
    assert index[0] == 0 and index[-1] == 399 and index.size == 40
    assert np.ptp(np.diff(index)) <= 1


def test_what_does_not_belong_together_is_refused(cell: pt.Stack) -> None:
    (jv, suns) = few(cell, Twin(cell))
    lifetime = parameter_of(cell, "perovskite.lifetime")
    with pytest.raises(InputError, match="not among the cells"):
        Objective([cell], [replace(jv, cell="another")], [lifetime])
    with pytest.raises(InputError, match="two data sets"):
        Objective([cell], [jv, jv], [lifetime])
    with pytest.raises(InputError, match="one name"):
        Objective([cell, cell], [jv], [lifetime])
    with pytest.raises(InputError, match="not among the cells"):
        Objective([cell], [jv], [replace(lifetime, cells=("another",))])
    with pytest.raises(InputError, match="no number of a steady curve"):
        Scalar("a", cell.name, "sunshine", 1.0, 0.1)
    with pytest.raises(InputError, match="zero or no number"):
        replace(suns, sd=np.zeros(3))
    assert known(cell, "ito.thickness").prior is not None


def test_levels_off_midgap_are_numbers_of_the_carriers_equations(cell: pt.Stack) -> None:
    """Their slopes are exact too: of a depth below the conduction band and of a height above the valence band."""
    other = cell.with_values(
        {
            "perovskite.trap.1.level": {"below": "conduction", "depth": "0.35 eV"},
            "niox|perovskite.trap.1.level": {"above": "valence", "height": "0.35 eV"},
        }
    )
    paths = ("perovskite.trap.1.level.depth", "niox|perovskite.trap.1.level.height")
    volts = np.array([0.0, 1.1, 1.25, 1.3])
    jv = SteadyCurve("jv", other.name, volts, volts, np.full(4, 0.2)).expected(Twin(other), {}, {}, None)
    objective = Objective([other], [jv], [parameter_of(other, path) for path in paths])
    values = np.array([one.start for one in objective.parameters])
    with objective.remembering():
        slopes = objective.jacobian(values)
        assert set(objective._exact(0, values)) == {0, 1}
        for number in range(2):
            ends = []
            for sign in (-1.0, 1.0):
                moved = values.copy()
                moved[number] += sign * 2e-4
                ends.append(objective.residuals(moved))
            differences = (ends[1] - ends[0]) / 4e-4
            assert slopes[:, number] == pytest.approx(
                differences, rel=2e-3, abs=1e-3 * np.abs(differences).max()
            )
            assert np.abs(differences).max() > 1e-3
