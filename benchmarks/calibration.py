"""How long fits and posteriors take.

    python benchmarks/calibration.py [--posterior N] [--processes P] [--folder DIR] [--scans]

Six numbers and nuisances of the optics are found from three curves: a steady current-voltage curve, open circuit
against light and a quantum efficiency, made from a known cell with the noise of instruments (bar: 10 s). Then samples
of the posterior of the same data, on the solver itself (bar: 20,000 in ten minutes on two cores). With a folder the
chain stays there, and the same command makes it longer. Processor time is told beside that of the wall, for machines
that do other work as well. With --scans two numbers of the ions are found besides, from scans in both directions whose
rate and dwell nobody stated, open circuit and a decay of the film.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import perotwin as pt
from perotwin import measurement
from perotwin.calibrate.data_in_time import Scan
from perotwin.calibrate.fit import Calibration, calibrate, usual_nuisances
from perotwin.calibrate.parameters import parameter_of
from perotwin.calibrate.posterior import posterior_of
from perotwin.calibrate.synthetic import plan
from perotwin.calibrate.twin import Twin

TRUTH = {
    "perovskite.lifetime": 2e-7, "niox|perovskite.velocity": 0.6, "perovskite|c60.velocity": 0.5,
    "perovskite.mobility": 3e-4, "circuit.series_resistance": 3e-4, "circuit.shunt_resistance": 0.5,
}  # fmt: skip


IONS = {"perovskite.ions.density": 8e21, "perovskite.ions.diffusion_coefficient": 3e-17}


def fit(cell: pt.Stack, truth: dict[str, float], kinds: list[str]) -> Calibration:
    """What measurements of the cell with these numbers tell of them; says how long it took."""
    twin = Twin(cell.with_values(truth))
    rng = np.random.default_rng(1)
    planned = plan(twin.cell, kinds, twin)
    unsaid = [replace(one, rate=None, dwell=None) if isinstance(one, Scan) else one for one in planned]
    data = [one.expected(twin, {}, {}, rng) for one in unsaid]
    parameters = [parameter_of(cell, path) for path in truth]
    parameters += usual_nuisances(cell, data, parameters)
    calibrate([cell], data, parameters[:1])  # whatever is compiled is compiled here
    start, busy = time.perf_counter(), time.process_time()
    found = calibrate([cell], data, parameters)
    took, used = time.perf_counter() - start, time.process_time() - busy
    print(
        f"fit of {len(truth)} numbers (and {len(found.fit.parameters) - len(truth)} nuisances) to {len(data)} "
        f"measurements: {took:.1f} s ({used:.1f} s of a core), {found.fit.evaluations} evaluations"
    )
    for index, (path, true) in enumerate(truth.items()):
        low, high = found.fit.interval(index)
        one = found.fit.parameters[index]
        print(f"  {path:38} {one.text(true):>18}  found {one.text(float(found.fit.values[index]))} "
              f"({one.text(low)} to {one.text(high)})")  # fmt: skip
    return found


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--posterior", type=int, default=1000)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--folder", type=Path, default=None)
    asked.add_argument("--scans", action="store_true")
    options = asked.parse_args()
    cell = pt.load("wbg-target")
    if options.scans:
        fit(cell, TRUTH | IONS, ["scan", "suns_voc", "trpl"])
        return
    found = fit(cell, TRUTH, ["jv", "suns_voc", "eqe"])
    if options.posterior:
        path = None if options.folder is None else measurement.make_folder(options.folder) / "posterior.nc"
        start, before = time.perf_counter(), os.times()
        drawn = posterior_of(
            found, options.posterior, processes=options.processes, path=path, resume=path is not None
        )
        took, after = time.perf_counter() - start, os.times()
        used = sum(after[n] - before[n] for n in range(4))
        count = drawn.steps * drawn.walkers
        print(
            f"posterior: {count} samples on {options.processes} processes, their start included: wall {took:.0f} s, "
            f"processor {used:.0f} s; for all of them that is {took / 60:.1f} min, and processor over the cores "
            f"{used / options.processes / 60:.1f} min (a chain that was gone on with counts from where it stood)\n"
            f"longest correlation {np.nanmax(drawn.times):.0f} steps of {drawn.steps}, {drawn.effective:.0f} "
            f"independent draws, converged: {drawn.converged}"
        )
        for name, true in TRUTH.items():
            low, high = drawn.interval(name)
            print(f"  {name:28} {low:.4g} to {high:.4g}, truth {true:.4g}")


if __name__ == "__main__":
    main()
