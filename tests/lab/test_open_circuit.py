"""Open circuit where a curve of 20 mV does not show it: dim light, shunts, contacts the wrong way round."""

from __future__ import annotations

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import ConvergenceError
from perotwin.lab import impedance, jv, open_circuit, scan, tpv
from perotwin.measurement import checks_of
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

SHUNTED = {"circuit.shunt_resistance": "0.1 ohm cm^2"}


@pytest.mark.parametrize(
    ("light", "changes"), [(1e-4, {}), (1.0, SHUNTED), (1e-4, SHUNTED)], ids=["dim", "shunt", "dim and shunt"]
)
def test_open_circuit_below_the_first_step_of_a_curve(light: float, changes: dict[str, str]) -> None:
    solver = Solver(build(pt.load("cell-b").with_values(changes)))
    found = open_circuit.settled(solver, light)
    photo = light * solver.problem.photocurrent
    assert abs(float(found.current[0])) < 1e-9 * photo
    if changes:
        # the shunt takes all of it: Ohm's law
        short = float(solver.sweep([0.0], light).current[0])
        assert float(found.voltage[0]) == pytest.approx(short * 1e-5, rel=1e-2)


def test_open_circuit_below_zero() -> None:
    """Contacts that pull the carriers the other way: the voltage is negative, and it is found."""
    cell = pt.load("cell-b")
    front, back = (cell.get(f"contact.{side}.work_function") for side in ("front", "back"))
    swapped = cell.with_values({"contact.front.work_function": back, "contact.back.work_function": front})
    solver = Solver(build(swapped))
    found = open_circuit.settled(solver, 1.0)
    assert abs(float(found.current[0])) < 1e-9 * solver.problem.photocurrent
    there = float(found.voltage[0])
    around = solver.sweep([there - 0.01, there + 0.01], 1.0)
    assert np.sign(around.current).tolist() == [1.0, -1.0]


def test_without_a_state_to_look_from_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = Solver(build(pt.load("cell-b")))

    def lost(*_: object) -> None:
        raise ConvergenceError("no.", "Look elsewhere.", voltage=0.0, stage="light")

    monkeypatch.setattr(Solver, "open_circuit", lost)
    with pytest.raises(ConvergenceError, match="was not found") as caught:
        open_circuit.settled(solver, 1.0)
    assert caught.value.stage == "open circuit"
    # what is measured elsewhere goes on without it, and has no check of it
    told = open_circuit.of_cell(solver, 1.0)
    assert told.checks == {} and told.end == pytest.approx(float(told.curve.voltage[-1]))


@pytest.mark.parametrize("light", ["1e-4 sun", "1e-6 sun"])
def test_instruments_work_in_dim_light(light: str) -> None:
    cell = pt.load("cell-b").with_values({"light.intensity": light, **SHUNTED})
    spectrum = impedance.measure(cell)
    assert all(row.passed for row in checks_of(spectrum).values())
    assert float(impedance.analyse(spectrum)["low_frequency_resistance"]) == pytest.approx(1e-5, rel=0.05)
    decay = tpv.measure(cell)
    assert all(row.passed for row in checks_of(decay).values())
    assert float(tpv.analyse(decay)["voc"]) == pytest.approx(spectrum.attrs["voltage"], rel=1e-6)


def test_a_scan_of_a_shunted_cell_goes_through() -> None:
    cell = pt.load("cell-b").with_values({"circuit.shunt_resistance": "10 ohm cm^2"})
    scans = scan.measure(cell, scan.Protocol(rate="1 V/s", step="20 mV"))
    for one in scans.values():
        assert all(row.passed for row in checks_of(one).values())
        assert np.sign(one["current_density"].values[[0, -1]]).prod() < 0.0
    assert jv.analyse(scans["reverse"])["ff"].value == pytest.approx(0.25, abs=0.01)
