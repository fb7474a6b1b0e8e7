"""What two junctions of a tandem are to each other where they meet: a metal between them, or traps at their face."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.stack import Midgap, Traps
from perotwin.transport.energies import bands, neutral_fermi_level

if TYPE_CHECKING:
    from perotwin.stack import Layer, Stack, Tandem

__all__ = ["inner_contact", "traps_between"]


def inner_contact(tandem: Tandem, which: str, stack: Stack) -> Stack:
    """A junction with the contacts that its joints are to it: a metal with its work function takes either carrier at
    the velocity at which the joint's levels capture it. Other joints leave the inner contact as it is.
    """
    names = list(tandem.cells)
    number = names.index(which)
    sides = {"front": number - 1, "back": number}
    values: dict[str, Any] = {}
    for side, joint in sides.items():
        if not 0 <= joint < len(tandem.joints):
            continue
        model = tandem.joints[joint]
        if isinstance(model, Traps) and model.metal is not None:
            values |= {
                f"contact.{side}.work_function": model.metal.work_function,
                f"contact.{side}.electron_velocity": model.electron_velocity,
                f"contact.{side}.hole_velocity": model.hole_velocity,
            }
    return stack.with_values(values) if values else stack


def traps_between(tandem: Tandem, names: Sequence[str]) -> Stack:
    """Junctions that traps join, as one stack.

    Raises:
        InputError: a junction with columns, or with a shunt, which has no node to end on.
    """
    stack = tandem.merged(*names)
    first = list(tandem.cells).index(names[0])
    for (front, back), joint in zip(pairwise(names), tandem.joints[first:], strict=False):
        assert isinstance(joint, Traps)
        last, following = (
            tandem.stacks[front].electrical_layers[-1],
            tandem.stacks[back].electrical_layers[0],
        )
        key = f"{front} {last.name}|{back} {following.name}"
        temperature = float(tandem.temperature)
        if joint.dipole == "flat":
            # the vacuum level steps so that the bands of both sides are flat there at equilibrium
            step = _flat_band(following, temperature) - _flat_band(last, temperature)
            stack = stack.with_values({f"{key}.dipole": step})
        if isinstance(joint.level, Midgap):
            depth = _midway(stack, key, (last, following), temperature)
            stack = stack.with_values({f"{key}.trap.1.level": {"below": "vacuum", "depth": depth}})
    return stack


def _flat_band(layer: Layer, temperature: float) -> float:
    """Work function of a neutral layer, eV."""
    e = layer.electronic
    assert e is not None
    band = bands(layer, temperature)
    return float(-neutral_fermi_level(band, float(e.donor_density), float(e.acceptor_density), layer.trap))


def _midway(stack: Stack, key: str, layers: tuple[Layer, Layer], temperature: float) -> float:
    """Depth (eV) of the level half way between the bands that the face's electrons and holes come in.

    It is counted from the vacuum level of the layer that `face_layer` takes for the face's home.
    """
    front, back = key.split("|")
    dipole = float(stack.face(front, back).dipole)
    both = [bands(layer, temperature) for layer in layers]
    # the vacuum level behind the face lies `dipole` above that in front
    above = (0.0, dipole) if stack.face_layer(key).name == front else (-dipole, 0.0)
    conduction = [up - band.affinity for up, band in zip(above, both, strict=True)]
    valence = [edge - band.gap for edge, band in zip(conduction, both, strict=True)]
    # electrons come in the lower conduction band and holes in the higher valence band
    return float(-0.5 * (np.min(conduction) + np.max(valence)))
