"""One implicit time step of a circuit, and what an error of its differences does to the state that it leads to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.blocks import eliminate_blocks, substitute_blocks
from perotwin.transport.kernels.circuit import Constraint, close, follows
from perotwin.transport.kernels.contacts import hold_contacts
from perotwin.transport.kernels.in_motion import load_blocks, total_current, trap_memory
from perotwin.transport.kernels.linearise import (
    ITSELF,
    add_lights,
    combine,
    gather,
    radiation,
    set_columns,
)
from perotwin.transport.kernels.newton import (
    CONVERGED,
    LATE,
    LONGEST_VOLTAGE,
    NOT_FINITE,
    ROUNDED,
    STALLED,
    take_step,
)
from perotwin.transport.kernels.recombination import bulk_level, face_level, srh
from perotwin.transport.kernels.right_hand_sides import quiet_edge, site_of_edge
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.kernels.statistics import densities, moving_charge, moving_ions

#: rounding of a difference of potentials in time, as a part of the potential
_ROUNDING = 4e-15
#: carriers below this part of the largest density are none where errors of time steps are judged, and where they are
#: solved for
_NONE, NOBODY = 1e-12, 1e-15
#: Newton steps that grow by this factor as often in a row lead nowhere: a density is asked to be negative, and what
#: is left of it falls to a twentieth each time
_GROWS, _IN_A_ROW = 4.0, 5
#: a density counts the less, by the cube, the more than this many times larger it is at the next node, or at one
#: further off, fading by e over a bond (m) on the way: such a front is not resolved, and how it enters the next node is
#: a matter of the mesh
_STEEP, _BOND = 10.0, 0.3e-9
#: what a relative error of the current counts beside those of the state: it is read, but nothing follows from it
_THROUGH = 0.1
#: what the state of the smallest area counts at least beside that of the largest (see `step_error`)
_SMALL_AREA = 0.01


class Difference(NamedTuple):
    """How a step differences: the derivative of what is stored is rate * stored - past."""

    rate: float  # 1/s
    past: NDArray[np.float64]  # a row of what is stored (`rows.stored_in`)


class Judgement(NamedTuple):
    """What an error counts."""

    relevant: float  # part of the largest density below which carriers count less
    current: float  # A m^-2 below which a current does not steer the step


@compiled
def _loaded(dev, w, b, st, gen, held, difference, filled, lights, net):
    """Residual and blocks of a step, the lights between the junctions with it."""
    moving_ions(dev, w, st)
    charge = held.copy()
    moving_charge(dev, w, charge)
    assemble(dev, w, st, gen, charge)
    past = stored_in(dev, difference.past)
    load_blocks(dev, w, b, st, difference.rate, past)
    trap_memory(dev, w, b, difference.rate, False, past, filled)
    for k in range(lights.size):
        lights[k] = radiation(net, k, dev, w, st)
    for d in range(net.anode.size):
        add_lights(net, d, dev, w, b.rhs, lights)


@compiled
def implicit_step(dev, w, b, net, row, gen, held, difference, filled, constraint, patience, memory):
    """One implicit time step of a circuit, in place; as `newton.follow` for one value of the constraint, but ions move
    (their levels are unknowns) and charged traps remember, and currents include ions and displacement.

    difference: `Difference`. filled (`device.Traps`): receives the occupations at the step's end. memory: (linear,
    answer, edges (D,)), which keep the circuit of the last iteration, its answer the currents and the light.

    Returns status, iterations and the last step.
    """
    st = state_in(dev, row)
    linear, answer, edges = memory
    free = follows(net, constraint)
    lights, volts = np.zeros(net.emitter.size), np.zeros(free.size)
    past_psi = stored_in(dev, difference.past).psi
    F = b.rhs
    largest, growing = np.inf, 0
    for d in range(free.size):
        if not free[d]:
            st.v[d] = constraint.c / (constraint.a * net.vt)
    hold_contacts(dev, st)
    for iteration in range(patience.iterations):
        _loaded(dev, w, b, st, gen, held, difference, filled, lights, net)
        for i in range(dev.x.size):
            w.residual[i, 0], w.residual[i, 1] = F[i, 1, 0], F[i, 2, 0]
        for d in range(free.size):
            causes = set_columns(net, d, dev, w, st, F, free[d])
            edge = quiet_edge(dev, w, d)
            edges[d] = edge
            flux = total_current(dev, w, b, d, edge, difference.rate, st.psi, past_psi)
            eliminate_blocks(dev, b, d, causes)
            linear.current[d] = net.charge[d] * flux - net.leak[d] * st.v[d]
            volts[d] = net.vt * st.v[d]
            gather(net, d, dev, w, st, F, b.slope[d], edge, free[d], linear)
        if not close(net, linear, volts, constraint, answer):
            return NOT_FINITE, iteration + 1, np.inf
        for d in range(free.size):
            answer.voltage[d] = min(max(answer.voltage[d], -LONGEST_VOLTAGE), LONGEST_VOLTAGE)
            combine(net, d, dev, F, free[d], answer)
        step, before, largest = 0.0, largest, 0.0
        for d in range(free.size):
            own, size, finite = _length(dev, w, b, d, iteration >= LATE, patience.tolerance)
            if not finite:
                return NOT_FINITE, iteration + 1, np.inf
            step, largest = max(step, own), max(largest, size)
        growing = growing + 1 if largest > _GROWS * max(before, 1.0) else 0
        if growing == _IN_A_ROW:
            return STALLED, iteration + 1, largest
        damping = min(1.0, patience.longest / step) if step > 0.0 else 1.0
        _take(dev, b, st, damping, free, answer.voltage)
        hold_contacts(dev, st)
        if largest < patience.tolerance:
            densities(dev, w, st)
            moving_ions(dev, w, st)
            trap_memory(dev, w, b, difference.rate, False, stored_in(dev, difference.past), filled)
            for k in range(lights.size):
                answer.light[k] += lights[k]
            return CONVERGED, iteration + 1, largest
    return STALLED, patience.iterations, largest


@inlined
def _densest(dev, w, d):
    """Largest densities of electrons and of holes in junction d."""
    most_n, most_p = 0.0, 0.0
    for s in range(dev.site_start[dev.layer_start[d]], dev.site_start[dev.layer_start[d + 1]]):
        most_n, most_p = max(most_n, w.n[s]), max(most_p, w.p[s])
    return most_n, most_p


@compiled
def _exchanged(dev, w, s):
    """What electrons and holes at site s exchange with its charged levels, m^-2 s^-1, caught by empty and set free by
    full ones: an occupation is rounded beside one, and that part of the exchange with it.
    """
    m, n, p = dev.site_layer[s], 0.0, 0.0
    for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
        if dev.trap[t, dv.T_KIND] != 0.0:
            level = bulk_level(dev, w, t, s)
            n += dev.volume[s] * dev.trap[t, dv.T_RN] * (level[0] + level[2])
            p += dev.volume[s] * dev.trap[t, dv.T_RP] * (level[1] + level[3])
    for t in range(dev.face_trap_site.size):
        here = dev.site_node[dev.face_trap_site[t]] == dev.site_node[s]
        if here and dev.face_trap[t, dv.F_KIND] != 0.0:
            level = face_level(dev, w, t)
            n += dev.face_trap[t, dv.F_SN] * (level[0] + level[2])
            p += dev.face_trap[t, dv.F_SP] * (level[1] + level[3])
    return n, p


@compiled
def _length(dev, w, b, d, late, tolerance):
    """Length of a step (b.rhs[:, :, 0]) of junction d in the potential, the larger of it and of those in the logarithms
    of densities, and whether all of it is a number.
    """
    F = b.rhs
    step_psi, step_log, check = 0.0, 0.0, 0.0
    for i in range(dev.node_start[d], dev.node_start[d + 1]):
        p = F[i, 0, 0]
        step_psi = max(step_psi, abs(p))
        for r in range(1, b.size[d]):
            check += abs(F[i, r, 0])
    most_n, most_p = _densest(dev, w, d)
    for s in range(dev.site_start[dev.layer_start[d]], dev.site_start[dev.layer_start[d + 1]]):
        i = dev.site_node[s]
        # as in `newton`: pockets of carriers that nothing depends on, whose balance holds to rounding, and here
        # those too that are none
        step = abs(F[i, 0, 0] + F[i, 1, 0])
        if step > step_log and not (
            late
            and (
                w.n[s] * (1.0 + step) < NOBODY * most_n
                or abs(w.residual[i, 0]) < ROUNDED * (b.give[i, 1] + b.leak[i, 1])
                or abs(w.residual[i, 0]) < ROUNDED * _exchanged(dev, w, s)[0]
            )
            and abs(w.diag[i, dv.PSI_FN]) * step < tolerance * abs(w.diag[i, dv.PSI_PSI])
        ):
            step_log = step
        step = abs(F[i, 0, 0] + F[i, 2, 0])
        if step > step_log and not (
            late
            and (
                w.p[s] * (1.0 + step) < NOBODY * most_p
                or abs(w.residual[i, 1]) < ROUNDED * (b.give[i, 2] + b.leak[i, 2])
                or abs(w.residual[i, 1]) < ROUNDED * _exchanged(dev, w, s)[1]
            )
            and abs(w.diag[i, dv.PSI_FP]) * step < tolerance * abs(w.diag[i, dv.PSI_PSI])
        ):
            step_log = step
    for k in range(dev.motion.shape[0]):
        m, slot, z = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT]), dev.motion[k, dv.M_Z]
        if dev.layer_junction[m] == d:
            for i in range(dev.site_start[m] - dev.offset[m], dev.site_start[m + 1] - dev.offset[m]):
                step_log = max(step_log, abs(F[i, slot, 0] - z * F[i, 0, 0]))
    return step_psi, max(step_psi, step_log), np.isfinite(check + step_psi)


@compiled
def _take(dev, b, st, damping, free, voltage):
    """Change a state by the part `damping` of the step b.rhs[:, :, 0] and of the voltages' changes."""
    F = b.rhs
    for k in range(dev.motion.shape[0]):
        m, slot, z = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT]), dev.motion[k, dv.M_Z]
        for i in range(dev.site_start[m] - dev.offset[m], dev.site_start[m + 1] - dev.offset[m]):
            p = damping * F[i, 0, 0]
            change = damping * F[i, slot, 0] - z * p
            st.level[k, i] += z * p + np.log1p(max(change, -0.95))
    for d in range(free.size):
        rise = damping * voltage[d] if free[d] else 0.0
        st.v[d] += rise
        for i in range(dev.node_start[d], dev.node_start[d + 1]):
            take_step(st, i, damping * F[i, 0, 0], damping * F[i, 1, 0], damping * F[i, 2, 0], rise)


@compiled
def step_error(dev, w, b, net, row, gen, difference, missed, constraint, judgement, memory):
    """Size of what an error of the densities that a step differences does to the state that it leads to: kT of the
    potential, relative change of a density, change of an occupation, and a part of the relative change of the current.

    The state of a small area counts as the area does beside the largest one, or as its current beside the largest: a
    pinhole of which carriers retreat within nanoseconds, and which passes nothing, does not steer the cell around it.

    missed: a row of errors of what is stored. One more solution on the factors that the last `implicit_step` with this
    difference and constraint left.
    """
    st, miss = state_in(dev, row), stored_in(dev, missed)
    linear, answer, edges = memory
    free = follows(net, constraint)
    for d in range(free.size):
        flux = _filtered_error(dev, w, b, st, difference.rate, miss, d, edges[d])
        linear.current[d] = net.charge[d] * flux
        gather(net, d, dev, w, st, b.rhs, b.slope[d], edges[d], free[d], linear)
        noise = net.charge[d] * _noise(dev, st, difference.rate, edges[d])
        change = linear.current[d]
        linear.current[d] = np.sign(change) * max(abs(change) - abs(noise), 0.0)
    through, light_then = answer.current.copy(), answer.light.copy()
    volts = np.zeros(free.size)
    # what the step itself found is put back at the end
    if not close(net, linear, volts, Constraint(constraint.a, constraint.b, 0.0), answer):
        return np.inf
    worst, largest, area = 0.0, judgement.current, 0.0
    for d in range(free.size):
        light = 0.0
        for s in range(dev.site_start[dev.layer_start[d]], dev.site_start[dev.layer_start[d + 1]]):
            light += gen[s]
        largest = max(largest, abs(through[d] + net.leak[d] * st.v[d]), light * abs(net.charge[d]))
        area = max(area, abs(net.charge[d]))
    for d in range(free.size):
        rise = combine(net, d, dev, b.rhs, free[d], answer)
        own = answer.current[d] + net.leak[d] * rise
        counts = max(abs(net.charge[d]) / area, abs(through[d]) / largest, _SMALL_AREA)
        worst = max(
            worst,
            _THROUGH * abs(own) / largest,
            min(counts, 1.0) * _error_norm(dev, w, b, d, difference.rate, miss, judgement.relevant),
        )
    answer.current[:], answer.light[:] = through, light_then
    return worst


@compiled
def _filtered_error(dev, w, b, st, rate, miss, d, edge):
    """Solve junction d for the error of its densities; returns the change of its current but for the unknowns'."""
    F = b.rhs
    for i in range(dev.node_start[d], dev.node_start[d + 1]):
        for r in range(b.size[d]):
            F[i, r, ITSELF] = 0.0
    most_n, most_p = _densest(dev, w, d)
    for s in range(dev.site_start[dev.layer_start[d]], dev.site_start[dev.layer_start[d + 1]]):
        i, c = dev.site_node[s], dev.volume[s] * rate
        if w.leak[i, 0] != np.inf and max(w.n[s], abs(miss.n[s])) > _NONE * most_n:
            F[i, 1, ITSELF] += c * miss.n[s]
        if w.leak[i, 1] != np.inf and max(w.p[s], abs(miss.p[s])) > _NONE * most_p:
            F[i, 2, ITSELF] += c * miss.p[s]
    for k in range(dev.motion.shape[0]):
        m, slot = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT])
        if dev.layer_junction[m] == d:
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                F[s - dev.offset[m], slot, ITSELF] += dev.volume[s] * rate * miss.ion[k, s]
    substitute_blocks(dev, b, d, F, 1)
    # the potential's own error is felt by the displacement current alone
    s = site_of_edge(dev, edge)
    c = dev.layer[dev.site_layer[s], dv.EPS] / dev.spacing[s] * rate
    return -c * (miss.psi[edge + 1] - miss.psi[edge])


@compiled
def _noise(dev, st, rate, edge):
    """What the rounding of the potential makes of the displacement current over an edge, m^-2 s^-1."""
    s = site_of_edge(dev, edge)
    c = dev.layer[dev.site_layer[s], dv.EPS] / dev.spacing[s] * rate
    return _ROUNDING * c * (abs(st.psi[edge]) + abs(st.psi[edge + 1]))


@compiled
def _resolved(dev, density, m, counts):
    """What a density counts at each site of layer m, into counts (S,), beside those at its neighbours and near by."""
    first, last = dev.site_start[m], dev.site_start[m + 1]
    near = 0.0
    for s in range(first, last):
        if s > first:
            near = max(density[s - 1], near * max(0.0, 1.0 - dev.spacing[s - 1] / _BOND))
        counts[s] = near
    near = 0.0
    for s in range(last - 1, first - 1, -1):
        if s < last - 1:
            near = max(density[s + 1], near * max(0.0, 1.0 - dev.spacing[s] / _BOND))
        counts[s] = min(1.0, _STEEP * density[s] / max(counts[s], near)) ** 3


@compiled
def _error_norm(dev, w, b, d, rate, miss, relevant):
    """Size of the change of junction d in b.rhs[:, :, 0], and of the errors of the occupations."""
    F = b.rhs
    most_n, most_p = _densest(dev, w, d)
    worst = 0.0
    counts_n, counts_p = np.empty(dev.volume.size), np.empty(dev.volume.size)
    for m in range(dev.layer_start[d], dev.layer_start[d + 1]):
        _resolved(dev, w.n, m, counts_n)
        _resolved(dev, w.p, m, counts_p)
        for s in range(dev.site_start[m], dev.site_start[m + 1]):
            i = s - dev.offset[m]
            p = F[i, 0, 0]
            worst = max(worst, abs(p))
            if w.n[s] > _NONE * most_n:
                counts = counts_n[s] * w.n[s] / (w.n[s] + relevant * most_n)
                worst = max(worst, counts * abs(p + F[i, 1, 0]))
            if w.p[s] > _NONE * most_p:
                counts = counts_p[s] * w.p[s] / (w.p[s] + relevant * most_p)
                worst = max(worst, counts * abs(p + F[i, 2, 0]))
        for t in range(dev.trap_start[m], dev.trap_start[m + 1]):
            nt = dev.trap[t, dv.T_NT]
            if dev.trap[t, dv.T_KIND] == 0.0 or nt == 0.0:
                continue
            for s in range(dev.site_start[m], dev.site_start[m + 1]):
                den = srh(dev.trap[t, dv.T_RN], dev.trap[t, dv.T_RP], bulk_level(dev, w, t, s))[6] / nt
                worst = max(worst, abs(miss.bulk[t, s]) * rate / (rate + den))
    for k in range(dev.motion.shape[0]):
        m, slot, z = int(dev.motion[k, dv.M_LAYER]), int(dev.motion[k, dv.M_SLOT]), dev.motion[k, dv.M_Z]
        if dev.layer_junction[m] == d:
            for i in range(dev.site_start[m] - dev.offset[m], dev.site_start[m + 1] - dev.offset[m]):
                worst = max(worst, abs(F[i, slot, 0] - z * F[i, 0, 0]))
    for t in range(dev.face_trap_site.size):
        nt = dev.face_trap[t, dv.F_NT]
        here = dev.layer_junction[dev.site_layer[dev.face_trap_site[t]]] == d
        if here and dev.face_trap[t, dv.F_KIND] != 0.0 and nt != 0.0:
            den = srh(dev.face_trap[t, dv.F_SN], dev.face_trap[t, dv.F_SP], face_level(dev, w, t))[6] / nt
            worst = max(worst, abs(miss.face[t]) * rate / (rate + den))
    return worst
