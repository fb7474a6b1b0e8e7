"""How long measured files take: one in a fresh process, a thousand current-voltage curves with their page.

    python benchmarks/measured_files.py [COUNT]

Whole commands, by the clock and by the processor; the first run of each is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RUNS = 5


def curve(path: Path, voc: float) -> None:
    """A diode's curve in the light, as an export writes it."""
    volts = np.linspace(-0.1, voc + 0.05, 120)
    current = 20.0 * (1.0 - np.expm1(volts / 0.04) / np.expm1(voc / 0.04))
    rows = "\n".join(f"{v:.4f}\t{j:.6f}" for v, j in zip(volts, current, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"Area (cm^2)\t0.09\nVoltage (V)\tCurrent density (mA/cm^2)\n{rows}\n", encoding="utf-8")


def timed(*arguments: str) -> tuple[float, float]:
    """Seconds by the clock, and of the processors, that a command takes."""
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "perotwin", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after, took = os.times(), time.perf_counter() - start
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return took, spent


def main(count: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        curve(folder / "one.txt", 1.1)
        timed("analyse", str(folder / "one.txt"))
        runs = [timed("analyse", str(folder / "one.txt")) for _ in range(RUNS)]
        took, spent = (statistics.median(values) for values in zip(*runs, strict=True))
        print(f"one file, fresh process: {took:.2f} s by the clock, {spent:.2f} s of the processor")
        for number in range(count):
            curve(folder / "data" / "ABCD"[number % 4] / f"p{number:04d}_rev.txt", 1.0 + 1e-4 * number)
        took, spent = timed("analyse", str(folder / "data"), "-o", str(folder / "out"))
        print(f"{count} curves with their page: {took:.1f} s by the clock, {spent:.1f} s of the processors")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
