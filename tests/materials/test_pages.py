"""Crystalline silicon: a page that falls over thirteen decades, and its tail beyond the last row."""

import numpy as np
import pytest

from perotwin.materials import HC, optical, refractiveindex_page
from perotwin.units import BOLTZMANN

#: k of M. A. Green, Sol. Energy Mater. Sol. Cells 92, 1305 (2008), doi:10.1016/j.solmat.2008.06.009, by wavelength (nm)
GREEN = {
    1000: 5.0930e-4,
    1100: 3.0637e-05,
    1150: 6.2230e-06,
    1200: 2.1008e-07,
    1300: 4.6553e-10,
    1400: 1.5597e-12,
    1450: 1.3846e-13,
}


@pytest.mark.parametrize("wavelength, k", GREEN.items())
def test_silicon_absorbs_as_its_table_says_to_the_last_decade(wavelength: float, k: float) -> None:
    assert optical("silicon").nk(wavelength * 1e-9).imag == pytest.approx(k, rel=1e-6)


def test_between_its_rows_k_of_silicon_lies_on_a_smooth_curve_of_its_logarithm() -> None:
    """A straight line between two rows is up to twice too high at 1350 nm."""
    lam = np.arange(1300, 1441, 10) * 1e-9
    k = optical("silicon").nk
    between, geometric = k(lam + 5e-9).imag, np.sqrt(k(lam).imag * k(lam + 10e-9).imag)
    np.testing.assert_allclose(between, geometric, rtol=0.12)


def test_the_tail_of_silicon_decays_without_a_step_and_its_index_goes_on() -> None:
    model = optical("silicon")
    assert model.range == pytest.approx((250e-9, 2500e-9))
    lam = np.arange(1400, 2500, 1.0) * 1e-9
    index = model.nk(lam)
    energy = HC / lam
    slope = np.gradient(np.log(index.imag * energy), energy)
    assert np.all(slope > 1 / (BOLTZMANN * 300.0)), "emission dies out below the gap"
    assert np.all(slope[lam > 1.46e-6] == pytest.approx(slope[-2], rel=1e-2))
    # H. H. Li, J. Phys. Chem. Ref. Data 9, 561 (1980), doi:10.1063/1.555624: far from the rows, another source
    li = refractiveindex_page("main", "Si", "Li-293K").nk([1.5e-6, 2.0e-6, 2.5e-6]).real
    np.testing.assert_allclose(model.nk([1.5e-6, 2.0e-6, 2.5e-6]).real, li, atol=0.006)


def test_silicon_recombines_radiatively_as_measured() -> None:
    """B = 4.73e-15 cm^3/s at 300 K (T. Trupke et al., J. Appl. Phys. 94, 4930 (2003), doi:10.1063/1.1610231) with ni =
    9.65e9 cm^-3 (P. P. Altermatt et al., J. Appl. Phys. 93, 1598 (2003), doi:10.1063/1.1529297), from the absorption by
    van Roosbroeck and Shockley: it hangs on k between 1e-6 and 1e-5."""
    kt = BOLTZMANN * 300.0
    energy = np.arange(0.7, 1.5, 5e-4)
    index = optical("silicon").nk(HC / energy)
    alpha = 4 * np.pi * index.imag * energy / HC
    rate = 8 * np.pi * 299792458.0 / HC**3 * index.real**2 * alpha * energy**2 / np.expm1(energy / kt)
    coefficient = np.trapezoid(rate, energy) / (9.65e15) ** 2
    assert coefficient == pytest.approx(4.73e-21, rel=0.05)
