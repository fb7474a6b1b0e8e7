"""Samples that are made on the way to a cell: a film, half-stacks, devices that pass one carrier only.

    part_of(cell, "film")               # the absorber on the cell's glass
    part_of(cell, "film/htl")           # the absorber on the hole-transport layer, and what lies under that
    part_of(cell, "film/c60")           # the absorber under the layer of that name
    single_carrier(cell, "electrons")   # the absorber between two of the cell's electron sides

A film and a half-stack have no terminals: carriers pass at neither end and no metal holds the potential there
(`Stack.isolated`), so that whatever is generated recombines in the sample. A face with a transport layer keeps its
traps, its dipole and its roughness; a free surface of the absorber loses nothing. Samples have no pinholes: nothing
passes through one where there are no terminals, and devices of one carrier that they short are not those that are
measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from perotwin.errors import InputError, suggestion
from perotwin.stack import paths, pinholes
from perotwin.stack.cell import Cell
from perotwin.stack.choices import FileGeneration, FrozenIons, OpticalGeneration
from perotwin.stack.parallel import Parallel
from perotwin.stack.parts import OPTICAL_ROLES, Layer
from perotwin.stack.stack import Stack
from perotwin.stack.tandem import Tandem

__all__ = ["CELL", "FILM", "Carrier", "part_of", "sample_name", "single_carrier"]

Carrier = Literal["electrons", "holes"]

#: words for the film alone and for the cell itself
FILM, CELL = "film", "cell"
#: an end at which nothing passes and nothing holds the potential
_BARE = {"work_function": "flat-band", "electron_velocity": "0 cm/s", "hole_velocity": "0 cm/s"}
#: m, from which on a film needs no substrate
_SELF_SUPPORTING = 1e-5
#: the role of the layers on the side of each carrier
_ROLES: dict[str, str] = {"electrons": "etl", "holes": "htl"}


def part_of(
    cell: Cell,
    part: str = FILM,
    *,
    junction: str | None = None,
    side: Literal["substrate", "film"] | None = None,
) -> Stack:
    """A sample with the layers, faces and light of a cell.

    Args:
        cell: a stack, or one junction of a tandem.
        part: "film", the absorber on the substrate; "film/htl" or "film/etl", or "film/" and a layer's name, the
            absorber with its layers on that side, up to the layer named, and everything down to the substrate where it
            is the substrate's side; "cell", the cell itself.
        junction: of a tandem: "top", "middle" or "bottom".
        side: that light enters, through the substrate or through the film; as in the cell unless said.

    Returns:
        The sample, its name that of the cell and the part. Light and temperature are the cell's. A thin film of a
        cell without a substrate gets one of glass at its front, where its optics are computed. Ions that the cell
        holds as they settle at a voltage settle without one here.

    Raises:
        InputError: a patchy cell, a tandem without `junction`, a part that the cell does not have, or generation that
            is read from a file for the whole cell.
    """
    stack = _one_junction(cell, junction)
    word = part.strip()
    if word == CELL:
        return stack if side is None else _lit_through(stack, side, _substrate_first(stack))
    film, slash, other = word.partition("/")
    if film != FILM or bool(slash) != bool(other.strip()):
        raise InputError(
            f'"{part}" is no part of a cell.',
            'Write "film", "film/htl", "film/etl", "film/" and a layer\'s name, or "cell".',
            key="part",
        )
    if isinstance(stack.light.generation, FileGeneration):
        raise InputError(
            f'the generation of "{stack.name}" is read from a file and holds for the whole cell, not for its film.',
            'Let it follow from the optics, or write { kind = "uniform", rate = "..." }.',
            key="light.generation",
        )
    stack = pinholes.covered(stack)
    layers = stack.layer
    first, last = _film(stack)
    under_first = _substrate_first(stack)
    begin, end = first, last + 1
    if other:
        place = _partner(stack, other.strip(), first, last)
        if place < first:
            begin = 0 if under_first else place
        else:
            end = place + 1 if under_first else len(layers)
    kept = list(layers[begin:end])
    # what carries the film: not the electrode, unless it lies under the layer that was asked for
    if under_first and begin > 0:
        kept = [*_substrate(layers[:begin]), *kept]
    if not under_first and end < len(layers):
        kept = [*kept, *_substrate(layers[end:][::-1])[::-1]]
    data = _data(stack, kept, f"{stack.name} {sample_name(cell, part, junction=junction)}")
    data["contact"] = {"front": dict(_BARE), "back": dict(_BARE)}
    thin = sum(float(layer.thickness) for layer in kept) < _SELF_SUPPORTING
    bare = thin and not any(layer.role == "substrate" for layer in kept)
    if bare and isinstance(stack.light.generation, OpticalGeneration):
        data["layer"] = [{"use": "glass", "name": _free_name("glass", kept)}, *data["layer"]]
    sample = Stack.from_data(data, file=f'stack "{data["name"]}"', bare_numbers=True)
    return sample if side is None else _lit_through(sample, side, under_first)


def sample_name(cell: Cell, part: str, *, junction: str | None = None) -> str:
    """A part by the layer that it names: "film/htl" of a cell with NiOx is "film/niox"; others as they are.

    Raises:
        InputError: as `part_of`.
    """
    stack = _one_junction(cell, junction)
    film, slash, other = part.strip().partition("/")
    if film != FILM or not slash:
        return part.strip()
    return f"{FILM}/{stack.layer[_partner(stack, other.strip(), *_film(stack))].name}"


def single_carrier(cell: Cell, carrier: Carrier, *, junction: str | None = None) -> Stack:
    """A device through which one carrier passes: the absorber between two of the cell's sides for that carrier.

    The layers on that side of the absorber, their faces and their contact stand on the other side too, mirrored; the
    copies are called "c60-front" or "niox-back". It is dark.

    Args:
        cell: a stack, or one junction of a tandem.
        carrier: "electrons" or "holes".
        junction: of a tandem: "top", "middle" or "bottom".

    Returns:
        The device; its name is that of the cell and "electrons only" or "holes only".

    Raises:
        InputError: a patchy cell, a tandem without `junction`, a cell without layers on that side.
    """
    stack = _one_junction(cell, junction)
    if carrier not in _ROLES:
        raise InputError(f'"{carrier}" is no carrier.', 'Write "electrons" or "holes".', key="carrier")
    stack = pinholes.covered(stack)
    first, last = _film(stack)
    behind = _side_of(stack, carrier, first, last)
    layers = stack.layer
    own = [one for one in (layers[last + 1 :] if behind else layers[:first][::-1]) if _is_of_device(one)]
    # from the absorber outwards
    tag = "front" if behind else "back"
    names = {one.name: f"{one.name}-{tag}" for one in own}
    film = list(layers[first : last + 1])
    substrate = _substrate(layers[:first]) if _substrate_first(stack) else []
    outer = [*own] if behind else [*own[::-1]]
    kept = [*film, *outer] if behind else [*outer, *film]
    data = _data(stack, kept, f"{stack.name} {carrier} only")
    copies = [{**paths.plain(one), "name": names[one.name]} for one in own]
    plain_substrate = [paths.plain(one) for one in substrate]
    faces = data.setdefault("interface", {})
    data["layer"] = [*copies[::-1], *data["layer"]] if behind else [*data["layer"], *copies]
    data["layer"] = [*plain_substrate, *data["layer"]]
    edge = film[-1 if behind else 0].name, film[0 if behind else -1].name
    for key, stated in stack.interface.items():
        pair = key.split("|")
        if not all(name in names or name == edge[0] for name in pair) or pair == [edge[0], edge[0]]:
            continue
        face = paths.plain(stated if stated.dipole == 0.0 else stated.all_stated())
        face = paths.turned(face)
        mirrored = [names.get(name, edge[1]) for name in reversed(pair)]
        faces["|".join(mirrored)] = face
    if not faces:
        del data["interface"]
    assert stack.contact is not None
    end = paths.plain(stack.contact.back if behind else stack.contact.front)
    data["contact"] = {"front": end, "back": dict(end)}
    light = dict(data.get("light", {}))
    light |= {"intensity": "dark"}
    light.pop("other_side", None)
    data["light"] = light
    return Stack.from_data(data, file=f'stack "{data["name"]}"', bare_numbers=True)


# --- of which layers -----------------------------------------------------------------------------


def _one_junction(cell: Cell, junction: str | None) -> Stack:
    """The stack that the parts are taken of."""
    if isinstance(cell, Tandem):
        names = list(cell.cells)
        if junction is None:
            raise InputError(
                f'"{cell.name}" has several junctions, and a film is that of one.',
                f"Say which: junction = {' or '.join(chr(34) + name + chr(34) for name in names)}.",
                key="junction",
            )
        if junction not in names:
            raise InputError(
                f'"{cell.name}" has no junction "{junction}".', suggestion(junction, names), key="junction"
            )
        return _one_junction(cell.cells[junction], None)
    if junction is not None:
        raise InputError(
            f'"{cell.name}" is no tandem, so that there is no junction "{junction}".',
            "Leave the junction out.",
            key="junction",
        )
    if isinstance(cell, Parallel):
        raise InputError(
            f'"{cell.name}" consists of patches, and a film is that of one.',
            f'Take the stack of one of its columns, such as cell.column[0].stack ("{cell.column[0].name}").',
            key="part",
        )
    return cell


def _film(stack: Stack) -> tuple[int, int]:
    """Numbers of the first and the last absorbing layer with carriers, which must lie together."""
    places = [
        index
        for index, layer in enumerate(stack.layer)
        if layer.role == "absorber" and layer.electronic is not None
    ]
    if not places:
        raise InputError(
            f'"{stack.name}" has no absorber with electronic parameters, so that it has no film.',
            'Give one of its layers role = "absorber" and [layer.electronic].',
            key="part",
        )
    if places[-1] - places[0] != len(places) - 1:
        raise InputError(
            f'between the absorbers of "{stack.name}" lie other layers, so that they are not one film.',
            "Take a cell whose absorbing layers lie together.",
            key="part",
        )
    return places[0], places[-1]


def _substrate_first(stack: Stack) -> bool:
    """Whether the substrate is at the front; also where there is none."""
    first, last = _film(stack)
    behind = any(layer.role == "substrate" for layer in stack.layer[last + 1 :])
    return any(layer.role == "substrate" for layer in stack.layer[:first]) or not behind


def _substrate(layers: Sequence[Layer]) -> list[Layer]:
    """The outermost layers up to the last substrate, coatings of it included."""
    places = [index for index, layer in enumerate(layers) if layer.role == "substrate"]
    return list(layers[: places[-1] + 1]) if places else []


def _partner(stack: Stack, word: str, first: int, last: int) -> int:
    """Number of the layer that a half-stack has beside the film: by name, or the outermost of a role."""
    layers = stack.layer
    outside = [
        index
        for index, layer in enumerate(layers)
        if layer.electronic is not None and not first <= index <= last
    ]
    named = [index for index in outside if layers[index].name == word]
    if not named:
        named = [index for index in outside if layers[index].role == word.lower()]
    if not named:
        known = [layers[index].name for index in outside]
        raise InputError(
            f'"{stack.name}" has no layer "{word}" beside its film that carriers pass.',
            f"There {'are' if len(known) > 1 else 'is'} {', '.join(known)}." if known else 'Write "film".',
            key="part",
        )
    if any(index < first for index in named) and any(index > last for index in named):
        raise InputError(
            f'"{stack.name}" has layers of the role "{word}" on both sides of its film.',
            f"Name one of {', '.join(layers[index].name for index in named)}.",
            key="part",
        )
    # the one farthest from the film
    return named[0] if named[0] < first else named[-1]


def _side_of(stack: Stack, carrier: str, first: int, last: int) -> bool:
    """Whether the side of a carrier is behind the film: by the roles of the layers, else by the work functions."""
    own = _ROLES[carrier]
    for role, mine in ((own, True), (next(r for r in _ROLES.values() if r != own), False)):
        behind = any(layer.role == role for layer in stack.layer[last + 1 :])
        before = any(layer.role == role for layer in stack.layer[:first])
        if behind != before:
            return behind if mine else before
    contact = stack.contact
    assert contact is not None
    levels = [contact.front.work_function, contact.back.work_function]
    if any(isinstance(level, str) for level in levels) or levels[0] == levels[1]:
        raise InputError(
            f'nothing says at which end of "{stack.name}" the {carrier} leave.',
            'Give a transport layer role = "etl" or "htl", or the contacts different work functions.',
            key="carrier",
        )
    lower_behind = float(levels[1]) < float(levels[0])
    return lower_behind if carrier == "electrons" else not lower_behind


def _is_of_device(layer: Layer) -> bool:
    """Whether a layer is part of a device between two electrodes, and not what it stands on."""
    return layer.role not in OPTICAL_ROLES or layer.role == "electrode"


def _free_name(name: str, layers: Sequence[Layer]) -> str:
    taken = {layer.name for layer in layers}
    while name in taken:
        name += "-under"
    return name


# --- how it is written ---------------------------------------------------------------------------


def _data(stack: Stack, kept: Sequence[Layer], name: str) -> dict[str, Any]:
    """A stack of some of the layers, as plain data without contacts."""
    data: dict[str, Any] = paths.plain(stack)
    data["name"] = name
    data["description"] = f"Part of {stack.name}." + (f" {stack.description}" if stack.description else "")
    data["layer"] = [_settled_without_bias(layer) for layer in kept]
    names = [layer.name for layer in kept]
    pairs = {f"{a}|{b}" for a, b in pairwise(names)}
    faces = {key: face for key, face in data.pop("interface", {}).items() if key in pairs}
    if faces:
        data["interface"] = faces
    # resistances belong to the terminals, and what a recipe left is the sample of the whole cell
    for key in ("circuit", "recipe"):
        data.pop(key, None)
    return data


def _settled_without_bias(layer: Layer) -> Any:
    """A layer as plain data; ions that are held as they settle at a voltage are held as they settle without one."""
    data = paths.plain(layer)
    response = None if layer.ions is None else layer.ions.response
    if isinstance(response, FrozenIons) and float(response.bias) != 0.0:
        data["ions"] = {**data["ions"], "response": {"kind": "frozen", "light": response.light}}
    return data


def _lit_through(stack: Stack, side: str, substrate_first: bool) -> Stack:
    if side not in ("substrate", "film"):
        raise InputError(f'"{side}" is no side of a film.', 'Write "substrate" or "film".', key="side")
    return stack.with_light(side="front" if (side == "substrate") == substrate_first else "back")
