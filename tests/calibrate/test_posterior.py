"""Draws from the posterior: against the covariance where that is exact, through files, and after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate.data import SteadyCurve
from perotwin.calibrate.fit import Calibration, calibrate
from perotwin.calibrate.parameters import parameter_of
from perotwin.calibrate.posterior import Posterior, _LogPosterior, posterior_of
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError
from perotwin.study.draws import read_posterior
from written import made


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    """Two numbers from a curve of eight points."""
    # one whose series resistance is not at the end of its range
    cell = made("wbg-target")
    parameters = [parameter_of(cell, "perovskite.lifetime"), parameter_of(cell, "circuit.series_resistance")]
    volts = np.array([0.0, 0.5, 0.9, 1.1, 1.2, 1.25, 1.3, 1.35])
    jv = SteadyCurve("jv", cell.name, volts, volts, np.full(volts.size, 0.5))
    data = jv.expected(Twin(cell), {}, {}, np.random.default_rng(1))
    return calibrate([cell], [data], parameters)


@pytest.mark.slow
def test_draws_scatter_as_the_covariance_has_it(fitted: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "posterior.nc"
    drawn = posterior_of(fitted, 1440, seed=1, path=path)
    assert drawn.walkers * drawn.steps == 1440
    logs = np.log(drawn.draws)
    # two numbers that the data tell well: a Gaussian
    assert logs.std(axis=0) == pytest.approx(fitted.fit.sd, rel=0.15)
    assert np.abs(logs.mean(axis=0) - fitted.fit.coordinates) == pytest.approx(
        0.0, abs=0.3 * fitted.fit.sd.max()
    )
    assert np.corrcoef(logs.T)[0, 1] == pytest.approx(fitted.fit.correlations[0, 1], abs=0.1)
    read = read_posterior(path)
    assert read.names == ("perovskite.lifetime", "circuit.series_resistance")
    assert np.array_equal(read.values, drawn.draws) and read.stack == "wbg-target"
    assert read.cell is not None
    assert float(read.cell.get(read.names[0])) == pytest.approx(fitted.fit.values[0])
    more = posterior_of(fitted, 1920, seed=1, path=path, resume=True)
    assert more.steps == 80
    with pytest.raises(InputError, match="of another fit"):
        other = calibrate(fitted.objective.cells, fitted.objective.data, fitted.objective.parameters[:1])
        posterior_of(other, 2400, path=path, resume=True)


def test_times_that_are_not_known_are_no_number() -> None:
    for times, words in (
        (np.array([np.nan, 7.2]), "(7 steps)"),
        (np.array([np.nan]), "(not known from so few)"),
    ):
        short = Posterior(
            (), np.zeros((0, times.size)), times, steps=7, walkers=4, accepted=0.5, checked=np.nan
        )
        assert not short.converged and words in short.words[0]


@pytest.mark.slow
def test_two_processes_walk_as_one_does(fitted: Calibration) -> None:
    one, two = (posterior_of(fitted, 144, seed=3, processes=n) for n in (1, 2))
    assert np.allclose(one.draws, two.draws, rtol=1e-6)


def test_what_is_too_few_is_refused_and_a_short_chain_says_so(fitted: Calibration, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fewer than two"):
        posterior_of(fitted, 30)
    short = posterior_of(fitted, 96, seed=2)
    assert not short.converged and "not to be trusted" in short.words[0]
    with pytest.raises(InputError, match="no parameter"):
        short.interval("joy")
    low, high = short.interval("perovskite.lifetime")
    assert low < high
    other = tmp_path / "other.nc"
    pt.measurement.save(pt.lab.jv.measure(pt.load("wbg-target"), pt.lab.jv.Protocol(step="100 mV")), other)
    with pytest.raises(InputError, match="holds no variable over draw and parameter"):
        read_posterior(other)


@pytest.mark.slow
def test_an_interruption_keeps_what_was_drawn(
    fitted: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    right = _LogPosterior.of

    def of(self: _LogPosterior, u: np.ndarray) -> float:
        nonlocal calls
        calls += 1
        if calls > 200:
            raise KeyboardInterrupt
        return right(self, u)

    monkeypatch.setattr(_LogPosterior, "of", of)
    made = posterior_of(fitted, 2400, seed=1, path=tmp_path / "posterior.nc")
    assert not made.complete and 2 <= made.steps < 10
    assert read_posterior(tmp_path / "posterior.nc").values.shape[1] == 2
