"""The sample behind a cell: which recipe, in which state, and what a run of everything does with it."""

import pytest

import perotwin as pt
from perotwin import lab, workflows
from perotwin.errors import InputError
from perotwin.workflows.run import chosen


def test_a_cell_that_a_recipe_made_names_it_and_so_does_a_tandem_with_it() -> None:
    for name in ("wbg-target", "tandem-target"):
        assert workflows.recipe_of(pt.load(name)).name == "target"
    again = pt.stack.from_toml(pt.load("wbg-target").to_toml())
    assert again == pt.load("wbg-target")


def test_without_a_recipe_or_with_one_that_is_not_here_the_reason_is_said() -> None:
    with pytest.raises(InputError, match='no recipe is known that made "cell-a"'):
        workflows.recipe_of(pt.load("cell-a"))
    with pytest.raises(InputError, match='the recipe "mine" that made "cell-a" cannot be followed'):
        workflows.recipe_of(pt.load("cell-a").with_values({"recipe": "mine"}))


def test_washing_a_recipe_is_what_the_washed_recipe_of_the_library_says() -> None:
    for name in ("target", "control"):
        washed, known = pt.recipe.load(name).washed(), pt.recipe.load(f"{name}-washed")
        assert washed.washed() is washed and known.washed() is known
        assert washed.model_dump(exclude={"description"}) == known.model_dump(exclude={"description"})
    assert pt.recipe.load("sam-niox").washed().name == "sam-niox"


def test_an_instrument_takes_the_sample_in_the_state_that_it_looks_at() -> None:
    recipe = pt.recipe.load("target")
    assert workflows.sample_for(lab.kpfm.INSTRUMENT, recipe).washed
    assert not workflows.sample_for(lab.tof_sims.INSTRUMENT, recipe).washed
    measured = workflows.measure_sample(lab.kpfm.INSTRUMENT, recipe)
    assert list(measured) == [""] and "washed off first" in measured[""].attrs["notes"]


def test_all_means_every_instrument_and_no_map() -> None:
    parts = chosen("all")
    assert set(parts) >= {"jv", "jv-dark", "scan", "eqe", "tpv", "impedance", "kpfm", "xps", "tof_sims"}
    assert "map" not in parts and "map" in chosen("all,map")
    assert len(parts) == len(set(parts))
