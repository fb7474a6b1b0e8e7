"""Refusals of junctions that cannot stand one behind the other, and of what lies between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from perotwin.errors import InputError
from perotwin.stack.junction import Junction, Separate
from perotwin.stack.parallel import Parallel
from perotwin.stack.parts import Layer
from perotwin.stack.stack import Stack
from perotwin.stack.surroundings import INNER

__all__ = ["check_between", "check_ends", "check_no_third", "check_terminals"]


def check_ends(stacks: Mapping[str, Stack]) -> None:
    """Refuse a junction without electrical layers, or with others towards another junction."""
    for name, stack in stacks.items():
        which, _, column = name.partition(".")
        table = f"{which}.column.stack" if column else which
        if not stack.electrical_layers:
            raise InputError(
                "the junction has no electrical layer.",
                f"Add [{table}.layer.electronic] to its layers.",
                subkey=name,
            )
        for end in INNER[which]:
            inner = stack.layer[-1 if end == "back" else 0]
            if inner.electronic is None:
                place = "ends" if end == "back" else "begins"
                raise InputError(
                    f'the {which} junction {place} with "{inner.name}", which has no electronic parameters, so that no '
                    "current could pass to the other junction.",
                    "Move it out of the junction into [[between]] (or [[lower_between]], where there are three), where "
                    "light passes it.",
                    subkey=f"{name}.{inner.name}",
                )


def check_between(
    between: Sequence[Layer], rows: Collection[str], keys: Collection[str], optics: bool
) -> None:
    """Refuse layers between junctions that carry current, that a field path could not mean, or without a material.

    Args:
        between: all layers between. rows: names of the junctions' layers, "top niox". keys: of a tandem.
        optics: whether light is followed through all layers.
    """
    names = [*rows, *(layer.name for layer in between)]
    for layer in between:
        if layer.electronic is not None:
            raise InputError(
                f'"{layer.name}" lies between the junctions but has electronic parameters.',
                "Give it to a junction as its last or first layer, or remove [between.electronic].",
                subkey=f"{layer.name}.electronic",
            )
        if layer.name in keys:
            raise InputError(
                f'"{layer.name}" cannot name a layer between, because it is a key of a tandem.',
                "Choose another name.",
                subkey=f"{layer.name}.name",
            )
        if names.count(layer.name) > 1:
            raise InputError(
                f'two layers are named "{layer.name}", so that a field path could mean either.',
                "Give each layer its own name.",
                subkey=f"{layer.name}.name",
            )
        if layer.material is None and optics:
            raise InputError(
                f'the layer "{layer.name}" has no material, but generation comes from optics.',
                'Add material = "..." to the layer, or prescribe light.generation.',
                subkey=f"{layer.name}.material",
            )


def check_no_third(stated: Collection[str]) -> None:
    """Refuse what is said to lie behind a middle junction that is not there; `stated` are the keys of the file."""
    for key in ("lower_between", "lower_junction"):
        if key in stated:
            raise InputError(
                f"{key} lies behind the middle junction, but there is none.",
                f"Add [middle], or write {key.removeprefix('lower_')} for what lies between top and bottom.",
                subkey=key,
            )


def check_terminals(cells: Mapping[str, Stack | Parallel], joints: Mapping[str, Junction]) -> None:
    """Refuse four terminals for anything but two junctions of one stack each."""
    for key, joint in joints.items():
        if not isinstance(joint, Separate):
            continue
        if len(cells) > 2:
            raise InputError(
                "four terminals are those of two junctions, but there are three.",
                "Join all three in series, or leave one out.",
                subkey=key,
            )
        for which, cell in cells.items():
            if isinstance(cell, Parallel):
                raise InputError(
                    f"four terminals are those of two junctions, but the {which} junction has columns side by side.",
                    "Join the junctions in series, or describe one of the columns.",
                    subkey=key,
                )
