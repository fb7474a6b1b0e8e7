"""`perotwin materials`: the library as people read it, for machines, and drawn."""

import json
from pathlib import Path

import pytest

from perotwin import materials
from perotwin.report import library_layers
from perotwin.stack import layer_library


def results(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    return document["results"]


def test_without_a_name_all_materials_are_listed_with_range_residual_and_source(cli) -> None:
    done = cli("materials")
    assert done.returncode == 0
    assert len(max(done.stdout.splitlines(), key=len)) <= 160
    for name in materials.names():
        assert f" {name} " in done.stdout, name
    for words in ("300 to 2500", "0.0179", "no table", "own fit", "page"):
        assert words in done.stdout, words


def test_a_material_is_shown_with_model_coefficients_source_and_doubts(cli) -> None:
    text = cli("materials", "bcp").stdout
    for words in ("own fit", "300 to 2500 nm", "800 nm", "0.0116", "doi:10.1016/j.synthmet.2005.02.001",
                  "k = 1.25", "gap 2.9596 eV", "E0 3.9783", "550"):  # fmt: skip
        assert words in text, words
    text = cli("materials", "silicon", "spiro-ometad", "halide-perovskite").stdout
    for words in ("main/Si/Green-2008", "bandgap     1.12 eV", "Drude", "1.58 to 1.80", "edge 1.5905 eV"):
        assert words in text, words


def test_electronic_numbers_stand_with_their_sources(cli) -> None:
    text = cli("materials", "c60").stdout
    for words in ('use = "c60"', "electronic.electron_affinity", "3.9 eV", "thiesbrummel2024", "face.trap"):
        assert words in text, words
    (entry,) = results(cli("materials", "c60", "--json"))
    (layer,) = entry["layers"]
    affinity = layer["numbers"]["electronic.electron_affinity"]
    assert affinity["value"] == "3.9 eV" and "thiesbrummel2024" in affinity["source"]
    assert layer["numbers"]["thickness"]["assumed"] == ["10 nm", "30 nm"]


def test_layers_without_a_material_of_their_own_name_are_found_too(cli) -> None:
    monolayer = cli("materials", "Me-4PACz")
    assert monolayer.returncode == 0 and "contact.work_function" in monolayer.stdout
    narrow = cli("materials", "sn-pb").stdout
    assert "halide-perovskite: " in narrow and 'use = "sn-pb"' in narrow
    assert "spiro-ometad: " in cli("materials", "spiro").stdout
    listed = cli("materials").stdout
    for name in layer_library.names():
        assert f" {name} " in listed, name


def test_every_number_of_the_library_of_layers_has_a_source_or_a_range() -> None:
    for name in layer_library.names():
        for path, number in library_layers.entry(layer_library.entry(name))["numbers"].items():
            assert number["source"] or number["assumed"] or number["note"], f"{name}.{path}"


def test_machine_output_has_all_of_it_with_units(cli) -> None:
    entries = results(cli("materials", "--json"))
    assert [entry["material"] for entry in entries] == list(materials.names())
    (fto,) = results(cli("materials", "fto", "--json"))
    assert fto["model"] == "literature" and fto["rms_n"] is None and fto["fitted"] is None
    assert fto["range"] == {"value": pytest.approx([300.0, 2500.0]), "unit": "nm"}
    assert fto["coefficients"]["drude"] == {"plasma": 1.174, "damping": 0.129}
    at = dict(zip(fto["wavelength"]["value"], fto["n"]["value"], strict=True))
    assert at[550] == pytest.approx(1.91, abs=0.01)
    (silicon,) = results(cli("materials", "silicon", "--json"))
    assert silicon["page"] == {"shelf": "main", "book": "Si", "page": "Green-2008"}
    assert silicon["bandgap"] == {"value": 1.12, "unit": "eV"}


@pytest.mark.parametrize("name, start", [("nk.png", b"\x89PNG"), ("nk.svg", b"<?xml")])
def test_n_and_k_are_drawn_into_the_file_that_is_named(cli, tmp_path: Path, name: str, start: bytes) -> None:
    done = cli("materials", "zno", "c60", "--plot", str(tmp_path / name))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(start)
    assert str(tmp_path / name) in done.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("ptta",), ['"ptta"', '"ptaa"']),
        (("spirro-ometad",), ['"spiro-ometad"']),
        (("2pacz", "--plot", "nk.png"), ["no optics to draw"]),
        (("c60", "--plot", "nk.jpeg"), ["nk.jpeg", ".png or .svg"]),
        (("--plot", "nk.png"), ["needs a material", "perotwin materials c60"]),
    ],
)
def test_what_cannot_be_done_is_said_with_the_cure(cli, arguments: tuple[str, ...], words: list[str]) -> None:
    done = cli("materials", *arguments)
    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
