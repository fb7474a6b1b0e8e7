"""Roughness: closed formulas, what each levelling takes out, and intervals that hold the truth as often as they say."""

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.lab import levelling


def sine(amplitude: float = 3.0, periods: int = 5, pixels: int = 200) -> np.ndarray:
    x = (np.arange(pixels) + 0.5) / pixels
    return np.tile(amplitude * np.sin(2.0 * np.pi * periods * x), (pixels, 1))


def field(seed: int, pixels: int = 96, length: float = 3.0) -> np.ndarray:
    """A Gaussian surface of root mean square 1 whose correlation falls as a Gaussian of a length in pixels."""
    k = np.fft.fftfreq(pixels)
    filter_ = np.exp(-((np.pi * length) ** 2) * (k[:, None] ** 2 + k[None, :] ** 2))
    filter_ *= pixels / np.sqrt(np.sum(filter_**2))
    noise = np.random.default_rng(seed).standard_normal((pixels, pixels))
    return np.fft.ifft2(np.fft.fft2(noise) * filter_).real


def test_a_sine_has_the_roughness_of_the_formula() -> None:
    """Sq = A / sqrt 2, Sa = 2 A / pi, Sz = 2 A."""
    found = levelling.roughness(sine(3.0, pixels=1000), (1.0, 1.0))
    assert found.sq == pytest.approx(3.0 / np.sqrt(2.0), rel=1e-10)
    assert found.sa == pytest.approx(6.0 / np.pi, rel=1e-3)
    assert found.sz == pytest.approx(6.0, rel=1e-2)


def test_a_plane_takes_out_a_tilt_and_no_more() -> None:
    y, x = np.mgrid[:200, :200] / 200.0
    rough = field(1, 200)
    tilted = rough + 400.0 * x - 90.0 * y + 12.0
    np.testing.assert_allclose(levelling.plane(tilted), levelling.plane(rough), atol=1e-9)
    assert abs(levelling.plane(rough).std() - rough.std()) < 0.02
    # a bow is left by a plane, and taken out by a parabola
    bow = rough + 50.0 * (x - 0.3) ** 2
    assert levelling.plane(bow).std() > 2.0
    np.testing.assert_allclose(levelling.polynomial(bow, 2), levelling.polynomial(rough, 2), atol=1e-9)


def test_lines_take_out_drift_and_real_waves_across_them() -> None:
    drift = 5.0 * np.random.default_rng(2).standard_normal((200, 1))
    assert levelling.lines(sine() + drift) == pytest.approx(levelling.lines(sine()), abs=1e-12)
    # the same sine turned by a right angle is real, and gone
    assert levelling.roughness(levelling.plane(sine().T), (1.0, 1.0)).sq > 2.0
    assert levelling.roughness(levelling.lines(sine().T), (1.0, 1.0)).sq < 1e-9


def test_missing_pixels_change_little() -> None:
    _, x = np.mgrid[:96, :96] / 96.0
    rough = field(3) + 7.0 * x
    holed = rough.copy()
    holed[np.random.default_rng(4).random(rough.shape) < 0.1] = np.nan
    whole, part = (levelling.roughness(levelling.plane(one), (1.0, 1.0)) for one in (rough, holed))
    assert part.sq == pytest.approx(whole.sq, rel=0.01)
    assert part.length == pytest.approx(whole.length, rel=0.05)


def test_the_autocorrelation_of_a_gaussian_surface_is_known() -> None:
    """exp(-r^2 / (2 L^2)) for this filter with L = length; it falls to 0.2 at L sqrt(2 ln 5)."""
    found = levelling.roughness(field(5, 256, 6.0), (1.0, 1.0))
    assert found.length == pytest.approx(6.0 * np.sqrt(2.0 * np.log(5.0)), rel=0.06)
    # and the number of independent heights, A / integral(rho^2) = A / (pi L^2)
    assert found.heights == pytest.approx(256.0**2 / (np.pi * 36.0), rel=0.1)


def test_the_interval_of_the_roughness_holds_the_truth_as_often_as_it_says() -> None:
    """Sq of 200 maps of a surface of Sq = 1 after a plane."""
    inside = too_large = 0
    for seed in range(200):
        found = levelling.roughness(levelling.plane(field(seed)), (1.0, 1.0))
        inside += abs(found.sq - 1.0) <= found.sq_error
        too_large += abs(found.sq - 1.0) <= 0.3 * found.sq_error
    assert 116 <= inside <= 156
    # an error that is too large would hold it too often: a third of it must not
    assert too_large < 90


def test_the_interval_of_a_mean_holds_the_truth_although_pixels_are_alike() -> None:
    inside = naive = 0
    for seed in range(200):
        surface = field(1000 + seed)
        error, _ = levelling.error_of_the_mean(surface, (1.0, 1.0))
        inside += abs(surface.mean()) <= error
        naive += abs(surface.mean()) <= surface.std() / surface.size**0.5
    assert 116 <= inside <= 156
    assert naive < 60  # pixels taken for independent: far too sure


def test_the_noise_of_a_pixel_is_found_beside_a_smooth_surface() -> None:
    surface = field(6, 200, 12.0)
    noise = 0.1 * np.random.default_rng(7).standard_normal(surface.shape)
    assert levelling.pixel_noise(surface + noise) == pytest.approx(0.1, rel=0.03)
    assert levelling.pixel_noise(surface) < 0.005


@pytest.mark.parametrize("degree", [-1, 9])
def test_impossible_degrees_are_refused(degree: int) -> None:
    with pytest.raises(InputError, match="degree"):
        levelling.polynomial(np.zeros((20, 20)), degree)


def test_what_is_no_map_is_refused() -> None:
    with pytest.raises(InputError, match="two axes"):
        levelling.plane(np.zeros(20))
    with pytest.raises(InputError, match="cannot fix"):
        levelling.polynomial(np.zeros((2, 2)), 4)


def test_infinite_pixels_count_as_missing() -> None:
    rough = field(8)
    wrong = rough.copy()
    wrong[3, 4], wrong[50, 60] = np.inf, -np.inf
    found = levelling.roughness(levelling.plane(wrong), (1.0, 1.0))
    assert found.sq == pytest.approx(levelling.roughness(levelling.plane(rough), (1.0, 1.0)).sq, rel=0.01)
