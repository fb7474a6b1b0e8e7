"""Quantity strings: what people write ("400 nm") and what perotwin computes with (4e-07 m).

Inside perotwin every number is a float in SI; two exceptions: energies are in eV (so a bandgap of "1.79 eV"
is 1.79) and light intensity is in suns. `parse` turns a string into a `Quantity`, a float that remembers
how it was written and where it came from. `convert` and `format` go the other way.

pint is the authority on units and understands any expression. It takes 0.4 s to load, so the units that
stack files use all the time are also listed in a table here (`COMMON_UNITS`), with exact factors; a test
compares every row with pint.
"""

from __future__ import annotations

import functools
import math
import re
from fractions import Fraction
from typing import Any

from perotwin.errors import InputError, shown, suggestion

__all__ = [
    "BOLTZMANN",
    "COMMON_UNITS",
    "DIMENSIONS",
    "ELEMENTARY_CHARGE",
    "Quantity",
    "convert",
    "format",
    "parse",
    "si_unit",
]

#: The elementary charge, C, and Boltzmann's constant, eV/K (CODATA 2018, exact).
ELEMENTARY_CHARGE = 1.602176634e-19
BOLTZMANN = 1.380649e-23 / ELEMENTARY_CHARGE

#: Dimension name -> (unit of the float that perotwin computes with, unit that people mostly write).
DIMENSIONS: dict[str, tuple[str, str]] = {
    "length": ("m", "nm"),
    "time": ("s", "s"),
    "temperature": ("K", "K"),
    "energy": ("eV", "eV"),
    "energy per temperature": ("eV/K", "meV/K"),
    "voltage": ("V", "V"),
    "scan rate": ("V/s", "V/s"),
    "frequency": ("Hz", "Hz"),
    "velocity": ("m/s", "cm/s"),
    "mobility": ("m^2/(V s)", "cm^2/(V s)"),
    "diffusion coefficient": ("m^2/s", "cm^2/s"),
    "number density": ("m^-3", "cm^-3"),
    "concentration": ("mol/m^3", "mol/L"),
    "areal density": ("m^-2", "cm^-2"),
    "rate per volume": ("m^-3 s^-1", "cm^-3 s^-1"),
    "rate per area": ("m^-2 s^-1", "cm^-2 s^-1"),
    "volume rate": ("m^3/s", "cm^3/s"),
    "auger coefficient": ("m^6/s", "cm^6/s"),
    "absorption coefficient": ("m^-1", "cm^-1"),
    "area resistance": ("ohm m^2", "ohm cm^2"),
    "current density": ("A/m^2", "mA/cm^2"),
    "power density": ("W/m^2", "mW/cm^2"),
    "energy per area": ("J/m^2", "uJ/cm^2"),
    "capacitance per area": ("F/m^2", "nF/cm^2"),
    "electric field": ("V/m", "V/cm"),
    "area": ("m^2", "cm^2"),
    "volume": ("m^3", "angstrom^3"),
    "dipole": ("C m", "D"),
    "molar mass": ("kg/mol", "g/mol"),
    "angle": ("rad", "deg"),
    "intensity": ("sun", "sun"),
    "fraction": ("1", "%"),
    "dimensionless": ("1", "1"),
}

#: How a quantity of a dimension may look; where none stands here, one of what people mostly write.
_EXAMPLES = {
    "area resistance": "1 ohm cm^2", "fraction": "0.5 mol%", "area": "0.25 nm^2", "energy": "1.6 eV", "time": "100 ns",
    "number density": "1e16 cm^-3", "velocity": "100 cm/s", "dimensionless": "1", "voltage": "1.2 V",
    "mobility": "1 cm^2/(V s)", "temperature": "298.15 K", "intensity": "1 sun", "length": "400 nm", "dipole": "2.5 D",
}  # fmt: skip

#: One debye in C m, as an exact fraction.
_DEBYE = "1/299792458" + "0" * 21

#: Normalised unit string -> (dimension, exact factor to the unit of `DIMENSIONS`). degC alone has an offset
#: (below).
COMMON_UNITS: dict[str, tuple[str, Fraction]] = {
    unit: (dimension, Fraction(factor))
    for dimension, rows in {
        "length": {
            "m": "1",
            "cm": "1e-2",
            "mm": "1e-3",
            "um": "1e-6",
            "nm": "1e-9",
            "pm": "1e-12",
            "angstrom": "1e-10",
            "angstroms": "1e-10",
        },
        "time": {"s": "1", "ms": "1e-3", "us": "1e-6", "ns": "1e-9", "ps": "1e-12", "min": "60", "h": "3600"},
        "temperature": {"K": "1", "degC": "1"},
        "energy": {"eV": "1", "meV": "1e-3"},
        "energy per temperature": {"eV/K": "1", "meV/K": "1e-3"},
        "voltage": {"V": "1", "mV": "1e-3"},
        "scan rate": {"V/s": "1", "mV/s": "1e-3"},
        "frequency": {"Hz": "1", "kHz": "1e3", "MHz": "1e6", "s^-1": "1", "1/s": "1"},
        "velocity": {"m/s": "1", "cm/s": "1e-2"},
        "mobility": {
            "m^2/(V s)": "1",
            "m^2/V/s": "1",
            "m^2/Vs": "1",
            "m^2 V^-1 s^-1": "1",
            "cm^2/(V s)": "1e-4",
            "cm^2/V/s": "1e-4",
            "cm^2/Vs": "1e-4",
            "cm^2 V^-1 s^-1": "1e-4",
        },
        "diffusion coefficient": {"m^2/s": "1", "cm^2/s": "1e-4"},
        "number density": {"m^-3": "1", "1/m^3": "1", "cm^-3": "1e6", "1/cm^3": "1e6", "nm^-3": "1e27"},
        "areal density": {
            "m^-2": "1",
            "1/m^2": "1",
            "cm^-2": "1e4",
            "1/cm^2": "1e4",
            "nm^-2": "1e18",
            "1/nm^2": "1e18",
        },
        "rate per volume": {
            "m^-3 s^-1": "1",
            "1/(m^3 s)": "1",
            "m^-3/s": "1",
            "cm^-3 s^-1": "1e6",
            "1/(cm^3 s)": "1e6",
            "cm^-3/s": "1e6",
        },
        "rate per area": {"m^-2 s^-1": "1", "1/(m^2 s)": "1", "cm^-2 s^-1": "1e4", "1/(cm^2 s)": "1e4"},
        "volume rate": {"m^3/s": "1", "cm^3/s": "1e-6"},
        "auger coefficient": {"m^6/s": "1", "cm^6/s": "1e-12"},
        "absorption coefficient": {"m^-1": "1", "1/m": "1", "cm^-1": "1e2", "1/cm": "1e2"},
        "area resistance": {"ohm m^2": "1", "ohm cm^2": "1e-4"},
        "current density": {"A/m^2": "1", "mA/cm^2": "10", "A/cm^2": "1e4"},
        "power density": {"W/m^2": "1", "mW/cm^2": "10"},
        "energy per area": {"J/m^2": "1", "mJ/cm^2": "10", "uJ/cm^2": "1e-2", "nJ/cm^2": "1e-5"},
        "capacitance per area": {"F/m^2": "1", "nF/cm^2": "1e-5", "uF/cm^2": "1e-2"},
        "electric field": {"V/m": "1", "V/cm": "1e2"},
        "concentration": {"mol/m^3": "1", "mol/L": "1e3", "mol/l": "1e3", "mmol/L": "1"},
        "area": {"m^2": "1", "cm^2": "1e-4", "mm^2": "1e-6", "nm^2": "1e-18", "angstrom^2": "1e-20"},
        "volume": {"m^3": "1", "cm^3": "1e-6", "nm^3": "1e-27", "angstrom^3": "1e-30"},
        # 1 D = 1e-18 statC cm, by definition 1e-21 C m^2/s over the speed of light
        "dipole": {"C m": "1", **dict.fromkeys(("D", "debye", "Debye"), _DEBYE), "mD": f"{_DEBYE}000"},
        "molar mass": {"kg/mol": "1", "g/mol": "1e-3"},
        "intensity": {"sun": "1", "suns": "1"},
        "fraction": {"%": "1e-2", "mol%": "1e-2"},
    }.items()
    for unit, factor in rows.items()
}

#: What is read of a file is bounded before anything is computed: characters of a quantity, decimal exponent of its
#: number, exponent in a unit. Floats end at 1e308 and 5e-324.
_LONGEST, _LARGEST_EXPONENT, _LARGEST_POWER = 200, 400, 30

_CELSIUS_OFFSET = Fraction("273.15")
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$", re.DOTALL)
#: What a unit may consist of: names, numbers, and what joins them. A power is one number, which may be a fraction or
#: negative in parentheses; powers of powers ("9^9^9") and powers of numbers would take pint for ever.
_UNIT_TOKEN = re.compile(r"(\^)|(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?|([^\W\d]\w*|%|°)|([()/ .+-])")
_POWER = re.compile(r"[+-]?\d{1,2}(\.\d{1,6})?(?![\d.eE^])|\([+-]?\d{1,2}(\.\d{1,6})?(/[1-9]\d?)?\)(?!\^)")
_SPELLINGS = str.maketrans(
    {
        "µ": "u",
        "μ": "u",
        "\u03a9": "ohm",
        "\u2126": "ohm",
        "·": " ",
        "⋅": " ",
        "−": "-",
        "\u00c5": "angstrom",
        "\u212b": "angstrom",
    }
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Quantity(float):
    """A float in perotwin's unit that remembers its origin; arithmetic gives plain floats.

    Attributes
    ----------
    written : the string that a person wrote, or None for a bare number.
    dimension : a key of `DIMENSIONS`, or None.
    source : where the number comes from, or None.
    assumed : (low, high) as Quantities when the number is an assumption, or None.
    note : why this value, or None.
    """

    __slots__ = ("assumed", "dimension", "note", "source", "written")

    written: str | None
    dimension: str | None
    source: str | None
    assumed: tuple[Quantity, Quantity] | None
    note: str | None

    def __new__(
        cls,
        value: float,
        written: str | None = None,
        *,
        dimension: str | None = None,
        source: str | None = None,
        assumed: tuple[Quantity, Quantity] | None = None,
        note: str | None = None,
    ) -> Quantity:
        self = super().__new__(cls, value)
        self.written = written
        self.dimension = dimension
        self.source = source
        self.assumed = assumed
        self.note = note
        return self

    def with_origin(
        self,
        source: str | None = None,
        assumed: tuple[Quantity, Quantity] | None = None,
        note: str | None = None,
    ) -> Quantity:
        """The same value with another origin."""
        return Quantity(
            float(self), self.written, dimension=self.dimension, source=source, assumed=assumed, note=note
        )

    def negated(self) -> Quantity:
        """The opposite value, written as a person would write it; used when a cell is mirrored."""
        if self == 0.0:
            return self
        written = self.written
        if written is not None:
            text = written.lstrip()
            written = text[1:].lstrip() if text[0] in "-−" else "-" + text.lstrip("+")
        assumed = None if self.assumed is None else (self.assumed[1].negated(), self.assumed[0].negated())
        return Quantity(
            -float(self),
            written,
            dimension=self.dimension,
            source=self.source,
            assumed=assumed,
            note=self.note,
        )

    @property
    def text(self) -> str:
        """The number with its unit: as written, or else exactly in perotwin's own unit."""
        if self.written is not None:
            return self.written
        unit = DIMENSIONS[self.dimension][0] if self.dimension else "1"
        number = repr(float(self))
        return number if unit == "1" else f"{number} {unit}"

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return float.__format__(float(self), spec) if spec else self.text

    def __reduce__(self) -> Any:
        return _restore, (float(self), self.written, self.dimension, self.source, self.assumed, self.note)

    def __copy__(self) -> Quantity:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Quantity:
        return self


def _restore(value: float, written: Any, dimension: Any, source: Any, assumed: Any, note: Any) -> Quantity:
    return Quantity(value, written, dimension=dimension, source=source, assumed=assumed, note=note)


def si_unit(dimension: str) -> str:
    """The unit in which perotwin computes a quantity of this dimension (SI, but eV for energies and sun)."""
    return DIMENSIONS[dimension][0]


def parse(value: str | float, dimension: str, *, bare: bool = True) -> Quantity:
    """Read a quantity.

    Parameters
    ----------
    value : "400 nm", or a number (in SI; eV for energies, suns for intensities).
    dimension : a key of `DIMENSIONS`.
    bare : False refuses a number without a unit unless the dimension is dimensionless or a fraction. True takes
        a bare float as SI, and of texts without a unit only zero, "0" (a temperature needs its unit even so).

    Returns
    -------
    Quantity in the unit `si_unit(dimension)`; "400 nm" gives exactly the float 4e-07.

    Raises
    ------
    InputError : no unit, an unknown unit, the wrong dimension, not a number, not finite.
    """
    if isinstance(value, Quantity):
        if value.dimension not in (None, dimension):
            raise _wrong_dimension(value.text, str(value.dimension), dimension)
        if value.dimension is None:
            return Quantity(
                float(value),
                None,
                dimension=dimension,
                source=value.source,
                assumed=value.assumed,
                note=value.note,
            )
        return value
    if isinstance(value, str):
        return _parse_text(value, dimension, bare)
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"{shown(value)} is not a quantity; {_article(dimension)} is needed.",
            f'Write a number and a unit in quotes, for example "{_example(dimension)}".',
        ) from None
    except OverflowError:
        number = math.inf
    if not bare and not _unitless(dimension):
        raise _missing_unit(shown(value), dimension)
    return Quantity(_finite(number, shown(value)), None, dimension=dimension)


@functools.lru_cache(maxsize=4096)
def _parse_text(text: str, dimension: str, bare: bool) -> Quantity:
    if dimension == "intensity" and text.strip().lower() == "dark":
        return Quantity(0.0, "0 sun", dimension=dimension)
    match = _NUMBER.match(text) if len(text) <= _LONGEST else None
    if match is None:
        fault = "does not start with a number" if len(text) <= _LONGEST else "is too long for a quantity"
        raise InputError(
            f'"{shown(text)}" {fault}; {_article(dimension)} is needed.',
            f'Write a number and a unit, for example "{_example(dimension)}".',
        )
    number, unit = match.groups()
    _refuse_exponent(number, text)
    if not unit and not _unitless(dimension):
        # Nothing is nothing in every unit but that of a temperature; a stack file still says which.
        if bare and float(number) == 0.0 and dimension != "temperature":
            return Quantity(0.0, f"{number} {DIMENSIONS[dimension][1]}", dimension=dimension)
        raise _missing_unit(number, dimension)
    exact = _to_si(Fraction(number), unit, dimension, text)
    try:
        result = float(exact)
    except OverflowError:
        result = math.inf
    if result == 0.0 and exact != 0:
        raise _too_small(text)
    return Quantity(_finite(result, text), text.strip(), dimension=dimension)


def _refuse_exponent(number: str, text: str) -> None:
    """Refuse an exponent that no float has: the exact fraction of 1e999999999 would fill the memory."""
    exponent = re.split("[eE]", number)[-1] if "e" in number.lower() else "0"
    digits = exponent.lstrip("+-").lstrip("0")
    if len(digits) <= 3 and int(digits or 0) <= _LARGEST_EXPONENT:
        return
    if exponent.startswith("-"):
        raise _too_small(text)
    raise _not_finite(text)


def _to_si(number: Fraction, unit: str, dimension: str, text: str) -> Fraction | float:
    """`number` times `unit` in perotwin's unit of `dimension`."""
    normal = _normalise(unit)
    if normal in ("", "1"):
        if not _unitless(dimension):
            raise _wrong_dimension(text, "dimensionless", dimension)
        return number
    known = COMMON_UNITS.get(normal)
    if known is not None:
        found, factor = known
        if found == dimension or (found == "fraction" and dimension == "dimensionless"):
            return number * factor + (_CELSIUS_OFFSET if normal == "degC" else 0)
    return _pint_magnitude(number, unit, dimension, text)


def _pint_magnitude(number: Fraction, unit: str, dimension: str, text: str) -> float:
    import pint

    if not _is_bounded(unit):
        raise _unknown_unit(unit, text, dimension)
    try:
        magnitude = float(number)
    except OverflowError:
        raise _not_finite(text) from None
    registry = _registry()
    try:
        quantity = registry.Quantity(magnitude, registry.parse_units(_for_pint(unit)))
    except Exception as error:  # pint raises tokenizer errors of many kinds for malformed expressions
        raise _unknown_unit(unit, text, dimension) from error
    target = registry.parse_units(_for_pint(si_unit(dimension)))
    try:
        result = float(quantity.to(target).magnitude)
    except pint.errors.DimensionalityError:
        raise _wrong_dimension(text, _name_dimension(quantity), dimension) from None
    except Exception as error:  # powers of units with an offset or a logarithm, numbers beyond a float
        raise _unknown_unit(unit, text, dimension) from error
    if result == 0.0 and magnitude != 0.0:
        raise _too_small(text)
    return result


def _is_bounded(unit: str) -> bool:
    """Whether pint may read a unit: names and numbers of moderate size, and powers of names, or of what stands in
    parentheses without powers, that are a single moderate number."""
    normal = _normalise(unit)
    place = 0
    holds_power = [False]  # of the whole, and of each parenthesis that is open
    may_be_raised = False
    while place < len(normal):
        token = _UNIT_TOKEN.match(normal, place)
        if token is None:
            return False
        caret, number, exponent, _, mark = token.groups()
        place = token.end()
        if caret:
            power = _POWER.match(normal, place)
            if (
                not may_be_raised
                or power is None
                or float(re.findall(r"[\d.]+", power[0])[0]) > _LARGEST_POWER
            ):
                return False
            place, may_be_raised = power.end(), False
            holds_power[-1] = True
        elif mark == "(":
            holds_power.append(False)
        elif mark == ")":
            if len(holds_power) == 1:
                return False
            inner = holds_power.pop()
            holds_power[-1] = holds_power[-1] or inner
            may_be_raised = not inner
        elif number:
            if len(number) > 20 or len((exponent or "").lstrip("+-")) > 2:
                return False
            may_be_raised = False
        else:
            may_be_raised = mark is None
    return len(holds_power) == 1


@functools.lru_cache(maxsize=1)
def _registry() -> Any:
    """pint's registry with the units of this field; built once, on first need."""
    import pint

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("sun = [sun] = suns")
    registry.define("molpercent = 0.01 = mol_percent")
    registry.define("@alias debye = Debye")
    return registry


def _for_pint(unit: str) -> str:
    text = _normalise(unit).replace("mol%", "molpercent").replace("%", "percent")
    # pint would read the s of "Vs" as a plural; people mean volt second.
    text = re.sub(r"\bVs\b", "(V s)", text)
    return "dimensionless" if text in ("", "1") else text


@functools.lru_cache(maxsize=1024)
def _normalise(unit: str) -> str:
    """One spelling for many: micro signs, superscripts, "cm2", "**", "*", extra spaces, degree signs."""
    text = unit.translate(_SPELLINGS)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: "^" + m.group().translate(_SUPERSCRIPTS), text)
    text = text.replace("**", "^").replace("*", " ").replace("°C", "degC").replace("Ohm", "ohm")
    text = re.sub(r"\b([a-zA-Z]+)([-+]?\d+)\b", r"\1^\2", text)
    text = re.sub(r"\s*([/^()])\s*", r"\1", text)
    return re.sub(r"\s+", " ", text).replace("mol %", "mol%").strip()


def convert(value: float, unit: str, dimension: str | None = None) -> float:
    """A value in perotwin's own unit expressed in `unit`: `convert(4e-7, "nm")` is 400.0.

    Parameters
    ----------
    value : float in SI (eV for energies, suns for intensities).
    unit : any unit string.
    dimension : needed only where the unit does not tell it; checked when given.
    """
    normal = _normalise(unit)
    if dimension is None:
        dimension = getattr(value, "dimension", None)
    if normal in ("", "1"):
        return float(value)
    known = COMMON_UNITS.get(normal)
    if known is not None and dimension in (None, known[0], "dimensionless"):
        exact = Fraction(float(value)) if math.isfinite(value) else None
        if exact is None:
            return float(value)
        return float((exact - (_CELSIUS_OFFSET if normal == "degC" else 0)) / known[1])
    registry = _registry()
    try:
        if not _is_bounded(unit):
            raise ValueError(unit)
        target = registry.parse_units(_for_pint(unit))
    except Exception as error:  # pint raises many kinds for malformed expressions
        raise InputError(f'the unit "{shown(unit)}" is not known.', suggestion(unit, COMMON_UNITS)) from error
    if dimension is None:
        dimension = _name_dimension(registry.Quantity(1.0, target))
    if dimension not in DIMENSIONS:
        raise InputError(
            f'no perotwin quantity has the unit "{unit}" ({dimension}).', "Use a unit of the same dimension."
        )
    source = registry.parse_units(_for_pint(si_unit(dimension)))
    if source.dimensionality != target.dimensionality:
        raise InputError(
            f'a {dimension} cannot be expressed in "{unit}".', f"Use {DIMENSIONS[dimension][1]}, for example."
        )
    return float(registry.Quantity(float(value), source).to(target).magnitude)


def format(value: float, unit: str, digits: int = 4) -> str:
    """A value in perotwin's own unit as text: `format(4e-7, "nm")` is "400 nm"."""
    number = f"{convert(value, unit):.{digits}g}"
    return number if unit in ("", "1") else f"{number} {unit}"


def _name_dimension(quantity: Any) -> str:
    registry = _registry()
    for name, (unit, _) in DIMENSIONS.items():
        if quantity.dimensionality == registry.parse_units(_for_pint(unit)).dimensionality:
            return name
    return str(quantity.dimensionality)


def _unitless(dimension: str) -> bool:
    return dimension in ("dimensionless", "fraction")


def _finite(number: float, text: str) -> float:
    if not math.isfinite(number):
        raise _not_finite(text)
    # minus zero is zero: read back, it would not be the same float
    return number + 0.0


def _not_finite(text: str) -> InputError:
    return InputError(
        f"{shown(text)} is not a finite number.", "Leave the key out if you mean infinite or unknown."
    )


def _too_small(text: str) -> InputError:
    return InputError(
        f"{shown(text)} is closer to zero than a number of this program can be.",
        "Write 0 if nothing is meant.",
    )


def _example(dimension: str) -> str:
    return _EXAMPLES.get(dimension, f"1 {DIMENSIONS[dimension][1]}")


def _article(dimension: str) -> str:
    if dimension == "dimensionless":
        return "a plain number"
    return f'{"an" if dimension[0] in "aeiou" else "a"} {dimension} (such as "{_example(dimension)}")'


def _missing_unit(number: str, dimension: str) -> InputError:
    written = DIMENSIONS[dimension][1]
    return InputError(
        f"the number {shown(number, 60)} has no unit; {_article(dimension)} is needed.",
        f'Write it with its unit in quotes, for example "{shown(number, 60)} {written}".',
    )


def _wrong_dimension(text: str, found: str, dimension: str) -> InputError:
    return InputError(
        f'"{shown(text)}" is {"a plain number" if found == "dimensionless" else "of dimension " + found};'
        f" {_article(dimension)} is needed.",
        "Write the number alone."
        if dimension == "dimensionless"
        else f"Give it in {DIMENSIONS[dimension][1]} or another unit of {dimension}.",
    )


def _unknown_unit(unit: str, text: str, dimension: str) -> InputError:
    same = [known for known, (found, _) in COMMON_UNITS.items() if found == dimension]
    offer = suggestion(unit, same) if same else "Write the number alone."
    return InputError(
        f'the unit "{shown(unit, 60)}" in "{shown(text)}" is not known; {_article(dimension)} is needed.',
        offer,
    )
