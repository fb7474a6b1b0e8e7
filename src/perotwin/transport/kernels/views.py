"""One junction, cut out of arrays in which several lie end to end: views, nothing is copied."""

from __future__ import annotations

from perotwin.compiled import compiled
from perotwin.transport.device import (
    BARRIERS,
    BLOCK,
    BLOCK_RHS,
    BLOCK_ROWS,
    CAUSES,
    FACES,
    ION_SITES,
    IONS,
    LAYERS,
    LEVELS,
    MOVING,
    NODES,
    RHS,
    SITES,
    STORED,
    TRAP_SITES,
    TRAPS,
    UNKNOWNS,
    Blocks,
    Device,
    State,
    Stored,
    Traps,
    Work,
)


@compiled
def device_of(ds, d):
    """Junction d as a `Device`."""
    a, b = ds.start[d], ds.start[d + 1]
    layers = slice(a[LAYERS], b[LAYERS])
    ends = slice(a[LAYERS] + d, b[LAYERS] + d + 1)
    nodes, sites = slice(a[NODES], b[NODES]), slice(a[SITES], b[SITES])
    faces, barriers = slice(a[FACES], b[FACES]), slice(a[BARRIERS], b[BARRIERS])
    return Device(
        ds.x[nodes],
        ds.site_start[ends],
        ds.offset[layers],
        ds.site_layer[sites],
        ds.site_node[sites],
        ds.volume[sites],
        ds.spacing[sites],
        ds.fixed_charge[sites],
        ds.layer[layers],
        ds.trap_start[ends],
        ds.trap[a[TRAPS] : b[TRAPS]],
        ds.face_trap_site[faces],
        ds.face_trap[faces],
        ds.barrier_site[barriers],
        ds.barrier[barriers],
        ds.ion[a[IONS] : b[IONS]],
        ds.motion[a[MOVING] : b[MOVING]],
        ds.contact[2 * d : 2 * d + 2],
        ds.anode_front[d],
        ds.vt,
        ds.activity,
    )


@compiled
def work_of(ds, ws, d):
    """The scratch memory of junction d as a `Work`."""
    a, b = ds.start[d], ds.start[d + 1]
    nodes, sites, ions = slice(a[NODES], b[NODES]), slice(a[SITES], b[SITES]), slice(a[ION_SITES], b[ION_SITES])
    count = b[SITES] - a[SITES]
    species = b[IONS] - a[IONS] + b[MOVING] - a[MOVING]
    return Work(
        ws.diag[nodes],
        ws.lower[nodes],
        ws.upper[nodes],
        ws.give[nodes],
        ws.take[nodes],
        ws.leak[nodes],
        ws.rhs[a[RHS] : b[RHS]].reshape((b[NODES] - a[NODES], 3, ds.size[d, CAUSES])),
        ws.inverse[nodes],
        ws.elim[nodes],
        ws.residual[nodes],
        ws.n[sites],
        ws.p[sites],
        ws.gn[sites],
        ws.gp[sites],
        ws.lgn[sites],
        ws.lgp[sites],
        ws.jn[sites],
        ws.jp[sites],
        ws.net[nodes],
        ws.ion[ions].reshape((species, count)),
        ws.dion[ions].reshape((species, count)),
    )


@compiled
def blocks_of(ds, bs, d):
    """The scratch memory with ions in motion of junction d as `Blocks`."""
    a, b = ds.start[d], ds.start[d + 1]
    size, nodes, sites = ds.size[d, UNKNOWNS], b[NODES] - a[NODES], b[SITES] - a[SITES]
    rows, blocks = slice(a[BLOCK_ROWS], b[BLOCK_ROWS]), slice(a[BLOCK], b[BLOCK])
    flat, square = (nodes, size), (nodes, size, size)
    species = b[IONS] - a[IONS] + b[MOVING] - a[MOVING]
    return Blocks(
        bs.diag[blocks].reshape(square),
        bs.lower_psi[rows].reshape(flat),
        bs.lower_own[rows].reshape(flat),
        bs.upper_psi[rows].reshape(flat),
        bs.upper_own[rows].reshape(flat),
        bs.give[rows].reshape(flat),
        bs.take[rows].reshape(flat),
        bs.leak[rows].reshape(flat),
        bs.rhs[a[BLOCK_RHS] : b[BLOCK_RHS]].reshape((nodes, size, ds.size[d, CAUSES])),
        bs.inverse[blocks].reshape(square),
        bs.elim[blocks].reshape(square),
        bs.slope[a[BLOCK_ROWS] : a[BLOCK_ROWS] + 2 * size].reshape((2, size)),
        bs.flux[a[ION_SITES] : b[ION_SITES]].reshape((species, sites)),
    )


@compiled
def traps_of(ds, bs, d):
    """Occupations of the charged levels of junction d in its scratch memory."""
    a, b = ds.start[d], ds.start[d + 1]
    bulk = bs.bulk[a[TRAP_SITES] : b[TRAP_SITES]].reshape((b[TRAPS] - a[TRAPS], b[SITES] - a[SITES]))
    return Traps(bulk, bs.face[a[FACES] : b[FACES]])


@compiled
def state_of(ds, row, d):
    """The state of junction d as views into a row of all junctions' (see `Devices.width`)."""
    a, b, end = ds.start[d], ds.start[d + 1], ds.start[-1]
    total = end[NODES]
    n0, n1 = a[NODES], b[NODES]
    ions = 3 * total
    levels = ions + end[IONS]
    volts = levels + end[LEVELS]
    rest = volts + ds.anode_front.size
    return State(
        row[n0:n1],
        row[total + n0 : total + n1],
        row[2 * total + n0 : 2 * total + n1],
        row[rest + n0 : rest + n1],
        row[rest + total + n0 : rest + total + n1],
        row[ions + a[IONS] : ions + b[IONS]],
        row[levels + a[LEVELS] : levels + b[LEVELS]].reshape((b[MOVING] - a[MOVING], n1 - n0)),
        row[volts + d : volts + d + 1],
    )


@compiled
def stored_of(ds, row, d):
    """What time steps of junction d difference, as views into a row of all junctions'."""
    a, b = ds.start[d], ds.start[d + 1]
    nodes, sites = b[NODES] - a[NODES], b[SITES] - a[SITES]
    moving, traps = b[MOVING] - a[MOVING], b[TRAPS] - a[TRAPS]
    at = a[STORED]
    ion = at + 2 * sites
    psi = ion + moving * sites
    bulk = psi + nodes
    face = bulk + traps * sites
    return Stored(
        row[at : at + sites],
        row[at + sites : ion],
        row[ion:psi].reshape((moving, sites)),
        row[psi:bulk],
        row[bulk:face].reshape((traps, sites)),
        row[face : b[STORED]],
    )
