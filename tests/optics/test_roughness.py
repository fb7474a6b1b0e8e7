"""Rough faces: mixtures, conformal growth, caps, and where the light of a mixed zone counts."""

import numpy as np
import pytest

from cells import cell, layer, optical_cell
from perotwin.optics import absorb
from perotwin.optics.films import films
from perotwin.optics.roughness import Zone, bruggeman, shares, zones
from perotwin.stack import Stack

PAIRS = [(4.0 + 0j, 2.25 + 0j), (6.0 + 0.8j, 4.0 + 0.01j), (-18.0 + 0.5j, 3.6 + 0j), (-2.0 + 0.3j, 6.0 + 2j)]


@pytest.mark.parametrize("first, second", PAIRS)
@pytest.mark.parametrize("fraction", [0.0, 0.1, 1 / 3, 0.5, 0.9, 1.0])
def test_bruggeman_solves_its_equation_and_is_passive(
    first: complex, second: complex, fraction: float
) -> None:
    a, b = np.array([first]), np.array([second])
    mixed = bruggeman(a, b, fraction)
    residual = (1 - fraction) * (a - mixed) / (a + 2 * mixed) + fraction * (b - mixed) / (b + 2 * mixed)
    assert abs(residual[0]) < 1e-12
    assert mixed.imag[0] >= 0
    if fraction in (0.0, 1.0):
        assert mixed[0] == pytest.approx(first if fraction == 0 else second)
    one, two = shares(a, b, mixed, fraction)
    assert one + two == pytest.approx(1.0) and 0 <= one[0] <= 1


def of(stack: Stack) -> tuple[tuple[Zone, ...], tuple[str, ...]]:
    return zones(stack, films(stack).film)


def rough(rms: str, thickness: str = "450 nm") -> Stack:
    faces = f'[interface."perovskite|c60"]\nroughness = "{rms}"\n' if rms else ""
    return optical_cell(thickness=thickness, faces=faces)


def test_films_above_a_rough_one_are_rough_too() -> None:
    found, _ = of(rough("3 nm"))
    assert [zone.face for zone in found] == [4, 5, 6], "perovskite|c60, c60|ag and the outer face"
    assert all(zone.width == pytest.approx(12**0.5 * 3e-9) for zone in found)


def test_without_a_statement_faces_are_flat() -> None:
    assert of(rough("")) == ((), ())


def test_a_stated_face_ends_the_inheritance() -> None:
    stack = optical_cell(
        faces='[interface."perovskite|c60"]\nroughness = "3 nm"\n[interface."c60|ag"]\nroughness = "0 nm"\n'
    )
    assert [zone.face for zone in of(stack)[0]] == [4]


def test_growth_starts_at_the_substrate() -> None:
    """With the substrate behind, the layers nearer to the light lie on top."""
    stack = rough("3 nm").mirrored()
    assert [zone.face for zone in of(stack)[0]] == [0, 1, 2]


def test_a_zone_is_capped_at_the_thinner_neighbour_and_says_so() -> None:
    found, notes = of(rough("20.4 nm"))
    assert found[0].width == pytest.approx(30e-9) and found[0].capped
    assert "20.4 nm was capped" in notes[0] and "perovskite|c60 (cut to 30 nm" in notes[0]
    assert of(rough("3 nm"))[1] == ()


def test_films_keep_their_thickness() -> None:
    for rms in ("", "3 nm", "20.4 nm"):
        optical = films(rough(rms))
        total = sum(piece.thickness for piece in optical.slices)
        outside = sum(zone.width / 2 for zone in of(rough(rms))[0] if zone.face == 6)
        assert total - outside == pytest.approx(optical.thickness.sum(), rel=1e-12)


def test_generation_stays_inside_the_absorber_and_adds_up() -> None:
    stack = rough("20.4 nm")
    x = np.concatenate([np.linspace(0, 15e-9, 5), np.linspace(15e-9, 465e-9, 181)[1:], [495e-9]])
    found = absorb(stack, x)
    assert all(row.passed for row in found.checks.values()), found.checks
    assert found.generation[-1] == 0.0 and found.generation[0] == 0.0
    rate = found.generation[4:-1] / np.diff(x)[4:-1]
    # no step where the mixed zone begins, 15 nm before the face
    assert np.max(np.abs(np.diff(np.log(rate[-20:])))) < 0.1


def test_roughness_of_nothing_changes_nothing() -> None:
    """There is no face between equal materials that could be rough."""
    halves = (
        layer("one", "absorber", "halide-perovskite", "200 nm", gap=1.7),
        layer("two", "absorber", "halide-perovskite", "250 nm", gap=1.7),
        layer("ag", "electrode", "ag", "100 nm"),
    )
    x = np.linspace(0, 450e-9, 46)
    end = '[interface."two|ag"]\nroughness = "0 nm"\n'
    flat = absorb(cell(*halves), x)
    bumpy = absorb(cell(*halves, faces='[interface."one|two"]\nroughness = "10 nm"\n' + end), x)
    np.testing.assert_allclose(bumpy.reflectance, flat.reflectance, atol=1e-12)
    assert bumpy.photocurrent == pytest.approx(flat.photocurrent, rel=1e-10)
    np.testing.assert_allclose(bumpy.generation, flat.generation, rtol=1e-10)


def test_the_limit_of_small_roughness_is_flat() -> None:
    x = np.array([0.0, 15e-9, 465e-9, 495e-9])
    flat = absorb(rough(""), x).photocurrent
    small = absorb(rough("0.05 nm"), x).photocurrent
    assert small == pytest.approx(flat, rel=1e-3)
