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
from perotwin.transport.sensitivity_of_spectra import FollowingSpectra
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver

#: what spectra are asked to follow: numbers of the equations
FOLLOWED = ("lifetime", "velocity", "ions.density", "diffusion_coefficient", "mobility", "dipole")
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


def slopes(rounds: int = 7) -> None:
    """A spectrum with how it follows ten numbers over the spectrum alone, turn by turn."""
    for name in ("wbg-target", "tandem-target"):
        cell = pt.load(name)
        solver = Solver(build(cell))
        state = solver.sweep([0.9], 1.0).state(0)
        paths = [path for path in cell.quantities() if path.endswith(FOLLOWED)][:10]
        follows = FollowingSpectra(solver, paths)
        alone = Linearised(solver, state, 1.0)
        both_times, times = [], []
        for turn in range(rounds + 1):
            start = time.perf_counter()
            follows.spectrum(state, 1.0, FREQUENCY)
            between = time.perf_counter()
            alone.spectrum(FREQUENCY)
            if turn:  # the first compiles, and finds how the equations follow the numbers
                both_times.append(between - start)
                times.append(time.perf_counter() - between)
        both, one = 1e3 * median(both_times), 1e3 * median(times)
        print(
            f"{name}: 60 frequencies with how they follow {len(paths)} numbers {both:.0f} ms, alone {one:.0f} ms "
            f"({both / one:.1f}; differences of spectra, four each, take {4 * len(paths) + 1})"
        )


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
    slopes()
    for bias in ("open-circuit", "0.9 V"):
        protocol = pt.lab.impedance.Protocol(bias=bias)
        took = milliseconds(lambda protocol=protocol: pt.lab.impedance.measure(cell, protocol), 5)
        print(
            f"lab.impedance.measure at {bias}, both spectra, modes, bias point, optics, checks: {took:.0f} ms"
        )
    print(f"lab.cv.measure, 95 voltages: {milliseconds(lambda: pt.lab.cv.measure(cell), 3):.0f} ms")


if __name__ == "__main__":
    main()
