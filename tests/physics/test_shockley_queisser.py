"""The ideal cell through the drift-diffusion equations: step absorptance, detailed balance, perfect transport.

W. Shockley, H. J. Queisser, J. Appl. Phys. 32, 510 (1961), doi:10.1063/1.1736034; one-sided emission at 298.15 K.
"""

from typing import Any

import numpy as np
import pytest
from scipy.constants import Boltzmann, c, elementary_charge, h
from scipy.integrate import quad

from devices import layer, metrics, selective
from perotwin.stack import Stack

TEMPERATURE = 298.15
VT = Boltzmann * TEMPERATURE / elementary_charge
#: gap (eV): Jsc (A m^-2), Voc (V), FF, efficiency, from the photon flux integrated to the exact edge
LIMIT = {1.79: (199.06, 1.5043, 0.9146, 0.2739), 1.25: (375.75, 0.9988, 0.8826, 0.3312)}


def ideal(gap: float, offset: float = 0.1, suns: float = 1.0, **more: Any) -> Stack:
    absorber = layer("absorber", 300e-9, gap=gap, affinity=4.0, mobility=100.0, **more)
    return Stack.from_data(
        {
            "name": "ideal",
            "temperature": TEMPERATURE,
            "light": {"generation": "step", "intensity": suns},
            "layer": [absorber],
            "contact": {
                "front": selective(4.0 + gap - offset, takes="holes"),
                "back": selective(4.0 + offset, takes="electrons"),
            },
        },
        bare_numbers=True,
    )


@pytest.mark.parametrize("gap", LIMIT)
def test_shockley_queisser(gap: float) -> None:
    found = metrics(ideal(gap))
    for name, value in zip(("jsc", "voc", "ff", "pce"), LIMIT[gap], strict=True):
        assert found[name] == pytest.approx(value, rel=1e-3), name


@pytest.mark.parametrize("gap", LIMIT)
def test_the_ideal_cell_is_the_ideal_diode(gap: float) -> None:
    def emitted(energy: float) -> float:
        return energy**2 / np.expm1(energy / VT)

    scale = 2 * np.pi * elementary_charge**4 / (h**3 * c**2)
    j0 = scale * quad(emitted, gap, gap + 60 * VT, epsabs=0, epsrel=1e-12)[0]
    found = metrics(ideal(gap))
    assert found["voc"] == pytest.approx(VT * np.log1p(found["jsc"] / j0), abs=1e-6)
    voltage = np.linspace(0, found["voc"], 200_001)
    power = np.max(voltage * (found["jsc"] - j0 * np.expm1(voltage / VT)))
    assert found["ff"] == pytest.approx(power / found["voc"] / found["jsc"], abs=1e-5)


def test_the_limit_does_not_ask_how_carriers_are_counted() -> None:
    """Neither densities of states nor statistics enter: emission follows from the splitting alone."""
    dilute, other = metrics(ideal(1.25)), metrics(ideal(1.25, nc=3e25, nv=2e24))
    assert other["voc"] == pytest.approx(dilute["voc"], abs=1e-6)
    # in light so weak that the bands stay dilute at open circuit
    dim, fermi = (metrics(ideal(1.25, 0.3, 1e-5, statistics=kind)) for kind in ("boltzmann", "fermi-dirac"))
    assert fermi["voc"] == pytest.approx(dim["voc"], abs=1e-6)
