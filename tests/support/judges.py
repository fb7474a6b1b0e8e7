"""What a cell is worth, made up: known optima, failures and interruptions for tests of design studies.

Here and not in the tests, because other processes import them by name.
"""

import math
import os
import time
from pathlib import Path

from perotwin import progress
from perotwin.errors import ConvergenceError
from perotwin.stack import Cell
from perotwin.study import Merit


def worth(value: float, **more: float) -> Merit:
    """A merit whose efficiency is `value`."""
    numbers = {"voc": 1.2, "jsc": 200.0, "ff": 0.8, "vmp": 1.0, "jmp": 180.0, **more}
    return Merit(pce=value, **numbers)


def thickness(cell: Cell) -> float:
    """Of the absorber, um."""
    return 1e6 * float(cell.get("perovskite.thickness"))


def hill(cell: Cell) -> Merit:
    """Best at 0.43 um and a permittivity of 17, where it is 0.2; the two pull at one another."""
    x, y = thickness(cell) - 0.43, float(cell.get("perovskite.permittivity")) / 17.0 - 1.0
    return worth(0.2 - x * x - 0.1 * y * y - 0.1 * x * y)


def slope(cell: Cell) -> Merit:
    """The more the better."""
    return worth(0.1 + 0.1 * thickness(cell))


def fringes(cell: Cell) -> Merit:
    """A hill about 0.6 um under fringes of 0.15 um: the highest crest is at 0.6 um."""
    x = thickness(cell) - 0.6
    return worth(0.2 - 0.3 * x * x + 0.01 * math.cos(2.0 * math.pi * x / 0.15))


def spike(cell: Cell) -> Merit:
    """`hill` about 0.43 um and 17, and far from it, at 0.66 um and 17, a narrow peak that is higher."""
    x, y = thickness(cell), float(cell.get("perovskite.permittivity")) / 17.0 - 1.0
    return worth(hill(cell).pce + 0.07 * math.exp(-(((x - 0.66) / 0.02) ** 2) - (y / 0.1) ** 2))


def patchy(cell: Cell) -> Merit:
    """`hill`, but without a solution above 0.5 um, and a fault of the program in a corner."""
    if thickness(cell) > 0.5:
        raise ConvergenceError("no solution.", "Take less.", voltage=1.0)
    if thickness(cell) < 0.32:
        raise ZeroDivisionError("a fault")
    return hill(cell)


def never(cell: Cell) -> Merit:
    """No cell can be solved."""
    raise ConvergenceError("no solution.", "Take less.", voltage=1.0)


def powers(cell: Cell) -> Merit:
    """0.1 times thickness (um) cubed over the square of the lifetime-like permittivity: slopes that are known."""
    return worth(0.1 * thickness(cell) ** 3 / float(cell.get("perovskite.permittivity")) ** 2)


def crossing(cell: Cell) -> Merit:
    """A tandem in miniature: the junctions generate the same where thickness (um) times 40 is the permittivity."""
    x, y = thickness(cell), float(cell.get("perovskite.permittivity"))
    made = worth(0.2 - 0.01 * (x - y / 40.0) ** 2)
    return Merit(**{name: made[name] for name in ("pce", "voc", "jsc", "ff", "vmp", "jmp")},
                 photocurrents={"top": 4000.0 * x, "bottom": 100.0 * y})  # fmt: skip


def late(cell: Cell) -> Merit:
    """`hill`, but the thinner the later: what is asked first comes last."""
    time.sleep(0.2 * max(0.0, 0.5 - thickness(cell)))
    return hill(cell)


def dying(cell: Cell) -> Merit:
    """A process that ends."""
    os._exit(3)


def waiting(folder: Path) -> None:
    """A worker that says that it is there, and waits for a work without end."""
    (folder / str(os.getpid())).touch()
    time.sleep(600.0)


class Stopping(progress.Silent):
    """A listener that presses Ctrl-C after so many cells."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, key: object, amount: float, label: str | None) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
