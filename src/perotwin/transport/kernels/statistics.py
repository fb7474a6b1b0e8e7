"""Densities: carriers from the potential and the quasi-Fermi levels, ions from the potential and their activity."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv

#: ln of the least density (m^-3) that is told from none: below it products of densities would underflow
_LEAST = -400.0


@inlined
def expm1(x):
    """exp(x) - 1."""
    if abs(x) < 1e-3:
        return x * (1.0 + x * (0.5 + x * (1 / 6 + x * (1 / 24 + x / 120))))
    return np.expm1(x)


@inlined
def activity(table, eta):
    """ln of the activity coefficient F(eta) exp(-eta) and its slope, F the Fermi-Dirac integral of order 1/2, from
    eta = -8 on.
    """
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


@inlined
def coefficient(ln):
    """An activity coefficient from its logarithm, which is near zero but for degenerate carriers."""
    return 1.0 + expm1(ln) if abs(ln) < 1e-3 else np.exp(ln)


@inlined
def fermi_dirac(table, eta, states, ln_states):
    """Density (m^-3) of carriers `eta` (kT) above their band's edge, ln of its activity coefficient, d ln n / d eta.

    states, ln_states: the effective density of states, m^-3.
    """
    if eta < -8.0:
        # one exponential instead of three, where most carriers are
        e = np.exp(max(eta, _LEAST - ln_states))
        c2, c3, c4 = 0.3535533905932738, 0.19245008972987526, 0.125
        s = e * (-c2 + e * (c3 - e * c4))
        ln = s * (1.0 - s * (1 / 2 - s * (1 / 3 - s * (1 / 4 - s / 5))))
        return states * e * (1.0 + s), ln, 1.0 + e * (-c2 + e * (2.0 * c3 - e * 3.0 * c4)) / (1.0 + s)
    ln, slope = activity(table, eta)
    return np.exp(eta + ln_states + ln), ln, 1.0 + slope


@compiled
def densities(dev, w, st):
    """Carrier densities of every site."""
    for m in range(dev.offset.size):
        v = st.v[dev.layer_junction[m]]
        ec, ev = dev.layer[m, dv.EC], dev.layer[m, dv.EV]
        ln_nc, ln_nv = dev.layer[m, dv.LN_NC], dev.layer[m, dv.LN_NV]
        off = dev.offset[m]
        if dev.layer[m, dv.DEGENERATE] == 0.0:
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = s - off
                w.n[s] = np.exp(max(st.psi[i] + st.fn[i] - ec + ln_nc, _LEAST))
                w.p[s] = np.exp(max(ev - st.psi[i] - st.fp[i] + v + ln_nv, _LEAST))
                w.gn[s] = 1.0
                w.gp[s] = 1.0
                w.lgn[s] = 0.0
                w.lgp[s] = 0.0
        else:
            nc, nv = np.exp(ln_nc), np.exp(ln_nv)
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                i = s - off
                eta = st.psi[i] + st.fn[i] - ec
                w.n[s], w.lgn[s], w.gn[s] = fermi_dirac(dev.activity, eta, nc, ln_nc)
                eta = ev - st.psi[i] - st.fp[i] + v
                w.p[s], w.lgp[s], w.gp[s] = fermi_dirac(dev.activity, eta, nv, ln_nv)


@inlined
def ion_density(eta, sites):
    """Density of ions (m^-3) of ln activity eta less z psi, and its derivative by it: Boltzmann's, or Fermi's where
    sites (m^-3) are limited (doi:10.1103/PhysRevE.75.021502).
    """
    if sites == 0.0:
        c = np.exp(min(eta, 200.0))
        return c, c
    # the part of the sites that is empty keeps its digits where next to none are
    empty = np.exp(min(max(np.log(sites) - eta, -200.0), 200.0))
    fill = 1.0 / (1.0 + empty)
    return sites * fill, sites * fill * (empty * fill)


@compiled
def steady_ions(dev, w, st):
    """Densities of the species that re-equilibrate: `st.mu` is the logarithm of each one's activity at psi = 0."""
    for k in range(dev.ion.shape[0]):
        m = int(dev.ion[k, dv.I_LAYER])
        z, sites = dev.ion[k, dv.I_Z], dev.ion[k, dv.I_SITES]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            w.ion[k, s], w.dion[k, s] = ion_density(st.mu[k] - z * st.psi[s - dev.offset[m]], sites)


@compiled
def moving_ions(dev, w, st):
    """Densities of the species that move.

    A level is ln(density) + z psi plus the excess of limited sites, constant where nothing moves.
    """
    for k in range(dev.motion.shape[0]):
        m = int(dev.motion[k, dv.M_LAYER])
        z, sites = dev.motion[k, dv.M_Z], dev.motion[k, dv.M_SITES]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            w.ion[k, s], w.dion[k, s] = ion_density(st.level[k, i] - z * st.psi[i], sites)


@compiled
def moving_charge(dev, w, out):
    """Charge of the moving ions of each site, units of q, added to `out` (S,)."""
    for k in range(dev.motion.shape[0]):
        for s in range(out.size):
            out[s] += dev.motion[k, dv.M_Z] * w.ion[k, s]


@compiled
def settle_ions(dev, st):
    """Activity of each re-equilibrating species at which its number is right, for a given potential. False if there is
    none.

    Boltzmann ions have it in closed form; with limited sites Newton's method on the logarithm of the number.
    """
    for k in range(dev.ion.shape[0]):
        m = int(dev.ion[k, dv.I_LAYER])
        z, sites = dev.ion[k, dv.I_Z], dev.ion[k, dv.I_SITES]
        off = dev.offset[m]
        first, last = dev.site_start[m], dev.site_start[m + 1]
        top = -np.inf
        for s in range(first, last):
            top = max(top, -z * st.psi[s - off])
        total = 0.0
        for s in range(first, last):
            total += dev.volume[s] * np.exp(-z * st.psi[s - off] - top)
        st.mu[k] = np.log(dev.ion[k, dv.I_NUMBER] / total) - top
        if sites > 0.0 and not _settle_crowded(dev, st, k, first, last):
            return False
        if not np.isfinite(st.mu[k]):
            return False
    return True


@inlined
def _settle_crowded(dev, st, k, first, last):
    """The same of species k with limited sites, from what is a first guess for it."""
    m = int(dev.ion[k, dv.I_LAYER])
    z, sites = dev.ion[k, dv.I_Z], dev.ion[k, dv.I_SITES]
    off = dev.offset[m]
    # the number rises with the activity, in steps where the potential has plateaus: Newton's method on its
    # logarithm, within what brackets the root
    low, high = -np.inf, np.inf
    for _ in range(200):
        total, slope = 0.0, 0.0
        for s in range(first, last):
            c, dc = ion_density(st.mu[k] - z * st.psi[s - off], sites)
            total += dev.volume[s] * c
            slope += dev.volume[s] * dc
        short = np.log(dev.ion[k, dv.I_NUMBER] / total)
        step = min(max(total * short / max(slope, 1e-300), -20.0), 20.0)
        # what is left after a small step is of the order of its square
        if abs(step) < 1e-9 or abs(short) < 1e-14:
            st.mu[k] += step if abs(step) < 1e-9 else 0.0
            return True
        if short > 0.0:
            low = st.mu[k]
        else:
            high = st.mu[k]
        st.mu[k] = st.mu[k] + step if low < st.mu[k] + step < high else 0.5 * (low + high)
    return False
