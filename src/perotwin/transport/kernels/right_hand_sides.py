"""What a junction's state follows from: right-hand sides of its factorised equations, and the change of its current."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.elimination import solve_small


@compiled
def source_column(node, leak, source, amount, F, q):
    """Add to column q of F (N, B, Q) what follows from extra pairs, `amount` times `source` (S,) per area and time, in
    sites whose nodes are `node` (S,); leak (N, 2): that of carriers which a contact holds is infinite.
    """
    for k in range(source.size):
        i = node[k]
        if leak[i, 0] != np.inf:
            F[i, 1, q] -= amount * source[k]
        if leak[i, 1] != np.inf:
            F[i, 2, q] -= amount * source[k]


@inlined
def species_of(dev, d):
    """First of the re-equilibrating species of junction d, and the one behind the last: they stand together."""
    first = 0
    while first < dev.ion.shape[0] and dev.layer_junction[int(dev.ion[first, dv.I_LAYER])] < d:
        first += 1
    last = first
    while last < dev.ion.shape[0] and dev.layer_junction[int(dev.ion[last, dv.I_LAYER])] == d:
        last += 1
    return first, last


@compiled
def ion_columns(dev, w, d, F, column):
    """Set columns of F, from `column` on, to what follows from a unit of the activity of each species of junction d; no
    charge of it counts at a metal, where the first row is not Poisson's. Returns how many there are.
    """
    begin, end = species_of(dev, d)
    first, last = dev.node_start[d], dev.node_start[d + 1]
    for k in range(begin, end):
        q = column + k - begin
        for i in range(first, last):
            for r in range(F.shape[1]):
                F[i, r, q] = 0.0
        m = int(dev.ion[k, dv.I_LAYER])
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            F[s - dev.offset[m], 0, q] -= dev.volume[s] * dev.ion[k, dv.I_Z] * w.dion[k, s]
        if dev.contact[2 * d, dv.C_BARE] == 0.0:
            F[first, 0, q] = 0.0
        if dev.contact[2 * d + 1, dv.C_BARE] == 0.0:
            F[last - 1, 0, q] = 0.0
    return end - begin


@compiled
def keep_ions(dev, w, d, F, causes):
    """Let the activities of junction d follow in the first `causes` columns of F, so that each species keeps the number
    that `statistics.settle_ions` gave it.

    F (N, B, causes + I): what follows from each cause with the activities held, then from each activity.
    """
    begin, end = species_of(dev, d)
    species = end - begin
    # how the number of each species follows the columns, and its activity
    number = np.zeros((species, causes + species))
    for k in range(species):
        m = int(dev.ion[begin + k, dv.I_LAYER])
        z = dev.ion[begin + k, dv.I_Z]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            c = dev.volume[s] * w.dion[begin + k, s]
            number[k, causes + k] += c
            for q in range(causes + species):
                number[k, q] -= c * z * F[i, 0, q]
    for q in range(causes):
        follows = -number[:, q]
        if not solve_small(number[:, causes:].copy(), follows):
            return False
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            for r in range(F.shape[1]):
                for k in range(species):
                    F[i, r, q] += F[i, r, causes + k] * follows[k]
    return True


@inlined
def site_of_edge(dev, edge):
    """The site on the left of the edge from node `edge` to the next."""
    s = 0
    while dev.site_node[s] <= edge:
        s += 1
    return s - 1


@compiled
def quiet_edge(dev, w, d):
    """The inner edge of junction d with the least conductance, whose flux is least disturbed by rounding."""
    first, last = dev.node_start[d] + 1, dev.node_start[d + 1] - 1
    best, edge = np.inf, first
    for m in range(dev.layer_start[d], dev.layer_start[d + 1]):
        for s in range(dev.site_start[m], dev.site_start[m + 1] - 1):
            i = s - dev.offset[m]
            if i < first or i + 1 >= last:
                continue
            g = (
                dev.layer[m, dv.MU_N] * max(w.n[s], w.n[s + 1])
                + dev.layer[m, dv.MU_P] * max(w.p[s], w.p[s + 1])
            ) / (dev.spacing[s])
            if g < best:
                best, edge = g, i
    return edge


@inlined
def edge_current(dev, w, edge, slope):
    """Current over an edge (m^-2 s^-1, conventional, along x); slope (2, 3) receives its slopes by the unknowns of the
    edge's two nodes.
    """
    L, U = w.lower, w.upper
    slope[1, 0] = U[edge, dv.FN_BY_PSI] - U[edge, dv.FP_BY_PSI]
    slope[1, 1] = U[edge, dv.FN_BY_FN]
    slope[1, 2] = -U[edge, dv.FP_BY_FP]
    slope[0, 0] = -L[edge + 1, dv.FN_BY_PSI] + L[edge + 1, dv.FP_BY_PSI]
    slope[0, 1] = -L[edge + 1, dv.FN_BY_FN]
    slope[0, 2] = L[edge + 1, dv.FP_BY_FP]
    s = site_of_edge(dev, edge)
    return w.jn[s] + w.jp[s]


@inlined
def through(slope, edge, F, q):
    """Change of the current over an edge with column q of F (N, B, Q), from its slopes (2, B)."""
    total = 0.0 * F[0, 0, q]
    for r in range(2):
        for c in range(slope.shape[1]):
            total += slope[r, c] * F[edge + r, c, q]
    return total
