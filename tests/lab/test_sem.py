"""Scanning electron microscopy: bricks of known size, scale and banner, and what a drawn film gives back."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import measured_sem
import specimens
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import grains, sem
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.plotting import style

ROOT = Path(__file__).parents[2]
ZEISS = ROOT.parent / "shared" / "instrument_files_2" / "sem_zeiss.tif"
SMALL = sem.Protocol(pixels=320, side="4 um")


def test_bricks_are_found_with_their_size() -> None:
    found = sem.analyse(measured_sem.dataset())
    assert found["grain_diameter"].value == pytest.approx(100e-9 * np.sqrt(4.0 / np.pi), rel=0.05)
    assert found["grain_area_spread"].value < 0.25
    assert found["grain_area"].unit == "m2"
    assert "smoothed over" in found["grain_area"].method and "no banner" in found["grain_area"].method


def test_without_a_scale_sizes_are_in_pixels() -> None:
    plain, scaled = (sem.analyse(measured_sem.dataset(scale=scale)) for scale in (None, 5e-9))
    assert plain["grain_intercept"].unit == "px" and plain["grain_area"].unit == "px2"
    assert plain["grain_intercept"].value == pytest.approx(scaled["grain_intercept"].value / 5e-9)
    assert "without a scale" in plain["grain_area"].method


def test_a_banner_is_cut_said_and_can_be_given() -> None:
    plain, under = sem.analyse(measured_sem.dataset()), sem.analyse(measured_sem.dataset(banner=24))
    assert "24 rows of banner cut" in under["grains"].method
    assert under["grain_area"].value == pytest.approx(plain["grain_area"].value)
    given = sem.analyse(measured_sem.dataset(banner=24), banner=30)
    assert "30 rows" in given["grains"].method
    said = sem.analyse(measured_sem.dataset(banner=24).assign_attrs(banner=24))
    assert said["grain_area"].value == pytest.approx(plain["grain_area"].value)
    with pytest.raises(InputError, match="leaves nothing"):
        sem.analyse(measured_sem.dataset(), banner=160)


def test_the_film_of_a_recipe_has_its_grains_and_says_that_they_are_repeated() -> None:
    measured = validate(sem.measure(specimens.films()[1], SMALL))
    for lines in (False, True):
        found = sem.analyse(measured, lines=lines)
        assert found["grain_diameter"].value == pytest.approx(300e-9, rel=0.12)
        assert found["grain_intercept"].value == pytest.approx(
            0.785 * 300e-9 * np.sqrt(np.pi / 4.0), rel=0.12
        )
    assert found["pinholes"].value == 0.0
    assert "repeats" in notes_of(measured)[0] and "pinholes" in notes_of(measured)[1]
    assert all(row.passed for row in checks_of(measured).values())


def test_holes_in_a_film_are_a_share_of_it() -> None:
    measured = sem.measure(specimens.films()[1], SMALL).copy(deep=True)
    y, x = np.mgrid[:320, :320]
    measured["brightness"].values[(y - 100) ** 2 + (x - 200) ** 2 < 15**2] = 0.1
    found = sem.analyse(measured)
    assert found["pinholes"].value == 1.0
    assert found["pinhole_share"].value == pytest.approx(np.pi * 225 / 320**2, rel=0.15)


def test_a_real_image_loses_its_banner_and_its_size_is_said_to_hang_on_the_smoothing() -> None:
    image = pytest.importorskip("PIL.Image")
    if not ZEISS.exists():
        pytest.skip("the folder of real instrument files is not here")
    grey = np.asarray(image.open(ZEISS).convert("L"), float)
    assert grains.cut_banner(grey) == 689
    pixel = 5.582e-9
    axes = {name: pixel * np.arange(count) for name, count in zip(("y", "x"), grey.shape, strict=True)}
    found = sem.analyse(xr.Dataset({"brightness": (("y", "x"), grey)}, coords=axes))
    assert "79 rows of banner cut" in found["grains"].method
    # terraces on the grains: no program finds the grains without being told how large they are
    assert "no plateau" in found["grain_area"].method
    assert found["grain_area"].uncertainty > 0.3 * found["grain_area"].value


def test_a_washed_sample_is_refused() -> None:
    with pytest.raises(InputError, match="no film"):
        sem.measure(specimens.washed()[1])


def test_a_measurement_comes_back_from_disk_and_is_drawn(tmp_path: Path) -> None:
    measured = sem.measure(specimens.films()[1], SMALL)
    again = measurement.load(measurement.save(measured, tmp_path / "m.nc"))
    assert sem.analyse(again).to_json() == sem.analyse(measured).to_json()
    style.save(sem.plot([again, measured_sem.dataset()]), tmp_path / "figure")
    style.save(sem.plot(measured_sem.dataset(scale=None)), tmp_path / "pixels")
