"""Rows of numbers that hold states, and what time steps difference, as the arrays that they stand for: views.

A row of a state holds the potential, both levels, the ions' activities or levels, the voltages: what a guess
extrapolates; then what is left of the levels (see `device.State`).
"""

from __future__ import annotations

from perotwin.compiled import compiled
from perotwin.transport.device import State, Stored


@compiled
def state_in(dev, row):
    """The state that a row holds (see `device.state_width`)."""
    nodes, species, moving = dev.x.size, dev.ion.shape[0], dev.motion.shape[0]
    ions = 3 * nodes
    levels = ions + species
    volts = levels + moving * nodes
    rest = volts + dev.node_start.size - 1
    return State(
        row[:nodes],
        row[nodes : 2 * nodes],
        row[2 * nodes : ions],
        row[rest : rest + nodes],
        row[rest + nodes : rest + 2 * nodes],
        row[ions:levels],
        row[levels:volts].reshape((moving, nodes)),
        row[volts:rest],
    )


@compiled
def stored_in(dev, row):
    """What time steps difference, as a row holds it (see `device.stored_width`)."""
    sites, nodes = dev.volume.size, dev.x.size
    moving, traps = dev.motion.shape[0], dev.trap.shape[0]
    psi = (2 + moving) * sites
    bulk = psi + nodes
    face = bulk + traps * sites
    return Stored(
        row[:sites],
        row[sites : 2 * sites],
        row[2 * sites : psi].reshape((moving, sites)),
        row[psi:bulk],
        row[bulk:face].reshape((traps, sites)),
        row[face:],
    )
