"""Time of a batch of cells in a store, as a user runs it: draws of the usual spread, all cores, parts on disk.

    python benchmarks/batch.py                  # 500 devices
    python benchmarks/batch.py 10000 2          # 10,000 on two processes: to be done in 6 minutes on two free cores

Prints the wall time and the processor time of all processes: on a machine that does other work as well the second, over
the number of cores, is what the first would be.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time

import perotwin as pt
from perotwin import progress
from perotwin.study import batch


def main(devices: int, processes: int | None) -> None:
    """Run a batch and print what it took."""
    folder = tempfile.mkdtemp(prefix="perotwin-batch-")
    try:
        start, before = time.perf_counter(), os.times()
        with progress.listening(progress.Silent()):
            made = batch([pt.load("wbg-target")], devices, store=folder, processes=processes)
        wall, after = time.perf_counter() - start, os.times()
        cpu = sum(after[n] - before[n] for n in range(4))
        failed = int(made["pce"].isnull().sum())
        cores = processes or os.cpu_count() or 1
        print(f"{devices} devices of wbg-target, {failed} failed, on {cores} processes")
        print(f"wall {wall:.1f} s ({1e3 * wall / devices:.1f} ms a device)")
        print(
            f"processor {cpu:.1f} s ({1e3 * cpu / devices:.1f} ms a device), over the cores {cpu / cores:.1f} s"
        )
        print(f"10,000 at that rate: wall {1e4 * wall / devices / 60:.1f} min, processor over the cores "
              f"{1e4 * cpu / devices / cores / 60:.1f} min")  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(given[0] if given else 500, given[1] if len(given) > 1 else None)
