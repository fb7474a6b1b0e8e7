"""How long the exact gradient of a current-voltage curve takes beside the curve: 131 points, 20 numbers.

    python benchmarks/sensitivity.py [CELL ...]

Medians of runs in one process, after compilation: the curve from the cell (build and sweep), how its currents follow
the numbers of the equations, and how these follow the fields.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

import perotwin as pt
from perotwin.transport.build import build
from perotwin.transport.sensitivity import Following
from perotwin.transport.steady import Solver

RUNS, FIELDS = 9, 20
#: what light does not see: fields of the equations of carriers
ENDINGS = (
    "mobility",
    "affinity",
    "dos",
    "permittivity",
    "density",
    "lifetime",
    "velocity",
    "resistance",
    "work_function",
)


def median(job: Callable[[], object]) -> float:
    """Median duration of a job, ms."""
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        job()
        took.append(time.perf_counter() - start)
    return 1e3 * statistics.median(took)


def main(names: list[str]) -> None:
    print(f"{'cell':14} {'curve':>9} {'by numbers':>11} {'by fields':>10} {'all over the curve':>19}")
    for name in names:
        cell = pt.load(name)
        paths = [
            path
            for path, value in cell.quantities().items()
            if path.endswith(ENDINGS) and float(value) != 0.0
        ]
        paths = paths[:FIELDS]
        top = 2.05 if isinstance(cell, pt.Tandem) else 1.3
        volts = np.linspace(0.0, top, 131)

        def curve(cell: object = cell, volts: np.ndarray = volts) -> object:
            return Solver(build(cell)).sweep(volts, 1.0)

        solver = Solver(build(cell))
        states = solver.sweep(volts, 1.0)
        Following(solver, paths).current(states)
        alone = median(curve)
        numbers = median(lambda solver=solver, states=states: Following.by_number(solver, states))
        fields = median(lambda solver=solver, paths=paths: Following(solver, paths).directions)
        print(
            f"{name:14} {alone:6.1f} ms {numbers:8.1f} ms {fields:7.1f} ms {1 + (numbers + fields) / alone:15.2f}"
            f"   ({len(paths)} fields)"
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["cell-a", "wbg-target"])
