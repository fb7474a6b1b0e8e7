"""The cells that come with perotwin: loadable, sourced throughout, honest about what differs."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import perotwin as pt
from perotwin import references
from perotwin.errors import InputError, UnknownNameError
from perotwin.recipe import names as recipes
from perotwin.stack import from_toml, load, names

CELLS = ("cell-a", "cell-b", "nbg", "nip-example", "silicon-planar", "wbg-base", "wbg-control", "wbg-target")
TANDEMS = ("tandem-control", "tandem-si", "tandem-target")


def test_the_cells_are_there() -> None:
    assert {*CELLS, *TANDEMS} <= set(names())


@pytest.mark.parametrize("name", names())
def test_every_number_has_a_source_or_says_assumed_with_its_range(name: str) -> None:
    cell = load(name)
    sources = cell.sources()
    for path, quantity in cell.quantities().items():
        assert path in sources, f"{name}: {path} = {quantity} has neither source nor assumed range"
        if quantity.source is not None:
            made = quantity.source.removeprefix("recipe ") in recipes()
            standard = quantity.source == "standard test conditions"
            assert made or standard or references.find(quantity.source), (
                f"{name}: {path} cites {quantity.source}, which is no reference"
            )
        elif quantity.assumed is not None:
            assert quantity.assumed[0] < quantity.assumed[1]
        else:
            assert cell.source is not None


@pytest.mark.parametrize("name", names())
def test_the_file_writes_back_to_the_same_cell_and_units(name: str) -> None:
    cell = load(name)
    again = from_toml(cell.to_toml())
    assert again == cell
    assert again.sources() == cell.sources()
    written = {path: quantity.written for path, quantity in cell.quantities().items()}
    assert {path: quantity.written for path, quantity in again.quantities().items()} == written


@pytest.mark.parametrize("name", names())
def test_a_cell_mirrored_twice_is_the_cell(name: str) -> None:
    cell = load(name)
    assert cell.mirrored() != cell
    assert cell.mirrored().mirrored() == cell
    assert from_toml(cell.mirrored().to_toml()) == cell.mirrored()


@pytest.mark.parametrize("name", ["wbg-control", "wbg-target", "nip-example", "nbg"])
def test_bands_let_the_right_carriers_through(name: str) -> None:
    cell = load(name)
    for absorber in cell.absorbers:
        assert absorber.electronic is not None
        conduction = absorber.electronic.electron_affinity
        valence = conduction + absorber.gap
        for layer in cell.electrical_layers:
            assert layer.electronic is not None
            if layer.role == "htl":
                dipole = sum(
                    face.dipole for key, face in cell.interface.items() if layer.name in key.split("|")
                )
                assert abs(layer.electronic.electron_affinity + layer.gap + dipole - valence) < 0.25
                assert conduction - layer.electronic.electron_affinity > 0.5  # electrons are blocked
            if layer.role == "etl":
                assert abs(layer.electronic.electron_affinity - conduction) < 0.2
                assert layer.electronic.electron_affinity + layer.gap - valence > 0.1  # holes are blocked


def test_polarity_is_first_class() -> None:
    roles = {
        name: [layer.role for layer in load(name).electrical_layers] for name in ("wbg-target", "nip-example")
    }
    assert roles["wbg-target"][0] == "htl"
    assert roles["nip-example"][0] == "etl"


def test_control_and_target_differ_only_where_the_paper_says() -> None:
    control, target = (load(name).quantities() for name in ("wbg-control", "wbg-target"))
    # the paper sees pinholes in the reference alone
    assert control.keys() - target.keys() == {f"perovskite.pinholes.{name}" for name in ("share", "velocity")}
    assert target.keys() < control.keys()
    differing = {path for path in target if control[path] != target[path]}
    allowed = (
        "niox|perovskite.", "perovskite.trap.", "perovskite.ions.", "perovskite|c60.roughness",
    )  # fmt: skip
    assert all(path.startswith(allowed) for path in differing), differing
    assert control["perovskite|c60.roughness"] == 20.4e-9
    assert target["perovskite|c60.roughness"] == 7.4e-9
    assert target["niox|perovskite.dipole"] > control["niox|perovskite.dipole"]


def test_the_reference_cell_is_the_published_one() -> None:
    cell = load("cell-a")
    perovskite = cell.named("perovskite")
    assert float(cell.temperature) == 300.0
    assert perovskite.electronic is not None
    assert perovskite.electronic.statistics.kind == "boltzmann"
    assert perovskite.trap[0].tau_n == perovskite.trap[0].tau_p == 1e-6
    assert perovskite.trap[0].level.below_vacuum(3.9, 1.6) == 4.7
    assert cell.light.generation.kind == "uniform"
    assert cell.contact is not None
    assert (cell.contact.front.work_function, cell.contact.back.work_function) == (5.25, 4.10)


def test_load_takes_names_and_paths(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(load("cell-b").to_toml(), encoding="utf-8")
    assert pt.load(file) == pt.load(str(file)) == pt.load("cell-b")


def test_load_refuses_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "wbg-target"'):
        load("wbg-targt")
    with pytest.raises(InputError, match="cannot be opened"):
        load(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be opened"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(InputError, match="UTF-8"):
        load(tmp_path / "latin.toml")


def test_loading_needs_neither_pint_nor_the_solver() -> None:
    code = (
        "import sys, perotwin as pt; [pt.load(n) for n in pt.stack.names()];"
        "heavy = {'pint', 'numba', 'scipy', 'xarray', 'pandas', 'pvlib', 'tomlkit'};"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loading_again_is_quick() -> None:
    load("wbg-target")
    start = time.perf_counter()
    for _ in range(5):
        load("wbg-target")
    assert (time.perf_counter() - start) / 5 < 0.05
