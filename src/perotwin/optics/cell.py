"""What optics asks of a cell: its layers in the order that light meets them, their faces, and the light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from perotwin.stack import Coefficient, DetailedBalance, Interface, Layer, Light, NoRadiation, Stack
    from perotwin.units import Quantity

__all__ = ["OpticalCell"]


class OpticalCell(Protocol):
    """Layers one behind the other under one light: a `Stack`, or a `Tandem` seen as layers in one row.

    `interface` names its faces by the names in `layer`; `stacks` are the junctions in that order, one to three.
    """

    @property
    def name(self) -> str: ...
    @property
    def temperature(self) -> Quantity: ...
    @property
    def light(self) -> Light: ...
    @property
    def layer(self) -> Sequence[Layer]: ...
    @property
    def interface(self) -> Mapping[str, Interface]: ...
    @property
    def electrical_layers(self) -> Sequence[Layer]: ...
    @property
    def absorbers(self) -> Sequence[Layer]: ...
    @property
    def stacks(self) -> Mapping[str, Stack]: ...

    def radiative(self, layer: Layer) -> DetailedBalance | Coefficient | NoRadiation:
        """The radiative recombination of one of the layers."""
        ...
