"""The calibration on the paper: what is free, what it is fitted to, that both reach the cells, and what was kept."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin import recipe
from perotwin.errors import UnknownNameError
from perotwin.paper import calibrated, claims, split
from perotwin.workflows import calibrate_paper as job

PICTURES = tuple(split.pictures())


@pytest.mark.parametrize("picture", PICTURES)
def test_no_more_than_eight_numbers_are_free_each_within_its_range(picture: str) -> None:
    free = job.free(picture)
    assert 1 <= len(free) + len(split.picture(picture).fixed) + len(split.nuisances()) <= 8
    for one in free:
        assert one.low <= one.start <= one.high and one.low < one.high
    low, high = (float(end) for end in split.nuisances()["scan_rate"].assumed or (0, 0))
    assert min(job.RATES) >= low and max(job.RATES) <= high * (1 + 1e-9)


def test_only_rows_that_are_declared_are_fitted() -> None:
    rows = job.data()
    assert len(rows) >= 12
    for name, (value, width) in rows.items():
        assert name in split.fitted() and claims.find(name).label == "calibrated"
        assert value == claims.find(name).value and width > 0.0
    assert rows["wide_bandgap.jv.target.voc"][1] == 2.5e-3


def test_a_picture_that_there_is_not_is_refused_with_the_near_ones() -> None:
    with pytest.raises(UnknownNameError, match='there is no picture "pinhole"') as refused:
        job.free("pinhole")
    assert "pinholes" in refused.value.advice


@pytest.mark.parametrize("picture", PICTURES)
def test_values_reach_recipe_and_base_and_what_was_chosen_stays(picture: str) -> None:
    free = job.free(picture)
    values = np.array([one.value(0.3 * one.ends[0] + 0.7 * one.ends[1]) for one in free])
    parameters, base = job.remade(free, values, picture)
    seen = {**parameters.quantities(), **{f"base.{path}": q for path, q in base.quantities().items()}}
    for one, value in zip(free, values, strict=True):
        for path in one.paths:
            assert float(seen[path]) == pytest.approx(value, rel=1e-9), path
    for path, written in split.chosen().items():
        assert str(base.get(path)) == written


@pytest.mark.parametrize("picture", PICTURES)
def test_what_is_kept_lies_inside_its_ranges_and_makes_the_cells(picture: str) -> None:
    data, ranges = calibrated.read(calibrated.file(picture)), split.numbers()
    paths = {path for one in job.free(picture) for path in one.paths} | set(split.picture(picture).fixed)
    kept = {**data["recipe"], **{f"base.{path}": value for path, value in data["base"].items()}}
    assert set(kept) == paths | {f"base.{path}" for path in split.chosen()}
    cells = calibrated.singles(picture)
    numbers = calibrated.recipes(picture)["target"].parameters.quantities()
    for path in paths:
        value = ranges[path]
        assert value.assumed is not None
        low, high = (float(end) for end in value.assumed)
        found = float(
            numbers[path] if path in data["recipe"] else cells["target"].get(path.removeprefix("base."))
        )
        assert low * (1 - 1e-4) <= found <= high * (1 + 1e-4), (path, kept[path])
    # the kept chi-square is that of the kept rows, whose misfits are told to a tenth
    off = np.array([row["off"] for row in data["row"].values()])
    assert set(data["row"]) == set(job.data())
    assert abs(data["chi_square"] - float((off**2).sum())) <= 0.1 * float(np.abs(off).sum()) + 0.01 * off.size
    assert set(data["at_bounds"]) <= {one.name for one in job.free(picture)}


def test_tandems_of_the_set_stand_on_its_cells() -> None:
    cells = calibrated.singles()
    tandems = calibrated.tandems(cells)
    assert tandems["target"].get("top.niox|perovskite.trap.1.electron_velocity") == cells["target"].get(
        "niox|perovskite.trap.1.electron_velocity"
    )
    bottom = pt.load("tandem-target")
    assert isinstance(bottom, pt.Tandem) and isinstance(tandems["target"], pt.Tandem)
    assert tandems["target"].bottom == bottom.bottom


@pytest.mark.slow
def test_the_set_meets_its_rows_in_steady_states() -> None:
    """Voc, Jsc and the losses of both cells; what scans add is part of the calibration and of its report."""
    from perotwin.lab import suns_voc

    for condition, cell in calibrated.singles().items():
        found = suns_voc.analyse(
            suns_voc.measure(cell, suns_voc.Protocol(brightest="1 sun", dimmest="0.03 sun", per_decade=5))
        )
        for name in ("transport", "nonradiative"):
            wanted = claims.find(f"wide_bandgap.fill_factor_loss.{name}_{condition}")
            assert wanted.agrees(float(found[f"ff_{name}_loss"])), name
        assert claims.find(f"wide_bandgap.eqe.jsc_{condition}").agrees(float(found["jsc"]))


def test_a_calibration_is_written_as_the_set_that_is_read(tmp_path: Path) -> None:
    from perotwin.calibrate.least_squares import at

    free = job.free()
    values = np.array([one.start for one in free])
    fit = at(lambda x: np.concatenate([x / values - 1.0, [0.0] * 3]), free, values)
    names = tuple(job.data())[:2]
    two = np.array([1.0, 2.0])
    found = job.Calibration(split.picture().name, fit, 0.05, names, two, two, two, 1, {0.05: two})
    assert found.chi_square == 0.0
    assert "50 mV/s" in found.report() and free[0].name in found.report()
    file = job.keep(found, tmp_path / "set.toml")
    data = calibrated.read(file)
    assert data["scan_rate"] == "50 mV/s"
    changed = recipe.load("target").with_values(data["recipe"])
    for one, value in zip(free, values, strict=True):
        for path in one.paths:
            if not path.startswith("base."):
                assert float(changed.parameters.quantities()[path]) == pytest.approx(value, rel=1e-3)
