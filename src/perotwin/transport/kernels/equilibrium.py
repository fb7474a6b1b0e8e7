"""Equilibrium: Poisson's equation with every Fermi level at zero."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled
from perotwin.transport import device as dv
from perotwin.transport.device import C_PSI, PSI, PSI_PSI
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.right_hand_sides import ion_columns, keep_ions
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import densities, settle_ions


@compiled
def neutral(dev, w, row, charge, beyond, halvings):
    """Set the potential of each node at which it is neutral by itself at equilibrium, by halving an interval.

    charge (S,): of all that does not follow the potential, m^-3. beyond: kT that the interval reaches past all bands.
    """
    st = state_in(dev, row)
    nodes = dev.x.size
    low, high, rho = np.empty(nodes), np.empty(nodes), np.empty(nodes)
    # by hand, as in `observe`: numba's functions of whole arrays bring all of its linear algebra along
    lowest, highest = np.inf, -np.inf
    for layer in range(dev.layer.shape[0]):
        lowest, highest = min(lowest, dev.layer[layer, dv.EV]), max(highest, dev.layer[layer, dv.EC])
    low[:] = lowest - beyond
    high[:] = highest + beyond
    for _ in range(halvings):
        for i in range(nodes):
            st.psi[i] = 0.5 * (low[i] + high[i])
            rho[i] = 0.0
        densities(dev, w, st)
        for s in range(dev.volume.size):
            rho[dev.site_node[s]] += dev.volume[s] * (w.p[s] - w.n[s] + charge[s])
        for i in range(nodes):
            if rho[i] > 0.0:
                low[i] = st.psi[i]
            else:
                high[i] = st.psi[i]


@compiled
def equilibrium(dev, w, row, held, iterations, longest):
    """Settle one junction at equilibrium by Newton steps of at most `longest` (kT); its levels and voltage are zero.

    held (S,): charge of ions that do not move, m^-3. Returns the number of iterations, or -1 if it does not settle. The
    potential and the ions' activities, in the row of its state, are updated in place.
    """
    st = state_in(dev, row)
    nodes = dev.x.size
    dark = np.zeros(dev.volume.size)
    st.psi[0] = dev.contact[0, C_PSI]
    st.psi[nodes - 1] = dev.contact[1, C_PSI]
    columns = 1 + dev.ion.shape[0]
    W, F = np.zeros(nodes), np.zeros((nodes, 1, columns))
    last = np.zeros(nodes)
    limit = longest
    for iteration in range(iterations):
        if not settle_ions(dev, st):
            return -1
        assemble(dev, w, st, dark, held)
        for i in range(nodes):
            F[i, 0, 0] = w.rhs[i, 0, 0]
        for d in range(st.v.size):
            ion_columns(dev, w, d, F, columns - dev.ion.shape[0])
        for i in range(nodes):
            pivot = w.diag[i, PSI_PSI]
            if i > 0:
                pivot -= w.lower[i, PSI] * W[i - 1]
            W[i] = w.upper[i, PSI] / pivot
            for q in range(columns):
                if i > 0:
                    F[i, 0, q] -= w.lower[i, PSI] * F[i - 1, 0, q]
                F[i, 0, q] /= pivot
        for i in range(nodes - 2, -1, -1):
            for q in range(columns):
                F[i, 0, q] -= W[i] * F[i + 1, 0, q]
        for d in range(st.v.size):
            if not keep_ions(dev, w, d, F, columns - dev.ion.shape[0]):
                return -1
        largest, total = 0.0, 0.0
        for i in range(nodes):
            largest = max(largest, abs(F[i, 0, 0]))
            total += abs(F[i, 0, 0])
        # the sum shows what a comparison passes over: NaN
        if not np.isfinite(total):
            return -1
        # crowded ions screen in their front only: steps that turn back and forth are halved until they follow it
        along = 0.0
        for i in range(nodes):
            along += F[i, 0, 0] * last[i]
            last[i] = F[i, 0, 0]
        limit = 0.5 * limit if along < 0.0 else min(longest, 1.5 * limit)
        damping = min(1.0, limit / largest) if largest > 0.0 else 1.0
        for i in range(nodes):
            st.psi[i] += damping * F[i, 0, 0]
        if largest < 1e-10:
            # the ions' number belongs to the potential as it is now
            settle_ions(dev, st)
            return iteration + 1
    return -1
