"""Fermi-Dirac statistics: the integral, and its limits in cells."""

import numpy as np
import pytest

from devices import VT, cell, inside, layer, states
from fermi_integrals import fermi
from perotwin.transport.fermi import fermi_dirac_half


def test_the_integral_against_quadrature() -> None:
    eta = np.array([-60.0, -20.0, -8.0, -1.0, 0.0, 0.5, 3.0, 9.9, 10.1, 30.0, 59.0])
    assert fermi_dirac_half(eta) == pytest.approx([fermi(0.5, e) for e in eta], rel=1e-11)
    deep = np.array([60.001, 75.0, 200.0, 600.0])
    assert fermi_dirac_half(deep) == pytest.approx([fermi(0.5, e) for e in deep], rel=2e-9)
    # Blakemore (1982), table: F_1/2(0) = 0.7651470246
    assert float(fermi_dirac_half(np.array(0.0))) == pytest.approx(0.7651470246, rel=1e-9)


@pytest.mark.parametrize("eta", [-15.0, -4.0, 0.0, 3.0, 20.0, 90.0])
@pytest.mark.parametrize("sign", [1, -1], ids=["donors", "acceptors"])
def test_fermi_level_of_a_doped_layer(eta: float, sign: int) -> None:
    dos = 5e24
    body = layer("body", 1e-6, affinity=3.0, gap=3.0, nc=dos, nv=dos, doping=sign * dos * fermi(0.5, eta),
                 statistics="fermi-dirac")  # fmt: skip
    _, seen = inside(cell(body), [0.0], 0.0)
    if sign > 0:
        found = (seen.electron_fermi_level - seen.conduction_band) / VT
    else:
        found = (seen.valence_band - seen.hole_fermi_level) / VT
    assert found == pytest.approx(np.full_like(found, eta), abs=1e-6)


def test_dilute_carriers_do_not_know_their_statistics() -> None:
    """With n / Nc below 1e-5 everywhere both statistics give the same current to about that."""
    found = []
    for statistics in ("boltzmann", "fermi-dirac"):
        trap = [{"electron_lifetime": 1e-7, "hole_lifetime": 2e-7}]
        body = layer("body", 400e-9, nc=2e24, nv=1e24, statistics=statistics, trap=trap, radiative=1e-17)
        stack = cell(body, front=5.6 - 0.32, back=4.0 + 0.32, rate=2e24)
        found.append(states(stack, [-0.2, 0.0, 0.5, 0.7, 0.85]).current)
    assert found[1] == pytest.approx(found[0], rel=2e-5)
    assert np.any(found[1] != found[0])


def test_degenerate_carriers_need_a_higher_fermi_level() -> None:
    """The same doping, the same cell: beyond the band edge Boltzmann statistics is wrong by what F_1/2 says."""
    levels = []
    for statistics in ("boltzmann", "fermi-dirac"):
        body = layer("body", 300e-9, nc=1e24, doping=1e25, gap=2.0, statistics=statistics)
        _, seen = inside(cell(body), [0.0], 0.0)
        levels.append((seen.electron_fermi_level - seen.conduction_band)[0, 5] / VT)
    assert levels[0] == pytest.approx(np.log(10.0), abs=1e-9)
    assert fermi(0.5, levels[1]) == pytest.approx(10.0, rel=1e-8)
    assert levels[1] > levels[0] + 2.0
