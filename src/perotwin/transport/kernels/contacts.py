"""The two ends of each junction: the potential is given; each carrier is at equilibrium with the metal, or leaves at a
finite velocity, or in another way.

A bare face (`device.C_BARE`) has no metal: the field ends there. Where both ends are bare the potential is only known
against the quasi-Fermi levels, and the balances of electrons and holes say the same of the whole: one level is held at
one end as the zero of energy, in the place of the balance that is left over. Nothing passes there: the other balances
see to it.

A way to leave is one function (row of the contact, carrier, n, d) -> what leaves and its slopes; `device.CONTACT_TYPES`
names the columns of the row that hold its numbers.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.statistics import expm1

ELECTRONS, HOLES = 0, 1


@inlined
def surface_recombination(row, carrier, n, d):
    """What leaves with a velocity, velocity (n - n0), m^-2 s^-1; its slopes by ln n at a fixed level, and by the level
    at a fixed n.

    carrier: ELECTRONS or HOLES. n: their density. d: their level over the metal's, kT, in the sense in which there are
    more of them.
    """
    velocity = row[dv.C_SN + carrier]
    loss = -velocity * n * expm1(-d)
    return loss, loss, velocity * n * np.exp(-d)


#: all ways to leave, at the same time: that with a velocity, then those of `device.CONTACT_TYPES`
LOSSES = (surface_recombination,)


def _sum(first, second):
    @inlined
    def both(row, carrier, n, d):
        a, a_n, a_d = first(row, carrier, n, d)
        b, b_n, b_d = second(row, carrier, n, d)
        return a + b, a_n + b_n, a_d + b_d

    return both


contact_loss = reduce(_sum, LOSSES)


@inlined
def end_of(dev, d, side):
    """Node and site of an end of junction d (0 front, 1 back), its row of `Device.contact`, whether it is the anode."""
    if side == 0:
        return dev.node_start[d], dev.site_start[dev.layer_start[d]], 2 * d, dev.anode_front
    last = dev.node_start[d + 1] - 1
    return last, dev.site_start[dev.layer_start[d + 1]] - 1, 2 * d + 1, not dev.anode_front


@inlined
def lose(w, i, carrier, loss, by_psi, by_level):
    """Enter what leaves at node i for good, as its row counts it, and its slopes."""
    w.gone[i, carrier] += loss
    w.gone[i, 2] += loss if carrier == ELECTRONS else -loss
    w.lost[i, dv.N_BY_PSI + carrier] += by_psi
    w.lost[i, dv.N_BY_LEVEL + carrier] += by_psi + by_level
    w.leak[i, carrier] += by_psi + by_level


@compiled
def contacts(dev, w, st):
    """Enter what holds at both ends of every junction into the equations."""
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    for end in range(2 * st.v.size):
        d = end // 2
        i, s, row, anode = end_of(dev, d, end - 2 * d)
        v = st.v[d] if anode else 0.0
        back = st.v[d] - v
        # at a bare face Poisson's equation stays as it is: the field ends there
        if dev.contact[row, dv.C_BARE] == 0.0:
            D[i, dv.PSI_PSI], D[i, dv.PSI_FN], D[i, dv.PSI_FP] = 1.0, 0.0, 0.0
            F[i, 0, 0] = 0.0
            L[i, dv.PSI] = 0.0
            U[i, dv.PSI] = 0.0
        if dev.contact[row, dv.C_SN] < 0.0:
            D[i, dv.FN_PSI], D[i, dv.FN_FP] = 0.0, 0.0
            w.beside[i, 0] = U[i, dv.FN_BY_PSI] if end == 2 * d else L[i, dv.FN_BY_PSI]
            L[i, dv.FN_BY_PSI] = L[i, dv.FN_BY_FN] = U[i, dv.FN_BY_PSI] = U[i, dv.FN_BY_FN] = 0.0
            w.leak[i, 0] = np.inf
            F[i, 1, 0] = 0.0
        else:
            # the electrons' level counts from the cathode's, here from this contact's
            loss, by_n, by_level = contact_loss(dev.contact[row], ELECTRONS, w.n[s], st.fn[i] + v)
            F[i, 1, 0] += loss
            D[i, dv.FN_PSI] -= by_n * w.gn[s]
            lose(w, i, ELECTRONS, loss, by_n * w.gn[s], by_level)
        if dev.contact[row, dv.C_SP] < 0.0:
            D[i, dv.FP_PSI], D[i, dv.FP_FN] = 0.0, 0.0
            w.beside[i, 1] = U[i, dv.FP_BY_PSI] if end == 2 * d else L[i, dv.FP_BY_PSI]
            L[i, dv.FP_BY_PSI] = L[i, dv.FP_BY_FP] = U[i, dv.FP_BY_PSI] = U[i, dv.FP_BY_FP] = 0.0
            w.leak[i, 1] = np.inf
            F[i, 2, 0] = 0.0
        else:
            loss, by_p, by_level = contact_loss(dev.contact[row], HOLES, w.p[s], back - st.fp[i])
            F[i, 2, 0] += loss
            D[i, dv.FP_PSI] += by_p * w.gp[s]
            lose(w, i, HOLES, loss, by_p * w.gp[s], by_level)


@compiled
def hold_contacts(dev, st):
    """Potential at both ends of every junction, and the levels of carriers that a contact holds at equilibrium, at the
    junction's voltage.
    """
    for end in range(2 * st.v.size):
        d = end // 2
        i, _, row, anode = end_of(dev, d, end - 2 * d)
        v = st.v[d]
        if dev.contact[row, dv.C_BARE] == 0.0:
            st.psi[i] = dev.contact[row, dv.C_PSI] + (v if anode else 0.0)
        if dev.contact[row, dv.C_SN] < 0.0:
            st.fn[i] = -v if anode else 0.0
            st.fn_rest[i] = 0.0
        if dev.contact[row, dv.C_SP] < 0.0:
            st.fp[i] = 0.0 if anode else v
            st.fp_rest[i] = 0.0


@compiled
def bias_column(dev, w, st, d, F, q):
    """Right-hand side, column q of F (N, B, Q), of the derivative by the voltage of junction d (levels absolute)."""
    i, s, row, _ = end_of(dev, d, 0 if dev.anode_front else 1)
    end = dev.contact[row]
    F[i, 0, q] = 1.0 if end[dv.C_BARE] == 0.0 else 0.0
    F[i, 1, q] = -1.0 if end[dv.C_SN] < 0.0 else contact_loss(end, ELECTRONS, w.n[s], st.fn[i] + st.v[d])[2]
    F[i, 2, q] = -1.0 if end[dv.C_SP] < 0.0 else -contact_loss(end, HOLES, w.p[s], -st.fp[i])[2]
