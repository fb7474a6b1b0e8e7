"""Optics of seven layers at 500 wavelengths, with and without absorption at 400 depths, against the tmm
package.

Run `python benchmarks/optics.py`: one thread, warm, medians. Also whole cells: `absorb`, `emit`, and both in
a fresh process, and what a map of a tandem pays for the optics of one of its points."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import tmm

import perotwin as pt
from perotwin.materials import optical
from perotwin.optics import absorb, emit, parts, solve
from perotwin.stack import Stack, Tandem

WAVELENGTHS, DEPTHS = 500, 400
GOAL_MS = 15.0
#: absorption, emission and coupling of a tandem whose materials are new
TANDEM_GOAL_MS = 60.0

LAYERS = [
    ("ito", 150e-9),
    ("niox", 20e-9),
    ("halide-perovskite", 450e-9),
    ("c60", 20e-9),
    ("sno2", 20e-9),
    ("izo", 80e-9),
    ("ag", 100e-9),
]
ABSORBER = 2

#: numpy's element-wise functions use one thread anyway; this holds for the matrix products too.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_FRESH = """
import time
start = time.perf_counter()
import numpy as np
import perotwin as pt
cell = pt.load("wbg-target")
loaded = time.perf_counter()
from perotwin.optics import absorb, emit
faces = np.concatenate([[0.0], np.cumsum([float(layer.thickness) for layer in cell.electrical_layers])])
absorb(cell, faces)
absorbed = time.perf_counter()
emit(cell)
print(absorbed - loaded, time.perf_counter() - absorbed)
"""


def milliseconds(job: Callable[[], object], repeats: int) -> float:
    """Median wall time of a job that has run once before."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def stack() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices (9, 500), thicknesses (7,), wavelengths (500,)."""
    lam = np.linspace(320e-9, 820e-9, WAVELENGTHS)
    models = [optical(name, bandgap=1.79, extrapolate=True) for name, _ in LAYERS]
    air = np.ones(WAVELENGTHS, complex)
    return np.array([air, *(model.nk(lam) for model in models), air]), np.array([d for _, d in LAYERS]), lam


def with_tmm(
    index: np.ndarray, thickness: np.ndarray, lam: np.ndarray, depths: np.ndarray | None
) -> np.ndarray:
    """R of each wavelength, or the local absorption (W, depths) in the perovskite."""
    rows = []
    around = [np.inf, *thickness, np.inf]
    for i, wavelength in enumerate(lam):
        data = tmm.coh_tmm("s", index[:, i], around, 0.0, wavelength)
        if depths is None:
            rows.append(data["R"])
        else:
            rows.append(tmm.absorp_analytic_fn().fill_in(data, ABSORBER + 1).run(depths).real)
    return np.array(rows)


def faces(cell: Stack, each: int = 60) -> np.ndarray:
    """Positions from the front of the first electrical layer, every boundary among them."""
    found, position = [np.zeros(1)], 0.0
    for layer in cell.electrical_layers:
        found.append(position + np.linspace(0.0, float(layer.thickness), each + 1)[1:])
        position += float(layer.thickness)
    return np.concatenate(found)


def tandem() -> None:
    """Print what a tandem's optics cost."""
    cell = pt.load("tandem-target")
    top, bottom = faces(cell.top), faces(cell.bottom)
    whole = np.concatenate([top, top[-1] + bottom[1:]])
    each = [milliseconds(lambda: absorb(cell, whole), 15), milliseconds(lambda: emit(cell), 15)]
    gaps = iter(np.linspace(1.70, 1.85, 40))

    def point() -> object:
        one: Tandem = cell.with_values({"top.bandgap": float(next(gaps))})
        return parts(one, {name: faces(stack) for name, stack in one.stacks.items()})

    new = milliseconds(point, 30)
    print(
        f"{cell.name}: absorb {each[0]:.1f} ms, emit {each[1]:.1f} ms; all parts of a point of a map, its bandgap new, "
        f"{new:.1f} ms  goal {TANDEM_GOAL_MS:g} ms: {'met' if new <= TANDEM_GOAL_MS else 'MISSED'}"
    )


def main() -> None:
    """Print one line a job."""
    if any(os.environ.get(name) != value for name, value in _ONE_THREAD.items()):
        # read when numpy is loaded, so only a new process obeys
        raise SystemExit(subprocess.call([sys.executable, *sys.argv], env={**os.environ, **_ONE_THREAD}))
    index, thickness, lam = stack()
    edges = np.linspace(0.0, thickness[ABSORBER], DEPTHS + 1)
    middle = (edges[1:] + edges[:-1]) / 2

    def ours() -> np.ndarray:
        return solve(index, thickness, lam).absorbed(ABSORBER, edges)

    found = solve(index, thickness, lam)
    worst = np.max(np.abs(found.reflectance - with_tmm(index, thickness, lam, None)))
    density = found.absorbed(ABSORBER, edges) / np.diff(edges)[:, None]
    local = with_tmm(index, thickness, lam, middle).T
    shape = np.max(np.abs(density - local)) / np.max(local)

    plain, theirs = (
        milliseconds(lambda: solve(index, thickness, lam).absorptance, 50),
        milliseconds(lambda: with_tmm(index, thickness, lam, None), 5),
    )
    deep, theirs_deep = (
        milliseconds(ours, 50),
        milliseconds(lambda: with_tmm(index, thickness, lam, middle), 5),
    )
    print(
        f"{len(LAYERS)} layers x {WAVELENGTHS} wavelengths, one thread, warm medians (perotwin against tmm)"
    )
    print(f"  R, T and A of each layer        {plain:7.2f} ms  {theirs:7.1f} ms  ratio {theirs / plain:5.1f}")
    print(
        f"  with absorption at {DEPTHS} depths   {deep:7.2f} ms  {theirs_deep:7.1f} ms  ratio "
        f"{theirs_deep / deep:5.1f}"
        f"  goal {GOAL_MS:g} ms: {'met' if deep <= GOAL_MS else 'MISSED'}"
    )
    print(
        f"  largest difference in R {worst:.1e}; of mean over an interval and value at its middle {shape:.1e}"
    )

    cell = pt.load("wbg-target")
    ends = np.cumsum([float(layer.thickness) for layer in cell.electrical_layers])
    faces = np.unique(np.concatenate([np.linspace(0, ends[-1], 400), ends]))
    print(f"{cell.name}: absorb {milliseconds(lambda: absorb(cell, faces), 15):.1f} ms, emit ", end="")
    print(f"{milliseconds(lambda: emit(cell), 7):.1f} ms")
    tandem()
    fresh = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True)
        fresh.append([float(part) for part in done.stdout.split()])
    first, second = np.median(fresh, axis=0)
    print(
        f"in a fresh process, warm caches: absorb {first * 1e3:.0f} ms (imports included), emit "
        f"{second * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    main()
