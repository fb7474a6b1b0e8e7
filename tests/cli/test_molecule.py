"""`perotwin molecule`: the library as people read it, and what is computed from a SMILES."""

import importlib.util
import json
from pathlib import Path

import pytest

from perotwin.recipe import molecules

needs_chemistry = pytest.mark.skipif(
    not all(importlib.util.find_spec(package) for package in ("rdkit", "tblite")),
    reason="the extra perotwin[mol] is not installed",
)
needs_density_functionals = pytest.mark.skipif(
    importlib.util.find_spec("pyscf") is None, reason="the extra perotwin[dft] is not installed"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROTWIN_CACHE", str(tmp_path_factory.getbasetemp() / "molecules"))


def results(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    return document["results"]


def test_a_molecule_is_shown_with_the_origin_of_each_number(cli) -> None:
    done = cli("molecule", "5-AVA")
    assert done.returncode == 0
    text = done.stdout
    for words in (
        "5-AVAI",
        "[NH3+]CCCCC(=O)O.[I-]",
        "carboxylic acid",
        "2.57",
        "0.767",
        "fu-5avai",
        "assumed",
        "GFN2-xTB",
    ):
        assert words in text, words
    assert len(max(text.splitlines(), key=len)) <= 160


def test_without_a_name_the_library_is_listed(cli) -> None:
    text = cli("molecule").stdout
    assert all(name in text for name in molecules.names())
    assert [entry["molecule"] for entry in results(cli("molecule", "--json"))] == list(molecules.names())


def test_machine_output_has_unit_and_provenance_with_every_number(cli) -> None:
    (entry,) = results(cli("molecule", "5-AVAI", "--json"))
    assert entry["molecule"] == "5-AVAI"
    assert entry["dipole"]["value"] == pytest.approx(2.57)
    assert (entry["dipole"]["unit"], entry["dipole"]["provenance"]) == ("D", "paper")
    assert entry["binding_energy"]["value"] == 0.767
    assert len(entry["binding_energy"]["assumed"]) == 2
    assert entry["diameter"]["unit"] == "angstrom"
    assert entry["diameter"]["value"] == pytest.approx(5.67, abs=0.2)
    for one in entry["dipoles"]:
        assert one["species"] and one["conformer"] and one["method"] and one["provenance"]


def test_several_molecules_and_one_of_them_wrong(cli) -> None:
    done = cli("molecule", "GABA", "GABBA", "--json")
    assert done.returncode == 1
    good, bad = json.loads(done.stdout)["results"]
    assert good["molecule"] == "GABA"
    assert bad["error"]["type"] == "UnknownNameError"
    assert '"GABA"' in bad["error"]["advice"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["molecule", "6-AVAI"], '"5-AVAI"'),
        (["molecule", "OC(=O)CCCCN"], "--compute"),
        (["molecule", "GABA", "--dft"], "--compute --dft"),
        (["molecule", "none.toml"], "cannot be opened"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(cli, arguments: list[str], words: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_molecule_file_goes_there_and_back(cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(cli("molecule", "PEAI", "--toml").stdout, encoding="utf-8")
    assert molecules.load(file) == molecules.load("PEAI")
    assert "PEAI" in cli("molecule", str(file)).stdout


@needs_chemistry
def test_a_smiles_is_computed(cli, tmp_path: Path) -> None:
    done = cli("molecule", "C(N)C(=O)O", "--compute")
    assert done.returncode == 0
    for words in ("NCC(=O)O", "C2H5NO2", "extended", "Boltzmann average", "rdkit", "tblite", "gas phase"):
        assert words in done.stdout, words
    (entry,) = results(cli("molecule", "NCC(=O)O", "--compute", "--json"))
    assert entry["cached"] is True
    assert entry["dipole"]["value"] == pytest.approx(1.67, abs=0.1)
    assert len(entry["dipole"]["by_seed"]) == 5
    assert sum(one["weight"]["value"] for one in entry["conformers"]) == pytest.approx(100.0)
    file = tmp_path / "mine.toml"
    file.write_text(cli("molecule", "NCC(=O)O", "--compute", "--toml").stdout, encoding="utf-8")
    assert molecules.load(file).smiles == "NCC(=O)O"


@needs_chemistry
def test_a_name_is_computed_as_its_neutral_molecule(cli) -> None:
    (entry,) = results(cli("molecule", "glycine", "--compute", "--json"))
    assert (entry["molecule"], entry["smiles"], entry["species"]) == (
        "glycine",
        "NCC(=O)O",
        "neutral molecule",
    )


@needs_chemistry
def test_an_ion_gets_a_size_and_the_reason_why_no_dipole(cli) -> None:
    done = cli("molecule", "[NH3+]CC(=O)O", "--compute")
    assert done.returncode == 0
    assert "no dipole" in done.stdout and "origin" in done.stdout
    (entry,) = results(cli("molecule", "[NH3+]CC(=O)O", "--compute", "--json"))
    assert entry["dipole"] is None and entry["conformers"] == []


@needs_chemistry
@pytest.mark.parametrize("wrong", ["[NH3+]CCCCC(=O)O.[I-]", "not a molecule", "C[Pb](C)(C)C"])
def test_what_cannot_be_computed_is_a_wrong_input(cli, wrong: str) -> None:
    done = cli("molecule", wrong, "--compute")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


@needs_chemistry
@needs_density_functionals
@pytest.mark.slow
def test_density_functionals_refine_two_conformers(cli) -> None:
    (entry,) = results(cli("molecule", "NCC(=O)O", "--compute", "--dft", "--json"))
    assert {one["conformer"] for one in entry["refined"]} <= {
        "lowest in energy", "extended", "lowest in energy, and extended",
    }  # fmt: skip
    for one in entry["refined"]:
        assert one["dipole"]["value"] == pytest.approx(
            entry["conformers"][one["number"] - 1]["dipole"]["value"], abs=0.5
        )
