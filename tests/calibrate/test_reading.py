"""Measured files as data of a fit: what they become, and what cannot be of the cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate.data import Scalar, Spectrum, SteadyCurve, SunsVoc
from perotwin.calibrate.data_in_time import Decay, Scan
from perotwin.calibrate.reading import Told, of_evidence, of_files
from perotwin.errors import InputError


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("wbg-target")


def curve(
    path: Path, voc: float = 1.25, direction: str = "reverse", head: str = "Current density (mA/cm^2)"
) -> Path:
    volts = np.linspace(0.0, voc + 0.05, 40)
    volts = volts[::-1] if direction == "reverse" else volts
    current = 16.5 * (1.0 - np.expm1(volts / 0.05) / np.expm1(voc / 0.05))
    rows = [f"{v:.4f}\t{j:.4f}" for v, j in zip(volts, current, strict=True)]
    path.write_text("\n".join([f"Voltage (V)\t{head}", *rows]) + "\n")
    return path


def spectrum(path: Path, edge: float = 1.79) -> Path:
    wavelength = np.arange(320.0, 1100.0, 10.0)
    eqe = 85.0 / (1.0 + np.exp((wavelength - 1239.8 / edge) / 8.0))
    rows = [f"{w:.1f}\t{q:.3f}" for w, q in zip(wavelength, eqe, strict=True)]
    path.write_text("\n".join(["Wavelength (nm)\tEQE (%)", *rows]) + "\n")
    return path


def suns(path: Path) -> Path:
    light = np.geomspace(1.0, 1e-3, 10)
    rows = [f"{s:.5g}\t{1.25 + 0.04 * np.log(s):.5f}" for s in light]
    path.write_text("\n".join(["Intensity (sun)\tVoc (V)", *rows]) + "\n")
    return path


def decay(path: Path) -> Path:
    time = np.arange(0.0, 400.0, 0.2)
    counts = np.where(time > 20.0, 2000.0 * np.exp(-(time - 20.0) / 60.0), 0.0) + 2.0
    rows = [f"{t:.2f}\t{round(c)}" for t, c in zip(time, counts, strict=True)]
    path.write_text("\n".join(["Time (ns)\tCounts", *rows]) + "\n")
    return path


def test_files_become_what_they_are(cell: pt.Stack, tmp_path: Path) -> None:
    files = [
        ("jv", str(curve(tmp_path / "rev.txt"))),
        ("jv", str(curve(tmp_path / "fwd.txt", 1.24, "forward"))),
        ("suns_voc", str(suns(tmp_path / "sv.txt"))),
        ("eqe", str(spectrum(tmp_path / "cell.eqe"))),
        ("trpl", str(decay(tmp_path / "film.dat"))),
    ]
    data, notes = of_files(files, cell, Told(rate=0.05))
    scan, sv, eqe, trpl = data
    assert (
        isinstance(scan, Scan)
        and isinstance(sv, SunsVoc)
        and isinstance(eqe, Spectrum)
        and isinstance(trpl, Decay)
    )
    assert [one.direction for one in scan.segments] == ["reverse", "forward"]
    assert scan.segments[0].voltage[0] > scan.segments[0].voltage[-1]
    assert scan.segments[0].current.max() == pytest.approx(165.0, abs=0.1)
    assert scan.rate == 0.05 and scan.dwell is None
    assert [one.name for one in scan.nuisances()] == ["scan: light", "scan: dwell"]
    assert eqe.eqe.max() == pytest.approx(0.85, abs=0.01)
    assert sv.voltage[0] == pytest.approx(1.25, abs=1e-3)
    assert any("Give --dwell" in note for note in notes) and any("Give --fluence" in note for note in notes)
    # a steep curve is known less well at a voltage
    assert scan.segments[0].sd[0] > 3.0 * scan.segments[0].sd[-1] > 0.0


def test_curves_are_steady_where_told_so_or_where_nothing_moves(cell: pt.Stack, tmp_path: Path) -> None:
    files = [
        ("jv", str(curve(tmp_path / "rev.txt"))),
        ("jv", str(curve(tmp_path / "fwd.txt", 1.24, "forward"))),
    ]
    data, _ = of_files(files, cell, Told(steady=True))
    assert [type(one) for one in data] == [SteadyCurve, SteadyCurve]
    assert len({one.name for one in data}) == 2
    still = pt.stack.from_toml(cell.to_toml().replace("[layer.ions]", "[layer.removed]").split("[layer.removed]")[0]
                               + cell.to_toml().split('response = "steady"')[1])  # fmt: skip
    data, _ = of_files(files[:1], still)
    assert isinstance(data[0], SteadyCurve)


def test_stated_deviations_go_before_those_of_the_data(cell: pt.Stack, tmp_path: Path) -> None:
    files = [("jv", str(curve(tmp_path / "rev.txt")))]
    (told,), _ = of_files(files, cell, Told(steady=True, sd="0.1 mA/cm^2"))
    assert np.all(told.sd == 1.0)
    (share,), _ = of_files(files, cell, Told(steady=True, sd="1 %"))
    assert share.sd[0] == pytest.approx(0.01 * np.abs(share.current).max())


@pytest.mark.parametrize(
    ("make", "kind", "words", "cure"),
    [
        (lambda p: curve(p, 1.95), "jv", "a tandem's file", "tandem's stack file"),
        (lambda p: spectrum(p, 1.25), "eqe", "begins at 1.2", "Set the gap"),
        (lambda p: curve(p, head="Current (mA)"), "jv", "no area", "--area"),
    ],
)
def test_a_file_that_cannot_be_of_the_cell_is_refused(
    cell: pt.Stack, tmp_path: Path, make, kind, words, cure
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        of_files([(kind, str(make(tmp_path / "file.txt")))], cell)
    assert cure in caught.value.advice


def test_another_light_or_temperature_is_refused_unless_the_cell_is_told_it(
    cell: pt.Stack, tmp_path: Path
) -> None:
    file = [("jv", str(curve(tmp_path / "rev.txt")))]
    stated = tmp_path / "stated.txt"
    stated.write_text("Irradiance (mW/cm^2):\t100\n" + (tmp_path / "rev.txt").read_text())
    dim = cell.with_values({"light.intensity": "0.5 sun"})
    with pytest.raises(InputError, match=r"0\.5 sun") as caught:
        of_files([("jv", str(stated))], dim)
    assert "--light" in caught.value.advice
    # what a file does not say is what the cell is told
    (taken,), notes = of_files(file, dim, Told(steady=True))
    assert isinstance(taken, SteadyCurve) and taken.light == 0.5
    assert "rev.txt: the light is not stated: taken for that of the cell, 0.5 sun" in notes
    measured = pt.lab.jv.measure(cell.with_values({"temperature": "320 K"}), pt.lab.jv.Protocol(step="50 mV"))
    saved = pt.measurement.save(measured, tmp_path / "warm.nc")
    with pytest.raises(InputError, match=r"320\.0 K") as caught:
        of_files([("jv", str(saved))], cell)
    assert "--temperature" in caught.value.advice
    warm = cell.with_values({"temperature": "320 K"})
    assert of_files([("jv", str(saved))], warm, Told(steady=True))[0]


def test_a_gap_that_varies_may_be_anywhere(cell: pt.Stack, tmp_path: Path) -> None:
    file = [("eqe", str(spectrum(tmp_path / "cell.eqe", 1.62)))]
    with pytest.raises(InputError, match="begins at"):
        of_files(file, cell)
    assert of_files(file, cell, gap_varies=True)[0]


def test_evidence_lists_files_and_numbers_of_several_cells(cell: pt.Stack, tmp_path: Path) -> None:
    curve(tmp_path / "rev.txt")
    spectrum(tmp_path / "cell.eqe")
    other = cell.with_values({"name": "control"})
    place = tmp_path / "evidence.toml"
    place.write_text(
        '[[file]]\ncell = "wbg-target"\nkind = "jv"\nfile = "rev.txt"\nsteady = true\n'
        '[[file]]\ncell = "control"\nkind = "eqe"\nfile = "cell.eqe"\n'
        '[[scalar]]\ncell = "control"\nof = "voc"\nvalue = "1.21 V"\nsd = "5 mV"\n'
    )
    data, _ = of_evidence(str(place), [cell, other])
    assert [(one.name, one.cell) for one in data] == [
        ("wbg-target jv", "wbg-target"), ("control eqe", "control"), ("control voc", "control"),
    ]  # fmt: skip
    assert isinstance(data[2], Scalar) and (data[2].value, data[2].sd) == pytest.approx((1.21, 0.005))


def test_each_entry_of_evidence_counts_for_its_own_file(cell: pt.Stack, tmp_path: Path) -> None:
    """Areas and standard deviations are those of each; curves that were scanned alike are scans in a row."""
    for name in ("one", "two"):
        curve(tmp_path / f"{name}.txt", head="Current (mA)")
    entry = '[[file]]\nkind = "jv"\nfile = "{}.txt"\narea = "{}"\nsd = "{}"\n{}\n'
    place = tmp_path / "evidence.toml"

    def read(first: str = "", second: str = "") -> list[Any]:
        place.write_text(
            entry.format("one", "1 cm^2", "0.1 mA/cm^2", first)
            + entry.format("two", "0.5 cm^2", "0.2 mA/cm^2", second)
        )
        return of_evidence(str(place), [cell])[0]

    one, two = read("steady = true")
    assert two.current == pytest.approx(2.0 * one.current) and (one.sd[0], two.sd[0]) == (1.0, 2.0)
    (both,) = read('rate = "100 mV/s"')
    assert [part.sd[0] for part in both.segments] == [1.0, 2.0]
    slow, fast = read('rate = "10 mV/s"', 'rate = "1 V/s"')
    assert (slow.rate, fast.rate) == pytest.approx((0.01, 1.0)) and slow.name != fast.name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[[file]]\ncell = 'a'\nkind = 'jv'\nlight = '0.1 sun'",
            'does not exist in a \\[\\[file\\]\\] of kind "jv"',
        ),
        ("[[file]]\ncell = 'a'\nkind = 'eqe'\nrate = '1 V/s'", '"rate" does not exist'),
        ("", "holds no evidence"),
        ("[[scalar]]\nof = 'voc'\nvalue = '1 V'\nsd = '1 mV'", "does not say of which cell"),
        ("[[scalar]]\ncell = 'nobody'\nof = 'voc'\nvalue = '1 V'\nsd = '1 mV'", "not among the cells"),
        ("[[scalar]]\ncell = 'a'\nof = 'joy'\nvalue = '1 V'\nsd = '1 mV'", "no number of a steady curve"),
        ("[[scalar]]\ncell = 'a'\nof = 'voc'\nvalue = '1 V'", 'has no "sd"'),
        ("[[file]]\ncell = 'a'\nkind = 'dream'", "no kind of data"),
        ("[[file]]\ncell = 'a'\nkind = 'jv'", "names no file"),
        ("[[files]]\ncell = 'a'", "does not exist in a file of evidence"),
        ("[[file]]\ncell = 'a'\nfil = 'x'", "does not exist in a \\[\\[file\\]\\]"),
    ],
)
def test_evidence_that_is_none_is_refused_with_a_cure(
    cell: pt.Stack, tmp_path: Path, text: str, words: str
) -> None:
    place = tmp_path / "evidence.toml"
    place.write_text(text)
    cells = [cell.with_values({"name": name}) for name in "ab"]
    with pytest.raises(InputError, match=words) as caught:
        of_evidence(str(place), cells)
    assert caught.value.advice
