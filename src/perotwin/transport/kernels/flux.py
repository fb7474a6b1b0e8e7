"""Scharfetter-Gummel fluxes between two nodes of one layer, of electrons, holes and ions, with their slopes.

Written as n B expm1(d level): exactly zero at equilibrium and free of cancellation near it
(doi:10.1109/T-ED.1969.16566); with the excess chemical potential of degenerate carriers or crowded ions inside the
Bernoulli argument (doi:10.1093/imanum/draa002).
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.statistics import expm1


@inlined
def bernoulli(x):
    """B(x) = x / (exp(x) - 1), B(-x) and (1 - B(x)) / x; the series is exact to rounding inside |x| < 0.3.

    The slope is B'(x) = B(x) (1 - B(-x)) / x = B(x) ((1 - B(x)) / x - 1).
    """
    if abs(x) < 0.3:
        y = x * x
        rest = x * (1 / 12 - y * (1 / 720 - y * (1 / 30240 - y * (1 / 1209600 - y / 47900160))))
        b = 1.0 - 0.5 * x + x * rest
        return b, b + x, 0.5 - rest
    if x > 0.0:
        b = x / np.expm1(min(x, 700.0))
        return b, b + x, (1.0 - b) / x
    b = -x / np.expm1(min(-x, 700.0))
    return b - x, b, (1.0 - b + x) / x


@inlined
def mirrored(weight, more):
    """`bernoulli` of -x + more, from that of x, where the square of `more` is beyond rounding."""
    b, b_minus, s = weight
    return b_minus * (1.0 - more * s), b * (1.0 + more * (1.0 - s)), 1.0 - s


@inlined
def edge_flux(c, left, right, weight, d):
    """Number flux from the right node to the left one and its slopes.

    c: D / h, m/s. left, right: density (m^-3) and d ln n / d eta of each node. weight: `bernoulli` of the argument.
    d: step of the level, in the sense in which particles climb.

    Returns the flux (m^-2 s^-1), its slopes by the level at the left and at the right, and by the particles' own
    potential energy there (which moves their level's distance from the band, and the argument).
    """
    n1, g1 = left
    n2, g2 = right
    b, b_minus, s = weight
    out_, in_ = c * n1 * b_minus, c * n2 * b
    flux = out_ * expm1(d) if abs(d) < 1.0 else in_ - out_
    # the slope by the potential is proportional to the flux itself, and nothing cancels in it
    along, against = flux * s, flux * (s - 1.0)
    return (
        flux,
        -out_ - (g1 - 1.0) * against,
        in_ + (g2 - 1.0) * along,
        -g1 * against,
        g2 * along,
    )


@inlined
def enter_electrons(w, i, found):
    """Enter a flux of electrons from node i + 1 to node i, as `edge_flux` returns it, into the equations of both."""
    flux, by_1, by_2, psi_1, psi_2 = found
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    F[i, 1, 0] -= flux
    F[i + 1, 1, 0] += flux
    D[i, dv.FN_PSI] += psi_1
    U[i, dv.FN_BY_PSI], U[i, dv.FN_BY_FN] = psi_2, by_2
    D[i + 1, dv.FN_PSI] -= psi_2
    L[i + 1, dv.FN_BY_PSI], L[i + 1, dv.FN_BY_FN] = -psi_1, -by_1
    w.give[i, 0], w.take[i, 0] = -by_1, by_2
    w.across[i, 0] = flux


@inlined
def enter_holes(w, i, found):
    """The same of holes, whose row carries minus their current, so that generation enters both rows alike."""
    flux, by_1, by_2, psi_1, psi_2 = found
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    F[i, 2, 0] -= flux
    F[i + 1, 2, 0] += flux
    D[i, dv.FP_PSI] -= psi_1
    U[i, dv.FP_BY_PSI], U[i, dv.FP_BY_FP] = -psi_2, -by_2
    D[i + 1, dv.FP_PSI] += psi_2
    L[i + 1, dv.FP_BY_PSI], L[i + 1, dv.FP_BY_FP] = psi_1, by_1
    w.give[i, 1], w.take[i, 1] = -by_1, by_2
    w.across[i, 1] = flux


@inlined
def enter_displacement(w, i, a, dpsi):
    """Enter the displacement (m^-2, units of q) between nodes i and i + 1, a per kT/q of their difference dpsi."""
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    F[i, 0, 0] -= a * dpsi
    F[i + 1, 0, 0] += a * dpsi
    D[i, dv.PSI_PSI] -= a
    D[i + 1, dv.PSI_PSI] -= a
    U[i, dv.PSI] = a
    L[i + 1, dv.PSI] = a


@inlined
def level_step(level, rest, i):
    """Step of a quasi-Fermi level from node i to the next, kT."""
    return (level[i + 1] - level[i]) + (rest[i + 1] - rest[i])


@inlined
def carrier_fluxes(dev, w, st, m, s):
    """Fluxes of electrons and of holes over the edge behind site s of layer m, from densities in w; see `edge_flux`.

    Both run towards the front; that of the holes is their current's.
    """
    i = s - dev.offset[m]
    c = dev.vt / dev.spacing[s]
    dpsi = st.psi[i + 1] - st.psi[i]
    if dev.layer[m, dv.DEGENERATE] != 0.0:
        excess_n, excess_p = w.lgn[s + 1] - w.lgn[s], w.lgp[s + 1] - w.lgp[s]
        of_n = bernoulli(dpsi + excess_n)
        of_p = mirrored(of_n, excess_n + excess_p)
        if abs(excess_n + excess_p) > 1e-8:
            of_p = bernoulli(-dpsi + excess_p)
    else:
        of_n = bernoulli(dpsi)
        of_p = mirrored(of_n, 0.0)
    return (
        edge_flux(
            dev.layer[m, dv.MU_N] * c,
            (w.n[s], w.gn[s]),
            (w.n[s + 1], w.gn[s + 1]),
            of_n,
            level_step(st.fn, st.fn_rest, i),
        ),
        edge_flux(
            dev.layer[m, dv.MU_P] * c,
            (w.p[s], w.gp[s]),
            (w.p[s + 1], w.gp[s + 1]),
            of_p,
            -level_step(st.fp, st.fp_rest, i),
        ),
    )
