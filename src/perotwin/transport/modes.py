"""The modes that decay by themselves: eigenvalues of the linearised equations, and how much the terminals see of them.

The stacks of a cell are coupled by its terminals alone, so that the eigenvalues of several side by side need no more
than each one's own equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import ConvergenceError
from perotwin.transport import device as dv
from perotwin.transport import kernels as k
from perotwin.transport.device import make_blocks

if TYPE_CHECKING:
    from perotwin.transport.small_signal import Linearised

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

Control = Literal["open-circuit", "voltage"]


class Modes:
    """What any linearised cell can say about its modes, from its resolvent and its impedance at complex rates."""

    @property
    def words(self) -> str:
        """The cell and its state, for messages."""
        raise NotImplementedError

    def resolvent(self, control: Control) -> Resolvent:
        """(s - L)^-1 with the terminals open or at a held voltage."""
        raise NotImplementedError

    def impedance_at(self, rate: C128) -> C128:
        """(W,) impedance without series resistance, ohm m^2, of signals exp(rate t); (W,) 1/s."""
        raise NotImplementedError

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
            values = eigs(operator, k=count, which="LM", v0=resolvent.start, return_eigenvectors=False)
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
        """Rate (1/s, real part) of the slowest mode of open circuit that carries `share` of the impedance; NaN if the
        48 slowest ones carry less each.
        """
        for count in (1, 4, 16, 48):
            rates = self.rates(count)
            seen = np.flatnonzero(self.shares(rates) >= share)
            if seen.size:
                return float(rates[seen[0]].real)
        return float("nan")


class Resolvent:
    """(s - L)^-1 on the contents of a cell, whose stacks share a terminal voltage; its eigenvalues are 1 / (s - rate).

    Args:
        stacks: area (a fraction) and linearised equations of each stack.
        control: what holds the terminals.
        shift: s, 1/s.
    """

    def __init__(self, stacks: Sequence[tuple[float, Linearised]], control: Control, shift: float) -> None:
        self.open, self.shift = control == "open-circuit", shift
        self.areas = [area for area, _ in stacks]
        self.stacks = [_Contents(linear, shift) for _, linear in stacks]
        self.start = np.concatenate([one.start for one in self.stacks])
        self._ends = np.cumsum([one.start.size for one in self.stacks])[:-1]

    def __call__(self, z: F64) -> F64:
        given = np.split(np.array(z, dtype=float).ravel(), self._ends)
        free = [one.free(part) for one, part in zip(self.stacks, given, strict=True)]
        made = [
            one.settled(part, x, v)
            for one, part, (x, v) in zip(self.stacks, given, self._joined(free), strict=True)
        ]
        return np.concatenate(made)

    def _joined(self, free: list[tuple[F64, float]]) -> list[tuple[F64, float]]:
        """What each stack is given by the others.

        Args:
            free: variables (N, B) and flux (m^-2 s^-1) of each at a held junction voltage.

        Returns:
            The variables and the change of the junction's voltage (kT/q) of each.
        """
        # with V = a v + b J at each junction, its terminal current is fixed + slope * V
        terminal = [one.terminal(flux) for one, (_, flux) in zip(self.stacks, free, strict=True)]
        voltage = 0.0
        if self.open:
            fixed = sum(area * end[0] for area, end in zip(self.areas, terminal, strict=True))
            slope = sum(area * end[1] for area, end in zip(self.areas, terminal, strict=True))
            voltage = -fixed / slope
        return [(x, one.junction(flux, voltage)) for one, (x, flux) in zip(self.stacks, free, strict=True)]


class SeriesResolvent(Resolvent):
    """(s - L)^-1 on the contents of two junctions that carry one current, light of the first into the second included.

    Args:
        junctions: linearised equations of each.
        control: what holds the terminals.
        shift: s, 1/s.
        resistance: in series with both, ohm m^2.
        emitter: index of the first junction's layer whose light the second takes up.
        profile: (S,) pairs that it makes there per net radiative event.
    """

    def __init__(
        self,
        junctions: tuple[Linearised, Linearised],
        control: Control,
        shift: float,
        resistance: float,
        emitter: int,
        profile: F64,
    ) -> None:
        super().__init__([(1.0, one) for one in junctions], control, shift)
        top, bottom = self.stacks
        self.resistance, self.vt = resistance, junctions[0].problem.vt
        self.emitter = emitter
        self.lit = bool(np.any(profile))
        # what follows from one net radiative event per area and time
        self.by_light = bottom.source(profile)
        self.flux_by_light = bottom._over(bottom.slope, self.by_light)
        self.light_by_v = self._light(junctions[0], top.by_v)
        self._top = junctions[0]

    def _light(self, top: Linearised, x: F64) -> float:
        """Change of the emitter's net radiative rate (m^-2 s^-1) with the variables (N, B), levels absolute."""
        if not self.lit:
            return 0.0
        found, radiated = np.zeros(1), cast(Any, k._radiated)
        state = top.state
        columns = np.ascontiguousarray(x[:, :, None])
        radiated(
            top.device, top.work, self.emitter, state.fn, state.fp, float(state.v[0]), columns, found
        )  # fmt: skip
        return float(found[0])

    def _joined(self, free: list[tuple[F64, float]]) -> list[tuple[F64, float]]:
        top, bottom = self.stacks
        (x_top, flux_top), (x_bottom, flux_bottom) = free
        light = self._light(self._top, x_top)
        # currents at held junction voltages, and by these (kT/q); the light of the first follows its voltage
        first = top.sign * flux_top
        second = bottom.sign * (flux_bottom + self.flux_by_light * light)
        by_first, by_second = top.per_v - top.leak, bottom.per_v - bottom.leak
        across = bottom.sign * self.flux_by_light * self.light_by_v
        if self.open:
            v_top = -first / by_first
            v_bottom = -(second + across * v_top) / by_second
        else:
            changes = cast(Any, k._series_changes)
            v_top, v_bottom = changes(
                by_first, by_second, across, second - first, self.vt, -self.resistance, self.resistance * first
            )  # fmt: skip
        light += self.light_by_v * v_top
        return [(x_top, v_top), (x_bottom + self.by_light * light, v_bottom)]


class _Contents:
    """The resolvent of one stack: of particles of each kind and node, trapped charge, displacement (m^-2).

    With contents instead of potentials as variables the time derivative's matrix is the unit matrix, and what the
    iteration sees is as large as what can decay.
    """

    def __init__(self, linear: Linearised, shift: float) -> None:
        device, motion, state, work = linear.device, linear.motion, linear.state, linear.work
        self.nodes, self.size, self.shift = device.x.size, linear._size, shift
        species = motion.shape[0]
        v = float(state.v[0])
        self.site_node = linear.problem.site_node
        none = np.zeros(device.volume.size)
        no_ions = np.zeros((species, none.size))
        imaginary = make_blocks(device, self.size, species, 2, complex)
        self.blocks = make_blocks(device, self.size, species, 2)
        charge = linear.held.copy()
        for blocks in (imaginary, self.blocks):
            k.moving_ions(device, blocks, motion, state.psi, linear.level)
        k.ion_charge_of(self.blocks, motion, charge)
        k.assemble(device, work, state.psi, state.fn, state.fp, v, linear.light, charge, np.zeros(0))
        # what multiplies the rate is the imaginary part at rate i: exact
        k.load_blocks(device, work, imaginary, motion, state.psi, linear.level, 1j, none, none, no_ions, True)
        self.edge = k._quiet_edge(device, work)
        slope = np.zeros((2, self.size), dtype=complex)
        k.block_current(
            device, work, imaginary, motion, self.edge, 1j, state.psi, np.zeros(self.nodes), slope
        )
        self.slope, self.displacement = slope.real + self.shift * slope.imag, slope.imag
        own = -imaginary.leak.imag
        own[:, 2] *= -1.0
        self.own, self.by_psi = own, imaginary.diag.imag[:, :, 0].copy()
        self.moving = np.isfinite(imaginary.leak.real)
        self.moving[:, 0] = False
        k.load_blocks(
            device, work, self.blocks, motion, state.psi, linear.level, self.shift, none, none, no_ions, True
        )
        traps, faces = np.zeros((device.trap.shape[0], none.size)), np.zeros(device.face_trap_site.size)
        k.trap_memory(device, work, self.blocks, self.shift, True, traps, faces, traps, faces)
        self.trap = _charged_traps(linear)
        self.blocks.rhs[:] = 0.0
        k._bias_column(device, work, state.fn, state.fp, v, self.blocks.rhs, 0)
        k.eliminate_blocks(self.blocks, self.nodes, 1)
        self.by_v = self.blocks.rhs[:, :, 0].copy()
        # the circuit: V = a v + b J and a shunt, with v in kT/q and J from the flux
        self.sign, self.leak = linear._sign, linear.problem.vt * linear._leak
        self.a, self.b = linear.problem.vt * (1.0 + linear._series * linear._leak), -linear._series
        self.per_v = self.sign * self._over(self.slope, self.by_v)
        # ions stay in number: each species' sum is kept at zero, with what the state itself holds as counterweight
        self.ions = []
        for row in motion:
            slot, weight = int(row[dv.M_SLOT]), np.zeros(self.nodes)
            weight[:] = np.abs(own[:, slot])
            first = int(device.site_start[int(row[dv.M_LAYER])] - device.offset[int(row[dv.M_LAYER])])
            last = int(device.site_start[int(row[dv.M_LAYER]) + 1] - device.offset[int(row[dv.M_LAYER])])
            self.ions.append((slot, slice(first, last), weight[first:last] / weight[first:last].sum()))
        start = np.zeros((self.nodes, self.size))
        start[:, 1:] = np.sqrt(np.abs(own[:, 1:])) * np.cos(np.arange(self.nodes))[:, None]
        start[:, 1] += np.abs(own[:, 1])
        start[:, 2] += np.abs(own[:, 2])
        self.start = self._clean(self._pack(start, np.zeros(len(self.trap.node)), 1.0))

    def _pack(self, contents: F64, trapped: F64, displacement: float) -> F64:
        return np.concatenate((contents.ravel(), trapped, [displacement]))

    def _over(self, slope: F64, x: F64) -> float:
        return float((slope * x[self.edge : self.edge + 2]).sum())

    def _clean(self, z: F64) -> F64:
        contents = z[: self.nodes * self.size].reshape(self.nodes, self.size)
        contents[~self.moving] = 0.0
        for slot, here, weight in self.ions:
            contents[here, slot] -= contents[here, slot].sum() * weight
        return z

    def free(self, z: F64) -> tuple[F64, float]:
        """What follows from contents at a held junction voltage: the variables (N, B) and the flux, m^-2 s^-1."""
        self._clean(z)
        inner = self.nodes * self.size
        contents, trapped = z[:inner].reshape(self.nodes, self.size), z[inner:-1]
        F, trap = self.blocks.rhs, self.trap
        F[:] = 0.0
        F[:, :, 0] = np.where(self.moving, -contents, 0.0)
        late = trapped / (self.shift + trap.rate)
        np.add.at(F[:, 1, 0], trap.node, -trap.to_electrons * late)
        np.add.at(F[:, 2, 0], trap.node, trap.to_holes * late)
        np.add.at(F[:, 0, 0], trap.node, trap.charge * late)
        k.substitute_blocks(self.blocks, F, self.nodes, 1)
        x = F[:, :, 0].copy()
        return x, self._over(self.slope, x) - float(z[-1])

    def source(self, profile: F64) -> F64:
        """(N, B) what follows from extra pairs in each site (S,), m^-2 s^-1, at a held junction voltage."""
        F = self.blocks.rhs
        F[:] = 0.0
        for row in (1, 2):
            np.add.at(F[:, row, 0], self.site_node, -profile)
            F[~self.moving[:, row], row, 0] = 0.0
        k.substitute_blocks(self.blocks, F, self.nodes, 1)
        return F[:, :, 0].copy()

    def junction(self, flux: float, voltage: float) -> float:
        """The junction's voltage (kT/q) where the terminals are at `voltage` (V)."""
        return (voltage - self.b * self.sign * flux) / (self.a + self.b * self.per_v)

    def terminal(self, flux: float) -> tuple[float, float]:
        """Current at a terminal voltage of zero (A m^-2) and its slope by that voltage."""
        at_zero = self.junction(flux, 0.0)
        slope = 1.0 / (self.a + self.b * self.per_v)
        return self.sign * flux + (self.per_v - self.leak) * at_zero, (self.per_v - self.leak) * slope

    def settled(self, z: F64, x: F64, v: float) -> F64:
        """The contents that remain, from the variables at a held junction voltage and that voltage's change."""
        inner, trap = self.nodes * self.size, self.trap
        trapped = z[inner:-1]
        x = x + self.by_v * v
        psi = x[:, :1]
        after = np.where(self.moving, -(self.own * x + self.by_psi * psi), 0.0)
        drive = trap.by_n * (x[:, 0] + x[:, 1])[trap.node] - trap.by_p * (x[:, 0] + x[:, 2])[trap.node]
        occupied = (trap.rate * drive + trapped) / (self.shift + trap.rate)
        return self._clean(self._pack(after, occupied, self._over(self.displacement, x)))


@dataclass(frozen=True)
class _Traps:
    """Levels that hold charge, one entry a level and site; contents are occupied levels per area (m^-2).

    f' = rate (f0 - f); `by_n`, `by_p` are the slopes of f0 by ln n and ln p. What is trapped beyond f0 is taken up by
    the bands at `to_electrons`, `to_holes` (1/s). `charge` is 1 where the node's potential is free.
    """

    node: NDArray[np.int64]
    rate: F64
    by_n: F64
    by_p: F64
    to_electrons: F64
    to_holes: F64
    charge: F64


def _charged_traps(linear: Linearised) -> _Traps:
    """What `kernels.trap_memory` eliminates, as variables of their own, from the densities in `linear.work`."""
    device = linear.device
    rows: list[list[float]] = []
    for m in range(device.offset.size):
        sites = range(int(device.site_start[m]), int(device.site_start[m + 1]))
        for row in device.trap[int(device.trap_start[m]) : int(device.trap_start[m + 1])]:
            if row[dv.T_KIND] != 0.0 and row[dv.T_NT] != 0.0:
                levels = [(row[dv.T_LN_N1], row[dv.T_LN_P1])]
                captures = (row[dv.T_NT], row[dv.T_RN], row[dv.T_RP])
                rows += [_trap_row(linear, [s], levels, captures, device.volume[s]) for s in sites]
    for site, row in zip(device.face_trap_site, device.face_trap, strict=True):
        if row[dv.F_KIND] != 0.0 and row[dv.F_NT] != 0.0:
            levels = [(row[dv.F_LN_N1L], row[dv.F_LN_P1L]), (row[dv.F_LN_N1R], row[dv.F_LN_P1R])]
            captures = (row[dv.F_NT], row[dv.F_SN], row[dv.F_SP])
            rows.append(_trap_row(linear, [int(site), int(site) + 1], levels, captures, 1.0))
    table = np.array(rows, dtype=float).reshape(-1, 7).T
    return _Traps(table[0].astype(np.int64), *(np.ascontiguousarray(one) for one in table[1:]))


def _trap_row(
    linear: Linearised,
    sites: list[int],
    levels: list[tuple[float, float]],
    captures: tuple[float, float, float],
    volume: float,
) -> list[float]:
    """One entry of `_Traps`: a level that sees one site, or the two of a face.

    levels: ln n1 and ln p1 at each site; captures: density (m^-3, m^-2), rates by electrons and holes at that density.
    """
    w, (density, rn, rp) = linear.work, captures
    n, p, n1, p1, n_eta, p_eta, n1_eta, p1_eta = np.zeros(8)
    for s, (ln_n1, ln_p1) in zip(sites, levels, strict=True):
        electrons, holes = np.exp(ln_n1 + w.lgn[s]), np.exp(ln_p1 + w.lgp[s])
        n, p, n1, p1 = n + w.n[s], p + w.p[s], n1 + electrons, p1 + holes
        n_eta, p_eta = n_eta + w.n[s] * w.gn[s], p_eta + w.p[s] * w.gp[s]
        # n1 and p1 follow the activity coefficient
        n1_eta, p1_eta = n1_eta + electrons * (w.gn[s] - 1.0), p1_eta + holes * (w.gp[s] - 1.0)
    den = rn * (n + n1) + rp * (p + p1)
    filled = (rn * n + rp * p1) / den
    by_n = (rn * n_eta - filled * rn * (n_eta + n1_eta)) / den
    by_p = (rp * p1_eta - filled * rp * (p_eta + p1_eta)) / den
    node = int(linear.problem.site_node[sites[0]])
    free_n, free_p = w.leak[node, 0] != np.inf, w.leak[node, 1] != np.inf
    return [
        node,
        den / density,
        volume * density * by_n,
        volume * density * by_p,
        free_n * rn * (n + n1) / density,
        free_p * rp * (p + p1) / density,
        0 < node < w.net.size - 1,
    ]
