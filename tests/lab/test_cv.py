"""Capacitance against voltage: the doping of a thick layer is found, that of a thin undoped one is called none."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import perotwin as pt
import synthetic
from devices import VT, Q, cell, layer
from perotwin.errors import InputError
from perotwin.lab import cv, mott_schottky
from perotwin.measurement import checks_of, notes_of, validate

EPS0 = 8.8541878128e-12
FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"


def test_the_analysis_reads_a_depletion_layer() -> None:
    found = cv.analyse(synthetic.cv(doping=1e23, built_in=1.0))
    assert found["apparent_doping"].value == pytest.approx(1e23, rel=1e-6)
    assert found["built_in_voltage"].value == pytest.approx(1.0, abs=1e-6)
    assert "longest straight part" in found["apparent_doping"].method


def test_a_one_sided_junction_shows_its_doping() -> None:
    """p absorber of 1 um on a far more strongly doped n layer: N to 3 %. Electrons that spill over take part of Vbi."""
    doping = 3e22
    stack = cell(
        layer("n", 50e-9, role="etl", affinity=4.0, gap=1.2, doping=1e25, eps=10.0),
        layer("p", 1e-6, affinity=4.0, gap=1.2, doping=-doping, eps=10.0),
    )
    measured = validate(cv.measure(stack, cv.Protocol(start="-1 V", stop="0 V", frequency="100 kHz")))
    assert all(row.passed for row in checks_of(measured).values())
    assert notes_of(measured) == []
    found = cv.analyse(measured)
    assert found["apparent_doping"].value == pytest.approx(doping, rel=0.03)
    built_in = VT * np.log(doping * 1e25 / 1e48) + 1.2
    assert found["built_in_voltage"].value == pytest.approx(built_in - 2.0 * VT, abs=0.1)


@pytest.mark.parametrize("name", ["cell-a", "cell-b", "wbg-target"])
def test_an_undoped_absorber_has_no_doping(name: str) -> None:
    """Injection on a geometric plateau is read as none, whatever its steepest part says, and the note tells why."""
    measured = cv.measure(pt.load(name))
    found = cv.analyse(measured)
    width, eps = measured.attrs["thickness"], measured.attrs["permittivity"]
    thermal = 1.380649e-23 * measured.attrs["temperature"] / Q
    least = 27.0 / 4.0 * thermal * eps * EPS0 / (Q * width**2)
    assert found["resolvable_doping"].value == pytest.approx(least, rel=1e-6)
    for quantity in ("apparent_doping", "built_in_voltage"):
        assert np.isnan(found[quantity].value)
        assert "no doping: the capacitance is geometric" in found[quantity].method
    assert any("the capacitance is geometric" in note for note in notes_of(measured))
    # without the thickness, too: what falls is an exponential
    bare = measured.copy()
    for key in ("thickness", "bandgap", "geometric_capacitance"):
        del bare.attrs[key]
    assert np.isnan(cv.analyse(bare)["apparent_doping"].value)
    # the light of the stack has no part in it
    assert measured.attrs["light"] == 0.0


def test_the_plateau_is_that_of_a_plate_capacitor() -> None:
    measured = cv.measure(pt.load("cell-a"), cv.Protocol(stop="0 V", step="0.1 V"))
    assert float(measured["capacitance"][0]) == pytest.approx(
        measured.attrs["geometric_capacitance"], rel=0.1
    )


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_injection_alone_gives_the_least_density_and_is_no_doping(factor: float) -> None:
    """The closed form behind the limit: C = Cg (1 + exp(V / m VT))."""
    dataset = synthetic.cv()
    voltage = np.linspace(-0.4, 0.2, 3001)
    plate = dataset.attrs["permittivity"] * EPS0 / dataset.attrs["thickness"]
    dataset = dataset.drop_vars(["capacitance", "voltage"]).assign_coords(voltage=voltage)
    thermal = factor * 1.380649e-23 * dataset.attrs["temperature"] / Q
    dataset["capacitance"] = ("voltage", plate * (1.0 + np.exp(voltage / thermal)))
    found = cv.analyse(dataset)
    slope, _, _ = mott_schottky.steepest(voltage, dataset["capacitance"].values)
    read = -2.0 / (Q * dataset.attrs["permittivity"] * EPS0 * slope)
    assert read == pytest.approx(factor * found["resolvable_doping"].value, rel=1e-3)
    assert np.isnan(found["apparent_doping"].value)
    assert "no doping" in found["apparent_doping"].method


def test_a_diode_of_the_textbook_shows_its_doping() -> None:
    """1e16 cm^-3 behind 1e19: the slope in reverse is 9.8e15 (a simulated one), forward bias misleads."""
    doped = {"gap": 1.1, "affinity": 4.0, "eps": 11.7}
    stack = cell(
        layer("pp", 50e-9, role="htl", doping=-1e25, **doped), layer("n", 3e-6, doping=1e22, **doped)
    )
    measured = cv.measure(stack, cv.Protocol(start="-0.5 V", stop="0.7 V"))
    found = cv.analyse(measured)
    assert found["apparent_doping"].value == pytest.approx(9.8e21, rel=0.02)
    assert found["apparent_doping"].uncertainty < 0.02 * found["apparent_doping"].value
    # the depletion approximation has Vbi - 2 kT/q; holes of the strongly doped side spill over and take up to 0.1 V
    built_in = 1.1 + VT * np.log(1e25 * 1e22 / 1e24**2 / 1.0)
    assert built_in - 2.0 * VT - 0.12 < found["built_in_voltage"].value < built_in - 2.0 * VT
    # its steepest part, in forward bias, reads little more than half
    slope, zero, _ = mott_schottky.steepest(measured["voltage"].values, measured["capacitance"].values)
    assert -2.0 / (Q * 11.7 * EPS0 * slope) < 0.65e22 and zero < 0.8


def test_a_textbook_curve_reads_what_it_was_made_of() -> None:
    """1e16 cm^-3, 0.824 V, silicon: to rounding."""
    made = synthetic.cv(doping=1e22, built_in=0.824).isel(voltage=slice(0, 50))
    made.attrs |= {"permittivity": 10.0, "thickness": 3e-6}
    found = cv.analyse(made)
    assert found["apparent_doping"].value == pytest.approx(1e22, rel=1e-6)
    assert found["built_in_voltage"].value == pytest.approx(0.824, abs=1e-6)


def test_what_does_not_fall_has_no_doping() -> None:
    flat = synthetic.cv()
    flat["capacitance"] = 0.0 * flat["capacitance"] + 1e-4
    found = cv.analyse(flat)
    assert np.isnan(found["apparent_doping"].value)
    assert np.isnan(cv.analyse(flat.isel(voltage=slice(0, 3)))["built_in_voltage"].value)


def test_impossible_protocols_are_refused() -> None:
    with pytest.raises(InputError, match="leads nowhere"):
        cv.Protocol(step="0 V")
    with pytest.raises(InputError, match="more than"):
        cv.Protocol(stop="1 V", step="1 uV")


# --- what others measured --------------------------------------------------------------------------------------------


def noisy(seed: int, noise: float = 0.003) -> xr.Dataset:
    made = synthetic.cv(doping=1e22, built_in=1.0)
    chance = np.random.default_rng(seed).standard_normal(made["voltage"].size)
    return made.assign(capacitance=made["capacitance"] * (1.0 + noise * chance))


def test_the_stated_interval_holds_the_truth_as_often_as_it_says() -> None:
    """200 seeds, 0.3 % of noise: 68 % intervals of doping and intercept."""
    inside = np.zeros(2)
    for seed in range(200):
        found = cv.analyse(noisy(seed))
        for index, (name, truth) in enumerate((("apparent_doping", 1e22), ("built_in_voltage", 1.0))):
            metric = found[name]
            assert metric.uncertainty is not None
            inside[index] += abs(metric.value - truth) < metric.uncertainty
    assert ((inside >= 0.58 * 200) & (inside <= 0.78 * 200)).all(), inside


def test_what_is_missing_is_said() -> None:
    made = synthetic.cv(doping=1e22)
    bare = xr.Dataset({"capacitance": made["capacitance"].drop_attrs()}, {"voltage": made["voltage"]})
    found = cv.analyse(bare)
    assert np.isnan(found["apparent_doping"].value)
    assert "without the relative permittivity" in found["apparent_doping"].method
    assert found["built_in_voltage"].value == pytest.approx(1.0, abs=1e-6)
    assert "298.15 K" in found["apparent_doping"].method
    assert "permittivity, thickness" in found["resolvable_doping"].method


def test_farads_need_an_area_for_a_doping() -> None:
    made = synthetic.cv(doping=1e22)
    area = 0.57e-4
    told = made.assign(capacitance=("voltage", made["capacitance"].values * area * 1e9, {"units": "nF"}))
    without = cv.analyse(told)
    assert np.isnan(without["apparent_doping"].value) and "area" in without["apparent_doping"].method
    assert without["built_in_voltage"].value == pytest.approx(1.0, abs=1e-6)
    for said in ("0.57 cm^2", area):
        found = cv.analyse(told.assign_attrs(area=said))
        assert found["apparent_doping"].value == pytest.approx(1e22, rel=1e-6)
    with pytest.raises(InputError, match="area"):
        cv.analyse(told.assign_attrs(area="0 cm^2"))


def steps(seed: int = 0, noise: float = 0.0) -> xr.Dataset:
    """A capacitance of 10 nF/cm^2 and one of 30 that follows below 30 kHz, as one level would."""
    frequency = np.geomspace(1e2, 1e7, 101)
    c = 1e-4 + 3e-4 / (1.0 + (frequency / 3e4) ** 2)
    chance = np.random.default_rng(seed).standard_normal(frequency.size)
    return xr.Dataset({"capacitance": ("frequency", c * (1.0 + noise * chance))}, {"frequency": frequency})


def test_a_step_over_the_frequency_is_found_where_it_is() -> None:
    found = cv.analyse(steps())
    assert found["step_frequency"].value == pytest.approx(3e4, rel=0.01)
    assert found["capacitance_step"].value == pytest.approx(3e-4, rel=0.01)
    assert found["low_frequency_capacitance"].value == pytest.approx(4e-4, rel=1e-3)
    assert found["high_frequency_capacitance"].value == pytest.approx(1e-4, rel=1e-3)
    flat = steps().assign(capacitance=("frequency", np.full(101, 1e-4)))
    none = cv.analyse(flat)
    assert np.isnan(none["step_frequency"].value) and "no step" in none["step_frequency"].method
    assert none["capacitance_steps"].value == 0.0
    assert len(cv.plot(steps()).axes) == 2


def test_the_interval_of_a_step_holds_the_truth() -> None:
    inside = np.zeros(2)
    for seed in range(200):
        found = cv.analyse(steps(seed, 0.003))
        assert found["capacitance_steps"].value == 1.0
        for index, (name, truth) in enumerate((("step_frequency", 3e4), ("capacitance_step", 3e-4))):
            inside[index] += abs(found[name].value - truth) < found[name].uncertainty
    assert ((inside >= 116) & (inside <= 156)).all(), inside


@pytest.mark.skipif(not FILES.is_dir(), reason="the real instrument files are not here")
def test_a_real_cell_meets_zero_where_its_line_does() -> None:
    rows = (FILES / "cv_empa_123K.txt").read_text("utf-8-sig").splitlines()[13:]
    voltage, farad = np.array([[float(x) for x in row.split()[:2]] for row in rows if row.strip()]).T
    assert voltage.size == 65
    dataset = xr.Dataset(
        {"capacitance": ("voltage", farad, {"units": "F"})}, {"voltage": voltage},
        {"area": "0.57 cm^2", "temperature": 123.0, "permittivity": 10.0},
    )  # fmt: skip
    found = cv.analyse(dataset)
    # the line from -1 to 0 V, drawn by hand, meets zero at 1.18 V; the longest straight part lies within it
    assert found["built_in_voltage"].value == pytest.approx(1.18, abs=0.06)
    assert 1e22 < found["apparent_doping"].value < 1.2e22


@pytest.mark.skipif(not FILES.is_dir(), reason="the real instrument files are not here")
def test_a_real_step_over_the_frequency() -> None:
    rows = (FILES / "cf_empa_123K.txt").read_text("utf-8-sig").splitlines()[12:]
    frequency, nanofarad = np.array([[float(x) for x in row.split()[:2]] for row in rows if row.strip()]).T
    assert frequency.size == 83
    dataset = xr.Dataset(
        {"capacitance": ("frequency", nanofarad, {"units": "nF"})}, {"frequency": frequency},
        {"area": "0.57 cm^2", "temperature": 123.0},
    )  # fmt: skip
    found = cv.analyse(dataset)
    assert float(found["low_frequency_capacitance"].to("nF/cm^2")) == pytest.approx(43.57, abs=0.01)
    assert float(found["high_frequency_capacitance"].to("nF/cm^2")) == pytest.approx(12.78, abs=0.01)
    assert 1e4 < found["step_frequency"].value < 2e4
    assert found["capacitance_steps"].value == 1.0
