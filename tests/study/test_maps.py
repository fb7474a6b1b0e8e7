"""A map is single runs on a grid, whoever computes them."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import judges
import perotwin as pt
from perotwin import progress
from perotwin.errors import ConvergenceError, InputError
from perotwin.measurement import load, notes_of, save
from perotwin.study import best_of, changed, map_of, merit
from perotwin.study.maps import equal_line

X, Y = "perovskite.thickness=300 nm..700 nm", "perovskite.permittivity=10..30"


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("cell-a")


@pytest.fixture(scope="module")
def made(cell: pt.Stack) -> xr.Dataset:
    return map_of(cell, X, Y, (5, 3), judge=judges.hill)


def test_it_is_what_single_runs_give() -> None:
    cell = pt.load("wbg-target")
    made = map_of(cell, "perovskite.thickness=400 nm..500 nm", "perovskite.bandgap=1.7..1.8 eV", 2)
    for row, gap in enumerate(("1.7 eV", "1.8 eV")):
        for column, thickness in enumerate(("400 nm", "500 nm")):
            alone = merit(changed(cell, {"perovskite.thickness": thickness, "perovskite.bandgap": gap}))
            for name in ("pce", "voc", "jsc", "ff", "vmp", "jmp"):
                assert made[name].values[row, column] == alone[name], name


def test_what_it_holds_is_described(made: xr.Dataset) -> None:
    assert made["pce"].dims == ("y", "x")
    assert made["x"].values == pytest.approx([3e-7, 4e-7, 5e-7, 6e-7, 7e-7])
    assert made["y"].values == pytest.approx([10.0, 20.0, 30.0])
    assert made["x"].attrs["units"] == "m"
    assert made["x"].attrs["unit"] == "nm"
    assert made["y"].attrs["units"] == "1"
    assert made["x"].attrs["path"] == "perovskite.thickness"
    assert made["jsc"].attrs["units"] == "A m-2"
    assert made["jsc"].attrs["long_name"] == "short-circuit current density"
    assert made.attrs["Conventions"].startswith("CF-")
    assert made.attrs["complete"] == 1
    assert pt.stack.Stack.from_toml(made.attrs["cell"]) == pt.load("cell-a")


def test_it_comes_back_from_its_file(made: xr.Dataset, tmp_path: Path) -> None:
    again = load(save(made, tmp_path / "map.nc"))
    xr.testing.assert_identical(again, made)


def test_two_processes_give_what_one_gives(cell: pt.Stack, made: xr.Dataset) -> None:
    xr.testing.assert_identical(map_of(cell, X, Y, (5, 3), judge=judges.hill, processes=2), made)


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one_on_a_real_cell() -> None:
    cell = pt.load("wbg-target")
    asked = ("perovskite.thickness=400 nm..500 nm", "perovskite.hole_mobility=0.1..10 cm^2/(V s)", 3)
    xr.testing.assert_identical(map_of(cell, *asked), map_of(cell, *asked, processes=2))


def test_the_best_point(made: xr.Dataset) -> None:
    best = best_of(made)
    assert (best["x"], best["y"]) == (pytest.approx(4e-7), pytest.approx(20.0))
    assert best["pce"] == float(made["pce"].max())


def test_a_point_that_fails_is_empty_and_says_why(cell: pt.Stack) -> None:
    made = map_of(cell, X, Y, (5, 2), judge=judges.patchy)
    assert np.isnan(made["pce"].values).tolist() == [[True, False, False, True, True]] * 2
    assert made["failure"].values[0, 4] == "no solution. Take less."
    assert made["failure"].values[0, 1] == ""
    assert any("6 of 10 cells could not be solved" in note for note in notes_of(made))


def test_nothing_but_failures_is_one(cell: pt.Stack) -> None:
    with pytest.raises(ConvergenceError, match="none of 4"):
        map_of(cell, X, Y, 2, judge=judges.never)


@pytest.mark.parametrize("processes", [1, 2])
def test_stopped_it_keeps_what_was_done(cell: pt.Stack, made: xr.Dataset, processes: int) -> None:
    with progress.listening(judges.Stopping(7)):
        part = map_of(cell, X, Y, (5, 3), judge=judges.hill, processes=processes)
    assert part.attrs["complete"] == 0
    done = np.isfinite(part["pce"].values)
    assert done.sum() == 7
    assert np.array_equal(part["pce"].values[done], made["pce"].values[done])
    assert set(part["failure"].values[~done]) == {"not computed: stopped before."}
    assert any("stopped after 7 cells" in note for note in notes_of(part))


def test_stopped_before_the_first_there_is_nothing(cell: pt.Stack) -> None:
    with progress.listening(judges.Stopping(2)), pytest.raises(KeyboardInterrupt):
        map_of(cell, X, Y, 3, judge=judges.never)


@pytest.mark.parametrize(
    ("x", "y", "steps", "words"),
    [
        (X, Y, 1, "at least 2"),
        (X, Y, 200, "more than"),
        (X, X, 3, "twice"),
        (X, "perovskite.role", 3, "not a number"),
    ],
)
def test_maps_that_make_no_sense_are_refused(cell: pt.Stack, x: str, y: str, steps: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        map_of(cell, x, y, steps, judge=judges.hill)


def test_the_line_of_equal_currents(cell: pt.Stack) -> None:
    """4000 A/m2 times um against 100 times the permittivity: equal along permittivity = 40 um^-1 thickness."""
    made = map_of(cell, X, Y, (5, 9), judge=judges.crossing)
    x, y = made["matching_x"].values, made["matching_y"].values
    assert y == pytest.approx(40.0 * 1e6 * x, rel=1e-9)
    assert (x.min(), x.max()) == (pytest.approx(3e-7), pytest.approx(7e-7))
    assert made["photocurrent_top"].attrs["long_name"] == "photocurrent of the top junction"


def test_lines_of_several_pieces_are_apart() -> None:
    x, y = np.linspace(-1.0, 1.0, 5), np.linspace(0.0, 1.0, 3)
    found = equal_line(x, y, np.tile(np.abs(x) - 0.75, (3, 1)))
    assert np.isnan(found[0]).sum() == 1
    assert np.nanmax(np.abs(np.abs(found[0]) - 0.75)) < 1e-12
    assert equal_line(x, y, np.ones((3, 5)))[0].size == 0


@pytest.mark.slow
def test_a_tandem_is_best_near_its_matching_line() -> None:
    """At the best point both junctions generate the same to 4 %, and off the line the fill factor is higher."""
    made = map_of(pt.load("tandem-target"), "top.thickness=300..600 nm", "top.bandgap=1.7..1.86 eV", (5, 5))
    best = best_of(made)
    assert best["photocurrent_top"] == pytest.approx(best["photocurrent_bottom"], rel=0.04)
    assert made["matching_x"].size > 3
    off = float(np.abs(made["photocurrent_top"] / made["photocurrent_bottom"] - 1.0).max())
    assert off > 0.15
    corner = np.unravel_index(
        int(np.abs(made["photocurrent_top"] / made["photocurrent_bottom"] - 1.0).values.argmax()), (5, 5)
    )
    assert float(made["ff"].values[corner]) > best["ff"] + 0.02
