"""The molecules of a recipe: what they are, how large, how polar, and where each number comes from.

The library is one file, `library/molecules.toml`. A number says "fu-5avai, ..." (the paper), "computed (method)", or
`assumed` with its range; `provenance` tells which. Always name the species: the cation of 5-AVAI, its neutral acid and
its ion pair have dipoles that differ tenfold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from perotwin.errors import InputError, UnknownNameError, suggestion
from perotwin.stack.quantity_fields import BARE_NUMBERS, Dim, Model, Name, explain
from perotwin.units import Quantity

__all__ = ["Dipole", "Molecule", "load", "names", "provenance"]

_FILE = Path(__file__).parent / "library" / "molecules.toml"

Extent = Annotated[Quantity, Dim("length", above=0, most=1e-8)]
Footprint = Annotated[Quantity, Dim("area", above=0, most=1e-16)]
Moment = Annotated[Quantity, Dim("dipole")]
Magnitude = Annotated[Quantity, Dim("dipole", least=0)]
Volume = Annotated[Quantity, Dim("volume", above=0)]
MolarMass = Annotated[Quantity, Dim("molar mass", above=0)]
BindingEnergy = Annotated[Quantity, Dim("energy", least=0)]

Role = Literal["sam", "additive"]
Anchor = Literal["phosphonic acid", "carboxylic acid", "ammonium", "amine"]


class Dipole(Model):
    """One dipole of a molecule; without species, conformer and method the number means nothing.

    species : for example "neutral acid". conformer : for example "Boltzmann average at 298 K", or "not stated".
    method : for example "GFN2-xTB". value : magnitude in the gas phase (C m).
    """

    species: str = Field(min_length=1)
    conformer: str = Field(min_length=1)
    method: str = Field(min_length=1)
    value: Magnitude


class Molecule(Model):
    """A molecule that a recipe uses.

    Attributes
    ----------
    name, aliases, description : for people; any of the first two finds it.
    role : "sam" (a monolayer on the oxide) or "additive" (in the ink of the perovskite).
    smiles : what is weighed, counter-ion included. neutral : the uncharged molecule that the dipoles are of.
    charge_state : in words: "neutral", "cation with iodide".
    anchors : groups that can hold it to an oxide or to the perovskite.
    carbons, carbonyls : carbon atoms and C=O carbons of the organic part; XPS counts them.
    molar_mass : of what is weighed (kg/mol).
    nuclear_diameter, diameter : smallest circle around the nuclei and around the van der Waals spheres, seen along
        the long axis (m). The second decides whether it fits into a hole. The organic part without its counter-ion.
    footprint : box around the van der Waals spheres across the long axis (m^2).
    length : of the van der Waals surface along the long axis (m): the thickness of an upright layer.
    dipole : the number that stands for the molecule in comparisons (C m): the paper's where it states one.
    dipoles : all that are known, by species, conformer and method.
    normal_dipole : mean component along the surface normal of the bound molecule (C m); positive raises the vacuum
        level outside the oxide, so that the surface is more p-type. Never measured: assumed, with its range.
    polarisability : volume (m^3) of the neutral molecule.
    binding_energy : to NiOx (eV), positive when bound; absent where nobody states one.
    """

    name: Name = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    description: str = ""
    role: Role
    smiles: str = Field(min_length=1)
    neutral: str = Field(min_length=1)
    charge_state: str = Field(min_length=1)
    anchors: tuple[Anchor, ...] = ()
    carbons: int = Field(ge=0)
    carbonyls: int = Field(ge=0)
    molar_mass: MolarMass
    nuclear_diameter: Extent
    diameter: Extent
    footprint: Footprint
    length: Extent
    dipole: Magnitude
    normal_dipole: Moment
    polarisability: Volume
    binding_energy: BindingEnergy | None = None
    dipoles: tuple[Dipole, ...] = ()

    hints: ClassVar[Mapping[str, str]] = {"polarizability": 'Did you mean "polarisability"?'}

    @model_validator(mode="after")
    def _possible(self) -> Molecule:
        if self.nuclear_diameter >= self.diameter:
            raise InputError(
                f"the nuclei span {self.nuclear_diameter}, which is not less than the {self.diameter} of the spheres "
                "around them.",
                "diameter includes the van der Waals radii, nuclear_diameter does not.",
                subkey="diameter",
            )
        return self

    # --- what others ask --------------------------------------------------------------------------

    def require_anchor(self) -> None:
        """Refuse a molecule that nothing holds to the surface.

        Raises
        ------
        InputError : it has no anchor, so it can be neither a monolayer nor an additive.
        """
        if not self.anchors:
            raise InputError(
                f'"{self.name}" has no anchor, so nothing holds it to the oxide or to a grain boundary.',
                "Use a molecule with an acid, ammonium or amine group, or state its group in anchors.",
                key="anchors",
            )

    @property
    def organic(self) -> str:
        """SMILES of the organic part: `smiles` without its counter-ion."""
        return max(self.smiles.split("."), key=len)

    def quantities(self) -> dict[str, Quantity]:
        """Every number with a unit, by field; dipoles counted from 1 ("dipoles.2")."""
        found = {
            field: value
            for field in type(self).model_fields
            if isinstance(value := getattr(self, field), Quantity)
        }
        return found | {
            f"dipoles.{number}": entry.value for number, entry in enumerate(self.dipoles, start=1)
        }

    # --- reading and writing ----------------------------------------------------------------------

    @classmethod
    def from_toml(cls, text: str, file: str | None = None) -> Molecule:
        """A molecule from TOML text. Raises InputError with file, key, cause and cure."""
        from perotwin.stack.toml import read

        return cls.from_data(read(text, file), file=file)

    @classmethod
    def from_data(cls, data: Mapping[str, Any], *, file: str | None = None) -> Molecule:
        """A molecule from nested mappings as TOML gives them: numbers need units."""
        try:
            return cls.model_validate(data, context={BARE_NUMBERS: False})
        except ValidationError as error:
            raise explain(error, file=file, data=data) from None

    def to_toml(self) -> str:
        """The molecule as TOML, every number as it was written; `from_toml` gives the same one bit for bit."""
        from perotwin.stack.toml import write

        return write(self)


def provenance(quantity: Quantity) -> str:
    """Where a number comes from, in a word: "paper", "computed", "cited", "assumed" or "not stated"."""
    if quantity.source is None:
        return "assumed" if quantity.assumed is not None else "not stated"
    if quantity.source.startswith("computed ("):
        return "computed"
    return "paper" if quantity.source.startswith("fu-5avai") else "cited"


@functools.lru_cache(maxsize=1)
def _library() -> dict[str, Molecule]:
    from perotwin.stack.toml import read

    entries = read(_FILE.read_text(encoding="utf-8"), str(_FILE))["molecule"]
    made = (Molecule.from_data(entry, file=f"{_FILE.name}, {entry.get('name')}") for entry in entries)
    return {molecule.name: molecule for molecule in made}


def names() -> tuple[str, ...]:
    """Names of the molecules in the library, in its order: monolayers first."""
    return tuple(_library())


def load(name_or_path: str | Path) -> Molecule:
    """A molecule by name or alias ("5-AVAI", "5-AVA"), however it is spelt, or from a TOML file.

    Raises
    ------
    UnknownNameError : no molecule of that name; the nearest names are offered.
    InputError : a file that cannot be used (file, key, cause, cure).
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        return _from_file(text)
    spelt = _spelling(text)
    for molecule in _library().values():
        if spelt in {_spelling(known) for known in (molecule.name, *molecule.aliases)}:
            return molecule
    known = [word for molecule in _library().values() for word in (molecule.name, *molecule.aliases)]
    near = suggestion(text, known)
    if near.startswith("Choose"):
        near = suggestion(text, names())
    raise UnknownNameError(
        "molecule in the library",
        text,
        known,
        advice=f"{near} A molecule of your own is a .toml file; of a SMILES, perotwin molecule SMILES --compute.",
    )


def _spelling(name: str) -> str:
    """One spelling for many: case, spaces, hyphens and Greek letters do not matter."""
    return re.sub(r"[\s_\-–]", "", name.casefold().replace("β", "beta").replace("γ", "gamma"))


def _from_file(text: str) -> Molecule:
    from perotwin.stack.library import read_file
    from perotwin.stack.toml import expanded

    return Molecule.from_toml(read_file(expanded(text), names(), "molecule file"), file=text)
