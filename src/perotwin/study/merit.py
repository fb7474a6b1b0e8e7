"""What a cell is worth: its efficiency and what that is made of, from as few solved states as will do.

    merit(pt.load("wbg-target")).pce

The numbers are those of `lab.jv`: short circuit, open circuit and maximum power are solved for, found from the same
curve on a coarser grid, and vouched for by the same run-time checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from perotwin.errors import ConvergenceError, InputError, PerotwinError
from perotwin.measurement import Metric, Metrics

if TYPE_CHECKING:
    from perotwin.stack import Cell, Tandem
    from perotwin.transport.build import Problem
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["NAMES", "Merit", "MeritOf", "Solved", "merit", "solved"]

#: the numbers by name, with their SI units
NAMES = {"pce": "1", "voc": "V", "jsc": "A m-2", "ff": "1", "vmp": "V", "jmp": "A m-2"}
#: step (V), for each junction in series, of the curve that is followed to find maximum power and open circuit: both are
#: then solved for, so that a finer one costs time and changes nothing
_STEP = 0.05


@dataclass(frozen=True)
class Merit:
    """What a cell is worth under its own light; SI.

    Attributes:
        pce, ff: fractions. voc, vmp: V. jsc, jmp: A m^-2. Of a tandem with four terminals pce is the sum of both
            junctions', each at its own point, and the others are NaN: there is no such voltage.
        photocurrents: pairs generated in each junction of a tandem, as a current (A m^-2), by its name; empty for a
            cell with one junction.
    """

    pce: float
    voc: float
    jsc: float
    ff: float
    vmp: float
    jmp: float
    photocurrents: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """One of `NAMES`, or "photocurrent JUNCTION"."""
        if name in NAMES:
            return float(getattr(self, name))
        return float(self.photocurrents[name.removeprefix("photocurrent ")])

    @property
    def values(self) -> dict[str, tuple[float, str]]:
        """Every number with its SI unit, by name."""
        found = {name: (self[name], unit) for name, unit in NAMES.items()}
        return found | {
            f"photocurrent {name}": (value, "A m-2") for name, value in self.photocurrents.items()
        }

    @property
    def metrics(self) -> Metrics:
        """The numbers as an instrument's analysis returns them."""
        return Metrics(
            {name: Metric(value, unit, "solved for") for name, (value, unit) in self.values.items()}
        )


#: what a study asks of each cell; for several processes it must be importable by name
MeritOf = Callable[["Cell"], Merit]


class Solved(NamedTuple):
    """A cell with the three states that tell what it is worth."""

    solver: Solver
    suns: float
    short: States
    opened: States
    best: States
    merit: Merit


def merit(cell: Cell) -> Merit:
    """Voc, Jsc, FF and PCE of a cell under its own light, ions as the cell says.

    Raises:
        InputError: the cell is in the dark, or cannot be one.
        ConvergenceError: a state could not be reached, or there is no point of maximum power.
        PerotwinError: a run-time check failed, so that the numbers cannot be vouched for.
    """
    from perotwin.stack import Tandem

    if isinstance(cell, Tandem) and cell.junction.kind == "separate" and cell.junction.terminals == "both":
        return _of_four_terminals(cell)
    return solved(cell).merit


def solved(cell: Cell) -> Solved:
    """What `merit` of a cell with two terminals stands on; raises as it does."""
    from perotwin.lab import conditions, jv
    from perotwin.stack import Tandem
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.states import join
    from perotwin.transport.steady import Solver

    intensity = float(cell.light.intensity)
    if not intensity > 0.0:
        raise InputError("a cell in the dark has no efficiency.", "Give it light.", key="light.intensity")
    problem = build(cell)
    solver = Solver(problem)
    step = 2.0 * _STEP if isinstance(cell, Tandem) else _STEP
    states = jv.curve(solver, jv.Protocol(step=step), intensity)
    points = jv.solved_points(solver, states, intensity)
    for name in ("short-circuit", "open-circuit", "maximum-power"):
        if name not in points or not points[name].converged.all():
            raise ConvergenceError(
                f"{name.replace('-', ' ')} of the cell was not reached.",
                "Look at its curve: perotwin jv with the same values.",
                stage=name,
            )
    short, opened, best = (points[name] for name in ("short-circuit", "open-circuit", "maximum-power"))
    found = {**steady_checks(join([short, opened, best])), **optical_checks(problem)}
    failed = [name for name, item in found.items() if not item.passed]
    if failed:
        raise PerotwinError(
            f'the run-time check "{failed[0]}" fails, so that the numbers of this cell cannot be vouched for.',
            "Look at perotwin jv with the same values.",
        )
    voc, jsc = float(opened.voltage[0]), float(short.current[0])
    vmp, jmp = float(best.voltage[0]), float(best.current[0])
    if not voc * jsc > 0.0:
        raise ConvergenceError(
            f"the cell gives no power (Voc {voc:.4g} V, Jsc {jsc:.4g} A/m2).",
            "Look at its contacts and bands.",
        )
    made = Merit(
        pce=vmp * jmp / conditions.irradiance(states),
        voc=voc,
        jsc=jsc,
        ff=vmp * jmp / (voc * jsc),
        vmp=vmp,
        jmp=jmp,
        photocurrents=_of_junctions(cell, problem),
    )
    return Solved(solver, intensity, short, opened, best, made)


def _of_four_terminals(cell: Tandem) -> Merit:
    """Both junctions, each measured at its own terminals."""
    found = {name: merit(cell.at(name)) for name in ("top", "bottom")}
    none = float("nan")
    return Merit(
        pce=sum(one.pce for one in found.values()),
        voc=none,
        jsc=none,
        ff=none,
        vmp=none,
        jmp=none,
        photocurrents={name: one.photocurrents[name] for name, one in found.items()},
    )


def _of_junctions(cell: Cell, problem: Problem) -> dict[str, float]:
    """What each junction of a tandem generates under its own light, A m^-2, by name; empty for other cells."""
    from perotwin.stack import Separate, Tandem

    if not isinstance(cell, Tandem):
        return {}
    intensity = float(cell.light.intensity)
    if isinstance(cell.junction, Separate):
        return {cell.junction.terminals: intensity * problem.photocurrent}
    return {name: intensity * value for name, value in problem.photocurrents.items()}
