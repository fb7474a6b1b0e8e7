"""Light on tandems with columns side by side in a junction: means by area of one calculation for each."""

import numpy as np
import pytest

import perotwin as pt
from cells import faces, patchy, step_tandem, three, told
from perotwin.errors import InputError
from perotwin.optics import parts
from perotwin.optics import tandem as tandem_rules
from perotwin.optics.reuse import reusing
from perotwin.optics.tandem import Parts
from perotwin.stack import Tandem, load

AREA = 0.7
#: what a second column has otherwise, where light is to see it: also other wavelengths and other energies of emission
OTHER = {"perovskite.thickness": "260 nm", "perovskite.bandgap": "1.74 eV"}


@pytest.fixture(scope="module")
def target() -> Tandem:
    return load("tandem-target")


@pytest.fixture(scope="module")
def plain(target: Tandem) -> Parts:
    return told(target)


@pytest.fixture(scope="module")
def other(target: Tandem) -> Parts:
    """The second column of `mixed` alone."""
    return told(target.with_values({f"top.{path}": value for path, value in OTHER.items()}))


@pytest.fixture(scope="module")
def mixed(target: Tandem) -> Parts:
    return told(patchy(target, "top", (AREA, 1 - AREA), **OTHER))


@pytest.mark.parametrize("which", ["top", "bottom"])
def test_equal_columns_are_the_plain_tandem(target: Tandem, plain: Parts, which: str) -> None:
    cell = patchy(target, which)
    seen = told(cell)
    for name in cell.stacks:
        junction = name.partition(".")[0]
        here, there = seen.absorption[name], plain.absorption[junction]
        np.testing.assert_allclose(here.generation, there.generation, rtol=1e-12)
        np.testing.assert_allclose(here.spectral, there.spectral, rtol=1e-12)
        assert here.layers == there.layers
        one, two = seen.emissions[name]["perovskite"], plain.emissions[junction]["perovskite"]
        for key in ("internal", "escape_front", "escape_back", "parasitic", "net"):
            assert getattr(one, key) == pytest.approx(getattr(two, key), rel=1e-12, abs=0.0)
    for key in ("reflectance", "transmittance", "absorptance"):
        np.testing.assert_allclose(getattr(seen.whole, key), getattr(plain.whole, key), rtol=1e-12)
    assert seen.whole.photocurrent == pytest.approx(plain.whole.photocurrent, rel=1e-12)
    assert seen.emission.j0_optical == pytest.approx(plain.emission.j0_optical, rel=1e-12, abs=0.0)
    assert seen.whole.notes == plain.whole.notes, "what all columns say is said once"
    (down,) = plain.coupling
    for light, area in zip(seen.coupling, (0.7, 0.3), strict=True):
        assert light.share == pytest.approx((area if which == "top" else 1.0) * down.share, rel=1e-12)
        np.testing.assert_allclose(light.profile, down.profile, rtol=1e-12)


def test_what_lies_under_columns_gets_the_mean_by_area(plain: Parts, other: Parts, mixed: Parts) -> None:
    def mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return AREA * a + (1 - AREA) * b

    bottom = mixed.absorption["bottom"].generation
    one, two = plain.absorption["bottom"].generation, other.absorption["bottom"].generation
    np.testing.assert_allclose(bottom, mean(one, two), rtol=1e-12)
    assert abs(two.sum() / one.sum() - 1) > 0.01, "the columns differ for the bottom"
    for name, alone in (("top.covered", plain), ("top.bare", other)):
        np.testing.assert_allclose(
            mixed.absorption[name].generation, alone.absorption["top"].generation, rtol=1e-12
        )
        assert mixed.emissions[name].net_current("perovskite") == alone.emissions["top"].net_current(
            "perovskite"
        )
    nets = [each.emissions["bottom"].net_current("perovskite") for each in (plain, other)]
    assert mixed.emissions["bottom"].net_current("perovskite") == pytest.approx(
        mean(*nets), rel=1e-12, abs=0.0
    )
    # integrals are those of the columns, whatever the wavelengths
    for layer in ("top perovskite", "bottom perovskite", "top ito"):
        wanted = mean(plain.whole.current(layer), other.whole.current(layer))
        assert mixed.whole.current(layer) == pytest.approx(wanted, rel=1e-4)
    spectra = [one.emission["bottom perovskite"] for one in (plain, other, mixed)]
    integrals = [np.trapezoid(part.spectrum_front, part.energy) for part in spectra]
    assert integrals[2] == pytest.approx(mean(*integrals[:2]), rel=1e-9)


def test_all_light_is_accounted_for(mixed: Parts) -> None:
    whole = mixed.whole
    total = whole.reflectance + whole.transmittance + whole.absorptance.sum(axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    assert all(row.passed for row in whole.checks.values())
    assert {name.partition(":")[0] for name in whole.checks} == {"top.covered", "top.bare"}
    assert {name.partition(":")[0] for name in mixed.emission.checks} == {"top.covered", "top.bare"}
    generation = [mixed.absorption[name].generation for name in ("top.covered", "top.bare", "bottom")]
    shares = (AREA, 1 - AREA, 1.0)
    np.testing.assert_allclose(
        whole.generation, np.concatenate([s * g for s, g in zip(shares, generation, strict=True)]), rtol=1e-12
    )
    for one in mixed.absorption.values():
        np.testing.assert_array_equal(one.wavelength, whole.wavelength)
        np.testing.assert_allclose(
            one.photon_flux @ one.spectral, one.generation, rtol=1e-9, atol=1e-9 * one.generation.max()
        )


def test_columns_shine_on_what_lies_under_them_by_their_area(
    plain: Parts, other: Parts, mixed: Parts
) -> None:
    shares = {one.emitter: one for one in mixed.coupling}
    assert set(shares) == {"top.covered", "top.bare"}
    for emitter, area, alone in (("top.covered", AREA, plain), ("top.bare", 1 - AREA, other)):
        assert shares[emitter].receiver == "bottom"
        assert shares[emitter].share == pytest.approx(area * alone.coupling[0].share, rel=1e-12)
        np.testing.assert_allclose(shares[emitter].profile, alone.coupling[0].profile, rtol=1e-12)


def test_what_lies_above_columns_shines_on_each(target: Tandem) -> None:
    """Seen from the other end, so that the wide gap lies behind: it emits into the columns of the narrow one."""
    turned = target.mirrored()
    cell = patchy(turned, "top", (0.2, 0.8), **{"perovskite.thickness": "700 nm"})
    seen, thick, thin = told(cell), told(turned), told(turned.with_values({"top.thickness": "700 nm"}))
    assert {one.emitter for one in seen.coupling} == {"bottom"}
    nets = [one.emissions["bottom"].net_current("perovskite") for one in (thick, thin)]
    mean = 0.2 * nets[0] + 0.8 * nets[1]
    assert seen.emissions["bottom"].net_current("perovskite") == pytest.approx(mean, rel=1e-12, abs=0.0)
    for light, alone, net in zip(seen.coupling, (thick, thin), nets, strict=True):
        assert light.share == pytest.approx(alone.coupling[0].share * net / mean, rel=1e-12)
    # pairs made in both, over events in the emitter: never more than one
    assert 0.2 * seen.coupling[0].share + 0.8 * seen.coupling[1].share < 1.0


def test_no_more_photons_arrive_than_are_lost() -> None:
    cell = patchy(patchy(three(), "middle", (0.6, 0.4), **{"perovskite.thickness": "300 nm"}), "top", (0.5, 0.5),
                  **{"perovskite.thickness": "350 nm"})  # fmt: skip
    seen = told(cell)
    assert [area for area, _, _ in cell.columns] == pytest.approx([0.3, 0.2, 0.3, 0.2])
    assert list(seen.absorption) == ["top.covered", "top.bare", "middle.covered", "middle.bare", "bottom"]
    for emitter in cell.stacks:
        arrived = sum(one.share * cell.areas[one.receiver] for one in seen.coupling if one.emitter == emitter)
        assert arrived <= cell.areas[emitter] * (1 + 1e-12)
        if emitter != "bottom":
            assert arrived > 0.1 * cell.areas[emitter]
    for one in seen.coupling:
        assert one.profile.sum() == pytest.approx(1.0, abs=1e-12)
    whole = seen.whole
    np.testing.assert_allclose(
        whole.reflectance + whole.transmittance + whole.absorptance.sum(axis=0), 1.0, atol=1e-12
    )
    # by hand: what the bottom gets under each pair
    one = [told(alone).absorption["bottom"].generation for _, _, alone in cell.columns]
    wanted = sum(area * generation for (area, _, _), generation in zip(cell.columns, one, strict=True))
    np.testing.assert_allclose(seen.absorption["bottom"].generation, wanted, rtol=1e-12)


def test_columns_that_light_sees_alike_are_solved_once(
    target: Tandem, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    right = tandem_rules.absorb
    monkeypatch.setattr(
        tandem_rules, "absorb", lambda cell, *a, **b: done.append(cell.name) or right(cell, *a, **b)
    )
    told(patchy(target, "top", **{"niox|perovskite.dipole": "0 eV"}))
    assert len(done) == 1
    cell = patchy(target, "top", **OTHER)
    told(cell)
    assert len(done) == 3
    with reusing():
        first = told(cell)
        assert told(cell.with_values({"top.bare.niox|perovskite.dipole": "0 eV"})) is first
        assert told(cell.with_values({"top.bare.area": 0.4})) is not first


def test_prescribed_and_step_generation_go_by_area() -> None:
    cell = patchy(step_tandem(1.79, 1.25), "top", (0.25, 0.75), **{"perovskite.electronic.bandgap": 1.9})
    seen = parts(cell, {name: faces(one, 4) for name, one in cell.stacks.items()})
    alone = {
        gap: parts(one, {name: faces(stack, 4) for name, stack in one.stacks.items()})
        for gap in (1.79, 1.9)
        for one in [step_tandem(gap, 1.25)]
    }
    assert seen.absorption["top.bare"].photocurrent == pytest.approx(
        alone[1.9].absorption["top"].photocurrent, rel=1e-12
    )
    under = [
        0.25 * alone[1.79].absorption["bottom"].photocurrent,
        0.75 * alone[1.9].absorption["bottom"].photocurrent,
    ]
    assert seen.absorption["bottom"].photocurrent == pytest.approx(sum(under), rel=1e-12)
    assert seen.coupling == ()


def test_suns_of_a_patchy_junction_are_those_of_all_its_columns(target: Tandem, plain: Parts) -> None:
    cell = patchy(target, "top").with_values({"top.light.intensity": "0.5 sun", "light.intensity": "2 sun"})
    seen = told(cell)
    for name, factor in (("top.covered", 1.0), ("top.bare", 1.0), ("bottom", 2.0)):
        there = plain.absorption[name.partition(".")[0]]
        np.testing.assert_allclose(seen.absorption[name].generation, factor * there.generation, rtol=1e-12)
        np.testing.assert_allclose(seen.absorption[name].photon_flux, factor * there.photon_flux, rtol=1e-12)


def test_one_sun_of_a_laser_must_be_the_same_on_all_columns(target: Tandem) -> None:
    laser = {"light.spectrum": {"kind": "monochromatic", "wavelength": "532 nm"}}
    told(patchy(target, "top").with_values(laser))
    with pytest.raises(InputError, match="not the same for these columns"):
        told(patchy(target, "top", **OTHER).with_values(laser))
    # a given wavelength asks for no sun
    seen = told(patchy(target, "top", **OTHER), wavelength=[532e-9], emission=False)
    assert seen.absorption["bottom"].spectral.shape[0] == 1


def test_without_light_only_the_emission_is_left(target: Tandem, mixed: Parts) -> None:
    seen = told(patchy(target, "top", (AREA, 1 - AREA), **OTHER), light=False)
    assert seen.whole is None and set(seen.absorption.values()) == {None}
    assert [one.share for one in seen.coupling] == [one.share for one in mixed.coupling]


def test_the_library_has_one() -> None:
    cell = pt.load("patchy-tandem")
    seen = told(cell)
    assert list(seen.absorption) == ["top.covered", "top.bare", "bottom"]
    assert all(130.0 < one.photocurrent < 170.0 for one in seen.absorption.values())
    # light does not see the face: each column sends down what the whole top of `tandem-target` does, by its area
    (whole,) = (one.share for one in told(pt.load("tandem-target")).coupling)
    assert [one.share for one in seen.coupling] == pytest.approx([0.9 * whole, 0.1 * whole], rel=1e-9)
