"""A patch of the oxide's surface, the molecules on it, and what it shows.

What a point of the surface shows is decided with a probe disc: it is bare where a disc of the probe's diameter fits
between the molecules and covers it; every other point belongs to the molecule whose edge is nearest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

__all__ = ["ADDITIVE", "BARE", "PIXEL", "PROBE", "SAM", "Oxide", "Patch", "Surface", "survey"]

#: kinds of molecules in `Patch.kind`, and what `Surface.map` shows: BARE, or the kind + 1
SAM, ADDITIVE = 0, 1
BARE = 0
#: the probe that decides what is bare, m: the van der Waals diameter of 5-aminovaleric acid across its long axis
PROBE = 0.567e-9
#: distance between the points of a surface map, m
PIXEL = 0.2e-9


# --- the oxide ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Oxide:
    """Grains of the oxide under a patch: the Voronoi cells of random points (periodic).

    Attributes
    ----------
    side : m.
    seeds : (G, 2), m, the points.
    reluctant : (G,) bool, which grains anchor badly.
    grain : (R, R) int32, row y and column x: the grain at each point of a raster.
    """

    side: float
    seeds: NDArray[np.float64]
    reluctant: NDArray[np.bool_]
    grain: NDArray[np.int32]

    @cached_property
    def sort(self) -> NDArray[np.uint8]:
        """(R, R): 1 where the oxide anchors badly."""
        return self.reluctant[self.grain].astype(np.uint8)

    @property
    def reluctant_share(self) -> float:
        """Share of the area on which molecules anchor badly."""
        return float(self.sort.mean())

    def at(self, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the oxide anchors badly at (N, 2) positions (m)."""
        cells = self.sort.shape[0]
        place = np.minimum((positions / self.side * cells).astype(np.int64), cells - 1)
        return self.sort[place[:, 1], place[:, 0]].astype(bool)


# --- a patch and what it shows --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Surface:
    """What a patch shows.

    Attributes
    ----------
    map : (P, P) int8, row y and column x: 0 bare, 1 SAM, 2 additive.
    pixel : m, distance between its points.
    probe : m, diameter of the disc that decides what is bare.
    coverage, compensated, bare_fraction : shares of the area that belong to the SAM, to the additive, to neither.
    holes : (H, 3), m: centre and diameter of the largest circle that fits in each hole, largest first. A hole is
        where a circle at least as wide as the probe fits between the molecules and cannot grow by moving a little; of
        circles that overlap the largest counts. A patch without molecules is one hole as wide as its side.
    patch_size : m, correlation length of the bare map: the distance at which its autocovariance, averaged over
        directions, has fallen to 1/e; nan where nothing is bare or everything.
    """

    map: NDArray[np.int8]
    pixel: float
    probe: float
    coverage: float
    compensated: float
    bare_fraction: float
    holes: NDArray[np.float64]
    patch_size: float

    @property
    def hole_diameters(self) -> NDArray[np.float64]:
        """(H,), m, largest first."""
        return self.holes[:, 2]


@dataclass(frozen=True, eq=False)
class Patch:
    """A periodic square of surface and the molecules on it.

    Attributes
    ----------
    side : m.
    positions : (N, 2), m, within [0, side).
    kind : (N,) int8, SAM or ADDITIVE.
    diameters : van der Waals diameters of the SAM and of the additive, m; nan where there is none.
    oxide : the grains below.
    seed : what all random choices of this patch's history follow from.
    step : how many treatments it has seen; each has random numbers of its own.
    """

    side: float
    positions: NDArray[np.float64]
    kind: NDArray[np.int8]
    diameters: tuple[float, float]
    oxide: Oxide
    seed: int
    step: int = 0

    @property
    def radii(self) -> NDArray[np.float64]:
        """(N,), m."""
        return 0.5 * np.asarray(self.diameters)[self.kind]

    def number(self, kind: int) -> int:
        """How many molecules of a kind there are."""
        return int(np.count_nonzero(self.kind == kind))

    def areal_density(self, kind: int) -> float:
        """Molecules of a kind per m^2."""
        return self.number(kind) / self.side**2

    @property
    def packing(self) -> float:
        """Share of the area under molecules' discs."""
        return float(np.sum(math.pi * self.radii**2)) / self.side**2

    def map(self, pixel: float = PIXEL, probe: float = PROBE) -> NDArray[np.int8]:
        """(P, P) int8, row y and column x: 0 bare, 1 SAM, 2 additive, at points about `pixel` apart."""
        from perotwin.recipe import hole_kernels

        _check_probe(self, pixel, probe)
        pixels = max(round(self.side / pixel), 1)
        return hole_kernels.classify(self.positions, self.radii, self.kind, 0.5 * probe, self.side, pixels)

    @cached_property
    def surface(self) -> Surface:
        """What the patch shows to the usual probe; `survey` asks with others."""
        return survey(self)

    @property
    def coverage(self) -> float:
        """Share of the area that belongs to the SAM."""
        return self.surface.coverage

    @property
    def compensated(self) -> float:
        """Share of the area that belongs to the additive."""
        return self.surface.compensated

    @property
    def bare_fraction(self) -> float:
        """Share of the area that is bare."""
        return self.surface.bare_fraction

    @property
    def hole_diameters(self) -> NDArray[np.float64]:
        """Largest circle that fits in each hole, m."""
        return self.surface.hole_diameters

    @property
    def patch_size(self) -> float:
        """Correlation length of the bare area, m."""
        return self.surface.patch_size


def survey(patch: Patch, pixel: float = PIXEL, probe: float = PROBE) -> Surface:
    """What a patch shows to a probe of some diameter (m), at points about `pixel` (m) apart.

    Every point is decided exactly, so shares have the sampling error of a raster alone; hole diameters do not depend
    on it.
    """
    from perotwin.recipe import hole_kernels

    shown = patch.map(pixel, probe)
    bare = shown == BARE
    shares = np.bincount(shown.ravel(), minlength=3) / shown.size
    pitch = patch.side / shown.shape[0]
    if patch.positions.shape[0] == 0:
        holes = np.array([[0.5, 0.5, 1.0]]) * patch.side
    else:
        holes = hole_kernels.largest_circles(patch.positions, patch.radii, patch.side, bare, 0.5 * probe)
        holes[:, :2] %= patch.side
        holes[:, 2] *= 2.0
    return Surface(
        map=shown,
        pixel=pitch,
        probe=probe,
        coverage=float(shares[SAM + 1]),
        compensated=float(shares[ADDITIVE + 1]),
        bare_fraction=float(shares[BARE]),
        holes=holes,
        patch_size=_correlation_length(bare, pitch),
    )


def _correlation_length(mask: NDArray[np.bool_], pitch: float) -> float:
    """Where the autocovariance of a periodic mask, averaged over directions, has fallen to 1/e; nan if it is flat."""
    from scipy import fft

    share = mask.mean()
    if share in (0.0, 1.0):
        return math.nan
    cells = mask.shape[0]
    spectrum = fft.rfft2(mask - share)
    covariance = fft.irfft2(spectrum.real**2 + spectrum.imag**2, s=mask.shape)
    step = np.minimum(np.arange(cells), cells - np.arange(cells))
    distance = np.rint(np.hypot(step[:, None], step)).astype(np.int64)
    total = np.bincount(distance.ravel(), covariance.ravel())
    radial = (total / np.bincount(distance.ravel()))[: cells // 2 + 1] / covariance[0, 0]
    below = np.flatnonzero(radial < math.exp(-1.0))
    if below.size == 0:
        return 0.5 * cells * pitch
    i = int(below[0])
    # Between ring i - 1 and ring i a straight line; ring 0 is the point itself.
    return float((i - 1 + (radial[i - 1] - math.exp(-1.0)) / (radial[i - 1] - radial[i])) * pitch)


def _check_probe(patch: Patch, pixel: float, probe: float) -> None:
    for name, value in (("pixel", pixel), ("probe", probe)):
        if not (math.isfinite(value) and 0.0 < value <= patch.side):
            raise InputError(
                f"a {name} of {value:g} m does not suit a patch with a side of {patch.side:g} m.",
                "Give a length above zero and below the side.",
                key=name,
            )
    widest = 2.0 * float(np.max(patch.radii, initial=0.0))
    if 3.0 * (widest + 2.0 * probe) > 2.0 * patch.side:
        raise InputError(
            f"the patch (side {patch.side:g} m) is too small for a probe of {probe:g} m between its molecules.",
            "Use a smaller probe or a larger patch.",
            key="probe",
        )
