"""Compiled functions of the steady solver: fluxes, rates, Jacobian, block-tridiagonal elimination, Newton, sweep.

Unknowns at each node are the potential psi and the quasi-Fermi levels fn (energy of the electrons') and fp (of the
holes'), all in units of kT. fn is counted from the cathode's Fermi level and fp from the anode's, so that majority
carriers' levels are small numbers and their gradients keep all digits; the two scales differ by the junction voltage
v, and the splitting of the levels is fn - fp + v. Each is kept as the sum of two floats, arrays of shape (2, N): a
level far from its contact's would otherwise lose the digits that its gradient, the current, is made of.

Fluxes are of Scharfetter-Gummel type (doi:10.1109/T-ED.1969.16566) with the excess chemical potential of degenerate
carriers inside the Bernoulli argument (doi:10.1093/imanum/draa002), written as n B expm1(d fn): exactly zero at
equilibrium and free of cancellation near it. Recombination is R0 (1 - exp(-splitting)).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perotwin.transport.device import (
    AUGER_N,
    AUGER_P,
    C_PSI,
    C_SN,
    C_SP,
    DEGENERATE,
    EC,
    EPS,
    EV,
    F_KIND,
    F_LN_N1L,
    F_LN_N1R,
    F_LN_P1L,
    F_LN_P1R,
    F_NT,
    F_SN,
    F_SP,
    I_LAYER,
    I_NUMBER,
    I_SITES,
    I_Z,
    K_RAD,
    LN_NC,
    LN_NV,
    M_D,
    M_LAYER,
    M_SITES,
    M_SLOT,
    M_Z,
    MU_N,
    MU_P,
    P_GE,
    P_GH,
    P_METAL,
    P_PSI,
    P_RATE,
    P_SN,
    P_SP,
    T_KIND,
    T_LN_N1,
    T_LN_P1,
    T_NT,
    T_RN,
    T_RP,
)  # fmt: skip

#: what the boundary condition on the circuit is (see `newton`)
CONTROL_VOLTAGE, CONTROL_CIRCUIT = 0, 1
#: outcome of `newton`
CONVERGED, STALLED, NOT_FINITE = 0, 1, 2
#: length over which the potential is tied across a thermionic face, m: no drop of any size occurs across it
_FACE_LENGTH = 1e-13
#: from this iteration on a carrier's balance that holds to _ROUNDED of its own terms counts as solved where the step
#: that it still asks for leaves the potential as it is: such steps belong to pockets as above and would never end
_LATE, _ROUNDED = 3, 1e-13

#: rounding of a difference of potentials in time, as a part of the potential
_ROUNDING = 4e-15
#: carriers below this part of the largest density are none where errors of time steps are judged, and where they are
#: solved for
_NONE, _NOBODY = 1e-12, 1e-15
#: ln of the least density (m^-3) that is told from none: below it products of densities would underflow
_LEAST = -400.0
#: fused multiply-add is allowed; nothing that assumes away NaN, infinities or the order of operations
_compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})
_inlined = njit(cache=True, error_model="numpy", fastmath={"contract"}, inline="always")


@_inlined
def _bernoulli(x):
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


@_inlined
def _expm1(x):
    if abs(x) < 1e-3:
        return x * (1.0 + x * (0.5 + x * (1 / 6 + x * (1 / 24 + x / 120))))
    return np.expm1(x)


@_inlined
def _activity(table, eta):
    """ln of the activity coefficient F(eta) exp(-eta) and its slope."""
    if eta < -8.0:
        e = np.exp(eta)
        c2, c3, c4 = 0.3535533905932738, 0.19245008972987526, 0.125
        s = e * (-c2 + e * (c3 - e * c4))
        d = e * (-c2 + e * (2.0 * c3 - e * 3.0 * c4))
        return np.log1p(s), d / (1.0 + s)
    if eta < 60.0:
        t = (eta + 8.0) * 16.0
        k = int(t)
        t -= k
        a0, a1, a2 = table[k, 0], table[k, 1], table[k, 2]
        a3, a4, a5 = table[k, 3], table[k, 4], table[k, 5]
        value = a0 + t * (a1 + t * (a2 + t * (a3 + t * (a4 + t * a5))))
        slope = a1 + t * (2.0 * a2 + t * (3.0 * a3 + t * (4.0 * a4 + t * 5.0 * a5)))
        return value, slope * 16.0
    y = 1.0 / (eta * eta)
    s = 1.0 + y * (1.2337005501361697 + y * 1.0654119246464894)
    ds = -2.0 * y / eta * (1.2337005501361697 + 2.0 * y * 1.0654119246464894)
    return np.log(0.752252778063675 * s) + 1.5 * np.log(eta) - eta, 1.5 / eta + ds / s - 1.0


@_compiled
def densities(dev, w, psi, fn, fp, v):
    """Carrier densities of every site from the potential and the quasi-Fermi levels."""
    for m in range(dev.offset.size):
        ec, ev = dev.layer[m, EC], dev.layer[m, EV]
        ln_nc, ln_nv = dev.layer[m, LN_NC], dev.layer[m, LN_NV]
        off = dev.offset[m]
        if dev.layer[m, DEGENERATE] == 0.0:
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = s - off
                w.n[s] = np.exp(max(psi[i] + fn[0, i] - ec + ln_nc, _LEAST))
                w.p[s] = np.exp(max(ev - psi[i] - fp[0, i] + v + ln_nv, _LEAST))
                w.gn[s] = 1.0
                w.gp[s] = 1.0
                w.lgn[s] = 0.0
                w.lgp[s] = 0.0
        else:
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = s - off
                eta = psi[i] + fn[0, i] - ec
                g, d = _activity(dev.activity, eta)
                w.n[s] = np.exp(max(eta + ln_nc + g, _LEAST))
                w.lgn[s] = g
                w.gn[s] = 1.0 + d
                eta = ev - psi[i] - fp[0, i] + v
                g, d = _activity(dev.activity, eta)
                w.p[s] = np.exp(max(eta + ln_nv + g, _LEAST))
                w.lgp[s] = g
                w.gp[s] = 1.0 + d


@_inlined
def _drive(n, p, split):
    """n p (1 - exp(-split)), also where exp(-split) would overflow."""
    if split > -30.0:
        return -n * p * _expm1(-split)
    return n * p - np.exp(np.log(n) + np.log(p) - split)


@_inlined
def _trap(rn, rp, n, p, n1, p1):
    """Rate per unit drive, and occupation, of a level at stationary occupation (doi:10.1103/PhysRev.87.835)."""
    den = rn * (n + n1) + rp * (p + p1)
    return rn * rp / den, (rn * n + rp * p1) / den, den


@_compiled
def ions(dev, w, psi, mu):
    """Densities of the re-equilibrating species: Boltzmann, or Fermi-like where sites are limited.

    `mu` is the logarithm of each species' activity (m^-3) at psi = 0 (doi:10.1103/PhysRevE.75.021502 for the limit).
    """
    for k in range(dev.ion.shape[0]):
        m = int(dev.ion[k, I_LAYER])
        z, sites = dev.ion[k, I_Z], dev.ion[k, I_SITES]
        off = dev.offset[m]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            e = mu[k] - z * psi[s - off]
            if sites == 0.0:
                c = np.exp(min(e, 200.0))
                w.ion[k, s] = c
                w.dion[k, s] = c
            else:
                fill = 1.0 / (1.0 + np.exp(min(max(np.log(sites) - e, -200.0), 200.0)))
                w.ion[k, s] = sites * fill
                w.dion[k, s] = sites * fill * (1.0 - fill)


@_compiled
def assemble(dev, w, psi, fn, fp, v, gen, ion_charge, mu):
    """Residual (w.rhs[:, :, 0], with the sign that the Newton step needs) and Jacobian of every node.

    Rows: Poisson (m^-2), electrons, holes (m^-2 s^-1). Columns: psi, fn, fp.
    """
    nodes = dev.x.size
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    for i in range(nodes):
        for j in range(9):
            D[i, j] = 0.0
        for j in range(5):
            L[i, j] = 0.0
            U[i, j] = 0.0
        F[i, 0, 0] = 0.0
        F[i, 1, 0] = 0.0
        F[i, 2, 0] = 0.0
        w.net[i] = 0.0
        w.leak[i, 0] = 0.0
        w.leak[i, 1] = 0.0
    densities(dev, w, psi, fn, fp, v)
    ions(dev, w, psi, mu)

    for m in range(dev.offset.size):
        off = dev.offset[m]
        first, last = dev.site_start[m], dev.site_start[m + 1] - 1
        eps = dev.layer[m, EPS]
        mun, mup = dev.layer[m, MU_N] * dev.vt, dev.layer[m, MU_P] * dev.vt
        k_rad, k_an, k_ap = dev.layer[m, K_RAD], dev.layer[m, AUGER_N], dev.layer[m, AUGER_P]
        t0, t1 = dev.trap_start[m], dev.trap_start[m + 1]
        degenerate = dev.layer[m, DEGENERATE] != 0.0
        recombines = k_rad != 0.0 or k_an != 0.0 or k_ap != 0.0 or t1 > t0
        for s in range(first, last + 1):
            i = s - off
            vol = dev.volume[s]
            n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
            rho = p - n + dev.fixed_charge[s] + ion_charge[s]
            n_psi, p_psi = n * gn, -p * gp
            F[i, 0, 0] -= vol * rho
            D[i, 0] += vol * (p_psi - n_psi)
            D[i, 1] -= vol * n_psi
            D[i, 2] += vol * p_psi
            net = gen[s]
            if recombines:
                split = fn[0, i] - fp[0, i] + v
                drive = _drive(n, p, split)
                d_split = n * p - drive  # derivative of the drive by the splitting alone
                k = k_rad + k_an * n + k_ap * p
                rate = k * drive
                # derivatives by ln n, ln p at fixed splitting, and by the splitting
                r_n = rate + k_an * n * drive
                r_p = rate + k_ap * p * drive
                r_s = k * d_split
                for t in range(t0, t1):
                    rn, rp = dev.trap[t, T_RN], dev.trap[t, T_RP]
                    n1 = np.exp(dev.trap[t, T_LN_N1] + w.lgn[s])
                    p1 = np.exp(dev.trap[t, T_LN_P1] + w.lgp[s])
                    kt, occupied, den = _trap(rn, rp, n, p, n1, p1)
                    rate += kt * drive
                    # n1 and p1 follow the activity coefficient, so that the occupation at equilibrium is Fermi's
                    dn1 = n1 * (gn - 1.0) / gn
                    dp1 = p1 * (gp - 1.0) / gp
                    r_n += kt * drive * (1.0 - rn * (n + dn1) / den)
                    r_p += kt * drive * (1.0 - rp * (p + dp1) / den)
                    r_s += kt * d_split
                    kind = dev.trap[t, T_KIND]
                    if kind != 0.0:
                        nt = dev.trap[t, T_NT]
                        held = nt * (1.0 - occupied) if kind > 0.0 else -nt * occupied
                        F[i, 0, 0] -= vol * held
                        o_n = (rn * n - occupied * rn * (n + dn1)) / den
                        o_p = (rp * dp1 - occupied * rp * (p + dp1)) / den
                        # a charge -nt * occupied either way, up to a constant
                        D[i, 0] -= vol * nt * (o_n * gn - o_p * gp)
                        D[i, 1] -= vol * nt * o_n * gn
                        D[i, 2] += vol * nt * o_p * gp
                net -= vol * rate
                D[i, 3] -= vol * (r_n * gn - r_p * gp)
                w.leak[i, 0] += vol * (r_n * gn + r_s)
                D[i, 5] += vol * (r_p * gp + r_s)
                D[i, 6] -= vol * (r_n * gn - r_p * gp)
                D[i, 7] -= vol * (r_n * gn + r_s)
                w.leak[i, 1] += vol * (r_p * gp + r_s)
            w.net[i] += net
            F[i, 1, 0] -= net
            F[i, 2, 0] -= net
            if s == last:
                continue

            # the edge to the next node
            h = 1.0 / dev.spacing[s]
            dpsi = psi[i + 1] - psi[i]
            a = eps * h
            flux = a * dpsi
            F[i, 0, 0] -= flux
            F[i + 1, 0, 0] += flux
            D[i, 0] -= a
            D[i + 1, 0] -= a
            U[i, 0] = a
            L[i + 1, 0] = a

            n2, p2, gn2, gp2 = w.n[s + 1], w.p[s + 1], w.gn[s + 1], w.gp[s + 1]
            if degenerate:
                x = dpsi + w.lgn[s + 1] - w.lgn[s]
                bx, bmx, sx = _bernoulli(x)
                y = -dpsi + w.lgp[s + 1] - w.lgp[s]
                by, bmy, sy = _bernoulli(y)
            else:
                x = dpsi
                bx, bmx, sx = _bernoulli(x)
                y = -dpsi
                by, bmy, sy = bmx, bx, 1.0 - sx
            c = mun * h
            out_, in_ = c * n * bmx, c * n2 * bx
            dfn = (fn[0, i + 1] - fn[0, i]) + (fn[1, i + 1] - fn[1, i])
            jn = out_ * _expm1(dfn) if abs(dfn) < 1.0 else in_ - out_
            # the slope by the potential is proportional to the flux itself, and nothing cancels in it
            along, against = jn * sx, jn * (sx - 1.0)
            w.jn[s] = jn
            F[i, 1, 0] -= jn
            F[i + 1, 1, 0] += jn
            d_psi2, d_psi1 = gn2 * along, -gn * against
            d_f2, d_f1 = in_ + (gn2 - 1.0) * along, -out_ - (gn - 1.0) * against
            D[i, 3] += d_psi1
            U[i, 1] = d_psi2
            U[i, 2] = d_f2
            D[i + 1, 3] -= d_psi2
            L[i + 1, 1] = -d_psi1
            L[i + 1, 2] = -d_f1
            w.give[i, 0], w.take[i, 0] = -d_f1, d_f2

            c = mup * h
            out_, in_ = c * p * bmy, c * p2 * by
            dfp = (fp[0, i + 1] - fp[0, i]) + (fp[1, i + 1] - fp[1, i])
            jp = -out_ * _expm1(-dfp) if abs(dfp) < 1.0 else out_ - in_
            along, against = -jp * sy, -jp * (sy - 1.0)
            w.jp[s] = jp
            # the holes' row carries minus the flux, so that generation enters both rows alike
            F[i, 2, 0] += jp
            F[i + 1, 2, 0] -= jp
            d_psi2, d_psi1 = gp2 * along, -gp * against
            d_f2, d_f1 = in_ + (gp2 - 1.0) * along, -out_ - (gp - 1.0) * against
            D[i, 6] -= d_psi1
            U[i, 3] = -d_psi2
            U[i, 4] = -d_f2
            D[i + 1, 6] += d_psi2
            L[i + 1, 3] = d_psi1
            L[i + 1, 4] = d_f1
            w.give[i, 1], w.take[i, 1] = -d_f1, d_f2

    for k in range(dev.ion.shape[0]):
        m = int(dev.ion[k, I_LAYER])
        z = dev.ion[k, I_Z]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            F[i, 0, 0] -= dev.volume[s] * z * w.ion[k, s]
            D[i, 0] -= dev.volume[s] * z * z * w.dion[k, s]
    _barriers(dev, w, psi, fn, fp)
    _face_traps(dev, w, psi, fn, fp, v)
    _planes(dev, w, psi, fn, fp, v)
    _contacts(dev, w, psi, fn, fp, v)


@_compiled
def _barriers(dev, w, psi, fn, fp):
    """Thermionic emission across faces that have a node on either side (doi:10.1016/0038-1101(93)90067-N)."""
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        i = 0
        m = 0
        while dev.site_start[m + 1] <= s:
            m += 1
        i = s - dev.offset[m]
        a = 0.5 * (dev.layer[m, EPS] + dev.layer[m + 1, EPS]) / _FACE_LENGTH
        flux = a * (psi[i + 1] - psi[i])
        F[i, 0, 0] -= flux
        F[i + 1, 0, 0] += flux
        D[i, 0] -= a
        D[i + 1, 0] -= a
        U[i, 0] = a
        L[i + 1, 0] = a
        # the density at the top of the barrier is that of the side whose band is the higher one
        d = (fn[0, i + 1] - fn[0, i]) + (fn[1, i + 1] - fn[1, i])
        if dev.barrier[b, 2] > 0.0:
            c, g, side = dev.barrier[b, 0] * w.n[s + 1], w.gn[s + 1], 1
            jn = -c * _expm1(-d)
            slope = c - jn
        else:
            c, g, side = dev.barrier[b, 0] * w.n[s], w.gn[s], 0
            jn = c * _expm1(d)
            slope = c + jn
        w.jn[s] = jn
        F[i, 1, 0] -= jn
        F[i + 1, 1, 0] += jn
        j1_psi = jn * g if side == 0 else 0.0
        j2_psi = jn * g if side == 1 else 0.0
        j1, j2 = -slope + j1_psi, slope + j2_psi
        D[i, 3] += j1_psi
        U[i, 1] = j2_psi
        U[i, 2] = j2
        D[i + 1, 3] -= j2_psi
        w.give[i, 0], w.take[i, 0] = -j1, j2
        L[i + 1, 1] = -j1_psi
        L[i + 1, 2] = -j1
        d = (fp[0, i + 1] - fp[0, i]) + (fp[1, i + 1] - fp[1, i])
        if dev.barrier[b, 3] < 0.0:
            c, g, side = dev.barrier[b, 1] * w.p[s + 1], w.gp[s + 1], 1
            jp = c * _expm1(d)
            slope = c + jp
        else:
            c, g, side = dev.barrier[b, 1] * w.p[s], w.gp[s], 0
            jp = -c * _expm1(-d)
            slope = c - jp
        w.jp[s] = jp
        F[i, 2, 0] += jp
        F[i + 1, 2, 0] -= jp
        j1_psi = -jp * g if side == 0 else 0.0
        j2_psi = -jp * g if side == 1 else 0.0
        j1, j2 = -slope + j1_psi, slope + j2_psi
        D[i, 6] -= j1_psi
        U[i, 3] = -j2_psi
        U[i, 4] = -j2
        D[i + 1, 6] += j2_psi
        w.give[i, 1], w.take[i, 1] = -j1, j2
        L[i + 1, 3] = j1_psi
        L[i + 1, 4] = j1


@_inlined
def _face_rate(dev, w, t, s):
    """Carriers of both sides together at face trap t: n, p, n1, p1."""
    n = w.n[s] + w.n[s + 1]
    p = w.p[s] + w.p[s + 1]
    n1 = np.exp(dev.face_trap[t, F_LN_N1L] + w.lgn[s]) + np.exp(dev.face_trap[t, F_LN_N1R] + w.lgn[s + 1])
    p1 = np.exp(dev.face_trap[t, F_LN_P1L] + w.lgp[s]) + np.exp(dev.face_trap[t, F_LN_P1R] + w.lgp[s + 1])
    return n, p, n1, p1


@_compiled
def _face_traps(dev, w, psi, fn, fp, v):
    """Recombination and charge of face traps; both quasi-Fermi levels are continuous across such a face."""
    D, F = w.diag, w.rhs
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        m = 0
        while dev.site_start[m + 1] <= s:
            m += 1
        i = s - dev.offset[m]
        split = fn[0, i] - fp[0, i] + v
        n, p, n1, p1 = _face_rate(dev, w, t, s)
        rn, rp = dev.face_trap[t, F_SN], dev.face_trap[t, F_SP]
        drive = _drive(n, p, split)
        kt, occupied, den = _trap(rn, rp, n, p, n1, p1)
        rate = kt * drive
        # derivatives by eta, the same shift of which moves both sides' densities
        n_eta = w.n[s] * w.gn[s] + w.n[s + 1] * w.gn[s + 1]
        p_eta = w.p[s] * w.gp[s] + w.p[s + 1] * w.gp[s + 1]
        n1l = np.exp(dev.face_trap[t, F_LN_N1L] + w.lgn[s])
        p1l = np.exp(dev.face_trap[t, F_LN_P1L] + w.lgp[s])
        n1_eta = n1l * (w.gn[s] - 1.0) + (n1 - n1l) * (w.gn[s + 1] - 1.0)
        p1_eta = p1l * (w.gp[s] - 1.0) + (p1 - p1l) * (w.gp[s + 1] - 1.0)
        r_n = rate * (n_eta / n - rn * (n_eta + n1_eta) / den)
        r_p = rate * (p_eta / p - rp * (p_eta + p1_eta) / den)
        r_s = kt * (n * p - drive)
        w.net[i] -= rate
        F[i, 1, 0] += rate
        F[i, 2, 0] += rate
        D[i, 3] -= r_n - r_p
        w.leak[i, 0] += r_n + r_s
        D[i, 5] += r_p + r_s
        D[i, 6] -= r_n - r_p
        D[i, 7] -= r_n + r_s
        w.leak[i, 1] += r_p + r_s
        kind = dev.face_trap[t, F_KIND]
        if kind != 0.0:
            nt = dev.face_trap[t, F_NT]
            held = nt * (1.0 - occupied) if kind > 0.0 else -nt * occupied
            F[i, 0, 0] -= held
            o_n = (rn * n_eta - occupied * rn * (n_eta + n1_eta)) / den
            o_p = (rp * p1_eta - occupied * rp * (p_eta + p1_eta)) / den
            D[i, 0] -= nt * (o_n - o_p)
            D[i, 1] -= nt * o_n
            D[i, 2] += nt * o_p


@_inlined
def _node_of(dev, s):
    """The node of a site."""
    m = 0
    while dev.site_start[m + 1] <= s:
        m += 1
    return s - dev.offset[m]


@_inlined
def _exchange(rate, velocity, density, activity, d):
    """What a metal takes from a band whose level is `d` (kT) above its own, m^-2 s^-1, and its slopes by `d` at a fixed
    density and by the logarithm of the density's argument.

    velocity times (density - density at equilibrium with it), and no more than `rate` per kT: at infinite velocity the
    two stay together.
    """
    if velocity < 0.0:
        return rate * d, rate, 0.0
    free = velocity * density
    k = free / (1.0 + free / rate)
    away = np.exp(min(-d, 300.0))
    taken = -k * _expm1(-d) if d > -300.0 else k * (1.0 - away)
    return taken, k * away, taken * activity / (1.0 + free / rate)


@_compiled
def _plane(dev, w, q, psi, fn, fp, v):
    """What electrons and holes lose at plane q and its slopes, and what flows beside the junctions, as it stands.

    Returns the losses of electrons and of holes to the plane (m^-2 s^-1) with, for each, the slopes by the level and by
    the potential, and what shunts take from the electrons' and the holes' side.
    """
    s = dev.plane_site[q]
    i = _node_of(dev, s)
    row = dev.plane[q]
    up = fn[0, i] + fn[1, i]
    down = fp[0, i] + fp[1, i] - v
    if row[P_METAL] == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, row[P_GE] * (v + up), -row[P_GH] * down
    n, p = w.n[s] + w.n[s + 1], w.p[s] + w.p[s + 1]
    gn = (w.n[s] * w.gn[s] + w.n[s + 1] * w.gn[s + 1]) / n
    gp = (w.p[s] * w.gp[s] + w.p[s + 1] * w.gp[s + 1]) / p
    level = row[P_PSI] - psi[i]
    rn, n_d, n_a = _exchange(row[P_RATE], row[P_SN], n, gn, up - level)
    rp, p_d, p_a = _exchange(row[P_RATE], row[P_SP], p, gp, level - down)
    return rn, n_d + n_a, n_d + n_a, rp, -p_d - p_a, -p_d - p_a, row[P_GE] * (v + level), -row[P_GH] * level


@_compiled
def _planes(dev, w, psi, fn, fp, v):
    """Where two junctions meet: a metal takes electrons from one and holes from the other.

    Its own balance stands in the place of Poisson's equation, for the charge on it is what it needs to be; the
    potential beside it follows its Fermi level. Shunts end on it, or on the carriers' levels where there is no metal.
    Poisson's row, which says what that charge is, is kept in w.poisson.
    """
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    for q in range(dev.plane_site.size):
        i = _node_of(dev, dev.plane_site[q])
        row = dev.plane[q]
        rn, n_f, n_psi, rp, p_f, p_psi, from_n, from_p = _plane(dev, w, q, psi, fn, fp, v)
        w.net[i] -= rn
        if row[P_METAL] == 0.0:
            F[i, 1, 0] += from_n
            F[i, 2, 0] += from_p
            w.leak[i, 0] += row[P_GE]
            w.leak[i, 1] += row[P_GH]
            continue
        w.poisson[q, 0], w.poisson[q, 1], w.poisson[q, 2] = D[i, 0], D[i, 1], D[i, 2]
        w.poisson[q, 3], w.poisson[q, 4] = L[i, 0], U[i, 0]
        F[i, 0, 0] = rn - rp - from_n + from_p
        D[i, 0] = p_psi - n_psi - row[P_GE] - row[P_GH]
        D[i, 1], D[i, 2] = -n_f, p_f
        L[i, 0], U[i, 0] = 0.0, 0.0
        F[i, 1, 0] += rn
        D[i, 3] -= n_psi
        w.leak[i, 0] += n_f
        F[i, 2, 0] += rp
        D[i, 6] -= p_psi
        w.leak[i, 1] -= p_f


@_compiled
def _beside(dev, psi, fp, v):
    """Flux (m^-2 s^-1, along x) of the shunt beside the junction in which `_quiet_edge` lies; zero without planes."""
    total = 0.0
    for q in range(dev.plane_site.size):
        i = _node_of(dev, dev.plane_site[q])
        level = dev.plane[q, P_PSI] - psi[i] if dev.plane[q, P_METAL] != 0.0 else fp[0, i] + fp[1, i] - v
        total -= (1.0 if dev.anode_front else -1.0) * dev.plane[q, P_GH] * level
    return total


@_inlined
def _beside_slope(dev, slope):
    """The last row of `slope` (3, B): how that flux follows the unknowns of the plane's node."""
    for c in range(slope.shape[1]):
        slope[2, c] = 0.0
    for q in range(dev.plane_site.size):
        g = (1.0 if dev.anode_front else -1.0) * dev.plane[q, P_GH]
        if dev.plane[q, P_METAL] != 0.0:
            slope[2, 0] = g
        else:
            slope[2, 2] = -g


@_inlined
def _through(dev, slope, edge, F, q):
    """Change of the total flux with column q of F (N, B, Q), from its slopes (3, B) by the unknowns of the two nodes of
    an edge and of a plane's node.
    """
    total = 0.0 * F[0, 0, q]
    for r in range(2):
        for c in range(slope.shape[1]):
            total += slope[r, c] * F[edge + r, c, q]
    for j in range(dev.plane_site.size):
        i = _node_of(dev, dev.plane_site[j])
        for c in range(slope.shape[1]):
            total += slope[2, c] * F[i, c, q]
    return total


@_compiled
def _contacts(dev, w, psi, fn, fp, v):
    """Fixed potential; each carrier at equilibrium with the metal, or leaving at a finite velocity."""
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    last = dev.x.size - 1
    for side in range(2):
        i = 0 if side == 0 else last
        s = 0 if side == 0 else dev.volume.size - 1
        anode = dev.anode_front == (side == 0)
        D[i, 0], D[i, 1], D[i, 2] = 1.0, 0.0, 0.0
        F[i, 0, 0] = 0.0
        L[i, 0] = 0.0
        U[i, 0] = 0.0
        sn, sp = dev.contact[side, C_SN], dev.contact[side, C_SP]
        if sn < 0.0:
            D[i, 3], D[i, 5] = 0.0, 0.0
            L[i, 1] = L[i, 2] = U[i, 1] = U[i, 2] = 0.0
            w.leak[i, 0] = np.inf
            F[i, 1, 0] = 0.0
        else:
            # fn counted from this contact's Fermi level
            d = fn[0, i] + v if anode else fn[0, i]
            n = w.n[s]
            leave = -sn * n * _expm1(-d)
            F[i, 1, 0] += leave
            D[i, 3] -= leave * w.gn[s]
            w.leak[i, 0] += leave * w.gn[s] + sn * n * np.exp(-d)
        if sp < 0.0:
            D[i, 6], D[i, 7] = 0.0, 0.0
            L[i, 3] = L[i, 4] = U[i, 3] = U[i, 4] = 0.0
            w.leak[i, 1] = np.inf
            F[i, 2, 0] = 0.0
        else:
            d = fp[0, i] if anode else fp[0, i] - v
            p = w.p[s]
            leave = -sp * p * _expm1(d)
            F[i, 2, 0] += leave
            D[i, 6] += leave * w.gp[s]
            w.leak[i, 1] += leave * w.gp[s] + sp * p * np.exp(d)


@_compiled
def eliminate(w, nodes, columns):
    """Block-tridiagonal elimination in place; keeps what `substitute` needs for further right-hand sides.

    The carriers' pivots are sums of what a node can lose, to its neighbour ahead and by recombination and contacts
    behind, and never differences (Grassmann, Taksar and Heyman, doi:10.1287/opre.33.5.1107): a pocket of carriers
    that a barrier all but closes off keeps its small exchange, where the plain diagonal would lose it to rounding.
    """
    D, L, U, V, W, F = w.diag, w.lower, w.upper, w.inverse, w.elim, w.rhs
    # what electrons (holes) at the nodes so far can lose other than to the next node, and the last node's pivot parts
    loss_n, loss_p, kappa_n, kappa_p = 0.0, 0.0, 0.0, 0.0
    v1, v2 = 0.0, 0.0
    for i in range(nodes):
        a, b, c = D[i, 0], D[i, 1], D[i, 2]
        d, f = D[i, 3], D[i, 5]
        g, h = D[i, 6], D[i, 7]
        leak_n, leak_p = w.leak[i, 0], w.leak[i, 1]
        if i > 0:
            l0, l1, l2, l3, l4 = L[i, 0], L[i, 1], L[i, 2], L[i, 3], L[i, 4]
            j = i - 1
            a -= l0 * W[j, 0]
            b -= l0 * W[j, 1]
            c -= l0 * W[j, 2]
            d -= l1 * W[j, 0] + l2 * W[j, 3]
            f -= l1 * W[j, 2] + l2 * W[j, 5]
            g -= l3 * W[j, 0] + l4 * W[j, 6]
            h -= l3 * W[j, 1] + l4 * W[j, 7]
            give, take = w.give[j, 0], w.take[j, 0]
            if w.leak[j, 0] == np.inf:
                leak_n += take
            else:
                leak_n += take * (loss_n / (loss_n + give)) + take * (l1 * v1 + l2 * kappa_n)
            give, take = w.give[j, 1], w.take[j, 1]
            if w.leak[j, 1] == np.inf:
                leak_p += take
            else:
                leak_p += take * (loss_p / (loss_p + give)) + take * (l3 * v2 + l4 * kappa_p)
        loss_n, loss_p = leak_n, leak_p
        e, k = 1.0, 1.0
        if w.leak[i, 0] != np.inf:
            e = -loss_n - (w.give[i, 0] if i < nodes - 1 else 0.0)
        if w.leak[i, 1] != np.inf:
            k = loss_p + (w.give[i, 1] if i < nodes - 1 else 0.0)
        ca, cb, cc = e * k - f * h, f * g - d * k, d * h - e * g
        det = a * ca + b * cb + c * cc
        r = 1.0 / det
        # 1 / pivot differs from the inverse's diagonal by the coupling to the other two unknowns
        mixed = a * f * h - b * f * g - c * d * h
        kappa_n = (mixed + b * d * k) * r / e
        kappa_p = (mixed + c * e * g) * r / k
        v0, v1, v2 = ca * r, (c * h - b * k) * r, (b * f - c * e) * r
        v3, v4, v5 = cb * r, (a * k - c * g) * r, (c * d - a * f) * r
        v6, v7, v8 = cc * r, (b * g - a * h) * r, (a * e - b * d) * r
        V[i, 0], V[i, 1], V[i, 2] = v0, v1, v2
        V[i, 3], V[i, 4], V[i, 5] = v3, v4, v5
        V[i, 6], V[i, 7], V[i, 8] = v6, v7, v8
        u0, u1, u2, u3, u4 = U[i, 0], U[i, 1], U[i, 2], U[i, 3], U[i, 4]
        W[i, 0], W[i, 1], W[i, 2] = v0 * u0 + v1 * u1 + v2 * u3, v1 * u2, v2 * u4
        W[i, 3], W[i, 4], W[i, 5] = v3 * u0 + v4 * u1 + v5 * u3, v4 * u2, v5 * u4
        W[i, 6], W[i, 7], W[i, 8] = v6 * u0 + v7 * u1 + v8 * u3, v7 * u2, v8 * u4
        for q in range(columns):
            r0, r1, r2 = F[i, 0, q], F[i, 1, q], F[i, 2, q]
            if i > 0:
                y0, y1, y2 = F[i - 1, 0, q], F[i - 1, 1, q], F[i - 1, 2, q]
                r0 -= L[i, 0] * y0
                r1 -= L[i, 1] * y0 + L[i, 2] * y1
                r2 -= L[i, 3] * y0 + L[i, 4] * y2
            F[i, 0, q] = v0 * r0 + v1 * r1 + v2 * r2
            F[i, 1, q] = v3 * r0 + v4 * r1 + v5 * r2
            F[i, 2, q] = v6 * r0 + v7 * r1 + v8 * r2
    _back(W, F, nodes, columns)


@_inlined
def _back(W, F, nodes, columns):
    for i in range(nodes - 2, -1, -1):
        for q in range(columns):
            y0, y1, y2 = F[i + 1, 0, q], F[i + 1, 1, q], F[i + 1, 2, q]
            F[i, 0, q] -= W[i, 0] * y0 + W[i, 1] * y1 + W[i, 2] * y2
            F[i, 1, q] -= W[i, 3] * y0 + W[i, 4] * y1 + W[i, 5] * y2
            F[i, 2, q] -= W[i, 6] * y0 + W[i, 7] * y1 + W[i, 8] * y2


@_compiled
def substitute(w, F, nodes, columns):
    """Solve for further right-hand sides F (N, 3, columns), in place, on the factors that `eliminate` left."""
    V, W, L = w.inverse, w.elim, w.lower
    for i in range(nodes):
        for q in range(columns):
            r0, r1, r2 = F[i, 0, q], F[i, 1, q], F[i, 2, q]
            if i > 0:
                y0, y1, y2 = F[i - 1, 0, q], F[i - 1, 1, q], F[i - 1, 2, q]
                r0 -= L[i, 0] * y0
                r1 -= L[i, 1] * y0 + L[i, 2] * y1
                r2 -= L[i, 3] * y0 + L[i, 4] * y2
            F[i, 0, q] = V[i, 0] * r0 + V[i, 1] * r1 + V[i, 2] * r2
            F[i, 1, q] = V[i, 3] * r0 + V[i, 4] * r1 + V[i, 5] * r2
            F[i, 2, q] = V[i, 6] * r0 + V[i, 7] * r1 + V[i, 8] * r2
    _back(W, F, nodes, columns)


@_compiled
def _solve_small(a, b):
    """Solve a small dense system in place by elimination with row pivoting; False if it is singular."""
    size = b.size
    for c in range(size):
        best = c
        for r in range(c + 1, size):
            if abs(a[r, c]) > abs(a[best, c]):
                best = r
        if not abs(a[best, c]) > 0.0 or not np.isfinite(a[best, c]):
            return False
        if best != c:
            for q in range(size):
                a[c, q], a[best, q] = a[best, q], a[c, q]
            b[c], b[best] = b[best], b[c]
        for r in range(c + 1, size):
            f = a[r, c] / a[c, c]
            for q in range(c, size):
                a[r, q] -= f * a[c, q]
            b[r] -= f * b[c]
    for c in range(size - 1, -1, -1):
        for q in range(c + 1, size):
            b[c] -= a[c, q] * b[q]
        b[c] /= a[c, c]
        if not np.isfinite(b[c]):
            return False
    return True


@_compiled
def settle_ions(dev, w, psi, mu):
    """Activity of each moving species at which its number is right, for a given potential. False if there is none.

    Boltzmann ions have it in closed form; with limited sites Newton's method on the logarithm of the number.
    """
    for k in range(dev.ion.shape[0]):
        m = int(dev.ion[k, I_LAYER])
        z, sites = dev.ion[k, I_Z], dev.ion[k, I_SITES]
        off = dev.offset[m]
        first, last = dev.site_start[m], dev.site_start[m + 1]
        top = -np.inf
        for s in range(first, last):
            top = max(top, -z * psi[s - off])
        total = 0.0
        for s in range(first, last):
            total += dev.volume[s] * np.exp(-z * psi[s - off] - top)
        mu[k] = np.log(dev.ion[k, I_NUMBER] / total) - top
        if sites > 0.0:
            # the number rises with the activity, in steps where the potential has plateaus: Newton's method on its
            # logarithm, within what brackets the root
            ln_sites = np.log(sites)
            low, high = -np.inf, np.inf
            done = False
            for _ in range(200):
                total, slope = 0.0, 0.0
                for s in range(first, last):
                    fill = 1.0 / (1.0 + np.exp(min(max(ln_sites - mu[k] + z * psi[s - off], -200.0), 200.0)))
                    total += dev.volume[s] * sites * fill
                    slope += dev.volume[s] * sites * fill * (1.0 - fill)
                short = np.log(dev.ion[k, I_NUMBER] / total)
                step = min(max(total * short / max(slope, 1e-300), -20.0), 20.0)
                # what is left after a small step is of the order of its square
                if abs(step) < 1e-9 or abs(short) < 1e-14:
                    mu[k] += step if abs(step) < 1e-9 else 0.0
                    done = True
                    break
                if short > 0.0:
                    low = mu[k]
                else:
                    high = mu[k]
                mu[k] = mu[k] + step if low < mu[k] + step < high else 0.5 * (low + high)
            if not done:
                return False
        if not np.isfinite(mu[k]):
            return False
    return True


@_compiled
def equilibrium(dev, w, psi, ion_charge, mu, max_iterations, longest):
    """Poisson's equation with every Fermi level at zero, by Newton steps of at most `longest` (kT).

    Returns the number of iterations, or -1 if it does not settle. psi and mu are updated in place.
    """
    nodes = dev.x.size
    zero = np.zeros((2, nodes))
    gen = np.zeros(dev.volume.size)
    psi[0] = dev.contact[0, C_PSI]
    psi[nodes - 1] = dev.contact[1, C_PSI]
    species = dev.ion.shape[0]
    columns = 1 + species
    W, F = np.zeros(nodes), np.zeros((nodes, columns))
    border, load = np.zeros((species, species)), np.zeros(species)
    last = np.zeros(nodes)
    limit = longest
    for iteration in range(max_iterations):
        if not settle_ions(dev, w, psi, mu):
            return -1
        assemble(dev, w, psi, zero, zero, 0.0, gen, ion_charge, mu)
        for i in range(nodes):
            F[i, 0] = w.rhs[i, 0, 0]
            for k in range(species):
                F[i, 1 + k] = 0.0
        for k in range(species):
            m = int(dev.ion[k, I_LAYER])
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                F[s - dev.offset[m], 1 + k] -= dev.volume[s] * dev.ion[k, I_Z] * w.dion[k, s]
            # the potential of a node at a contact is given
            F[0, 1 + k] = 0.0
            F[nodes - 1, 1 + k] = 0.0
            for j in range(dev.plane_site.size):
                if dev.plane[j, P_METAL] != 0.0:
                    F[_node_of(dev, dev.plane_site[j]), 1 + k] = 0.0
        for i in range(nodes):
            d = w.diag[i, 0]
            if i > 0:
                d -= w.lower[i, 0] * W[i - 1]
            W[i] = w.upper[i, 0] / d
            for q in range(columns):
                if i > 0:
                    F[i, q] -= w.lower[i, 0] * F[i - 1, q]
                F[i, q] /= d
        for i in range(nodes - 2, -1, -1):
            for q in range(columns):
                F[i, q] -= W[i] * F[i + 1, q]
        if species > 0:
            _ion_border(dev, w, F, border, load)
            if not _solve_small(border, load):
                return -1
            for k in range(species):
                for i in range(nodes):
                    F[i, 0] += F[i, 1 + k] * load[k]
        largest, total = 0.0, 0.0
        for i in range(nodes):
            largest = max(largest, abs(F[i, 0]))
            total += abs(F[i, 0])
        # the sum shows what a comparison passes over: NaN
        if not np.isfinite(total):
            return -1
        # crowded ions screen in their front only: steps that turn back and forth are halved until they follow it
        along = 0.0
        for i in range(nodes):
            along += F[i, 0] * last[i]
            last[i] = F[i, 0]
        limit = 0.5 * limit if along < 0.0 else min(longest, 1.5 * limit)
        damping = min(1.0, limit / largest) if largest > 0.0 else 1.0
        for i in range(nodes):
            psi[i] += damping * F[i, 0]
        if largest < 1e-10:
            return iteration + 1
    return -1


@_compiled
def _ion_border(dev, w, F, border, load):
    """Equations that keep each species' number: border (species, species) and load, from the solved columns F.

    F (N, 1 + species): potential's change with all else fixed, then per unit change of each species' activity.
    """
    species = dev.ion.shape[0]
    for k in range(species):
        m = int(dev.ion[k, I_LAYER])
        z = dev.ion[k, I_Z]
        total, direct, shift = 0.0, 0.0, 0.0
        for j in range(species):
            border[k, j] = 0.0
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            c = dev.volume[s] * w.dion[k, s]
            total += dev.volume[s] * w.ion[k, s]
            direct += c
            shift += c * z * F[i, 0]
            for j in range(species):
                border[k, j] -= c * z * F[i, 1 + j]
        border[k, k] += direct
        load[k] = dev.ion[k, I_NUMBER] - total + shift


@_compiled
def newton(
    dev, w, psi, fn, fp, v, gen, ion_charge, mu, control, ca, cb, cc, max_iterations, tolerance, longest
):  # fmt: skip
    """Solve the coupled equations from the given state, in place.

    control CONTROL_VOLTAGE holds v; CONTROL_CIRCUIT also solves ca * v + cb * J = cc with J (A m^-2) the cell's
    current, which covers a series resistance and a shunt as well as open circuit.

    Steps are taken in the densities, in which the continuity equations are linear, and shortened where they would
    turn a density negative. Returns status, iterations and the last step.
    """
    nodes = dev.x.size
    species = dev.ion.shape[0]
    free_v = control == CONTROL_CIRCUIT
    glows = dev.coupled.size > 0
    columns = 1 + species + (1 if free_v else 0) + (1 if glows else 0)
    unknowns = columns - 1
    front_anode = dev.anode_front
    anode = 0 if front_anode else nodes - 1
    side = 0 if front_anode else 1
    border, load = np.zeros((unknowns, unknowns)), np.zeros(unknowns)
    ion_border, ion_load = np.zeros((species, species)), np.zeros(species)
    glow, lit = np.zeros(columns), gen.copy()
    head = np.zeros((nodes, 1 + species))
    residual = np.zeros((nodes, 2))
    largest, previous = np.inf, np.inf
    psi[anode] = dev.contact[side, C_PSI] + v[0]
    other = nodes - 1 - anode
    psi[other] = dev.contact[1 - side, C_PSI]
    _pin(dev, fn, fp, v[0])
    for iteration in range(max_iterations):
        if species > 0 and not settle_ions(dev, w, psi, mu):
            return NOT_FINITE, iteration, np.inf
        if glows:
            light = dev.share * radiated(dev, w, dev.emitter, psi, fn, fp, v[0])
            for s in range(lit.size):
                lit[s] = gen[s] + light * dev.coupled[s]
        assemble(dev, w, psi, fn, fp, v[0], lit, ion_charge, mu)
        F = w.rhs
        for k in range(species):
            q = 1 + k
            for i in range(nodes):
                F[i, 0, q] = 0.0
                F[i, 1, q] = 0.0
                F[i, 2, q] = 0.0
            _ion_column(dev, w, k, F, q)
        edge = 1
        if free_v:
            q = 1 + species
            for i in range(nodes):
                F[i, 0, q] = 0.0
                F[i, 1, q] = 0.0
                F[i, 2, q] = 0.0
            _bias_column(dev, w, fn, fp, v[0], F, q)
            edge = _quiet_edge(dev, w)
            jn, jp, slope = _edge_current(dev, w, edge)
            flux = jn + jp + _beside(dev, psi, fp, v[0])
        for i in range(nodes):
            residual[i, 0], residual[i, 1] = F[i, 1, 0], F[i, 2, 0]
        if glows:
            for i in range(nodes):
                for r in range(3):
                    F[i, r, columns - 1] = 0.0
            _source_column(dev, w, dev.coupled, F, columns - 1)
        eliminate(w, nodes, columns)
        dv = 0.0
        if unknowns > 0:
            if species > 0:
                for i in range(nodes):
                    for q in range(1 + species):
                        head[i, q] = F[i, 0, q]
                _ion_border(dev, w, head, ion_border, ion_load)
                for k in range(species):
                    load[k] = ion_load[k]
                    for j in range(species):
                        border[k, j] = ion_border[k, j]
                    m = int(dev.ion[k, I_LAYER])
                    z = dev.ion[k, I_Z]
                    for q in range(species, unknowns):
                        border[k, q] = 0.0
                        for s in range(dev.site_start[m], dev.site_start[m + 1]):
                            i = s - dev.offset[m]
                            border[k, q] -= dev.volume[s] * w.dion[k, s] * z * F[i, 0, 1 + q]
            if free_v:
                sign = -1.602176634e-19 if front_anode else 1.602176634e-19
                for q in range(columns):
                    change = sign * cb * _through(dev, slope, edge, F, q)
                    if q == 0:
                        load[species] = cc - ca * v[0] - cb * sign * flux - change
                    else:
                        border[species, q - 1] = change
                border[species, species] += ca
            if glows:
                _radiated(dev, w, dev.emitter, fn, fp, v[0], F, glow)
                r = unknowns - 1
                for q in range(unknowns):
                    border[r, q] = -dev.share * glow[1 + q]
                border[r, r] += 1.0
                load[r] = dev.share * glow[0]
            if not _solve_small(border, load):
                return NOT_FINITE, iteration + 1, np.inf
            y = load
            if free_v:
                dv = min(max(y[species], -8.0), 8.0)
                y[species] = dv
            for q in range(unknowns):
                for i in range(nodes):
                    F[i, 0, 0] += F[i, 0, 1 + q] * y[q]
                    F[i, 1, 0] += F[i, 1, 1 + q] * y[q]
                    F[i, 2, 0] += F[i, 2, 1 + q] * y[q]
        step_psi, largest, finite = _length(w, F, residual, iteration >= _LATE, tolerance)
        if not finite:
            return NOT_FINITE, iteration + 1, np.inf
        damping = min(1.0, longest / step_psi) if step_psi > 0.0 else 1.0
        dv *= damping
        v[0] += dv
        for i in range(nodes):
            dpsi, dfn, dfp = damping * F[i, 0, 0], damping * F[i, 1, 0], damping * F[i, 2, 0]
            _take_step(psi, fn, fp, i, dpsi, dfn, dfp, dv)
        if free_v:
            psi[anode] = dev.contact[side, C_PSI] + v[0]
        _pin(dev, fn, fp, v[0])
        if largest < tolerance:
            if species > 0:
                settle_ions(dev, w, psi, mu)
            return CONVERGED, iteration + 1, largest
        if step_psi > 1e4:
            return STALLED, iteration + 1, largest
        previous = largest
    return STALLED, max_iterations, previous


@_compiled
def _length(w, F, residual, late, tolerance):
    """Length of a step (F[:, :, 0]) in the potential, the larger of it and of those in the logarithms of the densities,
    and whether all of it is a number.
    """
    step_psi, step_log = 0.0, 0.0
    # a comparison with NaN is false, so that max() would pass over it: a sum does not
    total = 0.0
    for i in range(residual.shape[0]):
        total += abs(F[i, 0, 0]) + abs(F[i, 1, 0]) + abs(F[i, 2, 0])
        step_psi = max(step_psi, abs(F[i, 0, 0]))
        step = abs(F[i, 0, 0] + F[i, 1, 0])
        if step > step_log and not (
            late
            and abs(residual[i, 0]) < _ROUNDED * w.give[i, 0]
            and abs(w.diag[i, 1]) * step < tolerance * abs(w.diag[i, 0])
        ):
            step_log = step
        step = abs(F[i, 0, 0] + F[i, 2, 0])
        if step > step_log and not (
            late
            and abs(residual[i, 1]) < _ROUNDED * w.give[i, 1]
            and abs(w.diag[i, 2]) * step < tolerance * abs(w.diag[i, 0])
        ):
            step_log = step
    return step_psi, max(step_psi, step_log), np.isfinite(total)


@_inlined
def _add(level, i, change):
    """Add to a quasi-Fermi level kept in two parts, losing nothing: its gradient is a small difference."""
    change += level[1, i]
    rounded = level[0, i] + change
    shadow = rounded - level[0, i]
    level[1, i] = (level[0, i] - (rounded - shadow)) + (change - shadow)
    level[0, i] = rounded


@_inlined
def _take_step(psi, fn, fp, i, dpsi, dfn, dfp, dv):
    """Change the potential and the levels of node i, linearly in the densities.

    The form keeps the digits of small changes and the logarithm of large ones; no density turns negative.
    """
    psi[i] += dpsi
    d = dpsi + dfn
    if abs(d) > 1e-3:
        dfn = np.log1p(max(d, -0.95)) - dpsi
    elif abs(d) > 1e-9:
        dfn += np.log1p(d) - d
    _add(fn, i, dfn)
    d = -dpsi - dfp
    if abs(d) > 1e-3:
        dfp = -np.log1p(max(d, -0.95)) - dpsi
    elif abs(d) > 1e-9:
        dfp -= np.log1p(d) - d
    _add(fp, i, dfp + dv)


@_inlined
def _pin(dev, fn, fp, v):
    """Quasi-Fermi levels at contacts that hold their carrier at equilibrium."""
    last = dev.x.size - 1
    for side in range(2):
        i = 0 if side == 0 else last
        anode = dev.anode_front == (side == 0)
        if dev.contact[side, C_SN] < 0.0:
            fn[0, i] = -v if anode else 0.0
            fn[1, i] = 0.0
        if dev.contact[side, C_SP] < 0.0:
            fp[0, i] = 0.0 if anode else v
            fp[1, i] = 0.0


@_compiled
def _site_of_edge(dev, edge):
    """The site on the left of the edge from node `edge` to the next."""
    for m in range(dev.offset.size):
        s = edge + dev.offset[m]
        if dev.site_start[m] <= s < dev.site_start[m + 1] - 1:
            return s
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        m = 0
        while dev.site_start[m + 1] <= s:
            m += 1
        if s - dev.offset[m] == edge:
            return s
    return -1


@_compiled
def _quiet_edge(dev, w):
    """The inner edge with the least conductance, whose flux is least disturbed by rounding.

    With a plane it is one of the junction that holes come from, where the shunt's current does not depend on the
    voltage of the whole.
    """
    best, edge = np.inf, 1
    first_node, last_node = 1, dev.x.size - 1
    for q in range(dev.plane_site.size):
        node = _node_of(dev, dev.plane_site[q])
        first_node, last_node = (node, last_node) if dev.anode_front else (1, node + 1)
        edge = first_node
    for m in range(dev.offset.size):
        for s in range(dev.site_start[m], dev.site_start[m + 1] - 1):
            i = s - dev.offset[m]
            if i < first_node or i + 1 >= last_node:
                continue
            g = (
                dev.layer[m, MU_N] * max(w.n[s], w.n[s + 1]) + dev.layer[m, MU_P] * max(w.p[s], w.p[s + 1])
            ) / (dev.spacing[s])
            if g < best:
                best, edge = g, i
    return edge


@_compiled
def _edge_current(dev, w, edge):
    """Fluxes of electrons and holes over an inner edge and the total's slope by the unknowns; see `_through`."""
    slope = np.zeros((3, 3))
    _beside_slope(dev, slope)
    L, U = w.lower, w.upper
    slope[1, 0] = U[edge, 1] - U[edge, 3]
    slope[1, 1] = U[edge, 2]
    slope[1, 2] = -U[edge, 4]
    slope[0, 0] = -L[edge + 1, 1] + L[edge + 1, 3]
    slope[0, 1] = -L[edge + 1, 2]
    slope[0, 2] = L[edge + 1, 4]
    s = _site_of_edge(dev, edge)
    return w.jn[s], w.jp[s], slope


@_compiled
def rates(dev, w, psi, fn, fp, v, channel, profile):
    """Recombination of every channel and site, and the fluxes, of a state; no Jacobian.

    channel (C,) m^-2 s^-1: radiative and Auger of each layer, then each bulk trap, then each face trap.
    profile (S,) m^-3 s^-1: total volume rate of each site. Fluxes go to w.jn and w.jp, net rates to w.net (without
    generation).
    """
    densities(dev, w, psi, fn, fp, v)
    layers = dev.offset.size
    for c in range(channel.size):
        channel[c] = 0.0
    for i in range(dev.x.size):
        w.net[i] = 0.0
    for m in range(layers):
        off = dev.offset[m]
        first, last = dev.site_start[m], dev.site_start[m + 1] - 1
        degenerate = dev.layer[m, DEGENERATE] != 0.0
        mun, mup = dev.layer[m, MU_N] * dev.vt, dev.layer[m, MU_P] * dev.vt
        for s in range(first, last + 1):
            i = s - off
            n, p, vol = w.n[s], w.p[s], dev.volume[s]
            drive = _drive(n, p, fn[0, i] - fp[0, i] + v)
            r = dev.layer[m, K_RAD] * drive
            channel[2 * m] += vol * r
            total = r
            r = (dev.layer[m, AUGER_N] * n + dev.layer[m, AUGER_P] * p) * drive
            channel[2 * m + 1] += vol * r
            total += r
            for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
                n1 = np.exp(dev.trap[t, T_LN_N1] + w.lgn[s])
                p1 = np.exp(dev.trap[t, T_LN_P1] + w.lgp[s])
                kt, _, _ = _trap(dev.trap[t, T_RN], dev.trap[t, T_RP], n, p, n1, p1)
                channel[2 * layers + t] += vol * kt * drive
                total += kt * drive
            profile[s] = total
            w.net[i] -= vol * total
            if s == last:
                continue
            dpsi = psi[i + 1] - psi[i]
            x, y = dpsi, -dpsi
            if degenerate:
                x += w.lgn[s + 1] - w.lgn[s]
                y += w.lgp[s + 1] - w.lgp[s]
            bx, bmx, _ = _bernoulli(x)
            by, bmy, _ = _bernoulli(y)
            c = mun / dev.spacing[s]
            d = (fn[0, i + 1] - fn[0, i]) + (fn[1, i + 1] - fn[1, i])
            w.jn[s] = c * n * bmx * _expm1(d) if abs(d) < 1.0 else c * (w.n[s + 1] * bx - n * bmx)
            c = mup / dev.spacing[s]
            d = (fp[0, i + 1] - fp[0, i]) + (fp[1, i + 1] - fp[1, i])
            w.jp[s] = -c * p * bmy * _expm1(-d) if abs(d) < 1.0 else c * (p * bmy - w.p[s + 1] * by)
    for q in range(dev.plane_site.size):
        rn, _, _, rp, _, _, from_n, from_p = _plane(dev, w, q, psi, fn, fp, v)
        if dev.plane[q, P_METAL] == 0.0:
            rn, rp = from_n, from_p
        sign = 1.0 if dev.anode_front else -1.0
        w.plane[q, 0], w.plane[q, 1] = rn, rp
        w.plane[q, 2] = sign * (from_n if dev.anode_front else from_p)
        w.plane[q, 3] = sign * (from_p if dev.anode_front else from_n)
    traps = dev.trap.shape[0]
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        m = 0
        while dev.site_start[m + 1] <= s:
            m += 1
        i = s - dev.offset[m]
        n, p, n1, p1 = _face_rate(dev, w, t, s)
        kt, _, _ = _trap(dev.face_trap[t, F_SN], dev.face_trap[t, F_SP], n, p, n1, p1)
        r = kt * _drive(n, p, fn[0, i] - fp[0, i] + v)
        channel[2 * layers + traps + t] += r
        w.net[i] -= r
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        m = 0
        while dev.site_start[m + 1] <= s:
            m += 1
        i = s - dev.offset[m]
        d = (fn[0, i + 1] - fn[0, i]) + (fn[1, i + 1] - fn[1, i])
        if dev.barrier[b, 2] > 0.0:
            w.jn[s] = -dev.barrier[b, 0] * w.n[s + 1] * _expm1(-d)
        else:
            w.jn[s] = dev.barrier[b, 0] * w.n[s] * _expm1(d)
        d = (fp[0, i + 1] - fp[0, i]) + (fp[1, i + 1] - fp[1, i])
        if dev.barrier[b, 3] < 0.0:
            w.jp[s] = dev.barrier[b, 1] * w.p[s + 1] * _expm1(d)
        else:
            w.jp[s] = -dev.barrier[b, 1] * w.p[s] * _expm1(-d)


@_compiled
def terminal(dev, w, gen):
    """Current (m^-2 s^-1, conventional, along x) and what each carrier loses at the wrong contact.

    Uses the fluxes and net rates that `rates` left. Each carrier's flux is read where it is least disturbed by
    rounding and carried elsewhere by the balance of generation and recombination. Returns the total, the electrons'
    loss at the anode and the holes' loss at the cathode (m^-2 s^-1).
    """
    nodes = dev.x.size
    flux_n, flux_p = np.empty(nodes - 1), np.empty(nodes - 1)
    noise_n, noise_p = np.empty(nodes - 1), np.empty(nodes - 1)
    source, holes = np.zeros(nodes), np.zeros(nodes)
    for i in range(nodes):
        source[i] = w.net[i]
    for m in range(dev.offset.size):
        off = dev.offset[m]
        last = dev.site_start[m + 1] - 1
        for s in range(dev.site_start[m], last + 1):
            source[s - off] += gen[s]
            if s < last:
                i = s - off
                h = 1.0 / dev.spacing[s]
                flux_n[i], flux_p[i] = w.jn[s], w.jp[s]
                noise_n[i] = dev.layer[m, MU_N] * h * max(w.n[s], w.n[s + 1])
                noise_p[i] = dev.layer[m, MU_P] * h * max(w.p[s], w.p[s + 1])
            elif m + 1 < dev.offset.size and dev.offset[m + 1] == off:
                i = s - off
                flux_n[i], flux_p[i] = w.jn[s], w.jp[s]
                noise_n[i], noise_p[i] = np.inf, np.inf
    a, b = np.argmin(noise_n), np.argmin(noise_p)
    for i in range(nodes):
        holes[i] = source[i]
    aside = 0.0
    for q in range(dev.plane_site.size):
        i = _node_of(dev, dev.plane_site[q])
        source[i] -= w.plane[q, 0]
        holes[i] -= w.plane[q, 1]
        aside += w.plane[q, 2] if b < i else w.plane[q, 3]
    # the balance of node i reads  jn[i] - jn[i - 1] + source = 0  and  jp[i] - jp[i - 1] - holes = 0
    jn_b = flux_n[a]
    if b > a:
        for i in range(a + 1, b + 1):
            jn_b -= source[i]
    else:
        for i in range(b + 1, a + 1):
            jn_b += source[i]
    total = jn_b + flux_p[b] + aside
    jn_front = flux_n[a]
    for i in range(0, a + 1):
        jn_front += source[i]
    jn_back = flux_n[a]
    for i in range(a + 1, nodes):
        jn_back -= source[i]
    jp_front = flux_p[b]
    for i in range(0, b + 1):
        jp_front -= holes[i]
    jp_back = flux_p[b]
    for i in range(b + 1, nodes):
        jp_back += holes[i]
    if dev.anode_front:
        return total, jn_front, jp_back
    return total, -jn_back, -jp_front


@_compiled
def sweep(
    dev, w, psi, fn, fp, v, gen, ion_charge, mu, control, ca, cb, start, targets, tolerance, max_iterations,
    longest, finest, out_psi, out_fn, out_fp, out_v, out_mu, status, iterations,
):  # fmt: skip
    """Follow the steady state along a list of control values, storing every state.

    From the state at control value `start` each target is reached in one step, or in as many smaller ones as it
    takes, down to `finest` of the way. Steps begin from the parabola through the last three states. With
    CONTROL_VOLTAGE the targets are v itself. status (K,): 0 where the target was reached; a point that was not
    leaves the last good state in place and the sweep goes on from there.
    """
    nodes = dev.x.size
    species = dev.ion.shape[0]
    width = 5 * nodes + 1 + species
    past = np.zeros((3, width))
    where = np.zeros(3)
    known = 1
    trial = np.zeros(1)
    _pack(past[0], psi, fn, fp, v[0], mu)
    where[0] = start
    for k in range(targets.size):
        goal = targets[k]
        here = where[0]
        fraction = 1.0
        iterations[k] = 0
        reached = goal == here and known == 1
        while not reached:
            aim = here + fraction * (goal - here)
            if fraction >= 0.999999 or abs(goal - aim) < 1e-12 * abs(goal - here):
                aim = goal
            _predict(past, where, known, aim, psi, fn, fp, trial, mu)
            if control == CONTROL_VOLTAGE:
                trial[0] = aim
            ok, its, _ = newton(
                dev, w, psi, fn, fp, trial, gen, ion_charge, mu, control, ca, cb, aim, max_iterations,
                tolerance, longest,
            )  # fmt: skip
            iterations[k] += its
            if ok != CONVERGED and known > 1:
                # the parabola may mislead at a kink: once more from the last state itself
                _predict(past, where, 1, aim, psi, fn, fp, trial, mu)
                if control == CONTROL_VOLTAGE:
                    trial[0] = aim
                ok, its, _ = newton(
                    dev, w, psi, fn, fp, trial, gen, ion_charge, mu, control, ca, cb, aim, max_iterations,
                    tolerance, longest,
                )  # fmt: skip
                iterations[k] += its
            if ok == CONVERGED:
                for j in range(width):
                    past[2, j] = past[1, j]
                    past[1, j] = past[0, j]
                _pack(past[0], psi, fn, fp, trial[0], mu)
                where[2], where[1], where[0] = where[1], where[0], aim
                known = min(known + 1, 3)
                v[0] = trial[0]
                if aim == goal:
                    reached = True
                else:
                    left = (goal - aim) / (goal - here)
                    here = aim
                    fraction = min(1.0, 2.0 * fraction / left) if left > 0.0 else 1.0
            else:
                fraction *= 0.25
                if fraction < finest:
                    break
        status[k] = 0 if reached else 1
        _predict(past, where, 1, where[0], psi, fn, fp, v, mu)
        for i in range(nodes):
            out_psi[k, i] = psi[i]
            for part in range(2):
                out_fn[k, part, i] = fn[part, i]
                out_fp[k, part, i] = fp[part, i]
        out_v[k] = v[0]
        for j in range(species):
            out_mu[k, j] = mu[j]


@_inlined
def _pack(row, psi, fn, fp, v, mu):
    nodes = psi.size
    for i in range(nodes):
        row[i] = psi[i]
        row[nodes + i] = fn[0, i]
        row[2 * nodes + i] = fp[0, i]
        row[3 * nodes + i] = fn[1, i]
        row[4 * nodes + i] = fp[1, i]
    row[5 * nodes] = v
    for j in range(mu.size):
        row[5 * nodes + 1 + j] = mu[j]


@_compiled
def _predict(past, where, known, aim, psi, fn, fp, v, mu):
    """State at control value `aim`: the last one, or the line or parabola through the last two or three."""
    a0, a1, a2 = 1.0, 0.0, 0.0
    if known == 2:
        a1 = (aim - where[0]) / (where[1] - where[0])
        a0 = 1.0 - a1
    elif known == 3:
        x0, x1, x2 = where[0], where[1], where[2]
        a0 = (aim - x1) * (aim - x2) / ((x0 - x1) * (x0 - x2))
        a1 = (aim - x0) * (aim - x2) / ((x1 - x0) * (x1 - x2))
        a2 = (aim - x0) * (aim - x1) / ((x2 - x0) * (x2 - x1))
    nodes = psi.size
    for i in range(nodes):
        psi[i] = a0 * past[0, i] + a1 * past[1, i] + a2 * past[2, i]
        j = nodes + i
        fn[0, i] = a0 * past[0, j] + a1 * past[1, j] + a2 * past[2, j]
        j = 2 * nodes + i
        fp[0, i] = a0 * past[0, j] + a1 * past[1, j] + a2 * past[2, j]
        # the small parts belong to one state only
        fn[1, i] = past[0, 3 * nodes + i] if known == 1 else 0.0
        fp[1, i] = past[0, 4 * nodes + i] if known == 1 else 0.0
    j = 5 * nodes
    v[0] = a0 * past[0, j] + a1 * past[1, j] + a2 * past[2, j]
    for k in range(mu.size):
        j = 5 * nodes + 1 + k
        mu[k] = a0 * past[0, j] + a1 * past[1, j] + a2 * past[2, j]


@_compiled
def observe(dev, w, gen, states_psi, states_fn, states_fp, states_v, channel, terminals, profile):
    """Channels and terminal current of a series of states; the last state's densities and fluxes stay in w.

    gen (1, S) or (K, S): pairs generated in each site, m^-2 s^-1, the same for all states or those of each.
    """
    for k in range(states_v.size):
        rates(dev, w, states_psi[k], states_fn[k], states_fp[k], states_v[k], channel[k], profile)
        lit = gen[min(k, gen.shape[0] - 1)]
        if dev.coupled.size > 0:
            lit = lit + dev.share * channel[k, 2 * dev.emitter] * dev.coupled
        a, b, c = terminal(dev, w, lit)
        terminals[k, 0], terminals[k, 1], terminals[k, 2] = a, b, c


@_compiled
def respond(dev, w, psi, fn, fp, v, gen, ion_charge, mu, sources, emitter, glow):
    """Change of the total flux (m^-2 s^-1, along x) per small extra generation, on one factorised Jacobian.

    sources (Q, S): extra pairs per area and time in each site. The junction voltage is held; the ions of the device
    re-equilibrate. glow (Q + 1,) receives the changes of the net radiative rate of layer `emitter` (m^-2 s^-1).
    Returns (Q + 1,); the last entries are by v.
    """
    nodes = dev.x.size
    count = sources.shape[0]
    species = dev.ion.shape[0]
    assemble(dev, w, psi, fn, fp, v, gen, ion_charge, mu)
    glows = dev.coupled.size > 0
    if glows:
        light = dev.share * _radiated(dev, w, dev.emitter, fn, fp, v, np.zeros((nodes, 3, 0)), np.zeros(0))
        assemble(dev, w, psi, fn, fp, v, gen + light * dev.coupled, ion_charge, mu)
    edge = _quiet_edge(dev, w)
    _, _, slope = _edge_current(dev, w, edge)
    # causes: the sources, the voltage and, where it comes back, the light that the cell makes itself
    causes = count + 1 + (1 if glows else 0)
    F = np.zeros((nodes, 3, causes + species))
    for q in range(count):
        _source_column(dev, w, sources[q], F, q)
    _bias_column(dev, w, fn, fp, v, F, count)
    if glows:
        _source_column(dev, w, dev.coupled, F, count + 1)
    for k in range(species):
        _ion_column(dev, w, k, F, causes + k)
    eliminate(w, nodes, 1)
    substitute(w, F, nodes, causes + species)
    if species > 0:
        _keep_ions(dev, w, F, causes)
    if glows:
        _shine_back(dev, w, fn, fp, v, F, count + 1, count + 1)
    out = np.zeros(count + 1)
    for q in range(count + 1):
        out[q] = _through(dev, slope, edge, F, q)
    _radiated(dev, w, emitter, fn, fp, v, F, glow)
    return out


@_compiled
def _source_column(dev, w, source, F, q):
    """Right-hand side, column q, of what follows from extra pairs per area and time in each site, `source` (S,)."""
    for m in range(dev.offset.size):
        off = dev.offset[m]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            if w.leak[i, 0] != np.inf:
                F[i, 1, q] -= source[s]
            if w.leak[i, 1] != np.inf:
                F[i, 2, q] -= source[s]


@_inlined
def _ion_column(dev, w, k, F, q):
    """Right-hand side, column q, of what follows from a unit of the activity of species k; no charge of it counts at a
    contact or a metal, where the first row is not Poisson's.
    """
    m = int(dev.ion[k, I_LAYER])
    for s in range(dev.site_start[m], dev.site_start[m + 1]):
        F[s - dev.offset[m], 0, q] -= dev.volume[s] * dev.ion[k, I_Z] * w.dion[k, s]
    F[0, 0, q] = 0.0
    F[dev.x.size - 1, 0, q] = 0.0
    for j in range(dev.plane_site.size):
        if dev.plane[j, P_METAL] != 0.0:
            F[_node_of(dev, dev.plane_site[j]), 0, q] = 0.0


@_compiled
def _keep_ions(dev, w, F, columns):
    """Let the activities follow in the first `columns` responses, so that each species keeps its number.

    F (N, 3, columns + species): what follows from each cause with the activities held, then from each activity.
    """
    nodes = dev.x.size
    species = dev.ion.shape[0]
    border, load = np.zeros((species, species)), np.zeros(species)
    for q in range(columns):
        for k in range(species):
            m = int(dev.ion[k, I_LAYER])
            z = dev.ion[k, I_Z]
            load[k] = 0.0
            for j in range(species):
                border[k, j] = 0.0
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = s - dev.offset[m]
                c = dev.volume[s] * w.dion[k, s]
                border[k, k] += c
                load[k] += c * z * F[i, 0, q]
                for j in range(species):
                    border[k, j] -= c * z * F[i, 0, columns + j]
        _solve_small(border, load)
        for i in range(nodes):
            for r in range(3):
                for k in range(species):
                    F[i, r, q] += F[i, r, columns + k] * load[k]


@_compiled
def _bias_column(dev, w, fn, fp, v, F, q):
    """Right-hand side, column q, of the state's derivative by the junction voltage (quasi-Fermi levels absolute)."""
    anode = 0 if dev.anode_front else dev.x.size - 1
    site = 0 if dev.anode_front else dev.volume.size - 1
    side = 0 if dev.anode_front else 1
    sn, sp = dev.contact[side, C_SN], dev.contact[side, C_SP]
    for j in range(dev.plane_site.size):
        i = _node_of(dev, dev.plane_site[j])
        if dev.plane[j, P_METAL] != 0.0:
            F[i, 0, q] -= dev.plane[j, P_GE]
        else:
            F[i, 1, q] += dev.plane[j, P_GE]
    F[anode, 0, q] = 1.0
    F[anode, 1, q] = -1.0 if sn < 0.0 else sn * w.n[site] * np.exp(-fn[0, anode] - v)
    F[anode, 2, q] = -1.0 if sp < 0.0 else -sp * w.p[site] * np.exp(fp[0, anode])


# --- junctions in series -------------------------------------------------------------------------------------------

#: columns of what `_linear` leaves in w.rhs: the Newton step at a held voltage, what follows from one unit of the
#: voltage and, where there is one, of the extra generation; species of ions that re-equilibrate come behind them
BY_ITSELF, BY_VOLTAGE, BY_SOURCE, LINEAR_COLUMNS = range(4)


@_compiled
def _linear(dev, w, psi, fn, fp, v, gen, ion_charge, mu, source, residual, changes):
    """A junction's equations about a state, factorised and solved for all that it can follow from (see BY_ITSELF).

    source (S,): pairs per area and time of one unit of an extra generation; empty without. residual (N, 2) receives
    the carriers' balances, changes (LINEAR_COLUMNS,) those of the flux along x. Returns that flux, m^-2 s^-1. Ions keep
    their number.
    """
    nodes = dev.x.size
    species = dev.ion.shape[0]
    causes = LINEAR_COLUMNS if source.size > 0 else BY_SOURCE
    columns = causes + species
    assemble(dev, w, psi, fn, fp, v, gen, ion_charge, mu)
    F = w.rhs
    for i in range(nodes):
        residual[i, 0], residual[i, 1] = F[i, 1, 0], F[i, 2, 0]
        for q in range(1, columns):
            F[i, 0, q], F[i, 1, q], F[i, 2, q] = 0.0, 0.0, 0.0
    _bias_column(dev, w, fn, fp, v, F, BY_VOLTAGE)
    if source.size > 0:
        _source_column(dev, w, source, F, BY_SOURCE)
    for k in range(species):
        _ion_column(dev, w, k, F, causes + k)
    edge = _quiet_edge(dev, w)
    jn, jp, slope = _edge_current(dev, w, edge)
    eliminate(w, nodes, columns)
    if species > 0:
        _keep_ions(dev, w, F, causes)
    for q in range(LINEAR_COLUMNS):
        changes[q] = 0.0
    for q in range(causes):
        changes[q] = _through(dev, slope, edge, F, q)
    return jn + jp


@_compiled
def _radiated(dev, w, m, fn, fp, v, F, changes):
    """Net radiative rate of layer m (m^-2 s^-1), from the densities in w; changes (Q,) receives how it follows the
    columns of F, of which BY_VOLTAGE is by the junction voltage.
    """
    off = dev.offset[m]
    rate = 0.0
    for q in range(changes.size):
        changes[q] = 0.0
    for s in range(dev.site_start[m], dev.site_start[m + 1]):
        i = s - off
        n, p = w.n[s], w.p[s]
        k = dev.volume[s] * dev.layer[m, K_RAD]
        drive = _drive(n, p, fn[0, i] - fp[0, i] + v)
        rate += k * drive
        rest = k * (n * p - drive)
        drive *= k
        for q in range(changes.size):
            # levels of F are absolute: their difference is the change of the splitting
            d_psi, d_n, d_p = F[i, 0, q], F[i, 1, q], F[i, 2, q]
            changes[q] += drive * (w.gn[s] * (d_psi + d_n) - w.gp[s] * (d_psi + d_p)) + rest * (d_n - d_p)
    return rate


@_compiled
def radiated(dev, w, m, psi, fn, fp, v):
    """Net radiative rate of layer m in a state, m^-2 s^-1."""
    densities(dev, w, psi, fn, fp, v)
    return _radiated(dev, w, m, fn, fp, v, np.zeros((1, 3, 0)), np.zeros(0))


@_compiled
def _shine_back(dev, w, fn, fp, v, F, causes, own):
    """Let the light that a cell makes for itself follow in the first `causes` columns of F (N, B, Q), which hold the
    responses to other causes; column `own` holds that to one unit of such light.
    """
    changes = np.zeros_like(F[0, 0, : own + 1])
    _radiated(dev, w, dev.emitter, fn, fp, v, F, changes)
    for q in range(causes):
        extra = dev.share * changes[q] / (1.0 - dev.share * changes[own])
        for i in range(F.shape[0]):
            for r in range(F.shape[1]):
                F[i, r, q] += F[i, r, own] * extra


@_compiled
def series_newton(
    devs, ws, psi, fn, fp, v, gen, ion_charge, mu, leak, share, emitter, profile, a, b, c, coupled, slopes,
    max_iterations, tolerance, longest,
):  # fmt: skip
    """Two junctions that carry one current J (A m^-2), with a (V1 + V2) + b J = c: solved from a state, in place.

    All pairs hold the first and the second junction. psi, fn, fp, ion_charge, mu: as in `newton`; v (2,): junction
    voltages in units of kT/q. leak (2,): conductance beside each, A m^-2 per kT/q. Of the net radiative rate of layer
    `emitter` of the first, `share` makes pairs in the second, spread over its sites as `profile` (S,) says; none where
    that is empty.

    coupled (1,) receives the rate of those pairs, m^-2 s^-1, and slopes (3,) the slopes at the state of both currents
    by their own voltages and of the second by the first's, A m^-2 per kT/q.
    Returns status, iterations, the last step and J.
    """
    vt = devs[0].vt
    sign = -1.602176634e-19 if devs[0].anode_front else 1.602176634e-19
    residual0, residual1 = np.zeros((psi[0].size, 2)), np.zeros((psi[1].size, 2))
    by = np.zeros((2, LINEAR_COLUMNS))
    glow = np.zeros(BY_SOURCE)
    nothing = np.zeros(0)
    glows = profile.size > 0
    lit = gen[1].copy()
    current = np.zeros(2)
    largest, total = np.inf, 0.0
    for d in range(2):
        dev = devs[d]
        side = 0 if dev.anode_front else 1
        anode = 0 if dev.anode_front else dev.x.size - 1
        psi[d][anode] = dev.contact[side, C_PSI] + v[d]
        psi[d][dev.x.size - 1 - anode] = dev.contact[1 - side, C_PSI]
        _pin(dev, fn[d], fp[d], v[d])
    for iteration in range(max_iterations):
        for d in range(2):
            if devs[d].ion.shape[0] > 0 and not settle_ions(devs[d], ws[d], psi[d], mu[d]):
                return NOT_FINITE, iteration, np.inf, 0.0
        flux = _linear(
            devs[0], ws[0], psi[0], fn[0], fp[0], v[0], gen[0], ion_charge[0], mu[0], nothing, residual0, by[0]
        )
        current[0] = sign * flux - leak[0] * v[0]
        if glows:
            coupled[0] = share * _radiated(devs[0], ws[0], emitter, fn[0], fp[0], v[0], ws[0].rhs, glow)
            for s in range(lit.size):
                lit[s] = gen[1][s] + coupled[0] * profile[s]
        flux = _linear(
            devs[1], ws[1], psi[1], fn[1], fp[1], v[1], lit, ion_charge[1], mu[1], profile, residual1, by[1]
        )
        current[1] = sign * flux - leak[1] * v[1]
        # both currents as they follow from the changes of the voltages x and y
        by_x = sign * by[0, BY_VOLTAGE] - leak[0]
        by_y = sign * by[1, BY_VOLTAGE] - leak[1]
        more = share * sign * by[1, BY_SOURCE]
        across = more * glow[BY_VOLTAGE]
        slopes[0], slopes[1], slopes[2] = by_x, by_y, across
        first = current[0] + sign * by[0, BY_ITSELF]
        second = current[1] + sign * by[1, BY_ITSELF] + more * glow[BY_ITSELF]
        # first + by_x x = second + by_y y + across x,   a vt (v1 + v2 + x + y) + b (first + by_x x) = c
        m00, m01, r0 = by_x - across, -by_y, second - first
        m10, m11, r1 = a * vt + b * by_x, a * vt, c - a * vt * (v[0] + v[1]) - b * first
        det = m00 * m11 - m01 * m10
        x, y = (r0 * m11 - m01 * r1) / det, (m00 * r1 - m10 * r0) / det
        x, y = min(max(x, -8.0), 8.0), min(max(y, -8.0), 8.0)
        if not (np.isfinite(x) and np.isfinite(y)):
            return NOT_FINITE, iteration + 1, np.inf, 0.0
        extra = share * (glow[BY_ITSELF] + glow[BY_VOLTAGE] * x)
        F = ws[0].rhs
        for i in range(psi[0].size):
            for r in range(3):
                F[i, r, 0] += F[i, r, BY_VOLTAGE] * x
        F = ws[1].rhs
        for i in range(psi[1].size):
            for r in range(3):
                F[i, r, 0] += F[i, r, BY_VOLTAGE] * y
                if glows:
                    F[i, r, 0] += F[i, r, BY_SOURCE] * extra
        late = iteration >= _LATE
        step0, largest0, finite0 = _length(ws[0], ws[0].rhs, residual0, late, tolerance)
        step1, largest1, finite1 = _length(ws[1], ws[1].rhs, residual1, late, tolerance)
        if not (finite0 and finite1):
            return NOT_FINITE, iteration + 1, np.inf, 0.0
        step, largest = max(step0, step1), max(largest0, largest1)
        damping = min(1.0, longest / step) if step > 0.0 else 1.0
        for d in range(2):
            dev, F = devs[d], ws[d].rhs
            dv = damping * (x if d == 0 else y)
            v[d] += dv
            for i in range(psi[d].size):
                _take_step(
                    psi[d], fn[d], fp[d], i, damping * F[i, 0, 0], damping * F[i, 1, 0], damping * F[i, 2, 0], dv
                )  # fmt: skip
            side = 0 if dev.anode_front else 1
            anode = 0 if dev.anode_front else dev.x.size - 1
            psi[d][anode] = dev.contact[side, C_PSI] + v[d]
            _pin(dev, fn[d], fp[d], v[d])
        total = first + by_x * x
        if largest < tolerance:
            for d in range(2):
                if devs[d].ion.shape[0] > 0:
                    settle_ions(devs[d], ws[d], psi[d], mu[d])
            # what the last step makes of it, to the square of that step
            coupled[0] += extra
            return CONVERGED, iteration + 1, largest, total
        if step > 1e4:
            return STALLED, iteration + 1, largest, total
    return STALLED, max_iterations, largest, total


# --- time and small signals: ions as unknowns of their own -----------------------------------------------------------


@_compiled
def moving_ions(dev, b, motion, psi, level):
    """Densities of the moving species from the potential and their levels (I, N), in units of kT.

    A level is ln(density) + z psi plus the excess of limited sites, constant where nothing moves.
    """
    for k in range(motion.shape[0]):
        m = int(motion[k, M_LAYER])
        z, sites = motion[k, M_Z], motion[k, M_SITES]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            e = level[k, i] - z * psi[i]
            if sites == 0.0:
                c = np.exp(min(e, 200.0))
                b.ion[k, s] = c
                b.dion[k, s] = c
            else:
                fill = 1.0 / (1.0 + np.exp(min(max(np.log(sites) - e, -200.0), 200.0)))
                b.ion[k, s] = sites * fill
                b.dion[k, s] = sites * fill * (1.0 - fill)


@_compiled
def ion_charge_of(b, motion, out):
    """Charge of the moving ions of each site, units of q, added to `out` (S,)."""
    for k in range(motion.shape[0]):
        for s in range(out.size):
            out[s] += motion[k, M_Z] * b.ion[k, s]


@_compiled
def load_blocks(dev, w, b, motion, psi, level, rate, past_n, past_p, past_ion, electrons_move):
    """Blocks of a step from what `assemble` left in w, with ions' rows and terms rate * density - past.

    rate (1/s) multiplies the new densities, `past` (S,) and (I, S) collects the old ones (m^-3 s^-1). For a small
    signal rate is i omega and the past nothing. Without `electrons_move` carriers follow at once. At a metal the row of
    the potential is Poisson's until `tie_metals`.
    """
    nodes = dev.x.size
    size = b.diag.shape[1]
    for i in range(nodes):
        for r in range(size):
            for c in range(size):
                b.diag[i, r, c] = 0.0
            b.lower_psi[i, r] = 0.0
            b.lower_own[i, r] = 0.0
            b.upper_psi[i, r] = 0.0
            b.upper_own[i, r] = 0.0
            b.give[i, r] = 0.0
            b.take[i, r] = 0.0
            b.leak[i, r] = 0.0
            b.rhs[i, r, 0] = 0.0
        for r in range(3):
            for c in range(3):
                b.diag[i, r, c] = w.diag[i, 3 * r + c]
            b.rhs[i, r, 0] = w.rhs[i, r, 0]
        b.lower_own[i, 0] = w.lower[i, 0]
        b.lower_psi[i, 1], b.lower_own[i, 1] = w.lower[i, 1], w.lower[i, 2]
        b.lower_psi[i, 2], b.lower_own[i, 2] = w.lower[i, 3], w.lower[i, 4]
        b.upper_own[i, 0] = w.upper[i, 0]
        b.upper_psi[i, 1], b.upper_own[i, 1] = w.upper[i, 1], w.upper[i, 2]
        b.upper_psi[i, 2], b.upper_own[i, 2] = w.upper[i, 3], w.upper[i, 4]
        for r in range(2):
            b.give[i, 1 + r] = w.give[i, r]
            b.take[i, 1 + r] = w.take[i, r]
            b.leak[i, 1 + r] = w.leak[i, r]
    for q in range(dev.plane_site.size):
        if dev.plane[q, P_METAL] != 0.0:
            i = _node_of(dev, dev.plane_site[q])
            for c in range(3):
                b.diag[i, 0, c] = w.poisson[q, c]
            b.lower_own[i, 0], b.upper_own[i, 0] = w.poisson[q, 3], w.poisson[q, 4]
    for i in range(nodes):
        for r in range(3, size):
            b.leak[i, r] = np.inf  # until an ion layer claims the node
    for m in range(dev.offset.size):
        off = dev.offset[m]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            vol = dev.volume[s]
            if not electrons_move:
                continue
            if w.leak[i, 0] != np.inf:
                c = vol * rate * w.n[s] * w.gn[s]
                b.leak[i, 1] += c
                b.diag[i, 1, 0] -= c
                b.rhs[i, 1, 0] += vol * (rate * w.n[s] - past_n[s])
            if w.leak[i, 1] != np.inf:
                c = vol * rate * w.p[s] * w.gp[s]
                b.leak[i, 2] += c
                b.diag[i, 2, 0] += c
                b.rhs[i, 2, 0] += vol * (rate * w.p[s] - past_p[s])
    for k in range(motion.shape[0]):
        m = int(motion[k, M_LAYER])
        slot = int(motion[k, M_SLOT])
        z, diffusion = motion[k, M_Z], motion[k, M_D]
        first, last = dev.site_start[m], dev.site_start[m + 1] - 1
        off = dev.offset[m]
        for s in range(first, last + 1):
            i = s - off
            vol = dev.volume[s]
            c, dc = b.ion[k, s], b.dion[k, s]
            b.leak[i, slot] = vol * rate * dc
            b.diag[i, slot, 0] += z * vol * rate * dc
            b.rhs[i, slot, 0] += vol * (rate * c - past_ion[k, s])
            # the first and last node of the domain hold their potential
            if 0 < i < nodes - 1:
                b.diag[i, 0, 0] -= vol * z * z * dc
                b.diag[i, 0, slot] += vol * z * dc
        for s in range(first, last):
            i = s - off
            c1, c2 = b.ion[k, s], b.ion[k, s + 1]
            g1, g2 = b.dion[k, s] / c1, b.dion[k, s + 1] / c2
            y = -z * (psi[i + 1] - psi[i])
            if motion[k, M_SITES] > 0.0:
                # ln of the activity coefficient is ln(1 - filling), g is 1 - filling
                y += np.log(g2 / g1)
            by, bmy, sy = _bernoulli(y)
            t = diffusion / dev.spacing[s]
            out_, in_ = t * c1 * bmy, t * c2 * by
            d = level[k, i + 1] - level[k, i]
            back = out_ * _expm1(d) if abs(d) < 1.0 else in_ - out_
            b.flux[k, s] = -back
            b.rhs[i, slot, 0] -= back
            b.rhs[i + 1, slot, 0] += back
            along, against = back * sy, back * (sy - 1.0)
            d2, d1 = in_ + (g2 - 1.0) * along, -out_ - (g1 - 1.0) * against
            p2, p1 = -z * g2 * along, z * g1 * against
            b.diag[i, slot, 0] += p1
            b.upper_psi[i, slot] = p2
            b.upper_own[i, slot] = d2
            b.diag[i + 1, slot, 0] -= p2
            b.lower_psi[i + 1, slot] = -p1
            b.lower_own[i + 1, slot] = -d1
            b.give[i, slot], b.take[i, slot] = -d1, d2


@_compiled
def _remember(a0, at_rest, past, stationary, den, dden_n, dden_p, o_n, o_p):
    """How far a level's occupation lags behind its stationary value, and the lag's slopes by ln n and ln p.

    f' = den (stationary - f), with a0 f - past for f'. At rest there is no lag, only its slopes count.
    """
    r = 1.0 / (a0 + den)
    lag = 0.0 * a0 if at_rest else (past - a0 * stationary) * r
    return lag, (-a0 * o_n - lag * dden_n) * r, (-a0 * o_p - lag * dden_p) * r


@_compiled
def trap_memory(dev, w, b, a0, at_rest, past, past_face, filled, filled_face):
    """Occupation of charged levels as a variable in time: corrections to the stationary rates and charge.

    Occupations (T, S) and (TF,) go to `filled` and `filled_face`. Levels whose charge is not counted stay stationary:
    carriers that they hold back would be charge lost.
    """
    for m in range(dev.offset.size):
        off = dev.offset[m]
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt = dev.trap[t, T_NT]
            if dev.trap[t, T_KIND] == 0.0 or nt == 0.0:
                continue
            rn, rp = dev.trap[t, T_RN], dev.trap[t, T_RP]
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = s - off
                n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
                n1 = np.exp(dev.trap[t, T_LN_N1] + w.lgn[s])
                p1 = np.exp(dev.trap[t, T_LN_P1] + w.lgp[s])
                # derivatives by eta, as for faces
                n_eta, p_eta = n * gn, p * gp
                lag, occupied = _lagging(
                    b.diag, b.rhs, b.leak, i, dev.volume[s], nt, rn, rp, n, p, n1, p1, n_eta, p_eta, n1 * (gn - 1.0),
                    p1 * (gp - 1.0), a0, at_rest, past[t, s], w.leak[i, 0] == np.inf, w.leak[i, 1] == np.inf,
                )  # fmt: skip
                filled[t, s] = occupied + lag.real
    for t in range(dev.face_trap_site.size):
        nt = dev.face_trap[t, F_NT]
        if dev.face_trap[t, F_KIND] == 0.0 or nt == 0.0:
            continue
        s = dev.face_trap_site[t]
        m = 0
        while dev.site_start[m + 1] <= s:
            m += 1
        i = s - dev.offset[m]
        n, p, n1, p1 = _face_rate(dev, w, t, s)
        n1l = np.exp(dev.face_trap[t, F_LN_N1L] + w.lgn[s])
        p1l = np.exp(dev.face_trap[t, F_LN_P1L] + w.lgp[s])
        lag, occupied = _lagging(
            b.diag, b.rhs, b.leak, i, 1.0, nt, dev.face_trap[t, F_SN], dev.face_trap[t, F_SP], n, p, n1, p1,
            w.n[s] * w.gn[s] + w.n[s + 1] * w.gn[s + 1], w.p[s] * w.gp[s] + w.p[s + 1] * w.gp[s + 1],
            n1l * (w.gn[s] - 1.0) + (n1 - n1l) * (w.gn[s + 1] - 1.0),
            p1l * (w.gp[s] - 1.0) + (p1 - p1l) * (w.gp[s + 1] - 1.0),
            a0, at_rest, past_face[t], False, False,
        )  # fmt: skip
        filled_face[t] = occupied + lag.real


@_compiled
def _lagging(
    diag, rhs, leak, i, vol, nt, rn, rp, n, p, n1, p1, n_eta, p_eta, n1_eta, p1_eta, a0, at_rest, past, held_n, held_p
):  # fmt: skip
    """Corrections of one level at node i; returns the lag and the stationary occupation."""
    den = rn * (n + n1) + rp * (p + p1)
    stationary = (rn * n + rp * p1) / den
    o_n = (rn * n_eta - stationary * rn * (n_eta + n1_eta)) / den
    o_p = (rp * p1_eta - stationary * rp * (p_eta + p1_eta)) / den
    lag, lag_n, lag_p = _remember(
        a0,
        at_rest,
        past,
        stationary,
        den / nt,
        rn * (n_eta + n1_eta) / nt,
        rp * (p_eta + p1_eta) / nt,
        o_n,
        o_p,
    )
    # electrons: rate - rn (n + n1) lag; holes: rate + rp (p + p1) lag
    e_n = -rn * (n_eta + n1_eta) * lag - rn * (n + n1) * lag_n
    e_p = -rn * (n + n1) * lag_p
    h_n = rp * (p + p1) * lag_n
    h_p = rp * (p_eta + p1_eta) * lag + rp * (p + p1) * lag_p
    if not held_n:
        rhs[i, 1, 0] -= vol * rn * (n + n1) * lag
        diag[i, 1, 0] -= vol * (e_n - e_p)
        leak[i, 1] += vol * e_n
        diag[i, 1, 2] += vol * e_p
    if not held_p:
        rhs[i, 2, 0] += vol * rp * (p + p1) * lag
        diag[i, 2, 0] -= vol * (h_n - h_p)
        diag[i, 2, 1] -= vol * h_n
        leak[i, 2] += vol * h_p
    if 0 < i < diag.shape[0] - 1:
        rhs[i, 0, 0] += vol * nt * lag
        diag[i, 0, 0] -= vol * nt * (lag_n - lag_p)
        diag[i, 0, 1] -= vol * nt * lag_n
        diag[i, 0, 2] += vol * nt * lag_p
    return lag, stationary


@_compiled
def tie_metals(dev, w, b, rate):
    """The balance of the charge on a metal in the place of Poisson's row at its node, which says what that charge is.

    After `load_blocks` and `trap_memory`: to what carriers and shunts bring comes `rate` times that charge; its past
    comes from `metal_charge`.
    """
    for q in range(dev.plane_site.size):
        if dev.plane[q, P_METAL] == 0.0:
            continue
        i = _node_of(dev, dev.plane_site[q])
        for c in range(b.diag.shape[1]):
            b.diag[i, 0, c] *= rate
        for c in range(3):
            b.diag[i, 0, c] += w.diag[i, c]
        b.lower_own[i, 0] *= rate
        b.upper_own[i, 0] *= rate
        b.rhs[i, 0, 0] = w.rhs[i, 0, 0]


@_compiled
def metal_charge(dev, motion, q, n, p, ion, psi, trap, face):
    """Charge on the metal at plane q but for what does not change (m^-2, units of q): what the displacement on both
    sides asks for less what lies in the plane's sites.

    n, p (S,), ion (I, S), psi (N,), trap (T, S), face (TF,): what a time step differences, or any sum of such.
    """
    s = dev.plane_site[q]
    m = 0
    while dev.site_start[m + 1] <= s:
        m += 1
    i = s - dev.offset[m]
    total = dev.layer[m, EPS] / dev.spacing[s - 1] * (psi[i] - psi[i - 1])
    total -= dev.layer[m + 1, EPS] / dev.spacing[s + 1] * (psi[i + 1] - psi[i])
    for here in range(s, s + 2):
        own = m + here - s
        held = p[here] - n[here]
        for k in range(motion.shape[0]):
            if int(motion[k, M_LAYER]) == own:
                held += motion[k, M_Z] * ion[k, here]
        for t in range(dev.trap_start[own], dev.trap_start[own + 1]):
            if dev.trap[t, T_KIND] != 0.0:
                held -= dev.trap[t, T_NT] * trap[t, here]
        total -= dev.volume[here] * held
    for t in range(face.size):
        if dev.face_trap_site[t] == s and dev.face_trap[t, F_KIND] != 0.0:
            total += dev.face_trap[t, F_NT] * face[t]
    return total


@_inlined
def _eliminate_blocks(b, nodes, columns, size):
    V, W, F = b.inverse, b.elim, b.rhs
    A = np.zeros_like(b.diag[0])
    loss = np.zeros_like(b.leak[0])
    kappa = np.zeros_like(b.leak[0])
    for i in range(nodes):
        j = i - 1
        for r in range(size):
            for c in range(size):
                A[r, c] = b.diag[i, r, c]
        if i > 0:
            lo = b.lower_own[i, 0]
            for c in range(size):
                A[0, c] -= lo * W[j, 0, c]
            for r in range(1, size):
                lp, lo = b.lower_psi[i, r], b.lower_own[i, r]
                for c in range(size):
                    if c != r:
                        A[r, c] -= lp * W[j, 0, c] + lo * W[j, r, c]
        for r in range(1, size):
            leak = b.leak[i, r]
            held = leak == np.inf
            # electrons' and ions' rows have negative diagonals, the holes' a positive one
            sign = 1.0 if r == 2 else -1.0
            if i > 0 and not held:
                give, take = b.give[j, r], b.take[j, r]
                if b.leak[j, r] == np.inf:
                    leak += take
                else:
                    coupling = b.lower_psi[i, r] * V[j, 0, r] + b.lower_own[i, r] * kappa[r]
                    leak += take * (loss[r] / (loss[r] + give)) + take * coupling
            loss[r] = leak
            if held:
                A[r, r] = 1.0
            else:
                ahead = b.give[i, r] if i < nodes - 1 else 0.0 * b.give[i, r]
                A[r, r] = sign * (leak + ahead)
        # the block's inverse by Gauss and Jordan, carriers and ions first, the potential last: their pivots never
        # vanish, whatever the scale of their rows, so that no rows are exchanged
        for r in range(size):
            for c in range(size):
                V[i, r, c] = A[r, c]
        for step in range(size):
            c = (step + 1) % size
            pivot = 1.0 / V[i, c, c]
            V[i, c, c] = 1.0
            for q in range(size):
                V[i, c, q] *= pivot
            for r in range(size):
                if r != c:
                    f = V[i, r, c]
                    V[i, r, c] = 0.0
                    for q in range(size):
                        V[i, r, q] -= f * V[i, c, q]
        for r in range(1, size):
            rest = 0.0 * A[0, 0]
            for c in range(size):
                if c != r:
                    rest += A[r, c] * V[i, c, r]
            # V[r, r] - 1 / A[r, r] without a difference
            kappa[r] = -rest / A[r, r]
        for r in range(size):
            total = V[i, r, 0] * b.upper_own[i, 0]
            for c in range(1, size):
                total += V[i, r, c] * b.upper_psi[i, c]
            W[i, r, 0] = total
            for c in range(1, size):
                W[i, r, c] = V[i, r, c] * b.upper_own[i, c]
    _substitute_blocks(b, F, nodes, columns, size)


@_inlined
def _substitute_blocks(b, F, nodes, columns, size):
    V, W = b.inverse, b.elim
    y = np.zeros_like(b.leak[0])
    for i in range(nodes):
        for q in range(columns):
            for r in range(size):
                y[r] = F[i, r, q]
            if i > 0:
                p = F[i - 1, 0, q]
                y[0] -= b.lower_own[i, 0] * p
                for r in range(1, size):
                    y[r] -= b.lower_psi[i, r] * p + b.lower_own[i, r] * F[i - 1, r, q]
            for r in range(size):
                total = 0.0 * y[0]
                for c in range(size):
                    total += V[i, r, c] * y[c]
                F[i, r, q] = total
    for i in range(nodes - 2, -1, -1):
        for q in range(columns):
            for r in range(size):
                total = 0.0 * y[0]
                for c in range(size):
                    total += W[i, r, c] * F[i + 1, c, q]
                y[r] = total
            for r in range(size):
                F[i, r, q] -= y[r]


@_compiled
def eliminate_blocks(b, nodes, columns):
    """Block-tridiagonal elimination as `eliminate`, for any number of unknowns a node, real or complex."""
    size = b.diag.shape[1]
    # the usual sizes are known to the compiler, which then unrolls the loops over a block
    if size == 3:
        _eliminate_blocks(b, nodes, columns, 3)
    elif size == 4:
        _eliminate_blocks(b, nodes, columns, 4)
    else:
        _eliminate_blocks(b, nodes, columns, size)


@_compiled
def substitute_blocks(b, F, nodes, columns):
    """Solve for right-hand sides F (N, B, columns), in place, on the factors of `eliminate_blocks`."""
    size = b.diag.shape[1]
    if size == 4:
        _substitute_blocks(b, F, nodes, columns, 4)
    else:
        _substitute_blocks(b, F, nodes, columns, size)


@_compiled
def block_current(dev, w, b, motion, edge, rate, psi, past_psi, slope):
    """Flux over an inner edge with ions and displacement (m^-2 s^-1), but for what flows beside the cell (`_beside`).

    slope (3, B) receives that of both together; see `_through`.
    """
    s = _site_of_edge(dev, edge)
    m = 0
    while dev.site_start[m + 1] <= s:
        m += 1
    size = b.diag.shape[1]
    c = dev.layer[m, EPS] / dev.spacing[s]
    total = w.jn[s] + w.jp[s]
    total -= c * (rate * (psi[edge + 1] - psi[edge]) - (past_psi[edge + 1] - past_psi[edge]))
    _beside_slope(dev, slope)
    slope[1, 0] = b.upper_psi[edge, 1] - b.upper_psi[edge, 2] - c * rate
    slope[0, 0] = -b.lower_psi[edge + 1, 1] + b.lower_psi[edge + 1, 2] + c * rate
    slope[1, 1], slope[0, 1] = b.upper_own[edge, 1], -b.lower_own[edge + 1, 1]
    slope[1, 2], slope[0, 2] = -b.upper_own[edge, 2], b.lower_own[edge + 1, 2]
    for r in range(3, size):
        slope[0, r] = 0.0
        slope[1, r] = 0.0
    for k in range(motion.shape[0]):
        if int(motion[k, M_LAYER]) == m:
            z, slot = motion[k, M_Z], int(motion[k, M_SLOT])
            total += z * b.flux[k, s]
            slope[1, 0] -= z * b.upper_psi[edge, slot]
            slope[0, 0] += z * b.lower_psi[edge + 1, slot]
            slope[1, slot] -= z * b.upper_own[edge, slot]
            slope[0, slot] += z * b.lower_own[edge + 1, slot]
    return total


@_compiled
def march(
    dev, w, b, motion, psi, fn, fp, level, v, gen, held, rate, past_n, past_p, past_ion, past_psi, past_trap,
    past_face, filled, filled_face, control, ca, cb, cc, max_iterations, tolerance, longest,
):  # fmt: skip
    """One implicit time step, in place: densities n with rate * n - past for their time derivative.

    As `newton`, but for ions that move (their levels are unknowns), charged traps that remember (`trap_memory`) and
    a current J that includes ions and displacement. held (S,): charge of the ions that do not move. The device has no
    re-equilibrating ions. Light that the cell makes for itself is that of the step's end; what follows from a unit of
    it stays in the last column of b.rhs.
    Returns status, iterations, the last step and the total flux (m^-2 s^-1, along x).
    """
    nodes = dev.x.size
    size = b.diag.shape[1]
    free_v = control == CONTROL_CIRCUIT
    _hold(dev, psi, fn, fp, v[0])
    charge = np.empty(dev.volume.size)
    slope = np.zeros((3, size))
    residual = np.empty((nodes, 2))
    causes = 2 if free_v else 1
    glows = dev.coupled.size > 0
    own = b.rhs.shape[2] - 1
    columns = own + 1 if glows else causes
    lit = gen.copy()
    sign = -1.602176634e-19 if dev.anode_front else 1.602176634e-19
    total, largest = 0.0, np.inf
    for iteration in range(max_iterations):
        if glows:
            light = dev.share * radiated(dev, w, dev.emitter, psi, fn, fp, v[0])
            for s in range(lit.size):
                lit[s] = gen[s] + light * dev.coupled[s]
        edge, total = _load_march(
            dev, w, b, motion, psi, fn, fp, level, v, lit, held, rate, past_n, past_p, past_ion, past_psi, past_trap,
            past_face, filled, filled_face, charge, slope,
        )  # fmt: skip
        F = b.rhs
        for q in range(1, columns):
            for i in range(nodes):
                for r in range(size):
                    F[i, r, q] = 0.0
        if free_v:
            _bias_column(dev, w, fn, fp, v[0], F, 1)
        if glows:
            _source_column(dev, w, dev.coupled, F, own)
        for i in range(nodes):
            residual[i, 0], residual[i, 1] = F[i, 1, 0], F[i, 2, 0]
        eliminate_blocks(b, nodes, columns)
        if glows:
            _shine_back(dev, w, fn, fp, v[0], F, causes, own)
        total += _through(dev, slope, edge, F, 0)
        dv = 0.0
        if free_v:
            by_v = _through(dev, slope, edge, F, 1)
            dv = (cc - ca * v[0] - cb * sign * total) / (ca + cb * sign * by_v)
            dv = min(max(dv, -8.0), 8.0)
            total += by_v * dv
            for i in range(nodes):
                for r in range(size):
                    F[i, r, 0] += F[i, r, 1] * dv
        step_psi, largest, finite = _march_length(dev, w, b, motion, residual, iteration >= _LATE, tolerance)
        if not finite:
            return NOT_FINITE, iteration + 1, np.inf, total
        damping = min(1.0, longest / step_psi) if step_psi > 0.0 else 1.0
        v[0] += damping * dv
        _march_take(dev, b, motion, psi, fn, fp, level, damping, damping * dv)
        _hold(dev, psi, fn, fp, v[0])
        if largest < tolerance:
            densities(dev, w, psi, fn, fp, v[0])
            moving_ions(dev, b, motion, psi, level)
            trap_memory(dev, w, b, rate, False, past_trap, past_face, filled, filled_face)
            return CONVERGED, iteration + 1, largest, total
    return STALLED, max_iterations, largest, total


@_compiled
def _march_length(dev, w, b, motion, residual, late, tolerance):
    """Length of a step (b.rhs[:, :, 0]) in the potential, the larger of it and of those in the logarithms of densities,
    and whether all of it is a number.
    """
    F = b.rhs
    size = b.diag.shape[1]
    step_psi, step_log, check = 0.0, 0.0, 0.0
    for i in range(dev.x.size):
        p = F[i, 0, 0]
        step_psi = max(step_psi, abs(p))
        for r in range(1, size):
            check += abs(F[i, r, 0])
    most_n, most_p = 0.0, 0.0
    if late:
        for s in range(w.n.size):
            most_n, most_p = max(most_n, w.n[s]), max(most_p, w.p[s])
    for m in range(dev.offset.size):
        off = dev.offset[m]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            # as in `newton`: pockets of carriers that nothing depends on, whose balance holds to rounding, and
            # here those too that are none
            step = abs(F[i, 0, 0] + F[i, 1, 0])
            if step > step_log and not (
                late
                and (
                    abs(residual[i, 0]) < _ROUNDED * (b.give[i, 1] + b.leak[i, 1])
                    or w.n[s] * (1.0 + step) < _NOBODY * most_n
                )
                and abs(w.diag[i, 1]) * step < tolerance * abs(w.diag[i, 0])
            ):
                step_log = step
            step = abs(F[i, 0, 0] + F[i, 2, 0])
            if step > step_log and not (
                late
                and (
                    abs(residual[i, 1]) < _ROUNDED * (b.give[i, 2] + b.leak[i, 2])
                    or w.p[s] * (1.0 + step) < _NOBODY * most_p
                )
                and abs(w.diag[i, 2]) * step < tolerance * abs(w.diag[i, 0])
            ):
                step_log = step
    for k in range(motion.shape[0]):
        m, slot, z = int(motion[k, M_LAYER]), int(motion[k, M_SLOT]), motion[k, M_Z]
        for i in range(dev.site_start[m] - dev.offset[m], dev.site_start[m + 1] - dev.offset[m]):
            step_log = max(step_log, abs(F[i, slot, 0] - z * F[i, 0, 0]))
    return step_psi, max(step_psi, step_log), np.isfinite(check + step_psi)


@_compiled
def _march_take(dev, b, motion, psi, fn, fp, level, damping, dv):
    """Change a state by the part `damping` of the step b.rhs[:, :, 0]; the junction voltage has changed by dv."""
    F = b.rhs
    for k in range(motion.shape[0]):
        m, slot, z = int(motion[k, M_LAYER]), int(motion[k, M_SLOT]), motion[k, M_Z]
        for i in range(dev.site_start[m] - dev.offset[m], dev.site_start[m + 1] - dev.offset[m]):
            p = damping * F[i, 0, 0]
            d = damping * F[i, slot, 0] - z * p
            level[k, i] += z * p + np.log1p(max(d, -0.95))
    for i in range(dev.x.size):
        _take_step(psi, fn, fp, i, damping * F[i, 0, 0], damping * F[i, 1, 0], damping * F[i, 2, 0], dv)


@_compiled
def _load_march(
    dev, w, b, motion, psi, fn, fp, level, v, gen, held, rate, past_n, past_p, past_ion, past_psi, past_trap,
    past_face, filled, filled_face, charge, slope,
):  # fmt: skip
    """Residual and blocks of a time step; returns an inner edge and the total flux there, whose slope is `slope`.

    charge (S,) is scratch memory.
    """
    moving_ions(dev, b, motion, psi, level)
    for s in range(charge.size):
        charge[s] = held[s]
    ion_charge_of(b, motion, charge)
    assemble(dev, w, psi, fn, fp, v[0], gen, charge, np.zeros(0))
    load_blocks(dev, w, b, motion, psi, level, rate, past_n, past_p, past_ion, True)
    trap_memory(dev, w, b, rate, False, past_trap, past_face, filled, filled_face)
    tie_metals(dev, w, b, rate)
    for q in range(dev.plane_site.size):
        if dev.plane[q, P_METAL] != 0.0:
            now = metal_charge(dev, motion, q, w.n, w.p, b.ion, psi, filled, filled_face)
            past = metal_charge(dev, motion, q, past_n, past_p, past_ion, past_psi, past_trap, past_face)
            b.rhs[_node_of(dev, dev.plane_site[q]), 0, 0] += rate * now - past
    edge = _quiet_edge(dev, w)
    total = block_current(dev, w, b, motion, edge, rate, psi, past_psi, slope)
    return edge, total + _beside(dev, psi, fp, v[0])


@_compiled
def _march_linear(
    dev, w, b, motion, psi, fn, fp, level, v, gen, held, rate, past, filled, filled_face, source, charge, residual,
    slope, changes,
):  # fmt: skip
    """A junction's equations of a time step, factorised and solved for all that it can follow from (see BY_ITSELF).

    past: of electrons, holes, ions, potential, levels of layers and of faces. source (S,): pairs per area and time of
    one unit of an extra generation. changes (LINEAR_COLUMNS,) receives those of the flux along x, which is returned
    (m^-2 s^-1). charge (S,), slope (3, B): scratch memory; residual (N, 2): the carriers' balances.
    """
    edge, total = _load_march(
        dev, w, b, motion, psi, fn, fp, level, v, gen, held, rate, past[0], past[1], past[2], past[3], past[4], past[5],
        filled, filled_face, charge, slope,
    )  # fmt: skip
    F = b.rhs
    size = b.diag.shape[1]
    for i in range(dev.x.size):
        residual[i, 0], residual[i, 1] = F[i, 1, 0], F[i, 2, 0]
        for r in range(size):
            F[i, r, BY_VOLTAGE], F[i, r, BY_SOURCE] = 0.0, 0.0
    _bias_column(dev, w, fn, fp, v[0], F, BY_VOLTAGE)
    _source_column(dev, w, source, F, BY_SOURCE)
    eliminate_blocks(b, dev.x.size, LINEAR_COLUMNS)
    for q in range(LINEAR_COLUMNS):
        changes[q] = _through(dev, slope, edge, F, q)
    return total


@_compiled
def series_march(
    devs, ws, bs, motions, psi, fn, fp, level, v, gen, held, rate, past, filled, filled_face, leak, share, emitter,
    profile, a, b, c, slopes, max_iterations, tolerance, longest,
):  # fmt: skip
    """One implicit time step of two junctions that carry one current J (A m^-2), with a (v1 + v2) + b J = c, in place.

    All pairs hold the first and the second junction, whose voltages v are in units of kT/q; `past` those of
    `_march_linear`, the rest as in `march`. leak (2,): conductance beside each, A m^-2 per kT/q. share, emitter and
    profile: of the light that the second takes up, as in `series_newton`.

    slopes (5,) receives the slopes of both currents by their own voltages (A m^-2 per kT/q), of the second by the rate
    of pairs that the light makes (C), of that rate by the first's voltage (m^-2 s^-1 per kT/q), and the rate itself.
    Returns status, iterations, the last step and J.
    """
    sign = -1.602176634e-19 if devs[0].anode_front else 1.602176634e-19
    residual0, residual1 = np.empty((psi[0].size, 2)), np.empty((psi[1].size, 2))
    charge0, charge1 = np.empty(gen[0].size), np.empty(gen[1].size)
    slope0, slope1 = np.zeros((3, bs[0].diag.shape[1])), np.zeros((3, bs[1].diag.shape[1]))
    by0, by1, glow = np.zeros(LINEAR_COLUMNS), np.zeros(LINEAR_COLUMNS), np.zeros(LINEAR_COLUMNS)
    nothing = np.zeros(gen[0].size)
    lit = gen[1].copy()
    light, total, largest = 0.0, 0.0, np.inf
    for d in range(2):
        _hold(devs[d], psi[d], fn[d], fp[d], v[d][0])
    for iteration in range(max_iterations):
        flux = _march_linear(
            devs[0], ws[0], bs[0], motions[0], psi[0], fn[0], fp[0], level[0], v[0], gen[0], held[0], rate, past[0],
            filled[0], filled_face[0], nothing, charge0, residual0, slope0, by0,
        )  # fmt: skip
        first = sign * (flux + by0[BY_ITSELF]) - leak[0] * v[0][0]
        if share > 0.0:
            light = share * _radiated(devs[0], ws[0], emitter, fn[0], fp[0], v[0][0], bs[0].rhs, glow)
            for s in range(lit.size):
                lit[s] = gen[1][s] + light * profile[s]
        flux = _march_linear(
            devs[1], ws[1], bs[1], motions[1], psi[1], fn[1], fp[1], level[1], v[1], lit, held[1], rate, past[1],
            filled[1], filled_face[1], profile, charge1, residual1, slope1, by1,
        )  # fmt: skip
        by_light = sign * by1[BY_SOURCE]
        second = sign * (flux + by1[BY_ITSELF]) - leak[1] * v[1][0] + by_light * share * glow[BY_ITSELF]
        # both currents as they follow from the changes of the voltages x and y:
        # first + by_x x = second + by_y y + across x,   a (v1 + v2 + x + y) + b (first + by_x x) = c
        by_x, by_y = sign * by0[BY_VOLTAGE] - leak[0], sign * by1[BY_VOLTAGE] - leak[1]
        across = by_light * share * glow[BY_VOLTAGE]
        slopes[0], slopes[1], slopes[2] = by_x, by_y, by_light
        slopes[3], slopes[4] = share * glow[BY_VOLTAGE], light
        x, y = _series_changes(
            by_x, by_y, across, second - first, a, b, c - a * (v[0][0] + v[1][0]) - b * first
        )
        if not (np.isfinite(x) and np.isfinite(y)):
            return NOT_FINITE, iteration + 1, np.inf, total
        x, y = min(max(x, -8.0), 8.0), min(max(y, -8.0), 8.0)
        extra = share * (glow[BY_ITSELF] + glow[BY_VOLTAGE] * x)
        for d in range(2):
            F = bs[d].rhs
            dv = x if d == 0 else y
            for i in range(psi[d].size):
                for r in range(F.shape[1]):
                    F[i, r, 0] += F[i, r, BY_VOLTAGE] * dv
                    if d == 1:
                        F[i, r, 0] += F[i, r, BY_SOURCE] * extra
        late = iteration >= _LATE
        step0, largest0, finite0 = _march_length(devs[0], ws[0], bs[0], motions[0], residual0, late, tolerance)
        step1, largest1, finite1 = _march_length(devs[1], ws[1], bs[1], motions[1], residual1, late, tolerance)
        if not (finite0 and finite1):
            return NOT_FINITE, iteration + 1, np.inf, total
        step, largest = max(step0, step1), max(largest0, largest1)
        damping = min(1.0, longest / step) if step > 0.0 else 1.0
        for d in range(2):
            dv = damping * (x if d == 0 else y)
            v[d][0] += dv
            _march_take(devs[d], bs[d], motions[d], psi[d], fn[d], fp[d], level[d], damping, dv)
            _hold(devs[d], psi[d], fn[d], fp[d], v[d][0])
        total = first + by_x * x
        if largest < tolerance:
            for d in range(2):
                densities(devs[d], ws[d], psi[d], fn[d], fp[d], v[d][0])
                moving_ions(devs[d], bs[d], motions[d], psi[d], level[d])
                trap_memory(
                    devs[d], ws[d], bs[d], rate, False, past[d][4], past[d][5], filled[d], filled_face[d]
                )  # fmt: skip
            if share > 0.0:
                slopes[4] += extra
            return CONVERGED, iteration + 1, largest, total
    return STALLED, max_iterations, largest, total


@_inlined
def _series_changes(by_x, by_y, across, gap, a, b, missing):
    """Changes x, y of two junctions' voltages: by_x x = gap + by_y y + across x, a (x + y) + b by_x x = missing."""
    det = (by_x - across) * a + by_y * (a + b * by_x)
    return (gap * a + by_y * missing) / det, ((by_x - across) * missing - (a + b * by_x) * gap) / det


@_compiled
def _hold(dev, psi, fn, fp, v):
    """What the contacts hold at a junction voltage."""
    side = 0 if dev.anode_front else 1
    anode = 0 if dev.anode_front else dev.x.size - 1
    psi[anode] = dev.contact[side, C_PSI] + v
    psi[dev.x.size - 1 - anode] = dev.contact[1 - side, C_PSI]
    _pin(dev, fn, fp, v)


@_compiled
def march_slope(dev, w, b, motion, psi, past_psi, rate):
    """Derivative of the total flux at the end of a time step by the junction voltage at its end (kT/q).

    On what the last `march` left, which had this rate and past, and CONTROL_CIRCUIT: b.rhs[:, :, 1] is that of the
    state.
    """
    slope = np.zeros((3, b.diag.shape[1]))
    edge = _quiet_edge(dev, w)
    block_current(dev, w, b, motion, edge, rate, psi, past_psi, slope)
    return _through(dev, slope, edge, b.rhs, 1)


@_compiled
def consequence(
    dev, w, b, motion, psi, fn, fp, v, past_psi, rate, miss_n, miss_p, miss_ion, miss_psi, miss_trap, miss_face,
    control, ca, cb,
):  # fmt: skip
    """What an error of the densities that a step differences does to the state that it leads to.

    miss_n, miss_p (S,), miss_ion (I, S), m^-3: errors of the densities; miss_psi (N,) of the potential, which only
    the displacement current and the charge on a metal feel; miss_trap (T, S), miss_face (TF,) of occupations, which
    count for that charge alone. One more solution on the factors that the last `march` with this rate, control and
    these coefficients left; the change of the state stays in b.rhs[:, :, 0] (see `weigh`).
    Returns the change of the total flux (m^-2 s^-1), whose size is less what the rounding of the potential makes of it.
    """
    nodes = dev.x.size
    size = b.diag.shape[1]
    F = b.rhs
    for i in range(nodes):
        for r in range(size):
            F[i, r, 0] = 0.0
    most_n, most_p = 0.0, 0.0
    for s in range(w.n.size):
        most_n, most_p = max(most_n, w.n[s]), max(most_p, w.p[s])
    for m in range(dev.offset.size):
        off = dev.offset[m]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            c = dev.volume[s] * rate
            if w.leak[i, 0] != np.inf and max(w.n[s], abs(miss_n[s])) > _NONE * most_n:
                F[i, 1, 0] += c * miss_n[s]
            if w.leak[i, 1] != np.inf and max(w.p[s], abs(miss_p[s])) > _NONE * most_p:
                F[i, 2, 0] += c * miss_p[s]
    for k in range(motion.shape[0]):
        m, slot = int(motion[k, M_LAYER]), int(motion[k, M_SLOT])
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            F[s - dev.offset[m], slot, 0] += dev.volume[s] * rate * miss_ion[k, s]
    for q in range(dev.plane_site.size):
        if dev.plane[q, P_METAL] != 0.0:
            missed = metal_charge(dev, motion, q, miss_n, miss_p, miss_ion, miss_psi, miss_trap, miss_face)
            F[_node_of(dev, dev.plane_site[q]), 0, 0] += rate * missed
    edge = _quiet_edge(dev, w)
    slope = np.zeros((3, size))
    block_current(dev, w, b, motion, edge, rate, psi, past_psi, slope)
    substitute_blocks(b, F, nodes, 1)
    if dev.coupled.size > 0:
        _shine_back(dev, w, fn, fp, v, F, 1, F.shape[2] - 1)
    s = _site_of_edge(dev, edge)
    m = 0
    while dev.site_start[m + 1] <= s:
        m += 1
    c = dev.layer[m, EPS] / dev.spacing[s] * rate
    flux = -c * (miss_psi[edge + 1] - miss_psi[edge])
    noise = _ROUNDING * c * (abs(psi[edge]) + abs(psi[edge + 1]))
    flux += _through(dev, slope, edge, F, 0)
    if control == CONTROL_CIRCUIT:
        # the second column still holds the state's slope by the junction's voltage
        sign = -1.602176634e-19 if dev.anode_front else 1.602176634e-19
        by_v = _through(dev, slope, edge, F, 1)
        dv = -cb * sign * flux / (ca + cb * sign * by_v)
        flux += by_v * dv
        for i in range(nodes):
            for r in range(size):
                F[i, r, 0] += F[i, r, 1] * dv
    return np.sign(flux) * max(abs(flux) - noise, 0.0)


@_compiled
def weigh(dev, w, b, motion, rate, miss_trap, miss_face, relevant):
    """Size of a change of the state in b.rhs[:, :, 0]: kT of the potential, relative of densities, of an occupation.

    miss_trap (T, S), miss_face (TF,): errors of the occupations that a step with this rate differences. Carriers below
    the part `relevant` of the largest density count less.
    """
    F = b.rhs
    most_n, most_p = 0.0, 0.0
    for s in range(w.n.size):
        most_n, most_p = max(most_n, w.n[s]), max(most_p, w.p[s])
    worst = 0.0
    for m in range(dev.offset.size):
        off = dev.offset[m]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            d = F[i, 0, 0]
            worst = max(worst, abs(d))
            if w.n[s] > _NONE * most_n:
                worst = max(worst, abs(d + F[i, 1, 0]) * w.n[s] / (w.n[s] + relevant * most_n))
            if w.p[s] > _NONE * most_p:
                worst = max(worst, abs(d + F[i, 2, 0]) * w.p[s] / (w.p[s] + relevant * most_p))
    for k in range(motion.shape[0]):
        m, slot, z = int(motion[k, M_LAYER]), int(motion[k, M_SLOT]), motion[k, M_Z]
        for i in range(dev.site_start[m] - dev.offset[m], dev.site_start[m + 1] - dev.offset[m]):
            worst = max(worst, abs(F[i, slot, 0] - z * F[i, 0, 0]))
    for m in range(dev.offset.size):
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt = dev.trap[t, T_NT]
            if dev.trap[t, T_KIND] == 0.0 or nt == 0.0:
                continue
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                n1, p1 = np.exp(dev.trap[t, T_LN_N1] + w.lgn[s]), np.exp(dev.trap[t, T_LN_P1] + w.lgp[s])
                den = (dev.trap[t, T_RN] * (w.n[s] + n1) + dev.trap[t, T_RP] * (w.p[s] + p1)) / nt
                worst = max(worst, abs(miss_trap[t, s]) * rate / (rate + den))
    for t in range(miss_face.size):
        nt = dev.face_trap[t, F_NT]
        if dev.face_trap[t, F_KIND] == 0.0 or nt == 0.0:
            continue
        n, p, n1, p1 = _face_rate(dev, w, t, dev.face_trap_site[t])
        den = (dev.face_trap[t, F_SN] * (n + n1) + dev.face_trap[t, F_SP] * (p + p1)) / nt
        worst = max(worst, abs(miss_face[t]) * rate / (rate + den))
    return worst


@_compiled
def signal(dev, w, b, motion, psi, fn, fp, level, v, gen, held, rate, sources):
    """Response to a small signal exp(rate t), rate = i omega, of a steady state.

    Column 0: total flux (m^-2 s^-1) per unit of the junction voltage (kT/q); then per unit of each of `sources`
    (Q, S), extra pairs per area and time. The voltage is held for the latter. b has complex arrays with 1 + Q columns,
    and one more where the cell makes light for itself.
    """
    nodes = dev.x.size
    size = b.diag.shape[1]
    count = sources.shape[0]
    glows = dev.coupled.size > 0
    columns = 1 + count + (1 if glows else 0)
    charge = held.copy()
    moving_ions(dev, b, motion, psi, level)
    ion_charge_of(b, motion, charge)
    assemble(dev, w, psi, fn, fp, v, gen, charge, np.zeros(0))
    none = np.zeros(dev.volume.size)
    load_blocks(dev, w, b, motion, psi, level, rate, none, none, np.zeros((motion.shape[0], none.size)), True)
    traps = np.zeros((dev.trap.shape[0], none.size))
    faces = np.zeros(dev.face_trap_site.size)
    trap_memory(dev, w, b, rate, True, traps, faces, traps, faces)
    tie_metals(dev, w, b, rate)
    edge = _quiet_edge(dev, w)
    slope = np.zeros((3, size), dtype=np.complex128)
    block_current(dev, w, b, motion, edge, rate, psi, np.zeros(nodes), slope)
    F = b.rhs
    for i in range(nodes):
        for r in range(size):
            for q in range(columns):
                F[i, r, q] = 0.0
    _bias_column(dev, w, fn, fp, v, F, 0)
    for q in range(count):
        _source_column(dev, w, sources[q], F, 1 + q)
    if glows:
        _source_column(dev, w, dev.coupled, F, 1 + count)
    eliminate_blocks(b, nodes, columns)
    if glows:
        _shine_back(dev, w, fn, fp, v, F, 1 + count, 1 + count)
    out = np.zeros(1 + count, dtype=np.complex128)
    for q in range(1 + count):
        out[q] = _through(dev, slope, edge, F, q)
    return out
