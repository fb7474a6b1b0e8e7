"""No compiled function reads or writes past the end of an array: every one of them runs once, interpreted."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import perotwin
from fresh import SUPPORT, python

pytestmark = pytest.mark.bounds

HOUSE = Path(perotwin.__file__).parent
DECORATORS = {"compiled", "inlined"}


def interpreted(*arguments: str) -> Any:
    """What `every_kernel` says in a process without compilation."""
    program = str(SUPPORT / "every_kernel.py")
    return python("-W", "ignore", program, *arguments, timeout=240, NUMBA_DISABLE_JIT="1")


def decorator(node: ast.expr) -> str:
    """The name that decorates a function, without the arguments and the underscore that a module gave it."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.id.lstrip("_") if isinstance(node, ast.Name) else ""


def written() -> set[str]:
    """The compiled functions at the top of the package's modules, by what is written there."""
    found = set()
    for path in HOUSE.rglob("*.py"):
        module = ".".join([HOUSE.name, *path.relative_to(HOUSE).with_suffix("").parts])
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and DECORATORS & set(map(decorator, node.decorator_list)):
                found.add(f"{module}.{node.name}")
    return found


def test_every_compiled_function_stays_within_its_arrays() -> None:
    done = interpreted()
    assert done.returncode == 0, done.stderr[-3000:]
    names = json.loads(done.stdout)
    declared, called = set(names["declared"]), set(names["called"])
    assert len(written()) > 100
    assert written() <= declared
    assert not declared - called, sorted(declared - called)


@pytest.mark.parametrize(
    "module, part",
    [
        ("perotwin.transport.kernels.equilibrium", "species"),
        ("perotwin.transport.kernels.small_signal", "small_signals"),
        ("perotwin.optics.kernels", "emission"),
    ],
)
def test_a_work_array_that_is_too_small_is_seen(module: str, part: str) -> None:
    """Once it was one of `equilibrium`, with columns for three species, that wrote over what others kept in memory."""
    done = interpreted("--part", part)
    assert done.returncode == 0, done.stderr[-3000:]
    done = interpreted("--part", part, "--shrink", module)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("IndexError: index"), done.stderr[-3000:]
