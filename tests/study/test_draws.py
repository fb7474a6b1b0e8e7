"""Draws: of a posterior as it is, of stated ranges evenly in the logarithm, of a spread as that says."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import perotwin as pt
import written
from perotwin.errors import InputError
from perotwin.measurement import save
from perotwin.study import from_posterior, from_ranges, from_spread, usual_spread


def posterior(path: Path, **attributes: object) -> Path:
    """A file of draws as a fit writes it: fields of the cell, and what is unknown of the measurement."""
    chance = np.random.default_rng(2)
    common = chance.standard_normal(300)
    lifetime, velocity = 4e-7 * np.exp(0.3 * common), 0.3 * np.exp(-0.6 * common)
    dataset = xr.Dataset(
        {
            "value": (("draw", "parameter"), np.column_stack([lifetime, velocity])),
            "nuisance_value": (("draw", "nuisance"), chance.standard_normal((300, 1))),
        },
        {"parameter": ["perovskite.lifetime", "niox|perovskite.velocity"], "nuisance": ["shift of the lamp"]},
        {"cell": pt.load("wbg-target").to_toml(), "stack": "wbg-target", "converged": 1, **attributes},
    )
    return save(dataset, path)


def test_samples_stay_together(tmp_path: Path) -> None:
    cell = pt.load("wbg-target")
    found = from_posterior(cell, posterior(tmp_path / "posterior.nc"), 200)
    made = [cell.with_values(one) for one in found.values]
    lifetime = np.array([float(one["perovskite.lifetime"]) for one in made])
    velocity = np.array([float(one["niox|perovskite.velocity"]) for one in made])
    assert np.corrcoef(np.log(lifetime), np.log(velocity))[0, 1] == pytest.approx(-1.0, abs=1e-6)
    assert len(set(lifetime)) == 200 and not found.notes
    again = from_posterior(cell, tmp_path / "posterior.nc", 250)
    assert again.values[:200] == found.values


def test_what_a_posterior_says_of_itself_is_said(tmp_path: Path) -> None:
    cell = pt.load("wbg-control")
    file = posterior(tmp_path / "posterior.nc", converged=0)
    found = from_posterior(cell, file, 400)
    said = " ".join(found.notes)
    assert "not converged" in said and "is of wbg-target" in said and "more than once" in said


def test_what_is_no_posterior_of_the_cell_is_refused(tmp_path: Path) -> None:
    file = posterior(tmp_path / "posterior.nc")
    with pytest.raises(InputError, match="none of its parameters") as caught:
        from_posterior(pt.load("cell-b"), file, 5)
    assert caught.value.advice
    save(xr.Dataset({"x": ("y", np.zeros(3))}), tmp_path / "other.nc")
    with pytest.raises(InputError, match="no variable over"):
        from_posterior(pt.load("wbg-target"), tmp_path / "other.nc", 5)


def test_ranges_are_drawn_evenly_in_the_logarithm() -> None:
    cell = written.made("wbg-target")
    # 1 to 6 ohm cm^2 and 1e3 to 1e6 ohm cm^2 are stated, a lifetime from the recipe is not
    paths = ["circuit.series_resistance", "circuit.shunt_resistance", "perovskite.trap.1.electron_lifetime"]
    found = from_ranges(cell, paths, 400)
    assert set(found.values[0]) == set(paths[:2]) and "2 numbers" in found.words
    shunts = np.log10([float(one["circuit.shunt_resistance"].split()[0]) for one in found.values])
    assert shunts.min() >= 3.0 and shunts.max() <= 6.0
    assert shunts.mean() == pytest.approx(4.5, abs=0.15) and shunts.std() == pytest.approx(
        3 / np.sqrt(12), rel=0.1
    )
    assert from_ranges(cell, paths, 500).values[:400] == found.values
    assert from_ranges(cell, paths[2:], 3).values == ({}, {}, {})


def test_a_spread_is_drawn_as_it_says() -> None:
    cell = pt.load("wbg-target")
    assert from_spread(cell, usual_spread(), 4).values == usual_spread().draw(cell, 4).values
    some = usual_spread().draw(cell, 40, only=(3, 17))
    every = usual_spread().draw(cell, 40)
    assert some.values == (every.values[3], every.values[17])
    assert some.substrate == (every.substrate[3], every.substrate[17])
