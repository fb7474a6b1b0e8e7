"""Molecules as tables for people and as entries of machine output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.report.tables import plain
from perotwin.units import Quantity, convert

if TYPE_CHECKING:
    from rich.table import Table

    from perotwin.recipe.chemistry import Computed, Refined
    from perotwin.recipe.molecules import Molecule

__all__ = [
    "computed_entry",
    "computed_heading",
    "computed_tables",
    "computed_words",
    "dipoles",
    "heading",
    "library",
    "molecule_entry",
    "numbers",
]

#: field -> (words, unit that people read, decimals)
_ROWS: dict[str, tuple[str, str, int]] = {
    "diameter": ("diameter, van der Waals", "angstrom", 2),
    "nuclear_diameter": ("diameter, nuclei", "angstrom", 2),
    "footprint": ("footprint (box)", "nm^2", 2),
    "length": ("length, van der Waals", "angstrom", 2),
    "dipole": ("dipole", "D", 2),
    "normal_dipole": ("dipole along the normal, bound", "D", 2),
    "binding_energy": ("binding energy to NiOx", "eV", 3),
    "polarisability": ("polarisability", "angstrom^3", 1),
    "molar_mass": ("molar mass", "g/mol", 2),
}
#: conformers that a table shows at most
_MOST = 12


def _safe(text: Any) -> str:
    """Text with what rich would take for markup escaped: every SMILES has brackets."""
    from rich.markup import escape

    return escape(str(text))


def _value(value: float | None, unit: str, digits: int) -> str:
    if value is None:
        return "–"
    text = f"{convert(value, unit):.{digits}f}"
    return text.lstrip("-") if float(text) == 0.0 else text.replace("-", "−")


def _ends(ends: Sequence[float] | None, unit: str, digits: int) -> str:
    return "" if ends is None else f"{_value(ends[0], unit, digits)} to {_value(ends[1], unit, digits)}"


# --- the library ----------------------------------------------------------------------------------


def library(molecules: Sequence[Molecule]) -> Table:
    """The molecules of the library, one a row."""
    from perotwin.recipe.molecules import provenance

    made = plain(
        "molecule", "role", "anchors", "diameter (angstrom)", "length (angstrom)", "dipole (D)", "dipole from",
        "what it is", title="sizes with van der Waals radii, across and along the long axis", numbers_from=3,
    )  # fmt: skip
    made.columns[6].justify = made.columns[7].justify = "left"
    for one in molecules:
        made.add_row(
            _safe(one.name), one.role, ", ".join(one.anchors), _value(one.diameter, "angstrom", 1),
            _value(one.length, "angstrom", 1), _value(one.dipole, "D", 2), provenance(one.dipole),
            _safe(one.description),
        )  # fmt: skip
    return made


def heading(molecule: Molecule) -> list[str]:
    """The lines above the tables: what it is."""
    also = f" (also {', '.join(molecule.aliases)})" if molecule.aliases else ""
    lines = [
        f"{molecule.name}{also}" + (f": {molecule.description}" if molecule.description else ""),
        f"{molecule.role}, {molecule.charge_state}, {molecule.smiles}",
        f"anchors: {', '.join(molecule.anchors) or 'none'}; {molecule.carbons} carbon atoms, {molecule.carbonyls} of "
        "them C=O",
    ]
    if molecule.neutral != molecule.smiles:
        lines.append(f"dipoles are those of the neutral molecule, {molecule.neutral}")
    return lines


def numbers(molecule: Molecule) -> Table:
    """Every number of a molecule with its range and where it comes from."""
    made = plain("quantity", "value", "range", "unit", "from", "how", numbers_from=1)
    for column in made.columns[3:]:
        column.justify = "left"
    for field, (words, unit, digits) in _ROWS.items():
        quantity = getattr(molecule, field)
        if quantity is None:
            made.add_row(words, "–", "", unit, "–", "nobody states one for this molecule")
            continue
        made.add_row(
            words,
            _value(quantity, unit, digits),
            _ends(quantity.assumed, unit, digits),
            unit,
            *_origin(quantity),
        )
    return made


def dipoles(molecule: Molecule) -> Table:
    """The dipoles of a molecule: none without species, conformer and method."""
    made = plain(
        "species", "conformer", "method", "dipole (D)", "from", "how", title="dipoles", numbers_from=3
    )
    made.columns[4].justify = made.columns[5].justify = "left"
    for entry in molecule.dipoles:
        source, how = _origin(entry.value)
        made.add_row(
            _safe(entry.species), _safe(entry.conformer), _safe(entry.method), _value(entry.value, "D", 2), source,
            how.removeprefix(_safe(entry.method)).removeprefix("; "),
        )  # fmt: skip
    return made


def _origin(quantity: Quantity) -> tuple[str, str]:
    """Where a number comes from in a word, and how, with its note."""
    from perotwin.recipe.molecules import provenance

    word = provenance(quantity)
    source = quantity.source or ""
    if word == "computed":
        source = source.removeprefix("computed (").removesuffix(")")
    return word, _safe("; ".join(part for part in (source, quantity.note) if part))


def molecule_entry(molecule: Molecule) -> dict[str, Any]:
    """A molecule of the library in machine output."""
    return {
        "molecule": molecule.name,
        "aliases": list(molecule.aliases),
        "description": molecule.description,
        "role": molecule.role,
        "smiles": molecule.smiles,
        "neutral": molecule.neutral,
        "charge_state": molecule.charge_state,
        "anchors": list(molecule.anchors),
        "carbons": molecule.carbons,
        "carbonyls": molecule.carbonyls,
        **{
            field: None if getattr(molecule, field) is None else _entry(getattr(molecule, field), unit)
            for field, (_, unit, _) in _ROWS.items()
        },
        "dipoles": [
            {
                "species": one.species,
                "conformer": one.conformer,
                "method": one.method,
                **_entry(one.value, "D"),
            }
            for one in molecule.dipoles
        ],
    }


def _entry(quantity: Quantity, unit: str) -> dict[str, Any]:
    from perotwin.recipe.molecules import provenance

    made: dict[str, Any] = {
        "value": convert(quantity, unit),
        "unit": unit,
        "provenance": provenance(quantity),
    }
    if quantity.source is not None:
        made["source"] = quantity.source
    if quantity.assumed is not None:
        made["assumed"] = [convert(end, unit) for end in quantity.assumed]
    if quantity.note is not None:
        made["note"] = quantity.note
    return made


# --- computed -------------------------------------------------------------------------------------


def computed_heading(computed: Computed) -> list[str]:
    """What was computed."""
    return [
        f"{computed.smiles}: {computed.formula}, {computed.species}, {_value(computed.molar_mass, 'g/mol', 2)} g/mol",
        f"anchors: {', '.join(computed.anchors) or 'none: it cannot be a monolayer or an additive'}; "
        f"{computed.carbons} carbon atoms, {computed.carbonyls} of them C=O; "
        f"polarisability {_value(computed.polarisability, 'angstrom^3', 1)} angstrom^3",
    ]


def computed_tables(computed: Computed, refined: Sequence[Refined] = ()) -> list[Table]:
    """The tables of a computed molecule: its size, and for a neutral one its conformers."""
    size = plain("size", "extended", "over conformers", "unit", numbers_from=1)
    size.columns[3].justify = "left"
    rows: tuple[tuple[str, float, tuple[float, float] | None, str], ...] = (
        ("diameter, van der Waals", computed.size.diameter, computed.diameters, "angstrom"),
        ("diameter, nuclei", computed.size.nuclear_diameter, computed.nuclear_diameters, "angstrom"),
        ("footprint (box)", computed.size.footprint, None, "nm^2"),
        ("length, van der Waals", computed.size.length, computed.lengths, "angstrom"),
    )
    for words, value, ends, unit in rows:
        size.add_row(words, _value(value, unit, 2), _ends(ends, unit, 2), unit)
    if not computed.conformers:
        return [size]
    density = {one.index: one for one in refined}
    columns = ["conformer", "energy (meV)", "weight (%)", "dipole (D)", "along the normal (D)"]
    columns += [*(["B3LYP dipole (D)"] if density else []), "length (angstrom)", "diameter (angstrom)"]
    table = plain(
        *columns, title="GFN2-xTB minima in the gas phase, 298.15 K; lengths with van der Waals radii"
    )
    most = _MOST if len(computed.conformers) > _MOST + 3 else len(computed.conformers)
    shown = [
        index
        for index, one in enumerate(computed.conformers)
        if index < most or one.extended or index in density
    ]
    for index in shown:
        one = computed.conformers[index]
        row = [
            f"{index + 1}" + (", extended" if one.extended else ""),
            f"{1e3 * one.energy:.0f}", f"{100 * one.weight:.1f}", _value(one.dipole, "D", 2),
            _value(one.normal_dipole, "D", 2),
        ]  # fmt: skip
        if density:
            row.append(_value(density[index].dipole, "D", 2) if index in density else "")
        table.add_row(*row, _value(one.size.length, "angstrom", 1), _value(one.size.diameter, "angstrom", 1))
    rest = len(computed.conformers) - len(shown)
    if rest:
        table.caption = f"and {rest} more, of weight {100 * _rest(computed, shown):.1f} % together"
        table.caption_justify = "left"
    return [size, table]


def _scatter(computed: Computed) -> str:
    spread = convert(computed.spread or 0.0, "D")
    size = "less than 0.01 D" if spread < 0.005 else f"{spread:.2f} D"
    return f"{size} (standard deviation of {len(computed.by_seed)}: the search, not the method)"


def _rest(computed: Computed, shown: Sequence[int]) -> float:
    return sum(one.weight for index, one in enumerate(computed.conformers) if index not in shown)


def computed_words(computed: Computed, refined: Sequence[Refined] = ()) -> list[str]:
    """What the tables come to, how it was made, and what it does not say."""
    lines = []
    if computed.dipole is None:
        lines.append(f"no dipole: {computed.refused}.")
    else:
        lines.append(
            f"dipole {_value(computed.dipole, 'D', 2)} D, Boltzmann average of the magnitude"
            + (
                "."
                if computed.spread is None
                else f"; averages of single seeds scatter by {_scatter(computed)}."
            )
        )
        if computed.normal_dipole is not None:
            lines.append(
                f"along the line to the anchor {_value(computed.normal_dipole, 'D', 2)} D on average, "
                f"{_ends(computed.normal_range, 'D', 2)} D by conformer; positive would raise the vacuum level outside "
                "the oxide."
            )
    if computed.lost:
        lines.append(
            f"{computed.lost} conformers turned into another molecule, or did not settle, and are left out."
        )
    packages = ", ".join(f"{name} {version}" for name, version in computed.versions.items())
    source = "kept from an earlier run" if computed.cached else "computed now"
    lines.append(f"computed with {packages}: {computed.seconds:.1f} s ({source}).")
    lines += [f"{one.method}, {one.conformer}: {one.seconds:.0f} s." for one in refined]
    if computed.conformers:
        lines.append(
            "This is a free molecule in the gas phase: not its cation, its ion pair, or what an oxide holds. "
            "GFN2-xTB dipoles can be half a debye off, energies of conformers tens of meV."
        )
    return lines


def computed_entry(computed: Computed, refined: Sequence[Refined] = (), name: str = "") -> dict[str, Any]:
    """A computed molecule in machine output."""

    def moment(value: float | None) -> Mapping[str, Any] | None:
        return None if value is None else {"value": convert(value, "D"), "unit": "D"}

    def extent(value: float) -> Mapping[str, Any]:
        return {"value": convert(value, "angstrom"), "unit": "angstrom"}

    return {
        **({"molecule": name} if name else {}),
        "smiles": computed.smiles,
        "species": computed.species,
        "formula": computed.formula,
        "charge": computed.charge,
        "anchors": list(computed.anchors),
        "carbons": computed.carbons,
        "carbonyls": computed.carbonyls,
        "molar_mass": {"value": convert(computed.molar_mass, "g/mol"), "unit": "g/mol"},
        "polarisability": {"value": convert(computed.polarisability, "angstrom^3"), "unit": "angstrom^3"},
        "diameter": {
            **extent(computed.size.diameter),
            "range": [convert(v, "angstrom") for v in computed.diameters],
        },
        "nuclear_diameter": {
            **extent(computed.size.nuclear_diameter),
            "range": [convert(v, "angstrom") for v in computed.nuclear_diameters],
        },
        "length": {
            **extent(computed.size.length),
            "range": [convert(v, "angstrom") for v in computed.lengths],
        },
        "footprint": {"value": convert(computed.size.footprint, "nm^2"), "unit": "nm^2"},
        "dipole": None
        if computed.dipole is None
        else {
            **(moment(computed.dipole) or {}),
            "uncertainty": None if computed.spread is None else convert(computed.spread, "D"),
            "method": "GFN2-xTB, Boltzmann average at 298.15 K; uncertainty: standard deviation over seeds",
            "by_seed": [convert(value, "D") for value in computed.by_seed],
        },
        "normal_dipole": moment(computed.normal_dipole),
        "refused": computed.refused or None,
        "conformers": [
            {
                "energy": {"value": 1e3 * one.energy, "unit": "meV"},
                "weight": {"value": 100 * one.weight, "unit": "%"},
                "dipole": moment(one.dipole),
                "normal_dipole": moment(one.normal_dipole),
                "length": extent(one.size.length),
                "diameter": extent(one.size.diameter),
                "extended": one.extended,
                "seeds": list(one.seeds),
            }
            for one in computed.conformers
        ],
        "refined": [
            {
                "number": one.index + 1,
                "conformer": one.conformer,
                "method": one.method,
                "dipole": moment(one.dipole),
            }
            for one in refined
        ],
        "lost": computed.lost,
        "versions": dict(computed.versions),
        "seconds": computed.seconds,
        "cached": computed.cached,
    }
