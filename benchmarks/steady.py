"""Steady J-V of reference cell A: time per sweep, per node and Newton iteration, and per whole measurement.

Run `python benchmarks/steady.py`: one thread, warm medians, with the tmm package as yardstick of the machine in the
same run; `--fresh` adds whole processes (warm caches, and the first run ever with an emptied kernel cache).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import tmm

import perotwin as pt
from perotwin.transport.build import build
from perotwin.transport.mesh import graded
from perotwin.transport.steady import Solver

POINTS = np.linspace(0.0, 1.3, 131)
#: what independent codes agree on for cell A: Jsc (A/m2), Voc (V), FF
A1 = {"jsc": 224.28, "voc": 1.2946, "ff": 0.8424}


def milliseconds(job: Callable[[], object], repeats: int = 15) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def yardstick() -> float:
    """Reflectance of seven layers at 500 wavelengths with tmm, ms."""
    index = [1.0, 1.9, 2.1, 2.3 + 0.1j, 2.0, 1.9, 1.8, 0.1 + 4.0j, 1.0]
    thickness = [np.inf, 150, 20, 450, 20, 20, 80, 100, np.inf]

    def job() -> None:
        for wavelength in np.linspace(320, 820, 500):
            tmm.coh_tmm("s", index, thickness, 0.0, wavelength)

    return milliseconds(job, 5)


def with_ions(cell: pt.stack.Stack) -> pt.stack.Stack:
    """Cell A with 1e17 cm^-3 mobile vacancies that re-equilibrate at every point."""
    data = cell.to_toml().replace(
        "[[layer.trap]]",
        '[layer.ions]\ndensity = "1e17 cm^-3"\ndiffusion_coefficient = "1e-10 cm^2/s"\n'
        'response = { kind = "steady" }\n[[layer.trap]]',
    )
    return pt.stack.Stack.from_toml(data)


def sweep(cell: pt.stack.Stack, title: str, goal: float) -> None:
    """Time `transport.steady` on 131 points, equilibrium and light included."""
    problem = build(cell)
    states = Solver(problem).sweep(POINTS, 1.0)
    took = milliseconds(lambda: Solver(problem).sweep(POINTS, 1.0))
    nodes, iterations = problem.parts[0].device.x.size, int(states.iterations.sum())
    print(
        f"{title}: {took:6.1f} ms (goal {goal:g}) for {POINTS.size} points on {nodes} nodes, {iterations} Newton "
        f"iterations, {1e3 * took / nodes / iterations:.3f} us per node and iteration, all included (goal 0.25)"
    )


def linear(cell: pt.stack.Stack) -> None:
    """Cost against nodes and against points."""
    thickness = [float(layer.thickness) for layer in cell.electrical_layers]
    for density in (20.0, 40.0, 80.0, 160.0):
        problem = build(cell, mesh=graded(thickness, density))
        took = milliseconds(lambda problem=problem: Solver(problem).sweep(POINTS, 1.0), 5)
        nodes = problem.parts[0].device.x.size
        print(f"  {nodes:5d} nodes: {took:7.1f} ms, {1e3 * took / nodes:6.1f} us a node")
    problem = build(cell)
    for count in (131, 261, 521, 1041):
        points = np.linspace(0.0, 1.3, count)
        took = milliseconds(lambda points=points: Solver(problem).sweep(points, 1.0), 5)
        print(f"  {count:5d} points: {took:7.1f} ms, {1e3 * took / count:6.1f} us a point")


def fresh() -> None:
    """Whole processes."""
    program = [sys.executable, "-m", "perotwin"]

    def run(*arguments: str, **environment: str) -> float:
        start = time.perf_counter()
        subprocess.run(
            [*program, *arguments], check=True, capture_output=True, env={**os.environ, **environment}
        )
        return time.perf_counter() - start

    run("jv", "wbg-target")
    for arguments, goal in ((("--help",), 0.7), (("jv", "wbg-target"), 3.0)):
        took = median(run(*arguments) for _ in range(5))
        print(f"perotwin {' '.join(arguments)}: {took:.2f} s in a fresh process, warm caches (goal {goal:g})")
    with tempfile.TemporaryDirectory() as folder:
        took = run("jv", "cell-a", NUMBA_CACHE_DIR=folder)
    print(f"perotwin jv cell-a with an emptied kernel cache: {took:.1f} s (goal 60)")


def main() -> None:
    cell = pt.load("cell-a")
    print(f"yardstick, tmm, R of 7 layers at 500 wavelengths: {yardstick():.0f} ms")
    sweep(cell, "cell A without ions    ", 25.0)
    sweep(with_ions(cell), "cell A with steady ions", 60.0)
    protocol = pt.lab.jv.Protocol(start="0 V", stop="1.3 V", step="10 mV")
    took = milliseconds(lambda: pt.lab.jv.measure(cell, protocol))
    print(f"lab.jv.measure of cell A, end to end, checks included: {took:.1f} ms")
    metrics = pt.lab.jv.analyse(pt.lab.jv.measure(cell, protocol))
    error = {name: float(metrics[name]) - value for name, value in A1.items()}
    print(
        f"accuracy at that mesh: Voc {1e3 * error['voc']:+.2f} mV, Jsc {error['jsc'] / A1['jsc']:+.3%}, "
        f"FF {error['ff']:+.5f} against A1"
    )
    linear(cell)
    if "--fresh" in sys.argv:
        fresh()


if __name__ == "__main__":
    main()
