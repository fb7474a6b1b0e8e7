"""Open circuit of a settled cell, which many instruments begin from: of any voltage and sign, in any light."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import ConvergenceError

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import State, States
    from perotwin.transport.steady import Solver

__all__ = ["STEP", "TOLD", "Settled", "is_told", "left_open", "of_cell", "of_curve", "settled"]

#: V, of the curve that is followed towards open circuit
STEP = "20 mV"
#: V, the most that rounding may move an open circuit that is told
TOLD = 1e-4
#: V, what is no rounding of any account, and how far aside other searches begin
_QUIET, _ASIDE = 1e-6, 5e-3


def settled(solver: Solver, intensity: float) -> States:
    """The state at which a lit cell carries no current.

    Args:
        solver: of the cell. intensity: suns, above zero.

    Raises:
        ConvergenceError: it was not found.
    """
    from perotwin.lab import jv

    if solver.problem.isolated:
        # its only state
        return solver.open_circuit(solver.short_circuit(intensity), intensity)
    try:
        curve = jv.curve(solver, jv.Protocol(step=STEP), intensity)
    except ConvergenceError as error:
        raise _not_found(solver, intensity) from error
    return of_curve(solver, curve, intensity)


def of_curve(solver: Solver, curve: States, intensity: float) -> States:
    """The same from a curve of the cell in that light that begins at 0 V.

    Where the curve changes its sign, open circuit is near; it may do so within its first step (a shunt, dim light), or
    below 0 V, where the contacts are the wrong way round for the light.

    Raises:
        ConvergenceError: it was not found, or rounding decides where it is.
    """
    flat = False
    for state in _near(solver, curve, intensity):
        try:
            found = solver.open_circuit(state, intensity)
        except ConvergenceError:
            continue
        if found.converged[0] and np.isfinite(found.voltage[0]):
            if solver.problem.isolated or is_told(solver, found, intensity):
                return found
            flat = True
    if flat:
        raise ConvergenceError(
            f'rounding decides where open circuit of "{solver.problem.stack.name}" under {intensity:g} sun is: its '
            f"curve is so flat there that searches from either side end more than {1e3 * TOLD:g} mV apart.",
            "Look at perotwin bands for what nothing passes, or choose a voltage.",
            stage="open circuit",
        )
    raise _not_found(solver, intensity)


def left_open(solver: Solver, found: States, intensity: float) -> float:
    """V, by how much rounding moves an open circuit: where next to nothing passes a cell over volts, searches that
    begin on either side end elsewhere.

    What is left of the current there tells it only where that is little by the slope: held at no current, a cell is
    often solved to more digits than its current has at a held voltage.
    """
    slope, left = abs(solver.slope(found.state(0), intensity)), abs(float(found.current[0]))
    if left <= _QUIET * slope:
        return left / slope if left > 0.0 else 0.0
    ends = [float(found.voltage[0])]
    for aside in (-_ASIDE, _ASIDE):
        beside = solver.sweep([ends[0] + aside], intensity, found.state(0))
        with suppress(ConvergenceError):
            ends.append(float(solver.open_circuit(beside.state(0), intensity).voltage[0]))
    return max(ends) - min(ends) if len(ends) > 1 else np.inf


def is_told(solver: Solver, found: States, intensity: float) -> bool:
    """Whether an open circuit is a figure of the cell, and not of rounding."""
    return left_open(solver, found, intensity) <= TOLD


@dataclass(frozen=True)
class Settled:
    """What a cell is when all in it has settled, for instruments that begin elsewhere.

    Attributes:
        curve: steady, in some light. end: V, of open circuit; in the dark, and where that is not found, of the curve.
        checks: of open circuit. of_mesh: how far it is off by the mesh, where it is not found the first current of the
            curve. notes: of the cell, and of its open circuit.
        finer: finds meshes that are finer where that error comes from, if there are any (`lab.meshes.Attempt`).
    """

    curve: States
    end: float
    checks: Checks
    of_mesh: Checks
    notes: tuple[str, ...]
    finer: Callable[[float], Like | None] = lambda _: None


def of_cell(solver: Solver, intensity: float) -> Settled:
    """The settled cell in a light (suns), dark included.

    Raises:
        ConvergenceError: not even the curve's first state was reached.
    """
    from perotwin.lab import conditions, jv
    from perotwin.lab.meshes import at_bias, finer_at_bias
    from perotwin.transport.checks import steady_checks

    curve = jv.curve(solver, jv.Protocol(step=STEP), intensity)
    good = np.flatnonzero(curve.converged)
    end = float(curve.voltage[good[-1]]) if good.size else solver.problem.highest_voltage
    plain = Settled(curve, end, {}, {}, tuple(solver.problem.notes))
    if intensity == 0.0:
        return plain
    try:
        point = of_curve(solver, curve, intensity)
    except ConvergenceError:
        # what is measured begins elsewhere: only its range hangs on it, and its mesh is judged by a current
        if not good.size:
            return plain
        at = solver, curve.pick([good[0]]), "first voltage", intensity
        return replace(plain, of_mesh=at_bias(*at), finer=partial(finer_at_bias, *at))
    found = {f"settled at open circuit: {name}": row for name, row in steady_checks(point).items()}
    there = solver, point, "open-circuit", intensity
    notes = tuple(conditions.notes(point))
    return Settled(
        curve, float(point.voltage[0]), found, at_bias(*there), notes, partial(finer_at_bias, *there)
    )


def _near(solver: Solver, curve: States, intensity: float) -> list[State]:
    """States to look from, the nearest first."""
    good = np.flatnonzero(curve.converged)
    good = good[np.argsort(curve.voltage[good], kind="stable")]
    current = curve.current[good]
    crossing = np.flatnonzero((current[:-1] > 0.0) & (current[1:] <= 0.0))
    order = [int(first) + more for first in crossing[:1] for more in (1, 0)]
    if good.size:
        order.append(int(np.argmin(np.abs(current))))
    found = [curve.state(int(good[i])) for i in dict.fromkeys(order)]
    with suppress(ConvergenceError):
        # the others remain; where there are none, there is no open circuit to be found
        found.append(solver.short_circuit(intensity))
    return found


def _not_found(solver: Solver, intensity: float) -> ConvergenceError:
    return ConvergenceError(
        f'open circuit of "{solver.problem.stack.name}" under {intensity:g} sun was not found.',
        "Look at perotwin jv under the same light.",
        stage="open circuit",
    )
