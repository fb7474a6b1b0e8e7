"""`perotwin new`: a file that runs as it stands, comes out where published planar cells lie, overwrites nothing."""

import json
from pathlib import Path

import pytest

import perotwin as pt

#: what was asked for, and Voc (V), Jsc (mA/cm^2) of a published planar cell of these layers
PUBLISHED = {
    # C. Bi et al., Nat. Commun. 6, 7747 (2015), doi:10.1038/ncomms8747: ITO, PTAA, MAPbI3, fullerenes, BCP, metal
    "p-i-n": (
        ("--absorber", "mapbi3", "--htl", "ptaa", "--etl", "c60,bcp", "--electrodes", "ito,cu"),
        1.07,
        22.0,
    ),
    # Q. Jiang et al., Nat. Energy 2, 16177 (2016), doi:10.1038/nenergy.2016.177: SnO2, FAPbI3-based, spiro-OMeTAD, Au
    "n-i-p": (
        ("--absorber", "fapbi3", "--htl", "spiro", "--etl", "sno2", "--electrodes", "fto,au"),
        1.09,
        24.9,
    ),
}


@pytest.mark.parametrize("structure", PUBLISHED)
def test_it_comes_out_where_published_cells_lie_without_an_edit(cli, tmp_path: Path, structure: str) -> None:
    options, voc, jsc = PUBLISHED[structure]
    file = tmp_path / "mine.toml"
    done = cli("new", str(file), "--structure", structure, *options)
    assert done.returncode == 0, done.stderr
    assert "written:" in done.stdout and "perotwin jv" in done.stdout
    measured = pt.lab.jv.measure(pt.load(file))
    metrics = pt.lab.jv.analyse(measured)
    assert abs(float(metrics["voc"]) - voc) < 0.080
    assert abs(0.1 * float(metrics["jsc"]) - jsc) < 1.5
    assert 0.70 < float(metrics["ff"]) < 0.85
    failed = [name for name, check in pt.measurement.checks_of(measured).items() if not check.passed]
    assert not failed


@pytest.mark.slow
@pytest.mark.parametrize(
    "structure", [*PUBLISHED, "tandem", "tandem on silicon", "p-i-n of 1.63 eV", "p-i-n of 1.68 eV on ITO"]
)
def test_three_commands_lead_to_a_report(cli, tmp_path: Path, structure: str) -> None:
    file, out = tmp_path / "mine.toml", tmp_path / "results"
    more = {
        "tandem": ("--top", "1.78 eV", "--bottom", "nbg"),
        "tandem on silicon": ("--top", "1.68 eV", "--bottom", "silicon"),
        "p-i-n of 1.63 eV": ("--absorber", "1.63 eV"),
        "p-i-n of 1.68 eV on ITO": ("--absorber", "1.68 eV", "--sam", "me-4pacz"),
    }
    options = PUBLISHED[structure][0] if structure in PUBLISHED else more[structure]
    structure = structure.split()[0]
    for command in (
        ("new", str(file), "--structure", structure, *options),
        ("check", str(file)),
        ("run", str(file), "-o", str(out)),
    ):
        done = cli(*command)
        assert done.returncode == 0, (command, done.stderr)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page and "mine" in page
    assert pt.load(out / "mine" / "stack.toml") == pt.load(file)


def test_nothing_is_overwritten_and_the_reason_is_machine_readable(cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("what I wrote last night")
    done = cli("new", str(file), "--json")
    assert done.returncode == 2
    assert "already" in json.loads(done.stdout)["error"]["message"]
    assert file.read_text() == "what I wrote last night"
    assert cli("new", str(tmp_path / "mine")).returncode == 2
    assert not (tmp_path / "mine").exists()


def test_a_refusal_writes_nothing(cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    for options, words in (
        (("--htl", "c60", "--etl", "ptaa"), "Exchange --htl and --etl"),
        (("--electrodes", "cu,ito"), "light cannot enter"),
        (("--htl", "ptta"), 'Did you mean "ptaa"'),
        (("--absorber", "silicon"), "--structure tandem --bottom silicon"),
        (("--structure", "tandem", "--absorber", "1.6 eV"), "has no absorber"),
        (("--top", "1.6 eV"), "has no top"),
    ):
        done = cli("new", str(file), *options)
        assert done.returncode == 2 and words in done.stderr, (options, done.stderr)
        assert not file.exists()


def test_as_json_with_the_layer_that_each_number_comes_from(cli, tmp_path: Path) -> None:
    (entry,) = json.loads(cli("new", str(tmp_path / "mine.toml"), "--json").stdout)["results"]
    assert entry["file"].endswith("mine.toml") and entry["layers"][3]["role"] == "absorber"
    assert entry["numbers"]["c60.electronic.bandgap"]["library_layer"] == "c60"
    assert "library_layer" not in entry["numbers"]["perovskite.bandgap"]


def test_the_same_in_python(tmp_path: Path) -> None:
    cell = pt.new(tmp_path / "mine.toml", absorber="1.68 eV", htl=["niox"], sam="me-4pacz", etl="c60,sno2")
    assert cell == pt.load(tmp_path / "mine.toml")
    first = (tmp_path / "mine.toml").read_text(encoding="utf-8").splitlines()[0]
    assert first == (
        "# Written by: perotwin new mine.toml --structure p-i-n --htl niox --etl c60,sno2 --sam me-4pacz "
        '--absorber "1.68 eV"'
    )


def test_show_and_check_say_what_is_the_librarys(cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    cli("new", str(file))
    shown = cli("show", str(file)).stdout
    assert "library, c60" in shown and "the file" in shown and "thiesbrummel2024" in shown
    assert "numbers are those of the library of layers" in cli("check", str(file)).stdout
    assert "stands in" not in cli("show", "cell-a").stdout


def test_a_former_option_is_answered_with_what_to_do_now(cli) -> None:
    done = cli("jv", "cell-a", "--one-solve")
    assert done.returncode == 2 and "Leave it out: every cell" in done.stderr
    error = json.loads(cli("jv", "cell-a", "--one-solve", "--json").stdout)["error"]
    assert "Leave it out" in error["advice"]
