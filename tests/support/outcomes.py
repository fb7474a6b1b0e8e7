"""What went wrong with random cells, in sentences."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable

import numpy as np

from perotwin.errors import ConvergenceError, PerotwinError
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.stack import Cell, Tandem

PROTOCOL = {"start": "-0.2 V", "step": "20 mV"}


def fault(cell: Cell) -> str | None:
    """None if the cell's curve is whole and its checks pass; else what went wrong, in a sentence."""
    try:
        measured = jv.measure(cell, jv.Protocol(**PROTOCOL))
    except ConvergenceError as error:
        assert error.stage and error.advice, "a failure that does not say where it happened and what to do"
        return f"ConvergenceError at {error.stage}: {error}"
    except PerotwinError as error:
        return f"{type(error).__name__}: {error}"
    voltage, current = measured["voltage"].values, measured["current_density"].values
    if not measured["converged"].values.all():
        return f"not converged at {voltage[~measured['converged'].values]} V"
    gaps = [layer.gap for layer in cell.absorbers]
    most = sum(gaps) if isinstance(cell, Tandem) else max(gaps)
    if not (np.any(current < 0.0) or voltage[-1] >= most):
        return f"the curve ends at {voltage[-1]:.2f} V with {current[-1]:.3g} A/m2"
    failed = {name: row for name, row in checks_of(measured).items() if not row.passed}
    return f"checks failed: {failed}" if failed else None


def outcomes(outcome: Callable[[int], str | None], seeds: list[int]) -> dict[int, str]:
    """What went wrong, by seed, on as many processes as there are processors."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        found = pool.map(outcome, seeds, chunksize=20)
    return {seed: words for seed, words in zip(seeds, found, strict=True) if words is not None}
