"""Decays of luminescence: what counts tell, and that a film's light fades as theory has it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import measured_trpl as made
import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import decay_fits, differential_lifetimes, pulsed_light, surface_lifetimes, trpl
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.plotting import style
from perotwin.stack import Stack

FILES = Path(__file__).parents[3] / "shared" / "instrument_files_2"
SEEDS = 200
#: 68 % of 200, and by how much chance alone may be off
LEAST, MOST = 0.58 * SEEDS, 0.78 * SEEDS


def counted(seed: int, mean: np.ndarray) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean).astype(float)


# --- surfaces --------------------------------------------------------------------------------------------------------


def test_the_slowest_mode_of_two_faces_is_exact() -> None:
    tau = surface_lifetimes.surface_lifetime(400e-9, 3e-6, 1.0, 1.0)
    assert tau == pytest.approx(204.46e-9, abs=0.005e-9)
    beta = 1.0 / np.sqrt(3e-6 * tau)
    assert beta * np.tan(beta * 200e-9) == pytest.approx(1.0 / 3e-6, rel=1e-9)
    # the usual sum
    assert surface_lifetimes.sum_of_terms(400e-9, 3e-6, 1.0) == pytest.approx(205.404e-9, rel=1e-5)
    exact = surface_lifetimes.surface_lifetime(400e-9, 3e-6, 30.0, 30.0)
    assert surface_lifetimes.sum_of_terms(400e-9, 3e-6, 30.0) / exact - 1.0 == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("velocity", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("faces", [1, 2])
def test_a_lifetime_gives_its_velocity_back(velocity: float, faces: int) -> None:
    both = velocity if faces == 2 else 0.0
    tau = surface_lifetimes.surface_lifetime(400e-9, 3e-6, velocity, both)
    assert surface_lifetimes.surface_velocity(tau, 400e-9, 3e-6, faces) == pytest.approx(velocity, rel=1e-6)
    assert tau > surface_lifetimes.diffusion_time(400e-9, 3e-6, faces)


def test_surfaces_at_their_limits() -> None:
    one = surface_lifetimes.surface_lifetime
    assert one(400e-9, 3e-6, 0.0, 0.0) == np.inf
    # slow faces empty the film as it is; fast ones leave it to diffusion; one face is half of a film twice as thick
    assert one(400e-9, 3e-6, 1e-4, 1e-4) == pytest.approx(400e-9 / 2e-4, rel=1e-4)
    assert one(400e-9, 3e-6, 1e9, 1e9) == pytest.approx((400e-9 / np.pi) ** 2 / 3e-6, rel=1e-5)
    assert one(400e-9, 3e-6, 5.0, 0.0) == pytest.approx(one(800e-9, 3e-6, 5.0, 5.0), rel=1e-12)
    assert one(400e-9, 3e-6, 2.0, 7.0) == one(400e-9, 3e-6, 7.0, 2.0)
    # numbers of numpy are numbers
    assert one(400e-9, 3e-6, np.float64(1e3), np.float64(1e3)) == one(400e-9, 3e-6, 1e3, 1e3)
    assert np.isnan(surface_lifetimes.surface_velocity(1e-9, 400e-9, 3e-6))


# --- counts ----------------------------------------------------------------------------------------------------------


def test_intervals_of_two_exponentials_hold_what_went_in() -> None:
    """The 68 % intervals of 200 histograms of 2e5 photons; the criterion asks for two exponentials in each."""
    time, mean = made.expected()
    truth = {
        "amplitude": 18.5e-9,
        "intensity": (0.7 * 25 + 0.3 * 2500) / 18.5 * 1e-9,
        "fast": 5e-9,
        "slow": 50e-9,
    }
    inside, two = dict.fromkeys(truth, 0), 0
    for seed in range(SEEDS):
        histogram = decay_fits.histogram(time, counted(seed, mean))
        fit = decay_fits.fit(histogram, "two")
        two += decay_fits.chosen([decay_fits.fit(histogram, "one"), fit]).kind == "two"
        for name, function in (
            ("amplitude", trpl._amplitude),
            ("intensity", trpl._intensity),
            ("fast", lambda v: v[1]),
            ("slow", lambda v: v[3]),
        ):
            value, error = fit.derived(function)
            inside[name] += abs(value - truth[name]) < error
    assert two == SEEDS
    assert all(LEAST <= count <= MOST for count in inside.values()), inside


def test_intervals_of_one_exponential_hold_what_went_in_and_a_second_is_not_asked_for() -> None:
    time, mean = made.expected((1.0,), (30e-9,), photons=2e4, background=2.0, bins=1500, width=0.2e-9)
    inside = background = one = 0
    for seed in range(SEEDS):
        histogram = decay_fits.histogram(time, counted(seed, mean))
        fit = decay_fits.fit(histogram, "one")
        value, error = fit.derived(lambda v: v[1])
        level, spread = fit.derived(lambda v: v[2])
        inside += abs(value - 30e-9) < error
        background += abs(level - 2.0) < spread
        if seed < 40:
            one += decay_fits.chosen([fit, decay_fits.fit(histogram, "two")]).kind == "one"
    assert LEAST <= inside <= MOST and LEAST <= background <= MOST
    assert one >= 38


def test_means_say_which_they_are() -> None:
    time, mean = made.expected(photons=1e8, background=0.0)
    found = trpl.analyse(made.of(time, mean, background=0.0))
    assert found["lifetime_amplitude"].value == pytest.approx(18.5e-9, rel=2e-3)
    assert found["lifetime_intensity"].value == pytest.approx(41.5e-9, rel=2e-3)
    assert "amplitudes" in found["lifetime_amplitude"].method
    assert "intensities" in found["lifetime_intensity"].method
    assert found["share_fast"].value == pytest.approx(0.7, rel=2e-3)
    assert found["exponentials"].value == 2.0 and "nothing" not in found["exponentials"].method


def test_least_squares_on_logarithms_would_be_off() -> None:
    """The likelihood takes a tail of a few counts a bin for what it is."""
    time, mean = made.expected((1.0,), (30e-9,), photons=3e3, background=0.5)
    logs, likelihood = [], []
    for seed in range(40):
        counts = counted(seed, mean)
        histogram = decay_fits.histogram(time, counts)
        likelihood.append(decay_fits.fit(histogram, "one").values[1])
        kept = (time > histogram.onset) & (counts > 0)
        logs.append(-1.0 / np.polyfit(time[kept], np.log(counts[kept]), 1)[0])
    assert np.mean(likelihood) == pytest.approx(30e-9, rel=0.02)
    assert np.mean(logs) > 3.0 * 30e-9


def test_tails_under_the_next_pulse_are_in_the_model() -> None:
    time, mean = made.expected((1.0,), (150e-9,), period=400e-9, photons=1e6, background=3.0)
    counts = counted(3, mean)
    told = trpl.analyse(made.of(time, counts, period=400e-9))
    assert told["lifetime_amplitude"].value == pytest.approx(
        150e-9, abs=3.0 * told["lifetime_amplitude"].uncertainty
    )
    assert told["background_counts"].value == pytest.approx(
        3.0, abs=4.0 * told["background_counts"].uncertainty
    )
    silent = trpl.analyse(made.of(time, counts))
    assert abs(silent["lifetime_amplitude"].value / 150e-9 - 1.0) > 0.05
    with pytest.raises(InputError, match=r"pulses .* apart"):
        trpl.analyse(made.of(time, counts, period=100e-9))


def test_a_response_is_convolved() -> None:
    # twenty times as fine as the bins
    fine = (np.arange(40_000) + 0.5) * 5e-12
    flash = np.exp(-0.5 * ((fine - 20e-9) / 1.5e-9) ** 2)
    decay = 0.6 * np.exp(-fine / 2e-9) + 0.4 * np.exp(-fine / 20e-9)
    light = np.fft.irfft(np.fft.rfft(flash, 1 << 17) * np.fft.rfft(decay, 1 << 17))[:40_000]
    time, response, mean = (one.reshape(2000, 20).mean(axis=1) for one in (fine, flash, light))
    mean *= 1e6 / mean.sum()
    dataset = made.of(time, counted(1, mean + 1.0)).assign(response=("time", response))
    found = trpl.analyse(dataset)
    truths = {"lifetime_fast": 2e-9, "lifetime_slow": 20e-9, "share_fast": 0.6}
    for name, truth in truths.items():
        assert found[name].value == pytest.approx(truth, abs=4.0 * found[name].uncertainty), name
    # without it the instrument's own width is read too
    bare = trpl.analyse(dataset.drop_vars("response"))
    off = [abs(bare[name].value - truth) / bare[name].uncertainty for name, truth in truths.items()]
    assert max(off) > 5.0


def test_a_response_and_the_tails_of_earlier_pulses_together() -> None:
    """Against a train of pulses added up one by one."""
    width, period, tau = 0.2e-9, 420e-9, 150e-9
    time = (np.arange(2000) + 0.5) * width
    flash = np.exp(-0.5 * ((time - 30e-9) / 2e-9) ** 2)
    mean = np.zeros(2000)
    for at, share in zip(time, flash / flash.sum(), strict=True):
        since = time - at
        mean += share * np.where(since > 0.0, np.exp(-since / tau), np.where(since == 0.0, 0.5, 0.0))
        for number in range(1, 12):
            mean += share * np.exp(-(since + number * period) / tau)
    histogram = decay_fits.histogram(time, mean * 1e6, period=period, response=flash, background=0.0)
    fit = decay_fits.fit(histogram, "one")
    assert fit.values[1] == pytest.approx(tau, rel=1e-3) and fit.excess < 0.0


def pairs(beta: float, tau: float = 300e-9, photons: float = 1e6) -> tuple[np.ndarray, np.ndarray]:
    time = (np.arange(3000) + 0.5) * 0.5e-9
    since = np.maximum(time - 50e-9, 0.0)
    light = np.where(time > 50e-9, (np.exp(-since / tau) / (1.0 - beta * np.expm1(-since / tau))) ** 2, 0.0)
    return time, light / light.sum() * photons + 1.0


def test_two_exponentials_of_pairs_mean_nothing() -> None:
    time, mean = pairs(10.0)
    found = trpl.analyse(made.of(time, counted(2, mean)))
    assert found["exponentials"].value == 2.0 and "means nothing" in found["exponentials"].method
    assert "doubtful" in found["lifetime_slow"].method
    assert found["pair_lifetime"].value == pytest.approx(300e-9, abs=4.0 * found["pair_lifetime"].uncertainty)
    assert found["pair_share"].value == pytest.approx(10.0 / 11.0, abs=4.0 * found["pair_share"].uncertainty)
    # and a power law without any lifetime
    power = np.where(time > 50e-9, (1.0 + np.maximum(time - 50e-9, 0.0) / 5e-9) ** -1.3, 0.0)
    found = trpl.analyse(made.of(time, counted(2, power / power.sum() * 1e6 + 1.0)))
    assert "nothing" in found["exponentials"].method or "does not describe" in found["exponentials"].method


def test_the_differential_lifetime_is_that_of_each_stretch() -> None:
    time, mean = pairs(10.0, photons=1e9)
    histogram = decay_fits.histogram(time, mean)
    curve = differential_lifetimes.differential_lifetime(histogram, 1.0, order=2.0)
    t = curve.time
    exact = 300e-9 / (1.0 + 10.0 * np.exp(-t / 300e-9) / (1.0 - 10.0 * np.expm1(-t / 300e-9)))
    middle = (t > 20e-9) & (curve.level > 1e-3)
    assert middle.sum() > 10
    np.testing.assert_allclose(curve.lifetime[middle], exact[middle], rtol=0.02)
    curve = differential_lifetimes.differential_lifetime(histogram, 1.0)
    late, error, level = differential_lifetimes.late_lifetime(curve)
    assert late == pytest.approx(150e-9, rel=0.05) and error < 0.05 * late and level < 1e-3


def test_the_differential_lifetime_says_how_well_it_is_known() -> None:
    time, mean = made.expected((1.0,), (30e-9,), photons=1e5, background=1.0)
    pulls = []
    for seed in range(60):
        curve = differential_lifetimes.differential_lifetime(
            decay_fits.histogram(time, counted(seed, mean)), 1.0
        )
        pulls += list((curve.lifetime - 30e-9) / curve.error)
    assert len(pulls) > 300
    assert abs(np.mean(pulls)) < 0.35 and 0.58 < np.mean(np.abs(pulls) < 1.0) < 0.80


def test_a_background_that_makes_up_for_the_model_is_not_taken() -> None:
    """Three exponentials, for which two will not do: the bins before the pulse tell the background."""
    time, mean = made.expected(
        (0.9, 0.07, 0.03), (5e-9, 60e-9, 300e-9), photons=3e6, background=4.0, width=0.5e-9, onset=100e-9
    )
    off = []
    for seed in range(5):
        dataset = made.of(time, counted(seed, mean))
        found = trpl.analyse(dataset)
        assert "doubtful" in found["background_counts"].method
        level = found["background_counts"]
        assert level.value == pytest.approx(4.0, abs=4.0 * level.uncertainty)
        late = found["lifetime_late"]
        off.append((late.value - 300e-9) / late.uncertainty)
        histogram = trpl.counted(dataset)
        own = decay_fits.fit(histogram, "two")
        assert abs(own.values[-1] - 4.0) > 5.0 * own.derived(lambda v: v[-1])[1]
    assert np.max(np.abs(off)) < 4.0


def test_surface_velocity_from_a_dataset() -> None:
    tau = surface_lifetimes.surface_lifetime(400e-9, 3e-6, 2.0, 2.0)
    time, mean = made.expected((1.0,), (1.0 / (1.0 / tau + 1.0 / 500e-9),), photons=1e9, background=0.0)
    known = {"thickness": 400e-9, "diffusion_coefficient": 3e-6, "background": 0.0}
    found = trpl.analyse(made.of(time, mean, bulk_lifetime=500e-9, **known))["surface_velocity"]
    assert found.value == pytest.approx(2.0, rel=0.01) and "less the bulk" in found.method
    most = trpl.analyse(made.of(time, mean, **known))["surface_velocity"]
    assert most.value > 1.1 * found.value and "the most that it admits" in most.method


def test_one_face_is_read_as_one() -> None:
    tau = surface_lifetimes.surface_lifetime(400e-9, 3e-6, 2.0, 0.0)
    time, mean = made.expected((1.0,), (tau,), photons=1e9, background=0.0, width=0.3e-9, bins=8000)
    known = {"thickness": 400e-9, "diffusion_coefficient": 3e-6, "background": 0.0, "faces": 1}
    found = trpl.analyse(made.of(time, mean, **known))["surface_velocity"]
    assert found.value == pytest.approx(2.0, rel=0.01) and "one face" in found.method


def test_thicknesses_tell_the_bulk_from_the_faces() -> None:
    """5 m/s at both faces and 300 ns inside, from noisy decays of four films: within three times the errors."""
    films = []
    for number, thickness in enumerate((200e-9, 400e-9, 800e-9, 1600e-9)):
        surface = surface_lifetimes.surface_lifetime(thickness, 3e-6, 5.0, 5.0)
        tau = 1.0 / (1.0 / 300e-9 + 1.0 / surface)
        time, mean = made.expected((1.0,), (tau,), photons=1e6, background=1.0, width=0.5e-9)
        films.append(made.of(time, counted(number, mean), thickness=thickness, diffusion_coefficient=3e-6))
    found = trpl.thickness_series(films)
    for name, truth in (("bulk_lifetime", 300e-9), ("surface_velocity", 5.0)):
        assert found[name].value == pytest.approx(truth, abs=3.0 * found[name].uncertainty), name
        assert found[name].uncertainty < 0.03 * truth
    with pytest.raises(InputError, match="one thickness"):
        trpl.thickness_series(films[:1])


# --- histograms from anywhere ----------------------------------------------------------------------------------------


def test_units_are_obeyed() -> None:
    time, mean = made.expected()
    counts = counted(1, mean)
    plain = trpl.analyse(made.of(time, counts))
    in_ns = xr.Dataset({"counts": ("time", counts)}, {"time": ("time", time * 1e9, {"units": "ns"})})
    assert trpl.analyse(in_ns)["lifetime_slow"].value == pytest.approx(plain["lifetime_slow"].value, rel=1e-6)


def test_a_subtracted_background_is_put_back() -> None:
    time, mean = made.expected(background=20.0)
    counts = counted(1, mean)
    plain = trpl.analyse(made.of(time, counts))
    found = trpl.analyse(made.of(time, counts - 20.0))
    assert found["lifetime_slow"].value == pytest.approx(plain["lifetime_slow"].value, rel=0.01)
    assert "had been subtracted" in found["background_counts"].method
    assert found["background_counts"].value == pytest.approx(0.0, abs=0.3)


def test_what_is_no_decay_is_refused() -> None:
    time, mean = made.expected()
    with pytest.raises(InputError, match="one width"):
        trpl.analyse(made.of(np.geomspace(1e-9, 1e-6, mean.size), mean))
    with pytest.raises(InputError, match="fullest bin"):
        trpl.analyse(made.of(time, np.sort(mean)))
    with pytest.raises(InputError, match="ten bins"):
        trpl.analyse(made.of(time[:5], mean[:5]))
    with pytest.raises(InputError, match="below zero"):
        trpl.analyse(made.of(time[200:300], mean[200:300] - 500.0))
    with pytest.raises(InputError, match="response is empty"):
        trpl.analyse(made.of(time, mean).assign(response=("time", 0.0 * mean)))


@pytest.mark.skipif(not FILES.is_dir(), reason="the folder of real files is not there")
def test_real_histograms() -> None:
    number, time, counts = np.loadtxt(FILES / "trpl_bins_ps.dat", skiprows=1, unpack=True)
    dataset = xr.Dataset({"counts": ("time", counts)}, {"time": ("time", time, {"units": "ps"})})
    found = trpl.analyse(dataset)
    assert number[0] == 0 and found["peak_counts"].value == 585.0
    assert found["peak_time"].value == pytest.approx(59e-9, abs=1e-12)
    assert "3.57 before the pulse" in found["background_counts"].method
    assert "next pulse" in found["background_counts"].method
    time, counts = np.loadtxt(FILES / "trpl_two_columns_ns.dat", skiprows=1, unpack=True)
    dataset = xr.Dataset({"counts": ("time", counts)}, {"time": ("time", time, {"units": "ns"})})
    found = trpl.analyse(dataset)
    assert found["peak_counts"].value == 4116.0
    assert found["time_to_1e"].value == pytest.approx(1.1e-9, abs=0.05e-9)
    histogram = decay_fits.histogram(time * 1e-9, counts)
    assert histogram.level == pytest.approx(22.1, abs=2.0 * np.sqrt(22.1 / histogram.before))


def test_a_figure_of_decays_names_its_axes(tmp_path: Path) -> None:
    figure = trpl.plot([made.dataset(), made.dataset().assign_attrs(stack="other")])
    assert [one.get_xlabel() for one in figure.axes] == ["Time after the pulse (ns)"] * 2
    assert "(ns)" in figure.axes[1].get_ylabel()
    style.save(figure, tmp_path / "decays")


# --- films -----------------------------------------------------------------------------------------------------------


def film(
    electronic: dict[str, Any] | None = None,
    trap: tuple[dict[str, str], ...] = (),
    coefficient: str = "1e-20 m^3/s",
    velocity: str = "0 cm/s",
) -> Stack:
    """400 nm on glass in which carriers spread with 0.03 cm^2/s."""
    mobility = "1.167632 cm^2/(V s)"
    own = {
        "electron_affinity": "3.9 eV", "conduction_dos": "2.2e18 cm^-3", "valence_dos": "2.2e18 cm^-3",
        "electron_mobility": mobility, "hole_mobility": mobility, "permittivity": 25, "statistics": "boltzmann",
    }  # fmt: skip
    absorber = {
        "name": "perovskite", "role": "absorber", "material": "halide-perovskite", "bandgap": "1.6 eV",
        "thickness": "400 nm", "electronic": own | (electronic or {}), "trap": list(trap),
        "recombination": {"radiative": {"kind": "coefficient", "coefficient": coefficient}},
    }  # fmt: skip
    end = {"work_function": "flat-band", "electron_velocity": velocity, "hole_velocity": velocity}
    glass = {"name": "glass", "role": "substrate", "material": "glass", "thickness": "1 mm"}
    data = {"name": "film", "layer": [glass, absorber], "contact": {"front": end, "back": end}}
    return Stack.from_data(data, file="film", bare_numbers=True)


def lifetimes(dataset: xr.Dataset, below: float) -> np.ndarray:
    """Differential lifetimes (s) below a part of the peak, of counts so many that they are exact."""
    curve = differential_lifetimes.differential_lifetime(trpl.counted(dataset), 0.0)
    assert curve.level[-1] < 1e-5
    return np.asarray(curve.lifetime[(curve.level < below) & (curve.level > 3e-6)])


def in_order(dataset: xr.Dataset) -> None:
    assert validate(dataset, trpl.INSTRUMENT) is dataset
    assert all(one.passed for one in checks_of(dataset).values())


@pytest.mark.parametrize("velocity", [1.0, 30.0])
def test_a_film_with_faces_fades_as_its_slowest_mode(velocity: float) -> None:
    tau = surface_lifetimes.surface_lifetime(400e-9, 3e-6, velocity, velocity)
    cell = film({"acceptor_density": "1e16 cm^-3"}, velocity=f"{velocity} m/s")
    protocol = trpl.Protocol(sample="cell", fluence="0.1 nJ/cm^2", duration=13.0 * tau, photons=1e13)
    dataset = trpl.measure(cell, protocol)
    in_order(dataset)
    np.testing.assert_allclose(lifetimes(dataset, 1e-2), tau, rtol=0.01)
    below = lifetimes(dataset, 1e-4)
    assert below.size > 3 and below.mean() == pytest.approx(tau, rel=0.01)
    assert dataset.attrs["diffusion_coefficient"] == pytest.approx(3e-6, rel=1e-4)
    found = trpl.analyse(dataset)["surface_velocity"]
    assert found.value == pytest.approx(velocity, rel=0.02 if velocity < 10.0 else 0.06)


def test_a_doped_film_fades_with_k_p0() -> None:
    cell = film({"acceptor_density": "1e17 cm^-3"}, coefficient="1e-16 m^3/s")
    dataset = trpl.measure(cell, trpl.Protocol(fluence="0.1 nJ/cm^2", duration="1300 ns", photons=1e13))
    in_order(dataset)
    np.testing.assert_allclose(lifetimes(dataset, 1.0), 100e-9, rtol=0.01)
    assert lifetimes(dataset, 1e-4).size > 3


def test_light_that_goes_as_the_square_fades_twice_as_fast() -> None:
    """SRH at high injection: carriers live tau_n + tau_p = 200 ns, their light half of that."""
    trap = {"level": "midgap", "electron_lifetime": "100 ns", "hole_lifetime": "100 ns"}
    dataset = trpl.measure(
        film(trap=(trap,)), trpl.Protocol(fluence="100 nJ/cm^2", duration="1300 ns", photons=1e13)
    )
    in_order(dataset)
    np.testing.assert_allclose(lifetimes(dataset, 0.1), 100e-9, rtol=0.01)
    assert lifetimes(dataset, 1e-4).size > 3


def test_counting_noise_is_that_of_its_seed() -> None:
    cell = film({"acceptor_density": "1e17 cm^-3"}, coefficient="1e-16 m^3/s")
    told = {"fluence": "0.1 nJ/cm^2", "duration": "600 ns", "photons": 1e5, "background": 2.0}
    one, again, other, mean = (
        trpl.measure(cell, trpl.Protocol(seed=seed, **told)) for seed in (1, 1, 2, None)
    )
    assert np.array_equal(one["counts"], again["counts"]) and not np.array_equal(
        one["counts"], other["counts"]
    )
    assert float(mean["counts"].sum()) == pytest.approx(1e5 + 2.0 * mean["counts"].size, rel=1e-9)
    gap = (one["counts"] - mean["counts"]) / np.sqrt(mean["counts"])
    assert float(gap.std()) == pytest.approx(1.0, abs=0.05)
    found = trpl.analyse(one)["lifetime_amplitude"]
    assert found.value == pytest.approx(100e-9, abs=4.0 * found.uncertainty + 0.5e-9)


def test_intervals_of_simulated_decays_hold_what_went_in() -> None:
    """1 / (k p0) of a film of the twin, from 200 draws of its counts."""
    cell = film({"acceptor_density": "1e17 cm^-3"}, coefficient="1e-16 m^3/s")
    protocol = trpl.Protocol(fluence="0.1 nJ/cm^2", duration="800 ns", photons=2e4, background=1.0, bins=1000)
    dataset = trpl.measure(cell, protocol)
    time, mean = dataset["time"].values, dataset["counts"].values
    inside = 0
    for seed in range(SEEDS):
        fit = decay_fits.fit(decay_fits.histogram(time, counted(seed, mean)), "one")
        value, error = fit.derived(lambda v: v[1])
        inside += abs(value - 100e-9) < error
    assert LEAST <= inside <= MOST


def test_bins_hold_the_integral_of_the_light() -> None:
    tau, time = 50e-9, np.geomspace(1e-11, 6e-7, 116)
    light = np.exp(-time / tau)
    decay = pulsed_light.Decay(time, light, 1.0, 1.0, 1, np.zeros(1), 0.0)
    middles, share = pulsed_light._bins(decay, 5e-7, 500)
    edges = np.linspace(0.0, 5e-7, 501)
    exact = -np.diff(np.exp(-edges / tau)) / -np.expm1(-5e-7 / tau)
    after = middles > 0.0
    np.testing.assert_allclose(share[after], exact, rtol=2e-3)
    assert share[~after].sum() == 0.0 and share.sum() == pytest.approx(1.0)


@pytest.mark.slow
def test_films_and_half_stacks_of_the_paper() -> None:
    """Target over control: longer, as in the paper (2); a half stack fades faster than the film."""
    late = {}
    for name in ("wbg-target", "wbg-control"):
        dataset = trpl.measure(pt.load(name))
        in_order(dataset)
        late[name] = float(trpl.analyse(dataset)["lifetime_late"])
        assert any("pairs a cm^3" in note for note in notes_of(dataset))
    assert 1.3 < late["wbg-target"] / late["wbg-control"] < 3.0
    half = trpl.measure(pt.load("wbg-target"), trpl.Protocol(sample="film/c60"))
    in_order(half)
    assert float(trpl.analyse(half)["time_to_1e"]) < 0.7 * 23e-9
    assert json.loads(half.attrs["protocol"])["sample"] == "film/c60"


def test_what_has_no_light_is_refused() -> None:
    with pytest.raises(InputError, match="radiates"):
        trpl.measure(film(coefficient="0 m^3/s"))
    with pytest.raises(InputError, match="no part"):
        trpl.measure(film(), trpl.Protocol(sample="grain"))
    with pytest.raises(InputError, match="without optics"):
        trpl.measure(pt.load("cell-a"))
