"""Transient photovoltage and photocurrent of a cell with mobile ions: time per measurement, and how right it is.

Run `python benchmarks/transient_decays.py`: one thread, warm medians. Times are given with and without the optics of
the stack, which a steady measurement needs as well; the lifetime is compared with the slowest electronic mode.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import perotwin as pt
from perotwin.lab import jv, tpc, tpv
from perotwin.transport.build import build
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver


def seconds(job: Callable[[], object], repeats: int = 7) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return median(times)


def slowest(cell: pt.stack.Stack) -> float:
    """Time constant (s) of the slowest mode at open circuit with the ions held."""
    light = float(cell.light.intensity)
    solver = Solver(build(cell).all_moving())
    states = jv.curve(solver, jv.Protocol(step="20 mV"), light)
    point = jv.solved_points(solver, states, light)["open-circuit"].state(0)
    (rate,) = Linearised(solver, point, light, "held").rates(1)
    return float(-1.0 / rate.real)


def main() -> None:
    for name in ("wbg-control", "wbg-target"):
        cell = pt.load(name)
        optics = seconds(lambda cell=cell: build(cell))
        print(f"{name}: {build(cell).parts[0].device.x.size} nodes, optics {optics:.3f} s")
        for tool, goal in ((tpv, 0.3), (tpc, 0.3)):
            made = tool.measure(cell)
            took = seconds(lambda cell=cell, tool=tool: tool.measure(cell))
            print(
                f"  {made.attrs['instrument']}: {took - optics:.3f} s (goal {goal:g}), {took:.3f} s with the optics; "
                f"{made.attrs['steps']} steps, {made.attrs['iterations']} Newton iterations"
            )
        lifetime, mode = float(tpv.analyse(tpv.measure(cell))["lifetime"]), slowest(cell)
        print(
            f"  lifetime {1e9 * lifetime:.1f} ns, slowest mode {1e9 * mode:.1f} ns ({lifetime / mode - 1:+.2%})"
        )


if __name__ == "__main__":
    main()
