"""Cells that stay what they are, for tests that look at certain numbers: the library's own follow their recipes, whose
parameters are calibrated again when something better is known."""

from pathlib import Path

from perotwin.stack import Cell, Stack, load

FOLDER = Path(__file__).parent / "stacks"


def text(name: str) -> str:
    """The file of "wbg-control" or "wbg-target" as it was written by hand."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def stack(name: str) -> Stack:
    """The cell of that file."""
    return Stack.from_toml(text(name), file=str(FOLDER / f"{name}.toml"))


#: cells of the library as recipes made them once -> their files here
_MADE = {
    "wbg-control": "made-control",
    "wbg-target": "made-target",
    "tandem-control": "tandem-control",
    "tandem-target": "tandem-target",
}


def made(name: str) -> Cell:
    """A cell of the library as it was when its recipe had made it once; one that no recipe makes is the library's."""
    return load(FOLDER / f"{_MADE[name]}.toml" if name in _MADE else name)
