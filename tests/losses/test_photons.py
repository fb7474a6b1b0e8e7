"""Where photons go adds up, and what lies below the gap is told apart."""

import numpy as np
import pytest

import perotwin as pt
import synthetic_tandem
from perotwin import losses
from perotwin.constants import c, e, elementary_charge, h
from perotwin.measurement import describe


def box(edge: float = 700e-9, reflectance: float = 0.1) -> object:
    """A cell whose absorber takes all that is not reflected up to an edge (m), and a metal that takes the rest."""
    import xarray as xr

    wavelength = np.linspace(300e-9, 900e-9, 601)
    step = 1.0 / (1.0 + np.exp((wavelength - edge) / 0.5e-9))
    absorbed = np.array([(1 - reflectance) * step, (1 - reflectance) * (1 - step)])
    return describe(
        xr.Dataset(
            {
                "eqe": ("wavelength", 0.9 * absorbed[0]),
                "reflectance": ("wavelength", np.full(wavelength.size, reflectance)),
                "transmittance": ("wavelength", np.zeros(wavelength.size)),
                "absorptance": (("layer", "wavelength"), absorbed),
                "photon_flux": ("wavelength", np.full(wavelength.size, 1e18)),
            },
            coords={"wavelength": wavelength, "layer": ["perovskite", "ag"]},
            attrs={"instrument": "eqe", "stack": "box", "absorbers": "perovskite", "perotwin": "x"},
        )
    )


def test_photons_below_the_gap_are_not_reflected() -> None:
    found = losses.photons(pt.load("wbg-target"), box())
    assert found is not None
    assert found.edge == pytest.approx(700e-9, abs=0.5e-9)
    # 400 of the 600 nm lie above the gap, and a tenth of these is reflected
    above = elementary_charge * 1e18 * 400.5
    assert found.above == pytest.approx(above, rel=2e-3)
    assert found.reflected == pytest.approx(0.1 * above, rel=2e-3)
    assert found.layers["ag"] < 2e-3 * above
    assert found.below == pytest.approx(elementary_charge * 1e18 * 200.5, rel=5e-3)
    assert found.all == pytest.approx(elementary_charge * 1e18 * 601, rel=1e-12)
    assert found.collected[""] == pytest.approx(0.9 * found.layers["perovskite"], rel=1e-9)


def test_the_gap_of_a_tandem_is_that_of_its_last_absorber() -> None:
    found = losses.photons(pt.load("tandem-target"), synthetic_tandem.eqe())
    assert found is not None
    assert set(found.collected) == {"top", "bottom"}
    assert found.edge == pytest.approx(h * c / (e * found.gap))
    assert found.edge > 800e-9


def test_without_the_flux_nothing_is_told() -> None:
    assert losses.photons(pt.load("wbg-target"), box().drop_vars("photon_flux")) is None
