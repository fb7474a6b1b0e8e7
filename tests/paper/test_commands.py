"""The command that stands beside a row is one that runs."""

import shlex

import pytest
import typer

from perotwin import recipe
from perotwin.cli.app import program
from perotwin.paper.bench import library_bench
from perotwin.paper.compare import here
from perotwin.paper.rows import ROWS

COMMANDS = program()


@pytest.mark.parametrize("command", sorted({row.command for row in ROWS.values()}))
def test_a_command_and_its_options_exist(command: str) -> None:
    program, name, *arguments = shlex.split(command)
    assert program == "perotwin"
    found = COMMANDS.get_command(typer.Context(COMMANDS), name)
    assert found is not None, f'"{name}" is no command'
    # raises where an argument or an option is not one of its own
    assert found.make_context(name, arguments).params


def test_one_that_does_not_is_seen() -> None:
    assert COMMANDS.get_command(typer.Context(COMMANDS), "scan") is None
    with pytest.raises(Exception, match="directions"):
        COMMANDS.get_command(typer.Context(COMMANDS), "jv").make_context(
            "jv", ["cell-a", "--directions", "x"]
        )


def test_a_command_is_given_as_the_run_was() -> None:
    bench = library_bench(scan_rate=0.05, devices=6, seed=3)
    scanned, drawn = ROWS["wide_bandgap.jv.target.pce"], ROWS["tandem.gain.voc"]
    assert here(scanned, bench) == "perotwin jv wbg-target.toml --scan reverse,forward --rate '50 mV/s'"
    assert (
        here(drawn, bench)
        == "perotwin statistics tandem-control.toml tandem-target.toml --devices 6 --seed 3"
    )
    # as the calibrated set is in full, nothing is said twice
    assert all(here(row, library_bench()) == here(row) for row in ROWS.values())


def test_beside_the_page_a_command_names_the_files_that_lie_there() -> None:
    written = {f"{name}.toml" for name in ("wbg-control", "wbg-target", "tandem-control", "tandem-target")}
    written |= {f"{name}.toml" for name in recipe.names()}
    for row in ROWS.values():
        own, there = shlex.split(row.command), shlex.split(here(row))
        if row.library or own[1] == "molecule":
            assert own == there
            continue
        options = next((place for place, word in enumerate(own) if word.startswith("--")), len(own))
        assert options > 2 and set(there[2:options]) <= written, here(row)
        assert own[options:] == there[options:]
