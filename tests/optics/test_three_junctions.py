"""Light through three junctions: all of it is accounted for, and each makes light for those behind it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expn

import perotwin as pt
from cells import cell as stack_of
from cells import faces, layer, three, told
from perotwin.materials import HC
from perotwin.optics import absorb, emit, parts
from perotwin.optics.tandem import Parts
from perotwin.stack import Stack, Tandem

Q = 1.602176634e-19
NAMES = ["top", "middle", "bottom"]


@pytest.fixture(scope="module")
def cell() -> Tandem:
    return three()


@pytest.fixture(scope="module")
def found(cell: Tandem) -> Parts:
    return told(cell)


def test_all_light_is_accounted_for(cell: Tandem, found: Parts) -> None:
    seen = found.whole
    assert all(row.passed for row in seen.checks.values()), seen.checks
    total = seen.reflectance + seen.transmittance + seen.absorptance.sum(axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    assert seen.layers == tuple(one.name for one in cell.layer)
    lost = Q * seen.photon_flux @ (seen.reflectance + seen.transmittance)
    assert sum(seen.current(name) for name in seen.layers) + lost == pytest.approx(
        Q * seen.photon_flux.sum(), rel=1e-12
    )
    assert list(found.absorption) == list(found.emissions) == NAMES
    np.testing.assert_array_equal(
        np.concatenate([one.generation for one in found.absorption.values()]), seen.generation
    )
    for name, one in found.absorption.items():
        assert one.photocurrent == pytest.approx(seen.current(f"{name} perovskite"), rel=1e-9)
        assert one.photocurrent > 50.0
        assert one.faces.size == one.generation.size + 1 == one.spectral.shape[1] + 1


def test_three_junctions_are_the_stack_of_all_their_layers(cell: Tandem, found: Parts) -> None:
    """What carries no current between them is given the least that lets a stack be written."""
    gold = cell.layer[[one.name for one in cell.layer].index("au")]
    layers = [
        one
        if one is not gold
        else one.model_copy(update={"role": "buffer", "electronic": cell.middle.layer[0].electronic})
        for one in cell.layer
    ]
    flat = {"work_function": "flat-band"}
    one = Stack(
        name="one",
        light=cell.light,
        layer=layers,
        interface=cell.interface,
        contact={"front": flat, "back": flat},
    )
    x = faces(one)
    there = absorb(one, x)
    np.testing.assert_array_equal(found.whole.absorptance, there.absorptance)
    assert Q * there.generation.sum() == pytest.approx(found.whole.photocurrent, rel=1e-12)
    mine = emit(one)
    for light in found.coupling:
        part = mine[f"{light.emitter} {light.source}"]
        assert light.share == pytest.approx(
            part.taken[f"{light.receiver} {light.into}"] / part.net, rel=1e-12
        )


def test_each_junction_shines_on_those_behind_it(found: Parts) -> None:
    pairs = {(one.emitter, one.receiver): one for one in found.coupling}
    behind = {("top", "middle"), ("top", "bottom"), ("middle", "bottom")}
    assert behind < set(pairs)
    # forward only the tail of the wider gap is lit
    assert all(one.share < 1e-3 for pair, one in pairs.items() if pair not in behind)
    assert all(pairs[pair].share > 0.05 for pair in behind)
    # the middle takes most of what the top sends
    assert pairs["top", "middle"].share > 5 * pairs["top", "bottom"].share
    for emitter in NAMES:
        assert sum(one.share for one in found.coupling if one.emitter == emitter) < 1.0
    for one in found.coupling:
        assert one.profile.size == found.absorption[one.receiver].generation.size
        assert one.profile.sum() == pytest.approx(1.0, abs=1e-12) and np.all(one.profile >= 0)


def test_photons_that_are_not_coupled_leave_or_are_lost(found: Parts) -> None:
    for name, emission in found.emissions.items():
        part = emission["perovskite"]
        coupled = part.net * sum(one.share for one in found.coupling if one.emitter == name)
        elsewhere = sum(j for layer, j in part.taken.items() if not layer.endswith("perovskite"))
        # what goes forward into an absorber of a wider gap may be less than is told
        assert coupled + elsewhere + part.escape == pytest.approx(part.net, rel=1e-6, abs=0.0)


def test_from_the_other_end_it_is_the_same(cell: Tandem, found: Parts) -> None:
    seen = told(cell.mirrored())
    assert list(seen.absorption) == NAMES
    for name, other in zip(NAMES, reversed(NAMES), strict=True):
        here, there = found.absorption[name].generation, seen.absorption[other].generation
        np.testing.assert_allclose(there[::-1], here, rtol=1e-9, atol=1e-9 * here.max())
    swap = dict(zip(NAMES, reversed(NAMES), strict=True))
    back = {(swap[one.emitter], swap[one.receiver]): one for one in seen.coupling}
    for one in found.coupling:
        other = back[one.emitter, one.receiver]
        assert other.share == pytest.approx(one.share, rel=1e-9)
        np.testing.assert_allclose(other.profile[::-1], one.profile, rtol=1e-8, atol=1e-8 * one.profile.max())


def test_isotropic_light_that_the_middle_leaves_reaches_the_bottom(tmp_path: Path) -> None:
    """A thin emitter in a medium without faces: of its hemisphere E2 of the middle's optical depth passes."""
    k, depth = 1e-4, 300e-6
    text = {}
    for name, absorbed in (("thin", 1e-6), ("deep", k)):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"nm,n,k\n300,2,{absorbed}\n2000,2,{absorbed}\n")
        text[name] = f'material = {{kind = "table", path = "{path}"}}'
    top = stack_of(
        layer("before", "htl", None, "6 mm", gap=3.0, more=text["deep"]),
        layer("emitter", "absorber", None, "100 nm", gap=1.6, more=text["thin"]),
    )
    middle = stack_of(layer("film", "absorber", None, "300 um", gap=1.4, more=text["deep"]))
    bottom = stack_of(layer("film", "absorber", None, "6 mm", gap=1.2, more=text["deep"]))
    endless = Tandem(name="endless", light=top.light, top=top, middle=middle, bottom=bottom)
    seen = parts(endless, {name: faces(one, 6) for name, one in endless.stacks.items()}, light=False)
    part = seen.emission["top emitter"]
    weight = part.spectrum_internal / part.spectrum_internal.sum()
    passed = float(weight @ expn(2, 4 * np.pi * k * depth * part.energy / HC))
    assert 0.2 < passed < 0.8
    share = {one.receiver: one.share for one in seen.coupling if one.emitter == "top"}
    assert share["middle"] * part.net == pytest.approx(0.5 * (1 - passed) * part.internal, rel=5e-3)
    assert share["bottom"] * part.net == pytest.approx(0.5 * passed * part.internal, rel=5e-3)


def test_step_absorbers_share_the_sun() -> None:
    """2.0, 1.5 and 1.1 eV, from the photon flux of AM1.5G between the gaps."""
    cell = pt.load("three-junctions")
    seen = parts(cell, {name: faces(one, 4) for name, one in cell.stacks.items()})
    currents = [one.photocurrent / 10 for one in seen.absorption.values()]
    assert currents == pytest.approx([14.586, 14.387, 15.257], abs=1e-3)
    assert seen.coupling == (), "a step absorber emits to one side only"


def test_a_junction_may_have_suns_of_its_own(cell: Tandem, found: Parts) -> None:
    seen = told(cell.with_values({"middle.light.intensity": "0.5 sun"}))
    for name, factor in zip(NAMES, (1.0, 0.5, 1.0), strict=True):
        np.testing.assert_allclose(
            seen.absorption[name].generation, factor * found.absorption[name].generation, rtol=1e-12
        )


def test_one_wavelength_is_told_by_junction(cell: Tandem) -> None:
    seen = told(cell, wavelength=[700e-9], emission=False)
    assert seen.emission is None and seen.coupling == () and not seen.emissions["top"].absorbers
    for name, one in seen.absorption.items():
        assert one.spectral.shape == (1, one.generation.size)
        own = one.absorptance[one.layers.index("perovskite")]
        assert one.spectral.sum() == pytest.approx(float(own[0]), rel=1e-9), name
