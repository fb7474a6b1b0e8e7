"""Each format reads three small files of our own making: as its program writes them, from elsewhere, odd ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.files import Found, read
from perotwin.files.registry import formats, recognise

FOLDER = Path(__file__).parents[1] / "data" / "formats"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_reads_what_is_known_to_be_there(name: str) -> None:
    wanted = EXPECTED[name]
    assert recognise(FOLDER / name).format.name == wanted["format"]
    found = read(FOLDER / name)
    assert len(found) == len(wanted["found"])
    for one, expected in zip(found, wanted["found"], strict=True):
        compare(one, expected)


def compare(one: Found, expected: dict) -> None:  # type: ignore[type-arg]  # of JSON
    data = one.dataset
    assert one.instrument == expected["instrument"]
    assert data.attrs["measured"] == 1
    assert next(iter(data.sizes.values())) == expected["points"] or expected["points"] in data.sizes.values()
    for variable in data.variables.values():
        assert variable.dtype.kind in "US" or variable.attrs.get("units") is not None
    for key in ("direction", "light"):
        if key in expected:
            assert data.attrs[key] == expected[key]
    if "clipped" in expected:
        assert int(data["clipped"].sum()) == expected["clipped"]
    if "note" in expected:
        assert any(expected["note"] in note for note in one.notes)
    if "jsc" in expected and one.instrument == "jv":
        order = np.argsort(data["voltage"].values)
        v, j = data["voltage"].values[order], data["current_density"].values[order] / 10.0
        assert abs(np.interp(0.0, v, j)) == pytest.approx(expected["jsc"], abs=1e-3)
        if expected["voc"] is not None:
            at = np.flatnonzero(np.sign(j[:-1]) != np.sign(j[1:]))
            crossings = v[at] - j[at] * (v[at + 1] - v[at]) / (j[at + 1] - j[at])
            assert np.abs(crossings - expected["voc"]).min() < 2.5e-3  # 20 mV steps on an exponential
    if one.instrument == "suns_voc" and "jsc" in expected:
        assert data.attrs["jsc"] / 10.0 == pytest.approx(expected["jsc"], rel=1e-4)
    if "power" in expected:
        assert float(data["power_density"][0]) / 10.0 == pytest.approx(expected["power"], rel=1e-6)
        assert all(float(data[n][0]) > 0.0 for n in ("voltage", "current_density") if n in data)
    if "largest" in expected:
        name = {"eqe": "eqe", "pl": "photon_flux", "trpl": "counts"}[one.instrument]
        assert float(data[name].max()) == pytest.approx(expected["largest"], rel=2e-3)
    if "absolute" in expected:
        assert data["photon_flux"].attrs["units"] == "m-2 s-1 m-1"


def test_every_text_format_of_this_half_has_three_files() -> None:
    counts: dict[str, int] = {}
    for one in EXPECTED.values():
        counts[one["format"]] = counts.get(one["format"], 0) + 1
    assert min(counts.values()) >= 3


def test_the_files_are_those_of_the_script_that_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import make_format_files

    monkeypatch.setattr(make_format_files, "FOLDER", tmp_path)
    make_format_files.main()
    for name in EXPECTED:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


@pytest.mark.parametrize(
    "name", [name for name, one in EXPECTED.items() if "kit_lti" in name or "hzb" in name]
)
def test_no_format_reads_by_the_place_of_columns(name: str) -> None:
    """The numbers of a column do not change when its heading goes: then nothing is known, and it is refused."""
    text = (FOLDER / name).read_bytes().decode("cp1252")
    bare = "\n".join(line for line in text.splitlines() if line[:1] in "-0123456789")
    path = FOLDER.parent / "never-written.txt"
    from perotwin.files.source import Asked, Source

    with pytest.raises(InputError):
        recognise(Source(path, bare.encode(), Asked()))


def test_a_workbook_is_read_sheet_by_sheet(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "light"
    sheet.append(["Voltage (V)", "J (mA/cm2)"])
    for n in range(30):
        sheet.append([0.05 * n - 0.1, 20.0 - np.expm1((0.05 * n - 0.1) / 0.035) * 1e-11])
    other = book.create_sheet("table")
    other.append(["Device", "Voc (V)", "Jsc (mA/cm2)", "FF (%)", "PCE (%)"])
    for n in range(4):
        other.append([f"d{n}", 1.1, 20.0 + n, 80.0, 17.0])
    book.save(tmp_path / "book.xlsx")
    curve, table = read(tmp_path / "book.xlsx")
    assert (curve.instrument, table.instrument) == ("jv", "statistics")
    assert curve.dataset["current_density"].values[2] == pytest.approx(200.0)
    assert table.dataset["jsc"].values == pytest.approx([200.0, 210.0, 220.0, 230.0])
    assert table.dataset["device"].values.tolist() == ["d0", "d1", "d2", "d3"]


def test_columns_that_a_person_names(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("".join(f"{n},{0.1 * n - 0.1},7,{-2.0 + 0.02 * n**3}\n" for n in range(12)))
    with pytest.raises(InputError, match="--columns"):
        read(path)
    (found,) = read(path, columns="V=2, J=4 (A/m^2)")
    assert found.dataset["voltage"].values[:3] == pytest.approx([-0.1, 0.0, 0.1])
    assert found.dataset["current_density"].values[0] == pytest.approx(-2.0)
    for wrong in ("V=2, J=9", "V=2, X=3", "V2", "V=2, J=4 (furlong)"):
        with pytest.raises(InputError):
            read(path, columns=wrong)


def test_an_area_that_is_given_wins_over_that_of_the_file() -> None:
    name = FOLDER / "pvcomb_sosim" / "a.txt"
    own, other = read(name)[0].dataset, read(name, area="0.32 cm^2")[0].dataset
    assert other["current_density"].values == pytest.approx(own["current_density"].values / 2.0)
    assert any("0.16 cm2" in note and "0.32 cm2" in note for note in read(name, area="0.32 cm^2")[0].notes)


def test_a_format_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from perotwin.files import registry

    monkeypatch.setattr(
        registry, "entry_points", lambda group: [EntryPoint("mine", "format_of_another_package", group)]
    )
    registry.formats.cache_clear()
    try:
        assert "singing" in {one.name for one in formats()}
        from perotwin.files.source import Asked, Source

        source = Source(Path("x.song"), b"la la la", Asked())
        assert recognise(source).format.name == "singing"
    finally:
        registry.formats.cache_clear()


def test_two_formats_that_are_equally_sure_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from perotwin.files import registry

    one = registry.named("kit_lti")
    monkeypatch.setattr(registry, "formats", lambda: (one, replace(one, name="twin", title="its twin")))
    with pytest.raises(InputError, match="its twin"):
        recognise(FOLDER / "kit_lti" / "a.csv")


def test_a_binary_file_of_ec_lab_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.mpr"
    path.write_bytes(b"BIO-LOGIC MODULAR FILE\x1a" + bytes(100))
    with pytest.raises(InputError, match=r"\.mpt"):
        read(path)


def test_a_last_line_that_is_cut_off_is_left_out_aloud() -> None:
    from perotwin.files.registry import _found, recognise
    from perotwin.files.source import Asked, Source

    text = (FOLDER / "generic" / "a.csv").read_bytes()
    sources = [Source(Path("x.csv"), content, Asked()) for content in (text, text[:-9])]
    whole, cut = (_found(recognise(one).format, one)[0] for one in sources)
    assert cut.dataset.sizes["voltage"] == whole.dataset.sizes["voltage"] - 1
    assert any("cut off" in note for note in cut.notes) and not any("cut off" in note for note in whole.notes)


def test_a_potential_against_a_reference_electrode_is_no_curve_of_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "cv.txt"
    path.write_text(
        "Potential (V vs Ag/AgCl)\tCurrent (mA)\n" + "".join(f"{0.1 * n}\t{n}\n" for n in range(20))
    )
    with pytest.raises(InputError):
        read(path)


def test_an_impossible_current_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(
        "Area: 0.01 cm^2\nV (V)\tI (mA)\n" + "".join(f"{0.05 * n}\t{-2 + 0.001 * n**3}\n" for n in range(20))
    )
    (found,) = read(path)
    assert any("more than this light can give" in note for note in found.notes)


@pytest.mark.parametrize(
    ("said", "light", "efficient"),
    [
        ("Illuminance (lux)\t1000", None, False),
        ("Light intensity\t0.37", None, False),
        ("Light intensity\t100", 1.0, True),
        ("Intensity (mW/cm2)\t50", 0.5, True),
        ("Intensity (mW/cm2)\t0.00", 1.0, True),
    ],
)
def test_a_light_that_is_no_power_gives_no_efficiency(
    said: str, light: float | None, efficient: bool, tmp_path: Path
) -> None:
    from perotwin import lab

    v = np.arange(-0.1, 1.2, 0.02)
    j = -20.0 + 20.0 * np.expm1(v / 0.035) / np.expm1(1.05 / 0.035)
    path = tmp_path / "x.txt"
    path.write_text(
        said + "\nV (V)\tJ (mA/cm2)\n" + "".join(f"{a:.4f}\t{b:.6f}\n" for a, b in zip(v, j, strict=True))
    )
    (found,) = read(path)
    assert found.dataset.attrs.get("light") == light
    metrics = lab.known("jv").analyse(found.dataset)
    assert np.isfinite(metrics["pce"].value) == efficient
    assert metrics["ff"].value > 0.7


def test_a_file_of_another_instrument_is_called_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "map.gsf"
    header = b"Gwyddion Simple Field 1.0\nXRes = 2\nYRes = 2\nXReal = 1e-6\nYReal = 1e-6\nXYUnits = m\nZUnits = m\n"
    path.write_bytes(header + b"\0" * (4 - len(header) % 4) + bytes(16))
    with pytest.raises(InputError) as refused:
        recognise(path, "jv")
    assert "afm" in refused.value.advice and "perotwin analyse" in refused.value.advice
    # what is nobody's says which option tells its columns, and of which command
    other = tmp_path / "x.txt"
    other.write_text("nothing\n")
    with pytest.raises(InputError) as refused:
        recognise(other, "jv")
    assert (
        "perotwin analyse FILE --columns" in refused.value.advice and "looks like" not in refused.value.advice
    )
