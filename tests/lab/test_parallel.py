"""No instrument asks what it measures: columns side by side are measured as one stack is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from columns import alike, beside, patchy, twice
from devices import everything
from perotwin.measurement import checks_of, load, notes_of, save, validate
from perotwin.report import machine
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

#: of each instrument, a stack to measure and the relative round-off of the equations' solutions
TWICE = {
    "jv": (everything("fermi-dirac"), 1e-10),
    "bands": (everything("boltzmann"), 1e-10),
    "eqe": (pt.load("wbg-target"), 1e-12),
    "impedance": (pt.load("wbg-target"), 1e-10),
    "cv": (pt.load("wbg-target"), 1e-10),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_stack_beside_itself_is_the_stack(name: str) -> None:
    stack, rounding = TWICE[name]
    instrument = getattr(pt.lab, name)
    one, two = instrument.measure(stack), instrument.measure(twice(stack, stack.name))
    # eigenvalues are found to the tolerance of their iteration: compared below, among the metrics
    alike(one, two, rounding, skip=("time_constant",))
    assert all(row.passed for row in checks_of(two).values())
    # that the columns meet at one voltage is asked besides
    assert set(checks_of(two)) - set(checks_of(one)) <= {"junction voltages sum to the terminal's (V)"}
    assert set(checks_of(one)) <= set(checks_of(two))
    for metric, expected in instrument.analyse(one).items():
        found = instrument.analyse(two)[metric]
        if metric == "kramers_kronig":
            # how far a fit is off, itself next to nothing
            assert max(found.value, expected.value) < 1e-3
            continue
        assert found.value == pytest.approx(expected.value, rel=1e-6, nan_ok=True), metric
        assert found.method == expected.method
    assert set(one.attrs) | {"shown"} == set(two.attrs) | {"shown"}
    assert two.attrs.get("shown") == ("column other, 0.7 of the area" if name in ("jv", "bands") else None)
    said = " ".join(notes_of(two))
    assert "2 columns side by side at one terminal voltage" in said and "one 0.3, other 0.7" in said
    assert ("fields inside" in said) == (name in ("jv", "bands"))


def test_the_metrics_of_a_patchy_cell_lie_between_those_of_its_columns() -> None:
    cell = patchy()
    found = [
        pt.lab.jv.analyse(pt.lab.jv.measure(one))
        for one in (cell.stacks["bare"], cell, cell.stacks["covered"])
    ]
    for name in ("voc", "pce"):
        low, value, high = (float(one[name]) for one in found)
        assert low < value < high
    assert found[1]["voc"].method == "solved for"
    jsc = [float(one["jsc"]) for one in found]
    assert jsc[1] == pytest.approx(0.3 * jsc[0] + 0.7 * jsc[2], rel=1e-12)


def test_spectra_of_unlike_columns_add_on_the_wavelengths_of_both() -> None:
    narrow = pt.load("wbg-target").with_values(
        {"perovskite.bandgap": "1.65 eV", "perovskite.thickness": "380 nm"}
    )
    cell = beside(("wide", 0.6, pt.load("wbg-target")), ("narrow", 0.4, narrow))
    both = pt.lab.eqe.measure(cell)
    wide, other = (pt.lab.eqe.measure(stack) for stack in cell.stacks.values())
    lam = both["wavelength"].values
    assert set(lam) == set(wide["wavelength"].values) | set(other["wavelength"].values)
    # the integrals add, whatever the grids
    expected = 0.6 * wide.attrs["jsc_integrated"] + 0.4 * other.attrs["jsc_integrated"]
    assert both.attrs["jsc_integrated"] == pytest.approx(expected, rel=1e-9)
    total = both["reflectance"] + both["transmittance"] + both["absorptance"].sum("layer")
    assert total.values == pytest.approx(np.ones(lam.size), abs=1e-9)
    # between the two edges only the narrower column responds
    at = int(np.argmin(np.abs(lam - 735e-9)))
    own = np.interp(lam[at], other["wavelength"].values, other["eqe"].values)
    assert both["eqe"].values[at] == pytest.approx(0.4 * own, rel=1e-2)
    assert np.isfinite(both["reflectance"].values).all()
    assert pt.lab.eqe.analyse(both)["jsc_integrated"].value == both.attrs["jsc_integrated"]
    assert all(row.passed for row in checks_of(both).values())
    curve = pt.lab.jv.analyse(pt.lab.jv.measure(cell))
    assert float(curve["jsc"]) == pytest.approx(both.attrs["jsc_integrated"], rel=5e-3)


def test_where_a_table_has_ended_the_spectra_are_unknown(tmp_path: Path) -> None:
    """Photons beyond a column's optical constants count as not absorbed; what becomes of them is not said."""
    lam = np.linspace(300.0, 800.0, 101)
    rows = "\n".join(f"{one:g},2.0,0.0" for one in lam)
    (tmp_path / "c60.csv").write_text("wavelength,n,k\n" + rows, encoding="utf-8")
    short = pt.load("wbg-target").with_values(
        {"c60.material": {"kind": "table", "path": str(tmp_path / "c60.csv")}}
    )
    narrow = pt.load("wbg-target").with_values({"perovskite.bandgap": "1.65 eV"})
    made = pt.lab.eqe.measure(beside(("short", 0.5, short), ("narrow", 0.5, narrow)))
    beyond = made["wavelength"].values > 800.1e-9
    assert beyond.any()
    assert np.isnan(made["reflectance"].values) == pytest.approx(beyond)
    assert np.isfinite(made["eqe"].values).all()
    eqe = pt.lab.eqe
    entry = json.loads(machine.to_text(machine.instrument_result(eqe.INSTRUMENT, made, eqe.analyse(made))))
    assert entry["reflectance"]["value"][-1] is None
    pt.lab.eqe.plot(made)


def test_an_impedance_is_read_at_the_open_circuit_of_the_whole_cell() -> None:
    cell = patchy()
    measured = pt.lab.impedance.measure(cell, pt.lab.impedance.Protocol(points=12))
    voc = float(
        pt.lab.jv.analyse(pt.lab.jv.measure(cell.with_values({"perovskite.ions.response": "steady"})))["voc"]
    )
    assert measured.attrs["voltage"] == pytest.approx(voc, abs=1e-9)
    assert measured.attrs["series_resistance"] == pytest.approx(2e-4, rel=1e-12)
    unlike = cell.with_values({"bare.circuit.series_resistance": "4 ohm cm^2"})
    series = pt.lab.impedance.measure(unlike, pt.lab.impedance.Protocol(points=3)).attrs["series_resistance"]
    assert series == pytest.approx(1.0 / (0.7 / 2e-4 + 0.3 / 4e-4), rel=1e-12)
    assert all(row.passed for row in checks_of(measured).values())


def test_capacitances_of_the_columns_add() -> None:
    thin = pt.load("wbg-target").with_values({"perovskite.thickness": "300 nm"})
    cell = beside(("thick", 0.6, pt.load("wbg-target")), ("thin", 0.4, thin))
    measured = pt.lab.cv.measure(cell, pt.lab.cv.Protocol(start="0 V", stop="0.4 V", step="0.2 V"))
    alone = [
        pt.lab.cv.measure(stack, pt.lab.cv.Protocol(start="0 V", stop="0.4 V", step="0.2 V"))
        for stack in cell.stacks.values()
    ]
    for name in ("capacitance", "conductance"):
        expected = 0.6 * alone[0][name].values + 0.4 * alone[1][name].values
        assert measured[name].values == pytest.approx(expected, rel=1e-9)
    assert measured.attrs["geometric_capacitance"] == pytest.approx(
        0.6 * alone[0].attrs["geometric_capacitance"] + 0.4 * alone[1].attrs["geometric_capacitance"],
        rel=1e-12,
    )
    assert measured.attrs["thickness"] == 450e-9


def test_it_is_stored_and_written_as_every_measurement(tmp_path: Path) -> None:
    cell = patchy()
    for name in ("jv", "eqe", "bands"):
        measured = validate(getattr(pt.lab, name).measure(cell))
        again = load(save(measured, tmp_path / f"{name}.nc"))
        alike(measured, again, 0.0)
        assert pt.stack.from_toml(again.attrs["cell"]) == cell
        assert again.attrs["stack"] == "patchy"
    entry: dict[str, Any] = json.loads(
        machine.to_text(
            machine.instrument_result(
                pt.lab.jv.INSTRUMENT, pt.lab.jv.measure(cell), pt.lab.jv.analyse(pt.lab.jv.measure(cell))
            )
        )
    )
    assert entry["stack"] == "patchy" and entry["scans"][0]["metrics"]["voc"]["value"] > 1.3
    assert any("covered" in note for note in entry["notes"])


def test_a_patchy_cell_in_the_dark() -> None:
    measured = pt.lab.jv.measure(patchy(**{"light.intensity": "dark"}))
    assert measured.attrs["light"] == 0.0
    assert all(row.passed for row in checks_of(measured).values())
    solver = Solver(build(patchy(), light=False))
    assert abs(float(solver.open_circuit(solver.sweep([0.01], 0.0).state(0), 0.0).voltage[0])) < 1e-9
