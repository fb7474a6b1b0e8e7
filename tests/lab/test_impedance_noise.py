"""Impedance spectra that somebody measured: noise, signs, units, what breaks causality, and how sure a circuit is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import synthetic
from perotwin.errors import InputError
from perotwin.lab import impedance, spectrum_fit
from perotwin.plotting import style

FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"
RS, FAST, SLOW = 2e-4, (5e-3, 4e-4), (2e-3, 0.3)


def two_arcs(frequency: np.ndarray) -> np.ndarray:
    omega = 2.0 * np.pi * frequency
    return np.asarray(RS + sum(r / (1.0 + 1j * omega * r * c) for r, c in (FAST, SLOW)))


def dataset(
    frequency: np.ndarray, z: np.ndarray, unit: str | None = None, **attributes: object
) -> xr.Dataset:
    units = {} if unit is None else {"units": unit}
    return xr.Dataset(
        {"impedance_real": ("frequency", z.real, units), "impedance_imag": ("frequency", z.imag, units)},
        {"frequency": frequency},
        attributes,
    )


def noisy(seed: int, noise: float, points: int = 121) -> tuple[np.ndarray, np.ndarray]:
    frequency = np.geomspace(1e-1, 1e7, points)
    chance = np.random.default_rng(seed)
    off = chance.standard_normal(points) + 1j * chance.standard_normal(points)
    z = two_arcs(frequency)
    return frequency, z + noise * np.abs(z) * off


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_noise_makes_no_arcs(noise: float) -> None:
    """Two arcs stay two for every seed of fifty; maxima counted point by point are eight and more."""
    counted = []
    for seed in range(50):
        frequency, z = noisy(seed, noise)
        smooth = spectrum_fit.relaxations(frequency, z)
        assert spectrum_fit.arcs(smooth).size == 2
        assert smooth.noise == pytest.approx(noise, rel=0.25)
        counted.append(spectrum_fit.maxima(-z.imag).size)
    assert min(counted) > 3


def test_one_arc_stays_one_and_three_are_three() -> None:
    frequency = np.geomspace(1e-2, 1e6, 81)
    omega = 2.0 * np.pi * frequency
    chance = np.random.default_rng(5)
    off = 1.0 + 0.01 * (chance.standard_normal(81) + 1j * chance.standard_normal(81))
    for times in ((1e-3,), (1e-5, 1e-3, 1e-1)):
        z = (10.0 + sum(50.0 / (1.0 + 1j * omega * tau) for tau in times)) * off
        assert impedance.analyse(dataset(frequency, z, "ohm"))["arcs"].value == len(times)


def test_a_noisy_spectrum_is_read_from_its_circuit() -> None:
    frequency, z = noisy(1, 0.01)
    found = impedance.analyse(dataset(frequency, z))
    for name, truth in (
        ("series_resistance", RS), ("recombination_resistance", FAST[0]), ("geometric_capacitance", FAST[1]),
        ("element_resistance, 2", SLOW[0]), ("element_capacitance, 2", SLOW[1]),
        ("low_frequency_resistance", 7.2e-3), ("low_frequency_capacitance", (2e-3 / 7e-3) ** 2 * 0.3 + 2.04e-4),
    ):  # fmt: skip
        metric = found[name]
        assert metric.uncertainty is not None and metric.uncertainty < 0.05 * truth, name
        assert abs(metric.value - truth) < 3.5 * metric.uncertainty, (name, metric)
    assert "BIC" in found["series_resistance"].method
    assert "element_exponent, 1" not in found
    made = impedance.equivalent_circuit(dataset(frequency, z))
    assert made is not None and made.words == "Rs + (R1 || C1) + (R2 || C2)"
    assert "chi-square" in made.report


def test_the_stated_interval_of_a_circuit_holds_the_truth_as_often_as_it_says() -> None:
    """200 seeds, 1 % of noise: 68 % intervals of all five numbers."""
    frequency = np.geomspace(1e-1, 1e7, 81)
    z = two_arcs(frequency)
    truth = [RS, FAST[0], FAST[1], SLOW[0], SLOW[1]]
    inside = np.zeros(5)
    for seed in range(200):
        chance = np.random.default_rng(seed)
        off = chance.standard_normal(81) + 1j * chance.standard_normal(81)
        made = spectrum_fit.circuit(frequency, z + 0.01 * np.abs(z) * off, 2)
        assert made is not None
        one, two = made.elements
        pairs = [made.series, one.resistance, one.capacitance, two.resistance, two.capacitance]
        inside += [abs(value - known) < error for (value, error), known in zip(pairs, truth, strict=True)]
    assert ((inside >= 116) & (inside <= 156)).all(), inside


@pytest.mark.slow
def test_the_interval_holds_after_the_choice_of_the_circuit_and_without_points_above_the_axis() -> None:
    inside, counts = np.zeros(3), []
    for seed in range(100):
        found = impedance.analyse(dataset(*noisy(seed, 0.01, 81)))
        counts.append(sum(name.startswith("element_resistance") for name in found))
        for index, (name, truth) in enumerate(
            (
                ("series_resistance", RS),
                ("recombination_resistance", FAST[0]),
                ("geometric_capacitance", FAST[1]),
            )
        ):
            inside[index] += abs(found[name].value - truth) < found[name].uncertainty
    assert np.mean(np.array(counts) == 2) > 0.95
    assert ((inside >= 58) & (inside <= 78)).all(), inside


def test_a_flattened_arc_gets_an_exponent() -> None:
    frequency = np.geomspace(1e-1, 1e6, 71)
    z = 20.0 + 300.0 / (1.0 + (2j * np.pi * frequency * 1e-3) ** 0.8)
    chance = np.random.default_rng(3)
    z = z * (1.0 + 0.005 * (chance.standard_normal(71) + 1j * chance.standard_normal(71)))
    found = impedance.analyse(dataset(frequency, z, "ohm"))
    assert found["element_exponent, 1"].value == pytest.approx(0.8, abs=0.02)
    assert found["element_time, 1"].value == pytest.approx(1e-3, rel=0.05)
    assert "CPE1" in found["recombination_resistance"].method
    assert "element_resistance, 2" not in found


# --- what is left out, and said --------------------------------------------------------------------------------------


def test_zero_frequency_and_points_above_the_axis_are_left_out_aloud() -> None:
    frequency = np.concatenate([[0.0], np.geomspace(1.0, 1e7, 71)])
    omega = 2.0 * np.pi * frequency
    # wires of 1e-10 H m2 on top
    z = RS + FAST[0] / (1.0 + 1j * omega * FAST[0] * FAST[1]) + 1j * omega * 1e-10
    found = impedance.analyse(dataset(frequency, z))
    above = int((z.imag > 0.0).sum())
    assert above >= 3
    assert found["points_dropped"].value == 1 + above
    words = found["points_dropped"].method
    assert "1 at zero frequency" in words and f"{above} with Im Z > 0" in words and "wires" in words
    assert found["element_resistance, 1"].value == pytest.approx(FAST[0], rel=0.02)


def test_wires_have_an_inductance_where_the_points_tell_it() -> None:
    frequency = np.geomspace(1e1, 1e6, 61)
    chance = np.random.default_rng(8)
    off = 1.0 + 0.005 * (chance.standard_normal(61) + 1j * chance.standard_normal(61))
    clean = 150.0 + 500.0 / (1.0 + 2j * np.pi * frequency * 1e-5)
    found = impedance.analyse(dataset(frequency, (clean + 2j * np.pi * frequency * 1e-5) * off, "ohm"))
    assert found["inductance"].unit == "H"
    assert abs(found["inductance"].value - 1e-5) < 4.0 * found["inductance"].uncertainty < 1e-5
    assert found["element_capacitance, 1"].value == pytest.approx(2e-8, rel=0.02)
    assert "Ls + Rs" in found["series_resistance"].method
    assert "inductance" not in impedance.analyse(dataset(frequency, clean * off, "ohm"))


def test_a_loop_at_low_frequencies_is_called_one() -> None:
    frequency = np.geomspace(1e-3, 1e6, 91)
    omega = 2.0 * np.pi * frequency
    loop = 1j * omega * 2e-3 / (1.0 + 1j * omega * 1.0)
    z = 2e-4 + 5e-3 / (1.0 + 1j * omega * 2e-6) + loop
    found = impedance.analyse(dataset(frequency, z))
    assert "a loop at the lowest frequencies" in found["points_dropped"].method


def test_a_simulated_loop_stays() -> None:
    made = synthetic.impedance(slow=(-2e-3, -0.3))
    found = impedance.analyse(made)
    assert "points_dropped" not in found
    assert found["low_frequency_resistance"].value == pytest.approx(3.2e-3, rel=1e-3)


def test_minus_the_imaginary_part_under_its_name_is_turned_round() -> None:
    frequency, z = noisy(2, 0.005)
    ours, turned = (impedance.analyse(dataset(frequency, one)) for one in (z, z.conj()))
    assert turned["series_resistance"] == ours["series_resistance"]
    assert "turned round" in turned["points_dropped"].method


def test_a_spectrum_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="points that can be read"):
        impedance.analyse(dataset(np.array([0.0, 1.0]), np.array([5.0 + 0j, 4.0 - 1j])))


# --- units -----------------------------------------------------------------------------------------------------------


def test_ohm_stay_ohm_without_an_area_and_are_converted_with_one() -> None:
    frequency, z = noisy(4, 0.01)
    area = 0.1e-4
    per_area = impedance.analyse(dataset(frequency, z))
    of_device = impedance.analyse(dataset(frequency, z / area, "ohm"))
    assert of_device["series_resistance"].unit == "ohm" and of_device["geometric_capacitance"].unit == "F"
    assert of_device["series_resistance"].value == pytest.approx(per_area["series_resistance"].value / area)
    assert of_device["geometric_capacitance"].value == pytest.approx(
        per_area["geometric_capacitance"].value * area
    )
    for said, unit, factor in (("0.1 cm^2", "ohm", 1.0), (area, "kohm", 1e-3)):
        found = impedance.analyse(dataset(frequency, factor * z / area, unit, area=said))
        assert found["series_resistance"].unit == "ohm m2"
        assert found["series_resistance"].value == pytest.approx(
            per_area["series_resistance"].value, rel=1e-6
        )
    same = impedance.analyse(dataset(frequency, z * 1e4, "ohm cm^2", area=area))
    assert same["series_resistance"].value == pytest.approx(per_area["series_resistance"].value, rel=1e-9)
    assert (
        "ohm" in str(of_device["series_resistance"])
        and of_device.to_json()["series_resistance"]["unit"] == "ohm"
    )


# --- Kramers and Kronig ----------------------------------------------------------------------------------------------


def drifting(change: float, seed: int = 1) -> xr.Dataset:
    """The fast arc's resistance grows while the frequency is swept down."""
    frequency = np.geomspace(1e-3, 1e7, 121)
    omega = 2.0 * np.pi * frequency
    grown = 1.0 + change * np.linspace(1.0, 0.0, 121)
    z = (
        RS
        + FAST[0] * grown / (1.0 + 1j * omega * FAST[0] * FAST[1] * grown)
        + 2e-3 / (1.0 + 1j * omega * 6e-4)
    )
    chance = np.random.default_rng(seed)
    return dataset(
        frequency, z * (1.0 + 0.003 * (chance.standard_normal(121) + 1j * chance.standard_normal(121)))
    )


def test_a_cell_that_drifts_breaks_the_relations_and_one_that_does_not_keeps_them() -> None:
    still, drifted = impedance.analyse(drifting(0.0)), impedance.analyse(drifting(0.2))
    assert still["kramers_kronig"].value == pytest.approx(0.003, rel=0.3)
    assert "hold within the noise" in still["kramers_kronig"].method
    assert "breaks the relations" in drifted["kramers_kronig"].method
    assert drifted["kramers_kronig"].value > 1.5 * still["kramers_kronig"].value


# --- a real one ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not FILES.is_dir(), reason="the real instrument files are not here")
def test_a_real_spectrum_has_one_arc() -> None:
    lines = (FILES / "eis_biologic.mpt").read_text("cp1252").splitlines()[61:]
    frequency, real, minus = np.array(
        [[float(x) for x in row.split("\t")[:3]] for row in lines if row.strip()]
    ).T
    assert frequency.size == 43
    measured = dataset(frequency, real - 1j * minus, "ohm")
    found = impedance.analyse(measured)
    assert found["arcs"].value == 1.0
    assert found["series_resistance"].value == pytest.approx(64.0, abs=1.0)
    assert found["series_resistance"].unit == "ohm"
    assert found["recombination_resistance"].value == pytest.approx(110.97 - 64.0, abs=2.5)
    assert found["points_dropped"].value == 4.0
    assert style.as_list(measured) and len(impedance.plot(measured).axes) == 4


def test_a_spectrum_that_begins_within_its_arc_has_no_resistor_below_zero() -> None:
    """Without the high-frequency end a free fit may put Rs anywhere, below zero as well."""
    frequency = np.geomspace(1e-1, 3e3, 46)
    z = 1.0 + 5000.0 / (1.0 + (2j * np.pi * frequency * 2e-4) ** 0.8)
    found = []
    for seed in range(12):
        chance = np.random.default_rng(seed)
        off = 1.0 + 0.04 * (chance.standard_normal(46) + 1j * chance.standard_normal(46))
        made = spectrum_fit.circuit(frequency, z * off, 1, free=True)
        assert made is not None and made.series[0] >= 0.0 and made.series[1] > 0.0
        found.append(made.series[0])
    assert min(found) == 0.0 < max(found)
