"""A circuit linearised about a steady state: how its terminals follow voltage and extra generation, at rest and at any
rate.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.blocks import eliminate_blocks
from perotwin.transport.kernels.circuit import Constraint, close
from perotwin.transport.kernels.elimination import eliminate, substitute
from perotwin.transport.kernels.in_motion import load_blocks, total_current, trap_memory
from perotwin.transport.kernels.linearise import gather, set_columns
from perotwin.transport.kernels.recombination import layer_radiation
from perotwin.transport.kernels.right_hand_sides import (
    edge_current,
    ion_columns,
    keep_ions,
    quiet_edge,
    source_column,
    through,
)
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.kernels.statistics import moving_charge, moving_ions


@compiled
def source_columns(dev, w, d, sources, F, first):
    """Set columns of F, from `first` on, to what follows in junction d from each of some sources (Q, S)."""
    sites = slice(dev.site_start[dev.layer_start[d]], dev.site_start[dev.layer_start[d + 1]])
    for q in range(sources.shape[0]):
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            for r in range(F.shape[1]):
                F[i, r, first + q] = 0.0
        source_column(dev.site_node[sites], w.leak, sources[q, sites], 1.0, F, first + q)


@compiled
def _at_terminals(dev, w, net, st, F, slopes, edges, first, memory, out):
    """From the solved columns of all junctions: out (1 + Q,) receives dJ/dV at the terminals (S m^-2), then the current
    (A m^-2) per unit of each source at a held terminal voltage.

    slopes (D, 2, B), edges (D,): where currents are read. Sources stand in the columns from `first` on.
    """
    linear, answer = memory
    volts = np.zeros(net.anode.size)
    all_free = np.ones(net.anode.size, dtype=np.bool_)
    for d in range(net.anode.size):
        gather(net, d, dev, w, st, F, slopes[d], edges[d], all_free[d], linear)
    linear.current[:] = 0.0
    linear.glow[:] = 0.0
    count = out.size - 1
    glow = np.zeros((net.emitter.size, first + count), dtype=F.dtype)
    for k in range(net.emitter.size):
        layer_radiation(dev, w, dev.layer_start[net.emitter[k]] + net.layer[k], st, F, glow[k])
    close(net, linear, volts, Constraint(1.0, 0.0, 1.0), answer)
    out[0] = answer.terminal[0]
    for q in range(count):
        for d in range(net.anode.size):
            linear.current[d] = net.charge[d] * through(slopes[d], edges[d], F, first + q)
        for k in range(net.emitter.size):
            linear.glow[k] = net.share[k] * glow[k, first + q]
        close(net, linear, volts, Constraint(1.0, 0.0, 0.0), answer)
        out[1 + q] = answer.terminal[0]


@compiled
def respond(dev, w, net, row, held, sources, lights, memory, out):
    """How the terminals of a steady state follow their voltage and extra generation; the device's ions re-equilibrate.

    held (S,): charge of the ions that do not move, m^-3. sources (Q, S): extra pairs per area and time in each site.
    lights: the most that reach one junction. out (1 + Q,): see `_at_terminals`; memory: (linear, answer).
    """
    st = state_in(dev, row)
    first = 2 + lights
    count = sources.shape[0]
    most = w.rhs.shape[2]
    F = np.zeros((dev.x.size, 3, first + count + most))
    slopes, edges = np.zeros((net.anode.size, 2, 3)), np.zeros(net.anode.size, dtype=np.int64)
    all_free = np.ones(net.anode.size, dtype=np.bool_)
    assemble(dev, w, st, np.zeros(dev.volume.size), held)
    for d in range(net.anode.size):
        edges[d] = quiet_edge(dev, w, d)
        edge_current(dev, w, edges[d], slopes[d])
        set_columns(net, d, dev, w, st, F, all_free[d])
        source_columns(dev, w, d, sources, F, first)
        species = ion_columns(dev, w, d, F, first + count)
        begin, end = dev.node_start[d], dev.node_start[d + 1]
        eliminate(w, begin, end, 1)
        substitute(w, F, begin, end, first + count + species)
        if species > 0:
            keep_ions(dev, w, d, F, first + count)
    _at_terminals(dev, w, net, st, F, slopes, edges, first, memory, out)


@compiled
def signals(dev, w, b, net, row, held, rate, sources, nothing, filled, memory, out):
    """The same for signals exp(rate t), rate (W,), with everything in motion; out (W, 1 + Q).

    b: complex scratch memory, whose right-hand sides have room for two columns, those of the lights that reach a
    junction, and the sources, in this order. nothing: a row of zeros of what is stored; filled: scratch memory.
    """
    st = state_in(dev, row)
    first = b.rhs.shape[2] - sources.shape[0]
    edges = np.zeros(net.anode.size, dtype=np.int64)
    all_free = np.ones(net.anode.size, dtype=np.bool_)
    moving_ions(dev, w, st)
    charge = held.copy()
    moving_charge(dev, w, charge)
    assemble(dev, w, st, np.zeros(dev.volume.size), charge)
    past = stored_in(dev, nothing)
    for number in range(rate.size):
        load_blocks(dev, w, b, st, rate[number], past)
        trap_memory(dev, w, b, rate[number], True, past, filled)
        for d in range(net.anode.size):
            edges[d] = quiet_edge(dev, w, d)
            total_current(dev, w, b, d, edges[d], rate[number], st.psi, past.psi)
            set_columns(net, d, dev, w, st, b.rhs, all_free[d])
            source_columns(dev, w, d, sources, b.rhs, first)
            eliminate_blocks(dev, b, d, b.rhs.shape[2])
        _at_terminals(dev, w, net, st, b.rhs, b.slope, edges, first, memory, out[number])
