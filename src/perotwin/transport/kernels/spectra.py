"""How small signals follow what the equations are made of: the response, the weights with which the current at the
terminals counts what every equation lacks, and the equations' operator, with what it holds apart from its rate.

With K x = s for the response x to a cause s, the current out . x follows any change of K, s and out by
lambda . (ds - dK x) + dout . x, where lambda solves the transposed equations for out: once at each frequency, on the
factors that x was found with. What crosses an edge is kept apart from what stays at a node, so that the bilinear form
takes differences of neighbours as such: nearly equal potentials of good conductors would leave nothing but rounding.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.adjoint import circuit_weights
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.blocks import eliminate_blocks
from perotwin.transport.kernels.circuit import Constraint, close, places
from perotwin.transport.kernels.in_motion import load_blocks, total_current, trap_memory
from perotwin.transport.kernels.linearise import gather, lights_into, set_columns
from perotwin.transport.kernels.recombination import (
    bulk_level,
    crowding,
    face_level,
    layer_radiation,
    site_drive,
    srh,
)
from perotwin.transport.kernels.right_hand_sides import quiet_edge, through
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.kernels.small_signal import source_columns
from perotwin.transport.kernels.statistics import moving_charge, moving_ions

#: rate (1/s) at which storage is as large as what crosses edges of a nanometre: the operator here less that at rest
#: tells how it follows the rate, to its last digits
QUICK = 1e12


@compiled
def _transposed(b, first, last, size, G):
    """Solve the transposed equations of nodes `first` to `last` - 1 for one right-hand side G (N, B), in place, on the
    factors of `blocks.eliminate_blocks`.
    """
    V, W = b.inverse, b.elim
    y = np.zeros_like(G[0])
    for i in range(first + 1, last):
        for c in range(size):
            for r in range(size):
                G[i, c] -= W[i - 1, r, c] * G[i - 1, r]
    for i in range(last - 1, first - 1, -1):
        if i < last - 1:
            x = G[i + 1]
            G[i, 0] -= b.lower_own[i + 1, 0] * x[0]
            for r in range(1, size):
                G[i, 0] -= b.lower_psi[i + 1, r] * x[r]
                G[i, r] -= b.lower_own[i + 1, r] * x[r]
        for c in range(size):
            total = 0.0 * y[0]
            for r in range(size):
                total += V[i, r, c] * G[i, r]
            y[c] = total
        for c in range(size):
            G[i, c] = y[c]


@inlined
def _add_glow(dev, w, st, d, layer, each, G):
    """Add to G (N, B) how `each` times the net radiative rate of a layer of junction d follows the unknowns."""
    m = dev.layer_start[d] + layer
    v = st.v[d]
    for s in range(dev.site_start[m], dev.site_start[m + 1]):
        i = s - dev.offset[m]
        n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
        by = dev.volume[s] * dev.layer[m, dv.K_RAD]
        if dev.balanced[m]:
            by *= 1.0 + crowding(w, s)
            gn = gp = 1.0
        force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
        rest = by * (n * p - force)
        force *= by
        G[i, 0] += each * force * (gn - gp)
        G[i, 1] += each * (force * gn + rest)
        G[i, 2] -= each * (force * gp + rest)


@compiled
def two_ways(dev, w, b, net, row, held, rate, sources, memory, edges, out):
    """Responses to one volt at the terminals and to one sun of extra light at a held voltage, exp(rate t), and the
    weights of all equations, at each rate (W,).

    Arguments as of `small_signal.signals`, with one source; memory: (linear, answer, nothing, filled). edges (D,)
    receives where currents are read. out, zero before: (right (W, 2, N, B), left (W, N, B), volts (W, 2, D), light (W,
    2, L), current (W, 2, D), potential (W, 2, nodes), weight (W, size), terminal (W, 2)): the unknowns of nodes; the
    weights of their equations; the junctions' voltages (kT/q), light (m^-2 s^-1), currents (A m^-2), potentials (V);
    the weights of the circuit's equations; the current.
    Returns whether the circuit could be solved.
    """
    right, left, volts, light, current, potential, weight, terminal = out
    linear, answer, nothing, filled = memory
    st = state_in(dev, row)
    first = b.rhs.shape[2] - 1
    lights_at, current_at, _, _, _, _ = places(net)
    nought = np.zeros(net.anode.size)
    moving_ions(dev, w, st)
    charge = held.copy()
    moving_charge(dev, w, charge)
    assemble(dev, w, st, np.zeros(dev.volume.size), charge)
    past = stored_in(dev, nothing)
    F = b.rhs
    glow = np.zeros((net.emitter.size, first + 1), dtype=F.dtype)
    for d in range(net.anode.size):
        edges[d] = quiet_edge(dev, w, d)
    for f in range(rate.size):
        load_blocks(dev, w, b, st, rate[f], past)
        trap_memory(dev, w, b, rate[f], True, past, filled)
        for d in range(net.anode.size):
            total_current(dev, w, b, d, edges[d], rate[f], st.psi, past.psi)
            set_columns(net, d, dev, w, st, F, True)
            source_columns(dev, w, d, sources, F, first)
            eliminate_blocks(dev, b, d, first + 1)
            gather(net, d, dev, w, st, F, b.slope[d], edges[d], True, linear)
        for k in range(net.emitter.size):
            layer_radiation(dev, w, dev.layer_start[net.emitter[k]] + net.layer[k], st, F, glow[k])
        for q in range(2):
            for d in range(net.anode.size):
                linear.current[d] = net.charge[d] * through(b.slope[d], edges[d], F, first) if q == 1 else 0.0
            for k in range(net.emitter.size):
                linear.glow[k] = net.share[k] * glow[k, first] if q == 1 else 0.0
            if not close(net, linear, nought, Constraint(1.0, 0.0, 1.0 - q), answer):
                return False
            volts[f, q] = answer.voltage
            light[f, q] = answer.light
            current[f, q] = answer.current
            potential[f, q] = answer.potential
            terminal[f, q] = answer.terminal[0]
            for d in range(net.anode.size):
                begin, end = lights_into(net, d)
                for i in range(dev.node_start[d], dev.node_start[d + 1]):
                    for r in range(b.size[d]):
                        total = F[i, r, 1] * answer.voltage[d]
                        for k in range(begin, end):
                            total += F[i, r, 2 + k - begin] * answer.light[k]
                        if q == 1:
                            total += F[i, r, first]
                        right[f, q, i, r] = total
        if not circuit_weights(net, linear, weight[f]):
            return False
        G = left[f]
        for d in range(net.anode.size):
            for r in range(2):
                for c in range(b.size[d]):
                    G[edges[d] + r, c] += weight[f, current_at + d] * net.charge[d] * b.slope[d, r, c]
        for k in range(net.emitter.size):
            _add_glow(dev, w, st, net.emitter[k], net.layer[k], weight[f, lights_at + k] * net.share[k], G)
        for d in range(net.anode.size):
            _transposed(b, dev.node_start[d], dev.node_start[d + 1], b.size[d], G)
    return True


@compiled
def operator(dev, w, b, net, row, held, sources, nothing, edges, share, out):
    """Add `share` times the operator of small signals to out, with what couples light into it.

    b: real scratch memory. out: (diag (2, N, B, B), lower (2, N, B, 2), upper (2, N, B, 2), columns (N, B, Q), slope
    (2, D, 2, B), glow (L, N, B)), at rest and at the rate `QUICK` where there are two: what stays at a node; what
    crosses the edge to the next one, by the potential and the own unknown here and there; the right sides of unit
    causes; the current over `edges` by the unknowns of their two nodes; each light by those of its emitter. Leaves in
    w the densities that `lagging` needs, and in b.leak infinity where a row holds.
    """
    diag, lower, upper, columns, slope, glow = out
    st = state_in(dev, row)
    moving_ions(dev, w, st)
    charge = held.copy()
    moving_charge(dev, w, charge)
    assemble(dev, w, st, np.zeros(dev.volume.size), charge)
    past = stored_in(dev, nothing)
    for k in range(net.emitter.size):
        _add_glow(dev, w, st, net.emitter[k], net.layer[k], share * net.share[k], glow[k])
    for way in range(2):
        load_blocks(dev, w, b, st, way * QUICK, past)
        for d in range(net.anode.size):
            total_current(dev, w, b, d, edges[d], way * QUICK, st.psi, past.psi)
            begin, end = dev.node_start[d], dev.node_start[d + 1]
            if way == 0:
                set_columns(net, d, dev, w, st, b.rhs, True)
                source_columns(dev, w, d, sources, b.rhs, b.rhs.shape[2] - 1)
                for i in range(begin, end):
                    for r in range(b.size[d]):
                        for q in range(1, b.rhs.shape[2]):
                            columns[i, r, q] += share * b.rhs[i, r, q]
            for r in range(2):
                for c in range(b.size[d]):
                    slope[way, d, r, c] += share * net.charge[d] * b.slope[d, r, c]
            for i in range(begin, end):
                for r in range(b.size[d]):
                    for c in range(b.size[d]):
                        if r == 0 or c != r:
                            value = b.diag[i, r, c]
                            if c == 0:
                                # less what belongs to the edges
                                if i < end - 1:
                                    value += b.lower_own[i + 1, 0] if r == 0 else b.lower_psi[i + 1, r]
                                if i > begin:
                                    value += b.upper_own[i - 1, 0] if r == 0 else b.upper_psi[i - 1, r]
                            diag[way, i, r, c] += share * value
                    if r > 0 and b.leak[i, r] != np.inf:
                        own = b.leak[i, r]
                        diag[way, i, r, r] += share * own * (1.0 if r == 2 else -1.0)
                    # what crosses the edge to the next node
                    if i < end - 1:
                        sign = -1.0 if r == 2 else 1.0
                        if r == 0:
                            lower[way, i, r, 0] += share * b.lower_own[i + 1, 0]
                            upper[way, i, r, 0] += share * b.upper_own[i, 0]
                        else:
                            lower[way, i, r, 0] += share * b.lower_psi[i + 1, r]
                            upper[way, i, r, 0] += share * b.upper_psi[i, r]
                            lower[way, i, r, 1] += share * sign * b.give[i, r]
                            upper[way, i, r, 1] += share * sign * b.take[i, r]


@compiled
def lagging(dev, w, rate, left, right, share, found):
    """Subtract from found (W, 2) `share` times the part of the operator in which charged levels lag behind, from what
    `operator` left in w; left: of `two_ways`, zero where a row holds; right: of it.

    A level's occupation follows its stationary one f with g / (rate + g), where g is its own rate: what it lags behind
    is charge that is missing, and is caught and given up less (`in_motion.trap_memory`).
    """
    for m in range(dev.offset.size):
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt = dev.trap[t, dv.T_NT]
            if dev.trap[t, dv.T_KIND] != 0.0 and nt != 0.0:
                for s in range(dev.site_start[m], dev.site_start[m + 1]):
                    numbers = (dev.volume[s], nt, dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP])
                    _lag(dev.site_node[s], numbers, bulk_level(dev, w, t, s), rate, left, right, share, found)
    for t in range(dev.face_trap_site.size):
        nt = dev.face_trap[t, dv.F_NT]
        if dev.face_trap[t, dv.F_KIND] != 0.0 and nt != 0.0:
            i = dev.site_node[dev.face_trap_site[t]]
            numbers = (1.0, nt, dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP])
            _lag(i, numbers, face_level(dev, w, t), rate, left, right, share, found)


@compiled
def _lag(i, numbers, level, rate, left, right, share, found):
    """The same of one level at node i; numbers: width (m) of the site, density, capture rates."""
    vol, nt, rn, rp = numbers
    n, p, n1, p1, _, _, _, _ = level
    _, _, _, _, o_n, o_p, den = srh(rn, rp, level)
    own, catch, give = den / nt, rn * (n + n1), rp * (p + p1)
    for f in range(rate.size):
        weight = nt * left[f, i, 0] - catch * left[f, i, 1] + give * left[f, i, 2]
        weight *= share * vol * rate[f] / (rate[f] + own)
        for q in range(2):
            psi = right[f, q, i, 0]
            found[f, q] -= weight * (o_n * (psi + right[f, q, i, 1]) - o_p * (psi + right[f, q, i, 2]))
