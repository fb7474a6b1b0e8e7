"""Steady states of a circuit: one Newton iteration over all its junctions, and the states along a list of voltages.

Steps are taken in the densities, in which the continuity equations are linear, and shortened where they would turn a
density negative.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled, inlined
from perotwin.transport.device import FN_PSI, FP_PSI, PSI_FN, PSI_FP, PSI_PSI
from perotwin.transport.kernels.adjoint import along, slopes_here
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.circuit import Constraint, close, follows
from perotwin.transport.kernels.contacts import ELECTRONS, HOLES, hold_contacts, lose
from perotwin.transport.kernels.elimination import eliminate
from perotwin.transport.kernels.linearise import add_lights, combine, gather, radiation, set_columns
from perotwin.transport.kernels.pockets import eliminate_pockets
from perotwin.transport.kernels.right_hand_sides import edge_current, ion_columns, keep_ions, quiet_edge
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import settle_ions

#: outcome of a Newton iteration
CONVERGED, STALLED, NOT_FINITE = 0, 1, 2
#: from this iteration on a carrier's balance that holds to ROUNDED of its own terms counts as solved where the step
#: that it still asks for leaves the potential as it is: such steps belong to pockets of carriers that nothing depends
#: on, and would never end
LATE, ROUNDED = 3, 1e-13
#: points lost one after another, from which on the next ones are tried for in one step: a curve costs no minutes
SEVERAL = 4
#: from steps of this many mean ones on the slopes of the states before are not built on
_FAR = 1.5
#: longest change of a junction's voltage in one iteration, kT/q
LONGEST_VOLTAGE = 8.0


class Patience(NamedTuple):
    """When to stop."""

    iterations: int  # most of them
    tolerance: float  # largest last step: kT, or relative change of a density
    longest: float  # longest step of the potential, kT
    careful: bool = False  # whether pockets of carriers that barriers close off are told from closed ones


class Inertia(NamedTuple):
    """What carriers were one implicit step in time before, on a way to the steady state that time takes."""

    rate: float  # of the step, 1/s; zero where there is none
    n: NDArray[np.float64]  # (S,) m^-3
    p: NDArray[np.float64]  # (S,)


@inlined
def _add_inertia(dev, w, inertia):
    """Enter what the carriers of each site gain in the step."""
    D, F = w.diag, w.rhs
    for s in range(dev.volume.size):
        i, c = dev.site_node[s], dev.volume[s] * inertia.rate
        if w.leak[i, 0] != np.inf:
            F[i, 1, 0] += c * (w.n[s] - inertia.n[s])
            D[i, FN_PSI] -= c * w.n[s] * w.gn[s]
            lose(w, i, ELECTRONS, c * (w.n[s] - inertia.n[s]), c * w.n[s] * w.gn[s], 0.0)
        if w.leak[i, 1] != np.inf:
            F[i, 2, 0] += c * (w.p[s] - inertia.p[s])
            D[i, FP_PSI] += c * w.p[s] * w.gp[s]
            lose(w, i, HOLES, c * (w.p[s] - inertia.p[s]), c * w.p[s] * w.gp[s], 0.0)


@inlined
def _newton(dev, w, net, row, gen, held, inertia, constraint, patience, linear, answer):
    """Solve a circuit's steady equations from a state, in place.

    dev, w: the junctions and their scratch memory. row: their state (`rows.state_in`). gen, held (S,): pairs per area
    and time (m^-2 s^-1) and charge of ions that do not move (m^-3, units of q) of each site. inertia: of the carriers.
    constraint: at the terminals. linear, answer: scratch memory; they keep the circuit of the last iteration, so that
    answer.light, (L,) m^-2 s^-1, is the light between the junctions.

    Returns status, iterations and the last step.
    """
    st = state_in(dev, row)
    free = follows(net, constraint)
    lights, volts = np.zeros(net.emitter.size), np.zeros(free.size)
    closes = net.emitter.size > 0
    slope = np.zeros((2, 3))
    F = w.rhs
    largest = np.inf
    for d in range(free.size):
        closes = closes or free[d]
        if not free[d]:
            st.v[d] = constraint.c / (constraint.a * net.vt)
    hold_contacts(dev, st)
    for iteration in range(patience.iterations):
        if not settle_ions(dev, st):
            return NOT_FINITE, iteration, np.inf
        assemble(dev, w, st, gen, held)
        if inertia.rate > 0.0:
            _add_inertia(dev, w, inertia)
        for k in range(lights.size):
            lights[k] = radiation(net, k, dev, w, st)
        for d in range(free.size):
            add_lights(net, d, dev, w, F, lights)
        for i in range(dev.x.size):
            w.residual[i, 0], w.residual[i, 1] = F[i, 1, 0], F[i, 2, 0]
        for d in range(free.size):
            causes = set_columns(net, d, dev, w, st, F, free[d])
            species = ion_columns(dev, w, d, F, causes)
            edge, flux = 0, 0.0
            if closes:
                edge = quiet_edge(dev, w, d)
                flux = edge_current(dev, w, edge, slope)
            if patience.careful:
                eliminate_pockets(w, dev.node_start[d], dev.node_start[d + 1], causes + species)
            else:
                eliminate(w, dev.node_start[d], dev.node_start[d + 1], causes + species)
            if species > 0:
                keep_ions(dev, w, d, F, causes)
            if closes:
                linear.current[d] = net.charge[d] * flux - net.leak[d] * st.v[d]
                volts[d] = net.vt * st.v[d]
                gather(net, d, dev, w, st, F, slope, edge, free[d], linear)
        if closes:
            if not close(net, linear, volts, constraint, answer):
                return NOT_FINITE, iteration + 1, np.inf
            for d in range(free.size):
                answer.voltage[d] = min(max(answer.voltage[d], -LONGEST_VOLTAGE), LONGEST_VOLTAGE)
                combine(net, d, dev, F, free[d], answer)
        step, largest, finite = _length(w, iteration >= LATE, patience.tolerance)
        if not finite:
            return NOT_FINITE, iteration + 1, np.inf
        damping = min(1.0, patience.longest / step) if step > 0.0 else 1.0
        for d in range(free.size):
            rise = damping * answer.voltage[d] if free[d] else 0.0
            st.v[d] += rise
            for i in range(dev.node_start[d], dev.node_start[d + 1]):
                take_step(st, i, damping * F[i, 0, 0], damping * F[i, 1, 0], damping * F[i, 2, 0], rise)
        hold_contacts(dev, st)
        if largest < patience.tolerance:
            settle_ions(dev, st)
            for k in range(lights.size):
                answer.light[k] += lights[k]
            return CONVERGED, iteration + 1, largest
        if step > 1e4:
            return STALLED, iteration + 1, largest
    return STALLED, patience.iterations, largest


@compiled
def _length(w, late, tolerance):
    """Length of a step (F[:, :, 0]) in the potential, the larger of it and of those in the logarithms of the densities,
    and whether all of it is a number.
    """
    F = w.rhs
    step_psi, step_log = 0.0, 0.0
    # a comparison with NaN is false, so that max() would pass over it: a sum does not
    total = 0.0
    for i in range(F.shape[0]):
        total += abs(F[i, 0, 0]) + abs(F[i, 1, 0]) + abs(F[i, 2, 0])
        step_psi = max(step_psi, abs(F[i, 0, 0]))
        step = abs(F[i, 0, 0] + F[i, 1, 0])
        if step > step_log and not (
            late
            and abs(w.residual[i, 0]) < ROUNDED * w.give[i, 0]
            and abs(w.diag[i, PSI_FN]) * step < tolerance * abs(w.diag[i, PSI_PSI])
        ):
            step_log = step
        step = abs(F[i, 0, 0] + F[i, 2, 0])
        if step > step_log and not (
            late
            and abs(w.residual[i, 1]) < ROUNDED * w.give[i, 1]
            and abs(w.diag[i, PSI_FP]) * step < tolerance * abs(w.diag[i, PSI_PSI])
        ):
            step_log = step
    return step_psi, max(step_psi, step_log), np.isfinite(total)


@inlined
def _add(level, rest, i, change):
    """Add to a quasi-Fermi level kept in two parts, losing nothing: its gradient is a small difference."""
    change += rest[i]
    rounded = level[i] + change
    shadow = rounded - level[i]
    rest[i] = (level[i] - (rounded - shadow)) + (change - shadow)
    level[i] = rounded


@inlined
def _bend(d):
    """log1p(d) - d of a small d."""
    return -d * d * (1 / 2 - d * (1 / 3 - d * (1 / 4 - d * (1 / 5 - d / 6))))


@inlined
def take_step(st, i, dpsi, dfn, dfp, rise):
    """Change the potential and the levels of node i, linearly in the densities.

    The form keeps the digits of small changes and the logarithm of large ones; no density turns negative.
    """
    st.psi[i] += dpsi
    d = dpsi + dfn
    if abs(d) > 1e-3:
        dfn = np.log1p(max(d, -0.95)) - dpsi
    elif abs(d) > 1e-9:
        dfn += _bend(d)
    _add(st.fn, st.fn_rest, i, dfn)
    d = -dpsi - dfp
    if abs(d) > 1e-3:
        dfp = -np.log1p(max(d, -0.95)) - dpsi
    elif abs(d) > 1e-9:
        dfp -= _bend(d)
    _add(st.fp, st.fp_rest, i, dfp + rise)


class Path(NamedTuple):
    """A list of values of the constraint's right side c to be reached one after another, and what was found there."""

    start: float  # value that the first state belongs to
    solved: bool  # whether it is a solution there
    targets: NDArray[np.float64]  # (K,)
    finest: float  # smallest part of the way to a target that is tried
    rows: NDArray[np.float64]  # (K, width) states
    lights: NDArray[np.float64]  # (K, L) light between the junctions, m^-2 s^-1
    reached: NDArray[np.bool_]  # (K,)
    iterations: NDArray[np.int64]  # (K,)
    size: NDArray[np.float64]  # (K,) last step of the last iteration


@compiled
def follow(dev, w, net, row, gen, held, inertia, constraint, patience, memory, path, course):
    """Follow the steady state along a path, storing every state; the constraint's own c does not count.

    memory: (linear, answer). course: how each state that Newton's method finds for a held voltage follows its numbers
    is told there, from the factors of its last iteration, which tell how it follows the voltage too, so that the next
    state is near to what they predict; or None.

    Each target is reached in one step, or in as many smaller ones as it takes, unless `path.finest` is 1. Steps begin
    from the polynomial through the last states. The first target is solved for also where the path starts from it,
    unless the state is a solution there: it may belong to another light. A point that is not reached leaves the last
    good state in place, and the path goes on from there; after several in one step only.
    """
    linear, answer = memory
    width, smooth = row.size, row.size - 2 * dev.x.size
    # junctions that share a current change together, and a fourth state tells more
    most = 3 if net.anode.size == 1 else 4
    past = np.zeros((most, width))
    where = np.zeros(most)
    known = 1
    if course is not None:
        # how as many of these states follow the voltage
        slope, sloped = np.zeros((most, width)), 0
    past[0, :] = row
    where[0] = path.start
    lost = 0
    for k in range(path.targets.size):
        goal = path.targets[k]
        here = where[0]
        fraction = 1.0
        path.iterations[k] = 0
        if course is not None:
            course.told[k] = False
        reached = path.solved and goal == here and known == 1
        while not reached:
            aim = here + fraction * (goal - here)
            if fraction >= 0.999999 or abs(goal - aim) < 1e-12 * abs(goal - here):
                aim = goal
            aimed = Constraint(constraint.a, constraint.b, aim)
            status, depth = STALLED, known
            while status != CONVERGED and depth > 0:
                _predict(past, where, depth, aim, row, smooth)
                if course is not None:
                    _predict_along(past, slope, where, min(depth, sloped), aim, row, smooth)
                status, count, size = _newton(
                    dev, w, net, row, gen, held, inertia, aimed, patience, linear, answer
                )
                path.iterations[k] += count
                path.size[k] = size
                # it may mislead at a kink: once more from the last state itself
                depth = 1 if depth > 1 else 0
            if status == CONVERGED:
                path.lights[k, :] = answer.light
                if aim != where[0]:
                    for i in range(most - 1, 0, -1):
                        past[i, :] = past[i - 1]
                        where[i] = where[i - 1]
                    where[0] = aim
                    known = min(known + 1, most)
                    if course is not None:
                        for i in range(most - 1, 0, -1):
                            slope[i, :] = slope[i - 1]
                        sloped = min(sloped + 1, most) if aim == goal else 0
                past[0, :] = row
                if aim == goal:
                    reached = True
                    if course is not None:
                        if patience.careful:
                            for d in range(net.anode.size):
                                eliminate(w, dev.node_start[d], dev.node_start[d + 1], 0)
                        st = state_in(dev, row)
                        course.slopes[k] = slopes_here(
                            dev, w, net, st, goal, held, memory, course.room, course.found[k]
                        )
                        course.told[k] = True
                        if not along(dev, w, net, st, memory, slope[0]):
                            sloped = 0
                        elif sloped == 0:
                            sloped = 1
                else:
                    left = (goal - aim) / (goal - here)
                    here = aim
                    fraction = min(1.0, 2.0 * fraction / left) if left > 0.0 else 1.0
            else:
                fraction *= 0.25
                if fraction < path.finest or lost >= SEVERAL:
                    break
        lost = 0 if reached else lost + 1
        path.reached[k] = reached
        row[:] = past[0]
        path.rows[k, :] = row


@compiled
def _predict(past, where, known, aim, row, smooth):
    """State at `aim` on the polynomial through the last `known` states (newest first)."""
    weight = np.zeros(past.shape[0])
    for i in range(known):
        weight[i] = 1.0
        for j in range(known):
            if j != i:
                weight[i] *= (aim - where[j]) / (where[i] - where[j])
    for j in range(smooth):
        row[j] = weight[0] * past[0, j]
    for i in range(1, known):
        for j in range(smooth):
            row[j] += weight[i] * past[i, j]
    # the small parts of the levels belong to one state only
    for j in range(smooth, row.size):
        row[j] = past[0, j] if known == 1 else 0.0


@compiled
def _predict_along(past, slope, where, known, aim, row, smooth):
    """The same on the polynomial that also has the slopes of these states, where it is not far to go; else `row` stays
    as it is.
    """
    if known < 2 or abs(aim - where[0]) > _FAR * abs(where[0] - where[known - 1]) / (known - 1):
        return
    for j in range(smooth):
        row[j] = 0.0
    for i in range(known):
        # Hermite's weights of a value and of a slope
        weight, rise = 1.0, 0.0
        for j in range(known):
            if j != i:
                weight *= (aim - where[j]) / (where[i] - where[j])
                rise += 1.0 / (where[i] - where[j])
        step = aim - where[i]
        of_value, of_slope = (1.0 - 2.0 * step * rise) * weight * weight, step * weight * weight
        for j in range(smooth):
            row[j] += of_value * past[i, j] + of_slope * slope[i, j]
