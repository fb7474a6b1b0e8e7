"""The size of a molecule seen along its long axis: what decides whether it fits into a hole of a monolayer.

The long axis is the principal axis of least inertia. Across it lie the smallest circle around the nuclei, the
smallest circle around the van der Waals spheres, and the box whose area is the footprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

__all__ = ["ELEMENTS", "Size", "enclosing_circle", "principal_axes", "size"]

#: atomic number -> (standard atomic weight, van der Waals radius in m). Radii: A. Bondi, J. Phys. Chem. 68, 441
#: (1964), doi:10.1021/j100785a001.
ELEMENTS: dict[int, tuple[float, float]] = {
    1: (1.008, 1.20e-10),
    6: (12.011, 1.70e-10),
    7: (14.007, 1.55e-10),
    8: (15.999, 1.52e-10),
    9: (18.998, 1.47e-10),
    14: (28.085, 2.10e-10),
    15: (30.974, 1.80e-10),
    16: (32.06, 1.80e-10),
    17: (35.45, 1.75e-10),
    35: (79.904, 1.85e-10),
    53: (126.904, 1.98e-10),
}


@dataclass(frozen=True)
class Size:
    """A molecule's extent (m; the footprint in m^2).

    Attributes
    ----------
    nuclear_diameter : smallest circle around the nuclei, seen along the long axis.
    diameter : smallest circle around the van der Waals spheres, seen along the long axis.
    footprint : area of the box around the van der Waals spheres across the other two principal axes.
    length : of the van der Waals surface along the long axis.
    nuclear_length : from the first to the last nucleus along the long axis.
    """

    nuclear_diameter: float
    diameter: float
    footprint: float
    length: float
    nuclear_length: float


def size(numbers: Sequence[int] | NDArray[np.int64], positions: NDArray[np.float64]) -> Size:
    """The size of one conformer.

    Parameters
    ----------
    numbers : atomic numbers, shape (atoms,).
    positions : of the nuclei (m), shape (atoms, 3).

    Raises
    ------
    InputError : an element without a van der Waals radius here.
    """
    radii = np.array([_element(int(number))[1] for number in numbers])
    turned = (positions - positions.mean(axis=0)) @ principal_axes(numbers, positions).T
    low, high = (turned - radii[:, None]).min(axis=0), (turned + radii[:, None]).max(axis=0)
    across = turned[:, 1:]
    return Size(
        nuclear_diameter=2 * enclosing_circle(across, np.zeros(len(radii)))[1],
        diameter=2 * enclosing_circle(across, radii)[1],
        footprint=float((high - low)[1] * (high - low)[2]),
        length=float((high - low)[0]),
        nuclear_length=float(np.ptp(turned[:, 0])),
    )


def principal_axes(
    numbers: Sequence[int] | NDArray[np.int64], positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Principal axes of inertia as rows, the long axis (least inertia) first; shape (3, 3)."""
    masses = np.array([_element(int(number))[0] for number in numbers])
    centred = positions - np.average(positions, axis=0, weights=masses)
    spread, axes = np.linalg.eigh(np.einsum("i,ij,ik->jk", masses, centred, centred))
    return np.ascontiguousarray(axes[:, np.argsort(-spread)].T)


def _element(number: int) -> tuple[float, float]:
    try:
        return ELEMENTS[number]
    except KeyError:
        raise InputError(
            f"no van der Waals radius is kept for the element of atomic number {number}.",
            "Sizes are known for molecules of H, C, N, O, F, Si, P, S, Cl, Br and I.",
        ) from None


def enclosing_circle(
    points: NDArray[np.float64], radii: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Centre and radius of the smallest circle around discs in a plane.

    At most three discs hold it. The holding set grows by the disc that sticks out farthest and is reduced to
    those that matter; the radius rises at each step, so the search ends.

    Parameters
    ----------
    points : centres of the discs, shape (n, 2). radii : shape (n,), not negative.
    """
    scale = float(np.ptp(points, axis=0).max() + radii.max()) or 1.0
    start = int(np.argmax(np.hypot(*(points - points.mean(axis=0)).T) + radii))
    held: tuple[int, ...] = (start,)
    centre, radius = points[start].astype(float), float(radii[start])
    for _ in range(10 * len(points) + 10):
        reach = np.hypot(*(points - centre).T) + radii
        worst = int(reach.argmax())
        if reach[worst] <= radius + 1e-12 * scale:
            break
        held, centre, radius = _of_few(points, radii, (*held, worst), scale)
    return centre, radius


def _of_few(
    points: NDArray[np.float64], radii: NDArray[np.float64], chosen: tuple[int, ...], scale: float
) -> tuple[tuple[int, ...], NDArray[np.float64], float]:
    """The smallest circle around up to four discs, and those that hold it, by trying all pairs and triples."""
    best: tuple[float, tuple[int, ...], NDArray[np.float64]] | None = None
    subset = list(dict.fromkeys(chosen))
    for count in (1, 2, 3):
        for group in combinations(subset, count):
            for centre, radius in _touching(points[list(group)], radii[list(group)]):
                reach = np.hypot(*(points[subset] - centre).T) + radii[subset]
                if reach.max() <= radius + 1e-13 * scale and (best is None or radius < best[0]):
                    best = (radius, group, centre)
    if best is None:  # discs so nearly on one line that round-off hides the circle: a bound that holds
        centre = points[subset].mean(axis=0)
        return tuple(subset), centre, float((np.hypot(*(points[subset] - centre).T) + radii[subset]).max())
    return best[1], best[2], best[0]


def _touching(
    points: NDArray[np.float64], radii: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], float]]:
    """Circles that all of one, two or three discs touch from inside."""
    if len(points) == 1:
        return [(points[0], float(radii[0]))]
    apart = points[1] - points[0]
    distance = float(np.hypot(*apart))
    if len(points) == 2:
        if distance == 0.0:
            return []
        radius = 0.5 * (distance + float(radii.sum()))
        return [(points[0] + apart * (radius - radii[0]) / distance, radius)]
    # |c - p_i| = R - r_i. The differences are linear in c and R: c = u + v R, and one quadratic is left.
    matrix = 2 * (points[1:] - points[0])
    if abs(np.linalg.det(matrix)) < 1e-14 * float(np.abs(matrix).max()) ** 2:
        return []
    squares = (points**2).sum(axis=1) - radii**2
    u, v = np.linalg.solve(matrix, np.column_stack([squares[1:] - squares[0], 2 * (radii[1:] - radii[0])])).T
    offset = u - points[0]
    a, b, c = v @ v - 1.0, 2 * (offset @ v + radii[0]), offset @ offset - radii[0] ** 2
    roots = np.roots([a, b, c]) if abs(a) > 1e-12 else np.array([-c / b])
    return [
        (u + v * float(root.real), float(root.real))
        for root in roots
        if abs(root.imag) < 1e-12 * abs(root) and root.real >= radii.max()
    ]
