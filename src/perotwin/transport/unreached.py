"""What is said of a state that could not be reached."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.transport.states import State

__all__ = ["unreached"]

F64 = NDArray[np.float64]


def unreached(
    name: str, voltage: float, row: F64, stage: str, history: list[float] | None = None
) -> ConvergenceError:
    """The error of a state of a cell, by name, that was not reached at a terminal voltage (V): with its last row, the
    stage, and the sizes of the last steps (kT).
    """
    return ConvergenceError(
        f'the steady state of "{name}" could not be reached at {voltage:.4g} V (stage: {stage}).',
        "Run perotwin check on it and look for a value far out of the ordinary: a band offset or dipole above 1 eV, a "
        "density above 1e21 cm^-3, a temperature below 100 K. The error holds the last state that was reached.",
        voltage=voltage,
        state=State(voltage, row),
        residual_history=history or [],
        stage=stage,
    )
