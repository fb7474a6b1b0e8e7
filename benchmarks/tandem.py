"""The J-V of tandems: two junctions in series with and without ions, columns, three junctions, and a loop in time.

Run `python benchmarks/tandem.py`: one thread, warm medians; one sweep of the top junction alone, in the same run, is
the yardstick. `--cold` adds the first sweep of a fresh process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

import perotwin as pt
from perotwin.lab import scan
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

POINTS = np.linspace(0.0, 2.3, 131)
CELL = "tandem-target"


def milliseconds(job: Callable[[], object], repeats: int = 11) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def without_ions(tandem: Tandem) -> Tandem:
    """The same with its ions held where they are at equilibrium in the dark."""
    return tandem.with_values({"top.perovskite.ions.response": "frozen"})


def main() -> None:
    tandem = pt.load(CELL)
    assert isinstance(tandem, Tandem)
    alone = Solver(build(tandem).group(0))
    single = milliseconds(lambda: alone.sweep(np.linspace(0.0, 1.37, 131), 1.0))
    print(f"the top junction alone, 131 points, ions settled: {single:.0f} ms")
    title = f"131 points, {CELL} first"
    print(f"{title:34s} {'ms':>6s} {'of one junction':>16s} {'iterations':>11s} {'nodes':>6s}")
    cells = (
        ("ions held", without_ions(tandem)),
        ("ions settled at each point", tandem),
        ("patchy-tandem", pt.load("patchy-tandem")),
        ("three-junctions", pt.load("three-junctions")),
    )
    for words, cell in cells:
        problem = build(cell)
        solver = Solver(problem)
        points = np.linspace(0.0, 2.3 if isinstance(cell, Tandem) and cell.middle is None else 3.5, 131)
        states = solver.sweep(points, 1.0)
        assert states.converged.all()
        took = milliseconds(partial(solver.sweep, points, 1.0))
        nodes = sum(part.device.x.size for part in problem.parts)
        print(f"{words:34s} {took:6.0f} {took / single:16.1f} {states.iterations.sum():11d} {nodes:6d}")
    print(f"optics and emission of both junctions: {milliseconds(lambda: build(tandem)):.0f} ms")
    loop = milliseconds(lambda: scan.measure(tandem), 3)
    made = scan.measure(tandem)
    points = sum(one["current_density"].size for one in made.values())
    print(f"a loop in time at 100 mV/s, {points} points, with optics: {loop / 1e3:.2f} s")


def cold() -> None:
    """Wall time of the first curve of a fresh process, kernels compiled before."""
    code = f"import perotwin as pt; pt.lab.jv.measure(pt.load({CELL!r}))"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    print(f"a fresh process to its first whole measurement: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
    if "--cold" in sys.argv:
        cold()
