"""How long fits and posteriors take.

    python benchmarks/calibration.py [--posterior N] [--processes P] [--folder DIR] [--scans] [--impedance]

Six numbers and nuisances of the optics are found from three curves: a steady current-voltage curve, open circuit
against light and a quantum efficiency, made from a known cell with the noise of instruments (bar: 10 s). Then samples
of the posterior of the same data, on the solver itself (bar: 20,000 in ten minutes on two cores). With a folder the
chain stays there, and the same command makes it longer. Processor time is told beside that of the wall, for machines
that do other work as well. With --scans two numbers of the ions are found besides, from scans in both directions whose
rate and dwell nobody stated, open circuit and a decay of the film. With --impedance it tells instead what an impedance
of 1 Hz to 1 MHz adds: expected standard deviations, and fits of a cell whose bulk level lies 0.3 eV below the
conduction band, with that level and with one at midgap.
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
from perotwin.calibrate.identify import information_of
from perotwin.calibrate.least_squares import covariance_of
from perotwin.calibrate.objective import Objective
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


WIDE = (
    "perovskite.lifetime=20 ns..4 us", "niox|perovskite.velocity=1 cm/s..1e5 cm/s",
    "perovskite|c60.velocity=1 cm/s..1e5 cm/s", "circuit.series_resistance=0.1 ohm cm^2..10 ohm cm^2",
    "circuit.shunt_resistance=200 ohm cm^2..1e5 ohm cm^2", "perovskite.mobility",
)  # fmt: skip
SHALLOW = {"perovskite.trap.1.level": {"below": "conduction", "depth": "0.3 eV"}}
DEPTH = "perovskite.trap.1.level.depth=0.05 eV..0.85 eV"
SETS = (
    ("jv", "suns_voc"), ("jv", "suns_voc", "impedance"), ("jv", "suns_voc", "impedance_dark"),
    ("jv", "suns_voc", "impedance", "impedance_dark"), ("scan", "suns_voc"),
    ("scan", "suns_voc", "impedance", "impedance_dark"),
)  # fmt: skip


def expected(cell: pt.Stack, asked: tuple[str, ...]) -> None:
    """Standard deviations (of logarithms; eV of a level) that sets of measurements would leave of numbers."""
    kinds = tuple(dict.fromkeys(kind for one in SETS for kind in one))
    objective = Objective([cell], plan(cell, kinds), [parameter_of(cell, path) for path in asked])
    values = np.array([one.start for one in objective.parameters])
    with objective.remembering():
        told = {kind: information_of(objective, values, index) for index, kind in enumerate(kinds)}
    for one in SETS:
        sd = np.sqrt(np.diag(covariance_of(np.sum([told[kind] for kind in one], axis=0))))
        listed = ", ".join(
            f"{path.partition('=')[0]} {value:.2g}" for path, value in zip(asked, sd, strict=True)
        )
        print(f"  {' + '.join(one)}: {listed}")


def impedance(cell: pt.Stack) -> None:
    """What an impedance tells that steady curves and scans leave open."""
    ions = ("perovskite.ions.density", "perovskite.ions.diffusion_coefficient")
    print("a level at midgap:")
    expected(cell, (*WIDE, *ions))
    shallow = cell.with_values(SHALLOW)
    print("a level 0.3 eV below the conduction band:")
    expected(shallow, (*WIDE, DEPTH, *ions))
    twin = Twin(shallow)
    for kinds in SETS[:4]:
        rng = np.random.default_rng(7)
        data = [one.expected(twin, {}, {}, rng) for one in plan(shallow, kinds, twin)]
        for name, begun, asked in (("midgap", cell, WIDE), ("its own", shallow, (*WIDE, DEPTH))):
            found = calibrate([begun], data, [parameter_of(begun, path) for path in asked])
            flagged = ", ".join(one.name for one in found.flagged) or "nothing"
            parts = ", ".join(f"{one.name} {one.chi2:.0f} of {one.count}" for one in found.misfits)
            life = found.fit.parameters[0].text(float(found.fit.values[0]), 3)
            depth = f", depth {found.fit.values[6]:.3f} +- {found.fit.sd[6]:.3f} eV" if asked[6:] else ""
            print(
                f"{' + '.join(kinds)}, level fitted at {name}: chi-square {found.fit.chi2:.1f} ({parts}), lifetime "
                f"{life}{depth}; flagged: {flagged}"
            )


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--posterior", type=int, default=1000)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--folder", type=Path, default=None)
    asked.add_argument("--scans", action="store_true")
    asked.add_argument("--impedance", action="store_true")
    options = asked.parse_args()
    cell = pt.load("wbg-target")
    if options.impedance:
        known = {"circuit.series_resistance": "2 ohm cm^2", "circuit.shunt_resistance": "5e3 ohm cm^2"}
        impedance(cell.with_values(known))
        return
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
