"""The size of a molecule: the smallest circle is really the smallest, and size does not depend on how it lies."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perotwin.errors import InputError
from perotwin.recipe.molecule_size import ELEMENTS, enclosing_circle, principal_axes, size

coordinate = st.floats(-5.0, 5.0).map(lambda value: round(value, 3))
discs = st.lists(
    st.tuples(coordinate, coordinate, st.floats(0.0, 2.0).map(lambda value: round(value, 3))),
    min_size=1,
    max_size=14,
)


@given(discs)
@settings(max_examples=150, deadline=None)
def test_the_circle_holds_every_disc_and_no_smaller_one_does(given_discs) -> None:
    points, radii = np.array([one[:2] for one in given_discs]), np.array([one[2] for one in given_discs])
    centre, radius = enclosing_circle(points, radii)
    assert (np.hypot(*(points - centre).T) + radii).max() <= radius + 1e-9
    # the reach is a convex function of the centre, so no step in any direction may lower it
    for step in (1e-3, 1e-5):
        for angle in np.linspace(0.0, 2 * math.pi, 24, endpoint=False):
            moved = centre + step * np.array([math.cos(angle), math.sin(angle)])
            assert (np.hypot(*(points - moved).T) + radii).max() >= radius - 1e-9


@pytest.mark.parametrize(
    ("points", "radii", "radius"),
    [
        ([(0, 0)], [1.7], 1.7),
        ([(0, 0), (3, 4)], [0, 0], 2.5),
        ([(0, 0), (3, 4)], [1, 2], 4.0),
        ([(0, 0), (0.5, 0)], [3, 1], 3.0),  # one disc inside another
        ([(0, 0), (1, 0), (0.5, math.sqrt(3) / 2)], [0, 0, 0], 1 / math.sqrt(3)),
        ([(0, 0), (1, 0), (0.5, math.sqrt(3) / 2)], [0.5, 0.5, 0.5], 0.5 + 1 / math.sqrt(3)),
        ([(0, 0), (1, 0), (2, 0)], [0, 0, 0], 1.0),  # on one line
        ([(1, 1), (1, 1), (1, 1)], [0, 0, 0], 0.0),
    ],
)
def test_circles_that_one_can_draw(points, radii, radius: float) -> None:
    assert enclosing_circle(np.array(points, float), np.array(radii, float))[1] == pytest.approx(
        radius, abs=1e-12
    )


def test_two_atoms() -> None:
    numbers, positions = [7, 7], np.array([[0.0, 0.0, -0.55e-10], [0.0, 0.0, 0.55e-10]])
    found = size(numbers, positions)
    radius = ELEMENTS[7][1]
    assert found.nuclear_diameter == pytest.approx(0.0, abs=1e-22)
    assert found.diameter == pytest.approx(2 * radius)
    assert found.length == pytest.approx(1.1e-10 + 2 * radius)
    assert found.nuclear_length == pytest.approx(1.1e-10)
    assert found.footprint == pytest.approx((2 * radius) ** 2)


def test_a_benzene_ring_is_as_long_as_wide() -> None:
    turn = np.arange(6) * math.pi / 3
    ring = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn])
    found = size([6] * 6 + [1] * 6, np.vstack([1.39e-10 * ring, 2.48e-10 * ring]))
    # seen along its long axis a flat ring shows its edge: as wide as the ring, as thick as a carbon atom
    assert found.nuclear_diameter == pytest.approx(4.96e-10, rel=0.15)
    assert found.footprint == pytest.approx(found.diameter * 2 * ELEMENTS[6][1], rel=0.1)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_size_does_not_depend_on_place_turn_or_mirror(seed: int) -> None:
    draw = np.random.default_rng(seed)
    numbers = draw.choice([1, 6, 7, 8, 15], 12)
    positions = draw.normal(size=(12, 3)) * np.array([4e-10, 1.5e-10, 1e-10])
    turn, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    one, other = size(numbers, positions), size(numbers, positions @ turn + draw.normal(size=3) * 1e-9)
    for name in ("nuclear_diameter", "diameter", "footprint", "length"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-6)


def test_the_long_axis_comes_first() -> None:
    positions = np.array([[0.0, 3.0, 0.0], [0.0, -3.0, 0.0], [1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]) * 1e-10
    axes = principal_axes([6, 6, 6, 6], positions)
    assert abs(axes[0, 1]) == pytest.approx(1.0)
    assert axes @ axes.T == pytest.approx(np.eye(3))


def test_an_element_without_a_radius_is_refused() -> None:
    with pytest.raises(InputError, match="atomic number 82"):
        size([82, 53], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3e-10]]))
