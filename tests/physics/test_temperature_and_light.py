"""What temperature and the strength of the light do to a cell, against closed forms."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import Boltzmann, elementary_charge

import perotwin as pt
from devices import VT, T, cell, inside, layer, metrics, selective
from perotwin.stack import Stack

K = Boltzmann / elementary_charge
GAP, NC, NV = 1.5, 2e24, 8e24


def at(stack: Stack, kelvin: float) -> Stack:
    return stack.with_values({"temperature": kelvin})


@pytest.mark.parametrize("kelvin", [250.0, 300.0, 360.0])
@pytest.mark.parametrize("slope", [0.0, 3e-4, -2e-4])
def test_intrinsic_density(kelvin: float, slope: float) -> None:
    """n_i^2 = Nc Nv exp(-Eg/kT), densities of states as T^1.5, the gap linear; the conduction band stays."""
    body = layer("body", 300e-9, affinity=4.0, gap=GAP, nc=NC, nv=NV)
    body["electronic"]["bandgap_temperature_coefficient"] = slope
    stack = at(cell(body, front=4.7, back=4.7), kelvin)
    _, seen = inside(stack, [0.0], 0.0)
    gap = GAP + slope * (kelvin - T)
    product = NC * NV * (kelvin / T) ** 3 * np.exp(-gap / (K * kelvin))
    assert seen.electron_density * seen.hole_density == pytest.approx(
        np.full_like(seen.hole_density, product), rel=1e-8
    )
    assert seen.conduction_band - seen.valence_band == pytest.approx(
        np.full_like(seen.hole_density, gap), abs=1e-9
    )
    contact = NC * (kelvin / T) ** 1.5 * np.exp(-0.7 / (K * kelvin))
    assert seen.electron_density[0, 0] == pytest.approx(contact, rel=1e-8)


def test_activated_mobility() -> None:
    body = layer("body", 300e-9, affinity=2.0, gap=4.0, doping=1e22)
    body["electronic"]["mobility_activation_energy"] = 0.1
    found = []
    for kelvin in (300.0, 350.0):
        states, _ = inside(at(cell(body), kelvin), [0.2], 0.0)
        found.append(states.current[0])
    assert found[1] / found[0] == pytest.approx(np.exp(-0.1 / K * (1 / 350 - 1 / 300)), rel=1e-6)


def ideal(voc: float, kelvin: float = T, **channels: Any) -> Stack:
    """An undoped slab of equal bands: electrons and holes alike, levels flat, bands flat near `voc`."""
    body = layer("body", 300e-9, affinity=4.0, gap=GAP, nc=NC, nv=NC, mobility=10.0, eps=30.0, **channels)
    middle = 4.0 + GAP / 2
    stack = cell(body, front=selective(middle + voc / 2, "holes"), back=selective(middle - voc / 2, "electrons"),
                 rate=2e27)  # fmt: skip
    return at(stack, kelvin)


def voc_of(stack: Stack, suns: float = 1.0) -> float:
    return metrics(stack.with_light(intensity=suns), step="50 mV")["voc"]


@pytest.mark.parametrize("kelvin", [270.0, 300.0, 340.0])
def test_voc_against_temperature(kelvin: float) -> None:
    """Radiative: q Voc = Eg - kT ln(k Nc Nv / G), all of it in closed form."""
    k = 1e-16
    dos = NC * (kelvin / T) ** 1.5
    expected = GAP - K * kelvin * np.log(k * dos**2 / 2e27)
    assert voc_of(ideal(expected, kelvin, radiative=k)) == pytest.approx(expected, abs=1e-6)


def test_voc_falls_with_temperature() -> None:
    cell_a = [metrics(at(pt.load("cell-a"), kelvin))["voc"] for kelvin in (280.0, 300.0, 330.0)]
    slopes = np.diff(cell_a) / [20.0, 30.0]
    # between -(Eg/q - Voc)/T and twice that
    assert np.all((slopes < -0.5e-3) & (slopes > -2.5e-3))


#: what recombines, the density of either carrier that balances 2e27 m^-3 s^-1, the ideality
IDEALITY = {
    "radiative": ({"radiative": 1e-16}, (2e27 / 1e-16) ** (1 / 2), 1.0),
    "midgap levels": ({"trap": [{"electron_lifetime": 1e-7, "hole_lifetime": 1e-7}]}, 2e27 * 2e-7, 2.0),
    "Auger": ({"auger": (1e-38, 1e-38)}, (2e27 / 2e-38) ** (1 / 3), 2.0 / 3.0),
}


@pytest.mark.parametrize(("channels", "density", "ideality"), IDEALITY.values(), ids=IDEALITY.keys())
def test_ideality_of_the_light(channels: dict[str, Any], density: float, ideality: float) -> None:
    """dVoc / d ln(suns): kT/q for n p, twice that for n, two thirds for n^2 p."""
    expected = GAP + 2 * VT * np.log(density / NC)
    stack = ideal(expected, **channels)
    below, voc, above = (voc_of(stack, suns) for suns in (1 / 1.2, 1.0, 1.2))
    assert voc == pytest.approx(expected, abs=2e-6)
    assert (above - below) / (2 * np.log(1.2)) / VT == pytest.approx(ideality, rel=0.01)


def test_photocurrent_is_linear_in_weak_light() -> None:
    stack = ideal(1.1, radiative=1e-16)
    one, weak = metrics(stack, step="50 mV"), metrics(stack.with_light(intensity=1e-3), step="50 mV")
    assert weak["jsc"] == pytest.approx(1e-3 * one["jsc"], rel=1e-4)
    assert weak["pce"] < one["pce"]
