"""The transfer matrix against the `tmm` package on random stacks, and against what optics knows in closed
form.
"""

import numpy as np
import pytest
import tmm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perotwin.errors import InputError
from perotwin.optics import solve

TOLERANCE = 1e-9
COMMON = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

transparent = st.builds(complex, st.floats(1.0, 3.5), st.just(0.0))
absorbing = st.builds(lambda n, e: complex(n, 10.0**e), st.floats(1.0, 3.5), st.floats(-7, 0.0))
metal = st.builds(complex, st.floats(0.05, 1.5), st.floats(2.0, 6.0))
thin = st.tuples(st.one_of(transparent, absorbing, metal), st.floats(1e-9, 500e-9), st.just(True))
thick = st.tuples(
    st.builds(lambda n, e: complex(n, 10.0**e), st.floats(1.2, 2.0), st.floats(-9, -4)),
    st.floats(1e-6, 500e-6),
    st.just(False),
)
angles = st.one_of(st.just(0.0), st.floats(0.05, 1.45))


def opaque(index: np.ndarray, thickness: np.ndarray, wavelength: float, sine: float) -> bool:
    """Whether some film is so opaque that tmm clips it."""
    q = np.sqrt(index[1:-1] ** 2 - sine**2 + 0j)
    return bool(np.any(2 * np.pi / wavelength * q.imag * thickness > 12))


def reference_profile(fn: tmm.absorp_analytic_fn, edges: np.ndarray) -> np.ndarray | None:
    """Integral of tmm's absorption function between edges; None where its closed form loses all digits."""
    if abs(fn.a1) * fn.d < 1e-9 or abs(fn.a3) * fn.d < 1e-9:
        return None
    primitive = (
        fn.A1 * np.expm1(fn.a1 * edges) / fn.a1
        - fn.A2 * np.expm1(-fn.a1 * edges) / fn.a1
        + 2 * (fn.A3 * (np.exp(1j * fn.a3 * edges) - 1) / (1j * fn.a3)).real
    )
    return np.diff(primitive.real)


@COMMON
@given(
    films=st.lists(thin, min_size=1, max_size=7),
    first=st.floats(1.0, 2.5),
    last=st.one_of(transparent, absorbing),
    wavelength=st.floats(300e-9, 1500e-9),
    angle=angles,
    polarisation=st.sampled_from("sp"),
    where=st.lists(st.floats(0, 1), min_size=3, max_size=6),
)
def test_coherent_stacks_agree_with_tmm(films, first, last, wavelength, angle, polarisation, where) -> None:
    index = np.array([first, *(film[0] for film in films), last])
    thickness = np.array([film[1] for film in films])
    sine = first * np.sin(angle)
    if opaque(index, thickness, wavelength, sine):
        return
    found = solve(index[:, None], thickness, [wavelength], transverse=sine, polarisation=polarisation)
    wanted = tmm.coh_tmm(polarisation, index, [np.inf, *thickness, np.inf], angle, wavelength)
    assert found.reflectance[0] == pytest.approx(wanted["R"], abs=TOLERANCE)
    assert found.transmittance[0] == pytest.approx(wanted["T"], abs=TOLERANCE)
    np.testing.assert_allclose(
        found.absorptance[:, 0], tmm.absorp_in_each_layer(wanted)[1:-1], rtol=0, atol=TOLERANCE
    )
    assert found.reflectance + found.transmittance + found.absorptance.sum(0) == pytest.approx(1.0, abs=1e-12)
    for layer, thick_ in enumerate(thickness):
        edges = thick_ * np.array([0.0, *sorted(where), 1.0])
        profile = found.absorbed(layer, edges)[:, 0]
        assert profile.sum() == pytest.approx(found.absorptance[layer, 0], abs=1e-12)
        expected = reference_profile(tmm.absorp_analytic_fn().fill_in(wanted, layer + 1), edges)
        if expected is not None:
            np.testing.assert_allclose(profile, expected, rtol=0, atol=TOLERANCE)


@COMMON
@given(
    films=st.lists(st.one_of(thin, thick), min_size=1, max_size=6),
    last=st.one_of(transparent, absorbing),
    wavelength=st.floats(300e-9, 1500e-9),
    angle=angles,
    polarisation=st.sampled_from("sp"),
    where=st.lists(st.floats(0, 1), min_size=3, max_size=6),
)
def test_stacks_with_thick_layers_agree_with_tmm(films, last, wavelength, angle, polarisation, where) -> None:
    index = np.array([1.0, *(film[0] for film in films), last])
    thickness = np.array([film[1] for film in films])
    coherent = [film[2] for film in films]
    if opaque(index, thickness, wavelength, np.sin(angle)):
        return
    found = solve(
        index[:, None],
        thickness,
        [wavelength],
        coherent=coherent,
        transverse=np.sin(angle),
        polarisation=polarisation,
    )
    kinds = ["i", *("c" if flag else "i" for flag in coherent), "i"]
    wanted = tmm.inc_tmm(polarisation, index, [np.inf, *thickness, np.inf], kinds, angle, wavelength)
    assert found.reflectance[0] == pytest.approx(wanted["R"], abs=TOLERANCE)
    assert found.transmittance[0] == pytest.approx(wanted["T"], abs=TOLERANCE)
    absorbed = np.array(tmm.inc_absorp_in_each_layer(wanted))[1:-1]
    np.testing.assert_allclose(found.absorptance[:, 0], absorbed, rtol=0, atol=TOLERANCE)
    assert found.reflectance + found.transmittance + found.absorptance.sum(0) == pytest.approx(1.0, abs=1e-12)
    for layer, film in enumerate(films):
        edges = film[1] * np.array([0.0, *sorted(where), 1.0])
        profile = found.absorbed(layer, edges)[:, 0]
        assert profile.sum() == pytest.approx(found.absorptance[layer, 0], abs=1e-12)
        if not film[2]:
            continue
        run, place = wanted["stack_from_all"][layer + 1]
        ahead, behind = wanted["stackFB_list"][run]
        fn = tmm.absorp_analytic_fn().fill_in(wanted["coh_tmm_data_list"][run], place)
        fn.scale(ahead)
        back = tmm.absorp_analytic_fn().fill_in(wanted["coh_tmm_bdata_list"][run], -1 - place)
        back.flip()
        back.scale(behind)
        back.a1, back.a3 = fn.a1, fn.a3  # equal up to rounding, which tmm's own sum does not forgive
        expected = reference_profile(fn.add(back), edges)
        if expected is not None:
            np.testing.assert_allclose(profile, expected, rtol=0, atol=TOLERANCE)


@COMMON
@given(
    films=st.lists(st.one_of(thin, thick), min_size=1, max_size=6),
    wavelength=st.floats(300e-9, 1500e-9),
    angle=angles,
)
def test_light_passes_alike_from_both_sides(films, wavelength, angle) -> None:
    """Reciprocity: the transmittance does not know the direction."""
    index = np.array([1.0, *(film[0] for film in films), 1.0])
    thickness = np.array([film[1] for film in films])
    coherent = [film[2] for film in films]
    light = {"transverse": np.sin(angle)}
    ahead = solve(index[:, None], thickness, [wavelength], coherent=coherent, **light)
    back = solve(index[::-1, None], thickness[::-1], [wavelength], coherent=coherent[::-1], **light)
    assert ahead.transmittance[0] == pytest.approx(back.transmittance[0], abs=1e-12, rel=1e-4)


def test_fresnel() -> None:
    """One face: 4 % from glass at normal incidence, nothing at Brewster's angle in p, everything beyond the
    critical one.
    """
    n = 1.5
    face = solve(np.array([[1.0], [n]]), [], [500e-9])
    assert face.reflectance[0] == pytest.approx(((n - 1) / (n + 1)) ** 2, abs=1e-15)
    brewster = solve(np.array([[1.0], [n]]), [], [500e-9], transverse=np.sin(np.arctan(n)), polarisation="p")
    assert brewster.reflectance[0] == pytest.approx(0.0, abs=1e-30)
    total = solve(np.array([[n], [1.0]]), [], [500e-9], transverse=n * np.sin(np.radians(50)))
    assert total.reflectance[0] == pytest.approx(1.0, abs=1e-14)
    assert total.transmittance[0] == pytest.approx(0.0, abs=1e-14)


def test_fabry_perot() -> None:
    """A lossless plate follows Airy's formula, and its incoherent twin the sum of intensities."""
    n, d = 2.3, 1.7e-6
    lam = np.linspace(400e-9, 900e-9, 400)
    index = np.array([np.ones_like(lam), np.full_like(lam, n), np.ones_like(lam)])
    single = ((n - 1) / (n + 1)) ** 2
    finesse = 4 * single / (1 - single) ** 2
    airy = 1 / (1 + finesse * np.sin(2 * np.pi * n * d / lam) ** 2)
    np.testing.assert_allclose(solve(index, [d], lam).transmittance, airy, rtol=1e-12)
    plate = solve(index, [d], lam, coherent=[False])
    np.testing.assert_allclose(plate.transmittance, (1 - single) / (1 + single), rtol=1e-12)


def test_beer_lambert() -> None:
    """With matched faces the profile is exponential."""
    n, lam, d = 1.8 + 0.02j, 550e-9, 2e-6
    # the last medium has the film's own index, so nothing comes back; the first one's reflection is known
    found = solve(np.array([[1.8], [n], [n]]), [d], [lam])
    edges = np.linspace(0, d, 21)
    alpha = 4 * np.pi * n.imag / lam
    expected = (1 - found.reflectance[0]) * -np.diff(np.exp(-alpha * edges))
    np.testing.assert_allclose(found.absorbed(0, edges)[:, 0], expected, rtol=1e-12)
    thick = solve(np.array([[1.8], [1.8 + 1e-4j], [1.8]]), [1e-3], [lam], coherent=[False])
    alpha = 4 * np.pi * 1e-4 / lam
    assert thick.absorptance[0, 0] == pytest.approx(1 - np.exp(-alpha * 1e-3), rel=1e-6)


def test_a_quarter_wave_layer_takes_the_reflection_away() -> None:
    lam, n = 600e-9, 1.5
    coat = np.sqrt(n)
    found = solve(np.array([[1.0], [coat], [n]]), [lam / 4 / coat], [lam])
    assert found.reflectance[0] == pytest.approx(0.0, abs=1e-30)


def test_nothing_overflows() -> None:
    """A micrometre of silver, ten of perovskite, a centimetre of both: finite, and all light accounted
    for.
    """
    lam = np.linspace(300e-9, 1200e-9, 100)
    air, pvk, ag = (
        np.ones_like(lam),
        np.full_like(lam, 2.4 + 0.9j, complex),
        np.full_like(lam, 0.05 + 6j, complex),
    )
    for d in ([10e-6, 1e-6], [1e-2, 1e-2]):
        found = solve(np.array([air, pvk, ag, air]), d, lam)
        edges = np.linspace(0, d[0], 101)
        assert np.all(np.isfinite(found.absorptance)) and np.all(np.isfinite(found.absorbed(0, edges)))
        total = found.reflectance + found.transmittance + found.absorptance.sum(0)
        np.testing.assert_allclose(total, 1.0, atol=1e-12)
    thick = solve(np.array([air, pvk, air]), [1e-2], lam, coherent=[False])
    np.testing.assert_allclose(thick.reflectance + thick.absorptance[0], 1.0, atol=1e-12)


def test_evanescent_waves_in_thick_glass_stay_finite() -> None:
    """Rays inside an absorber beyond the critical angle of the glass."""
    lam = np.array([700e-9])
    sine = np.linspace(0.0, 2.3, 47)[:, None]
    index = np.array([[2.35], [1.9 + 0.01j], [1.52 + 1e-7j], [1.0]])
    for polarisation in ("s", "p"):
        found = solve(
            index, [150e-9, 1.1e-3], lam, coherent=[True, False], transverse=sine, polarisation=polarisation
        )
        total = found.reflectance + found.transmittance + found.absorptance.sum(0)
        np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_many_angles_and_wavelengths_at_once_equal_one_by_one() -> None:
    lam = np.array([450e-9, 600e-9, 750e-9])
    index = np.array([[1, 1, 1], [2.5 + 0.5j, 2.4 + 0.2j, 2.3 + 0.01j], [0.1 + 3j, 0.1 + 4j, 0.1 + 5j]])
    sine = np.sin(np.radians([0, 30, 60]))[:, None]
    both = solve(index, [300e-9], lam, transverse=sine)
    assert both.reflectance.shape == (3, 3) and both.absorptance.shape == (1, 3, 3)
    for i, s in enumerate(sine[:, 0]):
        for j, wavelength in enumerate(lam):
            one = solve(index[:, j : j + 1], [300e-9], [wavelength], transverse=s)
            assert both.reflectance[i, j] == pytest.approx(one.reflectance[0], abs=1e-14)
            assert both.absorptance[0, i, j] == pytest.approx(one.absorptance[0, 0], abs=1e-14)


def test_misfits_are_refused() -> None:
    with pytest.raises(InputError, match="half-spaces"):
        solve(np.ones((2, 1)), [1e-7], [500e-9])
    with pytest.raises(InputError, match="k < 0"):
        solve(np.array([[1.0], [2 - 0.1j], [1.0]]), [1e-7], [500e-9])
