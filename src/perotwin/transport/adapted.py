"""Meshes that are finer where the error of a result comes from.

What accumulates, depletes or recombines in a few nanometres of one layer asks for intervals there that a mesh which is
finer everywhere cannot pay for. Which intervals an error comes from is tried: those of one stretch at a time are cut in
two, and the current is asked for at the voltage that is known: with the slope of the curve it tells open circuit to
first order, where a search for it may be long. Errors of the second order add up, and that of a stretch falls with the
square of how often its intervals are cut; of all cuts that leave the same error those are taken that make the fewest
nodes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.transport.mesh import Like, Mesh
from perotwin.transport.nested import hermite
from perotwin.transport.refinement import Cuts, errors_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["adapted"]

F64 = NDArray[np.float64]
#: a mesh, the number of its layer, which of the intervals there, and what error comes from these
_Stretch = tuple[Mesh, int, slice, float]

#: pieces of a layer, and of a stretch that is looked into again, of as many intervals each
_STRETCHES = 8
#: part of an allowed error up to which a layer is one stretch, that up to which a piece of it is, and the part that all
#: together should come to
_LITTLE, _ALL, _WANTED = 0.01, 1.0, 0.2
#: the most that an interval is cut into at once: errors that large are not of the second order yet
_MOST = 8.0
#: and what a stretch is cut into whose share was not found
_UNKNOWN = 2.0
#: by how much the cuts of neighbouring intervals differ
_GRADING = 1.2


def adapted(
    solver: Solver, points: Mapping[str, States], intensity: float, least: float = 1.0
) -> Like | None:
    """Meshes for `build` on which results are off by a fraction of what is allowed, as far as this one tells.

    None where no stretch of it is found to be too coarse.

    Args:
        solver: of the mesh.
        points: its states of one point each, as of `refinement.checks`.
        intensity: suns that they are under.
        least: into how many parts an interval is cut at least; below one where it may be joined with others.
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
        return float(np.max(errors_at(solver, points, intensity, cuts), initial=0.0))

    def among(mesh: Mesh, layer: int, here: slice, limits: tuple[float, ...]) -> list[_Stretch]:
        """A stretch and its share, or those of the pieces that it is looked into by."""
        found = share(mesh, layer, here)
        ends = np.unique(np.linspace(here.start, here.stop, _STRETCHES + 1).round().astype(int)).tolist()
        # also one that is not a number is looked into
        if not limits or found <= limits[0] or len(ends) == 2:
            return [(mesh, layer, here, found)]
        pieces = (slice(first, last) for first, last in pairwise(ends))
        return [one for piece in pieces for one in among(mesh, layer, piece, limits[1:])]

    stretches = [
        one
        for mesh in meshes
        for layer, x in enumerate(mesh.layers)
        for one in among(mesh, layer, slice(0, x.size - 1), (_LITTLE, _ALL))
    ]
    shares = np.array([one[3] for one in stretches])
    if (shares <= _LITTLE).all():
        return None
    into = _into(shares, np.array([one[2].stop - one[2].start for one in stretches]), least)
    if into.max() <= 1.0:
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


def _into(shares: F64, sizes: NDArray[np.int64], least: float) -> F64:
    """How many parts the intervals of each stretch are cut into: of all that leave `_WANTED` of the allowed error, the
    fewest nodes (Lagrange: cubes as the share over the number of intervals), and `least` at least.
    """
    known = np.where(np.isfinite(shares), shares, 0.0)
    scale = np.sqrt((np.cbrt(known) * np.cbrt(sizes) ** 2).sum() / _WANTED)
    into = np.clip(scale * np.cbrt(known / sizes), least, _MOST)
    return np.where(np.isfinite(shares), into, _UNKNOWN)


def _divided(x: F64, into: F64) -> F64:
    """Positions (m) whose intervals are those of x (n,) cut into `into` (n - 1,) parts each, going over smoothly; below
    one as many of them are one.
    """
    if (into == 1.0).all():
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
