"""A pair of cells as people wrote them, for tests that look at certain numbers: the library's own pair follows its
recipes."""

from pathlib import Path

from perotwin.stack import Stack

FOLDER = Path(__file__).parent / "stacks"


def text(name: str) -> str:
    """The file of "wbg-control" or "wbg-target" as it was written by hand."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def stack(name: str) -> Stack:
    """The cell of that file."""
    return Stack.from_toml(text(name), file=str(FOLDER / f"{name}.toml"))
