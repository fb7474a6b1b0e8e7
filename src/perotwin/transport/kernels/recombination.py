"""Recombination rates, each written once: its value and its slopes.

Every rate is a coefficient times n p (1 - exp(-splitting)), so that it is zero at equilibrium under any statistics.
In detailed balance the radiative one is R0 (exp(splitting) - 1) whatever the statistics: `crowding` makes it so.

A mechanism of free carriers is one function (row of the layer, n, p) -> coefficient (m^3/s) and its derivatives by ln n
and ln p; `device.MECHANISMS` names the columns of the row that hold its numbers.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.statistics import coefficient, expm1


@inlined
def radiative(row, n, p):
    """Band to band, net of what is absorbed again."""
    return row[dv.K_RAD], 0.0, 0.0


@inlined
def auger(row, n, p):
    """Of two electrons and a hole, or two holes and an electron."""
    of_n, of_p = row[dv.AUGER_N] * n, row[dv.AUGER_P] * p
    return of_n + of_p, of_n, of_p


#: in the order of `device.MECHANISMS`
COEFFICIENTS = (radiative, auger)
RADIATIVE, COUNT = list(dv.MECHANISMS).index("radiative"), len(dv.MECHANISMS)


def _sum(first, second):
    @inlined
    def both(row, n, p):
        a, a_n, a_p = first(row, n, p)
        b, b_n, b_p = second(row, n, p)
        return a + b, a_n + b_n, a_p + b_p

    return both


def _choice(first, rest):
    @inlined
    def chosen(number, row, n, p):
        return first(row, n, p)[0] if number == 0 else rest(number - 1, row, n, p)

    return chosen


@inlined
def _nothing(number, row, n, p):
    return 0.0


#: all mechanisms together, as each of them
free_carriers = reduce(_sum, COEFFICIENTS)
#: the coefficient of one of them, by its number
coefficient_of = reduce(lambda rest, one: _choice(one, rest), reversed(COEFFICIENTS), _nothing)


@inlined
def site_drive(dev, w, m, s, split):
    """n p (1 - exp(-split)) of site s of layer m; without an exponential where nothing cancels, n p exp(-split) being
    what n p is at equilibrium.
    """
    product, ln_n, ln_p, equal = w.n[s] * w.p[s], w.lgn[s], w.lgp[s], dev.layer[m, dv.NP_EQ]
    if abs(split) < 1.0:
        return -product * expm1(-split)
    return product - equal * coefficient(ln_n) * coefficient(ln_p)


@inlined
def crowding(w, s):
    """By what part the radiative coefficient of a site must be larger in detailed balance than its dilute one.

    A table of absorption fixes the rate by the splitting alone (W. van Roosbroeck, W. Shockley,
    doi:10.1103/PhysRev.94.1558; P. Wurfel, doi:10.1088/0022-3719/15/18/012). Crowded carriers have a product below
    ni^2 exp(splitting) by their activity coefficients, so these are taken out again.
    """
    x = -w.lgn[s] - w.lgp[s]
    if x < 0.01:
        # dilute carriers, as in most absorbers: to 1e-12 of what follows
        return x * (1.0 + x * (0.5 + x * (1 / 6 + x * (1 / 24 + x / 120))))
    return np.exp(x) - 1.0


@inlined
def drive(n, p, split):
    """n p (1 - exp(-split)), also where exp(-split) would overflow."""
    if split > -30.0:
        return -n * p * expm1(-split)
    return n * p - np.exp(np.log(n) + np.log(p) - split)


@inlined
def bulk_level(dev, w, t, s):
    """What bulk level t sees at site s: n, p, n1, p1 (m^-3), then their derivatives by eta.

    n1 and p1 follow the activity coefficient, so that the occupation at equilibrium is Fermi's.
    """
    n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
    n1 = dev.trap[t, dv.T_N1] * coefficient(w.lgn[s])
    p1 = dev.trap[t, dv.T_P1] * coefficient(w.lgp[s])
    return n, p, n1, p1, n * gn, p * gp, n1 * (gn - 1.0), p1 * (gp - 1.0)


@inlined
def face_level(dev, w, t):
    """The same of face level t: carriers of both sides together, and one shift of eta moves those of both."""
    s = dev.face_trap_site[t]
    row = dev.face_trap[t]
    n1l, n1r = row[dv.F_N1L] * coefficient(w.lgn[s]), row[dv.F_N1R] * coefficient(w.lgn[s + 1])
    p1l, p1r = row[dv.F_P1L] * coefficient(w.lgp[s]), row[dv.F_P1R] * coefficient(w.lgp[s + 1])
    return (
        w.n[s] + w.n[s + 1],
        w.p[s] + w.p[s + 1],
        n1l + n1r,
        p1l + p1r,
        w.n[s] * w.gn[s] + w.n[s + 1] * w.gn[s + 1],
        w.p[s] * w.gp[s] + w.p[s + 1] * w.gp[s + 1],
        n1l * (w.gn[s] - 1.0) + n1r * (w.gn[s + 1] - 1.0),
        p1l * (w.gp[s] - 1.0) + p1r * (w.gp[s + 1] - 1.0),
    )


@compiled
def srh(rn, rp, level):
    """Shockley, Read and Hall's rate of a level at stationary occupation (doi:10.1103/PhysRev.87.835).

    rn, rp: capture rates, 1/s or m/s. Returns the rate per unit of drive with its relative slopes by the eta of
    electrons and of holes (those of n p included), the occupation with its own, and the denominator.
    """
    n, p, n1, p1, n_eta, p_eta, n1_eta, p1_eta = level
    den = rn * (n + n1) + rp * (p + p1)
    inverse = 1.0 / den
    den_n, den_p = rn * (n_eta + n1_eta), rp * (p_eta + p1_eta)
    occupied = (rn * n + rp * p1) * inverse
    return (
        rn * rp * inverse,
        n_eta / n - den_n * inverse,
        p_eta / p - den_p * inverse,
        occupied,
        (rn * n_eta - occupied * den_n) * inverse,
        (rp * p1_eta - occupied * den_p) * inverse,
        den,
    )


@inlined
def enter_recombination(w, i, vol, r_n, r_p, r_s):
    """Enter at node i the slopes of a rate by the eta of electrons and of holes, and by the splitting."""
    D = w.diag
    D[i, dv.FN_PSI] -= vol * (r_n - r_p)
    w.leak[i, 0] += vol * (r_n + r_s)
    D[i, dv.FN_FP] += vol * (r_p + r_s)
    D[i, dv.FP_PSI] -= vol * (r_n - r_p)
    D[i, dv.FP_FN] -= vol * (r_n + r_s)
    w.leak[i, 1] += vol * (r_p + r_s)
    w.lost[i, dv.PAIRS_BY_PSI] += vol * (r_n - r_p)


@compiled
def layer_radiation(dev, w, m, st, F, changes):
    """Net radiative rate of layer m (m^-2 s^-1), from the densities in w; changes (Q,) receives how it follows the
    columns of F (N, B, Q'), whose levels are absolute.
    """
    off, v = dev.offset[m], st.v[dev.layer_junction[m]]
    rate = 0.0
    for q in range(changes.size):
        changes[q] = 0.0
    for s in range(dev.site_start[m], dev.site_start[m + 1]):
        i = s - off
        n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
        k, _, _ = radiative(dev.layer[m], n, p)
        k *= dev.volume[s]
        if dev.balanced[m]:
            k *= 1.0 + crowding(w, s)
            gn = gp = 1.0
        force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
        rate += k * force
        rest = k * (n * p - force)
        force *= k
        for q in range(changes.size):
            # the difference of absolute levels is the change of the splitting
            d_psi, d_n, d_p = F[i, 0, q], F[i, 1, q], F[i, 2, q]
            changes[q] += force * (gn * (d_psi + d_n) - gp * (d_psi + d_p)) + rest * (d_n - d_p)
    return rate
