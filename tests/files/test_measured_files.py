"""Real files of instruments: what a correct reader finds in each, found by small scripts that know nothing of perotwin.

The files are not part of the project; where they are absent these tests are skipped, and say so.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from perotwin.files import Found, read

SHARED = Path(__file__).parents[2].parent / "shared"
FOLDERS = (SHARED / "instrument_files", SHARED / "instrument_files_2")

pytestmark = pytest.mark.skipif(
    not all(folder.is_dir() for folder in FOLDERS), reason=f"no measured files in {SHARED}"
)


@cache
def files(name: str) -> tuple[Found, ...]:
    path = next(folder / name for folder in FOLDERS if (folder / name).exists())
    return tuple(read(path))


def linear(found: Found) -> tuple[float, float, float, float]:
    """Voc (V), Jsc (mA/cm2), FF and PCE (%) by linear interpolation and the best measured point, J > 0 delivered."""
    data = found.dataset
    order = np.argsort(data["voltage"].values, kind="stable")
    v, j = data["voltage"].values[order], data["current_density"].values[order] / 10.0
    jsc = np.interp(0.0, v, j)
    if jsc < 0.0:
        j, jsc = -j, -jsc
    at = next(n for n in range(v.size - 1) if j[n] > 0.0 >= j[n + 1] and v[n + 1] > 0.0)
    voc = v[at] - j[at] * (v[at + 1] - v[at]) / (j[at + 1] - j[at])
    best = float((v * j).max())
    irradiance = data.attrs.get("irradiance", 1000.0) / 10.0
    return voc, jsc, 100.0 * best / (voc * jsc), 100.0 * best / irradiance


CURVES = [
    ("jv_hzb_keithley_multipixel.txt", 0, 6, 73, 1.212763, 21.990472, 79.948537, 21.321657),
    ("jv_hzb_keithley_multipixel.txt", 5, 6, 73, 1.195193, 22.112372, 79.548480, 21.023516),
    # the list of files counts 160 points and 12 clipped ones: without the first row
    ("jv_pvcomb_sosim_clipped.txt", 0, 1, 161, 1.078086, 23.71677, 68.00677, 17.38846),
    ("jv_kit_lti.csv", 0, 2, 141, 1.0212, 20.123, 67.98, 13.97),
    ("jv_tandem_sss_reverse.txt", 0, 1, 111, 1.763, 19.37, 64.9, 22.18),
    ("jv_tandem_sss_forward.txt", 0, 1, 111, 1.729, 19.38, 53.29, 17.86),
    ("jv_hzb_iris_dark_and_light.txt", 6, 24, 71, 0.9547, 13.925, 38.86, 5.166),
    ("jv_hzb_iris_dark_and_light.txt", 7, 24, 71, 0.9202, 12.865, 43.90, 5.197),
    ("jv_iris_json_irradiance_mWcm2.json", 0, 2, 81, 0.03076, 8.095, 22.25, 0.0554),
    ("jv_matrix_table_then_curves.txt", 0, 12, 141, 1.14227, 17.787, 61.71, 12.539),
    ("jv_matrix_table_then_curves.txt", 1, 12, 141, 1.13512, 17.800, 61.54, 12.433),
    ("jv_empa_parameters_beside_data.txt", 0, 1, 81, 0.6215, 33.16, 69.3, 14.29),
    ("jv_loana_light.lgt", 0, 1, 86, 0.7034, 39.86, 78.8, 22.09),
    ("jv_dark_and_light_bom.csv", 1, 2, 811, 3.449, 12.110, 84.6, None),
    ("jv_table.xlsx", 0, 1, 160, 0.5337, 32.07, 64.7, 11.08),
]


@pytest.mark.parametrize(("name", "at", "count", "points", "voc", "jsc", "ff", "pce"), CURVES)
def test_current_voltage_curves(
    name: str, at: int, count: int, points: int, voc: float, jsc: float, ff: float, pce: float | None
) -> None:
    found = files(name)
    assert len(found) == count
    assert {one.instrument for one in found} == {"jv"}
    assert found[at].dataset.sizes["voltage"] == points
    ours = linear(found[at])
    digits = 5e-3 if "kit" in name or "sss" in name else 1e-3
    assert ours[0] == pytest.approx(voc, abs=5e-4 if voc > 0.1 else 5e-5)
    assert ours[1] == pytest.approx(jsc, rel=digits)
    assert ours[2] == pytest.approx(ff, abs=0.06)
    if pce is not None:
        assert ours[3] == pytest.approx(pce, rel=2e-3)


@pytest.mark.parametrize(
    "name",
    ["jv_hzb_keithley_multipixel.txt", "jv_matrix_table_then_curves.txt", "jv_multicurve_stability.IV"],
)
def test_each_curve_agrees_with_what_its_file_states(name: str) -> None:
    for one in files(name):
        voc, jsc, ff, pce = linear(one)
        assert voc == pytest.approx(one.stated["voc"].value, abs=3e-3), one.name
        assert jsc == pytest.approx(abs(one.stated["jsc"].value) / 10.0, rel=5e-3), one.name
        assert ff / 100.0 == pytest.approx(one.stated["ff"].value, abs=5e-3), one.name
        assert pce / 100.0 == pytest.approx(one.stated["pce"].value, rel=8e-3, abs=1e-4), one.name


def test_points_that_a_limit_holds_are_counted() -> None:
    assert int(files("jv_pvcomb_sosim_clipped.txt")[0].dataset["clipped"].sum()) == 13
    dark, light = files("jv_dark_and_light_bom.csv")
    assert (int(dark.dataset["clipped"].sum()), int(light.dataset["clipped"].sum())) == (17, 24)
    assert dark.dataset.sizes["voltage"] == 421
    assert (dark.dataset.attrs["light"], light.dataset.attrs["light"]) == (0.0, 1.0)
    assert "clipped" not in files("jv_loana_light.lgt")[0].dataset


def test_a_pixel_that_gives_no_power_has_no_voc_whatever_its_header_claims() -> None:
    from perotwin import lab

    found = {one.name: one for one in files("jv_hzb_iris_dark_and_light.txt")}
    for way in ("Forward", "Reverse"):
        one = found[f"USR_91 e_{way}_Light"]
        metrics = lab.known("jv").analyse(one.dataset)
        assert np.isnan([metrics[name].value for name in ("voc", "ff", "pce")]).all()
        assert one.stated["ff"].value >= 0.0
    assert found["USR_91 e_Forward_Light"].stated["ff"].value == pytest.approx(0.2515, abs=1e-4)


def test_dark_curves_are_no_cells_in_light() -> None:
    found = files("jv_pixel_pairs_A_per_cm2.csv")
    assert [one.dataset.sizes["voltage"] for one in found] == [19] * 4
    at_zero = [
        float(np.interp(0.0, np.sort(one.dataset["voltage"]), one.dataset["current_density"].values[::-1]))
        * 1e5
        for one in found
    ]
    assert at_zero == pytest.approx([-9.12, -11.67, -9.20, -28.60], abs=0.01)  # nA/cm2
    assert all(
        one.dataset.attrs["light"] == 0.0 and any("dark" in note for note in one.notes) for one in found
    )


def test_two_areas_are_both_named_and_none_means_no_current_density() -> None:
    (light,) = files("jv_loana_light.lgt")
    assert any("3.96 cm2" in note and "3.97 cm2" in note for note in light.notes)
    assert light.dataset.attrs["area"] == pytest.approx(3.97e-4)
    forward, reverse = files("jv_palmsens_utf16.csv")
    assert (forward.dataset.attrs["direction"], reverse.dataset.attrs["direction"]) == ("forward", "reverse")
    assert (
        forward.dataset.sizes["voltage"] + reverse.dataset.sizes["voltage"] == 281
    )  # the turn belongs to both
    assert "current_density" not in forward.dataset
    assert any("UTF-16" in note for note in forward.notes)
    path = next(
        folder / "jv_palmsens_utf16.csv" for folder in FOLDERS if (folder / "jv_palmsens_utf16.csv").exists()
    )
    with_area = read(path, area="0.1 cm^2")[0].dataset
    assert with_area["current_density"].values == pytest.approx(with_area["current"].values / 1e-5)


@pytest.mark.parametrize(
    ("name", "at", "count", "points", "jsc", "tolerance"),
    [
        ("eqe_bentham_benwin.dat", 0, 1, 151, 20.45, 0.02),
        ("eqe_hzb_trq.txt", 0, 1, 56, 21.89, 0.01),
        ("eqe_csu_bare_header.txt", 0, 1, 56, 23.84, 0.01),
        ("eqe_tandem_two_columns.csv", 0, 2, 131, 13.11, 0.01),
        ("eqe_tandem_two_columns.csv", 1, 2, 131, 12.78, 0.01),
        ("eqe_empa.sr", 0, 1, 53, None, 0.0),
    ],
)
def test_quantum_efficiencies(
    name: str, at: int, count: int, points: int, jsc: float | None, tolerance: float
) -> None:
    found = files(name)
    assert len(found) == count
    data = found[at].dataset
    assert data.sizes["wavelength"] == points
    assert 0.0 <= float(data["eqe"].max()) < 1.0
    if jsc is not None:
        assert integrated(data) == pytest.approx(jsc, abs=tolerance)


def integrated(data) -> float:  # type: ignore[no-untyped-def]  # a dataset
    """mA/cm2 under AM1.5G, on the union of both grids."""
    from perotwin.spectra import am15g

    spectrum = am15g()
    grid = np.union1d(spectrum.wavelength, data["wavelength"].values)
    grid = grid[(grid >= data["wavelength"].values[0]) & (grid <= data["wavelength"].values[-1])]
    flux = np.interp(grid, spectrum.wavelength, spectrum.photon_flux_density)
    return float(
        np.trapezoid(np.interp(grid, data["wavelength"], data["eqe"]) * flux, grid) * 1.602176634e-19 / 10.0
    )


@pytest.mark.parametrize(
    ("name", "count"), [("eqe_side_by_side_11_scans.txt", 11), ("eqe_two_scans_stacked.txt", 2)]
)
def test_every_scan_integrates_to_the_current_over_it(name: str, count: int) -> None:
    found = files(name)
    assert len(found) == count
    for one in found:
        assert integrated(one.dataset) == pytest.approx(one.stated["jsc"].value / 10.0, abs=1.5e-3)


def test_power_tracking() -> None:
    (hzb,) = files("mppt_hzb.txt")
    assert hzb.dataset.sizes["time"] == 16_740  # 60 lines between them are words
    assert float(hzb.dataset["time"][-1]) == pytest.approx(183.0, abs=0.5)
    (sss,) = files("mppt_sss_tandem.txt")
    assert float(sss.dataset["time"][-1]) == pytest.approx(60.0, abs=1.0)
    assert float(sss.dataset["voltage"][0]) == pytest.approx(1.5)  # mV in the file
    (kit,) = files("mppt_kit_negative_voltage.csv")
    power = kit.dataset["power_density"].values
    assert power.size == 254
    assert float(np.median(power[-60:])) / 10.0 / 0.995 == pytest.approx(17.80, abs=0.01)
    assert (power[:4] < 0.0).all()
    assert (power[4:] > 0.0).all()
    assert float(np.median(kit.dataset["voltage"])) == pytest.approx(0.84, abs=0.005)
    assert float(np.median(kit.dataset["current_density"])) == pytest.approx(211.0, abs=2.0)
    (negative,) = files("mppt_negative_power.txt")
    assert negative.dataset.sizes["time"] == 103
    assert float(negative.dataset["power_density"][-10:].mean()) == pytest.approx(133.1, abs=0.1)
    (long,) = files("mppt_302h_hunting_tracker.csv")
    assert long.dataset.sizes["time"] == 1810
    assert float(long.dataset["time"][-1]) / 3600.0 == pytest.approx(302.6, abs=0.05)
    assert (long.dataset["power_density"] > 0.0).mean() > 0.99


def test_a_tracker_that_hunts_for_302_h_has_a_t80_of_69_h() -> None:
    """The first point below 80 % would say 0 h; shorter traces say nothing."""
    from perotwin import lab

    analyse = lab.known("mppt").analyse
    (long,) = files("mppt_302h_hunting_tracker.csv")
    assert analyse(long.dataset)["t80"].value / 3600.0 == pytest.approx(69.0, abs=2.0)
    for name in ("mppt_hzb.txt", "mppt_sss_tandem.txt", "mppt_kit_negative_voltage.csv"):
        assert np.isnan(analyse(files(name)[0].dataset)["t80"].value)


def test_absolute_luminescence() -> None:
    (gaas,) = files("pl_absolute_luqy_gaas.txt")
    data = gaas.dataset
    assert data.sizes["wavelength"] == 1510
    assert data["photon_flux"].attrs["units"] == "m-2 s-1 m-1"
    peak = float(data["wavelength"][int(data["photon_flux"].values.argmax())])
    assert peak == pytest.approx(870.8e-9, abs=0.1e-9)
    assert gaas.stated["plqy"].value == pytest.approx(9.693e-3)
    assert gaas.stated["qfls"].value == pytest.approx(1.094)
    emitted = float(np.trapezoid(data["photon_flux"], data["wavelength"]))
    absorbed = data.attrs["light"] * data.attrs["jsc"] / 1.602176634e-19 / data.attrs["eqe_at_laser"]
    # the list of files says 0.949 %: that is without the 0.98 suns of the header
    assert emitted / absorbed == pytest.approx(9.685e-3, abs=2e-5)
    (older,) = files("pl_absolute_luqy.txt")
    assert older.stated["qfls"].value == pytest.approx(1.172)
    assert "light" not in older.dataset.attrs
    assert any("not set" in note for note in older.notes)


def test_relative_spectra_and_yields_against_time() -> None:
    (fringes,) = files("pl_interference.dat")
    data = fringes.dataset
    assert (data.sizes["wavelength"], float(data["photon_flux"].max())) == (351, 47_758.0)
    assert float(data["wavelength"][int(data["photon_flux"].values.argmax())]) == pytest.approx(1106e-9)
    assert data["photon_flux"].attrs["units"] == "1"
    (scan,) = files("pl_emission_scan.csv")
    assert scan.dataset.sizes["wavelength"] == 451
    (trace,) = files("plqy_lockin_time.txt")
    assert trace.dataset.sizes["time"] == 101
    assert float(trace.dataset["plqy"].mean()) == pytest.approx(2.848e-4, abs=1e-7)
    assert float(trace.dataset["plqy"][-1]) == pytest.approx(2.731e-4, abs=1e-7)
    assert trace.dataset.attrs["light"] == pytest.approx(2.29)


def test_decays() -> None:
    (bins,) = files("trpl_bins_ps.dat")
    data = bins.dataset
    assert (data.sizes["time"], float(data["counts"].max())) == (32_768, 585.0)
    assert float(data["time"][int(data["counts"].values.argmax())]) == pytest.approx(59e-9)
    assert float(np.diff(data["time"]).mean()) == pytest.approx(1e-9)
    (two,) = files("trpl_two_columns_ns.dat")
    peak = int(two.dataset["counts"].values.argmax())
    assert (two.dataset.sizes["time"], float(two.dataset["counts"].max())) == (10_000, 4116.0)
    assert float(two.dataset["time"][peak]) == pytest.approx(7.2e-9)
    (harp,) = files("trpl_timeharp260.dat")
    assert harp.dataset.sizes["time"] == 32_768
    assert float(harp.dataset["time"][1]) == pytest.approx(1e-9)
    assert harp.dataset["counts"].values[:8].tolist() == [0, 0, 0, 1, 0, 1, 1, 0]
    (raw,) = files("trpl_raw_film_700nm.csv")
    (processed,) = files("trpl_processed_film_700nm.csv")
    for one in (raw, processed):
        assert float(np.median(np.diff(one.dataset["time"]))) == pytest.approx(0.05e-9, rel=2e-3)


def test_open_circuit_voltages() -> None:
    (loana,) = files("isc_voc_loana.jv")
    data = loana.dataset
    assert data.sizes["point"] == 49
    assert data.attrs["jsc"] * data.attrs["area"] == pytest.approx(0.15825, abs=1e-6)
    v, light = data["voltage"].values, data["intensity"].values
    order = np.argsort(v)
    voc = float(np.interp(1.0, light[order], v[order]))
    assert voc == pytest.approx(0.7038, abs=1e-4)
    shifted = (1.0 - light[order]) * v[order]
    # the maximum lies between two points: a parabola through three
    best = int(shifted.argmax())
    a, b, c = np.polyfit(v[order][best - 1 : best + 2], shifted[best - 1 : best + 2], 2)
    assert (c - b * b / (4.0 * a)) / voc == pytest.approx(0.8011, abs=2e-3)
    assert loana.stated["pseudo_ff"].value == pytest.approx(0.8012)
    pairs = files("jsc_voc_temperature.txt")
    assert len(pairs) == 21
    assert pairs[0].dataset.attrs["temperature"] == pytest.approx(122.96, abs=0.01)
    assert pairs[0].dataset["current_density"].values[0] == pytest.approx(4.791189)


def test_voltages_of_junctions_by_luminescence() -> None:
    (found,) = files("el_subcell_voltages_4_junctions.csv")
    data = found.dataset
    assert data["subcell_voltage"].shape == (4, 16)
    assert float(np.abs(data["subcell_voltage"].sum("junction") - data["voltage"]).max()) < 3e-7
    assert data["current_density"].values[[0, -1]] / 10.0 == pytest.approx([0.865, 865.05], rel=1e-3)


def test_surface_photovoltage_is_read() -> None:
    (found,) = files("trspv_three_wavelengths.txt")
    data = found.dataset
    assert data["surface_photovoltage"].shape == (870, 3)
    assert data["wavelength"].values == pytest.approx([688e-9, 563e-9, 476e-9])
    assert float(data["time"][-1]) == pytest.approx(0.195, abs=0.001)
    assert float(data["surface_photovoltage"][:, 0].min()) == pytest.approx(-0.0573, abs=5e-5)
    assert float(data["surface_photovoltage"][:, 2].min()) == pytest.approx(-0.0309, abs=5e-5)
