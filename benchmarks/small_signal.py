"""Small signals: time of an impedance spectrum, of the slowest modes and of whole measurements.

Run `python benchmarks/small_signal.py`: one thread, warm medians.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

import perotwin as pt
from perotwin.transport.build import build
from perotwin.transport.mesh import graded
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver

FREQUENCY = np.geomspace(1e-3, 1e7, 60)


def milliseconds(job: Callable[[], object], repeats: int = 9) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def main() -> None:
    """Print the table."""
    cell = pt.load("wbg-control")
    thickness = [float(layer.thickness) for layer in cell.electrical_layers]
    for mesh in (None, graded(thickness, 80.0), graded(thickness, 160.0)):
        problem = (build(cell) if mesh is None else build(cell, mesh=mesh)).all_moving()
        solver = Solver(problem)
        state = solver.sweep(np.linspace(0.0, 1.1, 12), 1.0).state(11)
        moving, held = Linearised(solver, state, 1.0), Linearised(solver, state, 1.0, "held")
        print(
            f"{problem.parts[0].device.x.size:5d} nodes: 60 frequencies, voltage and light: ions moving "
            f"{milliseconds(lambda one=moving: one.spectrum(FREQUENCY)):6.1f} ms, held "
            f"{milliseconds(lambda one=held: one.spectrum(FREQUENCY)):6.1f} ms (goal 150); slowest mode: moving "
            f"{milliseconds(lambda one=moving: one.rates(1), 5):6.1f} ms, held "
            f"{milliseconds(lambda one=held: one.rates(1), 5):6.1f} ms"
        )
    for bias in ("open-circuit", "0.9 V"):
        protocol = pt.lab.impedance.Protocol(bias=bias)
        took = milliseconds(lambda protocol=protocol: pt.lab.impedance.measure(cell, protocol), 5)
        print(
            f"lab.impedance.measure at {bias}, both spectra, modes, bias point, optics, checks: {took:.0f} ms"
        )
    print(f"lab.cv.measure, 95 voltages: {milliseconds(lambda: pt.lab.cv.measure(cell), 3):.0f} ms")


if __name__ == "__main__":
    main()
