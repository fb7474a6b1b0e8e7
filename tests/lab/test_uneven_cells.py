"""Instruments on cells whose faces are uneven, and what tells one picture of a face from another."""

from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.lab import el, eqe, impedance, jv, scan, suns_voc, tpv
from perotwin.measurement import checks_of
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.steady import Solver
from perotwin.units import BOLTZMANN

FACE = "niox|perovskite"
SUNS = (1.0, 0.316, 0.1, 0.0316, 0.01)


def control(**values: Any) -> Stack:
    made = pt.load("wbg-control").with_values({f"{FACE}.{key}": value for key, value in values.items()})
    assert isinstance(made, Stack)
    return made


def idealities(cell: Stack) -> np.ndarray:
    """Of the steps from 1 sun to 0.01 sun, without a shunt and pinholes."""
    apart = {"circuit.shunt_resistance": "1e7 ohm cm^2", "perovskite.pinholes": None}
    solver = Solver(build(cell.with_values(apart)))
    voc = [float(solver.open_circuit(solver.short_circuit(suns), suns).voltage[0]) for suns in SUNS]
    return -np.diff(voc) / (BOLTZMANN * float(cell.temperature)) / -np.diff(np.log(SUNS))


def test_dim_light_tells_the_pictures_of_a_face_apart() -> None:
    """Only the spread (and large patches) has an ideality that falls as the light does; the even face's rises."""
    even, spread = idealities(control()), idealities(control(dipole_spread="89 meV"))
    trap = "trap.1.{}_velocity"
    unequal = idealities(control(**{trap.format("electron"): "20.8 m/s", trap.format("hole"): "5.2 cm/s"}))
    assert (np.diff(even) > 0.0).all() and even[0] < 1.3
    assert (np.diff(spread) < 0.0).all() and spread[0] > 1.5
    assert np.ptp(unequal) < 0.05 and unequal[0] < 1.3
    shunted = pt.load("wbg-control").with_values({"circuit.shunt_resistance": "1e3 ohm cm^2"})
    solver = Solver(build(shunted))
    voc = [float(solver.open_circuit(solver.short_circuit(suns), suns).voltage[0]) for suns in (0.1, 0.0316)]
    assert (voc[0] - voc[1]) / (BOLTZMANN * 298.15) / np.log(0.1 / 0.0316) > 10.0


def test_an_uneven_absorber_is_one_emitter_and_obeys_reciprocity() -> None:
    measured = el.measure(control(dipole_spread="40 meV"))
    assert measured.sizes["emitter"] == 1
    found = checks_of(measured)
    assert all(row.passed for row in found.values()), found
    told = el.analyse(measured)
    # the light tells the mean of the exponential, at least the mean of the splitting
    assert float(told["voc_luminescence"]) > float(told["qfls"])


@pytest.mark.parametrize("kind", [jv, suns_voc, eqe, impedance, tpv])
def test_instruments_take_an_uneven_cell_as_any_other(kind: Any) -> None:
    cell = control(dipole_spread="25 meV")
    measured = kind.measure(cell)
    assert all(row.passed for row in checks_of(measured).values())
    assert "dipole_spread = " in str(measured.attrs["cell"])
    assert kind.analyse(measured)


@pytest.mark.slow
def test_a_scan_of_a_tandem_with_a_spread_and_patches_is_complete() -> None:
    values = {
        "top.htl|absorber.dipole_spread": "30 meV",
        "top.htl|absorber.patches": {"share": "1 %", "size": "2 um", "velocity": "500 cm/s"},
    }
    measured = scan.measure(pt.load("tandem-control").with_values(values))
    for one in measured.values():
        assert all(row.passed for row in checks_of(one).values())
