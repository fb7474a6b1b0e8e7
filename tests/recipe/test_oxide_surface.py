"""What a patch shows: holes in closed form, the partition against brute force, correlation lengths."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from perotwin.errors import InputError
from perotwin.recipe.oxide_surface import (
    ADDITIVE,
    BARE,
    PROBE,
    SAM,
    Oxide,
    Patch,
    _correlation_length,
    survey,
)

NM = 1e-9
BIG, SMALL = 1.129 * NM, 0.567 * NM


def patch_of(
    side: float,
    sam: NDArray | list,
    additive: NDArray | list = (),
    diameters: tuple[float, float] = (BIG, SMALL),
) -> Patch:
    """A patch of molecules at given places on oxide of one sort."""
    places = [np.asarray(sam, float).reshape(-1, 2), np.asarray(additive, float).reshape(-1, 2)]
    kind = np.repeat([SAM, ADDITIVE], [len(places[0]), len(places[1])]).astype(np.int8)
    oxide = Oxide(side, np.zeros((1, 2)), np.zeros(1, bool), np.zeros((8, 8), np.int32))
    return Patch(side, np.concatenate(places), kind, diameters, oxide, seed=0)


def square_lattice(spacing: float, count: int) -> tuple[float, NDArray]:
    """Side and places of a square lattice, shifted so that a row lies on the patch's edge."""
    line = np.arange(count) * spacing
    return count * spacing, np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def hexagonal_lattice(spacing: float, columns: int = 26, rows: int = 30) -> tuple[float, NDArray]:
    """A hexagonal lattice in a square; its rows are 0.07 % farther apart than in a perfect one, to fit."""
    side = columns * spacing
    row, column = np.divmod(np.arange(columns * rows), columns)
    return side, np.stack([(column + 0.5 * (row % 2)) * spacing, row * side / rows], axis=-1)


# --- holes ----------------------------------------------------------------------------------------


def test_a_perfect_hexagonal_lattice_leaves_nothing_bare() -> None:
    side, places = hexagonal_lattice(BIG)
    seen = survey(patch_of(side, places), pixel=0.05 * NM)
    assert seen.bare_fraction == 0.0
    assert seen.hole_diameters.size == 0
    assert seen.coverage == 1.0
    # The circle among three neighbours at a distance s is 2 s / sqrt 3 - d wide: it takes the probe from s = 1.469 nm.
    for spacing, open_ in ((1.465 * NM, False), (1.473 * NM, True)):
        side, places = hexagonal_lattice(spacing)
        seen = survey(patch_of(side, places), pixel=0.05 * NM)
        assert (seen.bare_fraction > 0.0) is open_, spacing


def test_a_missing_molecule_leaves_a_hole_of_its_own_size() -> None:
    side, places = hexagonal_lattice(BIG)
    gone = 400
    seen = survey(patch_of(side, np.delete(places, gone, axis=0)))
    assert seen.hole_diameters == pytest.approx([BIG], rel=2e-3)
    # three in a triangle: the circle in their middle touches the molecules 2 a / sqrt 3 away
    seen = survey(patch_of(side, np.delete(places, [gone, gone + 1, gone + 27], axis=0)))
    assert seen.hole_diameters == pytest.approx([4.0 / math.sqrt(3.0) * BIG - BIG], rel=2e-3)


@pytest.mark.parametrize("pixel", [0.2 * NM, 0.07 * NM])
def test_holes_of_a_square_lattice_are_known_exactly(pixel: float) -> None:
    spacing, count = 1.3 * NM, 12
    side, places = square_lattice(spacing, count)
    seen = survey(patch_of(side, places), pixel)
    assert seen.hole_diameters.size == count**2
    assert seen.hole_diameters == pytest.approx(np.full(count**2, math.sqrt(2.0) * spacing - BIG), rel=1e-9)


def test_the_bare_area_of_a_square_lattice_is_known_exactly() -> None:
    """Between four molecules the probe's centre reaches a square with four concave sides; the probe covers that and a
    rim: strips along the molecules' edges and a sector of itself at each corner."""
    spacing, count = 1.3 * NM, 12
    side, places = square_lattice(spacing, count)
    r, probe = BIG / 2.0, PROBE / 2.0
    reach, half = r + probe, spacing / 2.0
    corner = math.sqrt(
        reach**2 - half**2
    )  # distance of a corner of the reached region from the edge of the cell
    diagonal = 2.0 * (half - corner)
    arc = math.acos(half / reach)
    arc = math.pi / 2.0 - 2.0 * arc  # angle of each concave side as its molecule sees it
    chord_segment = 0.5 * reach**2 * (arc - math.sin(arc))
    reached = 0.5 * diagonal**2 - 4.0 * chord_segment
    strips = 4.0 * 0.5 * arc * (reach**2 - r**2)
    turn = (
        2.0 * math.pi + 4.0 * arc
    )  # concave sides turn the wrong way, so corners turn by more than a full circle
    expected = (reached + strips + 0.5 * probe**2 * turn) / spacing**2
    # rasters that do not fit the lattice, so that cells are sampled at different points
    fine, finer = (survey(patch_of(side, places), side / pixels).bare_fraction for pixels in (311, 769))
    assert fine == pytest.approx(expected, rel=4e-3)
    assert finer == pytest.approx(expected, rel=1e-3)
    # A probe that were taken for its radius would miss by far.
    assert survey(patch_of(side, places), 0.05 * NM, probe=PROBE * 0.8).bare_fraction > 1.1 * expected


def test_a_circle_between_unequal_discs_is_that_of_descartes() -> None:
    """Three discs that touch each other enclose a circle of curvature a + b + c + 2 sqrt(ab + bc + ca)."""
    r, s, side = BIG / 2.0, SMALL / 2.0, 10.0 * NM
    height = math.sqrt((r + s) ** 2 - r**2)
    for x, y in ((3.0, 4.0), (9.7, 9.9)):  # also across the patch's corner
        sam = np.array([[x * NM - r, y * NM], [x * NM + r, y * NM]]) % side
        additive = np.array([[x * NM, y * NM + height]]) % side
        seen = survey(patch_of(side, sam, additive), pixel=0.02 * NM, probe=0.08 * NM)
        a, b = 1.0 / r, 1.0 / s
        inner = 1.0 / (2.0 * a + b + 2.0 * math.sqrt(a * a + 2.0 * a * b))
        assert seen.hole_diameters.size == 2
        assert seen.hole_diameters.min() == pytest.approx(2.0 * inner, rel=1e-8)


def test_the_largest_circle_around_one_lone_molecule_touches_its_four_images() -> None:
    side = 12.0 * NM
    seen = survey(patch_of(side, [[1.0 * NM, 11.5 * NM]]))
    assert seen.hole_diameters == pytest.approx([math.sqrt(2.0) * side - BIG], rel=1e-9)


def test_an_empty_patch_is_one_hole() -> None:
    seen = survey(patch_of(10.0 * NM, []))
    assert (seen.bare_fraction, seen.coverage, seen.compensated) == (1.0, 0.0, 0.0)
    assert seen.hole_diameters == pytest.approx([10.0 * NM])
    assert seen.holes.shape == (1, 3)
    assert math.isnan(seen.patch_size)


# --- the partition --------------------------------------------------------------------------------


def random_patch(seed: int, side: float = 12.0 * NM) -> Patch:
    """Molecules of both kinds at random without overlap."""
    random = np.random.default_rng(seed)
    places: list[list[NDArray]] = [[], []]
    for kind, tries in ((SAM, 300), (ADDITIVE, 120)):
        for _ in range(tries):
            point = random.uniform(0.0, side, 2)
            radius = (BIG, SMALL)[kind] / 2.0
            taken = [(p, (BIG, SMALL)[k] / 2.0) for k in (SAM, ADDITIVE) for p in places[k]]
            if all(np.hypot(*_nearest(point - p, side)) >= radius + r for p, r in taken):
                places[kind].append(point)
    return patch_of(side, places[SAM], places[ADDITIVE])


def _nearest(difference: NDArray, side: float) -> NDArray:
    return difference - side * np.round(difference / side)


def edges(points: NDArray, patch: Patch) -> NDArray:
    """(2, P): distance of points from the nearest edge of a molecule of each kind."""
    found = []
    for kind in (SAM, ADDITIVE):
        tree = cKDTree(patch.positions[patch.kind == kind], boxsize=patch.side)
        found.append(tree.query(points)[0] - patch.diameters[kind] / 2.0)
    return np.array(found)


def raster(side: float, pixels: int) -> NDArray:
    """(P^2, 2): the middles of the pixels, rows of constant y after each other."""
    middle = (np.arange(pixels) + 0.5) * side / pixels
    return np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(2))
def test_the_partition_agrees_with_brute_force(seed: int) -> None:
    """Probes are put down on a fine grid, all of them; what one of them covers is bare."""
    patch = random_patch(seed)
    assert patch.number(SAM) > 40
    assert patch.number(ADDITIVE) > 10
    shown = patch.map(0.1 * NM)
    points, centres = raster(patch.side, shown.shape[0]), raster(patch.side, 900)
    nearest = np.argmin(edges(points, patch), axis=0).reshape(shown.shape) + 1
    clearance = edges(centres, patch).min(axis=0)
    bare = shown == BARE

    def covered(slack: float) -> NDArray:
        """What probes cover that may overlap molecules by `slack` and are this much larger."""
        put = cKDTree(centres[clearance >= PROBE / 2.0 - slack], boxsize=patch.side)
        return (put.query(points)[0] <= PROBE / 2.0 + slack).reshape(shown.shape)

    # Every place for a probe has a point of the grid within 0.7 of its spacing: what is bare lies between the two.
    least, most = covered(0.0), covered(0.71 * patch.side / 900)
    assert 0.02 < least.mean() < most.mean() < least.mean() + 0.06 < 0.6
    assert not np.any(least & ~bare)
    assert not np.any(bare & ~most)
    assert np.array_equal(shown[~bare], nearest[~bare])


@pytest.mark.parametrize("seed", range(2))
def test_holes_agree_with_the_peaks_of_the_distance_from_the_molecules(seed: int) -> None:
    patch = random_patch(seed)
    pixels = 600
    fine = patch.side / pixels
    depth = edges(raster(patch.side, pixels), patch).min(axis=0).reshape(pixels, pixels)
    peaks = depth == maximum_filter(depth, size=9, mode="wrap")
    for x, y, diameter in patch.surface.holes:
        row, column = int(y / fine), int(x / fine)
        assert depth[row, column] == pytest.approx(diameter / 2.0, abs=fine)
        rows, columns = (np.arange(at - 2, at + 3) for at in (row, column))
        here = depth.take(rows, axis=0, mode="wrap").take(columns, axis=1, mode="wrap")
        assert here.max() <= diameter / 2.0 * (1.0 + 1e-9)  # no more room in the neighbourhood
    # from every peak of the raster the climb ends in a circle found, or in one that a larger one of them overlaps
    x, y, diameter = patch.surface.holes.T
    for row, column in np.argwhere(peaks & (depth > PROBE / 2.0)):
        top, room = climb(np.array([column + 0.5, row + 0.5]) * fine, patch, fine)
        away = np.hypot(_nearest(x - top[0], patch.side), _nearest(y - top[1], patch.side))
        assert np.any((away < diameter / 2.0 + room) & (diameter >= 2.0 * room * (1.0 - 1e-6)))


def climb(place: NDArray, patch: Patch, step: float) -> tuple[NDArray, float]:
    """Where small random moves away from the molecules end, and the distance from the nearest edge there."""
    random = np.random.default_rng(0)
    best = edges(place[None], patch).min()
    while step > 1e-17:
        tried = place + random.normal(size=(100, 2)) * step
        room = edges(tried, patch).min(axis=0)
        if room.max() > best:
            place, best = tried[room.argmax()], room.max()
        else:
            step *= 0.7
    return place, float(best)


def test_holes_do_not_depend_on_the_raster() -> None:
    coarse, fine = (survey(random_patch(2), pixel).holes for pixel in (0.2 * NM, 0.03 * NM))
    assert coarse.shape == fine.shape
    assert coarse == pytest.approx(fine, rel=1e-9)


def test_the_shares_add_up_to_one_and_are_those_of_the_map() -> None:
    seen = random_patch(1).surface
    assert seen.coverage + seen.compensated + seen.bare_fraction == pytest.approx(1.0, abs=1e-15)
    for share, value in ((seen.bare_fraction, 0), (seen.coverage, 1), (seen.compensated, 2)):
        assert share == np.mean(seen.map == value)
        assert share > 0.01


def test_a_patch_moved_across_its_edges_shows_the_same() -> None:
    patch = random_patch(2)
    shift = 35
    by = shift * patch.side / 120
    moved = patch_of(
        patch.side,
        (patch.positions[patch.kind == SAM] + [by, 0.0]) % patch.side,
        (patch.positions[patch.kind == ADDITIVE] + [by, 0.0]) % patch.side,
    )
    here, there = patch.map(0.1 * NM), moved.map(0.1 * NM)
    assert (
        np.mean(np.roll(here, shift, axis=1) != there) < 1e-3
    )  # but for points on an edge, where rounding decides
    assert np.mean(np.roll(here, shift, axis=0) != there) > 0.1
    assert np.sort(survey(moved).hole_diameters) == pytest.approx(np.sort(patch.hole_diameters), rel=1e-9)


def test_rows_of_the_map_are_y() -> None:
    patch = patch_of(10.0 * NM, [[2.05 * NM, 7.05 * NM]])
    shown = patch.map(0.1 * NM)
    assert shown[70, 20] == SAM + 1
    assert shown[20, 70] == BARE


# --- correlation length ---------------------------------------------------------------------------


def test_the_correlation_length_of_random_discs_is_that_of_the_boolean_model() -> None:
    """Discs of radius R at random, with overlaps: the free area has the covariance q^2 (exp(n A(r)) - 1), q its share,
    n the discs per area and A the area that two discs at a distance r have in common (Matheron)."""
    cells, radius, number = 1200, 20.0, 700
    random = np.random.default_rng(3)
    mask = np.ones((cells, cells), bool)
    grid = np.arange(cells)
    for x, y in random.uniform(0, cells, (number, 2)):
        dx, dy = _nearest(grid - x, cells), _nearest(grid - y, cells)
        mask[np.ix_(np.abs(dy) <= radius, np.abs(dx) <= radius)] &= (
            np.add.outer(dy[np.abs(dy) <= radius] ** 2, dx[np.abs(dx) <= radius] ** 2) > radius**2
        )
    density = number / cells**2
    r = np.linspace(0.0, 2.0 * radius, 4001)
    common = 2.0 * radius**2 * np.arccos(r / (2.0 * radius)) - 0.5 * r * np.sqrt(4.0 * radius**2 - r**2)
    covariance = np.expm1(density * common) / math.expm1(density * math.pi * radius**2)
    expected = float(np.interp(-1.0 / math.e, -covariance, r))
    assert _correlation_length(mask, 1.0) == pytest.approx(expected, rel=0.04)
    assert _correlation_length(mask, 0.5) == pytest.approx(0.5 * expected, rel=0.04)
    shuffled = random.permuted(mask.ravel()).reshape(mask.shape)
    assert _correlation_length(shuffled, 1.0) < 1.0


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pixel, probe", [(0.0, PROBE), (0.2 * NM, -PROBE), (math.nan, PROBE), (0.2 * NM, 8.0 * NM)]
)
def test_what_cannot_be_asked_of_a_patch_is_refused(pixel: float, probe: float) -> None:
    with pytest.raises(InputError, match="patch"):
        survey(random_patch(0), pixel, probe)
