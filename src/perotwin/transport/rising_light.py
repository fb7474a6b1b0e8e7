"""Continuation in light: a state that is not reached from the dark at once, by a light that rises in steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["brightened"]

F64 = NDArray[np.float64]

#: parts of the light from which it rises, and how many times as bright the next one is at first
_DIM, _BRIGHTER = (1e-4, 1e-8), 3.0
#: by which power that grows with a step that succeeds, and falls with one that does not; how many may not
_BOLDER, _SHYER, _FAILURES = 1.25, 0.5, 8


def brightened(row: F64, light: F64, settle: Callable[[F64, F64], bool]) -> bool:
    """Let a dark state follow a rising light, in place; False where all of it is not reached, and then it stays.

    Args:
        row: of the dark equilibrium. light: (S,) pairs per area and time of each site, m^-2 s^-1.
        settle: lets a row go over to the steady state in a light, in place; whether it arrives, else the row stays.
    """
    here, factor, failed = row.copy(), _BRIGHTER, 0
    reached = next((part for part in _DIM if settle(here, part * light)), 0.0)
    while 0.0 < reached < 1.0 and failed < _FAILURES:
        part = min(factor * reached, 1.0)
        if settle(here, part * light):
            reached, factor = part, factor**_BOLDER
        else:
            factor, failed = factor**_SHYER, failed + 1
    if reached == 1.0:
        row[:] = here
    return reached == 1.0
