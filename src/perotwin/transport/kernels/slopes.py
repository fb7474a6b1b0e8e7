"""How the equations follow the numbers that they are made of, at a fixed state: their rows' slopes, each written once.

Rows are those that `assemble` fills (Poisson, electrons, holes), with its signs, and besides them (`rows_of`) what
layers radiate, what flows over the edges where currents are read, and the numbers of ions. Each slope is `put` on a
list, which `weigh` sums up by number and `spread` enters as what each row follows of fields; those of the many sites
and edges inside layers are told times the weights of their rows, which sums them up without a list. A carrier density
follows its band's edge through eta = (level - edge) / kT, with n ~ N exp(eta) and the activity coefficient, and N at a
fixed eta.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.circuit import ANODE, CATHODE, Net, places
from perotwin.transport.kernels.contacts import ELECTRONS, HOLES, contact_loss, end_of
from perotwin.transport.kernels.faces import FACE_LENGTH, thermionic_fluxes
from perotwin.transport.kernels.linearise import lights_into, nodes_of
from perotwin.transport.kernels.recombination import (
    COUNT,
    RADIATIVE,
    coefficient_of,
    crowding,
    drive,
    face_level,
    free_carriers,
    site_drive,
)
from perotwin.transport.kernels.statistics import coefficient

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: part of a number by which it is changed where a mechanism's slope by it is asked for
_STEP = 1e-4
# of numpy's type: numba would compile what takes a literal once more
_POISSON, _N, _P = np.int64(0), np.int64(1), np.int64(2)
_NONE = np.int64(-1)


class Into(NamedTuple):
    """A list of slopes: an array of arrays would be slow to hand on. E entries at most."""

    free: NDArray[np.bool_]  # (N, B) whether a row is an equation: not where a contact holds the unknown
    row: I64  # (E,) B times the node and the row there; those that are no node's behind them
    number: I64  # (E,)
    value: F64  # (E,)
    count: I64  # (1,) how many there are


def make_into(device: dv.Device, net: Net) -> tuple[I64, I64, F64, I64]:
    """Allocate what a list needs besides `Into.free`; `whole` tells whether it was enough."""
    sites, species = device.volume.size, device.ion.shape[0] + device.motion.shape[0]
    traps = int(np.diff(device.trap_start).max(initial=0))
    own = 100 + 4 * dv.LAYER_COLUMNS * COUNT + 20 * species + 60 * traps
    ends = 60 + 8 * dv.CONTACT_COLUMNS
    most = (
        own * sites + 200 * device.face_trap_site.size + 40 * device.barrier_site.size + ends * net.anode.size
        + 8 * (net.anode.size + net.tail.size + net.emitter.size) + 4 * net.profile.size
    )  # fmt: skip
    return (
        np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64), np.zeros(most), np.zeros(1, dtype=np.int64),
    )  # fmt: skip


@compiled
def put_held(into, i, r, number, value):
    """Enter the slope `value` of row r of node i by a number, also where a contact holds the unknown."""
    k = into.count[0]
    if k < into.value.size:
        into.row[k] = i * into.free.shape[1] + r
        into.number[k] = number
        into.value[k] = value
    into.count[0] = k + 1


@compiled
def put(into, i, r, number, value):
    """The same where it is an equation."""
    if into.free[i, r]:
        put_held(into, i, r, number, value)


@compiled
def put_more(into, row, number, value):
    """The same of a row that is no node's."""
    k = into.count[0]
    if k < into.value.size:
        into.row[k] = into.free.size + row
        into.number[k] = number
        into.value[k] = value
    into.count[0] = k + 1


@compiled
def whole(into):
    """Whether nothing was left out."""
    return into.count[0] <= into.value.size


@compiled
def weigh(into, weight, found):
    """Add to found (W,) what each number does to the sum of all rows times their weights (N B + E,)."""
    for k in range(into.count[0]):
        found[into.number[k]] += weight[into.row[k]] * into.value[k]


@compiled
def spread(into, fields, F, first, more):
    """Add to F (N, B, Q), from column `first` on, and to more (E, P) what each row follows of P fields.

    fields: (start (W + 1,), field, factor), the fields that each number follows.
    """
    start, field, factor = fields
    unknowns = into.free.shape[1]
    for k in range(into.count[0]):
        number = into.number[k]
        for j in range(start[number], start[number + 1]):
            change = into.value[k] * factor[j]
            row = into.row[k]
            if row < into.free.size:
                F[row // unknowns, row % unknowns, first + field[j]] += change
            else:
                more[row - into.free.size, field[j]] += change


@inlined
def rows_of(dev):
    """First of the rows besides the nodes': of layers' radiation, of currents over edges, of numbers of ions; and how
    many there are.
    """
    currents = dev.offset.size
    ions = currents + dev.node_start.size - 1
    return 0, currents, ions, ions + dev.ion.shape[0]


@compiled
def put_pairs(into, i, number, value):
    """Of both carriers' rows of node i."""
    put(into, i, _N, number, value)
    put(into, i, _P, number, value)


@compiled
def put_across(into, i, r, number, value, row, sign):
    """Of a flux from node i + 1 to node i, and of the current over that edge where `row` is its own (else `_NONE`)."""
    put(into, i, r, number, -value)
    put(into, i + 1, r, number, value)
    if row >= 0:
        put_more(into, row, number, sign * value)


@compiled
def put_carriers(into, place, i, r, carriers, activity):
    """Of row r of node i by the numbers of a site's layer, whose places are `place`, from its slopes by ln n and ln p
    (at a fixed activity) and by the activities' logarithms. activity: (gn, gp) of the site.
    """
    ln_n, lg_n, ln_p, lg_p = carriers
    gn, gp = activity
    if ln_n != 0.0 or lg_n != 0.0:
        put(into, i, r, place[dv.LN_NC], ln_n)
        put(into, i, r, place[dv.EC], -ln_n * gn - lg_n * (gn - 1.0))
    if ln_p != 0.0 or lg_p != 0.0:
        put(into, i, r, place[dv.LN_NV], ln_p)
        put(into, i, r, place[dv.EV], ln_p * gp + lg_p * (gp - 1.0))


@inlined
def _site(dev, w, st, held, place, weights, layer, trap, changed):
    """Slopes of the sources of site `place` (layer, site) by its numbers, times the weights of the rows that they
    stand in.

    weights: of Poisson's row, of both carriers' rows together, and of what the layer radiates. layer
    (LAYER_COLUMNS,), trap (T, TRAP_COLUMNS) are added to: those by the numbers of the layer and of its traps. changed:
    a copy of the layer's row. Returns those by the charge that is given, by the width, and by the pairs that are made.
    """
    m, s = place
    charge, pairs, glow = weights
    row, i, vol = dev.layer[m], s - dev.offset[m], dev.volume[s]
    n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
    crowded = dev.balanced[m] and row[dv.K_RAD] > 0.0 and row[dv.DEGENERATE] != 0.0
    force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + st.v[dev.layer_junction[m]])
    # by ln n and ln p at a fixed activity, and by the activities' logarithms; what n p leaves to the drive is in these
    ln_n, ln_p, lg_n, lg_p = charge * vol * n, -charge * vol * p, 0.0, 0.0
    by_width = -charge * (p - n + dev.fixed_charge[s] + held[s])
    radiated = (pairs + glow) * ((1.0 + crowding(w, s)) * force if crowded else force)
    layer[dv.K_RAD] += vol * radiated
    radiated *= row[dv.K_RAD]
    by_width += radiated
    ln_n += vol * radiated
    ln_p += vol * radiated
    if crowded:
        lg_n -= vol * radiated
        lg_p -= vol * radiated
    k, k_n, k_p = free_carriers(row, n, p)
    k -= row[dv.K_RAD]
    lost = pairs * vol * force
    ln_n += lost * (k + k_n)
    ln_p += lost * (k + k_p)
    by_width += pairs * force * k
    layer[dv.AUGER_N] += lost * n
    layer[dv.AUGER_P] += lost * p
    for column in range(dv.AUGER_P + 1, dv.LAYER_COLUMNS):
        if row[column] != 0.0:
            step = _STEP * row[column]
            for c in range(COUNT):
                if c != RADIATIVE:
                    changed[column] = row[column] + step
                    high = coefficient_of(c, changed, n, p)
                    changed[column] = row[column] - step
                    low = coefficient_of(c, changed, n, p)
                    changed[column] = row[column]
                    layer[column] += lost * (high - low) / (2.0 * step)
    cn, cp = coefficient(w.lgn[s]), coefficient(w.lgp[s])
    for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
        own = t - dev.trap_start[m]
        rn, rp = dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP]
        n1, p1 = dev.trap[t, dv.T_N1] * cn, dev.trap[t, dv.T_P1] * cp
        kind, density = dev.trap[t, dv.T_KIND], dev.trap[t, dv.T_NT]
        by, rate = rate_slopes(rn, rp, n, p, n1, p1, force)
        by_width += pairs * rate
        each = pairs * vol
        trap[own, dv.T_RN] += each * by[0]
        trap[own, dv.T_RP] += each * by[1]
        trap[own, dv.T_N1] += each * cn * by[4]
        trap[own, dv.T_P1] += each * cp * by[5]
        ln_n += each * n * by[2]
        ln_p += each * p * by[3]
        lg_n += each * n1 * by[4]
        lg_p += each * p1 * by[5]
        if kind != 0.0:
            by, f = filling_slopes(rn, rp, n, p, n1, p1)
            taken = f - 1.0 if kind > 0.0 else f
            trap[own, dv.T_NT] += charge * vol * taken
            by_width += charge * density * taken
            each = charge * vol * density
            trap[own, dv.T_RN] += each * by[0]
            trap[own, dv.T_RP] += each * by[1]
            trap[own, dv.T_N1] += each * cn * by[4]
            trap[own, dv.T_P1] += each * cp * by[5]
            ln_n += each * n * by[2]
            ln_p += each * p * by[3]
            lg_n += each * n1 * by[4]
            lg_p += each * p1 * by[5]
    layer[dv.LN_NC] += ln_n
    layer[dv.LN_NV] += ln_p
    layer[dv.EC] -= ln_n * gn + lg_n * (gn - 1.0)
    layer[dv.EV] += ln_p * gp + lg_p * (gp - 1.0)
    return -charge * vol, by_width, -pairs


@inlined
def _edge(dev, w, st, place, weights, inverse, layer):
    """Slopes of what passes the edge behind site `place` (layer, site) towards the front, times the weights of
    displacement and of both carriers' fluxes there. They are as `assemble` left them.

    inverse: one over both mobilities and kT/q. layer as in `_site`. Returns those by the spacing and by kT/q.
    """
    m, s = place
    displaced, electrons, holes = weights
    i, per_width = s - dev.offset[m], 1.0 / dev.spacing[s]
    displaced *= (st.psi[i + 1] - st.psi[i]) * per_width
    layer[dv.EPS] += displaced
    # by the potential at either end: a row that a contact holds has lost its own
    ahead_n, ahead_p = w.upper[i, dv.FN_BY_PSI], w.upper[i, dv.FP_BY_PSI]
    back_n, back_p = w.lower[i + 1, dv.FN_BY_PSI], w.lower[i + 1, dv.FP_BY_PSI]
    if w.leak[i, 0] == np.inf:
        ahead_n = w.beside[i, 0]
    if w.leak[i, 1] == np.inf:
        ahead_p = w.beside[i, 1]
    if w.leak[i + 1, 0] == np.inf:
        back_n = w.beside[i + 1, 0]
    if w.leak[i + 1, 1] == np.inf:
        back_p = w.beside[i + 1, 1]
    # a shift of the band is one of the particles' own potential on both sides
    layer[dv.EC] -= electrons * (ahead_n - back_n)
    layer[dv.EV] += holes * (back_p - ahead_p)
    electrons *= w.across[i, 0]
    holes *= w.across[i, 1]
    layer[dv.LN_NC] += electrons
    layer[dv.LN_NV] += holes
    layer[dv.MU_N] += electrons * inverse[0]
    layer[dv.MU_P] += holes * inverse[1]
    passed = electrons + holes
    return -(dev.layer[m, dv.EPS] * displaced + passed) * per_width, passed * inverse[2]


@compiled
def weigh_layer(dev, w, st, held, m, edge, at, weight, more, sites, found):
    """Add to found (W,) what the numbers of layer m do to its sources, displacement and fluxes, times the weights of
    the rows that these stand in.

    held (S,): charge of all ions that the device itself does not say, m^-3. edge: over which its junction's current is
    read. at: `numbers.Numbers`, the place of each number. weight (N, 3): of the nodes' rows, zero where a contact holds
    the unknown; more (E,): of the others (`rows_of`). sites: whether numbers of sites, and kT/q, count too.
    """
    off, first, last = dev.offset[m], dev.site_start[m], dev.site_start[m + 1] - 1
    glow_row, currents, _, _ = rows_of(dev)
    glow, current = more[glow_row + m], more[currents + dev.layer_junction[m]]
    t0 = dev.trap_start[m]
    layer, trap = np.zeros(dv.LAYER_COLUMNS), np.zeros((dev.trap_start[m + 1] - t0, dv.TRAP_COLUMNS))
    changed = dev.layer[m].copy()
    inverse = (1.0 / changed[dv.MU_N], 1.0 / changed[dv.MU_P], 1.0 / dev.vt)
    by_vt = 0.0
    for s in range(first, last + 1):
        i = s - off
        here = (weight[i, 0], weight[i, 1], weight[i, 2])
        charge, width, pairs = _site(
            dev, w, st, held, (m, s), (here[0], here[1] + here[2], glow), layer, trap, changed
        )
        if sites:
            found[at.fixed_charge[s]] += charge
            found[at.held[s]] += charge
            found[at.volume[s]] += width
            found[at.generation[s]] += pairs
        if s < last:
            read = current if i == edge else 0.0
            across = (
                weight[i + 1, 0] - here[0], weight[i + 1, 1] - here[1] + read, weight[i + 1, 2] - here[2] - read,
            )  # fmt: skip
            spacing, vt = _edge(dev, w, st, (m, s), across, inverse, layer)
            if sites:
                found[at.spacing[s]] += spacing
                by_vt += vt
    found[at.vt[0]] += by_vt
    for column in range(dv.LAYER_COLUMNS):
        found[at.layer[m, column]] += layer[column]
    for t in range(trap.shape[0]):
        for column in range(dv.TRAP_COLUMNS):
            found[at.trap[t0 + t, column]] += trap[t, column]


@compiled
def add_layer(dev, w, st, held, m, edge, at, into):
    """The same as entries of a list, row by row."""
    off, d, first, last = dev.offset[m], dev.layer_junction[m], dev.site_start[m], dev.site_start[m + 1] - 1
    glow, currents, _, _ = rows_of(dev)
    t0 = dev.trap_start[m]
    layer, trap = np.zeros(dv.LAYER_COLUMNS), np.zeros((dev.trap_start[m + 1] - t0, dv.TRAP_COLUMNS))
    changed = dev.layer[m].copy()
    inverse = (1.0 / changed[dv.MU_N], 1.0 / changed[dv.MU_P], 1.0 / dev.vt)
    for s in range(first, last + 1):
        i = s - off
        for r in range(3):
            layer[:] = 0.0
            trap[:] = 0.0
            weights = (1.0 if r == 0 else 0.0, 1.0 if r == 1 else 0.0, 1.0 if r == 2 else 0.0)
            charge, width, pairs = _site(dev, w, st, held, (m, s), weights, layer, trap, changed)
            if r == 2:
                put_more(into, glow + m, at.volume[s], width)
                for column in range(dv.LAYER_COLUMNS):
                    if layer[column] != 0.0:
                        put_more(into, glow + m, at.layer[m, column], layer[column])
                continue
            # both carriers' rows are alike
            for q in range(r, 2 * r + 1):
                put(into, i, q, at.fixed_charge[s], charge)
                put(into, i, q, at.held[s], charge)
                put(into, i, q, at.volume[s], width)
                put(into, i, q, at.generation[s], pairs)
                for column in range(dv.LAYER_COLUMNS):
                    if layer[column] != 0.0:
                        put(into, i, q, at.layer[m, column], layer[column])
                for t in range(trap.shape[0]):
                    for column in range(dv.TRAP_COLUMNS):
                        if trap[t, column] != 0.0:
                            put(into, i, q, at.trap[t0 + t, column], trap[t, column])
        if s < last:
            for r in range(3):
                layer[:] = 0.0
                weights = (1.0 if r == 0 else 0.0, 1.0 if r == 1 else 0.0, 1.0 if r == 2 else 0.0)
                spacing, vt = _edge(dev, w, st, (m, s), weights, inverse, layer)
                here = currents + d if i == edge and r > 0 else _NONE
                sign = 1.0 if r == 1 else -1.0
                put_across(into, i, r, at.spacing[s], spacing, here, sign)
                put_across(into, i, r, at.vt[0], vt, here, sign)
                for column in range(dv.LAYER_COLUMNS):
                    if layer[column] != 0.0:
                        put_across(into, i, r, at.layer[m, column], layer[column], here, sign)


@inlined
def rate_slopes(rn, rp, n, p, n1, p1, force):
    """Slopes of the stationary rate of a level by rn, rp, n, p, n1, p1, and the rate. n p of the drive counts with n
    and p.
    """
    inverse = 1.0 / (rn * (n + n1) + rp * (p + p1))
    rate = rn * rp * inverse * force
    lost = rate * inverse
    return (
        rp * force * inverse - lost * (n + n1),
        rn * force * inverse - lost * (p + p1),
        rate / n - lost * rn,
        rate / p - lost * rp,
        -lost * rn,
        -lost * rp,
    ), rate


@inlined
def filling_slopes(rn, rp, n, p, n1, p1):
    """Slopes of the stationary occupation of a level by rn, rp, n, p, n1, p1, and the occupation."""
    inverse = 1.0 / (rn * (n + n1) + rp * (p + p1))
    f = (rn * n + rp * p1) * inverse
    return (
        (n - f * (n + n1)) * inverse,
        (p1 - f * (p + p1)) * inverse,
        rn * (1.0 - f) * inverse,
        -rp * f * inverse,
        -rn * f * inverse,
        rp * (1.0 - f) * inverse,
    ), f


@compiled
def add_faces(dev, w, st, at, into):
    """Traps at faces, and thermionic emission over them."""
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        i, m = dev.site_node[s], dev.site_layer[s]
        d = dev.layer_junction[m]
        row, place = dev.face_trap[t], at.face_trap[t]
        n, p, n1, p1, _, _, _, _ = face_level(dev, w, t)
        force = drive(n, p, st.fn[i] - st.fp[i] + st.v[d])
        kind, density = row[dv.F_KIND], row[dv.F_NT]
        by, _ = rate_slopes(row[dv.F_SN], row[dv.F_SP], n, p, n1, p1, force)
        of, f = filling_slopes(row[dv.F_SN], row[dv.F_SP], n, p, n1, p1)
        filled = density if kind != 0.0 else 0.0
        put_pairs(into, i, place[dv.F_SN], by[0])
        put_pairs(into, i, place[dv.F_SP], by[1])
        if kind != 0.0:
            put(into, i, _POISSON, place[dv.F_SN], filled * of[0])
            put(into, i, _POISSON, place[dv.F_SP], filled * of[1])
            put(into, i, _POISSON, place[dv.F_NT], f - 1.0 if kind > 0.0 else f)
        for side in range(2):
            site = s + side
            cn, cp = coefficient(w.lgn[site]), coefficient(w.lgp[site])
            of_n, of_p = (dv.F_N1L, dv.F_P1L) if side == 0 else (dv.F_N1R, dv.F_P1R)
            put_pairs(into, i, place[of_n], cn * by[4])
            put_pairs(into, i, place[of_p], cp * by[5])
            activity = (w.gn[site], w.gp[site])
            near_n, near_p, near_n1, near_p1 = w.n[site], w.p[site], row[of_n] * cn, row[of_p] * cp
            carriers = (near_n * by[2], near_n1 * by[4], near_p * by[3], near_p1 * by[5])
            put_carriers(into, at.layer[m + side], i, _N, carriers, activity)
            put_carriers(into, at.layer[m + side], i, _P, carriers, activity)
            if kind != 0.0:
                put(into, i, _POISSON, place[of_n], filled * cn * of[4])
                put(into, i, _POISSON, place[of_p], filled * cp * of[5])
                carriers = (
                    filled * near_n * of[2], filled * near_n1 * of[4], filled * near_p * of[3],
                    filled * near_p1 * of[5],
                )  # fmt: skip
                put_carriers(into, at.layer[m + side], i, _POISSON, carriers, activity)
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        i, m = dev.site_node[s], dev.site_layer[s]
        field = 0.5 * (st.psi[i + 1] - st.psi[i]) / FACE_LENGTH
        put_across(into, i, _POISSON, at.layer[m, dv.EPS], field, _NONE, 1.0)
        put_across(into, i, _POISSON, at.layer[m + 1, dv.EPS], field, _NONE, 1.0)
        of_n, of_p = thermionic_fluxes(dev, w, st, b)
        row = dev.barrier[b]
        put_across(into, i, _N, at.barrier[b, dv.B_VN], of_n[0] / row[dv.B_VN], _NONE, 1.0)
        put_across(into, i, _P, at.barrier[b, dv.B_VP], of_p[0] / row[dv.B_VP], _NONE, 1.0)
        # the carriers that count are those of the higher band
        over_n = 1 if row[dv.B_JUMP_C] > 0.0 else 0
        over_p = 1 if row[dv.B_JUMP_V] < 0.0 else 0
        put_across(into, i, _N, at.layer[m + over_n, dv.LN_NC], of_n[0], _NONE, 1.0)
        put_across(into, i, _N, at.layer[m + over_n, dv.EC], -of_n[0] * w.gn[s + over_n], _NONE, 1.0)
        put_across(into, i, _P, at.layer[m + over_p, dv.LN_NV], of_p[0], _NONE, 1.0)
        put_across(into, i, _P, at.layer[m + over_p, dv.EV], of_p[0] * w.gp[s + over_p], _NONE, 1.0)


@compiled
def add_ions(dev, w, at, sites, into):
    """Species that re-equilibrate: their charge, and their numbers per area. sites (M,): as in `weigh_layer`."""
    _, _, numbers, _ = rows_of(dev)
    for k in range(dev.ion.shape[0]):
        m, z, limit = int(dev.ion[k, dv.I_LAYER]), dev.ion[k, dv.I_Z], dev.ion[k, dv.I_SITES]
        put_more(into, numbers + k, at.ion[k, dv.I_NUMBER], 1.0)
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            if sites[m]:
                put(into, i, _POISSON, at.volume[s], -z * w.ion[k, s])
                put_more(into, numbers + k, at.volume[s], -w.ion[k, s])
            if limit > 0.0:
                fill = w.ion[k, s] / limit
                rest = dev.volume[s] * fill * fill
                put(into, i, _POISSON, at.ion[k, dv.I_SITES], -z * rest)
                put_more(into, numbers + k, at.ion[k, dv.I_SITES], -rest)


@compiled
def add_contacts(dev, w, st, at, into):
    """The ends of every junction: the potential that is held there, and carriers that leave."""
    for end in range(2 * st.v.size):
        d = end // 2
        i, s, row, anode = end_of(dev, d, end - 2 * d)
        m = dev.site_layer[s]
        v = st.v[d] if anode else 0.0
        back = st.v[d] - v
        numbers, place = dev.contact[row], at.contact[row]
        if numbers[dv.C_BARE] == 0.0:
            put_held(into, i, _POISSON, place[dv.C_PSI], 1.0)
        # velocities are entered as they stand; other ways to leave by a small change of their numbers
        if numbers[dv.C_SN] >= 0.0:
            _, by_n, _ = contact_loss(numbers, ELECTRONS, w.n[s], st.fn[i] + v)
            put(into, i, _N, at.layer[m, dv.LN_NC], by_n)
            put(into, i, _N, at.layer[m, dv.EC], -by_n * w.gn[s])
            _put_contact(into, numbers, ELECTRONS, w.n[s], st.fn[i] + v, i, place)
        if numbers[dv.C_SP] >= 0.0:
            _, by_p, _ = contact_loss(numbers, HOLES, w.p[s], back - st.fp[i])
            put(into, i, _P, at.layer[m, dv.LN_NV], by_p)
            put(into, i, _P, at.layer[m, dv.EV], by_p * w.gp[s])
            _put_contact(into, numbers, HOLES, w.p[s], back - st.fp[i], i, place)


@inlined
def _put_contact(into, numbers, carrier, n, d, i, place):
    """Of what leaves by the contact's numbers; it is in proportion to most of them."""
    for column in range(dv.C_SN, dv.CONTACT_COLUMNS):
        if column == dv.C_BARE or (column != dv.C_SN + carrier and column <= dv.C_SP):
            continue
        changed = numbers.copy()
        step = _STEP * numbers[column] if numbers[column] > 0.0 else 1.0
        if numbers[column] <= 0.0 and column > dv.C_SP:
            continue
        changed[column] = numbers[column] + step
        high = contact_loss(changed, carrier, n, d)[0]
        changed[column] = numbers[column] - step if numbers[column] > 0.0 else numbers[column]
        low = contact_loss(changed, carrier, n, d)[0]
        value = (high - low) / ((2.0 if numbers[column] > 0.0 else 1.0) * step)
        put(into, i, _N + carrier, place[column], value)


@compiled
def add_circuit(dev, net, st, answer, at, first, into):
    """Slopes of the circuit's equations, rows `first` on (as in `circuit.places`), and of the current at the terminals
    itself, the row behind them, by the circuit's own numbers.
    """
    _, current, branch, _, last, size = places(net)
    for d in range(net.anode.size):
        put_more(into, first + current + d, at.leak[d], -st.v[d])
        put_more(into, first + d, at.vt[0], -st.v[d])
        _put_area(into, first, (last, size), net.cathode[d], net.anode[d], answer.current[d], at.area[d])
    for r in range(net.tail.size):
        i = (answer.potential[net.tail[r]] - answer.potential[net.head[r]]) / net.resistance[r]
        put_more(into, first + branch + r, at.resistance[r], i)
        _put_area(into, first, (last, size), net.tail[r], net.head[r], i, at.width[r])


@inlined
def _put_area(into, first, rows, tail, head, current, number):
    """What a branch carries is its area times this current, from its tail to its head."""
    last, size = rows
    if tail == ANODE:
        put_more(into, first + size, number, -current)
    elif tail != CATHODE:
        put_more(into, first + last + tail - 1, number, current)
    if head == ANODE:
        put_more(into, first + size, number, current)
    elif head != CATHODE:
        put_more(into, first + last + head - 1, number, -current)


@compiled
def add_lights(dev, net, lights, at, first, into):
    """Slopes by the light between junctions: what of it arrives (rows of the circuit, `first` on), and where."""
    light, _, _, _, _, _ = places(net)
    for d in range(net.anode.size):
        begin, end = lights_into(net, d)
        node = nodes_of(dev, d)
        for k in range(begin, end):
            if net.share[k] != 0.0:
                put_more(into, first + light + k, at.share[k], lights[k] / net.share[k])
            for s in range(net.profile_start[k], net.profile_start[k + 1]):
                i = node[s - net.profile_start[k]]
                put_pairs(into, i, at.profile[s], -lights[k])


@compiled
def free_rows(dev, w, unknowns):
    """(N, unknowns) whether each row is an equation, from what `assemble` left: not where a contact holds potential or
    level.
    """
    free = np.ones((dev.x.size, unknowns), dtype=np.bool_)
    for d in range(dev.node_start.size - 1):
        for side in range(2):
            i = dev.node_start[d] if side == 0 else dev.node_start[d + 1] - 1
            free[i, 0] = dev.contact[2 * d + side, dv.C_BARE] != 0.0
    for i in range(dev.x.size):
        for r in range(2):
            free[i, 1 + r] = w.leak[i, r] != np.inf
    return free
