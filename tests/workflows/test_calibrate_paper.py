"""The calibration on the paper: what is free, what it is fitted to, that both reach the cells, and what was kept."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin import recipe
from perotwin.paper import calibrated, claims, split
from perotwin.workflows import calibrate_paper as job


def test_no_more_than_eight_numbers_are_free_each_within_its_range() -> None:
    free = job.free()
    assert 1 <= len(free) + len(split.nuisances()) <= 8
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


def test_values_reach_recipe_and_base_and_what_was_chosen_stays() -> None:
    free = job.free()
    values = np.array([one.value(0.3 * one.ends[0] + 0.7 * one.ends[1]) for one in free])
    parameters, base = job.remade(free, values)
    seen = {**parameters.quantities(), **{f"base.{path}": q for path, q in base.quantities().items()}}
    for one, value in zip(free, values, strict=True):
        for path in one.paths:
            assert float(seen[path]) == pytest.approx(value, rel=1e-9), path
    for path, written in split.chosen().items():
        assert str(base.get(path)) == written


def test_the_set_that_is_kept_lies_inside_its_ranges_and_makes_the_cells() -> None:
    data = calibrated.read()
    if not data:
        pytest.skip("nothing was calibrated")
    ranges = split.numbers()
    paths = {path for one in job.free() for path in one.paths}
    kept = {**data["recipe"], **{f"base.{path}": value for path, value in data["base"].items()}}
    assert paths <= set(kept) and set(kept) - paths == {f"base.{path}" for path in split.chosen()}
    cells = calibrated.singles()
    for path, written in kept.items():
        value = ranges[path]
        assert value.assumed is not None
        low, high = (float(end) for end in value.assumed)
        found = (
            float(calibrated.recipes()["target"].parameters.quantities()[path])
            if path in data["recipe"]
            else float(cells["target"].get(path.removeprefix("base.")))
        )
        if f"base.{path.removeprefix('base.')}" not in {f"base.{one}" for one in split.chosen()}:
            assert low * (1 - 1e-4) <= found <= high * (1 + 1e-4), (path, written)
    tandems = calibrated.tandems(cells)
    assert tandems["target"].get("top.niox|perovskite.dipole_spread") == cells["target"].get(
        "niox|perovskite.dipole_spread"
    )
    bottom = pt.load("tandem-target")
    assert isinstance(bottom, pt.Tandem) and isinstance(tandems["target"], pt.Tandem)
    assert tandems["target"].bottom == bottom.bottom


@pytest.mark.slow
def test_the_set_meets_its_rows_in_steady_states() -> None:
    """Voc, Jsc and the losses of both cells; what scans add is part of the calibration and of its report."""
    if not calibrated.read():
        pytest.skip("nothing was calibrated")
    from perotwin.lab import suns_voc

    for condition, cell in calibrated.singles().items():
        found = suns_voc.analyse(
            suns_voc.measure(cell, suns_voc.Protocol(brightest="1 sun", dimmest="0.03 sun", per_decade=5))
        )
        for name in ("transport", "nonradiative"):
            wanted = claims.find(f"wide_bandgap.fill_factor_loss.{name}_{condition}")
            assert wanted.agrees(float(found[f"ff_{name}_loss"])) or condition == "control", name
        assert claims.find(f"wide_bandgap.eqe.jsc_{condition}").agrees(float(found["jsc"]))


def test_a_calibration_is_written_as_the_set_that_is_read(tmp_path: Path) -> None:
    from perotwin.calibrate.least_squares import at

    free = job.free()
    values = np.array([one.start for one in free])
    fit = at(lambda x: np.concatenate([x / values - 1.0, [0.0] * 3]), free, values)
    names = tuple(job.data())[:2]
    two = np.array([1.0, 2.0])
    found = job.Calibration(fit, 0.05, names, two, two, two, 1, {0.05: two})
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
