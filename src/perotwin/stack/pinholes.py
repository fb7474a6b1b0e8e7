"""What a film does not cover: pinholes, in which the layers on either side of it touch.

    inside(stack)       # the stack that is there: no film, and a face of its neighbours
    covered(stack)      # the stack beside them

A pinhole is a contact of the two transport layers. It is solved as any other stack, side by side with the film (see
`face_areas`), so that what it conducts follows from their levels, their doping and the velocity at which carriers
recombine where they touch: as a diode, which opens where the voltage comes near what is built in (G. E. Eperon et al.,
doi:10.1002/adfm.201302090, on cells whose film leaves bare places), and not as a resistor. It takes no light: on the
shares that films have, what transport layers absorb there is nothing beside the film's current.

A film is all absorbers that adjoin one another; a pinhole goes through them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.errors import InputError
from perotwin.stack.parts import Circuit, Faces, FaceTrap, Interface

if TYPE_CHECKING:
    from perotwin.stack.parts import Layer
    from perotwin.stack.stack import Stack

__all__ = ["check", "covered", "holed", "inside", "neighbours", "share"]


def holed(stack: Stack) -> Layer | None:
    """The layer of a stack that states pinholes, if they have a share of the area."""
    found = (one for one in stack.layer if one.pinholes is not None and float(one.pinholes.share) > 0.0)
    return next(found, None)


def share(stack: Stack) -> float:
    """The share of the area that pinholes have."""
    layer = holed(stack)
    return 0.0 if layer is None or layer.pinholes is None else float(layer.pinholes.share)


def covered(stack: Stack) -> Stack:
    """The stack where there are none."""
    if all(one.pinholes is None for one in stack.layer):
        return stack
    layers = tuple(one.model_copy(update={"pinholes": None}) for one in stack.layer)
    return stack.model_copy(update={"layer": layers})


def inside(stack: Stack) -> Stack:
    """The stack in a pinhole: without the film, its neighbours' face with levels of its own.

    What is in series is in front of film and pinholes together, and no resistance of a pinhole by itself: it has none.
    """
    layer = holed(stack)
    assert layer is not None and layer.pinholes is not None
    film = _film(stack, layer)
    front, back = (one.name for one in neighbours(stack, layer))
    gone = {one.name for one in stack.layer[film]}
    velocity = layer.pinholes.velocity
    faces = {key: face for key, face in stack.interface.items() if not gone.intersection(key.split("|"))}
    faces[f"{front}|{back}"] = Interface(
        dipole=layer.pinholes.dipole,
        trap=(FaceTrap(electron_velocity=velocity, hole_velocity=velocity),),
    )
    left = tuple(one for one in stack.layer if one.name not in gone)
    circuit = stack.circuit.model_copy(update={"series_resistance": Circuit().series_resistance})
    return stack.model_copy(update={"layer": left, "interface": Faces(faces), "circuit": circuit})


def neighbours(stack: Stack, layer: Layer) -> tuple[Layer, Layer]:
    """The layers that touch in pinholes of a film: in front of it and behind it."""
    film = _film(stack, layer)
    return stack.layer[film.start - 1], stack.layer[film.stop]


def _film(stack: Stack, layer: Layer) -> slice:
    """Where the film that a layer belongs to lies among the layers of a stack."""
    first = last = stack.layer.index(layer)
    while first > 0 and stack.layer[first - 1].role == "absorber":
        first -= 1
    while last + 1 < len(stack.layer) and stack.layer[last + 1].role == "absorber":
        last += 1
    return slice(first, last + 1)


def check(stack: Stack) -> None:
    """Refuse pinholes of what is no film between two layers that conduct.

    Raises:
        InputError: with the layer and what to do.
    """
    stated = [layer for layer in stack.layer if layer.pinholes is not None]
    film_of_first = _film(stack, stated[0]) if stated else None
    for layer in stated:
        key = f"{layer.name}.pinholes"
        if layer.role != "absorber":
            raise InputError(
                f'pinholes are of an absorber, and "{layer.name}" is {_article(layer.role)}.',
                "State them in the absorber that does not cover what lies below it.",
                subkey=key,
            )
        film = _film(stack, layer)
        beside = [n for n in (film.start - 1, film.stop) if 0 <= n < len(stack.layer)]
        if len(beside) < 2 or any(stack.layer[n].electronic is None for n in beside):
            raise InputError(
                f'in a pinhole of "{layer.name}" the layers on either side of the film touch, and there are no two '
                "that conduct.",
                "Give [layer.electronic] to both, or state what leaks as circuit.shunt_resistance.",
                subkey=key,
            )
        apart = [one.name for one in stack.absorbers if one not in stack.layer[film]]
        if apart:
            raise InputError(
                f'"{layer.name}" has pinholes, and "{apart[0]}" absorbs besides and does not adjoin it: what lies in a '
                "pinhole is solved in the dark.",
                "Leave the pinholes out, or let the absorbers adjoin one another.",
                subkey=key,
            )
    unlike = [
        layer
        for layer in stated[1:]
        if _film(stack, layer) != film_of_first or layer.pinholes != stated[0].pinholes
    ]
    if unlike:
        raise InputError(
            f'"{stated[0].name}" and "{unlike[0].name}" both state pinholes, that are not alike or not of one film.',
            "State them once: they go through all absorbers that adjoin one another.",
            subkey=f"{unlike[0].name}.pinholes",
        )


def _article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
