"""Dark homojunctions against the laws of Shockley and of Sah, Noyce and Shockley.

W. Shockley, Bell Syst. Tech. J. 28, 435 (1949), doi:10.1002/j.1538-7305.1949.tb03645.x; C. T. Sah, R. N. Noyce,
W. Shockley, Proc. IRE 45, 1228 (1957), doi:10.1109/JRPROC.1957.278528.
"""

from typing import Any

import numpy as np
import pytest
from scipy.constants import epsilon_0
from scipy.integrate import quad

from devices import VT, Q, cell, layer, states
from perotwin.stack import Stack

EPS, GAP, DOS, DOPING = 12.0, 1.2, 1e24, 1e23
NI = DOS * np.exp(-GAP / 2 / VT)
BUILT_IN = 2 * VT * np.log(DOPING / NI)
MOBILITY = (4e-2, 1e-2)
DIFFUSIVITY = (MOBILITY[0] * VT, MOBILITY[1] * VT)


def diode(thickness: float, front: dict[str, Any] | None = None, **more: Any) -> Stack:
    half: dict[str, Any] = {
        "affinity": 4.0,
        "gap": GAP,
        "nc": DOS,
        "nv": DOS,
        "eps": EPS,
        "mobility": MOBILITY,
    }
    p = layer("p", thickness, role="htl", doping=-DOPING, **half, **more)
    n = layer("n", thickness, doping=DOPING, **half, **more)
    return cell(p, n, front={"work_function": "flat-band", **(front or {})})


def field(voltage: float) -> float:
    """At the junction, V/m."""
    return float(np.sqrt(Q * DOPING / (EPS * epsilon_0) * (BUILT_IN - voltage - 2 * VT)))


def depletion(voltage: float) -> float:
    """Width on one side, m."""
    return EPS * epsilon_0 * field(voltage) / (Q * DOPING)


@pytest.mark.parametrize("velocity", [None, 300.0, 3e4], ids=["ohmic", "slow contact", "fast contact"])
def test_short_diode(velocity: float | None) -> None:
    """Nothing recombines inside: minority carriers diffuse to the contacts, J0 = q D ni^2 / (N (W + D / S))."""
    thickness = 3e-6
    front = None if velocity is None else {"electron_velocity": velocity}
    voltages = np.array([0.3, 0.45, 0.6])
    found = -states(diode(thickness, front), voltages, 0.0).current
    for voltage, current in zip(voltages, found, strict=True):
        base = thickness - depletion(voltage)
        delay = 0.0 if velocity is None else DIFFUSIVITY[0] / velocity
        j0 = Q * NI**2 / DOPING * (DIFFUSIVITY[0] / (base + delay) + DIFFUSIVITY[1] / base)
        assert current == pytest.approx(j0 * np.expm1(voltage / VT), rel=4e-3)


def test_long_diode() -> None:
    """Radiative recombination: J0 = q k ni^2 (Ln + Lp + W), the depleted part counted with its own n p."""
    k = 2e-14
    lengths = [np.sqrt(d / (k * DOPING)) for d in DIFFUSIVITY]
    found = -states(diode(10 * max(lengths), radiative=k), [0.2, 0.4, 0.55], 0.0).current
    for voltage, current in zip([0.2, 0.4, 0.55], found, strict=True):
        j0 = Q * k * NI**2 * (sum(lengths) + 2 * depletion(voltage))
        assert current == pytest.approx(j0 * np.expm1(voltage / VT), rel=1e-2)
    # reverse: generation in the depleted part adds to the saturation current
    (reverse,) = -states(diode(10 * max(lengths), radiative=k), [-3.0], 0.0).current
    assert reverse == pytest.approx(-Q * k * NI**2 * (sum(lengths) + 2 * depletion(-3.0)), rel=1e-2)


def test_recombination_in_the_depleted_part() -> None:
    """A midgap level: the rate over Poisson's first integral in the bent part, diffusion beyond it; ideality near 2."""
    tau, thickness = 1e-9, 2e-6
    trap = [{"electron_lifetime": tau, "hole_lifetime": tau}]
    voltages = np.array([0.2, 0.3, 0.4, 0.5])
    current = -states(diode(thickness, trap=trap, front={"electron_velocity": 0.0}), voltages, 0.0).current
    inner = np.zeros(voltages.size)
    for number, (voltage, total) in enumerate(zip(voltages, current, strict=True)):
        b = voltage / VT
        ni = NI * np.exp(b / 2)
        top = np.arcsinh(DOPING / 2 / ni)

        def slope(u: float, top: float = top, ni: float = ni) -> float:
            """du/dx at the potential u from the middle, kT/q per m."""
            drop = DOPING * (top - u) - 2 * ni * (np.cosh(top) - np.cosh(u))
            return float(np.sqrt(2 * Q / (EPS * epsilon_0) / VT * drop))

        def rate(u: float, b: float = b, ni: float = ni) -> float:
            return NI**2 * np.expm1(b) / (tau * (2 * ni * np.cosh(u) + 2 * NI))

        end = top - 0.02  # from here on the bands are flat
        inner[number] = 2 * Q * quad(lambda u: rate(u) / slope(u), 0.0, end, epsrel=1e-9)[0]
        base = thickness - quad(lambda u: 1 / slope(u), 0.0, end, epsrel=1e-9)[0]
        l_n, l_p = (np.sqrt(d * tau) for d in DIFFUSIVITY)
        # electrons are reflected at the front, holes lost at the back
        ends = DIFFUSIVITY[0] / l_n * np.tanh(base / l_n) + DIFFUSIVITY[1] / l_p / np.tanh(base / l_p)
        assert total == pytest.approx(inner[number] + Q * NI**2 / DOPING * ends * np.expm1(b), rel=2e-3)
    assert np.all(inner[:2] > 0.9 * current[:2])
    slopes = np.diff(np.log(current)) / np.diff(voltages) * VT
    # exp(V / 2kT), and a little more for the field, which falls with the bias as (Vbi - V)^(1/2)
    assert slopes[0] == pytest.approx(0.5 + 0.5 * VT / (BUILT_IN - 0.25), abs=0.01)
