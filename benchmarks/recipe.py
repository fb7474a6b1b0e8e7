"""Recipe: a monolayer of 200 nm deposited, rinsed and filled, the map of what it shows, and discs until they jam.

Run `python benchmarks/recipe.py`: one thread, warm medians, then the same job in a fresh process (`--fresh`: also in
one whose kernels must be compiled first). The jamming run prints its coverage with the error of the mean.
"""

from __future__ import annotations

import math
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

from perotwin.recipe.compensation import fill, sites
from perotwin.recipe.coverage import Monolayer, Patch, delaminate, deposit, saturate
from perotwin.recipe.oxide_surface import survey

GOAL = 2.0  # s, warm
SAM, ADDITIVE = 1.129e-9, 0.567e-9
WET = 45.0  # s
SEEDS, DISCS = 8, 3.1e4

_FRESH = """
import time
start = time.perf_counter()
from perotwin.recipe.compensation import fill, sites
from perotwin.recipe.coverage import Monolayer, delaminate, deposit
monolayer = Monolayer.library()
loaded = time.perf_counter()
patch = deposit(1.129e-9, monolayer, seed=1)
rinsed = delaminate(patch, monolayer, [45.0]).end
filled = fill(rinsed, sites(rinsed, 0.567e-9), 0.9)
made = time.perf_counter()
filled.surface
print(loaded - start, made - loaded, time.perf_counter() - made)
"""


def seconds(job: Callable[[], object], repeats: int = 7) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return median(times)


def whole(monolayer: Monolayer, seed: int) -> Patch:
    """Deposited, rinsed and filled."""
    patch = deposit(SAM, monolayer, seed=seed)
    rinsed = delaminate(patch, monolayer, [WET]).end
    return fill(rinsed, sites(rinsed, ADDITIVE), 0.9)


def fresh(**environment: str) -> list[float]:
    """Seconds for imports, for the patch and for its map in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", _FRESH],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return [float(word) for word in run.stdout.split()]


def main() -> None:
    """Print the figures."""
    monolayer = Monolayer.library()
    patch = deposit(SAM, monolayer, seed=1)
    rinsed = delaminate(patch, monolayer, [WET]).end
    places = sites(rinsed, ADDITIVE)
    filled = fill(rinsed, places, 0.9)
    print(
        f"200 nm: {patch.number(0)} molecules deposited, {patch.number(0) - rinsed.number(0)} lost in {WET:g} s,"
    )
    print(f"        {places.capacity} places for the additive")
    for title, state in (("deposited", patch), ("rinsed", rinsed), ("filled", filled)):
        print(
            f"  {title:<10} SAM {100 * state.coverage:5.1f} %  additive {100 * state.compensated:5.1f} %"
            f"  bare {100 * state.bare_fraction:5.1f} %  holes {state.hole_diameters.size:5d}"
            f"  correlation length {1e9 * state.patch_size:.2f} nm"
        )
    total = seconds(lambda: whole(monolayer, 1))
    print("warm, median:")
    print(f"  deposit            {seconds(lambda: deposit(SAM, monolayer, seed=1)):6.3f} s")
    print(f"  rinse              {seconds(lambda: delaminate(patch, monolayer, [WET]).end):6.3f} s")
    print(f"  sites and filling  {seconds(lambda: fill(rinsed, sites(rinsed, ADDITIVE), 0.9)):6.3f} s")
    print(f"  all three          {total:6.3f} s  (goal {GOAL:g} s: {'met' if total <= GOAL else 'MISSED'})")
    print(f"  map, shares, holes {seconds(lambda: survey(filled), 5):6.3f} s")
    loaded, made, shown = fresh()
    print(f"fresh process: imports {loaded:.2f} s, the patch {made:.2f} s, its map {shown:.2f} s")
    if "--fresh" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            loaded, made, shown = fresh(NUMBA_CACHE_DIR=folder)
        print(
            f"very first run, compiling: imports {loaded:.2f} s, the patch {made:.2f} s, its map {shown:.2f} s"
        )

    side = math.sqrt(DISCS / 0.547 * math.pi / 4.0)
    start = time.perf_counter()
    runs = [saturate(side, 1.0, seed) for seed in range(SEEDS)]
    took = time.perf_counter() - start
    coverage = np.array([run.coverage for run in runs])
    times = np.logspace(2.5, 5.0, 11)
    slopes = [
        np.polyfit(np.log(times), np.log(run.coverage - run.coverage_after(times)), 1)[0] for run in runs
    ]
    print(
        f"jamming: {SEEDS} squares of {min(len(run.positions) for run in runs)} discs or more in {took:.2f} s, "
        f"coverage {coverage.mean():.5f} +- {coverage.std(ddof=1) / math.sqrt(SEEDS):.5f}, approached as t^"
        f"{np.mean(slopes):.3f} +- {np.std(slopes, ddof=1) / math.sqrt(SEEDS):.3f}"
    )


if __name__ == "__main__":
    main()
