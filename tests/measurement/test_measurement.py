"""The data model: shapes, metrics in field units, checks through JSON, files that are whole or absent."""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import perotwin.lab  # noqa: F401  # it knows the instruments by their names
import synthetic
from fresh import python
from perotwin import measurement
from perotwin.measurement import Metric, Metrics, check, checks_from_json, checks_to_json, files

MAKERS = [synthetic.jv, synthetic.eqe, synthetic.bands, synthetic.kpfm, synthetic.tof_sims, synthetic.xps]


@pytest.mark.parametrize("make", MAKERS)
def test_datasets_come_back_from_disk_as_they_were(make, tmp_path: Path) -> None:
    dataset = make()
    dataset.attrs["cell"] = "# a long cell\n" * 10_000
    path = measurement.save(dataset, tmp_path / "deep" / "m.nc")
    again = measurement.load(path)
    xr.testing.assert_identical(again, dataset)
    assert [item.name for item in path.parent.iterdir()] == ["m.nc"]


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = measurement.write_text(tmp_path / "a.txt", "old")

    def broken(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        measurement.write_atomically(path, broken)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("make", MAKERS)
def test_validate_accepts_what_the_instruments_give(make) -> None:
    dataset = make()
    assert measurement.validate(dataset) is dataset


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda d: d.drop_vars("current_density"), "needs 'current_density'"),
        (lambda d: d.rename(voltage="v"), r"runs over \('voltage',\); this one over \('v',\)"),
        (lambda d: d.assign(current_density=d.current_density.assign_attrs(units="mA/cm2")), "is in 'A m-2'"),
        (lambda d: d.assign_attrs(instrument="scope"), "names its instrument"),
    ],
)
def test_validate_says_what_is_wrong(spoil, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        measurement.validate(spoil(synthetic.jv()))


def test_metrics_print_and_export_in_field_units() -> None:
    metrics = Metrics(
        {
            "voc": Metric(1.3, "V", "root of J"),
            "jsc": Metric(175.0, "A m-2", "value at 0 V", 1.0),
            "ff": Metric(0.8, "1"),
            "vmp": Metric(math.nan, "V"),
        }
    )
    document = metrics.to_json()
    assert document["voc"] == {"value": 1.3, "unit": "V", "method": "root of J"}
    assert document["jsc"]["value"] == pytest.approx(17.5)
    assert document["jsc"]["unit"] == "mA/cm^2"
    assert document["jsc"]["uncertainty"] == pytest.approx(0.1)
    assert document["ff"] == {"value": 80.0, "unit": "%"}
    assert document["vmp"]["value"] is None
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert "jsc = 17.5 ± 0.1 mA/cm^2" in repr(metrics)
    assert float(metrics["voc"]) == 1.3


def test_a_check_fails_beyond_its_limit_and_on_nan() -> None:
    assert check(-1e-7, 1e-6).passed
    assert not check(-1e-5, 1e-6).passed
    assert not check(math.nan, 1e-6).passed


def test_checks_survive_json() -> None:
    checks = {"good": check(1e-9, 1e-6), "bad": check(math.nan, 1e-6)}
    text = json.dumps(checks_to_json(checks), allow_nan=False)
    again = checks_from_json(text)
    assert again["good"] == checks["good"]
    assert not again["bad"].passed
    assert math.isnan(again["bad"].value)
    assert measurement.checks_of(synthetic.jv(fail=True))["current continuity"].passed is False


def pint_syntax(unit: str) -> str:
    """\"m-3 s-1\" and "cm^-3 s^-1" as pint writes them."""
    return re.sub(r"(?<=[a-zA-Z])\^?(-?\d)", r"**\1", unit).replace(" ", "*")


def test_every_term_of_the_nomenclature_has_units_that_agree() -> None:
    import pint

    registry = pint.UnitRegistry()
    registry.define("sun = []")
    for name, term in measurement.NOMENCLATURE.items():
        if term.unit == "1":
            assert (term.field_unit, term.factor) in {("1", 1.0), ("%", 100.0)}, name
        else:
            factor = registry.Quantity(1, pint_syntax(term.unit)).to(pint_syntax(term.field_unit)).magnitude
            assert factor == pytest.approx(term.factor), name


def test_describe_names_units_without_touching_the_original() -> None:
    bare = xr.Dataset({"current_density": ("voltage", np.zeros(2))}, coords={"voltage": [0.0, 1.0]})
    described = measurement.describe(bare)
    assert described["current_density"].attrs["units"] == "A m-2"
    assert described["voltage"].attrs["units"] == "V"
    assert bare["current_density"].attrs == {}


KILLED = """
import os, signal, sys
from pathlib import Path
from perotwin.measurement import whole_folder, write_atomically

folder = Path(sys.argv[1])
with whole_folder(folder / "cell") as building:
    (building / "half").write_text("half")
    write_atomically(folder / "map.nc", lambda path: (path.write_text("half"), os.kill(os.getpid(), signal.SIGKILL)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_what_a_killed_run_left_half_written_is_cleared_by_the_next(tmp_path: Path) -> None:
    assert python("-c", KILLED, str(tmp_path)).returncode == -9
    left = list(tmp_path.glob(".*"))
    assert len(left) == 2
    ours = tmp_path / f"{files._hidden()}1.nc"
    foreign = tmp_path / ".somebody-elses"
    for path in (ours, foreign):
        path.write_text("kept")
    measurement.make_folder(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([ours, foreign])


def test_a_name_of_a_file_is_short_unique_and_no_device() -> None:
    assert measurement.file_name("my cell") == "my-cell"
    assert measurement.file_name("A", ["a", "A-2"]) == "A-3"
    assert measurement.file_name("..") == measurement.file_name("🌞") == "cell"
    assert measurement.file_name("con") == "con-" and measurement.file_name("nul.nc") == "nul.nc-"
    assert len(measurement.file_name("太" * 400).encode()) <= 120


def test_a_result_takes_the_place_of_an_older_one_as_a_whole(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with measurement.whole_folder(tmp_path / "cell") as building:
            (building / text).write_text(text)
    assert [path.name for path in (tmp_path / "cell").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["cell"]
