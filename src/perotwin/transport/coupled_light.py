"""The light that absorbers of a cell make for each other, as the circuit takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perotwin.transport.circuit import Light
from perotwin.transport.junction import Junction

if TYPE_CHECKING:
    from perotwin.optics.tandem import Parts

__all__ = ["Place", "crossing", "merged", "within"]


@dataclass(frozen=True)
class Place:
    """Where a stack of the cell, or an area of it, is solved.

    Attributes:
        part: number of the part. first: its first site there. share: of the stack's area.
    """

    part: int
    first: int = 0
    share: float = 1.0


def crossing(
    found: Parts, places: Mapping[str, Sequence[Place]], parts: Sequence[Junction]
) -> Iterator[Light]:
    """What absorbers of one tandem make for each other.

    The areas of a stack send to those of another one as if both were laid out without regard to each other; within a
    stack light stays in its area.

    Args:
        found: the optics. places: of each stack, all its areas. parts: of the cell.
    """
    for one in found.coupling:
        at_home = one.emitter == one.receiver
        for emitter in places[one.emitter]:
            names = [layer.name for layer in parts[emitter.part].stack.electrical_layers]
            source = one.source if not parts[emitter.part].halves else f"{one.emitter} {one.source}"
            for receiver in [emitter] if at_home else places[one.receiver]:
                profile = np.zeros(parts[receiver.part].generation.size)
                profile[receiver.first : receiver.first + one.profile.size] = one.profile
                share = one.share if at_home else one.share * emitter.share
                yield Light(emitter.part, names.index(source), receiver.part, share, profile)


def within(parts: Sequence[Junction]) -> Iterator[Light]:
    """The light that absorbers of one stack make for each other, of stacks that are no part of a tandem."""
    for number, part in enumerate(parts):
        if part.emission is None or len(part.emission.films) < 2:
            continue
        from perotwin.optics.luminescent_coupling import within_stack

        names = [layer.name for layer in part.stack.electrical_layers]
        for one in within_stack(part.stack, part.emission, part.mesh.control_faces):
            yield Light(number, names.index(one.source), number, one.share, one.profile)


def merged(lights: Iterable[Light]) -> tuple[Light, ...]:
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
