"""Depth profiles: the resolution function against its parts convolved, and what a profile through a film shows."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, erfc

import specimens
import synthetic
from perotwin import measurement
from perotwin.errors import InputError
from perotwin.lab import tof_sims
from perotwin.lab.tof_sims import Resolution, blur, resolved, response
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.plotting import style

SHAPES = [Resolution(2e-9, 10e-9, 0.4e-9), Resolution(5e-9, 1e-9, 1e-9), Resolution(3e-9, 3e-9, 3e-9)]


# --- the resolution function -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_the_response_is_its_three_parts_convolved(shape: Resolution) -> None:
    """MRI against quadrature: exponential behind (shifted by w), exponential before, Gaussian."""
    w, s, inf = (length * 1e9 for length in shape)

    def two(u: float) -> float:
        """Both exponentials convolved by quadrature, at u from their common edge."""
        return quad(lambda t: np.exp(-t / w) / w * np.exp(-(t - u) / inf) / inf, max(u, 0.0), 60.0 * w)[0]

    def all_three(z: float) -> float:
        return quad(
            lambda t: two(z + w - t) * np.exp(-0.5 * (t / s) ** 2) / (s * np.sqrt(2.0 * np.pi)),
            -9.0 * s, 9.0 * s, points=[np.clip(z + w, -8.9 * s, 8.9 * s)], limit=400, epsabs=1e-11,
        )[0]  # fmt: skip

    for z in (-1.5 * s, -w, 0.0, 0.7 * s, s + 2.0 * w):
        assert float(response(np.array(z * 1e-9), shape)) * 1e-9 == pytest.approx(all_three(z), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_its_moments_are_known(shape: Resolution) -> None:
    """Area one, mean -l (ions come from above), variance w^2 + s^2 + l^2."""
    z = np.linspace(-150e-9, 250e-9, 400_001)
    g = response(z, shape)
    assert np.trapezoid(g, z) == pytest.approx(1.0, abs=1e-9)
    mean = np.trapezoid(z * g, z)
    assert mean == pytest.approx(-shape.information, rel=1e-5)
    assert np.trapezoid((z - mean) ** 2 * g, z) == pytest.approx(sum(np.square(shape)), rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_is_the_integral_of_a_delta(shape: Resolution) -> None:
    z = np.linspace(-60e-9, 120e-9, 20_001)
    np.testing.assert_allclose(np.gradient(resolved(z, shape), z, edge_order=2), response(z, shape),
                               atol=2e-4 * response(z, shape).max())  # fmt: skip
    assert resolved(np.array([-1e-6, 1e-6]), shape) == pytest.approx([0.0, 1.0], abs=1e-15)


def test_a_delta_of_mixing_and_roughness_alone_is_the_textbook_function() -> None:
    """Without information depth: Eq. of the MRI model for SIMS, exp(...)(1 - erf(...)) / 2w."""
    w, s = 2e-9, 3e-9
    z = np.linspace(-20e-9, 40e-9, 301)
    u = z + w
    expected = np.exp(s**2 / (2 * w**2) - u / w) * (1.0 - erf((s / w - u / s) / np.sqrt(2.0))) / (2.0 * w)
    np.testing.assert_allclose(response(z, Resolution(w, s, 1e-15)), expected, rtol=1e-5, atol=1e-3)


def test_extreme_ratios_do_not_overflow() -> None:
    z = np.linspace(-1e-6, 1e-6, 2001)
    for shape in (
        Resolution(1e-12, 30e-9, 1e-12),
        Resolution(50e-9, 1e-12, 1e-12),
        Resolution(1e-12, 1e-9, 50e-9),
    ):
        assert np.isfinite(response(z, shape)).all()
        steps = resolved(z, shape)
        assert np.all(np.diff(steps) > -1e-14)
        assert steps[0] == pytest.approx(0.0, abs=1e-8)
        assert steps[-1] == pytest.approx(1.0, abs=1e-8)


def test_a_tail_decays_with_the_mixing_length() -> None:
    g = response(np.array([60e-9, 70e-9]), Resolution(4e-9, 3e-9, 0.4e-9))
    assert 10e-9 / np.log(g[0] / g[1]) == pytest.approx(4e-9, rel=1e-6)


# --- profiles --------------------------------------------------------------------------------------------------------


def test_area_is_conserved() -> None:
    chance = np.random.default_rng(1)
    edges = np.sort(chance.uniform(0.0, 400e-9, 31))
    density = chance.uniform(0.0, 1e26, 30)
    depth = np.linspace(-400e-9, 900e-9, 26_001)
    seen = blur(depth, edges, density, [(edges[-1], 3e18), (100e-9, 1e18)], SHAPES[0])
    true = float(density @ np.diff(edges)) + 4e18
    assert np.trapezoid(seen, depth) == pytest.approx(true, rel=1e-6)


def test_perfect_resolution_returns_the_profile() -> None:
    edges = np.array([0.0, 50e-9, 200e-9, 450e-9])
    density = np.array([3e25, 1e25, 5e25])
    depth = np.array([20e-9, 49e-9, 51e-9, 120e-9, 199e-9, 201e-9, 440e-9, 460e-9])
    seen = blur(depth, edges, density, [], Resolution(1e-12, 1e-12, 1e-12))
    np.testing.assert_allclose(seen, [3e25, 3e25, 1e25, 1e25, 1e25, 5e25, 5e25, 0.0], rtol=1e-12, atol=1.0)


def test_an_even_film_stays_even() -> None:
    depth = np.linspace(100e-9, 300e-9, 11)
    np.testing.assert_allclose(
        blur(depth, np.array([-np.inf, np.inf]), np.array([2e25]), [], SHAPES[0]), 2e25
    )


# --- a sample --------------------------------------------------------------------------------------------------------


def test_a_monolayer_alone_is_the_resolution_function() -> None:
    control, _ = specimens.films()
    protocol = tof_sims.Protocol(step="0.5 nm")
    measured = validate(tof_sims.measure(control, protocol))
    depth = measured["sputter_depth"].values
    seen = measured["species_density"].sel(species="sam").values
    np.testing.assert_allclose(seen, 7e17 * response(depth - 450e-9, protocol.resolution), rtol=1e-12)
    assert all(row.passed for row in checks_of(measured).values())
    assert measured.attrs["film_thickness"] == pytest.approx(450e-9)


def test_additive_and_monolayer_peak_at_the_buried_interface_and_only_there() -> None:
    _, target = specimens.films()
    found = tof_sims.analyse(tof_sims.measure(target))
    assert found["interface_depth"].value == pytest.approx(450e-9, abs=1e-9)
    assert found["peak_depth sam"].value == pytest.approx(450e-9, abs=1e-9)
    assert found["peak_depth additive"].value == pytest.approx(450e-9, abs=15e-9)
    assert found["enrichment additive"].value > 2.0
    assert found["enrichment sam"].value == pytest.approx(1e4)
    assert "at least" in found["enrichment sam"].method
    for matrix in ("perovskite", "oxide"):
        assert np.isnan(found[f"peak_depth {matrix}"].value)
    assert found["enrichment perovskite"].value == pytest.approx(1.0)


def test_the_excess_is_the_sheet_whatever_the_resolution() -> None:
    _, target = specimens.films()
    edges = np.linspace(0.0, 450e-9, 91)
    even = replace(target, profile=(edges, np.full(90, 2e25)))
    for roughness in ("3 nm", "10 nm", "15 nm"):
        found = tof_sims.analyse(
            tof_sims.measure(even, tof_sims.Protocol(roughness=roughness, below="100 nm"))
        )
        assert found["excess sam"].value == pytest.approx(8e17, rel=1e-3)
        assert found["excess additive"].value == pytest.approx(5e17, rel=0.05)


def test_a_residue_under_the_film_counts_to_the_interface() -> None:
    _, target = specimens.films()
    more = replace(target, dried=SimpleNamespace(film_thickness=450e-9, residue=1e18))
    plain, rich = (
        tof_sims.analyse(tof_sims.measure(sample))["excess additive"].value for sample in (target, more)
    )
    assert rich - plain == pytest.approx(1e18, rel=1e-3)


def test_a_film_without_additive_has_no_carboxylate() -> None:
    control, target = specimens.films()
    measured = tof_sims.measure(control)
    assert float(measured["signal"].sel(species="additive").max()) == 0.0
    found = tof_sims.analyse(measured)
    assert np.isnan(found["peak_depth additive"].value)
    assert found["peak_depth additive"].method == "no signal"
    assert list(tof_sims.measure(target)["fragment"].values) == ["COO-", "PO3-", "PbI3-", "NiO-"]


def test_the_surface_shows_no_edge() -> None:
    _, target = specimens.films()
    measured = tof_sims.measure(target)
    first = measured["signal"].isel(sputter_depth=0)
    assert float(first.sel(species="perovskite")) == pytest.approx(1.0)
    density = target.profile[1]
    assert float(measured["species_density"].sel(species="additive")[0]) == pytest.approx(
        density[-1], rel=1e-3
    )


def test_points_edges_and_centres_of_a_profile_are_the_same_film() -> None:
    _, target = specimens.films()
    edges = np.linspace(0.0, 450e-9, 46)
    density = 1e25 + 1e24 * np.arange(45)
    by_edges = tof_sims.measure(replace(target, profile=(edges, density)))
    by_centres = tof_sims.measure(replace(target, profile=(0.5 * (edges[1:] + edges[:-1]), density)))
    np.testing.assert_allclose(
        by_edges["species_density"], by_centres["species_density"], rtol=1e-9, atol=1e12
    )


def test_an_additive_without_carboxyl_is_not_called_carboxylate() -> None:
    _, target = specimens.films()
    amine = type(target.additive)(
        **{**vars(target.additive), "name": "PEAI", "anchors": ("ammonium",), "carbonyls": 0}
    )
    measured = tof_sims.measure(replace(target, additive=amine))
    assert str(measured["fragment"].sel(species="additive").values) == "CN-"
    assert any("no carboxyl" in note for note in notes_of(measured))


# --- analysis of any profile -----------------------------------------------------------------------------------------


def test_a_profile_from_a_file_is_read() -> None:
    found = tof_sims.analyse(synthetic.tof_sims(face=400e-9, decay=6e-9))
    assert found["interface_depth"].value == pytest.approx(400e-9, abs=1e-9)
    assert found["peak_depth sam"].value == pytest.approx(400e-9, abs=1.5e-9)
    assert found["decay_length sam"].value == pytest.approx(6e-9, rel=1e-3)
    assert found["enrichment additive"].value == pytest.approx(0.975 / 0.05, rel=0.02)
    assert "excess additive" not in found


def test_a_profile_that_never_reaches_the_oxide_says_so() -> None:
    dataset = synthetic.tof_sims()
    short = dataset.isel(sputter_depth=slice(0, 250))
    found = tof_sims.analyse(short)
    assert np.isnan(found["interface_depth"].value)
    assert np.isnan(found["enrichment additive"].value)
    assert np.isnan(found["peak_depth oxide"].value)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_sample_without_film_is_refused() -> None:
    with pytest.raises(InputError, match="depth profile"):
        tof_sims.measure(specimens.washed()[0])


@pytest.mark.parametrize(
    "wrong", [{"mixing": "0 nm"}, {"roughness": "-1 nm"}, {"step": "1 pm"}, {"dynamic_range": 1}]
)
def test_impossible_protocols_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        tof_sims.Protocol(**wrong)


def test_erfc_is_what_the_module_says() -> None:
    """The closed form in the module's docstring, term by term."""
    shape = Resolution(2e-9, 3e-9, 1e-9)
    w, s, inf = shape
    u = np.linspace(-10e-9, 20e-9, 61) + w
    behind = np.exp(s**2 / 2 / w**2 - u / w) * erfc((s / w - u / s) / np.sqrt(2.0))
    before = np.exp(s**2 / 2 / inf**2 + u / inf) * erfc((s / inf + u / s) / np.sqrt(2.0))
    np.testing.assert_allclose(
        response(u - w, shape), (behind + before) / (2.0 * (w + inf)), rtol=1e-9, atol=1e-3
    )


def test_a_measurement_comes_back_from_disk_and_says_the_same(tmp_path: Path) -> None:
    measured = tof_sims.measure(specimens.films()[1])
    again = measurement.load(measurement.save(measured, tmp_path / "m.nc"))
    assert tof_sims.analyse(again).to_json() == tof_sims.analyse(measured).to_json()
    assert again.attrs["recipe"] == measured.attrs["recipe"]
    style.save(tof_sims.plot([again, again]), tmp_path / "figure")


def test_the_key_names_every_species_that_any_sample_has() -> None:
    """The last sample has no additive, and its curve in the first one is named all the same."""
    measured = tof_sims.measure(specimens.films()[1])
    without = measured.copy(deep=True)
    without["signal"].loc[{"species": "additive"}] = 0.0
    named = {text.get_text().partition(" ")[0] for text in tof_sims.plot([measured, without]).axes[1].texts}
    assert {"additive", "monolayer", "perovskite", "oxide"} <= named
