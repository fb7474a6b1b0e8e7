"""Solutions on one mesh from those on a coarser one, which know the way already (nested iteration, A. Brandt,
doi:10.1090/S0025-5718-1977-0431719-X): a finer mesh's own way from the dark is longer, and may end where the other did
not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.transport.circuit import held_current, held_voltage
from perotwin.transport.device import state_width
from perotwin.transport.junction import Junction
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.states import State

if TYPE_CHECKING:
    from perotwin.transport.steady import Solver

__all__ = ["begun", "hermite", "prolonged"]

F64 = NDArray[np.float64]


def prolonged(coarse: Solver, fine: Solver, state: State) -> State | None:
    """A state of a cell on another mesh, along smooth curves through its nodes; None where the parts are not the same.

    Args:
        coarse: whose state it is. fine: of the same cell on another mesh, finer or not.
    """
    ours, theirs = coarse.system.device, fine.system.device
    if ours.offset.size != theirs.offset.size or ours.ion.shape != theirs.ion.shape:
        return None
    row = np.zeros(state_width(theirs))
    old, new = state_in(ours, state.row), state_in(theirs, row)
    new.mu[:], new.v[:] = old.mu, old.v
    for d, (part, finer) in enumerate(zip(coarse.problem.parts, fine.problem.parts, strict=True)):
        here, there = ours.nodes(d), theirs.nodes(d)
        for before, after in zip(_layers(part), _layers(finer), strict=True):
            x, wanted = part.mesh.sites[before], finer.mesh.sites[after]
            nodes, into = part.site_node[before], finer.site_node[after]
            for name in ("psi", "fn", "fp"):
                getattr(new, name)[there][into] = _along(x, getattr(old, name)[here][nodes], wanted)
    return State(state.voltage, row)


def begun(solver: Solver, intensity: float) -> State | None:
    """The state that others are reached from, from that on the coarser mesh; None where it does not lead there."""
    coarse = solver.coarser
    if coarse is None:
        return None
    try:
        near = prolonged(coarse, solver, coarse.short_circuit(intensity))
    except ConvergenceError:
        return None
    if near is None:
        return None
    constraint = held_current() if len(solver.problem.groups) > 1 else held_voltage(near.voltage)
    return solver.solved(near, intensity, constraint)


def _layers(part: Junction) -> list[slice]:
    return [slice(int(a), int(b)) for a, b in pairwise(part.device.site_start)]


def _along(x: F64, values: F64, wanted: F64) -> F64:
    """Values at other positions by the cubics that have the slopes of parabolas through three."""
    return hermite(x, values, np.gradient(values, x, edge_order=2), wanted)


def hermite(x: F64, values: F64, slope: F64, wanted: F64) -> F64:
    """Values at other positions by the cubics through ascending places x (n,) that have given values and slopes there.

    Args:
        x, values, slope: (n,). wanted: (k,) places.
    """
    k = np.clip(np.searchsorted(x, wanted, side="right") - 1, 0, x.size - 2)
    width = x[k + 1] - x[k]
    t = (wanted - x[k]) / width
    own, other = values[k], values[k + 1]
    a, b = width * slope[k] - (other - own), width * slope[k + 1] - (other - own)
    return np.asarray(own + t * (other - own) + t * (1.0 - t) * ((1.0 - t) * a - t * b))
