"""Photoelectrons: escape through layers in closed form, composition of an even solid, and what a wash leaves."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import specimens
import synthetic
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import xps
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.plotting import style

NONE = {"sam": 0.0, "additive": 0.0}


def level(dataset, name: str) -> float:
    return float(dataset["level_intensity"].sel(level=name))


def length(dataset, name: str) -> float:
    return float(dataset["attenuation_length"].sel(level=name))


# --- electrons -------------------------------------------------------------------------------------------------------


def test_the_mean_free_path_is_a_little_longer_than_a_measured_attenuation_length() -> None:
    """Si 2p in SiO2 with Al K-alpha: 3.45 nm (M. P. Seah and S. J. Spencer, Surf. Interface Anal. 33, 640 (2002))."""
    path = xps.mean_free_path(1383.0, xps.Matter(2.20, 16, 60.08, 9.0))
    assert 1.0 < path / 3.45e-9 < 1.2


def test_attenuation_in_the_molecules_lies_between_what_was_measured_in_monolayers() -> None:
    """doi:10.1021/la981168p: 0.3 E^0.64 angstrom; Laibinis 1991: 9.0 + 0.022 E angstrom."""
    measured = xps.measure(specimens.Specimen())
    for name in ("C 1s", "O 1s", "Ni 2p"):
        energy = 1486.6 - xps.LEVELS[name].energy
        low, high = 0.3e-10 * energy**0.64, 1e-10 * (9.0 + 0.022 * energy)
        assert low < length(measured, name) < high


def test_atoms_are_counted_in_the_molecule_not_in_its_salt() -> None:
    assert xps.atoms_of(specimens.ADDITIVE.smiles) == {"C": 5, "N": 1, "O": 2}
    assert xps.atoms_of(specimens.SAM.smiles) == {"C": 18, "N": 1, "O": 3, "P": 1}
    assert xps.atoms_of("[I-].C[NH3+]") == {"C": 1, "N": 1}
    assert xps.atoms_of("Clc1cc(Br)c[nH]1") == {"C": 4, "N": 1, "Cl": 1, "Br": 1}
    assert xps.atoms_of("[Na+].[2H]C(=O)[O-]") == {"C": 1, "O": 2}


def test_a_line_has_unit_area_and_its_width() -> None:
    energy = np.linspace(-2000.0, 2000.0, 400_001)
    shape = xps.line(energy, 0.0, 1.5)
    assert np.trapezoid(shape, energy) == pytest.approx(1.0, abs=1e-3)
    assert float(xps.line(np.array(0.75), 0.0, 1.5) / xps.line(np.array(0.0), 0.0, 1.5)) == pytest.approx(0.5)


# --- layers ----------------------------------------------------------------------------------------------------------


def test_bare_oxide_is_the_unit_and_has_its_composition() -> None:
    bare = specimens.Specimen(shares={"sam": 0.0, "additive": 0.0, "bare": 1.0}, areal=NONE)
    measured = xps.measure(bare)
    found = xps.analyse(measured)
    assert found["nickel_ratio"].value == pytest.approx(1.0)
    assert level(measured, "C 1s") == 0.0
    assert np.isnan(found["carbonyl_share"].value)
    assert found["carbonyl_detected"].value == 0.0
    # as many oxygens as nickels; what both matrices do to the two energies differs by little
    counts = {name: level(measured, name) / float(measured["sensitivity"].sel(level=name)) / length(measured, name)
              for name in ("O 1s", "Ni 2p")}  # fmt: skip
    assert counts["O 1s"] / counts["Ni 2p"] == pytest.approx(1.0, rel=0.06)


@pytest.mark.parametrize("angle", ["0 deg", "45 deg", "60 deg"])
def test_nickel_comes_through_a_mosaic_as_its_parts_let_it(angle: str) -> None:
    sample = specimens.Specimen(shares={"sam": 0.6, "additive": 0.3, "bare": 0.1})
    measured = xps.measure(sample, xps.Protocol(emission_angle=angle))
    slant = length(measured, "Ni 2p") * np.cos(np.radians(float(angle.split()[0])))
    expected = 0.1 + 0.6 * np.exp(-1.4e-9 / slant) + 0.3 * np.exp(-0.9e-9 / slant)
    assert xps.analyse(measured)["nickel_ratio"].value == pytest.approx(expected, rel=1e-12)


def test_carbon_of_a_layer_and_of_an_anchor_under_it() -> None:
    """Against quadrature over the layer: atoms spread over the molecule's length, carboxyl at its foot."""
    only = specimens.Specimen(
        shares={"sam": 0.0, "additive": 1.0, "bare": 0.0}, areal={"sam": 0.0, "additive": 2e18}
    )
    measured = xps.measure(only)
    inside = length(measured, "C 1s")
    depth = np.linspace(0.0, 0.9e-9, 20_001)
    spread = float(np.trapezoid(np.exp(-depth / inside), depth)) / 0.9e-9
    ratio = xps.components(measured)["carbonyl"] / sum(xps.components(measured).values())
    foot = np.exp(-0.9e-9 / inside)
    assert ratio == pytest.approx(foot / (foot + 4.0 * spread), rel=1e-6)
    assert sum(xps.components(measured).values()) == pytest.approx(level(measured, "C 1s"), rel=1e-9)


def test_a_thick_layer_of_molecules_has_their_composition() -> None:
    """An anchorless molecule 200 nm long is an even solid: its atoms are found as they are."""
    long = SimpleNamespace(name="x", smiles="CC(=O)CN", anchors=(), length=200e-9, carbons=3, carbonyls=1)
    sample = specimens.Specimen(
        sam=long, additive=None, shares={"sam": 1.0, "bare": 0.0}, areal={"sam": 2e21, "additive": 0.0}
    )
    found = xps.analyse(xps.measure(sample))
    assert found["carbonyl_content"].value == pytest.approx(1.0 / 5.0, rel=1e-6)
    assert found["carbonyl_share"].value == pytest.approx(1.0 / 3.0, rel=1e-6)
    assert found["nickel_ratio"].value == pytest.approx(0.0, abs=1e-20)


# --- the samples -----------------------------------------------------------------------------------------------------


def test_only_the_target_keeps_a_carbonyl_after_the_wash() -> None:
    bare, control, target = (validate(xps.measure(sample)) for sample in specimens.washed())
    seen = [xps.analyse(one)["carbonyl_detected"].value for one in (bare, control, target)]
    assert seen == [0.0, 0.0, 1.0]
    assert xps.analyse(control)["nickel_ratio"].value > xps.analyse(bare)["nickel_ratio"].value
    assert xps.analyse(target)["carbonyl_share"].value > 0.01
    assert all(row.passed for one in (bare, control, target) for row in checks_of(one).values())


def test_a_trace_below_the_limit_is_not_detected() -> None:
    trace = specimens.Specimen(areal={"sam": 8e17, "additive": 5e16})
    found = xps.analyse(xps.measure(trace))
    assert 0.0 < found["carbonyl_content"].value < 1e-3
    assert found["carbonyl_detected"].value == 0.0
    assert (
        xps.analyse(xps.measure(trace, xps.Protocol(detection_limit="0.01 %")))["carbonyl_detected"].value
        == 1.0
    )


def test_a_film_on_top_hides_the_interface_and_the_result_says_so() -> None:
    _, target = specimens.films()
    measured = xps.measure(target)
    found = xps.analyse(measured)
    assert found["nickel_ratio"].value < 1e-50
    assert found["carbonyl_detected"].value == 0.0
    assert np.isnan(found["carbonyl_share"].value)
    assert "hides" in found["nickel_ratio"].method
    assert any("Wash the sample" in note for note in notes_of(measured))


def test_a_film_of_a_nanometre_lets_the_interface_through() -> None:
    nanometre = SimpleNamespace(film_thickness=1e-9, residue=0.0)
    thin = replace(specimens.films()[1], dried=nanometre, profile=(np.array([0.0, 1e-9]), np.array([1e25])))
    found = xps.analyse(xps.measure(thin))
    open_ = xps.analyse(xps.measure(replace(thin, washed=True)))
    assert 0.2 < found["nickel_ratio"].value / open_["nickel_ratio"].value < 0.9
    assert np.isfinite(found["carbonyl_share"].value)


def test_no_chemical_shift_is_claimed() -> None:
    measured = xps.measure(specimens.Specimen())
    assert any("shift of nickel 2p" in note for note in notes_of(measured))
    assert not any("shift" in name for name in xps.analyse(measured))


# --- analysis of any spectrum ----------------------------------------------------------------------------------------


def test_a_spectrum_from_a_file_is_fitted() -> None:
    found = xps.analyse(synthetic.xps(carbonyl=0.1))
    # pure Gaussians, fitted by lines with a share of Lorentzian
    assert found["carbonyl_share"].value == pytest.approx(0.1, abs=0.02)
    assert np.isnan(found["carbonyl_content"].value)
    assert np.isnan(found["nickel_ratio"].value)


def test_an_empty_spectrum_has_no_components() -> None:
    empty = synthetic.xps()
    empty["c1s"] = 0.0 * empty["c1s"]
    assert set(xps.components(empty).values()) == {0.0}
    assert np.isnan(xps.analyse(empty)["carbonyl_share"].value)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"emission_angle": "75 deg"}, {"photon_energy": "0 eV"}, {"detection_limit": "0 %"}, {"attenuation": 3}],
)
def test_impossible_protocols_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        xps.Protocol(**wrong)


def test_the_page_lists_the_lengths_that_the_code_uses() -> None:
    text = (Path(__file__).parents[2] / "docs" / "interface-instruments.md").read_text(encoding="utf-8")
    for name, row in xps.LEVELS.items():
        inside, oxide = (
            1e9 * xps.mean_free_path(1486.6 - row.energy, matter) for matter in (xps._ORGANIC, xps._OXIDE)
        )
        found = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
        assert f"| {row.sensitivity:.2f} | {inside:.2f} | {oxide:.2f} |" in found


def test_a_measurement_comes_back_from_disk_and_says_the_same(tmp_path: Path) -> None:
    measured = xps.measure(specimens.Specimen())
    again = measurement.load(measurement.save(measured, tmp_path / "m.nc"))
    assert xps.analyse(again).to_json() == xps.analyse(measured).to_json()
    assert again.attrs["recipe"] == measured.attrs["recipe"]
    style.save(xps.plot([again, again]), tmp_path / "figure")
