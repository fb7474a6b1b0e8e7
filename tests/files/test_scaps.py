"""Cells in the form of SCAPS's definition files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import perotwin as pt
from perotwin.constants import Boltzmann, e
from perotwin.errors import InputError
from perotwin.files import read_cell
from perotwin.stack import Stack

DATA = Path(__file__).parents[1] / "data" / "files" / "scaps" / "pin.def"


def variant(folder: Path, *changes: tuple[str, str]) -> Path:
    text = DATA.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "pin.def"
    path.write_text(text)
    return path


def test_layers_stand_in_the_order_that_light_meets_them() -> None:
    """The file begins at the back contact."""
    cell = read_cell(DATA).cell
    assert [layer.name for layer in cell.layer] == ["htl", "perovskite-1-6", "etl"]
    assert [layer.role for layer in cell.layer] == ["htl", "absorber", "etl"]
    assert cell.contact.front.work_function == "flat-band" and float(cell.contact.back.work_function) == 4.10
    assert cell.source == "pin.def (SCAPS 3.3.10)" and float(cell.temperature) == 300.0


def test_units_in_brackets_are_followed() -> None:
    htl, absorber, etl = read_cell(DATA).cell.layer
    assert [float(one.thickness) for one in (htl, absorber, etl)] == pytest.approx([20e-9, 500e-9, 30e-9])
    assert float(etl.electronic.conduction_dos) == pytest.approx(1e26)
    assert float(etl.electronic.electron_mobility) == pytest.approx(1e-6)
    assert float(etl.electronic.donor_density) == pytest.approx(1e23)
    assert float(absorber.electronic.electron_mobility) == 5e-4
    assert float(absorber.recombination.radiative.coefficient) == 1e-17
    assert float(absorber.recombination.auger.electron) == 1e-40
    assert float(read_cell(DATA).cell.contact.front.electron_velocity) == pytest.approx(1e5)


def test_defects_of_a_layer() -> None:
    first, second = read_cell(DATA).cell.layer[1].trap
    # 0.1 eV above the intrinsic level, which is the middle of the gap where both bands have equal densities
    assert float(first.level.depth) == pytest.approx(3.9 + 0.8 - 0.1)
    assert float(first.electron_capture) == pytest.approx(1e-19 * 1e5) and first.charge == "acceptor"
    assert float(first.hole_capture) == pytest.approx(2e-19 * 1e5)
    # 0.3 eV below the conduction band
    assert float(second.level.depth) == pytest.approx(4.2)


def test_the_intrinsic_level_follows_the_densities_of_states(tmp_path: Path) -> None:
    path = variant(tmp_path, ("Nv :\t 2.2e+24", "Nv :\t 2.2e+25"))
    trap = read_cell(path).cell.layer[1].trap[0]
    shift = 0.5 * Boltzmann * 300.0 / e * math.log(10.0)
    assert float(trap.level.depth) == pytest.approx(4.6 - shift, abs=1e-9)


def test_defects_of_an_interface() -> None:
    (trap,) = read_cell(DATA).cell.interface["perovskite-1-6|etl"].trap
    # above the higher of the two valence bands, that of the perovskite at 5.5 eV
    assert float(trap.level.depth) == pytest.approx(5.5 - 0.6)
    assert float(trap.density) == 1e14 and float(trap.electron_capture) == pytest.approx(1e-14)
    assert float(trap.hole_capture) == pytest.approx(2e-14)


def test_nothing_is_dropped_in_silence() -> None:
    """Each key of the file is read, or on the list with what became of it."""
    made = read_cell(DATA)
    told = {(one.place, one.key): one for one in made.unmatched}
    assert told["layer 3", "colour"].why == "not known to perotwin"
    assert told["layer 2", "Eg"].why.startswith("graded")
    assert "step at the bandgap" in told["layer 2", "absorptionfile pure A material (y=0)"].why
    assert "larger one" in told["interface properties 1, defect 1", "sigma_pleft"].why
    assert told["layer 2, defect 2", "energy distribution"].matters
    assert not told["settings", "IV_calculate"].matters
    assert not told["layer 1", "Relative electron mass"].matters
    read = {
        "Fi_m", "flatband", "recalculate", "Sn", "Sp", "name", "d", "v_th_n", "v_th_p", "eps", "chi", "Eg", "Nc", "Nv",
        "mu_n", "mu_p", "K_rad", "c_n_auger", "c_p_auger", "Na(uniform)", "Nd(uniform)", "type", "sigma_n", "sigma_p",
        "sigma_nleft", "sigma_nright", "sigma_pleft", "sigma_pright", "energy distribution", "Et", "N", "Nt(uniform)",
        "Reference for defect energy", "profile", "interfacename", "Temperature", "Tunneling to contact",
        "Tunneling in layer", "Intraband tunneling", "Tunneling to trap",
    }  # fmt: skip
    listed = {key for _, key in told}
    for line in DATA.read_text().splitlines():
        if ":" in line and not line.startswith(">"):
            assert line.partition(":")[0].strip() in read | listed, line


def test_tunnelling_that_is_on_is_told(tmp_path: Path) -> None:
    path = variant(tmp_path, ("Tunneling in layer: 0", "Tunneling in layer: 1"))
    assert any(one.key == "Tunneling in layer" and one.matters for one in read_cell(path).unmatched)


def test_the_cell_is_one_that_is_solved(tmp_path: Path) -> None:
    made = read_cell(variant(tmp_path, ("Na(uniform) :\t 0.0\t[/m^3]", "Na(uniform) :\t 1.0e+24\t[/m^3]")))
    assert Stack.from_toml(made.to_toml()) == made.cell
    measured = pt.lab.jv.measure(made.cell, pt.lab.jv.Protocol(step="50 mV"))
    metrics = pt.lab.jv.analyse(measured)
    # a step at 1.6 eV, two levels of traps
    assert float(metrics["jsc"]) == pytest.approx(254.7, rel=0.01)
    assert 0.9 < float(metrics["voc"]) < 1.3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("front contact", "side contact"), "a front contact, a back contact"),
        (("chi :\t 3.9", "chi :\t high"), "is no energy"),
        (("Nc :\t 2.2e+24", "Nd :\t 2.2e+24"), "does not say Nc"),
        (("Reference for defect energy :  1", "Reference for defect energy :  17"), "no reference"),
        (("d : 0.5 [um]", "d : 0.5 [eV]"), "is no length"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_cell(variant(tmp_path, change))
    assert caught.value.advice and str(caught.value.file).endswith("pin.def")
