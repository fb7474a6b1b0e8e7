"""What parameters set in cells: ties between numbers, and numbers of recipes with all that follows from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate.data import SteadyCurve
from perotwin.calibrate.fields import Fields, Links, Tie, recipe_parameter
from perotwin.calibrate.fit import calibrate
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import Parameter, parameter_of
from perotwin.calibrate.posterior import Posterior, write
from perotwin.calibrate.ties import ties_of
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError
from perotwin.recipe import make, prepare
from perotwin.study.draws import read_posterior
from perotwin.workflows import calibration as jobs

LIFETIME = "perovskite.lifetime"
RATIO = Parameter("ratio", 0.6, 0.1, 1.0)
HALF = Tie("control", LIFETIME, "target", LIFETIME, "ratio")


def pair() -> tuple[pt.Stack, pt.Stack]:
    """Two cells of one kind."""
    cell = pt.load("wbg-target")
    control, target = (cell.with_values({"name": name}) for name in ("control", "target"))
    return control, target


def curve(truth: pt.Stack, name: str, seed: int | None = None) -> SteadyCurve:
    volts = np.array([0.0, 0.6, 1.0, 1.15, 1.22, 1.28, 1.33])
    empty = SteadyCurve(f"{name} jv", name, volts, volts, np.full(volts.size, 0.2))
    rng = None if seed is None else np.random.default_rng(seed)
    return empty.expected(Twin(truth), {}, {}, rng)


def test_a_tied_number_is_a_factor_times_the_other_whether_that_is_varied_or_not() -> None:
    cells = pair()
    of_target = parameter_of(cells[1], LIFETIME, name="target lifetime", cells=("target",))
    fields = Fields(cells, [of_target, RATIO], Links((HALF,)))
    assert fields.of(np.array([2e-7, 0.5]), "control") == {LIFETIME: pytest.approx(1e-7)}
    assert fields.of(np.array([2e-7, 0.5]), "target") == {LIFETIME: 2e-7}
    here = np.array([2e-7, 0.5])
    assert fields.follow(0, here, "control") == {LIFETIME: pytest.approx(0.5)}
    assert fields.follow(1, here, "control") == {LIFETIME: pytest.approx(2e-7)}
    assert fields.follow(1, here, "target") == {} and not fields.reaches(1, "target")
    # of a number that nothing varies, and one carrier of it by its full path
    still = float(cells[1].get(LIFETIME))
    alone = Fields(cells, [RATIO], Links((HALF,)))
    assert alone.of(np.array([0.5]), "control") == {LIFETIME: pytest.approx(0.5 * still)}
    one = Tie("control", "niox|perovskite.velocity", "target", "perovskite.trap.1.electron_lifetime", 2e6)
    cross = Fields(cells, [of_target], Links((one,)))
    assert cross.of(np.array([2e-7]), "control") == {"niox|perovskite.velocity": pytest.approx(0.4)}
    assert cross.reaches(0, "control")


def test_slopes_of_tied_numbers_are_those_of_differences() -> None:
    cells = pair()
    of_target = parameter_of(cells[1], LIFETIME, name="target lifetime", cells=("target",))
    data = [curve(cell, cell.name) for cell in cells]
    objective = Objective(cells, data, [of_target, RATIO], links=Links((HALF,)))
    here = np.array([2e-7, 0.5])
    with objective.remembering():
        found = objective.jacobian(here)
        for number in range(2):
            up, down = here.copy(), here.copy()
            up[number] *= 1.001
            down[number] /= 1.001
            by_hand = (objective.residuals(up) - objective.residuals(down)) / (up[number] - down[number])
            assert found[:, number] == pytest.approx(by_hand, abs=2e-4 * np.abs(by_hand).max())
    assert np.all(found[7:, 1] == 0.0) and np.abs(found[:7, 1]).max() > 0.0


@pytest.mark.slow
def test_a_ratio_between_cells_comes_back(tmp_path: Path) -> None:
    control, target = pair()
    truth = {"control": 0.4 * 3e-7, "target": 3e-7}
    data = [
        curve(cell.with_values({LIFETIME: truth[cell.name]}), cell.name, seed)
        for seed, cell in enumerate((control, target))
    ]
    evidence = tmp_path / "evidence.toml"
    evidence.write_text(
        f'[[tie]]\ncell = "control"\nnumber = "{LIFETIME}"\nof_cell = "target"\nfactor = "0.1..1"\nname = "gain"\n'
    )
    ties, factors = ties_of(str(evidence), [control, target])
    varied = parameter_of(target, LIFETIME, name="target lifetime", cells=("target",))
    found = calibrate([control, target], data, [varied, *factors], links=Links(ties))
    low, high = found.fit.interval(1)
    assert low < 0.4 < high and high / low < 1.2
    fitted = found.fitted[0].get("perovskite.trap.1.electron_lifetime")
    ratio = found.fit.value("gain")
    assert float(fitted) == pytest.approx(ratio * found.fit.value("target lifetime"))
    # the covariance of both goes into its interval: about as wide as if it had been fitted by itself
    alone = calibrate([control], data[:1], [parameter_of(control, LIFETIME)])
    assert fitted.assumed is not None
    width = np.log(float(fitted.assumed[1]) / float(fitted.assumed[0]))
    assert width == pytest.approx(2 * 1.96 * float(alone.fit.sd[0]), rel=0.1)
    # draws of the control hold its lifetime, though none was varied there
    draws = np.array([[3e-7, 0.4], [2e-7, 0.5]])
    drawn = Posterior(found.fit.parameters, draws, np.ones(2), 1, 2, 0.5, np.nan)
    write(drawn, found, tmp_path / "posterior.nc")
    read = read_posterior(tmp_path / "posterior-control.nc")
    assert read.names == (LIFETIME,) and read.stack == "control"
    assert read.values[:, 0] == pytest.approx([1.2e-7, 1e-7])
    assert read_posterior(tmp_path / "posterior-target.nc").values[:, 0] == pytest.approx([3e-7, 2e-7])


def test_what_ties_cannot_be_is_refused(tmp_path: Path) -> None:
    cells = pair()
    both = parameter_of(cells[0], "perovskite.trap.1.electron_lifetime")
    with pytest.raises(InputError, match="is tied, and found or tied besides"):
        Fields(cells, [both, RATIO], Links((HALF,)))
    back = Tie("target", LIFETIME, "control", LIFETIME)
    with pytest.raises(InputError, match="tied to a number that is tied itself"):
        Fields(cells, [RATIO], Links((HALF, back)))
    with pytest.raises(InputError, match='Did you mean "target"'):
        Fields(cells, [RATIO], Links((Tie("control", LIFETIME, "targte", LIFETIME, "ratio"),)))
    place = tmp_path / "e.toml"
    for text, words in (
        ("factor = 0", "no factor above zero"), ('factor = "2..1"', "wrong way round"), ('factor = "x"', "no factor"),
        ('factor = 1\nsd = "-3 %"', "no standard deviation"), ("fator = 1", 'Did you mean "factor"'),
    ):  # fmt: skip
        place.write_text(f'[[tie]]\ncell = "control"\nnumber = "{LIFETIME}"\nof_cell = "target"\n{text}\n')
        with pytest.raises(InputError, match=words):
            ties_of(str(place), cells)
    place.write_text(f'[[tie]]\nnumber = "{LIFETIME}"\n')
    with pytest.raises(InputError, match="names no cell"):
        ties_of(str(place), cells)
    place.write_text(
        f'[[tie]]\ncell="control"\nnumber="{LIFETIME}"\nof_cell="target"\nfactor=0.5\nsd="10 %"\n'
    )
    _, (known,) = ties_of(str(place), cells)
    assert known.prior is not None and known.prior.sd == pytest.approx(0.1) and known.start == 0.5


# --- recipes ---------------------------------------------------------------------------------------------------------


def remade(name: str, values: dict[str, str]) -> pt.Stack:
    """A library cell as its recipe makes it with other numbers."""
    cell = pt.load(f"wbg-{name}")
    made = make(prepare(pt.recipe.load(name).with_values(values)), cell, cell.name).cell
    assert isinstance(made, pt.Stack)
    return made


def test_a_number_of_a_recipe_moves_all_that_its_laws_tie_to_it() -> None:
    cell, recipe = pt.load("wbg-control"), pt.recipe.load("control")
    links = Links(recipes={"wbg-control": recipe})
    vacancies = recipe_parameter(recipe, "recipe.passivation.halide_vacancies")
    bare = recipe_parameter(recipe, "recipe.interface.bare_velocity")
    assert vacancies.start == pytest.approx(float(recipe.parameters.passivation.halide_vacancies))
    fields = Fields([cell], [vacancies, bare], links)
    here = np.array([vacancies.start, bare.start])
    assert fields.of(here, "wbg-control") == {}
    there = fields.of(np.array([2.0 * here[0], here[1]]), "wbg-control")
    other = remade("control", {"passivation.halide_vacancies": vacancies.written(2.0 * here[0])})
    assert {"perovskite.trap.1.electron_lifetime", "perovskite.ions.density"} <= set(there)
    assert all(value == float(other.get(path)) for path, value in there.items())
    # more vacancies: a shorter lifetime and more ions, as 1 / lifetime = 1 / inside + capture * empty
    moved = fields.follow(0, here, "wbg-control")
    film, ions = recipe.parameters.passivation, float(cell.get("perovskite.ions.density"))
    empty = ions - float(film.halide_vacancies_inside)
    lifetime = float(cell.get(LIFETIME))
    assert moved["perovskite.ions.density"] == pytest.approx(empty / here[0], rel=0.01)
    assert moved["perovskite.trap.1.electron_lifetime"] == pytest.approx(
        -(lifetime**2) * float(film.capture) * empty / here[0], rel=0.02
    )


def test_a_cell_that_its_recipe_does_not_make_is_refused() -> None:
    recipe = pt.recipe.load("control")
    links = Links(recipes={"wbg-control": recipe})
    capture = recipe_parameter(recipe, "recipe.passivation.capture")
    changed = pt.load("wbg-control").with_values({LIFETIME: "50 ns"})
    with pytest.raises(InputError, match="was changed after it was made"):
        Fields([changed], [capture], links)
    cell = pt.load("wbg-control")
    with pytest.raises(InputError, match="decides it as well"):
        Fields([cell], [capture, parameter_of(cell, LIFETIME)], links)
    with pytest.raises(InputError, match="nothing of"):
        Fields([cell], [recipe_parameter(recipe, "recipe.passivation.a_site_half")], links)
    with pytest.raises(InputError, match="no recipe is known"):
        Fields([pt.load("cell-a")], [capture], Links())


@pytest.mark.slow
def test_numbers_that_recipes_share_come_back_from_two_cells(tmp_path: Path) -> None:
    """Lifetimes of control and target follow from one capture and one lifetime inside the grains."""
    truth = {"passivation.capture": "9e-11 cm^3/s", "passivation.inside_lifetime": "300 ns"}
    cells = [pt.load("wbg-control"), pt.load("wbg-target")]
    data = [
        curve(remade(name, truth), f"wbg-{name}", seed) for seed, name in enumerate(("control", "target"))
    ]
    asked = jobs.Asked(share=tuple(f"recipe.{path}" for path in truth))
    links = Links(recipes=jobs.recipes_of(cells, asked))
    parameters = [one for one in jobs.parameters_for(cells, asked, (), links)]
    found = calibrate(cells, data, parameters, links=links)
    for index, text in enumerate(truth.values()):
        low, high = found.fit.interval(index)
        true = float(pt.units.parse(text, parameters[index].dimension))
        assert low < true < high
        assert high / low < 3.0
    assert not found.flagged
    # the recipe at these numbers makes the fitted cells
    values = {one.paths[0].removeprefix("recipe."): one.written(float(v))
              for one, v in zip(parameters, found.fit.values, strict=True)}  # fmt: skip
    for name, fitted in zip(("control", "target"), found.fitted, strict=True):
        assert float(fitted.get(LIFETIME)) == pytest.approx(float(remade(name, values).get(LIFETIME)))
    written = jobs.write(found, tmp_path)
    assert (tmp_path / "wbg-control-recipe.toml") in written
    again = pt.recipe.load(tmp_path / "wbg-control-recipe.toml")
    assert float(again.parameters.passivation.capture) == pytest.approx(found.fit.values[0])
