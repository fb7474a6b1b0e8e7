"""The modes that decay by themselves: eigenvalues of the linearised equations, and how much the terminals see of them.

What decays are the contents of a cell: particles of each kind in each node, trapped charge, and each junction's
displacement. The circuit and the light between its junctions are part of the equations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import ConvergenceError
from perotwin.transport import device as dv
from perotwin.transport.circuit import held_current, held_voltage
from perotwin.transport.device import make_blocks
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.blocks import eliminate_blocks, substitute_blocks
from perotwin.transport.kernels.circuit import close, make_answer, make_linear
from perotwin.transport.kernels.in_motion import load_blocks, total_current, trap_memory
from perotwin.transport.kernels.linearise import combine, gather, set_columns
from perotwin.transport.kernels.right_hand_sides import quiet_edge
from perotwin.transport.kernels.rows import stored_in
from perotwin.transport.kernels.statistics import moving_charge, moving_ions
from perotwin.transport.poles import poles

if TYPE_CHECKING:
    from perotwin.transport.small_signal import Linearised

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

Control = Literal["open-circuit", "voltage"]

#: how many modes are asked for one after another until one is seen, and restarts of the iteration for them: where it
#: has not settled by then it never does
_COUNTS, _RESTARTS = (1, 4, 16), 12
#: rates (1/s) at which the impedance is looked at for its poles, how many a decade, how many make one look, and their
#: angle from the negative axis
_RANGE, _A_DECADE, _WINDOW, _ASIDE = (1e-10, 1e14), 8, 24, 0.15


class Modes(ABC):
    """What any linearised cell can say about its modes, from its resolvent and its impedance at complex rates."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The cell and its state, for messages."""

    @abstractmethod
    def resolvent(self, control: Control) -> Resolvent:
        """(s - L)^-1 with the terminals open or at a held voltage."""

    @abstractmethod
    def impedance_at(self, rate: C128) -> C128:
        """(W,) impedance without series resistance, ohm m^2, of signals exp(rate t); (W,) 1/s."""

    def rates(self, count: int = 1, control: Control = "open-circuit") -> C128:
        """The slowest eigenvalues, exp(rate t), of the cell left alone at open circuit or at a held terminal voltage.

        Charged traps and, where they move, ions are part of it. The modes of rate zero, which only say that ions are
        neither made nor lost, are left out. Pockets of carriers that nothing at the terminals depends on are in it; see
        `shares` and `slowest`.

        Args:
            count: how many.
            control: what holds the terminals.

        Returns:
            (count,) 1/s, slowest first; a stable state has negative real parts. -1/rate are the time constants.

        Raises:
            ConvergenceError: the iteration did not settle.
        """
        from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

        resolvent = self.resolvent(control)
        size = resolvent.start.size
        operator = LinearOperator((size, size), matvec=resolvent, dtype=float)
        try:
            values = eigs(
                operator,
                k=count,
                which="LM",
                v0=resolvent.start,
                return_eigenvectors=False,
                maxiter=_RESTARTS,
            )
        except ArpackError as error:
            raise ConvergenceError(
                f"the slowest modes of {self.words} were not found: {error}.",
                "Ask for more or fewer of them.",
                stage="small signal",
            ) from error
        found = np.asarray(resolvent.shift - 1.0 / values)
        return np.asarray(found[np.argsort(np.abs(found))])

    def shares(self, rates: ArrayLike) -> F64:
        """The part of the impedance at lowest frequencies that each mode of open circuit carries (with what lies within
        1 % of its rate): next to nothing for carriers in a pocket that the terminals do not see.

        Args:
            rates: (K,) eigenvalues from `rates`, 1/s.

        Returns:
            (K,) magnitude of residue / rate over the impedance of the junction at rest.
        """
        turn = 0.01 * np.exp(2j * np.pi * (np.arange(8) + 0.5) / 8)
        rest = 1e-6 * np.min(np.abs(rates), initial=np.inf)
        at_rest = self.impedance_at(np.array([rest], dtype=complex))[0]
        found = []
        for rate in np.atleast_1d(np.asarray(rates, dtype=complex)):
            around = self.impedance_at(rate * (1.0 + turn))
            # the mean of (s - rate) Z over the circle is the residue
            found.append(abs(np.mean(turn * around) / at_rest))
        return np.array(found)

    def slowest(self, share: float = 0.01) -> float:
        """Rate (1/s, real part) of the slowest mode of open circuit that carries `share` of the impedance; NaN if none
        between 1e-9 and 1e13 /s does.
        """
        for count in _COUNTS:
            try:
                rates = self.rates(count)
            except ConvergenceError:
                break
            seen = np.flatnonzero(self.shares(rates) >= share)
            if seen.size:
                return float(rates[seen[0]].real)
        return self._slowest_pole(share)

    def _slowest_pole(self, share: float) -> float:
        """The same from the impedance alone, whose poles are the modes that the terminals see.

        Where pockets of carriers take longer than the age of the universe to empty, the contents of a cell decay at
        rates of thirty orders of magnitude, and no iteration on them finds the others. The impedance does not know of
        the pockets.
        """
        size = np.geomspace(*_RANGE, _A_DECADE * int(np.log10(_RANGE[1] / _RANGE[0])) + 1)
        # near the negative axis, where the poles lie
        points = size * np.exp(1j * (np.pi - _ASIDE))
        with np.errstate(all="ignore"):
            values = self.impedance_at(points)
        good = np.isfinite(values)
        if not good.any():
            return float("nan")
        at_rest = abs(values[good][0])
        for first in range(0, size.size - _WINDOW, _A_DECADE):
            here = np.arange(first, first + _WINDOW + 1)
            here = here[good[here]]
            if here.size < _WINDOW // 2 or not np.abs(values[here]).max() > 0.0:
                continue
            both = np.concatenate((points[here], points[here].conj()))
            found, residues = poles(both, np.concatenate((values[here], values[here].conj())))
            low, high = size[first + _A_DECADE // 2], size[first + _WINDOW - _A_DECADE // 2]
            seen = (
                (np.abs(residues) >= share * at_rest * np.abs(found))
                & (np.abs(found) >= low)
                & (np.abs(found) <= high)
                & (found.real < 0.0)
            )
            if seen.any():
                return float(found[seen][np.argmin(np.abs(found[seen]))].real)
        return float("nan")


class Resolvent:
    """(s - L)^-1 on the contents of a cell; its eigenvalues are 1 / (s - rate).

    With contents instead of potentials as variables the time derivative's matrix is the unit matrix, and what the
    iteration sees is as large as what can decay.

    Args:
        linear: the cell about its state.
        control: what holds the terminals.
    """

    def __init__(self, linear: Linearised, control: Control) -> None:
        device, work, state, net = linear.device, linear.work, linear.state, linear.net
        self.device, self.net, self.work, self.state = device, net, work, state
        self.shift = shift = linear.shift
        self.constraint = held_current() if control == "open-circuit" else held_voltage()
        self.free = np.ones(net.anode.size, dtype=bool)
        causes = linear.causes
        charge = linear.held.copy()
        moving_ions(device, work, state)
        moving_charge(device, work, charge)
        assemble(device, work, state, np.zeros(device.volume.size), charge)
        nothing = stored_in(device, np.zeros(dv.stored_width(device)))
        # what multiplies the rate is the imaginary part at rate i: exact
        imaginary = make_blocks(device, causes, complex)
        load_blocks(device, work, imaginary, state, 1j, nothing)
        self.blocks = make_blocks(device, causes)
        load_blocks(device, work, self.blocks, state, shift, nothing)
        self.edges = [int(quiet_edge(device, work, d)) for d in range(net.anode.size)]
        for d, edge in enumerate(self.edges):
            total_current(device, work, imaginary, d, edge, 1j, state.psi, nothing.psi)
        self.displacement = imaginary.slope.imag.copy()
        self.blocks.slope[:] = imaginary.slope.real + shift * imaginary.slope.imag
        own = -imaginary.leak.imag
        own[:, 2] *= -1.0
        self.own, self.by_psi = own, imaginary.diag.imag[:, :, 0].copy()
        self.moving = np.isfinite(imaginary.leak.real)
        self.moving[:, 0] = False
        for d, size in enumerate(self.blocks.size):
            self.moving[device.nodes(d), size:] = False
        trap_memory(device, work, self.blocks, shift, True, nothing, linear.filled)
        self.trap = _charged_traps(linear)
        self.linear, self.answer = make_linear(net), make_answer(net)
        self.blocks.rhs[:] = 0.0
        for d in range(net.anode.size):
            count = set_columns(net, d, device, work, state, self.blocks.rhs, self.free[d])
            eliminate_blocks(device, self.blocks, d, count)
        # ions stay in number: each species' sum is kept at zero, with what the state itself holds as counterweight
        self.ions = []
        for row in device.motion:
            slot, m = int(row[dv.M_SLOT]), int(row[dv.M_LAYER])
            nodes = device.site_node[device.site_start[m] : device.site_start[m + 1]]
            weight = np.abs(own[nodes, slot])
            self.ions.append((slot, nodes, weight / weight.sum()))
        size = own.shape
        start = np.sqrt(np.abs(own)) * np.cos(np.arange(size[0]))[:, None]
        start[:, 1:3] += np.abs(own[:, 1:3])
        # equal columns have modes against each other, which a search from equal parts would never find
        for d in range(net.anode.size):
            start[device.nodes(d)] *= 1.0 + 0.3 * d
        start[:, 0] = 0.0
        self.start = self._clean(self._pack(start, np.zeros(len(self.trap.node)), np.ones(net.anode.size)))

    def _pack(self, contents: F64, trapped: F64, displacement: F64) -> F64:
        return np.concatenate((contents.ravel(), trapped, displacement))

    def _clean(self, z: F64) -> F64:
        contents = z[: self.own.size].reshape(self.own.shape)
        contents[~self.moving] = 0.0
        for slot, here, weight in self.ions:
            contents[here, slot] -= contents[here, slot].sum() * weight
        return z

    def __call__(self, given: F64) -> F64:
        z = self._clean(np.array(given, dtype=float).ravel())
        net, device, trap, F = self.net, self.device, self.trap, self.blocks.rhs
        junctions = net.anode.size
        contents = z[: self.own.size].reshape(self.own.shape)
        trapped, displaced = z[self.own.size : -junctions], z[-junctions:]
        F[:, :, 0] = np.where(self.moving, -contents, 0.0)
        late = trapped / (self.shift + trap.rate)
        np.add.at(F[:, 1, 0], trap.node, -trap.to_electrons * late)
        np.add.at(F[:, 2, 0], trap.node, trap.to_holes * late)
        np.add.at(F[:, 0, 0], trap.node, trap.charge * late)
        for d, edge in enumerate(self.edges):
            substitute_blocks(device, self.blocks, d, F, 1)
            self.linear.current[d] = -net.charge[d] * displaced[d]
            gather(
                net,
                d,
                device,
                self.work,
                self.state,
                F,
                self.blocks.slope[d],
                edge,
                self.free[d],
                self.linear,
            )
        close(net, self.linear, np.zeros(junctions), self.constraint, self.answer)
        for d in range(junctions):
            combine(net, d, device, F, self.free[d], self.answer)
        x = F[:, :, 0]
        after = np.where(self.moving, -(self.own * x + self.by_psi * x[:, :1]), 0.0)
        drive = trap.by_n * (x[:, 0] + x[:, 1])[trap.node] - trap.by_p * (x[:, 0] + x[:, 2])[trap.node]
        occupied = (trap.rate * drive + trapped) / (self.shift + trap.rate)
        over = [
            float((slope * x[edge : edge + 2]).sum())
            for slope, edge in zip(self.displacement, self.edges, strict=True)
        ]
        return self._clean(self._pack(after, occupied, np.array(over)))


@dataclass(frozen=True)
class _Traps:
    """Levels that hold charge, one entry a level and site; contents are occupied levels per area (m^-2).

    f' = rate (f0 - f); `by_n`, `by_p` are the slopes of f0 by ln n and ln p. What is trapped beyond f0 is taken up by
    the bands at `to_electrons`, `to_holes` (1/s). `charge` is what it counts in the first row of the node's equations:
    1 in Poisson's, the shift (1/s) in a metal's balance, 0 where the potential is held.
    """

    node: NDArray[np.int64]
    rate: F64
    by_n: F64
    by_p: F64
    to_electrons: F64
    to_holes: F64
    charge: F64


def _charged_traps(linear: Linearised) -> _Traps:
    """What `kernels.in_motion.trap_memory` eliminates, as variables of their own, from the densities in work."""
    device = linear.device
    rows: list[list[float]] = []
    for m in range(device.offset.size):
        sites = range(int(device.site_start[m]), int(device.site_start[m + 1]))
        for row in device.trap[int(device.trap_start[m]) : int(device.trap_start[m + 1])]:
            if row[dv.T_KIND] != 0.0 and row[dv.T_NT] != 0.0:
                levels = [(row[dv.T_N1], row[dv.T_P1])]
                captures = (row[dv.T_NT], row[dv.T_RN], row[dv.T_RP])
                rows += [_trap_row(linear, [s], levels, captures, device.volume[s]) for s in sites]
    for site, row in zip(device.face_trap_site, device.face_trap, strict=True):
        if row[dv.F_KIND] != 0.0 and row[dv.F_NT] != 0.0:
            levels = [(row[dv.F_N1L], row[dv.F_P1L]), (row[dv.F_N1R], row[dv.F_P1R])]
            captures = (row[dv.F_NT], row[dv.F_SN], row[dv.F_SP])
            rows.append(_trap_row(linear, [int(site), int(site) + 1], levels, captures, 1.0))
    table = np.array(rows, dtype=float).reshape(-1, 7).T
    node = table[0].astype(np.int64)
    return _Traps(node, *(np.ascontiguousarray(one) for one in table[1:]))


def _trap_row(
    linear: Linearised,
    sites: list[int],
    levels: list[tuple[float, float]],
    captures: tuple[float, float, float],
    volume: float,
) -> list[float]:
    """One entry of `_Traps`: a level that sees one site, or the two of a face.

    levels: n1 and p1 (m^-3) of thin carriers at each site; captures: density (m^-3, m^-2), rates by electrons and holes
    at that density.
    """
    w, (density, rn, rp) = linear.work, captures
    n, p, n1, p1, n_eta, p_eta, n1_eta, p1_eta = np.zeros(8)
    for s, (thin_n1, thin_p1) in zip(sites, levels, strict=True):
        electrons, holes = thin_n1 * np.exp(w.lgn[s]), thin_p1 * np.exp(w.lgp[s])
        n, p, n1, p1 = n + w.n[s], p + w.p[s], n1 + electrons, p1 + holes
        n_eta, p_eta = n_eta + w.n[s] * w.gn[s], p_eta + w.p[s] * w.gp[s]
        # n1 and p1 follow the activity coefficient
        n1_eta, p1_eta = n1_eta + electrons * (w.gn[s] - 1.0), p1_eta + holes * (w.gp[s] - 1.0)
    den = rn * (n + n1) + rp * (p + p1)
    filled = (rn * n + rp * p1) / den
    by_n = (rn * n_eta - filled * rn * (n_eta + n1_eta)) / den
    by_p = (rp * p1_eta - filled * rp * (p_eta + p1_eta)) / den
    device = linear.device
    node = int(device.site_node[sites[0]])
    held = node in device.node_start or node + 1 in device.node_start
    free_n, free_p = w.leak[node, 0] != np.inf, w.leak[node, 1] != np.inf
    return [
        node,
        den / density,
        volume * density * by_n,
        volume * density * by_p,
        free_n * rn * (n + n1) / density,
        free_p * rp * (p + p1) / density,
        not held,
    ]
