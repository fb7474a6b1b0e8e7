"""How the current at the terminals follows every number that the equations are made of, by one transposed solve.

At a steady state R(u, p) = 0 the change of J(u, p) with p is dJ/dp - lambda dR/dp, where lambda solves the transposed
Newton equations for dJ/du: one substitution on the factors serves all numbers at once, each of which then costs a sum
over the nodes that it acts on. Ions that re-equilibrate border the equations with their numbers per area. How a
junction answers to its voltage and to light is read off the same solution, so that nothing else is solved for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.device import Device
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.circuit import Constraint, Net, close, fill, places
from perotwin.transport.kernels.contacts import bias_column
from perotwin.transport.kernels.elimination import eliminate, solve_small, substitute
from perotwin.transport.kernels.linearise import lights_into, nodes_of, radiation
from perotwin.transport.kernels.numbers import Numbers, places_of, width_of
from perotwin.transport.kernels.recombination import crowding, site_drive
from perotwin.transport.kernels.right_hand_sides import (
    edge_current,
    ion_columns,
    keep_ions,
    quiet_edge,
    source_column,
    species_of,
)
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.slopes import (
    Into,
    add_circuit,
    add_contacts,
    add_faces,
    add_ions,
    add_lights,
    free_rows,
    make_into,
    rows_of,
    weigh,
    weigh_layer,
    whole,
)

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Room(NamedTuple):
    """Where numbers stand, and scratch memory. A junction is asked for its current and for each light that it makes:
    Q questions at most, I species at most.
    """

    at: Numbers  # the place of each number
    lists: tuple[I64, I64, F64, I64]  # of `slopes.make_into`
    G: F64  # (N, 3, Q + I) how what is asked for follows each row
    kappa: F64  # (Q, I) and each number of ions
    weights: F64  # (3 N + E,) of all rows; E: of `slopes.rows_of`, of the circuit, and of the current at the terminals
    layers: NDArray[np.bool_]  # (M,) of which layers numbers are asked for, and
    sites: NDArray[np.bool_]  # (M,) of the sites of which, or kT/q


def make_room(device: Device, net: Net, asked_for: NDArray[np.bool_] | None = None) -> Room:
    """Allocate it. asked_for (W,): of which numbers slopes are asked; others may be told as zero. All if absent."""
    places = places_of(device, net)
    if asked_for is None:
        asked_for = np.ones(width_of(device, net), dtype=bool)
    of_site = asked_for[places.vt[0]] | np.zeros(device.volume.size, dtype=bool)
    for name in ("volume", "spacing", "fixed_charge", "held", "generation"):
        of_site |= asked_for[getattr(places, name)]
    sites = np.logical_or.reduceat(of_site, device.site_start[:-1])
    layers = sites | asked_for[places.layer].any(axis=1)
    for m in range(layers.size):
        layers[m] |= asked_for[places.trap[device.trap_start[m] : device.trap_start[m + 1]]].any()
    nodes, species = device.x.size, device.ion.shape[0]
    asked = 1 + int(np.bincount(net.emitter, minlength=1).max())
    most = int(np.bincount(device.layer_junction[device.ion[:, dv.I_LAYER].astype(int)], minlength=1).max())
    behind = device.offset.size + device.junctions + species + 2 * device.junctions + net.emitter.size
    behind += net.tail.size + net.nodes
    return Room(
        places,
        make_into(device, net),
        np.zeros((nodes, 3, asked + most)),
        np.zeros((asked, species)),
        np.zeros(3 * nodes + behind),
        layers,
        sites,
    )


class Course(NamedTuple):
    """How K states along a path follow, of those whose slopes were told (see `sensitivities`)."""

    room: Room
    slopes: F64  # (K,)
    found: F64  # (K, W)
    told: NDArray[np.bool_]  # (K,)


def make_course(device: Device, net: Net, count: int, asked_for: NDArray[np.bool_] | None = None) -> Course:
    """Allocate one of `count` states, of which nothing is told yet. asked_for: as of `make_room`."""
    found = np.zeros((count, width_of(device, net)))
    return Course(make_room(device, net, asked_for), np.zeros(count), found, np.zeros(count, dtype=bool))


@compiled
def transposed(w, G, first, last, columns):
    """Solve the transposed equations of nodes `first` to `last` - 1 for right-hand sides G (N, 3, columns), in place,
    on the factors that `elimination.eliminate` left.
    """
    V, W, L = w.inverse, w.elim, w.lower
    for i in range(first + 1, last):
        j = i - 1
        for q in range(columns):
            z0, z1, z2 = G[j, 0, q], G[j, 1, q], G[j, 2, q]
            G[i, 0, q] -= W[j, 0] * z0 + W[j, 3] * z1 + W[j, 6] * z2
            G[i, 1, q] -= W[j, 1] * z0 + W[j, 4] * z1 + W[j, 7] * z2
            G[i, 2, q] -= W[j, 2] * z0 + W[j, 5] * z1 + W[j, 8] * z2
    for i in range(last - 1, first - 1, -1):
        for q in range(columns):
            r0, r1, r2 = G[i, 0, q], G[i, 1, q], G[i, 2, q]
            if i < last - 1:
                y0, y1, y2 = G[i + 1, 0, q], G[i + 1, 1, q], G[i + 1, 2, q]
                r0 -= L[i + 1, dv.PSI] * y0 + L[i + 1, dv.FN_BY_PSI] * y1 + L[i + 1, dv.FP_BY_PSI] * y2
                r1 -= L[i + 1, dv.FN_BY_FN] * y1
                r2 -= L[i + 1, dv.FP_BY_FP] * y2
            G[i, 0, q] = V[i, 0] * r0 + V[i, 3] * r1 + V[i, 6] * r2
            G[i, 1, q] = V[i, 1] * r0 + V[i, 4] * r1 + V[i, 7] * r2
            G[i, 2, q] = V[i, 2] * r0 + V[i, 5] * r1 + V[i, 8] * r2


@compiled
def circuit_weights(net, linear, weight):
    """weight (size,): how the current at the terminals (A m^-2), at a held voltage, follows the right side of each
    equation of the circuit (`circuit.places`), complex at a frequency. Returns whether the system could be solved.
    """
    size = weight.size
    A, out = np.zeros((size, size), dtype=weight.dtype), np.zeros(size, dtype=weight.dtype)
    fill(net, linear, Constraint(1.0, 0.0, 0.0), A, out)
    scale = np.zeros(size)
    for r in range(size):
        for q in range(size):
            scale[r] = max(scale[r], abs(A[r, q]))
        if not (scale[r] > 0.0 and np.isfinite(scale[r])):
            return False
    B = np.zeros_like(A)
    for r in range(size):
        for q in range(size):
            B[q, r] = A[r, q] / scale[r]
    weight[:] = out
    if not solve_small(B, weight):
        return False
    for r in range(size):
        weight[r] /= scale[r]
    return True


@inlined
def _ask(dev, w, net, st, d, slope, edge, G):
    """Set columns of G to how what junction d is asked for follows its unknowns: its own current over an edge, then the
    net radiative rate of each layer that makes light for others. Returns how many there are.
    """
    first, last = dev.node_start[d], dev.node_start[d + 1]
    asked = 1
    for i in range(first, last):
        for r in range(3):
            G[i, r, 0] = 0.0
    for r in range(2):
        for q in range(3):
            G[edge + r, q, 0] = slope[r, q]
    for k in range(net.emitter.size):
        if net.emitter[k] != d:
            continue
        for i in range(first, last):
            for r in range(3):
                G[i, r, asked] = 0.0
        m = dev.layer_start[d] + net.layer[k]
        off, v = dev.offset[m], st.v[d]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - off
            n, p, gn, gp = w.n[s], w.p[s], w.gn[s], w.gp[s]
            by = dev.volume[s] * dev.layer[m, dv.K_RAD]
            if dev.balanced[m]:
                by *= 1.0 + crowding(w, s)
                gn = gp = 1.0
            force = site_drive(dev, w, m, s, st.fn[i] - st.fp[i] + v)
            rest = by * (n * p - force)
            force *= by
            G[i, 0, asked] += force * (gn - gp)
            G[i, 1, asked] += force * gn + rest
            G[i, 2, asked] -= force * gp + rest
        asked += 1
    return asked


@inlined
def _ask_ions(dev, w, d, G, column):
    """Set columns of G, from `column` on, to how the numbers of ions follow the potential."""
    begin, end = species_of(dev, d)
    for k in range(begin, end):
        q = column + k - begin
        m, z = int(dev.ion[k, dv.I_LAYER]), dev.ion[k, dv.I_Z]
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            for r in range(3):
                G[i, r, q] = 0.0
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            G[s - dev.offset[m], 0, q] -= dev.volume[s] * z * w.dion[k, s]
    return end - begin


@inlined
def _bordered(dev, w, d, G, asked, kappa):
    """Let the first `asked` columns of G, solved with the activities of the ions held, keep each species' number
    instead; kappa receives by how much what they ask for follows these numbers. The columns behind hold their slopes,
    solved.
    """
    begin, end = species_of(dev, d)
    species = end - begin
    S, r = np.zeros((species, species)), np.zeros((asked, species))
    first, last = dev.node_start[d], dev.node_start[d + 1] - 1
    good = True
    for j in range(species):
        k = begin + j
        m, z = int(dev.ion[k, dv.I_LAYER]), dev.ion[k, dv.I_Z]
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            c = dev.volume[s] * w.dion[k, s]
            S[j, j] += c
            if first < i < last:
                for a in range(asked):
                    r[a, j] -= c * z * G[i, 0, a]
                for q in range(species):
                    # transposed: the number of species q by the activity of species j
                    S[j, q] -= c * z * G[i, 0, asked + q]
    for a in range(asked):
        good = good and solve_small(S.copy(), r[a])
        for j in range(species):
            kappa[a, begin + j] = r[a, j]
            for i in range(first, last + 1):
                for q in range(3):
                    G[i, q, a] -= r[a, j] * G[i, q, asked + j]
    return good


@inlined
def _answers(dev, w, net, st, d, G, asked, linear):
    """Tell the circuit how junction d answers to its voltage and to the light that reaches it."""
    F = w.rhs
    begin, end = lights_into(net, d)
    i = dev.node_start[d] if dev.anode_front else dev.node_start[d + 1] - 1
    bias_column(dev, w, st, d, F, 0)
    place = 0
    for a in range(asked):
        rise = G[i, 0, a] * F[i, 0, 0] + G[i, 1, a] * F[i, 1, 0] + G[i, 2, a] * F[i, 2, 0]
        if a == 0:
            linear.by_voltage[d] = net.charge[d] * rise - net.leak[d]
        else:
            while net.emitter[place] != d:
                place += 1
            linear.glow_by_voltage[place] = net.share[place] * rise
        node = nodes_of(dev, d)
        for j in range(begin, end):
            rise = 0.0
            for s in range(net.profile_start[j], net.profile_start[j + 1]):
                n = node[s - net.profile_start[j]]
                if w.leak[n, 0] != np.inf:
                    rise -= net.profile[s] * G[n, 1, a]
                if w.leak[n, 1] != np.inf:
                    rise -= net.profile[s] * G[n, 2, a]
            if a == 0:
                linear.by_light[j] = net.charge[d] * rise
            else:
                linear.glow_by_light[place, j] = net.share[place] * rise
        if a > 0:
            place += 1


@compiled
def slopes_here(dev, w, net, st, voltage, held, memory, room, found):
    """How the current at the terminals of one steady state follows its voltage and every number.

    w: as `assemble` and `eliminate` leave it at the state, or at one that the last step of Newton's method led here
    from, which differs by no more than its tolerance. voltage: at the terminals, V. held (S,), memory, found (W,): as
    in `sensitivities`. Returns dJ/dV, S m^-2; NaN where that could not be found.
    """
    linear, answer = memory
    at, lists, G, kappa, weights, layers, sites = room
    junctions, lights = net.anode.size, np.zeros(net.emitter.size)
    edges, slope, volts = np.zeros(junctions, dtype=np.int64), np.zeros((2, 3)), np.zeros(junctions)
    light, current, _, _, anode, size = places(net)
    weight = np.zeros(size)
    _, currents, ions, circuit = rows_of(dev)
    nodes = 3 * dev.x.size
    good = True
    found[:] = 0.0
    linear.glow[:] = 0.0
    linear.glow_by_light[:] = 0.0
    for j in range(lights.size):
        lights[j] = radiation(net, j, dev, w, st)
    for d in range(junctions):
        edges[d] = quiet_edge(dev, w, d)
        flux = edge_current(dev, w, edges[d], slope)
        asked = _ask(dev, w, net, st, d, slope, edges[d], G)
        species = _ask_ions(dev, w, d, G, asked)
        transposed(w, G, dev.node_start[d], dev.node_start[d + 1], asked + species)
        if species > 0:
            good = good and _bordered(dev, w, d, G, asked, kappa)
        # the state is a solution: what changes by itself is nothing
        linear.current[d] = net.charge[d] * flux - net.leak[d] * st.v[d]
        volts[d] = net.vt * st.v[d]
        _answers(dev, w, net, st, d, G, asked, linear)
    # this finds the currents and potentials of the circuit
    good = good and close(net, linear, volts, Constraint(1.0, 0.0, voltage), answer)
    good = good and circuit_weights(net, linear, weight)
    if not good:
        found[:] = np.nan
        return np.nan
    more = weights[nodes:]
    more[:] = 0.0
    more[circuit : circuit + size] = weight
    more[circuit + size] = 1.0
    for d in range(junctions):
        begin, end = species_of(dev, d)
        c = weight[current + d] * net.charge[d]
        more[currents + d] = c
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            for r in range(3):
                weights[3 * i + r] = c * G[i, r, 0]
        for s in range(begin, end):
            more[ions + s] = c * kappa[0, s]
        asked = 1
        for k in range(lights.size):
            if net.emitter[k] == d:
                c = weight[light + k] * net.share[k]
                more[dev.layer_start[d] + net.layer[k]] += c
                for i in range(dev.node_start[d], dev.node_start[d + 1]):
                    for r in range(3):
                        weights[3 * i + r] += c * G[i, r, asked]
                for s in range(begin, end):
                    more[ions + s] += c * kappa[asked, s]
                asked += 1
    lists[3][0] = 0
    free = free_rows(dev, w, np.int64(3))
    into = Into(free, lists[0], lists[1], lists[2], lists[3])
    add_lights(dev, net, lights, at, circuit, into)
    add_circuit(dev, net, st, answer, at, circuit, into)
    add_contacts(dev, w, st, at, into)
    add_ions(dev, w, at, sites, into)
    add_faces(dev, w, st, at, into)
    weigh(into, weights, found)
    # what a contact holds is no equation of sources and fluxes
    own = weights[:nodes].reshape((dev.x.size, 3))
    for d in range(junctions):
        for i in (dev.node_start[d], dev.node_start[d + 1] - 1):
            for r in range(3):
                own[i, r] *= free[i, r]
    for m in range(dev.offset.size):
        if layers[m]:
            weigh_layer(dev, w, st, held, m, edges[dev.layer_junction[m]], at, own, more, sites[m], found)
    if not whole(into):
        found[:] = np.nan
    return weight[anode]


@compiled
def along(dev, w, net, st, memory, out):
    """Set out (width,) to how a state follows the voltage at the terminals, per V; its small parts of levels and its
    ions' activities, which follow from the rest, stay zero. w, memory: as `slopes_here` leaves them.

    Returns whether the circuit could be solved.
    """
    linear, answer = memory
    F, into = w.rhs, state_in(dev, out)
    out[:] = 0.0
    linear.current[:] = 0.0
    if not close(net, linear, np.zeros(net.anode.size), Constraint(1.0, 0.0, 1.0), answer):
        return False
    for d in range(net.anode.size):
        first, last, rise = dev.node_start[d], dev.node_start[d + 1], answer.voltage[d]
        for i in range(first, last):
            for r in range(3):
                F[i, r, 0] = 0.0
        bias_column(dev, w, st, d, F, 0)
        anode = first if dev.anode_front else last - 1
        for r in range(3):
            F[anode, r, 0] *= rise
        begin, end = lights_into(net, d)
        for k in range(begin, end):
            profile = net.profile[net.profile_start[k] : net.profile_start[k + 1]]
            source_column(nodes_of(dev, d), w.leak, profile, answer.light[k], F, 0)
        species = ion_columns(dev, w, d, F, 1)
        substitute(w, F, first, last, 1 + species)
        if species > 0:
            keep_ions(dev, w, d, F, 1)
        for i in range(first, last):
            into.psi[i], into.fn[i], into.fp[i] = F[i, 0, 0], F[i, 1, 0], F[i, 2, 0] + rise
        into.v[d] = rise
    return True


@compiled
def sensitivities(dev, w, net, rows, which, voltage, gen, held, memory, course):
    """How the current at the terminals of steady states follows their voltage and every number.

    rows (K, width): the states. which: numbers of those that are asked for. voltage (K,): at the terminals, V. gen,
    held (S,): pairs per area and time (m^-2 s^-1) and charge of ions that do not move (m^-3) of each site. memory:
    (linear, answer). course: its slopes receive dJ/dV, S m^-2; what is found is the change of J (A m^-2) at a held
    voltage per unit of each number, NaN where that could not be told.
    """
    for j in range(which.size):
        k = which[j]
        st = state_in(dev, rows[k])
        assemble(dev, w, st, gen, held)
        for d in range(net.anode.size):
            eliminate(w, dev.node_start[d], dev.node_start[d + 1], 0)
        course.slopes[k] = slopes_here(
            dev, w, net, st, voltage[k], held, memory, course.room, course.found[k]
        )
        course.told[k] = True
