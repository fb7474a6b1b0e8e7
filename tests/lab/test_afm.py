"""Atomic force microscopy: what is repeated comes back, each levelling is named, and a real map reads as it should."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import measured_afm
import specimens
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import afm
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.plotting import style

ROOT = Path(__file__).parents[2]
CHIP = ROOT.parent / "shared" / "instrument_files_2" / "afm_chip.gsf"
SMALL = afm.Protocol(pixels=288, side="4 um")


def test_the_film_of_a_recipe_has_its_roughness_and_its_grains_and_says_that_they_are_repeated() -> None:
    measured = validate(afm.measure(specimens.films()[0], SMALL))
    found = afm.analyse(measured)
    assert abs(found["sq"].value - 20.4e-9) < 2.0 * float(found["sq"].uncertainty or 0.0)
    assert found["sq"].value == pytest.approx(20.4e-9, rel=0.05)
    assert found["grain_diameter"].value == pytest.approx(300e-9, rel=0.12)
    assert found["sq, as recorded"].value > found["sq"].value
    assert "repeats" in notes_of(measured)[0] and "predicts nothing" in notes_of(measured)[0]
    assert all(row.passed for row in checks_of(measured).values())


def test_a_sine_on_a_slope_reads_as_the_formula() -> None:
    found = afm.analyse(measured_afm.dataset())
    assert found["sq, line medians"].value == pytest.approx(10e-9 / np.sqrt(2.0), rel=1e-9)
    assert found["sa, line medians"].value == pytest.approx(20e-9 / np.pi, rel=2e-3)
    # four periods of a sine are a little tilted to a plane: 6 / (pi periods)^2 of its mean square
    assert found["sq"].value == pytest.approx(
        10e-9 / np.sqrt(2.0) * np.sqrt(1.0 - 6.0 / (4 * np.pi) ** 2), rel=1e-3
    )
    assert found["sq, as recorded"].value > 0.005 * 2e-6 / np.sqrt(3.0)


def test_units_of_a_file_are_obeyed() -> None:
    plain = measured_afm.dataset()
    written = xr.Dataset(
        {"height": (("y", "x"), plain["height"].values * 1e9, {"units": "nm"})},
        coords={name: (name, plain[name].values * 1e6, {"units": "um"}) for name in ("x", "y")},
    )
    one, other = afm.analyse(plain), afm.analyse(written)
    for name in ("sq", "sa, line medians", "correlation_length"):
        assert other[name].value == pytest.approx(one[name].value, rel=1e-9)


def test_without_a_scale_lengths_are_in_pixels_and_heights_are_not() -> None:
    found = afm.analyse(measured_afm.dataset().drop_vars(["x", "y"]))
    assert found["sq, line medians"].unit == "m"
    assert found["correlation_length"].unit == "px"
    assert "without a scale" in found["sq"].method


def test_uneven_pixels_are_refused() -> None:
    bent = measured_afm.dataset()
    bent = bent.assign_coords(x=bent["x"].values ** 1.5)
    with pytest.raises(InputError, match="evenly"):
        afm.analyse(bent)


def test_a_map_with_holes_has_a_roughness_and_no_grains() -> None:
    holed = measured_afm.dataset()
    holed["height"][10:14, 3:9] = np.nan
    found = afm.analyse(holed)
    assert found["sq, line medians"].value == pytest.approx(10e-9 / np.sqrt(2.0), rel=0.01)
    assert np.isnan(found["grain_area"].value) and "Crop" in found["grain_area"].method


def test_a_real_map_reads_as_another_program_read_it() -> None:
    if not CHIP.exists():
        pytest.skip("the folder of real instrument files is not here")
    raw = CHIP.read_bytes()
    end = raw.index(b"\0")
    head = dict(line.split(" = ") for line in raw[:end].decode().splitlines()[1:])
    columns, rows = int(head["XRes"]), int(head["YRes"])
    start = end + 4 - end % 4
    height = np.frombuffer(raw[start : start + 4 * rows * columns], "<f4").reshape(rows, columns)
    place = (np.arange(columns) + 0.5) * float(head["XReal"]) / columns
    found = afm.analyse(
        xr.Dataset({"height": (("y", "x"), height.astype(float))}, coords={"x": place, "y": place})
    )
    # within the last digit that was written down
    assert found["sq, as recorded"].value == pytest.approx(1515.0e-9, abs=0.1e-9)
    assert found["sq"].value == pytest.approx(1274.3e-9, abs=0.1e-9)
    assert found["sa"].value == pytest.approx(1025.2e-9, abs=0.1e-9)


def test_what_the_recipe_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="no film"):
        afm.measure(specimens.washed()[1])
    target = specimens.films()[1]
    bare = SimpleNamespace(to_toml=lambda: "", coat=SimpleNamespace(grain_size=300e-9, roughness=None))
    with pytest.raises(InputError, match="roughness"):
        afm.measure(replace(target, recipe=bare))
    with pytest.raises(InputError, match="larger side"):
        afm.measure(target, afm.Protocol(side="500 nm"))
    with pytest.raises(InputError, match="more pixels"):
        afm.measure(target, afm.Protocol(side="50 um", pixels=64))


def test_maps_repeat_with_their_seed() -> None:
    target = specimens.films()[1]
    one, again = (afm.measure(target, SMALL)["height"].values for _ in range(2))
    np.testing.assert_array_equal(one, again)
    other = afm.measure(target, afm.Protocol(pixels=288, side="4 um", seed=2))["height"].values
    assert np.abs(one - other).max() > 1e-9


def test_a_measurement_comes_back_from_disk_and_is_drawn(tmp_path: Path) -> None:
    measured = afm.measure(specimens.films()[1], SMALL)
    again = measurement.load(measurement.save(measured, tmp_path / "m.nc"))
    assert afm.analyse(again).to_json() == afm.analyse(measured).to_json()
    style.save(afm.plot([again, measured_afm.dataset()]), tmp_path / "figure")
    style.save(afm.plot([again] * 5), tmp_path / "five")
