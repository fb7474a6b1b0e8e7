"""Each instrument has a command: its protocol's fields are the options, cells, recipes and files what it takes."""

import json
from pathlib import Path

import pytest

import fresh
import perotwin as pt
from perotwin import lab, workflows
from perotwin.cli.app import program
from perotwin.cli.instruments import describe_fields

COMMANDS = program()


@pytest.mark.parametrize("instrument", lab.instruments(), ids=lambda one: one.name)
def test_every_field_of_a_protocol_is_described_where_people_ask_for_help(instrument) -> None:
    """Those with a file of their own say it there."""
    known = describe_fields(instrument.protocol)
    assert set(known) == set(instrument.protocol.model_fields), f"{instrument.name}: describe each field"
    assert all(words and not words.endswith(":") for words in known.values())


def test_the_list_of_commands_has_each_once() -> None:
    names = COMMANDS.list_commands(None)
    assert len(names) == len(set(names))
    assert {"kpfm", "xps", "tof-sims", "impedance", "cv"} <= set(names) and "tof_sims" not in names
    assert "scan" not in names and COMMANDS.get_command(None, "scan") is None


def test_samples_are_measured_and_options_reach_the_protocol(cli, tmp_path: Path) -> None:
    done = cli(
        "kpfm", "target-washed", "--noise", "5 mV", "--seed", "7", "-o", str(tmp_path), "--csv", "--json"
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["stack"] == "target-washed"
    assert result["protocol"]["seed"] == 7 and result["protocol"]["noise"] == 0.005
    assert result["metrics"]["potential_spread"]["unit"] == "mV"
    assert {path.name for path in tmp_path.iterdir()} == {
        f"target-washed-kpfm.{kind}" for kind in ("nc", "csv", "svg", "png")
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("kpfm", "wbg-target"), "wbg-target"),
        (("kpfm", "missing-map.gsf"), 'there is no file "missing-map.gsf"'),
        (("kpfm", "target", "--radius", "-5 nm"), "greater than zero"),
        (("kpfm", "target", "--radius", "five"), "five"),
        (("impedance", "cell-a", "--bias", "somewhere"), "somewhere"),
        (("suns-voc", "target"), "is a recipe"),
        (("xrd", "wbg-target"), "perotwin run wbg-target --experiments xrd"),
        (("xps", "target", "--emission-angle", "80 deg"), "60 deg"),
        (("cv", "cell-a", "--step", "10"), "10"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(cli, arguments, words) -> None:
    done = cli(*arguments, "--json")
    assert done.returncode == 2, done.stdout
    error = json.loads(done.stdout)["error"]
    assert words in error["message"] + error["advice"] and error["advice"]


def test_help_keeps_units_as_they_are_written_and_promises_no_simulation_that_there_is_not(cli) -> None:
    text = " ".join(cli("sclc", "--help").stdout.split())
    assert "m^-3, charged traps" in text and "M^-3" not in text and "EV from" not in text
    assert "polarities, and " not in text
    assert " ".join(cli("pl", "--help").stdout.split()).count("ith commas.") == 1
    infrared = " ".join(cli("ftir-nmr", "--help").stdout.split())
    assert "spectra: read from files." in infrared and "simulated" not in infrared.partition("Options")[0]


def test_what_is_taken_in_the_dark_is_asked_about_no_light(cli) -> None:
    assert "--light" in cli("impedance", "--help").stdout
    assert "--light" not in cli("cv", "--help").stdout


@pytest.mark.slow
def test_samples_stand_beside_cells_and_what_was_left_out_is_listed(cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = cli("run", "wbg-target", "cell-a", "--experiments", "jv,kpfm", "-o", str(out), "--json")
    assert done.returncode == 0, done.stderr
    target, other = json.loads(done.stdout)["results"]
    alone = lab.kpfm.analyse(workflows.measure_sample(lab.kpfm.INSTRUMENT, pt.recipe.load("target"))[""])
    assert target["kpfm"]["potential_spread"]["value"] == pytest.approx(
        1e3 * float(alone["potential_spread"])
    )
    assert "no recipe is known" in other["absent"]["kpfm"]["message"] and not target["absent"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "No Kelvin probe force microscopy: no recipe is known" in page
    assert "<li>cell-a: no Kelvin probe force microscopy: no recipe is known" in page
    assert (out / "wbg-target" / "kpfm.nc").exists() and (out / "figures" / "kpfm.svg").exists()


def test_the_help_page_names_instruments_as_they_declare_themselves() -> None:
    """It reads their files instead of loading them: both have to say the same."""
    assert lab.titles() == {one.name: one.title for one in lab.instruments()}
    assert list(lab.titles()) == [one.name for one in lab.instruments()]


def test_the_help_page_loads_no_instrument() -> None:
    code = (
        "import sys\nfrom perotwin.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', [name for name in ('pint', 'numpy', 'pydantic') if name in sys.modules])"
    )
    done = fresh.python("-c", code)
    assert done.stdout.strip().endswith("LOADED []"), done.stdout + done.stderr
    assert "  kpfm  " in done.stdout and "Kelvin probe force microscopy" in done.stdout


def test_a_measured_file_in_place_of_a_cell_is_told_what_reads_it(cli, tmp_path: Path) -> None:
    file = tmp_path / "rev.csv"
    file.write_text("V (V),J (mA/cm^2)\n0,20\n0.5,19\n1.0,0\n", encoding="utf-8")
    done = cli("jv", str(file), "--json")
    assert done.returncode == 2
    assert "perotwin analyse rev.csv" in json.loads(done.stdout)["error"]["advice"]
