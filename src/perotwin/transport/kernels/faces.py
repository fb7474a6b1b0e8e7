"""Faces between two layers: thermionic emission over a step of the bands, and traps at the face."""

from __future__ import annotations

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.flux import enter_displacement, enter_electrons, enter_holes, level_step
from perotwin.transport.kernels.recombination import drive, enter_recombination, face_level, srh
from perotwin.transport.kernels.statistics import expm1

#: length over which the potential is tied across a thermionic face, m: no drop of any size occurs across it
FACE_LENGTH = 1e-13


@inlined
def _emission(velocity, near, far, from_far, d):
    """Flux over a face towards the front, as `flux.edge_flux` returns it.

    The density at the top of the barrier is that of the side whose band is the higher one.
    """
    if from_far:
        c = velocity * far[0]
        flux = -c * expm1(-d)
        slope, psi_1, psi_2 = c - flux, 0.0, flux * far[1]
    else:
        c = velocity * near[0]
        flux = c * expm1(d)
        slope, psi_1, psi_2 = c + flux, flux * near[1], 0.0
    return flux, psi_1 - slope, psi_2 + slope, psi_1, psi_2


@compiled
def thermionic_fluxes(dev, w, st, b):
    """Fluxes of electrons and of holes over face b, with a node on either side (doi:10.1016/0038-1101(93)90067-N)."""
    s = dev.barrier_site[b]
    i = dev.site_node[s]
    row = dev.barrier[b]
    return (
        _emission(
            row[dv.B_VN],
            (w.n[s], w.gn[s]),
            (w.n[s + 1], w.gn[s + 1]),
            row[dv.B_JUMP_C] > 0.0,
            level_step(st.fn, st.fn_rest, i),
        ),
        _emission(
            row[dv.B_VP],
            (w.p[s], w.gp[s]),
            (w.p[s + 1], w.gp[s + 1]),
            row[dv.B_JUMP_V] < 0.0,
            -level_step(st.fp, st.fp_rest, i),
        ),
    )


@compiled
def barriers(dev, w, st):
    """Enter all thermionic faces into the equations."""
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        i, m = dev.site_node[s], dev.site_layer[s]
        a = 0.5 * (dev.layer[m, dv.EPS] + dev.layer[m + 1, dv.EPS]) / FACE_LENGTH
        enter_displacement(w, i, a, st.psi[i + 1] - st.psi[i])
        of_n, of_p = thermionic_fluxes(dev, w, st, b)
        w.jn[s], w.jp[s] = of_n[0], -of_p[0]
        enter_electrons(w, i, of_n)
        enter_holes(w, i, of_p)


@compiled
def face_traps(dev, w, st):
    """Recombination and charge of face traps; both quasi-Fermi levels are continuous across such a face."""
    D, F = w.diag, w.rhs
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        i, v = dev.site_node[s], st.v[dev.layer_junction[dev.site_layer[s]]]
        level = face_level(dev, w, t)
        force = drive(level[0], level[1], st.fn[i] - st.fp[i] + v)
        kt, by_n, by_p, occupied, o_n, o_p, _ = srh(
            dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP], level
        )
        rate = kt * force
        F[i, 1, 0] += rate
        F[i, 2, 0] += rate
        w.gone[i, 0] += rate
        w.gone[i, 1] += rate
        enter_recombination(w, i, 1.0, rate * by_n, rate * by_p, kt * (level[0] * level[1] - force))
        kind = dev.face_trap[t, dv.F_KIND]
        if kind != 0.0:
            nt = dev.face_trap[t, dv.F_NT]
            F[i, 0, 0] -= nt * (1.0 - occupied) if kind > 0.0 else -nt * occupied
            D[i, dv.PSI_PSI] -= nt * (o_n - o_p)
            D[i, dv.PSI_FN] -= nt * o_n
            D[i, dv.PSI_FP] += nt * o_p
