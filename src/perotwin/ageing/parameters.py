"""Every parameter of ageing that is not the recipe's, in one place, with its range and what fixes it.

The values stand in `parameters.toml` and serve all films and cells alike.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ValidationError

from perotwin.stack.quantity_fields import (
    BARE_NUMBERS,
    Density,
    Dim,
    GenerationRate,
    Intensity,
    Length,
    Model,
    NonNegativeEnergy,
    PositiveEnergy,
    Temperature,
    Time,
    VolumeRate,
    explain,
)
from perotwin.stack.toml import read
from perotwin.units import Quantity

__all__ = ["SegregationParameters", "section"]

M = TypeVar("M", bound=Model)

_FILE = Path(__file__).parent / "parameters.toml"

Share = Annotated[Quantity, Dim("fraction", above=0, most=1)]


class SegregationParameters(Model):
    """Of halide segregation; what each is and its range stands in `parameters.toml`.

    rich_emission : peak of the iodide-rich phase (m). pure_iodide_gap, bromide_slope, bromide_bow : gap against the
        share of bromide (eV). threshold : light (suns) from which on the reference film segregates.
    reference_lifetime, reference_generation : of pairs in that film (s; m^-3 s^-1 at 1 sun).
    exchange_length : over which halides change places (m). nuclei : share of the volume that domains grow from.
    activation_energy : of the exchange (eV). bimolecular : loss of pairs in pairs (m^3/s).
    halide_sites : per volume (m^-3). temperature : that the numbers are stated at (K).
    """

    rich_emission: Length
    pure_iodide_gap: PositiveEnergy
    bromide_slope: PositiveEnergy
    bromide_bow: NonNegativeEnergy
    threshold: Intensity
    reference_lifetime: Time
    reference_generation: GenerationRate
    exchange_length: Length
    nuclei: Share
    activation_energy: NonNegativeEnergy
    bimolecular: VolumeRate
    halide_sites: Density
    temperature: Temperature

    @classmethod
    def library(cls) -> SegregationParameters:
        """The numbers that come with perotwin, each with its range."""
        return section(cls, "segregation")

    @property
    def free(self) -> dict[str, Quantity]:
        """Those that no source and no recipe gives, by name: calibrated or assumed, as their note says."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one for name, one in found.items() if (one.note or "").startswith("free")}


def section(model: type[M], name: str) -> M:
    """A table of `parameters.toml` as a model.

    Raises:
        InputError: the table is not what the model describes, with file and key.
    """
    entries = _data()[name]
    try:
        return model.model_validate(entries, context={BARE_NUMBERS: False})
    except ValidationError as error:
        raise explain(error, file=str(_FILE), data=entries) from None


@cache
def _data() -> dict[str, Any]:
    return read(_FILE.read_text(encoding="utf-8"), str(_FILE))
