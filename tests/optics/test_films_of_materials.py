"""A film of each material of the library: no light is lost or made, at any wavelength of its range."""

import numpy as np
import pytest

from perotwin.materials import names, optical
from perotwin.optics import solve

#: Bandgaps (eV) at which the halide perovskite is tried.
GAPS = (1.25, 1.6, 1.79)
CASES = [(name, 1.6) for name in names() if name != "halide-perovskite"]
CASES += [("halide-perovskite", gap) for gap in GAPS]


@pytest.mark.parametrize("name, gap", CASES)
@pytest.mark.parametrize("thickness", [5e-9, 100e-9])
def test_reflected_transmitted_and_absorbed_light_of_a_film_on_glass_adds_up(
    name: str, gap: float, thickness: float
) -> None:
    model = optical(name, bandgap=gap)
    low, high = model.range
    lam = np.linspace(max(low, 310e-9), min(high, 2.5e-6), 400)
    index = np.ones((4, lam.size), complex)
    index[1] = model.nk(lam)
    index[2] = optical("glass").nk(lam)
    assert np.all(np.isfinite(index)) and np.all(index.real > 0) and np.all(index.imag >= 0)
    found = solve(index, np.array([thickness, 1e-3]), lam, coherent=np.array([True, False]))
    parts = np.stack([found.reflectance, found.transmittance, *found.absorptance])
    assert np.all(parts > -1e-12) and np.all(parts < 1 + 1e-12)
    np.testing.assert_allclose(parts.sum(axis=0), 1.0, atol=1e-12)
    # from the Poynting vector at the faces, not by subtraction: what the film absorbs is one minus the rest
    inside = found.absorbed(0, np.linspace(0.0, thickness, 12)).sum(axis=0)
    np.testing.assert_allclose(inside, found.absorptance[0], rtol=1e-9, atol=1e-13)
