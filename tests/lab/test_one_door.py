"""`analyse` and `plot` need arrays only: a measured file goes through the same door as a simulated one."""

from collections.abc import Iterator

import pytest

import fresh
from perotwin import lab

# An import of the solver, or of what compiles it, ends the process. Of perotwin nothing is loaded yet.
BLOCKED = """
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[:2] == ["perotwin", "transport"] or name.split(".")[0] == "numba":
            raise ImportError(f"{name} is closed")

sys.meta_path.insert(0, Closed())
import numpy, scipy.interpolate, scipy.optimize, scipy.signal, pydantic, xarray
import matplotlib.backends.backend_agg, matplotlib.figure
assert "perotwin" not in sys.modules
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[fresh.Forks]:
    made = fresh.Forks(BLOCKED)
    yield made
    made.close()


@pytest.mark.parametrize("instrument", [one.name for one in lab.instruments()])
def test_analysis_and_figures_work_without_the_solver(instrument: str, forks: fresh.Forks) -> None:
    """Of each instrument there is a measurement made of formulas: in `synthetic`, or in a file of its own."""
    code = (
        "import importlib, sys\n"
        "import perotwin as pt\n"
        "import synthetic\n"
        f"make = getattr(synthetic, {instrument!r}, None)\n"
        f"dataset = make() if make else importlib.import_module('measured_{instrument}').dataset()\n"
        f"metrics = pt.lab.{instrument}.analyse(dataset)\n"
        f"figure = pt.lab.{instrument}.plot(dataset)\n"
        "assert len(metrics) > 0 and len(figure.axes) > 0\n"
        "assert not any(name.startswith('perotwin.transport') for name in sys.modules)\n"
    )
    returncode, said = forks(code)
    assert returncode == 0, said


@pytest.mark.parametrize("module", ["perotwin.transport", "numba"])
def test_the_solver_is_closed_there_and_each_starts_without_the_others(
    module: str, forks: fresh.Forks
) -> None:
    assert forks("import perotwin.units, sys; sys.modules['mine'] = sys") == (0, "")
    returncode, said = forks(
        f"import sys; assert not {{'mine', 'perotwin'}} & set(sys.modules); import {module}"
    )
    assert returncode == 1 and "is closed" in said
