"""Results of measured files in the NOMAD perovskite schema's names and units, and as a workbook."""

import json
from pathlib import Path

import pytest

from curve_files import curve
from perotwin.errors import InputError
from perotwin.workflows import analyse, export
from perotwin.workflows.nomad import NAMES

FORMATS = Path(__file__).parents[1] / "data" / "formats"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("nomad")
    curve(place / "data" / "p1_fwd.txt", 1.00, 20.0, area="Area: 0.16 cm^2\n")
    curve(place / "data" / "p1_rev.txt", 1.05, 20.0, rising=False, area="Area: 0.16 cm^2\n")
    (place / "data" / "track.txt").write_bytes((FORMATS / "hzb_mppt" / "a.txt").read_bytes())
    (place / "data" / "=cmd.csv").write_bytes((FORMATS / "generic" / "e.csv").read_bytes())
    analyse([place / "data"], place / "out")
    return place / "out"


def test_a_pixel_becomes_an_archive_in_the_units_of_the_schema(folder: Path) -> None:
    archives = {
        path.name: json.loads(path.read_text(encoding="utf-8"))["data"] for path in export(folder, nomad=True)
    }
    assert all(one["m_def"].endswith("PerovskiteSolarCell") for one in archives.values())
    jv = archives["p1.archive.json"]["jv"]
    assert jv["reverse_scan_Voc"] == pytest.approx(1.05, abs=1e-4)
    assert jv["forward_scan_Voc"] == pytest.approx(1.00, abs=1e-4)
    assert 0.7 < jv["reverse_scan_FF"] < 0.9  # a fraction
    assert 10.0 < jv["reverse_scan_PCE"] < 20.0  # in %
    assert jv["reverse_scan_Jsc"] == pytest.approx(20.0, abs=1e-3)
    assert jv["default_PCE"] == jv["reverse_scan_PCE"] and jv["default_PCE_scan_direction"] == "Reversed"
    assert jv["hysteresis_index"] == pytest.approx(1.0 - jv["forward_scan_PCE"] / jv["reverse_scan_PCE"])
    assert jv["light_mask_area"] == pytest.approx(0.16) and jv["light_intensity"] == pytest.approx(100.0)
    assert len(jv["jv_curve"]) == 2
    stabilised = archives["track.archive.json"]["stabilised"]
    assert stabilised["performance_PCE"] == pytest.approx(21.85)
    assert stabilised["performance_Vmp"] == pytest.approx(0.95)
    eqe = archives["cmd.archive.json"]["eqe"]
    assert max(eqe["raw_eqe_array"]) == pytest.approx(0.9, rel=1e-3)
    assert min(eqe["raw_wavelength_array"]) == pytest.approx(300.0)
    for data in archives.values():
        for section, values in data.items():
            assert section == "m_def" or set(values) <= set(NAMES[section])


def test_a_workbook_has_a_sheet_for_each_instrument_and_no_formulas(folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    (path,) = export(folder, workbook=True)
    book = openpyxl.load_workbook(path)
    assert set(book.sheetnames) == {"jv", "mppt", "eqe"}
    rows = list(book["jv"].iter_rows(values_only=True))
    assert rows[0][0] == "measurement" and "voc (V)" in rows[0]
    assert len(rows) == 3
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results"):
        export(tmp_path, nomad=True)
    (tmp_path / "results.json").write_text('{"results": [{"stack": "simulated"}]}')
    with pytest.raises(InputError, match="measured files"):
        export(tmp_path, nomad=True)
    with pytest.raises(InputError, match="asked for"):
        export(tmp_path)


def test_every_name_is_one_of_the_schema() -> None:
    schema = pytest.importorskip(
        "perovskite_solar_cell_database.schema", reason="the schema's package is not installed"
    )
    sections = {
        one.name: one.sub_section for one in schema.PerovskiteSolarCell.m_def.all_sub_sections.values()
    }
    for name, names in NAMES.items():
        known = set(sections[name].all_quantities) | set(sections[name].all_sub_sections)
        assert set(names) <= known
