"""One kind of carrier: space-charge-limited currents, ohmic ones, and a boundary-value solver of its own.

N. F. Mott and R. W. Gurney, Electronic Processes in Ionic Crystals (1940): J = 9/8 eps mu V^2 / L^3.
"""

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.integrate import solve_bvp

from devices import VT, Q, cell, inside, layer, states
from fermi_integrals import fermi, log_half
from perotwin.stack import Stack
from perotwin.transport.mesh import Mesh, graded

LENGTH, EPS, MOBILITY, DOS = 200e-9, 10.0, 1e-6, 1e25
#: of electrons (holes) alone: the other band is out of reach of any carrier
GAP = 5.0


def slab(eta: float, carrier: str, statistics: str = "boltzmann", length: float = LENGTH) -> Stack:
    """An undoped layer between two contacts that stand `eta` (kT) inside its band."""
    body = layer("body", length, affinity=2.0, gap=GAP, nc=DOS, nv=DOS, eps=EPS, mobility=MOBILITY,
                 statistics=statistics)  # fmt: skip
    work = 2.0 - eta * VT if carrier == "electrons" else 2.0 + GAP + eta * VT
    return cell(body, front=work, back=work)


def fine(stack: Stack, factor: int = 4) -> Mesh:
    """The usual mesh with its intervals cut, so that what is left is the physics."""
    return graded([float(layer.thickness) for layer in stack.electrical_layers]).refined(factor)


@pytest.mark.parametrize("carrier", ["electrons", "holes"])
@pytest.mark.parametrize("sign", [1, -1])
def test_mott_gurney(carrier: str, sign: int) -> None:
    voltages = sign * np.array([20.0, 40.0, 80.0])
    stack = slab(3.0, carrier)
    current = -sign * states(stack, voltages, 0.0, mesh=fine(stack)).current
    law = 9 / 8 * EPS * epsilon_0 * MOBILITY * voltages**2 / LENGTH**3
    excess = current / law - 1.0
    assert np.all((excess > 0.0) & (excess < [0.12, 0.07, 0.04]))
    # what diffusion adds at the injecting contact fades as V^(-2/3): without it the prefactor is 9/8
    fade = 4.0 ** (-2 / 3)
    assert (excess[2] - fade * excess[0]) / (1 - fade) == pytest.approx(0.0, abs=0.015)
    exponent = np.diff(np.log(current)) / np.log(2.0)
    assert np.all(np.abs(exponent - 2.0) < 0.06)
    # and it goes as the inverse cube of the length
    half = slab(3.0, carrier, length=LENGTH / 2)
    halved = -sign * states(half, voltages[-1:], 0.0, mesh=fine(half)).current
    assert halved[0] / current[-1] == pytest.approx(8.0, rel=0.02)


def test_holes_and_electrons_are_each_others_image() -> None:
    found = [
        states(slab(-1.0, carrier), [-0.7, 0.0, 0.4, 1.5], 0.0).current for carrier in ("electrons", "holes")
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert found[0][1] == 0.0
    # an even device: the current is odd
    even = states(slab(-1.0, "holes"), [-0.4, 0.4], 0.0).current
    assert even[0] == pytest.approx(-even[1], rel=1e-9)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
def test_against_a_boundary_value_solver(statistics: str) -> None:
    """Poisson and drift-diffusion collocated by scipy: dEFn/dx = J / (mu n), n = Nc F(eta), degenerate at the ends."""
    eta = 2.0
    log_f = log_half()

    def occupied(e: np.ndarray) -> np.ndarray:
        return np.exp(log_f(np.clip(e, -40, 40))) if statistics == "fermi-dirac" else np.exp(e)

    strength = Q * LENGTH**2 * DOS / (EPS * epsilon_0 * VT)
    guess_x = 0.5 * (1 - np.cos(np.linspace(0, np.pi, 400)))
    profile = np.vstack([-2 * np.log(1 + 20 * guess_x * (1 - guess_x)), np.zeros_like(guess_x), 0 * guess_x])
    x, y, j = guess_x, profile, np.zeros(1)
    voltages = np.array([0.05, 0.3, 1.0])
    stack = slab(eta, "electrons", statistics)
    ours, seen = inside(stack, voltages, 0.0, mesh=fine(stack))
    for number, bias in enumerate(voltages / VT):

        def slopes(x: np.ndarray, y: np.ndarray, j: np.ndarray) -> np.ndarray:
            n = occupied(eta + y[0] + y[2])
            return np.vstack([y[1], strength * n, j[0] / n])

        def ends(a: np.ndarray, b: np.ndarray, j: np.ndarray, bias: float = bias) -> np.ndarray:
            return np.array([a[0], a[2], b[0] - bias, b[2] + bias])

        found = solve_bvp(slopes, ends, x, y, p=j, tol=1e-7, max_nodes=200_000)
        assert found.success, found.message
        x, y, j = found.x, found.y, found.p
        current = j[0] * Q * MOBILITY * VT * DOS / LENGTH
        assert abs(ours.current[number]) == pytest.approx(abs(current), rel=2e-4)
        # the field's shape as well; in ours the electrons enter at the back
        psi = -(seen.conduction_band[number] - seen.conduction_band[number, -1]) / VT
        assert psi == pytest.approx(found.sol(1.0 - seen.x / LENGTH)[0], abs=2e-3)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("eta", [-5.0, 5.0])
def test_ohm(statistics: str, eta: float) -> None:
    """A doped layer with matching contacts is a resistor, degenerate or not."""
    density = DOS * (fermi(0.5, eta) if statistics == "fermi-dirac" else np.exp(eta))
    body = layer("body", LENGTH, affinity=2.0, gap=GAP, nc=DOS, nv=DOS, eps=EPS, mobility=MOBILITY,
                 doping=density, statistics=statistics)  # fmt: skip
    voltages = np.array([-0.3, 0.01, 1.0])
    current = states(cell(body), voltages, 0.0).current
    assert current == pytest.approx(-Q * density * MOBILITY * voltages / LENGTH, rel=1e-9)


@pytest.mark.parametrize("barrier", [0.2, -0.2], ids=["up", "down"])
def test_thermionic_emission(barrier: float) -> None:
    """At a face that emits, the conductance is A* T^2 exp(-phi/kT) q / kT, with A* of the higher band's own mass.

    H. A. Bethe (1942); C. R. Crowell, Solid-State Electronics 8, 395 (1965), doi:10.1016/0038-1101(65)90116-4.
    """
    from scipy.constants import Boltzmann, h

    dos = 2e24
    left = layer("left", 50e-9, role="etl", affinity=4.0, gap=3.0, nc=dos, nv=dos, mobility=1.0, doping=1e20)
    right = layer("right", 50e-9, affinity=4.0 - barrier, gap=3.0, nc=dos, nv=dos, mobility=1.0, doping=1e20)
    stack = cell(left, right, faces={"left|right": {"transport": "thermionic"}}, front=4.3, back=4.3)
    ours, seen = inside(stack, [-1e-4, 0.0, 1e-4], 0.0)
    face = int(np.flatnonzero(np.diff(seen.layer))[0])
    height = (
        max(seen.conduction_band[1, face], seen.conduction_band[1, face + 1])
        - seen.electron_fermi_level[1, face]
    )
    mass = h**2 / (2 * np.pi * Boltzmann * 300.0) * (dos / 2) ** (2 / 3)
    richardson = 4 * np.pi * Q * mass * Boltzmann**2 / h**3
    expected = richardson * 300.0**2 * np.exp(-height / VT) / VT
    across = (ours.current[0] - ours.current[2]) / 2e-4
    # the layers' own resistance is in series
    resistance = sum(
        np.trapezoid(1 / (Q * 1.0 * seen.electron_density[1, here]), seen.x[here])
        for here in (seen.layer == 0, seen.layer == 1)
    )
    assert resistance < 0.2 / expected
    assert across == pytest.approx(1 / (1 / expected + resistance), rel=1e-4)
