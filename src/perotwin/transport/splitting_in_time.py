"""The radiative limit while things change: what absorbers emit against light, current and what they had stored.

Over each time step a junction emits at most what was generated in it and injected into it, and what it had stored
itself: carriers that recombine out of its bands and off its levels. With J0 its net emission at equilibrium and D the
splitting of the quasi-Fermi levels (see `radiative_limit`), kT ln(sum R0 exp(D) / sum R0) is at most
kT ln((Jgen + Jinj + Jstored) / J0 + 1). The sums are those of the step's own differences, in which particles are
conserved to rounding. Densities are computed again from stored potentials, apart from the solver.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.measurement.checks import Checks, check
from perotwin.transport import device as dv
from perotwin.transport.device import State, Stored
from perotwin.transport.junction import Junction
from perotwin.transport.profiles import log_activity
from perotwin.transport.radiative_limit import LIMIT, emitted

__all__ = ["SplittingInTime", "splitting_checks"]

F64 = NDArray[np.float64]

#: rounding of a density from the numbers in its exponent, and of what a step of time was solved to, as parts
_ROUNDING, _SOLVED = 16.0 * np.finfo(float).eps, 1e-7


class SplittingInTime:
    """How far the splitting that a junction emits by lies above what it may be, at moments in time.

    Args:
        junction: whose device holds all ions as moving ones.
    """

    def __init__(self, junction: Junction) -> None:
        device = junction.device
        self._device, self._node, self._vt = device, junction.site_node, junction.vt
        self._table = device.layer[junction.site_layer]
        self._degenerate = self._table[:, dv.DEGENERATE] != 0.0
        weight = emitted(junction) * device.volume
        ends = (0, *(site + 1 for site in junction.between), weight.size)
        #: sites, R0 times their width over its sum, and net emission at equilibrium (A m^-2) of each emitting junction
        self._emitters = [
            (slice(first, last), weight[first:last] / total, Q * total)
            for first, last in pairwise(ends)
            if (total := float(weight[first:last].sum())) > 0.0
        ]
        # what a level holds per area of each site; faces stand for themselves
        self._levels = np.zeros((device.trap.shape[0], device.volume.size))
        for m in range(device.offset.size):
            here = slice(int(device.site_start[m]), int(device.site_start[m + 1]))
            for t in range(int(device.trap_start[m]), int(device.trap_start[m + 1])):
                self._levels[t, here] = device.trap[t, dv.T_NT] * device.volume[here]

    def excess(
        self,
        moment: State,
        rate: float,
        past: Stored,
        held: tuple[F64, F64],
        made: F64,
        current: float,
    ) -> float:
        """How far (V) the splitting lies above its limit at most, in any of the junction's emitters; -inf without one.

        Args:
            moment: the junction at the end of a time step.
            rate, past: the step's time derivatives, rate * stored - past of each density, potential and occupation.
            held: (T, S), (TF,) occupation of its levels.
            made: (S,) pairs that all light makes in each site, m^-2 s^-1.
            current: of the junction less its shunt's, A m^-2, positive = power out.
        """
        if not self._emitters:
            return -np.inf
        node, v = self._node, float(moment.v[0])
        up = moment.fn[node] + moment.fn_rest[node]
        down = moment.fp[node] + moment.fp_rest[node]
        split = up - down + v
        supplied = Q * float(made.sum()) + max(-current, 0.0)
        over = self._over(split, supplied)
        # what light and current alone can make needs no look at what was stored
        if over <= 0.0:
            return self._vt * over
        return self._vt * self._over(split, supplied + Q * self._released(moment, up, down, rate, past, held))

    def _over(self, split: F64, supplied: float) -> float:
        """How far (kT) the splitting (S,) lies above what a supply (A m^-2) can make, the largest of the junctions."""
        found = []
        for here, weight, j0 in self._emitters:
            top = float(split[here].max())
            weighted = top + float(np.log(np.exp(split[here] - top) @ weight))
            found.append(weighted - float(np.log1p(supplied / j0)))
        return float(np.max(found))

    def _released(
        self, moment: State, up: F64, down: F64, rate: float, past: Stored, held: tuple[F64, F64]
    ) -> float:
        """Pairs (m^-2 s^-1) that come at most from what bands and levels lose in the step, with the displacement at the
        contacts and rounding; `up`, `down` (S,): levels of electrons and holes, kT.
        """
        device, node, table = self._device, self._node, self._table
        psi, v = moment.psi[node], float(moment.v[0])
        eta_n, eta_p = psi + up - table[:, dv.EC], table[:, dv.EV] - psi - (down - v)
        n = np.exp(eta_n + table[:, dv.LN_NC] + log_activity(eta_n, self._degenerate))
        p = np.exp(eta_p + table[:, dv.LN_NV] + log_activity(eta_p, self._degenerate))
        kept = [float(device.volume @ one) for one in (n, p)]
        gained = [float(device.volume @ (rate * one - before)) for one, before in ((n, past.n), (p, past.p))]
        # pairs need both: the carrier that more is left of decides what stored ones can make
        released = max(-gained[0], -gained[1], 0.0)
        released += float(np.abs((rate * held[0] - past.bulk) * self._levels).sum())
        released += float(np.abs((rate * held[1] - past.face) * device.face_trap[:, dv.F_NT]).sum())
        edges = np.array([0, node[-1] - 1])
        field = rate * (moment.psi[edges + 1] - moment.psi[edges]) - (past.psi[edges + 1] - past.psi[edges])
        sides = np.array([0, device.volume.size - 1])
        steep = table[sides, dv.EPS] / device.spacing[[0, device.volume.size - 2]]
        displaced = float(np.abs(steep * field).max())
        size = float(np.abs(psi).max())
        noise = rate * min(kept) * (_SOLVED + _ROUNDING * (size + float(np.abs(table[:, dv.EC]).max())))
        noise += _ROUNDING * rate * size * float(steep.max())
        return released + displaced + noise


def splitting_checks(splitting: F64) -> Checks:
    """The check of `Trace.splitting` (T,), V; none where no absorber follows detailed balance."""
    if not splitting.size or np.all(splitting == -np.inf):
        return {}
    # max() would pass over what is not a number
    over = float(np.max(np.append(splitting, 0.0)))
    return {"splitting that emits above the limit of its light, in time (V)": check(over, LIMIT)}
