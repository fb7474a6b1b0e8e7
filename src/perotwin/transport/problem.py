"""A cell made ready to be solved, and how it falls into junctions and areas: what `transport.build` makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.stack import Cell, Stack, Tandem
from perotwin.transport.circuit import Circuit, Light
from perotwin.transport.junction import Junction
from perotwin.transport.mesh import Like, Mesh

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.optics import Absorption

__all__ = ["Group", "Problem"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """What lies between two nodes of the circuit: a junction of the cell, as one part or as several columns.

    Attributes:
        name: of the junction; nothing in a cell of one junction.
        parts: their numbers.
    """

    name: str
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Problem:
    """A cell made ready to be solved.

    Attributes:
        stack: the cell.
        parts: its junctions, columns one after the other. names: of each, by the prefix of its field paths; nothing for
            the only one.
        groups: the parts of each junction of the cell, in the order of light.
        circuit: that joins them.
        lights: that one part makes for another.
        absorption: what the optics gave, over the whole area; None where no light was asked for.
        checks: of the light of the whole, besides those of its parts.
        notes: remarks that a reader of the result must see.
        homes: key of `stack.stacks` that each part is of: several are of one whose faces are uneven.
        finer: how many times as many areas stand for an uneven face as are estimated to be enough.
    """

    stack: Cell
    parts: tuple[Junction, ...]
    names: tuple[str, ...]
    groups: tuple[Group, ...]
    circuit: Circuit
    lights: tuple[Light, ...] = ()
    absorption: Absorption | None = None
    checks: Checks | None = None
    notes: tuple[str, ...] = ()
    lit: Cell | None = None
    homes: tuple[str, ...] = ()
    finer: float = 1.0

    @cached_property
    def films(self) -> tuple[int, ...]:
        """Numbers of the parts that have a film: all but what lies in pinholes."""
        return tuple(number for number, part in enumerate(self.parts) if part.stack.absorbers)

    @cached_property
    def typical(self) -> dict[str, int]:
        """By key of `stack.stacks` (of junctions that are one mesh, joined by "+"), the part of the largest area."""
        found: dict[str, int] = {}
        for number, home in enumerate(self.homes or self.names):
            if self.films and number not in self.films:
                continue
            if home not in found or self.areas[number] > self.areas[found[home]]:
                found[home] = number
        return found

    @property
    def vt(self) -> float:
        """kT/q, V."""
        return self.parts[0].vt

    @property
    def lit_cell(self) -> Cell:
        """The cell that light falls on, which may be more than the one that is solved."""
        return self.stack if self.lit is None else self.lit

    @cached_property
    def areas(self) -> F64:
        """(D,) fractions of the cell's area that the parts have."""
        return np.array([column.area for column in self.circuit.columns])

    @cached_property
    def sites(self) -> tuple[slice, ...]:
        """Where each part's sites lie among those of all."""
        ends = np.cumsum([0, *(part.generation.size for part in self.parts)]).tolist()
        return tuple(slice(a, b) for a, b in pairwise(ends))

    @property
    def generation(self) -> F64:
        """(S,) pairs per area of each part, time and site at 1 sun, part after part (m^-2 s^-1)."""
        return np.concatenate([part.generation for part in self.parts])

    @cached_property
    def site_areas(self) -> F64:
        """(S,) fraction of the cell's area that each site's part has."""
        each = zip(self.parts, self.areas, strict=True)
        return np.concatenate([np.full(part.generation.size, area) for part, area in each])

    @cached_property
    def junction_sites(self) -> dict[str, tuple[slice, ...]]:
        """Sites of each junction of a tandem by name, in each of its columns, among those of all parts."""
        found: dict[str, tuple[slice, ...]] = {}
        for group in self.groups:
            part = self.parts[group.parts[0]]
            if part.halves:
                here = self.sites[group.parts[0]]
                ends = (here.start, *(here.start + site + 1 for site in part.between), here.stop)
                halves = zip(part.halves, pairwise(ends), strict=True)
                found |= {name: (slice(first, last),) for name, (first, last) in halves}
            elif group.name:
                found[group.name] = tuple(self.sites[number] for number in group.parts)
        return found

    @property
    def photocurrents(self) -> dict[str, float]:
        """Pairs generated at 1 sun in each junction of a tandem, as a current per area of the cell (A m^-2)."""
        made = self.generation * self.site_areas
        return {
            name: Q * sum(float(made[here].sum()) for here in places)
            for name, places in self.junction_sites.items()
        }

    def _covered(self, group: Group) -> tuple[int, ...]:
        """The parts of a group that have a film."""
        return tuple(part for part in group.parts if part in self.films)

    def _widest(self, group: Group) -> int:
        """The part of the largest area in a group that has a film; among equal ones the first by name."""
        return min(
            self._covered(group) or group.parts, key=lambda part: (-float(self.areas[part]), self.names[part])
        )

    @cached_property
    def inside(self) -> dict[str, int]:
        """What lies along x, front first: by the junction's name, the part of the largest area."""
        return {group.name: self._widest(group) for group in self.groups}

    @property
    def shown(self) -> Junction:
        """The part whose inside stands for the cell's: of several junctions, of the one that limits the current."""
        return self.parts[self.shown_number]

    @property
    def shown_number(self) -> int:
        """Its number."""
        limiting = min(range(len(self.groups)), key=lambda g: self._photocurrents[g])
        return self._widest(self.groups[limiting])

    @property
    def shown_as(self) -> str:
        """What the fields along x are those of, in words; nothing where they are those of the whole cell."""
        words = []
        for group in self.groups:
            if len(self._covered(group)) > 1:
                part = self._widest(group)
                column = self.names[part].removeprefix(f"{group.name}.")
                of = f" of the {group.name}" if group.name else ""
                words.append(f"column {column}{of}, {float(self.areas[part]):.4g} of the area")
        return " and ".join(words)

    @cached_property
    def _photocurrents(self) -> list[float]:
        return [
            sum(float(self.areas[part]) * self.parts[part].photocurrent for part in group.parts)
            for group in self.groups
        ]

    @property
    def photocurrent(self) -> float:
        """Pairs generated at 1 sun in the junction that has fewest, as a current (A m^-2)."""
        return min(self._photocurrents)

    @property
    def photocurrent_scale(self) -> float:
        """What currents of the cell are small against, at 1 sun (A m^-2): the least photocurrent of its junctions, or
        the largest where one of them is dark.
        """
        return self.photocurrent or max(self._photocurrents)

    @property
    def ions_settle(self) -> bool:
        """Whether there are ions that re-equilibrate at each point."""
        return any(part.device.ion.shape[0] > 0 for part in self.parts)

    @property
    def isolated(self) -> bool:
        """Whether it is a sample without contacts: nothing passes at its ends, and it has no terminal voltage."""
        return any(part.isolated for part in self.parts)

    @property
    def geometric_capacitance(self) -> float:
        """Of columns side by side, junctions one behind the other, F m^-2."""
        each = [
            sum(float(self.areas[part]) * self.parts[part].geometric_capacitance for part in group.parts)
            for group in self.groups
        ]
        return 1.0 / sum(1.0 / one for one in each)

    @property
    def highest_voltage(self) -> float:
        """V, above all that light can make."""
        return sum(max(self.parts[part].highest_voltage for part in group.parts) for group in self.groups)

    @property
    def meshes(self) -> Like:
        """Its meshes, to be stretched to other thicknesses."""
        found: dict[tuple[str, ...], tuple[Mesh, ...]] = {}
        for part in self.parts:
            for one in (part, *part.apart):
                key = (one.stack.name, *(layer.name for layer in one.stack.electrical_layers))
                known = found.get(key, ())
                if all(one.mesh is not mesh for mesh in known):
                    found[key] = (*known, one.mesh)
        return Like(found)

    def all_moving(self) -> Problem:
        """The same with every ion mobile, whatever its steady response."""
        return replace(self, parts=tuple(part.all_moving() for part in self.parts))

    def relit(self, generation: F64) -> Problem:
        """The same with other pairs made in it.

        Args:
            generation: (S,) per area of each part, time and site at 1 sun, part after part, m^-2 s^-1.
        """
        parts = (
            replace(part, generation=np.ascontiguousarray(generation[here]))
            for part, here in zip(self.parts, self.sites, strict=True)
        )
        return replace(self, parts=tuple(parts))

    def group(self, number: int) -> Problem:
        """One junction of the cell by itself, lit as it is in the cell, with its own shunt.

        What is in series with others, and the light that one makes in another, are not part of it.
        """
        group = self.groups[number]
        cells = self.stack.cells if isinstance(self.stack, Tandem) else {}
        stack: Cell = self.parts[group.parts[0]].stack
        if group.name in cells or isinstance(self.stack, Stack):
            stack = cells.get(group.name, self.stack)
        return self._alone(stack, group.name, group.parts, self.circuit.group(number))

    def part(self, number: int) -> Problem:
        """One part by itself, with the resistances of its own column."""
        name = (self.homes or self.names)[number]
        return self._alone(self.parts[number].stack, name, (number,), self.circuit.column(number))

    def _alone(self, stack: Cell, name: str, parts: tuple[int, ...], circuit: Circuit) -> Problem:
        own = dict(zip(parts, range(len(parts)), strict=True))
        inside = tuple(
            replace(one, emitter=own[one.emitter], receiver=own[one.receiver])
            for one in self.lights
            if one.emitter in own and one.receiver in own
        )
        names = tuple(self.names[part] for part in parts) if len(parts) > 1 else ("",)
        return Problem(
            stack=stack,
            parts=tuple(self.parts[part] for part in parts),
            names=names,
            groups=(Group("", tuple(range(len(parts)))),),
            circuit=circuit,
            lights=inside,
            absorption=_together([self.parts[part].absorption for part in parts]),
            homes=tuple(
                (self.homes or self.names)[part].removeprefix(name).removeprefix(".") for part in parts
            ),
        )


def _together(found: Sequence[Absorption | None]) -> Absorption | None:
    """What columns under one light absorb, their sites one after another; None where that is not known."""
    lit = [one for one in found if one is not None]
    if len(lit) < len(found) or any(one.wavelength.size != lit[0].wavelength.size for one in lit):
        return None
    if len(lit) == 1:
        return lit[0]
    return replace(
        lit[0],
        faces=np.zeros(0),
        generation=np.concatenate([one.generation for one in lit]),
        spectral=np.concatenate([one.spectral for one in lit], axis=1),
    )
