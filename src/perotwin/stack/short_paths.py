"""Short field paths: one that sets both carriers, and one that names a layer by what it does.

    perovskite.lifetime        perovskite.trap.1.electron_lifetime and .hole_lifetime
    perovskite.mobility        perovskite.electronic.electron_mobility and .hole_mobility
    niox|perovskite.velocity   niox|perovskite.trap.1.electron_velocity and .hole_velocity
    htl|absorber.velocity      the same, where niox is the htl and perovskite the absorber

Both carriers: wherever a table has `electron_X` and `hole_X`, `X` means the two. A layer's `lifetime` and a face's
`velocity` are those of its recombining level: the trap that states lifetimes or velocities. Levels that state density
and captures count charge and have none of these; where several levels state them, the path names one
(`perovskite.trap.2.lifetime`).

Roles: a role stands for the only layer that has it, unless a layer is called so. In a face it stands for the only one
of its layers that touches the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from perotwin.errors import InputError
from perotwin.stack.parts import Role
from perotwin.stack.quantity_fields import Model

if TYPE_CHECKING:
    from perotwin.stack.parts import FaceTrap, Layer, Trap
    from perotwin.stack.stack import Stack

__all__ = ["CARRIERS", "ROLES", "both", "common", "full", "full_paths"]

ROLES: tuple[str, ...] = get_args(Role)
CARRIERS = ("electron", "hole")
#: what tables state for each carrier, by the first key below the layer, face or contact
_OF = {
    "": ("mobility",),
    "electronic": ("mobility",),
    "trap": ("lifetime", "velocity", "capture"),
    "front": ("velocity",),
    "back": ("velocity",),
}


def full(stack: Stack, path: str) -> tuple[str, ...]:
    """The paths that a short one stands for; a path that is not short stands for itself.

    Raises
    ------
    InputError : a role that no layer or more than one has, a lifetime or velocity of no trap or of more than one.
    """
    named = _named(stack, path)
    parent, _, quantity = named.rpartition(".")
    place, _, below = parent.partition(".")
    level = stack.interface.get(place) if "|" in place else None
    layer = next((one for one in stack.layer if one.name == place), None)
    if not below and layer is not None and quantity == "lifetime":
        parent = f"{place}.trap.{_recombining(stack, layer.trap, path, place, quantity)}"
    elif not below and "|" in place and quantity == "velocity":
        traps = level.trap if level is not None else ()
        parent = f"{place}.trap.{_recombining(stack, traps, path, place, quantity)}"
    elif quantity not in _OF.get(below.partition(".")[0], ()) or not (
        layer is not None or "|" in place or place == "contact"
    ):
        return (named,)
    return tuple(f"{parent}.{carrier}_{quantity}" for carrier in CARRIERS)


def full_paths(cell: Any, path: str) -> tuple[str, ...]:
    """The same for any cell: each path leads into one of `cell.stacks`, or stays as it is.

    Raises
    ------
    InputError : as of `full`.
    """
    stacks: Mapping[str, Stack] = cell.stacks
    if list(stacks) == [""]:
        return full(stacks[""], path)
    inside = [key for key in stacks if path.startswith(f"{key}.")]
    if not inside:
        return (path,)
    return tuple(f"{inside[0]}.{one}" for one in full(stacks[inside[0]], path.removeprefix(f"{inside[0]}.")))


def both(model: Model, path: str) -> tuple[str, ...]:
    """The paths of both carriers where `path` ends in `X` and the model that it is in has electron_X and hole_X."""
    parent, dot, quantity = path.rpartition(".")
    fields = type(model).model_fields
    if dot and quantity not in fields and f"electron_{quantity}" in fields:
        return tuple(f"{parent}.{carrier}_{quantity}" for carrier in CARRIERS)
    return (path,)


def common(paths: Iterable[str], get: Callable[[str], Any], path: str, file: str) -> Any:
    """The one value at the paths that a short path stands for.

    Raises
    ------
    InputError : they differ.
    """
    values: Mapping[str, Any] = {one: get(one) for one in paths}
    first, *others = values.values()
    if any(other != first for other in others):
        listed = " and ".join(f"{one} is {value}" for one, value in values.items())
        raise InputError(
            f'"{path}" is not one number: {listed}.',
            f"Name one of them, or set both to one value: {path}=VALUE.",
            file=file,
            key=path,
        )
    return first


def _recombining(
    stack: Stack, traps: tuple[Trap, ...] | tuple[FaceTrap, ...], path: str, place: str, quantity: str
) -> int:
    """The number, from 1, of the only trap that states lifetimes or velocities."""
    found = [
        number
        for number, trap in enumerate(traps, start=1)
        if getattr(trap, f"electron_{quantity}") is not None
    ]
    if len(found) == 1:
        return found[0]
    many = "lifetimes" if quantity == "lifetime" else "velocities"
    key = "layer" if quantity == "lifetime" else f'interface."{place}"'
    if found:
        cure = "Name one: " + ", ".join(f'"{place}.trap.{number}.{quantity}"' for number in found) + "."
    elif traps:
        cure = f'Set what its level states: "{place}.trap.1.density", or state {many} in the file instead.'
    else:
        cure = f"State a level first: [[{key}.trap]] with electron_{quantity} and hole_{quantity}."
    raise InputError(
        f'"{path}" is that of the only level of "{place}" that states {many}, but there '
        + (f"are {len(found)}." if found else "is none."),
        cure,
        file=f'stack "{stack.name}"',
        key=path,
    )


def _named(stack: Stack, path: str) -> str:
    """The path with layers by name where it has them by role."""
    head, dot, rest = path.partition(".")
    known = {*(layer.name for layer in stack.layer), *type(stack).model_fields}
    parts = head.split("|")
    if all(part in known or part not in ROLES for part in parts) or len(parts) > 2:
        return path
    found = _meant(stack, parts)
    if len(found) == 1:
        return f"{found[0]}{dot}{rest}"
    face = len(parts) == 2
    layers = ", ".join(f"{layer.name} ({layer.role})" for layer in stack.layer)
    cure = f"The layers here are {layers}."
    if found:
        cure = "Name one of them: " + ", ".join(f'"{one}{dot}{rest}"' for one in found) + "."
    elif face and _meant(stack, parts[::-1]):
        turned = "|".join(parts[::-1])
        cure = f'In the order of the layers it is "{turned}{dot}{rest}"; the sign of a dipole follows that order.'
    raise InputError(
        f'"{head}" is the only {"face of those roles" if face else "layer of that role"}, but there '
        + (f"are {len(found)}: {', '.join(found)}." if found else "is none."),
        cure,
        file=f'stack "{stack.name}"',
        key=path,
    )


def _meant(stack: Stack, parts: list[str]) -> list[str]:
    """The layers or faces that names or roles could mean; a layer's name goes before a role."""
    names = [layer.name for layer in stack.layer]

    def fits(part: str, layer: Layer) -> bool:
        return part == layer.name or (part not in names and part == layer.role)

    if len(parts) == 1:
        return [layer.name for layer in stack.layer if fits(parts[0], layer)]
    first, second = parts
    return [f"{a.name}|{b.name}" for a, b in pairwise(stack.layer) if fits(first, a) and fits(second, b)]
