"""Design studies: one point with and without its optics, a map of 21 x 21 tandems on two processes, a sensitivity.

Run `python benchmarks/design.py`: single points are warm medians on one thread; `--map` adds the whole command, whose
processor time says what it would take on quiet cores; `--optimise` searches of the best values with and without slopes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import perotwin as pt
from perotwin.optics.reuse import reusing
from perotwin.study import merit, optimise, resolve, sensitivity
from perotwin.study.merit import MeritOf

MAP = (
    "map",
    "tandem-target",
    "--x",
    "top.thickness=250..600 nm",
    "--y",
    "top.bandgap=1.65..1.9 eV",
    "--steps",
    "21",
)

#: what is searched for the best values: by thicknesses, by numbers of the equations, in a tandem
SEARCHES = (
    ("nbg", ("perovskite.thickness=500 nm..1100 nm", "c60.thickness")),
    (
        "wbg-target",
        (
            "niox.electronic.electron_affinity=1.7 eV..2.0 eV",
            "c60.electronic.electron_affinity=3.8 eV..4.1 eV",
            "niox.electronic.acceptor_density",
            "niox|perovskite.dipole",
        ),
    ),
    ("tandem-target", ("top.thickness", "bottom.thickness=600 nm..1200 nm")),
)


def milliseconds(job: Callable[[], object], repeats: int = 9) -> tuple[float, float]:
    """Median wall and processor time of a job that has run once before."""
    job()
    walls, busy = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        job()
        walls.append(time.perf_counter() - wall)
        busy.append(time.process_time() - cpu)
    return 1e3 * median(walls), 1e3 * median(busy)


def point(name: str) -> None:
    """What one point of a study costs."""
    cell = pt.load(name)
    curve = milliseconds(lambda: pt.lab.jv.analyse(pt.lab.jv.measure(cell)))
    alone = milliseconds(lambda: merit(cell))
    with reusing():
        again = milliseconds(lambda: merit(cell))
    words = [f"{wall:6.1f} ms ({cpu:6.1f} ms busy)" for wall, cpu in (curve, alone, again)]
    print(f"{name:16s} jv {words[0]}   merit {words[1]}   with its optics known {words[2]}")


def whole_sensitivity(name: str) -> None:
    """Every number of a cell, with and without optics kept between points."""
    start = time.process_time()
    found = sensitivity(pt.load(name))
    took = time.process_time() - start
    points = sum(6 if entry.stated else 4 for entry in found.entries)
    print(f"sensitivity of {name}: {len(found.entries)} numbers, {points} points, {took:.1f} s busy")
    fields = [resolve(pt.load(name), entry.field.path) for entry in found.entries]
    assert len(fields) == len(found.entries)


def search(name: str, vary: tuple[str, ...], rounds: int = 3) -> None:
    """The best values of some numbers, with exact slopes close to them and by values alone, turn by turn."""
    cell = pt.load(name)
    judges: dict[str, MeritOf] = {"slopes": merit, "values": lambda one: merit(one)}
    busy: dict[str, list[float]] = {way: [] for way in judges}
    cells, best = {}, {}
    for turn in range(rounds + 1):
        for way, judge in judges.items():
            start = time.process_time()
            found = optimise(cell, vary, judge=judge)
            if turn:  # the first compiles and reads
                busy[way].append(time.process_time() - start)
            cells[way], best[way] = len(found.trials), found.after.pce
    took = {way: median(some) for way, some in busy.items()}
    print(
        f"best of {len(vary)} numbers of {name}: {cells['slopes']} cells and {took['slopes']:.1f} s with slopes, "
        f"{cells['values']} and {took['values']:.1f} s by values alone ({took['slopes'] / took['values']:.2f}), "
        f"PCE apart by {abs(best['slopes'] / best['values'] - 1.0):.0e}"
    )


def whole_map() -> None:
    """The command as a user gives it, on two processes."""
    with tempfile.TemporaryDirectory() as folder:
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "perotwin", *MAP, "--processes", "2", "-o", folder],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"map of 21 x 21 tandems on two processes: {wall:.0f} s, {busy:.0f} s busy, "
        f"{busy / 2.0:.0f} s on two quiet cores"
    )


if __name__ == "__main__":
    for cell_name in ("wbg-target", "nbg", "tandem-target"):
        point(cell_name)
    whole_sensitivity("wbg-target")
    if "--optimise" in sys.argv:
        for cell_name, numbers in SEARCHES:
            search(cell_name, numbers)
    if "--map" in sys.argv:
        whole_map()
