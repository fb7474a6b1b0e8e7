"""Fits from files to files: what is left in the folder, going on after a stop, what the command prints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate.data import SteadyCurve, SunsVoc
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError
from perotwin.workflows import calibration as jobs

from fresh import perotwin as shell  # isort: skip

TRUTH = {"perovskite.lifetime": 2e-7, "circuit.series_resistance": 3e-4}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A steady curve and open circuits of a cell that differs from the library's in two numbers."""
    folder = tmp_path_factory.mktemp("measured")
    twin = Twin(pt.load("wbg-target").with_values(TRUTH))
    rng = np.random.default_rng(8)
    volts = np.round(np.concatenate([np.arange(0.0, 1.0, 0.1), np.arange(1.0, 1.38, 0.02)]), 3)
    jv = SteadyCurve("jv", "c", volts, volts, np.full(volts.size, 0.2)).expected(twin, {}, {}, rng)
    rows = [f"{v:.3f}\t{0.1 * j:.5f}" for v, j in zip(jv.voltage, jv.current, strict=True)]
    (folder / "rev.txt").write_text("\n".join(["Voltage (V)\tCurrent density (mA/cm^2)", *rows]) + "\n")
    light = np.geomspace(2.0, 1e-2, 8)
    sv = SunsVoc("sv", "c", light, light, np.full(8, 1e-3)).expected(twin, {}, {}, rng)
    rows = [f"{s:.5g}\t{v:.5f}" for s, v in zip(sv.suns, sv.voltage, strict=True)]
    (folder / "sv.txt").write_text("\n".join(["Intensity (sun)\tVoc (V)", *rows]) + "\n")
    return folder


def asked(place: Path, /, **more: object) -> jobs.Asked:
    settings: dict = {
        "vary": tuple(TRUTH), "files": (("jv", str(place / "rev.txt")), ("suns_voc", str(place / "sv.txt"))),
        "told": jobs.Told(steady=True), "optics": False, "further": False,
    }  # fmt: skip
    return jobs.Asked(**{**settings, **more})


@pytest.mark.slow
def test_a_fit_leaves_all_that_a_reader_wants(files: Path, tmp_path: Path) -> None:
    found = jobs.fit([pt.load("wbg-target")], asked(files, profiles=True), tmp_path)
    names = {path.name for path in found.written}
    assert names == {
        "wbg-target.toml", "fit.json", "report.txt", "data.csv", "fit.svg", "fit.png", "correlations.svg",
        "correlations.png", "index.html",
    }  # fmt: skip
    fitted = pt.load(tmp_path / "wbg-target.toml")
    (numbers,) = json.loads((tmp_path / "fit.json").read_text())["results"]
    for entry in numbers["numbers"][:2]:
        truth = TRUTH[entry["name"]]
        value = fitted.get(entry["name"])
        assert float(value) == pytest.approx(entry["value_si"])
        assert "fitted by perotwin" in value.source and value.assumed is not None
        low, high = (entry["profile_95"][end] for end in ("low", "high"))
        scale = entry["value_si"] / entry["value"]
        assert 0.9 * low * scale < truth < 1.1 * high * scale
        assert entry["identified"]
    assert all(one["described"] for one in numbers["data"])
    rows = (tmp_path / "data.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(one["points"] for one in numbers["data"])
    page = (tmp_path / "index.html").read_text()
    assert "What the data cannot tell" in page and "<svg" in page and "http" not in page.split("<svg")[0]
    assert "chi-square" in (tmp_path / "report.txt").read_text()


@pytest.mark.slow
def test_a_fit_goes_on_from_where_it_was_killed(files: Path, tmp_path: Path) -> None:
    cell = pt.load("wbg-target")
    stood = {"perovskite.lifetime": 2.05e-7, "circuit.series_resistance": 2.95e-4, "jv: light": 1.0}
    (tmp_path / "fit-progress.json").write_text(json.dumps({"values": stood, "chi2": 1.0}))
    found = jobs.fit([cell], asked(files, resume=True), tmp_path)
    fresh = jobs.fit([cell], asked(files))
    assert found.calibration.fit.starts[0].begun[0] == pytest.approx(2.05e-7)
    assert found.calibration.fit.values == pytest.approx(fresh.calibration.fit.values, rel=1e-2)
    assert not (tmp_path / "fit-progress.json").exists()
    again = jobs.fit([cell], asked(files, resume=True), tmp_path)
    assert again.calibration.fit.starts[0].begun == pytest.approx(found.calibration.fit.values)


def test_a_fit_goes_on_by_the_names_of_its_numbers(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may be varied in another order than before; a file that was cut is none."""
    begun: list[dict[str, float] | None] = []

    def calibrate(*_: object, begin: dict[str, float] | None = None, **__: object) -> object:
        begun.append(begin)
        raise InputError("enough.")

    monkeypatch.setattr(jobs, "calibrate", calibrate)
    numbers = [
        {"name": "circuit.series_resistance", "value_si": 2.5e-4},
        {"name": "jv: light", "value_si": 1.01},
    ]
    earlier = json.dumps({"results": [{"numbers": numbers}]})
    for text in (earlier, earlier[:40]):
        (tmp_path / "fit.json").write_text(text)
        with pytest.raises(InputError, match="enough"):
            jobs.fit([pt.load("wbg-target")], asked(files, resume=True), tmp_path)
    assert begun == [{"circuit.series_resistance": 2.5e-4, "jv: light": 1.01}, None]


@pytest.mark.slow
def test_an_interrupted_fit_is_kept_and_says_so(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perotwin.calibrate import objective

    calls = 0
    right = objective.Objective.residuals

    def residuals(self: objective.Objective, values: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return right(self, values)

    monkeypatch.setattr(objective.Objective, "residuals", residuals)
    found = jobs.fit([pt.load("wbg-target")], asked(files), tmp_path)
    assert not found.complete
    (numbers,) = json.loads((tmp_path / "fit.json").read_text())["results"]
    assert numbers["complete"] is False
    assert "INTERRUPTED" in (tmp_path / "report.txt").read_text()


@pytest.mark.slow
def test_the_wrong_model_is_flagged_by_its_residuals() -> None:
    """Bare patches beside good ones, fitted as one even cell."""
    from dataclasses import replace

    from perotwin.calibrate.fit import calibrate
    from perotwin.calibrate.parameters import parameter_of
    from perotwin.calibrate.synthetic import plan

    cell = pt.load("wbg-target")
    bare = cell.with_values(
        {"name": "bare", "niox|perovskite.velocity": "1e5 cm/s", "niox|perovskite.dipole": "0.45 eV"}
    )
    columns = ({"name": "good", "area": 0.9, "stack": cell}, {"name": "bare", "area": 0.1, "stack": bare})
    patchy = pt.Parallel(name="patchy", column=columns)
    twin = Twin(patchy)
    rng = np.random.default_rng(2)
    paths = (
        "perovskite.lifetime",
        "niox|perovskite.velocity",
        "circuit.series_resistance",
        "circuit.shunt_resistance",
    )
    parameters = [parameter_of(cell, path) for path in paths]
    planned = plan(patchy, ["jv", "suns_voc"], twin)
    data = [replace(one.expected(twin, {}, {}, rng), cell=cell.name) for one in planned]
    wrong = calibrate([cell], data, parameters)
    assert wrong.flagged and "lacks something" in wrong.flagged[0].words
    own = Twin(cell)
    right = calibrate(
        [cell], [one.expected(own, {}, {}, rng) for one in plan(cell, ["jv", "suns_voc"], own)], parameters
    )
    assert not right.flagged


def test_a_plan_is_drawn_and_has_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    from perotwin.plotting import style

    drawn: list[Figure] = []
    save = style.save
    monkeypatch.setattr(style, "save", lambda made, stem: (drawn.append(made), save(made, stem))[1])
    monkeypatch.setattr("perotwin.calibrate.identify.kinds_beside", lambda cell, taken: ["suns_voc"])
    wanted = jobs.Asked(vary=("perovskite.lifetime", "circuit.series_resistance"), optics=False)
    found, written = jobs.plan(pt.load("wbg-target"), ["jv"], wanted, tmp_path)
    assert {path.name for path in written} == {"identify.json", "identify.svg", "identify.png", "index.html"}
    (numbers,) = json.loads((tmp_path / "identify.json").read_text())["results"]
    upper, lower = drawn[0].axes
    dots = [line for line in upper.lines if line.get_marker() == "o" and line.get_label().startswith("_")]
    planned, further = (
        {line.get_ydata()[0]: line.get_xdata()[0] for line in dots if (line.get_mfc() == "white") is hollow}
        for hollow in (False, True)
    )
    for index, number in enumerate(numbers["numbers"]):
        assert planned[index] == pytest.approx(number["sd_on_scale"])
        assert further[index] == pytest.approx(found.candidates[0].sd[index])
        assert further[index] < planned[index]
    (bar,) = lower.patches
    assert bar.get_width() == pytest.approx(numbers["further_measurements"][0]["nats_per_hour"])
    page = (tmp_path / "index.html").read_text()
    assert "would add most per hour" in page and "<svg" in page and "circuit." in page


def test_what_cannot_be_is_refused(files: Path) -> None:
    cell = pt.load("wbg-target")
    for settings, words in (
        ({"vary": ()}, "nothing is varied"),
        ({"files": ()}, "no data"),
        ({"share": ("perovskite.lifetime",)}, "shared and varied"),
        ({"resume": True}, "none is named"),
        ({"told": jobs.Told(bias="0.9 V")}, "--bias is said of what --impedance gives"),
        ({"told": jobs.Told(rate=0.1), "files": (("suns_voc", str(files / "sv.txt")),)}, "--rate is said of"),
        ({"vary": ("perovskite.lifetime", "absorber.lifetime")}, "name the same number"),
        ({"vary": ("perovskite.lifetime", "perovskite.trap.1.hole_lifetime")}, "name the same number"),
        ({"nuisance": ("htl.thickness=1 nm",), "vary": ("niox.thickness",)}, "name the same number"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            jobs.fit([cell], asked(files, **settings))
        assert caught.value.advice
    with pytest.raises(InputError, match="nothing says which are of which"):
        jobs.fit([cell, cell.with_values({"name": "other"})], asked(files))
    one = files / "one.toml"
    one.write_text('[[scalar]]\nof = "voc"\nvalue = "1.3 V"\nsd = "1 mV"\n')
    with pytest.raises(InputError, match="2 parameters are to be found from 1 data"):
        jobs.fit([cell], asked(files, files=(), evidence=str(one), told=jobs.Told()))


@pytest.mark.slow
def test_the_commands_print_what_is_found_and_what_is_not(files: Path) -> None:
    done = shell(
        "fit", "wbg-target", "--jv", str(files / "rev.txt"), "--steady", "--suns-voc", str(files / "sv.txt"), "--vary",
        "perovskite.lifetime", "--vary", "circuit.series_resistance", "--quick", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert [one["name"] for one in result["numbers"]][:2] == list(TRUTH)
    assert "95 % interval" in done.stderr
    done = shell(
        "identify", "wbg-target", "--jv", "--vary", "perovskite.lifetime", "--fixed-optics", "--json"
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["measurements"] == ["jv"] and result["further_measurements"][0]["nats_per_hour"] > 0.0
    done = shell("fit", "wbg-target", "--vary", "perovskite.lifetime")
    assert done.returncode == 2 and "--jv rev.txt" in done.stderr
