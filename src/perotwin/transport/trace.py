"""What a run in time gives: the cell at its moments, and what its terminals showed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass
class Moment:
    """The cell at one time; arrays are owned by it."""

    psi: F64  # (N,)
    fn: F64  # (2, N)
    fp: F64  # (2, N)
    level: F64  # (I, N) ions' levels, kT
    v: F64  # (1,)
    trap: F64 | None = None  # (T, S) occupation of charged levels; None: stationary
    face: F64 | None = None  # (TF,)

    def copy(self) -> Moment:
        """An independent copy."""
        return Moment(
            self.psi.copy(),
            self.fn.copy(),
            self.fp.copy(),
            self.level.copy(),
            self.v.copy(),
            None if self.trap is None else self.trap.copy(),
            None if self.face is None else self.face.copy(),
        )


@dataclass(frozen=True)
class Trace:
    """What a schedule gave. T reported moments.

    Attributes:
        time: (T,) s from the schedule's start. step: (T,) index of the schedule's step.
        voltage: (T,) terminal voltage, V. current: (T,) terminal current density, A m^-2, displacement included.
        light: (T,) suns of the cell's own light. generated: (T,) what all light generates, as a current, A m^-2.
        moments: the cell at each reported moment.
        steps, iterations: time steps and Newton iterations in all.
        ions: (T, I) number of each moving species per area, m^-2.
        constancy: (T,) departure of the total current along x over its allowance, at most 1 (see
            `checks.CurrentInTime`).
        complete: whether the schedule ran to its end.
    """

    time: F64
    step: NDArray[np.int64]
    voltage: F64
    current: F64
    light: F64
    generated: F64
    moments: tuple[Moment, ...]
    steps: int
    iterations: int
    ions: F64
    constancy: F64
    complete: bool
