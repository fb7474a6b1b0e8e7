"""The optics of tandems: where the light goes, the currents of the junctions, and the light of one in the other."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expn

import perotwin as pt
from cells import faces, layer, step_tandem, tandem, told
from perotwin.errors import InputError, OutOfRangeError
from perotwin.materials import HC
from perotwin.optics import absorb, emit, kernels, parts
from perotwin.optics import emission as emission_rules
from perotwin.optics import generation as rules
from perotwin.optics import luminescent_coupling as coupling_rules
from perotwin.optics import tandem as tandem_rules
from perotwin.optics.films import LitFilms, films
from perotwin.optics.generation import intervals
from perotwin.stack import Separate, Stack, Tandem, load
from perotwin.stack.joining import join_tandem, joint

Q = 1.602176634e-19
LIBRARY = ["tandem-control", "tandem-target"]
#: k of a medium that absorbs so little that it reflects no ray
_DEEP = 1e-4


def both(cell: Tandem, each: int = 30) -> np.ndarray:
    top, bottom = faces(cell.top, each), faces(cell.bottom, each)
    return np.concatenate([top, top[-1] + bottom[1:]])


@pytest.fixture(scope="module")
def target() -> Tandem:
    return load("tandem-target")


@pytest.fixture(scope="module")
def found(target: Tandem) -> tandem_rules.Parts:
    return told(target)


@pytest.fixture(scope="module")
def apart() -> Tandem:
    """Four terminals, with the glass of the bottom between."""
    middle = joint("four-terminal")
    cells = (load("wbg-target"), load("nbg"))
    return join_tandem(*cells, name="4T", between=middle.between, junction=middle.junction)[0]


# --- where the light goes -------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIBRARY)
def test_all_light_is_accounted_for(name: str) -> None:
    cell = load(name)
    seen = absorb(cell, both(cell))
    assert all(row.passed for row in seen.checks.values()), seen.checks
    total = seen.reflectance + seen.transmittance + seen.absorptance.sum(axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    assert seen.layers == tuple(one.name for one in cell.layer)
    absorbers = [seen.layers.index(one.name) for one in cell.absorbers]
    np.testing.assert_allclose(seen.spectral.sum(axis=1), seen.absorptance[absorbers].sum(0), atol=1e-13)
    # layer by layer, the reflected and the transmitted light add up to what falls on the cell
    lost = Q * seen.photon_flux @ (seen.reflectance + seen.transmittance)
    assert sum(seen.current(one.name) for one in cell.layer) + lost == pytest.approx(
        Q * seen.photon_flux.sum(), rel=1e-12
    )
    for one in ("top glass", "top ito", "bottom pedot-pss", "au"):
        assert 0.5 < seen.current(one) < 30.0, "parasitic losses are told by layer"


def test_a_lost_photon_fails_the_check(target: Tandem, monkeypatch: pytest.MonkeyPatch) -> None:
    right = LitFilms.absorptance.fget
    monkeypatch.setattr(LitFilms, "absorptance", property(lambda lit: 0.999 * right(lit)))
    assert not absorb(target, both(target)).checks["R + T + A = 1"].passed


@pytest.mark.parametrize("name", LIBRARY)
def test_the_junctions_are_the_whole(name: str) -> None:
    cell = load(name)
    seen = told(cell)
    one, two = seen.absorption.values()
    np.testing.assert_array_equal(np.concatenate([one.generation, two.generation]), seen.whole.generation)
    assert one.photocurrent == pytest.approx(one.current("perovskite"), rel=1e-12)
    assert two.photocurrent == pytest.approx(two.current("perovskite"), rel=1e-12)
    assert 130.0 < one.photocurrent < 170.0 and 130.0 < two.photocurrent < 170.0
    assert one.layers[:3] == ("glass", "ito", "niox") and one.layers[-1] == "bottom cu"
    assert two.layers[:3] == ("top glass", "top ito", "top niox") and two.layers[-1] == "cu"
    for each in (one, two):
        np.testing.assert_allclose(
            each.photon_flux @ each.spectral, each.generation, rtol=1e-9, atol=1e-9 * each.generation.max()
        )
    assert not one.checks and not two.notes, "they are told once, for the whole"


def test_a_tandem_is_the_stack_of_all_its_layers() -> None:
    """Without a layer between that carries no current, such a stack can be written."""
    cell, _ = join_tandem(load("wbg-target"), load("nbg"), name="2T")
    flat = {"work_function": "flat-band"}
    one = Stack(
        name="one", light=cell.light, layer=cell.layer, interface=cell.interface,
        contact={"front": flat, "back": flat},
    )  # fmt: skip
    x = both(cell)
    here, there = absorb(cell, x), absorb(one, x)
    np.testing.assert_array_equal(here.generation, there.generation)
    np.testing.assert_array_equal(here.absorptance, there.absorptance)
    mine, its = emit(cell), emit(one)
    for name in ("top perovskite", "bottom perovskite"):
        assert mine[name].taken == its[name].taken
        assert mine[name].net == its[name].net


def test_a_mirrored_tandem_mirrors(target: Tandem, found: tandem_rules.Parts) -> None:
    seen = told(target.mirrored())
    assert seen.whole.side == "back"
    for here, there in zip(found.absorption.values(), reversed(seen.absorption.values()), strict=True):
        np.testing.assert_allclose(
            there.generation[::-1], here.generation, rtol=1e-9, atol=1e-9 * here.generation.max()
        )
    np.testing.assert_allclose(seen.whole.absorptance[::-1], found.whole.absorptance, atol=1e-12)
    down, up = found.coupling[0], seen.coupling[0]
    assert len(found.coupling) == len(seen.coupling) == 1
    assert (down.emitter, down.receiver) == ("top", "bottom") == (up.receiver, up.emitter)
    assert up.share == pytest.approx(down.share, rel=1e-9)
    np.testing.assert_allclose(up.profile[::-1], down.profile, rtol=1e-9, atol=1e-9 * down.profile.max())


@pytest.mark.parametrize("degrees, polarisation", [(0.0, "s"), (50.0, "s"), (50.0, "p")])
@pytest.mark.parametrize("terminals", ["two", "four"])
def test_tandems_agree_with_tmm(
    target: Tandem, apart: Tandem, terminals: str, degrees: float, polarisation: str
) -> None:
    """Glass incoherent, in the middle too, a nanometre of gold and all other films coherent: every layer."""
    import tmm

    cell = target if terminals == "two" else apart
    cell = cell.with_values({"top.perovskite|c60.roughness": "0 nm"})
    bound = films(cell)
    lam = np.array([350e-9, 500e-9, 700e-9, 950e-9])
    lit = bound.lit(lam, "front", sine=np.sin(np.radians(degrees)), polarisation=polarisation)
    index = np.array([model.nk(lam) for model in bound.models])
    kinds = ["i", *("c" if one.is_coherent else "i" for one in cell.layer), "i"]
    assert kinds.count("i") == (3 if terminals == "two" else 4)
    for j, wavelength in enumerate(lam):
        wanted = tmm.inc_tmm(
            polarisation, [1, *index[:, j], 1], [np.inf, *bound.thickness, np.inf], kinds,
            np.radians(degrees), wavelength,
        )  # fmt: skip
        assert lit.reflectance[j] == pytest.approx(wanted["R"], abs=1e-9)
        each = np.array(tmm.inc_absorp_in_each_layer(wanted))[1:-1]
        np.testing.assert_allclose(lit.absorptance[:, j], each, atol=1e-9)
    if terminals == "two":
        gold = films(cell.with_values({"au.thickness": "2 nm"})).lit(lam).absorptance[bound.names.index("au")]
        assert np.all(gold > 1.5 * lit.absorptance[bound.names.index("au")]) or degrees, "it would be seen"


@pytest.mark.parametrize("name", LIBRARY)
def test_both_currents_are_converged_in_wavelength(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = load(name)
    x = both(cell, 2)
    used = absorb(cell, x)
    monkeypatch.setattr(rules, "_STEP", 0.5e-9)
    monkeypatch.setattr(rules, "_EDGE_STEP", 0.25e-9)
    fine = absorb(cell, x)
    monkeypatch.setattr(rules, "_STEP", 30e-9)
    monkeypatch.setattr(rules, "_EDGE_STEP", 30e-9)
    monkeypatch.setattr(rules, "_PER_FRINGE", 1)
    coarse = absorb(cell, x)
    for one in cell.absorbers:
        assert used.current(one.name) == pytest.approx(fine.current(one.name), rel=1e-4)
    off = [abs(coarse.current(one.name) / fine.current(one.name) - 1) for one in cell.absorbers]
    assert max(off) > 1e-4, "the bound means something"


def test_wavelengths_reach_to_where_the_bottom_is_transparent(target: Tandem) -> None:
    values = {f"top.{one}.extrapolate": True for one in ("niox", "c60")}
    cell = target.with_values(values)
    seen = absorb(cell, both(cell))
    assert seen.wavelength[-1] > 1190e-9
    assert seen.absorptance[seen.layers.index("bottom perovskite"), -1] < 2e-3
    for name, end in (("top niox", 1080), ("top c60", 1100), ("bottom pedot-pss", 1097)):
        assert any(note.startswith(name) and f"to {end} nm" in note for note in seen.notes)


@pytest.mark.parametrize("end, passes", [(880, False), (985, False), (1100, True)])
def test_tables_that_end_too_early_for_the_bottom_are_refused(
    target: Tandem, tmp_path: Path, end: int, passes: bool
) -> None:
    """Measured against the junction that it concerns: 2 % of it may be half that of the whole."""
    table = tmp_path / "film.csv"
    table.write_text("nm,n,k\n" + "".join(f"{lam},1.9,0\n" for lam in range(300, end + 1, 5)))
    cell = target.with_values({"top.sno2.material": {"kind": "table", "path": str(table)}})
    if passes:
        absorb(cell, both(cell, 2))
        return
    with pytest.raises(OutOfRangeError, match=f"top sno2 from 300 nm to {end} nm") as caught:
        absorb(cell, both(cell, 2))
    lost = float(str(caught.value).split("cover")[1].split("nm: ")[1].split(" mA")[0])
    assert lost > 0.3
    if end == 985:
        assert lost < 0.02 * 31.0, "it would have passed as a share of both"


# --- given generation -----------------------------------------------------------------------------


def test_step_absorbers_share_the_sun_as_shockley_and_queisser_say() -> None:
    """The series pair of 1.79 and 1.25 eV."""
    cell = step_tandem(1.79, 1.25)
    x = np.linspace(0.0, 500e-9, 21)
    seen = parts(cell, {"top": x, "bottom": x})
    top, bottom = seen.absorption.values()
    assert top.photocurrent == pytest.approx(199.06, rel=5e-5)
    assert bottom.photocurrent == pytest.approx(176.69, rel=5e-5)
    np.testing.assert_allclose(top.generation, top.generation.mean())
    emissions = [each.net_current("perovskite") for each in seen.emissions.values()]
    assert emissions == pytest.approx([7.4187e-24, 4.917e-15], rel=1e-4, abs=0.0)
    assert seen.coupling == (), "a step absorber emits to one side only"
    # the order of the gaps decides who gets what
    both_ends = {"top": x, "bottom": x}
    wrong = parts(step_tandem(1.25, 1.79), both_ends).absorption
    assert wrong["top"].photocurrent == pytest.approx(375.75, rel=5e-5)
    assert wrong["bottom"].photocurrent == 0.0
    behind = parts(cell.with_light(side="back"), both_ends).absorption
    assert behind["top"].photocurrent == 0.0


def test_a_junction_may_have_suns_of_its_own(target: Tandem, found: tandem_rules.Parts) -> None:
    seen = told(target.with_values({"top.light.intensity": "0.5 sun", "light.intensity": "2 sun"}))
    (top, bottom), (one, two) = seen.absorption.values(), found.absorption.values()
    np.testing.assert_allclose(top.generation, one.generation, rtol=1e-12)
    np.testing.assert_allclose(bottom.generation, 2 * two.generation, rtol=1e-12)
    np.testing.assert_allclose(top.photon_flux, 0.5 * seen.whole.photon_flux, rtol=1e-12)
    np.testing.assert_array_equal(seen.whole.generation, np.concatenate([top.generation, bottom.generation]))


def test_prescribed_rates_hold_in_both_junctions(tmp_path: Path) -> None:
    profile = tmp_path / "g.csv"
    profile.write_text("nm,rate\n0,1e27\n1000,1e27\n")
    x = np.linspace(0.0, 500e-9, 11)
    for law, wanted in (
        ('{kind = "uniform", rate = "1e21 cm^-3 s^-1"}', [5e20, 5e20]),
        (f'{{kind = "file", path = "{profile}"}}', [5e20, 5e20]),
        (
            '{kind = "beer-lambert", absorption_coefficient = "2e4 cm^-1", photon_flux = "1e17 cm^-2 s^-1"}',
            [1e21 * (1 - np.exp(-1)), 1e21 * (np.exp(-1) - np.exp(-2))],
        ),
    ):
        seen = parts(step_tandem(1.79, 1.25, generation=law), {"top": x, "bottom": x})
        assert [one.generation.sum() for one in seen.absorption.values()] == pytest.approx(wanted, rel=1e-9)
        assert seen.emission is None and seen.coupling == () and not seen.emissions["top"].absorbers


def test_without_light_only_the_emission_is_left(target: Tandem, found: tandem_rules.Parts) -> None:
    seen = told(target, light=False)
    assert seen.whole is None and seen.absorption == {"top": None, "bottom": None}
    assert seen.emissions["top"].net_current("perovskite") == found.emissions["top"].net_current("perovskite")
    assert seen.coupling[0].share == found.coupling[0].share


def test_faces_that_miss_a_boundary_are_refused(target: Tandem) -> None:
    with pytest.raises(InputError, match="bottom perovskite"):
        parts(target, {"top": faces(target.top), "bottom": np.linspace(0.0, 1e-6, 7)})
    with pytest.raises(InputError, match="no faces for bottom"):
        parts(target, {"top": faces(target.top)})


# --- the light of one junction in the other ------------------------------------------------------


@pytest.mark.parametrize("name", LIBRARY)
def test_emitted_photons_are_all_accounted_for(name: str) -> None:
    seen = emit(load(name))
    assert all(row.passed for row in seen.checks.values()), seen.checks
    for part in seen.absorbers.values():
        fates = part.escape_by_rays + sum(part.taken.values()) + part.reabsorbed_by_rays
        assert fates == pytest.approx(part.internal, rel=1e-12, abs=0.0)
        assert part.escape + part.parasitic + part.reabsorption_probability * part.internal == pytest.approx(
            part.internal, rel=1e-12, abs=0.0
        )


def test_a_ray_that_is_forgotten_fails_the_check(target: Tandem, monkeypatch: pytest.MonkeyPatch) -> None:
    right = kernels.rays

    def wrong(*given: object) -> np.ndarray:
        fates = right(*given)
        fates[1] = 0.0  # ITO
        return fates

    monkeypatch.setattr(kernels, "rays", wrong)
    row = emit(target).checks["photons of top perovskite: escaped + absorbed = emitted"]
    assert not row.passed and -0.1 < row.value < -0.01


def test_most_of_what_the_top_loses_arrives_in_the_bottom(found: tandem_rules.Parts) -> None:
    (one,) = found.coupling
    assert (one.emitter, one.source) == ("top", "perovskite")
    assert (one.receiver, one.into) == ("bottom", "perovskite")
    assert found.emission is not None
    part = found.emission["top perovskite"]
    assert one.share == pytest.approx(part.taken["bottom perovskite"] / part.net, rel=1e-12)
    assert 0.7 < one.share < 0.9
    assert one.profile.sum() == pytest.approx(1.0, abs=1e-12) and np.all(one.profile >= 0)
    top, bottom = found.emissions.values()
    assert top["perovskite"].taken["bottom perovskite"] == part.taken["bottom perovskite"]
    assert top["perovskite"].taken["ito"] == part.taken["top ito"]
    # the other way goes as much at equilibrium, which is next to nothing of what the bottom emits
    back = bottom["perovskite"]
    assert back.taken["top perovskite"] == part.taken["bottom perovskite"]
    assert 0 < back.taken["top perovskite"] / back.net < 2e-9


def test_what_arrives_lies_in_the_absorber_and_mostly_at_its_front(
    target: Tandem, found: tandem_rules.Parts
) -> None:
    x = faces(target.bottom)
    (rows, front) = next(iter(intervals(target.bottom, x).values()))
    profile = found.coupling[0].profile
    assert not profile[: rows.start].any() and not profile[rows.stop :].any()
    middle = (x[1:] + x[:-1]) / 2 - front
    assert profile[middle < 475e-9].sum() > 0.5
    # as many photons as the energies and angles of the emission itself say
    density = profile[rows] / np.diff(x[rows.start : rows.stop + 1])
    assert density[0] > 2 * density[-1]


def test_the_profile_is_converged(
    target: Tandem, found: tandem_rules.Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupling_rules, "_ENERGIES", 40)
    monkeypatch.setattr(emission_rules, "_RAYS", 8)
    monkeypatch.setattr(emission_rules, "_TRAPPED", 30)
    fine = told(target, light=False).coupling[0].profile
    assert np.abs(found.coupling[0].profile - fine).sum() < 5e-3
    monkeypatch.setattr(coupling_rules, "_ENERGIES", 1)
    assert np.abs(told(target, light=False).coupling[0].profile - fine).sum() > 1e-2


@pytest.fixture
def endless(tmp_path: Path) -> Tandem:
    """A thin emitter in a medium of its own index that goes on until everything is absorbed."""
    tables = {}
    for name, k in (("thin", 1e-6), ("deep", _DEEP)):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"nm,n,k\n300,2,{k}\n2000,2,{k}\n")
        tables[name] = f'material = {{kind = "table", path = "{path}"}}'
    return tandem(
        [
            layer("before", "htl", None, "6 mm", gap=3.0, more=tables["deep"]),
            layer("emitter", "absorber", None, "100 nm", gap=1.6, more=tables["thin"]),
        ],
        [layer("film", "absorber", None, "6 mm", gap=1.2, more=tables["deep"])],
    )


def test_the_profile_of_isotropic_light_is_an_exponential_integral(endless: Tandem) -> None:
    """What lies at a depth is met by rays of all angles: E1 of the optical depth, so E2 up to it."""
    edges = 6e-3 * np.linspace(0, 1, 25) ** 2
    ends = {"top": np.array([0.0, 6e-3, 6e-3 + 100e-9]), "bottom": edges}
    seen = parts(endless, ends, light=False)
    (one,) = [each for each in seen.coupling if each.receiver == "bottom"]
    assert seen.emission is not None
    part = seen.emission["top emitter"]
    alpha = 4 * np.pi * _DEEP * part.energy[:, None] / HC
    weight = part.spectrum_internal / part.spectrum_internal.sum()
    wanted = -np.diff(weight @ expn(2, alpha * edges))
    np.testing.assert_allclose(np.cumsum(one.profile), np.cumsum(wanted / wanted.sum()), atol=4e-3)
    along_the_normal = -np.diff(weight @ np.exp(-alpha * edges))
    assert np.abs(np.cumsum(one.profile) - np.cumsum(along_the_normal)).max() > 0.1, "angles matter"


def test_the_share_of_isotropic_light_is_half(endless: Tandem) -> None:
    """One hemisphere goes to each side, and nothing escapes."""
    part = emit(endless)["top emitter"]
    for other in ("bottom film", "top before"):
        assert part.taken[other] == pytest.approx(0.5 * part.internal, rel=3e-3, abs=0.0)


def test_emission_is_converged_in_energies_and_angles(
    target: Tandem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guided waves between the junctions make narrow resonances in angle."""
    used = emit(target)
    monkeypatch.setattr(emission_rules, "_STEP", 2e-3)
    monkeypatch.setattr(emission_rules, "_NODES", 16)
    monkeypatch.setattr(emission_rules, "_RAYS", 12)
    monkeypatch.setattr(emission_rules, "_TRAPPED", 40)
    better = emit(target)
    for name, part in better.absorbers.items():
        mine = used[name]
        for quantity in ("internal", "escape", "parasitic"):
            assert getattr(mine, quantity) == pytest.approx(getattr(part, quantity), rel=3e-4, abs=0.0)
        for other, current in part.taken.items():
            assert mine.taken[other] == pytest.approx(current, rel=3e-3, abs=1e-4 * part.internal)


# --- four terminals -------------------------------------------------------------------------------


def test_four_terminals_work_alike(apart: Tandem) -> None:
    assert isinstance(apart.junction, Separate)
    seen = told(apart)
    assert all(row.passed for row in seen.whole.checks.values()), seen.whole.checks
    assert seen.emission is not None and all(row.passed for row in seen.emission.checks.values())
    assert [one for one in seen.whole.layers if " " not in one] == ["rear-izo", "glass", "ito"]
    top, bottom = (one.photocurrent for one in seen.absorption.values())
    assert 130.0 < top < 180.0 and 100.0 < bottom < 170.0
    (one,) = seen.coupling
    # trapped light stays in the top, because glass lies between
    assert 0.05 < one.share < 0.5
    assert one.profile.sum() == pytest.approx(1.0, abs=1e-12)


def test_thick_glass_passes_no_roughness_on(apart: Tandem) -> None:
    names = [one.name for one in apart.layer]
    rough = {piece.first for piece in films(apart).slices if not piece.pure}
    assert names.index("rear-izo") in rough
    assert not any(index > names.index("glass") for index in rough)


def test_the_bottom_behind_glass_is_the_bottom_alone_behind_a_filter(apart: Tandem) -> None:
    """Light passes the thick glass without memory of its phase: what is behind sees intensities only."""
    seen = told(apart)
    thicker = told(apart.with_values({"glass.thickness": "1.1001 mm"}))
    for here, there in zip(seen.absorption.values(), thicker.absorption.values(), strict=True):
        assert here.photocurrent == pytest.approx(there.photocurrent, rel=1e-4)


def test_parts_are_found_through_the_package() -> None:
    assert pt.optics.parts is tandem_rules.parts
