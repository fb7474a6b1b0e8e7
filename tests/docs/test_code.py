"""Every line of code on the pages runs as it stands: Python in a fresh interpreter, commands on the command line, names
in the text by asking the package for them.

A block that runs in this process may live on what other tests have imported before it; a reader has nothing imported.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import perotwin
from fresh import python
from perotwin.cli.app import program

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
HOUSE = Path(perotwin.__file__).parent
ROOMS = sorted(path.stem for path in HOUSE.iterdir() if not path.stem.startswith("_"))
#: pages whose Python takes more than some seconds
LONG = {
    "batches", "design-studies", "diffraction", "faces", "interface-instruments", "losses", "photoluminescence",
    "pulses", "python", "recipes", "scans", "suns-voc", "tandem-instruments", "transport",
}  # fmt: skip
FENCE = re.compile(r"^```([\w-]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of some languages on a page."""
    return [
        text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages
    ]


def spans(page: Path) -> list[str]:
    """What stands as code in the text of a page."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text(encoding="utf-8")))


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of each command in the blocks of a page."""
    for block in blocks(page, "", "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split(";"):
                if part.strip().startswith("perotwin "):
                    words = shlex.split(part, comments=True)
                    yield words[1 : words.index(">") if ">" in words else None]


def _page(page: Path) -> Any:
    return pytest.param(page, marks=pytest.mark.slow if page.stem in LONG else (), id=page.name)


@pytest.mark.parametrize("page", [_page(page) for page in PAGES if blocks(page, "python")])
def test_the_python_of_a_page_runs_from_nothing(page: Path, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    (tmp_path / "here").mkdir()
    code = f"import os, runpy; os.chdir({str(tmp_path / 'here')!r}); runpy.run_path({str(script)!r})"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")], ids=lambda page: page.name
)
def test_the_examples_of_a_page_give_what_stands_under_them(page: Path) -> None:
    done = python("-m", "doctest", str(page))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def names(page: Path) -> set[str]:
    """What the text of a page names of the package."""
    rooms = "|".join(ROOMS)
    return {
        match.group(1)
        for code in spans(page)
        if (match := re.match(rf"(?:pt\.|perotwin\.)?((?:{rooms})(?:\.[A-Za-z_]\w*)+)", code))
        and not re.search(r"\.(py|toml|md|nc|svg|png|csv|html|json)\b", code)
    }


@pytest.mark.parametrize("page", [page for page in PAGES if names(page)], ids=lambda page: page.name)
def test_names_in_the_text_can_be_asked_for_from_nothing(page: Path) -> None:
    asked = "\n".join(f"perotwin.{name}" for name in sorted(names(page)))
    done = python("-c", f"import perotwin\n{asked}")
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_blocks_are_understood(page: Path) -> None:
    for arguments in commands(page):
        name, *rest = arguments
        with program().make_context("perotwin", list(arguments)) as context:
            command = program().get_command(context, name)
            assert command is not None, arguments
            command.make_context(name, rest, parent=context)
