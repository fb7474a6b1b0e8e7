"""What a steady state shows: recombination by channel, and the current at the terminals; no Jacobian."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.faces import thermionic_fluxes
from perotwin.transport.kernels.flux import carrier_fluxes
from perotwin.transport.kernels.recombination import (
    COUNT,
    RADIATIVE,
    bulk_level,
    coefficient_of,
    crowding,
    drive,
    face_level,
    site_drive,
    srh,
)
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import densities


@compiled
def rates(dev, w, st, channel):
    """Recombination of every channel and the fluxes of a state.

    channel (C,) m^-2 s^-1: the mechanisms of free carriers of each layer, then each bulk trap, then each face trap.
    Fluxes go to w.jn and w.jp, net rates (without generation) to w.net.
    """
    densities(dev, w, st)
    first_trap = COUNT * dev.offset.size
    first_face = first_trap + dev.trap.shape[0]
    for c in range(channel.size):
        channel[c] = 0.0
    for i in range(dev.x.size):
        w.net[i] = 0.0
    for m in range(dev.offset.size):
        row, last = dev.layer[m], dev.site_start[m + 1] - 1
        v = st.v[dev.layer_junction[m]]
        for s in range(dev.site_start[m], last + 1):
            i = s - dev.offset[m]
            n, p, vol = w.n[s], w.p[s], dev.volume[s]
            force = vol * site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
            for c in range(COUNT):
                r = coefficient_of(c, row, n, p) * force
                if c == RADIATIVE and dev.balanced[m]:
                    r *= 1.0 + crowding(w, s)
                channel[COUNT * m + c] += r
                w.net[i] -= r
            for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
                r = srh(dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP], bulk_level(dev, w, t, s))[0] * force
                channel[first_trap + t] += r
                w.net[i] -= r
            if s < last:
                of_n, of_p = carrier_fluxes(dev, w, st, m, s)
                w.jn[s], w.jp[s] = of_n[0], -of_p[0]
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        i, v = dev.site_node[s], st.v[dev.layer_junction[dev.site_layer[s]]]
        level = face_level(dev, w, t)
        force = drive(level[0], level[1], st.fn[i] - st.fp[i] + v)
        r = srh(dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP], level)[0] * force
        channel[first_face + t] += r
        w.net[i] -= r
    for b in range(dev.barrier_site.size):
        s = dev.barrier_site[b]
        of_n, of_p = thermionic_fluxes(dev, w, st, b)
        w.jn[s], w.jp[s] = of_n[0], -of_p[0]


@compiled
def _place_of_least(noise, crossed, sign):
    """Where noise + sign crossed is least; where it is no number, if it is none anywhere."""
    found, place = np.inf, 0
    for e in range(noise.size):
        here = noise[e] + sign * crossed[e]
        if np.isnan(here):
            return e
        if here < found:
            found, place = here, e
    return place


@inlined
def _quiet(noise, crossed):
    """Edges at which a carrier's flux is best read for the front, for the back: where what disturbs it there and on the
    way, `crossed` (E,) of all nodes up to the edge, is least.
    """
    return _place_of_least(noise, crossed, 1.0), _place_of_least(noise, crossed, -1.0)


@inlined
def _quiet_pair(noise_n, noise_p, crossed):
    """Edges at which the two carriers' fluxes are best read for their sum: noise and what lies between is least."""
    found, first, second = np.inf, 0, 0
    front_n = front_p = 0
    for i in range(noise_n.size):
        if noise_n[i] - crossed[i] < noise_n[front_n] - crossed[front_n]:
            front_n = i
        if noise_p[i] - crossed[i] < noise_p[front_p] - crossed[front_p]:
            front_p = i
        for a, b in ((front_n, i), (i, front_p)):
            size = noise_n[a] + noise_p[b] + abs(crossed[b] - crossed[a])
            if size < found:
                found, first, second = size, a, b
    return first, second


@inlined
def terminal(dev, w, d, gen):
    """Current of junction d (m^-2 s^-1, conventional, along x) and what each carrier loses at the wrong contact.

    Uses the fluxes and net rates that `rates` left. Each carrier's flux is read where it is least disturbed by
    rounding and carried elsewhere by the balance of generation and recombination, but not over a face whose rate is the
    difference of much larger ones. Returns the total, the electrons' loss at the anode and the holes' loss at the
    cathode (m^-2 s^-1).
    """
    first = dev.node_start[d]
    nodes = dev.node_start[d + 1] - first
    flux_n, flux_p = np.empty(nodes - 1), np.empty(nodes - 1)
    noise_n, noise_p = np.empty(nodes - 1), np.empty(nodes - 1)
    source = w.net[first : first + nodes].copy()
    # what disturbs the rates of the nodes up to each edge
    crossed = np.zeros(nodes - 1)
    behind = dev.layer_start[d + 1]
    for m in range(dev.layer_start[d], behind):
        off = dev.offset[m] + first
        last = dev.site_start[m + 1] - 1
        for s in range(dev.site_start[m], last + 1):
            i = s - off
            source[i] += gen[s]
            if s < last:
                h = 1.0 / dev.spacing[s]
                flux_n[i], flux_p[i] = w.jn[s], w.jp[s]
                noise_n[i] = dev.layer[m, dv.MU_N] * h * max(w.n[s], w.n[s + 1])
                noise_p[i] = dev.layer[m, dv.MU_P] * h * max(w.p[s], w.p[s + 1])
            elif m + 1 < behind and dev.offset[m + 1] == dev.offset[m]:
                flux_n[i], flux_p[i] = w.jn[s], w.jp[s]
                noise_n[i], noise_p[i] = np.inf, np.inf
    for t in range(dev.face_trap_site.size):
        s = dev.face_trap_site[t]
        if dev.layer_junction[dev.site_layer[s]] == d:
            level = face_level(dev, w, t)
            gross = srh(dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP], level)[0] * level[0] * level[1]
            crossed[dev.site_node[s] - first :] += gross / dev.vt
    a, b = _quiet_pair(noise_n, noise_p, crossed)
    # the balance of node i reads  jn[i] - jn[i - 1] + source = 0  and  jp[i] - jp[i - 1] - source = 0
    jn_b = flux_n[a]
    if b > a:
        for i in range(a + 1, b + 1):
            jn_b -= source[i]
    else:
        for i in range(b + 1, a + 1):
            jn_b += source[i]
    total = jn_b + flux_p[b]
    to_front, to_back = _quiet(noise_n, crossed)
    jn_front, jn_back = flux_n[to_front], flux_n[to_back]
    for i in range(0, to_front + 1):
        jn_front += source[i]
    for i in range(to_back + 1, nodes):
        jn_back -= source[i]
    to_front, to_back = _quiet(noise_p, crossed)
    jp_front, jp_back = flux_p[to_front], flux_p[to_back]
    for i in range(0, to_front + 1):
        jp_front -= source[i]
    for i in range(to_back + 1, nodes):
        jp_back += source[i]
    if dev.anode_front:
        return total, jn_front, jp_back
    return total, -jn_back, -jp_front


@compiled
def observe(dev, w, net, rows, gen, lights, channel, ends):
    """Channels, terminal currents and the light between the junctions of a series of states.

    rows (K, width); gen (S,): pairs per area and time in each site at the light of all of them, m^-2 s^-1. channel
    (K, C), ends (K, D, 3) and lights (K, L), pairs per area and time, are filled; ends as `terminal` gives them.
    """
    for k in range(rows.shape[0]):
        rates(dev, w, state_in(dev, rows[k]), channel[k])
        lit = gen.copy()
        for number in range(net.emitter.size):
            m = dev.layer_start[net.emitter[number]] + net.layer[number]
            lights[k, number] = net.share[number] * channel[k, COUNT * m + RADIATIVE]
            first = dev.site_start[dev.layer_start[net.receiver[number]]]
            for j in range(net.profile_start[number], net.profile_start[number + 1]):
                lit[first + j - net.profile_start[number]] += lights[k, number] * net.profile[j]
        for d in range(net.anode.size):
            ends[k, d, 0], ends[k, d, 1], ends[k, d, 2] = terminal(dev, w, d, lit)
