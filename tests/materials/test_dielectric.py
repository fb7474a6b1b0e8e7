"""Closed forms of the dielectric function against the integrals that they solve."""

import numpy as np
import pytest
from scipy.integrate import quad

from perotwin.errors import InputError
from perotwin.materials import HC, DielectricFunction, Drude, TaucLorentz

# amplitude, centre, broadening, gap: a sharp edge, a broad band, a line below its gap, a nearly over-damped
# one
OSCILLATORS = [
    TaucLorentz(13.5, 1.698, 0.0316, 1.688),
    TaucLorentz(24.1, 4.389, 5.0, 2.0),
    TaucLorentz(5.0, 1.5, 0.4, 1.9),
    TaucLorentz(3.0, 2.0, 3.0, 1.0),
]


def kramers_kronig(term: TaucLorentz, energy: float) -> float:
    """Real part from the imaginary one: 2/pi P int x eps2(x) / (x^2 - E^2) dx."""

    def weighted(x: float) -> float:
        return x * float(term.susceptibility(x).imag)

    peak = [term.centre] if term.gap < term.centre < 30 else None
    if energy <= term.gap:
        low = quad(lambda x: weighted(x) / (x**2 - energy**2), term.gap, 30, limit=500, points=peak)[0]
    else:
        split = 2 * energy - term.gap
        low = quad(
            lambda x: weighted(x) / (x + energy), term.gap, split, weight="cauchy", wvar=energy, limit=500
        )[0]
        peak = [term.centre] if split < term.centre < 30 else None
        low += quad(lambda x: weighted(x) / (x**2 - energy**2), split, 30, limit=500, points=peak)[0]
    high = quad(lambda x: weighted(x) / (x**2 - energy**2), 30, np.inf, limit=500)[0]
    return 2 / np.pi * (low + high)


@pytest.mark.parametrize("term", OSCILLATORS)
@pytest.mark.parametrize("energy", [0.7, 1.4, 2.3, 3.6, 5.2])
def test_tauc_lorentz_obeys_kramers_kronig(term: TaucLorentz, energy: float) -> None:
    assert float(term.susceptibility(energy).real) == pytest.approx(kramers_kronig(term, energy), abs=1e-7)


@pytest.mark.parametrize("term", OSCILLATORS)
def test_a_shifted_model_obeys_kramers_kronig_too(term: TaucLorentz) -> None:
    moved = DielectricFunction(1.0, (term,)).shifted(-0.17).oscillators[0]
    assert moved.gap == pytest.approx(term.gap - 0.17)
    assert float(moved.susceptibility(1.1).real) == pytest.approx(kramers_kronig(moved, 1.1), abs=1e-7)


@pytest.mark.parametrize("term", OSCILLATORS)
def test_tauc_lorentz_is_finite_and_continuous_at_its_gap(term: TaucLorentz) -> None:
    below, at, above = term.susceptibility(np.array([term.gap - 1e-9, term.gap, term.gap + 1e-9]))
    assert at.imag == 0.0 == below.imag
    assert abs(at - below) < 1e-6 and abs(at - above) < 1e-6


def test_tauc_lorentz_never_amplifies() -> None:
    energy = np.linspace(0.3, 8, 2000)
    for term in OSCILLATORS:
        assert np.all(term.susceptibility(energy).imag >= 0)


def test_drude_crosses_zero_at_the_screened_plasma_energy() -> None:
    metal = DielectricFunction(4.0, (), Drude(8.0, 0.01))
    assert abs(metal(np.array([8.0 / 2.0]))[0].real) < 1e-4
    assert metal(np.array([1.0]))[0].imag > 0


@pytest.mark.parametrize("numbers", [(1.0, 1.0, 2.5, 0.5), (-1.0, 2.0, 0.5, 1.0), (1.0, 2.0, 0.0, 1.0)])
def test_impossible_oscillators_are_refused(numbers: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError):
        TaucLorentz(*numbers)


def test_wavelength_and_energy() -> None:
    assert pytest.approx(1239.841984e-9, rel=1e-9) == HC
