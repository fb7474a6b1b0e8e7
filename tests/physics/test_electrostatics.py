"""Screening and depletion: Poisson's equation against closed forms and quadrature."""

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.integrate import quad

from devices import VT, Q, cell, inside, layer
from fermi_integrals import fermi
from perotwin.stack import Stack

EPS = 12.0


@pytest.mark.parametrize("sign", [1, -1], ids=["electrons", "holes"])
@pytest.mark.parametrize("eta", [None, -6.0, 0.0, 8.0])
def test_debye_length(eta: float | None, sign: int) -> None:
    """A small potential dies as exp(-x/L) with L^2 = eps / (q dn/dV); degenerate carriers screen less than n/kT."""
    dos, statistics = 1e24, "boltzmann" if eta is None else "fermi-dirac"
    density = dos * (1e-3 if eta is None else fermi(0.5, eta))
    slope = (density if eta is None else dos * fermi(-0.5, eta)) / VT
    length = np.sqrt(EPS * epsilon_0 / (Q * slope))
    thickness = 8 * length
    gap = 3.0
    body = layer("body", thickness, affinity=4.0, gap=gap, nc=dos, nv=dos, eps=EPS, doping=sign * density,
                 statistics=statistics)  # fmt: skip
    _, flat = inside(cell(body), [0.0], 0.0)
    small = 1e-5
    tilted = float(flat.conduction_band[0, 0]) + 4.0 - small
    _, seen = inside(cell(body, front=tilted), [0.0], 0.0)
    x = seen.x
    bent = (seen.conduction_band - flat.conduction_band)[0]
    expected = -small * np.sinh((thickness - x) / length) / np.sinh(thickness / length)
    assert np.ptp(flat.conduction_band) < 1e-12
    assert bent == pytest.approx(expected, abs=1e-3 * small)


def junction(doping: float = 1e22, thickness: float = 600e-9, **more: float) -> Stack:
    half = {"affinity": 4.0, "gap": 1.4, "nc": 1e24, "nv": 1e24, "eps": EPS, **more}
    p = layer("p", thickness, role="htl", doping=-doping, **half)
    n = layer("n", thickness, role="absorber", doping=doping, **half)
    return cell(p, n)


@pytest.mark.parametrize("doping", [3e21, 1e22, 1e23])
def test_depletion_of_a_junction(doping: float) -> None:
    """The peak field follows from the first integral of Poisson's equation, the depletion law with its 2kT.

    Sze and Ng, Physics of Semiconductor Devices, 3rd ed., eq. 2.16: E^2 = q N (Vbi - V - 2 kT/q) / eps for equal
    doping N on both sides, exact but for carriers that neither side has many of.
    """
    built_in = 2 * VT * np.log(doping / 1e24) + 1.4
    voltages = [0.0, -0.5, -2.0, -5.0]
    _, seen = inside(junction(doping, thickness=1e-6 if doping < 1e22 else 600e-9), voltages, 0.0)
    for k, voltage in enumerate(voltages):
        peak = np.sqrt(Q * doping / (EPS * epsilon_0) * (built_in - voltage - 2 * VT))
        width = 2 * EPS * epsilon_0 * peak / (Q * doping)
        if width > 0.9 * seen.x[-1]:
            continue
        assert np.abs(seen.electric_field[k]).max() == pytest.approx(peak, rel=2e-3)
        assert seen.electric_field[k, np.argmax(np.abs(seen.electric_field[k]))] < 0.0
        # the bands bend by the built-in potential less the bias
        assert np.ptp(seen.conduction_band[k]) == pytest.approx(built_in - voltage, abs=1e-6)


def test_shape_of_a_junction() -> None:
    """Where the field stands, node by node: x as the quadrature of dpsi / E(psi) over the first integral."""
    doping = 1e22
    _, seen = inside(junction(doping), [0.0], 0.0)
    ni = 1e24 * np.exp(-0.7 / VT)
    top = np.arcsinh(doping / 2 / ni)  # potential of the neutral n side from the middle, units of kT/q
    scale = 2 * Q * VT / (EPS * epsilon_0)

    def field(u: float) -> float:
        drop = doping * (top - u) - 2 * ni * (np.cosh(top) - np.cosh(u))
        return float(np.sqrt(scale * max(drop, 0.0)))

    middle = 600e-9
    n_side = seen.x >= middle
    u = -(seen.conduction_band[0] - seen.conduction_band[0, np.argmin(np.abs(seen.x - middle))]) / VT
    for position, potential in list(zip(seen.x[n_side], u[n_side], strict=True))[4::12]:
        if potential > top - 0.01:
            break
        distance = quad(lambda s: VT / field(s), 0.0, potential, epsrel=1e-8)[0]
        assert position - middle == pytest.approx(distance, rel=2e-3, abs=2e-11)


def test_a_sheet_of_charge_bends_the_field() -> None:
    """Charged face levels step the displacement by their charge; their occupation at equilibrium is Fermi's.

    The absorber's scale counts: the level lies 0.1 eV under its conduction band, whatever the dipole.
    """
    density = 2e16
    for charge, dipole in (("acceptor", 0.0), ("acceptor", 0.1), ("donor", -0.1)):
        trap = {"level": {"below": "conduction", "depth": 0.1}, "density": density, "charge": charge,
                "electron_capture": 1e-14, "hole_capture": 1e-15}  # fmt: skip
        left = layer("left", 200e-9, role="etl", affinity=3.9, gap=1.9, eps=6.0, doping=1e23)
        right = layer("right", 200e-9, affinity=4.0, gap=1.6, eps=EPS, doping=1e23)
        _, seen = inside(
            cell(left, right, faces={"left|right": {"dipole": dipole, "trap": [trap]}}), [0.0], 0.0
        )
        face = int(np.flatnonzero(np.diff(seen.layer))[0])
        level = seen.conduction_band[0, face + 1] - 0.1 - seen.electron_fermi_level[0, face]
        occupied = 1.0 / (1.0 + np.exp(level / VT))
        assert 0.02 < occupied < 0.98
        held = -occupied if charge == "acceptor" else 1.0 - occupied
        edge = int(np.flatnonzero(seen.edge == face + 1)[0])
        step = epsilon_0 * (EPS * seen.electric_field[0, edge] - 6.0 * seen.electric_field[0, edge - 1])
        # between the two edges' middles there is a little charge of the layers, too
        volume = seen.charge[0, face] * (seen.x[face] - seen.x_edge[edge - 1])
        volume += seen.charge[0, face + 1] * (seen.x_edge[edge] - seen.x[face])
        assert step / Q == pytest.approx(held * density + volume, rel=1e-6)
        # and the vacuum level steps by the dipole: the affinities' difference is what else the bands do
        jump = seen.conduction_band[0, face + 1] - seen.conduction_band[0, face]
        assert jump == pytest.approx(dipole - 4.0 + 3.9, abs=1e-12)


@pytest.mark.parametrize("charge", ["donor", "acceptor"])
def test_charged_levels_count_as_doping(charge: str) -> None:
    """Neutrality with stationary occupation, n + (levels) = donors, by a root search of its own."""
    from scipy.optimize import brentq

    nc, gap, doping, traps, depth = 1e24, 1.6, 2e22, 3e22, 0.15
    trap = {"level": {"below": "conduction", "depth": depth}, "density": traps, "charge": charge,
            "electron_capture": 1e-14, "hole_capture": 1e-16}  # fmt: skip
    body = layer("body", 2e-6, gap=gap, nc=nc, nv=nc, eps=EPS, doping=doping, trap=[trap])
    _, seen = inside(cell(body), [0.0], 0.0)

    def excess(eta: float) -> float:
        occupied = 1.0 / (1.0 + np.exp(-depth / VT - eta))
        held = traps * ((1.0 - occupied) if charge == "donor" else -occupied)
        return nc * np.exp(-gap / VT - eta) - nc * np.exp(eta) + doping + held

    eta = brentq(excess, -60.0, 5.0, xtol=1e-13)
    middle = seen.x.size // 2
    found = (seen.electron_fermi_level[0] - seen.conduction_band[0]) / VT
    assert found[middle] == pytest.approx(eta, abs=1e-8)
    # a flat-band contact knows the levels, too
    assert np.ptp(found) < 1e-8
