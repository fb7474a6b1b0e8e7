"""A line drawn through a film changes nothing that light does, where the film's faces are rough too."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import perotwin as pt
from cells import cell, faces, layer, optical_cell, tandem
from perotwin.materials import HC
from perotwin.optics import Absorption, absorb, emit, parts
from perotwin.optics.emission import Emission, rays
from perotwin.optics.films import films
from perotwin.optics.roughness import zones
from perotwin.stack import Stack, Tandem
from sliced_films import sliced

#: where lines are drawn, nm from either face of a film (None: at its middle)
PLACES = [0.3, 1.0, 5.0, 20.0, None]


def strong(side: str = "front") -> Stack:
    """A perovskite that is rough on both faces, with zones of 55 and 80 nm, one of them capped."""
    return optical_cell(
        light=f'side = "{side}"',
        faces='[interface."niox|perovskite"]\nroughness = "16 nm"\n[interface."perovskite|c60"]\nroughness = "40 nm"\n',
    ).with_values({"niox.thickness": "60 nm", "c60.thickness": "80 nm"})


def control(side: str = "front") -> Stack:
    found = pt.load("wbg-control")
    assert isinstance(found, Stack)
    return found.with_values({"light.side": side})


def cut(size: float, place: float | None, end: str) -> list[float]:
    """Two slices (nm) of a film of this thickness (nm)."""
    first = size / 2 if place is None else place
    return [first, size - first] if end == "front" else [size - first, first]


def evenly(size: float, count: int) -> list[float]:
    return [size / count] * count


def thickness(stack: Stack, name: str) -> float:
    return float(stack.named(name).thickness) * 1e9


def same_light(whole: Stack, lines: Stack) -> None:
    """Compare what light does in a cell with what it does where one film is in slices, between the faces of both."""
    at = np.union1d(faces(whole), faces(lines))
    at = at[np.concatenate([[True], np.diff(at) > 1e-18])]
    one, other = absorb(whole, at), absorb(lines, at)
    assert all(row.passed for row in other.checks.values()), other.checks
    np.testing.assert_allclose(other.wavelength, one.wavelength, rtol=1e-12)
    np.testing.assert_allclose(other.reflectance, one.reflectance, atol=1e-11)
    np.testing.assert_allclose(other.transmittance, one.transmittance, atol=1e-11)
    np.testing.assert_allclose(by_film(other), by_film(one), atol=1e-11)
    # in depth, as rates: the mesh is nanometres fine near the faces
    np.testing.assert_allclose(other.generation, one.generation, rtol=1e-9, atol=1e-11 * one.generation.sum())
    assert other.photocurrent == pytest.approx(one.photocurrent, rel=1e-11)


def by_film(found: Absorption) -> np.ndarray:
    """Absorptance of each film, slices of one added up."""
    names = [one.split()[0] for one in found.layers]
    return np.array(
        [found.absorptance[[one == name for one in names]].sum(axis=0) for name in dict.fromkeys(names)]
    )


@pytest.mark.parametrize("side", ["front", "back"])
@pytest.mark.parametrize("end", ["front", "back"])
@pytest.mark.parametrize("place", PLACES)
def test_two_slices_of_a_rough_film_are_one_film(place: float | None, end: str, side: str) -> None:
    for whole in (control(side), strong(side)):
        sizes = cut(thickness(whole, "perovskite"), place, end)
        same_light(whole, sliced(whole, "perovskite", sizes))


@pytest.mark.parametrize("film", ["perovskite", "c60", "niox", "ag"])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_any_number_of_slices_of_any_film_is_one_film(film: str, count: int) -> None:
    for whole in (control(), strong()):
        same_light(whole, sliced(whole, film, evenly(thickness(whole, film), count)))


def test_many_lines_within_the_zone_of_a_face() -> None:
    whole = strong()
    thin = [0.3, 0.7, 4.0, 5.0, 10.0, 11.0]
    rest = thickness(whole, "perovskite") - 2 * sum(thin)
    same_light(whole, sliced(whole, "perovskite", [*thin, rest, *thin[::-1]]))


def test_lines_in_both_films_of_a_rough_face() -> None:
    whole = strong()
    both = sliced(whole, "perovskite", [430.0, 17.0, 3.0])
    same_light(whole, sliced(both, "c60", [1.0, 2.5, 9.5, 67.0]))


def test_the_rest_of_a_film_that_zones_fill_belongs_to_its_slices() -> None:
    """A film as thin as its zones: no slice of it is pure."""
    whole = optical_cell(
        thickness="40 nm",
        faces='[interface."niox|perovskite"]\nroughness = "16 nm"\n',
    ).with_values({"niox.thickness": "60 nm", "c60.thickness": "80 nm"})
    assert [zone.width for zone in zones(whole, films(whole).film)[0]][:2] == pytest.approx([40e-9, 40e-9])
    for sizes in ([5.0, 35.0], [20.0, 20.0], [1.0, 2.0, 3.0, 34.0]):
        lines = sliced(whole, "perovskite", sizes)
        same_light(whole, lines)
        same_emission(emit(whole), emit(lines))


def test_what_lies_between_two_depths_of_a_slice() -> None:
    """Slices of a zone meet at the lines: each layer absorbs from face to face what its absorptance says."""
    whole = strong()
    lines = sliced(whole, "perovskite", [0.3, 9.7, 30.0, 380.0, 26.0, 4.0])
    lam = np.linspace(350e-9, 800e-9, 7)
    for side in ("front", "back"):
        lit = films(lines).lit(lam, side, sine=0.5)
        for at, size in enumerate(films(lines).thickness):
            found = lit.absorbed(at, np.linspace(0.0, size, 8))
            assert found.min() >= -1e-15
            np.testing.assert_allclose(found.sum(axis=0), lit.absorptance[at], rtol=1e-10, atol=1e-16)


# --- where faces are ------------------------------------------------------------------------------------------------


def found_zones(stack: Stack) -> tuple[dict[str, float], tuple[str, ...]]:
    """Widths (nm) by face, and what is said of them."""
    found, notes = zones(stack, films(stack).film)
    names = ["", *(one.name for one in stack.layer), ""]
    return {f"{names[one.face]}|{names[one.face + 1]}": one.width * 1e9 for one in found}, notes


def test_lines_are_no_faces_and_a_film_caps_by_its_whole_thickness() -> None:
    whole = strong()
    lines = sliced(sliced(whole, "perovskite", [2.0, 446.0, 2.0]), "c60", [1.0, 79.0])
    found, notes = found_zones(lines)
    renamed = {
        key.replace("perovskite 1", "perovskite").replace("perovskite 3", "perovskite")
        .replace("c60 1", "c60").replace("c60 2", "c60"): width
        for key, width in found.items()
    }  # fmt: skip
    wanted, said = found_zones(whole)
    assert renamed == pytest.approx(wanted)
    assert len(said) == 1 and "perovskite|c60 (cut to 80 nm" in said[0]
    assert len(notes) == 1 and "perovskite 3|c60 1 (cut to 80 nm" in notes[0]


def test_what_a_line_states_ends_no_roughness_and_begins_none() -> None:
    whole = strong()
    lines = sliced(whole, "c60", [40.0, 40.0])
    for stated in ("0 nm", "3 nm"):
        told = lines.with_values({"c60 1|c60 2.roughness": stated})
        assert found_zones(told)[0] == found_zones(lines)[0]
        (note,) = [one for one in found_zones(told)[1] if "no face" in one]
        assert "c60 1|c60 2" in note and stated in note
        same_light(whole, told)
    assert not any("no face" in one for one in found_zones(lines)[1])


def test_a_film_in_two_junctions_is_one_for_light() -> None:
    """The same oxide on both sides of the joint: where one junction ends is no face for light."""

    def joined(sizes: tuple[float, float]) -> Tandem:
        ends = [layer("c60", "etl", "c60", f"{size} nm", gap=2.0) for size in sizes]
        glass = layer("glass", "substrate", "glass", "1.1 mm")
        absorbers = [
            layer("perovskite", "absorber", "halide-perovskite", "300 nm", gap=gap) for gap in (1.7, 1.3)
        ]
        found = tandem(
            [glass, absorbers[0], ends[0]], [ends[1], absorbers[1], layer("ag", "electrode", "ag", "90 nm")]
        )
        return found.with_values(
            {"top.perovskite|c60.roughness": "12 nm", "bottom.c60|perovskite.roughness": "20 nm"}
        )

    lam = np.linspace(320e-9, 1000e-9, 9)
    one, *others = (films(joined(sizes)) for sizes in ((18.0, 12.0), (2.0, 28.0), (29.5, 0.5)))
    assert one.film == (0, 1, 2, 2, 3, 4)
    for other in others:
        for side in ("front", "back"):
            first, second = one.lit(lam, side), other.lit(lam, side)
            np.testing.assert_allclose(second.reflectance, first.reflectance, atol=1e-11)
            first_films, second_films = (
                np.array(
                    [lit.absorptance[[n == number for n in one.film]].sum(axis=0) for number in range(5)]
                )
                for lit in (first, second)
            )
            np.testing.assert_allclose(second_films, first_films, atol=1e-11)


def test_a_table_that_stands_for_two_materials_makes_two_films() -> None:
    """Neighbours with other bands are no slices of one film, unless one of them states none; doping makes no other."""
    lines = sliced(strong(), "c60", [40.0, 40.0])
    for changes, one in (
        ({"c60 2.electronic.electron_affinity": "4.1 eV"}, False),
        ({"c60 2.electronic.bandgap": "2.1 eV"}, False),
        ({"c60 2.electronic.donor_density": "1e18 cm^-3"}, True),
        ({"ag.material": "c60"}, True),
    ):
        film = films(lines.with_values(changes)).film
        assert (film[-3] == film[-2]) is one
        assert (film[-2] == film[-1]) is ("ag.material" in changes)


# --- emission -------------------------------------------------------------------------------------------------------


def same_emission(one: Emission, other: Emission, rel: float = 1e-9) -> None:
    assert other.j0_radiative == pytest.approx(one.j0_radiative, rel=rel, abs=0.0)
    assert other.j0_optical == pytest.approx(one.j0_optical, rel=rel, abs=0.0)
    assert other.voc_radiative(180.0) == pytest.approx(one.voc_radiative(180.0), abs=2e-5)
    for name in ("internal", "escape_front", "escape_back", "parasitic", "reabsorbed_by_rays"):
        first, second = (
            sum(getattr(part, name) for part in found.absorbers.values()) for found in (one, other)
        )
        assert second == pytest.approx(first, rel=rel, abs=0.0), name
    assert all(row.passed for row in other.checks.values()), other.checks


@pytest.mark.parametrize("end", ["front", "back"])
@pytest.mark.parametrize("place", PLACES)
def test_a_rough_film_in_two_slices_emits_as_one(place: float | None, end: str) -> None:
    for whole in (control(), strong()):
        lines = sliced(whole, "perovskite", cut(thickness(whole, "perovskite"), place, end))
        same_emission(emit(whole), emit(lines))


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("film", ["perovskite", "c60", "ito", "glass"])
def test_emission_does_not_see_lines_in_any_film(film: str, count: int) -> None:
    """In the glass too: what a thick film lets rays do is told once a film."""
    whole = control()
    same_emission(emit(whole), emit(sliced(whole, film, evenly(thickness(whole, film), count))))


def test_an_emitter_that_zones_fill_is_followed_from_where_it_lies() -> None:
    """Slices of which only the thin one at a rough face emits; the mirrored cell gives the mirrored answer."""

    def emits(sizes: list[float], which: int) -> Stack:
        whole = optical_cell(
            faces='[interface."niox|perovskite"]\nroughness = "16 nm"\n'
            '[interface."perovskite|c60"]\nroughness = "12 nm"\n'
        ).with_values({"niox.thickness": "60 nm", "c60.thickness": "80 nm"})
        lines = sliced(whole, "perovskite", sizes)
        dark = [n for n in range(1, len(sizes) + 1) if n != which]
        return lines.with_values(
            {f"perovskite {n}.recombination.radiative": {"kind": "none"} for n in dark}
            | {f"perovskite {n}.role": "buffer" for n in dark}
        )

    for sizes, which in (
        ([2.0, 448.0], 1),
        ([448.0, 2.0], 2),
        ([1.0, 1.0, 448.0], 2),
        ([448.0, 1.0, 1.0], 2),
    ):
        stack = emits(sizes, which)
        found, back = emit(stack), emit(stack.mirrored())
        (name,) = found.absorbers
        assert name == f"perovskite {which}"
        part, other = found[name], back[name]
        assert part.escape_front == pytest.approx(other.escape_back, rel=1e-9, abs=0.0)
        assert part.internal == pytest.approx(other.internal, rel=1e-12, abs=0.0)
        assert part.parasitic == pytest.approx(other.parasitic, rel=1e-9, abs=0.0)
        bound = films(stack)
        sent = rays(bound, bound.sliced(HC / part.energy), [bound.names.index(name)])
        assert sent.before == sent.after
        # it is parted at its end away from the face
        at = bound.names.index(name)
        inner = np.flatnonzero((bound.media == at).any(axis=1))
        assert sent.before in (inner[0], inner[-1] + 1)


# --- tandems --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0.3, 5.0])
@pytest.mark.parametrize("film", ["top.perovskite", "bottom.perovskite"])
def test_lines_in_the_films_of_a_tandem(film: str, place: float) -> None:
    whole = pt.load("tandem-control").with_values({"bottom.perovskite|c60.roughness": "20 nm"})
    assert isinstance(whole, Tandem)
    which, name = film.split(".")
    size = thickness(whole.stacks[which], name)
    lines = sliced(whole, film, [place, size - 2 * place, place])
    at = {key: np.union1d(faces(whole.stacks[key], 6), faces(lines.stacks[key], 6)) for key in whole.stacks}
    at = {key: x[np.concatenate([[True], np.diff(x) > 1e-18])] for key, x in at.items()}
    one, other = parts(whole, at), parts(lines, at)
    assert one.whole is not None and other.whole is not None
    assert one.emission is not None and other.emission is not None
    np.testing.assert_allclose(
        other.whole.generation, one.whole.generation, rtol=1e-9, atol=1e-11 * one.whole.generation.sum()
    )
    same_emission(one.emission, other.emission)
    for emitter, receiver in (("top", "bottom"), ("bottom", "top")):
        first, second = (
            sum(
                light.share * light.profile * found.emissions[emitter].net_current(light.source)
                for light in found.coupling
                if (light.emitter, light.receiver) == (emitter, receiver)
            )
            for found in (one, other)
        )
        np.testing.assert_allclose(second, first, rtol=1e-8, atol=1e-10 * np.sum(first))


# --- any lines in any films -----------------------------------------------------------------------------------------

THIN = ("ito", "tio2", "sno2", "c60", "mgf2", "halide-perovskite", "ag")


@st.composite
def stacks(draw: Any) -> tuple[list[tuple[str, float]], dict[int, float], list[list[float]]]:
    """Films (material, nm), roughness of some of their faces (nm), and each film's slices (nm)."""
    count = draw(st.integers(2, 5))
    materials = draw(st.lists(st.sampled_from(THIN), min_size=count, max_size=count))
    assume(all(one != other for one, other in pairwise(materials)))
    found, slices = [], []
    for material in materials:
        size = 10.0 ** draw(st.floats(0.3, 2.6))
        shares = draw(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=4))
        pieces = [size * share / sum(shares) for share in shares]
        found.append((material, sum(pieces)))
        slices.append(pieces)
    rough = draw(st.dictionaries(st.integers(1, count - 1), st.floats(0.1, 60.0), max_size=count))
    return found, rough, slices


def made(
    films_: list[tuple[str, float]], rough: dict[int, float], slices: list[list[float]], back: bool
) -> Stack:
    layers, names = [], []
    for n, ((material, _), sizes) in enumerate(zip(films_, slices, strict=True)):
        names.append([f"f{n}-{i}" for i in range(len(sizes))])
        for name, size in zip(names[-1], sizes, strict=True):
            role = "absorber" if material == "halide-perovskite" else "electrode"
            gap = 1.6 if role == "absorber" else None
            layers.append(layer(name, role, material, f"{size!r} nm", gap=gap, more="extrapolate = true\n"))
    glass = layer("glass", "substrate", "glass", "1 mm", more="extrapolate = true\n")
    layers = [*layers, glass] if back else [glass, *layers]
    told = "".join(
        f'[interface."{names[face - 1][-1]}|{names[face][0]}"]\nroughness = "{rms!r} nm"\n'
        for face, rms in rough.items()
    )
    if not any(material == "halide-perovskite" for material, _ in films_):
        return Stack.from_toml('name = "test"\n' + "".join(layers) + told)
    return cell(*layers, faces=told)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(stacks(), st.sampled_from(["front", "back"]), st.booleans(), st.sampled_from([0.0, 0.6]))
def test_any_lines_in_any_rough_films_change_nothing(
    drawn: tuple[list[tuple[str, float]], dict[int, float], list[list[float]]],
    side: Any,
    back: bool,
    sine: float,
) -> None:
    of, rough, slices = drawn
    electrical = [n for n, (material, _) in enumerate(of) if material == "halide-perovskite"]
    assume(len(electrical) <= 1)
    whole = films(made(of, rough, [[sum(sizes)] for sizes in slices], back))
    lines = films(made(of, rough, slices, back))
    lam = np.array([330e-9, 480e-9, 700e-9, 1000e-9])
    one, other = whole.lit(lam, side, sine=sine), lines.lit(lam, side, sine=sine)
    np.testing.assert_allclose(
        other.reflectance + other.transmittance + other.absorptance.sum(axis=0), 1.0, rtol=1e-9
    )
    np.testing.assert_allclose(other.reflectance, one.reflectance, atol=1e-10)
    total = np.zeros_like(one.absorptance)
    for film, part in zip(lines.film, other.absorptance, strict=True):
        total[film] += part
    np.testing.assert_allclose(total, one.absorptance, atol=1e-10)
    for at, size in enumerate(lines.thickness):
        between = other.absorbed(at, [0.0, size / 3, size])
        assert between.min() >= -1e-12
        np.testing.assert_allclose(between.sum(axis=0), other.absorptance[at], atol=1e-10)
