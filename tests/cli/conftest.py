"""Running a command inside the test's own process, which saves the start of an interpreter."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from perotwin.cli import main


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """``cli("jv", "cell-a")`` runs a command and returns its exit code and what it printed."""

    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        out, err = capsys.readouterr()
        return Done(int(left.value.code or 0), out, err)

    return run
