"""How the numbers of the equations follow a field that light and mesh do not see, without making the cell again.

Mobilities, permittivities, lifetimes, velocities and resistances enter as powers, so that their derivative is the
number itself over the field. Of other fields of layers, faces and contacts the rows of the equations are differenced
alone, by the five-point rule. Of what remains (thicknesses, optical fields, areas, what would let held ions settle
elsewhere) nothing is told.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.stack import Parallel, Stack, Tandem, Traps
from perotwin.stack import paths as field_paths
from perotwin.stack.face_areas import uneven
from perotwin.stack.parts import Faces
from perotwin.transport import device as dv
from perotwin.transport.equations import Equations, Touched, equations_of, rows_of
from perotwin.transport.kernels.numbers import numbers_at, width_of
from perotwin.transport.mobile_ions import motion_of
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.transport.device import Device
    from perotwin.transport.kernels.circuit import Net
    from perotwin.transport.kernels.numbers import Numbers
    from perotwin.transport.problem import Problem

__all__ = ["CENTRAL", "direction"]

F64 = NDArray[np.float64]

#: weights of f(-2h), f(-h), f(0), f(h), f(2h)
CENTRAL = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
#: fields that enter a row as a power: which rows, the column, the power
_POWERS = {
    ("electronic", "electron_mobility"): ("layer", dv.MU_N, 1.0),
    ("electronic", "hole_mobility"): ("layer", dv.MU_P, 1.0),
    ("electronic", "permittivity"): ("layer", dv.EPS, 1.0),
    ("trap", "electron_lifetime"): ("trap", dv.T_RN, -1.0),
    ("trap", "hole_lifetime"): ("trap", dv.T_RP, -1.0),
}
_OF_FACES = {"electron_velocity": dv.F_SN, "hole_velocity": dv.F_SP}
#: what else of a layer's electronic numbers neither light nor mesh sees
_ELECTRONIC = frozenset(
    {
        "electron_affinity",
        "conduction_dos",
        "valence_dos",
        "donor_density",
        "acceptor_density",
        "mobility_activation_energy",
    }
)
#: rates, which move no equilibrium, in which ions may be held
_RATES = ("mobility", "lifetime", "velocity", "capture", "resistance")


def direction(
    problem: Problem,
    device: Device,
    net: Net,
    path: str,
    step: float,
    room: tuple[F64, Numbers] | None = None,
) -> F64 | None:
    """(W,) how the numbers follow a field at 1 sun; None where this cannot tell.

    Args:
        problem: the cell. device, net: its arrays. path: of one number, not short for others. step: of the five-point
            rule, SI. room: a row to add to and return, with its numbers; where this cannot tell, what was added means
            nothing. One of its own if absent.
    """
    if room is None:
        row = np.zeros(width_of(device, net))
        room = row, numbers_at(device, net, row)
    return room[0] if _tell(problem, net, path, step, room[1]) else None


def _tell(problem: Problem, net: Net, path: str, step: float, into: Numbers) -> bool:
    if path in ("junction.resistance", "lower_junction.resistance") and problem.homes:
        return _in_series(problem, net, into)
    home, rest = _home(problem.stack, path)
    numbers = [number for number, one in enumerate(problem.homes) if one == home]
    if home is None or not numbers or any(problem.parts[number].halves for number in numbers):
        return False
    stack = problem.parts[numbers[0]].stack
    whole = problem.stack.stacks[home]
    if any(whole.interface[key].patches is not None for key in uneven(whole)):
        # their areas follow mobility and lifetime
        return False
    try:
        steps = field_paths.resolve(stack, rest)
        value = field_paths.value_at(stack, steps, rest)
    except InputError:
        return False
    here = float(value) if isinstance(value, Quantity) else 0.0
    if here == 0.0 or not _unseen(steps, uneven(whole)) or not _of_no_held_ions(problem, str(steps[-1])):
        return False
    if steps[0] == "circuit":
        return _of_circuit(problem, net, numbers, str(steps[-1]), here, into)
    for number in numbers:
        part = problem.parts[number].stack
        if not part.absorbers:
            # a pinhole, whose layers are fewer
            try:
                steps = field_paths.resolve(part, rest)
            except InputError:
                continue
        if not _add(problem, number, steps, value, step, into):
            return False
    return True


def _home(cell: Any, path: str) -> tuple[str | None, str]:
    """The key of `cell.stacks` that a path leads into, and the rest of it; None where it is of no one stack."""
    if isinstance(cell, Stack):
        return "", path
    if isinstance(cell, Tandem) and any(isinstance(joint, Traps) for joint in cell.joints):
        return None, path
    found = [key for key in cell.stacks if path.startswith(f"{key}.")]
    if isinstance(cell, Parallel) or len(found) != 1:
        # resistances of columns stand each in its own branch
        return None, path
    return found[0], path.removeprefix(f"{found[0]}.")


def _unseen(steps: tuple[Any, ...], spread: tuple[str, ...]) -> bool:
    """Whether neither light nor mesh sees a field, and it is no part of an uneven face."""
    first, *others = steps
    if first == "layer":
        below, last = others[1], others[-1]
        if below == "electronic":
            return last in _ELECTRONIC or ("electronic", last) in _POWERS
        return below in ("trap", "ions") or (below == "recombination" and others[2] == "auger")
    if first == "interface":
        return others[0] not in spread and others[1] in ("dipole", "trap")
    return first in ("contact", "circuit")


def _of_no_held_ions(problem: Problem, field: str) -> bool:
    """Whether no ions are held, or held in an equilibrium that the field does not move."""
    held = [
        layer.ions.response
        for part in problem.parts
        if part.mobile is not None
        for layer in part.stack.electrical_layers
        if layer.ions is not None and layer.ions.response.kind == "frozen"
    ]
    if not held:
        return True
    dark = all(float(one.bias) == 0.0 and float(one.light) == 0.0 for one in held)
    return dark and field.endswith(_RATES)


def _of_circuit(problem: Problem, net: Net, numbers: list[int], field: str, here: float, into: Any) -> bool:
    """Resistances of a junction: what is in series with all, or the shunt of each of its parts."""
    if field == "series_resistance":
        own = set(numbers)
        if any(own & set(group.parts) and not own >= set(group.parts) for group in problem.groups):
            # of one of several columns: it stands in its own branch
            return False
        return _in_series(problem, net, into)
    for number in numbers:
        into.leak[number] -= problem.vt / here**2
    return True


def _in_series(problem: Problem, net: Net, into: Any) -> bool:
    """A resistance in series with all: the first resistor is their sum, if there are any."""
    if not net.resistance.size or problem.circuit.resistance <= 0.0:
        return False
    into.resistance[0] += 1.0
    return True


def _add(
    problem: Problem, number: int, steps: tuple[Any, ...], value: Quantity, step: float, into: Any
) -> bool:
    """Add what the rows of one part follow."""
    part = problem.parts[number]
    before = problem.parts[:number]
    layers = [layer.name for layer in part.stack.electrical_layers]
    at = {
        "layer": sum(one.device.layer.shape[0] for one in before),
        "trap": sum(one.device.trap.shape[0] for one in before),
        "face_trap": sum(one.device.face_trap.shape[0] for one in before),
        "barrier": sum(one.device.barrier.shape[0] for one in before),
        "moving": sum(one.device.ion.shape[0] for one in before),
        "contact": 2 * number,
    }
    here, last = float(value), str(steps[-1])
    if steps[0] == "layer":
        name = part.stack.layer[steps[1]].name
        if name not in layers:
            return False
        m = layers.index(name)
        power = _POWERS.get((str(steps[2]), last))
        if power is not None:
            rows, column, order = power
            own = m if rows == "layer" else int(part.device.trap_start[m]) + int(steps[3])
            getattr(into, rows)[at[rows] + own, column] += (
                order * getattr(part.device, rows)[own, column] / here
            )
            return True
    if steps[0] == "interface" and steps[2] == "trap" and last in _OF_FACES:
        own = _face_row(part.stack, layers, str(steps[1])) + int(steps[3])
        column = _OF_FACES[last]
        into.face_trap[at["face_trap"] + own, column] += part.device.face_trap[own, column] / here
        return True

    touched = _touched(part.stack, layers, steps)
    if touched is not None:
        return _add_touched(problem, number, (steps, value, step), touched, at, into)

    def rows_at(offset: float) -> tuple[Equations, F64]:
        changed = _replaced(part.stack, steps, Quantity(here + offset, dimension=value.dimension))
        rows = equations_of(changed, part.device.site_start, part.emission)
        if part.mobile is None:
            rows = rows._replace(moving=np.concatenate([rows.moving, rows.frozen]))
        return rows, motion_of(replace(part, stack=changed)) if into.motion.size else np.zeros((0, 0))

    try:
        ends = [rows_at(k * step) for k in (-2.0, -1.0, 1.0, 2.0)]
    except InputError:
        return False
    first = problem.sites[number].start
    widths = np.diff(part.device.site_start)
    for name, target in (
        ("layer", into.layer),
        ("trap", into.trap),
        ("face_trap", into.face_trap),
        ("barrier", into.barrier),
        ("moving", into.ion),
        ("contact", into.contact),
    ):
        if target.size:
            found = _five([getattr(one, name) for one, _ in ends], step)
            target[at[name] : at[name] + found.shape[0]] += found
    if into.motion.size:
        # of cells all of whose ions move
        found = _five([motion for _, motion in ends], step)
        into.motion[at["moving"] : at["moving"] + found.shape[0]] += found
    charge = _five([one.charge for one, _ in ends], step)
    into.fixed_charge[first : first + int(widths.sum())] += np.repeat(charge, widths)
    return True


def _add_touched(
    problem: Problem,
    number: int,
    field: tuple[tuple[Any, ...], Quantity, float],
    touched: Touched,
    at: dict[str, int],
    into: Any,
) -> bool:
    """The same where it is known which rows a field acts on; `at`: the part's first of each kind."""
    steps, value, step = field
    part = problem.parts[number]
    device = part.device
    rows = None
    values: list[list[float]] = []
    for k in (-2.0, -1.0, 1.0, 2.0):
        moved = Quantity(float(value) + k * step, dimension=value.dimension)
        try:
            rows = rows_of(_replaced(part.stack, steps, moved), touched, part.emission)
        except InputError:
            return False
        tables = (rows.layer, rows.trap, rows.face_trap, rows.barrier, rows.contact)
        values.append([one for table in tables for row in table for one in row] + rows.charge)
    assert rows is not None
    found = CENTRAL[[0, 1, 3, 4]] / step @ np.array(values)
    site = device.site_start[touched.faces.start + 1] - 1 if touched.faces else 0
    begin = 0
    for target, table, first in (
        (into.layer, rows.layer, at["layer"] + touched.layers.start),
        (into.trap, rows.trap, at["trap"] + device.trap_start[touched.layers.start]),
        (into.face_trap, rows.face_trap, at["face_trap"] + np.searchsorted(device.face_trap_site, site)),
        (into.barrier, rows.barrier, at["barrier"] + np.searchsorted(device.barrier_site, site)),
        (into.contact, rows.contact, at["contact"]),
    ):
        if table:
            end = begin + len(table) * len(table[0])
            target[first : first + len(table)] += found[begin:end].reshape(len(table), -1)
            begin = end
    for m, charge in zip(touched.layers, found[begin:], strict=True):
        sites = problem.sites[number].start + device.site_start[m : m + 2]
        into.fixed_charge[sites[0] : sites[1]] += charge
    return True


def _touched(stack: Stack, layers: list[str], steps: tuple[Any, ...]) -> Touched | None:
    """Which rows a field acts on; None where these may be all, or ions'."""
    last = len(layers) - 1
    if steps[0] == "layer" and steps[2] != "ions":
        m = layers.index(stack.layer[steps[1]].name)
        return Touched(range(m, m + 1), range(max(m - 1, 0), min(m + 1, last)), m in (0, last))
    if steps[0] == "interface" and steps[2] == "trap":
        keys = [f"{a}|{b}" for a, b in pairwise(layers)]
        if steps[1] in keys:
            f = keys.index(steps[1])
            return Touched(range(0), range(f, f + 1), False)
    if steps[0] == "contact":
        return Touched(range(0), range(0), True)
    # a dipole lifts all behind it
    return None


def _five(values: list[F64], step: float) -> F64:
    """The derivative by the five-point rule, from four of them."""
    return np.asarray((values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * step))


def _face_row(stack: Stack, layers: list[str], key: str) -> int:
    """The row of a face's first trap among those of the stack."""
    row = 0
    for a, b in pairwise(layers):
        if f"{a}|{b}" == key:
            return row
        row += len(stack.face(a, b).trap)
    raise InputError(f'"{key}" is no face of electrical layers.', "Name one that is.", key=key)


def _replaced(node: Any, steps: tuple[Any, ...], value: Quantity) -> Any:
    """A copy with another number in one place; nothing is validated, since the number was near it already."""
    if not steps:
        return value
    first, *rest = steps
    below = tuple(rest)
    if isinstance(first, int):
        return tuple(
            _replaced(one, below, value) if place == first else one for place, one in enumerate(node)
        )
    if isinstance(node, dict):
        return Faces({**node, first: _replaced(node[first], below, value)})
    return node.model_copy(update={first: _replaced(getattr(node, first), below, value)})
