"""`analyse` and `plot` need arrays only: a measured file goes through the same door as a simulated one."""

import pytest

import fresh

# An import of the solver, or of what compiles it, ends the process.
BLOCKED = """
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[:2] == ["perotwin", "transport"] or name.split(".")[0] == "numba":
            raise ImportError(f"{name} is closed")

sys.meta_path.insert(0, Closed())
import perotwin as pt
import synthetic
"""


@pytest.mark.parametrize(
    "instrument",
    ["jv", "eqe", "el", "bands", "impedance", "cv", "tpv", "tpc", "scan", "mppt", "kpfm", "tof_sims", "xps"],
)
def test_analysis_and_figures_work_without_the_solver(instrument: str) -> None:
    code = (
        f"{BLOCKED}\n"
        f"dataset = synthetic.{instrument}()\n"
        f"metrics = pt.lab.{instrument}.analyse(dataset)\n"
        f"figure = pt.lab.{instrument}.plot(dataset)\n"
        "assert len(metrics) > 0 and len(figure.axes) > 0\n"
        "assert not any(name.startswith('perotwin.transport') for name in sys.modules)\n"
    )
    done = fresh.python("-c", code)
    assert done.returncode == 0, done.stderr
