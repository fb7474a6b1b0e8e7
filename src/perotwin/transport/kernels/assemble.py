"""Residual and Jacobian of the steady equations, node by node."""

from __future__ import annotations

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.contacts import contacts
from perotwin.transport.kernels.faces import barriers, face_traps
from perotwin.transport.kernels.flux import carrier_fluxes, enter_displacement, enter_electrons, enter_holes
from perotwin.transport.kernels.recombination import (
    bulk_level,
    crowding,
    enter_recombination,
    free_carriers,
    site_drive,
    srh,
)
from perotwin.transport.kernels.statistics import densities, steady_ions


@compiled
def assemble(dev, w, st, gen, ion_charge):
    """Residual (w.rhs[:, :, 0], with the sign that the Newton step needs) and Jacobian of every node.

    gen (S,): pairs per area and time in each site, m^-2 s^-1. ion_charge (S,): of ions that the state does not say,
    m^-3. Rows: Poisson (m^-2), electrons, holes (m^-2 s^-1). Columns: psi, fn, fp.
    """
    _clear(dev, w)
    densities(dev, w, st)
    steady_ions(dev, w, st)
    for m in range(dev.offset.size):
        _sources(dev, w, st, gen, ion_charge, m)
        _edges(dev, w, st, m)
    D, F = w.diag, w.rhs
    for k in range(dev.ion.shape[0]):
        m = int(dev.ion[k, dv.I_LAYER])
        z = dev.ion[k, dv.I_Z]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            F[i, 0, 0] -= dev.volume[s] * z * w.ion[k, s]
            D[i, dv.PSI_PSI] -= dev.volume[s] * z * z * w.dion[k, s]
    barriers(dev, w, st)
    face_traps(dev, w, st)
    contacts(dev, w, st)


@inlined
def _clear(dev, w):
    """Clear what is added up; what couples a node to its neighbours is written once, by the edge between them."""
    for i in range(dev.x.size):
        for j in range(9):
            w.diag[i, j] = 0.0
        for r in range(3):
            w.rhs[i, r, 0] = 0.0
        w.leak[i, 0] = 0.0
        w.leak[i, 1] = 0.0
        for c in range(3):
            w.gone[i, c] = 0.0
        for c in range(dv.LOST_COLUMNS):
            w.lost[i, c] = 0.0


@inlined
def _sources(dev, w, st, gen, ion_charge, m):
    """Charge, generation and recombination of layer m."""
    D, F = w.diag, w.rhs
    off, v = dev.offset[m], st.v[dev.layer_junction[m]]
    row = dev.layer[m]
    t0, t1 = dev.trap_start[m], dev.trap_start[m + 1]
    recombines = t1 > t0
    balanced = dev.balanced[m] and row[dv.K_RAD] > 0.0 and row[dv.DEGENERATE] != 0.0
    for column in range(dv.K_RAD, dv.LAYER_COLUMNS):
        recombines = recombines or row[column] != 0.0
    for s in range(dev.site_start[m], dev.site_start[m + 1]):
        i = s - off
        vol = dev.volume[s]
        n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
        rho = p - n + dev.fixed_charge[s] + ion_charge[s]
        n_psi, p_psi = n * gn, -p * gp
        F[i, 0, 0] -= vol * rho
        D[i, dv.PSI_PSI] += vol * (p_psi - n_psi)
        D[i, dv.PSI_FN] -= vol * n_psi
        D[i, dv.PSI_FP] += vol * p_psi
        net = gen[s]
        if recombines:
            force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
            d_split = n * p - force  # derivative of the drive by the splitting alone
            k, k_n, k_p = free_carriers(row, n, p)
            k_n, k_p = (k + k_n) * gn, (k + k_p) * gp
            if balanced:
                # n p times what crowding takes out follows the splitting alone, under any statistics
                more = crowding(w, s)
                k += row[dv.K_RAD] * more
                k_n += row[dv.K_RAD] * (more + 1.0 - gn)
                k_p += row[dv.K_RAD] * (more + 1.0 - gp)
            # the rate, its derivatives by the eta of electrons and of holes at fixed splitting, and by the splitting
            rate, r_s, r_n, r_p = k * force, k * d_split, k_n * force, k_p * force
            for t in range(t0, t1):
                level = bulk_level(dev, w, t, s)
                kt, by_n, by_p, occupied, o_n, o_p, _ = srh(dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP], level)
                rate += kt * force
                r_n += kt * force * by_n
                r_p += kt * force * by_p
                r_s += kt * d_split
                kind = dev.trap[t, dv.T_KIND]
                if kind != 0.0:
                    nt = vol * dev.trap[t, dv.T_NT]
                    F[i, 0, 0] -= nt * (1.0 - occupied) if kind > 0.0 else -nt * occupied
                    # a charge -nt * occupied either way, up to a constant
                    D[i, dv.PSI_PSI] -= nt * (o_n - o_p)
                    D[i, dv.PSI_FN] -= nt * o_n
                    D[i, dv.PSI_FP] += nt * o_p
            net -= vol * rate
            enter_recombination(w, i, vol, r_n, r_p, r_s)
        F[i, 1, 0] -= net
        F[i, 2, 0] -= net
        w.gone[i, 0] -= net
        w.gone[i, 1] -= net


@inlined
def _edges(dev, w, st, m):
    """Displacement and currents between the nodes of layer m."""
    for s in range(dev.site_start[m], dev.site_start[m + 1] - 1):
        i = s - dev.offset[m]
        enter_displacement(w, i, dev.layer[m, dv.EPS] / dev.spacing[s], st.psi[i + 1] - st.psi[i])
        of_n, of_p = carrier_fluxes(dev, w, st, m, s)
        w.jn[s], w.jp[s] = of_n[0], -of_p[0]
        enter_electrons(w, i, of_n)
        enter_holes(w, i, of_p)
