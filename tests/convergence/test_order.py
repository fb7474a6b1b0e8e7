"""The error falls with the square of the node distance, on the graded mesh that users get."""

import numpy as np

import perotwin as pt
from devices import states
from perotwin.stack import Stack
from perotwin.transport.mesh import Mesh, graded

#: short circuit, maximum power, open circuit of cell A
VOLTAGES = (0.0, 1.149, 1.2946)


def currents(stack: Stack, mesh: Mesh, voltages: tuple[float, ...]) -> np.ndarray:
    return states(stack, voltages, mesh=mesh).current


def base(stack: Stack, density: float = 20.0) -> Mesh:
    return graded([float(layer.thickness) for layer in stack.electrical_layers], density)


def test_second_order_on_cell_a() -> None:
    cell = pt.load("cell-a")
    mesh = base(cell)
    found = np.array([currents(cell, mesh.refined(factor), VOLTAGES) for factor in (1, 2, 4, 8)])
    change = np.abs(np.diff(found, axis=0))
    order = np.log2(change[:-1] / change[1:])
    assert np.all(order >= 1.9), order
    # and the mesh that users get is already good: what is left is below 0.01 % of the photocurrent
    assert np.all(np.abs(found[0] - found[-1]) < 1e-4 * found[0, 0])
