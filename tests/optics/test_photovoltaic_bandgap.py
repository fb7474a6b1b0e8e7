"""`bandgap` is the inflection of the cell's EQE."""

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.materials.library import halide_tables
from perotwin.optics.photovoltaic_bandgap import absorption_edge, edge_map, inflection


@pytest.mark.parametrize(
    "gap",
    [
        1.10,
        1.20,
        1.25,
        1.30,
        1.35,
        1.40,
        1.45,
        1.50,
        1.55,
        1.60,
        1.65,
        1.70,
        1.75,
        1.79,
        1.85,
        1.90,
        2.0,
        2.1,
        2.2,
        2.3,
        2.4,
    ],
)
def test_the_cell_measures_its_bandgap_back(gap: float) -> None:
    """Over the whole range, in the cell that bandgaps are defined by."""
    stack = pt.load(halide_tables().cell).with_values({"perovskite.bandgap": gap})
    stack = stack.with_values({f"{part.name}.extrapolate": True for part in stack.layer})
    assert absorption_edge(stack) == pytest.approx(gap, abs=2e-3)


@pytest.mark.parametrize("gap", [1.20, 1.25, 1.32, 1.40, 1.50, 1.60, 1.70, 1.79, 1.90])
def test_the_eqe_measures_the_bandgap_back(gap: float) -> None:
    """Through carriers and the instrument: what a user of `perotwin eqe` reads off the curve."""
    stack = pt.load(halide_tables().cell).with_values({"perovskite.bandgap": gap})
    found = pt.lab.eqe.analyse(pt.lab.eqe.measure(stack))
    assert found["bandgap"].value == pytest.approx(gap, abs=5e-3)


@pytest.mark.parametrize("name", ["wbg-target", "wbg-control", "nbg", "nip-example"])
def test_the_cells_of_the_library_have_the_bandgap_that_they_state(name: str) -> None:
    stack = pt.load(name)
    assert absorption_edge(stack) == pytest.approx(float(stack.get("perovskite.bandgap")), abs=5e-3)


def test_the_map_is_what_its_cell_gives() -> None:
    tables = halide_tables()
    stack = pt.load(tables.cell)
    np.testing.assert_allclose(edge_map(stack, tables.bandgap), tables.edge, atol=1e-3)
    assert np.all(np.diff(tables.edge) > 0.5 * np.diff(tables.bandgap))


def test_inflection_of_a_known_curve() -> None:
    energy = np.arange(1.5, 1.8, 1e-3)
    assert inflection(energy, 1 / (1 + np.exp(-(energy - 1.6437) / 0.02))) == pytest.approx(1.6437, abs=1e-4)


def test_another_stack_says_how_far_its_edge_is() -> None:
    from perotwin.optics import absorb

    stack = pt.load("wbg-target").with_values({"perovskite.thickness": "300 nm"})
    edge = absorption_edge(stack)
    total = sum(float(part.thickness) for part in stack.electrical_layers)
    bounds = np.concatenate([[0.0], np.cumsum([float(part.thickness) for part in stack.electrical_layers])])
    assert bounds[-1] == pytest.approx(total)
    told = [note for note in absorb(stack, bounds).notes if "rises most steeply" in note]
    assert bool(told) == (abs(edge - 1.79) > 0.01)


def test_an_absorber_must_be_named_if_there_is_more_than_one_choice() -> None:
    with pytest.raises(InputError, match="0 absorbers"):
        absorption_edge(pt.load("wbg-target"), "c60")
