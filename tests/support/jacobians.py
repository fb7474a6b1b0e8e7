"""The solver's Jacobian against differences of its residual."""

import numpy as np

from perotwin.transport import device as dv
from perotwin.transport.build import Problem
from perotwin.transport.device import Device, State, lay_out, make_work
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.steady import Solver

#: columns of a node's own block, by row and unknown
OWN = (
    (dv.PSI_PSI, dv.PSI_FN, dv.PSI_FP),
    (dv.FN_PSI, dv.FN_FN, dv.FN_FP),
    (dv.FP_PSI, dv.FP_FN, dv.FP_FP),
)
#: columns of its coupling to a neighbour
BESIDE = {
    (0, 0): dv.PSI,
    (1, 0): dv.FN_BY_PSI,
    (1, 1): dv.FN_BY_FN,
    (2, 0): dv.FP_BY_PSI,
    (2, 2): dv.FP_BY_FP,
}


def device_of(made: Problem) -> Device:
    """All junctions of a cell end to end, as the solver has them."""
    return lay_out([part.device for part in made.parts])


def disturbed(made: Problem, voltage: float, seed: int, size: float) -> State:
    """A state near a solved one, in which nothing is in balance any more."""
    found = Solver(made).sweep([voltage], 1.0)
    assert found.converged.all()
    state: State = state_in(device_of(made), found.state(0).row)
    rng = np.random.default_rng(seed)
    for field in (state.psi, state.fn, state.fp):
        field += rng.uniform(-size, size, field.shape)
    return state


def residual(made: Problem, state: State, unknowns: np.ndarray) -> np.ndarray:
    """(N, 3) with all unknowns (N, 3) replaced; voltages and the ions' activity held."""
    device = device_of(made)
    work = make_work(device, 1)
    psi, fn, fp = (np.ascontiguousarray(unknowns[:, r]) for r in range(3))
    assemble(
        device, work, state._replace(psi=psi, fn=fn, fp=fp), made.generation, np.zeros(device.volume.size)
    )
    return work.rhs[:, :, 0].copy()


def blocks(made: Problem, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 3, 3) blocks by the previous, the own and the next node's unknowns."""
    device = device_of(made)
    work = make_work(device, 1)
    assemble(device, work, state, made.generation, np.zeros(device.volume.size))
    nodes = device.x.size
    own = work.diag[:, np.array(OWN)].copy()
    # the carriers' own-level entries are sums of what a node can lose (see kernels.elimination)
    back = np.vstack([np.zeros((1, 2)), work.take[:-1]])
    ahead = np.vstack([work.give[:-1], np.zeros((1, 2))])
    loss = work.leak + back + ahead
    own[:, 1, 1], own[:, 2, 2] = -loss[:, 0], loss[:, 1]
    previous, following = np.zeros((nodes, 3, 3)), np.zeros((nodes, 3, 3))
    for block, row in ((previous, work.lower), (following, work.upper)):
        for (r, c), column in BESIDE.items():
            block[:, r, c] = row[:, column]
    return previous, own, following


def departures(made: Problem, state: State) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, 3, 3) entries that differ from the residual's slope, over the largest of their row; (N, 3, 1, 1) those.

    The last axes are the unknowns and the previous, the own and the next node.
    """
    exact = np.concatenate([block[:, :, :, None] for block in blocks(made, state)], axis=3)
    # a contact that holds a level has no equation for it
    exact[~np.isfinite(exact)] = 0.0
    base = np.column_stack([state.psi, state.fn, state.fp])
    nodes = base.shape[0]
    slope, coarse = np.zeros((nodes, 3, 3, 3)), np.zeros((nodes, 3, 3, 3))
    # nodes three apart share no equation, so that a third of them moves at once
    for out, step in ((slope, 1e-4), (coarse, 2e-4)):
        for colour in range(3):
            for column in range(3):
                shift = np.zeros_like(base)
                shift[colour::3, column] = step
                rise = residual(made, state, base + shift)
                rise -= residual(made, state, base - shift)
                rise /= 2 * step
                for node in range(colour, nodes, 3):
                    for row, block in ((node - 1, 2), (node, 1), (node + 1, 0)):
                        if 0 <= row < nodes:
                            out[row, :, column, block] = rise[row]
    slope = (4 * slope - coarse) / 3
    scale = np.abs(exact).max(axis=(2, 3), keepdims=True)
    # the residual is minus what Newton's method sets to zero
    return np.abs(exact + slope) / np.where(scale > 0.0, scale, 1.0), scale
