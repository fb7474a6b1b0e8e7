"""From sample to cell: what is replaced, which way the face is seen, and the committed cells made again."""

from pathlib import Path

import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.recipe import library_parameters, load, make, prepare
from perotwin.recipe.interface import Unevenness
from perotwin.stack import Parallel, Stack
from perotwin.stack import library as cells
from perotwin.workflows import made_text

#: library cells that recipes make: name -> recipe
MADE = {"wbg-control": "control", "wbg-target": "target"}


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_committed_cell_is_what_the_recipe_makes_byte_for_byte(name: str) -> None:
    made = make(prepare(load(MADE[name])), pt.load("wbg-base"), name)
    assert made_text(made).encode() == Path(cells.path(name)).read_bytes()


def test_a_made_cell_holds_what_the_sample_says() -> None:
    sample = prepare(load("target"))
    made = make(sample, pt.load("wbg-base"))
    cell, film, face = made.effective, sample.film, sample.face
    assert film is not None
    assert made.cell is cell
    assert float(cell.get("perovskite.trap.1.electron_lifetime")) == pytest.approx(film.lifetime, rel=5e-4)
    assert float(cell.get("perovskite.trap.2.density")) == pytest.approx(film.counted, rel=5e-4)
    assert float(cell.get("perovskite.ions.density")) == pytest.approx(film.ions, rel=5e-4)
    assert float(cell.get("perovskite.ions.diffusion_coefficient")) == pytest.approx(
        film.ion_diffusion, rel=5e-4
    )
    assert float(cell.get("niox|perovskite.dipole")) == pytest.approx(face.step, rel=5e-4)
    assert float(cell.get("niox|perovskite.trap.1.hole_velocity")) == pytest.approx(face.velocity, rel=5e-4)
    assert float(cell.get("perovskite|c60.roughness")) == 7.4e-9
    # everything else is the base's
    base = pt.load("wbg-base").quantities()
    touched = {path for path, number in cell.quantities().items() if base.get(path) != number}
    assert all(cell.sources()[path] for path in touched)
    assert not any(path.startswith(("c60", "sno2", "contact", "circuit", "ito")) for path in touched)


def test_a_face_takes_electrons_and_holes_in_the_ratio_that_the_recipe_states() -> None:
    plain, ratio = load("target"), load("target").with_values({"interface.capture_ratio": "9"})
    even, uneven = (make(prepare(one), pt.load("wbg-base")).effective for one in (plain, ratio))
    for carrier, factor in (("electron", 3.0), ("hole", 1.0 / 3.0)):
        path = f"niox|perovskite.trap.1.{carrier}_velocity"
        assert float(uneven.get(path)) == pytest.approx(factor * float(even.get(path)), rel=1e-3)
    # and nothing else
    differs = {p for p, n in uneven.quantities().items() if even.quantities()[p] != n}
    assert differs == {f"niox|perovskite.trap.1.{one}_velocity" for one in ("electron", "hole")}


def test_the_film_has_the_pinholes_of_the_recipe_and_the_additive_closes_them_as_it_fills_holes() -> None:
    base = pt.load("wbg-base")
    shares = {}
    for name in ("control", "target"):
        # an additive as slow as to leave some of the holes
        values = {"interface.unevenness.pinholes": "0.1 %", "competition.adsorption_rate": "1e-19 cm^3/s"}
        sample = prepare(load(name).with_values(values))
        made = make(sample, base).effective
        pinholes = made.named("perovskite").pinholes
        assert pinholes is not None
        shares[name] = float(pinholes.share)
        assert pinholes.velocity == sample.parameters.interface.unevenness.pinhole_velocity
        assert made.circuit == base.circuit
        bare, additive = (sample.face.shares[one] for one in ("bare", "additive"))
        # a thousandth of the area, of which as much is left as of the holes
        assert shares[name] == pytest.approx(1e-3 * bare / (bare + additive), rel=2e-3)
        none = prepare(load(name).with_values({"interface.unevenness.pinholes": "0 %"}))
        assert make(none, base).effective.named("perovskite").pinholes is None
    assert shares["target"] < 0.5 * shares["control"]
    with pytest.raises(ValueError, match="nothing says how fast"):
        Unevenness.model_validate(
            {"spread": "0 meV", "patches": "0 %", "patch_size": "2 um", "pinholes": "0.1 %"}
        )


def test_wide_areas_become_a_spread_and_patches_that_the_additive_evens_out() -> None:
    values = {
        "interface.unevenness.spread": "80 meV",
        "interface.unevenness.patches": "2 %",
        "interface.unevenness.patch_size": "3 um",
    }
    faces = {}
    velocity = float(library_parameters().interface.bare_velocity)
    for name in ("control", "target"):
        sample = prepare(load(name).with_values(values))
        cell = make(sample, pt.load("wbg-base")).cell
        assert isinstance(cell, Stack)
        faces[name] = cell.interface["niox|perovskite"]
        assert faces[name].patches is not None
        assert (float(faces[name].patches.size), float(faces[name].patches.velocity)) == (3e-6, velocity)
        assert Stack.from_toml(cell.to_toml()) == cell
    assert float(faces["control"].dipole_spread) == pytest.approx(0.08)
    assert float(faces["control"].patches.share) == pytest.approx(0.02)
    shares = sample.face.shares
    left = shares["bare"] / (shares["bare"] + shares["additive"])
    assert float(faces["target"].dipole_spread) == pytest.approx(0.08 * left**0.5, rel=1e-3)
    assert float(faces["target"].patches.share) == pytest.approx(0.02 * left, rel=1e-3)
    # a face without either is what it was
    plain = make(prepare(load("control")), pt.load("wbg-base")).cell.get("niox|perovskite.dipole")
    assert faces["control"].dipole == plain


def test_a_recipe_without_dose_makes_the_control() -> None:
    base = pt.load("wbg-base")
    none = make(prepare(load("target").with_values({"additive.dose": "0 mol%"})), base, "x").effective
    control = make(prepare(load("control")), base, "x").effective
    told = {
        path
        for path, number in none.quantities().items()
        if float(control.quantities()[path]) != float(number)
    }
    assert told == {"perovskite|c60.roughness"}


def test_a_mirrored_base_makes_the_mirrored_cell() -> None:
    sample = prepare(load("target"))
    base = pt.load("wbg-base")
    one = make(sample, base, "x").effective.mirrored()
    other = make(sample, base.mirrored(), "x").effective
    assert float(other.get("perovskite|niox.dipole")) == -sample.face.step or float(
        other.get("perovskite|niox.dipole")
    ) == pytest.approx(-sample.face.step, rel=5e-4)
    theirs = other.quantities()
    assert {path: float(number) for path, number in one.quantities().items()} == {
        path: float(number) for path, number in theirs.items()
    }


def test_patches_beyond_the_carriers_reach_become_columns() -> None:
    recipe = load("control")
    small = make(prepare(recipe), pt.load("wbg-base"))
    assert isinstance(small.cell, Stack) and small.why.startswith("One effective face")
    # bare oxide that takes carriers as fast as they come drains them from next door only
    fast = make(prepare(recipe.with_values({"interface.bare_velocity": "1e8 cm/s"})), pt.load("wbg-base"))
    assert isinstance(fast.cell, Parallel) and fast.why.startswith("Columns")
    assert fast.reach < small.reach
    areas = {column.name: float(column.area) for column in fast.cell.column}
    assert areas["bare"] == pytest.approx(fast.sample.face.shares["bare"], abs=1e-4)
    covered, bare = (column.stack for column in fast.cell.column)
    assert float(bare.get("niox|perovskite.dipole")) == 0.0
    assert float(covered.get("niox|perovskite.trap.1.hole_velocity")) < 1.0
    assert float(bare.get("niox|perovskite.trap.1.hole_velocity")) == pytest.approx(1e6)


@pytest.mark.parametrize(("name", "words"), [("sam-niox", "coats none"), ("target-washed", "washed off")])
def test_a_recipe_without_film_makes_no_cell(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make(prepare(load(name)), pt.load("wbg-base"))


def test_a_base_without_a_buried_face_is_refused() -> None:
    base = pt.load("wbg-base")
    data = {"niox.role": "buffer"}
    with pytest.raises(InputError, match="hole transport"):
        make(prepare(load("control")), base.with_values(data))
