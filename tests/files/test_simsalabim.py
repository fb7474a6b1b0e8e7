"""Cells in the form of SIMsalabim's files: the reference cell agrees with the library's, and nothing is dropped."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import perotwin as pt
from perotwin.constants import Boltzmann, e, epsilon_0
from perotwin.errors import InputError
from perotwin.files import read_cell
from perotwin.stack import Stack

DATA = Path(__file__).parents[1] / "data" / "files" / "simsalabim"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the files of the reference cell, to be changed."""
    return Path(shutil.copytree(DATA, tmp_path / "cell"))


def change(file: Path, **values: object) -> None:
    text = file.read_text()
    for key, value in values.items():
        text, count = re.subn(rf"^{key} = [^*\n]*", f"{key} = {value} ", text, flags=re.MULTILINE)
        assert count == 1, key
    file.write_text(text)


def test_the_reference_cell_agrees_with_the_library() -> None:
    """0.1 mV in Voc and 1e-4 in the current at every voltage."""
    made = read_cell(DATA / "simulation_setup.txt", "a").cell
    protocol = pt.lab.jv.Protocol(start="0 V", stop="1.25 V", step="50 mV")
    ours, theirs = pt.lab.jv.measure(pt.load("cell-a"), protocol), pt.lab.jv.measure(made, protocol)
    found, wanted = pt.lab.jv.analyse(theirs), pt.lab.jv.analyse(ours)
    assert abs(float(found["voc"]) - float(wanted["voc"])) < 1e-4
    jsc = float(wanted["jsc"])
    assert abs(theirs["current_density"] - ours["current_density"]).max() < 1e-4 * jsc


def test_what_is_written_is_a_stack_file_that_says_what_it_left_out() -> None:
    made = read_cell(DATA / "simulation_setup.txt", "a")
    text = made.to_toml()
    assert Stack.from_toml(text) == made.cell
    assert text.startswith("# Made from simulation_setup.txt (SIMsalabim 5.27).")
    assert "nu_int_n = 1E3" in text and made.cell.source == "simulation_setup.txt (SIMsalabim 5.27)"


def test_every_key_is_read_or_told(folder: Path) -> None:
    """A key is read where another value of it changes the cell; the others are on the list."""
    whole = read_cell(folder / "simulation_setup.txt")
    told = {(one.place, one.key) for one in whole.unmatched}
    switches = {
        "l1", "l2", "l3", "leftElec", "genProfile", "preCond", "fixIons", "G_frac", "mobnDep", "mobpDep", "fieldDepG",
        "useLangevin", "intTrapFile", "bulkTrapFile", "R_series", "R_shunt", "layerGen",
    }  # fmt: skip
    numbers = 0
    for file in sorted(folder.iterdir()):
        for line in file.read_text().splitlines():
            key = line.partition("=")[0].strip()
            if "=" not in line or line.startswith("*") or key in switches or (file.name, key) in told:
                continue
            numbers += 1
            value = line.partition("=")[2].split("*")[0].strip()
            # what a zero switches off is looked at with the rest of its group
            if float(value) == 0.0 or key.startswith(("C_", "E_t", "S_")) or "TrapType" in key:
                continue
            before = file.read_text()
            change(file, **{key: repr(1.01 * float(value))})
            assert read_cell(folder / "simulation_setup.txt").cell != whole.cell, (file.name, key)
            file.write_text(before)
    assert numbers > 50


def test_a_key_that_nobody_knows_is_told(folder: Path) -> None:
    with (folder / "l2_perovskite.txt").open("a") as file:
        file.write("colour = 12\n")
    (found,) = [one for one in read_cell(folder / "simulation_setup.txt").unmatched if one.key == "colour"]
    assert (found.place, found.value, found.matters) == ("l2_perovskite.txt", "12", True)


def test_traps_ions_langevin_and_contacts(folder: Path) -> None:
    change(
        folder / "l1_htl.txt", N_t_int="1E12", C_n_int="2E-14", C_p_int="3E-14", E_t_int="4.6", intTrapType=-1
    )
    change(
        folder / "l2_perovskite.txt", N_anion="1E22", N_cation="1E22", mu_cation="1E-14", ionsMayEnter=1, useLangevin=1,
        preLangevin=0.5, bulkTrapType=1, N_D="1E20",
    )  # fmt: skip
    change(
        folder / "simulation_setup.txt", S_n_L="1E2", R_series="1E-4", R_shunt="2E-1", G_frac="0.5", W_R="sfb"
    )
    made = read_cell(folder / "simulation_setup.txt")
    cell = made.cell
    (face,) = cell.interface["htl|absorber"].trap
    assert (float(face.density), float(face.electron_capture), float(face.hole_capture)) == (
        1e12,
        2e-14,
        3e-14,
    )
    assert face.charge == "acceptor" and float(face.level.depth) == 4.6
    layer = cell.layer[1]
    assert layer.trap[0].charge == "donor" and float(layer.electronic.donor_density) == 1e20
    langevin = 0.5 * e * 1e-3 / (epsilon_0 * 24)
    assert float(layer.recombination.radiative.coefficient) == pytest.approx(langevin, rel=1e-12)
    assert float(layer.ions.diffusion_coefficient) == pytest.approx(1e-14 * Boltzmann * 300 / e, rel=1e-12)
    assert layer.ions.response.kind == "steady" and layer.ions.second is None
    assert float(cell.contact.front.electron_velocity) == 100.0 and cell.contact.front.hole_velocity is None
    assert cell.contact.back.work_function == "flat-band" and float(cell.light.intensity) == 0.5
    assert (float(cell.circuit.series_resistance), float(cell.circuit.shunt_resistance)) == (1e-4, 0.2)
    why = {one.key: one.why for one in made.unmatched if one.matters}
    assert "stay in their layer" in why["ionsMayEnter"] and "Langevin" not in why.get("k_direct", "")


def test_ions_that_are_held(folder: Path) -> None:
    change(folder / "l2_perovskite.txt", N_anion="1E22", N_cation="1E22", mu_anion="1E-14", mu_cation="2E-14")
    change(folder / "simulation_setup.txt", fixIons=1, preCond=1, Vpre=0.9)
    ions = read_cell(folder / "simulation_setup.txt").cell.layer[1].ions
    assert ions.response.kind == "frozen" and float(ions.response.bias) == 0.9
    assert float(ions.charge) == 1.0 and float(ions.second.charge) == -1.0


def test_optics_take_the_tables_that_are_named(folder: Path) -> None:
    for name in ("nk_glass.txt", "nk_ito.txt", "nk_au.txt", "nk_layer.txt"):
        k = 0.5 if name in ("nk_layer.txt", "nk_au.txt") else 0.0
        rows = "".join(f"{lam}E-9 {1.5 + k} {k}\n" for lam in range(300, 901, 10))
        (folder / name).write_text(f"lambda n k\n{rows}")
    change(folder / "simulation_setup.txt", genProfile="calc")
    made = read_cell(folder / "simulation_setup.txt")
    names = [layer.name for layer in made.cell.layer]
    assert names == ["substrate", "tco", "htl", "absorber", "etl", "back-electrode"]
    assert made.cell.light.generation.kind == "optics" and made.cell.light.spectrum.kind == "AM1.5G"
    from perotwin.optics.films import material

    table = material(made.cell.layer[3])
    assert table.range == pytest.approx((300e-9, 900e-9)) and "metres" in table.notes[0]
    change(folder / "simulation_setup.txt", spectrum="lamp.txt")
    lamp = read_cell(folder / "simulation_setup.txt").cell.light.spectrum
    assert lamp.path == str(folder.resolve() / "lamp.txt")
    assert {"spectrum", "lambda_min", "lambda_max"} <= {one.key for one in made.unmatched if one.matters}


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("l2_perovskite.txt", {"layerGen": 0}, "none is an absorber"),
        ("l2_perovskite.txt", {"bulkTrapFile": "traps.txt"}, "profile in energy"),
        ("l2_perovskite.txt", {"mu_n": "fast"}, "is no number"),
        ("l2_perovskite.txt", {"mu_n": "-1"}, "not positive"),
        ("simulation_setup.txt", {"l2": "missing.txt"}, "cannot be opened"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, file: str, values: dict[str, object], words: str) -> None:
    change(folder / file, **values)
    with pytest.raises(InputError, match=words) as caught:
        read_cell(folder / "simulation_setup.txt")
    assert caught.value.advice and caught.value.file


def test_a_layer_file_alone_is_answered_with_the_file_to_give() -> None:
    with pytest.raises(InputError, match="one layer") as caught:
        read_cell(DATA / "l1_htl.txt")
    assert "simulation_setup.txt" in caught.value.advice


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(pt.load("cell-a").to_toml())
    with pytest.raises(InputError, match="no definition of a cell"):
        read_cell(path)
    path.write_bytes(b"\x00\x01")
    with pytest.raises(InputError, match="not text"):
        read_cell(path)
