"""Spectra and their exact integrals."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.materials import HC
from perotwin.spectra import Spectrum, am15g, from_file

Q = 1.602176634e-19


def test_the_standard_sun() -> None:
    sun = am15g()
    assert sun.irradiance == pytest.approx(1000.37, abs=0.01)
    assert sun.wavelength[[0, -1]] == pytest.approx([280e-9, 4000e-9])


@pytest.mark.parametrize("gap, current", [(1.79, 19.906), (1.25, 37.575)])
def test_photons_above_a_gap(gap: float, current: float) -> None:
    """Linear between the table's rows, cut at the exact edge."""
    assert Q * am15g().photon_flux(0.0, HC / gap) / 10 == pytest.approx(current, abs=5e-4)


def test_parts_add_up() -> None:
    sun = am15g()
    cut = [280e-9, 333.3e-9, 700.05e-9, 1234.5e-9, 4000e-9]
    parts = [sun.photon_flux(a, b) for a, b in pairwise(cut)]
    assert sum(parts) == pytest.approx(sun.photon_flux(), rel=1e-13)
    assert sun.photon_flux(500e-9, 400e-9) == 0.0


def test_weights_integrate_flux_times_a_piecewise_linear_response_exactly() -> None:
    sun = am15g()
    rng = np.random.default_rng(1)
    grid = np.sort(rng.uniform(300e-9, 1100e-9, 40))
    response = rng.random(40)
    fine = np.union1d(np.linspace(grid[0], grid[-1], 400_001), sun.wavelength)
    fine = fine[(fine >= grid[0]) & (fine <= grid[-1])]
    product = np.interp(fine, grid, response) * np.interp(fine, sun.wavelength, sun.photon_flux_density)
    assert sun.weights(grid) @ response == pytest.approx(np.trapezoid(product, fine), rel=1e-8)
    assert sun.weights(grid).sum() == pytest.approx(sun.photon_flux(grid[0], grid[-1]), rel=1e-13)


def test_weights_beyond_the_spectrum_are_zero() -> None:
    lamp = Spectrum("lamp", np.array([500e-9, 600e-9]), np.array([1e27, 1e27]))
    weights = lamp.weights(np.array([300e-9, 400e-9, 550e-9, 700e-9, 800e-9]))
    assert weights.sum() == pytest.approx(1e20)
    assert weights[0] == weights[-1] == 0.0


def test_a_spectrum_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lamp.csv"
    path.write_text("wavelength (nm), irradiance (W/m2/nm)\n400, 1.0\n800, 1.0\n600, 1.0\n")
    lamp = from_file(path)
    assert lamp.irradiance == pytest.approx(400.0)
    # W m^-2 nm^-1 over h c / lambda
    assert np.interp(600e-9, lamp.wavelength, lamp.photon_flux_density) == pytest.approx(
        1e9 * 600e-9 / (HC * Q)
    )


def test_bad_spectra_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lamp.csv"
    path.write_text("400, 1.0\n500, -0.1\n")
    with pytest.raises(InputError, match="negative irradiance"):
        from_file(path)
    path.write_text("400\n500\n")
    with pytest.raises(InputError, match="no row of numbers"):
        from_file(path)
    path.write_text("400, 0\n500, 0\n")
    with pytest.raises(InputError, match="dark"):
        from_file(path)


def test_a_spectrum_with_a_gap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lamp.csv"
    rows = [*range(300, 500, 5), *range(700, 1000, 5)]
    path.write_text("".join(f"{row},1.0\n" for row in rows))
    with pytest.raises(InputError, match="gap: no row between 495 nm and 700 nm") as caught:
        from_file(path)
    assert caught.value.file == str(path)
