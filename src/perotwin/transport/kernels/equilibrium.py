"""Equilibrium: Poisson's equation with every Fermi level at zero."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.device import C_BARE, C_PSI, PSI, PSI_PSI
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.right_hand_sides import ion_columns, keep_ions
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import densities, settle_ions

#: less than this part of the field's own row is lost there to rounding
_LOST = 1e-10
#: last step, kT
_SETTLED = 1e-10
#: steps this short (kT) shrink with their square; one that does not is what rounding leaves of wide, cold, empty layers
_QUADRATIC = 1e-6
#: of a sum of charges that cancel, as a part of their sizes
_ROUNDING = 2e-15


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


@inlined
def _screening(dev, w, held_by):
    """How much charge of each node follows its potential, m^-2 per kT/q: carriers and ions as they are, for beside the
    field, with which they stand in Poisson's equation, they lose their digits; the rest (levels) as that row has it.
    """
    nodes = dev.x.size
    for i in range(nodes):
        held_by[i] = 0.0
    for s in range(dev.volume.size):
        own = w.n[s] * w.gn[s] + w.p[s] * w.gp[s]
        for k in range(dev.ion.shape[0]):
            own += dev.ion[k, dv.I_Z] ** 2 * w.dion[k, s]
        held_by[dev.site_node[s]] += dev.volume[s] * own
    for i in range(nodes):
        rest = -w.diag[i, PSI_PSI] - held_by[i]
        if i > 0:
            rest -= w.lower[i, PSI]
        if i < nodes - 1:
            rest -= w.upper[i, PSI]
        if rest > _LOST * abs(w.diag[i, PSI_PSI]):
            held_by[i] += rest


@inlined
def _charge(dev, w, held):
    """The charge of all nodes together as a part of the sizes that it is the sum of."""
    charge, parts = 0.0, 0.0
    for i in range(dev.x.size):
        charge += w.rhs[i, 0, 0]
    for s in range(dev.volume.size):
        own = w.n[s] + w.p[s] + abs(dev.fixed_charge[s]) + abs(held[s])
        for k in range(dev.ion.shape[0]):
            own += abs(dev.ion[k, dv.I_Z]) * w.ion[k, s]
        parts += dev.volume[s] * own
    return abs(charge) / max(parts, 1e-300)


@compiled
def equilibrium(dev, w, row, held, iterations, longest):
    """Settle one junction by Newton steps of at most `longest` (kT): at equilibrium, where its levels and voltage are
    zero, or with levels that are given.

    held (S,): charge of ions that do not move, m^-3. Returns the number of iterations, or -1 if it does not settle. The
    potential and the ions' activities, in the row of its state, are updated in place.
    """
    st = state_in(dev, row)
    nodes = dev.x.size
    dark = np.zeros(dev.volume.size)
    bare = dev.contact[0, C_BARE] != 0.0 or dev.contact[1, C_BARE] != 0.0
    if dev.contact[0, C_BARE] == 0.0:
        st.psi[0] = dev.contact[0, C_PSI] + (st.v[0] if dev.anode_front else 0.0)
    if dev.contact[1, C_BARE] == 0.0:
        st.psi[nodes - 1] = dev.contact[1, C_PSI] + (0.0 if dev.anode_front else st.v[0])
    columns = 1 + dev.ion.shape[0]
    W, F = np.zeros(nodes), np.zeros((nodes, 1, columns))
    last, held_by = np.zeros(nodes), np.zeros(nodes)
    limit, before = longest, np.inf
    for iteration in range(iterations):
        if not settle_ions(dev, st):
            return -1
        assemble(dev, w, st, dark, held)
        for i in range(nodes):
            F[i, 0, 0] = w.rhs[i, 0, 0]
        for d in range(st.v.size):
            ion_columns(dev, w, d, F, columns - dev.ion.shape[0])
        unresolved = False
        if bare:
            _screening(dev, w, held_by)
            # rounding is not known beforehand: what stays is taken for it
            unresolved = _charge(dev, w, held) < _ROUNDING * (1.0 + 0.1 * iteration)
        kept = 0.0
        for i in range(nodes):
            pivot = w.diag[i, PSI_PSI]
            if bare:
                # where no metal holds the potential only charges do, as a sum and never as a difference: those of a
                # dark film may be next to nothing
                kept = held_by[i] + (
                    w.lower[i, PSI] * (kept / (kept + w.upper[i - 1, PSI])) if i > 0 else 0.0
                )
                pivot = -kept - (w.upper[i, PSI] if i < nodes - 1 else 0.0)
            elif i > 0:
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
        if unresolved:
            # what moves all of it together is rounding, where it moves at all
            common = 0.0
            for i in range(nodes):
                common += F[i, 0, 0] / nodes
            if abs(common) > _SETTLED:
                for i in range(nodes):
                    F[i, 0, 0] -= common
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
        if largest < _SETTLED or 0.5 * before < largest < _QUADRATIC:
            # the ions' number belongs to the potential as it is now
            settle_ions(dev, st)
            return iteration + 1
        before = largest if damping == 1.0 else np.inf
    return -1
