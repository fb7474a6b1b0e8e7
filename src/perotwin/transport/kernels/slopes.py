"""How the equations follow the numbers that they are made of, at a fixed state: their rows' slopes, each written once.

Rows are those that `assemble` fills (Poisson, electrons, holes), with its signs, and besides them (`rows_of`) what
layers radiate, what flows over the edges where currents are read, and the numbers of ions. Each slope is `put` on a
list, which `weigh` sums up by number and `spread` enters as what each row follows of fields. A carrier density follows
its band's edge through eta = (level - edge) / kT, with n ~ N exp(eta) and the activity coefficient, and N at a fixed
eta.
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
from perotwin.transport.kernels.flux import carrier_fluxes
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


@compiled
def add_layer(dev, w, st, held, m, edge, at, into):
    """Sources, displacement and fluxes of layer m.

    held (S,): charge of all ions that the device itself does not say, m^-3. edge: over which its junction's current is
    read. at: `numbers.Numbers`, the place of each number.
    """
    row, off, d = dev.layer[m], dev.offset[m], dev.layer_junction[m]
    v = st.v[d]
    crowded = dev.balanced[m] and row[dv.K_RAD] > 0.0 and row[dv.DEGENERATE] != 0.0
    t0, t1 = dev.trap_start[m], dev.trap_start[m + 1]
    last = dev.site_start[m + 1] - 1
    changed = row.copy()
    # rows of places, not all of them, are handed on: what a call takes is copied
    place = at.layer[m]
    glow, currents, _, _ = rows_of(dev)
    for s in range(dev.site_start[m], last + 1):
        i, vol = s - off, dev.volume[s]
        n, p = w.n[s], w.p[s]
        activity = (w.gn[s], w.gp[s])
        put(into, i, _POISSON, at.fixed_charge[s], -vol)
        put(into, i, _POISSON, at.held[s], -vol)
        put(into, i, _POISSON, at.volume[s], -(p - n + dev.fixed_charge[s] + held[s]))
        put_pairs(into, i, at.generation[s], -1.0)
        force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
        # slopes by ln n and ln p of the charge, and of recombination; what n p leaves to the drive is in these
        q_n, q_p, qg_n, qg_p = vol * n, -vol * p, 0.0, 0.0
        r_n, r_p, rg_n, rg_p = 0.0, 0.0, 0.0, 0.0
        more = 1.0 + crowding(w, s) if crowded else 1.0
        put_pairs(into, i, place[dv.K_RAD], vol * more * force)
        put_more(into, glow + m, place[dv.K_RAD], vol * more * force)
        if row[dv.K_RAD] != 0.0:
            rate = row[dv.K_RAD] * more * force
            put_pairs(into, i, at.volume[s], rate)
            put_more(into, glow + m, at.volume[s], rate)
            r_n, r_p = vol * rate, vol * rate
            if crowded:
                rg_n, rg_p = -vol * rate, -vol * rate
            _put_more_carriers(into, place, glow + m, (r_n, rg_n, r_p, rg_p), activity)
        k, k_n, k_p = free_carriers(row, n, p)
        k -= row[dv.K_RAD]
        r_n += vol * force * (k + k_n)
        r_p += vol * force * (k + k_p)
        put_pairs(into, i, at.volume[s], force * k)
        put_pairs(into, i, place[dv.AUGER_N], vol * force * n)
        put_pairs(into, i, place[dv.AUGER_P], vol * force * p)
        for column in range(dv.AUGER_P + 1, dv.LAYER_COLUMNS):
            if row[column] == 0.0:
                continue
            step = _STEP * row[column]
            for c in range(COUNT):
                if c == RADIATIVE:
                    continue
                changed[column] = row[column] + step
                high = coefficient_of(c, changed, n, p)
                changed[column] = row[column] - step
                low = coefficient_of(c, changed, n, p)
                changed[column] = row[column]
                put_pairs(into, i, place[column], vol * force * (high - low) / (2.0 * step))
        cn, cp = coefficient(w.lgn[s]), coefficient(w.lgp[s])
        for t in range(t0, t1):
            rn, rp = dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP]
            n1, p1 = dev.trap[t, dv.T_N1] * cn, dev.trap[t, dv.T_P1] * cp
            kind, density = dev.trap[t, dv.T_KIND], dev.trap[t, dv.T_NT]
            by, rate = rate_slopes(rn, rp, n, p, n1, p1, force)
            r_n += vol * n * by[2]
            r_p += vol * p * by[3]
            rg_n += vol * n1 * by[4]
            rg_p += vol * p1 * by[5]
            put_pairs(into, i, at.trap[t, dv.T_RN], vol * by[0])
            put_pairs(into, i, at.trap[t, dv.T_RP], vol * by[1])
            put_pairs(into, i, at.trap[t, dv.T_N1], vol * cn * by[4])
            put_pairs(into, i, at.trap[t, dv.T_P1], vol * cp * by[5])
            put_pairs(into, i, at.volume[s], rate)
            if kind != 0.0:
                by, f = filling_slopes(rn, rp, n, p, n1, p1)
                filled = vol * density
                charge = f - 1.0 if kind > 0.0 else f
                put(into, i, _POISSON, at.trap[t, dv.T_RN], filled * by[0])
                put(into, i, _POISSON, at.trap[t, dv.T_RP], filled * by[1])
                put(into, i, _POISSON, at.trap[t, dv.T_N1], filled * cn * by[4])
                put(into, i, _POISSON, at.trap[t, dv.T_P1], filled * cp * by[5])
                put(into, i, _POISSON, at.trap[t, dv.T_NT], vol * charge)
                put(into, i, _POISSON, at.volume[s], density * charge)
                q_n += filled * n * by[2]
                q_p += filled * p * by[3]
                qg_n += filled * n1 * by[4]
                qg_p += filled * p1 * by[5]
        put_carriers(into, place, i, _POISSON, (q_n, qg_n, q_p, qg_p), activity)
        put_carriers(into, place, i, _N, (r_n, rg_n, r_p, rg_p), activity)
        put_carriers(into, place, i, _P, (r_n, rg_n, r_p, rg_p), activity)
        if s < last:
            dpsi = st.psi[i + 1] - st.psi[i]
            put_across(into, i, _POISSON, place[dv.EPS], dpsi / dev.spacing[s], _NONE, 1.0)
            put_across(
                into, i, _POISSON, at.spacing[s], -row[dv.EPS] * dpsi / dev.spacing[s] ** 2, _NONE, 1.0
            )
            here = currents + d if i == edge else _NONE
            of_n, of_p = carrier_fluxes(dev, w, st, m, s)
            _put_flux(
                into,
                place,
                (at.spacing[s], at.vt[0]),
                i,
                (_N, here, 1.0),
                of_n,
                (row[dv.MU_N], dev.spacing[s], dev.vt),
            )
            _put_flux(
                into,
                place,
                (at.spacing[s], at.vt[0]),
                i,
                (_P, here, -1.0),
                of_p,
                (row[dv.MU_P], dev.spacing[s], dev.vt),
            )


@compiled
def _put_flux(into, place, others, i, which, found, numbers):
    """Of the flux of one carrier (row, of the current, sign in it) from node i + 1 to node i.

    place, others: places of the layer's numbers, and of the spacing and kT/q. numbers: mobility, spacing, kT/q.
    """
    r, row, sign = which
    mobility, spacing, vt = numbers
    column, states, band = (dv.MU_N, dv.LN_NC, dv.EC) if r == _N else (dv.MU_P, dv.LN_NV, dv.EV)
    flux = found[0]
    put_across(into, i, r, place[column], flux / mobility, row, sign)
    put_across(into, i, r, others[0], -flux / spacing, row, sign)
    put_across(into, i, r, others[1], flux / vt, row, sign)
    put_across(into, i, r, place[states], flux, row, sign)
    # a shift of the band is one of the particles' own potential on both sides
    shift = found[3] + found[4]
    put_across(into, i, r, place[band], -shift if r == _N else shift, row, sign)


@inlined
def _put_more_carriers(into, place, row, carriers, activity):
    """As `put_carriers`, of a row that is no node's."""
    ln_n, lg_n, ln_p, lg_p = carriers
    gn, gp = activity
    put_more(into, row, place[dv.LN_NC], ln_n)
    put_more(into, row, place[dv.LN_NV], ln_p)
    put_more(into, row, place[dv.EC], -ln_n * gn - lg_n * (gn - 1.0))
    put_more(into, row, place[dv.EV], ln_p * gp + lg_p * (gp - 1.0))


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
def add_ions(dev, w, at, into):
    """Species that re-equilibrate: their charge, and their numbers per area."""
    _, _, numbers, _ = rows_of(dev)
    for k in range(dev.ion.shape[0]):
        m, z, sites = int(dev.ion[k, dv.I_LAYER]), dev.ion[k, dv.I_Z], dev.ion[k, dv.I_SITES]
        put_more(into, numbers + k, at.ion[k, dv.I_NUMBER], 1.0)
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            put(into, i, _POISSON, at.volume[s], -z * w.ion[k, s])
            put_more(into, numbers + k, at.volume[s], -w.ion[k, s])
            if sites > 0.0:
                fill = w.ion[k, s] / sites
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
