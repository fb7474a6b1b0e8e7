"""Time: a hysteresis loop of 121 points, of a tandem too, and ten minutes of power tracking, with mobile ions.

Run `python benchmarks/transient.py`: one thread, warm medians, on a mesh of about 250 nodes and on the default one; the
tmm package is the yardstick of the machine in the same run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import tmm

import perotwin as pt
from perotwin.lab import mppt, scan
from perotwin.transport.build import Problem, build
from perotwin.transport.mesh import DENSITY
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.transient import TOLERANCE, Engine

CELL = "wbg-control"
TANDEM = "tandem-target"


def seconds(job: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return median(times)


def yardstick() -> float:
    """Reflectance of seven layers at 500 wavelengths with tmm, s."""
    index = [1.0, 1.9, 2.1, 2.3 + 0.1j, 2.0, 1.9, 1.8, 0.1 + 4.0j, 1.0]
    thickness = [np.inf, 150, 20, 450, 20, 20, 80, 100, np.inf]

    def job() -> None:
        for wavelength in np.linspace(320, 820, 500):
            tmm.coh_tmm("s", index, thickness, 0.0, wavelength)

    return seconds(job, 3)


def meshed(nodes: int) -> Problem:
    """The cell on a mesh of at most this many nodes."""
    stack = pt.load(CELL)
    density = DENSITY
    problem = build(stack)
    while problem.parts[0].device.x.size > nodes:
        density *= 0.95
        problem = build(stack, density=density)
    return problem


def loop(problem: Problem, tolerance: float = TOLERANCE) -> None:
    """61 points down and 60 up at 100 mV/s, from the settled cell."""
    engine = Engine(problem, tolerance=tolerance)
    start = engine.settled(1.2, 1.0)
    schedule = [
        Step(12.0, Voltage(1.2, 0.0), 1.0, points=60),
        Step(12.0, Voltage(0.0, 1.2), 1.0, points=60),
    ]
    trace = engine.run(schedule, start)
    took = seconds(lambda: engine.run(schedule, start))
    print(
        f"loop of 121 points: {took:.3f} s (goal 0.6), {problem.parts[0].device.x.size} nodes, {trace.steps} steps, "
        f"{trace.iterations} Newton iterations"
    )


def tracking(problem: Problem) -> None:
    """Ten minutes, 5 mV every second."""
    engine = Engine(problem, tolerance=mppt.TOLERANCE)
    protocol = mppt.Protocol(start="1.14 V")
    run = mppt.track(engine, protocol, 1.0)
    took = seconds(lambda: mppt.track(engine, protocol, 1.0), 3)
    print(
        f"ten minutes of power tracking: {took:.2f} s (goal 3), {problem.parts[0].device.x.size} nodes, "
        f"{run.steps} steps, {run.iterations} Newton iterations"
    )


def pair() -> None:
    """The same loop of two junctions in series, which share their steps."""
    problem = build(pt.load(TANDEM))
    engine = Engine(problem)
    start = engine.settled(2.1, 1.0)
    schedule = [
        Step(12.0, Voltage(2.1, 0.0), 1.0, points=60),
        Step(12.0, Voltage(0.0, 2.1), 1.0, points=60),
    ]
    trace = engine.run(schedule, start)
    took = seconds(lambda: engine.run(schedule, start))
    nodes = " + ".join(str(part.device.x.size) for part in problem.parts)
    print(
        f"loop of 121 points of a tandem: {took:.3f} s (goal 1.5), {nodes} nodes, {trace.steps} steps, "
        f"{trace.iterations} Newton iterations of both"
    )


def accuracy() -> None:
    """What halving the tolerance changes in a scan at 100 mV/s."""
    stack = pt.load(CELL)
    protocol = scan.Protocol(rate="100 mV/s", preconditioning="1.3 V, 60 s")
    coarse, fine = (
        scan.analyse(scan.measure(stack, protocol, tolerance=tolerance))
        for tolerance in (TOLERANCE, TOLERANCE / 2)
    )
    for direction in scan.DIRECTIONS:
        voc = 1e3 * (float(coarse[direction]["voc"]) - float(fine[direction]["voc"]))
        ff = float(coarse[direction]["ff"]) - float(fine[direction]["ff"])
        print(
            f"halving the tolerance, {direction}: Voc {voc:+.4f} mV (limit 0.1), FF {ff:+.6f} (limit 0.0002)"
        )


def main() -> None:
    print(f"yardstick, tmm, R of 7 layers at 500 wavelengths: {1e3 * yardstick():.0f} ms")
    for nodes in (250, 10_000):
        problem = meshed(nodes)
        loop(problem)
        tracking(problem)
    # cost grows linearly with nodes
    stack = pt.load(CELL)
    loop(build(stack, mesh=build(stack).mesh.refined(4)))
    pair()
    whole = seconds(lambda: scan.measure(pt.load(CELL)), 3)
    print(f"lab.scan.measure end to end, steady curve and 10 mV points included: {whole:.2f} s")
    accuracy()


if __name__ == "__main__":
    main()
