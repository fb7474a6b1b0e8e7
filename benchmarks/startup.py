"""What a command costs in a fresh process with warm caches: median and best of wall and processor time.

Run `python benchmarks/startup.py [--repeats 9] [command ...]`; the command is `jv cell-a` unless given. `--imports`
adds what each package took to import, by `python -X importtime`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from statistics import median


def once(command: list[str], *options: str) -> tuple[float, float, str]:
    """Wall time, processor time (s) and what is written to stderr by one fresh process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *options, "-m", "perotwin", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        check=True,
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr


def by_package(said: str) -> Counter[str]:
    """Microseconds that the modules of each package took for themselves."""
    found: Counter[str] = Counter()
    for line in said.splitlines():
        own, *_, module = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and own.strip().isdigit():
            found[module.strip().split(".")[0]] += int(own)
    return found


def main() -> None:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--repeats", type=int, default=9)
    reader.add_argument("--imports", action="store_true")
    reader.add_argument("command", nargs="*", default=["jv", "cell-a"])
    given = reader.parse_args()
    once(given.command)  # compiles what is not compiled yet
    taken = [once(given.command)[:2] for _ in range(given.repeats)]
    for what, times in zip(("wall", "processor"), zip(*taken, strict=True), strict=True):
        print(
            f"perotwin {' '.join(given.command)}: {what} time {median(times):.2f} s (best {min(times):.2f} s)"
        )
    if given.imports:
        for package, microseconds in by_package(once(given.command, "-X", "importtime")[2]).most_common(12):
            print(f"  {package:<20} {1e-3 * microseconds:6.0f} ms")


if __name__ == "__main__":
    main()
