"""What makes a cell lose volts, mechanism by mechanism, and the cell without some of them.

    every = mechanisms(problem)
    without(problem, every[:1])     # the same cell, meshes and light, in which nothing recombines in the bulk

A mechanism is switched off in the arrays that are solved: levels capture no carrier that would complete a pair, so that
their charge stays what the other carrier makes it; contacts let the carriers that belong there pass and no others;
shunts are cut. In pinholes all that takes carriers is one mechanism. What radiates stays, so that the cell without any
of them is at its radiative limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.transport import device as dv

if TYPE_CHECKING:
    from perotwin.transport.build import Problem
    from perotwin.transport.junction import Channel, Junction

__all__ = ["KINDS", "Mechanism", "mechanisms", "without"]

#: kinds in the order in which they are told
KINDS = ("bulk", "hole-side face", "electron-side face", "transport layers", "contacts", "shunt", "pinholes")
#: columns in a group that are told apart by their faces; more of them stand for one distribution
_TOLD_APART = 2


@dataclass(frozen=True)
class Mechanism:
    """One mechanism of one junction.

    Attributes:
        junction: "" in a cell of one. kind: of `KINDS`, with the column's name where columns are told apart.
        name: in words of the cell, such as "niox|perovskite".
        channels: (number of the part, channel) that it consists of. parts: whose contacts or shunt it is.
    """

    junction: str
    kind: str
    name: str
    channels: tuple[tuple[int, Channel], ...] = ()
    parts: tuple[int, ...] = ()


def mechanisms(problem: Problem) -> list[Mechanism]:
    """All that takes volts from the junctions of a cell beside their own light, junction by junction."""
    found: list[Mechanism] = []
    for group in problem.groups:
        names = [problem.names[part].removeprefix(f"{group.name}.") for part in group.parts]
        films = sum(part in problem.films for part in group.parts)
        apart = 1 < films <= _TOLD_APART
        made: dict[str, tuple[list[str], list[tuple[int, Channel]]]] = {}
        for part, column in zip(group.parts, names, strict=True):
            for channel in problem.parts[part].channels:
                kind = _kind(problem.parts[part], channel)
                if kind is None:
                    continue
                told, word = kind, _word(channel, kind)
                if apart and kind.endswith("face"):
                    told, word = f"{kind}, {column}", f"{word}, {column}"
                words, channels = made.setdefault(told, ([], []))
                words.append(word)
                channels.append((part, channel))
        order = sorted(made, key=lambda kind: KINDS.index(kind.partition(",")[0]))
        found += [
            Mechanism(group.name, kind, " and ".join(dict.fromkeys(made[kind][0])), tuple(made[kind][1]))
            for kind in order
        ]
        found.append(Mechanism(group.name, "contacts", "contacts", parts=group.parts))
        if any(problem.parts[part].stack.circuit.shunt is not None for part in group.parts):
            found.append(Mechanism(group.name, "shunt", "shunt", parts=group.parts))
    return found


def _kind(junction: Junction, channel: Channel) -> str | None:
    """What a channel belongs to; None of light, and of what joins two junctions."""
    roles = {layer.name: layer.role for layer in junction.stack.electrical_layers}
    if channel.kind == "radiative":
        return None
    if not junction.stack.absorbers:
        return "pinholes"
    if channel.kind != "face trap":
        return "bulk" if roles[channel.place] == "absorber" else "transport layers"
    first, second = channel.place.split("|")
    absorbing = roles[first] == "absorber", roles[second] == "absorber"
    if all(absorbing):
        return "bulk"
    if not any(absorbing):
        return "transport layers"
    # light enters at the front: what lies before the absorber is on the front contact's side
    before = absorbing[1]
    return "hole-side face" if before == junction.device.anode_front else "electron-side face"


def _word(channel: Channel, kind: str) -> str:
    return kind if kind in ("bulk", "pinholes") else channel.place


def without(problem: Problem, off: Iterable[Mechanism]) -> Problem:
    """The cell without some mechanisms, on the same meshes and in the same light."""
    parts = list(problem.parts)
    circuit = problem.circuit
    for one in off:
        if one.kind == "contacts":
            for part in one.parts:
                parts[part] = _selective(parts[part])
        elif one.kind == "shunt":
            for part in one.parts:
                stack = parts[part].stack
                free = stack.circuit.model_copy(update={"shunt_resistance": None})
                parts[part] = replace(parts[part], stack=stack.model_copy(update={"circuit": free}))
            circuit = replace(circuit, groups=_without_shunts(circuit.groups, one.parts))
        else:
            for part, channel in one.channels:
                parts[part] = _silent(parts[part], channel)
    return replace(problem, parts=tuple(parts), circuit=circuit)


def _silent(junction: Junction, channel: Channel) -> Junction:
    """A junction in which one channel takes nothing."""
    device = junction.device
    free = len(dv.MECHANISMS) * device.offset.size
    if channel.index < free:
        layer, number = divmod(channel.index, len(dv.MECHANISMS))
        table = device.layer.copy()
        table[layer, list(list(dv.MECHANISMS.values())[number])] = 0.0
        return _with(junction, layer=table)
    row = channel.index - free
    if row < device.trap.shape[0]:
        return _with(junction, trap=_one_sided(device.trap, row, dv.T_RN, dv.T_RP))
    row -= device.trap.shape[0]
    return _with(junction, face_trap=_one_sided(device.face_trap, row, dv.F_SN, dv.F_SP))


def _one_sided(table: np.ndarray, row: int, electrons: int, holes: int) -> np.ndarray:
    """Levels of which one captures only the carrier that it captures faster."""
    made = table.copy()
    slower = electrons if made[row, electrons] < made[row, holes] else holes
    made[row, slower] = 0.0
    return made


def _selective(junction: Junction) -> Junction:
    """A junction whose anode takes no electrons and whose cathode takes no holes."""
    contact = junction.device.contact.copy()
    anode, cathode = (0, 1) if junction.device.anode_front else (1, 0)
    contact[anode, dv.C_SN] = 0.0
    contact[cathode, dv.C_SP] = 0.0
    return _with(junction, contact=contact)


def _with(junction: Junction, **arrays: Any) -> Junction:
    mobile = None if junction.mobile is None else junction.mobile._replace(**arrays)
    return replace(junction, device=junction.device._replace(**arrays), mobile=mobile)


def _without_shunts(groups: Sequence[tuple], parts: Sequence[int]) -> tuple:
    """The columns of a circuit, those of some numbers with nothing beside them."""
    made, number = [], 0
    for group in groups:
        columns = []
        for column in group:
            columns.append(replace(column, shunt=None) if number in parts else column)
            number += 1
        made.append(tuple(columns))
    return tuple(made)
