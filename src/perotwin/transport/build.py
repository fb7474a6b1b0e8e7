"""From a cell to what is solved: its junctions on their meshes, the circuit that joins them, the light between them.

    problem = build(cell)
    states = Solver(problem).sweep([0.0, 0.5], 1.0)

One stack is one junction, columns are several side by side, a tandem is two or three one behind the other. Two
junctions that traps join without a metal share their potential: they are one mesh, and two halves of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.stack import Cell, Parallel, Separate, Stack, Tandem, Traps, pinholes
from perotwin.stack.face_areas import Area, areas, averaged, uneven
from perotwin.transport.circuit import Circuit, Column, Light
from perotwin.transport.coupled_light import Place, crossing, merged, within
from perotwin.transport.joints import inner_contact, traps_between
from perotwin.transport.junction import Junction, build_junction, mesh_of
from perotwin.transport.mesh import DENSITY, Like, Mesh
from perotwin.transport.plausibility import remarks
from perotwin.transport.problem import Group, Problem

if TYPE_CHECKING:
    from perotwin.optics import Absorption
    from perotwin.optics.tandem import Parts

__all__ = ["Group", "Problem", "build", "with_ideal_joints"]

F64 = NDArray[np.float64]

#: what must be known of a sample without contacts
_ISOLATED = (
    "a sample without contacts: no carrier passes at its ends, no metal holds its potential, and a bare surface loses "
    "nothing. It has one state in each light, in which all that is generated recombines inside it."
)


#: what is left out of one whose faces are uneven
_AVERAGED = (
    "the faces of this sample are uneven; without contacts nothing joins their areas, and they are taken as even: mean "
    "dipole, mean levels."
)
#: what is left out of one with pinholes
_COVERED = (
    "the film of this sample has pinholes; without contacts nothing joins what lies in them to the film, and they are "
    "left out."
)


def build(
    cell: Cell,
    *,
    light: bool = True,
    density: float | Like = DENSITY,
    mesh: Mesh | None = None,
    finer: float = 1.0,
) -> Problem:
    """Make a cell ready to be solved.

    Args:
        cell: one stack, several side by side, or two or three junctions one behind the other.
        light: whether generation is needed; False saves the optics of a purely dark measurement.
        density: of the meshes (see `mesh.graded`), or meshes of another problem to be stretched (`mesh.Like`).
        mesh: of a stack, one's own, for convergence studies.
        finer: how many times as many areas stand for an uneven face as are estimated to be enough.

    Raises:
        InputError: a stack without electrical layers, a number that cannot be at its temperature, columns or junctions
            that cannot be one cell; four terminals of which none are chosen.
    """
    if not isinstance(cell, Stack):
        _refuse_isolated(cell)
    problem = _built(cell, light, density, mesh, finer)
    return replace(problem, notes=(*problem.notes, *remarks(problem)), finer=finer)


def _refuse_isolated(cell: Cell) -> None:
    """Refuse columns and junctions that carriers can neither enter nor leave."""
    for name, stack in cell.stacks.items():
        if stack.isolated:
            raise InputError(
                f'no carrier passes at either end of "{name}", so that it can be no part of a circuit.',
                "Give one of its contacts a surface recombination velocity above zero, or take the film by itself.",
                key=f"{name}.contact",
            )


def _built(cell: Cell, light: bool, density: float | Like, mesh: Mesh | None, finer: float) -> Problem:
    if isinstance(cell, Parallel):
        return _columns(cell, light, density, finer)
    if isinstance(cell, Tandem):
        if isinstance(cell.junction, Separate):
            return _at_own_terminals(cell, light, density, finer)
        return _tandem(cell, light, density, finer)
    notes: tuple[str, ...] = ()
    lone = cell
    if cell.isolated:
        notes, lone = (_ISOLATED,), averaged(cell)
        notes += (_AVERAGED,) * bool(uneven(cell)) + (_COVERED,) * bool(pinholes.share(cell))
    found = _areas("", lone, finer)
    first = build_junction(found[0].stack, density=density, mesh=mesh, light=light)
    return _stack(cell, _others(first, found, density), found, notes)


def _areas(name: str, stack: Stack, finer: float) -> tuple[Area, ...]:
    """The areas of a stack whose faces are even; as many as before where a field of it varies."""
    from perotwin.optics.grids import kept

    return areas(
        stack,
        finer=finer,
        decided=lambda key, make: kept(("nodes of a distribution", name, finer, *key), make),
    )


def _others(first: Junction, found: Sequence[Area], density: float | Like) -> tuple[Junction, ...]:
    """The first area made ready, and the others: light sees no difference between those that have a film."""
    optics = (first.absorption, first.emission)
    prefix = first.layers[0].removesuffix(first.stack.electrical_layers[0].name)
    made = [first]
    for one in found[1:]:
        if one.stack.absorbers:
            made.append(build_junction(one.stack, mesh=first.mesh, optics=optics, prefix=prefix))
            continue
        own = mesh_of(one.stack, density)
        film = [layer.name for layer in first.stack.absorbers]
        dark = (_unlit(first.absorption, film, own), first.emission)
        bare = build_junction(one.stack, mesh=own, optics=dark, prefix=prefix)
        made.append(replace(bare, emission=None))
    return tuple(made)


def _unlit(absorption: Absorption | None, film: Iterable[str], mesh: Mesh) -> Absorption | None:
    """Light that makes nothing where the film is missing."""
    if absorption is None:
        return None
    count = mesh.sites.size
    return replace(
        _missing(absorption, dict.fromkeys(film, 1.0)),
        faces=mesh.control_faces,
        generation=np.zeros(count),
        spectral=np.zeros((absorption.wavelength.size, count)),
        checks={},
        notes=(),
    )


def _missing(absorption: Absorption, shares: Mapping[str, float]) -> Absorption:
    """The same with layers that lack shares of the area: what they would have absorbed there is reflected."""
    there = np.array([1.0 - shares.get(name, 0.0) for name in absorption.layers])[:, None]
    absorptance = there * absorption.absorptance
    return replace(
        absorption,
        reflectance=absorption.reflectance + (absorption.absorptance - absorptance).sum(axis=0),
        absorptance=absorptance,
    )


def _resistances(stack: Stack, area: float = 1.0) -> Column:
    return Column(area, float(stack.circuit.series_resistance), stack.circuit.shunt)


def _stack(
    stack: Stack,
    parts: tuple[Junction, ...],
    found: Sequence[Area],
    notes: tuple[str, ...] = (),
    lit: Cell | None = None,
    lights: tuple[Light, ...] | None = None,
) -> Problem:
    """A cell of one junction, whose faces may be uneven: its areas side by side behind one series resistance."""
    whole = _resistances(stack)
    columns = tuple(Column(one.share, 0.0, whole.shunt) for one in found)
    alone = len(parts) == 1
    return Problem(
        stack=stack,
        parts=parts,
        names=("",) if alone else tuple(one.name or "film" for one in found),
        groups=(Group("", tuple(range(len(parts)))),),
        circuit=Circuit(((whole,),)) if alone else Circuit((columns,), whole.series),
        lights=merged(within(parts)) if lights is None else lights,
        absorption=parts[0].absorption if alone else _mean([stack] * len(parts), found, parts),
        checks={},
        notes=(*notes, *(() if alone else (_told(stack, found),)), *parts[0].notes),
        lit=lit,
        homes=("",) * len(parts),
    )


def _told(stack: Stack, found: Sequence[Area]) -> str:
    """What a reader must know of a stack that is not the same everywhere."""
    words = []
    bare = pinholes.holed(stack)
    if uneven(stack):
        count = len(found) - (bare is not None)
        words.append(f"{', '.join(uneven(stack))} is uneven: {count} areas of even faces")
    if bare is not None:
        front, back = pinholes.neighbours(stack, bare)
        words.append(
            f"{bare.name} has pinholes, in which {front.name} and {back.name} touch ({found[-1].share:.4%})"
        )
    return (
        f"{', and '.join(words)}; they lie side by side at one voltage, behind one series resistance. Currents and "
        "losses are those of all, and nothing flows from one area into the next."
    )


def _mean(stacks: Sequence[Stack], found: Sequence[Area], parts: Sequence[Junction]) -> Absorption | None:
    """What stacks side by side absorb, per area of the whole; None without light."""
    lit = [part.absorption for part in parts if part.absorption is not None]
    if len(lit) < len(parts):
        return None
    from perotwin.optics.parallel import mixed, refuse_unlike_suns

    refuse_unlike_suns(lit)
    return mixed(stacks, [one.share for one in found], lit)


def _columns(cell: Parallel, light: bool, density: float | Like, finer: float) -> Problem:
    """Stacks side by side at one terminal voltage, each with its own circuit."""
    parts: list[Junction] = []
    found: list[Area] = []
    homes: list[str] = []
    for column in cell.column:
        own = _areas(column.name, column.stack, finer)
        parts += _others(build_junction(own[0].stack, density=density, light=light), own, density)
        area = float(column.area)
        found += [
            replace(one, name=", ".join(filter(None, (column.name, one.name))), share=area * one.share)
            for one in own
        ]
        homes += [column.name] * len(own)
    names = tuple(one.name for one in found)
    _same_side(parts, names)
    listed = ", ".join(f"{one.name} {float(one.area):.4g}" for one in cell.column)
    header = (
        f"{len(cell.column)} columns side by side at one terminal voltage (fractions of the area: {listed}); currents "
        "and losses are those of the whole area, each column has its own series and shunt resistance, times its "
        "own area. Nothing flows from one column into the next."
    )
    spread = [
        _told(one.stack, own) for one in cell.column if len(own := _areas(one.name, one.stack, finer)) > 1
    ]
    if any(pinholes.share(one.stack) > 0.0 for one in cell.column):
        spread.append(
            "In columns side by side a series resistance lies in front of the film alone: pinholes beside it are at "
            "the voltage of the terminals and take less than behind one resistance."
        )
    return Problem(
        stack=cell,
        parts=tuple(parts),
        names=names,
        groups=(Group("", tuple(range(len(parts)))),),
        circuit=Circuit((tuple(_resistances(one.stack, one.share) for one in found),)),
        lights=merged(within(parts)),
        absorption=_mean([one.stack for one in found], found, parts),
        checks={},
        notes=(header, *spread, *_named(names, parts)),
        homes=tuple(homes),
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


def _tandem(tandem: Tandem, light: bool, density: float | Like, finer: float) -> Problem:
    found = _optics(tandem, light, density)
    parts: list[Junction] = []
    names: list[str] = []
    groups: list[Group] = []
    columns: list[tuple[Column, ...]] = []
    homes: list[str] = []
    in_series: list[float] = []
    spread: list[str] = []
    missing: dict[str, float] = {}
    places: dict[str, list[Place]] = {}
    for run in _runs(tandem):
        first = len(parts)
        if len(run) > 1:
            stack = traps_between(tandem, run)
            optics = (_absorbed(found, run, light), found.emission)
            built = build_junction(stack, density=density, optics=optics)
            sizes = [mesh_of(tandem.stacks[name], density).sites.size for name in run]
            starts = np.cumsum([0, *sizes]).tolist()
            _refuse_uneven(tandem, run)
            places |= {name: [Place(first, at)] for name, at in zip(run, starts, strict=False)}
            between = tuple(at - 1 for at in starts[1:-1])
            halves = tuple(
                _between_contacts(
                    tandem, name, inner_contact(tandem, name, tandem.stacks[name]), name, found, density
                )
                for name in run
            )
            parts.append(replace(built, halves=run, between=between, apart=halves))
            names.append("+".join(run))
            homes.append(names[-1])
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
            own = _areas(name, stack, finer)
            places[name] = _lit(own, len(parts))
            own = tuple(replace(one, stack=inner_contact(tandem, which, one.stack)) for one in own)
            parts += _others(
                _between_contacts(tandem, which, own[0].stack, name, found, density), own, density
            )
            names += [f"{name}.{one.name}" if one.name else name for one in own]
            homes += [name] * len(own)
            each = [_resistances(one.stack, area * one.share) for one in own]
            if len(own) > 1:
                spread.append(f"{name}: {_told(stack, own)}")
                for layer in stack.absorbers:
                    called = f"{which} {layer.name}"
                    missing[called] = missing.get(called, 0.0) + area * pinholes.share(stack)
                if isinstance(cell, Stack):
                    in_series.append(each[0].series)
                    each = [replace(one, series=0.0) for one in each]
            here += each
        columns.append(tuple(here))
        groups.append(Group(which, tuple(range(first, len(parts)))))
    _same_side(parts, names)
    series = sum(
        [float(joint.resistance) for joint in tandem.joints if joint.kind == "resistive"], sum(in_series)
    )
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
        lights=merged(crossing(found, places, parts)),
        absorption=_of_parts(found, parts, missing) if spread else found.whole,
        checks={name: row for one in told for name, row in one.checks.items()},
        notes=(*notes, *spread, *_named(names, parts, notes)),
        homes=tuple(homes) if len(parts) > 1 else ("",),
    )


def _lit(found: Sequence[Area], first: int = 0) -> list[Place]:
    """Where the areas of a stack that have a film are solved, the first of them as part `first`."""
    return [Place(first + k, 0, one.share) for k, one in enumerate(found) if one.stack.absorbers]


def _of_parts(found: Parts, parts: Sequence[Junction], missing: Mapping[str, float]) -> Absorption | None:
    """What the whole absorbs, its intervals those of all parts one after the other; layers lack some of the area."""
    whole = found.whole
    if whole is None:
        return None
    return replace(
        _missing(whole, missing),
        faces=np.zeros(0),
        generation=np.concatenate([part.generation for part in parts]),
        spectral=np.zeros((whole.wavelength.size, 0)),
    )


def _refuse_uneven(tandem: Tandem, run: Sequence[str]) -> None:
    """Refuse areas in junctions that share their potential: they would be those of both."""
    for name in run:
        stack = tandem.stacks[name]
        bare = pinholes.holed(stack)
        fields = [*uneven(stack), *([] if bare is None else [f"{bare.name}.pinholes"])]
        if fields:
            raise InputError(
                f"{', '.join(fields)} of the {name} junction makes its area uneven, but {' and '.join(run)} are one "
                "mesh, because traps join them without a metal.",
                'Join them with junction = "ideal" or "resistive", or give the traps a metal.',
                file=f'tandem "{tandem.name}"',
                key=f"{name}.{fields[0]}",
            )


def _between_contacts(
    tandem: Tandem, which: str, stack: Stack, name: str, found: Parts, density: float | Like
) -> Junction:
    """A stack of a junction, called by the prefix of its field paths, whose contacts are those of its joints."""
    optics = (found.absorption[name], found.emissions[name])
    return build_junction(stack, density=density, optics=optics, prefix=f"{which} ")


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


def _at_own_terminals(tandem: Tandem, light: bool, density: float | Like, finer: float) -> Problem:
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
    alike = _areas(which, stack, finer)
    part = build_junction(alike[0].stack, density=density, optics=(absorption, emission))
    made = _others(part, alike, density)
    note = (
        f"measured at the terminals of the {which} junction; light that the other junction emits is left out."
    )
    own = [one for one in found.coupling if one.emitter == one.receiver == which]
    places: dict[str, list[Place]] = {which: _lit(alike)}
    lights = merged(crossing(replace(found, coupling=tuple(own)), places, made))
    return _stack(stack, made, alike, (note,), lit=tandem, lights=lights)


def with_ideal_joints(problem: Problem) -> Problem:
    """The same tandem with nothing lost between junctions that traps join: each is a mesh of its own."""
    tandem = problem.stack
    assert isinstance(tandem, Tandem)
    joints = zip(("junction", "lower_junction"), tandem.joints, strict=False)
    values = {key: {"kind": "ideal"} for key, joint in joints if isinstance(joint, Traps)}
    return build(tandem.with_values(values), light=problem.absorption is not None)
