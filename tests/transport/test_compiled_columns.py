"""The solver that is kept on disk sees an edit of the file that names its columns."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import perotwin
from fresh import SUPPORT, python

HOUSE = Path(perotwin.__file__).parent

#: J-V points of a cell whose bands hold unlike densities of states, by a solver that says where it comes from
LINES = """
import json
from devices import cell, layer
from perotwin.transport import steady
from perotwin.transport.build import build
def currents(nc, nv):
    trap = [{"electron_lifetime": 1e-8, "hole_lifetime": 1e-7}]
    body = layer("body", 300e-9, nc=nc, nv=nv, mobility=(2e-4, 5e-5), trap=trap)
    solver = steady.Solver(build(cell(body, front=5.4, back=4.1, rate=1e28)))
    return solver.sweep([0.0, 0.6, 0.9, 1.1], 1.0).current.tolist()
print(json.dumps([steady.__file__, currents(1e24, 3e25), currents(3e25, 1e24)]))
"""


def measured(folder: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """The solver's file, its currents (A m^-2), and those of the cell with its densities of states exchanged, in a
    new process that finds the package in a folder.
    """
    search = os.pathsep.join([str(folder), str(SUPPORT)])
    done = python("-c", LINES, timeout=900, PYTHONPATH=search, NUMBA_CACHE_DIR="")
    assert done.returncode == 0, done.stderr
    file, current, turned = json.loads(done.stdout)
    return file, np.array(current), np.array(turned)


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}


@pytest.mark.long
def test_columns_that_change_places_change_no_result(tmp_path: Path) -> None:
    """What is read by the new names from arrays that were filled by the new names is what was read before."""
    house = tmp_path / "perotwin"
    # with what is compiled already, which is found by what the files hold
    shutil.copytree(HOUSE, house, ignore=shutil.ignore_patterns("*.pyc"))
    file, before, turned = measured(tmp_path)
    assert file == str(house / "transport" / "steady.py")
    # old code that reads the new columns would give the other cell's currents
    assert np.abs(turned / before - 1.0).max() > 1e-2
    first = kept(tmp_path)
    assert first

    columns = house / "transport" / "device.py"
    text = columns.read_text(encoding="utf-8")
    assert text.count("EC, EV, LN_NC, LN_NV, MU_N") == 1
    columns.write_text(text.replace("LN_NC, LN_NV, MU_N", "LN_NV, LN_NC, MU_N"), encoding="utf-8")
    _, after, _ = measured(tmp_path)
    assert after == pytest.approx(before, rel=1e-12)
    # what was solved with is compiled anew, and nothing that was kept of its old columns is left
    anew = {name.split("-")[0] for name in kept(tmp_path) - first}
    assert {"assemble.assemble", "newton.follow"} <= anew
    assert not [name for name in kept(tmp_path) & first if name.split("-")[0] in anew]
