"""Leave every compiled function in the cache, before tests that run side by side ask for the same ones at once.

Run as a program. Where none is missing it does nothing; else two processes call what `every_kernel` calls, each its own
parts, so that hardly a function is compiled twice.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import perotwin
from fresh import SUPPORT, environment
from perotwin.compiled import is_cached

HOUSE = Path(perotwin.__file__).parent
#: parts of `every_kernel` that are called side by side, and what comes after: all later ones ask for the steady solver.
#: Those on one side share what takes long.
ROUNDS = (
    (("steady", "reached_slowly", "species", "circuits"), ("monolayers",)),
    (
        ("in_time", "without_contacts", "sensitivities_in_time", "emission"),
        ("small_signals", "sensitivities"),
    ),
)
#: called as Python alone
NEVER = {"numbers_in"}


def functions() -> Iterator[Any]:
    """The compiled functions that a cache holds: those that are not written into their callers."""
    for path in sorted(HOUSE.rglob("*.py")):
        if "from perotwin.compiled import" not in path.read_text(encoding="utf-8"):
            continue
        name = ".".join([HOUSE.name, *path.relative_to(HOUSE).with_suffix("").parts])
        for made in vars(importlib.import_module(name)).values():
            options = getattr(made, "targetoptions", {})
            if options.get("inline") != "never" or made.py_func.__module__ != name:
                continue
            if made.py_func.__name__ not in NEVER:
                yield made


def missing() -> list[str]:
    """Those of them that are not in the cache."""
    return [f"{one.py_func.__module__}.{one.py_func.__name__}" for one in functions() if not is_cached(one)]


def main() -> int:
    if not missing():
        return 0
    print("Compiling all functions for this machine, once: some minutes.", flush=True)
    program = [sys.executable, "-W", "ignore", str(SUPPORT / "every_kernel.py"), "--compile", "--part"]
    failed = False
    for sides in ROUNDS:
        made = [
            subprocess.Popen([*program, *parts], stdout=PIPE, stderr=PIPE, text=True, env=environment())
            for parts in sides
        ]
        for one in made:
            said = one.communicate()[1]
            if one.returncode != 0:
                failed = True
                print(said[-3000:], file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
