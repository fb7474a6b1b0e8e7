"""A file's text, lines and numbers are decided once, and said."""

from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.files.blocks import blocks
from perotwin.files.header import header_of
from perotwin.files.headings import heading_of
from perotwin.files.source import Asked, Source
from perotwin.files.written_units import written_unit


def source(content: bytes | str, name: str = "x.txt") -> Source:
    return Source(Path(name), content.encode() if isinstance(content, str) else content, Asked())


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
def test_encodings_are_told(encoding: str, said: str) -> None:
    found = source("J [mA/cm²]\t°C\n1.5\t2\n2.5\t3\n".encode(encoding))
    assert found.encoding == said
    (block,) = blocks(found)
    assert block.columns[0].kind == "current density"
    assert block.values.tolist() == [[1.5, 2.0], [2.5, 3.0]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_every_systems_line_ends(end: str) -> None:
    found = source(f"t (s),V (V){end}0,1.5{end}1,2.5{end}")
    assert blocks(found)[0].values.tolist() == [[0.0, 1.5], [1.0, 2.5]]


@pytest.mark.parametrize(
    ("text", "separator", "decimal"),
    [
        ("0,5\t1,25\n0,6\t1,75\n", "\t", ","),
        ("0,5;1,25\n0,6;1,75\n", ";", ","),
        ("0.5,1.25\n0.6,1.75\n", ",", "."),
        ("0,5 1,25\n0,6 1,75\n", None, ","),
        ("-0.5  1.25\n 0.6  1.75\n", None, "."),
    ],
)
def test_decimal_commas_are_decided_for_the_whole_file(
    text: str, separator: str | None, decimal: str
) -> None:
    found = source(text)
    assert (found.separator, found.decimal) == (separator, decimal)
    assert np.abs(blocks(found)[0].values).tolist() == [[0.5, 1.25], [0.6, 1.75]]
    assert any("decimal commas" in one for one in found.decisions) == (decimal == ",")


@pytest.mark.parametrize(
    ("text", "kind", "factor"),
    [
        ("mA/cm2", "current density", 10.0),
        ("mA cm^-2", "current density", 10.0),
        ("mA.cm⁻²", "current density", 10.0),
        ("mA/cm?", "current density", 10.0),
        ("mA/cm\ufffd", "current density", 10.0),
        ("A/cm²", "current density", 1e4),
        ("µA", "current", 1e-6),
        ("Ohmcm2", "area resistance", 1e-4),
        ("mW/cm2", "power density", 10.0),
        ("photons/(s cm² nm)", "photon flux per wavelength", 1e13),
        ("nF", "capacitance", 1e-9),
        ("cm-1", "wavenumber", 100.0),
        ("min", "time", 60.0),
        ("%", "number", 0.01),
        ("Cnts.", "counts", 1.0),
    ],
)
def test_units_as_instruments_write_them(text: str, kind: str, factor: float) -> None:
    found = written_unit(text)
    assert found is not None
    assert (found.kind, found.factor) == (kind, pytest.approx(factor, rel=1e-12))


@pytest.mark.parametrize("text", ["Voltage", "run 3", "reverse", "", "cell", "mA/", "(" * 70])
def test_words_are_no_units(text: str) -> None:
    found = written_unit(text)
    assert found is None or text == "mA/"


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Current density [1] [mA/cm^2]", "Current density [1]", "current density"),
        ("freq/Hz", "freq", "frequency"),
        ("-Im(Z)/Ohm", "-Im(Z)", "resistance"),
        ("Voltage / V", "Voltage", "voltage"),
        ("Jsc (mA/cm2):", "Jsc", "current density"),
        ("Voltage", "Voltage", ""),
    ],
)
def test_headings(text: str, name: str, kind: str) -> None:
    found = heading_of(text)
    assert (found.name, found.kind) == (name, kind)


def test_names_over_units_are_one_heading_and_groups_are_kept() -> None:
    (block,) = blocks(source("Voltage\ta_rev\n[V]\t[mA/cm2]\n1.0\t2.0\n0.9\t3.0\n"))
    assert block.headings == ("Voltage [V]", "a_rev [mA/cm2]")
    (block,) = blocks(source("P 1,,P 2,\nV (V),J (A),V (V),J (A)\n1,2.5,3,4\n2,3.5,4,5\n"))
    assert block.headings == ("V (V) | P 1", "J (A) | P 1", "V (V) | P 2", "J (A) | P 2")


def test_a_header_in_any_of_the_usual_ways() -> None:
    found = header_of(
        source(
            "Active area [cm2]:\t1.6E-1\nCell area:\t3.96\t[cm²]\nSample: a b\nVoc = 1.02 V\n# Pixel\t3\n0\t1\n1\t2\n"
        )
    )
    assert found.number("active area") == pytest.approx(1.6e-5)
    assert found.number("cell area") == pytest.approx(3.96e-4)
    assert found.number(" voc ") == pytest.approx(1.02)
    assert found.text("sample") == "a b"
    assert found.text("pixel") == "3"


def test_words_beside_the_numbers_are_kept() -> None:
    (block,) = blocks(source("V\tJ\tP\n0.1\t5.0\tVoc\n0.2\t4.0\t\n"))
    assert np.isnan(block.values[:, 2]).all()
    assert block.beside == {2: ("Voc", "")}


@pytest.mark.parametrize("content", [b"", b"  \n", b"1,2\n" + b"9" * 500_000])
def test_what_is_no_measurement_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        _ = Source.of(path).lines


def test_devices_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Source.of(tmp_path)
    with pytest.raises(InputError):
        Source.of("/dev/zero")
