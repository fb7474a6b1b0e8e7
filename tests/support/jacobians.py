"""The solver's Jacobian against differences of its residual."""

import numpy as np

from perotwin.transport import kernels as k
from perotwin.transport.build import Problem
from perotwin.transport.device import make_work
from perotwin.transport.steady import Solver, State


def disturbed(made: Problem, voltage: float, seed: int, size: float) -> State:
    """A state near a solved one, in which nothing is in balance any more."""
    solver = Solver(made)
    found = solver.sweep([voltage], 1.0)
    assert found.converged.all()
    state = found.state(0)
    rng = np.random.default_rng(seed)
    for field in (state.psi, state.fn[0], state.fp[0]):
        field += rng.uniform(-size, size, field.shape)
    return state


def residual(made: Problem, state: State, unknowns: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """(N, 3) with all unknowns (N, 3) replaced; v and the ions' activity held."""
    work = make_work(made.device)
    fn, fp = state.fn.copy(), state.fp.copy()
    fn[0], fp[0] = unknowns[:, 1], unknowns[:, 2]
    psi = np.ascontiguousarray(unknowns[:, 0])
    charge = np.zeros(made.device.volume.size)
    k.assemble(made.device, work, psi, fn, fp, float(state.v[0]), made.generation, charge, mu)
    return work.rhs[:, :, 0].copy()


def blocks(made: Problem, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 3, 3) blocks by the previous, the own and the next node's unknowns."""
    work = make_work(made.device)
    charge = np.zeros(made.device.volume.size)
    k.assemble(
        made.device, work, state.psi, state.fn, state.fp, float(state.v[0]), made.generation, charge, state.mu
    )
    nodes = made.device.x.size
    own = work.diag.reshape(nodes, 3, 3).copy()
    # the carriers' own-level entries are sums of what a node can lose (see kernels.eliminate)
    back = np.vstack([np.zeros((1, 2)), work.take[:-1]])
    ahead = np.vstack([work.give[:-1], np.zeros((1, 2))])
    loss = work.leak + back + ahead
    own[:, 1, 1], own[:, 2, 2] = -loss[:, 0], loss[:, 1]
    previous, following = np.zeros((nodes, 3, 3)), np.zeros((nodes, 3, 3))
    for block, row in ((previous, work.lower), (following, work.upper)):
        block[:, 0, 0], block[:, 1, 0], block[:, 1, 1] = row[:, 0], row[:, 1], row[:, 2]
        block[:, 2, 0], block[:, 2, 2] = row[:, 3], row[:, 4]
    return previous, own, following


def departures(made: Problem, state: State) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, 3, 3) entries that differ from the residual's slope, over the largest of their row; (N, 3, 1, 1) those.

    The last axes are the unknowns and the previous, the own and the next node.
    """
    exact = np.concatenate([block[:, :, :, None] for block in blocks(made, state)], axis=3)
    # a contact that holds a level has no equation for it
    exact[~np.isfinite(exact)] = 0.0
    base = np.column_stack([state.psi, state.fn[0], state.fp[0]])
    nodes = base.shape[0]
    slope, coarse = np.zeros((nodes, 3, 3, 3)), np.zeros((nodes, 3, 3, 3))
    # nodes three apart share no equation, so that a third of them moves at once
    for out, step in ((slope, 1e-4), (coarse, 2e-4)):
        for colour in range(3):
            for column in range(3):
                shift = np.zeros_like(base)
                shift[colour::3, column] = step
                rise = residual(made, state, base + shift, state.mu)
                rise -= residual(made, state, base - shift, state.mu)
                rise /= 2 * step
                for node in range(colour, nodes, 3):
                    for row, block in ((node - 1, 2), (node, 1), (node + 1, 0)):
                        if 0 <= row < nodes:
                            out[row, :, column, block] = rise[row]
    slope = (4 * slope - coarse) / 3
    scale = np.abs(exact).max(axis=(2, 3), keepdims=True)
    # the residual is minus what Newton's method sets to zero
    return np.abs(exact + slope) / np.where(scale > 0.0, scale, 1.0), scale
