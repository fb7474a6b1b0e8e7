"""From a cell to what is solved: its junctions on their meshes, the circuit that joins them, the light between them.

    problem = build(cell)
    states = Solver(problem).sweep([0.0, 0.5], 1.0)

One stack is one junction, columns are several side by side, a tandem is two or three one behind the other. Two
junctions that traps join without a metal share their potential: they are one mesh, and two halves of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.errors import InputError
from perotwin.stack import Cell, Parallel, Separate, Stack, Tandem, Traps
from perotwin.transport.circuit import Circuit, Column, Light
from perotwin.transport.joints import inner_contact, traps_between
from perotwin.transport.junction import Junction, build_junction, mesh_of
from perotwin.transport.mesh import DENSITY, Like, Mesh
from perotwin.transport.plausibility import remarks

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.optics import Absorption
    from perotwin.optics.tandem import Parts

__all__ = ["Group", "Problem", "build"]

F64 = NDArray[np.float64]

#: what must be known of a sample without contacts
_ISOLATED = (
    "a sample without contacts: no carrier passes at its ends, no metal holds its potential, and a bare surface loses "
    "nothing. It has one state in each light, in which all that is generated recombines inside it."
)


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

    def _widest(self, group: Group) -> int:
        """The part of the largest area in a group; among equal ones the first by name."""
        return min(group.parts, key=lambda part: (-float(self.areas[part]), self.names[part]))

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
            if len(group.parts) > 1:
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
    def largest_photocurrent(self) -> float:
        """The same of the junction that has most: of a cell in which one is dark there is light in another."""
        return max(self._photocurrents)

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

    def with_ideal_joints(self) -> Problem:
        """The same tandem with nothing lost between junctions that traps join: each is a mesh of its own."""
        assert isinstance(self.stack, Tandem)
        keys = ("junction", "lower_junction")
        joints = zip(keys, self.stack.joints, strict=False)
        values = {key: {"kind": "ideal"} for key, joint in joints if isinstance(joint, Traps)}
        return build(self.stack.with_values(values), light=self.absorption is not None)

    def group(self, number: int) -> Problem:
        """One junction of the cell by itself, lit as it is in the cell, with its own shunt.

        What is in series with others, and the light that one makes in another, are not part of it.
        """
        group = self.groups[number]
        cells = self.stack.cells if isinstance(self.stack, Tandem) else {}
        stack = self.parts[group.parts[0]].stack if group.name not in cells else cells[group.name]
        return self._alone(stack, group.parts, self.circuit.group(number))

    def part(self, number: int) -> Problem:
        """One part by itself, with the resistances of its own column."""
        return self._alone(self.parts[number].stack, (number,), self.circuit.column(number))

    def _alone(self, stack: Cell, parts: tuple[int, ...], circuit: Circuit) -> Problem:
        own = dict(zip(parts, range(len(parts)), strict=True))
        within = tuple(
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
            lights=within,
            absorption=_together([self.parts[part].absorption for part in parts]),
        )


def build(
    cell: Cell, *, light: bool = True, density: float | Like = DENSITY, mesh: Mesh | None = None
) -> Problem:
    """Make a cell ready to be solved.

    Args:
        cell: one stack, several side by side, or two or three junctions one behind the other.
        light: whether generation is needed; False saves the optics of a purely dark measurement.
        density: of the meshes (see `mesh.graded`), or meshes of another problem to be stretched (`mesh.Like`).
        mesh: of a stack, one's own, for convergence studies.

    Raises:
        InputError: a stack without electrical layers, a number that cannot be at its temperature, columns or junctions
            that cannot be one cell; four terminals of which none are chosen.
    """
    if not isinstance(cell, Stack):
        _refuse_isolated(cell)
    problem = _built(cell, light, density, mesh)
    return replace(problem, notes=(*problem.notes, *remarks(problem)))


def _refuse_isolated(cell: Cell) -> None:
    """Refuse columns and junctions that carriers can neither enter nor leave."""
    for name, stack in cell.stacks.items():
        if stack.isolated:
            raise InputError(
                f'no carrier passes at either end of "{name}", so that it can be no part of a circuit.',
                "Give one of its contacts a surface recombination velocity above zero, or take the film by itself.",
                key=f"{name}.contact",
            )


def _built(cell: Cell, light: bool, density: float | Like, mesh: Mesh | None) -> Problem:
    if isinstance(cell, Parallel):
        return _columns(cell, light, density)
    if isinstance(cell, Tandem):
        if isinstance(cell.junction, Separate):
            return _at_own_terminals(cell, light, density)
        return _tandem(cell, light, density)
    part = build_junction(cell, density=density, mesh=mesh, light=light)
    notes = (_ISOLATED,) if part.isolated else ()
    return _single(cell, part, notes, lights=_merged(_within([part])))


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


def _resistances(stack: Stack, area: float = 1.0) -> Column:
    shunt = stack.circuit.shunt_resistance
    return Column(area, float(stack.circuit.series_resistance), None if shunt is None else float(shunt))


def _single(
    stack: Stack,
    part: Junction,
    notes: tuple[str, ...] = (),
    lit: Cell | None = None,
    lights: tuple[Light, ...] = (),
) -> Problem:
    return Problem(
        stack=stack,
        parts=(part,),
        names=("",),
        groups=(Group("", (0,)),),
        circuit=Circuit(((_resistances(stack),),)),
        lights=lights,
        absorption=part.absorption,
        checks={},
        notes=(*notes, *part.notes),
        lit=lit,
    )


def _columns(cell: Parallel, light: bool, density: float | Like) -> Problem:
    """Stacks side by side at one terminal voltage, each with its own circuit."""
    parts = tuple(build_junction(one.stack, density=density, light=light) for one in cell.column)
    names = tuple(one.name for one in cell.column)
    areas = [float(one.area) for one in cell.column]
    _same_side(parts, names)
    found = [part.absorption for part in parts]
    absorption = None
    lit = [one for one in found if one is not None]
    if len(lit) == len(found):
        from perotwin.optics.parallel import mixed, refuse_unlike_suns

        refuse_unlike_suns(lit)
        absorption = mixed([one.stack for one in cell.column], areas, lit)
    listed = ", ".join(f"{name} {area:.4g}" for name, area in zip(names, areas, strict=True))
    header = (
        f"{len(parts)} columns side by side at one terminal voltage (fractions of the area: {listed}); currents "
        "and losses are those of the whole area, each column has its own series and shunt resistance, times its "
        "own area. Nothing flows from one column into the next."
    )
    return Problem(
        stack=cell,
        parts=parts,
        names=names,
        groups=(Group("", tuple(range(len(parts)))),),
        circuit=Circuit((tuple(_resistances(one.stack, float(one.area)) for one in cell.column),)),
        lights=_merged(_within(parts)),
        absorption=absorption,
        checks={},
        notes=(header, *_named(names, parts)),
    )


def _named(names: Sequence[str], parts: Sequence[Junction], known: Iterable[str] = ()) -> tuple[str, ...]:
    """The notes of the parts that are not known; those that do not hold for all name their part."""
    notes: list[str] = []
    for name, part in zip(names, parts, strict=True):
        for note in part.notes:
            shared = all(note in other.notes for other in parts)
            words = note if shared or not name else f"{name}: {note}"
            if words not in notes and note not in known:
                notes.append(words)
    return tuple(notes)


def _same_side(parts: Sequence[Junction], names: Sequence[str]) -> None:
    if len({part.device.anode_front for part in parts}) > 1:
        listed = ", ".join(
            f"{name} at the {'front' if part.device.anode_front else 'back'}"
            for name, part in zip(names, parts, strict=True)
        )
        raise InputError(
            f"the parts of the cell do not have their anode on the same side ({listed}), so that they work against "
            "each other.",
            "Turn the layers of one of them round.",
            key=names[-1],
        )


# --- several junctions one behind the other --------------------------------------------------------------------------


def _optics(tandem: Tandem, light: bool, density: float | Like) -> Parts:
    from perotwin.optics.tandem import parts

    unit = tandem if float(tandem.light.intensity) == 1.0 else tandem.with_light(**tandem.light.at_one_sun())
    faces = {name: mesh_of(stack, density).control_faces for name, stack in tandem.stacks.items()}
    return parts(unit, faces, light=light)


def _tandem(tandem: Tandem, light: bool, density: float | Like) -> Problem:
    found = _optics(tandem, light, density)
    parts: list[Junction] = []
    names: list[str] = []
    groups: list[Group] = []
    columns: list[tuple[Column, ...]] = []
    #: part and first site of each element of the cell
    places: dict[str, tuple[int, int]] = {}
    for run in _runs(tandem):
        first = len(parts)
        if len(run) > 1:
            stack = traps_between(tandem, run)
            optics = (_absorbed(found, run, light), found.emission)
            built = build_junction(stack, density=density, optics=optics)
            sizes = [mesh_of(tandem.stacks[name], density).sites.size for name in run]
            starts = np.cumsum([0, *sizes]).tolist()
            places |= {name: (first, at) for name, at in zip(run, starts, strict=False)}
            between = tuple(at - 1 for at in starts[1:-1])
            halves = tuple(
                _between_contacts(tandem, name, tandem.stacks[name], name, found, density) for name in run
            )
            parts.append(replace(built, halves=run, between=between, apart=halves))
            names.append("+".join(run))
            columns.append((_resistances(stack),))
            groups.append(Group(names[-1], (first,)))
            continue
        (which,) = run
        cell = tandem.cells[which]
        elements = {which: (1.0, cell)} if isinstance(cell, Stack) else {}
        if isinstance(cell, Parallel):
            elements = {f"{which}.{one.name}": (float(one.area), one.stack) for one in cell.column}
        here = []
        for name, (area, stack) in elements.items():
            places[name] = (len(parts), 0)
            parts.append(_between_contacts(tandem, which, stack, name, found, density))
            names.append(name)
            here.append(_resistances(stack, area))
        columns.append(tuple(here))
        groups.append(Group(which, tuple(range(first, len(parts)))))
    _same_side(parts, names)
    series = sum(float(joint.resistance) for joint in tandem.joints if joint.kind == "resistive")
    told = [one for one in (found.whole, found.emission) if one is not None]
    notes = list(dict.fromkeys(note for one in told for note in one.notes))
    if len(parts) == 1:
        groups, names = [Group("", (0,))], [""]
    return Problem(
        stack=tandem,
        parts=tuple(parts),
        names=tuple(names),
        groups=tuple(groups),
        circuit=Circuit(tuple(columns), series),
        lights=_merged(_lights(found, places, parts)),
        absorption=found.whole,
        checks={name: row for one in told for name, row in one.checks.items()},
        notes=(*notes, *_named(names, parts, notes)),
    )


def _between_contacts(
    tandem: Tandem, which: str, stack: Stack, name: str, found: Parts, density: float | Like
) -> Junction:
    """A stack of a junction, called by the prefix of its field paths, between its own contacts."""
    ends = inner_contact(tandem, which, stack)
    optics = (found.absorption[name], found.emissions[name])
    return build_junction(ends, density=density, optics=optics, prefix=f"{which} ")


def _runs(tandem: Tandem) -> list[tuple[str, ...]]:
    """Names of the junctions, those together that are one mesh."""
    runs: list[tuple[str, ...]] = []
    for name, joint in zip(tandem.cells, (None, *tandem.joints), strict=True):
        if isinstance(joint, Traps) and joint.metal is None:
            runs[-1] = (*runs[-1], name)
        else:
            runs.append((name,))
    return runs


def _absorbed(found: Parts, run: Sequence[str], light: bool) -> Absorption | None:
    """What junctions of one mesh absorb."""
    each = [found.absorption[name] for name in run]
    if not light or any(one is None for one in each):
        return None
    lit = [one for one in each if one is not None]
    depth = np.cumsum([0.0, *(float(one.faces[-1]) for one in lit)])
    faces = [one.faces[min(n, 1) :] + depth[n] for n, one in enumerate(lit)]
    return replace(
        lit[0],
        faces=np.concatenate(faces),
        generation=np.concatenate([one.generation for one in lit]),
        spectral=np.concatenate([one.spectral for one in lit], axis=1),
    )


def _lights(found: Parts, places: dict[str, tuple[int, int]], parts: Sequence[Junction]) -> Iterable[Light]:
    for one in found.coupling:
        emitter, _ = places[one.emitter]
        receiver, first = places[one.receiver]
        sites = parts[receiver].generation.size
        profile = np.zeros(sites)
        profile[first : first + one.profile.size] = one.profile
        names = [layer.name for layer in parts[emitter].stack.electrical_layers]
        source = one.source if not parts[emitter].halves else f"{one.emitter} {one.source}"
        yield Light(emitter, names.index(source), receiver, one.share, profile)


def _within(parts: Sequence[Junction]) -> Iterator[Light]:
    """The light that absorbers of one stack make for each other, of stacks that are no part of a tandem."""
    for number, part in enumerate(parts):
        if part.emission is None or len(part.emission.films) < 2:
            continue
        from perotwin.optics.luminescent_coupling import within_stack

        names = [layer.name for layer in part.stack.electrical_layers]
        for one in within_stack(part.stack, part.emission, part.mesh.control_faces):
            yield Light(number, names.index(one.source), number, one.share, one.profile)


def _merged(lights: Iterable[Light]) -> tuple[Light, ...]:
    """The same with what a layer sends to all absorbers of one part as one light."""
    found: dict[tuple[int, int, int], Light] = {}
    for one in lights:
        key = (one.emitter, one.layer, one.receiver)
        if key in found:
            share = found[key].share + one.share
            profile = (found[key].share * found[key].profile + one.share * one.profile) / share
            one = replace(one, share=share, profile=profile)
        found[key] = one
    return tuple(found.values())


def _at_own_terminals(tandem: Tandem, light: bool, density: float | Like) -> Problem:
    """The junction of a tandem with four terminals that instruments are connected to, lit as it is in the whole.

    What light the other junction sends it depends on that one's own load and is left out.
    """
    which = tandem.junction.terminals if isinstance(tandem.junction, Separate) else "both"
    if which == "both":
        raise InputError(
            f'"{tandem.name}" has four terminals, and an instrument connects to two.',
            'Choose a junction: tandem.at("top") or tandem.at("bottom"), or in a file junction = '
            '{ kind = "separate", terminals = "top" }.',
            file=f'tandem "{tandem.name}"',
            key="junction.terminals",
        )
    found = _optics(tandem, light, density)
    # checks and notes of the light are the whole's
    absorption, emission = found.absorption[which], found.emissions[which]
    if absorption is not None and found.whole is not None:
        absorption = replace(absorption, checks=found.whole.checks, notes=found.whole.notes)
    if found.emission is not None:
        emission = replace(emission, checks=found.emission.checks, notes=found.emission.notes)
    stack = tandem.stacks[which]
    part = build_junction(stack, density=density, optics=(absorption, emission))
    note = (
        f"measured at the terminals of the {which} junction; light that the other junction emits is left out."
    )
    own = [one for one in found.coupling if one.emitter == one.receiver == which]
    lights = _merged(_lights(replace(found, coupling=tuple(own)), {which: (0, 0)}, [part]))
    return _single(stack, part, (note,), lit=tandem, lights=lights)
