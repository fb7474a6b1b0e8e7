"""Cells settled with all their ions, for tests of small signals and of modes."""

import numpy as np

import perotwin as pt
from devices import cell, everything, layer
from perotwin.stack import Cell, Stack
from perotwin.transport.build import build
from perotwin.transport.steady import Solver, State


def settled(stack: Cell, voltage: float, light: float = 1.0) -> tuple[Solver, State]:
    """The cell with all ions settled at a terminal voltage."""
    solver = Solver(build(stack).all_moving())
    found = solver.sweep([voltage], light)
    assert found.converged.all()
    return solver, found.state(0)


def open_circuit(stack: Cell, light: float = 1.0) -> tuple[Solver, State]:
    """The cell with all ions settled at open circuit."""
    solver = Solver(build(stack).all_moving())
    states = solver.sweep(np.arange(0.0, 1.6, 0.02), light)
    last = int(np.flatnonzero(states.converged & (states.current > 0.0))[-1])
    return solver, solver.open_circuit(states.state(last), light).state(0)


def with_circuit(stack: Stack) -> Stack:
    return stack.with_values({"circuit.series_resistance": 2e-4, "circuit.shunt_resistance": 0.1})


def three_ion_layers() -> Stack:
    """Neighbours with ions of their own share the node on their face."""
    ions = {"density": 1e23}
    both = {**ions, "second": {"density": 1e22, "charge": -1, "diffusion_coefficient": 1e-14}}
    return cell(
        layer("a", 200e-9, ions=ions, radiative=1e-16),
        layer("b", 200e-9, ions=both, radiative=1e-16),
        layer("c", 100e-9, ions=ions, radiative=1e-16),
        front=5.4,
        back=4.2,
        rate=1e27,
    )


CELLS = {
    "boltzmann": everything("boltzmann"),
    "fermi-dirac, thermionic": everything("fermi-dirac", transport=("thermionic", "thermionic")),
    "circuit": with_circuit(everything("fermi-dirac")),
    "library": pt.load("wbg-control"),
    "ions on both sides of faces": three_ion_layers(),
}
