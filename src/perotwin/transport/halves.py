"""Where the one mesh of junctions that traps join is started from: what they are as if an ideal contact joined them.

At open circuit no current flows through such a contact, and both carriers' levels meet there as they do at a face
where levels recombine fast.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perotwin.transport import device as dv
from perotwin.transport.build import Group, Problem
from perotwin.transport.circuit import Circuit, Column
from perotwin.transport.device import Device, state_width
from perotwin.transport.junction import Junction
from perotwin.transport.kernels.rows import state_in

__all__ = ["apart", "as_one"]

F64 = NDArray[np.float64]


def apart(whole: Junction) -> Problem:
    """The halves of a mesh in series, each between contacts of its own and lit as in it."""
    made = np.split(whole.generation, [site + 1 for site in whole.between])
    parts = tuple(
        replace(half, generation=np.ascontiguousarray(own))
        for half, own in zip(whole.apart, made, strict=True)
    )
    return Problem(
        stack=whole.stack,
        parts=parts,
        names=whole.halves,
        groups=tuple(Group(name, (number,)) for number, name in enumerate(whole.halves)),
        circuit=Circuit(tuple((Column(),) for _ in parts)),
    )


def as_one(halves: Device, row: F64, whole: Device) -> F64:
    """The row of a mesh from that of its halves end to end; nodes that two of them share have the mean of both."""
    own, made = state_in(halves, row), np.zeros(state_width(whole))
    into = state_in(whole, made)
    into.v[0] = own.v.sum()
    # each half's zero, its cathode's level, below that of the whole
    behind = np.cumsum(own.v[::-1])[::-1] - own.v if whole.anode_front else np.cumsum(own.v) - own.v
    shared = np.zeros(whole.x.size)
    for m, (here, there) in enumerate(zip(_nodes(whole), _nodes(halves), strict=True)):
        d = halves.layer_junction[m]
        # the vacuum level steps where halves meet
        rise = behind[d] + whole.layer[m, dv.EC] - halves.layer[m, dv.EC]
        fields = (
            own.psi[there] + rise,
            own.fn[there] + own.fn_rest[there] - behind[d],
            own.fp[there] + own.fp_rest[there] - own.v[d] - behind[d] + into.v[0],
        )
        for field, values in zip((into.psi, into.fn, into.fp), fields, strict=True):
            field[here] += values
        shared[here] += 1.0
        species = whole.ion[:, dv.I_LAYER] == m
        into.mu[species] = own.mu[species] + whole.ion[species, dv.I_Z] * rise
    for field in (into.psi, into.fn, into.fp):
        field /= shared
    return made


def _nodes(device: Device) -> list[slice]:
    """Nodes of each layer."""
    return [
        slice(int(device.site_start[m] - off), int(device.site_start[m + 1] - off))
        for m, off in enumerate(device.offset)
    ]
