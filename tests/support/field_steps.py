"""Steps by which numbers of a cell are changed where differences of whole solutions are taken."""

from perotwin.units import Quantity


def step_of(value: Quantity) -> tuple[float, float]:
    """A step in SI, and the size against which the derivative counts: the number itself, or one eV or K."""
    here = abs(float(value))
    if value.dimension == "energy":
        # an edge passes wavelengths of the frozen grid: the nearest of the library's cells is 0.1 meV away
        return 3e-5 * min(1.0, max(here / 0.1, 0.02)), 1.0
    if value.dimension == "temperature":
        return 0.02, 1.0
    return 5e-4 * here, here
