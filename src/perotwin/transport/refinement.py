"""How much of a result is the mesh's: the same states on a mesh twice as fine.

Fluxes and rates converge with the square of the interval, so that a mesh twice as fine is a quarter as wrong, and 4/3
of the difference is the error (Richardson, doi:10.1098/rsta.1911.0009). No length of the cell tells beforehand how fine
a mesh must be: accumulated ions, carriers at a face and short diffusion lengths all ask for their own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.measurement.checks import check
from perotwin.transport.build import Problem
from perotwin.transport.device import Device
from perotwin.transport.junction import Junction
from perotwin.transport.mesh import Mesh
from perotwin.transport.nested import prolonged
from perotwin.transport.states import State
from perotwin.transport.steady import NOTHING, Solver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from perotwin.measurement.checks import Checks
    from perotwin.transport.states import States

__all__ = ["FINER", "Cuts", "checks", "errors_at", "refined"]

F64 = NDArray[np.float64]
#: by layer, (intervals,) which of them
Cuts = tuple[NDArray[np.bool_], ...]

#: how much finer than usual the meshes are on which a result is tried for, one after another, until its checks hold
FINER = (1.0, 2.0, 4.0, 8.0)
_OPEN, _SHORT = "open-circuit", "short-circuit"
_CHECK = {
    _OPEN: "Voc on a mesh twice as fine, V",
    _SHORT: "Jsc on a mesh twice as fine, relative",
}
#: errors of the voltage (V) and of the current (a part of it) that a result may have by its mesh
_LIMIT = {_OPEN: 1e-4, _SHORT: 1e-3}
#: of an error of the second order in the interval, what a mesh twice as fine shows of it, inverse
_RICHARDSON = 4.0 / 3.0


def refined(problem: Problem, cuts: Sequence[Cuts] | None = None) -> Problem:
    """The same cell on meshes whose intervals are cut in two; the light is what it was, without new optics.

    Args:
        problem: of the meshes.
        cuts: of each part and layer, (intervals,) which of them; absent, every one.
    """
    parts = tuple(_halved(part, None if cuts is None else cuts[d]) for d, part in enumerate(problem.parts))
    lights = tuple(
        replace(one, profile=_spread(problem.parts[one.receiver], parts[one.receiver], one.profile))
        for one in problem.lights
    )
    return replace(problem, parts=parts, lights=lights)


def _with_midpoints(values: F64) -> F64:
    """(2 n - 1,) values with one between each two of a smooth series (n,), by the cubics through four."""
    found = np.empty(2 * values.size - 1)
    found[::2] = values
    between = found[1::2]
    between[1:-1] = (9.0 * (values[1:-2] + values[2:-1]) - values[:-3] - values[3:]) / 16.0
    between[0] = (3.0 * values[0] + 6.0 * values[1] - values[2]) / 8.0
    between[-1] = (3.0 * values[-1] + 6.0 * values[-2] - values[-3]) / 8.0
    return found


def _halved(part: Junction, cuts: Cuts | None = None) -> Junction:
    layers, moved, start = [], [], 0
    for m, x in enumerate(part.mesh.layers):
        finer, place = _with_midpoints(x), 2 * np.arange(x.size)
        if cuts is not None:
            finer = finer[np.insert(cuts[m], np.arange(x.size), True)]
            place = np.arange(x.size) + np.concatenate(([0], np.cumsum(cuts[m])))
        layers.append(finer)
        moved.append(start + place)
        start += finer.size
    mesh, places = Mesh(tuple(layers)), np.concatenate(moved)
    bare = replace(part, mesh=mesh, device=_device(part.device, mesh.layers, places))
    return replace(
        bare,
        mobile=None if part.mobile is None else _device(part.mobile, mesh.layers, places),
        generation=_spread(part, bare, part.generation),
        # counted in sites of the mesh
        absorption=None,
        between=tuple(int(places[site]) for site in part.between),
        apart=tuple(_halved(half) for half in part.apart),
    )


def _device(device: Device, layers: tuple[F64, ...], places: NDArray[np.int64]) -> Device:
    """A junction's arrays on the positions (m) of a finer mesh, layer by layer; places: (S,) of its sites there."""
    sizes = np.array([x.size for x in layers])
    start = np.concatenate(([0], np.cumsum(sizes)))
    offset = device.offset
    sites = np.concatenate(layers)
    faces = [np.concatenate((x[:1], 0.5 * (x[1:] + x[:-1]), x[-1:])) for x in layers]
    spacing = np.append(np.diff(sites), 1.0)
    spacing[start[1:] - 1] = 1.0
    node = np.arange(sites.size) - np.repeat(offset, sizes)
    x = np.zeros(node[-1] + 1)
    x[node] = sites
    first = device.site_start[:-1]
    return device._replace(
        node_start=np.array([0, x.size], dtype=np.int64),
        x=x,
        site_start=start.astype(np.int64),
        site_layer=np.repeat(np.arange(len(layers)), sizes),
        site_node=node,
        volume=np.concatenate([np.diff(one) for one in faces]),
        spacing=spacing,
        fixed_charge=np.repeat(device.fixed_charge[first], sizes),
        face_trap_site=places[device.face_trap_site],
        barrier_site=places[device.barrier_site],
    )


def _layers(part: Junction) -> list[slice]:
    return [slice(int(a), int(b)) for a, b in pairwise(part.device.site_start)]


def _spread(coarse: Junction, fine: Junction, made: F64) -> F64:
    """(S',) what is made in each site of a finer mesh, from that (S,) in each of a mesh; each layer's sum stays."""
    found = np.zeros(fine.device.volume.size)
    for before, after in zip(_layers(coarse), _layers(fine), strict=True):
        if not made[before].any():
            continue
        ends = [np.concatenate(([0.0], np.cumsum(one.device.volume[here]))) for one, here in
                ((coarse, before), (fine, after))]  # fmt: skip
        total = np.concatenate(([0.0], np.cumsum(made[before])))
        # both sums of the widths are the layer's thickness, but for rounding
        ends[1][-1] = ends[0][-1]
        found[after] = np.diff(np.interp(ends[1], ends[0], total))
    return found


def checks(solver: Solver, points: Mapping[str, States], intensity: float) -> Checks:
    """How far open circuit (V) and the current at short circuit (a part of it) are off by the mesh, against the limits.

    Args:
        solver: of the mesh in question.
        points: its states of one point each; "open-circuit" and "short-circuit" count. None: no checks.
        intensity: suns that they are under.
    """
    found = {_OPEN: _voltage, _SHORT: _current}
    return {
        _CHECK[name]: check(value, _LIMIT[name])
        for name, value in _errors(solver, points, intensity, None, found).items()
    }


def errors_at(
    solver: Solver, points: Mapping[str, States], intensity: float, cuts: Sequence[Cuts]
) -> list[float]:
    """What of these errors comes from some intervals, over its limits; NaN where it is not found.

    Args:
        cuts: which intervals are cut in two to see, as of `refined`; the others as of `checks`.
    """
    found = {_OPEN: _voltage_by_current, _SHORT: _current}
    return [value / _LIMIT[name] for name, value in _errors(solver, points, intensity, cuts, found).items()]


def _errors(
    solver: Solver,
    points: Mapping[str, States],
    intensity: float,
    cuts: Sequence[Cuts] | None,
    found: Mapping[str, Callable[[Solver, Solver, States, float], float]],
) -> dict[str, float]:
    wanted = [name for name in found if name in points]
    if not wanted:
        return {}
    try:
        fine = Solver(refined(solver.problem, cuts), solver.tolerance, coarser=solver)
    except ConvergenceError:
        return dict.fromkeys(wanted, np.nan)
    return {name: found[name](solver, fine, points[name], intensity) for name in wanted}


def _on(fine: Solver, solver: Solver, found: States) -> State:
    """A state of one mesh on that whose intervals are half of its own."""
    state = prolonged(solver, fine, found.state(0))
    assert state is not None
    return state


def _voltage(solver: Solver, fine: Solver, found: States, intensity: float) -> float:
    try:
        there = fine.open_circuit(_on(fine, solver, found), intensity)
    except ConvergenceError:
        return np.nan
    return _RICHARDSON * abs(float(there.voltage[0] - found.voltage[0]))


def _voltage_by_current(solver: Solver, fine: Solver, found: States, intensity: float) -> float:
    """The same to first order, from the current at its voltage."""
    there = fine.sweep(found.voltage, intensity, _on(fine, solver, found))
    slope = abs(solver.slope(found.state(0), intensity))
    if not there.converged[0] or slope == 0.0:
        return np.nan
    return _RICHARDSON * abs(float(there.current[0] - found.current[0])) / slope


def _current(solver: Solver, fine: Solver, found: States, intensity: float) -> float:
    there = fine.sweep(found.voltage, intensity, _on(fine, solver, found))
    if not there.converged[0]:
        return np.nan
    made = intensity * solver.problem.photocurrent_scale
    # of a cell that next to nothing leaves, of what is made in it
    whole = max(abs(float(found.current[0])), NOTHING * made)
    if made == 0.0 and float(found.voltage[0]) == 0.0:
        # neither light nor voltage drives what is rounding, and has no mesh
        return 0.0
    return _RICHARDSON * abs(float(there.current[0] - found.current[0])) / whole if whole > 0.0 else 0.0
