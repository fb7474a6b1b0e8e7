"""Measurements as CSV: what a spreadsheet reads is what was measured, in the units of the head."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import perotwin.lab  # noqa: F401  # instruments, which say which axes belong into a table
import synthetic
from perotwin.measurement import Metric, Metrics, write_csv, write_measurements_csv, write_metrics_csv


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    head, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    return head, rows


def test_a_curve_comes_back_in_the_units_of_its_head(tmp_path: Path) -> None:
    measured = synthetic.jv("first", 1.3)
    frame = pd.read_csv(write_measurements_csv(tmp_path / "jv.csv", {"first": measured}))
    assert np.allclose(frame["V (V)"], measured["voltage"], rtol=1e-11)
    assert np.allclose(frame["J (mA/cm^2)"] * 10.0, measured["current_density"], rtol=1e-11)
    for channel in measured["channel"].values:
        column = frame[f"Jch, {channel} (mA/cm^2)"]
        assert np.allclose(column * 10.0, measured["channel_current"].sel(channel=channel), rtol=1e-11)
    assert not any("Ec" in head for head in frame.columns), "the profiles of a curve stay in its NetCDF"


def test_several_curves_stand_side_by_side_each_with_its_axis(tmp_path: Path) -> None:
    one, other = synthetic.jv("one", 1.3), synthetic.jv("other", 1.1).isel(voltage=slice(0, 7))
    head, rows = _read(write_measurements_csv(tmp_path / "jv.csv", {"one": one, "other": other}))
    assert head[0] == "one: V (V)"
    gap = head.index("")
    assert head[gap + 1] == "other: V (V)"
    assert all(len(row) == len(head) for row in rows)
    assert len(rows) == one.sizes["voltage"]
    assert rows[6][gap + 1] != "" and rows[7][gap + 1] == "", "the shorter curve ends"


def test_profiles_of_bands_say_the_state_of_each_column(tmp_path: Path) -> None:
    measured = synthetic.bands()
    frame = pd.read_csv(write_measurements_csv(tmp_path / "bands.csv", {"toy": measured}))
    for state in measured["state"].values:
        column = frame[f"Ec, {state} (eV)"].to_numpy()
        assert np.allclose(column, measured["conduction_band"].sel(state=state), rtol=1e-11)
    assert np.allclose(frame["x (nm)"].dropna() * 1e-9, measured["x"], rtol=1e-11)


def test_points_of_a_sweep_of_light_are_lines(tmp_path: Path) -> None:
    """Their axis has no numbers of its own: the lights are a column, as the voltages are."""
    suns, volts = np.array([1.0, 0.1, 0.01]), np.array([1.2, 1.14, 1.08])
    measured = xr.Dataset(
        {
            "voltage": ("point", volts, {"units": "V"}), "curve_voltage": ("curve", volts[:2], {"units": "V"}),
            "internal": ("other", volts),
        },
        {"intensity": ("point", suns, {"units": "sun"})}, {"instrument": "suns_voc"},
    )  # fmt: skip
    head, rows = _read(write_measurements_csv(tmp_path / "sv.csv", {"toy": measured}))
    assert head[:2] == ["light (sun)", "V (V)"] and len(head) == 4, (
        "what the instrument declares, and no more"
    )
    assert [[float(value) for value in row[:2]] for row in rows] == np.column_stack([suns, volts]).tolist()
    assert rows[1][3] == "1.14" and rows[2][3] == ""


def test_a_map_is_written_point_by_point(tmp_path: Path) -> None:
    values = np.arange(6.0).reshape(2, 3)
    # a name that the nomenclature does not know stands in the heading as it is
    measured = xr.Dataset({"elevation": (("b", "a"), values)}, {"a": [1.0, 2.0, 3.0], "b": [10.0, 20.0]})
    frame = pd.read_csv(write_measurements_csv(tmp_path / "map.csv", {"m": measured}))
    at = {(row.b, row.a): row.elevation for row in frame.itertuples()}
    assert at[(20.0, 2.0)] == values[1, 1] and len(at) == 6


def test_metrics_have_a_column_each_and_gaps_where_a_row_lacks_one(tmp_path: Path) -> None:
    rows = [
        (("thin",), Metrics({"voc": Metric(1.1, "V"), "jsc": Metric(200.0, "A m-2")})),
        (("thick",), Metrics({"voc": Metric(float("nan"), "V")})),
    ]
    head, lines = _read(write_metrics_csv(tmp_path / "m.csv", ("cell",), rows))
    assert head == ["cell", "voc (V)", "jsc (mA/cm^2)"]
    assert lines == [["thin", "1.1", "20"], ["thick", "", ""]]


@given(st.lists(st.lists(st.text("aZ1µ电;,'\"=+-@\n\t ", max_size=6), min_size=2, max_size=2), max_size=5))
def test_any_word_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = write_csv(tmp_path_factory.mktemp("csv") / "words.csv", ["a", "b"], rows)
    _, found = _read(path)
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in found for cell in row), "no formula"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_twelve_digits(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    _, rows = _read(write_csv(tmp_path_factory.mktemp("csv") / "one.csv", ["a"], [[value]]))
    assert float(rows[0][0]) == pytest.approx(value, rel=1e-11)
