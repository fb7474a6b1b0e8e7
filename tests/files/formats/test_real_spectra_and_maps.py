"""Real files of impedance, capacitance, diffraction, spectra, maps and profiles: what a correct reader finds.

Each number was found by small scripts written for these files alone; it is the file that is right.
"""

from __future__ import annotations

import numpy as np
import pytest

from perotwin.files.registry import read
from perotwin.files.source import Source
from real_files import real


def only(name, **how):
    found = read(real(name), **how)
    assert len(found) == 1
    return found[0].dataset


def said(found, words):
    return any(words in note for note in found.notes)


# --- impedance -------------------------------------------------------------------------------------------------------


def test_ec_lab():
    found = read(real("eis_biologic.mpt"))[0]
    measured = found.dataset
    frequency, re, im = (measured[one].values for one in ("frequency", "impedance_real", "impedance_imag"))
    assert found.instrument == "impedance" and frequency.size == 43
    assert frequency[[0, -1]] == pytest.approx([1000.32, 0.0169], rel=1e-3)
    assert re[[0, -1]] == pytest.approx([65.47, 110.97], abs=0.005)
    assert measured["impedance_real"].attrs["units"] == "ohm"
    assert (-im).max() == pytest.approx(21.50, abs=0.005) and frequency[im.argmin()] == pytest.approx(
        0.390, abs=1e-3
    )
    assert np.count_nonzero(im > 0.0) == 4 and said(found, "4 of 43 points have Im Z > 0")
    assert said(found, "Windows-1252") and said(found, "what the program fills in")


def test_ec_lab_per_area_of_the_cell():
    measured = only("eis_biologic.mpt", area="0.09 cm^2")
    assert measured["impedance_real"].attrs["units"] == "ohm m2"
    assert measured["impedance_real"].values[0] == pytest.approx(65.470886 * 0.09e-4)


def test_gamry():
    measured = only("eis_gamry.DTA")
    frequency, re, im = (measured[one].values for one in ("frequency", "impedance_real", "impedance_imag"))
    assert frequency.size == 72 and frequency[[0, -1]] == pytest.approx([200_015.6, 0.0159], rel=1e-3)
    assert re[[0, -1]] == pytest.approx([825.86, 17_007.5], rel=1e-5)
    assert -im[-1] == pytest.approx(6635.6, abs=0.05) and np.all(np.diff(-im[-10:]) > 0.0)


def test_zplot_says_what_is_missing():
    found = read(real("eis_zplot.z"))[0]
    frequency, re = found.dataset["frequency"].values, found.dataset["impedance_real"].values
    assert frequency.size == 21 and frequency[[0, -1]] == pytest.approx([300e3, 3e3])
    assert re[[0, -1]] == pytest.approx([147.77, 613.68])
    assert said(found, "56 points are announced and 21 are there: 35 are missing")


def test_ch_instruments():
    measured = only("eis_chi.txt")
    frequency, re, im = (measured[one].values for one in ("frequency", "impedance_real", "impedance_imag"))
    assert frequency.size == 73 and frequency[[0, -1]] == pytest.approx([99.61e3, 0.1])
    assert re[[0, -1]] == pytest.approx([98.91, 5685.0]) and im[-1] == pytest.approx(-1.586e4)


# --- capacitance -----------------------------------------------------------------------------------------------------


def test_capacitance_against_voltage():
    measured = only("cv_empa_123K.txt")
    voltage, per_area = measured["voltage"].values, measured["capacitance"].values
    assert measured.attrs["instrument"] == "cv" and voltage.size == 65
    assert voltage[[0, -1]] == pytest.approx([-2.5, 0.7])
    assert per_area[np.abs(voltage).argmin()] * 1e5 == pytest.approx(25.15, abs=0.005)  # nF/cm2
    assert measured.attrs["frequency"] == 1e5 and measured.attrs["area"] == pytest.approx(0.57e-4)
    window = (voltage > -0.999) & (voltage < -0.001)  # points between -1 and 0 V
    slope, at_zero = np.polyfit(voltage[window], per_area[window] ** -2, 1)
    assert -at_zero / slope == pytest.approx(1.18, abs=0.005)


def test_capacitance_against_frequency():
    measured = only("cf_empa_123K.txt")
    frequency, per_area = measured["frequency"].values, measured["capacitance"].values
    assert frequency.size == 83 and frequency[[0, -1]] == pytest.approx([200.0, 2e6])
    assert per_area[[0, -1]] * 1e5 == pytest.approx([43.57, 12.78], abs=0.005)


# --- oscilloscope -----------------------------------------------------------------------------------------------------


def test_rigol():
    found = read(real("scope_rigol_ds1102e.csv"))
    assert [one.dataset.attrs["channel"] for one in found] == ["CH1", "CH2"]
    time = found[0].dataset["time"].values
    assert (
        time.size == 600
        and time[0] == pytest.approx(-600e-6)
        and np.diff(time) == pytest.approx(2e-6, rel=0.01)
    )
    extremes = [(one.dataset["voltage"].values.min(), one.dataset["voltage"].values.max()) for one in found]
    assert extremes == [pytest.approx((-1.36, 4.48)), pytest.approx((-0.40, 5.60))]


# --- diffraction -----------------------------------------------------------------------------------------------------


def test_panalytical():
    measured = only("xrd_panalytical.xrdml")
    angles, counts = measured["two_theta"].values, measured["counts"].values
    assert angles.size == 5027 and angles[[0, -1]] == pytest.approx([4.007, 69.999], abs=5e-4)
    assert counts.max() == 100_168 and angles[counts.argmax()] == pytest.approx(26.617, abs=5e-4)
    assert (
        measured.attrs["wavelength"] == pytest.approx(1.540598e-10) and measured.attrs["second_share"] == 0.5
    )


def test_rigaku():
    measured = only("xrd_rigaku_powder.rasx")
    angles, counts = measured["two_theta"].values, measured["counts"].values
    assert angles.size == 2726 and angles[[0, -1]] == pytest.approx([10.0, 119.0])
    assert np.diff(angles) == pytest.approx(0.04)
    assert counts.max() == pytest.approx(1698.5, abs=0.05) and angles[counts.argmax()] == pytest.approx(32.68)


# --- light -----------------------------------------------------------------------------------------------------------


def test_perkin_elmer():
    found = read(real("uvvis_perkin_lambda1050.asc"))[0]
    nm, transmittance = found.dataset["wavelength"].values * 1e9, found.dataset["transmittance"].values
    assert nm.size == 1001 and nm[[0, -1]] == pytest.approx([1200.0, 200.0])
    assert transmittance[0] == pytest.approx(0.8994, abs=5e-5)
    assert transmittance.min() == pytest.approx(-0.000108, abs=5e-7) and nm[
        transmittance.argmin()
    ] == pytest.approx(376.0)
    assert said(found, "zero or below in 1 points")


def test_reflectance_and_transmittance_of_one_film():
    r, t = only("uvvis_CdS_on_glass_R.txt"), only("uvvis_CdS_on_glass_T.txt")
    nm, share = r["wavelength"].values * 1e9, r["reflectance"].values + t["transmittance"].values
    assert nm.size == 851 and nm[[0, -1]] == pytest.approx([300.0, 2000.0])
    assert 0.9990 < share.max() < 0.99965
    energy = 1239.841984 / nm
    tauc = (energy * np.log((1.0 - r["reflectance"].values) / t["transmittance"].values)) ** 2
    window = (energy >= 2.6) & (energy <= 2.9)
    slope, at_zero = np.polyfit(energy[window], tauc[window], 1)
    assert -at_zero / slope == pytest.approx(2.354, abs=5e-4)


def test_infrared():
    measured = only("ftir_pe1800.dx")
    wavenumber, signal = measured["position"].values, measured["signal"].values
    assert measured["position"].attrs["units"] == "cm^-1" and wavenumber.size == 3301
    assert wavenumber[[0, -1]] == pytest.approx([4000.0, 700.0])
    assert signal.min() == pytest.approx(0.8631) and wavenumber[signal.argmin()] == pytest.approx(1189.0)
    assert signal.max() == pytest.approx(1.0189)


def test_nuclear_magnetic_resonance():
    measured = only("nmr_1H_topspin.txt")
    shift, signal = measured["position"].values, measured["signal"].values
    assert measured["position"].attrs["units"] == "ppm" and shift.size == 32_768
    assert shift[[0, -1]] == pytest.approx([16.334, -3.986], abs=5e-4)
    assert shift[signal.argmax()] == pytest.approx(2.553, abs=5e-4)
    for place in (0.000, 3.35, 2.444, 1.743, 1.043):
        near = np.abs(shift - place) < 0.01
        top = shift[near][signal[near].argmax()]
        assert top == pytest.approx(place, abs=0.003), place
        assert signal[near].max() > 30.0 * np.median(np.abs(signal))


# --- electrons -------------------------------------------------------------------------------------------------------


def test_kratos():
    found = read(real("xps_kratos_perovskite.vms"))
    assert len(found) == 9 and all("transmission" in one.dataset for one in found)
    by_name = {one.name: one.dataset for one in found}
    for name, place, points in (("I3d", 619.6, 101), ("Pb4f", 138.8, 101), ("C 1s", 288.8, 101)):
        energy, counts = by_name[name]["binding_energy"].values, by_name[name]["counts"].values
        assert counts.size == points and energy[counts.argmax()] == pytest.approx(place, abs=0.01)
    assert by_name["wide"]["counts"].size == 1206
    assert by_name["VBM"]["counts"].size == 281 and by_name["SECO"]["counts"].size == 921
    assert by_name["VBM"].attrs["photon_energy"] == 21.22 and by_name["SECO"].attrs["technique"] == "UPS"
    assert by_name["I3d"].attrs["stated_work_function"] == -4.5
    assert said(found[1], "work function of -4.5 eV stands in the file and is not applied")


def test_scienta():
    measured = only("xps_scienta_Ag3d.txt")
    energy, counts = measured["binding_energy"].values, measured["counts"].values
    assert energy.size == 361 and energy[[0, -1]] == pytest.approx([382.0, 364.0])
    assert energy[counts.argmax()] == pytest.approx(369.9, abs=0.01)


def test_survey():
    measured = only("xps_survey.csv")
    energy, counts = measured["binding_energy"].values, measured["counts"].values
    assert energy.size == 2721 and energy[[0, -1]] == pytest.approx([1355.0, -5.0])
    assert counts.max() == pytest.approx(94_622, abs=0.5) and energy[counts.argmax()] == pytest.approx(405.0)


# --- maps and images -------------------------------------------------------------------------------------------------


def plane_taken(heights):
    rows, columns = heights.shape
    y, x = np.mgrid[:rows, :columns]
    design = np.stack([np.ones(heights.size), x.ravel(), y.ravel()], axis=1)
    return heights - (design @ np.linalg.lstsq(design, heights.ravel(), rcond=None)[0]).reshape(rows, columns)


def test_gwyddion_with_four_channels():
    measured = only("afm_asylum_four_channels.gwy")
    assert [measured[one].shape for one in measured.data_vars] == [(256, 256)] * 4
    step = float(measured["x"][1] - measured["x"][0])
    assert 256 * step == pytest.approx(10.04e-6, abs=5e-9)
    heights = plane_taken(measured["height"].values) * 1e9
    assert heights.std() == pytest.approx(4.632, abs=5e-4)
    assert np.abs(heights).mean() == pytest.approx(1.243, abs=5e-4)
    assert measured["phaseretrace"].attrs["units"] == "deg"


def test_simple_field():
    measured = only("afm_chip.gsf")
    heights = measured["height"].values
    assert heights.shape == (300, 300) and 300 * float(measured["x"][1] - measured["x"][0]) == pytest.approx(
        80e-6
    )
    assert [heights.min(), heights.max()] == pytest.approx([12.515e-6, 19.495e-6], abs=5e-10)
    assert heights.std() * 1e9 == pytest.approx(1515.0, abs=0.05)
    level = plane_taken(heights) * 1e9
    assert level.std() == pytest.approx(1274.3, abs=0.05) and np.abs(level).mean() == pytest.approx(
        1025.2, abs=0.1
    )


def test_zeiss():
    measured = only("sem_zeiss.tif")
    assert measured["brightness"].shape == (768, 1024)
    assert float(measured["x"][1] - measured["x"][0]) == pytest.approx(5.582e-9, rel=1e-4)
    assert (measured.attrs["magnification"], measured.attrs["detector"], measured.attrs["acceleration"]) == (
        "20.00 K X",
        "InLens",
        "1.00 kV",
    )


# --- depth profiles --------------------------------------------------------------------------------------------------


def test_profile_of_a_film_on_a_monolayer():
    found = read(real("tof_sims_film_on_MeO-2PACz_negative.txt"))[0]
    measured = found.dataset
    time = measured["sputter_time"].values
    assert time.size == 70 and time[-1] == pytest.approx(506.0, abs=0.05) and measured.sizes["species"] == 132
    for ion, at in (("PO_3-", 278.7), ("PbI_2-", 220.0), ("InO_2-", 425.3)):
        counts = measured["signal"].sel(species=ion).values
        assert time[np.nanargmax(counts)] == pytest.approx(at, abs=0.05), ion
    names = [str(one) for one in measured["species"].values]
    assert any("," in one for one in names) and any(" / " in one for one in names)
    assert said(found, "21 intensities are infinite")
    assert (
        "inf" in Source.of(real("tof_sims_film_on_MeO-2PACz_negative.txt")).text
        and not np.isinf(measured["signal"]).any()
    )


def test_profile_raw_and_corrected():
    found = read(real("tof_sims_empa_cigs.TXT"))[0]
    assert found.dataset["sputter_time"].size == 766 and found.dataset.sizes["species"] == 23
    assert float(found.dataset["sputter_time"][-1]) == pytest.approx(1530.0, abs=0.05)
    assert said(found, "Poisson Corrected")
    assert float(found.dataset["mass"].sel(species="Na+")) == pytest.approx(22.9966)
