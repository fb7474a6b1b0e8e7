"""A lit sample without contacts: all that is generated recombines in it, and no current is drawn.

Its equations are those of a cell but for the ends (`kernels.contacts`): nothing passes there and no metal holds the
potential. Both quasi-Fermi levels are nearly flat, so that their splitting is found first from the balance of the whole
sample, generation against recombination, and the full equations begin from there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.measurement.checks import Check, check
from perotwin.transport import device as dv
from perotwin.transport.junction import Junction
from perotwin.transport.kernels.equilibrium import equilibrium
from perotwin.transport.kernels.observe import rates
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import densities, steady_ions
from perotwin.transport.profiles import Profiles
from perotwin.transport.states import JunctionStates
from perotwin.transport.system import System

__all__ = ["balance_check", "field_check", "flat_levels", "rounding"]

F64 = NDArray[np.float64]

#: allowed part of the generation that does not recombine
BALANCE_LIMIT = 1e-8
#: V over the sample that the field which leaves it may come to
FIELD_LIMIT = 1e-6
#: Poisson's equation: iterations, longest step in kT
_ITERATIONS, _LONGEST = 400, 5.0
#: kT to which the splitting is found, and by which the search for it begins to rise
_CLOSE, _RISE = 1e-3, 20.0
#: rounding of a sum of charges that cancel, as a part of their sizes
_SUMMED = 4e-15
_ROUNDING = 16.0 * np.finfo(float).eps


def flat_levels(system: System, dark: F64, generation: F64, held: F64) -> F64 | None:
    """A state of flat quasi-Fermi levels in which as much recombines as is generated; None where there is none.

    Args:
        system: of a sample without contacts. dark: the row of its equilibrium.
        generation, held: (S,) pairs per area and time (m^-2 s^-1), charge of ions that do not move (m^-3, in q).
    """
    wanted = float(generation.sum())
    device, work = system.device, system.work
    channel = np.empty(device.channels)

    def at(split: float, start: F64) -> tuple[float, F64] | None:
        """How much more recombines than is generated, as a logarithm, and the row."""
        row = start.copy()
        state = state_in(device, row)
        # the level that is held as the zero of energy stays
        if device.contact[:, dv.C_BARE].min() == 0.0:
            # each carrier is at the level of the contact that takes it
            state.v[:] = split
        elif device.contact[:, dv.C_SN].min() < 0.0:
            state.fp[:] = -split
        else:
            state.fn[:] = split
        if equilibrium(device, work, row, held, _ITERATIONS, _LONGEST) < 0:
            return None
        rates(device, work, state, channel)
        lost = float(channel.sum())
        return (float(np.log(lost / wanted)), row) if lost > 0.0 and np.isfinite(lost) else None

    low, high, row, step = 0.0, np.inf, dark, _RISE
    for _ in range(200):
        split = low + step if np.isinf(high) else 0.5 * (low + high)
        found = at(split, row)
        if found is None:
            # Poisson's equation was asked too much at once
            step *= 0.5
            if step < _CLOSE:
                return None
            continue
        more, row = found
        if more < 0.0:
            low = split
        else:
            high = split
        if high - low < _CLOSE:
            return row
    return None


def rounding(system: System, row: F64, held: F64) -> float:
    """To what (kT) the potential of a sample can be told from its charges, which all but cancel: their rounding over
    how they follow it.

    Args:
        system: of a sample without contacts. row: its state. held: (S,) charge of ions that do not move, m^-3 in q.
    """
    device, work = system.device, system.work
    state = state_in(device, row)
    densities(device, work, state)
    steady_ions(device, work, state)
    charges = np.abs(device.fixed_charge) + np.abs(held)
    charges += (np.abs(device.ion[:, dv.I_Z])[:, None] * work.ion[: device.ion.shape[0]]).sum(axis=0)
    follow = float(device.volume @ (work.n + work.p))
    return _SUMMED * float(device.volume @ charges) / follow if follow > 0.0 else 0.0


def balance_check(states: JunctionStates, fields: Profiles, faces: F64) -> Check:
    """Generation less recombination of the whole sample, both ends included, over the generation.

    Args:
        states, fields: of the sample, and its profiles. faces: (K,) what is lost at faces, m^-2 s^-1.
    """
    width = states.junction.device.volume
    made = np.broadcast_to(fields.generation, fields.recombination.shape) * width
    lost = fields.recombination * width
    missing = np.abs(made.sum(axis=1) - lost.sum(axis=1) - faces)
    noise = _ROUNDING * (made.sum(axis=1) + np.abs(lost).sum(axis=1) + np.abs(faces))
    scale = BALANCE_LIMIT * np.maximum(made.sum(axis=1), 1e-300) + noise
    return check(_largest(states, missing / scale) * BALANCE_LIMIT, BALANCE_LIMIT)


def field_check(states: JunctionStates, fields: Profiles, charge: F64) -> Check:
    """The voltage (V) that the field beyond both ends would come to over the sample: none, for its charges add up to
    nothing and no metal is there. What rounding of the charges makes of it is allowed.

    Args:
        states, fields: of the sample, and its profiles. charge: (K, N) of each node, m^-2 in q.
    """
    junction: Junction = states.junction
    device = junction.device
    first, last = fields.layer[0], fields.layer[-1]
    eps = device.layer[[first, last], dv.EPS] / junction.vt
    outside = np.stack(
        [
            eps[0] * fields.electric_field[:, 0] - charge[:, 0],
            eps[1] * fields.electric_field[:, -1] + charge[:, -1],
        ],
        axis=1,
    )
    carriers = (
        fields.electron_density + fields.hole_density + fields.ion_density + np.abs(device.fixed_charge)
    )
    steep = device.layer[[first, last], dv.EPS] / device.spacing[[0, -2]]
    noise = _ROUNDING * (
        (carriers * device.volume).sum(axis=1)[:, None] + steep * np.abs(states.psi).max(axis=1)[:, None]
    )
    beyond = np.maximum(np.abs(outside) - noise, 0.0)
    # over the capacitance of the whole sample
    volts = Q * beyond / junction.geometric_capacitance
    return check(_largest(states, volts), FIELD_LIMIT)


def _largest(states: JunctionStates, values: F64) -> float:
    """The largest entry of converged points; NaN if one is not a number."""
    return float(np.max(values[states.converged], initial=0.0))
