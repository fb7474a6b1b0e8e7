"""Time of a batch of cells in a store, as a user runs it: draws of the usual spread, all cores, parts on disk.

    python benchmarks/batch.py                  # 500 devices
    python benchmarks/batch.py 10000 2          # 10,000 on two processes: to be done in 6 minutes on two free cores
    python benchmarks/batch.py 10000 2 20       # the same, killed (-9) at 20 random moments, and looked through then
    python benchmarks/batch.py 10000 2 0 DIR    # in a folder that stays: killed, the same command goes on

Prints the wall time and the processor time of all processes: on a machine that does other work as well the second, over
the number of cores, is what the first would be.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import perotwin as pt
from perotwin import progress
from perotwin.study import Store, Worker, batch, tasks

CELL = "wbg-target"


def run(devices: int, processes: int | None, folder: Path) -> None:
    """Run a batch and print what it took."""
    start, before = time.perf_counter(), os.times()
    with progress.listening(progress.Silent()):
        made = batch([pt.load(CELL)], devices, store=folder, processes=processes)
    wall, after = time.perf_counter() - start, os.times()
    cpu = sum(after[n] - before[n] for n in range(4))
    failed = int(made["pce"].isnull().sum())
    cores = processes or os.cpu_count() or 1
    print(f"{devices} devices of {CELL}, {failed} failed, on {cores} processes")
    print(f"wall {wall:.1f} s ({1e3 * wall / devices:.1f} ms a device)")
    print(
        f"processor {cpu:.1f} s ({1e3 * cpu / devices:.1f} ms a device), over the cores {cpu / cores:.1f} s"
    )
    print(f"10,000 at that rate: wall {1e4 * wall / devices / 60:.1f} min, processor over the cores "
          f"{1e4 * cpu / devices / cores / 60:.1f} min", flush=True)  # fmt: skip


def kill(devices: int, processes: int, kills: int, folder: Path) -> None:
    """Run a batch that is killed at random moments, go on each time, and look through what it left."""
    chance = random.Random(1)
    moments = sorted(chance.uniform(0.0, 0.98) * devices for _ in range(kills))
    command = [sys.executable, __file__, str(devices), str(processes), "0", str(folder)]
    spent, done = 0.0, 0
    for moment in moments:
        # a group of its own, so that its workers die with it as they do when the power goes
        process = subprocess.Popen(command, start_new_session=True)
        while process.poll() is None and rows(folder) < moment:
            time.sleep(0.2)
        time.sleep(chance.uniform(0.0, 5.0))
        if process.poll() is None:
            spent += seconds_of(process.pid)
            os.killpg(process.pid, signal.SIGKILL)
            done += 1
        process.wait()
    print(f"killed {done} times; processor time of the killed runs {spent:.0f} s")
    subprocess.run(command, check=True)
    looked_through(devices, folder)


def looked_through(devices: int, folder: Path) -> None:
    """Whether every device is there once, and some of them are what they are without a kill."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / "batch.parquet").to_pydict()
    assert sorted(table["device"]) == list(range(devices)), "a device is lost or there twice"
    place = {device: row for row, device in enumerate(table["device"])}
    chosen = random.Random(2).sample(range(devices), min(100, devices))
    with tempfile.TemporaryDirectory() as empty, Store(empty, {"batch": "none"}) as nothing:
        (task,) = tasks([pt.load(CELL)], devices, nothing, at_once=devices)
        one = type(task)(task.cell, tuple(chosen), task.of)
        for row in Worker((pt.load(CELL),))(one):
            assert row.figures["pce"] == table["pce"][place[row.device]], f"device {row.device} differs"
    print(f"{devices} devices, each there once; {len(chosen)} of them solved again: equal to the last bit")


def rows(folder: Path) -> int:
    """Devices in the store."""
    import pyarrow.parquet

    found = 0
    for part in folder.glob("parts/part-*.parquet"):
        found += pyarrow.parquet.read_metadata(part).num_rows
    return found


def seconds_of(group: int) -> float:
    """Processor time of a group of processes."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(devices: int, processes: int | None, kills: int = 0, where: str | None = None) -> None:
    folder = Path(where or tempfile.mkdtemp(prefix="perotwin-batch-"))
    try:
        if kills:
            kill(devices, processes or os.cpu_count() or 1, kills, folder)
        else:
            run(devices, processes, folder)
    finally:
        if where is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    numbers = [int(one) for one in given[:3]]
    main(
        numbers[0] if numbers else 500,
        numbers[1] if len(numbers) > 1 else None,
        numbers[2] if len(numbers) > 2 else 0,
        given[3] if len(given) > 3 else None,
    )
