"""Equations with a time derivative: ions and the occupation of charged levels as variables of their own.

With a rate (1/s) the derivative of a density is rate * density - past: an implicit step, or, with rate i omega and no
past, a small signal.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.flux import bernoulli, edge_flux
from perotwin.transport.kernels.recombination import bulk_level, face_level, srh
from perotwin.transport.kernels.right_hand_sides import site_of_edge


@compiled
def load_blocks(dev, w, b, st, rate, past):
    """Blocks of a step from what `assemble` left in w, with ions' rows and the derivatives in time of densities.

    past (`device.Stored`) collects what came before, m^-3 s^-1.
    """
    _take_over(dev, w, b)
    for s in range(dev.volume.size):
        i, vol = dev.site_node[s], dev.volume[s]
        if w.leak[i, 0] != np.inf:
            c = vol * rate * w.n[s] * w.gn[s]
            b.leak[i, 1] += c
            b.diag[i, 1, 0] -= c
            b.rhs[i, 1, 0] += vol * (rate * w.n[s] - past.n[s])
        if w.leak[i, 1] != np.inf:
            c = vol * rate * w.p[s] * w.gp[s]
            b.leak[i, 2] += c
            b.diag[i, 2, 0] += c
            b.rhs[i, 2, 0] += vol * (rate * w.p[s] - past.p[s])
    for k in range(dev.motion.shape[0]):
        _load_ion(dev, w, b, st, rate, past.ion, k)


@compiled
def _take_over(dev, w, b):
    """The steady equations, ions' rows empty."""
    for d in range(b.size.size):
        size = b.size[d]
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            for r in range(size):
                for c in range(size):
                    b.diag[i, r, c] = w.diag[i, 3 * r + c] if r < 3 and c < 3 else 0.0
                b.lower_psi[i, r] = 0.0
                b.upper_psi[i, r] = 0.0
                b.lower_own[i, r] = 0.0
                b.upper_own[i, r] = 0.0
                b.give[i, r] = 0.0
                b.take[i, r] = 0.0
                # until an ion layer claims the node
                b.leak[i, r] = 0.0 if r < 3 else np.inf
                b.rhs[i, r, 0] = w.rhs[i, r, 0] if r < 3 else 0.0
            b.lower_own[i, 0] = w.lower[i, dv.PSI]
            b.lower_psi[i, 1], b.lower_own[i, 1] = w.lower[i, dv.FN_BY_PSI], w.lower[i, dv.FN_BY_FN]
            b.lower_psi[i, 2], b.lower_own[i, 2] = w.lower[i, dv.FP_BY_PSI], w.lower[i, dv.FP_BY_FP]
            b.upper_own[i, 0] = w.upper[i, dv.PSI]
            b.upper_psi[i, 1], b.upper_own[i, 1] = w.upper[i, dv.FN_BY_PSI], w.upper[i, dv.FN_BY_FN]
            b.upper_psi[i, 2], b.upper_own[i, 2] = w.upper[i, dv.FP_BY_PSI], w.upper[i, dv.FP_BY_FP]
            for r in range(2):
                b.give[i, 1 + r] = w.give[i, r]
                b.take[i, 1 + r] = w.take[i, r]
                b.leak[i, 1 + r] = w.leak[i, r]


@inlined
def _free_potential(dev, d):
    """First and last node of junction d at which Poisson's equation holds: a metal holds the potential instead."""
    first, last = dev.node_start[d], dev.node_start[d + 1] - 1
    return (
        first if dev.contact[2 * d, dv.C_BARE] != 0.0 else first + 1,
        last if dev.contact[2 * d + 1, dv.C_BARE] != 0.0 else last - 1,
    )


@compiled
def _load_ion(dev, w, b, st, rate, past, k):
    """Rows of species k."""
    m, slot = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT])
    z, off, d = dev.motion[k, dv.M_Z], dev.offset[m], dev.layer_junction[m]
    first_inner, last_inner = _free_potential(dev, d)
    first, last = dev.site_start[m], dev.site_start[m + 1] - 1
    for s in range(first, last + 1):
        i, vol, dc = s - off, dev.volume[s], w.dion[k, s]
        b.leak[i, slot] = vol * rate * dc
        b.diag[i, slot, 0] += z * vol * rate * dc
        b.rhs[i, slot, 0] += vol * (rate * w.ion[k, s] - past[k, s])
        if first_inner <= i <= last_inner:
            b.diag[i, 0, 0] -= vol * z * z * dc
            b.diag[i, 0, slot] += vol * z * dc
    for s in range(first, last):
        i = s - off
        c1, c2 = w.ion[k, s], w.ion[k, s + 1]
        g1, g2 = w.dion[k, s] / c1, w.dion[k, s + 1] / c2
        y = -z * (st.psi[i + 1] - st.psi[i])
        if dev.motion[k, dv.M_SITES] > 0.0:
            # ln of the activity coefficient is ln(1 - filling), g is 1 - filling
            y += np.log(g2 / g1)
        c, step = dev.motion[k, dv.M_D] / dev.spacing[s], st.level[k, i + 1] - st.level[k, i]
        back, by_1, by_2, psi_1, psi_2 = edge_flux(c, (c1, g1), (c2, g2), bernoulli(y), step)
        b.flux[k, s] = -back
        b.rhs[i, slot, 0] -= back
        b.rhs[i + 1, slot, 0] += back
        b.diag[i, slot, 0] -= z * psi_1
        b.upper_psi[i, slot], b.upper_own[i, slot] = -z * psi_2, by_2
        b.diag[i + 1, slot, 0] += z * psi_2
        b.lower_psi[i + 1, slot], b.lower_own[i + 1, slot] = z * psi_1, -by_1
        b.give[i, slot], b.take[i, slot] = -by_1, by_2


@compiled
def trap_memory(dev, w, b, rate, at_rest, past, filled):
    """Occupation of charged levels as a variable in time: corrections to the stationary rates and charge.

    past, filled (`device.Traps` or `device.Stored`): what came before, 1/s, and the occupations that are found; at rest
    there is no lag, only its slopes count. Levels whose charge is not counted stay stationary: carriers that they hold
    back would be charge lost.
    """
    for m in range(dev.offset.size):
        d = dev.layer_junction[m]
        first, last = _free_potential(dev, d)
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt = dev.trap[t, dv.T_NT]
            if dev.trap[t, dv.T_KIND] == 0.0 or nt == 0.0:
                continue
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = dev.site_node[s]
                numbers = (dev.volume[s], nt, dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP])
                filled.bulk[t, s] = _lagging(
                    w,
                    b,
                    i,
                    first <= i <= last,
                    numbers,
                    bulk_level(dev, w, t, s),
                    rate,
                    at_rest,
                    past.bulk[t, s],
                )
    for t in range(dev.face_trap_site.size):
        nt = dev.face_trap[t, dv.F_NT]
        if dev.face_trap[t, dv.F_KIND] == 0.0 or nt == 0.0:
            continue
        i, d = dev.site_node[dev.face_trap_site[t]], dev.layer_junction[dev.site_layer[dev.face_trap_site[t]]]
        first, last = _free_potential(dev, d)
        inner = first <= i <= last
        numbers = (1.0, nt, dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP])
        filled.face[t] = _lagging(w, b, i, inner, numbers, face_level(dev, w, t), rate, at_rest, past.face[t])


@inlined
def _lagging(w, b, i, inner, numbers, level, rate, at_rest, past):
    """Corrections of one level at node i, f' = den (stationary - f); returns the occupation f.

    No function of its own: to hand it all arrays of w and b at each site would take four times as long as the rest.

    inner: whether Poisson's equation holds there. numbers: width (m) of the site, density, capture rates by electrons
    and holes.
    """
    vol, nt, rn, rp = numbers
    n, p, n1, p1, n_eta, p_eta, n1_eta, p1_eta = level
    _, _, _, stationary, o_n, o_p, den = srh(rn, rp, level)
    own = 1.0 / (rate + den / nt)
    lag = 0.0 * own if at_rest else (past - rate * stationary) * own
    lag_n = (-rate * o_n - lag * rn * (n_eta + n1_eta) / nt) * own
    lag_p = (-rate * o_p - lag * rp * (p_eta + p1_eta) / nt) * own
    # electrons: rate - rn (n + n1) lag; holes: rate + rp (p + p1) lag
    e_n = -rn * (n_eta + n1_eta) * lag - rn * (n + n1) * lag_n
    e_p = -rn * (n + n1) * lag_p
    h_n = rp * (p + p1) * lag_n
    h_p = rp * (p_eta + p1_eta) * lag + rp * (p + p1) * lag_p
    if w.leak[i, 0] != np.inf:
        b.rhs[i, 1, 0] -= vol * rn * (n + n1) * lag
        b.diag[i, 1, 0] -= vol * (e_n - e_p)
        b.leak[i, 1] += vol * e_n
        b.diag[i, 1, 2] += vol * e_p
    if w.leak[i, 1] != np.inf:
        b.rhs[i, 2, 0] += vol * rp * (p + p1) * lag
        b.diag[i, 2, 0] -= vol * (h_n - h_p)
        b.diag[i, 2, 1] -= vol * h_n
        b.leak[i, 2] += vol * h_p
    if inner:
        b.rhs[i, 0, 0] += vol * nt * lag
        b.diag[i, 0, 0] -= vol * nt * (lag_n - lag_p)
        b.diag[i, 0, 1] -= vol * nt * lag_n
        b.diag[i, 0, 2] += vol * nt * lag_p
    return stationary + lag.real


@compiled
def total_current(dev, w, b, d, edge, rate, psi, past_psi):
    """Current over an inner edge of junction d with ions and displacement (m^-2 s^-1, along x); b.slope[d] receives its
    slopes by the unknowns of the edge's two nodes.
    """
    s = site_of_edge(dev, edge)
    m = dev.site_layer[s]
    slope = b.slope[d]
    c = dev.layer[m, dv.EPS] / dev.spacing[s]
    total = w.jn[s] + w.jp[s]
    total -= c * (rate * (psi[edge + 1] - psi[edge]) - (past_psi[edge + 1] - past_psi[edge]))
    slope[1, 0] = b.upper_psi[edge, 1] - b.upper_psi[edge, 2] - c * rate
    slope[0, 0] = -b.lower_psi[edge + 1, 1] + b.lower_psi[edge + 1, 2] + c * rate
    slope[1, 1], slope[0, 1] = b.upper_own[edge, 1], -b.lower_own[edge + 1, 1]
    slope[1, 2], slope[0, 2] = -b.upper_own[edge, 2], b.lower_own[edge + 1, 2]
    for r in range(3, slope.shape[1]):
        slope[0, r] = 0.0
        slope[1, r] = 0.0
    for k in range(dev.motion.shape[0]):
        if int(dev.motion[k, dv.M_LAYER]) == m:
            z, slot = dev.motion[k, dv.M_Z], int(dev.motion[k, dv.M_SLOT])
            total += z * b.flux[k, s]
            slope[1, 0] -= z * b.upper_psi[edge, slot]
            slope[0, 0] += z * b.lower_psi[edge + 1, slot]
            slope[1, slot] -= z * b.upper_own[edge, slot]
            slope[0, slot] += z * b.lower_own[edge + 1, slot]
    return total
