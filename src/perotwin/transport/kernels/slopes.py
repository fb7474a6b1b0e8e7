"""How a weighted sum of the steady equations follows the numbers that they are made of, at a fixed state.

The weights G (N, 3, 1) are those of the rows that `assemble` fills (Poisson, electrons, holes); what is added to
`numbers.Numbers` is the change of sum(G F) with each number. A carrier density follows its band's edge through
eta = (level - edge) / kT, with n ~ N exp(eta) and the activity coefficient, and N at a fixed eta.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.contacts import ELECTRONS, HOLES, contact_loss, end_of
from perotwin.transport.kernels.faces import FACE_LENGTH, thermionic_fluxes
from perotwin.transport.kernels.flux import carrier_fluxes
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

#: part of a number by which it is changed where a mechanism's slope by it is asked for
_STEP = 1e-4


@inlined
def _weights(dev, w, G, i, d):
    """Of node i of junction d, in its three rows; nothing where a contact holds the unknown."""
    inner = dev.node_start[d] < i < dev.node_start[d + 1] - 1
    return (
        G[i, 0, 0] if inner else 0.0,
        G[i, 1, 0] if w.leak[i, 0] != np.inf else 0.0,
        G[i, 2, 0] if w.leak[i, 1] != np.inf else 0.0,
    )


@inlined
def _by_carriers(dev, w, m, s, ln_n, lg_n, ln_p, lg_p, found):
    """Enter how the sum follows ln n and ln p of site s (at a fixed activity) and the activities' logarithms."""
    found.layer[m, dv.LN_NC] += ln_n
    found.layer[m, dv.LN_NV] += ln_p
    found.layer[m, dv.EC] -= ln_n * w.gn[s] + lg_n * (w.gn[s] - 1.0)
    found.layer[m, dv.EV] += ln_p * w.gp[s] + lg_p * (w.gp[s] - 1.0)


@compiled
def add_layer(dev, w, st, held, m, edge, by_current, glow, G, found):
    """Sources, displacement and fluxes of layer m.

    edge, by_current: the edge over which the current is read, and its weight. glow: weight of the layer's radiation.
    """
    row, off, d = dev.layer[m], dev.offset[m], dev.layer_junction[m]
    v = st.v[d]
    crowded = dev.balanced[m] and row[dv.K_RAD] > 0.0 and row[dv.DEGENERATE] != 0.0
    t0, t1 = dev.trap_start[m], dev.trap_start[m + 1]
    last = dev.site_start[m + 1] - 1
    changed = row.copy()
    for s in range(dev.site_start[m], last + 1):
        i, vol = s - off, dev.volume[s]
        g0, g1, g2 = _weights(dev, w, G, i, d)
        n, p = w.n[s], w.p[s]
        both = g1 + g2
        ln_n, ln_p, lg_n, lg_p = vol * n * g0, -vol * p * g0, 0.0, 0.0
        found.fixed_charge[s] -= vol * g0
        found.held[s] -= vol * g0
        found.volume[s] -= (p - n + dev.fixed_charge[s] + held[s]) * g0
        found.generation[s] -= both
        force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
        if row[dv.K_RAD] != 0.0:
            more = 1.0 + crowding(w, s) if crowded else 1.0
            rate = row[dv.K_RAD] * more * force
            by = vol * (both + glow)
            found.layer[m, dv.K_RAD] += by * more * force
            found.volume[s] += (both + glow) * rate
            ln_n += by * rate
            ln_p += by * rate
            if crowded:
                lg_n -= by * rate
                lg_p -= by * rate
        else:
            found.layer[m, dv.K_RAD] += vol * (both + glow) * force
        k, k_n, k_p = free_carriers(row, n, p)
        k -= row[dv.K_RAD]
        by = vol * both
        ln_n += by * force * (k + k_n)
        ln_p += by * force * (k + k_p)
        found.volume[s] += both * force * k
        found.layer[m, dv.AUGER_N] += by * force * n
        found.layer[m, dv.AUGER_P] += by * force * p
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
                found.layer[m, column] += by * force * (high - low) / (2.0 * step)
        cn, cp = coefficient(w.lgn[s]), coefficient(w.lgp[s])
        for t in range(t0, t1):
            rn, rp = dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP]
            n1, p1 = dev.trap[t, dv.T_N1] * cn, dev.trap[t, dv.T_P1] * cp
            kind, density = dev.trap[t, dv.T_KIND], dev.trap[t, dv.T_NT]
            filled = vol * density * g0 if kind != 0.0 else 0.0
            found_t = found.trap[t]
            a = _level(rn, rp, n, p, n1, p1, force, by, filled)
            ln_n += n * a[2]
            ln_p += p * a[3]
            lg_n += n1 * a[4]
            lg_p += p1 * a[5]
            found_t[dv.T_RN] += a[0]
            found_t[dv.T_RP] += a[1]
            found_t[dv.T_N1] += cn * a[4]
            found_t[dv.T_P1] += cp * a[5]
            found.volume[s] += both * a[6]
            if kind != 0.0:
                charge = a[7] - 1.0 if kind > 0.0 else a[7]
                found_t[dv.T_NT] += vol * g0 * charge
                found.volume[s] += density * g0 * charge
        # what n p leaves to the drive is in ln n and ln p of each rate above
        _by_carriers(dev, w, m, s, ln_n, lg_n, ln_p, lg_p, found)
        if s < last:
            h0, h1, h2 = _weights(dev, w, G, i + 1, d)
            dpsi = st.psi[i + 1] - st.psi[i]
            found.layer[m, dv.EPS] += dpsi / dev.spacing[s] * (h0 - g0)
            found.spacing[s] -= row[dv.EPS] * dpsi / dev.spacing[s] ** 2 * (h0 - g0)
            of_n, of_p = carrier_fluxes(dev, w, st, m, s)
            here = by_current if i == edge else 0.0
            by_n, by_p = h1 - g1 + here, h2 - g2 - here
            both_fluxes = by_n * of_n[0] + by_p * of_p[0]
            found.layer[m, dv.MU_N] += by_n * of_n[0] / row[dv.MU_N]
            found.layer[m, dv.MU_P] += by_p * of_p[0] / row[dv.MU_P]
            found.spacing[s] -= both_fluxes / dev.spacing[s]
            found.vt[0] += both_fluxes / dev.vt
            found.layer[m, dv.LN_NC] += by_n * of_n[0]
            found.layer[m, dv.LN_NV] += by_p * of_p[0]
            # a shift of the band is one of the particles' own potential on both sides
            found.layer[m, dv.EC] -= by_n * (of_n[3] + of_n[4])
            found.layer[m, dv.EV] += by_p * (of_p[3] + of_p[4])


@inlined
def _level(rn, rp, n, p, n1, p1, force, by, filled):
    """Slopes of by times the rate of a level, and filled times its occupation: by rn, rp, n, p, n1, p1; its rate and
    its occupation. n p of the drive counts with n and p.
    """
    den = rn * (n + n1) + rp * (p + p1)
    inverse = 1.0 / den
    rate = rn * rp * inverse * force
    f = (rn * n + rp * p1) * inverse
    lost = by * rate * inverse
    return (
        by * rp * force * inverse - lost * (n + n1) + filled * (n - f * (n + n1)) * inverse,
        by * rn * force * inverse - lost * (p + p1) + filled * (p1 - f * (p + p1)) * inverse,
        by * rate / n - lost * rn + filled * rn * (1.0 - f) * inverse,
        by * rate / p - lost * rp - filled * rp * f * inverse,
        -lost * rn - filled * rn * f * inverse,
        -lost * rp + filled * rp * (1.0 - f) * inverse,
        rate,
        f,
    )


@compiled
def add_faces(dev, w, st, G, found):
    """Traps at faces, and thermionic emission over them."""
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        i, m = dev.site_node[s], dev.site_layer[s]
        d = dev.layer_junction[m]
        g0, g1, g2 = _weights(dev, w, G, i, d)
        row, into = dev.face_trap[t], found.face_trap[t]
        n, p, n1, p1, _, _, _, _ = face_level(dev, w, t)
        force = drive(n, p, st.fn[i] - st.fp[i] + st.v[d])
        kind, density = row[dv.F_KIND], row[dv.F_NT]
        filled = density * g0 if kind != 0.0 else 0.0
        a = _level(row[dv.F_SN], row[dv.F_SP], n, p, n1, p1, force, g1 + g2, filled)
        into[dv.F_SN] += a[0]
        into[dv.F_SP] += a[1]
        if kind != 0.0:
            into[dv.F_NT] += g0 * (a[7] - 1.0 if kind > 0.0 else a[7])
        for side in range(2):
            site = s + side
            cn, cp = coefficient(w.lgn[site]), coefficient(w.lgp[site])
            of_n, of_p = (dv.F_N1L, dv.F_P1L) if side == 0 else (dv.F_N1R, dv.F_P1R)
            into[of_n] += cn * a[4]
            into[of_p] += cp * a[5]
            _by_carriers(
                dev,
                w,
                m + side,
                site,
                w.n[site] * a[2],
                row[of_n] * cn * a[4],
                w.p[site] * a[3],
                row[of_p] * cp * a[5],
                found,
            )
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        i, m = dev.site_node[s], dev.site_layer[s]
        d = dev.layer_junction[m]
        g0, g1, g2 = _weights(dev, w, G, i, d)
        h0, h1, h2 = _weights(dev, w, G, i + 1, d)
        by = 0.5 * (st.psi[i + 1] - st.psi[i]) / FACE_LENGTH * (h0 - g0)
        found.layer[m, dv.EPS] += by
        found.layer[m + 1, dv.EPS] += by
        of_n, of_p = thermionic_fluxes(dev, w, st, b)
        by_n, by_p = (h1 - g1) * of_n[0], (h2 - g2) * of_p[0]
        row = dev.barrier[b]
        found.barrier[b, dv.B_VN] += by_n / row[dv.B_VN]
        found.barrier[b, dv.B_VP] += by_p / row[dv.B_VP]
        # the carriers that count are those of the higher band
        over_n = 1 if row[dv.B_JUMP_C] > 0.0 else 0
        over_p = 1 if row[dv.B_JUMP_V] < 0.0 else 0
        _by_carriers(dev, w, m + over_n, s + over_n, by_n, 0.0, 0.0, 0.0, found)
        _by_carriers(dev, w, m + over_p, s + over_p, 0.0, 0.0, by_p, 0.0, found)


@compiled
def add_ions(dev, w, G, kappa, found):
    """Species that re-equilibrate: their charge; kappa (I,) is how the current follows their numbers per area."""
    for k in range(dev.ion.shape[0]):
        m, z, sites = int(dev.ion[k, dv.I_LAYER]), dev.ion[k, dv.I_Z], dev.ion[k, dv.I_SITES]
        d = dev.layer_junction[m]
        found.ion[k, dv.I_NUMBER] += kappa[k]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            g0, _, _ = _weights(dev, w, G, s - dev.offset[m], d)
            by = -z * g0 - kappa[k]
            found.volume[s] += by * w.ion[k, s]
            if sites > 0.0:
                fill = w.ion[k, s] / sites
                found.ion[k, dv.I_SITES] += by * dev.volume[s] * fill * fill


@compiled
def add_contacts(dev, w, st, G, found):
    """The ends of every junction: the potential that is held there, and carriers that leave."""
    for end in range(2 * st.v.size):
        d = end // 2
        i, s, row, anode = end_of(dev, d, end - 2 * d)
        m = dev.site_layer[s]
        v = st.v[d] if anode else 0.0
        back = st.v[d] - v
        numbers = dev.contact[row]
        found.contact[row, dv.C_PSI] += G[i, 0, 0]
        # velocities are entered as they stand; other ways to leave by a small change of their numbers
        if numbers[dv.C_SN] >= 0.0:
            by = G[i, 1, 0]
            _, by_n, _ = contact_loss(numbers, ELECTRONS, w.n[s], st.fn[i] + v)
            _by_carriers(dev, w, m, s, by * by_n, 0.0, 0.0, 0.0, found)
            _by_contact(numbers, ELECTRONS, w.n[s], st.fn[i] + v, by, found.contact[row])
        if numbers[dv.C_SP] >= 0.0:
            by = G[i, 2, 0]
            _, by_p, _ = contact_loss(numbers, HOLES, w.p[s], back - st.fp[i])
            _by_carriers(dev, w, m, s, 0.0, 0.0, by * by_p, 0.0, found)
            _by_contact(numbers, HOLES, w.p[s], back - st.fp[i], by, found.contact[row])


@inlined
def _by_contact(numbers, carrier, n, d, by, into):
    """Enter how what leaves follows the contact's numbers; it is in proportion to most of them."""
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
        into[column] += by * (high - low) / ((2.0 if numbers[column] > 0.0 else 1.0) * step)
