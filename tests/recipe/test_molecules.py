"""The library of molecules: every number says where it comes from, and names are found however they are spelt."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from perotwin import references
from perotwin.errors import InputError, UnknownNameError
from perotwin.recipe import molecules
from perotwin.recipe.molecules import Dipole, Molecule, load, names, provenance
from perotwin.units import convert, parse

SAMS = ("Me-4PACz", "2PACz", "MeO-2PACz", "Me-2PACz", "4PADCB")
ADDITIVES = ("5-AVAI", "glycine", "beta-alanine", "GABA", "6-aminocaproic acid", "PEAI")


def test_the_molecules_are_there() -> None:
    assert set(names()) == {*SAMS, *ADDITIVES}
    assert {name for name in names() if load(name).role == "sam"} == set(SAMS)


@pytest.mark.parametrize("name", names())
def test_every_number_says_paper_computed_or_assumed_with_its_range(name: str) -> None:
    for field, quantity in load(name).quantities().items():
        assert provenance(quantity) in ("paper", "computed", "assumed"), f"{name}: {field} = {quantity}"
        if provenance(quantity) == "paper":
            assert quantity.source and references.find(quantity.source)
        if quantity.assumed is not None:
            assert quantity.assumed[0] < quantity.assumed[1]
            assert quantity.note


@pytest.mark.parametrize("name", names())
def test_what_nobody_measured_is_assumed(name: str) -> None:
    molecule = load(name)
    assert provenance(molecule.normal_dipole) == "assumed"
    if molecule.binding_energy is not None:
        # even the paper's number is an input with an uncertainty
        assert molecule.binding_energy.assumed is not None


def test_the_papers_numbers() -> None:
    additive, sam = load("5-AVAI"), load("Me-4PACz")
    assert convert(additive.dipole, "D") == pytest.approx(2.57)
    assert convert(sam.dipole, "D") == pytest.approx(1.60)
    assert additive.binding_energy == 0.767
    for quantity in (additive.dipole, sam.dipole, additive.binding_energy):
        assert provenance(quantity) == "paper"
    # the paper's "3 angstrom" is the distance of nuclei; what fits a hole is twice as wide
    assert convert(additive.nuclear_diameter, "angstrom") == pytest.approx(3.0, abs=0.1)
    assert convert(additive.diameter, "angstrom") == pytest.approx(5.67, abs=0.2)


@pytest.mark.parametrize("name", names())
def test_every_dipole_names_species_conformer_and_method(name: str) -> None:
    molecule = load(name)
    assert molecule.dipoles
    for entry in molecule.dipoles:
        assert entry.species and entry.conformer and entry.method
        # ions and ion pairs have none here: theirs depends on the origin
        assert "cation" not in entry.species and "pair" not in entry.species
    assert any(entry.value == molecule.dipole for entry in molecule.dipoles)


def test_a_longer_chain_is_not_wider_but_a_ring_is() -> None:
    chains = [load(name) for name in ("glycine", "beta-alanine", "GABA", "5-AVAI", "6-aminocaproic acid")]
    diameters = [convert(one.diameter, "angstrom") for one in chains]
    lengths = [float(one.length) for one in chains]
    assert max(diameters) - min(diameters) < 0.3
    assert lengths == sorted(lengths)
    assert convert(load("PEAI").diameter, "angstrom") > max(diameters) + 1.0
    for sam in SAMS:
        assert load(sam).diameter > load("PEAI").diameter


@pytest.mark.parametrize("name", names())
def test_there_and_back(name: str) -> None:
    molecule = load(name)
    again = Molecule.from_toml(molecule.to_toml())
    assert again == molecule
    for first, second in ((molecule, again), (molecule, pickle.loads(pickle.dumps(molecule)))):
        theirs, ours = first.quantities(), second.quantities()
        assert theirs.keys() == ours.keys()
        for field in theirs:
            for attribute in ("written", "source", "assumed", "note"):
                assert getattr(theirs[field], attribute) == getattr(ours[field], attribute)


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("5-AVA", "5-AVAI"), ("5-avai", "5-AVAI"), ("5AVAI", "5-AVAI"), ("5-aminovaleric acid", "5-AVAI"),
        ("phenethylammonium iodide", "PEAI"), ("β-alanine", "beta-alanine"), ("me4pacz", "Me-4PACz"),
        ("gaba", "GABA"), ("6-ACA", "6-aminocaproic acid"),
    ],
)  # fmt: skip
def test_names_are_found_however_they_are_spelt(spelt: str, name: str) -> None:
    assert load(spelt).name == name


def test_no_two_molecules_share_a_name() -> None:
    known = [molecules._spelling(word) for name in names() for word in (name, *load(name).aliases)]
    own = {molecules._spelling(name) for name in names()}
    assert len(own) == len(names())
    assert len(known) == len(set(known))


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "Me-4PACz"') as caught:
        load("Me-4PAC")
    assert "--compute" in caught.value.advice
    with pytest.raises(UnknownNameError, match="Choose from"):
        load("xyzzyx-quux")


def test_a_molecule_without_an_anchor_is_refused_with_a_sentence() -> None:
    load("5-AVAI").require_anchor()
    toluene = load("PEAI").model_copy(update={"name": "toluene", "anchors": ()})
    with pytest.raises(InputError, match='"toluene" has no anchor'):
        toluene.require_anchor()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('diameter = {value = "5.58 angstrom"', 'diameter = {value = "5.58"'), ["diameter", "no unit"]),
        (('footprint = {value = "0.22 nm^2"', 'footprint = {value = "0.22 nm"'), ["footprint", "area"]),
        (('role = "additive"', 'role = "solvent"'), ["role", "additive"]),
        (('anchors = ["carboxylic acid"', 'anchors = ["thiol"'), ["anchors", "thiol"]),
        (("nuclear_diameter =", "nuclear_diametre ="), ["nuclear_diametre", "nuclear_diameter"]),
        (("charge_state =", "charge ="), ["charge"]),
        (('method = "GFN2-xTB"', 'method = ""'), ["method"]),
        (('value = "0.767 eV"', 'value = "3 eV"'), ["binding_energy", "outside"]),
    ],
)
def test_refusals_name_key_and_cause(change: tuple[str, str], words: list[str]) -> None:
    text = load("5-AVAI").to_toml()
    assert change[0] in text
    with pytest.raises(InputError) as caught:
        Molecule.from_toml(text.replace(*change, 1), file="mine.toml")
    assert "mine.toml" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_size_that_cannot_be_is_refused() -> None:
    text = load("5-AVAI").to_toml()
    other = parse("6 angstrom", "length")
    with pytest.raises(InputError, match="van der Waals"):
        Molecule(**{**dict(Molecule.from_toml(text)), "nuclear_diameter": other})
    with pytest.raises(InputError):
        Dipole(species="", conformer="all-trans", method="GFN2-xTB", value="1 D")


def test_a_molecule_of_ones_own_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(load("GABA").to_toml().replace('name = "GABA"', 'name = "my acid"'), encoding="utf-8")
    assert load(file).name == "my acid"
    assert load(str(file)).quantities() == load("GABA").quantities()
    with pytest.raises(InputError, match="cannot be opened"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(InputError, match="UTF-8"):
        load(tmp_path / "latin.toml")


def test_loading_needs_no_chemistry() -> None:
    code = (
        "import sys; from perotwin.recipe import molecules; [molecules.load(n) for n in molecules.names()];"
        "heavy = {'rdkit', 'tblite', 'pyscf', 'scipy', 'numba', 'pint', 'tomlkit'};"
        "print(heavy & set(sys.modules)); sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
