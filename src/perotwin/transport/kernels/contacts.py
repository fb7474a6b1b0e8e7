"""The two ends of a junction: the potential is given; each carrier is at equilibrium with the metal, or leaves at a
finite velocity.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport.device import (
    C_PSI,
    C_SN,
    C_SP,
    FN_BY_FN,
    FN_BY_PSI,
    FN_FP,
    FN_PSI,
    FP_BY_FP,
    FP_BY_PSI,
    FP_FN,
    FP_PSI,
    PSI,
    PSI_FN,
    PSI_FP,
    PSI_PSI,
)
from perotwin.transport.kernels.statistics import expm1


@inlined
def contact_loss(velocity, n, d):
    """What leaves into a contact, velocity (n - n0), m^-2 s^-1, and its slope by the level at a fixed density.

    d: the carriers' level over the metal's, kT, in the sense in which there are more of them. The slope by ln n at a
    fixed level is the loss itself.
    """
    return -velocity * n * expm1(-d), velocity * n * np.exp(-d)


@compiled
def contacts(dev, w, st):
    """Enter what holds at both ends into the equations."""
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    for side in range(2):
        i = 0 if side == 0 else dev.x.size - 1
        s = 0 if side == 0 else dev.volume.size - 1
        v = st.v[0] if dev.anode_front == (side == 0) else 0.0
        back = st.v[0] - v
        D[i, PSI_PSI], D[i, PSI_FN], D[i, PSI_FP] = 1.0, 0.0, 0.0
        F[i, 0, 0] = 0.0
        L[i, PSI] = 0.0
        U[i, PSI] = 0.0
        if dev.contact[side, C_SN] < 0.0:
            D[i, FN_PSI], D[i, FN_FP] = 0.0, 0.0
            L[i, FN_BY_PSI] = L[i, FN_BY_FN] = U[i, FN_BY_PSI] = U[i, FN_BY_FN] = 0.0
            w.leak[i, 0] = np.inf
            F[i, 1, 0] = 0.0
        else:
            # the electrons' level counts from the cathode's, here from this contact's
            loss, slope = contact_loss(dev.contact[side, C_SN], w.n[s], st.fn[i] + v)
            F[i, 1, 0] += loss
            D[i, FN_PSI] -= loss * w.gn[s]
            w.leak[i, 0] += loss * w.gn[s] + slope
        if dev.contact[side, C_SP] < 0.0:
            D[i, FP_PSI], D[i, FP_FN] = 0.0, 0.0
            L[i, FP_BY_PSI] = L[i, FP_BY_FP] = U[i, FP_BY_PSI] = U[i, FP_BY_FP] = 0.0
            w.leak[i, 1] = np.inf
            F[i, 2, 0] = 0.0
        else:
            loss, slope = contact_loss(dev.contact[side, C_SP], w.p[s], back - st.fp[i])
            F[i, 2, 0] += loss
            D[i, FP_PSI] += loss * w.gp[s]
            w.leak[i, 1] += loss * w.gp[s] + slope


@compiled
def hold_contacts(dev, st):
    """Potential at both ends, and the levels of carriers that a contact holds at equilibrium, at the junction's voltage."""
    v = st.v[0]
    for side in range(2):
        i = 0 if side == 0 else dev.x.size - 1
        anode = dev.anode_front == (side == 0)
        st.psi[i] = dev.contact[side, C_PSI] + (v if anode else 0.0)
        if dev.contact[side, C_SN] < 0.0:
            st.fn[i] = -v if anode else 0.0
            st.fn_rest[i] = 0.0
        if dev.contact[side, C_SP] < 0.0:
            st.fp[i] = 0.0 if anode else v
            st.fp_rest[i] = 0.0


@compiled
def bias_column(dev, w, st, F, q):
    """Right-hand side, column q of F (N, B, Q), of the state's derivative by the junction voltage (levels absolute)."""
    i = 0 if dev.anode_front else dev.x.size - 1
    s = 0 if dev.anode_front else dev.volume.size - 1
    side = 0 if dev.anode_front else 1
    sn, sp = dev.contact[side, C_SN], dev.contact[side, C_SP]
    F[i, 0, q] = 1.0
    F[i, 1, q] = -1.0 if sn < 0.0 else contact_loss(sn, w.n[s], st.fn[i] + st.v[0])[1]
    F[i, 2, q] = -1.0 if sp < 0.0 else -contact_loss(sp, w.p[s], -st.fp[i])[1]
