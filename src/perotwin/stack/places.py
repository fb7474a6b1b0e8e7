"""Places that have otherwise than the rest of the area: patches of a face, pinholes of a film."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from perotwin.stack.quantity_fields import Energy, Length, LesserShare, Model, Share, Velocity
from perotwin.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Patches", "Pinholes"]

_NONE = Quantity(0.0, "0 eV", dimension="energy")


class Patches(Model):
    """Places of a face that lack what covers the rest of it, such as pinholes of a monolayer: round, alike, far apart.

    share : of the area. size : diameter, m; against it the carriers' reach along the film decides how much of a patch
        acts as a column of its own and how much on the whole (`stack.face_areas`).
    dipole : there, as that of the face (eV).
    velocity : recombination velocity of both carriers there, through a level at midgap (m/s).
    """

    inline: ClassVar[bool] = True

    share: Share
    size: Length
    dipole: Energy = _NONE
    velocity: Velocity


class Pinholes(Model):
    """Places that a film does not cover, where the layers on either side of it touch: far apart, and dark.

    share : of the area.
    velocity : recombination velocity of both carriers where these layers touch, through a level at midgap (m/s).
    dipole : there, vacuum level on the side farther from the light minus the nearer (eV).
    """

    inline: ClassVar[bool] = True

    hints: ClassVar[Mapping[str, str]] = {
        "resistance": "What a pinhole conducts is solved: state the velocity at which carriers recombine where the "
        "layers on either side of the film touch."
    }

    share: LesserShare
    velocity: Velocity
    dipole: Energy = _NONE
