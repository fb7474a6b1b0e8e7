"""The command that stands beside a row is one that runs."""

import shlex

import pytest
import typer

from perotwin.cli.app import app
from perotwin.paper.rows import ROWS

COMMANDS = typer.main.get_command(app)


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
