"""Light at an angle and on both sides, lasers and the power that arrives."""

from __future__ import annotations

import numpy as np
import pytest

from cells import faces, optical_cell, slab
from perotwin.constants import c, h
from perotwin.errors import InputError
from perotwin.optics import absorb
from perotwin.optics.films import films
from perotwin.units import ELEMENTARY_CHARGE as Q


def test_no_angle_is_the_default() -> None:
    cell = optical_cell()
    x = faces(cell)
    plain, stated = absorb(cell, x), absorb(cell.with_light(angle="0 deg"), x)
    assert np.array_equal(plain.generation, stated.generation)
    assert np.array_equal(plain.photon_flux, stated.photon_flux)


def test_a_beam_at_an_angle_is_what_the_films_take_of_it_times_its_cosine() -> None:
    cell = optical_cell()
    x = faces(cell)
    found = absorb(cell.with_light(angle="40 deg"), x)
    straight = absorb(cell, x)
    lit = films(cell).lit(found.wavelength, "front", sine=np.sin(np.radians(40.0)))
    np.testing.assert_allclose(found.reflectance, lit.reflectance, rtol=1e-12)
    np.testing.assert_allclose(found.photon_flux, np.cos(np.radians(40.0)) * straight.photon_flux, rtol=1e-12)
    absorber = found.layers.index("perovskite")
    assert found.generation.sum() == pytest.approx(lit.absorptance[absorber] @ found.photon_flux, rel=1e-9)
    assert all(one.passed for one in found.checks.values())


def test_both_sides_are_the_sum_of_the_two() -> None:
    cell = optical_cell()
    x = faces(cell)
    front, back = absorb(cell, x), absorb(cell.with_light(side="back", intensity="0.2 sun"), x)
    both = absorb(cell.with_light(other_side="0.2 sun"), x)
    np.testing.assert_allclose(both.generation, front.generation + back.generation, rtol=1e-12)
    np.testing.assert_allclose(both.photon_flux, 1.2 * front.photon_flux, rtol=1e-12)
    balance = both.reflectance + both.transmittance + both.absorptance.sum(axis=0)
    np.testing.assert_allclose(balance, 1.0, atol=1e-9)
    # fractions are of the photons of both
    taken = both.photon_flux @ both.spectral
    np.testing.assert_allclose(taken, both.generation, rtol=1e-9)


def test_both_sides_of_a_step_and_of_a_prescribed_rate() -> None:
    x = np.linspace(0, 500e-9, 11)
    law = (
        'generation = { kind = "beer-lambert", absorption_coefficient = "1e5 cm^-1", '
        'photon_flux = "1e17 cm^-2 s^-1" }'
    )
    for light in ('generation = "step"', law):
        cell = slab(1.6, light=light)
        one, other = (absorb(cell.with_light(side=side), x).generation for side in ("front", "back"))
        both = absorb(cell.with_light(other_side="0.3 sun"), x).generation
        np.testing.assert_allclose(both, one + 0.3 * other, rtol=1e-12)


def test_a_step_takes_the_cosine_and_a_prescribed_rate_refuses_an_angle() -> None:
    x = np.linspace(0, 500e-9, 11)
    cell = slab(1.6, light='generation = "step"')
    tilted = absorb(cell.with_light(angle="60 deg"), x)
    assert tilted.photocurrent == pytest.approx(0.5 * absorb(cell, x).photocurrent)
    law = slab(1.6, light='generation = { kind = "uniform", rate = "1e21 cm^-3 s^-1" }')
    with pytest.raises(InputError, match="nothing says what an angle changes"):
        absorb(law.with_light(angle="60 deg"), x)


@pytest.mark.parametrize("angle", ["0 deg", "50 deg"])
def test_a_sun_of_a_laser_is_the_current_of_the_sun(angle: str) -> None:
    cell = optical_cell().with_light(angle=angle)
    x = faces(cell)
    laser = absorb(cell.with_light(spectrum="532 nm"), x)
    assert laser.photocurrent == pytest.approx(absorb(cell, x).photocurrent, rel=1e-9)


def test_the_power_of_a_laser_is_its_photons() -> None:
    cell = optical_cell().with_light(
        spectrum={"kind": "monochromatic", "wavelength": "532 nm", "irradiance": "10 mW/cm^2"}
    )
    found = absorb(cell, faces(cell))
    photons = 100.0 * 532e-9 / (h * c)
    assert found.photon_flux == pytest.approx([photons])
    absorber = found.layers.index("perovskite")
    assert found.photocurrent == pytest.approx(Q * photons * found.absorptance[absorber, 0], rel=1e-9)


@pytest.mark.parametrize("spectrum", ["AM0", "AM1.5D", "5800 K"])
def test_other_suns_are_absorbed_by_the_same_response(spectrum: str) -> None:
    from perotwin.spectra import chosen

    cell = optical_cell().with_light(spectrum=spectrum, intensity="0.5 sun")
    found = absorb(cell, faces(cell))
    expected = 0.5 * chosen(cell.light.spectrum).weights(found.wavelength)
    np.testing.assert_allclose(found.photon_flux, expected, rtol=1e-12)


@pytest.mark.parametrize("light", [{"other_side": "0.2 sun"}, {"angle": "50 deg"}])
def test_columns_and_tandems_of_columns_take_such_light_too(light: dict[str, str]) -> None:
    """Columns whose wavelengths differ are put on one grid, where fractions are solved anew."""
    import perotwin as pt
    from columns import patchy
    from perotwin.transport.build import build

    for cell in (patchy(**{"bare.perovskite.thickness": "300 nm"}), pt.load("patchy-tandem")):
        front, found = build(cell), build(cell.with_light(**light))
        if "other_side" in light:
            back = build(cell.with_light(side="back"))
            np.testing.assert_allclose(
                found.generation, front.generation + 0.2 * back.generation, rtol=1e-9, atol=0.0
            )
        else:
            assert 0.5 < found.generation.sum() / front.generation.sum() < 0.75
        whole = found.absorption
        assert whole is not None
        balance = whole.reflectance + whole.transmittance + whole.absorptance.sum(axis=0)
        known = np.isfinite(balance)
        np.testing.assert_allclose(balance[known], 1.0, atol=1e-9)
        assert whole.photon_flux.sum() == pytest.approx(
            front.absorption.photon_flux.sum() * (1.2 if "other_side" in light else np.cos(np.radians(50.0))),
            rel=1e-6,
        )
