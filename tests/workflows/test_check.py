"""What follows from a stack, against formulas written out here, and remarks on what looks like a slip."""

import math

import pytest

import perotwin as pt
import written
from tandems import no_shunts

Q, EPS0, VT = 1.602176634e-19, 8.8541878128e-12, 8.617333262e-5 * 298.15


@pytest.fixture(scope="module")
def derived() -> dict[tuple[str, str], float]:
    rows, _ = pt.workflows.check(
        written.stack("wbg-target").with_values({"perovskite.acceptor_density": "1e16 cm^-3"})
    )
    return {(row.name, row.where): row.value for row in rows}


def test_the_built_in_voltage_is_the_difference_of_the_contacts_and_the_dipole(derived) -> None:
    cell = written.stack("wbg-target")
    front, back = (float(cell.get(f"contact.{side}.work_function")) for side in ("front", "back"))
    expected = front - back + float(cell.get("niox|perovskite.dipole"))
    assert derived["built_in_voltage", "cell"] == pytest.approx(expected, abs=1e-9)


def test_lengths_and_times(derived) -> None:
    built_in = derived["built_in_voltage", "cell"]
    permittivity, thickness = 22 * EPS0, 450e-9
    debye = math.sqrt(permittivity * VT / (Q * 1e22))
    assert derived["debye_length", "perovskite"] == pytest.approx(debye, rel=1e-6)
    width = math.sqrt(2 * permittivity * built_in / (Q * 1e22))
    assert derived["depletion_width", "perovskite"] == pytest.approx(width, rel=1e-6)
    transit = thickness**2 / (1e-4 * built_in)
    assert derived["electron_transit_time", "perovskite"] == pytest.approx(transit, rel=1e-6)
    ionic = math.sqrt(permittivity * VT / (Q * 3e22))
    assert derived["ion_debye_length", "perovskite"] == pytest.approx(ionic, rel=1e-6)
    assert derived["ion_time_constant", "perovskite"] == pytest.approx(ionic * thickness / 2.5e-14, rel=1e-6)


def test_the_radiative_limit_lies_below_the_gap_and_above_the_cell(derived) -> None:
    voc = float(pt.lab.jv.analyse(pt.lab.jv.measure(written.stack("wbg-target")))["voc"])
    assert voc < derived["radiative_voc", "cell"] < 1.79 - 0.25
    assert derived["photocurrent", "cell"] / 10 == pytest.approx(16.6, abs=0.5)


def test_a_level_inside_a_band_is_remarked_upon() -> None:
    cell = pt.load("wbg-target")
    assert not any("level of trap" in note for note in pt.workflows.check(cell)[1])
    slip = cell.with_values(
        {
            "perovskite.trap.1.level": {"below": "vacuum", "depth": "0.3 eV"},
            "perovskite|c60.trap.1.level": {"below": "conduction", "depth": "1.9 eV"},
        }
    )
    notes = [note for note in pt.workflows.check(slip)[1] if "level of trap" in note]
    assert [note.split(":")[0] for note in notes] == ["perovskite", "perovskite|c60"]
    assert "conduction band" in notes[0] and "valence band" in notes[1]


def test_a_tandem_is_derived_by_junction_and_as_a_whole() -> None:
    rows, _ = pt.workflows.check(pt.load("tandem-target"))
    found = {(row.name, row.where): row.value for row in rows}
    top, bottom = found["photocurrent", "top"], found["photocurrent", "bottom"]
    assert found["photocurrent", "cell"] == min(top, bottom)
    assert found["photocurrent_mismatch", "cell"] == pytest.approx(top - bottom)
    limits = [found["radiative_voc", which] for which in ("top", "bottom")]
    assert found["radiative_voc", "cell"] == pytest.approx(sum(limits))
    assert 0.5 < found["luminescent_coupling", "cell"] < 1.0
    assert {"top.perovskite", "bottom.perovskite"} <= {
        row.where for row in rows if row.name == "diffusion_length"
    }


def test_a_tandem_with_traps_between_is_derived_by_junction_too() -> None:
    tandem = pt.load("tandem-target")
    ideal = tandem.with_values({"junction": {"kind": "ideal"}, **no_shunts(tandem)})
    traps = ideal.with_values(
        {"junction": {"kind": "traps", "electron_velocity": "1e7 cm/s", "hole_velocity": "1e7 cm/s"}}
    )
    one, other = (
        {(row.name, row.where): row.value for row in pt.workflows.check(cell)[0]} for cell in (ideal, traps)
    )
    assert one.keys() == other.keys()
    assert all(other[key] == pytest.approx(value, nan_ok=True) for key, value in one.items())


def test_junctions_that_nothing_joins_have_no_common_current() -> None:
    cell = pt.load("tandem-target").with_values({"junction": {"kind": "separate"}})
    rows, _ = pt.workflows.check(cell)
    assert not {"photocurrent", "radiative_voc"} & {row.name for row in rows if row.where == "cell"}
    assert {row.where for row in rows if row.name == "photocurrent"} == {"top", "bottom"}
