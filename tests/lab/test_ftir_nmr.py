"""Places of lines and shifts between spectra: between their points, with errors that hold; nothing is simulated."""

import math
from pathlib import Path

import numpy as np
import pytest

import measured_ftir_nmr as made
import specimens
from perotwin.errors import InputError
from perotwin.lab import ftir_nmr
from perotwin.plotting import style

FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"
NEEDS_FILES = pytest.mark.skipif(not FILES.exists(), reason="the folder of instrument files is not here")


def test_nothing_is_simulated_and_the_reason_is_given() -> None:
    with pytest.raises(InputError, match="electronic structure"):
        ftir_nmr.measure(specimens.films()[1], ftir_nmr.Protocol())


# --- one spectrum ----------------------------------------------------------------------------------------------------


def test_dips_of_a_transmittance_above_one_are_found_where_they_are() -> None:
    found = ftir_nmr.analyse(made.dataset())
    for rank, (place, width, _) in enumerate(sorted(made.LINES, key=lambda one: -one[2]), 1):
        line = found[f"wavenumber, {rank}"]
        assert line.unit == "cm^-1"
        assert line.value == pytest.approx(place, abs=0.15)
        assert found[f"wavenumber_width, {rank}"].value == pytest.approx(width, rel=0.05)
    assert found["line_count"].value == 3.0
    assert "at 1710" in found["extreme_signal"].method and "dip" in found["wavenumber, 1"].method


def test_peaks_are_found_as_dips_are() -> None:
    x = np.linspace(10.0, 0.0, 8001)
    lines = ((7.26, 0.02, 1.0), (2.5, 0.01, 0.4))
    found = ftir_nmr.analyse(made.spectrum(x, made.lorentzians(x, lines=lines), "ppm"))
    assert found["chemical_shift, 1"].value == pytest.approx(7.26, abs=1e-4)
    assert found["chemical_shift, 2"].value == pytest.approx(2.5, abs=1e-4)
    assert found["chemical_shift, 1"].unit == "ppm"


def test_places_and_widths_are_within_their_error_as_often_as_it_says() -> None:
    x = np.arange(0.0, 160.0)
    mean = made.lorentzians(x, lines=((80.3, 8.0, 1.0),))
    chance = np.random.default_rng(4)
    place = width = 0
    for _ in range(200):
        noisy = made.spectrum(x, mean + 0.01 * chance.standard_normal(x.size), "cm^-1")
        (peak, *_) = ftir_nmr.peaks(noisy, 1)
        place += abs(peak.place - 80.3) < peak.error
        width += abs(peak.width - 8.0) < peak.width_error
    assert 116 <= place <= 156 and 116 <= width <= 156


def test_noise_alone_has_no_lines() -> None:
    x = np.arange(0.0, 1000.0)
    noise = np.random.default_rng(1).standard_normal(x.size)
    assert ftir_nmr.analyse(made.spectrum(x, noise, "cm^-1"))["line_count"].value == 0.0


@pytest.mark.parametrize("unit", ["1/cm", "cm-1", "cm^-1"])
def test_units_are_read_as_files_write_them(unit: str) -> None:
    x = np.arange(4000.0, 700.0, -1.0)
    measured = made.spectrum(x, made.lorentzians(x), unit)
    measured["signal"].attrs["units"] = "a.u."
    assert ftir_nmr.analyse(measured)["wavenumber, 1"].unit == "cm^-1"


def test_an_axis_without_unit_is_refused_and_too_few_points_are() -> None:
    measured = made.dataset()
    with pytest.raises(InputError, match="no spectrum"):
        ftir_nmr.analyse(measured.isel(position=slice(0, 8)))
    del measured["position"].attrs["units"]
    with pytest.raises(InputError, match="names no unit"):
        ftir_nmr.analyse(measured)


# --- two spectra -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.3, -0.5, 12.25, 0.0])
def test_a_shift_between_the_points_is_recovered_without_noise(shift: float) -> None:
    found = ftir_nmr.shift(made.dataset(shift=shift, noise=0.0), made.dataset(noise=0.0))
    assert found.value == pytest.approx(shift, abs=2e-3)


def test_the_sign_says_which_one_lies_higher() -> None:
    there = ftir_nmr.shift(made.dataset(shift=3.0), made.dataset(seed=2)).value
    back = ftir_nmr.shift(made.dataset(seed=2), made.dataset(shift=3.0)).value
    assert there == pytest.approx(3.0, abs=0.02) and back == pytest.approx(-there, abs=1e-3)


@pytest.mark.parametrize("noise", [1e-3, 0.03])
def test_shifts_are_within_their_error_as_often_as_it_says(noise: float) -> None:
    """200 pairs shifted by 0.3 of a point, of other height and background: 58 to 78 % hold the truth."""
    x = np.arange(0.0, 1000.0)
    lines = ((400.0, 8.0, 1.0), (640.0, 12.0, 0.5))
    one, other = made.lorentzians(x, 0.3, lines), 0.2 + 1e-4 * x + 0.7 * made.lorentzians(x, 0.0, lines)
    chance = np.random.default_rng(11)
    inside, values = 0, []
    for _ in range(200):
        pair = [
            made.spectrum(x, part + noise * chance.standard_normal(x.size), "cm^-1") for part in (one, other)
        ]
        found = ftir_nmr.shift(*pair)
        inside += abs(found.value - 0.3) < found.uncertainty
        values.append(found.value)
    assert 116 <= inside <= 156
    # and the errors are near the least that any method could have (Cramer-Rao): both noises over the slopes of one
    slopes = float(np.sum(np.gradient(made.lorentzians(x, 0.0, lines)) ** 2))
    least = noise * math.hypot(1.0, 1.0 / 0.7) / math.sqrt(slopes)
    assert least * 0.85 < np.std(values) < 1.25 * least


def test_axes_of_other_steps_and_directions_are_laid_over_one_another() -> None:
    fine = np.arange(500.0, 2000.0, 0.5)
    found = ftir_nmr.shift(
        made.spectrum(fine, 1.0 - made.lorentzians(fine, 2.0), "cm^-1"), made.dataset(noise=0.0)
    )
    assert found.value == pytest.approx(2.0, abs=0.02)


def test_a_window_looks_at_its_part_only() -> None:
    """Of two lines one moved: the whole says something between, the window says what."""
    x = np.arange(0.0, 2000.0)
    before = made.lorentzians(x, lines=((500.0, 20.0, 1.0), (1500.0, 20.0, 1.0)))
    after = made.lorentzians(x, lines=((500.0, 20.0, 1.0), (1504.0, 20.0, 1.0)))
    pair = made.spectrum(x, after, "cm^-1"), made.spectrum(x, before, "cm^-1")
    assert ftir_nmr.shift(*pair, window=(1300.0, 1700.0)).value == pytest.approx(4.0, abs=0.01)
    assert ftir_nmr.shift(*pair, window=(300.0, 700.0)).value == pytest.approx(0.0, abs=0.01)
    compared = ftir_nmr.compare(pair)
    assert compared["wavenumber_difference, 1504"].value == pytest.approx(4.0, abs=0.01)
    assert compared["wavenumber_difference, 500"].value == pytest.approx(0.0, abs=0.01)


def test_spectra_that_cannot_be_compared_are_refused() -> None:
    x = np.arange(5000.0, 6000.0)
    with pytest.raises(InputError, match="in common"):
        ftir_nmr.shift(made.dataset(), made.spectrum(x, made.lorentzians(x), "cm^-1"))
    with pytest.raises(InputError, match="the other in ppm"):
        ftir_nmr.shift(made.dataset(), made.spectrum(np.linspace(10, 0, 500), np.ones(500), "ppm"))
    with pytest.raises(InputError, match="two spectra"):
        ftir_nmr.compare([made.dataset()])
    flat = made.dataset()
    with pytest.raises(InputError, match="flat"):
        ftir_nmr.shift(flat.assign(signal=flat["signal"] * 0.0), flat)


def test_lines_lost_in_noise_have_no_shift() -> None:
    x = np.arange(0.0, 1000.0)
    for seed in range(20):
        chance = np.random.default_rng(seed)
        pair = [made.spectrum(x, chance.standard_normal(x.size), "cm^-1") for _ in range(2)]
        found = ftir_nmr.shift(*pair)
        assert math.isnan(found.value) and "no shift" in found.method


def test_one_broad_line_is_enough() -> None:
    x = np.arange(0.0, 1000.0)
    pair = [
        made.spectrum(x, made.lorentzians(x, shift, ((500.0, 120.0, 1.0),)), "cm^-1") for shift in (5.0, 0.0)
    ]
    assert ftir_nmr.shift(*pair).value == pytest.approx(5.0, abs=0.1)


def test_three_spectra_are_told_apart_and_figures_drawn(tmp_path: Path) -> None:
    three = [made.dataset("a", 2.0), made.dataset("b", seed=2), made.dataset("c", 1.0, seed=3)]
    found = ftir_nmr.compare(three)
    assert found["wavenumber_difference, all over b"].value == pytest.approx(2.0, abs=0.05)
    assert found["wavenumber_difference, all over c"].value == pytest.approx(1.0, abs=0.05)
    figure = ftir_nmr.plot(three)
    # wavenumbers fall from left to right
    assert figure.axes[0].get_xlim()[0] > figure.axes[0].get_xlim()[1]
    style.save(figure, tmp_path / "three")


# --- files of others -------------------------------------------------------------------------------------------------


@NEEDS_FILES
def test_an_infrared_file_has_its_deepest_point_where_its_readme_says() -> None:
    jcamp = pytest.importorskip("jcamp")
    read = jcamp.readfile(str(FILES / "ftir_pe1800.dx"))
    found = ftir_nmr.analyse(made.spectrum(np.asarray(read["x"]), np.asarray(read["y"]), "1/cm"))
    assert found["extreme_signal"].value == pytest.approx(0.8631, abs=1e-9)
    assert "at 1189 cm^-1" in found["extreme_signal"].method
    assert found["wavenumber, 1"].value == pytest.approx(1189.0, abs=0.5)


@NEEDS_FILES
def test_a_proton_spectrum_has_its_reference_and_its_tallest_line() -> None:
    text = (FILES / "nmr_1H_topspin.txt").read_text(encoding="utf-8")
    signal = np.array([float(line) for line in text.splitlines() if not line.startswith("#")])
    x = np.linspace(16.33405, -3.985870979620117, signal.size)
    measured = made.spectrum(x, signal, "ppm")
    found = ftir_nmr.analyse(measured)
    assert "at 2.553" in found["extreme_signal"].method
    places = [one.value for name, one in found.items() if name.startswith("chemical_shift, ")]
    for known in (0.000, 2.553, 2.444, 1.743, 1.043, 3.35):
        assert min(abs(place - known) for place in places) < 0.003
    # the same file moved by 0.3 of a point
    moved = made.spectrum(x + 0.3 * (x[0] - x[1]), signal, "ppm")
    assert ftir_nmr.shift(moved, measured).value == pytest.approx(
        0.3 * (x[0] - x[1]), abs=0.01 * (x[0] - x[1])
    )
