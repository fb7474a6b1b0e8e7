"""The circuit that joins the junctions: one small dense system for whatever is asked of it.

Each junction is known by how its current follows its voltage and the light that reaches it from others. Unknown are the
changes of the junctions' voltages, of the light, the branches' currents and the nodes' potentials; each row is in a
unit of its own. Nodal conductances alone would not do: those of a dark junction between lit ones are next to nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled, inlined
from perotwin.transport.kernels.elimination import solve_small, solve_small_columns

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: nodes of the terminals: currents are counted out of the anode's
CATHODE, ANODE = 0, 1


class Net(NamedTuple):
    """A circuit of D junctions and R resistors between nodes, and L paths of light; areas are parts of the cell's."""

    nodes: int
    anode: I64  # (D,) node of each junction's anode
    cathode: I64  # (D,)
    area: F64  # (D,)
    charge: F64  # (D,) current (A m^-2) that leaves the anode per flux along x (m^-2 s^-1)
    leak: F64  # (D,) current through the shunt beside each junction, A m^-2 per kT/q of its voltage
    tail: I64  # (R,) node that a resistor's current comes from
    head: I64  # (R,) and goes to
    resistance: F64  # (R,) ohm m^2 of its own area
    width: F64  # (R,) area of each
    vt: float  # kT/q, V
    emitter: I64  # (L,) junction that each light comes from
    layer: I64  # (L,) index of its emitting layer
    receiver: I64  # (L,) junction that takes it up; ascending
    share: F64  # (L,) pairs that it makes there per net radiative event
    profile_start: I64  # (L + 1,)
    profile: F64  # part of those pairs in each site of the receiver, light after light


class Constraint(NamedTuple):
    """What holds the terminals: a V + b J = c, with V (V) and J (A m^-2) at the terminals."""

    a: float
    b: float
    c: float


class Linear(NamedTuple):
    """How the junctions follow what is asked: numbers of one type, real or complex.

    Light is counted as the pairs that it makes per area and time (m^-2 s^-1).
    """

    current: F64  # (D,) each junction's current, its shunt's included, but for what follows below, A m^-2
    by_voltage: F64  # (D,) A m^-2 per kT/q of its voltage
    by_light: F64  # (L,) of the receiver's current, A m^-2 per m^-2 s^-1
    glow: F64  # (L,) change of the light, but for what follows below
    glow_by_voltage: F64  # (L,) per kT/q of the emitter's voltage
    glow_by_light: F64  # (L, L) of a light by another one


class Answer(NamedTuple):
    """What the circuit makes of it."""

    voltage: F64  # (D,) change of each junction's voltage, kT/q
    light: F64  # (L,) change of each light
    current: F64  # (D,) each junction's current, its shunt's included, A m^-2 of its own area
    potential: F64  # (nodes,) V; the cathode's is zero
    terminal: F64  # (1,) current at the terminals, A m^-2


def make_linear(net: Net, kind: type = float) -> Linear:
    """Allocate a `Linear`."""
    d, lights = net.anode.size, net.emitter.size
    shapes = ((d,), (d,), (lights,), (lights,), (lights,), (lights, lights))
    return Linear(*(np.zeros(shape, dtype=kind) for shape in shapes))


def make_answer(net: Net, kind: type = float) -> Answer:
    """Allocate an `Answer`."""
    sizes = (net.anode.size, net.emitter.size, net.anode.size, net.nodes, 1)
    return Answer(*(np.zeros(size, dtype=kind) for size in sizes))


@inlined
def follows(net, constraint):
    """(D,) whether each junction's voltage is unknown: not that of one between terminals that are held."""
    free = np.ones(net.anode.size, dtype=np.bool_)
    if constraint.b == 0.0:
        for d in range(free.size):
            free[d] = net.anode[d] != ANODE or net.cathode[d] != CATHODE
    return free


@inlined
def places(net):
    """Where unknowns begin in the circuit's system: light, junctions' currents, resistors' currents, potentials (that
    of node k at this plus k: the cathode's has none); the row of the anode's node, and how many there are.
    """
    light = net.anode.size
    current = light + net.emitter.size
    branch = current + net.anode.size
    node = branch + net.tail.size - 1
    size = node + net.nodes
    return light, current, branch, node, size - net.nodes + 1, size


@compiled
def fill(net, linear, constraint, A, out):
    """Fill the matrix A (size, size) of the circuit's system; out (size,) receives what the anode's node collects."""
    light, current, branch, node, last, size = places(net)
    for d in range(net.anode.size):
        # the voltage is that between its nodes
        A[d, d] = net.vt
        # and its current what it makes of that
        r = current + d
        A[r, r] = 1.0
        A[r, d] = -linear.by_voltage[d]
    for k in range(net.emitter.size):
        A[light + k, light + k] = 1.0
        A[light + k, net.emitter[k]] -= linear.glow_by_voltage[k]
        for j in range(net.emitter.size):
            A[light + k, light + j] -= linear.glow_by_light[k, j]
        A[current + net.receiver[k], light + k] = -linear.by_light[k]
    for r in range(net.tail.size):
        A[branch + r, branch + r] = -net.resistance[r]
    for d in range(net.anode.size):
        _connect(A, d, current + d, node, last, net.cathode[d], net.anode[d], net.area[d])
    for r in range(net.tail.size):
        _connect(A, branch + r, branch + r, node, last, net.tail[r], net.head[r], net.width[r])
    # the anode's row is the condition at the terminals
    for q in range(size):
        out[q] = A[last, q]
        A[last, q] *= constraint.b
    A[last, node + ANODE] += constraint.a


@compiled
def close(net, linear, volts, constraint, answer):
    """Join the junctions: solve the circuit's equations for all that is unknown.

    volts (D,): each junction's voltage before its change, V; zero where only changes are asked for. Returns whether the
    system could be solved.
    """
    junctions, lights = net.anode.size, net.emitter.size
    light, current, _, node, last, size = places(net)
    A = np.zeros((size, size), dtype=linear.current.dtype)
    out = np.zeros(size, dtype=linear.current.dtype)
    y = np.zeros(size, dtype=linear.current.dtype)
    fill(net, linear, constraint, A, out)
    for d in range(junctions):
        y[d] = -volts[d]
        y[current + d] = linear.current[d]
    for k in range(lights):
        y[light + k] = linear.glow[k]
    y[last] = constraint.c
    for r in range(size):
        largest = 0.0
        for q in range(size):
            largest = max(largest, abs(A[r, q]))
        if not (largest > 0.0 and np.isfinite(largest)):
            return False
        y[r] /= largest
        for q in range(size):
            A[r, q] /= largest
    if not solve_small(A, y):
        return False
    terminal = 0.0 * y[0]
    for q in range(size):
        terminal += out[q] * y[q]
    answer.terminal[0] = terminal
    answer.potential[CATHODE] = 0.0
    for d in range(junctions):
        answer.voltage[d] = y[d]
        answer.current[d] = y[current + d]
    for k in range(lights):
        answer.light[k] = y[light + k]
    for k in range(1, net.nodes):
        answer.potential[k] = y[node + k]
    return True


@compiled
def close_columns(net, linear, constraint, y, terminal):
    """The same for several right sides y (size, P), in place; terminal (P,) receives the current at the terminals."""
    size = y.shape[0]
    A, out = np.zeros((size, size)), np.zeros(size)
    fill(net, linear, constraint, A, out)
    for r in range(size):
        largest = 0.0
        for q in range(size):
            largest = max(largest, abs(A[r, q]))
        if not (largest > 0.0 and np.isfinite(largest)):
            return False
        A[r] /= largest
        y[r] /= largest
    if not solve_small_columns(A, y):
        return False
    for p in range(terminal.size):
        terminal[p] = 0.0
        for q in range(size):
            terminal[p] += out[q] * y[q, p]
    return True


@inlined
def _connect(A, row, own, node, last, tail, head, area):
    """Connect a branch: in its `row` the potentials of its nodes, in the nodes' rows its current, unknown `own`."""
    if tail != CATHODE:
        A[row, node + tail] += 1.0
        A[last + tail - 1, own] -= area
    if head != CATHODE:
        A[row, node + head] -= 1.0
        A[last + head - 1, own] += area
