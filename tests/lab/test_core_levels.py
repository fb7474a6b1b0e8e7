"""Core levels: backgrounds in closed form, lines with intervals that hold the truth, references, shares, real files."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from core_spectra import course, region
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import core_levels, xps
from perotwin.plotting import style

ROOT = Path(__file__).parents[2]
FILES = ROOT.parent / "shared" / "instrument_files_2"


# --- backgrounds -----------------------------------------------------------------------------------------------------


def test_shirley_of_a_step_is_the_step() -> None:
    energy = np.arange(0.0, 10.0, 0.1)
    counts = np.where(energy < 5.0, 100.0, 140.0)
    counts[50] = 5000.0
    found = core_levels.shirley(energy, counts)
    np.testing.assert_allclose(found[:49], 100.0, atol=1e-6)
    np.testing.assert_allclose(found[52:], 140.0, atol=1e-6)


def test_shirley_finds_the_background_that_goes_with_the_area() -> None:
    energy = np.arange(-20.0, 20.0, 0.05)
    line = course(energy, 0.0, 1000.0, step=0.0, base=0.0, mixing=0.0)
    counts = course(energy, 0.0, 1000.0, step=0.05, base=100.0, mixing=0.0)
    np.testing.assert_allclose(core_levels.shirley(energy, counts), counts - line, atol=0.02)
    flat = core_levels.shirley(energy, line + 100.0)
    np.testing.assert_allclose(flat, 100.0, atol=1e-6)


def test_tougaard_of_a_sharp_line_is_its_cross_section() -> None:
    """B T / (C + T^2)^2 times the area, T from the line: largest at T = sqrt(C / 3) = 23.4 eV."""
    energy = np.arange(0.0, 100.0, 0.1)
    line = np.where(np.abs(energy - 10.0) < 0.05, 1e5, 0.0)
    loss = np.maximum(energy - 10.0, 0.0)
    expected = 2866.0 * loss / (1643.0 + loss**2) ** 2 * 1e4
    found = core_levels.tougaard(energy, line, strength=2866.0)
    np.testing.assert_allclose(found, expected, atol=1e-6 * expected.max())
    assert energy[np.argmax(found)] - 10.0 == pytest.approx(np.sqrt(1643.0 / 3.0), abs=0.1)
    # its strength is found from where nothing but losses is left
    again = core_levels.tougaard(energy, line + expected + 30.0, c=1643.0)
    assert again[-1] == pytest.approx(expected[-1] + 30.0)


# --- lines -----------------------------------------------------------------------------------------------------------


def test_a_doublet_has_its_distance_and_ratio_and_comes_back() -> None:
    made = region("Pb 4f", 138.8, 2000.0, high=14.0, partner=(4.86, 0.75), seed=3)
    found = xps.analyse(made)
    metric = found["core_level, Pb 4f7/2"]
    assert abs(metric.value - 138.8) < 3.0 * metric.uncertainty < 0.1
    area = found["core_area, Pb 4f7/2"]
    assert abs(area.value - 2000.0) < 3.0 * area.uncertainty
    assert found["core_width, Pb 4f7/2"].value == pytest.approx(1.5, rel=0.06)
    assert "4.86 eV" in metric.method and "0.75" in metric.method
    # the same with a wrong partner is not described, and says so
    wrong = xps.analyse(made, splitting=4.0, lines=1)["core_level, Pb 4f7/2"]
    assert "another shape" in wrong.method


def test_an_overlapping_line_is_found_if_it_can_be_seen_and_no_other_is_added() -> None:
    counts = [
        len(core_levels.fit(*_arrays(region("C 1s", 285.0, seed=seed)), "C 1s").lines) for seed in range(12)
    ]
    assert counts == [1] * 12
    one = region("C 1s", 285.0, 1000.0, seed=None)
    second = one["counts"] + course(one["binding_energy"].values, 288.6, 150.0, base=0.0)
    noisy = one.assign(counts=("binding_energy", np.random.default_rng(1).poisson(second).astype(float)))
    found = xps.analyse(noisy)
    assert abs(found["core_level, C 1s B"].value - 288.6) < 3.0 * found["core_level, C 1s B"].uncertainty
    assert found["core_area, C 1s B"].value == pytest.approx(
        150.0, abs=3.0 * found["core_area, C 1s B"].uncertainty
    )
    assert found["core_area, C 1s B"].value > found["core_limit"].value


def _arrays(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return dataset["binding_energy"].values, dataset["counts"].values


def test_the_detection_limit_is_three_roots_of_the_background_under_the_line() -> None:
    """100 counts a channel, 15 channels of 0.1 eV in a width of 1.5 eV."""
    found = xps.analyse(region("C 1s", 285.0, 1000.0, step=0.0, seed=2))["core_limit"]
    assert found.value == pytest.approx(3.0 * np.sqrt(100.0 * 15.0) * 0.1, rel=0.05)


def test_rates_have_the_errors_of_the_counts_behind_them() -> None:
    made = region("C 1s", 285.0, 4000.0, seed=4)
    rate = made.assign(counts=made["counts"] / 40.0)
    one, other = (xps.analyse(each)["core_level, C 1s"] for each in (made, rate))
    assert other.value == pytest.approx(one.value, abs=0.1 * one.uncertainty)
    assert other.uncertainty == pytest.approx(one.uncertainty, rel=0.35)
    assert "of that of counts" in other.method


def test_a_shift_is_found_to_two_hundredths() -> None:
    """-0.65 eV between two spectra of 1e4 counts."""
    found = [
        xps.shift(region("Ni 2p", 854.35, seed=seed), region("Ni 2p", 855.0, seed=1000 + seed))
        for seed in range(8)
    ]
    assert all(one.uncertainty < 0.02 for one in found)
    assert np.mean([one.value for one in found]) == pytest.approx(-0.65, abs=0.015)
    assert "charging" in found[0].method


@pytest.mark.slow
def test_the_interval_of_a_shift_holds_it_as_often_as_it_says() -> None:
    inside = area = 0
    for seed in range(200):
        one, other = region("Ni 2p", 854.35, seed=seed), region("Ni 2p", 855.0, seed=1000 + seed)
        found = xps.shift(one, other)
        inside += abs(found.value + 0.65) <= found.uncertainty
        size = xps.analyse(one, lines=1)["core_area, Ni 2p"]
        area += abs(size.value - 1000.0) <= size.uncertainty
    assert 116 <= inside <= 156
    assert 116 <= area <= 156


def test_the_simulation_predicts_no_shift_and_says_so() -> None:
    import specimens

    notes = measurement.notes_of(xps.measure(specimens.Specimen()))
    assert any("Pb 4f" in note and "Br 3d" in note for note in notes)


# --- references ------------------------------------------------------------------------------------------------------


def test_a_reference_is_told_applied_once_and_named() -> None:
    made = region("Pb 4f", 140.0, high=14.0, partner=(4.86, 0.75))
    plain = xps.analyse(made)["core_level, Pb 4f7/2"]
    assert "no charge reference" in plain.method
    moved = xps.referenced(made, 286.0, error=0.05)
    found = xps.analyse(moved)["core_level, Pb 4f7/2"]
    assert found.value == pytest.approx(plain.value - 1.2, abs=1e-6)
    assert found.uncertainty == pytest.approx(np.hypot(plain.uncertainty, 0.05))
    assert "unsafe by 0.3 to 0.5 eV" in found.method
    edge = xps.analyse(xps.referenced(made, 1.2, 0.0, "Fermi edge"))["core_level, Pb 4f7/2"]
    assert edge.value == pytest.approx(found.value, abs=1e-6) and "unsafe" not in edge.method
    with pytest.raises(InputError, match="already"):
        xps.referenced(moved, 285.0)


def test_shifts_need_one_scale_and_one_level() -> None:
    one, other = region("Pb 4f", 138.8, seed=1), region("Pb 4f", 138.5, seed=2)
    with pytest.raises(InputError, match="energy scales"):
        xps.shift(xps.referenced(one, 285.0), other)
    with pytest.raises(InputError, match="energy scales"):
        xps.shift(xps.referenced(one, 285.0), xps.referenced(other, 84.1, 84.0, "Au 4f"))
    with pytest.raises(InputError, match="same level"):
        xps.shift(one, region("C 1s", 285.0))
    found = xps.compare([one, other.assign_attrs(stack="control")])["core_shift, control"]
    assert found.value == pytest.approx(0.3, abs=3.0 * found.uncertainty)
    with pytest.raises(InputError, match="energy scales"):
        xps.compare([one, xps.referenced(other, 285.0)])
    # other levels of the same file are no other samples
    several = [one, region("C 1s", 285.0), other.assign_attrs(stack="control")]
    assert list(xps.compare(several)) == ["core_shift, control"]


def test_a_work_function_is_never_added() -> None:
    made = region("C 1s", 285.0)
    assert xps.analyse(made.assign_attrs(work_function=-4.5)).to_json() == xps.analyse(made).to_json()
    assert xps.from_kinetic(np.array([867.09]), 1486.69)[0] == pytest.approx(619.6)


# --- shares of atoms -------------------------------------------------------------------------------------------------


def test_shares_of_atoms_are_those_put_in() -> None:
    """Lead and iodine 1 : 3, with factors and transmissions that differ."""
    lead = region("Pb 4f", 138.8, 1.0 * 8.0 * 2.0 * 500.0, high=14.0, partner=(4.86, 0.75), seed=1)
    iodine = region("I 3d", 619.6, 3.0 * 10.0 * 1.0 * 500.0, high=20.0, partner=(11.5, 2.0 / 3.0), seed=2)
    regions = [
        each.assign(transmission=("binding_energy", np.full(each.sizes["binding_energy"], sent)))
        for each, sent in ((lead, 2.0), (iodine, 1.0))
    ]
    found = xps.shares(regions, {"Pb 4f": 8.0, "I 3d": 10.0})
    share = found["atomic_share, Pb 4f"]
    assert abs(share.value - 0.25) < 3.0 * share.uncertainty < 0.02
    assert sum(float(one) for one in found.values()) == pytest.approx(1.0)
    with pytest.raises(InputError, match="sensitivity"):
        xps.shares(regions)
    with pytest.raises(InputError, match="transmission"):
        xps.shares([regions[0], iodine], {"Pb 4f": 8.0, "I 3d": 10.0})
    with pytest.raises(InputError, match="twice"):
        xps.shares([lead, lead], {"Pb 4f": 8.0})


# --- real files ------------------------------------------------------------------------------------------------------


def blocks(text: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Binding energy and first variable of each block of a regular VAMAS file with Al K-alpha, by its name."""
    lines = text.splitlines()
    found = {}
    for at, line in enumerate(lines):
        if line != "Kinetic energy":
            continue
        name = lines[at - 2].strip() or lines[at - 3].strip()
        start, step, number = float(lines[at + 2]), float(lines[at + 3]), int(lines[at + 4])
        begin = at + 5 + 2 * number  # signal mode, dwell, scans, correction, three angles, further parameters
        more = int(lines[begin + 7])
        count = int(lines[begin + 8 + 3 * more])
        first = begin + 9 + 3 * more + 2 * number
        values = np.array(lines[first : first + count], float)[::number]
        source = next(
            (float(lines[back + 1]) for back in range(at, at - 40, -1) if lines[back] == "Al (mono)"), np.nan
        )
        found[name] = (source - start - step * np.arange(values.size), values)
    return found


def spectrum(energy: np.ndarray, counts: np.ndarray, name: str) -> xr.Dataset:
    return xr.Dataset(
        {"counts": ("binding_energy", counts)}, coords={"binding_energy": energy},
        attrs={"region": name, "work_function": -4.5},
    )  # fmt: skip


def test_a_perovskite_measured_by_others_has_its_lines(tmp_path: Path) -> None:
    path = FILES / "xps_kratos_perovskite.vms"
    if not path.exists():
        pytest.skip("the folder of real instrument files is not here")
    found = blocks(path.read_text(encoding="latin-1"))
    iodine, lead = spectrum(*found["I3d"], "I3d"), spectrum(*found["Pb4f"], "Pb4f")
    assert iodine.sizes["binding_energy"] == 101
    one, other = xps.analyse(iodine), xps.analyse(lead)
    assert one["core_maximum"].value == pytest.approx(619.6, abs=0.06)
    assert other["core_maximum"].value == pytest.approx(138.8, abs=0.06)
    assert one["core_level, I 3d5/2"].value == pytest.approx(619.6, abs=0.1)
    assert other["core_level, Pb 4f7/2"].value == pytest.approx(138.8, abs=0.1)
    # two free lines find the distance that the table fixes
    free = core_levels.fit(*found["I3d"], lines=2).lines
    assert free[1].position - free[0].position == pytest.approx(11.5, abs=0.05)
    assert free[1].area / free[0].area == pytest.approx(2.0 / 3.0, abs=0.15)
    style.save(xps.plot([iodine, lead, spectrum(*found["wide"], "wide")]), tmp_path / "figure")


def test_silver_as_recorded_by_others() -> None:
    path = FILES / "xps_scienta_Ag3d.txt"
    if not path.exists():
        pytest.skip("the folder of real instrument files is not here")
    text = path.read_text(encoding="latin-1")
    rows = [line.split() for line in text[text.index("[Data 1]") :].splitlines()[1:] if line.strip()]
    energy, counts = np.array(rows, float)[:, :2].T
    found = xps.analyse(spectrum(energy, counts, "Ag 3d"))
    assert energy.size == 361
    assert energy[np.argmax(counts)] == pytest.approx(369.9)
    # the line has a shoulder, so that the parabola's middle is a little off its highest point
    assert abs(found["core_maximum"].value - 369.9) < min(0.1, 2.5 * found["core_maximum"].uncertainty)
    assert "as recorded" in found["core_maximum"].method


# --- arrays from anywhere --------------------------------------------------------------------------------------------


def test_units_names_and_order_of_a_spectrum_do_not_matter() -> None:
    made = region("Pb 4f", 138.8, high=14.0, partner=(4.86, 0.75))
    turned = made.isel(binding_energy=slice(None, None, -1)).assign_attrs(region="Pb4f7/2")
    one, other = xps.analyse(made), xps.analyse(turned)
    assert other["core_level, Pb 4f7/2"].value == pytest.approx(one["core_level, Pb 4f7/2"].value, abs=1e-4)
    meV = made.assign_coords(
        binding_energy=("binding_energy", made["binding_energy"].values * 1e3, {"units": "meV"})
    )
    assert xps.analyse(meV)["core_maximum"].value == pytest.approx(one["core_maximum"].value)


def test_rates_and_levels_are_taken_as_files_name_them() -> None:
    made = region("Pb 4f", 138.8, high=14.0, partner=(4.86, 0.75))
    rate = made.assign(counts=("binding_energy", made["counts"].values / 2.0, {"units": "s-1"}))
    del rate.attrs["region"]
    one, other = (xps.analyse(rate.assign_attrs(named)) for named in ({"level": "Pb4f"}, {"stack": "Pb-4f"}))
    assert one["core_level, Pb 4f7/2"].value == pytest.approx(138.8, abs=0.05)
    assert other.to_json() == one.to_json()
    xps.plot(rate)


def test_what_is_no_core_level_is_not_fitted() -> None:
    band = region("VBM", 4.0, seed=1)
    assert list(xps.analyse(band)) == ["core_maximum"]
    wide = region("", 500.0, low=-100.0, high=100.0, seed=1)
    assert list(xps.analyse(wide)) == ["core_maximum"]
    assert "core_level, line" in xps.analyse(wide, lines=1)


def test_spectra_that_hold_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="counts"):
        xps.analyse(region("C 1s", 285.0).drop_vars("counts"))
    with pytest.raises(InputError, match="one value"):
        xps.analyse(region("C 1s", 285.0).assign(counts=("binding_energy", np.full(160, 7.0))))
    with pytest.raises(InputError, match="points"):
        xps.analyse(region("C 1s", 285.0).isel(binding_energy=slice(0, 5)))
    with pytest.raises(InputError, match="partner"):
        xps.analyse(region("C 1s", 285.0), splitting=3.0)
    with pytest.raises(InputError, match="1 to 12"):
        xps.analyse(region("C 1s", 285.0), lines=0)


@pytest.mark.parametrize("shape", ["spike", "edge", "negative", "noise", "huge"])
def test_spectra_of_no_line_give_numbers_or_a_reason(shape: str) -> None:
    energy = np.arange(280.0, 300.0, 0.1)
    counts = {
        "spike": np.where(np.arange(energy.size) == 50, 1e6, 1.0),
        "edge": 1e4 * np.exp(280.0 - energy),
        "negative": -np.random.default_rng(1).random(energy.size),
        "noise": np.random.default_rng(2).poisson(100.0, energy.size).astype(float),
        "huge": 1e30 * np.exp(-((energy - 290.0) ** 2)),
    }[shape]
    try:
        found = xps.analyse(spectrum(energy, counts, "C 1s"))
    except InputError:
        return
    assert 280.0 <= found["core_maximum"].value <= 300.0
    line = found["core_level, C 1s"]
    if shape == "noise":
        # a line that is not there is not seen: its area is below the limit, or uncertain by as much
        area = found["core_area, C 1s"]
        assert not area.value > max(found["core_limit"].value, 3.0 * (area.uncertainty or 0.0)) or np.isnan(
            area.uncertainty
        )
    if shape == "huge":
        assert line.value == pytest.approx(290.0, abs=0.05)


def test_a_hump_wider_than_lines_are_says_so_of_all_that_is_read_of_it() -> None:
    energy = np.arange(275.0, 305.0, 0.1)
    hump = 1e3 + 1e4 * np.exp(-4.0 * np.log(2.0) * ((energy - 290.0) / 9.0) ** 2)
    noisy = np.random.default_rng(5).poisson(hump).astype(float)
    found = xps.analyse(spectrum(energy, noisy, "C 1s"), lines=1)
    for name in ("core_level", "core_width", "core_area"):
        assert "its width is at a bound" in found[f"{name}, C 1s"].method
    line = 1e3 + 1e4 * np.exp(-4.0 * np.log(2.0) * ((energy - 290.0) / 1.5) ** 2)
    assert "bound" not in xps.analyse(spectrum(energy, line, "C 1s"), lines=1)["core_width, C 1s"].method


def test_a_measurement_comes_back_from_disk_and_is_drawn(tmp_path: Path) -> None:
    made = xps.referenced(region("Pb 4f", 138.8, high=14.0, partner=(4.86, 0.75)), 285.0)
    again = measurement.load(measurement.save(measurement.describe(made), tmp_path / "m.nc"))
    assert xps.analyse(again).to_json() == xps.analyse(made).to_json()
    style.save(xps.plot(again), tmp_path / "figure")
