"""What a spectrum tells: Planck's law behind an edge, made here of constants of nature alone."""

import numpy as np
import pytest

import measured_pl as made
from perotwin.lab import planck

WAVELENGTH = np.linspace(600e-9, 850e-9, 501)


def _noisy(seed: int, noise: float = 0.01, softness: float = 0.0, **values: float) -> np.ndarray:
    flux = made.spectrum(WAVELENGTH, softness=softness, **values)
    return flux * (1.0 + noise * np.random.default_rng(seed).standard_normal(flux.size))


def test_the_black_body_is_that_of_the_constants_of_nature() -> None:
    energy = np.array([1.2, 1.6, 2.0])
    assert planck.black_body(energy, 298.15) == pytest.approx(made.emitted(energy, splitting=0.0), rel=1e-12)
    assert planck.black_body(energy, 298.15, 0.9) == pytest.approx(
        made.emitted(energy, splitting=0.9), rel=1e-4
    )


@pytest.mark.parametrize(("gap", "limit"), [(1.25, 0.9988), (1.424, 1.1620), (1.79, 1.5043)])
def test_the_emission_of_a_step_gives_the_radiative_limit_of_its_gap(gap: float, limit: float) -> None:
    # Jsc of AM1.5G above these gaps, mA/cm2, and Voc of the detailed balance of a step with one emitting face
    jsc = {1.25: 375.75, 1.424: 318.86, 1.79: 199.06}[gap]
    voc = 0.02569258 * np.log(jsc / (made.Q * planck.step_flux(gap, 298.15)) + 1.0)
    assert voc == pytest.approx(limit, abs=2e-4)


def test_a_noiseless_tail_gives_its_splitting_and_temperature_back() -> None:
    flux = made.spectrum(WAVELENGTH, splitting=1.40, softness=0.0)
    line = planck.line_of(WAVELENGTH, flux)
    assert line is not None
    fixed, free = planck.fit(line, 298.15), planck.fit(line, None)
    assert fixed.splitting[0] == pytest.approx(1.40, abs=1e-9)
    assert free.splitting[0] == pytest.approx(1.40, abs=1e-7)
    assert free.temperature[0] == pytest.approx(298.15, abs=1e-4)


def test_the_slope_of_ln_phi_over_e_squared_is_minus_one_over_kt() -> None:
    line = planck.line_of(WAVELENGTH, made.spectrum(WAVELENGTH, splitting=1.40, softness=0.0))
    assert line is not None
    fit = planck.fit(line, None)
    assert -1.0 / (8.617333262e-5 * fit.temperature[0]) == pytest.approx(-38.92, abs=0.005)
    hot = planck.line_of(
        WAVELENGTH, made.spectrum(WAVELENGTH, splitting=1.40, softness=0.0, temperature=350.0)
    )
    assert hot is not None
    assert planck.fit(hot, None).temperature[0] == pytest.approx(350.0, abs=0.01)


def test_with_one_percent_of_noise_the_intervals_hold_the_truth_in_two_thirds_of_200_seeds() -> None:
    inside = {"fixed": 0, "free": 0, "temperature": 0}
    for seed in range(200):
        line = planck.line_of(WAVELENGTH, _noisy(seed, splitting=1.40))
        assert line is not None
        fixed, free = planck.fit(line, 298.15), planck.fit(line, None)
        inside["fixed"] += abs(fixed.splitting[0] - 1.40) < fixed.splitting[1]
        inside["free"] += abs(free.splitting[0] - 1.40) < free.splitting[1]
        inside["temperature"] += abs(free.temperature[0] - 298.15) < free.temperature[1]
        assert fixed.splitting[1] < 2e-4 and free.temperature[1] < 1.0
    assert all(0.58 * 200 <= count <= 0.78 * 200 for count in inside.values()), inside


def test_peak_width_and_total_have_intervals_that_hold() -> None:
    fine = np.linspace(620e-9, 900e-9, 40001)
    clean = planck.line_of(fine, made.spectrum(fine))
    wavelength = np.linspace(620e-9, 900e-9, 561)
    assert clean is not None
    flux = made.spectrum(wavelength)
    inside, scatter = np.zeros(3), []
    for seed in range(200):
        line = planck.line_of(
            wavelength, flux * (1.0 + 0.01 * np.random.default_rng(seed).standard_normal(561))
        )
        assert line is not None
        for row, (found, true) in enumerate(
            ((line.peak, clean.peak), (line.width, clean.width), (line.total, clean.total))
        ):
            inside[row] += abs(found[0] - true[0]) < found[1]
        scatter.append(line.relative)
    assert np.mean(scatter) == pytest.approx(0.01, rel=0.05)
    # the peak's parabola is not the curve: its systematic part is a tenth of a meV
    assert (inside[1:] >= 0.55 * 200).all() and (inside[1:] <= 0.80 * 200).all(), inside


def test_an_unknown_absorptance_costs_kt_times_its_logarithm() -> None:
    line = planck.line_of(WAVELENGTH, 0.5 * made.spectrum(WAVELENGTH, splitting=1.40, softness=0.0))
    assert line is not None
    assert planck.fit(line, 298.15).splitting[0] == pytest.approx(1.40 - 0.0178, abs=1e-4)
    known = planck.fit(line, 298.15, absorptance=np.full(line.energy.size, 0.5))
    assert known.splitting[0] == pytest.approx(1.40, abs=1e-9)


def test_the_gap_is_the_inflection_of_the_absorptance() -> None:
    wavelength = np.linspace(620e-9, 900e-9, 561)
    found = []
    for seed in range(20):
        flux = made.spectrum(wavelength) * (1.0 + 0.01 * np.random.default_rng(seed).standard_normal(561))
        line = planck.line_of(wavelength, flux)
        assert line is not None
        found.append(planck.edge(line, 298.15))
    gaps, told = np.array(found).T
    assert gaps.mean() == pytest.approx(made.GAP, abs=1e-3)
    assert np.median(told) == pytest.approx(gaps.std(), rel=0.6)


def test_the_fit_ends_where_the_flux_leaves_the_line() -> None:
    # a program that sets to nothing what it takes for background: the tail bends down
    flux = made.spectrum(WAVELENGTH, splitting=1.40, softness=0.0)
    flux = np.maximum(flux - 3e-3 * flux.max(), 0.0)
    line = planck.line_of(WAVELENGTH, flux)
    assert line is not None
    fit = planck.fit(line, None)
    assert fit.window[1] < planck.HC / 683e-9 + 0.12
    whole = planck.fit(line, None, window=(fit.window[0], 1.9))
    assert abs(fit.temperature[0] - 298.15) < 0.5 * abs(whole.temperature[0] - 298.15)


def test_an_offset_of_the_detector_is_found_and_taken_off() -> None:
    wavelength = np.linspace(500e-9, 1000e-9, 1001)
    flux = made.spectrum(wavelength)
    rng = np.random.default_rng(2)
    raised = flux + 0.02 * flux.max() + 1e-3 * flux.max() * rng.standard_normal(flux.size)
    line = planck.line_of(wavelength, raised)
    assert line is not None
    assert line.offset == pytest.approx(0.02 * flux.max(), rel=0.02)
    assert line.total[0] == pytest.approx(np.trapezoid(flux, wavelength), abs=4.0 * line.total[1])
    assert np.median(line.noise * line.energy / (planck.HC / line.energy)) == pytest.approx(
        1e-3 * flux.max(), rel=0.3
    )


def test_noise_alone_is_no_line() -> None:
    rng = np.random.default_rng(0)
    assert planck.line_of(WAVELENGTH, rng.standard_normal(WAVELENGTH.size)) is None
    assert planck.line_of(WAVELENGTH, np.zeros(WAVELENGTH.size)) is None


def test_a_tail_that_is_not_there_is_not_fitted() -> None:
    short = WAVELENGTH[WAVELENGTH > 765e-9]
    line = planck.line_of(short, made.spectrum(short))
    assert line is not None
    fit = planck.fit(line, None)
    assert "too few points" in fit.why and np.isnan(fit.splitting[0])
