"""Two hundred random cells, each swept forwards and back at three rates with its ions in motion."""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

from perotwin.errors import PerotwinError
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.transient import Engine
from robustness_draw import FIRST_SEED, cell

CELLS, QUARTER = 200, 50
REQUIRED = 0.99
RATES = (1e-3, 0.1, 10.0)  # V/s
ION_LIMIT = 1e-10


def outcome(seed: int) -> str | None:
    """None if all three loops ran to their end with ions conserved and a current at every point."""
    stack = Stack.from_data(cell(seed), bare_numbers=True)
    light = float(stack.light.intensity)
    try:
        engine = Engine(build(stack))
        steady = engine.solver.sweep(np.arange(0.0, 2.0, 0.05), light)
        past = np.flatnonzero(steady.current < 0.0)
        top = min(float(steady.voltage[past[0]]) + 0.05 if past.size else 1.2, stack.absorbers[0].gap)
        start = engine.settled(0.0, light)
        for rate in RATES:
            points = max(2, int(top / 0.02))
            trace = engine.run(
                [
                    Step(top / rate, Voltage(0.0, top), light, points),
                    Step(top / rate, Voltage(top, 0.0), light, points),
                ],
                start,
            )
            if not trace.complete or trace.time.size != 2 * points or not np.isfinite(trace.current).all():
                return f"{rate} V/s: the loop is not whole"
            change = float(np.abs(trace.ions / trace.ions[0] - 1.0).max())
            if change > ION_LIMIT:
                return f"{rate} V/s: ions change by {change:.1e}"
            if not trace.constancy.max() <= 1.0:
                return f"{rate} V/s: the current is not the same at all depths ({trace.constancy.max():.2g})"
    except PerotwinError as error:
        return f"{type(error).__name__}: {error}"
    return None


def test_a_sample_of_the_draw_scans() -> None:
    failures = {seed: words for seed in range(FIRST_SEED, FIRST_SEED + 5) if (words := outcome(seed))}
    assert not failures, failures


@pytest.mark.slow
def test_a_quarter_of_the_draw_scans() -> None:
    assert _share(QUARTER) >= REQUIRED


@pytest.mark.long
def test_the_draw_scans() -> None:
    assert _share(CELLS) >= REQUIRED


def _share(cells: int) -> float:
    seeds = [FIRST_SEED + number for number in range(cells)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        found = pool.map(outcome, seeds, chunksize=5)
    failures = {seed: words for seed, words in zip(seeds, found, strict=True) if words is not None}
    for seed, words in failures.items():
        print(f"seed {seed}: {words}")
    return 1.0 - len(failures) / cells
