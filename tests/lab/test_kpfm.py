"""Kelvin probe: what a tip of finite size leaves of a map, against what is known exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.special import j0, k1

import specimens
import synthetic
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import kpfm
from perotwin.measurement import checks_of, notes_of, protocol_of, validate
from perotwin.plotting import style

QUIET = kpfm.Protocol(noise="0 mV", pixel="0.5 nm")


def cosine(periods: int, side: float = 200e-9, count: int = 400) -> specimens.Specimen:
    """0.3 V with a cosine of 0.1 V along x."""
    row = 0.3 + 0.1 * np.cos(2.0 * np.pi * periods * np.arange(count) / count)
    return specimens.Specimen(map=np.tile(row, (count, 1)), side=side)


def metrics(sample: specimens.Specimen, protocol: kpfm.Protocol) -> dict[str, float]:
    return {name: float(one) for name, one in kpfm.analyse(kpfm.measure(sample, protocol)).items()}


# --- the tip ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wave_number", [0.0, 0.02, 0.1, 0.2])  # nm^-1
def test_the_transfer_function_is_the_transform_of_the_weights(wave_number: float) -> None:
    def part(r: float) -> float:
        return (
            2.0
            * np.pi
            * r
            * 1e-18
            * float(kpfm.weight(np.array(r * 1e-9), 25e-9, 10e-9))
            * j0(wave_number * r)
        )

    summed = quad(part, 0.0, 3000.0, limit=2000)[0]
    assert summed == pytest.approx(float(kpfm.transfer(np.array(wave_number * 1e9), 25e-9, 10e-9)), abs=2e-4)


def sphere_weight(r: np.ndarray, radius: float, lift: float) -> np.ndarray:
    """Exact weights of a sphere over a plane, not normalised, from the row of its image charges."""
    d = radius + lift

    def charge(d: float) -> np.ndarray:
        q, z, total = 1.0, d, np.zeros_like(r)
        for _ in range(400):
            total = total + q * z / (r**2 + z**2) ** 1.5
            q, z = q * radius / (d + z), d - radius**2 / (d + z)
        return total

    step = 1e-5 * lift
    return -(charge(d + step) - charge(d - step))


@pytest.mark.parametrize(("lift", "within"), [(1e-9, 0.02), (10e-9, 0.06), (25e-9, 0.12)])
def test_the_spot_is_that_of_an_exact_sphere(lift: float, within: float) -> None:
    radius = 25e-9
    r = np.linspace(0.0, 60e-9, 6001)
    exact = sphere_weight(r, radius, lift)
    half = 2.0 * float(np.interp(-0.5, -exact / exact[0], r))
    assert kpfm.resolution(radius, lift) == pytest.approx(half, rel=within)


def test_sharper_and_closer_tips_resolve_more() -> None:
    widths = [
        kpfm.resolution(r, z) for r, z in ((10e-9, 5e-9), (25e-9, 5e-9), (25e-9, 10e-9), (50e-9, 20e-9))
    ]
    assert widths == sorted(widths)
    at_half = kpfm.weight(np.array([0.0, 0.5 * widths[2]]), 25e-9, 10e-9)
    assert at_half[1] / at_half[0] == pytest.approx(0.5)


# --- maps ------------------------------------------------------------------------------------------------------------


def test_a_uniform_map_stays_as_it_is() -> None:
    measured = kpfm.measure(specimens.Specimen(), QUIET)
    np.testing.assert_allclose(measured["surface_potential"], 0.3, rtol=1e-14)
    found = kpfm.analyse(measured)
    assert found["mean_potential"].value == pytest.approx(0.3, rel=1e-14)
    assert found["potential_spread"].value == pytest.approx(0.0, abs=1e-14)
    assert found["potential_fwhm"].value == 0.0


@pytest.mark.parametrize("periods", [1, 4, 10])
@pytest.mark.parametrize(("radius", "lift"), [(25e-9, 10e-9), (10e-9, 3e-9)])
def test_a_cosine_is_attenuated_as_the_closed_form_says(periods: int, radius: float, lift: float) -> None:
    protocol = kpfm.Protocol(radius=radius, lift=lift, noise=0.0, pixel=0.5e-9)
    ka = 2.0 * np.pi * periods / 200e-9 * np.sqrt(2.0 * radius * lift)
    found = metrics(cosine(periods), protocol)
    assert found["potential_spread"] == pytest.approx(0.1 / np.sqrt(2.0) * ka * k1(ka), rel=1e-10)
    assert found["mean_potential"] == pytest.approx(0.3, rel=1e-13)


def test_fine_patterns_fade_exponentially() -> None:
    """ka K1(ka) goes as sqrt(pi ka / 2) exp(-ka)."""
    a = np.sqrt(2.0 * 25e-9 * 10e-9)
    k = np.array([20.0, 40.0]) / a
    ratio = kpfm.transfer(k, 25e-9, 10e-9) / (np.sqrt(0.5 * np.pi * k * a) * np.exp(-k * a))
    np.testing.assert_allclose(ratio, 1.0, atol=0.02)


def test_the_mean_is_kept_to_rounding_by_any_tip_and_pixel() -> None:
    sample = specimens.washed()[1]
    truth = sample.potential().mean()
    for radius in ("1 nm", "25 nm", "1 um"):
        measured = kpfm.measure(
            sample, kpfm.Protocol(radius=radius, noise="0 mV", pixel="5 nm", background="30 %")
        )
        assert float(measured["surface_potential"].mean()) == pytest.approx(truth, rel=1e-13)
        assert checks_of(measured)["mean kept by the tip"].passed


def test_a_tip_much_larger_than_the_patches_sees_only_their_mean() -> None:
    sample = specimens.washed()[1]
    spreads = [metrics(sample, kpfm.Protocol(radius=r, noise="0 mV"))["potential_spread"] for r in
               ("1 nm", "25 nm", "1 um", "100 um")]  # fmt: skip
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < 1e-9
    assert metrics(sample, kpfm.Protocol(radius="100 um", noise="0 mV"))["mean_potential"] == pytest.approx(
        0.24
    )


def test_a_point_tip_sees_the_map_itself() -> None:
    sample = specimens.washed()[1]
    measured = kpfm.measure(sample, kpfm.Protocol(radius="1 pm", lift="1 pm", noise="0 mV", pixel="0.5 nm"))
    assert float(np.abs(measured["surface_potential"].values - sample.potential()).max()) < 1e-3


def test_what_cone_and_lever_see_shrinks_the_contrast_and_not_the_mean() -> None:
    found = [
        metrics(cosine(2), kpfm.Protocol(noise="0 mV", background=share))
        for share in ("0 %", "60 %", "100 %")
    ]
    assert found[1]["potential_spread"] == pytest.approx(0.4 * found[0]["potential_spread"])
    assert found[2]["potential_spread"] == pytest.approx(0.0, abs=1e-14)
    assert {round(one["mean_potential"], 12) for one in found} == {0.3}


def test_noise_is_of_the_stated_size_and_repeats_with_its_seed() -> None:
    flat = specimens.Specimen()
    one = kpfm.measure(flat, kpfm.Protocol(noise="4 mV", seed=3))
    again = kpfm.measure(flat, kpfm.Protocol(noise="4 mV", seed=3))
    other = kpfm.measure(replace(flat, name="another"), kpfm.Protocol(noise="4 mV", seed=3))
    np.testing.assert_array_equal(one["surface_potential"], again["surface_potential"])
    assert float(abs(one["surface_potential"] - other["surface_potential"].values).max()) > 1e-3
    found = kpfm.analyse(one)
    assert found["potential_spread"].value == pytest.approx(4e-3, rel=0.03)
    assert found["potential_fwhm"].value == pytest.approx(4e-3 * 2.355, rel=0.08)


def test_a_spread_between_wider_areas_passes_the_tip_in_full() -> None:
    from perotwin.recipe import load, prepare

    recipe = load("control-washed").with_values({"interface.unevenness.spread": "89 meV"})
    found = metrics(prepare(recipe), QUIET)
    plain = metrics(prepare(load("control-washed")), QUIET)
    assert "potential_spread_areas" not in plain
    assert found["potential_spread"] == plain["potential_spread"]
    wide = float(np.hypot(0.089, plain["potential_spread"]))
    assert found["potential_spread_areas"] == pytest.approx(wide, rel=1e-9)
    weak = metrics(prepare(recipe), QUIET.model_copy(update={"background": 0.5}))
    assert weak["potential_spread_areas"] == pytest.approx(wide / 2.0, rel=1e-3)


def test_a_map_comes_with_its_axes_and_says_what_was_done() -> None:
    measured = validate(kpfm.measure(specimens.Specimen(), kpfm.Protocol(pixel="3 nm")))
    # 3 nm do not divide the side: the next smaller pixel that does
    assert measured.sizes == {"x": 80, "y": 80}
    assert float(measured["x"][0]) == pytest.approx(1.25e-9)
    assert measured["x"].attrs["units"] == "m"
    assert measured.attrs["instrument"] == "kpfm"
    assert measured.attrs["stack"] == "target"
    assert protocol_of(measured)["radius"] == pytest.approx(25e-9)
    assert notes_of(measured) == []


def test_a_small_map_is_said_to_be_one_draw_of_many() -> None:
    small = specimens.Specimen(side=60e-9)
    assert any("one draw" in note for note in notes_of(kpfm.measure(small)))


# --- analysis --------------------------------------------------------------------------------------------------------


def test_the_width_of_a_gaussian_histogram_is_found() -> None:
    dataset = synthetic.kpfm(mean=0.25, spread=12e-3)
    found = kpfm.analyse(dataset)
    assert found["mean_potential"].value == pytest.approx(0.25, abs=5e-4)
    assert found["potential_spread"].value == pytest.approx(12e-3, rel=0.03)
    assert found["potential_fwhm"].value == pytest.approx(12e-3 * np.sqrt(8.0 * np.log(2.0)), rel=0.08)


def test_the_width_of_a_flat_histogram_is_its_range() -> None:
    values = np.linspace(0.1, 0.2, 10_000)
    assert kpfm.full_width(values) == pytest.approx(0.1, rel=0.03)


def test_the_histogram_integrates_to_one() -> None:
    edges, density = kpfm.histogram(np.asarray(synthetic.kpfm()["surface_potential"]))
    assert np.sum(density * np.diff(edges)) == pytest.approx(1.0)


def test_missing_pixels_are_left_out() -> None:
    dataset = synthetic.kpfm()
    dataset["surface_potential"][0, :5] = np.nan
    assert np.isfinite([float(one) for one in kpfm.analyse(dataset).values()]).all()
    kpfm.plot(dataset)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_film_is_refused() -> None:
    with pytest.raises(InputError, match="wash"):
        kpfm.measure(specimens.films()[1])


def test_a_map_of_endless_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="larger pixel"):
        kpfm.measure(specimens.Specimen(), kpfm.Protocol(pixel="1 pm"))


@pytest.mark.parametrize(
    "wrong", [{"noise": "-1 mV"}, {"radius": "0 nm"}, {"background": 1.2}, {"pixel": "1 s"}]
)
def test_impossible_protocols_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        kpfm.Protocol(**wrong)


def test_a_measurement_comes_back_from_disk_and_says_the_same(tmp_path: Path) -> None:
    measured = kpfm.measure(specimens.Specimen())
    again = measurement.load(measurement.save(measured, tmp_path / "m.nc"))
    assert kpfm.analyse(again).to_json() == kpfm.analyse(measured).to_json()
    assert again.attrs["recipe"] == measured.attrs["recipe"]
    style.save(kpfm.plot([again, again]), tmp_path / "figure")


# --- maps from anywhere ----------------------------------------------------------------------------------------------


def correlated(seed: int, mean: float = 0.0, spread: float = 0.02, pixels: int = 96) -> xr.Dataset:
    """A bare map as a file holds it: in mV, a Gaussian surface whose pixels are alike over four, and nothing else."""
    k = np.fft.fftfreq(pixels)
    shape = np.exp(-((np.pi * 4.0) ** 2) * (k[:, None] ** 2 + k[None, :] ** 2))
    shape *= pixels / np.sqrt(np.sum(shape**2))
    chance = np.random.default_rng(seed).standard_normal((pixels, pixels))
    values = mean + spread * np.fft.ifft2(np.fft.fft2(chance) * shape).real
    place = ("um", 0.01 * np.arange(pixels))
    return xr.Dataset(
        {"surface_potential": (("y", "x"), 1e3 * values, {"units": "mV"})},
        coords={name: (name, place[1], {"units": place[0]}) for name in ("x", "y")},
    )


def test_the_interval_of_the_mean_of_a_bare_map_holds_the_truth_as_often_as_it_says() -> None:
    inside = pixels = 0
    for seed in range(200):
        found = kpfm.analyse(correlated(seed, mean=0.25))["mean_potential"]
        inside += abs(found.value - 0.25) <= found.uncertainty
        pixels += abs(found.value - 0.25) <= 0.02 / 96
    assert 116 <= inside <= 156
    assert pixels < 60  # as if pixels were independent


def test_units_of_a_map_are_obeyed_and_its_reference_is_asked_for() -> None:
    found = kpfm.analyse(correlated(1, mean=0.25))
    assert found["mean_potential"].value == pytest.approx(0.25, abs=0.01)
    assert found["potential_spread"].value == pytest.approx(0.02, rel=0.15)
    assert "only differences within a session" in found["mean_potential"].method
    assert "sign as recorded" in found["mean_potential"].method
    # exp(-r^2 / 2 L^2) with L = 4 pixels of 10 nm falls to 0.2 at L sqrt(2 ln 5)
    assert found["potential_length"].value == pytest.approx(40e-9 * np.sqrt(2.0 * np.log(5.0)), rel=0.15)


def test_noise_is_told_from_the_spread() -> None:
    dataset = correlated(2)
    dataset["surface_potential"].values += 15.0 * np.random.default_rng(3).standard_normal((96, 96))
    found = kpfm.analyse(dataset)
    assert found["potential_noise"].value == pytest.approx(0.015, rel=0.05)
    assert found["potential_spread"].value == pytest.approx(0.025, rel=0.1)
    assert found["potential_spread_own"].value == pytest.approx(
        kpfm.analyse(correlated(2))["potential_spread"].value, rel=0.1
    )


def test_levelling_is_said_and_leaves_the_mean() -> None:
    dataset = correlated(4, mean=0.1)
    drifted = dataset.copy(deep=True)
    drifted["surface_potential"].values += 300.0 * np.linspace(-0.5, 0.5, 96)[:, None]
    bare, plane = kpfm.analyse(drifted), kpfm.analyse(drifted, levelling="plane")
    assert bare["potential_spread"].value > 0.08
    assert plane["potential_spread"].value == pytest.approx(
        kpfm.analyse(dataset, levelling="plane")["potential_spread"].value, rel=1e-6
    )
    assert plane["mean_potential"].value == pytest.approx(bare["mean_potential"].value)
    assert "plane" in plane["potential_spread"].method
    assert kpfm.analyse(drifted.assign_attrs(levelling="lines"))["potential_spread"].value < 0.03
    with pytest.raises(InputError, match="levelled"):
        kpfm.analyse(drifted, levelling="sometimes")


def test_a_bias_on_the_tip_turns_the_sign() -> None:
    """Nulling takes (W_tip - W_sample) / q on the tip: a larger work function of the sample reads lower there."""
    plain = correlated(5, mean=0.2)
    turned = kpfm.analyse(plain.assign_attrs(bias_on="tip"))["mean_potential"]
    assert turned.value == pytest.approx(-kpfm.analyse(plain)["mean_potential"].value)
    assert "turned" in turned.method
    with pytest.raises(InputError, match="bias_on"):
        kpfm.analyse(plain.assign_attrs(bias_on="cantilever"))


def test_only_maps_of_one_session_or_one_reference_compare() -> None:
    one, other = correlated(6, mean=0.30), correlated(7, mean=0.18)
    with pytest.raises(InputError, match="session"):
        kpfm.difference(one, other)
    with pytest.raises(InputError, match="session"):
        kpfm.difference(one.assign_attrs(session="Monday"), other.assign_attrs(session="Tuesday"))
    found = kpfm.difference(one.assign_attrs(session="Monday"), other.assign_attrs(session="Monday"))
    assert abs(found.value - 0.12) < 3.0 * found.uncertainty
    assert found.uncertainty < 0.01
    # another tip on another day, which read gold 0.5 V higher
    gold = {"reference": "gold", "reference_error": 2e-3}
    moved = correlated(7, mean=0.68).assign_attrs(reference_potential=0.5, **gold)
    referred = kpfm.difference(one.assign_attrs(reference_potential=0.0, **gold), moved)
    assert referred.value == pytest.approx(found.value)
    assert referred.uncertainty == pytest.approx(np.hypot(found.uncertainty, 2e-3 * np.sqrt(2.0)))


def test_comparing_says_why_it_cannot() -> None:
    one, other = correlated(6), correlated(7).assign_attrs(stack="control")
    found = kpfm.compare([one, other])["potential_difference, control"]
    assert np.isnan(found.value) and "session" in found.method
    target, control = (kpfm.measure(sample) for sample in specimens.washed()[2:0:-1])
    known = kpfm.compare([target, control])["potential_difference, control-washed"]
    assert known.value == pytest.approx(
        kpfm.analyse(target)["mean_potential"].value - kpfm.analyse(control)["mean_potential"].value
    )


def test_maps_without_numbers_say_so_and_infinite_pixels_are_left_out() -> None:
    empty = correlated(1)
    empty["surface_potential"].values[:] = np.nan
    assert np.isnan(kpfm.analyse(empty)["mean_potential"].value)
    with pytest.raises(InputError, match="cannot be drawn"):
        kpfm.plot(empty)
    odd = correlated(1)
    odd["surface_potential"].values[5, 5] = np.inf
    plain = kpfm.analyse(correlated(1))["potential_spread"].value
    assert kpfm.analyse(odd)["potential_spread"].value == pytest.approx(plain, rel=0.01)
