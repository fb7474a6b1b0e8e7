"""A junction about a state: what it follows from as right-hand sides, and what of that the circuit must know.

Columns of the right-hand sides F (N, B, Q): what the junction does by itself; by one unit (kT/q) of its voltage, where
that is unknown; by one pair per area and time of each light that reaches it; and by the activity of each species of
ions that re-equilibrates.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport.kernels.contacts import bias_column
from perotwin.transport.kernels.recombination import layer_radiation
from perotwin.transport.kernels.right_hand_sides import source_column, through

# of numpy's type: numba would compile what takes a literal once more
ITSELF, BY_VOLTAGE = np.int64(0), np.int64(1)


@inlined
def lights_into(net, d):
    """First of the lights that reach junction d, and the one behind the last: they stand together."""
    first = 0
    while first < net.receiver.size and net.receiver[first] < d:
        first += 1
    last = first
    while last < net.receiver.size and net.receiver[last] == d:
        last += 1
    return first, last


@inlined
def nodes_of(dev, d):
    """(S,) node of each site of junction d."""
    return dev.site_node[dev.site_start[dev.layer_start[d]] : dev.site_start[dev.layer_start[d + 1]]]


@inlined
def radiation(net, k, dev, w, st):
    """Light k as its emitter makes it (pairs in the receiver, m^-2 s^-1), from the densities in w."""
    m = dev.layer_start[net.emitter[k]] + net.layer[k]
    return net.share[k] * layer_radiation(dev, w, m, st, np.zeros((1, 3, 0)), np.zeros(0))


@inlined
def add_lights(net, d, dev, w, F, lights):
    """Take the light (L,) that reaches junction d into its equations."""
    first, last = lights_into(net, d)
    for k in range(first, last):
        profile = net.profile[net.profile_start[k] : net.profile_start[k + 1]]
        node = nodes_of(dev, d)
        source_column(node, w.leak, profile, lights[k], F, ITSELF)
        for s in range(profile.size):
            i = node[s]
            w.gone[i, 0] -= lights[k] * profile[s]
            w.gone[i, 1] -= lights[k] * profile[s]


@inlined
def set_columns(net, d, dev, w, st, F, free):
    """Set the columns that junction d follows from, but for the first and the ions'; returns how many there are."""
    first, last = lights_into(net, d)
    base = 2 if free else 1
    causes = base + last - first
    for q in range(1, causes):
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            for r in range(F.shape[1]):
                F[i, r, q] = 0.0
    if free:
        bias_column(dev, w, st, d, F, BY_VOLTAGE)
    for k in range(first, last):
        profile = net.profile[net.profile_start[k] : net.profile_start[k + 1]]
        source_column(nodes_of(dev, d), w.leak, profile, 1.0, F, base + k - first)
    return causes


@compiled
def gather(net, d, dev, w, st, F, slope, edge, free, linear):
    """Tell the circuit how junction d follows the solved columns of F, from the slopes (2, B) of the current over an
    edge; its current before, shunt included, is in `linear` already.
    """
    first, last = lights_into(net, d)
    base = 2 if free else 1
    linear.current[d] += net.charge[d] * through(slope, edge, F, ITSELF)
    linear.by_voltage[d] = 0.0
    if free:
        linear.by_voltage[d] = net.charge[d] * through(slope, edge, F, BY_VOLTAGE) - net.leak[d]
    for k in range(first, last):
        linear.by_light[k] = net.charge[d] * through(slope, edge, F, base + k - first)
    for k in range(net.emitter.size):
        if net.emitter[k] == d:
            changes = np.zeros(base + last - first, dtype=F.dtype)
            layer_radiation(dev, w, dev.layer_start[d] + net.layer[k], st, F, changes)
            linear.glow[k] = net.share[k] * changes[ITSELF]
            linear.glow_by_voltage[k] = net.share[k] * changes[BY_VOLTAGE] if free else 0.0
            for j in range(first, last):
                linear.glow_by_light[k, j] = net.share[k] * changes[base + j - first]


@inlined
def combine(net, d, dev, F, free, answer):
    """Let the first column of F follow what the circuit found for junction d; returns its voltage's change, kT/q."""
    first, last = lights_into(net, d)
    rise = answer.voltage[d] if free else 0.0 * answer.voltage[d]
    nodes = (dev.node_start[d], dev.node_start[d + 1])
    _add_columns(F, nodes, 2 if free else 1, rise, answer.light[first:last])
    return rise


@compiled
def _add_columns(F, nodes, base, rise, light):
    """Add to the first column of some nodes rise times that of the voltage and `light` times those from `base` on."""
    for i in range(nodes[0], nodes[1]):
        for r in range(F.shape[1]):
            if base == 2:
                F[i, r, ITSELF] += F[i, r, BY_VOLTAGE] * rise
            for k in range(light.size):
                F[i, r, ITSELF] += F[i, r, base + k] * light[k]
