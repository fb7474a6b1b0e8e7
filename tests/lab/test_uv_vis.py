"""Absorption edges: what goes into a closed formula comes out of each reading, and what cannot be read is said."""

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import measured_uv_vis as made
import perotwin as pt
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import absorption_edge as edges
from perotwin.lab import uv_vis
from perotwin.measurement import checks_of, conform, notes_of, validate
from perotwin.plotting import style

FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"
NEEDS_FILES = pytest.mark.skipif(not FILES.exists(), reason="the folder of instrument files is not here")


def bare(dataset: xr.Dataset) -> xr.Dataset:
    """The same without its reflectance."""
    return dataset.drop_vars("reflectance")


# --- Tauc ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [1.25, 1.79, 2.42])
def test_a_square_root_gives_its_gap_exactly_over_any_range(gap: float) -> None:
    energy = np.linspace(gap - 0.3, gap + 0.9, 601)
    depth = made.depth(energy, gap)
    for window in ((gap + 0.01, gap + 0.1), (gap + 0.3, gap + 0.8)):
        assert edges.tauc(energy, depth, window).value == pytest.approx(gap, abs=1e-10)
        # in any unit
        assert edges.tauc(energy, 1e6 * depth, window).value == pytest.approx(gap, abs=1e-10)


def test_the_range_is_found_and_its_spread_is_nothing_where_all_ranges_agree() -> None:
    energy = np.linspace(1.4, 2.9, 751)
    seen = edges.Spectrum(energy, made.depth(energy), np.full(energy.size, 1e-6), True, ())
    found = edges.tauc_range(seen, edges.derivative(seen).value)
    assert found.value == pytest.approx(1.79, abs=1e-9) and found.error < 1e-6


def test_a_range_below_the_gap_is_refused() -> None:
    energy = np.linspace(1.4, 2.9, 751)
    with pytest.raises(InputError, match="does not rise"):
        edges.tauc(energy, made.depth(energy), (1.45, 1.7))
    with pytest.raises(InputError, match="points lie between"):
        edges.tauc(energy, made.depth(energy), (3.0, 3.1))


def test_another_transition_farther_up_widens_the_stated_spread() -> None:
    """A second edge 0.2 eV above: the range at the first counts, and the spread tells that others differ."""
    energy = np.linspace(1.4, 2.9, 751)
    depth = made.depth(energy) + made.depth(energy, 1.99, height=1.5)
    seen = edges.Spectrum(energy, depth, np.full(energy.size, 1e-6), True, ())
    found = edges.tauc_range(seen, edges.derivative(seen).value)
    assert found.value == pytest.approx(1.79, abs=0.005)
    assert found.error > 0.005


# --- all readings ----------------------------------------------------------------------------------------------------


def test_the_readings_of_an_edge_with_a_tail_are_what_went_in() -> None:
    found = uv_vis.analyse(made.dataset())
    assert found["step_gap"].value == pytest.approx(1.79, abs=0.002)
    assert found["urbach_energy"].value == pytest.approx(0.015, abs=0.0008)
    assert found["tauc_gap"].value == pytest.approx(1.79, abs=0.004)
    # the steepest place of a square root with a tail lies where the tail takes over, 7.5 meV above the gap
    assert found["inflection_gap"].value == pytest.approx(1.7975, abs=0.006)
    assert abs(found["baseline"].value) < 1e-3
    truth = float(made.depth(np.array([found["inflection_gap"].value + 0.1]))[0]) / 500e-9
    assert found["absorption"].value == pytest.approx(truth, rel=0.01)
    assert "ln((1 - R) / T)" in found["tauc_gap"].method


def test_errors_of_the_steepest_place_and_the_step_hold_the_truth_as_often_as_they_say() -> None:
    """Forty spectra with noise of 0.5 %, where noise decides: the truth is that of the spectrum without noise."""
    truth = uv_vis.analyse(made.dataset(noise=1e-7))
    inside = 0
    for seed in range(40):
        found = uv_vis.analyse(made.dataset(noise=5e-3, seed=seed))["inflection_gap"]
        inside += abs(found.value - truth["inflection_gap"].value) < found.uncertainty
    assert 18 <= inside <= 36  # 68 % of 40 within three standard deviations of a binomial


def test_a_tail_below_a_decade_above_the_noise_has_no_energy() -> None:
    found = uv_vis.analyse(made.dataset(noise=0.02))["urbach_energy"]
    assert math.isnan(found.value) and "decade" in found.method


def test_a_tail_longer_than_what_was_measured_has_no_energy() -> None:
    """An Urbach energy of 200 meV: a decade would reach 0.46 eV below the edge, farther than the fit looks."""
    found = uv_vis.analyse(made.dataset(urbach=0.2))["urbach_energy"]
    assert math.isnan(found.value)


def test_without_reflectance_the_baseline_is_that_of_reflection_and_it_is_said() -> None:
    found = uv_vis.analyse(bare(made.dataset()))
    assert "R unknown" in found["tauc_gap"].method and "ln(1 / T)" in found["tauc_gap"].method
    assert found["baseline"].value == pytest.approx(-math.log(0.85), abs=2e-3)


def test_percent_and_nanometres_are_obeyed() -> None:
    plain = made.dataset()
    named = xr.Dataset(
        {
            name: ("wavelength", 100.0 * plain[name].values, {"units": "%"})
            for name in ("transmittance", "reflectance")
        },
        {"wavelength": ("wavelength", 1e9 * plain["wavelength"].values[::-1], {"units": "nm"})},
    )
    named = named.assign({name: ("wavelength", one.values[::-1], one.attrs) for name, one in named.items()})
    for name in ("tauc_gap", "urbach_energy", "step_gap"):
        assert uv_vis.analyse(named)[name].value == pytest.approx(uv_vis.analyse(plain)[name].value, rel=1e-6)


def test_two_files_of_one_film_are_joined_in_their_units() -> None:
    whole = made.dataset(noise=0.0)
    passed = whole.drop_vars("reflectance")
    falling = whole["reflectance"].values[::-1]
    reflected = xr.Dataset(
        {"reflectance": ("wavelength", 100.0 * falling, {"units": "%"})},
        {"wavelength": ("wavelength", 1e9 * whole["wavelength"].values[::-1], {"units": "nm"})},
    )
    np.testing.assert_allclose(
        uv_vis.joined(passed, reflected)["reflectance"], whole["reflectance"], rtol=1e-9
    )
    with pytest.raises(InputError, match="Cut T"):
        uv_vis.joined(passed, reflected.isel(wavelength=slice(0, 300)))
    with pytest.raises(InputError, match="no reflectance"):
        uv_vis.joined(passed, passed)


def test_points_where_nothing_passes_are_left_out_and_counted() -> None:
    dark = made.dataset()
    dark["transmittance"][:50] = -1e-4
    found = uv_vis.analyse(dark)
    assert "50 of them not above zero" in found["tauc_gap"].method
    assert found["step_gap"].value == pytest.approx(1.79, abs=0.002)


def test_more_light_than_there_was_is_said() -> None:
    odd = made.dataset()
    odd["reflectance"] = odd["reflectance"] + 0.1
    assert "R + T reaches" in uv_vis.analyse(odd)["tauc_gap"].method


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda one: one.assign(transmittance=one["transmittance"] * 100.0), "%"),
        (lambda one: one.assign(transmittance=one["transmittance"] * 0.0), "passes"),
        (lambda one: one.isel(wavelength=slice(0, 5)), "points"),
        (lambda one: one.assign_coords(wavelength=("wavelength", one["wavelength"].values * 1e9)), "nm"),
    ],
)
def test_spectra_that_cannot_be_read_are_refused(change: object, word: str) -> None:
    with pytest.raises(InputError) as fault:
        uv_vis.analyse(change(made.dataset()))
    assert word in str(fault.value)


# --- two samples -----------------------------------------------------------------------------------------------------


def solution(grown: float, seed: int = 1, offset: float = 0.0) -> xr.Dataset:
    """Iodide in a cuvette: bands of triiodide at 290 and 360 nm, 1.5 to 1, on a slope, with noise."""
    wavelength = np.arange(250e-9, 650e-9, 1e-9)
    bands = 1.5 * np.exp(-(((wavelength - 290e-9) / 20e-9) ** 2)) + np.exp(
        -(((wavelength - 360e-9) / 30e-9) ** 2)
    )
    absorbance = offset + 0.02 * np.exp(-(wavelength - 250e-9) / 100e-9) + grown * bands
    noise = 2e-4 * np.random.default_rng(seed).standard_normal(wavelength.size)
    return xr.Dataset(
        {"transmittance": ("wavelength", 10.0**-absorbance + noise)},
        {"wavelength": wavelength},
        {"stack": "solution"},
    )


def test_triiodide_is_the_growth_of_its_bands_whatever_the_cuvette_adds() -> None:
    found = uv_vis.triiodide(solution(0.3, offset=0.05), solution(0.1, seed=2))
    # the mean over ten nanometres of a band is a little less than its top, and 290 nm lies in the foot of the other
    assert found["absorbance_growth, 360 nm"].value == pytest.approx(0.2, rel=0.02)
    assert found["absorbance_growth, 290 nm"].value == pytest.approx(0.2 * 1.5, rel=0.02)
    assert found["band_ratio"].value == pytest.approx(1.5, rel=0.02)
    assert found["absorbance_growth, 360 nm"].uncertainty < 1e-3
    none = uv_vis.triiodide(solution(0.1), solution(0.1, seed=2))
    assert math.isnan(none["band_ratio"].value)
    assert abs(none["absorbance_growth, 360 nm"].value) < 4.0 * none["absorbance_growth, 360 nm"].uncertainty


def test_films_do_not_reach_the_bands_of_triiodide() -> None:
    with pytest.raises(InputError, match="290 nm"):
        uv_vis.triiodide(made.dataset(), made.dataset(seed=2))


def test_a_comparison_tells_how_far_the_edge_moved() -> None:
    found = uv_vis.compare([made.dataset("a", gap=1.80), made.dataset("b", gap=1.79, seed=2)])
    assert found["gap_difference"].value == pytest.approx(0.01, abs=4.0 * found["gap_difference"].uncertainty)
    assert set(uv_vis.compare([made.dataset("a"), made.dataset("b"), made.dataset("c")])) == {
        "gap_difference, over b", "gap_difference, over c",
    }  # fmt: skip
    with pytest.raises(InputError, match="two spectra"):
        uv_vis.compare([made.dataset()])


# --- the virtual film ------------------------------------------------------------------------------------------------


def test_the_film_of_a_cell_gives_its_edge_and_its_tail(tmp_path: Path) -> None:
    cell = pt.load("wbg-target")
    measured = uv_vis.measure(cell)
    validate(measured)
    assert measured.attrs["thickness"] == float(cell.named("perovskite").thickness)
    assert all(check.passed for check in checks_of(measured).values())
    assert any("film towards the light" in note for note in notes_of(measured))
    found = uv_vis.analyse(measured)
    # the cell's EQE inflection is 1.79 eV; the readings of the film lie within 30 meV of it and are not the same
    for name in ("tauc_gap", "inflection_gap", "step_gap"):
        assert abs(found[name].value - 1.79) < 0.03
    assert found["urbach_energy"].value == pytest.approx(0.015, abs=2.0 * found["urbach_energy"].uncertainty)
    again = measurement.load(measurement.save(measured, tmp_path / "m.nc"))
    assert uv_vis.analyse(again).to_json() == found.to_json()
    np.testing.assert_array_equal(measured["transmittance"], uv_vis.measure(cell)["transmittance"])


def test_a_transparent_film_transmits_what_fresnel_leaves() -> None:
    """Far below its edge the film with its glass passes 1 - R, both within the noise."""
    measured = uv_vis.measure(pt.load("wbg-target"), uv_vis.Protocol(noise="0 %"))
    clear = measured.sel(wavelength=slice(850e-9, 900e-9))
    lost = 1.0 - clear["reflectance"] - clear["transmittance"]
    # glass of 1.1 mm takes some percent
    assert float(lost.min()) > 0.0 and float(lost.max()) < 0.10


def test_each_junction_of_a_tandem_has_a_film_of_its_own() -> None:
    found = uv_vis.analyse(uv_vis.measure(pt.load("tandem-target")))
    assert found["inflection_gap, top"].value > found["inflection_gap, bottom"].value + 0.4
    figure = uv_vis.plot(uv_vis.measure(pt.load("tandem-target")))
    assert len(figure.axes) == 2


@pytest.mark.parametrize("wrong", [{"stop": "200 nm"}, {"noise": "-1 %"}, {"step": "0.001 nm"}])
def test_impossible_protocols_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        uv_vis.Protocol(**wrong)


def test_a_wafer_too_thick_to_pass_light_above_its_edge_has_none() -> None:
    found = uv_vis.analyse(uv_vis.measure(pt.load("silicon-planar")))
    for name in ("tauc_gap", "inflection_gap", "step_gap", "urbach_energy"):
        assert math.isnan(found[name].value), name
    assert "too thick" in found["inflection_gap"].method


def test_wavelengths_without_constants_are_refused() -> None:
    with pytest.raises(InputError, match="known from"):
        uv_vis.measure(pt.load("wbg-target"), uv_vis.Protocol(start="20 um", stop="30 um", step="10 nm"))


def test_figures_take_one_and_several(tmp_path: Path) -> None:
    style.save(uv_vis.plot(made.dataset()), tmp_path / "one")
    style.save(uv_vis.plot([made.dataset("a"), bare(made.dataset("b", gap=1.6))]), tmp_path / "two")


# --- files of others -------------------------------------------------------------------------------------------------


def percent(name: str) -> tuple[np.ndarray, np.ndarray]:
    table = np.genfromtxt(FILES / name, skip_header=2)
    return table[:, 0], table[:, 1]


@NEEDS_FILES
def test_cadmium_sulphide_reads_as_its_readme_says() -> None:
    wavelength, passed = percent("uvvis_CdS_on_glass_T.txt")
    _, reflected = percent("uvvis_CdS_on_glass_R.txt")
    axis = {"wavelength": ("wavelength", wavelength, {"units": "nm"})}
    measured = uv_vis.joined(
        xr.Dataset({"transmittance": ("wavelength", passed, {"units": "%"})}, axis),
        xr.Dataset({"reflectance": ("wavelength", reflected, {"units": "%"})}, axis),
    )
    seen = uv_vis.spectrum(conform(measured, uv_vis.INSTRUMENT))
    assert edges.tauc(seen.energy, seen.depth, (2.6, 2.9)).value == pytest.approx(2.354, abs=5e-4)
    found = uv_vis.analyse(measured)["tauc_gap"]
    assert abs(found.value - 2.354) < 2.0 * found.uncertainty


@NEEDS_FILES
def test_no_logarithm_is_taken_of_light_below_zero() -> None:
    text = (FILES / "uvvis_perkin_lambda1050.asc").read_text(encoding="latin-1").split("#DATA")[1]
    table = np.array([line.split() for line in text.splitlines() if line.strip()], float)
    assert table[:, 1].min() == pytest.approx(-0.0108, abs=5e-5)
    measured = xr.Dataset(
        {"transmittance": ("wavelength", table[:, 1], {"units": "%"})},
        {"wavelength": ("wavelength", table[:, 0], {"units": "nm"})},
    )
    seen = uv_vis.spectrum(conform(measured, uv_vis.INSTRUMENT))
    assert np.isfinite(seen.depth).all() and any("not above zero" in one for one in seen.told)
