"""What instruments declare is true, and what follows from it is written nowhere else."""

import importlib
import re
from pathlib import Path

import pytest

import perotwin
import synthetic
from perotwin import lab
from perotwin.measurement import term_of, validate

HOUSE = Path(perotwin.__file__).parent
NAMES = [
    "jv", "scan", "eqe", "el", "pl", "bands", "suns_voc", "mppt", "tpv", "tpc", "trpl", "impedance", "cv", "sclc",
    "statistics", "uv_vis",
]  # fmt: skip
SAMPLES = ["afm", "ftir_nmr", "kpfm", "sem", "tof_sims", "xps", "xrd"]


def test_every_instrument_of_the_laboratory_is_found_in_the_order_of_a_run() -> None:
    assert [one.name for one in lab.instruments("cell")] == NAMES
    assert sorted(one.name for one in lab.instruments("sample")) == SAMPLES
    assert [one.name for one in lab.instruments("cell") if one.usual] == ["jv", "eqe", "bands"]


@pytest.mark.parametrize("name", [*NAMES, *SAMPLES])
def test_a_declaration_fits_what_the_module_holds(name: str) -> None:
    module, declared = getattr(lab, name), lab.known(name)
    assert declared is module.INSTRUMENT and declared.measure is module.measure
    assert isinstance(declared.protocol(), module.Protocol)
    found = getattr(synthetic, name, None)
    made = found() if found is not None else importlib.import_module(f"measured_{name}").dataset()
    datasets = list(made.values()) if isinstance(made, dict) else [made]
    for dataset in datasets:
        assert validate(dataset, declared) is dataset
    assert len(declared.analyse(made)) > 0
    assert all(term_of(quantity) is not None for quantity in declared.schema)
    assert all("{cells}" in one.caption for one in declared.pictures)


def test_figures_have_names_of_their_own() -> None:
    names = [one.name for tool in lab.instruments() for one in tool.pictures]
    assert len(names) == len(set(names))


#: who asks particular instruments for particular readings: what a paper measured, and traces of one kind
ASKS = ("paper/", "workflows/trace_rates")


def mentions(name: str) -> list[str]:
    """Lines of the package, outside an instrument's file and its command, that name it."""
    own = {HOUSE / "lab" / f"{name}.py", HOUSE / "cli" / f"{name}.py"}
    found = []
    for path in sorted([*HOUSE.rglob("*.py"), *HOUSE.rglob("*.j2")]):
        if path in own:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(rf"(?<![\w$]){name}(?![\w$])", line):
                found.append(f"{path.relative_to(HOUSE)}:{number}: {line.strip()}")
    return found


def test_electroluminescence_is_named_in_its_file_and_its_command_only() -> None:
    assert [line for line in mentions("el") if not line.startswith(ASKS)] == []


@pytest.mark.parametrize("name", ["mppt", "cv", "tpv", "tpc", "kpfm", "xps", "tof_sims"])
def test_the_others_are_named_by_their_commands_and_figures_only(name: str) -> None:
    # a command may serve two instruments, a function that draws may be called after what it draws, a format of files
    # says whose measurements it holds, and a schema of others has names for some
    places = {line.partition(":")[0] for line in mentions(name)}
    allowed = ("cli/", "plotting/", "files/", "workflows/nomad", *ASKS)
    assert {place for place in places if not place.startswith(allowed)} == set()
