"""Small files in the layouts of instruments, made of closed formulas: what was written is what is read."""

from __future__ import annotations

import numpy as np
import pytest

import made_binary_files as binary
import made_files as made
from made_files import FOLDER
from perotwin.errors import InputError
from perotwin.files.registry import formats, read, recognise

TEXTS = dict(made.files())


def found(name, **how):
    return read(FOLDER / name, **how)


def only(name, **how):
    measured = found(name, **how)
    assert len(measured) == 1
    return measured[0].dataset


def from_bytes(tmp_path, name, content, **how):
    (tmp_path / name).write_bytes(content)
    return read(tmp_path / name, **how)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_texts_are_as_their_formulas_make_them(name):
    assert (FOLDER / name).read_bytes() == TEXTS[name]


def test_every_format_of_text_has_three_files_and_every_binary_one_has_one():
    ours = {
        name: recognise(FOLDER / name).format.name for name in [*TEXTS, *(one for one, _ in binary.files())]
    }
    counted = {kind: list(ours.values()).count(kind) for kind in set(ours.values())}
    single = {
        "gwyddion",
        "gwyddion_simple_field",
        "nanosurf",
        "sem_tif",
        "rasx",
        "brml",
        "picoquant",
        "becker_hickl",
    }
    assert {kind: number for kind, number in counted.items() if number < (1 if kind in single else 3)} == {}
    assert counted["gwyddion"] == 2 and set(counted) == single | {
        "ec_lab", "gamry", "zplot", "chi", "versastudio", "impedance_table", "capacitance", "oscilloscope", "xrdml",
        "xrd_text", "perkin_elmer", "jasco", "uv_vis_table", "vamas", "scienta", "xps_columns", "iontof", "jcamp_dx",
        "topspin", "specs", "ras",
    }  # fmt: skip
    assert set(counted) <= {one.name for one in formats()}


# --- impedance -------------------------------------------------------------------------------------------------------

SPECTRA = sorted(name for name in TEXTS if name.startswith("eis_"))


@pytest.mark.parametrize("name", SPECTRA)
def test_impedance(name):
    measured = only(name)
    area = measured.attrs.get("area", 0.1e-4 if name == "eis_per_area.csv" else 1.0)
    unit = measured["impedance_real"].attrs["units"]
    assert unit == measured["impedance_imag"].attrs["units"] == ("ohm" if area == 1.0 else "ohm m2")
    assert measured["frequency"].values == pytest.approx(made.FREQUENCY, rel=1e-6)
    # the oldest programs write six digits
    assert measured["impedance_real"].values == pytest.approx(made.IMPEDANCE.real * area, rel=2e-6)
    assert measured["impedance_imag"].values == pytest.approx(made.IMPEDANCE.imag * area, rel=2e-5)


def test_area_that_a_file_states_and_one_that_is_asked_for():
    assert only("eis_ec_lab_area.mpt").attrs["area"] == pytest.approx(0.16e-4)
    asked = found("eis_ec_lab_area.mpt", area="0.09 cm^2")[0]
    assert asked.dataset.attrs["area"] == pytest.approx(0.09e-4)
    assert any("as asked; the file says 0.16 cm^2" in note for note in asked.notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eis_gamry_counted.DTA", "15 points are announced and 11 are there: 4 are missing"),
        ("eis_zplot_short.z", "20 points are announced and 11 are there: 9 are missing"),
        ("eis_gamry_aborted.DTA", "aborted"),
        ("eis_versastudio.par", "1 segments without frequencies are left out"),
        ("eis_autolab.txt", "decimal commas"),
        ("eis_zplot_unnamed.z", "the columns have no names"),
        ("eis_bode_kohm.csv", "made of |Z| and the phase"),
        ("uv_perkin_reflectance.asc", "100 points are announced and 81 are there"),
        ("nmr_topspin_short.txt", "1400 points are announced and 1301 are there"),
        ("xps_scienta_slices.txt", "300 points are announced and 201 are there"),
        ("xrd_counts_attenuated.xrdml", "attenuation factors of the file, once"),
        ("xrd_intensities_attenuated.xrdml", "not used again"),
        ("xps.vms", "a work function of 4.4 eV stands in the file and is not applied"),
    ],
)
def test_what_is_odd_is_said(name, words):
    assert any(words in note for note in found(name)[0].notes)


def test_rows_without_frequency_and_inductive_ones_are_kept_and_told(tmp_path):
    f, z = np.append(made.FREQUENCY, 0.0), np.append(made.IMPEDANCE, 120.0)
    z[0] = 20.0 + 3.0j
    content = made.impedance_table(["Frequency (Hz)", "Zre (ohms)", "Zim (ohms)"], [f, z.real, z.imag])
    (measured,) = from_bytes(tmp_path, "z.txt", content)
    assert measured.dataset["frequency"].size == 12 and measured.dataset["impedance_imag"].values[0] == 3.0
    assert any("1 rows have no frequency above zero" in note for note in measured.notes)
    assert any("1 of 12 points have Im Z > 0" in note for note in measured.notes)


def test_a_column_that_contradicts_the_modulus_is_refused(tmp_path):
    z = made.IMPEDANCE
    names = ["freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/kOhm"]
    content = made.impedance_table(names, [made.FREQUENCY, z.real, -z.imag, abs(z)])
    with pytest.raises(InputError, match="differ"):
        from_bytes(tmp_path, "z.txt", content)


def test_cycles_are_spectra_of_their_own(tmp_path):
    f, z = np.tile(made.FREQUENCY, 2), np.concatenate([made.IMPEDANCE, 2.0 * made.IMPEDANCE])
    cycle = np.repeat([1.0, 2.0], made.FREQUENCY.size)
    content = made.impedance_table(
        ["freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "cycle number"], [f, z.real, -z.imag, cycle]
    )
    both = from_bytes(tmp_path, "z.txt", content)
    assert [one.dataset["frequency"].size for one in both] == [11, 11]
    assert both[1].dataset["impedance_real"].values == pytest.approx(2.0 * made.IMPEDANCE.real, rel=1e-6)


def test_other_experiments_of_these_programs_are_refused_with_a_reason(tmp_path):
    with pytest.raises(InputError, match="EISPOT"):
        from_bytes(tmp_path, "x.DTA", made.gamry(curve=False), instrument="impedance")
    with pytest.raises(InputError, match="binary form") as refusal:
        from_bytes(tmp_path, "x.par", made.versastudio(binary=True))
    assert "Save New Data to Binary File" in refusal.value.advice


def test_columns_without_names_are_taken_only_where_they_can_be_nothing_else(tmp_path):
    counts = np.full(400, 100.0)
    for name, axis in (("q.xy", 0.2 + 0.01 * np.arange(400)), ("valence.xy", 0.05 * np.arange(400))):
        with pytest.raises(InputError):
            from_bytes(tmp_path, name, made.table([axis, counts], ["%.3f", "%.1f"], " ").encode())
    f, z = made.FREQUENCY, made.IMPEDANCE
    with pytest.raises(InputError, match="no headings"):
        from_bytes(tmp_path, "z.csv", made.table([f, z.real, z.imag], ["%.6E"] * 3, ",").encode())


def test_a_spectrum_without_frequencies_is_refused(tmp_path):
    with pytest.raises(InputError, match="no impedance spectrum can be made"):
        from_bytes(tmp_path, "z.mpt", made.ec_lab(names=("Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm")))


def test_an_aborted_spectrum_keeps_its_rows(tmp_path):
    (measured,) = from_bytes(tmp_path, "x.DTA", made.gamry(announced="\t11", aborted=True, rows=4))
    assert measured.dataset["frequency"].size == 4
    assert any("11 points are announced and 4 are there: 7 are missing" in note for note in measured.notes)


# --- capacitance, oscilloscopes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cv_empa.txt", "cv_keithley.csv", "cv_comma.txt"])
def test_capacitance_against_voltage(name):
    measured = only(name, area="0.1 cm^2")
    assert measured["voltage"].values == pytest.approx(made.BIAS, abs=1e-9)
    assert measured["capacitance"].values == pytest.approx(made.CAPACITANCE / 0.1e-4, rel=2e-7)
    assert measured["capacitance"].attrs["units"] == "F m-2"
    if name != "cv_comma.txt":
        assert measured.attrs["frequency"] == 1e5
        assert measured["conductance"].values == pytest.approx(
            (1e-5 + 1e-6 * np.arange(17)) / 0.1e-4, rel=1e-5
        )


def test_capacitance_without_an_area_stays_in_farad():
    measured = only("cv_keithley.csv")
    assert measured["capacitance"].attrs["units"] == "F" and "area" not in measured.attrs
    assert measured["capacitance"].values == pytest.approx(made.CAPACITANCE, rel=1e-7)


def test_capacitance_against_frequency():
    measured = only("cf_empa.txt")
    assert measured["capacitance"].dims == ("frequency",) and measured["frequency"].values[0] == 100.0
    assert measured["capacitance"].values == pytest.approx(made.CAPACITANCE / 0.1e-4, rel=1e-5)


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.startswith("scope_")))
def test_oscilloscopes(name):
    measured = found(name)
    assert len(measured) == (2 if name == "scope_rigol.csv" else 1)
    for factor, one in enumerate(measured, 1):
        assert one.instrument == "tpv"
        assert one.dataset["time"].values == pytest.approx(made.MOMENTS, abs=1e-15)
        assert one.dataset["voltage"].values == pytest.approx(made.TRACE * factor, rel=1e-8)


# --- diffraction -----------------------------------------------------------------------------------------------------


DIFFRACTOGRAMS = sorted(name for name in TEXTS if name.startswith("xrd"))


@pytest.mark.parametrize("name", [*DIFFRACTOGRAMS, "xrd_rigaku.rasx", "xrd_bruker.brml"])
def test_diffractograms(name):
    measured = found(name)
    assert len(measured) == (2 if name == "xrd_two_scans.xrdml" else 1)
    for one in measured:
        assert one.dataset["two_theta"].values == pytest.approx(made.ANGLES, abs=1e-4)
        assert one.dataset["counts"].values == pytest.approx(made.COUNTS, abs=1e-3)
    wavelength = measured[0].dataset.attrs.get("wavelength")
    assert (wavelength is None) == (name in ("xrd.xy", "xrd_errors.xye", "xrd_named.csv"))
    assert wavelength is None or wavelength == pytest.approx(1.5406e-10, rel=1e-5)


def test_the_attenuator_of_rigaku_counts_once(tmp_path):
    (measured,) = from_bytes(tmp_path, "x.rasx", binary.rasx(attenuated=True))
    assert measured.dataset["counts"].values == pytest.approx(made.COUNTS, abs=1e-3)
    assert any("once" in note for note in measured.notes)


def test_several_scans_of_one_archive(tmp_path):
    assert len(from_bytes(tmp_path, "x.rasx", binary.rasx(scans=3))) == 3
    with pytest.raises(InputError, match="Omega"):
        from_bytes(tmp_path, "x.rasx", binary.rasx(axis="Omega"))


def test_the_library_reads_the_same_from_the_same_files(tmp_path):
    readers = pytest.importorskip("fairmat_readers_xrd.readers")
    for name in ("xrd.xrdml", "xrd_counts_attenuated.xrdml", "xrd_intensities_attenuated.xrdml"):
        theirs = readers.read_panalytical_xrdml(str(FOLDER / name))
        assert only(name)["counts"].values == pytest.approx(theirs["intensity"].magnitude)
        assert only(name)["two_theta"].values == pytest.approx(theirs["2Theta"].to("degree").magnitude)


# --- light -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.startswith("uv_")))
def test_uv_vis(name):
    measured = found(name)
    one = measured[0].dataset
    assert one["wavelength"].values * 1e9 == pytest.approx(made.WAVELENGTH)
    if "transmittance" in one:
        assert one["transmittance"].values == pytest.approx(made.TRANSMITTANCE, abs=6e-7)
    assert ("reflectance" in one) == (name in ("uv_both.csv", "uv_perkin_reflectance.asc"))
    if "reflectance" in one:
        assert one["reflectance"].values == pytest.approx(made.REFLECTANCE, abs=6e-8)
    assert len(measured) == (2 if name == "uv_cary_pairs.csv" else 1)
    if len(measured) == 2:
        assert [other.name for other in measured] == ["one", "two"]
        assert measured[1].dataset["transmittance"].values == pytest.approx(made.TRANSMITTANCE / 2, abs=6e-7)


def test_a_share_in_per_cent_that_does_not_say_so_is_refused(tmp_path):
    content = "Wavelength (nm),Transmittance\n" + made.table(
        [made.WAVELENGTH, made.TRANSMITTANCE * 100], ["%.1f", "%.4f"], ","
    )
    with pytest.raises(InputError, match="at most 1"):
        from_bytes(tmp_path, "x.csv", content.encode())


@pytest.mark.parametrize("name", ["ir_affn.dx", "ir_pairs.jdx", "ir_squeezed.dx"])
def test_infrared(name):
    measured = only(name)
    assert measured["position"].values == pytest.approx(made.WAVENUMBER)
    assert measured["signal"].values == pytest.approx(made.BAND, abs=1e-9)
    assert measured["position"].attrs["units"] == "cm^-1"


def test_infrared_with_a_lost_line_is_refused(tmp_path):
    lines = TEXTS["ir_squeezed.dx"].decode().split("\n")
    del lines[30]
    with pytest.raises(InputError):
        from_bytes(tmp_path, "x.dx", "\n".join(lines).encode())
    changed = TEXTS["ir_affn.dx"].replace(b"##YFACTOR= 0.0001", b"##YFACTOR= 0.001")
    with pytest.raises(InputError, match=r"says (MAXY|MINY|FIRSTY)"):
        from_bytes(tmp_path, "x.dx", changed)


@pytest.mark.parametrize("name", ["nmr.dx", "nmr_topspin.txt", "nmr_topspin_comma.txt"])
def test_nuclear_magnetic_resonance(name):
    measured = only(name)
    assert measured["position"].values == pytest.approx(made.SHIFT, abs=1e-9)
    assert measured["signal"].values == pytest.approx(made.LINE)
    assert measured["position"].attrs["units"] == "ppm"


# --- electrons, ions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.startswith("xps")))
def test_photoelectrons(name):
    measured = found(name)
    two = ("xps_blank_lines.npl", "xps_shared_parts.vms", "xps_scienta_kinetic.txt", "xps_specs_binding.xy")
    assert len(measured) == (2 if name in two else 1)
    first = measured[0].dataset
    assert first["binding_energy"].values == pytest.approx(made.BINDING, abs=2e-4)
    assert first["counts"].values == pytest.approx(made.ELECTRONS, rel=1e-6)
    if not name.startswith("xps_columns_"):
        assert first.attrs["region"] == "Pb 4f"
    if name.endswith(("vms", "npl")) and len(measured) == 2:
        assert measured[1].dataset["counts"].values == pytest.approx(2.0 * made.ELECTRONS)
        assert measured[1].dataset.attrs["photon_energy"] == made.PHOTON


def test_a_vamas_file_that_ends_early_says_what_is_missing(tmp_path):
    whole = TEXTS["xps.vms"].decode().split("\r\n")
    (measured,) = from_bytes(tmp_path, "x.vms", "\r\n".join(whole[:-60]).encode())
    assert any("announces 201 points" in note for note in measured.notes)
    points = measured.dataset["counts"].size
    assert 100 < points < 201
    assert measured.dataset["counts"].values == pytest.approx(made.ELECTRONS[:points])


@pytest.mark.parametrize("name", ["sims.txt", "sims_corrected.TXT", "sims_no_tail.txt"])
def test_depth_profiles(name):
    measured = only(name)
    assert list(measured["species"].values) == ["total", "PbI_2-", "InO_2-"]
    assert measured["sputter_time"].values == pytest.approx(made.SPUTTERED)
    for ion, counts in made.IONS.items():
        assert measured["signal"].sel(species=ion).values == pytest.approx(counts)
    assert float(measured["mass"].sel(species="PbI_2-")) == 461.7853


# --- maps, images, photons -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("afm_gwyddion_1.gwy", 1e-17),
        ("afm_gwyddion_2.gwy", 1e-17),
        ("afm_simple_field.gsf", 1e-14),
        ("afm_nanosurf.nid", 6e-8 / 2**16),
    ],
)
def test_heights(name, digits):
    measured = found(name)[0].dataset
    assert measured["height"].values == pytest.approx(made.HEIGHTS, abs=digits)
    assert measured["height"].attrs["units"] == "m"
    assert measured.sizes == {"y": 24, "x": 40}
    assert float(measured["x"][1] - measured["x"][0]) * 40 == pytest.approx(2e-6)
    assert float(measured["y"][1] - measured["y"][0]) * 24 == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("unit", "factor"), [("nm", 1e-9), ("pm", 1e-12), ("um", 1e-6), ("µm", 1e-6), ("Å", 1e-10)]
)
def test_units_of_heights_are_obeyed(tmp_path, unit, factor):
    values = made.HEIGHTS / factor
    for name, content in (
        ("x.gsf", binary.gsf(values, unit=unit)),
        ("x.gwy", binary.gwyo(values, unit=unit)),
        ("y.gwy", binary.gwy(values=values, unit=unit)),
    ):
        (measured,) = from_bytes(tmp_path, name, content)
        assert measured.dataset["height"].values == pytest.approx(made.HEIGHTS, abs=1e-14), name


def test_maps_of_early_gwyddion_without_units_are_in_metres(tmp_path):
    (measured,) = from_bytes(tmp_path, "x.gwy", binary.gwyo(unit=None))
    assert np.array_equal(measured.dataset["height"].values, made.HEIGHTS)
    assert any("states no units" in note for note in measured.notes)


def test_a_map_of_potentials_is_one_of_kelvin_probe(tmp_path):
    content = binary.gwy(title="Surface potential", unit="mV", values=made.HEIGHTS * 1e9, extra=False)
    (measured,) = from_bytes(tmp_path, "x.gwy", content)
    assert measured.instrument == "kpfm"
    assert measured.dataset["surface_potential"].values == pytest.approx(made.HEIGHTS * 1e6)
    with pytest.raises(InputError, match="no channel is a height"):
        from_bytes(tmp_path, "x.gwy", binary.gwy(title="Phase", unit="deg", extra=False))


@pytest.mark.parametrize("name", ["sem_zeiss.tif", "sem_fei.tif", "sem_tescan.tif"])
def test_images_with_their_scale(name):
    measured = only(name)
    assert np.array_equal(measured["brightness"].values, binary.SHADES)
    assert float(measured["x"][1] - measured["x"][0]) == pytest.approx(2.5e-9)
    assert measured.attrs.get("banner") == (8 if "fei" in name else None)


def test_an_image_without_a_scale_is_taken_only_when_asked_for(tmp_path):
    plain = binary.tif("none")
    with pytest.raises(InputError, match="no scale"):
        from_bytes(tmp_path, "x.tif", plain)
    (measured,) = from_bytes(tmp_path, "x.tif", plain, instrument="sem")
    assert "x" not in measured.dataset.coords and any("in pixels" in note for note in measured.notes)


@pytest.mark.parametrize(("name", "share"), [("trpl.ptu", 10), ("trpl.sdt", 1)])
def test_photons(name, share):
    measured = only(name)
    assert measured["time"].values == pytest.approx(made.DELAYS, abs=1e-13)
    assert np.array_equal(measured["counts"].values, made.PHOTONS // share)
    assert measured.attrs.get("period") == (pytest.approx(40e-9) if name == "trpl.ptu" else None)


# --- refused, with the way out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "way"),
    [
        ("x.spm", b"\\*File list\r\n\\Version: 0x09200000\r\n", "Gwyddion"),
        ("x.ibw", b"\x05\x00" + bytes(400), "Gwyddion"),
        ("x.raw", b"RAW4.00" + bytes(100), ".xy"),
        ("x.0", b"\x0a\x0a\xfe\xfe" + bytes(100), "JCAMP-DX"),
        ("x.spe", b"SOFH\nPlatform: Windows\nEOFH\n" + bytes(64), "VAMAS"),
        ("x.idf", b"\x01\x02\x03" + bytes(64), "text"),
        ("x.mpr", b"BIO-LOGIC MODULAR FILE\x1a" + bytes(64), ".mpt"),
    ],
)
def test_closed_layouts_are_named_with_what_to_do(tmp_path, name, content, way):
    with pytest.raises(InputError, match="not read") as refusal:
        from_bytes(tmp_path, name, content)
    assert way in refusal.value.advice
