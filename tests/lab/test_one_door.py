"""`analyse` and `plot` need arrays only: a measured file goes through the same door as a simulated one."""

import pytest

import fresh
from perotwin import lab

# An import of the solver, or of what compiles it, ends the process.
BLOCKED = """
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[:2] == ["perotwin", "transport"] or name.split(".")[0] == "numba":
            raise ImportError(f"{name} is closed")

sys.meta_path.insert(0, Closed())
import perotwin as pt
import importlib
import synthetic
"""


@pytest.mark.parametrize("instrument", [one.name for one in lab.instruments()])
def test_analysis_and_figures_work_without_the_solver(instrument: str) -> None:
    """Of each instrument there is a measurement made of formulas: in `synthetic`, or in a file of its own."""
    code = (
        f"{BLOCKED}\n"
        f"make = getattr(synthetic, {instrument!r}, None)\n"
        f"dataset = make() if make else importlib.import_module('measured_{instrument}').dataset()\n"
        f"metrics = pt.lab.{instrument}.analyse(dataset)\n"
        f"figure = pt.lab.{instrument}.plot(dataset)\n"
        "assert len(metrics) > 0 and len(figure.axes) > 0\n"
        "assert not any(name.startswith('perotwin.transport') for name in sys.modules)\n"
    )
    done = fresh.python("-c", code)
    assert done.returncode == 0, done.stderr
