"""Two thousand random cells: nobody may have to help the solver.

Of the committed draw at least 99.5 % give a J-V curve from -0.2 V to past open circuit (or to the largest gap) with
all checks passed. The seeds of the others are printed with what went wrong.
"""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

from perotwin.errors import ConvergenceError, PerotwinError
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.stack import Stack
from robustness_draw import FIRST_SEED, cell

CELLS = 2000
REQUIRED = 0.995
PROTOCOL = {"start": "-0.2 V", "step": "20 mV"}


def outcome(seed: int) -> str | None:
    """None if the cell's curve is whole and its checks pass; else what went wrong, in a sentence."""
    stack = Stack.from_data(cell(seed), bare_numbers=True)
    try:
        measured = jv.measure(stack, jv.Protocol(**PROTOCOL))
    except ConvergenceError as error:
        assert error.stage and error.advice, "a failure that does not say where it happened and what to do"
        return f"ConvergenceError at {error.stage}: {error}"
    except PerotwinError as error:
        return f"{type(error).__name__}: {error}"
    voltage, current = measured["voltage"].values, measured["current_density"].values
    if not measured["converged"].values.all():
        return f"not converged at {voltage[~measured['converged'].values]} V"
    gap = max(layer.gap for layer in stack.absorbers)
    if not (np.any(current < 0.0) or voltage[-1] >= gap):
        return f"the curve ends at {voltage[-1]:.2f} V with {current[-1]:.3g} A/m2"
    failed = {name: row for name, row in checks_of(measured).items() if not row.passed}
    return f"checks failed: {failed}" if failed else None


def outcomes(seeds: list[int]) -> dict[int, str]:
    """What went wrong, by seed, on as many processes as there are processors."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        found = pool.map(outcome, seeds, chunksize=20)
    return {seed: words for seed, words in zip(seeds, found, strict=True) if words is not None}


def test_a_sample_of_the_draw_solves() -> None:
    failures = {
        seed: words for seed in range(FIRST_SEED, FIRST_SEED + 40) if (words := outcome(seed)) is not None
    }
    assert not failures, failures


@pytest.mark.slow
def test_the_whole_draw_solves() -> None:
    seeds = [FIRST_SEED + number for number in range(CELLS)]
    failures = outcomes(seeds)
    for seed, words in failures.items():
        print(f"seed {seed}: {words}")
    solved = 1.0 - len(failures) / CELLS
    print(f"{solved:.2%} of {CELLS} cells solved")
    assert solved >= REQUIRED


def test_a_cell_that_fails_is_told() -> None:
    """The judge itself: a solver that may take no iterations fails every cell, and says so."""
    from perotwin.transport import steady

    before = steady.FINEST, steady.LONGEST
    try:
        steady.LONGEST = 1e-9
        assert outcome(FIRST_SEED) is not None
    finally:
        steady.FINEST, steady.LONGEST = before
