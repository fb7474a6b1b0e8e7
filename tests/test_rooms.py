"""The house: a room imports only rooms above it, and a file stays small enough to be one thing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import perotwin

HOUSE = Path(perotwin.__file__).parent

#: from the top of the house to its faces; the modules of the first row serve all rooms and one another
ROOMS: list[set[str]] = [
    {"units", "constants", "errors", "references", "progress", "compiled"},
    *(
        {room}
        for room in (
            "measurement", "plotting", "materials", "spectra", "stack", "recipe", "optics", "transport", "lab", "files",
            "ageing", "losses", "study", "calibrate", "advice", "report", "paper", "workflows",
        )
    ),
    {"web", "cli"},
    {"__main__"},
]  # fmt: skip
RANK = {room: rank for rank, row in enumerate(ROOMS) for room in row}

FILES = sorted(path for path in HOUSE.rglob("*.py") if path != HOUSE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Line and room of every import of this package in a file, wherever in the file it stands."""
    package = ("perotwin", *path.relative_to(HOUSE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "perotwin" else [module]
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) in {"import_module", "__import__"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            names = [str(node.args[0].value)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "perotwin" and len(parts) > 1 and parts[1] != "__version__":
                yield node.lineno, parts[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    here = room_of(path)
    assert here in RANK, f"{here!r} is not a room of the house; name it in the architecture page and in ROOMS"
    for line, other in imported_rooms(path):
        allowed = other == here or RANK[other] < RANK[here] or (RANK[other] == RANK[here] == 0)
        assert allowed, f"{path.relative_to(HOUSE)}:{line} imports {other!r}, which lies below {here!r}"


def test_the_rule_sees_imports_inside_functions_and_relative_ones(tmp_path: Path, monkeypatch) -> None:
    house = tmp_path / "perotwin"
    (house / "stack").mkdir(parents=True)
    (house / "stack" / "a.py").write_text(
        "from .. import lab\n"
        "from ..optics.x import y\n"
        "from . import sibling\n"
        "from perotwin import report, __version__\n"
        "def f():\n    import perotwin.cli.main\n    import_module('perotwin.transport')\n"
    )
    monkeypatch.setattr(f"{__name__}.HOUSE", house)
    found = {room for _, room in imported_rooms(house / "stack" / "a.py")}
    assert found == {"lab", "optics", "stack", "report", "cli", "transport"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_stays_small(path: Path) -> None:
    # Compiled functions live with those they call, so that numba's cache stays true.
    if path.relative_to(HOUSE).as_posix() == "transport/kernels.py":
        return
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 600, f"{path.relative_to(HOUSE)} has {lines} lines; is it still one thing?"
