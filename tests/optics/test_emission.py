"""Emission: the Shockley-Queisser limit, reciprocity, the balance of photons, and the ray picture where it is
exact.
"""

import numpy as np
import pytest

import perotwin as pt
from cells import cell, layer, optical_cell, slab
from perotwin.errors import UnknownNameError
from perotwin.materials import HC, optical
from perotwin.optics import emission as rules
from perotwin.optics import emit
from perotwin.optics.films import films

Q = 1.602176634e-19
KT = 1.380649e-23 / Q * 298.15


def near(value: float, rel: float = 1e-9) -> object:
    """A current of any size: `pytest.approx` takes all that are below 1e-12 for equal unless it is told not to."""
    return pytest.approx(value, rel=rel, abs=0.0)


@pytest.mark.parametrize("gap, current", [(1.79, 7.4187e-25), (1.25, 4.917e-16)])
def test_a_step_absorber_emits_what_shockley_and_queisser_say(gap: float, current: float) -> None:
    found = emit(slab(gap, light='generation = "step"'))
    assert found.net_current("perovskite") / 10 == near(current, rel=1e-4)
    assert found.j0_radiative == found.j0_optical == found["perovskite"].internal
    assert found.plqy(0.3) == pytest.approx(0.3), "nothing is absorbed again"


def test_the_series_is_the_bose_integral() -> None:
    from scipy.integrate import quad

    for gap in (0.3, 1.25):
        value = quad(lambda e: e**2 / np.expm1(e / KT), gap, gap + 3, epsabs=0, limit=200)[0]
        assert rules.step_current(gap, 298.15) == near(rules._BLACK_BODY * value, rel=1e-9)


@pytest.mark.parametrize("name", ["wbg-control", "wbg-target", "nip-example", "nbg"])
def test_the_cells_of_the_library(name: str) -> None:
    found = emit(pt.load(name))
    assert all(row.passed for row in found.checks.values()), found.checks
    for part in found.absorbers.values():
        total = part.escape_probability + part.parasitic_probability + part.reabsorption_probability
        assert total == pytest.approx(1.0)
        assert 0.01 < part.escape_probability < 0.3 and 0.05 < part.parasitic_probability < 0.6
        assert part.escape_back < 0.01 * part.escape_front, "the metal is opaque"
        assert part.parasitic == near(sum(part.taken.values()))
    # the cell's own absorptance bounds its voltage; luminescence that other layers take costs some more
    assert 0.01 < found.voc_radiative(200.0) - found.voc_optical(200.0) < 0.1


def test_emission_is_that_of_the_absorptance_by_reciprocity() -> None:
    """At normal incidence the spectrum follows the cell's own absorptance: J0 = q int A phi, angle by
    angle.
    """
    stack = optical_cell()
    part = emit(stack)["perovskite"]
    bound = films(stack)
    mu, weight = np.polynomial.legendre.leggauss(24)
    mu, weight = (mu + 1) / 2, weight / 2
    lit = bound.lit(HC / part.energy, "front", sine=np.sqrt(1 - mu**2)[:, None])
    absorptance = np.einsum("a,ae->e", 2 * mu * weight, lit.absorptance[bound.names.index("perovskite")])
    black = 2 * np.pi * Q * 299792458 / HC**3 * part.energy**2 / np.expm1(part.energy / KT)
    np.testing.assert_allclose(part.spectrum_front, black * absorptance, rtol=1e-3)


def test_a_thick_absorber_escapes_as_rays_do() -> None:
    """Without interference waves and rays agree."""
    part = emit(optical_cell(thickness="6 um"))["perovskite"]
    assert part.escape == near(part.escape_by_rays, rel=0.01)


def test_a_bare_slab_keeps_all_photons_but_those_that_escape() -> None:
    """No other layer, so no parasitic absorption; one refracting face each side: escape = 2 T / (4 n^2) for
    thin alpha d.
    """
    stack = cell(
        layer("perovskite", "absorber", "halide-perovskite", "20 um", gap=1.7, more="coherent = false")
    )
    part = emit(stack)["perovskite"]
    assert part.parasitic == 0.0
    assert part.escape_front == near(part.escape_back, rel=1e-9)
    assert part.escape == near(part.escape_by_rays, rel=2e-3)


def test_internal_emission_follows_van_roosbroeck_and_shockley() -> None:
    stack = optical_cell()
    part = emit(stack)["perovskite"]
    energy = np.linspace(1.2, 2.4, 20001)
    index = optical("halide-perovskite", bandgap=1.7, extrapolate=True).nk(HC / energy)
    alpha = 4 * np.pi * index.imag * energy / HC
    rate = 8 * np.pi * index.real**2 * alpha * energy**2 / (HC**3 / 299792458) / np.expm1(energy / KT)
    assert part.internal == near(Q * 450e-9 * np.trapezoid(rate, energy), rel=1e-3)


@pytest.mark.parametrize("name", ["wbg-target", "nip-example", "nbg"])
def test_a_quieter_numerical_grid_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = pt.load(name)
    used = emit(stack)["perovskite"]
    monkeypatch.setattr(rules, "_STEP", 1e-3)
    monkeypatch.setattr(rules, "_NODES", 20)
    monkeypatch.setattr(rules, "_RAYS", 20)
    monkeypatch.setattr(rules, "_TRAPPED", 30)
    better = emit(stack)["perovskite"]
    # 0.03 % is 0.01 mV
    for quantity in ("internal", "escape", "parasitic"):
        assert getattr(used, quantity) == near(getattr(better, quantity), rel=3e-4)
    monkeypatch.setattr(rules, "_STEP", 40e-3)
    assert emit(stack)["perovskite"].internal != near(better.internal, rel=3e-4), "the bound means something"


def test_luminescence_yields() -> None:
    found = emit(optical_cell())
    part = found["perovskite"]
    perfect = found.plqy(1.0)
    assert perfect == pytest.approx(part.escape / part.net)
    assert found.plqy(1e-4) == pytest.approx(1e-4 * part.escape_probability, rel=1e-3)
    assert found.elqy(0.1, "front") + found.elqy(0.1, "back") == pytest.approx(found.elqy(0.1))
    # Voc,rad + kT ln(yield) is the voltage without non-radiative events
    jsc = 200.0
    assert found.voc_radiative(jsc) + KT * np.log(perfect) == pytest.approx(found.voc_optical(jsc), abs=1e-6)


def test_a_mirrored_cell_emits_the_same_to_the_other_side() -> None:
    there, back = emit(optical_cell())["perovskite"], emit(optical_cell().mirrored())["perovskite"]
    assert back.escape_back == near(there.escape_front, rel=1e-9)
    assert back.parasitic == near(there.parasitic, rel=1e-9)


def test_warmth_moves_emission_as_the_gap_and_kt_say() -> None:
    cold, warm = slab(1.6, light='generation = "step"'), slab(1.6, light='generation = "step"')
    warm = warm.with_values({"temperature": "338.15 K"})
    ratio = emit(warm).j0_radiative / emit(cold).j0_radiative
    assert ratio == pytest.approx(
        rules.step_current(1.6, 338.15) / rules.step_current(1.6, 298.15), rel=1e-12
    )
    shifted = warm.with_values({"perovskite.electronic.bandgap_temperature_coefficient": "0.3 meV/K"})
    assert emit(shifted).j0_radiative == near(rules.step_current(1.612, 338.15), rel=1e-9)


def test_a_wide_tail_is_told() -> None:
    stack = optical_cell().with_values({"perovskite.urbach_energy": "25 meV"})
    assert any("Urbach" in note for note in emit(stack).notes)


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="perovskite"):
        emit(optical_cell())["perovskit"]
