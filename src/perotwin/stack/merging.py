"""Junctions that traps join where their layers touch: one stack, with the traps at the face between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from perotwin.errors import InputError
from perotwin.stack.junction import Junction, Resistive, Traps
from perotwin.stack.parallel import Parallel
from perotwin.stack.parts import Circuit, Contacts, FaceTrap, Interface
from perotwin.stack.stack import Stack

__all__ = ["check", "one_stack"]

_OTHERWISE = "join the junctions by an ideal or a resistive junction, or by traps with a metal"


def check(cells: Mapping[str, Stack | Parallel], joints: Mapping[str, Junction]) -> None:
    """Refuse junctions that are no one stack.

    Args:
        cells: the junctions by name. joints: what joins each to the next, by its key in the file.

    Raises:
        InputError: they are not joined by traps without a metal, or one has columns or a shunt resistance.
    """
    listed = " and ".join(cells)
    for key, joint in joints.items():
        if not isinstance(joint, Traps) or joint.metal is not None:
            kind = "traps with a metal" if isinstance(joint, Traps) else f'a junction of kind "{joint.kind}"'
            raise InputError(
                f"{listed} are joined by {kind}, not by traps where two layers touch, so that they are no one stack.",
                "Solve each junction between its own contacts.",
                key=f"{key}.kind",
            )
    for name, cell in cells.items():
        if isinstance(cell, Parallel):
            raise InputError(
                f"the {name} junction is joined by traps but has columns side by side: a plane of traps couples the "
                "potentials of two layers of the same area.",
                f"{_OTHERWISE.capitalize()}, or look at one of the tandem's columns.",
                key=name,
            )
        if cell.circuit.shunt is not None:
            raise InputError(
                f"the {name} junction is joined by traps but has a shunt resistance: within one stack the shunt has no "
                "node to end on.",
                f"Put the shunt across a cell without a junction of traps, or {_OTHERWISE}.",
                key=f"{name}.circuit.shunt_resistance",
            )


def one_stack(stacks: Mapping[str, Stack], joints: Sequence[Junction], shared: Mapping[str, Any]) -> Stack:
    """The electrical layers of junctions one behind the other as one stack, without shunt.

    Args:
        stacks: the junctions by name. joints: what joins each to the next.
        shared: name, description, source, temperature and light of the stack.

    Returns:
        Outer contacts; the series resistances of the junctions and of `Resistive` joints together; at each inner face
        the dipole and the levels of `Traps`. Layers are called after their junction too, "top niox".
    """
    rows = [
        tuple(one.model_copy(update={"name": f"{name} {one.name}"}) for one in stack.electrical_layers)
        for name, stack in stacks.items()
    ]
    known = {layer.name for row in rows for layer in row}
    faces: dict[str, Interface] = {}
    for name, stack in stacks.items():
        for key, face in stack.interface.items():
            called = [f"{name} {layer}" for layer in key.split("|")]
            if known.issuperset(called):
                faces["|".join(called)] = face
    for joint, (upper, lower) in zip(joints, itertools.pairwise(rows), strict=True):
        faces[f"{upper[-1].name}|{lower[0].name}"] = _face(joint)
    resistance = sum(float(one.circuit.series_resistance) for one in stacks.values())
    resistance += sum(float(one.resistance) for one in joints if isinstance(one, Resistive))
    first, *_, last = stacks.values()
    assert first.contact is not None and last.contact is not None  # all have electrical layers
    return Stack(
        **shared,
        layer=tuple(itertools.chain(*rows)),
        interface=faces,
        contact=Contacts(front=first.contact.front, back=last.contact.back),
        circuit=Circuit(series_resistance=resistance),
    )


def _face(joint: Junction) -> Interface:
    """The face between two junctions as one within a stack."""
    if not isinstance(joint, Traps):
        return Interface()
    trap = FaceTrap(
        level=joint.level, electron_velocity=joint.electron_velocity, hole_velocity=joint.hole_velocity
    )
    step = {} if joint.dipole == "flat" else {"dipole": joint.dipole}
    return Interface(trap=(trap,), **step)
