"""What holds among the files of one room: no file imports itself by way of others, no function takes a crowd.

Imports inside functions count, for what is hidden there is a circle all the same; those for type checkers alone do not.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import perotwin

HOUSE = Path(perotwin.__file__).parent
#: parameters that a function may have; what travels together is a named tuple
MOST = 12

#: rooms without circles among their files, and rooms whose functions keep to MOST parameters
WITHOUT_CIRCLES = (
    "measurement", "plotting", "materials", "stack", "recipe", "optics", "transport", "study", "workflows", "cli",
)  # fmt: skip
FEW_PARAMETERS = (
    "measurement", "plotting", "materials", "stack", "recipe", "transport", "lab", "study", "report", "workflows",
)  # fmt: skip


def files_of(room: Path) -> dict[str, Path]:
    """The files of a room by their module's name, counted from the folder that holds the top package."""
    top = room.parents[1] if room.parent.name else room.parent
    return {
        ".".join(path.relative_to(top).with_suffix("").parts): path for path in sorted(room.rglob("*.py"))
    }


def for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a file that runs."""
    for child in ast.iter_child_nodes(node):
        if for_type_checkers(child):
            yield from (part for other in child.orelse for part in (other, *statements(other)))
        else:
            yield child
            yield from statements(child)


def imported(module: str, path: Path, among: dict[str, Path]) -> set[str]:
    """Modules among some that a file imports, wherever in the file."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # A name may be a module of the package, else it is of the package's own file.
            parts = {f"{base}.{alias.name}" for alias in node.names}
            found |= parts & among.keys() or {base}
            if not parts <= among.keys():
                found.add(base)
    return (found & among.keys()) - {module}


def circles(room: Path) -> list[list[str]]:
    """Groups of files that import one another by whatever way (strongly connected, R. Tarjan,
    doi:10.1137/0201010). The file of a package that hands out names on first use imports nothing."""
    among = {name: path for name, path in files_of(room).items() if path.name != "__init__.py"}
    graph = {name: imported(name, path, among) for name, path in among.items()}
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        open_.append(name)
        for other in sorted(graph[name]):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in open_:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            group = open_[open_.index(name) :]
            del open_[open_.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in graph:
        if name not in number:
            visit(name)
    return found


def crowds(room: Path) -> list[str]:
    """Functions of more than MOST parameters, `self` and `cls` not counted."""
    found = []
    for name, path in files_of(room).items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                given = node.args
                every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
                names = [one.arg for one in every if one is not None and one.arg not in {"self", "cls"}]
                if len(names) > MOST:
                    found.append(f"{name}:{node.lineno} {getattr(node, 'name', 'lambda')} takes {len(names)}")
    return found


@pytest.mark.parametrize("room", WITHOUT_CIRCLES)
def test_no_file_of_a_room_imports_itself_by_way_of_others(room: str) -> None:
    assert files_of(HOUSE / room)
    assert circles(HOUSE / room) == []


@pytest.mark.parametrize("room", FEW_PARAMETERS)
def test_no_function_takes_a_crowd(room: str) -> None:
    assert files_of(HOUSE / room)
    assert crowds(HOUSE / room) == []


def test_circles_are_found_inside_functions_and_by_relative_imports(tmp_path: Path) -> None:
    room = tmp_path / "top" / "room"
    (room / "inner").mkdir(parents=True)
    for name, text in {
        "a.py": "def f():\n    from top.room import b\n",
        "b.py": "from .inner.c import thing\n",
        "inner/c.py": "import top.room.a\n",
        "inner/d.py": "from ..e import x\n",
        "e.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from top.room.inner import d\n",
        "f.py": "from top.room import a, e\nfrom top.room.inner import d\n",
    }.items():
        (room / name).write_text(text)
    assert circles(room) == [["top.room.a", "top.room.b", "top.room.inner.c"]]


def test_crowds_are_counted_with_keywords_and_in_methods(tmp_path: Path) -> None:
    room = tmp_path / "top" / "room"
    room.mkdir(parents=True)
    twelve = ", ".join(f"x{i}" for i in range(MOST))
    (room / "a.py").write_text(
        f"class A:\n    def fine(self, {twelve}):\n        pass\n\n    def many(self, {twelve}, *, y):\n        pass\n"
    )
    assert crowds(room) == ["top.room.a:5 many takes 13"]
