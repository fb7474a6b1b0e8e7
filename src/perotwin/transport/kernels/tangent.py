"""How one implicit time step follows the numbers of its equations and the states before it: the same step's Jacobian,
solved for all fields at once.

A step solves F(u, numbers, past) = 0 with past = sum of weights times what earlier states stored. Its tangent is that
of u at frozen weights, rate and moment: A du = dF by the numbers + dF by the past. How what is stored follows goes on
to the next step.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.blocks import eliminate_blocks
from perotwin.transport.kernels.circuit import ANODE, close, close_columns, places
from perotwin.transport.kernels.flux import bernoulli, edge_flux
from perotwin.transport.kernels.in_motion import load_blocks, total_current, trap_memory
from perotwin.transport.kernels.linearise import (
    BY_VOLTAGE,
    gather,
    lights_into,
    radiation,
    set_columns,
)
from perotwin.transport.kernels.linearise import add_lights as take_in
from perotwin.transport.kernels.recombination import bulk_level, face_level, layer_radiation
from perotwin.transport.kernels.right_hand_sides import quiet_edge, site_of_edge, through
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.kernels.slopes import (
    Into,
    add_circuit,
    add_contacts,
    add_faces,
    add_layer,
    add_lights,
    filling_slopes,
    free_rows,
    put,
    put_carriers,
    put_more,
    rows_of,
    spread,
    whole,
)
from perotwin.transport.kernels.statistics import coefficient, ion_density, moving_charge, moving_ions

#: part of a density of sites by which it is changed where the slope of a flux by it is asked for
_STEP = 1e-4
_POISSON, _N, _P = np.int64(0), np.int64(1), np.int64(2)
#: numbers of a level: its own six (`slopes.filling_slopes`) and its density
_OF_LEVEL = 7


@compiled
def follow_step(dev, w, b, net, row, sources, step, filled, fields, before, memory, out):
    """How a solved step follows P fields.

    row, filled, sources (gen, held): of the step, as `implicit_step` has them; b has room for P more columns. step:
    (difference, constraint, first), the last the first of these columns. fields: (places, (start (W + 1,), field,
    factor)), where each of the W numbers stands, and what follows it. before: (past (P, stored), rate (P,), gen (P,
    S)), how the difference's past and rate and the generation follow. memory: (linear, answer, scratch of
    `slopes.make_into`).

    out: (stored (P, stored), current (P,), voltage (P,), light (P, M)) receives how what is stored, current (A m^-2)
    and voltage (V) at the terminals, and the net radiative rate of each layer (m^-2 s^-1) follow. Returns whether the
    circuit could be solved.
    """
    gen, held = sources
    difference, constraint, first = step
    at, sparse = fields
    linear, answer, scratch = memory
    count = before[1].size
    st, past, rate = state_in(dev, row), stored_in(dev, difference.past), difference.rate
    junctions = net.anode.size
    lights, volts = np.zeros(net.emitter.size), np.zeros(junctions)
    edges, flux = np.zeros(junctions, dtype=np.int64), np.zeros(junctions)
    all_free = np.ones(junctions, dtype=np.bool_)
    moving_ions(dev, w, st)
    charge = held.copy()
    moving_charge(dev, w, charge)
    assemble(dev, w, st, gen, charge)
    load_blocks(dev, w, b, st, rate, past)
    trap_memory(dev, w, b, rate, False, past, filled)
    F = b.rhs
    F[:, :, 1:] = 0.0
    for k in range(lights.size):
        lights[k] = radiation(net, k, dev, w, st)
    for d in range(junctions):
        take_in(net, d, dev, w, F, lights)
        set_columns(net, d, dev, w, st, F, all_free[d])
        edges[d] = quiet_edge(dev, w, d)
        flux[d] = total_current(dev, w, b, d, edges[d], rate, st.psi, past.psi)
    glow, currents, fillings, _ = rows_of(dev)
    circuit = fillings + dev.trap.shape[0] * dev.volume.size + dev.face_trap_site.size
    light, current, _, node, last, size = places(net)
    more = np.zeros((circuit + size + 1, count))
    scratch[3][0] = 0
    into = Into(free_rows(dev, w, b.diag.shape[1]), scratch[0], scratch[1], scratch[2], scratch[3])
    add_lights(dev, net, lights, at, circuit, into)
    add_contacts(dev, w, st, at, into)
    for m in range(dev.offset.size):
        add_layer(dev, w, st, charge, m, edges[dev.layer_junction[m]], at, into)
    add_faces(dev, w, st, at, into)
    _add_stored(dev, w, st, rate, past, at, into)
    _add_ions(dev, w, b, st, rate, past, edges, currents, at, into)
    _add_traps(dev, w, rate, past, fillings, at, into)
    _add_displacement(dev, st, rate, past, edges, currents, at, into)
    spread(into, sparse, F, first, more)
    _add_before(dev, w, st, (into.free, F, first, more), rate, past, edges, (currents, fillings), before)
    if not whole(into):
        return False
    for d in range(junctions):
        eliminate_blocks(dev, b, d, first + count)
        linear.current[d] = net.charge[d] * flux[d] - net.leak[d] * st.v[d]
        volts[d] = net.vt * st.v[d]
        gather(net, d, dev, w, st, F, b.slope[d], edges[d], all_free[d], linear)
    # the state is a solution: this finds the currents and potentials of the circuit
    if not close(net, linear, volts, constraint, answer):
        return False
    into.count[0] = 0
    add_circuit(dev, net, st, answer, at, circuit, into)
    spread(into, sparse, F, first, more)
    radiate = np.zeros((dev.offset.size, first + count))
    for m in range(dev.offset.size):
        layer_radiation(dev, w, m, st, F, radiate[m])
    y = more[circuit : circuit + size].copy()
    for q in range(count):
        for d in range(junctions):
            y[current + d, q] += net.charge[d] * (
                through(b.slope[d], edges[d], F, first + q) + more[currents + d, q]
            )
        for k in range(lights.size):
            m = dev.layer_start[net.emitter[k]] + net.layer[k]
            y[light + k, q] += net.share[k] * (radiate[m, first + q] + more[glow + m, q])
        y[last, q] -= constraint.b * more[circuit + size, q]
    terminal = out[1]
    if not close_columns(net, linear, constraint, y, terminal):
        return False
    for q in range(count):
        terminal[q] += more[circuit + size, q]
        out[2][q] = y[node + ANODE, q]
        for m in range(dev.offset.size):
            out[3][q, m] = radiate[m, first + q] + more[glow + m, q]
    for d in range(junctions):
        _combine(net, d, dev, F, first, count, y)
        begin, end = lights_into(net, d)
        for m in range(dev.layer_start[d], dev.layer_start[d + 1]):
            for q in range(count):
                out[3][q, m] += radiate[m, BY_VOLTAGE] * y[d, q]
                for k in range(begin, end):
                    out[3][q, m] += radiate[m, 2 + k - begin] * y[light + k, q]
    for q in range(count):
        _store(dev, w, F, first + q, stored_in(dev, out[0][q]), rate, filled, more[fillings:circuit, q])
    _store_numbers(dev, w, out[0], at, sparse)
    return True


@compiled
def _combine(net, d, dev, F, first, count, y):
    """Let the columns of F from `first` on follow what the circuit found for junction d."""
    begin, end = lights_into(net, d)
    light = net.anode.size
    for i in range(dev.node_start[d], dev.node_start[d + 1]):
        for r in range(F.shape[1]):
            for q in range(count):
                F[i, r, first + q] += F[i, r, BY_VOLTAGE] * y[d, q]
                for k in range(begin, end):
                    F[i, r, first + q] += F[i, r, 2 + k - begin] * y[light + k, q]


# --- slopes of what an equation has besides the steady ones ---------------------------------------------------------


@compiled
def _add_stored(dev, w, st, rate, past, at, into):
    """The derivative in time of carriers."""
    for s in range(dev.volume.size):
        i, m, vol = dev.site_node[s], dev.site_layer[s], dev.volume[s]
        activity = (w.gn[s], w.gp[s])
        put(into, i, _N, at.volume[s], rate * w.n[s] - past.n[s])
        put_carriers(into, at.layer[m], i, _N, (vol * rate * w.n[s], 0.0, 0.0, 0.0), activity)
        put(into, i, _P, at.volume[s], rate * w.p[s] - past.p[s])
        put_carriers(into, at.layer[m], i, _P, (0.0, 0.0, vol * rate * w.p[s], 0.0), activity)


@inlined
def _ion_flux(dev, st, k, s, sites):
    """Flux of species k over the edge behind site s, towards the front, with a density of sites (m^-3)."""
    m, z = int(dev.motion[k, dv.M_LAYER]), dev.motion[k, dv.M_Z]
    i = s - dev.offset[m]
    c1, dc1 = ion_density(st.level[k, i] - z * st.psi[i], sites)
    c2, dc2 = ion_density(st.level[k, i + 1] - z * st.psi[i + 1], sites)
    g1, g2 = dc1 / c1, dc2 / c2
    y = -z * (st.psi[i + 1] - st.psi[i])
    if sites > 0.0:
        y += np.log(g2 / g1)
    c, step = dev.motion[k, dv.M_D] / dev.spacing[s], st.level[k, i + 1] - st.level[k, i]
    return edge_flux(c, (c1, g1), (c2, g2), bernoulli(y), step)[0]


@compiled
def _add_ions(dev, w, b, st, rate, past, edges, currents, at, into):
    """Rows of the species that move; their charge by its sites."""
    for k in range(dev.motion.shape[0]):
        m, slot = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT])
        z, sites, diffusion = dev.motion[k, dv.M_Z], dev.motion[k, dv.M_SITES], dev.motion[k, dv.M_D]
        d = dev.layer_junction[m]
        last = dev.site_start[m + 1] - 1
        for s in range(dev.site_start[m], last + 1):
            i = s - dev.offset[m]
            put(into, i, slot, at.volume[s], rate * w.ion[k, s] - past.ion[k, s])
            if sites > 0.0:
                fill = w.ion[k, s] / sites
                more = dev.volume[s] * fill * fill
                put(into, i, slot, at.motion[k, dv.M_SITES], rate * more)
                put(into, i, _POISSON, at.motion[k, dv.M_SITES], -z * more)
            if s == last:
                continue
            back = -b.flux[k, s]
            here = i == edges[d]
            for number, value in (
                (at.motion[k, dv.M_D], back / diffusion if diffusion != 0.0 else 0.0),
                (at.spacing[s], -back / dev.spacing[s]),
            ):
                _put_ions_across(into, i, slot, number, value, currents + d, z, here)
            if sites > 0.0:
                step = _STEP * sites
                rise = _ion_flux(dev, st, k, s, sites + step) - _ion_flux(dev, st, k, s, sites - step)
                number = at.motion[k, dv.M_SITES]
                _put_ions_across(into, i, slot, number, rise / (2.0 * step), currents + d, z, here)


@inlined
def _put_ions_across(into, i, slot, number, value, row, z, here):
    put(into, i, slot, number, -value)
    put(into, i + 1, slot, number, value)
    if here:
        # conventional current: along x, where the flux is towards the front
        put_more(into, row, number, -z * value)


@compiled
def _add_displacement(dev, st, rate, past, edges, currents, at, into):
    """The displacement current over the edges where currents are read."""
    for d in range(edges.size):
        s = site_of_edge(dev, edges[d])
        m, i = dev.site_layer[s], edges[d]
        rise = rate * (st.psi[i + 1] - st.psi[i]) - (past.psi[i + 1] - past.psi[i])
        eps, h = dev.layer[m, dv.EPS], dev.spacing[s]
        put_more(into, currents + d, at.layer[m, dv.EPS], -rise / h)
        put_more(into, currents + d, at.spacing[s], eps * rise / (h * h))


@inlined
def _lag(rate, past, nt, rn, rp, n, p, n1, p1):
    """How far a level's occupation lags behind its stationary one, its answer to what came before, both as
    `in_motion._lagging` has them; the stationary one, and its slopes.
    """
    of, stationary = filling_slopes(rn, rp, n, p, n1, p1)
    den = rn * (n + n1) + rp * (p + p1)
    own = 1.0 / (rate + den / nt)
    return (past - rate * stationary) * own, own, stationary, of, den


@inlined
def _lag_slopes(rate, lag, own, of, den, nt, numbers, slopes):
    """Set slopes (4, 7) of what lags by rn, rp, n, p, n1, p1 and the density: in the charge, in the electrons' row and
    the holes' per width, and of the occupation.
    """
    rn, rp, n, p, n1, p1 = numbers
    catch, give = rn * (n + n1), rp * (p + p1)
    by_den = (n + n1, p + p1, rn, rp, rn, rp)
    by_catch = (n + n1, 0.0, rn, 0.0, rn, 0.0)
    by_give = (0.0, p + p1, 0.0, rp, 0.0, rp)
    for x in range(_OF_LEVEL):
        if x < 6:
            change = own * (-rate * of[x] - lag * by_den[x] / nt)
            slopes[0, x] = nt * change
            slopes[1, x] = -(catch * change + lag * by_catch[x])
            slopes[2, x] = give * change + lag * by_give[x]
            slopes[3, x] = of[x] + change
        else:
            change = own * lag * den / (nt * nt)
            slopes[0, x] = nt * change + lag
            slopes[1, x] = -catch * change
            slopes[2, x] = give * change
            slopes[3, x] = change


@compiled
def _add_traps(dev, w, rate, past, fillings, at, into):
    """What charged levels lag behind, and their occupations (rows `fillings` on)."""
    slopes = np.zeros((4, _OF_LEVEL))
    sites = dev.volume.size
    for m in range(dev.offset.size):
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt, rn, rp = dev.trap[t, dv.T_NT], dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP]
            if dev.trap[t, dv.T_KIND] == 0.0 or nt == 0.0:
                continue
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i, vol, row = dev.site_node[s], dev.volume[s], fillings + t * sites + s
                n, p, n1, p1, _, _, _, _ = bulk_level(dev, w, t, s)
                lag, own, _, of, den = _lag(rate, past.bulk[t, s], nt, rn, rp, n, p, n1, p1)
                _lag_slopes(rate, lag, own, of, den, nt, (rn, rp, n, p, n1, p1), slopes)
                cn, cp = coefficient(w.lgn[s]), coefficient(w.lgp[s])
                activity = (w.gn[s], w.gp[s])
                put(into, i, _POISSON, at.volume[s], nt * lag)
                put(into, i, _N, at.volume[s], -rn * (n + n1) * lag)
                put(into, i, _P, at.volume[s], rp * (p + p1) * lag)
                for r in range(4):
                    a = slopes[r]
                    by = vol if r < 3 else 1.0
                    _put_level(into, i, r, row, at.trap[t, dv.T_RN], by * a[0])
                    _put_level(into, i, r, row, at.trap[t, dv.T_RP], by * a[1])
                    _put_level(into, i, r, row, at.trap[t, dv.T_N1], by * a[4] * cn)
                    _put_level(into, i, r, row, at.trap[t, dv.T_P1], by * a[5] * cp)
                    _put_level(into, i, r, row, at.trap[t, dv.T_NT], by * a[6])
                    carriers = (by * n * a[2], by * n1 * a[4], by * p * a[3], by * p1 * a[5])
                    _put_carriers(into, at.layer[m], i, r, row, carriers, activity)
    for t in range(dev.face_trap_site.size):
        place, own_row = at.face_trap[t], dev.face_trap[t]
        nt, rn, rp = own_row[dv.F_NT], own_row[dv.F_SN], own_row[dv.F_SP]
        if own_row[dv.F_KIND] == 0.0 or nt == 0.0:
            continue
        first = dev.face_trap_site[t]
        i, row = dev.site_node[first], fillings + dev.trap.shape[0] * sites + t
        n, p, n1, p1, _, _, _, _ = face_level(dev, w, t)
        lag, own, _, of, den = _lag(rate, past.face[t], nt, rn, rp, n, p, n1, p1)
        _lag_slopes(rate, lag, own, of, den, nt, (rn, rp, n, p, n1, p1), slopes)
        for r in range(4):
            a = slopes[r]
            _put_level(into, i, r, row, place[dv.F_SN], a[0])
            _put_level(into, i, r, row, place[dv.F_SP], a[1])
            _put_level(into, i, r, row, place[dv.F_NT], a[6])
            for side in range(2):
                s = first + side
                of_n, of_p = (dv.F_N1L, dv.F_P1L) if side == 0 else (dv.F_N1R, dv.F_P1R)
                cn, cp = coefficient(w.lgn[s]), coefficient(w.lgp[s])
                _put_level(into, i, r, row, place[of_n], a[4] * cn)
                _put_level(into, i, r, row, place[of_p], a[5] * cp)
                carriers = (
                    w.n[s] * a[2], own_row[of_n] * cn * a[4], w.p[s] * a[3], own_row[of_p] * cp * a[5],
                )  # fmt: skip
                _put_carriers(into, at.layer[dev.site_layer[s]], i, r, row, carriers, (w.gn[s], w.gp[s]))


@compiled
def _put_level(into, i, r, row, number, value):
    """Of row r of node i, or of an occupation's own row."""
    if r < 3:
        put(into, i, r, number, value)
    else:
        put_more(into, row, number, value)


@compiled
def _put_carriers(into, place, i, r, row, carriers, activity):
    ln_n, lg_n, ln_p, lg_p = carriers
    gn, gp = activity
    _put_level(into, i, r, row, place[dv.LN_NC], ln_n)
    _put_level(into, i, r, row, place[dv.LN_NV], ln_p)
    _put_level(into, i, r, row, place[dv.EC], -ln_n * gn - lg_n * (gn - 1.0))
    _put_level(into, i, r, row, place[dv.EV], ln_p * gp + lg_p * (gp - 1.0))


@compiled
def _add_before(dev, w, st, out, rate, past, edges, rows, before):
    """What follows from how the past, the rate and the generation follow; out: (free rows, F, first, more)."""
    past_by, rate_by, gen_by = before
    free, F, first, more = out
    currents, fillings = rows
    sites = dev.volume.size
    for q in range(rate_by.size):
        c, faster, gen = first + q, rate_by[q], gen_by[q]
        by = stored_in(dev, past_by[q])
        for s in range(sites):
            i, vol = dev.site_node[s], dev.volume[s]
            if free[i, 1]:
                F[i, 1, c] += vol * (faster * w.n[s] - by.n[s]) - gen[s]
            if free[i, 2]:
                F[i, 2, c] += vol * (faster * w.p[s] - by.p[s]) - gen[s]
        for k in range(dev.motion.shape[0]):
            m, slot = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT])
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                F[s - dev.offset[m], slot, c] += dev.volume[s] * (faster * w.ion[k, s] - by.ion[k, s])
        for d in range(edges.size):
            s, i = site_of_edge(dev, edges[d]), edges[d]
            each = dev.layer[dev.site_layer[s], dv.EPS] / dev.spacing[s]
            more[currents + d, q] -= each * (
                faster * (st.psi[i + 1] - st.psi[i]) - (by.psi[i + 1] - by.psi[i])
            )
        for m in range(dev.offset.size):
            for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
                nt, rn, rp = dev.trap[t, dv.T_NT], dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP]
                if dev.trap[t, dv.T_KIND] == 0.0 or nt == 0.0:
                    continue
                for s in range(dev.site_start[m], dev.site_start[m + 1]):
                    n, p, n1, p1, _, _, _, _ = bulk_level(dev, w, t, s)
                    lag, own, f, _, _ = _lag(rate, past.bulk[t, s], nt, rn, rp, n, p, n1, p1)
                    change = own * (by.bulk[t, s] - faster * (f + lag))
                    numbers = (dev.volume[s], nt, rn * (n + n1), rp * (p + p1))
                    _lag_into(free, F, dev.site_node[s], c, numbers, change)
                    more[fillings + t * sites + s, q] += change
        for t in range(dev.face_trap_site.size):
            nt, rn, rp = dev.face_trap[t, dv.F_NT], dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP]
            if dev.face_trap[t, dv.F_KIND] == 0.0 or nt == 0.0:
                continue
            n, p, n1, p1, _, _, _, _ = face_level(dev, w, t)
            lag, own, f, _, _ = _lag(rate, past.face[t], nt, rn, rp, n, p, n1, p1)
            change = own * (by.face[t] - faster * (f + lag))
            _lag_into(
                free,
                F,
                dev.site_node[dev.face_trap_site[t]],
                c,
                (1.0, nt, rn * (n + n1), rp * (p + p1)),
                change,
            )
            more[fillings + dev.trap.shape[0] * sites + t, q] += change


@inlined
def _lag_into(free, F, i, c, numbers, change):
    """Column c of what a level at node i lags behind."""
    vol, nt, catch, give = numbers
    if free[i, 0]:
        F[i, 0, c] += vol * nt * change
    if free[i, 1]:
        F[i, 1, c] -= vol * catch * change
    if free[i, 2]:
        F[i, 2, c] += vol * give * change


# --- what the next steps need ---------------------------------------------------------------------------------------


@compiled
def _store(dev, w, F, c, out, rate, filled, fillings):
    """How what is stored follows column c of F; fillings (T S + TF,): occupations at a fixed state."""
    sites = dev.volume.size
    for i in range(dev.x.size):
        out.psi[i] = F[i, 0, c]
    for s in range(sites):
        i = dev.site_node[s]
        out.n[s] = w.n[s] * w.gn[s] * (F[i, 0, c] + F[i, 1, c])
        out.p[s] = -w.p[s] * w.gp[s] * (F[i, 0, c] + F[i, 2, c])
    out.ion[:] = 0.0
    for k in range(dev.motion.shape[0]):
        m, slot = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT])
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            out.ion[k, s] = w.dion[k, s] * (F[i, slot, c] - dev.motion[k, dv.M_Z] * F[i, 0, c])
    out.bulk[:] = 0.0
    out.face[:] = 0.0
    for m in range(dev.offset.size):
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt, rn, rp = dev.trap[t, dv.T_NT], dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP]
            if dev.trap[t, dv.T_KIND] == 0.0 or nt == 0.0:
                continue
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = dev.site_node[s]
                by = _filling(bulk_level(dev, w, t, s), rn, rp, nt, rate, filled.bulk[t, s], F, i, c)
                out.bulk[t, s] = by + fillings[t * sites + s]
    for t in range(dev.face_trap_site.size):
        nt, rn, rp = dev.face_trap[t, dv.F_NT], dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP]
        if dev.face_trap[t, dv.F_KIND] == 0.0 or nt == 0.0:
            continue
        i = dev.site_node[dev.face_trap_site[t]]
        by = _filling(face_level(dev, w, t), rn, rp, nt, rate, filled.face[t], F, i, c)
        out.face[t] = by + fillings[dev.trap.shape[0] * sites + t]


@inlined
def _filling(level, rn, rp, nt, rate, f, F, i, c):
    """How an occupation f = (past + (rn n + rp p1) / nt) / (rate + den / nt) follows the unknowns of node i."""
    n, p, n1, p1, n_eta, p_eta, n1_eta, p1_eta = level
    own = 1.0 / (nt * rate + rn * (n + n1) + rp * (p + p1))
    by_n = (rn * n_eta - f * rn * (n_eta + n1_eta)) * own
    by_p = (rp * p1_eta - f * rp * (p_eta + p1_eta)) * own
    return by_n * (F[i, 0, c] + F[i, 1, c]) - by_p * (F[i, 0, c] + F[i, 2, c])


@compiled
def _store_numbers(dev, w, out, at, fields):
    """Add to `out` (P, stored) how densities follow the numbers at a fixed state."""
    sites = dev.volume.size
    for s in range(sites):
        m = dev.site_layer[s]
        _store_one(fields, at.layer[m, dv.LN_NC], w.n[s], out, s)
        _store_one(fields, at.layer[m, dv.EC], -w.n[s] * w.gn[s], out, s)
        _store_one(fields, at.layer[m, dv.LN_NV], w.p[s], out, sites + s)
        _store_one(fields, at.layer[m, dv.EV], w.p[s] * w.gp[s], out, sites + s)
    for k in range(dev.motion.shape[0]):
        m, limit = int(dev.motion[k, dv.M_LAYER]), dev.motion[k, dv.M_SITES]
        if limit > 0.0:
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                fill = w.ion[k, s] / limit
                _store_one(fields, at.motion[k, dv.M_SITES], fill * fill, out, (2 + k) * sites + s)


@inlined
def _store_one(fields, number, value, out, place):
    start, field, factor = fields
    for k in range(start[number], start[number + 1]):
        out[field[k], place] += value * factor[k]
