"""Volts fall from the Shockley-Queisser limit to the terminals, each level by what it leaves out."""

import math

import pytest

import perotwin as pt
from perotwin import lab, losses


@pytest.fixture(scope="module")
def measured() -> tuple:
    cell = pt.load("wbg-target")
    return cell, lab.jv.measure(cell, lab.jv.Protocol(step="50 mV")), lab.eqe.measure(cell)


def test_each_level_lies_below_the_one_above(measured: tuple) -> None:
    cell, jv, eqe = measured
    (found,) = losses.voltages(cell, jv, eqe).values()
    assert found.gap == pytest.approx(float(lab.eqe.analyse(eqe)["bandgap"]))
    assert found.shockley_queisser > found.radiative > found.implied > found.terminal
    assert found.terminal == float(lab.jv.analyse(jv)["voc"])


def test_the_limit_of_a_gap_is_the_one_of_the_literature(measured: tuple) -> None:
    """1.79 eV at 298.15 K under AM1.5G: 1.504 V (S. Ruhle, Sol. Energy 130, 139 (2016)).

    doi:10.1016/j.solener.2016.02.015
    """
    cell, jv, eqe = measured
    (found,) = losses.voltages(cell, jv, eqe).values()
    assert found.shockley_queisser == pytest.approx(1.504, abs=3e-3)


def test_the_radiative_limit_is_that_of_luminescence(measured: tuple) -> None:
    cell, jv, eqe = measured
    (found,) = losses.voltages(cell, jv, eqe).values()
    el = lab.el.measure(cell, lab.el.Protocol(currents=("1 mA/cm^2",)))
    assert found.radiative == pytest.approx(float(el["voc_radiative"].values[0]), abs=1e-6)


def test_junctions_of_a_tandem_have_levels_each_and_add_up_to_its_voltage() -> None:
    cell = pt.load("tandem-target")
    jv = lab.jv.measure(cell, lab.jv.Protocol(step="50 mV"))
    found = losses.voltages(cell, jv)
    assert list(found) == ["top", "bottom"]
    for one in found.values():
        # a front absorber without a mirror behind it emits less than a step does: its own limit may lie above that
        assert one.radiative == pytest.approx(one.shockley_queisser, abs=0.03)
        assert one.radiative > one.implied > one.terminal
    assert sum(one.terminal for one in found.values()) == pytest.approx(
        float(lab.jv.analyse(jv)["voc"]), abs=1e-3
    )


def test_what_does_not_follow_from_optics_is_not_told() -> None:
    cell = pt.load("cell-a")
    (found,) = losses.voltages(cell, lab.jv.measure(cell, lab.jv.Protocol(step="50 mV"))).values()
    assert math.isnan(found.radiative)
    assert found.shockley_queisser > found.terminal


def test_in_the_dark_there_is_nothing_to_lose() -> None:
    cell = pt.load("cell-a").with_light(intensity="0 sun")
    assert losses.voltages(cell, lab.jv.measure(cell, lab.jv.Protocol(step="100 mV"))) == {}
