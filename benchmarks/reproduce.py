"""Where the time of `perotwin reproduce` goes: processor time by stage and measurement, and of the whole on all cores.

    python benchmarks/reproduce.py                 # --quick, in one process, stage by stage
    python benchmarks/reproduce.py full            # 30 devices, figures, draws
    python benchmarks/reproduce.py quick 2         # as a user runs it, on two processes: to be done in 60 s
    python benchmarks/reproduce.py full 2          # to be done in 6 minutes

Run it twice: the first time compiles. On a machine that does other work as well, processor time over the number of
cores is what the wall time would be. In one process each measurement is told; several tell the whole only.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from perotwin import progress
from perotwin.workflows.reproduce import reproduce


def processor() -> float:
    """s, of this process and of those that it has ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Clock(progress.Silent):
    """Counts the processor time of tasks, and of those right inside them."""

    def __init__(self) -> None:
        self.open: list[tuple[str, float, float]] = []
        self.outer: dict[str, tuple[float, float]] = {}
        self.inner: dict[str, float] = {}

    def begin(self, label: str, total: float | None) -> int:
        self.open.append((label, processor(), time.perf_counter()))
        return len(self.open)

    def end(self, key: int) -> None:
        while len(self.open) >= key:
            label, spent, wall = self.open.pop()
            spent, wall = processor() - spent, time.perf_counter() - wall
            if not self.open:
                before = self.outer.get(label, (0.0, 0.0))
                self.outer[label] = before[0] + spent, before[1] + wall
            elif len(self.open) == 1:
                name = "devices" if label.startswith("device ") else label
                name = f"{self.open[0][0].partition(':')[0]}: {name}"
                self.inner[name] = self.inner.get(name, 0.0) + spent


def main(quick: bool, processes: int) -> None:
    """Run it and print what it took."""
    clock = Clock()
    start, before = time.perf_counter(), processor()
    with tempfile.TemporaryDirectory(prefix="perotwin-reproduce-") as folder, progress.listening(clock):
        made = reproduce(folder, quick=quick, processes=processes)
    wall, spent = time.perf_counter() - start, processor() - before
    print(f"{'processor':>11} {'wall':>9}")
    for label, (used, took) in clock.outer.items():
        print(f"{used:9.1f} s {took:7.1f} s  {label}")
    print(f"{spent:9.1f} s {wall:7.1f} s  all; processor over {processes} cores {spent / processes:.1f} s")
    if processes == 1:
        print("\nmeasurements of a second and more, and all others:")
        large = {name: used for name, used in clock.inner.items() if used >= 1.0}
        for name, used in sorted(large.items(), key=lambda pair: -pair[1]):
            print(f"{used:9.1f} s  {name}")
        print(f"{sum(clock.inner.values()) - sum(large.values()):9.1f} s  others")
    print("\n" + "; ".join(f"{one.label} {one.numbers}, {one.directions}" for one in made.scores))


if __name__ == "__main__":
    main("full" not in sys.argv, next((int(one) for one in sys.argv[1:] if one.isdigit()), 1))
