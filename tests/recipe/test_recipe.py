"""The recipe as a file: reading, writing, paths, refusals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perotwin.errors import InputError, UnknownNameError
from perotwin.recipe import Recipe, library_parameters, load, names

SAMPLES = ("sam-niox", "control", "control-washed", "target", "target-washed")


def test_all_samples_of_the_paper_are_recipes() -> None:
    assert set(SAMPLES) <= set(names())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_written_recipe_reads_back_bit_for_bit(name: str) -> None:
    recipe = load(name)
    text = recipe.to_toml()
    again = Recipe.from_toml(text)
    assert again == recipe
    assert again.to_toml() == text
    for path, number in recipe.quantities().items():
        other = again.quantities()[path]
        assert (number.written, number.source, number.assumed, number.note) == (
            other.written, other.source, other.assumed, other.note,
        )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    dose=st.floats(0.0, 0.2),
    cohesion=st.floats(0.0, 0.2),
    seed=st.integers(0, 2**31),
    wash=st.booleans(),
)
def test_changed_recipes_read_back_too(dose: float, cohesion: float, seed: int, wash: bool) -> None:
    recipe = load("target-washed" if wash else "target").with_values(
        {"additive.dose": dose, "monolayer.cohesion": cohesion, "seed": seed}
    )
    again = Recipe.from_toml(recipe.to_toml())
    assert again == recipe
    assert float(again.get("additive.dose")) == dose
    assert float(again.parameters.monolayer.cohesion) == cohesion


def test_the_samples_share_all_parameters_and_differ_by_what_was_done() -> None:
    recipes = {name: load(name) for name in SAMPLES}
    assert all(recipe.parameters == library_parameters() for recipe in recipes.values())
    control, target = recipes["control"], recipes["target"]
    assert "parameters" not in control.to_toml()
    told = {
        path: (control.quantities().get(path), number)
        for path, number in target.quantities().items()
        if control.quantities().get(path) != number
    }
    # the roughness is what the microscope saw; the dose is what was changed
    assert set(told) == {"additive.dose", "coat.roughness"}


def test_every_number_of_a_recipe_and_every_parameter_says_where_it_comes_from() -> None:
    for name in SAMPLES:
        for path, number in load(name).quantities().items():
            assert number.source or number.assumed, f"{name}: {path}"
    found = library_parameters().quantities()
    assert len(found) > 25
    for path, number in found.items():
        assert number.source or (number.assumed and number.note), path


def test_paths_reach_steps_the_additive_and_parameters() -> None:
    recipe = load("target-washed")
    changed = recipe.with_values(
        {
            "additive.dose": "2 mol%",
            "coat.grain_size": "400 nm",
            "wash.duration": "30 s",
            "rinse.1.duration": "20 s",
            "monolayer.cohesion": "50 meV",
            "parameters.interface.screening.permittivity": "4",
        }
    )
    assert float(changed.get("additive.dose")) == 0.02
    assert float(changed.get("coat.additive.dose")) == 0.02
    assert float(changed.get("coat.grain_size")) == 400e-9
    assert float(changed.get("wash.duration")) == 30.0
    assert float(changed.get("rinse.duration")) == 20.0
    assert float(changed.get("monolayer.cohesion")) == 0.05
    assert float(changed.get("interface.screening.permittivity")) == 4.0
    # nothing else moved
    back = changed.with_values({path: recipe.get(path) for path in (
        "additive.dose", "coat.grain_size", "wash.duration", "rinse.duration", "monolayer.cohesion",
        "interface.screening.permittivity",
    )})  # fmt: skip
    assert back.step == recipe.step and back.parameters == recipe.parameters


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("additive.dose", "-1 mol%", "negative"),
        ("additive.dose", "150 mol%", "above 1"),
        ("additive.dose", "1 nm", "length"),
        ("additive.doze", "1 mol%", "dose"),
        ("additive.molecule", "5-AVAJ", "5-AVAI"),
        ("aditive.dose", "1 mol%", "additive"),
        ("coat.solvent", "DMFF", "DMF"),
        ("coat.thickness", "-450 nm", "not positive"),
        ("rinse.2.duration", "1 s", "Count from 1"),
        ("rinse.duration", "-1 s", "not positive"),
        ("monolayer.cohesion", "-10 meV", "negative"),
        ("monolayer.packing", "105 %", "above"),
    ],
)
def test_wrong_paths_and_values_are_refused_with_a_cure(path: str, value: str, words: str) -> None:
    with pytest.raises(InputError) as found:
        load("target").with_values({path: value})
    assert words in f"{found.value.message} {found.value.advice}"


def test_a_control_has_no_dose_to_vary() -> None:
    with pytest.raises(InputError, match="additive"):
        load("control").with_values({"additive.dose": "1 mol%"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"\n', "step"),
        ('name = "x"\n[[step]]\nkind = "coat"\n', "solvent"),
        ('name = "x"\n[[step]]\nkind = "sam"\nmolecule = "Me-4PACz"\n[[step]]\nkind = "anneal"\n'
         'temperature = "100 degC"\nduration = "10 min"\n', "no film yet"),
        ('name = "x"\n[[step]]\nkind = "sam"\nmolecule = "benzene"\n', "benzene"),
        ('name = "x"\n[[step]]\nkind = "sam"\nmolecule = "Me-4PACz"\n[[step]]\nkind = "rinse"\nsolvent = "water"\n'
         'duration = "1 s"\n', "solvents"),
        ('name = "x"\n[[step]]\nkind = "sam"\nmolecule = "Me-4PACz"\n[[step]]\nkind = "rinse"\nsolvent = "DMF"\n'
         "duration = 3\n", "no unit"),
        ('name = "x"\n[[step]]\nkind = "spin"\n', "spin"),
        ('name = "x"\n[[layer]]\n', "stack file"),
        ("name = ", "TOML"),
    ],
)  # fmt: skip
def test_files_that_are_no_recipe_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as found:
        Recipe.from_toml(text, file="mine.toml")
    assert words in f"{found.value.message} {found.value.advice}"
    assert "mine.toml" in str(found.value.context.get("file", "")) or "mine.toml" in str(found.value)


def test_a_recipe_is_loaded_by_name_by_file_and_not_otherwise(tmp_path) -> None:
    file = tmp_path / "target.toml"
    file.write_text(load("control").to_toml(), encoding="utf-8")
    assert load(file).name == "control"
    assert load("target.toml").name == "target"
    with pytest.raises(UnknownNameError, match="targt"):
        load("targt")
    with pytest.raises(InputError, match="recipe file"):
        load(tmp_path / "nowhere.toml")
