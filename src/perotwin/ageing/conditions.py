"""What a cell is exposed to: light, bias, temperature and atmosphere, in stretches that follow each other.

Stretch(43200.0, light=1.0, bias=MaximumPower()), Stretch(43200.0, light=0.0, bias=OpenCircuit())
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from perotwin.errors import InputError
from perotwin.stack.quantity_fields import Dim, Model
from perotwin.units import Quantity

__all__ = [
    "Air",
    "Atmosphere",
    "Bias",
    "DryAir",
    "FixedVoltage",
    "Inert",
    "MaximumPower",
    "OpenCircuit",
    "ShortCircuit",
    "Stretch",
]

Humidity = Annotated[Quantity, Dim("fraction", least=0, most=1)]


class Inert(Model):
    """Nitrogen, argon, vacuum, or a seal that holds."""

    kind: Literal["inert"] = "inert"


class DryAir(Model):
    """Oxygen without water."""

    kind: Literal["dry-air"] = "dry-air"


class Air(Model):
    """Air of a relative humidity."""

    kind: Literal["air"] = "air"
    humidity: Humidity = Quantity(0.5, "50 %", dimension="fraction")


Atmosphere = Annotated[Inert | DryAir | Air, Field(discriminator="kind")]


class MaximumPower(Model):
    """Tracked at maximum power."""

    kind: Literal["maximum-power"] = "maximum-power"


class OpenCircuit(Model):
    """Without load."""

    kind: Literal["open-circuit"] = "open-circuit"


class ShortCircuit(Model):
    """Terminals joined."""

    kind: Literal["short-circuit"] = "short-circuit"


class FixedVoltage(Model):
    """Held at a terminal voltage (V)."""

    kind: Literal["voltage"] = "voltage"
    voltage: Annotated[Quantity, Dim("voltage")]


Bias = Annotated[MaximumPower | OpenCircuit | ShortCircuit | FixedVoltage, Field(discriminator="kind")]


@dataclass(frozen=True)
class Stretch:
    """A time of constant conditions.

    Attributes:
        duration: s. light: suns of the cell's own spectrum. bias: how the terminals are held.
        temperature: K. atmosphere: around the cell.
    """

    duration: float
    light: float = 1.0
    bias: MaximumPower | OpenCircuit | ShortCircuit | FixedVoltage = field(default_factory=MaximumPower)
    temperature: float = 298.15
    atmosphere: Inert | DryAir | Air = field(default_factory=Inert)

    def __post_init__(self) -> None:
        if not self.duration > 0.0:
            raise InputError(
                f"a stretch of {self.duration:g} s: time can only run forwards.", "Give seconds above zero."
            )
        if not self.light >= 0.0:
            raise InputError(f"a light of {self.light:g} suns.", "Give zero suns or more.", key="light")
