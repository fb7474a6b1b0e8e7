"""What joins the two junctions of a tandem: small frozen models that `kind` tells apart in a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from perotwin.stack.choices import Level, Midgap
from perotwin.stack.quantity_fields import AreaResistance, Depth, Energy, Model, Velocity, shorthand

__all__ = ["Ideal", "Junction", "Metal", "Resistive", "Separate", "Traps"]


class Ideal(Model):
    """Two terminals, and nothing lost between the junctions.

    The carriers of both sides are at equilibrium with one floating Fermi level, as at a plane of metal.
    """

    kind: Literal["ideal"] = "ideal"


class Resistive(Model):
    """Two terminals, and between the junctions a resistance (ohm m^2): it costs its ohmic drop."""

    kind: Literal["resistive"] = "resistive"
    resistance: AreaResistance


class Metal(Model):
    """A metal too thin to be a layer of its own in the electronics, which holds the potential of the face.

    work_function : eV.
    """

    work_function: Depth


def _step_tag(value: Any) -> str:
    return "tag:flat" if isinstance(value, str) and value.strip() == "flat" else "tag:value"


Step = Annotated[
    Annotated[Literal["flat"], Tag("tag:flat")] | Annotated[Energy, Tag("tag:value")],
    Discriminator(_step_tag),
]


class Traps(Model):
    """Two terminals; levels at the face recombine the electrons of one side with the holes of the other.

    In a p-i-n tandem these are the electrons of the top junction's last layer and the holes of the bottom
    junction's first.

    level : "midgap" is half way between the lower conduction band and the higher valence band at the face; another
        level is on the energy scale of the layer of the two that `face_layer` of the tandem picks.
    electron_velocity, hole_velocity : S = C N of the levels (m/s), for all electrons and holes at the face.
    dipole : vacuum level on the side farther from the light minus the nearer (eV), or "flat": the step that leaves
        the bands of both sides flat at equilibrium.
    metal : absent where the two layers touch.
    """

    kind: Literal["traps"] = "traps"
    level: Level = Midgap()
    electron_velocity: Velocity
    hole_velocity: Velocity
    dipole: Step = "flat"
    metal: Metal | None = None


class Separate(Model):
    """Four terminals: each junction has its own two, and works at its own point.

    terminals : the junction whose terminals instruments are connected to; "both" is for those who ask each in turn.
    """

    kind: Literal["separate"] = "separate"
    terminals: Literal["both", "top", "bottom"] = "both"


_KINDS: dict[str, type[Model]] = {
    "ideal": Ideal,
    "resistive": Resistive,
    "traps": Traps,
    "separate": Separate,
}
Junction = Annotated[
    Ideal | Resistive | Traps | Separate,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _KINDS, "junction")),
]
