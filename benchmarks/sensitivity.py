"""How long a current-voltage curve with its exact gradient takes beside the curve alone: 131 points, 20 numbers.

    python benchmarks/sensitivity.py [CELL ...]

Both begin at the cell: mesh and light, equilibrium, sweep; the gradient with how the numbers of the equations follow
the fields. Medians of runs in one process, after compilation, the two in turn; the ratio is the median of those of each
turn. Beside it what finding the gradient afterwards takes, from the states of the curve.
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

RUNS, FIELDS = 31, 20
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


def took(job: Callable[[], object]) -> float:
    """Duration of a job, ms."""
    start = time.perf_counter()
    job()
    return 1e3 * (time.perf_counter() - start)


def main(names: list[str]) -> None:
    print(f"{'cell':14} {'curve':>9} {'with gradient':>14} {'ratio':>6} {'fields':>10} {'afterwards':>11}")
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

        def both(cell: object = cell, volts: np.ndarray = volts, paths: list[str] = paths) -> object:
            return Following(Solver(build(cell)), paths).sweep(volts, 1.0)

        solver = Solver(build(cell))
        states = solver.sweep(volts, 1.0)
        Following(solver, paths).current(states)
        both()
        alone, together, fields, after = [], [], [], []
        for _ in range(RUNS):
            alone.append(took(curve))
            together.append(took(both))
            follows = Following(solver, paths)
            fields.append(took(lambda follows=follows: follows.directions))
            after.append(took(lambda follows=follows, states=states: follows.current(states)))
        ratio = statistics.median(b / a for a, b in zip(alone, together, strict=True))
        a, b, f, p = (statistics.median(each) for each in (alone, together, fields, after))
        print(
            f"{name:14} {a:6.1f} ms {b:11.1f} ms {ratio:6.2f} {f:7.1f} ms {p:8.1f} ms   ({len(paths)} fields)"
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["cell-a", "wbg-target", "tandem-target"])
