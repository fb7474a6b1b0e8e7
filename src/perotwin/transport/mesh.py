"""Where the nodes stand: every layer graded towards both of its faces.

A node stands on each face between layers. The control volume of a node on a face is split there, so each part
belongs to one material (see `transport.device`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: spacing at a face, m: less than half of the Debye length that 1e26 m^-3 carriers, accumulated there, have at a
#: permittivity of 10; the doping and the ions of a layer may ask for less (see `build`)
FACE_SPACING = 0.15e-9
#: edges per unit of ln(1 + thickness / (2 FACE_SPACING)); 20 gives about 330 nodes for a three-layer cell
DENSITY = 20.0


@dataclass(frozen=True)
class Mesh:
    """Nodes of the electrical domain, layer by layer.

    Attributes:
        layers: positions (m) of each layer's nodes, both faces included, counted from the domain's front.
    """

    layers: tuple[NDArray[np.float64], ...]

    @property
    def sites(self) -> NDArray[np.float64]:
        """(S,) positions of all sites: a face between two layers appears twice."""
        return np.concatenate(self.layers)

    @property
    def control_faces(self) -> NDArray[np.float64]:
        """(S + 1,) ascending boundaries of the sites' control volumes, layer faces included."""
        inner = [0.5 * (x[1:] + x[:-1]) for x in self.layers]
        parts = [np.concatenate(([x[0]], middle)) for x, middle in zip(self.layers, inner, strict=True)]
        return np.concatenate([*parts, self.layers[-1][-1:]])

    def refined(self, factor: int) -> Mesh:
        """The same grading with each interval cut into `factor` parts along the grading's own coordinate."""
        return Mesh(tuple(_cut(x, factor) for x in self.layers))


@dataclass(frozen=True, eq=False)
class Like:
    """Meshes of as many nodes as others have, each layer's stretched to its thickness: what is compared then differs by
    what was changed and not by the mesh.

    Attributes:
        meshes: by the names of a stack and of its electrical layers, those that are called so.
    """

    meshes: Mapping[tuple[str, ...], tuple[Mesh, ...]]

    def stretched(self, key: tuple[str, ...], thicknesses: Sequence[float]) -> Mesh:
        """The mesh of layers of given thickness (m) that is called so, of several the one that is nearest to that;
        KeyError where there is none."""
        wanted = np.asarray(thicknesses)

        def apart(mesh: Mesh) -> float:
            return float(np.abs(np.log([x[-1] - x[0] for x in mesh.layers] / wanted)).sum())

        layers, start = [], 0.0
        for x, thickness in zip(min(self.meshes[key], key=apart).layers, thicknesses, strict=True):
            layers.append(start + thickness * ((x - x[0]) / (x[-1] - x[0])))
            start += thickness
            layers[-1][-1] = start
        return Mesh(tuple(layers))


def graded(
    thicknesses: list[float], density: float = DENSITY, face_spacing: float | Sequence[float] = FACE_SPACING
) -> Mesh:
    """The mesh of layers of given thickness (m), finest at the faces.

    Args:
        thicknesses: of the electrical layers, m, in the order that light meets them.
        density: edges per unit of ln(1 + thickness / (2 face_spacing)); above the default one the face spacing shrinks
            with its cube: what accumulates at a face asks for far finer intervals there, at the price of few nodes.
        face_spacing: distance between a face and the next node, m, one for all layers or one for each.
    """
    spacings = [face_spacing] * len(thicknesses) if isinstance(face_spacing, float) else face_spacing
    layers, start = [], 0.0
    for thickness, wanted in zip(thicknesses, spacings, strict=True):
        spacing = wanted * min(1.0, DENSITY / density) ** 3
        count = max(8, int(np.ceil(density * np.log1p(thickness / (2 * spacing)))))
        layers.append(start + _two_sided(thickness, count, spacing))
        start += thickness
        layers[-1][-1] = start
    return Mesh(tuple(layers))


def _two_sided(thickness: float, count: int, first: float) -> NDArray[np.float64]:
    """Positions 0 .. thickness, smooth and symmetric, whose first interval is `first` (or all equal)."""
    s = np.linspace(-1.0, 1.0, count + 1)
    if first >= thickness / count:
        return 0.5 * thickness * (1.0 + s)

    # bisection: the first interval shrinks as the grading `a` grows
    low, high = 1e-3, 15.0
    for _ in range(60):
        a = 0.5 * (low + high)
        if 0.5 * thickness * (1.0 + np.tanh(a * s[1]) / np.tanh(a)) > first:
            low = a
        else:
            high = a
    x = 0.5 * thickness * (1.0 + np.tanh(a * s) / np.tanh(a))
    x[0], x[-1] = 0.0, thickness
    return x


def _cut(x: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Cut each interval in `factor`, following the smooth map from index to position."""
    from scipy.interpolate import CubicSpline

    index = np.arange(x.size)
    fine = CubicSpline(index, x)(np.linspace(0, x.size - 1, factor * (x.size - 1) + 1))
    fine[::factor] = x
    return np.asarray(fine)
