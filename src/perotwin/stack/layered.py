"""What every cell with layers one behind the other answers alike, whether it is one junction or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.errors import UnknownNameError
from perotwin.stack.choices import (
    Coefficient,
    DetailedBalance,
    NoRadiation,
    OpticalGeneration,
    StepGeneration,
)
from perotwin.stack.parts import Interface, Layer, Light

__all__ = ["Layered"]

#: what holds where nothing is stated: made once, since all models are frozen
_PLAIN, _DARK, _BALANCED = Interface(), NoRadiation(), DetailedBalance()


class Layered:
    """Questions about layers and faces, answered from `layer`, `interface` and `light`."""

    if TYPE_CHECKING:

        @property
        def name(self) -> str: ...
        @property
        def light(self) -> Light: ...
        @property
        def layer(self) -> tuple[Layer, ...]: ...
        @property
        def interface(self) -> dict[str, Interface]: ...

    @property
    def electrical_layers(self) -> tuple[Layer, ...]:
        """The layers with electronic parameters, in order."""
        return tuple(layer for layer in self.layer if layer.electronic is not None)

    @property
    def absorbers(self) -> tuple[Layer, ...]:
        """The layers of role absorber, in order."""
        return tuple(layer for layer in self.layer if layer.role == "absorber")

    def named(self, name: str) -> Layer:
        """The layer of that name; UnknownNameError with the nearest ones otherwise."""
        for layer in self.layer:
            if layer.name == name:
                return layer
        names = (layer.name for layer in self.layer)
        raise UnknownNameError("layer", name, names, file=f'stack "{self.name}"')

    def face(self, front: Layer | str, back: Layer | str) -> Interface:
        """The interface of two adjacent layers (front one first); a plain one if none is stated."""
        a, b = (layer if isinstance(layer, str) else layer.name for layer in (front, back))
        return self.interface.get(f"{a}|{b}") or _PLAIN

    def face_layer(self, key: str) -> Layer:
        """The layer on whose energy scale the traps at a face stand.

        It is the absorber of the pair; without one (or with two) the layer of the smaller gap, then of the
        larger electron affinity.
        """
        front, back = (self.named(name) for name in key.split("|"))
        absorbers = [layer for layer in (front, back) if layer.role == "absorber"]
        if len(absorbers) == 1:
            return absorbers[0]
        return min((front, back), key=lambda layer: (layer.gap, -_affinity(layer)))

    def radiative(self, layer: Layer) -> DetailedBalance | Coefficient | NoRadiation:
        """The radiative recombination of a layer.

        As stated, or else detailed balance for an absorber whose generation comes from optics or from a step
        absorptance, and none otherwise.
        """
        if layer.recombination.radiative is not None:
            return layer.recombination.radiative
        optical = isinstance(self.light.generation, (OpticalGeneration, StepGeneration))
        return _BALANCED if layer.role == "absorber" and optical else _DARK


def _affinity(layer: Layer) -> float:
    return float(layer.electronic.electron_affinity) if layer.electronic is not None else 0.0
