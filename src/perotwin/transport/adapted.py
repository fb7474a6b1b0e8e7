"""Meshes that are finer where the error of a result comes from.

What accumulates, depletes or recombines in a few nanometres of one layer asks for intervals there that a mesh which is
finer everywhere cannot pay for. Which intervals an error comes from is tried: those of one stretch at a time are cut in
two, and the result is solved for again from the state that is known. Errors of the second order add up, and that of a
stretch falls with the square of how often its intervals are cut; of all cuts that leave the same error those are taken
that make the fewest nodes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.transport.mesh import Like, Mesh
from perotwin.transport.nested import hermite
from perotwin.transport.refinement import Cuts, checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["adapted"]

F64 = NDArray[np.float64]

#: stretches of a layer, of as many intervals each
_STRETCHES = 8
#: part of an allowed error below which a layer is let be, and the part of it that all together should come to
_LET_BE, _WANTED = 0.01, 0.2
#: the most that an interval is cut into at once: errors that large are not of the second order yet
_MOST = 8.0
#: and what a stretch is cut into whose share was not found
_UNKNOWN = 2.0
#: by how much the cuts of neighbouring intervals differ
_GRADING = 1.2


def adapted(solver: Solver, points: Mapping[str, States], intensity: float) -> Like | None:
    """Meshes for `build` on which results are off by a fraction of what is allowed, as far as this one tells.

    None where no stretch of it is found to be too coarse.

    Args:
        solver: of the mesh.
        points: its states of one point each, as of `refinement.checks`.
        intensity: suns that they are under.
    """
    problem = solver.problem
    if any(part.apart for part in problem.parts):
        # halves of one mesh have meshes of their own besides
        return None
    meshes: list[Mesh] = []
    for part in problem.parts:
        if all(part.mesh is not mesh for mesh in meshes):
            meshes.append(part.mesh)

    def share(mesh: Mesh, layer: int, here: slice) -> float:
        """The error that comes from a stretch of intervals, over what is allowed; NaN where it is not found."""
        cuts = tuple(
            _none(part.mesh, layer, here) if part.mesh is mesh else _none(part.mesh) for part in problem.parts
        )
        rows = checks(solver, points, intensity, cuts).values()
        return float(np.max([float(row.value) / row.limit for row in rows], initial=0.0))

    stretches: list[tuple[Mesh, int, slice, float]] = []
    for mesh in meshes:
        for layer, x in enumerate(mesh.layers):
            # not below: one that is not a number is looked into
            if share(mesh, layer, slice(0, x.size - 1)) <= _LET_BE:
                continue
            ends = np.unique(np.linspace(0, x.size - 1, _STRETCHES + 1).round().astype(int))
            for first, last in pairwise(ends.tolist()):
                stretches.append((mesh, layer, slice(first, last), share(mesh, layer, slice(first, last))))
    if not stretches:
        return None
    into = _into(
        np.array([one[3] for one in stretches]), np.array([one[2].stop - one[2].start for one in stretches])
    )
    if into.max() == 1.0:
        return None
    finer = {}
    for mesh in meshes:
        wanted = [np.ones(x.size - 1) for x in mesh.layers]
        for (own, layer, here, _), number in zip(stretches, into, strict=True):
            if own is mesh:
                wanted[layer][here] = number
        finer[id(mesh)] = Mesh(tuple(_divided(x, one) for x, one in zip(mesh.layers, wanted, strict=True)))
    return Like(
        {key: tuple(finer.get(id(one), one) for one in own) for key, own in problem.meshes.meshes.items()}
    )


def _none(mesh: Mesh, layer: int = -1, here: slice = slice(0)) -> Cuts:
    """No interval of a mesh but those of one stretch."""
    cuts = tuple(np.zeros(x.size - 1, dtype=bool) for x in mesh.layers)
    cuts[layer][here] = True
    return cuts


def _into(shares: F64, sizes: NDArray[np.int64]) -> F64:
    """How many parts the intervals of each stretch are cut into: of all that leave `_WANTED` of the allowed error, the
    fewest nodes (Lagrange: cubes as the share over the number of intervals).
    """
    known = np.where(np.isfinite(shares), shares, 0.0)
    scale = np.sqrt((np.cbrt(known) * np.cbrt(sizes) ** 2).sum() / _WANTED)
    into = np.clip(scale * np.cbrt(known / sizes), 1.0, _MOST)
    return np.where(np.isfinite(shares), into, _UNKNOWN)


def _divided(x: F64, into: F64) -> F64:
    """Positions (m) whose intervals are those of x (n,) cut into `into` (n - 1,) parts each, going over smoothly."""
    if into.max() == 1.0:
        return x
    graded = np.log(into)
    for order in (slice(None), slice(None, None, -1)):
        along = graded[order]
        for k in range(1, along.size):
            along[k] = max(along[k], along[k - 1] - np.log(_GRADING))
    place = np.concatenate(([0.0], np.cumsum(np.exp(graded))))
    count = int(np.ceil(place[-1]))
    place *= count / place[-1]
    place[-1] = count
    # harmonic means of both sides' slopes keep the order of the nodes (doi:10.1137/0905021)
    slope = np.diff(x) / np.diff(place)
    middle = 2.0 * slope[1:] * slope[:-1] / (slope[1:] + slope[:-1])
    found = hermite(place, x, np.concatenate((slope[:1], middle, slope[-1:])), np.arange(count + 1.0))
    found[0], found[-1] = x[0], x[-1]
    return found
