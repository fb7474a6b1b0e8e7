"""Resistances outside the junction: V = V_junction - J Rs, the shunt across the junction."""

import numpy as np
import pytest
from scipy.constants import elementary_charge
from scipy.optimize import brentq

import perotwin as pt
from devices import metrics, states
from perotwin.lab import jv
from perotwin.stack import Stack

VOLTAGES = np.array([-0.3, 0.0, 0.7, 1.1, 1.25, 1.35])


def wired(series: str = "0 ohm cm^2", shunt: str | None = None, base: str = "cell-a") -> Stack:
    values: dict[str, str] = {"circuit.series_resistance": series}
    if shunt is not None:
        values["circuit.shunt_resistance"] = shunt
    return pt.load(base).with_values(values)


@pytest.mark.parametrize(
    ("series", "shunt"),
    [
        ("2 ohm cm^2", None),
        ("10 ohm cm^2", None),
        ("0 ohm cm^2", "500 ohm cm^2"),
        ("5 ohm cm^2", "200 ohm cm^2"),
    ],
)
@pytest.mark.parametrize("suns", [0.0, 1.0])
def test_the_junction_inside_its_circuit(series: str, shunt: str | None, suns: float) -> None:
    found = states(wired(series, shunt), VOLTAGES, suns)
    rs = float(series.split()[0]) * 1e-4
    leak = 0.0 if shunt is None else 1.0 / (float(shunt.split()[0]) * 1e-4)
    junction = VOLTAGES + found.current * rs
    assert found.junction_voltage == pytest.approx(junction, abs=1e-10)
    # the bare cell, solved where its junction stands
    bare = states(pt.load("cell-a"), junction, suns)
    scale = max(np.abs(bare.current).max(), 1.0)
    assert found.current == pytest.approx(bare.current - junction * leak, abs=1e-9 * scale)
    assert found.shown.shunt == pytest.approx(junction * leak, abs=1e-9 * scale)


def test_series_resistance_against_interpolation_of_a_fine_curve() -> None:
    """From the bare curve alone: the current at V is the root of J = J_bare(V + J Rs)."""
    from scipy.interpolate import CubicSpline

    grid = np.arange(-0.4, 1.42, 0.005)
    curve = CubicSpline(grid, states(pt.load("cell-a"), grid).current)
    rs = 8e-4
    found = states(wired("8 ohm cm^2"), VOLTAGES[:-1])
    for voltage, current in zip(VOLTAGES, found.current, strict=False):
        root = brentq(lambda j, v=voltage: j - float(curve(v + j * rs)), -80.0, 240.0, xtol=1e-12)
        assert current == pytest.approx(root, abs=1e-3)


def test_open_circuit_with_a_shunt() -> None:
    leaky = metrics(wired("3 ohm cm^2", "300 ohm cm^2"))
    bare = states(pt.load("cell-a"), [leaky["voc"]])
    assert bare.current[0] == pytest.approx(leaky["voc"] / 300e-4, rel=1e-8)
    # without current the series resistance does nothing
    assert metrics(wired("0 ohm cm^2", "300 ohm cm^2"))["voc"] == pytest.approx(leaky["voc"], abs=1e-9)
    assert leaky["ff"] < metrics(pt.load("cell-a"))["ff"] - 0.05


def test_the_shunt_is_a_loss_channel() -> None:
    measured = jv.measure(wired("1 ohm cm^2", "400 ohm cm^2"), jv.Protocol(start=0.0, stop=1.3, step=0.1))
    lost = measured["channel_current"]
    assert lost.sel(channel="shunt").values == pytest.approx(
        measured["junction_voltage"].values / 400e-4, abs=1e-7
    )
    # light in = current out + everything lost
    total = measured["current_density"].values + lost.sum("channel").values
    assert total == pytest.approx(np.full(total.size, elementary_charge * 2.8e27 * 500e-9), rel=1e-9)


def test_mirrored_circuits_agree() -> None:
    stack = wired("4 ohm cm^2", "1000 ohm cm^2")
    ours, theirs = states(stack, VOLTAGES), states(stack.mirrored(), VOLTAGES)
    assert theirs.current == pytest.approx(ours.current, abs=1e-8)
