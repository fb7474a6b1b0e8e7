"""Tables as instruments and data bases write them: what is decided, what is told, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perotwin.constants import c, e, h
from perotwin.errors import InputError
from perotwin.materials import read_csv
from perotwin.measurement.series import Wanted, read_series
from perotwin.measurement.tables import read_tables

LAMBDA = np.array([400.0, 450.0, 500.0, 620.0])
INDEX = np.array([2.25, 2.5, 2.125, 1.75])
EXTINCTION = np.array([0.5, 0.25, 0.125, 0.0])


def film(folder: Path, content: str | bytes) -> Path:
    path = folder / "film.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(separator: str = ",", mark: str = ".", scale: float = 1.0) -> str:
    return "".join(
        separator.join(f"{value:.10g}".replace(".", mark) for value in row) + "\n"
        for row in zip(LAMBDA * scale, INDEX, EXTINCTION, strict=True)
    )


def same(path: Path) -> tuple[str, ...]:
    """That a table reads as the numbers above; what was told of it."""
    model = read_csv(path)
    np.testing.assert_allclose(model.wavelength, LAMBDA * 1e-9, rtol=1e-9)
    np.testing.assert_allclose(model.values, INDEX + 1j * EXTINCTION, rtol=1e-12)
    return model.notes


def test_a_plain_table_leaves_nothing_to_tell(tmp_path: Path) -> None:
    assert same(film(tmp_path, rows())) == ()
    assert same(film(tmp_path, "wavelength (nm),n,k\n" + rows())) == ()


@pytest.mark.parametrize("separator", [";", "\t", " ", "  \t "])
def test_decimal_commas(tmp_path: Path, separator: str) -> None:
    (note,) = same(film(tmp_path, "nm;n;k\n" + rows(separator, ",")))
    assert note.startswith("film.txt was read with decimal commas")


def test_a_file_that_mixes_decimal_marks_is_refused(tmp_path: Path) -> None:
    """A decimal comma taken for a thousands mark, or the reverse, is a wrong number without an error."""
    with pytest.raises(InputError, match=r"line 3 .* no number in column 2"):
        read_csv(film(tmp_path, "400\t2.5\t0\n410\t2.4\t0\n420\t2,3\t0\n"))


def test_commas_that_may_be_both_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="separate columns or are decimal commas") as caught:
        read_csv(film(tmp_path, "400,0,2,5\n410,0,2,4\n"))
    assert "semicolons" in caught.value.advice


@pytest.mark.parametrize(
    ("heading", "scale", "words"),
    [
        ("", 1e-3, "micrometres, as their size tells"),
        ("Wavelength (µm);n;k\n", 1e-3, "micrometres, as the heading says"),
        ("wl;n;k\n", 1e-3, "micrometres, as their size tells"),
        ("", 1e-9, "metres, as their size tells"),
        ("lambda [m];n;k\n", 1e-9, "metres, as the heading says"),
        ("Wavelength (Angstrom);n;k\n", 10.0, "angstroms, as the heading says"),
    ],
)
def test_units_of_wavelength(tmp_path: Path, heading: str, scale: float, words: str) -> None:
    (note,) = same(film(tmp_path, heading + rows(";", ".", scale)))
    assert words in note


@pytest.mark.parametrize(("unit", "joule"), [("eV", e), ("meV", 1e-3 * e), ("cm^-1", 100 * h * c)])
def test_energies(tmp_path: Path, unit: str, joule: float) -> None:
    energy = h * c / (LAMBDA * 1e-9) / joule
    text = f"E ({unit})\tn\tk\n" + "".join(
        f"{one:.14g}\t{n}\t{k}\n" for one, n, k in zip(energy, INDEX, EXTINCTION, strict=True)
    )
    (note,) = same(film(tmp_path, text))
    assert f"energies in {unit}, as the heading says" in note


@pytest.mark.parametrize(
    ("heading", "scale", "words"),
    [("wavelength (nm);n;k\n", 1e-3, "heading says nm"), ("wavelength (um);n;k\n", 1.0, "says micrometres")],
)
def test_a_unit_that_the_numbers_contradict_is_refused(
    tmp_path: Path, heading: str, scale: float, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_csv(film(tmp_path, heading + rows(";", ".", scale)))


@pytest.mark.parametrize("between", ["\n", "", "\n\n# extinction\n"])
def test_two_blocks_as_refractiveindex_info_writes_them(tmp_path: Path, between: str) -> None:
    one = "".join(f"{x / 1000:.6g}\t{y}\n" for x, y in zip(LAMBDA, INDEX, strict=True))
    two = "".join(f"{x / 1000:.6g}\t{y}\n" for x, y in zip(LAMBDA, EXTINCTION, strict=True))
    (note,) = same(film(tmp_path, f"wl\tn\n{one}{between}wl\tk\n{two}"))
    assert "one table each for n and k" in note and "micrometres" in note


def test_two_blocks_over_other_wavelengths_are_joined_where_both_are(tmp_path: Path) -> None:
    model = read_csv(film(tmp_path, "wl,n\n0.40,2\n0.45,2.5\n0.50,3\nwl,k\n0.42,0.2\n0.48,0.8\n"))
    np.testing.assert_allclose(model.wavelength, [420e-9, 450e-9, 480e-9])
    np.testing.assert_allclose(model.values, [2.2 + 0.2j, 2.5 + 0.5j, 2.8 + 0.8j])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Messung: Übersicht\r\nWellenlänge (nm)\tn\tk\r\n" + rows("\t", ",").replace("\n", "\r\n")
    (note,) = same(film(tmp_path, text.encode(encoding)))
    assert ("UTF-16" in note) == (encoding == "utf-16")
    assert ("Windows-1252" in note) == (encoding == "cp1252")


def test_a_file_in_binary_form_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not text"):
        read_csv(film(tmp_path, b"\x00\x01\x02\xff" * 200))


def test_headings_comments_and_words_at_the_end(tmp_path: Path) -> None:
    text = (
        "# made by an instrument\nInstrument;Model 3000;SN 12\nDate;01.02.2024\n\nWavelength;Index;Extinction\n"
        f"nm;-;-\n{rows(';')}End of data;;\n"
    )
    (note,) = same(film(tmp_path, text))
    assert "those below it left out, which are no numbers" in note


def test_columns_are_taken_by_their_headings(tmp_path: Path) -> None:
    text = "wavelength (nm);k;thickness (nm);n;remark\n" + "".join(
        f"{x};{k};500;{n};good\n" for x, n, k in zip(LAMBDA, INDEX, EXTINCTION, strict=True)
    )
    (note,) = same(film(tmp_path, text))
    assert "n from column 4, k from column 2 (by their headings), column 3, 5 left out" in note


def test_the_axis_is_taken_by_its_heading(tmp_path: Path) -> None:
    text = "Pixel;Wavelength (nm);n;k\n" + "".join(
        f"{at};{x};{n};{k}\n" for at, (x, n, k) in enumerate(zip(LAMBDA, INDEX, EXTINCTION, strict=True))
    )
    (note,) = same(film(tmp_path, text))
    assert "the axis from column 2 (by its heading)" in note


def test_headings_of_something_else_do_not_go_unsaid(tmp_path: Path) -> None:
    (note,) = same(film(tmp_path, "wavelength (nm);T;R\n" + rows(";")))
    assert "n from column 2, k from column 3 (by their place, for the headings do not tell)" in note


def test_columns_without_headings_are_taken_in_order(tmp_path: Path) -> None:
    (note,) = same(film(tmp_path, rows().replace("\n", ",7,8\n")))
    assert "column 4 to 5 left out" in note


def test_a_cell_without_a_number_is_refused_where_its_column_is_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2 .* no number in column 3"):
        read_csv(film(tmp_path, "400,2,0,x\n410,2,-,x\n420,2,0,x\n"))


def test_order_and_repetition(tmp_path: Path) -> None:
    falling = "".join(reversed(rows().splitlines(keepends=True)))
    assert same(film(tmp_path, falling)) == ()
    (note,) = same(film(tmp_path, rows() + rows()))
    assert "4 repeated rows left out" in note
    model = read_csv(film(tmp_path, "400,2,0.10\n450,2,0.20\n450,2,0.21\n500,2,0.3\n"))
    assert model.values[1] == pytest.approx(2 + 0.205j) and "the mean of rows" in model.notes[0]


def test_negative_noise_is_clipped_and_told(tmp_path: Path) -> None:
    model = read_csv(film(tmp_path, "400,2,0.1\n450,2,-0.002\n500,2,0\n"))
    assert model.values[1] == 2.0 and "1 negative value of k (down to -0.002) taken as zero" in model.notes[0]
    with pytest.raises(InputError, match="negative n or k"):
        read_csv(film(tmp_path, "400,2,0.1\n450,2,-0.02\n500,2,0\n"))


def test_a_dielectric_function_is_not_taken_for_an_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dielectric function"):
        read_csv(film(tmp_path, "nm,eps1,eps2\n" + rows()))


def test_words_of_a_comment_are_no_headings(tmp_path: Path) -> None:
    """A remark with as many commas as there are columns, and another unit in it."""
    text = "# note: the gap lies at 1.28 eV, Tauc 1.28 eV, and the tail below\nwavelength_nm,n,k\n" + rows()
    assert same(film(tmp_path, text)) == ()
    assert same(film(tmp_path, "# 1.6 eV film\n# nm,n,k\n" + rows())) == ()


def test_energies_that_are_wavelengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="looks like nanometres, but its heading says eV"):
        read_csv(film(tmp_path, "E (eV),n,k\n" + rows()))


def test_a_line_of_numbers_among_words_is_no_table(tmp_path: Path) -> None:
    (note,) = same(film(tmp_path, "Instrument\n900 3350 1\nSerial\n" + rows(" ")))
    assert "line 2 left out" in note


def test_depths(tmp_path: Path) -> None:
    for heading, scale in (("x (um),rate\n", 1e-3), ("depth,rate\n", 1.0), ("x,rate\n", 1e-9)):
        text = heading + "".join(f"{depth * scale:.6g},{1 + depth}\n" for depth in (0.0, 5.0, 40.0))
        found = read_series(
            film(tmp_path, text), "profile", "depth in nm, rate", (Wanted("rate"),), axis="depth"
        )
        np.testing.assert_allclose(found.axis, [0.0, 5e-9, 40e-9])
        np.testing.assert_allclose(found.values["rate"], [1.0, 6.0, 41.0])


def test_no_message_shows_words_of_the_file(tmp_path: Path) -> None:
    for text in ("secret\n1,2\n", "secret secret\nsecret;1\n", "1,2,3\nsecret,secret\n4,5,6\n7,8\n"):
        with pytest.raises(InputError) as caught:
            read_csv(film(tmp_path, text))
        assert "secret" not in str(caught.value)


WAYS = st.sampled_from(["\t", ";", ",", " "])
NUMBERS = st.floats(min_value=1e-3, max_value=9.0).map(lambda value: float(f"{value:.7g}"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_written_in_any_way_is_read_back(tmp_path: Path, data: st.DataObject) -> None:
    """Separators, decimal marks, units, order, line ends, marks of encodings, headings and further columns."""
    draw = data.draw
    axis = sorted(draw(st.sets(st.integers(3000, 20_000), min_size=3, max_size=30)))
    n, k = (draw(st.lists(NUMBERS, min_size=len(axis), max_size=len(axis))) for _ in range(2))
    separator = draw(WAYS)
    mark = "." if separator == "," else draw(st.sampled_from([".", ","]))
    unit, scale = draw(st.sampled_from([("nm", 0.1), ("um", 1e-4), ("m", 1e-10), ("angstrom", 1.0)]))
    names = draw(st.booleans()) or unit == "angstrom"
    order = draw(st.permutations(range(len(axis))))
    more = draw(st.integers(0, 2))
    joined = separator * draw(st.integers(1, 3)) if separator == " " else separator
    lines = []
    if names:
        lines += [joined.join([f"wavelength({unit})", "n", "k", *["remark"] * more])]
    for at in order:
        numbers = [f"{axis[at] * scale:.8g}", f"{n[at]:.7g}", f"{k[at]:.7g}", *["7.5"] * more]
        lines.append(joined.join(number.replace(".", mark) for number in numbers))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    path = film(tmp_path, (ending.join(lines) + ending).encode(encoding))
    found = read_series(path, "optical table", "wavelength, n, k", (Wanted("n"), Wanted("k")))
    np.testing.assert_allclose(found.axis, np.array(axis) * 1e-10, rtol=1e-7)
    np.testing.assert_allclose(found.values["n"], n, rtol=1e-12)
    np.testing.assert_allclose(found.values["k"], k, rtol=1e-12)
    assert (read_tables(path, "optical table", "").decimal == ",") == (mark == "," and "," in "".join(lines))
