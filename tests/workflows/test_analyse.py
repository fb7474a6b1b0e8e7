"""Measured files in any mixture become one page, tables and data; what cannot be read is said and stops nothing."""

import json
from pathlib import Path

import pytest

import fresh
from curve_files import curve
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.files.analysed import analyse_file, beside
from perotwin.workflows.measured_files import analyse, convert, files_in

FORMATS = Path(__file__).parents[1] / "data" / "formats"


def test_a_mixture_is_read_tabulated_and_shown_on_one_page(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for group, voc in (("control", 1.05), ("target", 1.10)):
        for pixel in "ab":
            curve(data / group / f"{group}-{pixel}_fwd.txt", voc, 20.0)
            curve(data / group / f"{group}-{pixel}_rev.txt", voc + 0.01, 20.0, rising=False)
    (data / "target" / "notes.md").write_text("not data")
    (data / "target" / "riddle.dat").write_bytes(bytes(range(256)) * 20)
    (data / "target" / "cut.txt").write_text("Voltage (V)\tCurrent density (mA/cm2)\n0.1\t2\n")
    (data / "eqe.csv").write_bytes((FORMATS / "generic" / "e.csv").read_bytes())
    out = tmp_path / "out"
    done = analyse([data], out)
    batch = done.batch
    assert [Path(file.path).name for file in batch.failed] == ["cut.txt", "riddle.dat"]
    assert [Path(path).name for path in done.left_aside] == ["notes.md"]
    medians = {one.group: one.medians["voc"] for one in batch.summaries}
    assert medians == {"control": pytest.approx(1.06, abs=1e-4), "target": pytest.approx(1.11, abs=1e-4)}
    assert {one.count for one in batch.summaries} == {2}
    indices = [one.metrics["hysteresis_index"].value for one in batch.pairs]
    assert len(indices) == 4
    assert all(0.005 < index < 0.015 for index in indices)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "riddle.dat" in page and "could not be read" in page and "<script" not in page
    assert "http" not in page.split("</style>")[1].replace("http://www.w3.org", "")
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))["results"]
    assert len(results) == 8 + 1 + 2
    assert sum("error" in one for one in results) == 2
    first = next(
        one for one in results if one.get("group") == "target" and one["scans"][0]["direction"] == "reverse"
    )
    assert first["scans"][0]["metrics"]["voc"]["value"] == pytest.approx(1.11, abs=1e-4)
    stored = measurement.load(out / "data" / "target-a_rev.nc")
    assert stored.attrs["measured"] == 1 and stored["current_density"].attrs["units"] == "A m-2"
    for name in (
        "jv.csv",
        "jv-curves.csv",
        "eqe.csv",
        "figures/jv.svg",
        "figures/jv-figures.svg",
        "figures/eqe.svg",
    ):
        assert (out / name).stat().st_size > 100


def test_groups_by_a_pattern_in_names(tmp_path: Path) -> None:
    for name, voc in (("A1", 1.0), ("A2", 1.02), ("B1", 1.1)):
        curve(tmp_path / f"{name}_rev.txt", voc, 20.0)
    batch = analyse([tmp_path], groups=r"(?P<group>[AB])\d").batch
    assert {one.group: one.count for one in batch.summaries} == {"A": 2, "B": 1}
    with pytest.raises(InputError, match="regular expression"):
        analyse([tmp_path], groups="(")


def test_what_the_file_states_is_compared_with_what_its_points_give() -> None:
    made = analyse_file(FORMATS / "pvcomb_sosim" / "a.txt")
    (reading,) = made.readings
    stated, difference = beside(reading)["voc"]
    assert stated.value == pytest.approx(1.05)
    assert difference == pytest.approx(reading.metrics["voc"].value - 1.05)
    assert abs(difference) < 2e-3
    ff, off = beside(reading)["ff"]
    assert ff.value == pytest.approx(0.80) and off == pytest.approx(reading.metrics["ff"].value - 0.80)


def test_without_an_area_there_is_voc_and_ff_but_no_current_density() -> None:
    forward, reverse = analyse_file(FORMATS / "palmsens" / "a.csv").readings
    assert set(forward.metrics) <= {"voc", "ff", "vmp"}
    assert forward.metrics["voc"].value == pytest.approx(1.05, abs=2e-3)
    assert any("no area" in note for note in forward.notes)
    assert reverse.metrics["ff"].value == pytest.approx(forward.metrics["ff"].value, abs=1e-4)


def test_two_files_of_one_pixel_are_not_confused_with_another_of_the_same_name(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        curve(tmp_path / folder / "p1_fwd.txt", 1.0, 20.0)
        curve(tmp_path / folder / "p1_rev.txt", 1.01, 20.0)
    pairs = analyse([tmp_path]).batch.pairs
    assert sorted((one.group, len(one.members)) for one in pairs) == [("one", 2), ("two", 2)]
    out = tmp_path / "out"
    analyse([tmp_path], out)
    assert len(list((out / "data").glob("*.nc"))) == 4
    # the results of the first time are no data of the second
    assert len(analyse([tmp_path], out).batch.files) == 4


def test_reflectance_and_transmittance_of_one_film_are_analysed_together(tmp_path: Path) -> None:
    wave = range(400, 900, 10)
    for name, head, value in (("film_R", "R%", 20.0), ("film_T", "T%", 70.0), ("other_T", "T%", 60.0)):
        rows = "".join(f"{one}\t{value - 0.001 * one}\n" for one in wave)
        (tmp_path / f"{name}.txt").write_text(f"Wavelength nm.\t{head}\n{rows}")
    members = {one.reading.name: one.reading for one in analyse([tmp_path]).batch.members}
    assert {"transmittance", "reflectance"} <= set(members["film_T"].dataset)
    assert any("film_R.txt" in note for note in members["film_T"].notes)
    assert not members["film_R"].failure and any("together" in note for note in members["film_R"].notes)
    assert "reflectance" not in members["other_T"].dataset


def test_paths_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        files_in([tmp_path / "nothing"])
    with pytest.raises(InputError, match="no files of data"):
        files_in([tmp_path])
    with pytest.raises(InputError, match="no format holds"):
        analyse([curve(tmp_path / "x.txt", 1.0, 20.0)], instrument="lute")


def test_a_file_becomes_clean_netcdf_and_csv(tmp_path: Path) -> None:
    source = curve(tmp_path / "x.txt", 1.0, 20.0)
    (written,), notes = convert(source, tmp_path / "clean.nc")
    assert measurement.load(written)["current_density"].values[10] == pytest.approx(-200.0)
    assert any("light is not stated" in note for note in notes)
    (table,), _ = convert(source, tmp_path / "clean.csv")
    assert "V" in table.read_text(encoding="utf-8-sig").splitlines()[0]
    several, _ = convert(FORMATS / "kit_lti" / "a.csv", tmp_path / "two.nc")
    assert [one.name for one in several] == ["two-1.nc", "two-2.nc"]
    with pytest.raises(InputError, match="nc nor"):
        convert(source, tmp_path / "clean.exe")


def test_nothing_is_written_outside_the_folder_whatever_a_file_calls_itself(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    text = curve(data / "x.txt", 1.0, 20.0).read_text()
    (data / "x.txt").write_text("Sample:\t../../../evil\n" + text)
    before = {path for path in tmp_path.rglob("*") if out not in path.parents}
    analyse([data], out)
    after = {path for path in tmp_path.rglob("*") if out not in path.parents}
    assert after - before == {out}
    assert all(out in path.resolve().parents for path in out.rglob("*"))


def test_one_curve_loads_only_what_it_needs(tmp_path: Path) -> None:
    """Its speed is measured in `benchmarks/measured_files.py`; what would cost it is not loaded."""
    path = curve(tmp_path / "x.txt", 1.0, 20.0)
    code = (
        "import sys\nfrom perotwin.cli import main\n"
        f"try:\n    main(['analyse', {str(path)!r}])\nexcept SystemExit as left:\n    assert left.code == 0\n"
        "idle = ('numba', 'pint', 'lmfit', 'matplotlib', 'skimage', 'pybaselines', 'perotwin.transport')\n"
        "print('LOADED', [name for name in idle if name in sys.modules])"
    )
    done = fresh.python("-c", code)
    assert done.stdout.strip().endswith("LOADED []"), done.stdout + done.stderr


@pytest.mark.slow
def test_a_thousand_curves(tmp_path: Path) -> None:
    text = curve(tmp_path / "x.txt", 1.0, 20.0).read_text()
    for number in range(1000):
        path = tmp_path / "data" / "ABCD"[number % 4] / f"p{number:04d}_rev.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = fresh.perotwin("analyse", str(tmp_path / "data"), "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / "data").glob("*.nc"))) == 1000
