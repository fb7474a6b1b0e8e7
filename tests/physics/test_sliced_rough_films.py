"""Voc and Jsc of a rough film in any number of slices: to 0.02 mV and 1e-4 those of the film in one layer."""

import pytest

import perotwin as pt
from perotwin.lab import jv
from perotwin.stack import Stack, Tandem
from sliced_films import sliced, without_ions

ROUGH = {"niox|perovskite.roughness": "16 nm", "perovskite|c60.roughness": "40 nm"}
THICK = {"niox.thickness": "60 nm", "c60.thickness": "60 nm"}


def library(**changes: str) -> Stack:
    found = pt.load("wbg-control")
    assert isinstance(found, Stack)
    return without_ions(found.with_values(changes))


def figures(cell: Stack | Tandem) -> tuple[float, float]:
    """Voc (V) and Jsc (A m^-2)."""
    found = jv.analyse(jv.measure(cell))
    return float(found["voc"]), float(found["jsc"])


CELLS = {"as in the library": library(), "rough on both faces": library(**THICK, **ROUGH)}


@pytest.fixture(scope="module")
def wholes() -> dict[str, tuple[float, float]]:
    return {name: figures(cell) for name, cell in CELLS.items()}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    "sizes",
    [[450.0 / n] * n for n in (2, 3, 10)]
    + [[0.3, 449.7], [449.7, 0.3], [449.0, 1.0], [445.0, 5.0], [20.0, 430.0]],
    ids=lambda sizes: f"{len(sizes)}, {sizes[0]:.3g} nm first",
)
def test_a_rough_film_in_slices_is_one_film(
    name: str, sizes: list[float], wholes: dict[str, tuple[float, float]]
) -> None:
    voc, jsc = figures(sliced(CELLS[name], "perovskite", sizes))
    assert voc == pytest.approx(wholes[name][0], abs=2e-5)
    assert jsc == pytest.approx(wholes[name][1], rel=1e-4)


def test_what_is_left_is_the_mesh_and_not_the_light() -> None:
    """A cell with smooth faces differs by as much: slices have meshes of their own."""
    smooth = CELLS["rough on both faces"].with_values(dict.fromkeys(ROUGH, "0 nm"))
    sizes = [45.0] * 10
    off = [
        figures(sliced(cell, "perovskite", sizes))[0] - figures(cell)[0]
        for cell in (CELLS["rough on both faces"], smooth)
    ]
    assert off[0] == pytest.approx(off[1], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("film", ["top.perovskite", "bottom.perovskite"])
def test_a_rough_film_of_a_tandem_in_slices_is_one_film(film: str) -> None:
    found = pt.load("tandem-control")
    assert isinstance(found, Tandem)
    given = {key: getattr(found, key) for key in found.model_fields_set}
    stacks = {key: without_ions(stack) for key, stack in found.cells.items() if isinstance(stack, Stack)}
    whole = Tandem(**(given | stacks)).with_values(
        {"bottom.perovskite|c60.roughness": "40 nm", "bottom.c60.thickness": "60 nm"}
    )
    which, _, name = film.partition(".")
    size = 1e9 * float(whole.stacks[which].named(name).thickness)
    wanted = figures(whole)
    for sizes in ([size - 2.0, 2.0], [size / 3] * 3):
        voc, jsc = figures(sliced(whole, film, sizes))
        assert voc == pytest.approx(wanted[0], abs=2e-5)
        assert jsc == pytest.approx(wanted[1], rel=1e-4)
