"""Grains: cells of random points against what is known of them, bricks that can be counted, dark spots and banners."""

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.lab import film_texture, grains


def cells(seed: int, count: int = 400, pixels: int = 400) -> np.ndarray:
    """Labels of a window on Poisson-Voronoi cells of `count` per window."""
    random = np.random.default_rng(seed)
    # a window of an endless surface: nuclei reach beyond it
    number = random.poisson(count * 1.44)
    from scipy.spatial import cKDTree

    nuclei = random.uniform(-0.1, 1.1, (number, 2))
    place = (np.arange(pixels) + 0.5) / pixels
    where = np.stack(np.meshgrid(place, place, indexing="ij"), axis=-1).reshape(-1, 2)
    return cKDTree(nuclei).query(where)[1].reshape(pixels, pixels) + 1


def test_random_cells_have_their_known_sizes() -> None:
    """Area 1/n, spread over mean 0.53, mean intercept 0.785 / sqrt(n)."""
    found = [grains.statistics(cells(seed), (1 / 400, 1 / 400)) for seed in range(8)]
    assert np.mean([one.area for one in found]) == pytest.approx(1 / 400, rel=0.03)
    assert np.mean([one.spread for one in found]) == pytest.approx(0.53, abs=0.025)
    assert np.mean([one.intercept for one in found]) == pytest.approx(0.785 / 20.0, rel=0.02)


def test_leaving_out_what_the_border_cuts_without_weights_makes_grains_small() -> None:
    found = [grains.statistics(cells(seed, count=30, pixels=150), (1.0, 1.0)) for seed in range(40)]
    plain = np.mean([one.areas.mean() for one in found])
    weighted = np.mean([one.area for one in found])
    truth = 150**2 / 30
    assert weighted == pytest.approx(truth, rel=0.06)
    assert plain < 0.95 * truth


def test_intervals_of_the_sizes_hold_the_truth_as_often_as_they_say() -> None:
    area = across = by_spread = 0
    for seed in range(200):
        one = grains.statistics(cells(seed, count=150, pixels=160), (1 / 160, 1 / 160))
        area += abs(one.area - 1 / 150) <= one.area_error
        by_spread += abs(one.area - 1 / 150) <= one.spread * one.area / one.number**0.5
        across += abs(one.intercept - 0.7854 / np.sqrt(150.0)) <= one.intercept_error
    assert 116 <= area <= 156
    assert 116 <= across <= 156
    assert by_spread < 110  # as if areas were independent of one another


def test_bricks_are_counted_as_they_are() -> None:
    y, x = np.mgrid[:100, :100]
    labels = (y // 10) * 10 + x // 10 + 1
    found = grains.statistics(labels, (2.0, 2.0))
    assert found.number == 64
    assert found.area == pytest.approx(400.0)
    assert found.spread == pytest.approx(0.0, abs=1e-12)
    # 100 pixels of 2 over the nine edges that a line crosses
    assert found.intercept == pytest.approx(200.0 / 9.0)


def test_what_is_no_grain_takes_no_length() -> None:
    labels = np.ones((40, 40), int)
    labels[:, 20:] = 2
    labels[:, 18:22] = 0
    across, _ = grains.intercept(labels[:, :], (1.0, 1.0))
    # along x: 36 on grains over one grain (two halves); along y: 36 lines of 40 over one (two ends of it)
    assert across == pytest.approx((36.0 * 40 + 36 * 40) / (40.0 + 0.0 * 36), rel=1e-12)


@pytest.mark.parametrize("diameter", [200e-9, 300e-9, 600e-9])
@pytest.mark.parametrize("grooves", [False, True])
def test_drawn_grains_are_found_again(diameter: float, grooves: bool) -> None:
    random = np.random.default_rng(3)
    made = film_texture.cells(5e-6, 512, diameter, random)
    image = film_texture.shades(made, diameter, random) + 0.04 * random.standard_normal((512, 512))
    truth = grains.statistics(made.grain + 1, (1.0, 1.0))
    found = grains.segment(image, grooves=grooves)
    sizes, words = grains.judged(image, found, (1.0, 1.0))
    assert sizes.area == pytest.approx(truth.area, rel=0.12)
    assert sizes.intercept == pytest.approx(truth.intercept, rel=0.12)
    assert abs(sizes.intercept - truth.intercept) < 2.0 * sizes.intercept_error
    assert "smoothed over" in found.words and "no plateau" not in words


def test_an_image_without_grains_of_its_own_is_said_to_follow_the_smoothing() -> None:
    noise = np.random.default_rng(1).standard_normal((200, 200))
    found = grains.segment(noise, smoothing=4.0)
    sizes, words = grains.judged(noise, found, (1.0, 1.0))
    assert "no plateau" in words
    assert sizes.area_error > 0.3 * sizes.area


def test_dark_spots_are_counted_and_lines_between_grains_are_none() -> None:
    random = np.random.default_rng(2)
    made = film_texture.cells(5e-6, 400, 500e-9, random)
    image = film_texture.shades(made, 500e-9, random) + 0.03 * random.standard_normal((400, 400))
    assert not grains.pinholes(image)[0].any()
    y, x = np.mgrid[:400, :400]
    for row, column in ((60, 80), (200, 300), (333, 111)):
        image[(y - row) ** 2 + (x - column) ** 2 < 12**2] = 0.05
    where, spread, words = grains.pinholes(image)
    from scipy import ndimage

    assert ndimage.label(where)[1] == 3
    assert where.mean() == pytest.approx(3 * np.pi * 144 / 400**2, rel=0.15)
    assert spread < 0.2 * where.mean()
    assert "darker than the median" in words


@pytest.mark.parametrize("rows", [0, 40])
def test_a_banner_is_seen_and_nothing_else_is(rows: int) -> None:
    random = np.random.default_rng(4)
    image = np.rint(120.0 + 20.0 * random.standard_normal((300, 400)))
    if rows:
        image[-rows:] = 255.0
        image[-rows + 8 : -8, 40:200] = np.where(random.random((rows - 16, 160)) < 0.3, 0.0, 255.0)
    assert grains.cut_banner(image) == 300 - rows


def test_images_that_show_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="no grains"):
        grains.segment(np.ones((50, 50)))
    with pytest.raises(InputError, match="at least 16"):
        grains.segment(np.zeros((4, 50)))
    holed = np.random.default_rng(1).random((50, 50))
    holed[3, 4] = np.nan
    with pytest.raises(InputError, match="Crop"):
        grains.segment(holed)


def test_without_its_library_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(InputError, match=r"perotwin\[image\]"):
        grains.segment(np.random.default_rng(1).random((50, 50)))
