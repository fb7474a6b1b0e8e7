"""Ions that are held: where the whole circuit settled, at its terminal voltage and in its light."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

import perotwin as pt
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

FROZEN = Path(__file__).parents[1] / "data" / "tandem-with-frozen-ions.toml"


def held(cell: Any, bias: float, light: float) -> Any:
    """The cell with all its ions held where it settled."""
    response = {"kind": "frozen", "bias": bias, "light": light}
    paths = [
        f"{prefix}.{layer.name}" if prefix else layer.name
        for prefix, stack in cell.stacks.items()
        for layer in stack.electrical_layers
        if layer.ions is not None
    ]
    return cell.with_values({f"{path}.ions.response": response for path in paths})


@pytest.mark.parametrize(
    ("name", "bias", "light"),
    [
        ("wbg-target", 1.1, 1.0),
        ("wbg-target", 1.2, 0.0),
        ("tandem-target", 1.9, 1.0),
        ("tandem-target", 0.9, 0.0),
        ("patchy-tandem", 1.8, 0.3),
    ],
)
def test_where_the_ions_were_held_the_cell_is_as_with_free_ones(name: str, bias: float, light: float) -> None:
    """Of one junction with resistances, of columns and of junctions in series alike."""
    cell = pt.load(name)
    free = Solver(build(cell).all_moving()).sweep([bias], light)
    kept = Solver(build(held(cell, bias, light))).sweep([bias], light)
    assert free.converged.all() and kept.converged.all()
    scale = max(abs(float(free.current[0])), 1e-6)
    assert float(kept.current[0]) == pytest.approx(float(free.current[0]), abs=1e-7 * scale)
    for one, other in zip(kept.parts, free.parts, strict=True):
        assert one.junction_voltage == pytest.approx(other.junction_voltage, abs=1e-8)


def test_a_tandem_holds_them_where_its_junctions_stand_at_the_terminal_voltage() -> None:
    """A root finder over its two junctions apart: the same current through both and through what is in series."""
    tandem = pt.load(FROZEN)
    assert isinstance(tandem, Tandem)
    problem = build(tandem)
    solver = Solver(problem)
    top, bottom = (Solver(problem.group(number).all_moving()) for number in (0, 1))
    resistance = problem.circuit.resistance

    def current(one: Solver, voltage: float) -> float:
        return float(one.sweep([voltage], 0.0).current[0])

    def mismatch(voltage: float) -> float:
        own = current(top, voltage)
        return own - current(bottom, 0.9 + resistance * own - voltage)

    there = float(brentq(mismatch, 0.0, 0.9, xtol=1e-12))
    # two shunts of 1e4 ohm cm^2 share the voltage long before diodes do
    assert there == pytest.approx(0.45, abs=0.02)
    alone = build(
        tandem.with_values({"top.perovskite.ions.response": {"kind": "frozen", "bias": there}})
    ).group(0)
    mine = solver.frozen_density[problem.sites[0]]
    assert mine == pytest.approx(Solver(alone).frozen_density, rel=1e-6)
    assert np.all(solver.frozen_density[problem.sites[1]] == 0.0)
    assert np.array_equal(solver.junctions["top"].frozen_density, mine)
    made = pt.lab.jv.measure(tandem, pt.lab.jv.Protocol(junctions=False))
    assert float(pt.lab.jv.analyse(made)["pce"]) == pytest.approx(0.2628, abs=1e-4)
