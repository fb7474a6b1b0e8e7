"""Capacitance against voltage: the doping of a thick layer is found, that of a thin undoped one is called none."""

import numpy as np
import pytest

import perotwin as pt
import synthetic
from devices import VT, Q, cell, layer
from perotwin.errors import InputError
from perotwin.lab import cv
from perotwin.measurement import checks_of, notes_of, validate

EPS0 = 8.8541878128e-12


def test_the_analysis_reads_a_depletion_layer() -> None:
    found = cv.analyse(synthetic.cv(doping=1e23, built_in=1.0))
    assert found["apparent_doping"].value == pytest.approx(1e23, rel=1e-6)
    assert found["built_in_voltage"].value == pytest.approx(1.0, abs=1e-6)
    assert "artefact" not in found["apparent_doping"].method


def test_a_one_sided_junction_shows_its_doping() -> None:
    """p absorber of 1 um on a far more strongly doped n layer: N to 3 %. Electrons that spill over take part of Vbi."""
    doping = 3e22
    stack = cell(
        layer("n", 50e-9, role="etl", affinity=4.0, gap=1.2, doping=1e25, eps=10.0),
        layer("p", 1e-6, affinity=4.0, gap=1.2, doping=-doping, eps=10.0),
    )
    measured = validate(cv.measure(stack, cv.Protocol(start="-1 V", stop="0 V", frequency="100 kHz")))
    assert all(row.passed for row in checks_of(measured).values())
    assert notes_of(measured) == []
    found = cv.analyse(measured)
    assert found["apparent_doping"].value == pytest.approx(doping, rel=0.03)
    built_in = VT * np.log(doping * 1e25 / 1e48) + 1.2
    assert found["built_in_voltage"].value == pytest.approx(built_in - 2.0 * VT, abs=0.1)


def test_an_undoped_absorber_shows_the_density_that_its_thickness_sets() -> None:
    """Injection on a geometric plateau reads as 27 kT eps / (4 q^2 d^2), which is no doping."""
    measured = cv.measure(pt.load("cell-a"))
    found = cv.analyse(measured)
    width, eps = measured.attrs["thickness"], measured.attrs["permittivity"]
    least = 27.0 / 4.0 * VT * eps * EPS0 / (Q * width**2)
    assert found["resolvable_doping"].value == pytest.approx(least, rel=1e-3)
    assert least / 2.0 < found["apparent_doping"].value < 3.0 * least
    assert "artefact" in found["apparent_doping"].method
    assert any("artefact" in note for note in notes_of(measured))
    # a plate capacitor in reverse, and the light of the stack has no part in it
    assert float(measured["capacitance"][0]) == pytest.approx(
        measured.attrs["geometric_capacitance"], rel=0.1
    )
    assert measured.attrs["light"] == 0.0


def test_injection_alone_gives_the_least_density_exactly() -> None:
    """The closed form behind the limit: C = Cg (1 + exp(V / VT))."""
    dataset = synthetic.cv()
    voltage = np.linspace(-0.4, 0.2, 3001)
    plate = dataset.attrs["permittivity"] * EPS0 / dataset.attrs["thickness"]
    dataset = dataset.drop_vars(["capacitance", "voltage"]).assign_coords(voltage=voltage)
    thermal = 1.380649e-23 * dataset.attrs["temperature"] / Q
    dataset["capacitance"] = ("voltage", plate * (1.0 + np.exp(voltage / thermal)))
    found = cv.analyse(dataset)
    assert found["apparent_doping"].value == pytest.approx(found["resolvable_doping"].value, rel=1e-4)


def test_what_does_not_fall_has_no_doping() -> None:
    flat = synthetic.cv()
    flat["capacitance"] = 0.0 * flat["capacitance"] + 1e-4
    found = cv.analyse(flat)
    assert np.isnan(found["apparent_doping"].value)
    assert np.isnan(cv.analyse(flat.isel(voltage=slice(0, 3)))["built_in_voltage"].value)


def test_impossible_protocols_are_refused() -> None:
    with pytest.raises(InputError, match="leads nowhere"):
        cv.Protocol(step="0 V")
    with pytest.raises(InputError, match="more than"):
        cv.Protocol(stop="1 V", step="1 uV")
