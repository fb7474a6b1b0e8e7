"""Quantity strings: exact, dimension-checked, and in agreement with pint, which is the authority."""

import copy
import math
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perotwin import units
from perotwin.errors import InputError
from perotwin.units import COMMON_UNITS, DIMENSIONS, Quantity, convert, parse


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("400 nm", "length", 400e-9),
        ("1.1mm", "length", 1.1e-3),
        ("0.4 µm", "length", 0.4e-6),
        ("65 degC", "temperature", 338.15),
        ("65 °C", "temperature", 338.15),
        ("-20 degC", "temperature", 253.15),
        ("300 K", "temperature", 300.0),
        ("10 ohm cm^2", "area resistance", 1e-3),
        ("10 Ω cm²", "area resistance", 1e-3),
        ("10 ohm*cm**2", "area resistance", 1e-3),
        ("1 sun", "intensity", 1.0),
        ("0.1 suns", "intensity", 0.1),
        ("dark", "intensity", 0.0),
        ("0.5 mol%", "fraction", 0.005),
        ("0.5 mol %", "fraction", 0.005),
        ("12 %", "fraction", 0.12),
        ("0.3", "fraction", 0.3),
        ("1.79 eV", "energy", 1.79),
        ("15 meV", "energy", 0.015),
        ("1e16 cm^-3", "number density", 1e22),
        ("1e16 cm-3", "number density", 1e22),
        ("1e16 cm⁻³", "number density", 1e22),
        ("1e16 1/cm^3", "number density", 1e22),
        ("2 cm^2/(V s)", "mobility", 2e-4),
        ("2 cm^2/Vs", "mobility", 2e-4),
        ("2 cm2 V-1 s-1", "mobility", 2e-4),
        ("3e-11 cm^3/s", "volume rate", 3e-17),
        ("1e-28 cm^6/s", "auger coefficient", 1e-40),
        ("1e7 cm/s", "velocity", 1e5),
        ("17.5 mA/cm^2", "current density", 175.0),
        ("0.3 meV/K", "energy per temperature", 3e-4),
        ("5.7 angstrom", "length", 5.7e-10),
        ("5.7 \u00c5", "length", 5.7e-10),  # the letter and the sign for it
        ("5.7 \u212b", "length", 5.7e-10),
        ("0.77 nm^2", "area", 0.77e-18),
        ("1.3 nm^-2", "areal density", 1.3e18),
        ("12 Å³", "volume", 12e-30),
        ("2.57 D", "dipole", 2.57e-21 / 299792458),
        ("2.57 Debye", "dipole", 2.57e-21 / 299792458),
        ("-0.8 D", "dipole", -0.8e-21 / 299792458),
        ("117.15 g/mol", "molar mass", 0.11715),
    ],
)
def test_what_people_write_is_exact(text: str, dimension: str, value: float) -> None:
    assert float(parse(text, dimension)) == value


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("1 inch", "length", 0.0254),
        ("2e-19 J", "energy", 2e-19 / 1.602176634e-19),
        ("96485.33212331 J/mol/N_A", "energy", 1.0),
        ("77 degF", "temperature", 298.15),
        ("3 nm^2/ps", "diffusion coefficient", 3e-6),
        ("2 kohm mm^2", "area resistance", 2e-3),
        ("50 m^2/Vs", "mobility", 50.0),
        ("1 e angstrom", "dipole", 1.602176634e-29),
    ],
)
def test_units_outside_the_table_are_read_by_pint(text: str, dimension: str, value: float) -> None:
    assert float(parse(text, dimension)) == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize("unit", sorted(COMMON_UNITS))
def test_every_row_of_the_table_agrees_with_pint(unit: str) -> None:
    dimension, factor = COMMON_UNITS[unit]
    registry = units._registry()
    there = registry.Quantity(2.5, registry.parse_units(units._for_pint(unit)))
    base = there.to(registry.parse_units(units._for_pint(DIMENSIONS[dimension][0]))).magnitude
    assert float(parse(f"2.5 {unit}", dimension)) == pytest.approx(base, rel=1e-14)
    assert factor > 0


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
def test_both_units_of_every_dimension_are_readable_and_go_back(dimension: str) -> None:
    for unit in DIMENSIONS[dimension]:
        quantity = parse(f"3 {unit}", dimension)
        assert convert(quantity, unit, dimension) == pytest.approx(3.0, rel=1e-14)


def test_common_units_need_no_pint() -> None:
    code = (
        "import sys; from perotwin.units import parse, convert;"
        "parse('400 nm', 'length'); parse('65 degC', 'temperature'); convert(1e-4, 'ohm cm^2');"
        "sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("value", "dimension", "words"),
    [
        ("400", "length", ["400", "no unit", '"400 nm"']),
        ("400 eV", "length", ["energy", "length"]),
        ("400 nmm", "length", ["nmm", "not known", '"nm"']),
        ("1 mm^2/(V", "mobility", ["not known"]),
        ("nm", "length", ["does not start with a number"]),
        ("", "length", ["does not start with a number"]),
        ("1e999 nm", "length", ["not a finite number"]),
        ("100 mW/cm^2", "intensity", ["power density", "intensity"]),
        ("3 nm", "dimensionless", ["length", "plain number"]),
        (True, "length", ["not a quantity"]),
        (None, "length", ["not a quantity"]),
        (float("nan"), "length", ["not a finite number"]),
        ([1], "length", ["not a quantity"]),
    ],
)
def test_refusals_say_what_is_wrong_and_what_to_write(
    value: object, dimension: str, words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        parse(value, dimension)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.advice


def test_a_bare_number_is_si_in_python_and_refused_where_units_are_required() -> None:
    assert float(parse(4e-7, "length")) == 4e-7
    with pytest.raises(InputError, match="no unit"):
        parse(4e-7, "length", bare=False)
    assert float(parse(3.5, "dimensionless", bare=False)) == 3.5


def test_nothing_needs_no_unit_but_where_a_file_must_say_it_and_for_temperatures() -> None:
    assert parse("0", "voltage").text == "0 V"
    for dimension, bare in (("voltage", False), ("temperature", True)):
        with pytest.raises(InputError, match="no unit"):
            parse("0", dimension, bare=bare)


def test_a_quantity_is_a_float_that_remembers() -> None:
    low, high = parse("300 nm", "length"), parse("500 nm", "length")
    thickness = parse("400 nm", "length").with_origin("book, p. 3", (low, high), "a note")
    assert isinstance(thickness, float)
    assert type(thickness * 2) is float
    assert thickness.written == "400 nm"
    for same in (pickle.loads(pickle.dumps(thickness)), copy.deepcopy(thickness)):
        assert same == thickness
        assert (same.written, same.source, same.assumed, same.note, same.dimension) == (
            "400 nm",
            "book, p. 3",
            (low, high),
            "a note",
            "length",
        )
    assert f"{thickness}" == "400 nm"
    assert f"{thickness:.1e}" == "4.0e-07"
    with pytest.raises(InputError, match="length"):
        parse(thickness, "energy")


def test_negation_is_written_as_a_person_would() -> None:
    dipole = parse("0.15 eV", "energy").with_origin(
        assumed=(parse("0 eV", "energy"), parse("0.3 eV", "energy"))
    )
    back = dipole.negated()
    assert (float(back), back.written) == (-0.15, "-0.15 eV")
    assert back.assumed == (-0.3, 0.0)
    assert back.negated().written == "0.15 eV"


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(DIMENSIONS)))
def test_the_text_of_any_value_reads_back_bit_for_bit(value: float, dimension: str) -> None:
    quantity = parse(value, dimension)
    assert float(parse(quantity.text, dimension)) == value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4e-7, "nm", "400 nm"),
        (338.15, "degC", "65 degC"),
        (1e-3, "ohm cm^2", "10 ohm cm^2"),
        (0.843, "%", "84.3 %"),
        (0.5, "1", "0.5"),
        (1.5, "inch", "59.06 inch"),
        (0.005, "mol%", "0.5 mol%"),
        (5.7e-10, "angstrom", "5.7 angstrom"),
        (2.57e-21 / 299792458, "D", "2.57 D"),
    ],
)
def test_values_are_written_in_the_unit_asked_for(value: float, unit: str, text: str) -> None:
    assert units.format(value, unit) == text


@pytest.mark.parametrize(
    ("dimension", "unit"),
    [
        ("fraction", "mol%"),
        ("dipole", "D"),
        ("length", "angstrom"),
        ("volume", "angstrom^3"),
        ("area", "nm^2"),
    ],
)
@given(st.floats(1e-6, 1e6))
def test_what_molecules_are_written_in_goes_there_and_back(dimension: str, unit: str, value: float) -> None:
    assert convert(parse(f"{value!r} {unit}", dimension), unit) == pytest.approx(value, rel=1e-15)


def test_a_debye_is_a_statcoulomb_centimetre() -> None:
    # 1e-18 statC cm, with 1 statC = 1 C / (10 c in m/s): the rounding of 3.33564095e-30 is in the last digit only
    assert float(parse("1 D", "dipole")) == pytest.approx(3.33564095e-30, rel=1e-8)


def test_a_dose_in_mol_per_cent_is_a_fraction_of_the_lead() -> None:
    dose = parse("0.5 mol%", "fraction")
    assert float(dose) == 0.005
    assert dose.text == "0.5 mol%"
    assert convert(dose, "mol%") == 0.5
    with pytest.raises(InputError, match="fraction"):
        parse("0.5 mol", "fraction")


def test_a_conversion_to_another_dimension_is_refused() -> None:
    with pytest.raises(InputError):
        convert(parse("1 nm", "length"), "K")
    with pytest.raises(InputError):
        convert(1.0, "nonsense")


def test_quantities_compare_as_floats() -> None:
    assert Quantity(4e-7) == parse("400 nm", "length") == 4e-7


@pytest.mark.parametrize("zero", [-0.0, "-0 m", "-0.0 nm"])
def test_minus_zero_is_zero(zero: float | str) -> None:
    assert math.copysign(1.0, units.parse(zero, "length")) == 1.0
