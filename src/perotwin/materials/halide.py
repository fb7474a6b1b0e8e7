"""A halide perovskite of any bandgap from 1.1 to 2.4 eV.

Few compositions have been measured. For a bandgap between two of them both dielectric functions are shifted
in energy until their edges meet the wanted one, and then blended; beyond the first and the last one alone is
shifted. A shift of all energies of a model keeps Kramers-Kronig, and so does the weighted sum.

`bandgap` is the inflection of a cell's EQE. Interference moves that inflection against the edge of the
material by up to 25 meV, depending on the thickness of the film and on what surrounds it; a material cannot
know its cell, so the map from bandgap to edge in the library file holds for one cell, the one it names, and
other cells report what theirs is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from perotwin.errors import InputError, OutOfRangeError
from perotwin.materials import BANDGAPS, URBACH_ENERGY
from perotwin.materials.dielectric import DielectricFunction
from perotwin.materials.models import Blend

__all__ = ["HalideTables", "Part", "at_edge", "blend", "measured"]

#: Distance (eV) from a measured composition, beyond the ends or in a wide gap, that counts as extrapolation.
_NEAR = 0.015

#: Edges of neighbouring compositions further apart than this (eV) leave a gap that nothing measured fills.
_WIDE = 0.2

#: Edges further apart than this (eV) are of compositions so unlike that near each its own constants rule.
_FAR = 0.4


@dataclass(frozen=True)
class Part:
    """One measured composition: `edge` (eV) is the inflection of the light that 450 nm of it absorb in two
    passes.
    """

    name: str
    edge: float
    range: tuple[float, float]
    function: DielectricFunction


@dataclass(frozen=True)
class HalideTables:
    """The measured compositions by ascending edge, and the map from bandgap to edge (both eV) with the cell
    it holds for.
    """

    parts: tuple[Part, ...]
    bandgap: Sequence[float]
    edge: Sequence[float]
    cell: str

    def edge_of(self, bandgap: float) -> float:
        """Edge (eV) of the material that gives the reference cell the EQE inflection `bandgap` (eV)."""
        return float(np.interp(bandgap, self.bandgap, self.edge))

    def bandgap_of(self, edge: float) -> float:
        """EQE inflection (eV) of the reference cell with a material of the edge `edge` (eV)."""
        return float(np.interp(edge, self.edge, self.bandgap))

    @cached_property
    def measured(self) -> tuple[tuple[float, float], ...]:
        """Ranges of bandgaps (eV, to two decimals) in which tables stand or have near neighbours on both sides."""
        ranges: list[list[float]] = []
        for part in self.parts:
            gap = self.bandgap_of(part.edge)
            low, high = round(gap - _NEAR, 2), round(gap + _NEAR, 2)
            if ranges and gap - ranges[-1][1] <= _WIDE:
                ranges[-1][1] = high
            else:
                ranges.append([low, high])
        return tuple((low, high) for low, high in ranges)

    @property
    def coverage(self) -> str:
        """Which bandgaps are measured and what happens to the others, as the one sentence that says so everywhere."""
        ranges = [f"{low:.2f} to {high:.2f}" for low, high in self.measured]
        return (
            f"tables of halide perovskites exist for bandgaps of {', '.join(ranges[:-1])} and {ranges[-1]} eV; between "
            "and beyond these the constants are extrapolated: the nearest tables are moved in energy."
        )

    def is_measured(self, bandgap: float) -> bool:
        """Whether a bandgap (eV) lies in one of the ranges that `coverage` names."""
        return any(low - 1e-9 <= bandgap <= high + 1e-9 for low, high in self.measured)


def blend(
    tables: HalideTables, bandgap: float, urbach_energy: float, *, source: str, extrapolate: bool = False
) -> Blend:
    """The optical model of a halide perovskite.

    Parameters
    ----------
    bandgap : EQE inflection of the cell, eV, 1.1 to 2.4.
    urbach_energy : eV, > 0.

    Raises
    ------
    OutOfRangeError : a bandgap outside 1.1 to 2.4 eV.
    InputError : an Urbach energy that is not positive.
    """
    low, high = BANDGAPS
    # a cell at another temperature than its bandgap's moves a little beyond the ends
    if not low - 0.05 <= bandgap <= high + 0.05:
        raise OutOfRangeError(
            f"the halide perovskite of the library exists for bandgaps from {low:g} to {high:g} eV, not "
            f"{bandgap:g} eV.",
            'Choose a bandgap in that range, or give a table: material = { kind = "table", path = "..." }.',
        )
    if urbach_energy <= 0:
        raise InputError(
            f"an Urbach energy of {urbach_energy:g} eV is not positive.",
            'Give "15 meV", say.',
            key="urbach_energy",
        )
    offset = bandgap - min(max(bandgap, low), high)
    made = at_edge(
        tables,
        tables.edge_of(bandgap) + offset,
        urbach_energy,
        name=f"halide perovskite of {bandgap:.4g} eV",
        source=source,
        extrapolate=extrapolate,
    )
    if tables.is_measured(bandgap):
        return made
    return replace(made, notes=(f"optical constants of the {made.name} are extrapolated: {tables.coverage}",))


def measured(part: Part, urbach_energy: float = URBACH_ENERGY) -> Blend:
    """A measured composition as it is, with an Urbach tail (eV) below its edge, over the range of its table."""
    return Blend(
        name=part.name,
        source=part.name,
        range=part.range,
        parts=((1.0, part.function),),
        urbach_energy=urbach_energy,
    )


def at_edge(
    tables: HalideTables,
    edge: float,
    urbach_energy: float,
    *,
    name: str,
    source: str,
    extrapolate: bool = False,
) -> Blend:
    """The blend whose common edge lies at `edge` (eV), before any cell is thought of."""
    edges = [part.edge for part in tables.parts]
    above = int(np.searchsorted(edges, edge))
    if above == 0:
        used = [(1.0, tables.parts[0])]
    elif above == len(edges):
        used = [(1.0, tables.parts[-1])]
    else:
        below = tables.parts[above - 1]
        weight = (edge - below.edge) / (edges[above] - below.edge)
        if edges[above] - below.edge > _FAR:
            weight *= weight * (3 - 2 * weight)
        used = [(1 - weight, below), (weight, tables.parts[above])]
    shifted = tuple((weight, part.function.shifted(edge - part.edge)) for weight, part in used if weight > 0)
    return Blend(
        name=name,
        source=source,
        range=(max(part.range[0] for _, part in used), min(part.range[1] for _, part in used)),
        extrapolate=extrapolate,
        parts=shifted,
        urbach_energy=urbach_energy,
    )
