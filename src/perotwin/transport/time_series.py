"""A run in time: the cell at its moments, and what its terminals showed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.transport.device import M_LAYER, Device, State
from perotwin.transport.kernels.rows import state_in

F64 = NDArray[np.float64]


@dataclass
class Moment:
    """A cell at one time; arrays are owned by it.

    Attributes:
        device: its junctions, all ions in motion.
        row: their state as the solver keeps it.
        bulk: (T, S), face: (TF,) occupation of charged levels; None: stationary.
        voltage: at the terminals, V. current: of each junction, its shunt's and displacement included, A m^-2.
    """

    device: Device
    row: F64
    voltage: float = 0.0
    current: F64 | None = None
    bulk: F64 | None = None
    face: F64 | None = None

    @property
    def state(self) -> State:
        """Its fields as views: potential, levels, voltages of all junctions (see `device.State`)."""
        state: State = state_in(self.device, self.row)
        return state

    def junction(self, d: int) -> State:
        """The fields of one of them, as views or copies."""
        state, here = self.state, self.device.nodes(d)
        own = self.device.layer_junction[self.device.motion[:, M_LAYER].astype(int)] == d
        psi, fn, fp, fn_rest, fp_rest = (field[here] for field in state[:5])
        level, v = state.level[own][:, here], state.v[d : d + 1]
        return State(psi, fn, fp, fn_rest, fp_rest, state.mu[:0], level, v)

    def copy(self) -> Moment:
        """An independent copy."""
        bulk, face = (None if one is None else one.copy() for one in (self.bulk, self.face))
        current = None if self.current is None else self.current.copy()
        return Moment(self.device, self.row.copy(), self.voltage, current, bulk, face)


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
        splitting: (T,) how far (V) what absorbers emit lies above what light, current and stored carriers can make (see
            `splitting_in_time`); -inf where none follows detailed balance.
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
    splitting: F64
    complete: bool
