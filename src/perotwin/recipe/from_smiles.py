"""A computed molecule as one that a recipe can use: the numbers rounded, each with the method that gave it."""

from __future__ import annotations

from collections.abc import Sequence

from perotwin.errors import InputError
from perotwin.recipe.chemistry import (
    DIPOLE_METHOD,
    POLARISABILITY_METHOD,
    SIZE_METHOD,
    Computed,
    Refined,
)
from perotwin.recipe.molecules import Dipole, Molecule
from perotwin.units import Quantity, convert, parse

__all__ = ["as_molecule"]


def as_molecule(computed: Computed, *, name: str = "", refined: Sequence[Refined] = ()) -> Molecule:
    """A `Molecule` from what was computed of a neutral one; write it with `to_toml()`.

    The normal dipole and the range of each diameter are assumed, because nobody knows the conformer on the surface. No
    binding energy is given: none can be computed here with credit.

    Parameters
    ----------
    name : its SMILES unless said. refined : dipoles of `chemistry.refine`, added to the list.

    Raises
    ------
    InputError : an ion, which has no dipole.
    """
    if computed.dipole is None:
        raise InputError(
            f"{computed.smiles} is an {computed.species}, and a recipe's molecule needs a dipole.",
            "Compute the neutral molecule; sizes of the two differ by less than 0.1 angstrom.",
        )
    neutral = "neutral molecule"
    average = _number(computed.dipole, "D", "dipole", DIPOLE_METHOD + _scatter(computed))
    dipoles = [
        Dipole(species=neutral, conformer="Boltzmann average at 298 K", method=DIPOLE_METHOD, value=average),
        *(
            Dipole(
                species=neutral,
                conformer=one.conformer,
                method=one.method,
                value=_number(one.dipole, "D", "dipole", one.method),
            )
            for one in refined
        ),
    ]
    return Molecule(
        name=name or computed.smiles,
        description="computed from its SMILES",
        role="sam" if "phosphonic acid" in computed.anchors else "additive",
        smiles=computed.smiles,
        neutral=computed.smiles,
        charge_state="neutral",
        anchors=computed.anchors,
        carbons=computed.carbons,
        carbonyls=computed.carbonyls,
        molar_mass=_number(computed.molar_mass, "g/mol", "molar mass", "from the formula"),
        nuclear_diameter=_extent(computed.size.nuclear_diameter, computed.nuclear_diameters),
        diameter=_extent(computed.size.diameter, computed.diameters),
        footprint=_number(computed.size.footprint, "nm^2", "area", SIZE_METHOD),
        length=_extent(computed.size.length, computed.lengths),
        dipole=average,
        normal_dipole=_normal(computed),
        polarisability=_number(
            computed.polarisability, "angstrom^3", "volume", POLARISABILITY_METHOD, digits=1
        ),
        dipoles=tuple(dipoles),
    )


def _scatter(computed: Computed) -> str:
    if computed.spread is None:
        return ""
    scatter = convert(computed.spread, "D")
    return "; standard deviation over seeds " + (f"{scatter:.2f} D" if scatter >= 0.01 else "below 0.01 D")


def _round(value: float, unit: str, digits: int = 2) -> str:
    return f"{convert(value, unit):.{digits}f}"


def _quantity(value: float, unit: str, dimension: str, digits: int = 2) -> Quantity:
    return parse(f"{_round(value, unit, digits)} {unit}", dimension)


def _number(value: float, unit: str, dimension: str, method: str, digits: int = 2) -> Quantity:
    return _quantity(value, unit, dimension, digits).with_origin(source=f"computed ({method})")


def _extent(value: float, ends: tuple[float, float]) -> Quantity:
    """A length of the extended conformer; the range over all conformers is what it may be on the surface."""
    number, low, high = (_quantity(one, "angstrom", "length") for one in (value, *ends))
    return number.with_origin(f"computed ({SIZE_METHOD})", (low, high), "range over conformers")


def _normal(computed: Computed) -> Quantity:
    """Half of the dipole, one alignment for every molecule; the range is that over free conformers."""
    value = 0.5 * (computed.dipole or 0.0)
    ends = computed.normal_range or (-2 * value, 2 * value)
    number, low, high = (_quantity(one, "D", "dipole") for one in (value, *ends))
    note = "half of the dipole; range over free conformers, along the line to the anchor"
    if computed.normal_range is None:
        note = "half of the dipole; no anchor says how it stands"
    return number.with_origin(assumed=(min(low, number), max(high, number)), note=note)
