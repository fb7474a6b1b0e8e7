"""Compiled functions: what is kept on disk follows every file that it depends on, and a lost cache costs time only."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import compile_all
import every_kernel
import perotwin
from fresh import SRC, python
from perotwin import compiled

HOUSE = Path(perotwin.__file__).parent

COLUMNS = "MOBILITY, DENSITY = 0, 1\nCHARGE = 2.0\n"
HELPER = """
from {decorators} import {compiled}
from {package}.physics.columns import DENSITY

@{compiled}
def density(row):
    return row[DENSITY]
"""
KERNEL = """
from {decorators} import {compiled}
from {package}.physics.columns import CHARGE, MOBILITY
from {package}.physics.helper import density

@{compiled}
def conductivity(row):
    return CHARGE * row[MOBILITY] ** 2 * density(row)
"""
#: what is computed, how often a kept function was found, and how often one had to be compiled
ASK = """
import numpy as np
from {package}.physics.kernel import conductivity as f
value = f(np.array([3.0, 5.0]))
print(value, sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values()))
"""
Answer = tuple[float, int, int]
OURS = {"package": "ours", "decorators": "perotwin.compiled", "compiled": "compiled"}
PLAIN = {"package": "plain", "decorators": "plain.decorators", "compiled": "compiled"}


def write(folder: Path, names: dict[str, str]) -> Path:
    """A package of two files of compiled functions and one that names their columns."""
    room = folder / names["package"] / "physics"
    room.mkdir(parents=True)
    for path, text in {
        room.parent / "__init__.py": "",
        room.parent / "decorators.py": "from numba import njit\ncompiled = njit(cache=True)\n",
        room / "__init__.py": "",
        room / "columns.py": COLUMNS,
        room / "helper.py": HELPER.format(**names),
        room / "kernel.py": KERNEL.format(**names),
    }.items():
        path.write_text(text)
    return room


def run(lines: str, room: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Lines in a new process that finds the package of a room, and perotwin."""
    search = os.pathsep.join([str(room.parents[1]), str(SRC)])
    done = python("-c", lines, **{"PYTHONPATH": search, **environment})
    assert done.returncode == 0, done.stderr
    return done


def ask(room: Path, *names: dict[str, str], **environment: str) -> list[Answer]:
    """Value, hits and misses of the cache in a new process, for each of the packages named (or for ours)."""
    done = run("".join(ASK.format(**package) for package in names or [OURS]), room, **environment)
    words = [line.split() for line in done.stdout.splitlines()]
    return [(float(value), int(hits), int(misses)) for value, hits, misses in words]


def kept(room: Path) -> set[str]:
    return {path.name for path in (room / "__pycache__").glob("*.nb*")}


def test_columns_swapped_in_another_file_are_seen(tmp_path: Path) -> None:
    ours, plain = write(tmp_path, OURS), write(tmp_path, PLAIN)
    before, swapped = 2.0 * 3.0**2 * 5.0, 2.0 * 5.0**2 * 3.0
    assert ask(ours, OURS, PLAIN) == [(before, 0, 1), (before, 0, 1)]
    first = kept(ours)
    for room in (ours, plain):
        (room / "columns.py").write_text(COLUMNS.replace("MOBILITY, DENSITY", "DENSITY, MOBILITY"))
    right, stale = ask(ours, OURS, PLAIN)
    assert right == (swapped, 0, 1)
    assert stale == (before, 1, 0), "numba's own stamp sees this now: is perotwin.compiled still needed?"
    assert ask(ours) == [(swapped, 1, 0)]
    # What the old sources left is gone, not added to.
    assert len(kept(ours)) == len(first) == 2 and not kept(ours) & first


@pytest.mark.slow
def test_a_helper_and_a_module_at_the_top_of_the_package_are_seen(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    assert ask(room) == [(90.0, 0, 1)]
    helper, top = room / "helper.py", room.parent / "constants.py"
    helper.write_text(helper.read_text().replace("return row[DENSITY]", "return row[DENSITY] + 1.0"))
    top.write_text("CHARGE = 3.0\n")
    (room / "columns.py").write_text(COLUMNS.replace("CHARGE = 2.0", "from ours.constants import CHARGE"))
    assert ask(room) == [(162.0, 0, 1)]
    top.write_text("CHARGE = 4.0\n")
    assert ask(room) == [(216.0, 0, 1)]


def test_a_caller_compiled_anew_takes_in_a_function_from_the_cache(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    alone = """
import numpy as np
from ours.physics.helper import density
density(np.array([3.0, 5.0]))
"""
    run(alone, room)
    assert len(kept(room)) == 1
    counted = """
from ours.physics.helper import density
print(0, len(density.stats.cache_hits), len(density.stats.cache_misses))
"""
    done = run(ASK.format(**OURS) + counted, room)
    assert [line.split() for line in done.stdout.splitlines()] == [["90.0", "0", "1"], ["0", "1", "0"]]
    assert ask(room) == [(90.0, 1, 0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("returned", "value"),
    [
        ("np.dot(row, row)", 34.0),  # what numba calls by name: BLAS
        ("np.linalg.solve(np.diag(row), row).sum()", 2.0),  # LAPACK
        ("np.sort(row)[::-1].copy()[0] ** 2.5 + np.sum(np.exp(row * 0.0))", 5.0**2.5 + 2.0),
        ("float(len(str(int(row[0]))))", 1.0),  # objects that are counted
    ],
)
def test_machine_code_from_the_cache_finds_what_it_calls(tmp_path: Path, returned: str, value: float) -> None:
    room = write(tmp_path, OURS)
    helper = room / "helper.py"
    helper.write_text("import numpy as np\n" + helper.read_text().replace("row[DENSITY]", returned))
    (room / "columns.py").write_text(COLUMNS.replace("CHARGE = 2.0", "CHARGE = 1.0 / 9.0"))
    for hits, misses in ((0, 1), (1, 0)):
        ((found, *counted),) = ask(room)
        assert found == pytest.approx(value, rel=1e-12) and counted == [hits, misses]


def test_a_damaged_file_is_compiled_again_and_written_over(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    ask(room)
    for path in (room / "__pycache__").glob("*.nbc"):
        path.write_bytes(path.read_bytes()[:100])
    assert ask(room) == [(90.0, 0, 1)]
    assert ask(room) == [(90.0, 1, 0)]


def test_processes_that_compile_at_once_do_not_meet(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: ask(room), range(3)))
    assert {value for ((value, _, _),) in answers} == {90.0}
    assert len(kept(room)) == 2
    assert ask(room) == [(90.0, 1, 0)]


def test_a_chosen_folder_is_used_and_cleared(tmp_path: Path) -> None:
    room, chosen = write(tmp_path, OURS), tmp_path / "chosen"
    assert ask(room, NUMBA_CACHE_DIR=str(chosen)) == [(90.0, 0, 1)]
    assert list(chosen.rglob("*.nbc")) and not kept(room)
    lines = f"from perotwin.compiled import clear; print(len(clear({str(room.parent)!r})))"
    assert run(ASK.format(**OURS) + lines, room, NUMBA_CACHE_DIR=str(chosen)).stdout.split() == [
        "90.0",
        "1",
        "0",
        "2",
    ]
    assert not list(chosen.rglob("*.nbc"))


def test_without_a_folder_to_write_the_cache_goes_to_a_temporary_one(tmp_path: Path) -> None:
    room, scratch = write(tmp_path, OURS), tmp_path / "scratch"
    scratch.mkdir()
    # Folders that nobody can make: a file stands where they would.
    (room / "__pycache__").write_text("")
    home = tmp_path / "home"
    home.write_text("")
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(scratch)}
    places |= {"LOCALAPPDATA": str(home), "TEMP": str(scratch)}
    assert ask(room, **places) == [(90.0, 0, 1)]
    assert ask(room, **places) == [(90.0, 1, 0)]
    (folder,) = scratch.glob("perotwin-compiled-*")
    assert list(folder.rglob("*.nbc"))
    if sys.platform != "win32":
        assert folder.stat().st_mode & 0o077 == 0
        # A folder that others can write holds what others may have written: it is not read.
        folder.chmod(0o777)
        assert ask(room, **places) == [(90.0, 0, 1)]


def test_another_numba_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    done = run("from numba.core import caching; del caching.Cache._index_key\n" + ASK.format(**OURS), room)
    assert done.stdout.split()[0] == "90.0"
    assert done.stderr.count("compiled in every process") == 1
    assert not kept(room)


def test_a_process_whose_sources_have_changed_since_keeps_nothing(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    edit = f"open({str(room / 'columns.py')!r}, 'a').write('# later\\n')\n"
    assert run(ASK.format(**OURS).replace("value =", edit + "value ="), room).stdout.split()[0] == "90.0"
    assert not kept(room)


def test_what_is_cached_is_known_before_the_first_call(tmp_path: Path) -> None:
    room = write(tmp_path, OURS)
    tell = "print(is_cached(f))\n"
    lines = "from perotwin.compiled import is_cached\n" + ASK.format(**OURS).replace(
        "value =", tell + "value ="
    )
    assert run(lines + tell, room).stdout.split() == ["False", "90.0", "0", "1", "True"]
    assert run(lines, room).stdout.split() == ["True", "90.0", "1", "0"]
    (room / "columns.py").write_text(COLUMNS + "# changed\n")
    assert run(lines, room).stdout.split() == ["False", "90.0", "0", "1"]
    without = (
        "from perotwin.compiled import is_cached\nfrom ours.physics.kernel import conductivity as f\n" + tell
    )
    assert run(without, room, NUMBA_DISABLE_JIT="1").stdout.split() == ["True"]


def test_the_monolayers_kernels_follow_other_files_of_their_room(tmp_path: Path) -> None:
    house = tmp_path / "perotwin"
    shutil.copytree(HOUSE, house, ignore=shutil.ignore_patterns("__pycache__", "library", "templates"))
    lines = """
import numpy as np
from perotwin.recipe.kernels import uniform as f
print(f.py_func.__code__.co_filename, f(np.arange(1, 5, dtype=np.uint64)), sum(f.stats.cache_hits.values()))
"""
    search = {"PYTHONPATH": str(tmp_path)}
    first, again = (run(lines, house / "recipe", **search).stdout.split() for _ in range(2))
    assert first[0] == str(house / "recipe" / "kernels.py")
    assert (first[2], again[2]) == ("0", "1") and first[1] == again[1]
    other = house / "recipe" / "hole_kernels.py"
    other.write_text(other.read_text() + "# another line\n")
    assert run(lines, house / "recipe", **search).stdout.split() == first


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of what a file imports from perotwin when it is loaded."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "perotwin":
            yield node.lineno, str(node.module)
            for name in node.names:
                if (HOUSE.parent / node.module.replace(".", "/") / f"{name.name}.py").exists():
                    yield node.lineno, f"{node.module}.{name.name}"


def users() -> list[Path]:
    """Files in which compiled functions are defined."""
    return sorted(
        path
        for path in HOUSE.rglob("*.py")
        # parsed only where the word stands at all
        if "compiled" in path.read_text(encoding="utf-8")
        and any(module == "perotwin.compiled" for _, module in imports(path))
    )


def test_compiled_functions_are_found() -> None:
    assert {path.relative_to(HOUSE).parts[0] for path in users()} >= {"recipe"}


@pytest.mark.parametrize("path", users(), ids=lambda path: str(path.relative_to(HOUSE)))
def test_what_a_file_of_compiled_functions_imports_is_in_its_stamp(path: Path) -> None:
    room = path.relative_to(HOUSE).parts[0]
    tops = {file.stem for file in HOUSE.glob("*.py")}
    pending, seen = [path], set()
    while pending:
        file = pending.pop()
        seen.add(file)
        for line, module in imports(file):
            parts = module.split(".")
            assert parts[1] in {room, *tops}, (
                f"{file.relative_to(HOUSE)}:{line} imports {module}: no stamp sees it"
            )
            other = HOUSE.parent.joinpath(*parts).with_suffix(".py")
            if other.exists() and other not in seen:
                pending.append(other)


def test_a_stamp_is_that_of_the_room() -> None:
    from perotwin.recipe import hole_kernels, kernels

    assert kernels.uniform._cache._stamp == hole_kernels.largest_circles._cache._stamp
    seen = {
        Path(name).relative_to(HOUSE).as_posix()
        for name, _, _ in compiled._look(compiled._room(kernels.__file__))
    }
    assert {"compiled.py", "units.py", "recipe/kernels.py", "recipe/hole_kernels.py"} <= seen
    assert not any(name.startswith("transport") for name in seen)


def test_all_that_is_called_to_compile_is_called_once() -> None:
    parts = [part for sides in compile_all.ROUNDS for side in sides for part in side]
    assert sorted(parts) == sorted(part.__name__ for part in every_kernel.PARTS)
