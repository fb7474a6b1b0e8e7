"""What a device is worth by a formula, in a module that worker processes and killed runs can import."""

import time
from typing import Any

import perotwin as pt
from perotwin.errors import ConvergenceError
from perotwin.study.merit import Merit

#: m, of the cell that devices are drawn of
NOW = float(pt.load("cell-a").get("perovskite.thickness"))


def judge(cell: Any) -> Merit:
    """Quick, and every number of it known; one in many devices fails."""
    thickness = float(cell.get("perovskite.thickness")) / NOW
    if thickness > 1.2:
        raise ConvergenceError("too thick.", "Thin it.", stage="test")
    return Merit(0.2 * thickness, 1.2, 200.0 * thickness, 0.8, 1.0, 190.0)


def slow(cell: Any) -> Merit:
    """The same, so slowly that a run can be killed in it."""
    time.sleep(0.002)
    return judge(cell)
