"""How the current at the terminals follows every number that the equations are made of, by one transposed solve.

At a steady state R(u, p) = 0 the change of J(u, p) with p is dJ/dp - lambda dR/dp, where lambda solves the transposed
Newton equations for dJ/du: one substitution on the factors serves all numbers at once, each of which then costs a sum
over the nodes that it acts on. Ions that re-equilibrate border the equations with their numbers per area.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.circuit import Constraint, close, fill, places
from perotwin.transport.kernels.elimination import eliminate, solve_small
from perotwin.transport.kernels.linearise import add_lights as take_in
from perotwin.transport.kernels.linearise import gather, radiation, set_columns
from perotwin.transport.kernels.recombination import crowding, site_drive
from perotwin.transport.kernels.right_hand_sides import (
    edge_current,
    ion_columns,
    keep_ions,
    quiet_edge,
    species_of,
)
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.slopes import (
    Into,
    add_circuit,
    add_contacts,
    add_faces,
    add_ions,
    add_layer,
    add_lights,
    free_rows,
    rows_of,
    weigh,
    whole,
)


@compiled
def transposed(w, G, first, last, columns):
    """Solve the transposed equations of nodes `first` to `last` - 1 for right-hand sides G (N, 3, columns), in place,
    on the factors that `elimination.eliminate` left.
    """
    V, W, L = w.inverse, w.elim, w.lower
    for i in range(first + 1, last):
        j = i - 1
        for q in range(columns):
            z0, z1, z2 = G[j, 0, q], G[j, 1, q], G[j, 2, q]
            G[i, 0, q] -= W[j, 0] * z0 + W[j, 3] * z1 + W[j, 6] * z2
            G[i, 1, q] -= W[j, 1] * z0 + W[j, 4] * z1 + W[j, 7] * z2
            G[i, 2, q] -= W[j, 2] * z0 + W[j, 5] * z1 + W[j, 8] * z2
    for i in range(last - 1, first - 1, -1):
        for q in range(columns):
            r0, r1, r2 = G[i, 0, q], G[i, 1, q], G[i, 2, q]
            if i < last - 1:
                y0, y1, y2 = G[i + 1, 0, q], G[i + 1, 1, q], G[i + 1, 2, q]
                r0 -= L[i + 1, dv.PSI] * y0 + L[i + 1, dv.FN_BY_PSI] * y1 + L[i + 1, dv.FP_BY_PSI] * y2
                r1 -= L[i + 1, dv.FN_BY_FN] * y1
                r2 -= L[i + 1, dv.FP_BY_FP] * y2
            G[i, 0, q] = V[i, 0] * r0 + V[i, 3] * r1 + V[i, 6] * r2
            G[i, 1, q] = V[i, 1] * r0 + V[i, 4] * r1 + V[i, 7] * r2
            G[i, 2, q] = V[i, 2] * r0 + V[i, 5] * r1 + V[i, 8] * r2


@compiled
def circuit_weights(net, linear, weight):
    """weight (size,): how the current at the terminals (A m^-2), at a held voltage, follows the right side of each
    equation of the circuit (`circuit.places`). Returns whether the system could be solved.
    """
    size = weight.size
    A, out = np.zeros((size, size)), np.zeros(size)
    fill(net, linear, Constraint(1.0, 0.0, 0.0), A, out)
    scale = np.zeros(size)
    for r in range(size):
        for q in range(size):
            scale[r] = max(scale[r], abs(A[r, q]))
        if not (scale[r] > 0.0 and np.isfinite(scale[r])):
            return False
    B = np.zeros((size, size))
    for r in range(size):
        for q in range(size):
            B[q, r] = A[r, q] / scale[r]
    weight[:] = out
    if not solve_small(B, weight):
        return False
    for r in range(size):
        weight[r] /= scale[r]
    return True


@inlined
def _seed(dev, w, net, st, d, weight, slope, edge, G):
    """Column 0 of G: how the current at the terminals follows the unknowns of junction d, by its own current and by the
    light that it makes for others.
    """
    light, current, _, _, _, _ = places(net)
    for i in range(dev.node_start[d], dev.node_start[d + 1]):
        for r in range(3):
            G[i, r, 0] = 0.0
    c = weight[current + d] * net.charge[d]
    for r in range(2):
        for q in range(3):
            G[edge + r, q, 0] += c * slope[r, q]
    for k in range(net.emitter.size):
        if net.emitter[k] != d:
            continue
        m = dev.layer_start[d] + net.layer[k]
        each, off, v = weight[light + k] * net.share[k], dev.offset[m], st.v[d]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
            by = each * dev.volume[s] * dev.layer[m, dv.K_RAD]
            if dev.balanced[m]:
                by *= 1.0 + crowding(w, s)
                gn = gp = 1.0
            force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
            rest = by * (n * p - force)
            force *= by
            G[i, 0, 0] += force * (gn - gp)
            G[i, 1, 0] += force * gn + rest
            G[i, 2, 0] -= force * gp + rest


@inlined
def _bordered(dev, w, d, G, kappa):
    """Let column 0 of G, solved with the activities of the ions held, keep each species' number instead; kappa (I,)
    receives by how much the current follows these numbers. The columns behind hold their slopes, solved.
    """
    begin, end = species_of(dev, d)
    species = end - begin
    S, r = np.zeros((species, species)), np.zeros(species)
    first, last = dev.node_start[d], dev.node_start[d + 1] - 1
    for j in range(species):
        k = begin + j
        m, z = int(dev.ion[k, dv.I_LAYER]), dev.ion[k, dv.I_Z]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            c = dev.volume[s] * w.dion[k, s]
            S[j, j] += c
            if first < i < last:
                r[j] -= c * z * G[i, 0, 0]
                for q in range(species):
                    # transposed: the number of species q by the activity of species j
                    S[j, q] -= c * z * G[i, 0, 1 + q]
    if not solve_small(S, r):
        return False
    for j in range(species):
        kappa[begin + j] = r[j]
        for i in range(first, last + 1):
            for q in range(3):
                G[i, q, 0] -= r[j] * G[i, q, 1 + j]
    return True


@compiled
def sensitivities(dev, w, net, rows, voltage, gen, held, memory, at, scratch, slopes, found):
    """How the current at the terminals of steady states follows their voltage and every number.

    rows (K, width): the states. voltage (K,): at the terminals, V. gen, held (S,): pairs per area and time (m^-2 s^-1)
    and charge of ions that do not move (m^-3) of each site. memory: (linear, answer). at (`numbers.Numbers`): the place
    of each number. scratch: of `slopes.make_into`. slopes (K,) receives dJ/dV, S m^-2; found (K, W) the change of J
    (A m^-2) at a held voltage per unit of each number, NaN where that could not be found.
    """
    linear, answer = memory
    junctions, lights = net.anode.size, np.zeros(net.emitter.size)
    most = w.rhs.shape[2]
    G = np.zeros((dev.x.size, 3, most))
    kappa = np.zeros(dev.ion.shape[0])
    edges, each = np.zeros(junctions, dtype=np.int64), np.zeros((junctions, 2, 3))
    volts, free = np.zeros(junctions), np.ones(junctions, dtype=np.bool_)
    light, current, _, _, anode, size = places(net)
    weight = np.zeros(size)
    F = w.rhs
    _, currents, ions, circuit = rows_of(dev)
    nodes = 3 * dev.x.size
    weights = np.zeros(nodes + circuit + size + 1)
    more_weight = weights[nodes:]
    for k in range(rows.shape[0]):
        st = state_in(dev, rows[k])
        found[k, :] = 0.0
        assemble(dev, w, st, gen, held)
        for j in range(lights.size):
            lights[j] = radiation(net, j, dev, w, st)
        for d in range(junctions):
            take_in(net, d, dev, w, F, lights)
        good = True
        for d in range(junctions):
            causes = set_columns(net, d, dev, w, st, F, free[d])
            species = ion_columns(dev, w, d, F, causes)
            edges[d] = quiet_edge(dev, w, d)
            flux = edge_current(dev, w, edges[d], each[d])
            eliminate(w, dev.node_start[d], dev.node_start[d + 1], causes + species)
            if species > 0:
                good = good and keep_ions(dev, w, d, F, causes)
            linear.current[d] = net.charge[d] * flux - net.leak[d] * st.v[d]
            volts[d] = net.vt * st.v[d]
            gather(net, d, dev, w, st, F, each[d], edges[d], free[d], linear)
        # the state is a solution: this finds the currents and potentials of the circuit
        good = good and close(net, linear, volts, Constraint(1.0, 0.0, voltage[k]), answer)
        good = good and circuit_weights(net, linear, weight)
        if not good:
            found[k, :] = np.nan
            slopes[k] = np.nan
            continue
        slopes[k] = weight[anode]
        more_weight[:] = 0.0
        more_weight[circuit : circuit + size] = weight
        more_weight[circuit + size] = 1.0
        for j in range(lights.size):
            more_weight[dev.layer_start[net.emitter[j]] + net.layer[j]] += weight[light + j] * net.share[j]
        for d in range(junctions):
            more_weight[currents + d] = weight[current + d] * net.charge[d]
        for d in range(junctions):
            first, last = dev.node_start[d], dev.node_start[d + 1]
            _seed(dev, w, net, st, d, weight, each[d], edges[d], G)
            begin, end = species_of(dev, d)
            for s in range(begin, end):
                m, z = int(dev.ion[s, dv.I_LAYER]), dev.ion[s, dv.I_Z]
                for i in range(first, last):
                    for r in range(3):
                        G[i, r, 1 + s - begin] = 0.0
                for site in range(dev.site_start[m], dev.site_start[m + 1]):
                    G[site - dev.offset[m], 0, 1 + s - begin] -= dev.volume[site] * z * w.dion[s, site]
            transposed(w, G, first, last, 1 + end - begin)
            if end > begin:
                good = good and _bordered(dev, w, d, G, kappa)
        if not good:
            found[k, :] = np.nan
            continue
        for s in range(kappa.size):
            more_weight[ions + s] = kappa[s]
        weights[:nodes] = G[:, :, 0].copy().reshape(nodes)
        scratch[3][0] = 0
        into = Into(free_rows(dev, w, np.int64(3)), scratch[0], scratch[1], scratch[2], scratch[3])
        add_lights(dev, net, lights, at, circuit, into)
        add_circuit(dev, net, st, answer, at, circuit, into)
        add_contacts(dev, w, st, at, into)
        for m in range(dev.offset.size):
            add_layer(dev, w, st, held, m, edges[dev.layer_junction[m]], at, into)
        add_ions(dev, w, at, into)
        add_faces(dev, w, st, at, into)
        weigh(into, weights, found[k])
        if not whole(into):
            found[k, :] = np.nan
