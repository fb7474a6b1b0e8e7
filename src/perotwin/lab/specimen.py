"""What an instrument needs of a sample that a recipe made, and what all measurements of samples say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Specimen", "about", "film_edges", "laid_bare"]

F64 = NDArray[np.float64]

#: dry films and washes are at room temperature
_TEMPERATURE = 298.15


class Molecule(Protocol):
    """The part of a `recipe.molecules.Molecule` that instruments read."""

    @property
    def name(self) -> str: ...
    @property
    def smiles(self) -> str: ...
    @property
    def anchors(self) -> Sequence[str]: ...
    @property
    def length(self) -> float: ...
    @property
    def carbons(self) -> int: ...
    @property
    def carbonyls(self) -> int: ...


class Specimen(Protocol):
    """The part of a `recipe.sample.Sample` that instruments read."""

    @property
    def name(self) -> str: ...
    @property
    def recipe(self) -> Any: ...
    @property
    def sam(self) -> Molecule: ...
    @property
    def additive(self) -> Molecule | None: ...
    @property
    def patch(self) -> Any: ...
    @property
    def dried(self) -> Any: ...
    @property
    def washed(self) -> bool: ...
    @property
    def face(self) -> Any: ...
    def potential(self, height: float | None = None, pixel: float = 0.5e-9) -> F64: ...
    def areal_density(self, kind: str) -> float: ...
    def depth_profile(self) -> tuple[F64, F64] | None: ...


def about(sample: Specimen, protocol: Any) -> dict[str, Any]:
    """What was measured and how: attributes that every measurement of a sample has."""
    return {
        "stack": sample.name,
        "recipe": sample.recipe.to_toml(),
        "protocol": protocol.model_dump_json(),
        "temperature": _TEMPERATURE,
    }


def laid_bare(sample: Specimen) -> bool:
    """Whether the oxide with what holds on to it is the surface, because no film lies on it or not any more."""
    return sample.dried is None or sample.washed


def film_edges(sample: Specimen) -> tuple[F64, F64]:
    """The additive in the dry film as steps.

    Returns:
        (N + 1,) edges in m from the oxide, ascending from 0 to the film's surface, and (N,) number density in m^-3.

    Raises:
        InputError: the sample has no film, or its recipe says nothing of what is in it.
    """
    profile = None if laid_bare(sample) else sample.depth_profile()
    if profile is None:
        raise InputError(
            f'no depth profile is known of a film on "{sample.name}".',
            "Take the sample before its wash, or coat it.",
        )
    depth, density = (np.asarray(part, float) for part in profile)
    if depth.size == density.size + 1:
        edges = depth.copy()
    else:
        edges = np.concatenate([[0.0], 0.5 * (depth[1:] + depth[:-1]), [0.0]])
    # the solid's lowest cell takes what lies between it and the oxide
    edges[0], edges[-1] = 0.0, float(sample.dried.film_thickness)
    return edges, density
