"""Public files of real cells: what a fit says of them, and what it cannot.

No two files that are at hand belong to one cell by what they say: the pair of curves (HZB, Keithley, pixel b) and the
quantum efficiency (HZB, another year and sample) agree in their current to a per cent, which makes a cell of them for
trial only.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.workflows import calibration as jobs

SHARED = Path(__file__).parents[3] / "shared"
PAIR = SHARED / "instrument_files" / "jv_hzb_keithley_multipixel.txt"
EQE = SHARED / "instrument_files_2" / "eqe_hzb_trq.txt"
needs = pytest.mark.skipif(
    not PAIR.is_file() or not EQE.is_file(), reason="the real files of ../shared are not here"
)


def single_junction() -> pt.Stack:
    return pt.load("wbg-target").with_values({"perovskite.bandgap": "1.63 eV", "name": "trial"})


@needs
@pytest.mark.slow
def test_a_real_pair_with_a_spectrum_ends_in_what_they_cannot_tell(tmp_path: Path) -> None:
    vary = (
        "perovskite.lifetime=10 ns..10 us", "niox|perovskite.velocity=1 cm/s..1e4 cm/s",
        "perovskite|c60.velocity=1 cm/s..1e4 cm/s", "circuit.series_resistance=0.1 ohm cm^2..10 ohm cm^2",
        "circuit.shunt_resistance", "perovskite.thickness=300 nm..900 nm", "perovskite.bandgap=1.58 eV..1.68 eV",
    )  # fmt: skip
    files = (("jv", f"{PAIR}#b_rev"), ("jv", f"{PAIR}#b_for"), ("eqe", str(EQE)))
    asked = jobs.Asked(vary=vary, files=files, told=jobs.Told(steady=True), further=False)
    found = jobs.fit([single_junction()], asked, tmp_path)
    fit = found.calibration.fit
    # what the spectrum tells: the gap, to a hundredth of an eV
    assert fit.value("perovskite.bandgap") == pytest.approx(1.64, abs=0.015)
    # forward and reverse are two curves, and a steady cell has one
    assert {"jv reverse", "jv forward"} <= {one.name for one in found.calibration.flagged}
    assert any("cannot tell" in words for words in found.words)
    assert "what these data cannot tell" in (tmp_path / "report.txt").read_text()


@needs
def test_real_files_that_are_not_of_the_cell_are_refused() -> None:
    cell = single_junction()
    tandem = SHARED / "instrument_files" / "jv_tandem_sss_reverse.txt"
    both = SHARED / "instrument_files_2" / "eqe_tandem_two_columns.csv"
    no_area = SHARED / "instrument_files" / "jv_palmsens_utf16.csv"
    warm = SHARED / "instrument_files_2" / "jv_iris_json_irradiance_mWcm2.json"
    for kind, path, words in (
        ("jv", tandem, "a tandem's file"), ("eqe", both, "two junctions"), ("jv", no_area, "no area"),
        ("jv", PAIR, "a fit is of one cell"), ("jv", warm, "was measured at 308.6 K"),
    ):  # fmt: skip
        asked = jobs.Asked(vary=("perovskite.lifetime",), files=((kind, str(path)),))
        with pytest.raises(InputError, match=words) as caught:
            jobs.fit([cell], asked)
        assert caught.value.advice
